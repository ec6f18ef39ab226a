package view

import (
	"slices"
	"strings"

	"casus/internal/core/observable"
	"casus/internal/kv"
	"casus/stix"
)

// span is when something was seen, by the event times of receipts, in seconds
// since 1970; the zero span is not known.
type span struct{ from, to int64 }

func (s *span) add(event int64) {
	if event == 0 {
		return
	}
	if s.from == 0 {
		s.from = event
	}
	s.from, s.to = min(s.from, event), max(s.to, event)
}

// times is what one side tells of when a value was seen in a report.
type times struct {
	span
	untimed uint32 // a receipt without a time of its own, the last looked at
}

// nearby is how many receipts on either side are looked at for those of the same
// report. Few objects of one report refer to one object.
const nearby = 256

// referred returns when the object id was seen, by the observed data, indicators
// and sightings that refer to it in the report of receipt rc: what a plain value
// does not say of itself.
func (m *matcher) referred(id string, rc receipt) (span, error) {
	var out span
	low, high := rc.no&^0xffff, rc.no&^0xffff
	if !m.r.all {
		// The numbers count what is not readable, so where a container ends must not
		// tell.
		low, high = low-min(low, 1<<16), high+min(1<<16, none&^0xffff-high)
	}
	var before, after []uint32
	for base := low; ; base += 1 << 16 {
		raw, ok, err := m.kv.Get(postingKey(nil, 'f', []byte(id), base))
		if err != nil {
			return out, err
		}
		if ok {
			set, err := kv.ParsePostings(raw)
			if err != nil {
				return out, err
			}
			at := 0
			for at < len(set) && base|uint32(set[at]) < rc.no {
				at++
			}
			from, to := 0, len(set)
			if m.r.all {
				from, to = max(0, at-nearby), min(to, at+nearby)
			}
			for i, v := range set[from:to] {
				if from+i < at {
					before = append(before, base|uint32(v))
				} else {
					after = append(after, base|uint32(v))
				}
			}
		}
		if base == high {
			break
		}
	}
	slices.Reverse(before)
	for _, side := range [2][]uint32{before, after} {
		if err := m.told(rc, side, &out); err != nil {
			return out, err
		}
	}
	return out, nil
}

// told adds when the nearest of nos were, of those in the report of rc that are
// readable.
func (m *matcher) told(rc receipt, nos []uint32, out *span) error {
	left := nearby
	for _, no := range nos {
		if left == 0 {
			return nil
		}
		by, err := m.blk.get(no)
		if err != nil {
			return err
		}
		ok, err := m.sees(&by)
		if err != nil {
			return err
		}
		if m.r.all || ok {
			left--
		}
		if !ok || by.report != rc.report || by.event == 0 {
			continue
		}
		switch m.s.typeName(by.typ) {
		case "observed-data", "indicator", "sighting":
			out.add(by.event)
		}
	}
	return nil
}

// when returns when the value k was seen in all reports of d, and false when one
// of them does not tell. The objects that are plain values are found by their
// ids, which STIX makes of the value.
func (m *matcher) when(d *side, k observable.Key) (span, bool, error) {
	var all span
	id := ""
	for _, t := range d.reports {
		s := t.span
		if s.from == 0 {
			if id == "" {
				if id = plainID(k); id == "" {
					return all, false, nil
				}
			}
			rc, err := m.blk.get(t.untimed)
			if err != nil {
				return all, false, err
			}
			if s, err = m.referred(id, rc); err != nil || s.from == 0 {
				return all, false, err
			}
		}
		all.add(s.from)
		all.add(s.to)
	}
	return all, true, nil
}

// plainID returns the id that STIX's rule gives to the object that is k and
// nothing more; empty when there is none.
func plainID(k observable.Key) string {
	typ, property, _ := strings.Cut(k.STIXPath(), ":")
	raw := append(stix.AppendQuoted([]byte(`{"type":`), typ), ',')
	hash, isHash := strings.CutPrefix(property, "hashes.")
	switch {
	case property == "number":
		raw = append(append(raw, `"number":`...), strings.TrimPrefix(k.Normal, "AS")...)
	case isHash:
		raw = append(stix.AppendQuoted(append(raw, `"hashes":{`...), hash), ':')
		raw = append(stix.AppendQuoted(raw, k.Normal), '}')
	case property == "value" || property == "name" || property == "path":
		raw = append(stix.AppendQuoted(raw, property), ':')
		raw = stix.AppendQuoted(raw, k.Normal)
	default:
		return ""
	}
	id, err := stix.SCOID(append(raw, '}'))
	if err != nil {
		return ""
	}
	return id
}
