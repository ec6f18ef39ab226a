package web

import (
	"bytes"
	"compress/gzip"
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"casus/internal/fault"
)

// contentPolicy lets a page load what the node serves and nothing else, and
// run no script but the embedded one.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; " +
	"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// secured sets the headers every answer carries.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		// Not "no-referrer": browsers then post forms with the origin "null",
		// which a cross-origin check refuses.
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// call is one request for a page.
type call struct {
	*server
	out http.ResponseWriter // for cookies alone
	req *http.Request
	f   *frame
}

func (c *call) ctx() context.Context { return c.req.Context() }

// query returns a query parameter, cut to what any of them can need.
func (c *call) query(name string) (string, error) {
	v := strings.TrimSpace(c.req.URL.Query().Get(name))
	if len(v) > maxQueryBytes {
		return "", fault.WithHint(fault.Errorf(fault.Invalid, "web: %s: %d bytes, at most %d", name, len(v), maxQueryBytes),
			"shorten what you search for, or hand it in as a report to have everything in it matched")
	}
	return v, nil
}

// maxQueryBytes bounds what a query parameter may hold.
const maxQueryBytes = 4096

// page is what a handler answers with: the name of its template and its data.
type page interface {
	template() string
}

// see is an answer that sends the browser on.
type see struct{ to string }

func (see) template() string { return "" }

// handler answers one kind of request.
type handler func(c *call) (page, error)

// page wraps h: it frames the page, calls h, maps a kind of error to a status
// and writes the answer whole, so that a page that cannot be drawn is an error
// page and not half a page.
func (s *server) page(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &call{server: s, out: w, req: r, f: s.newFrame(w, r)}
		p, err := h(c)
		if to, ok := p.(see); ok && err == nil {
			http.Redirect(w, r, to.to, http.StatusSeeOther)
			return
		}
		if _, ok := p.(told); ok && err == nil {
			return
		}
		status, body := c.draw(p, err)
		if body == nil {
			http.Error(w, "500", http.StatusInternalServerError)
			return
		}
		write(w, r, status, body)
	})
}

// draw draws p, or the page that tells err or that p cannot be drawn, and returns
// its status; nil when not even that can.
func (c *call) draw(p page, err error) (status int, body []byte) {
	status = http.StatusOK
	if own, ok := p.(interface{ status() int }); ok && err == nil {
		status = own.status()
	}
	if err != nil {
		status, p = c.failed(c, err)
	}
	var b bytes.Buffer
	if err := c.tmpl.execute(&b, p); err != nil {
		c.opt.Log.LogAttrs(c.ctx(), slog.LevelError, "page not drawn", slog.String("template", p.template()), slog.Any("err", err))
		b.Reset()
		status, p = c.failed(c, fault.Errorf(fault.Internal, "web: %s: %w", p.template(), err))
		if err := c.tmpl.execute(&b, p); err != nil {
			return status, nil
		}
	}
	return status, visible(b.Bytes())
}

// write sends a page, compressed where the browser takes that.
func write(w http.ResponseWriter, r *http.Request, status int, body []byte) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Vary", "Accept-Encoding, Cookie")
	const worthwhile = 1400 // bytes that fit one packet are sent as they are
	if len(body) > worthwhile && takesGzip(r) {
		var z bytes.Buffer
		g, err := gzip.NewWriterLevel(&z, gzip.BestSpeed)
		if err == nil {
			_, err = g.Write(body)
		}
		if err == nil && g.Close() == nil {
			w.Header().Set("Content-Encoding", "gzip")
			body = z.Bytes()
		}
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the browser is gone; there is nobody to tell
	}
}

func takesGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, q, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.EqualFold(name, "gzip") && strings.TrimSpace(q) != "q=0" {
			return true
		}
	}
	return false
}

// faultPage says that something is not to be had, and what to do.
type faultPage struct {
	*frame
	Status     int
	Head, Text string
	// Cause and Hint are in English whatever the page's language, since they
	// come from below the faces.
	Cause, Hint string
}

func (*faultPage) template() string { return "fault" }

func (p *faultPage) status() int { return p.Status }

// failed turns err into a status and a page. An object that is withheld gives
// the very page of one that is not there; an internal cause is logged only.
func (s *server) failed(c *call, err error) (int, page) {
	kind := fault.KindOf(err)
	status, key := http.StatusInternalServerError, "internal"
	tell := true
	switch kind {
	case fault.Invalid:
		status, key = http.StatusBadRequest, "invalid"
	case fault.Denied:
		status, key = http.StatusForbidden, "denied"
	case fault.Withheld, fault.NotFound:
		status, key, tell = http.StatusNotFound, "notfound", false
	case fault.Conflict:
		status, key = http.StatusConflict, "conflict"
	case fault.Unavailable:
		status, key = http.StatusServiceUnavailable, "unavailable"
	case fault.Internal:
		tell = false
		s.opt.Log.LogAttrs(c.ctx(), slog.LevelError, "request failed", slog.String("path", c.req.URL.Path), slog.Any("err", err))
	}
	f := s.blankFrame(c)
	p := &faultPage{frame: f, Status: status, Head: f.T("fault." + key), Text: f.T("fault." + key + ".text")}
	f.Title = p.Head
	if tell {
		p.Cause, p.Hint = fault.Text(err), fault.HintOf(err)
	}
	return status, p
}

// Refuse draws the page of a request that comes to no page: who asks is not let
// in (status 401), is not to be asked from there (403), asks somebody else (421)
// or too often (429).
func (p *Pages) Refuse(w http.ResponseWriter, r *http.Request, status int, err error) {
	s := p.s
	secured(s.page(func(c *call) (page, error) {
		key := "denied"
		switch status {
		case http.StatusUnauthorized:
			key = "signin"
			if s.opt.Door == nil || s.opt.Door.Empty() {
				key = "operator"
			}
		case http.StatusMisdirectedRequest:
			key = "elsewhere"
		case http.StatusTooManyRequests, http.StatusServiceUnavailable:
			key = "unavailable"
		}
		f := s.blankFrame(c)
		f.Bare = true
		f.Title = f.T("fault." + key)
		page := &faultPage{frame: f, Status: status, Head: f.Title, Text: f.T("fault." + key + ".text")}
		if key == "denied" || key == "unavailable" { // the words of the others say all
			page.Cause, page.Hint = fault.Text(err), fault.HintOf(err)
		}
		return page, nil
	})).ServeHTTP(w, r)
}

// nowhere answers for addresses that do not exist.
func nowhere(c *call) (page, error) {
	return nil, fault.Errorf(fault.NotFound, "web: %s: no such page", c.req.URL.Path)
}

// at joins an address and a query; pairs with an empty value are left out.
func at(path string, pairs ...string) string {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

func reportPath(id string) string { return "/reports/" + url.PathEscape(id) }
func objectPath(id string) string { return "/objects/" + url.PathEscape(id) }
