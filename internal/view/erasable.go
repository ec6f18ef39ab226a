package view

import (
	"context"
	"encoding/binary"
	"encoding/json/v2"
	"slices"
	"strings"

	"casus/internal/core/privacy"
	"casus/internal/event"
	"casus/internal/eventlog"
	"casus/internal/kv"
)

// maxErased is the most receipts of one erasure, which bounds the memory of the
// step that carries it out.
const maxErased = 4000

// Erasing returns the recorded erasures whose payloads may still be in the log.
func (s *Store) Erasing() []event.Seq {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.mark.Erasing
}

// Going is what an erasure takes, and what it leaves.
type Going struct {
	// Erasures are in their order. Each alone leaves a whole state; a report itself
	// goes with the last that takes of it, so that what was cut short can be
	// repeated. The bytes of a receipt are among their payloads when no receipt that
	// stays needs them. They are for the node alone: they tell of others' receipts.
	Erasures []event.Erasure
	Kept     []privacy.Kept
}

// Erasable returns by what a report or an object goes, as far as r answers for it:
// of an object, the receipts of others stay. What r neither answers for nor may
// read is NotFound, what others answer for Denied, and what is held a Conflict.
func (s *Store) Erasable(ctx context.Context, r Reader, id string) (Going, error) {
	e := s.erasable(ctx)
	var out Going
	var err error
	if strings.HasPrefix(strings.ToUpper(id), "RPT-") || !strings.Contains(id, "--") {
		err = e.reportNamed(r, id)
	} else {
		out.Kept, err = e.object(r, id)
	}
	if err != nil {
		return Going{}, err
	}
	out.Erasures, err = e.parts()
	return out, err
}

func (s *Store) erasable(ctx context.Context) *erasable {
	return &erasable{s: s, ctx: ctx, blk: newBlocks(s.kv), nos: map[uint32]bool{}, last: map[event.Seq]int{}, payloads: map[event.Seq]event.Seq{}}
}

// erasable collects what goes.
type erasable struct {
	s   *Store
	ctx context.Context
	blk *blocks
	nos map[uint32]bool
	// payloads is the entries whose bytes go, each with the entry that needs them
	// and goes last.
	payloads map[event.Seq]event.Seq
	entries  []event.Seq // that leave traces in the view
	last     map[event.Seq]int
}

// goes notes that the bytes of entry seq go no sooner than entry with.
func (e *erasable) goes(seq, with event.Seq) {
	if old, ok := e.payloads[seq]; !ok || with < old {
		e.payloads[seq] = with // later entries go first
	}
}

// object collects the receipts of an object that r answers for; a hold on one, or
// on what came in with it, keeps all. It returns what stays.
func (e *erasable) object(r Reader, id string) ([]privacy.Kept, error) {
	own, others, err := e.s.receiptsOf(r, id)
	switch {
	case err != nil:
		return nil, err
	case len(own) == 0 && others > 0:
		return nil, otherOwner(id)
	case len(own) == 0:
		return nil, e.s.noObject(r, id)
	}
	h, err := e.s.holding()
	if err != nil {
		return nil, err
	}
	for _, rc := range own {
		rec, err := e.s.record(e.s.kv, rc.report)
		if err != nil {
			return nil, err
		}
		if one := h.of(rec); one != nil {
			return nil, one.refuses(id)
		}
	}
	if err := e.take(own); err != nil || others == 0 {
		return nil, err
	}
	return []privacy.Kept{{Place: privacy.PlaceObject, ID: id, Count: others, Why: foreign}}, nil
}

// take collects receipts. The bytes as handed in hold the object too; what else
// came in with them stays as it was read.
func (e *erasable) take(rcs []receipt) error {
	in := map[uint32]event.Seq{} // by report, its first receipt
	for _, rc := range rcs {
		e.nos[rc.no] = true
		if seq, ok := in[rc.report]; !ok || rc.seq < seq {
			in[rc.report] = rc.seq
		}
	}
	for report, seq := range in {
		if err := e.original(report, seq); err != nil {
			return err
		}
	}
	return nil
}

// original collects the bytes of a report as handed in, which go with entry
// with.
func (e *erasable) original(report uint32, with event.Seq) error {
	for p, err := range e.s.kv.Scan(num('B', report), kv.PrefixEnd(num('B', report))) {
		if err != nil {
			return err
		}
		e.goes(event.Seq(binary.BigEndian.Uint64(p.Key[5:])), with)
	}
	return nil
}

