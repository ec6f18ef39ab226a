package kv

import (
	"encoding/binary"
	"fmt"
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
		bm := roaring.New()
		if err := bm.UnmarshalBinary(b[1:]); err != nil {
			return nil, fault.Errorf(fault.Internal, "kv: postings: %w", err)
		}
		p := make(Postings, 0, bm.GetCardinality())
		it := bm.Iterator()
		for it.HasNext() {
			p = append(p, uint16(it.Next())) //nolint:gosec // members are 16-bit by construction
		}
		return p, nil
	}
	return nil, fault.Errorf(fault.Internal, "kv: postings: unknown tag %d", b[0])
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
			o := roaring.New()
			if err := o.UnmarshalBinary(s[1:]); err != nil {
				return nil, fault.Errorf(fault.Internal, "kv: postings: %w", err)
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
