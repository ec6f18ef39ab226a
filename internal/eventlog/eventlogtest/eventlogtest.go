// Package eventlogtest is the contract of [eventlog.Log] in code: [Run] puts a
// body through it, and [Flaky] makes of any body one that delays, reorders and
// loses answers, as a log on other machines does.
//
// After every case the whole log is read and verified again.
package eventlogtest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"casus/internal/event"
	"casus/internal/eventlog"
	"casus/internal/fault"

	"github.com/google/go-cmp/cmp"
)

// Run runs the contract on logs that open returns, each of them empty and new.
// open sees to it that they are closed.
func Run(t *testing.T, open func(t *testing.T) eventlog.Log) {
	for _, c := range []struct {
		name string
		test func(*testing.T, eventlog.Log)
	}{
		{"Empty", testEmpty},
		{"ReadBack", testReadBack},
		{"Limits", testLimits},
		{"Cancelled", testCancelled},
		{"Keys", testKeys},
		{"KeysRace", testKeysRace},
		{"Expect", testExpect},
		{"RaceOneAggregate", testRaceOne},
		{"RaceManyAggregates", testRaceMany},
		{"ReadWhileAppending", testReadWhileAppending},
		{"Watch", testWatch},
		{"Long", testLong},
		{"LongCutShort", testLongCutShort},
		{"Erase", testErase},
		{"EraseLong", testEraseLong},
		{"EraseWhileReading", testEraseWhileReading},
		{"Close", testClose},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			log := open(t)
			c.test(t, log)
			if c.name != "Close" {
				Check(t, log)
			}
		})
	}
}

// Check reads the whole log and fails t unless numbering, chain and payloads
// are in order and Verify agrees.
func Check(t testing.TB, log eventlog.Log) {
	t.Helper()
	head, chain, err := log.Head(t.Context())
	if err != nil {
		t.Errorf("Head: %v", err)
		return
	}
	var seq eventlog.Seq
	var got eventlog.Digest
	for s, err := range log.Read(t.Context(), 1) {
		if err != nil {
			t.Errorf("Read at %d: %v", s.Seq, err)
			return
		}
		if seq++; s.Seq != seq {
			t.Errorf("Read gives entry %d, want %d", s.Seq, seq)
			return
		}
		if seq <= head {
			got = eventlog.Next(got, s.Header.AppendBinary(nil))
		}
		if s.Erased != (s.Payload == nil) {
			t.Errorf("entry %d: erased is %v, payload is nil is %v", s.Seq, s.Erased, s.Payload == nil)
		}
		if !s.Erased && len(s.Payload) != int(s.Header.PayloadBytes) {
			t.Errorf("entry %d: payload of %d bytes, header says %d", s.Seq, len(s.Payload), s.Header.PayloadBytes)
		}
	}
	if seq < head || got != chain {
		t.Errorf("chain over %d headers = %x, Head says %d, %x", seq, got, head, chain)
	}
	vhead, vchain, err := log.Verify(t.Context(), func(p string) { t.Errorf("Verify: %s", p) })
	if err != nil || vhead < head || vhead == head && vchain != chain {
		t.Errorf("Verify = %d, %x, %v, want %d, %x", vhead, vchain, err, head, chain)
	}
}

// Entry returns an entry with a full header, whose payload says what.
func Entry(what string) eventlog.Entry {
	return eventlog.Entry{
		Version: event.Version, Kind: event.ObjectReceived, KindVersion: 1, Owner: "arden", Author: "person:ada", Marking: "tlp:green",
		Cause: 1, EventTime: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), WriteTime: time.Date(2026, 2, 3, 4, 5, 6, 7, time.UTC),
		Payload: []byte(what),
	}
}

// keyed returns an entry with an idempotency key.
func keyed(key, what string) eventlog.Entry {
	e := Entry(what)
	e.Key = key
	return e
}

// Append appends and, when the answer is Unavailable, asks again, as a careful
// caller does. Without a key on one of the entries that could append twice, so
// the first one gets one.
func Append(t testing.TB, log eventlog.Log, expect []eventlog.Expect, entries ...eventlog.Entry) (eventlog.Seq, error) {
	t.Helper()
	has := false
	for _, e := range entries {
		has = has || e.Key != ""
	}
	if !has && len(entries) > 0 {
		entries[0].Key = fmt.Sprintf("test-%016x%016x", rand.Uint64(), rand.Uint64())
	}
	return again(t, func() (eventlog.Seq, error) { return log.Append(t.Context(), expect, entries) })
}

