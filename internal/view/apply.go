package view

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json/v2"
	"errors"
	"maps"
	"runtime"
	"slices"
	"sync"
	"time"

	"casus/internal/core/marking"
	"casus/internal/core/report"
	"casus/internal/event"
	"casus/internal/eventlog"
	"casus/internal/fault"
	"casus/internal/kv"
	"casus/stix"

	"casus/internal/core/observable"
)

// How much is written as one batch.
const (
	stepEntries = 12_288
	stepBytes   = 16 << 20
	// stepBatches is how many batches one step writes at most.
	stepBatches = 8
)

// Step reads on from the mark. It returns how many entries it read and when to
// be called again without a new entry; the zero time means not at all. While it
// writes one batch, it reads the next.
func (s *Store) Step(ctx context.Context, _ time.Time) (did int, wake time.Time, err error) {
	s.mu.RLock()
	from := s.mark.Seq + 1
	s.mu.RUnlock()
	run := s.read(ctx, from)
	for i := range stepBatches {
		if run.err != nil || len(run.entries) == 0 {
			return did, time.Time{}, run.err
		}
		var next batch
		var wg sync.WaitGroup
		if run.more && i < stepBatches-1 {
			from = run.entries[len(run.entries)-1].Seq + 1
			wg.Go(func() { next = s.read(ctx, from) })
		}
		err := s.fold(ctx, run)
		wg.Wait()
		if err != nil {
			return did, time.Time{}, err
		}
		did += len(run.entries)
		run = next
	}
	return did, time.Time{}, nil
}

// batch is what is written as one.
type batch struct {
	entries []eventlog.Stored
	terms   []*Terms // of each entry, see [Store.termsOfEntry]
	more    bool     // it is full, and the entry after it may be read already
	err     error
}

// read reads a batch of entries and their terms.
func (s *Store) read(ctx context.Context, from event.Seq) batch {
	var b batch
	size := 0
	for st, err := range s.log.Read(ctx, from) {
		if err != nil {
			b.err = err
			return b
		}
		if st.Header.Kind == event.Erased && len(b.entries) > 0 {
			break // an erasure takes away what must be written before
		}
		b.entries = append(b.entries, st)
		if st.Header.Kind == event.Erased {
			break
		}
		if size += len(st.Payload); len(b.entries) >= stepEntries || size >= stepBytes {
			b.more = true
			break
		}
	}
	b.terms, b.err = s.extract(ctx, b.entries)
	return b
}

// folding is the state of one step.
type folding struct {
	s        *Store
	ctx      context.Context
	mark     mark
	kv       kv.Batch
	blk      *blocks
	receipts []receipt // of this step, contiguous up to mark.Receipts
	objects  map[string][]uint32
	posts    map[string]*posting
	spare    []posting
	records  map[uint32]*record
	open     map[event.Seq]uint32
	sets     []string // new ones
	setNo    map[string]uint32
	sources  []report.Source
	lists    []event.Seq
	rules    []*version // changed ones
	ceiling  *report.Ceiling
	types    []string
	key      []byte
	era      *erasing // set when the step is an erasure
	quiet    int      // how many entries only note reads and refusals
	holds    map[string]*hold
	counts   map[event.Seq]*counts
	colls    map[string]*report.Collection // nil for one removed
	cuts     map[string]bool
}

func (s *Store) fold(ctx context.Context, run batch) error {
	entries := run.entries
	f := &folding{
		s: s, ctx: ctx, mark: s.mark, kv: s.kv.Batch(), blk: newBlocks(s.kv),
		objects: make(map[string][]uint32, len(entries)), posts: make(map[string]*posting, 2*len(entries)),
		counts: map[event.Seq]*counts{}, colls: map[string]*report.Collection{}, cuts: map[string]bool{},
		records: map[uint32]*record{}, open: maps.Clone(s.open), setNo: s.setNo, types: slices.Clone(s.types),
	}
	defer f.kv.Discard()
	for i := range entries {
		if err := f.entry(&entries[i], run.terms[i]); err != nil {
			return fault.Errorf(fault.KindOf(err), "view: entry %d: %w", entries[i].Seq, err)
		}
		f.mark.Seq = entries[i].Seq
	}
	f.quiet -= len(entries) // 0 when all were notes
	return f.commit()
}

