package people

import (
	"context"
	"crypto/sha256"
	"strings"
	"sync"
	"time"

	"casus/internal/fault"
)

// StepLife is how long a step-up may take: to read a text once more and touch a
// key.
//
// Source: casus decision 0021.
const StepLife = 2 * time.Minute

// maxSteps bounds the step-ups that are open at once in one session.
const maxSteps = 8

// Challenge asks a person to prove once more who he is, for one text.
type Challenge struct {
	ID string `json:"id"`
	// Bytes is what a passkey signs: SHA-256("casus step-up 1", 0, the nonce of
	// the challenge, the SHA-256 of the text).
	Bytes   []byte    `json:"challenge"`
	Expires time.Time `json:"expires"`
}

// Proof says that a person proved who he is for a text.
type Proof struct {
	Identity
	// Text is the SHA-256 of the text.
	Text [32]byte  `json:"text"`
	At   time.Time `json:"at"`
	// Nonce is that of the challenge.
	Nonce []byte `json:"nonce"`
	// Assertion is what the passkey answered, as it came; empty for a password.
	Assertion []byte `json:"assertion,omitempty"`
}

// Answer answers a challenge with a password.
type Answer struct {
	Challenge string `json:"challenge"`
	Password  string `json:"password"`
}

type step struct {
	holder  string
	text    [32]byte
	nonce   []byte
	bytes   [32]byte
	expires time.Time
}

// stepBytes is what a passkey signs in a step-up.
func stepBytes(nonce []byte, text [32]byte) [32]byte {
	h := sha256.New()
	h.Write([]byte("casus step-up 1\x00"))
	h.Write(nonce)
	h.Write(text[:])
	return [32]byte(h.Sum(nil))
}

type steps struct {
	mu   sync.Mutex // guards open
	open map[string]*step
}

// holder names what a step-up belongs to: a session, or a token that may do
// everything; "" for what cannot step up.
func (id Identity) holder() string {
	switch {
	case id.Session != "":
		return "session " + id.Session
	case id.Token != "" && id.Scope.Writes():
		return "token " + id.Token
	}
	return ""
}

// StepUp opens a challenge for the person of a session or token and the SHA-256
// of a text. A token that only reads is Denied. Nothing but the person's own proof
// answers it, so a token alone, whoever holds it, does not step up.
func (s *Store) StepUp(now time.Time, id Identity, text [32]byte) (Challenge, error) {
	holder := id.holder()
	if holder == "" {
		return Challenge{}, fault.WithHint(fault.Errorf(fault.Denied, "people: step-up: no session"), "sign in on the pages, or with: casus login")
	}
	nonce, err := s.random(32)
	if err != nil {
		return Challenge{}, err
	}
	name, err := s.handle()
	if err != nil {
		return Challenge{}, err
	}
	x := &step{holder: holder, text: text, nonce: nonce, bytes: stepBytes(nonce, text), expires: now.Add(StepLife)}
	s.steps.mu.Lock()
	defer s.steps.mu.Unlock()
	n := 0
	for k, o := range s.steps.open {
		if !now.Before(o.expires) {
			delete(s.steps.open, k)
		} else if o.holder == holder {
			n++
		}
	}
	if n >= maxSteps {
		return Challenge{}, fault.Errorf(fault.Unavailable, "people: step-up: %d are open already", n)
	}
	s.steps.open[name] = x
	return Challenge{ID: name, Bytes: x.bytes[:], Expires: x.expires}, nil
}

// redeem takes a challenge, whatever comes of it: it is gone afterwards.
func (s *Store) redeem(now time.Time, id Identity, challenge string, text [32]byte) (*step, error) {
	s.steps.mu.Lock()
	defer s.steps.mu.Unlock()
	x := s.steps.open[challenge]
	if x == nil || x.holder != id.holder() {
		return nil, fault.Errorf(fault.Denied, "people: step-up: there is no such challenge")
	}
	delete(s.steps.open, challenge)
	switch {
	case !now.Before(x.expires):
		return nil, fault.Errorf(fault.Denied, "people: step-up: the challenge was open for more than %v", StepLife)
	case x.text != text:
		return nil, fault.Errorf(fault.Denied, "people: step-up: the text is not the one that was shown")
	}
	return x, nil
}

// StepUpPassword answers a challenge with the person's password. A challenge is
// answered once, right or wrong; a wrong answer is Denied. Attempts are limited
// as at sign-in, with tokens and in sessions apart.
//
// Source: casus decision 0037.
func (s *Store) StepUpPassword(ctx context.Context, now time.Time, id Identity, challenge string, text [32]byte, password []byte) (Proof, error) {
	x, err := s.redeem(now, id, challenge, text)
	if err != nil {
		return Proof{}, err
	}
	// Who has stolen a token and tries passwords does not use up the attempts of
	// the person's sessions.
	by, _, _ := strings.Cut(x.holder, " ")
	of := limit{"step-up " + by + " " + string(id.Person), PairBurst, PairEvery}
	if err := tooMany(s.limits.take(now, of)); err != nil {
		return Proof{}, err
	}
	ok, err := s.matches(ctx, id.Person, password)
	if err != nil {
		return Proof{}, err
	}
	if !ok {
		return Proof{}, fault.Errorf(fault.Denied, "people: step-up: the password is wrong")
	}
	s.limits.giveBack(of)
	return Proof{Identity: id, Text: text, At: now, Nonce: x.nonce}, nil
}
