package marking

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/batch"

	"casus/internal/fault"
)

// Effect is what a decision comes to. The zero value denies.
type Effect uint8

// The effects.
const (
	Deny  Effect = 0
	Allow Effect = 1
)

// String returns "deny" or "allow".
func (e Effect) String() string {
	if e == Allow {
		return "allow"
	}
	return "deny"
}

// MarshalText returns "deny" or "allow".
func (e Effect) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// Decision is an answer with its reasons.
type Decision struct {
	Effect Effect `json:"effect"`
	// Rules are the clauses that decided, sorted: every limit that holds and, when
	// nothing would have opened it, [NoPermit]; for a reader who may, every permit.
	Rules []string `json:"rules"`
	// Errors are clauses that could not be evaluated and marking sets that are
	// badly formed. Any of them denies, and somebody must look: raise an alarm.
	Errors []string `json:"errors,omitzero"`
	// ValidUntil is when the answer may change without a change of rules, roster or
	// marking: the end of an embargo, or of what the reader is; zero means never.
	ValidUntil time.Time `json:"valid_until,omitzero"`
}

// Marked is a marking set made ready for deciding, once for all readers.
type Marked struct {
	set    Set
	until  time.Time // end of the embargo
	entity cedar.Entity
	err    error // the set is badly formed
}

// Mark makes sets ready for deciding. inert tells which marking definitions are
// known to restrict nothing, as for [Set.Label]; nil knows none.
func Mark(inert func(id string) bool, sets ...Set) []Marked {
	out := make([]Marked, len(sets))
	words := map[string]types.Value{}
	for i, s := range sets {
		out[i] = mark(s, inert, words)
		out[i].entity.UID = types.NewEntityUID("Marking", types.String(strconv.Itoa(i)))
	}
	return out
}

// Set returns the set that m was made from.
func (m *Marked) Set() Set { return m.set }

func mark(s Set, inert func(id string) bool, words map[string]types.Value) Marked {
	m := Marked{set: s, until: s.NotBefore, err: s.Validate()}
	if m.err != nil {
		s = Set{} // decided as if nothing were known of it, and denied anyway
	}
	embargo := types.NewDatetimeFromMillis(0)
	if !s.NotBefore.IsZero() {
		embargo = types.NewDatetimeFromMillis(s.NotBefore.UnixMilli())
	}
	m.entity.Attributes = types.NewRecord(types.RecordMap{
		"tlp":        types.Long(s.Label(inert)),
		"owner":      types.String(s.Owner),
		"recipients": stringSet(s.Recipients.To, words),
		"persons":    stringSet(s.Persons.To, words),
		"limited":    types.Boolean(s.Releasable.Said),
		"releasable": stringSet(s.Releasable.To, words),
		"groups":     stringSet(s.Groups, words),
		"classes":    stringSet(s.Classes, words),
		"caveats":    stringSet(s.Caveats, words),
		"pap":        types.Long(s.PAP),
		"notBefore":  embargo,
		"recalled":   types.Boolean(s.Recalled),
	})
	return m
}

// stringSet returns the values of list; lists that were seen before are shared.
func stringSet[T ~string](list []T, words map[string]types.Value) types.Value {
	var key strings.Builder
	for _, x := range list {
		key.WriteString(string(x))
		key.WriteByte('\n')
	}
	if v, ok := words[key.String()]; ok {
		return v
	}
	values := make([]types.Value, 0, len(list))
	for _, x := range list {
		values = append(values, types.String(x))
	}
	v := types.NewSet(values...)
	words[key.String()] = v
	return v
}

// readerEntity returns r as the rules see it.
func readerEntity(r Reader) cedar.Entity {
	words := map[string]types.Value{}
	if r.Org.Validate() != nil {
		r.Org = ""
	}
	return cedar.Entity{
		UID: types.NewEntityUID("Reader", "reader"),
		Attributes: types.NewRecord(types.RecordMap{
			"person":       types.String(r.Person),
			"organisation": types.String(r.Org),
			"member":       types.String(r.Org.Member()),
			"role":         types.String(r.Role.String()),
			"community":    types.Boolean(r.Community),
			"servedBy":     stringSet(r.ServedBy, words),
			"groups":       stringSet(r.Groups, words),
			"cleared":      stringSet(r.Cleared, words),
			"caveats":      stringSet(r.Caveats, words),
		}),
	}
}

// world holds the entities of one question.
type world struct {
	reader cedar.Entity
	marked []Marked
}

