package view

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"casus/internal/core/observable"
	"casus/internal/core/report"
	"casus/internal/fault"
	"casus/internal/kv"
	"casus/stix"
	"casus/tlp"
)

// variant is one content of one version of an object, as far as it is readable.
type variant struct {
	key      string
	receipts []receipt // readable ones, rising; at least one
	many     bool      // the version has other variants that are readable
}

// versions lists the readable versions of an object, oldest first, and the
// variants of one version in the order in which they came to be readable.
func (m *matcher) versions(id string) ([]variant, error) {
	from := []byte("o" + id + "\x00")
	var out []variant
	for p, err := range m.kv.Scan(from, kv.PrefixEnd(from)) {
		if err != nil {
			return nil, err
		}
		key := string(p.Key[len(from):])
		start := len(out)
		for _, first := range parseNumbers(p.Value) {
			rcs, err := m.content(first)
			if err != nil {
				return nil, err
			}
			if len(rcs) > 0 {
				out = append(out, variant{key: key, receipts: rcs})
			}
		}
		same := out[start:]
		slices.SortFunc(same, func(a, b variant) int { return cmp.Compare(a.receipts[0].no, b.receipts[0].no) })
		for i := range same {
			same[i].many = len(same) > 1
		}
	}
	return out, nil
}

// content returns the readable receipts of the content that first brought,
// rising.
func (m *matcher) content(first uint32) ([]receipt, error) {
	again, err := m.list('O', num(0, first)[1:])
	if err != nil {
		return nil, err
	}
	again = append(again, first)
	slices.Sort(again)
	var out []receipt
	for _, no := range again {
		rc, err := m.blk.get(no)
		if err != nil {
			return nil, err
		}
		ok, err := m.sees(&rc)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, rc)
		}
	}
	return out, nil
}

// form is what decides whether two variants of one version conflict: forms of it
// in two versions of STIX do not, nor do copies of what has no version.
type form struct {
	spec      string
	versioned bool
}

func formOf(o *stix.Object) form { return form{o.SpecVersion(), o.Has("modified") || o.Has("created")} }

// conflicts reports whether two of forms conflict.
func conflicts(forms []form) bool {
	for i, f := range forms {
		if f.versioned && slices.Contains(forms[:i], f) {
			return true
		}
	}
	return false
}

// object reads the object of a receipt from the log; nil when its bytes are
// erased. Full sight is shown the bytes that came first, others those of the
// receipt itself. The trace is told that the object was given.
func (m *matcher) object(ctx context.Context, rc receipt) (*stix.Object, error) {
	o, err := m.untraced(ctx, rc)
	if o != nil && m.r.trace != nil {
		rec, err := m.rec(rc.report)
		if err != nil {
			return nil, err
		}
		if rec != nil {
			m.s.gave(m.r, rc.set, rec, o.ID())
		}
	}
	return o, err
}

// untraced reads an object as [matcher.object] does and tells the trace nothing: it
// is for what the answer may leave out.
func (m *matcher) untraced(ctx context.Context, rc receipt) (*stix.Object, error) {
	if !m.r.all {
		var err error
		if rc.bytes, err = m.s.named(ctx, rc.seq); err != nil {
			return nil, err
		}
	}
	return m.s.object(ctx, rc)
}

// missing returns err, and tells the trace when an object with the id is here.
func (m *matcher) missing(id string, err error) error {
	if m.r.trace == nil {
		return err
	}
	from := []byte("o" + id + "\x00")
	for _, damaged := range m.kv.Scan(from, kv.PrefixEnd(from)) {
		if damaged != nil {
			return damaged
		}
		m.r.withheld(id)
		break
	}
	return err
}

// maxLinked bounds the neighbours of one answer, as a picture can show them.
const maxLinked = 150

// Object returns everything readable about an object: versions, receipts,
// values and neighbours. With history the versions hold their bytes.
func (s *Store) Object(ctx context.Context, r Reader, id string, history bool) (report.Object, error) {
	missing := fault.Errorf(fault.NotFound, "view: object %.120s is not here or not released to you", id)
	out := report.Object{ID: id, Versions: []report.Version{}, Values: []report.Value{}, Receipts: []report.Receipt{}, Linked: []report.Neighbor{}}
	snap := s.kv.Snapshot()
	defer func() { _ = snap.Close() }()
	m := s.matcher(r, snap, none)
	vs, err := m.versions(id)
	if err != nil {
		return out, err
	}
	var newest *stix.Object
	var forms []form
	for i, v := range vs {
		if i == 0 || vs[i-1].key != v.key {
			forms = nil
		}
		o, err := m.version(ctx, v, history, &out)
		if err != nil {
			return out, err
		}
		if o == nil {
			continue
		}
		newest = o
		if forms = append(forms, formOf(o)); v.many && conflicts(forms) {
			for j := range out.Versions {
				out.Versions[j].Conflicting = out.Versions[j].Conflicting || out.Versions[j].Key == v.key
			}
		}
	}
	if newest == nil {
		return report.Object{ID: id, Versions: []report.Version{}, Values: []report.Value{}, Receipts: []report.Receipt{}, Linked: []report.Neighbor{}}, m.missing(id, missing)
	}
	out.Type, out.Name, out.Raw = newest.Type(), nameOf(newest), newest.Raw()
	if err := m.values(newest, &out); err != nil {
		return out, err
	}
	return out, m.linked(ctx, newest, &out)
}

