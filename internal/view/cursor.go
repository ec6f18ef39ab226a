package view

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strings"

	"casus/internal/core/cursor"
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
	return cursor.New(s.opt.Secret, "cursor").Seal(plain, r.name+"\x00"+question)
}

// unseal returns the place in a cursor. One made for another reader or question,
// or by another node, is Invalid.
func (s *Store) unseal(r Reader, question, text string) (place, error) {
	plain, err := s.unsealBytes(r, question, text)
	if err != nil || len(plain) != sha256.Size+4 {
		return place{}, notOfThis()
	}
	return place{report: [sha256.Size]byte(plain), nth: binary.BigEndian.Uint32(plain[sha256.Size:])}, nil
}

func (s *Store) unsealBytes(r Reader, question, text string) ([]byte, error) {
	plain, ok := cursor.New(s.opt.Secret, "cursor").Open(text, r.name+"\x00"+question)
	if !ok {
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
