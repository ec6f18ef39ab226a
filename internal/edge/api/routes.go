package api

import (
	"context"
	"encoding/json/v2"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"casus/internal/core/marking"
	"casus/internal/core/privacy"
	"casus/internal/core/report"
	"casus/internal/fault"
	"casus/tlp"
)

// body is a JSON answer.
type body[T any] struct{ Body T }

func op(method, path, id, summary string) huma.Operation {
	return huma.Operation{OperationID: id, Method: method, Path: "/api/v1" + path, Summary: summary, MaxBodyBytes: maxJSONBytes}
}

// rawOp is an operation whose body is taken as it comes, of any length.
func rawOp(method, path, id, summary string) huma.Operation {
	o := op(method, path, id, summary)
	o.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		"application/octet-stream": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
	}}
	return o
}

// streamed says what an operation answers that takes time.
func streamed[T any](s *server, o huma.Operation) huma.Operation {
	o.Responses = map[string]*huma.Response{"200": {
		Description: "The result; to who accepts text/event-stream: events progress, then result or error",
		Content: map[string]*huma.MediaType{
			"application/json":  {Schema: s.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[T](), true, o.OperationID)},
			"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeString}},
		},
	}}
	return o
}

// answer registers a question whose answer is JSON.
func answer[I, T any](s *server, o huma.Operation, f func(context.Context, *I) (T, error)) {
	huma.Register(s.api, o, func(ctx context.Context, in *I) (*body[T], error) {
		v, err := f(ctx, in)
		if err != nil {
			return nil, s.fail(ctx, in, err)
		}
		return &body[T]{v}, nil
	})
}

type empty struct{}

type listInput struct {
	Q      string `query:"q" doc:"text in title, name or source"`
	Source string `query:"source"`
	Cursor string `query:"cursor" doc:"from next of the page before"`
	Limit  int    `query:"limit" minimum:"0" maximum:"500"`
}

type rows struct {
	Reports []report.Row `json:"reports"`
	Next    string       `json:"next,omitempty"`
}

type idInput struct {
	ID string `path:"id" maxLength:"4096"`
}

func (i *idInput) asked() string { return i.ID }

type itemsInput struct {
	Named
	Cursor string `query:"cursor" doc:"from next of the report or of the page before"`
	Limit  int    `query:"limit" minimum:"0" maximum:"500"`
}

// Named is idInput by an exported name: huma reads parameters of exported fields.
type Named = idInput

type items struct {
	Objects []report.ObjectRow `json:"objects"`
	Next    string             `json:"next,omitempty"`
}

type searchInput struct {
	Q      string `query:"q" maxLength:"4096"`
	Cursor string `query:"cursor"`
	Limit  int    `query:"limit" minimum:"0" maximum:"500"`
}

type objectInput struct {
	ID      string `path:"id" maxLength:"4096"`
	History bool   `query:"history" doc:"with the bytes of each version"`
}

func (i *objectInput) asked() string { return i.ID }

type quarantineInput struct {
	Report string `query:"report"`
}

func (i *quarantineInput) asked() string { return i.Report }

type eraseInput struct {
	Body struct {
		ID     string `json:"id"`
		Reason string `json:"reason" doc:"kept on the record"`
	}
}

func (i *eraseInput) asked() string { return i.Body.ID }

