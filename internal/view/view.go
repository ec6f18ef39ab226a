// Package view folds the log into what people ask about: reports, receipts of
// objects, mentions of values, references, words, sources and quarantine.
//
// It is a pure function of the log: [Store.Step] reads on from its mark and
// writes keys and mark in one batch, so running it twice changes nothing and a
// lost store is built again. Bytes of objects stay in the log; the view holds
// where they are. Every question takes a [Reader] and answers over what that
// reader may see alone, counts included.
//
// # Reading
//
// A reader holds which effective marking sets it may read: what a receipt's own
// set amounts to within its report's. That is decided by the policy once for each
// set and reader, and costs a bit test per receipt. A report is there for a reader
// who may read its own set, or some receipt of it; its title, file name and
// quarantine are for the first alone. What is not readable takes no part in any
// answer: not in counts, limits, order, flags or cursors, nor in errors, which are
// those of what is not there. Of equal bytes a reader gets those of the first
// receipt that he may read. A marking definition that restricts nothing, as a
// statement, does so in its own report alone.
//
// # Keys
//
// Receipts are numbered in the order of the log, from 0, in this store only.
// Numbers are big endian. A term's postings are stored per container of 65,536
// receipts, newest container first: prefix, term, 0x00, inverted container (2
// bytes) -> [kv.Postings].
//
//	m              mark: sequence read, receipts, reports, quarantined items
//	r block(4)     64 receipts of 42 bytes each, see receipt
//	R report(4)    report, JSON; counts its receipts per own marking set
//	i identity(32) report number (4)
//	S seq(8)       report number of the entry that opened it (4)
//	s short id     full ids, one per line
//	o id 0 version first receipts of the version's variants (4 each)
//	O receipt(4)   postings: later receipts of the same bytes
//	v value        postings: receipts that mention it (observable.Key.Bytes)
//	l value        postings: receipts that mention it in a reference only
//	f id           postings: receipts that refer to the object
//	w word         postings: receipts whose text has the word
//	W word         postings: reports whose title has the word
//	t type         postings: receipts of the object type
//	P report(4)    postings: receipts of the report
//	k set(4)       marking set in canonical form
//	B report(4) seq(8)  a piece of the report as handed in, empty
//	p report(4) seq(8)  a part of a long payload that came with it, empty
//	Q report(4)    postings: its quarantined items
//	q item(4)      quarantined item, JSON
//	u source       source settings, JSON
//	A seq(8)       note of a read or refusal, inverted sequence: kind (1), time (8)
//	h id           legal hold, JSON; lifted ones too
//	E seq(8)       an erasure on record, empty
//	n name         warninglist: sequence of its entry (8)
//	y seq(8)       rules that were proposed there, and what became of them, JSON
//	c              the node's ceiling, JSON
//	d seq(8)       what an open report (its opening entry) has of each marking set, JSON
//	a added(8)     number of the closed report (4) whose receipts were added then, see added
//	C id           collection, JSON
//	x id seq(8)    a receipt that was cut out of a collection, empty
//	b              filter of 'o' and 'v' keys, saved on a clean stop, see bloom
package view

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"encoding/json/v2"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"casus/internal/core/alliance"
	"casus/internal/core/marking"
	"casus/internal/core/observable"
	"casus/internal/core/report"
	"casus/internal/event"
	"casus/internal/eventlog"
	"casus/internal/fault"
	"casus/internal/kv"
	"casus/stix"
	"casus/tlp"
)

// Layout is the version of the keys above. A store of another layout is built
// anew.
const Layout = 4

// Store is the view over one log.
type Store struct {
	log eventlog.Log
	kv  kv.Store
	opt Options

	mu      sync.RWMutex // guards the fields below
	mark    mark
	types   []string
	sets    []marking.Set
	setText []string
	setNo   map[string]uint32
	sources map[string]report.Source
	open    map[event.Seq]uint32 // report-opened entries of unfinished reports
	lists   map[string]*observable.List
	noise   *observable.Lists // replaced, never changed
	seen    *bloom            // keys of object versions and values
	moved   chan struct{}     // closed and replaced when mark.Seq grows
	told    event.Seq         // the mark when it last moved past anything but notes of reads
	tallied map[string]int    // reports per source, as of tallyAt
	tallyAt event.Seq
	effects *effects // replaced when the store is read again
	rules   rules
	ceiling report.Ceiling
	orders  *orders // replaced when the store is read again
	// collections are those there are; cut holds the ids of those that receipts
	// were cut out of.
	collections map[string]report.Collection
	cut         map[string]bool
}

// Options of a store.
type Options struct {
	// Secret keys the short ids and seals the cursors; 32 bytes.
	Secret []byte
	// Exercise says that documentation addresses and example names are the
	// exercise's own and no noise.
	Exercise bool
	// Limits are those of reading objects.
	Limits stix.Limits
	// Policy decides over readers until other rules are adopted; nil means the rules
	// that ship with the program.
	Policy *marking.Policy
	// Home returns the node's own organisation, to which belongs what was taken in
	// before there were people. Nil, or "" for none, leaves what is above TLP:GREEN
	// of it to full sight. It is called without a lock held, and must not block.
	Home func() alliance.Org
	// Lowest are the lowest levels of the classification ladders: reading what is
	// classified above them leaves a trace.
	Lowest []marking.Level
}

