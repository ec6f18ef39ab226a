package stix

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"unicode/utf8"
)

// maxExact is the largest integer of STIX, 2^53-1, in decimal.
//
// Source: stix-2.1 §2.10; rfc7493 §2.2.
const maxExact = "9007199254740991"

// manyNames is the number of names in one object from which duplicates are
// found by sorting at its end instead of comparing each with all before it.
const manyNames = 32

// nameRoom is how many open names an object has without an allocation.
const nameRoom = 48

// nameRef is a member name that is still open to comparison. It lies in the
// input, or unescaped in the arena.
type nameRef struct {
	sig        uint32
	start, end uint32 // inside the quotes; the high bit of start says: in the arena
	at         uint32 // where the name begins in the input
}

// high marks a position as something other than one in the input. Positions
// stay below it since objects are smaller than 2 GiB.
const high = 1 << 31

// checker checks that bytes are one strict JSON value: the full grammar of RFC
// 8259, UTF-8, no lone surrogate, no name twice in an object at any depth, no
// number that a double cannot hold.
//
// The names of open objects are kept apart, in a nameStack whose room is on the
// stack of the caller, so that an ordinary object costs no allocation here.
type checker struct {
	b       []byte
	lim     Limits
	tokens  int
	bigInts bool     // accept integers beyond 2^53-1
	escaped bool     // whether the string read last holds an escape
	members []member // where the members of the outermost object go
	index   bool     // whether to fill members
	arena   []byte   // unescaped names
	err     *Error
}

// nameStack holds the names of the objects that are open, outermost first.
type nameStack struct {
	list []nameRef // room; the first n are in use
	n    int
}

func (s *nameStack) push(n nameRef) {
	if s.n == len(s.list) {
		// Not append: the compiler would then move the first room to the heap.
		more := make([]nameRef, 2*len(s.list)+nameRoom)
		copy(more, s.list)
		s.list = more
	}
	s.list[s.n] = n
	s.n++
}

// check reads one value from b, with white space around it, and nothing else.
func (c *checker) check(names *nameStack) *Error {
	i := skipSpace(c.b, 0)
	if i == len(c.b) {
		return &Error{Offset: int64(i), Reason: "there is no JSON value", Remedy: "check that the whole text was copied"}
	}
	i = c.value(i, 0, names)
	if c.err != nil {
		return c.err
	}
	if i = skipSpace(c.b, i); i != len(c.b) {
		c.fail(i, "text after the end of the value: "+quoteByte(c.b[i]), "keep one JSON value and remove what follows it")
	}
	return c.err
}

func (c *checker) fail(at int, reason, remedy string) int {
	if c.err == nil {
		c.err = &Error{Offset: int64(at), Reason: reason, Remedy: remedy}
	}
	return len(c.b)
}

func (c *checker) failEnd(what string) int {
	return c.fail(len(c.b), "the text ends inside "+what, "fetch the file again; it was cut short")
}

// value reads the value that begins at i and returns the index after it. After
// a failure it returns len(c.b).
func (c *checker) value(i, depth int, names *nameStack) int {
	if c.tokens++; c.tokens > c.lim.Tokens {
		return c.fail(i, fmt.Sprintf("more than %d tokens", c.lim.Tokens), "split the object, or raise the limit of tokens")
	}
	switch b := c.b[i]; b {
	case '"':
		return c.str(i)
	case '{':
		return c.object(i, depth+1, names)
	case '[':
		return c.array(i, depth+1, names)
	case 't':
		return c.literal(i, "true")
	case 'f':
		return c.literal(i, "false")
	case 'n':
		return c.literal(i, "null")
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return c.number(i)
	default:
		return c.fail(i, "a value cannot begin with "+quoteByte(b), "write an object, array, string, number, true, false or null here")
	}
}

func (c *checker) literal(i int, want string) int {
	if len(c.b)-i < len(want) || string(c.b[i:i+len(want)]) != want {
		return c.fail(i, "a value cannot begin with "+quoteByte(c.b[i]), "write text values in double quotes; the only bare words are true, false and null")
	}
	return i + len(want)
}

