package view

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json/v2"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"casus/internal/core/alliance"
	"casus/internal/core/marking"
	"casus/internal/core/observable"
	"casus/internal/core/privacy"
	"casus/internal/core/report"
	"casus/internal/event"
	"casus/internal/eventlog"
	"casus/internal/eventlog/memlog"
	"casus/internal/fault"
	"casus/internal/kv/memkv"
	"casus/stix"
	"casus/tlp"
)

var (
	worldsFlag = flag.Int("worlds", 0, "how many pairs of worlds TestNonInterference tries; 0 means CASUS_WORLDS, else 300, or 30 with -short")
	seedFlag   = flag.Uint64("seed", 1, "the seed of the first pair")
)

func worlds(t *testing.T) int {
	if *worldsFlag > 0 {
		return *worldsFlag
	}
	if text := os.Getenv("CASUS_WORLDS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatalf("CASUS_WORLDS: %v", err)
		}
		return n
	}
	if testing.Short() {
		return 30
	}
	return 300
}

// pools are what random worlds draw from: small, so that what is secret often has
// the ids, values, words, sources and versions of what is not.
var (
	orgs      = []alliance.Org{"AAA/csirt", "AAA/army", "BBB/csirt", "CCC/desk"}
	persons   = []alliance.Key{"ada", "bob", "eve"}
	groups    = []alliance.Group{"east", "west"}
	levels    = []marking.Level{"alliance/RESTRICTED", "alliance/SECRET"}
	caveats   = []string{"EYES A", "EYES B"}
	sourceOf  = []string{"north", "south", "west"}
	wordOf    = []string{"alpha", "alpine", "beacon", "bear", "cobalt"}
	values    = []string{"198.51.100.1", "198.51.100.2", "198.51.100.0/28", "198.51.100.77", "203.0.113.9"}
	statement = "marking-definition--11111111-1111-4111-8111-111111111111"
	unknown   = "marking-definition--22222222-2222-4222-8222-222222222222"
	readAt    = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
)

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

func some[T any](r *rand.Rand, list []T) []T {
	var out []T
	for _, x := range list {
		if r.IntN(2) == 0 {
			out = append(out, x)
		}
	}
	return out
}

func oneIn(r *rand.Rand, n int) bool { return r.IntN(n) == 0 }

func randomReader(r *rand.Rand) marking.Reader {
	who := marking.Reader{
		Person: pick(r, persons), Org: pick(r, orgs), Role: alliance.Analyst, Community: !oneIn(r, 4), ServedBy: some(r, orgs[:2]),
		Groups: some(r, groups), Cleared: some(r, levels), Caveats: some(r, caveats),
	}
	switch r.IntN(12) {
	case 0:
		who.Role = alliance.Administrator
	case 1:
		who.Person = ""
	case 2, 3, 4:
		who.Role = alliance.DataProtection
	}
	return who
}

func randomSet(r *rand.Rand) marking.Set {
	s := marking.Set{TLP: pick(r, tlp.Labels()), Imputed: oneIn(r, 4)}
	if !oneIn(r, 4) {
		s.Owner = pick(r, orgs)
		s.Recipients = marking.Only(append(some(r, orgs), s.Owner)...)
	}
	if s.TLP == tlp.Red && !oneIn(r, 4) {
		s.Persons = marking.Only(some(r, persons)...)
	}
	switch r.IntN(16) {
	case 0:
		s.Releasable = marking.Only(alliance.Member("AAA"))
	case 1:
		s.Groups = some(r, groups)
	case 2:
		s.Classes = some(r, levels)
	case 3:
		s.Caveats = some(r, caveats)
	case 4:
		s.NotBefore = readAt.Add(time.Duration(r.IntN(3)-1) * time.Hour)
	case 5:
		s.Recalled = true
	case 6:
		s.Refs = []string{pick(r, []string{statement, unknown})}
	case 7:
		s.PAP = marking.PAPAmber
	}
	return s
}

// ids of the pools' objects.
func addressID(i int) string   { return fmt.Sprintf("ipv4-addr--00000000-0000-5000-8000-%012d", i) }
func indicatorID(i int) string { return fmt.Sprintf("indicator--00000000-0000-4000-8000-%012d", i) }

