package node

import (
	"context"
	"slices"
	"testing"

	"casus/internal/core/alliance"
	"casus/internal/core/report"
	"casus/internal/fault"
	"casus/internal/people"
	"casus/tlp"
)

// allies is a node of three organisations: AAA/csirt with a person per role,
// BBB/csirt with ben and BBB/firm, which is of no community, with fay.
func allies(t *testing.T) (n *Node, mine, ben, fay context.Context) {
	t.Helper()
	n = peopled(t)
	admin := as(t, n, alliance.Administrator)
	for _, o := range []alliance.Organisation{
		{ID: "AAA/csirt", Name: "A", Kind: alliance.CSIRT, Community: true},
		{ID: "BBB/csirt", Name: "B", Kind: alliance.CSIRT, Community: true},
		{ID: "BBB/firm", Name: "F", Kind: alliance.Partner},
	} {
		if err := n.SetOrganisation(admin, o); err != nil {
			t.Fatal(err)
		}
	}
	other := func(key string, org alliance.Org) context.Context {
		t.Helper()
		p := people.NewPerson{Key: alliance.Key(key), Org: org, Name: key, Login: key, Posts: []alliance.Post{{Role: alliance.Analyst}}, Password: goodPassword}
		if _, err := n.AddPerson(admin, p); err != nil {
			t.Fatal(err)
		}
		m, err := n.Login(t.Context(), people.Credentials{Login: key, Password: goodPassword})
		if err != nil {
			t.Fatal(err)
		}
		id, err := n.people.Bearer(n.cfg.Clock(), m.Secret)
		if err != nil {
			t.Fatal(err)
		}
		return people.With(t.Context(), people.Caller{Identity: id})
	}
	return n, as(t, n, alliance.Analyst), other("ben", "BBB/csirt"), other("fay", "BBB/firm")
}

// handed hands a report of one indicator in under a label.
func handed(t *testing.T, n *Node, ctx context.Context, no int, label tlp.Label) string {
	t.Helper()
	h := bundle(label.String(), "north", indicator(no, january, "secretword", ""))
	h.req.TLP = &label
	res, err := h.in(ctx, n)
	if err != nil || res.New != 1 {
		t.Fatalf("%v: import = %+v, %v", label, res, err)
	}
	return res.Reports[0].ID
}

// TestWhyAsked asks about every kind of reader as every kind of asker.
func TestWhyAsked(t *testing.T) {
	t.Parallel()
	n, mine, ben, fay := allies(t)
	handed(t, n, mine, 1, tlp.Amber)
	handed(t, n, mine, 2, tlp.Green)
	for _, tt := range []struct {
		name   string
		ctx    context.Context
		object int
		reader string
		want   string // of each reader, its effect and rules
		kind   fault.Kind
	}{
		{name: "oneself", ctx: mine, object: 1, reader: "me", want: "me allow recipient;"},
		{name: "nobody named is oneself", ctx: mine, object: 1, want: "me allow recipient;"},
		{name: "another organisation", ctx: mine, object: 1, reader: "BBB/csirt", want: "BBB/csirt deny tlp-amber;"},
		{name: "a member is all its organisations", ctx: mine, object: 2, reader: "BBB", want: "BBB/csirt allow green;BBB/firm deny tlp-green;"},
		{name: "a colleague", ctx: mine, object: 1, reader: "administrator", want: "administrator deny administrator;"},
		{name: "a person elsewhere", ctx: mine, object: 1, reader: "ben", kind: fault.Invalid},
		{name: "a person who is not", ctx: mine, object: 1, reader: "nobody", kind: fault.Invalid},
		{name: "an organisation that is not", ctx: mine, object: 1, reader: "CCC/csirt", kind: fault.Invalid},
		{name: "what one may not see", ctx: ben, object: 1, reader: "BBB/csirt", kind: fault.NotFound},
		{name: "what one may not see, about oneself", ctx: ben, object: 1, reader: "me", kind: fault.NotFound},
		{name: "what is another's, about oneself", ctx: ben, object: 2, reader: "me", want: "me allow green;"},
		{name: "what is another's, about others", ctx: ben, object: 2, reader: "BBB/firm", kind: fault.Denied},
		{name: "who reads nothing", ctx: as(t, n, alliance.Administrator), object: 1, reader: "me", kind: fault.Denied},
		{name: "one outside", ctx: fay, object: 2, reader: "me", kind: fault.NotFound},
	} {
		got, err := n.Why(tt.ctx, id("indicator", tt.object), tt.reader)
		if fault.KindOf(err) != tt.kind || (err == nil) == (tt.want == "") {
			t.Errorf("%s: %v, want kind %v", tt.name, err, tt.kind)
			continue
		}
		text := ""
		for _, s := range got.Readers {
			text += s.Reader + " " + s.Effect
			for _, r := range s.Receipts {
				for _, c := range r.Rules {
					text += " " + c.ID
				}
				if (r.Set != "") != (tt.name != "what is another's, about oneself") {
					t.Errorf("%s: told the recipients %q", tt.name, r.Set)
				}
			}
			text += ";"
		}
		if text != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, text, tt.want)
		}
	}
	// What is withheld and what is not there sound alike.
	_, withheld := n.Why(ben, id("indicator", 1), "BBB/csirt")
	_, absent := n.Why(ben, id("indicator", 9), "BBB/csirt")
	if a, b := withheld.Error(), absent.Error(); len(a) != len(b) || fault.HintOf(withheld) != fault.HintOf(absent) {
		t.Errorf("withheld: %q, absent: %q", a, b)
	}
}