func (c *checker) array(i, depth int, names *nameStack) int {
	if depth > c.lim.Depth {
		return c.tooDeep(i)
	}
	i = skipSpace(c.b, i+1)
	if i < len(c.b) && c.b[i] == ']' {
		return i + 1
	}
	for {
		if i >= len(c.b) {
			return c.failEnd("an array")
		}
		i = c.value(i, depth, names)
		if c.err != nil {
			return i
		}
		i = skipSpace(c.b, i)
		if i >= len(c.b) {
			return c.failEnd("an array")
		}
		switch c.b[i] {
		case ',':
			i = skipSpace(c.b, i+1)
			continue
		case ']':
			return i + 1
		}
		return c.fail(i, "want a comma or ] in an array, got "+quoteByte(c.b[i]), "separate the elements with commas")
	}
}

func (c *checker) tooDeep(i int) int {
	return c.fail(i, fmt.Sprintf("nested more than %d deep", c.lim.Depth), "flatten the object, or raise the limit of depth")
}

func (c *checker) object(i, depth int, names *nameStack) int {
	if depth > c.lim.Depth {
		return c.tooDeep(i)
	}
	first, firstArena := names.n, len(c.arena)
	i = skipSpace(c.b, i+1)
	if i < len(c.b) && c.b[i] == '}' {
		return i + 1
	}
	for {
		if i >= len(c.b) {
			return c.failEnd("an object")
		}
		if c.b[i] != '"' {
			return c.fail(i, "want a member name in double quotes, got "+quoteByte(c.b[i]), "write names in double quotes, with no comma after the last member")
		}
		name := i
		i = c.str(i)
		if c.err != nil {
			return i
		}
		nameEnd, esc := i, c.escaped
		if c.name(name, nameEnd, esc, first, names); c.err != nil {
			return i
		}
		i = skipSpace(c.b, i)
		if i >= len(c.b) {
			return c.failEnd("an object")
		}
		if c.b[i] != ':' {
			return c.fail(i, "want a colon after a member name, got "+quoteByte(c.b[i]), "write \"name\": value")
		}
		i = skipSpace(c.b, i+1)
		if i >= len(c.b) {
			return c.failEnd("an object")
		}
		value := i
		i = c.value(i, depth, names)
		if c.err != nil {
			return i
		}
		if depth == 1 && c.index {
			m := member{uint32(name + 1), uint32(nameEnd - 1), uint32(value), uint32(i)}
			if esc {
				m.name |= high
			}
			c.members = append(c.members, m)
		}
		i = skipSpace(c.b, i)
		if i >= len(c.b) {
			return c.failEnd("an object")
		}
		switch c.b[i] {
		case ',':
			i = skipSpace(c.b, i+1)
			continue
		case '}':
			c.closeNames(first, firstArena, names)
			if c.err != nil {
				return len(c.b)
			}
			return i + 1
		}
		return c.fail(i, "want a comma or } in an object, got "+quoteByte(c.b[i]), "separate the members with commas")
	}
}

// name notes the name in b[at:end], quotes included, of the object whose names
// begin at first, and refuses it if it is there already.
func (c *checker) name(at, end int, escaped bool, first int, names *nameStack) {
	if c.tokens++; c.tokens > c.lim.Tokens {
		c.fail(at, fmt.Sprintf("more than %d tokens", c.lim.Tokens), "split the object, or raise the limit of tokens")
		return
	}
	n := nameRef{start: uint32(at + 1), end: uint32(end - 1), at: uint32(at)}
	if escaped {
		n.start = uint32(len(c.arena)) | high
		c.arena = appendUnescaped(c.arena, c.b[at+1:end-1])
		n.end = uint32(len(c.arena))
	}
	text := c.text(n)
	if l := len(text); l > 0 {
		n.sig = uint32(l) | uint32(text[0])<<8 | uint32(text[l/2])<<16 | uint32(text[l-1])<<24
	}
	if names.n-first < manyNames {
		for _, o := range names.list[first:names.n] {
			if o.sig == n.sig && bytes.Equal(c.text(o), text) {
				c.twice(n)
				return
			}
		}
	}
	names.push(n)
}

func (c *checker) text(n nameRef) []byte {
	if n.start&high != 0 {
		return c.arena[n.start&^high : n.end]
	}
	return c.b[n.start:n.end]
}

func (c *checker) twice(n nameRef) {
	c.fail(int(n.at), "the name "+quote(c.text(n))+" appears twice in one object", "remove one of the two; which one was meant cannot be known")
}

