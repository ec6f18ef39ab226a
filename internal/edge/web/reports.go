package web

import (
	"strconv"

	"casus/internal/core/report"
	"casus/internal/fault"
)

// rowsPerPage bounds a list on one page.
const rowsPerPage = 50

// objectsPerPage bounds the objects of a report on a page that does not start
// with the first of them.
const objectsPerPage = 200

// asidePerPage bounds the pieces set aside on a page.
const asidePerPage = 100

// reportsPage is the list of reports.
type reportsPage struct {
	*frame
	Rows    []report.Row
	Sources []report.Source
	Filter  string
	Source  string
	Next    string
	// All is how many reports are readable, From from how many sources.
	All, From int
	// Later is true when the list does not start with the newest.
	Later bool
	// Mixed says that only some of the reports belong to an exercise.
	Mixed bool
	First string
}

func (*reportsPage) template() string { return "reports" }

func reports(c *call) (page, error) {
	f := c.f
	f.Title, f.Section = f.T("reports"), "reports"
	var in [3]string
	for i, name := range []string{"q", "source", "cursor"} {
		v, err := c.query(name)
		if err != nil {
			return nil, err
		}
		in[i] = v
	}
	p := &reportsPage{frame: f, Filter: in[0], Source: in[1], Later: in[2] != ""}
	f.JSON = at("/api/v1/reports", "q", in[0], "source", in[1], "cursor", in[2])
	rows, next, err := c.r.Reports(c.ctx(), in[0], in[1], in[2], rowsPerPage)
	if err != nil {
		return nil, err
	}
	if p.Sources, err = c.r.Sources(c.ctx()); err != nil {
		return nil, err
	}
	f.markSuppliers(p.Sources)
	for _, s := range p.Sources {
		p.All += s.Reports
		if s.Reports > 0 {
			p.From++
		}
	}
	drills := 0
	for _, r := range rows {
		f.markRow(r)
		if r.Exercise {
			drills++
		}
	}
	p.Mixed = drills > 0 && drills < len(rows)
	p.Rows = rows
	p.First = at("/reports", "q", in[0], "source", in[1])
	if next != "" {
		p.Next = at("/reports", "q", in[0], "source", in[1], "cursor", next)
	}
	return p, nil
}

// markRow marks the page with what a report's row shows.
func (f *frame) markRow(r report.Row) {
	f.mark(r.TLP)
	f.exercise = f.exercise || r.Exercise
}

// reportPage is one report: what came in, who else saw it, its objects and
// what was set aside.
type reportPage struct {
	*frame
	D     report.Detail
	Types []Bar
	asideList
	Finding finding
	// Later is true when the objects do not start with the first; Next is where
	// those after them are.
	Later bool
	Next  string
	// Arrived is set right after a report was handed in.
	Arrived *arrival
	// Shares says that who reads may ask who else would.
	Shares bool
}

// arrival is what a report brought when it was handed in.
type arrival struct{ New, Known int }

// Bar is one line of a bar chart; Width is in parts of [barWidth].
type Bar struct {
	Label string
	Count int
	Width int
}

const barWidth = 100

func (*reportPage) template() string { return "report" }

func oneReport(c *call) (page, error) {
	f := c.f
	id := c.req.PathValue("id")
	from, err := c.asideFrom()
	if err != nil {
		return nil, err
	}
	d, err := c.r.Report(c.ctx(), id)
	if err != nil {
		return nil, err
	}
	f.Title, f.Section = d.Title, "reports"
	if f.Title == "" {
		f.Title = d.ID
	}
	f.JSON = "/api/v1" + reportPath(d.ID)
	f.markRow(d.Row)
	cursor, err := c.query("objects")
	if err != nil {
		return nil, err
	}
	if cursor != "" {
		if d.Items, d.Next, err = c.r.Items(c.ctx(), d.ID, cursor, objectsPerPage); err != nil {
			return nil, err
		}
	}
	for _, o := range d.Items {
		f.mark(o.TLP)
	}
	p := &reportPage{frame: f, D: d, Types: f.bars(d.Types), Later: cursor != "", Shares: c.opt.Releases != nil && d.Own && d.State == "complete"}
	if d.Next != "" {
		p.Next = at(reportPath(d.ID), "objects", d.Next) + "#objects"
	}
	if p.Finding, err = c.find(d.ID, d.Source); err != nil {
		return nil, err
	}
	list, err := c.aside(d.ID)
	if err != nil {
		return nil, err
	}
	p.asideList = asidePage(list, from)
	if p.AsideNext > 0 {
		p.AsideLink = at(reportPath(d.ID), "aside", strconv.Itoa(p.AsideNext)) + "#aside"
	}
	p.Arrived = arrived(c)
	return p, nil
}

