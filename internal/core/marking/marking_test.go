package marking

import (
	"testing"

	"casus/stix"
	"casus/tlp"
)

func TestSetRoundTrip(t *testing.T) {
	t.Parallel()
	for _, s := range []Set{
		{},
		{TLP: tlp.Amber, Imputed: true},
		{TLP: tlp.Clear, Refs: []string{"marking-definition--a", "marking-definition--b"}},
	} {
		got, err := Parse(s.String())
		if err != nil || got.String() != s.String() {
			t.Errorf("Parse(%q) = %q, %v", s, got, err)
		}
	}
	for _, bad := range []string{"", "pink", "TLP:AMBER;", "amber", "TLP:RED;b;a;imputed", ";imputed"} {
		if got, err := Parse(bad); err == nil {
			t.Errorf("Parse(%q) = %v, want an error", bad, got)
		}
	}
}

func TestCombineNeverWidens(t *testing.T) {
	t.Parallel()
	for _, a := range tlp.Labels() {
		for _, b := range tlp.Labels() {
			for _, ia := range []bool{false, true} {
				got := Combine(Set{TLP: a, Imputed: ia, Refs: []string{"marking-definition--x"}}, Set{TLP: b})
				if got.TLP > a || got.TLP > b || len(got.Refs) != 1 {
					t.Errorf("Combine(%v, %v) = %v", a, b, got)
				}
			}
		}
	}
}

func TestLabelUnknownIsRed(t *testing.T) {
	t.Parallel()
	s := Set{TLP: tlp.Clear, Refs: []string{"marking-definition--a"}}
	if got := s.Label(nil); got != tlp.Red {
		t.Errorf("Label with an unknown definition = %v, want RED", got)
	}
	if got := s.Label(func(string) bool { return true }); got != tlp.Clear {
		t.Errorf("Label with an inert definition = %v, want CLEAR", got)
	}
	if got := (Set{}).Label(nil); got != tlp.Red {
		t.Errorf("zero set is %v, want RED", got)
	}
}

func TestOf(t *testing.T) {
	t.Parallel()
	green := tlp.Green
	const head = `{"type":"identity","spec_version":"2.1","id":"identity--9a4756dd-3c7a-4772-8d3b-5d3b5a8ef850"`
	tests := []struct {
		name, obj string
		def       Set
		want      string
	}{
		{"unmarked takes the default", head + `}`, Default(&green), "TLP:GREEN;imputed"},
		{"unmarked without a default is RED", head + `}`, Default(nil), "TLP:RED;imputed"},
		{"own label wins over the default", head + `,"object_marking_refs":["marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003"]}`, Default(&green), "TLP:AMBER+STRICT"},
		{"the tightest of two", head + `,"object_marking_refs":["marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487","marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"]}`, Default(&green), "TLP:RED"},
		{"a field marking counts for all", head + `,"granular_markings":[{"marking_ref":"marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1","selectors":["id"]}]}`, Default(&green), "TLP:RED"},
		{"a field marking says nothing of the other fields", head + `,"granular_markings":[{"marking_ref":"marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487","selectors":["id"]}]}`, Default(nil), "TLP:RED;imputed;marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"},
		{"a field marking tightens the own label", head + `,"object_marking_refs":["marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"],"granular_markings":[{"marking_ref":"marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003","selectors":["id"]}]}`, Default(nil), "TLP:AMBER+STRICT"},
		{"an unknown definition is kept", head + `,"object_marking_refs":["marking-definition--00000000-0000-4000-8000-000000000000"]}`, Default(&green), "TLP:GREEN;imputed;marking-definition--00000000-0000-4000-8000-000000000000"},
	}
	for _, tt := range tests {
		o, err := stix.Parse([]byte(tt.obj), stix.Limits{})
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if got := Of(o, tt.def).String(); got != tt.want {
			t.Errorf("%s: Of = %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestWithin(t *testing.T) {
	t.Parallel()
	green, clear := tlp.Green, tlp.Clear
	field := Set{TLP: tlp.Red, Imputed: true, Refs: []string{tlp.Amber.Definition()}}
	tests := []struct {
		name           string
		own, container Set
		want           string
		label          tlp.Label
	}{
		{"own label in an unmarked container", Set{TLP: tlp.Green}, Default(nil), "TLP:GREEN", tlp.Green},
		{"own label in a container under a wider default", Set{TLP: tlp.Amber}, Default(&clear), "TLP:AMBER", tlp.Amber},
		{"own label in a container under a closer default", Set{TLP: tlp.Clear}, Default(&green), "TLP:CLEAR", tlp.Clear},
		{"own label in a closer container", Set{TLP: tlp.Green}, Set{TLP: tlp.Amber}, "TLP:AMBER", tlp.Amber},
		{"own label in a wider container", Set{TLP: tlp.Amber}, Set{TLP: tlp.Clear}, "TLP:AMBER", tlp.Amber},
		{"no label in a marked container", Default(nil), Set{TLP: tlp.Green}, "TLP:GREEN", tlp.Green},
		{"no label at all", Default(nil), Default(nil), "TLP:RED;imputed", tlp.Red},
		{"the source's default", Default(&green), Default(&green), "TLP:GREEN;imputed", tlp.Green},
		{"fields closer than the container", field, Set{TLP: tlp.Clear}, "TLP:CLEAR;" + tlp.Amber.Definition(), tlp.Amber},
		{"fields marked in an unmarked container", field, Default(nil), "TLP:RED;imputed;" + tlp.Amber.Definition(), tlp.Red},
		{"an unknown definition of an unmarked container", Set{TLP: tlp.Green}, Set{TLP: tlp.Red, Imputed: true, Refs: []string{"marking-definition--a"}}, "TLP:GREEN;marking-definition--a", tlp.Red},
	}
	for _, tt := range tests {
		got := Within(tt.own, tt.container)
		if got.String() != tt.want || got.Label(nil) != tt.label {
			t.Errorf("%s: Within = %v, label %v, want %s, %v", tt.name, got, got.Label(nil), tt.want, tt.label)
		}
	}
}

// TestWithinNeverWidensAWord holds every stated label against every container.
func TestWithinNeverWidensAWord(t *testing.T) {
	t.Parallel()
	for _, a := range tlp.Labels() {
		for _, b := range tlp.Labels() {
			for _, imputed := range []bool{false, true} {
				got := Within(Set{TLP: a}, Set{TLP: b, Imputed: imputed})
				if got.TLP > a || !imputed && got.TLP > b || got.Imputed {
					t.Errorf("Within(%v, %v, imputed %v) = %v", a, b, imputed, got)
				}
			}
		}
	}
}
