package misp

import (
	"bufio"
	"bytes"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// Limits bounds what is read. Zero fields mean the Default constants.
type Limits struct {
	EventBytes int // of one event
	Depth      int // of nesting within one event
	Tokens     int // values and names of one event
}

// The default limits. The largest events in the field hold some 100,000
// attributes of about 400 bytes.
const (
	DefaultEventBytes = 64 << 20
	DefaultDepth      = 64
	DefaultTokens     = 20_000_000
)

func (l Limits) orDefault() Limits {
	if l.EventBytes <= 0 {
		l.EventBytes = DefaultEventBytes
	}
	if l.Depth <= 0 {
		l.Depth = DefaultDepth
	}
	if l.Tokens <= 0 {
		l.Tokens = DefaultTokens
	}
	return l
}

// Reader reads the events of one document, one at a time.
type Reader struct {
	in     *input
	dec    *jsontext.Decoder
	lim    Limits
	stack  []frame
	events int   // given out
	bad    int   // refused, but understood to be events
	seen   bool  // the top-level value was entered
	done   error // what Next answers from now on
	queue  []*Event
}

// frame is a JSON object or list the reader is inside of.
type frame struct {
	list     bool
	manifest bool // an object whose members are events named by their UUID
}

// input counts lines and refuses to run past the limit.
type input struct {
	r       *bufio.Reader
	dropped int   // bytes of a byte order mark
	lines   int   // newlines delivered
	n       int64 // bytes delivered
	limit   int64 // n may not pass it
}

// slack is what the decoder may read ahead of the event it is in.
const slack = 1 << 20

func (in *input) Read(p []byte) (int, error) {
	if in.n >= in.limit {
		return 0, errTooBig
	}
	n, err := in.r.Read(p)
	in.n += int64(n)
	in.lines += bytes.Count(p[:n], []byte{'\n'})
	return n, err
}

// NewReader returns a reader of the events in r. It reads nothing yet.
func NewReader(r io.Reader, lim Limits) *Reader {
	lim = lim.orDefault()
	in := &input{r: bufio.NewReaderSize(r, 64<<10), limit: int64(lim.EventBytes) + slack}
	return &Reader{in: in, dec: jsontext.NewDecoder(in), lim: lim}
}

// head returns the start of the document without consuming it, and drops a
// UTF-8 byte order mark, which Windows tools write and JSON forbids.
func (in *input) head() []byte {
	mark := []byte("\ufeff")
	if b, err := in.r.Peek(len(mark)); err == nil && bytes.Equal(b, mark) {
		if n, err := in.r.Discard(len(mark)); err == nil {
			in.dropped = n
		}
	}
	// An error shows again when the decoder reads.
	b, err := in.r.Peek(512)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil
	}
	return b
}

// Next returns the next event, or [io.EOF] behind the last. An [*Error] sets one
// piece aside; unless it is Final, the next call goes on behind it. Events stay
// valid.
func (r *Reader) Next() (*Event, error) {
	for r.done == nil {
		if len(r.queue) > 0 {
			ev := r.queue[0]
			r.queue = r.queue[1:]
			r.events++
			return ev, nil
		}
		r.in.limit = r.dec.InputOffset() + int64(r.lim.EventBytes) + slack
		ev, err := r.step()
		if err != nil {
			if e, ok := errors.AsType[*Error](err); !ok || e.Final {
				r.done = err
				return nil, err
			}
			r.bad++
			return nil, err
		}
		if ev != nil {
			r.events++
			return ev, nil
		}
	}
	return nil, r.done
}

// step advances by one token or event. It returns nil, nil when there is more
// to do.
func (r *Reader) step() (*Event, error) {
	if !r.seen {
		return r.begin()
	}
	if len(r.stack) == 0 {
		return nil, r.end()
	}
	top := r.stack[len(r.stack)-1]
	k := r.dec.PeekKind()
	if k == '}' || k == ']' {
		if _, err := r.dec.ReadToken(); err != nil {
			return nil, r.failed(err)
		}
		r.stack = r.stack[:len(r.stack)-1]
		return nil, nil
	}
	if top.list {
		return r.value("")
	}
	tok, err := r.dec.ReadToken()
	if err != nil {
		return nil, r.failed(err)
	}
	return r.member(tok.String(), top.manifest)
}

