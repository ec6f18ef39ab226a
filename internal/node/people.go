package node

import (
	"context"
	"encoding/json/v2"
	"os"
	"path/filepath"
	"slices"
	"time"

	"casus/internal/core/alliance"
	"casus/internal/core/marking"
	"casus/internal/core/report"
	"casus/internal/event"
	"casus/internal/fault"
	"casus/internal/people"
	"casus/internal/view"
)

// act is a kind of thing that somebody may do on a node.
type act int

const (
	reads     act = iota // see what was handed in
	hands                // hand in
	erases               // remove for good
	keeps                // check, rebuild and measure the node
	manages              // say who takes part, and what holds for a source
	proposes             // say what rules about reading should hold
	confirms             // put such rules into force
	audits               // see who read what, and who was refused
	self                 // see and change what is one's own
	actsCount            // how many there are
)

// acts says what each role may do. What somebody then sees is decided by the
// reader. An administrator runs the node and reads nothing.
//
// Source: casus decision 0024; casus decision 0033.
func acts(r alliance.Role) []act {
	switch r {
	case alliance.NoRole:
		return nil
	case alliance.Administrator:
		return []act{keeps, manages, proposes, self}
	case alliance.Auditor:
		return []act{reads, keeps, audits, self}
	case alliance.DataProtection:
		return []act{reads, erases, proposes, confirms, self}
	case alliance.LegalAdviser, alliance.DecisionMaker:
		return []act{reads, hands, proposes, confirms, self}
	case alliance.Analyst, alliance.DutyOfficer, alliance.Delegate, alliance.MilitaryLiaison, alliance.AssistanceDesk, alliance.ExerciseControl, alliance.PartnerContact:
		return []act{reads, hands, self}
	}
	return nil
}

// may returns nil when who asks may do a thing. On a node without people the
// local operator may do everything.
func (n *Node) may(ctx context.Context, what act) error {
	if n.people.Empty() {
		return nil
	}
	c := people.CallerOf(ctx)
	switch {
	case c.Person == "":
		return people.NotSignedIn()
	case !slices.Contains(acts(c.Role), what):
		return fault.WithHint(fault.Errorf(fault.Denied, "node: the role %s may not do this", c.Role), "casus whoami shows the roles that you hold")
	case what == audits && !n.oversees(c.Org):
		return fault.Errorf(fault.Denied, "node: the trail is for auditors of an organisation of oversight")
	case !c.Scope.Reads():
		return fault.Errorf(fault.Denied, "node: the token may do nothing here")
	case what != reads && what != audits && what != self && !c.Scope.Writes():
		return fault.WithHint(fault.Errorf(fault.Denied, "node: the token only reads"), "make one with: casus token make --scope all")
	}
	return nil
}

// readerFor returns who reads, for who asks: the local operator on a node without
// people; on one with people, what the rules let the person read in the role he
// acts in, and nothing for who is not signed in or when the rules cannot tell.
func (n *Node) readerFor(ctx context.Context) view.Reader {
	if n.people.Empty() {
		return view.LocalOperator()
	}
	c := people.CallerOf(ctx)
	if c.Person == "" || !c.Scope.Reads() || !slices.Contains(acts(c.Role), reads) {
		return view.Reader{}
	}
	now := n.cfg.Clock().UTC()
	who, err := marking.ReaderOf(n.people.Directory(), n.ladders, c.Person, c.Role, now)
	if err != nil {
		return view.Reader{} // on leave, or in the role no more
	}
	r, err := n.view.As(who, now)
	if err != nil {
		n.alarm(ctx, err.Error())
		return view.Reader{}
	}
	n.alarm(ctx, r.Alarms()...)
	if err := n.view.RulesErr(); err != nil {
		n.alarm(ctx, err.Error()) // nothing is read
	}
	return r
}

// oversees reports whether an organisation watches over the others.
func (n *Node) oversees(org alliance.Org) bool {
	o, ok := n.people.Directory().Organisation(org)
	return ok && o.Kind == alliance.Oversight
}

