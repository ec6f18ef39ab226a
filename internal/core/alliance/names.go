package alliance

import (
	"slices"
	"strings"

	"casus/internal/fault"
)

// Member is the code of a member of the alliance, for example "AAA": 2 to 16
// capitals, digits or hyphens, beginning with a capital. The zero value is no
// member.
type Member string

// Validate returns an Invalid fault unless m is well formed.
func (m Member) Validate() error {
	if len(m) < 2 || len(m) > 16 || m[0] < 'A' || m[0] > 'Z' || strings.Trim(string(m), "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != "" {
		return fault.Errorf(fault.Invalid, "alliance: member %.40q: want 2 to 16 capitals, digits or hyphens", m)
	}
	return nil
}

// Org names an organisation within its member, for example "AAA/csirt". The
// zero value is no organisation. Two organisations are the same only if their
// members are: the name alone says nothing.
type Org string

// Member returns the member that the organisation belongs to, "" for the zero
// value.
func (o Org) Member() Member {
	m, _, _ := strings.Cut(string(o), "/")
	return Member(m)
}

// Validate returns an Invalid fault unless o is a member, a slash and a name of
// 1 to 40 small letters, digits or hyphens.
func (o Org) Validate() error {
	m, name, ok := strings.Cut(string(o), "/")
	if !ok || Member(m).Validate() != nil || !lower(name, 40) {
		return fault.Errorf(fault.Invalid, "alliance: organisation %.60q: want a member, a slash and a name in small letters, for example AAA/csirt", o)
	}
	return nil
}

// Key is a person's pseudonym in permanent entries; the name stands elsewhere
// and can be erased. It has 1 to 40 small letters, digits or hyphens. The zero
// value is nobody.
type Key string

// Validate returns an Invalid fault unless k is well formed.
func (k Key) Validate() error {
	if !lower(string(k), 40) {
		return fault.Errorf(fault.Invalid, "alliance: person %.60q: want 1 to 40 small letters, digits or hyphens", k)
	}
	return nil
}

// Group is the id of a release group: 1 to 64 small letters, digits or hyphens.
type Group string

// Validate returns an Invalid fault unless g is well formed.
func (g Group) Validate() error {
	if !lower(string(g), 64) {
		return fault.Errorf(fault.Invalid, "alliance: release group %.80q: want 1 to 64 small letters, digits or hyphens", g)
	}
	return nil
}

// lower reports whether s has 1 to most small letters, digits or hyphens.
func lower(s string, most int) bool {
	return s != "" && len(s) <= most && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// Kind is what kind of body an organisation is. The zero value is unknown.
type Kind uint8

// The kinds of organisations.
const (
	Unknown     Kind = iota
	CSIRT            // national or sectoral incident response team
	Ministry         // a ministry, foreign affairs and interior among them
	ArmedForces      // armed forces and their commands
	Regulator        // an authority that supervises a sector
	Oversight        // who watches over the others: parliament's or a court's body
	Agency           // an agency of the state that is none of the above
	Alliance         // a body of the alliance itself
	Partner          // a private partner
)

// kinds are the words of the kinds, by number.
var kinds = [...]string{"unknown", "csirt", "ministry", "armed-forces", "regulator", "oversight", "agency", "alliance", "partner"}

// String returns the word of k, "unknown" for one that is none.
func (k Kind) String() string {
	if int(k) < len(kinds) {
		return kinds[k]
	}
	return kinds[Unknown]
}

// MarshalText returns the word of k.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads the word of a kind; any other is an Invalid fault.
func (k *Kind) UnmarshalText(b []byte) error {
	i := slices.Index(kinds[:], string(b))
	if i < 0 {
		return fault.Errorf(fault.Invalid, "alliance: kind %.40q: want one of %s", b, strings.Join(kinds[1:], ", "))
	}
	*k = Kind(i) //nolint:gosec // the table is short
	return nil
}

// Role is what a person acts as. A person acts in one role at a time. The zero
// value is no role: it may do nothing and reads nothing.
type Role uint8

// The roles, a closed set. Numbers are never reused.
const (
	NoRole          Role = 0
	Analyst         Role = 1  // reads, enters and joins what is known
	DutyOfficer     Role = 2  // receives and passes on, at any hour
	Delegate        Role = 3  // speaks for the member in consultations
	LegalAdviser    Role = 4  // characterises in law
	MilitaryLiaison Role = 5  // links with the armed forces
	DecisionMaker   Role = 6  // decides for the member
	AssistanceDesk  Role = 7  // asks for help and offers it
	ExerciseControl Role = 8  // directs exercises
	DataProtection  Role = 9  // data-protection officer
	Auditor         Role = 10 // reads the trail of reads and acts
	PartnerContact  Role = 11 // acts for a private partner
	Administrator   Role = 12 // runs the node, reads nothing
)

// roles are the words of the roles, by number.
var roles = [...]string{
	"none", "analyst", "duty-officer", "delegate", "legal-adviser", "military-liaison", "decision-maker",
	"assistance-desk", "exercise-director", "data-protection-officer", "auditor", "partner", "administrator",
}

// Roles returns all roles but [NoRole], in the order of their numbers.
func Roles() []Role {
	out := make([]Role, 0, len(roles)-1)
	for i := range roles[1:] {
		out = append(out, Role(i+1)) //nolint:gosec // the table is short
	}
	return out
}

// String returns the word of r, "none" for one that is none.
func (r Role) String() string {
	if int(r) < len(roles) {
		return roles[r]
	}
	return roles[NoRole]
}

// MarshalText returns the word of r.
func (r Role) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads the word of a role; any other is an Invalid fault, and r
// is then no role.
func (r *Role) UnmarshalText(b []byte) error {
	*r = NoRole
	i := slices.Index(roles[:], string(b))
	if i < 0 {
		return fault.Errorf(fault.Invalid, "alliance: role %.40q: want one of %s", b, strings.Join(roles[1:], ", "))
	}
	*r = Role(i) //nolint:gosec // the table is short
	return nil
}
