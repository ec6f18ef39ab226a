package match

import (
	"cmp"
	"slices"
	"sort"
)

// A solver finds observations that fulfil a tree.
//
// For a set of observations only two moments matter to all operators on time:
// low, the earliest end, and high, the latest beginning. A FOLLOWEDBY b asks for
// high(a) <= low(b), WITHIN w for high - low < w. A greater low and a smaller
// high never hurt. So a node is described by one function, its curve: for each
// least low allowed, the smallest high that it can be fulfilled with.
//
// Curves take no heed of one observation that serves two leaves. Where that can
// happen, what the curves allow is decided by a scan; see scanner.
type solver struct {
	obs   []*Observation
	run   *run
	holds map[int][]int // observations that fulfil a condition, rising
	lows  []int64       // the different ends of observations, rising
}

// curve is the smallest high by the index of the least low in solver.lows;
// never2 where there is none.
type curve []int64

// never2 is a high that nothing reaches, above that of observations without time.
const never2 = never + 1

func newSolver(obs []*Observation, r *run) *solver {
	return &solver{obs: obs, run: r, holds: make(map[int][]int)}
}

func (s *solver) fulfil(cond, obs int) { s.holds[cond] = append(s.holds[cond], obs) }

// fits reports whether an observation lies in the span of a part.
func (o *Observation) fits(p part) bool {
	return p.start < p.stop && o.last >= p.start && o.first < p.stop
}

// items returns the observations that can serve a leaf, by their beginnings.
func (s *solver) items(n *node) []int {
	var out []int
	for _, p := range n.parts {
		for _, i := range s.holds[p.cond] {
			if s.obs[i].fits(p) {
				out = append(out, i)
			}
		}
	}
	s.run.spend(len(out))
	slices.SortFunc(out, func(a, b int) int {
		return cmp.Or(cmp.Compare(s.obs[a].first, s.obs[b].first), cmp.Compare(a, b))
	})
	return slices.Compact(out)
}

// solve returns observations that fulfil the tree, nil if none do.
func (s *solver) solve(root *node) []int {
	if root.kind == leaf {
		return s.take(root, s.items(root))
	}
	seen := make(map[int64]bool)
	for _, list := range s.holds {
		for _, i := range list {
			if low := s.obs[i].last; !seen[low] {
				seen[low] = true
				s.lows = append(s.lows, low)
			}
		}
	}
	if len(s.lows) == 0 {
		return nil
	}
	slices.Sort(s.lows)
	p := s.plan(root)
	if s.run.err != nil || p.curve[0] == never2 {
		return nil
	}
	if s.apart(p) {
		out := s.realise(p, 0, nil)
		slices.Sort(out)
		return slices.Compact(out)
	}
	return s.scan(root, p)
}

// take returns the first observations that serve a leaf often enough, nil if
// there are too few.
func (s *solver) take(n *node, items []int) []int {
	left := n.times
	for k, i := range items {
		if left -= s.obs[i].Count; left <= 0 {
			out := slices.Clone(items[:k+1])
			slices.Sort(out)
			return out
		}
	}
	return nil
}

// planned is a node with its curve and, for a leaf, its observations.
type planned struct {
	*node
	kids  []*planned
	items []int
	curve curve
}

// plan computes the curves from the leaves up.
func (s *solver) plan(n *node) *planned {
	p := &planned{node: n, curve: make(curve, len(s.lows))}
	for _, k := range n.kids {
		p.kids = append(p.kids, s.plan(k))
	}
	s.run.spend(len(s.lows))
	if s.run.err != nil {
		return p
	}
	switch n.kind {
	case leaf:
		p.items = s.items(n)
		s.leafCurve(p)
	case repeat:
		p.curve = p.kids[0].curve
	case within:
		s.withinCurve(p)
	default:
		copy(p.curve, p.kids[0].curve)
		for _, k := range p.kids[1:] {
			for j := range p.curve {
				p.curve[j] = s.joinAt(n.kind, p.curve[j], k.curve, j)
			}
		}
	}
	return p
}

