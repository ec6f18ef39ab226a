package view

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json/v2"
	"slices"
	"sync"

	"casus/internal/core/marking"
	"casus/internal/event"
	"casus/internal/eventlog"
	"casus/internal/fault"
)

// When a receipt was added
//
// Programs that ask for what is new name the instant of the last thing they were
// given. So each receipt has an instant, to the microsecond, at which it was
// added: it does not change, later ones have later instants, and one reader never
// sees the same instant twice. It is made of the headers of the log alone, so
// that erasures do not move it.
//
// A report's receipts can be read once it is closed, whenever they stood in the
// log; so they are added when it is closed. Those of one own marking set come at
// even steps (a slot, 16 µs as a rule), and the last of each set at the instant
// of closing: the distance of two tells nothing of what stands between them in
// the log, as a reader sees all of a report's receipts of one set or none. Two
// sets of one report use the same slots; those that a reader sees are laid beside
// one another there, in an order that a keyed hash decides. So what he does not see
// has no part in it; and where other sets of a report become readable to him, its
// receipts move within their slots, by a few microseconds.
//
// Where a report would reach back before the instant of the one closed before, it
// is moved on until it does not. That is all that a receipt's instant can have of
// what its reader does not see: it may lie later than its report was closed, by at
// most the slots of what was closed within that time. An intake of less than
// 60,000 objects a second never has to move a report unless another was closed
// while it came in. More than sixteen sets in one report make the slots longer.
//
// Source: taxii-2.1 §3.4 (date_added), §3.5 (sorting); casus decision 0035.

// minSlot is the least length of a slot, in microseconds.
const minSlot = 16

// counts says what a report has of each marking set, by its canonical form.
type counts struct {
	Of map[string]uint32 `json:"of"`

	changed, done bool
	last          string // the set that was counted last
}

// slot returns the length of the report's slots, in microseconds.
func (c *counts) slot() int64 {
	n := int64(minSlot)
	for n < int64(len(c.Of)) {
		n *= 2
	}
	return n
}

// ranked is how many receipts of an own marking set a report has had.
type ranked struct {
	Set uint32 `json:"set"`
	N   uint32 `json:"n"`
}

func addedKey(added int64) []byte {
	return binary.BigEndian.AppendUint64([]byte{'a'}, uint64(added)) //nolint:gosec // never below 0
}

// countsOf returns the counts of the report with the opening entry.
func (f *folding) countsOf(opening event.Seq) (*counts, error) {
	if c, ok := f.counts[opening]; ok {
		return c, nil
	}
	c := &counts{Of: map[string]uint32{}}
	raw, ok, err := f.s.kv.Get(seqKey('d', opening))
	if err != nil {
		return nil, err
	}
	if ok {
		if err := json.Unmarshal(raw, c); err != nil {
			return nil, fault.Errorf(fault.Internal, "view: counts: %w", err)
		}
	}
	f.counts[opening] = c
	return c, nil
}

// rank counts a receipt, erased or not, and returns how many of its set there
// were before.
func (f *folding) rank(e *eventlog.Stored) (uint32, error) {
	c, err := f.countsOf(e.Header.Cause)
	if err != nil {
		return 0, err
	}
	text := e.Header.Marking
	if text != c.last {
		if _, known := c.Of[text]; !known {
			if _, err := marking.Parse(text); err != nil {
				text = marking.Set{}.String()
			}
		}
		c.last = text
	}
	n := c.Of[text]
	c.Of[text], c.changed = n+1, true
	return n, nil
}

// dated ends the counting of a report and decides when its receipts were added.
func (f *folding) dated(e *eventlog.Stored) (*counts, error) {
	c, err := f.countsOf(e.Header.Cause)
	if err != nil {
		return nil, err
	}
	c.changed, c.done = true, true
	most := uint32(0)
	for _, n := range c.Of {
		most = max(most, n)
	}
	if most > 0 {
		f.mark.Added = max(e.Header.WriteTime.UnixMicro(), f.mark.Added+int64(most)*c.slot())
		f.mark.Slot = max(f.mark.Slot, c.slot())
	}
	return c, nil
}

