package stix

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"
)

const (
	// blockBytes is the size of the blocks that objects are cut from. An object
	// that is kept keeps its block.
	blockBytes = 1 << 20
	// firstBlockBytes is the size of the first block, for small inputs.
	firstBlockBytes = 64 << 10
	// problemBytes is how much of a long piece is kept in a Problem.
	problemBytes = 64 << 10
)

// Problem is a piece of an input that could not be read and is set aside. The
// pieces around it are read all the same.
type Problem struct {
	// Offset is where the piece begins: a byte of the (unpacked) file, from 0.
	Offset int64
	// Place says where the fault was seen, such as "byte 1204, object 7".
	Place string
	// Reason says what is wrong.
	Reason string
	// Remedy says what whoever sent it can do.
	Remedy string
	// Raw is the piece, or its beginning if it is longer than an object may be
	// or goes on to the end of the file. It may be empty. Of a bundle whose
	// objects were read it is what stands around them, with null for their list.
	Raw []byte
	// Size is the length of the piece in bytes; what Raw lacks stands in the
	// file from Offset on.
	Size  int64
	cause error
}

// Error implements error.
func (p *Problem) Error() string { return "stix: " + p.Place + ": " + p.Reason }

// Unwrap returns the cause, such as [ErrTruncated], or nil.
func (p *Problem) Unwrap() error { return p.cause }

// Item is one object, or one piece that is none.
type Item struct {
	Object  *Object  // nil if there is a Problem
	Problem *Problem // nil if there is an Object
	Offset  int64    // where it begins: a byte of the (unpacked) file, from 0
	Index   int      // its number among the objects of the file, from 1; 0 if it is not among them
	File    string   // the name of the file inside a .zip, else empty
}

// Reader reads objects one by one out of a bundle, an envelope of TAXII, an
// array of objects or bundles, one object alone, or any number of these after
// one another (lines of JSON); plain, or packed as .gz or .zip. It holds no more
// than the longest object and one block of input.
//
// Where the objects begin and end is found by counting brackets and strings;
// each is then read strictly by itself, so that a fault inside one sets aside
// that one alone. Where brackets do not match, all from the beginning of that
// piece to the end of the file is set aside.
type Reader struct {
	lim   Limits
	name  string
	src   io.Reader
	files *Files

	file    string
	in      io.Reader // the file being read; nil between files
	inErr   error     // what in said at its end
	buf     []byte
	pos     int   // where the unread bytes begin in buf
	end     int   // where the bytes in buf end
	shared  bool  // whether pieces were cut from buf
	base    int64 // the offset of buf[0] in the file
	scan    boundary
	place   place
	array   bool // whether the file is inside a top-level array
	comma   bool // whether a value must come after a comma
	seen    bool // whether the file has had a value
	index   int
	wrapper wrapper

	queue    []Item
	head     int // the items of queue before it are returned
	problems int
	dropped  int // problems beyond the limit
	first    *Problem
	done     bool
}

// place is what the reader expects next.
type place uint8

const (
	placeStart place = iota // nothing of the file is read
	placeTop                // a value, or the end of the file
	placeArray              // an element of the top-level array, or its end
	placeList               // an object of a bundle, or the end of its list
)

// wrapper is the bundle around the objects being read.
type wrapper struct {
	offset int64
	prefix []byte // the bytes before its list
	count  int
}

// NewReader returns a Reader of an input called name. If r is a .zip it must
// also be an [io.ReaderAt] with a known end, as a file is; see [OpenStream].
func NewReader(r io.Reader, name string, lim Limits) *Reader {
	return &Reader{lim: lim.withDefaults(), name: name, src: r}
}

// Next returns the next object or problem in the order of the input. At the end
// the error is [io.EOF]; any other error is one of the reader underneath, and
// all that was read before it has been returned.
//
// Objects stay good after further calls. After [Limits].Problems problems the
// objects are still returned, and one last Problem tells how many more there
// were and where the first of them is.
func (r *Reader) Next() (Item, error) {
	for {
		if r.head < len(r.queue) {
			item := r.queue[r.head]
			if r.head++; r.head == len(r.queue) {
				r.queue, r.head = r.queue[:0], 0
			}
			return item, nil
		}
		if r.done {
			return Item{}, io.EOF
		}
		if r.in == nil {
			if err := r.nextFile(); err != nil {
				return Item{}, err
			}
			continue
		}
		if err := r.step(); err != nil {
			return Item{}, err
		}
	}
}