// home is the organisation that what was taken in before there were people belongs
// to.
func (n *Node) home() alliance.Org {
	if n.people == nil {
		return ""
	}
	return n.people.Home()
}

// ownedBy says in a request whose the report is that who asks hands in, as whom he
// does so, and under which of his organisation's sources.
func (n *Node) ownedBy(ctx context.Context, req report.Request) (report.Request, error) {
	c := people.CallerOf(ctx)
	req.Owner, req.Person, req.Author = c.Org, c.Person, n.author(ctx)
	var err error
	req.Source, err = sourceFor(c.Org, n.home(), req.Source)
	return req, err
}

// author is who asks, as the author of an entry.
func (n *Node) author(ctx context.Context) string {
	if a := people.CallerOf(ctx).Author(); a != "" {
		return a
	}
	return "local"
}

func (n *Node) by(ctx context.Context) people.By {
	return people.By{Author: n.author(ctx), Now: n.cfg.Clock().UTC(), As: people.CallerOf(ctx).Known()}
}

// indexFile is where the index of people is kept: what is lost there is found
// again in the log.
const indexFile = "people.index"

// openPeople folds the people of the log. Who asked to open may be gone by then,
// as with the rest of what it takes to open.
func (n *Node) openPeople(ctx context.Context, secret []byte) error {
	ctx = context.WithoutCancel(ctx)
	var from *people.Index
	if raw, err := os.ReadFile(filepath.Join(n.cfg.Dir, indexFile)); n.cfg.Dir != "" && err == nil {
		var i people.Index
		head, _, err := n.log.Head(ctx)
		if err != nil {
			return err
		}
		if json.Unmarshal(raw, &i) == nil && i.Mark <= head {
			from = &i
		}
	}
	opt := people.Options{Random: n.cfg.Random, Secret: secret, Cost: n.cfg.passwordCost}
	var err error
	if n.people, err = people.Open(ctx, n.log, opt, from); err != nil && from != nil {
		n.people, err = people.Open(ctx, n.log, opt, nil) // the index is of another log
	}
	return err
}

// keepIndex writes the index of people down.
func (n *Node) keepIndex(ctx context.Context) error {
	if n.cfg.Dir == "" {
		return nil
	}
	i, err := n.people.Index(ctx)
	if err != nil {
		return err
	}
	raw, err := json.Marshal(i)
	if err != nil {
		return fault.Errorf(fault.Internal, "node: people: %w", err)
	}
	if err := writeDurably(filepath.Join(n.cfg.Dir, indexFile), raw); err != nil {
		return fault.Errorf(fault.Unavailable, "node: people: %w", err)
	}
	return nil
}

// loginLife is how long a token of casus login lasts: a long shift.
const loginLife = people.SessionLife

// Login gives who has login and password a token for a shift.
func (n *Node) Login(ctx context.Context, c people.Credentials) (people.Made, error) {
	if n.people.Empty() {
		return people.Made{}, fault.WithHint(fault.Errorf(fault.Conflict, "node: there is nobody to sign in as"), "add the first person with: casus user add")
	}
	n.tries(ctx, c.Login)
	now := n.cfg.Clock().UTC()
	who, err := n.people.CheckPassword(ctx, now, c.Login, []byte(c.Password), people.CallerOf(ctx).From)
	n.tooOften(ctx, err)
	if err != nil {
		return people.Made{}, err
	}
	by := people.By{Author: people.Identity{Person: who.Person, Role: c.Role}.Author(), Now: now, As: who}
	secret, t, err := n.people.MakeToken(ctx, by, who.Person, c.Role, people.ScopeAll, now.Add(loginLife))
	return people.Made{Secret: secret, Token: t}, err
}

// Logout ends the session or token that who asks bears.
func (n *Node) Logout(ctx context.Context) error {
	if err := n.may(ctx, self); err != nil {
		return err
	}
	c := people.CallerOf(ctx)
	if c.Token != "" {
		return n.people.RevokeToken(ctx, n.by(ctx), c.Person, c.Token)
	}
	n.people.SignOut(c.Secret)
	return nil
}

