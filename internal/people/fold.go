package people

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"casus/internal/core/alliance"
	"casus/internal/event"
	"casus/internal/eventlog"
)

// fold is the state that the entries give. Applying is total: what contradicts
// the state was refused before it was appended.
type fold struct {
	mark    event.Seq   // the log was read so far
	version event.Seq   // the last entry of the aggregate
	entries []event.Seq // all entries folded, ascending

	orgs    map[alliance.Org]alliance.Organisation
	home    alliance.Org             // the first that was set
	persons map[alliance.Key]*person // removed ones included
	logins  map[string]alliance.Key
	creds   map[string]*credential
	byProof map[string]string // passkey or subject to credential
	tokens  map[string]*event.Token
	byHash  map[[32]byte]string // to token

	dir *alliance.Directory // nil when it is to be made again
}

type person struct {
	set event.Person
	// stamp changes with what ends the sessions that are open.
	stamp   event.Seq
	name    event.Named // zero when erased
	namedAt event.Seq
}

type credential struct {
	event.Credential
	at event.Seq
}

func newFold() *fold {
	return &fold{
		orgs: map[alliance.Org]alliance.Organisation{}, persons: map[alliance.Key]*person{}, logins: map[string]alliance.Key{},
		creds: map[string]*credential{}, byProof: map[string]string{},
		tokens: map[string]*event.Token{}, byHash: map[[32]byte]string{},
	}
}

// aboutPeople reports whether entries of the kind may change the fold.
func aboutPeople(k event.Kind) bool {
	return k >= event.OrganisationSet && k <= event.BreakGlassUsed || k == event.Erased
}

// apply folds one entry, once. An erased payload says nothing any more.
func (f *fold) apply(ctx context.Context, log eventlog.Log, st eventlog.Stored) error {
	at, ok := slices.BinarySearch(f.entries, st.Seq)
	if ok {
		return nil
	}
	if !st.Erased {
		raw, err := eventlog.Payload(ctx, log, st)
		if err != nil {
			return err
		}
		touched, err := f.take(st.Seq, st.Header.Kind, raw)
		if err != nil {
			return err
		}
		if !touched {
			return nil
		}
	}
	if st.Header.Aggregate == aggregate {
		f.version = max(f.version, st.Seq)
	}
	f.entries = slices.Insert(f.entries, at, st.Seq)
	f.dir = nil
	return nil
}

func (f *fold) take(seq event.Seq, kind event.Kind, raw []byte) (touched bool, err error) {
	switch kind { //nolint:exhaustive // the others are not about people
	case event.OrganisationSet:
		return folded(raw, f.organisation)
	case event.PersonSet:
		return folded(raw, f.setPerson)
	case event.PersonNamed:
		return folded(raw, func(n event.Named) { f.named(seq, n) })
	case event.CredentialSet:
		return folded(raw, func(c event.Credential) {
			f.credential(&credential{c, seq})
			if c.Password != nil {
				f.stamp(c.Person, seq)
			}
		})
	case event.CredentialRemoved:
		return folded(raw, func(c event.CredentialGone) {
			f.dropCredential(c.ID)
			f.stamp(c.Person, seq)
		})
	case event.TokenMade:
		return folded(raw, f.token)
	case event.TokenRevoked:
		return folded(raw, func(t event.TokenGone) { f.dropToken(t.ID) })
	case event.BreakGlassUsed:
		return true, nil
	case event.Erased:
		var e event.Erasure
		if err := event.Read(raw, &e); err != nil {
			return false, err
		}
		return f.erased(e.Payloads), nil
	}
	return false, nil
}

func folded[T any](raw []byte, apply func(T)) (bool, error) {
	var v T
	if err := event.Read(raw, &v); err != nil {
		return false, err
	}
	apply(v)
	return true, nil
}

func (f *fold) organisation(o event.Organisation) {
	if o.Removed {
		delete(f.orgs, o.ID)
		return
	}
	f.orgs[o.ID] = o.Organisation
	if f.home == "" {
		f.home = o.ID
	}
}

func (f *fold) setPerson(set event.Person) {
	p := f.persons[set.Key]
	if p == nil {
		p = &person{}
		f.persons[set.Key] = p
	}
	p.set = set
	if !set.Removed {
		return
	}
	f.unname(p)
	for _, c := range f.credentialsOf(set.Key) {
		f.dropCredential(c.ID)
	}
	for id, t := range f.tokens {
		if t.Person == set.Key {
			f.dropToken(id)
		}
	}
}

func (f *fold) named(seq event.Seq, n event.Named) {
	p := f.persons[n.Person]
	if p == nil {
		return
	}
	f.unname(p)
	p.name, p.namedAt = n, seq
	if n.Login != "" {
		f.logins[normal(n.Login)] = n.Person
	}
}

