package pebblelog

import (
	"bytes"
	"fmt"
	"testing"

	"casus/internal/event"
	"casus/internal/eventlog"
	"casus/internal/eventlog/eventlogtest"
)

// TestTail reads entries with notes while they are recent, when they are no
// longer, and after an erasure: the entries are the same each time.
func TestTail(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l, err := Create(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var want [][]byte
	add := func(n int, note bool) {
		t.Helper()
		entries := make([]eventlog.Entry, n)
		for i := range entries {
			entries[i] = eventlogtest.Entry("")
			entries[i].Payload = fmt.Appendf(nil, "payload %d", len(want))
			if note {
				entries[i].Note = len(want)
			}
			want = append(want, entries[i].Payload)
		}
		if _, err := l.Append(t.Context(), nil, entries); err != nil {
			t.Fatal(err)
		}
	}
	add(3, true)
	add(40, false) // whose payloads the log may not keep
	add(100, true)
	add(1, false)
	// check reads from everywhere and returns how many notes there were.
	check := func() (notes int) {
		t.Helper()
		for from := range len(want) {
			next := event.Seq(from + 1)
			for st, err := range l.Read(t.Context(), next) {
				if err != nil {
					t.Fatal(err)
				}
				if st.Seq != next || !bytes.Equal(st.Payload, want[next-1]) || st.Erased != (want[next-1] == nil) {
					t.Fatalf("Read(%d) = entry %d %q, want %d %q", from+1, st.Seq, st.Payload, next, want[next-1])
				}
				if st.Note != nil {
					if st.Note != int(next-1) {
						t.Fatalf("entry %d has the note of %v", next, st.Note)
					}
					if from == 0 {
						notes++
					}
				}
				next++
			}
			if next != event.Seq(len(want)+1) {
				t.Fatalf("Read(%d) ends before %d of %d", from+1, next, len(want))
			}
		}
		return notes
	}
	if got := check(); got != 103 {
		t.Errorf("%d notes, want 103", got)
	}
	if err := l.Erase(t.Context(), 2, 50); err != nil {
		t.Fatal(err)
	}
	want[1], want[49] = nil, nil
	if got := check(); got != 0 {
		t.Errorf("%d notes after an erasure, want none", got)
	}
	add(5, true)
	if got := check(); got != 5 {
		t.Errorf("%d notes, want 5", got)
	}
	closeLog(t, l)
	if l, err = Open(dir, Options{}); err != nil {
		t.Fatal(err)
	}
	defer closeLog(t, l)
	if got := check(); got != 0 {
		t.Errorf("%d notes after reopening, want none", got)
	}
}

// TestTailIsBounded appends more than the tail holds.
func TestTailIsBounded(t *testing.T) {
	t.Parallel()
	l, err := Create(t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer closeLog(t, l)
	const each = 400 << 10
	for i := range 2 * tailBytes / each {
		e := eventlogtest.Entry("")
		e.Payload, e.Note = make([]byte, each), i
		if _, err := l.Append(t.Context(), nil, []eventlog.Entry{e}); err != nil {
			t.Fatal(err)
		}
	}
	if l.tail.bytes > tailBytes || l.tail.bytes < tailBytes/2 || len(l.tail.runs) != l.tail.bytes/each {
		t.Errorf("the tail holds %d bytes in %d runs, want at most %d", l.tail.bytes, len(l.tail.runs), tailBytes)
	}
}
