package view

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"casus/internal/core/observable"
	"casus/internal/core/report"
	"casus/internal/fault"
	"casus/internal/kv"
	"casus/stix"
)

// Bounds of one question. What they leave out is said in the sentence.
const (
	maxAskedObjects = 20_000 // objects of a report that are asked about
	maxNested       = 2_000  // values inside an asked range that are looked at
	maxNamed        = 20     // reports named per match
)

// none is the report number of a question that belongs to no report.
const none = ^uint32(0)

// asked is one value that a question is about.
type asked struct {
	key     observable.Key
	path    string
	written string
	derived bool
}

// askedOf collects the distinct values of an object.
type askedOf struct {
	seen map[observable.Key]bool
	list []asked
}

func (a *askedOf) add(m observable.Mention) {
	if m.Reference || a.seen[m.Key] {
		return
	}
	if a.seen == nil {
		a.seen = map[observable.Key]bool{}
	}
	a.seen[m.Key] = true
	a.list = append(a.list, asked{m.Key, m.Path, m.Written, m.Derived})
}

// MatchReport answers who else saw what a report mentions.
func (s *Store) MatchReport(ctx context.Context, r Reader, id string) (report.Matches, error) {
	rec, err := s.reportNo(r, id)
	if err != nil {
		return report.Matches{}, err
	}
	snap := s.kv.Snapshot()
	defer func() { _ = snap.Close() }()
	var q askedOf
	left := 0
	n := 0
	err = s.each(ctx, snap, 'P', num(0, rec.No)[1:], func(_ receipt, o *stix.Object) error {
		if n++; n > maxAskedObjects {
			left++
			return nil
		}
		observable.FromObject(o, q.add)
		return nil
	})
	if err != nil {
		return report.Matches{}, err
	}
	m, err := s.match(ctx, r, snap, rec.No, q.list)
	m.Report = s.shortID("RPT", rec.Identity)
	if left > 0 {
		m.Summary.Sentence += fmt.Sprintf(" Only its first %s objects were asked about.", count(maxAskedObjects))
	}
	return m, err
}

// MatchObjects answers who saw what objects mention that are not stored: a dry
// match.
func (s *Store) MatchObjects(ctx context.Context, r Reader, objects []*stix.Object) (report.Matches, error) {
	var q askedOf
	for _, o := range objects {
		observable.FromObject(o, q.add)
	}
	snap := s.kv.Snapshot()
	defer func() { _ = snap.Close() }()
	return s.match(ctx, r, snap, none, q.list)
}

// MatchValues answers who saw values.
func (s *Store) MatchValues(ctx context.Context, r Reader, keys []observable.Key) (report.Matches, error) {
	var q askedOf
	for _, k := range keys {
		q.add(observable.Mention{Key: k, Written: k.Normal, Path: k.STIXPath()})
	}
	snap := s.kv.Snapshot()
	defer func() { _ = snap.Close() }()
	return s.match(ctx, r, snap, none, q.list)
}

// holders is who mentions a value, over readable receipts.
type holders struct {
	receipts int
	reports  map[uint32]struct{}
	times    []int64 // event times of others' receipts, when all have one
	timed    bool
	first    int64
	last     int64
	basis    string
}

