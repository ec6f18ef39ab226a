package pebblelog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"casus/internal/eventlog"
	"casus/internal/eventlog/eventlogtest"
	"casus/internal/fault"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// small makes write buffers small, so that a test flushes and compacts.
const small = 256 << 10

func create(t testing.TB, dir string, o Options) *Log {
	t.Helper()
	l, err := Create(dir, o)
	if err != nil {
		t.Fatalf("Create: %v", err)
	}
	return l
}

func open(t testing.TB, dir string, o Options) *Log {
	t.Helper()
	l, err := Open(dir, o)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	return l
}

func closeLog(t testing.TB, l *Log) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

// incompressible returns n bytes that stay as long however they are packed.
func incompressible(seed byte, n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(b)
	return b
}

// acks is what was acknowledged: by idempotency key the sequence number.
type acks struct {
	mu sync.Mutex // guards m
	m  map[string]eventlog.Seq
}

func (a *acks) add(key string, seq eventlog.Seq) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.m == nil {
		a.m = map[string]eventlog.Seq{}
	}
	a.m[key] = seq
}

func (a *acks) copy() map[string]eventlog.Seq {
	a.mu.Lock()
	defer a.mu.Unlock()
	c := make(map[string]eventlog.Seq, len(a.m))
	maps.Copy(c, a.m)
	return c
}

// pair is what the writers of these tests append: two entries whose payloads
// follow from the key.
func pair(key string) []eventlog.Entry {
	a, b := eventlogtest.Entry("first of "+key), eventlogtest.Entry(strings.Repeat(key, 300))
	a.Key = key
	return []eventlog.Entry{a, b}
}

// lost returns the keys of those acknowledged that l does not hold whole.
func lost(t testing.TB, l *Log, acked map[string]eventlog.Seq) (keys []string) {
	t.Helper()
	for key, seq := range acked {
		at, ok, err := l.Seen(t.Context(), key)
		s, gerr := l.Get(t.Context(), seq+1)
		if err != nil || !ok || at != seq || gerr != nil || string(s.Payload) != strings.Repeat(key, 300) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// crashOnce lets writers append until n are acknowledged, takes a copy of the
// file system as a crash leaves it, and returns the copy with what had been
// acknowledged before.
func crashOnce(t testing.TB, l *Log, fs *vfs.MemFS, a *acks, round, n int, rng *rand.Rand) (*vfs.MemFS, map[string]eventlog.Seq) {
	var wg sync.WaitGroup
	var count atomic.Int64
	enough := make(chan struct{})
	stop := make(chan struct{})
	for w := range 4 {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				key := fmt.Sprintf("round %d writer %d number %d", round, w, i)
				seq, err := l.Append(context.Background(), nil, pair(key))
				if err != nil {
					t.Errorf("Append: %v", err)
					return
				}
				a.add(key, seq)
				if count.Add(1) == int64(n) {
					close(enough)
				}
			}
		})
	}
	<-enough
	acked := a.copy()
	crashed := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101), RNG: rng})
	close(stop)
	wg.Wait()
	return crashed, acked
}

// crashes crashes a log again and again and returns how many acknowledged
// Appends were lost.
func crashes(t *testing.T, o Options, rounds int) (missing int) {
	rng := rand.New(rand.NewPCG(11, 12))
	fs := vfs.NewCrashableMem()
	o.FS, o.MemTableBytes = fs, small
	l := create(t, "log", o)
	var a acks
	for round := range rounds {
		crashed, acked := crashOnce(t, l, fs, &a, round, 20+rng.IntN(60), rng)
		closeLog(t, l)
		fs, o.FS = crashed, crashed
		var err error
		if l, err = Open("log", o); err != nil {
			if o.noSync {
				return missing + 1
			}
			t.Fatalf("round %d: Open: %v", round, err)
		}
		gone := lost(t, l, acked)
		missing += len(gone)
		if len(gone) > 0 {
			if o.noSync {
				break
			}
			t.Errorf("round %d: lost %d of %d acknowledged, %q first", round, len(gone), len(acked), gone[0])
			break
		}
		eventlogtest.Check(t, l)
		a.m = acked
	}
	closeLog(t, l)
	return missing
}

