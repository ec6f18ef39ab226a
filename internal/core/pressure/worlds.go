package pressure

import (
	"cmp"
	"encoding/binary"
	"hash/fnv"
	"math"
	"slices"

	"casus/internal/core/exact"
)

// World is one way things may have been: with probability P the index is Value.
type World struct {
	Value exact.Micro `json:"value"`
	P     exact.Micro `json:"p"`
	value float64
	p     float64
}

// maxWorlds is how many worlds are worked out one by one; when there are more, as
// many are drawn.
const maxWorlds = 1 << 16

// group is the incidents whose attribution rests on the same evidence, by the
// probability of each, the likeliest first.
type group struct {
	members []int
	cuts    []float64 // distinct probabilities, the largest first
}

// groups returns the evidence groups, in order of name. What is surely not of the
// set is in none.
func groups(in []Incident, ts []term) []group {
	by := map[string]*group{}
	var names []string
	for k, i := range in {
		if ts[k].p <= 0 {
			continue
		}
		g, ok := by[i.Group]
		if !ok {
			g = &group{}
			by[i.Group] = g
			names = append(names, i.Group)
		}
		g.members = append(g.members, k)
	}
	slices.Sort(names)
	out := make([]group, 0, len(names))
	for _, name := range names {
		g := *by[name]
		for _, k := range g.members {
			g.cuts = append(g.cuts, ts[k].p)
		}
		slices.SortFunc(g.cuts, func(a, b float64) int { return cmp.Compare(b, a) })
		g.cuts = slices.Compact(g.cuts)
		out = append(out, g)
	}
	return out
}

// set puts into worlds what a group comes to when its evidence is as good as that:
// every incident of probability level or more is of the set.
func (g group) set(world []term, ts []term, level float64) {
	for _, k := range g.members {
		world[k].p = 0
		if ts[k].p >= level {
			world[k].p = 1
		}
	}
}

// worlds returns the distribution of the index over who did what, ascending: within
// an evidence group what is less likely is never true without what is more likely,
// between groups all is independent. drawn says that it was sampled, from a seed
// made of the input, so that everybody draws the same.
func (m *Model) worlds(in []Incident, place *ground, ts []term) (ws []World, drawn bool) {
	gs := groups(in, ts)
	count := 1
	for _, g := range gs {
		if count *= len(g.cuts) + 1; count > maxWorlds {
			return m.draw(in, place, ts, gs), true
		}
	}
	world := slices.Clone(ts)
	var all func(k int, p float64)
	all = func(k int, p float64) {
		if k == len(gs) {
			ws = append(ws, World{value: m.combine(place, world, nil), p: p})
			return
		}
		below := 0.0
		for _, cut := range slices.Backward(gs[k].cuts) { // the evidence holds for all, then for ever fewer
			gs[k].set(world, ts, cut)
			all(k+1, exact.Mul(p, cut-below))
			below = cut
		}
		gs[k].set(world, ts, math.Inf(1))
		all(k+1, exact.Mul(p, 1-below))
	}
	all(0, 1)
	return merged(ws), false
}

// draw samples maxWorlds worlds.
func (m *Model) draw(in []Incident, place *ground, ts []term, gs []group) []World {
	r := seed(in)
	world := slices.Clone(ts)
	ws := make([]World, 0, maxWorlds)
	for range maxWorlds {
		for _, g := range gs {
			g.set(world, ts, r.float())
		}
		ws = append(ws, World{value: m.combine(place, world, nil), p: 1.0 / maxWorlds})
	}
	return merged(ws)
}

// merged sorts worlds and joins those of one published value.
func merged(ws []World) []World {
	slices.SortFunc(ws, func(a, b World) int { return cmp.Or(cmp.Compare(a.value, b.value), cmp.Compare(a.p, b.p)) })
	var out []World
	for _, w := range ws {
		v, _ := exact.Round(w.value)
		if n := len(out); n > 0 && out[n-1].Value == v {
			out[n-1].p += w.p
			continue
		}
		w.Value = v
		out = append(out, w)
	}
	out = slices.DeleteFunc(out, func(w World) bool { return w.p <= 0 })
	for k := range out {
		out[k].P, _ = exact.Round(out[k].p)
	}
	return out
}

// expected returns the mean, and reach the probability of from or more.
func expected(ws []World) float64 {
	e := 0.0
	for _, w := range ws {
		e += exact.Mul(w.value, w.p)
	}
	return e
}

func reach(ws []World, from float64) float64 {
	p := 0.0
	for _, w := range ws {
		if w.value >= from {
			p += w.p
		}
	}
	return min(1, p)
}

// quantile returns the least value that the index does not exceed with probability
// p.
func quantile(ws []World, p float64) float64 {
	sum := 0.0
	for _, w := range ws {
		if sum += w.p; sum >= p-1e-12 {
			return w.value
		}
	}
	return 0
}

// generator draws numbers that look random and depend on the seed alone.
//
// Source: splitmix-2014, algorithm SplitMix64.
type generator struct{ state uint64 }

func (g *generator) next() uint64 {
	g.state += 0x9e3779b97f4a7c15
	z := g.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// float returns a number in (0, 1].
func (g *generator) float() float64 { return float64(g.next()>>11+1) / (1 << 53) }

// seed returns a generator that depends on every incident.
func seed(in []Incident) *generator {
	h := fnv.New64a()
	word := func(f float64) {
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], math.Float64bits(f))
		_, _ = h.Write(b[:])
	}
	for _, i := range in {
		for _, s := range []string{i.ID, i.Member, i.Function, string(i.Class), i.Group} {
			word(float64(len(s)))
			_, _ = h.Write([]byte(s))
		}
		for _, f := range []float64{i.Severity.Lo, i.Severity.Mid, i.Severity.Hi, i.Began, i.Ended, i.Originator.Uncertainty, i.Linkage.Uncertainty} {
			word(f)
		}
		for _, list := range [][]float64{i.Originator.Belief, i.Originator.Base, i.Linkage.Belief, i.Linkage.Base} {
			for _, f := range list {
				word(f)
			}
		}
	}
	return &generator{h.Sum64()}
}
