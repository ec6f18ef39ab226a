package match

import (
	"cmp"
	"slices"
)

// maxAlternatives is how many ways through the ORs of a tree a scan takes, and
// maxCells how large a state of one way may be. Beyond either the budget counts
// as used up.
const (
	maxAlternatives = 256
	maxCells        = 4096
)

// scan decides a tree in which one observation could serve two leaves. Each way
// through its ORs is scanned by itself.
func (s *solver) scan(root *node, p *planned) []int {
	items := make(map[int]bool)
	gather(p, items)
	order := make([]int, 0, len(items))
	for i := range items {
		order = append(order, i)
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(s.obs[a].first, s.obs[b].first), cmp.Compare(a, b))
	})
	for _, way := range s.ways(root) {
		if s.run.err != nil {
			return nil
		}
		if out := s.scanWay(way, order); out != nil {
			return out
		}
	}
	return nil
}

func gather(p *planned, items map[int]bool) {
	for _, i := range p.items {
		items[i] = true
	}
	for _, k := range p.kids {
		gather(k, items)
	}
}

// ways returns the trees without OR that a tree stands for.
func (s *solver) ways(n *node) []*node {
	if s.run.err != nil {
		return nil
	}
	switch n.kind {
	case leaf:
		return []*node{n}
	case any1:
		var out []*node
		for _, k := range n.kids {
			out = append(out, s.ways(k)...)
		}
		return s.few(out)
	case repeat:
		return s.shares(s.ways(n.kids[0]), n.times)
	default:
	}
	out := []*node{{kind: n.kind, window: n.window}}
	for _, k := range n.kids {
		var next []*node
		for _, way := range s.ways(k) {
			for _, o := range out {
				c := *o
				c.kids = append(slices.Clip(o.kids), way)
				next = append(next, &c)
			}
			if next = s.few(next); next == nil {
				return nil
			}
		}
		out = next
	}
	return out
}

func (s *solver) few(ways []*node) []*node {
	if len(ways) <= maxAlternatives {
		return ways
	}
	if s.run.err == nil {
		s.run.err = ErrBudget
	}
	return nil
}

// shares returns the ways to repeat one of several ways: how often each is taken.
func (s *solver) shares(ways []*node, count int) []*node {
	if len(ways) == 0 {
		return nil
	}
	if len(ways) == 1 {
		return []*node{copies(ways[0], count)}
	}
	var out []*node
	for n := 0; n <= count; n++ {
		for _, rest := range s.shares(ways[1:], count-n) {
			w := &node{kind: all}
			if n > 0 {
				w.kids = append(w.kids, copies(ways[0], n))
			}
			if n < count {
				w.kids = append(w.kids, rest)
			}
			out = append(out, w)
		}
		if out = s.few(out); out == nil {
			return nil
		}
	}
	return out
}

// copies repeats a way without changing it.
func copies(n *node, count int) *node {
	switch {
	case n.kind == leaf:
		c := *n
		c.times = times(c.times, max(count, 1))
		return &c
	case count == 1:
		return n
	}
	return &node{kind: repeat, kids: []*node{n}, times: count}
}

// cellsOf returns how many numbers the state of a node takes: the count of a
// leaf, the low of a WITHIN, the lows of all but the first operand of a
// FOLLOWEDBY, and what its operands take.
func cellsOf(n *node) int {
	sum := 0
	for _, k := range n.kids {
		if sum += cellsOf(k); sum > maxCells {
			return maxCells + 1
		}
	}
	switch n.kind {
	case leaf:
		return 1
	case within:
		return sum + 1
	case follow:
		return sum + len(n.kids) - 1
	case repeat:
		if n.times > maxCells {
			return maxCells + 1
		}
		return sum * n.times
	default:
		return sum
	}
}

// state is how far a way has come after some of the observations. A low that is
// not known yet, or matters no more, is len(lows). Copies of one expression
// stand in order, as which is which does not matter.
type state struct {
	cells []int32
	from  *state
	obs   int // the observation used last
	used  int // how many were
}

// scanner scans observations in the order of their beginnings.
type scanner struct {
	*solver
	way    *node
	none   int32
	serves map[*node]map[int]bool
	size   map[*node]int
}

