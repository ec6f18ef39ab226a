package format

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"casus/internal/core/report"
	"casus/internal/fault"
	"casus/stix"
)

// rowsCSV reads a table of comma-separated values, line by line; a quoted cell
// may hold line ends. A row that cannot be read is set aside alone.
//
// Source: rfc4180; beside commas, semicolons, tabs and bars part columns, as the
// first lines show, and lines that begin with # are remarks.
type rowsCSV struct {
	lines *lineReader
	comma byte
	names []string
	// headed is set while the next row is the heading.
	headed bool
	table  *table
}

// newCSV looks at the first lines.
func newCSV(r *bufio.Reader, opt Options) (*rowsCSV, error) {
	r = decoded(r)
	head, err := r.Peek(headBytes)
	if len(head) == 0 && err != nil && !errors.Is(err, io.EOF) {
		return nil, fault.Errorf(fault.Unavailable, "format: read: %w", err)
	}
	c := &rowsCSV{lines: &lineReader{r: r}}
	text := strings.ToValidUTF8(string(head), "\ufffd")
	sample := sampleLines(text, len(head) >= headBytes)
	c.comma = delimiter(sample)
	if len(sample) > 0 {
		first := trimmed(splitRow(sample[0], c.comma))
		remark := trimmed(splitRow(lastRemark(text), c.comma))
		switch {
		case heading(first) || opt.Map != nil && covers(first, opt.Map):
			c.names, c.headed = first, true
		case len(remark) == len(first) && (heading(remark) || opt.Map != nil && covers(remark, opt.Map)):
			// Some lists write the heading as a remark.
			c.names = remark
		case opt.Map != nil:
			c.names, c.headed = first, true // for the words about what is missing
		}
	}
	if c.table, err = newTable(c.names, opt.Map); err != nil {
		return nil, err
	}
	return c, nil
}

// Heading returns the line that names the columns of the table f, with its end,
// so that a row can be read alone behind it; nil when f is no table, or one whose
// columns have no names.
func Heading(f File, opt Options) []byte {
	opt.Format = report.CSV
	r, err := Open(f, opt)
	if err != nil {
		return nil
	}
	s, ok := r.(*stream)
	if !ok {
		return nil
	}
	c, ok := s.src.(*rowsCSV)
	if !ok || c.names == nil {
		return nil
	}
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.Comma = rune(c.comma)
	if err := w.Write(c.names); err != nil {
		return nil
	}
	w.Flush()
	return b.Bytes()
}

// covers reports whether all columns of a map are among names.
func covers(names []string, saved map[string]string) bool {
	for column := range saved {
		if !slices.Contains(names, column) {
			return false
		}
	}
	return true
}

func trimmed(cells []string) []string {
	for i := range cells {
		cells[i] = strings.TrimSpace(cells[i])
	}
	return cells
}

// lastRemark returns the last remark before the first row, without its mark.
func lastRemark(text string) string {
	last := ""
	for l := range strings.Lines(text) {
		l = strings.TrimSpace(l)
		if l == "" {
			continue
		}
		if !isComment(l) {
			break
		}
		if t := strings.TrimSpace(strings.TrimLeft(l, "#/; ")); t != "" && strings.Trim(t, "#*=-") != "" {
			last = t
		}
	}
	return last
}

// delimiter returns what parts the columns: of comma, semicolon, tab and bar the one
// that gives the same number of columns, more than one, in most lines.
func delimiter(lines []string) byte {
	best, bestScore := byte(','), 0
	for _, d := range []byte{',', ';', '\t', '|'} {
		count := map[int]int{}
		for _, l := range lines {
			count[len(splitRow(l, d))]++
		}
		for n, times := range count {
			if n < 2 {
				continue
			}
			if score := times*100 + n; score > bestScore {
				best, bestScore = d, score
			}
		}
	}
	return best
}

// splitRow splits a line into cells, quotes taken into account. It is for
// looking at lines; a row that is taken in goes through parseRow.
func splitRow(line string, d byte) []string {
	if cells, err := parseRow([]byte(line), d); err == nil {
		return cells
	}
	return strings.Split(line, string(d))
}

// parseRow splits one record.
func parseRow(record []byte, d byte) ([]string, error) {
	r := csv.NewReader(bytes.NewReader(record))
	r.Comma = rune(d)
	r.FieldsPerRecord = -1
	r.TrimLeadingSpace = d != '\t' // quotes behind a space are quotes still
	cells, err := r.Read()
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	if err == nil {
		if _, more := r.Read(); !errors.Is(more, io.EOF) {
			return nil, errors.New("a quote is not closed where its cell ends")
		}
	}
	return cells, err
}

