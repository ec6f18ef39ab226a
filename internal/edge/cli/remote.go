package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"casus/internal/core/report"
	"casus/internal/fault"
)

// remote calls the API of a node.
type remote struct {
	app  *app
	conn *Conn
	// nobody is set to call without a token.
	nobody bool
}

// kinds of error by the names that the API gives them.
var kinds = map[string]fault.Kind{
	"invalid": fault.Invalid, "denied": fault.Denied, "not-found": fault.NotFound,
	"conflict": fault.Conflict, "unavailable": fault.Unavailable, "internal": fault.Internal,
}

type problem struct {
	Status int    `json:"status"`
	Kind   string `json:"kind"`
	Title  string `json:"title"`
	Hint   string `json:"hint"`
	// Detail and errors are what the checks before the handlers say.
	Detail string `json:"detail"`
	Errors []struct {
		Message  string `json:"message"`
		Location string `json:"location"`
	} `json:"errors"`
}

func (p problem) fault() error {
	text := p.Title
	if p.Kind == "" && p.Detail != "" {
		p.Kind, text = "invalid", p.Detail
		for _, e := range p.Errors {
			text += ": " + e.Location + ": " + e.Message
		}
	}
	if p.Kind == "sign-in" {
		return signIn(fault.Errorf(fault.Denied, "%s", text))
	}
	err := fault.Errorf(kinds[p.Kind], "%s", text)
	if p.Hint != "" {
		err = fault.WithHint(err, "%s", p.Hint)
	}
	return err
}

func (r *remote) do(ctx context.Context, method, path string, q url.Values, body io.Reader, header http.Header) (*http.Response, error) {
	u := "http://localhost/api/v1" + path
	if len(q) > 0 {
		u += "?" + q.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, u, body)
	if err != nil {
		return nil, fault.Errorf(fault.Internal, "cli: %w", err)
	}
	maps.Copy(req.Header, header)
	if !r.nobody {
		token, err := r.app.token()
		if err != nil {
			return nil, err
		}
		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
	}
	resp, err := r.conn.Client.Do(req)
	if err != nil {
		return nil, fault.Errorf(fault.Unavailable, "cli: the node does not answer: %w", err)
	}
	if resp.StatusCode < 300 {
		return resp, nil
	}
	defer func() { _ = resp.Body.Close() }()
	raw, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	var p problem
	if err := json.Unmarshal(raw, &p); err != nil || p.Title == "" && p.Detail == "" {
		return nil, fault.Errorf(fault.Unavailable, "cli: the node answered %s: %.200s", resp.Status, raw)
	}
	return nil, &answered{p.fault(), resp.StatusCode}
}

// get asks a question whose answer is JSON.
func (r *remote) get(ctx context.Context, path string, q url.Values, out any) error {
	return r.call(ctx, http.MethodGet, path, q, nil, nil, out)
}

func (r *remote) call(ctx context.Context, method, path string, q url.Values, body io.Reader, header http.Header, out any) error {
	resp, err := r.do(ctx, method, path, q, body, header)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if err := json.UnmarshalRead(resp.Body, out); err != nil {
		return fault.Errorf(fault.Internal, "cli: the node's answer: %w", err)
	}
	return nil
}

// send writes a JSON body.
func (r *remote) send(ctx context.Context, method, path string, in, out any) error {
	b, err := json.Marshal(in)
	if err != nil {
		return fault.Errorf(fault.Internal, "cli: %w", err)
	}
	return r.call(ctx, method, path, nil, bytes.NewReader(b), http.Header{"Content-Type": {"application/json"}}, out)
}

// follow does long work and shows how far it is.
func (r *remote) follow(ctx context.Context, path string, q url.Values, body io.Reader, typ string, out any) error {
	resp, err := r.do(ctx, http.MethodPost, path, q, body, http.Header{"Accept": {"text/event-stream"}, "Content-Type": {typ}})
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	bar := r.app.newBar()
	defer bar.end()
	lines := bufio.NewReaderSize(resp.Body, 64<<10)
	event := ""
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			if errors.Is(err, io.EOF) {
				return fault.Errorf(fault.Unavailable, "cli: the node broke off; what it had acknowledged is kept, the same command goes on from there")
			}
			return fault.Errorf(fault.Unavailable, "cli: the node does not answer: %w", err)
		}
		line = strings.TrimSpace(line)
		if name, ok := strings.CutPrefix(line, "event: "); ok {
			event = name
		}
		data, ok := strings.CutPrefix(line, "data: ")
		if !ok {
			continue
		}
		switch event {
		case "progress":
			var p report.Progress
			if err := json.Unmarshal([]byte(data), &p); err == nil {
				bar.show(p, data)
			}
		case "error":
			var p problem
			if err := json.Unmarshal([]byte(data), &p); err != nil {
				return fault.Errorf(fault.Internal, "cli: the node's answer: %w", err)
			}
			return &answered{p.fault(), p.Status}
		case "result":
			if err := json.Unmarshal([]byte(data), out); err != nil {
				return fault.Errorf(fault.Internal, "cli: the node's answer: %w", err)
			}
			return nil
		}
	}
}

// bar is a line of progress on a terminal, or events of JSON.
type bar struct {
	app   *app
	tty   bool
	shown bool
}

func (a *app) newBar() *bar {
	return &bar{app: a, tty: isTerminal(a.stderr) && a.getenv("TERM") != "dumb"}
}

func (b *bar) show(p report.Progress, raw string) {
	switch {
	case b.app.json:
		_, _ = fmt.Fprintf(b.app.stderr, "{\"progress\":%s}\n", escaped(raw))
	case b.tty:
		b.shown = true
		_, _ = fmt.Fprintf(b.app.stderr, "\r\x1b[K%s", progressLine(p))
	}
}

func progressLine(p report.Progress) string {
	t := ""
	if p.TotalFiles > 1 {
		t = fmt.Sprintf("%d of %d files, ", p.Files, p.TotalFiles)
	}
	if p.TotalBytes > 0 {
		t += fmt.Sprintf("%d %%, ", 100*p.Bytes/p.TotalBytes)
	}
	t += fmt.Sprintf("%d objects", p.Objects)
	if p.Quarantined > 0 {
		t += fmt.Sprintf(", %d set aside", p.Quarantined)
	}
	if p.Name != "" {
		t += ": " + clean([]string{p.Name})[0]
	}
	return t
}

func (b *bar) end() {
	if b.shown {
		_, _ = fmt.Fprint(b.app.stderr, "\r\x1b[K")
	}
}
