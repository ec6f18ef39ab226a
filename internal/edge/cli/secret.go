package cli

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/term"

	"casus/internal/fault"
)

// maxSecretBytes bounds a line with a secret.
const maxSecretBytes = 4096

// secret asks for a secret on a terminal, without showing it, and else reads a
// line of stdin. Nothing is asked twice in one command but by another call.
func (a *app) secret(prompt string) (string, error) {
	if f, ok := a.stdin.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		_, _ = fmt.Fprintf(a.stderr, "%s: ", prompt)
		b, err := term.ReadPassword(int(f.Fd()))
		_, _ = fmt.Fprintln(a.stderr)
		if err != nil {
			return "", fault.Errorf(fault.Unavailable, "cli: %s: %w", prompt, err)
		}
		return string(b), nil
	}
	if a.lines == nil {
		a.lines = bufio.NewReaderSize(io.LimitReader(a.stdin, 4*maxSecretBytes), maxSecretBytes)
	}
	line, err := a.lines.ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fault.Errorf(fault.Unavailable, "cli: %s: %w", prompt, err)
	}
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		return "", usage("%s: give it on stdin, as a line", prompt)
	}
	return line, nil
}

// tokenFile is where the token of casus login for the data directory is kept.
func (a *app) tokenFile() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fault.WithHint(fault.Errorf(fault.Unavailable, "cli: %w", err), "set CASUS_TOKEN instead")
	}
	data, _ := a.data()
	sum := sha256.Sum256([]byte(data))
	return filepath.Join(dir, "casus", hex.EncodeToString(sum[:8])+".token"), nil
}

// token returns what this command acts by: CASUS_TOKEN over what casus login
// kept. Empty is nobody.
func (a *app) token() (string, error) {
	if t := a.getenv("CASUS_TOKEN"); t != "" {
		return t, nil
	}
	name, err := a.tokenFile()
	if err != nil {
		return "", nil // without such a directory nothing was kept there
	}
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fault.Errorf(fault.Unavailable, "cli: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}

// keepToken keeps a token for later commands, readable by this user alone; an
// empty one takes it away.
func (a *app) keepToken(token string) error {
	name, err := a.tokenFile()
	if err != nil {
		return err
	}
	if token == "" {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fault.Errorf(fault.Unavailable, "cli: %w", err)
		}
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return fault.Errorf(fault.Unavailable, "cli: %w", err)
	}
	// A file that is there keeps its permissions when it is written: it is made anew.
	_ = os.Remove(name)
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fault.Errorf(fault.Unavailable, "cli: %w", err)
	}
	_, err = f.WriteString(token + "\n")
	if err = errors.Join(err, f.Close()); err != nil {
		return fault.Errorf(fault.Unavailable, "cli: %w", err)
	}
	return nil
}
