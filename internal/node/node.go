// Package node puts the parts together: a data directory with its log and
// views, the loop that keeps the views up with the log, intake, and the JSON
// API and pages in front.
//
// It is the only place where the local operator's reader is made, and where
// clock, randomness and file system are chosen.
//
// # Files of a data directory
//
//	log/            the log (pebblelog)
//	views/          the views (pebblekv), rebuilt from the log when lost
//	node.key        32 random bytes, hex: keys short ids and cursors
//	operator.token  what a browser needs to be let in, while serving
//	casus.sock      the socket of whoever has the directory open
//	people.index    which entries of the log are about people, found again when lost
//	tls/own.pem     certificate and key that the node made itself, if it did
//	acme/           certificates by ACME, and the account's key
//	tmp/            files on their way in
package node

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"casus/internal/audit"
	"casus/internal/core/marking"
	"casus/internal/core/report"
	"casus/internal/edge/intake"
	"casus/internal/event"
	"casus/internal/eventlog"
	"casus/internal/eventlog/memlog"
	"casus/internal/eventlog/pebblelog"
	"casus/internal/fault"
	"casus/internal/people"
	"casus/internal/view"
	"casus/stix"
)

// Config of a node. The zero value of each field is usable.
type Config struct {
	// Dir is the data directory; empty means in memory.
	Dir string
	// Clock tells the time; nil means the machine's.
	Clock func() time.Time
	// Random gives random bytes; nil means the machine's.
	Random io.Reader
	// FS is the file system of log and views; nil means the machine's.
	FS vfs.FS
	// Limits are those of reading; zero fields mean the defaults.
	Limits stix.Limits
	// Exercise says that documentation addresses and example names are the
	// exercise's own and no noise.
	Exercise bool
	// Hook is called at named points, for tests that stop a node there. It may
	// be called from several goroutines.
	Hook func(point string)

	// passwordCost is that of new passwords; zero means the recommended one.
	passwordCost people.Cost
	// weighMost is that of [marking.Weigh]; 0 means all.
	weighMost int
	// memTable is the size of the write buffers of log and views; 0 means theirs.
	memTable uint64
	// flushEntries is after how many entries the views are made durable; 0 means
	// flushEntries.
	flushEntries int
}

// What bounds the distance of the views from the log.
const (
	// restAfter is how long the log must not have grown before memory is given back.
	restAfter = 30 * time.Second
	// maxLag is how many entries the views may be behind before intake waits.
	maxLag = 12_000
	// flushEvery bounds what a restart has to read again.
	flushEvery = 60 * time.Second
	// flushEntries is the same in entries: about 256 MiB of log.
	flushEntries = 250_000
	// stepRetry is how long a failed step waits before it is tried again.
	stepRetry = 250 * time.Millisecond
)

// Node is an open data directory.
type Node struct {
	cfg     Config
	log     logBody
	kv      *views
	view    *view.Store
	ladders *marking.Ladders
	// alarms counts the times that the rules could not tell who may read.
	alarms  atomic.Int64
	weighed weighed
	intake  *intake.Intake
	people  *people.Store
	trail   *audit.Trail
	// passkeys are nil where the node is reached by no name.
	passkeys *people.Passkeys
	// oidc is nil where nobody has an account elsewhere.
	oidc *people.OIDC

	gate   *gate
	cancel context.CancelFunc // stops loop
	loop   sync.WaitGroup
	end    context.CancelFunc // stops tasks
	tasks  sync.WaitGroup
	whole  chan struct{} // closed when erasures cut short before are carried out

	naming sync.Mutex // held while a collection is made, or something set for a source

	mu   sync.Mutex // guards the fields below
	fail error
}

type logBody interface {
	eventlog.Log
	Close() error
}

