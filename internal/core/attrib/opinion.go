// Package attrib is what is known of who was behind an activity, with the doubt
// shown: opinions on rival hypotheses and how they are combined.
//
// It promises that the order in which sources arrive changes nothing, to the last
// bit, and that doubt is never rounded away: what sources contradict is refused and
// not averaged. It keeps nothing, asks nobody and has no clock.
package attrib

import (
	"cmp"
	"math"
	"slices"

	"casus/internal/core/exact"
	"casus/internal/fault"
)

// Opinion is a multinomial opinion of subjective logic on hypotheses of which just
// one is true: how much speaks for each, and how much is not known. Whoever is
// unsure does not say "fifty-fifty", he says that his uncertainty is large.
//
// The zero value is no opinion at all and is refused everywhere.
//
// Source: josang-2016, multinomial opinions.
type Opinion struct {
	// Belief is what speaks for each hypothesis, each in [0, 1].
	Belief []float64 `json:"belief"`
	// Uncertainty is what is not known, in [0, 1]. Beliefs and uncertainty add up
	// to 1.
	Uncertainty float64 `json:"uncertainty"`
	// Base is what would be believed of each if nothing were known, in [0, 1]; they
	// add up to 1.
	Base []float64 `json:"base"`
}

// Limits of opinions.
const (
	// MinUncertainty is the least uncertainty that anybody may claim. Opinions
	// without any outweigh all others whatever these say, and which of two such
	// wins depends on how they are combined.
	MinUncertainty = 0.01
	// MaxHypotheses bounds how many hypotheses an opinion has.
	MaxHypotheses = 256
	// MaxSources bounds how many opinions are combined at once.
	MaxSources = 4096
	// MaxConflict is the degree of conflict above which two sources are not
	// combined as if both were right.
	MaxConflict = 0.5
	// tolerance is how far sums may be from 1: opinions are written with six
	// decimals.
	tolerance = 1e-5
)

// Vacuous returns the opinion of who knows nothing.
func Vacuous(base []float64) Opinion {
	return Opinion{Belief: make([]float64, len(base)), Uncertainty: 1, Base: slices.Clone(base)}
}

// Binomial returns an opinion on a statement and its contrary: belief, disbelief,
// uncertainty, and the base rate of the statement.
func Binomial(b, d, u, a float64) Opinion {
	return Opinion{Belief: []float64{b, d}, Uncertainty: u, Base: []float64{a, 1 - a}}
}

// FromEvidence returns the opinion that so many observations for each hypothesis
// give rise to.
//
// Source: josang-2016, mapping of evidence to opinions, with the non-informative
// prior weight W = 2.
func FromEvidence(counts, base []float64) (Opinion, error) {
	const w = 2
	if len(counts) != len(base) {
		return Opinion{}, fault.Errorf(fault.Invalid, "attrib: evidence for %d hypotheses, base rates for %d", len(counts), len(base))
	}
	total := w + exact.Sum(counts...)
	o := Opinion{Uncertainty: w / total, Base: slices.Clone(base)}
	for i, n := range counts {
		if !(n >= 0) || math.IsInf(n, 0) {
			return Opinion{}, fault.Errorf(fault.Invalid, "attrib: evidence for hypothesis %d is %v, want 0 or more", i+1, n)
		}
		o.Belief = append(o.Belief, n/total)
	}
	return o, o.Check()
}

// Check says with an Invalid fault what is wrong with an opinion.
func (o Opinion) Check() error {
	switch n := len(o.Belief); {
	case n < 2 || n > MaxHypotheses:
		return fault.Errorf(fault.Invalid, "attrib: opinion on %d hypotheses, want 2 to %d", n, MaxHypotheses)
	case len(o.Base) != n:
		return fault.Errorf(fault.Invalid, "attrib: opinion on %d hypotheses has %d base rates", n, len(o.Base))
	case !within(o.Uncertainty):
		return fault.Errorf(fault.Invalid, "attrib: uncertainty %v, want 0 to 1", o.Uncertainty)
	}
	for i := range o.Belief {
		if !within(o.Belief[i]) || !within(o.Base[i]) {
			return fault.Errorf(fault.Invalid, "attrib: hypothesis %d: belief %v, base rate %v, want 0 to 1", i+1, o.Belief[i], o.Base[i])
		}
	}
	if s := exact.Sum(o.Belief...) + o.Uncertainty; math.Abs(s-1) > tolerance {
		return fault.Errorf(fault.Invalid, "attrib: beliefs and uncertainty add up to %.6f, want 1", s)
	}
	if s := exact.Sum(o.Base...); math.Abs(s-1) > tolerance {
		return fault.Errorf(fault.Invalid, "attrib: base rates add up to %.6f, want 1", s)
	}
	return nil
}

