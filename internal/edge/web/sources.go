package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"casus/internal/core/privacy"
	"casus/internal/core/report"
	"casus/internal/fault"
	"casus/tlp"
)

// suppliers is the marking of a page that lists the sources: who hands reports
// in here, and how far they are trusted, is for the node's own organisation.
const suppliers = tlp.AmberStrict

// sourcesPage lists the sources and sets what holds for one.
type sourcesPage struct {
	*frame
	Sources []report.Source
	Edit    report.Source
	Choices []Choice
	Trusts  []Trust
	Classes []Held
	Saved   bool
}

// Held is a retention class to choose from.
type Held struct {
	privacy.Class
	Checked bool
}

// Trust is one grade of reliability to choose from.
type Trust struct {
	Grade, Words string
	Checked      bool
}

func (*sourcesPage) template() string { return "sources" }

// Default is a source's default marking as it is drawn.
func (f *frame) Default(l *tlp.Label) Badge {
	if l == nil {
		return badge(tlp.Red)
	}
	return badge(*l)
}

func sources(c *call) (page, error) {
	f := c.f
	f.Title, f.Section, f.JSON = f.T("sources"), "sources", "/api/v1/sources"
	name, err := c.query("name")
	if err != nil {
		return nil, err
	}
	list, err := c.r.Sources(c.ctx())
	if err != nil {
		return nil, err
	}
	p := &sourcesPage{frame: f, Sources: list, Edit: report.Source{Name: name}}
	f.markSuppliers(list)
	if i := byName(list, name); i >= 0 {
		p.Edit = list[i]
		p.Saved = c.req.URL.Query().Get("saved") == "yes"
	}
	p.Choices = choices(p.Edit.TLP)
	set := p.Edit.Trust
	if set == "" {
		set = "F"
	}
	for _, g := range []string{"A", "B", "C", "D", "E", "F"} {
		p.Trusts = append(p.Trusts, Trust{Grade: g, Words: f.T("trust." + g), Checked: g == set})
	}
	for _, k := range privacy.Classes() {
		p.Classes = append(p.Classes, Held{k, k.Name == p.Edit.Retention})
	}
	return p, nil
}

// Held says how long a retention class holds.
func (f *frame) Held(name string) string {
	c, ok := privacy.ClassOf(name)
	switch {
	case !ok:
		return f.T("sources.held.none")
	case c.Days == 0:
		return f.T("sources.held.ever")
	}
	return f.Count("n.days", c.Days)
}

// markSuppliers marks the page as one that lists the sources, if there are any.
func (f *frame) markSuppliers(list []report.Source) {
	if len(list) > 0 {
		f.mark(suppliers.String())
	}
}

func byName(list []report.Source, name string) int {
	return slices.IndexFunc(list, func(s report.Source) bool { return s.Name == name })
}

// setSource changes what holds for a source; its column map stays.
func setSource(c *call) (page, error) {
	const maxFormBytes = 64 << 10
	c.req.Body = http.MaxBytesReader(nil, c.req.Body, maxFormBytes)
	if err := c.req.ParseForm(); err != nil {
		return nil, fault.Errorf(fault.Invalid, "web: form: %w", err)
	}
	form := c.req.PostForm
	for field, v := range form {
		// What is not known is not left aside: it may be a marking misspelt.
		if !slices.Contains([]string{"name", "tlp", "zone", "trust", "purpose", "basis", "retention"}, field) || len(v) > 1 {
			return nil, fault.WithHint(fault.Errorf(fault.Invalid, "web: form: %q is unknown or stands twice", cut(field, 40)), "the fields are name, tlp, zone, trust, purpose, basis and retention, once each")
		}
	}
	name := formValue(form, "name")
	if name == "" {
		return nil, fault.WithHint(fault.Errorf(fault.Invalid, "web: form: name: empty"), "give the name the source hands reports in under")
	}
	list, err := c.r.Sources(c.ctx())
	if err != nil {
		return nil, err
	}
	s := report.Source{Name: name}
	if i := byName(list, name); i >= 0 {
		s.Map = list[i].Map
	}
	if s.TLP, err = label(formValue(form, "tlp")); err != nil {
		return nil, err
	}
	s.Zone = formValue(form, "zone")
	s.Trust = formValue(form, "trust")
	if len(s.Trust) > 1 || !strings.Contains("ABCDEF", s.Trust) {
		return nil, fault.Errorf(fault.Invalid, "web: form: trust: %q, want A to F", cut(s.Trust, 40))
	}
	s.Processing = privacy.Processing{Purpose: formValue(form, "purpose"), Basis: formValue(form, "basis"), Retention: formValue(form, "retention")}
	if err := s.Check(); err != nil {
		return nil, err
	}
	if err := c.w.SetSource(c.ctx(), s); err != nil {
		return nil, err
	}
	return see{at("/sources", "name", name, "saved", "yes")}, nil
}

func formValue(form url.Values, name string) string { return strings.TrimSpace(form.Get(name)) }
