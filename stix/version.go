package stix

import (
	"errors"
	"slices"
	"strings"
	"time"
)

// Why an object cannot have another version.
var (
	// ErrNotVersionable says that the object lacks "created", or is a cyber-observable
	// without "created" and "modified".
	ErrNotVersionable = errors.New("stix: not versionable")
	// ErrRevoked says that the object is revoked, and revocation is for good.
	ErrRevoked = errors.New("stix: revoked")
	// ErrFixed says that the change touches a property that all versions share.
	ErrFixed = errors.New("stix: fixed by the first version")
	// ErrNotLater says that the new "modified" is not later than the old one.
	ErrNotLater = errors.New("stix: not later than the version before")
)

// CompareTimes compares two timestamps of STIX as instants: it returns a
// negative number if a is earlier, 0 if they are equal, a positive number if a
// is later. Fractions may have any number of digits and none is lost: they are
// compared as decimal digits. Text that is no timestamp is compared as text.
func CompareTimes(a, b string) int {
	if a == b {
		return 0
	}
	aSeconds, aFraction := splitTime(a)
	bSeconds, bFraction := splitTime(b)
	if d := strings.Compare(aSeconds, bSeconds); d != 0 {
		return d
	}
	return strings.Compare(aFraction, bFraction)
}

// splitTime splits a timestamp into the text up to the whole second and the
// digits of the fraction without zeros at their end.
func splitTime(s string) (seconds, fraction string) {
	s = strings.TrimSuffix(s, "Z")
	seconds, fraction, _ = strings.Cut(s, ".")
	return seconds, strings.TrimRight(fraction, "0")
}

// FormatTime writes an instant as STIX does: in UTC, with three digits of
// fraction, or six if it is not a whole number of milliseconds. What is finer
// than a microsecond is cut off.
func FormatTime(t time.Time) string {
	t = t.UTC().Truncate(time.Microsecond)
	if t.Nanosecond()%int(time.Millisecond) == 0 {
		return t.Format("2006-01-02T15:04:05.000Z")
	}
	return t.Format("2006-01-02T15:04:05.000000Z")
}

// ParseTime reads a timestamp of STIX: RFC 3339 in UTC, written with T and Z.
// Digits finer than a nanosecond are checked and cut off.
//
// Source: stix-2.1 §2.16.
func ParseTime(s string) (time.Time, bool) {
	if len(s) < len("2006-01-02T15:04:05Z") || s[10] != 'T' || s[len(s)-1] != 'Z' {
		return time.Time{}, false
	}
	if s[19] == '.' {
		digits := s[20 : len(s)-1]
		if digits == "" || strings.Trim(digits, "0123456789") != "" {
			return time.Time{}, false
		}
		if len(digits) > 9 {
			s = s[:29] + "Z"
		}
	} else if len(s) != 20 {
		return time.Time{}, false
	}
	// A leap second, which time does not know, is the end of its minute.
	leap := s[17:19] == "60"
	if leap {
		s = s[:17] + "59" + s[19:]
	}
	t, err := time.Parse("2006-01-02T15:04:05Z", s)
	if leap && err == nil {
		t = t.Add(time.Second)
	}
	return t, err == nil
}

// NewVersion returns a new version of o with the changes made. A change with no
// value removes the property. The order of the members stays; new ones come
// last. Unless the changes set "modified", it becomes now, or one microsecond
// after the old one if that is later.
//
// Only the creator of an object may make a version of it; that is for the
// caller to know. The error wraps one of ErrNotVersionable, ErrRevoked, ErrFixed
// and ErrNotLater, or is an [*Error].
//
// Source: stix-2.1 §3.6 (versioning).
func NewVersion(o *Object, now time.Time, changes ...Member) (*Object, error) {
	if err := versionable(o); err != nil {
		return nil, err
	}
	last := o.Modified()
	if last == "" {
		last = o.Created()
	}
	set := make(map[string][]byte, len(changes)+1)
	for _, c := range changes {
		if _, twice := set[c.Name]; twice {
			return nil, &Error{Reason: "the property " + quote([]byte(c.Name)) + " is changed twice", Remedy: "change each property once"}
		}
		switch c.Name {
		case "type", "id", "created", "created_by_ref", "spec_version":
			return nil, &Error{Reason: quote([]byte(c.Name)) + " is the same in all versions", Remedy: "make a new object and relate it with derived-from", cause: ErrFixed}
		}
		if err := oneValue(c); err != nil {
			return nil, err
		}
		set[c.Name] = c.Value
	}
	if raw, given := set["modified"]; given {
		modified, _ := Unquote(raw)
		if _, ok := ParseTime(modified); !ok || CompareTimes(modified, last) <= 0 {
			return nil, &Error{Reason: "modified " + quote(raw) + " is not later than " + last, Remedy: "give a later time", cause: ErrNotLater}
		}
	} else {
		set["modified"] = AppendQuoted(nil, laterThan(last, now))
	}
	return rebuild(o, set, changes)
}

// Revoke returns the last version of o, which revokes it. Errors are as for
// [NewVersion].
func Revoke(o *Object, now time.Time) (*Object, error) {
	return NewVersion(o, now, Bool("revoked", true))
}

func versionable(o *Object) error {
	switch {
	case o.class == ClassSCO && (!o.Has("created") || !o.Has("modified")):
		return &Error{Reason: "objects of type " + o.typ + " have no versions", Remedy: "make a new object", cause: ErrNotVersionable}
	case !o.Has("created"):
		return &Error{Reason: "the object has no \"created\"", Remedy: "make a new object", cause: ErrNotVersionable}
	case o.Revoked():
		return &Error{Reason: o.id + " is revoked", Remedy: "make a new object and relate it with derived-from", cause: ErrRevoked}
	}
	return nil
}

// laterThan returns now, or the next microsecond after last.
func laterThan(last string, now time.Time) string {
	s := FormatTime(now)
	if CompareTimes(s, last) > 0 {
		return s
	}
	t, ok := ParseTime(last)
	if !ok {
		return s
	}
	return FormatTime(t.Truncate(time.Microsecond).Add(time.Microsecond))
}

// rebuild writes o anew with the values of set in place of the old ones; what
// o does not have is added in the order of changes, modified last.
func rebuild(o *Object, set map[string][]byte, changes []Member) (*Object, error) {
	out := append(make([]byte, 0, len(o.raw)+256), '{')
	add := func(name, value []byte) {
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(AppendQuoted(out, name), ':')
		out = append(out, value...)
	}
	for i := range o.members {
		name, value := o.Member(i)
		if v, ok := set[string(name)]; ok {
			delete(set, string(name))
			value = v
		}
		if value != nil {
			add(name, value)
		}
	}
	for _, c := range append(slices.Clip(changes), Member{Name: "modified"}) {
		if v, ok := set[c.Name]; ok {
			delete(set, c.Name)
			if v != nil {
				add([]byte(c.Name), v)
			}
		}
	}
	return Parse(append(out, '}'), Limits{})
}
