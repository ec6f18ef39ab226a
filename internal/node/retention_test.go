package node

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"casus/internal/core/alliance"
	"casus/internal/core/privacy"
	"casus/internal/core/report"
	"casus/internal/event"
	"casus/internal/eventlog"
	"casus/internal/fault"
	"casus/internal/people"
	"casus/tlp"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"
)

// movable is a clock that is moved by hand, and goes on a little when it is read.
type movable struct {
	base  time.Time
	ahead atomic.Int64
}

func newMovable() *movable { return &movable{base: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)} }

func (m *movable) now() time.Time {
	return m.base.Add(time.Duration(m.ahead.Add(int64(time.Millisecond))))
}

func (m *movable) days(n int) { m.ahead.Add(int64(time.Duration(n) * 24 * time.Hour)) }

func setClass(t testing.TB, n *Node, source, class string) {
	t.Helper()
	src := n.view.Settings(source)
	src.Retention = class
	payload, err := event.Write(src)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.append(context.Background(), event.Header{Kind: event.SourceSet, KindVersion: 1}, payload); err != nil {
		t.Fatal(err)
	}
}

func retain(t testing.TB, n *Node, dry bool) privacy.Run {
	t.Helper()
	run, err := n.Retention(context.Background(), dry)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func dueIDs(run privacy.Run) []string {
	var ids []string
	for _, d := range run.Due {
		ids = append(ids, d.Report)
	}
	return ids
}

// TestRetention: what is due is gone from every file, packed pages among them; what
// is not due, held or without a class stays; the entry proves it.
func TestRetention(t *testing.T) {
	t.Parallel()
	clock := newMovable()
	c := Config{Dir: filepath.Join(t.TempDir(), "data"), Clock: clock.now, memTable: smallTables}
	n := fresh(t, c)
	all, texts := canaries()
	var ids []string
	for _, h := range all {
		ids = append(ids, shortOf(t, take(t, n, h)))
	}
	// Shared bytes stay with the report that is not due.
	keep := incompressible(91, 300)
	shared := shortOf(t, take(t, n, bundle("shared", "north", indicator(70, january, keep, ""))))
	stays := shortOf(t, take(t, n, bundle("stays", "other", indicator(70, january, keep, ""))))
	setClass(t, n, "north", "indicator-90d")
	setClass(t, n, texts[4], "traffic-30d") // what is set for a source stays, and its name with it
	texts = slices.Delete(texts, 4, 5)
	clock.days(89)
	late := shortOf(t, take(t, n, bundle("late", "north", indicator(71, january, "late", ""))))
	if got := dueIDs(retain(t, n, true)); !slices.Equal(got, ids[4:5]) {
		t.Errorf("due after 89 days = %q, want %q", got, ids[4:5])
	}
	clock.days(1)
	dry := retain(t, n, true)
	if want := append(slices.Clone(ids), shared); !slices.Equal(dueIDs(dry), want) || dry.Reports != 0 || dry.Left != len(want) {
		t.Errorf("dry run = %+v, want %q due and nothing done", dry, want)
	}
	for _, text := range texts {
		if len(found(t, c.Dir, text)) == 0 {
			t.Fatal("a text is not found before: the search is blind")
		}
	}
	run := retain(t, n, false)
	if run.Reports != len(ids)+1 || run.Left != 0 || run.Originals == 0 {
		t.Errorf("run = %+v, want %d reports and no rest", run, len(ids)+1)
	}
	wantGone(t, c.Dir, texts...)
	for _, id := range append(slices.Clone(ids), shared) {
		if _, err := n.Report(t.Context(), id); fault.KindOf(err) != fault.NotFound {
			t.Errorf("report %s: %v, want not found", id, err)
		}
	}
	for _, id := range []string{stays, late} {
		if _, err := n.Report(t.Context(), id); err != nil {
			t.Errorf("report %s: %v", id, err)
		}
	}
	if o, err := n.Object(t.Context(), id("indicator", 70), false); err != nil || !strings.HasPrefix(keep, o.Name[:100]) {
		t.Errorf("object of a report that stays: %v", err)
	}
	rules := proofs(t, n)
	if rules["retention indicator-90d"] != len(ids) || rules["retention traffic-30d"] != 1 {
		t.Errorf("erasures on record by rule = %v", rules)
	}
	if again := retain(t, n, false); len(again.Due) != 0 {
		t.Errorf("run again = %+v, want nothing due", again)
	}
	rebuilt(t, n)
	closeNode(t, n)
	n = reopen(t, c)
	rebuilt(t, n)
	wantGone(t, c.Dir, texts...)
	closeNode(t, n)
}

// proofs counts the erasures on record by rule, and wants each to have counts and a
// digest.
func proofs(t testing.TB, n *Node) map[string]int {
	t.Helper()
	rules := map[string]int{}
	for st, err := range n.log.Read(context.Background(), 1) {
		if err != nil {
			t.Fatal(err)
		}
		if st.Header.Kind != event.Erased {
			continue
		}
		var p event.Erasure
		if err := event.Read(st.Payload, &p); err != nil {
			t.Fatal(err)
		}
		if p.Done {
			continue
		}
		rules[p.Rule]++
		if len(p.Digest) != 64 || p.Counts.Payloads != len(p.Payloads) || p.Counts.Reports+p.Counts.Objects+p.Counts.Aside != len(p.Receipts) {
			t.Errorf("erasure %d = %+v, %d receipts, %d payloads", st.Seq, p.Counts, len(p.Receipts), len(p.Payloads))
		}
	}
	return rules
}

// TestProof: verifying finds an erasure whose digest is not the log's, and payloads
// that are said to be gone and are there.
func TestProof(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*event.Erasure)
		want   string
	}{
		"another digest":  {func(p *event.Erasure) { p.Digest = strings.Repeat("0", 64) }, "its digest is 0000"},
		"never erased":    {func(p *event.Erasure) { p.Payloads, p.Receipts = []event.Seq{1}, []event.Seq{} }, "1 of 1 payloads are still there"},
		"another payload": {func(p *event.Erasure) { p.Payloads = p.Payloads[1:] }, "its digest is"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := inMemory(t)
			take(t, n, bundle("stays", "north", indicator(1, january, "a", "")))
			erase(t, n, shortOf(t, take(t, n, bundle("goes", "north", indicator(2, january, "b", ""), indicator(3, january, "c", "")))))
			verified(t, n)
			var p event.Erasure
			for st, err := range n.log.Read(t.Context(), 1) {
				if err != nil {
					t.Fatal(err)
				}
				if st.Header.Kind == event.Erased && p.Digest == "" {
					if err := event.Read(st.Payload, &p); err != nil {
						t.Fatal(err)
					}
				}
			}
			tt.change(&p)
			if name == "never erased" {
				p.Digest = ""
			}
			payload, err := event.Write(p)
			if err != nil {
				t.Fatal(err)
			}
			if err := n.append(t.Context(), event.Header{Kind: event.Erased, KindVersion: 1}, payload); err != nil {
				t.Fatal(err)
			}
			done, err := event.Write(event.Erasure{Done: true, Receipts: []event.Seq{}})
			if err != nil {
				t.Fatal(err)
			}
			head, _, err := n.log.Head(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if err := n.append(t.Context(), event.Header{Kind: event.Erased, KindVersion: 1, Cause: head}, done); err != nil {
				t.Fatal(err)
			}
			check, err := n.Verify(t.Context())
			if err != nil || check.OK || !strings.Contains(strings.Join(check.Problems, "\n"), tt.want) {
				t.Errorf("Verify = %+v, %v, want %q", check, err, tt.want)
			}
		})
	}
}