// closeNames ends the object whose names begin at first.
func (c *checker) closeNames(first, firstArena int, names *nameStack) {
	if own := names.list[first:names.n]; len(own) > manyNames {
		slices.SortFunc(own, func(x, y nameRef) int {
			if d := bytes.Compare(c.text(x), c.text(y)); d != 0 {
				return d
			}
			return int(x.at) - int(y.at)
		})
		for k := 1; k < len(own); k++ {
			if bytes.Equal(c.text(own[k-1]), c.text(own[k])) {
				c.twice(own[k])
				return
			}
		}
	}
	names.n, c.arena = first, c.arena[:firstArena]
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// special returns a mask whose lowest set bit belongs to the first byte of w
// that is a quote, a backslash, a control character or not ASCII; 0 if there is
// none. Bits above the lowest mean nothing.
func special(w uint64) uint64 {
	q := w ^ ones*'"'
	s := w ^ ones*'\\'
	return ((q-ones)&^q | (s-ones)&^s | (w-ones*0x20)&^w | w) & highs
}

// str reads the string whose opening quote is at i.
func (c *checker) str(i int) int {
	b, start := c.b, i+1
	c.escaped = false
	i++
	for {
		for len(b)-i >= 8 {
			m := special(binary.LittleEndian.Uint64(b[i:]))
			if m != 0 {
				i += bits.TrailingZeros64(m) >> 3
				break
			}
			i += 8
		}
		if i >= len(b) {
			return c.failEnd("a string")
		}
		switch ch := b[i]; {
		case ch == '"':
			if i-start > c.lim.StringBytes {
				return c.fail(start-1, fmt.Sprintf("a string of %d bytes, more than %d", i-start, c.lim.StringBytes), "move the content to a file and refer to it, or raise the limit of string bytes")
			}
			return i + 1
		case ch == '\\':
			c.escaped = true
			n := escapeLen(b[i:])
			if n <= 0 {
				return c.badEscape(i, n)
			}
			i += n
		case ch < 0x20:
			return c.fail(i, fmt.Sprintf("a control character U+%04X inside a string", ch), "write it as an escape, for example \\n for a new line")
		case ch < utf8.RuneSelf:
			i++
		default:
			r, n := utf8.DecodeRune(b[i:])
			if r == utf8.RuneError && n <= 1 {
				return c.fail(i, fmt.Sprintf("the byte 0x%02X is not UTF-8", ch), "save the file as UTF-8 and send it again")
			}
			i += n
		}
	}
}

func (c *checker) badEscape(i, n int) int {
	if n < 0 {
		return c.fail(i, "a lone surrogate "+quote(c.b[i:min(i+6, len(c.b))]), "write characters beyond U+FFFF as a pair of \\u escapes, or as they are")
	}
	if i+1 < len(c.b) && c.b[i+1] != 'u' {
		return c.fail(i, "an unknown escape \\ followed by "+quoteByte(c.b[i+1]), "write a backslash itself as \\\\")
	}
	return c.fail(i, "a \\u escape without four hexadecimal digits", "write a backslash itself as \\\\")
}

// escapeLen returns the length of the escape at the beginning of b: 2, 6, or 12
// for a pair of surrogates; 0 for no escape, -1 for a lone surrogate.
func escapeLen(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		r, ok := hex4(b, 2)
		switch {
		case !ok:
			return 0
		case r < 0xD800 || r > 0xDFFF:
			return 6
		case r >= 0xDC00 || len(b) < 12 || b[6] != '\\' || b[7] != 'u':
			return -1
		}
		low, ok := hex4(b, 8)
		if !ok || low < 0xDC00 || low > 0xDFFF {
			return -1
		}
		return 12
	}
	return 0
}

// hex4 reads four hexadecimal digits at i.
func hex4(b []byte, i int) (rune, bool) {
	if len(b) < i+4 {
		return 0, false
	}
	var r rune
	for _, ch := range b[i : i+4] {
		d := hexDigit(ch)
		if d < 0 {
			return 0, false
		}
		r = r<<4 | rune(d)
	}
	return r, true
}

// hexDigit returns the value of a hexadecimal digit, or -1.
func hexDigit(ch byte) int { return int(hexDigits[ch]) }

var hexDigits = func() (t [256]int8) {
	for i := range t {
		t[i] = -1
	}
	for i := range int8(10) {
		t['0'+i] = i
	}
	for i := range int8(6) {
		t['a'+i], t['A'+i] = 10+i, 10+i
	}
	return t
}()

