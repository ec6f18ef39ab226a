package pattern

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Parse reads a pattern of STIX 2.1. The error is an [*Error].
//
// Source: stix-2.1 §9.
func Parse(text string) (*Pattern, error) { return ParseVersion(text, V21) }

// ParseVersion reads a pattern in a version of the language; see [Parse].
func ParseVersion(text string, v Version) (*Pattern, error) {
	p := &parser{version: v, places: positions{text: text}}
	p.text = text
	if len(text) > MaxBytes {
		p.fail(MaxBytes, fmt.Sprintf("%d bytes, want at most %d", len(text), MaxBytes), "cut it into several patterns")
		return nil, p.err
	}
	if i := invalidUTF8(text); i >= 0 {
		p.fail(i, "bytes that are no UTF-8", "write the pattern in UTF-8")
		return nil, p.err
	}
	p.advance()
	expr := p.observations()
	if p.err == nil && p.tok != tokEnd {
		p.want("AND, OR, FOLLOWEDBY, a qualifier or the end", "keywords are written in capitals; parentheses come in pairs")
	}
	if p.err != nil {
		return nil, p.err
	}
	return &Pattern{Expr: expr}, nil
}

func invalidUTF8(s string) int {
	if utf8.ValidString(s) {
		return -1
	}
	for i, r := range s {
		if _, n := utf8.DecodeRuneInString(s[i:]); r == utf8.RuneError && n == 1 {
			return i
		}
	}
	return -1
}

// parser reads a pattern by recursive descent. After the first mistake the
// current token is the end and nothing more is read.
type parser struct {
	lexer
	version Version
	places  positions
	depth   int // of the parentheses open now
	deepest int // the greatest depth so far
	stacked int // qualifiers whose kind stood before
	err     error
}

func (p *parser) advance() {
	if p.err != nil {
		return
	}
	p.next()
	if p.seen > MaxTokens {
		p.fail(p.start, fmt.Sprintf("more than %d words and signs", MaxTokens), "cut it into several patterns")
	}
}

func (p *parser) fail(at int, reason, remedy string) {
	if p.err == nil {
		p.err = &Error{Position: p.places.of(at), Reason: reason, Remedy: remedy}
	}
	p.tok, p.start, p.end = tokEnd, len(p.text), len(p.text)
}

// want fails with what was found in place of what was expected.
func (p *parser) want(what, remedy string) {
	if p.err != nil {
		return
	}
	got := p.bad
	if p.fix != "" {
		remedy = p.fix
	}
	switch {
	case got != "":
	case p.tok == tokEnd:
		got = "the end"
	default:
		got = strconv.Quote(short(p.raw()))
	}
	p.fail(p.start, got+", want "+what, remedy)
}

// short cuts a token that a message shows.
func short(s string) string {
	const most = 40
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s[:min(len(s), 4*most)])[:most]) + "…"
}

func (p *parser) is(sign byte) bool { return p.tok == tokSign && p.text[p.start] == sign }

func (p *parser) word(s string) bool { return p.tok == tokName && p.raw() == s }

// takes reads a keyword if it comes next.
func (p *parser) takes(s string) bool {
	if !p.word(s) {
		return false
	}
	p.advance()
	return true
}

func (p *parser) expect(sign byte, remedy string) {
	if !p.is(sign) {
		p.want(strconv.Quote(string(rune(sign))), remedy)
		return
	}
	p.advance()
}

func (p *parser) keyword(s string) {
	if !p.takes(s) {
		p.want(s, "write "+s+", in capitals")
	}
}

// deeper counts a level of nesting, and reports whether it may be entered.
func (p *parser) deeper() bool {
	p.depth++
	p.deepest = max(p.deepest, p.depth)
	return !p.tooDeep(p.start)
}

func (p *parser) tooDeep(at int) bool {
	if p.deepest+p.stacked <= MaxDepth {
		return false
	}
	p.fail(at, fmt.Sprintf("more than %d parentheses in one another", MaxDepth), "leave out those that change nothing")
	return true
}

// observations reads expressions joined by FOLLOWEDBY, which binds least.
//
// Source: stix-2.1 §9.5.3.
func (p *parser) observations() Expr {
	return p.joined(FollowedBy, "FOLLOWEDBY", func() Expr {
		return p.joined(Or, "OR", func() Expr {
			return p.joined(And, "AND", p.observation)
		})
	})
}

// joined reads operands with one operator between them. An operand in
// parentheses with the same operator inside is taken apart: all three are
// associative.
func (p *parser) joined(op Op, word string, operand func() Expr) Expr {
	parts := sameOp(nil, op, operand())
	for p.takes(word) {
		parts = sameOp(parts, op, operand())
	}
	if len(parts) == 1 || p.err != nil {
		return parts[0]
	}
	return &Joined{Op: op, Parts: parts}
}

func sameOp(parts []Expr, op Op, e Expr) []Expr {
	if j, ok := e.(*Joined); ok && j.Op == op {
		return append(parts, j.Parts...)
	}
	return append(parts, e)
}

