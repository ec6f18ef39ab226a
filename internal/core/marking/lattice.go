package marking

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"casus/internal/core/alliance"
	"casus/tlp"
)

// The lattice is the whole finite space that the rules tell apart: every kind of
// reader against every kind of marking set. Names stand for all names, since the
// rules only compare them.
//
// Dimensions of readers: five places relative to the recipients (their
// organisation, a client of theirs, another of the same member, of another
// member, none at all), inside or outside of the community, and three roles (one
// that reads, the administrator, none). All readers are cleared for "low", read
// into ONE and in group "one", so that sets vary against them.
//
// Dimensions of sets: see latticeSets. Texts that the rules themselves compare
// with, such as the name of an organisation, are tried besides: see latticeNamed.

// latticeNow is the moment of the lattice; embargoes end at it and after it.
var latticeNow = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// latticeOrgs are the places of readers.
var latticeOrgs = []struct {
	org    alliance.Org
	served []alliance.Org
}{
	{org: "AAA/recipient"},
	{org: "BBB/client", served: []alliance.Org{"AAA/recipient"}},
	{org: "AAA/other"},
	{org: "CCC/other", served: []alliance.Org{"AAA/other"}},
	{org: ""},
}

// latticeReaders returns the readers of the lattice.
func latticeReaders() []Reader {
	var out []Reader
	for _, place := range latticeOrgs {
		for _, community := range []bool{true, false} {
			for _, role := range []alliance.Role{alliance.Analyst, alliance.Administrator, alliance.NoRole} {
				out = append(out, Reader{
					Person: "p1", Org: place.org, Role: role, Community: community, ServedBy: place.served,
					Groups: []alliance.Group{"one"}, Cleared: []Level{"l/LOW"}, Caveats: []string{"ONE"},
				})
			}
		}
	}
	return out
}

// latticeUnknown is a marking definition that nobody knows.
const latticeUnknown = "marking-definition--unknown"

// latticeSets returns the sets of the lattice. A set with fewer dimensions away
// from their first value comes no later than those that differ from it in more:
// the sets with at most most such dimensions come out, all of them for a
// negative most.
func latticeSets(most int) []Set {
	type step func(*Set)
	nothing := func(*Set) {}
	var labels []step
	for _, l := range slices.Backward(tlp.Labels()) {
		labels = append(labels, func(s *Set) { s.TLP = l })
	}
	labels = append(labels, func(s *Set) { s.TLP, s.Refs = tlp.Clear, []string{latticeUnknown} })
	dims := [][]step{
		{ // whom the recipient list names
			func(s *Set) { s.Recipients = Only[alliance.Org]("AAA/recipient") },
			nothing,
			func(s *Set) { s.Recipients = Only[alliance.Org]() },
		},
		{ // whom RED names
			func(s *Set) { s.Persons = Only[alliance.Key]("p1") },
			func(s *Set) { s.Persons = Only[alliance.Key]("p2") },
		},
		{ // releasability
			nothing,
			func(s *Set) { s.Releasable = Only[alliance.Member]("AAA", "BBB") },
			func(s *Set) { s.Releasable = Only[alliance.Member]() },
		},
		{ // release groups
			nothing,
			func(s *Set) { s.Groups = []alliance.Group{"one"} },
			func(s *Set) { s.Groups = []alliance.Group{"one", "two"} },
		},
		{ // classification
			nothing,
			func(s *Set) { s.Classes = []Level{"l/LOW"} },
			func(s *Set) { s.Classes = []Level{"l/HIGH", "l/LOW"} },
			func(s *Set) { s.Classes = []Level{"x/UNKNOWN"} },
		},
		{ // caveats
			nothing,
			func(s *Set) { s.Caveats = []string{"ONE"} },
			func(s *Set) { s.Caveats = []string{"ONE", "TWO"} },
		},
		{ // embargo: none, just over, not yet over
			nothing,
			func(s *Set) { s.NotBefore = latticeNow },
			func(s *Set) { s.NotBefore = latticeNow.Add(time.Millisecond) },
		},
		{ // recalled, by an owner
			nothing,
			func(s *Set) { s.Recalled, s.Owner = true, "AAA/recipient" },
			func(s *Set) { s.Recalled, s.Owner = true, "CCC/other" },
		},
	}
	var out []Set
	var walk func(s Set, dim, away int)
	walk = func(s Set, dim, away int) {
		if dim == len(dims) {
			out = append(out, s)
			return
		}
		for i, f := range dims[dim] {
			if i > 0 && away == most {
				break
			}
			n := s
			f(&n)
			walk(n, dim+1, away+min(i, 1))
		}
	}
	for _, label := range labels {
		var s Set
		label(&s)
		walk(s, 0, 0)
	}
	return out
}

