// Package pebblelog is the embedded log: an [eventlog.Log] in one directory,
// kept by Pebble. It needs no services and no network.
//
// # Keys
//
// Entries of one Append stand in pages of up to 32 entries or 64 KiB of
// payload. Sequence numbers in keys and values are 8 bytes big-endian.
//
//	'a' aggregate        sequence number of the aggregate's last entry
//	'e' first 'h'        header page: chain digest before it, headers
//	'e' first 'p'        payload page: salts and payloads
//	'k' idempotency key  first sequence number of the Append that bore it
//	'x' "format"         1 byte, 1
//	'x' "erasing/" first marks a page rewritten by an Erase that is not finished
//
// Pages are written once; Erase alone rewrites a payload page. The forms of
// the pages, byte for byte:
//
//	header page   codec (1 byte), chain digest before the page (32), number of
//	              entries n (uvarint), payload digest (32) * n, body: for each
//	              entry the length of its header's binary form without the
//	              digest at its end (uvarint) and that form
//	payload page  codec (1 byte), (payload length + 1, 0 if erased: uvarint) * n,
//	              salt (32) * those not erased, body: their payloads
//
// codec 0 means that the body stands as it is, 2 that it is an S2 block.
// Salts and digests are never compressed: they would only cost time.
//
// # Promises
//
// An acknowledged Append was synced to the write-ahead log; no reader sees an
// entry before that. A failed write or sync makes running Appends Unavailable;
// the next call reopens the store on what the disk holds. The README walks one
// event through all of it.
package pebblelog

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"

	"casus/internal/event"
	"casus/internal/eventlog"
	"casus/internal/fault"
	"casus/internal/fence"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Defaults of [Options].
const (
	DefaultCacheBytes    = 16 << 20
	DefaultMemTableBytes = 16 << 20
)

// maxBuffers is how many write buffers' worth of entries may wait to be written
// out before Appends wait too.
const maxBuffers = 4

// Options are how a log is kept. The zero value is usable.
type Options struct {
	// FS is the file system; nil means the operating system's.
	FS vfs.FS
	// Random is where salts come from; nil means crypto/rand.
	Random io.Reader
	// CacheBytes bounds the cache of table blocks; 0 means DefaultCacheBytes.
	CacheBytes int64
	// MemTableBytes is the size of the write buffer, of which up to maxBuffers
	// are held; 0 means DefaultMemTableBytes.
	MemTableBytes int
	// Hook, if set, is called with the name of a point as it is passed: flush,
	// flushed, compact, compacted, erase-rewritten, erase-compacted,
	// erase-closed, erase-done. Tests of crashes count them. It may be called
	// from several goroutines and must not call the log.
	Hook func(point string)

	// noSync leaves out the sync: a fault that the crash test must find.
	noSync bool
	// blockBytes is the size of table blocks; tests of damage want small ones.
	blockBytes int
}

// Log is an open log. Make one with [Create] or [Open].
type Log struct {
	dir    string
	opts   Options
	random *lockedReader
	lock   *pebble.Lock
	// packers holds packers that are not in use.
	packers sync.Pool
	tail    tail

	// appending holds a token while an Append gets its sequence numbers, and
	// during all of an Erase. It is taken before mu.
	appending chan struct{}

	mu     sync.RWMutex // held for reading while the store is used
	store  *store       // nil when it could not be reopened
	closed bool

	headMu sync.Mutex // guards the fields below
	head   event.Seq
	chain  eventlog.Digest
	grown  chan struct{} // closed and replaced when the head moves
	ended  bool
}

var _ eventlog.Log = (*Log)(nil)

// store is one opening of the database.
type store struct {
	db    *pebble.DB
	fence *fence.FS
	// stuck is why the write buffer cannot be written out, nil when it can.
	stuck atomic.Pointer[error]
	// flushed is how the last flush ended.
	flushed atomic.Pointer[error]

	// The last entry given a sequence number, and the chain after it; guarded
	// by Log.appending.
	last  event.Seq
	chain eventlog.Digest

	// Back-pressure is ours, because Pebble's cannot be left when the disk is
	// full. appended counts bytes given to the write buffers, begun is appended
	// when the last flush began, done a lower bound of what was written out.
	buffer                int64
	appended, begun, done atomic.Int64
	moved                 chan struct{} // holds a token after a flush ended
}

