package view

import (
	"context"
	"encoding/hex"
	"encoding/json/v2"
	"slices"
	"strings"
	"time"

	"casus/internal/core/report"
	"casus/internal/event"
	"casus/internal/eventlog"
	"casus/internal/fault"
	"casus/internal/kv"
	"casus/stix"
)

// resumed is what a cursor of a collection holds: where its page ended, which is
// what the reader was told, and what was asked for.
type resumed struct {
	After    int64    `json:"after"`
	IDs      []string `json:"ids,omitempty"`
	Types    []string `json:"types,omitempty"`
	Versions []string `json:"versions,omitempty"`
	Specs    []string `json:"specs,omitempty"`
}

// Cursor returns a cursor to what of a collection comes after an instant, for the
// question ask about it. It is good for the reader and for what is asked for
// (what) alone, and stays so whatever is added, and when the store is opened
// again.
func (s *Store) Cursor(r Reader, c report.Collection, what string, ask report.Ask, after time.Time) (string, error) {
	plain, err := json.Marshal(resumed{After: after.UnixMicro(), IDs: ask.IDs, Types: ask.Types, Versions: ask.Versions, Specs: ask.Specs})
	if err != nil {
		return "", fault.Errorf(fault.Internal, "view: cursor: %w", err)
	}
	return s.sealBytes(r, "collection\x00"+c.ID+"\x00"+what, plain), nil
}

// Resume returns the question that a cursor of [Store.Cursor] goes on with; one of
// another reader, collection or kind of question is Invalid.
func (s *Store) Resume(r Reader, c report.Collection, what, cursor string) (report.Ask, error) {
	plain, err := s.unsealBytes(r, "collection\x00"+c.ID+"\x00"+what, cursor)
	if err != nil {
		return report.Ask{}, err
	}
	var p resumed
	if err := json.Unmarshal(plain, &p); err != nil {
		return report.Ask{}, notOfThis()
	}
	return report.Ask{After: time.UnixMicro(p.After).UTC(), IDs: p.IDs, Types: p.Types, Versions: p.Versions, Specs: p.Specs}, nil
}

// StatusID returns the id that the status of a report has: a UUID made of its
// identity.
func StatusID(identity string) (string, error) {
	key, err := identityKey(identity)
	if err != nil {
		return "", err
	}
	return statusID(key[1:]), nil
}

func statusID(identity []byte) string {
	u := slices.Clone(identity[:16])
	u[6], u[8] = u[6]&0x0f|0x80, u[8]&0x3f|0x80
	x := hex.EncodeToString(u)
	return x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:]
}

// maxStatus bounds the objects that a status tells one by one.
const maxStatus = 10_000

// Status tells who handed a report in what became of it, by the id of its status.
// To others it is NotFound.
func (s *Store) Status(ctx context.Context, r Reader, id string) (report.Status, error) {
	missing := fault.Errorf(fault.NotFound, "view: status %.60s is not here or not yours", id)
	u, err := hex.DecodeString(strings.ReplaceAll(strings.ToLower(id), "-", ""))
	if err != nil || len(u) != 16 {
		return report.Status{}, missing
	}
	snap := s.kv.Snapshot()
	defer func() { _ = snap.Close() }()
	m := s.matcher(r, snap, none)
	from := append([]byte{'i'}, u[:6]...) // the version of the UUID stands after them
	for p, err := range snap.Scan(from, kv.PrefixEnd(from)) {
		if err != nil {
			return report.Status{}, err
		}
		if statusID(p.Key[1:]) != strings.ToLower(id) {
			continue
		}
		key, err := identityKey(hex.EncodeToString(p.Key[1:]))
		if err != nil {
			return report.Status{}, err
		}
		no, ok, err := snap.Get(key)
		if err != nil || !ok {
			return report.Status{}, err
		}
		rec, err := m.rec(parseNumbers(no)[0])
		if err != nil {
			return report.Status{}, err
		}
		if rec == nil {
			return report.Status{}, missing
		}
		if !r.all && !r.handedIn(rec) {
			r.withheld(strings.ToLower(id))
			return report.Status{}, missing
		}
		return m.status(ctx, rec)
	}
	return report.Status{}, missing
}

func (m *matcher) status(ctx context.Context, rec *record) (report.Status, error) {
	id, err := StatusID(rec.Identity)
	if err != nil {
		return report.Status{}, err
	}
	out := report.Status{
		ID: id, At: rec.At.UTC(), Complete: rec.Closed, Succeeded: rec.Objects, Failed: rec.Quarantined,
		Total: max(rec.Received, rec.Objects+rec.Quarantined),
	}
	nos, err := m.list('P', num(0, rec.No)[1:])
	if err != nil {
		return out, err
	}
	slices.Reverse(nos)
	a, err := m.access(rec.No)
	if err != nil {
		return out, err
	}
	dates := m.s.lanesOf(rec, a)
	for _, no := range nos[:min(len(nos), maxStatus)] {
		rc, err := m.blk.get(no)
		if err != nil {
			return out, err
		}
		if rc.bytes, err = m.s.named(ctx, rc.seq); err != nil {
			return out, err
		}
		o, err := m.s.object(ctx, rc)
		if err != nil {
			return out, err
		}
		if o == nil {
			continue
		}
		one := report.StatusOf{ID: o.ID(), Version: versionOf(o)}
		if one.Version == "" {
			one.Version = time.UnixMicro(dates.at(&rc)).UTC().Format(addedForm)
		}
		out.Successes = append(out.Successes, one)
	}
	for no, err := range postings(m.kv, 'Q', num(0, rec.No)[1:]) {
		if err != nil {
			return out, err
		}
		if len(out.Failures) == maxStatus {
			break
		}
		one, ok, err := m.failure(ctx, no)
		if err != nil {
			return out, err
		}
		if ok {
			out.Failures = append(out.Failures, one)
		}
	}
	slices.Reverse(out.Failures)
	return out, nil
}

