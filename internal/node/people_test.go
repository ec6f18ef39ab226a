package node

import (
	"context"
	"crypto/rand"
	"encoding/json/v2"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"casus/internal/core/alliance"
	"casus/internal/core/privacy"
	"casus/internal/core/report"
	"casus/internal/eventlog"
	"casus/internal/fault"
	"casus/internal/people"
	"casus/internal/view"
)

var update = flag.Bool("update", false, "write the golden files anew")

// cheapPasswords is a cost that tests can pay.
func cheapPasswords() people.Cost { return people.Cost{Passes: 1, MemoryKiB: 8, Lanes: 1} }

const goodPassword = "four words of nonsense"

// peopled returns a node in memory with one person per role, whose key and login
// are the role's name, and who may act in that role alone.
func peopled(t *testing.T) *Node {
	t.Helper()
	n, err := Open(t.Context(), Config{Clock: tick(), passwordCost: cheapPasswords(), weighMost: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeNode(t, n) })
	addPerson(t, n, t.Context(), alliance.Administrator)
	admin := as(t, n, alliance.Administrator)
	for _, r := range alliance.Roles() {
		if r != alliance.Administrator {
			addPerson(t, n, admin, r)
		}
	}
	return n
}

func addPerson(t *testing.T, n *Node, ctx context.Context, r alliance.Role) {
	t.Helper()
	org, kind := alliance.Org("AAA/csirt"), alliance.CSIRT
	if r == alliance.Auditor {
		org, kind = "AAA/oversight", alliance.Oversight
	}
	p := people.NewPerson{
		Key: alliance.Key(r.String()), Org: org, OrgKind: kind, Name: "Name of " + r.String(), Login: r.String(),
		Posts: []alliance.Post{{Role: r}}, Password: goodPassword,
	}
	if _, err := n.AddPerson(ctx, p); err != nil {
		t.Fatal(err)
	}
}

// as is a context in which the person of a role asks.
func as(t *testing.T, n *Node, r alliance.Role) context.Context {
	t.Helper()
	id, err := n.people.Bearer(n.cfg.Clock(), tokenOf(t, n, r))
	if err != nil {
		t.Fatal(err)
	}
	return people.With(t.Context(), people.Caller{Identity: id})
}

func tokenOf(t *testing.T, n *Node, r alliance.Role) string {
	t.Helper()
	m, err := n.Login(t.Context(), people.Credentials{Login: r.String(), Password: goodPassword})
	if err != nil {
		t.Fatal(err)
	}
	return m.Secret
}

