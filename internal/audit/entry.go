package audit

import (
	"slices"
	"strings"
	"time"

	"casus/internal/core/alliance"
	"casus/internal/event"
	"casus/internal/eventlog"
	"casus/internal/fault"
)

// The kinds of entries, as faces name them.
const (
	KindRead    = "read"
	KindRefusal = "refusal"
)

// Entry is an entry of the trail as auditors see it. The names are stable.
type Entry struct {
	ID   string `json:"id"`   // short id, AUD-XXXX-XXXX
	Kind string `json:"kind"` // "read" or "refusal"
	// At is when it happened; Written when it was written to the log.
	At      time.Time `json:"at"`
	Written time.Time `json:"written"`
	// Person, Role and Token say who: by key, never by name. All are empty for
	// somebody who was not signed in.
	Person alliance.Key  `json:"person,omitempty"`
	Role   alliance.Role `json:"role,omitzero"`
	Token  string        `json:"token,omitempty"`
	// Read or Refusal is what happened, by kind.
	Read    *event.Given   `json:"read,omitempty"`
	Refusal *event.Refusal `json:"refusal,omitempty"`
	// Unnamed is set when an object was asked for and the entry may or may not be
	// of it: it does not name all that it counts.
	Unnamed bool `json:"unnamed,omitempty"`
}

// Listing is a part of the trail, newest first.
type Listing struct {
	Entries []Entry `json:"entries"`
	// Next is the cursor of the entries before these, "" when there are none. A page
	// may hold few entries, or none, and still have one before it.
	Next string `json:"next,omitempty"`
}

// Verdict is the outcome of verifying the trail.
type Verdict struct {
	OK bool `json:"ok"`
	// Reads and Refusals count the entries.
	Reads    int `json:"reads"`
	Refusals int `json:"refusals"`
	// Head is the chain digest of the log, hex: written down elsewhere, it shows
	// later that nothing before it was changed.
	Head     string   `json:"head"`
	Problems []string `json:"problems"`
}

// Filter says which entries are asked for. The zero value means all.
type Filter struct {
	// Since and Until bound when it happened; Until is excluded.
	Since, Until time.Time
	// Kind is "read" or "refusal", empty for both.
	Kind string
	// Actor is a person's key, or "nobody".
	Actor string
	// Action is the whole of an entry's action, or the beginning of it.
	Action string
	// Object is the id of an object, a report or a piece set aside.
	Object string
	// Query is what was searched for, as typed.
	Query string
}

// Check says with an Invalid fault what is wrong with the filter.
func (f *Filter) Check() error {
	if f.Kind != "" && f.Kind != KindRead && f.Kind != KindRefusal {
		return fault.Errorf(fault.Invalid, "audit: kind %.40q: want %s or %s", f.Kind, KindRead, KindRefusal)
	}
	if !f.Since.IsZero() && !f.Until.IsZero() && !f.Since.Before(f.Until) {
		return fault.Errorf(fault.Invalid, "audit: the time asked for ends before it begins")
	}
	return nil
}

// Of reads an entry of the log. One that is of another kind, or was erased, is an
// Internal fault.
func Of(id string, st *eventlog.Stored) (Entry, error) {
	h := &st.Header
	e := Entry{ID: id, At: h.EventTime, Written: h.WriteTime}
	if st.Erased {
		return e, fault.Errorf(fault.Internal, "audit: %s: its content is gone", id)
	}
	author, _ := strings.CutPrefix(h.Author, "person:")
	if author != h.Author {
		parts := strings.Split(author, "/")
		e.Person = alliance.Key(parts[0])
		for _, p := range parts[1:] {
			if token, ok := strings.CutPrefix(p, "token:"); ok {
				e.Token = token
			} else if err := e.Role.UnmarshalText([]byte(p)); err != nil {
				return e, err
			}
		}
	}
	switch h.Kind { //nolint:exhaustive // the others are of no trail
	case event.ReadNoted:
		e.Kind, e.Read = KindRead, new(event.Given)
		return e, event.Read(st.Payload, e.Read)
	case event.RefusalNoted:
		e.Kind, e.Refusal = KindRefusal, new(event.Refusal)
		return e, event.Read(st.Payload, e.Refusal)
	}
	return e, fault.Errorf(fault.Internal, "audit: %s: entry %d is %s", id, st.Seq, h.Kind)
}

// Action is what was done or refused.
func (e *Entry) Action() string {
	if e.Read != nil {
		return e.Read.Action
	}
	if e.Refusal != nil {
		return e.Refusal.Action
	}
	return ""
}

// During reports whether the filter asks for what happened at an instant of which
// the seconds are known.
func (f *Filter) During(at time.Time) bool {
	return (f.Since.IsZero() || !at.Before(f.Since.Truncate(time.Second))) && (f.Until.IsZero() || at.Before(f.Until))
}

// Matches reports whether the filter asks for an entry; hash is the keyed hash of
// what was searched for, see [Trail.Hash]. It sets the entry's Unnamed.
func (f *Filter) Matches(e *Entry, hash string) bool {
	switch {
	case f.Kind != "" && f.Kind != e.Kind,
		!f.Since.IsZero() && e.At.Before(f.Since), !f.Until.IsZero() && !e.At.Before(f.Until),
		f.Action != "" && !strings.HasPrefix(e.Action(), f.Action),
		f.Actor == Nobody && e.Person != "", f.Actor != "" && f.Actor != Nobody && string(e.Person) != f.Actor,
		f.Query != "" && (e.Read == nil || e.Read.Query != hash):
		return false
	case f.Object == "":
		return true
	}
	object := event.TraceID(f.Object)
	same := func(id string) bool { return strings.EqualFold(id, object) }
	if e.Refusal != nil {
		return slices.ContainsFunc(e.Refusal.Withheld, same)
	}
	if e.Read == nil {
		return false
	}
	if slices.ContainsFunc(e.Read.Objects, same) || slices.ContainsFunc(e.Read.Reports, same) {
		return true
	}
	e.Unnamed = e.Read.Begun || e.Read.ObjectCount > len(e.Read.Objects) || e.Read.ReportCount > len(e.Read.Reports)
	return e.Unnamed
}
