package stix

import (
	"bytes"
	"math"
	"slices"
	"strconv"
)

// Canonical returns the canonical form of one JSON value by RFC 8785: no white
// space, members in the order of their names' UTF-16 code units, numbers as
// ECMAScript writes them, strings with the fewest escapes. Duplicate names, bad
// UTF-8, lone surrogates and numbers beyond a double are refused; integers
// beyond 2^53-1, which canonical form itself writes, are rounded to a double.
//
// Two objects say the same if their canonical forms are equal. The result is
// fresh. The error is an [*Error].
//
// Source: rfc8785 §3.2.
func Canonical(raw []byte) ([]byte, error) {
	lim := Limits{Tokens: math.MaxInt, StringBytes: math.MaxInt, Depth: 1000}
	if len(raw) > maxObjectBytes {
		return nil, tooLarge(int64(len(raw)), Limits{ObjectBytes: maxObjectBytes})
	}
	var names [nameRoom]nameRef
	c := checker{b: raw, lim: lim, bigInts: true}
	if err := c.check(&nameStack{list: names[:]}); err != nil {
		return nil, err
	}
	var w canonicalWriter
	w.dst = make([]byte, 0, len(raw))
	w.value(raw, skipSpace(raw, 0))
	return w.dst, nil
}

// AppendCanonical appends the canonical form of the object; see [Canonical].
func (o *Object) AppendCanonical(dst []byte) []byte {
	w := canonicalWriter{dst: dst}
	w.value(o.raw, skipSpace(o.raw, 0))
	return w.dst
}

// canonicalWriter writes the canonical form of valid JSON in one pass: the
// members of an object as they come, and moves them if they were out of order.
type canonicalWriter struct {
	dst     []byte
	scratch []byte
}

// value writes the value at i of v and returns the index after it.
func (w *canonicalWriter) value(v []byte, i int) int {
	switch v[i] {
	case '{':
		return w.object(v, i)
	case '[':
		w.dst = append(w.dst, '[')
		for i = skipSpace(v, i+1); v[i] != ']'; {
			if v[i] == ',' {
				w.dst = append(w.dst, ',')
				i = skipSpace(v, i+1)
			}
			i = skipSpace(v, w.value(v, i))
		}
		w.dst = append(w.dst, ']')
		return i + 1
	case '"':
		end := skipString(v, i)
		w.str(v[i:end])
		return end
	case 't', 'f', 'n':
		end := skipValue(v, i)
		w.dst = append(w.dst, v[i:end]...)
		return end
	}
	end := skipValue(v, i)
	w.dst = appendNumber(w.dst, v[i:end])
	return end
}

// str writes the string v, quotes included.
func (w *canonicalWriter) str(v []byte) {
	if bytes.IndexByte(v, '\\') < 0 {
		w.dst = append(w.dst, v...)
		return
	}
	text, _ := UnquoteBytes(v)
	w.dst = AppendQuoted(w.dst, text)
}

// segment is one member as it stands in the output.
type segment struct {
	key        uint64 // the first 8 bytes of the name, if it is ASCII
	name, end  uint32 // the inside of the name in the input, quotes excluded
	start, fin int    // the member in the output
}

func (w *canonicalWriter) object(v []byte, i int) int {
	var room [24]segment
	list, sorted := room[:0], true
	w.dst = append(w.dst, '{')
	for i = skipSpace(v, i+1); v[i] != '}'; {
		if v[i] == ',' {
			w.dst = append(w.dst, ',')
			i = skipSpace(v, i+1)
		}
		start, end := len(w.dst), skipString(v, i)
		s := segment{key: nameKey(v[i+1 : end-1]), name: uint32(i + 1), end: uint32(end - 1), start: start}
		w.str(v[i:end])
		w.dst = append(w.dst, ':')
		i = skipSpace(v, skipSpace(v, end)+1)
		i = skipSpace(v, w.value(v, i))
		s.fin = len(w.dst)
		if n := len(list); n > 0 && sorted {
			sorted = compareSegments(v, &list[n-1], &s) < 0
		}
		list = append(list, s)
	}
	if !sorted {
		w.reorder(v, list)
	}
	w.dst = append(w.dst, '}')
	return i + 1
}

// slowKey is the key of a name that has to be compared whole.
const slowKey = 0

