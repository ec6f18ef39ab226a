package node

import (
	"bufio"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"casus/internal/core/alliance"
	"casus/internal/event"
	"casus/internal/people"
)

// theIssuer starts the issuer of tools/interop, where CASUS_OIDC_PROVIDER names a
// directory in which npm has installed what it needs, and returns its address.
func theIssuer(t *testing.T, back string) string {
	t.Helper()
	dir := os.Getenv("CASUS_OIDC_PROVIDER")
	node, err := exec.LookPath("node")
	if dir == "" || err != nil {
		if os.Getenv("CASUS_CI") != "" {
			t.Fatalf("CASUS_OIDC_PROVIDER is %q, node: %v: CASUS_CI asks for both", dir, err)
		}
		t.Skip("CASUS_OIDC_PROVIDER names no directory with the certified issuer, or there is no node")
	}
	script, err := os.ReadFile("../../tools/interop/issuer.js")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "issuer.js") // beside what it imports
	if err := os.WriteFile(file, script, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), node, file, back)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the issuer did not start: %v", err)
	}
	return strings.TrimSpace(address)
}

var (
	formAction = regexp.MustCompile(`<form[^>]* action="([^"]+)"`)
	formHidden = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]+)"`)
	linkAbort  = regexp.MustCompile(`<a href="([^"]+/abort)"`)
)

// elsewhere is a browser at the issuer.
type elsewhere struct {
	t    *testing.T
	http *http.Client
}

func newElsewhere(t *testing.T, back string) *elsewhere {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &elsewhere{t, &http.Client{Jar: jar, Timeout: time.Minute, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), back) {
			return http.ErrUseLastResponse // that is us
		}
		return nil
	}}}
}

// open asks for a page, by a form when fields are given, and returns it and where the
// browser is sent back to, if it is.
func (e *elsewhere) open(address string, fields url.Values) (page, to string) {
	e.t.Helper()
	method, body := "GET", ""
	if fields != nil {
		method, body = "POST", fields.Encode()
	}
	r, err := http.NewRequestWithContext(e.t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		e.t.Fatal(err)
	}
	if fields != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := e.http.Do(r) //nolint:gosec // on this machine
	if err != nil {
		e.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		e.t.Fatal(err)
	}
	return string(raw), res.Header.Get("Location")
}

// signIn types a subject, agrees to what is asked, and returns where it leads.
func (e *elsewhere) signIn(address, subject string) string {
	e.t.Helper()
	page, to := e.open(address, nil)
	for range 3 {
		if to != "" {
			return to
		}
		action := formAction.FindStringSubmatch(page)
		if action == nil {
			e.t.Fatalf("no form at the issuer: %.2000s", page)
		}
		fields := url.Values{"login": {subject}, "password": {"x"}}
		for _, m := range formHidden.FindAllStringSubmatch(page, -1) {
			fields.Set(m[1], html.UnescapeString(m[2]))
		}
		page, to = e.open(html.UnescapeString(action[1]), fields)
	}
	return to
}

// TestOIDCInterop signs people in by a certified issuer: by code, with PKCE, a nonce
// and the issuer's name in the answer.
func TestOIDCInterop(t *testing.T) {
	t.Parallel()
	const origin = "http://127.0.0.1:8080" // that of the tab; localhost would do, too
	back := origin + "/sign-in/oidc/back"
	issuer := theIssuer(t, back)
	n, err := Open(t.Context(), Config{Clock: time.Now, passwordCost: cheapPasswords()})
	if err != nil {
		t.Fatal(err)
	}
	defer closeNode(t, n)
	addPerson(t, n, t.Context(), alliance.Administrator)
	admin := as(t, n, alliance.Administrator)
	addPerson(t, n, admin, alliance.Analyst)
	if err := n.LinkOIDC(admin, "analyst", event.Subject{Issuer: issuer, Subject: "248289761001"}); err != nil {
		t.Fatal(err)
	}
	n.oidc, err = people.NewOIDC(people.Issuer{URL: issuer, ClientID: "casus", ClientSecret: "a secret of the test", Redirect: back, HTTP: &http.Client{Timeout: time.Minute}})
	if err != nil {
		t.Fatal(err)
	}
	begin := func(b *tab) string {
		t.Helper()
		w := b.get("/sign-in/oidc")
		to := w.Header().Get("Location")
		if w.Code != http.StatusSeeOther || !strings.HasPrefix(to, issuer+"/") {
			t.Fatalf("begin: %d to %q: %.300s", w.Code, to, w.Body)
		}
		return to
	}
	local := func(to string) string {
		t.Helper()
		path, ok := strings.CutPrefix(to, origin)
		if !ok {
			t.Fatalf("the issuer leads to %q, want back here", to)
		}
		return path
	}

	b := newTab(t, n)
	to := local(newElsewhere(t, back).signIn(begin(b), "248289761001"))
	other := newTab(t, n)
	if w := other.get(to); w.Code != http.StatusUnauthorized {
		t.Errorf("the answer in another browser: %d, want 401", w.Code)
	}
	// That spent the flow: nobody gets in by it any more.
	if w := b.get(to); w.Code != http.StatusUnauthorized {
		t.Errorf("the answer after that: %d, want 401", w.Code)
	}
	to = local(newElsewhere(t, back).signIn(begin(b), "248289761001"))
	if q, err := url.ParseQuery(strings.TrimPrefix(to, "/sign-in/oidc/back?")); err != nil || q.Get("iss") != issuer {
		t.Errorf("the answer %s, want one that names the issuer", to)
	}
	leads(t, "back from the issuer", b.get(to), "/reports")
	if w := b.get("/reports"); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "analyst · analyst") {
		t.Errorf("reports: %d, want who is signed in on the page", w.Code)
	}
	if w := newTab(t, n).get(to); w.Code != http.StatusUnauthorized {
		t.Errorf("the same answer again: %d, want 401", w.Code)
	}

	// Whoever else the issuer knows is nobody here, whatever he is called.
	stranger := newTab(t, n)
	if w := stranger.get(local(newElsewhere(t, back).signIn(begin(stranger), "analyst"))); w.Code != http.StatusUnauthorized || stranger.jar[sessionCookie] != "" {
		t.Errorf("a subject that is not linked: %d, want 401", w.Code)
	}
	// Who goes back without signing in is told so.
	e, undecided := newElsewhere(t, back), newTab(t, n)
	page, _ := e.open(begin(undecided), nil)
	abort := linkAbort.FindStringSubmatch(page)
	if abort == nil {
		t.Fatalf("no way back at the issuer: %.2000s", page)
	}
	_, to = e.open(html.UnescapeString(abort[1]), nil)
	if w := undecided.get(local(to)); !strings.Contains(to, "error=access_denied") || w.Code != http.StatusUnauthorized {
		t.Errorf("back without signing in, by %s: %d, want 401", to, w.Code)
	}
}
