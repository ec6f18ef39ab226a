// Package web draws the pages of a node: reports, one report, intake, search,
// objects and their neighbours, and sources.
//
// It is one [http.Handler] made by [New] over two small interfaces, [Reads] and
// [Writes], which the node binds to one reader beforehand; nothing here decides
// who may see what. Every page works without script, carries the marking frame
// with the highest marking of what stands on it, and shows received text as
// text only. Fonts, styles and the one script are embedded and served under
// names that hold the digest of their bytes.
//
// The package does not check host, origin or who calls: whoever mounts the
// handler does, and says in the context who it is ([people.CallerOf]). It draws
// the pages for signing in and for one's account. It stores nothing but the files of a form while they are read.
package web

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"casus/internal/core/report"
	"casus/tlp"
)

// Reads is what pages show. It answers for one reader: what that reader may
// not see is absent from rows, counts and sentences. An id that is not there
// and one that is withheld give errors of which the outside sees no difference.
type Reads interface {
	// Reports lists reports newest first; q filters by words, source by name,
	// cursor continues a list. next is empty at the end.
	Reports(ctx context.Context, q, source, cursor string, limit int) (rows []report.Row, next string, err error)
	// Report returns one report by short or full id.
	Report(ctx context.Context, id string) (report.Detail, error)
	// Items lists the objects of a report in the order they came in, from a
	// cursor of the report or of the page before.
	Items(ctx context.Context, id, cursor string, limit int) (items []report.ObjectRow, next string, err error)
	// Match answers who else saw what is in the report.
	Match(ctx context.Context, id string) (report.Matches, error)
	// Search finds objects and reports by id, value, address range or words.
	Search(ctx context.Context, q, cursor string, limit int) (report.Found, error)
	// Object returns everything readable about one object.
	Object(ctx context.Context, id string) (report.Object, error)
	// Sources lists who hands reports in, sorted by name.
	Sources(ctx context.Context) ([]report.Source, error)
	// Quarantine lists what was set aside from one report.
	Quarantine(ctx context.Context, reportID string) ([]report.Quarantined, error)
}

// Writes is what pages do.
type Writes interface {
	// Import takes in one file; when it returns without error everything its
	// result counts is durable. progress may be nil.
	Import(ctx context.Context, req report.Request, name string, body io.Reader, progress func(report.Progress)) (report.Result, error)
	// SetSource records what holds for a source from now on.
	SetSource(ctx context.Context, s report.Source) error
}

// Options are the settings of the pages. The zero value of every field but
// Clock is usable.
type Options struct {
	// Clock gives the time; required.
	Clock func() time.Time
	// Exercise says that everything on this node is exercise data.
	Exercise bool
	// NodeName stands beside the product's name; empty shows none.
	NodeName string
	// Door, Account and Passkeys let people sign in. Nil means that there is no
	// signing in here; without Passkeys there are none.
	Door     Door
	Account  Account
	Passkeys Passkeys
	// Elsewhere is nil where nobody has an account elsewhere.
	Elsewhere Elsewhere
	// Audits is the trail of who read what; nil leaves its pages out.
	Audits Audits
	// Releases tells who may read; nil leaves its pages out.
	Releases Releases
	// Highest returns how a page must be marked that cites the named reports
	// and objects without showing them. Nil means: read each of them, and RED
	// where they are many.
	Highest func(ctx context.Context, ids []string) (Marking, error)
	// TempDir is where the files of a form are kept until all of it is read;
	// empty means the system's directory for temporary files.
	TempDir string
	// MaxUploadBytes bounds a form with its files; 0 means 4 GiB.
	MaxUploadBytes int64
	// Log receives internal errors, which pages never show. Nil discards.
	Log *slog.Logger
}

// Marking is how a page is marked: the most restrictive label of what it
// cites, and whether any of that belongs to an exercise.
type Marking struct {
	TLP      tlp.Label
	Exercise bool
}

// server holds what all handlers share.
type server struct {
	r      Reads
	w      Writes
	opt    Options
	assets *assets
	tmpl   *templates
}

// Pages is the handler of all pages.
type Pages struct {
	http.Handler
	s      *server
	routes []string
}

// Routes returns every address of the pages, as a method and a pattern of
// [http.ServeMux]; the last, which holds for all others, has no method.
func (p *Pages) Routes() []string { return slices.Clone(p.routes) }

// New returns the handler of all pages. It fails only when an embedded
// template or asset is broken, or the clock is missing.
func New(r Reads, w Writes, opt Options) (*Pages, error) {
	if opt.Clock == nil {
		return nil, fmt.Errorf("web: options: no clock")
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	a, err := loadAssets()
	if err != nil {
		return nil, err
	}
	t, err := loadTemplates()
	if err != nil {
		return nil, err
	}
	s := &server{r: r, w: w, opt: opt, assets: a, tmpl: t}
	h, routes := s.routes()
	return &Pages{Handler: h, s: s, routes: routes}, nil
}
