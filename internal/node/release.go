package node

import (
	"context"
	"slices"
	"strings"
	"time"

	"casus/internal/core/alliance"
	"casus/internal/core/marking"
	"casus/internal/core/report"
	"casus/internal/fault"
	"casus/internal/people"
	"casus/internal/view"
)

// Why tells how a reader stands to an object: "me", an organisation, a member (all
// of its organisations) or a person. The store decides what who asks may be told.
//
// Who takes part in an organisation is its own affair: of persons one may ask about
// those of one's own organisation, whoever else there is. An unknown key and one of
// another organisation are told apart by nothing.
func (n *Node) Why(ctx context.Context, id, reader string) (report.Why, error) {
	if err := n.may(ctx, reads); err != nil {
		return report.Why{}, err
	}
	r, done := n.reading(ctx, "why", "")
	now := n.cfg.Clock().UTC()
	out := report.Why{Object: id, Readers: []report.Standing{}}
	audience := []view.Audience{{Name: me}}
	if reader != "" && reader != me {
		var err error
		if audience, err = n.asked(ctx, reader, now); err != nil {
			return report.Why{}, err
		}
	}
	for _, a := range audience {
		st := report.Standing{Reader: me, Effect: marking.Deny.String()}
		var who *marking.Reader
		if a.Name != me {
			who = &a.Who
			st.Reader, st.Organisation, st.Role = string(a.Who.Org), string(a.Who.Org), a.Who.Role.String()
			if a.Who.Person != "" {
				st.Reader = string(a.Who.Person)
			}
		}
		var err error
		if st.Receipts, err = n.view.Why(r, id, who, now); err != nil {
			return report.Why{}, done(id, err)
		}
		for _, one := range st.Receipts {
			if one.Effect == marking.Allow.String() {
				st.Effect = one.Effect
			}
		}
		out.Readers = append(out.Readers, st)
	}
	return out, done(id, nil)
}

// me is the reader who asks.
const me = "me"

// asked returns the readers that a text names.
func (n *Node) asked(ctx context.Context, text string, now time.Time) ([]view.Audience, error) {
	nobody := fault.WithHint(fault.Errorf(fault.Invalid, "node: no reader %.60s that you may ask about", text),
		"name an organisation (AAA/csirt), a member (AAA), a person of your own organisation by key, or me")
	orgs := slices.DeleteFunc(n.everybody(), func(a view.Audience) bool {
		return string(a.Who.Org) != text && string(a.Who.Org.Member()) != text
	})
	if len(orgs) > 0 {
		return orgs, nil
	}
	c := people.CallerOf(ctx)
	a, ok := n.person(alliance.Key(text), now)
	if !ok || !n.people.Empty() && a.Who.Org != c.Org {
		return nil, nobody
	}
	return []view.Audience{a}, nil
}

// everybody returns the organisations that take part, each as a reader without a
// clearance, a caveat or a name: what anybody there may read.
func (n *Node) everybody() []view.Audience {
	d := n.people.Directory()
	var out []view.Audience
	for _, o := range n.people.Organisations() {
		out = append(out, view.Audience{Name: o.Name, Who: marking.Reader{
			Org: o.ID, Role: alliance.Analyst, Community: o.Community, ServedBy: d.ServedBy(o.ID), Groups: d.GroupsOf(o.ID),
		}})
	}
	return out
}

// person returns somebody as a reader in the first role in which he reads.
func (n *Node) person(k alliance.Key, now time.Time) (view.Audience, bool) {
	d := n.people.Directory()
	roles := n.people.Roles(now, k)
	slices.SortStableFunc(roles, func(a, b alliance.Role) int { return reading(b) - reading(a) })
	for _, role := range roles {
		who, err := marking.ReaderOf(d, n.ladders, k, role, now)
		if err != nil {
			continue
		}
		o, _ := d.Organisation(who.Org)
		return view.Audience{Who: who, Name: o.Name}, true
	}
	return view.Audience{}, false
}

// reading is 1 for a role that reads, else 0.
func reading(r alliance.Role) int {
	if slices.Contains(acts(r), reads) {
		return 1
	}
	return 0
}

// Preview tells what each organisation, and each person whom its marking names,
// would get of a report if it were released so.
func (n *Node) Preview(ctx context.Context, id string, ask report.Release) (report.Preview, error) {
	if err := n.may(ctx, reads); err != nil {
		return report.Preview{}, err
	}
	now := n.cfg.Clock().UTC()
	if err := n.checkRelease(ask, now); err != nil {
		return report.Preview{}, err
	}
	person := func(k alliance.Key) (view.Audience, bool) { return n.person(k, now) }
	r, done := n.reading(ctx, "preview", "")
	out, err := n.view.Preview(ctx, r, id, n.everybody(), person, ask, now)
	return out, done(id, err)
}

// checkRelease refuses to release to who does not take part, or until a time that is
// past.
func (n *Node) checkRelease(ask report.Release, now time.Time) error {
	if !ask.Until.IsZero() && !now.Before(ask.Until) {
		return fault.Errorf(fault.Invalid, "node: release until %s: that is past", ask.Until.UTC().Format(time.RFC3339))
	}
	all := n.people.Organisations()
	for _, to := range ask.To {
		if err := alliance.Org(to).Validate(); err != nil {
			return err
		}
		if !slices.ContainsFunc(all, func(o alliance.Organisation) bool { return string(o.ID) == to }) {
			return fault.WithHint(fault.Errorf(fault.Invalid, "node: organisation %s takes no part here", to), "those that do: %s", names(all))
		}
	}
	return nil
}

func names(all []alliance.Organisation) string {
	list := make([]string, 0, len(all))
	for _, o := range all {
		list = append(list, string(o.ID))
	}
	return strings.Join(list, ", ")
}
