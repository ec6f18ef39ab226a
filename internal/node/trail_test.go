package node

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/google/go-cmp/cmp"

	"casus/internal/audit"
	"casus/internal/core/alliance"
	"casus/internal/event"
	"casus/internal/eventlog"
	"casus/internal/fault"
	"casus/internal/people"
	"casus/stix"
	"casus/tlp"
)

// auditing is a context in which the auditor asks, without a token for each time.
func auditing(t *testing.T) context.Context {
	t.Helper()
	id := people.Identity{Person: "auditor", Role: alliance.Auditor, Org: "AAA/oversight", Scope: people.ScopeRead}
	return people.With(t.Context(), people.Caller{Identity: id})
}

// trailOf returns all of the trail that fits f, newest first.
func trailOf(t *testing.T, n *Node, f audit.Filter) []audit.Entry {
	t.Helper()
	var out []audit.Entry
	for cursor := ""; ; {
		p, err := n.Trail(auditing(t), f, cursor, 7)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, p.Entries...)
		if cursor = p.Next; cursor == "" {
			return out
		}
	}
}

// labelled hands in indicator i under a label, and returns its report.
func labelled(t *testing.T, n *Node, ctx context.Context, i int, name string, label tlp.Label) string {
	t.Helper()
	h := bundle(name, "feed", indicator(i, january, name, ""))
	h.req.TLP = &label
	res, err := n.Import(ctx, h.req, strings.NewReader(string(h.body)), nil)
	if err != nil {
		t.Fatal(err)
	}
	return res.Reports[0].ID
}

// TestReadsLeaveTraces reads in every way what is AMBER and what is CLEAR.
func TestReadsLeaveTraces(t *testing.T) {
	t.Parallel()
	n := peopled(t)
	analyst := as(t, n, alliance.Analyst)
	rep := labelled(t, n, analyst, 1, "copper kettle", tlp.Amber)
	open := labelled(t, n, analyst, 2, "silver kettle", tlp.Clear)
	obj, clear := id("indicator", 1), id("indicator", 2)
	for _, tt := range []struct {
		name, action string
		read         func(ctx context.Context) error
		objects      []string
		query        string
	}{
		{"search", "search", func(ctx context.Context) error { return second(n.Search(ctx, "Kettle", "", 0)) }, []string{obj}, " kettle"},
		{"report", "report", func(ctx context.Context) error { return second(n.Report(ctx, rep)) }, []string{obj}, ""},
		{"items", "report", func(ctx context.Context) error { _, _, err := n.Items(ctx, rep, "", 0); return err }, []string{obj}, ""},
		{"list", "reports", func(ctx context.Context) error { _, _, err := n.Reports(ctx, "", "", "", 0); return err }, nil, ""},
		{"object", "object", func(ctx context.Context) error { return second(n.Object(ctx, obj, false)) }, []string{obj}, ""},
		{"match", "match", func(ctx context.Context) error { return second(n.Match(ctx, rep)) }, []string{obj}, ""},
		{"export", "export", func(ctx context.Context) error {
			return n.Objects(ctx, "", func(*stix.Object, string) error { return nil })
		}, []string{obj}, ""},
	} {
		before := len(trailOf(t, n, audit.Filter{Kind: audit.KindRead, Actor: "duty-officer"}))
		if err := tt.read(as(t, n, alliance.DutyOfficer)); err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		got := trailOf(t, n, audit.Filter{Kind: audit.KindRead, Actor: "duty-officer"})
		if len(got) == before {
			t.Errorf("%s leaves no trace", tt.name)
			continue
		}
		e := got[0]
		want := &event.Given{Action: tt.action, Org: "AAA/csirt", Query: n.trail.Hash(tt.query), Objects: tt.objects, ObjectCount: len(tt.objects), Reports: []string{rep}, ReportCount: 1, TLP: "TLP:AMBER"}
		if diff := cmp.Diff(want, e.Read); diff != "" || e.Role != alliance.DutyOfficer || e.Person != "duty-officer" || e.Token == "" {
			t.Errorf("%s by %s as %s (-want +got):\n%s", tt.name, e.Person, e.Role, diff)
		}
		for filter, f := range map[string]audit.Filter{
			"its report": {Object: rep}, "its action": {Action: tt.action}, "its time": {Since: e.At, Until: e.At.Add(1)},
		} {
			f.Actor = "duty-officer"
			if !slices.ContainsFunc(trailOf(t, n, f), func(x audit.Entry) bool { return x.ID == e.ID }) {
				t.Errorf("%s is not found by %s", tt.name, filter)
			}
		}
		one, err := n.TrailEntry(auditing(t), strings.ToLower(e.ID))
		if err != nil || len(one) != 1 || !cmp.Equal(one[0], e) {
			t.Errorf("%s by its id: %+v, %v", tt.name, one, err)
		}
	}
	if got := trailOf(t, n, audit.Filter{Query: "KETTLE "}); len(got) != 1 || got[0].Read.Action != "search" {
		t.Errorf("by what was searched for: %+v, want the one search", got)
	}
	for _, id := range []string{clear, open} {
		for _, e := range trailOf(t, n, audit.Filter{Object: id}) {
			if !e.Unnamed || !e.Read.Begun { // when it began, an export of everything could not tell
				t.Errorf("reading what is CLEAR leaves %+v", e)
			}
		}
	}
	noWords(t, n, "kettle", "Name of")
	if c, err := n.VerifyTrail(auditing(t)); err != nil || !c.OK || c.Reads == 0 || len(c.Head) != 64 {
		t.Errorf("VerifyTrail() = %+v, %v", c, err)
	}
}