func (f *fold) unname(p *person) {
	if p.name.Login != "" {
		delete(f.logins, normal(p.name.Login))
	}
	p.name, p.namedAt = event.Named{}, 0
}

func (f *fold) credential(c *credential) {
	f.dropCredential(c.ID)
	f.creds[c.ID] = c
	if p := proofOf(&c.Credential); p != "" {
		f.byProof[p] = c.ID
	}
}

func (f *fold) stamp(k alliance.Key, seq event.Seq) {
	if p := f.persons[k]; p != nil {
		p.stamp = seq
	}
}

func (f *fold) dropCredential(id string) {
	c := f.creds[id]
	if c == nil {
		return
	}
	delete(f.creds, id)
	if p := proofOf(&c.Credential); p != "" {
		delete(f.byProof, p)
	}
}

// proofOf is what a credential is found by, "" for a password.
func proofOf(c *event.Credential) string {
	switch {
	case c.Passkey != nil:
		return "passkey " + string(c.Passkey.ID)
	case c.OIDC != nil:
		return "oidc " + c.OIDC.Issuer + " " + c.OIDC.Subject // an issuer is a URL: it has no space
	}
	return ""
}

func (f *fold) token(t event.Token) {
	f.tokens[t.ID] = &t
	if h, ok := digest(t.Hash); ok {
		f.byHash[h] = t.ID
	}
}

func (f *fold) dropToken(id string) {
	if t := f.tokens[id]; t != nil {
		delete(f.tokens, id)
		if h, ok := digest(t.Hash); ok {
			delete(f.byHash, h)
		}
	}
}

func digest(b []byte) (h [32]byte, ok bool) { return h, copy(h[:], b) == len(h) && len(b) == len(h) }

// erased forgets names and credentials that came from the payloads.
func (f *fold) erased(seqs []event.Seq) (touched bool) {
	if len(seqs) == 0 {
		return false
	}
	gone := map[event.Seq]bool{}
	for _, seq := range seqs {
		gone[seq] = true
	}
	for _, seq := range f.entries {
		touched = touched || gone[seq]
	}
	if !touched {
		return false
	}
	for _, p := range f.persons {
		if gone[p.namedAt] {
			f.unname(p)
		}
	}
	for id, c := range f.creds {
		if gone[c.at] {
			f.dropCredential(id)
		}
	}
	return true
}

func (f *fold) credentialsOf(k alliance.Key) []*credential {
	var out []*credential
	for _, c := range f.creds {
		if c.Person == k {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b *credential) int { return cmp.Compare(a.at, b.at) })
	return out
}

// password returns the password of a person, nil when there is none.
func (f *fold) password(k alliance.Key) *event.PasswordHash {
	for _, c := range f.credentialsOf(k) {
		if c.Password != nil {
			return c.Password
		}
	}
	return nil
}

// directory returns the directory, made anew after a change.
func (f *fold) directory() *alliance.Directory {
	if f.dir != nil {
		return f.dir
	}
	d := &alliance.Directory{}
	for _, id := range slices.Sorted(maps.Keys(f.orgs)) {
		d.Organisations = append(d.Organisations, f.orgs[id])
		if m := id.Member(); !slices.Contains(d.Members, m) {
			d.Members = append(d.Members, m)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(f.persons)) {
		if p := f.persons[k]; !p.set.Removed {
			d.Persons = append(d.Persons, p.set.Person)
			for _, dep := range p.set.Deputies {
				if by := f.persons[dep.By]; by != nil && !by.set.Removed {
					d.Deputies = append(d.Deputies, dep)
				}
			}
		}
	}
	f.dir = d
	return d
}

func (f *fold) person(p *person) Person {
	out := Person{Person: p.set, Name: p.name.Name, Login: p.name.Login, Email: p.name.Email, Credentials: []Credential{}, Tokens: []Token{}}
	for _, c := range f.credentialsOf(p.set.Key) {
		told := Credential{ID: c.ID, Kind: c.Kind, Made: c.Made, Label: c.Label}
		if c.OIDC != nil {
			told.Issuer = c.OIDC.Issuer
		}
		out.Credentials = append(out.Credentials, told)
	}
	for _, id := range slices.Sorted(maps.Keys(f.tokens)) {
		if t := f.tokens[id]; t.Person == p.set.Key {
			out.Tokens = append(out.Tokens, tellToken(t))
		}
	}
	return out
}

func tellToken(t *event.Token) Token {
	return Token{ID: t.ID, Person: t.Person, Role: t.Role, Scope: Scope(t.Scope), Made: t.Made, Expires: t.Expires}
}

func compare(a, b alliance.Key) int { return cmp.Compare(a, b) }
