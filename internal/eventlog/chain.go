package eventlog

import (
	"crypto/sha256"
	"fmt"
	"io"

	"casus/internal/event"
	"casus/internal/fault"
)

// SaltBytes is the length of the salt of a payload digest.
const SaltBytes = 32

// Next returns the chain digest after a header with the binary form header,
// prev being the digest before it.
func Next(prev Digest, header []byte) Digest {
	h := sha256.New()
	h.Write(prev[:])
	h.Write(header)
	var d Digest
	h.Sum(d[:0])
	return d
}

// PayloadHash returns SHA-256(salt || payload).
func PayloadHash(salt, payload []byte) Digest {
	h := sha256.New()
	h.Write(salt)
	h.Write(payload)
	var d Digest
	h.Sum(d[:0])
	return d
}

// Check says with an Invalid error why entries and expect cannot be appended;
// it is the same for every body.
func Check(expect []Expect, entries []Entry) error {
	if len(entries) == 0 {
		return fault.Errorf(fault.Invalid, "eventlog: append of no entries")
	}
	if len(entries) > MaxEntries {
		return fault.Errorf(fault.Invalid, "eventlog: append of %d entries, limit is %d", len(entries), MaxEntries)
	}
	var keys map[string]bool
	size := 0
	for i := range entries {
		e := &entries[i]
		if err := e.Header.Check(); err != nil {
			return fault.Errorf(fault.Invalid, "eventlog: append: entry %d of %d: %w", i+1, len(entries), err)
		}
		if size += len(e.Payload); size > MaxAppendBytes {
			return fault.Errorf(fault.Invalid, "eventlog: append of more than %d payload bytes", MaxAppendBytes)
		}
		if e.Key == "" {
			continue
		}
		if keys == nil {
			keys = make(map[string]bool)
		}
		if keys[e.Key] {
			return fault.Errorf(fault.Invalid, "eventlog: append: idempotency key %q twice", e.Key)
		}
		keys[e.Key] = true
	}
	for _, x := range expect {
		if x.Aggregate == "" {
			return fault.Errorf(fault.Invalid, "eventlog: append: expectation without an aggregate")
		}
	}
	return nil
}

// Sealed is what Seal makes of entries: headers and salts, ready to be stored.
type Sealed struct {
	// Headers are the complete headers, Forms their binary forms.
	Headers []event.Header
	Forms   [][]byte
	// Salts are len(Headers) salts, one after another.
	Salts []byte
}

// Salt returns the salt of entry i.
func (s *Sealed) Salt(i int) []byte { return s.Salts[i*SaltBytes : (i+1)*SaltBytes] }

// Seal draws salts from random, completes the headers of entries and writes
// their binary forms. It does not need to know sequence numbers.
func Seal(random io.Reader, entries []Entry) (*Sealed, error) {
	s := &Sealed{
		Headers: make([]event.Header, len(entries)),
		Forms:   make([][]byte, len(entries)),
		Salts:   make([]byte, len(entries)*SaltBytes),
	}
	if _, err := io.ReadFull(random, s.Salts); err != nil {
		return nil, fault.Errorf(fault.Unavailable, "eventlog: salt: %w", err)
	}
	buf := make([]byte, 0, 256*len(entries))
	for i := range entries {
		h := &s.Headers[i]
		*h = entries[i].Header
		h.Version = event.Version
		h.PayloadBytes = uint32(len(entries[i].Payload))
		h.PayloadHash = PayloadHash(s.Salt(i), entries[i].Payload)
		start := len(buf)
		buf = h.AppendBinary(buf)
		s.Forms[i] = buf[start:len(buf):len(buf)]
	}
	return s, nil
}

// Repeated finds out whether entries repeat an earlier Append. lookup returns
// the first sequence number of the Append that bore a key. Repeated returns 0
// when no key is known, and a Conflict when some are unknown or belong to
// different Appends.
func Repeated(entries []Entry, lookup func(key string) (Seq, bool, error)) (Seq, error) {
	var first Seq
	fresh := ""
	for i := range entries {
		key := entries[i].Key
		if key == "" {
			continue
		}
		at, ok, err := lookup(key)
		switch {
		case err != nil:
			return 0, err
		case !ok:
			fresh = key
		case first != 0 && at != first:
			return 0, fault.Errorf(fault.Conflict, "eventlog: append: idempotency keys of several earlier appends, %q among them", key)
		default:
			first = at
		}
	}
	if first != 0 && fresh != "" {
		return 0, fault.Errorf(fault.Conflict, "eventlog: append: idempotency key %q is new, others were appended before", fresh)
	}
	return first, nil
}

// Expected checks expect against last, which returns the sequence number of an
// aggregate's last entry, 0 when it has none.
func Expected(expect []Expect, last func(aggregate string) (Seq, error)) error {
	for _, x := range expect {
		at, err := last(x.Aggregate)
		if err != nil {
			return err
		}
		if at != x.Last {
			return fault.Errorf(fault.Conflict, "eventlog: append: %s is at version %d, expected %d", x.Aggregate, at, x.Last)
		}
	}
	return nil
}

// Checker checks entries one after another, as Verify does.
type Checker struct {
	// Seq and Chain are the last entry checked and the chain digest after it.
	Seq   Seq
	Chain Digest
	// Problem is told every problem in one sentence.
	Problem func(string)
}

// Entry checks the next entry: its number, its header's binary form and, unless
// it is erased, its payload.
func (c *Checker) Entry(seq Seq, form []byte, erased bool, salt, payload []byte) {
	if seq != c.Seq+1 {
		c.Missing(seq)
	}
	c.Seq = seq
	c.Chain = Next(c.Chain, form)
	h, err := event.ParseHeader(form)
	if err != nil {
		c.Problem(fmt.Sprintf("entry %d: header is damaged: %v", seq, err))
		return
	}
	if erased {
		return
	}
	if len(payload) != int(h.PayloadBytes) {
		c.Problem(fmt.Sprintf("entry %d: payload has %d bytes, header says %d", seq, len(payload), h.PayloadBytes))
	} else if PayloadHash(salt, payload) != h.PayloadHash {
		c.Problem(fmt.Sprintf("entry %d: payload does not match its digest", seq))
	}
}

// Missing tells that the entries after the last one checked and before seq are
// missing, and goes on as if they had been there.
func (c *Checker) Missing(seq Seq) {
	if seq == c.Seq+2 {
		c.Problem(fmt.Sprintf("entry %d is missing", c.Seq+1))
	} else if seq > c.Seq+2 {
		c.Problem(fmt.Sprintf("entries %d to %d are missing", c.Seq+1, seq-1))
	}
	c.Seq = seq - 1
}

// Joins checks that the chain digest stored before entry seq is the one
// computed, and goes on from the stored one.
func (c *Checker) Joins(seq Seq, stored Digest) {
	if stored != c.Chain {
		c.Problem(fmt.Sprintf("chain is broken before entry %d", seq))
	}
	c.Chain = stored
}
