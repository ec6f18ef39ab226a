package view

import (
	"encoding/binary"
	"encoding/json/v2"
	"slices"

	"casus/internal/event"
	"casus/internal/eventlog"
	"casus/internal/fault"
	"casus/internal/kv"
)

// erased takes away everything that came from the payloads an erasure names.
// It runs while the log still holds them; read again later, from a log that
// holds them no more, the receipts are simply not made, and the state is the
// same.
func (f *folding) erased(e *eventlog.Stored) error {
	if e.Erased {
		return nil
	}
	var p event.Erasure
	if err := event.Read(e.Payload, &p); err != nil {
		return err
	}
	for _, seq := range p.Receipts {
		st, err := f.s.log.Get(f.ctx, seq)
		if err != nil {
			return err
		}
		switch st.Header.Kind { //nolint:exhaustive // only these leave traces in the view
		case event.ObjectReceived, event.ObjectKnown:
			err = f.dropReceipt(st)
		case event.Quarantined:
			err = f.dropItem(seq)
		case event.ReportOpened:
			err = f.dropReport(seq)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (f *folding) dropReceipt(st eventlog.Stored) error {
	rc, ok, err := f.s.receiptOf(f.s.kv, st.Seq, f.s.mark.Receipts)
	if err != nil || !ok || rc.flags&flagGone != 0 {
		return err
	}
	t, err := f.s.termsOfEntry(f.ctx, &st)
	if err != nil {
		return err
	}
	if t != nil {
		for k := range t.each {
			if err := f.unpost(k[0], k[1:], rc.no); err != nil {
				return err
			}
		}
		if err := f.dropVersion(rc, t); err != nil {
			return err
		}
	}
	if err := f.unpost('P', num(0, rc.report)[1:], rc.no); err != nil {
		return err
	}
	rec, err := f.record(rc.report)
	if err == nil {
		rec.Objects--
		if t != nil {
			rec.Values -= t.values
		}
		switch {
		case rc.flags&flagKnown != 0:
			rec.Known--
		case rc.flags&flagConflict != 0:
			rec.Conflicting--
		default:
			rec.New--
		}
	}
	rc.flags |= flagGone
	return f.rewrite(rc)
}

// dropVersion takes rc off its object's list of variants; another receipt of
// the same bytes takes its place.
func (f *folding) dropVersion(rc receipt, t *terms) error {
	if rc.first != rc.no {
		return f.unpost('O', num(0, rc.first)[1:], rc.no)
	}
	key := objectKey(t.id, t.version)
	raw, _, err := f.s.kv.Get([]byte(key))
	if err != nil {
		return err
	}
	variants := parseNumbers(raw)
	var heirs []uint32
	for no, err := range postings(f.s.kv, 'O', num(0, rc.no)[1:]) {
		if err != nil {
			return err
		}
		heirs = append(heirs, no)
	}
	slices.Sort(heirs)
	variants = slices.DeleteFunc(variants, func(v uint32) bool { return v == rc.no })
	if len(heirs) > 0 {
		heir := heirs[0]
		variants = append(variants, heir)
		for _, h := range heirs {
			next, err := f.blk.get(h)
			if err != nil {
				return err
			}
			next.first = heir
			if h == heir {
				next.flags &^= flagKnown
			} else {
				f.post('O', num(0, heir)[1:], h)
			}
			if err := f.rewrite(next); err != nil {
				return err
			}
		}
		from := append(num('O', rc.no), 0)
		if err := f.kv.DeleteRange(from, kv.PrefixEnd(from)); err != nil {
			return err
		}
	}
	if len(variants) == 0 {
		return f.kv.Delete([]byte(key))
	}
	slices.Sort(variants)
	var val []byte
	for _, v := range variants {
		val = binary.BigEndian.AppendUint32(val, v)
	}
	return f.kv.Set([]byte(key), val)
}

// rewrite writes a receipt over its old self, at once: an erasure is a step of
// its own.
func (f *folding) rewrite(rc receipt) error {
	blk, err := f.block(rc.no / blockReceipts)
	if err != nil {
		return err
	}
	copy(blk[int(rc.no%blockReceipts)*receiptBytes:], rc.append(nil))
	return f.kv.Set(num('r', rc.no/blockReceipts), blk)
}

func (f *folding) block(no uint32) ([]byte, error) {
	if _, err := f.blk.get(no * blockReceipts); err != nil {
		return nil, err
	}
	return f.blk.held[no], nil
}

// unpost removes n from a term's postings.
func (f *folding) unpost(prefix byte, term []byte, n uint32) error {
	key := postingKey(nil, prefix, term, n)
	raw, ok, err := f.s.kv.Get(key)
	if err != nil || !ok {
		return err
	}
	if v, dirty := f.unposted[string(key)]; dirty {
		raw = v
	}
	p, err := kv.ParsePostings(raw)
	if err != nil {
		return err
	}
	p = slices.DeleteFunc(p, func(v uint16) bool { return v == uint16(n) }) //nolint:gosec // the lower half
	if f.unposted == nil {
		f.unposted = map[string][]byte{}
	}
	if len(p) == 0 {
		f.unposted[string(key)] = nil
		return f.kv.Delete(key)
	}
	val := p.Append(nil)
	f.unposted[string(key)] = val
	return f.kv.Set(key, val)
}

func (f *folding) dropItem(seq event.Seq) error {
	for pr, err := range f.s.prefix("q") {
		if err != nil {
			return err
		}
		var it item
		if err := json.Unmarshal(pr.Value, &it); err != nil {
			return fault.Errorf(fault.Internal, "view: item: %w", err)
		}
		if it.Seq != seq || it.Gone {
			continue
		}
		rec, err := f.record(it.Report)
		if err == nil {
			rec.Quarantined--
		}
		return f.kv.Set(append([]byte(nil), pr.Key...), []byte(`{"gone":true}`))
	}
	return nil
}

// dropReport forgets a report whose receipts have all gone.
func (f *folding) dropReport(opening event.Seq) error {
	rec, err := f.reportOf(opening)
	if err != nil || rec == nil {
		return err
	}
	for _, key := range [][]byte{num('R', rec.No), seqKey('S', opening)} {
		if err := f.kv.Delete(key); err != nil {
			return err
		}
	}
	delete(f.open, opening)
	delete(f.records, rec.No)
	id, err := identityKey(rec.Identity)
	if err != nil {
		return err
	}
	return f.kv.Delete(id)
}

// receiptOf finds the receipt that entry seq made, by binary search: receipts
// are numbered in the order of the log.
func (s *Store) receiptOf(r kv.Reader, seq event.Seq, n uint32) (receipt, bool, error) {
	blk := newBlocks(r)
	lo, hi := uint32(0), n
	for lo < hi {
		mid := lo + (hi-lo)/2
		rc, err := blk.get(mid)
		if err != nil {
			return receipt{}, false, err
		}
		if rc.seq < seq {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo >= n {
		return receipt{}, false, nil
	}
	rc, err := blk.get(lo)
	return rc, err == nil && rc.seq == seq, err
}
