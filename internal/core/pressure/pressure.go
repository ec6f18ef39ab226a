// Package pressure computes what many incidents come to together: the model
// casus-cumulative/1. Whether a cumulative set of malicious activities is grave is
// for named states to say; this says how grave by rules that they adopted, how
// unsure that is, and what would change it.
//
// It promises that a figure never stands alone: with it come the bounds, the
// distribution over who may have done what, what each incident adds, how the
// parameters move it and what would move it across a threshold. Espionage never
// feeds the index of effects. The order of incidents changes nothing, to the last
// bit. It keeps nothing, has no clock, and adopts no threshold.
package pressure

import (
	"cmp"
	"math"
	"slices"

	"casus/internal/core/attrib"
	"casus/internal/core/exact"
	"casus/internal/fault"
)

// Name is the name of the model, in every figure.
const Name = "casus-cumulative/1"

// Class is what an incident did. It decides which index the incident feeds.
type Class string

// The classes.
const (
	Disruption   Class = "disruption"
	Destruction  Class = "destruction"
	Physical     Class = "physical"
	Manipulation Class = "manipulation" // of critical data
	LossOfLife   Class = "loss-of-life"
	Espionage    Class = "espionage"
	Access       Class = "access"          // and nothing more
	Positioning  Class = "pre-positioning" // in critical systems
)

// Index is one of the three sums. They are never added to one another: a mixture of
// classes puts another originator on top than each by itself.
type Index string

// The indices.
const (
	Effects        Index = "effects"      // what was done to services, things and people
	Intelligence   Index = "intelligence" // what was taken or entered
	Preparation    Index = "preparation"  // what was made ready
	indexOfNothing Index = ""
)

// Of returns the index that a class feeds; the zero Index for an unknown class.
func (c Class) Of() Index {
	switch c {
	case Disruption, Destruction, Physical, Manipulation, LossOfLife:
		return Effects
	case Espionage, Access:
		return Intelligence
	case Positioning:
		return Preparation
	}
	return indexOfNothing
}

// Severity is how grave one incident is, 0 to 100, without regard to who did it.
type Severity struct {
	Lo  float64 `json:"lo"`
	Mid float64 `json:"mid"`
	Hi  float64 `json:"hi"`
}

// Incident is one incident as the model wants it.
type Incident struct {
	ID string `json:"id"`
	// Member is the ally that was hit, Function what of it.
	Member   string   `json:"member"`
	Function string   `json:"function"`
	Class    Class    `json:"class"`
	Severity Severity `json:"severity"`
	// Began and Ended are days before the moment of assessment. Ended is 0 while it
	// lasts, and is counted from when things were restored: harm that is not
	// repaired does not fade.
	Began float64 `json:"began_days_ago"`
	Ended float64 `json:"ended_days_ago"`
	// Originator is the opinion that it was the one in question, Linkage that it
	// belongs to this set; both binomial.
	Originator attrib.Opinion `json:"originator"`
	Linkage    attrib.Opinion `json:"linkage"`
	// Group names the evidence that the attribution rests on. What rests on the same
	// is true or false together.
	Group string `json:"evidence_group"`
}

// Limits.
const (
	MaxIncidents = 2000
	// maxDays is how far back anything lies, in days: a century.
	maxDays = 36_525
)

// Check says with an Invalid fault what is wrong with an incident.
func (i Incident) Check() error {
	s := i.Severity
	switch {
	case i.ID == "" || i.Member == "" || i.Function == "" || i.Group == "":
		return fault.Errorf(fault.Invalid, "pressure: incident %q: want an id, a member, a function and an evidence group", i.ID)
	case i.Class.Of() == indexOfNothing:
		return fault.Errorf(fault.Invalid, "pressure: incident %s: class %q is not known", i.ID, string(i.Class))
	case !(0 <= s.Lo && s.Lo <= s.Mid && s.Mid <= s.Hi && s.Hi <= 100):
		return fault.Errorf(fault.Invalid, "pressure: incident %s: severity %v to %v, most likely %v: want 0 <= lo <= mid <= hi <= 100", i.ID, s.Lo, s.Hi, s.Mid)
	case !(0 <= i.Ended && i.Ended <= i.Began && i.Began <= maxDays):
		return fault.Errorf(fault.Invalid, "pressure: incident %s: began %v and ended %v days ago: want %d >= began >= ended >= 0", i.ID, i.Began, i.Ended, maxDays)
	}
	for _, o := range []attrib.Opinion{i.Originator, i.Linkage} {
		if err := o.Check(); err != nil {
			return fault.Errorf(fault.Invalid, "pressure: incident %s: %w", i.ID, err)
		}
		if len(o.Belief) != 2 {
			return fault.Errorf(fault.Invalid, "pressure: incident %s: opinions on %d hypotheses, want 2", i.ID, len(o.Belief))
		}
	}
	return nil
}

// prepared returns the incidents that feed an index, each once and in order of their
// ids: reports of one incident by several allies are one incident. Two that share an
// id and say otherwise are a Conflict fault.
func prepared(all []Incident, index Index) ([]Incident, error) {
	if len(all) > MaxIncidents {
		return nil, fault.Errorf(fault.Invalid, "pressure: %d incidents, at most %d", len(all), MaxIncidents)
	}
	var in []Incident
	for _, i := range all {
		if err := i.Check(); err != nil {
			return nil, err
		}
		if i.Class.Of() == index {
			in = append(in, i)
		}
	}
	slices.SortStableFunc(in, func(a, b Incident) int { return cmp.Compare(a.ID, b.ID) })
	for k := 1; k < len(in); k++ {
		if in[k].ID == in[k-1].ID && !same(in[k], in[k-1]) {
			return nil, fault.WithHint(fault.Errorf(fault.Conflict, "pressure: incident %s is given twice and otherwise", in[k].ID),
				"settle first which of its assessments counts")
		}
	}
	return slices.CompactFunc(in, func(a, b Incident) bool { return a.ID == b.ID }), nil
}

