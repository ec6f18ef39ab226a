package event

import "strconv"

// Kind says what an entry of the log means. A number is never reused; what a
// kind's payload looks like is decided by its KindVersion.
type Kind uint16

// The kinds. New ones are added at the end; retired numbers stay reserved.
const (
	// ReportOpened says that a report began to come in: its source, name,
	// digest and request. Its receipts are most restrictive until it is closed.
	ReportOpened Kind = 1
	// ObjectReceived is one receipt of an object; the payload is its bytes
	// exactly as received.
	ObjectReceived Kind = 2
	// ObjectKnown is a receipt of an object version held already; the payload
	// names it.
	ObjectKnown Kind = 3
	// Quarantined is a piece of input set aside, with its place, reason and bytes.
	Quarantined Kind = 4
	// ReportClosed ends a report and fixes the marking of its receipts.
	ReportClosed Kind = 5
	// SourceSet sets what holds for a source: default marking, time zone, trust.
	SourceSet Kind = 6
	// WarninglistSet stores or replaces a warninglist.
	WarninglistSet Kind = 7
	// PayloadPart is a part of a payload too long for one entry. It means
	// nothing until a later entry, the closing one, names it.
	PayloadPart Kind = 8
	// Erased says which entries' payloads are to vanish, and why.
	Erased Kind = 9
	// ReportMarked changes the marking of a closed report.
	ReportMarked Kind = 10
	// QuarantineRetried says what became of a quarantined piece tried again.
	QuarantineRetried Kind = 11
	// ReportOriginal is a piece of a report's bytes as handed in, kept where its
	// objects were made from it and do not hold it: MISP, CSV, mail, text.
	ReportOriginal Kind = 12
	// OrganisationSet says what holds of an organisation: [Organisation].
	OrganisationSet Kind = 13
	// PersonSet says what holds of a person, without a name: [Person].
	PersonSet Kind = 14
	// PersonNamed says what a person is called: [Named].
	PersonNamed Kind = 15
	// CredentialSet says how a person proves who he is: [Credential].
	CredentialSet Kind = 16
	// CredentialRemoved ends a credential: [CredentialGone].
	CredentialRemoved Kind = 17
	// TokenMade says that a token acts for a person: [Token].
	TokenMade Kind = 18
	// TokenRevoked ends a token: [TokenGone].
	TokenRevoked Kind = 19
	// BreakGlassUsed says that an account for emergencies signed in: [BreakGlass].
	BreakGlassUsed Kind = 20
	// PolicyProposed says which rules about reading somebody proposes: [Policy].
	PolicyProposed Kind = 21
	// PolicyAdopted puts proposed rules into force: [PolicyStep].
	PolicyAdopted Kind = 22
	// CeilingSet says up to which classification the node takes things in:
	// report.Ceiling.
	CeilingSet Kind = 23
	// ReadNoted says that somebody was given what is closely held: [Given].
	ReadNoted Kind = 24
	// RefusalNoted says that somebody was refused something: [Refusal].
	RefusalNoted Kind = 25
	// HoldSet keeps something from being erased: [Hold].
	HoldSet Kind = 26
	// HoldLifted ends a hold: [HoldGone].
	HoldLifted Kind = 27
	// CollectionSet says what a collection is, or that it is no more: [Collection].
	CollectionSet Kind = 28
	// CollectionCut takes receipts out of a collection: [Cut].
	CollectionCut Kind = 29
)

// kindNames is indexed by Kind. A name is as stable as its number.
var kindNames = [...]string{ //nolint:gosec // names of kinds, no credentials
	ReportOpened:      "report-opened",
	ObjectReceived:    "object-received",
	ObjectKnown:       "object-known",
	Quarantined:       "quarantined",
	ReportClosed:      "report-closed",
	SourceSet:         "source-set",
	WarninglistSet:    "warninglist-set",
	PayloadPart:       "payload-part",
	Erased:            "erased",
	ReportMarked:      "report-marked",
	QuarantineRetried: "quarantine-retried",
	ReportOriginal:    "report-original",
	OrganisationSet:   "organisation-set",
	PersonSet:         "person-set",
	PersonNamed:       "person-named",
	CredentialSet:     "credential-set",
	CredentialRemoved: "credential-removed",
	TokenMade:         "token-made",
	TokenRevoked:      "token-revoked",
	BreakGlassUsed:    "break-glass-used",
	PolicyProposed:    "policy-proposed",
	PolicyAdopted:     "policy-adopted",
	CeilingSet:        "ceiling-set",
	ReadNoted:         "read-noted",
	RefusalNoted:      "refusal-noted",
	HoldSet:           "hold-set",
	HoldLifted:        "hold-lifted",
	CollectionSet:     "collection-set",
	CollectionCut:     "collection-cut",
}

// Known reports whether k is a kind this program knows. A log may hold unknown
// kinds, written by a later version; readers skip them.
func (k Kind) Known() bool { return k > 0 && int(k) < len(kindNames) && kindNames[k] != "" }

// String returns the kind's name, "kind-N" when it is not known.
func (k Kind) String() string {
	if k.Known() {
		return kindNames[k]
	}
	return "kind-" + strconv.Itoa(int(k))
}
