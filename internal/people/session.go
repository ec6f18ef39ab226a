package people

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"slices"
	"sync"
	"time"

	"casus/internal/core/alliance"
	"casus/internal/event"
	"casus/internal/fault"
)

// ErrSignIn is in the chain of an error that says that somebody has to sign in:
// who calls is not known, or not any more.
var ErrSignIn = errors.New("not signed in")

// Lifetimes of a session.
//
// Source: casus decision 0021.
const (
	// SessionIdle is how long a session lasts without a request.
	SessionIdle = 30 * time.Minute
	// SessionLife is how long a session lasts at most: a long shift.
	SessionLife = 12 * time.Hour
	// MaxSessions is how many sessions of one person are open at most; the one
	// used longest ago ends.
	MaxSessions = 16
)

// secretBytes is the length of the secret of a session or token.
const secretBytes = 32

// Scope says what a token may do. The zero value, and every word that is not
// known, may do nothing.
type Scope string

// The scopes.
const (
	// ScopeRead only reads.
	ScopeRead Scope = "read"
	// ScopeAll is all that the person may do in the token's role, but for changing
	// how the person signs in. A step-up takes the person's password besides.
	ScopeAll Scope = "all"
)

// Writes reports whether the scope may change anything.
func (s Scope) Writes() bool { return s == ScopeAll }

// Reads reports whether the scope lets anything be read.
func (s Scope) Reads() bool { return s == ScopeRead || s == ScopeAll }

// Identity is who calls, in which capacity. The zero value is nobody.
type Identity struct {
	alliance.Acting
	Org   alliance.Org `json:"org"`
	Scope Scope        `json:"scope"`
	// Session or Token is what the identity rests on: a handle, not the secret.
	Session string `json:"session,omitempty"`
	Token   string `json:"token,omitempty"`

	stamp event.Seq // see Known
}

// Known is a person who has proved who he is. What ends the person's sessions ends
// it too, so that nothing that was under way by then lasts. The zero value is
// nobody.
type Known struct {
	Person alliance.Key
	stamp  event.Seq // that of the person when he proved it
}

// Known returns the person of the identity, as of when it was found out.
func (id Identity) Known() Known { return Known{id.Person, id.stamp} }

// Author is the identity as the author of an entry.
func (id Identity) Author() string {
	if id.Person == "" {
		return ""
	}
	out := "person:" + string(id.Person)
	if id.Role != alliance.NoRole {
		out += "/" + id.Role.String()
	}
	if id.Token != "" {
		out += "/token:" + id.Token
	}
	return out
}

// Session is what may be told of an open session.
type Session struct {
	ID    string        `json:"id"`
	Role  alliance.Role `json:"role"`
	Label string        `json:"label,omitempty"`
	Made  time.Time     `json:"made"`
	Used  time.Time     `json:"used"`
	Ends  time.Time     `json:"ends"`
}

type session struct {
	Session
	person alliance.Key
	stamp  event.Seq
}

type sessions struct {
	mu   sync.Mutex // guards open
	open map[[32]byte]*session
}

// Roles returns the roles that k may act in now, by number.
func (s *Store) Roles(now time.Time, k alliance.Key) []alliance.Role {
	dir := s.Directory()
	return slices.DeleteFunc(alliance.Roles(), func(r alliance.Role) bool {
		_, err := dir.Act(k, r, now)
		return err != nil
	})
}

// role returns r, or for no role the first that k may act in.
func (s *Store) role(now time.Time, k alliance.Key, r alliance.Role) (alliance.Acting, error) {
	if r == alliance.NoRole {
		roles := s.Roles(now, k)
		if len(roles) == 0 {
			return alliance.Acting{}, fault.WithHint(fault.Errorf(fault.Denied, "people: %s holds no role now", k), "an administrator gives roles with: casus user edit")
		}
		r = roles[0]
	}
	return s.Directory().Act(k, r, now)
}

