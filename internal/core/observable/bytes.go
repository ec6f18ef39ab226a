package observable

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/netip"
	"strconv"
	"strings"
)

const (
	// MaxBodyBytes is the longest text kept whole in the index form.
	MaxBodyBytes = 512

	shortHeadBytes = 480                 // kept of a longer text
	shortBytes     = shortHeadBytes + 43 // and 43 characters of its digest

	labelEdge = 0x01 // between the labels of a domain
)

// Bytes returns the order-preserving index form described in the package
// comment. It returns nil for a key that is not in normal form.
func (k Key) Bytes() []byte { return k.AppendBytes(nil) }

// AppendBytes appends the index form to dst and returns it; dst itself if the
// key is not in normal form.
func (k Key) AppendBytes(dst []byte) []byte {
	c := codes[k.Type]
	if c == 0 || k.Normal == "" {
		return dst
	}
	if dst == nil {
		dst = make([]byte, 0, 1+max(17, min(len(k.Normal), shortBytes)))
	}
	switch kd := &kinds[c]; kd.shape {
	case shapeIP:
		a, err := netip.ParseAddr(k.Normal)
		if err != nil || a.BitLen() != 8*kd.size || a.Zone() != "" {
			return dst
		}
		return appendAddr(append(dst, c), a)
	case shapeCIDR:
		p, err := netip.ParsePrefix(k.Normal)
		if err != nil {
			return dst
		}
		return appendPrefix(dst, p)
	case shapeDomain:
		return appendDomain(dst, c, k.Normal)
	case shapeHex:
		if len(k.Normal) != 2*kd.size {
			return dst
		}
		return appendHex(dst, c, k.Normal)
	case shapeMAC:
		return appendMAC(dst, c, k.Normal)
	case shapeASN:
		n, err := strconv.ParseUint(strings.TrimPrefix(k.Normal, "AS"), 10, 32)
		if err != nil {
			return dst
		}
		return append(dst, c, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	case shapePort:
		n, err := strconv.ParseUint(k.Normal, 10, 16)
		if err != nil {
			return dst
		}
		return append(dst, c, byte(n>>8), byte(n))
	default:
		return appendText(append(dst, c), k.Normal)
	}
}

func appendHex(dst []byte, c byte, s string) []byte {
	n := len(dst)
	dst = append(dst, c)
	for i := 0; i+1 < len(s); i += 2 {
		hi, lo := hexDigit(s[i]), hexDigit(s[i+1])
		if hi < 0 || lo < 0 {
			return dst[:n]
		}
		dst = append(dst, byte(hi<<4|lo))
	}
	return dst
}

func appendAddr(dst []byte, a netip.Addr) []byte {
	if a.Is4() {
		b := a.As4()
		return append(dst, b[:]...)
	}
	b := a.As16()
	return append(dst, b[:]...)
}

func appendPrefix(dst []byte, p netip.Prefix) []byte {
	c := byte(3)
	if p.Addr().Is6() {
		c = 4
	}
	return append(appendAddr(append(dst, c), p.Addr()), byte(p.Bits()))
}

func appendMAC(dst []byte, c byte, s string) []byte {
	if len(s) != 17 {
		return dst
	}
	n := len(dst)
	dst = append(dst, c)
	for i := 0; i < 17; i += 3 {
		hi, lo := hexDigit(s[i]), hexDigit(s[i+1])
		if hi < 0 || lo < 0 {
			return dst[:n]
		}
		dst = append(dst, byte(hi<<4|lo))
	}
	return dst
}

func appendText(dst []byte, s string) []byte {
	if len(s) <= MaxBodyBytes {
		return append(dst, s...)
	}
	sum := sha256.Sum256([]byte(s))
	return base64.RawURLEncoding.AppendEncode(append(dst, s[:shortHeadBytes]...), sum[:])
}

// appendDomain appends the labels of a domain from right to left, parted by
// labelEdge.
func appendDomain(dst []byte, c byte, s string) []byte {
	if len(s) > maxNameBytes {
		return dst
	}
	dst = append(dst, c)
	for {
		i := strings.LastIndexByte(s, '.')
		dst = append(dst, s[i+1:]...)
		if i < 0 {
			return dst
		}
		dst = append(dst, labelEdge)
		s = s[:i]
	}
}

func unreverse(s string) string {
	parts := strings.Split(s, string(rune(labelEdge)))
	for i, j := 0, len(parts)-1; i < j; i, j = i+1, j-1 {
		parts[i], parts[j] = parts[j], parts[i]
	}
	return strings.Join(parts, ".")
}

// ParseBytes gives back the key of an index form. It reports false for bytes
// that are none, and for a text that was too long to be kept whole.
func ParseBytes(b []byte) (Key, bool) {
	if len(b) < 2 || int(b[0]) >= len(kinds) || b[0] == 0 {
		return Key{}, false
	}
	kd, body := &kinds[b[0]], b[1:]
	if kd.size > 0 && len(body) != kd.size || kd.size == 0 && len(body) > MaxBodyBytes {
		return Key{}, false
	}
	k := Key{Type: kd.typ}
	switch kd.shape {
	case shapeIP:
		a, _ := netip.AddrFromSlice(body)
		k.Normal = a.String()
	case shapeCIDR:
		a, _ := netip.AddrFromSlice(body[:kd.size-1])
		p := netip.PrefixFrom(a, int(body[kd.size-1]))
		if !p.IsValid() {
			return Key{}, false
		}
		k.Normal = p.String()
	case shapeDomain:
		k.Normal = unreverse(string(body))
	case shapeHex:
		k.Normal = hex.EncodeToString(body)
	case shapeMAC:
		out := make([]byte, 0, 17)
		for i, c := range body {
			if i > 0 {
				out = append(out, ':')
			}
			out = hex.AppendEncode(out, []byte{c})
		}
		k.Normal = string(out)
	case shapeASN:
		k.Normal = "AS" + strconv.FormatUint(uint64(body[0])<<24|uint64(body[1])<<16|uint64(body[2])<<8|uint64(body[3]), 10)
	case shapePort:
		k.Normal = strconv.Itoa(int(body[0])<<8 | int(body[1]))
	default:
		k.Normal = string(body)
	}
	return k, true
}

// prefix returns the address or range of k as a range.
func (k Key) prefix() (netip.Prefix, bool) {
	switch k.Type {
	case IPv4, IPv6:
		a, err := netip.ParseAddr(k.Normal)
		if err != nil {
			return netip.Prefix{}, false
		}
		return netip.PrefixFrom(a, a.BitLen()), true
	case CIDR:
		p, err := netip.ParsePrefix(k.Normal)
		return p, err == nil
	default:
		return netip.Prefix{}, false
	}
}

// Containing calls yield with the index form of every range that holds the
// address or range k, k itself left out, narrowest first, until yield returns
// false. The bytes are valid only during the call.
func Containing(k Key, yield func(key []byte) bool) {
	p, ok := k.prefix()
	if !ok {
		return
	}
	buf := make([]byte, 0, 18)
	for bits := p.Bits() - 1; bits >= 0; bits-- {
		q, _ := p.Addr().Prefix(bits)
		buf = appendPrefix(buf[:0], q)
		if !yield(buf) {
			return
		}
	}
}

// Range returns the bounds, from included and to excluded, between which the
// index forms of all addresses in a range lie, longer keys that begin with
// them included. Both are nil if cidr is no range and no address.
func Range(cidr Key) (from, to []byte) {
	p, ok := cidr.prefix()
	if !ok {
		return nil, nil
	}
	c := byte(1)
	if p.Addr().Is6() {
		c = 2
	}
	from = appendAddr([]byte{c}, p.Addr())
	return from, after(appendAddr([]byte{c}, last(p)))
}

// NestedRange returns the bounds, from included and to excluded, between which
// the index forms of cidr and of all ranges inside it lie, and no others.
func NestedRange(cidr Key) (from, to []byte) {
	p, ok := cidr.prefix()
	if !ok {
		return nil, nil
	}
	from = appendPrefix(nil, p)
	return from, after(appendAddr([]byte{from[0]}, last(p)))
}

// last returns the highest address of a range.
func last(p netip.Prefix) netip.Addr {
	b := p.Addr().As16()
	from := p.Bits()
	if p.Addr().Is4() {
		from += 96
	}
	for i := from; i < 128; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	a := netip.AddrFrom16(b)
	if p.Addr().Is4() {
		return a.Unmap()
	}
	return a
}

// after returns the least byte string above all that begin with b.
func after(b []byte) []byte {
	for i := len(b) - 1; i >= 0; i-- {
		if b[i]++; b[i] != 0 {
			return b[:i+1]
		}
	}
	return nil
}

func hexDigit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
