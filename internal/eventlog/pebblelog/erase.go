package pebblelog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"casus/internal/event"
	"casus/internal/eventlog"
	"casus/internal/fault"

	"github.com/cockroachdb/pebble/v2"
)

// eraseBatchBytes is how much is rewritten in one batch.
const eraseBatchBytes = 4 << 20

// maxRanges is up to how many pages are compacted one by one; of more, the
// whole span is.
const maxRanges = 64

// Erase implements [eventlog.Log].
//
// Pages are rewritten without the payloads and marked in the same synced
// batches. Then the write buffer is written out, which rotates the write-ahead
// log, the pages' range is compacted, and the store is closed and opened
// again, which waits for every old file to be deleted. That none is left is
// looked up before the marks are removed; [Open] takes up marks it finds.
// Readers go on but for the reopening; Appends wait.
func (l *Log) Erase(ctx context.Context, seqs ...eventlog.Seq) error {
	if len(seqs) == 0 {
		return nil
	}
	for _, seq := range seqs {
		if err := l.has(ctx, seq); err != nil {
			return err
		}
	}
	select {
	case l.appending <- struct{}{}:
		defer func() { <-l.appending }()
	case <-ctx.Done():
		return ctx.Err()
	}
	l.tail.empty()
	sorted := slices.Clone(seqs)
	slices.Sort(sorted)
	if err := l.rewrite(slices.Compact(sorted)); err != nil {
		return err
	}
	l.opts.Hook("erase-rewritten")
	return l.finishErase(ctx)
}

// rewrite takes the payloads of seqs, sorted, out of their pages.
func (l *Log) rewrite(seqs []event.Seq) error {
	s, err := l.enter()
	if err != nil {
		return err
	}
	defer l.leave()
	batch := s.db.NewBatch()
	defer func() { _ = batch.Close() }()
	commit := func() error {
		err := batch.Commit(pebble.Sync)
		if failed := s.fence.Failure(); failed != nil {
			err = failed
		}
		if err != nil {
			return unavailable("erase", err)
		}
		return nil
	}
	for len(seqs) > 0 {
		p, err := l.pageOf(s, seqs[0])
		if err != nil {
			return err
		}
		changed := false
		for ; len(seqs) > 0 && seqs[0] <= p.last(); seqs = seqs[1:] {
			pay := &p.payloads[seqs[0]-p.first]
			changed = changed || !pay.erased
			*pay = payload{erased: true}
		}
		if !changed {
			continue
		}
		err = batch.Set(pageKey(p.first, suffixPayloads), new(packer).payloads(p.payloads), nil)
		err = firstError(err, batch.Set(erasingKey(p.first), nil, nil))
		if err != nil {
			return fault.Errorf(fault.Internal, "pebblelog: erase: %w", err)
		}
		if batch.Len() >= eraseBatchBytes {
			if err := commit(); err != nil {
				return err
			}
			_ = batch.Close()
			batch = s.db.NewBatch()
		}
	}
	if batch.Empty() {
		return nil
	}
	return commit()
}

func erasingKey(first event.Seq) []byte {
	return append(slices.Clone(metaErasing), appendSeqKey(nil, '/', first)...)
}

// erasing returns the first sequence numbers of the pages marked as rewritten.
func (s *store) erasing() ([]event.Seq, error) {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: metaErasing, UpperBound: append(slices.Clone(metaErasing), 0xff)})
	if err != nil {
		return nil, fault.Errorf(fault.Internal, "pebblelog: erase: %w", err)
	}
	defer it.Close()
	var pages []event.Seq
	for ok := it.First(); ok; ok = it.Next() {
		rest := bytes.TrimPrefix(it.Key(), metaErasing)
		first, _, ok := parsePageKey(append(append([]byte{prefixEntries}, rest[1:]...), 0))
		if !ok {
			return nil, fault.Errorf(fault.Internal, "pebblelog: erase: mark %x is damaged", it.Key())
		}
		pages = append(pages, first)
	}
	if err := it.Error(); err != nil {
		return nil, fault.Errorf(fault.Internal, "pebblelog: erase: %w", err)
	}
	return pages, nil
}

