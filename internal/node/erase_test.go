package node

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"casus/internal/core/report"
	"casus/internal/edge/intake"
	"casus/internal/event"
	"casus/internal/eventlog"
	"casus/internal/fault"
	"casus/internal/kv"
	"casus/internal/view"
	"casus/stix"

	"github.com/google/go-cmp/cmp"
)

func shortOf(t testing.TB, res report.Result) string {
	t.Helper()
	if len(res.Reports) != 1 {
		t.Fatalf("result has %d reports, want 1", len(res.Reports))
	}
	return res.Reports[0].ID
}

func erase(t testing.TB, n *Node, id string) {
	t.Helper()
	if _, err := n.Erase(context.Background(), id, "a test"); err != nil {
		t.Fatalf("Erase %s: %v", id, err)
	}
}

// rebuilt rebuilds and expects the same state and the same rows.
func rebuilt(t testing.TB, n *Node) {
	t.Helper()
	want, rows := verified(t, n), rowsOf(t, n)
	if err := n.Rebuild(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := verified(t, n); got != want {
		t.Errorf("digest after rebuild = %s, want %s", got, want)
	}
	if diff := cmp.Diff(rows, rowsOf(t, n)); diff != "" {
		t.Errorf("reports after rebuild (-want +got):\n%s", diff)
	}
}

// canaries are reports that each hold a text that packs badly, in places where
// texts come to stand.
func canaries() (all []hand, texts []string) {
	for i := range 7 {
		texts = append(texts, incompressible(byte(i+1), 400))
	}
	all = []hand{
		bundle("object.json", "north", indicator(1, january, texts[0], "")),
		{report.Request{Source: "north", Name: "original.json"}, fmt.Appendf(nil, mispEvent, 9, texts[1], 9, 9, texts[1])},
		bundle("aside.json", "north", indicator(2, january, "fine", ""), `{"type":"indicator","id":"broken","name":"`+texts[2]+`"}`),
		bundle("title.json", "north", indicator(3, january, "fine too", "")),
		bundle("source.json", texts[4][:60], indicator(4, january, "fine as well", "")),
		bundle(texts[5][:60]+".json", "north", indicator(5, january, "named", "")),
		{report.Request{Source: "north", Name: "broken"}, []byte("\x00\x01" + texts[6])},
	}
	all[3].req.Title = texts[3]
	texts[4], texts[5] = texts[4][:60], texts[5][:60]
	return all, texts
}

func TestEraseLeavesNothing(t *testing.T) {
	t.Parallel()
	for name, later := range map[string]func(*testing.T, *Node, Config) *Node{
		"at once": func(_ *testing.T, n *Node, _ Config) *Node { return n },
		"after a restart": func(t *testing.T, n *Node, c Config) *Node {
			closeNode(t, n)
			return reopen(t, c)
		},
		"below newer tables": func(t *testing.T, n *Node, c Config) *Node {
			if err := n.kv.Erase([]byte{0}, []byte{0xff}); err != nil {
				t.Fatal(err)
			}
			for i := range 3 {
				take(t, n, lines(fmt.Sprint("later ", i), 400, uint64(i+10)))
				if err := n.view.Flush(); err != nil {
					t.Fatal(err)
				}
			}
			return n
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := onDisk(t)
			n := fresh(t, c)
			take(t, n, lines("mix", 400, 1))
			all, texts := canaries()
			var ids []string
			for _, h := range all {
				ids = append(ids, shortOf(t, take(t, n, h)))
			}
			n = later(t, n, c)
			for i, text := range texts {
				if len(found(t, c.Dir, text)) == 0 {
					t.Fatalf("text %d is not found before Erase: the search is blind", i)
				}
			}
			for _, id := range ids {
				erase(t, n, id)
			}
			wantGone(t, c.Dir, texts...)
			for i, id := range ids {
				if _, err := n.Report(context.Background(), id); fault.KindOf(err) != fault.NotFound {
					t.Errorf("report %d after Erase: %v, want NotFound", i, err)
				}
				if _, err := n.Erase(context.Background(), id, "again"); fault.KindOf(err) != fault.NotFound {
					t.Errorf("Erase of report %d again: %v, want NotFound", i, err)
				}
			}
			if rows := rowsOf(t, n); slices.ContainsFunc(rows, func(r report.Row) bool { return slices.Contains(ids, r.ID) }) {
				t.Error("an erased report is listed")
			}
			if items, err := n.Quarantine(context.Background(), ""); err != nil || len(items) > 0 {
				t.Errorf("quarantine after Erase = %v, %v; want none", items, err)
			}
			rebuilt(t, n)
			wantGone(t, c.Dir, texts...)
			// What was erased may come in again.
			for i, h := range all {
				if res := take(t, n, h); res.Received == 0 || res.Reports[0].Known || res.Reports[0].ID != ids[i] {
					t.Errorf("report %d handed in again = %+v, want it new", i, res)
				}
			}
			rebuilt(t, n)
			for _, id := range ids {
				erase(t, n, id)
			}
			closeNode(t, n)
			wantGone(t, c.Dir, texts...)
			n = reopen(t, c)
			rebuilt(t, n)
			wantGone(t, c.Dir, texts...)
			closeNode(t, n)
		})
	}
}