// CheckGiven is Check for an opinion as somebody hands it in: nobody is certain.
func (o Opinion) CheckGiven() error {
	if err := o.Check(); err != nil {
		return err
	}
	if o.Uncertainty < MinUncertainty {
		return fault.WithHint(fault.Errorf(fault.Invalid, "attrib: uncertainty %v is less than %v", o.Uncertainty, MinUncertainty),
			"leave room for what is not known; who is certain has no need of an assessment")
	}
	return nil
}

func within(x float64) bool { return x >= 0 && x <= 1 }

// Projected returns the probability of each hypothesis: what is believed and its
// share of what is not known.
//
// Source: josang-2016, projected probability of multinomial opinions.
func (o Opinion) Projected() []float64 {
	p := make([]float64, len(o.Belief))
	for i := range p {
		p[i] = o.Belief[i] + exact.Mul(o.Base[i], o.Uncertainty)
	}
	return p
}

// Bounds returns the least and the most that hypothesis i may come to when what is
// not known is found out.
func (o Opinion) Bounds(i int) (lo, hi float64) {
	return o.Belief[i], min(1, o.Belief[i]+o.Uncertainty)
}

// checked returns the opinions in an order of their own, so that sums do not depend
// on how they came.
func checked(os []Opinion) ([]Opinion, error) {
	if len(os) == 0 || len(os) > MaxSources {
		return nil, fault.Errorf(fault.Invalid, "attrib: %d opinions to combine, want 1 to %d", len(os), MaxSources)
	}
	for i, o := range os {
		if err := o.Check(); err != nil {
			return nil, err
		}
		if len(o.Belief) != len(os[0].Belief) {
			return nil, fault.Errorf(fault.Invalid, "attrib: opinion %d is on %d hypotheses, the first on %d", i+1, len(o.Belief), len(os[0].Belief))
		}
		if o.Uncertainty == 0 {
			return nil, fault.Errorf(fault.Invalid, "attrib: opinion %d has no uncertainty and would outweigh all others", i+1)
		}
	}
	sorted := slices.Clone(os)
	slices.SortFunc(sorted, func(a, b Opinion) int {
		return cmp.Or(cmp.Compare(a.Uncertainty, b.Uncertainty), slices.Compare(a.Belief, b.Belief), slices.Compare(a.Base, b.Base))
	})
	return sorted, nil
}

// mean returns the base rates as the mean with those weights, or the plain mean when
// no source has any.
func mean(os []Opinion, weights []float64) []float64 {
	total := exact.Sum(weights...)
	base := make([]float64, len(os[0].Base))
	for k := range base {
		for i, o := range os {
			if total == 0 {
				base[k] += o.Base[k] / float64(len(os))
			} else {
				base[k] += exact.Mul(o.Base[k], weights[i]/total)
			}
		}
	}
	return base
}

// ratios returns for each source how much its word counts beside the most certain
// one's: least uncertainty divided by its own. With them no product of many small
// uncertainties can vanish.
func ratios(os []Opinion) []float64 {
	r := make([]float64, len(os))
	for i, o := range os {
		r[i] = os[0].Uncertainty / o.Uncertainty // os[0] has the least: they are sorted
	}
	return r
}