// finishErase makes the old forms of marked pages vanish from all files. It is
// called with appending held, or before the log is handed out.
func (l *Log) finishErase(ctx context.Context) error {
	s, err := l.enter()
	if err != nil {
		return err
	}
	pages, err := s.erasing()
	if err != nil || len(pages) == 0 {
		l.leave()
		return err
	}
	old, err := l.files(".log")
	if err == nil {
		// Something must stand in the write buffer, else the log is not rotated.
		err = s.db.Set(erasingKey(pages[0]), nil, pebble.Sync)
	}
	if err == nil {
		err = s.compactPages(ctx, pages)
	}
	if failed := s.fence.Failure(); failed != nil {
		err = failed
	}
	l.leave()
	if err != nil {
		return unavailable("erase", err)
	}
	l.opts.Hook("erase-compacted")
	if err := l.cycle(old); err != nil {
		return err
	}
	s, err = l.enter()
	if err != nil {
		return err
	}
	defer l.leave()
	batch := s.db.NewBatch()
	defer func() { _ = batch.Close() }()
	for _, first := range pages {
		err = firstError(err, batch.Delete(erasingKey(first), nil))
	}
	err = firstError(err, batch.Commit(pebble.Sync))
	if failed := s.fence.Failure(); failed != nil {
		err = failed
	}
	if err != nil {
		return unavailable("erase", err)
	}
	l.opts.Hook("erase-done")
	return nil
}

// compactPages writes everything out and rewrites the tables that hold pages.
func (s *store) compactPages(ctx context.Context, pages []event.Seq) error {
	if err := s.flush(ctx); err != nil {
		return err
	}
	ranges := pages
	if len(pages) > maxRanges {
		ranges = pages[:1]
	}
	for i, first := range ranges {
		last := first
		if len(ranges) < len(pages) {
			last = pages[len(pages)-1]
		}
		if err := s.db.Compact(ctx, pageKey(first, suffixPayloads), append(pageKey(last, suffixPayloads), 0), false); err != nil {
			return fmt.Errorf("compact %d of %d: %w", i+1, len(ranges), err)
		}
	}
	return nil
}

// cycle closes the store, which waits for what it deletes, opens it again, and
// sees to it that no table that is not live and none of the old write-ahead
// logs is left.
func (l *Log) cycle(old []string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || l.store == nil {
		return fault.Errorf(fault.Unavailable, "pebblelog: erase: log was closed meanwhile")
	}
	err := l.store.close()
	l.store = nil
	if err != nil {
		return unavailable("erase", err)
	}
	l.opts.Hook("erase-closed")
	left, err := l.files(".sst", ".log")
	if err != nil {
		return unavailable("erase", err)
	}
	if l.store, err = l.openStore(false); err != nil {
		return err
	}
	live := make(map[string]bool)
	levels, err := l.store.db.SSTables()
	if err != nil {
		return unavailable("erase", err)
	}
	for _, level := range levels {
		for _, t := range level {
			live[t.BackingSSTNum.String()+".sst"] = true
		}
	}
	for _, name := range left {
		if live[name] || filepath.Ext(name) == ".log" && !slices.Contains(old, name) {
			continue
		}
		// A table that was not live at the opening never is again, and the old
		// write-ahead logs were written out before.
		if err := l.opts.FS.Remove(l.opts.FS.PathJoin(l.dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return unavailable("erase: "+name+" is still there", err)
		}
	}
	return nil
}

// files returns the names in the directory that have one of the suffixes.
func (l *Log) files(suffixes ...string) ([]string, error) {
	names, err := l.opts.FS.List(l.dir)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(names, func(name string) bool { return !slices.Contains(suffixes, filepath.Ext(name)) }), nil
}
