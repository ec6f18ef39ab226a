package format

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"casus/stix"
	"casus/tlp"
)

// kev is the catalogue of exploited vulnerabilities.
//
// Source: cisa-kev.
type kev struct {
	Title    string     `json:"title"`
	Version  string     `json:"catalogVersion"`
	Released string     `json:"dateReleased"`
	Entries  []kevEntry `json:"vulnerabilities"`
}

type kevEntry struct {
	CVE        string   `json:"cveID"`
	Vendor     string   `json:"vendorProject"`
	Product    string   `json:"product"`
	Name       string   `json:"vulnerabilityName"`
	Added      string   `json:"dateAdded"`
	Text       string   `json:"shortDescription"`
	Action     string   `json:"requiredAction"`
	Due        string   `json:"dueDate"`
	Ransomware string   `json:"knownRansomwareCampaignUse"`
	Notes      string   `json:"notes"`
	CWEs       []string `json:"cwes"`
}

// decodeJSON reads a document strictly; an error names the place. Names match in
// any case, so that the same name in two cases is a duplicate: else one of two
// labels would be passed over.
func decodeJSON(b []byte, v any) error {
	err := json.Unmarshal(b, v, json.MatchCaseInsensitiveNames(true))
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		reason, remedy := jsonFault(e)
		if errors.Is(err, io.ErrUnexpectedEOF) {
			reason, remedy = "the JSON ends in the middle of a value", "fetch the file again: its end is missing"
		}
		return invalid(reason+" (byte "+itoa(e.ByteOffset)+")", remedy)
	}
	if e, ok := errors.AsType[*json.SemanticError](err); ok {
		return invalid("the value at "+string(e.JSONPointer)+" is not of the kind it should be (byte "+itoa(e.ByteOffset)+")", "fetch the file again from its publisher")
	}
	return invalid("the JSON cannot be read", "fetch the file again from its publisher")
}

// readKEV makes a vulnerability of each entry, and a report over all.
func readKEV(s *stream, b []byte) error {
	var c kev
	if err := decodeJSON(b, &c); err != nil {
		return err
	}
	released, ok := parseTime(c.Released, s.opt.Zone)
	if !ok {
		released.time = s.opt.Now
	}
	title := strings.TrimSpace(c.Title + " " + c.Version)
	s.note(title, released.time, nil)
	var refs []string
	for i, e := range c.Entries {
		place := "entry " + strconv.Itoa(i+1)
		t, ok := s.observe("vulnerability", e.CVE)
		if !ok {
			s.problem(stix.Problem{Place: place, Reason: strconv.Quote(cut(e.CVE, 60)) + " is no CVE", Remedy: "fetch the catalogue again"})
			continue
		}
		m := t.objects[0]
		m["id"] = stix.NewID("vulnerability", []byte("cisa-kev"), t.name)
		added, ok := parseTime(e.Added, s.opt.Zone)
		if !ok {
			added = released
		}
		s.dated(m, added.time)
		added.mark(m, s.opt.Zone)
		m["description"] = lines(e.Name+".", e.Text, "Vendor and product: "+e.Vendor+" "+e.Product+".", "Required action: "+e.Action, "Due: "+e.Due+".")
		labels := []string{"known-exploited"}
		if strings.EqualFold(e.Ransomware, "known") {
			labels = append(labels, "known-ransomware-use")
		}
		m["labels"] = append(labels, e.CWEs...)
		list, _ := m["external_references"].([]any)
		for n := range strings.FieldsSeq(e.Notes) {
			if u := strings.Trim(n, ";,"); strings.HasPrefix(u, "https://") && len(list) < 20 {
				list = append(list, fields{"source_name": "cisa-kev", "url": u})
			}
		}
		m["external_references"] = list
		refs = append(refs, s.emit(place, m, nil))
	}
	if len(refs) == 0 {
		return nil
	}
	r := fields{
		"type": "report", "id": s.newID("report", "catalogue"), "name": orElse(title, "known exploited vulnerabilities"), "published": stamp(released.time),
		"report_types": []string{"vulnerability"}, "object_refs": refs,
	}
	s.dated(r, released.time)
	s.emit("catalogue", r, nil)
	return nil
}

// lines joins what is not empty.
func lines(parts ...string) string {
	var out []string
	for _, p := range parts {
		if p = strings.TrimSpace(p); p != "" && p != "." && !strings.HasSuffix(p, ": .") && !strings.HasSuffix(p, ":") {
			out = append(out, p)
		}
	}
	return strings.Join(out, "\n")
}

