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
	raw, ok, err := m.kv.Get(postingKey(nil, 'f', []byte(id), rc.no))
	if err != nil || !ok {
		return out, err
	}
	set, err := kv.ParsePostings(raw)
	if err != nil {
		return out, err
	}
	at, _ := slices.BinarySearch(set, uint16(rc.no)) //nolint:gosec // the lower half
	for _, low := range set[max(0, at-nearby):min(len(set), at+nearby)] {
		by, err := m.blk.get(rc.no&^0xffff | uint32(low))
		if err != nil {
			return out, err
		}
		if by.report != rc.report || by.event == 0 {
			continue
		}
		switch m.s.typeName(by.typ) {
		case "observed-data", "indicator", "sighting":
		default:
			continue
		}
		ok, err := m.readable(by.no)
		if err != nil {
			return out, err
		}
		if ok {
			out.add(by.event)
		}
	}
	return out, nil
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