// Get implements the rules' look-up of entities.
func (w *world) Get(uid cedar.EntityUID) (cedar.Entity, bool) {
	switch uid.Type {
	case "Reader":
		return w.reader, uid == w.reader.UID
	case "Marking":
		i, err := strconv.Atoi(string(uid.ID))
		if err != nil || i < 0 || i >= len(w.marked) {
			return cedar.Entity{}, false
		}
		return w.marked[i].entity, true
	}
	return cedar.Entity{}, false
}

func actionUID(a Action) cedar.EntityUID { return types.NewEntityUID("Action", types.String(a)) }

func contextAt(now time.Time) cedar.Record {
	return types.NewRecord(types.RecordMap{"now": types.NewDatetimeFromMillis(now.UnixMilli())})
}

// Decide answers whether r may do action with what bears m at now, and by which
// clauses. Every clause is asked, whatever the others say.
func (p *Policy) Decide(r Reader, action Action, m Marked, now time.Time) Decision {
	d := p.decide(r, action, m, now)
	if action == LookUp || action == Act {
		read := p.decide(r, Read, m, now)
		if read.Effect == Deny || len(read.Errors) > 0 {
			d.deny(read.Rules, read.Errors)
		}
	}
	return d
}

// deny turns d into a denial that gives these reasons besides.
func (d *Decision) deny(rules, errors []string) {
	if d.Effect == Allow {
		d.Effect, d.Rules = Deny, nil
	}
	d.Rules = tidyText(append(d.Rules, rules...))
	d.Errors = tidyText(append(d.Errors, errors...))
}

