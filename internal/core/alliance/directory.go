// Package alliance holds who takes part: members, their organisations, the
// people who act for these, the roles they act in, and release groups.
//
// It is plain data with rules: who stands in for whom, which roles may not meet
// in one act, when one act has seen two persons, and which reader's share of
// all this decides what somebody reads. Nothing here is stored, reads a clock or
// knows a name: people are keys. Zero values are the safe ones: no role, no
// organisation, a group without members.
//
// Times from and to are half open: something holds from its first instant up to,
// and not at, its last. A zero from holds since ever, a zero to for good.
package alliance

import (
	"slices"
	"time"

	"casus/internal/fault"
)

// Span is a time during which something holds. The zero value is always.
type Span struct {
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to,omitzero"`
}

// Holds reports whether now lies in the span.
func (s Span) Holds(now time.Time) bool {
	return (s.From.IsZero() || !now.Before(s.From)) && (s.To.IsZero() || now.Before(s.To))
}

// Turns returns the next instant after now at which Holds may change, zero when
// there is none.
func (s Span) Turns(now time.Time) time.Time {
	switch {
	case now.Before(s.From):
		return s.From
	case now.Before(s.To):
		return s.To
	}
	return time.Time{}
}

// Validate returns an Invalid fault if the span ends before it begins.
func (s Span) Validate() error {
	if !s.To.IsZero() && !s.From.Before(s.To) {
		return fault.Errorf(fault.Invalid, "alliance: span: it ends at %v and begins at %v", s.To, s.From)
	}
	return nil
}

// Organisation is a body of a member.
type Organisation struct {
	ID   Org    `json:"id"`
	Name string `json:"name"`
	Kind Kind   `json:"kind"`
	// Community says that the organisation is of the community that TLP:GREEN
	// speaks of. What is not reads TLP:CLEAR alone.
	Community bool `json:"community,omitempty"`
	// Clients are the organisations that it serves: TLP:AMBER that it received
	// reaches them. They need not agree, and the list goes no further: a client's
	// clients are not its own.
	Clients []Org `json:"clients,omitempty"`
}

// Clearance is up to which level of a classification ladder somebody may read.
type Clearance struct {
	Ladder string `json:"ladder"`
	Level  string `json:"level"`
	Span
}

// Access is a caveat, or compartment, that somebody was read into.
type Access struct {
	Caveat string `json:"caveat"`
	Span
}

// Post is a role that a person holds.
type Post struct {
	Role Role `json:"role"`
	Span
}

// Deputy is a person who stands in for another in one role. Outside a leave of
// the other it holds in its own span alone; both act for one organisation.
type Deputy struct {
	For  Key  `json:"for"`
	By   Key  `json:"by"`
	Role Role `json:"role"`
	// OnLeave says that the deputy acts only while the other is on leave.
	OnLeave bool `json:"on_leave,omitempty"`
	Span
}

// Person acts for one organisation.
type Person struct {
	Key        Key         `json:"key"`
	Org        Org         `json:"org"`
	Posts      []Post      `json:"posts,omitempty"`
	Leave      []Span      `json:"leave,omitempty"`
	Clearances []Clearance `json:"clearances,omitempty"`
	Access     []Access    `json:"access,omitempty"`
}

// ReleaseGroup is a named audience. Being in one opens nothing: it is a limit
// for what is released to it. One without organisations reaches nobody.
type ReleaseGroup struct {
	ID    Group  `json:"id"`
	Name  string `json:"name"`
	Owner Org    `json:"owner"`
	Orgs  []Org  `json:"orgs,omitempty"`
}

// Directory is who takes part, as of one moment. The zero value is nobody.
type Directory struct {
	Members       []Member       `json:"members,omitempty"`
	Organisations []Organisation `json:"organisations,omitempty"`
	Persons       []Person       `json:"persons,omitempty"`
	Deputies      []Deputy       `json:"deputies,omitempty"`
	Groups        []ReleaseGroup `json:"groups,omitempty"`
}

