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
	for _, h := range p.Found.Hits {
		f.mark(h.TLP)
	}
	if p.Found.Next != "" {
		p.Next = at("/search", "q", q, "cursor", p.Found.Next)
	}
	return p, nil
}
