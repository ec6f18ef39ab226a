package pattern

import (
	"fmt"
	"unicode/utf8"
)

// Position is a place in a pattern.
type Position struct {
	Line   int // from 1; lines end with a line feed
	Column int // from 1, in code points
	Byte   int // from 0
}

// Error says what is wrong with a pattern, and where.
type Error struct {
	Position
	// Reason says what was found and what was expected.
	Reason string
	// Remedy says what to do about it.
	Remedy string
}

// Error returns place, reason and remedy in one line.
func (e *Error) Error() string {
	return fmt.Sprintf("pattern: line %d, column %d (byte %d): %s; %s", e.Line, e.Column, e.Byte, e.Reason, e.Remedy)
}

// positions finds the line and column of bytes in order, without counting twice.
type positions struct {
	text string
	last Position
}

// of returns the place of byte i. Bytes should be asked for in order.
func (p *positions) of(i int) Position {
	if p.last.Line == 0 || i < p.last.Byte {
		p.last = Position{Line: 1, Column: 1}
	}
	for p.last.Byte < min(i, len(p.text)) {
		if p.text[p.last.Byte] == '\n' {
			p.last.Byte++
			p.last.Line++
			p.last.Column = 1
			continue
		}
		_, n := utf8.DecodeRuneInString(p.text[p.last.Byte:])
		p.last.Byte += n
		p.last.Column++
	}
	return p.last
}
