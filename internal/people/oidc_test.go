package people

import (
	"crypto"
	crand "crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json/v2"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"casus/internal/core/alliance"
	"casus/internal/event"
	"casus/internal/fault"
)

// issuer is an OIDC issuer in this process.
type issuer struct {
	*httptest.Server
	t      *testing.T
	key    *rsa.PrivateKey
	now    time.Time
	asked  url.Values // of the browser
	header map[string]any
	claims func(c map[string]any)
	sign   *rsa.PrivateKey
	says   map[string]any // of itself, beside or instead of what it says always
}

// issuerKey is the key of all issuers: making one takes long.
var issuerKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(crand.Reader, 2048) })

func newIssuer(t *testing.T, now time.Time) *issuer {
	t.Helper()
	key, err := issuerKey()
	if err != nil {
		t.Fatal(err)
	}
	i := &issuer{t: t, key: key, sign: key, now: now, header: map[string]any{"alg": "RS256", "kid": "1", "typ": "JWT"}, claims: func(map[string]any) {}}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		told := map[string]any{
			"issuer": i.URL, "authorization_endpoint": i.URL + "/auth", "token_endpoint": i.URL + "/token", "jwks_uri": i.URL + "/keys",
			"id_token_signing_alg_values_supported": []string{"RS256"},
		}
		maps.Copy(told, i.says)
		i.write(w, told)
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		i.write(w, map[string]any{"keys": []any{map[string]any{
			"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "1", "n": b64(key.N.Bytes()), "e": b64([]byte{1, 0, 1}),
		}}})
	})
	mux.HandleFunc("/token", func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		sum := sha256.Sum256([]byte(r.PostForm.Get("code_verifier")))
		if r.PostForm.Get("code") != "good" || b64(sum[:]) != i.asked.Get("code_challenge") || i.asked.Get("code_challenge_method") != "S256" {
			w.WriteHeader(http.StatusBadRequest)
			i.write(w, map[string]any{"error": "invalid_grant"})
			return
		}
		i.write(w, map[string]any{"access_token": "a", "token_type": "Bearer", "id_token": i.token()})
	})
	i.Server = httptest.NewTLSServer(mux)
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) write(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.MarshalWrite(w, v); err != nil {
		i.t.Error(err)
	}
}

func (i *issuer) token() string {
	claims := map[string]any{
		"iss": i.URL, "sub": "subject-1", "aud": "casus", "nonce": i.asked.Get("nonce"), "email": "ben@example.org", "email_verified": true,
		"iat": i.now.Unix(), "exp": i.now.Add(time.Hour).Unix(),
	}
	i.claims(claims)
	h, err := json.Marshal(i.header)
	if err != nil {
		i.t.Error(err)
	}
	c, err := json.Marshal(claims)
	if err != nil {
		i.t.Error(err)
	}
	signed := b64(h) + "." + b64(c)
	if i.sign == nil {
		return signed + "."
	}
	sum := sha256.Sum256([]byte(signed))
	sig, err := rsa.SignPKCS1v15(crand.Reader, i.sign, crypto.SHA256, sum[:])
	if err != nil {
		i.t.Error(err)
	}
	return signed + "." + b64(sig)
}

