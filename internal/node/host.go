package node

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"casus/internal/core/report"
	"casus/internal/edge/cli"
	"casus/internal/eventlog/pebblelog"
	"casus/internal/fault"
)

// Host gives commands a node to talk to.
type Host struct {
	// Config is the base of every node that it opens.
	Config Config
}

// Init implements cli.Host.
func (h Host) Init(dir string, ceiling report.Ceiling) error {
	c := h.Config
	c.Dir = dir
	return Init(c, ceiling)
}

// Connect implements cli.Host: it talks to who serves the directory, and opens
// it otherwise, answering on the socket meanwhile so that a second command
// never meets a lock.
func (h Host) Connect(ctx context.Context, dir string) (*cli.Conn, error) {
	if err := held(dir); err != nil {
		return nil, err
	}
	w := &way{host: h, dir: dir, tries: tries}
	conn, err := w.dial(ctx)
	if err != nil {
		return nil, err
	}
	_ = conn.Close()
	w.mu.Lock()
	served := w.own == nil
	w.mu.Unlock()
	return &cli.Conn{Client: w.client(), Served: served, Close: func() error { return w.close(ctx) }}, nil
}

// way is how a command talks to the node of a directory. Whoever has the
// directory open may leave at any time; the command then opens it itself.
type way struct {
	host  Host
	dir   string
	tries int // how often it tries to connect
	http  *http.Transport

	mu  sync.Mutex
	own *own // nil while another has the directory open
}

// own is a node that the command opened.
type own struct {
	node *Node
	stop func(wait context.Context)
}

// How long a command tries: another may be just opening or just leaving.
const (
	tries    = 100
	tryAfter = 100 * time.Millisecond
)

// dial connects to who has the directory open, after opening it when nobody
// has.
func (w *way) dial(ctx context.Context) (net.Conn, error) {
	for try := 0; ; try++ {
		conn, noAnswer := dialLocal(ctx, w.dir)
		if noAnswer == nil {
			return conn, nil
		}
		err := w.open(ctx)
		if err == nil {
			continue
		}
		if fault.KindOf(err) != fault.Unavailable || try >= w.tries || ctx.Err() != nil {
			return nil, cutOff(w.dir, err, noAnswer)
		}
		select {
		case <-time.After(tryAfter):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// cutOff returns err, why the directory could not be opened, in the words of
// who wants to use it: when another has it open and cannot be reached,
// noAnswer says why not.
func cutOff(dir string, err, noAnswer error) error {
	switch {
	case !errors.Is(err, pebblelog.ErrInUse):
		return err
	case errors.Is(noAnswer, fs.ErrNotExist):
		return fault.WithHint(fault.Errorf(fault.Unavailable, "another casus has %s open, but its socket there is gone", dir),
			"stop that casus and start it again: it makes the socket anew")
	case errors.Is(noAnswer, fs.ErrPermission):
		return denied(dir)
	}
	return fault.WithHint(fault.Errorf(fault.Unavailable, "another casus has %s open and does not answer: %w", dir, noAnswer),
		"wait until it has started or ended; if it hangs, stop it and start it again")
}

// open opens the directory and answers on its socket.
func (w *way) open(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.own != nil {
		return fault.Errorf(fault.Unavailable, "node: the socket of %s does not answer", w.dir)
	}
	c := w.host.Config
	c.Dir = w.dir
	n, err := Open(ctx, c)
	if err != nil {
		return err
	}
	// After a crash the views may be behind the log: nobody is to be told less
	// than what was acknowledged.
	if err := n.settle(ctx); err != nil {
		return errors.Join(err, n.Close())
	}
	stop, err := n.Answer(ctx, nil)
	if err != nil {
		return errors.Join(err, n.Close())
	}
	w.own = &own{n, stop}
	return nil
}

// close leaves the directory, after what other commands asked of it is done.
func (w *way) close(wait context.Context) error {
	w.http.CloseIdleConnections()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.own == nil {
		return nil
	}
	w.own.stop(wait)
	return w.own.node.Close()
}

// client talks over the socket, by a connection for each request: one that is
// kept would be lost when who answers it leaves.
func (w *way) client() *http.Client {
	w.http = &http.Transport{
		DialContext:        func(ctx context.Context, _, _ string) (net.Conn, error) { return w.dial(ctx) },
		DisableCompression: true,
		DisableKeepAlives:  true,
	}
	return &http.Client{Transport: w}
}

// RoundTrip implements http.RoundTripper.
func (w *way) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := localHeader(w.dir, r.Header); err != nil {
		return nil, err
	}
	return w.http.RoundTrip(r)
}

// Serve implements cli.Host.
func (h Host) Serve(ctx context.Context, dir string, o cli.ServeOptions, log *slog.Logger, ready func(cli.Serving)) error {
	if err := held(dir); err != nil {
		return err
	}
	conn, noAnswer := dialLocal(ctx, dir)
	if noAnswer == nil {
		_ = conn.Close()
		return fault.WithHint(fault.Errorf(fault.Conflict, "%s is in use by another casus", dir), "stop it first, or wait until its command has ended")
	}
	c := h.Config
	c.Dir, c.Exercise = dir, c.Exercise || o.Exercise
	n, err := Open(ctx, c)
	if err != nil {
		return cutOff(dir, err, noAnswer)
	}
	if err := n.settle(ctx); err != nil {
		return errors.Join(err, n.Close())
	}
	return errors.Join(n.Serve(ctx, o, log, ready), n.Close())
}

// Version implements cli.Host.
func (Host) Version() string { return Version }
