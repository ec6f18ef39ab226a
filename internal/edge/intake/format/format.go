// Package format turns a file, in any format a report comes in, into a stream of
// STIX objects and of pieces that could not be read.
//
// [Open] tells the format from the first bytes and the name, and gives a
// [Reader]. A file may be packed as gz or zip; each file of an archive is told
// apart and read on its own. Formats:
//
//   - STIX 2.0 and 2.1, as a bundle, list, lines or single object: handed on byte
//     for byte. All other items are Derived: made here from the input, which the
//     caller keeps.
//   - MISP, read by package misp.
//   - CSV and lines of JSON: a row is a value, or several, with what the other
//     columns say of it. Columns are known by a map, else by their names; a table
//     without a heading by its values. See [report.Fields].
//   - Known JSON shapes: the catalogue of exploited vulnerabilities (CISA KEV)
//     and CSAF advisories. They count as lines of JSON.
//   - Mail, with its attachments each read as the format it is in.
//   - Text: a list of one value a line, or prose, in which values are found also
//     when written so that nobody follows them by mistake.
//
// Ids of what is made here depend on the input alone: observables by STIX's
// rule, everything else on [Options.Seed] and the place. The same input with the
// same options gives the same items, so an import that was cut short can be
// taken up again.
//
// A time without a zone is read in [Options.Zone]. The object then bears
// x_casus_time_assumed, the name of the zone, and x_casus_time_written, the time
// as it stood in the input. What a row without a time becomes bears the time of
// receipt where STIX demands one, and x_casus_time_basis "receipt". Times that cannot be read without guessing the order
// of day and month set the row aside.
//
// Memory is bounded by [stix.Limits] and the Max constants; a text or mail is
// held whole, everything else row by row, event by event or object by object.
//
// Source: misp-core; rfc5322; rfc2045; rfc4180; csaf-2.0; cisa-kev.
package format

import (
	"bufio"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"casus/internal/core/report"
	"casus/internal/fault"
	"casus/stix"
	"casus/tlp"
)

// File is what can be read at any place and knows its size; [bytes.Reader] and
// [io.SectionReader] are ones.
type File interface {
	io.ReaderAt
	Size() int64
}

// Options says how to read.
type Options struct {
	Format report.Format     // Auto finds out
	Name   string            // file name, also the title of what has none
	Map    map[string]string // column name to field, see [report.Fields]; nil goes by the names
	Zone   *time.Location    // of times without one; nil is UTC
	Seed   [32]byte          // digest of the report, for ids
	Limits stix.Limits
	Now    time.Time // when the report was received: the time of what bears none
}

// Item is one piece of a file: an object or a problem, never both.
type Item struct {
	Object  *stix.Object
	Problem *stix.Problem
	Place   string     // where: "line 12", "attachment a.csv, line 3"
	Derived bool       // the object was made from the input
	TLP     *tlp.Label // the label of what contained it, where that says one
}

// Meta is what a file says of itself. Fields are zero where it says nothing.
type Meta struct {
	Title string // of the first part that has one
	// TLP is the most restrictive label of the file's parts, nil unless every
	// part bears one. Objects bear their own labels besides.
	TLP       *tlp.Label
	Published time.Time // of the newest part
}

// Reader gives the items of a file.
type Reader interface {
	// Next returns the next item, or io.EOF behind the last. Other errors are
	// those of the file itself, not of what stands in it.
	Next() (Item, error)
	// Format returns the format found; in an archive, that of the first file that
	// can be read, and Auto if there is none.
	Format() report.Format
	// Meta returns what is known so far; all is known after io.EOF.
	Meta() Meta
}

// The bounds of what is held in memory whole.
const (
	MaxTextBytes = 16 << 20 // of a text
	MaxMailBytes = 64 << 20 // of a mail with its attachments
	MaxLineBytes = 1 << 20  // of a row
	MaxJSONBytes = 64 << 20 // of a catalogue or advisory
)

// headBytes is how much of a file its format is told from.
const headBytes = 64 << 10