// Organisation returns the organisation named o.
func (d *Directory) Organisation(o Org) (Organisation, bool) {
	i := slices.IndexFunc(d.Organisations, func(x Organisation) bool { return x.ID == o })
	if i < 0 {
		return Organisation{}, false
	}
	return d.Organisations[i], true
}

// Person returns the person with the key.
func (d *Directory) Person(k Key) (Person, bool) {
	i := slices.IndexFunc(d.Persons, func(x Person) bool { return x.Key == k })
	if i < 0 {
		return Person{}, false
	}
	return d.Persons[i], true
}

// ServedBy returns the organisations that list o as a client, sorted.
func (d *Directory) ServedBy(o Org) []Org {
	var out []Org
	for _, x := range d.Organisations {
		if x.ID != o && slices.Contains(x.Clients, o) {
			out = append(out, x.ID)
		}
	}
	slices.Sort(out)
	return out
}

// GroupsOf returns the release groups that o is in, sorted.
func (d *Directory) GroupsOf(o Org) []Group {
	var out []Group
	for _, g := range d.Groups {
		if slices.Contains(g.Orgs, o) {
			out = append(out, g.ID)
		}
	}
	slices.Sort(out)
	return out
}

// Acting says in which capacity somebody acts.
type Acting struct {
	Person Key  `json:"person"`
	Role   Role `json:"role"`
	// For is the person stood in for, empty when the role is the person's own.
	For Key `json:"for,omitempty"`
	// Until is when this may no longer hold; zero means for good.
	Until time.Time `json:"until,omitzero"`
}

// Act returns in which capacity k may act in role at now: in a post of its own,
// else as a deputy of whoever holds the post. It returns a Denied fault when k
// may not; somebody on leave may not act at all, and nobody deputises for a
// deputy.
func (d *Directory) Act(k Key, role Role, now time.Time) (Acting, error) {
	p, ok := d.Person(k)
	if !ok || role == NoRole || int(role) >= len(roles) {
		return Acting{}, denied(k, role)
	}
	until := later{now: now}
	if p.onLeave(now, &until) {
		return Acting{}, denied(k, role)
	}
	if own := until; p.holds(role, now, &own) {
		return Acting{Person: k, Role: role, Until: own.at}, nil
	}
	for _, dep := range d.Deputies {
		turn := until
		if dep.By == k && dep.Role == role && dep.For != k && d.stands(dep, p.Org, now, &turn) {
			return Acting{Person: k, Role: role, For: dep.For, Until: turn.at}, nil
		}
	}
	return Acting{}, denied(k, role)
}

// stands reports whether dep holds at now for somebody of org.
func (d *Directory) stands(dep Deputy, org Org, now time.Time, until *later) bool {
	of, ok := d.Person(dep.For)
	if !ok || of.Org != org || !dep.Holds(now) || !of.holds(dep.Role, now, until) {
		return false
	}
	until.add(dep.Span)
	return of.onLeave(now, until) || !dep.OnLeave
}

func denied(k Key, role Role) error {
	return fault.Errorf(fault.Denied, "alliance: %s: does not act as %s now", k, role)
}

// later collects the first instant after now at which something turns.
type later struct{ now, at time.Time }

func (l *later) add(spans ...Span) {
	for _, s := range spans {
		if t := s.Turns(l.now); !t.IsZero() && (l.at.IsZero() || t.Before(l.at)) {
			l.at = t
		}
	}
}

// onLeave reports whether p is on leave at now.
func (p *Person) onLeave(now time.Time, until *later) bool {
	until.add(p.Leave...)
	return slices.ContainsFunc(p.Leave, func(s Span) bool { return s.Holds(now) })
}

// holds reports whether p has a post of role at now.
func (p *Person) holds(role Role, now time.Time, until *later) bool {
	has := false
	for _, post := range p.Posts {
		if post.Role == role {
			until.add(post.Span)
			has = has || post.Holds(now)
		}
	}
	return has
}
