package node

import (
	"slices"
	"strings"
	"testing"

	"casus/internal/core/alliance"
	"casus/internal/core/report"
	"casus/internal/event"
	"casus/internal/eventlog"
)

// TestAuthorOfReports hands in and retries as a person: every entry that is written
// for it names the person, the role and the token, and nobody else.
func TestAuthorOfReports(t *testing.T) {
	t.Parallel()
	n := peopled(t)
	from, _, err := n.log.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	analyst, officer, admin := as(t, n, alliance.Analyst), as(t, n, alliance.DutyOfficer), as(t, n, alliance.Administrator)
	set := func(column string) {
		t.Helper()
		if err := n.SetSource(admin, report.Source{Name: "feed", Map: map[string]string{column: "value"}}); err != nil {
			t.Fatal(err)
		}
	}
	set("was")
	res, err := n.Import(analyst, report.Request{Source: "feed", Name: "list.csv", Format: report.CSV}, strings.NewReader("wert,wo\n198.51.100.9,here\n198.51.100.10,there\n"), nil)
	if err != nil || res.Quarantined != 1 {
		t.Fatalf("Import = %+v, %v, want it set aside", res, err)
	}
	items, err := n.Quarantine(analyst, res.Reports[0].ID)
	if err != nil || len(items) != 1 {
		t.Fatalf("Quarantine = %+v, %v, want one piece", items, err)
	}
	if res, err = n.Import(officer, report.Request{Name: "again.csv"}, strings.NewReader("value\n198.51.100.9\n"), nil); err != nil || res.New+res.Known != 1 {
		t.Fatalf("Import = %+v, %v, want one object", res, err)
	}
	set("wert")
	if res, err = n.Retry(analyst, items[0].ID); err != nil || res.Received != 2 {
		t.Fatalf("Retry = %+v, %v, want two objects", res, err)
	}
	authors := map[event.Kind][]string{}
	if err := eventlog.Each(t.Context(), n.log, from+1, func(st eventlog.Stored) error {
		if by, _, ok := strings.Cut(st.Header.Author, "/token:"); ok && !slices.Contains(authors[st.Header.Kind], by) {
			authors[st.Header.Kind] = append(authors[st.Header.Kind], by)
		} else if !ok {
			authors[st.Header.Kind] = append(authors[st.Header.Kind], st.Header.Author)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	both := []string{"person:analyst/analyst", "person:duty-officer/duty-officer"}
	for kind, want := range map[event.Kind][]string{
		event.ReportOpened: both, event.ReportOriginal: both, event.ReportClosed: both, event.Quarantined: both[:1],
		event.ObjectReceived: {both[1], both[0]}, event.QuarantineRetried: both[:1],
	} {
		if got := authors[kind]; !slices.Equal(got, want) {
			t.Errorf("authors of %v = %q, want %q", kind, got, want)
		}
	}
	before, err := n.Verify(admin)
	if err != nil || !before.OK {
		t.Fatalf("Verify = %+v, %v", before, err)
	}
	if err := n.Rebuild(admin); err != nil {
		t.Fatal(err)
	}
	if after, err := n.Verify(admin); err != nil || after.StateDigest != before.StateDigest {
		t.Errorf("after rebuild %+v, %v, want the digest %s", after, err, before.StateDigest)
	}
}