// routes declares every operation.
func (s *server) routes() {
	answer(s, op("GET", "/reports", "list-reports", "Reports, newest first"), func(ctx context.Context, in *listInput) (rows, error) {
		r, next, err := s.Reads.Reports(ctx, in.Q, in.Source, in.Cursor, in.Limit)
		if r == nil {
			r = []report.Row{}
		}
		return rows{r, next}, err
	})
	answer(s, op("GET", "/reports/{id}", "get-report", "One report"), func(ctx context.Context, in *idInput) (report.Detail, error) {
		return s.Reads.Report(ctx, in.ID)
	})
	answer(s, op("GET", "/reports/{id}/objects", "list-objects", "The objects of a report, in the order they came in"), func(ctx context.Context, in *itemsInput) (items, error) {
		r, next, err := s.Reads.Items(ctx, in.ID, in.Cursor, in.Limit)
		return items{r, next}, err
	})
	answer(s, op("GET", "/reports/{id}/matches", "match-report", "Who else saw what a report mentions"), func(ctx context.Context, in *idInput) (report.Matches, error) {
		return s.Reads.Match(ctx, in.ID)
	})
	answer(s, op("GET", "/search", "search", "Ids, values, address ranges, words"), func(ctx context.Context, in *searchInput) (report.Found, error) {
		return s.Reads.Search(ctx, in.Q, in.Cursor, in.Limit)
	})
	answer(s, op("GET", "/objects/{id}", "get-object", "Everything about one object"), func(ctx context.Context, in *objectInput) (report.Object, error) {
		return s.Reads.Object(ctx, in.ID, in.History)
	})
	answer(s, op("GET", "/sources", "list-sources", "Who hands reports in"), func(ctx context.Context, _ *empty) ([]report.Source, error) {
		return s.Arrivals.Sources(ctx)
	})
	answer(s, op("PUT", "/sources", "set-source", "What holds for a source"), func(ctx context.Context, in *struct{ Body sourceBody }) (sourceBody, error) {
		src, err := in.Body.source()
		if err != nil {
			return in.Body, err
		}
		return in.Body, s.Writes.SetSource(ctx, src)
	})
	answer(s, op("GET", "/quarantine", "list-quarantine", "What was set aside"), func(ctx context.Context, in *quarantineInput) ([]report.Quarantined, error) {
		return s.Arrivals.Quarantine(ctx, in.Report)
	})
	answer(s, op("GET", "/quarantine/{id}", "get-quarantine", "One piece set aside, with the start of its bytes"), func(ctx context.Context, in *idInput) (report.Quarantined, error) {
		return s.Arrivals.QuarantineItem(ctx, in.ID)
	})
	answer(s, op("POST", "/quarantine/{id}/retry", "retry-quarantine", "Read a piece again"), func(ctx context.Context, in *idInput) (report.Result, error) {
		return s.Writes.Retry(ctx, in.ID)
	})
	answer(s, op("GET", "/warninglists", "list-warninglists", "Lists of values that say little"), func(ctx context.Context, _ *empty) ([]report.Warninglist, error) {
		return s.Keeper.Warninglists(ctx)
	})
	answer(s, op("GET", "/health", "health", "Whether the node follows its log"), func(ctx context.Context, _ *empty) (map[string]string, error) {
		if _, err := s.Keeper.Sizes(ctx); err != nil {
			return nil, err
		}
		return map[string]string{"status": "ok"}, nil
	})
	answer(s, op("GET", "/node/ceiling", "get-ceiling", "Up to which classification the node takes things in"), func(ctx context.Context, _ *empty) (report.Ceiling, error) {
		return s.Keeper.Ceiling(ctx)
	})
	answer(s, op("PUT", "/node/ceiling", "set-ceiling", "Set up to which classification the node takes things in"), func(ctx context.Context, in *struct{ Body report.Ceiling }) (report.Ceiling, error) {
		return in.Body, s.Keeper.SetCeiling(ctx, in.Body)
	})
	answer(s, op("POST", "/node/erase", "erase", "Remove a report or an object for good"), func(ctx context.Context, in *eraseInput) (report.Erased, error) {
		return s.Keeper.Erase(ctx, in.Body.ID, in.Body.Reason)
	})
	s.releases()
	s.collections()
	s.people()
	s.rules()
	s.audit()
	s.privacy()
	s.streams()
}

// sourceBody is a source as it is set.
type sourceBody struct {
	Name  string            `json:"name"`
	TLP   string            `json:"tlp,omitempty"`
	Zone  string            `json:"time_zone,omitempty"`
	Trust string            `json:"trust,omitempty"`
	Map   map[string]string `json:"map,omitempty"`
	privacy.Processing
}

func (b sourceBody) source() (report.Source, error) {
	label, err := labelOf(b.TLP)
	return report.Source{Name: b.Name, TLP: label, Zone: b.Zone, Trust: b.Trust, Map: b.Map, Processing: b.Processing}, err
}

