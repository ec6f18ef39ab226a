package node

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"casus/internal/edge/api"
	"casus/internal/edge/taxiiserver"
	"casus/internal/edge/web"
	"casus/internal/fault"
	"casus/internal/people"
)

// refusal answers who is not let through to what they asked for, in the form that
// the thing asked for would have had. kind is one of the API's.
type refusal func(w http.ResponseWriter, r *http.Request, status int, kind string, err error)

// toPrograms is the refusal where there are no pages.
func toPrograms(w http.ResponseWriter, _ *http.Request, status int, kind string, err error) {
	api.Refuse(w, status, kind, err)
}

// refused returns the refusal of who serves pages, too.
func refused(faces *web.Pages) refusal {
	return func(w http.ResponseWriter, r *http.Request, status int, kind string, err error) {
		if forTAXII(r.URL.Path) {
			if status == http.StatusUnauthorized {
				taxiiserver.Challenge(w)
			}
			taxiiserver.Refuse(w, status, kind, err)
			return
		}
		if forPrograms(r.URL.Path) {
			api.Refuse(w, status, kind, err)
			return
		}
		faces.Refuse(w, r, status, err)
	}
}

// forPrograms reports whether what stands at a path is no page.
func forPrograms(path string) bool {
	return strings.HasPrefix(path, "/api/") || path == "/metrics" || forTAXII(path)
}

// forTAXII reports whether a path is one of the TAXII server.
func forTAXII(path string) bool { return strings.HasPrefix(path+"/", taxiiserver.Prefix) }

// secretOf returns the secret that a request bears in its Authorization: a token as a
// bearer or, for programs that know nothing else, as the password of who it acts for,
// who is told too.
func secretOf(r *http.Request) (secret, of string, ok bool) {
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch {
	case strings.EqualFold(scheme, "Bearer"):
		return secret, "", true
	case strings.EqualFold(scheme, "Basic") && forTAXII(r.URL.Path):
		of, secret, ok := r.BasicAuth()
		return secret, of, ok
	}
	return "", "", false
}

// sameOrigin refuses what another site makes a browser send.
func sameOrigin(refuse refusal, next http.Handler) http.Handler {
	p := http.NewCrossOriginProtection()
	p.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		refuse(w, r, http.StatusForbidden, "denied", fault.WithHint(
			fault.Errorf(fault.Denied, "node: the request comes from another site"), "open the node's own page and send it from there"))
	}))
	return p.Handler(next)
}

// hostOnly refuses a request whose Host is another than those that known tells: a
// page from elsewhere whose name was made to point here must not get in.
func hostOnly(known func(host string) bool, refuse refusal, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		if !known(strings.Trim(host, "[]")) {
			refuse(w, r, http.StatusMisdirectedRequest, "invalid", fault.WithHint(
				fault.Errorf(fault.Invalid, "node: it is not called what the request calls it"), "open the address that casus serve printed"))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// operatorCookie is the cookie of the local operator's browser.
const operatorCookie = "casus_operator"

// maxBrowsers is how many browsers the local operator may have open; with one
// more the first has to open the printed address again.
const maxBrowsers = 32

// browsers are the sessions of the local operator's browsers. They are kept by
// this process alone and end with it.
type browsers struct {
	random io.Reader

	mu   sync.Mutex          // guards the field below
	open [][sha256.Size]byte // digests of what the browsers bear, the first opened first
}

// enter opens a session and returns what the browser is to bear.
func (b *browsers) enter() (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	secret := make([]byte, 32)
	if _, err := io.ReadFull(b.random, secret); err != nil {
		return "", fault.Errorf(fault.Unavailable, "node: random bytes: %w", err)
	}
	value := hex.EncodeToString(secret)
	b.open = append(b.open, sha256.Sum256([]byte(value)))
	if len(b.open) > maxBrowsers {
		b.open = b.open[1:]
	}
	return value, nil
}

// at returns the place of the session that a request bears, -1 for none.
func (b *browsers) at(r *http.Request) int {
	c, err := r.Cookie(people.CookieName(r, operatorCookie))
	if err != nil {
		return -1
	}
	return slices.Index(b.open, sha256.Sum256([]byte(c.Value)))
}

// has reports whether a request bears a session that is open.
func (b *browsers) has(r *http.Request) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.at(r) >= 0
}

// leave ends the session that a request bears.
func (b *browsers) leave(r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if i := b.at(r); i >= 0 {
		b.open = slices.Delete(b.open, i, i+1)
	}
}

// setOperator makes a browser bear a session until it is closed; "" takes it away.
func setOperator(w http.ResponseWriter, r *http.Request, value string) {
	//nolint:gosec // no Secure: loopback without TLS
	c := &http.Cookie{Name: people.CookieName(r, operatorCookie), Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode}
	if value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

// operator lets in who bears the token of the local operator, as a bearer or once
// in the address, for which a browser gets a session of its own. Once there are
// people the token is nothing, and everybody is let through to sign in.
func (n *Node) operator(token string, refuse refusal, next http.Handler) http.Handler {
	good := func(got string) bool {
		a, b := sha256.Sum256([]byte(got)), sha256.Sum256([]byte(token))
		return got != "" && subtle.ConstantTimeCompare(a[:], b[:]) == 1
	}
	known := &browsers{random: n.cfg.Random}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		bearer, _, bears := secretOf(r)
		switch {
		case !n.people.Empty() || strings.HasPrefix(r.URL.Path, "/assets/"):
			next.ServeHTTP(w, r)
		case r.Method == http.MethodGet && good(r.URL.Query().Get("token")):
			session, err := known.enter()
			if err != nil {
				refuse(w, r, http.StatusServiceUnavailable, "unavailable", err)
				return
			}
			setOperator(w, r, session)
			rest := *r.URL
			query := rest.Query()
			query.Del("token")
			rest.RawQuery = query.Encode()
			rest.Path, rest.RawPath = "/"+strings.TrimLeft(rest.Path, "/"), "" // never another host
			http.Redirect(w, r, rest.RequestURI(), http.StatusSeeOther)        //nolint:gosec // a path of this host, by the line above
		case bears && !good(bearer), !bears && !known.has(r):
			w.Header().Set("WWW-Authenticate", "Bearer")
			refuse(w, r, http.StatusUnauthorized, "sign-in", fault.WithHint(
				fault.Errorf(fault.Denied, "node: this is for the local operator"), "open the address that casus serve printed; it holds the operator token"))
		case r.Method == http.MethodPost && r.URL.Path == "/sign-out":
			known.leave(r)
			setOperator(w, r, "")
			http.Redirect(w, r, "/", http.StatusSeeOther)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// newToken makes a token, and keeps it in the data directory.
func (n *Node) newToken() (string, error) {
	b := make([]byte, 32)
	if _, err := io.ReadFull(n.cfg.Random, b); err != nil {
		return "", fault.Errorf(fault.Unavailable, "node: random bytes: %w", err)
	}
	token := "casus_" + hex.EncodeToString(b)
	path := filepath.Join(n.cfg.Dir, "operator.token")
	if err := os.WriteFile(path, []byte(token+"\n"), 0o600); err != nil {
		return "", fault.Errorf(fault.Unavailable, "node: token: %w", err)
	}
	return token, nil
}
