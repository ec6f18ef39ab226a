// Package fault says what kind of thing went wrong, so that an edge can
// translate an error once: to an HTTP status, a TAXII error or an exit code.
//
// Kinds are few and closed; their numbers are never reused. An error carries at
// most one kind of its own; [KindOf] finds the outermost. The text of an error
// reads "package: what: cause". A [Hint] tells a person what to do next.
package fault

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Kind is the kind of an error. The zero value is [Internal], the safe
// reading of an unknown error: nothing about it is told to the caller.
type Kind uint8

// The kinds. Numbers are never reused.
const (
	// Internal is a bug or a failing disk; its cause is logged, never sent.
	Internal Kind = 0
	// Invalid is input that is not what it should be; it names the place.
	Invalid Kind = 1
	// Denied is an act that marking, role or accord refuses.
	Denied Kind = 2
	// Withheld is an object whose existence is secret; outside it reads
	// exactly as NotFound.
	Withheld Kind = 3
	// NotFound is an object that is not there.
	NotFound Kind = 4
	// Conflict is an act that lost a race or contradicts what is recorded.
	Conflict Kind = 5
	// Unavailable is a thing that may work later: a lock, a full disk, a peer.
	Unavailable Kind = 6
)

var kindNames = [...]string{"internal", "invalid", "denied", "withheld", "not-found", "conflict", "unavailable"}

// String returns the kind's lower-case name.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return kindNames[Internal]
}

// Error is an error with a kind and, for people, a hint.
type Error struct {
	Kind Kind
	// Hint says what to do next; empty means there is nothing useful to say.
	Hint string
	err  error
}

// Error implements error.
func (e *Error) Error() string { return e.err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return errors.Unwrap(e.err) }

// Errorf returns an error of kind k; format and args are as for [fmt.Errorf],
// so %w wraps a cause.
func Errorf(k Kind, format string, args ...any) error {
	return &Error{Kind: k, err: fmt.Errorf(format, args...)}
}

// WithHint returns err with a hint for people; the kind stays. A nil err
// stays nil.
func WithHint(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return &Error{Kind: KindOf(err), Hint: fmt.Sprintf(format, args...), err: hinted{err}}
}

// hinted keeps the text of the error it wraps.
type hinted struct{ err error }

func (h hinted) Error() string { return h.err.Error() }
func (h hinted) Unwrap() error { return h.err }

// KindOf returns the kind of the outermost [Error] in err's chain, Internal
// when there is none.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}

// HintOf returns the outermost hint in err's chain, "" when there is none.
func HintOf(err error) string {
	for err != nil {
		e, ok := errors.AsType[*Error](err)
		if !ok {
			return ""
		}
		if e.Hint != "" {
			return e.Hint
		}
		err = e.Unwrap()
	}
	return ""
}

// speakers are the packages whose names texts of errors begin with.
var speakers = []string{
	"alliance", "api", "attrib", "audit", "demo", "event", "eventlog", "export", "fence", "format", "intake", "kv", "marking", "match",
	"misp", "node", "observable", "pattern", "pebblekv", "pebblelog", "people", "pressure", "privacy", "report", "severity", "stix",
	"taxiiserver", "tlp", "view",
}

// Text returns what an error says to people: without the name of the package that
// its text begins with, which tells them nothing.
func Text(err error) string {
	text := err.Error()
	if name, after, ok := strings.Cut(text, ": "); ok && slices.Contains(speakers, name) {
		return after
	}
	return text
}
