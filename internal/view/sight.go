package view

import (
	"slices"
	"sync"
	"time"

	"casus/internal/core/alliance"
	"casus/internal/core/marking"
)

// Reader is who asks. The zero value sees nothing. It is good for one store, and
// for as long as [Reader.Until] says; whoever asks for longer makes another.
type Reader struct {
	name  string
	all   bool
	sight *sight
	trace *Trace // is told what is read, if not nil
}

// LocalOperator returns the reader that sees everything on a node without
// people: whoever owns the files can read them anyway. Only the composition
// root makes one.
func LocalOperator() Reader { return Reader{name: "local operator", all: true} }

// Name says who the reader is.
func (r Reader) Name() string { return r.name }

// Until returns when the reader may see something else without a change of
// rules, roster or marking; zero means never.
func (r Reader) Until() time.Time {
	if r.sight == nil {
		return time.Time{}
	}
	return r.sight.bits.ValidUntil
}

// Alarms returns what denied for an error, see [marking.Decision]: somebody must
// look. They are not for the reader's eyes.
func (r Reader) Alarms() []string {
	if r.sight == nil {
		return nil
	}
	return slices.Clone(r.sight.bits.Errors)
}

// sight is what one reader may read of the effective marking sets. It is never
// changed once others have it.
type sight struct {
	of   *effects
	who  marking.Reader
	at   time.Time // when it was decided
	bits *marking.Sight

	mu      sync.Mutex // guards the fields below, which only spare work
	tallied map[string]int
	tallyAt uint64
}

// handedIn reports whether who asks is the one who handed the report in: its bytes
// are no secret to him.
func (r Reader) handedIn(rec *record) bool {
	return r.sight != nil && rec.Owner != "" && rec.Person != "" && rec.Owner == r.sight.who.Org && rec.Person == r.sight.who.Person
}

// maxSights bounds how many readers' sights are kept.
const maxSights = 1024

// alone stands for the own set of a container: it is within nothing.
const alone = ^uint32(0)

// effects holds the effective marking sets: each pair of a receipt's own set and
// its report's that occurs, as one number, and who sees which of them. Whatever
// a receipt was taken in under, the pair decides.
type effects struct {
	mu    sync.RWMutex // guards the fields below
	pairs map[pair]uint32
	sets  []marking.Set
	close []closeness // of each of sets
	text  map[string]uint32

	policy *marking.Policy
	home   alliance.Org
	marks  []marking.Marked // of sets, as far as they were asked about
	sights map[string]*sight
}

func newEffects(p *marking.Policy) *effects {
	return &effects{pairs: map[pair]uint32{}, text: map[string]uint32{}, policy: p, sights: map[string]*sight{}}
}

// pair is the own set of a receipt and that of its report. Reports that hold
// statements have pairs of their own: what one report says restricts nothing in
// it must not loosen the marking of another.
type pair struct{ own, container, report uint32 }

func pairOf(own uint32, rec *record) pair {
	if len(rec.Statements) > 0 {
		return pair{own, rec.Container, rec.No}
	}
	return pair{own, rec.Container, none}
}

// within returns the effective set of an own set in a report. s.mu is held, or s is
// not shared yet.
func (s *Store) within(own uint32, rec *record) marking.Set {
	set := s.setAt(rec.Container)
	if own != alone {
		set = marking.Within(s.setAt(own), set)
	}
	if len(set.Refs) > 0 && len(rec.Statements) > 0 {
		set.Refs = slices.DeleteFunc(slices.Clone(set.Refs), func(id string) bool { return slices.Contains(rec.Statements, id) })
	}
	return set
}

// addPair notes that a pair occurs. s.mu is held, or s is not shared yet.
func (s *Store) addPair(own uint32, rec *record) {
	e := s.effects
	e.mu.Lock()
	defer e.mu.Unlock()
	key := pairOf(own, rec)
	if _, ok := e.pairs[key]; ok && key.report == none {
		return
	}
	set := s.within(own, rec)
	text := set.String()
	no, ok := e.text[text]
	if !ok {
		no = uint32(len(e.sets)) //nolint:gosec // sets are few
		e.text[text], e.sets, e.close = no, append(e.sets, set), append(e.close, closenessOf(set, s.opt.Lowest))
	}
	e.pairs[key] = no
}

