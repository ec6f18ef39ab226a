package node

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"casus/internal/core/report"
	"casus/internal/edge/api"
	"casus/internal/edge/cli"
	"casus/internal/edge/taxiiserver"
	"casus/internal/edge/web"
	"casus/internal/fault"
	"casus/internal/people"
)

// Version is the program's version.
const Version = "0.1.0"

// API returns the JSON API; local says that only the owner of the files can
// call it.
func (n *Node) API(local bool, log *slog.Logger) http.Handler {
	return api.New(api.Options{Reads: n, Releases: n, Arrivals: n, Writes: n, Keeper: n, Collections: n, People: n, Tokens: n, Audits: n, Credentials: n, Rules: n, Privacy: n, Local: local, Log: log, Version: Version})
}

// pages adapts a node to what pages ask for.
type pages struct{ *Node }

// Object implements web.Reads.
func (p pages) Object(ctx context.Context, id string) (report.Object, error) {
	return p.Node.Object(ctx, id, true)
}

// Import implements web.Writes.
func (p pages) Import(ctx context.Context, req report.Request, name string, body io.Reader, progress func(report.Progress)) (report.Result, error) {
	if req.Name == "" {
		req.Name = name
	}
	return p.Node.Import(ctx, req, body, progress)
}

// Handler returns pages, API and metrics for a browser on this machine: who
// calls must have the operator token and name this machine as the host.
func (n *Node) Handler(token string, log *slog.Logger) (http.Handler, error) {
	h, refuse, err := n.faces(log)
	if err != nil {
		return nil, err
	}
	return hostOnly(people.ThisMachine, refuse, sameOrigin(refuse, n.operator(token, refuse, h))), nil
}

// faces returns pages, API and metrics for browsers that were let come here, and
// how the others are refused.
func (n *Node) faces(log *slog.Logger) (http.Handler, refusal, error) {
	faces, err := n.drawn(log)
	if err != nil {
		return nil, nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/api/v1/", n.API(false, log))
	mux.Handle("/metrics", n.metrics())
	exchange := n.TAXII(log)
	mux.Handle(taxiiserver.Prefix, exchange)
	mux.Handle(strings.TrimSuffix(taxiiserver.Prefix, "/"), exchange) // else it would be redirected
	mux.Handle("/", faces)
	refuse := n.noting(refused(faces))
	return n.identified(false, refuse, mux), refuse, nil
}

// drawn returns the pages.
func (n *Node) drawn(log *slog.Logger) (*web.Pages, error) {
	p := pages{n}
	tmp := ""
	if n.cfg.Dir != "" {
		tmp = filepath.Join(n.cfg.Dir, "tmp")
		if err := os.MkdirAll(tmp, 0o700); err != nil {
			return nil, fault.Errorf(fault.Unavailable, "node: %w", err)
		}
	}
	var asking web.Passkeys
	if n.passkeys != nil {
		asking = n
	}
	var elsewhere web.Elsewhere
	if n.oidc != nil {
		elsewhere = n
	}
	return web.New(p, p, web.Options{
		Clock: n.cfg.Clock, Exercise: n.cfg.Exercise, Log: log, TempDir: tmp, Door: n, Account: n, Passkeys: asking, Elsewhere: elsewhere, Releases: n, Audits: n,
		Highest: func(ctx context.Context, ids []string) (web.Marking, error) {
			label, exercise, err := n.view.Highest(ctx, n.readerFor(ctx), ids)
			return web.Marking{TLP: label, Exercise: exercise}, err
		},
	})
}

// metrics gives whole-node counters to who keeps the node.
func (n *Node) metrics() http.Handler {
	reg := prometheus.NewRegistry()
	for _, name := range []string{"log_entries", "view_lag_entries", "view_bytes", "receipts", "reports", "quarantined", "policy_alarms"} {
		reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "casus", Name: name, Help: strings.ReplaceAll(name, "_", " ")}, func() float64 {
			sizes, err := n.Sizes(context.Background())
			if err != nil {
				return -1
			}
			return float64(sizes[name])
		}))
	}
	all := promhttp.HandlerFor(reg, promhttp.HandlerOpts{})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := n.may(r.Context(), keeps); err != nil {
			api.Refuse(w, http.StatusForbidden, "denied", err)
			return
		}
		all.ServeHTTP(w, r)
	})
}