// operations lists the operations of the API by its own document, so that a new one
// cannot be forgotten.
func operations(t *testing.T, n *Node) []string {
	t.Helper()
	w := browse(t, n, "GET", "/api/v1/openapi.json", "", "Authorization", "Bearer "+tokenOf(t, n, alliance.Auditor))
	var doc struct {
		Paths map[string]map[string]any `json:"paths"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	var out []string
	for path, methods := range doc.Paths {
		for m := range methods {
			out = append(out, strings.ToUpper(m)+" "+path)
		}
	}
	slices.Sort(out)
	return out
}

// taxiiOperations are the addresses of the TAXII server.
func taxiiOperations() []string {
	return []string{
		"GET /taxii2/", "GET /taxii2/casus/", "GET /taxii2/casus/status/{id}/", "GET /taxii2/casus/collections/", "GET /taxii2/casus/collections/{collection}/",
		"GET /taxii2/casus/collections/{collection}/manifest/", "GET /taxii2/casus/collections/{collection}/objects/", "POST /taxii2/casus/collections/{collection}/objects/",
		"GET /taxii2/casus/collections/{collection}/objects/{id}/", "DELETE /taxii2/casus/collections/{collection}/objects/{id}/",
		"GET /taxii2/casus/collections/{collection}/objects/{id}/versions/",
	}
}

// TestAccess asks for every operation of the API in every role, and as nobody,
// with bodies that are good or empty: what is refused for the role is 403 before
// anything else is looked at.
func TestAccess(t *testing.T) {
	t.Parallel()
	n := peopled(t)
	bodies := map[string]string{
		"POST /api/v1/login": `{"login":"nobody","password":"x"}`, "POST /api/v1/users": `{"key":"x","org":"x","name":""}`, "PATCH /api/v1/users/{key}": `{}`,
		"PUT /api/v1/users/{key}/password": `{"password":""}`, "POST /api/v1/tokens": `{"scope":"x"}`, "PUT /api/v1/organisations": `{"id":"","name":"","kind":"unknown"}`,
		"POST /api/v1/users/{key}/credentials": `{"issuer":"","subject":""}`, "PUT /api/v1/sources": `{"name":""}`, "POST /api/v1/node/erase": `{"id":"x","reason":""}`, "POST /api/v1/reports/{id}/preview": `{}`,
		"PUT /api/v1/node/ceiling": `{"level":"x","reason":""}`, "POST /api/v1/policies/weigh": `{"files":[]}`, "POST /api/v1/policies": `{"files":[],"reason":""}`,
		"POST /api/v1/policies/{digest}/confirm": `{"challenge":"","password":""}`, "POST /api/v1/step-up": `{"text":"x"}`,
		"POST /api/v1/privacy/find": `{"value":"x"}`, "POST /api/v1/privacy/erase": `{"value":"x"}`, "POST /api/v1/privacy/retention": `{"dry_run":true}`,
		"POST /api/v1/collections": `{"title":"","can_read":true,"can_write":false}`, "POST /api/v1/privacy/holds": `{"reason":""}`, "POST /api/v1/privacy/holds/{id}/release": `{"reason":""}`,
	}
	h := handlerOf(t, n)
	var got strings.Builder
	fmt.Fprintf(&got, "# Every operation and who may ask for it: casus decision 0024. Others get 403, nobody 401.\n"+
		"# The auditor is one of an organisation of oversight.\n")
	made, err := n.SetCollection(as(t, n, alliance.Administrator), report.Collection{Title: "all", Readable: true, Writable: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range slices.Concat(operations(t, n), []string{"GET /metrics"}, taxiiOperations()) {
		method, path, _ := strings.Cut(o, " ")
		path = strings.NewReplacer("{id}", "x", "{collection}", made.ID, "{key}", "nobody", "{digest}", "x").Replace(path)
		var may []string
		if w := send(t, h, method, path, bodies[o], "Content-Type", "application/json"); w.Code != http.StatusUnauthorized {
			t.Errorf("%s as nobody: %d %s, want 401", o, w.Code, w.Body)
		}
		for _, r := range alliance.Roles() {
			secret := tokenOf(t, n, r) // for each: one operation ends it
			w := send(t, h, method, path, bodies[o], "Content-Type", "application/json", "Authorization", "Bearer "+secret)
			if w.Code == http.StatusUnauthorized && o != "POST /api/v1/login" {
				t.Errorf("%s as %s: 401 %s", o, r, w.Body)
			}
			if w.Code != http.StatusForbidden {
				may = append(may, r.String())
			}
		}
		who := strings.Join(may, " ")
		if len(may) == len(alliance.Roles()) {
			who = "everybody"
		}
		fmt.Fprintf(&got, "%-40s %s\n", o, who)
	}
	golden(t, "testdata/access.txt", got.String())
}

// golden compares text with a file, or writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got); look at it, then run with -update:\n%s", name, diff)
	}
}

// TestAnothersAffairs asks for what belongs to another person.
func TestAnothersAffairs(t *testing.T) {
	t.Parallel()
	n := peopled(t)
	analyst, admin := as(t, n, alliance.Analyst), as(t, n, alliance.Administrator)
	made, err := n.MakeToken(as(t, n, alliance.Delegate), people.NewToken{})
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]error{
		"another's token":    n.RevokeToken(analyst, made.Token.ID),
		"another's account":  second(n.Person(analyst, "delegate")),
		"another's password": n.SetPassword(analyst, "delegate", goodPassword, "another long password"),
		"another's name":     second(n.EditPerson(analyst, "delegate", people.Change{Name: new("x")})),
		"one's own roles":    second(n.EditPerson(analyst, "analyst", people.Change{Posts: &[]alliance.Post{{Role: alliance.Administrator}}})),
		"a role not held":    second(n.MakeToken(analyst, people.NewToken{Role: alliance.Administrator})),
	} {
		if k := fault.KindOf(got); got == nil || k != fault.Denied && k != fault.NotFound {
			t.Errorf("%s: %v, want refused", name, got)
		}
	}
	if err := n.RevokeToken(admin, made.Token.ID); err != nil {
		t.Errorf("an administrator revokes a token: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

// TestReadOnlyToken tries to change things with a token that only reads.
func TestReadOnlyToken(t *testing.T) {
	t.Parallel()
	n := peopled(t)
	for _, r := range alliance.Roles() {
		c := people.CallerOf(as(t, n, r))
		c.Scope = people.ScopeRead
		ctx := people.With(t.Context(), c)
		for name, got := range map[string]error{
			"import":   second(n.Import(ctx, report.Request{Source: "x"}, strings.NewReader("x"), nil)),
			"source":   n.SetSource(ctx, report.Source{Name: "x"}),
			"erase":    second(n.Erase(ctx, "x", "x")),
			"find":     second(n.FindSubject(ctx, "value", true)),
			"forget":   second(n.EraseSubject(ctx, "value", "x", false)),
			"retain":   second(n.Retention(ctx, true)),
			"hold":     second(n.Hold(ctx, privacy.NewHold{ID: "x", Reason: "x"})),
			"release":  second(n.Release(ctx, "x", "x")),
			"holds":    second(n.Holds(ctx, true)),
			"user":     second(n.AddPerson(ctx, people.NewPerson{})),
			"remove":   n.RemovePerson(ctx, "analyst", ""),
			"token":    second(n.MakeToken(ctx, people.NewToken{})),
			"password": n.SetPassword(ctx, r.String(), goodPassword, "another long password"),
			"rebuild":  n.Rebuild(ctx),
			"revoke":   n.RevokeToken(ctx, "another"),
			"session":  n.EndSession(ctx, "another"),
		} {
			if fault.KindOf(got) != fault.Denied {
				t.Errorf("%s as %s with a token that reads: %v, want Denied", name, r, got)
			}
		}
	}
}

// TestScopes asks with tokens whose scope is empty or of another version, and makes
// tokens in another role with a token.
func TestScopes(t *testing.T) {
	t.Parallel()
	n := peopled(t)
	for _, scope := range []people.Scope{"", "hand-in"} {
		c := people.CallerOf(as(t, n, alliance.Analyst))
		c.Scope = scope
		ctx := people.With(t.Context(), c)
		if _, _, err := n.Reports(ctx, "", "", "", 1); fault.KindOf(err) != fault.Denied {
			t.Errorf("with scope %q reports are listed: %v, want Denied", scope, err)
		}
		if _, err := n.Whoami(ctx); err == nil && n.readerFor(ctx).Name() != (view.Reader{}).Name() {
			t.Errorf("with scope %q somebody reads", scope)
		}
	}
	ctx := as(t, n, alliance.Analyst)
	if _, err := n.MakeToken(ctx, people.NewToken{Role: alliance.Administrator}); fault.KindOf(err) != fault.Denied {
		t.Errorf("a token makes one in another role: %v, want Denied", err)
	}
	if _, err := n.MakeToken(ctx, people.NewToken{}); err != nil {
		t.Errorf("a token in its own role: %v", err)
	}
}

// meeting gives random bytes, once it is held to three who ask at a time.
type meeting struct {
	io.Reader
	held atomic.Bool
	came atomic.Int32
	all  chan struct{}
}

// Read implements io.Reader.
func (m *meeting) Read(b []byte) (int, error) {
	if m.held.Load() {
		if m.came.Add(1) == 3 {
			m.held.Store(false)
			close(m.all)
		}
		<-m.all
	}
	return m.Reader.Read(b)
}

// TestFirstPersonIsOne adds three first persons at once, each while none is there:
// the salt of a password is drawn after that was looked at.
func TestFirstPersonIsOne(t *testing.T) {
	t.Parallel()
	random := &meeting{Reader: rand.Reader, all: make(chan struct{})}
	n, err := Open(t.Context(), Config{Clock: tick(), passwordCost: cheapPasswords(), Random: random})
	if err != nil {
		t.Fatal(err)
	}
	defer closeNode(t, n)
	random.held.Store(true)
	h := n.identified(true, toPrograms, n.API(true, nil))
	codes := make(chan int, 3)
	for _, key := range []string{"p1", "p2", "p3"} {
		go func() {
			body := `{"key":"` + key + `","org":"AAA/csirt","org_kind":"csirt","name":"` + key + `","login":"` + key + `","password":"` + goodPassword + `","posts":[{"role":"administrator"}]}`
			codes <- send(t, h, "POST", "/api/v1/users", body, "Content-Type", "application/json").Code
		}()
	}
	got := []int{<-codes, <-codes, <-codes}
	slices.Sort(got)
	if want := []int{200, 409, 409}; !slices.Equal(got, want) || len(n.people.Persons()) != 1 {
		t.Errorf("three first persons at once: %v, %d are there, want %v and one", got, len(n.people.Persons()), want)
	}
}

// TestIndexOfAnotherLog opens a log with people beside an index that knows of none.
func TestIndexOfAnotherLog(t *testing.T) {
	t.Parallel()
	n := peopled(t)
	i, err := n.people.Index(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	i.Entries, i.Digest = nil, strings.Repeat("0", 64)
	if _, err := people.Open(t.Context(), n.log, people.Options{Random: n.cfg.Random, Secret: make([]byte, 32), Cost: cheapPasswords()}, &i); err == nil {
		t.Error("an index of another log is taken")
	}
}

// TestNobodyReadsNothing makes sure that below the gate, too, who is not known
// sees nothing.
func TestNobodyReadsNothing(t *testing.T) {
	t.Parallel()
	n := peopled(t)
	in := bundle("b", "north", indicator(1, january, "one", ""))
	if _, err := in.in(as(t, n, alliance.Analyst), n); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		ctx  context.Context
		want int
	}{
		"nobody":        {t.Context(), 0},
		"administrator": {as(t, n, alliance.Administrator), 0},
		"analyst":       {as(t, n, alliance.Analyst), 1},
	} {
		rows, _, err := n.view.Reports(t.Context(), n.readerFor(tt.ctx), "", "", "", 10)
		if err != nil || len(rows) != tt.want {
			t.Errorf("%s sees %d reports, %v, want %d", name, len(rows), err, tt.want)
		}
	}
}

func TestForgedCallers(t *testing.T) {
	t.Parallel()
	n := peopled(t)
	good := tokenOf(t, n, alliance.Analyst)
	for _, header := range [][]string{
		{},
		{"Authorization", bearer}, // the operator's, from before there were people
		{"Cookie", "casus_operator_8080=" + testToken},
		{"Authorization", "Bearer"},
		{"Authorization", "Bearer "},
		{"Authorization", "Bearer " + good + " "},
		{"Authorization", "Basic " + good},
		{"Authorization", good},
		{"Authorization", "Bearer " + good[:len(good)-1] + "-"}, // no token ends so
		{"Authorization", "Bearer " + strings.ToUpper(good)},
		{"Cookie", sessionCookie + "=" + good},
		{"Cookie", "__Host-" + sessionCookie + "=" + good},
		{"Cookie", sessionCookie + "="},
		{"Casus-Local", good},
		{"X-Forwarded-User", "analyst", "X-Remote-User", "analyst", "X-Forwarded-For", "127.0.0.1"},
	} {
		for _, path := range []string{"/api/v1/reports", "/api/v1/whoami", "/api/v1/openapi.json", "/metrics", "/api/v1/nothing", "/api/v1/login/../reports"} {
			if w := browse(t, n, "GET", path, "", header...); w.Code != http.StatusUnauthorized && w.Code != http.StatusTemporaryRedirect {
				t.Errorf("GET %s with %q: %d, want 401", path, header, w.Code)
			}
		}
		w := browse(t, n, "GET", "/reports?q=a%26b", "", header...)
		if got := w.Header().Get("Location"); w.Code != http.StatusSeeOther || got != "/sign-in?to=%2Freports%3Fq%3Da%2526b" {
			t.Errorf("GET /reports with %q: %d to %q, want the sign-in", header, w.Code, got)
		}
	}
	if w := browse(t, n, "GET", "/api/v1/whoami", "", "Authorization", "bearer "+good); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"person":"analyst"`) {
		t.Errorf("the good token: %d %s", w.Code, w.Body)
	}
}

