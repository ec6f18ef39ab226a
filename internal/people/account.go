package people

import (
	"context"
	"time"

	"casus/internal/core/alliance"
)

// Caller is who asks: an identity, or nobody yet, and where from.
type Caller struct {
	Identity
	From From
	// Secret is that of the session or token, for signing out.
	Secret string
}

type callerKey struct{}

// With returns a context in which c asks.
func With(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// CallerOf returns who asks, nobody when nothing was said.
func CallerOf(ctx context.Context) Caller {
	c, _ := ctx.Value(callerKey{}).(Caller)
	return c
}

// Credentials are a login and a password, and the role to act in; no role means
// the first that the person may act in.
type Credentials struct {
	Login    string        `json:"login"`
	Password string        `json:"password"`
	Role     alliance.Role `json:"role,omitzero"`
	// Label is what the session or token is for, such as the name of a program.
	Label string `json:"label,omitempty"`
}

// Me is who somebody is that is signed in.
type Me struct {
	Identity
	Name  string          `json:"name"`
	Login string          `json:"login,omitempty"`
	Roles []alliance.Role `json:"roles"`
}

// NewPerson is a person to add.
type NewPerson struct {
	Key alliance.Key `json:"key"`
	Org alliance.Org `json:"org"`
	// OrgName and OrgKind are looked at when the organisation is new.
	OrgName    string          `json:"org_name,omitempty"`
	OrgKind    alliance.Kind   `json:"org_kind,omitzero"`
	Name       string          `json:"name"`
	Login      string          `json:"login,omitempty"`
	Email      string          `json:"email,omitempty"`
	Posts      []alliance.Post `json:"posts,omitempty"`
	BreakGlass bool            `json:"break_glass,omitzero"`
	Password   string          `json:"password,omitempty"`
}

// Change is what is to change of a person; nil leaves a thing as it is.
type Change struct {
	Name       *string            `json:"name,omitempty"`
	Login      *string            `json:"login,omitempty"`
	Email      *string            `json:"email,omitempty"`
	Org        *alliance.Org      `json:"org,omitempty"`
	Posts      *[]alliance.Post   `json:"posts,omitempty"`
	Leave      *[]alliance.Span   `json:"leave,omitempty"`
	Deputies   *[]alliance.Deputy `json:"deputies,omitempty"`
	BreakGlass *bool              `json:"break_glass,omitempty"`
	// Clearances and Access are up to which classifications, and behind which
	// caveats, the person reads.
	Clearances *[]alliance.Clearance `json:"clearances,omitempty"`
	Access     *[]alliance.Access    `json:"access,omitempty"`
}

// NewToken is a token to make for oneself.
type NewToken struct {
	Role    alliance.Role `json:"role,omitzero"`
	Scope   Scope         `json:"scope,omitempty"`
	Expires time.Time     `json:"expires,omitzero"`
}

// Made is a token with its secret, which is told this once.
type Made struct {
	Secret string `json:"secret"`
	Token  Token  `json:"token"`
}

// Opened is a session that was just opened, for a browser: its secret, and the
// mark of the device. Both are told this once.
type Opened struct {
	Secret, Device string
	Session        Session
}
