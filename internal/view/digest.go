package view

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json/v2"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"

	"casus/internal/core/observable"
	"casus/internal/core/report"
	"casus/internal/event"
	"casus/internal/eventlog"
	"casus/internal/fault"
	"casus/internal/kv"
	"casus/stix"
	"casus/tlp"
)

// StateDigest is SHA-256 over the sorted canonical lines of the logical state.
// Sequence and receipt numbers, write times, short ids and layout have no part
// in it, so two nodes that took in the same reports agree.
//
// Lines are hashed one by one (SHA-256) and the sorted hashes are hashed again,
// so that the memory needed is 32 bytes a line. Lines, fields parted by tabs:
//
//	object  report identity, object id, version key, SHA-256 of the bytes, marking set
//	value   type and normal form, SHA-256 over the sorted hashes of the object lines of its receipts
//	aside   report identity, place, reason, SHA-256 of the bytes
//	report  identity, source, complete or unfinished
//	source  settings as JSON
//	hold    what it is on, target, organisation, reason, in force or lifted
func (s *Store) StateDigest(ctx context.Context, r Reader) (string, error) {
	if !r.all {
		return "", fault.Errorf(fault.Denied, "view: state digest: only for who sees everything")
	}
	// A step that ends in between would move the mark, but not the snapshot.
	s.mu.RLock()
	snap := s.kv.Snapshot()
	n, texts := s.mark.Receipts, s.setText
	s.mu.RUnlock()
	defer func() { _ = snap.Close() }()
	d := &digest{s: s, kv: snap, blk: newBlocks(snap), recs: map[uint32]*record{}, line: sha256.New(), n: n, texts: texts}
	for _, part := range []func(context.Context) error{d.reports, d.receipts, d.values, d.items, d.sources, d.holds} {
		if err := part(ctx); err != nil {
			return "", err
		}
	}
	sortHashes(d.lines)
	whole := sha256.New()
	for i := range d.lines {
		whole.Write(d.lines[i][:])
	}
	return hex.EncodeToString(whole.Sum(nil)), nil
}

type digest struct {
	s     *Store
	kv    kv.Reader
	blk   *blocks
	recs  map[uint32]*record
	n     uint32
	texts []string
	line  hash.Hash
	lines [][32]byte
	of    [][32]byte // the object line of each receipt, zero for one that is gone
}

func (d *digest) add(fields ...string) {
	d.line.Reset()
	fmt.Fprint(d.line, strings.Join(fields, "\t"))
	d.lines = append(d.lines, [32]byte(d.line.Sum(nil)))
}

func (d *digest) reports(context.Context) error {
	for rec, err := range d.s.records(d.kv) {
		if err != nil {
			return err
		}
		d.recs[rec.No] = rec
		state := "complete"
		if !rec.Closed {
			state = "unfinished"
		}
		d.add("report", rec.Identity, rec.Source, state)
	}
	return nil
}

func (d *digest) receipts(ctx context.Context) error {
	texts := d.texts
	d.of = make([][32]byte, d.n)
	for no := range d.n {
		if no%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		rc, err := d.blk.get(no)
		if err != nil {
			return err
		}
		rec := d.recs[rc.report]
		if rc.flags&flagGone != 0 || rec == nil {
			continue
		}
		o, err := d.s.object(ctx, rc)
		if err != nil {
			return err
		}
		if o == nil {
			continue
		}
		sum := sha256.Sum256(o.Raw())
		own, container := "", ""
		if int(rc.set) < len(texts) {
			own = texts[rc.set]
		}
		if rec.Closed && int(rec.Container) < len(texts) {
			container = texts[rec.Container]
		}
		d.add("object", rec.Identity, o.ID(), o.VersionKey(), hex.EncodeToString(sum[:]), own+"|"+container)
		d.of[no] = d.lines[len(d.lines)-1]
	}
	return nil
}

func (d *digest) values(context.Context) error {
	var last string
	var held [][32]byte
	end := func() {
		if len(held) == 0 {
			return
		}
		sortHashes(held)
		h := sha256.New()
		for i := range held {
			h.Write(held[i][:])
		}
		d.add("value", last, hex.EncodeToString(h.Sum(nil)))
	}
	for p, err := range d.kv.Scan([]byte("v"), kv.PrefixEnd([]byte("v"))) {
		if err != nil {
			return err
		}
		set, err := kv.ParsePostings(p.Value)
		if err != nil {
			return err
		}
		if t := string(p.Key[1 : len(p.Key)-3]); t != last {
			end()
			last, held = t, held[:0]
		}
		base := uint32(^binary.BigEndian.Uint16(p.Key[len(p.Key)-2:])) << 16
		for _, v := range set {
			if no := base | uint32(v); no < d.n {
				held = append(held, d.of[no])
			}
		}
	}
	end()
	return nil
}

func sortHashes(all [][32]byte) {
	slices.SortFunc(all, func(a, b [32]byte) int { return bytes.Compare(a[:], b[:]) })
}

func (d *digest) items(context.Context) error {
	for p, err := range d.kv.Scan([]byte("q"), kv.PrefixEnd([]byte("q"))) {
		if err != nil {
			return err
		}
		var it item
		if err := json.Unmarshal(p.Value, &it); err != nil {
			return fault.Errorf(fault.Internal, "view: item: %w", err)
		}
		if rec := d.recs[it.Report]; rec != nil && !it.Gone {
			d.add("aside", rec.Identity, it.Place, it.Reason, it.Digest)
		}
	}
	return nil
}

