package marking

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"casus/internal/core/alliance"
	"casus/internal/fault"
	"casus/stix"
	"casus/tlp"
)

// PAP says what may be done with a thing outwardly; it restricts no reading.
// Larger values are less restrictive, and the zero value says nothing: it counts
// as RED unless the thing is CLEAR or GREEN.
//
// Source: pap.
type PAP uint8

// The levels of PAP.
const (
	PAPUnsaid PAP = iota
	PAPRed        // nothing that leaves the house
	PAPAmber      // asking others, so that the target cannot notice
	PAPGreen      // what the target may notice
	PAPClear      // everything
)

var papNames = [...]string{"", "RED", "AMBER", "GREEN", "CLEAR"}

// String returns "PAP:" and the level, "" when nothing is said.
func (p PAP) String() string {
	if p == PAPUnsaid || int(p) >= len(papNames) {
		return ""
	}
	return "PAP:" + papNames[p]
}

// papOf returns what a marking definition says of PAP.
func papOf(id string) (PAP, bool) {
	m, ok := stix.KnownMarking(id)
	if !ok || m.Scheme != stix.SchemePAP {
		return PAPUnsaid, false
	}
	switch m.Level {
	case "amber":
		return PAPAmber, true
	case "green":
		return PAPGreen, true
	case "clear", "white":
		return PAPClear, true
	}
	return PAPRed, true
}

// Level is a level of a classification ladder, for example
// "alliance/RESTRICTED". The zero value is no classification.
type Level string

// Ladder returns the ladder's name.
func (l Level) Ladder() string {
	ladder, _, _ := strings.Cut(string(l), "/")
	return ladder
}

// Name returns the level's name within its ladder.
func (l Level) Name() string {
	_, name, _ := strings.Cut(string(l), "/")
	return name
}

// Validate returns an Invalid fault unless l is the name of a ladder, a slash
// and a level in capitals.
func (l Level) Validate() error {
	ladder, name, ok := strings.Cut(string(l), "/")
	if !ok || !ladderName(ladder) || !levelName(name) {
		return fault.Errorf(fault.Invalid, "marking: classification %.80q: want a ladder, a slash and a level, for example alliance/RESTRICTED", l)
	}
	return nil
}

// Named is a list of who may read that somebody stated. The zero value says
// nothing; one that is said and empty names nobody.
type Named[T ~string] struct {
	Said bool
	To   []T // sorted, each once
}

// Only returns the list that names to, and nobody when there are none.
func Only[T ~string](to ...T) Named[T] {
	to = slices.Clone(to)
	slices.Sort(to)
	return Named[T]{Said: true, To: slices.Compact(to)}
}

// Has reports whether the list was stated and names x.
func (n Named[T]) Has(x T) bool { return n.Said && x != "" && slices.Contains(n.To, x) }

// both returns the list of those whom both name.
func both[T ~string](a, b Named[T]) Named[T] {
	var to []T
	for _, x := range a.To {
		if slices.Contains(b.To, x) {
			to = append(to, x)
		}
	}
	return Named[T]{Said: true, To: to}
}

// Limits is what restricts reading besides the label. The zero value says
// nothing, owned by nobody: of a thing above TLP:GREEN nobody reads anything.
type Limits struct {
	// Owner is whose it is; a recalled thing stays readable to the owner alone.
	Owner alliance.Org
	// Recipients are the organisations it was given to, the owner among them.
	// TLP:AMBER and above is read by nobody else, but for clients of AMBER.
	Recipients Named[alliance.Org]
	// Persons are those whom TLP:RED names.
	Persons Named[alliance.Key]
	// Releasable are the members it may be released to; when nothing is said
	// there is no such limit.
	Releasable Named[alliance.Member]
	// Groups are release groups; the reader must be in every one.
	Groups []alliance.Group
	// Classes are classifications, at most a few: the reader must be cleared for
	// every one.
	Classes []Level
	// Caveats are what a reader must have been read into, every one.
	Caveats []string
	// PAP says what may be done with it.
	PAP PAP
	// NotBefore is the end of an embargo, in UTC and whole milliseconds; zero
	// means none. Nobody reads before.
	NotBefore time.Time
	// Recalled says that its owner has taken it back.
	Recalled bool
}