// TestPreviewAsked previews a report as it stands and under choices.
func TestPreviewAsked(t *testing.T) {
	t.Parallel()
	n, mine, ben, _ := allies(t)
	amber := handed(t, n, mine, 1, tlp.Amber)
	red := handed(t, n, mine, 2, tlp.Red)
	clear := tlp.Clear
	for _, tt := range []struct {
		name, report string
		ask          report.Release
		want         []string
	}{
		{"as it stands", amber, report.Release{}, []string{"AAA/csirt"}},
		{"to one more", amber, report.Release{To: []string{"BBB/csirt"}}, []string{"AAA/csirt", "BBB/csirt"}},
		{"wider than its sender said", amber, report.Release{TLP: &clear}, []string{"AAA/csirt"}},
		{"RED is for whom it names", red, report.Release{To: []string{"BBB/csirt"}}, []string{"AAA/csirt"}},
	} {
		p, err := n.Preview(mine, tt.report, tt.ask)
		if err != nil || !slices.Equal(p.Organisations, tt.want) || p.Objects != 1 {
			t.Errorf("%s: %q of %d objects, %v; want %q", tt.name, p.Organisations, p.Objects, err, tt.want)
		}
	}
	p, err := n.Preview(mine, red, report.Release{})
	if last := p.Readers[len(p.Readers)-1]; err != nil || last.Reader != "analyst" || last.Objects != 1 || last.Withheld != 0 {
		t.Errorf("the person named by RED gets %+v, %v; want everything", last, err)
	}
	for name, tt := range map[string]struct {
		ctx  context.Context
		id   string
		ask  report.Release
		kind fault.Kind
	}{
		"another's, not readable":       {ben, amber, report.Release{}, fault.NotFound},
		"another's, readable":           {ben, handed(t, n, mine, 3, tlp.Green), report.Release{}, fault.Denied},
		"to who takes no part":          {mine, amber, report.Release{To: []string{"CCC/csirt"}}, fault.Invalid},
		"to what is no organisation":    {mine, amber, report.Release{To: []string{"ccc"}}, fault.Invalid},
		"until a time that has been":    {mine, amber, report.Release{To: []string{"BBB/csirt"}, Until: n.cfg.Clock().Add(-1)}, fault.Invalid},
		"as who runs the node":          {as(t, n, alliance.Administrator), amber, report.Release{}, fault.Denied},
		"a report that is not anywhere": {mine, "RPT-0000-0000", report.Release{}, fault.NotFound},
	} {
		if _, err := n.Preview(tt.ctx, tt.id, tt.ask); err == nil || fault.KindOf(err) != tt.kind {
			t.Errorf("%s: %v, want kind %v", name, err, tt.kind)
		}
	}
}
