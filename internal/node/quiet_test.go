package node

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"casus/internal/core/alliance"
	"casus/internal/edge/cli"
)

// page is a text that several goroutines write.
type page struct {
	mu   sync.Mutex // guards text
	text strings.Builder
	more chan struct{} // has one after each line, when somebody waits for it
}

// Write implements io.Writer.
func (p *page) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.text.Write(b)
	select {
	case p.more <- struct{}{}:
	default:
	}
	return len(b), nil
}

func (p *page) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

func TestQuiet(t *testing.T) {
	t.Parallel()
	out := &page{}
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	q := newQuiet(slog.New(slog.NewTextHandler(out, nil)), func() time.Time { return now })
	for i := range 1000 {
		q.errorLog().Printf("handshake %d", i)
	}
	if got := strings.Count(out.String(), "\n"); got != quietBurst {
		t.Errorf("1000 lines at once: %d written, want %d", got, quietBurst)
	}
	now = now.Add(quietEvery)
	q.errorLog().Print(strings.Repeat("x", 1<<20))
	q.errorLog().Print("one too many")
	if last := out.String(); !strings.HasSuffix(last, fmt.Sprintf("left_out=%d\n", 1000-quietBurst)) || len(last) > 2*quietBytes {
		t.Errorf("after a second: %.300q, want one line of bounded length that says how many were left out", last[max(0, len(last)-300):])
	}
	newQuiet(nil, time.Now).errorLog().Print("nobody reads this")
}

// TestRefusalsAreLogged sends what is refused at each door, with secrets and names
// in the address, and reads the log.
func TestRefusalsAreLogged(t *testing.T) {
	t.Parallel()
	n := peopled(t)
	token := tokenOf(t, n, alliance.Analyst)
	for _, tt := range []struct {
		method, path, want string
		header             []string
	}{
		{"GET", "/api/v1/reports/RPT-7K2M-9XQ4?q=copper", "status=401 method=GET at=/api/v1/reports from=192.0.2.1", nil},
		{"GET", "/api/v1/users", "status=403 method=GET at=/api/v1/users from=192.0.2.1", []string{"Authorization", "Bearer " + token}},
		{"POST", "/account/token?q=copper", "status=403 method=POST at=/account from=192.0.2.1", []string{"Sec-Fetch-Site", "cross-site"}},
		{"GET", "/COPPER/x", "status=421 method=GET at=/? from=192.0.2.1", []string{"Host", "evil.example"}},
		{"BREW", "/api/v1/..%2fcopper", "status=401 method=? at=/api/v1/? from=192.0.2.1", nil},
	} {
		out := &page{}
		q := newQuiet(slog.New(slog.NewTextHandler(out, nil)), n.cfg.Clock)
		send(t, q.refusals(handlerOf(t, n)), tt.method, tt.path, "", tt.header...)
		if got := out.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "level=WARN msg=refused "+tt.want) || strings.Contains(strings.ToLower(got), "copper") || strings.Contains(got, token) {
			t.Errorf("%s %s: the log says %q, want one line with %q", tt.method, tt.path, got, tt.want)
		}
	}
	out := &page{}
	q := newQuiet(slog.New(slog.NewTextHandler(out, nil)), n.cfg.Clock)
	send(t, q.refusals(handlerOf(t, n)), "GET", "/api/v1/reports", "", "Authorization", "Bearer "+token)
	if got := out.String(); got != "" {
		t.Errorf("what is let through is logged: %q", got)
	}
}

// TestAnswersInPieces: what comes in pieces does so through the log of refusals.
func TestAnswersInPieces(t *testing.T) {
	t.Parallel()
	h := newQuiet(nil, time.Now).refusals(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if f, ok := w.(http.Flusher); ok {
			f.Flush()
		}
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
	}))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/", http.NoBody))
	if !w.Flushed {
		t.Error("nothing is sent before the end")
	}
}

// TestHandshakesAreLogged shakes hands with a node in a way that it does not take.
func TestHandshakesAreLogged(t *testing.T) {
	t.Parallel()
	c := onDisk(t)
	c.passwordCost, c.Clock = cheapPasswords(), time.Now
	n := fresh(t, c)
	defer closeNode(t, n)
	addPerson(t, n, t.Context(), alliance.Administrator)
	out := &page{more: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(t.Context())
	ready, done := make(chan cli.Serving, 1), make(chan error, 1)
	go func() {
		done <- n.Serve(ctx, cli.ServeOptions{Listen: "127.0.0.1:0", Name: "casus.example"}, slog.New(slog.NewTextHandler(out, nil)), func(s cli.Serving) { ready <- s })
	}()
	s := <-ready
	_, port, _ := net.SplitHostPort(strings.TrimSuffix(strings.TrimPrefix(s.URL, "https://"), "/"))
	d := &tls.Dialer{Config: &tls.Config{MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12, InsecureSkipVerify: true}} //nolint:gosec // it is to be refused
	if _, err := d.DialContext(t.Context(), "tcp", "127.0.0.1:"+port); err == nil {
		t.Error("TLS 1.2 is taken")
	}
	<-out.more
	if got := out.String(); !strings.Contains(got, "TLS handshake error") {
		t.Errorf("the log says %q, want that a handshake failed", got)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
