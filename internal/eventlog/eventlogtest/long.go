package eventlogtest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"casus/internal/event"
	"casus/internal/eventlog"
	"casus/internal/fault"

	"github.com/google/go-cmp/cmp"
)

// noise returns n bytes that do not compress.
func noise(seed uint64, n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)})
	_, _ = r.Read(b)
	return b
}

func appendLong(t testing.TB, log eventlog.Log, key string, payload []byte) eventlog.Seq {
	t.Helper()
	e := keyed(key, "")
	e.Payload = payload
	seq, err := again(t, func() (eventlog.Seq, error) { return eventlog.AppendLong(t.Context(), log, nil, e) })
	if err != nil {
		t.Fatalf("AppendLong: %v", err)
	}
	return seq
}

func testLong(t *testing.T, log eventlog.Log) {
	for i, n := range []int{0, 1, eventlog.MaxWholeBytes, eventlog.MaxWholeBytes + 1, 2 * eventlog.MaxWholeBytes, 5*eventlog.MaxWholeBytes - 1} {
		key, want := fmt.Sprintf("long-%d", n), noise(uint64(i), n)
		seq := appendLong(t, log, key, want)
		s := get(t, log, seq)
		if s.Header.Key != key || s.Header.Kind != event.ObjectReceived {
			t.Errorf("%d bytes: entry %d has header %+v", n, seq, s.Header)
		}
		if parts := (n + eventlog.MaxWholeBytes - 1) / eventlog.MaxWholeBytes; parts > 1 && int(s.Header.Parts) != parts || parts <= 1 && s.Header.Parts != 0 {
			t.Errorf("%d bytes: %d parts", n, s.Header.Parts)
		}
		if got := eventlog.Size(s); got != int64(n) {
			t.Errorf("Size of %d bytes = %d", n, got)
		}
		got, err := eventlog.Payload(t.Context(), log, s)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("Payload of %d bytes = %d bytes, %v", n, len(got), err)
		}
		if got := appendLong(t, log, key, want); got != seq {
			t.Errorf("AppendLong of the same key = %d, want %d", got, seq)
		}
	}
	broken := io.MultiReader(bytes.NewReader(noise(1, eventlog.MaxWholeBytes+5)), failingReader{})
	_, err := again(t, func() (eventlog.Seq, error) {
		return eventlog.AppendFrom(t.Context(), log, nil, keyed("broken", "").Header, broken)
	})
	wantKind(t, "AppendFrom a failing reader", err, fault.Denied)
	if _, ok, err := log.Seen(t.Context(), "broken"); ok || err != nil {
		t.Errorf("Seen of a payload cut short = %v, %v", ok, err)
	}
}

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, fault.Errorf(fault.Denied, "broken") }

// cutShort is a log that takes some parts of a long payload, then no more.
type cutShort struct {
	eventlog.Log
	parts int // taken still
}

// Append implements eventlog.Log.
func (c *cutShort) Append(ctx context.Context, expect []eventlog.Expect, entries []eventlog.Entry) (eventlog.Seq, error) {
	if c.parts == 0 {
		return 0, fault.Errorf(fault.Denied, "cut short")
	}
	seq, err := c.Log.Append(ctx, expect, entries)
	if err == nil {
		c.parts--
	}
	return seq, err
}

// begin appends the first parts of a long payload, and no closing entry. It
// returns where they stand.
func begin(t testing.TB, log eventlog.Log, key string, payload []byte, parts int) (seqs []eventlog.Seq) {
	t.Helper()
	head, _, err := log.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	e := keyed(key, "")
	e.Payload, e.Cause = payload, 1
	cut := &cutShort{log, parts}
	_, err = again(t, func() (eventlog.Seq, error) { return eventlog.AppendLong(t.Context(), cut, nil, e) })
	wantKind(t, "AppendLong cut short", err, fault.Denied)
	for s, err := range log.Read(t.Context(), head+1) {
		if err != nil {
			t.Fatal(err)
		}
		if s.Header.Kind != event.PayloadPart || s.Header.Cause != 1 {
			t.Errorf("entry %d of a long payload: kind %s, cause %d; want a part with the cause of the whole", s.Seq, s.Header.Kind, s.Header.Cause)
		}
		seqs = append(seqs, s.Seq)
	}
	if len(seqs) != parts {
		t.Fatalf("%d parts stand in the log, want %d", len(seqs), parts)
	}
	return seqs
}