// observation reads one expression and its qualifiers: one of each kind at most,
// unless the expression is in parentheses.
//
// Source: stix-2.1 §9.5.1.
func (p *parser) observation() Expr {
	grouped := p.is('(')
	var e Expr
	switch {
	case p.is('['):
		p.advance()
		e = &Observation{Cond: p.conditions()}
		p.expect(']', "close the observation with ]")
	case grouped:
		if !p.deeper() {
			return nil
		}
		p.advance()
		e = p.observations()
		p.expect(')', "close the parenthesis")
		p.depth--
	default:
		p.want(`"[" or "("`, "put comparisons in square brackets, such as [file:name = 'a.exe']")
	}
	var seen [StartStop + 1]bool
	for p.err == nil {
		q, ok := p.qualifier()
		if !ok {
			break
		}
		if seen[q.Kind] && !grouped {
			p.fail(q.At.Byte, "the same qualifier twice", "put the expression and its first qualifier in parentheses")
		}
		if seen[q.Kind] {
			p.stacked++ // the canonical form has a parenthesis more
			p.tooDeep(q.At.Byte)
		}
		seen[q.Kind] = true
		e = &Qualified{Expr: e, By: q}
	}
	return e
}

func (p *parser) qualifier() (q Qualifier, ok bool) {
	switch {
	case p.word("WITHIN"):
		q = Qualifier{Kind: Within, At: p.places.of(p.start)}
		p.advance()
		if p.tok != tokInt && p.tok != tokFloat || p.text[p.start] == '-' {
			p.want("a number that is not negative", "write WITHIN 300 SECONDS")
			return q, false
		}
		q.Seconds = p.float()
		p.advance()
		p.keyword("SECONDS")
	case p.word("REPEATS"):
		q = Qualifier{Kind: Repeats, At: p.places.of(p.start)}
		p.advance()
		n, err := strconv.Atoi(strings.TrimPrefix(p.raw(), "+"))
		if p.tok != tokInt || err != nil || n < 1 || n > MaxTimes {
			p.want("a whole number above 0", fmt.Sprintf("write REPEATS 5 TIMES; at most %d", MaxTimes))
			return q, false
		}
		q.Times = n
		p.advance()
		p.keyword("TIMES")
	case p.word("START"):
		q = Qualifier{Kind: StartStop, At: p.places.of(p.start)}
		p.advance()
		q.Start = p.timestamp()
		p.keyword("STOP")
		q.Stop = p.timestamp()
	default:
		return q, false
	}
	return q, p.err == nil
}

// timestamp reads a timestamp of START or STOP; a string may hold it in STIX 2.0.
//
// Source: stix-2.1 §9.5.1; stix-2.0.
func (p *parser) timestamp() string {
	raw := p.raw()
	switch {
	case p.tok == tokTime:
		raw = raw[2 : len(raw)-1]
	case p.tok == tokString && p.version == V20 && IsTimestamp(raw[1:len(raw)-1]):
		raw = raw[1 : len(raw)-1]
	default:
		p.want("a timestamp, t'…'", "write it as t'2026-11-05T08:15:00Z'")
		return ""
	}
	p.advance()
	return raw
}

// conditions reads comparisons joined by AND and OR.
func (p *parser) conditions() Cond {
	return p.both(Or, "OR", func() Cond { return p.both(And, "AND", p.condition) })
}

func (p *parser) both(op Op, word string, operand func() Cond) Cond {
	parts := sameBool(nil, op, operand())
	for p.takes(word) {
		parts = sameBool(parts, op, operand())
	}
	if len(parts) == 1 || p.err != nil {
		return parts[0]
	}
	return &Both{Op: op, Parts: parts}
}

func sameBool(parts []Cond, op Op, c Cond) []Cond {
	if b, ok := c.(*Both); ok && b.Op == op {
		return append(parts, b.Parts...)
	}
	return append(parts, c)
}

// condition reads one comparison, or conditions in parentheses.
//
// Source: stix-2.1 §9.6.
func (p *parser) condition() Cond {
	if p.is('(') {
		if !p.deeper() {
			return nil
		}
		p.advance()
		c := p.conditions()
		p.expect(')', "close the parenthesis")
		p.depth--
		return c
	}
	c := &Comparison{At: p.places.of(p.start)}
	if p.takes("EXISTS") {
		c.Op, c.Path = Exists, p.path()
		return c
	}
	c.Path = p.path()
	c.Not = p.takes("NOT")
	p.operation(c)
	return c
}

func (p *parser) operation(c *Comparison) {
	switch {
	case p.tok == tokEqual || p.tok == tokOrdered:
		c.Op = operatorOf(p.raw())
		orderable := p.tok == tokOrdered
		p.advance()
		if orderable && (p.word("true") || p.word("false")) {
			p.want("a constant with an order", "compare booleans with = or !=")
		}
		c.Values = []Constant{p.constant()}
	case p.word("IN"):
		c.Op = In
		p.advance()
		c.Values = p.set()
	case p.word("LIKE"), p.word("MATCHES"), p.word("ISSUBSET"), p.word("ISSUPERSET"):
		c.Op = operatorOf(p.raw())
		p.advance()
		if p.tok != tokString {
			p.want("a string, '…'", "put the text in apostrophes")
			return
		}
		c.Values = []Constant{p.constant()}
	default:
		p.want("a comparison, such as =, IN or LIKE", "write [file:size = 1280]; keywords in capitals; quote names with hyphens")
	}
}

