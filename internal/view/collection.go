package view

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json/v2"
	"iter"
	"maps"
	"slices"
	"sort"
	"strings"
	"time"

	"casus/internal/core/report"
	"casus/internal/event"
	"casus/internal/eventlog"
	"casus/internal/fault"
	"casus/internal/kv"
	"casus/stix"
	"casus/tlp"
)

// collectionSet folds what is said of a collection. One that is removed takes with
// it what was cut out of it.
func (f *folding) collectionSet(e *eventlog.Stored) error {
	if e.Erased {
		return nil
	}
	raw, err := eventlog.Payload(f.ctx, f.s.log, *e)
	if err != nil {
		return err
	}
	var p event.Collection
	if err := event.Read(raw, &p); err != nil {
		return err
	}
	key := append([]byte{'C'}, p.ID...)
	if !p.Removed {
		f.colls[p.ID] = &p.Collection
		if raw, err = json.Marshal(p.Collection); err != nil {
			return fault.Errorf(fault.Internal, "view: collection: %w", err)
		}
		return f.kv.Set(key, raw)
	}
	f.colls[p.ID] = nil
	f.cuts[p.ID] = false
	from := cutKey(p.ID, 0)
	from = from[:len(from)-8]
	if err := f.kv.DeleteRange(from, kv.PrefixEnd(from)); err != nil {
		return err
	}
	return f.kv.Delete(key)
}

func (f *folding) collectionCut(e *eventlog.Stored) error {
	if e.Erased {
		return nil
	}
	raw, err := eventlog.Payload(f.ctx, f.s.log, *e)
	if err != nil {
		return err
	}
	var p event.Cut
	if err := event.Read(raw, &p); err != nil {
		return err
	}
	f.cuts[p.Collection] = true
	for _, seq := range p.Receipts {
		if err := f.kv.Set(cutKey(p.Collection, seq), nil); err != nil {
			return err
		}
	}
	return nil
}

func cutKey(id string, seq event.Seq) []byte {
	return binary.BigEndian.AppendUint64(append(append([]byte{'x'}, id...), 0), uint64(seq))
}

// takeCollections takes over what a step read of collections. s.mu is held.
func (s *Store) takeCollections(f *folding) {
	if len(f.colls) > 0 {
		s.collections = maps.Clone(s.collections)
		for id, c := range f.colls {
			if c == nil {
				delete(s.collections, id)
				continue
			}
			s.collections[id] = *c
		}
	}
	if len(f.cuts) > 0 {
		s.cut = maps.Clone(s.cut)
		maps.Copy(s.cut, f.cuts)
	}
}

func (s *Store) loadCollections() error {
	s.collections, s.cut = map[string]report.Collection{}, map[string]bool{}
	for p, err := range s.prefix("C") {
		if err != nil {
			return err
		}
		var c report.Collection
		if err := json.Unmarshal(p.Value, &c); err != nil {
			return fault.Errorf(fault.Internal, "view: collection: %w", err)
		}
		s.collections[c.ID] = c
	}
	for id := range s.collections {
		from := cutKey(id, 0)
		from = from[:len(from)-8]
		for _, err := range s.kv.Scan(from, kv.PrefixEnd(from)) {
			if err != nil {
				return err
			}
			s.cut[id] = true
			break
		}
	}
	return nil
}

// SetCollections returns the collections there are, by title and id. They tell
// nothing of what is in them.
func (s *Store) SetCollections() []report.Collection {
	s.mu.RLock()
	out := slices.Collect(maps.Values(s.collections))
	s.mu.RUnlock()
	slices.SortFunc(out, func(a, b report.Collection) int {
		return cmp.Or(strings.Compare(a.Title, b.Title), strings.Compare(a.ID, b.ID))
	})
	return out
}

// gathering is one question about one collection.
type gathering struct {
	*matcher
	ctx     context.Context
	c       *report.Collection
	ask     *report.Ask
	orders  *orders
	after   int64
	slot    int64 // the longest slot there is
	cut     bool  // receipts were cut out of it
	types   map[string]bool
	wanted  map[string]bool // types asked for; nil for all
	dates   map[uint32]*dating
	members map[[2]uint32]bool // report and set: whether they are in it
	along   along
}