// lattice is what a policy is tried on.
type lattice struct {
	readers []Reader
	sets    []Set
}

// newLattice returns the lattice for rules that compare with the texts named.
// Sets differ from the plainest in at most most dimensions; all of them for a
// negative most.
func newLattice(most int, named []string) lattice {
	l := lattice{latticeReaders(), latticeSets(most)}
	readers, sets := latticeNamed(named)
	seen := map[string]bool{}
	readers = slices.DeleteFunc(readers, func(r Reader) bool { // what sets the organisation comes twice
		twice := seen[r.Key()]
		seen[r.Key()] = true
		return twice
	})
	l.readers, l.sets = append(l.readers, readers...), append(l.sets, sets...)
	slices.SortStableFunc(l.sets, func(a, b Set) int { return strings.Compare(a.String(), b.String()) })
	l.sets = slices.CompactFunc(l.sets, func(a, b Set) bool { return a.String() == b.String() })
	return l
}

// latticeNamed returns readers that are what a rule speaks of, and sets that bear
// it, one thing at a time and under every label; organisations in every role that
// a rule speaks of.
func latticeNamed(named []string) (readers []Reader, sets []Set) {
	base := Reader{
		Person: "p1", Role: alliance.Analyst,
		Groups: []alliance.Group{"one"}, Cleared: []Level{"l/LOW"}, Caveats: []string{"ONE"},
	}
	reader := func(change func(*Reader)) {
		for _, community := range []bool{true, false} {
			for _, org := range []alliance.Org{"AAA/recipient", "AAA/other"} {
				r := base
				r.Org, r.Community = org, community
				change(&r)
				readers = append(readers, r)
			}
		}
	}
	set := func(change func(*Limits)) {
		for _, l := range tlp.Labels() {
			s := Set{TLP: l, Recipients: Only[alliance.Org]("AAA/recipient"), Persons: Only[alliance.Key]("p1")}
			change(&s.Limits)
			if s.Validate() == nil {
				sets = append(sets, s)
			}
		}
	}
	named = slices.DeleteFunc(slices.Clone(named), func(word string) bool {
		return word == "" || word == alliance.NoRole.String() || word == alliance.Administrator.String() // tried anyway
	})
	roles := []alliance.Role{alliance.Analyst}
	for _, word := range named {
		var role alliance.Role
		if role.UnmarshalText([]byte(word)) == nil {
			roles = append(roles, role)
		}
	}
	for _, role := range roles[1:] {
		reader(func(r *Reader) { r.Role = role })
	}
	for _, word := range named {
		if org := alliance.Org(word); org.Validate() == nil {
			for _, role := range roles {
				reader(func(r *Reader) { r.Org, r.Role = org, role })
			}
			reader(func(r *Reader) { r.ServedBy = []alliance.Org{org} })
			set(func(l *Limits) { l.Owner = org })
			set(func(l *Limits) { l.Recipients = Only(org) })
		}
		if m := alliance.Member(word); m.Validate() == nil {
			for _, role := range roles {
				reader(func(r *Reader) { r.Org, r.Role = alliance.Org(m+"/any"), role })
			}
			set(func(l *Limits) { l.Releasable = Only(m) })
			set(func(l *Limits) { l.Recipients = Only(alliance.Org(m + "/any")) })
		}
		reader(func(r *Reader) { r.Person = alliance.Key(word) })
		reader(func(r *Reader) { r.Groups = []alliance.Group{alliance.Group(word)} })
		reader(func(r *Reader) { r.Cleared = []Level{Level(word)} })
		reader(func(r *Reader) { r.Caveats = []string{word} })
		set(func(l *Limits) { l.Persons = Only(alliance.Key(word)) })
		set(func(l *Limits) { l.Groups = []alliance.Group{alliance.Group(word)} })
		set(func(l *Limits) { l.Classes = []Level{Level(word)} })
		set(func(l *Limits) { l.Caveats = []string{word} })
	}
	return readers, sets
}