func labelOf(s string) (*tlp.Label, error) {
	if s == "" {
		return nil, nil
	}
	l, ok := tlp.Parse(s)
	if !ok {
		return nil, fault.WithHint(fault.Errorf(fault.Invalid, "api: unknown TLP label %.40q", s), "use red, amber+strict, amber, green or clear")
	}
	return &l, nil
}

// raw is an operation whose body is read as it comes.
type raw struct {
	Source   string        `query:"source" doc:"who hands it in"`
	Title    string        `query:"title"`
	Name     string        `query:"name" doc:"file name"`
	TLP      string        `query:"tlp" doc:"marks what bears no marking, tightens what bears a wider one"`
	Format   report.Format `query:"format" doc:"stix, misp, csv, jsonl, mail or text; found out when empty"`
	Map      string        `query:"map" doc:"column map, a JSON object of column name to field"`
	Exercise bool          `query:"exercise"`
	Class    string        `query:"classification" doc:"what it is classified, as ladder/LEVEL"`
	ctx      huma.Context
}

// Resolve implements huma.Resolver: it keeps the way to the body.
func (r *raw) Resolve(ctx huma.Context) []error {
	r.ctx = ctx
	return nil
}

func (r *raw) request() (report.Request, error) {
	label, err := labelOf(r.TLP)
	req := report.Request{Source: r.Source, Title: r.Title, Name: r.Name, TLP: label, Format: r.Format, Exercise: r.Exercise}
	if r.Class != "" {
		req.Classes = []marking.Level{marking.Level(r.Class)}
	}
	if err != nil || r.Map == "" {
		return req, err
	}
	if err := json.Unmarshal([]byte(r.Map), &req.Map); err != nil {
		return req, fault.WithHint(fault.Errorf(fault.Invalid, "api: map is no JSON object of texts: %w", err), `write it as {"column": "field"}`)
	}
	return req, nil
}

// Handed is raw by an exported name: huma reads parameters of exported fields.
type Handed = raw

type paths struct {
	Handed
	Body struct {
		Paths []string `json:"paths" minItems:"1" maxItems:"10000"`
	}
}

func (p *paths) asked() string {
	if len(p.Body.Paths) == 1 {
		return p.Body.Paths[0]
	}
	return ""
}

// accept tells whether the caller follows along.
func accept(ctx huma.Context) bool {
	return strings.Contains(ctx.Header("Accept"), "text/event-stream")
}

// stream answers long work: progress and the result as events, or the result.
func stream[T any](s *server, in any, work func(ctx context.Context, progress func(report.Progress)) (T, error)) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		if !accept(ctx) {
			v, err := work(ctx.Context(), nil)
			if err != nil {
				s.problem(ctx.Context(), in, err).write(ctx)
				return
			}
			ctx.SetHeader("Content-Type", "application/json")
			_ = marshal(ctx.BodyWriter(), v)
			return
		}
		ctx.SetHeader("Content-Type", "text/event-stream")
		ctx.SetHeader("Cache-Control", "no-store")
		w := ctx.BodyWriter()
		event := func(name string, v any) {
			b, err := json.Marshal(v, json.FormatNilSliceAsNull(false))
			if err != nil {
				return
			}
			_, _ = fmt.Fprintf(w, "event: %s\ndata: %s\n\n", name, b)
			if f, ok := w.(http.Flusher); ok {
				f.Flush()
			}
		}
		v, err := work(ctx.Context(), func(p report.Progress) { event("progress", p) })
		if err != nil {
			event("error", s.problem(ctx.Context(), in, err))
			return
		}
		event("result", v)
	}}
}

