// Package report holds the words of handing a report in and of asking about it:
// requests, results and the rows that pages, API and commands show alike.
//
// Everything here is plain data. JSON names are stable: fields are added, never
// renamed. Instants are UTC in RFC 3339; an empty string means not known.
package report

import (
	"casus/internal/core/alliance"
	"casus/internal/core/marking"
	"casus/internal/core/privacy"
	"casus/tlp"
)

// Format names how a report was written.
type Format string

// The formats. Auto means: find out from the bytes and the name.
const (
	Auto  Format = ""
	STIX  Format = "stix"
	MISP  Format = "misp"
	CSV   Format = "csv"
	Lines Format = "jsonl"
	Mail  Format = "mail"
	Text  Format = "text"
)

// LocalSource is what a source is called that nobody named.
const LocalSource = "local"

// Request says how a report is to be taken in.
type Request struct {
	// Source is who hands it in; empty means [LocalSource].
	Source string `json:"source,omitempty"`
	// Title is shown to people; empty means the file name or the report's own.
	Title string `json:"title,omitempty"`
	// Name is the file name, used for finding the format and as a fall-back title.
	Name string `json:"name,omitempty"`
	// TLP, when set, marks everything in the report that bears no marking, and
	// tightens what bears a wider one.
	TLP *tlp.Label `json:"tlp,omitempty"`
	// Format is how to read it; Auto finds out.
	Format Format `json:"format,omitempty"`
	// Map is the column map for CSV and JSON lines: column name to field. Nil
	// means the source's saved map, else the columns' names and values.
	Map map[string]string `json:"map,omitempty"`
	// Exercise marks the report as part of an exercise.
	Exercise bool `json:"exercise,omitempty"`
	// Classes are the classifications that who hands it in says it has, each as
	// "ladder/LEVEL".
	Classes []marking.Level `json:"classifications,omitempty"`
	// Limits is what restricts everything in it besides its marking; the node fills
	// it in.
	Limits marking.Limits `json:"-"`
	// Owner is the organisation that hands it in and Person who does so for it. The
	// node fills both in, from who is signed in; both are empty while it has no
	// people.
	Owner  alliance.Org `json:"-"`
	Person alliance.Key `json:"-"`
	// Author is who acts, as the author of what is written for it: the person, the
	// role and the token. Empty means the local operator. The node fills it in.
	Author string `json:"-"`
}

// Result is what became of one or several reports handed in. The first seven
// names are stable for scripts.
type Result struct {
	Received    int     `json:"received"`    // objects read, quarantined ones included
	New         int     `json:"new"`         // object versions not held before
	Known       int     `json:"known"`       // versions held before, equal in canonical form
	Conflicting int     `json:"conflicting"` // same version, other content: all kept and flagged
	Quarantined int     `json:"quarantined"` // set aside with place and reason
	Values      int     `json:"values"`      // mentions of observable values in the objects taken in
	Seconds     float64 `json:"seconds"`     // wall time

	Reports []ReportRef `json:"reports"` // one per file

	// PassedOver counts what stood in a directory and was not looked at, because it
	// is no file: links, pipes, sockets, devices, other nodes' data. Passed names the
	// first of them, at most [MaxPassed].
	PassedOver int      `json:"passed_over"`
	Passed     []Passed `json:"passed,omitempty"`
}

// MaxPassed is how many passed-over things a result names.
const MaxPassed = 20

// Passed is a thing in a directory that was not looked at.
type Passed struct {
	Path string `json:"path"`
	Why  string `json:"why"` // "a symbolic link", …
}

// PassOver notes that what is at path was not looked at.
func (r *Result) PassOver(path, why string) {
	r.PassedOver++
	if len(r.Passed) < MaxPassed {
		r.Passed = append(r.Passed, Passed{path, why})
	}
}

// ReportRef points at one report of a [Result].
type ReportRef struct {
	ID     string `json:"id"`     // short id, RPT-XXXX-XXXX
	Name   string `json:"name"`   // file name or title
	Format Format `json:"format"` // as found
	Known  bool   `json:"known"`  // the same bytes from the same source were here before
	// Earlier is the short id of the report that the same bytes became under the
	// column map that held then; empty when they were not read anew.
	Earlier     string `json:"earlier,omitempty"`
	Received    int    `json:"received"`
	New         int    `json:"new"`
	Quarantined int    `json:"quarantined"`
	Problem     string `json:"problem,omitempty"` // why the file could not be read at all
	Remedy      string `json:"remedy,omitempty"`
}

