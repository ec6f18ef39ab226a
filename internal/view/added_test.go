package view

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"casus/internal/core/alliance"
	"casus/internal/core/marking"
	"casus/internal/core/report"
	"casus/internal/event"
	"casus/internal/eventlog"
	"casus/internal/eventlog/memlog"
	"casus/internal/kv/memkv"
	"casus/tlp"
)

// telling is a store that reports are told to, one entry at a time.
type telling struct {
	t   testing.TB
	log *memlog.Log
	s   *Store
}

func newTelling(t testing.TB) *telling {
	t.Helper()
	x := &telling{t: t, log: memlog.New(zeros{})}
	x.rebuild()
	return x
}

// rebuild reads the log into a new store.
func (x *telling) rebuild() {
	x.t.Helper()
	s, err := New(x.t.Context(), x.log, memkv.New(), Options{Secret: make([]byte, 32)})
	if err != nil {
		x.t.Fatal(err)
	}
	x.s = s
	x.step()
}

func (x *telling) step() {
	x.t.Helper()
	for {
		did, _, err := x.s.Step(context.Background(), readAt)
		if err != nil {
			x.t.Fatal(err)
		}
		if did == 0 {
			return
		}
	}
}

func (x *telling) append(h event.Header, v any) event.Seq {
	x.t.Helper()
	payload, ok := v.([]byte)
	if !ok {
		var err error
		if payload, err = event.Write(v); err != nil {
			x.t.Fatal(err)
		}
	}
	h.KindVersion = 1
	seq, err := x.log.Append(context.Background(), nil, []eventlog.Entry{{Header: h, Payload: payload}})
	if err != nil {
		x.t.Fatal(err)
	}
	return seq
}

func (x *telling) open(name byte) event.Seq {
	return x.append(event.Header{Kind: event.ReportOpened}, event.Opened{
		Identity: hex.EncodeToString(bytes.Repeat([]byte{name}, 32)), Source: "s", Format: report.STIX, At: readAt,
	})
}

func (x *telling) object(in event.Seq, no int, label tlp.Label) event.Seq {
	raw := fmt.Sprintf(`{"type":"url","spec_version":"2.1","id":"url--00000000-0000-4000-8000-%012d","value":"http://%d.example/"}`, no, no)
	return x.append(event.Header{Kind: event.ObjectReceived, Cause: in, Marking: marking.Set{TLP: label}.String()}, []byte(raw))
}

func (x *telling) close(in event.Seq, at time.Time) {
	x.append(event.Header{Kind: event.ReportClosed, Cause: in, WriteTime: at}, event.Closed{Container: marking.Set{TLP: tlp.Clear}.String()})
	x.step()
}

var everything = report.Collection{ID: "00000000-0000-4000-8000-000000000001", Readable: true}

// added lists the numbers of the objects and when each was added.
func (x *telling) added(r Reader) (list string, at map[string]time.Time) {
	x.t.Helper()
	at = map[string]time.Time{}
	rows, more, err := x.s.Gather(context.Background(), r, everything, report.Ask{})
	if err != nil || more {
		x.t.Fatal(err, more)
	}
	var last time.Time
	for _, row := range rows {
		no := strings.TrimLeft(row.ID[len(row.ID)-12:], "0")
		if !row.At.After(last) {
			x.t.Errorf("object %s was added at %v, the one before at %v", no, row.At, last)
		}
		last = row.At
		at[no] = row.At
		list += no + " "
	}
	return strings.TrimSpace(list), at
}

// TestAddedWhenClosed takes in two reports side by side: what can be read later was
// added later, wherever it stands in the log.
func TestAddedWhenClosed(t *testing.T) {
	t.Parallel()
	x := newTelling(t)
	long := x.open('a')
	x.object(long, 1, tlp.Clear)
	short := x.open('b')
	x.object(short, 2, tlp.Clear)
	x.object(long, 3, tlp.Clear)
	if list, _ := x.added(LocalOperator()); list != "" {
		t.Errorf("before anything is closed: %s", list)
	}
	x.close(short, readAt)
	_, at := x.added(LocalOperator())
	if !at["2"].Equal(readAt) {
		t.Errorf("it was added at %v, want when its report was closed, %v", at["2"], readAt)
	}
	x.close(long, readAt) // at the same instant
	list, after := x.added(LocalOperator())
	if list != "2 1 3" || !after["2"].Equal(at["2"]) {
		t.Errorf("added %s, the first at %v; want 2 1 3, at %v", list, after["2"], at["2"])
	}
}

