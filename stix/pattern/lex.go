package pattern

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"unicode/utf8"
)

// token is the kind of a token.
type token uint8

const (
	tokEnd token = iota
	tokBad
	tokName // an identifier or keyword; it may hold hyphens
	tokString
	tokInt
	tokFloat
	tokHex
	tokBinary
	tokTime
	tokSign    // ( ) [ ] : . , *
	tokEqual   // = == != <>
	tokOrdered // < > <= >=
)

// lexer cuts a pattern into tokens.
type lexer struct {
	text  string
	start int // where the current token begins
	end   int // where it ends
	tok   token
	bad   string // what is wrong with a tokBad, or "" for a stray sign
	fix   string // the remedy for it
	seen  int    // how many tokens were read
}

// raw returns the current token as it was written.
func (l *lexer) raw() string { return l.text[l.start:l.end] }

// next reads the next token, white space and comments skipped.
//
// Source: stix-2.1 §9.2, §9.4.
func (l *lexer) next() {
	l.seen++
	l.start = l.skip(l.end)
	l.bad, l.fix = "", ""
	if l.start >= len(l.text) {
		l.start, l.end, l.tok = len(l.text), len(l.text), tokEnd
		return
	}
	l.end = l.start + 1
	ch, second := l.text[l.start], byte(0)
	if l.end < len(l.text) {
		second = l.text[l.end]
	}
	switch {
	case ch == '\'':
		l.quoted(tokString)
	case second == '\'' && ch == 'h':
		l.end++
		l.quoted(tokHex)
	case second == '\'' && ch == 'b':
		l.end++
		l.quoted(tokBinary)
	case second == '\'' && ch == 't':
		l.end++
		l.quoted(tokTime)
	case isDigit(ch), ch == '-', ch == '+', ch == '.' && isDigit(second):
		l.number()
	case isLetter(ch):
		for l.end < len(l.text) && (isLetter(l.text[l.end]) || isDigit(l.text[l.end]) || l.text[l.end] == '-') {
			l.end++
		}
		l.tok = tokName
	default:
		l.sign(ch, second)
	}
}

func (l *lexer) sign(ch, second byte) {
	switch ch {
	case '(', ')', '[', ']', ':', '.', ',', '*':
		l.tok = tokSign
	case '=':
		l.tok = tokEqual
		if second == '=' {
			l.end++
		}
	case '!', '<', '>':
		switch {
		case ch == '!' && second == '=', ch == '<' && second == '>':
			l.tok = tokEqual
			l.end++
		case ch == '!':
			l.tok = tokBad
		default:
			l.tok = tokOrdered
			if second == '=' {
				l.end++
			}
		}
	default:
		l.tok = tokBad
		if _, n := utf8.DecodeRuneInString(l.text[l.start:]); n > 1 {
			l.end = l.start + n
		}
		if ch == '/' && second == '*' {
			l.wrong("a comment that is not closed", "close it with */")
		}
	}
}

// wrong makes the current token a bad one, with a reason and a remedy.
func (l *lexer) wrong(bad, fix string) { l.tok, l.bad, l.fix = tokBad, bad, fix }

func isDigit(ch byte) bool { return ch >= '0' && ch <= '9' }

// isLetter tells what an identifier may begin with.
func isLetter(ch byte) bool { return ch|0x20 >= 'a' && ch|0x20 <= 'z' || ch == '_' }

func (l *lexer) skip(i int) int {
	for i < len(l.text) {
		switch rest := l.text[i:]; {
		case rest[0] == ' ' || rest[0] >= '\t' && rest[0] <= '\r':
			i++
		case strings.HasPrefix(rest, "//"):
			n := strings.IndexAny(rest, "\r\n")
			if n < 0 {
				n = len(rest)
			}
			i += n
		case strings.HasPrefix(rest, "/*"):
			n := strings.Index(rest[2:], "*/")
			if n < 0 {
				return i // a bad token
			}
			i += n + 4
		case rest[0] >= utf8.RuneSelf:
			r, n := utf8.DecodeRuneInString(rest)
			if !isSpace(r) {
				return i
			}
			i += n
		default:
			return i
		}
	}
	return i
}

