package people

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"net/mail"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"casus/internal/core/alliance"
	"casus/internal/event"
	"casus/internal/eventlog"
	"casus/internal/fault"
)

// aggregate is that of all entries about people: one order, compared and appended.
const aggregate = "people"

// Bounds of what people are called.
const (
	maxLogin = 64
	maxName  = 120
	maxEmail = 254
	maxLabel = 80
)

// By says who writes, and when.
type By struct {
	Author string
	Now    time.Time
	// As is who writes, where somebody is signed in. It is refused, as to who is not
	// signed in, when what he proved himself by has ended meanwhile.
	As Known
}

// fact is one entry to write.
type fact struct {
	kind    event.Kind
	payload any
}

// commit appends the facts as one, folds them, and then erases the payloads that
// they replace. The caller holds writing. What a crash leaves unerased is on
// record by then, for the node to carry out.
func (s *Store) commit(ctx context.Context, by By, facts []fact, replaced []event.Seq, reason string) error {
	if by.As.Person != "" && !s.still(by.As) {
		return NotSignedIn()
	}
	if len(replaced) > 0 {
		facts = append(facts, fact{event.Erased, event.Erasure{Receipts: []event.Seq{}, Payloads: replaced, Reason: reason}})
	}
	entries := make([]eventlog.Entry, 0, len(facts))
	for _, f := range facts {
		raw, err := event.Write(f.payload)
		if err != nil {
			return err
		}
		h := event.Header{Kind: f.kind, KindVersion: 1, Author: by.Author, WriteTime: by.Now}
		if f.kind != event.Erased {
			h.Aggregate = aggregate
		}
		entries = append(entries, eventlog.Entry{Header: h, Payload: raw})
	}
	first, err := s.log.Append(ctx, []eventlog.Expect{{Aggregate: aggregate, Last: s.fold.version}}, entries)
	if err != nil {
		return err
	}
	s.mu.Lock()
	for i, e := range entries {
		if err = s.fold.apply(ctx, s.log, eventlog.Stored{Seq: first + event.Seq(i), Header: e.Header, Payload: e.Payload}); err != nil {
			break
		}
	}
	s.mu.Unlock()
	if err != nil || len(replaced) == 0 {
		return err
	}
	return s.erase(ctx, by, first+event.Seq(len(entries)-1), replaced)
}

// erase carries out an erasure on record.
func (s *Store) erase(ctx context.Context, by By, record event.Seq, seqs []event.Seq) error {
	ctx = context.WithoutCancel(ctx) // what is recorded is carried out
	if err := s.log.Erase(ctx, seqs...); err != nil {
		return err
	}
	raw, err := event.Write(event.Erasure{Done: true, Receipts: []event.Seq{}})
	if err != nil {
		return err
	}
	h := event.Header{Kind: event.Erased, KindVersion: 1, Author: by.Author, WriteTime: by.Now, Cause: record, Key: event.ErasedKey(record)}
	_, err = s.log.Append(ctx, nil, []eventlog.Entry{{Header: h, Payload: raw}})
	return err
}

// SetOrganisation makes, changes or removes an organisation. One that persons
// act for cannot be removed: a Conflict.
func (s *Store) SetOrganisation(ctx context.Context, by By, o event.Organisation) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := s.would(func(d *alliance.Directory) {
		d.Organisations = slices.DeleteFunc(slices.Clone(d.Organisations), func(x alliance.Organisation) bool { return x.ID == o.ID })
		if !o.Removed {
			d.Organisations = append(d.Organisations, o.Organisation)
		}
		d.Members = withMember(d.Members, o.ID.Member())
	}); err != nil {
		return err
	}
	return s.commit(ctx, by, []fact{{event.OrganisationSet, o}}, nil, "")
}

// would returns what is wrong with the directory after a change: names badly
// formed, and references to what is not there.
func (s *Store) would(change func(d *alliance.Directory)) error {
	d := *s.Directory()
	change(&d)
	return d.Validate()
}

