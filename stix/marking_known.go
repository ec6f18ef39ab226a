package stix

// Scheme is a family of markings this package knows.
type Scheme string

// The schemes.
const (
	SchemeTLP1 Scheme = "TLP 1.0" // Source: stix-2.1 §7.2.1.
	SchemeTLP2 Scheme = "TLP 2.0" // Source: tlp-2.0.
	SchemePAP  Scheme = "PAP"     // Source: pap.
	SchemeIEP  Scheme = "IEP 2.0" // Source: iep-2.0.
)

// The ids of the extension definitions that carry markings.
const (
	TLP2Extension = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
	PAPExtension  = "extension-definition--f8d78575-edfd-406e-8e84-6162a8450f5b"
	IEPExtension  = "extension-definition--762e2e97-ee51-43e5-a9ea-165fbb862c4a"
)

// Marking is what a marking definition of a known scheme says.
type Marking struct {
	Scheme Scheme
	// Level is the scheme's word, in lower case: for TLP and PAP "red",
	// "amber", "amber+strict", "green", "clear" or "white"; for IEP the TLP
	// level the policy states.
	Level string
	// Extension is the id of the extension definition that carries the
	// marking, or "" for TLP 1.0.
	Extension string
}

// Name returns the marking as people write it, for example "TLP:AMBER+STRICT".
func (m Marking) Name() string {
	prefix := "TLP:"
	switch m.Scheme {
	case SchemePAP:
		prefix = "PAP:"
	case SchemeIEP:
		prefix = "IEP TLP:"
	case SchemeTLP1, SchemeTLP2:
	}
	return prefix + upper(m.Level)
}

func upper(s string) string {
	b := []byte(s)
	for i, ch := range b {
		if ch >= 'a' && ch <= 'z' {
			b[i] = ch - 'a' + 'A'
		}
	}
	return string(b)
}

// property is the name of the property of the extension that holds the level.
func (m Marking) property() string {
	switch m.Scheme {
	case SchemeTLP2:
		return "tlp_2_0"
	case SchemePAP:
		return "pap"
	case SchemeIEP, SchemeTLP1:
	}
	return "tlp"
}

// Source: stix-2.1 §7.2.1; tlp-2.0; pap.
var knownMarkings = map[string]Marking{
	tlp1[0].id: {Scheme: SchemeTLP1, Level: "white"},
	tlp1[1].id: {Scheme: SchemeTLP1, Level: "green"},
	tlp1[2].id: {Scheme: SchemeTLP1, Level: "amber"},
	tlp1[3].id: {Scheme: SchemeTLP1, Level: "red"},

	"marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487": {SchemeTLP2, "clear", TLP2Extension},
	"marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb": {SchemeTLP2, "green", TLP2Extension},
	"marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421": {SchemeTLP2, "amber", TLP2Extension},
	"marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003": {SchemeTLP2, "amber+strict", TLP2Extension},
	"marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1": {SchemeTLP2, "red", TLP2Extension},

	"marking-definition--a3bea94c-b469-41dc-9cfe-d6e7daba7730": {SchemePAP, "white", PAPExtension},
	"marking-definition--ad15a0cd-55b6-4588-a14c-a66105329b92": {SchemePAP, "clear", PAPExtension},
	"marking-definition--c43594d1-4b11-4c59-93ab-1c9b14d53ce9": {SchemePAP, "green", PAPExtension},
	"marking-definition--60f8932b-e51e-4458-b265-a2e8be9a80ab": {SchemePAP, "amber", PAPExtension},
	"marking-definition--740d36e5-7714-4c30-961a-3ae632ceee0e": {SchemePAP, "red", PAPExtension},
}

// KnownMarking returns what the marking definition with the id says, and
// whether it is one of TLP 1.0, TLP 2.0 or PAP. It needs no marking object.
// IEP policies have ids of their own: see [MarkingOf].
func KnownMarking(id string) (Marking, bool) {
	m, ok := knownMarkings[id]
	return m, ok
}

