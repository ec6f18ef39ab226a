package attrib

import (
	"cmp"
	"math"
	"slices"

	"casus/internal/core/exact"
	"casus/internal/fault"
)

// HypothesisKind is what a hypothesis says happened.
type HypothesisKind string

// The kinds. Of those that nobody likes to think of there is always one.
const (
	Originator    HypothesisKind = "originator"     // one did it, or several jointly
	FalseFlag     HypothesisKind = "false-flag"     // one did it so that another is blamed
	Accident      HypothesisKind = "accident"       // nobody meant it, or not here
	WronglyJoined HypothesisKind = "wrongly-joined" // the incidents are not one set
	Unknown       HypothesisKind = "unknown"        // somebody who is not on the list
)

// Hypothesis is one answer to who was behind it.
type Hypothesis struct {
	ID   string         `json:"id"`
	Kind HypothesisKind `json:"kind"`
	// Actors did it, all of them jointly; rivals are hypotheses of their own.
	Actors []string `json:"actors,omitempty"`
	// Blamed is whom a false flag points at.
	Blamed string `json:"blamed,omitempty"`
	// Prior is its probability before any evidence, 0 to 1.
	Prior float64 `json:"prior"`
}

// Mark says how a piece of evidence sits with a hypothesis.
type Mark string

// The marks.
const (
	Consistent   Mark = "C"
	Inconsistent Mark = "I"
	Neutral      Mark = "N"
)

// Evidence is one row of the matrix.
type Evidence struct {
	ID string `json:"id"`
	// Group names what it rests on: two reports of one observation are one piece of
	// evidence told twice.
	Group       string         `json:"group"`
	Reliability string         `json:"reliability"` // of its source, A to F
	Credibility string         `json:"credibility"` // 1 to 6
	Deception   Susceptibility `json:"deception_susceptibility"`
	// Marks has one for each hypothesis, in their order.
	Marks []Mark `json:"marks"`
	// Likelihood is how probable it is to see this if the hypothesis holds, more than
	// 0 and at most 1, in the order of hypotheses. Without it the row counts in marks
	// only.
	Likelihood []float64 `json:"likelihood,omitempty"`
}

// Limits of a matrix.
const (
	MaxEvidence = 1000
	// undiagnostic is up to which diagnosticity a row tells nothing apart.
	undiagnostic = 1.1
)

// Row is what a piece of evidence does.
type Row struct {
	Evidence string `json:"evidence"`
	// Weight is the trust in it, 0 to 1: how far its source is to be trusted times how
	// credible what it told is.
	Weight exact.Micro `json:"weight"`
	// Diagnosticity is how many times likelier the best hypothesis makes it than the
	// worst; 1 tells nothing apart. 0 is not known.
	Diagnosticity exact.Micro `json:"diagnosticity"`
	// Idle says that it tells nothing apart.
	Idle bool `json:"idle"`
	// After is the probability of each hypothesis when this row and those before it
	// are known.
	After []exact.Micro `json:"after"`
	// Lowers says that it makes the hypothesis that led before less likely.
	Lowers bool `json:"lowers_leader"`
}

// Analysis is what a matrix says.
type Analysis struct {
	Rows []Row `json:"rows"`
	// Inconsistency is for each hypothesis the weight of what speaks against it: the
	// hypothesis with the least is left standing.
	Inconsistency []exact.Micro `json:"inconsistency"`
	// Posterior is the probability of each hypothesis at the end.
	Posterior []exact.Micro `json:"posterior"`
	// Fragile is the probability that each has when what is easily planted is left
	// out.
	Fragile []exact.Micro `json:"posterior_without_easily_planted"`
}

