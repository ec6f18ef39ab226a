package match

import (
	"fmt"
	"math"
	"slices"

	"casus/stix/pattern"
)

// nodeKind tells the nodes of a tree over observations apart.
type nodeKind uint8

const (
	leaf   nodeKind = iota // times different observations that fulfil any of the parts
	all                    // AND
	any1                   // OR
	follow                 // FOLLOWEDBY
	within                 // WITHIN
	repeat                 // REPEATS of what is not a leaf, times over
)

// node is an expression over observations, made simple: START and STOP have
// moved into the leaves, REPEATS as far down as it can, and leaves that ask for
// the same have become one.
type node struct {
	kind   nodeKind
	kids   []*node
	parts  []part // of a leaf, sorted, none twice
	times  int    // of a leaf and of repeat
	window int64  // of within: microseconds
}

// part is a condition with the span in which observations may lie.
type part struct {
	cond        int   // index into Matcher.conds
	start, stop int64 // microseconds: ended at start or later, began before stop
}

func comparePart(a, b part) int {
	return slices.Compare([]int64{int64(a.cond), a.start, a.stop}, []int64{int64(b.cond), b.start, b.stop})
}

// always is the span of a part without START and STOP; also observations
// without times lie in it.
func always(cond int) part { return part{cond: cond, start: math.MinInt64, stop: math.MaxInt64} }

// maxTimes bounds nested REPEATS; no list of observations stands for so many.
const maxTimes = 1 << 50

func times(a, b int) int {
	if a > maxTimes/b {
		return maxTimes
	}
	return a * b
}

// builder makes nodes of an expression.
type builder struct {
	conds []*condition
	keys  map[string]int // canonical forms of the conditions
}

func (b *builder) node(e pattern.Expr) (*node, error) {
	switch e := e.(type) {
	case *pattern.Observation:
		key := (&pattern.Pattern{Expr: e}).String()
		if i, ok := b.keys[key]; ok {
			return &node{parts: []part{always(i)}, times: 1}, nil
		}
		c, err := newCondition(e.Cond)
		if err != nil {
			return nil, err
		}
		b.keys[key] = len(b.conds)
		b.conds = append(b.conds, c)
		return &node{parts: []part{always(len(b.conds) - 1)}, times: 1}, nil
	case *pattern.Joined:
		out := &node{kind: map[pattern.Op]nodeKind{pattern.And: all, pattern.Or: any1, pattern.FollowedBy: follow}[e.Op]}
		for _, p := range e.Parts {
			kid, err := b.node(p)
			if err != nil {
				return nil, err
			}
			out.kids = append(out.kids, kid)
		}
		return out.simple(), nil
	case *pattern.Qualified:
		inner, err := b.node(e.Expr)
		if err != nil {
			return nil, err
		}
		return qualified(inner, e.By)
	}
	return nil, fmt.Errorf("match: the pattern is empty")
}

// qualified puts a qualifier on a node.
//
// Source: stix-2.1 §9.5.1.
func qualified(n *node, q pattern.Qualifier) (*node, error) {
	switch q.Kind {
	case pattern.Repeats:
		return n.repeated(q.Times), nil
	case pattern.Within:
		if !(q.Seconds > 0) {
			return nil, &pattern.Error{Position: q.At, Reason: "WITHIN 0 SECONDS", Remedy: "give a number of seconds above 0"}
		}
		return n.inWindow(int64(min(math.Ceil(q.Seconds*1e6), 1<<60))), nil
	default:
	}
	start, err := micros(q.Start)
	if err == nil {
		var stop int64
		if stop, err = micros(q.Stop); err == nil {
			n.restrict(start, stop)
			return n, nil
		}
	}
	return nil, &pattern.Error{Position: q.At, Reason: err.Error(), Remedy: "correct the timestamp"}
}

// inWindow returns the node within a window. One observation is always near
// itself, even without a time.
func (n *node) inWindow(window int64) *node {
	switch {
	case n.kind == leaf && n.times == 1:
		return n
	case n.kind == any1:
		for i, k := range n.kids {
			n.kids[i] = k.inWindow(window)
		}
		return n
	}
	return &node{kind: within, kids: []*node{n}, window: window}
}

// restrict narrows the spans of all leaves below. Nodes are not shared.
func (n *node) restrict(start, stop int64) {
	for i := range n.parts {
		n.parts[i].start = max(n.parts[i].start, start)
		n.parts[i].stop = min(n.parts[i].stop, stop)
	}
	slices.SortFunc(n.parts, comparePart)
	for _, k := range n.kids {
		k.restrict(start, stop)
	}
}

// repeated returns the node asked for so many times over.
func (n *node) repeated(count int) *node {
	switch {
	case count == 1:
		return n
	case n.kind == leaf || n.kind == repeat:
		n.times = times(n.times, count)
		return n
	case n.kind == all:
		for i, k := range n.kids {
			n.kids[i] = k.repeated(count)
		}
		return n
	}
	return &node{kind: repeat, kids: []*node{n}, times: count}
}

// simple joins the leaves of AND that ask for the same, and single leaves of OR.
func (n *node) simple() *node {
	var kids []*node
	for _, k := range n.kids {
		if n.kind != follow && k.kind == n.kind {
			kids = append(kids, k.kids...)
			continue
		}
		kids = append(kids, k)
	}
	n.kids = kids[:0:0]
	for _, k := range kids {
		i := slices.IndexFunc(n.kids, func(o *node) bool {
			switch {
			case k.kind != leaf || o.kind != leaf:
				return false
			case n.kind == any1:
				return k.times == 1 && o.times == 1
			}
			return n.kind == all && slices.Equal(k.parts, o.parts)
		})
		switch {
		case i < 0:
			n.kids = append(n.kids, k)
		case n.kind == all:
			n.kids[i].times = min(n.kids[i].times+k.times, maxTimes)
		default:
			parts := slices.Concat(n.kids[i].parts, k.parts)
			slices.SortFunc(parts, comparePart)
			n.kids[i].parts = slices.Compact(parts)
		}
	}
	if len(n.kids) == 1 {
		return n.kids[0]
	}
	return n
}
