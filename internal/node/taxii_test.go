package node

import (
	"bytes"
	"compress/gzip"
	"encoding/json/v2"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"casus/internal/audit"
	"casus/internal/core/alliance"
	"casus/internal/core/report"
	"casus/internal/edge/taxiiserver"
	"casus/internal/people"
)

const testCollection = "11111111-2222-4333-8444-555555555555"

// at is the address of the test collection.
func at(rest string) string { return "/taxii2/casus/collections/" + testCollection + "/" + rest }

// testExchange is a node with one collection that holds what is written to it.
func testExchange(t *testing.T, opt taxiiserver.Options) *exchange {
	t.Helper()
	x := newExchange(t, opt)
	x.collection(report.Collection{ID: testCollection, Title: "test", Readable: true, Writable: true})
	return x
}

func indicatorNo(i int) string {
	return fmt.Sprintf(`{"type":"indicator","spec_version":"2.1","id":"indicator--00000000-0000-4000-8000-%012d","created":"2020-01-01T00:00:00.000Z","modified":"2020-01-01T00:00:00.000Z","name":"no %d","pattern":"[ipv4-addr:value = '198.51.100.%d']","pattern_type":"stix","valid_from":"2020-01-01T00:00:00Z"}`, i, i, i%256)
}

func envelope(objects ...string) string { return `{"objects":[` + strings.Join(objects, ",") + `]}` }

// post writes indicators from up to but not to.
func (x *exchange) post(from, to int) {
	x.t.Helper()
	var all []string
	for i := from; i < to; i++ {
		all = append(all, indicatorNo(i))
	}
	if w := x.send("POST", at("objects/"), envelope(all...)); w.Code != http.StatusAccepted || !strings.Contains(w.Body.String(), fmt.Sprintf(`"success_count":%d`, to-from)) {
		x.t.Fatalf("post: %d %.300s", w.Code, w.Body)
	}
}

// taxiiPage is a page as a client reads it.
type taxiiPage struct {
	More        bool             `json:"more"`
	Next        string           `json:"next"`
	Objects     []map[string]any `json:"objects"`
	Versions    []string         `json:"versions"`
	first, last string
}

func (x *exchange) page(resource, query string) taxiiPage {
	x.t.Helper()
	w := x.send("GET", at(resource)+"?"+query, "")
	var p taxiiPage
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != http.StatusOK {
		x.t.Fatalf("GET %s?%s: %d %.300s, %v", resource, query, w.Code, w.Body, err)
	}
	p.first, p.last = w.Header().Get("X-TAXII-Date-Added-First"), w.Header().Get("X-TAXII-Date-Added-Last")
	return p
}

func (p *taxiiPage) ids() []string {
	out := []string{}
	for _, o := range p.Objects {
		out = append(out, o["id"].(string)) //nolint:errcheck // each has one
	}
	return out
}

// byNext follows next from a first query.
func (x *exchange) byNext(query string, limit int) []string {
	x.t.Helper()
	var all []string
	q := query
	for range 10_000 {
		p := x.page("objects/", q+"&limit="+fmt.Sprint(limit))
		all = append(all, p.ids()...)
		if !p.More {
			return all
		}
		q = "next=" + p.Next
	}
	x.t.Fatal("it does not end")
	return nil
}

// byDate goes on from the last date, as cut makes it.
func (x *exchange) byDate(limit int, cut func(string) string) []string {
	x.t.Helper()
	var all []string
	q := ""
	for range 10_000 {
		p := x.page("objects/", q+"limit="+fmt.Sprint(limit))
		all = append(all, p.ids()...)
		if !p.More {
			return all
		}
		q = "added_after=" + cut(p.last) + "&"
	}
	x.t.Fatal("it does not end")
	return nil
}

func idsOf(from, to int) []string {
	var out []string
	for i := from; i < to; i++ {
		out = append(out, fmt.Sprintf("indicator--00000000-0000-4000-8000-%012d", i))
	}
	return out
}

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%.2000s", what, diff)
	}
}