func TestOIDC(t *testing.T) {
	t.Parallel()
	set := func(name string, v any) func(*world, *issuer, *Back) {
		return func(_ *world, i *issuer, _ *Back) { i.claims = func(c map[string]any) { c[name] = v } }
	}
	tests := []struct {
		name string
		act  func(w *world, i *issuer, b *Back)
		want bool
	}{
		{"signed in", func(*world, *issuer, *Back) {}, true},
		{"issuer names itself", func(_ *world, i *issuer, b *Back) { b.Issuer = i.URL }, true},
		{"several audiences, ours the party", func(_ *world, i *issuer, _ *Back) {
			i.claims = func(c map[string]any) { c["aud"], c["azp"] = []string{"casus", "other"}, "casus" }
		}, true},
		{"another issuer answers", func(_ *world, _ *issuer, b *Back) { b.Issuer = "https://evil.example" }, false},
		{"another browser", func(_ *world, _ *issuer, b *Back) { b.Cookie = "x" }, false},
		{"no cookie", func(_ *world, _ *issuer, b *Back) { b.Cookie = "" }, false},
		{"forged state", func(_ *world, _ *issuer, b *Back) { b.State, b.Cookie = "x", "x" }, false},
		{"no state", func(_ *world, _ *issuer, b *Back) { b.State, b.Cookie = "", "" }, false},
		{"wrong code", func(_ *world, _ *issuer, b *Back) { b.Code = "bad" }, false},
		{"no code", func(_ *world, _ *issuer, b *Back) { b.Code = "" }, false},
		{"late", func(w *world, _ *issuer, _ *Back) { w.now = w.now.Add(FlowLife) }, false},
		{"wrong nonce", set("nonce", "x"), false},
		{"no nonce", set("nonce", ""), false},
		{"another issuer in the token", set("iss", "https://evil.example"), false},
		{"another audience", set("aud", "other"), false},
		{"several audiences, another party", func(_ *world, i *issuer, _ *Back) {
			i.claims = func(c map[string]any) { c["aud"], c["azp"] = []string{"casus", "other"}, "other" }
		}, false},
		{"several audiences, no party", set("aud", []string{"casus", "other"}), false},
		{"no subject", set("sub", ""), false},
		{"expired", set("exp", 1), false},
		{"from the future", func(_ *world, i *issuer, _ *Back) {
			i.claims = func(c map[string]any) { c["iat"] = i.now.Add(time.Hour).Unix() }
		}, false},
		{"not signed", func(_ *world, i *issuer, _ *Back) { i.header, i.sign = map[string]any{"alg": "none"}, nil }, false},
		{"signed by another", func(_ *world, i *issuer, _ *Back) {
			key, err := rsa.GenerateKey(crand.Reader, 2048)
			if err != nil {
				t.Fatal(err)
			}
			i.sign = key
		}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			i := newIssuer(t, w.now)
			o, err := NewOIDC(Issuer{URL: i.URL, ClientID: "casus", Redirect: "https://casus.example/back", HTTP: i.Client()})
			w.must(err)
			address, state, err := o.Begin(t.Context(), w.Store, w.now)
			w.must(err)
			u, err := url.Parse(address)
			w.must(err)
			i.asked = u.Query()
			if i.asked.Get("state") != state || i.asked.Get("nonce") == "" || i.asked.Get("scope") != "openid" || i.asked.Get("response_type") != "code" {
				t.Errorf("asked for %v, want code flow with state, nonce and no more than who it is", i.asked)
			}
			b := Back{Code: "good", State: state, Cookie: state}
			tt.act(w, i, &b)
			sub, err := o.Finish(t.Context(), w.now, b)
			if tt.want {
				if want := (event.Subject{Issuer: i.URL, Subject: "subject-1"}); sub != want || err != nil {
					t.Fatalf("Finish() = %v, %v, want %v", sub, err, want)
				}
			} else {
				kind(t, "Finish", err, fault.Denied)
			}
			_, err = o.Finish(t.Context(), w.now, b)
			kind(t, "the same again", err, fault.Denied)
		})
	}
}

func TestOIDCIssuerFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	elsewhere := httptest.NewTLSServer(http.RedirectHandler("https://169.254.169.254/", http.StatusFound))
	t.Cleanup(elsewhere.Close)
	begin := func(address string, client *http.Client) error {
		o, err := NewOIDC(Issuer{URL: address, ClientID: "casus", HTTP: client})
		w.must(err)
		_, _, err = o.Begin(t.Context(), w.Store, w.now)
		return err
	}
	kind(t, "an issuer that redirects", begin(elsewhere.URL, elsewhere.Client()), fault.Unavailable)
	// One that calls itself something else is not the one that was named.
	i := newIssuer(t, w.now)
	kind(t, "an issuer of another name", begin(i.URL+"/", i.Client()), fault.Unavailable)
	for _, place := range []string{"authorization_endpoint", "token_endpoint", "jwks_uri"} {
		for _, at := range []string{"http://idp.example/x", "http://127.0.0.1/x", "", "ftp://idp.example/x"} {
			i := newIssuer(t, w.now)
			i.says = map[string]any{place: at}
			kind(t, place+" "+at, begin(i.URL, i.Client()), fault.Unavailable)
		}
	}
	i = newIssuer(t, w.now)
	w.must(begin(i.URL, i.Client()))
}

func TestCheckIssuer(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"https://idp.example": true, "https://idp.example:8443/realms/a": true, "https://192.0.2.1": true,
		"http://localhost:3000": true, "http://127.0.0.1:3000": true, "http://[::1]:3000": true,
		"http://idp.example": false, "http://localhost.idp.example": false, "http://192.0.2.1": false, "HTTP://idp.example": false,
		"": false, "https://": false, "idp.example": false, "https://idp.example?a=b": false, "https://idp.example?": false,
		"https://idp.example#a": false, "https://ada@idp.example": false, "file:///etc/passwd": false, "javascript:alert(1)": false, "https:idp.example": false,
	} {
		if err := CheckIssuer(address); (err == nil) != want {
			t.Errorf("CheckIssuer(%q) = %v, want good %v", address, err, want)
		}
		o, err := NewOIDC(Issuer{URL: address, ClientID: "casus", HTTP: http.DefaultClient})
		if (err == nil && o != nil) != want {
			t.Errorf("NewOIDC(%q) = %v, want good %v", address, err, want)
		}
	}
}

// TestIssuerNamesItself: an issuer that says that it names itself when browsers come
// back has to.
func TestIssuerNamesItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := newIssuer(t, w.now)
	i.says = map[string]any{"authorization_response_iss_parameter_supported": true}
	o, err := NewOIDC(Issuer{URL: i.URL, ClientID: "casus", Redirect: "https://casus.example/back", HTTP: i.Client()})
	w.must(err)
	for _, named := range []string{"", i.URL} {
		address, state, err := o.Begin(t.Context(), w.Store, w.now)
		w.must(err)
		u, err := url.Parse(address)
		w.must(err)
		i.asked = u.Query()
		_, err = o.Finish(t.Context(), w.now, Back{Code: "good", State: state, Cookie: state, Issuer: named})
		if (err == nil) != (named != "") {
			t.Errorf("an answer of the issuer %q: %v", named, err)
		}
	}
}

// TestMailAddressIsNobody: who an issuer says somebody is decides, and nothing
// that looks like one of ours.
func TestMailAddressIsNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add("ben", alliance.Analyst)
	for _, sub := range []event.Subject{
		{Issuer: "https://idp.example", Subject: "ben@example.org"},
		{Issuer: "https://idp.example", Subject: "ben"},
		{},
		{Issuer: "https://idp.example x", Subject: ""},
	} {
		_, err := w.BySubject(sub)
		kind(t, "a subject that was not linked", err, fault.Denied)
	}
	w.must(w.LinkOIDC(t.Context(), w.by(), "ben", event.Subject{Issuer: "https://idp.example", Subject: "1"}))
	if k, err := w.BySubject(event.Subject{Issuer: "https://idp.example", Subject: "1"}); k.Person != "ben" || err != nil {
		t.Errorf("BySubject(linked) = %q, %v, want ben", k.Person, err)
	}
	_, err := w.BySubject(event.Subject{Issuer: "https://other.example", Subject: "1"})
	kind(t, "the subject of another issuer", err, fault.Denied)
}