// Add adds a person with its name, with its organisation if that is new, and with
// a password unless that is nil, in one write. A key that was ever given and a
// login that is taken are a Conflict.
func (s *Store) Add(ctx context.Context, by By, org alliance.Organisation, p event.Person, n event.Named, password []byte) error {
	return s.add(ctx, by, org, p, n, password, false)
}

// AddFirst adds a person like Add, where there was nobody ever: with anybody there
// it is a Conflict. Of several at once one gets in.
func (s *Store) AddFirst(ctx context.Context, by By, org alliance.Organisation, p event.Person, n event.Named, password []byte) error {
	return s.add(ctx, by, org, p, n, password, true)
}

func (s *Store) add(ctx context.Context, by By, org alliance.Organisation, p event.Person, n event.Named, password []byte, first bool) error {
	p.Removed, n.Person = false, p.Key
	facts := []fact{{event.PersonSet, p}, {event.PersonNamed, n}}
	if password != nil {
		c, err := s.newPassword(ctx, by, n, password)
		if err != nil {
			return err
		}
		facts = append(facts, fact{event.CredentialSet, c})
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.RLock()
	_, taken := s.fold.persons[p.Key]
	_, there := s.fold.orgs[p.Org]
	others := len(s.fold.persons) > 0
	s.mu.RUnlock()
	if first && others {
		return fault.WithHint(fault.Errorf(fault.Conflict, "people: there are people already"), "sign in with: casus login")
	}
	if taken {
		return fault.WithHint(fault.Errorf(fault.Conflict, "people: person %s: the key is taken", p.Key), "keys are never given again: choose another")
	}
	if !there && org.ID == p.Org {
		facts = slices.Insert(facts, 0, fact{event.OrganisationSet, event.Organisation{Organisation: org}})
	}
	if err := s.would(func(d *alliance.Directory) {
		if !there && org.ID == p.Org {
			d.Organisations = append(slices.Clone(d.Organisations), org)
			d.Members = withMember(d.Members, org.ID.Member())
		}
		d.Persons = append(slices.Clone(d.Persons), p.Person)
		d.Deputies = append(slices.Clone(d.Deputies), p.Deputies...)
	}); err != nil {
		return err
	}
	if err := s.checkName(n); err != nil {
		return err
	}
	if err := ownDeputies(p); err != nil {
		return err
	}
	return s.commit(ctx, by, facts, nil, "")
}

func withMember(all []alliance.Member, m alliance.Member) []alliance.Member {
	if slices.Contains(all, m) {
		return all
	}
	return append(slices.Clone(all), m)
}

// ownDeputies refuses deputies for somebody else than p.
func ownDeputies(p event.Person) error {
	if i := slices.IndexFunc(p.Deputies, func(d alliance.Deputy) bool { return d.For != p.Key }); i >= 0 {
		return fault.Errorf(fault.Invalid, "people: person %s: a deputy for %s", p.Key, p.Deputies[i].For)
	}
	return nil
}

// Edit changes what holds of a person and what he is called, in one write: change
// is given both as they are and writes into them what they are to be. A name that
// is replaced is erased; nothing changed writes nothing. Who was never added or was
// removed is NotFound; leaving nobody who can administer is a Conflict.
func (s *Store) Edit(ctx context.Context, by By, k alliance.Key, change func(p *event.Person, n *event.Named)) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	p, err := s.Person(string(k))
	if err != nil {
		return err
	}
	set, named := p.Person, event.Named{Person: p.Key, Name: p.Name, Login: p.Login, Email: p.Email}
	was := named
	// What change writes into must not be what the fold holds.
	set.Posts, set.Leave, set.Deputies = slices.Clone(set.Posts), slices.Clone(set.Leave), slices.Clone(set.Deputies)
	set.Clearances, set.Access = slices.Clone(set.Clearances), slices.Clone(set.Access)
	change(&set, &named)
	set.Key, set.Removed, named.Person = p.Key, false, p.Key
	var facts []fact
	var replaced []event.Seq
	if !reflect.DeepEqual(set, p.Person) {
		facts = append(facts, fact{event.PersonSet, set})
		if err := ownDeputies(set); err != nil {
			return err
		}
		if err := s.wouldBe(set); err != nil {
			return err
		}
	}
	if named != was {
		facts, replaced = append(facts, fact{event.PersonNamed, named}), s.nameOf(p.Key)
		if err := s.checkName(named); err != nil {
			return err
		}
	}
	if len(facts) == 0 {
		return nil
	}
	if err := s.leavesAdministrator(by, set, named.Login, ""); err != nil {
		return err
	}
	return s.commit(ctx, by, facts, replaced, "the name was replaced")
}

