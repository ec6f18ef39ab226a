package node

import (
	"encoding/json/v2"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"casus/internal/core/report"
)

// TestItemsPageThrough pages through a report larger than what it is shown with:
// every object comes once, in the order of the whole.
func TestItemsPageThrough(t *testing.T) {
	t.Parallel()
	n := inMemory(t)
	var text strings.Builder
	for i := range 450 {
		fmt.Fprintf(&text, "198.51.%d.%d was seen\n", 100+i/250, i%250)
	}
	res, err := n.Import(t.Context(), report.Request{}, strings.NewReader(text.String()), nil)
	if err != nil {
		t.Fatal(err)
	}
	id := res.Reports[0].ID
	ask := func(path string, out any) {
		t.Helper()
		w := browse(t, n, "GET", path, "", "Authorization", bearer)
		if err := json.Unmarshal(w.Body.Bytes(), out); err != nil || w.Code != http.StatusOK {
			t.Fatalf("%s: %d %.200s, %v", path, w.Code, w.Body, err)
		}
	}
	page := struct {
		Objects []report.ObjectRow `json:"objects"`
		Next    string             `json:"next"`
	}{}
	all := func(limit int) (rows []report.ObjectRow) {
		t.Helper()
		for cursor := ""; ; cursor = page.Next {
			page.Objects, page.Next = nil, ""
			ask(fmt.Sprintf("/api/v1/reports/%s/objects?limit=%d&cursor=%s", id, limit, url.QueryEscape(cursor)), &page)
			if rows = append(rows, page.Objects...); page.Next == "" {
				return rows
			}
		}
	}
	whole := all(500)
	var d report.Detail
	ask("/api/v1/reports/"+id, &d)
	if len(whole) != d.Objects || len(whole) < 450 || len(d.Items) != 200 || !slices.Equal(d.Items, whole[:200]) {
		t.Fatalf("%d objects, the report counts %d and shows %d; want all, and the first of them", len(whole), d.Objects, len(d.Items))
	}
	ask("/api/v1/reports/"+id+"/objects?limit=500&cursor="+url.QueryEscape(d.Next), &page)
	if !slices.Equal(page.Objects, whole[200:]) {
		t.Errorf("the cursor of the report leads to %d objects, want the %d after those shown", len(page.Objects), len(whole)-200)
	}
	if got := all(7); !slices.Equal(got, whole) {
		t.Errorf("pages of 7 give %d objects, want the same %d", len(got), len(whole))
	}
	w := browse(t, n, "GET", "/api/v1/reports?cursor="+url.QueryEscape(d.Next), "", "Authorization", bearer)
	turnedDown := w.Code == http.StatusBadRequest
	if w := browse(t, n, "GET", "/api/v1/reports/"+id+"/objects?cursor=AAAA", "", "Authorization", bearer); w.Code != http.StatusBadRequest || !turnedDown {
		t.Errorf("a cursor of another question: taken %t; a forged one: %d, want 400", !turnedDown, w.Code)
	}
}
