package view

import (
	"cmp"
	"encoding/binary"
	"iter"
	"slices"

	"casus/internal/event"
	"casus/internal/fault"
	"casus/internal/kv"
)

// blockReceipts is the number of receipts under one key.
const blockReceipts = 64

// receiptBytes is the length of one receipt: sequence of the entry (8), of the
// entry that holds the bytes (8), report (4), marking set (4), first receipt of
// the same bytes (4), event time in seconds since 1970, 0 for none (8), type
// (1), flags (1), rank (4).
const receiptBytes = 42

const (
	flagConflict = 1 << iota // same version as another receipt, other content
	flagGone                 // erased
	flagKnown                // the same bytes were held before
)

type receipt struct {
	no     uint32
	seq    event.Seq
	bytes  event.Seq
	report uint32
	set    uint32
	first  uint32
	event  int64
	typ    uint8
	flags  uint8
	// rank counts the receipts of its report before it that have its own marking
	// set, erased ones too.
	rank uint32
}

func (r receipt) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(r.seq))
	b = binary.BigEndian.AppendUint64(b, uint64(r.bytes))
	b = binary.BigEndian.AppendUint32(b, r.report)
	b = binary.BigEndian.AppendUint32(b, r.set)
	b = binary.BigEndian.AppendUint32(b, r.first)
	b = binary.BigEndian.AppendUint64(b, uint64(r.event)) //nolint:gosec // two's complement both ways
	return binary.BigEndian.AppendUint32(append(b, r.typ, r.flags), r.rank)
}

func parseReceipt(no uint32, b []byte) receipt {
	return receipt{
		no:     no,
		seq:    event.Seq(binary.BigEndian.Uint64(b)),
		bytes:  event.Seq(binary.BigEndian.Uint64(b[8:])),
		report: binary.BigEndian.Uint32(b[16:]),
		set:    binary.BigEndian.Uint32(b[20:]),
		first:  binary.BigEndian.Uint32(b[24:]),
		event:  int64(binary.BigEndian.Uint64(b[28:])), //nolint:gosec // two's complement both ways
		typ:    b[36],
		flags:  b[37],
		rank:   binary.BigEndian.Uint32(b[38:]),
	}
}

// blocks reads receipts, keeping the blocks of one question in memory.
type blocks struct {
	kv   kv.Reader
	held map[uint32][]byte
}

func newBlocks(r kv.Reader) *blocks { return &blocks{kv: r, held: map[uint32][]byte{}} }

// maxHeldBlocks bounds the memory of one question: 4,096 blocks are 10 MB.
const maxHeldBlocks = 4096

func (b *blocks) get(no uint32) (receipt, error) {
	blk, ok := b.held[no/blockReceipts]
	if !ok {
		raw, found, err := b.kv.Get(num('r', no/blockReceipts))
		if err != nil {
			return receipt{}, err
		}
		if !found {
			return receipt{}, fault.Errorf(fault.Internal, "view: receipt %d is not there; rebuild the views", no)
		}
		if len(b.held) >= maxHeldBlocks {
			clear(b.held)
		}
		b.held[no/blockReceipts] = raw
		blk = raw
	}
	at := int(no%blockReceipts) * receiptBytes
	if at+receiptBytes > len(blk) {
		return receipt{}, fault.Errorf(fault.Internal, "view: receipt %d is cut short; rebuild the views", no)
	}
	return parseReceipt(no, blk[at:]), nil
}

// all returns the receipts of nos, newest first as nos are.
func (b *blocks) all(nos []uint32) ([]receipt, error) {
	out := make([]receipt, len(nos))
	var keys [][]byte
	last := none
	for _, no := range slices.Backward(nos) {
		if no/blockReceipts != last {
			last = no / blockReceipts
			keys = append(keys, num('r', last))
		}
	}
	i := len(nos) - 1
	for p, err := range b.kv.Each(keys) {
		if err != nil {
			return nil, err
		}
		block := binary.BigEndian.Uint32(p.Key[1:])
		for ; i >= 0 && nos[i]/blockReceipts == block; i-- {
			at := int(nos[i]%blockReceipts) * receiptBytes
			if at+receiptBytes > len(p.Value) {
				return nil, fault.Errorf(fault.Internal, "view: receipt %d is cut short; rebuild the views", nos[i])
			}
			out[i] = parseReceipt(nos[i], p.Value[at:])
		}
		if i >= 0 && nos[i]/blockReceipts < block {
			break
		}
	}
	if i >= 0 {
		return nil, fault.Errorf(fault.Internal, "view: receipt %d is not there; rebuild the views", nos[i])
	}
	return out, nil
}

// prefix yields all pairs of a one-letter prefix.
func (s *Store) prefix(p string) iter.Seq2[kv.Pair, error] {
	return s.kv.Scan([]byte(p), kv.PrefixEnd([]byte(p)))
}

// postings yields the receipts of a term, newest first.
func postings(r kv.Reader, prefix byte, term []byte) iter.Seq2[uint32, error] {
	return func(yield func(uint32, error) bool) {
		from := append(append([]byte{prefix}, term...), 0)
		size := len(from) + 2
		for p, err := range r.Scan(from, kv.PrefixEnd(from)) {
			if err != nil {
				yield(0, err)
				return
			}
			if len(p.Key) != size {
				continue // a longer term that begins with this one and a zero byte
			}
			base := uint32(^binary.BigEndian.Uint16(p.Key[size-2:])) << 16
			set, err := kv.Backward(p.Value)
			if err != nil {
				yield(0, err)
				return
			}
			for s := range set {
				if !yield(base|uint32(s), nil) {
					return
				}
			}
		}
	}
}

// sample returns up to newest receipts of a term from its new end and up to
// oldest from its other end, newest first, and how many it has in all. A term
// with no more than both has all of them returned.
func sample(r kv.Reader, prefix byte, term []byte, newest, oldest int) (nos []uint32, total int, err error) {
	from := append(append([]byte{prefix}, term...), 0)
	size := len(from) + 2
	var tail []uint32 // the oldest seen so far, newest first
	for p, err := range r.Scan(from, kv.PrefixEnd(from)) {
		if err != nil {
			return nil, 0, err
		}
		if len(p.Key) != size {
			continue
		}
		low, high, n, err := kv.Ends(p.Value, oldest, newest-len(nos))
		if err != nil {
			return nil, 0, err
		}
		total += n
		base := uint32(^binary.BigEndian.Uint16(p.Key[size-2:])) << 16
		for _, v := range slices.Backward(high) {
			nos = append(nos, base|uint32(v))
		}
		for _, v := range slices.Backward(low) {
			tail = append(tail, base|uint32(v))
		}
		if len(tail) > oldest {
			tail = tail[len(tail)-oldest:]
		}
	}
	nos = append(nos, tail...)
	slices.SortFunc(nos, func(a, b uint32) int { return cmp.Compare(b, a) })
	return slices.Compact(nos), total, nil
}

// postingKey returns the key of a term's container of n.
func postingKey(b []byte, prefix byte, term []byte, n uint32) []byte {
	b = append(append(append(b, prefix), term...), 0)
	return binary.BigEndian.AppendUint16(b, ^uint16(n>>16)) //nolint:gosec // the upper half
}