// TestCrossSite posts from another site's page with the browser's session.
func TestCrossSite(t *testing.T) {
	t.Parallel()
	n := peopled(t)
	secret, _, err := n.people.Start(t.Context(), n.cfg.Clock(), people.CallerOf(as(t, n, alliance.Analyst)).Known(), 0, "", "")
	if err != nil {
		t.Fatal(err)
	}
	cookie := sessionCookie + "=" + secret
	if w := browse(t, n, "GET", "/api/v1/whoami", "", "Cookie", cookie); w.Code != http.StatusOK {
		t.Fatalf("the session: %d %s", w.Code, w.Body)
	}
	for _, header := range [][]string{
		{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}, {"Origin", "null"},
	} {
		w := browse(t, n, "POST", "/api/v1/tokens", `{}`, append(header, "Cookie", cookie, "Content-Type", "application/json")...)
		if w.Code != http.StatusForbidden {
			t.Errorf("POST with %q: %d %s, want 403", header, w.Code, w.Body)
		}
	}
	if p, err := n.people.Person("analyst"); err != nil || len(p.Tokens) > 1 { // the one by which the test began
		t.Errorf("tokens = %v, %v, want none made", p.Tokens, err)
	}
}

// TestTooManyRequests: one token cannot take the whole node.
func TestTooManyRequests(t *testing.T) {
	t.Parallel()
	n := peopled(t)
	good := tokenOf(t, n, alliance.Analyst)
	for range people.RequestBurst {
		id, err := n.people.Bearer(n.cfg.Clock(), good)
		if err != nil {
			t.Fatal(err)
		}
		if err := n.people.Admit(n.cfg.Clock(), id); err != nil {
			t.Fatal(err)
		}
	}
	w := browse(t, n, "GET", "/api/v1/whoami", "", "Authorization", "Bearer "+good)
	if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" {
		t.Errorf("one request too many: %d %s, want 429", w.Code, w.Body)
	}
	if w := browse(t, n, "GET", "/api/v1/whoami", "", "Authorization", "Bearer "+tokenOf(t, n, alliance.Delegate)); w.Code != http.StatusOK {
		t.Errorf("another token: %d %s", w.Code, w.Body)
	}
}