// reportNamed collects a report that r answers for.
func (e *erasable) reportNamed(r Reader, id string) error {
	rec, err := e.s.charged(r, id)
	if err != nil {
		return err
	}
	if !e.s.answers(r, rec.Owner) {
		return otherOwner(id)
	}
	h, err := e.s.holding()
	if err != nil {
		return err
	}
	if one := h.of(rec); one != nil {
		return one.refuses(id)
	}
	return e.report(rec)
}

// report collects a report: its receipts, opening, closing, original bytes and
// quarantined pieces.
func (e *erasable) report(rec *record) error {
	s := e.s
	for no, err := range postings(s.kv, 'P', num(0, rec.No)[1:]) {
		if err != nil {
			return err
		}
		e.nos[no] = true
	}
	if err := e.original(rec.No, rec.Opening); err != nil {
		return err
	}
	var parts []event.Seq
	for p, err := range s.kv.Scan(num('p', rec.No), kv.PrefixEnd(num('p', rec.No))) {
		if err != nil {
			return err
		}
		parts = append(parts, event.Seq(binary.BigEndian.Uint64(p.Key[5:])))
	}
	// The others go with the entry that names them, if that goes.
	parts, err := eventlog.Orphans(e.ctx, s.log, parts...)
	if err != nil {
		return err
	}
	for _, seq := range parts {
		e.goes(seq, rec.Opening)
	}
	for no, err := range postings(s.kv, 'Q', num(0, rec.No)[1:]) {
		if err != nil {
			return err
		}
		raw, ok, err := s.kv.Get(num('q', no))
		if err != nil {
			return err
		}
		var it item
		if ok && json.Unmarshal(raw, &it) == nil {
			e.entries = append(e.entries, it.Seq)
			e.goes(it.Seq, it.Seq)
		}
	}
	e.entries = append(e.entries, rec.Opening)
	e.goes(rec.Opening, rec.Opening)
	if rec.Closing != 0 {
		e.goes(rec.Closing, rec.Opening)
	}
	return nil
}

// receipts finds which bytes go with the receipts.
func (e *erasable) receipts() error {
	done := map[uint32]bool{}
	for no := range e.nos {
		rc, err := e.blk.get(no)
		if err != nil {
			return err
		}
		if done[rc.first] {
			continue
		}
		done[rc.first] = true
		if err := e.group(rc.first); err != nil {
			return err
		}
	}
	return e.ctx.Err()
}

// group looks at all receipts of equal content.
func (e *erasable) group(first uint32) error {
	members := []uint32{first}
	for no, err := range postings(e.s.kv, 'O', num(0, first)[1:]) {
		if err != nil {
			return err
		}
		members = append(members, no)
	}
	needed := map[event.Seq]bool{}
	var going []receipt
	for _, no := range members {
		rc, err := e.blk.get(no)
		if err != nil {
			return err
		}
		if rc.flags&flagGone != 0 {
			continue
		}
		if rc.bytes, err = e.s.named(e.ctx, rc.seq); err != nil {
			return err
		}
		if e.nos[no] {
			going = append(going, rc)
		} else {
			needed[rc.bytes] = true
		}
	}
	for _, rc := range going {
		e.entries = append(e.entries, rc.seq)
		for _, seq := range [...]event.Seq{rc.seq, rc.bytes} {
			if !needed[seq] {
				e.goes(seq, rc.seq)
			}
		}
	}
	return nil
}

// named returns the entry that holds the bytes of the receipt made by entry seq.
func (s *Store) named(ctx context.Context, seq event.Seq) (event.Seq, error) {
	st, err := s.log.Get(ctx, seq)
	if err != nil || st.Header.Kind != event.ObjectKnown || st.Erased {
		return seq, err
	}
	return event.ReadKnown(st.Payload)
}

// parts cuts what goes into erasures, later entries first.
func (e *erasable) parts() ([]event.Erasure, error) {
	if err := e.receipts(); err != nil {
		return nil, err
	}
	slices.Sort(e.entries)
	e.entries = slices.Compact(e.entries)
	slices.Reverse(e.entries)
	var out []event.Erasure
	for part := range slices.Chunk(e.entries, maxErased) {
		for _, seq := range part {
			e.last[seq] = len(out)
		}
		out = append(out, event.Erasure{Receipts: part})
	}
	for seq, with := range e.payloads {
		part := &out[e.last[with]]
		part.Payloads = append(part.Payloads, seq)
	}
	for i := range out {
		slices.Sort(out[i].Payloads)
	}
	return out, nil
}
