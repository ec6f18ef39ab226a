package attrib

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"casus/internal/fault"

	"github.com/google/go-cmp/cmp"
)

// The three opinions of the published examples of fusion.
func published() []Opinion {
	return []Opinion{Binomial(.1, .3, .6, .5), Binomial(.4, .2, .4, .5), Binomial(.7, .1, .2, .5)}
}

// wantOpinion compares to that many decimals.
func wantOpinion(t *testing.T, name string, got Opinion, err error, belief []float64, u float64, decimals int) {
	t.Helper()
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	if err := got.Check(); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	half := 0.51 * math.Pow10(-decimals)
	same := cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) <= half })
	if diff := cmp.Diff(Opinion{Belief: belief, Uncertainty: u}, Opinion{Belief: got.Belief, Uncertainty: got.Uncertainty}, same); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// TestPublished holds the operators to figures of others.
func TestPublished(t *testing.T) {
	t.Parallel()
	// Cumulative: Jøsang, Wang, Zhang, FUSION 2017. Weighted: van der Heijden, Kopp,
	// Kargl, FUSION 2018. Both take the same three opinions.
	o, err := Cumulative(published()...)
	wantOpinion(t, "cumulative", o, err, []float64{.651, .209}, .140, 3)
	wantOpinion(t, "cumulative, exact", o, err, []float64{.6512, .2093}, .1395, 4)
	if p := o.Projected()[0]; math.Abs(p-.7209) > 5e-5 {
		t.Errorf("cumulative: probability %v, want .7209", p)
	}
	o, err = Weighted(published()...)
	wantOpinion(t, "weighted", o, err, []float64{.562, .146}, .292, 3)
	o, err = Averaging(published()...)
	wantOpinion(t, "averaging", o, err, []float64{.5091, .1636}, .3273, 4)

	// Deduction: the multinomial example of Jøsang 2016, as the tests of an open
	// implementation have it.
	x := Opinion{Belief: []float64{.9, 0}, Uncertainty: .1, Base: []float64{.1, .9}}
	third := []float64{1. / 3, 1. / 3, 1. / 3}
	o, err = Deduce(x, []Opinion{{[]float64{0, .8, .1}, .1, third}, {[]float64{.7, 0, .1}, .2, third}})
	wantOpinion(t, "deduction", o, err, []float64{.063, .728, .100}, .109, 3)
	for i, want := range []float64{.778, .099, .123} {
		if math.Abs(o.Base[i]-want) > 5.1e-4 {
			t.Errorf("deduction: base rate %d = %v, want %v", i, o.Base[i], want)
		}
	}
	for i, want := range []float64{.148, .739, .113} {
		if got := o.Projected()[i]; math.Abs(got-want) > 5.1e-4 {
			t.Errorf("deduction: probability %d = %v, want %v", i, got, want)
		}
	}
}