// begin looks at the first value of the document.
func (r *Reader) begin() (*Event, error) {
	name := firstName(r.in.head())
	switch k := r.dec.PeekKind(); k {
	case '[':
		r.seen = true
		return nil, r.push(frame{list: true})
	case '{':
		r.seen = true
		// The first name tells a wrapper, which is streamed, from a bare event.
		switch {
		case foldsTo(name, "Event") || foldsTo(name, "response"):
			return nil, r.push(frame{})
		case isUUID(name):
			return nil, r.push(frame{manifest: true})
		}
		return r.value("")
	case jsontext.KindInvalid:
		_, err := r.dec.ReadToken()
		if errors.Is(err, io.EOF) {
			return nil, &Error{Reason: reasonEmpty, Remedy: remedyShape, Final: true, Line: 1}
		}
		return nil, r.failed(err)
	default:
		return nil, &Error{Reason: "this is no MISP event: the JSON is not an object or list", Remedy: remedyShape, Line: 1, Final: true}
	}
}

// end checks what stands behind the document.
func (r *Reader) end() error {
	if _, err := r.dec.ReadToken(); !errors.Is(err, io.EOF) {
		if err == nil {
			return r.here("there is more behind the end of the document", remedySyntax)
		}
		return r.failed(err)
	}
	if r.events == 0 && r.bad == 0 {
		return &Error{Offset: 0, Line: 1, Reason: reasonNoEvents, Remedy: remedyShape, Final: true}
	}
	return io.EOF
}

func (r *Reader) push(f frame) error {
	if _, err := r.dec.ReadToken(); err != nil {
		return r.failed(err)
	}
	r.stack = append(r.stack, f)
	return nil
}

// member handles the value of a named member of a wrapper.
func (r *Reader) member(name string, manifest bool) (*Event, error) {
	if manifest {
		return r.value(name)
	}
	switch name {
	case "Event":
		// {"Event": [ … ]} is written by old exports.
		if r.dec.PeekKind() == '[' {
			return nil, r.push(frame{list: true})
		}
		return r.value("")
	case "response":
		switch r.dec.PeekKind() {
		case '[':
			return nil, r.push(frame{list: true})
		case '{':
			// An answer of attributes/restSearch is one object without events.
			if firstName(r.dec.UnreadBuffer()) == "Event" {
				return nil, r.push(frame{})
			}
			return r.value("")
		default: // nothing in it; skipped below
		}
	default:
		if foldsTo(name, "Event") || foldsTo(name, "response") {
			return nil, r.here("the member "+quote(name)+" is written in a wrong case", remedyCase)
		}
	}
	if err := r.dec.SkipValue(); err != nil {
		return nil, r.failed(err)
	}
	return nil, nil
}

// value reads one value that is an event, wraps one, or is something else.
// key is its name in a manifest.
func (r *Reader) value(key string) (*Event, error) {
	pointer := string(r.dec.StackPointer())
	if k := r.dec.PeekKind(); k == '[' && len(r.stack) > 0 && len(r.stack) < 4 {
		return nil, r.push(frame{list: true})
	}
	raw, err := r.dec.ReadValue()
	if err != nil {
		return nil, r.failed(err)
	}
	start := r.dec.InputOffset() - int64(len(raw))
	if len(raw) > r.lim.EventBytes {
		return nil, r.at(start, pointer, raw, errTooBig.Error(), remedyLimit)
	}
	if len(r.stack) > 0 && r.stack[len(r.stack)-1].list {
		pointer = string(r.dec.StackPointer())
	}
	ev, err := parse(raw.Clone(), start, pointer, r.lim)
	r.lines(ev, start, raw)
	if err != nil {
		// What a list held beside the bad event is not lost.
		r.queue = append(r.queue, ev...)
		if e, ok := errors.AsType[*Error](err); ok {
			e.Line = r.line(e.Offset, start, raw)
			e.Raw = raw.Clone()
		}
		return nil, err
	}
	if key != "" && len(ev) == 1 {
		if ev[0].UUID == "" {
			ev[0].UUID = Text(key)
		}
		ev[0].Listed = true
	}
	r.queue = append(r.queue, ev...)
	return nil, nil
}