// isSpace tells the white space beyond ASCII.
func isSpace(r rune) bool {
	switch r {
	case 0x85, 0xA0, 0x1680, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000:
		return true
	}
	return r >= 0x2000 && r <= 0x200A
}

// quoted reads up to the closing quote; l.end is after the opening one. Inside
// a string only \' and \\ are escapes.
func (l *lexer) quoted(t token) {
	open := l.end
	for l.end < len(l.text) && l.text[l.end] != '\'' {
		if l.text[l.end] == '\\' && t == tokString {
			l.end++
			if l.end < len(l.text) && l.text[l.end] != '\'' && l.text[l.end] != '\\' {
				l.start = l.end - 1 // the place of the mistake
				_, n := utf8.DecodeRuneInString(l.text[l.end:])
				l.end += n
				l.wrong("the escape "+l.raw(), `write \\ for a backslash; only \\ and \' are escapes`)
				return
			}
		}
		l.end++
	}
	if l.end >= len(l.text) {
		l.end = len(l.text)
		l.wrong("a quote that is not closed", "close it with '")
		return
	}
	in := l.text[open:l.end]
	l.end++
	l.tok = t
	switch t {
	case tokHex:
		if _, err := hex.DecodeString(in); err != nil {
			l.wrong("a bad h'…'", "write an even number of hexadecimal digits")
		}
	case tokBinary:
		if _, err := base64.StdEncoding.DecodeString(in); err != nil {
			l.wrong("a bad b'…'", "write Base64 with its padding")
		}
	case tokTime:
		if !IsTimestamp(in) {
			l.wrong("a bad t'…'", "write it as 2026-11-05T08:15:00Z, with capital T and Z")
		}
	default:
	}
}

// number reads an integer or a float; leading zeros are no numbers.
func (l *lexer) number() {
	if !l.signed() {
		l.end = l.start
	}
	first := l.end
	for l.end < len(l.text) && isDigit(l.text[l.end]) {
		l.end++
	}
	whole := l.text[first:l.end]
	if l.end < len(l.text) && l.text[l.end] == '.' {
		l.end++
		point := l.end
		for l.end < len(l.text) && isDigit(l.text[l.end]) {
			l.end++
		}
		l.tok = tokFloat
		if l.end == point {
			l.wrong("a number that ends in a point", "write digits after the point")
		}
		return
	}
	l.tok = tokInt
	switch {
	case whole == "":
		l.wrong("a sign without a number", "write digits after it")
	case len(whole) > 1 && whole[0] == '0':
		l.wrong("a number with a leading zero", "leave the zero out, or put the text in quotes")
	}
}

func (l *lexer) signed() bool { return l.text[l.start] == '-' || l.text[l.start] == '+' }

// IsTimestamp reports whether s has the form of a timestamp with every field in
// its range, whatever the calendar: the grammar lets 30 February pass.
//
// Source: stix-2.1 §9.2, §2.16; rfc3339 §5.6.
func IsTimestamp(s string) bool {
	const form = "dddd-dd-ddTdd:dd:dd"
	if len(s) < len(form)+1 || s[len(s)-1] != 'Z' {
		return false
	}
	for i := range len(form) {
		if form[i] == 'd' && !isDigit(s[i]) || form[i] != 'd' && s[i] != form[i] {
			return false
		}
	}
	if rest := s[len(form) : len(s)-1]; rest != "" {
		if rest[0] != '.' || len(rest) < 2 || strings.Trim(rest[1:], "0123456789") != "" {
			return false
		}
	}
	two := func(i int) int { return int(s[i]-'0')*10 + int(s[i+1]-'0') }
	return two(5) >= 1 && two(5) <= 12 && two(8) >= 1 && two(8) <= 31 && two(11) <= 23 && two(14) <= 59 && two(17) <= 60
}