func (d *digest) sources(context.Context) error {
	for p, err := range d.kv.Scan([]byte("u"), kv.PrefixEnd([]byte("u"))) {
		if err != nil {
			return err
		}
		d.add("source", string(p.Value))
	}
	return nil
}

func (d *digest) holds(context.Context) error {
	for p, err := range d.kv.Scan([]byte("h"), kv.PrefixEnd([]byte("h"))) {
		if err != nil {
			return err
		}
		h, err := parseHold(p.Value)
		if err != nil {
			return err
		}
		state := "in force"
		if h.Lifted != nil {
			state = "lifted"
		}
		d.add("hold", string(h.On), h.Target, string(h.Owner), h.Reason, state)
	}
	return nil
}

// Find looks for bytes that intake is about to store: whether a receipt of the
// same id and version holds the very same already, and in which entry. Only full
// sight may ask: where bytes stand is no answer for people.
func (s *Store) Find(ctx context.Context, r Reader, id, version string, raw []byte) (event.Seq, bool, error) {
	if !r.all {
		return 0, false, nil
	}
	key := []byte(objectKey(id, version))
	if !s.filter().has(hashKey(key)) {
		return 0, false, nil
	}
	val, ok, err := s.kv.Get(key)
	if err != nil || !ok {
		return 0, false, err
	}
	blk := newBlocks(s.kv)
	for _, v := range parseNumbers(val) {
		rc, err := blk.get(v)
		if err != nil {
			return 0, false, err
		}
		st, err := s.log.Get(ctx, rc.bytes)
		if err != nil || st.Erased {
			continue
		}
		held, err := eventlog.Payload(ctx, s.log, st)
		if err != nil {
			return 0, false, err
		}
		if bytes.Equal(raw, held) {
			return rc.bytes, true, nil
		}
	}
	return 0, false, nil
}

// All yields every readable object, each content once, in the order of arrival,
// with the most restrictive label that one of its readable receipts is held under.
func (s *Store) All(ctx context.Context, r Reader, yield func(o *stix.Object, label string) error) error {
	s.mu.RLock()
	snap := s.kv.Snapshot()
	n := s.mark.Receipts
	s.mu.RUnlock()
	defer func() { _ = snap.Close() }()
	m := s.matcher(r, snap, none)
	later := map[uint32]struct{}{} // contents yielded with a receipt that is not their first
	for no := range n {
		if no%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		rc, err := m.blk.get(no)
		if err != nil {
			return err
		}
		if ok, err := m.sees(&rc); err != nil || !ok {
			if err != nil {
				return err
			}
			continue
		}
		if rc.first != rc.no {
			if _, done := later[rc.first]; done {
				continue
			}
			if held, err := m.readable(rc.first); err != nil || held {
				if err != nil {
					return err
				}
				continue
			}
			later[rc.first] = struct{}{}
		}
		o, err := m.object(ctx, rc)
		if err != nil {
			return err
		}
		if o == nil {
			continue
		}
		label, err := m.labelOfContent(rc.first)
		if err != nil {
			return err
		}
		if err := yield(o, label.String()); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// labelOfContent returns the most restrictive label that the readable receipts of
// the same content leave under.
func (m *matcher) labelOfContent(first uint32) (tlp.Label, error) {
	again, err := m.list('O', num(0, first)[1:])
	if err != nil {
		return tlp.Red, err
	}
	label := tlp.Clear
	for _, same := range append(again, first) {
		l, err := m.leaving(same)
		if err != nil {
			return tlp.Red, err
		}
		label = tlp.Most(label, l)
	}
	return label, nil
}

// leaving returns the label that a readable receipt leaves under; CLEAR for one
// that is not readable, which counts for nothing.
func (m *matcher) leaving(no uint32) (tlp.Label, error) {
	rc, err := m.blk.get(no)
	if err != nil {
		return tlp.Red, err
	}
	if ok, err := m.sees(&rc); err != nil || !ok {
		return tlp.Clear, err
	}
	rec, err := m.rec(rc.report)
	if err != nil || rec == nil {
		return tlp.Red, err
	}
	l, _ := tlp.Parse(m.s.leavesUnder(rc, rec)) // of none, RED
	return l, nil
}

// Sizes returns whole-node counters, for the administrator's eyes alone.
func (s *Store) Sizes() map[string]int64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return map[string]int64{"receipts": int64(s.mark.Receipts), "reports": int64(s.mark.Reports), "quarantined": int64(s.mark.Items)}
}

// Warninglists lists the lists in use.
func (s *Store) Warninglists() []report.Warninglist {
	out := []report.Warninglist{}
	for _, l := range s.noiseLists().Infos() {
		out = append(out, report.Warninglist(l))
	}
	return out
}

// CheckList reads a warninglist in MISP's form and says what it holds.
func CheckList(r io.Reader) (report.Warninglist, error) {
	l, err := observable.ReadList(r, maxListBytes)
	if err != nil {
		return report.Warninglist{}, err
	}
	return report.Warninglist{Name: l.Name, Version: l.Version, Kind: l.Kind, Entries: l.Entries}, nil
}
