// Package severity says how grave one incident is, by models that are data: national
// scoring systems, categories and the rules of law.
//
// It promises that a question without an answer is never given one: it leaves an
// interval, which narrows as answers come, and the result says which questions are
// open and how much each would narrow. Every result names its model, version, digest
// and scale. It keeps nothing and decides nothing.
package severity

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"casus/internal/core/exact"
	"casus/internal/fault"
)

// Answers hold for a question the options that are still possible: one when it is
// answered. A question that is missing is open.
type Answers map[string][]string

// Assessment is how grave an incident is by one model.
type Assessment struct {
	Model   string `json:"model"`
	Version string `json:"version"`
	Digest  string `json:"digest"` // of the model's file
	// Scale is in what the bounds are: "0-100" and the like for scores, "levels" for
	// the places of levels, 1 the slightest.
	Scale string      `json:"scale"`
	Lo    exact.Micro `json:"lo"`
	Hi    exact.Micro `json:"hi"`
	// Levels are the levels that are possible, the slightest first: bands of a score,
	// categories, or whether a rule is met.
	Levels []string `json:"levels"`
	// ActorBlind says that the model asks nothing about who did it, so that the
	// result may be weighed by attribution without counting it twice.
	ActorBlind bool `json:"actor_blind"`
	// Open are the questions that still leave room, those first that can narrow the
	// result the most.
	Open []Open `json:"open"`
	// Parts are what each question adds to a score.
	Parts []Part `json:"parts,omitempty"`
	// Met are the clauses of a rule that are met for sure.
	Met []string `json:"met,omitempty"`
}

// Open is a question that still leaves room.
type Open struct {
	Question string `json:"question"`
	// Narrows is by how much the best answer would narrow the bounds, in units of the
	// scale.
	Narrows exact.Micro `json:"narrows"`
}

// Part is what a question adds to a score, in points of the scale.
type Part struct {
	Question string      `json:"question"`
	Answer   []string    `json:"answer"` // options that are possible
	Lo       exact.Micro `json:"lo"`
	Hi       exact.Micro `json:"hi"`
}

// span is a result before it is written out: the bounds, the levels that are
// possible by their places, and the clauses that are met.
type span struct {
	lo, hi float64
	levels []int
	met    []string
}

// Assess assesses an incident. An answer to a question that the model does not ask,
// or that is none of its options, is an Invalid fault.
func (m *Model) Assess(a Answers) (*Assessment, error) {
	if err := m.fits(a); err != nil {
		return nil, err
	}
	s := m.span(a)
	out := &Assessment{
		Model: m.ID, Version: m.Version, Digest: m.digest, Scale: m.scale(), ActorBlind: m.ActorBlind,
		Lo: micro(s.lo), Hi: micro(s.hi), Levels: []string{}, Open: []Open{}, Met: s.met,
	}
	names := m.levelNames()
	for _, k := range s.levels {
		out.Levels = append(out.Levels, names[k])
	}
	for _, q := range m.Questions {
		possible := q.possible(a)
		if m.Kind == WeightedMean && q.ID != m.Factor {
			lo, hi := m.part(q, a)
			out.Parts = append(out.Parts, Part{q.ID, ids(possible), micro(lo), micro(hi)})
		}
		if len(possible) > 1 {
			out.Open = append(out.Open, Open{q.ID, micro(m.narrows(q, a, s))})
		}
	}
	slices.SortStableFunc(out.Open, func(x, y Open) int { return cmp.Compare(y.Narrows, x.Narrows) })
	return out, nil
}

// fits reports what is wrong with answers to the model's questions.
func (m *Model) fits(a Answers) error {
	for _, id := range slices.Sorted(maps.Keys(a)) {
		k := slices.IndexFunc(m.Questions, func(q Question) bool { return q.ID == id })
		if k < 0 {
			return fault.WithHint(fault.Errorf(fault.Invalid, "severity: %s does not ask %q", m.ID, id), "it asks %s", strings.Join(m.asks(), ", "))
		}
		q := m.Questions[k]
		for _, o := range a[id] {
			if !slices.Contains(ids(q.Options), o) {
				return fault.WithHint(fault.Errorf(fault.Invalid, "severity: %s: %q is no answer to %q", m.ID, o, id), "answer %s", strings.Join(ids(q.Options), ", "))
			}
		}
	}
	return nil
}

func (m *Model) asks() []string {
	out := make([]string, 0, len(m.Questions))
	for _, q := range m.Questions {
		out = append(out, q.ID)
	}
	return out
}

func ids(os []Option) []string {
	out := make([]string, 0, len(os))
	for _, o := range os {
		out = append(out, o.ID)
	}
	return out
}

// possible returns the options that answers leave possible; all when there is no
// answer.
func (q Question) possible(a Answers) []Option {
	given := a[q.ID]
	if len(given) == 0 {
		return q.Options
	}
	var out []Option
	for _, o := range q.Options {
		if slices.Contains(given, o.ID) {
			out = append(out, o)
		}
	}
	return out
}

// bounds returns the least and the greatest value that is possible.
func (q Question) bounds(a Answers) (lo, hi float64) {
	os := q.possible(a)
	lo, hi = os[0].Value, os[0].Value
	for _, o := range os {
		lo, hi = min(lo, o.Value), max(hi, o.Value)
	}
	return lo, hi
}

