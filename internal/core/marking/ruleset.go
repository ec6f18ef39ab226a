package marking

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cedar-policy/cedar-go"

	"casus/internal/core/alliance"
)

// RuleFile is a file of rules as it travels and is kept.
type RuleFile struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// LoadFiles reads rules as [Load] does.
func LoadFiles(files []RuleFile) (*Policy, error) {
	list := make([]File, len(files))
	for i, f := range files {
		list[i] = File{Name: f.Name, Text: []byte(f.Text)}
	}
	return Load(list...)
}

// BuiltInFiles returns the files that [BuiltIn] reads.
func BuiltInFiles() ([]RuleFile, error) {
	files, err := readAll(ruleFiles, "rules")
	if err != nil {
		return nil, err
	}
	out := make([]RuleFile, len(files))
	for i, f := range files {
		out[i] = RuleFile{Name: f.Name, Text: string(f.Text)}
	}
	return out, nil
}

// DenyAll returns the policy without rules, which lets nobody read anything.
func DenyAll() *Policy {
	p := &Policy{digest: digestOf(nil), sliced: map[Action]cedar.PolicyMap{}}
	for _, a := range actions {
		p.sliced[a] = cedar.PolicyMap{}
	}
	return p
}

// Hand is who did a part of putting rules into force, and when. Without a role it
// was the local operator of a node without people; with a role alone, who it was is
// not told to who asks.
type Hand struct {
	Person alliance.Key  `json:"person,omitempty"`
	Role   alliance.Role `json:"role"`
	At     time.Time     `json:"at"`
}

// The states of a [Ruleset].
const (
	Proposed  = "proposed"  // another has to confirm it
	InForce   = "in-force"  // it decides
	Replaced  = "replaced"  // it decided once
	Overtaken = "overtaken" // others came into force before it was confirmed
)

// Ruleset is rules that were proposed on a node, and what became of them.
type Ruleset struct {
	Digest string `json:"digest"`
	// Before is the digest of the rules that were in force when it was proposed.
	Before string `json:"before"`
	State  string `json:"state"`
	// Reason is empty for who may neither propose nor confirm rules.
	Reason string `json:"reason"`
	// Opens is set when Changes, the difference to Before, opens anything.
	Opens    bool         `json:"opens"`
	Changes  []Difference `json:"changes"`
	Proposed Hand         `json:"proposed_by"`
	// Confirmed is nil until it came into force.
	Confirmed *Hand `json:"confirmed_by,omitempty"`
}

// Weighed is what rules would be, put in place of those in force.
type Weighed struct {
	Digest string `json:"digest"`
	Before string `json:"before"`
	// Violations are what they let through that must stay closed. With any they
	// cannot come into force.
	Violations []Violation  `json:"violations"`
	Changes    []Difference `json:"changes"`
	// Statement is what somebody who proposes or confirms them agrees to.
	Statement string `json:"statement"`
}

// Weigh holds rules to what no rules may open and compares them with those in
// force. It takes seconds. With most, which is for tests, it tries only sets that
// differ from the plainest in at most so many ways; negative is all.
func Weigh(now, next *Policy, most int) (Weighed, error) {
	w := Weighed{Digest: next.Digest(), Before: now.Digest()}
	on := newLattice(most, tidyText(slices.Concat(now.named, next.named)))
	marked := Mark(nil, on.sets...)
	sees := on.sights(next, marked)
	var err error
	if w.Violations, err = on.test(sees, properties(), 0); err != nil {
		return Weighed{}, err
	}
	if w.Changes, err = on.diff(now, next, marked, on.sights(now, marked), sees); err != nil {
		return Weighed{}, err
	}
	w.Statement = statement(w.Before, w.Digest, w.Changes)
	return w, nil
}

// Opens reports whether any of the changes opens something.
func Opens(changes []Difference) bool {
	for _, c := range changes {
		if c.Opens {
			return true
		}
	}
	return false
}

// statement says in lines what comes into force, in place of what, and what is
// then open or closed that was not before.
func statement(before, next string, changes []Difference) string {
	var b strings.Builder
	b.WriteString("rules about who may read\nnew    " + next + "\nbefore " + before + "\n")
	for _, c := range changes {
		b.WriteString(c.String() + "\n  " + strconv.Itoa(c.Count) + " times, first: " + c.Example + "\n")
	}
	if len(changes) == 0 {
		b.WriteString("both let the same readers read the same\n")
	}
	return b.String()
}