func (s *Store) match(ctx context.Context, r Reader, snap kv.Reader, self uint32, list []asked) (report.Matches, error) {
	out := report.Matches{Hits: []report.Match{}}
	if !r.all {
		return out, nil
	}
	m := &matcher{s: s, r: r, kv: snap, self: self, blk: newBlocks(snap), recs: map[uint32]*record{}}
	matched := map[string]bool{}
	others := map[string]bool{}
	for _, a := range list {
		if !a.derived {
			out.Summary.Values++
		}
		hit, ok, err := m.one(a)
		if err != nil {
			return out, err
		}
		if !ok || a.derived && matched[a.written] {
			continue
		}
		matched[a.written] = true
		out.Hits = append(out.Hits, hit)
		if hit.Noise != "" {
			out.Summary.Common++
		} else {
			for _, src := range hit.Sources {
				others[src] = true
			}
		}
		if err := ctx.Err(); err != nil {
			return out, err
		}
	}
	out.Summary.Matched = len(out.Hits)
	slices.SortStableFunc(out.Hits, func(a, b report.Match) int {
		if (a.Noise == "") != (b.Noise == "") {
			if a.Noise == "" {
				return -1
			}
			return 1
		}
		return cmpOr(a.Rarity-b.Rarity, cmpOr(len(b.Sources)-len(a.Sources), strings.Compare(a.Normal, b.Normal)))
	})
	reports, sources, err := s.scope(r, self)
	if err != nil {
		return out, err
	}
	out.Summary.Reports, out.Summary.Sources = reports, sources
	out.Summary.Sentence = sentence(out.Summary, len(others))
	return out, nil
}

// scope counts the reports and sources readable to r, self left out.
func (s *Store) scope(r Reader, self uint32) (reports, sources int, err error) {
	if !r.all {
		return 0, 0, nil
	}
	all, err := s.tally()
	if err != nil {
		return 0, 0, err
	}
	mine := ""
	if self != none {
		if rec, err := s.record(s.kv, self); err == nil {
			mine = rec.Source
		}
	}
	for src, n := range all {
		if src == mine {
			n--
		}
		if n > 0 {
			reports += n
			sources++
		}
	}
	return reports, sources, nil
}

func sentence(m report.MatchSummary, others int) string {
	looked := fmt.Sprintf(" Looked among %s readable to you, from %s.", plural(m.Reports, "other report"), plural(m.Sources, "source"))
	switch {
	case m.Values == 0:
		return "Nothing in it can be matched." + looked
	case m.Matched == 0:
		return fmt.Sprintf("None of its %s was reported by others.", plural(m.Values, "value")) + looked
	}
	telling := m.Matched - m.Common
	t := "Only common things matched."
	if telling > 0 {
		t = fmt.Sprintf("%s of %s %s reported by %s before you", count(telling), plural(m.Values, "value"), wasWere(telling), plural(others, "source"))
		if m.Common == 0 {
			t += "."
		}
	}
	if m.Common > 0 {
		if telling > 0 {
			t += "; "
		} else {
			t += " "
		}
		t += fmt.Sprintf("%s common and ranked last.", isAre(m.Common))
	}
	return t + looked
}

func isAre(n int) string {
	if n == 1 {
		return "1 is"
	}
	return count(n) + " are"
}

func wasWere(n int) string {
	if n == 1 {
		return "was"
	}
	return "were"
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return count(n) + " " + noun + "s"
}

// count writes n with commas between thousands.
func count(n int) string {
	t := strconv.Itoa(n)
	for i := len(t) - 3; i > 0; i -= 3 {
		t = t[:i] + "," + t[i:]
	}
	return t
}

// matcher holds what one question reads.
type matcher struct {
	s    *Store
	r    Reader
	kv   kv.Reader
	self uint32
	blk  *blocks
	recs map[uint32]*record
	seen *bloom
	key  []byte
}

func (m *matcher) rec(no uint32) (*record, error) {
	if rec, ok := m.recs[no]; ok {
		return rec, nil
	}
	rec, err := m.s.record(m.kv, no)
	if fault.KindOf(err) == fault.NotFound {
		rec, err = nil, nil
	}
	if err == nil {
		m.recs[no] = rec
	}
	return rec, err
}

