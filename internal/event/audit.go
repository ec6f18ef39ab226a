package event

import (
	"crypto/sha256"
	"encoding/hex"

	"casus/internal/core/alliance"
)

// maxTracedBytes bounds an id that is named as it is.
const maxTracedBytes = 200

// TraceID returns how an id stands in [Given] and [Refusal]: as it is, or, of one
// longer than 200 bytes, which may be anything that a sender chose, by its SHA-256.
func TraceID(id string) string {
	if len(id) <= maxTracedBytes {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Given is the payload of [ReadNoted]: what of the closely held somebody was
// given by one act. Who it was is the entry's author, by role and key; when, its
// event time. No name, no content and no text that somebody typed stands in it.
type Given struct {
	// Action is what was done: "search", "export" and the like.
	Action string       `json:"action"`
	Org    alliance.Org `json:"org,omitempty"`
	// Begun is set on the entry that stands in the log before an export gives its
	// first byte. Another tells what it gave, unless the node was cut off.
	Begun bool `json:"begun,omitzero"`
	// Cut is set when the answer broke off: what was given up to there is told.
	Cut bool `json:"cut,omitzero"`
	// Query is a keyed hash of the text asked for, hex, empty for none.
	Query string `json:"query,omitempty"`
	// Objects and Reports are what was given, by id, as far as it is named.
	Objects []string `json:"objects,omitempty"`
	Reports []string `json:"reports,omitempty"`
	// ObjectCount and ReportCount count all of it. Where they are larger than the
	// lists, not everything is named. What is named counts once. An object beyond
	// that counts each time that it is given, so that memory stays bounded.
	ObjectCount int `json:"object_count,omitzero"`
	ReportCount int `json:"report_count,omitzero"`
	// Digest is set when not every object is named: SHA-256 over the ids of all,
	// each followed by a line feed, in the order in which they were counted, hex.
	Digest string `json:"digest,omitempty"`
	// TLP is the most restrictive label of it.
	TLP string `json:"tlp,omitempty"`
	// Times is how often the same was given to the same within a second; 0 is once.
	Times int `json:"times,omitzero"`
}

// Refusal is the payload of [RefusalNoted]: that somebody was not let have or do
// something, once or several times in a row. Who it was is the entry's author,
// "nobody" for who is not signed in.
type Refusal struct {
	// Action is what was asked for: a method and an address without what stands
	// in it, or the word of [Given].
	Action string       `json:"action"`
	Org    alliance.Org `json:"org,omitempty"`
	// Status is that of HTTP, 0 for an alarm: the rules could not tell who may read.
	Status int `json:"status,omitzero"`
	// From is the network that somebody asked from who is not signed in, "socket"
	// for this machine's, and "several" in an entry that counts many callers.
	From string `json:"from,omitempty"`
	// About is whose login it was; LoginHash a keyed hash of a login that is
	// nobody's, hex: it may be a password typed in the wrong place.
	About     alliance.Key `json:"about,omitempty"`
	LoginHash string       `json:"login_hash,omitempty"`
	// Withheld are the ids, of those asked for, of what is here and was not
	// released to who asked. To him it was not there.
	Withheld []string `json:"withheld,omitempty"`
	// Alarms are the rules that erred, and how.
	Alarms []string `json:"alarms,omitempty"`
	// Count is how often, at least 1; the first time is the entry's event time,
	// and Seconds later was the last.
	Count   int `json:"count"`
	Seconds int `json:"seconds,omitzero"`
}
