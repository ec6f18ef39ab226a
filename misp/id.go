package misp

import (
	"strings"

	"casus/stix"
)

// ownID returns typ's id from MISP's uuid, and whether that is one; the UUID of
// zeros stands for none.
func ownID(typ string, uuid Text) (string, bool) {
	u := string(uuid)
	if !isUUID(u) || u == "00000000-0000-0000-0000-000000000000" {
		return "", false
	}
	return typ + "--" + strings.ToLower(u), true
}

// derive returns an id of typ for what MISP gives none for. It depends on the
// parts alone.
func derive(typ string, parts ...string) string {
	return stix.NewID(typ, []byte("misp"), strings.Join(parts, "\x00"))
}

// scoID returns the deterministic id of an observable.
func scoID(m fields) string {
	id, err := stix.SCOID(marshal(m))
	if err != nil {
		// Every observable made here has a member its id rests on.
		panic("misp: id of an observable: " + err.Error())
	}
	return id
}
