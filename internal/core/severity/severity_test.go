package severity

import (
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"casus/internal/core/exact"
	"casus/internal/fault"

	"github.com/google/go-cmp/cmp"
)

func builtin(t testing.TB, id string) *Model {
	t.Helper()
	m, err := Builtin(id)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func assess(t testing.TB, m *Model, a Answers) *Assessment {
	t.Helper()
	got, err := m.Assess(a)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// byValue answers each question of a model, in order, with an option of that value.
func byValue(t testing.TB, m *Model, values ...float64) Answers {
	t.Helper()
	a := Answers{}
	for k, q := range m.Questions {
		at := slices.IndexFunc(q.Options, func(o Option) bool { return o.Value == values[k] })
		if at < 0 {
			t.Fatalf("%s has no option of %v", q.ID, values[k])
		}
		a[q.ID] = []string{q.Options[at].ID}
	}
	return a
}

// TestNCISS holds the score to figures worked out by hand from the table.
func TestNCISS(t *testing.T) {
	t.Parallel()
	m := builtin(t, "nciss")
	for _, c := range []struct {
		name   string
		values []float64
		score  float64
		band   string
	}{
		{"all at the least", []float64{0, 0, 30, 20, 0, 20, 15, 0}, 0, "baseline"},
		{"reconnaissance", []float64{0, 40, 30, 50, 0, 20, 40, 0}, 12.8455, "baseline"},
		{"ransomware at a hospital", []float64{60, 100, 40, 40, 60, 40, 30, 25}, 44.7154, "low"},
		{"presence with core credentials", []float64{20, 80, 60, 80, 80, 40, 80, 50}, 52.5203, "medium"},
		{"destruction in energy", []float64{100, 100, 90, 100, 100, 60, 100, 75}, 88.6179, "severe"},
		{"all at the most", []float64{100, 100, 100, 100, 100, 100, 100, 100}, 100, "emergency"},
	} {
		got := assess(t, m, byValue(t, m, c.values...))
		if got.Lo != got.Hi || math.Abs(got.Lo.Float()-c.score) > 5e-5 || !slices.Equal(got.Levels, []string{c.band}) || len(got.Open) != 0 {
			t.Errorf("%s: %v to %v, %v, open %v; want %v, %s", c.name, got.Lo.Float(), got.Hi.Float(), got.Levels, got.Open, c.score, c.band)
		}
		sum := exact.Micro(0)
		for _, p := range got.Parts {
			sum += p.Lo
		}
		if d := sum - got.Lo; d < -8 || d > 8 {
			t.Errorf("%s: the parts add up to %v, not %v", c.name, sum.Float(), got.Lo.Float())
		}
	}
	least, most := m.sums(nil)
	if least != 325 || most != 3400 {
		t.Errorf("sums from %v to %v, want 325 to 3400", least, most)
	}
	blind := builtin(t, "nciss-actor-blind")
	if least, most = blind.sums(nil); least != 245 || most != 3000 || !blind.ActorBlind || m.ActorBlind {
		t.Errorf("actor-blind: sums from %v to %v, want 245 to 3000", least, most)
	}
}

// TestNarrows: the more is answered, the narrower the interval, and never outside of
// what it was; the question said to narrow the most does.
func TestNarrows(t *testing.T) {
	t.Parallel()
	for _, name := range Names() {
		m := builtin(t, name)
		a := Answers{}
		last := assess(t, m, nil)
		if len(last.Open) != len(m.Questions) || last.Digest == "" || last.Model != name {
			t.Errorf("%s: nothing answered: %+v", name, last)
		}
		for len(last.Open) > 0 {
			first := last.Open[0]
			q := m.Questions[slices.Index(m.asks(), first.Question)]
			best := last.Hi - last.Lo
			for _, o := range q.Options {
				a[q.ID] = []string{o.ID}
				got := assess(t, m, a)
				if got.Lo < last.Lo || got.Hi > last.Hi || got.Lo > got.Hi {
					t.Fatalf("%s: %s = %s: %v to %v, outside of %v to %v", name, q.ID, o.ID, got.Lo, got.Hi, last.Lo, last.Hi)
				}
				best = min(best, got.Hi-got.Lo)
			}
			if d := last.Hi - last.Lo - best - first.Narrows; d < -2 || d > 2 {
				t.Errorf("%s: %s narrows %v to %v, said %v", name, q.ID, last.Hi-last.Lo, best, first.Narrows)
			}
			last = assess(t, m, a)
		}
		if last.Lo != last.Hi {
			t.Errorf("%s: all is answered, from %v to %v", name, last.Lo, last.Hi)
		}
	}
}

// TestPossible: an answer may be several options, and then bounds are theirs.
func TestPossible(t *testing.T) {
	t.Parallel()
	m := builtin(t, "nciss")
	a := byValue(t, m, 100, 100, 90, 100, 100, 60, 100, 75)
	a["potential-impact"] = []string{"high", "moderate"}
	got := assess(t, m, a)
	if math.Abs(got.Hi.Float()-88.6179) > 5e-5 || math.Abs(got.Lo.Float()-83.7398) > 5e-5 {
		t.Errorf("%v to %v, want 83.7398 to 88.6179", got.Lo.Float(), got.Hi.Float())
	}
	if diff := cmp.Diff([]Open{{"potential-impact", got.Hi - got.Lo}}, got.Open); diff != "" {
		t.Errorf("open (-want +got):\n%s", diff)
	}
}

func TestLookup(t *testing.T) {
	t.Parallel()
	m := builtin(t, "ncsc-uk")
	for _, c := range []struct {
		victim, effect []string
		want           []string
	}{
		{[]string{"national"}, []string{"sustained"}, []string{"category-1"}},
		{[]string{"national"}, []string{"serious"}, []string{"category-2"}},
		{[]string{"large"}, []string{"serious"}, []string{"category-3"}},
		{[]string{"national"}, []string{"risk"}, []string{"category-3"}},
		{[]string{"medium"}, []string{"serious"}, []string{"category-4"}},
		{[]string{"large"}, []string{"risk"}, []string{"category-4"}},
		{[]string{"small"}, []string{"serious"}, []string{"category-5"}},
		{[]string{"medium"}, []string{"risk"}, []string{"category-5"}},
		{[]string{"large"}, []string{"early"}, []string{"category-5"}},
		{[]string{"individual"}, nil, []string{"category-6"}},
		{[]string{"medium", "small"}, []string{"early"}, []string{"category-6"}},
		{[]string{"large"}, []string{"risk", "serious"}, []string{"category-4", "category-3"}},
		{nil, nil, []string{"category-6", "category-5", "category-4", "category-3", "category-2", "category-1"}},
	} {
		got := assess(t, m, Answers{"victim": c.victim, "effect": c.effect})
		if !slices.Equal(got.Levels, c.want) || got.Scale != "levels" {
			t.Errorf("%v, %v: %v, want %v", c.victim, c.effect, got.Levels, c.want)
		}
	}
}

func TestRule(t *testing.T) {
	t.Parallel()
	m := builtin(t, "nis2-digital-significance")
	none := Answers{}
	for _, q := range m.Questions {
		none[q.ID] = []string{"no"}
	}
	with := func(change Answers) Answers {
		a := Answers{}
		maps.Copy(a, none)
		maps.Copy(a, change)
		return a
	}
	yes := []string{"yes"}
	for _, c := range []struct {
		name   string
		a      Answers
		levels []string
		met    []string
	}{
		{"nothing is known", nil, []string{"not-significant", "significant"}, nil},
		{"nothing applies", none, []string{"not-significant"}, nil},
		{"one is enough, whatever is open", Answers{"death": yes}, []string{"significant"}, []string{"death"}},
		{"access alone is not", with(Answers{"access": yes}), []string{"not-significant"}, nil},
		{"access that can disrupt", with(Answers{"access": yes, "access-disruption": yes}), []string{"significant"}, []string{"access and access-disruption"}},
		{"access that may disrupt", with(Answers{"access": yes, "access-disruption": nil}), []string{"not-significant", "significant"}, nil},
	} {
		got := assess(t, m, c.a)
		if !slices.Equal(got.Levels, c.levels) || !slices.Equal(got.Met, c.met) {
			t.Errorf("%s: %v by %v, want %v by %v", c.name, got.Levels, got.Met, c.levels, c.met)
		}
	}
}

func TestEuRepoC(t *testing.T) {
	t.Parallel()
	m := builtin(t, "eurepoc-intensity")
	for _, c := range []struct {
		values []float64
		want   float64
	}{
		{[]float64{0, 0, 0, 0, 0, 1}, 0},
		{[]float64{1, 0, 2, 0, 0, 1}, 3},
		{[]float64{2, 0, 2, 0, 0, 1.5}, 6},
		{[]float64{2, 2, 2, 2, 2, 1.5}, 15},
	} {
		if got := assess(t, m, byValue(t, m, c.values...)); got.Lo != got.Hi || got.Lo.Float() != c.want || got.Scale != "0-15" {
			t.Errorf("%v: %v to %v of %s, want %v", c.values, got.Lo.Float(), got.Hi.Float(), got.Scale, c.want)
		}
	}
}

func TestRecurring(t *testing.T) {
	t.Parallel()
	day := func(n int) time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, n) }
	at := func(id string, n int, cause string, lo, hi float64) Occurrence {
		return Occurrence{id, day(n), cause, lo, hi}
	}
	for _, c := range []struct {
		name     string
		in       []Occurrence
		turnover float64
		want     []Series
	}{
		{"nothing", nil, 0, nil},
		{"one is no series", []Occurrence{at("a", 0, "vpn", 9e5, 9e5)}, 0, nil},
		{"two within six months", []Occurrence{at("b", 100, "vpn", 3e5, 3e5), at("a", 0, "vpn", 3e5, 3e5)}, 0, []Series{{"vpn", []string{"a", "b"}, 6e5, 6e5, true}}},
		{"just the limit is not more", []Occurrence{at("a", 0, "vpn", 2e5, 2e5), at("b", 9, "vpn", 3e5, 3e5)}, 0, nil},
		{"of two causes", []Occurrence{at("a", 0, "vpn", 3e5, 3e5), at("b", 9, "mail", 3e5, 3e5)}, 0, nil},
		{"of unknown cause", []Occurrence{at("a", 0, "", 3e5, 3e5), at("b", 9, "", 3e5, 3e5)}, 0, nil},
		{"too far apart", []Occurrence{at("a", 0, "vpn", 3e5, 3e5), at("b", 200, "vpn", 3e5, 3e5)}, 0, nil},
		{"on the last day", []Occurrence{at("a", 0, "vpn", 3e5, 3e5), at("b", 181, "vpn", 3e5, 3e5)}, 0, []Series{{"vpn", []string{"a", "b"}, 6e5, 6e5, true}}},
		{"five percent are less", []Occurrence{at("a", 0, "vpn", 6e4, 6e4), at("b", 9, "vpn", 6e4, 6e4)}, 2e6, []Series{{"vpn", []string{"a", "b"}, 1.2e5, 1.2e5, true}}},
		{"it may be", []Occurrence{at("a", 0, "vpn", 1e5, 4e5), at("b", 9, "vpn", 1e5, 4e5)}, 0, []Series{{"vpn", []string{"a", "b"}, 2e5, 8e5, false}}},
		{"windows that overlap", []Occurrence{at("a", 0, "vpn", 3e5, 3e5), at("b", 100, "vpn", 3e5, 3e5), at("c", 250, "vpn", 3e5, 3e5)}, 0, []Series{{"vpn", []string{"a", "b"}, 6e5, 6e5, true}, {"vpn", []string{"b", "c"}, 6e5, 6e5, true}}},
		{"what lies within is not told again", []Occurrence{at("a", 0, "vpn", 3e5, 3e5), at("b", 9, "vpn", 3e5, 3e5), at("c", 20, "vpn", 3e5, 3e5)}, 0, []Series{{"vpn", []string{"a", "b", "c"}, 9e5, 9e5, true}}},
	} {
		if diff := cmp.Diff(c.want, Recurring(c.in, c.turnover)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// TestLint breaks a good model in every way.
func TestLint(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, model, old, new string }{
		{"not JSON", "nciss", "{", "["},
		{"an unknown member", "nciss", `"top": 100`, `"top": 100, "colour": "red"`},
		{"a member twice", "nciss", `"top": 100`, `"top": 100, "top": 100`},
		{"no id", "nciss", `"id": "nciss"`, `"id": ""`},
		{"no source", "nciss", `"source": "cite-nciss"`, `"source": ""`},
		{"kind", "nciss", `"kind": "weighted-mean"`, `"kind": "guess"`},
		{"of another kind", "nciss", `"kind": "weighted-mean"`, `"kind": "lookup"`},
		{"top", "nciss", `"top": 100`, `"top": -1`},
		{"a weight of nothing", "nciss", `"weight": 6`, `"weight": 0`},
		{"an option twice", "nciss", `"id": "no-impact-to-services"`, `"id": "no-impact"`},
		{"a question twice", "nciss", `"id": "observed-activity"`, `"id": "functional-impact"`},
		{"bands not ascending", "nciss", `"name": "medium", "from": 50`, `"name": "medium", "from": 30`},
		{"a band beyond the top", "nciss", `"name": "emergency", "from": 90`, `"name": "emergency", "from": 100`},
		{"a factor that is not asked", "eurepoc-intensity", `"factor": "target"`, `"factor": "mood"`},
		{"a value below 0", "eurepoc-intensity", `"value": 2`, `"value": -2`},
		{"a cell that is no level", "ncsc-uk", `"category-3", "category-2", "category-1"]`, `"category-3", "category-2", "category-0"]`},
		{"a row too short", "ncsc-uk", `"category-3", "category-2", "category-1"]`, `"category-3", "category-2"]`},
		{"a cell slighter than its neighbour", "ncsc-uk", `["category-5", "category-3", "category-2", "category-1"]`, `["category-5", "category-3", "category-2", "category-3"]`},
		{"a level twice", "ncsc-uk", `"levels": ["category-6", "category-5"`, `"levels": ["category-6", "category-6"`},
		{"a clause on nothing", "nis2-significance", `"question": "financial-loss"`, `"question": "weather"`},
		{"a clause on no option", "nis2-significance", `"is": ["yes"]`, `"is": ["maybe"]`},
		{"a clause without an answer", "nis2-significance", `"is": ["yes"]`, `"is": []`},
	} {
		b, err := files.ReadFile("models/" + c.model + ".json")
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Replace(string(b), c.old, c.new, 1)
		if text == string(b) {
			t.Errorf("%s: nothing was broken", c.name)
			continue
		}
		if _, err := Parse([]byte(text)); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v, want Invalid", c.name, err)
		}
	}
	if _, err := Parse(make([]byte, MaxModelBytes+1)); fault.KindOf(err) != fault.Invalid {
		t.Errorf("too long: %v, want Invalid", err)
	}
	if _, err := Builtin("../severity"); fault.KindOf(err) != fault.NotFound {
		t.Errorf("no such model: %v, want NotFound", err)
	}
	m := builtin(t, "nciss")
	for name, a := range map[string]Answers{"question": {"mood": {"bad"}}, "option": {"actor": {"martians"}}} {
		if _, err := m.Assess(a); fault.KindOf(err) != fault.Invalid || fault.HintOf(err) == "" {
			t.Errorf("unknown %s: %v, want Invalid with what is known", name, err)
		}
	}
}

// TestSources: each model says where it is from.
func TestSources(t *testing.T) {
	t.Parallel()
	index, err := os.ReadFile("../../../doc/sources/index.tsv")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range Names() {
		if m := builtin(t, name); !strings.Contains(string(index), "\n"+m.Source+"\t") {
			t.Errorf("%s: source %q is not in doc/sources/index.tsv", name, m.Source)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range Names() {
		b, err := files.ReadFile("models/" + name + ".json")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Parse(b)
		if err != nil {
			return
		}
		got, err := m.Assess(nil)
		if err != nil || got.Lo > got.Hi {
			t.Errorf("assess nothing = %+v, %v", got, err)
		}
	})
}
