package people

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestCookies: two nodes of one host each have their own, and over TLS only what a
// browser keeps to the host is taken.
func TestCookies(t *testing.T) {
	t.Parallel()
	for host, want := range map[string][2]string{
		"casus.example":      {"casus_session", "__Host-casus_session"},
		"casus.example:8443": {"casus_session_8443", "__Host-casus_session_8443"},
		"[::1]:8080":         {"casus_session_8080", "__Host-casus_session_8080"},
		"casus.example:":     {"casus_session", "__Host-casus_session"},
		"casus.example:8 0":  {"casus_session", "__Host-casus_session"},
	} {
		for i, want := range want {
			r := httptest.NewRequestWithContext(t.Context(), "GET", "/", http.NoBody)
			r.Host = host
			if i == 1 {
				r.TLS = &tls.ConnectionState{}
			}
			if got := CookieName(r, SessionCookie); got != want {
				t.Errorf("CookieName at %q over TLS %v = %q, want %q", host, i == 1, got, want)
			}
			w := httptest.NewRecorder()
			SetCookie(w, r, SessionCookie, "secret")
			set := w.Result().Cookies()
			if len(set) != 1 || set[0].Name != want || set[0].Secure != (i == 1) || set[0].Domain != "" || set[0].Path != "/" || !set[0].HttpOnly {
				t.Fatalf("SetCookie at %q = %+v, want %q for this host alone", host, set, want)
			}
			for _, name := range []string{want, "casus_session_1", "__Host-casus_session_1", "casus_session_8443x"} {
				r.Header.Set("Cookie", name+"=secret")
				if got := Cookie(r, SessionCookie); (got == "secret") != (name == want) {
					t.Errorf("Cookie at %q with %q = %q", host, name, got)
				}
			}
		}
	}
}
