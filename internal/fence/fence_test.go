package fence_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"casus/internal/fence"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// broken is a file system whose writes to some files fail while failing is set.
type broken struct {
	vfs.FS
	failing atomic.Bool
	writes  atomic.Int64 // that reached the disk
}

func breakable(mark string) *broken {
	b := &broken{}
	b.FS = errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() != errorfs.OpIsWrite || !strings.Contains(op.Path, mark) {
			return nil
		}
		if b.failing.Load() {
			return syscall.ENOSPC
		}
		b.writes.Add(1)
		return nil
	}))
	return b
}

// TestHidden: a failed write of anything but a table is noted and hidden, and
// from then on nothing is written.
func TestHidden(t *testing.T) {
	t.Parallel()
	fs := breakable("a.log")
	f := fence.New(fs)
	f.Opened()
	file, err := f.Create("a.log", vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	write := func() {
		t.Helper()
		if n, err := file.Write([]byte("ab")); n != 2 || err != nil {
			t.Errorf("Write = %d, %v, want 2 and no error", n, err)
		}
		if _, err := file.SyncTo(2); err != nil {
			t.Errorf("SyncTo: %v", err)
		}
	}
	write()
	if f.Dead() || f.Failure() != nil {
		t.Errorf("Failure of a disk that works = %v", f.Failure())
	}
	fs.failing.Store(true)
	write()
	if !errors.Is(f.Failure(), syscall.ENOSPC) || !f.Dead() {
		t.Errorf("Failure = %v, want the first that was hidden", f.Failure())
	}
	fs.failing.Store(false)
	reached := fs.writes.Load()
	write()
	if err := errors.Join(file.Sync(), file.SyncData(), file.Close(), f.Rename("a.log", "b.log"), f.Link("a.log", "c.log"), f.Remove("a.log"), f.RemoveAll("a.log")); err != nil {
		t.Errorf("after a failure: %v, want it hidden", err)
	}
	other, err := f.Create("a.log", vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Write([]byte("ab")); err != nil {
		t.Error(err)
	}
	if n := fs.writes.Load(); n != reached {
		t.Errorf("%d writes reached the disk after one had failed", n-reached)
	}
	if _, err := f.Create("a.sst", vfs.WriteCategoryUnspecified); err == nil {
		t.Error("a table can be made after a write had failed")
	}
}

// TestTables: failed writes of tables are told, and are no end.
func TestTables(t *testing.T) {
	t.Parallel()
	fs := breakable(".sst")
	f := fence.New(fs)
	f.Opened()
	file, err := f.Create("a.sst", vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	fs.failing.Store(true)
	if _, err := file.Write([]byte("a")); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("Write = %v, want the disk's error", err)
	}
	if _, err := f.Create("b.sst", vfs.WriteCategoryUnspecified); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("Create = %v, want the disk's error", err)
	}
	fs.failing.Store(false)
	if _, err := f.Create("b.sst", vfs.WriteCategoryUnspecified); err != nil || f.Dead() {
		t.Errorf("Create after the disk was full = %v; dead: %v", err, f.Dead())
	}

	// Until Opened, they are hidden as others are.
	fs.failing.Store(true)
	f = fence.New(fs)
	if _, err := f.Create("c.sst", vfs.WriteCategoryUnspecified); err != nil || !f.Dead() {
		t.Errorf("Create before Opened = %v; dead: %v", err, f.Dead())
	}
}

// TestReleased: who waits to try a table again goes on when the store closes.
func TestReleased(t *testing.T) {
	t.Parallel()
	fs := breakable(".sst")
	fs.failing.Store(true)
	f := fence.New(fs)
	f.Opened()
	for range 3 {
		if _, err := f.Create("a.sst", vfs.WriteCategoryUnspecified); err == nil {
			t.Fatal("the disk is not full")
		}
	}
	f.Release()
	f.Release()
	start := time.Now()
	for range 20 {
		if _, err := f.Create("a.sst", vfs.WriteCategoryUnspecified); err == nil {
			t.Fatal("the disk is not full")
		}
	}
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("20 tries took %v after Release", took)
	}
}

// TestDamagedBlock: what Pebble reads in good order passes, and each damaged
// block is found before Pebble looks for the bit.
func TestDamagedBlock(t *testing.T) {
	t.Parallel()
	mem := vfs.NewMem()
	open := func() *pebble.DB {
		t.Helper()
		f := fence.New(mem)
		db, err := pebble.Open("db", &pebble.Options{FS: f, FormatMajorVersion: pebble.FormatNewest, DisableWAL: true, EventListener: &pebble.EventListener{DataCorruption: func(pebble.DataCorruptionInfo) {}}, Logger: quiet{}})
		if err != nil {
			t.Fatal(err)
		}
		f.Opened()
		return db
	}
	db := open()
	const keys = 3000
	for i := range keys {
		if err := db.Set(fmt.Appendf(nil, "key %05d", i), fmt.Appendf(nil, "%0200d", i*i), pebble.NoSync); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(db.Flush(), db.Compact(t.Context(), []byte("a"), []byte("z"), false), db.Close()); err != nil {
		t.Fatal(err)
	}
	scan := func() (n int, err error) {
		db := open()
		defer func() { err = errors.Join(err, db.Close()) }()
		it, err := db.NewIter(nil)
		if err != nil {
			return 0, err
		}
		for ok := it.First(); ok; ok = it.Next() {
			n++
		}
		return n, errors.Join(it.Error(), it.Close())
	}
	if n, err := scan(); n != keys || err != nil {
		t.Fatalf("scan = %d keys, %v, want %d", n, err, keys)
	}
	names, err := mem.List("db")
	if err != nil {
		t.Fatal(err)
	}
	tables := 0
	for _, name := range names {
		if !strings.HasSuffix(name, ".sst") {
			continue
		}
		tables++
		flip(t, mem, "db/"+name)
		n, err := scan()
		if !pebble.IsCorruptionError(err) || !strings.Contains(err.Error(), name+": the block at byte ") {
			t.Errorf("scan of %s with a flipped byte = %d keys, %v; want corruption that names the block", name, n, err)
		}
		flip(t, mem, "db/"+name)
	}
	if n, err := scan(); n != keys || err != nil || tables == 0 {
		t.Errorf("scan of %d tables as they were = %d keys, %v, want %d", tables, n, err, keys)
	}
}

// flip inverts a byte in the first third of a file.
func flip(t *testing.T, fs vfs.FS, name string) {
	t.Helper()
	f, err := fs.OpenReadWrite(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	st, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 1)
	at := st.Size() / 3
	if _, err := f.ReadAt(b, at); err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	b[0] ^= 0xff
	if _, err := f.WriteAt(b, at); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

type quiet struct{}

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}
func (quiet) Fatalf(format string, args ...any) {
	panic(fmt.Sprintf(format, args...))
}
