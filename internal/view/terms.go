package view

import (
	"time"

	"casus/internal/core/observable"
	"casus/stix"
)

// terms is what an object adds to the postings, taken from its bytes alone.
type terms struct {
	id, typ, version, spec string
	versioned              bool
	event                  int64
	inert                  bool     // a marking definition that restricts no reading
	keys                   []string // prefix and term, without repeats of mentions
	values                 int      // distinct values mentioned
}

// maxTerms bounds what one object adds; real reports with thousands of
// references stay below.
const maxTerms = 200_000

// termsOf reads o. It does no I/O: the same bytes give the same terms.
func termsOf(o *stix.Object) *terms {
	t := &terms{id: o.ID(), typ: o.Type(), version: o.VersionKey(), spec: o.SpecVersion()}
	t.versioned = o.Has("modified") || o.Has("created")
	t.event = eventTime(o)
	t.inert = t.typ == "marking-definition" && o.String("definition_type") == "statement"
	seen := make(map[string]struct{}, 16)
	add := func(key string) bool {
		if _, dup := seen[key]; dup || len(t.keys) >= maxTerms {
			return false
		}
		seen[key] = struct{}{}
		t.keys = append(t.keys, key)
		return true
	}
	add("t" + t.typ)
	observable.FromObject(o, func(m observable.Mention) {
		prefix := "v"
		if m.Reference {
			prefix = "l"
		}
		if add(prefix+string(m.Key.Bytes())) && !m.Reference {
			t.values++
		}
	})
	o.Refs(func(property, id string) {
		if property != "object_marking_refs" && property != "marking_ref" {
			add("f" + id)
		}
	})
	observable.Fields(o, func(_, text string) {
		observable.Words(text, func(w string) { add("w" + w) })
	})
	return t
}

// eventTime returns when what o tells began, in seconds since 1970, 0 when it
// does not say.
func eventTime(o *stix.Object) int64 {
	for _, name := range [...]string{"first_observed", "first_seen", "valid_from", "start_time"} {
		if v := o.String(name); v != "" {
			if t, err := time.Parse(time.RFC3339Nano, v); err == nil && t.Unix() > 0 {
				return t.Unix()
			}
		}
	}
	return 0
}