func (s *Store) gather(ctx context.Context, r Reader, c *report.Collection, ask *report.Ask) (*gathering, func()) {
	s.mu.RLock()
	snap := s.kv.Snapshot()
	g := &gathering{
		matcher: s.matcher(r, snap, none), ctx: ctx, c: c, ask: ask, orders: s.orders, slot: s.mark.Slot, cut: s.cut[c.ID],
		dates: map[uint32]*dating{}, members: map[[2]uint32]bool{},
	}
	s.mu.RUnlock()
	if !ask.After.IsZero() {
		g.after = ask.After.UnixMicro()
	}
	if len(c.Filter.Types) > 0 {
		g.types = setOf(append([]string{"identity", "marking-definition", "extension-definition"}, c.Filter.Types...))
	}
	if len(ask.Types) > 0 {
		g.wanted = setOf(ask.Types)
	}
	g.along = along{ctx: ctx, log: s.log}
	return g, func() {
		g.along.end()
		_ = snap.Close()
	}
}

// along reads entries of the log of which most come one after the other: where they
// do, they are read as a stream, for which each page of the log is unpacked once.
type along struct {
	ctx  context.Context
	log  eventlog.Log
	last event.Seq // asked for
	next func() (eventlog.Stored, error, bool)
	stop func()
	at   event.Seq // what next gives
}

// nearEntries is how far ahead an entry may be to be read by going on.
const nearEntries = 32

func (a *along) end() {
	if a.next != nil {
		a.stop()
		a.next = nil
	}
}

func (a *along) get(seq event.Seq) (eventlog.Stored, error) {
	near := seq > a.last && seq-a.last <= nearEntries
	a.last = seq
	if a.next != nil && (seq < a.at || seq-a.at > nearEntries) {
		a.end()
	}
	if a.next == nil {
		if !near {
			return a.log.Get(a.ctx, seq)
		}
		a.next, a.stop = iter.Pull2(a.log.Read(a.ctx, seq))
		a.at = seq
	}
	for {
		st, err, ok := a.next()
		if err != nil || !ok || st.Seq > seq {
			a.end()
			return a.log.Get(a.ctx, seq) // it tells what is wrong with this one
		}
		a.at = st.Seq + 1
		if st.Seq == seq {
			return st, nil
		}
	}
}

func setOf(list []string) map[string]bool {
	m := make(map[string]bool, len(list))
	for _, x := range list {
		m[x] = true
	}
	return m
}

// in reports whether receipts that a report has of an own set, and that the reader
// sees, are in the collection as far as report and marking say.
func (g *gathering) in(rec *record, set uint32) bool {
	key := [2]uint32{rec.No, set}
	is, ok := g.members[key]
	if ok {
		return is
	}
	f := &g.c.Filter
	is = rec.Closed && (len(f.Sources) == 0 || slices.ContainsFunc(f.Sources, rec.from))
	if is && (f.Ceiling != nil || len(f.Organisations) > 0) {
		marks := owned(g.s.effective(set, rec), g.s.home())
		if f.Ceiling != nil {
			label := marks.Label(nil)
			is = tlp.Most(label, *f.Ceiling) == *f.Ceiling
		}
		if len(f.Organisations) > 0 {
			is = is && slices.Contains(f.Organisations, marks.Owner)
		}
	}
	g.members[key] = is
	return is
}

// from reports whether a report came from a source: of whatever organisation, where
// the name is led by none.
func (r *record) from(source string) bool {
	return r.Source == source || r.Owner != "" && r.Source == string(r.Owner)+"/"+source
}

// has reports whether a receipt is in the collection for the reader, and of what
// report it is.
func (g *gathering) has(rc *receipt) (*record, bool, error) {
	ok, err := g.sees(rc)
	if err != nil || !ok {
		return nil, false, err
	}
	rec, err := g.rec(rc.report)
	if err != nil || rec == nil || !g.in(rec, rc.set) {
		return nil, false, err
	}
	if g.types != nil && rc.typ != 0 && !g.types[g.s.typeName(rc.typ)] {
		return nil, false, nil
	}
	if g.cut {
		if _, gone, err := g.kv.Get(cutKey(g.c.ID, rc.seq)); err != nil || gone {
			return nil, false, err
		}
	}
	return rec, true, nil
}