// Add adds o's counts and reports to r; times are not added.
func (r *Result) Add(o Result) {
	r.Received += o.Received
	r.New += o.New
	r.Known += o.Known
	r.Conflicting += o.Conflicting
	r.Quarantined += o.Quarantined
	r.Values += o.Values
	r.Reports = append(r.Reports, o.Reports...)
	r.PassedOver += o.PassedOver
	r.Passed = append(r.Passed, o.Passed[:min(len(o.Passed), MaxPassed-len(r.Passed))]...)
}

// Known names a report that was handed in.
type Known struct {
	// Identity is the digest of source and bytes, hex.
	Identity string
	// Before is set when the same bytes from the same source were here before.
	Before bool
	// Earlier is the identity of the report that the same bytes became when another
	// column map held; empty when they were not read anew.
	Earlier string
}

// Progress is how far an import is.
type Progress struct {
	Name        string `json:"name"`        // the file being read
	Files       int    `json:"files"`       // files done
	TotalFiles  int    `json:"total_files"` // 0 when not known
	Bytes       int64  `json:"bytes"`       // bytes read of all files
	TotalBytes  int64  `json:"total_bytes"` // 0 when not known
	Objects     int    `json:"objects"`     // objects acknowledged as durable
	Quarantined int    `json:"quarantined"`
}

// Source is who hands reports in, and what holds for what it hands in.
type Source struct {
	Name string `json:"name"`
	// TLP is the default marking of unmarked input; nil means RED.
	TLP *tlp.Label `json:"tlp,omitempty"`
	// Zone is the IANA name of the time zone of times without one; empty is UTC.
	Zone string `json:"time_zone,omitempty"`
	// Trust is the Admiralty reliability of the source, A to F; F means it
	// cannot be judged. Empty is F.
	Trust string `json:"trust,omitempty"`
	// Map is the saved column map for CSV and JSON lines.
	Map map[string]string `json:"map,omitempty"`
	// Processing is for what, on which ground and for how long it is held.
	privacy.Processing
	Reports int    `json:"reports"` // readable reports of this source
	Last    string `json:"last,omitempty"`
}

// Quarantined is a piece of input that was set aside. Its bytes are kept.
type Quarantined struct {
	ID     string `json:"id"`     // short id, QRN-XXXX-XXXX
	Report string `json:"report"` // short id of the report
	Source string `json:"source"`
	Name   string `json:"name"`   // file name
	Place  string `json:"place"`  // where: "byte 1204, object 7 (indicator--…)", "line 12, column value"
	Reason string `json:"reason"` // what is wrong
	Remedy string `json:"remedy"` // what to do about it
	Size   int    `json:"size"`   // bytes kept
	TLP    string `json:"tlp"`
	At     string `json:"at"`              // when it came in
	Bytes  string `json:"bytes,omitempty"` // only in show: the first 64 KiB as text, invalid UTF-8 replaced
	Done   bool   `json:"done,omitempty"`  // a retry has taken it in
}

// Row is one report in a list.
type Row struct {
	ID          string `json:"id"`
	Title       string `json:"title"`
	Source      string `json:"source"`
	Format      Format `json:"format"`
	TLP         string `json:"tlp"`
	Imputed     bool   `json:"imputed"` // the marking is the source's default, not the report's own
	Exercise    bool   `json:"exercise"`
	State       string `json:"state"` // "complete" or "unfinished"
	Received    string `json:"received_at"`
	Objects     int    `json:"objects"`
	Values      int    `json:"values"`
	Quarantined int    `json:"quarantined"`
	// Own says that the report is the reader's own organisation's: he may ask who else
	// would get what of it.
	Own bool `json:"own"`
	// Size and Digest (SHA-256, hex) are those of the bytes handed in. They tell of
	// all that is in them, so they are shown to who sees everything and to who handed
	// them in alone; else zero and empty.
	Size   int64  `json:"size"`
	Digest string `json:"digest"`
}

// Detail is one report whole.
type Detail struct {
	Row
	Name  string      `json:"name"`
	Types []TypeCount `json:"types"`
	Items []ObjectRow `json:"items"` // the first of its objects, at most 200; Objects counts all
	// Next is the cursor of the objects after Items, "" when these are all.
	Next string `json:"next,omitempty"`
}

