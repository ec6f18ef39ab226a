package tlp

import "testing"

func TestParse(t *testing.T) {
	t.Parallel()
	tests := []struct {
		in   string
		want Label
		ok   bool
	}{
		{"", Red, false},
		{"TLP:CLEAR", Clear, true},
		{"white", Clear, true},
		{"tlp:amber+strict", AmberStrict, true},
		{"TLP: AMBER", Red, false},
		{" green ", Green, true},
		{"Amber", Amber, true},
		{"pink", Red, false},
	}
	for _, tt := range tests {
		if got, ok := Parse(tt.in); got != tt.want || ok != tt.ok {
			t.Errorf("Parse(%q) = %v, %v, want %v, %v", tt.in, got, ok, tt.want, tt.ok)
		}
	}
	var zero Label
	if zero != Red {
		t.Errorf("the zero label is %v, want RED", zero)
	}
}

func TestDefinitions(t *testing.T) {
	t.Parallel()
	for _, l := range Labels() {
		if got, ok := ByDefinition(l.Definition()); !ok || got != l {
			t.Errorf("ByDefinition(%v.Definition()) = %v, %v", l, got, ok)
		}
		if got, ok := Parse(l.String()); !ok || got != l {
			t.Errorf("Parse(%v.String()) = %v, %v", l, got, ok)
		}
	}
	if _, ok := ByDefinition("marking-definition--00000000-0000-4000-8000-000000000000"); ok {
		t.Error("an unknown id is known")
	}
}
