package marking

import (
	"fmt"
	"testing"

	"casus/internal/core/alliance"
	"casus/tlp"
)

func builtIn(tb testing.TB) *Policy {
	tb.Helper()
	p, err := BuiltIn()
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// manySets returns n sets, all different, as a busy node might hold.
func manySets(n int) []Set {
	sets := make([]Set, n)
	for i := range sets {
		org := alliance.Org(fmt.Sprintf("M%02d/csirt", i%40))
		sets[i] = Set{
			TLP:   tlp.Labels()[i%5],
			Owner: org, Recipients: Only(org, "AAA/csirt", alliance.Org(fmt.Sprintf("M%02d/mod", i/40%40))), Caveats: []string{fmt.Sprintf("CASE %d", i)},
		}
		if i%3 == 0 {
			sets[i].Caveats = nil
			sets[i].Refs = []string{fmt.Sprintf("marking-definition--%d", i)}
		}
		if i%7 == 0 {
			sets[i].Releasable = Only[alliance.Member]("AAA", "BBB")
			sets[i].Classes = []Level{"alliance/RESTRICTED"}
		}
	}
	return sets
}

// The bar: a new class of readers over 5,000 sets in under 30 ms.
func BenchmarkReadable(b *testing.B) {
	p := builtIn(b)
	marked := Mark(func(string) bool { return true }, manySets(5000)...)
	r := Reader{Org: "AAA/csirt", Role: alliance.Analyst, Community: true, Cleared: []Level{"alliance/RESTRICTED"}, Caveats: []string{"CASE 1"}}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		s, err := p.Readable(r, marked, latticeNow)
		if err != nil || len(s.Errors) > 0 || s.Count() == 0 {
			b.Fatalf("Readable = %d of %d, %v, %v", s.Count(), s.Len(), s.Errors, err)
		}
		n += s.Len()
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "sets/s")
}

// The bar: under 5 ns for each of a million objects.
func BenchmarkHas(b *testing.B) {
	p := builtIn(b)
	s, err := p.Readable(reader(), Mark(func(string) bool { return true }, manySets(5000)...), latticeNow)
	if err != nil {
		b.Fatal(err)
	}
	objects := make([]uint32, 1_000_000)
	for i := range objects {
		objects[i] = uint32(i*7919) % 5000
	}
	for b.Loop() {
		n := 0
		for _, no := range objects {
			if s.Has(no) {
				n++
			}
		}
		if n == 0 {
			b.Fatal("nothing is readable")
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(objects)), "ns/object")
}

func BenchmarkMark(b *testing.B) {
	sets := manySets(5000)
	b.ReportAllocs()
	for b.Loop() {
		if got := Mark(nil, sets...); len(got) != len(sets) {
			b.Fatal("short")
		}
	}
}