// TestHolds: a hold on a report, a source or an object keeps it from retention, from
// erasing by id and by value, also after a rebuild, until it is lifted.
func TestHolds(t *testing.T) {
	t.Parallel()
	for _, on := range []privacy.HoldKind{privacy.OnReport, privacy.OnSource, privacy.OnObject} {
		t.Run(string(on), func(t *testing.T) {
			t.Parallel()
			clock := newMovable()
			n := reopen(t, Config{Clock: clock.now})
			defer closeNode(t, n)
			report := shortOf(t, take(t, n, bundle("held", "north", indicator(1, january, "ada lovelace", ""))))
			other := shortOf(t, take(t, n, bundle("free", "south", indicator(2, january, "another", ""))))
			setClass(t, n, "north", "traffic-30d")
			setClass(t, n, "south", "traffic-30d")
			clock.days(31)
			want := privacy.NewHold{Reason: "inquiry 3"}
			switch on {
			case privacy.OnReport:
				want.ID = report
			case privacy.OnSource:
				want.Source = "north"
			case privacy.OnObject:
				want.ID = id("indicator", 1)
			}
			h, err := n.Hold(t.Context(), want)
			if err != nil || h.On != on || h.By != "local" || h.Reason != "inquiry 3" {
				t.Fatalf("Hold = %+v, %v", h, err)
			}
			rebuilt(t, n)
			run := retain(t, n, false)
			if run.Held != 1 || run.Reports != 1 || !slices.Equal(dueIDs(run), []string{report, other}) || run.Due[0].Hold != h.ID || !strings.Contains(run.Due[0].Held, "inquiry 3") {
				t.Errorf("retention under hold = %+v", run)
			}
			for _, what := range []string{report, id("indicator", 1)} {
				if _, err := n.Erase(t.Context(), what, "x"); fault.KindOf(err) != fault.Conflict || !strings.Contains(err.Error(), "inquiry 3") {
					t.Errorf("Erase %s under hold: %v, want Conflict", what, err)
				}
			}
			gone, err := n.EraseSubject(t.Context(), "ada lovelace", "x", false)
			if err != nil || gone.Places != 0 || len(gone.Kept) != 1 || !strings.Contains(gone.Kept[0].Why, h.ID) {
				t.Errorf("EraseSubject under hold = %+v, %v", gone, err)
			}
			if _, err := n.Report(t.Context(), report); err != nil {
				t.Errorf("the report that is held: %v", err)
			}
			if _, err := n.Release(t.Context(), h.ID, " "); fault.KindOf(err) != fault.Invalid {
				t.Errorf("Release without reason: %v, want Invalid", err)
			}
			lifted, err := n.Release(t.Context(), h.ID, "over")
			if err != nil || lifted.LiftedReason != "over" || lifted.LiftedBy != "local" || lifted.Lifted == "" {
				t.Errorf("Release = %+v, %v", lifted, err)
			}
			if _, err := n.Release(t.Context(), h.ID, "again"); fault.KindOf(err) != fault.Conflict {
				t.Errorf("Release again: %v, want Conflict", err)
			}
			list, err := n.Holds(t.Context(), false)
			if every, err2 := n.Holds(t.Context(), true); err != nil || err2 != nil || len(list) != 0 || len(every) != 1 {
				t.Errorf("holds = %+v, all = %+v, %v, %v", list, every, err, err2)
			}
			rebuilt(t, n)
			if run := retain(t, n, false); run.Reports != 1 || run.Held != 0 {
				t.Errorf("retention after the hold = %+v", run)
			}
		})
	}
}

