package kv

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestPostings reads sets of each form and size as a whole, from behind, and by
// their ends.
func TestPostings(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for _, size := range []int{0, 1, 2, ListMax, ListMax + 1, 5000, 60_000} {
		var want Postings
		for range size {
			want = append(want, uint16(r.Uint32()))
		}
		slices.Sort(want)
		want = slices.Compact(want)
		b := want.Append(nil)
		got, err := ParsePostings(b)
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("ParsePostings of %d members = %d, %v", len(want), len(got), err)
		}
		back, err := Backward(b)
		if err != nil {
			t.Fatal(err)
		}
		var from Postings
		for v := range back {
			from = append(from, v)
		}
		slices.Reverse(from)
		if !slices.Equal(from, want) {
			t.Errorf("Backward of %d members gives %d", len(want), len(from))
		}
		for range back {
			break
		}
		for _, n := range []int{0, 1, 10, 100} {
			low, high, all, err := Ends(b, n, n+1)
			if err != nil {
				t.Fatal(err)
			}
			type ends struct {
				Low, High Postings
				N         int
			}
			wantEnds := ends{want[:min(n, len(want))], want[len(want)-min(n+1, len(want)):], len(want)}
			if diff := cmp.Diff(wantEnds, ends{low, high, all}, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("Ends of %d members, %d of each (-want +got):\n%s", len(want), n, diff)
			}
		}
	}
}

// FuzzPostings reads damaged sets: none may panic, and what is read is the same
// whichever way.
func FuzzPostings(f *testing.F) {
	f.Add(Postings{1, 2, 3}.Append(nil))
	var many Postings
	for i := range uint16(300) {
		many = append(many, i*7)
	}
	f.Add(many.Append(nil))
	f.Add([]byte{tagBitmap, 0x3b, 0x30, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		whole, err := ParsePostings(b)
		back, berr := Backward(b)
		if err != nil || berr != nil {
			return
		}
		n := 0
		for range back {
			n++
		}
		if n != len(whole) {
			t.Errorf("%d members, from behind %d", len(whole), n)
		}
	})
}
