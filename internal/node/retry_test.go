package node

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"casus/internal/core/report"
	"casus/internal/eventlog"
	"casus/internal/fault"
	"casus/stix"
	"casus/tlp"
)

func setSource(t *testing.T, n *Node, src report.Source) {
	t.Helper()
	if err := n.SetSource(t.Context(), src); err != nil {
		t.Fatal(err)
	}
}

// onlyItem returns the one piece that a report has set aside.
func onlyItem(t *testing.T, n *Node, res report.Result) report.Quarantined {
	t.Helper()
	items, err := n.Quarantine(t.Context(), res.Reports[0].ID)
	if err != nil || len(items) != 1 {
		t.Fatalf("Quarantine = %+v, %v, want one piece", items, err)
	}
	return items[0]
}

// TestResumeAsBegun changes what holds for a source, and what is asked for,
// between the halves of a report.
func TestResumeAsBegun(t *testing.T) {
	t.Parallel()
	var body strings.Builder
	body.WriteString("wert,quelle\n")
	for i := range 2000 {
		fmt.Fprintf(&body, "198.51.%d.%d,c2-%d.example\n", i/250, i%250, i)
	}
	h := hand{report.Request{Source: "feed", Name: "list.csv"}, []byte(body.String())}
	c := onDisk(t)
	ctx, cancel := context.WithCancelCause(context.Background())
	s := &stopper{point: "chunk", at: 1, action: func() { cancel(errCut) }}
	c.Hook = s.hook
	n := fresh(t, c)
	setSource(t, n, report.Source{Name: "feed", Map: map[string]string{"wert": "value"}})
	if _, err := h.in(ctx, n); err == nil {
		t.Fatal("the import was not cut short")
	}
	closeNode(t, n)
	c.Hook = nil
	n = reopen(t, c)
	defer closeNode(t, n)
	green := tlp.Green
	setSource(t, n, report.Source{Name: "feed", TLP: &green, Map: map[string]string{"quelle": "value"}})
	for name, req := range map[string]report.Request{
		"label":  {Source: "feed", Name: "list.csv", TLP: &green},
		"map":    {Source: "feed", Name: "list.csv", Map: map[string]string{"quelle": "value"}},
		"format": {Source: "feed", Name: "list.csv", Format: report.Text},
	} {
		if _, err := (hand{req, h.body}).in(t.Context(), n); fault.KindOf(err) != fault.Conflict || fault.HintOf(err) == "" {
			t.Errorf("resumed with another %s: %v, want Conflict with a hint", name, err)
		}
	}
	res := take(t, n, h)
	addresses := 0
	err := n.Objects(t.Context(), res.Reports[0].ID, func(o *stix.Object, label string) error {
		switch {
		case label != "TLP:RED":
			t.Errorf("%s is held %s, want TLP:RED as when it was begun", o.ID(), label)
		case o.Type() == "ipv4-addr":
			addresses++
		case o.Type() == "domain-name":
			t.Errorf("%s was read by the new column map", o.String("value"))
		}
		return nil
	})
	if err != nil || addresses != 2000 {
		t.Errorf("%d addresses, %v, want 2000", addresses, err)
	}
}

// TestRetryRow reads a row again when the map of its source has changed: behind
// the heading of its table.
func TestRetryRow(t *testing.T) {
	t.Parallel()
	n := inMemory(t)
	setSource(t, n, report.Source{Name: "feed", Map: map[string]string{"wert": "value", "stufe": "tlp"}})
	h := hand{report.Request{Source: "feed", Name: "list.csv"}, []byte("stufe;quelle;wert\ngreen;a.example;192.0.2.1\ngelb;b.example;192.0.2.2\n")}
	item := onlyItem(t, n, take(t, n, h))
	setSource(t, n, report.Source{Name: "feed", Map: map[string]string{"wert": "value"}})
	res, err := n.Retry(t.Context(), item.ID)
	if err != nil {
		t.Fatal(err)
	}
	if res.Quarantined != 0 || res.Reports[0].Format != report.CSV {
		t.Errorf("Retry = %+v, want a table read whole", res)
	}
	got := labels(t, n, res)
	if _, ok := got["192.0.2.2"]; !ok {
		t.Errorf("objects of the row = %v, want 192.0.2.2", got)
	}
	if _, ok := got["b.example"]; ok {
		t.Errorf("objects of the row = %v, want the mapped column alone", got)
	}
}

// TestRetryAsAsked reads a piece again that came with a format and a map of its
// own, in which it still cannot be read.
func TestRetryAsAsked(t *testing.T) {
	t.Parallel()
	n := inMemory(t)
	for name, tt := range map[string]struct {
		req  report.Request
		body string
		want string
	}{
		"csv": {
			report.Request{Source: "csv", Name: "list", Format: report.CSV, Map: map[string]string{"wert": "value", "stufe": "tlp"}},
			"stufe,wert\ngreen,192.0.2.1\ngelb,192.0.2.2\n", `line 2, column stufe: "gelb" is no label of TLP`,
		},
		"lines": {
			report.Request{Source: "lines", Name: "list", Format: report.Lines, Map: map[string]string{"wert": "value", "stufe": "tlp"}},
			`{"stufe":"green","wert":"192.0.2.1"}` + "\n" + `{"stufe":"gelb","wert":"192.0.2.2"}` + "\n", `"gelb" is no label of TLP`,
		},
	} {
		item := onlyItem(t, n, take(t, n, hand{tt.req, []byte(tt.body)}))
		if _, err := n.Retry(t.Context(), item.ID); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: Retry = %v, want %q", name, err, tt.want)
		}
	}
}