func randomObject(r *rand.Rand) []byte {
	i := r.IntN(len(values))
	raw := ""
	switch r.IntN(6) {
	case 0, 1:
		raw = fmt.Sprintf(`{"type":"ipv4-addr","spec_version":"2.1","id":%q,"value":%q}`, addressID(i), values[i])
	case 2, 3:
		spec := `"spec_version":"2.1","pattern_type":"stix",`
		if oneIn(r, 8) {
			spec = `"labels":["malicious-activity"],`
		}
		raw = fmt.Sprintf(`{"type":"indicator",%s"id":%q,"created":"2026-01-01T00:00:00.000Z","modified":"2026-01-0%dT00:00:00.000Z","name":"%s %s","pattern":"[ipv4-addr:value = '%s']","valid_from":"2026-01-0%dT00:00:00Z"}`,
			spec, indicatorID(r.IntN(3)), 1+r.IntN(2), pick(r, wordOf), pick(r, wordOf), values[i], 1+r.IntN(3))
	case 4:
		raw = fmt.Sprintf(`{"type":"relationship","spec_version":"2.1","id":"relationship--00000000-0000-4000-8000-%012d","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","relationship_type":"based-on","source_ref":%q,"target_ref":%q}`,
			r.IntN(4), indicatorID(r.IntN(3)), addressID(i))
	default:
		raw = fmt.Sprintf(`{"type":"observed-data","spec_version":"2.1","id":"observed-data--00000000-0000-4000-8000-%012d","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","first_observed":"2026-02-0%dT00:00:00Z","last_observed":"2026-02-09T00:00:00Z","number_observed":1,"object_refs":[%q]}`,
			r.IntN(4), 1+r.IntN(5), addressID(i))
	}
	if oneIn(r, 4) {
		raw = strings.ReplaceAll(raw, `,"`, `, "`) // the same in canonical form
	}
	return []byte(raw)
}

type opKind int

const (
	opOpen opKind = iota
	opObject
	opAside
	opClose
	opSource
	opEraseReport
	opEraseObject
	opHold
)

// op is one thing that happens in a world.
type op struct {
	kind   opKind
	opened event.Opened // of the report; of all ops its identity
	set    marking.Set  // own, or the container's
	raw    []byte
	id     string
	on     privacy.HoldKind
	at     time.Time // when a public report is closed
}

// target is that of a hold.
func (o *op) target() string {
	switch o.on {
	case privacy.OnReport:
		return o.opened.Identity
	case privacy.OnSource:
		return o.opened.Source
	case privacy.OnObject:
	}
	return addressID(len(o.raw) % len(values))
}

// story is what a pair of worlds has in common, and who reads.
type story struct {
	t      testing.TB
	policy *marking.Policy
	who    marking.Reader
	home   alliance.Org
	public []op
	sets   map[string]marking.Set // containers, by identity
	own    map[string]bool        // identities that who handed in
	seen   [][]byte               // objects in public
	next   int
}

func (st *story) may(own *marking.Set, container marking.Set) bool {
	set := container
	if own != nil {
		set = marking.Within(*own, container)
	}
	if set.Owner == "" && !set.Recipients.Said && st.home != "" {
		set.Owner, set.Recipients = st.home, marking.Only(st.home)
	}
	m := marking.Mark(nil, set)
	return st.policy.Decide(st.who, marking.Read, m[0], readAt).Effect == marking.Allow
}

// draw returns a set that is readable within container, or not; false when it
// finds none.
func (st *story) draw(r *rand.Rand, container marking.Set, readable bool) (marking.Set, bool) {
	for range 30 {
		if s := randomSet(r); st.may(&s, container) == readable {
			return s, true
		}
	}
	return marking.Set{}, false
}

// object returns an object's bytes, often some that the story has already.
func (st *story) object(r *rand.Rand) []byte {
	if len(st.seen) > 0 && oneIn(r, 2) {
		return pick(r, st.seen)
	}
	return randomObject(r)
}

func (st *story) opened(r *rand.Rand, what string) event.Opened {
	st.next++
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", what, st.next))
	return event.Opened{
		Identity: hex.EncodeToString(sum[:]), Source: pick(r, sourceOf), Title: "about " + pick(r, wordOf), Name: pick(r, wordOf) + ".json",
		Format: report.STIX, Size: int64(r.IntN(1000)), Digest: hex.EncodeToString(sum[:4]), At: readAt.Add(-time.Duration(r.IntN(5000)) * time.Minute),
		Owner: pick(r, orgs), Person: pick(r, persons),
	}
}

// merge puts two sequences together at random, each in its order.
func merge(r *rand.Rand, a, b []op) []op {
	out := make([]op, 0, len(a)+len(b))
	for len(a)+len(b) > 0 {
		if r.IntN(len(a)+len(b)) < len(a) {
			out, a = append(out, a[0]), a[1:]
		} else {
			out, b = append(out, b[0]), b[1:]
		}
	}
	return out
}