func TestCrash(t *testing.T) {
	t.Parallel()
	if n := crashes(t, Options{}, 40); n > 0 {
		t.Errorf("%d acknowledged Appends lost", n)
	}
}

// TestCrashFindsMissingSync makes sure that TestCrash would notice.
func TestCrashFindsMissingSync(t *testing.T) {
	t.Parallel()
	if n := crashes(t, Options{noSync: true}, 40); n == 0 {
		t.Error("a log that does not sync loses nothing in the crash test")
	}
}

// TestCrashInCreate crashes at every sync of a creation: afterwards either
// Create or Open gives an empty log.
func TestCrashInCreate(t *testing.T) {
	t.Parallel()
	var states []*vfs.MemFS
	var mu sync.Mutex // guards states: Pebble writes from several goroutines
	fs := vfs.NewCrashableMem()
	counting := errorfs.Wrap(fs, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
			mu.Lock()
			defer mu.Unlock()
			states = append(states, fs.CrashClone(vfs.CrashCloneCfg{}))
		}
		return nil
	}))
	closeLog(t, create(t, "log", Options{FS: counting}))
	for i, state := range states {
		l, err := Open("log", Options{FS: state})
		if fault.KindOf(err) == fault.NotFound && err != nil {
			l, err = Create("log", Options{FS: state})
		}
		if err != nil {
			t.Errorf("crash at step %d of %d: %v", i, len(states), err)
			continue
		}
		if _, err := l.Append(t.Context(), nil, pair("one")); err != nil {
			t.Errorf("crash at step %d: Append: %v", i, err)
		}
		eventlogtest.Check(t, l)
		closeLog(t, l)
	}
}

// TestCrashInErase crashes at every step of an erasure and expects that the
// next Open finishes it, or that it had not begun.
func TestCrashInErase(t *testing.T) {
	t.Parallel()
	canary := incompressible(7, 512)
	for _, point := range []string{"flush", "flushed", "compact", "erase-rewritten", "erase-compacted", "erase-closed", "erase-done"} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			fs := vfs.NewCrashableMem()
			var crashed *vfs.MemFS
			var armed atomic.Bool
			rng := rand.New(rand.NewPCG(1, 2))
			o := Options{FS: fs, MemTableBytes: small, Hook: func(p string) {
				if p == point && armed.CompareAndSwap(true, false) {
					crashed = fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rng})
				}
			}}
			l := create(t, "log", o)
			var entries []eventlog.Entry
			for i := range 100 {
				entries = append(entries, eventlogtest.Entry(fmt.Sprintf("payload %d", i)))
			}
			entries[40].Payload = canary
			if _, err := l.Append(t.Context(), nil, entries); err != nil {
				t.Fatal(err)
			}
			closeLog(t, l)
			l = open(t, "log", o)
			salt := saltOf(t, l, 41)
			armed.Store(true)
			if err := l.Erase(t.Context(), 41); err != nil {
				t.Fatal(err)
			}
			closeLog(t, l)
			if crashed == nil {
				t.Fatalf("Erase does not pass %s", point)
			}
			l = open(t, "log", Options{FS: crashed})
			eventlogtest.Check(t, l)
			s, err := l.Get(t.Context(), 41)
			if err != nil {
				t.Fatal(err)
			}
			if s.Erased {
				wantGone(t, crashed, "log", canary, salt)
			}
			if !s.Erased && point != "flush" {
				t.Errorf("crash at %s: payload is back", point)
			}
			if err := l.Erase(t.Context(), 41); err != nil {
				t.Fatal(err)
			}
			wantGone(t, crashed, "log", canary, salt)
			closeLog(t, l)
		})
	}
}

