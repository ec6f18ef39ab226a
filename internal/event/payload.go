package event

import (
	"encoding/binary"
	"encoding/json/v2"
	"time"

	"casus/internal/core/alliance"
	"casus/internal/core/report"
	"casus/internal/fault"
	"casus/tlp"
)

// Opened is the payload of [ReportOpened].
type Opened struct {
	// Identity is the digest of source and bytes, hex.
	Identity string        `json:"identity"`
	Source   string        `json:"source"`
	Title    string        `json:"title"`
	Name     string        `json:"name"`
	Format   report.Format `json:"format"`
	// Size is the length of the bytes handed in and Digest their SHA-256, hex.
	Size   int64  `json:"size"`
	Digest string `json:"digest"`
	// Default is the marking set of what bears no label, in canonical form.
	Default  string     `json:"default"`
	TLP      *tlp.Label `json:"tlp,omitempty"`
	Exercise bool       `json:"exercise,omitempty"`
	At       time.Time  `json:"at"`
	// Owner is the organisation that handed it in and Person who did so for it;
	// empty for what came in before there were people.
	Owner  alliance.Org `json:"owner,omitempty"`
	Person alliance.Key `json:"person,omitempty"`
	// Asked and Map are how the request said to read the report, SourceMap and Zone
	// what held for its source. Zero fields mean that nothing was said.
	Asked     report.Format     `json:"asked_format,omitempty"`
	Map       map[string]string `json:"map,omitempty"`
	SourceMap map[string]string `json:"source_map,omitempty"`
	Zone      string            `json:"time_zone,omitempty"`
}

// Closed is the payload of [ReportClosed].
type Closed struct {
	// Container is the marking set of the report itself, in canonical form; it
	// tightens every receipt, unless it is imputed.
	Container string `json:"container"`
	// Title replaces the opened one where the report bears one of its own.
	Title string `json:"title,omitempty"`
	// Received counts objects read, quarantined ones included.
	Received int `json:"received"`
}

// SetAside is the payload of [Quarantined].
type SetAside struct {
	Place  string `json:"place"`
	Reason string `json:"reason"`
	Remedy string `json:"remedy"`
	// Raw is the bytes set aside.
	Raw []byte `json:"raw"`
}

// Retried is the payload of [QuarantineRetried].
type Retried struct {
	// Quarantined is the entry that was tried again.
	Quarantined Seq `json:"quarantined"`
	// Report is the identity of the report that took it in, hex.
	Report string `json:"report"`
}

// Erasure is the payload of [Erased].
type Erasure struct {
	// Receipts are the entries whose receipts go.
	Receipts []Seq `json:"receipts"`
	// Payloads are the entries whose bytes go, parts of long ones included.
	Payloads []Seq `json:"payloads,omitempty"`
	// Reason is why, in the words of who asked.
	Reason string `json:"reason"`
	// Done says that the bytes of the erasure that is this entry's cause are in
	// no file any more.
	Done bool `json:"done,omitempty"`
}

// Write returns the payload form of v: JSON.
func Write(v any) ([]byte, error) {
	b, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return nil, fault.Errorf(fault.Internal, "event: write payload: %w", err)
	}
	return b, nil
}

// Read reads a payload into v.
func Read(payload []byte, v any) error {
	if err := json.Unmarshal(payload, v); err != nil {
		return fault.Errorf(fault.Internal, "event: read payload: %w", err)
	}
	return nil
}

// WriteKnown returns the payload of [ObjectKnown]: the entry that holds the
// bytes, 8 bytes big endian.
func WriteKnown(first Seq) []byte { return binary.BigEndian.AppendUint64(nil, uint64(first)) }

// ReadKnown reads the payload of [ObjectKnown].
func ReadKnown(payload []byte) (Seq, error) {
	if len(payload) != 8 {
		return 0, fault.Errorf(fault.Internal, "event: object-known: payload of %d bytes, want 8", len(payload))
	}
	return Seq(binary.BigEndian.Uint64(payload)), nil
}
