package view

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"iter"
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

	// Of a value that very many receipts mention, who and when is read from the
	// newest and the oldest of them.
	newestAsked = 24
	oldestAsked = 8
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
	seen map[observable.Key]int // where in list
	list []asked
}

func (a *askedOf) add(m observable.Mention) {
	if m.Reference {
		return
	}
	if at, ok := a.seen[m.Key]; ok {
		if a.list[at].derived && !m.Derived { // it also stands on its own
			a.list[at] = asked{m.Key, m.Path, m.Written, false}
		}
		return
	}
	if a.seen == nil {
		a.seen = map[observable.Key]int{}
	}
	a.seen[m.Key] = len(a.list)
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
	var objects []*stix.Object
	left := 0
	n := 0
	err = s.matcher(r, snap, none).each(ctx, rec.No, func(_ receipt, o *stix.Object) error {
		if n++; n > maxAskedObjects {
			left++
			return nil
		}
		observable.FromObject(o, q.add)
		if canMatch(o) || o.Class() == stix.ClassCustom { // or what is referred to
			objects = append(objects, o)
		}
		return nil
	})
	if err != nil {
		return report.Matches{}, err
	}
	m, err := s.match(ctx, r, snap, rec.No, q.list, objects)
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
	return s.match(ctx, r, snap, none, q.list, objects)
}

// MatchValues answers who saw values.
func (s *Store) MatchValues(ctx context.Context, r Reader, keys []observable.Key) (report.Matches, error) {
	var q askedOf
	for _, k := range keys {
		q.add(observable.Mention{Key: k, Written: k.Normal, Path: k.STIXPath()})
	}
	snap := s.kv.Snapshot()
	defer func() { _ = snap.Close() }()
	return s.match(ctx, r, snap, none, q.list, nil)
}

// side is what one side, the asker's own source or all others, holds of a value.
type side struct {
	reports map[uint32]times
}

func (d *side) add(rc receipt) {
	if d.reports == nil {
		d.reports = map[uint32]times{}
	}
	t := d.reports[rc.report]
	if t.add(rc.event); rc.event == 0 {
		t.untimed = rc.no
	}
	d.reports[rc.report] = t
}

// holders is who mentions a value, over readable receipts.
type holders struct {
	receipts int
	theirs   side
	own      side // of the source that asks, the report asked about left out
}

// tally counts the values of one question by what became of them.
type tally struct {
	telling, common, own map[string]bool // values as written
	others, before       map[string]bool // sources of telling ones
}

func newTally() *tally {
	return &tally{map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}}
}

func (t *tally) add(value string, h report.Match) {
	switch {
	case len(h.Sources) == 0:
		t.own[value] = true
	case h.Noise != "":
		t.common[value] = true
	default:
		t.telling[value] = true
		for _, s := range h.Sources {
			t.others[s] = true
		}
		for _, s := range h.Before {
			t.before[s] = true
		}
	}
}

// sum fills in the figures: each value counts once, for the most it says.
func (t *tally) sum(m *report.MatchSummary) {
	for v := range t.common {
		if !t.telling[v] {
			m.Common++
		}
	}
	for v := range t.own {
		if !t.telling[v] && !t.common[v] {
			m.Own++
		}
	}
	m.Matched = len(t.telling) + m.Common
	m.Others, m.Before = len(t.others), len(t.before)
}

