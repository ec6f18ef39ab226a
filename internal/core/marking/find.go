package marking

import (
	"bytes"
	"html"

	"casus/internal/fault"
	"casus/stix"
)

// UnknownLevel is the classification of a label that no ladder knows, or that
// cannot be read. Nobody is cleared for it, and no ceiling admits it.
const UnknownLevel = noLevel

// labelReach is how far from where its namespace is named a label may end.
const labelReach = 2 * maxLabelBytes

// LabelWindowBytes is how much of a text must be there before and after a place
// for [FindLabel] to see a label there whole.
const LabelWindowBytes = labelReach

// labelMiddle is what is looked for: a part of the namespace whose letters are
// rarer than those that it begins with, at labelMiddleAt.
const (
	labelMiddle   = ":4774:"
	labelMiddleAt = len("urn:nato:stanag")
)

// FindLabel finds the first confidentiality label that stands in text, whatever is
// around it: as XML, or as XML within a text of JSON or HTML. at is where its
// namespace is named, -1 when there is none, and end is behind the label. A label
// that cannot be read is an Invalid fault. A text that only mentions the namespace
// holds no label.
//
// Source: stanag-4774 appendix 1.
func FindLabel(text []byte) (l *Label, at, end int, err error) {
	for from := 0; ; {
		i := bytes.Index(text[from:], []byte(labelMiddle))
		if i < 0 {
			return nil, -1, len(text), nil
		}
		at = from + i - labelMiddleAt
		from += i + len(labelMiddle)
		if at < 0 || !bytes.HasPrefix(text[at:], []byte(labelSpace)) {
			continue
		}
		start := tagStart(text[:at])
		region := text[start:min(len(text), at+labelReach)]
		if !bytes.Contains(region, []byte("ConfidentialityLabel")) {
			continue
		}
		xml := unescaped(region)
		name, _, _ := bytes.Cut(bytes.TrimPrefix(xml, []byte("<")), []byte(" "))
		closing := append([]byte("</"), name...)
		closes := bytes.Index(xml, append(closing, '>'))
		ends := bytes.Index(text[at:], closing[1:])
		if closes < 0 || ends < 0 {
			return nil, at, at + len(labelSpace), fault.Errorf(fault.Invalid, "marking: label: it does not end")
		}
		end = at + ends + len(closing) - 1
		l, err = ParseLabel(xml[:closes+len(closing)+1])
		return l, at, end, err
	}
}

// maxTagBytes is how far in a tag the namespace may be named.
const maxTagBytes = 2048

// tagStart returns where the last tag of text begins, or how far back it was
// looked for.
func tagStart(text []byte) int {
	from := max(0, len(text)-maxTagBytes)
	text = text[from:]
	at := 0
	for _, open := range []string{"<", `\u003c`, `\u003C`, "&lt;"} {
		at = max(at, bytes.LastIndex(text, []byte(open)))
	}
	return from + at
}

// unescaped returns text as XML, when it is part of a text of HTML or JSON.
func unescaped(text []byte) []byte {
	if bytes.HasPrefix(text, []byte("&lt;")) {
		return []byte(html.UnescapeString(string(text)))
	}
	before, _, _ := bytes.Cut(text, []byte(labelSpace))
	if !bytes.HasSuffix(before, []byte(`\"`)) && !bytes.HasPrefix(text, []byte(`\u003`)) {
		return text
	}
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			text = text[:i]
		}
	}
	plain, ok := stix.Unquote([]byte(`"` + string(text) + `"`))
	if !ok {
		return text
	}
	return []byte(plain)
}

// Knows reports whether a ladder has the level.
func (ls *Ladders) Knows(l Level) bool {
	o := ls.ladder(l.Ladder())
	return o != nil && o.rank(l.Name()) >= 0
}
