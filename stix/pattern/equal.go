package pattern

import (
	"cmp"
	"errors"
	"net/netip"
	"slices"
	"strings"
)

// MaxTerms is how many alternatives [Equivalent] unfolds a pattern into.
const MaxTerms = 1024

// ErrComplex is returned by [Equivalent] when a pattern unfolds into more than
// [MaxTerms] alternatives.
var ErrComplex = errors.New("pattern: too many alternatives to compare; compare smaller patterns")

// Equivalent reports whether two patterns mean the same. It knows that AND and
// OR have no order, that all operators are associative, that OR says nothing
// twice and absorbs what says more, that AND and FOLLOWEDBY distribute over OR,
// that no object is of two types, that an address is a network of one and a
// network has no host bits, and that the names of the Windows registry have no
// case. A false answer may be wrong for patterns that only other rules show to
// be the same; a true one is not.
//
// The error is [ErrComplex].
//
// Source: stix-2.1 §9.5, §9.6.
func Equivalent(a, b *Pattern) (bool, error) {
	x, err := normalExpr(a.Expr)
	if err != nil {
		return false, err
	}
	y, err := normalExpr(b.Expr)
	if err != nil {
		return false, err
	}
	return slices.EqualFunc(x, y, func(s, t *term) bool { return s.key == t.key }), nil
}

// term is one alternative of an expression over observations. Terms with equal
// keys mean the same.
type term struct {
	op    Op // And, FollowedBy, or 0 for what is not taken apart
	parts []*term
	key   string
}

func newTerm(op Op, parts []*term) *term {
	flat := make([]*term, 0, len(parts))
	for _, p := range parts {
		if p.op == op {
			flat = append(flat, p.parts...)
		} else {
			flat = append(flat, p)
		}
	}
	if op == And {
		slices.SortFunc(flat, byKey)
	}
	keys := make([]string, len(flat))
	for i, p := range flat {
		keys[i] = p.key
	}
	return &term{op: op, parts: flat, key: "(" + strings.Join(keys, " "+op.String()+" ") + ")"}
}

func byKey(a, b *term) int { return cmp.Compare(a.key, b.key) }

// implies reports whether t cannot be true without s.
func (t *term) implies(s *term) bool {
	if t.key == s.key || slices.ContainsFunc(t.parts, func(p *term) bool { return p.implies(s) }) {
		return true
	}
	if s.op == 0 || t.op != s.op {
		return false
	}
	// Both are ordered, so s within t is found from the front.
	i := 0
	for _, p := range t.parts {
		if i < len(s.parts) && p.key == s.parts[i].key {
			i++
		}
	}
	return i == len(s.parts)
}

// normalExpr returns the alternatives of an expression in the order of their
// keys, none of which implies another; none at all if it can never match.
func normalExpr(e Expr) ([]*term, error) {
	switch e := e.(type) {
	case *Observation:
		conjs, err := normalCond(e.Cond)
		if err != nil || len(conjs) == 0 {
			return nil, err
		}
		keys := make([]string, len(conjs))
		for i, c := range conjs {
			keys[i] = strings.Join(c.keys, " AND ")
		}
		slices.Sort(keys)
		return []*term{{key: "[" + strings.Join(keys, " OR ") + "]"}}, nil
	case *Qualified:
		inner, err := normalExpr(e.Expr)
		if err != nil || len(inner) == 0 {
			return nil, err
		}
		keys := make([]string, len(inner))
		for i, t := range inner {
			keys[i] = t.key
		}
		return []*term{{key: "(" + strings.Join(keys, " OR ") + ") " + e.By.String()}}, nil
	case *Joined:
		return normalJoined(e)
	}
	return nil, nil
}

func normalJoined(e *Joined) ([]*term, error) {
	var all []*term
	for i, part := range e.Parts {
		next, err := normalExpr(part)
		if err != nil {
			return nil, err
		}
		switch {
		case e.Op == Or || i == 0:
			all = append(all, next...)
		default:
			if len(all)*len(next) > MaxTerms {
				return nil, ErrComplex
			}
			var both []*term
			for _, a := range all {
				for _, b := range next {
					both = append(both, newTerm(e.Op, []*term{a, b}))
				}
			}
			all = both
		}
		if len(all) > MaxTerms {
			return nil, ErrComplex
		}
	}
	slices.SortFunc(all, byKey)
	all = slices.CompactFunc(all, func(a, b *term) bool { return a.key == b.key })
	return slices.DeleteFunc(slices.Clone(all), func(t *term) bool {
		return slices.ContainsFunc(all, func(s *term) bool { return s != t && t.implies(s) })
	}), nil
}

