// Package taxiiserver answers programs that speak TAXII 2.1: discovery, one API
// root, and its collections, to read and to write.
//
// It reads and writes through interfaces; who asks and what he may see was decided
// below them. A collection that is not there for who asks, and one that is not to be
// read, is answered as one that is not there (404), and so is an object.
//
// # What it promises
//
// Objects come in the order in which they were added to the collection. No two have
// the same date_added, it never changes, and what is added later has a later one; so
// a program may go on from the last date that it was told as well as from next. A
// cursor (next) holds what was asked for: it goes on with that whatever stands beside
// it, except for another match, which is refused. It is good for who was given it, and
// stays so when the server starts anew.
//
// What is written is on disk before it is answered (202), and then done: a status is
// complete. It is told to who wrote it alone, for as long as the report is held.
//
// # What it does not do
//
// Requests are not kept waiting: there is no pending status. An object is taken out of
// a collection (DELETE) by who gave it, and only out of the collection; its bytes stay
// until they are erased. What becomes readable later than it was added keeps its date,
// and is found by asking from the beginning.
//
// Addresses are taken with and without the last slash. Bodies of both directions may
// be in gzip. Both sides of a page are bounded in objects and in bytes, a body in
// bytes, packed and unpacked.
package taxiiserver

import (
	"context"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"log/slog"
	"net/http"
	"strconv"

	"casus/internal/core/report"
	"casus/internal/fault"
	"casus/internal/people"
)

// Prefix is the path under which it answers, Root that of its API root.
const (
	Prefix = "/taxii2/"
	Root   = "casus"
)

// MediaType is that of everything it answers and takes.
//
// Source: taxii-2.1 §1.6.
const MediaType = "application/taxii+json;version=2.1"

// Reads are the questions, asked for who asks in ctx. What he may not see is NotFound
// like what is not there.
type Reads interface {
	// Collections lists those that are there for who asks, in a lasting order.
	Collections(ctx context.Context) ([]report.Collection, error)
	// Collection returns one of them, by its id or its alias.
	Collection(ctx context.Context, id string) (report.Collection, error)
	// Gather returns the objects of a collection that are asked for, in the order in
	// which they were added, and whether there are more. The bytes are not to be
	// changed.
	Gather(ctx context.Context, c report.Collection, ask report.Ask) ([]report.Added, bool, error)
	// In reports whether some version of an object is in a collection.
	In(ctx context.Context, c report.Collection, id string) (bool, error)
	// Cursor returns what Resume makes ask of again, to go on after the object last,
	// for the same resource, what, and for who asks alone. Any other is Invalid.
	Cursor(ctx context.Context, c report.Collection, what string, ask report.Ask, last report.Added) (string, error)
	Resume(ctx context.Context, c report.Collection, what, cursor string) (report.Ask, error)
	// Status tells who wrote something what became of it.
	Status(ctx context.Context, id string) (report.Status, error)
}

// Writes change what is in a collection. What returned without an error is on disk
// and in every answer.
type Writes interface {
	// MayWrite is Denied when who asks may not write at all.
	MayWrite(ctx context.Context) error
	// Write takes in an envelope, as a report of the collection's source.
	Write(ctx context.Context, c report.Collection, envelope []byte) (report.Status, error)
	// Cut takes versions of an object out of a collection.
	Cut(ctx context.Context, c report.Collection, id string, ask report.Ask) error
}

// The limits that hold where [Options] say nothing.
const (
	// DefaultBodyBytes is the longest body, packed or not.
	DefaultBodyBytes = 10 << 20
	// DefaultPageObjects is how many objects a page has where the request says nothing.
	DefaultPageObjects = 1000
	// MaxPageObjects is how many it has at most.
	MaxPageObjects = 10_000
	// DefaultPageBytes is how long the objects of a page are together; the first is
	// given whatever its length.
	DefaultPageBytes = 8 << 20
	// atWork is how many bodies and pages are in memory at a time.
	atWork = 32
)

// Options of the server. The zero value of each field is usable.
type Options struct {
	// Title, Description and Contact are what discovery and API root say of
	// themselves; an empty Title is "Casus".
	Title, Description, Contact string
	BodyBytes, PageBytes        int
	PageObjects                 int
	// Log is told of internal errors; nil means nobody is.
	Log *slog.Logger
}

