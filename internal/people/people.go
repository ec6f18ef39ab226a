// Package people knows who may sign in: organisations, persons, their names,
// credentials and tokens, the sessions that are open, and how often somebody may
// try.
//
// What lasts is entries of the log, and [Store] is their fold, held in memory:
// [Open] reads them, every write appends first and folds then. A person is a key
// with organisation, posts, deputies and leave, permanent; the name, login and
// mail address stand in an entry of their own whose payload is erased when it is
// replaced or the person removed, as are credentials. So what somebody did stays
// told of a role and a key, and the name can go.
//
// # What it promises
//
//   - Checking a password takes one Argon2id derivation and one comparison,
//     whether the login is known or not, so that time does not tell who is there.
//   - Secrets of tokens and sessions have 256 random bits. Only their SHA-256 is
//     held, in the log for tokens and in memory for sessions.
//   - Each sign-in makes a new session; no name of a session is ever taken from
//     outside. It ends when it is idle, old or signed out, when its person's
//     password changes or is removed, and while the person may not act in its role.
//   - Failed attempts cost who makes them, not whom they name: see [Limits].
//   - A step-up is bound to the hash of one text, to one session, and used once.
//
// It does not decide what somebody may read, nor who may change people: the
// caller does. Sessions and counts of attempts are lost with the process. The
// package reads no clock; randomness and HTTP are given.
package people

import (
	"context"
	"encoding/hex"
	"io"
	"slices"
	"sync"
	"time"

	"casus/internal/core/alliance"
	"casus/internal/event"
	"casus/internal/eventlog"
	"casus/internal/fault"
)

// Options of a store.
type Options struct {
	// Random gives random bytes. It must be set.
	Random io.Reader
	// Secret keys what known devices bear; 32 random bytes that stay the same
	// over restarts.
	Secret []byte
	// Cost is that of new passwords; zero means [DefaultCost].
	Cost Cost
}

// Store is the fold of the people in one log, and what is open beside it. All
// methods may be called from several goroutines.
type Store struct {
	log eventlog.Log
	opt Options

	writing sync.Mutex // held from the check of a write until it is folded

	mu   sync.RWMutex // guards fold
	fold *fold

	sessions sessions
	limits   limits
	steps    steps
	dummy    event.PasswordHash
	hashing  chan struct{} // a token for each derivation at work
	derive   func(password []byte, h *event.PasswordHash) []byte
}

// Open folds the people of log. from is what [Store.Index] gave for the same log
// earlier, nil for the whole log to be read. An index that does not belong to the
// log is an error.
func Open(ctx context.Context, log eventlog.Log, opt Options, from *Index) (*Store, error) {
	if opt.Cost == (Cost{}) {
		opt.Cost = DefaultCost()
	}
	s := &Store{
		log: log, opt: opt, fold: newFold(), derive: argon,
		hashing: make(chan struct{}, maxDerivations),
	}
	s.sessions.open = map[[32]byte]*session{}
	s.limits.buckets = map[string]*bucket{}
	s.steps.open = map[string]*step{}
	var err error
	if s.dummy, err = s.newHash(nil); err != nil {
		return nil, err
	}
	if from != nil {
		digest, err := digestAt(ctx, log, from.Mark)
		if err != nil {
			return nil, err
		}
		if digest != from.Digest {
			return nil, fault.Errorf(fault.Internal, "people: index: it is of another log")
		}
		for _, seq := range from.Entries {
			st, err := log.Get(ctx, seq)
			if err != nil {
				return nil, err
			}
			if !aboutPeople(st.Header.Kind) {
				return nil, fault.Errorf(fault.Internal, "people: index: entry %d is not about people", seq)
			}
			if err := s.fold.apply(ctx, log, st); err != nil {
				return nil, err
			}
		}
		s.fold.mark = from.Mark
	}
	if _, _, err := s.Step(ctx, time.Time{}); err != nil {
		return nil, err
	}
	return s, nil
}

// Index tells which entries of a log are about people, so that the next Open
// does not have to read the others.
type Index struct {
	// Mark is how far the log was read, and Digest the payload digest of the entry
	// there, hexadecimal, by which the log is known again: it is salted.
	Mark   event.Seq `json:"mark"`
	Digest string    `json:"digest"`
	// Entries are those about people, ascending.
	Entries []event.Seq `json:"entries"`
}

