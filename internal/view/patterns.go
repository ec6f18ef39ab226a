package view

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"casus/internal/core/report"
	"casus/stix"
	"casus/stix/pattern"
	"casus/stix/pattern/match"
)

// Bounds of holding the patterns of stored indicators against what a question is
// about. Readable indicators alone count.
const (
	maxObserved    = 2_000 // observed data and bare observables
	newestPatterns = 256   // indicators held against it, whatever values they name
	perValue       = 64    // mentions of one value in which indicators are looked for
	maxPatterns    = 1_000 // indicators in all
	patternSteps   = match.DefaultSteps
)

// patterns holds the patterns of readable indicators in other reports against
// observed data and cyber-observables. Indicators are found by the values that
// are asked about, and the newest ones besides, as a pattern need not name a value.
//
// Patterns match or not by content alone; who may read the indicator and what was
// observed is decided before, so that a match is shown to nobody who may not read
// both.
func (m *matcher) patterns(ctx context.Context, objects []*stix.Object, list []asked, out *report.Matches) error {
	if !slices.ContainsFunc(objects, canMatch) {
		return nil
	}
	found, err := m.indicators(list)
	if err != nil || len(found) == 0 {
		return err
	}
	type standing struct {
		set uint32
		rec *record
	}
	x := &match.Index{}
	held := make(map[string]report.PatternMatch)
	from := make(map[string]standing)
	for _, rc := range found {
		o, err := m.untraced(ctx, rc) // those that match alone are given
		if err != nil {
			return err
		}
		if o == nil || o.Revoked() {
			continue
		}
		hit, ready := patternOf(o)
		key := keyOf(hit)
		if _, again := held[key]; again || ready == nil {
			continue
		}
		rec, err := m.rec(rc.report)
		if err != nil {
			return err
		}
		if rec == nil {
			continue
		}
		hit.Report, hit.Source = m.s.shortID("RPT", rec.Identity), rec.Source
		hit.TLP, _ = m.s.labelOf(rc, rec)
		held[key], from[key] = hit, standing{rc.set, rec}
		x.Add(key, ready)
	}
	out.Summary.Patterns = len(held)
	holdPatterns(x, held, observations(objects), out)
	for _, hit := range out.Patterns {
		at := from[keyOf(hit)]
		m.s.gave(m.r, at.set, at.rec, hit.Indicator)
	}
	slices.SortFunc(out.Patterns, func(a, b report.PatternMatch) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Indicator, b.Indicator), cmp.Compare(a.Pattern, b.Pattern))
	})
	return ctx.Err()
}

// keyOf tells patterns of indicators apart.
func keyOf(hit report.PatternMatch) string { return hit.Indicator + "\x00" + hit.Pattern }

// canMatch reports whether patterns can match an object.
func canMatch(o *stix.Object) bool {
	return o.Type() == "observed-data" || o.Class() == stix.ClassSCO
}

// indicators returns readable receipts of indicators, each object once.
func (m *matcher) indicators(list []asked) (out []receipt, err error) {
	seen := make(map[uint32]bool)
	take := func(prefix byte, term []byte, most int) error {
		for rc, err := range m.readables(prefix, term) {
			if err != nil {
				return err
			}
			if rc.report != m.self && m.s.typeName(rc.typ) == "indicator" && !seen[rc.first] {
				seen[rc.first] = true
				out = append(out, rc)
			}
			if most--; most == 0 || len(out) >= maxPatterns {
				return nil
			}
		}
		return nil
	}
	if err := take('t', []byte("indicator"), newestPatterns); err != nil {
		return nil, err
	}
	for _, a := range list {
		if len(out) >= maxPatterns {
			break
		}
		if term := a.key.Bytes(); m.held(term) {
			if err := take('v', term, perValue); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// patternOf makes the STIX pattern of an indicator ready, nil if it has none that
// can be held against anything.
func patternOf(o *stix.Object) (report.PatternMatch, *match.Matcher) {
	hit := report.PatternMatch{Indicator: o.ID(), Name: nameOf(o), Pattern: o.String("pattern")}
	version := pattern.V21
	switch {
	case o.SpecVersion() == "2.0":
		version = pattern.V20
	case o.String("pattern_type") != "stix":
		return hit, nil
	}
	p, err := pattern.ParseVersion(hit.Pattern, version)
	if err != nil {
		return hit, nil
	}
	ready, err := match.New(p)
	if err != nil {
		return hit, nil
	}
	return hit, ready
}

// observations makes observations of observed data, with the objects they refer
// to, and of observables to which none of them does.
func observations(objects []*stix.Object) []*match.Observation {
	byID := make(map[string][]byte, len(objects))
	within := make(map[string]bool)
	for _, o := range objects {
		byID[o.ID()] = o.Raw()
		if o.Type() == "observed-data" {
			for _, id := range o.Strings("object_refs") {
				within[id] = true
			}
		}
	}
	find := func(id string) []byte { return byID[id] }
	var out []*match.Observation
	for _, o := range objects {
		var obs *match.Observation
		var err error
		switch {
		case len(out) >= maxObserved:
			return out
		case o.Type() == "observed-data":
			obs, err = match.ObservedData(o.Raw(), find)
		case o.Class() == stix.ClassSCO && !within[o.ID()]:
			obs, err = match.Object(o.Raw(), time.Time{}, find)
		default:
			continue
		}
		if err == nil {
			out = append(out, obs)
		}
	}
	return out
}

// holdPatterns adds the patterns that observations fulfil, one by itself or several
// together.
func holdPatterns(x *match.Index, held map[string]report.PatternMatch, obs []*match.Observation, out *report.Matches) {
	open := make(map[string]bool) // patterns of which a part is fulfilled
	steps := patternSteps / max(len(obs), 1)
	for _, o := range obs {
		hits, err := x.Match(o, steps)
		if err != nil {
			out.Summary.Undecided++
			continue
		}
		for _, h := range hits {
			hit := held[h.ID]
			if open[h.ID] = true; h.Complete && len(hit.Observed) < maxNamed {
				hit.Observed = append(hit.Observed, o.ID)
				held[h.ID] = hit
			}
		}
	}
	for key := range open {
		hit := held[key]
		if len(hit.Observed) == 0 {
			r, err := x.Matcher(key).Match(obs, patternSteps/len(open))
			if errors.Is(err, match.ErrBudget) {
				out.Summary.Undecided++
			}
			for _, i := range r.Binding[:min(len(r.Binding), maxNamed)] {
				hit.Observed = append(hit.Observed, obs[i].ID)
			}
		}
		if len(hit.Observed) > 0 {
			out.Patterns = append(out.Patterns, hit)
		}
	}
}
