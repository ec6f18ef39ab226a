package match

import (
	"fmt"
	"time"

	"casus/stix"
)

// MaxObjects is how many objects an observation may hold, those that it only
// refers to included.
const MaxObjects = 10_000

// Observation is what was observed: objects, how often and when. It is not
// changed again, and many matchers may read it at once.
type Observation struct {
	// ID is that of the observed-data, or of the bare object.
	ID string
	// Count is number_observed: how many observations it stands for, at least 1.
	Count int

	first, last int64    // microseconds since 1970; timeless for none
	objects     []object // the first roots of them may begin a match
	roots       int
	byID        map[string]int // nil for few objects
}

// object is one object of an observation.
type object struct {
	id    string // key in a STIX 2.0 observation
	typ   string
	value value
}

// never and ever are the times of an observation without any: they make every
// operator on time false. Their difference still fits 64 bits.
const (
	never int64 = 1 << 61
	ever  int64 = -never
)

// Find returns the bytes of the object with an id, nil if there is none. The
// bytes are only read.
type Find func(id string) []byte

// ObservedData reads an observed-data of STIX 2.1 or 2.0. The objects of its
// object_refs come from find, which may be nil if there are none; those it does
// not have are left out, as are relationships. The error says what cannot be
// read.
//
// Source: stix-2.1 §4.14, §9.7.4; stix-2.0.
func ObservedData(raw []byte, find Find) (*Observation, error) {
	v, err := parse(raw)
	if err != nil {
		return nil, fmt.Errorf("match: observed-data: %w", err)
	}
	if typ := v.str("type"); typ != "observed-data" {
		return nil, fmt.Errorf("match: object of type %q, want an observed-data", typ)
	}
	o := &Observation{ID: v.str("id"), Count: 1}
	if n := v.member("number_observed"); n != nil {
		if n.kind != integer || n.n < 1 || n.n > 999_999_999 {
			return nil, fmt.Errorf("match: %s: number_observed is no integer from 1 to 999,999,999", o.ID)
		}
		o.Count = int(n.n)
	}
	if err := o.setTimes(v.str("first_observed"), v.str("last_observed")); err != nil {
		return nil, err
	}
	if inside := v.member("objects"); inside != nil && inside.kind == dictionary {
		for i, key := range inside.names {
			o.add(key, inside.items[i])
		}
	}
	if refs := v.member("object_refs"); refs != nil && refs.kind == list && find != nil {
		if err := o.addRefs(refs.items, find); err != nil {
			return nil, err
		}
	}
	o.roots = len(o.objects)
	return o, o.settle()
}

// Object reads a bare cyber-observable object that was observed once. A zero
// time says that it is not known when. The objects it refers to come from find,
// which may be nil, and those to which they refer; they are followed, but no
// match begins with them.
//
// Source: stix-2.1 §9.7.4.
func Object(raw []byte, at time.Time, find Find) (*Observation, error) {
	v, err := parse(raw)
	if err != nil {
		return nil, fmt.Errorf("match: object: %w", err)
	}
	o := &Observation{ID: v.str("id"), Count: 1, first: never, last: ever}
	if !at.IsZero() {
		o.first, o.last = at.UnixMicro(), at.UnixMicro()
	}
	if o.add(o.ID, v); len(o.objects) == 0 {
		return nil, fmt.Errorf("match: object of type %q, want a cyber-observable object", v.str("type"))
	}
	o.roots = 1
	seen := map[string]bool{o.ID: true}
	for i := 0; find != nil && i < len(o.objects); i++ {
		var refs []value
		o.objects[i].value.references(&refs)
		for _, ref := range refs {
			if seen[ref.s] {
				continue
			}
			seen[ref.s] = true
			if err := o.addRefs([]value{ref}, find); err != nil {
				return nil, err
			}
		}
	}
	return o, o.settle()
}

// references adds the ids in properties whose names end in _ref and _refs.
func (v *value) references(refs *[]value) {
	for i, item := range v.items {
		switch {
		case v.kind == dictionary && isRef(v.names[i]) && item.kind == text:
			*refs = append(*refs, item)
		case v.kind == dictionary && isRef(v.names[i]) && item.kind == list:
			for _, ref := range item.items {
				if ref.kind == text {
					*refs = append(*refs, ref)
				}
			}
		default:
			item.references(refs)
		}
	}
}

func (o *Observation) setTimes(first, last string) error {
	o.first, o.last = never, ever
	if first == "" && last == "" {
		return nil
	}
	a, err := micros(first)
	if err != nil {
		return fmt.Errorf("match: %s: first_observed: %w", o.ID, err)
	}
	b, err := micros(last)
	if err != nil {
		return fmt.Errorf("match: %s: last_observed: %w", o.ID, err)
	}
	o.first, o.last = min(a, b), max(a, b)
	return nil
}

func (o *Observation) addRefs(refs []value, find Find) error {
	seen := make(map[string]bool, len(refs))
	for _, ref := range refs {
		if ref.kind != text || seen[ref.s] {
			continue
		}
		seen[ref.s] = true
		raw := find(ref.s)
		if raw == nil {
			continue
		}
		v, err := parse(raw)
		if err != nil {
			return fmt.Errorf("match: %s: %s: %w", o.ID, ref.s, err)
		}
		if o.add(ref.s, v); len(o.objects) > MaxObjects {
			return fmt.Errorf("match: %s: more than %d objects", o.ID, MaxObjects)
		}
	}
	return nil
}

// add takes an object, but for relationships, which object_refs may hold too.
func (o *Observation) add(id string, v value) {
	if typ := v.str("type"); typ != "" && stix.ClassOf(typ) != stix.ClassSRO {
		o.objects = append(o.objects, object{id: id, typ: typ, value: v})
	}
}

func (o *Observation) settle() error {
	if len(o.objects) > MaxObjects {
		return fmt.Errorf("match: %s: more than %d objects", o.ID, MaxObjects)
	}
	const few = 8
	if len(o.objects) <= few {
		return nil
	}
	o.byID = make(map[string]int, len(o.objects))
	for i := range o.objects {
		o.byID[o.objects[i].id] = i
	}
	return nil
}

// find returns the object with an id, nil if the observation has none.
func (o *Observation) find(id string) *object {
	if o.byID != nil {
		if i, ok := o.byID[id]; ok {
			return &o.objects[i]
		}
		return nil
	}
	for i := range o.objects {
		if o.objects[i].id == id {
			return &o.objects[i]
		}
	}
	return nil
}

// Observations makes an observation of each observed-data among objects; their
// object_refs are looked up among the objects too. What cannot be read is left
// out and comes back as an error, the others in the order of the objects.
func Observations(objects [][]byte) ([]*Observation, []error) {
	byID := make(map[string][]byte, len(objects))
	var errs []error
	var data [][]byte
	for i, raw := range objects {
		v, err := parse(raw)
		if err != nil {
			errs = append(errs, fmt.Errorf("match: object %d: %w", i, err))
			continue
		}
		if byID[v.str("id")] = raw; v.str("type") == "observed-data" {
			data = append(data, raw)
		}
	}
	var out []*Observation
	for _, raw := range data {
		o, err := ObservedData(raw, func(id string) []byte { return byID[id] })
		if err != nil {
			errs = append(errs, err)
			continue
		}
		out = append(out, o)
	}
	return out, errs
}
