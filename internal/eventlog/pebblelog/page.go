package pebblelog

import (
	"encoding/binary"
	"errors"

	"casus/internal/event"
	"casus/internal/eventlog"

	"github.com/klauspost/compress/s2"
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

// Codecs of the bodies of page values. Numbers are never reused; 1 was zstd, in
// no release.
const (
	codecRaw = 0
	codecS2  = 2
)

var errPage = errors.New("page is damaged")

// packer makes pages. The pages it returns are valid until its next reset.
type packer struct {
	out  []byte // the pages, one after the other
	body []byte // the body of the page being made
}

func (p *packer) reset() { p.out = p.out[:0] }

// page appends the page made of prefix, whose first byte it sets to the codec,
// and the body, in the shorter of its forms.
func (p *packer) page(prefix []byte) []byte {
	if cap(p.out)-len(p.out) < len(prefix)+s2.MaxEncodedLen(len(p.body)) {
		// Pages returned before keep the buffer that they are in.
		p.out = make([]byte, 0, max(2*cap(p.out), 64<<10, len(prefix)+s2.MaxEncodedLen(len(p.body))))
	}
	start := len(p.out)
	p.out = append(p.out, prefix...)
	n := len(p.out)
	p.out[start] = codecRaw
	if len(p.body) >= minCompressBytes {
		packed := s2.Encode(p.out[n:cap(p.out)], p.body)
		if len(packed) < len(p.body)-len(p.body)/8 {
			p.out = p.out[:n+len(packed)]
			p.out[start] = codecS2
			return p.out[start:len(p.out):len(p.out)]
		}
	}
	p.out = append(p.out[:n], p.body...)
	return p.out[start:len(p.out):len(p.out)]
}

// unpackBody returns the body.
func unpackBody(code byte, b []byte) ([]byte, error) {
	switch code {
	case codecRaw:
		return b, nil
	case codecS2:
		if n, err := s2.DecodedLen(b); err != nil || n > maxPageBytes {
			return nil, errors.Join(errPage, err)
		}
		return s2.Decode(nil, b)
	}
	return nil, errPage
}

// A header page is: codec (1 byte), chain digest before the page (32 bytes),
// number of entries (uvarint), payload digests (32 bytes each), body. The body
// is, for each entry, the length of its header's binary form without the
// digest at its end (uvarint) and that form.

const digestAt, countAt = 1, 1 + 32

// headers returns a header page whose chain digest is still zero.
func (p *packer) headers(forms [][]byte) []byte {
	var room [countAt + 4 + 32*pageEntries]byte
	prefix := binary.AppendUvarint(room[:countAt], uint64(len(forms)))
	p.body = p.body[:0]
	for _, form := range forms {
		cut := len(form) - 32
		prefix = append(prefix, form[cut:]...)
		p.body = binary.AppendUvarint(p.body, uint64(cut))
		p.body = append(p.body, form[:cut]...)
	}
	return p.page(prefix)
}

// headers is a header page read.
type headers struct {
	before eventlog.Digest
	forms  [][]byte
}

// unpackHeaders reads a header page; it keeps nothing of page.
func unpackHeaders(page []byte) (headers, error) {
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
	body, err := unpackBody(page[0], hashes[32*n:])
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

// payloads returns a payload page.
func (p *packer) payloads(ps []payload) []byte {
	var room [1 + (binary.MaxVarintLen32+eventlog.SaltBytes)*pageEntries]byte
	prefix := room[:1]
	p.body = p.body[:0]
	for _, pay := range ps {
		if pay.erased {
			prefix = append(prefix, 0)
			continue
		}
		prefix = binary.AppendUvarint(prefix, uint64(len(pay.data))+1)
	}
	for _, pay := range ps {
		if !pay.erased {
			prefix = append(prefix, pay.salt...)
			p.body = append(p.body, pay.data...)
		}
	}
	return p.page(prefix)
}

// unpackPayloads reads a payload page of n entries; the result may share page.
func unpackPayloads(page []byte, n int) ([]payload, error) {
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
	body, err := unpackBody(page[0], rest[len(salts):])
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
