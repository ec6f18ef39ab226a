package taxiiserver

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"casus/internal/core/report"
)

// call is one request on its way.
type call struct {
	s    *server
	w    http.ResponseWriter
	r    *http.Request
	c    report.Collection // where the address names one
	id   string            // of the object or status that the address names
	what string            // the resource, as cursors are bound to it
}

func (c *call) ctx() context.Context { return c.r.Context() }

// route is what an address answers to, by method. HEAD is as GET.
type route map[string]func(*call) error

// routes finds the resource of an address: its route, the collection and the id that
// it names, if any.
//
// Source: taxii-2.1 §4, §5.
func (s *server) routes(path []string) (rt route, collection, id, what string) {
	n := len(path)
	at := func(i int, name string) bool { return i < n && path[i] == name }
	switch {
	case n == 0:
		return route{"GET": (*call).discovery}, "", "", ""
	case path[0] != Root:
		return nil, "", "", ""
	case n == 1:
		return route{"GET": (*call).root}, "", "", ""
	case n == 3 && at(1, "status"):
		return route{"GET": (*call).status}, "", path[2], ""
	case !at(1, "collections"):
		return nil, "", "", ""
	case n == 2:
		return route{"GET": (*call).collections}, "", "", ""
	case n == 3:
		return route{"GET": (*call).collection}, path[2], "", ""
	case n == 4 && at(3, "manifest"):
		return route{"GET": (*call).manifest}, path[2], "", "manifest"
	case n == 4 && at(3, "objects"):
		return route{"GET": (*call).objects, "POST": (*call).add}, path[2], "", "objects"
	case n == 5 && at(3, "objects"):
		return route{"GET": (*call).object, "DELETE": (*call).remove}, path[2], path[4], "object " + path[4]
	case n == 6 && at(3, "objects") && at(5, "versions"):
		return route{"GET": (*call).versions}, path[2], path[4], "versions " + path[4]
	}
	return nil, "", "", ""
}

// segments cuts an address below [Prefix] into its parts; false where one is empty or
// badly written. A last slash may be there or not.
func segments(u *url.URL) ([]string, bool) {
	rest, ok := strings.CutPrefix(u.EscapedPath()+"/", Prefix)
	if !ok {
		return nil, false
	}
	rest = strings.TrimSuffix(rest, "/")
	if rest = strings.TrimSuffix(rest, "/"); rest == "" {
		return nil, true
	}
	parts := strings.Split(rest, "/")
	for i, p := range parts {
		var err error
		if parts[i], err = url.PathUnescape(p); err != nil || p == "" {
			return nil, false
		}
	}
	return parts, true
}

// ServeHTTP implements http.Handler.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := s.serve(w, r); err != nil {
		s.fail(w, r, err)
	}
}

func (s *server) serve(w http.ResponseWriter, r *http.Request) error {
	path, ok := segments(r.URL)
	rt, collection, id, what := s.routes(path)
	if !ok || rt == nil {
		return missing("this address")
	}
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	do := rt[method]
	if do == nil {
		var allow []string
		for m := range rt {
			allow = append(allow, m)
			if m == http.MethodGet {
				allow = append(allow, http.MethodHead)
			}
		}
		slices.Sort(allow)
		w.Header().Set("Allow", strings.Join(allow, ", "))
		return refuse(http.StatusMethodNotAllowed, "this address takes "+strings.Join(allow, ", "), "%.20s is not for this address", r.Method)
	}
	if !acceptable(r.Header.Values("Accept")) {
		return refuse(http.StatusNotAcceptable, "ask for "+MediaType, "none of the media types asked for is spoken here")
	}
	c := &call{s: s, w: w, r: r, id: id, what: what}
	if collection != "" {
		var err error
		if c.c, err = s.reads.Collection(r.Context(), collection); err != nil {
			return err
		}
	}
	return do(c)
}

// discovery answers what there is.
func (c *call) discovery() error {
	scheme := "http"
	if c.r.TLS != nil {
		scheme = "https"
	}
	at := scheme + "://" + c.r.Host + Prefix + Root + "/"
	return c.answer(struct {
		Title       string   `json:"title"`
		Description string   `json:"description,omitempty"`
		Contact     string   `json:"contact,omitempty"`
		Default     string   `json:"default"`
		Roots       []string `json:"api_roots"`
	}{c.s.Title, c.s.Description, c.s.Contact, at, []string{at}})
}

// root answers what the API root is.
func (c *call) root() error {
	return c.answer(struct {
		Title       string   `json:"title"`
		Description string   `json:"description,omitempty"`
		Versions    []string `json:"versions"`
		Bytes       int      `json:"max_content_length"`
	}{c.s.Title, c.s.Description, []string{MediaType}, c.s.BodyBytes})
}

// resource is a collection as TAXII writes it.
//
// Source: taxii-2.1 §5.2.1.
type resource struct {
	ID          string   `json:"id"`
	Title       string   `json:"title"`
	Description string   `json:"description,omitempty"`
	Alias       string   `json:"alias,omitempty"`
	CanRead     bool     `json:"can_read"`
	CanWrite    bool     `json:"can_write"`
	MediaTypes  []string `json:"media_types"`
}

// stixType is the media type of an object of a version of STIX.
func stixType(spec string) string { return "application/stix+json;version=" + spec }

func resourceOf(c *report.Collection) resource {
	return resource{c.ID, c.Title, c.Description, c.Alias, c.Readable, c.Writable, []string{stixType("2.0"), stixType("2.1")}}
}

func (c *call) collections() error {
	all, err := c.s.reads.Collections(c.ctx())
	if err != nil {
		return err
	}
	out := struct {
		Collections []resource `json:"collections,omitempty"`
	}{}
	for i := range all {
		out.Collections = append(out.Collections, resourceOf(&all[i]))
	}
	return c.answer(out)
}

func (c *call) collection() error { return c.answer(resourceOf(&c.c)) }
