package web

import (
	"context"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"casus/internal/core/alliance"
	"casus/internal/event"
	"casus/internal/fault"
	"casus/internal/people"
)

// Door lets people in. Who calls is in the context, see [people.CallerOf].
type Door interface {
	// Empty reports whether there is nobody yet.
	Empty() bool
	// AddPerson adds the first person, an administrator.
	AddPerson(ctx context.Context, p people.NewPerson) (people.Person, error)
	// SignIn opens a session; a wrong login and a wrong password are one error.
	SignIn(ctx context.Context, c people.Credentials) (people.Opened, error)
	// ActAs goes on in another role, in a new session.
	ActAs(ctx context.Context, role alliance.Role) (people.Opened, error)
	// Logout ends the session.
	Logout(ctx context.Context) error
}

// Account is what is one's own.
type Account interface {
	Whoami(ctx context.Context) (people.Me, error)
	Person(ctx context.Context, key string) (people.Person, error)
	SetPassword(ctx context.Context, key, old, password string) error
	Sessions(ctx context.Context) ([]people.Session, error)
	EndSession(ctx context.Context, id string) error
	MakeToken(ctx context.Context, t people.NewToken) (people.Made, error)
	RevokeToken(ctx context.Context, id string) error
	RemoveCredential(ctx context.Context, id string) error
}

// Passkeys are the ceremonies with a browser: what to ask it, as JSON, under the
// name of the ceremony, and what it answered.
type Passkeys interface {
	AskNewPasskey(ctx context.Context) (id string, ask []byte, err error)
	AddPasskey(ctx context.Context, id, label string, answer []byte) error
	AskPasskey(ctx context.Context) (id string, ask []byte, err error)
	SignInByPasskey(ctx context.Context, id, label string, answer []byte) (people.Opened, error)
}

// Elsewhere lets people sign in by an account that they have elsewhere.
type Elsewhere interface {
	// SignInElsewhere returns where the browser goes, and what it keeps meanwhile.
	SignInElsewhere(ctx context.Context) (address, state string, err error)
	// BackFromElsewhere opens a session for who comes back.
	BackFromElsewhere(ctx context.Context, b people.Back, label string) (people.Opened, error)
}

// maxAccountBytes bounds the forms and answers of these pages.
const maxAccountBytes = 128 << 10

// accountRoutes are the addresses for signing in and for one's account.
func (s *server) accountRoutes(m *mux) {
	m.Handle("GET /sign-in", s.page(signInForm))
	m.Handle("POST /sign-in", s.page(signInPost))
	if s.opt.Elsewhere != nil {
		m.Handle("GET /sign-in/oidc", s.page(elsewhere))
		m.Handle("GET /sign-in/oidc/back", s.page(back))
	}
	m.Handle("POST /sign-out", s.page(signOut))
	m.Handle("GET /set-up", s.page(setUpForm))
	m.Handle("POST /set-up", s.page(setUpPost))
	m.Handle("GET /account", s.page(account))
	m.Handle("POST /account/role", s.page(actAs))
	m.Handle("POST /account/password", s.page(setPassword))
	m.Handle("POST /account/token", s.page(makeToken))
	m.Handle("POST /account/token/revoke", s.page(revokeToken))
	m.Handle("POST /account/session/end", s.page(endSession))
	m.Handle("POST /account/credential/remove", s.page(removeCredential))
	m.Handle("POST /account/passkey/ask", s.exchange(askNewPasskey))
	m.Handle("POST /account/passkey", s.exchange(addPasskey))
	m.Handle("POST /sign-in/passkey/ask", s.exchange(askPasskey))
	m.Handle("POST /sign-in/passkey", s.exchange(signInByPasskey))
}

// fields reads a form that has these fields alone, each once at most.
func (c *call) fields(known ...string) (url.Values, error) {
	c.req.Body = http.MaxBytesReader(nil, c.req.Body, maxAccountBytes)
	if err := c.req.ParseForm(); err != nil {
		return nil, fault.Errorf(fault.Invalid, "web: form: %w", err)
	}
	for field, v := range c.req.PostForm {
		if !slices.Contains(known, field) || len(v) > 1 {
			return nil, fault.Errorf(fault.Invalid, "web: form: %q is unknown or stands twice", cut(field, 40))
		}
	}
	return c.req.PostForm, nil
}