// fuse returns the beliefs weighted by r, and the uncertainty, divided by what they
// add up to.
func fuse(os []Opinion, r []float64, uncertainty float64, base []float64) Opinion {
	o := Opinion{Belief: make([]float64, len(os[0].Belief)), Base: base}
	for k := range o.Belief {
		for i := range os {
			o.Belief[k] += exact.Mul(os[i].Belief[k], r[i])
		}
	}
	total := exact.Sum(o.Belief...) + uncertainty
	for k := range o.Belief {
		o.Belief[k] /= total
	}
	o.Uncertainty = uncertainty / total
	return o
}

// Cumulative combines what independent sources saw: each adds to what the others
// know. Never use it for reports that rest on one another.
//
// Source: fusion-2017, cumulative belief fusion; base rates as Jøsang 2016 has them for two sources, for
// any number.
func Cumulative(os ...Opinion) (Opinion, error) {
	os, err := checked(os)
	if err != nil {
		return Opinion{}, err
	}
	// With all products divided by that of all uncertainties, belief k is the sum of
	// b/u, and the uncertainty 1 / (sum of 1/u - (n-1)): fuse divides by the total.
	weights := make([]float64, len(os))
	for i, o := range os {
		weights[i] = (1 - o.Uncertainty) / o.Uncertainty
	}
	return fuse(os, ratios(os), os[0].Uncertainty, mean(os, weights)), nil
}

// Averaging combines what sources say of the same evidence: saying it twice makes
// nothing surer.
//
// Source: fusion-2017, averaging belief fusion.
func Averaging(os ...Opinion) (Opinion, error) {
	os, err := checked(os)
	if err != nil {
		return Opinion{}, err
	}
	return fuse(os, ratios(os), float64(float64(len(os))*os[0].Uncertainty), mean(os, make([]float64, len(os)))), nil
}

// Weighted combines the judgement of experts on the same evidence by how sure each
// is: who knows nothing counts for nothing.
//
// Source: fusion-2018, weighted belief fusion.
func Weighted(os ...Opinion) (Opinion, error) {
	os, err := checked(os)
	if err != nil {
		return Opinion{}, err
	}
	weights := make([]float64, len(os))
	for i, o := range os {
		weights[i] = 1 - o.Uncertainty
	}
	sure := exact.Sum(weights...)
	base := mean(os, weights)
	if sure == 0 {
		return Vacuous(base), nil
	}
	r := ratios(os)
	for i := range r {
		r[i] = exact.Mul(r[i], weights[i])
	}
	return fuse(os, r, exact.Mul(sure, os[0].Uncertainty), base), nil
}

// Constraint combines two opinions as constraints that both hold (Dempster's rule),
// and returns how much they contradict one another, in [0, 1]. When that is more
// than MaxConflict it is refused with a Conflict fault: what remains would be the
// part on which they agree by accident.
//
// Source: josang-2016, belief constraint fusion.
func Constraint(a, b Opinion) (o Opinion, conflict float64, err error) {
	os, err := checked([]Opinion{a, b})
	if err != nil {
		return Opinion{}, 0, err
	}
	x, y := os[0], os[1]
	for i := range x.Belief {
		for j := range y.Belief {
			if i != j {
				conflict += exact.Mul(x.Belief[i], y.Belief[j])
			}
		}
	}
	if conflict > MaxConflict {
		return Opinion{}, conflict, fault.WithHint(
			fault.Errorf(fault.Conflict, "attrib: the two opinions contradict one another to %.2f, more than %.2f", conflict, MaxConflict),
			"keep both side by side and say that they dissent")
	}
	o.Belief = make([]float64, len(x.Belief))
	for k := range o.Belief {
		o.Belief[k] = exact.Sum(exact.Mul(x.Belief[k], y.Belief[k]), exact.Mul(x.Belief[k], y.Uncertainty), exact.Mul(y.Belief[k], x.Uncertainty)) / (1 - conflict)
	}
	o.Uncertainty = exact.Mul(x.Uncertainty, y.Uncertainty) / (1 - conflict)
	o.Base = mean(os, []float64{1 - x.Uncertainty, 1 - y.Uncertainty})
	return o, conflict, nil
}