// TestOperators holds the operators to figures worked out by hand.
func TestOperators(t *testing.T) {
	t.Parallel()
	x := Binomial(.7, .1, .2, .5)
	o, err := Discount(Binomial(.8, .1, .1, .5).Projected()[0], x)
	wantOpinion(t, "discount", o, err, []float64{.595, .085}, .320, 4)
	o, err = Discount(.9*.8, x)
	wantOpinion(t, "chain", o, err, []float64{.504, .072}, .424, 4)
	o, err = Discount(0, x)
	wantOpinion(t, "no trust", o, err, []float64{0, 0}, 1, 6)

	even := []float64{.5, .5}
	o, err = FromEvidence([]float64{8, 1}, even)
	wantOpinion(t, "evidence", o, err, []float64{.7273, .0909}, .1818, 4)
	if p := o.Projected()[0]; math.Abs(p-.8182) > 5e-5 {
		t.Errorf("evidence: probability %v, want .8182", p)
	}
	o, err = FromEvidence([]float64{18, 0}, even)
	wantOpinion(t, "evidence on one side", o, err, []float64{.9, 0}, .1, 4)
	o, err = FromEvidence([]float64{0, 0}, even)
	wantOpinion(t, "no evidence", o, err, []float64{0, 0}, 1, 6)

	o, conflict, err := Constraint(published()[0], published()[1])
	wantOpinion(t, "constraint", o, err, []float64{.3721, .3488}, .2791, 4)
	if math.Abs(conflict-.14) > 1e-9 {
		t.Errorf("constraint: conflict %v, want .14", conflict)
	}
	d, err := Dissent(Binomial(.8, 0, .2, .5), Binomial(0, .7, .3, .5))
	if err != nil || math.Abs(d-.42) > 5e-3 {
		t.Errorf("Dissent = %v, %v, want .42", d, err)
	}

	o, err = Deduce(Binomial(.6, .1, .3, .5), []Opinion{Binomial(.7, .1, .2, .5), Binomial(.05, .75, .2, .5)})
	wantOpinion(t, "deduction two by two", o, err, []float64{.4515, .1650}, .3835, 4)
	if math.Abs(o.Base[0]-.4688) > 5e-5 || math.Abs(o.Projected()[0]-.6312) > 5e-5 {
		t.Errorf("deduction two by two: base rate %v, probability %v, want .4688, .6312", o.Base[0], o.Projected()[0])
	}
	o, err = Deduce(Binomial(.5, .3, .2, .5), []Opinion{Vacuous(even), Vacuous(even)})
	wantOpinion(t, "deduction by nothing", o, err, []float64{0, 0}, 1, 6)
	lo, hi := Binomial(.6, .1, .3, .5).Bounds(0)
	if lo != .6 || math.Abs(hi-.9) > 1e-12 {
		t.Errorf("Bounds = %v, %v, want .6, .9", lo, hi)
	}
}

// TestZadeh: two sources that contradict one another almost wholly are not combined
// into certainty of what neither believes.
func TestZadeh(t *testing.T) {
	t.Parallel()
	third := []float64{1. / 3, 1. / 3, 1. / 3}
	a := Opinion{[]float64{.98, 0, .01}, .01, third}
	b := Opinion{[]float64{0, .98, .01}, .01, third}
	_, conflict, err := Constraint(a, b)
	if fault.KindOf(err) != fault.Conflict || conflict < .97 {
		t.Errorf("Constraint = conflict %v, %v, want a Conflict fault", conflict, err)
	}
}

// TestFoldIsAnother: combining pair after pair is not combining all at once, but for
// cumulative fusion. Whoever folds has figures that depend on who came first.
func TestFoldIsAnother(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		f    func(...Opinion) (Opinion, error)
		same bool
	}{"cumulative": {Cumulative, true}, "averaging": {Averaging, false}, "weighted": {Weighted, false}} {
		os := published()
		all, err1 := c.f(os...)
		two, err2 := c.f(os[0], os[1])
		fold, err3 := c.f(two, os[2])
		if err1 != nil || err2 != nil || err3 != nil {
			t.Fatal(name, err1, err2, err3)
		}
		if same := math.Abs(all.Belief[0]-fold.Belief[0]) < 1e-9; same != c.same {
			t.Errorf("%s: all at once %.4f, pair after pair %.4f", name, all.Belief[0], fold.Belief[0])
		}
	}
}

// random returns an opinion on n hypotheses.
func random(r *rand.Rand, n int) Opinion {
	cut := func(n int) []float64 {
		x := make([]float64, n)
		sum := 0.0
		for i := range x {
			x[i] = r.ExpFloat64()
			sum += x[i]
		}
		for i := range x {
			x[i] /= sum
		}
		return x
	}
	parts := cut(n + 1)
	o := Opinion{Belief: parts[:n], Uncertainty: parts[n], Base: cut(n)}
	if o.Uncertainty < MinUncertainty {
		return random(r, n)
	}
	return o
}