// failingWrites are the kinds of writes that fail together, by name.
func failingWrites() map[string]func(errorfs.Op) bool {
	writes := func(kinds ...errorfs.OpKind) func(errorfs.Op) bool {
		return func(op errorfs.Op) bool { return slices.Contains(kinds, op.Kind) }
	}
	on := func(suffix string, is func(errorfs.Op) bool) func(errorfs.Op) bool {
		return func(op errorfs.Op) bool {
			return is(op) && (strings.HasSuffix(op.Path, suffix) || strings.HasPrefix(filepath.Base(op.Path), suffix))
		}
	}
	write := writes(errorfs.OpFileWrite)
	syncs := writes(errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo)
	all := writes(errorfs.OpFileWrite, errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo,
		errorfs.OpCreate, errorfs.OpRename, errorfs.OpReuseForWrite, errorfs.OpFilePreallocate)
	return map[string]func(errorfs.Op) bool{
		"wal write":      on(".log", write),
		"wal sync":       on(".log", syncs),
		"wal create":     on(".log", writes(errorfs.OpCreate, errorfs.OpReuseForWrite)),
		"manifest write": on("MANIFEST", write),
		"manifest sync":  on("MANIFEST", syncs),
		"table create":   on(".sst", writes(errorfs.OpCreate)),
		"table write":    on(".sst", write),
		"table sync":     on(".sst", syncs),
		"everything":     all,
	}
}

// TestDiskErrors lets writes of one kind fail for a while: what is in the way
// becomes Unavailable, nothing acknowledged is lost, and work goes on after.
func TestDiskErrors(t *testing.T) {
	t.Parallel()
	for name, fails := range failingWrites() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var failing atomic.Bool
			mem := vfs.NewMem()
			fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
				if failing.Load() && fails(op) {
					return &vfsError{syscall.ENOSPC}
				}
				return nil
			}))
			flushed := make(chan struct{}, 1)
			l := create(t, "log", Options{FS: fs, MemTableBytes: small, Hook: func(p string) {
				if p == "flushed" {
					select {
					case flushed <- struct{}{}:
					default:
					}
				}
			}})
			a := map[string]eventlog.Seq{}
			refused := 0
			add := func(key string) error {
				e := pair(key)
				e[1].Payload = []byte(strings.Repeat(key, 300))
				big := eventlogtest.Entry("")
				big.Payload = incompressible(1, 20<<10)
				seq, err := l.Append(t.Context(), nil, append(e, big))
				if err == nil {
					a[key] = seq
				} else {
					wantUnavailable(t, err)
					refused++
				}
				return err
			}
			for i := range 10 {
				if err := add(fmt.Sprint("before ", i)); err != nil {
					t.Fatal(err)
				}
			}
			for round := range 3 {
				failing.Store(true)
				for i := 0; refused < 3*(round+1); i++ {
					_ = add(fmt.Sprint("during ", round, " ", i))
					if t.Failed() {
						return
					}
				}
				failing.Store(false)
				for i := range 20 {
					key := fmt.Sprint("after ", round, " ", i)
					for add(key) != nil {
						<-flushed // a failed flush is tried again by itself
						if t.Failed() {
							return
						}
					}
				}
				if gone := lost(t, l, a); len(gone) > 0 {
					t.Errorf("lost %q", gone)
				}
				eventlogtest.Check(t, l)
			}
			closeLog(t, l)
			l = open(t, "log", Options{FS: mem})
			if gone := lost(t, l, a); len(gone) > 0 {
				t.Errorf("lost after reopening: %q", gone)
			}
			eventlogtest.Check(t, l)
			closeLog(t, l)
		})
	}
}

// vfsError is an error as the operating system gives it.
type vfsError struct{ syscall.Errno }

func (e *vfsError) Unwrap() error { return e.Errno }

func wantUnavailable(t testing.TB, err error) {
	t.Helper()
	if fault.KindOf(err) != fault.Unavailable || fault.HintOf(err) == "" {
		t.Errorf("error = %v, want Unavailable with a hint", err)
	}
}

// flip inverts a byte of a file.
func flip(t testing.TB, fs vfs.FS, name string, at int) {
	t.Helper()
	b := readFile(t, fs, name)
	b[at] ^= 0xff
	writeFile(t, fs, name, b)
}