var (
	metaFormat  = []byte("xformat")
	metaErasing = []byte("xerasing")
)

const formatVersion = 1

// Create makes an empty log in dir, which is made if need be. It is a Conflict
// if dir holds a log already.
func Create(dir string, o Options) (*Log, error) {
	l := newLog(dir, o)
	if err := l.opts.FS.MkdirAll(dir, 0o700); err != nil {
		return nil, fault.Errorf(fault.Unavailable, "pebblelog: create %s: %w", dir, err)
	}
	return l.start(true)
}

// ErrInUse is in the chain of an error that says that another process has the
// log open.
var ErrInUse = errors.New("in use")

// Open opens the log in dir. It never creates one: NotFound means that there
// is none, Invalid that this user may not open it, Internal with
// [eventlog.ErrDamaged] in its chain that it is damaged, Unavailable with
// [ErrInUse] that another process has it open. An erasure that a crash cut short
// is finished first.
func Open(dir string, o Options) (*Log, error) {
	l := newLog(dir, o)
	desc, err := pebble.Peek(dir, l.opts.FS)
	if errors.Is(err, os.ErrPermission) {
		return nil, denied(dir)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, brokenLog("open "+dir, err)
	}
	if err != nil || !desc.Exists {
		if tables, err := l.files(".sst"); err == nil && len(tables) > 0 {
			return nil, brokenLog("open "+dir, errors.New("the file that says which manifest holds is missing"))
		}
		return nil, fault.Errorf(fault.NotFound, "pebblelog: open %s: no log there", dir)
	}
	return l.start(false)
}

func newLog(dir string, o Options) *Log {
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
	if o.CacheBytes == 0 {
		o.CacheBytes = DefaultCacheBytes
	}
	if o.MemTableBytes == 0 {
		o.MemTableBytes = DefaultMemTableBytes
	}
	if o.blockBytes == 0 {
		o.blockBytes = 16 << 10
	}
	if o.Hook == nil {
		o.Hook = func(string) {}
	}
	return &Log{
		dir: dir, opts: o, random: &lockedReader{r: o.Random}, packers: sync.Pool{New: func() any { return new(packer) }},
		appending: make(chan struct{}, 1), grown: make(chan struct{}),
	}
}

func (l *Log) start(create bool) (_ *Log, err error) {
	if l.lock, err = pebble.LockDirectory(l.dir, l.opts.FS); err != nil {
		if errors.Is(err, os.ErrPermission) {
			return nil, denied(l.dir)
		}
		return nil, fault.WithHint(fault.Errorf(fault.Unavailable, "pebblelog: open %s: %w: %v", l.dir, ErrInUse, err),
			"another process has this data directory open")
	}
	fail := func(err error) (*Log, error) {
		if l.store != nil {
			err = errors.Join(err, l.store.close())
		}
		return nil, errors.Join(err, l.lock.Close())
	}
	if create {
		if desc, err := pebble.Peek(l.dir, l.opts.FS); err == nil && desc.Exists {
			return fail(fault.Errorf(fault.Conflict, "pebblelog: create %s: a log is there already", l.dir))
		}
	}
	if l.store, err = l.openStore(create); err != nil {
		return fail(err)
	}
	l.head, l.chain = l.store.last, l.store.chain
	if err := l.finishErase(context.Background()); err != nil {
		return fail(err)
	}
	return l, nil
}

// Close writes out what is only in the write-ahead log, so that the next Open
// is quick, and lets go of the directory. It waits for running calls; later
// ones are Unavailable. It may be repeated.
func (l *Log) Close() error {
	l.appending <- struct{}{}
	defer func() { <-l.appending }()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	l.headMu.Lock()
	l.ended = true
	close(l.grown)
	l.headMu.Unlock()
	var err error
	if l.store != nil {
		if !l.store.fence.Dead() && l.store.stuck.Load() == nil {
			err = l.store.flush(context.Background())
		}
		err = errors.Join(err, l.store.close())
		l.store = nil
	}
	if err = errors.Join(err, l.lock.Close()); err != nil {
		return fault.Errorf(fault.Unavailable, "pebblelog: close %s: %w", l.dir, err)
	}
	return nil
}

