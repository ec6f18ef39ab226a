package view

import (
	"context"
	"encoding/binary"
	"encoding/json/v2"
	"slices"
	"strings"

	"casus/internal/core/marking"
	"casus/internal/core/observable"
	"casus/internal/core/privacy"
	"casus/internal/event"
	"casus/internal/eventlog"
	"casus/internal/fault"
	"casus/internal/kv"
	"casus/stix"
)

// maxPlaces is the most hits of one value: one that stands in more is nobody's.
const maxPlaces = 10_000

// maxShown is the most bytes of a text in an export for a data subject.
const maxShown = 4 << 10

// Subject is where a value stands, as far as a reader may be told, and by what it
// goes.
type Subject struct {
	Hits []privacy.Trace

	s         *Store
	reports   map[uint32]*record
	receipts  []receipt
	originals []*record
	asides    []event.Seq
}

// Subject looks for a value in all that r may read and in all that r answers for:
// in the bytes of objects, in titles, file names and names of sources, in files as
// handed in and in what was set aside; in objects also in another spelling of the
// value. It reads the log, which takes as long as that is; nothing may be erased
// meanwhile. With text the hits bear what stands there. A value that stands in too
// many places is Invalid.
//
// Source: casus decision 0029.
func (s *Store) Subject(ctx context.Context, r Reader, value string, text bool) (*Subject, error) {
	find, err := privacy.NewFinder(value)
	if err != nil {
		return nil, err
	}
	h, err := s.holding()
	if err != nil {
		return nil, err
	}
	k := &seeker{
		s: s, ctx: ctx, r: r, find: find, text: text, holding: h, scopes: map[event.Seq]*scope{},
		spelt: map[uint32]string{}, held: map[event.Seq]bool{}, named: map[event.Seq]bool{}, tails: map[event.Seq][]byte{},
		out: &Subject{Hits: []privacy.Trace{}, s: s, reports: map[uint32]*record{}},
	}
	if err := k.spellings(value); err != nil {
		return nil, err
	}
	if err := k.headings(); err != nil {
		return nil, err
	}
	if err := k.entries(); err != nil {
		return nil, err
	}
	return k.out, nil
}

// scope is what the asker may be told of one report.
type scope struct {
	rec    *record
	access *access
	own    bool
	hold   *hold // that keeps the report
	// blind is the hit that stands for the places of it that he may not read.
	blind int
}

// seeker looks for one value.
type seeker struct {
	s       *Store
	ctx     context.Context
	r       Reader
	find    *privacy.Finder
	text    bool
	holding *holding
	scopes  map[event.Seq]*scope // by the opening of the report; nil is none
	spelt   map[uint32]string    // receipts that mention it in another way, and how
	held    map[event.Seq]bool   // entries in scope whose bytes hold it
	named   map[event.Seq]bool   // the same of entries that are not, once looked at
	tails   map[event.Seq][]byte // of files, the end of the piece before
	out     *Subject
}

// spellings notes the receipts whose objects mention the value in another spelling,
// or refer to the object that it is by the id that STIX makes of it.
func (k *seeker) spellings(value string) error {
	note := func(prefix byte, term []byte, how string) error {
		for no, err := range postings(k.s.kv, prefix, term) {
			if err != nil {
				return err
			}
			k.spelt[no] = how
		}
		return nil
	}
	for _, key := range observable.Parse(value) {
		if id := plainID(key); id != "" {
			if err := note('f', []byte(id), "refers to it by an id made of it"); err != nil {
				return err
			}
		}
		for _, prefix := range []byte("vl") {
			if err := note(prefix, key.Bytes(), "in another spelling"); err != nil {
				return err
			}
		}
	}
	return nil
}

func (k *seeker) scopeOf(rec *record) *scope {
	sc := &scope{rec: rec, access: k.s.access(k.r, rec), own: k.s.answers(k.r, rec.Owner), blind: -1}
	if !sc.own && !sc.access.visible() {
		return nil
	}
	if sc.own {
		sc.hold = k.holding.of(rec)
	}
	return sc
}

