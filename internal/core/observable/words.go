package observable

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"casus/stix"
)

const (
	// MaxWordsBytes is how much of one text [Words] reads.
	MaxWordsBytes = 64 << 10

	// MinWordBytes is the length of the shortest word.
	MinWordBytes = 2
	// MaxWordBytes is the length of the longest word; a longer one is cut, so
	// that it is still found by its beginning.
	MaxWordBytes = 64
)

// Words yields the words of a text for a search by words: NFKC, case folded,
// parted at whatever is neither letter nor digit nor mark. Full stops,
// hyphens, apostrophes and underscores part words too, unlike in UAX 29, so
// that "APT-29" and "evil.example" are found by their parts. Han, Hiragana
// and Katakana, which are written without blanks, give every pair of
// neighbouring characters, and a lone character itself; other scripts without
// blanks are taken run by run. A word is yielded as often as it stands there.
//
// It reads at most [MaxWordsBytes] of text. A word must not be kept. ASCII is
// parted with one small allocation.
//
// Source: uax29 §4.
func Words(text []byte, yield func(word []byte)) {
	if len(text) > MaxWordsBytes {
		n := MaxWordsBytes
		for n > MaxWordsBytes-utf8.UTFMax && !utf8.RuneStart(text[n]) {
			n--
		}
		text = text[:n]
	}
	for _, c := range text {
		if c >= utf8.RuneSelf {
			wideWords(foldText(string(text)), func(w string) { yield([]byte(w)) })
			return
		}
	}
	var word [MaxWordBytes]byte
	n := 0
	for _, c := range text {
		if c = wordByte[c]; c != 0 {
			if n < MaxWordBytes {
				word[n] = c
				n++
			}
			continue
		}
		if n >= MinWordBytes {
			yield(word[:n])
		}
		n = 0
	}
	if n >= MinWordBytes {
		yield(word[:n])
	}
}

// wordByte gives the ASCII letters and digits, in lower case, and 0 for what
// parts words.
var wordByte = func() (t [256]byte) {
	for c := range byte(utf8.RuneSelf) {
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
			t[c] = c
		case 'A' <= c && c <= 'Z':
			t[c] = c + 'a' - 'A'
		}
	}
	return t
}()

// foldText brings text to NFKC with case folded. Folding can undo the form and
// the form can bring back a letter to fold, so both are done twice.
func foldText(s string) string {
	fold := cases.Fold()
	s = norm.NFKC.String(strings.ToValidUTF8(s, "\uFFFD"))
	s = norm.NFKC.String(fold.String(s))
	return norm.NFKC.String(fold.String(s))
}

func yieldWord(w string, yield func(string)) {
	if len(w) > MaxWordBytes {
		n := MaxWordBytes
		for n > 0 && !utf8.RuneStart(w[n]) {
			n--
		}
		w = w[:n]
	}
	if len(w) >= MinWordBytes {
		yield(w)
	}
}

// wideWords is Words for folded text of any script.
func wideWords(s string, yield func(string)) {
	start := -1               // of the word being read
	before, pair := -1, false // the last unspaced character, and whether it was yielded in a pair
	endRun := func(at int) {
		if before >= 0 && !pair {
			yieldWord(s[before:at], yield)
		}
		before, pair = -1, false
	}
	for i, r := range s {
		switch {
		case isUnspaced(r):
			if start >= 0 {
				yieldWord(s[start:i], yield)
				start = -1
			}
			if before >= 0 {
				yield(s[before : i+utf8.RuneLen(r)])
				pair = true
			}
			before = i
		case isWordRune(r):
			endRun(i)
			if start < 0 {
				start = i
			}
		default:
			endRun(i)
			if start >= 0 {
				yieldWord(s[start:i], yield)
				start = -1
			}
		}
	}
	endRun(len(s))
	if start >= 0 {
		yieldWord(s[start:], yield)
	}
}

// isWordRune reports whether r belongs to a word.
func isWordRune(r rune) bool {
	if r < utf8.RuneSelf {
		return isAlnum(byte(r))
	}
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r))
}

// isUnspaced reports whether r is of a script written without blanks whose
// characters are words or near to it.
func isUnspaced(r rune) bool {
	return r >= 0x2e80 && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana)
}

// listFields and textFields are the properties whose text is searchable.
var (
	listFields = [...]string{"aliases", "labels", "x_mitre_aliases", "roles", "goals", "x_opencti_aliases", "authors"}
	textFields = [...]string{
		"name", "title", "description", "abstract", "content", "opinion", "explanation", "statement",
		"primary_motivation", "x_mitre_detection", "objective", "subject", "contact_information",
		"x_misp_comment", "x_casus_comment",
	}
)

// Fields yields the searchable text of an object property by property: names,
// titles, aliases, labels, descriptions, and the text of notes, opinions and
// reports. Values such as addresses are not among them: [FromObject] finds
// those.
//
// The text must not be kept.
func Fields(o *stix.Object, yield func(field string, text []byte)) {
	for i := range o.Len() {
		name, value := o.Member(i)
		if len(value) < 4 {
			continue
		}
		switch value[0] {
		case '"':
			if f := fieldName(textFields[:], name); f != "" {
				if f == "subject" && o.Type() != "email-message" {
					continue
				}
				if s, ok := stix.UnquoteBytes(value); ok {
					yield(f, s)
				}
			}
		case '[':
			if f := fieldName(listFields[:], name); f != "" {
				stix.Each(value, func(e []byte) bool {
					if s, ok := stix.UnquoteBytes(e); ok && len(s) > 0 {
						yield(f, s)
					}
					return true
				})
			}
		}
	}
}

// fieldName returns name as one of the given fields, else "".
func fieldName(fields []string, name []byte) string {
	for _, f := range fields {
		if string(name) == f {
			return f
		}
	}
	return ""
}
