package node

import (
	"context"
	"log"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// What strangers can make a node write down is bounded: as many lines at once, and
// then one in so long.
const (
	quietBurst = 20
	quietEvery = time.Second
	// quietBytes bounds a line; a stack is longer, and its head is what tells.
	quietBytes = 4096
)

// quiet is a log that writes no more lines than it may, and says how many it left
// out.
type quiet struct {
	next  *slog.Logger
	clock func() time.Time

	mu   sync.Mutex // guards the fields below
	full time.Time  // when all lines may be written again
	left int        // lines left out since the last one
}

// line writes a line, or leaves it out.
func (q *quiet) line(ctx context.Context, text string, attrs ...slog.Attr) {
	q.mu.Lock()
	now := q.clock()
	if q.full.Before(now) {
		q.full = now
	}
	if q.full.Sub(now) > (quietBurst-1)*quietEvery {
		q.left++
		q.mu.Unlock()
		return
	}
	q.full = q.full.Add(quietEvery)
	left := q.left
	q.left = 0
	q.mu.Unlock()
	if left > 0 {
		attrs = append(attrs, slog.Int("left_out", left))
	}
	q.next.LogAttrs(ctx, slog.LevelWarn, text[:min(len(text), quietBytes)], attrs...)
}

// Write implements io.Writer for what the server of HTTP has to say: handshakes
// that fail, and panics.
func (q *quiet) Write(b []byte) (int, error) {
	q.line(context.Background(), strings.TrimSpace(string(b)))
	return len(b), nil
}

// errorLog is the log of a server of HTTP.
func (q *quiet) errorLog() *log.Logger { return log.New(q, "", 0) }

// newQuiet bounds a log; nil discards.
func newQuiet(next *slog.Logger, clock func() time.Time) *quiet {
	if next == nil {
		next = slog.New(slog.DiscardHandler)
	}
	return &quiet{next: next, clock: clock}
}

// refusals writes down who was not let through: the status, the kind of thing that
// was asked for and from where. Names, ids and questions are left out: they may say
// more than who reads the log may know.
func (q *quiet) refusals(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := &statusWriter{ResponseWriter: w}
		next.ServeHTTP(s, r)
		if slices.Contains([]int{http.StatusUnauthorized, http.StatusForbidden, http.StatusMisdirectedRequest, http.StatusTooManyRequests}, s.status) {
			host, _, err := net.SplitHostPort(r.RemoteAddr)
			if err != nil {
				host = "socket"
			}
			q.line(r.Context(), "refused", slog.Int("status", s.status), slog.String("method", method(r.Method)), slog.String("at", area(r.URL.Path)), slog.String("from", host))
		}
	})
}

// area returns the beginning of a path that says what kind of thing was asked for.
func area(path string) string {
	parts := strings.SplitN(strings.TrimPrefix(path, "/"), "/", 4)
	n := 1
	if parts[0] == "api" {
		n = 3
	}
	out := ""
	for _, part := range parts[:min(n, len(parts))] {
		if part == "" || len(part) > 24 || strings.Trim(part, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return out + "/?"
		}
		out += "/" + part
	}
	return out
}

// method returns a method of HTTP, or that it is another.
func method(m string) string {
	if slices.Contains([]string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}, m) {
		return m
	}
	return "?"
}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (s *statusWriter) WriteHeader(status int) {
	if s.status == 0 {
		s.status = status
	}
	s.ResponseWriter.WriteHeader(status)
}

// Flush implements http.Flusher, for answers that come in pieces.
func (s *statusWriter) Flush() {
	if f, ok := s.ResponseWriter.(http.Flusher); ok {
		f.Flush()
	}
}

// Unwrap lets http.ResponseController through.
func (s *statusWriter) Unwrap() http.ResponseWriter { return s.ResponseWriter }