// DiskBytes returns what the log takes on disk, write-ahead logs included; 0
// when the store is not open.
func (l *Log) DiskBytes() int64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.store == nil {
		return 0
	}
	return int64(l.store.db.Metrics().DiskSpaceUsage())
}

// close closes the database. What a dead fence kept from it is no error here.
func (s *store) close() error {
	s.fence.Release()
	if err := s.db.Close(); err != nil && !s.fence.Dead() {
		return err
	}
	return nil
}

// enter returns the store with mu held for reading, reopening it first if a
// write failed. The caller must leave.
func (l *Log) enter() (*store, error) {
	for {
		l.mu.RLock()
		if l.closed {
			l.mu.RUnlock()
			return nil, fault.Errorf(fault.Unavailable, "pebblelog: log is closed")
		}
		if s := l.store; s != nil && !s.fence.Dead() {
			return s, nil
		}
		l.mu.RUnlock()
		if err := l.reopen(); err != nil {
			return nil, err
		}
	}
}

func (l *Log) leave() { l.mu.RUnlock() }

// reopen replaces a store that is missing or whose fence is dead.
func (l *Log) reopen() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil // enter tells
	}
	if l.store != nil {
		if !l.store.fence.Dead() {
			return nil
		}
		_ = l.store.close()
		l.store = nil
	}
	l.tail.empty() // an Append that failed may be there
	s, err := l.openStore(false)
	if err != nil {
		return err
	}
	l.store = s
	// Entries whose Append was answered Unavailable may have reached the disk.
	l.publish(s.last, s.chain)
	return nil
}

// publish moves the head forward, never back.
func (l *Log) publish(head event.Seq, chain eventlog.Digest) {
	l.headMu.Lock()
	defer l.headMu.Unlock()
	if head <= l.head || l.ended {
		return
	}
	l.head, l.chain = head, chain
	close(l.grown)
	l.grown = make(chan struct{})
}

// openStore opens the database and finds the head.
func (l *Log) openStore(create bool) (*store, error) {
	if !create {
		if err := firstError(l.checkManifest(), l.checkLogs()); err != nil {
			return nil, err
		}
	}
	s := &store{fence: fence.New(l.opts.FS), buffer: int64(l.opts.MemTableBytes), moved: make(chan struct{}, 1)}
	cache := pebble.NewCache(l.opts.CacheBytes)
	defer cache.Unref()
	opts := l.pebbleOptions(s, cache)
	opts.ErrorIfExists, opts.ErrorIfNotExists = create, !create
	db, err := pebble.Open(l.dir, opts)
	if err != nil {
		return nil, l.openError(err, s)
	}
	s.db = db
	s.fence.Opened()
	if err = l.findHead(s); err == nil {
		err = s.checkFormat(create)
	}
	if failed := s.fence.Failure(); failed != nil {
		err = l.openError(failed, s)
	}
	if err != nil {
		_ = s.close()
		return nil, err
	}
	return s, nil
}

func (l *Log) openError(err error, s *store) error {
	s.fence.Release()
	// What is missing, too long or too short has no mark of its own.
	if pebble.IsCorruptionError(err) || errors.Is(err, os.ErrNotExist) || strings.Contains(err.Error(), "object size mismatch") {
		return brokenLog("open "+l.dir, err)
	}
	return unavailable("open "+l.dir, err)
}

// denied says that the files of a log are another user's.
func denied(dir string) error {
	return fault.WithHint(fault.Errorf(fault.Invalid, "pebblelog: open %s: permission denied", dir),
		"run casus as the user whose data directory it is, or name another with --data")
}

// brokenLog says that the log cannot be opened because it is damaged.
func brokenLog(what string, err error) error {
	return fault.WithHint(fault.Errorf(fault.Internal, "pebblelog: %s: %w: %s", what, eventlog.ErrDamaged, firstLine(err)),
		"keep a copy of the directory as it is, then restore it from a backup")
}