// advisory is a CSAF document, as far as it is read.
//
// Source: csaf-2.0 §3.2.
type advisory struct {
	Document struct {
		Title        string `json:"title"`
		Distribution struct {
			TLP struct {
				Label string `json:"label"`
			} `json:"tlp"`
		} `json:"distribution"`
		Notes     []csafNote `json:"notes"`
		Publisher struct {
			Name string `json:"name"`
		} `json:"publisher"`
		References []csafReference `json:"references"`
		Tracking   struct {
			ID      string `json:"id"`
			First   string `json:"initial_release_date"`
			Current string `json:"current_release_date"`
			Status  string `json:"status"`
			Version string `json:"version"`
		} `json:"tracking"`
	} `json:"document"`
	Vulnerabilities []struct {
		CVE   string `json:"cve"`
		Title string `json:"title"`
		CWE   struct {
			ID   string `json:"id"`
			Name string `json:"name"`
		} `json:"cwe"`
		Notes      []csafNote      `json:"notes"`
		References []csafReference `json:"references"`
	} `json:"vulnerabilities"`
}

type csafNote struct {
	Category string `json:"category"`
	Title    string `json:"title"`
	Text     string `json:"text"`
}

type csafReference struct {
	Summary string `json:"summary"`
	URL     string `json:"url"`
}

// readCSAF makes a report of an advisory and a vulnerability of each it names.
func readCSAF(s *stream, b []byte) error {
	var a advisory
	if err := decodeJSON(b, &a); err != nil {
		return err
	}
	d := &a.Document
	var label *tlp.Label
	if text := d.Distribution.TLP.Label; text != "" {
		// What cannot be read as a label opens nothing; WHITE is CLEAR.
		l, _ := tlp.Parse(text)
		label = &l
	}
	current, ok := parseTime(d.Tracking.Current, s.opt.Zone)
	if !ok {
		current.time = s.opt.Now
	}
	first, ok := parseTime(d.Tracking.First, s.opt.Zone)
	if !ok || first.time.After(current.time) {
		first = current
	}
	s.note(d.Title, current.time, label)
	var refs []string
	for i, v := range a.Vulnerabilities {
		place := "vulnerability " + strconv.Itoa(i+1)
		m := fields{"type": "vulnerability", "id": s.newID("vulnerability", place), "name": orElse(v.CVE, orElse(v.Title, d.Tracking.ID+" "+strconv.Itoa(i+1)))}
		if v.CVE != "" {
			t, ok := s.observe("vulnerability", v.CVE)
			if !ok {
				s.problem(stix.Problem{Place: place, Reason: strconv.Quote(cut(v.CVE, 60)) + " is no CVE", Remedy: "fetch the advisory again"})
				continue
			}
			m["external_references"] = t.objects[0]["external_references"]
		}
		m["created"], m["modified"] = stamp(first.time), stamp(current.time)
		current.mark(m, s.opt.Zone)
		if t := lines(v.Title, notes(v.Notes)); t != "" {
			m["description"] = t
		}
		if v.CWE.ID != "" {
			m["labels"] = []string{v.CWE.ID}
		}
		list, _ := m["external_references"].([]any)
		if list = append(list, links(v.References)...); len(list) > 0 {
			m["external_references"] = list
		}
		refs = append(refs, s.emit(place, m, label))
	}
	return s.advisory(&a, refs, first.time, current, label)
}

// advisory queues the report of an advisory.
func (s *stream) advisory(a *advisory, refs []string, first time.Time, current instant, label *tlp.Label) error {
	d := &a.Document
	if len(refs) == 0 {
		s.document("advisory", orElse(d.Title, d.Tracking.ID), notes(d.Notes), current.time, nil, label, nil)
		return nil
	}
	r := fields{
		"type": "report", "id": stix.NewID("report", []byte("csaf"), d.Publisher.Name+"\x00"+d.Tracking.ID), "name": orElse(d.Title, d.Tracking.ID),
		"published": stamp(current.time), "report_types": []string{"vulnerability"}, "object_refs": refs,
		"created": stamp(first), "modified": stamp(current.time),
	}
	if d.Tracking.ID == "" {
		r["id"] = s.newID("report", "advisory")
	}
	if t := lines("By "+d.Publisher.Name+".", notes(d.Notes)); t != "" {
		r["description"] = t
	}
	list := links(d.References)
	if d.Tracking.ID != "" {
		list = append([]any{fields{"source_name": "csaf", "external_id": d.Tracking.ID}}, list...)
	}
	if len(list) > 0 {
		r["external_references"] = list
	}
	current.mark(r, s.opt.Zone)
	s.emit("advisory", r, label)
	return nil
}

// notes joins the notes that are about the matter.
func notes(list []csafNote) string {
	var out []string
	for _, n := range list {
		if n.Category != "legal_disclaimer" {
			out = append(out, n.Text)
		}
	}
	return lines(out...)
}

func links(list []csafReference) []any {
	var out []any
	for _, r := range list {
		if strings.HasPrefix(r.URL, "http") && len(out) < 50 {
			m := fields{"source_name": "csaf", "url": r.URL}
			if r.Summary != "" {
				m["description"] = r.Summary
			}
			out = append(out, m)
		}
	}
	return out
}
