package view

import (
	"encoding/json/v2"
	"slices"
	"strings"

	"casus/internal/core/observable"
	"casus/internal/event"
	"casus/internal/eventlog"
	"casus/internal/fault"
	"casus/internal/kv"
)

// erasing is the state of one erasure, which is a step of its own.
type erasing struct {
	blocks   map[uint32][]byte  // blocks of receipts changed so far
	postings map[string][]byte  // postings cut so far; nil means deleted
	groups   map[string][]group // variants of the objects that lost receipts
	gone     map[uint32]bool    // receipts taken away
}

// erased takes away everything that came from the payloads an erasure names.
// It runs while the log still holds them; read again later, from a log that
// holds them no more, the receipts are simply not made, and the state is the
// same.
func (f *folding) erased(e *eventlog.Stored) error {
	if e.Erased {
		return nil
	}
	raw, err := eventlog.Payload(f.ctx, f.s.log, *e)
	if err != nil {
		return err
	}
	var p event.Erasure
	if err := event.Read(raw, &p); err != nil {
		return err
	}
	if p.Done {
		f.mark.Erasing = slices.DeleteFunc(slices.Clone(f.mark.Erasing), func(seq event.Seq) bool { return seq == e.Header.Cause })
		return nil
	}
	f.mark.Erasing = append(slices.Clone(f.mark.Erasing), e.Seq)
	if err := f.kv.Set(seqKey('E', e.Seq), nil); err != nil {
		return err
	}
	f.era = &erasing{blocks: map[uint32][]byte{}, postings: map[string][]byte{}, groups: map[string][]group{}, gone: map[uint32]bool{}}
	items := map[event.Seq][]event.Seq{} // by the report's opening
	var reports []event.Seq
	for _, seq := range p.Receipts {
		st, err := f.s.log.Get(f.ctx, seq)
		if err != nil {
			return err
		}
		switch st.Header.Kind { //nolint:exhaustive // only these leave traces in the view
		case event.ObjectReceived, event.ObjectKnown:
			if err := f.dropReceipt(st); err != nil {
				return err
			}
		case event.Quarantined:
			items[st.Header.Cause] = append(items[st.Header.Cause], seq)
		case event.ReportOpened:
			reports = append(reports, seq)
		}
	}
	if err := f.regroup(); err != nil {
		return err
	}
	for opening, seqs := range items {
		if err := f.dropItems(opening, seqs); err != nil {
			return err
		}
	}
	for _, opening := range reports {
		if err := f.dropReport(opening); err != nil {
			return err
		}
	}
	return f.writeErased()
}