// digestAt returns the payload digest of an entry, "" for none.
func digestAt(ctx context.Context, log eventlog.Log, seq event.Seq) (string, error) {
	if seq == 0 {
		return "", nil
	}
	st, err := log.Get(ctx, seq)
	if err != nil {
		return "", err
	}
	return hex.EncodeToString(st.Header.PayloadHash[:]), nil
}

// Step reads on from where the store has read the log to its head: what others
// wrote. What the store wrote itself is folded already and passed over.
func (s *Store) Step(ctx context.Context, _ time.Time) (did int, wake time.Time, err error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	for st, err := range s.log.Read(ctx, s.fold.mark+1) {
		if err != nil {
			return did, wake, err
		}
		did++
		s.mu.Lock()
		if aboutPeople(st.Header.Kind) {
			err = s.fold.apply(ctx, s.log, st)
		}
		if err == nil {
			s.fold.mark = st.Seq
		}
		s.mu.Unlock()
		if err != nil {
			return did, wake, err
		}
	}
	return did, wake, nil
}

// Index returns the index of the store as of the head of the log. Nobody but the
// store may have written about people since the last Step.
func (s *Store) Index(ctx context.Context) (Index, error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	head, _, err := s.log.Head(ctx)
	if err != nil {
		return Index{}, err
	}
	digest, err := digestAt(ctx, s.log, head)
	if err != nil {
		return Index{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fold.mark = head
	return Index{Mark: head, Digest: digest, Entries: slices.Clone(s.fold.entries)}, nil
}

// Empty reports whether there is nobody yet: no person was ever set.
func (s *Store) Empty() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.fold.persons) == 0
}

// Directory returns who takes part, by keys. It is shared: it must not be
// modified, and does not change any more.
func (s *Store) Directory() *alliance.Directory {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fold.directory()
}

// Person is a person with name and ways to sign in.
type Person struct {
	event.Person
	// Name, Login and Email are empty when the name was erased.
	Name  string `json:"name"`
	Login string `json:"login,omitempty"`
	Email string `json:"email,omitempty"`
	// Credentials are without hashes and keys.
	Credentials []Credential `json:"credentials"`
	Tokens      []Token      `json:"tokens"`
}

// Credential is what may be told of a credential.
type Credential struct {
	ID    string               `json:"id"`
	Kind  event.CredentialKind `json:"kind"`
	Made  time.Time            `json:"made"`
	Label string               `json:"label,omitempty"`
	// Issuer is that of an OIDC credential.
	Issuer string `json:"issuer,omitempty"`
}

// Token is what may be told of a token.
type Token struct {
	ID      string        `json:"id"`
	Person  alliance.Key  `json:"person"`
	Role    alliance.Role `json:"role"`
	Scope   Scope         `json:"scope"`
	Made    time.Time     `json:"made"`
	Expires time.Time     `json:"expires"`
}

// Persons returns everybody who takes part, by key.
func (s *Store) Persons() []Person {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var out []Person
	for _, p := range s.fold.persons {
		if !p.set.Removed {
			out = append(out, s.fold.person(p))
		}
	}
	slices.SortFunc(out, func(a, b Person) int { return compare(a.Key, b.Key) })
	return out
}

// Person returns the person with a key or a login. Who was removed is NotFound.
func (s *Store) Person(keyOrLogin string) (Person, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	p := s.fold.persons[alliance.Key(keyOrLogin)]
	if p == nil {
		p = s.fold.persons[s.fold.logins[normal(keyOrLogin)]]
	}
	if p == nil || p.set.Removed {
		return Person{}, fault.Errorf(fault.NotFound, "people: %.60q: there is no such person", keyOrLogin)
	}
	return s.fold.person(p), nil
}

// Home returns the node's own organisation, the first that was set; "" while there
// is none. What was taken in before there were people is its own.
func (s *Store) Home() alliance.Org {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.fold.home
}

// Organisations returns the organisations that are there, by id.
func (s *Store) Organisations() []alliance.Organisation {
	return slices.Clone(s.Directory().Organisations)
}