// asideList is what was set aside, so far as it stands on the page.
type asideList struct {
	Aside []report.Quarantined
	// AsideAll is how many there are, AsideFirst which of them stands first,
	// from 1, and AsideNext how many stand before the next page; 0 at the end.
	AsideAll, AsideFirst, AsideNext int
	// AsideLink is where the next ones are, if the page is of one report.
	AsideLink string
}

// asidePage returns a page of list behind the first from. All of list is the
// reader's to see, so a number does for a cursor.
func asidePage(list []report.Quarantined, from int) asideList {
	from = min(from, len(list))
	a := asideList{AsideAll: len(list), AsideFirst: from + 1, Aside: list[from:]}
	if len(a.Aside) > asidePerPage {
		a.Aside = a.Aside[:asidePerPage]
		a.AsideNext = from + asidePerPage
	}
	return a
}

// asideFrom reads how many pieces stand on earlier pages.
func (c *call) asideFrom() (int, error) {
	v := c.req.URL.Query().Get("aside")
	if v == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 {
		return 0, fault.WithHint(fault.Errorf(fault.Invalid, "web: aside: %q is no number of pieces", cut(v, 40)), "go back to the report and follow its links")
	}
	return n, nil
}

// arrived reads the figures that handing in a report put in the address.
func arrived(c *call) *arrival {
	q := c.req.URL.Query()
	n, errN := strconv.Atoi(q.Get("new"))
	k, errK := strconv.Atoi(q.Get("known"))
	if errN != nil || errK != nil || n < 0 || k < 0 {
		return nil
	}
	return &arrival{New: n, Known: k}
}

// aside returns what was set aside from a report, and marks the page with it.
func (c *call) aside(id string) ([]report.Quarantined, error) {
	list, err := c.r.Quarantine(c.ctx(), id)
	if err != nil {
		return nil, err
	}
	for _, q := range list {
		c.f.mark(q.TLP)
	}
	return list, nil
}

func (f *frame) bars(types []report.TypeCount) []Bar {
	most := 1
	for _, t := range types {
		most = max(most, t.Count)
	}
	bars := make([]Bar, 0, len(types))
	for _, t := range types {
		bars = append(bars, Bar{Label: f.Kind(t.Type), Count: t.Count, Width: max(1, t.Count*barWidth/most)})
	}
	return bars
}

// finding is the answer to "who else saw this?" as it is drawn.
type finding struct {
	S       report.MatchSummary
	Telling []report.Match
	Common  []report.Match
	Others  int // sources that saw some of it too, the report's own not counted
	More    int // matches not drawn
	// Patterns are those of indicators elsewhere that it fulfils.
	Patterns []report.PatternMatch
}

// drawnMatches bounds the matches on one page; the rest is in the JSON.
const drawnMatches = 200

// find asks who else saw a report from source own, and marks the page with the
// reports cited.
func (c *call) find(id, own string) (finding, error) {
	m, err := c.r.Match(c.ctx(), id)
	if err != nil {
		return finding{}, err
	}
	x := finding{S: m.Summary}
	sources, cited := map[string]bool{}, map[string]bool{}
	for i, h := range m.Hits {
		for _, s := range h.Sources {
			sources[s] = true
		}
		if i >= drawnMatches {
			x.More++
			continue
		}
		for _, r := range h.Reports {
			cited[r] = true
		}
		if h.Noise == "" {
			x.Telling = append(x.Telling, h)
		} else {
			x.Common = append(x.Common, h)
		}
	}
	for _, p := range m.Patterns[:min(len(m.Patterns), drawnMatches)] {
		x.Patterns = append(x.Patterns, p)
		cited[p.Report], cited[p.Indicator] = true, true
	}
	x.More += len(m.Patterns) - len(x.Patterns)
	delete(sources, own)
	x.Others = len(sources)
	return x, c.markCited(cited)
}
