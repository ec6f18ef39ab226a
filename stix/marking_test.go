package stix

import (
	"errors"
	"slices"
	"testing"
)

const (
	markA = "marking-definition--aaaaaaaa-5d0a-4c11-9a53-7be0d1a7c001"
	markB = "marking-definition--bbbbbbbb-5d0a-4c11-9a53-7be0d1a7c001"
	markC = "marking-definition--cccccccc-5d0a-4c11-9a53-7be0d1a7c001"
)

// marked is an object marked as a whole by C, in parts by A and B, with a
// description in German.
var marked = sdo("report", `"name":"n","description":"d","published":"2026-01-01T00:00:00Z","object_refs":["`+someFile+`"],"external_references":[{"source_name":"s","url":"https://example.com"}],"object_marking_refs":["`+markC+
	`"],"granular_markings":[{"marking_ref":"`+markA+`","selectors":["external_references"]},{"marking_ref":"`+markB+`","selectors":["external_references.[0].url","name"]},{"lang":"de","selectors":["description"]}]`)

func TestMarkingsAt(t *testing.T) {
	t.Parallel()
	const url = "external_references.[0].url"
	tests := []struct {
		name      string
		selectors []string
		reach     Reach
		want      []string
	}{
		{"the whole object", nil, Reach{}, []string{markC}},
		{"a place", []string{"name"}, Reach{}, []string{markB}},
		{"a language", []string{"description"}, Reach{}, []string{"de"}},
		{"a language not asked for", []string{"description"}, Reach{NoLangs: true}, nil},
		{"a marking not asked for", []string{"name"}, Reach{NoRefs: true}, nil},
		{"exactly here", []string{url}, Reach{}, []string{markB}},
		{"what it lies in", []string{url}, Reach{Inherited: true}, []string{markA, markB, markC}},
		{"what lies in it", []string{"external_references"}, Reach{Descendants: true}, []string{markA, markB}},
		{"beside it", []string{"external_references.[0].source_name"}, Reach{Inherited: true}, []string{markA, markC}},
		{"a name that begins alike", []string{"object_refs"}, Reach{Descendants: true}, nil},
	}
	for _, tt := range tests {
		got, err := MarkingsAt([]byte(marked), tt.selectors, tt.reach)
		if err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%s: MarkingsAt = %v, %v, want %v", tt.name, got, err, tt.want)
		}
		if yes, err := IsMarked([]byte(marked), nil, tt.selectors, tt.reach); err != nil || yes != (len(tt.want) > 0) {
			t.Errorf("%s: IsMarked = %v, %v", tt.name, yes, err)
		}
	}
	for _, sel := range []string{"", "pattern", "name.[0]", "external_references.[1]", "external_references.url", "[0]", "name."} {
		if got, err := MarkingsAt([]byte(marked), []string{sel}, Reach{}); !errors.Is(err, ErrSelector) {
			t.Errorf("MarkingsAt(%q) = %v, %v, want ErrSelector", sel, got, err)
		}
	}
}