// A property is something that must hold of every read that is allowed.
type property struct {
	name string
	// broken reports whether r reading what bears s at now breaks it.
	broken func(r Reader, s Set, now time.Time) bool
}

// properties are what the rules are held to. They are written by hand against
// the sets themselves and share nothing with the rules.
func properties() []property {
	label := func(s Set) tlp.Label {
		if len(s.Refs) > 0 { // the lattice knows no definition
			return tlp.Red
		}
		return s.TLP
	}
	in := func(s Set, o alliance.Org) bool {
		return o != "" && s.Recipients.Said && slices.Contains(s.Recipients.To, o)
	}
	client := func(r Reader, s Set) bool {
		return slices.ContainsFunc(r.ServedBy, func(o alliance.Org) bool { return in(s, o) })
	}
	return []property{
		{"nobody unknown reads", func(r Reader, _ Set, _ time.Time) bool {
			return r.Org.Validate() != nil || r.Role == alliance.NoRole
		}},
		{"the administrator reads nothing", func(r Reader, _ Set, _ time.Time) bool { return r.Role == alliance.Administrator }},
		{"RED is read by the named alone", func(r Reader, s Set, _ time.Time) bool {
			return label(s) == tlp.Red && (r.Person == "" || !s.Persons.Said || !slices.Contains(s.Persons.To, r.Person))
		}},
		{"AMBER+STRICT stays in the organisation", func(r Reader, s Set, _ time.Time) bool {
			return label(s) == tlp.AmberStrict && !in(s, r.Org)
		}},
		{"AMBER stays with the organisation and its listed clients", func(r Reader, s Set, _ time.Time) bool {
			return label(s) == tlp.Amber && !in(s, r.Org) && !client(r, s)
		}},
		{"what is AMBER and above rests on the recipient list", func(r Reader, s Set, _ time.Time) bool {
			return label(s) <= tlp.Amber && !in(s, r.Org) && (label(s) != tlp.Amber || !client(r, s))
		}},
		{"GREEN and above stays in the community", func(r Reader, s Set, _ time.Time) bool {
			return label(s) <= tlp.Green && !r.Community
		}},
		{"nobody reads before the embargo ends", func(_ Reader, s Set, now time.Time) bool {
			return !s.NotBefore.IsZero() && now.Before(s.NotBefore)
		}},
		{"what is recalled is read by its owner alone", func(r Reader, s Set, _ time.Time) bool {
			return s.Recalled && (s.Owner == "" || r.Org != s.Owner)
		}},
		{"nobody reads above the clearance", func(r Reader, s Set, _ time.Time) bool { return !all(s.Classes, r.Cleared) }},
		{"every caveat must be held", func(r Reader, s Set, _ time.Time) bool { return !all(s.Caveats, r.Caveats) }},
		{"every release group must have the reader", func(r Reader, s Set, _ time.Time) bool { return !all(s.Groups, r.Groups) }},
		{"releasability is kept", func(r Reader, s Set, _ time.Time) bool {
			return s.Releasable.Said && !slices.Contains(s.Releasable.To, r.Org.Member())
		}},
	}
}

