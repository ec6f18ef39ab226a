package web

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"casus/internal/audit"
	"casus/internal/core/alliance"
	"casus/internal/core/report"
	"casus/tlp"
)

// Audits answers auditors. Who is none is Denied.
type Audits interface {
	// Oversees reports whether who asks may read the trail: the menu leads him there.
	Oversees(ctx context.Context) bool
	// Trail lists entries of the trail, newest first.
	Trail(ctx context.Context, f audit.Filter, cursor string, limit int) (audit.Listing, error)
	// TrailEntry returns the entries with a short id.
	TrailEntry(ctx context.Context, id string) ([]audit.Entry, error)
}

// trailMarking is that of the trail: it is for those who oversee alone.
const trailMarking = tlp.Red

// notesPerPage bounds the entries on one page.
const notesPerPage = 50

// auditPage lists entries of the trail.
type auditPage struct {
	*frame
	Rows   []Note
	Fields map[string]string // of the filter, as typed
	Kinds  []Option
	Next   string
	First  string
	// Later is set on a page that does not start with the newest, Filtered on one that
	// does not show all.
	Later, Filtered bool
}

func (*auditPage) template() string { return "audit" }

// Option is one choice of several.
type Option struct {
	Value, Words string
	Chosen       bool
}

// Note is an entry of the trail as it is drawn.
type Note struct {
	ID   string
	At   string
	Who  string
	Role string
	// Action is what was done, Raw the address that was asked for.
	Action, Raw string
	Outcome     string
	Refused     bool
	Of          Short
}

// auditFields are the parameters of the filter.
func auditFields() []string {
	return []string{"since", "until", "kind", "actor", "action", "object", "query"}
}

func auditList(c *call) (page, error) {
	f := c.f
	f.Title, f.Section = f.T("audit"), "audit"
	f.mark(trailMarking.String())
	p := &auditPage{frame: f, Fields: map[string]string{}}
	q := url.Values{}
	for _, name := range auditFields() {
		v, err := c.query(name)
		if err != nil {
			return nil, err
		}
		p.Fields[name] = v
		if v != "" {
			q.Set(name, v)
		}
	}
	p.Filtered = len(q) > 0
	p.First = "/audit"
	if p.Filtered {
		p.First += "?" + q.Encode()
	}
	cursor, err := c.query("cursor")
	if err != nil {
		return nil, err
	}
	if p.Later = cursor != ""; p.Later {
		q.Set("cursor", cursor)
	}
	if f.JSON = "/api/v1/audit"; len(q) > 0 {
		f.JSON += "?" + q.Encode()
	}
	filter, err := p.filter()
	if err != nil {
		return nil, err
	}
	list, err := c.opt.Audits.Trail(c.ctx(), filter, cursor, notesPerPage)
	if err != nil {
		return nil, err
	}
	for i := range list.Entries {
		p.Rows = append(p.Rows, f.note(&list.Entries[i]))
	}
	if list.Next != "" {
		q.Set("cursor", list.Next)
		p.Next = "/audit?" + q.Encode()
	}
	for _, k := range []string{"", audit.KindRead, audit.KindRefusal} {
		p.Kinds = append(p.Kinds, Option{k, f.T("audit.kind." + k), k == filter.Kind})
	}
	return p, nil
}

// filter reads the fields.
func (p *auditPage) filter() (f audit.Filter, err error) {
	f = audit.Filter{Kind: p.Fields["kind"], Actor: p.Fields["actor"], Action: p.Fields["action"], Object: p.Fields["object"], Query: p.Fields["query"]}
	if f.Since, err = report.DayOrInstant(p.Fields["since"]); err != nil {
		return f, err
	}
	f.Until, err = report.DayOrInstant(p.Fields["until"])
	return f, err
}

