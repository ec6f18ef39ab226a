package stix

// Scale is a scale for saying how sure one is. STIX stores a number from 0 to
// 100; every scale has a value for each of its words and a range of numbers for
// each word.
//
// Source: stix-2.1 appendix A.
type Scale struct {
	name  string
	steps []scaleStep
}

// scaleStep is a word with the number that stands for it and the largest number
// it stands for.
type scaleStep struct {
	word  string
	value int
	to    int
}

// The scales. Source: stix-2.1 appendix A.
var (
	noneLowMedHigh = Scale{"None / Low / Med / High", []scaleStep{
		{"None", 0, 0}, {"Low", 15, 29}, {"Med", 50, 69}, {"High", 85, 100},
	}}
	zeroTen = Scale{"0-10", []scaleStep{
		{"0", 0, 4},
		{"1", 10, 14},
		{"2", 20, 24},
		{"3", 30, 34},
		{"4", 40, 44},
		{"5", 50, 54},
		{"6", 60, 64},
		{"7", 70, 74},
		{"8", 80, 84},
		{"9", 90, 94},
		{"10", 100, 100},
	}}
	admiralty = Scale{"Admiralty Credibility", []scaleStep{
		{"5 - Improbable", 10, 19},
		{"4 - Doubtful", 30, 39},
		{"3 - Possibly True", 50, 59},
		{"2 - Probably True", 70, 79},
		{"1 - Confirmed by other sources", 90, 100},
	}}
	wep = Scale{"WEP", []scaleStep{
		{"Impossible", 0, 0},
		{"Highly Unlikely/Almost Certainly Not", 10, 19},
		{"Unlikely/Probably Not", 30, 39},
		{"Even Chance", 50, 59},
		{"Likely/Probable", 70, 79},
		{"Highly likely/Almost Certain", 90, 99},
		{"Certain", 100, 100},
	}}
	dni = Scale{"DNI", []scaleStep{
		{"Almost No Chance / Remote", 5, 9},
		{"Very Unlikely / Highly Improbable", 15, 19},
		{"Unlikely / Improbable", 30, 39},
		{"Roughly Even Chance / Roughly Even Odds", 50, 59},
		{"Likely / Probable", 70, 79},
		{"Very Likely / Highly Probable", 85, 89},
		{"Almost Certain / Nearly Certain", 95, 100},
	}}
)

// NoneLowMedHigh is the scale None, Low, Med, High.
func NoneLowMedHigh() Scale { return noneLowMedHigh }

// ZeroTen is the scale from 0 to 10.
func ZeroTen() Scale { return zeroTen }

// Admiralty is the scale of credibility of the Admiralty system. Its word "6 -
// Truth cannot be judged" stands for no confidence at all, which is the absence
// of the property: it has no number.
func Admiralty() Scale { return admiralty }

// WEP is the scale of the Words of Estimative Probability.
func WEP() Scale { return wep }

// DNI is the scale of the US Director of National Intelligence.
func DNI() Scale { return dni }

// Scales returns all scales in the order of the standard.
func Scales() []Scale { return []Scale{noneLowMedHigh, zeroTen, admiralty, wep, dni} }

// Name returns the name of the scale.
func (s Scale) Name() string { return s.name }

// Words returns the words of the scale from the least to the most sure.
func (s Scale) Words() []string {
	words := make([]string, len(s.steps))
	for i, p := range s.steps {
		words[i] = p.word
	}
	return words
}

// Word returns the word for a confidence from 0 to 100; ok is false for other
// numbers.
func (s Scale) Word(confidence int) (word string, ok bool) {
	if confidence < 0 {
		return "", false
	}
	for _, p := range s.steps {
		if confidence <= p.to {
			return p.word, true
		}
	}
	return "", false
}

// Value returns the confidence, from 0 to 100, for a word of the scale, exactly
// as the standard writes it; ok is false for other words.
func (s Scale) Value(word string) (confidence int, ok bool) {
	for _, p := range s.steps {
		if p.word == word {
			return p.value, true
		}
	}
	return 0, false
}
