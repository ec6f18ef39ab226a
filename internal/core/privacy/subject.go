package privacy

// Trace is a place where a value stands.
type Trace struct {
	Place string `json:"place"` // one of the places
	// ID is that of an object, of what was set aside, of a source or a person; empty
	// for a report itself, and where the asker may not read it.
	ID string `json:"id,omitempty"`
	// Field says where in it: properties of an object, title, file name, …
	Field    string `json:"field,omitempty"`
	Report   string `json:"report,omitempty"` // short id
	Source   string `json:"source,omitempty"`
	Received string `json:"received_at,omitempty"`
	TLP      string `json:"tlp,omitempty"`
	// Readable says that the asker may read it. Of what he may not read and answers
	// for, one hit tells for each report in how many places it stands.
	Readable bool `json:"readable"`
	Own      bool `json:"own"` // the asker answers for it
	Count    int  `json:"count"`
	// Text is what stands there, in an export alone, and cut where it is long.
	Text string `json:"text,omitempty"`
	// Kept is why it is not erased, empty when it may be; Remedy what to do.
	Kept   string `json:"kept,omitempty"`
	Remedy string `json:"remedy,omitempty"`
}

// Traces is where a value stands, as far as the asker may be told.
type Traces struct {
	Value string `json:"value"`
	At    string `json:"at"`
	Total int    `json:"total"` // places: the counts of the hits, added up
	// Erasable is how many of them may be erased.
	Erasable int     `json:"erasable"`
	Hits     []Trace `json:"hits"`
	// Outside lists what was not looked into.
	Outside []string `json:"outside"`
}

// Outside is what no search of the node covers.
func Outside() []string {
	return []string{
		"reports that other organisations handed in and that you may not read",
		"text that is packed, encoded or spelt otherwise than the value",
		"copies outside of this node: backups, exports, mail, people's own",
	}
}

// Gone is what was erased for a data subject, or would be.
type Gone struct {
	At  string `json:"at"`
	Dry bool   `json:"dry_run"`
	// Places is how many of the places found went.
	Places int `json:"places"`
	// What went: reports whole, receipts, files as handed in, names of persons.
	Reports   int `json:"reports"`
	Receipts  int `json:"receipts"`
	Originals int `json:"originals"`
	Persons   int `json:"persons"`
	// Kept lists what stays, and why.
	Kept []Kept `json:"kept"`
}

// KeptOf lists what of the hits is not erased.
func KeptOf(hits []Trace) []Kept {
	out := []Kept{}
	for _, h := range hits {
		if h.Kept != "" {
			out = append(out, Kept{Place: h.Place, ID: h.ID, Report: h.Report, Count: h.Count, Why: h.Kept, Remedy: h.Remedy})
		}
	}
	return out
}
