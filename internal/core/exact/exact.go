// Package exact has the arithmetic of published figures. Given the same numbers it
// gives the same bits on every machine, so that nodes agree on a figure and an
// auditor can repeat it.
//
// It promises that because every product is rounded before it is added to anything
// (a compiler may fuse a*b+c, with another last bit, unless the product is
// converted), because sums run in the order they are given, and because powers and
// logarithms are made here of the four basic operations, which IEEE 754 defines to
// the last bit; those of the standard library differ between architectures. The
// results here are within a few units of the last place, which published figures,
// six decimals long, do not show.
//
// It knows nothing of what the figures mean.
package exact

import "math"

// Mul returns the product, rounded.
func Mul(a, b float64) float64 { return float64(a * b) }

// Sum adds in the order given. The sum of nothing is 0.
func Sum(xs ...float64) float64 {
	s := 0.0
	for _, x := range xs {
		s += x
	}
	return s
}

// Product multiplies in the order given. The product of nothing is 1.
func Product(xs ...float64) float64 {
	p := 1.0
	for _, x := range xs {
		p = float64(p * x)
	}
	return p
}

// Dot returns the sum of a[i]*b[i] in the order of i, over the shorter of both.
func Dot(a, b []float64) float64 {
	s := 0.0
	for i := range min(len(a), len(b)) {
		s += float64(a[i] * b[i])
	}
	return s
}

// log2e is the logarithm to base 2 of e, ln2 its inverse.
const (
	log2e = 1.44269504088896340735992468100189214
	ln2   = 0.693147180559945309417232121458176568
)

// Log2 returns the logarithm of x to base 2. It is -Inf for 0, NaN for less, and
// +Inf for +Inf. Powers of two are exact.
func Log2(x float64) float64 {
	switch {
	case math.IsNaN(x) || x < 0:
		return math.NaN()
	case x == 0:
		return math.Inf(-1)
	case math.IsInf(x, 1):
		return x
	}
	m, e := math.Frexp(x) // takes the bits apart; m in [0.5, 1)
	if m < math.Sqrt2/2 {
		m, e = 2*m, e-1
	}
	// ln m = 2 artanh s with s = (m-1)/(m+1), |s| < 0.172: the terms fall below the
	// last bit before the fourteenth.
	s := (m - 1) / (m + 1)
	q := float64(s * s)
	sum := 0.0
	for k := 27; k >= 1; k -= 2 {
		sum = float64(sum*q) + 1/float64(k)
	}
	return float64(e) + float64(float64(2*float64(s*sum))*log2e)
}

// Exp2 returns 2 to the x. Whole numbers are exact.
func Exp2(x float64) float64 {
	switch {
	case math.IsNaN(x):
		return x
	case x > 1024:
		return math.Inf(1)
	case x < -1080:
		return 0
	}
	n := math.Floor(x + 0.5)
	f := float64((x - n) * ln2) // |f| < 0.347: the terms fall below the last bit before the seventeenth
	sum := 1.0
	for k := 17; k >= 1; k-- {
		sum = 1 + float64(float64(f*sum)/float64(k))
	}
	return math.Ldexp(sum, int(n))
}

// Pow returns b to the e for b >= 0; it is NaN for b < 0. Like the standard
// library's, b to the 0 is 1.
func Pow(b, e float64) float64 {
	switch {
	case e == 0:
		return 1
	case e == 1 || b == 1:
		return b
	case b < 0 || math.IsNaN(b) || math.IsNaN(e):
		return math.NaN()
	case b == 0 && e < 0:
		return math.Inf(1)
	case b == 0:
		return 0
	}
	return Exp2(float64(e * Log2(b)))
}

// Micro is a published figure in millionths: a whole number, so that it is written
// and compared in one way only.
type Micro int64

// maxMicro bounds what a Micro holds: 2^53 millionths, which every reader of JSON
// reads back.
const maxMicro = 1 << 53

// Round returns x in millionths, halves away from zero. ok is false, and the figure
// 0, when x is no number or too large.
func Round(x float64) (m Micro, ok bool) {
	v := float64(x * 1e6)
	if math.IsNaN(v) || v > maxMicro || v < -maxMicro {
		return 0, false
	}
	if v < 0 {
		return -Micro(math.Floor(-v + 0.5)), true
	}
	return Micro(math.Floor(v + 0.5)), true
}

// Float returns the figure as a number.
func (m Micro) Float() float64 { return float64(m) / 1e6 }