// local returns to when it is an address of this node, else other: who sends
// somebody here to sign in may not send him on elsewhere.
func local(to, other string) string {
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" || !strings.HasPrefix(u.Path, "/") ||
		strings.HasPrefix(u.Path, "//") || strings.ContainsAny(to, "\\\r\n\t") || strings.HasPrefix(u.Path, "/sign-in") {
		return other
	}
	return u.RequestURI()
}

// entrance is where somebody in a role begins.
func entrance(r alliance.Role) string {
	if r == alliance.Administrator {
		return "/account"
	}
	return "/reports"
}

// onward is where somebody goes who has just signed in: where he was going, but
// not to the front page of other roles.
func onward(to string, r alliance.Role) string {
	if to = local(to, "/"); to == "/" || to == "/reports" {
		return entrance(r)
	}
	return to
}

// enter makes the browser keep a session.
func (c *call) enter(o people.Opened) {
	people.SetCookie(c.out, c.req, people.SessionCookie, o.Secret)
	people.SetCookie(c.out, c.req, people.DeviceCookie, o.Device)
}

// browserName is what a session is told apart by: what the browser calls itself,
// so far as people know it.
func browserName(r *http.Request) string {
	agent := r.UserAgent()
	for _, known := range []string{"Firefox", "Edg", "Chrome", "Safari"} {
		if strings.Contains(agent, known+"/") {
			return strings.Replace(known, "Edg", "Edge", 1)
		}
	}
	return ""
}

// signInPage asks who somebody is.
type signInPage struct {
	*frame
	Login, To string
	// Wrong says that login or password were; Slow that there were too many
	// attempts, and in how long to try again.
	Wrong bool
	Slow  string
	Offer bool // there may be passkeys
	// Elsewhere says that people may have accounts elsewhere; Unknown that one
	// came back from there whom nobody knows.
	Elsewhere, Unknown bool
}

func (*signInPage) template() string { return "sign-in" }

func (p *signInPage) status() int {
	switch {
	case p.Slow != "":
		return http.StatusTooManyRequests
	case p.Wrong, p.Unknown:
		return http.StatusUnauthorized
	}
	return http.StatusOK
}

func signInForm(c *call) (page, error) {
	if c.opt.Door.Empty() {
		return see{"/set-up"}, nil
	}
	to, err := c.query("to")
	if err != nil {
		return nil, err
	}
	c.f.Title = c.f.T("signin")
	return &signInPage{frame: c.f, To: local(to, ""), Offer: c.opt.Passkeys != nil, Elsewhere: c.opt.Elsewhere != nil}, nil
}

func signInPost(c *call) (page, error) {
	form, err := c.fields("login", "password", "to")
	if err != nil {
		return nil, err
	}
	o, err := c.opt.Door.SignIn(c.ctx(), people.Credentials{Login: formValue(form, "login"), Password: form.Get("password"), Label: browserName(c.req)})
	c.f.Title = c.f.T("signin")
	p := &signInPage{frame: c.f, Login: formValue(form, "login"), To: local(form.Get("to"), ""), Offer: c.opt.Passkeys != nil, Elsewhere: c.opt.Elsewhere != nil}
	switch {
	case errors.Is(err, people.ErrSignIn):
		p.Wrong = true
		return p, nil
	case fault.KindOf(err) == fault.Unavailable:
		p.Slow = fault.HintOf(err)
		return p, nil
	case err != nil:
		return nil, err
	}
	c.enter(o)
	return see{onward(form.Get("to"), o.Session.Role)}, nil
}

// elsewhere sends the browser to where people have an account. It is a link, not
// a form: the policy of the pages lets no form lead out.
func elsewhere(c *call) (page, error) {
	address, state, err := c.opt.Elsewhere.SignInElsewhere(c.ctx())
	if err != nil {
		return nil, err
	}
	people.SetCookie(c.out, c.req, people.FlowCookie, state)
	return see{address}, nil
}

func back(c *call) (page, error) {
	q := c.req.URL.Query()
	b := people.Back{Code: q.Get("code"), State: q.Get("state"), Issuer: q.Get("iss"), Cookie: people.Cookie(c.req, people.FlowCookie)}
	people.SetCookie(c.out, c.req, people.FlowCookie, "")
	o, err := c.opt.Elsewhere.BackFromElsewhere(c.ctx(), b, browserName(c.req))
	if errors.Is(err, people.ErrSignIn) {
		c.f.Title = c.f.T("signin")
		return &signInPage{frame: c.f, Offer: c.opt.Passkeys != nil, Elsewhere: true, Unknown: true}, nil
	}
	if err != nil {
		return nil, err
	}
	c.enter(o)
	return see{entrance(o.Session.Role)}, nil
}

