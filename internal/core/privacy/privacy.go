// Package privacy holds what is said of personal data: for what and on which
// legal ground something is held and for how long, what stops its end, and how a
// value is found in bytes.
//
// It decides when a report is due and whether bytes hold a value. It reads
// nothing, erases nothing and has no clock. JSON names are stable.
package privacy

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"casus/internal/fault"
)

// Processing says why something is held and for how long. It stands with a source,
// and is fit to stand with a rule about sharing. The zero value says nothing: what
// is held so has no end.
type Processing struct {
	// Purpose is what it is held for, in words.
	Purpose string `json:"purpose,omitempty"`
	// Basis is the legal ground, in words: laws differ, so it is not looked into.
	Basis string `json:"legal_basis,omitempty"`
	// Retention names a [Class]; empty is none.
	Retention string `json:"retention,omitempty"`
}

// maxWords is the most bytes of purpose and of legal basis.
const maxWords = 300

// Check says with an Invalid fault what is wrong with p.
func (p Processing) Check() error {
	for _, f := range [...][2]string{{"purpose", p.Purpose}, {"legal basis", p.Basis}} {
		if len(f[1]) > maxWords || strings.ContainsFunc(f[1], unicode.IsControl) {
			return fault.Errorf(fault.Invalid, "privacy: %s: want at most %d bytes without control characters", f[0], maxWords)
		}
	}
	if _, ok := ClassOf(p.Retention); !ok && p.Retention != "" {
		return fault.WithHint(fault.Errorf(fault.Invalid, "privacy: retention %.40q: there is no such class", p.Retention), "use one of %s", strings.Join(names(), ", "))
	}
	return nil
}

// Class is a retention class: how long what came in is held.
type Class struct {
	Name string `json:"name"`
	// Days is how many days of 24 hours it is held, counted from when it came in; 0
	// is without end.
	Days int `json:"days"`
	// Why says for what the time is.
	Why string `json:"why"`
}

// classes is the table of retention classes. A name keeps its meaning for good:
// another time is another name.
//
// Source: casus decision 0029.
var classes = []Class{
	{"traffic-30d", 30, "records of traffic and log lines: enough to see an attack through, short for data about whoever used a network"},
	{"indicator-90d", 90, "addresses and names that attackers rent: most have passed to others within a quarter"},
	{"incident-1y", 365, "reports of incidents: a year covers the follow-up and what comes back with the season"},
	{"campaign-3y", 1096, "what ties incidents to a campaign: campaigns go quiet for longer than a year"},
	{"evidence-10y", 3653, "what an attribution or a decision of state rests on and may have to answer for"},
	{"public", 0, "published knowledge without personal data: it has no end"},
}

// Classes returns all classes, the shortest first and those without end last.
func Classes() []Class { return slices.Clone(classes) }

func names() []string {
	out := make([]string, 0, len(classes))
	for _, c := range classes {
		out = append(out, c.Name)
	}
	return out
}

// ClassOf returns the class of a name; ok is false when there is none.
func ClassOf(name string) (c Class, ok bool) {
	i := slices.IndexFunc(classes, func(c Class) bool { return c.Name == name })
	if i < 0 {
		return Class{}, false
	}
	return classes[i], true
}

// Shortens reports whether what was held by the class was is held for less time by
// the class now; an empty name, or one of no class, is without end.
//
// Source: casus decision 0039.
func Shortens(was, now string) bool {
	old, _ := ClassOf(was)
	c, _ := ClassOf(now)
	return c.Days > 0 && (old.Days <= 0 || c.Days < old.Days)
}

// End returns when what came in at received is due; the zero time is never.
func (c Class) End(received time.Time) time.Time {
	if c.Days <= 0 || received.IsZero() {
		return time.Time{}
	}
	return received.Add(time.Duration(c.Days) * 24 * time.Hour)
}

// Due reports whether what came in at received is due at now. At the end itself
// it is.
func (c Class) Due(received, now time.Time) bool {
	end := c.End(received)
	return !end.IsZero() && !now.Before(end)
}

// Rule is how an erasure by the class of a source is called on record.
func (c Class) Rule() string { return "retention " + c.Name }

// The rules of other erasures.
const (
	RuleAsked   = "asked for by id"
	RuleSubject = "data subject"
)
