// Package cursor hides where a page ended in a text that says nothing to who holds it
// and leads nobody else on.
package cursor

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
)

// nonceBytes is the length of what stands before the ciphertext.
const nonceBytes = 12

// Sealer makes cursors of one kind and opens them; make it with [New].
type Sealer struct {
	secret []byte
	kind   string
}

// New returns the sealer of a kind of cursors. secret is 32 bytes that stay the same;
// cursors of another secret or kind are not opened.
func New(secret []byte, kind string) Sealer { return Sealer{secret, kind} }

// Seal hides plain in a cursor that opens for the same bound alone: whose it is, and
// of which question. The same place gives the same cursor, so that pages of equal
// content are equal.
func (s Sealer) Seal(plain []byte, bound string) string {
	mac := hmac.New(sha256.New, s.secret)
	mac.Write([]byte(s.kind + "\x00"))
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(len(bound))))
	mac.Write([]byte(bound))
	mac.Write(plain)
	nonce := mac.Sum(nil)[:nonceBytes]
	return base64.RawURLEncoding.EncodeToString(s.aead().Seal(nonce, nonce, plain, []byte(bound)))
}

// Open returns what a cursor hides, and false for one that was not made here for the
// same bound.
func (s Sealer) Open(cursor, bound string) ([]byte, bool) {
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(raw) <= nonceBytes {
		return nil, false
	}
	plain, err := s.aead().Open(nil, raw[:nonceBytes], raw[nonceBytes:], []byte(bound))
	return plain, err == nil
}

func (s Sealer) aead() cipher.AEAD {
	key := sha256.Sum256(append([]byte("casus "+s.kind+"\x00"), s.secret...))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // the key has the right length
	}
	g, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // AES has the right block size
	}
	return g
}
