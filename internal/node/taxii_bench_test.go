package node

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"casus/internal/core/report"
	"casus/internal/edge/taxiiserver"
)

// diskExchange is a node on disk with the test collection.
func diskExchange(b *testing.B) *exchange {
	b.Helper()
	clock := newClock(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	cfg := Config{Dir: b.TempDir(), Clock: clock.now}
	if err := Init(cfg, report.Ceiling{}); err != nil {
		b.Fatal(err)
	}
	n, err := Open(b.Context(), cfg)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = n.Close() })
	x := exchangeOf(nil, n, clock, taxiiserver.Options{})
	if _, err := n.SetCollection(b.Context(), report.Collection{ID: testCollection, Title: "test", Readable: true, Writable: true, Source: "local"}); err != nil {
		b.Fatal(err)
	}
	return x
}

func manyIndicators(from, to int) string {
	var all strings.Builder
	all.WriteString(`{"objects":[`)
	for i := from; i < to; i++ {
		if i > from {
			all.WriteByte(',')
		}
		all.WriteString(indicatorNo(i))
	}
	all.WriteString("]}")
	return all.String()
}

// BenchmarkTAXIIRead reads a report of 40,000 objects in pages of 1,000, over HTTP in
// this process. The longest first page is told too.
func BenchmarkTAXIIRead(b *testing.B) {
	x := diskExchange(b)
	const objects = 40_000
	if _, err := x.n.Import(b.Context(), report.Request{Name: "a.json", Format: report.STIX}, strings.NewReader(manyIndicators(0, objects)), nil); err != nil {
		b.Fatal(err)
	}
	srv := httptest.NewServer(x.h)
	defer srv.Close()
	n, first := 0, time.Duration(0)
	b.ReportAllocs()
	for b.Loop() {
		query := ""
		for query != "end" {
			r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, srv.URL+at("objects/?limit=1000"+query), nil)
			if err != nil {
				b.Fatal(err)
			}
			r.SetBasicAuth("x", testToken)
			r.Header.Set("Accept-Encoding", "identity")
			start := time.Now()
			resp, err := srv.Client().Do(r)
			if err != nil {
				b.Fatal(err)
			}
			raw, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if err != nil || resp.StatusCode != http.StatusOK {
				b.Fatalf("%d %.200s, %v", resp.StatusCode, raw, err)
			}
			if query == "" {
				first = max(first, time.Since(start))
			}
			head := string(raw[:min(len(raw), 400)])
			n += 1000
			_, next, more := strings.Cut(head, `"next":"`)
			if query = "end"; more {
				next, _, _ = strings.Cut(next, `"`)
				query = "&next=" + next
			}
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "objects/s")
	b.ReportMetric(float64(first.Milliseconds()), "ms-first-page")
}

// BenchmarkTAXIIWrite writes envelopes of 500 objects.
func BenchmarkTAXIIWrite(b *testing.B) {
	x := diskExchange(b)
	const each = 500
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		body := manyIndicators(n, n+each)
		b.StartTimer()
		r := httptest.NewRequestWithContext(b.Context(), "POST", "http://localhost"+at("objects/"), strings.NewReader(body))
		r.Header.Set("Content-Type", spoken)
		r.SetBasicAuth("x", testToken)
		w := httptest.NewRecorder()
		x.h.ServeHTTP(w, r)
		if w.Code != http.StatusAccepted {
			b.Fatalf("%d %s", w.Code, w.Body)
		}
		n += each
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "objects/s")
}
