package view

import (
	"encoding/binary"
	"testing"

	"casus/internal/kv/memkv"
)

func TestBloom(t *testing.T) {
	t.Parallel()
	b := newBloom()
	const n = 400_000
	key := func(i int) uint64 { return hashKey(binary.BigEndian.AppendUint64(nil, uint64(i))) }
	for i := range n {
		b.add(key(i))
	}
	for i := range n {
		if !b.has(key(i)) {
			t.Fatalf("has(%d) = false after add", i)
		}
	}
	wrong := 0
	for i := n; i < 2*n; i++ {
		if b.has(key(i)) {
			wrong++
		}
	}
	if wrong > n/50 {
		t.Errorf("%d of %d misses let through, want at most 2 %%", wrong, n)
	}
	store := memkv.New()
	if err := b.save(store, 7); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := loadBloom(store, 8); ok || err != nil {
		t.Errorf("loadBloom of another mark = %v, %v", ok, err)
	}
	got, ok, err := loadBloom(store, 7)
	if !ok || err != nil {
		t.Fatalf("loadBloom = %v, %v", ok, err)
	}
	for i := range 2 * n {
		if got.has(key(i)) != b.has(key(i)) {
			t.Fatalf("saved filter differs at %d", i)
		}
	}
}

func BenchmarkBloom(bb *testing.B) {
	b := newBloom()
	for i := range 1_000_000 {
		b.add(hashKey(binary.BigEndian.AppendUint64(nil, uint64(i))))
	}
	i := uint64(0)
	for bb.Loop() {
		b.has(i * 0x9e3779b97f4a7c15)
		i++
	}
	bb.ReportMetric(float64(bb.N)/bb.Elapsed().Seconds(), "lookups/s")
}