// lines fills in the lines of the bad parts of events, which stand in raw in the
// order of their offsets.
func (r *Reader) lines(evs []*Event, start int64, raw []byte) {
	line, from := 0, start
	for _, ev := range evs {
		for _, bad := range ev.Bad {
			if line == 0 {
				line, from = r.line(start, start, raw), start
			}
			to := min(max(bad.Offset, from), start+int64(len(raw)))
			line += bytes.Count(raw[from-start:to-start], []byte{'\n'})
			bad.Line, from = line, to
		}
	}
}

// line returns the line of offset, which lies in raw or at its end.
func (r *Reader) line(offset, start int64, raw []byte) int {
	at := min(max(offset-start, 0), int64(len(raw)))
	// Lines before raw: all delivered, without those unread and those in raw.
	before := r.in.lines - bytes.Count(r.dec.UnreadBuffer(), []byte{'\n'}) - bytes.Count(raw, []byte{'\n'})
	return 1 + before + bytes.Count(raw[:at], []byte{'\n'})
}

// failed turns a decoder's error into an *Error with its line. Errors of the
// underlying reader are returned as they are, with the place.
func (r *Reader) failed(err error) error {
	e := syntax(err, 0, "")
	if _, ok := errors.AsType[*jsontext.SyntacticError](err); !ok {
		e.Offset = r.dec.InputOffset()
		e.Pointer = string(r.dec.StackPointer())
	}
	if errors.Is(err, errTooBig) {
		// The place is where the event begins; its end was never seen.
		e.Offset = r.dec.InputOffset()
	}
	unread := r.dec.UnreadBuffer()
	if !errors.Is(err, errTooBig) {
		e.Pointer = r.pointer(unread)
	}
	at := min(max(e.Offset-r.dec.InputOffset(), 0), int64(len(unread)))
	e.character(unread[:at], unread[at:])
	e.Line = 1 + r.in.lines - bytes.Count(unread, []byte{'\n'}) + bytes.Count(unread[:at], []byte{'\n'})
	return e
}

// pointer returns where in unread its JSON stops. The decoder's own pointer
// lacks names when it failed inside a value it was reading whole, so that part is
// read again, token by token.
func (r *Reader) pointer(unread []byte) string {
	base := string(next(r.dec))
	dec := jsontext.NewDecoder(bytes.NewReader(bytes.TrimLeft(unread, " \t\r\n:,")))
	for {
		if _, err := dec.ReadToken(); err != nil {
			if s, ok := errors.AsType[*jsontext.SyntacticError](err); ok && errors.Is(err, jsontext.ErrDuplicateName) {
				return base + string(s.JSONPointer)
			}
			return base + string(next(dec))
		}
		if dec.StackDepth() > maxPointerDepth {
			return base
		}
	}
}

// next returns the pointer of the value dec has not read yet, or of the object
// around it while its name is not known.
func next(dec *jsontext.Decoder) jsontext.Pointer {
	p := dec.StackPointer()
	switch k, n := dec.StackIndex(dec.StackDepth()); k {
	case '[':
		if n > 0 {
			p = p.Parent()
		}
		return p + jsontext.Pointer("/"+strconv.FormatInt(n, 10))
	case '{':
		if n > 0 && n%2 == 0 {
			return p.Parent()
		}
	default: // the top
	}
	return p
}

// maxPointerDepth is where a pointer stops to be of use to anyone.
const maxPointerDepth = 100

// here returns a final error at the current place.
func (r *Reader) here(reason, remedy string) error {
	off := r.dec.InputOffset()
	return &Error{
		Offset: off, Pointer: string(r.dec.StackPointer()), Reason: reason, Remedy: remedy, Final: true,
		Line: 1 + r.in.lines - bytes.Count(r.dec.UnreadBuffer(), []byte{'\n'}),
	}
}