func (s *Store) match(ctx context.Context, r Reader, snap kv.Reader, self uint32, list []asked, objects []*stix.Object) (report.Matches, error) {
	out := report.Matches{Hits: []report.Match{}, Patterns: []report.PatternMatch{}}
	m := s.matcher(r, snap, self)
	m.naming = true
	if self != none {
		rec, err := m.rec(self)
		if err != nil {
			return out, err
		}
		if rec != nil {
			m.mine = rec.Source
		}
	}
	if err := m.among(); err != nil {
		return out, err
	}
	sum := newTally()
	for _, a := range list {
		if !a.derived {
			out.Summary.Values++
		}
		if a.derived && (sum.telling[a.written] || sum.common[a.written]) {
			continue // the whole has matched, so its parts say nothing more
		}
		hits, err := m.one(a)
		if err != nil {
			return out, err
		}
		for _, h := range hits {
			if a.derived && len(h.Sources) == 0 {
				continue
			}
			out.Hits = append(out.Hits, h)
			sum.add(a.written, h)
		}
		if err := ctx.Err(); err != nil {
			return out, err
		}
	}
	if err := m.patterns(ctx, objects, list, &out); err != nil {
		return out, err
	}
	sum.sum(&out.Summary)
	slices.SortStableFunc(out.Hits, func(a, b report.Match) int {
		return cmp.Or(rank(a)-rank(b), a.Rarity-b.Rarity, len(b.Sources)-len(a.Sources), strings.Compare(a.Normal, b.Normal))
	})
	reports, sources, err := s.scope(r, self)
	if err != nil {
		return out, err
	}
	out.Summary.Reports, out.Summary.Sources = reports, sources
	out.Summary.Sentence = sentence(out.Summary)
	return out, nil
}

// rank puts what others reported first, then what the asker alone did, then
// what is common.
func rank(h report.Match) int {
	switch {
	case h.Noise != "":
		return 2
	case len(h.Sources) == 0:
		return 1
	}
	return 0
}

