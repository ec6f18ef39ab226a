package people

import (
	"bytes"
	"context"
	"encoding/json/v2"
	"net/url"
	"sync"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"casus/internal/core/alliance"
	"casus/internal/event"
	"casus/internal/fault"
)

// Passkeys is how browsers at one origin prove that a person's key is there. User
// verification, by a PIN or a finger, is always asked for, and attestation never:
// whose make a key is does not matter.
//
// Source: webauthn-3 §7.
type Passkeys struct {
	rp    *webauthn.WebAuthn
	store *Store

	mu   sync.Mutex // guards the fields below
	open map[string]*ceremony
	// counts are the signature counters seen since the process began, by
	// credential: one that does not grow tells of a copied key.
	counts map[string]uint32
}

// ceremony is a challenge that a browser is to answer, once.
type ceremony struct {
	data    *webauthn.SessionData
	person  alliance.Key // empty at sign-in
	expires time.Time
}

const (
	// PasskeyLife is how long a browser has to answer.
	PasskeyLife = 5 * time.Minute
	// maxCeremonies bounds the challenges that are open at once. Anybody can ask
	// for one to sign in; those that end first make room.
	maxCeremonies = 10_000
	// maxAnswerBytes bounds what a browser answers.
	maxAnswerBytes = 64 << 10
	// maxPasskeys is how many passkeys one person may have.
	maxPasskeys = 20
)

// NewPasskeys returns the passkeys for pages at origin, such as
// https://casus.example:8443. The origin is pinned: what a browser signed for
// another is refused. An origin that is an address rather than a name is Invalid,
// as passkeys belong to names.
func NewPasskeys(s *Store, origin string) (*Passkeys, error) {
	u, err := url.Parse(origin)
	if err != nil || u.Hostname() == "" || u.Scheme != "https" && (u.Scheme != "http" || u.Hostname() != "localhost") {
		return nil, fault.Errorf(fault.Invalid, "people: passkeys: origin %.100q: want https and a name", origin)
	}
	rp, err := webauthn.New(&webauthn.Config{
		RPID: u.Hostname(), RPDisplayName: "Casus", RPOrigins: []string{u.Scheme + "://" + u.Host},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, UserVerification: protocol.VerificationRequired,
		},
	})
	if err != nil {
		return nil, fault.Errorf(fault.Invalid, "people: passkeys: origin %.100q: %w", origin, err)
	}
	return &Passkeys{rp: rp, store: s, open: map[string]*ceremony{}, counts: map[string]uint32{}}, nil
}

// keyholder is a person as the library wants one.
type keyholder struct {
	key         alliance.Key
	name        string
	credentials []webauthn.Credential
}

func (k keyholder) WebAuthnID() []byte                         { return []byte(k.key) }
func (k keyholder) WebAuthnName() string                       { return k.name }
func (k keyholder) WebAuthnDisplayName() string                { return k.name }
func (k keyholder) WebAuthnCredentials() []webauthn.Credential { return k.credentials }

// holder returns k with the passkeys it has.
func (p *Passkeys) holder(k alliance.Key) (keyholder, error) {
	told, err := p.store.Person(string(k))
	if err != nil {
		return keyholder{}, err
	}
	out := keyholder{key: told.Key, name: told.Login}
	if out.name == "" {
		out.name = string(told.Key)
	}
	p.store.mu.RLock()
	defer p.store.mu.RUnlock()
	for _, c := range p.store.fold.credentialsOf(told.Key) {
		if c.Passkey == nil {
			continue
		}
		key := webauthn.Credential{
			ID: c.Passkey.ID, PublicKey: c.Passkey.Key, AttestationType: "none", AttestationFormat: "none",
			Flags:         webauthn.NewCredentialFlags(protocol.AuthenticatorFlags(c.Passkey.Flags)),
			Authenticator: webauthn.Authenticator{AAGUID: c.Passkey.AAGUID, SignCount: max(c.Passkey.SignCount, p.count(c.ID))},
		}
		for _, t := range c.Passkey.Transports {
			key.Transport = append(key.Transport, protocol.AuthenticatorTransport(t))
		}
		out.credentials = append(out.credentials, key)
	}
	return out, nil
}

func (p *Passkeys) count(id string) uint32 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.counts[id]
}