// addPairs notes the pairs of a closed report.
func (s *Store) addPairs(rec *record) {
	if !rec.Closed {
		return
	}
	s.addPair(alone, rec)
	for _, n := range rec.Sets {
		s.addPair(n.Set, rec)
	}
}

// forget drops what was decided. e.mu is held.
func (e *effects) forget() {
	e.marks, e.sights = nil, map[string]*sight{}
}

// Policy returns the rules in force.
func (s *Store) Policy() *marking.Policy {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.opt.Policy
}

// As returns the reader that a person acting is at now. What was decided for the
// same reader before is taken up, while it is valid. The error is an Internal
// fault; then nothing may be read.
func (s *Store) As(who marking.Reader, now time.Time) (Reader, error) {
	s.mu.RLock()
	e := s.effects
	s.mu.RUnlock()
	home := s.home()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.home != home {
		e.home = home
		e.forget()
	}
	if n := len(e.marks); n < len(e.sets) {
		e.marks = append(e.marks, e.mark(e.sets[n:])...)
	}
	whole := who.Class()
	if who.Person != "" {
		whole.Until = time.Time{} // the person's own comes in with it
	}
	class, err := e.sightOf(whole, now, nil)
	if err != nil {
		return Reader{}, err
	}
	own := class
	if who.Person != "" {
		if own, err = e.sightOf(who, now, class); err != nil {
			return Reader{}, err
		}
	}
	return Reader{name: "reader\n" + who.Key(), sight: own}, nil
}

func (s *Store) home() alliance.Org {
	if s.opt.Home == nil {
		return ""
	}
	return s.opt.Home()
}

// holds reports whether what was decided holds for who at now, also when the clock
// was put back.
func (t *sight) holds(who marking.Reader, now time.Time) bool {
	until := t.bits.ValidUntil
	return !now.Before(t.at) && (until.IsZero() || now.Before(until)) && t.who.Until.Equal(who.Until)
}

// mark makes sets ready for deciding. What has no owner, from before there were
// people, is the node's own.
func (e *effects) mark(sets []marking.Set) []marking.Marked {
	all := make([]marking.Set, len(sets))
	for i, set := range sets {
		all[i] = owned(set, e.home)
	}
	return marking.Mark(nil, all...)
}

// owned returns what binds of a set: what has no owner is home's.
func owned(set marking.Set, home alliance.Org) marking.Set {
	if set.Owner == "" && !set.Recipients.Said && home != "" {
		set.Owner, set.Recipients = home, marking.Only(home)
	}
	return set
}

// sightOf returns the sight of who, made anew, extended or as it was. That of a
// person is laid over its class's. e.mu is held.
func (e *effects) sightOf(who marking.Reader, now time.Time, class *sight) (*sight, error) {
	key := who.Key()
	old := e.sights[key]
	if old != nil && !old.holds(who, now) {
		old = nil
	}
	if old != nil && old.bits.Len() == len(e.marks) {
		return old, nil
	}
	out := &sight{of: e, who: who, at: now}
	switch {
	case class != nil:
		bits, err := e.policy.Overlay(class.bits, who, e.marks, now)
		if err != nil {
			return nil, err
		}
		out.bits = bits
	case old != nil:
		out.bits = old.bits.Clone()
	default:
		out.bits = new(marking.Sight)
	}
	if err := e.policy.Extend(out.bits, who, e.marks, now); err != nil {
		return nil, err
	}
	if len(e.sights) >= maxSights {
		clear(e.sights)
	}
	e.sights[key] = out
	return out, nil
}

// access is what a reader may see of one report.
type access struct {
	all  bool
	self bool // the report itself: its title, its bytes, what was set aside of it
	any  bool // some receipt of it
	// bits says which of the own sets of its receipts are readable, from set
	// number from on.
	from uint32
	bits []uint64
}

