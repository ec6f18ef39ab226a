// Package kv is the store that holds the views: ordered keys, atomic batches,
// and one merge rule, the union of [Postings].
//
// A view can always be rebuilt from the log, so a store promises order and
// atomicity, not durability: after a crash it holds what some earlier
// [Store.Flush] had made durable, or something between that and the last
// committed batch, always a prefix of the committed batches. Bodies:
// pebblekv (disk) and memkv (memory); kvtest has the contract.
package kv

import "iter"

// Reader reads a store or a snapshot of it.
//
// Errors are [fault.Internal] for damage, [fault.Unavailable] for what may work
// later: a failing disk, a store that is being opened again.
type Reader interface {
	// Get returns a copy of the value of key, which is the caller's to keep and
	// to change; ok is false when there is none. That is no error.
	Get(key []byte) (value []byte, ok bool, err error)
	// Scan yields the pairs with from <= key < to in order; a nil to means to
	// the end. Both slices are valid until the next step only. A failing read
	// is the last step and carries the error.
	Scan(from, to []byte) iter.Seq2[Pair, error]
	// Each yields the pairs of those keys that there are. The keys must be in
	// order; many that lie near to one another cost less than as many calls of
	// Get. For the slices and for errors the same holds as for Scan.
	Each(keys [][]byte) iter.Seq2[Pair, error]
}

// Pair is one key with its value.
type Pair struct{ Key, Value []byte }

// Store is an ordered store with atomic batches. All methods may be called from
// several goroutines; a [Batch] belongs to one.
//
// Errors are those of [Reader]; a full disk is [fault.Unavailable] too. After an
// error of Flush or Erase nothing is known of what is durable or gone: call it
// again.
type Store interface {
	Reader
	// Snapshot returns a reader of the present state; it must be closed.
	Snapshot() Snapshot
	// Batch starts a batch.
	Batch() Batch
	// Flush makes everything committed before it durable.
	Flush() error
	// Erase makes sure that overwritten and deleted values in from <= key < to
	// are in no file of the store any more once it is closed. A nil to means to
	// the end. What a snapshot from before still shows stays. Nothing may be
	// committed meanwhile.
	Erase(from, to []byte) error
	// SizeBytes returns the bytes on disk, 0 for a store in memory.
	SizeBytes() int64
	// Close flushes and closes; nothing may be called after it. The store is
	// closed after an error too, which says that the last writes may be lost.
	Close() error
}

// Snapshot is a reader of one state.
type Snapshot interface {
	Reader
	// Close lets the state go. To close it twice, or to read it afterwards, is a
	// bug.
	Close() error
}

// Batch collects writes that become visible together. Keys and values are
// copied.
//
// To write to an ended batch is a bug. Commit is
// [fault.Unavailable] when the disk is full or failing, and [fault.Internal]
// when what Merge was given, or is to be added to, is no set; the batch has then
// no effect, unless the union is made later, by who reads it.
type Batch interface {
	// Set writes a value.
	Set(key, value []byte) error
	// Merge adds encoded [Postings] to those under key.
	Merge(key, postings []byte) error
	// Delete removes a key; removing what is not there is no error.
	Delete(key []byte) error
	// DeleteRange removes all keys with from <= key < to.
	DeleteRange(from, to []byte) error
	// Commit makes the writes visible and ends the batch.
	Commit() error
	// Discard ends the batch without effect; it may follow Commit.
	Discard()
}

// PrefixEnd returns the first key after all keys that begin with prefix, nil
// when there is none.
func PrefixEnd(prefix []byte) []byte {
	end := append([]byte(nil), prefix...)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i] != 0xff {
			end[i]++
			return end[:i+1]
		}
	}
	return nil
}