// TestEraseShared: bytes that several reports share stay until the last goes.
func TestEraseShared(t *testing.T) {
	t.Parallel()
	text := incompressible(9, 300)
	object := indicator(1, january, text, "")
	for name, order := range map[string][]int{"first first": {0, 1, 2}, "last first": {2, 1, 0}, "middle first": {1, 0, 2}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := onDisk(t)
			n := fresh(t, c)
			defer closeNode(t, n)
			ids := []string{
				shortOf(t, take(t, n, bundle("a", "north", object, indicator(2, january, "a", "")))),
				shortOf(t, take(t, n, bundle("b", "south", object, object))),
				shortOf(t, take(t, n, bundle("c", "east", strings.Replace(object, ",", " , ", 1), object))),
			}
			for i, which := range order {
				erase(t, n, ids[which])
				o, err := n.Object(context.Background(), id("indicator", 1), false)
				if i == len(order)-1 {
					if fault.KindOf(err) != fault.NotFound {
						t.Errorf("object after the last erasure: %v, want NotFound", err)
					}
					wantGone(t, c.Dir, text)
				} else if err != nil || o.Name[:20] != text[:20] {
					t.Errorf("object after erasure %d = %q, %v", i, o.Name, err)
				}
				rebuilt(t, n)
			}
		})
	}
}

// TestEraseObject takes one object out of all reports.
func TestEraseObject(t *testing.T) {
	t.Parallel()
	text := incompressible(8, 300)
	c := onDisk(t)
	n := fresh(t, c)
	defer closeNode(t, n)
	take(t, n, bundle("a", "north", indicator(1, january, text, ""), indicator(2, january, "a", "")))
	take(t, n, bundle("b", "south", indicator(1, january, text, ""), indicator(1, february, text+" later", "")))
	erase(t, n, id("indicator", 1))
	wantGone(t, c.Dir, text)
	if _, err := n.Object(context.Background(), id("indicator", 1), false); fault.KindOf(err) != fault.NotFound {
		t.Errorf("object after Erase: %v, want NotFound", err)
	}
	if rows := rowsOf(t, n); len(rows) != 2 || rows[0].Objects != 0 || rows[1].Objects != 1 {
		t.Errorf("reports after Erase = %+v", rows)
	}
	rebuilt(t, n)
}

// TestEraseObjectOfOriginal: where the bytes as handed in are kept, they go with
// an object that was made from them; its neighbours stay.
func TestEraseObjectOfOriginal(t *testing.T) {
	t.Parallel()
	for name, form := range map[string]string{
		"a.csv":   "ip,comment\n192.0.2.1,%s\n192.0.2.2,stays\n",
		"a.jsonl": `{"value":"192.0.2.1","comment":"%s"}` + "\n" + `{"value":"192.0.2.2","comment":"stays"}` + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := incompressible(41, 300)
			c := onDisk(t)
			n := fresh(t, c)
			defer closeNode(t, n)
			h := hand{report.Request{Source: "north", Name: name}, fmt.Appendf(nil, form, text)}
			other := hand{report.Request{Source: "south", Name: name}, fmt.Appendf(nil, form, incompressible(42, 300))}
			short := shortOf(t, take(t, n, h))
			take(t, n, other)
			d, err := n.Report(t.Context(), short)
			if err != nil {
				t.Fatal(err)
			}
			gone := 0
			for _, it := range d.Items {
				o, err := n.Object(t.Context(), it.ID, true)
				if err != nil {
					t.Fatal(err)
				}
				if strings.Contains(string(o.Raw), text) {
					erase(t, n, it.ID)
					gone++
				}
			}
			if gone == 0 || gone == len(d.Items) {
				t.Fatalf("%d of %d objects hold the text", gone, len(d.Items))
			}
			wantGone(t, c.Dir, text)
			if len(found(t, c.Dir, incompressible(42, 300))) == 0 {
				t.Error("the bytes of another report are gone too")
			}
			if d, err = n.Report(t.Context(), short); err != nil || len(d.Items) == 0 {
				t.Errorf("report after Erase = %d objects, %v; want its others", len(d.Items), err)
			}
			rebuilt(t, n)
			wantGone(t, c.Dir, text)
			erase(t, n, short)
			rebuilt(t, n)
		})
	}
}