func operatorOf(s string) Operator {
	switch s {
	case "=", "==":
		return Equal
	case "!=", "<>":
		return NotEqual
	case "<":
		return Less
	case "<=":
		return LessOrEqual
	case ">":
		return Greater
	case ">=":
		return GreaterOrEqual
	case "LIKE":
		return Like
	case "MATCHES":
		return Matches
	case "ISSUBSET":
		return IsSubset
	}
	return IsSuperset
}

// constant reads a constant.
//
// Source: stix-2.1 §9.2.
func (p *parser) constant() (c Constant) {
	raw := p.raw()
	var err error
	switch {
	case p.tok == tokString:
		c = Constant{Kind: String, Text: unquote(raw)}
	case p.tok == tokInt:
		c.Kind = Integer
		if c.Int, err = strconv.ParseInt(raw, 10, 64); err != nil {
			p.want("an integer of 64 bits", "put the number in apostrophes if it is a text")
			return c
		}
	case p.tok == tokFloat:
		c = Constant{Kind: Float, Float: p.float()}
	case p.tok == tokHex:
		c.Kind = Hex
		c.Bytes, err = hex.DecodeString(raw[2 : len(raw)-1])
	case p.tok == tokBinary:
		c.Kind = Binary
		c.Bytes, err = base64.StdEncoding.DecodeString(raw[2 : len(raw)-1])
	case p.tok == tokTime:
		c = Constant{Kind: Timestamp, Text: raw[2 : len(raw)-1]}
	case p.word("true"), p.word("false"):
		c = Constant{Kind: Boolean, Bool: raw == "true"}
	default:
		p.want("a constant, such as 'text' or 42", "put text in apostrophes")
		return c
	}
	if err != nil {
		p.want("a constant", "correct it")
		return c
	}
	p.advance()
	return c
}

// float returns the number of the current token.
func (p *parser) float() float64 {
	f, err := strconv.ParseFloat(p.raw(), 64)
	if err != nil {
		p.want("a number that a double can hold", "write a smaller number")
	}
	return f
}

// unquote undoes the escapes of a string.
func unquote(raw string) string {
	raw = raw[1 : len(raw)-1]
	if !strings.Contains(raw, `\`) {
		return raw
	}
	var b strings.Builder
	b.Grow(len(raw))
	for i := 0; i < len(raw); i++ {
		if raw[i] == '\\' {
			i++
		}
		b.WriteByte(raw[i])
	}
	return b.String()
}

func (p *parser) set() (values []Constant) {
	const remedy = "write IN ('a', 'b')"
	p.expect('(', remedy)
	if p.is(')') {
		p.advance()
		return nil
	}
	for p.err == nil {
		values = append(values, p.constant())
		if !p.is(',') {
			break
		}
		p.advance()
	}
	p.expect(')', remedy)
	return values
}

// path reads the type of a cyber-observable and the way to a value.
//
// Source: stix-2.1 §9.7.
func (p *parser) path() (path Path) {
	if p.tok != tokName || isKeyword(p.raw()) {
		p.want("the path to a property, such as file:name", "begin a comparison with a type of object, a colon and a property")
		return path
	}
	path.Type = p.raw()
	p.advance()
	p.expect(':', "put a colon between the type of object and its property")
	path.Steps = append(path.Steps, p.name())
	for p.err == nil {
		switch {
		case p.is('.'):
			p.advance()
			path.Steps = append(path.Steps, p.name())
		case p.is('['):
			p.advance()
			path.Steps = append(path.Steps, p.index())
			p.expect(']', "close the index with ]")
		default:
			return path
		}
	}
	return path
}

func (p *parser) index() Step {
	if p.is('*') {
		p.advance()
		return Step{Kind: Every}
	}
	i, err := strconv.Atoi(p.raw())
	if p.tok != tokInt || err != nil {
		p.want("an index or *", "write [0] for the first item, [*] for any")
		return Step{}
	}
	p.advance()
	return Step{Kind: Index, Index: i}
}

func (p *parser) name() (s Step) {
	raw := p.raw()
	switch {
	case p.tok == tokString:
		s = Step{Kind: Name, Name: unquote(raw)}
	case p.tok == tokName && !strings.Contains(raw, "-") && !isKeyword(raw):
		s = Step{Kind: Name, Name: raw}
	default:
		p.want("the name of a property", "put names with hyphens, points or keywords in apostrophes")
		return s
	}
	p.advance()
	return s
}

// isKeyword tells the words that are no names.
func isKeyword(s string) bool {
	switch s {
	case "AND", "OR", "NOT", "FOLLOWEDBY", "LIKE", "MATCHES", "ISSUPERSET", "ISSUBSET", "EXISTS", "IN", "START",
		"STOP", "SECONDS", "TIMES", "WITHIN", "REPEATS", "true", "false":
		return true
	}
	return false
}
