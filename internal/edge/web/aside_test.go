package web

import (
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
