package node

import (
	"context"
	"strings"
	"testing"

	"casus/internal/core/alliance"
	"casus/internal/core/report"
	"casus/internal/fault"
	"casus/internal/people"
	"casus/tlp"
)

// handIn has somebody hand in an indicator under a label.
func handIn(t *testing.T, n *Node, ctx context.Context, name string, label *tlp.Label) report.Result {
	t.Helper()
	h := bundle(name, "feed", indicator(1, january, name, ""))
	h.req.TLP = label
	res, err := n.Import(ctx, h.req, strings.NewReader(string(h.body)), nil)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// TestPeopleReadByMarking has people hand in and read: what is RED is for who
// handed it in, AMBER for the organisation, and whoever reads neither finds
// nothing, not even that the same bytes were here before.
func TestPeopleReadByMarking(t *testing.T) {
	t.Parallel()
	n := peopled(t)
	admin := as(t, n, alliance.Administrator)
	if _, err := n.AddPerson(admin, people.NewPerson{
		Key: "far", Org: "BBB/army", OrgKind: alliance.ArmedForces, Name: "Far", Login: "far", Posts: []alliance.Post{{Role: alliance.Analyst}}, Password: goodPassword,
	}); err != nil {
		t.Fatal(err)
	}
	m, err := n.Login(t.Context(), people.Credentials{Login: "far", Password: goodPassword})
	if err != nil {
		t.Fatal(err)
	}
	id, err := n.people.Bearer(n.cfg.Clock(), m.Secret)
	if err != nil {
		t.Fatal(err)
	}
	far := people.With(t.Context(), people.Caller{Identity: id})
	analyst, duty := as(t, n, alliance.Analyst), as(t, n, alliance.DutyOfficer)

	amber := tlp.Amber
	red := handIn(t, n, analyst, "unmarked", nil).Reports[0].ID
	known := handIn(t, n, analyst, "for us", &amber).Reports[0].ID
	for _, tt := range []struct {
		name string
		ctx  context.Context
		want int
	}{{"who handed in", analyst, 2}, {"the same organisation", duty, 1}, {"another organisation", far, 0}} {
		rows, _, err := n.Reports(tt.ctx, "", "", "", 0)
		if err != nil || len(rows) != tt.want {
			t.Errorf("%s sees %d reports (%v), want %d", tt.name, len(rows), err, tt.want)
		}
	}
	if _, err := n.Report(duty, red); fault.KindOf(err) != fault.NotFound {
		t.Errorf("RED of another person: %v, want not found", err)
	}
	if _, err := n.Report(far, known); fault.KindOf(err) != fault.NotFound {
		t.Errorf("AMBER of another organisation: %v, want not found", err)
	}
	res := handIn(t, n, far, "for us", &amber)
	if res.New != 1 || res.Known != 0 || res.Reports[0].Known {
		t.Errorf("the same bytes from another organisation = %+v, want new", res)
	}
	if again := handIn(t, n, far, "for us", &amber); again.Known != 1 || !again.Reports[0].Known {
		t.Errorf("the same bytes again = %+v, want known", again)
	}
}
