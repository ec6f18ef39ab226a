package view

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"casus/internal/core/marking"
	"casus/internal/core/report"
	"casus/internal/event"
	"casus/tlp"
)

// patternWorld is a world of a report with observations and one with indicators,
// each under a marking of its own.
func patternWorld(t *testing.T, observed, indicators []marked) *world {
	t.Helper()
	st := &story{t: t, policy: builtIn(t)}
	r := rand.New(rand.NewPCG(3, 3))
	var ops []op
	for i, objects := range [][]marked{observed, indicators} {
		o := st.opened(r, fmt.Sprint(i))
		o.Identity, o.Source = fmt.Sprintf("%064d", i), []string{"sensor", "feed"}[i]
		o.Owner, o.Person = "CCC/desk", "eve"
		ops = append(ops, op{kind: opOpen, opened: o})
		for _, m := range objects {
			ops = append(ops, op{kind: opObject, opened: o, set: m.set, raw: []byte(m.raw)})
		}
		ops = append(ops, op{kind: opClose, opened: o, set: marking.Set{TLP: tlp.Clear}})
	}
	return tell(t, st, ops)
}

type marked struct {
	set marking.Set
	raw string
}

func indicatorOf(n int, name, pattern, more string) string {
	return fmt.Sprintf(`{"type":"indicator","spec_version":"2.1","id":%q,"created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z",`+
		`"name":%q,"pattern":%q,"pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z"%s}`, indicatorID(n), name, pattern, more)
}

// TestMatchPatterns holds indicators against observations of another report. Who
// may read but one of both is shown no match.
func TestMatchPatterns(t *testing.T) {
	t.Parallel()
	open, amber := marking.Set{TLP: tlp.Clear}, limited(tlp.Amber, ours())
	seen := func(n int, at string, refs string) string {
		return fmt.Sprintf(`{"type":"observed-data","spec_version":"2.1","id":"observed-data--00000000-0000-4000-8000-%012d","created":"2026-01-01T00:00:00.000Z",`+
			`"modified":"2026-01-01T00:00:00.000Z","first_observed":%q,"last_observed":%q,"number_observed":1,"object_refs":[%s]}`, n, at, at, refs)
	}
	const name = "domain-name--00000000-0000-4000-8000-000000000001"
	w := patternWorld(t, []marked{
		{open, fmt.Sprintf(`{"type":"ipv4-addr","spec_version":"2.1","id":%q,"value":"198.51.100.1"}`, addressID(1))},
		{open, `{"type":"domain-name","spec_version":"2.1","id":"` + name + `","value":"bad.example"}`},
		{amber, `{"type":"url","spec_version":"2.1","id":"url--00000000-0000-4000-8000-000000000001","value":"http://bad.example/gate"}`},
		{open, seen(1, "2026-02-01T08:00:00Z", fmt.Sprintf("%q", addressID(1)))},
		{open, seen(2, "2026-02-01T08:00:30Z", `"`+name+`"`)},
	}, []marked{
		{open, indicatorOf(1, "address", "[ipv4-addr:value = '198.51.100.1']", "")},
		{amber, indicatorOf(2, "then a name", "[ipv4-addr:value ISSUBSET '198.51.100.0/24'] FOLLOWEDBY [domain-name:value LIKE '%.example'] WITHIN 60 SECONDS", "")},
		{open, indicatorOf(3, "the other way", "[domain-name:value = 'bad.example'] FOLLOWEDBY [ipv4-addr:value = '198.51.100.1']", "")},
		{open, indicatorOf(4, "page", "[url:value MATCHES '/gate$']", "")},
		{open, indicatorOf(5, "taken back", "[ipv4-addr:value = '198.51.100.1']", `,"revoked":true`)},
		{open, indicatorOf(6, "no pattern", "[ipv4-addr:value MATCHES '(?=x)']", "")},
		{amber, indicatorOf(7, "not seen", "[ipv4-addr:value = '203.0.113.9']", "")},
	})
	const first, second = "observed-data--00000000-0000-4000-8000-000000000001", "observed-data--00000000-0000-4000-8000-000000000002"
	other := ada()
	other.Org, other.Person = "BBB/csirt", "bob"
	id := w.s.shortID("RPT", fmt.Sprintf("%064d", 0))
	from := w.s.shortID("RPT", fmt.Sprintf("%064d", 1))
	hit := func(n int, name, pattern, label string, observed ...string) report.PatternMatch {
		return report.PatternMatch{Indicator: indicatorID(n), Name: name, Pattern: pattern, Report: from, Source: "feed", TLP: label, Observed: observed}
	}
	address := hit(1, "address", "[ipv4-addr:value = '198.51.100.1']", "TLP:CLEAR", first)
	page := hit(4, "page", "[url:value MATCHES '/gate$']", "TLP:CLEAR", "url--00000000-0000-4000-8000-000000000001")
	then := hit(2, "then a name", "[ipv4-addr:value ISSUBSET '198.51.100.0/24'] FOLLOWEDBY [domain-name:value LIKE '%.example'] WITHIN 60 SECONDS",
		"TLP:AMBER", first, second)
	for _, tt := range []struct {
		name string
		r    Reader
		held int
		want []report.PatternMatch
	}{
		{"full sight", LocalOperator(), 5, []report.PatternMatch{address, page, then}},
		{"of the organisation", w.reader(ada(), readAt), 5, []report.PatternMatch{address, page, then}},
		{"of another", w.reader(other, readAt), 3, []report.PatternMatch{address}},
	} {
		m, err := w.s.MatchReport(ctx(), tt.r, id)
		w.must(err)
		if diff := cmp.Diff(tt.want, m.Patterns); diff != "" || m.Summary.Patterns != tt.held || m.Summary.Undecided != 0 {
			t.Errorf("%s: %d patterns held, %d undecided, want %d and 0; fulfilled (-want +got):\n%s", tt.name, m.Summary.Patterns, m.Summary.Undecided, tt.held, diff)
		}
	}
	var tr Trace
	if _, err := w.s.MatchReport(ctx(), w.reader(other, readAt).Traced(&tr), id); err != nil || tr.Any() {
		t.Errorf("a match among what is CLEAR (%v) leaves the trace %+v", err, tr)
	}
	_, err := w.s.MatchReport(ctx(), w.reader(ada(), readAt).Traced(&tr), id)
	w.must(err)
	var given event.Given
	tr.Into(&given)
	if want := []string{"url--00000000-0000-4000-8000-000000000001", indicatorID(2)}; !slices.Equal(given.Objects, want) || !slices.Equal(given.Reports, []string{id, from}) {
		t.Errorf("a match is on record with %+v, want %v of both reports", given, want)
	}
	if _, err := w.s.MatchReport(ctx(), Reader{}, id); err == nil {
		t.Error("the zero reader was answered")
	}
	m, err := w.s.MatchReport(ctx(), LocalOperator(), from)
	w.must(err)
	if len(m.Patterns) != 0 {
		t.Errorf("the report of indicators alone fulfils %v", m.Patterns)
	}
	w.erase(indicatorID(1))
	m, err = w.s.MatchReport(ctx(), LocalOperator(), id)
	w.must(err)
	if diff := cmp.Diff([]report.PatternMatch{page, then}, m.Patterns); diff != "" {
		t.Errorf("after the erasure of one (-want +got):\n%s", diff)
	}
}