// Discount returns what remains of an opinion for who trusts its source with that
// probability. The trust of a chain of sources is the product of its links.
//
// Source: josang-2016, trust discounting.
func Discount(trust float64, o Opinion) (Opinion, error) {
	if !within(trust) {
		return Opinion{}, fault.Errorf(fault.Invalid, "attrib: trust %v, want 0 to 1", trust)
	}
	if err := o.Check(); err != nil {
		return Opinion{}, err
	}
	out := Opinion{Base: slices.Clone(o.Base)}
	for _, b := range o.Belief {
		out.Belief = append(out.Belief, exact.Mul(trust, b))
	}
	out.Uncertainty = 1 - exact.Sum(out.Belief...)
	return out, nil
}

// Deduce returns the opinion on a second set of hypotheses that follows from one on
// a first set x, given what each of the first says about the second: from an
// intrusion set to who runs it, for one. Base rates of the result are those that the
// conditionals imply.
//
// Source: josang-2016, multinomial conditional deduction.
func Deduce(x Opinion, given []Opinion) (Opinion, error) {
	if err := x.Check(); err != nil {
		return Opinion{}, err
	}
	if len(given) != len(x.Belief) {
		return Opinion{}, fault.Errorf(fault.Invalid, "attrib: %d conditional opinions for %d hypotheses", len(given), len(x.Belief))
	}
	for i, g := range given {
		if err := g.Check(); err != nil {
			return Opinion{}, err
		}
		if len(g.Belief) != len(given[0].Belief) {
			return Opinion{}, fault.Errorf(fault.Invalid, "attrib: conditional opinion %d is on %d hypotheses, the first on %d", i+1, len(g.Belief), len(given[0].Belief))
		}
	}
	base, err := impliedBase(x, given)
	if err != nil {
		return Opinion{}, err
	}
	px := x.Projected()
	out := Opinion{Base: base, Belief: make([]float64, len(base))}
	p := make([]float64, len(base)) // of each hypothesis, when x is what it is
	most := math.Inf(1)             // uncertainty when nothing is known of x
	for k := range base {
		vacuous, least := 0.0, math.Inf(1)
		for i, g := range given {
			conditional := g.Belief[k] + exact.Mul(base[k], g.Uncertainty)
			p[k] += exact.Mul(px[i], conditional)
			vacuous += exact.Mul(x.Base[i], conditional)
			least = min(least, g.Belief[k])
		}
		if base[k] > 0 {
			most = min(most, (vacuous-least)/base[k])
		}
	}
	out.Uncertainty = exact.Mul(x.Uncertainty, most)
	for i, g := range given {
		out.Uncertainty += exact.Mul(x.Belief[i], g.Uncertainty)
	}
	out.Uncertainty = min(1, max(0, out.Uncertainty))
	for k := range base {
		out.Belief[k] = max(0, p[k]-exact.Mul(base[k], out.Uncertainty))
	}
	return out, nil
}

// impliedBase returns the base rates that the base rates of x and the conditionals
// imply. When nothing at all is known of the second set they are those of the first
// conditional.
func impliedBase(x Opinion, given []Opinion) ([]float64, error) {
	unknown := 0.0
	for i, g := range given {
		unknown += exact.Mul(x.Base[i], g.Uncertainty)
	}
	if 1-unknown < 1e-9 {
		return slices.Clone(given[0].Base), nil
	}
	base := make([]float64, len(given[0].Belief))
	for k := range base {
		for i, g := range given {
			base[k] += exact.Mul(x.Base[i], g.Belief[k])
		}
		base[k] /= 1 - unknown
	}
	return base, nil
}

// Dissent returns how far two opinions are apart while both claim to know, in
// [0, 1]: half the distance of their probabilities times what each is sure of.
//
// Source: josang-2016, degree of conflict.
func Dissent(a, b Opinion) (float64, error) {
	os, err := checked([]Opinion{a, b})
	if err != nil {
		return 0, err
	}
	p, q := os[0].Projected(), os[1].Projected()
	d := 0.0
	for i := range p {
		d += math.Abs(p[i] - q[i])
	}
	return exact.Product(d/2, 1-os[0].Uncertainty, 1-os[1].Uncertainty), nil
}
