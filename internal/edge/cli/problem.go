package cli

import (
	"encoding/json/v2"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"casus/internal/eventlog"
	"casus/internal/fault"
)

// told is an error as --json tells it, one line on stderr. Title and kind are as
// in the problems of the API; a reader that does not know a kind goes by exit.
//
// Source: rfc9457 §3.1.
type told struct {
	Type   string `json:"type"`            // "about:blank": kind says what there is to tell apart
	Kind   string `json:"kind"`            // a kind of the API's, or usage, partly, damaged, pending, interrupted
	Title  string `json:"title"`           // what happened
	Detail string `json:"detail,omitzero"` // what to do about it
	Status int    `json:"status,omitzero"` // HTTP status, when a node answered with one
	Exit   int    `json:"exit"`            // exit code
}

// answered is an error that a node told, with the status of its answer.
type answered struct {
	error
	status int
}

// Unwrap returns the error.
func (a *answered) Unwrap() error { return a.error }

// content marks an error about what was handed in: that it cannot be read makes
// the command no wrong one. Else what is invalid is an argument or a flag.
func content(err error) error {
	if _, ok := errors.AsType[*coded](err); ok || err == nil || fault.KindOf(err) != fault.Invalid {
		return err
	}
	return &coded{exitFailed, err}
}

// reading makes c a command that reads files: see [content].
func reading(c *cobra.Command) *cobra.Command {
	run := c.RunE
	c.RunE = func(cmd *cobra.Command, args []string) error { return content(run(cmd, args)) }
	return c
}

// codeOf returns the exit code for an error.
func codeOf(err error) int {
	if c, ok := errors.AsType[*coded](err); ok {
		return c.code
	}
	if errors.Is(err, eventlog.ErrDamaged) {
		return exitVerify
	}
	switch fault.KindOf(err) {
	case fault.Denied:
		return exitRefused
	case fault.NotFound, fault.Withheld:
		return exitNotFound
	case fault.Invalid:
		return exitUsage
	case fault.Internal, fault.Conflict, fault.Unavailable:
	}
	return exitFailed
}

// kindOf names what an error is about.
func kindOf(code int, err error) string {
	switch code {
	case exitUsage:
		return "usage"
	case exitPartly:
		return "partly"
	case exitSignIn:
		return "sign-in"
	case exitNotFound:
		return fault.NotFound.String()
	case exitVerify:
		return "damaged"
	case exitPending:
		return "pending"
	case exitSignal:
		return "interrupted"
	}
	return fault.KindOf(err).String()
}

// tell says an error on stderr, for people, or as one line of JSON.
func (a *app) tell(code int, err error) {
	text, hint := fault.Text(err), fault.HintOf(err)
	if !a.json {
		_, _ = fmt.Fprintf(a.stderr, "casus: %s\n", plain(text))
		if hint != "" {
			_, _ = fmt.Fprintf(a.stderr, "  hint: %s\n", plain(hint))
		}
		return
	}
	p := told{Type: "about:blank", Kind: kindOf(code, err), Title: text, Detail: hint, Exit: code}
	if x, ok := errors.AsType[*answered](err); ok {
		p.Status = x.status
	}
	if b, err := json.Marshal(p); err == nil { // texts and numbers always can be written
		_, _ = fmt.Fprintf(a.stderr, "%s\n", escaped(string(b)))
	}
}

// asksJSON reports whether a command line asks for JSON, though it is wrong and
// was not read to its end.
func asksJSON(args []string) bool {
	if i := slices.Index(args, "--"); i >= 0 {
		args = args[:i]
	}
	return slices.Contains(args, "--json") || slices.Contains(args, "--json=true")
}
