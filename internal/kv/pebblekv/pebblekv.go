// Package pebblekv is a [kv.Store] on one Pebble without a write-ahead log: a
// commit costs no disk write, and a crash loses what was not flushed, which the
// views read again from the log.
//
// A failed write of Pebble's own bookkeeping ends a store, not the process: from
// then on commits and flushes are Unavailable, and [Store.Failure] says why.
//
// Files: those of Pebble in the given directory. The merge rule is stored by the
// name "casus.postings.1".
package pebblekv

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"slices"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"

	"casus/internal/fault"
	"casus/internal/fence"
	"casus/internal/kv"
)

// Sizes of the parts held in memory.
const (
	DefaultCacheBytes    = 64 << 20
	DefaultMemTableBytes = 48 << 20
	// maxBuffers is how many write buffers may wait to be written out.
	maxBuffers = 2
	// bloomBitsPerKey gives about one false positive in a hundred.
	bloomBitsPerKey = 10
)

// Options of a store. Zero fields mean the defaults.
type Options struct {
	FS            vfs.FS // nil means the machine's
	CacheBytes    int64
	MemTableBytes uint64
}

// Store is one Pebble.
type Store struct {
	db    *pebble.DB
	fence *fence.FS // what it writes through
	// failing holds the last failure of a flush or compaction, which Pebble tries
	// again for ever.
	failing chan error
	flushed chan struct{} // holds a token after a flush ended
	// most is how many bytes of write buffers may wait to be written out. It is
	// counted in bytes, since Pebble begins with small buffers and writes none out
	// before they add up to half of one of full size.
	most uint64
}

// Open opens the store in dir, making it when it is not there: views are
// derived, so an empty store is only one that has everything still to read.
func Open(dir string, o Options) (*Store, error) {
	if o.CacheBytes == 0 {
		o.CacheBytes = DefaultCacheBytes
	}
	if o.MemTableBytes == 0 {
		o.MemTableBytes = DefaultMemTableBytes
	}
	cache := pebble.NewCache(o.CacheBytes)
	defer cache.Unref()
	if o.FS == nil {
		o.FS = vfs.Default
	}
	f := fence.New(o.FS)
	failing, flushed := make(chan error, 1), make(chan struct{}, 1)
	var opened atomic.Bool
	po := &pebble.Options{
		FS:                          f,
		Cache:                       cache,
		DisableWAL:                  true,
		MemTableSize:                o.MemTableBytes,
		MemTableStopWritesThreshold: 16 * maxBuffers, // never reached: see batch.Commit
		L0CompactionThreshold:       6,
		L0StopWritesThreshold:       24,
		LBaseMaxBytes:               128 << 20,
		FormatMajorVersion:          pebble.FormatNewest,
		Merger:                      &pebble.Merger{Name: "casus.postings.1", Merge: newUnion},
		Logger:                      quiet{},
		// Open waits for compactions, so none begins before it returns; what is
		// left to do begins after the next flush.
		CompactionConcurrencyRange: func() (lower, upper int) {
			if !opened.Load() {
				return 0, 1
			}
			return 1, 1
		},
		EventListener: &pebble.EventListener{
			// Damage comes back as an error of who reads; by default Pebble ends the
			// process.
			DataCorruption: func(pebble.DataCorruptionInfo) {},
			BackgroundError: func(err error) {
				select {
				case failing <- err:
				default:
				}
			},
			FlushEnd: func(pebble.FlushInfo) {
				select {
				case flushed <- struct{}{}:
				default:
				}
			},
		},
	}
	for i := range po.Levels {
		po.Levels[i].FilterPolicy = bloom.FilterPolicy(bloomBitsPerKey)
	}
	db, err := pebble.Open(dir, po)
	if f.Dead() {
		f.Release()
		if db != nil {
			_ = db.Close() // what it could not write is told below
		}
		err = f.Failure()
	}
	if err != nil {
		return nil, failed("open", err)
	}
	f.Opened()
	opened.Store(true)
	return &Store{db: db, fence: f, failing: failing, flushed: flushed, most: maxBuffers * o.MemTableBytes}, nil
}

// failed returns err with its kind: damage, or what may work later.
func failed(what string, err error) error {
	own, ours := errors.AsType[*fault.Error](err)
	switch {
	case ours:
		return fault.Errorf(own.Kind, "pebblekv: %s: %w", what, err)
	case pebble.IsCorruptionError(err):
		return fault.WithHint(fault.Errorf(fault.Internal, "pebblekv: %s: %w", what, err), "the views are damaged; make them again with: casus node rebuild")
	}
	return fault.WithHint(fault.Errorf(fault.Unavailable, "pebblekv: %s: %w", what, err), "look whether the disk is full or failing, then try again")
}