// conj is one alternative of a condition: comparisons that must all hold for an
// object of one type.
type conj struct {
	typ  string
	keys []string // sorted, none twice
}

// within reports whether all that c asks for is asked for by d too.
func (c conj) within(d conj) bool {
	i := 0
	for _, k := range d.keys {
		if i < len(c.keys) && k == c.keys[i] {
			i++
		}
	}
	return i == len(c.keys)
}

// normalCond returns the alternatives of a condition, none of which contains
// another; none at all if no object can fulfil it.
func normalCond(c Cond) ([]conj, error) {
	switch c := c.(type) {
	case *Comparison:
		return []conj{{typ: c.Path.Type, keys: []string{comparisonKey(c)}}}, nil
	case *Both:
		var all []conj
		for i, part := range c.Parts {
			next, err := normalCond(part)
			if err != nil {
				return nil, err
			}
			if c.Op == Or || i == 0 {
				all = append(all, next...)
			} else if all, err = product(all, next); err != nil {
				return nil, err
			}
			if len(all) > MaxTerms {
				return nil, ErrComplex
			}
			all = absorb(all)
		}
		return all, nil
	}
	return nil, nil
}

// product joins every alternative of a with every one of b; what would need an
// object of two types falls away.
func product(a, b []conj) (out []conj, err error) {
	if len(a)*len(b) > MaxTerms {
		return nil, ErrComplex
	}
	for _, x := range a {
		for _, y := range b {
			if x.typ != y.typ {
				continue
			}
			keys := slices.Concat(x.keys, y.keys)
			slices.Sort(keys)
			out = append(out, conj{typ: x.typ, keys: slices.Compact(keys)})
		}
	}
	return out, nil
}

func absorb(all []conj) (out []conj) {
	for i, c := range all {
		covered := false
		for j, d := range all {
			if i != j && d.within(c) && (len(d.keys) < len(c.keys) || j < i) {
				covered = true
				break
			}
		}
		if !covered {
			out = append(out, c)
		}
	}
	return out
}

// comparisonKey is the canonical form of a comparison whose constants are
// written by what they mean.
func comparisonKey(c *Comparison) string {
	d := *c
	d.Values = make([]Constant, len(c.Values))
	for i, v := range c.Values {
		d.Values[i] = meant(c.Path, v)
	}
	if d.Op == In {
		slices.SortFunc(d.Values, func(a, b Constant) int { return cmp.Compare(a.String(), b.String()) })
		d.Values = slices.CompactFunc(d.Values, func(a, b Constant) bool { return a.String() == b.String() })
		if len(d.Values) == 1 {
			d.Op = Equal
		}
	}
	return d.String()
}

// meant returns the plainest constant that means the same at the end of a path.
func meant(path Path, c Constant) Constant {
	switch {
	case c.Kind == Float && c.Float == float64(int64(c.Float)) && c.Float > -1<<53 && c.Float < 1<<53:
		return Constant{Kind: Integer, Int: int64(c.Float)}
	case c.Kind == Binary:
		return Constant{Kind: Hex, Bytes: c.Bytes}
	case c.Kind != String:
		return c
	}
	switch {
	case (path.Type == "ipv4-addr" || path.Type == "ipv6-addr") && len(path.Steps) == 1 && path.Steps[0].Name == "value":
		c.Text = network(c.Text)
	case path.Type == "windows-registry-key" && registryName(path.Steps):
		c.Text = strings.ToLower(c.Text)
	}
	return c
}

// registryName tells the paths to the key and to the names of its values.
func registryName(steps []Step) bool {
	return len(steps) == 1 && steps[0].Name == "key" ||
		len(steps) == 3 && steps[0].Name == "values" && steps[2].Name == "name"
}

// network writes an address or network in one way; other texts stay.
func network(s string) string {
	p, err := netip.ParsePrefix(s)
	if err != nil {
		a, err := netip.ParseAddr(s)
		if err != nil || a.Zone() != "" {
			return s
		}
		return a.String()
	}
	if p = p.Masked(); p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}