// extract gives the terms of each entry: of those without, the objects are
// parsed, on all processors.
func (s *Store) extract(ctx context.Context, entries []eventlog.Stored) ([]*Terms, error) {
	all := make([]*Terms, len(entries))
	var rest []int // those to be read
	for i := range entries {
		if t, ok := entries[i].Note.(*Terms); ok {
			all[i] = t
		} else {
			rest = append(rest, i)
		}
	}
	errs := make([]error, len(rest))
	workers := runtime.GOMAXPROCS(0)
	if len(rest) < 64 {
		workers = 1
	}
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for k := w * len(rest) / workers; k < (w+1)*len(rest)/workers; k++ {
				all[rest[k]], errs[k] = s.termsOfEntry(ctx, &entries[rest[k]])
			}
		})
	}
	wg.Wait()
	return all, errors.Join(errs...)
}

// termsOfEntry returns nil for an entry that is no receipt, or whose bytes are
// erased.
func (s *Store) termsOfEntry(ctx context.Context, e *eventlog.Stored) (*Terms, error) {
	st := *e
	switch e.Header.Kind { //nolint:exhaustive // only receipts have terms
	case event.ObjectReceived:
	case event.ObjectKnown:
		if e.Erased {
			return nil, nil
		}
		first, err := event.ReadKnown(e.Payload)
		if err != nil {
			return nil, err
		}
		if st, err = s.log.Get(ctx, first); err != nil {
			return nil, err
		}
	default:
		return nil, nil
	}
	if st.Erased {
		return nil, nil
	}
	o, err := s.parse(ctx, st)
	if err != nil {
		return nil, err
	}
	return TermsOf(o), nil
}

// parse reads the object that entry st holds.
func (s *Store) parse(ctx context.Context, st eventlog.Stored) (*stix.Object, error) {
	raw, err := eventlog.Payload(ctx, s.log, st)
	if err != nil {
		return nil, err
	}
	o, err := stix.Parse(raw, s.opt.Limits)
	if err != nil {
		return nil, fault.Errorf(fault.Internal, "view: entry %d holds no object: %w", st.Seq, err)
	}
	return o, nil
}

func (f *folding) entry(e *eventlog.Stored, t *Terms) error {
	switch e.Header.Kind {
	case event.ReportOpened:
		return f.opened(e)
	case event.ObjectReceived, event.ObjectKnown:
		rank, err := f.rank(e)
		if err != nil || t == nil {
			return err // erased: there is no receipt any more
		}
		return f.receipt(e, t, rank)
	case event.Quarantined:
		return f.setAside(e)
	case event.ReportClosed:
		c, err := f.dated(e)
		if err != nil {
			return err
		}
		return f.closed(e, c)
	case event.CollectionSet:
		return f.collectionSet(e)
	case event.CollectionCut:
		return f.collectionCut(e)
	case event.SourceSet:
		return f.sourceSet(e)
	case event.WarninglistSet:
		f.lists = append(f.lists, e.Seq)
		return nil
	case event.ReportOriginal:
		// Of erased ones too: whether they stand here must not depend on when the
		// log was read.
		no, ok := f.open[e.Header.Cause]
		if !ok {
			return nil
		}
		return f.kv.Set(binary.BigEndian.AppendUint64(num('B', no), uint64(e.Seq)), nil)
	case event.Erased:
		return f.erased(e)
	case event.ReadNoted, event.RefusalNoted:
		return f.noted(e)
	case event.QuarantineRetried:
		return f.retried(e)
	case event.PayloadPart:
		no, ok := f.open[e.Header.Cause]
		if !ok {
			return nil
		}
		return f.kv.Set(binary.BigEndian.AppendUint64(num('p', no), uint64(e.Seq)), nil)
	case event.HoldSet:
		return f.holdSet(e)
	case event.HoldLifted:
		return f.holdLifted(e)
	case event.ReportMarked,
		event.OrganisationSet, event.PersonSet, event.PersonNamed, event.CredentialSet, event.CredentialRemoved,
		event.TokenMade, event.TokenRevoked, event.BreakGlassUsed: // people are folded elsewhere
	case event.PolicyProposed:
		return f.proposed(e)
	case event.PolicyAdopted:
		return f.adopted(e)
	case event.CeilingSet:
		return f.ceilingSet(e)
	}
	return nil
}