// CheckPassword returns who signs in with login and password. The error is one
// and the same for a wrong login and a wrong password, and takes the same work.
// Too many attempts are Unavailable, see the limits.
func (s *Store) CheckPassword(ctx context.Context, now time.Time, login string, password []byte, from From) (Known, error) {
	s.mu.RLock()
	k := s.fold.logins[normal(login)]
	who := s.fold.known(k) // before the password is looked at: it may change meanwhile
	s.mu.RUnlock()
	of := s.attempt(login, k, from)
	if err := tooMany(s.limits.take(now, of...)); err != nil {
		return Known{}, err
	}
	ok, err := s.matches(ctx, k, password)
	if err != nil {
		s.limits.giveBack(of...)
		return Known{}, err
	}
	if !ok {
		return Known{}, fault.Errorf(fault.Denied, "people: sign in: login or password is wrong: %w", ErrSignIn)
	}
	s.limits.giveBack(of...)
	return who, nil
}

// Start opens a session for somebody who has just proved who he is, in a role;
// no role means the first that he may act in. old is the secret of a session
// that ends with it, or empty. It returns the secret of the new one, told once.
// The use of a break-glass account is written down first. Who has to prove it once
// more by now gets an error with [ErrSignIn] in its chain.
func (s *Store) Start(ctx context.Context, now time.Time, who Known, role alliance.Role, old, label string) (secret string, out Session, err error) {
	k := who.Person
	act, err := s.role(now, k, role)
	if err != nil {
		return "", Session{}, err
	}
	if err := s.auditBreakGlass(ctx, now, who, act.Role); err != nil {
		return "", Session{}, err
	}
	secret, sum, err := s.secret("")
	if err != nil {
		return "", Session{}, err
	}
	handle, err := s.handle()
	if err != nil {
		return "", Session{}, err
	}
	out = Session{ID: handle, Role: act.Role, Label: cut(label, maxLabel), Made: now, Used: now, Ends: now.Add(SessionLife)}
	s.sessions.mu.Lock()
	defer s.sessions.mu.Unlock()
	if !s.still(who) {
		return "", Session{}, NotSignedIn()
	}
	if old != "" {
		delete(s.sessions.open, sha256.Sum256([]byte(old)))
	}
	s.sessions.room(now, k)
	s.sessions.open[sum] = &session{Session: out, person: k, stamp: who.stamp}
	return secret, out, nil
}

// known returns k, as one who proves who he is now.
func (f *fold) known(k alliance.Key) Known {
	if p := f.persons[k]; p != nil {
		return Known{k, p.stamp}
	}
	return Known{Person: k}
}

// still reports whether who takes part, and nothing has ended his sessions since he
// proved who he is.
func (s *Store) still(who Known) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	p := s.fold.persons[who.Person]
	return p != nil && !p.set.Removed && p.stamp == who.stamp
}

// stampOf returns what a session of k must bear to be good.
func (s *Store) stampOf(k alliance.Key) event.Seq {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.fold.known(k).stamp
}

// room ends what is over, and the session of k used longest ago when k has too
// many.
func (t *sessions) room(now time.Time, k alliance.Key) {
	var oldest [32]byte
	n := 0
	for sum, x := range t.open {
		if x.over(now) {
			delete(t.open, sum)
			continue
		}
		if x.person == k {
			if n == 0 || x.Used.Before(t.open[oldest].Used) {
				oldest = sum
			}
			n++
		}
	}
	if n >= MaxSessions {
		delete(t.open, oldest)
	}
}

func (x *session) over(now time.Time) bool {
	return !now.Before(x.Ends) || now.Sub(x.Used) >= SessionIdle
}

// NotSignedIn is the error for who has to sign in: it has [ErrSignIn] in its chain.
func NotSignedIn() error {
	return fault.WithHint(fault.Errorf(fault.Denied, "people: %w", ErrSignIn), "sign in with: casus login, or set CASUS_TOKEN")
}