// TestHoldKeepsFile: what came in with an object that is held stays, with the file
// that holds both; what came in elsewhere goes.
func TestHoldKeepsFile(t *testing.T) {
	t.Parallel()
	n := reopen(t, Config{})
	defer closeNode(t, n)
	const held, other = "198.51.100.7", "198.51.100.8"
	both := shortOf(t, take(t, n, hand{report.Request{Source: "south", Name: "both.csv"}, []byte("value\n" + held + "\n" + other + "\n")}))
	take(t, n, hand{report.Request{Source: "south", Name: "free.csv"}, []byte("value,comment\n" + other + ",elsewhere\n")})
	h, err := n.Hold(t.Context(), privacy.NewHold{ID: objectOf(t, n, both, held), Reason: "inquiry 3"})
	if err != nil {
		t.Fatal(err)
	}
	beside := objectOf(t, n, both, other)
	if _, err := n.Erase(t.Context(), beside, "x"); fault.KindOf(err) != fault.Conflict || !strings.Contains(err.Error(), h.ID) {
		t.Errorf("erasing what came in with it: %v, want Conflict", err)
	}
	gone, err := n.EraseSubject(t.Context(), other, "x", false)
	if err != nil || gone.Originals != 1 || gone.Receipts == 0 || len(gone.Kept) == 0 {
		t.Errorf("EraseSubject = %+v, %v, want the file elsewhere gone, and this one kept", gone, err)
	}
	for _, k := range gone.Kept {
		if k.Report != both || !strings.Contains(k.Why, h.ID) {
			t.Errorf("kept = %+v, want report %s by %s", k, both, h.ID)
		}
	}
	objectOf(t, n, both, other)
	if _, err := n.Release(t.Context(), h.ID, "over"); err != nil {
		t.Fatal(err)
	}
	if out, err := n.Erase(t.Context(), beside, "x"); err != nil || out.Originals != 1 {
		t.Errorf("erasing it after the hold = %+v, %v, want its file gone, too", out, err)
	}
}

