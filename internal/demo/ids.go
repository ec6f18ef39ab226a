package demo

import (
	"crypto/sha1" //nolint:gosec // the standard asks for UUIDs of version 5, which are made with it
	"encoding/hex"
	"encoding/json/jsontext"
)

// namespace is the UUID namespace of deterministic observable ids.
//
// Source: stix-2.1 §2.9.
var namespace = []byte{
	0x00, 0xab, 0xed, 0xb4, 0xaa, 0x42, 0x46, 0x6c, 0x9c, 0x01, 0xfe, 0xd2, 0x33, 0x15, 0xa9, 0xb7,
}

// observableID returns the deterministic id of an observable whose contributing
// properties are what. Of several hashes the first contributes.
//
// Source: stix-2.1 §2.9.
func observableID(typ string, what members) string {
	var part members
	for _, m := range what {
		if h, ok := m.value.(members); ok && m.name == "hashes" {
			m.value = h[:1]
		}
		part = append(part, m)
	}
	v := jsontext.Value(render(part))
	if err := v.Canonicalize(); err != nil {
		panic("demo: story cannot be written: " + err.Error())
	}
	h := sha1.New() //nolint:gosec // as above
	h.Write(namespace)
	h.Write(v)
	d := h.Sum(nil)[:16]
	d[6] = d[6]&0x0f | 0x50
	d[8] = d[8]&0x3f | 0x80
	x := hex.EncodeToString(d)
	return typ + "--" + x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:]
}
