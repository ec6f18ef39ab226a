package web

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"casus/internal/core/report"
)

// TestEveryPieceIsReached follows the links of a report and finds each piece set
// aside once, in order, on pages of a size that can be read.
func TestEveryPieceIsReached(t *testing.T) {
	t.Parallel()
	f := story()
	id := f.rows[4].ID
	var want, got []string
	for i := range 230 {
		name := fmt.Sprintf("QRN-%04d", i)
		f.aside[id] = append(f.aside[id], report.Quarantined{ID: name, TLP: "TLP:GREEN"})
		want = append(want, name)
	}
	h := newPages(t, f, Options{})
	piece := regexp.MustCompile(`QRN-\d{4}`)
	next := reportPath(id)
	for _, says := range []string{"1 to 100 of 230", "101 to 200 of 230", "201 to 230 of 230"} {
		w := get(t, h, next)
		body := w.Body.String()
		if w.Code != http.StatusOK || !strings.Contains(body, says) {
			t.Fatalf("%s: status %d, does not say %q", next, w.Code, says)
		}
		got = append(got, piece.FindAllString(body, -1)...)
		_, rest, _ := strings.Cut(body, `rel="next" href="`)
		next, _, _ = strings.Cut(strings.ReplaceAll(rest, "&amp;", "&"), `#aside"`)
	}
	if !slices.Equal(got, want) || next != "" {
		t.Errorf("%d pieces in order %t, want the %d; then on to %q", len(got), slices.IsSorted(got), len(want), next)
	}
	for _, v := range []string{"x", "-1", "9999999999999999999999"} {
		if w := get(t, h, reportPath(id)+"?aside="+v); w.Code != http.StatusBadRequest {
			t.Errorf("aside=%s: status %d, want 400", v, w.Code)
		}
	}
	body, kind := form(t, field2{"@a.json", "{}"}, field2{"@b.json", "{}"})
	first := f.rows[0].ID
	f.aside[first] = f.aside[id]
	if page := post(h, "/reports/new", body, kind).Body.String(); strings.Count(page, "QRN-") != asidePerPage || !strings.Contains(page, "on the page of each report") {
		t.Errorf("after handing in two files %d pieces stand on the page, want %d and where the others are", strings.Count(page, "QRN-"), asidePerPage)
	}
}

// crowded is a store whose lists are as long as a page draws them, and longer,
// with a digest of its own in every line.
func crowded() *fake {
	n := 0
	fresh := func() string {
		n++
		sum := sha256.Sum256(fmt.Append(nil, n))
		return hex.EncodeToString(sum[:])
	}
	uuid := func(kind string) string {
		h := fresh()
		return kind + "--" + h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-8" + h[17:20] + "-" + h[20:32]
	}
	f := story()
	id := f.rows[0].ID
	d, m, o := f.details[id], f.matches[id], f.objects[indicatorID]
	found := f.found("x")
	source, hit, match := f.sources[0], found.Hits[0], m.Hits[0]
	f.sources, d.Items, m.Hits, found.Hits, o.Linked, o.Values = nil, nil, nil, nil, nil, nil
	for i := range 250 {
		if i < 60 { // as many members as an alliance may have
			source.Name = "CERT " + fresh()[:12]
			f.sources = append(f.sources, source)
		}
		f.rows = append(f.rows, f.rows[i%14])
		f.rows[len(f.rows)-1].Title = "report about " + fresh()
		if i < 200 {
			d.Items = append(d.Items, report.ObjectRow{ID: uuid("indicator"), Type: "indicator", Name: "[file:hashes.'SHA-256' = '" + fresh() + "']", TLP: "TLP:GREEN", Version: "2026-11-22T11:02:00Z"})
		}
		match.Value = fresh()
		match.Normal, match.Why = match.Value, "same SHA-256, reported by "+fresh()[:20]
		m.Hits = append(m.Hits, match)
		if hit.ID, hit.Value = uuid("indicator"), fresh(); i < rowsPerPage {
			found.Hits = append(found.Hits, hit)
		}
		o.Linked = append(o.Linked, report.Neighbor{ID: uuid("indicator"), Type: "indicator", Name: fresh(), How: "relationship indicates, outgoing", Held: true})
		o.Values = append(o.Values, report.Value{Type: "sha256", Normal: fresh(), Count: i})
		f.aside[id] = append(f.aside[id], report.Quarantined{ID: "QRN-" + fresh()[:4], Place: "object " + fresh()[:6], Reason: "the name " + fresh()[:12] + " stands twice", Remedy: "ask the source which of the two it means"})
	}
	f.rows[0].Title, d.Objects = "crowded", 10_000
	f.details[id], f.matches[id], f.objects[indicatorID] = d, m, o
	f.found = func(string) report.Found { return found }
	return f
}
