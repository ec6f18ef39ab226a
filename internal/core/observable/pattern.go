package observable

import "strings"

// maxPatternBytes is how much of a pattern is read.
const maxPatternBytes = 1 << 20

// PatternValues finds the values a STIX pattern asks for: the string and
// integer literals of its comparisons by =, IN, LIKE without wildcards,
// ISSUBSET and ISSUPERSET, with the object path before them. Comparisons under
// NOT or by != ask for something else and are passed over, as are MATCHES, the
// orderings, and literals of times, bytes and booleans. It does not check the
// grammar: what it does not understand it skips. It takes time linear in the
// pattern, of which it reads at most 1 MiB.
//
// Source: stix-2.1 §9.
func PatternValues(pattern string, yield func(path, literal string)) {
	if len(pattern) > maxPatternBytes {
		pattern = pattern[:maxPatternBytes]
	}
	l := lexer{s: pattern}
	path, op, negated := "", opNone, false
	// A NOT before a path or a bracket is in no version of the grammar, but met.
	pending, depth, notDepth := false, 0, 0
	for {
		t, text := l.next()
		switch t {
		case tokEnd:
			return
		case tokPath:
			path, op, negated, pending = text, opNone, pending, false
		case tokWord:
			switch w := keyword(text); {
			case w == opNot && path == "":
				pending = true
			case w == opNot:
				negated = true
			case w != opNone && path != "":
				op = w
			default: // AND, OR, FOLLOWEDBY, WITHIN …
				path, op, negated = "", opNone, false
			}
		case tokEqual:
			op = opEqual
		case tokOther:
			if op != opIn {
				op = opNone
			}
		case tokOpen:
			if op != opIn {
				path = ""
			}
			if depth++; pending && notDepth == 0 {
				notDepth = depth
			}
			pending = false
		case tokClose:
			if depth == notDepth {
				notDepth = 0
			}
			if depth > 0 {
				depth--
			}
			path, op, negated = "", opNone, false
		case tokComma:
			// between the members of a set
		case tokString, tokNumber:
			if path == "" || negated || notDepth > 0 || op == opNone || op == opLike && strings.ContainsAny(text, "%_") {
				continue
			}
			yield(path, text)
			if op != opIn {
				path, op = "", opNone
			}
		}
	}
}

// op is an operator that asks for the literal after it.
type op uint8

const (
	opNone op = iota
	opEqual
	opIn
	opLike
	opSubset
	opNot
)

// keyword returns the operator a word stands for. Keywords are upper case in
// the grammar; other spellings are met and harmless.
func keyword(w string) op {
	switch {
	case strings.EqualFold(w, "IN"):
		return opIn
	case strings.EqualFold(w, "NOT"):
		return opNot
	case strings.EqualFold(w, "LIKE"):
		return opLike
	case strings.EqualFold(w, "ISSUBSET"), strings.EqualFold(w, "ISSUPERSET"):
		return opSubset
	}
	return opNone
}

type token uint8

const (
	tokEnd    token = iota
	tokPath         // object-type:property.property[0].'quoted'
	tokWord         // keyword, true, false
	tokEqual        // = or ==
	tokOther        // != <> < > <= >=, and a literal that is no string
	tokOpen         // ( [
	tokClose        // ) ]
	tokComma        // ,
	tokString       // 'text', unescaped
	tokNumber       // digits
)

// lexer parts a pattern into tokens. Text between quotes never ends one early.
type lexer struct {
	s string
	i int
}

func (l *lexer) next() (token, string) {
	l.skip()
	if l.i >= len(l.s) {
		return tokEnd, ""
	}
	switch c := l.s[l.i]; {
	case c == '\'':
		text, closed := l.quoted()
		if !closed {
			return tokEnd, ""
		}
		return tokString, text
	case c == '(' || c == '[':
		l.i++
		return tokOpen, ""
	case c == ')' || c == ']':
		l.i++
		return tokClose, ""
	case c == ',':
		l.i++
		return tokComma, ""
	case c == '=':
		for l.i < len(l.s) && l.s[l.i] == '=' {
			l.i++
		}
		return tokEqual, ""
	case c == '!' || c == '<' || c == '>':
		l.i++
		for l.i < len(l.s) && (l.s[l.i] == '=' || l.s[l.i] == '>') {
			l.i++
		}
		return tokOther, ""
	case '0' <= c && c <= '9' || c == '-':
		return l.number()
	case isAlnum(c) || c == '_' || c >= 0x80:
		return l.word()
	}
	l.i++
	return tokOther, ""
}

// skip passes over white space and comments.
func (l *lexer) skip() {
	for l.i < len(l.s) {
		c := l.s[l.i]
		switch {
		case c <= ' ':
			l.i++
		case c == '/' && strings.HasPrefix(l.s[l.i:], "//"):
			l.to("\n")
		case c == '/' && strings.HasPrefix(l.s[l.i:], "/*"):
			l.to("*/")
		default:
			return
		}
	}
}

// to moves behind the next end, or to the end of all.
func (l *lexer) to(end string) {
	j := strings.Index(l.s[l.i:], end)
	if j < 0 {
		l.i = len(l.s)
		return
	}
	l.i += j + len(end)
}

// quoted reads a string in single quotes, in which a backslash takes the next
// character as it is; closed is false if its end is missing.
func (l *lexer) quoted() (text string, closed bool) {
	l.i++
	start, escaped := l.i, false
	for l.i < len(l.s) {
		switch l.s[l.i] {
		case '\\':
			escaped = true
			l.i++
		case '\'':
			text = l.s[start:l.i]
			l.i++
			if escaped {
				text = unescapeLiteral(text)
			}
			return text, true
		}
		l.i++
	}
	l.i = len(l.s)
	return "", false
}

func unescapeLiteral(s string) string {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		out = append(out, s[i])
	}
	return string(out)
}

// number reads an integer; a fraction makes it another kind of literal.
func (l *lexer) number() (token, string) {
	start := l.i
	l.i++
	for l.i < len(l.s) && (isAlnum(l.s[l.i]) || l.s[l.i] == '.') {
		l.i++
	}
	if text := l.s[start:l.i]; digits(text) {
		return tokNumber, text
	}
	return tokOther, ""
}

// word reads a keyword, an object path, or a literal such as t'…'.
func (l *lexer) word() (token, string) {
	start := l.i
	path := false
	for l.i < len(l.s) {
		c := l.s[l.i]
		switch {
		case c == '\'':
			if !path {
				if l.i-start == 1 { // t'…', h'…', b'…'
					l.quoted()
					return tokOther, ""
				}
				return tokWord, l.s[start:l.i]
			}
			if l.s[l.i-1] != '.' && l.s[l.i-1] != ':' {
				return tokPath, l.s[start:l.i]
			}
			l.quoted()
		case c == ':':
			path = true
			l.i++
		case path && c == '[':
			j := strings.IndexByte(l.s[l.i:], ']')
			if j < 0 || j > 12 {
				return tokPath, l.s[start:l.i]
			}
			l.i += j + 1
		case isAlnum(c), c == '_', c == '-', c >= 0x80, path && c == '.':
			l.i++
		default:
			if path {
				return tokPath, l.s[start:l.i]
			}
			return tokWord, l.s[start:l.i]
		}
	}
	if path {
		return tokPath, l.s[start:l.i]
	}
	return tokWord, l.s[start:l.i]
}
