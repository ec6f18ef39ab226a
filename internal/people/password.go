package people

import (
	"context"
	"crypto/subtle"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"casus/internal/core/alliance"
	"casus/internal/event"
	"casus/internal/fault"
)

// Cost is what one derivation of Argon2id takes.
type Cost struct {
	// Passes over the memory; at least 1.
	Passes uint32
	// MemoryKiB is the memory in KiB.
	MemoryKiB uint32
	// Lanes may be computed side by side; at least 1.
	Lanes uint8
}

// The cost of a password: the second recommended option, for where memory is
// scarce; a node is to live in 1 GiB.
//
// Source: rfc9106 §4.
const (
	ArgonPasses    = 3
	ArgonMemoryKiB = 64 << 10
	ArgonLanes     = 4
	ArgonSaltBytes = 16
	ArgonHashBytes = 32
)

// DefaultCost returns the cost of a password.
func DefaultCost() Cost {
	return Cost{Passes: ArgonPasses, MemoryKiB: ArgonMemoryKiB, Lanes: ArgonLanes}
}

// maxDerivations is how many derivations may hold their memory at once.
const maxDerivations = 2

// Bounds of a password. Length is what counts: there are no rules of which
// characters it must have.
//
// Source: casus decision 0021.
const (
	MinPasswordRunes = 12
	MaxPasswordBytes = 1024
)

func argon(password []byte, h *event.PasswordHash) []byte {
	return argon2.IDKey(password, h.Salt, h.Passes, h.MemoryKiB, h.Lanes, ArgonHashBytes)
}

// hash derives, when its turn has come.
func (s *Store) hash(ctx context.Context, password []byte, h *event.PasswordHash) ([]byte, error) {
	select {
	case s.hashing <- struct{}{}:
		defer func() { <-s.hashing }()
		return s.derive(password, h), nil
	case <-ctx.Done():
		return nil, fault.Errorf(fault.Unavailable, "people: password: %w", ctx.Err())
	}
}

// newHash returns a hash without its Hash: salt and cost. A password of nil has
// a Hash that nothing derives to.
func (s *Store) newHash(hash []byte) (event.PasswordHash, error) {
	salt, err := s.random(ArgonSaltBytes)
	if err != nil {
		return event.PasswordHash{}, err
	}
	return event.PasswordHash{Salt: salt, Hash: hash, Passes: s.opt.Cost.Passes, MemoryKiB: s.opt.Cost.MemoryKiB, Lanes: s.opt.Cost.Lanes}, nil
}

func (s *Store) random(n int) ([]byte, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(s.opt.Random, b); err != nil {
		return nil, fault.Errorf(fault.Unavailable, "people: random bytes: %w", err)
	}
	return b, nil
}

// matches reports whether password is k's. The work is the same for a person
// who is not there or has none: one derivation, one comparison.
func (s *Store) matches(ctx context.Context, k alliance.Key, password []byte) (bool, error) {
	s.mu.RLock()
	held := s.fold.password(k)
	s.mu.RUnlock()
	against := held
	if held == nil {
		against = &s.dummy
	}
	// What is too long was never set; it is cut so that its length costs nothing.
	got, err := s.hash(ctx, password[:min(len(password), MaxPasswordBytes+1)], against)
	if err != nil {
		return false, err
	}
	want := against.Hash
	if len(want) != len(got) {
		want = make([]byte, len(got))
	}
	same := subtle.ConstantTimeCompare(got, want) == 1
	return same && held != nil && len(held.Hash) == len(got), nil
}

// checkPassword returns an Invalid fault for a password that may not be set.
func checkPassword(password []byte, n event.Named) error {
	switch text := strings.ToLower(string(password)); {
	case !utf8.Valid(password):
		return fault.Errorf(fault.Invalid, "people: password: not UTF-8")
	case len(password) > MaxPasswordBytes:
		return fault.Errorf(fault.Invalid, "people: password: %d bytes, want at most %d", len(password), MaxPasswordBytes)
	case utf8.RuneCount(password) < MinPasswordRunes:
		return fault.WithHint(fault.Errorf(fault.Invalid, "people: password: shorter than %d characters", MinPasswordRunes), "a few words that do not belong together are long and easy to keep in mind")
	case strings.Trim(text, text[:1]) == "":
		return fault.Errorf(fault.Invalid, "people: password: one character over and over")
	case text == strings.ToLower(n.Login), text == strings.ToLower(n.Name), text == strings.ToLower(n.Email):
		return fault.Errorf(fault.Invalid, "people: password: it is the person's name, login or address")
	}
	return nil
}