// again repeats call while its answer is Unavailable.
func again(t testing.TB, call func() (eventlog.Seq, error)) (eventlog.Seq, error) {
	t.Helper()
	var last error
	for range 200 {
		seq, err := call()
		if fault.KindOf(err) != fault.Unavailable {
			return seq, err
		}
		last = err
	}
	t.Errorf("log stays unavailable: %v", last)
	return 0, last
}

// must appends and fails t on an error.
func must(t testing.TB, log eventlog.Log, entries ...eventlog.Entry) eventlog.Seq {
	t.Helper()
	seq, err := Append(t, log, nil, entries...)
	if err != nil {
		t.Fatalf("Append: %v", err)
	}
	return seq
}

func get(t testing.TB, log eventlog.Log, seq eventlog.Seq) eventlog.Stored {
	t.Helper()
	s, err := log.Get(t.Context(), seq)
	if err != nil {
		t.Fatalf("Get(%d): %v", seq, err)
	}
	return s
}

func wantKind(t testing.TB, what string, err error, want fault.Kind) {
	t.Helper()
	if err == nil || fault.KindOf(err) != want {
		t.Errorf("%s: error = %v, want kind %v", what, err, want)
	}
}

func wantHead(t testing.TB, log eventlog.Log, want eventlog.Seq) {
	t.Helper()
	if head, _, err := log.Head(t.Context()); err != nil || head != want {
		t.Errorf("Head = %d, %v, want %d", head, err, want)
	}
}

func testEmpty(t *testing.T, log eventlog.Log) {
	head, chain, err := log.Head(t.Context())
	if head != 0 || chain != (eventlog.Digest{}) || err != nil {
		t.Errorf("Head = %d, %x, %v, want 0, zeros, nil", head, chain, err)
	}
	for s, err := range log.Read(t.Context(), 0) {
		t.Errorf("Read of an empty log yields %v, %v", s, err)
	}
	for _, seq := range []eventlog.Seq{0, 1, 1 << 63} {
		_, err := log.Get(t.Context(), seq)
		wantKind(t, fmt.Sprintf("Get(%d)", seq), err, fault.NotFound)
		wantKind(t, fmt.Sprintf("Erase(%d)", seq), log.Erase(t.Context(), seq), fault.NotFound)
	}
	if at, ok, err := log.Seen(t.Context(), "k"); at != 0 || ok || err != nil {
		t.Errorf("Seen = %d, %v, %v, want 0, false, nil", at, ok, err)
	}
}

func testReadBack(t *testing.T, log eventlog.Log) {
	var want []eventlog.Stored
	for _, n := range []int{1, 31, 32, 33, 1, 500, eventlog.MaxEntries} {
		entries := make([]eventlog.Entry, n)
		for i := range entries {
			// Some long enough to be cut into pages, some empty.
			entries[i] = Entry(strings.Repeat(fmt.Sprintf("payload %d of %d. ", i, n), (i*7)%23))
			if i%5 == 0 {
				entries[i].Header = event.Header{Kind: event.SourceSet}
			}
		}
		first := must(t, log, entries...)
		for i, e := range entries {
			h := e.Header
			h.Version = event.Version
			h.PayloadBytes = uint32(len(e.Payload))
			want = append(want, eventlog.Stored{Seq: first + eventlog.Seq(i), Header: h, Payload: bytes.Clone(e.Payload)})
			clear(e.Payload) // the log must have kept its own
		}
	}
	hashes := map[[32]byte]bool{}
	var got []eventlog.Stored
	for s, err := range log.Read(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		if hashes[s.Header.PayloadHash] {
			t.Errorf("entry %d: payload digest is that of another entry: no salt", s.Seq)
		}
		hashes[s.Header.PayloadHash] = true
		if one := get(t, log, s.Seq); one.Header != s.Header || !bytes.Equal(one.Payload, s.Payload) || one.Erased != s.Erased {
			t.Errorf("Get(%d) differs from Read:\n%s", s.Seq, cmp.Diff(s, one))
		}
		s.Header.PayloadHash = [32]byte{}
		got = append(got, s)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Read differs (-want +got):\n%s", diff)
	}
	for _, from := range []eventlog.Seq{1, 2, 32, 33, 34, 65, 600, eventlog.Seq(len(want)), eventlog.Seq(len(want)) + 1} {
		at := max(from, 1)
		for s, err := range log.Read(t.Context(), from) {
			if err != nil || s.Seq != at {
				t.Fatalf("Read(%d) gives entry %d, %v, want %d", from, s.Seq, err, at)
			}
			at++
		}
		if at != max(eventlog.Seq(len(want))+1, from) {
			t.Errorf("Read(%d) ends before %d", from, at)
		}
	}
}