// pagingHabits are ways from page to page.
func pagingHabits() map[string]func(t *testing.T, x *exchange) {
	whole := func(s string) string { return s }
	return map[string]func(t *testing.T, x *exchange){
		"next and a new added_after together": func(t *testing.T, x *exchange) {
			p := x.page("objects/", "limit=20")
			both := x.page("objects/", "limit=20&added_after=2030-01-01T00:00:00Z&next="+p.Next)
			same(t, "the page", both.ids(), idsOf(20, 40))
		},
		"next without the filters": func(t *testing.T, x *exchange) {
			x.send("POST", at("objects/"), envelope(`{"type":"ipv4-addr","spec_version":"2.1","id":"ipv4-addr--ff26c055-6336-5bc5-b98d-13d6226742dd","value":"198.51.100.3"}`))
			x.post(100, 120)
			p := x.page("objects/", "match[type]=indicator&limit=95")
			rest := x.page("objects/", "next="+p.Next)
			same(t, "the rest", rest.ids(), idsOf(95, 120))
			if w := x.send("GET", at("objects/?match[type]=ipv4-addr&next=")+p.Next, ""); w.Code != http.StatusBadRequest {
				t.Errorf("another match beside next: %d %s, want 400", w.Code, w.Body)
			}
			if w := x.send("GET", at("objects/?match[type]=indicator&next=")+p.Next, ""); w.Code != http.StatusOK {
				t.Errorf("the same match beside next: %d %s, want 200", w.Code, w.Body)
			}
		},
		"only the date in the header": func(t *testing.T, x *exchange) {
			same(t, "by dates", x.byDate(7, whole), idsOf(0, 100))
		},
		"dates cut to milliseconds": func(t *testing.T, x *exchange) {
			x.post(100, 300)
			got := x.byDate(70, func(s string) string { return s[:len("2026-01-01T00:00:00.000")] + "Z" })
			slices.Sort(got)
			same(t, "by cut dates", slices.Compact(got), idsOf(0, 300))
		},
		"modified as added_after": func(t *testing.T, x *exchange) {
			p := x.page("objects/", "added_after=2020-01-01T00:00:00.000Z&limit=100")
			same(t, "after what was modified", p.ids(), idsOf(0, 100))
			if p.More {
				t.Error("it does not end")
			}
		},
		"added_after the last, again and again": func(t *testing.T, x *exchange) {
			p := x.page("objects/", "")
			if again := x.page("objects/", "added_after="+p.last); len(again.Objects) > 0 || again.More {
				t.Errorf("after the last: %v, want nothing", again.ids())
			}
		},
	}
}