// streams declares the operations that take time or carry raw bytes.
func (s *server) streams() {
	huma.Register(s.api, streamed[report.Result](s, rawOp("POST", "/reports", "add-report", "Hand in a report; the body is its bytes")), func(ctx context.Context, in *raw) (*huma.StreamResponse, error) {
		req, err := in.request()
		if err != nil {
			return nil, s.fail(ctx, in, err)
		}
		r := in.ctx.BodyReader()
		return stream(s, in, func(ctx context.Context, p func(report.Progress)) (report.Result, error) {
			return s.Writes.Import(ctx, req, r, p)
		}), nil
	})
	if s.Local {
		huma.Register(s.api, streamed[report.Result](s, op("POST", "/imports", "import-paths", "Hand in files and directories of this machine")), func(ctx context.Context, in *paths) (*huma.StreamResponse, error) {
			req, err := in.request()
			if err != nil {
				return nil, s.fail(ctx, in, err)
			}
			return stream(s, in, func(ctx context.Context, p func(report.Progress)) (report.Result, error) {
				return s.Writes.ImportPaths(ctx, req, in.Body.Paths, p)
			}), nil
		})
	}
	huma.Register(s.api, rawOp("POST", "/match", "match", "Who saw what the body mentions; nothing is stored"), func(ctx context.Context, in *raw) (*body[report.Matches], error) {
		req, err := in.request()
		if err != nil {
			return nil, s.fail(ctx, in, err)
		}
		m, err := s.Reads.MatchBody(ctx, req, in.ctx.BodyReader())
		if err != nil {
			return nil, s.fail(ctx, in, err)
		}
		return &body[report.Matches]{m}, nil
	})
	huma.Register(s.api, rawOp("POST", "/warninglists", "import-warninglist", "Store a list in MISP's form"), func(ctx context.Context, in *raw) (*body[report.Warninglist], error) {
		l, err := s.Keeper.ImportWarninglist(ctx, in.ctx.BodyReader())
		if err != nil {
			return nil, s.fail(ctx, in, err)
		}
		return &body[report.Warninglist]{l}, nil
	})
	huma.Register(s.api, streamed[report.Check](s, op("POST", "/node/verify", "verify", "Check the log and the views")), func(_ context.Context, in *empty) (*huma.StreamResponse, error) {
		return stream(s, in, func(ctx context.Context, _ func(report.Progress)) (report.Check, error) { return s.Keeper.Verify(ctx) }), nil
	})
	if s.Local {
		huma.Register(s.api, streamed[map[string]bool](s, op("POST", "/node/rebuild", "rebuild", "Build the views again from the log")), func(_ context.Context, in *empty) (*huma.StreamResponse, error) {
			return stream(s, in, func(ctx context.Context, _ func(report.Progress)) (map[string]bool, error) {
				return map[string]bool{"rebuilt": true}, s.Keeper.Rebuild(ctx)
			}), nil
		})
	}
	s.export()
}

type exportInput struct {
	Format string `query:"format" enum:"stix,ndjson,csv" default:"stix"`
	Report string `query:"report"`
}

// exportTypes are the media types of what is exported, by format.
var exportTypes = map[string]string{"stix": "application/stix+json;version=2.1", "ndjson": "application/x-ndjson", "csv": "text/csv; charset=utf-8"}

func (i *exportInput) asked() string { return i.Report }

func (s *server) export() {
	o := op("GET", "/export", "export", "Objects as a STIX bundle, NDJSON or CSV")
	text := map[string]*huma.MediaType{}
	for _, t := range exportTypes {
		text[t] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString}}
	}
	o.Responses = map[string]*huma.Response{"200": {Description: "The objects, in the form asked for", Content: text}}
	huma.Register(s.api, o, func(_ context.Context, in *exportInput) (*huma.StreamResponse, error) {
		return &huma.StreamResponse{Body: func(ctx huma.Context) {
			w := &lateWriter{ctx: ctx, contentType: exportTypes[in.Format]}
			if err := s.writeExport(ctx.Context(), in, w); err != nil {
				w.fail(s.problem(ctx.Context(), in, err))
			}
		}}, nil
	})
}

// lateWriter sets the status with the first byte, so that an error before it
// still has its own.
type lateWriter struct {
	ctx         huma.Context
	contentType string
	begun       bool
}

// Write implements io.Writer.
func (l *lateWriter) Write(b []byte) (int, error) {
	if !l.begun {
		l.begun = true
		l.ctx.SetHeader("Content-Type", l.contentType)
		l.ctx.SetStatus(http.StatusOK)
	}
	return l.ctx.BodyWriter().Write(b)
}

func (l *lateWriter) fail(p *problem) {
	if l.begun {
		panic(http.ErrAbortHandler) // a cut answer must not look whole
	}
	p.write(l.ctx)
}

var _ io.Writer = (*lateWriter)(nil)
