package pebblekv_test

import (
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"casus/internal/fault"
	"casus/internal/kv"
	"casus/internal/kv/kvtest"
	"casus/internal/kv/pebblekv"
)

func TestContract(t *testing.T) {
	t.Parallel()
	kvtest.Run(t, func(t *testing.T) (kv.Store, func() map[string][]byte) {
		t.Helper()
		fs := vfs.NewMem()
		s, err := pebblekv.Open("views", pebblekv.Options{FS: fs})
		if err != nil {
			t.Fatal(err)
		}
		return s, func() map[string][]byte { return files(t, fs) }
	})
}

// files returns what the files of the store hold.
func files(t *testing.T, fs vfs.FS) map[string][]byte {
	t.Helper()
	names, err := fs.List("views")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]byte{}
	for _, name := range names {
		f, err := fs.Open(fs.PathJoin("views", name))
		if err != nil {
			continue // deleted meanwhile
		}
		if all[name], err = io.ReadAll(f); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// TestFailures gives errors of the disk a kind and a hint.
func TestFailures(t *testing.T) {
	t.Parallel()
	var failing, damaging atomic.Bool
	fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if failing.Load() && strings.HasSuffix(op.Path, ".sst") && op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
			return syscall.ENOSPC
		}
		if damaging.Load() && op.Kind == errorfs.OpFileReadAt {
			return pebble.ErrCorruption
		}
		return nil
	}))
	s, err := pebblekv.Open("views", pebblekv.Options{FS: fs, CacheBytes: 1})
	if err != nil {
		t.Fatal(err)
	}
	set := func() {
		b := s.Batch()
		defer b.Discard()
		if err := errors.Join(b.Set([]byte("k"), []byte("v")), b.Commit()); err != nil {
			t.Fatal(err)
		}
	}
	set()
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	want := func(what string, err error, kind fault.Kind) {
		t.Helper()
		if err == nil || fault.KindOf(err) != kind || fault.HintOf(err) == "" {
			t.Errorf("%s = %v (%s, hint %q), want %s with a hint", what, err, fault.KindOf(err), fault.HintOf(err), kind)
		}
	}
	set()
	failing.Store(true)
	want("Flush on a full disk", s.Flush(), fault.Unavailable)
	want("Erase on a full disk", s.Erase([]byte("a"), nil), fault.Unavailable)
	failing.Store(false)
	if err := s.Flush(); err != nil {
		t.Errorf("Flush after the disk was full: %v", err)
	}
	damaging.Store(true)
	_, _, err = s.Get([]byte("k"))
	want("Get of what is damaged", err, fault.Internal)
	for _, err := range s.Scan([]byte("a"), nil) {
		want("Scan of what is damaged", err, fault.Internal)
	}
	damaging.Store(false)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestManyBatches commits more than the write buffers hold, beginning with the
// small ones: a commit waits for room, and room comes.
func TestManyBatches(t *testing.T) {
	t.Parallel()
	s, err := pebblekv.Open("views", pebblekv.Options{FS: vfs.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	value := make([]byte, 1<<10)
	const batches, keys = 100, 200
	for i := range batches {
		b := s.Batch()
		for j := range keys {
			if err := b.Set(binary.BigEndian.AppendUint64(nil, uint64(i*keys+j)), value); err != nil {
				t.Fatal(err)
			}
		}
		if err := b.Commit(); err != nil {
			t.Fatal(err)
		}
		b.Discard()
	}
	n := 0
	for _, err := range s.Scan([]byte{0}, nil) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != batches*keys {
		t.Errorf("%d keys, want %d", n, batches*keys)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