// CheckHypotheses says with an Invalid fault what is wrong with a list of
// hypotheses.
func CheckHypotheses(hs []Hypothesis) error {
	if len(hs) < 2 || len(hs) > MaxHypotheses {
		return fault.Errorf(fault.Invalid, "attrib: %d hypotheses, want 2 to %d", len(hs), MaxHypotheses)
	}
	seen, total := map[string]bool{}, 0.0
	kinds := map[HypothesisKind]bool{}
	for _, h := range hs {
		switch {
		case h.ID == "" || seen[h.ID]:
			return fault.Errorf(fault.Invalid, "attrib: hypothesis %q: want an id of its own", h.ID)
		case !(h.Prior > 0 && h.Prior < 1):
			return fault.Errorf(fault.Invalid, "attrib: hypothesis %s: prior %v, want between 0 and 1: what is ruled out beforehand no evidence can bring back", h.ID, h.Prior)
		case (h.Kind == Originator || h.Kind == FalseFlag) != (len(h.Actors) > 0):
			return fault.Errorf(fault.Invalid, "attrib: hypothesis %s of kind %s has %d actors", h.ID, h.Kind, len(h.Actors))
		case (h.Kind == FalseFlag) != (h.Blamed != ""):
			return fault.Errorf(fault.Invalid, "attrib: hypothesis %s of kind %s blames %q: a false flag says whom it points at, and nothing else does", h.ID, h.Kind, h.Blamed)
		}
		seen[h.ID], kinds[h.Kind] = true, true
		total += h.Prior
	}
	for _, k := range []HypothesisKind{FalseFlag, Accident, WronglyJoined, Unknown} {
		if !kinds[k] {
			return fault.WithHint(fault.Errorf(fault.Invalid, "attrib: no hypothesis of kind %s", k), "say how likely it is, even if that is little: it is ruled out by evidence, not by leaving it out")
		}
	}
	for k := range kinds {
		if !slices.Contains([]HypothesisKind{Originator, FalseFlag, Accident, WronglyJoined, Unknown}, k) {
			return fault.Errorf(fault.Invalid, "attrib: hypothesis kind %q is not known", string(k))
		}
	}
	if math.Abs(total-1) > tolerance {
		return fault.Errorf(fault.Invalid, "attrib: priors add up to %.6f, want 1", total)
	}
	return nil
}

// Check says with an Invalid fault what is wrong with a row for so many hypotheses.
func (e Evidence) Check(hypotheses int) error {
	if e.ID == "" || e.Group == "" || !e.Deception.ok() {
		return fault.Errorf(fault.Invalid, "attrib: evidence %q: want an id, a group and a susceptibility to deception", e.ID)
	}
	if len(e.Marks) != hypotheses || e.Likelihood != nil && len(e.Likelihood) != hypotheses {
		return fault.Errorf(fault.Invalid, "attrib: evidence %s: %d marks and %d likelihoods for %d hypotheses", e.ID, len(e.Marks), len(e.Likelihood), hypotheses)
	}
	for k, m := range e.Marks {
		if m != Consistent && m != Inconsistent && m != Neutral {
			return fault.Errorf(fault.Invalid, "attrib: evidence %s: mark %d is %q, want C, I or N", e.ID, k+1, string(m))
		}
	}
	for k, l := range e.Likelihood {
		if !(l > 0 && l <= 1) {
			return fault.Errorf(fault.Invalid, "attrib: evidence %s: likelihood %d is %v, want more than 0, at most 1", e.ID, k+1, l)
		}
	}
	_, err := e.weight()
	return err
}

// weight is the trust in a row: the probability that its source is to be trusted
// times the probability that what it told is so.
func (e Evidence) weight() (float64, error) {
	if len(e.Reliability) != 1 || len(e.Credibility) != 1 {
		return 0, fault.WithHint(fault.Errorf(fault.Invalid, "attrib: evidence %s: rated %q", e.ID, e.Reliability+e.Credibility), "use the Admiralty code, as in B2")
	}
	r, err := Reliability(e.Reliability[0])
	if err != nil {
		return 0, err
	}
	c, err := Credibility(e.Credibility[0])
	if err != nil {
		return 0, err
	}
	return exact.Mul(r.Projected()[0], c.Projected()[0]), nil
}

// diagnosticity is how far a row tells hypotheses apart; 0 when it has no
// likelihoods.
func (e Evidence) diagnosticity() float64 {
	if e.Likelihood == nil {
		return 0
	}
	return slices.Max(e.Likelihood) / slices.Min(e.Likelihood)
}

