package node

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"casus/internal/edge/api"
	"casus/internal/fault"
)

// listenLocal listens on a loopback port; port and token stand in casus.port,
// which only its owner may read.
func listenLocal(ctx context.Context, dir string) (net.Listener, func(http.Handler) http.Handler, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, fault.Errorf(fault.Unavailable, "node: local port: %w", err)
	}
	token := rand.Text()
	if err := os.WriteFile(filepath.Join(dir, "casus.port"), []byte(l.Addr().String()+"\n"+token+"\n"), 0o600); err != nil {
		_ = l.Close()
		return nil, nil, fault.Errorf(fault.Unavailable, "node: local port: %w", err)
	}
	return l, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if subtle.ConstantTimeCompare([]byte(r.Header.Get("Casus-Local")), []byte(token)) != 1 {
				api.Refuse(w, http.StatusUnauthorized, "sign-in", fault.WithHint(
					fault.Errorf(fault.Denied, "node: the local port asks for its token"), "the token is in casus.port in the data directory"))
				return
			}
			next.ServeHTTP(w, r)
		})
	}, nil
}

// leaveLocal makes the port unfindable.
func leaveLocal(dir string) { _ = os.Remove(filepath.Join(dir, "casus.port")) }

func localPort(dir string) (addr, token string, err error) {
	b, err := os.ReadFile(filepath.Join(dir, "casus.port"))
	if err != nil {
		return "", "", err
	}
	addr, token, _ = strings.Cut(strings.TrimSpace(string(b)), "\n")
	return addr, token, nil
}

// dialLocal connects to whoever has the directory open.
func dialLocal(ctx context.Context, dir string) (net.Conn, error) {
	addr, _, err := localPort(dir)
	if err != nil {
		return nil, err
	}
	var d net.Dialer
	return d.DialContext(ctx, "tcp", addr)
}

// localHeader adds the token of the local port.
func localHeader(dir string, h http.Header) error {
	_, token, err := localPort(dir)
	if err == nil {
		h.Set("Casus-Local", token)
	}
	return err
}