// TypeCount counts objects of one type.
type TypeCount struct {
	Type  string `json:"type"`
	Count int    `json:"count"`
}

// ObjectRow is one object in a list.
type ObjectRow struct {
	ID      string `json:"id"`
	Type    string `json:"type"`
	Name    string `json:"name"` // name, value or pattern, defanged nowhere: faces do that
	TLP     string `json:"tlp"`
	Version string `json:"version"` // the version key
}

// MatchSummary is the finding in figures.
type MatchSummary struct {
	Values  int `json:"values"`  // values in what was asked about
	Matched int `json:"matched"` // of those, reported by another source
	Common  int `json:"common"`  // of the matched, noise: ranked last
	Own     int `json:"own"`     // values that stand only in other reports of the asker's own source
	Others  int `json:"others"`  // other sources that reported some of the telling ones
	Before  int `json:"before"`  // of those, the ones that did so before
	Reports int `json:"reports"` // readable reports looked through
	Sources int `json:"sources"` // readable sources they come from
	// Patterns is how many patterns of readable indicators were held against the
	// observed data and observables asked about, Undecided how often that took too
	// many steps to give an answer.
	Patterns  int `json:"patterns"`
	Undecided int `json:"undecided,omitempty"`
	// Sentence says it in words: "3 of 14 values were reported by 2 others
	// before you; 1 is common and ranked last. Looked among 1,204 reports
	// readable to you, from 9 sources."
	Sentence string `json:"sentence"`
}

// Match is one value of what was asked about that others mention too.
type Match struct {
	Value     string   `json:"value"`   // as written in what was asked about
	Type      string   `json:"type"`    // "ipv4-addr", "file:hashes.SHA-256", …
	Normal    string   `json:"normal"`  // the normal form the match rests on
	Sources   []string `json:"sources"` // who else, sorted; empty when the asker's own source alone has it
	Before    []string `json:"before"`  // those of sources who reported it earlier
	Reports   []string `json:"reports"` // where, newest first, at most 20; of others, or the asker's own where no other has it
	Count     int      `json:"count"`   // readable reports of others that mention it, or of the asker where no other does
	Own       int      `json:"own"`     // other reports of the asker's own source that mention it
	FirstSeen string   `json:"first_seen"`
	LastSeen  string   `json:"last_seen"`
	// TimeBasis is "event" when each report tells when what it says of the value
	// began, else "receipt", and the times are those at which the reports came in.
	// Of a plain value that is told by the observed data, indicators and sightings
	// of its report that mention it, or refer to it under the id of STIX's rule.
	TimeBasis string `json:"time_basis"`
	Why       string `json:"why"`
	Noise     string `json:"noise,omitempty"` // why it is ranked last; empty for a telling one
	Rarity    int    `json:"rarity"`          // readable receipts that mention it, all reports; small is rare
}

// Matches answers "who else saw this?".
type Matches struct {
	Report  string       `json:"report,omitempty"` // short id; empty for a dry match
	Summary MatchSummary `json:"summary"`
	Hits    []Match      `json:"hits"` // most telling first, noise last
	// Patterns are those of readable indicators in other reports that what was
	// asked about fulfils, by source and name.
	Patterns []PatternMatch `json:"patterns"`
}

// PatternMatch is an indicator whose STIX pattern is fulfilled.
type PatternMatch struct {
	Indicator string   `json:"indicator"` // its id
	Name      string   `json:"name"`
	Pattern   string   `json:"pattern"`
	Report    string   `json:"report"` // the newest readable report with it
	Source    string   `json:"source"`
	TLP       string   `json:"tlp"`      // label of the indicator
	Observed  []string `json:"observed"` // ids of the observed data and observables that fulfil it, at most 20
}

// Hit is one result of a search. The names are stable.
type Hit struct {
	ID     string `json:"id"` // object id or report short id
	Type   string `json:"type"`
	Value  string `json:"value"`
	Report string `json:"report"`
	Source string `json:"source"`
	// FirstSeen and LastSeen are when what the object tells began, by its own
	// word or that of the observed data, indicators and sightings of the same
	// report that refer to it (TimeBasis "event"), else when the report came in
	// ("receipt").
	FirstSeen string `json:"first_seen"`
	LastSeen  string `json:"last_seen"`
	TimeBasis string `json:"time_basis"`
	Why       string `json:"why"`
	TLP       string `json:"tlp"`
	Title     string `json:"title"` // the report's title
}