// TestRetentionCutShort crashes a run at each of its points, on a file system that
// forgets what was not synced: the next opening finishes what was recorded, the next
// run the rest, and nothing of what was due is in any file.
func TestRetentionCutShort(t *testing.T) {
	t.Parallel()
	for i, point := range []string{"retention-report", "retention-recorded", "erase-views", "erase-rewritten", "erase-compacted", "erase-done"} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			clock := newMovable()
			text := incompressible(92, 400)
			mem := vfs.NewCrashableMem()
			var crashed *vfs.MemFS
			rng := rand.New(rand.NewPCG(uint64(i), 7)) //nolint:gosec // a test
			s := &stopper{point: point, at: 1, action: func() {
				crashed = mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rng})
			}}
			c := Config{Dir: filepath.Join(t.TempDir(), "data"), Clock: clock.now, memTable: smallTables, FS: mem, Hook: s.hook}
			n := fresh(t, c)
			for i := range 3 {
				take(t, n, bundle(fmt.Sprint("due ", i), "north", indicator(i, january, text, "")))
			}
			stays := shortOf(t, take(t, n, bundle("stays", "south", indicator(9, january, "stays", ""))))
			setClass(t, n, "north", "traffic-30d")
			clock.days(31)
			retain(t, n, false)
			want := verified(t, n)
			closeNode(t, n)
			if crashed == nil {
				t.Fatal("the point was not passed")
			}
			c.Hook, c.FS = nil, crashed
			n = reopen(t, c)
			<-n.whole
			if open := n.view.Erasing(); len(open) > 0 {
				t.Errorf("erasures on record that are not carried out: %v", open)
			}
			retain(t, n, false)
			if rows := rowsOf(t, n); len(rows) != 1 || rows[0].ID != stays {
				t.Errorf("reports = %+v, want the one that stays", rows)
			}
			if got := verified(t, n); got != want {
				t.Errorf("digest = %s, without a crash %s", got, want)
			}
			rebuilt(t, n)
			closeNode(t, n)
			files := t.TempDir()
			for _, part := range []string{"log", "views"} {
				from := filepath.Join(c.Dir, part)
				if ok, err := vfs.Clone(crashed, vfs.Default, from, filepath.Join(files, part)); !ok || err != nil {
					t.Fatal(ok, err)
				}
			}
			if len(found(t, files, "stays")) == 0 {
				t.Error("what stays is not found: the search is blind")
			}
			wantGone(t, files, text)
		})
	}
}

// faulty is a log that does what is asked and then fails, or does not erase.
type faulty struct {
	logBody
	left      int // appends of erasures that do not fail; below 0 all do not
	keepsOnce bool
}

// Append implements eventlog.Log.
func (f *faulty) Append(ctx context.Context, expect []eventlog.Expect, entries []eventlog.Entry) (event.Seq, error) {
	seq, err := f.logBody.Append(ctx, expect, entries)
	if err == nil && entries[0].Kind == event.Erased {
		if f.left--; f.left == -1 {
			return 0, fault.Errorf(fault.Unavailable, "no answer")
		}
	}
	return seq, err
}

// Erase implements eventlog.Log.
func (f *faulty) Erase(ctx context.Context, seqs ...event.Seq) error {
	if f.keepsOnce {
		f.keepsOnce = false
		return fault.Errorf(fault.Unavailable, "full disk")
	}
	return f.logBody.Erase(ctx, seqs...)
}

