package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"casus/internal/fault"
	"casus/internal/people"
)

// problem is an error as the API writes it.
type problem struct {
	Status int    `json:"status"`
	Kind   string `json:"kind" doc:"kind of error: invalid, sign-in, denied, not-found, conflict, unavailable, internal"`
	Title  string `json:"title" doc:"what happened"`
	Hint   string `json:"hint,omitempty" doc:"what to do about it"`
}

// Error implements error.
func (p *problem) Error() string { return p.Title }

// GetStatus implements huma.StatusError.
func (p *problem) GetStatus() int { return p.Status }

// asker is an input that names a thing.
type asker interface {
	// asked is the name of the thing, "" for none.
	asked() string
}

// fail translates a fault once. Causes of internal ones go to the log alone.
// in is what the operation was asked.
func (s *server) fail(ctx context.Context, in any, err error) error {
	if err == nil {
		return nil
	}
	if se, ok := errors.AsType[huma.StatusError](err); ok {
		return se
	}
	return s.problem(ctx, in, err)
}

// problem is how err is told to who asked in. What is withheld and what is not
// there give the same bytes: they are made of what was asked alone.
func (s *server) problem(ctx context.Context, in any, err error) *problem {
	p := &problem{Title: fault.Text(err), Hint: fault.HintOf(err), Kind: fault.KindOf(err).String()}
	switch fault.KindOf(err) {
	case fault.Invalid:
		p.Status = http.StatusBadRequest
	case fault.Denied:
		p.Status = http.StatusForbidden
		if errors.Is(err, people.ErrSignIn) {
			p.Status, p.Kind = http.StatusUnauthorized, "sign-in"
		}
	case fault.Withheld, fault.NotFound:
		*p = notFound(in)
	case fault.Conflict:
		p.Status = http.StatusConflict
	case fault.Unavailable:
		p.Status = http.StatusServiceUnavailable
	case fault.Internal:
		if errors.Is(err, context.Canceled) {
			p.Status, p.Kind, p.Title = 499, "unavailable", "interrupted"
			return p
		}
		s.Log.LogAttrs(ctx, slog.LevelError, "internal error", slog.String("error", err.Error()))
		p.Status, p.Title, p.Hint = http.StatusInternalServerError, "something went wrong inside the node; its log has the cause", "try again; if it stays, run: casus node verify"
	}
	return p
}

// notFound says that what was asked for is not to be had. Only who can name files
// of this machine is told which of them is not there.
func notFound(in any) problem {
	what := "this"
	if a, ok := in.(asker); ok && a.asked() != "" {
		what = strings.ToValidUTF8(fmt.Sprintf("%.80s", a.asked()), "\ufffd")
	}
	return problem{Status: http.StatusNotFound, Kind: fault.NotFound.String(), Title: what + " is not here or not released to you"}
}

// problemType is the media type of problems.
//
// Source: rfc9457 §3.
const problemType = "application/problem+json"

// ContentType implements huma.ContentTypeFilter.
func (p *problem) ContentType(string) string { return problemType }

// maxDetails is how many faults of a body are told at once.
const maxDetails = 5

// ownProblem is a huma.Transformer: what huma itself has to complain of takes
// the form of all other problems. The values complained of are left out: they
// may be anything that a caller sent.
func ownProblem(_ huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	p := &problem{Status: m.Status, Kind: fault.Invalid.String(), Title: m.Detail}
	p.Hint = "what the operation takes is in /api/v1/openapi.json"
	switch {
	case m.Status == http.StatusNotFound:
		p.Kind = fault.NotFound.String()
	case m.Status == http.StatusRequestTimeout:
		p.Kind, p.Hint = fault.Unavailable.String(), "send the body faster"
	case m.Status >= http.StatusInternalServerError:
		p.Kind, p.Title, p.Hint = fault.Internal.String(), "something went wrong inside the node", "try again"
		return p, nil
	}
	details := make([]string, 0, len(m.Errors))
	for _, e := range m.Errors {
		if len(details) == maxDetails {
			details = append(details, "and more")
			break
		}
		d := e.Message
		if e.Location != "" {
			d = e.Location + ": " + d
		}
		details = append(details, d)
	}
	if len(details) > 0 {
		p.Title += ": " + strings.Join(details, "; ")
	}
	return p, nil
}

// oncePerName is a huma middleware that refuses a query which cannot be read, or
// which gives a parameter twice: one of the two would be passed over in silence.
func oncePerName(ctx huma.Context, next func(huma.Context)) {
	u := ctx.URL()
	p := &problem{Status: http.StatusUnprocessableEntity, Kind: fault.Invalid.String(), Hint: "give every parameter once, percent-encoded"}
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		p.Title = "the query cannot be read: " + err.Error()
	}
	for name, values := range q {
		if len(values) > 1 {
			p.Title = "query parameter " + strconv.Quote(name) + " is given " + strconv.Itoa(len(values)) + " times"
		}
	}
	if p.Title == "" {
		next(ctx)
		return
	}
	p.write(ctx)
}

// write answers with p.
func (p *problem) write(ctx huma.Context) {
	ctx.SetHeader("Content-Type", problemType)
	ctx.SetStatus(p.Status)
	_ = marshal(ctx.BodyWriter(), p)
}

// Refuse answers a request that does not get as far as an operation, in the form
// of all other errors. kind is one of those of the document.
func Refuse(w http.ResponseWriter, status int, kind string, err error) {
	w.Header().Set("Content-Type", problemType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = marshal(w, &problem{Status: status, Kind: kind, Title: fault.Text(err), Hint: fault.HintOf(err)})
}

// declareProblem makes the document tell the form that errors have.
func declareProblem(doc *huma.OpenAPI) {
	schemas := doc.Components.Schemas
	own := schemas.Schema(reflect.TypeFor[problem](), false, "Problem")
	schemas.Map()["ErrorModel"] = own
	delete(schemas.Map(), "ErrorDetail")
}

// noOperation answers what is no operation.
func noOperation(w http.ResponseWriter, r *http.Request) {
	Refuse(w, http.StatusNotFound, fault.NotFound.String(), fault.WithHint(
		fault.Errorf(fault.NotFound, "api: there is no %s at this path", r.Method), "the operations are in /api/v1/openapi.json"))
}