func signOut(c *call) (page, error) {
	if _, err := c.fields(); err != nil {
		return nil, err
	}
	if err := c.opt.Door.Logout(c.ctx()); err != nil {
		return nil, err
	}
	people.SetCookie(c.out, c.req, people.SessionCookie, "")
	return see{"/sign-in"}, nil
}

// setUpPage makes the first person.
type setUpPage struct {
	*frame
	Kinds []string
}

func (*setUpPage) template() string { return "set-up" }

func setUpForm(c *call) (page, error) {
	if !c.opt.Door.Empty() {
		return nil, fault.Errorf(fault.NotFound, "web: there are people already")
	}
	p := &setUpPage{frame: c.f}
	p.Title = p.T("setup")
	for k := alliance.CSIRT; k <= alliance.Partner; k++ {
		p.Kinds = append(p.Kinds, k.String())
	}
	return p, nil
}

func setUpPost(c *call) (page, error) {
	form, err := c.fields("key", "org", "org_name", "org_kind", "name", "login", "email", "password", "again")
	if err != nil {
		return nil, err
	}
	if !c.opt.Door.Empty() {
		return nil, fault.Errorf(fault.NotFound, "web: there are people already")
	}
	if form.Get("password") != form.Get("again") {
		return nil, fault.Errorf(fault.Invalid, "web: form: the two passwords differ")
	}
	p := people.NewPerson{
		Key: alliance.Key(formValue(form, "key")), Org: alliance.Org(formValue(form, "org")), OrgName: formValue(form, "org_name"),
		Name: formValue(form, "name"), Login: formValue(form, "login"), Email: formValue(form, "email"), Password: form.Get("password"),
		Posts: []alliance.Post{{Role: alliance.Administrator}},
	}
	if err := p.OrgKind.UnmarshalText([]byte(formValue(form, "org_kind"))); err != nil {
		return nil, err
	}
	if _, err := c.opt.Door.AddPerson(c.ctx(), p); err != nil {
		return nil, err
	}
	return see{"/sign-in"}, nil
}

// accountPage shows what is one's own.
type accountPage struct {
	*frame
	Me       people.Me
	Person   people.Person
	Sessions []people.Session
	// Passkeys are the credentials that can be taken away one by one.
	Passkeys []people.Credential
	Password bool
	// Secret is that of a token just made.
	Secret string
	Done   string
	Offer  bool // passkeys can be added
}

func (*accountPage) template() string { return "account" }

// Instant draws an instant of the account.
func (p *accountPage) Instant(t time.Time) Stamp { return p.When(t.Format(time.RFC3339)) }

// Role names a role.
func (f *frame) Role(r alliance.Role) string { return f.T("role." + r.String()) }

func account(c *call) (page, error) {
	p, err := c.account()
	if err != nil {
		return nil, err
	}
	if done := c.req.URL.Query().Get("done"); slices.Contains([]string{"password", "passkey", "ended", "revoked", "role"}, done) {
		p.Done = p.T("done." + done)
	}
	return p, nil
}

func (c *call) account() (*accountPage, error) {
	me, err := c.opt.Account.Whoami(c.ctx())
	if err != nil {
		return nil, err
	}
	if me.Person == "" {
		return nil, fault.Errorf(fault.NotFound, "web: nobody is signed in")
	}
	p := &accountPage{frame: c.f, Me: me, Offer: c.opt.Passkeys != nil}
	p.Title = p.T("acct")
	if p.Person, err = c.opt.Account.Person(c.ctx(), string(me.Person)); err != nil {
		return nil, err
	}
	for _, k := range p.Person.Credentials {
		if k.Kind == event.Password {
			p.Password = true
		} else {
			p.Passkeys = append(p.Passkeys, k)
		}
	}
	p.Sessions, err = c.opt.Account.Sessions(c.ctx())
	return p, err
}

func actAs(c *call) (page, error) {
	form, err := c.fields("role")
	if err != nil {
		return nil, err
	}
	var r alliance.Role
	if err := r.UnmarshalText([]byte(form.Get("role"))); err != nil {
		return nil, err
	}
	o, err := c.opt.Door.ActAs(c.ctx(), r)
	if err != nil {
		return nil, err
	}
	c.enter(o)
	return see{"/account?done=role"}, nil
}

