package node

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"casus/internal/edge/cli"
	"casus/internal/fault"
)

// Host gives commands a node to talk to.
type Host struct {
	// Config is the base of every node that it opens.
	Config Config
}

// Init implements cli.Host.
func (h Host) Init(dir string) error {
	c := h.Config
	c.Dir = dir
	return Init(c)
}

// Connect implements cli.Host: it talks to who serves the directory, and opens
// it otherwise, answering on the socket meanwhile so that a second command
// never meets a lock.
func (h Host) Connect(ctx context.Context, dir string) (*cli.Conn, error) {
	if !Exists(dir) {
		return nil, fault.WithHint(fault.Errorf(fault.NotFound, "%s is no data directory", dir), "make one with: casus init --data %s", dir)
	}
	for try := 0; ; try++ {
		if conn, err := dialLocal(ctx, dir); err == nil {
			_ = conn.Close()
			return &cli.Conn{Client: client(dir), Served: true, Close: func() error { return nil }}, nil
		}
		c := h.Config
		c.Dir = dir
		n, err := Open(ctx, c)
		if err == nil {
			return h.own(ctx, n, dir)
		}
		if fault.KindOf(err) != fault.Unavailable || try >= 50 || ctx.Err() != nil {
			return nil, err
		}
		// Another command has just opened or is just leaving: try its socket.
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (h Host) own(ctx context.Context, n *Node, dir string) (*cli.Conn, error) {
	stop, err := n.Answer(ctx, nil)
	if err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return &cli.Conn{Client: client(dir), Close: func() error {
		stop()
		return n.Close()
	}}, nil
}

// client talks over the socket of dir.
func client(dir string) *http.Client {
	return &http.Client{Transport: local{dir, &http.Transport{
		DialContext:        func(ctx context.Context, _, _ string) (net.Conn, error) { return dialLocal(ctx, dir) },
		DisableCompression: true,
	}}}
}

type local struct {
	dir  string
	next http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (l local) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := localHeader(l.dir, r.Header); err != nil {
		return nil, err
	}
	return l.next.RoundTrip(r)
}

// Serve implements cli.Host.
func (h Host) Serve(ctx context.Context, dir, addr string, exercise bool, log *slog.Logger, ready func(url string)) error {
	if !Exists(dir) {
		return fault.WithHint(fault.Errorf(fault.NotFound, "%s is no data directory", dir), "make one with: casus init --data %s", dir)
	}
	if conn, err := dialLocal(ctx, dir); err == nil {
		_ = conn.Close()
		return fault.WithHint(fault.Errorf(fault.Conflict, "%s is in use by another casus", dir), "stop it first, or wait until its command has ended")
	}
	c := h.Config
	c.Dir, c.Exercise = dir, c.Exercise || exercise
	n, err := Open(ctx, c)
	if err != nil {
		return err
	}
	return errors.Join(n.Serve(ctx, addr, log, ready), n.Close())
}

// Version implements cli.Host.
func (Host) Version() string { return Version }
