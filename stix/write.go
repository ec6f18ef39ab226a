package stix

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strconv"
)

// Member is one member of an object that is being written: a name and a value
// in JSON. A nil value means the member is left out.
type Member struct {
	Name  string
	Value []byte
}

// Text returns a string member; an empty text leaves it out.
func Text(name, text string) Member {
	if text == "" {
		return Member{Name: name}
	}
	return Member{name, AppendQuoted(nil, text)}
}

// Texts returns a member that is a list of strings; an empty list, which STIX
// does not allow, leaves it out.
func Texts(name string, texts ...string) Member {
	if len(texts) == 0 {
		return Member{Name: name}
	}
	out := []byte{'['}
	for i, s := range texts {
		if i > 0 {
			out = append(out, ',')
		}
		out = AppendQuoted(out, s)
	}
	return Member{name, append(out, ']')}
}

// Int returns an integer member.
func Int(name string, n int64) Member { return Member{name, strconv.AppendInt(nil, n, 10)} }

// Bool returns a boolean member.
func Bool(name string, b bool) Member { return Member{name, strconv.AppendBool(nil, b)} }

// JSON returns a member with a value that is JSON already.
func JSON(name string, value []byte) Member { return Member{name, value} }

// List returns a member that is a list of values in JSON; an empty list leaves
// it out.
func List(name string, values ...[]byte) Member {
	if len(values) == 0 {
		return Member{Name: name}
	}
	out := append([]byte{'['}, bytes.Join(values, []byte{','})...)
	return Member{name, append(out, ']')}
}

// Dict writes a JSON object, for use as a value inside another, with its
// members in the order given. It does not check them; [Build] does.
func Dict(members ...Member) []byte {
	out := []byte{'{'}
	for _, m := range members {
		if m.Value == nil {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(AppendQuoted(out, m.Name), ':')
		out = append(out, m.Value...)
	}
	return append(out, '}')
}

// commonOrder is the order in which Build writes the properties most objects
// share, as the standard lists them.
//
// Source: stix-2.1 §3.2.
var commonOrder = []string{"type", "spec_version", "id", "created_by_ref", "created", "modified", "revoked"}

// Build writes one object. The members of all kinds of object (type,
// spec_version, id, created_by_ref, created, modified, revoked) come first in
// the standard's order, the others after them in the order given, so that the
// same members always give the same bytes. Build refuses what [Parse] would
// refuse, and names or texts that are not UTF-8.
func Build(members ...Member) ([]byte, error) {
	sorted := slices.Clone(members)
	rank := func(m Member) int {
		if i := slices.Index(commonOrder, m.Name); i >= 0 {
			return i
		}
		return len(commonOrder)
	}
	slices.SortStableFunc(sorted, func(x, y Member) int { return rank(x) - rank(y) })
	for _, m := range sorted {
		if err := oneValue(m); err != nil {
			return nil, fmt.Errorf("stix: build: %w", err)
		}
	}
	raw := Dict(sorted...)
	if _, err := Parse(raw, Limits{}); err != nil {
		return nil, fmt.Errorf("stix: build: %w", err)
	}
	return raw, nil
}

// oneValue refuses a member whose value would end early or go on into others.
func oneValue(m Member) error {
	if m.Value != nil && (len(m.Value) == 0 || skipValue(m.Value, 0) != len(m.Value)) {
		return &Error{Reason: "the value of " + quote([]byte(m.Name)) + " is not one JSON value", Remedy: "give one value, without white space around it"}
	}
	return nil
}

// Writer writes objects as one bundle, or as lines of JSON. The bytes of each
// object are written as they are; a line is the object without its white space.
type Writer struct {
	// Check, if set, is asked before an object is written; what it refuses is
	// not written.
	Check func(*Object) error

	w     io.Writer
	id    string
	lines bool
	count int
	buf   []byte
	err   error
}

// NewWriter returns a Writer of a bundle with that id, which must be of the form
// bundle--UUID.
func NewWriter(w io.Writer, id string) (*Writer, error) {
	typ, _, err := ParseID(id)
	if err != nil {
		return nil, err
	}
	if typ != "bundle" {
		return nil, &Error{Reason: "the id " + quote([]byte(id)) + " is not a bundle's", Remedy: "use an id that begins with bundle--"}
	}
	return &Writer{w: w, id: id}, nil
}

// NewLineWriter returns a Writer of one object per line.
func NewLineWriter(w io.Writer) *Writer { return &Writer{w: w, lines: true} }

// Write writes one object. After an error of the writer underneath, all further
// calls return it.
func (w *Writer) Write(o *Object) error {
	if w.err != nil {
		return w.err
	}
	if o.class == ClassBundle {
		return &Error{Reason: "a bundle inside a bundle", Remedy: "write the objects of the bundle"}
	}
	if w.Check != nil {
		if err := w.Check(o); err != nil {
			return err
		}
	}
	w.buf = w.buf[:0]
	switch {
	case w.lines:
		w.buf = append(AppendCompact(w.buf, o.raw), '\n')
	case w.count == 0:
		w.buf = append(w.head(w.buf), ",\"objects\":[\n"...)
		w.buf = append(w.buf, bytes.TrimSpace(o.raw)...)
	default:
		w.buf = append(w.buf, ",\n"...)
		w.buf = append(w.buf, bytes.TrimSpace(o.raw)...)
	}
	w.count++
	return w.flush()
}

func (w *Writer) head(dst []byte) []byte {
	return AppendQuoted(append(dst, `{"type":"bundle","id":`...), w.id)
}

func (w *Writer) flush() error {
	if _, err := w.w.Write(w.buf); err != nil {
		w.err = fmt.Errorf("stix: write: %w", err)
	}
	return w.err
}

// Count returns the number of objects written.
func (w *Writer) Count() int { return w.count }

// Close ends the bundle. A bundle of no objects has no list of objects, since
// the standard allows no empty list. It does not close the writer underneath.
func (w *Writer) Close() error {
	if w.err != nil || w.lines {
		return w.err
	}
	w.buf = w.buf[:0]
	if w.count == 0 {
		w.buf = append(w.head(w.buf), "}\n"...)
	} else {
		w.buf = append(w.buf, "\n]}\n"...)
	}
	if err := w.flush(); err != nil {
		return err
	}
	w.err = errClosed
	return nil
}

var errClosed = &Error{Reason: "the writer is closed", Remedy: "write before closing"}

// AppendCompact appends the valid JSON v without the white space between its
// tokens.
func AppendCompact(dst, v []byte) []byte {
	start := 0
	for i := 0; i < len(v); {
		switch v[i] {
		case '"':
			i = skipString(v, i)
		case ' ', '\n', '\t', '\r':
			dst = append(dst, v[start:i]...)
			i = skipSpace(v, i)
			start = i
		default:
			i++
		}
	}
	return append(dst, v[start:]...)
}
