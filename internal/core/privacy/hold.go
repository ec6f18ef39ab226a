package privacy

import (
	"casus/internal/core/alliance"
)

// HoldKind is what a hold is on.
type HoldKind string

// The kinds of holds.
const (
	OnReport HoldKind = "report"
	OnSource HoldKind = "source"
	OnObject HoldKind = "object"
)

// Hold keeps what it is on from being erased until it is lifted.
type Hold struct {
	ID string   `json:"id"` // HLD-XXXX-XXXX
	On HoldKind `json:"on"`
	// Target is the short id of a report, the name of a source or the id of an
	// object.
	Target string `json:"target"`
	// Owner is the organisation whose receipts are held; empty on a node without
	// people.
	Owner  alliance.Org `json:"owner,omitempty"`
	Reason string       `json:"reason"`
	By     string       `json:"by"` // who set it: a key and a role, no name
	At     string       `json:"at"`
	// The lifting is empty while the hold is in force.
	Lifted       string `json:"lifted_at,omitempty"`
	LiftedBy     string `json:"lifted_by,omitempty"`
	LiftedReason string `json:"lifted_reason,omitempty"`
}

// NewHold is a hold to set; ID names a report or an object, or else Source a
// source.
type NewHold struct {
	ID     string `json:"id,omitempty"`
	Source string `json:"source,omitempty"`
	Reason string `json:"reason"`
}

// Places where a value may stand.
const (
	PlaceReport   = "report"
	PlaceObject   = "object"
	PlaceOriginal = "original"
	PlaceAside    = "set-aside"
	PlaceSource   = "source"
	PlacePerson   = "person"
	PlaceLog      = "log"
)

// Kept is something that is not erased, and why.
type Kept struct {
	Place  string `json:"place"` // one of the places
	ID     string `json:"id,omitempty"`
	Report string `json:"report,omitempty"` // short id
	Count  int    `json:"count"`
	Why    string `json:"why"`
	Remedy string `json:"remedy,omitempty"`
}

// Due is a report whose time by its source's retention class is over.
type Due struct {
	Report   string `json:"report"`          // short id
	Title    string `json:"title,omitempty"` // to who may read it
	Source   string `json:"source"`
	Class    string `json:"retention"`
	Received string `json:"received_at"`
	Since    string `json:"due_since"`
	TLP      string `json:"tlp"`
	Receipts int    `json:"receipts"`
	// Held is why it is not erased, empty when it may be.
	Held string `json:"held,omitempty"`
	// Hold is the hold that keeps it.
	Hold string `json:"hold,omitempty"`
	// Identity is that of the report, for the node alone.
	Identity string `json:"-"`
}

// Run is what a run of retention found and did.
type Run struct {
	At  string `json:"at"`
	Dry bool   `json:"dry_run"`
	// Due lists reports whose time is over, in the order they came in, held ones too.
	Due []Due `json:"due"`
	// What was erased; zero in a dry run.
	Reports   int `json:"reports"`
	Receipts  int `json:"receipts"`
	Originals int `json:"originals"`
	Held      int `json:"held"` // reports that a hold keeps
	Left      int `json:"left"` // due, not held, and for the next run
}
