package marking

import (
	"slices"
	"time"

	"casus/internal/core/alliance"
	"casus/tlp"
)

// Recipient is an organisation that something was released to.
type Recipient struct {
	Org alliance.Org `json:"organisation"`
	// Until is when the release to it ends; zero means never.
	Until time.Time `json:"until,omitzero"`
}

// Release is what the owner of a report decided about it after it came in. The
// zero value decides nothing.
type Release struct {
	// By is the owner. What is another's is not touched; what has no owner, and
	// says of nobody that he may read it, is taken to be By's.
	By alliance.Org `json:"by"`
	// To are whom it was released to besides, sorted by organisation, each once.
	To []Recipient `json:"to,omitempty"`
	// TLP replaces a default and tightens what a sender said; nil does neither.
	TLP *tlp.Label `json:"tlp,omitempty"`
	// Recalled says that the owner took it back from everybody.
	Recalled bool `json:"recalled,omitempty"`
}

// Turns returns the instants at which something of the release ends, sorted, each
// once.
func (rel *Release) Turns() []time.Time {
	var out []time.Time
	for _, to := range rel.To {
		if !to.Until.IsZero() {
			out = append(out, to.Until)
		}
	}
	slices.SortFunc(out, time.Time.Compare)
	return slices.CompactFunc(out, time.Time.Equal)
}

// Over returns what a receipt bears at now on which s would be binding without the
// release. A sender's label is never loosened, no caveat goes and no embargo ends
// sooner: the release names readers.
//
// Source: casus decision 0030.
func (rel *Release) Over(s Set, now time.Time) Set {
	switch {
	case rel.By == "" || s.Owner != "" && s.Owner != rel.By, s.Owner == "" && s.Recipients.Said:
		return s
	case s.Owner == "":
		s.Owner, s.Recipients = rel.By, Only(rel.By)
	}
	if rel.Recalled {
		s.Recalled = true
		return s
	}
	to := append(slices.Clone(s.Recipients.To), rel.By)
	for _, r := range rel.To {
		if r.Until.IsZero() || now.Before(r.Until) {
			to = append(to, r.Org)
		}
	}
	s.Recipients = Only(to...)
	switch {
	case rel.TLP == nil:
	case s.Imputed:
		s.TLP, s.Imputed = *rel.TLP, false
	default:
		s.TLP = tlp.Most(s.TLP, *rel.TLP)
	}
	return s
}

// With returns the release after it was extended to more recipients, and after the
// label was set if tlp is not nil. What was recalled is released again. A recipient
// that is there already has its end set anew.
func (rel Release) With(by alliance.Org, label *tlp.Label, to ...Recipient) Release {
	out := Release{By: by, TLP: rel.TLP}
	if label != nil {
		out.TLP = label
	}
	out.To = slices.DeleteFunc(slices.Clone(rel.To), func(old Recipient) bool {
		return slices.ContainsFunc(to, func(r Recipient) bool { return r.Org == old.Org })
	})
	out.To = append(out.To, to...)
	slices.SortFunc(out.To, func(a, b Recipient) int {
		switch {
		case a.Org < b.Org:
			return -1
		case a.Org > b.Org:
			return 1
		}
		return 0
	})
	return out
}
