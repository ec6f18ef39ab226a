package match

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"casus/stix/pattern"
)

// Index holds many patterns by the values that they ask for. Its zero value is
// empty and ready. Patterns may be added and removed at any time; one that
// changes it must be alone, those that only match may be many.
//
// A condition is filed under values of which an object must have one: those of
// an = or IN, or the network of an ISSUBSET; of an AND under the operand with the
// fewest, of an OR under those of all. A condition that asks for no such value is
// held against every object of its type.
type Index struct {
	patterns map[string]*indexed
	types    map[string]*typeIndex
}

// indexed is one pattern of an index.
type indexed struct {
	id      string
	matcher *Matcher
	single  bool // one observation that fulfils a condition fulfils the pattern
	filed   []filing
}

// filing says under what a condition was filed.
type filing struct {
	key  key
	cond *filed
}

// filed is a condition of a pattern.
type filed struct {
	owner *indexed
	cond  *condition
	sure  bool // whatever has the value fulfils the condition
}

// typeIndex is the index of objects of one type.
type typeIndex struct {
	paths []*pathIndex
	rest  []*filed // held against every object
}

// pathIndex holds conditions by the value at a path.
type pathIndex struct {
	path    pattern.Path
	text    string // canonical form of the path
	texts   map[string][]*filed
	numbers map[float64][]*filed
	stamps  map[stamp][]*filed
	nets    map[netip.Prefix][]*filed
	bits    map[int]int // how many nets have a prefix so long; above 32 of IPv6 by 1000 more
}

// key is where a condition is filed. Without path it is a type alone.
type key struct {
	typ    string
	path   *pattern.Path
	kind   keyKind
	text   string
	number float64
	at     stamp
	net    netip.Prefix
	sure   bool
}

type keyKind uint8

const (
	keyText keyKind = iota
	keyNumber
	keyStamp
	keyNet
)

// Add puts a pattern into the index under an id, in place of one that has the id.
func (x *Index) Add(id string, m *Matcher) {
	x.Remove(id)
	if x.patterns == nil {
		x.patterns = make(map[string]*indexed)
		x.types = make(map[string]*typeIndex)
	}
	p := &indexed{id: id, matcher: m, single: m.root.single()}
	x.patterns[id] = p
	for _, c := range m.conds {
		for _, k := range plain(c.keys()) {
			f := &filed{owner: p, cond: c, sure: k.sure}
			p.filed = append(p.filed, filing{k, f})
			x.file(k, f)
		}
	}
}

// Remove takes the pattern with an id out of the index, and reports whether
// there was one.
func (x *Index) Remove(id string) bool {
	p, ok := x.patterns[id]
	if !ok {
		return false
	}
	delete(x.patterns, id)
	for _, f := range p.filed {
		x.unfile(f.key, f.cond)
	}
	return true
}

// Len returns how many patterns the index holds.
func (x *Index) Len() int { return len(x.patterns) }

// Matcher returns the pattern with an id, nil if there is none.
func (x *Index) Matcher(id string) *Matcher {
	if p := x.patterns[id]; p != nil {
		return p.matcher
	}
	return nil
}

// Hit says that an observation fulfils a condition of a pattern.
type Hit struct {
	// ID is that of the pattern.
	ID string
	// Complete says that the observation fulfils the whole pattern alone. If not,
	// others may do so with it: hold the matcher against all of them.
	Complete bool
}

