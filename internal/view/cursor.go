package view

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"strings"

	"casus/internal/fault"
)

// place is where a page ended: after which hit of which report. It is told by
// what the reader was shown, not by numbers of this store, which count what he was
// not shown.
type place struct {
	report [sha256.Size]byte // identity
	nth    uint32            // of the report's hits, newest first
}

// placeOf returns the place after the nth hit of the report.
func placeOf(rec *record, nth uint32) place {
	p := place{nth: nth}
	_, _ = hex.Decode(p.report[:], []byte(rec.Identity)) // checked when it was taken in
	return p
}

// seal hides a place in a cursor that is good for one reader and one question
// only. The same place gives the same cursor, so pages of equal content are equal;
// a cursor says nothing to who holds it.
func (s *Store) seal(r Reader, question string, at place) string {
	return s.sealBytes(r, question, binary.BigEndian.AppendUint32(at.report[:], at.nth))
}

func (s *Store) sealBytes(r Reader, question string, plain []byte) string {
	mac := hmac.New(sha256.New, s.opt.Secret)
	mac.Write([]byte("cursor\x00" + r.name + "\x00" + question + "\x00"))
	mac.Write(plain)
	nonce := mac.Sum(nil)[:12]
	return base64.RawURLEncoding.EncodeToString(s.aead().Seal(nonce, nonce, plain, []byte(r.name+"\x00"+question)))
}

// unseal returns the place in a cursor. One made for another reader or question,
// or by another node, is Invalid.
func (s *Store) unseal(r Reader, question, cursor string) (place, error) {
	plain, err := s.unsealBytes(r, question, cursor)
	if err != nil || len(plain) != sha256.Size+4 {
		return place{}, notOfThis()
	}
	return place{report: [sha256.Size]byte(plain), nth: binary.BigEndian.Uint32(plain[sha256.Size:])}, nil
}

func (s *Store) unsealBytes(r Reader, question, cursor string) ([]byte, error) {
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(raw) <= 12 {
		return nil, notOfThis()
	}
	plain, err := s.aead().Open(nil, raw[:12], raw[12:], []byte(r.name+"\x00"+question))
	if err != nil {
		return nil, notOfThis()
	}
	return plain, nil
}

func notOfThis() error {
	return fault.WithHint(fault.Errorf(fault.Invalid, "view: cursor is not one of this question"), askAgain)
}

// askAgain is the remedy for a cursor that leads nowhere.
const askAgain = "ask the question again from its first page"

// gone is the error of a cursor whose report is no longer there.
func gone() error {
	return fault.WithHint(fault.Errorf(fault.Invalid, "view: what the cursor stands at is not there any more"), askAgain)
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
