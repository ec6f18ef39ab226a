package format

import (
	"bufio"
	"bytes"
	"encoding/json/jsontext"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

	"casus/internal/fault"
	"casus/stix"
)

// rowsJSON reads JSON objects that are rows: one per line, in a list, or in the
// one list an object holds. Inner objects give columns "outer.inner"; lists of
// texts give one text, parted by bars.
type rowsJSON struct {
	lines *lineReader       // one object per line, nil for a document
	dec   *jsontext.Decoder // a document
	opt   Options
	depth int // of lists entered
	table *table
	names []string // columns seen when the table was settled
	n     int
}

func newRows(r *bufio.Reader, opt Options) *rowsJSON {
	r = decoded(r)
	j := &rowsJSON{opt: opt}
	// An error shows again when the rows are read.
	if head, err := r.Peek(headBytes); (err == nil || errors.Is(err, io.EOF)) && perLine(head) {
		j.lines = &lineReader{r: r}
	} else {
		j.dec = jsontext.NewDecoder(r)
	}
	return j
}

// perLine reports whether the first line is an object by itself.
func perLine(head []byte) bool {
	head = bytes.TrimLeft(head, " \t\r\n")
	line, _, more := bytes.Cut(head, []byte{'\n'})
	if !more || len(line) == 0 || line[0] != '{' {
		return false
	}
	dec := jsontext.NewDecoder(bytes.NewReader(line), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	return dec.SkipValue() == nil
}

// fill implements source.
func (j *rowsJSON) fill(s *stream) error {
	if j.lines != nil {
		line, at, err := j.lines.next()
		if err != nil {
			return lineError(s, at, err)
		}
		if len(bytes.TrimSpace(line)) == 0 {
			return nil
		}
		return j.object(s, "line "+strconv.Itoa(at), bytes.TrimSpace(line))
	}
	return j.document(s)
}

// document takes one step in a document.
func (j *rowsJSON) document(s *stream) error {
	for {
		switch k := j.dec.PeekKind(); {
		case k == ']':
			if _, err := j.dec.ReadToken(); err != nil {
				return j.stopped(s, err)
			}
			j.depth--
		case k == '[' && j.depth == 0:
			if _, err := j.dec.ReadToken(); err != nil {
				return j.stopped(s, err)
			}
			j.depth++
		case k == jsontext.KindInvalid:
			_, err := j.dec.ReadToken()
			if errors.Is(err, io.EOF) {
				return io.EOF
			}
			return j.stopped(s, err)
		default:
			raw, err := j.dec.ReadValue()
			if err != nil {
				return j.stopped(s, err)
			}
			j.n++
			place := "object " + strconv.Itoa(j.n) + ", byte " + itoa(j.dec.InputOffset()-int64(len(raw)))
			return j.object(s, place, bytes.Clone(raw))
		}
	}
}

// stopped sets aside all from where the JSON stops.
func (j *rowsJSON) stopped(s *stream, err error) error {
	if s.file.err != nil {
		return io.EOF
	}
	e, ok := errors.AsType[*jsontext.SyntacticError](err)
	if !ok && !errors.Is(err, io.ErrUnexpectedEOF) {
		return fault.Errorf(fault.Unavailable, "format: read: %w", err)
	}
	at, reason, remedy := j.dec.InputOffset(), "the JSON ends in the middle of a value", "fetch the file again: its end is missing"
	if ok {
		at = e.ByteOffset
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			reason, remedy = jsonFault(e)
		}
	}
	s.problem(stix.Problem{Offset: at, Place: "byte " + itoa(at), Reason: reason, Remedy: remedy})
	return io.EOF
}

// jsonFault says in words what a JSON error is.
func jsonFault(e *jsontext.SyntacticError) (reason, remedy string) {
	text := e.Err.Error()
	switch {
	case errors.Is(e, jsontext.ErrDuplicateName):
		return "the member " + strconv.Quote(cut(e.JSONPointer.LastToken(), 60)) + " stands twice in one object", "remove one of the two members: which of them holds cannot be told"
	case strings.Contains(text, "UTF-8"):
		return "the bytes are not UTF-8", "write the file as UTF-8"
	case strings.Contains(text, "max depth"):
		return "nested deeper than 10000 levels", "check where the file comes from"
	}
	return "the JSON stops here", "mend the JSON at this place and import it again"
}

