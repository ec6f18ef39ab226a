package format

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// encoding is how a text is written.
type encoding uint8

const (
	utf8Plain encoding = iota // UTF-8, or so it is hoped
	utf8BOM                   // UTF-8 with a byte order mark
	utf16LE
	utf16BE
)

// encodingOf tells the encoding by the byte order mark. Without one it is UTF-8
// until a line proves otherwise.
func encodingOf(head []byte) encoding {
	switch {
	case bytes.HasPrefix(head, []byte("\ufeff")):
		return utf8BOM
	case len(head) >= 2 && head[0] == 0xff && head[1] == 0xfe:
		return utf16LE
	case len(head) >= 2 && head[0] == 0xfe && head[1] == 0xff:
		return utf16BE
	}
	return utf8Plain
}

// decodeAll decodes all of b, the mark dropped. Half a unit at the end is
// dropped too; lone surrogates become U+FFFD.
func decodeAll(b []byte, enc encoding) []byte {
	switch enc {
	case utf8Plain:
		return b
	case utf8BOM:
		return b[3:]
	case utf16LE, utf16BE:
	}
	units := make([]uint16, 0, len(b)/2)
	for i := 2; i+1 < len(b); i += 2 {
		if enc == utf16LE {
			units = append(units, uint16(b[i])|uint16(b[i+1])<<8)
		} else {
			units = append(units, uint16(b[i])<<8|uint16(b[i+1]))
		}
	}
	return []byte(string(utf16.Decode(units)))
}

// decoded returns r as UTF-8 without a mark. Bytes that are not UTF-8 come
// through as they are, for the line they stand in to be set aside.
func decoded(r *bufio.Reader) *bufio.Reader {
	head, err := r.Peek(3)
	if err != nil && len(head) < 2 {
		return r
	}
	switch enc := encodingOf(head); enc {
	case utf8BOM:
		discard(r, 3)
	case utf16LE, utf16BE:
		discard(r, 2)
		return bufio.NewReaderSize(&utf16Reader{r: r, little: enc == utf16LE}, headBytes)
	case utf8Plain:
	}
	return r
}

// discard drops bytes that were peeked and so are there.
func discard(r *bufio.Reader, n int) {
	if _, err := r.Discard(n); err != nil {
		panic("format: peeked bytes are gone: " + err.Error())
	}
}

// utf16Reader decodes UTF-16.
type utf16Reader struct {
	r      *bufio.Reader
	little bool
	out    []byte
	high   rune // a high surrogate that waits for its half
	err    error
}

// Read implements io.Reader.
func (u *utf16Reader) Read(p []byte) (int, error) {
	for len(u.out) == 0 {
		if u.err != nil {
			return 0, u.err
		}
		u.more()
	}
	n := copy(p, u.out)
	u.out = u.out[n:]
	return n, nil
}

func (u *utf16Reader) more() {
	var unit [2]byte
	buf := make([]byte, 0, 4096)
	for len(buf) < 4000 {
		if _, err := io.ReadFull(u.r, unit[:]); err != nil {
			if errors.Is(err, io.ErrUnexpectedEOF) {
				// Half a unit: it shows as a bad byte in its line.
				buf, err = append(buf, 0xff), io.EOF
			}
			if u.high != 0 {
				buf, u.high = append(buf, 0xff), 0
			}
			u.err = err
			break
		}
		v := rune(unit[0])<<8 | rune(unit[1])
		if u.little {
			v = rune(unit[1])<<8 | rune(unit[0])
		}
		switch {
		case u.high != 0:
			r := utf16.DecodeRune(u.high, v)
			u.high = 0
			buf = utf8.AppendRune(buf, r)
		case v >= 0xd800 && v < 0xdc00:
			u.high = v
		default:
			buf = utf8.AppendRune(buf, v)
		}
	}
	u.out = buf
}
