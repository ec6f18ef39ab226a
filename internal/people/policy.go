package people

import "casus/internal/core/marking"

// NewPolicy is rules about reading that somebody proposes.
type NewPolicy struct {
	Files  []marking.RuleFile `json:"files"`
	Reason string             `json:"reason"`
	// Answer proves who proposes them, for their statement; empty on a node without
	// people.
	Answer Answer `json:"answer,omitzero"`
}

// Policies are the rules about reading on a node.
type Policies struct {
	// InForce is the digest of the rules that decide.
	InForce string `json:"in_force"`
	// Error is why the rules in force cannot be read; nobody reads anything then.
	Error    string            `json:"error,omitempty"`
	Versions []marking.Ruleset `json:"versions"`
}
