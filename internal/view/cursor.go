package view

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"

	"casus/internal/fault"
)

// seal hides a position in a cursor that is good for one reader and one
// question only. The same position gives the same cursor, so pages of equal
// content are equal; a cursor says nothing to who holds it.
func (s *Store) seal(r Reader, question string, pos uint64) string {
	mac := hmac.New(sha256.New, s.opt.Secret)
	mac.Write([]byte("cursor\x00" + r.name + "\x00" + question + "\x00"))
	plain := binary.BigEndian.AppendUint64(nil, pos)
	mac.Write(plain)
	nonce := mac.Sum(nil)[:12]
	return base64.RawURLEncoding.EncodeToString(s.aead().Seal(nonce, nonce, plain, []byte(r.name+"\x00"+question)))
}

// unseal returns the position in a cursor. One made for another reader or
// question, or by another node, is Invalid.
func (s *Store) unseal(r Reader, question, cursor string) (uint64, error) {
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil && len(raw) > 12 {
		plain, err := s.aead().Open(nil, raw[:12], raw[12:], []byte(r.name+"\x00"+question))
		if err == nil && len(plain) == 8 {
			return binary.BigEndian.Uint64(plain), nil
		}
	}
	return 0, fault.WithHint(fault.Errorf(fault.Invalid, "view: cursor is not one of this question"),
		"ask the question again from its first page")
}

func (s *Store) aead() cipher.AEAD {
	key := sha256.Sum256(append([]byte("casus cursor\x00"), s.opt.Secret...))
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

// full returns the full ids behind a short or full id of a kind.
func (s *Store) full(kind, id string) ([]string, error) {
	id = strings.ToUpper(strings.TrimSpace(id))
	if !strings.HasPrefix(id, kind+"-") {
		return nil, nil
	}
	raw, ok, err := s.kv.Get(append([]byte{'s'}, id...))
	if err != nil || !ok {
		return nil, err
	}
	return strings.Split(string(raw), "\n"), nil
}
