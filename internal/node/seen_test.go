package node

import (
	"fmt"
	"testing"

	"casus/internal/core/report"
	"casus/stix"

	"github.com/google/go-cmp/cmp"
)

// plain returns a plain value with the id of STIX's rule.
func plain(t *testing.T, members string) (object, id string) {
	t.Helper()
	id, err := stix.SCOID([]byte("{" + members + "}"))
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf(`{"spec_version":"2.1","id":%q,%s}`, id, members), id
}

// observed returns observed data of objects, seen first in the hour of day day.
func observed(n, day, hour int, refs string) string {
	return fmt.Sprintf(`{"type":"observed-data","spec_version":"2.1","id":%q,"created":%q,"modified":%q,"first_observed":"2026-02-%02dT%02d:00:00Z","last_observed":"2026-02-28T00:00:00Z","number_observed":1,"object_refs":[%s]}`,
		id("observed-data", n), january, january, day, hour, refs)
}

// TestSeenThroughReference asks when plain values were seen, which the observed
// data of the same report tells, before or behind them.
func TestSeenThroughReference(t *testing.T) {
	t.Parallel()
	ip, ipID := plain(t, `"type":"ipv4-addr","value":"192.0.2.77"`)
	name, nameID := plain(t, `"type":"domain-name","value":"seen.example"`)
	file, fileID := plain(t, `"type":"file","hashes":{"MD5":"0123456789abcdef0123456789abcdef"}`)
	as, asID := plain(t, `"type":"autonomous-system","number":64500`)
	lone, _ := plain(t, `"type":"domain-name","value":"lone.example"`)
	refs := fmt.Sprintf("%q,%q,%q,%q", ipID, nameID, fileID, asID)
	first := bundle("first", "north", observed(1, 3, 4, refs), ip, name, file, as, lone)
	second := bundle("second", "south", ip, name, observed(2, 5, 6, fmt.Sprintf("%q", ipID)))

	n := reopen(t, Config{Clock: tick()})
	defer closeNode(t, n)
	take(t, n, first)
	const received, day3, day5 = "receipt", "2026-02-03T04:00:00Z", "2026-02-05T06:00:00Z"
	search := func(q, want string) {
		t.Helper()
		f, err := n.Search(t.Context(), q, "", 10)
		if err != nil || len(f.Hits) == 0 {
			t.Fatalf("Search(%q) = %+v, %v", q, f, err)
		}
		h := f.Hits[len(f.Hits)-1] // the oldest
		if got := h.FirstSeen; want == received && h.TimeBasis != "receipt" || want != received && (got != want || h.LastSeen != want || h.TimeBasis != "event") {
			t.Errorf("Search(%q): seen %s to %s by %s, want %s", q, h.FirstSeen, h.LastSeen, h.TimeBasis, want)
		}
	}
	for _, q := range []string{"192.0.2.77", "seen.example", "0123456789abcdef0123456789abcdef", "AS64500"} {
		search(q, day3)
	}
	search("lone.example", received)

	asked := bundle("asked", "east", ip, name, file, as, lone)
	match := func() map[string]string {
		t.Helper()
		m, err := n.Match(t.Context(), take(t, n, asked).Reports[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, h := range m.Hits {
			if got[h.Normal] = h.TimeBasis; h.TimeBasis == "event" {
				got[h.Normal] = h.FirstSeen + " " + h.LastSeen
			}
		}
		return got
	}
	want := map[string]string{
		"192.0.2.77": day3 + " " + day3, "seen.example": day3 + " " + day3, "0123456789abcdef0123456789abcdef": day3 + " " + day3,
		"AS64500": day3 + " " + day3, "lone.example": "receipt",
	}
	if diff := cmp.Diff(want, match()); diff != "" {
		t.Errorf("matches with one report (-want +got):\n%s", diff)
	}
	take(t, n, second)
	// What the second report tells of the address says nothing of the name.
	want["192.0.2.77"], want["seen.example"] = day3+" "+day5, "receipt"
	if diff := cmp.Diff(want, match()); diff != "" {
		t.Errorf("matches with two reports (-want +got):\n%s", diff)
	}
	before := verified(t, n)
	if err := n.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := verified(t, n); got != before {
		t.Errorf("digest after rebuild = %s, want %s", got, before)
	}
	if diff := cmp.Diff(want, match()); diff != "" {
		t.Errorf("matches after rebuild (-want +got):\n%s", diff)
	}
}

// TestSeenInMISP asks for a value that an event gives as a plain value and as an
// indicator: the indicator tells the time.
func TestSeenInMISP(t *testing.T) {
	t.Parallel()
	n := reopen(t, Config{Clock: tick()})
	defer closeNode(t, n)
	take(t, n, hand{report.Request{Source: "east", Name: "event.json"}, fmt.Appendf(nil, mispEvent, 1, "a MISP event", 1, 7, "comment")})
	res := take(t, n, hand{report.Request{Source: "west", Name: "note.txt"}, []byte("Seen from 203.0.113.7 today.\n")})
	m, err := n.Match(t.Context(), res.Reports[0].ID)
	if err != nil || len(m.Hits) != 1 {
		t.Fatalf("Match = %+v, %v, want one hit", m, err)
	}
	if h := m.Hits[0]; h.TimeBasis != "event" || h.FirstSeen != "2026-03-01T00:00:00Z" {
		t.Errorf("seen %s by %s, want the time of the indicator", h.FirstSeen, h.TimeBasis)
	}
}

// TestSeenInTable asks when the values of tables were seen: a row with no time of
// its own tells nothing but that it came in.
func TestSeenInTable(t *testing.T) {
	t.Parallel()
	n := reopen(t, Config{Clock: tick()})
	defer closeNode(t, n)
	take(t, n, hand{report.Request{Source: "east", Name: "a.csv"}, []byte("value,comment,first_seen,to_ids\n192.0.2.81,seen,,0\n192.0.2.82,seen,2026-02-03T04:00:00Z,0\n192.0.2.83,block,,1\n")})
	asked := take(t, n, hand{report.Request{Source: "west", Name: "note.txt"}, []byte("Seen from 192.0.2.81, 192.0.2.82 and 192.0.2.83 today.\n")})
	want := map[string]string{"192.0.2.81": "receipt", "192.0.2.82": "event", "192.0.2.83": "receipt"}
	m, err := n.Match(t.Context(), asked.Reports[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, h := range m.Hits {
		got[h.Normal] = h.TimeBasis
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("matches (-want +got):\n%s", diff)
	}
	for value, basis := range want {
		f, err := n.Search(t.Context(), value, "", 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range f.Hits {
			if h.Source == "east" && h.TimeBasis != basis {
				t.Errorf("Search(%q): %s by %s, want %s", value, h.Type, h.TimeBasis, basis)
			}
		}
	}
}
