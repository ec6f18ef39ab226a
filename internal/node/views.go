package node

import (
	"errors"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"casus/internal/fault"
	"casus/internal/kv"
	"casus/internal/kv/memkv"
	"casus/internal/kv/pebblekv"
)

// views is the store of the views, which can be taken away and put back while
// the node runs: to throw damaged files away, to go on after a failed write, and
// to leave no old file behind an erasure. While it is away, every call is
// Unavailable; nobody waits, so that who holds a snapshot lets it go.
type views struct {
	dir  string // empty means in memory
	fs   vfs.FS
	opts pebblekv.Options

	mu    sync.Mutex // guards the fields below
	free  sync.Cond  // told when users reaches 0
	users int        // calls, scans, snapshots and batches that run
	db    kv.Store   // nil while it is away
}

var _ kv.Store = (*views)(nil)

// openViews opens the views in dir. Damaged ones are thrown away: the log has
// everything.
func openViews(dir string, c *Config) (*views, error) {
	v := &views{dir: dir, fs: c.FS, opts: pebblekv.Options{MemTableBytes: c.memTable}}
	v.free.L = &v.mu
	if v.fs == nil {
		v.fs = vfs.Default
	}
	err := v.open()
	if err != nil && disposable(err) {
		err = v.swap(true)
	}
	return v, err
}

// disposable reports whether err tells of damaged views, and not of a disk that
// would fail with new ones too.
func disposable(err error) bool {
	for _, disk := range []error{syscall.ENOSPC, syscall.EMFILE, os.ErrPermission} {
		if errors.Is(err, disk) {
			return false
		}
	}
	return true
}

// damaged reports whether err tells of damaged view files. The log never gives
// such an error: it names its damaged entries itself.
func damaged(err error) bool { return pebble.IsCorruptionError(err) }

func (v *views) open() error {
	if v.dir == "" {
		v.put(memkv.New())
		return nil
	}
	opts := v.opts
	opts.FS = v.fs
	db, err := pebblekv.Open(v.dir, opts)
	if err != nil {
		return err
	}
	v.put(db)
	return nil
}

func (v *views) put(db kv.Store) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.db = db
}

// takeAway takes the store away, when nobody uses it any more.
func (v *views) takeAway() kv.Store {
	v.mu.Lock()
	defer v.mu.Unlock()
	db := v.db
	v.db = nil
	for v.users > 0 {
		v.free.Wait()
	}
	return db
}

// swap closes the store and opens it again, empty if wipe is set.
func (v *views) swap(wipe bool) error {
	db := v.takeAway()
	if db != nil {
		_ = db.Close() // what it did not write is read from the log again
	}
	if v.dir == "" && !wipe {
		v.put(db)
		return nil
	}
	if wipe && v.dir != "" {
		if err := v.fs.RemoveAll(v.dir); err != nil {
			return fault.Errorf(fault.Unavailable, "node: views: %w", err)
		}
	}
	return v.open()
}

// forget makes sure that nothing deleted is in any file. Nobody writes meanwhile.
//
// Whoever holds a snapshot from before the deletion keeps what it shows in the
// tables, so the store is taken away from all of them first. Manifests name the
// first and last key of every table there was, so the old ones go too.
func (v *views) forget() error {
	if v.dir == "" {
		return nil
	}
	if err := v.Flush(); err != nil {
		return err
	}
	if err := v.swap(false); err != nil {
		return err
	}
	if err := v.Erase([]byte{0}, []byte{0xff}); err != nil {
		return err
	}
	old, err := v.manifests()
	if err != nil {
		return err
	}
	if err := v.swap(false); err != nil {
		return err
	}
	for _, name := range old {
		if err := v.fs.Remove(v.fs.PathJoin(v.dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fault.Errorf(fault.Unavailable, "node: views: %s is still there: %w", name, err)
		}
	}
	return nil
}

func (v *views) manifests() ([]string, error) {
	names, err := v.fs.List(v.dir)
	if err != nil {
		return nil, fault.Errorf(fault.Unavailable, "node: views: %w", err)
	}
	return slices.DeleteFunc(names, func(name string) bool { return !strings.HasPrefix(filepath.Base(name), "MANIFEST-") }), nil
}

// failed returns why nothing is written any more, or nil.
func (v *views) failed() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.db == nil {
		return errAway
	}
	if db, ok := v.db.(interface{ Failure() error }); ok {
		return db.Failure()
	}
	return nil
}