// TestRecordedIsCarriedOut: what fails after an erasure is on record does not keep
// it from being carried out: at once when the recording of more failed, else by the
// next run of retention, that finds nothing new due; until then, verifying tells.
func TestRecordedIsCarriedOut(t *testing.T) {
	t.Parallel()
	acts := map[string]func(*Node, string) error{
		"retention": func(n *Node, _ string) error { _, err := n.Retention(context.Background(), false); return err },
		"report":    func(n *Node, id string) error { _, err := n.Erase(context.Background(), id, "x"); return err },
		"value": func(n *Node, _ string) error {
			_, err := n.EraseSubject(context.Background(), "ada lovelace", "x", false)
			return err
		},
	}
	for name, act := range acts {
		for fails, log := range map[string]faulty{"recording": {}, "recording, later": {left: 1}, "erasing": {left: -1, keepsOnce: true}} {
			if log.left == 1 && name != "retention" {
				continue // it is recorded in one entry
			}
			t.Run(name+", "+fails, func(t *testing.T) {
				t.Parallel()
				clock := newMovable()
				n := reopen(t, Config{Clock: clock.now})
				defer closeNode(t, n)
				report := shortOf(t, take(t, n, bundle("one", "north", indicator(1, january, "ada lovelace", ""))))
				take(t, n, bundle("two", "north", indicator(2, january, "another", "")))
				if name == "retention" {
					setClass(t, n, "north", "traffic-30d")
					clock.days(31)
				}
				<-n.whole
				n.stop()
				log.logBody = n.log
				n.log = &log
				n.start()
				if err := act(n, report); fault.KindOf(err) != fault.Unavailable {
					t.Errorf("erasing = %v, want Unavailable", err)
				}
				if fails == "erasing" {
					if c, err := n.Verify(t.Context()); err != nil || c.OK || !strings.Contains(strings.Join(c.Problems, "\n"), "it is not carried out") {
						t.Errorf("Verify = %+v, %v, want what is not carried out", c, err)
					}
					retain(t, n, false)
				}
				if open := n.view.Erasing(); len(open) > 0 || len(proofs(t, n)) == 0 {
					t.Errorf("erasures on record that are not carried out: %v", open)
				}
				verified(t, n)
			})
		}
	}
}

// TestRetentionIsBounded: one run does so much, tells what is left, and the next goes
// on.
func TestRetentionIsBounded(t *testing.T) {
	t.Parallel()
	clock := newMovable()
	n := reopen(t, Config{Clock: clock.now})
	defer closeNode(t, n)
	for i := range maxRunReports + 3 {
		take(t, n, bundle(fmt.Sprint("due ", i), "north", indicator(i, january, fmt.Sprint("number ", i), "")))
	}
	setClass(t, n, "north", "traffic-30d")
	clock.days(31)
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, nil))
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // after one run, which is over before it is looked at
	n.keepRetention(ctx, log)
	if out.Len() != 0 {
		t.Errorf("a node that ends runs retention: %s", out.String())
	}
	if run := retain(t, n, false); run.Reports != maxRunReports || run.Left != 3 {
		t.Errorf("first run = %d reports, %d left", run.Reports, run.Left)
	}
	if run := retain(t, n, false); run.Reports != 3 || run.Left != 0 {
		t.Errorf("second run = %+v", run)
	}
}

// TestDaily: it runs at once and every day, sooner while there is more to do, and
// ends when told.
func TestDaily(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var at []time.Duration
		ctx, cancel := context.WithTimeout(t.Context(), 49*time.Hour)
		defer cancel()
		daily(ctx, func() bool {
			at = append(at, time.Since(start))
			return len(at) == 1
		})
		want := []time.Duration{0, retentionRest, retentionRest + retentionEvery, retentionRest + 2*retentionEvery}
		if diff := cmp.Diff(want, at); diff != "" {
			t.Errorf("runs (-want +got):\n%s", diff)
		}
	})
}

// TestServeRunsRetention: a serving node does it by itself, and says how much.
func TestServeRunsRetention(t *testing.T) {
	t.Parallel()
	clock := newMovable()
	n := reopen(t, Config{Clock: clock.now})
	defer closeNode(t, n)
	take(t, n, bundle("due", "north", indicator(1, january, "secret text", "")))
	setClass(t, n, "north", "traffic-30d")
	clock.days(31)
	var out bytes.Buffer
	ctx, cancel := context.WithCancel(t.Context())
	n.cfg.Hook = func(point string) {
		if point == "retention-recorded" {
			cancel()
		}
	}
	n.keepRetention(ctx, slog.New(slog.NewTextHandler(&out, nil)))
	if rows := rowsOf(t, n); len(rows) != 0 {
		t.Errorf("reports after retention = %+v", rows)
	}
	if !strings.Contains(out.String(), "reports=1") || strings.Contains(out.String(), "secret") {
		t.Errorf("told = %q", out.String())
	}
}

