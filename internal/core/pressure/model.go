package pressure

import (
	"cmp"
	"slices"

	"casus/internal/fault"
)

// Model is the parameters of casus-cumulative/1. A coalition adopts them; those of
// [Example] are nobody's.
type Model struct {
	// Label names the parameter set, as "example".
	Label string `json:"label"`
	// Significant is the severity below which an incident adds nothing, 0 to 100.
	Significant float64 `json:"significant"`
	// Gamma is how much more the grave weighs than the slight, 0.1 to 10; 1 is in
	// proportion.
	Gamma float64 `json:"gamma"`
	// HalfLife is after how many days half of an incident is left, 1 to 36,525.
	HalfLife float64 `json:"half_life_days"`
	// Solidarity is how much of an attack on one is one on all, 0 to 1.
	Solidarity float64 `json:"solidarity"`
	// Weights say how much the loss of a function is of the loss of a member, 0 to 1;
	// Other is that of functions not named.
	Weights map[string]float64 `json:"weights"`
	Other   float64            `json:"other"`
	// Gate is what the belief that one originator was behind all, and that all
	// belong together, must reach for these to count as met, 0 to 1.
	Gate float64 `json:"gate"`
	// Bands are the thresholds that were adopted, ascending; none is in force when
	// empty.
	Bands []Band `json:"bands,omitempty"`
}

// Band begins at a value of the index, 0 to 100.
type Band struct {
	Name string  `json:"name"`
	From float64 `json:"from"`
}

// MaxBands and MaxWeights bound a model.
const (
	MaxBands   = 16
	MaxWeights = 256
)

// Check says with an Invalid fault what is wrong with a model.
func (m *Model) Check() error {
	for _, f := range []struct {
		name          string
		value, lo, hi float64
	}{
		{"significant", m.Significant, 0, 100},
		{"gamma", m.Gamma, 0.1, 10},
		{"half_life_days", m.HalfLife, 1, maxDays},
		{"solidarity", m.Solidarity, 0, 1},
		{"other", m.Other, 0, 1},
		{"gate", m.Gate, 0, 1},
	} {
		if !(f.lo <= f.value && f.value <= f.hi) {
			return fault.Errorf(fault.Invalid, "pressure: model %q: %s is %v, want %v to %v", m.Label, f.name, f.value, f.lo, f.hi)
		}
	}
	if len(m.Weights) > MaxWeights || len(m.Bands) > MaxBands {
		return fault.Errorf(fault.Invalid, "pressure: model %q: %d weights and %d bands, at most %d and %d", m.Label, len(m.Weights), len(m.Bands), MaxWeights, MaxBands)
	}
	for name, w := range m.Weights {
		if !(0 <= w && w <= 1) {
			return fault.Errorf(fault.Invalid, "pressure: model %q: weight of %s is %v, want 0 to 1", m.Label, name, w)
		}
	}
	for k, b := range m.Bands {
		if b.Name == "" || !(0 < b.From && b.From <= 100) || k > 0 && b.From <= m.Bands[k-1].From {
			return fault.Errorf(fault.Invalid, "pressure: model %q: band %d, %q from %v: want a name, above 0, ascending, at most 100", m.Label, k+1, b.Name, b.From)
		}
	}
	return nil
}

func (m *Model) weight(function string) float64 {
	if w, ok := m.Weights[function]; ok {
		return w
	}
	return m.Other
}

// band returns the place of the band in which a value lies; -1 below the first.
func (m *Model) band(value float64) int {
	k, found := slices.BinarySearchFunc(m.Bands, value, func(b Band, v float64) int { return cmp.Compare(b.From, v) })
	if found {
		return k
	}
	return k - 1
}

// Example returns the parameters that stand in for a coalition's own until it adopts
// some: they show what the model does and put nothing in force.
//
// The severity from which an incident counts is the lower edge of NCISS's band Low;
// the half-life is the six months of Article 4 of Implementing Regulation
// (EU) 2024/2690; solidarity is whole because an attack on one is one on all. Gamma
// and bands are examples and rest on nothing.
func Example() Model {
	return Model{
		Label: "example", Significant: 35, Gamma: 1.5, HalfLife: 180, Solidarity: 1, Gate: 0.5, Other: 0.6,
		Weights: map[string]float64{"energy": 1, "health": 0.8, "finance": 0.7, "government": 0.6},
		Bands: []Band{
			{"monitor", 10},
			{"inform", 25},
			{"consult-candidate", 45},
			{"collective-response-candidate", 65},
			{"armed-attack-assessment-candidate", 85},
		},
	}
}