func setPassword(c *call) (page, error) {
	form, err := c.fields("old", "password", "again")
	if err != nil {
		return nil, err
	}
	if form.Get("password") != form.Get("again") {
		return nil, fault.Errorf(fault.Invalid, "web: form: the two passwords differ")
	}
	me := people.CallerOf(c.ctx()).Person
	if err := c.opt.Account.SetPassword(c.ctx(), string(me), form.Get("old"), form.Get("password")); err != nil {
		return nil, err
	}
	return see{"/sign-in?to=%2Faccount%3Fdone%3Dpassword"}, nil // all sessions have ended, this one too
}

func makeToken(c *call) (page, error) {
	form, err := c.fields("scope", "days")
	if err != nil {
		return nil, err
	}
	days := map[string]int{"7": 7, "30": 30, "90": 90, "365": 365}[form.Get("days")]
	if days == 0 {
		return nil, fault.Errorf(fault.Invalid, "web: form: days: want 7, 30, 90 or 365")
	}
	made, err := c.opt.Account.MakeToken(c.ctx(), people.NewToken{Scope: people.Scope(form.Get("scope")), Expires: c.f.now.Add(time.Duration(days) * 24 * time.Hour)})
	if err != nil {
		return nil, err
	}
	// The secret is on this answer alone, which is stored nowhere.
	p, err := c.account()
	if err != nil {
		return nil, err
	}
	p.Secret = made.Secret
	return p, nil
}

// named does what a form with one id asks for.
func (c *call) named(do func(ctx context.Context, id string) error, to string) (page, error) {
	form, err := c.fields("id")
	if err != nil {
		return nil, err
	}
	if err := do(c.ctx(), form.Get("id")); err != nil {
		return nil, err
	}
	return see{to}, nil
}

func revokeToken(c *call) (page, error) {
	return c.named(c.opt.Account.RevokeToken, "/account?done=revoked")
}

func endSession(c *call) (page, error) {
	return c.named(c.opt.Account.EndSession, "/account?done=ended")
}

func removeCredential(c *call) (page, error) {
	return c.named(c.opt.Account.RemoveCredential, "/account")
}

// ceremony is one message of a browser in a ceremony with a passkey.
type ceremony struct {
	ID     string         `json:"id,omitempty"`
	Label  string         `json:"label,omitempty"`
	To     string         `json:"to,omitempty"`
	Answer jsontext.Value `json:"answer,omitempty"`
}

// asked is what a browser is to do next.
type asked struct {
	ID  string         `json:"id,omitempty"`
	Ask jsontext.Value `json:"ask,omitempty"`
	// To is where to go on.
	To string `json:"to,omitempty"`
}

// exchange wraps what talks JSON with the script of these pages.
func (s *server) exchange(h func(c *call, in ceremony) (asked, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &call{server: s, out: w, req: r, f: s.newFrame(w, r)}
		var in ceremony
		var out asked
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxAccountBytes))
		if err == nil {
			err = json.Unmarshal(body, &in, json.RejectUnknownMembers(true))
		}
		if err != nil {
			err = fault.Errorf(fault.Invalid, "web: passkey: %w", err)
		} else if s.opt.Passkeys == nil {
			err = fault.Errorf(fault.NotFound, "web: no passkeys here")
		} else {
			out, err = h(c, in)
		}
		status := http.StatusOK
		if err != nil {
			status, _ = s.failed(c, err)
			out = asked{}
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.MarshalWrite(w, out) // the browser is gone; there is nobody to tell
	})
}

func askNewPasskey(c *call, _ ceremony) (asked, error) {
	id, ask, err := c.opt.Passkeys.AskNewPasskey(c.ctx())
	return asked{ID: id, Ask: ask}, err
}

func addPasskey(c *call, in ceremony) (asked, error) {
	return asked{To: "/account?done=passkey"}, c.opt.Passkeys.AddPasskey(c.ctx(), in.ID, in.Label, in.Answer)
}

func askPasskey(c *call, _ ceremony) (asked, error) {
	id, ask, err := c.opt.Passkeys.AskPasskey(c.ctx())
	return asked{ID: id, Ask: ask}, err
}

func signInByPasskey(c *call, in ceremony) (asked, error) {
	o, err := c.opt.Passkeys.SignInByPasskey(c.ctx(), in.ID, browserName(c.req), in.Answer)
	if err != nil {
		return asked{}, err
	}
	c.enter(o)
	return asked{To: onward(in.To, o.Session.Role)}, nil
}
