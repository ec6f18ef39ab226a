package report

import (
	"time"

	"casus/tlp"
)

// Release is to whom the owner of a report means to release it. The zero value
// changes nothing.
type Release struct {
	// To are organisations, besides those that it is released to already.
	To []string `json:"to,omitempty"`
	// Until is when the release to these ends; zero means never.
	Until time.Time `json:"until,omitzero"`
	// TLP takes the place of a label that was the source's default, and tightens one
	// that a sender gave; nil leaves the labels.
	TLP *tlp.Label `json:"tlp,omitempty"`
}

// Why is how readers stand to an object, and by which rules.
type Why struct {
	Object  string     `json:"object"`
	Readers []Standing `json:"readers"`
}

// Standing is how one reader stands to an object, arrival by arrival.
type Standing struct {
	// Reader is "me", an organisation or a person's key, and Role what he acts as.
	Reader       string `json:"reader"`
	Organisation string `json:"organisation,omitempty"`
	Role         string `json:"role,omitempty"`
	// Effect is "allow" when some arrival lets the reader in, else "deny".
	Effect   string   `json:"effect"`
	Receipts []Ruling `json:"receipts"`
}

// Preview is what each of an audience would get of a report.
type Preview struct {
	Report string `json:"report"`
	Title  string `json:"title"`
	// Policy is the digest of the rules decided by.
	Policy string `json:"policy"`
	// TLP is the label that the report itself would bear.
	TLP string `json:"tlp"`
	// Objects counts what was looked at: what of the report is readable to who asks.
	Objects int `json:"objects"`
	// Seeing counts the readers who would get something, Organisations names theirs.
	Seeing        int             `json:"seeing"`
	Organisations []string        `json:"organisations"`
	Readers       []PreviewReader `json:"readers"`
	Rows          []PreviewRow    `json:"fields"`
	// ValidUntil is when this may change by itself; Errors are rules that could not
	// be evaluated, which denies.
	ValidUntil string   `json:"valid_until,omitempty"`
	Errors     []string `json:"errors,omitempty"`
}

// PreviewReader is what one reader would get.
type PreviewReader struct {
	// Reader is the organisation, or the person's key where a person is named.
	Reader       string `json:"reader"`
	Organisation string `json:"organisation"`
	Name         string `json:"name"`
	// Named says that the release names the organisation.
	Named bool `json:"named"`
	// Owner says that it is the report's own.
	Owner bool `json:"owner"`
	// Itself says whether the title and the file's name would be told.
	Itself bool `json:"itself"`
	// Objects counts the objects seen; the others count their fields.
	Objects   int `json:"objects"`
	Full      int `json:"full"`
	Coarsened int `json:"coarsened"`
	Withheld  int `json:"withheld"`
	// Rules are what lets in where something is seen, else what keeps out.
	Rules []Clause `json:"rules"`
}

// PreviewRow is what the readers would get of fields of the objects of one type,
// which are treated alike.
type PreviewRow struct {
	Type    string        `json:"type"`
	Fields  []string      `json:"fields"`
	Objects int           `json:"objects"`
	Cells   []PreviewCell `json:"readers"` // in the order of the readers
}

// PreviewCell counts in how many objects one reader gets the fields how.
type PreviewCell struct {
	Reader    string `json:"reader"`
	Full      int    `json:"full"`
	Coarsened int    `json:"coarsened"`
	Withheld  int    `json:"withheld"`
	// Rules are the ids of what stands in the way, else of what lets in.
	Rules []string `json:"rules"`
}

// View is the word for what the reader gets: "full", "coarsened", "withheld", or
// "partly" where objects differ.
func (c PreviewCell) View() string {
	switch {
	case c.Coarsened+c.Withheld == 0:
		return "full"
	case c.Full+c.Withheld == 0:
		return "coarsened"
	case c.Full+c.Coarsened == 0:
		return "withheld"
	}
	return "partly"
}

// Shared is what became of a release.
type Shared struct {
	Report string `json:"report"`
	// To are the organisations that it is released to now, besides its owner.
	To       []string `json:"to"`
	TLP      string   `json:"tlp"`
	Recalled bool     `json:"recalled"`
}