func tidyText(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

func (p *Policy) decide(r Reader, action Action, m Marked, now time.Time) Decision {
	d := Decision{ValidUntil: earlier(next(r.Until, now), next(m.until, now))}
	rules, known := p.sliced[action]
	if !known {
		d.Errors = []string{"marking: no action " + strconv.Quote(string(action))}
		return d
	}
	if r.past(now) {
		d.Errors = []string{pastReader}
		return d
	}
	m.entity.UID = types.NewEntityUID("Marking", "0")
	w := &world{reader: readerEntity(r), marked: []Marked{m}}
	effect, diag := cedar.Authorize(rules, w, cedar.Request{
		Principal: w.reader.UID, Action: actionUID(action), Resource: m.entity.UID, Context: contextAt(now),
	})
	d.settle(p, effect, diag, m.err)
	return d
}

// settle takes over what the rules came to. A clause that erred, or a set that is
// badly formed, denies.
func (d *Decision) settle(p *Policy, effect cedar.Decision, diag cedar.Diagnostic, bad error) {
	permitted := false
	for _, reason := range diag.Reasons {
		d.Rules = append(d.Rules, string(reason.PolicyID))
	}
	for _, e := range diag.Errors {
		d.Errors = append(d.Errors, string(e.PolicyID)+": "+e.Message)
	}
	if bad != nil {
		d.Errors = append(d.Errors, bad.Error())
	}
	permitted = effect == cedar.Allow
	slices.Sort(d.Rules)
	slices.Sort(d.Errors)
	switch {
	case permitted && len(d.Errors) == 0:
		d.Effect = Allow
	case permitted:
		d.Rules = nil // permits give no reason for a denial
	case len(d.Rules) == 0:
		d.Rules = []string{NoPermit}
	}
}

// next returns t if it lies after now, else zero.
func next(t, now time.Time) time.Time {
	if t.After(now) {
		return t
	}
	return time.Time{}
}

// earlier returns the earlier of two instants, where zero means never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// Sight is which of a list of marking sets a reader may read. The zero value
// sees nothing, and is valid for ever.
type Sight struct {
	bits []uint64
	n    int
	// ValidUntil is as for [Decision]: from then on the sight must be made anew.
	ValidUntil time.Time
	// Errors are as for [Decision], each once.
	Errors []string
}

// Has reports whether the set with the number may be read; one that was not
// asked about may not.
func (s *Sight) Has(no uint32) bool {
	i := int(no >> 6)
	return i < len(s.bits) && s.bits[i]&(1<<(no&63)) != 0
}

// Len returns how many sets were asked about.
func (s *Sight) Len() int { return s.n }

// Clone returns a copy that can be extended while others read s.
func (s *Sight) Clone() *Sight {
	return &Sight{bits: slices.Clone(s.bits), n: s.n, ValidUntil: s.ValidUntil, Errors: slices.Clone(s.Errors)}
}

// Count returns how many of the sets may be read.
func (s *Sight) Count() int {
	n := 0
	for no := range s.n {
		if s.Has(uint32(no)) { //nolint:gosec // sets are few
			n++
		}
	}
	return n
}

// add appends the answer for the next set.
func (s *Sight) add(ok bool) {
	if s.n&63 == 0 {
		s.bits = append(s.bits, 0)
	}
	s.n++
	s.put(s.n-1, ok)
}

// put changes the answer for a set that was asked about.
func (s *Sight) put(i int, ok bool) {
	s.bits[i>>6] &^= 1 << (i & 63)
	if ok {
		s.bits[i>>6] |= 1 << (i & 63)
	}
}

// Readable returns which of the sets r may read at now. It decides as [Decide]
// does, for all sets together.
//
// [Decide]: Policy.Decide
func (p *Policy) Readable(r Reader, sets []Marked, now time.Time) (*Sight, error) {
	s := new(Sight)
	return s, p.Extend(s, r, sets, now)
}

// Extend decides over the sets that s has not seen: those from [Sight.Len] on. s
// must come from the same policy and reader and still be valid. On an error, an
// Internal fault, s is unchanged.
func (p *Policy) Extend(s *Sight, r Reader, sets []Marked, now time.Time) error {
	if s.n >= len(sets) {
		return nil
	}
	if r.past(now) {
		for s.n < len(sets) {
			s.add(false)
		}
		s.Errors = tidyText(append(s.Errors, pastReader))
		return nil
	}
	allowed, errs, err := p.all(r, sets[s.n:], now)
	if err != nil {
		return err
	}
	until := earlier(next(s.ValidUntil, now), next(r.Until, now))
	for _, ok := range allowed {
		until = earlier(until, next(sets[s.n].until, now))
		s.add(ok)
	}
	s.ValidUntil = until
	s.Errors = tidyText(append(s.Errors, errs...))
	return nil
}

// Overlay returns class, the sight of r's class over sets, with what TLP:RED names
// r's person for besides: only sets that name persons are decided again. Both must
// be of one policy, and class still valid.
func (p *Policy) Overlay(class *Sight, r Reader, sets []Marked, now time.Time) (*Sight, error) {
	out := &Sight{bits: slices.Clone(class.bits), n: class.n, ValidUntil: earlier(class.ValidUntil, next(r.Until, now)), Errors: slices.Clone(class.Errors)}
	if r.past(now) {
		return &Sight{bits: make([]uint64, len(class.bits)), n: class.n, Errors: []string{pastReader}}, nil
	}
	var personal []Marked
	var at []int
	for i := range sets[:min(class.n, len(sets))] {
		if sets[i].set.Persons.Said {
			personal, at = append(personal, sets[i]), append(at, i)
		}
	}
	allowed, errs, err := p.all(r, personal, now)
	if err != nil {
		return nil, err
	}
	for i, ok := range allowed {
		out.put(at[i], ok)
	}
	out.Errors = tidyText(append(out.Errors, errs...))
	return out, nil
}

// all decides over reading all sets.
func (p *Policy) all(r Reader, sets []Marked, now time.Time) (allowed []bool, errs []string, err error) {
	if len(sets) == 0 {
		return nil, nil, nil
	}
	w := &world{reader: readerEntity(r), marked: sets}
	ids := make([]types.Value, len(sets))
	for i := range ids {
		ids[i] = types.NewEntityUID("Marking", types.String(strconv.Itoa(i)))
	}
	seen := map[string]bool{}
	err = batch.Authorize(background{}, p.sliced[Read], w, batch.Request{
		Principal: w.reader.UID, Action: actionUID(Read), Resource: batch.Variable("set"), Context: contextAt(now),
		Variables: batch.Variables{"set": ids},
	}, func(res batch.Result) error {
		i := len(allowed)
		if res.Request.Resource != ids[i] {
			return fault.Errorf(fault.Internal, "marking: answer for %v, want %v", res.Request.Resource, ids[i])
		}
		for _, e := range res.Diagnostic.Errors {
			seen[string(e.PolicyID)+": "+e.Message] = true
		}
		if bad := sets[i].err; bad != nil {
			seen[bad.Error()] = true
		}
		allowed = append(allowed, res.Decision == cedar.Allow && len(res.Diagnostic.Errors) == 0 && sets[i].err == nil)
		return nil
	})
	if err != nil {
		return nil, nil, fault.Errorf(fault.Internal, "marking: %d of %d sets decided: %w", len(allowed), len(sets), err)
	}
	if len(allowed) != len(sets) {
		return nil, nil, fault.Errorf(fault.Internal, "marking: %d of %d sets decided", len(allowed), len(sets))
	}
	return allowed, slices.Collect(maps.Keys(seen)), nil
}

// background is a context that is never done: the core takes none, and the batch
// wants one.
type background struct{}

// Deadline says that there is none.
func (background) Deadline() (time.Time, bool) { return time.Time{}, false }

// Done says that it is never done.
func (background) Done() <-chan struct{} { return nil }

// Err says that it is not done.
func (background) Err() error { return nil }

// Value holds nothing.
func (background) Value(any) any { return nil }
