package privacy

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"casus/internal/fault"
)

// Bounds of a value that is looked for, in bytes: a shorter one is everywhere.
const (
	MinValueBytes = 3
	MaxValueBytes = 1024
)

// Finder looks for one value in bytes: as UTF-8, Latin-1 and UTF-16, and with the
// escapes of JSON. Case does not matter, but for letters beyond ASCII that are not
// UTF-8. What is packed, encoded or spelt otherwise is not found. The zero value
// finds nothing.
type Finder struct {
	text  []byte   // in lower case
	other [][]byte // other encodings, ASCII bytes in lower case
}

// NewFinder returns a finder of a value. One that is too short, too long or no
// UTF-8 is an Invalid fault.
func NewFinder(value string) (*Finder, error) {
	value = strings.TrimSpace(value)
	if len(value) < MinValueBytes || len(value) > MaxValueBytes || !utf8.ValidString(value) {
		return nil, fault.Errorf(fault.Invalid, "privacy: value: want %d to %d bytes of text", MinValueBytes, MaxValueBytes)
	}
	low := strings.ToLower(value)
	f := &Finder{text: []byte(low)}
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		var b []byte
		for _, u := range utf16.Encode([]rune(low)) {
			b = order.AppendUint16(b, u)
		}
		f.other = append(f.other, lowerASCII(b))
	}
	if b, ok := latin1(low); ok {
		f.other = append(f.other, b)
	}
	return f, nil
}

// latin1 returns s in Latin-1; ok is false when it has other characters, or when
// it is ASCII.
func latin1(s string) (b []byte, ok bool) {
	for _, r := range s {
		if r > 0xff {
			return nil, false
		}
		ok = ok || r >= utf8.RuneSelf
		b = append(b, byte(r))
	}
	return b, ok
}

// Overlap is how many bytes of a piece the next one must be looked at together
// with, so that nothing is missed where bytes come in pieces: every byte may be an
// escape of six.
func (f *Finder) Overlap() int { return 12 * len(f.text) }

// In reports whether b holds the value.
func (f *Finder) In(b []byte) bool {
	if f == nil || f.text == nil {
		return false
	}
	if bytes.Contains(bytes.ToLower(b), f.text) {
		return true
	}
	low := lowerASCII(b)
	for _, n := range f.other {
		if bytes.Contains(low, n) {
			return true
		}
	}
	return bytes.IndexByte(b, '\\') >= 0 && bytes.Contains(bytes.ToLower(unescaped(b)), f.text)
}

// InText reports whether s holds the value.
func (f *Finder) InText(s string) bool { return f.In([]byte(s)) }

func lowerASCII(b []byte) []byte {
	out := bytes.Clone(b)
	for i, c := range out {
		if 'A' <= c && c <= 'Z' {
			out[i] = c + 'a' - 'A'
		}
	}
	return out
}

// unescaped returns b with what looks like an escape of JSON written out.
func unescaped(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] != '\\' || i+1 >= len(b) {
			out = append(out, b[i])
			continue
		}
		i++
		switch c := b[i]; c {
		case '"', '\\', '/':
			out = append(out, c)
		case 'b', 'f', 'n', 'r', 't':
			out = append(out, "\b\f\n\r\t"[strings.IndexByte("bfnrt", c)])
		case 'u':
			r, ok := hex4(b[i+1:])
			if !ok {
				out = append(out, '\\', 'u')
				continue
			}
			i += 4
			if utf16.IsSurrogate(r) && len(b) > i+6 && b[i+1] == '\\' && b[i+2] == 'u' {
				if low, ok := hex4(b[i+3:]); ok {
					if both := utf16.DecodeRune(r, low); both != utf8.RuneError {
						r = both
						i += 6
					}
				}
			}
			out = utf8.AppendRune(out, r)
		default:
			out = append(out, '\\', c)
		}
	}
	return out
}

func hex4(b []byte) (rune, bool) {
	if len(b) < 4 {
		return 0, false
	}
	var r rune
	for _, c := range b[:4] {
		switch {
		case '0' <= c && c <= '9':
			r = r<<4 | rune(c-'0')
		case 'a' <= c && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case 'A' <= c && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return 0, false
		}
	}
	return r, true
}