// date returns when a receipt was added.
func (g *gathering) date(rc *receipt, rec *record) (int64, error) {
	d, ok := g.dates[rec.No]
	if !ok {
		a, err := g.access(rec.No)
		if err != nil {
			return 0, err
		}
		d = g.s.lanesOf(rec, a)
		g.dates[rec.No] = d
	}
	return d.at(rc), nil
}

// member is one version of an object in a collection.
type member struct {
	receipt      receipt
	at           int64 // when it was added
	raw          []byte
	id, typ      string
	spec         string
	version      string // as TAXII tells it
	time         time.Time
	key          string // what it is filed under
	hasNoVersion bool
}

// read reads the bytes of a member; false when they are erased.
func (g *gathering) read(v *member) (bool, error) {
	if v.raw != nil {
		return true, nil
	}
	from := v.receipt.seq
	if g.r.all {
		from = v.receipt.bytes
	}
	st, err := g.along.get(from)
	if err == nil && st.Header.Kind == event.ObjectKnown && !st.Erased {
		if from, err = event.ReadKnown(st.Payload); err == nil {
			st, err = g.s.log.Get(g.ctx, from)
		}
	}
	if err != nil || st.Erased {
		return false, err
	}
	if v.raw, err = eventlog.Payload(g.ctx, g.s.log, st); err != nil {
		return false, err
	}
	return true, v.describe()
}

// describe reads what the bytes say of themselves. They were checked when they
// came in.
func (v *member) describe() error {
	var created, modified string
	stix.EachMember(v.raw, func(name, value []byte) bool {
		switch string(name) {
		case "id":
			v.id, _ = stix.Unquote(value)
		case "type":
			v.typ, _ = stix.Unquote(value)
		case "spec_version":
			v.spec, _ = stix.Unquote(value)
		case "created":
			created, _ = stix.Unquote(value)
		case "modified":
			modified, _ = stix.Unquote(value)
		}
		return true
	})
	if v.spec == "" {
		o, err := stix.Parse(v.raw, stix.Limits{})
		if err != nil {
			return fault.Errorf(fault.Internal, "view: held object: %w", err)
		}
		v.spec = o.SpecVersion()
	}
	v.version = cmp.Or(modified, created)
	if v.version == "" {
		v.hasNoVersion = true
		v.time = time.UnixMicro(v.at).UTC()
		v.version = v.time.Format(addedForm)
		return nil
	}
	v.time, _ = time.Parse(time.RFC3339Nano, v.version) // else it is the oldest
	return nil
}

// addedForm is how an instant is written to the microsecond.
//
// Source: taxii-2.1 §2.
const addedForm = "2006-01-02T15:04:05.000000Z"

// versionsOf returns the versions of an object that are in the collection, each
// content once, as it was first added; raw is read only where there is more than
// one. Of contents of one version and one form, the one that was added first is
// the version.
func (g *gathering) versionsOf(id string) ([]member, error) {
	from := append(append([]byte{'o'}, id...), 0)
	var out []member
	for p, err := range g.kv.Scan(from, kv.PrefixEnd(from)) {
		if err != nil {
			return nil, err
		}
		key := string(p.Key[len(from):])
		for _, first := range parseNumbers(p.Value) {
			v, ok, err := g.firstOf(first)
			if err != nil {
				return nil, err
			}
			if ok {
				v.key = key
				out = append(out, v)
			}
		}
	}
	if len(out) < 2 {
		return out, nil
	}
	for i := 0; i < len(out); {
		ok, err := g.read(&out[i])
		if err != nil {
			return nil, err
		}
		if !ok {
			out = slices.Delete(out, i, i+1)
			continue
		}
		i++
	}
	slices.SortFunc(out, func(a, b member) int { return cmp.Compare(a.at, b.at) })
	kept := out[:0]
	for _, v := range out {
		if !slices.ContainsFunc(kept, func(w member) bool { return w.key == v.key && w.spec == v.spec && !v.hasNoVersion }) {
			kept = append(kept, v)
		}
	}
	return kept, nil
}