// misused returns err, which says that the caller did what the contract forbids.
func misused(what string, err error) error {
	if err == nil {
		return nil
	}
	return fault.Errorf(fault.Internal, "pebblekv: %s: %w", what, err)
}

// quiet drops Pebble's own talk: it names files, and errors come back anyway.
type quiet struct{}

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}
func (quiet) Fatalf(f string, a ...any) {
	panic(fault.Errorf(fault.Internal, "pebblekv: "+f, a...))
}

type union struct {
	sets [][]byte
}

func newUnion(_, value []byte) (pebble.ValueMerger, error) {
	return &union{sets: [][]byte{bytes.Clone(value)}}, nil
}

// MergeNewer implements pebble.ValueMerger.
func (u *union) MergeNewer(value []byte) error {
	u.sets = append(u.sets, bytes.Clone(value))
	return nil
}

// MergeOlder implements pebble.ValueMerger.
func (u *union) MergeOlder(value []byte) error { return u.MergeNewer(value) }

type nopCloser struct{}

func (nopCloser) Close() error { return nil }

// Finish implements pebble.ValueMerger.
func (u *union) Finish(bool) ([]byte, io.Closer, error) {
	if len(u.sets) == 1 {
		return u.sets[0], nopCloser{}, nil
	}
	b, err := kv.Union(u.sets...)
	return b, nopCloser{}, err
}

func get(r pebble.Reader, key []byte) ([]byte, bool, error) {
	v, c, err := r.Get(key)
	if err == pebble.ErrNotFound { //nolint:errorlint // the hot path; Pebble returns it bare
		return nil, false, nil
	}
	if err != nil {
		return nil, false, failed("get", err)
	}
	out := bytes.Clone(v)
	if err := c.Close(); err != nil {
		return nil, false, failed("get", err)
	}
	return out, true, nil
}

func scan(r pebble.Reader, from, to []byte) iter.Seq2[kv.Pair, error] {
	return func(yield func(kv.Pair, error) bool) {
		it, err := r.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: to})
		if err != nil {
			yield(kv.Pair{}, failed("scan", err))
			return
		}
		defer func() { _ = it.Close() }()
		for ok := it.First(); ok; ok = it.Next() {
			v, err := it.ValueAndErr()
			if err != nil {
				yield(kv.Pair{}, failed("scan", err))
				return
			}
			if !yield(kv.Pair{Key: it.Key(), Value: v}, nil) {
				return
			}
		}
		if err := it.Error(); err != nil {
			yield(kv.Pair{}, failed("scan", err))
		}
	}
}

func each(r pebble.Reader, keys [][]byte) iter.Seq2[kv.Pair, error] {
	return func(yield func(kv.Pair, error) bool) {
		it, err := r.NewIter(nil)
		if err != nil {
			yield(kv.Pair{}, failed("each", err))
			return
		}
		defer func() { _ = it.Close() }()
		for _, key := range keys {
			if !it.SeekGE(key) {
				break
			}
			if !bytes.Equal(it.Key(), key) {
				continue
			}
			v, err := it.ValueAndErr()
			if err != nil {
				yield(kv.Pair{}, failed("each", err))
				return
			}
			if !yield(kv.Pair{Key: it.Key(), Value: v}, nil) {
				return
			}
		}
		if err := it.Error(); err != nil {
			yield(kv.Pair{}, failed("each", err))
		}
	}
}

// Get implements kv.Reader.
func (s *Store) Get(key []byte) ([]byte, bool, error) { return get(s.db, key) }

// Scan implements kv.Reader.
func (s *Store) Scan(from, to []byte) iter.Seq2[kv.Pair, error] { return scan(s.db, from, to) }

// Each implements kv.Reader.
func (s *Store) Each(keys [][]byte) iter.Seq2[kv.Pair, error] { return each(s.db, keys) }

type snapshot struct{ s *pebble.Snapshot }

func (s snapshot) Get(key []byte) ([]byte, bool, error)           { return get(s.s, key) }
func (s snapshot) Scan(from, to []byte) iter.Seq2[kv.Pair, error] { return scan(s.s, from, to) }
func (s snapshot) Each(keys [][]byte) iter.Seq2[kv.Pair, error]   { return each(s.s, keys) }
func (s snapshot) Close() error                                   { return misused("snapshot", s.s.Close()) }

