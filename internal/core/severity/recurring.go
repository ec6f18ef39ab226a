package severity

import (
	"cmp"
	"slices"
	"time"
)

// Occurrence is an incident at one entity that is not significant by itself.
type Occurrence struct {
	ID string
	// At is when it occurred, Cause its apparent root cause; empty is not known, and
	// is alike with nothing.
	At    time.Time
	Cause string
	// LossLo and LossHi bound the direct financial loss, in euros.
	LossLo, LossHi float64
}

// Series is incidents that may count as one significant incident together.
type Series struct {
	Cause     string
	Incidents []string // in order of time
	// LossLo and LossHi bound what they cost together, in euros.
	LossLo, LossHi float64
	// Met says that the financial criterion is met for sure; when it is not, it may
	// be.
	Met bool
}

// recurringWindow is how far apart incidents may be, in months of the calendar.
const recurringWindow = 6

// Recurring returns the series of incidents that count as one significant incident:
// at least two within six months, of the same apparent root cause, that together
// cost more than EUR 500,000 or five percent of last year's turnover, whichever is
// lower. Of nested series the longest is returned. turnover is in euros; 0 is not
// known, and then only the EUR 500,000 count.
//
// Source: cir-2024-2690, Articles 3(1)(a) and 4.
func Recurring(all []Occurrence, turnover float64) []Series {
	limit := 500_000.0
	if turnover > 0 {
		limit = min(limit, turnover/20)
	}
	sorted := slices.Clone(all)
	slices.SortFunc(sorted, func(a, b Occurrence) int {
		return cmp.Or(cmp.Compare(a.Cause, b.Cause), a.At.Compare(b.At), cmp.Compare(a.ID, b.ID))
	})
	var out []Series
	to, told := 0, 0
	for from := range sorted {
		first := sorted[from]
		to = max(to, from)
		end := first.At.AddDate(0, recurringWindow, 0)
		for to < len(sorted) && sorted[to].Cause == first.Cause && !sorted[to].At.After(end) {
			to++
		}
		if first.Cause == "" || to-from < 2 || to <= told {
			continue
		}
		s := Series{Cause: first.Cause}
		for _, o := range sorted[from:to] {
			s.Incidents = append(s.Incidents, o.ID)
			s.LossLo += o.LossLo
			s.LossHi += o.LossHi
		}
		if s.LossHi > limit {
			s.Met = s.LossLo > limit
			out = append(out, s)
			told = to
		}
	}
	return out
}