// fill implements source.
func (c *rowsCSV) fill(s *stream) error {
	if !c.table.holds() {
		return invalid("no column of the table is known to hold values; its columns are "+cut(strings.Join(c.names, ", "), 300),
			"give a map of the columns, for example value=indicator")
	}
	record, at, err := c.record()
	if err != nil {
		return lineError(s, at, err)
	}
	place := "line " + strconv.Itoa(at)
	if t := strings.TrimSpace(string(record)); t == "" || isComment(t) {
		return nil
	}
	if !utf8.Valid(record) {
		return c.aside(s, place, record, "the line is not UTF-8 (byte "+strconv.Itoa(firstInvalid(record)+1)+" of the line)", "save the table as UTF-8, or as UTF-16 with a byte order mark")
	}
	cells, err := parseRow(record, c.comma)
	if err != nil {
		return c.aside(s, place, record, "the quotes of the line do not match", "close every quote, and write a quote inside a cell twice")
	}
	if c.headed {
		c.headed = false
		return nil
	}
	if c.names != nil && len(cells) != len(c.names) {
		return c.aside(s, place, record,
			"the line has "+plural(len(cells), "column")+", the heading has "+strconv.Itoa(len(c.names)), "write cells that hold the separator in quotes")
	}
	r := row{place: place, raw: record}
	for i, text := range cells {
		column := ""
		if c.names != nil {
			column = c.names[i]
		}
		r.cells = append(r.cells, cell{column, text})
	}
	return c.table.add(s, r)
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

// aside sets a row aside.
func (c *rowsCSV) aside(s *stream, place string, record []byte, reason, remedy string) error {
	return c.table.aside(s, place, record, &refusal{"", reason, remedy})
}

// maxRecordLines is how many lines a quoted cell may run over. A quote that is
// never closed would else swallow the rest of the table.
const maxRecordLines = 200

// record returns the next record and the line it begins at: a line, or several
// while a quote is open.
func (c *rowsCSV) record() ([]byte, int, error) {
	line, at, err := c.lines.next()
	if err != nil {
		return nil, at, err
	}
	if !openQuote(line) || isComment(strings.TrimSpace(string(line))) {
		return line, at, nil
	}
	whole := line
	for n := 1; n < maxRecordLines; n++ {
		more, _, err := c.lines.next()
		if err != nil {
			if errors.Is(err, io.EOF) {
				return c.unread(line, whole), at, nil
			}
			if errors.Is(err, errLongLine) {
				c.lines.tooLong()
				return c.unread(line, whole), at, nil
			}
			return nil, at, err
		}
		whole = append(append(whole, '\n'), more...)
		if !openQuote(whole) {
			return whole, at, nil
		}
		if len(whole) > MaxLineBytes {
			break
		}
	}
	return c.unread(line, whole), at, nil
}

// unread puts back what was read behind line in vain.
func (c *rowsCSV) unread(line, whole []byte) []byte {
	if rest := whole[len(line):]; len(rest) > 0 {
		c.lines.back(rest[1:])
	}
	return slices.Clip(line)
}

// openQuote reports whether b ends inside quotes.
func openQuote(b []byte) bool { return bytes.Count(b, []byte{'"'})%2 == 1 }

func firstInvalid(b []byte) int {
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n <= 1 {
			return i
		}
		i += n
	}
	return len(b)
}

// lineReader reads lines and counts them.
type lineReader struct {
	r    *bufio.Reader
	n    int
	held [][]byte // lines put back; nil stands for one that is too long
}

var errLongLine = errors.New("a line is too long")

// next returns the next line without its end, and its number. The bytes are the
// caller's. A line that is too long is passed over with errLongLine; the lines
// behind it can still be read.
func (l *lineReader) next() ([]byte, int, error) {
	l.n++
	if len(l.held) > 0 {
		line := l.held[0]
		l.held = l.held[1:]
		if line == nil {
			return nil, l.n, errLongLine
		}
		return line, l.n, nil
	}
	var line []byte
	for {
		part, err := l.r.ReadSlice('\n')
		if len(line)+len(part) > MaxLineBytes {
			return nil, l.n, l.skip(err)
		}
		line = append(line, part...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(line) > 0, err == nil:
			return bytes.TrimRight(line, "\r\n"), l.n, nil
		default:
			return nil, l.n, err
		}
	}
}

// skip reads on to the end of a line that is too long; err is what the last read
// of it said.
func (l *lineReader) skip(err error) error {
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = l.r.ReadSlice('\n')
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return errLongLine
}

// tooLong puts back a line that was passed over as too long, to be told of when
// its turn comes. None may be held: it was read just now.
func (l *lineReader) tooLong() {
	l.held = append(l.held, nil)
	l.n--
}

// back puts lines back that were just read.
func (l *lineReader) back(rest []byte) {
	lines := bytes.Split(bytes.Clone(rest), []byte{'\n'})
	l.held = append(lines, l.held...)
	l.n -= len(lines)
}

// lineError settles what follows from an error of a source of lines.
func lineError(s *stream, at int, err error) error {
	switch {
	case errors.Is(err, io.EOF), s.file.err != nil:
		return io.EOF
	case errors.Is(err, errLongLine):
		s.problem(stix.Problem{
			Place: "line " + strconv.Itoa(at), Reason: "the line is longer than " + strconv.Itoa(MaxLineBytes>>10) + " KiB",
			Remedy: "shorten it, or check the format: this does not look like lines of text",
		})
		return nil
	}
	return fault.Errorf(fault.Unavailable, "format: read: %w", err)
}
