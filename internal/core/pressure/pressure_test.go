package pressure

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"casus/internal/core/attrib"
	"casus/internal/core/exact"
	"casus/internal/fault"

	"github.com/google/go-cmp/cmp"
)

// incident is one of known linkage and of one severity.
func incident(id, member, function string, severity, days float64, o attrib.Opinion, group string) Incident {
	return Incident{
		ID: id, Member: member, Function: function, Class: Disruption, Severity: Severity{severity, severity, severity},
		Began: days, Ended: days, Originator: o, Linkage: attrib.Binomial(1, 0, 0, .5), Group: group,
	}
}

// worked is a set whose figures were worked out by another program.
func worked() []Incident {
	return []Incident{
		incident("1", "A", "energy", 88.6179, 0, attrib.Binomial(.70, .05, .25, .3), "g1"),
		incident("2", "A", "health", 52.5203, 90, attrib.Binomial(.50, .10, .40, .3), "g1"),
		incident("3", "B", "government", 66.0, 180, attrib.Binomial(.60, .10, .30, .3), "g2"),
		incident("4", "C", "finance", 44.7154, 30, attrib.Binomial(.20, .30, .50, .3), "g2"),
	}
}

func near(t *testing.T, what string, got exact.Micro, want float64, decimals int) {
	t.Helper()
	if math.Abs(got.Float()-want) > 0.51*math.Pow10(-decimals) {
		t.Errorf("%s = %v, want %v", what, got.Float(), want)
	}
}

func assess(t *testing.T, m Model, in []Incident) *Figure {
	t.Helper()
	f, err := Assess(m, in, Effects)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestWorked(t *testing.T) {
	t.Parallel()
	f := assess(t, Example(), worked())
	near(t, "mid", f.Mid, 63.3085, 4)
	near(t, "lo", f.Lo, 57.3434, 4)
	near(t, "hi", f.Hi, 76.2234, 4)
	near(t, "certain", f.Certain, 79.9369, 4)
	near(t, "expected", f.Expected, 62.5315, 4)
	near(t, "breadth", f.Breadth, 1.2699, 4)
	for k, want := range []float64{.6012, .0682, .0126} {
		near(t, f.Members[k].Member, f.Members[k].Value, want, 4)
	}
	for k, want := range []float64{.85375, .775, .775, .775, 0} {
		near(t, f.Reach[k].Band, f.Reach[k].P, want, 6)
	}
	var ps, values []float64
	for _, w := range f.Worlds {
		ps, values = append(ps, w.P.Float()), append(values, w.Value.Float())
	}
	close := cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) < 6e-4 })
	if diff := cmp.Diff([]float64{0, 9.881, 13.128, 74.919, 76.905, 77.398, 78.212, 79.187, 79.937}, values, close); diff != "" {
		t.Errorf("values of the worlds (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]float64{.06975, .0765, .07875, .04805, .1922, .0527, .05425, .2108, .217}, ps, close); diff != "" {
		t.Errorf("their probabilities (-want +got):\n%s", diff)
	}
	adds := map[string]float64{"1": 50.7996, "2": 1.8938, "3": 2.6846, "4": 0.4687}
	for _, w := range f.Without {
		if w.Incident != "" {
			near(t, "without "+w.Incident, w.Adds, adds[w.Incident], 4)
		}
	}
	if w := f.Without[0]; w.Group != "g1" {
		t.Errorf("the most is lost without %+v, want evidence group g1", w)
	}
	if len(f.Sensitivity) != 9 || f.Sensitivity[4].Mid != f.Mid {
		t.Errorf("sensitivity = %+v, want nine with the fifth as it is", f.Sensitivity)
	}
	for _, tip := range f.Tipping {
		if len(tip.Changes) != 1 {
			t.Errorf("tipping %+v, want single facts", tip)
		}
	}
	if !slices.ContainsFunc(f.Tipping, func(tip Tip) bool { return tip.Changes[0] == Change{"1", "cleared"} && tip.Band == "monitor" }) {
		t.Errorf("tipping = %+v, want that clearing 1 leaves monitor", f.Tipping)
	}
	if f.Salience != (Salience{Incidents: 4, Members: 3, Functions: 4}) {
		t.Errorf("salience = %+v", f.Salience)
	}
	if f.Half[0] > f.Half[1] || f.Most[0] > f.Half[0] || f.Half[1] > f.Most[1] || f.Drawn {
		t.Errorf("intervals %v within %v, drawn %v", f.Half, f.Most, f.Drawn)
	}

	// When no two rest on the same evidence, the mean over the worlds is what is
	// probable.
	apart := worked()
	for k := range apart {
		apart[k].Group = fmt.Sprint(k)
	}
	f = assess(t, Example(), apart)
	near(t, "expected, apart", f.Expected, 63.3085, 4)
	near(t, "reach of monitor, apart", f.Reach[0].P, .9070, 4)
}

// TestNoThreshold: without a threshold adopted nothing is said about thresholds.
func TestNoThreshold(t *testing.T) {
	t.Parallel()
	m := Example()
	m.Bands = nil
	f := assess(t, m, worked())
	if f.Adopted || f.Reach != nil || f.Tipping != nil || f.Below != "" || f.Mid == 0 {
		t.Errorf("%+v speaks of thresholds", f)
	}
}