var errAway = fault.WithHint(fault.Errorf(fault.Unavailable, "node: the views are being opened again"), "try again in a moment")

func (v *views) enter() (kv.Store, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.db == nil {
		return nil, errAway
	}
	v.users++
	return v.db, nil
}

func (v *views) leave() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.users--; v.users == 0 {
		v.free.Broadcast()
	}
}

// Get implements kv.Reader.
func (v *views) Get(key []byte) ([]byte, bool, error) {
	db, err := v.enter()
	if err != nil {
		return nil, false, err
	}
	defer v.leave()
	return db.Get(key)
}

// Scan implements kv.Reader.
func (v *views) Scan(from, to []byte) iter.Seq2[kv.Pair, error] {
	return func(yield func(kv.Pair, error) bool) {
		db, err := v.enter()
		if err != nil {
			yield(kv.Pair{}, err)
			return
		}
		defer v.leave()
		db.Scan(from, to)(yield)
	}
}

// Each implements kv.Reader.
func (v *views) Each(keys [][]byte) iter.Seq2[kv.Pair, error] {
	return func(yield func(kv.Pair, error) bool) {
		db, err := v.enter()
		if err != nil {
			yield(kv.Pair{}, err)
			return
		}
		defer v.leave()
		db.Each(keys)(yield)
	}
}

// Snapshot implements kv.Store.
func (v *views) Snapshot() kv.Snapshot {
	db, err := v.enter()
	if err != nil {
		return away{}
	}
	return &heldSnapshot{Snapshot: db.Snapshot(), v: v}
}

type heldSnapshot struct {
	kv.Snapshot
	v *views
}

// Close implements kv.Snapshot.
func (s *heldSnapshot) Close() error {
	defer s.v.leave()
	return s.Snapshot.Close()
}

// away is the snapshot of a store that is away.
type away struct{}

func (away) Get([]byte) ([]byte, bool, error) { return nil, false, errAway }
func (away) Close() error                     { return nil }
func (away) Each([][]byte) iter.Seq2[kv.Pair, error] {
	return func(yield func(kv.Pair, error) bool) { yield(kv.Pair{}, errAway) }
}

func (away) Scan(_, _ []byte) iter.Seq2[kv.Pair, error] {
	return func(yield func(kv.Pair, error) bool) { yield(kv.Pair{}, errAway) }
}

// Batch implements kv.Store.
func (v *views) Batch() kv.Batch {
	db, err := v.enter()
	if err != nil {
		return awayBatch{}
	}
	return &heldBatch{Batch: db.Batch(), v: v}
}

type heldBatch struct {
	kv.Batch
	v    *views
	done bool
}

// Discard implements kv.Batch.
func (b *heldBatch) Discard() {
	b.Batch.Discard()
	if !b.done {
		b.done = true
		b.v.leave()
	}
}

type awayBatch struct{}

func (awayBatch) Set(_, _ []byte) error         { return errAway }
func (awayBatch) Merge(_, _ []byte) error       { return errAway }
func (awayBatch) Delete([]byte) error           { return errAway }
func (awayBatch) DeleteRange(_, _ []byte) error { return errAway }
func (awayBatch) Commit() error                 { return errAway }
func (awayBatch) Discard()                      {}

// Flush implements kv.Store.
func (v *views) Flush() error {
	db, err := v.enter()
	if err != nil {
		return err
	}
	defer v.leave()
	return db.Flush()
}

// Erase implements kv.Store.
func (v *views) Erase(from, to []byte) error {
	db, err := v.enter()
	if err != nil {
		return err
	}
	defer v.leave()
	return db.Erase(from, to)
}

// SizeBytes implements kv.Store.
func (v *views) SizeBytes() int64 {
	db, err := v.enter()
	if err != nil {
		return 0
	}
	defer v.leave()
	return db.SizeBytes()
}

// Close implements kv.Store.
func (v *views) Close() error {
	db := v.takeAway()
	if db == nil {
		return nil
	}
	return db.Close()
}