// scope counts the reports and sources readable to r, self left out.
func (s *Store) scope(r Reader, self uint32) (reports, sources int, err error) {
	all, err := s.tally(r)
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

func sentence(m report.MatchSummary) string {
	looked := fmt.Sprintf(" Looked among %s readable to you, from %s.", plural(m.Reports, "report"), plural(m.Sources, "source"))
	if m.Values == 0 {
		return "Nothing in it can be matched." + looked
	}
	var t string
	telling := m.Matched - m.Common
	switch {
	case telling > 0:
		t = fmt.Sprintf("%s of %s %s reported by %s", count(telling), plural(m.Values, "value"), wasWere(telling), byOthers(m.Others, m.Before))
		if m.Common > 0 {
			t += fmt.Sprintf("; %s common and ranked last", isAre(m.Common))
		}
		t += "."
	case m.Common > 0:
		t = fmt.Sprintf("Only common things matched: %s of %s, ranked last.", count(m.Common), plural(m.Values, "value"))
	default:
		t = fmt.Sprintf("None of its %s was reported by others.", plural(m.Values, "value"))
	}
	if m.Own > 0 {
		t += fmt.Sprintf(" %s in other reports of yours alone.", stand(m.Own))
	}
	return t + looked
}

// byOthers says how many others reported it and whether they came first.
func byOthers(n, before int) string {
	who := plural(n, "other")
	switch before {
	case n:
		return who + " before you"
	case 0:
		return who + " after you"
	}
	return fmt.Sprintf("%s, %s of them before you", who, count(before))
}

func stand(n int) string {
	if n == 1 {
		return "1 stands"
	}
	return count(n) + " stand"
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
	mine string // the source of self
	blk  *blocks
	recs map[uint32]*record
	acc  map[uint32]*access
	all  int     // reports that a match is said to be rare among
	last *access // of report no, the last that was asked about
	no   uint32
	seen *bloom
	key  []byte
	// naming says that the reports that hold a value are named to the reader.
	naming bool
}

// matcher begins a question of r over one state.
func (s *Store) matcher(r Reader, snap kv.Reader, self uint32) *matcher {
	return &matcher{s: s, r: r, kv: snap, self: self, blk: newBlocks(snap), recs: map[uint32]*record{}, acc: map[uint32]*access{}, no: none}
}

// among counts the reports that a match is said to be rare among.
func (m *matcher) among() error {
	if m.r.all {
		m.s.mu.RLock()
		defer m.s.mu.RUnlock()
		m.all = int(m.s.mark.Reports)
		return nil
	}
	all, err := m.s.tally(m.r)
	for _, n := range all {
		m.all += n
	}
	return err
}

// sees reports whether the reader may read a receipt. Nobody reads one that is
// erased, or whose report is.
func (m *matcher) sees(rc *receipt) (bool, error) {
	if rc.report != m.no {
		return m.seesIn(rc)
	}
	return rc.flags&flagGone == 0 && m.last.has(rc.set), nil
}

// seesIn is sees for a receipt of another report than the last.
func (m *matcher) seesIn(rc *receipt) (bool, error) {
	a, err := m.access(rc.report)
	if err != nil {
		return false, err
	}
	m.last, m.no = a, rc.report
	return rc.flags&flagGone == 0 && a.has(rc.set), nil
}

// access returns what the reader may see of a report; nothing of one that is
// erased.
func (m *matcher) access(no uint32) (*access, error) {
	if a, ok := m.acc[no]; ok {
		return a, nil
	}
	rec, err := m.rec(no)
	if err != nil {
		return nil, err
	}
	a := new(access)
	if rec != nil {
		a = m.s.access(m.r, rec)
	}
	m.acc[no] = a
	return a, nil
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
	rcs, total, err := m.sample(prefix, term)
	if err != nil {
		return err
	}
	// What a heavy value is mentioned in is counted, not looked at one by one.
	h.receipts += total - len(rcs)
	for _, rc := range rcs {
		ok, err := m.sees(&rc)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		rec, err := m.rec(rc.report)
		if err != nil {
			return err
		}
		h.receipts++
		if rc.report == m.self {
			continue
		}
		if m.naming {
			m.s.gave(m.r, rc.set, rec, "")
		}
		if m.self != none && rec.Source == m.mine {
			h.own.add(rc)
		} else {
			h.theirs.add(rc)
		}
	}
	return nil
}

// sample returns the newest and the oldest receipts of a term, newest first, and
// how many it has in all; but for full sight, of those that are readable.
func (m *matcher) sample(prefix byte, term []byte) (rcs []receipt, total int, err error) {
	if m.r.all {
		nos, total, err := sample(m.kv, prefix, term, newestAsked, oldestAsked)
		if err != nil {
			return nil, 0, err
		}
		rcs, err := m.blk.all(nos)
		return rcs, total, err
	}
	for rc, err := range m.readables(prefix, term) {
		if err != nil {
			return nil, 0, err
		}
		total++
		if rcs = append(rcs, rc); len(rcs) > newestAsked+2*oldestAsked {
			rcs = slices.Delete(rcs, newestAsked, newestAsked+oldestAsked)
		}
	}
	if len(rcs) > newestAsked+oldestAsked {
		rcs = slices.Delete(rcs, newestAsked, len(rcs)-oldestAsked)
	}
	return rcs, total, nil
}

// readables yields the readable receipts of a term, newest first.
func (m *matcher) readables(prefix byte, term []byte) iter.Seq2[receipt, error] {
	return func(yield func(receipt, error) bool) {
		for no, err := range postings(m.kv, prefix, term) {
			var rc receipt
			ok := false
			if err == nil {
				rc, err = m.blk.get(no)
			}
			if err == nil {
				ok, err = m.sees(&rc)
			}
			if (ok || err != nil) && !yield(rc, err) || err != nil {
				return
			}
		}
	}
}

// one asks about one value: who mentions it, and for addresses and ranges also
// who mentions what holds it or lies in it.
func (m *matcher) one(a asked) ([]report.Match, error) {
	var h holders
	if err := m.gather(&h, 'v', a.key.Bytes()); err != nil {
		return nil, err
	}
	var out []report.Match
	if len(h.theirs.reports)+len(h.own.reports) > 0 {
		hit, err := m.found(a, &h, "", a.key)
		if err != nil {
			return nil, err
		}
		out = append(out, hit)
	}
	err := m.around(a.key, func(relation string, other observable.Key, h *holders) error {
		hit, err := m.found(a, h, relation, other)
		out = append(out, hit)
		return err
	})
	return out, err
}

// found makes a match of a value asked about and who holds it, or the other value
// that it stands in relation to.
func (m *matcher) found(a asked, h *holders, relation string, other observable.Key) (report.Match, error) {
	d := &h.theirs
	if len(d.reports) == 0 {
		d = &h.own
	}
	hit := report.Match{
		Value: a.written, Type: a.path, Normal: a.key.Normal, Count: len(d.reports), Own: len(h.own.reports), Rarity: h.receipts,
		Reports: []string{}, Sources: []string{}, Before: []string{}, TimeBasis: "event",
	}
	if hit.Value == "" {
		hit.Value = a.key.Normal
	}
	events, timed, err := m.when(d, other)
	if err != nil {
		return hit, err
	}
	from, to := time.Unix(events.from, 0), time.Unix(events.to, 0)
	nos := make([]uint32, 0, len(d.reports))
	for no := range d.reports {
		nos = append(nos, no)
	}
	slices.Sort(nos)
	for i, no := range slices.Backward(nos) {
		rec, err := m.rec(no)
		if err != nil {
			return hit, err
		}
		if d == &h.theirs {
			hit.Sources = append(hit.Sources, rec.Source)
			if no < m.self {
				hit.Before = append(hit.Before, rec.Source)
			}
		}
		if len(hit.Reports) < maxNamed {
			hit.Reports = append(hit.Reports, m.s.shortID("RPT", rec.Identity))
		}
		if !timed { // not every report tells the time of the event
			hit.TimeBasis = "receipt"
			if i == len(nos)-1 {
				from, to = rec.At, rec.At
			}
			if rec.At.Before(from) {
				from = rec.At
			}
			if rec.At.After(to) {
				to = rec.At
			}
		}
	}
	hit.FirstSeen, hit.LastSeen = instant(from), instant(to)
	hit.Sources, hit.Before = sortedUnique(hit.Sources), sortedUnique(hit.Before)
	noise := m.s.noiseLists()
	if reason, ok := noise.Reason(a.key); ok {
		hit.Noise = reason
	} else if reason, ok := noise.Reason(other); ok {
		hit.Noise = reason
	}
	m.why(&hit, a, relation, nos)
	return hit, nil
}

// why says in words what the match rests on and what it is worth.
func (m *matcher) why(hit *report.Match, a asked, relation string, nos []uint32) {
	who := "reported by " + strings.Join(hit.Sources, ", ")
	switch {
	case len(hit.Sources) == 0 && nos[0] < m.self:
		who = "you reported it before"
	case len(hit.Sources) == 0:
		who = "you reported it again later"
	case len(hit.Sources) > 4:
		who = fmt.Sprintf("reported by %s and %d more", strings.Join(hit.Sources[:3], ", "), len(hit.Sources)-3)
	}
	if hit.Own > 0 && len(hit.Sources) > 0 {
		who += " and in " + plural(hit.Own, "other report") + " of yours"
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
	if hit.Rarity > newestAsked+oldestAsked {
		hit.Why += fmt.Sprintf("; mentioned %s times, of which the newest %d and the oldest %d were looked at", count(hit.Rarity), newestAsked, oldestAsked)
		return
	}
	if n := len(hit.Sources); n > 0 && hit.Count <= 3 {
		hit.Why += fmt.Sprintf("; rare: in %d of %s", hit.Count, plural(m.all, "report"))
	}
}

// maxAround bounds the ranges around and the values inside an asked value that
// become matches of their own.
const maxAround = 20

// around yields the ranges of others that hold an address or range, narrowest
// first, and what others mention inside a range.
func (m *matcher) around(k observable.Key, yield func(relation string, other observable.Key, h *holders) error) error {
	switch k.Type {
	case observable.IPv4, observable.IPv6, observable.CIDR:
	default:
		return nil
	}
	left := maxAround
	try := func(relation string, term []byte) error {
		var h holders
		if err := m.gather(&h, 'v', term); err != nil || len(h.theirs.reports) == 0 {
			return err
		}
		left--
		other, ok := observable.ParseBytes(term)
		if !ok {
			return fault.Errorf(fault.Internal, "view: a value in the index cannot be read; rebuild the views")
		}
		return yield(relation+" "+other.Normal, other, &h)
	}
	var fail error
	observable.Containing(k, func(term []byte) bool {
		fail = try("inside", term)
		return fail == nil && left > 0
	})
	if fail != nil || k.Type != observable.CIDR {
		return fail
	}
	self := k.Bytes()
	for _, bounds := range [2]func(observable.Key) (from, to []byte){observable.Range, observable.NestedRange} {
		from, to := bounds(k)
		terms, err := m.terms('v', from, to, maxNested)
		if err != nil {
			return err
		}
		for _, t := range terms {
			if left == 0 {
				return nil
			}
			if bytes.Equal(t, self) {
				continue
			}
			if err := try("contains", t); err != nil {
				return err
			}
		}
	}
	return nil
}

// terms lists the distinct terms between bounds that are readable, at most limit.
func (m *matcher) terms(prefix byte, from, to []byte, limit int) ([][]byte, error) {
	var out [][]byte
	var end, last []byte
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
		if bytes.Equal(last, t) {
			continue
		}
		last = append(last[:0], t...)
		if len(out) == limit {
			break
		}
		ok, err := m.shows(prefix, last)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, bytes.Clone(t))
		}
	}
	return out, nil
}