// at returns an error about a piece whose bounds are known.
func (r *Reader) at(start int64, pointer string, raw []byte, reason, remedy string) error {
	return &Error{Offset: start, Line: r.line(start, start, raw), Pointer: pointer, Reason: reason, Remedy: remedy}
}

// Parse reads one document that is in memory and holds exactly one event, with
// or without a wrapper.
func Parse(raw []byte, lim Limits) (*Event, error) {
	r := NewReader(bytes.NewReader(raw), lim)
	ev, err := r.Next()
	if err != nil {
		return nil, err
	}
	if _, err := r.Next(); !errors.Is(err, io.EOF) {
		if err != nil {
			return nil, err
		}
		return nil, &Error{Reason: "more than one event where one was expected", Remedy: "give one event", Line: 1}
	}
	return ev, nil
}

// parse reads a complete JSON value: an event, something that wraps events, or
// a list of attributes or objects. base and pointer say where it stands.
func parse(raw jsontext.Value, base int64, pointer string, lim Limits) ([]*Event, error) {
	if raw.Kind() != '{' {
		return nil, &Error{Offset: base, Pointer: pointer, Reason: "this is no event: it is " + kindName(raw.Kind()), Remedy: remedyShape}
	}
	if err := check(raw, base, pointer, lim); err != nil {
		return nil, err
	}
	m := members(raw)
	switch {
	case m.event != nil && m.event.Kind() == '[':
		return list(m.event, base+m.eventAt, pointer+"/Event", lim)
	case m.event != nil:
		if m.event.Kind() != '{' {
			return nil, &Error{Offset: base + m.eventAt, Pointer: pointer + "/Event", Reason: "this is no event: it is " + kindName(m.event.Kind()), Remedy: remedyShape}
		}
		return one(m.event, base+m.eventAt, pointer+"/Event")
	case m.response != nil && m.response.Kind() == '{':
		return parse(m.response, base+m.responseAt, pointer+"/response", lim)
	case m.response != nil && m.response.Kind() == '[':
		return list(m.response, base+m.responseAt, pointer+"/response", lim)
	case !m.known:
		return nil, &Error{Offset: base, Pointer: pointer, Reason: "this object is no MISP event: it has neither info nor attributes", Remedy: remedyShape}
	}
	return one(raw, base, pointer)
}

func one(raw jsontext.Value, base int64, pointer string) ([]*Event, error) {
	ev := new(Event)
	if err := json.Unmarshal(raw, ev); err != nil {
		s := &salvage{base: base, pointer: pointer}
		rest := s.event(raw)
		if *ev = (Event{}); len(s.bad) == 0 || json.Unmarshal(rest, ev) != nil {
			return nil, semantic(err, base, pointer)
		}
		ev.Bad = s.bad
	}
	ev.Raw, ev.Offset = raw, base
	ev.Listed = len(ev.EventTags) > 0 && len(ev.Attributes) == 0 && len(ev.Bad) == 0
	return []*Event{ev}, nil
}

func list(raw jsontext.Value, base int64, pointer string, lim Limits) ([]*Event, error) {
	dec := jsontext.NewDecoder(bytes.NewReader(raw))
	var out []*Event
	var first error
	if _, err := dec.ReadToken(); err != nil {
		return nil, syntax(err, base, pointer)
	}
	for i := 0; dec.PeekKind() != ']'; i++ {
		v, err := dec.ReadValue()
		if err != nil {
			return nil, syntax(err, base, pointer)
		}
		evs, err := parse(v.Clone(), base+dec.InputOffset()-int64(len(v)), pointer+"/"+strconv.Itoa(i), lim)
		if err != nil && first == nil {
			first = err
		}
		out = append(out, evs...)
	}
	return out, first
}

// found is what the members of an object say about what it is.
type found struct {
	event, response     jsontext.Value
	eventAt, responseAt int64
	known               bool // it has members of an event, or holds attributes or objects
}

