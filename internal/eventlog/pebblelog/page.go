package pebblelog

import (
	"encoding/binary"
	"errors"

	"casus/internal/event"
	"casus/internal/eventlog"

	"github.com/klauspost/compress/zstd"
)

// Sizes of pages and of what is worth compressing.
const (
	pageEntries      = 32
	pagePayloadBytes = 64 << 10
	minCompressBytes = 1 << 10
	// maxPageBytes bounds a decoded page: one entry of the largest payload, or
	// headers of the largest size.
	maxPageBytes = 2 << 20
)

// Codecs of the bodies of page values. Numbers are never reused.
const (
	codecRaw  = 0
	codecZstd = 1
)

var errPage = errors.New("page is damaged")

// codec compresses and decompresses page bodies; safe for several goroutines.
type codec struct {
	enc *zstd.Encoder
	dec *zstd.Decoder
}

func newCodec() (*codec, error) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(128<<10),
		zstd.WithEncoderCRC(false), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, err
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(maxPageBytes),
		zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, err
	}
	return &codec{enc: enc, dec: dec}, nil
}

func (c *codec) close() {
	_ = c.enc.Close()
	c.dec.Close()
}

// body appends body in the shorter of its forms to prefix, whose first byte it
// sets to the codec.
func (c *codec) body(prefix, body []byte) []byte {
	if len(body) >= minCompressBytes {
		out := c.enc.EncodeAll(body, prefix)
		if len(out)-len(prefix) < len(body)-len(body)/8 {
			out[0] = codecZstd
			return out
		}
	}
	prefix[0] = codecRaw
	return append(prefix, body...)
}

// unbody returns the body; sizeHint is what it is likely to be long.
func (c *codec) unbody(code byte, b []byte, sizeHint int) ([]byte, error) {
	switch code {
	case codecRaw:
		return b, nil
	case codecZstd:
		return c.dec.DecodeAll(b, make([]byte, 0, min(sizeHint, maxPageBytes)))
	}
	return nil, errPage
}

// A header page is: codec (1 byte), chain digest before the page (32 bytes),
// number of entries (uvarint), payload digests (32 bytes each), body. The body
// is, for each entry, the length of its header's binary form without the
// digest at its end (uvarint) and that form.

const digestAt, countAt = 1, 1 + 32

// packHeaders returns a header page whose chain digest is still zero.
func (c *codec) packHeaders(forms [][]byte) []byte {
	prefix := make([]byte, countAt, 256*len(forms))
	prefix = binary.AppendUvarint(prefix, uint64(len(forms)))
	body := make([]byte, 0, 256*len(forms))
	for _, form := range forms {
		cut := len(form) - 32
		prefix = append(prefix, form[cut:]...)
		body = binary.AppendUvarint(body, uint64(cut))
		body = append(body, form[:cut]...)
	}
	return c.body(prefix, body)
}

// headers is a header page read.
type headers struct {
	before eventlog.Digest
	forms  [][]byte
}

// unpackHeaders reads a header page; it keeps nothing of page.
func (c *codec) unpackHeaders(page []byte) (headers, error) {
	var h headers
	if len(page) < countAt {
		return h, errPage
	}
	copy(h.before[:], page[digestAt:])
	n, k := binary.Uvarint(page[countAt:])
	if k <= 0 || n == 0 || n > pageEntries || len(page) < countAt+k+32*int(n) {
		return h, errPage
	}
	hashes := page[countAt+k:]
	body, err := c.unbody(page[0], hashes[32*n:], 256*int(n))
	if err != nil {
		return h, err
	}
	buf := make([]byte, 0, len(body)+32*int(n))
	for i := range int(n) {
		size, k := binary.Uvarint(body)
		if k <= 0 || size > uint64(len(body)-k) {
			return h, errPage
		}
		start := len(buf)
		buf = append(buf, body[k:k+int(size)]...)
		buf = append(buf, hashes[32*i:32*i+32]...)
		h.forms = append(h.forms, buf[start:len(buf):len(buf)])
		body = body[k+int(size):]
	}
	if len(body) > 0 {
		return h, errPage
	}
	return h, nil
}

// after returns the chain digest after the first n entries of the page.
func (h *headers) after(n int) eventlog.Digest {
	d := h.before
	for _, form := range h.forms[:n] {
		d = eventlog.Next(d, form)
	}
	return d
}

// A payload page is: codec (1 byte), for each entry its payload's length plus
// one (uvarint; 0 means erased), the salts of those not erased (32 bytes each),
// body. The body is the payloads of those not erased, one after another.

// payload is one entry of a payload page.
type payload struct {
	erased     bool
	salt, data []byte
}

func (c *codec) packPayloads(ps []payload) []byte {
	size := 0
	prefix := make([]byte, 1, 64+36*len(ps))
	for _, p := range ps {
		if p.erased {
			prefix = append(prefix, 0)
			continue
		}
		prefix = binary.AppendUvarint(prefix, uint64(len(p.data))+1)
		size += len(p.data)
	}
	body := make([]byte, 0, size)
	for _, p := range ps {
		if !p.erased {
			prefix = append(prefix, p.salt...)
			body = append(body, p.data...)
		}
	}
	return c.body(prefix, body)
}

// unpackPayloads reads a payload page of n entries; the result may share page.
func (c *codec) unpackPayloads(page []byte, n int) ([]payload, error) {
	if len(page) < 1 {
		return nil, errPage
	}
	ps := make([]payload, n)
	sizes := make([]int, n)
	rest, total, kept := page[1:], 0, 0
	for i := range ps {
		size, k := binary.Uvarint(rest)
		if k <= 0 || size > eventlog.MaxAppendBytes+1 {
			return nil, errPage
		}
		rest = rest[k:]
		if size == 0 {
			ps[i].erased = true
			continue
		}
		sizes[i] = int(size - 1)
		total += sizes[i]
		kept++
	}
	if len(rest) < kept*eventlog.SaltBytes {
		return nil, errPage
	}
	salts := rest[:kept*eventlog.SaltBytes]
	body, err := c.unbody(page[0], rest[len(salts):], total)
	if err != nil || len(body) != total {
		return nil, errors.Join(errPage, err)
	}
	for i := range ps {
		if ps[i].erased {
			continue
		}
		ps[i].salt, salts = salts[:eventlog.SaltBytes], salts[eventlog.SaltBytes:]
		ps[i].data, body = body[:sizes[i]:sizes[i]], body[sizes[i]:]
	}
	return ps, nil
}

// Keys. Sequence numbers are 8 bytes big-endian.
const (
	prefixAggregate = 'a' // + aggregate: sequence number of its last entry
	prefixEntries   = 'e' // + first sequence number + suffix: a page
	prefixKey       = 'k' // + idempotency key: first sequence number of its Append
	prefixMeta      = 'x' // + name

	suffixHeaders  = 'h'
	suffixPayloads = 'p'

	pageKeyBytes = 10
)

func appendSeqKey(b []byte, prefix byte, seq event.Seq) []byte {
	return binary.BigEndian.AppendUint64(append(b, prefix), uint64(seq))
}

func pageKey(first event.Seq, suffix byte) []byte {
	return append(appendSeqKey(make([]byte, 0, pageKeyBytes), prefixEntries, first), suffix)
}

// parsePageKey splits a page's key.
func parsePageKey(key []byte) (first event.Seq, suffix byte, ok bool) {
	if len(key) != pageKeyBytes || key[0] != prefixEntries {
		return 0, 0, false
	}
	return event.Seq(binary.BigEndian.Uint64(key[1:])), key[9], true
}