// askingHabits are what clients ask for, and how.
func askingHabits() map[string]func(t *testing.T, x *exchange) {
	return map[string]func(t *testing.T, x *exchange){
		"an interval between pages": func(t *testing.T, x *exchange) {
			if p := x.page("objects/", "limit=10000"); len(p.Objects) != 100 || p.More {
				t.Errorf("a page of 10000 has %d, more %t", len(p.Objects), p.More)
			}
			w := x.send("GET", at("objects/"), "", "Accept-Encoding", "gzip")
			r, err := gzip.NewReader(w.Body)
			if err != nil {
				t.Fatal(err)
			}
			raw, err := io.ReadAll(r)
			if err != nil || !bytes.Contains(raw, []byte(`"no 99"`)) || w.Header().Get("Content-Encoding") != "gzip" {
				t.Errorf("in gzip: %.100s, %v", raw, err)
			}
		},
		"pages that are too big": func(t *testing.T, x *exchange) {
			small := exchangeOf(t, x.n, x.clock, taxiiserver.Options{PageBytes: 1000})
			if p := small.page("objects/", ""); len(p.Objects) == 0 || len(p.Objects) > 4 || !p.More {
				t.Errorf("a page of 1000 bytes has %d objects, more %t", len(p.Objects), p.More)
			}
			same(t, "in small pages", small.byNext("", 50), idsOf(0, 100))
		},
		"everything anew every fortnight": func(t *testing.T, x *exchange) {
			first := x.send("GET", at("objects/"), "").Body.String()
			x.clock.set(x.clock.now().Add(14 * 24 * time.Hour))
			if again := x.send("GET", at("objects/"), "").Body.String(); again != first {
				t.Error("the same question has another answer later")
			}
			if w := x.send("GET", at("objects/"), "", "Authorization", "Basic "+"YTpi"); w.Code != http.StatusUnauthorized || !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Basic ") {
				t.Errorf("a wrong password: %d %q, want 401 and Basic", w.Code, w.Header())
			}
		},
		"objects without modified": func(t *testing.T, x *exchange) {
			x.send("POST", at("objects/"), envelope(`{"type":"ipv4-addr","spec_version":"2.1","id":"ipv4-addr--ff26c055-6336-5bc5-b98d-13d6226742dd","value":"198.51.100.3"}`))
			p := x.page("manifest/", "match[type]=ipv4-addr")
			if len(p.Objects) != 1 || p.Objects[0]["version"] != p.Objects[0]["date_added"] || p.last != p.Objects[0]["date_added"] {
				t.Errorf("manifest %v, want the version to be the date", p.Objects)
			}
			q := "match[version]=" + url.QueryEscape(p.last)
			if got := x.page("objects/", q); len(got.Objects) != 1 {
				t.Errorf("by that version: %v", got.ids())
			}
		},
		"identities and markings left out": func(t *testing.T, x *exchange) {
			x.send("POST", at("objects/"), envelope(`{"type":"identity","spec_version":"2.1","id":"identity--00000000-0000-4000-8000-000000000001","created":"2020-01-01T00:00:00.000Z","modified":"2020-01-01T00:00:00.000Z","name":"who"}`))
			if _, err := x.n.SetCollection(t.Context(), report.Collection{Title: "typed", Alias: "typed", Readable: true, Filter: report.Membership{Types: []string{"note"}}}); err != nil {
				t.Fatal(err)
			}
			w := x.send("GET", "/taxii2/casus/collections/typed/objects/", "")
			if !strings.Contains(w.Body.String(), `"who"`) || strings.Contains(w.Body.String(), "indicator--") {
				t.Errorf("a collection of notes: %s, want the identity with them", w.Body)
			}
		},
	}
}

// TestTAXIIHabits does what clients in the field were seen to do.
func TestTAXIIHabits(t *testing.T) {
	t.Parallel()
	habits := pagingHabits()
	maps.Copy(habits, askingHabits())
	for name, habit := range habits {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := testExchange(t, taxiiserver.Options{})
			x.clock.set(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
			x.post(0, 100)
			habit(t, x)
		})
	}
}

// TestTAXIITies adds everything at one instant.
func TestTAXIITies(t *testing.T) {
	t.Parallel()
	x := testExchange(t, taxiiserver.Options{})
	for i := range 10 {
		x.post(10*i, 10*i+10)
	}
	last := ""
	for _, row := range x.page("manifest/", "").Objects {
		added, _ := row["date_added"].(string)
		if added <= last {
			t.Fatalf("date_added %q comes after %q", added, last)
		}
		last = added
	}
	for _, limit := range []int{1, 3, 10, 99} {
		same(t, "by next", x.byNext("", limit), idsOf(0, 100))
		same(t, "by date", x.byDate(limit, func(s string) string { return s }), idsOf(0, 100))
	}
}