// unavailable says that the disk fails, and what to do.
func unavailable(what string, err error) error {
	return fault.WithHint(fault.Errorf(fault.Unavailable, "pebblelog: %s: %w", what, err),
		"look whether the disk is full or failing, then try again")
}

func (s *store) wake() {
	select {
	case s.moved <- struct{}{}:
	default:
	}
}

// makeRoom waits until the write buffers have room. It is called with
// appending held, so one caller at most waits.
func (s *store) makeRoom(ctx context.Context) error {
	for {
		if stuck := s.stuck.Load(); stuck != nil {
			return unavailable("write buffer cannot be written out", *stuck)
		}
		if s.appended.Load()-s.done.Load() <= maxBuffers*s.buffer {
			return nil
		}
		select {
		case <-s.moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// flush writes the write buffers out. It is called with appending held.
func (s *store) flush(ctx context.Context) error {
	flushed, err := s.db.AsyncFlush()
	if err != nil {
		return err
	}
	for {
		select {
		case <-flushed:
			return s.fence.Failure()
		case <-s.moved:
			if stuck := s.stuck.Load(); stuck != nil {
				return *stuck
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// checkFormat checks the format, and writes it when the store is new: created
// now, or empty because a crash cut its creation short.
func (s *store) checkFormat(create bool) error {
	v, closer, err := s.db.Get(metaFormat)
	if errors.Is(err, pebble.ErrNotFound) && (create || s.last == 0) {
		// Written out at once: a write-ahead log cut to nothing must not take it.
		return firstError(s.db.Set(metaFormat, []byte{formatVersion}, pebble.Sync), s.db.Flush())
	}
	if err != nil {
		return brokenLog("format", err)
	}
	defer closer.Close()
	if !bytes.Equal(v, []byte{formatVersion}) {
		return fault.Errorf(fault.Invalid, "pebblelog: format %d, known is %d", v, formatVersion)
	}
	return nil
}

// findHead reads the last header page.
func (l *Log) findHead(s *store) error {
	it, err := s.pages()
	if err != nil {
		return err
	}
	defer it.Close()
	for ok := it.Last(); ok; ok = it.Prev() {
		first, suffix, ok := parsePageKey(it.Key())
		if !ok || suffix != suffixHeaders {
			continue
		}
		h, err := unpackHeaders(it.Value())
		if err != nil {
			return brokenLog(fmt.Sprintf("open %s: entries from %d on", l.dir, first), err)
		}
		s.last = first + event.Seq(len(h.forms)) - 1
		s.chain = h.after(len(h.forms))
		return nil
	}
	if err := it.Error(); err != nil {
		return brokenLog(fmt.Sprintf("open %s: entries from %d on", l.dir, lostFrom(it)), err)
	}
	return nil
}

// lostFrom returns the first entry of a damaged end: what comes after the last
// page that can be sought.
func lostFrom(it *pebble.Iterator) event.Seq {
	var page event.Seq
	for step := event.Seq(1) << 62; step > 0; step /= 2 {
		if it.SeekGE(pageKey(page+step, suffixHeaders)) {
			page += step
		}
	}
	if page == 0 || !it.SeekGE(pageKey(page, suffixHeaders)) {
		return 1
	}
	h, err := unpackHeaders(it.Value())
	if err != nil || !it.Next() {
		return page // its payloads stand in what is damaged
	}
	return page + event.Seq(len(h.forms))
}

// pages returns an iterator over all pages. It must be closed before mu is
// let go, else old files would outlive an Erase.
func (s *store) pages() (*pebble.Iterator, error) {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{prefixEntries}, UpperBound: []byte{prefixEntries + 1}})
	if err != nil {
		return nil, fault.Errorf(fault.Internal, "pebblelog: iterator: %w", err)
	}
	return it, nil
}

// seq returns the sequence number under key, 0 if there is none.
func (s *store) seq(key []byte) (event.Seq, error) {
	v, closer, err := s.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fault.Errorf(fault.Internal, "pebblelog: key %q: %w", key, err)
	}
	defer closer.Close()
	if len(v) != 8 {
		return 0, fault.Errorf(fault.Internal, "pebblelog: key %q: value is damaged", key)
	}
	return event.Seq(binary.BigEndian.Uint64(v)), nil
}

func aggregateKey(a string) []byte { return append([]byte{prefixAggregate}, a...) }
func keyKey(k string) []byte       { return append([]byte{prefixKey}, k...) }

// pebbleOptions returns how the database is kept. Pages are compressed by us,
// so that the write-ahead log and the buffers are small too; Pebble compresses
// what is left: keys and single entries.
func (l *Log) pebbleOptions(s *store, cache *pebble.Cache) *pebble.Options {
	o := &pebble.Options{
		FS:                          s.fence,
		Lock:                        l.lock,
		Cache:                       cache,
		Cleaner:                     vanish{},
		Logger:                      logger{},
		FormatMajorVersion:          pebble.FormatTableFormatV6,
		MemTableSize:                uint64(l.opts.MemTableBytes),
		MemTableStopWritesThreshold: 4 * maxBuffers, // never reached: see store.makeRoom
		L0StopWritesThreshold:       1000,
		MaxOpenFiles:                500,
		EventListener: &pebble.EventListener{
			BackgroundError: func(err error) {
				// Compactions that fail keep nobody from appending. Not every error
				// of a flush is one: a flush of nothing says so with an error.
				if flush := s.flushed.Load(); flush != nil && errors.Is(err, *flush) {
					s.stuck.Store(&err)
					s.wake()
				}
			},
			DataCorruption: func(pebble.DataCorruptionInfo) {},
			FlushBegin: func(pebble.FlushInfo) {
				s.begun.Store(s.appended.Load())
				l.opts.Hook("flush")
			},
			FlushEnd: func(i pebble.FlushInfo) {
				s.flushed.Store(&i.Err)
				if i.Err == nil {
					s.stuck.Store(nil)
					// All but the buffer then in use was written out.
					s.done.Store(max(s.done.Load(), s.begun.Load()-s.buffer))
				}
				s.wake()
				l.opts.Hook("flushed")
			},
			CompactionBegin: func(pebble.CompactionInfo) { l.opts.Hook("compact") },
			CompactionEnd:   func(pebble.CompactionInfo) { l.opts.Hook("compacted") },
		},
	}
	// Tables are cut where pages begin, so that a table of pages covers pages
	// only and never has to be merged with another one.
	o.Experimental.SpanPolicyFunc = func(start []byte) (pebble.SpanPolicy, []byte, error) {
		for _, cut := range [...]byte{prefixEntries, prefixEntries + 1} {
			if start[0] < cut {
				return pebble.SpanPolicy{}, []byte{cut}, nil
			}
		}
		return pebble.SpanPolicy{}, nil, nil
	}
	for i := range o.Levels {
		o.Levels[i].BlockSize = l.opts.blockBytes
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
		o.Levels[i].Compression = func() *sstable.CompressionProfile { return sstable.SnappyCompression }
		o.TargetFileSizes[i] = 32 << 20
	}
	return o
}

// vanish deletes obsolete files. Because it also bears the mark of a cleaner
// that needs the files' contents, two embeddings deep so that the deleting
// Clean wins, Pebble hands it every old write-ahead log instead of keeping
// some, with all they hold, for reuse.
type vanish struct {
	pebble.DeleteCleaner
	contents
}

type contents struct{ pebble.ArchiveCleaner }

// logger drops what Pebble says; what matters comes as events and errors.
type logger struct{}

func (logger) Infof(string, ...any)  {}
func (logger) Errorf(string, ...any) {}

// Fatalf is reached only by bugs: the fence hides failing writes.
func (logger) Fatalf(format string, args ...any) {
	panic("pebblelog: pebble: " + fmt.Sprintf(format, args...))
}

// lockedReader makes a source of randomness safe for several goroutines.
type lockedReader struct {
	mu sync.Mutex // guards r
	r  io.Reader
}

// Read implements [io.Reader].
func (l *lockedReader) Read(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return io.ReadFull(l.r, p)
}