type server struct {
	Options
	reads  Reads
	writes Writes
	busy   chan struct{}
}

// New returns the server. It expects that who asks was found out, and refused if need
// be with [Refuse].
func New(r Reads, w Writes, opt Options) http.Handler {
	if opt.Title == "" {
		opt.Title = "Casus"
	}
	set := func(p *int, def int) {
		if *p <= 0 {
			*p = def
		}
	}
	set(&opt.BodyBytes, DefaultBodyBytes)
	set(&opt.PageBytes, DefaultPageBytes)
	set(&opt.PageObjects, DefaultPageObjects)
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	return &server{Options: opt, reads: r, writes: w, busy: make(chan struct{}, atWork)}
}

// failure is an error as TAXII writes it.
//
// Source: taxii-2.1 §3.6.1.
type failure struct {
	Title       string            `json:"title"`
	Description string            `json:"description,omitempty"`
	ErrorCode   string            `json:"error_code,omitempty"`
	Status      string            `json:"http_status"`
	Details     map[string]string `json:"details,omitempty"`
}

// refused is an error with its status.
type refused struct {
	status int
	cause  error
}

// Error implements error.
func (r *refused) Error() string { return r.cause.Error() }

// Unwrap returns the cause.
func (r *refused) Unwrap() error { return r.cause }

// refuse returns an Invalid fault that is answered with a status.
func refuse(status int, hint, format string, args ...any) error {
	return &refused{status, fault.WithHint(fault.Errorf(fault.Invalid, "taxii: "+format, args...), "%s", hint)}
}

// missing is the error of what is not there, or not for who asks.
func missing(what string) error {
	return fault.Errorf(fault.NotFound, "taxii: %.120s is not here or not released to you", what)
}

// fail answers with an error. What is withheld and what is not there give the same
// bytes; what an internal error was goes to the log alone.
func (s *server) fail(w http.ResponseWriter, r *http.Request, err error) {
	status := http.StatusInternalServerError
	if own, ok := errors.AsType[*refused](err); ok {
		Refuse(w, own.status, fault.KindOf(err).String(), err)
		return
	}
	switch fault.KindOf(err) {
	case fault.Invalid:
		status = http.StatusBadRequest
	case fault.Denied:
		status = http.StatusForbidden
		if errors.Is(err, people.ErrSignIn) {
			Challenge(w)
			status = http.StatusUnauthorized
		}
	case fault.Withheld, fault.NotFound:
		status = http.StatusNotFound
	case fault.Conflict:
		status = http.StatusConflict
	case fault.Unavailable:
		w.Header().Set("Retry-After", "1")
		status = http.StatusServiceUnavailable
	case fault.Internal:
		if r.Context().Err() != nil {
			return // nobody is there any more
		}
		s.Log.LogAttrs(r.Context(), slog.LevelError, "internal error", slog.String("error", err.Error()))
		err = fault.WithHint(errors.New("something went wrong inside the node; its log has the cause"), "try again; if it stays, run: casus node verify")
	}
	Refuse(w, status, fault.KindOf(err).String(), err)
}

// Challenge says how one signs in.
//
// Source: taxii-2.1 §1.6 (authentication); rfc7617 §2.
func Challenge(w http.ResponseWriter) {
	w.Header().Set("WWW-Authenticate", `Basic realm="casus", charset="UTF-8"`)
	w.Header().Add("WWW-Authenticate", "Bearer")
}

// Refuse answers a request with an error in TAXII's form; kind is its code.
func Refuse(w http.ResponseWriter, status int, kind string, err error) {
	f := failure{Title: http.StatusText(status), Description: fault.Text(err), ErrorCode: kind, Status: strconv.Itoa(status)}
	if hint := fault.HintOf(err); hint != "" {
		f.Details = map[string]string{"remedy": hint}
	}
	b, fail := json.Marshal(f, jsontext.AllowInvalidUTF8(true))
	if fail != nil {
		b = []byte(`{"title":"error","http_status":"500"}`)
	}
	h := w.Header()
	h.Set("Content-Type", MediaType)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(status)
	_, _ = w.Write(b)
}
