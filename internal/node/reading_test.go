package node

import (
	"context"
	"testing"

	"casus/internal/core/alliance"
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
	mine := as(t, n, alliance.Analyst)
	readers := []struct {
		name string
		ctx  context.Context
		sees map[tlp.Label]bool
	}{
		{"who handed it in", mine, map[tlp.Label]bool{tlp.Red: true, tlp.AmberStrict: true, tlp.Amber: true, tlp.Green: true, tlp.Clear: true}},
		{"a colleague", as(t, n, alliance.DutyOfficer), map[tlp.Label]bool{tlp.AmberStrict: true, tlp.Amber: true, tlp.Green: true, tlp.Clear: true}},
		{"another of the community", other("ben", "BBB/csirt"), map[tlp.Label]bool{tlp.Green: true, tlp.Clear: true}},
		{"one outside", other("fay", "BBB/firm"), map[tlp.Label]bool{tlp.Clear: true}},
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
