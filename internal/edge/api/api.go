// Package api is the JSON API under /api/v1. Every operation is declared with
// huma, so the OpenAPI 3.1 document at /api/v1/openapi.json is true by
// construction; JSON is read by encoding/json/v2, which refuses duplicate
// names and bad UTF-8 and does not take a name in another case for the one it
// knows. Bodies that carry reports are raw and streamed.
//
// The package reads and writes through interfaces; what a caller may see was
// decided below them. Long work answers with server-sent events (progress,
// then result or error) to who accepts text/event-stream, and with the result
// alone to others.
package api

import (
	"context"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"io"
	"log/slog"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"casus/internal/audit"
	"casus/internal/core/alliance"
	"casus/internal/core/marking"
	"casus/internal/core/report"
	"casus/internal/event"
	"casus/internal/people"
	"casus/stix"
)

// Reads are the questions, asked for one reader. What that reader may not see
// is NotFound like what is not there. A cursor is "" for the first page, comes
// back as "" with the last, and is Invalid with another question.
type Reads interface {
	Reports(ctx context.Context, q, source, cursor string, limit int) ([]report.Row, string, error)
	Report(ctx context.Context, id string) (report.Detail, error)
	// Items lists the objects of a report in the order they came in.
	Items(ctx context.Context, id, cursor string, limit int) ([]report.ObjectRow, string, error)
	// Match tells who else saw what a stored report mentions.
	Match(ctx context.Context, id string) (report.Matches, error)
	// MatchBody does so for a body, which it does not store.
	MatchBody(ctx context.Context, req report.Request, body io.Reader) (report.Matches, error)
	Search(ctx context.Context, q, cursor string, limit int) (report.Found, error)
	Object(ctx context.Context, id string, history bool) (report.Object, error)
	// Objects yields the objects of a report with their labels, or all that are
	// readable where report is ""; an error of yield ends it and is returned.
	Objects(ctx context.Context, report string, yield func(o *stix.Object, label string) error) error
}

// Releases are questions about who may read, for who may ask: of what is one's own.
type Releases interface {
	// Why tells how reader stands to an object and by which rules: "me", an
	// organisation, a member or a person's key. The object is NotFound as in
	// [Reads]; about others asks only who gave it.
	Why(ctx context.Context, id, reader string) (report.Why, error)
	// Preview tells what each reader would get of a report if it were released so.
	// It changes nothing.
	Preview(ctx context.Context, id string, ask report.Release) (report.Preview, error)
}

// Arrivals are questions about how reports come in, asked for one reader like
// [Reads].
type Arrivals interface {
	// Sources lists who hands reports in.
	Sources(ctx context.Context) ([]report.Source, error)
	// Quarantine lists what was set aside, of one report or of all where report
	// is "".
	Quarantine(ctx context.Context, report string) ([]report.Quarantined, error)
	QuarantineItem(ctx context.Context, id string) (report.Quarantined, error)
}

// Writes hand things in. What returned without an error is on disk and in every
// answer.
type Writes interface {
	Import(ctx context.Context, req report.Request, body io.Reader, progress func(report.Progress)) (report.Result, error)
	ImportPaths(ctx context.Context, req report.Request, paths []string, progress func(report.Progress)) (report.Result, error)
	SetSource(ctx context.Context, src report.Source) error
	Retry(ctx context.Context, id string) (report.Result, error)
}

// Keeper looks after the node.
type Keeper interface {
	Verify(ctx context.Context) (report.Check, error)
	Rebuild(ctx context.Context) error
	// Erase removes a report or an object for good and tells what
	// went; a blank reason is Invalid. Once recorded it is carried out whatever
	// becomes of ctx.
	Erase(ctx context.Context, id, reason string) (report.Erased, error)
	Warninglists(ctx context.Context) ([]report.Warninglist, error)
	ImportWarninglist(ctx context.Context, body io.Reader) (report.Warninglist, error)
	Sizes(ctx context.Context) (map[string]int64, error)
	// Ceiling is up to which classification things are taken in.
	Ceiling(ctx context.Context) (report.Ceiling, error)
	SetCeiling(ctx context.Context, c report.Ceiling) error
}

// Collections are what programs that speak TAXII ask for.
type Collections interface {
	// Collections lists those that are there for who asks, or all to who manages them.
	Collections(ctx context.Context) ([]report.Collection, error)
	// SetCollection makes one; an id or alias that is taken is a Conflict.
	SetCollection(ctx context.Context, c report.Collection) (report.Collection, error)
	// RemoveCollection ends one, by id or alias. What was in it stays.
	RemoveCollection(ctx context.Context, id string) error
}

// People says who takes part. What who calls may not do is Denied.
type People interface {
	Persons(ctx context.Context) ([]people.Person, error)
	// Person and those that take a key take a login, too.
	Person(ctx context.Context, key string) (people.Person, error)
	AddPerson(ctx context.Context, p people.NewPerson) (people.Person, error)
	EditPerson(ctx context.Context, key string, c people.Change) (people.Person, error)
	RemovePerson(ctx context.Context, key, reason string) error
	// SetPassword sets a password; old is needed for one's own.
	SetPassword(ctx context.Context, key, old, password string) error
	Organisations(ctx context.Context) ([]alliance.Organisation, error)
	SetOrganisation(ctx context.Context, o alliance.Organisation) error
}

