package pebblelog

import (
	"slices"
	"sync"

	"casus/internal/event"
	"casus/internal/eventlog"
)

// tailBytes bounds the payloads that a tail holds.
const tailBytes = 12 << 20

// tail holds the Appends with notes that came last, as their callers gave them,
// so that a reader who follows closely neither unpacks their pages nor reads
// their payloads again. It is no part of the record: emptied at any time,
// readers go on with the pages.
type tail struct {
	mu    sync.Mutex // guards the fields below
	runs  []run      // in order
	bytes int
}

// run is one Append.
type run struct {
	entries []eventlog.Stored
	bytes   int
}

func (r *run) first() event.Seq { return r.entries[0].Seq }
func (r *run) last() event.Seq  { return r.entries[len(r.entries)-1].Seq }

// noted reports whether entries may be kept: one has a note.
func noted(entries []eventlog.Entry) bool {
	return slices.ContainsFunc(entries, func(e eventlog.Entry) bool { return e.Note != nil })
}

// add takes an Append in. It is called in the order of sequence numbers, before
// the entries are durable: who reads looks at the head first.
func (t *tail) add(first event.Seq, headers []event.Header, entries []eventlog.Entry) {
	r := run{entries: make([]eventlog.Stored, len(entries))}
	for i := range entries {
		r.entries[i] = eventlog.Stored{Seq: first + event.Seq(i), Header: headers[i], Payload: entries[i].Payload, Note: entries[i].Note}
		r.bytes += len(entries[i].Payload)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.runs = append(t.runs, r)
	t.bytes += r.bytes
	gone := 0
	for ; t.bytes > tailBytes; gone++ {
		t.bytes -= t.runs[gone].bytes
		t.runs[gone] = run{}
	}
	t.runs = t.runs[gone:]
}

// Rest lets go of memory that only saves time, while nothing is going on.
func (l *Log) Rest() { l.tail.empty() }

// empty forgets everything.
func (t *tail) empty() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.runs, t.bytes = nil, 0
}

// from returns the entries of one Append from seq on, up to head. If it has
// none, next is the first entry after seq that it has, 0 for none.
func (t *tail) from(seq, head event.Seq) (entries []eventlog.Stored, next event.Seq) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range t.runs {
		r := &t.runs[i]
		if r.last() < seq {
			continue
		}
		if r.first() > seq {
			return nil, r.first()
		}
		return r.entries[seq-r.first() : min(r.last(), head)+1-r.first()], 0
	}
	return nil, 0
}
