package web

import "net/http"

// routes is every address of the pages. All of them answer with the headers of
// [server.ServeHTTP]'s wrapper; an address not listed is not found.
func (s *server) routes() (http.Handler, []string) {
	m := &mux{ServeMux: http.NewServeMux()}
	m.Handle("GET /{$}", http.RedirectHandler("/reports", http.StatusSeeOther))
	m.Handle("GET /reports", s.page(reports))
	m.Handle("GET /reports/new", s.page(intakeForm))
	m.Handle("POST /reports/new", s.page(intakePost))
	m.Handle("GET /reports/{id}", s.page(oneReport))
	m.Handle("GET /search", s.page(search))
	m.Handle("GET /objects/{id}", s.page(object))
	m.Handle("GET /objects/{id}/graph", s.page(graph))
	if s.opt.Releases != nil {
		m.Handle("GET /reports/{id}/share", s.page(share))
		m.Handle("GET /objects/{id}/why", s.page(why))
	}
	m.Handle("GET /sources", s.page(sources))
	m.Handle("POST /sources", s.page(setSource))
	if s.opt.Audits != nil {
		m.Handle("GET /audit", s.page(auditList))
		m.Handle("GET /audit/{id}", s.page(auditEntry))
	}
	m.Handle("GET /assets/{name}", s.assets)
	if s.opt.Door != nil && s.opt.Account != nil {
		s.accountRoutes(m)
	}
	m.Handle("/", s.page(nowhere))
	return secured(m), m.patterns
}

// mux is a multiplexer that knows its patterns.
type mux struct {
	*http.ServeMux
	patterns []string
}

// Handle registers a handler.
func (m *mux) Handle(pattern string, h http.Handler) {
	m.patterns = append(m.patterns, pattern)
	m.ServeMux.Handle(pattern, h)
}
