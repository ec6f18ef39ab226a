// Package eventlog is the log: facts in one order, append-only, hash-chained,
// never lost once acknowledged.
//
// It holds the interface [Log], what all bodies of it share (limits, the
// making and checking of entries, the chain) and payloads longer than one
// entry ([AppendLong], [Payload]). The bodies are memlog (in memory) and
// pebblelog (on disk); both pass eventlogtest, which is the contract in code.
//
// # Chain
//
// The chain digest after entry n is SHA-256(digest after entry n-1 || binary
// form of header n); before the first entry it is 32 zero bytes. A header
// bears the salted digest of its payload, so the head digest fixes every
// payload too, and stays checkable after payload and salt are erased.
//
// The log does not interpret payloads, decide who may read, or look at clocks:
// write times are given by the caller.
package eventlog

import (
	"context"
	"errors"
	"iter"

	"casus/internal/event"
)

// ErrDamaged is in the chain of an error that says that a log cannot be opened
// because it is damaged: what was acknowledged cannot be read.
var ErrDamaged = errors.New("damaged")

// Seq is the place of an entry in its log; the first is 1, 0 means none.
type Seq = event.Seq

// Digest is a chain digest.
type Digest = [32]byte

// Limits of one Append and of one payload.
const (
	// MaxEntries is the most entries of one Append.
	MaxEntries = 1000
	// MaxAppendBytes is the most payload bytes of one Append, and of one entry.
	MaxAppendBytes = 512 << 10
	// MaxWholeBytes is the longest payload that [AppendLong] writes as one
	// entry, and the size of the parts of a longer one.
	MaxWholeBytes = 256 << 10
	// MaxLongBytes is the longest payload that [AppendLong] takes.
	MaxLongBytes = 1 << 30
)

// Entry is an entry to append. The log fills PayloadBytes, PayloadHash and
// Version of the header. The log keeps nothing of Payload after Append, unless
// an entry of the Append has a Note.
type Entry struct {
	event.Header
	Payload []byte
	// Note is what the caller knows of Payload already, for readers in the same
	// process. It is never stored. The log may hand it on, or drop it; the
	// payloads of the Append must then never be modified.
	Note any
}

// Stored is an entry as the log holds it.
type Stored struct {
	Seq    Seq
	Header event.Header
	// Payload is nil when Erased. It belongs to the caller and stays valid, but
	// must not be modified, and keeps up to 64 KiB of its neighbours in memory.
	Payload []byte
	// Erased says that payload and salt are gone for good.
	Erased bool
	// Note is that of the [Entry], or nil: only [Log].Read gives notes, of
	// entries that were just appended.
	Note any
}

// Expect is a condition of an Append: the last entry of Aggregate is Last, 0
// meaning that it has none.
type Expect struct {
	Aggregate string
	Last      Seq
}

// Log is an append-only sequence of entries. All methods may be called from
// several goroutines.
//
// Errors are [fault.Invalid] for input that the contract forbids,
// [fault.Conflict] for a lost race, [fault.NotFound] for a sequence number
// past the head, [fault.Unavailable] for what may work later (a full or
// failing disk, a closed log), [fault.Internal] for damage.
//
// Bodies also have Close() error, which waits for nothing but running calls:
// what was acknowledged is durable already.
type Log interface {
	// Append writes entries as one: all or none, with contiguous sequence
	// numbers, and returns the first. When it returns nil, the entries are
	// durable (fsynced) and visible to all readers. Concurrent calls share an
	// fsync.
	//
	// If an entry's idempotency key was appended before, nothing is appended,
	// expect is not looked at, and the first sequence number of that earlier
	// Append is returned. Several keys that belong to different earlier
	// Appends, or only partly to one, are a Conflict.
	//
	// Each expect must hold, else nothing is appended and the error is a
	// Conflict. After an Unavailable error the entries may or may not have been
	// appended: repeat with the same idempotency key to find out.
	//
	// No entries, more than MaxEntries or MaxAppendBytes of payload, a header
	// that does not pass its Check, and a key twice in one call are Invalid.
	Append(ctx context.Context, expect []Expect, entries []Entry) (first Seq, err error)

	// Read yields the entries from sequence number from (0 means 1) up to the
	// head at the time of the call, in order. An entry that cannot be read is
	// yielded as its sequence number with an error that names it, and ends the
	// iteration. Payloads erased meanwhile come as erased.
	Read(ctx context.Context, from Seq) iter.Seq2[Stored, error]

	// Get returns one entry.
	Get(ctx context.Context, seq Seq) (Stored, error)

	// Head returns the last sequence number, 0 when the log is empty, and the
	// chain digest after it. Everything up to it is durable.
	Head(ctx context.Context) (Seq, Digest, error)

	// Watch returns a channel that is closed once the head is past after (at
	// once if it is) or the log is closed. It may be closed early when after is
	// past the head: see [Wait].
	Watch(after Seq) <-chan struct{}

	// Seen returns the first sequence number of the Append in which an entry
	// bore the idempotency key. Keys are kept for ever, those of erased entries
	// included.
	Seen(ctx context.Context, key string) (Seq, bool, error)

	// Erase removes payload and salt of the entries; headers and chain stay. On
	// return no file of the log holds them. It does not append anything: that an
	// entry was erased, and why, is an entry of its own, appended before.
	// Entries erased already are passed over, so Erase may be repeated after an
	// error or a crash. It does not follow parts: see [Closure].
	Erase(ctx context.Context, seqs ...Seq) error

	// Verify reads everything up to the head and checks numbering, headers,
	// chain and payload digests. Each problem is told in one sentence that
	// names the entries. It returns the head as recomputed; the error is only
	// for a check that could not be carried out.
	Verify(ctx context.Context, problem func(string)) (Seq, Digest, error)
}

// Each calls f for every entry from the given one to the head at the time of
// the call, and stops at the first error.
func Each(ctx context.Context, log Log, from Seq, f func(Stored) error) error {
	for s, err := range log.Read(ctx, from) {
		if err != nil {
			return err
		}
		if err := f(s); err != nil {
			return err
		}
	}
	return nil
}

// Wait returns nil once the head of log is past after, or ctx's error, or that
// of a closed log.
func Wait(ctx context.Context, log Log, after Seq) error {
	for {
		grown := log.Watch(after)
		head, _, err := log.Head(ctx)
		if err != nil || head > after {
			return err
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