type mark struct {
	Layout   int       `json:"layout"`
	Seq      event.Seq `json:"seq"`
	Receipts uint32    `json:"receipts"`
	Reports  uint32    `json:"reports"`
	Items    uint32    `json:"items"` // quarantined
	Sets     uint32    `json:"sets"`
	Notes    uint64    `json:"notes,omitempty"` // of reads and refusals
	Types    []string  `json:"types"`
	// Added is when the receipts of the last report that was closed were added, in
	// microseconds since 1970, and Slot the longest there was between two of one
	// marking set.
	Added int64 `json:"added,omitempty"`
	Slot  int64 `json:"slot,omitempty"`
	// Erasing are the erasures whose payloads may still be in the log.
	Erasing []event.Seq `json:"erasing,omitempty"`
}

// New returns the view over log in store. A store of another layout, or one
// that is ahead of the log, is emptied and read again.
func New(ctx context.Context, log eventlog.Log, store kv.Store, opt Options) (*Store, error) {
	if opt.Policy == nil {
		var err error
		if opt.Policy, err = marking.BuiltIn(); err != nil {
			return nil, err
		}
	}
	s := &Store{log: log, kv: store, opt: opt, moved: make(chan struct{})}
	return s, s.Reload(ctx)
}

// Reload takes up what the store holds, as New does: after it was opened again
// it may hold less.
func (s *Store) Reload(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mark, s.seen, s.tallied, s.effects = mark{}, newBloom(), nil, newEffects(s.opt.Policy)
	s.orders = newOrders()
	raw, ok, err := s.kv.Get([]byte("m"))
	if err != nil {
		return err
	}
	if ok {
		if err := json.Unmarshal(raw, &s.mark); err != nil {
			ok = false
		}
	}
	head, _, err := s.log.Head(ctx)
	if err != nil {
		return err
	}
	if !ok || s.mark.Layout != Layout || s.mark.Seq > head {
		if err := s.reset(); err != nil {
			return err
		}
	}
	return s.load(ctx)
}

// reset empties the store.
func (s *Store) reset() error {
	b := s.kv.Batch()
	defer b.Discard()
	if err := b.DeleteRange([]byte{0}, []byte{0xff}); err != nil {
		return err
	}
	if err := b.Commit(); err != nil {
		return err
	}
	s.mark, s.seen = mark{Layout: Layout}, newBloom()
	return nil
}

// load reads the small tables into memory.
func (s *Store) load(ctx context.Context) error {
	s.told = s.mark.Seq
	s.types = s.mark.Types
	if s.mark.Seq > 0 {
		seen, ok, err := loadBloom(s.kv, uint64(s.mark.Seq))
		if err != nil || !ok {
			if seen, err = fillBloom(s.kv); err != nil {
				return err
			}
		}
		s.seen = seen
	}
	s.setNo, s.sources, s.open = map[string]uint32{}, map[string]report.Source{}, map[event.Seq]uint32{}
	s.sets, s.setText = nil, nil
	s.lists, s.noise = map[string]*observable.List{}, observable.BuiltIn(s.opt.Exercise)
	if err := s.loadRules(); err != nil {
		return err
	}
	for p, err := range s.prefix("k") {
		if err != nil {
			return err
		}
		set, err := marking.Parse(string(p.Value))
		if err != nil {
			return fault.Errorf(fault.Internal, "view: marking set: %w", err)
		}
		s.setNo[string(p.Value)] = uint32(len(s.sets)) //nolint:gosec // sets are few
		s.sets, s.setText = append(s.sets, set), append(s.setText, string(p.Value))
	}
	for p, err := range s.prefix("u") {
		if err != nil {
			return err
		}
		var src report.Source
		if err := json.Unmarshal(p.Value, &src); err != nil {
			return fault.Errorf(fault.Internal, "view: source: %w", err)
		}
		s.sources[src.Name] = src
	}
	for p, err := range s.prefix("n") {
		if err != nil {
			return err
		}
		if err := s.loadList(ctx, event.Seq(binary.BigEndian.Uint64(p.Value))); err != nil {
			return err
		}
	}
	if err := s.loadCollections(); err != nil {
		return err
	}
	for rec, err := range s.records(s.kv) {
		if err != nil {
			return err
		}
		if !rec.Closed {
			s.open[rec.Opening] = rec.No
		}
		s.addPairs(rec)
	}
	return nil
}

// Mark returns the sequence number that the view has read up to.
func (s *Store) Mark() event.Seq {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.mark.Seq
}