// officer is a data-protection officer of an organisation of its own.
func officer(t *testing.T, n *Node, key, org string, role alliance.Role) context.Context {
	t.Helper()
	admin := as(t, n, alliance.Administrator)
	if _, err := n.AddPerson(admin, people.NewPerson{
		Key: alliance.Key(key), Org: alliance.Org(org), OrgKind: alliance.ArmedForces, Name: "Name of " + key, Login: key, Posts: []alliance.Post{{Role: role}}, Password: goodPassword,
	}); err != nil {
		t.Fatal(err)
	}
	m, err := n.Login(t.Context(), people.Credentials{Login: key, Password: goodPassword})
	if err != nil {
		t.Fatal(err)
	}
	id, err := n.people.Bearer(n.cfg.Clock(), m.Secret)
	if err != nil {
		t.Fatal(err)
	}
	return people.With(t.Context(), people.Caller{Identity: id})
}

// TestEraseOnlyOwn: who erases an object takes the receipts of his own organisation
// alone; a report of another is refused, or not there.
func TestEraseOnlyOwn(t *testing.T) {
	t.Parallel()
	n := peopled(t)
	mine := as(t, n, alliance.DataProtection)
	far, theirs := officer(t, n, "far", "BBB/army", alliance.Analyst), officer(t, n, "faro", "BBB/army", alliance.DataProtection)
	green := tlp.Green
	own := handIn(t, n, as(t, n, alliance.Analyst), "one thing", &green).Reports[0].ID
	other := handIn(t, n, far, "one thing", &green).Reports[0].ID
	hidden := handIn(t, n, far, "hidden thing", nil).Reports[0].ID // RED
	object := id("indicator", 1)

	if _, err := n.Erase(mine, other, "x"); fault.KindOf(err) != fault.Denied || !strings.Contains(err.Error(), "another organisation") {
		t.Errorf("erasing another's report: %v, want Denied", err)
	}
	if _, err := n.Erase(mine, hidden, "x"); fault.KindOf(err) != fault.NotFound {
		t.Errorf("erasing another's report that he may not read: %v, want not found", err)
	}
	if _, err := n.Hold(mine, privacy.NewHold{ID: hidden, Reason: "x"}); fault.KindOf(err) != fault.NotFound {
		t.Errorf("holding it: %v, want not found", err)
	}
	if _, err := n.Hold(mine, privacy.NewHold{ID: other, Reason: "x"}); fault.KindOf(err) != fault.Denied {
		t.Errorf("holding another's report: %v, want Denied", err)
	}
	// A hold of one organisation does not bind another.
	if _, err := n.Hold(theirs, privacy.NewHold{ID: object, Reason: "theirs"}); err != nil {
		t.Fatal(err)
	}
	if holds, err := n.Holds(mine, true); err != nil || len(holds) != 0 {
		t.Errorf("holds of another = %+v, %v", holds, err)
	}
	// Erasing by value, too, leaves what another answers for.
	find, err := n.FindSubject(mine, "one thing", true)
	if err != nil || find.Total != 4 || find.Erasable != 2 || !find.Hits[1].Readable || find.Hits[1].Own || find.Hits[1].Kept != "another organisation answers for it" {
		t.Errorf("FindSubject = %+v, %v, want file name and object, each one's own and a readable one of another", find, err)
	}
	if told, err := n.EraseSubject(mine, "one thing", "", true); err != nil || told.Places != 2 || told.Reports != 1 || told.Receipts != 2 || len(told.Kept) != 2 {
		t.Errorf("EraseSubject, dry = %+v, %v", told, err)
	}
	gone, err := n.Erase(mine, object, "x")
	if err != nil || gone.Receipts != 1 || len(gone.Kept) != 1 || gone.Kept[0].Count != 1 {
		t.Errorf("Erase = %+v, %v, want one receipt gone and one readable one of another kept", gone, err)
	}
	if d, err := n.Report(mine, own); err != nil || d.Objects != 0 {
		t.Errorf("own report after Erase = %+v, %v", d, err)
	}
	if d, err := n.Report(mine, other); err != nil || d.Objects != 1 {
		t.Errorf("another's report after Erase = %+v, %v", d, err)
	}
	if told, err := n.EraseSubject(mine, "one thing", "x", false); err != nil || told.Places != 1 || told.Reports != 1 || len(told.Kept) != 2 {
		t.Errorf("EraseSubject of the rest = %+v, %v", told, err)
	}
	if d, err := n.Report(mine, other); err != nil || d.Objects != 1 {
		t.Errorf("another's report after EraseSubject = %+v, %v", d, err)
	}
	if _, err := n.Erase(mine, object, "again"); fault.KindOf(err) != fault.Denied {
		t.Errorf("erasing what only another has: %v, want Denied", err)
	}
	if _, err := n.Erase(theirs, object, "x"); fault.KindOf(err) != fault.Conflict {
		t.Errorf("erasing under one's own hold: %v, want Conflict", err)
	}
	for _, role := range []alliance.Role{alliance.Administrator, alliance.Analyst, alliance.Auditor} {
		if _, err := n.Erase(as(t, n, role), object, "x"); fault.KindOf(err) != fault.Denied {
			t.Errorf("erasing as %s: %v, want Denied", role, err)
		}
	}
	wholeFor(t, n)
}