// writeCounts writes the counts of reports that are open.
func (f *folding) writeCounts() error {
	for seq, c := range f.counts {
		if !c.changed {
			continue
		}
		var err error
		if c.done {
			err = f.kv.Delete(seqKey('d', seq))
		} else if raw, fail := json.Marshal(c); fail != nil {
			err = fault.Errorf(fault.Internal, "view: counts: %w", fail)
		} else {
			err = f.kv.Set(seqKey('d', seq), raw)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// lane is a marking set of a report and its place in the slots.
type lane struct {
	ranked
	hash uint64
}

// dating tells when the receipts of one report were added.
type dating struct {
	added, slot int64
	lanes       []lane // by hash
}

// lanesOf returns the lanes of a report, all of them or those that a gives.
func (s *Store) lanesOf(rec *record, a *access) *dating {
	d := &dating{added: rec.Added, slot: rec.Slot}
	for _, r := range rec.Ranked {
		if a != nil && !a.has(r.Set) {
			continue
		}
		h := hmac.New(sha256.New, s.opt.Secret)
		h.Write([]byte("casus slot\x00" + rec.Identity + s.setTextAt(r.Set)))
		d.lanes = append(d.lanes, lane{ranked: r, hash: binary.BigEndian.Uint64(h.Sum(nil))})
	}
	slices.SortFunc(d.lanes, func(a, b lane) int { return cmp.Compare(a.hash, b.hash) })
	return d
}

func (s *Store) setTextAt(no uint32) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if int(no) < len(s.setText) {
		return s.setText[no]
	}
	return ""
}

// back returns how many slots before the last a receipt stands, and its lane.
func (d *dating) back(rc *receipt) (slots int64, at int) {
	for i := range d.lanes {
		if d.lanes[i].Set == rc.set {
			return int64(d.lanes[i].N) - 1 - int64(rc.rank), i
		}
	}
	return 0, -1
}

// at returns when a receipt was added, in microseconds since 1970; d has the
// lanes that the reader sees.
func (d *dating) at(rc *receipt) int64 {
	back, own := d.back(rc)
	if own < 0 {
		return d.added
	}
	at := d.added - back*d.slot
	for i := range d.lanes[:own] {
		if int64(d.lanes[i].N) > back { // it reaches back to this slot
			at++
		}
	}
	return at
}

// orders keeps the receipts of reports in the order in which they were added.
type orders struct {
	mu   sync.Mutex // guards the fields below
	of   map[uint32][]uint32
	held int // receipts in of
}

// maxOrdered is how many receipts the orders hold that are kept: 16 MiB.
const maxOrdered = 4 << 20

func newOrders() *orders { return &orders{of: map[uint32][]uint32{}} }

func (o *orders) get(no uint32) ([]uint32, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	nos, ok := o.of[no]
	return nos, ok
}

func (o *orders) put(no uint32, nos []uint32) {
	if len(nos) > maxOrdered {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.held += len(nos); o.held > maxOrdered {
		clear(o.of)
		o.held = len(nos)
	}
	o.of[no] = nos
}

// order returns the receipts of a closed report in the order in which they were
// added, which is the same for all readers. Some may be gone by now.
func (m *matcher) order(o *orders, rec *record) ([]uint32, error) {
	if held, ok := o.get(rec.No); ok {
		return held, nil
	}
	nos, err := m.list('P', num(0, rec.No)[1:])
	if err != nil {
		return nil, err
	}
	slices.Reverse(nos)
	if len(rec.Ranked) > 1 {
		if err := m.sortByAdded(rec, nos); err != nil {
			return nil, err
		}
	}
	o.put(rec.No, nos)
	return nos, nil
}

func (m *matcher) sortByAdded(rec *record, nos []uint32) error {
	d := m.s.lanesOf(rec, nil)
	type place struct {
		back int64
		lane int
		no   uint32
	}
	all := make([]place, 0, len(nos))
	for _, no := range nos {
		rc, err := m.blk.get(no)
		if err != nil {
			return err
		}
		back, lane := d.back(&rc)
		all = append(all, place{back, lane, no})
	}
	slices.SortFunc(all, func(a, b place) int { return cmp.Or(cmp.Compare(b.back, a.back), cmp.Compare(a.lane, b.lane)) })
	for i := range all {
		nos[i] = all[i].no
	}
	return nil
}
