package view

import (
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

// variant is one content of one version of an object.
type variant struct {
	key      string
	first    uint32
	receipts []uint32 // rising
	conflict bool
}

// versions lists the versions of an object, oldest first.
func (s *Store) versions(r kv.Reader, id string) ([]variant, error) {
	from := []byte("o" + id + "\x00")
	blk := newBlocks(r)
	var out []variant
	for p, err := range r.Scan(from, kv.PrefixEnd(from)) {
		if err != nil {
			return nil, err
		}
		firsts := parseNumbers(p.Value)
		conflict, err := conflicting(blk, firsts)
		if err != nil {
			return nil, err
		}
		for _, first := range firsts {
			v := variant{key: string(p.Key[len(from):]), first: first, receipts: []uint32{first}, conflict: conflict}
			for no, err := range postings(r, 'O', num(0, first)[1:]) {
				if err != nil {
					return nil, err
				}
				v.receipts = append(v.receipts, no)
			}
			slices.Sort(v.receipts)
			out = append(out, v)
		}
	}
	return out, nil
}

// conflicting reports whether variants of one version conflict. Forms of it in
// two versions of STIX do not.
func conflicting(blk *blocks, firsts []uint32) (bool, error) {
	if len(firsts) < 2 {
		return false, nil
	}
	for _, no := range firsts {
		rc, err := blk.get(no)
		if err != nil || rc.flags&flagConflict != 0 {
			return true, err
		}
	}
	return false, nil
}

// maxLinked bounds the neighbours of one answer, as a picture can show them.
const maxLinked = 150

// Object returns everything readable about an object: versions, receipts,
// values and neighbours. With history the versions hold their bytes.
func (s *Store) Object(ctx context.Context, r Reader, id string, history bool) (report.Object, error) {
	missing := fault.Errorf(fault.NotFound, "view: object %.120s is not here or not released to you", id)
	out := report.Object{ID: id, Versions: []report.Version{}, Values: []report.Value{}, Receipts: []report.Receipt{}, Linked: []report.Neighbor{}}
	if !r.all {
		return out, missing
	}
	snap := s.kv.Snapshot()
	defer func() { _ = snap.Close() }()
	m := &matcher{s: s, r: r, kv: snap, self: none, blk: newBlocks(snap), recs: map[uint32]*record{}}
	vs, err := s.versions(snap, id)
	if err != nil {
		return out, err
	}
	var newest *stix.Object
	for _, v := range vs {
		o, err := m.version(ctx, v, history, &out)
		if err != nil {
			return out, err
		}
		if o != nil {
			newest = o
		}
	}
	if newest == nil {
		return out, missing
	}
	out.Type, out.Name, out.Raw = newest.Type(), nameOf(newest), newest.Raw()
	if err := m.values(newest, &out); err != nil {
		return out, err
	}
	return out, m.linked(ctx, newest, &out)
}

// version adds one variant's readable receipts to out; the object is nil when
// there is none.
func (m *matcher) version(ctx context.Context, v variant, history bool, out *report.Object) (*stix.Object, error) {
	row := report.Version{Key: v.key, Conflicting: v.conflict}
	var first *receipt
	for _, no := range v.receipts {
		rc, err := m.blk.get(no)
		if err != nil {
			return nil, err
		}
		rec, err := m.rec(rc.report)
		if err != nil {
			return nil, err
		}
		if rec == nil || rc.flags&flagGone != 0 || !m.r.may(rc.set, rec.Closed) {
			continue
		}
		if first == nil {
			first = &rc
			row.First = instant(rec.At)
		}
		row.Receipts++
		label, imputed := m.s.labelOf(rc, rec)
		out.TLP = stricter(out.TLP, label)
		out.Receipts = append(out.Receipts, report.Receipt{
			Report: m.s.shortID("RPT", rec.Identity), Source: rec.Source, Received: instant(rec.At), TLP: label, Imputed: imputed, Version: v.key,
		})
	}
	if first == nil {
		return nil, nil
	}
	o, err := m.s.object(ctx, *first)
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
		rec, err := m.rec(rc.report)
		if err != nil {
			return err
		}
		if rec == nil || rc.flags&flagGone != 0 || !m.r.may(rc.set, rec.Closed) || len(out.Linked) >= maxLinked {
			continue
		}
		by, err := m.s.object(ctx, rc)
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
	vs, err := m.s.versions(m.kv, id)
	if err != nil {
		return nil, err
	}
	for _, v := range slices.Backward(vs) {
		var scratch report.Object
		o, err := m.version(ctx, v, false, &scratch)
		if err != nil || o != nil {
			return o, err
		}
	}
	return nil, nil
}
