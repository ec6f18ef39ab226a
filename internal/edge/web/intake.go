package web

import (
	"bufio"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"casus/internal/core/report"
	"casus/internal/fault"
	"casus/tlp"
)

// Bounds of what the intake form takes.
const (
	maxFieldBytes  = 4096
	maxFiles       = 1000
	maxUploadBytes = 4 << 30 // of a form with all its files
)

// intakePage is the form for handing in.
type intakePage struct {
	*frame
	Sources []report.Source
	Choices []Choice
	Formats []report.Format
}

// Choice is one marking to choose from; an empty label leaves it to the
// source's default.
type Choice struct {
	Label   string
	Badge   Badge
	Checked bool
}

func (*intakePage) template() string { return "intake" }

func intakeForm(c *call) (page, error) {
	f := c.f
	f.Title, f.Section = f.T("intake"), "new"
	src, err := c.r.Sources(c.ctx())
	if err != nil {
		return nil, err
	}
	f.markSuppliers(src)
	return &intakePage{
		frame: f, Sources: src, Choices: choices(nil),
		Formats: []report.Format{report.STIX, report.MISP, report.CSV, report.Lines, report.Mail, report.Text},
	}, nil
}

// choices lists the labels, with set checked; nil checks "none of its own".
func choices(set *tlp.Label) []Choice {
	list := []Choice{{Checked: set == nil}}
	for _, l := range tlp.Labels() {
		list = append(list, Choice{Label: l.String(), Badge: badge(l), Checked: set != nil && *set == l})
	}
	return list
}

// takenPage says what came in when several files did, or none could be read.
type takenPage struct {
	*frame
	R report.Result
	asideList
}

func (*takenPage) template() string { return "taken" }

// intakePost takes in files and pasted text, one after another, once it has
// read the whole form and found nothing wrong with it. One report that could be
// read leads to its own page, anything else to a page that lists what became
// of each. Who follows along by events is told how far it is, and then the same.
func intakePost(c *call) (page, error) {
	f := c.f
	f.Title, f.Section = f.T("intake"), "new"
	sp := &spool{dir: c.opt.TempDir}
	defer sp.close()
	h, err := c.readForm(sp)
	if err != nil {
		return nil, err
	}
	if len(h.files) == 0 {
		return nil, fault.WithHint(fault.Errorf(fault.Invalid, "web: form: nothing was handed in"), "choose a file or paste the text of a report")
	}
	if !c.follows() {
		res, err := c.takeIn(h, sp, nil)
		if err != nil {
			return nil, err
		}
		return c.taken(res)
	}
	e := c.follow(h.files)
	res, err := c.takeIn(h, sp, e)
	if err != nil {
		e.end(nil, err)
	} else {
		e.end(c.taken(res))
	}
	return told{}, nil
}

// taken leads to what came in.
func (c *call) taken(res report.Result) (page, error) {
	f := c.f
	if one := res.Reports[0]; len(res.Reports) == 1 && one.Problem == "" && one.ID != "" {
		return see{at(reportPath(one.ID), "new", strconv.Itoa(res.New), "known", strconv.Itoa(res.Known+res.Conflicting))}, nil
	}
	p := &takenPage{frame: f, R: res}
	f.Title = f.T("taken")
	cited := map[string]bool{}
	var all []report.Quarantined
	for _, r := range res.Reports {
		if r.ID == "" {
			continue
		}
		cited[r.ID] = true
		if r.Quarantined == 0 {
			continue
		}
		list, err := c.aside(r.ID)
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	p.asideList = asidePage(all, 0)
	return p, c.markCited(cited)
}

// handedIn is a form as it was read: what holds for everything in it, and its
// files, of which a pasted text is one without a name.
type handedIn struct {
	req   report.Request
	files []spooled
}

// readForm reads the whole form into sp and imports nothing: a form with
// anything wrong in it leaves no trace.
func (c *call) readForm(sp *spool) (handedIn, error) {
	h := handedIn{req: report.Request{Exercise: c.opt.Exercise}}
	limit := c.opt.MaxUploadBytes
	if limit == 0 {
		limit = maxUploadBytes
	}
	if c.req.ContentLength > limit {
		return h, tooLarge(limit)
	}
	c.req.Body = http.MaxBytesReader(nil, c.req.Body, limit)
	parts, err := c.req.MultipartReader()
	if err != nil {
		return h, fault.Errorf(fault.Invalid, "web: form: %w", err)
	}
	seen := map[string]bool{}
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return h, nil
		}
		if err == nil {
			err = h.add(part, sp, seen)
		}
		if err != nil {
			return h, unread(err, limit)
		}
	}
}