// joinAt joins a high so far with the curve of the next operand, at a least low.
func (s *solver) joinAt(kind nodeKind, high int64, next curve, j int) int64 {
	switch kind {
	case any1:
		return min(high, next[j])
	case follow:
		from := max(j, s.index(high))
		if high == never2 || from == len(next) {
			return never2
		}
		return max(high, next[from])
	default:
		return max(high, next[j])
	}
}

// index returns where lows of at least low begin.
func (s *solver) index(low int64) int {
	return sort.Search(len(s.lows), func(i int) bool { return s.lows[i] >= low })
}

// leafCurve slides over the least lows: with each, observations that ended
// before fall out, and the high is where the count of the rest, in the order of
// their beginnings, reaches what is asked for.
func (s *solver) leafCurve(p *planned) {
	byLow := slices.Clone(p.items)
	slices.SortFunc(byLow, func(a, b int) int { return cmp.Compare(s.obs[a].last, s.obs[b].last) })
	rank := make(map[int]int, len(p.items))
	counts := make(fenwick, len(p.items)+1)
	for k, i := range p.items {
		rank[i] = k
		counts.add(k, s.obs[i].Count)
	}
	s.run.spend(8 * len(p.items))
	next := 0
	for j, low := range s.lows {
		for next < len(byLow) && s.obs[byLow[next]].last < low {
			counts.add(rank[byLow[next]], -s.obs[byLow[next]].Count)
			next++
		}
		p.curve[j] = never2
		if k := counts.reach(p.times); k < len(p.items) {
			p.curve[j] = s.obs[p.items[k]].first
		}
	}
}

// withinCurve keeps what fits the window, from the last low to the first.
func (s *solver) withinCurve(p *planned) {
	best := never2
	for j := len(s.lows) - 1; j >= 0; j-- {
		if high := p.kids[0].curve[j]; high != never2 && high-s.lows[j] < p.window {
			best = min(best, high)
		}
		p.curve[j] = best
	}
}

// fenwick counts in prefixes; its first element is unused.
type fenwick []int

func (f fenwick) add(i, n int) {
	for i++; i < len(f); i += i & -i {
		f[i] += n
	}
}

// reach returns the first index at which the count of the prefix reaches n, the
// length if none does.
func (f fenwick) reach(n int) int {
	i, step := 0, 1
	for step*2 < len(f) {
		step *= 2
	}
	for ; step > 0; step /= 2 {
		if i+step < len(f) && f[i+step] < n {
			i += step
			n -= f[i]
		}
	}
	return i
}

// apart reports whether no observation can serve two leaves that must be served
// by different ones, so that curves say all.
func (s *solver) apart(p *planned) bool {
	demand := make(map[int]int)
	ok := true
	var visit func(p *planned) map[int]bool
	visit = func(p *planned) map[int]bool {
		used := make(map[int]bool)
		if p.kind == repeat {
			ok = false
		}
		for _, i := range p.items {
			used[i] = true
			demand[i] = min(demand[i]+p.times, maxTimes)
		}
		for _, k := range p.kids {
			for i := range visit(k) {
				if used[i] && p.kind != any1 && demand[i] > s.obs[i].Count {
					ok = false
				}
				used[i] = true
			}
			s.run.spend(len(used))
		}
		return used
	}
	visit(p)
	return ok
}

// realise adds observations that fulfil a node with the high of its curve at a
// least low.
func (s *solver) realise(p *planned, j int, out []int) []int {
	if s.run.spend(1); s.run.err != nil {
		return nil
	}
	switch p.kind {
	case leaf:
		left := slices.DeleteFunc(slices.Clone(p.items), func(i int) bool { return s.obs[i].last < s.lows[j] })
		return append(out, s.take(p.node, left)...)
	case within:
		for p.kids[0].curve[j] != p.curve[j] || p.curve[j]-s.lows[j] >= p.window {
			j++
		}
		return s.realise(p.kids[0], j, out)
	case any1:
		for _, k := range p.kids {
			if k.curve[j] == p.curve[j] {
				return s.realise(k, j, out)
			}
		}
		return out
	case follow:
		high := ever
		for _, k := range p.kids {
			at := max(j, s.index(high))
			out = s.realise(k, at, out)
			high = max(high, k.curve[at])
		}
		return out
	default:
		for _, k := range p.kids {
			out = s.realise(k, j, out)
		}
		return out
	}
}
