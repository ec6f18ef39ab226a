package api

import (
	"bytes"
	"testing"

	"casus/stix"
)

// TestExportNeverLoosens writes one object under each label it may be held
// under: what leaves bears that label or its own, whichever is closer.
func TestExportNeverLoosens(t *testing.T) {
	t.Parallel()
	const (
		head  = `{"type":"identity","spec_version":"2.1","id":"identity--9a4756dd-3c7a-4772-8d3b-5d3b5a8ef850","name":"a\"b"`
		green = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
		red   = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"
		clear = "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"
	)
	tests := []struct{ name, in, label, want string }{
		{"unmarked held RED", head + `}`, "TLP:RED", head + `,"object_marking_refs":["` + red + `"]}`},
		{"unmarked held CLEAR", head + `}`, "TLP:CLEAR", head + `,"object_marking_refs":["` + clear + `"]}`},
		{"own label is closer", head + `,"object_marking_refs":["` + red + `"]}`, "TLP:GREEN", head + `,"object_marking_refs":["` + red + `"]}`},
		{"own label is wider", head + `,"object_marking_refs":["` + green + `"]}`, "TLP:RED", head + `,"object_marking_refs":["` + green + `","` + red + `"]}`},
		{"own label is the same", head + `,"object_marking_refs":["` + green + `"]}`, "TLP:GREEN", head + `,"object_marking_refs":["` + green + `"]}`},
	}
	for _, tt := range tests {
		o, err := stix.Parse([]byte(tt.in), stix.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := writeMarked(stix.NewLineWriter(&b))(o, tt.label); err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if got := string(bytes.TrimSpace(b.Bytes())); got != tt.want {
			t.Errorf("%s: wrote %s, want %s", tt.name, got, tt.want)
		}
	}
}