// writeErased writes what the erasure changed in place.
func (f *folding) writeErased() error {
	for no, blk := range f.era.blocks {
		if err := f.kv.Set(num('r', no), blk); err != nil {
			return err
		}
	}
	for key, val := range f.era.postings {
		var err error
		if val == nil {
			err = f.kv.Delete([]byte(key))
		} else {
			err = f.kv.Set([]byte(key), val)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// count adds n to what a receipt with these flags is counted as.
func (r *record) count(flags uint8, n int) {
	switch {
	case flags&flagKnown != 0:
		r.Known += n
	case flags&flagConflict != 0:
		r.Conflicting += n
	default:
		r.New += n
	}
}

// held returns a receipt as changed so far.
func (f *folding) held(no uint32) (receipt, error) {
	blk, ok := f.era.blocks[no/blockReceipts]
	if !ok {
		return f.blk.get(no)
	}
	return parseReceipt(no, blk[int(no%blockReceipts)*receiptBytes:]), nil
}

func (f *folding) rewrite(rc receipt) error {
	no := rc.no / blockReceipts
	blk, ok := f.era.blocks[no]
	if !ok {
		raw, found, err := f.s.kv.Get(num('r', no))
		if err != nil {
			return err
		}
		if !found || len(raw) < (int(rc.no%blockReceipts)+1)*receiptBytes {
			return fault.Errorf(fault.Internal, "view: receipt %d is not there; rebuild the views", rc.no)
		}
		blk = raw
		f.era.blocks[no] = blk
	}
	copy(blk[int(rc.no%blockReceipts)*receiptBytes:], rc.append(nil))
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
		if err := f.loadGroup(objectKey(t.id, t.version)); err != nil {
			return err
		}
	}
	if err := f.unpost('P', num(0, rc.report)[1:], rc.no); err != nil {
		return err
	}
	rec, err := f.record(rc.report)
	if err == nil {
		rec.Objects--
		values := 0
		if t != nil {
			values = t.values
			if i := slices.Index(rec.Statements, t.id); i >= 0 && t.statement {
				rec.Statements = slices.Delete(rec.Statements, i, i+1)
			}
		}
		rec.Values -= values
		rec.tallyOf(rc.set, -1, -values)
		rec.count(rc.flags, -1)
	} else if fault.KindOf(err) != fault.NotFound {
		return err
	}
	rc, err = f.held(rc.no)
	if err != nil {
		return err
	}
	f.era.gone[rc.no] = true
	rc.flags |= flagGone
	return f.rewrite(rc)
}

// group is the receipts of equal content among those of one object version.
type group struct {
	first   uint32
	members []uint32 // rising
}

func (f *folding) loadGroup(key string) error {
	if _, ok := f.era.groups[key]; ok {
		return nil
	}
	raw, _, err := f.s.kv.Get([]byte(key))
	if err != nil {
		return err
	}
	all := []group{}
	for _, first := range parseNumbers(raw) {
		g := group{first: first, members: []uint32{first}}
		for no, err := range postings(f.s.kv, 'O', num(0, first)[1:]) {
			if err != nil {
				return err
			}
			g.members = append(g.members, no)
		}
		slices.Sort(g.members)
		all = append(all, g)
	}
	f.era.groups[key] = all
	return nil
}

// regroup files the receipts that stay as if those that went had never been.
func (f *folding) regroup() error {
	for key, groups := range f.era.groups {
		moved := false
		for i := range groups {
			g := &groups[i]
			if f.era.gone[g.first] {
				moved = true
				continue
			}
			for _, no := range g.members {
				if f.era.gone[no] {
					if err := f.unpost('O', num(0, g.first)[1:], no); err != nil {
						return err
					}
				}
			}
		}
		for i := range groups {
			groups[i].members = slices.DeleteFunc(groups[i].members, func(no uint32) bool { return f.era.gone[no] })
		}
		groups = slices.DeleteFunc(groups, func(g group) bool { return len(g.members) == 0 })
		if moved {
			if err := f.refile(key, groups); err != nil {
				return err
			}
		}
	}
	return nil
}

// refile gives the groups of one object version their heads again, and tells
// what is known and what conflicts.
func (f *folding) refile(key string, groups []group) error {
	slices.SortFunc(groups, func(a, b group) int { return int(a.members[0]) - int(b.members[0]) })
	f.objects[key] = nil
	var specs []string
	versioned := false
	for _, g := range groups {
		head, err := f.held(g.members[0])
		if err != nil {
			return err
		}
		if head.bytes, err = f.s.named(f.ctx, head.seq); err != nil {
			return err
		}
		o, err := f.s.object(f.ctx, head)
		if err != nil {
			return err
		}
		if o == nil {
			return fault.Errorf(fault.Internal, "view: entry %d is erased, but named by entry %d", head.bytes, head.seq)
		}
		versioned = o.Has("modified") || o.Has("created")
		conflict := versioned && slices.Contains(specs, o.SpecVersion())
		specs = append(specs, o.SpecVersion())
		from := append(num('O', g.first), 0)
		if err := f.kv.DeleteRange(from, kv.PrefixEnd(from)); err != nil {
			return err
		}
		for i, no := range g.members {
			if err := f.reflag(no, head, i > 0, conflict); err != nil {
				return err
			}
		}
		f.objects[key] = append(f.objects[key], head.no)
	}
	return nil
}

// reflag makes receipt no one of head's group.
func (f *folding) reflag(no uint32, head receipt, known, conflict bool) error {
	rc, err := f.held(no)
	if err != nil {
		return err
	}
	old := rc.flags
	rc.first, rc.bytes = head.no, head.bytes
	rc.flags &^= flagKnown | flagConflict
	if known {
		rc.flags |= flagKnown
		f.post('O', num(0, head.no)[1:], no)
	}
	if conflict {
		rc.flags |= flagConflict
	}
	if old != rc.flags {
		rec, err := f.record(rc.report)
		if err != nil {
			return err
		}
		rec.count(old, -1)
		rec.count(rc.flags, 1)
	}
	return f.rewrite(rc)
}

// unpost removes n from a term's postings.
func (f *folding) unpost(prefix byte, term []byte, n uint32) error {
	key := postingKey(nil, prefix, term, n)
	raw, dirty := f.era.postings[string(key)]
	if !dirty {
		var err error
		if raw, _, err = f.s.kv.Get(key); err != nil {
			return err
		}
	}
	if raw == nil {
		return nil
	}
	p, err := kv.ParsePostings(raw)
	if err != nil {
		return err
	}
	p = slices.DeleteFunc(p, func(v uint16) bool { return v == uint16(n) }) //nolint:gosec // the lower half
	if len(p) == 0 {
		f.era.postings[string(key)] = nil
		return nil
	}
	f.era.postings[string(key)] = p.Append(nil)
	return nil
}

// dropItems forgets quarantined pieces of one report.
func (f *folding) dropItems(opening event.Seq, seqs []event.Seq) error {
	rec, err := f.reportOf(opening)
	if err != nil || rec == nil {
		return err
	}
	for no, err := range postings(f.s.kv, 'Q', num(0, rec.No)[1:]) {
		if err != nil {
			return err
		}
		raw, ok, err := f.s.kv.Get(num('q', no))
		if err != nil {
			return err
		}
		var it item
		if !ok || json.Unmarshal(raw, &it) != nil || !slices.Contains(seqs, it.Seq) {
			continue
		}
		rec.Quarantined--
		if err := f.unshort("QRN", itemName(rec.Identity, &it)); err != nil {
			return err
		}
		if err := f.unpost('Q', num(0, rec.No)[1:], no); err != nil {
			return err
		}
		if err := f.kv.Delete(num('q', no)); err != nil {
			return err
		}
	}
	return nil
}

// dropReport forgets a report whose receipts have all gone.
func (f *folding) dropReport(opening event.Seq) error {
	rec, err := f.reportOf(opening)
	if err != nil || rec == nil {
		return err
	}
	id, err := identityKey(rec.Identity)
	if err != nil {
		return err
	}
	keys := [][]byte{num('R', rec.No), seqKey('S', opening), id}
	if len(rec.Ranked) > 0 {
		keys = append(keys, addedKey(rec.Added))
	}
	for _, key := range keys {
		if err := f.kv.Delete(key); err != nil {
			return err
		}
	}
	for _, prefix := range []byte("BPQp") {
		from := num(prefix, rec.No)
		if err := f.kv.DeleteRange(from, kv.PrefixEnd(from)); err != nil {
			return err
		}
	}
	delete(f.open, opening)
	delete(f.records, rec.No)
	var fail error
	observable.Words([]byte(rec.Title+" "+rec.Name), func(w []byte) {
		if err := f.unpost('W', w, rec.No); err != nil && fail == nil {
			fail = err
		}
	})
	if fail != nil {
		return fail
	}
	return f.unshort("RPT", rec.Identity)
}

// unshort forgets a full id behind its short one.
func (f *folding) unshort(kind, full string) error {
	key := append([]byte{'s'}, f.s.shortID(kind, full)...)
	raw, ok, err := f.s.kv.Get(key)
	if err != nil || !ok {
		return err
	}
	left := slices.DeleteFunc(strings.Split(string(raw), "\n"), func(name string) bool { return name == full })
	if len(left) == 0 {
		return f.kv.Delete(key)
	}
	return f.kv.Set(key, []byte(strings.Join(left, "\n")))
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