// number reads the number that begins at i.
func (c *checker) number(i int) int {
	b, start := c.b, i
	const remedy = "write numbers as -1, 0.5 or 2e3, without leading zeros"
	if b[i] == '-' {
		i++
	}
	first := i
	i = digits(b, i)
	switch {
	case i == first:
		return c.fail(start, "a number without digits", remedy)
	case b[first] == '0' && i > first+1:
		return c.fail(start, "a number with a leading zero", remedy)
	}
	whole, integer, exponent := i-first, true, false
	if i < len(b) && b[i] == '.' {
		integer = false
		f := i + 1
		if i = digits(b, f); i == f {
			return c.fail(start, "a number without digits after the point", remedy)
		}
	}
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		integer, exponent = false, true
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		f := i
		if i = digits(b, f); i == f {
			return c.fail(start, "a number without digits in its exponent", remedy)
		}
	}
	if integer && !c.bigInts && (whole > len(maxExact) || whole == len(maxExact) && string(b[first:i]) > maxExact) {
		return c.fail(start, "the integer "+quoteNumber(b[start:i])+" is beyond 2^53-1", "write it as a string; programs lose its last digits")
	}
	if exponent || whole > 300 {
		if _, err := strconv.ParseFloat(string(b[start:i]), 64); err != nil {
			return c.fail(start, "the number "+quoteNumber(b[start:i])+" is larger than a double can hold", "write it as a string")
		}
	}
	return i
}

func digits(b []byte, i int) int {
	for i < len(b) && b[i] >= '0' && b[i] <= '9' {
		i++
	}
	return i
}

// skipSpace returns the index of the first byte from i on that is not white
// space.
func skipSpace(b []byte, i int) int {
	for i < len(b) && b[i] <= ' ' && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// appendUnescaped appends the inside of a valid JSON string to dst, escapes
// replaced.
func appendUnescaped(dst, s []byte) []byte {
	for {
		i := bytes.IndexByte(s, '\\')
		if i < 0 {
			return append(dst, s...)
		}
		dst, s = append(dst, s[:i]...), s[i:]
		n := escapeLen(s)
		switch n {
		case 2:
			ch := s[1]
			switch ch {
			case 'b':
				ch = '\b'
			case 'f':
				ch = '\f'
			case 'n':
				ch = '\n'
			case 'r':
				ch = '\r'
			case 't':
				ch = '\t'
			}
			dst = append(dst, ch)
		case 6:
			r, _ := hex4(s, 2)
			dst = utf8.AppendRune(dst, r)
		case 12:
			hi, _ := hex4(s, 2)
			lo, _ := hex4(s, 8)
			dst = utf8.AppendRune(dst, (hi-0xD800)<<10+(lo-0xDC00)+0x10000)
		default:
			return utf8.AppendRune(dst, utf8.RuneError)
		}
		s = s[n:]
	}
}

// skipValue returns the index after the value that begins at i of valid JSON;
// on other bytes it returns some index in (i, len(b)], or len(b).
func skipValue(b []byte, i int) int {
	if i >= len(b) {
		return len(b)
	}
	switch b[i] {
	case '"':
		return skipString(b, i)
	case '{', '[':
		depth := 0
		for i < len(b) {
			switch b[i] {
			case '"':
				i = skipString(b, i)
				continue
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1
				}
			}
			i++
		}
		return len(b)
	}
	for i++; i < len(b); i++ {
		switch b[i] {
		case ',', ']', '}', ' ', '\n', '\t', '\r', ':':
			return i
		}
	}
	return len(b)
}

// skipString returns the index after the string whose opening quote is at i.
func skipString(b []byte, i int) int {
	for i++; i < len(b); {
		q := bytes.IndexByte(b[i:], '"')
		if q < 0 {
			return len(b)
		}
		i += q
		n := 0
		for k := i - 1; b[k] == '\\'; k-- {
			n++
		}
		i++
		if n%2 == 0 {
			return i
		}
	}
	return len(b)
}

// quote quotes text for a message, cut to a readable length.
func quote(b []byte) string {
	const most = 60
	if len(b) <= most {
		return strconv.Quote(string(b))
	}
	cut := most
	for cut > most-utf8.UTFMax && !utf8.RuneStart(b[cut]) {
		cut--
	}
	return strconv.Quote(string(b[:cut])) + "…"
}

func quoteNumber(b []byte) string {
	if len(b) > 40 {
		return string(b[:40]) + "…"
	}
	return string(b)
}

func quoteByte(ch byte) string {
	if ch < utf8.RuneSelf && strconv.IsPrint(rune(ch)) {
		return "'" + string(rune(ch)) + "'"
	}
	return fmt.Sprintf("byte 0x%02X", ch)
}
