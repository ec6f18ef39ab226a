package view

import (
	"bytes"
	"hash/maphash"
	"time"

	"casus/internal/core/observable"
	"casus/stix"
)

// Terms is what an object adds to the postings, taken from its bytes alone. As
// the note of its entry it spares the store from reading the object again.
type Terms struct {
	id, typ, version, spec string
	versioned              bool
	event                  int64
	statement              bool // a marking definition that restricts no reading
	values                 int  // distinct values mentioned

	buf    []byte            // prefix and term of each key, one after the other
	ends   []uint32          // where each ends in buf
	hashes []uint64          // of each, while there are few
	more   map[uint64]uint32 // index by keyed hash, once there are many
	seed   maphash.Seed      // of more
}

// maxTerms bounds what one object adds; real reports with thousands of
// references stay below.
const maxTerms = 200_000

// fewTerms is how many keys are compared one by one.
const fewTerms = 48

// Version returns the version key of the object.
func (t *Terms) Version() string { return t.version }

// each yields the keys. They must not be kept.
func (t *Terms) each(yield func(key []byte) bool) {
	from := uint32(0)
	for _, end := range t.ends {
		if !yield(t.buf[from:end:end]) {
			return
		}
		from = end
	}
}

// key returns key i.
func (t *Terms) key(i int) []byte {
	from := uint32(0)
	if i > 0 {
		from = t.ends[i-1]
	}
	return t.buf[from:t.ends[i]]
}

// add takes in the key that was appended to buf, unless it is there already.
// Senders choose the keys and can make two hash alike, so the bytes decide.
func (t *Terms) add() bool {
	n := len(t.ends)
	from := 0
	if n > 0 {
		from = int(t.ends[n-1])
	}
	key := t.buf[from:]
	if n == fewTerms && t.more == nil {
		t.index()
	}
	var h uint64
	var known bool
	if t.more != nil {
		h, known = t.slot(key)
	} else {
		h = hashKey(key)
		for i, other := range t.hashes {
			if other == h && bytes.Equal(t.key(i), key) {
				known = true
				break
			}
		}
	}
	if known || n >= maxTerms {
		t.buf = t.buf[:from]
		return false
	}
	if t.more != nil {
		t.more[h] = uint32(n) //nolint:gosec // bounded by maxTerms
	} else {
		t.hashes = append(t.hashes, h)
	}
	t.ends = append(t.ends, uint32(len(t.buf))) //nolint:gosec // an object is far smaller
	return true
}

// index makes ready for many keys.
func (t *Terms) index() {
	t.more, t.seed = make(map[uint64]uint32, 4*fewTerms), maphash.MakeSeed()
	for i := range t.ends {
		h, _ := t.slot(t.key(i))
		t.more[h] = uint32(i) //nolint:gosec // bounded by maxTerms
	}
}

// slot returns where key stands in more, or is to stand. The hash is keyed, so
// that nobody can make many keys ask for the same slot.
func (t *Terms) slot(key []byte) (h uint64, known bool) {
	for h = maphash.Bytes(t.seed, key); ; h++ {
		i, ok := t.more[h]
		if !ok {
			return h, false
		}
		if bytes.Equal(t.key(int(i)), key) {
			return h, true
		}
	}
}

// TermsOf reads o. It does no I/O: the same bytes give the same terms.
func TermsOf(o *stix.Object) *Terms {
	t := &Terms{
		id: o.ID(), typ: o.Type(), version: o.VersionKey(), spec: o.SpecVersion(),
		buf: make([]byte, 0, 768), ends: make([]uint32, 0, fewTerms), hashes: make([]uint64, 0, fewTerms),
	}
	t.versioned = o.Has("modified") || o.Has("created")
	t.event = eventTime(o)
	t.statement = t.typ == "marking-definition" && o.String("definition_type") == "statement"
	t.buf = append(append(t.buf, 't'), t.typ...)
	t.add()
	observable.FromObject(o, func(m observable.Mention) {
		prefix := byte('v')
		if m.Reference {
			prefix = 'l'
		}
		t.buf = m.AppendBytes(append(t.buf, prefix))
		if t.add() && !m.Reference {
			t.values++
		}
	})
	o.Refs(func(property, id []byte) {
		if p := string(property); p != "object_marking_refs" && p != "marking_ref" {
			t.buf = append(append(t.buf, 'f'), id...)
			t.add()
		}
	})
	observable.Fields(o, func(_ string, text []byte) {
		observable.Words(text, func(w []byte) {
			t.buf = append(append(t.buf, 'w'), w...)
			t.add()
		})
	})
	t.hashes, t.more = nil, nil // nothing is added any more
	return t
}

// eventTime returns when what o tells began, in seconds since 1970, 0 when it
// does not say. What a row without a time became bears the time of receipt, and
// says so.
func eventTime(o *stix.Object) int64 {
	for _, name := range [...]string{"first_observed", "first_seen", "valid_from", "start_time"} {
		if v := o.String(name); v != "" {
			if t, err := time.Parse(time.RFC3339Nano, v); err == nil && t.Unix() > 0 {
				if o.String("x_casus_time_basis") == "receipt" {
					return 0
				}
				return t.Unix()
			}
		}
	}
	return 0
}
