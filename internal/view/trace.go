package view

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"iter"
	"slices"
	"strings"
	"time"

	"casus/internal/core/marking"
	"casus/internal/event"
	"casus/internal/eventlog"
	"casus/tlp"
)

// MaxTraced is how many objects, and how many reports, a [Trace] names; of more it
// keeps count and digest.
const MaxTraced = 100

// Trace tells what of the closely held one question gave: what is TLP:AMBER or
// stricter, or classified above the lowest level. It is filled where the store
// reads, below every question. The zero value is ready for one question.
type Trace struct {
	objects, reports named
	highest          tlp.Label
	withheld         []string
	last             string // the identity of the last report
}

// named is a list of ids whose length is bounded.
type named struct {
	ids   []string
	has   map[string]struct{}
	count int
	sum   hash.Hash
}

func (n *named) add(id string) {
	if _, ok := n.has[id]; ok {
		return
	}
	if n.has == nil {
		n.has, n.sum = map[string]struct{}{}, sha256.New()
	}
	n.count++
	n.sum.Write([]byte(id + "\n"))
	if len(n.ids) == MaxTraced {
		return
	}
	n.has[id] = struct{}{}
	n.ids = append(n.ids, event.TraceID(id))
}

// Any reports whether anything closely held was given.
func (t *Trace) Any() bool { return t.objects.count+t.reports.count > 0 }

// Withheld returns the ids, of those asked for, of what is here and not readable.
func (t *Trace) Withheld() []string { return slices.Clone(t.withheld) }

// Into writes what was given into a.
func (t *Trace) Into(a *event.Given) {
	a.Objects, a.ObjectCount = slices.Clone(t.objects.ids), t.objects.count
	a.Reports, a.ReportCount = slices.Clone(t.reports.ids), t.reports.count
	if t.objects.count > len(t.objects.ids) {
		a.Digest = hex.EncodeToString(t.objects.sum.Sum(nil))
	}
	if t.Any() {
		a.TLP = t.highest.String()
	}
}

// Traced returns r, of whose questions t is told what they gave. Full sight leaves
// no trace: it is the node's own.
func (r Reader) Traced(t *Trace) Reader {
	if !r.all {
		r.trace = t
	}
	return r
}

// withheld tells the trace that an id was asked for that is here and not readable.
func (r Reader) withheld(id string) {
	id = event.TraceID(id)
	if r.trace != nil && len(r.trace.withheld) < MaxTraced && !slices.Contains(r.trace.withheld, id) {
		r.trace.withheld = append(r.trace.withheld, id)
	}
}

// closeness is how closely a set is held: its label, and whether that or its
// classification leaves a trace.
type closeness struct {
	label tlp.Label
	close bool
}

// closenessOf decides for an effective set. lowest are the classifications that
// nobody needs a clearance for.
func closenessOf(set marking.Set, lowest []marking.Level) closeness {
	c := closeness{label: set.Label(nil)}
	c.close = c.label < tlp.Green || slices.ContainsFunc(set.Classes, func(l marking.Level) bool { return !slices.Contains(lowest, l) })
	return c
}

// gave tells the trace of r that something of a report was read that has the own
// set, or [alone] for the report itself; object is "" when it is the report alone.
func (s *Store) gave(r Reader, own uint32, rec *record, object string) {
	if r.trace == nil {
		return
	}
	c := closeness{tlp.Red, true} // of a report that is not finished
	if rec.Closed {
		s.mu.RLock()
		e := s.effects
		s.mu.RUnlock()
		e.mu.RLock()
		if no, ok := e.pairs[pairOf(own, rec)]; ok {
			c = e.close[no]
		}
		e.mu.RUnlock()
	}
	if !c.close {
		return
	}
	t := r.trace
	if !t.Any() {
		t.highest = c.label
	}
	t.highest = tlp.Most(t.highest, c.label)
	if object != "" {
		t.objects.add(object)
	}
	t.report(s, rec)
}

// report notes a report. Past those that are named, one is counted again when
// objects of another stood between its own.
func (t *Trace) report(s *Store, rec *record) {
	if t.last == rec.Identity {
		return
	}
	t.last = rec.Identity
	if t.reports.count < MaxTraced {
		t.reports.add(s.shortID("RPT", rec.Identity))
		return
	}
	if _, ok := t.reports.has[s.shortID("RPT", rec.Identity)]; !ok {
		t.reports.count++
	}
}

