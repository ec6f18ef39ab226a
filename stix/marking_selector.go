package stix

import "strconv"

// validSelector reports whether sel is a selector: names and list indexes
// separated by dots, beginning with a name.
//
// Source: stix-2.1 §7.2.3.
func validSelector(sel []byte) bool {
	rest, first := sel, true
	for {
		part, more, ok := cutStep(rest)
		if len(part) == 0 {
			return false
		}
		if part[0] == '[' {
			if first || len(part) < 3 || part[len(part)-1] != ']' || !allDigits(part[1:len(part)-1]) {
				return false
			}
		} else if badKey(part) != "" {
			return false
		}
		if !ok {
			return true
		}
		rest, first = more, false
	}
}

// cutStep cuts the first step off a selector.
func cutStep(sel []byte) (step, rest []byte, more bool) {
	for i, ch := range sel {
		if ch == '.' {
			return sel[:i], sel[i+1:], true
		}
	}
	return sel, nil, false
}

// resolve returns the value in x that a selector leads to, or nil.
//
// Source: stix-2.1 §7.2.3.
func resolve(x source, sel []byte) []byte {
	step, rest, more := cutStep(sel)
	v := x.get(string(step))
	for more && v != nil {
		step, rest, more = cutStep(rest)
		if len(step) == 0 || step[0] != '[' {
			v = source{raw: v}.get(string(step))
			continue
		}
		if len(step) < 3 {
			return nil
		}
		n, err := strconv.Atoi(string(step[1 : len(step)-1]))
		if err != nil || n < 0 {
			return nil
		}
		v = nth(v, n)
	}
	return v
}

// nth returns the n-th element of an array, or nil.
func nth(v []byte, n int) []byte {
	c := cursor{b: v}
	for {
		e, ok := c.element()
		if !ok {
			return nil
		}
		if n == 0 {
			return e
		}
		n--
	}
}

// selector examines a selector of a granular marking of x.
//
// Source: stix-2.1 §7.2.3.
func (r *run) selector(x source, sel []byte) {
	if !validSelector(sel) {
		r.must("stix-2.1 §7.2.3", quote(sel)+" is no selector", "write names and list indexes joined by dots, for example external_references.[0].url")
		return
	}
	if resolve(x, sel) == nil {
		r.must("stix-2.1 §7.2.3", quote(sel)+" leads to nothing in the object", "select a property or list item that is there")
	}
}