// TestClasses: what was taken and what was done are never summed.
func TestClasses(t *testing.T) {
	t.Parallel()
	in := worked()
	in[0].Class, in[1].Class = Espionage, Positioning
	var sums []exact.Micro
	for _, index := range []Index{Effects, Intelligence, Preparation} {
		f, err := Assess(Example(), in, index)
		if err != nil {
			t.Fatal(err)
		}
		if sums = append(sums, f.Mid); f.Salience.Incidents != map[Index]int{Effects: 2, Intelligence: 1, Preparation: 1}[index] {
			t.Errorf("%s is of %d incidents", index, f.Salience.Incidents)
		}
	}
	if slices.Contains(sums, 0) {
		t.Errorf("indices %v, want none of them 0", sums)
	}
}

// random returns incidents that share members, functions and evidence.
func random(r *rand.Rand, n int) []Incident {
	var in []Incident
	opinion := func() attrib.Opinion {
		a, b, c := r.ExpFloat64(), r.ExpFloat64(), r.ExpFloat64()
		return attrib.Binomial(a/(a+b+c), b/(a+b+c), c/(a+b+c), r.Float64())
	}
	for k := range n {
		i := incident(fmt.Sprint(k), fmt.Sprint("m", r.IntN(4)), []string{"energy", "health", "mail"}[r.IntN(3)], 0, 300*r.Float64(), opinion(), fmt.Sprint("g", r.IntN(4)))
		s := []float64{100 * r.Float64(), 100 * r.Float64(), 100 * r.Float64()}
		slices.Sort(s)
		i.Severity = Severity{s[0], s[1], s[2]}
		i.Linkage = opinion()
		in = append(in, i)
	}
	return in
}

func TestProperties(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 6))
	m := Example()
	value := func(in []Incident) exact.Micro { return assess(t, m, in).Mid }
	for range 60 {
		in := random(r, 1+r.IntN(7))
		f := assess(t, m, in)
		if f.Lo > f.Mid || f.Mid > f.Hi || f.Mid > f.Certain || f.Hi > 100e6 || f.Lo < 0 {
			t.Fatalf("bounds %v %v %v, certain %v", f.Lo, f.Mid, f.Hi, f.Certain)
		}
		total := exact.Micro(0)
		for _, w := range f.Worlds {
			total += w.P
		}
		if math.Abs(total.Float()-1) > 1e-4 {
			t.Fatalf("the worlds' probabilities add up to %v", total.Float())
		}
		shuffled := slices.Clone(in)
		r.Shuffle(len(in), func(a, b int) { shuffled[a], shuffled[b] = shuffled[b], shuffled[a] })
		if diff := cmp.Diff(f, assess(t, m, append(shuffled, in[0])), cmp.AllowUnexported(World{})); diff != "" {
			t.Fatalf("in another order and one given twice (-want +got):\n%s", diff)
		}
		if got := value(append(slices.Clone(in), incident("slight", "m1", "energy", 20, 0, attrib.Binomial(.9, 0, .1, .5), "g9"))); got != f.Mid {
			t.Fatalf("an incident below what is significant moves %v to %v", f.Mid, got)
		}
		graver := slices.Clone(in)
		graver[0].Severity = Severity{100, 100, 100}
		surer := slices.Clone(in)
		surer[0].Originator = attrib.Binomial(1, 0, 0, .5)
		older := slices.Clone(in)
		for k := range older {
			older[k].Began += 30
			older[k].Ended += 30
		}
		if value(graver) < f.Mid || value(surer) < f.Mid || value(older) > f.Mid {
			t.Fatalf("graver %v, surer %v, older %v, from %v", value(graver), value(surer), value(older), f.Mid)
		}
		unknown := slices.Clone(in)
		for k := range unknown {
			unknown[k].Originator = attrib.Vacuous([]float64{.3, .7})
		}
		if got := assess(t, m, unknown); got.Lo != 0 {
			t.Fatalf("nothing is known and at least %v", got.Lo)
		}
	}
}

// TestDrawn: when there are too many worlds they are sampled, alike for everybody and
// close to what is so.
func TestDrawn(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 8))
	in := random(r, 20)
	for k := range in {
		in[k].Group = fmt.Sprint(k)
	}
	a, b := assess(t, Example(), in), assess(t, Example(), in)
	if !a.Drawn || a.Expected != b.Expected || math.Abs(a.Expected.Float()-a.Mid.Float()) > 0.5 {
		t.Errorf("drawn %v, expected %v and %v, want about %v", a.Drawn, a.Expected.Float(), b.Expected.Float(), a.Mid.Float())
	}
}