// TestTAXIIChurn pages while others write, in both ways.
func TestTAXIIChurn(t *testing.T) {
	t.Parallel()
	x := testExchange(t, taxiiserver.Options{})
	const writers, envelopes, each = 3, 8, 25
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for e := range envelopes {
				from := (w*envelopes + e) * each
				var all []string
				for i := from; i < from+each; i++ {
					all = append(all, indicatorNo(i))
				}
				if rec := x.send("POST", at("objects/"), envelope(all...)); rec.Code != http.StatusAccepted {
					t.Errorf("post: %d %s", rec.Code, rec.Body)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	var byNext, byDate []string
	next, date := "", ""
	for finished := false; ; {
		p := x.page("objects/", "limit=13"+next)
		byNext = append(byNext, p.ids()...)
		if p.More {
			next = "&next=" + p.Next
		} else if p.last != "" {
			next = "&added_after=" + p.last
		}
		q := x.page("objects/", "limit=7"+date)
		byDate = append(byDate, q.ids()...)
		if q.last != "" {
			date = "&added_after=" + q.last
		}
		if finished && len(p.Objects)+len(q.Objects) == 0 {
			break
		}
		select {
		case <-done:
			finished = true
		default:
		}
	}
	slices.Sort(byNext)
	slices.Sort(byDate)
	same(t, "by next", byNext, idsOf(0, writers*envelopes*each))
	same(t, "by date", byDate, idsOf(0, writers*envelopes*each))
}

// TestTAXIIRestart closes the node between two pages, and builds the views anew.
func TestTAXIIRestart(t *testing.T) {
	t.Parallel()
	clock := newClock(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	cfg := Config{Dir: t.TempDir(), Clock: clock.now}
	if err := Init(cfg, report.Ceiling{}); err != nil {
		t.Fatal(err)
	}
	open := func() *exchange {
		n, err := Open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		return exchangeOf(t, n, clock, taxiiserver.Options{})
	}
	x := open()
	x.collection(report.Collection{ID: testCollection, Title: "test", Readable: true, Writable: true})
	x.post(0, 30)
	w := x.send("POST", at("objects/"), envelope(indicatorNo(30), `{"type":"indicator","id":"x"}`))
	var st struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &st); err != nil || w.Code != http.StatusAccepted {
		t.Fatalf("%d %s, %v", w.Code, w.Body, err)
	}
	p := x.page("objects/", "limit=10")
	manifest := x.send("GET", at("manifest/"), "").Body.String()
	closeNode(t, x.n)
	x = open()
	defer func() { closeNode(t, x.n) }()
	x.post(31, 40)
	same(t, "the page after", append(p.ids(), x.byNext("next="+p.Next, 10)...), idsOf(0, 40))
	if again := x.send("GET", "/taxii2/casus/status/"+st.ID+"/", "").Body.String(); again != w.Body.String() {
		t.Errorf("status %s, was %s", again, w.Body)
	}
	if err := x.n.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := x.send("GET", at("manifest/?limit=31"), "").Body.String(); !strings.Contains(got, strings.TrimSuffix(strings.TrimPrefix(manifest, `{"more":false,`), "}")) {
		t.Errorf("rebuilt: %s\nwas: %s", got, manifest)
	}
}

// TestTAXIIDelete takes objects out, and puts the very same bytes in again.
func TestTAXIIDelete(t *testing.T) {
	t.Parallel()
	x := testExchange(t, taxiiserver.Options{})
	x.post(0, 3)
	before := x.page("manifest/", "")
	one := at("objects/" + idsOf(1, 2)[0] + "/")
	if w := x.send("DELETE", one, ""); w.Code != http.StatusOK || w.Body.Len() > 0 {
		t.Fatalf("delete: %d %s", w.Code, w.Body)
	}
	if w := x.send("DELETE", one, ""); w.Code != http.StatusNotFound {
		t.Errorf("delete again: %d %s, want 404", w.Code, w.Body)
	}
	after := x.page("manifest/", "")
	if diff := cmp.Diff([]map[string]any{before.Objects[0], before.Objects[2]}, after.Objects); diff != "" {
		t.Errorf("the others (-want +got):\n%s", diff)
	}
	x.post(0, 3)
	p := x.page("objects/", "added_after="+before.last)
	if !slices.Contains(p.ids(), idsOf(1, 2)[0]) {
		t.Errorf("after it was given again: %v, want it as new", p.ids())
	}
	if o, err := x.n.Object(t.Context(), idsOf(1, 2)[0], false); err != nil || o.Name != "no 1" {
		t.Errorf("elsewhere: %v, want it there", err)
	}
}

// peopledExchange is a node with people of two organisations, of the test collection
// and of one that is for the second.
func peopledExchange(t *testing.T) (ada, bob *exchange) {
	t.Helper()
	n := peopled(t)
	admin := as(t, n, alliance.Administrator)
	for _, key := range []alliance.Key{"ada", "bob"} {
		org := map[alliance.Key]alliance.Org{"ada": "AAA/csirt", "bob": "BBB/csirt"}[key]
		if _, err := n.AddPerson(admin, people.NewPerson{Key: key, Org: org, OrgKind: alliance.CSIRT, Name: string(key), Login: string(key), Posts: []alliance.Post{{Role: alliance.Analyst}}, Password: goodPassword}); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []report.Collection{
		{ID: testCollection, Title: "test", Readable: true, Writable: true, Source: "exchange"},
		{ID: "99999999-2222-4333-8444-555555555555", Title: "theirs", Alias: "theirs", Readable: true, Writable: true, Source: "exchange", Audience: []alliance.Org{"BBB/csirt"}},
	} {
		if _, err := n.SetCollection(admin, c); err != nil {
			t.Fatal(err)
		}
	}
	person := func(login string) *exchange {
		m, err := n.Login(t.Context(), people.Credentials{Login: login, Password: goodPassword})
		if err != nil {
			t.Fatal(err)
		}
		x := exchangeOf(t, n, nil, taxiiserver.Options{})
		h := x.h
		x.h = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.SetBasicAuth(login, m.Secret)
			if as := r.Header.Get("X-Test-As"); as != "" {
				r.SetBasicAuth(as, m.Secret)
			}
			h.ServeHTTP(w, r)
		})
		return x
	}
	return person("ada"), person("bob")
}

// TestTAXIIRights reads and writes one collection with two persons' rights.
func TestTAXIIRights(t *testing.T) {
	t.Parallel()
	ada, bob := peopledExchange(t)
	marked := func(i int, marking string) string {
		return strings.TrimSuffix(indicatorNo(i), "}") + `,"object_marking_refs":[` + marking + `]}`
	}
	w := ada.send("POST", at("objects/"), envelope(marked(0, clearRef), marked(1, redRef), marked(2, clearRef), marked(3, redRef), marked(4, redRef)))
	var st struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &st); err != nil || w.Code != http.StatusAccepted {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	all := ada.byNext("", 2)
	slices.Sort(all)
	same(t, "ada", all, idsOf(0, 5))
	// Bob sees what is CLEAR, and no gap counts the others.
	p := bob.page("manifest/", "")
	same(t, "bob", p.ids(), []string{idsOf(0, 1)[0], idsOf(2, 3)[0]})
	for i, row := range p.Objects {
		if i > 0 {
			if gap := instantOf(t, row["date_added"].(string)).Sub(instantOf(t, p.Objects[i-1]["date_added"].(string))); gap != 16*time.Microsecond { //nolint:errcheck // a string
				t.Errorf("between two of bob's: %v, want one slot", gap)
			}
		}
	}
	next := ada.page("objects/", "limit=2").Next
	for name, tt := range map[string]struct {
		x            *exchange
		method, path string
		want         int
	}{
		"another's cursor":         {bob, "GET", at("objects/?next=" + next), 400},
		"a cursor of another kind": {ada, "GET", at("manifest/?next=" + next), 400},
		"another's status":         {bob, "GET", "/taxii2/casus/status/" + st.ID + "/", 404},
		"one's own status":         {ada, "GET", "/taxii2/casus/status/" + st.ID + "/", 200},
		"a hidden object":          {bob, "GET", at("objects/" + idsOf(1, 2)[0] + "/"), 404},
		"its versions":             {bob, "GET", at("objects/" + idsOf(1, 2)[0] + "/versions/"), 404},
		"deleting it":              {bob, "DELETE", at("objects/" + idsOf(1, 2)[0] + "/"), 404},
		"a hidden collection":      {ada, "GET", "/taxii2/casus/collections/theirs/", 404},
		"its objects":              {ada, "GET", "/taxii2/casus/collections/theirs/objects/", 404},
		"it to whom it is for":     {bob, "GET", "/taxii2/casus/collections/theirs/", 200},
	} {
		if w := tt.x.send(tt.method, tt.path, ""); w.Code != tt.want {
			t.Errorf("%s: %d %s, want %d", name, w.Code, w.Body, tt.want)
		}
	}
	hidden, none := ada.send("GET", "/taxii2/casus/collections/theirs/", ""), ada.send("GET", "/taxii2/casus/collections/thxirs/", "")
	if strings.ReplaceAll(none.Body.String(), "thxirs", "theirs") != hidden.Body.String() {
		t.Errorf("hidden %s\nnot there %s", hidden.Body, none.Body)
	}
	if w := ada.send("GET", "/taxii2/casus/collections/", ""); strings.Contains(w.Body.String(), "theirs") {
		t.Errorf("ada's collections: %s", w.Body)
	}
	if w := ada.send("GET", at(""), "", "X-Test-As", "bob"); w.Code != http.StatusUnauthorized {
		t.Errorf("ada's token under bob's name: %d, want 401", w.Code)
	}
	if w := bob.send("POST", at("objects/"), envelope(marked(0, clearRef))); w.Code != http.StatusAccepted {
		t.Fatalf("bob's: %d %s", w.Code, w.Body)
	}
	if w := bob.send("DELETE", at("objects/"+idsOf(0, 1)[0]+"/"), ""); w.Code != http.StatusForbidden {
		t.Errorf("bob deletes what ada gave, too: %d %s, want 403", w.Code, w.Body)
	}
}

// TestTAXIIMissesAreOnRecord asks by id for what is withheld and for what is not there:
// either leaves one refusal.
func TestTAXIIMissesAreOnRecord(t *testing.T) {
	t.Parallel()
	ada, bob := peopledExchange(t)
	var st struct {
		ID string `json:"id"`
	}
	w := bob.send("POST", at("objects/"), envelope(indicatorNo(0)))
	if err := json.Unmarshal(w.Body.Bytes(), &st); err != nil || w.Code != http.StatusAccepted {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	for _, tt := range []struct{ name, path, withheld string }{
		{"another's status", "status/" + st.ID + "/", st.ID},
		{"no status", "status/99999999-2222-4333-8444-555555555556/", ""},
		{"another's collection", "collections/theirs/", "99999999-2222-4333-8444-555555555555"},
		{"no collection", "collections/thxirs/", ""},
	} {
		count := func() (n int, newest []string) {
			for i, e := range trailOf(t, ada.n, audit.Filter{Kind: audit.KindRefusal, Actor: "ada", Action: "taxii"}) {
				if n += max(e.Refusal.Count, 1); i == 0 {
					newest = e.Refusal.Withheld
				}
			}
			return n, newest
		}
		before, _ := count()
		if w := ada.send("GET", "/taxii2/casus/"+tt.path, ""); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d %s, want 404", tt.name, w.Code, w.Body)
		}
		if after, withheld := count(); after != before+1 || strings.Join(withheld, " ") != tt.withheld {
			t.Errorf("%s: %d refusals, of what is withheld %q; want 1 and %q", tt.name, after-before, withheld, tt.withheld)
		}
	}
}

// TestHidingMarkingsOverTAXII writes objects whose second marking hides the first.
func TestHidingMarkingsOverTAXII(t *testing.T) {
	t.Parallel()
	for name, extra := range map[string]string{
		"twice":        `,"object_marking_refs":[` + redRef + `],"object_marking_refs":[` + clearRef + `]`,
		"escaped":      `,"object_marking_refs":[` + redRef + `],"\u006fbject_marking_refs":[` + clearRef + `]`,
		"another case": `,"object_marking_refs":[` + redRef + `],"OBJECT_MARKING_REFS":[` + clearRef + `]`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := testExchange(t, taxiiserver.Options{})
			w := x.send("POST", at("objects/"), envelope(strings.TrimSuffix(indicatorNo(1), "}")+extra+"}"))
			if w.Code != http.StatusAccepted || !strings.Contains(w.Body.String(), `"failure_count":1`) || !strings.Contains(w.Body.String(), `"success_count":0`) {
				t.Errorf("%d %s, want it among the failures", w.Code, w.Body)
			}
			if p := x.page("objects/", ""); len(p.Objects) > 0 {
				t.Errorf("objects %v, want none", p.ids())
			}
		})
	}
}