// Serve answers on an address and on the socket until ctx ends. An address that
// others reach is served over TLS, and only once there are people to sign in.
// ready is called with what to open once it listens.
func (n *Node) Serve(ctx context.Context, o cli.ServeOptions, log *slog.Logger, ready func(cli.Serving)) error {
	if o.Name == "" && !o.ACME && o.Cert == "" && o.Key == "" {
		return n.serveHere(ctx, o, log, ready)
	}
	if err := checkName(o.Name); err != nil {
		return err
	}
	if n.people.Empty() {
		return fault.WithHint(fault.Errorf(fault.Conflict, "node: there is nobody who could sign in from elsewhere"), "add the first person with: casus user add")
	}
	cfg, fingerprint, err := n.tlsConfig(o)
	if err != nil {
		return err
	}
	l, err := listen(ctx, o.Listen)
	if err != nil {
		return err
	}
	at := o.Name
	if _, port, err := net.SplitHostPort(l.Addr().String()); err == nil && port != "443" {
		at = net.JoinHostPort(o.Name, port)
	} else if strings.Contains(at, ":") {
		at = "[" + at + "]"
	}
	if net.ParseIP(o.Name) == nil {
		if n.passkeys, err = people.NewPasskeys(n.people, "https://"+at); err != nil {
			return errors.Join(err, l.Close())
		}
	}
	if err := n.setElsewhere(o, "https://"+at); err != nil {
		return errors.Join(err, l.Close())
	}
	h, refuse, err := n.faces(log)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	return n.answerBoth(ctx, tls.NewListener(l, cfg), hostOnly(func(host string) bool { return strings.EqualFold(host, o.Name) }, refuse, sameOrigin(refuse, h)), log, func() {
		ready(cli.Serving{URL: "https://" + at + "/", Fingerprint: fingerprint})
	})
}

// issuerWithin is how long the OIDC issuer may take to answer.
const issuerWithin = 10 * time.Second

// setElsewhere lets people sign in by an issuer, who sends them back to origin.
func (n *Node) setElsewhere(o cli.ServeOptions, origin string) (err error) {
	if o.OIDCIssuer == "" {
		return nil
	}
	n.oidc, err = people.NewOIDC(people.Issuer{
		URL: o.OIDCIssuer, ClientID: o.OIDCClient, ClientSecret: o.OIDCSecret, Redirect: origin + "/sign-in/oidc/back",
		HTTP: &http.Client{Timeout: issuerWithin, Transport: http.DefaultTransport},
	})
	return err
}

func listen(ctx context.Context, addr string) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fault.WithHint(fault.Errorf(fault.Unavailable, "node: listen: %w", err), "another program has the port: choose one with --listen")
	}
	return l, nil
}

// serveHere answers to this machine alone, without TLS.
func (n *Node) serveHere(ctx context.Context, o cli.ServeOptions, log *slog.Logger, ready func(cli.Serving)) error {
	if host, _, err := net.SplitHostPort(o.Listen); err != nil || !people.ThisMachine(host) {
		return fault.WithHint(fault.Errorf(fault.Invalid, "node: %s is no loopback address", o.Listen), "use 127.0.0.1:PORT, or serve others over TLS with --name HOST once there are people")
	}
	l, err := listen(ctx, o.Listen)
	if err != nil {
		return err
	}
	origin := "http://" + l.Addr().String()
	if named := byName(l.Addr().String()); named != "" {
		if n.passkeys, err = people.NewPasskeys(n.people, named); err != nil {
			return errors.Join(err, l.Close())
		}
		if !n.people.Empty() {
			origin = named
		}
		if err := n.setElsewhere(o, named); err != nil {
			return errors.Join(err, l.Close())
		}
	} else if err := n.setElsewhere(o, origin); err != nil {
		return errors.Join(err, l.Close())
	}
	url := origin + "/"
	token, err := n.newToken()
	if err != nil {
		return errors.Join(err, l.Close())
	}
	defer func() { _ = os.Remove(filepath.Join(n.cfg.Dir, "operator.token")) }()
	if n.people.Empty() {
		url += "?token=" + token
	}
	h, err := n.Handler(token, log)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	return n.answerBoth(ctx, l, n.toName(byName(l.Addr().String()), h), log, func() { ready(cli.Serving{URL: url}) })
}

