package view

import (
	"testing"

	"casus/internal/core/report"
)

func TestSentence(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		in   report.MatchSummary
		want string
	}{
		{"nothing asked", report.MatchSummary{}, "Nothing in it can be matched."},
		{"nobody", report.MatchSummary{Values: 14}, "None of its 14 values was reported by others."},
		{"others before", report.MatchSummary{Values: 14, Matched: 4, Common: 1, Others: 2, Before: 2}, "3 of 14 values were reported by 2 others before you; 1 is common and ranked last."},
		{"one before", report.MatchSummary{Values: 1, Matched: 1, Others: 1, Before: 1}, "1 of 1 value was reported by 1 other before you."},
		{"some before", report.MatchSummary{Values: 14, Matched: 3, Others: 4, Before: 2}, "3 of 14 values were reported by 4 others, 2 of them before you."},
		{"all after", report.MatchSummary{Values: 14, Matched: 5, Common: 2, Others: 1}, "3 of 14 values were reported by 1 other after you; 2 are common and ranked last."},
		{"only common", report.MatchSummary{Values: 14, Matched: 2, Common: 2}, "Only common things matched: 2 of 14 values, ranked last."},
		{"only own", report.MatchSummary{Values: 14, Own: 1}, "None of its 14 values was reported by others. 1 stands in other reports of yours alone."},
		{"own too", report.MatchSummary{Values: 1400, Matched: 1300, Others: 3, Before: 3, Own: 2}, "1,300 of 1,400 values were reported by 3 others before you. 2 stand in other reports of yours alone."},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.in.Reports, c.in.Sources = 1204, 9
			if got, want := sentence(c.in), c.want+" Looked among 1,204 reports readable to you, from 9 sources."; got != want {
				t.Errorf("sentence = %q, want %q", got, want)
			}
		})
	}
}

// TestTally counts each value once, for the most that it says.
func TestTally(t *testing.T) {
	t.Parallel()
	sum := newTally()
	sum.add("a", report.Match{Sources: []string{"X", "Y"}, Before: []string{"X"}})
	sum.add("a", report.Match{Sources: []string{"Z"}}) // the range around it
	sum.add("a", report.Match{})                       // and the asker's own
	sum.add("b", report.Match{Sources: []string{"W"}, Noise: "common"})
	sum.add("c", report.Match{Own: 1})
	sum.add("d", report.Match{Own: 1, Noise: "common"})
	var got report.MatchSummary
	sum.sum(&got)
	if want := (report.MatchSummary{Matched: 2, Common: 1, Own: 2, Others: 3, Before: 1}); got != want {
		t.Errorf("summary = %+v, want %+v", got, want)
	}
}

func TestRank(t *testing.T) {
	t.Parallel()
	telling, own, noise := report.Match{Sources: []string{"X"}}, report.Match{Own: 1}, report.Match{Sources: []string{"X"}, Noise: "common"}
	if rank(telling) >= rank(own) || rank(own) >= rank(noise) {
		t.Errorf("ranks %d, %d, %d; want telling, own, common", rank(telling), rank(own), rank(noise))
	}
}
