package match_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"casus/stix/pattern"
	"casus/stix/pattern/match"
)

// The reference is slow and plain: it enumerates every set of observations that
// fulfils an expression, straight from the words of the standard.
//
// Source: stix-2.1 §9.5.

// unit is one of the observations that an observed-data stands for.
type unit struct {
	of          int // index of the observed-data
	first, last int // seconds
	timeless    bool
	has         string // letters of the properties that are true
}

// sets returns the sets of units, as bits, that fulfil an expression in a span.
func sets(e pattern.Expr, units []unit, start, stop int) map[uint32]bool {
	out := make(map[uint32]bool)
	switch e := e.(type) {
	case *pattern.Observation:
		for i, u := range units {
			all := start == 0 && stop == forever
			if holds(e.Cond, u.has) && (all || !u.timeless && start < stop && u.last >= start && u.first < stop) {
				out[1<<i] = true
			}
		}
	case *pattern.Joined:
		for i, part := range e.Parts {
			next := sets(part, units, start, stop)
			switch {
			case i == 0:
				out = next
			case e.Op == pattern.Or:
				for s := range next {
					out[s] = true
				}
			default:
				out = join(out, next, units, e.Op == pattern.FollowedBy)
			}
		}
	case *pattern.Qualified:
		switch e.By.Kind {
		case pattern.Repeats:
			once := sets(e.Expr, units, start, stop)
			out = once
			for range e.By.Times - 1 {
				out = join(out, once, units, false)
			}
		case pattern.Within:
			for s := range sets(e.Expr, units, start, stop) {
				low, high, timeless := span(s, units)
				if s&(s-1) == 0 || !timeless && float64(high-low) < e.By.Seconds {
					out[s] = true
				}
			}
		default:
			out = sets(e.Expr, units, max(start, seconds(e.By.Start)), min(stop, seconds(e.By.Stop)))
		}
	}
	return out
}

const forever = 1 << 30

func seconds(s string) int {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return int(t.Unix())
}

func join(a, b map[uint32]bool, units []unit, ordered bool) map[uint32]bool {
	out := make(map[uint32]bool)
	for s := range a {
		for t := range b {
			_, high, never := span(s, units)
			low, _, never2 := span(t, units)
			if s&t == 0 && (!ordered || !never && !never2 && high <= low) {
				out[s|t] = true
			}
		}
	}
	return out
}

// span returns the earliest end and the latest beginning of a set.
func span(s uint32, units []unit) (low, high int, timeless bool) {
	low, high = forever, -forever
	for i, u := range units {
		if s&(1<<i) != 0 {
			low, high, timeless = min(low, u.last), max(high, u.first), timeless || u.timeless
		}
	}
	return low, high, timeless
}

func holds(c pattern.Cond, has string) bool {
	switch c := c.(type) {
	case *pattern.Comparison:
		return strings.Contains(has, c.Path.Steps[0].Name)
	case *pattern.Both:
		for _, p := range c.Parts {
			if holds(p, has) == (c.Op == pattern.Or) {
				return c.Op == pattern.Or
			}
		}
		return c.Op == pattern.And
	}
	return false
}

// randomPattern writes a pattern over the properties a, b and c.
func randomPattern(r *rand.Rand, depth int) string {
	s := "[x:" + string("abc"[r.IntN(3)]) + " = true]"
	if depth > 0 && r.IntN(4) > 0 {
		op := []string{" AND ", " OR ", " FOLLOWEDBY "}[r.IntN(3)]
		parts := make([]string, 2+r.IntN(2))
		for i := range parts {
			parts[i] = randomPattern(r, depth-1)
		}
		s = "(" + strings.Join(parts, op) + ")"
	}
	switch r.IntN(8) {
	case 0, 1:
		s = "(" + s + fmt.Sprintf(" REPEATS %d TIMES)", 1+r.IntN(3))
	case 2, 3:
		s = "(" + s + fmt.Sprintf(" WITHIN %d SECONDS)", 1+r.IntN(5))
	case 4:
		from := r.IntN(8)
		s = fmt.Sprintf("(%s START t'1970-01-01T00:00:%02dZ' STOP t'1970-01-01T00:00:%02dZ')", s, from, from+r.IntN(8))
	}
	return s
}

// randomObservations makes some observed-data and the units they stand for.
func randomObservations(t *testing.T, r *rand.Rand) (obs []*match.Observation, units []unit) {
	t.Helper()
	for i := range 1 + r.IntN(6) {
		u := unit{of: i, first: 1 + r.IntN(9), timeless: r.IntN(12) == 0}
		u.last = u.first
		if r.IntN(3) == 0 {
			u.last += r.IntN(4)
		}
		var props string
		for _, p := range []string{"a", "b", "c"} {
			if r.IntN(2) == 0 {
				u.has += p
				props += `,"` + p + `":true`
			}
		}
		count := 1
		if len(units) < 6 && r.IntN(5) == 0 {
			count = 2
		}
		for range count {
			units = append(units, u)
		}
		times := fmt.Sprintf(`"first_observed":"1970-01-01T00:00:%02dZ","last_observed":"1970-01-01T00:00:%02dZ",`, u.first, u.last)
		if u.timeless {
			times = ""
		}
		o, err := match.ObservedData(fmt.Appendf(nil,
			`{"type":"observed-data","id":"o%d",%s"number_observed":%d,"objects":{"0":{"type":"x"%s}}}`, i, times, count, props), nil)
		if err != nil {
			t.Fatal(err)
		}
		obs = append(obs, o)
	}
	r.Shuffle(len(obs), func(i, j int) {
		obs[i], obs[j] = obs[j], obs[i]
		for k := range units {
			switch units[k].of {
			case i:
				units[k].of = j
			case j:
				units[k].of = i
			}
		}
	})
	return obs, units
}

func TestAgainstReference(t *testing.T) {
	t.Parallel()
	rounds := 6_000
	if testing.Short() {
		rounds = 2_000
	}
	matched := 0
	for seed := range uint64(rounds) {
		r := rand.New(rand.NewPCG(seed, 7))
		text := randomPattern(r, 2)
		obs, units := randomObservations(t, r)
		p, err := pattern.Parse(text)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		m, err := match.New(p)
		if err != nil {
			t.Fatalf("seed %d: %s: %v", seed, text, err)
		}
		want := len(sets(p.Expr, units, 0, forever)) > 0
		got, err := m.Match(obs, 0)
		if err != nil || got.Matched != want {
			t.Fatalf("seed %d: %s over %+v = %v, %v, want %v", seed, p, units, got.Matched, err, want)
		}
		if !want {
			continue
		}
		matched++
		var bound []unit
		for _, u := range units {
			if slices.Contains(got.Binding, u.of) {
				bound = append(bound, u)
			}
		}
		if len(sets(p.Expr, bound, 0, forever)) == 0 {
			t.Fatalf("seed %d: %s over %+v: the binding %v does not fulfil it", seed, p, units, got.Binding)
		}
	}
	if matched < rounds/10 || matched > rounds*9/10 {
		t.Errorf("%d of %d patterns matched; the test tells little", matched, rounds)
	}
}