func newStory(t testing.TB, p *marking.Policy, r *rand.Rand) *story {
	st := &story{t: t, policy: p, who: randomReader(r), sets: map[string]marking.Set{}, own: map[string]bool{}}
	if !oneIn(r, 3) {
		st.home = pick(r, orgs)
	}
	for i := range 1 + r.IntN(4) {
		o := st.opened(r, "public")
		container := randomSet(r)
		var seq []op
		for range r.IntN(6) {
			if set, ok := st.draw(r, container, true); ok {
				seq = append(seq, op{kind: opObject, opened: o, set: set, raw: st.object(r)})
				st.seen = append(st.seen, seq[len(seq)-1].raw)
			}
		}
		self := st.may(nil, container)
		if !self && len(seq) == 0 && i > 0 {
			continue
		}
		if self && oneIn(r, 2) {
			seq = append(seq, op{kind: opAside, opened: o, raw: []byte(pick(r, wordOf))})
		}
		seq = append([]op{{kind: opOpen, opened: o, set: container}}, append(seq, op{kind: opClose, opened: o, set: container})...)
		st.sets[o.Identity] = container
		st.own[o.Identity] = o.Owner == st.who.Org && (o.Person == st.who.Person || st.who.Role == alliance.DataProtection)
		st.public = merge(r, st.public, seq)
		if oneIn(r, 8) && i > 0 {
			st.public = append(st.public, op{kind: opEraseReport, opened: o})
		}
	}
	// Secrets are closed at other times: what was added when tells of what was closed
	// within the same moment.
	for i, o := range st.public {
		if o.kind == opClose {
			st.public[i].at = readAt.Add(time.Duration(i-1000) * time.Hour)
		}
	}
	if oneIn(r, 3) {
		st.public = append(st.public, op{kind: opSource, id: pick(r, sourceOf), raw: []byte("A")})
	}
	if oneIn(r, 8) {
		st.public = append(st.public, op{kind: opEraseObject, id: addressID(r.IntN(len(values)))})
	}
	return st
}

// secrets returns the story with secrets drawn from r in between.
func (st *story) secrets(r *rand.Rand) []op {
	var all []op
	for _, o := range st.public {
		if o.kind == opOpen && !st.may(nil, o.set) && !st.own[o.opened.Identity] {
			o.opened.Title, o.opened.Name = "about "+pick(r, wordOf), pick(r, wordOf)
		}
		if o.kind == opOpen && !st.own[o.opened.Identity] {
			o.opened.Size, o.opened.Digest = int64(r.IntN(1000)), strconv.Itoa(r.IntN(1000))
		}
		if o.kind == opClose && !st.own[o.opened.Identity] {
			for range r.IntN(4) {
				all = append(all, st.inReport(r, o)...)
			}
		}
		if o.kind == opObject && oneIn(r, 3) && !st.own[o.opened.Identity] {
			o.id = ""
			all = append(all, st.inReport(r, op{opened: o.opened, set: st.sets[o.opened.Identity]})...)
		}
		all = append(all, o)
	}
	for range r.IntN(4) {
		all = merge(r, all, st.secretReport(r))
	}
	return all
}

// inReport returns a secret in a report that is known.
func (st *story) inReport(r *rand.Rand, of op) []op {
	if oneIn(r, 4) && !st.may(nil, of.set) {
		return []op{{kind: opAside, opened: of.opened, raw: []byte(pick(r, wordOf))}}
	}
	set, ok := st.draw(r, of.set, false)
	if !ok {
		return nil
	}
	return []op{{kind: opObject, opened: of.opened, set: set, raw: st.object(r)}}
}

// definition is the object behind statement.
func definition() []byte {
	return []byte(`{"type":"marking-definition","spec_version":"2.1","id":"` + statement + `","created":"2026-01-01T00:00:00.000Z","definition_type":"statement","definition":{"statement":"ours"}}`)
}