func testLimits(t *testing.T, log eventlog.Log) {
	long := make([]byte, eventlog.MaxAppendBytes+1)
	two := keyed("k", "1")
	for name, c := range map[string]struct {
		expect  []eventlog.Expect
		entries []eventlog.Entry
	}{
		"no entries":       {},
		"too many entries": {entries: make([]eventlog.Entry, eventlog.MaxEntries+1)},
		"too many bytes":   {entries: []eventlog.Entry{{Header: two.Header, Payload: long}}},
		"too many in all":  {entries: []eventlog.Entry{Entry("1"), {Header: two.Header, Payload: long[1:]}}},
		"no kind":          {entries: []eventlog.Entry{{}}},
		"header too long":  {entries: []eventlog.Entry{{Kind: 1, Marking: string(long)}}},
		"key twice":        {entries: []eventlog.Entry{two, two}},
		"no aggregate":     {expect: []eventlog.Expect{{Last: 1}}, entries: []eventlog.Entry{two}},
	} {
		_, err := again(t, func() (eventlog.Seq, error) { return log.Append(t.Context(), c.expect, c.entries) })
		wantKind(t, name, err, fault.Invalid)
	}
	wantHead(t, log, 0)
	seq := must(t, log, eventlog.Entry{Header: two.Header, Payload: long[1:]})
	if s := get(t, log, seq); len(s.Payload) != eventlog.MaxAppendBytes {
		t.Errorf("longest payload comes back with %d bytes", len(s.Payload))
	}
}