// nextFile begins the next file, or notes that there is none.
func (r *Reader) nextFile() error {
	if r.files == nil {
		files, err := OpenStream(r.src, r.name, r.lim)
		if err != nil {
			return r.refuse(err, true)
		}
		r.files = files
	}
	name, in, err := r.files.Next()
	if r.files.zip != nil {
		r.file = name
	}
	if errors.Is(err, io.EOF) {
		r.finish()
		return nil
	}
	r.base, r.pos, r.end, r.index, r.buf = 0, 0, 0, 0, nil
	r.shared = false
	r.inErr, r.place, r.array, r.comma, r.seen = nil, placeStart, false, false, false
	if err != nil {
		return r.refuse(err, false)
	}
	r.in = in
	return nil
}

// refuse makes a problem of a fault of packing and returns any other.
func (r *Reader) refuse(err error, all bool) error {
	var e *Error
	if !errors.As(err, &e) {
		r.done = true
		return err
	}
	r.problem(r.base+int64(r.end), e, nil, 0, 0)
	if all {
		r.finish()
	}
	return nil
}

// finish ends the input, with the problem that stands for those dropped.
func (r *Reader) finish() {
	r.done = true
	if r.dropped > 0 {
		p := *r.first
		p.Reason = fmt.Sprintf("%d more pieces could not be read, after the first %d; the first of them: %s", r.dropped, r.problems, p.Reason)
		r.queue = append(r.queue, Item{Problem: &p, Offset: p.Offset, File: r.file})
	}
}

// problem sets a piece aside. e.Offset is counted from the beginning of the
// piece.
func (r *Reader) problem(offset int64, e *Error, raw []byte, size int64, index int) {
	if r.problems >= r.lim.Problems {
		if r.dropped++; r.dropped > 1 {
			return
		}
	}
	at := "byte " + strconv.FormatInt(offset+e.Offset, 10)
	if index > 0 {
		at += ", object " + strconv.Itoa(index)
	}
	if r.file != "" {
		at = "file " + quote([]byte(r.file)) + ", " + at
	}
	p := &Problem{Offset: offset, Place: at, Reason: e.Reason, Remedy: e.Remedy, Raw: raw, Size: max(size, int64(len(raw))), cause: e.cause}
	if r.dropped > 0 {
		p.Raw = bytes.Clone(p.Raw[:min(len(p.Raw), problemBytes)])
		r.first = p
		return
	}
	r.problems++
	r.queue = append(r.queue, Item{Problem: p, Offset: offset, Index: index, File: r.file})
}

func (r *Reader) offset() int64 { return r.base + int64(r.pos) }

// fill reads more bytes behind those that are unread and reports whether there
// are any. It moves the unread bytes to a new block when the old one is full, so
// that what was cut from it stays.
func (r *Reader) fill() bool {
	if r.inErr != nil {
		return false
	}
	if r.end == len(r.buf) {
		unread := r.end - r.pos
		size := firstBlockBytes
		if r.buf != nil {
			size = max(blockBytes, 2*unread)
		}
		block := make([]byte, size)
		copy(block, r.buf[r.pos:r.end])
		r.base += int64(r.pos)
		r.buf, r.pos, r.end, r.shared = block, 0, unread, false
	}
	const tries = 100
	for range tries {
		n, err := r.in.Read(r.buf[r.end:])
		r.end += n
		if err != nil {
			r.inErr = err
			return n > 0
		}
		if n > 0 {
			return true
		}
	}
	r.inErr = io.ErrNoProgress
	return false
}

// drop forgets the bytes at hand and makes room, in a new block if pieces were
// cut from the old one.
func (r *Reader) drop() {
	r.base += int64(r.end)
	r.pos, r.end = 0, 0
	if r.shared || len(r.buf) != blockBytes {
		r.buf, r.shared = make([]byte, blockBytes), false
	}
}

// take cuts the next n bytes out.
func (r *Reader) take(n int) []byte {
	b := r.buf[r.pos : r.pos+n : r.pos+n]
	r.pos += n
	r.shared = true
	return b
}

// peek returns the next byte that is not white space, without taking it.
func (r *Reader) peek() (byte, bool) {
	for {
		r.pos += skipSpace(r.buf[r.pos:r.end], 0)
		if r.pos < r.end {
			return r.buf[r.pos], true
		}
		if !r.fill() {
			return 0, false
		}
	}
}

