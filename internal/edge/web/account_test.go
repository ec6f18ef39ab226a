package web

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"casus/internal/core/alliance"
	"casus/internal/fault"
	"casus/internal/people"
)

// doorman is a node with one person, who signs in elsewhere.
type doorman struct {
	Door
	Account
	back people.Back
}

func (*doorman) Empty() bool { return false }

func (*doorman) SignInElsewhere(context.Context) (address, state string, err error) {
	return "https://idp.example/auth?state=s", "s", nil
}

func (d *doorman) BackFromElsewhere(_ context.Context, b people.Back, _ string) (people.Opened, error) {
	d.back = b
	if b.State != b.Cookie {
		return people.Opened{}, fault.Errorf(fault.Denied, "people: OIDC: nobody: %w", people.ErrSignIn)
	}
	return people.Opened{Secret: "secret", Device: "device", Session: people.Session{Role: alliance.Analyst}}, nil
}

func TestElsewhere(t *testing.T) {
	t.Parallel()
	d := &doorman{}
	opt := Options{Clock: time.Now, Door: d, Account: d, Elsewhere: d}
	h, err := New(nil, nil, opt)
	if err != nil {
		t.Fatal(err)
	}
	if w := get(t, h, "/sign-in"); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `href="/sign-in/oidc"`) {
		t.Errorf("sign-in: %d, want a link to sign in elsewhere", w.Code)
	}
	w := get(t, h, "/sign-in/oidc")
	if got := w.Header().Get("Location"); w.Code != http.StatusSeeOther || got != "https://idp.example/auth?state=s" {
		t.Errorf("elsewhere: %d to %q", w.Code, got)
	}
	if c := cookies(w); !strings.Contains(c, people.FlowCookie+"=s;") || !strings.Contains(c, "HttpOnly") || !strings.Contains(c, "SameSite=Lax") {
		t.Errorf("cookies = %q, want the state kept", c)
	}
	w = get(t, h, "/sign-in/oidc/back?code=c&state=s&iss=i", "Cookie", people.FlowCookie+"=s")
	if got := w.Header().Get("Location"); w.Code != http.StatusSeeOther || got != "/reports" || !strings.Contains(cookies(w), people.SessionCookie+"=secret;") {
		t.Errorf("back: %d to %q with %q", w.Code, got, cookies(w))
	}
	if want := (people.Back{Code: "c", State: "s", Issuer: "i", Cookie: "s"}); d.back != want {
		t.Errorf("came back with %+v, want %+v", d.back, want)
	}
	w = get(t, h, "/sign-in/oidc/back?code=c&state=s")
	if w.Code != http.StatusUnauthorized || strings.Contains(cookies(w), people.SessionCookie) {
		t.Errorf("back in another browser: %d with %q, want 401 and no session", w.Code, cookies(w))
	}
	inert(t, "/sign-in", w.Body.String())
	opt.Elsewhere = nil
	if h, err = New(nil, nil, opt); err != nil {
		t.Fatal(err)
	}
	if w := get(t, h, "/sign-in/oidc"); w.Code != http.StatusNotFound {
		t.Errorf("without an issuer: %d, want 404", w.Code)
	}
}

func cookies(w *httptest.ResponseRecorder) string { return fmt.Sprint(w.Header()["Set-Cookie"]) }

func TestLocal(t *testing.T) {
	t.Parallel()
	for to, want := range map[string]string{
		"/reports": "/reports", "/search?q=a%26b": "/search?q=a%26b", "/objects/x/graph": "/objects/x/graph",
		"": "else", "reports": "else", "//evil.example": "else", "https://evil.example/": "else", `/\evil.example`: "else", "/a\nb": "else",
		"javascript:alert(1)": "else", "/sign-in?to=/x": "else", "/%2fevil.example": "else", "/#x": "/",
	} {
		if got := local(to, "else"); got != want {
			t.Errorf("local(%q) = %q, want %q", to, got, want)
		}
	}
}

func FuzzLocal(f *testing.F) {
	f.Add("/search?q=a")
	f.Add("//evil.example")
	f.Fuzz(func(t *testing.T, to string) {
		got := local(to, "/")
		u, err := url.Parse(got)
		if err != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(got, "/") || strings.HasPrefix(got, "//") || strings.ContainsAny(got, "\\\r\n") {
			t.Errorf("local(%q) = %q, which leads elsewhere", to, got)
		}
	})
}
