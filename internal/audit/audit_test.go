package audit

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"casus/internal/core/alliance"
	"casus/internal/event"
	"casus/internal/eventlog"
	"casus/internal/eventlog/memlog"
	"casus/internal/fault"
)

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

var start = time.Date(2026, 11, 24, 6, 0, 0, 0, time.UTC) //nolint:gochecknoglobals // an instant

// failing is a log that takes nothing while it is told to.
type failing struct {
	eventlog.Log
	fails bool
}

func (f *failing) Append(ctx context.Context, expect []eventlog.Expect, entries []eventlog.Entry) (eventlog.Seq, error) {
	if f.fails {
		return 0, fault.Errorf(fault.Unavailable, "no room")
	}
	return f.Log.Append(ctx, expect, entries)
}

func newTrail() (*Trail, *failing) {
	log := &failing{Log: memlog.New(zeros{})}
	return New(log, make([]byte, 32)), log
}

// entries reads the trail, oldest first.
func entries(t *testing.T, log eventlog.Log) []Entry {
	t.Helper()
	var out []Entry
	if err := eventlog.Each(t.Context(), log, 1, func(st eventlog.Stored) error {
		e, err := Of("AUD", &st)
		out = append(out, e)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestReads notes reads: many go into the log at once, and the same within a moment
// is one entry that counts.
func TestReads(t *testing.T) {
	t.Parallel()
	trail, log := newTrail()
	ada := Who{Author: "person:ada/analyst/token:77"}
	a := event.Given{Action: "search", Objects: []string{"x"}, ObjectCount: 1}
	for range 3 {
		must(t, trail.Read(t.Context(), start, ada, a))
	}
	must(t, trail.Read(t.Context(), start, Who{Author: "person:ben/duty-officer"}, a))
	select {
	case <-trail.Woken():
	default:
		t.Error("nobody is woken to write")
	}
	if head, _, _ := log.Head(t.Context()); head != 0 {
		t.Errorf("the log has %d entries before it is written to", head)
	}
	must(t, trail.Flush(t.Context(), start.Add(time.Second)))
	must(t, trail.Read(t.Context(), start, ada, a))
	must(t, trail.ReadNow(t.Context(), start, ada, event.Given{Action: "export", Begun: true}))
	var got []string
	for _, e := range entries(t, log) {
		got = append(got, fmt.Sprint(e.Person, " ", e.Role, " ", e.Token, " ", e.Action(), " ", e.Read.Times, " ", e.Written.Sub(e.At)))
	}
	want := []string{"ada analyst 77 search 3 1s", "ben duty-officer  search 0 1s", "ada analyst 77 search 0 0s", "ada analyst 77 export 0 0s"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("trail (-want +got):\n%s", diff)
	}
}

// TestFull lets the log take nothing: reads wait, in order, and are refused past the
// bound; none is lost and none is there twice.
func TestFull(t *testing.T) {
	t.Parallel()
	trail, log := newTrail()
	log.fails = true
	ada := Who{Author: "person:ada/analyst"}
	for i := range MaxWaiting {
		must(t, trail.Read(t.Context(), start, ada, event.Given{Action: fmt.Sprint(i)}))
	}
	for _, err := range []error{
		trail.Read(t.Context(), start, ada, event.Given{Action: "more"}),
		trail.ReadNow(t.Context(), start, ada, event.Given{Action: "more"}),
		trail.Flush(t.Context(), start), trail.Close(t.Context(), start),
	} {
		if fault.KindOf(err) != fault.Unavailable {
			t.Errorf("with a log that takes nothing: %v, want Unavailable", err)
		}
	}
	log.fails = false
	must(t, trail.Read(t.Context(), start, ada, event.Given{Action: fmt.Sprint(MaxWaiting)}))
	must(t, trail.Close(t.Context(), start))
	for i, e := range entries(t, log) {
		if e.Action() != fmt.Sprint(i) {
			t.Fatalf("entry %d is %s", i, e.Action())
		}
	}
	if head, _, _ := log.Head(t.Context()); head != MaxWaiting+1 {
		t.Errorf("the log has %d entries, want %d", head, MaxWaiting+1)
	}
}

// TestFlood refuses very many requests of very many callers for a quarter of an hour: the log
// grows no faster than the bound says, every refusal is counted, and that of a
// person is told apart all the while.
func TestFlood(t *testing.T) {
	t.Parallel()
	trail, log := newTrail()
	const quarter, each = 900, 200
	now := start
	for s := range quarter {
		for i := range each {
			trail.Refused(now, Who{From: fmt.Sprint("net ", s, i)}, event.Refusal{Action: fmt.Sprint("GET /", i), Status: 401})
		}
		if s%60 == 0 {
			trail.Refused(now, Who{Author: "person:ada/analyst"}, event.Refusal{Action: "GET /x", Status: 403, Withheld: []string{fmt.Sprint(s)}})
		}
		now = now.Add(time.Second)
		must(t, trail.Flush(t.Context(), now))
	}
	before, _, _ := log.Head(t.Context())
	if bound := RefusalBurst + quarter + 1; int(before) > bound {
		t.Errorf("%d refusals in %d s are %d entries, want at most %d", quarter*each, quarter, before, bound)
	}
	must(t, trail.Close(t.Context(), now))
	count, ada := 0, 0
	for _, e := range entries(t, log) {
		if e.Person == "" {
			count += e.Refusal.Count
		} else {
			ada += e.Refusal.Count
		}
	}
	if count != quarter*each || ada != quarter/60 {
		t.Errorf("the entries count %d refusals and %d of a person, want %d and %d", count, ada, quarter*each, quarter/60)
	}
	if after, _, _ := log.Head(t.Context()); after-before > MaxNobodies+2 {
		t.Errorf("closing writes %d entries", after-before)
	}
}

// TestAlarmsOfSeveral has rules err for more people than are told apart.
func TestAlarmsOfSeveral(t *testing.T) {
	t.Parallel()
	trail, log := newTrail()
	for i := range MaxKnown + 2 {
		trail.Refused(start, Who{Author: fmt.Sprintf("person:p%d/analyst", i)}, event.Refusal{Action: "policy", Alarms: []string{fmt.Sprint("rule ", i)}})
	}
	must(t, trail.Close(t.Context(), start))
	want := &event.Refusal{Action: "several", From: "several", Count: 2, Alarms: []string{"rule 1024", "rule 1025"}}
	for _, e := range entries(t, log) {
		if e.Refusal.Action == "several" {
			if diff := cmp.Diff(want, e.Refusal); diff != "" {
				t.Errorf("of several (-want +got):\n%s", diff)
			}
			return
		}
	}
	t.Error("nothing tells of those past the ones told apart")
}

// TestRefusedTogether counts refusals of one caller in one entry.
func TestRefusedTogether(t *testing.T) {
	t.Parallel()
	trail, log := newTrail()
	for i, about := range []alliance.Key{"ada", "ada", "ben"} {
		trail.Refused(start.Add(time.Duration(i)*time.Second), Who{From: "socket"}, event.Refusal{Action: "POST /login", Status: 401, About: about})
	}
	for i := range 100 {
		trail.Refused(start, Who{Author: "person:ada/analyst", Org: "AAA/csirt"}, event.Refusal{Action: "report", Status: 404, Withheld: []string{fmt.Sprint(i % 30)}})
	}
	for i := range 100 {
		trail.Refused(start.Add(time.Second), Who{Author: "person:ben/analyst"}, event.Refusal{Action: "policy", Alarms: []string{fmt.Sprint("rule ", i%30)}})
	}
	must(t, trail.Flush(t.Context(), start))
	got := entries(t, log)
	if len(got) != 3 {
		t.Fatalf("trail = %+v, want 3 entries", got)
	}
	if r := got[1].Refusal; r.Count != 100 || len(r.Alarms) != maxAlarms || r.Alarms[1] != "rule 1" {
		t.Errorf("of rules that err: %+v, want the first %d alarms", r, maxAlarms)
	}
	if r := got[0].Refusal; got[0].Person != "ada" || r.Count != 100 || len(r.Withheld) != maxWithheld || r.Org != "AAA/csirt" || r.From != "" {
		t.Errorf("of a person: %+v", r)
	}
	if diff := cmp.Diff(&event.Refusal{Action: "POST /login", Status: 401, From: "socket", Count: 3, Seconds: 2}, got[2].Refusal); diff != "" {
		t.Errorf("of nobody (-want +got):\n%s", diff)
	}
}

func TestHash(t *testing.T) {
	t.Parallel()
	trail, _ := newTrail()
	other := New(nil, []byte(strings.Repeat("k", 32)))
	if a, b := trail.Hash(" Ada@Example.org"), trail.Hash("ada@example.ORG "); a != b || len(a) != 32 || a == other.Hash("ada@example.org") {
		t.Errorf("hashes %s and %s: want one, of 32 digits, and another on another node", a, b)
	}
	if got := trail.Hash("  "); got != "" {
		t.Errorf("Hash of nothing = %q", got)
	}
}

func TestMatches(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 5000)
	read := Entry{Kind: KindRead, At: start, Person: "ada", Read: &event.Given{
		Action: "search", Query: "h", Objects: []string{"indicator--1", event.TraceID(long)}, ObjectCount: 2, Reports: []string{"RPT-AAAA-BBBB"}, ReportCount: 1,
	}}
	many := Entry{Kind: KindRead, At: start, Person: "ada", Read: &event.Given{Action: "export", Objects: []string{"indicator--1"}, ObjectCount: 7}}
	refused := Entry{Kind: KindRefusal, At: start, Refusal: &event.Refusal{Action: "report", Withheld: []string{"RPT-AAAA-BBBB"}}}
	for name, tt := range map[string]struct {
		e       Entry
		f       Filter
		want    bool
		unnamed bool
	}{
		"all":             {e: read, want: true},
		"object":          {e: read, f: Filter{Object: "indicator--1"}, want: true},
		"long id":         {e: read, f: Filter{Object: long}, want: true},
		"report":          {e: read, f: Filter{Object: "rpt-aaaa-bbbb"}, want: true},
		"another object":  {e: read, f: Filter{Object: "indicator--2"}},
		"past the named":  {e: many, f: Filter{Object: "indicator--2"}, want: true, unnamed: true},
		"among the named": {e: many, f: Filter{Object: "indicator--1"}, want: true},
		"withheld":        {e: refused, f: Filter{Object: "RPT-AAAA-BBBB"}, want: true},
		"not withheld":    {e: refused, f: Filter{Object: "RPT-AAAA-CCCC"}},
		"query":           {e: read, f: Filter{Query: "typed"}, want: true},
		"no query":        {e: refused, f: Filter{Query: "typed"}},
		"kind":            {e: refused, f: Filter{Kind: KindRead}},
		"actor":           {e: read, f: Filter{Actor: "ada"}, want: true},
		"another actor":   {e: read, f: Filter{Actor: "ben"}},
		"nobody":          {e: refused, f: Filter{Actor: Nobody}, want: true},
		"somebody":        {e: read, f: Filter{Actor: Nobody}},
		"action":          {e: read, f: Filter{Action: "sea"}, want: true},
		"another action":  {e: read, f: Filter{Action: "export"}},
		"since":           {e: read, f: Filter{Since: start}, want: true},
		"until":           {e: read, f: Filter{Until: start}},
		"before":          {e: read, f: Filter{Since: start.Add(1)}},
	} {
		if got := tt.f.Matches(&tt.e, "h"); got != tt.want || tt.e.Unnamed != tt.unnamed {
			t.Errorf("%s: Matches() = %t, unnamed %t, want %t, %t", name, got, tt.e.Unnamed, tt.want, tt.unnamed)
		}
	}
}

// TestOf reads entries that are none.
func TestOf(t *testing.T) {
	t.Parallel()
	for name, st := range map[string]eventlog.Stored{
		"another kind": {Header: event.Header{Kind: event.SourceSet}, Payload: []byte("{}")},
		"erased":       {Header: event.Header{Kind: event.ReadNoted}, Erased: true},
		"damaged":      {Header: event.Header{Kind: event.ReadNoted}, Payload: []byte("{")},
		"no role":      {Header: event.Header{Kind: event.ReadNoted, Author: "person:ada/king"}, Payload: []byte("{}")},
	} {
		if e, err := Of("AUD", &st); err == nil {
			t.Errorf("%s: %+v, want an error", name, e)
		}
	}
}

// FuzzPlace reads cursors: only those that the trail made lead anywhere.
func FuzzPlace(f *testing.F) {
	trail, _ := newTrail()
	f.Add(trail.Cursor(7))
	f.Add("")
	f.Add(base64.RawURLEncoding.EncodeToString(make([]byte, 36)))
	f.Fuzz(func(t *testing.T, cursor string) {
		at, err := trail.Place(cursor)
		if err != nil {
			if fault.KindOf(err) != fault.Invalid {
				t.Errorf("Place(%q) = %v, want Invalid", cursor, err)
			}
			return
		}
		if again := trail.Cursor(at); again != cursor {
			t.Errorf("Place(%q) = %d, whose cursor is %q", cursor, at, again)
		}
	})
}