// wouldBe checks the directory in which p is as given.
func (s *Store) wouldBe(p event.Person) error {
	return s.would(func(x *alliance.Directory) {
		x.Persons = slices.DeleteFunc(slices.Clone(x.Persons), func(y alliance.Person) bool { return y.Key == p.Key })
		x.Deputies = slices.DeleteFunc(slices.Clone(x.Deputies), func(y alliance.Deputy) bool {
			return y.For == p.Key || p.Removed && y.By == p.Key
		})
		if !p.Removed {
			x.Persons = append(x.Persons, p.Person)
			x.Deputies = append(x.Deputies, p.Deputies...)
		}
	})
}

// leavesAdministrator is a Conflict when somebody can sign in and administer the
// node for good, and nobody could once p is as given, called login, and without one
// of his credentials.
func (s *Store) leavesAdministrator(by By, p event.Person, login, without string) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	had, left := false, false
	for k, x := range s.fold.persons {
		can := !x.set.Removed && administers(x.set.Person, by.Now) && s.fold.enters(k, x.name.Login, "")
		had = had || can
		if k == p.Key {
			can = !p.Removed && administers(p.Person, by.Now) && s.fold.enters(k, login, without)
		}
		left = left || can
	}
	if had && !left {
		return fault.WithHint(fault.Errorf(fault.Conflict, "people: person %s: nobody else administers this node", p.Key),
			"make another administrator first, or give this one another way to sign in")
	}
	return nil
}

// enters reports whether k could sign in, called login and without one of the
// credentials: a password is nothing without a login.
func (f *fold) enters(k alliance.Key, login, without string) bool {
	return slices.ContainsFunc(f.credentialsOf(k), func(c *credential) bool {
		return c.ID != without && (c.Kind != event.Password || login != "")
	})
}

// administers reports whether p holds a post of administrator now and for good, and
// is not away for good.
func administers(p alliance.Person, now time.Time) bool {
	away := slices.ContainsFunc(p.Leave, func(x alliance.Span) bool { return x.To.IsZero() })
	return !away && slices.ContainsFunc(p.Posts, func(x alliance.Post) bool {
		return x.Role == alliance.Administrator && x.Holds(now) && x.To.IsZero()
	})
}

// Remove ends somebody's taking part: the name is erased, credentials and tokens
// end and are erased, sessions end. Key and posts stay on record.
func (s *Store) Remove(ctx context.Context, by By, k alliance.Key, reason string) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	p, err := s.Person(string(k))
	if err != nil {
		return err
	}
	set := p.Person
	set.Removed, set.Deputies = true, nil
	if err := errors.Join(s.wouldBe(set), s.leavesAdministrator(by, set, "", "")); err != nil {
		return err
	}
	s.mu.RLock()
	replaced := s.fold.erasable(p.Key)
	s.mu.RUnlock()
	if reason == "" {
		reason = "the person was removed"
	} else if err := nameless(reason, p); err != nil {
		return err
	}
	err = s.commit(ctx, by, []fact{{event.PersonSet, set}}, replaced, reason)
	s.EndSession(p.Key, "")
	return err
}

// erasable returns the entries of k whose payloads can go: name and credentials.
func (f *fold) erasable(k alliance.Key) []event.Seq {
	var out []event.Seq
	if p := f.persons[k]; p != nil && p.namedAt > 0 {
		out = append(out, p.namedAt)
	}
	for _, c := range f.credentialsOf(k) {
		out = append(out, c.at)
	}
	return out
}