// Session returns who the session with the secret belongs to, and notes that it
// was used. The error, when there is no such session any more, has [ErrSignIn]
// in its chain.
func (s *Store) Session(now time.Time, secret string) (Identity, error) {
	sum := sha256.Sum256([]byte(secret))
	s.sessions.mu.Lock()
	defer s.sessions.mu.Unlock()
	x := s.sessions.open[sum]
	if x == nil {
		return Identity{}, NotSignedIn()
	}
	id, err := s.identity(now, x.person, x.Role)
	if err != nil || x.over(now) || x.stamp != s.stampOf(x.person) {
		delete(s.sessions.open, sum)
		return Identity{}, NotSignedIn()
	}
	x.Used = now
	id.Scope, id.Session, id.stamp = ScopeAll, x.ID, x.stamp
	return id, nil
}

// identity is k in a role, if k is there and may act in it.
func (s *Store) identity(now time.Time, k alliance.Key, r alliance.Role) (Identity, error) {
	dir := s.Directory()
	act, err := dir.Act(k, r, now)
	if err != nil {
		return Identity{}, err
	}
	p, _ := dir.Person(k)
	if _, ok := dir.Organisation(p.Org); !ok {
		return Identity{}, fault.Errorf(fault.Denied, "people: %s: organisation %s is not there", k, p.Org)
	}
	return Identity{Acting: act, Org: p.Org}, nil
}

// Sessions returns the open sessions of k, the newest first.
func (s *Store) Sessions(now time.Time, k alliance.Key) []Session {
	stamp := s.stampOf(k)
	s.sessions.mu.Lock()
	defer s.sessions.mu.Unlock()
	out := []Session{}
	for _, x := range s.sessions.open {
		if x.person == k && !x.over(now) && x.stamp == stamp {
			out = append(out, x.Session)
		}
	}
	slices.SortFunc(out, func(a, b Session) int { return b.Made.Compare(a.Made) })
	return out
}

// SignOut ends the session with the secret, if it is open.
func (s *Store) SignOut(secret string) {
	s.sessions.mu.Lock()
	defer s.sessions.mu.Unlock()
	delete(s.sessions.open, sha256.Sum256([]byte(secret)))
}

// EndSession ends the session of k with a handle; "" ends all of k.
func (s *Store) EndSession(k alliance.Key, handle string) {
	s.sessions.mu.Lock()
	defer s.sessions.mu.Unlock()
	for sum, x := range s.sessions.open {
		if x.person == k && (handle == "" || x.ID == handle) {
			delete(s.sessions.open, sum)
		}
	}
}

// Bearer returns who the token with the secret acts for. The error, for a token
// that is not there, over, or whose person may not act in its role now, has
// [ErrSignIn] in its chain.
func (s *Store) Bearer(now time.Time, secret string) (Identity, error) {
	// A secret is looked up by its hash: what time tells of the look-up tells
	// nothing of 256 random bits.
	sum := sha256.Sum256([]byte(secret))
	s.mu.RLock()
	t := s.fold.tokens[s.fold.byHash[sum]]
	var who Known // as of when the token was there
	if t != nil {
		who = s.fold.known(t.Person)
	}
	s.mu.RUnlock()
	if t == nil || !now.Before(t.Expires) {
		return Identity{}, NotSignedIn()
	}
	id, err := s.identity(now, t.Person, t.Role)
	if err != nil {
		return Identity{}, NotSignedIn()
	}
	id.Scope, id.Token, id.stamp = Scope(t.Scope), t.ID, who.stamp
	return id, nil
}

// secret makes a secret that begins with prefix, and its hash.
func (s *Store) secret(prefix string) (string, [32]byte, error) {
	b, err := s.random(secretBytes)
	if err != nil {
		return "", [32]byte{}, err
	}
	text := prefix + base64.RawURLEncoding.EncodeToString(b)
	return text, sha256.Sum256([]byte(text)), nil
}

// handle makes the name of a session, token or credential.
func (s *Store) handle() (string, error) {
	b, err := s.random(8)
	return hex.EncodeToString(b), err
}
