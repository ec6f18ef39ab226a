package node

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"casus/internal/core/report"
)

// TestCrash does the work of TestKill on a file system that forgets what was
// not synced, and crashes at points spread over it.
func TestCrash(t *testing.T) {
	t.Parallel()
	want := worked(t)
	enough := 12
	if testing.Short() { // the race detector makes each of them slow
		enough = 4
	}
	for seed := range uint64(2) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(seed, 5))
			crashes := 0
			for crashes < enough && !t.Failed() {
				digest, n, err := crash(t, rng, killConfig(filepath.Join(t.TempDir(), "data")), func(fs vfs.FS) vfs.FS { return fs })
				if err != nil {
					t.Fatal(err)
				}
				if crashes += n; digest != want {
					t.Errorf("digest after %d crashes = %s, want %s", n, digest, want)
				}
			}
		})
	}
}

// TestCrashFindsMissingSync makes sure that TestCrash would notice.
func TestCrashFindsMissingSync(t *testing.T) {
	t.Parallel()
	c := killConfig(filepath.Join(t.TempDir(), "data"))
	c.memTable = 8 << 20 // what is written out is synced in any case
	rng := rand.New(rand.NewPCG(3, 5))
	for range 5 {
		c.Dir += "x"
		if _, _, err := crash(t, rng, c, func(fs vfs.FS) vfs.FS { return forgetful{fs} }); err != nil {
			t.Log(err)
			return
		}
	}
	t.Error("a log that does not sync loses nothing")
}

// forgetful is a file system on which write-ahead logs are never synced.
type forgetful struct{ vfs.FS }

// Create implements vfs.FS.
func (f forgetful) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.FS.Create(name, c)
	if err == nil && strings.HasSuffix(name, ".log") {
		return forgetfulFile{file}, nil
	}
	return file, err
}

type forgetfulFile struct{ vfs.File }

func (forgetfulFile) Sync() error                { return nil }
func (forgetfulFile) SyncData() error            { return nil }
func (forgetfulFile) SyncTo(int64) (bool, error) { return true, nil }

// crash crashes a node again and again until it came to the end of its work, and
// returns its digest then, or the first thing that was lost.
func crash(t *testing.T, rng *rand.Rand, c Config, wrap func(vfs.FS) vfs.FS) (digest string, crashes int, err error) {
	mem := vfs.NewCrashableMem()
	c.FS = wrap(mem)
	if err := Init(c, report.Ceiling{}); err != nil {
		t.Fatal(err)
	}
	k := &killer{t: t, points: map[string]int{}}
	l := newLedger()
	for {
		point, at := k.pick(l, rng)
		if crashes >= 15 {
			point = ""
		}
		run := &crashing{mem: mem, ledger: l, rng: rng}
		ctx, cancel := context.WithCancelCause(context.Background())
		s := &stopper{point: point, at: at, action: func() { run.crash(); cancel(errCut) }}
		c.Hook = s.hook
		node, err := Open(ctx, c)
		if err != nil {
			return "", crashes, fmt.Errorf("open: %w", err)
		}
		<-node.whole
		if run.crashed == nil {
			if err := acknowledged(node, l); err != nil {
				return "", crashes, errors.Join(err, node.Close())
			}
			if err := work(ctx, node, l, run.say); err != nil && ctx.Err() == nil {
				return "", crashes, errors.Join(err, node.Close())
			}
		}
		if ctx.Err() == nil {
			digest := verified(t, node)
			closeNode(t, node)
			return digest, crashes, nil
		}
		closeNode(t, node)
		k.died(point)
		crashes++
		mem, l = run.crashed, run.acked
		c.FS = wrap(mem)
	}
}

// crashing is one run up to its crash.
type crashing struct {
	mu     sync.Mutex // guards the fields below
	mem    *vfs.MemFS
	ledger *ledger
	rng    *rand.Rand

	crashed *vfs.MemFS
	acked   *ledger // what had been acknowledged before
}

func (r *crashing) say(word string, n int, name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.crashed == nil {
		r.ledger.note(word, n, name)
	}
}

func (r *crashing) crash() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.acked = &ledger{Objects: maps.Clone(r.ledger.Objects), Done: maps.Clone(r.ledger.Done), Erased: r.ledger.Erased}
	r.crashed = r.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: r.rng.IntN(101), RNG: r.rng})
}