// members looks at the top-level members of raw, which is a valid object.
func members(raw jsontext.Value) found {
	var f found
	var info, bits int
	dec := jsontext.NewDecoder(bytes.NewReader(raw))
	if _, err := dec.ReadToken(); err != nil {
		return f
	}
	for dec.PeekKind() == '"' {
		tok, err := dec.ReadToken()
		if err != nil {
			return f
		}
		name := tok.String()
		v, err := dec.ReadValue()
		if err != nil {
			return f
		}
		at := dec.InputOffset() - int64(len(v))
		switch name {
		case "Event":
			f.event, f.eventAt = v.Clone(), at
		case "response":
			f.response, f.responseAt = v.Clone(), at
		case "info", "Attribute", "Object":
			info++
		case "date", "threat_level_id", "analysis", "Orgc", "Tag", "published":
			bits++
		}
	}
	f.known = info > 0 || bits > 2
	return f
}

// structure is every member name that holds a part of an event. A name that
// equals one of them but for its case is refused, because it would be ignored
// here and obeyed elsewhere.
var structure = [...]string{
	"Event", "Attribute", "Object", "Tag", "EventTag", "AttributeTag", "Galaxy", "GalaxyCluster",
	"ShadowAttribute", "EventReport", "ObjectReference", "SharingGroup",
}

// foldsTo reports whether name is want, or want in another case.
func foldsTo(name, want string) bool { return len(name) == len(want) && strings.EqualFold(name, want) }

// misspelt returns the name that s should be, if it differs in case alone.
func misspelt(s string) (string, bool) {
	for _, want := range structure {
		if s != want && foldsTo(s, want) {
			return want, true
		}
	}
	return "", false
}

// check holds raw, which is valid JSON, against the limits and the names.
func check(raw jsontext.Value, base int64, pointer string, lim Limits) error {
	dec := jsontext.NewDecoder(bytes.NewReader(raw))
	for n := 0; ; n++ {
		if n > lim.Tokens {
			return &Error{Offset: base, Pointer: pointer, Reason: "more than " + strconv.Itoa(lim.Tokens) + " values in one event", Remedy: remedyLimit}
		}
		tok, err := dec.ReadToken()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return syntax(err, base, pointer)
		}
		depth := dec.StackDepth()
		if depth > lim.Depth {
			return &Error{
				Offset: base + dec.InputOffset() - 1, Pointer: pointer + string(dec.StackPointer()),
				Reason: "nested deeper than " + strconv.Itoa(lim.Depth) + " levels", Remedy: remedyDepth,
			}
		}
		if tok.Kind() != '"' {
			continue
		}
		if k, i := dec.StackIndex(depth); k == '{' && i%2 == 1 {
			want, bad := misspelt(tok.String())
			if !bad && tok.String() != "name" && foldsTo(tok.String(), "name") && strings.Contains(string(dec.StackPointer()), "/Tag/") {
				want, bad = "name", true
			}
			if bad {
				return &Error{
					Offset: base + dec.InputOffset() - int64(len(tok.String())) - 2, Pointer: pointer + string(dec.StackPointer()),
					Reason: "the member " + quote(tok.String()) + " is " + quote(want) + " in a wrong case", Remedy: remedyCase,
				}
			}
		}
	}
}

var uuidForm = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`)

func isUUID(s string) bool { return len(s) == 36 && uuidForm.MatchString(s) }

// firstName returns the first member name of the object that head begins with,
// "" when it cannot be told.
func firstName(head []byte) string {
	head = bytes.TrimLeft(head, " \t\r\n:,")
	if len(head) == 0 || head[0] != '{' {
		return ""
	}
	head = bytes.TrimLeft(head[1:], " \t\r\n")
	if len(head) == 0 || head[0] != '"' {
		return ""
	}
	end := bytes.IndexByte(head[1:], '"')
	if end < 0 {
		return ""
	}
	name, err := jsontext.AppendUnquote(nil, head[:end+2])
	if err != nil {
		return ""
	}
	return string(name)
}