// headings looks at what reports and sources are called.
func (k *seeker) headings() error {
	sources := map[string]bool{}
	for rec, err := range k.s.records(k.s.kv) {
		if err != nil {
			return err
		}
		sc := k.scopeOf(rec)
		k.scopes[rec.Opening] = sc
		if sc == nil {
			continue
		}
		for _, f := range [...]struct {
			field, text string
			readable    bool
		}{{"title", rec.Title, sc.access.self}, {"file name", rec.Name, sc.access.self}, {"source", rec.Source, true}} {
			if !f.readable && !sc.own || !k.find.InText(f.text) {
				continue
			}
			h := privacy.Trace{Place: privacy.PlaceReport, Field: f.field, Readable: f.readable, Text: f.text}
			if k.add(sc, h, alone, sc.hold) {
				k.out.reports[rec.No] = rec
			}
			if f.field == "source" && !sources[rec.Source] && k.s.isSet(rec.Source) {
				sources[rec.Source] = true
				k.out.Hits = append(k.out.Hits, privacy.Trace{
					Place: privacy.PlaceSource, ID: rec.Source, Field: "name", Readable: true, Count: 1,
					Kept: "the settings of a source stay with its name", Remedy: "hand in under another name, and erase the reports of this one",
				})
			}
		}
	}
	return k.ctx.Err()
}

// add adds a hit in a report and reports whether it may be erased. own is the own
// set of the receipt, [alone] where it is none.
func (k *seeker) add(sc *scope, h privacy.Trace, own uint32, held *hold) bool {
	rec := sc.rec
	h.Report, h.Source, h.Received, h.Own, h.Count = k.s.shortID("RPT", rec.Identity), rec.Source, instant(rec.At), sc.own, 1
	if h.TLP == "" {
		h.TLP = marking.Set{}.TLP.String()
		if rec.Closed && h.Place == privacy.PlaceReport {
			h.TLP = k.s.effective(alone, rec).Label(nil).String()
		}
	}
	switch {
	case !sc.own:
		h.Kept, h.Remedy = foreign, "its own data-protection officer can erase it"
	case held != nil:
		h.Kept, h.Remedy = held.why(), "casus privacy release "+held.ID
	}
	if !k.text {
		h.Text = ""
	}
	h.Text = shorten(strings.ToValidUTF8(h.Text, "\uFFFD"), maxShown)
	if h.Place == privacy.PlaceObject && h.Readable {
		k.s.gave(k.r, own, rec, h.ID)
	} else {
		k.s.gave(k.r, alone, rec, "")
	}
	if h.Readable {
		k.out.Hits = append(k.out.Hits, h)
		return h.Kept == ""
	}
	// What cannot be read is told as so many places, by whether they may go.
	h.Place, h.ID, h.Field, h.Text = privacy.PlaceReport, "", "", ""
	if sc.blind >= 0 && k.out.Hits[sc.blind].Kept == h.Kept {
		k.out.Hits[sc.blind].Count++
		return h.Kept == ""
	}
	h.TLP = marking.Set{}.TLP.String()
	if rec.Closed {
		h.TLP = k.s.effective(alone, rec).Label(nil).String()
	}
	sc.blind = len(k.out.Hits)
	k.out.Hits = append(k.out.Hits, h)
	return h.Kept == ""
}

