package pressure

import (
	"cmp"
	"slices"

	"casus/internal/core/attrib"
	"casus/internal/core/exact"
)

// Figure is what the incidents come to in one index. All values of the index are
// 0 to 100, in millionths.
type Figure struct {
	Model string `json:"model"` // casus-cumulative/1
	Label string `json:"label"` // of the parameters
	Index Index  `json:"index"`
	// Lo and Hi bound the index: with what is believed and the least severities, and
	// with all that may be so and the greatest. Mid is with what is probable, Certain
	// as if attribution were beyond doubt.
	Lo      exact.Micro `json:"lo"`
	Mid     exact.Micro `json:"mid"`
	Hi      exact.Micro `json:"hi"`
	Certain exact.Micro `json:"certain"`
	// Expected is the mean over the worlds, and Worlds all of them, ascending. Drawn
	// says that there were too many to work out and that they were sampled.
	Expected exact.Micro `json:"expected"`
	Worlds   []World     `json:"worlds"`
	Drawn    bool        `json:"drawn,omitempty"`
	// Half and Most are intervals of 50 and 90 % of the worlds.
	Half [2]exact.Micro `json:"interval_50"`
	Most [2]exact.Micro `json:"interval_90"`
	// Gates say whether it may be read as the act of one originator at all.
	Gates []Gate `json:"gates"`
	// Adopted says whether any threshold is in force; when none is, there is neither
	// Reach nor Tipping nor Below.
	Adopted bool    `json:"adopted"`
	Reach   []Reach `json:"reach,omitempty"`
	// Below names the band that the index has come close to without reaching it for
	// three months: four fifths of it and more. Empty is none.
	Below string `json:"below_threshold,omitempty"`
	// Members is what each member bears, Breadth how many bear it as if alike,
	// Persistence the share of the last twelve months with an incident.
	Members     []Share     `json:"members"`
	Breadth     exact.Micro `json:"breadth"`
	Persistence exact.Micro `json:"persistence"`
	// Without is what each incident and each evidence group adds: what is lost
	// without it, the most first.
	Without []Without `json:"without"`
	// Sensitivity is Mid under other parameters, Tipping the smallest changes of
	// facts that would move Mid into another band.
	Sensitivity []Variant `json:"sensitivity"`
	Tipping     []Tip     `json:"tipping,omitempty"`
	// Salience stands beside the index and is no part of it.
	Salience Salience `json:"salience"`
}

// Share is what a member comes to, 0 to 1.
type Share struct {
	Member string      `json:"member"`
	Value  exact.Micro `json:"value"`
}

// Gate is a condition without which a sum means nothing. Lo and Hi bound how far it
// holds, 0 to 1.
type Gate struct {
	Name  string      `json:"name"`  // same-originator or related
	State string      `json:"state"` // met, not-met or undetermined
	Lo    exact.Micro `json:"lo"`
	Hi    exact.Micro `json:"hi"`
}

// Reach is the probability that the index is in a band or above.
type Reach struct {
	Band string      `json:"band"`
	From exact.Micro `json:"from"`
	P    exact.Micro `json:"p"`
}

// Without is what is lost of Mid without an incident or an evidence group.
type Without struct {
	Incident string      `json:"incident,omitempty"`
	Group    string      `json:"evidence_group,omitempty"`
	Adds     exact.Micro `json:"adds"`
}

// Variant is Mid under another gravity and half-life.
type Variant struct {
	Gamma    float64     `json:"gamma"`
	HalfLife float64     `json:"half_life_days"`
	Mid      exact.Micro `json:"mid"`
}

// Salience counts what draws attention apart from severity.
type Salience struct {
	Incidents int `json:"incidents"`
	Members   int `json:"members"`
	Functions int `json:"functions"`
	// Repeated is how many functions of a member were hit more than once.
	Repeated int `json:"repeated"`
}

// Assess computes a figure of the incidents that feed an index. Incidents of other
// classes are passed over. Bad incidents or models are Invalid faults, an incident
// that is given twice and otherwise a Conflict.
func Assess(m Model, incidents []Incident, index Index) (*Figure, error) {
	if err := m.Check(); err != nil {
		return nil, err
	}
	in, err := prepared(incidents, index)
	if err != nil {
		return nil, err
	}
	g := m.ground(in)
	ts := m.terms(g, in)
	f := &Figure{Model: Name, Label: m.Label, Index: index, Adopted: len(m.Bands) > 0, Members: []Share{}, Without: []Without{}}
	var shares []float64
	mid := m.combine(g, ts, func(member string, share float64) {
		shares = append(shares, share)
		f.Members = append(f.Members, Share{member, micro(share)})
	})
	f.Mid, f.Breadth, f.Persistence = micro(mid), micro(breadth(shares)), micro(m.persistence(in))
	f.Lo, f.Hi, f.Certain = micro(m.bound(g, in, ts, low)), micro(m.bound(g, in, ts, high)), micro(m.bound(g, in, ts, certain))
	ws, drawn := m.worlds(in, g, ts)
	f.Worlds, f.Drawn, f.Expected = ws, drawn, micro(expected(ws))
	f.Half = [2]exact.Micro{micro(quantile(ws, 0.25)), micro(quantile(ws, 0.75))}
	f.Most = [2]exact.Micro{micro(quantile(ws, 0.05)), micro(quantile(ws, 0.95))}
	if f.Gates, err = m.gates(in); err != nil {
		return nil, err
	}
	for _, b := range m.Bands {
		f.Reach = append(f.Reach, Reach{b.Name, micro(b.From), micro(reach(ws, b.From))})
	}
	f.Below = m.below(in, mid)
	f.Without = m.without(g, in, ts, mid)
	f.Sensitivity = m.sensitivity(in)
	if f.Adopted {
		f.Tipping = m.tipping(g, in, ts, mid)
	}
	f.Salience = salience(in)
	return f, nil
}