// Whoami tells who asks. On a node without people that is nobody.
func (n *Node) Whoami(ctx context.Context) (people.Me, error) {
	if n.people.Empty() {
		return people.Me{Name: "local operator", Roles: []alliance.Role{}}, nil
	}
	if err := n.may(ctx, self); err != nil {
		return people.Me{}, err
	}
	c := people.CallerOf(ctx)
	p, err := n.people.Person(string(c.Person))
	return people.Me{Identity: c.Identity, Name: p.Name, Login: p.Login, Roles: n.people.Roles(n.cfg.Clock().UTC(), c.Person)}, err
}

// Persons lists who takes part.
func (n *Node) Persons(ctx context.Context) ([]people.Person, error) {
	if err := n.may(ctx, manages); err != nil {
		return nil, err
	}
	return n.people.Persons(), nil
}

// own returns nil when who asks is the person, or manages people.
func (n *Node) own(ctx context.Context, key string) error {
	c := people.CallerOf(ctx)
	if p, err := n.people.Person(key); err == nil && c.Person != "" && p.Key == c.Person {
		return n.may(ctx, self)
	}
	return n.may(ctx, manages)
}

// Person returns one person, by key or login: oneself, or anybody for who
// manages people.
func (n *Node) Person(ctx context.Context, key string) (people.Person, error) {
	if err := n.own(ctx, key); err != nil {
		return people.Person{}, err
	}
	return n.people.Person(key)
}

// AddPerson adds a person. The first has to be an administrator with a password:
// from then on everybody has to sign in.
func (n *Node) AddPerson(ctx context.Context, p people.NewPerson) (people.Person, error) {
	first := n.people.Empty() // before the gate, which lets everybody through then
	if err := n.may(ctx, manages); err != nil {
		return people.Person{}, err
	}
	if first && (p.Login == "" || p.Password == "" || !slices.ContainsFunc(p.Posts, func(x alliance.Post) bool { return x == alliance.Post{Role: alliance.Administrator} })) {
		return people.Person{}, fault.WithHint(fault.Errorf(fault.Invalid, "node: the first person has to be an administrator with login and password"), "from then on everybody has to sign in, and only an administrator can add others")
	}
	if p.OrgKind == alliance.Unknown && !slices.ContainsFunc(n.people.Organisations(), func(o alliance.Organisation) bool { return o.ID == p.Org }) {
		return people.Person{}, fault.WithHint(fault.Errorf(fault.Invalid, "node: organisation %.60q is new and has no kind", p.Org),
			"say what it is, as with --org-kind csirt; a new organisation is a csirt, ministry, armed-forces, regulator, oversight, agency, alliance or partner")
	}
	// TLP:GREEN speaks of a community; a private partner joins it only when it is
	// set to.
	org := alliance.Organisation{ID: p.Org, Name: p.OrgName, Kind: p.OrgKind, Community: p.OrgKind != alliance.Partner}
	if org.Name == "" {
		org.Name = string(org.ID)
	}
	set := event.Person{Key: p.Key, Org: p.Org, Posts: p.Posts, BreakGlass: p.BreakGlass}
	var password []byte
	if p.Password != "" {
		password = []byte(p.Password)
	}
	add := n.people.Add
	if first {
		add = n.people.AddFirst
	}
	if err := add(ctx, n.by(ctx), org, set, event.Named{Name: p.Name, Login: p.Login, Email: p.Email}, password); err != nil {
		return people.Person{}, err
	}
	return n.people.Person(string(p.Key))
}

