package node

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"casus/internal/core/report"
)

// TestOwnReportsAreNoOthers asks about a report whose values the same source had
// reported before.
func TestOwnReportsAreNoOthers(t *testing.T) {
	t.Parallel()
	n := inMemory(t)
	hand := func(source, text string) string {
		t.Helper()
		res, err := n.Import(t.Context(), report.Request{Source: source, Name: "a.csv"}, strings.NewReader("value\n"+text), nil)
		if err != nil {
			t.Fatal(err)
		}
		return res.Reports[0].ID
	}
	first := hand("A", "5.6.7.8\nfirst.org\n")
	hand("B", "5.6.7.8\n5.6.0.0/16\n")
	asked := hand("A", "5.6.7.8\nfirst.org\n5.6.7.0/24\n")
	hand("C", "5.6.7.8\n5.6.7.9\n")
	m, err := n.Match(t.Context(), asked)
	if err != nil {
		t.Fatal(err)
	}
	type hit struct {
		Value, Why      string
		Sources, Before []string
		Own             int
	}
	var got []hit
	for _, h := range m.Hits {
		got = append(got, hit{h.Value, h.Why, h.Sources, h.Before, h.Own})
	}
	want := []hit{
		{"5.6.7.0/24", "inside 5.6.0.0/16, reported by B; rare: in 1 of 4 reports", []string{"B"}, []string{"B"}, 0},
		{"5.6.7.0/24", "contains 5.6.7.9, reported by C; rare: in 1 of 4 reports", []string{"C"}, []string{}, 0},
		{"5.6.7.8", "inside 5.6.0.0/16, reported by B; rare: in 1 of 4 reports", []string{"B"}, []string{"B"}, 0},
		{"5.6.7.0/24", "contains 5.6.7.8, reported by B, C and in 1 other report of yours; rare: in 2 of 4 reports", []string{"B", "C"}, []string{"B"}, 1},
		{"5.6.7.8", "same IPv4 address, reported by B, C and in 1 other report of yours; rare: in 2 of 4 reports", []string{"B", "C"}, []string{"B"}, 1},
		{"first.org", "same domain name, you reported it before", []string{}, []string{}, 1},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("hits (-want +got):\n%s", d)
	}
	if want := "2 of 3 values were reported by 2 others, 1 of them before you. 1 stands in other reports of yours alone. Looked among 3 reports readable to you, from 3 sources."; m.Summary.Sentence != want {
		t.Errorf("sentence = %q, want %q", m.Summary.Sentence, want)
	}
	if m, err = n.Match(t.Context(), first); err != nil || !strings.Contains(m.Summary.Sentence, "1 of 2 values was reported by 2 others after you.") {
		t.Errorf("the first report: %q, %v", m.Summary.Sentence, err)
	}
}

// TestHidingMarkingsOverHTTP posts objects whose second marking hides the first
// to each operation that takes reports: none may come out wider.
func TestHidingMarkingsOverHTTP(t *testing.T) {
	t.Parallel()
	for name, extra := range map[string]string{
		"twice":        `,"object_marking_refs":[` + redRef + `],"object_marking_refs":[` + clearRef + `]`,
		"escaped":      `,"object_marking_refs":[` + redRef + `],"\u006fbject_marking_refs":[` + clearRef + `]`,
		"another case": `,"object_marking_refs":[` + redRef + `],"OBJECT_MARKING_REFS":[` + clearRef + `]`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := inMemory(t)
			openSource(t, n)
			w := browse(t, n, "POST", "/api/v1/reports?source=open&name=a.json", seenWith(extra), "Authorization", bearer)
			if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"new":0`) || !strings.Contains(w.Body.String(), `"quarantined":1`) {
				t.Errorf("reports: %d %s, want it set aside", w.Code, w.Body)
			}
			w = browse(t, n, "POST", "/api/v1/match?source=open&name=a.json", seenWith(extra), "Authorization", bearer)
			if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), `"kind":"invalid"`) {
				t.Errorf("match: %d %s, want it refused", w.Code, w.Body)
			}
			w = browse(t, n, "GET", "/api/v1/export", "", "Authorization", bearer)
			if w.Code != http.StatusOK || strings.Contains(w.Body.String(), "192.0.2.1") {
				t.Errorf("export: %d %s, want nothing of it", w.Code, w.Body)
			}
		})
	}
	n := inMemory(t)
	for _, list := range []string{`{"name":"a","name":"b","list":["x"]}`, `{"name":"a","n\u0061me":"b","list":["x"]}`} {
		w := browse(t, n, "POST", "/api/v1/warninglists", list, "Authorization", bearer)
		if w.Code != http.StatusBadRequest {
			t.Errorf("warninglists: %s: %d %s, want it refused", list, w.Code, w.Body)
		}
	}
}
