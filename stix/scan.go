package stix

import "bytes"

// maxKinds is how many levels of brackets have their kind remembered. Deeper
// ones are only counted; such an object is over the limit of depth anyway.
const maxKinds = 1 << 16

// boundary finds the end of a JSON value by counting brackets and strings. It
// is fed the bytes of the value in any portions.
type boundary struct {
	depth    int
	kinds    []uint64 // one bit per level: set for an object
	inString bool
	slash    bool // the portion before ended within a string, in an odd number of backslashes
	lists    bool // stop before every array that is a direct member of the outermost value
	pass     bool // go past the array it stopped before
}

// event is why [boundary.feed] stopped.
type event uint8

const (
	eventMore event = iota // all bytes are read and the value goes on
	eventEnd               // the value ends with the byte read last
	eventBad               // the byte it stands at closes what is not open
	eventList              // the byte it stands at is a [ at depth 1
)

// feed reads b and returns how many bytes it took.
func (s *boundary) feed(b []byte) (int, event) {
	i := 0
	for i < len(b) {
		if s.inString {
			n, closed := s.stringEnd(b[i:])
			i += n
			if !closed {
				return i, eventMore
			}
			s.inString = false
			if s.depth == 0 {
				return i, eventEnd
			}
			continue
		}
		switch b[i] {
		case '"':
			s.inString = true
		case '{':
			s.open(true)
		case '[':
			if s.lists && s.depth == 1 && !s.pass {
				return i, eventList
			}
			s.pass = false
			s.open(false)
		case '}', ']':
			if !s.close(b[i] == '}') {
				return i, eventBad
			}
			if s.depth == 0 {
				return i + 1, eventEnd
			}
		}
		i++
	}
	return i, eventMore
}

// stringEnd returns the index after the quote that ends the string b is in.
func (s *boundary) stringEnd(b []byte) (int, bool) {
	for i := 0; ; {
		q := bytes.IndexByte(b[i:], '"')
		end := i + q
		if q < 0 {
			end = len(b)
		}
		n := 0
		for end-1-n >= 0 && b[end-1-n] == '\\' {
			n++
		}
		odd := n%2 == 1
		if n == end {
			odd = odd != s.slash
		}
		if q < 0 {
			s.slash = odd
			return end, false
		}
		if i = end + 1; !odd {
			s.slash = false
			return i, true
		}
	}
}

func (s *boundary) open(object bool) {
	if s.depth < maxKinds {
		word, bit := s.depth/64, uint64(1)<<(s.depth%64)
		if word == len(s.kinds) {
			s.kinds = append(s.kinds, 0)
		}
		if object {
			s.kinds[word] |= bit
		} else {
			s.kinds[word] &^= bit
		}
	}
	s.depth++
}

func (s *boundary) close(object bool) bool {
	if s.depth == 0 {
		return false
	}
	top := s.depth - 1
	if top < maxKinds && (s.kinds[top/64]>>(top%64)&1 == 1) != object {
		return false
	}
	s.depth = top
	return true
}

// reset makes s ready for another value.
func (s *boundary) reset() { *s = boundary{kinds: s.kinds} }

// endsInObjects reports whether b ends in the name "objects" and a colon, so
// that a [ after it begins the list of a bundle.
func endsInObjects(b []byte) bool {
	b = trimSpaceRight(b)
	if len(b) == 0 || b[len(b)-1] != ':' {
		return false
	}
	b, ok := bytes.CutSuffix(trimSpaceRight(b[:len(b)-1]), []byte(`"objects"`))
	b = trimSpaceRight(b)
	return ok && len(b) > 0 && (b[len(b)-1] == '{' || b[len(b)-1] == ',')
}

func trimSpaceRight(b []byte) []byte {
	n := len(b)
	for n > 0 && (b[n-1] == ' ' || b[n-1] == '\n' || b[n-1] == '\t' || b[n-1] == '\r') {
		n--
	}
	return b[:n]
}
