package api

import (
	"context"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"casus/internal/core/alliance"
	"casus/internal/event"
	"casus/internal/people"
)

type keyInput struct {
	Key string `path:"key" maxLength:"64" doc:"key or login"`
}

func (i *keyInput) asked() string { return i.Key }

type removeInput struct {
	Keyed
	Reason string `query:"reason" maxLength:"1000" doc:"kept on the record"`
}

// Keyed is keyInput by an exported name: huma reads parameters of exported
// fields.
type Keyed = keyInput

type changeInput struct {
	Keyed
	Body people.Change
}

type passwordInput struct {
	Keyed
	Body struct {
		Old      string `json:"old,omitempty" doc:"the password until now, needed for one's own"`
		Password string `json:"password"`
	}
}

type linkInput struct {
	Keyed
	Body event.Subject
}

type dropInput struct {
	Keyed
	ID string `path:"id" maxLength:"64"`
}

type done struct {
	Done bool `json:"done"`
}

// roleWords and kindWords say in the document which words there are.
type (
	roleWords string
	kindWords string
)

// Schema implements huma.SchemaProvider.
func (roleWords) Schema(huma.Registry) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeString, Description: "what somebody acts as"}
	for _, r := range alliance.Roles() {
		s.Enum = append(s.Enum, r.String())
	}
	s.Enum = append(s.Enum, alliance.NoRole.String())
	return s
}

// Schema implements huma.SchemaProvider.
func (kindWords) Schema(huma.Registry) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeString, Description: "what kind of body an organisation is"}
	for k := alliance.CSIRT; k <= alliance.Partner; k++ {
		s.Enum = append(s.Enum, k.String())
	}
	s.Enum = append(s.Enum, alliance.Unknown.String())
	return s
}

// people declares the operations about people and their tokens.
func (s *server) people() {
	words := s.api.OpenAPI().Components.Schemas
	words.RegisterTypeAlias(reflect.TypeFor[alliance.Role](), reflect.TypeFor[roleWords]())
	words.RegisterTypeAlias(reflect.TypeFor[alliance.Kind](), reflect.TypeFor[kindWords]())
	answer(s, op("POST", "/login", "login", "A token for who has login and password; it lasts a shift"), func(ctx context.Context, in *struct{ Body people.Credentials }) (people.Made, error) {
		return s.Tokens.Login(ctx, in.Body)
	})
	answer(s, op("DELETE", "/login", "logout", "End the token or session of this call"), func(ctx context.Context, _ *empty) (done, error) {
		return done{true}, s.Tokens.Logout(ctx)
	})
	answer(s, op("GET", "/whoami", "whoami", "Who calls, in which role"), func(ctx context.Context, _ *empty) (people.Me, error) {
		return s.Tokens.Whoami(ctx)
	})
	answer(s, op("GET", "/users", "list-users", "Who takes part"), func(ctx context.Context, _ *empty) ([]people.Person, error) {
		return s.People.Persons(ctx)
	})
	answer(s, op("POST", "/users", "add-user", "Add a person; the first is an administrator"), func(ctx context.Context, in *struct{ Body people.NewPerson }) (people.Person, error) {
		return s.People.AddPerson(ctx, in.Body)
	})
	answer(s, op("GET", "/users/{key}", "get-user", "One person"), func(ctx context.Context, in *keyInput) (people.Person, error) {
		return s.People.Person(ctx, in.Key)
	})
	answer(s, op("PATCH", "/users/{key}", "edit-user", "Change what is given of a person"), func(ctx context.Context, in *changeInput) (people.Person, error) {
		return s.People.EditPerson(ctx, in.Key, in.Body)
	})
	answer(s, op("DELETE", "/users/{key}", "remove-user", "End somebody's taking part; name and credentials are erased"), func(ctx context.Context, in *removeInput) (done, error) {
		return done{true}, s.People.RemovePerson(ctx, in.Key, in.Reason)
	})
	answer(s, op("PUT", "/users/{key}/password", "set-password", "Set a password; all sessions of the person end"), func(ctx context.Context, in *passwordInput) (done, error) {
		return done{true}, s.People.SetPassword(ctx, in.Key, in.Body.Old, in.Body.Password)
	})
	answer(s, op("POST", "/users/{key}/credentials", "link-user", "Let a subject of an OIDC issuer sign in as the person"), func(ctx context.Context, in *linkInput) (done, error) {
		return done{true}, s.Credentials.LinkOIDC(ctx, in.Key, in.Body)
	})
	answer(s, op("DELETE", "/users/{key}/credentials/{id}", "unlink-user", "End one of the ways somebody signs in"), func(ctx context.Context, in *dropInput) (done, error) {
		return done{true}, s.Credentials.DropCredential(ctx, in.Key, in.ID)
	})
	answer(s, op("GET", "/tokens", "list-tokens", "One's own tokens"), func(ctx context.Context, _ *empty) ([]people.Token, error) {
		return s.Tokens.Tokens(ctx)
	})
	answer(s, op("POST", "/tokens", "make-token", "Make a token; its secret is told once"), func(ctx context.Context, in *struct{ Body people.NewToken }) (people.Made, error) {
		return s.Tokens.MakeToken(ctx, in.Body)
	})
	answer(s, op("DELETE", "/tokens/{id}", "revoke-token", "End a token"), func(ctx context.Context, in *idInput) (done, error) {
		return done{true}, s.Tokens.RevokeToken(ctx, in.ID)
	})
	answer(s, op("GET", "/organisations", "list-organisations", "Whom people act for"), func(ctx context.Context, _ *empty) ([]alliance.Organisation, error) {
		return s.People.Organisations(ctx)
	})
	answer(s, op("PUT", "/organisations", "set-organisation", "Make or change an organisation"), func(ctx context.Context, in *struct{ Body alliance.Organisation }) (alliance.Organisation, error) {
		return in.Body, s.People.SetOrganisation(ctx, in.Body)
	})
}