// TestPeopleStay closes a node, opens it again with and without its index, and
// finds everybody; what was written in their name bears it.
func TestPeopleStay(t *testing.T) {
	t.Parallel()
	c := onDisk(t)
	c.passwordCost = cheapPasswords()
	n := fresh(t, c)
	addPerson(t, n, t.Context(), alliance.Administrator)
	addPerson(t, n, as(t, n, alliance.Administrator), alliance.Analyst)
	if _, err := n.MakeToken(as(t, n, alliance.Analyst), people.NewToken{}); err != nil {
		t.Fatal(err)
	}
	want := n.people.Persons()
	closeNode(t, n)
	index := filepath.Join(c.Dir, indexFile)
	for _, state := range []string{"kept", "lost", "damaged", "of a longer log", "of another log", "of other entries"} {
		text := map[string]string{"damaged": "x", "of a longer log": `{"mark":1000000,"entries":[1]}`, "of another log": `{"mark":2,"entries":[999]}`, "of other entries": `{"mark":10,"entries":[10]}`}[state]
		switch {
		case state == "lost":
			if err := os.Remove(index); err != nil {
				t.Fatal(err)
			}
		case text != "":
			if err := os.WriteFile(index, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		n := reopen(t, c)
		if diff := cmp.Diff(want, n.people.Persons()); diff != "" {
			t.Errorf("index %s: people (-want +got):\n%s", state, diff)
		}
		authors := map[string]bool{}
		if err := eventlog.Each(t.Context(), n.log, 1, func(st eventlog.Stored) error {
			authors[st.Header.Author] = true
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(slices.Collect(maps.Keys(authors)), func(a string) bool { return strings.HasPrefix(a, "person:analyst/analyst/token:") }) || !authors["local"] {
			t.Errorf("authors = %v, want the local operator and the analyst by token", authors)
		}
		closeNode(t, n)
	}
}

// TestSocketTakesNoCookie: what a browser bears is nothing on the socket.
func TestSocketTakesNoCookie(t *testing.T) {
	t.Parallel()
	n := peopled(t)
	secret, _, err := n.people.Start(t.Context(), n.cfg.Clock(), people.CallerOf(as(t, n, alliance.Analyst)).Known(), 0, "", "")
	if err != nil {
		t.Fatal(err)
	}
	var c people.Caller
	r, err := http.NewRequestWithContext(t.Context(), "GET", "http://localhost/api/v1/whoami", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.AddCookie(&http.Cookie{Name: people.SessionCookie, Value: secret}) //nolint:gosec // a test
	if err := n.identify(r, true, &c); err == nil {
		t.Errorf("identify() on the socket = %+v, want refused", c)
	}
	if err := n.identify(r, false, &c); err != nil || c.Person != "analyst" {
		t.Errorf("identify() of a browser = %+v, %v", c, err)
	}
}
