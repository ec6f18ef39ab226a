package event

import (
	"time"

	"casus/internal/core/alliance"
)

// Organisation is the payload of [OrganisationSet]: all that holds of an
// organisation from now on.
type Organisation struct {
	alliance.Organisation
	// Removed says that the organisation is there no more. Nobody may act for it.
	Removed bool `json:"removed,omitzero"`
}

// Person is the payload of [PersonSet]: all that holds of a person from now on,
// without a name. It is permanent.
type Person struct {
	alliance.Person
	// Deputies stand in for the person; their For is the person's key.
	Deputies []alliance.Deputy `json:"deputies,omitempty"`
	// BreakGlass says that the account is for when nothing else works: each use
	// is written down.
	BreakGlass bool `json:"break_glass,omitzero"`
	// Removed says that the person takes part no more. The key is never given to
	// another.
	Removed bool `json:"removed,omitzero"`
}

// Named is the payload of [PersonNamed]: what a person is called. It is the
// only place where a name stands, and is erased when it is replaced.
type Named struct {
	Person alliance.Key `json:"person"`
	Name   string       `json:"name"`
	// Login is what the person types to sign in, empty for who only uses OIDC or
	// passkeys.
	Login string `json:"login,omitempty"`
	Email string `json:"email,omitempty"`
}

// CredentialKind is a way to prove who one is. The zero value is none.
type CredentialKind string

// The kinds of credentials.
const (
	Password CredentialKind = "password"
	Passkey  CredentialKind = "passkey"
	OIDC     CredentialKind = "oidc"
)

// Credential is the payload of [CredentialSet]; exactly the part of its kind is
// there. It is erased when it is replaced or removed.
type Credential struct {
	// ID is unique in the log. Setting the same again replaces it.
	ID     string         `json:"id"`
	Person alliance.Key   `json:"person"`
	Kind   CredentialKind `json:"kind"`
	Made   time.Time      `json:"made"`
	// Label is what the person calls it.
	Label    string        `json:"label,omitempty"`
	Password *PasswordHash `json:"password,omitempty"`
	Passkey  *PublicKey    `json:"passkey,omitempty"`
	OIDC     *Subject      `json:"oidc,omitempty"`
}

// PasswordHash is an Argon2id hash with the parameters that it was made with.
type PasswordHash struct {
	Salt      []byte `json:"salt"`
	Hash      []byte `json:"hash"`
	Passes    uint32 `json:"passes"`
	MemoryKiB uint32 `json:"memory_kib"`
	Lanes     uint8  `json:"lanes"`
}

// PublicKey is the public half of a passkey.
type PublicKey struct {
	ID []byte `json:"id"`
	// Key is a COSE key, in CBOR.
	Key       []byte `json:"key"`
	AAGUID    []byte `json:"aaguid,omitempty"`
	SignCount uint32 `json:"sign_count,omitzero"`
	// Flags is the byte of flags that the authenticator sent when it was made.
	Flags      uint8    `json:"flags"`
	Transports []string `json:"transports,omitempty"`
}

// Subject is who somebody is at an OIDC issuer. Nothing else that the issuer
// says, such as a mail address, is looked at.
type Subject struct {
	Issuer  string `json:"issuer"`
	Subject string `json:"subject"`
}

// CredentialGone is the payload of [CredentialRemoved].
type CredentialGone struct {
	ID     string       `json:"id"`
	Person alliance.Key `json:"person"`
}

// Token is the payload of [TokenMade]. The secret itself stands nowhere.
type Token struct {
	ID     string        `json:"id"`
	Person alliance.Key  `json:"person"`
	Role   alliance.Role `json:"role"`
	// Scope says what may be done with it.
	Scope string    `json:"scope"`
	Made  time.Time `json:"made"`
	// Expires is when it ends; it is never zero.
	Expires time.Time `json:"expires"`
	// Hash is the SHA-256 of the secret, 32 bytes.
	Hash []byte `json:"hash"`
}

// TokenGone is the payload of [TokenRevoked].
type TokenGone struct {
	ID     string       `json:"id"`
	Person alliance.Key `json:"person"`
}

// BreakGlass is the payload of [BreakGlassUsed].
type BreakGlass struct {
	Person alliance.Key  `json:"person"`
	Role   alliance.Role `json:"role"`
	At     time.Time     `json:"at"`
}