// TestProperties tries random opinions: results are opinions, the order changes not
// a bit, who knows nothing changes nothing where that is promised, and what one
// source says twice makes nobody surer.
func TestProperties(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	for range 3000 {
		n := 2 + r.IntN(5)
		var os []Opinion
		for range 1 + r.IntN(6) {
			os = append(os, random(r, n))
		}
		shuffled := slices.Clone(os)
		r.Shuffle(len(os), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		for name, f := range map[string]func(...Opinion) (Opinion, error){"cumulative": Cumulative, "averaging": Averaging, "weighted": Weighted} {
			a, err := f(os...)
			if err == nil {
				err = a.Check()
			}
			if err != nil {
				t.Fatalf("%s of %v: %v", name, os, err)
			}
			b, err := f(shuffled...)
			if err != nil || !cmp.Equal(a, b) {
				t.Fatalf("%s: %v in one order, %v in another (%v)", name, a, b, err)
			}
		}
		sum, _ := Cumulative(os...)
		more, err := Cumulative(append(os, Vacuous(os[0].Base))...)
		if err != nil || math.Abs(sum.Belief[0]-more.Belief[0]) > 1e-12 || sum.Uncertainty > more.Uncertainty+1e-12 {
			t.Fatalf("cumulative: who knows nothing changes %v into %v (%v)", sum, more, err)
		}
		if twice, err := Averaging(os[0], os[0]); err != nil || math.Abs(twice.Uncertainty-os[0].Uncertainty) > 1e-12 {
			t.Fatalf("averaging: said twice, %v became %v (%v)", os[0], twice, err)
		}
		given := make([]Opinion, n)
		for i := range given {
			given[i] = random(r, 3)
		}
		if o, err := Deduce(os[0], given); err != nil || o.Check() != nil {
			t.Fatalf("deduction: %v, %v, %v", o, err, o.Check())
		}
	}
}

// TestRefused: what is no opinion is said to be none.
func TestRefused(t *testing.T) {
	t.Parallel()
	even := []float64{.5, .5}
	for name, o := range map[string]Opinion{
		"nothing":                 {},
		"one hypothesis":          {[]float64{.5}, .5, []float64{1}},
		"too many":                Vacuous(make([]float64, MaxHypotheses+1)),
		"no base rates":           {[]float64{.5, .2}, .3, nil},
		"less than nothing":       {[]float64{-.1, .6}, .5, even},
		"more than all":           {[]float64{.9, .6}, -.5, even},
		"too little":              {[]float64{.1, .2}, .3, even},
		"base rates of too much":  {[]float64{.5, .2}, .3, []float64{.5, .6}},
		"no number":               {[]float64{math.NaN(), .5}, .5, even},
		"uncertainty is infinite": {[]float64{0, 0}, math.Inf(1), even},
	} {
		if err := o.Check(); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: Check = %v, want Invalid", name, err)
		}
		if _, err := Cumulative(Binomial(.5, .2, .3, .5), o); err == nil {
			t.Errorf("%s is combined", name)
		}
	}
	sure := Binomial(1, 0, 0, .5)
	if sure.Check() != nil || sure.CheckGiven() == nil {
		t.Error("certainty is taken from somebody")
	}
	for name, err := range map[string]error{
		"certain beside others": second(Cumulative(sure, Vacuous(even))),
		"of different sets":     second(Averaging(Vacuous(even), Vacuous([]float64{.2, .3, .5}))),
		"none":                  second(Weighted()),
		"trust of more than 1":  second(Discount(1.1, Vacuous(even))),
		"too few conditionals":  second(Deduce(Vacuous(even), []Opinion{sure})),
		"evidence below 0":      second(FromEvidence([]float64{-1, 2}, even)),
		"evidence without base": second(FromEvidence([]float64{1, 2}, nil)),
	} {
		if fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v, want Invalid", name, err)
		}
	}
	if o, err := Weighted(Vacuous(even), Vacuous(even)); err != nil || o.Uncertainty != 1 {
		t.Errorf("weighted, of those who know nothing: %v, %v", o, err)
	}
}

func second[T any](_ T, err error) error { return err }