// narrows returns by how much the best answer to a question narrows the bounds.
func (m *Model) narrows(q Question, a Answers, s span) float64 {
	best := 0.0
	with := maps.Clone(a)
	if with == nil {
		with = Answers{}
	}
	for _, o := range q.possible(a) {
		with[q.ID] = []string{o.ID}
		t := m.span(with)
		best = max(best, (s.hi-s.lo)-(t.hi-t.lo))
	}
	return best
}

// span works out what answers leave possible.
func (m *Model) span(a Answers) span {
	switch m.Kind {
	case WeightedMean:
		return m.mean(a)
	case Lookup:
		return m.lookUp(a)
	default:
		return m.judge(a)
	}
}

// mean is the weighted sum, times the factor if there is one, from the least to the
// greatest that is possible at all as 0 to Top.
//
// Source: cite-nciss, weighted arithmetic mean normalised to 0 to 100.
// Source: eurepoc-1.1, intensity, as a sum times the weight of the target.
func (m *Model) mean(a Answers) span {
	lo, hi := m.sums(a)
	least, most := m.sums(nil)
	var s span
	scale := func(x float64) float64 { return exact.Mul(m.Top, x-least) / (most - least) }
	s.lo, s.hi = scale(lo), scale(hi)
	if len(m.Bands) > 0 {
		from, to := m.band(s.lo), m.band(s.hi)
		for k := from; k <= to; k++ {
			s.levels = append(s.levels, k)
		}
	}
	return s
}

func (m *Model) sums(a Answers) (lo, hi float64) {
	flo, fhi := 1.0, 1.0
	for _, q := range m.Questions {
		l, h := q.bounds(a)
		if q.ID == m.Factor {
			flo, fhi = l, h
			continue
		}
		lo += exact.Mul(q.Weight, l)
		hi += exact.Mul(q.Weight, h)
	}
	return exact.Mul(lo, flo), exact.Mul(hi, fhi)
}

// part is what a question adds, in points of the scale, with a factor of 1.
func (m *Model) part(q Question, a Answers) (lo, hi float64) {
	least, most := m.sums(nil)
	l, h := q.bounds(a)
	l0, _ := q.bounds(nil)
	points := func(x float64) float64 {
		return exact.Mul(m.Top, exact.Mul(q.Weight, x-l0)) / (most - least)
	}
	return points(l), points(h)
}

// band returns the place of the band of a score.
func (m *Model) band(score float64) int {
	at := 0
	for k, b := range m.Bands {
		// A score is compared as it is published.
		if micro(score) >= micro(b.From) {
			at = k
		}
	}
	return at
}

// lookUp collects the levels of all cells that are possible.
//
// Source: ncsc-uk-categories, definitions, read as who is hit by how hard.
func (m *Model) lookUp(a Answers) span {
	rows, columns := m.Questions[0], m.Questions[1]
	var found []int
	for r, row := range rows.Options {
		for c, column := range columns.Options {
			if slices.Contains(rows.possible(a), row) && slices.Contains(columns.possible(a), column) {
				found = append(found, slices.Index(m.Levels, m.Table[r][c]))
			}
		}
	}
	return levelled(found)
}

func levelled(found []int) span {
	slices.Sort(found)
	found = slices.Compact(found)
	return span{lo: float64(found[0] + 1), hi: float64(found[len(found)-1] + 1), levels: found}
}

// judge says whether the rule is met, not met, or may be either.
//
// Source: nis2, Article 23(3).
// Source: cir-2024-2690, Article 3(1).
func (m *Model) judge(a Answers) span {
	met, open := m.holds(*m.Rule, a)
	var s span
	switch {
	case open:
		s = levelled([]int{0, 1})
	case met:
		s = levelled([]int{1})
	default:
		s = levelled([]int{0})
	}
	parts := m.Rule.Any
	if len(parts) == 0 {
		parts = []Clause{*m.Rule}
	}
	for _, c := range parts {
		if met, open := m.holds(c, a); met && !open {
			s.met = append(s.met, c.name())
		}
	}
	return s
}

// holds works a clause out by three values: it is open when answers may decide it
// either way.
func (m *Model) holds(c Clause, a Answers) (met, open bool) {
	switch {
	case len(c.Any) > 0:
		for _, part := range c.Any {
			p, o := m.holds(part, a)
			if p && !o {
				return true, false
			}
			open = open || o
		}
		return false, open
	case len(c.All) > 0:
		for _, part := range c.All {
			p, o := m.holds(part, a)
			if !p && !o {
				return false, false
			}
			open = open || o
		}
		return !open, open
	}
	k := slices.IndexFunc(m.Questions, func(q Question) bool { return q.ID == c.Question })
	yes, no := 0, 0
	for _, o := range m.Questions[k].possible(a) {
		if slices.Contains(c.Is, o.ID) {
			yes++
		} else {
			no++
		}
	}
	return no == 0, yes > 0 && no > 0
}

// micro is for values that are bounded by construction.
func micro(x float64) exact.Micro {
	v, _ := exact.Round(x)
	return v
}