// WaitFor returns once the view has read seq.
func (s *Store) WaitFor(ctx context.Context, seq event.Seq) error {
	for {
		s.mu.RLock()
		done, moved := s.mark.Seq >= seq, s.moved
		s.mu.RUnlock()
		if done {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Close saves what makes the next start quick. It does not close the store
// underneath; no step may run any more.
func (s *Store) Close() error { return s.seen.save(s.kv, uint64(s.mark.Seq)) }

// filter returns the filter of keys.
func (s *Store) filter() *bloom {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.seen
}

// Flush makes durable what was read.
func (s *Store) Flush() error { return s.kv.Flush() }

// shortID returns kind and eight characters of a keyed hash of full, for
// example "RPT-7K2M-9XQ4".
func (s *Store) shortID(kind, full string) string {
	h := hmac.New(sha256.New, s.opt.Secret)
	h.Write([]byte(kind + "\x00" + full))
	t := base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding).EncodeToString(h.Sum(nil)[:5])
	return kind + "-" + t[:4] + "-" + t[4:]
}

// record is a report as the view holds it.
type record struct {
	event.Opened
	No          uint32    `json:"no"`
	Opening     event.Seq `json:"opening"`
	Closed      bool      `json:"closed"`
	Closing     event.Seq `json:"closing,omitempty"`
	Container   uint32    `json:"container"` // set number, of the closing entry
	Received    int       `json:"received"`  // as the closing entry says
	Objects     int       `json:"objects"`
	New         int       `json:"new"`
	Known       int       `json:"known"`
	Conflicting int       `json:"conflicting"`
	Values      int       `json:"values"`
	Quarantined int       `json:"quarantined"`
	// Sets counts its receipts by their own marking sets, in the order of those.
	Sets []setCount `json:"sets,omitempty"`
	// Statements are the ids of marking definitions among its objects that
	// restrict no reading, one for each receipt.
	Statements []string `json:"statements,omitempty"`
	// Added, Slot and Ranked say when its receipts were added, see dating.
	Added  int64    `json:"added,omitempty"`
	Slot   int64    `json:"slot,omitempty"`
	Ranked []ranked `json:"ranked,omitempty"`
}

// records yields all reports, in the order they came in.
func (s *Store) records(r kv.Reader) iter.Seq2[*record, error] {
	return func(yield func(*record, error) bool) {
		for p, err := range r.Scan([]byte("R"), kv.PrefixEnd([]byte("R"))) {
			rec := new(record)
			if err == nil {
				if err = json.Unmarshal(p.Value, rec); err != nil {
					err = fault.Errorf(fault.Internal, "view: report: %w", err)
				}
			}
			if !yield(rec, err) || err != nil {
				return
			}
		}
	}
}

func (s *Store) record(r kv.Reader, no uint32) (*record, error) {
	raw, ok, err := r.Get(num('R', no))
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fault.Errorf(fault.NotFound, "view: report %d is not there", no)
	}
	rec := new(record)
	if err := json.Unmarshal(raw, rec); err != nil {
		return nil, fault.Errorf(fault.Internal, "view: report %d: %w", no, err)
	}
	return rec, nil
}

// item is a quarantined piece as the view holds it.
type item struct {
	Seq    event.Seq `json:"seq"`
	Report uint32    `json:"report"`
	Place  string    `json:"place"`
	Reason string    `json:"reason"`
	Remedy string    `json:"remedy"`
	Size   int       `json:"size"`
	Digest string    `json:"digest"`
	Done   bool      `json:"done,omitempty"`
	Gone   bool      `json:"gone,omitempty"`
	At     time.Time `json:"at"`
}

func num(prefix byte, n uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte{prefix}, n)
}

func seqKey(prefix byte, seq event.Seq) []byte {
	return binary.BigEndian.AppendUint64([]byte{prefix}, uint64(seq))
}

// Settings returns what holds for a source, an unknown one too; it is no secret
// to its reader, and intake reads it for every report.
func (s *Store) Settings(name string) report.Source {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if src, ok := s.sources[name]; ok {
		return src
	}
	return report.Source{Name: name}
}

// SetSources returns what is set for sources, by name; it tells nothing of their
// reports.
func (s *Store) SetSources() []report.Source {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := slices.Collect(maps.Values(s.sources))
	slices.SortFunc(out, func(a, b report.Source) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func (s *Store) setAt(no uint32) marking.Set {
	if int(no) < len(s.sets) {
		return s.sets[no]
	}
	return marking.Set{}
}

// labelOf returns the label a receipt is shown under. One of an open report is
// RED.
func (s *Store) labelOf(rc receipt, rec *record) (label string, imputed bool) {
	if !rec.Closed {
		return marking.Set{}.TLP.String(), false
	}
	set := s.effective(rc.set, rec)
	return set.Label(nil).String(), set.Imputed
}

// leavesUnder returns the label that a receipt leaves under. No format that is
// written has room for classifications, caveats and the like: what bears them
// leaves as RED, so that it is nowhere read more widely than here.
func (s *Store) leavesUnder(rc receipt, rec *record) string {
	label, _ := s.labelOf(rc, rec)
	if rec.Closed && s.effective(rc.set, rec).Beyond() {
		label = tlp.Red.String()
	}
	return label
}

func sortedUnique(in []string) []string {
	slices.Sort(in)
	return slices.Compact(in)
}