// Init makes a data directory. One that is there already is a Conflict.
//
// The ceiling, when it is not zero, is that of what the node takes in.
func Init(cfg Config, ceiling report.Ceiling) error {
	cfg = cfg.withDefaults()
	if ceiling != (report.Ceiling{}) {
		ls, err := marking.BuiltInLadders()
		if err != nil {
			return err
		}
		if err := checkCeiling(ls, ceiling); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return fault.Errorf(fault.Unavailable, "node: init: %w", err)
	}
	key := filepath.Join(cfg.Dir, "node.key")
	if _, err := os.Stat(key); err == nil {
		return fault.WithHint(fault.Errorf(fault.Conflict, "node: %s is a data directory already", cfg.Dir), "use it as it is, or name another with --data")
	}
	if err := makeDurably(cfg.FS, filepath.Join(cfg.Dir, "log")); err != nil {
		return fault.Errorf(fault.Unavailable, "node: init: %w", err)
	}
	l, err := pebblelog.Create(filepath.Join(cfg.Dir, "log"), cfg.logOptions())
	if fault.KindOf(err) == fault.Conflict {
		// An earlier attempt ended before it wrote the key.
		l, err = pebblelog.Open(filepath.Join(cfg.Dir, "log"), cfg.logOptions())
	}
	if err != nil {
		return err
	}
	if err := errors.Join(firstCeiling(cfg, l, ceiling), l.Close()); err != nil {
		return err
	}
	secret := make([]byte, 32)
	if _, err := io.ReadFull(cfg.Random, secret); err != nil {
		return fault.Errorf(fault.Unavailable, "node: random bytes: %w", err)
	}
	if err := writeDurably(key, []byte(hex.EncodeToString(secret)+"\n")); err != nil {
		return fault.Errorf(fault.Unavailable, "node: init: %w", err)
	}
	return nil
}

// firstCeiling notes the ceiling in a new log.
func firstCeiling(cfg Config, l eventlog.Log, c report.Ceiling) error {
	if c == (report.Ceiling{}) {
		return nil
	}
	payload, err := event.Write(c)
	if err != nil {
		return err
	}
	h := event.Header{Kind: event.CeilingSet, KindVersion: 1, Author: "local", WriteTime: cfg.Clock().UTC()}
	_, err = l.Append(context.Background(), nil, []eventlog.Entry{{Header: h, Payload: payload}})
	return err
}

// makeDurably makes a directory and those above it, so that no crash takes them
// away again.
func makeDurably(fs vfs.FS, dir string) error {
	if fs == nil {
		fs = vfs.Default
	}
	top := dir
	for top != fs.PathDir(top) {
		top = fs.PathDir(top)
		if _, err := fs.Stat(top); err == nil {
			break
		}
	}
	if err := fs.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for dir != top {
		dir = fs.PathDir(dir)
		d, err := fs.OpenDir(dir)
		if err != nil {
			return err
		}
		if err := errors.Join(d.Sync(), d.Close()); err != nil {
			return err
		}
	}
	return nil
}

// writeDurably writes a file whole or not at all, crash or not.
func writeDurably(name string, b []byte) error {
	f, err := os.OpenFile(name+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(name+".new", name); err != nil {
		return err
	}
	dir, err := vfs.Default.OpenDir(filepath.Dir(name))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func (c Config) withDefaults() Config {
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Random == nil {
		c.Random = rand.Reader
	}
	if c.flushEntries == 0 {
		c.flushEntries = flushEntries
	}
	if c.Hook == nil {
		c.Hook = func(string) {}
	}
	return c
}

func (c Config) logOptions() pebblelog.Options {
	return pebblelog.Options{FS: c.FS, Random: c.Random, MemTableBytes: int(c.memTable), Hook: c.Hook} //nolint:gosec // a few MiB
}

// Exists reports whether dir is a data directory.
func Exists(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "node.key"))
	return err == nil
}

// held returns nil when dir is a data directory that this user may look into.
func held(dir string) error {
	_, err := os.Stat(filepath.Join(dir, "node.key"))
	switch {
	case errors.Is(err, fs.ErrPermission):
		return denied(dir)
	case err != nil:
		return fault.WithHint(fault.Errorf(fault.NotFound, "%s is no data directory", dir), "make one with: casus init --data %s", dir)
	}
	return nil
}

func denied(dir string) error {
	return fault.WithHint(fault.Errorf(fault.Invalid, "node: %s: permission denied", dir), "run casus as the user whose data directory it is, or name another with --data")
}

