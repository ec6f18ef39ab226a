package match

import (
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"net/netip"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"casus/stix/pattern"
)

// comparison is a comparison made ready.
type comparison struct {
	path   pattern.Path
	not    bool
	op     pattern.Operator
	values []constant
	re     *regexp.Regexp // of Matches
	like   []rune         // of Like
	net    netip.Prefix   // of IsSubset and IsSuperset
	weight int            // steps that 64 bytes of text cost
	source *pattern.Comparison
}

// constant is a constant made ready.
type constant struct {
	kind  pattern.Kind
	text  string // of a string
	bytes string // of bytes, and of strings that can be bytes, in Latin-1 as UTF-8
	asBin bool   // bytes holds it
	n     int64
	f     float64
	b     bool
	at    stamp
}

// latin1 returns the text whose code points are the bytes.
//
// Source: stix-2.1 §9.2.
func latin1(b []byte) string {
	var s strings.Builder
	s.Grow(len(b))
	for _, ch := range b {
		s.WriteRune(rune(ch))
	}
	return s.String()
}

// isLatin1 reports whether all code points of s are below U+0100, so that s can
// stand for bytes.
func isLatin1(s string) bool {
	for _, r := range s {
		if r > 0xFF {
			return false
		}
	}
	return true
}

// native is a value in its native form: bytes, kept as the text of the same code
// points, where the property says so.
//
// Source: stix-2.1 §9.6.4.
type native struct {
	*value
	bytes string
	isBin bool
	bad   bool // the property should hold bytes and does not
}

// nativeOf decodes what stands under a property.
func nativeOf(v *value, property string) native {
	n := native{value: v}
	var b []byte
	var err error
	switch {
	case v.kind != text:
		return n
	case strings.HasSuffix(property, "_bin"):
		b, err = base64.StdEncoding.DecodeString(v.s)
	case strings.HasSuffix(property, "_hex"):
		b, err = hex.DecodeString(v.s)
	default:
		return n
	}
	if err != nil {
		n.bad = true
		return n
	}
	n.isBin, n.bytes = true, latin1(b)
	return n
}

// test reports whether one value fulfils the comparison, NOT left aside.
//
// Source: stix-2.1 §9.6.1.
func (c *comparison) test(v *value, property string, r *run) bool {
	n := nativeOf(v, property)
	if v.kind == text {
		r.spend(1 + len(v.s)/64*c.weight)
	}
	switch c.op {
	case pattern.Exists:
		return true
	case pattern.In:
		for i := range c.values {
			if order, ok := n.compare(&c.values[i], r); ok && order == 0 {
				return true
			}
		}
		return false
	case pattern.Like, pattern.Matches:
		return c.testText(n)
	case pattern.IsSubset, pattern.IsSuperset:
		return c.testNet(n)
	default:
	}
	order, ok := n.compare(&c.values[0], r)
	switch c.op {
	case pattern.Equal:
		return ok && order == 0
	case pattern.NotEqual:
		return !ok || order != 0
	default:
	}
	if !ok || c.values[0].kind == pattern.Boolean {
		return false
	}
	switch c.op {
	case pattern.Less:
		return order < 0
	case pattern.LessOrEqual:
		return order <= 0
	case pattern.Greater:
		return order > 0
	default:
		return order >= 0
	}
}

// compare orders the value and a constant; it reports false for types that
// cannot be compared. Code points and bytes are ordered as UTF-8 is.
//
// Source: stix-2.1 §9.2, §9.6.2, §9.6.3.
func (n native) compare(c *constant, r *run) (order int, ok bool) {
	switch n.kind {
	case boolean:
		if c.kind != pattern.Boolean {
			return 0, false
		}
		if n.b == c.b {
			return 0, true
		}
		return 1, true
	case integer, float:
		switch {
		case n.kind == integer && c.kind == pattern.Integer:
			return cmp.Compare(n.n, c.n), true
		case c.kind == pattern.Integer || c.kind == pattern.Float:
			return cmp.Compare(n.f, c.f), true
		}
	case text:
		return n.compareText(c, r)
	default:
	}
	return 0, false
}

func (n native) compareText(c *constant, r *run) (order int, ok bool) {
	switch {
	case n.bad:
		return 0, false
	case n.isBin:
		return strings.Compare(n.bytes, c.bytes), c.asBin
	case c.kind == pattern.String:
		return strings.Compare(n.s, c.text), true
	case c.kind == pattern.Hex || c.kind == pattern.Binary:
		return strings.Compare(n.s, c.bytes), isLatin1(n.s)
	case c.kind == pattern.Timestamp:
		at, ok := stampOf(n.s)
		if !ok {
			r.note("a timestamp is compared with " + quote(n.s) + ", which is none")
			return 0, false
		}
		return at.compare(c.at), true
	}
	return 0, false
}