// EraseName erases what a person is called and leaves key, posts and credentials:
// from then on he signs in by passkey or OIDC alone. Erased already is no error;
// leaving nobody who can administer is a Conflict.
func (s *Store) EraseName(ctx context.Context, by By, k alliance.Key, reason string) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	seqs := s.nameOf(k)
	if len(seqs) == 0 {
		return nil
	}
	if err := s.MayEraseName(by, k, reason); err != nil {
		return err
	}
	return s.commit(ctx, by, nil, seqs, reason)
}

// MayEraseName returns why the name of k cannot be erased for a reason: a Conflict
// when nobody else administers, Invalid when the reason, which stays on record, names
// the person.
func (s *Store) MayEraseName(by By, k alliance.Key, reason string) error {
	p, err := s.Person(string(k))
	if err != nil {
		return err
	}
	if err := s.leavesAdministrator(by, p.Person, "", ""); err != nil {
		return err
	}
	return nameless(reason, p)
}

// nameless returns what is wrong with a reason that stays on record when the name of
// p goes.
func nameless(reason string, p Person) error {
	if !p.NamedIn(reason) {
		return nil
	}
	return fault.WithHint(fault.Errorf(fault.Invalid, "people: person %s: the reason names the person", p.Key), "the reason stays on record when the name goes: say %s, or why", p.Key)
}

// NamedIn reports whether a text names p: by mail address, login, or a word of three
// letters or more of the name. The key names nobody.
func (p Person) NamedIn(text string) bool {
	apart := func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }
	text = normal(text)
	words := strings.FieldsFunc(text, apart)
	named := p.Email != "" && strings.Contains(text, normal(p.Email)) || p.Login != "" && slices.Contains(append(words, strings.Fields(text)...), normal(p.Login))
	for _, w := range strings.FieldsFunc(normal(p.Name), apart) {
		named = named || utf8.RuneCountInString(w) >= 3 && slices.Contains(words, w)
	}
	return named
}

func (s *Store) nameOf(k alliance.Key) []event.Seq {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if p := s.fold.persons[k]; p != nil && p.namedAt > 0 {
		return []event.Seq{p.namedAt}
	}
	return nil
}

// checkName returns what is wrong with a name: a login that another has is a
// Conflict.
func (s *Store) checkName(n event.Named) error {
	if n.Login != "" {
		if len(n.Login) > maxLogin || strings.Trim(normal(n.Login), "abcdefghijklmnopqrstuvwxyz0123456789.-_@+") != "" {
			return fault.Errorf(fault.Invalid, "people: login %.80q: want at most %d letters, digits or . - _ @ +", n.Login, maxLogin)
		}
		s.mu.RLock()
		k, taken := s.fold.logins[normal(n.Login)]
		s.mu.RUnlock()
		if taken && k != n.Person {
			return fault.Errorf(fault.Conflict, "people: login %.80q: another person has it", n.Login)
		}
	}
	if n.Name == "" || len(n.Name) > maxName || !plain(n.Name) {
		return fault.Errorf(fault.Invalid, "people: name %.140q: want 1 to %d bytes of plain text", n.Name, maxName)
	}
	if n.Email != "" {
		a, err := mail.ParseAddress(n.Email)
		if err != nil || a.Address != n.Email || len(n.Email) > maxEmail {
			return fault.Errorf(fault.Invalid, "people: mail address %.80q: want one like name@example.org", n.Email)
		}
	}
	return nil
}

// plain reports whether s has only characters that are seen, and spaces: none
// that turn text around or stand for nothing.
func plain(s string) bool {
	return utf8.ValidString(s) && s == strings.TrimSpace(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsGraphic(r) || r != ' ' && unicode.IsSpace(r) })
}

// normal is the form of a login in which it is looked up.
func normal(login string) string { return strings.ToLower(login) }