// add reads one part of the form. What holds for the files stands before the
// first of them, once each: of two markings one would be the wider, and one
// behind a file reads as if it were for the next.
func (h *handedIn) add(part *multipart.Part, sp *spool, seen map[string]bool) error {
	name := part.FormName()
	if name != "file" && name != "text" {
		short := cut(name, 40)
		switch {
		case !slices.Contains([]string{"source", "title", "tlp", "format", "exercise"}, name):
			return fault.WithHint(fault.Errorf(fault.Invalid, "web: form: unknown field %q", short), "the fields are source, title, tlp, format, exercise, file and text")
		case seen[name]:
			return fault.Errorf(fault.Invalid, "web: form: %s stands twice", short)
		case len(h.files) > 0:
			return fault.WithHint(fault.Errorf(fault.Invalid, "web: form: %s stands behind a file", short), "send the fields first, then files and text; nothing was taken in")
		}
		seen[name] = true
		return field(&h.req, part)
	}
	file := part.FileName()
	if name == "text" {
		file = ""
	}
	body, ok, err := content(part, name == "text")
	switch {
	case err != nil:
		return err
	case !ok && file == "":
		return nil // a browser sends what was left empty too
	case name == "file" && file == "":
		return fault.WithHint(fault.Errorf(fault.Invalid, "web: form: a file without a name"), "give its name, or send its content as text")
	case len(h.files) == maxFiles:
		return fault.WithHint(fault.Errorf(fault.Invalid, "web: form: more than %d files", maxFiles), "pack them into one archive")
	}
	one, err := sp.add(file, body)
	h.files = append(h.files, one)
	return err
}

// content says whether a part has any, and returns a reader of the whole. White
// space alone is no text.
func content(r io.Reader, text bool) (io.Reader, bool, error) {
	if text {
		ok, rest, err := firstText(r)
		return rest, ok, err
	}
	b := bufio.NewReader(r)
	_, err := b.Peek(1)
	if errors.Is(err, io.EOF) {
		return b, false, nil
	}
	return b, err == nil, err
}

// takeIn imports each file of the form. When some are in and a later one
// fails, the failure is listed beside them: what is in stays in.
func (c *call) takeIn(h handedIn, sp *spool, e *events) (report.Result, error) {
	res := report.Result{Reports: []report.ReportRef{}}
	for i, f := range h.files {
		one := h.req
		one.Name = f.name
		got, err := c.w.Import(c.ctx(), one, f.name, sp.open(f), e.progress(i))
		if err != nil {
			if len(res.Reports) == 0 || fault.KindOf(err) == fault.Internal {
				return res, err
			}
			got.Reports = append(got.Reports, report.ReportRef{Name: f.name, Problem: fault.Text(err), Remedy: fault.HintOf(err)})
		}
		res.Add(got)
		res.Seconds += got.Seconds
	}
	return res, nil
}

// firstText says whether there is anything but white space in r, and returns a
// reader of the whole.
func firstText(r io.Reader) (bool, io.Reader, error) {
	b := bufio.NewReader(r)
	var lead strings.Builder
	for {
		c, _, err := b.ReadRune()
		if errors.Is(err, io.EOF) {
			return false, nil, nil
		}
		if err != nil {
			return false, nil, err
		}
		if !unicode.IsSpace(c) {
			if err := b.UnreadRune(); err != nil {
				return false, nil, err
			}
			return true, io.MultiReader(strings.NewReader(lead.String()), b), nil
		}
		if lead.Len() < maxFieldBytes { // white space before the text says nothing
			lead.WriteRune(c)
		}
	}
}

// field reads one plain field of the form into req.
func field(req *report.Request, part *multipart.Part) error {
	b, err := io.ReadAll(io.LimitReader(part, maxFieldBytes+1))
	if err != nil {
		return err
	}
	name, v := part.FormName(), strings.TrimSpace(string(b))
	if len(b) > maxFieldBytes {
		return fault.Errorf(fault.Invalid, "web: form: %s: more than %d bytes", name, maxFieldBytes)
	}
	switch name {
	case "source":
		req.Source = v
	case "title":
		req.Title = v
	case "format":
		req.Format = report.Format(v)
	case "exercise":
		if v != "" && v != "yes" {
			return fault.Errorf(fault.Invalid, "web: form: exercise: %q, want yes or nothing", cut(v, 40))
		}
		req.Exercise = req.Exercise || v == "yes"
	case "tlp":
		l, err := label(v)
		if err != nil {
			return err
		}
		req.TLP = l
	}
	return nil
}

// label reads a marking from a form; empty is nil. Anything it does not know
// is refused, never read as a wider one.
func label(v string) (*tlp.Label, error) {
	if v == "" {
		return nil, nil
	}
	l, ok := tlp.Parse(v)
	if !ok {
		return nil, fault.Errorf(fault.Invalid, "web: form: tlp: unknown label %q", cut(v, 40))
	}
	return &l, nil
}
