package web

import (
	"bufio"
	"errors"
	"io"
	"mime/multipart"
	"strconv"
	"strings"
	"unicode"

	"casus/internal/core/report"
	"casus/internal/fault"
	"casus/tlp"
)

// Bounds of what the intake form takes. Files are streamed to the intake,
// which has limits of its own.
const (
	maxFieldBytes = 4096
	maxFiles      = 1000
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
	R     report.Result
	Aside []report.Quarantined
}

func (*takenPage) template() string { return "taken" }

// intakePost takes in files and pasted text, one after another as they arrive.
// The form sends what holds for all of them first. One report that could be
// read leads to its own page, anything else to a page that lists what became
// of each.
func intakePost(c *call) (page, error) {
	f := c.f
	f.Title, f.Section = f.T("intake"), "new"
	parts, err := c.req.MultipartReader()
	if err != nil {
		return nil, fault.Errorf(fault.Invalid, "web: form: %w", err)
	}
	res, err := c.takeParts(parts)
	if err != nil {
		return nil, err
	}
	if len(res.Reports) == 0 {
		return nil, fault.WithHint(fault.Errorf(fault.Invalid, "web: form: nothing was handed in"), "choose a file or paste the text of a report")
	}
	if one := res.Reports[0]; len(res.Reports) == 1 && one.Problem == "" && one.ID != "" {
		return see{at(reportPath(one.ID), "new", strconv.Itoa(res.New), "known", strconv.Itoa(res.Known+res.Conflicting))}, nil
	}
	p := &takenPage{frame: f, R: res}
	f.Title = f.T("taken")
	cited := map[string]bool{}
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
		p.Aside = append(p.Aside, list...)
	}
	return p, c.markCited(cited)
}

// takeParts reads the form and imports each file of it. When some are in and a
// later one fails, the failure is listed beside them: what is in stays in.
func (c *call) takeParts(parts *multipart.Reader) (report.Result, error) {
	res := report.Result{Reports: []report.ReportRef{}}
	req := report.Request{Exercise: c.opt.Exercise}
	seen := map[string]bool{}
	for n := 0; ; {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return res, nil
		}
		if err != nil {
			return res, fault.Errorf(fault.Invalid, "web: form: %w", err)
		}
		name := part.FileName()
		body := io.Reader(part)
		switch part.FormName() {
		case "file":
			if name == "" {
				continue
			}
		case "text":
			first, rest, err := firstText(part)
			if err != nil || !first {
				continue
			}
			name, body = "", rest
		default:
			// Of two markings one would be the wider: neither is taken.
			if seen[part.FormName()] {
				return res, fault.Errorf(fault.Invalid, "web: form: %s stands twice", cut(part.FormName(), 40))
			}
			seen[part.FormName()] = true
			if err := field(&req, part); err != nil {
				return res, err
			}
			continue
		}
		if n++; n > maxFiles {
			return res, fault.WithHint(fault.Errorf(fault.Invalid, "web: form: more than %d files", maxFiles), "pack them into one archive")
		}
		one := req
		one.Name = name
		got, err := c.w.Import(c.ctx(), one, name, body, nil)
		if err != nil {
			kind := fault.KindOf(err)
			if len(res.Reports) == 0 || kind == fault.Internal {
				return res, err
			}
			got.Reports = append(got.Reports, report.ReportRef{Name: name, Problem: err.Error(), Remedy: fault.HintOf(err)})
		}
		res.Add(got)
		res.Seconds += got.Seconds
	}
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

// field reads one plain field of the form into req; unknown ones are ignored.
func field(req *report.Request, part *multipart.Part) error {
	b, err := io.ReadAll(io.LimitReader(part, maxFieldBytes+1))
	if err != nil {
		return fault.Errorf(fault.Invalid, "web: form: %w", err)
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