// Found is a page of search results. The first three names are stable.
type Found struct {
	Query    string `json:"query"`
	Total    int    `json:"total"` // readable hits
	Hits     []Hit  `json:"hits"`
	Kind     string `json:"kind"` // how the query was read: "id", "value", "cidr" (both also when not held), "words"
	Sentence string `json:"sentence"`
	Noise    string `json:"noise,omitempty"`
	Next     string `json:"next,omitempty"` // sealed cursor of the next page
}

// Object is everything readable about one object.
type Object struct {
	ID       string     `json:"id"`
	Type     string     `json:"type"`
	Name     string     `json:"name"`
	TLP      string     `json:"tlp"`
	Versions []Version  `json:"versions"`
	Values   []Value    `json:"values"`
	Receipts []Receipt  `json:"receipts"`
	Raw      []byte     `json:"-"` // the bytes of the newest readable version as received
	Linked   []Neighbor `json:"linked"`
}

// Version is one version of an object.
type Version struct {
	Key         string `json:"key"` // modified, else created, else a digest
	Digest      string `json:"digest"`
	Conflicting bool   `json:"conflicting"` // the same key was also received with other content
	Receipts    int    `json:"receipts"`
	Size        int    `json:"size"`
	First       string `json:"first_received"`
	Raw         string `json:"raw,omitempty"` // only in history
}

// Value is an observable value an object mentions.
type Value struct {
	Type   string `json:"type"`
	Normal string `json:"normal"`
	Count  int    `json:"count"` // readable receipts that mention it
	Noise  string `json:"noise,omitempty"`
}

// Receipt is one arrival of an object.
type Receipt struct {
	Report   string `json:"report"`
	Source   string `json:"source"`
	Received string `json:"received_at"`
	TLP      string `json:"tlp"`
	Imputed  bool   `json:"imputed"`
	Version  string `json:"version"`
}

// Ruling is how somebody stands to one arrival of an object, and why.
type Ruling struct {
	Report   string `json:"report"`
	Source   string `json:"source"`
	Received string `json:"received_at"`
	Version  string `json:"version"`
	TLP      string `json:"tlp"`
	Imputed  bool   `json:"imputed"`
	// Set is the marking set decided over, in canonical form; empty while the
	// report is not finished.
	Set    string `json:"set,omitempty"`
	Effect string `json:"effect"` // "allow" or "deny"
	// Rules are all clauses that decided.
	Rules []Clause `json:"rules"`
	// ValidUntil is when the answer may change by itself.
	ValidUntil string `json:"valid_until,omitempty"`
}

// Clause is a rule that decided, with its meaning in words.
type Clause struct {
	ID   string `json:"id"`
	Says string `json:"says"`
}

// Neighbor is an object linked to another.
type Neighbor struct {
	ID   string `json:"id"`
	Type string `json:"type"`
	Name string `json:"name"`
	// How names the property or relationship: "relationship uses, outgoing",
	// "created_by_ref", "shares value".
	How  string `json:"how"`
	Held bool   `json:"held"` // false: referred to but not here, or not readable
}

// Check is the outcome of verifying a node. The names are stable.
type Check struct {
	OK          bool     `json:"ok"`
	Entries     uint64   `json:"entries"`      // of the log, without the trail of reads and refusals
	Head        string   `json:"head"`         // chain digest, hex
	StateDigest string   `json:"state_digest"` // SHA-256 over the logical state, hex
	Problems    []string `json:"problems"`
}

// Erased is what went for good. The names are stable.
type Erased struct {
	Receipts int `json:"receipts"`
	// Originals counts the files that were kept as they were handed in.
	Originals int `json:"originals"`
	// Reports counts those that went whole; Receipts counts each of them, too.
	Reports int `json:"reports"`
	// Kept is what stays, and why.
	Kept []privacy.Kept `json:"kept,omitempty"`
}

// Warninglist is a list of values that are common and say little.
type Warninglist struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Kind    string `json:"type"` // cidr, string, substring, hostname, regex; mixed for the built-in facts
	Entries int    `json:"entries"`
	BuiltIn bool   `json:"built_in"`
}