// Match returns the patterns of which the observation fulfils at least one
// condition, in the order of their ids. Steps is the budget, [DefaultSteps] if it
// is 0; the error wraps [ErrBudget].
func (x *Index) Match(o *Observation, steps int) ([]Hit, error) {
	if steps == 0 {
		steps = DefaultSteps
	}
	f := finder{index: x, o: o, run: run{left: steps}}
	for i := range o.roots {
		if t := x.types[o.objects[i].typ]; t != nil {
			f.root(t, &o.objects[i])
		}
	}
	slices.SortFunc(f.found, func(a, b *indexed) int { return cmp.Compare(a.id, b.id) })
	var hits []Hit
	for i, p := range f.found {
		if i > 0 && f.found[i-1] == p {
			continue
		}
		hit := Hit{ID: p.id, Complete: p.single}
		if !hit.Complete && f.run.err == nil {
			r, err := p.matcher.Match([]*Observation{o}, max(f.run.left, 1))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", p.id, err)
			}
			hit.Complete = r.Matched
		}
		hits = append(hits, hit)
	}
	return hits, f.run.err
}

// finder is the work of one observation.
type finder struct {
	index *Index
	o     *Observation
	run   run
	found []*indexed
}

func (f *finder) root(t *typeIndex, root *object) {
	for _, p := range t.paths {
		w := walk{o: f.o, run: &f.run, visit: func(v *value, property string) { f.value(p, root, v, property) }}
		w.from(&root.value, "", p.path.Steps)
	}
	f.try(t.rest, root)
}

// value looks up the conditions that ask for a value.
func (f *finder) value(p *pathIndex, root *object, v *value, property string) {
	switch v.kind {
	case integer, float:
		f.try(p.numbers[v.f], root)
	case text:
		n := nativeOf(v, property)
		switch {
		case n.bad:
			return
		case n.isBin:
			f.try(p.texts[n.bytes], root)
			return
		}
		f.try(p.texts[v.s], root)
		if len(p.stamps) > 0 {
			if at, ok := stampOf(v.s); ok {
				f.try(p.stamps[at], root)
			}
		}
		if len(p.nets) > 0 {
			f.nets(p, root, v.s)
		}
	default:
	}
}

func (f *finder) nets(p *pathIndex, root *object, s string) {
	net, ok := netOf(s)
	if !ok {
		return
	}
	for bits := net.Bits(); bits >= 0; bits-- {
		if p.bits[bitsKey(net.Addr(), bits)] == 0 {
			continue
		}
		if wider, err := net.Addr().Prefix(bits); err == nil {
			f.try(p.nets[wider], root)
		}
	}
}

func bitsKey(a netip.Addr, bits int) int {
	if a.Is4() {
		return bits
	}
	return 1000 + bits
}

// try holds conditions against an object.
func (f *finder) try(list []*filed, root *object) {
	for _, c := range list {
		if f.run.spend(1); f.run.err != nil {
			return
		}
		if c.sure || c.cond.holdsFor(f.o, root, &f.run) {
			f.found = append(f.found, c.owner)
		}
	}
}

// single reports whether one observation that fulfils a condition of the tree
// always fulfils the tree.
func (n *node) single() bool {
	switch n.kind {
	case leaf:
		return n.times == 1 && !slices.ContainsFunc(n.parts, func(p part) bool { return p != always(p.cond) })
	case any1:
		return !slices.ContainsFunc(n.kids, func(k *node) bool { return !k.single() })
	default:
		return false
	}
}

// keys returns what the condition is filed under.
func (c *condition) keys() []key {
	if c.comparison != nil {
		return c.comparison.keys()
	}
	var best []key
	for i, part := range c.parts {
		keys := part.keys()
		switch {
		case c.op == pattern.Or:
			best = append(best, keys...)
		case i == 0 || weightOf(keys) < weightOf(best):
			best = keys
		}
	}
	for i := range best {
		best[i].sure = best[i].sure && c.op == pattern.Or
	}
	return best
}

// plain leaves out keys that others make needless: those of a type all of whose
// objects the condition is held against.
func plain(keys []key) []key {
	types := make(map[string]bool)
	return slices.DeleteFunc(slices.SortedFunc(slices.Values(keys), func(a, b key) int {
		return cmp.Compare(weightOf([]key{b}), weightOf([]key{a}))
	}), func(k key) bool {
		needless := types[k.typ]
		types[k.typ] = needless || k.path == nil
		return needless
	})
}