// object turns one JSON object into a row.
func (j *rowsJSON) object(s *stream, place string, raw []byte) error {
	var cells []cell
	no := flatten(raw, j.opt.Limits.Depth, &cells)
	if no == nil && len(cells) == 0 {
		no = &refusal{"", "the object is empty", "leave it out"}
	}
	if no != nil {
		if j.table == nil {
			j.table = &table{byName: map[string]string{}}
		}
		return j.table.aside(s, place, raw, no)
	}
	if j.table == nil || j.table.good == 0 && len(j.table.byName) == 0 || j.fresh(cells) {
		if err := j.settle(cells); err != nil {
			return err
		}
	}
	if !j.table.holds() {
		return j.table.aside(s, place, raw, &refusal{"", "no member is known to hold a value; the members are " + cut(strings.Join(columns(cells), ", "), 300), "give a map of the members, for example value=indicator"})
	}
	return j.table.add(s, row{place: place, cells: cells, raw: raw})
}

// maxMembers is how many names of members are known: an object with more is a map of
// its own, not a row.
const maxMembers = 1000

// fresh reports whether cells have a column not seen before; objects need not
// all have the same members.
func (j *rowsJSON) fresh(cells []cell) bool {
	for _, c := range cells {
		if len(j.names) < maxMembers && !slices.Contains(j.names, c.column) {
			return true
		}
	}
	return false
}

// settle decides what the members are.
func (j *rowsJSON) settle(cells []cell) error {
	for _, c := range columns(cells) {
		if len(j.names) < maxMembers && !slices.Contains(j.names, c) {
			j.names = append(j.names, c)
		}
	}
	saved := j.opt.Map
	names := j.names
	for column := range saved {
		// A member may first come in a later object.
		if !slices.Contains(names, column) {
			names = append(slices.Clone(names), column)
		}
	}
	t, err := newTable(names, saved)
	if err != nil {
		return err
	}
	if j.table != nil {
		t.good, t.bad = j.table.good, j.table.bad
	}
	j.table = t
	return nil
}

// columns returns the names of columns, each once. A row may have as many as a JSON
// object has members.
func columns(cells []cell) []string {
	var out []string
	seen := map[string]bool{}
	for _, c := range cells {
		if !seen[c.column] {
			seen[c.column] = true
			out = append(out, c.column)
		}
	}
	return out
}

// flatten reads an object's members as cells, strictly.
func flatten(raw []byte, depth int, out *[]cell) *refusal {
	if depth <= 0 {
		depth = stix.DefaultDepth
	}
	dec := jsontext.NewDecoder(bytes.NewReader(raw))
	if dec.PeekKind() != '{' {
		return &refusal{"", "this is no JSON object", "give one object per row"}
	}
	var path []string // names around the current value
	var list []string // texts of the list being read
	for {
		tok, err := dec.ReadToken()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			if e, ok := errors.AsType[*jsontext.SyntacticError](err); ok && !errors.Is(err, io.ErrUnexpectedEOF) {
				reason, remedy := jsonFault(e)
				return &refusal{"", reason + " (byte " + itoa(e.ByteOffset) + ")", remedy}
			}
			return &refusal{"", "the JSON ends in the middle of a value", "fetch the file again: its end is missing"}
		}
		d := dec.StackDepth()
		if d > depth {
			return &refusal{"", "nested deeper than " + strconv.Itoa(depth) + " levels", "check where the file comes from"}
		}
		if d == 0 {
			// The object is closed; anything behind it is an error the next read
			// finds.
			continue
		}
		k, i := dec.StackIndex(d)
		if k == '{' && i%2 == 1 && tok.Kind() == '"' {
			path = append(path[:min(len(path), d-1)], tok.String())
			continue
		}
		switch tok.Kind() {
		case '{', '}':
			if tok.Kind() == '{' && d-1 > len(path) {
				path = append(path, "")
			}
		case '[':
			list = list[:0]
			if len(path) < d {
				path = append(path, "")
			}
		case ']':
			if len(list) > 0 {
				*out = append(*out, cell{join(path[:min(len(path), d)]), strings.Join(list, "|")})
				list = nil
			}
		case 'n':
		default:
			if k == '[' {
				list = append(list, tok.String())
				continue
			}
			*out = append(*out, cell{join(path[:min(len(path), d)]), tok.String()})
		}
	}
}

func join(path []string) string {
	var parts []string
	for _, p := range path {
		if p != "" {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, ".")
}