// gather adds the readable receipts of a term to h.
func (m *matcher) gather(h *holders, prefix byte, term []byte) error {
	if prefix == 'v' && !m.held(term) {
		return nil
	}
	for no, err := range postings(m.kv, prefix, term) {
		if err != nil {
			return err
		}
		rc, err := m.blk.get(no)
		if err != nil {
			return err
		}
		if rc.flags&flagGone != 0 {
			continue
		}
		rec, err := m.rec(rc.report)
		if err != nil {
			return err
		}
		if rec == nil || !m.r.may(rc.set, rec.Closed) {
			continue
		}
		h.receipts++
		if rc.report == m.self {
			continue
		}
		if h.reports == nil {
			h.reports, h.timed = map[uint32]struct{}{}, true
		}
		h.reports[rc.report] = struct{}{}
		if rc.event == 0 {
			h.timed = false
		} else if h.timed {
			if len(h.times) == 0 {
				h.times = []int64{rc.event, rc.event}
			}
			h.times[0], h.times[1] = min(h.times[0], rc.event), max(h.times[1], rc.event)
		}
	}
	return nil
}

// settle fills in first and last seen: event times when every receipt has one,
// else times of receipt.
func (m *matcher) settle(h *holders) error {
	if h.timed && len(h.times) == 2 {
		h.first, h.last, h.basis = h.times[0], h.times[1], "event"
		return nil
	}
	h.basis = "receipt"
	for no := range h.reports {
		rec, err := m.rec(no)
		if err != nil {
			return err
		}
		at := rec.At.Unix()
		if h.first == 0 || at < h.first {
			h.first = at
		}
		h.last = max(h.last, at)
	}
	return nil
}

// one asks about one value; ok is false when nobody else mentions it.
func (m *matcher) one(a asked) (report.Match, bool, error) {
	var h holders
	if err := m.gather(&h, 'v', a.key.Bytes()); err != nil {
		return report.Match{}, false, err
	}
	relation := ""
	if len(h.reports) == 0 {
		rel, err := m.around(&h, a.key)
		if err != nil {
			return report.Match{}, false, err
		}
		relation = rel
	}
	if len(h.reports) == 0 {
		return report.Match{}, false, nil
	}
	if err := m.settle(&h); err != nil {
		return report.Match{}, false, err
	}
	hit := report.Match{
		Value: a.written, Type: a.path, Normal: a.key.Normal, Count: len(h.reports), Rarity: h.receipts,
		FirstSeen: instant(time.Unix(h.first, 0)), LastSeen: instant(time.Unix(h.last, 0)), TimeBasis: h.basis,
		Reports: []string{}, Sources: []string{},
	}
	if hit.Value == "" {
		hit.Value = a.key.Normal
	}
	nos := make([]uint32, 0, len(h.reports))
	for no := range h.reports {
		nos = append(nos, no)
	}
	slices.Sort(nos)
	for _, no := range slices.Backward(nos) {
		rec, err := m.rec(no)
		if err != nil {
			return hit, false, err
		}
		hit.Sources = append(hit.Sources, rec.Source)
		if len(hit.Reports) < maxNamed {
			hit.Reports = append(hit.Reports, m.s.shortID("RPT", rec.Identity))
		}
	}
	hit.Sources = sortedUnique(hit.Sources)
	if reason, ok := m.s.noiseLists().Reason(a.key); ok {
		hit.Noise = reason
	}
	m.why(&hit, a, relation)
	return hit, true, nil
}

// why says in words what the match rests on and what it is worth.
func (m *matcher) why(hit *report.Match, a asked, relation string) {
	who := "reported by " + strings.Join(hit.Sources, ", ")
	if len(hit.Sources) > 4 {
		who = fmt.Sprintf("reported by %s and %d more", strings.Join(hit.Sources[:3], ", "), len(hit.Sources)-3)
	}
	switch {
	case hit.Noise != "":
		hit.Why = "common: " + hit.Noise
		return
	case relation != "":
		hit.Why = relation + ", " + who
	case a.derived:
		hit.Why = fmt.Sprintf("%s %s in it was %s", a.key.Type.Name(), a.key.Normal, who)
	case a.written != "" && a.written != a.key.Normal:
		hit.Why = "same " + a.key.Type.Name() + ", written differently, " + who
	default:
		hit.Why = "same " + a.key.Type.Name() + ", " + who
	}
	m.s.mu.RLock()
	all := int(m.s.mark.Reports)
	m.s.mu.RUnlock()
	if hit.Count <= 3 {
		hit.Why += fmt.Sprintf("; rare: in %d of %s", hit.Count, plural(all, "report"))
	}
}