func (st *story) secretReport(r *rand.Rand) []op {
	o := st.opened(r, fmt.Sprintf("secret %d", r.Uint64()))
	if o.Owner == st.who.Org && o.Person == st.who.Person {
		o.Person = "mallory"
	}
	if st.who.Role == alliance.DataProtection { // who answers for the organisation is told that it is there
		o.Owner = "DDD/other"
	}
	if oneIn(r, 4) {
		o.Source = "hidden"
	}
	container := randomSet(r)
	for range 30 {
		if !st.may(nil, container) {
			break
		}
		container = randomSet(r)
	}
	open := st.may(nil, container) || oneIn(r, 5) // never finished
	seq := []op{{kind: opOpen, opened: o, set: container}}
	for range r.IntN(6) {
		set, ok := st.draw(r, container, false)
		if ok || open {
			seq = append(seq, op{kind: opObject, opened: o, set: set, raw: st.object(r)})
		}
	}
	bare := container
	bare.Refs = nil
	if len(seq) == 1 && !st.may(nil, bare) { // the definition must loosen no other report
		seq = append(seq, op{kind: opObject, opened: o, set: marking.Set{TLP: tlp.Red}, raw: definition()})
	}
	if oneIn(r, 3) {
		seq = append(seq, op{kind: opAside, opened: o, raw: []byte(pick(r, wordOf))})
	}
	if !open {
		seq = append(seq, op{kind: opClose, opened: o, set: container})
	}
	if oneIn(r, 3) {
		on := pick(r, []privacy.HoldKind{privacy.OnReport, privacy.OnSource, privacy.OnObject})
		held := o
		held.Owner = "EEE/none" // a hold of who holds something would keep what is public from being erased
		seq = append(seq, op{kind: opHold, opened: held, id: fmt.Sprint("HLD-", r.Uint64()), on: on, raw: []byte(pick(r, wordOf))})
	} else if oneIn(r, 3) {
		seq = append(seq, op{kind: opEraseReport, opened: o})
	}
	if oneIn(r, 3) {
		seq = append(seq, op{kind: opSource, id: "hidden", raw: []byte("B")})
	}
	return seq
}

// world is a store in which a story was told.
type world struct {
	t       testing.TB
	log     *memlog.Log
	s       *Store
	opening map[string]event.Seq
	names   map[string]bool // identities
	items   map[string]bool // quarantined
	held    map[string]event.Seq
	erased  bool
	closed  time.Time // the last report
}

func tell(t testing.TB, st *story, ops []op) *world {
	t.Helper()
	w := &world{t: t, log: memlog.New(zeros{}), opening: map[string]event.Seq{}, names: map[string]bool{}, items: map[string]bool{}, held: map[string]event.Seq{}}
	var err error
	w.s, err = New(t.Context(), w.log, memkv.New(), Options{Secret: make([]byte, 32), Exercise: true, Policy: st.policy, Home: func() alliance.Org { return st.home }})
	w.must(err)
	for _, o := range ops {
		w.do(o)
	}
	w.step()
	return w
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) step() {
	w.t.Helper()
	for {
		did, _, err := w.s.Step(context.Background(), readAt)
		w.must(err)
		if did == 0 {
			return
		}
	}
}

func (w *world) append(h event.Header, payload []byte) event.Seq {
	w.t.Helper()
	h.KindVersion = 1
	seq, err := w.log.Append(context.Background(), nil, []eventlog.Entry{{Header: h, Payload: payload}})
	w.must(err)
	return seq
}

func (w *world) write(h event.Header, v any) event.Seq {
	w.t.Helper()
	b, err := event.Write(v)
	w.must(err)
	return w.append(h, b)
}

func (w *world) do(o op) {
	w.t.Helper()
	id := o.opened.Identity
	switch o.kind {
	case opOpen:
		w.opening[id] = w.write(event.Header{Kind: event.ReportOpened}, o.opened)
		w.names[id] = true
	case opObject:
		h := event.Header{Kind: event.ObjectReceived, Cause: w.opening[id], Marking: o.set.String()}
		if seq, ok := w.held[string(o.raw)]; ok {
			h.Kind = event.ObjectKnown
			w.append(h, event.WriteKnown(seq))
			return
		}
		w.held[string(o.raw)] = w.append(h, o.raw)
	case opAside:
		w.write(event.Header{Kind: event.Quarantined, Cause: w.opening[id], WriteTime: o.opened.At}, event.SetAside{Place: "line 1", Reason: "torn", Raw: o.raw})
		sum := sha256.Sum256(o.raw)
		w.items[w.s.shortID("QRN", itemName(id, &item{Place: "line 1", Digest: hex.EncodeToString(sum[:])}))] = true
	case opClose:
		if w.closed = w.closed.Add(time.Second); !o.at.IsZero() {
			w.closed = o.at
		}
		w.write(event.Header{Kind: event.ReportClosed, Cause: w.opening[id], WriteTime: w.closed}, event.Closed{Container: o.set.String()})
	case opSource:
		w.write(event.Header{Kind: event.SourceSet}, report.Source{Name: o.id, Trust: string(o.raw), Retention: "traffic-30d"})
	case opHold:
		w.write(event.Header{Kind: event.HoldSet}, event.Hold{ID: o.id, On: o.on, Target: o.target(), Owner: o.opened.Owner, Reason: string(o.raw)})
	case opEraseReport:
		w.erase(id)
	case opEraseObject:
		w.erase(o.id)
	}
}