// shows reports whether the reader may know that there is a term: some receipt,
// or for words of titles some report, that has it is readable.
func (m *matcher) shows(prefix byte, term []byte) (bool, error) {
	if m.r.all {
		return true, nil
	}
	if prefix == 'W' {
		of, err := m.titled(term)
		return len(of) > 0, err
	}
	for _, err := range m.readables(prefix, term) {
		return err == nil, err
	}
	return false, nil
}

// titled lists the reports whose title has a word, of those whose title is
// readable, newest first.
func (m *matcher) titled(word []byte) ([]uint32, error) {
	var out []uint32
	for no, err := range postings(m.kv, 'W', word) {
		if err != nil {
			return nil, err
		}
		a, err := m.access(no)
		if err != nil {
			return nil, err
		}
		if a.self {
			out = append(out, no)
		}
	}
	return out, nil
}

// Held counts how many of keys some readable receipt mentions. It is the batch
// question: whom to ask about is what [Store.MatchValues] then says.
func (s *Store) Held(ctx context.Context, r Reader, keys []observable.Key) (int, error) {
	snap := s.kv.Snapshot()
	defer func() { _ = snap.Close() }()
	m := s.matcher(r, snap, none)
	found := 0
	for i, k := range keys {
		if i%1024 == 0 && ctx.Err() != nil {
			return found, ctx.Err()
		}
		term := k.Bytes()
		if !m.held(term) {
			continue
		}
		for _, err := range m.readables('v', term) {
			if err != nil {
				return found, err
			}
			found++
			break
		}
	}
	return found, nil
}

// readable reports whether the reader may see a receipt.
func (m *matcher) readable(no uint32) (bool, error) {
	rc, err := m.blk.get(no)
	if err != nil {
		return false, err
	}
	return m.sees(&rc)
}

// held reports whether anything may mention a value.
func (m *matcher) held(term []byte) bool {
	if m.seen == nil {
		m.seen = m.s.filter()
	}
	m.key = append(append(m.key[:0], 'v'), term...)
	return m.seen.has(hashKey(m.key))
}