// MarkingOf returns what a marking definition says, and whether it is of a
// known scheme: by its id, else by its extension, else by its definition. The
// dialect that keeps TLP in a statement with x_opencti_definition is read too.
//
// A marking that has a well-known id says what the id stands for, whatever else
// it states.
//
// Source: stix-2.1 §7.2.1; tlp-2.0; pap; iep-2.0.
func MarkingOf(o *Object) (Marking, bool) {
	if o.Type() != "marking-definition" {
		return Marking{}, false
	}
	if m, ok := KnownMarking(o.ID()); ok {
		return m, true
	}
	for _, m := range [...]Marking{
		{Scheme: SchemeTLP2, Extension: TLP2Extension},
		{Scheme: SchemePAP, Extension: PAPExtension},
		{Scheme: SchemeIEP, Extension: IEPExtension},
	} {
		ext, ok := o.Extension(m.Extension)
		if !ok {
			continue
		}
		level := string(source{raw: ext}.text(m.property()))
		if m.Level, ok = levelOf(m.Scheme, level); ok {
			return m, true
		}
	}
	if d, ok := o.Get("definition"); ok && o.String("definition_type") == "tlp" {
		if level, ok := levelOf(SchemeTLP1, string(source{raw: d}.text("tlp"))); ok {
			return Marking{Scheme: SchemeTLP1, Level: level}, true
		}
	}
	return openCTIMarking(o)
}

// openCTIMarking reads "TLP:AMBER+STRICT" or "PAP:RED" where one platform puts
// markings it cannot express otherwise.
func openCTIMarking(o *Object) (Marking, bool) {
	text := o.String("x_opencti_definition")
	if len(text) < 5 {
		return Marking{}, false
	}
	m := Marking{}
	switch upper(text[:4]) {
	case "TLP:":
		m.Scheme, m.Extension = SchemeTLP2, TLP2Extension
	case "PAP:":
		m.Scheme, m.Extension = SchemePAP, PAPExtension
	default:
		return Marking{}, false
	}
	var ok bool
	m.Level, ok = levelOf(m.Scheme, text[4:])
	return m, ok
}

// levelOf returns the level in lower case, and whether the scheme has it. Case
// does not count.
func levelOf(s Scheme, text string) (string, bool) {
	switch upper(text) {
	case "RED":
		return "red", true
	case "AMBER":
		return "amber", true
	case "GREEN":
		return "green", true
	case "WHITE":
		return "white", true
	case "CLEAR":
		return "clear", s == SchemeTLP2 || s == SchemePAP
	case "AMBER+STRICT":
		return "amber+strict", s == SchemeTLP2
	}
	return "", false
}

// The levels and words of the marking schemes.
var (
	// Source: tlp-2.0 §2.
	tlp2Levels = list("tlp-2-0-enum", "tlp-2.0 §2", "clear green amber amber+strict red")
	// Source: pap.
	papLevels = list("pap-enum", "pap", "white clear green amber red")
	// Source: iep-2.0.
	iepTLP     = list("iep-tlp-enum", "iep-2.0", "red amber green white")
	iepEncrypt = list("iep-encrypt-enum", "iep-2.0", "must may")
	iepMay     = list("iep-permission-enum", "iep-2.0", "may must-not")
	iepNamed   = list("iep-attribution-enum", "iep-2.0", "may must must-not")
	iepActions = list("iep-permitted-actions-enum", "iep-2.0", `none contact-for-instruction
		internally-visible-actions externally-visible-indirect-actions externally-visible-direct-actions`)

	tlp2Marking = fields("tlp 2.0 marking", "tlp-2.0",
		word("extension_type", extensionTypes).req(), word("tlp_2_0", tlp2Levels).req()).done()
	papMarking = fields("pap marking", "pap",
		word("extension_type", extensionTypes).req(), word("pap", papLevels).req()).done()
	iepMarking = fields("iep 2.0 marking", "iep-2.0",
		word("extension_type", extensionTypes).req(), word("encrypt_in_transit", iepEncrypt).req(),
		word("permitted_actions", iepActions).req(), word("affected_party_notifications", iepMay).req(),
		word("tlp", iepTLP).req(), word("provider_attribution", iepNamed).req(),
		word("unmodified_resale", iepMay).req(), text("iep_id").req(), of("iep_version", kindAny).req(),
		text("description").req(), moment("start_date").req(), moment("end_date"),
	).notBefore("end_date", "start_date").done()
)
