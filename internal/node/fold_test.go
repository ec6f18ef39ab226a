package node

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"casus/internal/core/report"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestRebuildAndAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]Config{"on disk": onDisk(t), "in memory": {Clock: tick()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var n *Node
			if c.Dir == "" {
				n = reopen(t, c)
			} else {
				n = fresh(t, c)
			}
			defer func() { closeNode(t, n) }()
			all := story(1200)
			var first []report.Result
			for _, h := range all {
				first = append(first, take(t, n, h))
			}
			want := verified(t, n)
			rows := rowsOf(t, n)
			if err := n.Rebuild(context.Background()); err != nil {
				t.Fatal(err)
			}
			if got := verified(t, n); got != want {
				t.Errorf("digest after rebuild = %s, want %s", got, want)
			}
			if diff := cmp.Diff(rows, rowsOf(t, n)); diff != "" {
				t.Errorf("reports after rebuild (-want +got):\n%s", diff)
			}
			head, _, _ := n.log.Head(context.Background())
			for i, h := range all {
				again := take(t, n, h)
				if again.New != 0 || again.Conflicting != 0 || again.Received != first[i].Received || again.Quarantined != first[i].Quarantined || !again.Reports[0].Known {
					t.Errorf("%s again = %+v, first was %+v", h.req.Name, again, first[i])
				}
			}
			if now, _, _ := n.log.Head(context.Background()); now != head {
				t.Errorf("handing everything in again added %d entries", now-head)
			}
			if got := verified(t, n); got != want {
				t.Errorf("digest after handing in again = %s, want %s", got, want)
			}
			if c.Dir == "" {
				return
			}
			closeNode(t, n)
			n = reopen(t, c)
			if got := verified(t, n); got != want {
				t.Errorf("digest after reopening = %s, want %s", got, want)
			}
		})
	}
}