// step reads one value or one mark between values.
func (r *Reader) step() error {
	if r.place == placeStart {
		return r.start()
	}
	ch, ok := r.peek()
	if !ok {
		return r.endOfFile()
	}
	switch {
	case r.place == placeTop:
		r.topValue(ch)
	case ch == ',':
		if !r.comma {
			r.note("a comma without a value before it", "remove the comma")
		}
		r.pos++
		r.comma = false
		if next, ok := r.peek(); ok && next == ']' {
			r.note("a comma without a value after it", "remove the comma")
		}
	case ch == ']':
		r.pos++
		if r.place == placeList {
			r.endOfList()
			return nil
		}
		r.place, r.array = placeTop, false
	case ch == '}' || ch == ':':
		r.rest(r.mismatch(0, " between the elements of a list"), 0)
	default:
		if r.comma {
			r.note("no comma between two values", "separate the elements of a list with commas")
		}
		r.comma = true
		r.element(ch)
	}
	return nil
}

// mismatch says that the byte n after the unread ones begin closes, or parts,
// what is not open.
func (r *Reader) mismatch(n int, where string) *Error {
	return &Error{
		Offset: int64(n),
		Reason: "the brackets do not match: got " + quoteByte(r.buf[r.pos+n]) + where,
		Remedy: "check that the file is whole and valid JSON",
	}
}

// note tells of a fault between values, where there are no bytes to set aside.
func (r *Reader) note(reason, remedy string) {
	r.problem(r.offset(), &Error{Reason: reason, Remedy: remedy}, nil, 0, 0)
}

// start looks at the first bytes of a file.
func (r *Reader) start() error {
	for r.end-r.pos < 4 && r.fill() {
		continue
	}
	b := r.buf[r.pos:r.end]
	if wide, name := wideEncoding(b); wide {
		r.rest(&Error{Reason: "the file is written in " + name + ", want UTF-8", Remedy: "save the file as UTF-8 and send it again"}, 0)
		return nil
	}
	if bytes.HasPrefix(b, []byte("\xef\xbb\xbf")) {
		r.problem(0, &Error{Reason: "the file begins with a byte order mark, which JSON does not allow; the rest was read", Remedy: "save the file as UTF-8 without a byte order mark"}, r.take(3), 3, 0)
	}
	r.place = placeTop
	ch, ok := r.peek()
	switch {
	case !ok && r.inErr == io.EOF: //nolint:errorlint // io.EOF itself is the end; wrapped it is not
		reason := "the file is empty"
		if r.offset() > 0 {
			reason = "the file holds nothing but white space"
		}
		r.problem(0, &Error{Reason: reason, Remedy: "check that the file was saved and sent whole"}, nil, r.offset(), 0)
	case ok && ch != '{' && ch != '[':
		r.rest(&Error{Reason: "the file begins with " + quoteByte(ch) + ", want { or [", Remedy: "give a STIX bundle, an array of objects, or one object per line"}, 0)
	}
	return nil
}

// wideEncoding tells UTF-16 and UTF-32 by their byte order marks or by the zeros
// around ASCII.
func wideEncoding(b []byte) (bool, string) {
	if len(b) < 4 {
		return len(b) >= 2 && (string(b[:2]) == "\xff\xfe" || string(b[:2]) == "\xfe\xff"), "UTF-16"
	}
	zeros := [4]bool{b[0] == 0, b[1] == 0, b[2] == 0, b[3] == 0}
	switch {
	case string(b[:4]) == "\xff\xfe\x00\x00", string(b[:4]) == "\x00\x00\xfe\xff",
		zeros == [4]bool{true, true, true, false}, zeros == [4]bool{false, true, true, true}:
		return true, "UTF-32"
	case string(b[:2]) == "\xff\xfe", string(b[:2]) == "\xfe\xff",
		zeros == [4]bool{true, false, true, false}, zeros == [4]bool{false, true, false, true}:
		return true, "UTF-16"
	}
	return false, ""
}

// endOfFile ends a file where the unread bytes hold no part of a value.
func (r *Reader) endOfFile() error {
	err := r.inErr
	var e *Error
	switch {
	case errors.As(err, &e):
		r.problem(r.offset(), e, nil, 0, 0)
		err = nil
	case err == io.EOF: //nolint:errorlint // io.EOF itself is the end; wrapped it is not
		switch r.place {
		case placeList:
			r.note(fmt.Sprintf("the file ends inside a bundle, after %d of its objects", r.wrapper.count), "fetch the file again; it was cut short")
		case placeArray:
			r.note("the file ends inside an array", "fetch the file again; it was cut short")
		default:
		}
		err = nil
	default:
		r.done = true
	}
	r.in, r.buf = nil, nil
	if err != nil {
		return fmt.Errorf("stix: %s: %w", r.name, err)
	}
	return nil
}