// TestRetryWholeFile reads a file again that was set aside whole and is longer
// than one piece.
func TestRetryWholeFile(t *testing.T) {
	t.Parallel()
	n := inMemory(t)
	setSource(t, n, report.Source{Name: "feed", Map: map[string]string{"falsch": "value"}})
	const rows = 300
	var body strings.Builder
	body.WriteString("wert,text\n")
	for i := range rows {
		fmt.Fprintf(&body, "198.51.%d.%d,%s\n", i/250, i%250, strings.Repeat("lang ", eventlog.MaxWholeBytes/5/(rows/2)))
	}
	item := onlyItem(t, n, take(t, n, hand{report.Request{Source: "feed", Name: "list.csv"}, []byte(body.String())}))
	setSource(t, n, report.Source{Name: "feed", Map: map[string]string{"wert": "value"}})
	res, err := n.Retry(t.Context(), item.ID)
	if err != nil {
		t.Fatal(err)
	}
	addresses := 0
	for value := range labels(t, n, res) {
		if strings.HasPrefix(value, "198.51.") {
			addresses++
		}
	}
	if addresses != rows || res.Quarantined != 0 {
		t.Errorf("Retry of a file of %d bytes: %d addresses, %d set aside, want %d and none", body.Len(), addresses, res.Quarantined, rows)
	}
	if item, err := n.QuarantineItem(t.Context(), item.ID); err != nil || !item.Done {
		t.Errorf("the piece after its retry = %+v, %v, want it done", item, err)
	}
}

// TestReadAnew hands a table in again after the map of its source was corrected.
func TestReadAnew(t *testing.T) {
	t.Parallel()
	table := hand{report.Request{Source: "feed", Name: "list.csv"}, []byte("wert,quelle,ip\nsaw it,c2.example,198.51.100.21\n")}
	fits := hand{report.Request{Source: "feed", Name: "other.csv"}, []byte("ip,comment\n198.51.100.22,seen\n")}
	same := hand{report.Request{Source: "feed", Name: "same.csv"}, []byte("ip,quelle\n198.51.100.23,198.51.100.24\n")}
	object := hand{report.Request{Source: "feed", Name: "one.json"}, []byte(indicator(1, january, "one", ""))}
	n := reopen(t, Config{Clock: tick()})
	defer closeNode(t, n)
	ids := map[string]string{}
	for _, h := range []hand{table, fits, same, object} {
		ids[h.req.Name] = take(t, n, h).Reports[0].ID
	}
	expect := func(h hand, known bool, earlier string, received int) string {
		t.Helper()
		res := take(t, n, h)
		if r := res.Reports[0]; r.Known != known || r.Earlier != earlier || r.Received != received || known && res.New > 0 {
			t.Errorf("%s: %+v, want known %t, earlier %q and %d received", h.req.Name, res, known, earlier, received)
		}
		return res.Reports[0].ID
	}
	expect(table, true, "", 1)
	setSource(t, n, report.Source{Name: "feed", Map: map[string]string{"ip": "value", "quelle": "domain"}})
	second := expect(table, false, ids["list.csv"], 2)
	if second == ids["list.csv"] {
		t.Errorf("what was read anew is the report %s of before", second)
	}
	if got := expect(table, true, "", 2); got != second {
		t.Errorf("handed in a third time it is %s, want %s", got, second)
	}
	for h, received := range map[*hand]int{&fits: 2, &object: 1} { // the map does not fit, or says nothing
		if got := expect(*h, true, "", received); got != ids[h.req.Name] {
			t.Errorf("%s is %s, want %s", h.req.Name, got, ids[h.req.Name])
		}
	}
	setSource(t, n, report.Source{Name: "feed", Map: map[string]string{"ip": "value"}})
	expect(same, true, "", 1) // the map gives what the names of the columns gave
	setSource(t, n, report.Source{Name: "feed", Map: map[string]string{}})
	if got := expect(table, true, "", 1); got != ids["list.csv"] {
		t.Errorf("without a map it is %s, want %s", got, ids["list.csv"])
	}
	asked := table
	asked.req.Map = map[string]string{"quelle": "domain"}
	expect(asked, false, ids["list.csv"], 1)
	before := verified(t, n)
	if err := n.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := verified(t, n); got != before {
		t.Errorf("digest after rebuild = %s, want %s", got, before)
	}
}

// TestUnknownField maps a column to no field: nothing is stored.
func TestUnknownField(t *testing.T) {
	t.Parallel()
	n := reopen(t, Config{Clock: tick()})
	defer closeNode(t, n)
	bogus := map[string]string{"wert": "bogus"}
	calls := map[string]func() error{
		"source": func() error { return n.SetSource(t.Context(), report.Source{Name: "feed", Map: bogus}) },
		"import": func() error {
			_, err := n.Import(t.Context(), report.Request{Map: bogus}, strings.NewReader("wert\n198.51.100.9\n"), nil)
			return err
		},
		"paths": func() error {
			_, err := n.ImportPaths(t.Context(), report.Request{Map: bogus}, []string{t.TempDir()}, nil)
			return err
		},
	}
	for name, call := range calls {
		err := call()
		if fault.KindOf(err) != fault.Invalid || err == nil || !strings.Contains(err.Error(), `mapped to "bogus"`) || !strings.Contains(fault.HintOf(err), "user_agent, value") {
			t.Errorf("%s: %v (hint %q), want Invalid with the fields that are known", name, err, fault.HintOf(err))
		}
	}
	if rows, _, err := n.Reports(t.Context(), "", "", "", 10); err != nil || len(rows) > 0 {
		t.Errorf("Reports = %v, %v, want none", rows, err)
	}
}
