package view

import (
	"encoding/binary"
	"slices"
	"sync/atomic"

	"github.com/cespare/xxhash/v2"

	"casus/internal/fault"
	"casus/internal/kv"
)

// bloom says of a key that it is certainly not in the store, or that it may
// be. It is a blocked Bloom filter that grows by layers, each twice the one
// before: a key sets eight bits in one block of 512, which one memory access
// answers. About one in 400 misses is let through.
//
// One goroutine adds; any number may ask meanwhile.
type bloom struct {
	layers atomic.Pointer[[]*layer]
}

type layer struct {
	blocks []block
	room   int // keys it may still take
}

type block [8]atomic.Uint64

const (
	bitsPerKey     = 14
	firstLayerKeys = 1 << 17
	blockBits      = 512
)

func newBloom() *bloom {
	b := &bloom{}
	b.layers.Store(&[]*layer{})
	return b
}

func hashKey(key []byte) uint64 { return xxhash.Sum64(key) }

// has reports whether the key of hash h may have been added. A nil filter,
// which knows nothing, says that it may.
func (b *bloom) has(h uint64) bool {
	if b == nil {
		return true
	}
	for _, l := range *b.layers.Load() {
		if l.has(h) {
			return true
		}
	}
	return false
}

func (b *bloom) add(h uint64) {
	layers := *b.layers.Load()
	if len(layers) == 0 || layers[len(layers)-1].room == 0 {
		keys := firstLayerKeys << len(layers)
		l := &layer{blocks: make([]block, keys*bitsPerKey/blockBits), room: keys}
		layers = append(slices.Clip(layers), l)
		b.layers.Store(&layers)
	}
	if b.has(h) {
		return
	}
	l := layers[len(layers)-1]
	l.room--
	blk := &l.blocks[(h>>32)*uint64(len(l.blocks))>>32]
	for _, bit := range probes(h) {
		blk[bit>>6].Or(1 << (bit & 63))
	}
}

func (l *layer) has(h uint64) bool {
	blk := &l.blocks[(h>>32)*uint64(len(l.blocks))>>32]
	for _, bit := range probes(h) {
		if blk[bit>>6].Load()&(1<<(bit&63)) == 0 {
			return false
		}
	}
	return true
}

// probes gives the eight bits of a key: 9 bits each of a remixed hash.
func probes(h uint64) [8]uint16 {
	var p [8]uint16
	a := h * 0x9e3779b97f4a7c15
	c := h ^ h>>29
	for i := range p {
		a += c | 1
		p[i] = uint16(a>>(55-i)) & (blockBits - 1) //nolint:gosec // masked
		a *= 0xbf58476d1ce4e5b9
	}
	return p
}

// The saved form: key 'b' layer(1) piece(4) -> 64 KiB of blocks, little endian;
// key 'b' -> sequence of the mark it belongs to (8), then room (4) per layer.
const pieceBlocks = 1024

// save writes the filter into the store, with the mark that it belongs to.
func (b *bloom) save(store kv.Store, mark uint64) error {
	batch := store.Batch()
	defer batch.Discard()
	if err := batch.DeleteRange([]byte("b"), []byte("c")); err != nil {
		return err
	}
	head := binary.BigEndian.AppendUint64(nil, mark)
	for i, l := range *b.layers.Load() {
		head = binary.BigEndian.AppendUint32(head, uint32(l.room)) //nolint:gosec // far below 2^32
		for at := 0; at < len(l.blocks); at += pieceBlocks {
			var raw []byte
			for j := at; j < min(at+pieceBlocks, len(l.blocks)); j++ {
				for k := range l.blocks[j] {
					raw = binary.LittleEndian.AppendUint64(raw, l.blocks[j][k].Load())
				}
			}
			key := binary.BigEndian.AppendUint32([]byte{'b', byte(i)}, uint32(at/pieceBlocks)) //nolint:gosec // far below 2^32
			if err := batch.Set(key, raw); err != nil {
				return err
			}
		}
	}
	if err := batch.Set([]byte("b"), head); err != nil {
		return err
	}
	return batch.Commit()
}

// loadBloom reads a saved filter; ok is false when there is none for mark.
func loadBloom(store kv.Reader, mark uint64) (b *bloom, ok bool, err error) {
	head, ok, err := store.Get([]byte("b"))
	if err != nil || !ok || len(head) < 8 || binary.BigEndian.Uint64(head) != mark {
		return nil, false, err
	}
	var layers []*layer
	for i, rooms := 0, head[8:]; len(rooms) >= 4; i, rooms = i+1, rooms[4:] {
		keys := firstLayerKeys << i
		l := &layer{blocks: make([]block, keys*bitsPerKey/blockBits), room: int(binary.BigEndian.Uint32(rooms))}
		prefix := []byte{'b', byte(i)} //nolint:gosec // layers double: there are never 256
		at := 0
		for p, err := range store.Scan(prefix, kv.PrefixEnd(prefix)) {
			if err != nil {
				return nil, false, err
			}
			for raw := p.Value; len(raw) >= 64 && at < len(l.blocks); raw, at = raw[64:], at+1 {
				for k := range l.blocks[at] {
					l.blocks[at][k].Store(binary.LittleEndian.Uint64(raw[8*k:]))
				}
			}
		}
		if at != len(l.blocks) {
			return nil, false, fault.Errorf(fault.Internal, "view: filter: layer %d has %d of %d blocks", i, at, len(l.blocks))
		}
		layers = append(layers, l)
	}
	b = newBloom()
	b.layers.Store(&layers)
	return b, true, nil
}

// fillBloom makes the filter from the keys of the store.
func fillBloom(store kv.Reader) (*bloom, error) {
	b := newBloom()
	for _, prefix := range [2]byte{'o', 'v'} {
		for p, err := range store.Scan([]byte{prefix}, []byte{prefix + 1}) {
			if err != nil {
				return nil, err
			}
			key := p.Key
			if prefix == 'v' {
				key = key[:len(key)-3]
			}
			b.add(hashKey(key))
		}
	}
	return b, nil
}