func (w *world) erase(id string) {
	w.t.Helper()
	w.step()
	going, err := w.s.Erasable(context.Background(), LocalOperator(), id)
	if k := fault.KindOf(err); err != nil && (k == fault.NotFound || k == fault.Conflict) {
		return
	}
	w.must(err)
	w.erased = true
	for _, p := range going.Erasures {
		p.Reason = "test"
		w.write(event.Header{Kind: event.Erased}, p)
		w.step()
		w.must(w.log.Erase(context.Background(), p.Payloads...))
		for raw, seq := range w.held {
			if slices.Contains(p.Payloads, seq) {
				delete(w.held, raw)
			}
		}
	}
}

// question is one call of a method that takes a Reader.
type question struct {
	method string
	with   string
	ask    func(s *Store, r Reader) (any, error)
}

// yielded is what an export gave.
type yielded struct{ Label, Raw string }

func collect(run func(func(*stix.Object, string) error) error) (any, error) {
	out := []yielded{}
	err := run(func(o *stix.Object, label string) error {
		out = append(out, yielded{label, string(o.Raw())})
		return nil
	})
	return out, err
}

// page is one page of an answer, with the cursor of the next.
type page struct {
	Rows any
	Next string
}

// paged follows the cursors of an answer.
func paged(ask func(cursor string) (any, string, error)) (any, error) {
	var out []page
	cursor := ""
	for range 20 {
		rows, next, err := ask(cursor)
		out = append(out, page{rows, next})
		if err != nil || next == "" {
			return out, err
		}
		cursor = next
	}
	return out, nil
}

// askable is what questions are asked about.
type askable struct {
	reports, identities, items, objects []string
	dry                                 []*stix.Object
	now                                 time.Time
	other                               marking.Reader
}

func ctx() context.Context { return context.Background() }

// collected asks about collections.
func (a *askable) collected(add asks) {
	green := tlp.Green
	all := report.Collection{ID: "00000000-0000-4000-8000-000000000001", Readable: true}
	part := report.Collection{ID: "00000000-0000-4000-8000-000000000002", Readable: true, Filter: report.Membership{
		Sources: sourceOf[:2], Types: []string{"indicator", "ipv4-addr"}, Ceiling: &green, Organisations: orgs[:2],
	}}
	for _, c := range []report.Collection{all, part} {
		for name, ask := range map[string]report.Ask{
			"all versions": {Versions: []string{"all"}, Specs: []string{"2.0", "2.1"}, Limit: 2}, "last": {Limit: 3}, "first": {Versions: []string{"first"}}, "ids": {IDs: a.objects, Limit: 2},
		} {
			add("Gather", c.ID[35:]+name, func(s *Store, r Reader) (any, error) {
				return paged(func(cursor string) (any, string, error) {
					ask, limit := ask, ask.Limit
					if cursor != "" {
						var err error
						if ask, err = s.Resume(r, c, name, cursor); err != nil {
							return nil, "", err
						}
						ask.Limit = limit
					}
					rows, more, err := s.Gather(ctx(), r, c, ask)
					if err != nil || !more {
						return rows, "", err
					}
					cursor, err = s.Cursor(r, c, name, ask, rows[len(rows)-1].At)
					return rows, cursor, err
				})
			})
		}
		for _, id := range a.objects {
			add("In", id, func(s *Store, r Reader) (any, error) { return s.In(ctx(), r, c, id) })
			add("Cut", id, func(s *Store, r Reader) (any, error) {
				seqs, err := s.Cut(ctx(), r, c, id, report.Ask{Versions: []string{"all"}})
				return len(seqs), err
			})
		}
	}
	for _, id := range a.identities {
		add("WasCut", id[:8], func(s *Store, r Reader) (any, error) { return s.WasCut(ctx(), r, all, id) })
	}
	add("Cursor", "", func(s *Store, r Reader) (any, error) { return s.Cursor(r, all, "x", report.Ask{}, a.now) })
	add("Resume", "", func(s *Store, r Reader) (any, error) { return s.Resume(r, all, "x", "AAAA") })
	for _, id := range a.identities {
		add("Status", id[:8], func(s *Store, r Reader) (any, error) {
			status, err := StatusID(id)
			if err != nil {
				return nil, err
			}
			return s.Status(ctx(), r, status)
		})
	}
}

