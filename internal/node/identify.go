package node

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"casus/internal/core/alliance"
	"casus/internal/fault"
	"casus/internal/people"
)

// open are the addresses that who is not signed in may ask for: what it takes to
// sign in.
func open(method, path string) bool {
	switch {
	case strings.HasPrefix(path, "/assets/"):
		return method == http.MethodGet || method == http.MethodHead
	case path == "/sign-in":
		return true
	case path == "/sign-in/oidc", path == "/sign-in/oidc/back":
		return method == http.MethodGet
	case path == "/sign-in/passkey", path == "/sign-in/passkey/ask":
		return method == http.MethodPost
	case path == "/api/v1/login":
		return method == http.MethodPost
	}
	return false
}

// identified finds out who asks, and lets nobody else in once there are people.
// Until then nobody is asked for: outer decides who may come here. local says
// that the caller is on the socket.
func (n *Node) identified(local bool, refuse refusal, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := people.Caller{From: from(r, local)}
		if n.people.Empty() {
			n.watched(next, w, r, c)
			return
		}
		err := n.identify(r, local, &c)
		if err == nil {
			err = n.people.Admit(n.cfg.Clock().UTC(), c.Identity)
		}
		if err != nil && !open(r.Method, r.URL.Path) {
			r = r.WithContext(people.With(r.Context(), c)) // who was identified asks too often
			if askToSignIn(w, r, refuse, err) {
				n.refusedRequest(r, http.StatusUnauthorized)
			}
			return
		}
		n.watched(next, w, r, c)
	})
}

// identify reads the token, else the session, that a request bears. Cookies are
// for browsers: the socket takes none.
func (n *Node) identify(r *http.Request, local bool, c *people.Caller) error {
	now := n.cfg.Clock().UTC()
	var err error
	if r.Header.Get("Authorization") != "" {
		secret, of, ok := secretOf(r)
		if !ok {
			return people.NotSignedIn()
		}
		c.Secret = secret
		if c.Identity, err = n.people.Bearer(now, secret); err == nil && of != "" && !n.isCalled(c.Person, of) {
			c.Identity = people.Identity{}
			return people.NotSignedIn()
		}
		return err
	}
	if local {
		return people.NotSignedIn()
	}
	if c.Secret = people.Cookie(r, people.SessionCookie); c.Secret == "" {
		return people.NotSignedIn()
	}
	c.Identity, err = n.people.Session(now, c.Secret)
	return err
}

// isCalled reports whether a person has the key or the login.
func (n *Node) isCalled(k alliance.Key, name string) bool {
	p, err := n.people.Person(string(k))
	return err == nil && (string(p.Key) == name || p.Login == name)
}

// from is where a request comes from. Headers that a proxy may have set are not
// looked at: anybody can set them.
func from(r *http.Request, local bool) people.From {
	var f people.From
	if a, err := netip.ParseAddrPort(r.RemoteAddr); err == nil && !local {
		f.Addr = a.Addr()
	}
	f.Device = people.Cookie(r, people.DeviceCookie)
	return f
}

// askToSignIn answers who is not signed in: a page sends on to the sign-in, the
// API says so. It reports whether it sent a page on: that is no refusal in form.
func askToSignIn(w http.ResponseWriter, r *http.Request, refuse refusal, err error) (sent bool) {
	w.Header().Set("Cache-Control", "no-store")
	if fault.KindOf(err) == fault.Unavailable {
		w.Header().Set("Retry-After", "1")
		refuse(w, r, http.StatusTooManyRequests, "unavailable", err)
		return false
	}
	if !forPrograms(r.URL.Path) && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		http.Redirect(w, r, "/sign-in?to="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
		return true
	}
	w.Header().Set("WWW-Authenticate", "Bearer")
	refuse(w, r, http.StatusUnauthorized, "sign-in", err)
	return false
}