// firstOf returns the receipt of a content that was added first to the collection;
// false when there is none.
func (g *gathering) firstOf(first uint32) (member, bool, error) {
	var best member
	found := false
	look := func(no uint32) error {
		rc, err := g.blk.get(no)
		if err != nil {
			return err
		}
		rec, ok, err := g.has(&rc)
		if err != nil || !ok {
			return err
		}
		at, err := g.date(&rc, rec)
		if err == nil && (!found || at < best.at) {
			best, found = member{receipt: rc, at: at}, true
		}
		return err
	}
	if err := look(first); err != nil {
		return best, false, err
	}
	for no, err := range postings(g.kv, 'O', num(0, first)[1:]) {
		if err != nil {
			return best, false, err
		}
		if err := look(no); err != nil {
			return best, false, err
		}
	}
	return best, found, nil
}

// chosen returns those of an object's versions that are asked for.
//
// Source: taxii-2.1 §3.4 (match).
func (g *gathering) chosen(all []member) ([]member, error) {
	if len(all) == 0 {
		return nil, nil
	}
	if len(all) == 1 && len(g.ask.Specs) == 0 && plainVersions(g.ask.Versions) {
		return all, nil
	}
	for i := range all {
		if ok, err := g.read(&all[i]); err != nil {
			return nil, err
		} else if !ok {
			return nil, nil // the only one, or it would have been left out
		}
	}
	specs := g.ask.Specs
	if len(specs) == 0 {
		newest := ""
		for _, v := range all {
			newest = max(newest, v.spec)
		}
		specs = []string{newest}
	}
	left := slices.DeleteFunc(slices.Clone(all), func(v member) bool { return !slices.Contains(specs, v.spec) })
	if len(left) == 0 {
		return nil, nil
	}
	order := func(a, b member) int { return cmp.Or(a.time.Compare(b.time), cmp.Compare(a.at, b.at)) }
	oldest, newest := slices.MinFunc(left, order), slices.MaxFunc(left, order)
	versions := g.ask.Versions
	if len(versions) == 0 {
		versions = []string{"last"}
	}
	return slices.DeleteFunc(left, func(v member) bool {
		for _, want := range versions {
			switch want {
			case "all":
				return false
			case "first":
				if v.receipt.no == oldest.receipt.no {
					return false
				}
			case "last":
				if v.receipt.no == newest.receipt.no {
					return false
				}
			default:
				if t, err := time.Parse(time.RFC3339Nano, want); err == nil && t.Equal(v.time) {
					return false
				}
			}
		}
		return true
	}), nil
}

// plainVersions reports whether an only version is asked for, whatever it is.
func plainVersions(versions []string) bool {
	return len(versions) == 0 || slices.Contains(versions, "all") || slices.Contains(versions, "first") || slices.Contains(versions, "last")
}

// gathered is a page of members on its way.
type gathered struct {
	out   []report.Added
	bytes int
	more  bool
}

// give takes a member into a page, or says that it belongs to the next.
func (g *gathering) give(p *gathered, v *member) (full bool, err error) {
	ask := g.ask
	if n := len(p.out); n > 0 && (ask.Limit > 0 && n >= ask.Limit || ask.Bytes > 0 && p.bytes+len(v.raw) > ask.Bytes) {
		p.more = true
		return true, nil
	}
	rec, err := g.rec(v.receipt.report)
	if err != nil || rec == nil {
		return false, err
	}
	g.s.gave(g.r, v.receipt.set, rec, v.id)
	p.bytes += len(v.raw)
	p.out = append(p.out, report.Added{ID: v.id, Version: v.version, Spec: v.spec, At: time.UnixMicro(v.at).UTC(), Raw: v.raw})
	return false, nil
}

// Gather returns the objects of a collection that are readable and asked for, in
// the order in which they were added, and whether there are more.
func (s *Store) Gather(ctx context.Context, r Reader, c report.Collection, ask report.Ask) ([]report.Added, bool, error) {
	if !r.all && r.sight == nil {
		return nil, false, nil
	}
	g, done := s.gather(ctx, r, &c, &ask)
	defer done()
	var p gathered
	var err error
	if len(ask.IDs) > 0 {
		err = g.named(&p)
	} else {
		err = g.walk(&p)
	}
	return p.out, p.more, err
}