// nameKey returns the first 8 bytes of a name of ASCII without escapes, such
// that keys that differ are in the order of the names.
func nameKey(name []byte) uint64 {
	var key uint64
	for i, ch := range name {
		if ch >= 0x80 || ch == '\\' {
			return slowKey
		}
		if i < 8 {
			key |= uint64(ch) << (56 - 8*i)
		}
	}
	return key
}

func compareSegments(v []byte, x, y *segment) int {
	if x.key != y.key && x.key != slowKey && y.key != slowKey {
		if x.key < y.key {
			return -1
		}
		return 1
	}
	xn, yn := v[x.name:x.end], v[y.name:y.end]
	if x.key == slowKey {
		xn = appendUnescaped(nil, xn)
	}
	if y.key == slowKey {
		yn = appendUnescaped(nil, yn)
	}
	return compareUTF16(xn, yn)
}

// reorder puts the members written last in the order of their names.
func (w *canonicalWriter) reorder(v []byte, list []segment) {
	first := list[0].start
	w.scratch = append(w.scratch[:0], w.dst[first:]...)
	if len(list) > manyNames {
		slices.SortFunc(list, func(x, y segment) int { return compareSegments(v, &x, &y) })
	} else {
		for i := 1; i < len(list); i++ {
			s := list[i]
			k := i
			for ; k > 0 && compareSegments(v, &s, &list[k-1]) < 0; k-- {
				list[k] = list[k-1]
			}
			list[k] = s
		}
	}
	w.dst = w.dst[:first]
	for i, s := range list {
		if i > 0 {
			w.dst = append(w.dst, ',')
		}
		w.dst = append(w.dst, w.scratch[s.start-first:s.fin-first]...)
	}
}

// compareUTF16 compares two UTF-8 texts by their UTF-16 code units. That is the
// order of bytes, but for characters beyond U+FFFF, whose surrogates come before
// U+E000 to U+FFFF.
func compareUTF16(a, b []byte) int {
	n := min(len(a), len(b))
	i := 0
	for i < n && a[i] == b[i] {
		i++
	}
	if i == n {
		return len(a) - len(b)
	}
	if a[i] < 0xEE || b[i] < 0xEE {
		return int(a[i]) - int(b[i])
	}
	// Both lead bytes are of U+E000 or more. A lead byte of four-byte form,
	// 0xF0 and above, stands for a surrogate.
	switch aw, bw := a[i] >= 0xF0, b[i] >= 0xF0; {
	case aw == bw:
		return int(a[i]) - int(b[i])
	case aw:
		return -1
	default:
		return 1
	}
}

// AppendQuoted appends text, which must be UTF-8, as a JSON string with the
// fewest escapes, as canonical form has it.
//
// Source: rfc8785 §3.2.2.2.
func AppendQuoted[T []byte | string](dst []byte, text T) []byte {
	const digits = "0123456789abcdef"
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(text); i++ {
		ch := text[i]
		if ch >= 0x20 && ch != '"' && ch != '\\' {
			continue
		}
		dst = append(dst, text[start:i]...)
		start = i + 1
		switch ch {
		case '"', '\\':
			dst = append(dst, '\\', ch)
		case '\b':
			dst = append(dst, '\\', 'b')
		case '\f':
			dst = append(dst, '\\', 'f')
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', digits[ch>>4], digits[ch&15])
		}
	}
	dst = append(dst, text[start:]...)
	return append(dst, '"')
}

// appendNumber appends a number as ECMAScript's Number.prototype.toString
// writes it.
//
// Source: rfc8785 §3.2.2.3; ecma-262 §6.1.6.1.20.
func appendNumber(dst, v []byte) []byte {
	if len(v) <= 15 && !bytes.ContainsAny(v, ".eE") && string(v) != "-0" {
		return append(dst, v...)
	}
	f, err := strconv.ParseFloat(string(v), 64)
	if err != nil {
		return append(dst, v...)
	}
	return appendFloat(dst, f)
}

// appendFloat appends f, which is finite.
func appendFloat(dst []byte, f float64) []byte {
	if f == 0 {
		return append(dst, '0') // negative zero too
	}
	if abs := math.Abs(f); abs >= 1e-6 && abs < 1e21 {
		return strconv.AppendFloat(dst, f, 'f', -1, 64)
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, f, 'e', -1, 64)
	// Go pads the exponent to two digits; ECMAScript does not.
	if e := bytes.IndexByte(dst[start:], 'e') + start; len(dst) == e+4 && dst[e+2] == '0' {
		dst[e+2] = dst[e+3]
		dst = dst[:e+3]
	}
	return dst
}