// begin notes a ceremony and returns its name.
func (p *Passkeys) begin(now time.Time, k alliance.Key, data *webauthn.SessionData, expires time.Time) (string, error) {
	id, err := p.store.handle()
	if err != nil {
		return "", err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var first string
	for name, c := range p.open {
		if !now.Before(c.expires) {
			delete(p.open, name)
		} else if first == "" || c.expires.Before(p.open[first].expires) {
			first = name
		}
	}
	if len(p.open) >= maxCeremonies {
		delete(p.open, first)
	}
	p.open[id] = &ceremony{data, k, expires}
	return id, nil
}

// take takes a ceremony, whatever comes of it: it is gone afterwards.
func (p *Passkeys) take(now time.Time, id string, k alliance.Key) (*webauthn.SessionData, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.open[id]
	if c == nil || c.person != k || !now.Before(c.expires) {
		return nil, refused("there is no such challenge, or it is over")
	}
	delete(p.open, id)
	return c.data, nil
}

func refused(why any) error {
	return fault.Errorf(fault.Denied, "people: passkey: %v: %w", why, ErrSignIn)
}

// challenge makes a challenge of our own randomness.
func (p *Passkeys) challenge() ([]byte, error) { return p.store.random(32) }

// checkAnswer refuses what is too long, no JSON, or says a thing twice: the
// library reads less strictly.
func checkAnswer(answer []byte) error {
	if len(answer) > maxAnswerBytes {
		return fault.Errorf(fault.Invalid, "people: passkey: an answer of %d bytes, want at most %d", len(answer), maxAnswerBytes)
	}
	var v map[string]any
	if err := json.Unmarshal(answer, &v); err != nil {
		return fault.Errorf(fault.Invalid, "people: passkey: answer: %w", err)
	}
	return nil
}

func written(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fault.Errorf(fault.Internal, "people: passkey: %w", err)
	}
	return b, nil
}

// BeginAdding asks the browser of k to make a passkey. It returns the name of
// the ceremony and what is given to navigator.credentials.create, as JSON.
func (p *Passkeys) BeginAdding(now time.Time, k alliance.Key) (id string, ask []byte, err error) {
	h, err := p.holder(k)
	if err != nil {
		return "", nil, err
	}
	if len(h.credentials) >= maxPasskeys {
		return "", nil, fault.WithHint(fault.Errorf(fault.Conflict, "people: passkey: %s has %d", k, maxPasskeys), "remove one first")
	}
	challenge, err := p.challenge()
	if err != nil {
		return "", nil, err
	}
	var held []protocol.CredentialDescriptor
	for _, c := range h.credentials {
		held = append(held, c.Descriptor())
	}
	creation, data, err := p.rp.BeginRegistration(h, webauthn.WithExclusions(held), func(o *protocol.PublicKeyCredentialCreationOptions) error {
		o.Challenge = challenge
		return nil
	})
	if err != nil {
		return "", nil, fault.Errorf(fault.Internal, "people: passkey: %w", err)
	}
	if ask, err = written(creation); err != nil {
		return "", nil, err
	}
	id, err = p.begin(now, k, data, now.Add(PasskeyLife))
	return id, ask, err
}

// Add takes what the browser answered, and lets k sign in with the passkey.
func (p *Passkeys) Add(ctx context.Context, by By, k alliance.Key, ceremony, label string, answer []byte) error {
	data, err := p.take(by.Now, ceremony, k)
	if err != nil {
		return err
	}
	if err := checkAnswer(answer); err != nil {
		return err
	}
	h, err := p.holder(k)
	if err != nil {
		return err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return fault.Errorf(fault.Invalid, "people: passkey: answer: %w", err)
	}
	c, err := p.rp.CreateCredential(h, *data, parsed)
	if err != nil {
		return refused(err)
	}
	id, err := p.store.handle()
	if err != nil {
		return err
	}
	key := &event.PublicKey{
		ID: c.ID, Key: c.PublicKey, AAGUID: c.Authenticator.AAGUID, SignCount: c.Authenticator.SignCount,
		Flags: uint8(c.Flags.ProtocolValue()),
	}
	for _, t := range c.Transport {
		key.Transports = append(key.Transports, cut(string(t), maxLabel))
	}
	return p.store.setCredential(ctx, by, event.Credential{ID: id, Person: k, Kind: event.Passkey, Made: by.Now, Label: cut(label, maxLabel), Passkey: key})
}