// In reports whether some version of an object is in a collection for the reader.
func (s *Store) In(ctx context.Context, r Reader, c report.Collection, id string) (bool, error) {
	if !r.all && r.sight == nil {
		return false, nil
	}
	g, done := s.gather(ctx, r, &c, new(report.Ask))
	defer done()
	all, err := g.versionsOf(id)
	if err == nil && len(all) == 0 {
		_ = g.missing(id, nil)
	}
	return len(all) > 0, err
}

// named gathers objects that are asked for by their ids.
func (g *gathering) named(p *gathered) error {
	var all []member
	for _, id := range sortedUnique(slices.Clone(g.ask.IDs)) {
		vs, err := g.versionsOf(id)
		if err != nil {
			return err
		}
		if vs, err = g.chosen(vs); err != nil {
			return err
		}
		for i := range vs {
			if ok, err := g.read(&vs[i]); err != nil {
				return err
			} else if ok && vs[i].at > g.after && (g.wanted == nil || g.wanted[vs[i].typ]) {
				all = append(all, vs[i])
			}
		}
	}
	slices.SortFunc(all, func(a, b member) int { return cmp.Compare(a.at, b.at) })
	for i := range all {
		if full, err := g.give(p, &all[i]); err != nil || full {
			return err
		}
	}
	return nil
}

// walk gathers along the order in which things were added.
func (g *gathering) walk(p *gathered) error {
	from := addedKey(max(0, g.after-g.slot))
	for pair, err := range g.kv.Scan(from, kv.PrefixEnd([]byte("a"))) {
		if err != nil {
			return err
		}
		if err := g.ctx.Err(); err != nil {
			return err
		}
		no := binary.BigEndian.Uint32(bytes.Clone(pair.Value))
		a, err := g.access(no)
		if err != nil {
			return err
		}
		rec, err := g.rec(no)
		if err != nil {
			return err
		}
		if rec == nil || !a.all && !a.any || !slices.ContainsFunc(rec.Sets, func(n setCount) bool { return g.in(rec, n.Set) }) {
			continue
		}
		if end, err := g.within(rec, p); err != nil || end {
			return err
		}
	}
	return nil
}

// within gathers from one report, and reports whether the page is full.
func (g *gathering) within(rec *record, p *gathered) (bool, error) {
	nos, err := g.order(g.orders, rec)
	if err != nil {
		return false, err
	}
	all := g.s.lanesOf(rec, nil)
	var fail error
	start := sort.Search(len(nos), func(i int) bool {
		rc, err := g.blk.get(nos[i])
		if err != nil {
			fail = err
			return true
		}
		back, _ := all.back(&rc)
		return rec.Added-back*rec.Slot+rec.Slot > g.after
	})
	if fail != nil {
		return false, fail
	}
	for i, no := range nos[start:] {
		if i%4096 == 4095 && g.ctx.Err() != nil {
			return false, g.ctx.Err()
		}
		rc, err := g.blk.get(no)
		if err != nil {
			return false, err
		}
		if g.wanted != nil && rc.typ != 0 && !g.wanted[g.s.typeName(rc.typ)] {
			continue
		}
		if _, ok, err := g.has(&rc); err != nil || !ok {
			if err != nil {
				return false, err
			}
			continue
		}
		at, err := g.date(&rc, rec)
		if err != nil {
			return false, err
		}
		if at <= g.after {
			continue
		}
		v, ok, err := g.picked(&member{receipt: rc, at: at})
		if err != nil {
			return false, err
		}
		if !ok {
			continue
		}
		if full, err := g.give(p, v); err != nil || full {
			return full, err
		}
	}
	return false, nil
}

// picked reports whether a receipt is what its object is given as.
func (g *gathering) picked(v *member) (*member, bool, error) {
	if ok, err := g.read(v); err != nil || !ok {
		return nil, false, err
	}
	if g.wanted != nil && !g.wanted[v.typ] || g.types != nil && !g.types[v.typ] {
		return nil, false, nil
	}
	all, err := g.versionsOf(v.id)
	if err != nil {
		return nil, false, err
	}
	for i := range all {
		if all[i].receipt.no == v.receipt.no {
			all[i] = *v
		}
	}
	all, err = g.chosen(all)
	return v, slices.ContainsFunc(all, func(w member) bool { return w.receipt.no == v.receipt.no }), err
}