// TestEraseAtRandom takes reports that overlap in and erases some, and expects
// after each step that the log tells the same state.
func TestEraseAtRandom(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(seed, 1))
			n := reopen(t, Config{Clock: tick()})
			defer closeNode(t, n)
			var ids []string
			for step := range 60 {
				if len(ids) == 0 || rng.IntN(3) > 0 {
					var objects []string
					for range 1 + rng.IntN(6) {
						k := rng.IntN(5)
						version := []string{january, february}[rng.IntN(2)]
						o := indicator(k, version, fmt.Sprint("content ", rng.IntN(3)), "")
						switch rng.IntN(6) {
						case 0:
							o = strings.Replace(o, ",", " , ", 1+rng.IntN(2))
						case 1:
							o = fmt.Sprintf(`{"type":"ipv4-addr","spec_version":"2.1","id":%q,"value":"192.0.2.%d","defanged":%t}`, id("ipv4-addr", k), k, rng.IntN(2) == 0)
						case 2:
							o = `{"type":"indicator","id":"broken` + fmt.Sprint(k) + `"}`
						case 3:
							o = fmt.Sprintf(`{"type":"marking-definition","spec_version":"2.1","id":%q,"created":%q,"definition_type":"statement","definition":{"statement":"s%d"}}`, id("marking-definition", k), january, rng.IntN(2))
						}
						objects = append(objects, o)
					}
					ids = append(ids, shortOf(t, take(t, n, bundle(fmt.Sprint("report ", step), []string{"north", "south"}[rng.IntN(2)], objects...))))
				} else if rng.IntN(4) == 0 {
					_, err := n.Erase(context.Background(), id([]string{"indicator", "ipv4-addr"}[rng.IntN(2)], rng.IntN(5)), "a test")
					if err != nil && fault.KindOf(err) != fault.NotFound {
						t.Fatal(err)
					}
				} else {
					i := rng.IntN(len(ids))
					erase(t, n, ids[i])
					ids = slices.Delete(ids, i, i+1)
				}
				before := objectsTold(t, n)
				rebuilt(t, n)
				if diff := cmp.Diff(before, objectsTold(t, n)); diff != "" {
					t.Errorf("step %d: answers after rebuild (-want +got):\n%s", step, diff)
				}
				if t.Failed() {
					return
				}
			}
		})
	}
}

// objectsTold is what the node says of the objects of TestEraseAtRandom.
func objectsTold(t testing.TB, n *Node) map[string]any {
	t.Helper()
	out := map[string]any{}
	for _, typ := range []string{"indicator", "ipv4-addr", "marking-definition"} {
		for k := range 5 {
			o, err := n.Object(context.Background(), id(typ, k), true)
			if err != nil {
				out[id(typ, k)] = fault.KindOf(err)
				continue
			}
			out[id(typ, k)] = o
		}
	}
	for _, q := range []string{"content", "198.51.100.1", "192.0.2.1", "report"} {
		res, err := n.Search(context.Background(), q, "", 100)
		if err != nil {
			t.Fatal(err)
		}
		res.Next = ""
		out[q] = res
	}
	return out
}

// cutShort is a log that takes a number of Appends, then no more.
type cutShort struct {
	logBody
	left int
}

// Append implements eventlog.Log.
func (c *cutShort) Append(ctx context.Context, expect []eventlog.Expect, entries []eventlog.Entry) (event.Seq, error) {
	if c.left == 0 {
		return 0, fault.Errorf(fault.Unavailable, "cut short")
	}
	c.left--
	return c.logBody.Append(ctx, expect, entries)
}

// TestErasePartsOfNobody: a piece too long for one entry that was cut short
// leaves nothing behind either, whether or not its report came in afterwards.
func TestErasePartsOfNobody(t *testing.T) {
	t.Parallel()
	// The texts stand in the first and in the second part.
	first, second := incompressible(21, 400), incompressible(22, 400)
	h := bundle("long", "north",
		indicator(1, january, first, `,"description":"`+incompressible(23, 300<<10)+second+incompressible(24, 100<<10)+`"`),
		`{"type":"indicator","id":"`+first+incompressible(25, 700<<10)+second+`"}`)
	for name, resumed := range map[string]bool{"unfinished": false, "finished": true} {
		for appends := 2; appends <= 9; appends++ { // the first opens the report
			t.Run(fmt.Sprintf("%s, cut short after %d", name, appends), func(t *testing.T) {
				t.Parallel()
				c := onDisk(t)
				n := fresh(t, c)
				defer func() { closeNode(t, n) }()
				whole := n.intake
				n.intake = intake.New(&cutShort{n.log, appends}, n.view, view.LocalOperator(), intake.Options{Clock: c.Clock, Settle: n.settle, Hook: func(string) {}})
				if _, err := h.in(t.Context(), n); fault.KindOf(err) != fault.Unavailable {
					t.Fatalf("import cut short = %v, want Unavailable", err)
				}
				n.intake = whole
				if resumed {
					take(t, n, h)
					if err := partsOf(t, n); err != nil {
						t.Error(err)
					}
				}
				if err := n.settle(t.Context()); err != nil {
					t.Fatal(err)
				}
				rows := rowsOf(t, n)
				if len(rows) != 1 || len(found(t, c.Dir, first, second)) == 0 {
					t.Fatalf("%d reports, or the texts are not found: the search is blind", len(rows))
				}
				erase(t, n, rows[0].ID)
				wantGone(t, c.Dir, first, second)
				rebuilt(t, n)
				wantGone(t, c.Dir, first, second)
			})
		}
	}
}