// asks notes a question.
type asks = func(method, with string, ask func(s *Store, r Reader) (any, error))

// questions are all questions there are, by method.
func (a *askable) questions() []question {
	var out []question
	add := func(method, with string, ask func(s *Store, r Reader) (any, error)) {
		out = append(out, question{method, with, ask})
	}
	a.ofReports(add)
	a.ofObjects(add)
	a.ofEither(add)
	a.collected(add)
	a.ofValues(add)
	a.ofSources(add)
	ofAll(add)
	return out
}

// ofReports are those that name an identity or a report.
func (a *askable) ofReports(add asks) {
	for _, id := range a.identities {
		add("ByIdentity", id[:8], func(s *Store, r Reader) (any, error) {
			k, ok, err := s.ByIdentity(ctx(), r, id)
			k.Opening = 0 // for the node itself
			return []any{k, ok}, err
		})
	}
	for _, id := range a.reports {
		add("Report", id, func(s *Store, r Reader) (any, error) { return s.Report(ctx(), r, id) })
		add("Items", id, func(s *Store, r Reader) (any, error) {
			return paged(func(cursor string) (any, string, error) { return s.Items(ctx(), r, id, cursor, 2) })
		})
		add("MatchReport", id, func(s *Store, r Reader) (any, error) { return s.MatchReport(ctx(), r, id) })
		add("Quarantine", id, func(s *Store, r Reader) (any, error) { return s.Quarantine(ctx(), r, id) })
		add("Objects", id, func(s *Store, r Reader) (any, error) {
			return collect(func(y func(*stix.Object, string) error) error { return s.Objects(ctx(), r, id, y) })
		})
		add("Preview", id, func(s *Store, r Reader) (any, error) {
			amber := tlp.Amber
			named := func(k alliance.Key) (Audience, bool) {
				who := a.other
				who.Person = k
				return Audience{Who: who, Name: "named"}, true
			}
			audience := []Audience{{Who: a.other, Name: "other"}, {Who: a.other.Class(), Name: "its class"}}
			return s.Preview(ctx(), r, id, audience, named, report.Release{To: []string{string(orgs[2])}, TLP: &amber}, a.now)
		})
		add("HoldTarget", id, func(s *Store, r Reader) (any, error) {
			on, target, err := s.HoldTarget(r, privacy.NewHold{ID: id})
			return []any{on, target}, err
		})
	}
}

// ofObjects are those that name an item or an object, or bring one.
func (a *askable) ofObjects(add asks) {
	for _, id := range a.items {
		add("Item", id, func(s *Store, r Reader) (any, error) {
			p, err := s.Item(ctx(), r, id)
			p.Seq, p.Original = 0, nil // for the node itself
			return p, err
		})
	}
	for _, id := range a.objects {
		add("Object", id, func(s *Store, r Reader) (any, error) {
			o, err := s.Object(ctx(), r, id, true)
			return []any{o, string(o.Raw)}, err
		})
		add("HoldTarget", id, func(s *Store, r Reader) (any, error) {
			on, target, err := s.HoldTarget(r, privacy.NewHold{ID: id})
			return []any{on, target}, err
		})
		add("Why", id, func(s *Store, r Reader) (any, error) { return s.Why(r, id, &a.other, a.now) })
		add("Why", id+" me", func(s *Store, r Reader) (any, error) { return s.Why(r, id, nil, a.now) })
		add("Find", id, func(s *Store, r Reader) (any, error) {
			_, ok, err := s.Find(ctx(), r, id, "2026-01-01T00:00:00.000Z", nil)
			return ok, err
		})
	}
	for _, o := range a.dry {
		add("Find", o.ID(), func(s *Store, r Reader) (any, error) {
			_, ok, err := s.Find(ctx(), r, o.ID(), o.VersionKey(), o.Raw())
			return ok, err
		})
	}
}

// ofEither are those that name a report or an object.
func (a *askable) ofEither(add asks) {
	for _, id := range slices.Concat(a.reports, a.objects) {
		add("Erasable", id, func(s *Store, r Reader) (any, error) {
			g, err := s.Erasable(ctx(), r, id)
			goes := 0
			for _, p := range g.Erasures { // what is in them is for the node itself
				goes += len(p.Receipts)
			}
			return []any{goes, g.Kept}, err
		})
	}
	add("Highest", "all", func(s *Store, r Reader) (any, error) {
		l, ex, err := s.Highest(ctx(), r, append(slices.Clone(a.objects), a.reports...))
		return []any{l, ex}, err
	})
	for _, id := range append(slices.Clone(a.objects), a.reports...) {
		add("Highest", id, func(s *Store, r Reader) (any, error) {
			l, ex, err := s.Highest(ctx(), r, []string{id})
			return []any{l, ex}, err
		})
	}
}