func (f *folding) opened(e *eventlog.Stored) error {
	if e.Erased {
		return nil
	}
	rec := &record{No: f.mark.Reports, Opening: e.Seq}
	if err := event.Read(e.Payload, &rec.Opened); err != nil {
		return err
	}
	id, err := hex.DecodeString(rec.Identity)
	if err != nil || len(id) != sha256.Size {
		return fault.Errorf(fault.Internal, "view: identity %.70q is no digest", rec.Identity)
	}
	f.mark.Reports++
	f.records[rec.No] = rec
	f.open[e.Seq] = rec.No
	if err := f.kv.Set(append([]byte{'i'}, id...), num(0, rec.No)[1:]); err != nil {
		return err
	}
	if err := f.kv.Set(seqKey('S', e.Seq), num(0, rec.No)[1:]); err != nil {
		return err
	}
	if err := f.short("RPT", rec.Identity); err != nil {
		return err
	}
	observable.Words([]byte(rec.Title+" "+rec.Name), func(w []byte) {
		f.post('W', w, rec.No)
	})
	return nil
}

// short remembers the full id behind a short one.
func (f *folding) short(kind, full string) error {
	key := append([]byte{'s'}, f.s.shortID(kind, full)...)
	old, ok, err := f.s.kv.Get(key)
	if err != nil {
		return err
	}
	if ok {
		full = string(old) + "\n" + full
	}
	return f.kv.Set(key, []byte(full))
}

func (f *folding) record(no uint32) (*record, error) {
	if rec, ok := f.records[no]; ok {
		return rec, nil
	}
	rec, err := f.s.record(f.s.kv, no)
	if err == nil {
		f.records[no] = rec
	}
	return rec, err
}

// reportOf returns the report whose opening entry cause is.
func (f *folding) reportOf(cause event.Seq) (*record, error) {
	no, ok := f.open[cause]
	if !ok {
		raw, found, err := f.s.kv.Get(seqKey('S', cause))
		if err != nil {
			return nil, err
		}
		if !found {
			return nil, nil
		}
		no = binary.BigEndian.Uint32(raw)
	}
	return f.record(no)
}

func (f *folding) set(text string) (uint32, error) {
	if no, ok := f.setNo[text]; ok {
		return no, nil
	}
	if _, err := marking.Parse(text); err != nil {
		text = marking.Set{}.String() // what cannot be read is most restrictive
		if no, ok := f.setNo[text]; ok {
			return no, nil
		}
	}
	if len(f.sets) == 0 {
		f.setNo = maps.Clone(f.setNo)
	}
	no := f.mark.Sets
	f.mark.Sets++
	f.setNo[text] = no
	f.sets = append(f.sets, text)
	return no, f.kv.Set(num('k', no), []byte(text))
}

func (f *folding) post(prefix byte, term []byte, n uint32) {
	f.key = postingKey(f.key[:0], prefix, term, n)
	p, ok := f.posts[string(f.key)]
	if !ok {
		if len(f.spare) == 0 {
			f.spare = make([]posting, 1024)
		}
		p, f.spare = &f.spare[0], f.spare[1:]
		p.key = string(f.key)
		p.list = p.first[:0]
		f.posts[p.key] = p
	}
	p.list = append(p.list, uint16(n)) //nolint:gosec // the lower half
}

// posting is what a step adds under one key.
type posting struct {
	key   string
	first [4]uint16 // most keys have few
	list  []uint16
}

func (f *folding) typeNo(typ string) uint8 {
	if i := slices.Index(f.types, typ); i >= 0 {
		return uint8(i + 1) //nolint:gosec // at most 254 types
	}
	if len(f.types) >= 254 {
		return 0
	}
	f.types = append(f.types, typ)
	return uint8(len(f.types)) //nolint:gosec // at most 254 types
}

