package observable

import (
	"bytes"
	"crypto/sha256"
	"strings"
)

// normalWallet takes the address of a cryptocurrency wallet: Base58 with check
// sum (Bitcoin and its like), Bech32 (segwit), 0x and 40 digits (Ethereum and
// its like, whose mixed-case check is ignored), or a Monero address.
func normalWallet(s string) (Key, error) {
	w := strings.TrimSpace(s)
	for _, pre := range []string{"bitcoin:", "ethereum:", "litecoin:", "monero:"} {
		if len(w) > len(pre) && strings.EqualFold(w[:len(pre)], pre) {
			w = w[len(pre):]
			break
		}
	}
	switch {
	case len(w) == 42 && w[0] == '0' && (w[1]|0x20) == 'x' && isHex(w[2:]):
		return Key{Wallet, strings.ToLower(w)}, nil
	case isBech32(w):
		return Key{Wallet, strings.ToLower(w)}, nil
	case isBase58Check(w):
		return Key{Wallet, w}, nil
	case isMonero(w):
		return Key{Wallet, w}, nil
	}
	return Key{}, refuse(Wallet, s, "no address with a right check sum")
}

const base58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

// isBase58Check reports whether w is 25 bytes in Base58 that end in the first
// four bytes of the double SHA-256 of the rest.
func isBase58Check(w string) bool {
	if len(w) < 25 || len(w) > 35 {
		return false
	}
	var b [25]byte
	for i := 0; i < len(w); i++ {
		carry := strings.IndexByte(base58, w[i])
		if carry < 0 {
			return false
		}
		for j := len(b) - 1; j >= 0; j-- {
			carry += 58 * int(b[j])
			b[j] = byte(carry)
			carry >>= 8
		}
		if carry != 0 {
			return false
		}
	}
	first := sha256.Sum256(b[:21])
	second := sha256.Sum256(first[:])
	return bytes.Equal(second[:4], b[21:])
}

// isMonero reports whether w has the form of a Monero address. Its check sum
// is of another hash and is not verified.
func isMonero(w string) bool {
	if len(w) != 95 || w[0] != '4' && w[0] != '8' {
		return false
	}
	for i := 0; i < len(w); i++ {
		if strings.IndexByte(base58, w[i]) < 0 {
			return false
		}
	}
	return true
}

const bech32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"

// isBech32 reports whether w is a segwit address of Bitcoin, Litecoin or the
// Bitcoin test network with a right check sum, of Bech32 or Bech32m.
func isBech32(w string) bool {
	if len(w) < 14 || len(w) > 90 {
		return false
	}
	l := strings.ToLower(w)
	if w != l && w != strings.ToUpper(w) {
		return false
	}
	sep := strings.LastIndexByte(l, '1')
	if sep < 1 || len(l)-sep < 8 {
		return false
	}
	hrp := l[:sep]
	if hrp != "bc" && hrp != "tb" && hrp != "ltc" {
		return false
	}
	chk := uint32(1)
	for i := 0; i < len(hrp); i++ {
		chk = polymod(chk, uint32(hrp[i])>>5)
	}
	chk = polymod(chk, 0)
	for i := 0; i < len(hrp); i++ {
		chk = polymod(chk, uint32(hrp[i])&31)
	}
	for i := sep + 1; i < len(l); i++ {
		v := strings.IndexByte(bech32, l[i])
		if v < 0 {
			return false
		}
		chk = polymod(chk, uint32(v))
	}
	return chk == 1 || chk == 0x2bc830a3
}

// polymod adds one five-bit value to the check sum of Bech32.
func polymod(chk, v uint32) uint32 {
	top := chk >> 25
	chk = (chk&0x1ffffff)<<5 ^ v
	for i, g := range [...]uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3} {
		if top>>i&1 == 1 {
			chk ^= g
		}
	}
	return chk
}