func TestChangeMarkings(t *testing.T) {
	t.Parallel()
	o, err := Parse([]byte(marked), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	name := []string{"name"}
	tests := []struct {
		name string
		do   func() (*Object, error)
		at   []string
		want []string
		err  error
	}{
		{"add to a place", func() (*Object, error) { return AddMarkings(o, laterTime, []string{markA, "fr"}, name) }, name, []string{markA, markB, "fr"}, nil},
		{"add to the whole", func() (*Object, error) { return AddMarkings(o, laterTime, []string{markA, markC}, nil) }, nil, []string{markC, markA}, nil},
		{"add no marking", func() (*Object, error) { return AddMarkings(o, laterTime, []string{"tool--" + uuid4}, name) }, nil, nil, ErrMarkingRef},
		{"add to nothing", func() (*Object, error) { return AddMarkings(o, laterTime, []string{markA}, []string{"x"}) }, nil, nil, ErrSelector},
		{"remove from a place", func() (*Object, error) { return RemoveMarkings(o, laterTime, []string{markB}, name) }, name, nil, nil},
		{"remove what is not there", func() (*Object, error) { return RemoveMarkings(o, laterTime, []string{markA}, name) }, nil, nil, ErrNotMarked},
		{"remove from the whole", func() (*Object, error) { return RemoveMarkings(o, laterTime, []string{markC}, nil) }, nil, nil, nil},
		{"clear a place", func() (*Object, error) { return ClearMarkings(o, laterTime, name, Reach{}) }, name, nil, nil},
		{"clear languages alone", func() (*Object, error) { return ClearMarkings(o, laterTime, name, Reach{NoRefs: true}) }, name, []string{markB}, nil},
		{"clear what is clear", func() (*Object, error) { return ClearMarkings(o, laterTime, []string{"type"}, Reach{}) }, nil, nil, ErrNotMarked},
		{"set a place", func() (*Object, error) { return SetMarkings(o, laterTime, []string{markC}, name, Reach{}) }, name, []string{markC}, nil},
		{"set the whole", func() (*Object, error) { return SetMarkings(o, laterTime, []string{markA}, nil, Reach{}) }, nil, []string{markA}, nil},
	}
	for _, tt := range tests {
		got, err := tt.do()
		if tt.err != nil {
			if !errors.Is(err, tt.err) {
				t.Errorf("%s: %v, want %v", tt.name, err, tt.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		have, err := MarkingsAt(got.Raw(), tt.at, Reach{})
		slices.Sort(have)
		want := slices.Clone(tt.want)
		slices.Sort(want)
		if err != nil || !slices.Equal(have, want) {
			t.Errorf("%s: %v, %v, want %v", tt.name, have, err, tt.want)
		}
		if found := Validate(got, Options{}); len(found) > 0 || CompareTimes(got.Modified(), o.Modified()) <= 0 {
			t.Errorf("%s: %v, modified %s", tt.name, found, got.Modified())
		}
	}
}

func TestMarkingOf(t *testing.T) {
	t.Parallel()
	definition := func(id, members string) string {
		return `{"type":"marking-definition","spec_version":"2.1","id":"` + id + `","created":"2026-01-01T00:00:00.000Z",` + members + `}`
	}
	tests := []struct {
		name, object, want string
		scheme             Scheme
	}{
		{"TLP 1.0 by id", definition("marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9", `"name":"x"`), "TLP:WHITE", SchemeTLP1},
		{"an id outweighs what is stated", definition("marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1", `"extensions":{"`+TLP2Extension+`":{"tlp_2_0":"clear"}}`), "TLP:RED", SchemeTLP2},
		{"TLP 2.0 by extension", definition(someMarking, `"extensions":{"`+TLP2Extension+`":{"tlp_2_0":"amber+strict"}}`), "TLP:AMBER+STRICT", SchemeTLP2},
		{"PAP by id", definition("marking-definition--740d36e5-7714-4c30-961a-3ae632ceee0e", `"name":"x"`), "PAP:RED", SchemePAP},
		{"IEP by extension", definition(someMarking, `"extensions":{"`+IEPExtension+`":{"tlp":"amber"}}`), "IEP TLP:AMBER", SchemeIEP},
		{"dialect", definition(someMarking, `"definition_type":"statement","definition":{"statement":"custom"},"x_opencti_definition":"TLP:AMBER+STRICT"`), "TLP:AMBER+STRICT", SchemeTLP2},
		{"statement", definition(someMarking, `"definition_type":"statement","definition":{"statement":"TLP:CLEAR"}`), "", ""},
		{"unknown level", definition(someMarking, `"extensions":{"`+TLP2Extension+`":{"tlp_2_0":"pink"}}`), "", ""},
		{"no marking", sdo("tool", `"name":"x"`), "", ""},
	}
	for _, tt := range tests {
		o, err := Parse([]byte(tt.object), Limits{})
		if err != nil {
			t.Fatal(err)
		}
		m, ok := MarkingOf(o)
		if ok != (tt.want != "") || ok && (m.Name() != tt.want || m.Scheme != tt.scheme) {
			t.Errorf("%s: MarkingOf = %q of %q, %v, want %q", tt.name, m.Name(), m.Scheme, ok, tt.want)
		}
	}
}

// FuzzMarkings: reading and changing markings never panics, and what is added is
// there.
func FuzzMarkings(f *testing.F) {
	f.Add([]byte(marked), "name", markA)
	f.Add([]byte(marked), "external_references.[0].url", "de")
	f.Add([]byte(`{"a":[{"b":1}],"granular_markings":[{"selectors":["a.[0].b"],"lang":"x"}]}`), "a.[0]", "")
	f.Fuzz(func(t *testing.T, raw []byte, selector, mark string) {
		o, err := Parse(raw, Limits{})
		if err != nil {
			return
		}
		places := []string{selector}
		if _, err := MarkingsAt(raw, places, Reach{Inherited: true, Descendants: true}); err != nil && !errors.Is(err, ErrSelector) {
			t.Fatal(err)
		}
		got, err := AddMarkings(o, laterTime, []string{mark}, places)
		if err != nil {
			return
		}
		if yes, err := IsGranularMarked(got.Raw(), []string{mark}, places, Reach{}); err != nil || !yes {
			t.Errorf("%q at %q of %s is not marked: %v", mark, selector, got.Raw(), err)
		}
		if _, err := RemoveMarkings(got, laterTime, []string{mark}, places); err != nil {
			t.Errorf("removing %q at %q of %s: %v", mark, selector, got.Raw(), err)
		}
	})
}