func readFile(t testing.TB, fs vfs.FS, name string) []byte {
	t.Helper()
	f, err := fs.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func writeFile(t testing.TB, fs vfs.FS, name string, b []byte) {
	t.Helper()
	f, err := fs.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	// The file system in memory may spoil what it is given, to find out who keeps
	// it: under the race detector it does.
	if _, err := f.Write(bytes.Clone(b)); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// clone copies a directory into a new file system in memory.
func clone(t testing.TB, fs vfs.FS, dir string) *vfs.MemFS {
	t.Helper()
	to := vfs.NewMem()
	if _, err := vfs.Clone(fs, to, dir, dir); err != nil {
		t.Fatal(err)
	}
	return to
}

func filesOf(t testing.TB, fs vfs.FS, dir, suffix string) (names []string) {
	t.Helper()
	all, err := fs.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range all {
		if strings.HasSuffix(name, suffix) {
			names = append(names, fs.PathJoin(dir, name))
		}
	}
	slices.Sort(names)
	return names
}

// TestFlippedTable flips bytes all over the tables: whatever cannot be read
// right is named, and nothing is read wrong.
func TestFlippedTable(t *testing.T) {
	t.Parallel()
	fs := vfs.NewMem()
	const block = 2 << 10
	l := create(t, "log", Options{FS: fs, MemTableBytes: small, blockBytes: block})
	r := rand.New(rand.NewPCG(3, 4))
	var want []eventlog.Entry
	for range 400 {
		part := receipts(r, 4) // small pages in small blocks, quickly searched
		want = append(want, part...)
		if _, err := l.Append(t.Context(), nil, part); err != nil {
			t.Fatal(err)
		}
	}
	closeLog(t, l)
	named, refused := 0, 0
	const flips = 8
	for i := range flips {
		copied := clone(t, fs, "log")
		tables := slices.DeleteFunc(filesOf(t, copied, "log", ".sst"), func(name string) bool {
			return len(readFile(t, copied, name)) < 20<<10 // no pages but the first
		})
		name := tables[i%len(tables)]
		at := r.IntN(len(readFile(t, copied, name)))
		flip(t, copied, name, at)
		l, err := Open("log", Options{FS: copied, blockBytes: block})
		if err != nil {
			if fault.KindOf(err) != fault.Internal {
				t.Errorf("%s byte %d: Open = %v, want Internal", name, at, err)
			}
			refused++
			continue
		}
		var problems []string
		if _, _, err := l.Verify(t.Context(), func(p string) { problems = append(problems, p) }); err != nil {
			t.Errorf("%s byte %d: Verify = %v", name, at, err)
		}
		tried := 0
		for j, e := range want {
			seq := eventlog.Seq(j + 1)
			if !covered(problems, j+1) {
				if s, err := l.Get(t.Context(), seq); err != nil || !bytes.Equal(s.Payload, e.Payload) {
					t.Errorf("%s byte %d: Get(%d) = %d bytes, %v; Verify says only %q", name, at, seq, len(s.Payload), err, problems)
				}
				continue
			}
			if tried++; tried > 2 {
				continue // each costs a search for the flipped bit
			}
			_, err := l.Get(t.Context(), seq)
			if fault.KindOf(err) != fault.Internal || err == nil || !strings.Contains(err.Error(), fmt.Sprintf("entry %d", seq)) {
				t.Errorf("%s byte %d: Get(%d) = %v, want Internal that names it", name, at, seq, err)
			}
		}
		if tried > 0 {
			named++
			var last eventlog.Seq
			var readErr error
			for s, err := range l.Read(t.Context(), 1) {
				if err != nil && s.Seq != last+1 {
					t.Errorf("%s byte %d: Read ends at %d with the error of %d", name, at, last, s.Seq)
				}
				last, readErr = s.Seq, err
			}
			if readErr == nil || !covered(problems, int(last)) {
				t.Errorf("%s byte %d: Read ends at %d with %v, Verify says %q", name, at, last, readErr, problems)
			}
		}
		closeLog(t, l)
	}
	t.Logf("%d flipped bytes: %d named, %d refused at Open", flips, named, refused)
	if named < flips/2 {
		t.Errorf("only %d of %d flipped bytes were named", named, flips)
	}
}

// covered reports whether one of the problems names entry n.
func covered(problems []string, n int) bool {
	for _, p := range problems {
		var a, b int
		if k, _ := fmt.Sscanf(p, "entries %d to %d", &a, &b); k == 2 && a <= n && n <= b {
			return true
		}
		if k, _ := fmt.Sscanf(p, "entry %d", &a); k == 1 && a == n {
			return true
		}
	}
	return false
}

// TestTornLog cuts the write-ahead log short: what is left is a prefix in order.
func TestTornLog(t *testing.T) {
	t.Parallel()
	fs, acked := unclean(t)
	logs := filesOf(t, fs, "log", ".log")
	name := logs[len(logs)-1]
	whole := readFile(t, fs, name)
	heads := map[eventlog.Seq]bool{}
	for _, cut := range []int{1, 7, 100, 1000, len(whole) / 3, len(whole) / 2, len(whole) - 300, len(whole) - 1, len(whole)} {
		copied := clone(t, fs, "log")
		writeFile(t, copied, name, whole[:cut])
		l, err := Open("log", Options{FS: copied})
		if err != nil {
			t.Errorf("cut to %d of %d bytes: Open: %v", cut, len(whole), err)
			continue
		}
		eventlogtest.Check(t, l)
		head, _, _ := l.Head(t.Context())
		heads[head] = true
		if head%2 != 0 {
			t.Errorf("cut to %d bytes: half an Append is left: head %d", cut, head)
		}
		if head == eventlog.Seq(2*len(acked)) != (len(lost(t, l, acked)) == 0) {
			t.Errorf("cut to %d bytes: head is %d of %d", cut, head, 2*len(acked))
		}
		closeLog(t, l)
	}
	if len(heads) < 4 {
		t.Errorf("heads after cutting = %v, want several", heads)
	}
}

// TestFlippedLog flips a byte of a write-ahead log that was synced past it:
// the log refuses to open rather than lose what was acknowledged.
func TestFlippedLog(t *testing.T) {
	t.Parallel()
	fs, acked := unclean(t)
	logs := filesOf(t, fs, "log", ".log")
	name := logs[len(logs)-1]
	size := len(bytes.TrimRight(readFile(t, fs, name), "\x00"))
	silent := 0
	const tries = 20
	for i := range tries {
		copied := clone(t, fs, "log")
		flip(t, copied, name, 20+i*(size*3/4)/tries)
		l, err := Open("log", Options{FS: copied})
		if err != nil {
			if fault.KindOf(err) != fault.Internal || fault.HintOf(err) == "" {
				t.Errorf("Open = %v, want Internal with a hint", err)
			}
			continue
		}
		if len(lost(t, l, acked)) > 0 {
			silent++
		}
		closeLog(t, l)
	}
	if silent > 0 {
		t.Errorf("%d of %d flipped bytes lose acknowledged entries without a word", silent, tries)
	}
}

// unclean returns a log that was never closed, with what it acknowledged.
func unclean(t *testing.T) (vfs.FS, map[string]eventlog.Seq) {
	fs := vfs.NewCrashableMem()
	l := create(t, "log", Options{FS: fs})
	acked := map[string]eventlog.Seq{}
	for i := range 60 {
		key := fmt.Sprint("key ", i)
		seq, err := l.Append(t.Context(), nil, pair(key))
		if err != nil {
			t.Fatal(err)
		}
		acked[key] = seq
	}
	crashed := fs.CrashClone(vfs.CrashCloneCfg{})
	closeLog(t, l)
	return crashed, acked
}

func TestOpenCreate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := Open(filepath.Join(dir, "none"), Options{}); fault.KindOf(err) != fault.NotFound {
		t.Errorf("Open of nothing = %v, want NotFound", err)
	}
	if _, err := Open(dir, Options{}); fault.KindOf(err) != fault.NotFound {
		t.Errorf("Open of an empty directory = %v, want NotFound", err)
	}
	if names := filesOf(t, vfs.Default, dir, ""); len(names) > 0 {
		t.Errorf("Open left %q", names)
	}
	l := create(t, filepath.Join(dir, "a", "b"), Options{})
	if _, err := l.Append(t.Context(), nil, pair("one")); err != nil {
		t.Fatal(err)
	}
	head, chain, _ := l.Head(t.Context())
	if _, err := Open(filepath.Join(dir, "a", "b"), Options{}); fault.KindOf(err) != fault.Unavailable || fault.HintOf(err) == "" {
		t.Errorf("second Open = %v, want Unavailable with a hint", err)
	}
	closeLog(t, l)
	if _, err := Create(filepath.Join(dir, "a", "b"), Options{}); fault.KindOf(err) != fault.Conflict {
		t.Errorf("second Create = %v, want Conflict", err)
	}
	l = open(t, filepath.Join(dir, "a", "b"), Options{})
	if got, gotChain, err := l.Head(t.Context()); got != head || gotChain != chain || err != nil {
		t.Errorf("Head after Open = %d, %x, %v, want %d, %x", got, gotChain, err, head, chain)
	}
	if l.DiskBytes() == 0 {
		t.Error("DiskBytes = 0")
	}
	eventlogtest.Check(t, l)
	closeLog(t, l)
}

// TestDamagedEnd damages what Open needs: it names the file or the entries, and
// says what to do.
func TestDamagedEnd(t *testing.T) {
	t.Parallel()
	fs := vfs.NewMem()
	l := create(t, "log", Options{FS: fs, blockBytes: 2 << 10})
	for i := range 40 {
		e := pair(fmt.Sprint("key ", i))
		e[0].Payload = incompressible(byte(i), 3<<10)
		if _, err := l.Append(t.Context(), nil, e); err != nil {
			t.Fatal(err)
		}
	}
	closeLog(t, l)
	// The table with the pages is the largest.
	last := slices.MaxFunc(filesOf(t, fs, "log", ".sst"), func(a, b string) int { return len(readFile(t, fs, a)) - len(readFile(t, fs, b)) })
	desc, err := pebble.Peek("log", fs)
	if err != nil {
		t.Fatal(err)
	}
	manifest := filepath.Base(desc.ManifestFilename)
	for name, c := range map[string]struct {
		spoil func(fs vfs.FS)
		want  []string
	}{
		"table": {func(fs vfs.FS) {
			b := readFile(t, fs, last)
			for at := len(b) / 4; at < len(b)*97/100; at++ {
				b[at] ^= 0xff
			}
			writeFile(t, fs, last, b)
		}, []string{"entries from ", " on: damaged: ", filepath.Base(last)}},
		"table gone": {func(fs vfs.FS) {
			if err := fs.Remove(last); err != nil {
				t.Fatal(err)
			}
		}, []string{filepath.Base(last)[:6]}},
		"table cut short": {func(fs vfs.FS) { b := readFile(t, fs, last); writeFile(t, fs, last, b[:len(b)/2]) }, []string{filepath.Base(last)[:6]}},
		"manifest": {func(fs vfs.FS) {
			name := "log/" + manifest
			flip(t, fs, name, len(readFile(t, fs, name))/3)
		}, []string{manifest}},
		"manifest gone": {func(fs vfs.FS) {
			if err := fs.Remove("log/" + manifest); err != nil {
				t.Fatal(err)
			}
		}, []string{manifest}},
	} {
		copied := clone(t, fs, "log")
		c.spoil(copied)
		l, err := Open("log", Options{FS: copied, blockBytes: 2 << 10})
		if err == nil {
			t.Errorf("%s: Open succeeds", name)
			closeLog(t, l)
			continue
		}
		if !errors.Is(err, eventlog.ErrDamaged) || fault.KindOf(err) != fault.Internal || fault.HintOf(err) == "" {
			t.Errorf("%s: Open = %v (%s), want Internal with ErrDamaged and a hint", name, err, fault.KindOf(err))
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: Open = %v, want %q in it", name, err, want)
			}
		}
	}
}