// EditPerson changes a person.
func (n *Node) EditPerson(ctx context.Context, key string, c people.Change) (people.Person, error) {
	if err := n.may(ctx, manages); err != nil {
		return people.Person{}, err
	}
	p, err := n.people.Person(key)
	if err != nil {
		return people.Person{}, err
	}
	if err := n.people.Edit(ctx, n.by(ctx), p.Key, func(set *event.Person, named *event.Named) {
		replace(&set.Org, c.Org)
		replace(&set.Posts, c.Posts)
		replace(&set.Leave, c.Leave)
		replace(&set.Deputies, c.Deputies)
		replace(&set.BreakGlass, c.BreakGlass)
		replace(&set.Clearances, c.Clearances)
		replace(&set.Access, c.Access)
		replace(&named.Name, c.Name)
		replace(&named.Login, c.Login)
		replace(&named.Email, c.Email)
	}); err != nil {
		return people.Person{}, err
	}
	return n.people.Person(string(p.Key))
}

func replace[T any](at, with *T) {
	if with != nil {
		*at = *with
	}
}

// RemovePerson ends somebody's taking part and erases name and credentials.
func (n *Node) RemovePerson(ctx context.Context, key, reason string) error {
	if err := n.may(ctx, manages); err != nil {
		return err
	}
	p, err := n.people.Person(key)
	if err != nil {
		return err
	}
	return n.people.Remove(ctx, n.by(ctx), p.Key, reason)
}

// SetPassword sets a person's password: one's own, for who knows the old one, or
// another's, for who manages people. All sessions of the person end.
func (n *Node) SetPassword(ctx context.Context, key, old, password string) error {
	if err := n.own(ctx, key); err != nil {
		return err
	}
	p, err := n.people.Person(key)
	if err != nil {
		return err
	}
	c, by := people.CallerOf(ctx), n.by(ctx)
	if p.Key == c.Person {
		if !c.Scope.Writes() {
			return fault.Errorf(fault.Denied, "node: the token only reads")
		}
		if by.As, err = n.people.CheckPassword(ctx, by.Now, p.Login, []byte(old), c.From); err != nil {
			n.tooOften(ctx, err)
			if fault.KindOf(err) == fault.Denied {
				return fault.Errorf(fault.Denied, "node: the old password is wrong")
			}
			return err
		}
	}
	return n.people.SetPassword(ctx, by, p.Key, []byte(password))
}

// Tokens lists one's own tokens.
func (n *Node) Tokens(ctx context.Context) ([]people.Token, error) {
	if err := n.may(ctx, self); err != nil {
		return nil, err
	}
	p, err := n.people.Person(string(people.CallerOf(ctx).Person))
	if n.people.Empty() {
		return []people.Token{}, nil
	}
	return p.Tokens, err
}

// MakeToken makes a token that acts for who asks. A token that only reads makes
// none.
func (n *Node) MakeToken(ctx context.Context, t people.NewToken) (people.Made, error) {
	if err := n.may(ctx, self); err != nil {
		return people.Made{}, err
	}
	c := people.CallerOf(ctx)
	switch {
	case c.Person == "":
		return people.Made{}, fault.WithHint(fault.Errorf(fault.Conflict, "node: there is nobody for a token to act for"), "add the first person with: casus user add")
	case !c.Scope.Writes():
		return people.Made{}, fault.Errorf(fault.Denied, "node: the token only reads")
	case c.Token != "" && t.Role != alliance.NoRole && t.Role != c.Role:
		return people.Made{}, fault.WithHint(fault.Errorf(fault.Denied, "node: a token makes tokens in its own role alone"), "sign in with: casus login --role %s", t.Role)
	}
	by := n.by(ctx)
	if t.Role == alliance.NoRole {
		t.Role = c.Role
	}
	if t.Scope == "" {
		t.Scope = people.ScopeRead
	}
	if t.Expires.IsZero() {
		t.Expires = by.Now.Add(people.TokenLife)
	}
	secret, made, err := n.people.MakeToken(ctx, by, c.Person, t.Role, t.Scope, t.Expires.UTC().Truncate(time.Second))
	return people.Made{Secret: secret, Token: made}, err
}

