package match

import (
	"fmt"

	"casus/stix/pattern"
)

// DefaultSteps is the budget of a match that is given none: some tenths of a
// second. A step is a look at a value, at 64 bytes of text or at a state.
const DefaultSteps = 10_000_000

// Matcher is a pattern made ready. It is not changed again, and may be used by
// many at once.
type Matcher struct {
	conds []*condition
	root  *node
}

// New makes a pattern ready. It refuses, with a [*pattern.Error], what the
// grammar lets pass and the standard or this package does not: a day that no
// calendar has, WITHIN 0 SECONDS, constants of several types in IN, regular
// expressions that cannot run in linear time, and set operators on what is no
// address.
func New(p *pattern.Pattern) (*Matcher, error) {
	b := &builder{keys: make(map[string]int)}
	root, err := b.node(p.Expr)
	if err != nil {
		return nil, err
	}
	return &Matcher{conds: b.conds, root: root}, nil
}

// Compile reads a pattern of STIX 2.1 and makes it ready.
func Compile(text string) (*Matcher, error) {
	p, err := pattern.Parse(text)
	if err != nil {
		return nil, err
	}
	return New(p)
}

// Result is the answer of a match.
type Result struct {
	// Matched says whether the observations fulfil the pattern.
	Matched bool
	// Binding are the indexes of observations that together fulfil it, in rising
	// order; nil without a match. Others may fulfil it too.
	Binding []int
	// Notes say why comparisons could not be made, such as a timestamp with a
	// text that is none. There are at most eight.
	Notes []string
}

// Match holds the pattern against observations, in any order. Steps is the
// budget, [DefaultSteps] if it is 0. The error wraps [ErrBudget]; there is no
// answer then.
func (m *Matcher) Match(observations []*Observation, steps int) (Result, error) {
	if steps == 0 {
		steps = DefaultSteps
	}
	r := &run{left: steps}
	s := newSolver(observations, r)
	for i, o := range observations {
		for k, c := range m.conds {
			if c.holdsOn(o, r) {
				s.fulfil(k, i)
			}
		}
		if r.err != nil {
			return Result{}, fmt.Errorf("observation %d: %w", i, r.err)
		}
	}
	binding := s.solve(m.root)
	if r.err != nil {
		return Result{}, r.err
	}
	return Result{Matched: binding != nil, Binding: binding, Notes: r.notes}, nil
}