// noted keeps an entry of the trail to be found again: under which short id, and
// when.
func (f *folding) noted(e *eventlog.Stored) error {
	f.quiet++
	f.mark.Notes++
	if err := f.short("AUD", noteName(e)); err != nil {
		return err
	}
	at := e.Header.EventTime
	val := append([]byte{byte(e.Header.Kind)}, binary.BigEndian.AppendUint64(nil, uint64(at.Unix()))...)
	return f.kv.Set(noteKey(e.Seq), val)
}

// noteName is the full id of an entry of the trail.
func noteName(e *eventlog.Stored) string {
	return hex.EncodeToString(e.Header.PayloadHash[:]) + hex.EncodeToString(seqKey(0, e.Seq)[1:])
}

// noteKey sorts the newest entry first.
func noteKey(seq event.Seq) []byte { return seqKey('A', ^seq) }

// Note is where an entry of the trail stands.
type Note struct {
	Seq  event.Seq
	Kind event.Kind
	// At is when it happened, to the second.
	At time.Time
}

// Notes yields the entries of the trail of reads and refusals, the newest first,
// from before a sequence number, or all for 0. Who may ask is for the node to say.
func (s *Store) Notes(before event.Seq) iter.Seq2[Note, error] {
	return func(yield func(Note, error) bool) {
		from := []byte{'A'}
		if before > 0 {
			from = append(noteKey(before), 0)
		}
		for p, err := range s.kv.Scan(from, []byte{'A' + 1}) {
			var n Note
			if err == nil && len(p.Key) == 9 && len(p.Value) == 9 {
				n.Seq = ^event.Seq(binary.BigEndian.Uint64(p.Key[1:]))
				n.Kind = event.Kind(p.Value[0])
				n.At = time.Unix(int64(binary.BigEndian.Uint64(p.Value[1:])), 0).UTC() //nolint:gosec // written from an int64
			}
			if !yield(n, err) || err != nil {
				return
			}
		}
	}
}

// NotesUpTo counts the entries of the trail up to a sequence number that the view has
// read.
func (s *Store) NotesUpTo(seq event.Seq) (uint64, error) {
	s.mu.RLock()
	n := s.mark.Notes
	s.mu.RUnlock()
	for note, err := range s.Notes(0) {
		if err != nil || note.Seq <= seq {
			return n, err
		}
		n -= min(n, 1)
	}
	return n, nil
}

// Noted reports whether an entry of the trail is found.
func (s *Store) Noted(seq event.Seq) (bool, error) {
	_, ok, err := s.kv.Get(noteKey(seq))
	return ok, err
}

// NoteID returns the short id of an entry of the trail.
func (s *Store) NoteID(st *eventlog.Stored) string { return s.shortID("AUD", noteName(st)) }

// NotesCalled returns the entries of the trail with a short id: none, one, or very
// rarely several.
func (s *Store) NotesCalled(id string) ([]event.Seq, error) {
	names, err := s.full("AUD", id)
	if err != nil {
		return nil, err
	}
	var out []event.Seq
	for _, name := range names {
		raw, err := hex.DecodeString(name)
		if err == nil && len(raw) == sha256.Size+8 {
			out = append(out, event.Seq(binary.BigEndian.Uint64(raw[sha256.Size:])))
		}
	}
	return out, nil
}

// gavePiece tells the trace of a piece set aside, which is RED always.
func (r Reader) gavePiece(id string) {
	if r.trace != nil {
		r.trace.highest = tlp.Red
		r.trace.objects.add(id)
	}
}

// missingItem tells the trace when an item that is not readable is the one that was
// asked for.
func (s *Store) missingItem(r Reader, it *item, id string) {
	if r.trace == nil || it.Gone {
		return
	}
	rec, err := s.record(s.kv, it.Report)
	if err == nil && strings.EqualFold(s.shortID("QRN", itemName(rec.Identity, it)), id) {
		r.withheld(strings.ToUpper(id))
	}
}