// version adds one variant to out; the object is nil when its bytes are erased.
func (m *matcher) version(ctx context.Context, v variant, history bool, out *report.Object) (*stix.Object, error) {
	row := report.Version{Key: v.key, Receipts: len(v.receipts)}
	for i, rc := range v.receipts {
		rec, err := m.rec(rc.report)
		if err != nil || rec == nil {
			return nil, err
		}
		if i == 0 {
			row.First = instant(rec.At)
		}
		label, imputed := m.s.labelOf(rc, rec)
		m.s.gave(m.r, rc.set, rec, out.ID)
		out.TLP = stricter(out.TLP, label)
		out.Receipts = append(out.Receipts, report.Receipt{
			Report: m.s.shortID("RPT", rec.Identity), Source: rec.Source, Received: instant(rec.At), TLP: label, Imputed: imputed, Version: v.key,
		})
	}
	o, err := m.object(ctx, v.receipts[0])
	if err != nil || o == nil {
		return nil, err
	}
	sum := sha256.Sum256(o.Raw())
	row.Digest, row.Size = hex.EncodeToString(sum[:]), len(o.Raw())
	if history {
		row.Raw = string(o.Raw())
	}
	out.Versions = append(out.Versions, row)
	return o, nil
}

// stricter returns the more restrictive of two labels; a is empty for none yet.
func stricter(a, b string) string {
	if a == "" {
		return b
	}
	x, _ := tlp.Parse(a)
	y, _ := tlp.Parse(b)
	return tlp.Most(x, y).String()
}

func (m *matcher) values(o *stix.Object, out *report.Object) error {
	var q askedOf
	observable.FromObject(o, q.add)
	for _, a := range q.list {
		if a.derived {
			continue
		}
		var h holders
		if err := m.gather(&h, 'v', a.key.Bytes()); err != nil {
			return err
		}
		v := report.Value{Type: a.path, Normal: a.key.Normal, Count: h.receipts}
		v.Noise, _ = m.s.noiseLists().Reason(a.key)
		out.Values = append(out.Values, v)
	}
	return nil
}

// linked lists what o refers to and what refers to it; a relationship stands
// for its other end.
func (m *matcher) linked(ctx context.Context, o *stix.Object, out *report.Object) error {
	seen := map[string]bool{o.ID(): true}
	add := func(id, how string) error {
		if seen[id+how] || len(out.Linked) >= maxLinked {
			return nil
		}
		seen[id+how] = true
		n := report.Neighbor{ID: id, How: how}
		n.Type, _, _ = strings.Cut(id, "--")
		other, err := m.newest(ctx, id)
		if err != nil {
			return err
		}
		if other != nil {
			n.Held, n.Name = true, nameOf(other)
		}
		out.Linked = append(out.Linked, n)
		return nil
	}
	var fail error
	o.Refs(func(property, id []byte) {
		if p := string(property); fail == nil && p != "object_marking_refs" && p != "marking_ref" {
			fail = add(string(id), p)
		}
	})
	if fail != nil {
		return fail
	}
	for no, err := range postings(m.kv, 'f', []byte(o.ID())) {
		if err != nil {
			return err
		}
		rc, err := m.blk.get(no)
		if err != nil {
			return err
		}
		ok, err := m.sees(&rc)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if len(out.Linked) >= maxLinked {
			break
		}
		by, err := m.object(ctx, rc)
		if err != nil {
			return err
		}
		if by == nil {
			continue
		}
		if err := m.referrer(o.ID(), by, add); err != nil {
			return err
		}
	}
	return nil
}

func (m *matcher) referrer(id string, by *stix.Object, add func(id, how string) error) error {
	if by.Type() != "relationship" {
		return add(by.ID(), "refers to it")
	}
	source, target, kind := by.String("source_ref"), by.String("target_ref"), by.String("relationship_type")
	if source == id {
		return add(target, "relationship "+kind+", outgoing")
	}
	return add(source, "relationship "+kind+", incoming")
}

// newest returns the newest readable version of an object, nil when there is
// none.
func (m *matcher) newest(ctx context.Context, id string) (*stix.Object, error) {
	vs, err := m.versions(id)
	if err != nil {
		return nil, err
	}
	for _, v := range slices.Backward(vs) {
		o, err := m.object(ctx, v.receipts[0])
		if err != nil || o != nil {
			return o, err
		}
	}
	return nil, nil
}
