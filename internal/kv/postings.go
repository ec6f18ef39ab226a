package kv

import (
	"encoding/binary"
	"fmt"
	"iter"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"casus/internal/fault"
)

// Postings is a sorted set of 16-bit numbers: the members of one container of
// 65,536. Its encoded form is one tag byte, then
//
//	0: the numbers, two bytes each, big endian, rising (at most [ListMax])
//	1: a roaring bitmap in its portable form
type Postings []uint16

// ListMax is the largest set that is written as a list.
const ListMax = 64

const (
	tagList   = 0
	tagBitmap = 1
)

// Append appends the encoded form of p, which must be sorted without repeats.
func (p Postings) Append(b []byte) []byte {
	if len(p) <= ListMax {
		b = append(b, tagList)
		for _, v := range p {
			b = binary.BigEndian.AppendUint16(b, v)
		}
		return b
	}
	bm := roaring.New()
	for _, v := range p {
		bm.Add(uint32(v))
	}
	return appendBitmap(b, bm)
}

func appendBitmap(b []byte, bm *roaring.Bitmap) []byte {
	bm.RunOptimize()
	raw, err := bm.ToBytes()
	if err != nil {
		panic(fmt.Sprintf("kv: writing a bitmap to memory: %v", err)) // cannot fail
	}
	return append(append(b, tagBitmap), raw...)
}

// bitmap reads an encoded bitmap, which shares b.
func bitmap(b []byte) (*roaring.Bitmap, error) {
	bm := roaring.New()
	_, err := bm.FromBuffer(b[1:])
	if err == nil {
		err = bm.Validate()
	}
	if err != nil {
		return nil, fault.Errorf(fault.Internal, "kv: postings: %w", err)
	}
	return bm, nil
}

// ParsePostings reads an encoded set. A damaged one is an Internal fault.
func ParsePostings(b []byte) (Postings, error) {
	if len(b) == 0 {
		return nil, nil
	}
	switch b[0] {
	case tagList:
		if len(b)%2 != 1 {
			return nil, fault.Errorf(fault.Internal, "kv: postings: list of %d bytes is cut short", len(b)-1)
		}
		p := make(Postings, 0, len(b)/2)
		for i := 1; i < len(b); i += 2 {
			p = append(p, binary.BigEndian.Uint16(b[i:]))
		}
		return p, nil
	case tagBitmap:
		bm, err := bitmap(b)
		if err != nil {
			return nil, err
		}
		p := make(Postings, 0, bm.GetCardinality())
		var some [256]uint32
		it := bm.ManyIterator()
		for n := it.NextMany(some[:]); n > 0; n = it.NextMany(some[:]) {
			for _, v := range some[:n] {
				p = append(p, uint16(v)) //nolint:gosec // members are 16-bit by construction
			}
		}
		return p, nil
	}
	return nil, fault.Errorf(fault.Internal, "kv: postings: unknown tag %d", b[0])
}

// Backward returns the members of an encoded set, the largest first. It costs what
// is taken of it. A damaged set is an Internal fault.
func Backward(b []byte) (iter.Seq[uint16], error) {
	if len(b) == 0 || b[0] != tagBitmap {
		p, err := ParsePostings(b)
		return func(yield func(uint16) bool) {
			for _, v := range slices.Backward(p) {
				if !yield(v) {
					return
				}
			}
		}, err
	}
	bm, err := bitmap(b)
	if err != nil {
		return nil, err
	}
	return func(yield func(uint16) bool) {
		for it := bm.ReverseIterator(); it.HasNext(); {
			if !yield(uint16(it.Next())) { //nolint:gosec // members are 16-bit by construction
				return
			}
		}
	}, nil
}

// Ends returns up to least of the smallest and up to most of the largest members
// of an encoded set, both rising, and how many members it has. It costs what it
// returns, not what the set holds. A damaged set is an Internal fault.
func Ends(b []byte, least, most int) (low, high Postings, n int, err error) {
	if len(b) == 0 || b[0] != tagBitmap {
		p, err := ParsePostings(b)
		return p[:min(least, len(p))], p[len(p)-min(most, len(p)):], len(p), err
	}
	bm, err := bitmap(b)
	if err != nil {
		return nil, nil, 0, err
	}
	for it := bm.Iterator(); it.HasNext() && len(low) < least; {
		low = append(low, uint16(it.Next())) //nolint:gosec // members are 16-bit by construction
	}
	for it := bm.ReverseIterator(); it.HasNext() && len(high) < most; {
		high = append(high, uint16(it.Next())) //nolint:gosec // members are 16-bit by construction
	}
	slices.Reverse(high)
	return low, high, int(bm.GetCardinality()), nil //nolint:gosec // at most 65,536
}

// Union returns the encoded union of encoded sets.
func Union(sets ...[]byte) ([]byte, error) {
	n := 0
	for _, s := range sets {
		n += len(s)
		if len(s) > 0 && s[0] == tagBitmap {
			n += 2 * ListMax // large anyway: go through a bitmap
		}
	}
	if n <= 4*ListMax {
		var all Postings
		for _, s := range sets {
			p, err := ParsePostings(s)
			if err != nil {
				return nil, err
			}
			all = append(all, p...)
		}
		slices.Sort(all)
		return slices.Compact(all).Append(nil), nil
	}
	bm := roaring.New()
	for _, s := range sets {
		if len(s) > 0 && s[0] == tagBitmap {
			o, err := bitmap(s)
			if err != nil {
				return nil, err
			}
			bm.Or(o)
			continue
		}
		p, err := ParsePostings(s)
		if err != nil {
			return nil, err
		}
		for _, v := range p {
			bm.Add(uint32(v))
		}
	}
	if c := bm.GetCardinality(); c <= ListMax {
		p := make(Postings, 0, c)
		for it := bm.Iterator(); it.HasNext(); {
			p = append(p, uint16(it.Next())) //nolint:gosec // members are 16-bit by construction
		}
		return p.Append(nil), nil
	}
	return appendBitmap(nil, bm), nil
}