// topValue reads a value outside of any list.
func (r *Reader) topValue(ch byte) {
	switch {
	case ch == '{':
		r.element(ch)
	case ch == '[' && !r.seen:
		r.pos++
		r.place, r.array, r.comma = placeArray, true, false
	case ch == '[':
		r.element(ch)
	case ch == '}' || ch == ']' || ch == ',' || ch == ':':
		r.rest(r.mismatch(0, " after the end of a value"), 0)
	default:
		r.index++
		at, index := r.offset(), r.index
		raw, size := r.line()
		r.problem(at, &Error{Reason: "want an object, got a line that begins with " + quoteByte(ch), Remedy: "give one JSON object per line"}, raw, size, index)
	}
	r.seen = true
}

// line takes the rest of the line, and returns its beginning and its length.
func (r *Reader) line() ([]byte, int64) {
	n := 0
	for {
		if i := bytes.IndexByte(r.buf[r.pos+n:r.end], '\n'); i >= 0 {
			b := r.take(n + i)
			return b, int64(len(b))
		}
		if n = r.end - r.pos; n > r.lim.ObjectBytes || !r.fill() {
			break
		}
	}
	if n <= r.lim.ObjectBytes {
		return r.take(n), int64(n)
	}
	raw := bytes.Clone(r.buf[r.pos : r.pos+min(n, problemBytes)])
	size := int64(n)
	for r.drop(); r.fill(); r.drop() {
		if i := bytes.IndexByte(r.buf[r.pos:r.end], '\n'); i >= 0 {
			r.pos += i
			return raw, size + int64(i)
		}
		size += int64(r.end - r.pos)
	}
	return raw, size
}

// element reads the value that begins with the next byte, ch.
func (r *Reader) element(ch byte) {
	if ch != '{' && ch != '[' && ch != '"' {
		r.scalar(ch)
		return
	}
	r.index++
	r.scan.reset()
	r.scan.lists = ch == '{' && r.place != placeList
	n := 0
	for {
		k, ev := r.scan.feed(r.buf[r.pos+n : r.end])
		n += k
		switch {
		case ev == eventBad:
			r.rest(r.mismatch(n, ""), r.index)
			return
		case n > r.lim.ObjectBytes:
			r.oversized(n, ev == eventEnd)
			return
		case ev == eventEnd:
			r.piece(n)
			return
		case ev == eventList:
			if endsInObjects(r.buf[r.pos:r.pos+n]) && r.enterBundle(n) {
				return
			}
			r.scan.pass = true
			continue
		}
		if !r.fill() {
			r.cut(n)
			return
		}
	}
}

// piece reads the object of n bytes at hand.
func (r *Reader) piece(n int) {
	at, raw := r.offset(), r.take(n)
	o, err := parse(raw, r.lim)
	if err == nil && o.class == ClassBundle {
		o, err = nil, r.bundleFault(o)
	}
	if err != nil {
		r.problem(at, err, raw, int64(n), r.index)
		return
	}
	r.wrapper.count++
	r.queue = append(r.queue, Item{Object: o, Offset: at, Index: r.index, File: r.file})
}

// bundleFault says why a bundle has come where an object should be.
func (r *Reader) bundleFault(o *Object) *Error {
	list, ok := o.Get("objects")
	switch {
	case r.place == placeList:
		return &Error{Reason: "a bundle inside a bundle", Remedy: "put the objects of the inner bundle into the outer one"}
	case !ok:
		return &Error{Reason: "the bundle has no \"objects\"", Remedy: "check that the export was complete; a bundle lists its objects in \"objects\""}
	case Kind(list) != '[':
		return &Error{Offset: int64(cap(o.raw) - cap(list)), Reason: "\"objects\" of the bundle is " + kindName(Kind(list)) + ", want an array", Remedy: "list the objects in brackets: \"objects\": [ … ]"}
	}
	return &Error{Reason: "the name \"objects\" of the bundle is written with escapes", Remedy: "write the name plainly"}
}

// scalar takes an element of a list that is no object, array or string.
func (r *Reader) scalar(ch byte) {
	r.index++
	at, n := r.offset(), 0
	for {
		if n = skipValue(r.buf[r.pos:r.end], 0); n < r.end-r.pos || n > problemBytes || !r.fill() {
			break
		}
	}
	raw := r.take(n)
	reason := "want an object, got " + kindName(Kind(raw))
	if Kind(raw) == 0 {
		reason = "a value cannot begin with " + quoteByte(ch)
		if ch >= utf8.RuneSelf {
			reason = "want an object, got text outside of quotes"
		}
	}
	r.problem(at, &Error{Reason: reason, Remedy: "list objects only, separated by commas"}, raw, int64(n), r.index)
}

