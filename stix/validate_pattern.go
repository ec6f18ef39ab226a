package stix

import (
	"bytes"
	"strconv"
)

// maxPatternDepth is how deep parentheses of a pattern may nest.
const maxPatternDepth = 64

// pattern checks the syntax of a pattern. It says nothing about what the
// pattern matches.
//
// Source: stix-2.1 §9.
type pattern struct {
	b     []byte
	known bool // only types of the standard are let pass
	i     int  // where the current token begins
	end   int  // where it ends
	tok   token
	depth int
	err   string
}

type token uint8

const (
	tokEnd token = iota
	tokBad
	tokName   // an identifier or keyword; it may hold hyphens
	tokString // '…'
	tokInt
	tokFloat
	tokHex     // h'…'
	tokBinary  // b'…'
	tokTime    // t'…'
	tokSign    // ( ) [ ] : . , *
	tokEqual   // = == != <>
	tokOrdered // < > <= >=
)

// parse returns what is wrong with the pattern, or "".
func (p *pattern) parse() string {
	p.next()
	p.observations()
	if p.err == "" && p.tok != tokEnd {
		p.fail("the end")
	}
	return p.err
}

func (p *pattern) fail(want string) {
	if p.err != "" {
		return
	}
	got := "the end"
	if p.tok != tokEnd {
		got = quote(p.b[p.i:min(max(p.end, p.i+1), len(p.b))])
	}
	p.err = "the pattern has " + got + " at byte " + strconv.Itoa(p.i) + ", want " + want
	p.tok = tokEnd
}

func (p *pattern) is(sign byte) bool { return p.tok == tokSign && p.b[p.i] == sign }

func (p *pattern) word(s string) bool {
	return p.tok == tokName && p.end-p.i == len(s) && p.b[p.i] == s[0] && string(p.b[p.i:p.end]) == s
}

func (p *pattern) expect(sign byte) {
	if !p.is(sign) {
		p.fail(strconv.Quote(string(rune(sign))))
		return
	}
	p.next()
}

// deeper counts a level of nesting, and reports whether it may be entered.
func (p *pattern) deeper() bool {
	p.depth++
	if p.depth > maxPatternDepth {
		p.fail("at most " + strconv.Itoa(maxPatternDepth) + " levels of parentheses")
		return false
	}
	return true
}

// observations reads observation expressions joined by AND, OR and FOLLOWEDBY.
func (p *pattern) observations() {
	for {
		p.observation()
		if !p.word("AND") && !p.word("OR") && !p.word("FOLLOWEDBY") {
			return
		}
		p.next()
	}
}

// observation reads one expression and its qualifiers: one of each kind at most,
// unless the expression is in parentheses.
func (p *pattern) observation() {
	grouped := p.is('(')
	switch {
	case p.is('['):
		p.next()
		p.comparisons()
		p.expect(']')
	case p.is('('):
		if !p.deeper() {
			return
		}
		p.next()
		p.observations()
		p.expect(')')
		p.depth--
	default:
		p.fail("\"[\" or \"(\"")
	}
	var within, repeats, startStop bool
	for p.err == "" {
		switch {
		case p.word("WITHIN") && (!within || grouped):
			within = true
			p.next()
			if (p.tok != tokInt && p.tok != tokFloat) || p.b[p.i] == '-' {
				p.fail("a number that is not negative")
			}
			p.next()
			p.keyword("SECONDS")
		case p.word("REPEATS") && (!repeats || grouped):
			repeats = true
			p.next()
			if p.tok != tokInt || !p.positive() {
				p.fail("a whole number above 0")
			}
			p.next()
			p.keyword("TIMES")
		case p.word("START") && (!startStop || grouped):
			startStop = true
			p.next()
			p.timestamp()
			p.keyword("STOP")
			p.timestamp()
		case p.word("WITHIN") || p.word("REPEATS") || p.word("START"):
			p.fail("each qualifier once; put the first in parentheses")
		default:
			return
		}
	}
}

func (p *pattern) positive() bool {
	t := p.b[p.i:p.end]
	return t[0] != '-' && bytes.ContainsAny(t, "123456789")
}

func (p *pattern) keyword(s string) {
	if !p.word(s) {
		p.fail(s)
		return
	}
	p.next()
}

func (p *pattern) timestamp() {
	if p.tok != tokTime {
		p.fail("a timestamp, t'…'")
		return
	}
	p.next()
}

// comparisons reads comparison expressions joined by AND and OR.
func (p *pattern) comparisons() {
	for {
		p.comparison()
		if !p.word("AND") && !p.word("OR") {
			return
		}
		p.next()
	}
}

func (p *pattern) comparison() {
	switch {
	case p.is('('):
		if !p.deeper() {
			return
		}
		p.next()
		p.comparisons()
		p.expect(')')
		p.depth--
		return
	case p.word("EXISTS"):
		p.next()
		p.objectPath()
		return
	}
	p.objectPath()
	if p.word("NOT") {
		p.next()
	}
	switch {
	case p.tok == tokEqual:
		p.next()
		p.constant(true)
	case p.tok == tokOrdered:
		p.next()
		p.constant(false)
	case p.word("IN"):
		p.next()
		p.set()
	case p.word("LIKE"), p.word("MATCHES"), p.word("ISSUBSET"), p.word("ISSUPERSET"):
		p.next()
		if p.tok != tokString {
			p.fail("a string, '…'")
			return
		}
		p.next()
	default:
		p.fail("a comparison, such as =, IN or LIKE")
	}
}

// constant reads a constant; only (in)equality compares booleans.
func (p *pattern) constant(boolean bool) {
	switch {
	case p.tok == tokString, p.tok == tokInt, p.tok == tokFloat, p.tok == tokHex, p.tok == tokBinary, p.tok == tokTime:
	case boolean && (p.word("true") || p.word("false")):
	default:
		p.fail("a constant, such as 'text' or 42")
		return
	}
	p.next()
}

func (p *pattern) set() {
	p.expect('(')
	if p.is(')') {
		p.next()
		return
	}
	for p.err == "" {
		p.constant(true)
		if !p.is(',') {
			break
		}
		p.next()
	}
	p.expect(')')
}

// objectPath reads the type of a cyber-observable and the way to a value.
func (p *pattern) objectPath() {
	if p.tok != tokName || keywordIn(p.b[p.i:p.end]) {
		p.fail("the path to a property, such as file:name")
		return
	}
	if typ := p.b[p.i:p.end]; p.known && ClassOf(string(typ)) != ClassSCO {
		p.fail("a type of cyber-observable of the standard")
		return
	}
	p.next()
	p.expect(':')
	p.component()
	for p.err == "" {
		switch {
		case p.is('.'):
			p.next()
			p.component()
		case p.is('['):
			p.next()
			if p.tok != tokInt && !p.is('*') {
				p.fail("an index or *")
				return
			}
			p.next()
			p.expect(']')
		default:
			return
		}
	}
}

func (p *pattern) component() {
	if p.tok == tokString {
		p.next()
		return
	}
	if p.tok != tokName || bytes.IndexByte(p.b[p.i:p.end], '-') >= 0 || keywordIn(p.b[p.i:p.end]) {
		p.fail("the name of a property; quote names with hyphens")
		return
	}
	p.next()
}

func keywordIn(b []byte) bool {
	switch string(b) {
	case "AND", "OR", "NOT", "FOLLOWEDBY", "LIKE", "MATCHES", "ISSUPERSET", "ISSUBSET", "EXISTS", "IN", "START",
		"STOP", "SECONDS", "TIMES", "WITHIN", "REPEATS", "true", "false":
		return true
	}
	return false
}