// TestAddedStays erases, rebuilds, and adds more: no date changes.
func TestAddedStays(t *testing.T) {
	t.Parallel()
	x := newTelling(t)
	for i, name := range []byte("abc") { // at one instant, so that each moves the next
		in := x.open(name)
		for k := range 6 {
			x.object(in, 1+10*i+k, []tlp.Label{tlp.Clear, tlp.Red}[k%2])
		}
		x.close(in, readAt)
	}
	_, before := x.added(LocalOperator())
	for _, id := range []string{hex.EncodeToString(bytes.Repeat([]byte{'a'}, 32)), "url--00000000-0000-4000-8000-000000000012"} {
		parts, err := x.s.Erasable(t.Context(), LocalOperator(), id)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range parts.Erasures {
			p.Reason = "test"
			x.append(event.Header{Kind: event.Erased}, p)
			x.step()
			if err := x.log.Erase(t.Context(), p.Payloads...); err != nil {
				t.Fatal(err)
			}
		}
	}
	list, erased := x.added(LocalOperator())
	x.rebuild()
	again, rebuilt := x.added(LocalOperator())
	if list != again || len(erased) != 11 {
		t.Errorf("erased: %s; rebuilt: %s", list, again)
	}
	for no, was := range before {
		for what, now := range map[string]map[string]time.Time{"erased": erased, "rebuilt": rebuilt} {
			if is, ok := now[no]; ok && !is.Equal(was) {
				t.Errorf("%s: object %s was added at %v, before that at %v", what, no, is, was)
			}
		}
	}
}

// TestAddedTellsNothing looks at the distances that somebody sees who may not read
// what stands between.
func TestAddedTellsNothing(t *testing.T) {
	t.Parallel()
	x := newTelling(t)
	in := x.open('a')
	for no, label := range []tlp.Label{tlp.Clear, tlp.Red, tlp.Red, tlp.Clear, tlp.Amber, tlp.Red, tlp.Red, tlp.Clear} {
		x.object(in, 1+no, label)
	}
	x.close(in, readAt)
	r, err := x.s.As(marking.Reader{Person: "eve", Org: "CCC/desk", Role: alliance.Analyst, Community: true}, readAt)
	if err != nil {
		t.Fatal(err)
	}
	list, at := x.added(r)
	if list != "1 4 8" {
		t.Fatalf("eve reads %s, want what is CLEAR: 1 4 8", list)
	}
	if a, b, end := at["4"].Sub(at["1"]), at["8"].Sub(at["4"]), at["8"]; a != b || a != minSlot*time.Microsecond || !end.Equal(readAt) {
		t.Errorf("distances %v and %v, the last at %v; want one slot each, to %v", a, b, end, readAt)
	}
	if list, _ := x.added(LocalOperator()); strings.Count(list, " ") != 7 {
		t.Errorf("all are %s", list)
	}
}

// FuzzResume gives cursors that were never given.
func FuzzResume(f *testing.F) {
	x := newTelling(f)
	good, err := x.s.Cursor(LocalOperator(), everything, "objects", report.Ask{Types: []string{"url"}}, readAt)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[1:])
	f.Add("")
	f.Add("AAAA")
	f.Fuzz(func(t *testing.T, cursor string) {
		ask, err := x.s.Resume(LocalOperator(), everything, "objects", cursor)
		if (err == nil) != (cursor == good) {
			t.Errorf("Resume(%q) = %+v, %v", cursor, ask, err)
		}
		if err == nil && (len(ask.Types) != 1 || !ask.After.Equal(readAt)) {
			t.Errorf("Resume(%q) = %+v", cursor, ask)
		}
	})
}

// BenchmarkGather reads 20,000 objects in pages of 1,000.
func BenchmarkGather(b *testing.B) {
	x := newTelling(b)
	const objects, reports = 20_000, 10
	for i := range reports {
		in := x.open(byte(i))
		for k := range objects / reports {
			x.object(in, i*objects/reports+k, tlp.Clear)
		}
		x.close(in, readAt.Add(time.Duration(i)*time.Second))
	}
	r, err := x.s.As(marking.Reader{Person: "eve", Org: "CCC/desk", Role: alliance.Analyst, Community: true}, readAt)
	if err != nil {
		b.Fatal(err)
	}
	for name, r := range map[string]Reader{"full sight": LocalOperator(), "a person": r} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				ask := report.Ask{Limit: 1000}
				for more := true; more; {
					var rows []report.Added
					if rows, more, err = x.s.Gather(b.Context(), r, everything, ask); err != nil {
						b.Fatal(err)
					}
					n += len(rows)
					ask.After = rows[len(rows)-1].At
				}
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "objects/s")
		})
	}
}
