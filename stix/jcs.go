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
	return appendCanonical(make([]byte, 0, len(raw)), raw[skipSpace(raw, 0):]), nil
}

// appendCanonical appends the canonical form of the value at the beginning of
// v, which is valid.
func appendCanonical(dst, v []byte) []byte {
	switch Kind(v) {
	case '{':
		return appendCanonicalObject(dst, v)
	case '[':
		dst = append(dst, '[')
		Each(v, func(e []byte) bool {
			if dst[len(dst)-1] != '[' {
				dst = append(dst, ',')
			}
			dst = appendCanonical(dst, e)
			return true
		})
		return append(dst, ']')
	case '"':
		v = v[:skipString(v, 0)]
		if !slices.Contains(v, '\\') {
			return append(dst, v...)
		}
		text, _ := UnquoteBytes(v)
		return AppendQuoted(dst, text)
	case '0':
		return appendNumber(dst, v[:skipValue(v, 0)])
	}
	return append(dst, v[:skipValue(v, 0)]...)
}

type canonicalMember struct{ name, value []byte }

func appendCanonicalObject(dst, v []byte) []byte {
	var buf [24]canonicalMember
	list := buf[:0]
	EachMember(v, func(name, value []byte) bool {
		list = append(list, canonicalMember{name, value})
		return true
	})
	slices.SortFunc(list, func(x, y canonicalMember) int { return compareUTF16(x.name, y.name) })
	dst = append(dst, '{')
	for i, m := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendQuoted(dst, m.name)
		dst = append(dst, ':')
		dst = appendCanonical(dst, m.value)
	}
	return append(dst, '}')
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
	const hexDigits = "0123456789abcdef"
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
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[ch>>4], hexDigits[ch&15])
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
