package marking

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"casus/internal/core/alliance"
	"casus/tlp"
)

func TestFieldsOf(t *testing.T) {
	t.Parallel()
	o := object(t, `{"type":"report","spec_version":"2.1","id":"report--11111111-1111-4111-8111-111111111111",`+
		`"object_marking_refs":["`+tlp.Green.Definition()+`"],"name":"n","description":"d",`+
		`"external_references":[{"source_name":"s","url":"u"},{"source_name":"t"}],`+
		`"granular_markings":[`+
		`{"marking_ref":"`+tlp.Red.Definition()+`","selectors":["description"]},`+
		`{"marking_ref":"`+tlp.Amber.Definition()+`","selectors":["external_references.[0]"]},`+
		`{"marking_ref":"marking-definition--c43594d1-4b11-4c59-93ab-1c9b14d53ce9","selectors":["name"]},`+
		`{"marking_ref":"`+tlp.Clear.Definition()+`","selectors":["name"]},`+
		`{"lang":"fr","selectors":["name"]}]}`)
	container := Set{TLP: tlp.Green, Owner: "AAA/csirt", Recipients: Only[alliance.Org]("AAA/csirt")}
	got := FieldsOf(o, Set{Imputed: true}, container)
	text := got.Set.String()
	var fields []string
	for _, f := range got.Fields {
		fields = append(fields, f.Selector+" "+f.Set.String()[:len("TLP:GREEN")])
	}
	if text != "TLP:GREEN;own=AAA/csirt;to=AAA/csirt" {
		t.Errorf("the object bears %s", text)
	}
	want := []string{
		"type TLP:GREEN", "spec_version TLP:GREEN", "id TLP:GREEN", "object_marking_refs TLP:GREEN", "name TLP:GREEN", "description TLP:RED;o",
		"external_references TLP:GREEN", "external_references.[0] TLP:AMBER", "granular_markings TLP:GREEN",
	}
	if diff := cmp.Diff(want, fields); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	if pap := got.Fields[4].Set.PAP; pap != PAPGreen {
		t.Errorf("name bears PAP %v, want GREEN", pap)
	}
}

// TestFieldsOfDangling marks what is not there, and nothing at all.
func TestFieldsOfDangling(t *testing.T) {
	t.Parallel()
	for name, granular := range map[string]string{
		"a place that is not there": `{"marking_ref":"` + tlp.Red.Definition() + `","selectors":["nothing"]}`,
		"an index beyond the end":   `{"marking_ref":"` + tlp.Red.Definition() + `","selectors":["labels.[7]"]}`,
		"no selector":               `{"marking_ref":"` + tlp.Red.Definition() + `","selectors":[]}`,
		"selectors of another type": `{"marking_ref":"` + tlp.Red.Definition() + `","selectors":7}`,
		"no selectors at all":       `{"marking_ref":"` + tlp.Red.Definition() + `"}`,
		"a badly formed selector":   `{"marking_ref":"` + tlp.Red.Definition() + `","selectors":["labels..x"]}`,
	} {
		o := object(t, `{"type":"note","id":"note--11111111-1111-4111-8111-111111111111","labels":["a"],"object_marking_refs":["`+tlp.Clear.Definition()+`"],"granular_markings":[`+granular+`]}`)
		if got := FieldsOf(o, Set{}, Set{TLP: tlp.Clear}); got.Set.Label(nil) != tlp.Red {
			t.Errorf("%s: the object bears %s, want RED", name, got.Set)
		}
	}
}

func TestDryRun(t *testing.T) {
	t.Parallel()
	p := builtIn(t)
	amber := Set{TLP: tlp.Amber, Recipients: Only[alliance.Org]("AAA/csirt", "BBB/mod"), Persons: Only[alliance.Key]("p1")}
	red, strict, day := amber, amber, amber
	red.TLP, strict.TLP, day.TLP = tlp.Red, tlp.AmberStrict, tlp.Green
	day.NotBefore = latticeNow.Add(time.Hour)
	early := day
	early.NotBefore = time.Time{}
	o := Object{ID: "report--1", Set: amber, Fields: []Field{
		{Selector: "name", Set: amber},
		{Selector: "description", Set: red},
		{Selector: "first_seen", Set: red, Coarse: &early},
		{Selector: "last_seen", Set: red, Coarse: &day},
		{Selector: "sectors", Set: strict},
	}}
	audience := []Reader{
		{Person: "p1", Org: "AAA/csirt", Role: alliance.Analyst, Community: true},
		{Org: "AAA/power", Role: alliance.PartnerContact, Community: true, ServedBy: []alliance.Org{"AAA/csirt"}},
		{Org: "CCC/csirt", Role: alliance.Analyst, Community: true},
	}
	got := p.DryRun(o, audience, nil, latticeNow)
	row := func(v ReaderView) (out []string) {
		out = append(out, string(v.Org)+" "+v.Object.Effect.String())
		for _, f := range v.Fields {
			line := f.Field + " " + f.View.String()
			for _, r := range f.Rules {
				line += " " + r
			}
			out = append(out, line)
		}
		return out
	}
	want := [][]string{
		{"AAA/csirt allow", "name full recipient", "description full recipient", "first_seen full recipient", "last_seen full recipient", "sectors full recipient"},
		{
			"AAA/power allow", "name full client-of-recipient", "description withheld tlp-amber-strict tlp-red",
			"first_seen coarsened tlp-amber-strict tlp-red", "last_seen withheld tlp-amber-strict tlp-red", "sectors withheld tlp-amber-strict",
		},
		{
			"CCC/csirt deny", "name withheld tlp-amber", "description withheld tlp-amber tlp-amber-strict tlp-red",
			"first_seen withheld tlp-amber tlp-amber-strict tlp-red", "last_seen withheld tlp-amber tlp-amber-strict tlp-red", "sectors withheld tlp-amber tlp-amber-strict",
		},
	}
	for i, v := range got.Readers {
		if diff := cmp.Diff(want[i], row(v)); diff != "" {
			t.Errorf("reader %d (-want +got):\n%s", i, diff)
		}
	}
	counts := [][3]int{{5, 0, 0}, {1, 1, 3}, {0, 0, 5}}
	for i, v := range got.Readers {
		if c := [3]int{v.Full, v.Coarsened, v.Withheld}; c != counts[i] {
			t.Errorf("reader %d: full, coarsened, withheld = %v, want %v", i, c, counts[i])
		}
	}
	if diff := cmp.Diff([]alliance.Org{"AAA/csirt", "AAA/power"}, got.Organisations); diff != "" {
		t.Errorf("organisations (-want +got):\n%s", diff)
	}
	if got.Seeing != 2 || got.ID != "report--1" || got.Policy != p.Digest() || !got.ValidUntil.Equal(latticeNow.Add(time.Hour)) || len(got.Errors) > 0 {
		t.Errorf("preview = %d seeing, %s, %s until %v, %v", got.Seeing, got.ID, got.Policy, got.ValidUntil, got.Errors)
	}
	if got := p.DryRun(o, nil, nil, latticeNow); got.Seeing != 0 || len(got.Readers) != 0 || len(got.Organisations) != 0 {
		t.Errorf("DryRun for nobody = %+v", got)
	}
}
