package alliance

import (
	"slices"
	"strings"

	"casus/internal/fault"
)

// Clash is a pair of roles that may not meet in one act, and why. Separate
// persons may hold them; one person may hold both, and may not bring both to
// one act.
type Clash struct {
	A, B Role
	Why  string
}

// clashes is the table of roles that may not meet in one act.
//
// Source: casus decision 0017.
var clashes = []Clash{
	{Analyst, Auditor, "who works with the material does not audit its reading"},
	{DutyOfficer, Auditor, "who works with the material does not audit its reading"},
	{Delegate, Auditor, "who speaks does not audit what was said"},
	{LegalAdviser, Auditor, "who advised does not audit the advice"},
	{MilitaryLiaison, Auditor, "who works with the material does not audit its reading"},
	{DecisionMaker, Auditor, "who decides does not audit the decision"},
	{AssistanceDesk, Auditor, "who gives help does not audit the giving"},
	{ExerciseControl, Auditor, "who directs an exercise does not audit it"},
	{PartnerContact, Auditor, "a partner does not audit the alliance"},
	{Analyst, DecisionMaker, "who assessed does not decide on the assessment"},
	{LegalAdviser, DecisionMaker, "who decides does not give the advice to decide on"},
	{MilitaryLiaison, DecisionMaker, "who decides is no channel of the forces"},
	{PartnerContact, DecisionMaker, "a partner does not decide for a member"},
	{PartnerContact, Delegate, "a partner does not speak for a member"},
	{PartnerContact, LegalAdviser, "a partner does not advise a member in law"},
	{DutyOfficer, ExerciseControl, "who answers for the real does not direct the played"},
	{Delegate, ExerciseControl, "who speaks in earnest does not direct the played"},
	{DecisionMaker, ExerciseControl, "who decides in earnest does not direct the played"},
	{DecisionMaker, DataProtection, "who decides does not judge whether data may be used"},
	{Analyst, DataProtection, "who uses data does not judge whether it may be used"},
	{DataProtection, Auditor, "each of the two watches over the other"},
	{Analyst, Administrator, administers},
	{DutyOfficer, Administrator, administers},
	{Delegate, Administrator, administers},
	{LegalAdviser, Administrator, administers},
	{MilitaryLiaison, Administrator, administers},
	{DecisionMaker, Administrator, administers},
	{AssistanceDesk, Administrator, administers},
	{ExerciseControl, Administrator, administers},
	{DataProtection, Administrator, administers},
	{Auditor, Administrator, administers},
	{PartnerContact, Administrator, administers},
}

const administers = "who runs the node has no hand in what it holds"

// Clashes returns the table of roles that may not meet in one act.
func Clashes() []Clash { return slices.Clone(clashes) }

// Clashing returns why a and b may not meet in one act; ok is false when they
// may. The order does not matter, and a role does not clash with itself.
func Clashing(a, b Role) (why string, ok bool) {
	for _, c := range clashes {
		if c.A == a && c.B == b || c.A == b && c.B == a {
			return c.Why, true
		}
	}
	return "", false
}

// Hand is one person's part in an act, for example proposing or approving.
type Hand struct {
	Acting
	Org Org `json:"org"`
}

// persons returns whom the hand counts as: the person, and the one stood in for.
func (h Hand) persons() []Key {
	if h.For == "" {
		return []Key{h.Person}
	}
	return []Key{h.Person, h.For}
}

// CheckHands checks who took part in one act: everybody acted in a role, and
// nobody, in person or through a deputy, brought two roles to it that clash. It
// returns a Denied fault that lists everything that is wrong. No hands are
// nothing wrong.
func CheckHands(hands []Hand) error {
	var wrong []string
	for i, h := range hands {
		if h.Role == NoRole || int(h.Role) >= len(roles) || h.Person == "" || h.Org == "" {
			wrong = append(wrong, "somebody acted without a name, an organisation or a role")
			continue
		}
		for _, g := range hands[:i] {
			if why, clash := Clashing(g.Role, h.Role); clash && meet(g, h) {
				wrong = append(wrong, string(h.Person)+" acted as "+g.Role.String()+" and "+h.Role.String()+": "+why)
			}
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return fault.Errorf(fault.Denied, "alliance: act: %s", strings.Join(wrong, "; "))
}

// meet reports whether two hands belong to one person or to one person's deputy.
func meet(a, b Hand) bool {
	return slices.ContainsFunc(a.persons(), func(k Key) bool { return slices.Contains(b.persons(), k) })
}

// TwoPersons checks the two-person rule: at least need hands of the act belong
// to persons who are all different, where a deputy and the one stood in for
// count as one. Needs below 2 are taken as 2. It returns a Denied fault.
func TwoPersons(hands []Hand, need int) error {
	need = max(need, 2)
	if apart(hands, need) {
		return nil
	}
	return fault.Errorf(fault.Denied, "alliance: act: fewer than %d different persons took part", need)
}

// apart reports whether need of the hands share no person. Acts have few hands,
// so all choices are tried.
func apart(hands []Hand, need int) bool {
	if need == 0 {
		return true
	}
	for i, h := range hands {
		if h.Person == "" || h.Role == NoRole {
			continue
		}
		var rest []Hand
		for _, g := range hands[i+1:] {
			if !meet(h, g) {
				rest = append(rest, g)
			}
		}
		if apart(rest, need-1) {
			return true
		}
	}
	return false
}