// all reports whether has holds every one of want.
func all[T comparable](want, has []T) bool {
	for _, w := range want {
		if !slices.Contains(has, w) {
			return false
		}
	}
	return true
}

// Violation is a property of the lattice that a policy breaks.
type Violation struct {
	Property string `json:"property"`
	// Example is the first case, in words.
	Example string `json:"example"`
	// Count is how many cases break it.
	Count int `json:"count"`
}

// Test checks the policy against every property on the whole lattice: 13
// properties of each allowed read, and that adding a caveat, a release group or
// an unknown marking opens nothing. It returns nil when all hold. Clauses that
// err on the lattice are violations too.
func (p *Policy) Test() ([]Violation, error) {
	return p.test(newLattice(-1, p.named), properties(), 0)
}

// test holds the policy to props; it stops after enough violations, 0 for never.
func (p *Policy) test(on lattice, props []property, enough int) ([]Violation, error) {
	return on.test(on.sights(p, Mark(nil, on.sets...)), props, enough)
}

// sights returns what each reader of the lattice sees by p, worked out once.
func (l lattice) sights(p *Policy, marked []Marked) func(reader int) (*Sight, error) {
	seen := make([]*Sight, len(l.readers))
	return func(i int) (*Sight, error) {
		var err error
		if seen[i] == nil {
			seen[i], err = p.Readable(l.readers[i], marked, latticeNow)
		}
		return seen[i], err
	}
}

func (l lattice) test(sees func(reader int) (*Sight, error), props []property, enough int) ([]Violation, error) {
	sets := l.sets
	found := map[string]*Violation{}
	var order []string
	note := func(name, example string) {
		v := found[name]
		if v == nil {
			v = &Violation{Property: name, Example: example}
			found[name] = v
			order = append(order, name)
		}
		v.Count++
	}
	narrower := narrowings(sets)
	for at, r := range l.readers {
		s, err := sees(at)
		if err != nil {
			return nil, err
		}
		for _, e := range s.Errors {
			note("no clause errs", e)
		}
		for i, set := range sets {
			if !s.Has(uint32(i)) { //nolint:gosec // sets are few
				continue
			}
			for _, prop := range props {
				if prop.broken(r, set, latticeNow) {
					note(prop.name, describe(r, set))
				}
			}
			if w := narrower[i]; w >= 0 && !s.Has(uint32(w)) { //nolint:gosec // sets are few
				note("a limit more never opens", describe(r, set))
			}
		}
		if enough > 0 && len(order) >= enough {
			break
		}
	}
	var out []Violation
	for _, name := range order {
		out = append(out, *found[name])
	}
	return out, nil
}

// narrowings returns, for each set, a set of the list that differs from it by
// one caveat, release group, classification or unknown marking less; -1 for
// none.
func narrowings(sets []Set) []int {
	at := make(map[string]int, len(sets))
	for i, s := range sets {
		at[s.String()] = i
	}
	out := make([]int, len(sets))
	for i, s := range sets {
		out[i] = -1
		less := s
		switch {
		case len(s.Caveats) > 0:
			less.Caveats = s.Caveats[:len(s.Caveats)-1]
		case len(s.Groups) > 0:
			less.Groups = s.Groups[:len(s.Groups)-1]
		case len(s.Classes) > 0:
			less.Classes = s.Classes[1:]
		case len(s.Refs) > 0:
			less.Refs = nil
		default:
			continue
		}
		if w, ok := at[less.String()]; ok {
			out[i] = w
		}
	}
	return out
}

// describe says who reads what.
func describe(r Reader, s Set) string {
	var about []string
	if r.Community {
		about = append(about, "in the community")
	}
	if len(r.ServedBy) > 0 {
		about = append(about, fmt.Sprintf("client of %v", r.ServedBy))
	}
	return fmt.Sprintf("%s of %q as %s (%s) reads %s", r.Person, r.Org, r.Role, strings.Join(about, ", "), s)
}