func same(a, b Incident) bool {
	eq := func(x, y attrib.Opinion) bool {
		return x.Uncertainty == y.Uncertainty && slices.Equal(x.Belief, y.Belief) && slices.Equal(x.Base, y.Base)
	}
	return a.Member == b.Member && a.Function == b.Function && a.Class == b.Class && a.Severity == b.Severity &&
		a.Began == b.Began && a.Ended == b.Ended && a.Group == b.Group && eq(a.Originator, b.Originator) && eq(a.Linkage, b.Linkage)
}

// term is an incident in the sum: where it counts, how grave it is and with what
// probability it is one of the set.
type term struct {
	place int     // in the ground's places
	size  float64 // gravity times decay
	p     float64
}

// ground is where incidents of a set count.
type ground struct {
	places []place   // by member, then function
	left   []float64 // room for combine
}

// place is a function of a member, and what its loss is of the loss of the member.
type place struct {
	member, function string
	weight           float64
}

func (m *Model) ground(in []Incident) *ground {
	g := &ground{}
	for _, i := range in {
		g.places = append(g.places, place{i.Member, i.Function, m.weight(i.Function)})
	}
	slices.SortFunc(g.places, comparePlaces)
	g.places = slices.Compact(g.places)
	g.left = make([]float64, len(g.places))
	return g
}

func comparePlaces(a, b place) int {
	return cmp.Or(cmp.Compare(a.member, b.member), cmp.Compare(a.function, b.function))
}

// gravity turns a severity into what it adds: nothing below what is significant, and
// from there the steeper the graver.
func (m *Model) gravity(s float64) float64 {
	if s < m.Significant || m.Significant >= 100 {
		return 0
	}
	return exact.Pow((s-m.Significant)/(100-m.Significant), m.Gamma)
}

// decay is what is left of an incident that ended so many days ago.
func (m *Model) decay(days float64) float64 { return exact.Exp2(-days / m.HalfLife) }

// membership returns the probability that an incident is one of the set: at the
// least, in between and at the most.
func membership(i Incident) (lo, mid, hi float64) {
	lo1, hi1 := i.Originator.Bounds(0)
	lo2, hi2 := i.Linkage.Bounds(0)
	return exact.Mul(lo1, lo2), exact.Mul(i.Originator.Projected()[0], i.Linkage.Projected()[0]), exact.Mul(hi1, hi2)
}

// terms returns the terms of incidents, in their order.
func (m *Model) terms(g *ground, in []Incident) []term {
	out := make([]term, 0, len(in))
	for _, i := range in {
		_, p, _ := membership(i)
		at, _ := slices.BinarySearchFunc(g.places, place{member: i.Member, function: i.Function}, comparePlaces)
		out = append(out, term{at, exact.Mul(m.gravity(i.Severity.Mid), m.decay(i.Ended)), p})
	}
	return out
}

// combine adds the terms up and returns the index, 0 to 100, and what each member
// comes to, if each is given. A function of a member is harmed by one incident or
// another, a member by the loss of one function or another, the alliance by that of
// one member or another. So it grows with every incident, is bounded, and many
// pinpricks at one function never exceed the loss of that function.
func (m *Model) combine(g *ground, ts []term, each func(member string, share float64)) float64 {
	for k := range g.left {
		g.left[k] = 1
	}
	for _, t := range ts {
		g.left[t.place] = exact.Mul(g.left[t.place], 1-exact.Mul(t.p, t.size))
	}
	whole := 1.0
	for k := 0; k < len(g.places); {
		member, rest := g.places[k].member, 1.0
		for ; k < len(g.places) && g.places[k].member == member; k++ {
			rest = exact.Mul(rest, 1-exact.Mul(g.places[k].weight, 1-g.left[k]))
		}
		if each != nil {
			each(member, 1-rest)
		}
		whole = exact.Mul(whole, 1-exact.Mul(m.Solidarity, 1-rest))
	}
	return exact.Mul(100, 1-whole)
}

// breadth is how many members are hit as if all were hit alike: 1 when one bears it
// all, 0 when none bears anything.
func breadth(shares []float64) float64 {
	total, squares := 0.0, 0.0
	for _, s := range shares {
		total += s
		squares += exact.Mul(s, s)
	}
	if squares == 0 {
		return 0
	}
	return exact.Mul(total, total) / squares
}

// month is a twelfth of a year, in days.
const month = 365.25 / 12

// persistence is the share of the last twelve months in which an incident of the set
// was going on.
func (m *Model) persistence(in []Incident) float64 {
	active := 0
	for k := range 12 {
		from, to := float64(float64(k+1)*month), float64(float64(k)*month)
		if slices.ContainsFunc(in, func(i Incident) bool {
			return i.Ended <= from && i.Began >= to && m.gravity(i.Severity.Hi) > 0
		}) {
			active++
		}
	}
	return float64(active) / 12
}

// at returns the incidents as they stood so many days before: those that had begun.
func at(in []Incident, days float64) []Incident {
	var out []Incident
	for _, i := range in {
		if i.Began >= days {
			i.Began, i.Ended = i.Began-days, math.Max(0, i.Ended-days)
			out = append(out, i)
		}
	}
	return out
}