func (f *folding) receipt(e *eventlog.Stored, t *Terms, rank uint32) error {
	rec, err := f.reportOf(e.Header.Cause)
	if err != nil {
		return err
	}
	if rec == nil {
		return nil // its report is erased
	}
	set, err := f.set(e.Header.Marking)
	if err != nil {
		return err
	}
	no := f.mark.Receipts
	f.mark.Receipts++
	rc := receipt{no: no, seq: e.Seq, bytes: e.Seq, report: rec.No, set: set, first: no, event: t.event, typ: f.typeNo(t.typ), rank: rank}
	if e.Header.Kind == event.ObjectKnown {
		// Its first holder may be erased.
		if rc.bytes, err = event.ReadKnown(e.Payload); err != nil {
			return err
		}
	}
	if err := f.version(&rc, e, t); err != nil {
		return err
	}
	f.receipts = append(f.receipts, rc)
	for k := range t.each {
		f.post(k[0], k[1:], no)
	}
	f.post('P', num(0, rec.No)[1:], no)
	rec.Objects++
	rec.Values += t.values
	rec.tallyOf(set, 1, t.values)
	rec.count(rc.flags, 1)
	if t.statement && len(rec.Statements) < maxStatements {
		rec.Statements = append(rec.Statements, t.id)
	}
	return nil
}

// maxStatements bounds the statements of one report; more are as definitions that
// are not known.
const maxStatements = 10_000

// version decides whether rc is new, known or conflicting, and files it under
// its object.
func (f *folding) version(rc *receipt, e *eventlog.Stored, t *Terms) error {
	key := objectKey(t.id, t.version)
	variants, ok := f.objects[key]
	if !ok && f.s.seen.has(hashKey([]byte(key))) {
		raw, found, err := f.s.kv.Get([]byte(key))
		if err != nil {
			return err
		}
		if found {
			variants = parseNumbers(raw)
		}
	}
	for _, v := range variants {
		same, form, err := f.same(rc, v, e, t)
		if err != nil {
			return err
		}
		if same {
			first, err := f.receiptAt(v)
			if err != nil {
				return err
			}
			rc.first, rc.bytes = v, first.bytes
			rc.flags |= flagKnown
			f.post('O', num(0, v)[1:], rc.no)
			return nil
		}
		if form && t.versioned {
			rc.flags |= flagConflict
		}
	}
	f.objects[key] = append(slices.Clip(variants), rc.no)
	return nil
}

func objectKey(id, version string) string { return "o" + id + "\x00" + version }

func parseNumbers(raw []byte) []uint32 {
	var out []uint32
	for ; len(raw) >= 4; raw = raw[4:] {
		out = append(out, binary.BigEndian.Uint32(raw))
	}
	return out
}

func (f *folding) receiptAt(no uint32) (receipt, error) {
	if n := len(f.receipts); n > 0 && no >= f.receipts[0].no {
		return f.receipts[no-f.receipts[0].no], nil
	}
	return f.blk.get(no)
}

// same compares e with variant v: equal in canonical form, and, if not, whether
// both are of one STIX version.
func (f *folding) same(rc *receipt, v uint32, e *eventlog.Stored, t *Terms) (same, form bool, err error) {
	other, err := f.receiptAt(v)
	if err != nil {
		return false, false, err
	}
	mine := *e
	if e.Header.Kind == event.ObjectKnown {
		first, err := event.ReadKnown(e.Payload)
		if err != nil {
			return false, false, err
		}
		if first == other.bytes {
			return true, true, nil
		}
		if mine, err = f.s.log.Get(f.ctx, first); err != nil {
			return false, false, err
		}
	}
	theirs, err := f.s.log.Get(f.ctx, other.bytes)
	if err != nil || theirs.Erased {
		return false, false, err
	}
	a, err := eventlog.Payload(f.ctx, f.s.log, mine)
	if err != nil {
		return false, false, err
	}
	b, err := eventlog.Payload(f.ctx, f.s.log, theirs)
	if err != nil {
		return false, false, err
	}
	return SameObject(a, b, t.spec, f.s.opt.Limits)
}

