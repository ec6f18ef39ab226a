package marking

import (
	"encoding/xml"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"casus/internal/core/alliance"
	"casus/internal/fault"
)

const labelText = `<?xml version="1.0" encoding="UTF-8"?>
<l:originatorConfidentialityLabel xmlns:l="urn:nato:stanag:4774:confidentialitymetadatalabel:1:0" ReviewDateTime="2031-02-01T00:00:00Z" Id="x1">
  <l:ConfidentialityInformation>
    <l:PolicyIdentifier URI="urn:oid:2.25.60912377481903826661702945118273540217">Arkania</l:PolicyIdentifier>
    <l:Classification> RESERVED </l:Classification>
    <l:PrivacyMark>only on paper</l:PrivacyMark>
    <l:Category TagName="Special Handling" Type="RESTRICTIVE"><l:GenericValue>HARBOUR</l:GenericValue><l:GenericValue>PIER</l:GenericValue></l:Category>
    <l:Category TagName="Releasable To" Type="PERMISSIVE"><l:GenericValue>BBB</l:GenericValue><l:GenericValue>AAA</l:GenericValue></l:Category>
    <l:Category TagName="Administrative" Type="INFORMATIVE"><l:GenericValue>file 7</l:GenericValue></l:Category>
  </l:ConfidentialityInformation>
  <l:OriginatorID IDType="rfc822Name">desk@example.org</l:OriginatorID>
  <l:CreationDateTime>2026-02-01T13:00:00+01:00</l:CreationDateTime>
  <x:Other xmlns:x="urn:example:other"><x:Deep/></x:Other>
</l:originatorConfidentialityLabel>
`

