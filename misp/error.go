package misp

import (
	"bytes"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Error is input that could not be read. It names the place and the remedy.
type Error struct {
	// Offset is the byte at which reading stopped, counted from 0.
	Offset int64
	// Line is the line of that byte, counted from 1; 0 means not known.
	Line int
	// Pointer is the JSON pointer (RFC 6901) of the innermost value around it.
	Pointer string
	// Reason says what is wrong.
	Reason string
	// Remedy says what to do about it.
	Remedy string
	// Final is set when nothing behind this place can be read; otherwise the
	// next call of [Reader.Next] goes on behind the bad piece.
	Final bool
	// Raw is the piece set aside, where its end is known.
	Raw []byte

	err        error
	unexpected bool // the byte at Offset is what is wrong
}

// Error implements error: "misp: line 3, byte 40 (/response/0): reason".
func (e *Error) Error() string { return "misp: " + e.Place() + ": " + e.Reason }

// Place returns the place alone: "line 3, byte 40 (/response/0)".
func (e *Error) Place() string {
	var b strings.Builder
	if e.Line > 0 {
		b.WriteString("line " + strconv.Itoa(e.Line) + ", ")
	}
	b.WriteString("byte " + strconv.FormatInt(e.Offset, 10))
	if e.Pointer != "" {
		b.WriteString(" (" + shorten(e.Pointer, 80) + ")")
	}
	return b.String()
}

// Unwrap returns the cause, nil if there is none beneath.
func (e *Error) Unwrap() error { return e.err }

func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}

// The remedies.
const (
	remedySyntax   = "ask the publisher for a valid file, or mend the JSON at this place and import it again"
	remedyCut      = "fetch the file again: its end is missing"
	remedyRepeat   = "remove one of the two members: which of them holds cannot be told"
	remedyUTF8     = "write the file as UTF-8"
	remedyLimit    = "split the event, or raise the limit"
	remedyDepth    = "an event is nested about ten deep: check where the file comes from"
	remedyShape    = "give a MISP event, a list of events or the answer of restSearch"
	remedyValue    = "export the event again from MISP"
	remedyCase     = "write the member as MISP does; in this case it is ignored by readers, and may hide a marking"
	reasonEmpty    = "the file is empty"
	reasonNoEvents = "the JSON is well formed but holds no MISP event"
)

// errTooBig is returned by the limiting reader.
var errTooBig = errors.New("one event is larger than the limit")

// syntax turns an error of the JSON decoder into an *Error; base is added to
// its offset and prefix put before its pointer.
func syntax(err error, base int64, prefix string) *Error {
	e := &Error{Offset: base, Pointer: prefix, Final: true, err: err, Reason: err.Error(), Remedy: remedySyntax}
	if s, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		e.Offset = base + s.ByteOffset
		e.Pointer = strings.TrimSuffix(prefix+string(s.JSONPointer), "/")
		e.Reason = s.Err.Error()
		switch {
		case errors.Is(err, jsontext.ErrDuplicateName):
			e.Reason = "the member " + quote(s.JSONPointer.LastToken()) + " stands twice in one object"
			e.Remedy = remedyRepeat
		case strings.Contains(e.Reason, "UTF-8"):
			e.Reason, e.Remedy = "the bytes are not UTF-8", remedyUTF8
		case strings.Contains(e.Reason, "max depth"):
			e.Pointer, e.Reason, e.Remedy = prefix, "nested deeper than 10000 levels", remedyDepth
		default:
			e.Reason = "the JSON stops here: " + e.Reason
			e.unexpected = true
		}
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		e.Reason, e.Remedy, e.unexpected = "the JSON ends in the middle of a value", remedyCut, false
	}
	if errors.Is(err, errTooBig) {
		e.Reason, e.Remedy, e.unexpected = errTooBig.Error(), remedyLimit, false
	}
	return e
}

// semantic turns an error of decoding a well-formed event into an *Error. Its
// words are ours alone: those of the decoder differ from run to run.
func semantic(err error, base int64, prefix string) *Error {
	e := &Error{Offset: base, Pointer: prefix, Reason: "this value cannot be read", Remedy: remedyValue, err: err}
	s, ok := errors.AsType[*json.SemanticError](err)
	if ok {
		e.Offset = base + s.ByteOffset
		e.Pointer = prefix + string(s.JSONPointer)
	}
	switch {
	case errors.Is(err, errNotScalar):
		e.Reason += ": " + errNotScalar.Error()
	case ok && s.JSONKind != 0:
		e.Reason += ": it is " + kindName(s.JSONKind)
	}
	return e
}

func kindName(k jsontext.Kind) string {
	switch k {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		return "a string"
	case '0':
		return "a number"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	default:
		return fmt.Sprintf("of kind %v", k)
	}
}

func quote(s string) string { return strconv.Quote(shorten(s, 60)) }

// character says in words which byte was not expected, and behind what: the
// decoder's own words differ with how the input happens to be buffered. before
// ends where the byte stands.
func (e *Error) character(before, from []byte) {
	if !e.unexpected || len(from) == 0 {
		return
	}
	r, _ := utf8.DecodeRune(from)
	e.Reason = "the JSON stops here: unexpected " + strconv.QuoteRune(r)
	if before = bytes.TrimRight(before, " \t\r\n"); len(before) > 0 {
		r, _ = utf8.DecodeLastRune(before)
		e.Reason += " behind " + strconv.QuoteRune(r)
	}
}