// BeginSignIn asks a browser for any passkey of ours. It returns the name of the
// ceremony and what is given to navigator.credentials.get, as JSON, which tells
// nothing of who is here.
func (p *Passkeys) BeginSignIn(now time.Time) (id string, ask []byte, err error) {
	challenge, err := p.challenge()
	if err != nil {
		return "", nil, err
	}
	assertion, data, err := p.rp.BeginDiscoverableLogin(webauthn.WithChallenge(challenge))
	if err != nil {
		return "", nil, fault.Errorf(fault.Internal, "people: passkey: %w", err)
	}
	if ask, err = written(assertion); err != nil {
		return "", nil, err
	}
	id, err = p.begin(now, "", data, now.Add(PasskeyLife))
	return id, ask, err
}

// SignIn takes what the browser answered and returns who it is.
func (p *Passkeys) SignIn(now time.Time, ceremony string, answer []byte) (Known, error) {
	data, err := p.take(now, ceremony, "")
	if err != nil {
		return Known{}, err
	}
	return p.assert(data, "", answer)
}

// assert checks an answer and returns whose it is; want, if it is set, is whose
// it has to be.
func (p *Passkeys) assert(data *webauthn.SessionData, want alliance.Key, answer []byte) (Known, error) {
	if err := checkAnswer(answer); err != nil {
		return Known{}, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return Known{}, fault.Errorf(fault.Invalid, "people: passkey: answer: %w", err)
	}
	var used string
	var who Known
	_, c, err := p.rp.ValidatePasskeyLogin(func(raw, handle []byte) (webauthn.User, error) {
		p.store.mu.RLock()
		used = p.store.fold.byProof["passkey "+string(raw)]
		held := p.store.fold.creds[used]
		if held != nil {
			who = p.store.fold.known(held.Person)
		}
		p.store.mu.RUnlock()
		if held == nil || string(held.Person) != string(handle) || want != "" && held.Person != want {
			return nil, fault.Errorf(fault.Denied, "people: passkey: it is nobody's")
		}
		return p.holder(held.Person)
	}, *data, parsed)
	if err != nil {
		return Known{}, refused("the answer does not hold")
	}
	if c.Authenticator.CloneWarning {
		return Known{}, refused("its counter did not grow: the key may have been copied")
	}
	p.mu.Lock()
	p.counts[used] = c.Authenticator.SignCount
	p.mu.Unlock()
	return who, nil
}

// StepUp returns what is given to navigator.credentials.get to answer a
// challenge of [Store.StepUp], as JSON.
func (p *Passkeys) StepUp(k alliance.Key, c Challenge) (ask []byte, err error) {
	h, err := p.holder(k)
	if err != nil {
		return nil, err
	}
	var allowed []protocol.CredentialDescriptor
	for _, c := range h.credentials {
		allowed = append(allowed, c.Descriptor())
	}
	if len(allowed) == 0 {
		return nil, fault.WithHint(fault.Errorf(fault.Conflict, "people: passkey: %s has none", k), "add one on the account page")
	}
	assertion, _, err := p.rp.BeginDiscoverableLogin(webauthn.WithChallenge(c.Bytes), webauthn.WithAllowedCredentials(allowed))
	if err != nil {
		return nil, fault.Errorf(fault.Internal, "people: passkey: %w", err)
	}
	return written(assertion)
}

// AnswerStepUp answers a challenge with a passkey of the person. The proof holds
// the answer, which anybody can check who has the public key and the text.
func (p *Passkeys) AnswerStepUp(now time.Time, id Identity, challenge string, text [32]byte, answer []byte) (Proof, error) {
	x, err := p.store.redeem(now, id, challenge, text)
	if err != nil {
		return Proof{}, err
	}
	_, data, err := p.rp.BeginDiscoverableLogin(webauthn.WithChallenge(x.bytes[:]))
	if err != nil {
		return Proof{}, fault.Errorf(fault.Internal, "people: passkey: %w", err)
	}
	if _, err := p.assert(data, id.Person, answer); err != nil {
		return Proof{}, err
	}
	return Proof{Identity: id, Text: text, At: now, Nonce: x.nonce, Assertion: bytes.Clone(answer)}, nil
}
