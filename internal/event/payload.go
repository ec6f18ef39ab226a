package event

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json/v2"
	"strconv"
	"time"

	"casus/internal/core/alliance"
	"casus/internal/core/privacy"
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

// ErasedKey is the idempotency key of the entry which says that the erasure on
// record at a place of the log is carried out, whoever carried it out.
func ErasedKey(record Seq) string { return "erased:" + strconv.FormatUint(uint64(record), 10) }

// Erasure is the payload of [Erased].
type Erasure struct {
	// Receipts are the entries whose receipts go.
	Receipts []Seq `json:"receipts"`
	// Payloads are the entries whose bytes go, parts of long ones included.
	Payloads []Seq `json:"payloads,omitempty"`
	// Reason is why, in the words of who asked.
	Reason string `json:"reason"`
	// Rule is by what rule they go: a retention class, or that somebody asked.
	Rule string `json:"rule,omitempty"`
	// Counts says what goes, and Digest proves of which entries, see
	// [Erasure.Sum]; both are zero in entries of before they were kept, and of
	// erasures of names and credentials.
	Counts Counts `json:"counts,omitzero"`
	Digest string `json:"digest,omitempty"`
	// Done says that the bytes of the erasure that is this entry's cause are in
	// no file any more.
	Done bool `json:"done,omitempty"`
}

// Counts says how much an erasure takes.
type Counts struct {
	Reports   int `json:"reports,omitzero"`
	Objects   int `json:"objects,omitzero"` // receipts of objects
	Aside     int `json:"set_aside,omitzero"`
	Originals int `json:"originals,omitzero"` // files kept as handed in
	Payloads  int `json:"payloads,omitzero"`  // entries whose bytes go
}

// Sum returns the digest of an erasure: SHA-256, hex, over each entry of Payloads
// in order, its sequence number (8 bytes, big endian) and the salted digest of its
// payload, which hash returns. The digests stay in the headers when payload and
// salt are gone, so that it can always be made again, and tells nothing of them.
func (e *Erasure) Sum(hash func(Seq) ([32]byte, error)) (string, error) {
	h := sha256.New()
	for _, seq := range e.Payloads {
		sum, err := hash(seq)
		if err != nil {
			return "", err
		}
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(seq)))
		h.Write(sum[:])
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Hold is the payload of [HoldSet].
type Hold struct {
	// ID is unique in the log.
	ID string           `json:"id"`
	On privacy.HoldKind `json:"on"`
	// Target is the identity of a report, the name of a source or the id of an
	// object.
	Target string `json:"target"`
	// Owner is the organisation whose receipts are held; empty for those of before
	// there were people.
	Owner  alliance.Org `json:"owner,omitempty"`
	Reason string       `json:"reason"`
	At     time.Time    `json:"at"`
}

// HoldGone is the payload of [HoldLifted].
type HoldGone struct {
	ID     string    `json:"id"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
}

// Collection is the payload of [CollectionSet]: all that holds of a collection
// from now on.
type Collection struct {
	report.Collection
	// Removed says that the collection is there no more. Its id is never given to
	// another.
	Removed bool `json:"removed,omitzero"`
}

// Cut is the payload of [CollectionCut].
type Cut struct {
	// Collection is its id.
	Collection string `json:"collection"`
	// Receipts are the entries whose receipts are out of it from now on; elsewhere
	// they stay.
	Receipts []Seq `json:"receipts"`
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
