package view

import "testing"

func TestStricter(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, a, b, want string }{
		{"first", "", "TLP:GREEN", "TLP:GREEN"},
		{"narrower later", "TLP:GREEN", "TLP:AMBER+STRICT", "TLP:AMBER+STRICT"},
		{"narrower before", "TLP:RED", "TLP:CLEAR", "TLP:RED"},
		{"no label", "TLP:CLEAR", "unknown", "TLP:RED"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := stricter(tc.a, tc.b); got != tc.want {
				t.Errorf("stricter(%q, %q) = %q, want %q", tc.a, tc.b, got, tc.want)
			}
		})
	}
}
