package pebblekv_test

import (
	"encoding/binary"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"casus/internal/kv"
	"casus/internal/kv/kvtest"
	"casus/internal/kv/pebblekv"
)

func TestContract(t *testing.T) {
	t.Parallel()
	kvtest.Run(t, func(t *testing.T) kv.Store {
		t.Helper()
		s, err := pebblekv.Open("views", pebblekv.Options{FS: vfs.NewMem()})
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
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