// partsOf returns an error when a part was written twice.
func partsOf(t *testing.T, n *Node) error {
	t.Helper()
	seen := map[[32]byte]event.Seq{}
	for s, err := range n.log.Read(t.Context(), 1) {
		if err != nil {
			return err
		}
		digest := sha256.Sum256(s.Payload)
		if s.Header.Kind != event.PayloadPart {
			continue
		}
		if at, ok := seen[digest]; ok {
			return fmt.Errorf("entry %d is entry %d again", s.Seq, at)
		}
		seen[digest] = s.Seq
	}
	return nil
}

// TestForgetUnderSnapshot: a reader who began before keeps nothing of what is
// erased in the files of the views.
func TestForgetUnderSnapshot(t *testing.T) {
	t.Parallel()
	text := incompressible(31, 300)
	dir := filepath.Join(t.TempDir(), "views")
	v, err := openViews(dir, &Config{})
	if err != nil {
		t.Fatal(err)
	}
	write := func(f func(kv.Batch) error) {
		t.Helper()
		b := v.Batch()
		defer b.Discard()
		if err := errors.Join(f(b), b.Commit()); err != nil {
			t.Fatal(err)
		}
	}
	write(func(b kv.Batch) error { return b.Set([]byte("k"), []byte(text)) })
	if err := v.Flush(); err != nil {
		t.Fatal(err)
	}
	before := v.Snapshot()
	write(func(b kv.Batch) error { return b.Set([]byte("k"), []byte("another")) })
	if len(found(t, dir, text)) == 0 {
		t.Fatal("the text is not found before: the search is blind")
	}
	done := make(chan error, 1)
	go func() { done <- v.forget() }()
	for v.failed() == nil { // until forget waits for the reader
		runtime.Gosched()
	}
	if got, ok, err := before.Get([]byte("k")); string(got) != text || !ok || err != nil {
		t.Errorf("Get in the snapshot = %d bytes, %v, %v", len(got), ok, err)
	}
	if err := before.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	wantGone(t, dir, text)
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestEraseCounts: who erases is told how many kept files went, too.
func TestEraseCounts(t *testing.T) {
	t.Parallel()
	list := hand{report.Request{Source: "south", Name: "list.csv"}, []byte("value\n198.51.100.7\n198.51.100.8\n")}
	again := hand{report.Request{Source: "south", Name: "again.csv"}, []byte("value\n198.51.100.7\n")}
	large := hand{report.Request{Source: "south", Name: "large.txt"}, []byte("seen: 198.51.100.9\n" + strings.Repeat("\n", 3*eventlog.MaxWholeBytes))}
	for name, c := range map[string]struct {
		in     []hand
		object string // erased by its value; empty means the first report is
		want   int
	}{
		"bundle":         {[]hand{bundle("a", "north", indicator(1, january, "x", ""))}, "", 0},
		"table":          {[]hand{list, again}, "", 1},
		"many parts":     {[]hand{large}, "", 1},
		"object of both": {[]hand{list, again}, "198.51.100.7", 2},
		"object of one":  {[]hand{list, again}, "198.51.100.8", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := inMemory(t)
			var ids []string
			for _, h := range c.in {
				ids = append(ids, shortOf(t, take(t, n, h)))
			}
			what := ids[0]
			if c.object != "" {
				what = objectOf(t, n, ids[0], c.object)
			}
			got, err := n.Erase(t.Context(), what, "a test")
			if err != nil || got.Originals != c.want || got.Receipts == 0 {
				t.Errorf("Erase(%s) = %+v, %v, want %d originals", what, got, err, c.want)
			}
		})
	}
}

// objectOf returns the id of the object in a report that has a value.
func objectOf(t *testing.T, n *Node, report, value string) (id string) {
	t.Helper()
	err := n.Objects(t.Context(), report, func(o *stix.Object, _ string) error {
		if o.String("value") == value {
			id = o.ID()
		}
		return nil
	})
	if err != nil || id == "" {
		t.Fatalf("no object of %s in %s: %v", value, report, err)
	}
	return id
}
