package node

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"casus/internal/core/alliance"
	"casus/internal/core/report"
	"casus/internal/fault"
	"casus/internal/people"
	"casus/tlp"
)

// TestWhoReads hands reports of each label in for one organisation and asks for
// them as its people, as another organisation of the community, and as one
// outside: lists, search and the report itself agree.
func TestWhoReads(t *testing.T) {
	t.Parallel()
	n := peopled(t)
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
	mine := as(t, n, alliance.Analyst)
	readers := []struct {
		name string
		ctx  context.Context
		sees map[tlp.Label]bool
	}{
		{"who handed it in", mine, map[tlp.Label]bool{tlp.Red: true, tlp.AmberStrict: true, tlp.Amber: true, tlp.Green: true, tlp.Clear: true}},
		{"a colleague", as(t, n, alliance.DutyOfficer), map[tlp.Label]bool{tlp.AmberStrict: true, tlp.Amber: true, tlp.Green: true, tlp.Clear: true}},
		{"another of the community", joined(t, n, "ben", "BBB/csirt", alliance.CSIRT), map[tlp.Label]bool{tlp.Green: true, tlp.Clear: true}},
		{"one outside", joined(t, n, "fay", "BBB/firm", alliance.Partner), map[tlp.Label]bool{tlp.Clear: true}},
		{"who runs the node", admin, nil},
		{"nobody", t.Context(), nil},
	}
	for i, label := range []tlp.Label{tlp.Red, tlp.AmberStrict, tlp.Amber, tlp.Green, tlp.Clear} {
		h := bundle(label.String(), "north", indicator(i+1, january, "secretword", ""))
		h.req.TLP = &label
		res, err := h.in(mine, n)
		if err != nil || res.New != 1 {
			t.Fatalf("%v: import = %+v, %v", label, res, err)
		}
		id := res.Reports[0].ID
		for _, r := range readers {
			_, err := n.Report(r.ctx, id)
			if got := err == nil; got != r.sees[label] {
				t.Errorf("%v: %s reads the report: %v, want %v (%v)", label, r.name, got, r.sees[label], err)
			}
			_, _, none := n.view.Reports(t.Context(), n.readerFor(r.ctx), "", "", "", 1)
			if none != nil {
				t.Error(none)
			}
		}
	}
	for _, r := range readers {
		if len(r.sees) == 0 {
			continue
		}
		rows, _, err := n.Reports(r.ctx, "", "", "", 100)
		if err != nil || len(rows) != len(r.sees) {
			t.Errorf("%s lists %d reports, %v, want %d", r.name, len(rows), err, len(r.sees))
		}
		found, err := n.Search(r.ctx, "secretword", "", 100)
		if err != nil || found.Total != len(r.sees) {
			t.Errorf("%s finds %d by a word, %v, want %d", r.name, found.Total, err, len(r.sees))
		}
	}
	// A second hand-in of what he may not read is new to him.
	again := bundle("mine", "south", indicator(1, january, "secretword", ""))
	res, err := again.in(readers[2].ctx, n)
	if err != nil || res.New != 1 || res.Known != 0 {
		t.Errorf("another's hand-in of the same object = %+v, %v, want it new", res, err)
	}
	if _, err := n.Object(readers[3].ctx, id("indicator", 1), false); fault.KindOf(err) != fault.NotFound {
		t.Errorf("an object that one outside may not read: %v, want NotFound", err)
	}
}

// joined adds an analyst of another organisation, which is made if it is new, and
// returns a context in which he asks.
func joined(t *testing.T, n *Node, key alliance.Key, org alliance.Org, kind alliance.Kind) context.Context {
	t.Helper()
	p := people.NewPerson{Key: key, Org: org, OrgKind: kind, Name: string(key), Login: string(key), Posts: []alliance.Post{{Role: alliance.Analyst}}, Password: goodPassword}
	if _, err := n.AddPerson(as(t, n, alliance.Administrator), p); err != nil {
		t.Fatal(err)
	}
	m, err := n.Login(t.Context(), people.Credentials{Login: string(key), Password: goodPassword})
	if err != nil {
		t.Fatal(err)
	}
	id, err := n.people.Bearer(n.cfg.Clock(), m.Secret)
	if err != nil {
		t.Fatal(err)
	}
	return people.With(t.Context(), people.Caller{Identity: id})
}

// twoOrganisations returns a node with people of two organisations, the analyst of
// the node's own and one of the other.
func twoOrganisations(t *testing.T) (n *Node, mine, theirs context.Context) {
	t.Helper()
	n = peopled(t)
	return n, as(t, n, alliance.Analyst), joined(t, n, "ben", "BBB/mfa", alliance.Ministry)
}