// wholeFor wants the node whole, as its administrator asks.
func wholeFor(t *testing.T, n *Node) {
	t.Helper()
	if c, err := n.Verify(as(t, n, alliance.Administrator)); err != nil || !c.OK {
		t.Errorf("Verify = %+v, %v", c, err)
	}
}

// TestWhoSetsTheEnd: what is held for less time than before takes the officer of the
// organisation whose source it is; he sets nothing else, and sees what is set for it.
func TestWhoSetsTheEnd(t *testing.T) {
	t.Parallel()
	n := peopled(t)
	admin, mine := as(t, n, alliance.Administrator), as(t, n, alliance.DataProtection)
	theirs := officer(t, n, "faro", "BBB/army", alliance.DataProtection)
	src := func(name, trust, class string) report.Source {
		return report.Source{Name: name, Trust: trust, Purpose: "defence", Retention: class}
	}
	const feed, far = "feed", "BBB/army/feed"
	const ok = fault.Kind(255)
	for i, step := range []struct {
		who  context.Context
		src  report.Source
		want fault.Kind
	}{
		{admin, src(feed, "B", ""), ok},
		{admin, src(feed, "B", "evidence-10y"), fault.Denied},
		{theirs, src(feed, "B", "evidence-10y"), fault.Denied},
		{mine, src(feed, "A", "indicator-90d"), fault.Denied}, // trust is not his
		{mine, src(feed, "B", "indicator-90d"), ok},
		{admin, src(feed, "C", "indicator-90d"), ok},
		{admin, src(feed, "C", "traffic-30d"), fault.Denied},
		{admin, src(feed, "C", "incident-1y"), ok},
		{admin, src(feed, "C", "indicator-90d"), fault.Denied},
		{mine, src(feed, "C", "nonsense"), fault.Invalid},
		{mine, src(far, "", "traffic-30d"), fault.Denied},
		{theirs, src(far, "F", "traffic-30d"), ok},
		{as(t, n, alliance.Analyst), src(feed, "C", ""), fault.Denied},
	} {
		err := n.SetSource(step.who, step.src)
		if step.want == ok && err != nil || step.want != ok && fault.KindOf(err) != step.want {
			t.Errorf("step %d: SetSource(%+v) = %v", i, step.src, err)
		}
	}
	for who, want := range map[context.Context][]string{mine: {"feed incident-1y"}, theirs: {"BBB/army/feed traffic-30d"}, as(t, n, alliance.Analyst): nil} {
		list, err := n.Sources(who)
		var got []string
		for _, s := range list {
			got = append(got, s.Name+" "+s.Retention)
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("Sources for %s = %q, %v, want %q", people.CallerOf(who).Role, got, err, want)
		}
	}
}

