// Package tlp knows the Traffic Light Protocol: its labels, their order and the
// STIX marking definitions that carry them.
//
// The zero value of [Label] is RED, so that a label nobody set opens nothing.
//
// Source: tlp-2.0; stix-2.1 §7.2.1.4.
package tlp

import "strings"

// Label is a TLP 2.0 label. Larger values are less restrictive.
type Label uint8

// The labels, most restrictive first. Source: tlp-2.0 §2.
const (
	Red Label = iota
	AmberStrict
	Amber
	Green
	Clear
)

var names = [...]string{"TLP:RED", "TLP:AMBER+STRICT", "TLP:AMBER", "TLP:GREEN", "TLP:CLEAR"}

// Labels returns all labels, most restrictive first.
func Labels() []Label { return []Label{Red, AmberStrict, Amber, Green, Clear} }

// String returns the full label in capitals, for example "TLP:AMBER+STRICT".
func (l Label) String() string {
	if int(l) < len(names) {
		return names[l]
	}
	return names[Red]
}

// MarshalText returns the full label.
func (l Label) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads what [Parse] reads.
func (l *Label) UnmarshalText(b []byte) error {
	v, ok := Parse(string(b))
	if !ok {
		return &UnknownError{Text: string(b)}
	}
	*l = v
	return nil
}

// UnknownError is a text that names no label.
type UnknownError struct{ Text string }

// Error implements error.
func (e *UnknownError) Error() string {
	return "tlp: unknown label " + quote(e.Text) + ": want red, amber+strict, amber, green or clear"
}

func quote(s string) string {
	if len(s) > 40 {
		s = s[:40] + "…"
	}
	return "\"" + strings.ToValidUTF8(s, "�") + "\""
}

// Parse reads a label with or without the "TLP:" prefix, in any case; TLP 1.0's
// WHITE is CLEAR. ok is false for anything else, and the label is then RED.
func Parse(s string) (l Label, ok bool) {
	t := strings.ToUpper(strings.TrimSpace(s))
	t = strings.TrimPrefix(t, "TLP:")
	switch t {
	case "RED":
		return Red, true
	case "AMBER+STRICT":
		return AmberStrict, true
	case "AMBER":
		return Amber, true
	case "GREEN":
		return Green, true
	case "CLEAR", "WHITE":
		return Clear, true
	}
	return Red, false
}

// Most returns the most restrictive of a and b.
func Most(a, b Label) Label { return min(a, b) }

// definitions maps STIX marking-definition ids to labels.
// Source: stix-2.1 §7.2.1.4 (TLP 1.0); the TLP 2.0 extension definition.
var definitions = map[string]Label{
	"marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9": Clear,
	"marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da": Green,
	"marking-definition--f88d31f6-486f-44da-b317-01333bde0b82": Amber,
	"marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed": Red,
	"marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487": Clear,
	"marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb": Green,
	"marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421": Amber,
	"marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003": AmberStrict,
	"marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1": Red,
}

// ByDefinition returns the label of a STIX marking-definition id of TLP 1.0 or
// 2.0; ok is false when the id is not one of theirs.
func ByDefinition(id string) (l Label, ok bool) {
	l, ok = definitions[id]
	return l, ok
}

// Definition returns the id of l's TLP 2.0 marking definition.
func (l Label) Definition() string {
	switch l {
	case Clear:
		return "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"
	case Green:
		return "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
	case Amber:
		return "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"
	case AmberStrict:
		return "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003"
	case Red:
	}
	return "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"
}
