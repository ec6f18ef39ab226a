// Package cli is the command line. Every command is a client of the JSON API:
// of the node that serves the data directory if there is one, else of one that
// the command opens for itself, so both give the same output.
//
// Results go to stdout, talk to stderr. With --json the last line of stdout is
// one JSON value, and an error the last line of stderr, one JSON object: type,
// kind, title, detail, status and exit, see [told]. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 partly done,
// 4 sign-in needed, 5 refused, 6 not found or not released to you, 7
// verification failed, 8 still pending, 130 interrupted.
package cli

import (
	"bufio"
	"context"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"casus/internal/core/report"
	"casus/internal/fault"
)

// Conn is a way to a node.
type Conn struct {
	Client *http.Client
	// Served is set when another process has the directory open.
	Served bool
	Close  func() error
}

// ServeOptions say where and how to serve.
type ServeOptions struct {
	// Listen is the address and port.
	Listen string
	// Name is the host name, or address, that people open. Set, it asks for TLS.
	Name string
	// Cert and Key are PEM files of a certificate; empty means one of the node's
	// own making, or by ACME.
	Cert, Key string
	ACME      bool
	// ACMEDirectory is that of the authority; empty means Let's Encrypt.
	ACMEDirectory string
	// OIDCIssuer is who says who somebody is that has an account elsewhere; empty
	// means nobody. OIDCClient and OIDCSecret are ours there.
	OIDCIssuer, OIDCClient, OIDCSecret string
	// Exercise says that everything on the node is exercise data.
	Exercise bool
}

// Serving tells what to open.
type Serving struct {
	URL string `json:"url"`
	// Fingerprint is the SHA-256 of a certificate that nobody signed, hex.
	Fingerprint string `json:"fingerprint,omitempty"`
}

// Host gives commands a node.
type Host interface {
	// Init makes a data directory whose node takes things in up to a ceiling.
	Init(dir string, ceiling report.Ceiling) error
	// Connect gives a way to the node of a directory.
	Connect(ctx context.Context, dir string) (*Conn, error)
	// Serve serves a directory until ctx ends.
	Serve(ctx context.Context, dir string, o ServeOptions, log *slog.Logger, ready func(Serving)) error
	// Demo loads the story into dir and reports on it; see [DemoResult].
	Demo(ctx context.Context, o DemoOptions) (*DemoResult, error)
	// Bench measures this machine.
	Bench(ctx context.Context, o BenchOptions) (any, error)
	// Version returns the program's version.
	Version() string
}

// Exit codes.
const (
	exitDone     = 0
	exitFailed   = 1
	exitUsage    = 2
	exitPartly   = 3
	exitSignIn   = 4
	exitRefused  = 5
	exitNotFound = 6
	exitVerify   = 7
	exitPending  = 8
	exitSignal   = 130
)

// coded is an error that asks for an exit code.
type coded struct {
	code int
	err  error
}

// Error implements error.
func (c *coded) Error() string { return c.err.Error() }

// Unwrap returns the cause.
func (c *coded) Unwrap() error { return c.err }

// app is what all commands share.
type app struct {
	host           Host
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
	now            func() time.Time
	lines          *bufio.Reader // of stdin, once secrets are read from it
	dir            string
	json           bool
}

// Main runs a command line and returns its exit code.
func Main(host Host, args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	a := &app{host: host, stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv, now: time.Now}
	out := &output{w: os.Stdout}
	a.stdout = out
	root := a.root()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil && out.err != nil {
		err = fault.Errorf(fault.Unavailable, "writing the output: %w", out.err)
	}
	if err != nil && !a.json {
		a.json = codeOf(err) == exitUsage && asksJSON(args)
	}
	if ctx.Err() != nil && err != nil {
		err = &coded{exitSignal, errors.New("interrupted")}
	}
	return a.end(err)
}

// output remembers that a write failed, so that no command can end well whose
// output was lost.
type output struct {
	w   io.Writer
	err error
}

// Write implements io.Writer.
func (o *output) Write(b []byte) (int, error) {
	n, err := o.w.Write(b)
	if err != nil && o.err == nil {
		o.err = err
	}
	return n, err
}

// Root returns the command tree, for manuals.
func Root(host Host) *cobra.Command {
	a := &app{host: host, stdin: strings.NewReader(""), stdout: io.Discard, stderr: io.Discard, getenv: func(string) string { return "" }, now: time.Now}
	return a.root()
}

// end tells an error and gives its exit code.
func (a *app) end(err error) int {
	if err == nil {
		return exitDone
	}
	code := codeOf(err)
	a.tell(code, err)
	return code
}