// note draws an entry.
func (f *frame) note(e *audit.Entry) Note {
	const shown = 3
	n := Note{ID: e.ID, At: e.At.Format(time.RFC3339Nano), Who: string(e.Person), Refused: e.Refusal != nil, Outcome: f.outcome(e)}
	if e.Role != alliance.NoRole {
		n.Role = f.Role(e.Role)
	}
	if n.Who == "" {
		n.Who = f.T("audit.nobody")
		if e.Refusal != nil && e.Refusal.From != "" {
			n.Role = f.from(e.Refusal.From)
		}
	}
	var ok bool
	if n.Action, ok = f.lang.lookup("audit.act." + e.Action()); !ok {
		n.Action, n.Raw = "", e.Action()
	}
	var ids []string
	all := 0
	switch {
	case e.Read != nil && e.Read.ObjectCount > 0:
		ids, all = e.Read.Objects, e.Read.ObjectCount
	case e.Read != nil:
		ids, all = e.Read.Reports, e.Read.ReportCount
	case e.Refusal.About != "":
		ids = []string{f.T("audit.login", e.Refusal.About)}
	case len(e.Refusal.Alarms) > 0:
		ids = e.Refusal.Alarms
	default:
		ids = e.Refusal.Withheld
	}
	n.Of = f.Some(ids, shown)
	n.Of.More = max(all, len(ids)) - len(n.Of.First)
	return n
}

// from says where nobody came from.
func (f *frame) from(network string) string {
	if w, ok := f.lang.lookup("audit.from." + network); ok {
		return w
	}
	return network
}

// outcome says what came of an act.
func (f *frame) outcome(e *audit.Entry) string {
	out, times := f.T("audit.given"), 0
	switch r := e.Refusal; {
	case r != nil && r.Status == 0:
		out, times = f.T("audit.erred"), r.Count
	case r != nil && len(r.Withheld) > 0:
		out, times = f.T("audit.withheld"), r.Count
	case r != nil:
		out, times = f.T("audit.refused", r.Status), r.Count
	case e.Read.Begun:
		out = f.T("audit.begun")
	case e.Read.Cut:
		out, times = f.T("audit.cut"), e.Read.Times
	default:
		times = e.Read.Times
	}
	if times > 1 {
		out += " · " + f.T("audit.times", f.Number(times))
	}
	if e.Unnamed {
		out += " · " + f.T("audit.unnamed")
	}
	return out
}

// notePage shows entries whole.
type notePage struct {
	*frame
	Notes []NoteFacts
}

func (*notePage) template() string { return "audit-entry" }

// NoteFacts is an entry with all that stands in it.
type NoteFacts struct {
	Note
	Facts []Fact
}

// Fact is one thing that stands in an entry.
type Fact struct {
	Name string
	Text string
	IDs  []string
}

func auditEntry(c *call) (page, error) {
	f := c.f
	id := c.req.PathValue("id")
	list, err := c.opt.Audits.TrailEntry(c.ctx(), id)
	if err != nil {
		return nil, err
	}
	f.Title, f.Section, f.JSON = f.T("audit.entry", id), "audit", "/api/v1/audit/"+url.PathEscape(id)
	f.mark(trailMarking.String())
	p := &notePage{frame: f}
	for i := range list {
		p.Notes = append(p.Notes, NoteFacts{f.note(&list[i]), f.facts(&list[i])})
	}
	return p, nil
}

// facts tells all that stands in an entry; what is empty is left out.
func (f *frame) facts(e *audit.Entry) []Fact {
	var out []Fact
	add := func(name, text string) {
		if text != "" {
			out = append(out, Fact{Name: name, Text: text})
		}
	}
	ids := func(name string, ids []string, all int) {
		if len(ids) > 0 {
			out = append(out, Fact{Name: name, Text: f.Number(max(all, len(ids))), IDs: ids})
		}
	}
	const toTheSecond = "2006-01-02 15:04:05Z"
	add(f.T("audit.when"), e.At.UTC().Format(toTheSecond))
	add(f.T("audit.written"), e.Written.UTC().Format(toTheSecond))
	add(f.T("audit.token"), e.Token)
	if g := e.Read; g != nil {
		add(f.T("audit.org"), string(g.Org))
		add(f.T("col.marking"), g.TLP)
		add(f.T("audit.hash"), g.Query)
		ids(f.T("audit.reports"), g.Reports, g.ReportCount)
		ids(f.T("audit.objects"), g.Objects, g.ObjectCount)
		add(f.T("audit.digest"), g.Digest)
	}
	if r := e.Refusal; r != nil {
		add(f.T("audit.org"), string(r.Org))
		add(f.T("audit.about"), string(r.About))
		add(f.T("audit.loginhash"), r.LoginHash)
		ids(f.T("audit.withheld.ids"), r.Withheld, 0)
		ids(f.T("audit.alarms"), r.Alarms, 0)
		if r.Seconds > 0 {
			add(f.T("audit.over"), strconv.Itoa(r.Seconds)+" s")
		}
	}
	return out
}