// scanWay keeps the best states while it goes through the observations. A state
// that has come as far as another everywhere, with lows as late, makes the other
// needless, whatever observations it has used: they are all in the past.
func (s *solver) scanWay(way *node, order []int) []int {
	cells := cellsOf(way)
	if cells > maxCells {
		s.run.err = ErrBudget
		return nil
	}
	c := &scanner{
		solver: s, way: way, none: int32(len(s.lows)), serves: make(map[*node]map[int]bool), size: make(map[*node]int),
	}
	c.prepare(way)
	first := &state{cells: make([]int32, cells), obs: -1}
	c.clear(way, first.cells)
	states := []*state{first}
	asked, left := demand(way), 0
	for _, i := range order {
		left += s.obs[i].Count
	}
	for _, i := range order {
		now := s.obs[i].first
		states = slices.DeleteFunc(states, func(st *state) bool {
			return asked-st.used > left || c.lost(way, st.cells, now)
		})
		left -= s.obs[i].Count
		fresh := states
		for range s.obs[i].Count {
			next := c.use(fresh, i)
			var added []*state
			for _, st := range next {
				if s.run.err != nil {
					return nil
				}
				if c.complete(way, st.cells) {
					return st.uses()
				}
				states, added = c.insert(states, added, st)
			}
			if fresh = added; len(fresh) == 0 {
				break
			}
		}
	}
	return nil
}

// demand returns how many observations a way asks for.
func demand(n *node) int {
	if n.kind == leaf {
		return n.times
	}
	sum := 0
	for _, k := range n.kids {
		sum = min(sum+demand(k), maxTimes)
	}
	if n.kind == repeat {
		sum = times(sum, n.times)
	}
	return sum
}

