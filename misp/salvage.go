package misp

import (
	"bytes"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"strconv"
)

// salvage reads an event that cannot be read whole, without those of its parts
// that cannot be read.
type salvage struct {
	base    int64  // where the event stands in the input
	pointer string // of the event
	bad     []*Error
}

// event returns raw, which is a valid JSON object, without its bad parts.
func (s *salvage) event(raw jsontext.Value) jsontext.Value {
	return s.object(raw, 0, s.pointer, func(name string) func([]byte) error {
		switch name {
		case "Attribute":
			return reads[Attribute]
		case "Object":
			return reads[Object]
		case "Galaxy":
			return reads[Galaxy]
		case "EventReport":
			return reads[EventReport]
		case "Sighting":
			return reads[Sighting]
		case "ShadowAttribute":
			return reads[Proposal]
		case "RelatedEvent":
			return reads[Related]
		}
		return nil // above all no tag: it may be a marking
	})
}

// ofObject names the parts of an object that it can do without.
func ofObject(name string) func([]byte) error {
	switch name {
	case "Attribute":
		return reads[Attribute]
	case "ObjectReference":
		return reads[Reference]
	}
	return nil
}

// reads tells whether raw can be read as a T.
func reads[T any](raw []byte) error { return json.Unmarshal(raw, new(T)) }

// object copies raw, which begins at byte at of the event, without the bad
// elements of those of its members that parts knows how to try.
func (s *salvage) object(raw jsontext.Value, at int64, pointer string, parts func(name string) func([]byte) error) jsontext.Value {
	dec := jsontext.NewDecoder(bytes.NewReader(raw))
	if _, err := dec.ReadToken(); err != nil {
		return raw
	}
	out := jsontext.Value("{")
	for dec.PeekKind() == '"' {
		name, err := dec.ReadToken()
		if err != nil {
			return raw
		}
		text := name.String()
		v, err := dec.ReadValue()
		if err != nil {
			return raw
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		if out, err = jsontext.AppendQuote(out, text); err != nil {
			return raw
		}
		out = append(out, ':')
		if try := parts(text); try != nil && v.Kind() == '[' {
			v = s.list(v, at+dec.InputOffset()-int64(len(v)), pointer+"/"+text, text, try)
		}
		out = append(out, v...)
	}
	return append(out, '}')
}

// list copies a list without its bad elements. An object is kept when it can be
// read without some of its own parts.
func (s *salvage) list(raw jsontext.Value, at int64, pointer, name string, try func([]byte) error) jsontext.Value {
	dec := jsontext.NewDecoder(bytes.NewReader(raw))
	if _, err := dec.ReadToken(); err != nil {
		return raw
	}
	out := jsontext.Value("[")
	for i := 0; dec.PeekKind() != ']'; i++ {
		v, err := dec.ReadValue()
		if err != nil {
			return raw
		}
		start, place := at+dec.InputOffset()-int64(len(v)), pointer+"/"+strconv.Itoa(i)
		err = try(v)
		if err != nil && name == "Object" && v.Kind() == '{' {
			before := len(s.bad)
			if less := s.object(v, start, place, ofObject); try(less) == nil {
				v, err = less, nil
			} else {
				s.bad = s.bad[:before]
			}
		}
		if err != nil {
			e := semantic(err, s.base+start, place)
			e.Raw = bytes.Clone(v)
			s.bad = append(s.bad, e)
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(out, v...)
	}
	return append(out, ']')
}