// cut returns at most n bytes of s, plain text only.
func cut(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	for len(s) > n {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}

// SetPassword sets or replaces a person's password. All sessions of the person
// end; the hash it had is erased.
func (s *Store) SetPassword(ctx context.Context, by By, k alliance.Key, password []byte) error {
	p, err := s.Person(string(k))
	if err != nil {
		return err
	}
	c, err := s.newPassword(ctx, by, event.Named{Person: p.Key, Name: p.Name, Login: p.Login, Email: p.Email}, password)
	if err != nil {
		return err
	}
	err = s.setCredential(ctx, by, c)
	if err == nil {
		s.EndSession(p.Key, "")
	}
	return err
}

// newPassword hashes a password for the person who is called n.
func (s *Store) newPassword(ctx context.Context, by By, n event.Named, password []byte) (event.Credential, error) {
	if err := checkPassword(password, n); err != nil {
		return event.Credential{}, err
	}
	h, err := s.newHash(nil)
	if err != nil {
		return event.Credential{}, err
	}
	if h.Hash, err = s.hash(ctx, password, &h); err != nil {
		return event.Credential{}, err
	}
	// One password a person: its id follows from the key.
	return event.Credential{ID: "password-" + string(n.Person), Person: n.Person, Kind: event.Password, Made: by.Now, Password: &h}, nil
}

// LinkOIDC lets the subject of an issuer sign in as k. A subject that another
// person has is a Conflict.
func (s *Store) LinkOIDC(ctx context.Context, by By, k alliance.Key, subject event.Subject) error {
	if err := CheckIssuer(subject.Issuer); err != nil {
		return err
	}
	if subject.Subject == "" || len(subject.Issuer)+len(subject.Subject) > 1024 || !plain(subject.Subject) || !plain(subject.Issuer) || strings.Contains(subject.Issuer, " ") {
		return fault.Errorf(fault.Invalid, "people: OIDC: want the address of an issuer and a subject")
	}
	id, err := s.handle()
	if err != nil {
		return err
	}
	return s.setCredential(ctx, by, event.Credential{ID: id, Person: k, Kind: event.OIDC, Made: by.Now, OIDC: &subject})
}

func (s *Store) setCredential(ctx context.Context, by By, c event.Credential) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if _, err := s.Person(string(c.Person)); err != nil {
		return err
	}
	s.mu.RLock()
	var replaced []event.Seq
	if old := s.fold.creds[c.ID]; old != nil {
		replaced = []event.Seq{old.at}
	}
	other, taken := s.fold.byProof[proofOf(&c)]
	facts := []fact{{event.CredentialSet, c}}
	if c.Password != nil {
		// Who got in with the old password must not stay by a token.
		for _, id := range slices.Sorted(maps.Keys(s.fold.tokens)) {
			if s.fold.tokens[id].Person == c.Person && len(facts) < 500 {
				facts = append(facts, fact{event.TokenRevoked, event.TokenGone{ID: id, Person: c.Person}})
			}
		}
	}
	s.mu.RUnlock()
	if taken && other != c.ID {
		return fault.Errorf(fault.Conflict, "people: credential: it is in use already")
	}
	return s.commit(ctx, by, facts, replaced, "the credential was replaced")
}

// RemoveCredential ends one of k's credentials, and all sessions of k. Leaving
// nobody who can administer is a Conflict.
func (s *Store) RemoveCredential(ctx context.Context, by By, k alliance.Key, id string) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.RLock()
	c := s.fold.creds[id]
	s.mu.RUnlock()
	if c == nil || c.Person != k {
		return fault.Errorf(fault.NotFound, "people: credential %.40q: %s has none such", id, k)
	}
	p, err := s.Person(string(k))
	if err != nil {
		return err
	}
	if err := s.leavesAdministrator(by, p.Person, p.Login, id); err != nil {
		return err
	}
	err = s.commit(ctx, by, []fact{{event.CredentialRemoved, event.CredentialGone{ID: id, Person: k}}}, []event.Seq{c.at}, "the credential was removed")
	s.EndSession(k, "")
	return err
}