func versionOf(o *stix.Object) string {
	if v := o.String("modified"); v != "" {
		return v
	}
	return o.String("created")
}

// failure tells why a piece was set aside.
func (m *matcher) failure(ctx context.Context, no uint32) (report.StatusOf, bool, error) {
	var out report.StatusOf
	raw, ok, err := m.kv.Get(num('q', no))
	if err != nil || !ok {
		return out, false, err
	}
	var it item
	if err := json.Unmarshal(raw, &it); err != nil {
		return out, false, fault.Errorf(fault.Internal, "view: item: %w", err)
	}
	out.ID, out.Message = it.Place, it.Reason
	if it.Remedy != "" {
		out.Message += "; " + it.Remedy
	}
	st, err := m.s.log.Get(ctx, it.Seq)
	if err != nil || st.Erased {
		return out, err == nil, err
	}
	payload, err := eventlog.Payload(ctx, m.s.log, st)
	if err != nil {
		return out, false, err
	}
	var aside event.SetAside
	if err := event.Read(payload, &aside); err != nil {
		return out, false, err
	}
	if o, err := stix.Parse(aside.Raw, m.s.opt.Limits); err == nil {
		out.ID, out.Version = o.ID(), versionOf(o)
	}
	return out, true, nil
}

// Cut returns the entries whose receipts make up those versions of an object that
// are asked for and in the collection. An object that is not in it is NotFound; one
// that another organisation put there, too, is Denied: nobody takes away what
// others gave.
func (s *Store) Cut(ctx context.Context, r Reader, c report.Collection, id string, ask report.Ask) ([]event.Seq, error) {
	missing := fault.Errorf(fault.NotFound, "view: object %.120s is not here or not released to you", id)
	if !r.all && r.sight == nil {
		return nil, missing
	}
	g, done := s.gather(ctx, r, &c, &ask)
	defer done()
	all, err := g.versionsOf(id)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, missing
	}
	chosen, err := g.chosen(all)
	if err != nil {
		return nil, err
	}
	var out []event.Seq
	for i := range chosen {
		seqs, err := g.ofVersion(id, &chosen[i])
		if err != nil {
			return nil, err
		}
		out = append(out, seqs...)
	}
	return out, nil
}

// ofVersion returns the entries of the receipts in the collection that are of the
// same version and form as v.
func (g *gathering) ofVersion(id string, v *member) ([]event.Seq, error) {
	if ok, err := g.read(v); err != nil || !ok {
		return nil, err
	}
	from := append(append([]byte{'o'}, id...), 0)
	var out []event.Seq
	for p, err := range g.kv.Scan(from, kv.PrefixEnd(from)) {
		if err != nil {
			return nil, err
		}
		for _, first := range parseNumbers(p.Value) {
			w, ok, err := g.firstOf(first)
			if err != nil {
				return nil, err
			}
			if !ok {
				continue
			}
			if ok, err = g.read(&w); err != nil {
				return nil, err
			} else if !ok || w.version != v.version || w.spec != v.spec {
				continue
			}
			rcs, err := g.content(first)
			if err != nil {
				return nil, err
			}
			for _, rc := range rcs {
				rec, ok, err := g.has(&rc)
				if err != nil {
					return nil, err
				}
				if !ok {
					continue
				}
				if !g.r.owns(g.s, g.s.effective(rc.set, rec)) {
					return nil, fault.WithHint(fault.Errorf(fault.Denied, "view: another organisation gave this object, too"), "ask it to take the object back")
				}
				out = append(out, rc.seq)
			}
		}
	}
	return out, nil
}

// WasCut reports whether some receipt of a report was cut out of a collection. Only
// full sight may ask; others are told nothing.
func (s *Store) WasCut(ctx context.Context, r Reader, c report.Collection, identity string) (bool, error) {
	s.mu.RLock()
	any := s.cut[c.ID]
	s.mu.RUnlock()
	if !any || !r.all {
		return false, nil
	}
	rec, err := s.reportNo(r, identity)
	if err != nil {
		return false, err
	}
	blk := newBlocks(s.kv)
	for no, err := range postings(s.kv, 'P', num(0, rec.No)[1:]) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return false, err
		}
		rc, err := blk.get(no)
		if err != nil {
			return false, err
		}
		if _, cut, err := s.kv.Get(cutKey(c.ID, rc.seq)); err != nil || cut {
			return cut, err
		}
	}
	return false, nil
}