// TestTAXIIBadInput sends what nobody should.
func TestTAXIIBadInput(t *testing.T) {
	t.Parallel()
	x := testExchange(t, taxiiserver.Options{BodyBytes: 64 << 10})
	pack := func(s string) string { return gzipped(t, s) }
	good := envelope(indicatorNo(1))
	for name, tt := range map[string]struct {
		method, path, body string
		header             []string
		want               int
	}{
		"HEAD":                         {"HEAD", at("objects/"), "", nil, 200},
		"without the last slash":       {"GET", strings.TrimSuffix(at("objects/"), "/"), "", nil, 200},
		"discovery without it":         {"GET", "/taxii2", "", nil, 200},
		"POST without it":              {"POST", strings.TrimSuffix(at("objects/"), "/"), envelope(indicatorNo(2)), nil, 202},
		"two slashes":                  {"GET", at("objects//"), "", nil, 404},
		"PUT":                          {"PUT", at("objects/"), good, nil, 405},
		"DELETE of all":                {"DELETE", at("objects/"), "", nil, 405},
		"packed":                       {"POST", at("objects/"), pack(good), []string{"Content-Encoding", "gzip"}, 202},
		"packed, and not":              {"POST", at("objects/"), good, []string{"Content-Encoding", "gzip"}, 400},
		"packed and cut":               {"POST", at("objects/"), pack(good)[:40], []string{"Content-Encoding", "gzip"}, 400},
		"packed far too long":          {"POST", at("objects/"), pack(strings.Repeat(" ", 1<<20) + good), []string{"Content-Encoding", "gzip"}, 413},
		"packed otherwise":             {"POST", at("objects/"), good, []string{"Content-Encoding", "br"}, 415},
		"too long":                     {"POST", at("objects/"), strings.Repeat(" ", 65<<10) + good, nil, 413},
		"JSON of another kind":         {"POST", at("objects/"), good, []string{"Content-Type", "application/json"}, 415},
		"of version 2.0":               {"POST", at("objects/"), good, []string{"Content-Type", "application/taxii+json;version=2.0"}, 415},
		"a list":                       {"POST", at("objects/"), "[" + good + "]", nil, 422},
		"nothing in it":                {"POST", at("objects/"), `{"objects":[]}`, nil, 422},
		"something else in it":         {"POST", at("objects/"), `{"objects":[1]}`, nil, 422},
		"objects twice":                {"POST", at("objects/"), `{"objects":[{}],"objects":[{}]}`, nil, 422},
		"cut":                          {"POST", at("objects/"), good[:50], nil, 422},
		"and more":                     {"POST", at("objects/"), good + good, nil, 422},
		"accepts nothing we speak":     {"GET", at("objects/"), "", []string{"Accept", "application/vnd.oasis.taxii+json; version=2.0"}, 406},
		"accepts it not":               {"GET", at("objects/"), "", []string{"Accept", "application/taxii+json;version=2.1;q=0, text/html"}, 406},
		"accepts anything":             {"GET", at("objects/"), "", []string{"Accept", "application/json, text/plain, */*"}, 200},
		"accepts it with a space":      {"GET", at("objects/"), "", []string{"Accept", "text/html, application/taxii+json; version=2.1"}, 200},
		"accepts the newest":           {"GET", at("objects/"), "", []string{"Accept", "application/taxii+json"}, 200},
		"limit 0":                      {"GET", at("objects/?limit=0"), "", nil, 400},
		"a limit without end":          {"GET", at("objects/?limit=9223372036854775807"), "", nil, 200},
		"limit twice":                  {"GET", at("objects/?limit=1&limit=2"), "", nil, 400},
		"an instant in another zone":   {"GET", at("objects/?added_after=2026-01-01T00:00:00%2B02:00"), "", nil, 400},
		"an unknown match":             {"GET", at("objects/?match[name]=x"), "", nil, 400},
		"a forged cursor":              {"GET", at("objects/?next=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), "", nil, 400},
		"an id out of the way":         {"GET", at("objects/..%2F..%2Fcollections/"), "", nil, 404},
		"an unknown status":            {"GET", "/taxii2/casus/status/2223/", "", nil, 404},
		"a status of a stranger's id":  {"GET", "/taxii2/casus/status/00000000-0000-8000-8000-000000000000/", "", nil, 404},
		"an unknown parameter":         {"GET", at("objects/?x=y"), "", nil, 200},
		"an id that cannot be":         {"GET", at("objects/?match[id]=%00%ff"), "", nil, 200},
		"an empty value":               {"GET", at("objects/?match[id]="), "", nil, 400},
		"a query that cannot be read":  {"GET", at("objects/?match[id]=%zz"), "", nil, 400},
		"an address that is not there": {"GET", "/taxii2/casus/x/", "", nil, 404},
	} {
		w := x.send(tt.method, tt.path, tt.body, tt.header...)
		if w.Code != tt.want || w.Header().Get("Content-Type") != spoken {
			t.Errorf("%s: %d %s %.200s, want %d", name, w.Code, w.Header().Get("Content-Type"), w.Body, tt.want)
		}
		if tt.want == 405 && !slices.Contains([]string{"GET, HEAD, POST", "DELETE, GET, HEAD"}, w.Header().Get("Allow")) {
			t.Errorf("%s: Allow %q", name, w.Header().Get("Allow"))
		}
	}
	r := httptest.NewRequestWithContext(t.Context(), "POST", "http://localhost"+at("objects/"), strings.NewReader(strings.Repeat(" ", 65<<10)+good))
	r.ContentLength = 10 // a lie
	r.Header.Set("Content-Type", spoken)
	r.SetBasicAuth("x", testToken)
	w := httptest.NewRecorder()
	x.h.ServeHTTP(w, r)
	if w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("a length that lies: %d %s, want 413", w.Code, w.Body)
	}
}

// TestTAXIIManyCollections asks for a thousand collections.
func TestTAXIIManyCollections(t *testing.T) {
	t.Parallel()
	x := newExchange(t, taxiiserver.Options{})
	for i := range 1000 {
		if _, err := x.n.SetCollection(t.Context(), report.Collection{Title: fmt.Sprintf("no %d", i), Readable: true}); err != nil {
			t.Fatal(err)
		}
	}
	var out struct {
		Collections []map[string]any `json:"collections"`
	}
	if w := x.send("GET", "/taxii2/casus/collections/", ""); json.Unmarshal(w.Body.Bytes(), &out) != nil || len(out.Collections) != 1000 {
		t.Errorf("%d collections, want 1000", len(out.Collections))
	}
}