func (st *state) uses() (out []int) {
	for ; st.obs >= 0; st = st.from {
		out = append(out, st.obs)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// prepare looks up what serves each leaf.
func (c *scanner) prepare(n *node) {
	c.size[n] = cellsOf(n)
	if n.kind == leaf {
		c.serves[n] = make(map[int]bool)
		for _, i := range c.items(n) {
			c.serves[n][i] = true
		}
	}
	for _, k := range n.kids {
		c.prepare(k)
	}
}

// clear sets the lows of a state without progress.
func (c *scanner) clear(n *node, cells []int32) {
	switch n.kind {
	case within:
		cells[0] = c.none
	case follow:
		for i := range len(n.kids) - 1 {
			cells[i] = c.none
		}
	default:
	}
	for k, sub := range c.operands(n, cells) {
		c.clear(k, sub)
	}
}

// operands yields the operands of a node with their cells; of a repeat, each
// copy.
func (c *scanner) operands(n *node, cells []int32) func(yield func(*node, []int32) bool) {
	return func(yield func(*node, []int32) bool) {
		if n.kind == repeat {
			size := c.size[n.kids[0]]
			for i := range n.times {
				if !yield(n.kids[0], cells[i*size:(i+1)*size]) {
					return
				}
			}
			return
		}
		at := c.size[n]
		for _, k := range n.kids {
			at -= c.size[k]
		}
		for _, k := range n.kids {
			if !yield(k, cells[at:at+c.size[k]]) {
				return
			}
			at += c.size[k]
		}
	}
}

func (c *scanner) complete(n *node, cells []int32) bool {
	if n.kind == leaf {
		return int(cells[0]) >= n.times
	}
	for k, sub := range c.operands(n, cells) {
		if !c.complete(k, sub) {
			return false
		}
	}
	return true
}

// lost reports whether a state can come to nothing from a moment on: a window
// has closed, or an operand of FOLLOWEDBY has ended while one before it has not
// all its observations.
func (c *scanner) lost(n *node, cells []int32, now int64) bool {
	if n.kind == leaf {
		return false
	}
	if n.kind == within && cells[0] != c.none && now-c.lows[cells[0]] >= n.window {
		return true
	}
	if n.kind == follow {
		for i := range len(n.kids) - 1 {
			if cells[i] != c.none && now > c.lows[cells[i]] {
				return true
			}
		}
	}
	for k, sub := range c.operands(n, cells) {
		if c.lost(k, sub, now) {
			return true
		}
	}
	return false
}

// use returns the states that one more use of an observation leads to.
func (c *scanner) use(states []*state, obs int) (out []*state) {
	for _, st := range states {
		c.run.spend(1 + len(st.cells)/4)
		if c.run.err != nil {
			return nil
		}
		c.useIn(c.way, st.cells, obs, func(change func(cells []int32) bool) {
			cells := slices.Clone(st.cells)
			if c.run.spend(1 + len(cells)/4); change(cells) {
				c.tidy(c.way, cells)
				out = append(out, &state{cells: cells, from: st, obs: obs, used: st.used + 1})
			}
		})
	}
	return out
}

// useIn finds the leaves that an observation can serve, and hands out for each
// how to change a copy of the cells; the change reports whether it is allowed.
func (c *scanner) useIn(n *node, cells []int32, obs int, yield func(change func(cells []int32) bool)) {
	if n.kind == leaf {
		if int(cells[0]) < n.times && c.serves[n][obs] {
			yield(func(cells []int32) bool { cells[0]++; return true })
		}
		return
	}
	operand, at := 0, c.size[n]
	if n.kind == repeat {
		at = 0
	} else {
		for _, k := range n.kids {
			at -= c.size[k]
		}
	}
	var before []int32
	for k, sub := range c.operands(n, cells) {
		here, which := at, operand
		at += len(sub)
		operand++
		if n.kind == repeat && before != nil && slices.Equal(before, sub) {
			continue // the same as with the copy before
		}
		before = sub
		c.useIn(k, sub, obs, func(change func([]int32) bool) {
			yield(func(cells []int32) bool {
				return change(cells[here:here+len(sub)]) && c.fits(n, cells, which, obs)
			})
		})
	}
}

// fits notes the low of an observation in a node one of whose operands it has
// gone into, and reports whether the operators on time allow it.
func (c *scanner) fits(n *node, cells []int32, operand, obs int) bool {
	o := c.obs[obs]
	low := int32(c.index(o.last))
	switch n.kind {
	case within:
		cells[0] = min(cells[0], low)
		return o.first-c.lows[cells[0]] < n.window
	case follow:
		if o.first > o.last {
			return false // without a time
		}
		for i := operand; i < len(n.kids)-1; i++ {
			if cells[i] != c.none && o.first > c.lows[cells[i]] {
				return false
			}
		}
		if operand > 0 {
			cells[operand-1] = min(cells[operand-1], low)
		}
	default:
	}
	return true
}

// tidy forgets lows that matter no more, puts copies in order, and reports
// whether the node is complete.
func (c *scanner) tidy(n *node, cells []int32) bool {
	if n.kind == leaf {
		return int(cells[0]) >= n.times
	}
	done := true
	for k, sub := range c.operands(n, cells) {
		done = c.tidy(k, sub) && done
	}
	switch n.kind {
	case within:
		if done {
			cells[0] = c.none
		}
	case follow:
		i, before := 0, true
		for k, sub := range c.operands(n, cells) {
			if i > 0 && before {
				cells[i-1] = c.none
			}
			before = before && c.complete(k, sub)
			i++
		}
	case repeat:
		c.sortCopies(n, cells)
	default:
	}
	return done
}

// sortCopies sorts the copies of a repeat by their cells; one of them changed, so
// insertion is quick.
func (c *scanner) sortCopies(n *node, cells []int32) {
	size := c.size[n.kids[0]]
	tmp := make([]int32, size)
	for i := size; i < len(cells); i += size {
		for j := i; j > 0 && slices.Compare(cells[j-size:j], cells[j:j+size]) < 0; j -= size {
			copy(tmp, cells[j-size:j])
			copy(cells[j-size:j], cells[j:j+size])
			copy(cells[j:j+size], tmp)
		}
	}
}

// insert adds a state unless another is at least as good, and drops those that
// it is better than.
func (c *scanner) insert(states, added []*state, st *state) (all, fresh []*state) {
	for _, o := range states {
		if c.run.spend(1 + len(st.cells)/16); atLeast(o.cells, st.cells) {
			return states, added
		}
	}
	worse := func(o *state) bool { return atLeast(st.cells, o.cells) }
	// states is walked by the caller no more, added is.
	states = slices.DeleteFunc(slices.Clone(states), worse)
	added = slices.DeleteFunc(added, worse)
	return append(states, st), append(added, st)
}

// atLeast reports whether a is as far as b everywhere. A greater low is later,
// and so as good or better; a greater count is more.
func atLeast(a, b []int32) bool {
	for i := range a {
		if a[i] < b[i] {
			return false
		}
	}
	return true
}