// has reports whether receipts of the report that have the set are readable.
func (a *access) has(set uint32) bool {
	i := set - a.from // of one below from, far too large
	if int(i>>6) >= len(a.bits) {
		return a.all // then there are no bits
	}
	return a.bits[i>>6]>>(i&63)&1 != 0
}

// visible reports whether the reader may know that the report is there.
func (a *access) visible() bool { return a.all || a.self || a.any }

// access decides over one report. One that is not finished is sealed: its
// marking is not known yet.
func (s *Store) access(r Reader, rec *record) *access {
	if r.all {
		return &access{all: true, self: true, any: true}
	}
	a := new(access)
	if r.sight == nil || !rec.Closed {
		return a
	}
	s.mu.RLock()
	e := s.effects
	s.mu.RUnlock()
	if r.sight.of != e {
		return a // of another store, or from before this one was read again
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	may := func(own uint32) bool {
		no, ok := e.pairs[pairOf(own, rec)]
		return ok && r.sight.bits.Has(no)
	}
	a.self = may(alone)
	if len(rec.Sets) == 0 {
		return a
	}
	a.from = rec.Sets[0].Set
	a.bits = make([]uint64, (rec.Sets[len(rec.Sets)-1].Set-a.from)/64+1)
	for _, n := range rec.Sets {
		if may(n.Set) {
			a.any = true
			a.bits[(n.Set-a.from)>>6] |= 1 << ((n.Set - a.from) & 63)
		}
	}
	return a
}

// setCount counts a report's receipts of one own marking set.
type setCount struct {
	Set     uint32 `json:"set"`
	Objects int    `json:"objects"`
	Values  int    `json:"values"`
}

// tallyOf adds to the counts of a set; one that nothing has any more goes.
func (r *record) tallyOf(set uint32, objects, values int) {
	i, ok := slices.BinarySearchFunc(r.Sets, set, func(n setCount, set uint32) int { return int(n.Set) - int(set) })
	if !ok {
		r.Sets = slices.Insert(r.Sets, i, setCount{Set: set})
	}
	r.Sets[i].Objects += objects
	r.Sets[i].Values += values
	if r.Sets[i].Objects == 0 {
		r.Sets = slices.Delete(r.Sets, i, i+1)
	}
}

// readable returns rec's counts over what a gives.
func (r *record) readable(a *access) (objects, values int) {
	if a.all {
		return r.Objects, r.Values
	}
	for _, n := range r.Sets {
		if a.has(n.Set) {
			objects += n.Objects
			values += n.Values
		}
	}
	return objects, values
}

// heading returns what the report is called, as far as a gives it: its own title
// only to who may read the report itself.
func (r *record) heading(a *access) (title, name string) {
	if !a.self {
		return "", ""
	}
	return r.Title, r.Name
}

// called is what one calls a report: its title, else its file's name.
func called(title, name string) string {
	if title == "" {
		return name
	}
	return title
}

// effective returns the marking of a receipt: its own set within its report's.
func (s *Store) effective(own uint32, rec *record) marking.Set {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.within(own, rec)
}

// tally counts the visible reports of each source.
func (s *Store) tally(r Reader) (map[string]int, error) {
	if !r.all && r.sight == nil {
		return nil, nil
	}
	s.mu.RLock()
	at, held, have := s.told, s.tallied, s.tallyAt
	s.mu.RUnlock()
	if t := r.sight; t != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.tallied != nil && t.tallyAt == uint64(at) {
			return t.tallied, nil
		}
	} else if held != nil && have == at {
		return held, nil
	}
	all := map[string]int{}
	for rec, err := range s.records(s.kv) {
		if err != nil {
			return nil, err
		}
		if s.access(r, rec).visible() {
			all[rec.Source]++
		}
	}
	if t := r.sight; t != nil {
		t.tallied, t.tallyAt = all, uint64(at)
		return all, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tallied, s.tallyAt = all, at
	return all, nil
}
