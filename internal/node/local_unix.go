//go:build !windows

package node

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"

	"casus/internal/fault"
)

// maxSocketPath is what all systems take as the name of a socket.
const maxSocketPath = 100

// socketPath returns the socket's name. One that is too long for the system is
// reached through the open directory, where the system has such a way.
func socketPath(dir string) (path string, release func(), err error) {
	path = filepath.Join(dir, "casus.sock")
	if len(path) <= maxSocketPath {
		return path, func() {}, nil
	}
	if runtime.GOOS != "linux" {
		return "", nil, fault.WithHint(fault.Errorf(fault.Invalid, "node: %s is too long for a socket", path), "use a data directory with a shorter name")
	}
	d, err := os.Open(dir)
	if err != nil {
		return "", nil, fault.Errorf(fault.Unavailable, "node: %w", err)
	}
	return fmt.Sprintf("/proc/self/fd/%d/casus.sock", d.Fd()), func() { _ = d.Close() }, nil
}

// listenLocal listens on the socket. The directory is locked by now, so a
// socket that is there already is left over.
func listenLocal(ctx context.Context, dir string) (net.Listener, func(http.Handler) http.Handler, error) {
	path, release, err := socketPath(dir)
	if err != nil {
		return nil, nil, err
	}
	_ = os.Remove(path)
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "unix", path)
	if err != nil {
		release()
		return nil, nil, fault.Errorf(fault.Unavailable, "node: socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		release()
		return nil, nil, fault.Errorf(fault.Unavailable, "node: socket: %w", err)
	}
	u, ok := l.(*net.UnixListener)
	if !ok {
		release()
		return nil, nil, fault.Errorf(fault.Internal, "node: socket: %T", l)
	}
	return &releasing{u, release}, func(h http.Handler) http.Handler { return h }, nil
}

type releasing struct {
	*net.UnixListener
	release func()
}

// Close implements net.Listener.
func (r *releasing) Close() error {
	err := r.UnixListener.Close()
	r.release()
	return err
}

// leaveLocal makes the socket unfindable.
func leaveLocal(dir string) { _ = os.Remove(filepath.Join(dir, "casus.sock")) }

// dialLocal connects to whoever has the directory open.
func dialLocal(ctx context.Context, dir string) (net.Conn, error) {
	path, release, err := socketPath(dir)
	if err != nil {
		return nil, err
	}
	defer release()
	var d net.Dialer
	return d.DialContext(ctx, "unix", path)
}

// localHeader adds what the socket asks of a caller: nothing, its permissions
// guard it.
func localHeader(string, http.Header) error { return nil }
