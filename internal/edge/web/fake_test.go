package web

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"casus/internal/core/report"
	"casus/internal/fault"
	"casus/tlp"
)

// fake is a store of a few written reports, all of fictional members.
type fake struct {
	rows    []report.Row
	details map[string]report.Detail
	matches map[string]report.Matches
	objects map[string]report.Object
	aside   map[string][]report.Quarantined
	sources []report.Source
	found   func(q string) report.Found

	mu       sync.Mutex // guards the fields below
	imported []imported
	set      []report.Source
	fail     error // what every read answers, if set
	refuse   bool  // imports find the disk full

	hold chan struct{} // imports wait for it after their first progress, if set
}

type imported struct {
	Req  report.Request
	Name string
	Body string
}

func (f *fake) Reports(_ context.Context, q, source, _ string, limit int) ([]report.Row, string, error) {
	if f.fail != nil {
		return nil, "", f.fail
	}
	var rows []report.Row
	for _, r := range f.rows {
		if (source == "" || r.Source == source) && strings.Contains(strings.ToLower(r.Title), strings.ToLower(q)) && len(rows) < limit {
			rows = append(rows, r)
		}
	}
	next := ""
	if len(f.rows) > 12 && q == "" && source == "" {
		next = "c2VhbGVk"
	}
	return rows, next, nil
}

func (f *fake) Report(_ context.Context, id string) (report.Detail, error) {
	if f.fail != nil {
		return report.Detail{}, f.fail
	}
	d, ok := f.details[id]
	if !ok {
		return d, fault.Errorf(fault.NotFound, "fake: %s: no such report", id)
	}
	return d, nil
}

// Items gives two objects a page, named by where they stand.
func (f *fake) Items(_ context.Context, id, cursor string, _ int) ([]report.ObjectRow, string, error) {
	d := f.details[id]
	for i, at := range []string{"after2", "after4", ""} {
		if cursor == at && at != "" {
			return []report.ObjectRow{{ID: indicatorID, Type: "indicator", Name: "object " + cursor, TLP: "TLP:RED"}, d.Items[0]}, []string{"after4", "", ""}[i], f.fail
		}
	}
	return nil, "", fault.Errorf(fault.Invalid, "fake: cursor is not one of this question")
}

func (f *fake) Match(_ context.Context, id string) (report.Matches, error) {
	return f.matches[id], f.fail
}

func (f *fake) Search(_ context.Context, q, _ string, _ int) (report.Found, error) {
	if f.fail != nil {
		return report.Found{}, f.fail
	}
	return f.found(q), nil
}

func (f *fake) Object(_ context.Context, id string) (report.Object, error) {
	if f.fail != nil {
		return report.Object{}, f.fail
	}
	o, ok := f.objects[id]
	if !ok {
		return o, fault.Errorf(fault.Withheld, "fake: %s: released to others only", id)
	}
	return o, nil
}

func (f *fake) Sources(context.Context) ([]report.Source, error) { return f.sources, f.fail }

func (f *fake) Quarantine(_ context.Context, id string) ([]report.Quarantined, error) {
	return f.aside[id], f.fail
}

