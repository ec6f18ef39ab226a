package node

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"casus/internal/core/alliance"
	"casus/internal/edge/cli"
	"casus/internal/fault"
	"casus/internal/people"
)

// sessionCookie is the cookie of a session at the port that tests speak of.
const sessionCookie = people.SessionCookie + "_8080"

// tab is a browser: it keeps cookies and sends forms.
type tab struct {
	t      *testing.T
	n      *Node
	jar    map[string]string
	header []string
}

func newTab(t *testing.T, n *Node) *tab { return &tab{t: t, n: n, jar: map[string]string{}} }

func (b *tab) do(method, path, body string) *httptest.ResponseRecorder {
	b.t.Helper()
	header := append([]string{}, b.header...)
	var cookies []string
	for name, v := range b.jar {
		cookies = append(cookies, name+"="+v)
	}
	if len(cookies) > 0 {
		header = append(header, "Cookie", strings.Join(cookies, "; "))
	}
	if method == http.MethodPost {
		header = append(header, "Content-Type", "application/x-www-form-urlencoded", "Origin", "http://127.0.0.1:8080")
	}
	w := browse(b.t, b.n, method, path, body, header...)
	for _, c := range w.Result().Cookies() {
		if !c.HttpOnly || c.SameSite == http.SameSiteNoneMode || c.Path != "/" {
			b.t.Errorf("%s %s: cookie %+v, want one that scripts and other sites do not get", method, path, c)
		}
		if b.jar[c.Name] = c.Value; c.MaxAge < 0 {
			delete(b.jar, c.Name)
		}
	}
	return w
}

func (b *tab) get(path string) *httptest.ResponseRecorder { b.t.Helper(); return b.do("GET", path, "") }

// post sends a form of names and values.
func (b *tab) post(path string, fields ...string) *httptest.ResponseRecorder {
	b.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return b.do("POST", path, form.Encode())
}

// leads wants an answer that leads to an address.
func leads(t *testing.T, what string, w *httptest.ResponseRecorder, to string) {
	t.Helper()
	if got := w.Header().Get("Location"); w.Code != http.StatusSeeOther || got != to {
		t.Errorf("%s: %d to %q, want to %q: %.300s", what, w.Code, got, to, w.Body)
	}
}

func (b *tab) signIn(login, to string) *httptest.ResponseRecorder {
	b.t.Helper()
	return b.post("/sign-in", "login", login, "password", goodPassword, "to", to)
}

func TestSetUpPage(t *testing.T) {
	t.Parallel()
	n, err := Open(t.Context(), Config{Clock: tick(), passwordCost: cheapPasswords()})
	if err != nil {
		t.Fatal(err)
	}
	defer closeNode(t, n)
	b := newTab(t, n)
	fields := []string{"key", "p1", "org", "AAA/csirt", "org_kind", "csirt", "name", "Ada L.", "login", "ada", "password", goodPassword, "again", goodPassword}
	if w := b.post("/set-up", fields...); w.Code != http.StatusUnauthorized {
		t.Errorf("set-up without the operator's token: %d, want 401", w.Code)
	}
	b.header = []string{"Authorization", bearer}
	leads(t, "sign-in before there is anybody", b.get("/sign-in"), "/set-up")
	if w := b.get("/set-up"); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `name="org_kind"`) {
		t.Errorf("set-up: %d", w.Code)
	}
	if w := b.post("/set-up", append(fields[:len(fields)-2:len(fields)-2], "again", "something else")...); w.Code != http.StatusBadRequest || !n.Empty() {
		t.Errorf("set-up with two passwords: %d, want 400 and nobody added", w.Code)
	}
	leads(t, "set-up", b.post("/set-up", fields...), "/sign-in")
	if w := b.get("/set-up"); w.Code == http.StatusOK {
		t.Errorf("set-up is open still: %d", w.Code)
	}
	if w := b.post("/set-up", append(fields, "key", "p2", "login", "eve")...); w.Code == http.StatusSeeOther && w.Header().Get("Location") == "/sign-in" || len(n.people.Persons()) != 1 {
		t.Errorf("set-up a second time: %d, %d people", w.Code, len(n.people.Persons()))
	}
	b = newTab(t, n)
	leads(t, "sign-in of an administrator", b.post("/sign-in", "login", "ada", "password", goodPassword), "/account")
	if w := b.get("/account"); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "Ada L.") {
		t.Errorf("account: %d", w.Code)
	}
}

