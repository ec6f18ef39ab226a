package web

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"casus/internal/core/report"
	"casus/internal/fault"
)

// Preview tells a written story: the owner sees everything, one ally the
// indicators but for their descriptions, another nothing; named ones everything
// but that.
func (f *fake) Preview(_ context.Context, id string, ask report.Release) (report.Preview, error) {
	if f.fail != nil {
		return report.Preview{}, f.fail
	}
	d, ok := f.details[id]
	if !ok {
		return report.Preview{}, fault.Errorf(fault.NotFound, "fake: %s: no such report", id)
	}
	p := report.Preview{Report: d.ID, Title: d.Title, TLP: d.TLP, Objects: 14, Organisations: []string{"ALD/csirt", "CAL/csirt"}}
	if ask.TLP != nil {
		p.TLP = ask.TLP.String()
	}
	deny := []report.Clause{{ID: "tlp-amber-strict", Says: "TLP:AMBER+STRICT and above stay in the organisations that received it"}}
	allow := []report.Clause{{ID: "recipient", Says: "the recipient list names the reader's organisation"}}
	p.Readers = []report.PreviewReader{
		{Reader: "CAL/csirt", Organisation: "CAL/csirt", Name: "Calder grid desk", Owner: true, Itself: true, Objects: 14, Full: 70, Rules: allow},
		{Reader: "ALD/csirt", Organisation: "ALD/csirt", Name: "CERT Aldera", Named: true, Itself: true, Objects: 14, Full: 56, Withheld: 14, Rules: allow},
		{Reader: "MAR/csirt", Organisation: "MAR/csirt", Name: "CERT Marrow", Withheld: 70, Rules: deny},
		{Reader: "OST/csirt", Organisation: "OST/csirt", Name: "CERT Ostavia", Withheld: 70, Rules: deny},
		{Reader: "p7", Organisation: "ALD/csirt", Name: "CERT Aldera", Itself: true, Objects: 14, Full: 70, Rules: allow},
	}
	row := func(typ string, n int, text bool, fields ...string) report.PreviewRow {
		r := report.PreviewRow{Type: typ, Fields: fields, Objects: n}
		for i, x := range p.Readers {
			c := report.PreviewCell{Reader: x.Reader, Full: n, Rules: []string{"recipient"}}
			if i == 2 || i == 3 || text && i == 1 {
				c = report.PreviewCell{Reader: x.Reader, Withheld: n, Rules: []string{"tlp-amber-strict"}}
			}
			r.Cells = append(r.Cells, c)
		}
		return r
	}
	p.Rows = []report.PreviewRow{row("indicator", 14, false, "type", "id", "pattern", "name"), row("indicator", 14, true, "description")}
	return p, nil
}

func (f *fake) Why(_ context.Context, id, reader string) (report.Why, error) {
	if reader == "OST/csirt" {
		return report.Why{}, fault.Errorf(fault.Denied, "fake: not yours to ask")
	}
	if reader == "" {
		reader = "me"
	}
	return report.Why{Object: id, Readers: []report.Standing{{Reader: reader, Effect: "deny", Receipts: []report.Ruling{{
		Report: f.rows[0].ID, Source: f.rows[0].Source, Received: f.rows[0].Received, TLP: "TLP:AMBER+STRICT", Set: "TLP:AMBER+STRICT;own=CAL/csirt;to=CAL/csirt",
		Effect: "deny", Rules: []report.Clause{{ID: "tlp-amber-strict", Says: "TLP:AMBER+STRICT and above stay in the organisations that received it"}},
	}}}}}, nil
}

func (p poisoned) Preview(context.Context, string, report.Release) (report.Preview, error) {
	return filled[report.Preview](p.s), nil
}

func (p poisoned) Why(context.Context, string, string) (report.Why, error) {
	return filled[report.Why](p.s), nil
}

// TestSharePage looks at who stands with whom and what the form asks for.
func TestSharePage(t *testing.T) {
	t.Parallel()
	h := newPages(t, story(), Options{})
	w := get(t, h, "/reports/RPT-7K2M-9XQ4/share?to=ALD/csirt&tlp=TLP:AMBER&until=2026-12-24")
	body := text(parse(t, w.Body.String()))
	for _, want := range []string{"MAR/csirt , OST/csirt", "2 organisations", "of 4 could read", "withheld", "p7"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %q:\n%s", want, body)
		}
	}
	for _, want := range []string{`value="ALD/csirt" checked`, `value="TLP:AMBER" checked`, `value="2026-12-24"`} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("the form does not keep %s", want)
		}
	}
	for path, status := range map[string]int{
		"/reports/RPT-NONE-NONE/share": http.StatusNotFound, "/reports/RPT-7K2M-9XQ4/share?tlp=pink": http.StatusBadRequest,
		"/reports/RPT-7K2M-9XQ4/share?until=soon": http.StatusBadRequest, "/objects/none/why": http.StatusNotFound,
		"/objects/" + indicatorID + "/why?reader=OST/csirt": http.StatusForbidden, "/objects/" + indicatorID + "/why?reader=MAR/csirt": http.StatusOK,
	} {
		if w := get(t, h, path); w.Code != status {
			t.Errorf("%s: status %d, want %d", path, w.Code, status)
		}
	}
}
