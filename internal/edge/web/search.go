package web

import (
	"casus/internal/core/report"
)

// searchPage is what a search found.
type searchPage struct {
	*frame
	Found report.Found
	Asked bool
	Next  string
	// Indicators says that what was found are values, drawn in their own type.
	Indicators bool
}

func (*searchPage) template() string { return "search" }

func search(c *call) (page, error) {
	f := c.f
	q, err := c.query("q")
	if err != nil {
		return nil, err
	}
	cursor, err := c.query("cursor")
	if err != nil {
		return nil, err
	}
	f.Title, f.Section, f.Query = f.T("search"), "search", q
	p := &searchPage{frame: f, Asked: q != ""}
	if !p.Asked {
		return p, nil
	}
	f.Title = f.T("search.title", q)
	f.JSON = at("/api/v1/search", "q", q, "cursor", cursor)
	if p.Found, err = c.r.Search(c.ctx(), q, cursor, rowsPerPage); err != nil {
		return nil, err
	}
	p.Indicators = p.Found.Kind == "value" || p.Found.Kind == "cidr"
	cited := map[string]bool{}
	for _, h := range p.Found.Hits {
		f.mark(h.TLP)
		cited[h.Report] = true
	}
	if err := c.markCited(cited); err != nil {
		return nil, err
	}
	if p.Found.Next != "" {
		p.Next = at("/search", "q", q, "cursor", p.Found.Next)
	}
	return p, nil
}
