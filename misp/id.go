package misp

import (
	"strings"

	"casus/stix"
)

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
