// Package event holds the envelope of every fact in the log: the [Header], its
// binary form and the registry of kinds.
//
// The binary form is canonical: one header has exactly one form, and
// [ParseHeader] refuses every other. The log hashes these bytes into its chain,
// so they are never rewritten; a later version of this program reads old
// versions as they are.
//
// The package does no I/O and knows nothing of payloads but their length and
// salted digest.
//
// # Binary form, version 1
//
//	version      1 byte, 1
//	kind         uvarint, 1..65535
//	kind version 1 byte
//	flags        1 byte: bit 0 event time present, bit 1 write time present
//	realm, coalition, owner, author, aggregate, key, marking
//	             each a uvarint length and that many bytes
//	cause        uvarint, 0 means none
//	parts        uvarint, 0 means that the payload is whole
//	event time   if present: zigzag varint seconds since 1970, uvarint nanoseconds
//	write time   if present: as event time
//	payload      uvarint length
//	digest       32 bytes, SHA-256(salt || payload)
//
// Varints are of minimal length.
package event

import (
	"encoding/binary"
	"time"

	"casus/internal/fault"
)

// Seq is the place of an entry in one log. The first is 1; 0 means none.
// Sequence numbers are local: they never leave the node.
type Seq uint64

// Version is the version of the binary form that this program writes.
const Version = 1

// MaxHeaderBytes bounds the binary form of a header.
const MaxHeaderBytes = 32 << 10

// Header is everything about an entry but its payload. The zero value of a
// string or a time means "none".
type Header struct {
	// Version is the version of the binary form; 0 is written as [Version].
	Version uint8
	// Kind and KindVersion say what the payload means.
	Kind        Kind
	KindVersion uint8
	// Realm is live (empty) or the name of one exercise; Coalition is the
	// coalition the fact belongs to, empty for objects and receipts.
	Realm, Coalition string
	// Owner is the member whose fact it is, Author who wrote it: a member, a
	// person or a token.
	Owner, Author string
	// Aggregate names the thing whose version compare-and-append guards.
	Aggregate string
	// Key is the idempotency key: appending it again appends nothing.
	Key string
	// Cause is the entry that this one answers, 0 for none.
	Cause Seq
	// EventTime is when it happened, WriteTime when it was written; both in UTC
	// once parsed.
	EventTime, WriteTime time.Time
	// Marking is the marking set in full canonical form: advice for routing.
	// What binds is what the views compute.
	Marking string
	// Parts is the number of [PayloadPart] entries that the payload names; 0
	// means that the payload is whole.
	Parts uint32
	// PayloadBytes is the length of the payload and PayloadHash is
	// SHA-256(salt || payload) with a salt of 32 bytes. The log fills both.
	PayloadBytes uint32
	PayloadHash  [32]byte
}

const (
	flagEventTime = 1 << iota
	flagWriteTime
)