// entries looks at the bytes of objects, files and what was set aside.
func (k *seeker) entries() error {
	for st, err := range k.s.log.Read(k.ctx, 1) {
		if err != nil {
			return err
		}
		if len(k.out.Hits) > maxPlaces {
			return fault.WithHint(fault.Errorf(fault.Invalid, "view: the value stands in more than %d places", maxPlaces), "look for something that is one person's alone")
		}
		sc := k.scopes[st.Header.Cause]
		if sc == nil || st.Erased {
			continue
		}
		switch st.Header.Kind { //nolint:exhaustive // the others hold nothing that came in
		case event.ObjectReceived, event.ObjectKnown:
			err = k.object(sc, st)
		case event.ReportOriginal:
			k.piece(sc, st)
		case event.Quarantined:
			err = k.aside(sc, st)
		case event.ReportClosed:
			delete(k.tails, st.Header.Cause)
		}
		if err != nil {
			return err
		}
	}
	return k.ctx.Err()
}

// object looks at a receipt.
func (k *seeker) object(sc *scope, st eventlog.Stored) error {
	raw, hit, err := k.bytes(st)
	if err != nil {
		return err
	}
	if !hit && len(k.spelt) == 0 {
		return nil
	}
	k.s.mu.RLock()
	n := k.s.mark.Receipts
	k.s.mu.RUnlock()
	rc, ok, err := k.s.receiptOf(k.s.kv, st.Seq, n)
	if err != nil || !ok || rc.flags&flagGone != 0 || !hit && k.spelt[rc.no] == "" {
		return err
	}
	readable := sc.access.has(rc.set)
	if !readable && !sc.own {
		return nil
	}
	if raw == nil {
		if raw, err = k.payload(st); err != nil {
			return err
		}
	}
	o, err := stix.Parse(raw, k.s.opt.Limits)
	if err != nil {
		return fault.Errorf(fault.Internal, "view: entry %d holds no object: %w", st.Seq, err)
	}
	h := privacy.Trace{Place: privacy.PlaceObject, ID: o.ID(), Readable: readable}
	h.TLP, _ = k.s.labelOf(rc, sc.rec)
	if h.Field, h.Text = k.properties(o); h.Field == "" {
		h.Field, h.Text = k.spelt[rc.no], string(raw)
	}
	if k.add(sc, h, rc.set, sc.hold) {
		k.out.receipts = append(k.out.receipts, rc)
	}
	return nil
}

// payload returns the bytes of a receipt, wherever they stand.
func (k *seeker) payload(st eventlog.Stored) ([]byte, error) {
	if st.Header.Kind == event.ObjectKnown {
		first, err := event.ReadKnown(st.Payload)
		if err != nil {
			return nil, err
		}
		if st, err = k.s.log.Get(k.ctx, first); err != nil {
			return nil, err
		}
	}
	return eventlog.Payload(k.ctx, k.s.log, st)
}

// bytes reports whether the bytes of a receipt hold the value. It returns them where
// it has read them.
func (k *seeker) bytes(st eventlog.Stored) (raw []byte, hit bool, err error) {
	if st.Header.Kind == event.ObjectReceived {
		if raw, err = eventlog.Payload(k.ctx, k.s.log, st); err != nil {
			return nil, false, err
		}
		if hit = k.find.In(raw); hit {
			k.held[st.Seq] = true
		}
		return raw, hit, nil
	}
	first, err := event.ReadKnown(st.Payload)
	if err != nil {
		return nil, false, err
	}
	if k.held[first] {
		return nil, true, nil
	}
	if hit, looked := k.named[first]; looked {
		return nil, hit, nil
	}
	named, err := k.s.log.Get(k.ctx, first)
	if err != nil || named.Erased {
		return nil, false, err
	}
	if k.scopes[named.Header.Cause] != nil {
		return nil, false, nil // it was looked at in its turn
	}
	if raw, err = eventlog.Payload(k.ctx, k.s.log, named); err != nil {
		return nil, false, err
	}
	hit = k.find.In(raw)
	k.named[first] = hit
	return raw, hit, nil
}