// Open looks at r and returns a reader of its items. A file that cannot be read
// at all is a [fault.Invalid] error with a hint.
func Open(r File, opt Options) (Reader, error) {
	if opt.Zone == nil {
		opt.Zone = time.UTC
	}
	if err := report.CheckMap(opt.Map); err != nil {
		return nil, err
	}
	if r.Size() == 0 {
		return nil, invalid("the file is empty", "check how it was saved or sent, and give it again")
	}
	c, err := unpack(r, opt)
	if err != nil {
		return nil, err
	}
	s := &stream{opt: opt, files: c}
	if err := s.begin(); err != nil {
		return nil, err
	}
	return s, nil
}

// begin opens the first file that can be read. In an archive of files those
// before it are problems.
func (s *stream) begin() error {
	for {
		err := s.open()
		switch {
		case err == nil:
			return nil
		case errors.Is(err, io.EOF) && len(s.queue) > 0:
			s.done = io.EOF
			return nil
		case errors.Is(err, io.EOF):
			return invalid("the archive holds no files", "check how it was packed")
		case !s.files.many || fault.KindOf(err) != fault.Invalid:
			return err
		}
		s.fail(err)
	}
}

// invalid returns an error about input with a hint.
func invalid(reason, remedy string) error {
	return fault.WithHint(fault.Errorf(fault.Invalid, "format: %s", reason), "%s", remedy)
}

// source reads one unpacked file piece by piece.
type source interface {
	// fill adds items to s and returns io.EOF when there are no more. It may add
	// none and return nil.
	fill(s *stream) error
}

// stream is the Reader: a queue that the source of the current file fills.
type stream struct {
	opt    Options
	files  *files
	file   *packed // the current one
	src    source
	format report.Format
	meta   Meta
	label  *tlp.Label // of the container, for all items
	silent bool       // some part of the file bears no label
	queue  []Item
	done   error
	within string // prefix of places, for what is attached to a mail
	place  string // that, and the name of the file in an archive
	depth  int    // of mails in mails
}

// Format implements Reader.
func (s *stream) Format() report.Format { return s.format }

// Meta implements Reader.
func (s *stream) Meta() Meta {
	m := s.meta
	if s.silent {
		// What one part says opens no other: a label is the file's only if every
		// part bears one.
		m.TLP = nil
	}
	return m
}

// open goes to the next file. It returns io.EOF behind the last.
func (s *stream) open() error {
	f, err := s.files.next()
	if f != nil {
		s.file = f
		s.place = s.within
		if s.files.many && f.name != "" {
			s.place += f.name + ", "
		}
	}
	if err != nil {
		return err
	}
	br := bufio.NewReaderSize(f, headBytes)
	head, err := br.Peek(headBytes)
	switch {
	case len(head) > 0:
	case f.err != nil:
		return packing(f.err)
	case err == nil || errors.Is(err, io.EOF):
		return invalid("the file is empty", "check how it was saved or sent, and give it again")
	default:
		return fault.Errorf(fault.Unavailable, "format: read: %w", err)
	}
	if err := refuse(head, f.name); err != nil {
		return err
	}
	k, err := s.kind(head, f.name)
	if err != nil {
		return err
	}
	s.src, err = s.make(k, br)
	if err != nil {
		return err
	}
	if s.format == report.Auto {
		s.format = k.format
	}
	return nil
}

// kind settles how the current file is read.
func (s *stream) kind(head []byte, name string) (kind, error) {
	found := classify(head, name)
	want := s.opt.Format
	if want == report.Auto || want == found.format {
		if found.reason != "" {
			return found, invalid(found.reason, found.remedy)
		}
		return found, nil
	}
	switch want {
	case report.STIX, report.MISP, report.CSV, report.Mail, report.Text:
		return kind{format: want}, nil
	case report.Lines:
		return kind{format: want, shape: shapeRows}, nil
	case report.Auto:
	}
	return kind{}, fault.Errorf(fault.Invalid, "format: unknown format %s: want stix, misp, csv, jsonl, mail or text", strconv.Quote(string(want)))
}