// Bounds of a token.
const (
	// TokenLife is the life of a token when nothing is said.
	TokenLife = 90 * 24 * time.Hour
	// MaxTokenLife is the longest life of a token.
	MaxTokenLife = 366 * 24 * time.Hour
	// MaxTokens is how many tokens a person may have at once.
	MaxTokens = 100
)

// TokenPrefix begins the secret of every token, so that one that was published
// by mistake can be found.
const TokenPrefix = "casus_"

// MakeToken makes a token that acts for k in a role that k may act in now, until
// expires; no role means the first. It returns the secret, which is told once
// and held nowhere.
func (s *Store) MakeToken(ctx context.Context, by By, k alliance.Key, role alliance.Role, scope Scope, expires time.Time) (secret string, out Token, err error) {
	act, err := s.role(by.Now, k, role)
	if err != nil {
		return "", Token{}, err
	}
	switch {
	case scope != ScopeRead && scope != ScopeAll:
		return "", Token{}, fault.Errorf(fault.Invalid, "people: token: scope %.40q: want %s or %s", scope, ScopeRead, ScopeAll)
	case !expires.After(by.Now):
		return "", Token{}, fault.Errorf(fault.Invalid, "people: token: it would be over at once")
	case expires.After(by.Now.Add(MaxTokenLife)):
		return "", Token{}, fault.Errorf(fault.Invalid, "people: token: want an end within %d days", MaxTokenLife/(24*time.Hour))
	}
	if err := s.auditBreakGlass(ctx, by.Now, Known{k, s.stampOf(k)}, act.Role); err != nil {
		return "", Token{}, err
	}
	secret, sum, err := s.secret(TokenPrefix)
	if err != nil {
		return "", Token{}, err
	}
	id, err := s.handle()
	if err != nil {
		return "", Token{}, err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	p, err := s.Person(string(k))
	if err != nil {
		return "", Token{}, err
	}
	facts := s.over(by.Now, p.Tokens)
	if len(p.Tokens)-len(facts) >= MaxTokens {
		return "", Token{}, fault.WithHint(fault.Errorf(fault.Conflict, "people: token: %s has %d", k, MaxTokens), "revoke one first")
	}
	t := event.Token{ID: id, Person: p.Key, Role: act.Role, Scope: string(scope), Made: by.Now, Expires: expires, Hash: bytes.Clone(sum[:])}
	if err := s.commit(ctx, by, append(facts, fact{event.TokenMade, t}), nil, ""); err != nil {
		return "", Token{}, err
	}
	return secret, tellToken(&t), nil
}

// over returns the revocation of the tokens that are over, so that the fold does
// not grow with time.
func (s *Store) over(now time.Time, tokens []Token) []fact {
	var out []fact
	for _, t := range tokens {
		if !now.Before(t.Expires) && len(out) < 100 {
			out = append(out, fact{event.TokenRevoked, event.TokenGone{ID: t.ID, Person: t.Person}})
		}
	}
	return out
}

// RevokeToken ends a token of k; "" as k means anybody's.
func (s *Store) RevokeToken(ctx context.Context, by By, k alliance.Key, id string) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.RLock()
	t := s.fold.tokens[id]
	s.mu.RUnlock()
	if t == nil || k != "" && t.Person != k {
		return fault.Errorf(fault.NotFound, "people: token %.40q: there is none such", id)
	}
	return s.commit(ctx, by, []fact{{event.TokenRevoked, event.TokenGone{ID: id, Person: t.Person}}}, nil, "")
}

// auditBreakGlass writes down that an account for emergencies is used.
func (s *Store) auditBreakGlass(ctx context.Context, now time.Time, who Known, role alliance.Role) error {
	k := who.Person
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.RLock()
	p := s.fold.persons[k]
	s.mu.RUnlock()
	if p == nil || !p.set.BreakGlass {
		return nil
	}
	by := By{Author: Identity{Person: k, Role: role}.Author(), Now: now, As: who}
	return s.commit(ctx, by, []fact{{event.BreakGlassUsed, event.BreakGlass{Person: k, Role: role, At: now}}}, nil, "")
}