// Validate returns an Invalid fault for the first thing that is badly formed or
// not in canonical order. A set from [Parse], [Of], [Combine] or [Within] of
// valid ones is valid.
func (s Set) Validate() error {
	l := &s.Limits
	if l.Owner != "" {
		if err := l.Owner.Validate(); err != nil {
			return err
		}
	}
	for _, err := range []error{
		eachValid("recipients", l.Recipients.To), eachValid("persons", l.Persons.To), eachValid("releasable", l.Releasable.To),
		eachValid("groups", l.Groups), eachValid("classes", l.Classes), inOrder("caveats", l.Caveats), inOrder("refs", s.Refs),
	} {
		if err != nil {
			return err
		}
	}
	for _, c := range l.Caveats {
		if !caveatName(c) {
			return fault.Errorf(fault.Invalid, "marking: caveat %.80q: want letters, digits, spaces and -/&.'()", c)
		}
	}
	switch {
	case int(s.TLP) >= len(tlp.Labels()):
		return fault.Errorf(fault.Invalid, "marking: label %d is none", s.TLP)
	case int(l.PAP) >= len(papNames):
		return fault.Errorf(fault.Invalid, "marking: PAP %d is no level", l.PAP)
	case !l.Recipients.Said && len(l.Recipients.To) > 0, !l.Persons.Said && len(l.Persons.To) > 0, !l.Releasable.Said && len(l.Releasable.To) > 0:
		return fault.Errorf(fault.Invalid, "marking: a list that is not said names somebody")
	case !l.NotBefore.IsZero() && (l.NotBefore.Location() != time.UTC || l.NotBefore.Nanosecond()%int(time.Millisecond) != 0 || l.NotBefore.Year() < 1970 || l.NotBefore.Year() > 9999):
		return fault.Errorf(fault.Invalid, "marking: embargo until %v: want UTC, whole milliseconds and a year from 1970 to 9999", l.NotBefore)
	}
	return nil
}

type validater interface{ Validate() error }

// eachValid checks that the elements are well formed and in order.
func eachValid[T interface {
	~string
	validater
}](what string, list []T) error {
	for _, x := range list {
		if err := x.Validate(); err != nil {
			return err
		}
	}
	return inOrder(what, list)
}

func inOrder[T ~string](what string, list []T) error {
	for i, x := range list {
		if i > 0 && list[i-1] >= x {
			return fault.Errorf(fault.Invalid, "marking: %s: %.80q is out of order", what, x)
		}
	}
	return nil
}

// ladderName reports whether s has 1 to 32 small letters, digits or hyphens.
func ladderName(s string) bool {
	return s != "" && len(s) <= 32 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// levelName reports whether s is the name of a level: 1 to 40 capitals, digits,
// spaces or hyphens, without a space at either end.
func levelName(s string) bool {
	return s != "" && len(s) <= 40 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 -") == "" && strings.TrimSpace(s) == s
}

// caveatName reports whether s can be a caveat.
func caveatName(s string) bool {
	return s != "" && len(s) <= 64 && utf8.ValidString(s) && strings.Join(strings.Fields(s), " ") == s && !strings.ContainsFunc(s, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune(" -/&.'()", r)
	})
}

// The keys of the canonical form, in its order.
const (
	keyOwner      = "own"
	keyRecipients = "to"
	keyPersons    = "person"
	keyReleasable = "rel"
	keyGroups     = "group"
	keyClasses    = "class"
	keyCaveats    = "caveat"
	keyPAP        = "pap"
	keyNotBefore  = "nb"
	wordRecalled  = "recalled"
)

const embargoForm = "2006-01-02T15:04:05.000Z"

// write appends the canonical form, each part led by a semicolon.
func (l *Limits) write(b *strings.Builder) {
	if l.Owner != "" {
		writeList(b, keyOwner, []alliance.Org{l.Owner}, true)
	}
	writeList(b, keyRecipients, l.Recipients.To, l.Recipients.Said)
	writeList(b, keyPersons, l.Persons.To, l.Persons.Said)
	writeList(b, keyReleasable, l.Releasable.To, l.Releasable.Said)
	writeList(b, keyGroups, l.Groups, len(l.Groups) > 0)
	writeList(b, keyClasses, l.Classes, len(l.Classes) > 0)
	writeList(b, keyCaveats, l.Caveats, len(l.Caveats) > 0)
	if l.PAP != PAPUnsaid && int(l.PAP) < len(papNames) {
		b.WriteString(";" + keyPAP + "=" + papNames[l.PAP])
	}
	if !l.NotBefore.IsZero() {
		b.WriteString(";" + keyNotBefore + "=" + l.NotBefore.UTC().Format(embargoForm))
	}
	if l.Recalled {
		b.WriteString(";" + wordRecalled)
	}
}

func writeList[T ~string](b *strings.Builder, key string, list []T, said bool) {
	if !said {
		return
	}
	b.WriteString(";" + key + "=")
	for i, x := range list {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(string(x))
	}
}