func TestSourceFor(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", maxSourceName)
	for _, tt := range []struct {
		org        alliance.Org
		name, want string
		kind       fault.Kind
	}{
		{"", "feed", "feed", 0},
		{"", "BBB/mfa/feed", "BBB/mfa/feed", 0},
		{"AAA/csirt", "", "local", 0},
		{"AAA/csirt", "feed", "feed", 0},
		{"AAA/csirt", "AAA/csirt/feed", "feed", 0},
		{"AAA/csirt", "BBB/mfa/feed", "", fault.Denied},
		{"AAA/csirt", "AAA/csirt/BBB/mfa/feed", "", fault.Denied},
		{"BBB/mfa", "", "BBB/mfa/local", 0},
		{"BBB/mfa", "feed", "BBB/mfa/feed", 0},
		{"BBB/mfa", "BBB/mfa/feed", "BBB/mfa/feed", 0},
		{"BBB/mfa", "AAA/csirt/feed", "", fault.Denied},
		{"BBB/mfa", "BBB/mfa/BBB/mfa/feed", "", fault.Denied},
		{"BBB/mfa", "bbb/mfa/feed", "BBB/mfa/bbb/mfa/feed", 0},
		{"BBB/mfa", "AAA/csirt", "BBB/mfa/AAA/csirt", 0},
		{"BBB/mfa", "AAA/csirt/", "BBB/mfa/AAA/csirt/", 0},
		{"BBB/mfa", long, "BBB/mfa/" + long, 0},
		{"BBB/mfa", "BBB/mfa/" + long, "BBB/mfa/" + long, 0},
		{"BBB/mfa", long + "x", "", fault.Invalid},
		{"AAA/csirt", long + "x", "", fault.Invalid},
	} {
		got, err := sourceFor(tt.org, "AAA/csirt", tt.name)
		if got != tt.want || (err == nil) != (tt.want != "") || err != nil && fault.KindOf(err) != tt.kind {
			t.Errorf("sourceFor(%s, %.20q) = %.40q, %v, want %.40q", tt.org, tt.name, got, err, tt.want)
		}
	}
}

// TestSourcesOfOrganisations hands in under one name for two organisations: what is
// set for the one holds not for the other, and who sees both sees two.
func TestSourcesOfOrganisations(t *testing.T) {
	t.Parallel()
	n, mine, theirs := twoOrganisations(t)
	admin := as(t, n, alliance.Administrator)
	green, clear := tlp.Green, tlp.Clear
	for _, src := range []report.Source{{Name: "feed", TLP: &clear, Trust: "A"}, {Name: "BBB/mfa/feed", TLP: &green}} {
		if err := n.SetSource(admin, src); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]fault.Kind{"AAA/csirt/feed": fault.Invalid, "CCC/none/feed": fault.NotFound} {
		if err := n.SetSource(admin, report.Source{Name: name}); fault.KindOf(err) != want {
			t.Errorf("SetSource(%s) = %v, want %v", name, err, want)
		}
	}
	for i, ctx := range []context.Context{mine, theirs} {
		h := bundle("of "+string(people.CallerOf(ctx).Org), "feed", indicator(i+1, january, "one", ""))
		if _, err := h.in(ctx, n); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := n.Import(theirs, report.Request{Source: "AAA/csirt/feed"}, strings.NewReader("x"), nil); fault.KindOf(err) != fault.Denied {
		t.Errorf("under another organisation's source: %v, want Denied", err)
	}
	all, err := n.Sources(mine)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, src := range all {
		got[src.Name] = fmt.Sprintf("%d %s", src.Reports, src.Trust)
	}
	if diff := cmp.Diff(map[string]string{"feed": "1 A", "BBB/mfa/feed": "1 "}, got); diff != "" {
		t.Errorf("sources (-want +got):\n%s", diff)
	}
	rows, _, err := n.Reports(mine, "", "BBB/mfa/feed", "", 10)
	if err != nil || len(rows) != 1 || rows[0].TLP != "TLP:GREEN" {
		t.Errorf("reports of the other's feed: %+v, %v, want one by the other's default", rows, err)
	}
}

// TestSourcesTellNothing hands in for an organisation while another uses the name for
// what nobody else may see, and while it does not: what is told is the same.
func TestSourcesTellNothing(t *testing.T) {
	t.Parallel()
	var told [2]string
	for world := range told {
		n, mine, theirs := twoOrganisations(t)
		if world == 1 {
			if _, err := bundle("secret", "feed", indicator(1, january, "one", "")).in(mine, n); err != nil { // RED without a default
				t.Fatal(err)
			}
		}
		res, err := bundle("open", "feed", indicator(2, january, "two", "")).in(theirs, n)
		if err != nil {
			t.Fatal(err)
		}
		_, refused := n.Import(theirs, report.Request{Source: "AAA/csirt/feed"}, strings.NewReader("x"), nil)
		sources, err := n.Sources(theirs)
		if err != nil {
			t.Fatal(err)
		}
		for i := range sources {
			sources[i].Last = "" // the clock of a test ticks by what is done
		}
		told[world] = fmt.Sprintf("%d new of %d, %v, %+v", res.New, res.Received, refused, sources)
	}
	if told[0] != told[1] {
		t.Errorf("without the other's report:\n%s\nwith it:\n%s", told[0], told[1])
	}
}
