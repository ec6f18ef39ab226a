package view

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"casus/internal/core/alliance"
	"casus/internal/core/marking"
	"casus/internal/fault"
	"casus/tlp"
)

func builtIn(t testing.TB) *marking.Policy {
	t.Helper()
	p, err := marking.BuiltIn()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// oneReport is a world of one report with one object of each set.
func oneReport(t testing.TB, home *alliance.Org, container marking.Set, closed bool, sets ...marking.Set) *world {
	t.Helper()
	st := &story{t: t, policy: builtIn(t), home: *home}
	r := rand.New(rand.NewPCG(1, 1))
	o := st.opened(r, "one")
	ops := []op{{kind: opOpen, opened: o}}
	for i, s := range sets {
		raw := fmt.Appendf(nil, `{"type":"ipv4-addr","spec_version":"2.1","id":%q,"value":"198.51.100.%d"}`, addressID(i), i)
		ops = append(ops, op{kind: opObject, opened: o, set: s, raw: raw})
	}
	if closed {
		ops = append(ops, op{kind: opClose, opened: o, set: container})
	}
	w := tell(t, st, ops)
	w.s.opt.Home = func() alliance.Org { return *home }
	return w
}

func (w *world) reader(who marking.Reader, now time.Time) Reader {
	w.t.Helper()
	r, err := w.s.As(who, now)
	w.must(err)
	return r
}

// seen says which of the first n objects a reader finds, as digits.
func (w *world) seen(r Reader, n int) string {
	w.t.Helper()
	out := ""
	for i := range n {
		_, err := w.s.Object(ctx(), r, addressID(i), false)
		if err == nil {
			out += fmt.Sprint(i)
		} else if fault.KindOf(err) != fault.NotFound {
			w.t.Fatal(err)
		}
	}
	return out
}

func ada() marking.Reader {
	return marking.Reader{Person: "ada", Org: "AAA/csirt", Role: alliance.Analyst, Community: true}
}

func limited(label tlp.Label, l marking.Limits) marking.Set {
	return marking.Set{TLP: label, Limits: l}
}

func ours() marking.Limits {
	return marking.Limits{Owner: "AAA/csirt", Recipients: marking.Only[alliance.Org]("AAA/csirt")}
}

func TestAs(t *testing.T) {
	t.Parallel()
	amber := limited(tlp.Amber, ours())
	named, embargoed := amber, amber
	named.TLP, named.Persons = tlp.Red, marking.Only[alliance.Key]("ada")
	embargoed.NotBefore = readAt.Add(time.Hour)
	bob := ada()
	bob.Person = "bob"
	other := ada()
	other.Org = "BBB/csirt"
	home := alliance.Org("")
	open := marking.Set{TLP: tlp.Clear}
	sets := []marking.Set{open, amber, named, embargoed, {TLP: tlp.Amber}}
	w := oneReport(t, &home, open, true, sets...)
	for _, tt := range []struct {
		name string
		r    Reader
		want string
	}{
		{"zero value", Reader{}, ""},
		{"full sight", LocalOperator(), "01234"},
		{"named person", w.reader(ada(), readAt), "012"},
		{"of the organisation", w.reader(bob, readAt), "01"},
		{"its class", w.reader(bob.Class(), readAt), "01"},
		{"of another", w.reader(other, readAt), "0"},
		{"named person again", w.reader(ada(), readAt), "012"},
		{"after the embargo", w.reader(ada(), readAt.Add(time.Hour)), "0123"},
		{"its class after the embargo", w.reader(bob.Class(), readAt.Add(time.Hour)), "013"},
	} {
		if got := w.seen(tt.r, len(sets)); got != tt.want {
			t.Errorf("%s sees %q, want %q", tt.name, got, tt.want)
		}
	}
	if got := w.reader(ada(), readAt).Until(); !got.Equal(readAt.Add(time.Hour)) {
		t.Errorf("valid until %v, want the end of the embargo", got)
	}
	ended := ada()
	ended.Until = readAt
	if r := w.reader(ended, readAt); w.seen(r, len(sets)) != "" || len(r.Alarms()) == 0 {
		t.Errorf("a reader that has ended sees %q, alarms %q; want nothing and an alarm", w.seen(r, len(sets)), r.Alarms())
	}
	home = "AAA/csirt"
	if got := w.seen(w.reader(ada(), readAt), len(sets)); got != "0124" {
		t.Errorf("with a home the reader sees %q, want what has no owner besides", got)
	}
	none, err := marking.Load()
	if err != nil {
		t.Fatal(err)
	}
	setPolicy(w.s, none)
	if got := w.seen(w.reader(ada(), readAt), len(sets)); got != "" {
		t.Errorf("under a policy without permits the reader sees %q", got)
	}
}

// TestSealed asks about a report that is not finished, whose receipts have the
// sets of one that is.
func TestSealed(t *testing.T) {
	t.Parallel()
	home := alliance.Org("")
	open := marking.Set{TLP: tlp.Clear}
	w := oneReport(t, &home, open, true, open)
	r := rand.New(rand.NewPCG(2, 2))
	late := (&story{}).opened(r, "late")
	raw := fmt.Appendf(nil, `{"type":"ipv4-addr","spec_version":"2.1","id":%q,"value":"203.0.113.1"}`, addressID(1))
	w.do(op{kind: opOpen, opened: late})
	w.do(op{kind: opObject, opened: late, set: open, raw: raw})
	w.step()
	if got := w.seen(w.reader(ada(), readAt), 2); got != "0" {
		t.Errorf("the reader sees %q of a finished and an unfinished report, want the first alone", got)
	}
	w.do(op{kind: opClose, opened: late, set: open})
	w.step()
	if got := w.seen(w.reader(ada(), readAt), 2); got != "01" {
		t.Errorf("the reader sees %q once both are finished, want both", got)
	}
}

// TestReaderOfAnother uses a reader with a store that it was not made by, and with
// one that was read again since.
func TestReaderOfAnother(t *testing.T) {
	t.Parallel()
	home := alliance.Org("")
	open := marking.Set{TLP: tlp.Clear}
	one, two := oneReport(t, &home, open, true, open), oneReport(t, &home, open, true, open)
	r := one.reader(ada(), readAt)
	if got := two.seen(r, 1); got != "" {
		t.Errorf("a reader of another store sees %q", got)
	}
	one.must(one.s.Reload(ctx()))
	if got := one.seen(r, 1); got != "" {
		t.Errorf("a reader from before the store was read again sees %q", got)
	}
	if got := one.seen(one.reader(ada(), readAt), 1); got != "0" {
		t.Errorf("a new reader sees %q, want the object", got)
	}
}

// TestStatementsStayInTheirReport refers to a statement that another report
// defines, which loosens nothing, and to one of the same report, until that is
// erased.
func TestStatementsStayInTheirReport(t *testing.T) {
	t.Parallel()
	home := alliance.Org("")
	open := marking.Set{TLP: tlp.Clear}
	w := oneReport(t, &home, open, true, marking.Set{TLP: tlp.Clear, Refs: []string{statement}})
	o := (&story{}).opened(rand.New(rand.NewPCG(3, 3)), "another")
	w.do(op{kind: opOpen, opened: o})
	w.do(op{kind: opObject, opened: o, set: open, raw: definition()})
	w.do(op{kind: opObject, opened: o, set: marking.Set{TLP: tlp.Clear, Refs: []string{statement}}, raw: fmt.Appendf(nil, `{"type":"ipv4-addr","spec_version":"2.1","id":%q,"value":"198.51.100.1"}`, addressID(1))})
	w.do(op{kind: opClose, opened: o, set: open})
	w.step()
	if got := w.seen(w.reader(ada(), readAt), 2); got != "1" {
		t.Errorf("the reader sees %q, want what stands beside the definition alone", got)
	}
	w.do(op{kind: opEraseObject, id: statement})
	w.step()
	if got := w.seen(w.reader(ada(), readAt), 2); got != "" {
		t.Errorf("once the definition is erased the reader sees %q", got)
	}
}

func TestWhy(t *testing.T) {
	t.Parallel()
	home := alliance.Org("")
	set := limited(tlp.Red, ours())
	set.Caveats = []string{"EYES A"}
	w := oneReport(t, &home, marking.Set{TLP: tlp.Clear}, true, set)
	who := ada()
	got, err := w.s.Why(LocalOperator(), addressID(0), &who, readAt)
	w.must(err)
	if len(got) != 1 || got[0].Effect != "deny" || got[0].Set != set.String() {
		t.Fatalf("Why = %+v, want one denial over %s", got, set)
	}
	ids := ""
	for _, c := range got[0].Rules {
		if c.Says == "" {
			t.Errorf("clause %s says nothing", c.ID)
		}
		ids += c.ID + " "
	}
	if ids != "caveat tlp-red " {
		t.Errorf("clauses %q, want every one that stands in the way", ids)
	}
	if _, err := w.s.Why(w.reader(ada(), readAt), addressID(0), &who, readAt); fault.KindOf(err) != fault.NotFound {
		t.Errorf("Why asked by who sees nothing of it: %v, want not found", err)
	}
}

// TestVariantOrder has a secret receipt bring one variant of a version first.
func TestVariantOrder(t *testing.T) {
	t.Parallel()
	var last string
	for _, secret := range []bool{false, true} {
		home := alliance.Org("")
		w := oneReport(t, &home, marking.Set{TLP: tlp.Clear}, true)
		variant := func(name string) []byte {
			return fmt.Appendf(nil, `{"type":"malware","spec_version":"2.1","id":"malware--00000000-0000-4000-8000-000000000001","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","is_family":false,"name":%q}`, name)
		}
		r := rand.New(rand.NewPCG(4, 4))
		for i, x := range []struct {
			name  string
			label tlp.Label
		}{{"x", tlp.Red}, {"y", tlp.Clear}, {"x", tlp.Clear}} {
			if x.label == tlp.Red && !secret {
				continue
			}
			o := (&story{next: i}).opened(r, "variant")
			o.At = readAt
			w.do(op{kind: opOpen, opened: o})
			w.do(op{kind: opObject, opened: o, set: marking.Set{TLP: x.label}, raw: variant(x.name)})
			w.do(op{kind: opClose, opened: o, set: marking.Set{TLP: x.label}})
		}
		w.step()
		o, err := w.s.Object(ctx(), w.reader(ada(), readAt), "malware--00000000-0000-4000-8000-000000000001", true)
		w.must(err)
		got := fmt.Sprint(o.Name, len(o.Versions), o.Versions[0].Conflicting, o.Versions[0].Raw)
		if secret && got != last {
			t.Errorf("with a secret before: %s, without: %s", got, last)
		}
		last = got
	}
}

// TestHiddenWordsTakeNoRoom has more secret words before a readable one than a
// prefix stands for.
func TestHiddenWordsTakeNoRoom(t *testing.T) {
	t.Parallel()
	home := alliance.Org("")
	open := marking.Set{TLP: tlp.Clear}
	w := oneReport(t, &home, open, true)
	named := func(no int, words string) []byte {
		return fmt.Appendf(nil, `{"type":"malware","spec_version":"2.1","id":"malware--00000000-0000-4000-8000-%012d","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","is_family":false,"name":%q}`, no, words)
	}
	var words strings.Builder
	for i := range maxPrefixTerms + 1 {
		fmt.Fprintf(&words, "aaa%05d ", i)
	}
	o := (&story{}).opened(rand.New(rand.NewPCG(5, 5)), "words")
	w.do(op{kind: opOpen, opened: o})
	w.do(op{kind: opObject, opened: o, set: marking.Set{TLP: tlp.Red}, raw: named(1, words.String())})
	w.do(op{kind: opObject, opened: o, set: open, raw: named(2, "aaazzz")})
	w.do(op{kind: opClose, opened: o, set: open})
	w.step()
	got, err := w.s.Search(ctx(), w.reader(ada(), readAt), "aaa", "", 0)
	w.must(err)
	if got.Total != 1 {
		t.Errorf("%d hits for the start of a readable word, want 1", got.Total)
	}
}

// TestRowsCountPerSet takes receipts of two sets in and erases one object.
func TestRowsCountPerSet(t *testing.T) {
	t.Parallel()
	home := alliance.Org("")
	open, amber := marking.Set{TLP: tlp.Clear}, limited(tlp.Amber, ours())
	w := oneReport(t, &home, open, true, open, amber, amber)
	other := ada()
	other.Org = "BBB/csirt"
	counts := func() string {
		out := ""
		for _, r := range []Reader{LocalOperator(), w.reader(ada(), readAt), w.reader(other, readAt)} {
			rows, _, err := w.s.Reports(ctx(), r, "", "", "", 0)
			w.must(err)
			out += fmt.Sprintf("%d/%d ", rows[0].Objects, rows[0].Values)
		}
		return out
	}
	if got := counts(); got != "3/3 3/3 1/1 " {
		t.Errorf("objects and values for all, ours, another = %q", got)
	}
	w.do(op{kind: opEraseObject, id: addressID(2)})
	w.step()
	if got := counts(); got != "2/2 2/2 1/1 " {
		t.Errorf("after an erasure = %q", got)
	}
}

// manySets is a reader who may read half of many sets, and a record of them.
func manySets(b *testing.B, n int) (*world, *record) {
	b.Helper()
	home := alliance.Org("")
	w := oneReport(b, &home, marking.Set{TLP: tlp.Clear}, true)
	rec := &record{Closed: true}
	for i := range n {
		set := limited(tlp.Amber, marking.Limits{Owner: "AAA/csirt", Recipients: marking.Only(alliance.Org("AAA/csirt"), alliance.Org(fmt.Sprintf("BBB/o%d", i)))})
		if i%2 == 0 {
			set.Owner, set.Recipients = "BBB/csirt", marking.Only(alliance.Org("BBB/csirt"), alliance.Org(fmt.Sprintf("BBB/o%d", i)))
		}
		no := uint32(len(w.s.sets)) //nolint:gosec // few
		w.s.sets = append(w.s.sets, set)
		rec.Sets = append(rec.Sets, setCount{Set: no, Objects: 1})
	}
	w.s.addPairs(rec)
	return w, rec
}

// BenchmarkSees checks a million receipts of one report, of which the reader may
// read half.
func BenchmarkSees(b *testing.B) {
	w, rec := manySets(b, 5000)
	m := w.s.matcher(w.reader(ada(), readAt), w.s.kv, none)
	m.recs[rec.No] = rec
	const n = 1_000_000
	rcs := make([]receipt, 10_000) // a hundredth, so that not the reading of memory is measured
	for i := range rcs {
		rcs[i] = receipt{report: rec.No, set: rec.Sets[0].Set + uint32(i*7919)%5000} //nolint:gosec // few
	}
	for b.Loop() {
		seen := 0
		for range n / len(rcs) {
			for i := range rcs {
				ok, err := m.sees(&rcs[i])
				if err != nil {
					b.Fatal(err)
				}
				if ok {
					seen++
				}
			}
		}
		if seen != n/2 {
			b.Fatalf("%d of %d are seen", seen, n)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/receipt")
}

// BenchmarkNewClass makes a reader of a class that was not there before.
func BenchmarkNewClass(b *testing.B) {
	w, _ := manySets(b, 5000)
	who := ada().Class()
	w.reader(who, readAt)
	i := 0
	for b.Loop() {
		i++
		who.Groups = []alliance.Group{alliance.Group(fmt.Sprintf("g%d", i))}
		w.reader(who, readAt)
	}
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/class")
}

// setPolicy puts other rules into force, as an adoption in the log does.
func setPolicy(s *Store, p *marking.Policy) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opt.Policy = p
	s.effects.decideBy(p)
}

// BenchmarkPolicyChange puts other rules into force and makes a reader by them.
// How many objects there are plays no part.
func BenchmarkPolicyChange(b *testing.B) {
	w, _ := manySets(b, 5000)
	p := builtIn(b)
	for b.Loop() {
		setPolicy(w.s, p)
		w.reader(ada(), readAt)
	}
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/change")
}

// BenchmarkAs makes a reader that was made before.
func BenchmarkAs(b *testing.B) {
	w, _ := manySets(b, 5000)
	for b.Loop() {
		w.reader(ada(), readAt)
	}
}
