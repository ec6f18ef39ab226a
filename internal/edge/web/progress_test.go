package web

import (
	"encoding/json/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// followed hands a form in and follows along; the events come back as name and
// data by turns.
func followed(t *testing.T, h http.Handler, lang string, fields ...field2) (*httptest.ResponseRecorder, []string) {
	t.Helper()
	body, kind := form(t, fields...)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/reports/new?lang="+lang, body)
	r.Header.Set("Content-Type", kind)
	r.Header.Set("Accept", "text/event-stream")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var out []string
	for block := range strings.SplitSeq(strings.TrimSuffix(w.Body.String(), "\n\n"), "\n\n") {
		name, data, _ := strings.Cut(block, "\n")
		out = append(out, strings.TrimPrefix(name, "event: "), strings.TrimPrefix(data, "data: "))
	}
	return w, out
}

func TestIntakeIsFollowed(t *testing.T) {
	t.Parallel()
	w, got := followed(t, newPages(t, story(), Options{}), "en", field2{"@a.json", "0123456789"})
	want := []string{
		"progress", `{"percent":0,"text":"0 objects"}`,
		"progress", `{"percent":50,"text":"1,204 objects · 3 set aside"}`,
		"see", `"/reports/RPT-7K2M-9XQ4?known=1&new=16"`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("events (-want +got):\n%s", d)
	}
	if typ := w.Header().Get("Content-Type"); typ != "text/event-stream" || w.Header().Get("Cache-Control") != "no-store" || !w.Flushed {
		t.Errorf("%q, flushed %t; want events that nobody keeps, sent as they come", w.Header(), w.Flushed)
	}

	_, got = followed(t, newPages(t, story(), Options{}), "fr", field2{"@a\u202e.json", "01234567"}, field2{"@b.json", "01"})
	want = []string{
		"progress", `{"percent":0,"text":"Fichier 1 sur 2, a[U+202E].json · 0 objet"}`,
		"progress", `{"percent":40,"text":"Fichier 1 sur 2, a[U+202E].json · 1 204 objets · 3 mis de côté"}`,
		"progress", `{"percent":90,"text":"Fichier 2 sur 2, b.json · 1 204 objets · 3 mis de côté"}`,
	}
	if d := cmp.Diff(want, got[:min(len(got), 6)]); d != "" || len(got) != 8 || got[6] != "page" {
		t.Fatalf("events %q (-want +got):\n%s", got[len(got)-2:], d)
	}
	var page string
	if err := json.Unmarshal([]byte(got[7]), &page); err != nil || !strings.HasPrefix(page, "<!doctype html>") || !strings.Contains(page, "b.json") {
		t.Errorf("the page at the end: %.200s, %v", page, err)
	}
}

// TestFollowedFaults makes sure that who follows along is told of faults: by the
// status before anything is taken in, by a page afterwards.
func TestFollowedFaults(t *testing.T) {
	t.Parallel()
	f := story()
	w, _ := followed(t, newPages(t, f, Options{}), "en", field2{"tlp", "TLP:PINK"}, field2{"text", "x"})
	if w.Code != http.StatusBadRequest || w.Header().Get("Content-Type") != "text/html; charset=utf-8" || f.imported != nil {
		t.Errorf("a bad form: %d %s, imported %v", w.Code, w.Header().Get("Content-Type"), f.imported)
	}
	f = story()
	f.refuse = true
	_, got := followed(t, newPages(t, f, Options{}), "en", field2{"text", "x"})
	var page string
	if n := len(got); n < 2 || got[n-2] != "page" || json.Unmarshal([]byte(got[n-1]), &page) != nil || !strings.Contains(page, "make room") {
		t.Errorf("an import that fails ends with %q, want a page with the remedy", got)
	}
}

// TestObjectsPageThrough follows a report's page from the first of its objects to
// the last.
func TestObjectsPageThrough(t *testing.T) {
	t.Parallel()
	h := newPages(t, story(), Options{})
	next := "/reports/RPT-7K2M-9XQ4"
	for _, says := range []string{"first", "object after2", "object after4"} {
		w := get(t, h, next)
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), says) {
			t.Fatalf("%s: %d, does not say %q", next, w.Code, says)
		}
		_, rest, more := strings.Cut(w.Body.String(), `rel="next" href="`)
		if last := says == "object after4"; more == last {
			t.Errorf("%s: leads on %t, want %t", next, more, !last)
		}
		if back := strings.Contains(w.Body.String(), `href="/reports/RPT-7K2M-9XQ4#objects"`); back != (says != "first") {
			t.Errorf("%s: leads back to the first %t", next, back)
		}
		next, _, _ = strings.Cut(strings.ReplaceAll(rest, "&amp;", "&"), `#objects"`)
	}
	if w := get(t, h, "/reports/RPT-7K2M-9XQ4?objects=forged"); w.Code != http.StatusBadRequest {
		t.Errorf("a forged cursor: %d, want 400", w.Code)
	}
	if w := get(t, h, "/reports/RPT-7K2M-9XQ4?objects=after4"); !strings.Contains(w.Body.String(), `class="m-red `) {
		t.Error("the page is not marked with what stands on it")
	}
}
