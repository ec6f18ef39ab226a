package pressure

import (
	"cmp"
	"slices"

	"casus/internal/core/exact"
)

// Tip is a set of changes of facts that together would move the index to another
// band.
type Tip struct {
	Changes []Change    `json:"changes"`
	Mid     exact.Micro `json:"mid"`
	Band    string      `json:"band"` // empty below the first
}

// Change is one fact found out: that an incident is of the set (attributed), is not
// (cleared), or is as slight or as grave as it may be (slightest, gravest).
type Change struct {
	Incident string `json:"incident"`
	To       string `json:"to"`
}

const (
	// maxTipSet is how many facts together are tried, maxTips how many sets are told,
	// and maxTipped how many incidents are tried: those that add the most.
	maxTipSet = 3
	maxTips   = 12
	maxTipped = 16
)

// tipping looks for the smallest sets of changes that move mid to another band.
func (m *Model) tipping(g *ground, in []Incident, ts []term, mid float64) []Tip {
	now := m.band(mid)
	order := make([]int, len(in))
	for k := range order {
		order[k] = k
	}
	// What an incident could move at most goes with its size at its gravest.
	most := func(k int) float64 { return exact.Mul(m.gravity(in[k].Severity.Hi), m.decay(in[k].Ended)) }
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(most(b), most(a)) })
	order = order[:min(len(order), maxTipped)]
	other := slices.Clone(ts)
	var found []Tip
	var try func(from, left int, so []Change)
	try = func(from, left int, so []Change) {
		if left == 0 {
			v := m.combine(g, other, nil)
			if band := m.band(v); band != now {
				tip := Tip{Changes: slices.Clone(so), Mid: micro(v)}
				if band >= 0 {
					tip.Band = m.Bands[band].Name
				}
				found = append(found, tip)
			}
			return
		}
		for at := from; at+left <= len(order); at++ {
			k := order[at]
			for _, c := range m.changes(in[k], ts[k]) {
				other[k] = c.term
				try(at+1, left-1, append(so, Change{in[k].ID, c.to}))
			}
			other[k] = ts[k]
		}
	}
	for size := 1; size <= maxTipSet && len(found) == 0; size++ {
		try(0, size, nil)
	}
	return found[:min(len(found), maxTips)]
}

type changed struct {
	to   string
	term term
}

// changes returns what may be found out about an incident and would change its term.
func (m *Model) changes(i Incident, t term) []changed {
	size := func(s float64) float64 { return exact.Mul(m.gravity(s), m.decay(i.Ended)) }
	all := []changed{
		{"cleared", term{t.place, t.size, 0}},
		{"attributed", term{t.place, t.size, 1}},
		{"slightest", term{t.place, size(i.Severity.Lo), t.p}},
		{"gravest", term{t.place, size(i.Severity.Hi), t.p}},
	}
	return slices.DeleteFunc(all, func(c changed) bool { return c.term == t })
}