func parseLabel(t *testing.T, text string) *Label {
	t.Helper()
	l, err := ParseLabel([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestParseLabel(t *testing.T) {
	t.Parallel()
	got := parseLabel(t, labelText)
	want := &Label{
		Root: "originatorConfidentialityLabel", Policy: "Arkania", PolicyURI: "urn:oid:2.25.60912377481903826661702945118273540217",
		Classification: "RESERVED", PrivacyMark: "only on paper",
		Categories: []Category{
			{Tag: "Special Handling", Type: Restrictive, Values: []string{"HARBOUR", "PIER"}},
			{Tag: "Releasable To", Type: Permissive, Values: []string{"BBB", "AAA"}},
			{Tag: "Administrative", Type: Informative, Values: []string{"file 7"}},
		},
		Created: time.Date(2026, 2, 1, 12, 0, 0, 0, time.UTC), Review: time.Date(2031, 2, 1, 0, 0, 0, 0, time.UTC),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ParseLabel (-want +got):\n%s", diff)
	}
	set := builtInLadders(t).Set(got)
	if text := set.String(); text != "TLP:RED;imputed;rel=AAA,BBB;class=arkania/RESERVED;caveat=Special Handling HARBOUR,Special Handling PIER" {
		t.Errorf("Set = %s", text)
	}
}

// write returns a label in XML.
func write(t *testing.T, l *Label) string {
	t.Helper()
	b, err := xml.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestLabelText(t *testing.T) {
	t.Parallel()
	l := parseLabel(t, labelText)
	l.Categories = append(l.Categories, Category{Tag: "A & <B>", Type: Restrictive, URI: "urn:oid:2.25.1", Values: []string{"\"x\" <y> & 'z'"}})
	text := write(t, l)
	if diff := cmp.Diff(l, parseLabel(t, text)); diff != "" {
		t.Errorf("%s\n(-want +got):\n%s", text, diff)
	}
	golden := "testdata/labels/arkania.xml"
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.TrimSpace(string(want)), text); diff != "" {
		t.Errorf("%s (-want +got):\n%s", golden, diff)
	}
}

// TestLabelsOfSet checks that what goes out comes in again as narrow as it was.
func TestLabelsOfSet(t *testing.T) {
	t.Parallel()
	ls := builtInLadders(t)
	for _, l := range []Limits{
		{Classes: []Level{"alliance/SECRET"}},
		{Classes: []Level{"arkania/HIGHLY SECRET"}, Caveats: []string{"Caveat", "Caveat ONE", "ONE", "Special Handling HARBOUR", "X Y Z"}},
		{Classes: []Level{"alliance/UNCLASSIFIED"}, Releasable: Only[alliance.Member]()},
		{Classes: []Level{"alliance/RESTRICTED", "arkania/RESERVED"}, Releasable: Only[alliance.Member]("AAA", "CCC")},
	} {
		want := Set{Imputed: true, Limits: l}
		labels, err := ls.Labels(want, latticeNow)
		if err != nil || len(labels) != len(l.Classes) {
			t.Fatalf("Labels(%s) = %d, %v", want, len(labels), err)
		}
		got := ls.Set(parseLabel(t, write(t, labels[0])))
		for _, more := range labels[1:] {
			if more.Root != "alternativeConfidentialityLabel" {
				t.Errorf("the second label is a %s", more.Root)
			}
			got = Within(got, ls.Set(parseLabel(t, write(t, more))))
		}
		if got.String() != want.String() {
			t.Errorf("%s comes back as %s", want, got)
		}
	}
	if got, err := ls.Labels(Set{Classes: []Level{noLevel}}, latticeNow); err == nil {
		t.Errorf("Labels of an unknown level = %v, want a refusal", got)
	}
	if got, err := ls.Labels(Set{}, latticeNow); err != nil || got != nil {
		t.Errorf("Labels of nothing classified = %v, %v, want none", got, err)
	}
}

// TestLabelSetIsNarrow gives labels that are not all understood.
func TestLabelSetIsNarrow(t *testing.T) {
	t.Parallel()
	ls := builtInLadders(t)
	base := Label{Policy: "ALLIANCE", Classification: "Restricted"}
	tests := []struct {
		name   string
		change func(*Label)
		want   string // after "TLP:RED;imputed;"
	}{
		{"as it is, in another case", func(*Label) {}, "class=alliance/RESTRICTED"},
		{"unknown policy", func(l *Label) { l.Policy = "ELSEWHERE" }, "class=unknown/UNKNOWN"},
		{"unknown level", func(l *Label) { l.Classification = "VERY" }, "class=unknown/UNKNOWN"},
		{"level of another ladder", func(l *Label) { l.Classification = "RESERVED" }, "class=unknown/UNKNOWN"},
		{"identifier of another policy", func(l *Label) { l.PolicyURI = "urn:oid:2.25.60912377481903826661702945118273540217" }, "class=unknown/UNKNOWN"},
		{"permissive category of another kind", func(l *Label) {
			l.Categories = []Category{{Tag: "Only", Type: Permissive, Values: []string{"AAA"}}}
		}, "rel=;class=alliance/RESTRICTED"},
		{"a second one", func(l *Label) {
			l.Categories = []Category{{Tag: "ReleasableTo", Type: Permissive, Values: []string{"AAA", "BBB"}}, {Tag: "releasable to", Type: Permissive, Values: []string{"BBB", "CCC"}}}
		}, "rel=BBB;class=alliance/RESTRICTED"},
		{"a member that cannot be one", func(l *Label) {
			l.Categories = []Category{{Tag: "Releasable To", Type: Permissive, Values: []string{"everybody;recalled"}}}
		}, "rel=;class=alliance/RESTRICTED"},
		{"permissive without values", func(l *Label) { l.Categories = []Category{{Tag: "Releasable To", Type: Permissive}} }, "rel=;class=alliance/RESTRICTED"},
		{"restrictive without values", func(l *Label) { l.Categories = []Category{{Tag: "Special"}} }, "class=alliance/RESTRICTED;caveat=(unreadable)"},
		{"caveat that cannot be written", func(l *Label) { l.Categories = []Category{{Tag: "S", Values: []string{"a;b"}}} }, "class=alliance/RESTRICTED;caveat=(unreadable)"},
		{"informative", func(l *Label) { l.Categories = []Category{{Tag: "S", Type: Informative, Values: []string{"a"}}} }, "class=alliance/RESTRICTED"},
	}
	for _, tt := range tests {
		l := base
		tt.change(&l)
		s := ls.Set(&l)
		if got, want := s.String(), "TLP:RED;imputed;"+tt.want; got != want {
			t.Errorf("%s: Set = %s, want %s", tt.name, got, want)
		}
		if err := s.Validate(); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestParseLabelRefuses(t *testing.T) {
	t.Parallel()
	wrap := func(info string) string {
		return `<originatorConfidentialityLabel xmlns="` + labelSpace + `"><ConfidentialityInformation>` + info + `</ConfidentialityInformation></originatorConfidentialityLabel>`
	}
	const ok = `<PolicyIdentifier>P</PolicyIdentifier><Classification>C</Classification>`
	parseLabel(t, wrap(ok))
	tests := []struct{ name, text, want string }{
		{"nothing", ``, "not complete"},
		{"no XML", `RESTRICTED`, "not complete"},
		{"cut off", wrap(ok)[:150], "no XML"},
		{"another namespace", strings.Replace(wrap(ok), ":4774:", ":4778:", 1), "not known"},
		{"another element", strings.ReplaceAll(wrap(ok), "originator", "Originator"), "no label"},
		{"two labels", wrap(ok) + wrap(ok), "second"},
		{"something foreign after", wrap(ok) + "<x/>", "not known"},
		{"a document type", `<!DOCTYPE x [<!ENTITY a "b">]>` + wrap(ok), "document type"},
		{"an entity", wrap(strings.Replace(ok, ">C<", ">&a;<", 1)), "no XML"},
		{"another encoding", `<?xml version="1.0" encoding="UTF-16"?>` + wrap(ok), "no XML"},
		{"no information", `<ConfidentialityLabel xmlns="` + labelSpace + `"/>`, "no ConfidentialityInformation"},
		{"no policy", wrap(`<Classification>C</Classification>`), "no PolicyIdentifier"},
		{"no classification", wrap(`<PolicyIdentifier>P</PolicyIdentifier>`), "no Classification"},
		{"two classifications", wrap(ok + `<Classification>D</Classification>`), "twice"},
		{"an empty classification", wrap(`<PolicyIdentifier>P</PolicyIdentifier><Classification> </Classification>`), "one line"},
		{"an element within the classification", wrap(`<PolicyIdentifier>P</PolicyIdentifier><Classification>C<Classification>D</Classification></Classification>`), "one line"},
		{"unknown information", wrap(ok + `<Handling>x</Handling>`), "not known"},
		{"foreign information", wrap(ok + `<x:Handling xmlns:x="urn:x">x</x:Handling>`), "not known"},
		{"a wrong-case type", wrap(ok + `<Category TagName="a" Type="permissive"/>`), "Category"},
		{"no type", wrap(ok + `<Category TagName="a"/>`), "Category"},
		{"no tag", wrap(ok + `<Category Type="PERMISSIVE"/>`), "Category"},
		{"an attribute twice", wrap(ok + `<Category TagName="a" Type="PERMISSIVE" Type="INFORMATIVE"/>`), "twice"},
		{"a value of another kind", wrap(ok + `<Category TagName="a" Type="RESTRICTIVE"><IntegerValue>3</IntegerValue></Category>`), "not known"},
		{"a date without zone", strings.Replace(wrap(ok), "</originator", "<CreationDateTime>2026-01-01T00:00:00</CreationDateTime></originator", 1), "instant"},
		{"a review that is none", strings.Replace(wrap(ok), `<originatorConfidentialityLabel `, `<originatorConfidentialityLabel ReviewDateTime="soon" `, 1), "instant"},
		{"too deep", wrap(ok + strings.Repeat("<Category>", 20) + strings.Repeat("</Category>", 20)), "levels"},
		{"too many", wrap(ok + strings.Repeat("<Category/>", 300)), "elements"},
		{"too long", wrap(ok + strings.Repeat(" ", maxLabelBytes)), "at most"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l, err := ParseLabel([]byte(tt.text))
			if err == nil || fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("ParseLabel = %+v, %v, want an Invalid fault with %q", l, err, tt.want)
			}
		})
	}
}