// micro is for values that are bounded by construction.
func micro(x float64) exact.Micro {
	v, _ := exact.Round(x)
	return v
}

// Which bound to take.
const (
	low = iota
	high
	certain
)

func (m *Model) bound(g *ground, in []Incident, ts []term, which int) float64 {
	other := slices.Clone(ts)
	for k, i := range in {
		lo, _, hi := membership(i)
		switch which {
		case low:
			other[k].p, other[k].size = lo, exact.Mul(m.gravity(i.Severity.Lo), m.decay(i.Ended))
		case high:
			other[k].p, other[k].size = hi, exact.Mul(m.gravity(i.Severity.Hi), m.decay(i.Ended))
		default:
			other[k].p = 1
		}
	}
	return m.combine(g, other, nil)
}

// gates fuses what is thought of all incidents: within an evidence group it is the
// same evidence, between groups it is not.
func (m *Model) gates(in []Incident) ([]Gate, error) {
	gates := []Gate{}
	for _, q := range []struct {
		name string
		of   func(Incident) attrib.Opinion
	}{
		{"same-originator", func(i Incident) attrib.Opinion { return i.Originator }},
		{"related", func(i Incident) attrib.Opinion { return i.Linkage }},
	} {
		by := map[string][]attrib.Opinion{}
		for _, i := range in {
			by[i.Group] = append(by[i.Group], settled(q.of(i)))
		}
		var each []attrib.Opinion
		for _, os := range by {
			o, err := attrib.Averaging(os...)
			if err != nil {
				return nil, err
			}
			each = append(each, o)
		}
		gate := Gate{Name: q.name, State: "undetermined", Hi: micro(1)}
		if len(each) > 0 {
			all, err := attrib.Cumulative(each...)
			if err != nil {
				return nil, err
			}
			lo, hi := all.Bounds(0)
			gate.Lo, gate.Hi = micro(lo), micro(hi)
			switch {
			case lo >= m.Gate:
				gate.State = "met"
			case hi < m.Gate:
				gate.State = "not-met"
			}
		}
		gates = append(gates, gate)
	}
	return gates, nil
}

// settled returns an opinion with the least uncertainty that anybody may claim:
// without any it would outweigh all others.
func settled(o attrib.Opinion) attrib.Opinion {
	if o.Uncertainty >= attrib.MinUncertainty {
		return o
	}
	out := attrib.Opinion{Uncertainty: attrib.MinUncertainty, Base: o.Base}
	for _, b := range o.Belief {
		out.Belief = append(out.Belief, exact.Mul(b, (1-attrib.MinUncertainty)/(1-o.Uncertainty)))
	}
	return out
}

// below returns the first band that the index has stood at four fifths of, without
// reaching it, today and one, two and three months ago.
func (m *Model) below(in []Incident, now float64) string {
	values := []float64{now}
	for k := range 3 {
		then := at(in, float64(float64(k+1)*month))
		g := m.ground(then)
		values = append(values, m.combine(g, m.terms(g, then), nil))
	}
	for _, b := range m.Bands {
		if !slices.ContainsFunc(values, func(v float64) bool { return v >= b.From || v < exact.Mul(0.8, b.From) }) {
			return b.Name
		}
	}
	return ""
}

// without leaves out each incident, and each evidence group.
func (m *Model) without(g *ground, in []Incident, ts []term, mid float64) []Without {
	out := []Without{}
	other := slices.Clone(ts)
	for k := range in {
		other[k].p = 0
		out = append(out, Without{Incident: in[k].ID, Adds: micro(mid - m.combine(g, other, nil))})
		other[k].p = ts[k].p
	}
	var names []string
	for _, i := range in {
		names = append(names, i.Group)
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		for k := range in {
			if other[k].p = ts[k].p; in[k].Group == name {
				other[k].p = 0
			}
		}
		out = append(out, Without{Group: name, Adds: micro(mid - m.combine(g, other, nil))})
	}
	slices.SortStableFunc(out, func(a, b Without) int { return cmp.Compare(b.Adds, a.Adds) })
	return out
}

// sensitivity works out Mid under every combination of three gravities and three
// half-lives.
func (m *Model) sensitivity(in []Incident) []Variant {
	var out []Variant
	for _, gamma := range []float64{1, 1.5, 2} {
		for _, days := range []float64{90, 180, 365} {
			other := *m
			other.Gamma, other.HalfLife = gamma, days
			g := other.ground(in)
			out = append(out, Variant{gamma, days, micro(other.combine(g, other.terms(g, in), nil))})
		}
	}
	return out
}

func salience(in []Incident) Salience {
	times := map[[2]string]int{}
	members, functions := map[string]bool{}, map[string]bool{}
	for _, i := range in {
		times[[2]string{i.Member, i.Function}]++
		members[i.Member], functions[i.Function] = true, true
	}
	s := Salience{Incidents: len(in), Members: len(members), Functions: len(functions)}
	for _, n := range times {
		if n > 1 {
			s.Repeated++
		}
	}
	return s
}