func wantOrphans(t testing.TB, log eventlog.Log, of, want []eventlog.Seq) {
	t.Helper()
	got, err := eventlog.Orphans(t.Context(), log, of...)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("Orphans(%v): %v (-want +got):\n%s", of, err, diff)
	}
}

// testLongCutShort: parts that no closing entry names, as a crash leaves them,
// harm nobody, are found, and the same payload meets them afterwards.
func testLongCutShort(t *testing.T, log eventlog.Log) {
	must(t, log, Entry("what causes it"))
	payload := noise(9, 3*eventlog.MaxWholeBytes)
	orphans := begin(t, log, "again", payload, 2)
	Check(t, log)
	wantOrphans(t, log, orphans, orphans)
	seq := appendLong(t, log, "again", payload)
	got, err := eventlog.Payload(t.Context(), log, get(t, log, seq))
	if err != nil || !bytes.Equal(got, payload) {
		t.Errorf("Payload = %d bytes, %v", len(got), err)
	}
	all, err := eventlog.Closure(t.Context(), log, seq)
	if want := append(orphans, orphans[1]+1, orphans[1]+2); err != nil || !cmp.Equal(all, want) {
		t.Errorf("Closure of the payload appended again = %v, %v, want %v: the parts of before", all, err, want)
	}
	wantOrphans(t, log, all, nil)

	// Another payload under the key must not be joined from parts of the first.
	first, second := noise(10, 3*eventlog.MaxWholeBytes), noise(11, 2*eventlog.MaxWholeBytes)
	orphans = begin(t, log, "other", first, 2)
	seq = appendLong(t, log, "other", second)
	if got, err = eventlog.Payload(t.Context(), log, get(t, log, seq)); err != nil || !bytes.Equal(got, second) {
		t.Errorf("Payload under a key with other parts = %d bytes, %v", len(got), err)
	}
	all, err = eventlog.Closure(t.Context(), log, seq)
	if err != nil {
		t.Fatal(err)
	}
	wantOrphans(t, log, append(slices.Clone(orphans), all...), orphans)

	// Neither may it be joined from parts that were erased.
	orphans = begin(t, log, "erased", payload, 2)
	erase(t, log, orphans...)
	wantOrphans(t, log, orphans, nil)
	seq = appendLong(t, log, "erased", payload)
	if got, err = eventlog.Payload(t.Context(), log, get(t, log, seq)); err != nil || !bytes.Equal(got, payload) {
		t.Errorf("Payload appended again after its parts were erased = %d bytes, %v", len(got), err)
	}
}

// erase erases, again and again while the log is unavailable.
func erase(t testing.TB, log eventlog.Log, seqs ...eventlog.Seq) {
	t.Helper()
	if _, err := again(t, func() (eventlog.Seq, error) { return 0, log.Erase(t.Context(), seqs...) }); err != nil {
		t.Fatalf("Erase(%v): %v", seqs, err)
	}
}