// ofValues are those about values and words.
func (a *askable) ofValues(add asks) {
	var keys []observable.Key
	for _, v := range values {
		keys = append(keys, observable.Parse(v)...)
	}
	add("MatchValues", "all", func(s *Store, r Reader) (any, error) { return s.MatchValues(ctx(), r, keys) })
	add("MatchObjects", "some", func(s *Store, r Reader) (any, error) { return s.MatchObjects(ctx(), r, a.dry) })
	add("Held", "all", func(s *Store, r Reader) (any, error) { return s.Held(ctx(), r, keys) })
	for _, q := range slices.Concat(values, wordOf, []string{"al", "b", "about", "about bea", "198.51.100.0/24", "json"}, a.objects[:2], a.reports[:min(2, len(a.reports))]) {
		add("Search", q, func(s *Store, r Reader) (any, error) {
			return paged(func(cursor string) (any, string, error) {
				f, err := s.Search(ctx(), r, q, cursor, 2)
				return f, f.Next, err
			})
		})
	}
	for _, v := range slices.Concat(values, wordOf, []string{"198[.]51[.]100[.]1", "north", "json", "nowhere"}) {
		add("Subject", v, func(s *Store, r Reader) (any, error) { return s.Subject(ctx(), r, v, true) })
	}
}

// ofSources are those about sources, or lists of reports.
func (*askable) ofSources(add asks) {
	for _, q := range []string{"", "al", "north"} {
		add("Reports", q, func(s *Store, r Reader) (any, error) {
			return paged(func(cursor string) (any, string, error) { return s.Reports(ctx(), r, q, "", cursor, 1) })
		})
	}
	add("Reports", "of south", func(s *Store, r Reader) (any, error) {
		rows, _, err := s.Reports(ctx(), r, "", "south", "", 0)
		return rows, err
	})
	for _, name := range append(slices.Clone(sourceOf), "hidden", "nowhere") {
		add("HoldTarget", name, func(s *Store, r Reader) (any, error) {
			on, target, err := s.HoldTarget(r, privacy.NewHold{Source: name})
			return []any{on, target}, err
		})
	}
}

// ofAll are those that name nothing.
func ofAll(add asks) {
	add("Holds", "", func(s *Store, r Reader) (any, error) { return s.Holds(r, true) })
	add("Due", "", func(s *Store, r Reader) (any, error) { return s.Due(ctx(), r, readAt) })
	add("Sources", "", func(s *Store, r Reader) (any, error) { return s.Sources(ctx(), r) })
	add("Quarantine", "", func(s *Store, r Reader) (any, error) { return s.Quarantine(ctx(), r, "") })
	add("All", "", func(s *Store, r Reader) (any, error) {
		return collect(func(y func(*stix.Object, string) error) error { return s.All(ctx(), r, y) })
	})
	add("StateDigest", "", func(s *Store, r Reader) (any, error) { return s.StateDigest(ctx(), r) })
}

// answer is an answer as bytes, its error with kind and hint.
func answer(t testing.TB, q question, s *Store, r Reader) string {
	got, err := q.ask(s, r)
	b, merr := json.Marshal(got, json.Deterministic(true))
	if merr != nil {
		t.Fatal(merr)
	}
	if err != nil {
		return fmt.Sprintf("%s\nerror %v: %v\nhint: %s", b, fault.KindOf(err), err, fault.HintOf(err))
	}
	return string(b)
}

// TestQuestionsAreAll makes sure that every method that answers a Reader is
// asked.
func TestQuestionsAreAll(t *testing.T) {
	t.Parallel()
	a := &askable{reports: []string{"x"}, identities: []string{strings.Repeat("0", 64)}, items: []string{"x"}, objects: []string{"x", "y"}}
	asked := map[string]bool{}
	for _, q := range a.questions() {
		asked[q.method] = true
	}
	reader := reflect.TypeFor[Reader]()
	typ := reflect.TypeFor[*Store]()
	for m := range typ.Methods() {
		for in := range m.Type.Ins() {
			if in == reader && !asked[m.Name] {
				t.Errorf("%s takes a Reader, but no question asks it", m.Name)
			}
		}
	}
}

