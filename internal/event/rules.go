package event

import (
	"time"

	"casus/internal/core/alliance"
	"casus/internal/core/marking"
)

// Policy is the payload of [PolicyProposed]: rules about reading, word for word,
// and how they differ from those in force.
type Policy struct {
	Digest string             `json:"digest"`
	Files  []marking.RuleFile `json:"files"`
	// Before is the digest of the rules that were in force, and Changes what the
	// new ones decide otherwise.
	Before  string               `json:"before"`
	Changes []marking.Difference `json:"changes"`
	Reason  string               `json:"reason"`
	// By is who proposes, nil for the local operator of a node without people.
	By    *alliance.Hand `json:"by,omitempty"`
	Proof *Proof         `json:"proof,omitempty"`
}

// PolicyStep is the payload of [PolicyAdopted]; its cause is the proposal.
type PolicyStep struct {
	Digest string         `json:"digest"`
	By     *alliance.Hand `json:"by,omitempty"`
	Proof  *Proof         `json:"proof,omitempty"`
}

// Proof says that a person proved who he is for one text.
type Proof struct {
	// Text is the SHA-256 of the text.
	Text []byte    `json:"text"`
	At   time.Time `json:"at"`
	// Nonce is that of the challenge.
	Nonce []byte `json:"nonce"`
	// Assertion is what a passkey answered, empty for a password.
	Assertion []byte `json:"assertion,omitempty"`
}