// Snapshot implements kv.Store.
func (s *Store) Snapshot() kv.Snapshot { return snapshot{s.db.NewSnapshot()} }

type batch struct {
	s *Store
	b *pebble.Batch
}

// Batch implements kv.Store.
func (s *Store) Batch() kv.Batch { return &batch{s, s.db.NewBatch()} }

func (b *batch) Set(k, v []byte) error   { return misused("set", b.b.Set(k, v, nil)) }
func (b *batch) Merge(k, v []byte) error { return misused("merge", b.b.Merge(k, v, nil)) }
func (b *batch) Delete(k []byte) error   { return misused("delete", b.b.Delete(k, nil)) }
func (b *batch) DeleteRange(from, to []byte) error {
	return misused("delete range", b.b.DeleteRange(from, to, nil))
}
func (b *batch) Discard() { _ = b.b.Close() }

// Commit waits while too much is not written out yet. Pebble would too, but
// nothing ends its waiting when the disk is full.
func (b *batch) Commit() error {
	// Once nothing is written any more, a full write buffer is never emptied.
	if b.s.fence.Dead() {
		return failed("commit", b.s.fence.Failure())
	}
	b.s.forgive()
	for b.s.db.Metrics().MemTable.Size > b.s.most {
		select {
		case <-b.s.flushed:
		case err := <-b.s.failing:
			return failed("commit", err)
		}
	}
	return b.s.wrote("commit", b.b.Commit(pebble.NoSync))
}

// Failure returns why nothing is written any more, nil while all is well. The
// way on is to close the store and to open it again, on what the disk holds.
func (s *Store) Failure() error { return s.fence.Failure() }

// wrote returns err, or why what seemed to be written was not.
func (s *Store) wrote(what string, err error) error {
	if s.fence.Dead() {
		err = s.fence.Failure()
	}
	if err != nil {
		return failed(what, err)
	}
	return nil
}

// forgive drops an earlier failure: what failed before may do now.
func (s *Store) forgive() {
	select {
	case <-s.failing: //nolint:errcheck // what failed before may do now
	default:
	}
}

// Flush implements kv.Store.
func (s *Store) Flush() error {
	s.forgive()
	done, err := s.db.AsyncFlush()
	if err == nil {
		select {
		case <-done:
		case err = <-s.failing:
		}
	}
	return s.wrote("flush", err)
}

// Erase implements kv.Store.
func (s *Store) Erase(from, to []byte) error {
	if err := s.Flush(); err != nil {
		return err
	}
	if to == nil {
		to = bytes.Repeat([]byte{0xff}, 16)
	}
	if err := s.wrote("erase", s.db.Compact(context.Background(), from, to, false)); err != nil {
		return err
	}
	// A table that was written while there was a snapshot may hold what it showed
	// beside what came after, and is compacted no further where no other lies above
	// it. Its entries have sequence numbers still: those of one that was written
	// with no snapshot are all zero. One entry written anew lies above it.
	tables, err := s.db.SSTables()
	if err != nil {
		return failed("erase", err)
	}
	b, low := s.db.NewBatch(), from
	defer func() { _ = b.Close() }()
	for _, t := range slices.Concat(tables...) {
		key := t.Smallest.UserKey
		if t.LargestSeqNum == 0 || bytes.Compare(t.Largest.UserKey, from) < 0 || bytes.Compare(key, to) >= 0 {
			continue
		}
		value, ok, err := s.Get(key)
		if err != nil {
			return err
		}
		if ok {
			err = b.Set(key, value, nil)
		} else {
			err = b.Delete(key, nil)
		}
		if err != nil {
			return failed("erase", err)
		}
		if bytes.Compare(key, low) < 0 {
			low = key
		}
	}
	if b.Empty() {
		return nil
	}
	if err := s.wrote("erase", b.Commit(pebble.NoSync)); err != nil {
		return err
	}
	if err := s.Flush(); err != nil {
		return err
	}
	return s.wrote("erase", s.db.Compact(context.Background(), low, to, false))
}

// SizeBytes implements kv.Store.
func (s *Store) SizeBytes() int64 { return int64(s.db.Metrics().DiskSpaceUsage()) } //nolint:gosec // a disk is smaller than 2^63

// Close implements kv.Store.
func (s *Store) Close() error {
	ferr := s.Flush()
	s.fence.Release()
	if err := s.wrote("close", s.db.Close()); err != nil {
		return err
	}
	return ferr
}
