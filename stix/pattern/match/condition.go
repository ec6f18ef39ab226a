package match

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"casus/stix/pattern"
)

// MaxRegexpBytes is how long the regular expression of MATCHES may be.
const MaxRegexpBytes = 8 << 10

// ErrBudget is wrapped by the error of a match that used up its steps. Such a
// match has no answer.
var ErrBudget = errors.New("match: the budget of steps is used up; allow more steps, hold the pattern against fewer observations, or write a simpler pattern")

// maxNotes is how many notes a result carries.
const maxNotes = 8

// run is the work of one match.
type run struct {
	left  int // steps that may still be taken
	err   error
	notes []string
}

// spend takes steps from the budget. Callers stop when run.err is set.
func (r *run) spend(steps int) {
	if r.left -= steps; r.left < 0 && r.err == nil {
		r.err = ErrBudget
	}
}

func (r *run) note(s string) {
	if len(r.notes) < maxNotes && !slices.Contains(r.notes, s) {
		r.notes = append(r.notes, s)
	}
}

// condition is the condition of one observation expression, made ready.
type condition struct {
	*comparison // a leaf, or nil
	op          pattern.Op
	parts       []*condition
}

// holdsOn reports whether some object with which a match may begin fulfils the
// condition.
func (c *condition) holdsOn(o *Observation, r *run) bool {
	for i := range o.roots {
		if c.holdsFor(o, &o.objects[i], r) {
			return true
		}
	}
	return false
}

func (c *condition) holdsFor(o *Observation, root *object, r *run) bool {
	if c.comparison != nil {
		return c.comparison.holds(o, root, r)
	}
	for _, part := range c.parts {
		if r.err != nil {
			return false
		}
		if part.holdsFor(o, root, r) == (c.op == pattern.Or) {
			return c.op == pattern.Or
		}
	}
	return c.op == pattern.And
}

func newCondition(c pattern.Cond) (*condition, error) {
	switch c := c.(type) {
	case *pattern.Comparison:
		cmp, err := newComparison(c)
		if err != nil {
			return nil, err
		}
		return &condition{comparison: cmp}, nil
	case *pattern.Both:
		out := &condition{op: c.Op}
		for _, part := range c.Parts {
			p, err := newCondition(part)
			if err != nil {
				return nil, err
			}
			out.parts = append(out.parts, p)
		}
		return out, nil
	}
	return nil, errors.New("match: a pattern without a condition")
}

// refuse makes the error about a comparison that the grammar lets pass.
func refuse(c *pattern.Comparison, reason, remedy string) error {
	return &pattern.Error{Position: c.At, Reason: reason, Remedy: remedy}
}

func newComparison(c *pattern.Comparison) (*comparison, error) {
	out := &comparison{path: c.Path, not: c.Not, op: c.Op, weight: 1, source: c}
	for _, v := range c.Values {
		k, ok := newConstant(v)
		if !ok {
			return nil, refuse(c, v.String()+" is a day that no calendar has", "correct the timestamp")
		}
		if c.Op == pattern.In && family(k.kind) != family(c.Values[0].Kind) {
			return nil, refuse(c, "the constants of IN are of several types", "make them of one type, or join several comparisons with OR")
		}
		out.values = append(out.values, k)
	}
	switch c.Op {
	case pattern.Like:
		out.like = []rune(norm.NFC.String(c.Values[0].Text))
		out.weight += len(out.like)
	case pattern.Matches:
		re, err := newRegexp(c)
		if err != nil {
			return nil, err
		}
		out.re = re
		out.weight += len(c.Values[0].Text)
	case pattern.IsSubset, pattern.IsSuperset:
		p, ok := netOf(c.Values[0].Text)
		if !ok {
			return nil, refuse(c, fmt.Sprintf("%s %.60q is no address and no network", c.Op, c.Values[0].Text), "write it as 198.51.100.0/24 or 2001:db8::/32")
		}
		out.net = p
	default:
	}
	return out, nil
}

func newConstant(c pattern.Constant) (k constant, ok bool) {
	k = constant{kind: c.Kind, text: c.Text, n: c.Int, f: c.Float, b: c.Bool}
	switch c.Kind {
	case pattern.Integer:
		k.f = float64(c.Int)
	case pattern.String:
		k.asBin = isLatin1(c.Text)
		k.bytes = c.Text
	case pattern.Hex, pattern.Binary:
		k.asBin = true
		k.bytes = latin1(c.Bytes)
	case pattern.Timestamp:
		k.at, ok = stampOf(c.Text)
		return k, ok
	default:
	}
	return k, true
}

// family groups the types of constants that one IN may hold.
func family(k pattern.Kind) pattern.Kind {
	switch k {
	case pattern.Float:
		return pattern.Integer
	case pattern.Binary:
		return pattern.Hex
	default:
		return k
	}
}

// newRegexp reads the regular expression of MATCHES: it is searched for, and its
// point also means line feeds. What takes more than linear time is refused.
//
// Source: stix-2.1 §9.6.1.
func newRegexp(c *pattern.Comparison) (*regexp.Regexp, error) {
	const engine = "MATCHES takes regular expressions that need no going back"
	s := norm.NFC.String(c.Values[0].Text)
	if len(s) > MaxRegexpBytes {
		return nil, refuse(c, fmt.Sprintf("a regular expression of %d bytes, want at most %d", len(s), MaxRegexpBytes), "cut it into several comparisons joined by OR")
	}
	if what := unsupported(s); what != "" {
		return nil, refuse(c, what+" in a regular expression: "+engine, "write the expression without it")
	}
	re, err := regexp.Compile("(?s)" + s)
	if err != nil {
		reason := err.Error()
		if e, ok := errors.AsType[*syntax.Error](err); ok {
			reason = e.Code.String() + ": " + e.Expr
		}
		return nil, refuse(c, fmt.Sprintf("%.200s in a regular expression", reason), engine+" (RE2); correct or rewrite it")
	}
	return re, nil
}

// unsupported names the first thing in a regular expression that RE2 leaves out
// because it would need going back, "" if there is none.
func unsupported(s string) string {
	class := false
	for i := 0; i < len(s); i++ {
		rest := s[i:]
		switch {
		case s[i] == '\\' && i+1 < len(s):
			next := s[i+1]
			if !class && (next >= '1' && next <= '9' || next == 'k' || next == 'g') {
				return "a back-reference (" + rest[:2] + ")"
			}
			i++
		case class:
			class = s[i] != ']'
		case s[i] == '[':
			class = true
			if i+1 < len(s) && s[i+1] == '^' {
				i++
			}
			if i+1 < len(s) && s[i+1] == ']' {
				i++ // a bracket that comes first is itself
			}
		default:
			for _, look := range []string{"(?=", "(?!", "(?<=", "(?<!"} {
				if strings.HasPrefix(rest, look) {
					return "look-around (" + look + "…)"
				}
			}
			if strings.HasPrefix(rest, "(?>") || strings.HasPrefix(rest, "(?(") {
				return "an atomic or conditional group (" + rest[:3] + "…)"
			}
		}
	}
	return ""
}