func TestSignInPage(t *testing.T) {
	t.Parallel()
	n := peopled(t)
	b := newTab(t, n)
	leads(t, "a page", b.get("/reports"), "/sign-in?to=%2Freports")
	var told []string
	for _, login := range []string{"analyst", "nobody", strings.Repeat("x", 64)} {
		w := b.post("/sign-in", "login", login, "password", "a wrong password")
		if w.Code != http.StatusUnauthorized || len(b.jar) > 0 {
			t.Errorf("sign-in as %.10s with a wrong password: %d, cookies %v", login, w.Code, b.jar)
		}
		told = append(told, strings.ReplaceAll(w.Body.String(), login, "LOGIN"))
	}
	if told[0] != told[1] || told[1] != told[2] {
		t.Error("a wrong login and a wrong password are told apart")
	}
	// A session that was planted is not taken up.
	b.jar[sessionCookie] = "planted"
	leads(t, "sign-in", b.signIn("analyst", "/search?q=a%26b"), "/search?q=a%26b")
	if got := b.jar[sessionCookie]; got == "planted" || len(got) < 43 {
		t.Errorf("the session is %q, want a new one", got)
	}
	if w := b.get("/reports"); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "analyst · analyst") {
		t.Errorf("reports: %d, want who is signed in on the page", w.Code)
	}
	old := b.jar[sessionCookie]
	leads(t, "sign-in again", b.signIn("analyst", ""), "/reports")
	if _, err := n.people.Session(n.cfg.Clock(), old); err == nil {
		t.Error("the session before is open still")
	}
	last := b.jar[sessionCookie]
	leads(t, "sign-out", b.post("/sign-out"), "/sign-in")
	if _, err := n.people.Session(n.cfg.Clock(), last); err == nil || b.jar[sessionCookie] != "" {
		t.Error("the session is open after sign-out")
	}
	for _, to := range []string{
		"https://evil.example/", "//evil.example/", `/\evil.example`, `\\evil.example`, "http:evil", "javascript:alert(1)", "evil", "/x\r\nSet-Cookie: a=b",
		"/%2F/evil.example/..//evil.example", "///evil.example", "/sign-in?to=x", "https:/evil.example",
	} {
		got := newTab(t, n).signIn("delegate", to).Header().Get("Location")
		if u, err := url.Parse(got); err != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(got, "/") || strings.HasPrefix(got, "//") || strings.Contains(got, `\`) {
			t.Errorf("sign-in to %q leads to %q", to, got)
		}
	}
}

// TestGuessesOnThePage: too many are told to wait, and a known browser is not.
func TestGuessesOnThePage(t *testing.T) {
	t.Parallel()
	n := peopled(t)
	known := newTab(t, n)
	known.signIn("analyst", "")
	b := newTab(t, n)
	for range people.PairBurst {
		b.post("/sign-in", "login", "analyst", "password", "a wrong password")
	}
	if w := b.signIn("analyst", ""); w.Code != http.StatusTooManyRequests {
		t.Errorf("one guess too many: %d, want 429", w.Code)
	}
	leads(t, "sign-in of a known browser", known.signIn("analyst", ""), "/reports")
}

func TestAccountPage(t *testing.T) {
	t.Parallel()
	n := peopled(t)
	admin := as(t, n, alliance.Administrator)
	if _, err := n.EditPerson(admin, "analyst", people.Change{Posts: &[]alliance.Post{{Role: alliance.Analyst}, {Role: alliance.Delegate}}}); err != nil {
		t.Fatal(err)
	}
	b := newTab(t, n)
	b.signIn("analyst", "")
	before := b.jar[sessionCookie]
	leads(t, "another role", b.post("/account/role", "role", "delegate"), "/account?done=role")
	if b.jar[sessionCookie] == before {
		t.Error("another role in the same session")
	}
	if id, err := n.people.Session(n.cfg.Clock(), b.jar[sessionCookie]); err != nil || id.Role != alliance.Delegate {
		t.Errorf("acting as %v, %v, want delegate", id.Role, err)
	}
	if w := b.post("/account/role", "role", "administrator"); w.Code != http.StatusForbidden {
		t.Errorf("a role not held: %d, want 403", w.Code)
	}

	w := b.post("/account/token", "scope", "read", "days", "30")
	secret := regexp.MustCompile(`casus_[A-Za-z0-9_-]{43}`).FindString(w.Body.String())
	if id, err := n.people.Bearer(n.cfg.Clock(), secret); err != nil || id.Role != alliance.Delegate || id.Scope != people.ScopeRead {
		t.Errorf("the token on the page: %+v, %v", id, err)
	}
	if w := b.get("/account"); strings.Contains(w.Body.String(), secret) {
		t.Error("the secret is shown again")
	}
	p, err := n.people.Person("analyst")
	if err != nil {
		t.Fatal(err)
	}
	leads(t, "revoke", b.post("/account/token/revoke", "id", p.Tokens[len(p.Tokens)-1].ID), "/account?done=revoked")

	other := newTab(t, n)
	other.signIn("analyst", "")
	for _, s := range n.people.Sessions(n.cfg.Clock(), "analyst") {
		if id, err := n.people.Session(n.cfg.Clock(), b.jar[sessionCookie]); err != nil || s.ID == id.Session {
			continue
		}
		leads(t, "end a session", b.post("/account/session/end", "id", s.ID), "/account?done=ended")
	}
	leads(t, "the other browser", other.get("/account"), "/sign-in?to=%2Faccount")

	if w := b.post("/account/password", "old", "not it at all", "password", "another long password", "again", "another long password"); w.Code != http.StatusForbidden {
		t.Errorf("a wrong old password: %d, want 403", w.Code)
	}
	if w := b.post("/account/credential/remove", "id", "password-analyst"); w.Code != http.StatusConflict {
		t.Errorf("remove the only way to sign in: %d, want 409", w.Code)
	}
	b.post("/account/password", "old", goodPassword, "password", "another long password", "again", "another long password")
	leads(t, "after a new password", b.get("/account"), "/sign-in?to=%2Faccount")
	if _, err := n.SignIn(t.Context(), people.Credentials{Login: "analyst", Password: "another long password"}); err != nil {
		t.Errorf("sign in with the new password: %v", err)
	}
	// Another site's page cannot do any of it.
	c := newTab(t, n)
	c.signIn("delegate", "")
	r := c.do("POST", "/account/token", "scope=all&days=365")
	if r.Code != http.StatusOK {
		t.Fatalf("a token: %d", r.Code)
	}
	w = browse(t, n, "POST", "/account/token", "scope=all&days=365", "Cookie", sessionCookie+"="+c.jar[sessionCookie],
		"Content-Type", "application/x-www-form-urlencoded", "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site")
	if w.Code != http.StatusForbidden {
		t.Errorf("cross-site: %d, want 403", w.Code)
	}
}

// TestPasskeyPages has no key, but finds the ceremonies where they are.
func TestPasskeyPages(t *testing.T) {
	t.Parallel()
	n := peopled(t)
	var err error
	if n.passkeys, err = people.NewPasskeys(n.people, "http://localhost:8080"); err != nil {
		t.Fatal(err)
	}
	b := newTab(t, n)
	if w := b.do("POST", "/sign-in/passkey/ask", "{}"); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"challenge":"`) {
		t.Errorf("ask to sign in: %d %s", w.Code, w.Body)
	}
	for body, want := range map[string]int{`{"id":"x","answer":{}}`: 403, `{"id":"x","id":"y"}`: 400, `x`: 400, `{"unknown":1}`: 400} {
		if w := b.do("POST", "/sign-in/passkey", body); w.Code != want || len(b.jar) > 0 {
			t.Errorf("answer %s: %d %s, want %d", body, w.Code, w.Body, want)
		}
	}
	if w := b.do("POST", "/account/passkey/ask", "{}"); w.Code != http.StatusUnauthorized {
		t.Errorf("ask for a new one as nobody: %d, want 401", w.Code)
	}
	b.signIn("analyst", "")
	if w := b.do("POST", "/account/passkey/ask", "{}"); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"pubKeyCredParams"`) {
		t.Errorf("ask for a new one: %d %s", w.Code, w.Body)
	}
	// A program with a token may not change how its person signs in.
	w := browse(t, n, "POST", "/account/passkey/ask", "{}", "Authorization", "Bearer "+tokenOf(t, n, alliance.Analyst))
	if w.Code != http.StatusForbidden {
		t.Errorf("with a token: %d %s, want 403", w.Code, w.Body)
	}
}

// served serves a node on a free port and returns what to open.
func served(t *testing.T, n *Node, o cli.ServeOptions) (cli.Serving, func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ready, done := make(chan cli.Serving, 1), make(chan error, 1)
	go func() {
		done <- n.Serve(ctx, o, slog.New(slog.DiscardHandler), func(s cli.Serving) { ready <- s })
	}()
	select {
	case s := <-ready:
		return s, func() {
			cancel()
			if err := <-done; err != nil {
				t.Errorf("Serve: %v", err)
			}
		}
	case err := <-done:
		cancel()
		t.Fatalf("Serve: %v", err)
		return cli.Serving{}, nil
	}
}

// refusedToServe asks for what no node with people serves by.
func refusedToServe(t *testing.T, n *Node) {
	t.Helper()
	if _, err := n.ownCert("casus.example"); err != nil {
		t.Fatal(err)
	}
	own := filepath.Join(n.cfg.Dir, "tls", "own.pem")
	for name, bad := range map[string]cli.ServeOptions{
		"no name":                 {Listen: "0.0.0.0:0"},
		"no name but a file":      {Listen: "127.0.0.1:0", Cert: "x", Key: "y"},
		"name with a port":        {Listen: "127.0.0.1:0", Name: "casus.example:443"},
		"name in capitals":        {Listen: "127.0.0.1:0", Name: "Casus.example"},
		"file that is not there":  {Listen: "127.0.0.1:0", Name: "casus.example", Cert: "x", Key: "y"},
		"file and ACME":           {Listen: "127.0.0.1:0", Name: "casus.example", Cert: "x", Key: "y", ACME: true},
		"ACME for an address":     {Listen: "127.0.0.1:0", Name: "192.0.2.1", ACME: true},
		"ACME without a name":     {Listen: "127.0.0.1:0", ACME: true},
		"certificate for another": {Listen: "127.0.0.1:0", Name: "other.example", Cert: own, Key: own},
	} {
		if err := n.Serve(t.Context(), bad, nil, func(cli.Serving) { t.Errorf("%s: it listens", name) }); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: Serve = %v, want Invalid", name, err)
		}
	}
}

func TestServeOverTLS(t *testing.T) {
	t.Parallel()
	c := onDisk(t)
	c.passwordCost, c.Clock = cheapPasswords(), time.Now
	n := fresh(t, c)
	defer closeNode(t, n)
	o := cli.ServeOptions{Listen: "127.0.0.1:0", Name: "casus.example"}
	if err := n.Serve(t.Context(), o, nil, func(cli.Serving) { t.Error("it listens without people") }); fault.KindOf(err) != fault.Conflict {
		t.Errorf("Serve without people = %v, want a Conflict", err)
	}
	addPerson(t, n, t.Context(), alliance.Administrator)
	refusedToServe(t, n)

	s, stop := served(t, n, o)
	u, err := url.Parse(s.URL)
	if err != nil || u.Scheme != "https" || u.Hostname() != "casus.example" || s.Fingerprint == "" {
		t.Fatalf("serving %+v, want https by name with a fingerprint", s)
	}
	addr := "127.0.0.1:" + u.Port()
	ask := func(host, path string, cfg *tls.Config) (*http.Response, string, error) {
		d := &net.Dialer{}
		client := &http.Client{
			Transport: &http.Transport{TLSClientConfig: cfg, DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return d.DialContext(ctx, "tcp", addr)
			}},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
		r, err := http.NewRequestWithContext(t.Context(), "GET", "https://casus.example:"+u.Port()+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if host != "" {
			r.Host = host
		}
		res, err := client.Do(r)
		if err != nil {
			return nil, "", err
		}
		defer func() { _ = res.Body.Close() }()
		b, err := io.ReadAll(res.Body)
		return res, string(b), err
	}
	pinned := func(most uint16) *tls.Config {
		return &tls.Config{MinVersion: tls.VersionTLS12, MaxVersion: most, InsecureSkipVerify: true, VerifyConnection: func(cs tls.ConnectionState) error { //nolint:gosec // the fingerprint is what is checked
			if sum := sha256.Sum256(cs.PeerCertificates[0].Raw); hex.EncodeToString(sum[:]) != s.Fingerprint {
				t.Error("another certificate than the one told")
			}
			return cs.PeerCertificates[0].VerifyHostname("casus.example")
		}}
	}
	res, _, err := ask("", "/reports", pinned(tls.VersionTLS13)) //nolint:bodyclose // ask closes it
	if err != nil || res.StatusCode != http.StatusSeeOther {
		t.Fatalf("a page: %v, %v, want the way to sign in", res, err)
	}
	if _, _, err := ask("", "/reports", pinned(tls.VersionTLS12)); err == nil { //nolint:bodyclose // ask closes it
		t.Error("TLS 1.2 is taken")
	}
	if res, _, err := ask("evil.example", "/reports", pinned(tls.VersionTLS13)); err != nil || res.StatusCode != http.StatusMisdirectedRequest { //nolint:bodyclose // ask closes it
		t.Errorf("another host: %v, %v, want 421", res, err)
	}
	if info, err := os.Stat(filepath.Join(c.Dir, "tls", "own.pem")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's file: %v, %v, want one for its owner alone", info, err)
	}
	stop()
	// The certificate stays, and files serve as well.
	file := filepath.Join(c.Dir, "tls", "own.pem")
	o.Cert, o.Key = file, file
	again, stop := served(t, n, o)
	u, _ = url.Parse(again.URL)
	addr = "127.0.0.1:" + u.Port()
	if _, _, err := ask("", "/reports", pinned(tls.VersionTLS13)); err != nil { //nolint:bodyclose // ask closes it
		t.Errorf("with the certificate from files: %v", err)
	}
	stop()
}

// TestServedToPeople: with people the address holds no token any more.
func TestServedToPeople(t *testing.T) {
	t.Parallel()
	c := onDisk(t)
	c.passwordCost = cheapPasswords()
	n := fresh(t, c)
	defer closeNode(t, n)
	s, stop := served(t, n, cli.ServeOptions{Listen: "127.0.0.1:0"})
	if !strings.Contains(s.URL, "?token=") {
		t.Errorf("serving %s, want the operator's token in it", s.URL)
	}
	stop()
	addPerson(t, n, t.Context(), alliance.Administrator)
	s, stop = served(t, n, cli.ServeOptions{Listen: "127.0.0.1:0"})
	if strings.Contains(s.URL, "token") {
		t.Errorf("serving %s, want no token in it", s.URL)
	}
	stop()
}
