package stix

import (
	"crypto/sha1" //nolint:gosec // version 5 UUIDs are made with SHA-1 by definition
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// ErrNoID says that nothing in the object determines an id, so that it has to be given a
// random one.
var ErrNoID = errors.New("stix: nothing determines the id")

// uuid is the binary form of a UUID.
type uuid [16]byte

// scoNamespace is the namespace of deterministic ids of cyber-observables.
//
// Source: stix-2.1 §2.9.
var scoNamespace = uuid{0x00, 0xab, 0xed, 0xb4, 0xaa, 0x42, 0x46, 0x6c, 0x9c, 0x01, 0xfe, 0xd2, 0x33, 0x15, 0xa9, 0xb7}

// ownNamespace is the namespace of the ids [NewID] makes: the version 5 UUID of
// "casus.invalid" in the namespace of domain names.
var ownNamespace = version5(uuid{0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8}, []byte("casus.invalid"))

func version5(namespace uuid, name []byte) uuid {
	h := sha1.New() //nolint:gosec // as above
	h.Write(namespace[:])
	h.Write(name)
	var u uuid
	copy(u[:], h.Sum(nil))
	return u.as(5)
}

// as sets the version and the variant of RFC 9562.
func (u uuid) as(version byte) uuid {
	u[6] = u[6]&0x0f | version<<4
	u[8] = u[8]&0x3f | 0x80
	return u
}

func (u uuid) String() string {
	b := make([]byte, 0, 36)
	b = hex.AppendEncode(b, u[:4])
	for _, part := range [][]byte{u[4:6], u[6:8], u[8:10], u[10:]} {
		b = hex.AppendEncode(append(b, '-'), part)
	}
	return string(b)
}

// ParseID splits an id into its type and its UUID. It refuses an id that is not
// the name of a type, as [ValidTypeName] has it, two hyphens, and a UUID of RFC 9562 in hexadecimal. Any version of UUID is accepted, as
// are capitals in it.
//
// Source: stix-2.1 §2.9, §3.1 (type names).
func ParseID(id string) (typ, uuid string, err error) {
	bad := func(reason string) (string, string, error) {
		return "", "", &Error{Reason: "the id " + quote([]byte(id)) + " " + reason, Remedy: "write ids as type--UUID, for example indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"}
	}
	typ, uuid, ok := strings.Cut(id, "--")
	switch {
	case !ok:
		return bad("has no -- between type and UUID")
	case !isUUID([]byte(uuid)):
		return bad("does not end in a UUID")
	case !isVariant(uuid[19]):
		return bad("does not end in a UUID of RFC 9562")
	case !ValidTypeName(typ):
		return bad("does not begin with the name of a type")
	}
	return typ, uuid, nil
}

// ValidTypeName reports whether s can be the name of a type: 3 to 250 lower-case
// letters, digits and single hyphens, a letter first and no hyphen last.
//
// Source: stix-2.1 §3.1.
func ValidTypeName(s string) bool { return validTypeName([]byte(s)) }

// UUIDVersion returns the version of the UUID of an id, or 0 if it has none.
func UUIDVersion(id string) int {
	_, u, err := ParseID(id)
	if err != nil {
		return 0
	}
	return hexDigit(u[14])
}

// contributing lists the properties that determine the id of a
// cyber-observable. Process has none.
//
// Source: stix-2.1 §6, "ID Contributing Properties" of each object.
var contributing = map[string][]string{
	"artifact":             {"hashes", "payload_bin"},
	"autonomous-system":    {"number"},
	"directory":            {"path"},
	"domain-name":          {"value"},
	"email-addr":           {"value"},
	"email-message":        {"from_ref", "subject", "body"},
	"file":                 {"hashes", "name", "extensions", "parent_directory_ref"},
	"ipv4-addr":            {"value"},
	"ipv6-addr":            {"value"},
	"mac-addr":             {"value"},
	"mutex":                {"name"},
	"network-traffic":      {"start", "end", "src_ref", "dst_ref", "src_port", "dst_port", "protocols", "extensions"},
	"process":              {},
	"software":             {"name", "cpe", "swid", "vendor", "version"},
	"url":                  {"value"},
	"user-account":         {"account_type", "user_id", "account_login"},
	"windows-registry-key": {"key", "values"},
	"x509-certificate":     {"hashes", "serial_number"},
}

// ContributingProperties returns the names of the properties that determine the
// id of a cyber-observable of that type, and whether the type is one this
// package knows.
func ContributingProperties(typ string) ([]string, bool) {
	list, ok := contributing[typ]
	return slices.Clone(list), ok
}

// SCOID returns the deterministic id of a cyber-observable: the version 5 UUID,
// in the namespace of the standard, of the canonical form of an object of the
// contributing properties it has. Of hashes one contributes: the first there is
// of MD5, SHA-1, SHA-256 and SHA-512, else the first as written. raw need not
// have an id, and one it has is not looked at.
//
// It returns an error that wraps [ErrNoID] if no contributing property is there
// or the type is not known, and an [*Error] if raw cannot be read.
//
// Source: stix-2.1 §2.9.
func SCOID(raw []byte) (string, error) {
	o, perr := indexObject(raw, Limits{}.withDefaults())
	if perr != nil {
		return "", perr
	}
	names, ok := contributing[o.typ]
	if !ok {
		return "", fmt.Errorf("stix: %q is no cyber-observable of the standard: %w", o.typ, ErrNoID)
	}
	var members []Member
	for _, name := range names {
		v, ok := o.Get(name)
		if !ok {
			continue
		}
		if name == "hashes" {
			if v = oneHash(v); v == nil {
				continue
			}
		}
		members = append(members, Member{name, v})
	}
	if members == nil {
		return "", fmt.Errorf("stix: %s without contributing properties: %w", o.typ, ErrNoID)
	}
	data, err := Canonical(Dict(members...))
	if err != nil {
		return "", err
	}
	return o.typ + "--" + version5(scoNamespace, data).String(), nil
}

// oneHash returns the object of the one hash that contributes, or nil.
func oneHash(hashes []byte) []byte {
	const none = 5
	best, rank := Member{}, none+1
	EachMember(hashes, func(name, value []byte) bool {
		r := none
		switch string(name) {
		case "MD5":
			r = 1
		case "SHA-1":
			r = 2
		case "SHA-256":
			r = 3
		case "SHA-512":
			r = 4
		}
		if r < rank {
			best, rank = Member{string(name), value}, r
		}
		return true
	})
	if best.Value == nil {
		return nil
	}
	return Dict(best)
}

// NewID returns an id for an object made here out of something else: the same
// type, origin (such as the digest of a report) and name (such as the place in
// it) always give the same id. It is a version 5 UUID in a namespace of Casus's
// own. A cyber-observable, for which the standard knows no other version 5 than
// that of [SCOID], gets the layout of version 4.
func NewID(typ string, origin []byte, name string) string {
	data := binary.AppendUvarint(nil, uint64(len(origin)))
	data = append(append(data, origin...), name...)
	if ClassOf(typ) == ClassSCO {
		sum := sha256.Sum256(append(ownNamespace[:], data...))
		var u uuid
		copy(u[:], sum[:])
		return typ + "--" + u.as(4).String()
	}
	return typ + "--" + version5(ownNamespace, data).String()
}

// RandomID returns an id with a version 4 UUID of 16 bytes read from random.
func RandomID(typ string, random io.Reader) (string, error) {
	var u uuid
	if _, err := io.ReadFull(random, u[:]); err != nil {
		return "", fmt.Errorf("stix: random id: %w", err)
	}
	return typ + "--" + u.as(4).String(), nil
}
