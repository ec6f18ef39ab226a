package web

import (
	"strings"
	"unicode/utf8"

	"casus/internal/core/report"
)

// shownRawBytes bounds the raw object on a page; the whole is in the API.
const shownRawBytes = 64 << 10

// shownLinks bounds the neighbours on an object's page; the rest is in the API.
const shownLinks = 200

// objectPage is one object.
type objectPage struct {
	*frame
	O      report.Object
	Name   string
	Raw    string
	CutRaw bool
	// Open says that the bytes are few enough to be shown at once.
	Open     bool
	Linked   []report.Neighbor
	More     int
	Conflict bool
	// Whys says that there is a page about who may read it.
	Whys bool
}

func (*objectPage) template() string { return "object" }

func object(c *call) (page, error) {
	o, err := c.r.Object(c.ctx(), c.req.PathValue("id"))
	if err != nil {
		return nil, err
	}
	f := c.frameOf(o)
	p := &objectPage{frame: f, O: o, Name: nameOf(o), Linked: o.Linked, Whys: c.opt.Releases != nil}
	for _, v := range o.Versions {
		p.Conflict = p.Conflict || v.Conflicting
	}
	if len(p.Linked) > shownLinks {
		p.Linked, p.More = p.Linked[:shownLinks], len(p.Linked)-shownLinks
	}
	const few = 4 << 10
	raw := o.Raw
	p.Open = len(raw) <= few
	if len(raw) > shownRawBytes {
		raw, p.CutRaw = raw[:shownRawBytes], true
	}
	p.Raw = strings.ToValidUTF8(string(raw), string(utf8.RuneError))
	return p, c.markCited(cited(o, p.Linked))
}

// frameOf frames a page about o.
func (c *call) frameOf(o report.Object) *frame {
	f := c.f
	f.Title = nameOf(o)
	f.JSON = "/api/v1" + objectPath(o.ID)
	f.mark(o.TLP)
	for _, r := range o.Receipts {
		f.mark(r.TLP)
	}
	return f
}

func nameOf(o report.Object) string {
	if o.Name != "" {
		return o.Name
	}
	return o.ID
}

// cited returns the ids of the reports an object came in with and of the
// neighbours that are here, whose names a page shows.
func cited(o report.Object, list []report.Neighbor) map[string]bool {
	ids := map[string]bool{}
	for _, r := range o.Receipts {
		ids[r.Report] = true
	}
	for _, n := range list {
		if n.Held {
			ids[n.ID] = true
		}
	}
	return ids
}