// RevokeToken ends a token: one's own, or anybody's for who manages people.
func (n *Node) RevokeToken(ctx context.Context, id string) error {
	if err := n.may(ctx, self); err != nil {
		return err
	}
	c := people.CallerOf(ctx)
	if !c.Scope.Writes() && id != c.Token {
		return fault.Errorf(fault.Denied, "node: the token only reads")
	}
	k := c.Person
	if n.may(ctx, manages) == nil {
		k = ""
	}
	return n.people.RevokeToken(ctx, n.by(ctx), k, id)
}

// Organisations lists the organisations that people act for.
func (n *Node) Organisations(ctx context.Context) ([]alliance.Organisation, error) {
	if err := n.may(ctx, self); err != nil {
		return nil, err
	}
	return n.people.Organisations(), nil
}

// SetOrganisation makes or changes an organisation.
func (n *Node) SetOrganisation(ctx context.Context, o alliance.Organisation) error {
	if err := n.may(ctx, manages); err != nil {
		return err
	}
	return n.people.SetOrganisation(ctx, n.by(ctx), event.Organisation{Organisation: o})
}

// Empty reports whether the node has no people yet.
func (n *Node) Empty() bool { return n.people.Empty() }

// SignIn opens a session for who has login and password.
func (n *Node) SignIn(ctx context.Context, c people.Credentials) (people.Opened, error) {
	n.tries(ctx, c.Login)
	who, err := n.people.CheckPassword(ctx, n.cfg.Clock().UTC(), c.Login, []byte(c.Password), people.CallerOf(ctx).From)
	n.tooOften(ctx, err)
	if err != nil {
		return people.Opened{}, err
	}
	return n.open(ctx, who, c.Role, c.Label)
}

// open opens a session for somebody who has just proved who he is, in place of
// the one that the browser has.
func (n *Node) open(ctx context.Context, who people.Known, role alliance.Role, label string) (out people.Opened, err error) {
	old := ""
	if c := people.CallerOf(ctx); c.Token == "" {
		old = c.Secret
	}
	if out.Secret, out.Session, err = n.people.Start(ctx, n.cfg.Clock().UTC(), who, role, old, label); err != nil {
		return people.Opened{}, err
	}
	out.Device, err = n.people.Device(who.Person)
	return out, err
}

// ActAs goes on in another role, in a new session.
func (n *Node) ActAs(ctx context.Context, role alliance.Role) (people.Opened, error) {
	if err := n.may(ctx, self); err != nil {
		return people.Opened{}, err
	}
	c := people.CallerOf(ctx)
	if c.Session == "" {
		return people.Opened{}, fault.Errorf(fault.Conflict, "node: no session to act in")
	}
	label := ""
	for _, s := range n.people.Sessions(n.cfg.Clock().UTC(), c.Person) {
		if s.ID == c.Session {
			label = s.Label
		}
	}
	return n.open(ctx, c.Known(), role, label)
}

// Sessions lists one's own open sessions.
func (n *Node) Sessions(ctx context.Context) ([]people.Session, error) {
	if err := n.may(ctx, self); err != nil {
		return nil, err
	}
	return n.people.Sessions(n.cfg.Clock().UTC(), people.CallerOf(ctx).Person), nil
}

// EndSession ends one of one's own sessions.
func (n *Node) EndSession(ctx context.Context, id string) error {
	if err := n.may(ctx, self); err != nil {
		return err
	}
	if id == "" {
		return fault.Errorf(fault.Invalid, "node: session: none named")
	}
	if !people.CallerOf(ctx).Scope.Writes() {
		return fault.Errorf(fault.Denied, "node: the token only reads")
	}
	n.people.EndSession(people.CallerOf(ctx).Person, id)
	return nil
}

// RemoveCredential ends one of one's own ways to sign in, other than the last,
// and all of one's sessions.
func (n *Node) RemoveCredential(ctx context.Context, id string) error {
	if err := n.inSession(ctx); err != nil {
		return err
	}
	c := people.CallerOf(ctx)
	p, err := n.people.Person(string(c.Person))
	if err != nil {
		return err
	}
	if len(p.Credentials) < 2 {
		return fault.WithHint(fault.Errorf(fault.Conflict, "node: it is the only way you sign in"), "add another first")
	}
	return n.people.RemoveCredential(ctx, n.by(ctx), c.Person, id)
}