func (f *fake) Import(_ context.Context, req report.Request, name string, body io.Reader, progress func(report.Progress)) (report.Result, error) {
	b, err := io.ReadAll(body)
	if err != nil {
		return report.Result{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refuse {
		return report.Result{}, fault.WithHint(fault.Errorf(fault.Unavailable, "fake: disk full"), "make room")
	}
	f.imported = append(f.imported, imported{req, name, string(b)})
	if progress != nil {
		progress(report.Progress{Name: name, Bytes: int64(len(b)) / 2, Objects: 1204, Quarantined: 3})
	}
	if f.hold != nil {
		<-f.hold
	}
	if strings.Contains(string(b), "unreadable") {
		return report.Result{Received: 1, Quarantined: 1, Reports: []report.ReportRef{{
			Name: name, Received: 1, Problem: "intake: " + name + ": neither STIX, MISP, CSV, mail nor text", Remedy: "say which format it is",
		}}}, nil
	}
	return report.Result{Received: 19, New: 16, Known: 1, Quarantined: 2, Values: 14, Reports: []report.ReportRef{{
		ID: "RPT-7K2M-9XQ4", Name: name, Format: report.STIX, Received: 19, New: 16, Quarantined: 2,
	}}}, nil
}

func (f *fake) SetSource(_ context.Context, s report.Source) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.set = append(f.set, s)
	return nil
}

// now is the time on every page of these tests.
func now() time.Time { return time.Date(2026, 11, 22, 14, 32, 19, 0, time.UTC) }

// handler returns the pages over a store.
func newPages(t testing.TB, f *fake, opt Options) http.Handler {
	t.Helper()
	if opt.Clock == nil {
		opt.Clock = now
	}
	if opt.Audits == nil {
		opt.Audits = f
	}
	if opt.Releases == nil {
		opt.Releases = f
	}
	h, err := New(f, f, opt)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

const (
	indicatorID = "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"
	malwareID   = "malware--31b940d4-6f7f-459a-80ea-9c1f17b5891b"
	digest      = "9c1f3ab04d6e2f718e55c0aa17d2b9043e6f81c2d5a7b3908f1e2d3c4b5ae07b"
)

func story() *fake {
	amber, green := tlp.AmberStrict, tlp.Green
	f := &fake{details: map[string]report.Detail{}, matches: map[string]report.Matches{}, objects: map[string]report.Object{}, aside: map[string][]report.Quarantined{}}
	f.sources = []report.Source{
		{Name: "Calder grid desk", TLP: &amber, Zone: "Etc/GMT-2", Trust: "A", Reports: 14, Last: "2026-11-22T14:31:50Z"},
		{Name: "CERT Aldera", TLP: &amber, Trust: "B", Reports: 312, Last: "2026-11-22T13:58:00Z"},
		{Name: "CERT Marrow", TLP: &green, Trust: "B", Reports: 118, Last: "2026-11-22T09:12:00Z"},
		{Name: "CERT Ostavia", Reports: 404, Trust: "C", Last: "2026-11-21T22:40:00Z"},
		{Name: "Harbour watch", TLP: &green, Reports: 61, Last: "2026-11-20T10:01:00Z"},
		{Name: "local", Reports: 9, Last: "2026-11-22T12:02:00Z"},
		{Name: "Open feeds", TLP: new(tlp.Clear), Trust: "D", Purpose: "defence of networks", Basis: "GDPR Art. 6(1)(e)", Retention: "indicator-90d", Reports: 286, Last: "2026-11-22T14:00:00Z"},
	}
	titles := []struct {
		title, source, at string
		format            report.Format
		label             string
		imputed           bool
		objects, aside    int
	}{
		{"Grid wiper staging hosts, northern operators", "Calder grid desk", "2026-11-22T14:31:50Z", report.STIX, "TLP:AMBER+STRICT", false, 19, 2},
		{"Daily list of scanning addresses", "Open feeds", "2026-11-22T14:00:00Z", report.CSV, "TLP:CLEAR", true, 412, 0},
		{"TIN LANTERN: second wave against substations", "CERT Aldera", "2026-11-22T13:58:00Z", report.MISP, "TLP:AMBER", false, 87, 0},
		{"Phone note: outage at Kestrel Bay substation", "local", "2026-11-22T12:02:00Z", report.Text, "TLP:AMBER+STRICT", true, 3, 0},
		{"Lure with tariff notice, three attachments", "CERT Marrow", "2026-11-22T09:12:00Z", report.Mail, "TLP:GREEN", false, 11, 1},
		{"Wiper build 0.9, file hashes and mutexes", "CERT Ostavia", "2026-11-21T22:40:00Z", report.STIX, "TLP:AMBER", true, 42, 0},
		{"Access broker offers grid credentials", "CERT Ostavia", "2026-11-21T08:05:00Z", report.MISP, "TLP:AMBER+STRICT", false, 28, 0},
		{"AIS spoofing off the Marrow coast", "Harbour watch", "2026-11-20T10:01:00Z", report.Lines, "TLP:GREEN", true, 230, 4},
		{"Resolver abuse at two ministries", "CERT Aldera", "2026-11-19T17:33:00Z", report.STIX, "TLP:AMBER", false, 64, 0},
		{"Weekly vulnerabilities exploited in the field", "Open feeds", "2026-11-18T06:00:00Z", report.CSV, "TLP:CLEAR", true, 96, 0},
		{"SALT MERIDIAN: port terminals, command hosts", "CERT Marrow", "2026-11-16T15:20:00Z", report.STIX, "TLP:GREEN", false, 51, 0},
		{"Password spraying from rented machines", "CERT Aldera", "2026-11-14T11:47:00Z", report.MISP, "TLP:AMBER", false, 133, 0},
		{"Sightings of QUIET ORCHARD loader", "CERT Ostavia", "2026-11-12T20:15:00Z", report.STIX, "TLP:AMBER", false, 22, 0},
		{"Archive of last year’s campaign", "CERT Marrow", "2025-10-02T09:00:00Z", report.STIX, "TLP:GREEN", false, 1840, 12},
	}
	for i, x := range titles {
		r := report.Row{
			ID: fmt.Sprintf("RPT-%s-9XQ4", []string{"7K2M", "2HQ8", "5DM1", "8RT3", "1WZ7", "4CN6", "6GP9", "3BV5", "9LS2", "7JX4", "2KF8", "5QY1", "8HM3", "1TD7"}[i]), Title: x.title, Source: x.source, Format: x.format,
			TLP: x.label, Imputed: x.imputed, Exercise: true, State: "complete", Received: x.at, Objects: x.objects, Values: x.objects * 3 / 4,
			Quarantined: x.aside, Size: int64(x.objects) * 948, Digest: digest,
		}
		f.rows = append(f.rows, r)
		f.details[r.ID] = report.Detail{Row: r, Name: "report.json"}
	}
	f.rows[3].State = "unfinished"
	f.oneReport()
	f.oneObject()
	f.found = func(q string) report.Found {
		return report.Found{
			Query: q, Total: 4, Kind: "value", Sentence: "4 mentions among 1,204 reports readable to you, from 7 sources.",
			Hits: []report.Hit{
				{ID: indicatorID, Type: "indicator", Value: "203.0.113.44", Report: f.rows[0].ID, Title: f.rows[0].Title, Source: f.rows[0].Source, FirstSeen: "2026-11-22T11:02:00Z", LastSeen: "2026-11-22T13:40:00Z", TimeBasis: "event", Why: "equal value; rare: 3 of 1,204 reports mention it", TLP: "TLP:AMBER+STRICT"},
				{ID: "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4", Type: "ipv4-addr", Value: "203.0.113.44", Report: f.rows[2].ID, Title: f.rows[2].Title, Source: f.rows[2].Source, FirstSeen: "2026-11-14T09:00:00Z", LastSeen: "2026-11-22T06:10:00Z", TimeBasis: "event", Why: "equal value", TLP: "TLP:AMBER"},
				{ID: "observed-data--b67d30ff-02ac-498a-92f9-32f845f448cf", Type: "observed-data", Value: "203.0.113.44", Report: f.rows[5].ID, Title: f.rows[5].Title, Source: f.rows[5].Source, FirstSeen: "2026-11-21T22:40:00Z", LastSeen: "2026-11-21T22:40:00Z", TimeBasis: "receipt", Why: "equal value", TLP: "TLP:AMBER"},
				{ID: f.rows[6].ID, Type: "report", Value: "203.0.113.0/24", Report: f.rows[6].ID, Title: f.rows[6].Title, Source: f.rows[6].Source, FirstSeen: "2026-11-21T08:05:00Z", LastSeen: "2026-11-21T08:05:00Z", TimeBasis: "receipt", Why: "the range holds it", TLP: "TLP:AMBER+STRICT"},
			},
		}
	}
	return f
}

// oneReport fills the first report: what came in, matches and what was set aside.
func (f *fake) oneReport() {
	r := f.rows[0]
	r.Own = true
	f.details[r.ID] = report.Detail{
		Next: "after2",
		Row:  r, Name: "grid-wiper-staging.json",
		Types: []report.TypeCount{{Type: "indicator", Count: 9}, {Type: "ipv4-addr", Count: 3}, {Type: "relationship", Count: 3}, {Type: "malware", Count: 2}, {Type: "attack-pattern", Count: 1}, {Type: "identity", Count: 1}},
		Items: []report.ObjectRow{
			{ID: malwareID, Type: "malware", Name: "LANTERN WIPER", TLP: "TLP:AMBER+STRICT", Version: "2026-11-22T11:02:00Z"},
			{ID: indicatorID, Type: "indicator", Name: "[ipv4-addr:value = '203.0.113.44']", TLP: "TLP:AMBER+STRICT", Version: "2026-11-22T11:02:00Z"},
			{ID: "indicator--00000000-0000-4000-8000-000000000002", Type: "indicator", Name: "[file:hashes.'SHA-256' = '" + digest + "']", TLP: "TLP:AMBER+STRICT", Version: "2026-11-22T11:02:00Z"},
			{ID: "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4", Type: "ipv4-addr", Name: "203.0.113.44", TLP: "TLP:AMBER", Version: "2026-11-21T09:00:00Z"},
			{ID: "attack-pattern--00000000-0000-4000-8000-000000000003", Type: "attack-pattern", Name: "Disk structure wipe", TLP: "TLP:CLEAR", Version: "2024-05-02T09:00:00Z"},
			{ID: "identity--00000000-0000-4000-8000-000000000004", Type: "identity", Name: "Kestrel Bay Power", TLP: "TLP:AMBER+STRICT", Version: "2026-11-22T11:02:00Z"},
		},
	}
	f.matches[r.ID] = report.Matches{
		Report:  r.ID,
		Summary: report.MatchSummary{Values: 14, Matched: 5, Common: 2, Reports: 1204, Sources: 7, Sentence: "5 of 14 values were reported by 4 others before you; 2 are common and ranked last."},
		Hits: []report.Match{
			{Value: "203.0.113.44", Type: "ipv4-addr", Normal: "203.0.113.44", Sources: []string{"CERT Aldera", "CERT Marrow", "CERT Ostavia", "Harbour watch"}, Reports: []string{f.rows[2].ID, f.rows[5].ID, f.rows[6].ID}, Count: 3, FirstSeen: "2026-11-14T09:00:00Z", LastSeen: "2026-11-22T06:10:00Z", TimeBasis: "event", Why: "rare: 4 of 1,204 reports mention it", Rarity: 4},
			{Value: digest, Type: "sha256", Normal: digest, Sources: []string{"CERT Ostavia"}, Reports: []string{f.rows[5].ID}, Count: 1, FirstSeen: "2026-11-21T22:40:00Z", LastSeen: "2026-11-21T22:40:00Z", TimeBasis: "receipt", Why: "the same file: equal SHA-256 in RPT-4CN6-9XQ4", Rarity: 2},
			{Value: "svc-upd.example", Type: "domain-name", Normal: "svc-upd.example", Sources: []string{"CERT Aldera"}, Reports: []string{f.rows[2].ID}, Count: 1, FirstSeen: "2026-11-12T00:00:00Z", LastSeen: "2026-11-12T00:00:00Z", TimeBasis: "event", Why: "rare: 2 of 1,204 reports mention it", Rarity: 2},
			{Value: "T1561.002", Type: "technique", Normal: "T1561.002", Sources: []string{"CERT Aldera", "CERT Marrow", "CERT Ostavia"}, Reports: []string{f.rows[2].ID}, Count: 41, FirstSeen: "2024-03-01T00:00:00Z", LastSeen: "2026-11-22T00:00:00Z", TimeBasis: "event", Noise: "common alone: a technique in 41 reports", Rarity: 41},
			{Value: "192.0.2.53", Type: "ipv4-addr", Normal: "192.0.2.53", Sources: []string{"Open feeds"}, Reports: []string{f.rows[1].ID}, Count: 96, FirstSeen: "2025-10-01T00:00:00Z", LastSeen: "2026-11-22T00:00:00Z", TimeBasis: "event", Noise: "address range set aside for documentation", Rarity: 97},
		},
		Patterns: []report.PatternMatch{{
			Indicator: indicatorID, Name: "staging host", Pattern: "[ipv4-addr:value = '203.0.113.44'] FOLLOWEDBY [domain-name:value = 'svc-upd.example'] WITHIN 3600 SECONDS",
			Report: f.rows[2].ID, Source: "CERT Aldera", TLP: "TLP:AMBER", Observed: []string{"observed-data--00000000-0000-4000-8000-000000000007"},
		}},
	}
	f.aside[r.ID] = []report.Quarantined{
		{ID: "QRN-4QX9-TD2M", Report: r.ID, Source: r.Source, Name: "grid-wiper-staging.json", Place: "byte 12,204, object 7 (indicator--2b1f…)", Reason: "the name \"pattern\" stands twice in one object", Remedy: "ask the source which of the two it means; retry with the corrected object", Size: 948, TLP: "TLP:AMBER+STRICT", At: r.Received},
		{ID: "QRN-8KM2-1PZ7", Report: r.ID, Source: r.Source, Name: "grid-wiper-staging.json", Place: "byte 15,880, object 11", Reason: "valid_until lies before valid_from", Remedy: "correct the times and hand the object in again", Size: 1021, TLP: "TLP:AMBER+STRICT", At: r.Received},
	}
}

// oneObject fills an indicator, a malware and what they are linked to.
func (f *fake) oneObject() {
	raw := `{"type":"indicator","spec_version":"2.1","id":"` + indicatorID + `","created":"2026-11-22T11:02:00Z","modified":"2026-11-22T11:02:00Z","pattern":"[ipv4-addr:value = '203.0.113.44']","pattern_type":"stix","valid_from":"2026-11-22T11:02:00Z"}`
	f.objects[indicatorID] = report.Object{
		ID: indicatorID, Type: "indicator", Name: "[ipv4-addr:value = '203.0.113.44']", TLP: "TLP:AMBER+STRICT", Raw: []byte(raw),
		Versions: []report.Version{{Key: "2026-11-22T11:02:00Z", Digest: digest, Receipts: 2, Size: len(raw), First: "2026-11-22T14:31:50Z"}, {Key: "2026-11-21T09:00:00Z", Digest: strings.ToUpper(digest), Receipts: 1, Size: 902, First: "2026-11-21T22:40:00Z", Conflicting: true}},
		Values:   []report.Value{{Type: "ipv4", Normal: "203.0.113.44", Count: 4}, {Type: "technique", Normal: "T1561.002", Count: 41, Noise: "common alone: a technique in 41 reports"}},
		Receipts: []report.Receipt{{Report: f.rows[0].ID, Source: f.rows[0].Source, Received: f.rows[0].Received, TLP: "TLP:AMBER+STRICT", Version: "2026-11-22T11:02:00Z"}, {Report: f.rows[2].ID, Source: f.rows[2].Source, Received: f.rows[2].Received, TLP: "TLP:AMBER", Imputed: true, Version: "2026-11-22T11:02:00Z"}, {Report: f.rows[5].ID, Source: f.rows[5].Source, Received: f.rows[5].Received, TLP: "TLP:AMBER", Version: "2026-11-21T09:00:00Z"}},
		Linked: []report.Neighbor{
			{ID: malwareID, Type: "malware", Name: "LANTERN WIPER", How: "relationship indicates, outgoing", Held: true},
			{ID: "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4", Type: "ipv4-addr", Name: "203.0.113.44", How: "shares value", Held: true},
			{ID: "identity--00000000-0000-4000-8000-000000000004", Type: "identity", Name: "Kestrel Bay Power", How: "created_by_ref", Held: true},
			{ID: "report--00000000-0000-4000-8000-000000000005", Type: "report", Name: "Grid wiper staging hosts, northern operators", How: "object_refs, incoming", Held: true},
			{ID: "threat-actor--00000000-0000-4000-8000-000000000006", Type: "threat-actor", How: "relationship attributed-to, outgoing", Held: false},
		},
	}
	f.objects[malwareID] = report.Object{
		ID: malwareID, Type: "malware", Name: "LANTERN WIPER", TLP: "TLP:AMBER",
		Linked: []report.Neighbor{
			{ID: indicatorID, Type: "indicator", Name: "[ipv4-addr:value = '203.0.113.44']", How: "relationship indicates, incoming", Held: true},
			{ID: "attack-pattern--00000000-0000-4000-8000-000000000003", Type: "attack-pattern", Name: "Disk structure wipe", How: "relationship uses, outgoing", Held: true},
			{ID: "intrusion-set--00000000-0000-4000-8000-000000000007", Type: "intrusion-set", Name: "TIN LANTERN", How: "relationship uses, incoming", Held: true},
			{ID: "tool--00000000-0000-4000-8000-000000000011", Type: "tool", Name: "loader", How: "relationship uses, outgoing"},
			{ID: "tool--00000000-0000-4000-8000-000000000012", Type: "tool", Name: "packer", How: "relationship uses, outgoing"},
			{ID: "tool--00000000-0000-4000-8000-000000000013", Type: "tool", Name: "dropper", How: "relationship uses, outgoing"},
			{ID: "tool--00000000-0000-4000-8000-000000000014", Type: "tool", Name: "scanner", How: "relationship uses, outgoing"},
			{ID: "tool--00000000-0000-4000-8000-000000000015", Type: "tool", Name: "tunnel", How: "relationship uses, outgoing"},
			{ID: "tool--00000000-0000-4000-8000-000000000016", Type: "tool", Name: "wiper", How: "relationship uses, outgoing"},
		},
	}
	for id, name := range map[string]string{
		"ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4": "203.0.113.44", "identity--00000000-0000-4000-8000-000000000004": "Kestrel Bay Power",
		"report--00000000-0000-4000-8000-000000000005": "Grid wiper staging hosts, northern operators", "attack-pattern--00000000-0000-4000-8000-000000000003": "Disk structure wipe",
		"intrusion-set--00000000-0000-4000-8000-000000000007": "TIN LANTERN",
	} {
		typ, _, _ := strings.Cut(id, "--")
		f.objects[id] = report.Object{ID: id, Type: typ, Name: name, TLP: "TLP:AMBER", Linked: []report.Neighbor{{ID: "relationship--" + id[len(id)-36:], Type: "relationship", Name: "uses " + name, How: "target_ref, incoming"}}}
	}
}