func testErase(t *testing.T, log eventlog.Log) {
	var entries []eventlog.Entry
	for i := range 100 {
		entries = append(entries, keyed(fmt.Sprintf("k%d", i), fmt.Sprintf("payload %d", i)))
		entries[i].Aggregate = fmt.Sprintf("a%d", i)
	}
	must(t, log, entries...)
	last := must(t, log, Entry("last"))
	before, chain, err := log.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	headers := map[eventlog.Seq]event.Header{}
	for _, seq := range []eventlog.Seq{1, 32, 33, 50, last} {
		headers[seq] = get(t, log, seq).Header
	}
	erase(t, log, 50, 1, 33, 32, 1)
	erase(t, log, last)
	erase(t, log)
	erase(t, log, 50, 51)
	gone := map[eventlog.Seq]bool{1: true, 32: true, 33: true, 50: true, 51: true, last: true}
	for s, err := range log.Read(t.Context(), 1) {
		if err != nil {
			t.Fatal(err)
		}
		if s.Erased != gone[s.Seq] {
			t.Errorf("entry %d: erased is %v", s.Seq, s.Erased)
		}
		if want := fmt.Sprintf("payload %d", s.Seq-1); !s.Erased && string(s.Payload) != want {
			t.Errorf("entry %d: payload %q, want %q", s.Seq, s.Payload, want)
		}
		if h, ok := headers[s.Seq]; ok && !cmp.Equal(h, s.Header) {
			t.Errorf("entry %d: header changed:\n%s", s.Seq, cmp.Diff(h, s.Header))
		}
	}
	s := get(t, log, 50)
	if s.Payload != nil || !s.Erased {
		t.Errorf("Get of an erased entry = %q, %v", s.Payload, s.Erased)
	}
	_, err = eventlog.Payload(t.Context(), log, s)
	wantKind(t, "Payload of an erased entry", err, fault.NotFound)
	if head, got, err := log.Head(t.Context()); head != before || got != chain || err != nil {
		t.Errorf("Head after Erase = %d, %x, %v, want %d, %x", head, got, err, before, chain)
	}
	if at, ok, err := log.Seen(t.Context(), "k49"); at != 1 || !ok || err != nil {
		t.Errorf("Seen of an erased entry's key = %d, %v, %v, want 1", at, ok, err)
	}
	wantKind(t, "Erase past the head", log.Erase(t.Context(), last, last+1), fault.NotFound)
	e := Entry("after")
	e.Aggregate = "a49"
	if seq, err := Append(t, log, []eventlog.Expect{{Aggregate: "a49", Last: 50}}, e); seq != last+1 || err != nil {
		t.Errorf("Append after Erase = %d, %v, want %d", seq, err, last+1)
	}
}

func testEraseLong(t *testing.T, log eventlog.Log) {
	keep := appendLong(t, log, "keep", noise(1, 3*eventlog.MaxWholeBytes))
	seq := appendLong(t, log, "go", noise(2, 3*eventlog.MaxWholeBytes))
	all, err := eventlog.Closure(t.Context(), log, seq)
	if err != nil || len(all) != 4 {
		t.Fatalf("Closure = %v, %v, want four entries", all, err)
	}
	erase(t, log, all...)
	if again, err := eventlog.Closure(t.Context(), log, seq); err != nil || len(again) != 1 {
		t.Errorf("Closure of an erased entry = %v, %v, want itself", again, err)
	}
	_, err = eventlog.Payload(t.Context(), log, get(t, log, seq))
	wantKind(t, "Payload", err, fault.NotFound)
	if got, err := eventlog.Payload(t.Context(), log, get(t, log, keep)); err != nil || !bytes.Equal(got, noise(1, 3*eventlog.MaxWholeBytes)) {
		t.Errorf("Payload of the other = %d bytes, %v", len(got), err)
	}
}

// testEraseWhileReading erases while others read and append.
func testEraseWhileReading(t *testing.T, log eventlog.Log) {
	const n = 300
	var entries []eventlog.Entry
	for i := range n {
		entries = append(entries, Entry(fmt.Sprintf("payload %d", i)))
	}
	must(t, log, entries...)
	var wg sync.WaitGroup
	done := make(chan struct{})
	for range 3 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				for s, err := range log.Read(t.Context(), 1) {
					if err != nil {
						t.Errorf("Read at %d: %v", s.Seq, err)
						return
					}
					if want := fmt.Sprintf("payload %d", s.Seq-1); s.Seq <= n && !s.Erased && string(s.Payload) != want {
						t.Errorf("entry %d: payload %q, want %q", s.Seq, s.Payload, want)
					}
				}
			}
		})
	}
	wg.Go(func() {
		for i := range 20 {
			if _, err := Append(t, log, nil, Entry(fmt.Sprint(i))); err != nil {
				t.Errorf("Append: %v", err)
			}
		}
	})
	for i := range 5 {
		seq := eventlog.Seq(1 + i*47)
		erase(t, log, seq, seq+3)
		if s := get(t, log, seq); !s.Erased {
			t.Errorf("entry %d is not erased", seq)
		}
	}
	close(done)
	wg.Wait()
	wantHead(t, log, n+20)
}