// oversized sets aside a value of more bytes than an object may have, of which n
// are scanned.
func (r *Reader) oversized(n int, ended bool) {
	at := r.offset()
	raw := bytes.Clone(r.buf[r.pos : r.pos+min(n, problemBytes)])
	size := int64(n)
	r.pos += n
	r.scan.lists = false
	for !ended {
		if r.pos == r.end {
			r.drop()
			if !r.fill() {
				r.problem(at, r.endInside(size), raw, size, r.index)
				return
			}
		}
		k, ev := r.scan.feed(r.buf[r.pos:r.end])
		r.pos += k
		size += int64(k)
		if ev == eventBad {
			e := r.mismatch(0, "")
			e.Offset = size
			r.restOf(at, e, raw, size, r.index)
			return
		}
		ended = ev == eventEnd
	}
	r.problem(at, tooLarge(size, r.lim), raw, size, r.index)
}

// endInside says that the file ends inside a value, and makes this the last word
// on its end.
func (r *Reader) endInside(offset int64) *Error {
	r.place, r.array = placeTop, false
	var e *Error
	switch {
	case errors.As(r.inErr, &e):
		r.inErr = io.EOF
		c := *e
		c.Offset = offset
		return &c
	case r.inErr == io.EOF: //nolint:errorlint // io.EOF itself is the end; wrapped it is not
		return &Error{Offset: offset, Reason: "the file ends inside an object", Remedy: "fetch the file again; it was cut short"}
	}
	return &Error{Offset: offset, Reason: "reading stopped inside an object: " + r.inErr.Error(), Remedy: "try again", cause: r.inErr}
}

// cut sets aside the n bytes of a value that the file ends in.
func (r *Reader) cut(n int) {
	at := r.offset()
	r.problem(at, r.endInside(int64(n)), r.take(n), int64(n), r.index)
}

// rest sets aside everything from the unread bytes to the end of the file.
func (r *Reader) rest(e *Error, index int) {
	r.restOf(r.offset(), e, nil, 0, index)
}

// restOf is rest for a piece that began at offset at and of which size bytes are
// taken.
func (r *Reader) restOf(at int64, e *Error, raw []byte, size int64, index int) {
	for {
		b := r.buf[r.pos:r.end]
		if room := problemBytes - len(raw); room > 0 {
			raw = append(raw, b[:min(len(b), room)]...)
		}
		size += int64(len(b))
		r.drop()
		if !r.fill() {
			break
		}
	}
	c := *e
	c.Reason += "; all from there to the end of the file is set aside"
	r.problem(at, &c, raw, size, index)
	r.place, r.array = placeTop, false
}

// enterBundle begins the list of the wrapper whose first n bytes are at hand,
// unless these say that it is an object of another kind.
func (r *Reader) enterBundle(n int) bool {
	prefix := r.buf[r.pos : r.pos+n]
	whole := append(append(make([]byte, 0, n+5), prefix...), "null}"...)
	if o, err := indexObject(whole, r.lim); err == nil && o.Has("type") && o.class != ClassBundle {
		return false
	}
	r.index--
	r.wrapper = wrapper{offset: r.offset(), prefix: whole[:n]}
	r.pos += n + 1
	r.place, r.comma = placeList, false
	return true
}

// endOfList reads what follows the list of a bundle and checks the bundle
// itself.
func (r *Reader) endOfList() {
	w := r.wrapper
	r.place, r.comma = placeTop, true
	if r.array {
		r.place = placeArray
	}
	index := r.index
	r.scan.reset()
	r.scan.open(true)
	n := 0
	for {
		k, ev := r.scan.feed(r.buf[r.pos+n : r.end])
		n += k
		switch {
		case ev == eventBad:
			r.rest(r.mismatch(n, " after the objects of a bundle"), 0)
			return
		case n > r.lim.ObjectBytes:
			r.index = 0
			r.oversized(n, ev == eventEnd)
			r.index = index
			return
		case ev == eventEnd:
			after := r.take(n)
			whole := append(append(bytes.Clone(w.prefix), "null"...), after...)
			o, err := indexObject(whole, r.lim)
			if err == nil && o.Has("type") && o.class != ClassBundle {
				err = &Error{Reason: "an object of type " + quote([]byte(o.typ)) + " was read as a bundle, since its type comes after its list \"objects\"", Remedy: "write the type first"}
			}
			if err != nil {
				err.Offset = 0
				err.Reason = "around the objects of a bundle: " + err.Reason
				r.problem(w.offset, err, whole, 0, 0)
			}
			return
		}
		if !r.fill() {
			r.index = 0
			r.cut(n)
			r.index = index
			return
		}
	}
}
