package view

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json/v2"
	"maps"
	"slices"
	"strings"

	"casus/internal/core/marking"
	"casus/internal/core/observable"
	"casus/internal/event"
	"casus/internal/eventlog"
	"casus/internal/fault"
	"casus/internal/kv"
)

// commit writes the step as one batch and takes it over in memory.
func (f *folding) commit() error {
	if err := f.writeReceipts(); err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(f.objects)) {
		var val []byte
		for _, n := range f.objects[key] {
			val = binary.BigEndian.AppendUint32(val, n)
		}
		if val == nil {
			if err := f.kv.Delete([]byte(key)); err != nil {
				return err
			}
			continue
		}
		if err := f.kv.Set([]byte(key), val); err != nil {
			return err
		}
		f.s.seen.add(hashKey([]byte(key)))
	}
	all := make([]*posting, 0, len(f.posts))
	for _, p := range f.posts {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b *posting) int { return strings.Compare(a.key, b.key) })
	var key, val []byte
	for _, p := range all {
		key = append(key[:0], p.key...)
		val = kv.Postings(slices.Compact(p.list)).Append(val[:0])
		if err := f.kv.Merge(key, val); err != nil {
			return err
		}
		if key[0] == 'v' {
			f.s.seen.add(hashKey(key[:len(key)-3]))
		}
	}
	for _, no := range slices.Sorted(maps.Keys(f.records)) {
		b, err := json.Marshal(f.records[no])
		if err != nil {
			return fault.Errorf(fault.Internal, "view: report: %w", err)
		}
		if err := f.kv.Set(num('R', no), b); err != nil {
			return err
		}
	}
	for _, seq := range f.lists {
		l, err := f.s.readList(f.ctx, seq)
		if err != nil {
			return err
		}
		if l == nil {
			continue
		}
		if err := f.kv.Set([]byte("n"+l.Name), seqKey(0, seq)[1:]); err != nil {
			return err
		}
	}
	if err := f.writeRules(); err != nil {
		return err
	}
	if err := f.writeCounts(); err != nil {
		return err
	}
	f.mark.Types = f.types
	b, err := json.Marshal(f.mark)
	if err != nil {
		return fault.Errorf(fault.Internal, "view: mark: %w", err)
	}
	if err := f.kv.Set([]byte("m"), b); err != nil {
		return err
	}
	return f.takeOver()
}

func (f *folding) takeOver() error {
	s := f.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := f.kv.Commit(); err != nil {
		return err
	}
	for _, text := range f.sets {
		set, err := marking.Parse(text)
		if err != nil {
			return err
		}
		s.sets, s.setText = append(s.sets, set), append(s.setText, text)
	}
	s.setNo, s.types, s.open, s.mark = f.setNo, f.types, f.open, f.mark
	if f.quiet != 0 {
		s.told = f.mark.Seq
	}
	for _, rec := range f.records {
		s.addPairs(rec)
	}
	for _, src := range f.sources {
		s.sources[src.Name] = src
	}
	s.takeRules(f.rules)
	if f.ceiling != nil {
		s.ceiling = *f.ceiling
	}
	s.takeCollections(f)
	close(s.moved)
	s.moved = make(chan struct{})
	for _, seq := range f.lists {
		if err := s.loadList(f.ctx, seq); err != nil {
			return err
		}
	}
	return nil
}

// writeReceipts writes the blocks that the step's receipts fall into.
func (f *folding) writeReceipts() error {
	if len(f.receipts) == 0 {
		return nil
	}
	first := f.receipts[0].no
	var blk []byte
	if first%blockReceipts != 0 {
		raw, ok, err := f.s.kv.Get(num('r', first/blockReceipts))
		if err != nil {
			return err
		}
		if !ok || len(raw) != int(first%blockReceipts)*receiptBytes {
			return fault.Errorf(fault.Internal, "view: block of receipt %d has %d bytes; rebuild the views", first, len(raw))
		}
		blk = raw
	}
	for i, rc := range f.receipts {
		blk = rc.append(blk)
		if (rc.no+1)%blockReceipts == 0 || i == len(f.receipts)-1 {
			if err := f.kv.Set(num('r', rc.no/blockReceipts), blk); err != nil {
				return err
			}
			blk = blk[:0]
		}
	}
	return nil
}

// maxListBytes bounds one warninglist.
const maxListBytes = 64 << 20

func (s *Store) readList(ctx context.Context, seq event.Seq) (*observable.List, error) {
	st, err := s.log.Get(ctx, seq)
	if err != nil || st.Erased {
		return nil, err
	}
	raw, err := eventlog.Payload(ctx, s.log, st)
	if err != nil {
		return nil, err
	}
	return observable.ReadList(bytes.NewReader(raw), maxListBytes)
}

// loadList puts a stored warninglist to use, in place of an older one of its
// name. The caller holds mu, or is the only one who has s.
func (s *Store) loadList(ctx context.Context, seq event.Seq) error {
	l, err := s.readList(ctx, seq)
	if err != nil || l == nil {
		return err
	}
	s.lists[l.Name] = l
	noise := observable.BuiltIn(s.opt.Exercise)
	for _, name := range slices.Sorted(maps.Keys(s.lists)) {
		noise.Add(s.lists[name])
	}
	s.noise = noise
	return nil
}

// noiseLists returns the lists of values that say little.
func (s *Store) noiseLists() *observable.Lists {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.noise
}
