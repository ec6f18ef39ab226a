package attrib

import (
	"slices"

	"casus/internal/core/exact"
	"casus/internal/fault"
)

// Likelihood is what a probability is called on one scale of words, and what it is.
// Confidence in the judgement is another thing and never part of it.
type Likelihood struct {
	Scale string `json:"scale"`
	// Words are the scale's words for all between Lo and Hi, the least likely first:
	// two when the interval spans two of its steps.
	Words []string    `json:"words"`
	Lo    exact.Micro `json:"lo"`
	Hi    exact.Micro `json:"hi"`
}

// icd203 is where each step begins, in millionths, and both of its words.
//
// Source: icd-203, expressions of likelihood.
var icd203 = []struct {
	from  exact.Micro
	words [2]string
}{
	{0, [2]string{"almost no chance", "remote"}},
	{50_000, [2]string{"very unlikely", "highly improbable"}},
	{200_000, [2]string{"unlikely", "improbable"}},
	{450_000, [2]string{"roughly even chance", "roughly even odds"}},
	{550_000, [2]string{"likely", "probable"}},
	{800_000, [2]string{"very likely", "highly probable"}},
	{950_000, [2]string{"almost certain", "nearly certain"}},
}

// ICD203 returns the likelihood of a probability that lies between lo and hi, 0 to
// 1, in the words of Intelligence Community Directive 203. Its steps share their
// edges; an edge counts as the likelier step. Bounds that are none are an Invalid
// fault.
func ICD203(lo, hi float64) (Likelihood, error) {
	if !(within(lo) && within(hi) && lo <= hi) {
		return Likelihood{}, fault.Errorf(fault.Invalid, "attrib: probability from %v to %v, want 0 <= lo <= hi <= 1", lo, hi)
	}
	l := Likelihood{Scale: "ICD 203"}
	l.Lo, _ = exact.Round(lo)
	l.Hi, _ = exact.Round(hi)
	for k, step := range icd203 {
		above := k+1 < len(icd203) && l.Lo >= icd203[k+1].from
		if l.Hi >= step.from && !above {
			l.Words = append(l.Words, step.words[0])
		}
	}
	return l, nil
}

// Confidence is how much a judgement may be relied on: the quality of what it rests
// on, not how likely what it says is.
type Confidence string

// The levels of confidence.
//
// Source: icd-203, confidence in judgements.
const (
	LowConfidence      Confidence = "low"
	ModerateConfidence Confidence = "moderate"
	HighConfidence     Confidence = "high"
)

// Where the levels of confidence part, by the uncertainty of the opinion. These are
// defaults of ours that an accord replaces.
const (
	moderateBelow = 0.5
	highBelow     = 0.2
	// highSources is from how many members, on how much independent evidence, a
	// judgement must come to be of high confidence.
	highSources = 2
)

// ConfidenceOf returns the confidence in an opinion that rests on so many groups of
// independent evidence from so many members. One member or one piece of evidence
// alone never makes it high, however sure they are.
func ConfidenceOf(o Opinion, groups, members int) Confidence {
	switch {
	case o.Check() != nil || o.Uncertainty > moderateBelow || groups < 1 || members < 1:
		return LowConfidence
	case o.Uncertainty >= highBelow || groups < highSources || members < highSources:
		return ModerateConfidence
	}
	return HighConfidence
}

// admiraltyBase is the base rate of a source that nobody knows.
const admiraltyBase = 0.3

// Reliability returns the trust in a source of that letter of the Admiralty code, A
// to F. F says that it cannot be judged, which is not the middle but nothing known.
// What the letters are worth is a default of ours that an accord replaces.
//
// Source: admiralty-code, reliability of the source.
func Reliability(letter byte) (Opinion, error) {
	table := map[byte][3]float64{
		'A': {.95, 0, .05}, 'B': {.75, .05, .20}, 'C': {.50, .15, .35}, 'D': {.25, .40, .35}, 'E': {.05, .75, .20}, 'F': {0, 0, 1},
	}
	v, ok := table[letter]
	if !ok {
		return Opinion{}, fault.WithHint(fault.Errorf(fault.Invalid, "attrib: reliability %q", string(rune(letter))), "use A to F of the Admiralty code")
	}
	return Binomial(v[0], v[1], v[2], admiraltyBase), nil
}

// Credibility returns the opinion that what was told is so, for that digit of the
// Admiralty code, 1 to 6; 6 says that it cannot be judged. What the digits are worth
// is a default of ours that an accord replaces.
//
// Source: admiralty-code, credibility of the information.
func Credibility(digit byte) (Opinion, error) {
	table := map[byte][3]float64{
		'1': {.90, 0, .10}, '2': {.65, .05, .30}, '3': {.35, .15, .50}, '4': {.15, .50, .35}, '5': {.02, .80, .18}, '6': {0, 0, 1},
	}
	v, ok := table[digit]
	if !ok {
		return Opinion{}, fault.WithHint(fault.Errorf(fault.Invalid, "attrib: credibility %q", string(rune(digit))), "use 1 to 6 of the Admiralty code")
	}
	return Binomial(v[0], v[1], v[2], .5), nil
}

// Susceptibility is how easily a kind of evidence is planted to deceive.
type Susceptibility string

// The levels, and what is of each: words in a language, times, malware that anybody
// has and a persona are easily planted; shared infrastructure less so; the possession
// of a key, tasking over years and what other kinds of source say hardly.
const (
	EasilyPlanted Susceptibility = "high"
	MaybePlanted  Susceptibility = "medium"
	HardlyPlanted Susceptibility = "low"
)

func (s Susceptibility) ok() bool {
	return slices.Contains([]Susceptibility{EasilyPlanted, MaybePlanted, HardlyPlanted}, s)
}