// TestNonInterference asks every question of pairs of worlds that differ only in
// what the reader may not read. Each answer must be the same, byte for byte.
func TestNonInterference(t *testing.T) {
	t.Parallel()
	p, err := marking.BuiltIn()
	if err != nil {
		t.Fatal(err)
	}
	n := worlds(t)
	var differed, shown, failed atomic.Int64
	var next atomic.Uint64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < uint64(n) && failed.Load() == 0; i = next.Add(1) - 1 { //nolint:gosec // not negative
				d, s, problem := tryPair(t, p, *seedFlag+i)
				if problem != "" {
					failed.Add(1)
					t.Errorf("seed %d: %s", *seedFlag+i, problem)
				}
				if d {
					differed.Add(1)
				}
				if s {
					shown.Add(1)
				}
			}
		})
	}
	wg.Wait()
	t.Logf("%d pairs from seed %d: %d differ for full sight, in %d the reader sees something", n, *seedFlag, differed.Load(), shown.Load())
	if failed.Load() == 0 && n >= 100 && (differed.Load() < int64(n)/2 || shown.Load() < int64(n)/2) {
		t.Errorf("%d of %d pairs differ for full sight, in %d the reader sees something: too few to tell", differed.Load(), n, shown.Load())
	}
}

// tryPair tells one story with two sets of secrets, asks everything, and says what
// is wrong. It reports whether full sight sees a difference and whether the reader
// sees anything.
func tryPair(t testing.TB, p *marking.Policy, seed uint64) (differs, sees bool, problem string) {
	r := rand.New(rand.NewPCG(seed, 1))
	st := newStory(t, p, r)
	first := st.secrets(rand.New(rand.NewPCG(seed, 2)))
	second := st.public
	if !oneIn(r, 4) {
		second = st.secrets(rand.New(rand.NewPCG(seed, 3)))
	}
	one, two := tell(t, st, first), tell(t, st, second)
	a := &askable{now: readAt, other: randomReader(r)}
	for i := range 3 {
		a.objects = append(a.objects, indicatorID(i))
	}
	for i := range values {
		a.objects = append(a.objects, addressID(i))
	}
	for _, w := range []*world{one, two} {
		for id := range w.names {
			a.identities = append(a.identities, id)
			a.reports = append(a.reports, w.s.shortID("RPT", id))
		}
		for id := range w.items {
			a.items = append(a.items, id)
		}
	}
	a.identities, a.reports, a.items = sortedUnique(a.identities), sortedUnique(a.reports), sortedUnique(a.items)
	for range 3 {
		o, err := stix.Parse(st.object(r), stix.Limits{})
		one.must(err)
		a.dry = append(a.dry, o)
	}
	ra, err := one.s.As(st.who, readAt)
	one.must(err)
	rb, err := two.s.As(st.who, readAt)
	two.must(err)
	for _, q := range a.questions() {
		x, y := answer(t, q, one.s, ra), answer(t, q, two.s, rb)
		if x != y {
			return true, true, fmt.Sprintf("%s(%s) as %+v gives\n%s\nin one world and\n%s\nin the other", q.method, q.with, st.who, x, y)
		}
		if q.method == "All" {
			sees = x != "[]"
			if problem := st.complete(one, first, ra); problem != "" {
				return differs, sees, problem
			}
			full := LocalOperator()
			differs = answer(t, q, one.s, full) != answer(t, q, two.s, full)
		}
	}
	return differs, sees, ""
}

// complete checks that an export holds every content that the rules open, and
// nothing else, by asking them anew for each receipt.
func (st *story) complete(w *world, ops []op, r Reader) string {
	if w.erased {
		return ""
	}
	closed := map[string]marking.Set{}
	for _, o := range ops {
		if o.kind == opClose {
			closed[o.opened.Identity] = o.set
		}
	}
	want := map[string]bool{}
	for _, o := range ops {
		if container, ok := closed[o.opened.Identity]; ok && o.kind == opObject && st.may(&o.set, container) {
			c, err := stix.Canonical(o.raw)
			w.must(err)
			want[string(c)] = true
		}
	}
	got := map[string]bool{}
	w.must(w.s.All(ctx(), r, func(o *stix.Object, _ string) error {
		c, err := stix.Canonical(o.Raw())
		got[string(bytes.Clone(c))] = true
		return err
	}))
	if !reflect.DeepEqual(got, want) {
		return fmt.Sprintf("an export holds %d contents, the rules open %d:\ngot  %v\nwant %v", len(got), len(want), got, want)
	}
	return ""
}