// inSession returns nil when who asks has a session: how somebody signs in is
// changed by a person, and by no program.
func (n *Node) inSession(ctx context.Context) error {
	if err := n.may(ctx, self); err != nil {
		return err
	}
	if people.CallerOf(ctx).Session == "" {
		return fault.Errorf(fault.Denied, "node: only in a browser's session")
	}
	return nil
}

// noPasskeys says why there are none here.
func noPasskeys() error {
	return fault.WithHint(fault.Errorf(fault.Conflict, "node: passkeys belong to a name, and this node is reached by an address"), "open it by its name, on this machine as http://localhost:PORT")
}

// AskNewPasskey asks the browser of who is signed in to make a passkey.
func (n *Node) AskNewPasskey(ctx context.Context) (id string, ask []byte, err error) {
	if err := n.inSession(ctx); err != nil {
		return "", nil, err
	}
	if n.passkeys == nil {
		return "", nil, noPasskeys()
	}
	return n.passkeys.BeginAdding(n.cfg.Clock().UTC(), people.CallerOf(ctx).Person)
}

// AddPasskey takes what the browser answered.
func (n *Node) AddPasskey(ctx context.Context, id, label string, answer []byte) error {
	if err := n.inSession(ctx); err != nil {
		return err
	}
	if n.passkeys == nil {
		return noPasskeys()
	}
	return n.passkeys.Add(ctx, n.by(ctx), people.CallerOf(ctx).Person, id, label, answer)
}

// AskPasskey asks a browser for any passkey of this node.
func (n *Node) AskPasskey(ctx context.Context) (id string, ask []byte, err error) {
	if n.passkeys == nil {
		return "", nil, noPasskeys()
	}
	return n.passkeys.BeginSignIn(n.cfg.Clock().UTC())
}

// SignInByPasskey opens a session for whose passkey answered.
func (n *Node) SignInByPasskey(ctx context.Context, id, label string, answer []byte) (people.Opened, error) {
	if n.passkeys == nil {
		return people.Opened{}, noPasskeys()
	}
	who, err := n.passkeys.SignIn(n.cfg.Clock().UTC(), id, answer)
	if err != nil {
		return people.Opened{}, err
	}
	return n.open(ctx, who, alliance.NoRole, label)
}

// SignInElsewhere begins a sign-in at the OIDC issuer.
func (n *Node) SignInElsewhere(ctx context.Context) (address, state string, err error) {
	return n.oidc.Begin(ctx, n.people, n.cfg.Clock().UTC())
}

// BackFromElsewhere ends it.
func (n *Node) BackFromElsewhere(ctx context.Context, b people.Back, label string) (people.Opened, error) {
	sub, err := n.oidc.Finish(ctx, n.cfg.Clock().UTC(), b)
	if err != nil {
		return people.Opened{}, err
	}
	who, err := n.people.BySubject(sub)
	if err != nil {
		return people.Opened{}, err
	}
	return n.open(ctx, who, alliance.NoRole, label)
}

// LinkOIDC lets a subject of an issuer sign in as a person.
func (n *Node) LinkOIDC(ctx context.Context, key string, sub event.Subject) error {
	if err := n.may(ctx, manages); err != nil {
		return err
	}
	p, err := n.people.Person(key)
	if err != nil {
		return err
	}
	return n.people.LinkOIDC(ctx, n.by(ctx), p.Key, sub)
}

// DropCredential ends one of the ways somebody signs in.
func (n *Node) DropCredential(ctx context.Context, key, id string) error {
	if err := n.may(ctx, manages); err != nil {
		return err
	}
	p, err := n.people.Person(key)
	if err != nil {
		return err
	}
	return n.people.RemoveCredential(ctx, n.by(ctx), p.Key, id)
}
