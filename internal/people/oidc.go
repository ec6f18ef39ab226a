package people

import (
	"context"
	"crypto/subtle"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"casus/internal/event"
	"casus/internal/fault"
)

// Issuer is an OIDC issuer that says who somebody is.
type Issuer struct {
	// URL is the issuer, exactly as it names itself.
	URL string
	// ClientID and ClientSecret are ours there; the secret may be empty.
	ClientID, ClientSecret string
	// Redirect is the address of our pages where the browser comes back.
	Redirect string
	// HTTP is how the issuer is asked. It follows no redirect. It must be set.
	HTTP *http.Client
}

// Bounds of an OIDC flow.
const (
	// FlowLife is how long somebody may take to sign in at the issuer.
	FlowLife = 10 * time.Minute
	// maxFlows bounds the flows that are open at once; those that end first make
	// room.
	maxFlows = 10_000
	// maxIssuerBytes bounds each answer of the issuer.
	maxIssuerBytes = 1 << 20
	// tokenSkew is how far the issuer's clock may be ahead of ours.
	tokenSkew = time.Minute
)

// OIDC is the code flow with one issuer: with PKCE and a nonce, issuer and
// audience pinned. Of what the issuer says only the subject is looked at; no
// name, mail address or group of it makes anybody anything.
//
// Source: oidc-core §3.1; rfc7636 §4; rfc9207 §2.4.
type OIDC struct {
	cfg Issuer

	mu       sync.Mutex // guards the fields below
	provider *oidc.Provider
	named    bool // the issuer names itself when browsers come back
	flows    map[string]*flow
}

type flow struct {
	nonce, verifier string
	expires         time.Time
}

// NewOIDC returns the flow with an issuer, whose address must be good for
// [CheckIssuer]. It asks nothing yet.
func NewOIDC(cfg Issuer) (*OIDC, error) {
	if err := CheckIssuer(cfg.URL); err != nil {
		return nil, err
	}
	client := *cfg.HTTP
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return errors.New("the issuer redirects") }
	next := client.Transport
	if next == nil {
		next = http.DefaultTransport
	}
	client.Transport = bounded{next}
	cfg.HTTP = &client
	return &OIDC{cfg: cfg, flows: map[string]*flow{}}, nil
}

// bounded cuts answers off.
type bounded struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := b.next.RoundTrip(r)
	if err == nil {
		res.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(res.Body, maxIssuerBytes), res.Body}
	}
	return res, err
}

// discovered returns the issuer's description, asked for once it is needed.
func (o *OIDC) discovered(ctx context.Context) (*oidc.Provider, error) {
	o.mu.Lock()
	p := o.provider
	o.mu.Unlock()
	if p != nil {
		return p, nil
	}
	// The keys are asked for again later, when this request is long over.
	p, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), o.cfg.HTTP), o.cfg.URL)
	if err != nil {
		return nil, fault.Errorf(fault.Unavailable, "people: OIDC: %s: %w", o.cfg.URL, err)
	}
	var told description
	if err := p.Claims(&told); err != nil {
		return nil, fault.Errorf(fault.Unavailable, "people: OIDC: %s: %w", o.cfg.URL, err)
	}
	if err := told.check(o.cfg.URL); err != nil {
		return nil, err
	}
	o.mu.Lock()
	o.provider, o.named = p, told.Named
	o.mu.Unlock()
	return p, nil
}

// description is what an issuer says of itself, as far as the library does not look
// at it.
type description struct {
	Auth  string `json:"authorization_endpoint"`
	Token string `json:"token_endpoint"`
	Keys  string `json:"jwks_uri"`
	Named bool   `json:"authorization_response_iss_parameter_supported"`
}

// check refuses an issuer that sends browsers, or has keys and tokens, where others
// could read or answer: codes and the client's secret go there. Only one on this
// machine may name places without TLS.
func (d description) check(issuer string) error {
	here := strings.HasPrefix(issuer, "http:")
	for _, place := range []string{d.Auth, d.Token, d.Keys} {
		if u, err := url.Parse(place); err != nil || !private(u) || u.Scheme != "https" && !here {
			return fault.Errorf(fault.Unavailable, "people: OIDC: the issuer names %.200q, want https", place)
		}
	}
	return nil
}

// namesItself reports whether an answer that names no issuer is not the issuer's.
//
// Source: rfc9207 §2.4.
func (o *OIDC) namesItself() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.named
}

func (o *OIDC) oauth(p *oidc.Provider) *oauth2.Config {
	return &oauth2.Config{
		ClientID: o.cfg.ClientID, ClientSecret: o.cfg.ClientSecret, Endpoint: p.Endpoint(),
		RedirectURL: o.cfg.Redirect, Scopes: []string{oidc.ScopeOpenID},
	}
}

