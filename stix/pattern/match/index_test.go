package match_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"casus/stix/pattern/match"
)

// randomCondition writes a condition over a few values, so that many match.
func randomCondition(r *rand.Rand, depth int) string {
	if depth > 0 && r.IntN(2) == 0 {
		op := []string{" AND ", " OR "}[r.IntN(2)]
		return "(" + randomCondition(r, depth-1) + op + randomCondition(r, depth-1) + ")"
	}
	typ := string("xy"[r.IntN(2)])
	n := r.IntN(4)
	return typ + []string{
		fmt.Sprintf(":n = %d", n), fmt.Sprintf(":n = %d.0", n), fmt.Sprintf(":n != %d", n), fmt.Sprintf(":n NOT = %d", n),
		fmt.Sprintf(":s = '%d'", n), fmt.Sprintf(":s = h'3%d'", n), fmt.Sprintf(":l[*] = '%d'", n), fmt.Sprintf(":l[*] NOT IN ('%d')", n),
		fmt.Sprintf(":s IN ('%d', '9')", n), ":s IN ()", fmt.Sprintf(":a_ref.n IN (%d)", n), ":yes = true", fmt.Sprintf(":b_bin = '%d'", n),
		fmt.Sprintf(":t = t'2026-01-01T00:00:0%d.0Z'", n), fmt.Sprintf(":ip ISSUBSET '10.0.%d.0/%d'", n, 20+n), fmt.Sprintf(":ip = '10.0.0.%d'", n),
		fmt.Sprintf(":s LIKE '%%%d'", n), ":ip ISSUBSET '::/0'",
	}[r.IntN(18)]
}

func randomObject(r *rand.Rand) string {
	n := func() int { return r.IntN(4) }
	return fmt.Sprintf(`{"type":"%c","n":%d,"s":"%d","l":["%d","%d"],"a_ref":"%d","yes":%v,"b_bin":"M%c==","t":"2026-01-01T00:00:0%dZ","ip":"10.0.%d.%d"}`,
		"xy"[r.IntN(2)], n(), n(), n(), n(), r.IntN(3), r.IntN(2) == 0, "AQgw"[n()], n(), n(), n())
}

// TestIndexAgainstMatchers adds and removes patterns at random; the index must
// find what holding every pattern against the observation finds.
func TestIndexAgainstMatchers(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(11, 12))
	x := &match.Index{}
	matchers := make(map[string]*match.Matcher)
	hits, all := 0, 0
	for round := range 1000 {
		id := fmt.Sprintf("p%02d", r.IntN(60))
		if r.IntN(3) == 0 {
			_, had := matchers[id]
			if got := x.Remove(id); got != had {
				t.Fatalf("round %d: Remove(%s) = %v, want %v", round, id, got, had)
			}
			delete(matchers, id)
		} else {
			text := "[" + randomCondition(r, 2) + "]"
			switch r.IntN(4) {
			case 0:
				text += " OR [" + randomCondition(r, 1) + "]"
			case 1:
				text += " AND [" + randomCondition(r, 1) + "]"
			}
			matchers[id] = compile(t, text)
			x.Add(id, matchers[id])
		}
		if x.Len() != len(matchers) || x.Matcher(id) != matchers[id] {
			t.Fatalf("round %d: %d patterns, want %d", round, x.Len(), len(matchers))
		}
		o := observed(t, `"0":`+randomObject(r)+`,"1":`+randomObject(r))
		got, err := x.Match(o, 0)
		if err != nil {
			t.Fatal(err)
		}
		complete := make(map[string]bool)
		for i, h := range got {
			if i > 0 && got[i-1].ID >= h.ID {
				t.Fatalf("round %d: %v are not in order", round, got)
			}
			complete[h.ID] = h.Complete
		}
		want := make(map[string]bool)
		for id, m := range matchers {
			res, err := m.Match([]*match.Observation{o}, 0)
			if err != nil {
				t.Fatal(err)
			}
			all++
			if res.Matched {
				want[id] = true
				hits++
			} else if c, ok := complete[id]; ok && !c {
				want[id] = false // a condition of several
			}
		}
		if diff := cmp.Diff(want, complete); diff != "" {
			t.Fatalf("round %d: hits (-want +got):\n%s", round, diff)
		}
	}
	if hits < all/20 {
		t.Errorf("%d hits of %d; the test tells little", hits, all)
	}
	for id := range matchers {
		x.Remove(id)
	}
	if diff := cmp.Diff(0, x.Len()); diff != "" || x.Remove("p00") {
		t.Errorf("an emptied index holds something: %s", diff)
	}
}

// TestIndexIncomplete shows that a pattern of several observations is found by
// each of them.
func TestIndexIncomplete(t *testing.T) {
	t.Parallel()
	x := &match.Index{}
	if hits, err := x.Match(at(t, "a1"), 0); err != nil || hits != nil {
		t.Errorf("the zero index found %v, %v", hits, err)
	}
	x.Add("both", compile(t, "[x:k = 'a'] AND [x:k = 'b']"))
	x.Add("twice", compile(t, "[x:k = 'a'] REPEATS 2 TIMES"))
	x.Add("one", compile(t, "[x:k = 'a']"))
	x.Add("late", compile(t, "[x:k = 'a'] START t'1970-01-01T00:00:05Z' STOP t'1970-01-01T00:00:06Z'"))
	for seen, want := range map[string][]match.Hit{
		"a1":   {{ID: "both"}, {ID: "late"}, {ID: "one", Complete: true}, {ID: "twice"}},
		"a5x2": {{ID: "both"}, {ID: "late", Complete: true}, {ID: "one", Complete: true}, {ID: "twice", Complete: true}},
		"b1":   {{ID: "both"}},
		"c1":   nil,
	} {
		got, err := x.Match(at(t, seen), 0)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s (-want +got), %v:\n%s", seen, err, diff)
		}
	}
}
