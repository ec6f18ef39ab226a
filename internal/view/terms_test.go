package view

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"
	"testing"

	"casus/internal/bench"
	"casus/stix"
)

// collision returns two texts of 64 bytes that xxHash64 without a key maps to the
// same 64 bits: what the first block does to a lane, the second takes back.
func collision(n uint64) (a, b []byte) {
	const p1, p2 = 0x9e3779b185ebca87, 0xc2b2ae3d27d4eb4f
	inverse := uint64(1)
	for range 6 {
		inverse *= 2 - p2*inverse
	}
	first := uint64(p1)
	first += p2
	round := func(x uint64) uint64 { return bits.RotateLeft64(first+x*p2, 31) * p1 }
	a, b = bytes.Repeat([]byte{'x'}, 64), bytes.Repeat([]byte{'x'}, 64)
	x, y := binary.LittleEndian.Uint64(a), binary.LittleEndian.Uint64(a[32:])
	binary.LittleEndian.PutUint64(b, x+n)
	binary.LittleEndian.PutUint64(b[32:], y+(round(x)-round(x+n))*inverse)
	return a, b
}

func TestTermsKeepCollisions(t *testing.T) {
	t.Parallel()
	a, b := collision(1)
	if hashKey(a) != hashKey(b) {
		t.Fatal("the two texts do not collide")
	}
	for _, before := range []int{0, fewTerms - 2, fewTerms - 1, fewTerms, 500} {
		terms := &Terms{}
		add := func(key []byte) bool {
			terms.buf = append(terms.buf, key...)
			return terms.add()
		}
		var want [][]byte
		for i := range before {
			want = append(want, fmt.Appendf(nil, "w%d", i))
			add(want[i])
		}
		want = append(want, a, b)
		if !add(a) || !add(b) {
			t.Errorf("after %d others, a term that collides with another is left out", before)
		}
		for _, key := range want {
			if add(key) {
				t.Errorf("after %d others, %.20q is added again", before, key)
			}
		}
		var got [][]byte
		for key := range terms.each {
			got = append(got, key)
		}
		if !bytes.Equal(bytes.Join(got, []byte{0}), bytes.Join(want, []byte{0})) {
			t.Errorf("after %d others, there are %d terms, or others than the %d added", before, len(got), len(want))
		}
	}
}

func BenchmarkTermsOf(b *testing.B) {
	var lines bytes.Buffer
	if _, err := bench.Write(&lines, 2000, 1); err != nil {
		b.Fatal(err)
	}
	var all []*stix.Object
	for line := range bytes.Lines(lines.Bytes()) {
		o, err := stix.Parse(bytes.TrimSpace(line), stix.Limits{})
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, o)
	}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		TermsOf(all[n%len(all)])
		n++
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "objects/s")
}