// AppendBinary appends the binary form of h to b. It never fails; a header
// whose form is longer than [MaxHeaderBytes] is refused by [Header.Check].
func (h *Header) AppendBinary(b []byte) []byte {
	version := h.Version
	if version == 0 {
		version = Version
	}
	b = append(b, version)
	b = binary.AppendUvarint(b, uint64(h.Kind))
	var flags byte
	if !h.EventTime.IsZero() {
		flags |= flagEventTime
	}
	if !h.WriteTime.IsZero() {
		flags |= flagWriteTime
	}
	b = append(b, h.KindVersion, flags)
	for _, s := range [...]string{h.Realm, h.Coalition, h.Owner, h.Author, h.Aggregate, h.Key, h.Marking} {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	b = binary.AppendUvarint(b, uint64(h.Cause))
	b = binary.AppendUvarint(b, uint64(h.Parts))
	if flags&flagEventTime != 0 {
		b = appendTime(b, h.EventTime)
	}
	if flags&flagWriteTime != 0 {
		b = appendTime(b, h.WriteTime)
	}
	b = binary.AppendUvarint(b, uint64(h.PayloadBytes))
	return append(b, h.PayloadHash[:]...)
}

func appendTime(b []byte, t time.Time) []byte {
	b = binary.AppendVarint(b, t.Unix())
	return binary.AppendUvarint(b, uint64(t.Nanosecond()))
}

// Check says with a [fault.Invalid] error why h cannot be written.
func (h *Header) Check() error {
	if h.Version > Version {
		return fault.Errorf(fault.Invalid, "event: header version %d, highest known is %d", h.Version, Version)
	}
	if h.Kind == 0 {
		return fault.Errorf(fault.Invalid, "event: header has no kind")
	}
	size := 128 + len(h.Realm) + len(h.Coalition) + len(h.Owner) + len(h.Author) + len(h.Aggregate) + len(h.Key) + len(h.Marking)
	if size > MaxHeaderBytes {
		return fault.Errorf(fault.Invalid, "event: header of %d bytes, limit is %d", size, MaxHeaderBytes)
	}
	return nil
}

// ParseHeader reads the binary form b, all of it. The header keeps nothing of
// b. An error is [fault.Invalid].
func ParseHeader(b []byte) (Header, error) {
	var h Header
	rest, err := h.Parse(b)
	if err != nil {
		return Header{}, err
	}
	if len(rest) > 0 {
		return Header{}, fault.Errorf(fault.Invalid, "event: header: %d bytes too many", len(rest))
	}
	return h, nil
}

// Parse reads a binary form from the start of b into h and returns what comes
// after it. Strings that h holds already are kept where they are equal, so
// that reading many similar headers into one variable allocates little. After
// an error, a [fault.Invalid] one, h is of no use.
func (h *Header) Parse(b []byte) (rest []byte, err error) {
	r := reader{b: b}
	h.Version = r.byte()
	if h.Version != Version {
		return nil, fault.Errorf(fault.Invalid, "event: header: version %d, known is %d", h.Version, Version)
	}
	kind := r.uvarint(1<<16 - 1)
	if kind == 0 {
		r.bad = true
	}
	h.Kind = Kind(kind)
	h.KindVersion = r.byte()
	flags := r.byte()
	if flags&^(flagEventTime|flagWriteTime) != 0 {
		r.bad = true
	}
	for _, s := range [...]*string{&h.Realm, &h.Coalition, &h.Owner, &h.Author, &h.Aggregate, &h.Key, &h.Marking} {
		r.string(s)
	}
	h.Cause = Seq(r.uvarint(1<<64 - 1))
	h.Parts = uint32(r.uvarint(1<<32 - 1))
	h.EventTime, h.WriteTime = time.Time{}, time.Time{}
	if flags&flagEventTime != 0 {
		h.EventTime = r.time()
	}
	if flags&flagWriteTime != 0 {
		h.WriteTime = r.time()
	}
	h.PayloadBytes = uint32(r.uvarint(1<<32 - 1))
	copy(h.PayloadHash[:], r.take(len(h.PayloadHash)))
	if r.bad {
		return nil, fault.Errorf(fault.Invalid, "event: header: damaged at byte %d", len(b)-len(r.b))
	}
	if len(b)-len(r.b) > MaxHeaderBytes {
		return nil, fault.Errorf(fault.Invalid, "event: header: longer than %d bytes", MaxHeaderBytes)
	}
	return r.b, nil
}

// reader takes pieces off the front of b; bad is set once one is malformed.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n int) []byte {
	if r.bad || n < 0 || n > len(r.b) {
		r.bad = true
		return nil
	}
	p := r.b[:n]
	r.b = r.b[n:]
	return p
}

func (r *reader) byte() byte {
	if p := r.take(1); p != nil {
		return p[0]
	}
	return 0
}

// uvarint reads a uvarint of minimal length that is at most limit.
func (r *reader) uvarint(limit uint64) uint64 {
	if r.bad {
		return 0
	}
	v, n := binary.Uvarint(r.b)
	if n <= 0 || v > limit || n > 1 && r.b[n-1] == 0 {
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) string(s *string) {
	p := r.take(int(r.uvarint(MaxHeaderBytes)))
	if *s != string(p) {
		*s = string(p)
	}
}

func (r *reader) time() time.Time {
	zigzag := r.uvarint(1<<64 - 1)
	sec := int64(zigzag>>1) ^ -int64(zigzag&1)
	t := time.Unix(sec, int64(r.uvarint(1e9-1))).UTC()
	if t.IsZero() || t.Unix() != sec {
		r.bad = true
	}
	return t
}