func testCancelled(t *testing.T, log eventlog.Log) {
	must(t, log, Entry("1"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := log.Append(ctx, nil, []eventlog.Entry{keyed("c", "2")}); err == nil {
		t.Error("Append with a cancelled context succeeds")
	}
	if _, err := log.Get(ctx, 1); err == nil {
		t.Error("Get with a cancelled context succeeds")
	}
	for _, err := range log.Read(ctx, 1) {
		if err == nil {
			t.Error("Read with a cancelled context succeeds")
		}
	}
	wantHead(t, log, 1)
}

func testKeys(t *testing.T, log eventlog.Log) {
	first := must(t, log, Entry("0"), keyed("a", "1"), keyed("b", "2"))
	other := must(t, log, keyed("c", "3"))
	for name, c := range map[string]struct {
		entries []eventlog.Entry
		want    eventlog.Seq
	}{
		"same":       {[]eventlog.Entry{Entry("0"), keyed("a", "1"), keyed("b", "2")}, first},
		"one of two": {[]eventlog.Entry{keyed("b", "other payload")}, first},
		"other":      {[]eventlog.Entry{keyed("c", "3")}, other},
	} {
		stale := []eventlog.Expect{{Aggregate: "x", Last: 77}}
		if got, err := Append(t, log, stale, c.entries...); got != c.want || err != nil {
			t.Errorf("%s: Append = %d, %v, want %d, nil", name, got, err, c.want)
		}
	}
	_, err := Append(t, log, nil, keyed("a", "1"), keyed("c", "3"))
	wantKind(t, "keys of two appends", err, fault.Conflict)
	_, err = Append(t, log, nil, keyed("a", "1"), keyed("new", "9"))
	wantKind(t, "a new key beside an old one", err, fault.Conflict)
	wantHead(t, log, 4)
	for key, want := range map[string]eventlog.Seq{"a": first, "b": first, "c": other, "new": 0, "": 0} {
		if got, ok, err := log.Seen(t.Context(), key); got != want || ok != (want > 0) || err != nil {
			t.Errorf("Seen(%q) = %d, %v, %v, want %d", key, got, ok, err, want)
		}
	}
}

func testExpect(t *testing.T, log eventlog.Log) {
	on := func(aggregate string) eventlog.Entry {
		e := Entry("on " + aggregate)
		e.Aggregate = aggregate
		return e
	}
	at := func(last eventlog.Seq, aggregates ...string) (x []eventlog.Expect) {
		for _, a := range aggregates {
			x = append(x, eventlog.Expect{Aggregate: a, Last: last})
		}
		return x
	}
	steps := []struct {
		name    string
		expect  []eventlog.Expect
		entries []eventlog.Entry
		want    eventlog.Seq // 0: Conflict
	}{
		{"new", at(0, "a"), []eventlog.Entry{on("a"), on("b"), on("a"), Entry("none")}, 1},
		{"still new", at(0, "a"), []eventlog.Entry{on("a")}, 0},
		{"not the last", at(1, "a"), []eventlog.Entry{on("a")}, 0},
		{"last", at(3, "a"), []eventlog.Entry{on("a")}, 5},
		{"two, one stale", append(at(5, "a"), at(1, "b")...), []eventlog.Entry{on("a")}, 0},
		{"two", append(at(5, "a"), at(2, "b")...), []eventlog.Entry{on("a"), on("b")}, 6},
		{"unrelated to the entries", at(0, "c"), []eventlog.Entry{on("b")}, 8},
		{"future", at(99, "a"), []eventlog.Entry{on("a")}, 0},
		{"no expectation", nil, []eventlog.Entry{on("a")}, 9},
	}
	for _, s := range steps {
		got, err := Append(t, log, s.expect, s.entries...)
		if s.want == 0 {
			wantKind(t, s.name, err, fault.Conflict)
		} else if got != s.want || err != nil {
			t.Errorf("%s: Append = %d, %v, want %d", s.name, got, err, s.want)
		}
	}
}

func testWatch(t *testing.T, log eventlog.Log) {
	grown := log.Watch(0)
	select {
	case <-grown:
		t.Error("Watch(0) of an empty log is closed")
	default:
	}
	done := make(chan error, 1)
	go func() { done <- eventlog.Wait(t.Context(), log, 2) }()
	must(t, log, Entry("1"))
	<-grown
	<-log.Watch(0)
	must(t, log, Entry("2"))
	must(t, log, Entry("3"))
	if err := <-done; err != nil {
		t.Errorf("Wait(2) = %v, want nil", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := eventlog.Wait(ctx, log, 3); err == nil {
		t.Error("Wait with a cancelled context returns nil")
	}
	if err := eventlog.Wait(t.Context(), log, 2); err != nil {
		t.Errorf("Wait(2) = %v, want nil at once", err)
	}
}

func testClose(t *testing.T, log eventlog.Log) {
	must(t, log, Entry("1"))
	grown := log.Watch(1)
	closer, ok := log.(io.Closer)
	if !ok {
		t.Fatalf("%T has no Close", log)
	}
	if err := closer.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	<-grown
	<-log.Watch(99)
	if err := closer.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	_, err := log.Append(t.Context(), nil, []eventlog.Entry{Entry("2")})
	wantKind(t, "Append", err, fault.Unavailable)
	_, err = log.Get(t.Context(), 1)
	wantKind(t, "Get", err, fault.Unavailable)
	_, _, err = log.Head(t.Context())
	wantKind(t, "Head", err, fault.Unavailable)
	_, _, err = log.Seen(t.Context(), "k")
	wantKind(t, "Seen", err, fault.Unavailable)
	wantKind(t, "Erase", log.Erase(t.Context(), 1), fault.Unavailable)
	wantKind(t, "Wait", eventlog.Wait(t.Context(), log, 9), fault.Unavailable)
	_, _, err = log.Verify(t.Context(), func(p string) { t.Errorf("Verify: %s", p) })
	wantKind(t, "Verify", err, fault.Unavailable)
	for _, err := range log.Read(t.Context(), 1) {
		wantKind(t, "Read", err, fault.Unavailable)
	}
}