// Open opens a data directory, which must exist, and starts its loop. A
// directory that another process has open is Unavailable.
func Open(ctx context.Context, cfg Config) (*Node, error) {
	cfg = cfg.withDefaults()
	n := &Node{cfg: cfg, gate: newGate(), whole: make(chan struct{})}
	var err error
	if n.ladders, err = marking.BuiltInLadders(); err != nil {
		return nil, err
	}
	secret, err := n.openStores()
	if err != nil {
		return nil, err
	}
	opt := view.Options{Secret: secret, Exercise: cfg.Exercise, Limits: cfg.Limits, Home: n.home, Lowest: n.ladders.Cleared()}
	n.view, err = view.New(ctx, n.log, n.kv, opt)
	if damaged(err) {
		if err = n.kv.swap(true); err == nil {
			n.view, err = view.New(ctx, n.log, n.kv, opt)
		}
	}
	if err == nil {
		err = n.openPeople(ctx, secret)
	}
	if err != nil {
		return nil, errors.Join(err, n.kv.Close(), n.log.Close())
	}
	n.intake = intake.New(n.log, n.view, view.LocalOperator(), intake.Options{Clock: cfg.Clock, Limits: cfg.Limits, Slow: n.slow, Settle: n.settle, Hook: cfg.Hook})
	n.trail = audit.New(n.log, secret)
	n.start()
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	n.end = end
	n.tasks.Go(func() {
		defer close(n.whole)
		if err := n.resume(life); err != nil && life.Err() == nil {
			n.failed(err)
		}
	})
	n.tasks.Go(func() { n.keepTrail(life) })
	return n, nil
}

// start starts the loop; stop ends it. Whoever calls them while the node runs
// has the gate alone.
func (n *Node) start() {
	run, cancel := context.WithCancel(context.Background())
	n.cancel = cancel
	n.loop.Go(func() { n.follow(run) })
}

func (n *Node) stop() {
	n.cancel()
	n.loop.Wait()
}

