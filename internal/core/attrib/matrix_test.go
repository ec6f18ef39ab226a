package attrib

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"casus/internal/core/exact"
	"casus/internal/fault"

	"github.com/google/go-cmp/cmp"
)

// suspects are four hypotheses of a worked example and the two that a list must
// have besides, with next to no prior so that they change no figure.
func suspects() []Hypothesis {
	const little = 1e-9
	return []Hypothesis{
		{ID: "a", Kind: Originator, Actors: []string{"A"}, Prior: .35},
		{ID: "framed", Kind: FalseFlag, Actors: []string{"B"}, Blamed: "A", Prior: .10},
		{ID: "crime", Kind: Originator, Actors: []string{"gang"}, Prior: .40},
		{ID: "unknown", Kind: Unknown, Prior: .15 - 2*little},
		{ID: "accident", Kind: Accident, Prior: little},
		{ID: "apart", Kind: WronglyJoined, Prior: little},
	}
}

func evidence(id string, deception Susceptibility, likelihood ...float64) Evidence {
	e := Evidence{ID: id, Group: id, Reliability: "A", Credibility: "1", Deception: deception, Likelihood: append(likelihood, .5, .5)}
	for _, l := range e.Likelihood {
		m := Consistent
		if l < .25 {
			m = Inconsistent
		}
		e.Marks = append(e.Marks, m)
	}
	return e
}

func trail() []Evidence {
	return []Evidence{
		evidence("language", EasilyPlanted, .6, .9, .1, .2),
		evidence("infrastructure", MaybePlanted, .5, .3, .02, .05),
		evidence("time zone", EasilyPlanted, .6, .7, .2, .2),
		evidence("obvious artefacts", HardlyPlanted, .2, .6, .1, .2),
		evidence("victims", HardlyPlanted, .7, .6, .1, .2),
	}
}

// TestFalseFlag: three good artefacts lift the obvious originator, and one sign of
// deception brings it down. The figures were worked out by another program.
func TestFalseFlag(t *testing.T) {
	t.Parallel()
	a, err := Analyse(suspects(), trail(), true)
	if err != nil {
		t.Fatal(err)
	}
	for k, want := range [][2]float64{{.5676, .2432}, {.7818, .2010}, {.7649, .2295}, {.5247, .4722}, {.5640, .4351}} {
		row := a.Rows[k]
		if math.Abs(row.After[0].Float()-want[0]) > 6e-5 || math.Abs(row.After[1].Float()-want[1]) > 6e-5 {
			t.Errorf("after %s: %v, want %v", row.Evidence, row.After[:2], want)
		}
		if row.Lowers != (k == 2 || k == 3) && k > 0 {
			t.Errorf("after %s: lowers the leader = %v", row.Evidence, row.Lowers)
		}
		if row.Idle {
			t.Errorf("%s is said to tell nothing apart", row.Evidence)
		}
	}
	if got := a.Rows[1].Diagnosticity.Float(); math.Abs(got-25) > 1e-6 {
		t.Errorf("diagnosticity of infrastructure = %v, want 25", got)
	}
	// A false flag is what the planted evidence speaks for: without it, less does.
	if a.Fragile[1] >= a.Posterior[1] || a.Fragile[0] <= a.Posterior[0] {
		t.Errorf("without what is easily planted %v, with it %v", a.Fragile, a.Posterior)
	}
	// Against crime speaks everything, against A the obvious artefacts alone.
	if !(a.Inconsistency[2] > a.Inconsistency[0] && a.Inconsistency[0] > a.Inconsistency[1]) {
		t.Errorf("inconsistency = %v", a.Inconsistency)
	}
}

// TestTrust: what nobody trusts moves nothing, and what is told twice counts once.
func TestTrust(t *testing.T) {
	t.Parallel()
	posterior := func(rows []Evidence) []exact.Micro {
		t.Helper()
		a, err := Analyse(suspects(), rows, false)
		if err != nil {
			t.Fatal(err)
		}
		return a.Posterior
	}
	once := trail()[:1]
	again := once[0]
	again.ID = "language, told again"
	if diff := cmp.Diff(posterior(once), posterior(append(slices.Clone(once), again))); diff != "" {
		t.Errorf("told twice (-once +twice):\n%s", diff)
	}
	again.Group = "another look"
	if posterior(once)[0] >= posterior(append(slices.Clone(once), again))[0] {
		t.Error("seen independently twice moves nothing")
	}
	last := posterior(once)[0]
	for _, rating := range []string{"B2", "C3", "E5"} {
		worse := slices.Clone(once)
		worse[0].Reliability, worse[0].Credibility = rating[:1], rating[1:]
		now := posterior(worse)[0]
		if now >= last || now < 350_000 {
			t.Errorf("rated %s it lifts A to %v, the better rating to %v", rating, now, last)
		}
		last = now
	}
}

// TestOrder: the end does not depend on the order of evidence, to the last bit.
func TestOrder(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 1))
	for _, trusted := range []bool{true, false} {
		want, err := Analyse(suspects(), trail(), trusted)
		if err != nil {
			t.Fatal(err)
		}
		for range 50 {
			rows := trail()
			r.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
			got, err := Analyse(suspects(), rows, trusted)
			if err != nil || !slices.Equal(got.Posterior, want.Posterior) || !slices.Equal(got.Fragile, want.Fragile) {
				t.Fatalf("in another order %v, %v; want %v", got.Posterior, err, want.Posterior)
			}
		}
	}
}

