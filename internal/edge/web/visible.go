package web

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// keptAttributes are those that hold what is sent back or copied, not what is
// read: an attribute's name with what comes before its value.
var keptAttributes = [...]string{` value="`, ` data-copy="`, ` href="`, ` action="`}

// visible writes out every character of a drawn page that would change how the
// text around it reads without being seen itself: control characters, those
// that turn the direction of writing, and those without width. A name can then
// neither end in another one's letters nor hide a part of itself. What is sent
// back or copied stays as it is.
//
// It relies on what html/template writes: text and attributes hold no angle
// brackets, and every attribute stands in double quotes.
func visible(page []byte) []byte {
	if !bytes.ContainsFunc(page, func(r rune) bool { return hidden(r) || joins(r) }) {
		return page
	}
	var b bytes.Buffer
	b.Grow(len(page) + 256)
	tag := -1 // where in page the tag began, while in one
	kept, before := false, rune(0)
	for i := 0; i < len(page); {
		r, n := utf8.DecodeRune(page[i:])
		switch {
		case r == '<':
			tag = i
		case r == '>':
			tag, kept = -1, false
		case r == '"' && tag >= 0:
			kept = !kept && holds(page[tag:i+1])
		}
		if !kept && (hidden(r) || joins(r) && before < unicode.MaxLatin1) {
			fmt.Fprintf(&b, "[U+%04X]", r)
			before = ']'
		} else {
			b.Write(page[i : i+n])
			before = r
		}
		i += n
	}
	return b.Bytes()
}

// visibleText is visible for text that is in no page.
func visibleText(s string) string {
	var b strings.Builder
	before := rune(0)
	for _, r := range s {
		if hidden(r) || joins(r) && before < unicode.MaxLatin1 {
			fmt.Fprintf(&b, "[U+%04X]", r)
			before = ']'
			continue
		}
		b.WriteRune(r)
		before = r
	}
	return b.String()
}

// holds says whether a tag written so far ends in the quote before a value
// that is kept.
func holds(tag []byte) bool {
	for _, name := range keptAttributes {
		if bytes.HasSuffix(tag, []byte(name)) {
			return true
		}
	}
	return false
}

// hidden says whether r is written out: a control but for white space, one
// that turns the direction, or one without width.
func hidden(r rune) bool {
	switch {
	case r == '\t', r == '\n', r == '\r':
		return false
	case r < 0x20, r >= 0x7f && r < 0xa0:
		return true
	case r < 0xad:
		return false
	}
	switch r {
	case 0xad, 0x34f, 0x61c, 0x115f, 0x1160, 0x17b4, 0x17b5, 0x180e, 0x200b, 0x200e, 0x200f, 0x2028, 0x2029, 0x3164, 0xfeff, 0xffa0:
		return true
	}
	return r >= 0x202a && r <= 0x202e || r >= 0x2060 && r <= 0x206f || r >= 0xfff9 && r <= 0xfffb || r >= 0xe0000 && r <= 0xe0fff
}

// joins says whether r joins or parts letters. Some scripts need that; in Latin
// text it can only hide.
func joins(r rune) bool { return r == 0x200c || r == 0x200d }

// withoutControls is v as it is given to the clipboard: a line that ends or an
// escape in it could run in a terminal it is pasted into.
func withoutControls(v string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, v)
}