func (n *Node) openStores() (secret []byte, err error) {
	if n.cfg.Dir == "" {
		n.log = memlog.New(n.cfg.Random)
		n.kv, err = openViews("", &n.cfg)
		return make([]byte, 32), err
	}
	text, err := os.ReadFile(filepath.Join(n.cfg.Dir, "node.key"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.WithHint(fault.Errorf(fault.NotFound, "node: %s is no data directory", n.cfg.Dir), "make one with: casus init --data %s", n.cfg.Dir)
	}
	if errors.Is(err, fs.ErrPermission) {
		return nil, denied(n.cfg.Dir)
	}
	if err != nil {
		return nil, fault.Errorf(fault.Unavailable, "node: %w", err)
	}
	secret, err = hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(secret) != 32 {
		return nil, fault.Errorf(fault.Internal, "node: node.key is damaged: want 64 hexadecimal digits")
	}
	l, err := pebblelog.Open(filepath.Join(n.cfg.Dir, "log"), n.cfg.logOptions())
	if err != nil {
		return nil, err
	}
	n.log = l
	// What a killed import left behind: nobody else has the directory.
	if err := os.RemoveAll(filepath.Join(n.cfg.Dir, "tmp")); err != nil {
		return nil, errors.Join(fault.Errorf(fault.Unavailable, "node: %w", err), l.Close())
	}
	if n.kv, err = openViews(filepath.Join(n.cfg.Dir, "views"), &n.cfg); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return secret, nil
}

// follow keeps the views up with the log until ctx ends. What fails is told to
// who waits, and tried again.
func (n *Node) follow(ctx context.Context) {
	flushed := n.cfg.Clock()
	since := 0
	for ctx.Err() == nil {
		did, err := n.step(ctx, &flushed, &since)
		if err != nil && ctx.Err() == nil {
			n.failed(err)
			if !n.recover(ctx, err) {
				return
			}
			continue
		}
		if did > 0 {
			continue
		}
		n.failed(nil)
		n.idle(ctx, &flushed, &since)
	}
}

// idle waits for the log to grow. After a while without work it makes the views
// durable and gives back the memory that an import took, and from then on what
// readers took.
func (n *Node) idle(ctx context.Context, flushed *time.Time, since *int) {
	grown := n.log.Watch(n.view.Mark())
	rest := time.NewTicker(restAfter)
	defer rest.Stop()
	for first := true; ; first = false {
		select {
		case <-grown:
			return
		case <-ctx.Done():
			return
		case <-rest.C:
		}
		if !first {
			if unused() > keepUnused {
				debug.FreeOSMemory()
			}
			continue
		}
		if *since > 0 {
			if err := n.flush(ctx, flushed, since); err != nil {
				return // the next step meets it, too
			}
		}
		if l, ok := n.log.(interface{ Rest() }); ok {
			l.Rest()
		}
		debug.FreeOSMemory()
	}
}

// keepUnused is how much memory an idle node may keep for later, in bytes.
const keepUnused = 8 << 20

// unused returns how much of the heap is free and not given back, in bytes. The
// collector runs every two minutes even when nothing is allocated.
func unused() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/heap/free:bytes"}}
	metrics.Read(s)
	if s[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return s[0].Value.Uint64()
}

func (n *Node) step(ctx context.Context, flushed *time.Time, since *int) (int, error) {
	did, _, err := n.view.Step(ctx, n.cfg.Clock())
	if err != nil {
		return did, err
	}
	*since += did
	if *since >= n.cfg.flushEntries || *since > 0 && n.cfg.Clock().Sub(*flushed) >= flushEvery {
		return did, n.flush(ctx, flushed, since)
	}
	return did, nil
}

// flush makes the views durable.
func (n *Node) flush(ctx context.Context, flushed *time.Time, since *int) error {
	n.cfg.Hook("view-flush")
	if err := n.view.Flush(); err != nil {
		return err
	}
	if err := n.keepIndex(ctx); err != nil {
		return err
	}
	*flushed, *since = n.cfg.Clock(), 0
	return nil
}

// recover prepares another try after err: damaged views are thrown away, ones
// that could not be written are opened again. It returns false when there is
// nothing to try.
func (n *Node) recover(ctx context.Context, err error) bool {
	kind := fault.KindOf(err)
	if kind == fault.Internal && !damaged(err) {
		return false
	}
	select {
	case <-time.After(stepRetry):
	case <-ctx.Done():
		return true
	}
	if n.kv.failed() == nil && !damaged(err) {
		return true
	}
	if err := n.kv.swap(damaged(err)); err != nil {
		n.failed(err)
		return true
	}
	if err := n.view.Reload(ctx); err != nil {
		n.failed(err)
	}
	return true
}

// failed notes why the views do not follow the log; nil means that they do.
func (n *Node) failed(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.fail = err
}

// Err returns why the views stopped following the log, nil while they do.
func (n *Node) Err() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.fail
}

// slow waits while the views are too far behind.
func (n *Node) slow(ctx context.Context) error {
	head, _, err := n.log.Head(ctx)
	if err != nil || head < maxLag {
		return err
	}
	return n.caughtUp(ctx, head-maxLag)
}

// caughtUp returns once the views have read seq, or with the reason why they
// will not.
func (n *Node) caughtUp(ctx context.Context, seq event.Seq) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- n.view.WaitFor(ctx, seq) }()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			return err
		case <-tick.C:
			if err := n.Err(); err != nil {
				return err
			}
		}
	}
}

// settle waits until the views have read everything that is in the log now.
func (n *Node) settle(ctx context.Context) error {
	head, _, err := n.log.Head(ctx)
	if err != nil {
		return err
	}
	return n.caughtUp(ctx, head)
}

// Close stops the loop, makes the views durable and closes the stores.
func (n *Node) Close() error {
	n.end()
	n.tasks.Wait()
	n.gate.turn <- struct{}{} // an erasure or a rebuild starts the loop again
	defer func() { <-n.gate.turn }()
	n.stop()
	written := n.trail.Close(context.Background(), n.cfg.Clock().UTC())
	return errors.Join(written, n.keepIndex(context.Background()), n.view.Close(), n.kv.Close(), n.log.Close())
}
