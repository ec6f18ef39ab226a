package marking

import (
	"slices"
	"strings"
)

// Difference is a kind of case that one policy decides otherwise than another.
type Difference struct {
	// Opens is set when the new policy allows what the old denied, clear for the
	// reverse.
	Opens bool `json:"opens"`
	// Before and After are the clauses that decided, under the old and the new.
	Before []string `json:"before"`
	After  []string `json:"after"`
	// Example is the first such case, in words, and Count how many there are on
	// the lattice.
	Example string `json:"example"`
	Count   int    `json:"count"`
}

// String returns the change in one line, without its example and count.
func (c Difference) String() string {
	word := "closes"
	if c.Opens {
		word = "opens"
	}
	return word + " " + strings.Join(c.Before, "+") + " -> " + strings.Join(c.After, "+")
}

// Diff returns how the new policy decides otherwise than the old about reading:
// first what it opens, then what it closes, each by the clauses that decided. It
// tries the whole lattice, with the texts that either compares with: each by
// itself on either side, and organisations in every role spoken of. A rule that
// joins more of one side than that is for people to read.
func Diff(old, new *Policy) ([]Difference, error) {
	return diff(old, new, newLattice(-1, tidyText(slices.Concat(old.named, new.named))))
}

func diff(old, new *Policy, on lattice) ([]Difference, error) {
	marked := Mark(nil, on.sets...)
	return on.diff(old, new, marked, on.sights(old, marked), on.sights(new, marked))
}

func (l lattice) diff(old, new *Policy, marked []Marked, saw, sees func(reader int) (*Sight, error)) ([]Difference, error) {
	found := map[string]*Difference{}
	for at, r := range l.readers {
		a, err := saw(at)
		if err != nil {
			return nil, err
		}
		b, err := sees(at)
		if err != nil {
			return nil, err
		}
		for i := range marked {
			no := uint32(i) //nolint:gosec // sets are few
			if a.Has(no) == b.Has(no) {
				continue
			}
			c := Difference{
				Opens: b.Has(no), Example: describe(r, marked[i].set),
				Before: old.Decide(r, Read, marked[i], latticeNow).reasons(),
				After:  new.Decide(r, Read, marked[i], latticeNow).reasons(),
			}
			if found[c.String()] == nil {
				found[c.String()] = &c
			}
			found[c.String()].Count++
		}
	}
	var out []Difference
	for _, c := range found {
		out = append(out, *c)
	}
	slices.SortFunc(out, func(a, b Difference) int {
		if a.Opens != b.Opens {
			if a.Opens {
				return -1
			}
			return 1
		}
		return strings.Compare(a.String(), b.String())
	})
	return out, nil
}

// reasons returns the clauses that decided, errors included.
func (d Decision) reasons() []string {
	out := slices.Clone(d.Rules)
	if len(d.Errors) > 0 {
		out = append(out, "error")
	}
	return out
}