// SameObject compares the bytes of two objects of one id and version key: same
// when their canonical forms are equal, and otherwise whether both are of STIX
// version spec, so that they conflict.
func SameObject(a, b []byte, spec string, lim stix.Limits) (same, form bool, err error) {
	if bytes.Equal(a, b) {
		return true, true, nil
	}
	ca, err := stix.Canonical(a)
	if err != nil {
		return false, false, fault.Errorf(fault.Internal, "view: canonical form: %w", err)
	}
	cb, err := stix.Canonical(b)
	if err != nil {
		return false, false, fault.Errorf(fault.Internal, "view: canonical form: %w", err)
	}
	if bytes.Equal(ca, cb) {
		return true, true, nil
	}
	o, err := stix.Parse(b, lim)
	if err != nil {
		return false, false, fault.Errorf(fault.Internal, "view: held object: %w", err)
	}
	return false, o.SpecVersion() == spec, nil
}

func (f *folding) setAside(e *eventlog.Stored) error {
	rec, err := f.reportOf(e.Header.Cause)
	if err != nil || rec == nil || e.Erased {
		return err
	}
	raw, err := eventlog.Payload(f.ctx, f.s.log, *e)
	if err != nil {
		return err
	}
	var p event.SetAside
	if err := event.Read(raw, &p); err != nil {
		return err
	}
	sum := sha256.Sum256(p.Raw)
	it := item{Seq: e.Seq, Report: rec.No, Place: p.Place, Reason: p.Reason, Remedy: p.Remedy, Size: len(p.Raw), Digest: hex.EncodeToString(sum[:]), At: e.Header.WriteTime}
	no := f.mark.Items
	f.mark.Items++
	rec.Quarantined++
	b, err := json.Marshal(it)
	if err != nil {
		return fault.Errorf(fault.Internal, "view: item: %w", err)
	}
	if err := f.short("QRN", itemName(rec.Identity, &it)); err != nil {
		return err
	}
	f.post('Q', num(0, rec.No)[1:], no)
	return f.kv.Set(num('q', no), b)
}

// itemName is the full id of a quarantined item: the same on every rebuild.
func itemName(identity string, it *item) string { return identity + " " + it.Place + " " + it.Digest }

func (f *folding) closed(e *eventlog.Stored, c *counts) error {
	rec, err := f.reportOf(e.Header.Cause)
	if err != nil || rec == nil || e.Erased {
		return err
	}
	var p event.Closed
	if err := event.Read(e.Payload, &p); err != nil {
		return err
	}
	if rec.Container, err = f.set(p.Container); err != nil {
		return err
	}
	rec.Closed, rec.Closing, rec.Received = true, e.Seq, p.Received
	if p.Title != "" {
		rec.Title = p.Title
		observable.Words([]byte(p.Title), func(w []byte) { f.post('W', w, rec.No) })
	}
	delete(f.open, e.Header.Cause)
	if len(c.Of) == 0 {
		return nil
	}
	rec.Added, rec.Slot = f.mark.Added, c.slot()
	for text, n := range c.Of {
		if set, ok := f.setNo[text]; ok { // else all of them are erased
			rec.Ranked = append(rec.Ranked, ranked{Set: set, N: n})
		}
	}
	slices.SortFunc(rec.Ranked, func(a, b ranked) int { return cmp.Compare(a.Set, b.Set) })
	return f.kv.Set(addedKey(rec.Added), num(0, rec.No)[1:])
}

func (f *folding) sourceSet(e *eventlog.Stored) error {
	if e.Erased {
		return nil
	}
	var src report.Source
	if err := event.Read(e.Payload, &src); err != nil {
		return err
	}
	src.Reports, src.Last = 0, ""
	f.sources = append(f.sources, src)
	return f.kv.Set([]byte("u"+src.Name), e.Payload)
}

func (f *folding) retried(e *eventlog.Stored) error {
	if e.Erased {
		return nil
	}
	var p event.Retried
	if err := event.Read(e.Payload, &p); err != nil {
		return err
	}
	for pr, err := range f.s.prefix("q") {
		if err != nil {
			return err
		}
		var it item
		if err := json.Unmarshal(pr.Value, &it); err != nil {
			return fault.Errorf(fault.Internal, "view: item: %w", err)
		}
		if it.Seq != p.Quarantined {
			continue
		}
		it.Done = true
		b, err := json.Marshal(it)
		if err != nil {
			return fault.Errorf(fault.Internal, "view: item: %w", err)
		}
		return f.kv.Set(bytes.Clone(pr.Key), b)
	}
	return nil
}