// weightOf tells how much a list of keys lets through: types most, networks
// more than values.
func weightOf(keys []key) (sum int) {
	for _, k := range keys {
		switch {
		case k.path == nil:
			sum += 1_000_000
		case k.kind == keyNet:
			sum += 100
		case k.kind == keyNumber:
			sum += 10
		default:
			sum++
		}
	}
	return sum
}

func (c *comparison) keys() []key {
	every := []key{{typ: c.path.Type}}
	switch {
	case c.not:
		return every
	case c.op == pattern.IsSubset:
		return []key{{typ: c.path.Type, path: &c.path, kind: keyNet, net: c.net, sure: true}}
	case c.op != pattern.Equal && c.op != pattern.In:
		return every
	}
	var keys []key
	for _, v := range c.values {
		k := key{typ: c.path.Type, path: &c.path, sure: true}
		switch v.kind {
		case pattern.Boolean:
			return every
		case pattern.Integer, pattern.Float:
			// Two integers may be one double.
			k.kind, k.number, k.sure = keyNumber, v.f, false
		case pattern.Timestamp:
			k.kind, k.at = keyStamp, v.at
		case pattern.String:
			k.text = v.text
		default:
			k.text = v.bytes
		}
		keys = append(keys, k)
	}
	return keys
}

func (x *Index) file(k key, f *filed) {
	t := x.types[k.typ]
	if t == nil {
		t = &typeIndex{}
		x.types[k.typ] = t
	}
	if k.path == nil {
		t.rest = append(t.rest, f)
		return
	}
	p := t.at(k.path)
	if p == nil {
		p = &pathIndex{
			path: *k.path, text: k.path.String(), texts: make(map[string][]*filed), numbers: make(map[float64][]*filed),
			stamps: make(map[stamp][]*filed), nets: make(map[netip.Prefix][]*filed), bits: make(map[int]int),
		}
		t.paths = append(t.paths, p)
	}
	switch k.kind {
	case keyText:
		p.texts[k.text] = append(p.texts[k.text], f)
	case keyNumber:
		p.numbers[k.number] = append(p.numbers[k.number], f)
	case keyStamp:
		p.stamps[k.at] = append(p.stamps[k.at], f)
	case keyNet:
		p.nets[k.net] = append(p.nets[k.net], f)
		p.bits[bitsKey(k.net.Addr(), k.net.Bits())]++
	}
}

// at returns the index of a path, nil if there is none.
func (t *typeIndex) at(path *pattern.Path) *pathIndex {
	text := path.String()
	for _, p := range t.paths {
		if p.text == text {
			return p
		}
	}
	return nil
}

func (x *Index) unfile(k key, f *filed) {
	t := x.types[k.typ]
	if k.path == nil {
		t.rest = without(t.rest, f)
	} else {
		p := t.at(k.path)
		switch k.kind {
		case keyText:
			drop(p.texts, k.text, f)
		case keyNumber:
			drop(p.numbers, k.number, f)
		case keyStamp:
			drop(p.stamps, k.at, f)
		case keyNet:
			drop(p.nets, k.net, f)
			p.bits[bitsKey(k.net.Addr(), k.net.Bits())]--
		}
		if len(p.texts)+len(p.numbers)+len(p.stamps)+len(p.nets) == 0 {
			t.paths = slices.DeleteFunc(t.paths, func(q *pathIndex) bool { return q == p })
		}
	}
	if len(t.paths)+len(t.rest) == 0 {
		delete(x.types, k.typ)
	}
}

func without(list []*filed, f *filed) []*filed {
	return slices.DeleteFunc(list, func(g *filed) bool { return g == f })
}

func drop[K comparable](m map[K][]*filed, k K, f *filed) {
	if m[k] = without(m[k], f); len(m[k]) == 0 {
		delete(m, k)
	}
}
