package web

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"casus/internal/core/report"
	"casus/internal/fault"
)

// Releases answers who may read what, for who may ask: of what is one's own.
type Releases interface {
	// Why tells how reader stands to an object: "me", an organisation, a member or a
	// person's key.
	Why(ctx context.Context, id, reader string) (report.Why, error)
	// Preview tells what each reader would get of a report if it were released so.
	Preview(ctx context.Context, id string, ask report.Release) (report.Preview, error)
}

// sharePage shows what each reader would get of a report.
type sharePage struct {
	*frame
	P       report.Preview
	Choices []Choice
	Until   string
	Columns []Column
	Rows    []ShareRow
	// Orgs are the organisations, Persons whom the marking names.
	Orgs, Persons []Chip
}

// Column is readers who are treated alike.
type Column struct {
	Readers Short
	at      int // one of them
}

// ShareRow is what the columns get of fields of one type.
type ShareRow struct {
	Type   string
	Fields Short
	Count  int
	Cells  []ShareCell
}

// ShareCell is what one column gets.
type ShareCell struct {
	Text, Rules string
	Strike      bool
}

// Chip is one reader with what he would see.
type Chip struct {
	ID, Name string
	// Class is "me" for the owner, "yes" for all fields of all objects, "part" for
	// less, "" for nothing.
	Class   string
	Checked bool
	Owner   bool
	Says    string
	Rules   []report.Clause
}

func (*sharePage) template() string { return "share" }

// maxShareTo bounds the organisations of one question.
const maxShareTo = 1000

// releaseAsked reads the release that a form asks about.
func (c *call) releaseAsked(form map[string][]string) (report.Release, string, error) {
	var ask report.Release
	one := func(name string) string {
		if v := form[name]; len(v) > 0 {
			return strings.TrimSpace(v[0])
		}
		return ""
	}
	if ask.To = form["to"]; len(ask.To) > maxShareTo {
		return ask, "", fault.Errorf(fault.Invalid, "web: form: to: %d organisations, at most %d", len(ask.To), maxShareTo)
	}
	var err error
	if ask.TLP, err = label(one("tlp")); err != nil {
		return ask, "", err
	}
	until := one("until")
	if until == "" {
		return ask, "", nil
	}
	for _, form := range []string{time.DateOnly, "2006-01-02T15:04", time.RFC3339} {
		if t, perr := time.Parse(form, until); perr == nil {
			ask.Until = t.UTC()
			return ask, until, nil
		}
	}
	return ask, "", fault.Errorf(fault.Invalid, "web: form: until: %q is no day", cut(until, 40))
}

func share(c *call) (page, error) {
	id := c.req.PathValue("id")
	ask, until, err := c.releaseAsked(c.req.URL.Query())
	if err != nil {
		return nil, err
	}
	p, err := c.opt.Releases.Preview(c.ctx(), id, ask)
	if err != nil {
		return nil, err
	}
	d, err := c.r.Report(c.ctx(), p.Report)
	if err != nil {
		return nil, err
	}
	f := c.f
	f.Title, f.Section = f.T("share"), "reports"
	f.markRow(d.Row)
	f.mark(p.TLP)
	for _, o := range d.Items {
		f.mark(o.TLP)
	}
	f.mark(suppliers.String()) // who takes part, and how each stands
	s := &sharePage{frame: f, P: p, Choices: choices(ask.TLP), Until: until}
	s.columns()
	s.chips(ask)
	return s, nil
}

// columns puts readers who are treated alike in one column, and makes the rows.
func (s *sharePage) columns() {
	const named = 3
	at, lists := map[string]int{}, [][]string{}
	for i, r := range s.P.Readers {
		how := strings.Builder{}
		for _, row := range s.P.Rows {
			c := row.Cells[i]
			fmt.Fprintf(&how, "%d/%d/%d%v;", c.Full, c.Coarsened, c.Withheld, c.Rules)
		}
		n, ok := at[how.String()]
		if !ok {
			n = len(s.Columns)
			at[how.String()] = n
			s.Columns, lists = append(s.Columns, Column{at: i}), append(lists, nil)
		}
		lists[n] = append(lists[n], r.Reader)
	}
	for i := range s.Columns {
		s.Columns[i].Readers = s.Some(lists[i], named)
	}
	for _, row := range s.P.Rows {
		r := ShareRow{Type: row.Type, Fields: s.Some(row.Fields, 2*named), Count: row.Objects}
		for _, col := range s.Columns {
			r.Cells = append(r.Cells, s.cell(row.Cells[col.at]))
		}
		s.Rows = append(s.Rows, r)
	}
}

func (s *sharePage) cell(c report.PreviewCell) ShareCell {
	view := c.View()
	out := ShareCell{Rules: strings.Join(c.Rules, ", "), Strike: view == "withheld", Text: s.T("view." + view)}
	if view == "partly" {
		out.Text = s.T("view.partly.of", s.Number(c.Full), s.Number(c.Full+c.Coarsened+c.Withheld))
	}
	return out
}

func (s *sharePage) chips(ask report.Release) {
	for _, r := range s.P.Readers {
		c := Chip{ID: r.Reader, Name: r.Name, Owner: r.Owner, Rules: r.Rules, Checked: r.Named || slices.Contains(ask.To, r.Reader)}
		switch {
		case r.Objects == 0 && !r.Itself:
			c.Says = s.T("share.nothing")
		case r.Withheld+r.Coarsened == 0:
			c.Class, c.Says = "yes", s.T("share.all")
		default:
			c.Class, c.Says = "part", s.T("share.part", s.Number(r.Objects), s.Number(s.P.Objects), s.Number(r.Full), s.Number(r.Full+r.Coarsened+r.Withheld))
		}
		if r.Reader != r.Organisation {
			c.Name = r.Organisation
			s.Persons = append(s.Persons, c)
			continue
		}
		if r.Owner {
			c.Class = "me"
		}
		s.Orgs = append(s.Orgs, c)
	}
}

// Seeing counts the organisations that would see something.
func (s *sharePage) Seeing() int { return len(s.P.Organisations) }

// whyPage tells how a reader stands to an object.
type whyPage struct {
	*frame
	ID, Name string
	Reader   string
	Y        report.Why
}

func (*whyPage) template() string { return "why" }

func why(c *call) (page, error) {
	id := c.req.PathValue("id")
	reader, err := c.query("reader")
	if err != nil {
		return nil, err
	}
	o, err := c.r.Object(c.ctx(), id)
	if err != nil {
		return nil, err
	}
	f := c.frameOf(o)
	p := &whyPage{frame: f, ID: o.ID, Name: nameOf(o), Reader: reader}
	f.Title = f.T("why.title", nameOf(o))
	if p.Y, err = c.opt.Releases.Why(c.ctx(), o.ID, reader); err != nil {
		return nil, err
	}
	ids := map[string]bool{}
	for _, s := range p.Y.Readers {
		for _, r := range s.Receipts {
			ids[r.Report] = true
		}
	}
	if reader != "" && reader != "me" {
		f.mark(suppliers.String())
	}
	f.JSON = at("/api/v1"+objectPath(o.ID)+"/why", "reader", reader)
	return p, c.markCited(ids)
}