// Begin starts a flow. The browser is sent to address, and keeps state in a
// cookie.
func (o *OIDC) Begin(ctx context.Context, s *Store, now time.Time) (address, state string, err error) {
	p, err := o.discovered(ctx)
	if err != nil {
		return "", "", err
	}
	var words [3]string
	for i := range words {
		if words[i], _, err = s.secret(""); err != nil {
			return "", "", err
		}
	}
	f := &flow{nonce: words[1], verifier: words[2], expires: now.Add(FlowLife)}
	state = words[0]
	o.mu.Lock()
	var first string
	for k, x := range o.flows {
		if !now.Before(x.expires) {
			delete(o.flows, k)
		} else if first == "" || x.expires.Before(o.flows[first].expires) {
			first = k
		}
	}
	if len(o.flows) >= maxFlows {
		delete(o.flows, first)
	}
	o.flows[state] = f
	o.mu.Unlock()
	return o.oauth(p).AuthCodeURL(state, oidc.Nonce(f.nonce), oauth2.S256ChallengeOption(f.verifier)), state, nil
}

// Back is what a browser brings back from the issuer.
type Back struct {
	// Code, State and Issuer are from the address; an issuer that does not name
	// itself there leaves the last empty.
	Code, State, Issuer string
	// Cookie is the state that the browser kept.
	Cookie string
}

// Finish ends a flow and returns who the browser's user is at the issuer. Each
// flow is finished once, for better or worse.
func (o *OIDC) Finish(ctx context.Context, now time.Time, b Back) (event.Subject, error) {
	no := func(why string) (event.Subject, error) {
		return event.Subject{}, fault.Errorf(fault.Denied, "people: OIDC: %s: %w", why, ErrSignIn)
	}
	o.mu.Lock()
	f := o.flows[b.State]
	delete(o.flows, b.State)
	o.mu.Unlock()
	switch {
	case f == nil || !now.Before(f.expires):
		return no("nobody here began to sign in, or too long ago")
	case subtle.ConstantTimeCompare([]byte(b.State), []byte(b.Cookie)) != 1:
		return no("another browser began to sign in")
	case b.Issuer != "" && b.Issuer != o.cfg.URL:
		return no("another issuer answers")
	case b.Code == "":
		return no("the issuer let nobody in")
	}
	p, err := o.discovered(ctx)
	if err != nil {
		return event.Subject{}, err
	}
	if o.namesItself() && b.Issuer == "" {
		return no("an issuer that does not say which it is")
	}
	ctx = oidc.ClientContext(ctx, o.cfg.HTTP)
	t, err := o.oauth(p).Exchange(ctx, b.Code, oauth2.VerifierOption(f.verifier))
	if err != nil {
		if _, refused := errors.AsType[*oauth2.RetrieveError](err); refused {
			return no("the issuer refused the code")
		}
		return event.Subject{}, fault.Errorf(fault.Unavailable, "people: OIDC: %s: %w", o.cfg.URL, err)
	}
	raw, ok := t.Extra("id_token").(string)
	if !ok {
		return no("the issuer sent no ID token")
	}
	id, err := p.VerifierContext(ctx, &oidc.Config{
		ClientID: o.cfg.ClientID, Now: func() time.Time { return now },
		SupportedSigningAlgs: []string{oidc.RS256, oidc.PS256, oidc.ES256, oidc.ES384, oidc.EdDSA},
	}).Verify(ctx, raw)
	if err != nil {
		return no("the ID token does not hold: " + err.Error())
	}
	var claims struct {
		Party string `json:"azp"`
	}
	if err := id.Claims(&claims); err != nil {
		return no("the ID token does not hold")
	}
	switch {
	case subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(f.nonce)) != 1:
		return no("the ID token is of another sign-in")
	case len(id.Audience) > 1 && claims.Party != o.cfg.ClientID, claims.Party != "" && claims.Party != o.cfg.ClientID:
		return no("the ID token is for another")
	case id.IssuedAt.After(now.Add(tokenSkew)):
		return no("the ID token is from the future")
	case id.Subject == "":
		return no("the ID token names nobody")
	}
	return event.Subject{Issuer: strings.Clone(id.Issuer), Subject: id.Subject}, nil
}

// BySubject returns who signs in as the subject. One that nobody here has is
// Denied: no account is made by signing in.
func (s *Store) BySubject(sub event.Subject) (Known, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	c := s.fold.creds[s.fold.byProof[proofOf(&event.Credential{OIDC: &sub})]]
	if c == nil {
		return Known{}, fault.WithHint(fault.Errorf(fault.Denied, "people: OIDC: nobody here signs in that way: %w", ErrSignIn), "an administrator links accounts")
	}
	return s.fold.known(c.Person), nil
}