// properties names the properties that hold the value, and what stands there; both
// are empty where none does.
func (k *seeker) properties(o *stix.Object) (fields, text string) {
	var names, values []string
	for i := range o.Len() {
		name, value := o.Member(i)
		if !k.find.In(value) && !k.find.In(name) {
			continue
		}
		v, ok := stix.Unquote(value)
		if !ok {
			v = string(value)
		}
		names, values = append(names, string(name)), append(values, string(name)+": "+v)
	}
	return strings.Join(names, ", "), strings.Join(values, "\n")
}

// piece looks at a piece of a file as handed in, together with the end of the one
// before.
func (k *seeker) piece(sc *scope, st eventlog.Stored) {
	cause := st.Header.Cause
	tail, begun := k.tails[cause]
	if begun && tail == nil || !sc.own && !sc.access.self {
		return // it was found in this file already
	}
	b := append(slices.Clone(tail), st.Payload...)
	if !k.find.In(b) {
		k.tails[cause] = slices.Clone(b[max(0, len(b)-k.find.Overlap()):])
		return
	}
	k.tails[cause] = nil
	h := privacy.Trace{Place: privacy.PlaceOriginal, ID: sc.rec.Name, Field: "the file as it was handed in", Readable: sc.access.self}
	h.TLP = marking.Set{}.TLP.String()
	if sc.rec.Closed {
		h.TLP = k.s.effective(alone, sc.rec).Label(nil).String()
	}
	if k.add(sc, h, alone, sc.hold) {
		k.out.originals = append(k.out.originals, sc.rec)
	}
}

// aside looks at a piece that was set aside.
func (k *seeker) aside(sc *scope, st eventlog.Stored) error {
	raw, err := eventlog.Payload(k.ctx, k.s.log, st)
	if err != nil {
		return err
	}
	var p event.SetAside
	if err := event.Read(raw, &p); err != nil {
		return err
	}
	if !sc.own && !sc.access.self || !k.find.In(p.Raw) && !k.find.InText(p.Place) && !k.find.InText(p.Reason) {
		return nil
	}
	for no, err := range postings(k.s.kv, 'Q', num(0, sc.rec.No)[1:]) {
		if err != nil {
			return err
		}
		b, ok, err := k.s.kv.Get(num('q', no))
		if err != nil {
			return err
		}
		var it item
		if !ok || json.Unmarshal(b, &it) != nil || it.Seq != st.Seq {
			continue
		}
		h := privacy.Trace{
			Place: privacy.PlaceAside, ID: k.s.shortID("QRN", itemName(sc.rec.Identity, &it)), Field: p.Place, Readable: sc.access.self, Text: string(p.Raw),
		}
		if k.add(sc, h, alone, sc.hold) {
			k.out.asides = append(k.out.asides, st.Seq)
		}
	}
	return nil
}

// Erasures returns by what the places go that may be erased: reports whole whose
// title, file name or source holds the value, and of others the receipts of objects,
// with the file that these were made from, files, and what was set aside.
func (p *Subject) Erasures(ctx context.Context) ([]event.Erasure, error) {
	e := p.s.erasable(ctx)
	for _, rec := range p.reports {
		if err := e.report(rec); err != nil {
			return nil, err
		}
	}
	if err := e.take(p.receipts); err != nil {
		return nil, err
	}
	for _, rec := range p.originals {
		if err := e.file(rec); err != nil {
			return nil, err
		}
	}
	for _, seq := range p.asides {
		e.entries = append(e.entries, seq)
		e.goes(seq, seq)
	}
	return e.parts()
}

// file collects the file of a report as handed in alone.
func (e *erasable) file(rec *record) error {
	var first event.Seq
	for p, err := range e.s.kv.Scan(num('B', rec.No), kv.PrefixEnd(num('B', rec.No))) {
		if err != nil {
			return err
		}
		if first == 0 {
			first = event.Seq(binary.BigEndian.Uint64(p.Key[5:]))
			e.entries = append(e.entries, first)
		}
	}
	if first == 0 {
		return nil
	}
	return e.original(rec.No, first)
}