// read takes the parts of a canonical form that are limits and returns the
// others. What is not canonical shows when the set is written again.
func (l *Limits) read(parts []string) (rest []string) {
	for _, p := range parts {
		key, value, ok := strings.Cut(p, "=")
		switch {
		case p == wordRecalled:
			l.Recalled = true
		case !ok:
			rest = append(rest, p)
		default:
			l.readPart(key, value)
		}
	}
	return rest
}

func (l *Limits) readPart(key, value string) {
	switch key {
	case keyOwner:
		l.Owner = alliance.Org(value)
	case keyRecipients:
		l.Recipients = readNamed[alliance.Org](value)
	case keyPersons:
		l.Persons = readNamed[alliance.Key](value)
	case keyReleasable:
		l.Releasable = readNamed[alliance.Member](value)
	case keyGroups:
		l.Groups = readNamed[alliance.Group](value).To
	case keyClasses:
		l.Classes = readNamed[Level](value).To
	case keyCaveats:
		l.Caveats = readNamed[string](value).To
	case keyPAP:
		l.PAP = PAP(max(0, slices.Index(papNames[:], value))) //nolint:gosec // the table is short
	case keyNotBefore:
		if t, err := time.Parse(embargoForm, value); err == nil {
			l.NotBefore = t.UTC()
		}
	}
}

func readNamed[T ~string](value string) Named[T] {
	if value == "" {
		return Named[T]{Said: true}
	}
	var to []T
	for s := range strings.SplitSeq(value, ",") {
		to = append(to, T(s))
	}
	return Only(to...)
}

// MarshalText returns the canonical form.
func (s Set) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the canonical form, as [Parse] does.
func (s *Set) UnmarshalText(b []byte) error {
	var err error
	*s, err = Parse(string(b))
	return err
}

// unreadable stands for a reference that is no id of a marking definition. It is
// known to nobody, so what bears it is RED.
const unreadable = "marking-definition--unreadable"

// readableRef reports whether a reference can stand in the canonical form: an id
// of a marking definition in letters, digits and hyphens. Anything else be taken for another part of the form.
func readableRef(id string) bool {
	return strings.HasPrefix(id, "marking-definition--") && len(id) <= 100 &&
		strings.Trim(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == ""
}

// joinLimits returns the limits of what is bound by those of a and of b. Strict:
// a side that had to name somebody and did not names nobody. Otherwise its
// silence is no word, and the other's holds.
func joinLimits(a, b Set, strict bool) Limits {
	amber := func(s Set) bool { return strict && (s.TLP <= tlp.Amber || len(s.Refs) > 0) }
	red := func(s Set) bool { return strict && (s.TLP == tlp.Red || len(s.Refs) > 0) }
	l := Limits{
		Owner:      a.Owner,
		Recipients: joinNamed(a.Recipients, b.Recipients, amber(a), amber(b)),
		Persons:    joinNamed(a.Persons, b.Persons, red(a), red(b)),
		Releasable: joinNamed(a.Releasable, b.Releasable, false, false),
		Groups:     union(a.Groups, b.Groups),
		Classes:    union(a.Classes, b.Classes),
		Caveats:    union(a.Caveats, b.Caveats),
		PAP:        joinPAP(a.PAP, b.PAP, strict),
		NotBefore:  a.NotBefore,
		Recalled:   a.Recalled || b.Recalled,
	}
	if b.NotBefore.After(a.NotBefore) {
		l.NotBefore = b.NotBefore
	}
	switch {
	case !strict && a.Owner == "":
		l.Owner = b.Owner
	case a.Owner != b.Owner && (strict || b.Owner != ""):
		l.Owner = ""
	}
	return l
}

// Beyond reports whether l limits reading in ways that no label of TLP tells. An
// embargo that somebody reads past has ended, and is none.
func (l Limits) Beyond() bool {
	return l.Releasable.Said || len(l.Groups) > 0 || len(l.Classes) > 0 || len(l.Caveats) > 0 || l.Recalled
}

// joinNamed returns whom both name. A side that says nothing names nobody if it
// must name somebody, else it is no word.
func joinNamed[T ~string](a, b Named[T], aMust, bMust bool) Named[T] {
	switch {
	case a.Said && b.Said:
		return both(a, b)
	case a.Said && bMust, b.Said && aMust:
		return Named[T]{Said: true}
	case a.Said:
		return a
	}
	return b
}

func joinPAP(a, b PAP, strict bool) PAP {
	switch {
	case a == PAPUnsaid && b == PAPUnsaid:
		return PAPUnsaid
	case a == PAPUnsaid || b == PAPUnsaid:
		if strict {
			return PAPRed
		}
		return max(a, b)
	}
	return min(a, b)
}

func union[T ~string](a, b []T) []T {
	if len(a)+len(b) == 0 {
		return nil
	}
	out := append(slices.Clone(a), b...)
	slices.Sort(out)
	return slices.Compact(out)
}
