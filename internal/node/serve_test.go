package node

import (
	"bytes"
	"context"
	"encoding/json/v2"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"casus/internal/core/report"
	"casus/internal/edge/cli"
	"casus/internal/fault"
)

const testToken = "casus_0123456789abcdef"

// inMemory returns a node that keeps nothing.
func inMemory(t *testing.T) *Node {
	t.Helper()
	n, err := Open(t.Context(), Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

// handlerOf returns the handler for browsers.
func handlerOf(t *testing.T, n *Node) http.Handler {
	t.Helper()
	h, err := n.Handler(testToken, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// browse sends one request to a new handler for browsers.
func browse(t *testing.T, n *Node, method, target, body string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	return send(t, handlerOf(t, n), method, target, body, header...)
}

// send sends one request to a handler for browsers.
func send(t *testing.T, h http.Handler, method, target, body string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "http://127.0.0.1:8080"+target, strings.NewReader(body))
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
			continue
		}
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// turnedAway requires that a path was refused in its own form: one problem of the
// API, or a page in the frame with the policy of pages.
func turnedAway(t *testing.T, path string, w *httptest.ResponseRecorder, status int, kind string) {
	t.Helper()
	body, typ := w.Body.String(), w.Header().Get("Content-Type")
	if w.Code != status {
		t.Errorf("%s: %d %s, want %d", path, w.Code, body, status)
	}
	if got := w.Header().Get("Cache-Control"); got != "no-store" {
		t.Errorf("%s: Cache-Control %q, want no-store", path, got)
	}
	if strings.HasPrefix(path, "/api/") || path == "/metrics" {
		var p struct {
			Status            int
			Kind, Title, Hint string
		}
		if err := json.Unmarshal([]byte(body), &p, json.RejectUnknownMembers(true), json.MatchCaseInsensitiveNames(true)); err != nil || typ != "application/problem+json" {
			t.Errorf("%s: %s %s: %v, want a problem", path, typ, body, err)
		}
		if p.Status != status || p.Kind != kind || p.Title == "" || p.Hint == "" {
			t.Errorf("%s: %+v, want status %d, kind %s, title and hint", path, p, status, kind)
		}
		return
	}
	if typ != "text/html; charset=utf-8" || !strings.Contains(body, `class="marking`) || !strings.Contains(body, "<h1") || strings.Contains(body, "<nav") {
		t.Errorf("%s: %s %.300s, want a page in the frame that leads nowhere", path, typ, body)
	}
	if !strings.HasPrefix(w.Header().Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("%s: policy %q", path, w.Header().Get("Content-Security-Policy"))
	}
}

const bearer = "Bearer " + testToken

// faces are one path of each thing that is served.
var faces = []string{"/", "/reports", "/api/v1/reports", "/api/v1/openapi.json", "/api/v1/nothing", "/metrics", "/nothing"}

func TestHostMustBeThisMachine(t *testing.T) {
	t.Parallel()
	n := inMemory(t)
	for _, host := range []string{"127.0.0.1:8080", "127.0.0.1", "localhost", "localhost:80", "[::1]:8080", "127.9.9.9:1"} {
		if w := browse(t, n, "GET", "/api/v1/health", "", "Host", host, "Authorization", bearer); w.Code != http.StatusOK {
			t.Errorf("host %q: %d %s, want 200", host, w.Code, w.Body)
		}
	}
	for _, host := range []string{"", "casus.example", "127.0.0.1.casus.example", "localhost.casus.example", "192.0.2.1:8080", "0.0.0.0", "[2001:db8::1]:80", "127.0.0.1@casus.example"} {
		for _, path := range faces {
			w := browse(t, n, "GET", path, "", "Host", host, "Authorization", bearer)
			turnedAway(t, path, w, http.StatusMisdirectedRequest, "invalid")
		}
	}
}

func TestTokenIsAskedEverywhere(t *testing.T) {
	t.Parallel()
	n := inMemory(t)
	for _, path := range faces {
		for _, h := range [][]string{
			nil,
			{"Authorization", "Bearer "},
			{"Authorization", "Bearer " + testToken[:10]},
			{"Authorization", bearer + "0"},
			{"Authorization", "Basic " + testToken},
			{"Authorization", testToken},
			{"Cookie", "casus_operator_8080=" + testToken},
			{"Cookie", "casus_operator_8080="},
			{"Cookie", "casus_operator=" + testToken},
		} {
			w := browse(t, n, "GET", path, "", h...)
			turnedAway(t, path, w, http.StatusUnauthorized, "sign-in")
			if strings.Contains(w.Body.String(), testToken[:10]) {
				t.Errorf("%s with %q repeats the token", path, h)
			}
		}
	}
	if w := browse(t, n, "GET", "/api/v1/health", "", "Authorization", bearer); w.Code != http.StatusOK {
		t.Errorf("with the token: %d, want 200", w.Code)
	}
	page := browse(t, n, "GET", "/reports?token=casus_wrong&q=x", "").Body.String()
	if strings.Contains(page, "casus_wrong") {
		t.Error("the page repeats a token that is wrong")
	}
	_, style, _ := strings.Cut(page, `<link rel="stylesheet" href="`)
	style, _, _ = strings.Cut(style, `"`)
	if w := browse(t, n, "GET", style, ""); w.Code != http.StatusOK {
		t.Errorf("its style sheet %s: %d, want 200", style, w.Code)
	}
}

// signIn opens the printed address and returns the cookie that a browser gets.
func signIn(t *testing.T, h http.Handler, header ...string) *http.Cookie {
	t.Helper()
	w := send(t, h, "GET", "/reports?q=a+b&token="+testToken, "", header...)
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/reports?q=a+b" {
		t.Errorf("%d to %q, want the token taken out of the address", w.Code, w.Header().Get("Location"))
	}
	cookies := w.Result().Cookies() //nolint:bodyclose // a recorder's body
	if len(cookies) != 1 {
		t.Fatalf("cookies = %v, want one", cookies)
	}
	return cookies[0]
}

func TestOperatorSession(t *testing.T) {
	t.Parallel()
	n := inMemory(t)
	h := handlerOf(t, n)
	c := signIn(t, h)
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.MaxAge != 0 || !c.Expires.IsZero() {
		t.Errorf("cookie %+v, want one that scripts and other sites do not get and that goes with the browser", c)
	}
	if len(c.Value) < 64 || strings.Contains(c.Value, strings.TrimPrefix(testToken, "casus_")) || c.Value == signIn(t, h).Value {
		t.Errorf("cookie %q, want a value of its own that is not the token", c.Value)
	}
	if other := signIn(t, h, "Host", "127.0.0.1:9090"); other.Name == c.Name {
		t.Errorf("a node on another port uses the name %q, too", c.Name)
	}
	in := c.Name + "=" + c.Value
	for _, path := range []string{"/reports", "/api/v1/reports"} {
		if w := send(t, h, "GET", path, "", "Cookie", in); w.Code != http.StatusOK {
			t.Errorf("%s in the session: %d, want 200", path, w.Code)
		}
		turnedAway(t, path, send(t, h, "GET", path, "", "Cookie", in+"0"), http.StatusUnauthorized, "sign-in")
		turnedAway(t, path, send(t, h, "GET", path, "", "Cookie", in, "Authorization", "Bearer no"), http.StatusUnauthorized, "sign-in")
		turnedAway(t, path, send(t, handlerOf(t, n), "GET", path, "", "Cookie", in), http.StatusUnauthorized, "sign-in")
	}
	if w := send(t, h, "GET", "/reports", "", "Cookie", in); !strings.Contains(w.Body.String(), `action="/sign-out"`) {
		t.Error("the page has no way to sign out")
	}
	turnedAway(t, "/sign-out", send(t, h, "POST", "/sign-out", "", "Cookie", in, "Sec-Fetch-Site", "same-site"), http.StatusForbidden, "denied")
	if w := send(t, h, "GET", "/reports", "", "Cookie", in); w.Code != http.StatusOK {
		t.Errorf("after another site tried to sign out: %d, want 200", w.Code)
	}
	w := send(t, h, "POST", "/sign-out", "", "Cookie", in)
	gone := w.Result().Cookies() //nolint:bodyclose // a recorder's body
	if w.Code != http.StatusSeeOther || len(gone) != 1 || gone[0].MaxAge >= 0 || gone[0].Name != c.Name {
		t.Errorf("sign-out: %d, cookies %v; want the cookie taken away", w.Code, gone)
	}
	turnedAway(t, "/reports", send(t, h, "GET", "/reports", "", "Cookie", in), http.StatusUnauthorized, "sign-in")
}

func TestOperatorSessionsAreBounded(t *testing.T) {
	t.Parallel()
	h := handlerOf(t, inMemory(t))
	first := signIn(t, h)
	var last *http.Cookie
	for range maxBrowsers {
		last = signIn(t, h)
	}
	for c, want := range map[*http.Cookie]int{first: http.StatusUnauthorized, last: http.StatusOK} {
		if w := send(t, h, "GET", "/reports", "", "Cookie", c.Name+"="+c.Value); w.Code != want {
			t.Errorf("one of %d sessions: %d, want %d", maxBrowsers+1, w.Code, want)
		}
	}
}

func TestTokenInTheAddress(t *testing.T) {
	t.Parallel()
	n := inMemory(t)
	for _, target := range []string{"/?token=wrong", "/?token="} {
		if w := browse(t, n, "GET", target, ""); w.Code != http.StatusUnauthorized || w.Header().Get("Set-Cookie") != "" {
			t.Errorf("%s: %d, want it refused", target, w.Code)
		}
	}
	if w := browse(t, n, "POST", "/api/v1/reports?token="+testToken, "x"); w.Code != http.StatusUnauthorized {
		t.Errorf("POST with the token in its address: %d, want it refused", w.Code)
	}
	for _, path := range []string{"//casus.example/", "/%2Fcasus.example/", `/\casus.example/`} {
		w := browse(t, n, "GET", path+"?token="+testToken, "")
		at := w.Header().Get("Location")
		if u, err := url.Parse(at); err != nil || u.Host != "" || strings.HasPrefix(at, "//") || strings.HasPrefix(at, `/\`) {
			t.Errorf("%s leads to %q, want this machine", path, at)
		}
	}
}

func TestOtherSitesCannotWrite(t *testing.T) {
	t.Parallel()
	n := inMemory(t)
	handler := handlerOf(t, n)
	in := signIn(t, handler)
	for _, h := range [][]string{
		{"Sec-Fetch-Site", "cross-site"},
		{"Sec-Fetch-Site", "same-site"},
		{"Origin", "https://casus.example"},
		{"Origin", "null"},
		{"Origin", "http://127.0.0.1:9999"},
	} {
		for _, target := range []string{"/api/v1/reports", "/api/v1/match", "/api/v1/node/erase", "/reports"} {
			turnedAway(t, target, send(t, handler, "POST", target, "192.0.2.1 was seen", append(h, "Cookie", in.Name+"="+in.Value)...), http.StatusForbidden, "denied")
		}
	}
	if rows, _, err := n.Reports(t.Context(), "", "", "", 10); err != nil || len(rows) > 0 {
		t.Fatalf("Reports = %v, %v, want none", rows, err)
	}
	for i, h := range [][]string{nil, {"Sec-Fetch-Site", "same-origin"}, {"Origin", "http://127.0.0.1:8080"}} {
		w := browse(t, n, "POST", "/api/v1/reports", "192.0.2.1 was seen "+strings.Repeat("again ", i), append(h, "Authorization", bearer)...)
		if w.Code != http.StatusOK {
			t.Errorf("%q: %d %s, want 200", h, w.Code, w.Body)
		}
	}
	if rows, _, err := n.Reports(t.Context(), "", "", "", 10); err != nil || len(rows) != 3 {
		t.Errorf("Reports = %d rows, %v, want 3", len(rows), err)
	}
}

// wantToken requires a file that holds the operator's token, for its owner alone.
func wantToken(t *testing.T, path, token string) {
	t.Helper()
	kept, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.TrimSpace(string(kept)) != token || len(token) < 64 {
		t.Errorf("operator.token holds %q, the address %q", kept, token)
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("operator.token: %v, %v, want 0600", st.Mode(), err)
	}
}

// postAs posts a body with a token.
func postAs(t *testing.T, c *http.Client, token, address, typ, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", typ)
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// TestServe serves a data directory and asks over TCP and over the socket.
func TestServe(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "n")
	cfg := Config{Dir: dir}
	if err := Init(cfg, report.Ceiling{}); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ready, done := make(chan string, 1), make(chan error, 1)
	go func() {
		done <- Host{}.Serve(ctx, dir, cli.ServeOptions{Listen: "127.0.0.1:0"}, slog.New(slog.DiscardHandler), func(s cli.Serving) { ready <- s.URL })
	}()
	var at string
	select {
	case at = <-ready:
	case err := <-done:
		t.Fatal(err)
	}
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	token := u.Query().Get("token")
	path := filepath.Join(dir, "operator.token")
	wantToken(t, path, token)
	file := filepath.Join(t.TempDir(), "seen.txt")
	if err := os.WriteFile(file, []byte("192.0.2.77 was seen"), 0o600); err != nil {
		t.Fatal(err)
	}
	named, err := json.Marshal(map[string][]string{"paths": {file}})
	if err != nil {
		t.Fatal(err)
	}
	tcp := &http.Client{Transport: new(http.Transport)}
	if status, body := postAs(t, tcp, token, "http://"+u.Host+"/api/v1/imports", "application/json", string(named)); status != http.StatusNotFound {
		t.Errorf("a path named over TCP: %d %s, want 404", status, body)
	}
	socket, err := Host{}.Connect(ctx, dir)
	if err != nil || !socket.Served {
		t.Fatalf("Connect = %+v, %v, want the node that serves", socket, err)
	}
	status, body := postAs(t, socket.Client, token, "http://casus/api/v1/imports?source=A", "application/json", string(named))
	var res report.Result
	if err := json.Unmarshal([]byte(body), &res); status != http.StatusOK || err != nil || len(res.Reports) != 1 {
		t.Errorf("a path named over the socket: %d %s, %v, want it taken in", status, body, err)
	}
	if err := (Host{}).Serve(ctx, dir, cli.ServeOptions{Listen: "127.0.0.1:0"}, nil, func(cli.Serving) {}); fault.KindOf(err) != fault.Conflict {
		t.Errorf("a second node: %v, want Conflict", err)
	}
	if err := socket.Close(); err != nil {
		t.Error(err)
	}
	tcp.CloseIdleConnections()
	stop()
	if err := <-done; err != nil {
		t.Errorf("Serve = %v", err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("operator.token is left behind")
	}
}

func TestServeOnLoopbackAlone(t *testing.T) {
	t.Parallel()
	n := inMemory(t)
	for _, addr := range []string{"0.0.0.0:0", ":0", "192.0.2.1:0", "casus.example:0", "[::]:0", "127.0.0.1"} {
		err := n.Serve(t.Context(), cli.ServeOptions{Listen: addr}, nil, func(cli.Serving) { t.Errorf("%s: listens", addr) })
		if fault.KindOf(err) != fault.Invalid || err.Error() != "node: "+addr+" is no loopback address" {
			t.Errorf("Serve(%q) = %v, want it refused", addr, err)
		}
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	n := inMemory(t)
	if _, err := n.Import(t.Context(), report.Request{}, bytes.NewReader([]byte("192.0.2.1 was seen")), nil); err != nil {
		t.Fatal(err)
	}
	got := browse(t, n, "GET", "/metrics", "", "Authorization", bearer).Body.String()
	for _, want := range []string{"casus_reports 1\n", "casus_quarantined 0\n", "casus_view_lag_entries 0\n", "casus_receipts "} {
		if !strings.Contains(got, want) {
			t.Errorf("metrics lack %q:\n%s", want, got)
		}
	}
}
