package report

import (
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"casus/internal/core/alliance"
	"casus/internal/fault"
	"casus/tlp"
)

// Collection is a named choice of what is held, as programs ask for it: a saved
// filter over what the asking reader may read anyway. It opens nothing.
type Collection struct {
	// ID is a UUID in lower case.
	ID string `json:"id"`
	// Alias is another name for addresses; empty for none.
	Alias       string `json:"alias,omitempty"`
	Title       string `json:"title"`
	Description string `json:"description,omitempty"`
	// Source is the source that what is written to it comes from.
	Source string     `json:"source,omitempty"`
	Filter Membership `json:"filter,omitzero"`
	// Audience are the organisations whose people it is there for; empty means
	// everybody who is signed in. To others it is not there.
	Audience []alliance.Org `json:"audience,omitempty"`
	Readable bool           `json:"can_read"`
	Writable bool           `json:"can_write"`
}

// Membership says what is in a collection. Fields that are empty ask for nothing;
// the others must all be met. The zero value takes in everything.
type Membership struct {
	// Sources are names of sources. One that no organisation leads is that of the
	// source so called of every organisation.
	Sources []string `json:"sources,omitempty"`
	// Types are types of objects. What others refer to for their meaning (identities,
	// marking and extension definitions) is in whatever they say.
	Types []string `json:"types,omitempty"`
	// Ceiling is the most restrictive label that is let in.
	Ceiling *tlp.Label `json:"tlp,omitempty"`
	// Organisations are those whose objects are in.
	Organisations []alliance.Org `json:"organisations,omitempty"`
}

// What bounds the settings of a collection.
const (
	maxCollectionText = 2000 // bytes of a title or description
	maxCollectionList = 1000 // names in one of its lists
)

// ForOrg reports whether the collection is there for people of an organisation.
func (c *Collection) ForOrg(o alliance.Org) bool {
	return len(c.Audience) == 0 || slices.Contains(c.Audience, o)
}

// Check says what is wrong with a collection, as an Invalid fault.
func (c *Collection) Check() error {
	uuid := regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	alias := regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)
	switch {
	case !uuid.MatchString(c.ID):
		return fault.WithHint(fault.Errorf(fault.Invalid, "collection: id %.40q is no UUID in lower case", c.ID), "leave the id out: one is made")
	case c.Alias != "" && (!alias.MatchString(c.Alias) || uuid.MatchString(c.Alias)):
		return fault.WithHint(fault.Errorf(fault.Invalid, "collection: alias %.70q", c.Alias), "use up to 63 letters in lower case, digits, dots and dashes, and no UUID")
	case strings.TrimSpace(c.Title) == "" || len(c.Title) > maxCollectionText || strings.ContainsFunc(c.Title, unicode.IsControl):
		return fault.Errorf(fault.Invalid, "collection: title: want 1 to %d bytes without control characters", maxCollectionText)
	case len(c.Description) > maxCollectionText:
		return fault.Errorf(fault.Invalid, "collection: description of %d bytes, want at most %d", len(c.Description), maxCollectionText)
	case !c.Readable && !c.Writable:
		return fault.WithHint(fault.Errorf(fault.Invalid, "collection: it can neither be read nor written"), "let it be read, written, or both")
	case c.Writable && (c.Source == "" || len(c.Source) > 128 || strings.ContainsFunc(c.Source, unicode.IsControl)):
		return fault.Errorf(fault.Invalid, "collection: source %.40q: want 1 to 128 bytes without control characters", c.Source)
	}
	f := &c.Filter
	if len(f.Sources) > maxCollectionList || len(f.Types) > maxCollectionList || len(f.Organisations) > maxCollectionList || len(c.Audience) > maxCollectionList {
		return fault.Errorf(fault.Invalid, "collection: a list of more than %d names", maxCollectionList)
	}
	if slices.Contains(f.Organisations, "") || slices.Contains(c.Audience, "") {
		return fault.WithHint(fault.Errorf(fault.Invalid, "collection: an organisation without a name"), "name organisations in full, for example AAA/csirt")
	}
	return nil
}

// Ask is a question about the objects of a collection. Its lists are met by any of
// their members, and a list that is empty by everything.
type Ask struct {
	// After lets those in that were added later than this, to the microsecond; zero
	// means all.
	After time.Time
	IDs   []string
	Types []string
	// Versions are instants, or "first", "last" and "all"; empty means "last".
	Versions []string
	// Specs are versions of STIX; empty means the newest that there is of each
	// object.
	Specs []string
	// Limit is the most objects of a page and Bytes the most bytes of them, where
	// the first is given whatever its length; zero means no limit.
	Limit int
	Bytes int
}

// Added is an object of a collection.
type Added struct {
	ID string
	// Version is what TAXII calls its version: modified, else created, else when it
	// was added.
	Version string
	// Spec is the version of STIX that it is written in.
	Spec string
	// At is when it was added to the collection, to the microsecond.
	At time.Time
	// Raw is its bytes as received.
	Raw []byte
}

// Status is what became of what was written to a collection.
type Status struct {
	ID        string
	At        time.Time // when it was handed in
	Complete  bool
	Successes []StatusOf
	Failures  []StatusOf
	// Total, Succeeded and Failed count; the lists may be shorter.
	Total, Succeeded, Failed int
}

// StatusOf is what became of one object.
type StatusOf struct {
	ID, Version, Message string
}