func rowsOf(t testing.TB, n *Node) []report.Row {
	t.Helper()
	rows, _, err := n.Reports(context.Background(), "", "", "", 500)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// TestCutShort stops an import at every named point and hands the same bytes in
// again.
func TestCutShort(t *testing.T) {
	t.Parallel()
	all := story(1200)
	want := undisturbed(t, all)
	for _, cut := range []struct {
		point string
		at    int
	}{{"opened", 1}, {"opened", 4}, {"opened", 5}, {"chunk", 1}, {"chunk", 4}, {"read", 1}, {"read", 4}, {"closed", 1}, {"closed", 3}, {"flush", 1}, {"flushed", 1}, {"compact", 1}, {"compacted", 1}} {
		t.Run(fmt.Sprint(cut.point, " ", cut.at), func(t *testing.T) {
			t.Parallel()
			c := onDisk(t)
			ctx, cancel := context.WithCancelCause(context.Background())
			s := &stopper{point: cut.point, at: cut.at, action: func() { cancel(errCut) }}
			c.Hook = s.hook
			var at clock
			c.Clock = at.now
			n := fresh(t, c)
			var stopped hand
			for _, h := range all {
				if _, err := h.in(ctx, n); err != nil {
					if ctx.Err() == nil {
						t.Fatal(err)
					}
					stopped = h
					break
				}
			}
			if ctx.Err() == nil {
				t.Skipf("%s is passed %d times only", cut.point, s.count(cut.point))
			}
			if err := n.settle(context.Background()); err != nil {
				t.Fatal(err)
			}
			verified(t, n)
			if stopped.body != nil && (cut.point == "chunk" || cut.point == "read" || cut.point == "opened") {
				wantUnfinished(t, n)
			}
			closeNode(t, n)
			n = reopen(t, c)
			defer closeNode(t, n)
			for _, h := range all {
				at.hours.Store(0)
				if h.req.Name == stopped.req.Name {
					at.hours.Store(5) // resumed later, it is read as of then
				}
				take(t, n, h)
			}
			if got := verified(t, n); got != want {
				t.Errorf("digest after resuming = %s, want %s", got, want)
			}
			for _, row := range rowsOf(t, n) {
				if row.State != "complete" {
					t.Errorf("%s is %s after resuming", row.Title, row.State)
				}
			}
		})
	}
}

// wantUnfinished expects that the newest report is shown as cut short, and its
// objects as RED.
func wantUnfinished(t testing.TB, n *Node) {
	t.Helper()
	row := rowsOf(t, n)[0]
	if row.State != "unfinished" || row.TLP != "RED" && row.TLP != "TLP:RED" {
		t.Errorf("report cut short is %s, %s; want unfinished, RED", row.State, row.TLP)
	}
	d, err := n.Report(context.Background(), row.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range d.Items {
		if o.TLP != row.TLP {
			t.Errorf("object %s of an unfinished report is shown as %s", o.ID, o.TLP)
		}
	}
}

func TestVersions(t *testing.T) {
	t.Parallel()
	ip := func(value, more string) string {
		return fmt.Sprintf(`{"type":"ipv4-addr","spec_version":"2.1","id":%q,"value":%q%s}`, id("ipv4-addr", 1), value, more)
	}
	old := strings.Replace(indicator(5, january, "five", ""), `"spec_version":"2.1",`, "", 1)
	old = strings.Replace(old, `"pattern_type":"stix",`, `"labels":["malicious-activity"],`, 1)
	for _, tt := range []struct {
		name      string
		a, b      string
		want      report.Result // of b
		variants  int           // of the object
		conflicts int
	}{
		{"same bytes", indicator(1, january, "one", ""), indicator(1, january, "one", ""), report.Result{Received: 1, Known: 1}, 1, 0},
		{"same content, other bytes", indicator(1, january, "one", ""), " " + strings.Replace(indicator(1, january, "one", ""), `":"`, `" : "`, 3), report.Result{Received: 1, Known: 1}, 1, 0},
		{"later version", indicator(1, january, "one", ""), indicator(1, february, "one", ""), report.Result{Received: 1, New: 1}, 2, 0},
		{"conflict", indicator(1, january, "one", ""), indicator(1, january, "another", ""), report.Result{Received: 1, Conflicting: 1}, 2, 2},
		{"observable, same content", ip("192.0.2.1", ""), strings.Replace(ip("192.0.2.1", ""), ",", " , ", 2), report.Result{Received: 1, Known: 1}, 1, 0},
		{"observable, variant", ip("192.0.2.1", ""), ip("192.0.2.1", `,"defanged":true`), report.Result{Received: 1, New: 1}, 2, 0},
		{"two forms of one version", old, indicator(5, january, "five", ""), report.Result{Received: 1, New: 1}, 2, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			n := reopen(t, Config{Clock: tick()})
			defer closeNode(t, n)
			take(t, n, bundle("a", "north", tt.a))
			got := take(t, n, bundle("b", "south", tt.b))
			if diff := cmp.Diff(tt.want, got, cmpopts.IgnoreFields(report.Result{}, "Seconds", "Values", "Reports")); diff != "" {
				t.Errorf("result (-want +got):\n%s", diff)
			}
			of := id("indicator", 1)
			if strings.Contains(tt.a, "ipv4-addr\",") {
				of = id("ipv4-addr", 1)
			}
			if tt.a == old {
				of = id("indicator", 5)
			}
			o, err := n.Object(context.Background(), of, true)
			if err != nil {
				t.Fatal(err)
			}
			conflicts, receipts := 0, 0
			for _, v := range o.Versions {
				receipts += v.Receipts
				if v.Conflicting {
					conflicts++
				}
			}
			if len(o.Versions) != tt.variants || conflicts != tt.conflicts || receipts != 2 {
				t.Errorf("%d variants, %d conflicting, %d receipts; want %d, %d, 2", len(o.Versions), conflicts, receipts, tt.variants, tt.conflicts)
			}
			want := verified(t, n)
			if err := n.Rebuild(context.Background()); err != nil {
				t.Fatal(err)
			}
			if got := verified(t, n); got != want {
				t.Errorf("digest after rebuild = %s, want %s", got, want)
			}
		})
	}
}
