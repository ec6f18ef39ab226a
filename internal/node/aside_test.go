package node

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"casus/internal/core/report"
	"casus/internal/event"
	"casus/internal/eventlog"
	"casus/stix"
)

// broken returns rows of which all but every tenth cannot be read; one is too
// long for an entry.
func broken(n int) hand {
	var b strings.Builder
	for i := range n {
		switch {
		case i == n/2:
			fmt.Fprintf(&b, "{\"type\":\"ipv4-addr\",\"value\":\"%s\"}\n", strings.Repeat("x", 2*eventlog.MaxWholeBytes))
		case i%10 == 0:
			fmt.Fprintf(&b, `{"type":"ipv4-addr","spec_version":"2.1","id":%q,"value":"198.51.%d.%d"}`+"\n", id("ipv4-addr", i), i/250, i%250)
		default:
			fmt.Fprintf(&b, "{\"type\":\"ipv4-addr\",\"no\":%d}\n", i)
		}
	}
	return hand{report.Request{Source: "feed", Name: "broken.ndjson", Format: report.STIX}, []byte(b.String())}
}

// places returns where the pieces lie that a node has set aside, in order.
func places(t *testing.T, n *Node) []string {
	t.Helper()
	items, err := n.Quarantine(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	got := make([]string, len(items))
	for i := range items {
		got[i] = items[i].Place
	}
	return got
}

// appends returns how many pieces are in the log, and in how many Appends: each
// has a key.
func appends(t *testing.T, n *Node) (entries, appends int) {
	t.Helper()
	err := eventlog.Each(t.Context(), n.log, 0, func(s eventlog.Stored) error {
		if s.Header.Kind == event.Quarantined {
			entries++
			if s.Header.Key != "" {
				appends++
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return entries, appends
}

// TestManyAsides takes in a file that is broken nearly everywhere, whole and cut
// short after each Append of pieces.
func TestManyAsides(t *testing.T) {
	t.Parallel()
	const rows = 1200
	h := broken(rows)
	whole := inMemory(t)
	res := take(t, whole, h)
	want := places(t, whole)
	if res.Quarantined != rows*9/10+1 || len(want) != res.Quarantined {
		t.Fatalf("%d set aside, %d listed, want %d", res.Quarantined, len(want), rows*9/10+1)
	}
	entries, made := appends(t, whole)
	if entries != len(want) || made > 8 {
		t.Errorf("%d pieces in %d Appends, want %d in 8 at most: each is an fsync", entries, made, len(want))
	}
	for at := 1; at < made; at++ {
		c := onDisk(t)
		ctx, cancel := context.WithCancelCause(context.Background())
		s := &stopper{point: "aside", at: at, action: func() { cancel(errCut) }}
		c.Hook = s.hook
		n := fresh(t, c)
		if _, err := h.in(ctx, n); err == nil {
			if s.count("aside") < at {
				closeNode(t, n)
				break
			}
			t.Errorf("cut short after %d Appends: the import went on", at)
		}
		closeNode(t, n)
		c.Hook = nil
		n = reopen(t, c)
		take(t, n, h)
		if diff := cmp.Diff(want, places(t, n)); diff != "" {
			t.Errorf("cut short after %d Appends, set aside (-want +got):\n%s", at, diff)
		}
		closeNode(t, n)
	}
}

// TestFullChunk takes in a chunk that is nearly full when its last object comes,
// which is as long as an object may be that is stored with others.
func TestFullChunk(t *testing.T) {
	t.Parallel()
	for _, last := range []int{60 << 10, 70 << 10, 120 << 10, 128<<10 - 200} {
		var b strings.Builder
		row := func(i, n int) {
			fmt.Fprintf(&b, `{"type":"file","spec_version":"2.1","id":%q,"name":"%s"}`+"\n", id("file", i), strings.Repeat("x", n))
		}
		for i := range 8 {
			row(i, 56<<10-200)
		}
		row(8, last)
		n := inMemory(t)
		if res := take(t, n, hand{report.Request{Name: "full.ndjson"}, []byte(b.String())}); res.Received != 9 || res.Quarantined != 0 {
			t.Errorf("last object of %d bytes: %d received, %d set aside, want 9 and 0", last, res.Received, res.Quarantined)
		}
	}
}

// TestResumeBetweenLongs cuts a report short between two objects of one chunk that
// are stored alone.
func TestResumeBetweenLongs(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i, n := range []int{70 << 10, 300 << 10, 70 << 10, 10} {
		fmt.Fprintf(&b, `{"type":"file","spec_version":"2.1","id":%q,"name":"%s"}`+"\n", id("file", i), strings.Repeat("x", n))
	}
	h := hand{report.Request{Name: "long.ndjson"}, []byte(b.String())}
	for at := 1; at <= 3; at++ {
		c := onDisk(t)
		ctx, cancel := context.WithCancelCause(context.Background())
		s := &stopper{point: "long", at: at, action: func() { cancel(errCut) }}
		c.Hook = s.hook
		n := fresh(t, c)
		if _, err := h.in(ctx, n); err == nil {
			t.Errorf("the import was not cut short after %d", at)
		}
		closeNode(t, n)
		c.Hook = nil
		n = reopen(t, c)
		res := take(t, n, h)
		var got []string
		err := n.Objects(t.Context(), res.Reports[0].ID, func(o *stix.Object, _ string) error {
			got = append(got, o.ID())
			return nil
		})
		slices.Sort(got)
		want := []string{id("file", 0), id("file", 1), id("file", 2), id("file", 3)}
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("cut short after %d, %v, objects (-want +got):\n%s", at, err, diff)
		}
		closeNode(t, n)
	}
}
