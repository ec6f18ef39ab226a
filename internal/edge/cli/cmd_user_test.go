package cli

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"casus/internal/core/alliance"
)

func TestSpan(t *testing.T) {
	t.Parallel()
	day := func(d int) time.Time { return time.Date(2026, 12, d, 0, 0, 0, 0, time.UTC) }
	for in, want := range map[string]alliance.Span{
		"..":                               {},
		"2026-12-24..":                     {From: day(24)},
		"..2026-12-24":                     {To: day(24)},
		"2026-12-24..2026-12-28":           {From: day(24), To: day(28)},
		"2026-12-24T01:00:00+01:00..":      {From: day(24)},
		"2026-12-24..2026-12-28T00:00:00Z": {From: day(24), To: day(28)},
	} {
		if got, err := span(in); err != nil || !cmp.Equal(got, want) {
			t.Errorf("span(%q) = %v, %v, want %v", in, got, err, want)
		}
	}
	for _, in := range []string{"", "2026-12-24", "2026-12-24..x", "x..", "2026-12-28..2026-12-24", "2026-12-24..2026-12-24", "2026-13-01..", "24.12.2026.."} {
		if got, err := span(in); err == nil {
			t.Errorf("span(%q) = %v, want it refused", in, got)
		}
	}
}

func TestPostsAndDeputies(t *testing.T) {
	t.Parallel()
	from := alliance.Span{From: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)}
	p, err := posts([]string{"analyst", "delegate=2026-12-01.."})
	if want := []alliance.Post{{Role: alliance.Analyst}, {Role: alliance.Delegate, Span: from}}; err != nil || !cmp.Equal(p, want) {
		t.Errorf("posts() = %v, %v, want %v", p, err, want)
	}
	for _, in := range []string{"", "king", "none", "analyst=", "Analyst", "analyst=x"} {
		if got, err := posts([]string{in}); err == nil {
			t.Errorf("posts(%q) = %v, want it refused", in, got)
		}
	}
	d, err := deputies("p1", []string{"analyst=p2", "delegate=p3,leave", "delegate=p4,2026-12-01.."})
	want := []alliance.Deputy{
		{For: "p1", By: "p2", Role: alliance.Analyst},
		{For: "p1", By: "p3", Role: alliance.Delegate, OnLeave: true},
		{For: "p1", By: "p4", Role: alliance.Delegate, Span: from},
	}
	if err != nil || !cmp.Equal(d, want) {
		t.Errorf("deputies() = %v, %v, want %v", d, err, want)
	}
	for _, in := range []string{"", "analyst", "analyst=", "=p2", "king=p2", "analyst=p2,", "analyst=p2,never"} {
		if got, err := deputies("p1", []string{in}); err == nil {
			t.Errorf("deputies(%q) = %v, want it refused", in, got)
		}
	}
}

func FuzzSpan(f *testing.F) {
	f.Add("2026-12-24..2026-12-28")
	f.Add("..")
	f.Fuzz(func(t *testing.T, in string) {
		s, err := span(in)
		if err == nil && s.Validate() != nil {
			t.Errorf("span(%q) = %v, want one that does not end before it begins", in, s)
		}
	})
}