// say writes a line to stderr.
func (a *app) say(format string, args ...any) {
	_, _ = fmt.Fprintln(a.stderr, plain(fmt.Sprintf(format, args...)))
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "casus",
		Short: "collective cyber defence: reports in, kept for good, matched",
		Long: `Casus takes in reports as STIX, MISP events, CSV, JSON lines, mail and text,
keeps every object byte for byte, and says who else saw the same things.

Results go to stdout, talk to stderr. Exit codes: 0 done, 1 failed, 2 wrong usage,
3 partly done, 4 sign-in needed, 5 refused, 6 not found or not released to you,
7 verification failed, 8 still pending, 130 interrupted. Wrong usage is an argument
or a flag that cannot be meant; a file that cannot be read is a failure.

With --json a result is one line of JSON on stdout, and an error one on stderr, in
the form of RFC 9457: title is what happened, detail what to do, kind what it is
about, status that of a node's answer, exit the exit code. Progress comes on stderr
too, as lines with the one name progress.`,
		Example:       "  casus demo\n  casus init --data node\n  casus import --data node reports/\n  casus search --data node 203.0.113.7",
		SilenceErrors: true, SilenceUsage: true,
		Args: cobra.ArbitraryArgs, // else cobra words the error about an unknown command
	}
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.SetIn(a.stdin)
	root.PersistentFlags().StringVar(&a.dir, "data", "", "data directory (or CASUS_DATA; default casus-data)")
	root.PersistentFlags().BoolVar(&a.json, "json", false, "one line of JSON as the last line of stdout")
	root.SetFlagErrorFunc(wrongFlag)
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddCommand(
		a.initCmd(), a.serveCmd(), a.demoCmd(), a.doctorCmd(), a.versionCmd(), a.completionCmd(),
		a.importCmd(), a.reportCmd(), a.sourceCmd(), a.searchCmd(), a.objectCmd(), a.nodeCmd(), a.exportCmd(), a.warninglistCmd(), a.taxiiCmd(), a.policyCmd(), a.benchCmd(),
		a.privacyCmd(), a.orgCmd(), a.userCmd(), a.auditCmd(), a.tokenCmd(), a.loginCmd(), a.logoutCmd(), a.whoamiCmd(),
	)
	strict(root)
	return root
}

// data returns the data directory: flag over environment over default.
func (a *app) data() (dir, from string) {
	switch {
	case a.dir != "":
		dir, from = a.dir, "--data"
	case a.getenv("CASUS_DATA") != "":
		dir, from = a.getenv("CASUS_DATA"), "CASUS_DATA"
	default:
		dir, from = "casus-data", "default"
	}
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	return dir, from
}

// with runs f with a node.
func (a *app) with(ctx context.Context, f func(*remote) error) (err error) {
	dir, _ := a.data()
	conn, err := a.host.Connect(ctx, dir)
	if err != nil {
		return content(err) // the directory is what is wrong
	}
	defer func() {
		if cerr := conn.Close(); err == nil {
			err = cerr
		}
	}()
	return f(&remote{app: a, conn: conn})
}

// print writes v as JSON when asked, else what text writes.
func (a *app) print(v any, text func(w io.Writer)) error {
	if a.json {
		b, err := json.Marshal(v, json.Deterministic(true), json.FormatNilSliceAsNull(false))
		if err != nil {
			return fault.Errorf(fault.Internal, "cli: %w", err)
		}
		_, err = fmt.Fprintf(a.stdout, "%s\n", escaped(string(b)))
		return err
	}
	var b strings.Builder
	text(&b)
	_, err := io.WriteString(a.stdout, plain(b.String()))
	return err
}

// table writes rows aligned on a terminal, parted by tabs elsewhere.
func (a *app) table(w io.Writer, head []string, rows [][]string) {
	if !isTerminal(a.stdout) {
		for _, r := range rows {
			_, _ = fmt.Fprintln(w, strings.Join(clean(r), "\t"))
		}
		return
	}
	tw := tabwriter.NewWriter(w, 2, 8, 2, ' ', 0)
	_, _ = fmt.Fprintln(tw, strings.Join(head, "\t"))
	for _, r := range rows {
		_, _ = fmt.Fprintln(tw, strings.Join(clean(r), "\t"))
	}
	_ = tw.Flush()
}

// clean takes out of cells what would end them, too.
func clean(cells []string) []string {
	out := make([]string, len(cells))
	for i, c := range cells {
		out[i] = plain(strings.Map(func(r rune) rune {
			if r == '\n' || r == '\t' {
				return ' '
			}
			return r
		}, c))
	}
	return out
}

// plain puts a blank for what received text must not do to a terminal: control
// characters but for line feed and tab, and those that turn the reading direction.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if drives(r) {
			return ' '
		}
		return r
	}, text)
}

// escaped writes JSON as JSON of the same value in which nothing drives a terminal
// or turns the reading direction: outside of texts there is nothing such.
func escaped(text string) string {
	text = strings.ToValidUTF8(text, "\ufffd")
	if !strings.ContainsFunc(text, drives) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if drives(r) {
			_, _ = fmt.Fprintf(&b, "\\u%04x", r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// drives reports whether r is a control character other than line feed and tab, or
// turns the reading direction.
func drives(r rune) bool {
	return r != '\n' && r != '\t' && unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Bidi_Control, r)
}

func isTerminal(w any) bool {
	if o, ok := w.(*output); ok {
		w = o.w
	}
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	st, err := f.Stat()
	return err == nil && st.Mode()&os.ModeCharDevice != 0
}