// TestOfficerOfRed: an officer is told of what his own organisation holds and he may
// not read that it is there, and how much, can hold and erase it; of another's he is
// told nothing.
func TestOfficerOfRed(t *testing.T) {
	t.Parallel()
	n := peopled(t)
	mine, analyst := as(t, n, alliance.DataProtection), as(t, n, alliance.Analyst)
	far := officer(t, n, "far", "BBB/army", alliance.Analyst)
	const value = "canary person"
	h := bundle(value+".json", "feed", indicator(1, january, value, ""), indicator(2, january, "other", `,"description":"by `+value+`"`))
	in := func(ctx context.Context) string {
		res, err := n.Import(ctx, h.req, strings.NewReader(string(h.body)), nil)
		if err != nil {
			t.Fatal(err)
		}
		return res.Reports[0].ID
	}
	red := in(analyst)
	want, err := n.FindSubject(mine, value, true)
	if err != nil {
		t.Fatal(err)
	}
	in(far)
	got, err := n.FindSubject(mine, value, true)
	got.At = want.At
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v; what another holds shows (-without +with):\n%s", err, diff)
	}
	if len(got.Hits) != 1 || got.Total != 3 || got.Erasable != 3 || got.Hits[0].Report != red || got.Hits[0].Readable || got.Hits[0].Text != "" || got.Hits[0].ID != "" {
		t.Errorf("FindSubject = %+v, want three places in one report that is not readable", got)
	}
	if gone, err := n.EraseSubject(mine, value, "request 17", false); err != nil || gone.Reports != 1 || gone.Receipts != 3 || len(gone.Kept) != 0 {
		t.Errorf("EraseSubject = %+v, %v", gone, err)
	}
	if _, err := n.Report(analyst, red); fault.KindOf(err) != fault.NotFound {
		t.Errorf("report after EraseSubject: %v, want not found", err)
	}
	if rows, _, err := n.Reports(far, "", "", "", 0); err != nil || len(rows) != 1 || rows[0].Objects != 2 {
		t.Errorf("another's reports = %+v, %v, want its own whole", rows, err)
	}
	wholeFor(t, n)
}

// TestNamesLeaveNothing: what a person is called and signs in by is in no file once
// the person is removed, whatever he did and others did about him.
func TestNamesLeaveNothing(t *testing.T) {
	t.Parallel()
	c := onDisk(t)
	c.passwordCost = cheapPasswords()
	n := fresh(t, c)
	addPerson(t, n, t.Context(), alliance.Administrator)
	admin := as(t, n, alliance.Administrator)
	const first, name, login, email, label = "Canaryfirst Namebefore", "Canaryname Ofsomebody", "canarylogin-of-him", "canarymail@somewhere.example", "canarysubject-elsewhere"
	p := people.NewPerson{
		Key: "p7", Org: "AAA/csirt", Name: first, Login: login, Email: email, Posts: []alliance.Post{{Role: alliance.Analyst}}, Password: goodPassword,
	}
	if _, err := n.AddPerson(admin, p); err != nil {
		t.Fatal(err)
	}
	renamed := name
	if _, err := n.EditPerson(admin, "p7", people.Change{Name: &renamed}); err != nil {
		t.Fatal(err)
	}
	if err := n.LinkOIDC(admin, login, event.Subject{Issuer: "https://idp.example.org", Subject: label}); err != nil {
		t.Fatal(err)
	}
	m, err := n.Login(t.Context(), people.Credentials{Login: login, Password: goodPassword, Label: "browser"})
	if err != nil {
		t.Fatal(err)
	}
	who, err := n.people.Bearer(n.cfg.Clock(), m.Secret)
	if err != nil {
		t.Fatal(err)
	}
	he := people.With(t.Context(), people.Caller{Identity: who})
	handIn(t, n, he, "something", nil)
	h := handlerOf(t, n)
	for _, body := range []string{`{"login":"` + login + `","password":"wrong"}`, `{"login":"` + login + `x","password":"wrong"}`} {
		send(t, h, "POST", "/api/v1/login", body, "Content-Type", "application/json")
	}
	if _, err := n.Search(he, email, "", 10); err != nil {
		t.Fatal(err)
	}
	closeNode(t, n)
	if len(found(t, c.Dir, name)) == 0 || len(found(t, c.Dir, login)) == 0 {
		t.Fatal("name and login are not found before: the search is blind")
	}
	n = reopen(t, c)
	defer closeNode(t, n)
	if err := n.RemovePerson(as(t, n, alliance.Administrator), "p7", "contract ended"); err != nil {
		t.Fatal(err)
	}
	wholeFor(t, n)
	wantGone(t, c.Dir, first, name, login, email, label)
}
