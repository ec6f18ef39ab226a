package stix

import "unicode/utf8"

// next reads the next token, white space and comments skipped.
//
// Source: stix-2.1 §9.2, §9.3.
func (p *pattern) next() {
	if p.err != "" {
		return
	}
	p.i = p.skip(p.end)
	p.end = p.i + 1
	if p.i >= len(p.b) {
		p.i, p.end, p.tok = len(p.b), len(p.b), tokEnd
		return
	}
	second := byte(0)
	if p.end < len(p.b) {
		second = p.b[p.end]
	}
	switch ch := p.b[p.i]; {
	case ch == '\'':
		p.quoted(tokString)
	case second == '\'' && (ch == 'h' || ch == 'b' || ch == 't'):
		p.end++
		switch ch {
		case 'h':
			p.quoted(tokHex)
		case 'b':
			p.quoted(tokBinary)
		default:
			p.quoted(tokTime)
		}
	case ch >= '0' && ch <= '9', ch == '-', ch == '+', ch == '.' && second >= '0' && second <= '9':
		p.number()
	case isNameByte(ch) && ch != '-':
		for p.end < len(p.b) && (isNameByte(p.b[p.end]) || p.b[p.end] >= '0' && p.b[p.end] <= '9') {
			p.end++
		}
		p.tok = tokName
	default:
		p.sign(ch, second)
	}
}

func (p *pattern) sign(ch, second byte) {
	switch ch {
	case '(', ')', '[', ']', ':', '.', ',', '*':
		p.tok = tokSign
	case '=':
		p.tok = tokEqual
		if second == '=' {
			p.end++
		}
	case '!', '<', '>':
		switch {
		case ch == '!' && second == '=', ch == '<' && second == '>':
			p.tok = tokEqual
			p.end++
		case ch == '!':
			p.tok = tokBad
		default:
			p.tok = tokOrdered
			if second == '=' {
				p.end++
			}
		}
	default:
		p.tok = tokBad
		if _, n := utf8.DecodeRune(p.b[p.i:]); n > 1 {
			p.end = p.i + n
		}
	}
}

func isNameByte(ch byte) bool {
	return ch|0x20 >= 'a' && ch|0x20 <= 'z' || ch == '_' || ch == '-'
}

func (p *pattern) skip(i int) int {
	for i < len(p.b) {
		switch ch := p.b[i]; {
		case ch == ' ' || ch >= '\t' && ch <= '\r':
			i++
		case ch == '/' && i+1 < len(p.b) && p.b[i+1] == '/':
			for i < len(p.b) && p.b[i] != '\n' && p.b[i] != '\r' {
				i++
			}
		case ch == '/' && i+1 < len(p.b) && p.b[i+1] == '*':
			end := i + 2
			for end+1 < len(p.b) && (p.b[end] != '*' || p.b[end+1] != '/') {
				end++
			}
			if end+1 >= len(p.b) {
				return i // unclosed: a bad token
			}
			i = end + 2
		case ch >= 0x80:
			r, n := utf8.DecodeRune(p.b[i:])
			if !patternSpace(r) {
				return i
			}
			i += n
		default:
			return i
		}
	}
	return i
}

// patternSpace tells the white space beyond ASCII that the grammar lets pass.
func patternSpace(r rune) bool {
	switch r {
	case 0x85, 0xA0, 0x1680, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000:
		return true
	}
	return r >= 0x2000 && r <= 0x200A
}

// quoted reads up to the closing quote; p.end is after the opening one. Inside
// a string only \' and \\ are escapes.
func (p *pattern) quoted(t token) {
	start := p.end
	for p.end < len(p.b) && p.b[p.end] != '\'' {
		if p.b[p.end] == '\\' {
			p.end++
			if p.end < len(p.b) && p.b[p.end] != '\'' && p.b[p.end] != '\\' {
				p.tok = tokBad
				return
			}
		}
		p.end++
	}
	if p.end >= len(p.b) {
		p.end, p.tok = len(p.b), tokBad
		return
	}
	in := p.b[start:p.end]
	p.end++
	p.tok = t
	switch t {
	case tokHex:
		if len(in) > 0 && !isHex(in) {
			p.tok = tokBad
		}
	case tokBinary:
		if !isBase64(in) {
			p.tok = tokBad
		}
	case tokTime:
		if !isTimestampShape(in) {
			p.tok = tokBad
		}
	default:
	}
}

// number reads an integer or a float; leading zeros are no numbers.
func (p *pattern) number() {
	if ch := p.b[p.i]; ch != '-' && ch != '+' {
		p.end = p.i
	}
	start := p.end
	for p.end < len(p.b) && p.b[p.end] >= '0' && p.b[p.end] <= '9' {
		p.end++
	}
	whole := p.b[start:p.end]
	if p.end < len(p.b) && p.b[p.end] == '.' {
		first := p.end + 1
		p.end++
		for p.end < len(p.b) && p.b[p.end] >= '0' && p.b[p.end] <= '9' {
			p.end++
		}
		p.tok = tokFloat
		if p.end == first {
			p.tok = tokBad
		}
		return
	}
	p.tok = tokInt
	if len(whole) == 0 || len(whole) > 1 && whole[0] == '0' {
		p.tok = tokBad
	}
}