// around looks for ranges that hold an address or range, and for addresses and
// ranges inside a range.
func (m *matcher) around(h *holders, k observable.Key) (string, error) {
	switch k.Type {
	case observable.IPv4, observable.IPv6, observable.CIDR:
	default:
		return "", nil
	}
	var relation string
	var fail error
	observable.Containing(k, func(term []byte) bool {
		if fail = m.gather(h, 'v', bytes.Clone(term)); fail != nil {
			return false
		}
		if len(h.reports) > 0 {
			if c, ok := observable.ParseBytes(term); ok {
				relation = "inside " + c.Normal
			}
			return false
		}
		return true
	})
	if fail != nil || relation != "" || k.Type != observable.CIDR {
		return relation, fail
	}
	found := ""
	for _, bounds := range [2]func(observable.Key) (from, to []byte){observable.Range, observable.NestedRange} {
		from, to := bounds(k)
		terms, err := m.terms('v', from, to, maxNested)
		if err != nil {
			return "", err
		}
		for _, t := range terms {
			before := len(h.reports)
			if err := m.gather(h, 'v', t); err != nil {
				return "", err
			}
			if c, ok := observable.ParseBytes(t); ok && len(h.reports) > before && found == "" {
				found = c.Normal
			}
		}
	}
	if found != "" {
		return "contains " + found, nil
	}
	return "", nil
}

// terms lists the distinct terms between bounds, at most limit.
func (m *matcher) terms(prefix byte, from, to []byte, limit int) ([][]byte, error) {
	var out [][]byte
	var end []byte
	if to != nil {
		end = append([]byte{prefix}, to...)
	} else {
		end = []byte{prefix + 1}
	}
	for p, err := range m.kv.Scan(append([]byte{prefix}, from...), end) {
		if err != nil {
			return nil, err
		}
		if len(p.Key) < 5 {
			continue
		}
		t := p.Key[1 : len(p.Key)-3]
		if n := len(out); n > 0 && bytes.Equal(out[n-1], t) {
			continue
		}
		if len(out) == limit {
			break
		}
		out = append(out, bytes.Clone(t))
	}
	return out, nil
}

// Held counts how many of keys some readable receipt mentions. It is the batch
// question: whom to ask about is what [Store.MatchValues] then says.
func (s *Store) Held(ctx context.Context, r Reader, keys []observable.Key) (int, error) {
	if !r.all {
		return 0, nil
	}
	snap := s.kv.Snapshot()
	defer func() { _ = snap.Close() }()
	m := &matcher{s: s, r: r, kv: snap, self: none, blk: newBlocks(snap), recs: map[uint32]*record{}}
	found := 0
	for i, k := range keys {
		if i%1024 == 0 && ctx.Err() != nil {
			return found, ctx.Err()
		}
		term := k.Bytes()
		if !m.held(term) {
			continue
		}
		for no, err := range postings(m.kv, 'v', term) {
			if err != nil {
				return found, err
			}
			ok, err := m.readable(no)
			if err != nil {
				return found, err
			}
			if ok {
				found++
				break
			}
		}
	}
	return found, nil
}

// readable reports whether the reader may see a receipt.
func (m *matcher) readable(no uint32) (bool, error) {
	rc, err := m.blk.get(no)
	if err != nil || rc.flags&flagGone != 0 {
		return false, err
	}
	rec, err := m.rec(rc.report)
	return err == nil && rec != nil && m.r.may(rc.set, rec.Closed), err
}

// held reports whether anything may mention a value.
func (m *matcher) held(term []byte) bool {
	if m.seen == nil {
		m.seen = m.s.filter()
	}
	m.key = append(append(m.key[:0], 'v'), term...)
	return m.seen.has(hashKey(m.key))
}