// TestManyRows: as many rows as there may be, all of them improbable, leave
// probabilities.
func TestManyRows(t *testing.T) {
	t.Parallel()
	for _, group := range []string{"one", ""} {
		var rows []Evidence
		for k := range MaxEvidence {
			e := evidence(fmt.Sprint(k), HardlyPlanted, 1e-300, 5e-301, 1e-300, 1e-300)
			if group != "" {
				e.Group = group
			}
			e.Likelihood[4], e.Likelihood[5] = 1e-301, 1e-301
			rows = append(rows, e)
		}
		for _, trusted := range []bool{true, false} {
			a, err := Analyse(suspects(), rows, trusted)
			if err != nil {
				t.Fatal(err)
			}
			total := exact.Micro(0)
			for _, p := range a.Posterior {
				total += p
			}
			if a.Posterior[0] < a.Posterior[1] || total < 999_990 || total > 1_000_010 {
				t.Errorf("group %q, trusted %v: %v", group, trusted, a.Posterior)
			}
		}
	}
}

func TestMatrixRefused(t *testing.T) {
	t.Parallel()
	kind := func(k int, kind HypothesisKind) func([]Hypothesis, []Evidence) {
		return func(hs []Hypothesis, _ []Evidence) { hs[k].Kind = kind }
	}
	for name, change := range map[string]func([]Hypothesis, []Evidence){
		"no false flag":            func(hs []Hypothesis, _ []Evidence) { hs[1].Kind, hs[1].Blamed = Originator, "" },
		"no accident":              kind(4, Unknown),
		"no wrongly joined":        kind(5, Unknown),
		"nobody unknown":           kind(3, Accident),
		"unknown kind":             kind(0, "ghost"),
		"ruled out beforehand":     func(hs []Hypothesis, _ []Evidence) { hs[0].Prior = 0 },
		"priors of too much":       func(hs []Hypothesis, _ []Evidence) { hs[0].Prior = .9 },
		"twice":                    func(hs []Hypothesis, _ []Evidence) { hs[0].ID = "crime" },
		"nobody did it":            func(hs []Hypothesis, _ []Evidence) { hs[0].Actors = nil },
		"a false flag blames none": func(hs []Hypothesis, _ []Evidence) { hs[1].Blamed = "" },
		"an originator blames":     func(hs []Hypothesis, _ []Evidence) { hs[0].Blamed = "B" },
		"a mark too few":           func(_ []Hypothesis, es []Evidence) { es[0].Marks = es[0].Marks[:2] },
		"an unknown mark":          func(_ []Hypothesis, es []Evidence) { es[0].Marks[0] = "X" },
		"a likelihood of 0":        func(_ []Hypothesis, es []Evidence) { es[0].Likelihood[0] = 0 },
		"a likelihood too few":     func(_ []Hypothesis, es []Evidence) { es[0].Likelihood = es[0].Likelihood[:1] },
		"no rating":                func(_ []Hypothesis, es []Evidence) { es[0].Reliability = "" },
		"reliability G":            func(_ []Hypothesis, es []Evidence) { es[0].Reliability = "G" },
		"credibility 7":            func(_ []Hypothesis, es []Evidence) { es[0].Credibility = "7" },
		"no group":                 func(_ []Hypothesis, es []Evidence) { es[0].Group = "" },
		"no susceptibility":        func(_ []Hypothesis, es []Evidence) { es[0].Deception = "" },
		"evidence twice":           func(_ []Hypothesis, es []Evidence) { es[1].ID = es[0].ID },
	} {
		hs, es := suspects(), trail()
		change(hs, es)
		if _, err := Analyse(hs, es, false); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v, want Invalid", name, err)
		}
	}
}

func TestICD203(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		lo, hi float64
		want   string
	}{
		{0, 0, "[almost no chance]"},
		{.04999, .04999, "[almost no chance]"},
		{.05, .05, "[very unlikely]"},
		{.3, .3, "[unlikely]"},
		{.5, .5, "[roughly even chance]"},
		{.55, .79, "[likely]"},
		{.7, .85, "[likely very likely]"},
		{.1, .6, "[very unlikely unlikely roughly even chance likely]"},
		{.96, 1, "[almost certain]"},
		{0, 1, "[almost no chance very unlikely unlikely roughly even chance likely very likely almost certain]"},
	} {
		got, err := ICD203(c.lo, c.hi)
		if err != nil || fmt.Sprint(got.Words) != c.want || got.Scale != "ICD 203" {
			t.Errorf("ICD203(%v, %v) = %v, %v, want %s", c.lo, c.hi, got, err, c.want)
		}
	}
	for _, bad := range [][2]float64{{.6, .5}, {-.1, .5}, {.5, 1.1}, {math.NaN(), 1}} {
		if _, err := ICD203(bad[0], bad[1]); fault.KindOf(err) != fault.Invalid {
			t.Errorf("ICD203(%v) = %v, want Invalid", bad, err)
		}
	}
}

func TestConfidence(t *testing.T) {
	t.Parallel()
	of := func(u float64) Opinion { return Binomial(1-u, 0, u, .5) }
	for _, c := range []struct {
		o               Opinion
		groups, members int
		want            Confidence
	}{
		{of(.1), 2, 2, HighConfidence},
		{of(.1), 1, 2, ModerateConfidence},
		{of(.1), 2, 1, ModerateConfidence},
		{of(.2), 5, 5, ModerateConfidence},
		{of(.5), 5, 5, ModerateConfidence},
		{of(.6), 5, 5, LowConfidence},
		{of(.1), 0, 2, LowConfidence},
		{Opinion{}, 5, 5, LowConfidence},
	} {
		if got := ConfidenceOf(c.o, c.groups, c.members); got != c.want {
			t.Errorf("u %v, %d groups, %d members: %s, want %s", c.o.Uncertainty, c.groups, c.members, got, c.want)
		}
	}
}