// Credentials are the ways somebody signs in, other than a password.
type Credentials interface {
	// LinkOIDC lets a subject of an issuer sign in as the person.
	LinkOIDC(ctx context.Context, key string, sub event.Subject) error
	// DropCredential ends one way, and the person's sessions.
	DropCredential(ctx context.Context, key, id string) error
}

// Tokens lets programs act for people.
type Tokens interface {
	// Login gives who has login and password a token; anybody may call it.
	Login(ctx context.Context, c people.Credentials) (people.Made, error)
	// Logout ends what the call was made with.
	Logout(ctx context.Context) error
	// Whoami tells who calls; on a node without people, nobody.
	Whoami(ctx context.Context) (people.Me, error)
	// Tokens lists those of who calls.
	Tokens(ctx context.Context) ([]people.Token, error)
	MakeToken(ctx context.Context, t people.NewToken) (people.Made, error)
	RevokeToken(ctx context.Context, id string) error
}

// Rules says by which rules is read. Rules are put into force by one person who
// proposes and another who confirms them, each with a step-up for the statement
// that [Rules.WeighPolicy] gives.
type Rules interface {
	Policies(ctx context.Context) (people.Policies, error)
	// Policy returns the files of the rules with a digest.
	Policy(ctx context.Context, digest string) ([]marking.RuleFile, error)
	WeighPolicy(ctx context.Context, files []marking.RuleFile) (marking.Weighed, error)
	ProposePolicy(ctx context.Context, p people.NewPolicy) (marking.Ruleset, error)
	ConfirmPolicy(ctx context.Context, digest string, a people.Answer) (marking.Ruleset, error)
	// StepUp opens a challenge for the SHA-256 of a text, in hexadecimal.
	StepUp(ctx context.Context, text string) (people.Challenge, error)
}

// Audits answers auditors. Who is none is Denied.
type Audits interface {
	// Trail lists who read what is closely held and who was refused, newest first.
	Trail(ctx context.Context, f audit.Filter, cursor string, limit int) (audit.Listing, error)
	// TrailEntry returns the entries with a short id.
	TrailEntry(ctx context.Context, id string) ([]audit.Entry, error)
	// VerifyTrail checks that nothing was changed or lost.
	VerifyTrail(ctx context.Context) (audit.Verdict, error)
}

// Options of the API.
type Options struct {
	Reads    Reads
	Releases Releases
	Arrivals Arrivals
	Writes   Writes
	Keeper   Keeper
	// Collections are left out of the document where they are nil.
	Collections Collections
	People      People
	Tokens      Tokens
	Rules       Rules
	Audits      Audits
	// Credentials may be the same as People.
	Credentials Credentials
	Privacy     Privacy
	// Local is set where only the owner of the files can call, on the socket:
	// paths of this machine may then be named.
	Local bool
	// Log takes what went wrong inside; nil means nowhere.
	Log *slog.Logger
	// Version is the program's.
	Version string
}

// maxJSONBytes bounds a JSON body; bodies that carry reports have no bound here.
const maxJSONBytes = 1 << 20

type server struct {
	Options
	api huma.API
}

// New returns the handler of everything under /api/v1.
//
// Source: oas-3.1.
func New(o Options) http.Handler {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	mux := http.NewServeMux()
	cfg := huma.DefaultConfig("Casus", o.Version)
	cfg.OpenAPIPath, cfg.DocsPath, cfg.SchemasPath = "/api/v1/openapi", "", ""
	cfg.Formats = map[string]huma.Format{"application/json": {Marshal: marshal, Unmarshal: unmarshal}, "json": {Marshal: marshal, Unmarshal: unmarshal}}
	cfg.DefaultFormat = "application/json"
	cfg.CreateHooks = nil
	cfg.RejectUnknownQueryParameters = true
	cfg.Transformers = []huma.Transformer{ownProblem}
	s := &server{Options: o, api: humago.New(mux, cfg)}
	s.api.UseMiddleware(oncePerName)
	s.routes()
	declareProblem(s.api.OpenAPI())
	mux.HandleFunc("/api/v1/", noOperation)
	return mux
}

func marshal(w io.Writer, v any) error {
	return json.MarshalWrite(w, v, json.Deterministic(true), json.FormatNilSliceAsNull(false))
}

// unmarshal refuses names that the type does not know, too: a name in the wrong
// case would otherwise be passed over in silence.
func unmarshal(data []byte, v any) error {
	return json.Unmarshal(data, v, json.RejectUnknownMembers(!isAny(v)), jsontext.AllowDuplicateNames(false))
}

// isAny reports whether huma reads into an untyped value, which it does first
// to check a body against its schema.
func isAny(v any) bool {
	_, ok := v.(*any)
	return ok
}