// byName returns the origin under which browsers reach an address of this machine by
// a name, as passkeys and the way back from an issuer need; "" when there is none.
func byName(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || host != "127.0.0.1" && host != "::1" { // what localhost is to browsers
		return ""
	}
	return "http://localhost:" + port
}

// toName sends who comes to sign in by an address on to the same page by name: what
// a browser keeps for the one it does not give to the other. Until there are people
// nobody signs in.
func (n *Node) toName(origin string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if origin == "" || err != nil || host == "localhost" || !people.ThisMachine(host) || n.people.Empty() ||
			r.URL.Path != "/sign-in" || r.Method != http.MethodGet && r.Method != http.MethodHead {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		http.Redirect(w, r, origin+"/sign-in?"+r.URL.Query().Encode(), http.StatusSeeOther) //nolint:gosec // to this machine, by the line above
	})
}

// answerBoth answers on a listener, which it closes, and on the socket.
func (n *Node) answerBoth(ctx context.Context, l net.Listener, h http.Handler, log *slog.Logger, ready func()) error {
	stop, err := n.Answer(ctx, log)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	defer stop(ctx)
	var tasks sync.WaitGroup
	run, end := context.WithCancel(ctx)
	tasks.Go(func() { n.keepRetention(run, log) })
	defer func() { end(); tasks.Wait() }()
	ready()
	q := newQuiet(log, n.cfg.Clock)
	return serve(ctx, l, q.refusals(h), q)
}

// leaveWithin is how long running answers have after a request to stop.
const leaveWithin = 5 * time.Second

func newServer(h http.Handler, q *quiet) *http.Server {
	return &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, ErrorLog: q.errorLog()}
}

// serve answers on l until ctx ends, then lets running answers finish.
func serve(ctx context.Context, l net.Listener, h http.Handler, q *quiet) error {
	srv := newServer(h, q)
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	select {
	case err := <-done:
		return fault.Errorf(fault.Unavailable, "node: serve: %w", err)
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveWithin)
	defer cancel()
	if err := srv.Shutdown(end); err != nil {
		return srv.Close()
	}
	return nil
}

// Answer answers on the socket of the data directory until stop is called.
// Others may be at work over the socket by then: stop lets them finish, but
// not for long once wait has ended.
func (n *Node) Answer(ctx context.Context, log *slog.Logger) (stop func(wait context.Context), err error) {
	l, guard, err := listenLocal(ctx, n.cfg.Dir)
	if err != nil {
		return nil, err
	}
	var atWork atomic.Int64
	h := guard(n.identified(true, n.noting(toPrograms), n.API(true, log)))
	srv := newServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		atWork.Add(1)
		defer atWork.Add(-1)
		h.ServeHTTP(w, r)
	}), newQuiet(log, n.cfg.Clock))
	last := &lastCalls{Listener: l}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(last) // it ends with an error always: the listener has left
	}()
	return func(wait context.Context) {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for atWork.Load() > 0 && wait.Err() == nil {
			select {
			case <-tick.C:
			case <-wait.Done():
			}
		}
		// Nobody new finds the socket; who has found it is still let in.
		leaveLocal(n.cfg.Dir)
		last.leave()
		<-done
		end, cancel := context.WithCancel(context.WithoutCancel(wait))
		defer cancel()
		defer context.AfterFunc(wait, func() { time.AfterFunc(leaveWithin, cancel) })()
		if err := srv.Shutdown(end); err != nil {
			_ = srv.Close()
		}
	}, nil
}

// lastCalls is a listener that, once it is to leave, accepts who has connected
// already and ends.
type lastCalls struct{ net.Listener }

func (l *lastCalls) leave() {
	d, ok := l.Listener.(interface{ SetDeadline(t time.Time) error })
	if !ok || d.SetDeadline(time.Now().Add(10*time.Millisecond)) != nil {
		_ = l.Close()
	}
}

// Accept implements net.Listener.
func (l *lastCalls) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, net.ErrClosed
	}
	return conn, err
}