// noWords requires that no entry of the trail holds any of the words.
func noWords(t *testing.T, n *Node, words ...string) {
	t.Helper()
	err := eventlog.Each(t.Context(), n.log, 1, func(st eventlog.Stored) error {
		for _, w := range words {
			if k := st.Header.Kind; (k == event.ReadNoted || k == event.RefusalNoted) && strings.Contains(strings.ToLower(st.Header.Author+string(st.Payload)), strings.ToLower(w)) {
				t.Errorf("entry %d by %s holds %q: %s", st.Seq, st.Header.Author, w, st.Payload)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestEveryRouteLeavesTraces asks for every operation of the API that reads, by
// whatever id it may take: an answer that names what is AMBER stands in the trail.
func TestEveryRouteLeavesTraces(t *testing.T) {
	t.Parallel()
	n := peopled(t)
	analyst := as(t, n, alliance.Analyst)
	h := bundle("amber", "feed", indicator(1, january, "copper", ""), `{"type":"indicator","id":"broken"}`)
	amber := tlp.Amber
	h.req.TLP = &amber
	res, err := n.Import(analyst, h.req, strings.NewReader(string(h.body)), nil)
	if err != nil {
		t.Fatal(err)
	}
	rep, obj := res.Reports[0].ID, id("indicator", 1)
	aside, err := n.Quarantine(analyst, "")
	if err != nil || len(aside) != 1 {
		t.Fatalf("Quarantine() = %v, %v", aside, err)
	}
	face := handlerOf(t, n)
	auth := "Bearer " + tokenOf(t, n, alliance.Analyst)
	found := 0
	for _, o := range append(operations(t, n), "GET /reports", "GET /reports/{id}", "GET /objects/{id}", "GET /objects/{id}/graph", "GET /search") {
		method, path, _ := strings.Cut(o, " ")
		if method != http.MethodGet {
			continue
		}
		for _, with := range []string{rep, obj, aside[0].ID} {
			at := strings.NewReplacer("{id}", url.PathEscape(with), "{key}", "nobody").Replace(path)
			if strings.HasSuffix(path, "/search") {
				at += "?q=copper"
			}
			before := len(trailOf(t, n, audit.Filter{Kind: audit.KindRead, Actor: "analyst"}))
			w := send(t, face, method, at, "", "Authorization", auth)
			body := w.Body.String()
			if w.Code != http.StatusOK || !strings.Contains(body, rep) && !strings.Contains(body, obj) && !strings.Contains(body, aside[0].ID) {
				continue
			}
			found++
			if got := trailOf(t, n, audit.Filter{Kind: audit.KindRead, Actor: "analyst"}); len(got) <= before && got[0].Read.Times < 2 {
				t.Errorf("%s names what is AMBER and leaves no trace", at)
			}
		}
	}
	if found < 10 {
		t.Errorf("%d answers name what is AMBER: too few to tell", found)
	}
}

// TestTrailIsForOversight has everybody ask for the trail.
func TestTrailIsForOversight(t *testing.T) {
	t.Parallel()
	n := peopled(t)
	admin := as(t, n, alliance.Administrator)
	if _, err := n.AddPerson(admin, people.NewPerson{Key: "inner", Org: "AAA/csirt", Name: "Inner", Login: "inner", Posts: []alliance.Post{{Role: alliance.Auditor}}, Password: goodPassword}); err != nil {
		t.Fatal(err)
	}
	m, err := n.Login(t.Context(), people.Credentials{Login: "inner", Password: goodPassword})
	if err != nil {
		t.Fatal(err)
	}
	h := handlerOf(t, n)
	secrets := map[string]string{"inner": m.Secret}
	for _, r := range alliance.Roles() {
		secrets[r.String()] = tokenOf(t, n, r)
	}
	for who, secret := range secrets {
		for _, path := range []string{"/api/v1/audit", "/api/v1/audit/AUD-0000-0000", "/audit", "/audit/AUD-0000-0000"} {
			want, w := http.StatusForbidden, send(t, h, "GET", path, "", "Authorization", "Bearer "+secret)
			switch {
			case who == "auditor" && strings.HasSuffix(path, "audit"):
				want = http.StatusOK
			case who == "auditor":
				want = http.StatusNotFound
			}
			if w.Code != want {
				t.Errorf("%s asks for %s: %d %s, want %d", who, path, w.Code, w.Body, want)
			}
		}
	}
	refused := map[alliance.Key]bool{}
	for _, e := range trailOf(t, n, audit.Filter{Kind: audit.KindRefusal, Action: "GET /api/v1/audit"}) {
		if e.Refusal.Status == http.StatusForbidden {
			refused[e.Person] = true
		}
	}
	pages := trailOf(t, n, audit.Filter{Kind: audit.KindRefusal, Action: "GET /audit", Actor: "administrator"})
	if len(pages) != 2 || pages[0].Refusal.Status != http.StatusForbidden {
		t.Errorf("the administrator's asking for the pages left %+v", pages)
	}
	if len(refused) != len(secrets)-1 || refused["auditor"] {
		t.Errorf("refused on record: %v, want all but the auditor", refused)
	}
	if got := trailOf(t, n, audit.Filter{Kind: audit.KindRead, Action: "audit"}); len(got) == 0 || got[0].Person != "auditor" {
		t.Errorf("that the trail was read left %+v", got)
	}
	for name, got := range map[string]error{
		"cursor": second(n.Trail(auditing(t), audit.Filter{}, "AAAAAAAAAAAAAAAAAAAAAAAAAA", 1)),
		"kind":   second(n.Trail(auditing(t), audit.Filter{Kind: "x"}, "", 1)),
		"time":   second(n.Trail(auditing(t), audit.Filter{Since: n.cfg.Clock(), Until: n.cfg.Clock()}, "", 1)),
	} {
		if fault.KindOf(got) != fault.Invalid {
			t.Errorf("a bad %s: %v, want Invalid", name, got)
		}
	}
}

// TestWithheldIsOnRecord asks for what is withheld and for what is not there: the
// answers are alike, and so is how much the log grows.
func TestWithheldIsOnRecord(t *testing.T) {
	t.Parallel()
	n := peopled(t)
	red := labelled(t, n, as(t, n, alliance.Analyst), 1, "secret", tlp.Red)
	duty := as(t, n, alliance.DutyOfficer)
	grown := func(ask string) event.Seq {
		t.Helper()
		now := n.cfg.Clock()
		if err := n.trail.Flush(t.Context(), now); err != nil {
			t.Fatal(err)
		}
		before, _, err := n.log.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(ask, "--") {
			err = second(n.Object(duty, ask, false))
		} else {
			err = second(n.Report(duty, ask))
		}
		if fault.KindOf(err) != fault.NotFound {
			t.Errorf("%s: %v, want not found", ask, err)
		}
		if err := n.trail.Flush(t.Context(), now); err != nil {
			t.Fatal(err)
		}
		after, _, err := n.log.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return after - before
	}
	for here, absent := range map[string]string{red: "RPT-0000-0000", id("indicator", 1): id("indicator", 9)} {
		if a, b := grown(here), grown(absent); a != 1 || b != 1 {
			t.Errorf("the log grows by %d entries for what is withheld and %d for what is absent, want 1 and 1", a, b)
		}
		got := trailOf(t, n, audit.Filter{Object: here})
		if len(got) != 1 || got[0].Refusal == nil || got[0].Refusal.Status != http.StatusNotFound || got[0].Person != "duty-officer" {
			t.Errorf("trail of %s = %+v, want that it was withheld", here, got)
		}
		if got := trailOf(t, n, audit.Filter{Object: absent}); len(got) != 0 {
			t.Errorf("trail of %s, which is not here, = %+v", absent, got)
		}
	}
}

// TestExportIsOnRecordFirst looks into the log when the first object is given.
func TestExportIsOnRecordFirst(t *testing.T) {
	t.Parallel()
	n := peopled(t)
	analyst := as(t, n, alliance.Analyst)
	var objects []string
	for i := range 150 {
		objects = append(objects, indicator(i+1, january, fmt.Sprint("number ", i), ""))
	}
	amber := tlp.Amber
	h := bundle("many", "feed", objects...)
	h.req.TLP = &amber
	res, err := n.Import(analyst, h.req, strings.NewReader(string(h.body)), nil)
	if err != nil {
		t.Fatal(err)
	}
	last := func() event.Given {
		t.Helper()
		head, _, err := n.log.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		st, err := n.log.Get(t.Context(), head)
		if err != nil {
			t.Fatal(err)
		}
		var a event.Given
		if st.Header.Kind != event.ReadNoted || st.Header.Author != "person:analyst/analyst/token:"+people.CallerOf(analyst).Token {
			t.Fatalf("the last entry is %s by %s", st.Header.Kind, st.Header.Author)
		}
		if err := event.Read(st.Payload, &a); err != nil {
			t.Fatal(err)
		}
		return a
	}
	given := 0
	err = n.Objects(analyst, res.Reports[0].ID, func(*stix.Object, string) error {
		if given++; given == 1 {
			if a := last(); !a.Begun || !slices.Equal(a.Reports, []string{res.Reports[0].ID}) {
				t.Errorf("before the first object the log ends with %+v", a)
			}
		}
		return nil
	})
	a := last()
	if err != nil || a.Begun || a.Cut || a.ObjectCount != 150 || len(a.Objects) != 100 || len(a.Digest) != 64 {
		t.Errorf("after the export (%v) the log ends with %+v, want 150 objects, 100 of them named", err, a)
	}
	unnamed := trailOf(t, n, audit.Filter{Object: id("indicator", 149), Action: "export"})
	if len(unnamed) != 2 || !unnamed[0].Unnamed {
		t.Errorf("trail of an object past the named ones = %+v, want the export marked so", unnamed)
	}
	broken := errors.New("gone away")
	given = 0
	err = n.Objects(analyst, "", func(*stix.Object, string) error {
		if given++; given == 3 {
			return broken
		}
		return nil
	})
	if a := last(); !errors.Is(err, broken) || !a.Cut || a.ObjectCount != 3 {
		t.Errorf("a broken export (%v) ends with %+v, want 3 objects and cut", err, a)
	}
}

// TestRequestsRefused sends requests that are refused at the door.
func TestRequestsRefused(t *testing.T) {
	t.Parallel()
	n := peopled(t)
	h := handlerOf(t, n)
	auth := []string{"Authorization", "Bearer " + tokenOf(t, n, alliance.Administrator)}
	jsonType := []string{"Content-Type", "application/json"}
	for _, tt := range []struct {
		name, method, path, body string
		header                   []string
		want                     event.Refusal
		person                   alliance.Key
	}{
		{"nobody", "GET", "/api/v1/reports/ada%40example.org", "", nil, event.Refusal{Action: "GET /api/v1/reports/*", Status: 401, From: "192.0.2.0/24"}, ""},
		{"page", "GET", "/reports", "", nil, event.Refusal{Action: "GET /reports", Status: 401, From: "192.0.2.0/24"}, ""},
		{"forged token", "GET", "/api/v1/users", "", []string{"Authorization", "Bearer casus_x"}, event.Refusal{Action: "GET /api/v1/users", Status: 401, From: "192.0.2.0/24"}, ""},
		{"role", "GET", "/api/v1/reports", "", auth, event.Refusal{Action: "GET /api/v1/reports", Status: 403, Org: "AAA/csirt"}, "administrator"},
		{"page for the role", "GET", "/search?q=ada", "", auth, event.Refusal{Action: "GET /search", Status: 403, Org: "AAA/csirt"}, "administrator"},
		{"metrics", "GET", "/metrics", "", []string{"Authorization", "Bearer " + tokenOf(t, n, alliance.Analyst)}, event.Refusal{Action: "GET /metrics", Status: 403, Org: "AAA/csirt"}, "analyst"},
		{"other host", "GET", "/sources", "", []string{"Host", "casus.example"}, event.Refusal{Action: "GET /sources", Status: 421, From: "192.0.2.0/24"}, ""},
		{"other site", "POST", "/account/role", "", []string{"Sec-Fetch-Site", "cross-site"}, event.Refusal{Action: "POST /account/role", Status: 403, From: "192.0.2.0/24"}, ""},
		{"wrong password", "POST", "/api/v1/login", `{"login":"analyst","password":"wrong"}`, jsonType, event.Refusal{Action: "POST /api/v1/login", Status: 401, From: "192.0.2.0/24", About: "analyst"}, ""},
		{"strange method", "ADA", "/reports", "", nil, event.Refusal{Action: "? /reports", Status: 401, From: "192.0.2.0/24"}, ""},
	} {
		send(t, h, tt.method, tt.path, tt.body, tt.header...)
		got := trailOf(t, n, audit.Filter{Kind: audit.KindRefusal})
		tt.want.Count = 1
		if len(got) == 0 || !cmp.Equal(*got[0].Refusal, tt.want) || got[0].Person != tt.person {
			t.Errorf("%s: trail begins with %+v, want %+v", tt.name, got, tt.want)
		}
	}
	send(t, h, "POST", "/sign-in", "login=my+secret+word&password=x", "Content-Type", "application/x-www-form-urlencoded")
	got := trailOf(t, n, audit.Filter{Kind: audit.KindRefusal, Action: "POST /sign-in", Actor: audit.Nobody})
	if len(got) != 1 || got[0].Refusal.LoginHash != n.trail.Hash("my secret word") || got[0].Refusal.About != "" {
		t.Errorf("a login that is nobody's left %+v", got)
	}
	for range 7 {
		send(t, h, "POST", "/api/v1/login", `{"login":"delegate","password":"wrong"}`, jsonType...)
	}
	got = trailOf(t, n, audit.Filter{Kind: audit.KindRefusal, Action: "POST /api/v1/login"})
	counts := map[int]int{}
	for _, e := range got {
		counts[e.Refusal.Status] += e.Refusal.Count
	}
	if counts[401] != 6 || counts[429] != 2 {
		t.Errorf("7 guesses and one before left %v, want 6 refused and 2 put off", counts)
	}
	noWords(t, n, "ada", "secret word", "casus_x")
}

// TestActions asks for every operation in a role that may not: the trail names the
// route and nothing of the address.
func TestActions(t *testing.T) {
	t.Parallel()
	n := peopled(t)
	h := handlerOf(t, n)
	named := 0
	for _, o := range operations(t, n) {
		method, path, _ := strings.Cut(o, " ")
		auth := "Bearer " + tokenOf(t, n, alliance.PartnerContact)
		at := strings.NewReplacer("{id}", "ada", "{key}", "ada", "{digest}", "ada").Replace(path)
		w := send(t, h, method, at, "{}", "Content-Type", "application/json", "Authorization", auth)
		if w.Code != http.StatusForbidden {
			continue
		}
		named++
		want := method + " " + strings.NewReplacer("{id}", "*", "{key}", "*", "{digest}", "*").Replace(path)
		if got := trailOf(t, n, audit.Filter{Kind: audit.KindRefusal, Actor: "partner", Action: want}); len(got) == 0 || got[0].Action() != want {
			t.Errorf("%s: %+v in the trail, want %s", o, got, want)
		}
	}
	if named < 10 {
		t.Errorf("%d operations were refused: too few to tell", named)
	}
	noWords(t, n, "ada")
}

// TestNoPeopleNoTraces: the local operator of a node without people reads files
// that are his own, but who is turned away is on record.
func TestNoPeopleNoTraces(t *testing.T) {
	t.Parallel()
	n := inMemory(t)
	take(t, n, bundle("red", "feed", indicator(1, january, "copper", "")))
	if _, err := n.Search(t.Context(), "copper", "", 0); err != nil {
		t.Fatal(err)
	}
	browse(t, n, "GET", "/api/v1/reports", "")
	p, err := n.Trail(t.Context(), audit.Filter{}, "", 0)
	if err != nil || len(p.Entries) != 1 || p.Entries[0].Refusal == nil || p.Entries[0].Refusal.Status != http.StatusUnauthorized {
		t.Errorf("Trail() = %+v, %v, want one refusal", p, err)
	}
}

// TestTrailStays stops the node right after a read, and removes the reader: the
// trail stays, by role and key.
func TestTrailStays(t *testing.T) {
	t.Parallel()
	c := onDisk(t)
	c.passwordCost = cheapPasswords()
	n := fresh(t, c)
	addPerson(t, n, t.Context(), alliance.Administrator)
	for _, r := range []alliance.Role{alliance.Analyst, alliance.Auditor} {
		addPerson(t, n, as(t, n, alliance.Administrator), r)
	}
	rep := labelled(t, n, as(t, n, alliance.Analyst), 1, "copper", tlp.Amber)
	if _, err := n.Report(as(t, n, alliance.Analyst), rep); err != nil {
		t.Fatal(err)
	}
	closeNode(t, n)
	n = reopen(t, c)
	defer closeNode(t, n)
	if err := n.RemovePerson(as(t, n, alliance.Administrator), "analyst", "left"); err != nil {
		t.Fatal(err)
	}
	if err := n.Rebuild(as(t, n, alliance.Administrator)); err != nil {
		t.Fatal(err)
	}
	got := trailOf(t, n, audit.Filter{Object: rep})
	if len(got) != 1 || got[0].Person != "analyst" || got[0].Role != alliance.Analyst || got[0].Read.Org != "AAA/csirt" {
		t.Errorf("after a stop, an erased name and a rebuild the trail of %s is %+v", rep, got)
	}
	if c, err := n.VerifyTrail(auditing(t)); err != nil || !c.OK {
		t.Errorf("VerifyTrail() = %+v, %v", c, err)
	}
	noWords(t, n, "Name of")
}

// TestTrailDoesNotInterfere compares two nodes that differ in who read and was
// refused: to everybody else they answer alike.
func TestTrailDoesNotInterfere(t *testing.T) {
	t.Parallel()
	var answers [2]map[string]string
	for i := range answers {
		n := peopled(t)
		analyst, duty := as(t, n, alliance.Analyst), as(t, n, alliance.DutyOfficer)
		auth := "Bearer " + tokenOf(t, n, alliance.Delegate)
		var reps []string
		noise := func() {
			for j := 0; i == 1 && j < 5; j++ {
				_ = second(n.Search(duty, "kettle", "", 0))
				_ = second(n.Report(duty, fmt.Sprint("RPT-0000-000", j)))
				browse(t, n, "GET", "/api/v1/users", "")
				_ = second(n.Trail(auditing(t), audit.Filter{}, "", 0))
			}
		}
		for j := range 4 {
			reps = append(reps, labelled(t, n, analyst, j+1, fmt.Sprint("kettle ", j), []tlp.Label{tlp.Amber, tlp.Clear, tlp.Red, tlp.Green}[j]))
			noise()
		}
		answers[i] = map[string]string{}
		h := handlerOf(t, n)
		for _, o := range append(operations(t, n), "GET /reports", "GET /reports/{id}", "GET /objects/{id}", "GET /search", "GET /sources") {
			method, path, _ := strings.Cut(o, " ")
			if method != http.MethodGet || strings.Contains(path, "audit") || strings.Contains(path, "token") || strings.Contains(path, "whoami") {
				continue
			}
			for k, with := range append(reps, id("indicator", 1), id("indicator", 2), id("indicator", 3)) {
				at := strings.ReplaceAll(path, "{id}", with)
				if strings.HasSuffix(path, "/search") {
					at += "?q=kettle&limit=1"
				}
				if strings.HasSuffix(path, "/v1/reports") {
					at += "?limit=1"
				}
				answers[i][fmt.Sprint(o, " ", k)] = send(t, h, method, at, "", "Authorization", auth).Body.String()
			}
		}
		digest, err := n.Verify(as(t, n, alliance.Administrator))
		if err != nil {
			t.Fatal(err)
		}
		answers[i]["state digest"] = digest.StateDigest
		answers[i]["entries"] = fmt.Sprint(digest.Entries)
		if i == 1 {
			if head, _, err := n.log.Head(t.Context()); err != nil || digest.Entries >= uint64(head) {
				t.Errorf("%d entries of %d (%v): the trail is among them", digest.Entries, head, err)
			}
		}
		sizes, err := n.Sizes(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		answers[i]["sizes"] = fmt.Sprint(sizes["log_entries"])
	}
	if len(answers[0]) < 40 {
		t.Fatalf("%d answers: too few to tell", len(answers[0]))
	}
	if diff := cmp.Diff(answers[0], answers[1]); diff != "" {
		t.Errorf("what others read shows (-without +with):\n%s", diff)
	}
}

// TestNoTrailNoRead lets the disk of the log fail: what is closely held is given out
// no more once as much waits as may, and goes out again when there is room.
func TestNoTrailNoRead(t *testing.T) {
	t.Parallel()
	var failing atomic.Bool
	c := onDisk(t)
	c.passwordCost = cheapPasswords()
	c.FS = errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if failing.Load() && op.Kind == errorfs.OpFileWrite && strings.Contains(op.Path, string(filepath.Separator)+"log") {
			return &diskError{syscall.ENOSPC}
		}
		return nil
	}))
	n := fresh(t, c)
	defer closeNode(t, n)
	addPerson(t, n, t.Context(), alliance.Administrator)
	for _, r := range []alliance.Role{alliance.Analyst, alliance.Auditor} {
		addPerson(t, n, as(t, n, alliance.Administrator), r)
	}
	analyst := as(t, n, alliance.Analyst)
	rep := labelled(t, n, analyst, 1, "copper", tlp.Amber)
	failing.Store(true)
	for i := range audit.MaxWaiting {
		a := event.Given{Action: "search", Objects: []string{fmt.Sprint(i)}}
		if err := n.trail.Read(t.Context(), n.cfg.Clock(), audit.Who{Author: "person:x/analyst"}, a); err != nil {
			t.Fatalf("read %d: %v", i, err)
		}
	}
	if d, err := n.Report(analyst, rep); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("with no trail: %+v, %v, want Unavailable", d, err)
	}
	if err := n.Objects(analyst, rep, func(*stix.Object, string) error { t.Error("an object is given out"); return nil }); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("an export with no trail: %v, want Unavailable", err)
	}
	failing.Store(false)
	for try := 0; ; try++ { // the log is opened again by who meets it
		if _, err := n.Report(analyst, rep); err == nil {
			break
		} else if fault.KindOf(err) != fault.Unavailable || try == 100 {
			t.Fatalf("with room again: %v", err)
		}
	}
	if got, err := n.VerifyTrail(auditing(t)); err != nil || got.Reads < audit.MaxWaiting+1 {
		t.Errorf("VerifyTrail() = %+v, %v, want every read that waited", got, err)
	}
}

// TestNobodyReadsUntraced looks for whoever takes a reader without a trace: a new
// question has to be asked by reading, or to be listed here with its reason.
func TestNobodyReadsUntraced(t *testing.T) {
	t.Parallel()
	may := map[string]string{
		"reading": "it traces", "exporting": "it traces",
		"Sources": "no objects", "drawn": "a label of what was read already", "result": "counts of one's own report",
		"Holds": "holds, of what one answers for", "hold": "a hold just set",
		"Cursor": "a place", "Resume": "a place", "writeOnce": "of one's own envelope",
	}
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") || name == "bench.go" {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			ast.Inspect(fn, func(n ast.Node) bool {
				if sel, ok := n.(*ast.SelectorExpr); ok && sel.Sel.Name == "readerFor" {
					found++
					if may[fn.Name.Name] == "" {
						t.Errorf("%s: %s reads without a trace; ask by reading", name, fn.Name.Name)
					}
				}
				return true
			})
		}
	}
	if found < 5 {
		t.Errorf("%d readers found: the test looks in the wrong place", found)
	}
}