// make returns the source for a file of that kind.
func (s *stream) make(k kind, r *bufio.Reader) (source, error) {
	switch k.format {
	case report.STIX:
		s.silent = true
		return newBundle(r, s.opt), nil
	case report.MISP:
		return newEvents(r, s.opt), nil
	case report.CSV:
		s.silent = true
		return newCSV(r, s.opt)
	case report.Lines:
		switch k.shape {
		case shapeKEV:
			return &whole{r: r, read: readKEV, limit: MaxJSONBytes}, nil
		case shapeCSAF:
			return &whole{r: r, read: readCSAF, limit: MaxJSONBytes}, nil
		default:
			s.silent = true
			return newRows(r, s.opt), nil
		}
	case report.Mail:
		return &letter{r: r}, nil
	case report.Text:
		if k.shape == shapeList {
			s.silent = true
			return newList(r), nil
		}
		return &whole{r: r, read: readText, limit: MaxTextBytes}, nil
	case report.Auto:
	}
	return nil, fault.Errorf(fault.Internal, "format: no reader for %s", strconv.Quote(string(k.format)))
}

// Next implements Reader.
func (s *stream) Next() (Item, error) {
	for {
		if len(s.queue) > 0 {
			it := s.queue[0]
			s.queue[0] = Item{}
			s.queue = s.queue[1:]
			return it, nil
		}
		s.queue = nil
		if s.done != nil {
			return Item{}, s.done
		}
		if s.src == nil {
			s.advance()
			continue
		}
		if err := s.src.fill(s); err != nil {
			s.src = nil
			s.ended(err)
		}
	}
}

// ended settles what follows from the end of a file.
func (s *stream) ended(err error) {
	switch {
	case s.file.err != nil:
		s.problem(s.file.problem())
	case !errors.Is(err, io.EOF):
		s.fail(err)
	}
}

// advance opens the next file. One that cannot be read is a problem; the files
// behind it are still read.
func (s *stream) advance() {
	switch err := s.open(); {
	case err == nil:
	case errors.Is(err, io.EOF):
		s.done = io.EOF
	default:
		s.src = nil
		s.fail(err)
	}
}

// fail queues an error as a problem; what is not about the input ends the
// reading.
func (s *stream) fail(err error) {
	if fault.KindOf(err) != fault.Invalid {
		s.done = err
		return
	}
	s.problem(stix.Problem{Reason: strings.TrimPrefix(err.Error(), "format: "), Remedy: fault.HintOf(err)})
}

// problem queues a problem; its Place is taken as within the file.
func (s *stream) problem(p stix.Problem) {
	if p.Place == "" {
		if p.Place = strings.TrimSuffix(s.place, ", "); p.Place == "" {
			p.Place = "file"
		}
	} else {
		p.Place = s.place + p.Place
	}
	if p.Size == 0 {
		p.Size = int64(len(p.Raw))
	}
	s.queue = append(s.queue, Item{Problem: &p, Place: p.Place, TLP: s.label})
}

// put queues an object made from the input.
func (s *stream) put(place string, raw []byte) {
	o, err := stix.Parse(raw, s.opt.Limits)
	if err != nil {
		s.problem(stix.Problem{
			Place: place, Reason: "what was made of this is no STIX object: " + err.Error(),
			Remedy: "shorten it, or raise the limits", Raw: raw,
		})
		return
	}
	s.queue = append(s.queue, Item{Object: o, Place: s.place + place, Derived: true, TLP: s.label})
}

// note notes what the file says of itself. In a file of several reports the
// first title stays.
func (s *stream) note(title string, published time.Time, label *tlp.Label) {
	if s.meta.Title == "" {
		s.meta.Title = title
	}
	if published.After(s.meta.Published) {
		s.meta.Published = published
	}
	if label == nil {
		s.silent = true
		return
	}
	l := *label
	if s.meta.TLP != nil {
		l = tlp.Most(l, *s.meta.TLP)
	}
	s.meta.TLP = &l
}

// whole is a source that reads its file in one go.
type whole struct {
	r     io.Reader
	limit int
	read  func(*stream, []byte) error
}

func (w *whole) fill(s *stream) error {
	b, err := io.ReadAll(io.LimitReader(w.r, int64(w.limit)+1))
	if err != nil {
		if s.file.err != nil {
			return io.EOF // told by ended
		}
		return fault.Errorf(fault.Unavailable, "format: read: %w", err)
	}
	if len(b) > w.limit {
		return invalid("the file is larger than "+strconv.Itoa(w.limit>>20)+" MiB, which is the most that is held in memory whole",
			"split it, or give it in a format that is read piece by piece")
	}
	if err := w.read(s, b); err != nil {
		return err
	}
	return io.EOF
}