func TestGates(t *testing.T) {
	t.Parallel()
	state := func(in []Incident) string { return assess(t, Example(), in).Gates[0].State }
	sure, against := attrib.Binomial(.9, .05, .05, .5), attrib.Binomial(.05, .9, .05, .5)
	one := func(o attrib.Opinion) []Incident { return []Incident{incident("1", "A", "energy", 90, 0, o, "g")} }
	for _, c := range []struct {
		name string
		in   []Incident
		want string
	}{
		{"nothing happened", nil, "undetermined"},
		{"believed", one(sure), "met"},
		{"disbelieved", one(against), "not-met"},
		{"nothing is known", one(attrib.Vacuous([]float64{.5, .5})), "undetermined"},
		{"certain", one(attrib.Binomial(1, 0, 0, .5)), "met"},
		{"some for, some against", append(one(sure), incident("2", "B", "energy", 90, 0, against, "h")), "undetermined"},
	} {
		if got := state(c.in); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// TestBelow: who stays just under a threshold for months is noticed; who came there
// just now is not.
func TestBelow(t *testing.T) {
	t.Parallel()
	m := Example()
	m.HalfLife = maxDays // so that nothing fades
	sure := attrib.Binomial(1, 0, 0, .5)
	// 59 alone comes to about 22.4 of 25.
	long := incident("1", "A", "energy", 59, 200, sure, "g")
	short := long
	short.Began, short.Ended = 20, 20
	if f := assess(t, m, []Incident{long}); f.Below != "inform" {
		t.Errorf("for 200 days at %v: %q, want inform", f.Mid.Float(), f.Below)
	}
	if f := assess(t, m, []Incident{short}); f.Below != "" {
		t.Errorf("for 20 days at %v: %q, want none", f.Mid.Float(), f.Below)
	}
	if f := assess(t, m, []Incident{long}); f.Persistence.Float() < 0.08 || f.Persistence.Float() > 0.09 {
		t.Errorf("persistence of one day = %v, want a twelfth", f.Persistence.Float())
	}
	during := long
	during.Ended = 0
	near(t, "persistence of 200 days that last", assess(t, m, []Incident{during}).Persistence, 7./12, 6)
}

func TestRefused(t *testing.T) {
	t.Parallel()
	with := func(change func(*Incident)) []Incident {
		in := worked()
		change(&in[1])
		return in
	}
	for _, c := range []struct {
		name string
		in   []Incident
		kind fault.Kind
	}{
		{"no id", with(func(i *Incident) { i.ID = "" }), fault.Invalid},
		{"no evidence group", with(func(i *Incident) { i.Group = "" }), fault.Invalid},
		{"unknown class", with(func(i *Incident) { i.Class = "annoyance" }), fault.Invalid},
		{"severity the wrong way round", with(func(i *Incident) { i.Severity = Severity{60, 50, 70} }), fault.Invalid},
		{"severity no number", with(func(i *Incident) { i.Severity.Mid = math.NaN() }), fault.Invalid},
		{"ended before it began", with(func(i *Incident) { i.Ended = i.Began + 1 }), fault.Invalid},
		{"in the future", with(func(i *Incident) { i.Ended = -1 }), fault.Invalid},
		{"no opinion", with(func(i *Incident) { i.Linkage = attrib.Opinion{} }), fault.Invalid},
		{"opinion on three", with(func(i *Incident) { i.Originator = attrib.Vacuous([]float64{.2, .3, .5}) }), fault.Invalid},
		{"twice and otherwise", with(func(i *Incident) { i.ID = "1" }), fault.Conflict},
		{"too many", make([]Incident, MaxIncidents+1), fault.Invalid},
	} {
		if _, err := Assess(Example(), c.in, Effects); fault.KindOf(err) != c.kind {
			t.Errorf("%s: %v, want kind %v", c.name, err, c.kind)
		}
	}
	for name, change := range map[string]func(*Model){
		"zero":                 func(m *Model) { *m = Model{} },
		"gamma":                func(m *Model) { m.Gamma = 0 },
		"no half-life":         func(m *Model) { m.HalfLife = math.NaN() },
		"weight above 1":       func(m *Model) { m.Weights["energy"] = 1.5 },
		"bands not ascending":  func(m *Model) { m.Bands[1].From = 5 },
		"a band without name":  func(m *Model) { m.Bands[0].Name = "" },
		"a band at nothing":    func(m *Model) { m.Bands[0].From = 0 },
		"more than all is one": func(m *Model) { m.Solidarity = 2 },
	} {
		m := Example()
		change(&m)
		if _, err := Assess(m, nil, Effects); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v, want Invalid", name, err)
		}
	}
}

// TestMany: as many incidents as there may be, on as many pieces of evidence.
func TestMany(t *testing.T) {
	t.Parallel()
	in := make([]Incident, MaxIncidents)
	for k := range in {
		in[k] = incident(fmt.Sprint(k), "A", "energy", 10, 9, attrib.Binomial(.5, .2, .3, .5), fmt.Sprint(k))
	}
	if f, err := Assess(Example(), in, Effects); err != nil || f.Salience.Incidents != MaxIncidents {
		t.Errorf("%d incidents: %v", MaxIncidents, err)
	}
}

func BenchmarkAssess(b *testing.B) {
	in := random(rand.New(rand.NewPCG(9, 9)), 100)
	for b.Loop() {
		if _, err := Assess(Example(), in, Effects); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(in)*b.N)/b.Elapsed().Seconds(), "incidents/s")
}
