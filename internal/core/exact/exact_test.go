package exact

import (
	"math"
	"math/rand/v2"
	"testing"
)

// near reports whether got differs from want by at most that many units of the
// last place of want.
func near(got, want, ulps float64) bool {
	return got == want || math.Abs(got-want) <= ulps*(math.Nextafter(math.Abs(want), math.Inf(1))-math.Abs(want))
}

// TestAgainstMath holds the functions against the standard library's, which is no
// further from the truth than they are.
func TestAgainstMath(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 200_000 {
		x := math.Ldexp(1+r.Float64(), r.IntN(120)-60)
		// Close to 1 the logarithm is close to 0, and what counts is its error beside 1.
		if got, want := Log2(x), math.Log2(x); !near(got, want, 4) && math.Abs(got-want) > 4e-16 {
			t.Fatalf("Log2(%v) = %v, want %v", x, got, want)
		}
		y := 200 * (r.Float64() - 0.5)
		if got, want := Exp2(y), math.Exp2(y); !near(got, want, 4) {
			t.Fatalf("Exp2(%v) = %v, want %v", y, got, want)
		}
		b, e := r.Float64(), 5*r.Float64()
		if got, want := Pow(b, e), math.Pow(b, e); math.Abs(got-want) > 1e-14*want {
			t.Fatalf("Pow(%v, %v) = %v, want %v", b, e, got, want)
		}
	}
}

// TestBits pins results to the last bit: another machine, compiler or optimisation
// must give these.
func TestBits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		got  float64
		want uint64
	}{
		{"Log2(3)", Log2(3), 0x3ff95c01a39fbd69},
		{"Log2(0.1)", Log2(0.1), 0xc00a934f0979a371},
		{"Exp2(0.5)", Exp2(0.5), 0x3ff6a09e667f3bcc},
		{"Exp2(-1/3)", Exp2(-1.0 / 3), 0x3fe965fea53d6e3d},
		{"Pow(0.8249, 1.5)", Pow(0.8249, 1.5), 0x3fe7f9816cd252ed},
	} {
		if got := math.Float64bits(c.got); got != c.want {
			t.Errorf("%s = %#x (%v), want %#x (%v)", c.name, got, c.got, c.want, math.Float64frombits(c.want))
		}
	}
}

func TestEdges(t *testing.T) {
	t.Parallel()
	inf := math.Inf(1)
	for _, c := range []struct {
		name      string
		got, want float64
	}{
		{"Log2(0)", Log2(0), -inf},
		{"Log2(+Inf)", Log2(inf), inf},
		{"Log2(8)", Log2(8), 3},
		{"Log2(2^-1074)", Log2(math.SmallestNonzeroFloat64), -1074},
		{"Exp2(10)", Exp2(10), 1024},
		{"Exp2(2000)", Exp2(2000), inf},
		{"Exp2(-Inf)", Exp2(-inf), 0},
		{"Exp2(-1074)", Exp2(-1074), math.SmallestNonzeroFloat64},
		{"Pow(0, 0)", Pow(0, 0), 1},
		{"Pow(0, 2)", Pow(0, 2), 0},
		{"Pow(0, -1)", Pow(0, -1), inf},
		{"Pow(7, 1)", Pow(7, 1), 7},
		{"Sum of nothing", Sum(), 0},
		{"Product of nothing", Product(), 1},
		{"Product", Product(2, 3, 4), 24},
		{"Dot of unequal lengths", Dot([]float64{1, 2, 9}, []float64{3, 4}), 11},
	} {
		if c.got != c.want {
			t.Errorf("%s = %v, want %v", c.name, c.got, c.want)
		}
	}
	for name, got := range map[string]float64{"Log2(-1)": Log2(-1), "Pow(-1, 2)": Pow(-1, 2), "Exp2(NaN)": Exp2(math.NaN())} {
		if !math.IsNaN(got) {
			t.Errorf("%s = %v, want NaN", name, got)
		}
	}
}

func TestRound(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in   float64
		want Micro
		ok   bool
	}{
		{0, 0, true},
		{0.1, 100_000, true},
		{1.0000005, 1_000_001, true},
		{-1.0000005, -1_000_001, true},
		{0.9999994, 999_999, true},
		{88.61788617886, 88_617_886, true},
		{math.NaN(), 0, false},
		{math.Inf(-1), 0, false},
		{1e10, 0, false},
	} {
		if got, ok := Round(c.in); got != c.want || ok != c.ok {
			t.Errorf("Round(%v) = %v, %v, want %v, %v", c.in, got, ok, c.want, c.ok)
		}
	}
	if got := Micro(-1_500_000).Float(); got != -1.5 {
		t.Errorf("Float = %v, want -1.5", got)
	}
}