// Analyse works a matrix out, in the order in which the evidence came: how each row
// moved the hypotheses, and what speaks against each. trusted takes every row as if
// it were beyond doubt; otherwise rows count by the trust in them, and what rests on
// the same counts once.
//
// Source: heuer-1999, chapter 8, analysis of competing hypotheses; the sequence of
// probabilities is Bayes' rule.
func Analyse(hs []Hypothesis, rows []Evidence, trusted bool) (*Analysis, error) {
	if err := CheckHypotheses(hs); err != nil {
		return nil, err
	}
	if len(rows) > MaxEvidence {
		return nil, fault.Errorf(fault.Invalid, "attrib: %d pieces of evidence, at most %d", len(rows), MaxEvidence)
	}
	seen := map[string]bool{}
	for _, e := range rows {
		if err := e.Check(len(hs)); err != nil {
			return nil, err
		}
		if seen[e.ID] {
			return nil, fault.Errorf(fault.Invalid, "attrib: evidence %s is given twice", e.ID)
		}
		seen[e.ID] = true
	}
	a := &Analysis{Rows: []Row{}, Inconsistency: make([]exact.Micro, len(hs))}
	ls, err := lines(rows, trusted)
	if err != nil {
		return nil, err
	}
	p := posterior(hs, nil)
	against := make([]float64, len(hs))
	for k, e := range rows {
		w, err := e.weight()
		if err != nil {
			return nil, err
		}
		before := leader(p)
		share := p[before]
		p = posterior(hs, ls[:k+1])
		d := e.diagnosticity()
		row := Row{Evidence: e.ID, Weight: micro(w), Diagnosticity: micro(d), Idle: d > 0 && d <= undiagnostic, After: micros(p), Lowers: p[before] < share}
		a.Rows = append(a.Rows, row)
		for i, m := range e.Marks {
			if m == Inconsistent {
				against[i] += w
			}
		}
	}
	a.Inconsistency = micros(against)
	a.Posterior = micros(p)
	var hard []line
	for k, e := range rows {
		if e.Deception != EasilyPlanted {
			hard = append(hard, ls[k])
		}
	}
	a.Fragile = micros(posterior(hs, hard))
	return a, nil
}

// leader returns the place of the likeliest hypothesis.
func leader(p []float64) int {
	return slices.Index(p, slices.Max(p))
}

// line is a row as the sum wants it: in logarithms, because the product of many
// small likelihoods is no number any more.
type line struct {
	group, id string
	logs      []float64 // of each hypothesis; none when it counts in marks only
}

// lines returns the rows as lines. A row that is trusted to w has the likelihood
// that it would have, to w, and is drawn to what it is on average over the
// hypotheses, to the rest.
func lines(rows []Evidence, trusted bool) ([]line, error) {
	out := make([]line, 0, len(rows))
	for _, e := range rows {
		w, err := e.weight()
		if err != nil {
			return nil, err
		}
		l := line{group: e.Group, id: e.ID}
		if trusted {
			w, l.group = 1, e.ID // each by itself
		}
		mean := exact.Sum(e.Likelihood...) / float64(max(1, len(e.Likelihood)))
		for _, p := range e.Likelihood {
			l.logs = append(l.logs, exact.Log2(exact.Mul(w, p)+exact.Mul(1-w, mean)))
		}
		out = append(out, l)
	}
	return out, nil
}

// posterior returns the probability of each hypothesis after lines. Those of a group
// are together as strong as one of them on average.
func posterior(hs []Hypothesis, ls []line) []float64 {
	ls = slices.DeleteFunc(slices.Clone(ls), func(l line) bool { return l.logs == nil })
	slices.SortFunc(ls, func(a, b line) int { return cmp.Or(cmp.Compare(a.group, b.group), cmp.Compare(a.id, b.id)) })
	logs := make([]float64, len(hs))
	for k, h := range hs {
		logs[k] = exact.Log2(h.Prior)
	}
	for from := 0; from < len(ls); {
		to := from
		for to < len(ls) && ls[to].group == ls[from].group {
			to++
		}
		for k := range logs {
			sum := 0.0
			for _, l := range ls[from:to] {
				sum += l.logs[k]
			}
			logs[k] += sum / float64(to-from)
		}
		from = to
	}
	most := slices.Max(logs)
	p := make([]float64, len(hs))
	for k := range p {
		p[k] = exact.Exp2(logs[k] - most)
	}
	total := exact.Sum(p...) // at least 1
	for k := range p {
		p[k] /= total
	}
	return p
}

// micro is for values that are bounded by construction; what is beyond is the
// greatest there is.
func micro(x float64) exact.Micro {
	v, ok := exact.Round(x)
	if !ok {
		v, _ = exact.Round(1e9)
	}
	return v
}

func micros(xs []float64) []exact.Micro {
	out := make([]exact.Micro, len(xs))
	for k, x := range xs {
		out[k] = micro(x)
	}
	return out
}