// quote shows the beginning of a text.
func quote(s string) string {
	const most = 40
	if utf8.RuneCountInString(s) > most {
		s = string([]rune(s[:min(len(s), 4*most)])[:most]) + "…"
	}
	return "'" + s + "'"
}

// testText tests LIKE and MATCHES: text in normal form C, bytes as they are.
//
// Source: stix-2.1 §9.6.1, §9.6.2.
func (c *comparison) testText(n native) bool {
	s := n.bytes
	switch {
	case n.kind != text || n.bad:
		return false
	case !n.isBin:
		s = norm.NFC.String(n.s)
	}
	if c.op == pattern.Matches {
		return c.re.MatchString(s)
	}
	return likes(s, c.like)
}

// likes matches a text against a pattern of LIKE: % stands for any number of
// characters, _ for one. It goes back to the last % only, so it takes time in
// proportion to the product of both lengths at worst.
func likes(s string, like []rune) bool {
	i, back, from := 0, -1, 0
	for pos := 0; pos < len(s); {
		r, n := utf8.DecodeRuneInString(s[pos:])
		switch {
		case i < len(like) && like[i] == '%':
			back, from = i, pos
			i++
			continue
		case i < len(like) && (like[i] == '_' || like[i] == r):
			i, pos = i+1, pos+n
			continue
		case back < 0:
			return false
		}
		_, n = utf8.DecodeRuneInString(s[from:])
		from += n
		i, pos = back+1, from
	}
	for i < len(like) && like[i] == '%' {
		i++
	}
	return i == len(like)
}

// testNet tests ISSUBSET and ISSUPERSET.
func (c *comparison) testNet(n native) bool {
	if n.kind != text || n.isBin {
		return false
	}
	p, ok := netOf(n.s)
	if !ok {
		return false
	}
	if c.op == pattern.IsSubset {
		return c.net.Bits() <= p.Bits() && c.net.Contains(p.Addr())
	}
	return p.Bits() <= c.net.Bits() && p.Contains(c.net.Addr())
}

// netOf reads an address or a network; an address is a network of one.
//
// Source: stix-2.1 §6.8, §6.9.
func netOf(s string) (netip.Prefix, bool) {
	if strings.IndexByte(s, '/') >= 0 {
		p, err := netip.ParsePrefix(s)
		return p.Masked(), err == nil
	}
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(a, a.BitLen()), true
}

// holds reports whether an object fulfils the comparison. If the path leads
// nowhere it does not, whatever the operator.
//
// Source: stix-2.1 §9.6, §9.7.
func (c *comparison) holds(o *Observation, root *object, r *run) bool {
	if root.typ != c.path.Type {
		return false
	}
	w := walk{o: o, run: r, c: c}
	w.from(&root.value, "", c.path.Steps)
	return w.found && w.fulfilled != c.not
}

// walk follows a path.
type walk struct {
	o   *Observation
	run *run
	c   *comparison
	// visit, when set, is called with each value that the path leads to, in
	// place of the comparison.
	visit            func(v *value, property string)
	found, fulfilled bool
}

// from goes on from a value that stands under a property.
func (w *walk) from(v *value, property string, steps []pattern.Step) {
	w.run.spend(1)
	if w.fulfilled || w.run.err != nil {
		return
	}
	if len(steps) == 0 {
		w.found = true
		if w.visit != nil {
			w.visit(v, property)
		} else {
			w.fulfilled = w.c.test(v, property, w.run)
		}
		return
	}
	switch step := steps[0]; step.Kind {
	case pattern.Name:
		if v.kind == text && isRef(property) {
			to := w.o.find(v.s)
			if to == nil {
				return
			}
			v = &to.value
		}
		if m := v.member(step.Name); m != nil {
			w.from(m, step.Name, steps[1:])
		}
	case pattern.Index:
		if v.kind == list && step.Index >= 0 && step.Index < len(v.items) {
			w.from(&v.items[step.Index], property, steps[1:])
		}
	case pattern.Every:
		for i := range v.items {
			w.from(&v.items[i], property, steps[1:])
		}
	}
}

// isRef tells the names of properties that hold ids of other objects.
func isRef(name string) bool {
	return strings.HasSuffix(name, "_ref") || strings.HasSuffix(name, "_refs")
}
