package format

import (
	"encoding/json/v2"
	"maps"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"casus/internal/core/observable"
	"casus/misp"
	"casus/stix"
	"casus/tlp"
)

// fields is an object in the making.
type fields = map[string]any

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// place says where an object of a bundle stands.
func place(it stix.Item) string {
	p := "byte " + itoa(it.Offset)
	if it.Index > 0 {
		p += ", object " + strconv.Itoa(it.Index)
	}
	if it.File != "" {
		p = it.File + ", " + p
	}
	return p
}

// stamp writes an instant as STIX does.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// emit queues an object made here. Names are sorted, so that the same object is
// the same bytes.
func (s *stream) emit(place string, m fields, label *tlp.Label) string {
	m["spec_version"] = "2.1"
	if label != nil {
		m["object_marking_refs"] = []string{label.Definition()}
	}
	id, _ := m["id"].(string)
	raw, err := json.Marshal(m, json.Deterministic(true))
	if err != nil {
		s.problem(stix.Problem{Place: place, Reason: "this cannot be written as JSON: it is not UTF-8", Remedy: "save the file as UTF-8"})
		return id
	}
	s.put(place, raw)
	return id
}

// newID returns an id for something made from this input at this place.
func (s *stream) newID(typ, place string) string {
	return stix.NewID(typ, s.opt.Seed[:], s.place+place)
}

// scoID returns the id of an observable by STIX's rule.
func scoID(m fields) (string, bool) {
	raw, err := json.Marshal(m, json.Deterministic(true))
	if err != nil {
		return "", false
	}
	id, err := stix.SCOID(raw)
	return id, err == nil
}

// mispTypes gives for a kind of value the MISP type it is written as.
var mispTypes = map[observable.Type]string{
	observable.IPv4: "ip-dst", observable.IPv6: "ip-dst", observable.CIDR: "ip-dst", observable.Domain: "domain", observable.URL: "url",
	observable.Email: "email", observable.MD5: "md5", observable.SHA1: "sha1", observable.SHA224: "sha224", observable.SHA256: "sha256",
	observable.SHA384: "sha384", observable.SHA512: "sha512", observable.SHA3x224: "sha3-224", observable.SHA3x256: "sha3-256",
	observable.SHA3x384: "sha3-384", observable.SHA3x512: "sha3-512", observable.SSDeep: "ssdeep", observable.TLSH: "tlsh",
	observable.ImpHash: "imphash", observable.FileName: "filename", observable.Path: "filename", observable.MAC: "mac-address",
	observable.ASN: "AS", observable.RegKey: "regkey", observable.Mutex: "mutex", observable.UserAgent: "user-agent", observable.CVE: "vulnerability",
}

// keepWritten are kinds of which the normal form loses letters a person wants
// back; the index makes the normal form again.
var keepWritten = map[observable.Type]bool{
	observable.URL: true, observable.Email: true, observable.FileName: true, observable.Path: true, observable.RegKey: true,
	observable.Mutex: true, observable.UserAgent: true, observable.SSDeep: true,
}

// telling returns the value a text is, if it is one by its form alone: not a
// bare number, word or file name, which could be anything.
func telling(text string) (observable.Key, bool) {
	for _, k := range observable.Parse(text) {
		switch k.Type {
		case observable.FileName, observable.Port, observable.Software, observable.Vendor, observable.Account, observable.Command,
			observable.Subject, observable.Service, observable.DN, observable.Serial, observable.Mutex, observable.UserAgent:
			continue
		default:
			return k, true
		}
	}
	return observable.Key{}, false
}

// thing is what a value becomes: objects to refer to and a pattern.
type thing struct {
	objects []fields
	refs    []string
	pattern string
	name    string
}

// thing returns what STIX makes of a value.
func (s *stream) thing(k observable.Key, written string) (thing, bool) {
	typ, ok := mispTypes[k.Type]
	if !ok {
		return s.otherThing(k, written)
	}
	v := k.Normal
	if keepWritten[k.Type] {
		v = observable.Refang(strings.TrimSpace(written))
	}
	t, ok := s.observe(typ, v)
	if !ok && v != k.Normal {
		t, ok = s.observe(typ, k.Normal)
	}
	return t, ok
}

// otherThing handles kinds of which STIX has no observable. What has no object
// at all is kept as MISP's attributes without one are.
func (s *stream) otherThing(k observable.Key, written string) (thing, bool) {
	if k.Type == observable.Technique {
		id := stix.NewID("attack-pattern", s.opt.Seed[:], k.Normal)
		m := fields{
			"type": "attack-pattern", "id": id, "name": k.Normal,
			"external_references": []any{fields{"source_name": "mitre-attack", "external_id": k.Normal}},
		}
		s.dated(m, s.opt.Now)
		return thing{objects: []fields{m}, refs: []string{id}, name: k.Normal}, true
	}
	typ := ""
	switch k.Type {
	case observable.JA3:
		typ = "ja3-fingerprint-md5"
	case observable.JA3S:
		typ = "ja3s-fingerprint-md5"
	case observable.JARM:
		typ = "jarm-fingerprint"
	case observable.Wallet:
		typ = walletType(k.Normal)
	default:
		return thing{}, false
	}
	id := stix.NewID("x-misp-attribute", s.opt.Seed[:], typ+" "+k.Normal)
	m := fields{
		"type": "x-misp-attribute", "id": id, "name": cut(k.Normal, 200),
		"x_misp_type": typ, "x_misp_value": observable.Refang(strings.TrimSpace(written)),
	}
	s.dated(m, s.opt.Now)
	return thing{objects: []fields{m}, refs: []string{id}, name: k.Normal}, true
}

// walletType returns what MISP calls the address of a wallet. It names few
// currencies, so the rest go under the first of them.
func walletType(normal string) string {
	if len(normal) >= 95 && (normal[0] == '4' || normal[0] == '8') {
		return "xmr"
	}
	return "btc"
}

// observe returns what STIX makes of a value of a MISP type.
func (s *stream) observe(typ, value string) (thing, bool) {
	o, ok := misp.Observe(typ, value)
	if !ok {
		return thing{}, false
	}
	t := thing{name: cut(value, 500)}
	if o.PatternType == "stix" {
		t.pattern = o.Pattern
	}
	if o.CVE != "" {
		id := stix.NewID("vulnerability", s.opt.Seed[:], o.CVE)
		m := fields{
			"type": "vulnerability", "id": id, "name": o.CVE,
			"external_references": []any{fields{"source_name": "cve", "external_id": o.CVE}},
		}
		s.dated(m, s.opt.Now)
		t.objects, t.refs = append(t.objects, m), append(t.refs, id)
	}
	for _, x := range o.Objects {
		x.Members["id"] = x.ID
		t.objects, t.refs = append(t.objects, x.Members), append(t.refs, x.ID)
	}
	return t, len(t.refs) > 0 || t.pattern != ""
}

// dated sets created and modified.
func (s *stream) dated(m fields, at time.Time) {
	if at.IsZero() {
		at = s.opt.Now
	}
	m["created"], m["modified"] = stamp(at), stamp(at)
}

// cut shortens s to at most n bytes, at the edge of a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// document queues prose with what it mentions: the values, a note that holds the
// text, and a report over all. refs are further things it is about.
func (s *stream) document(place, title, text string, published time.Time, assumed fields, label *tlp.Label, refs []string) {
	seen := map[string]bool{}
	all := make([]string, 0, len(refs)+8)
	for _, r := range refs {
		if !seen[r] {
			seen[r] = true
			all = append(all, r)
		}
	}
	observable.FromText(text, func(m observable.Mention) {
		if m.Derived {
			return // the host of a URL is found through the URL
		}
		t, ok := s.thing(m.Key, m.Written)
		if !ok {
			return
		}
		for i, r := range t.refs {
			if seen[r] {
				continue
			}
			seen[r] = true
			all = append(all, r)
			s.emit(place, t.objects[i], label)
		}
	})
	title = strings.TrimSpace(cut(strings.TrimSpace(title), 200))
	if title == "" {
		title = "untitled"
	}
	reportID, noteID := s.newID("report", place), s.newID("note", place)
	if published.IsZero() {
		published = s.opt.Now
	}
	if strings.TrimSpace(text) != "" || len(all) == 0 {
		n := fields{"type": "note", "id": noteID, "abstract": title, "content": cut(orElse(text, title), maxContentBytes), "object_refs": []string{reportID}}
		s.dated(n, published)
		s.emit(place, n, label)
		all = append(all, noteID)
	}
	r := fields{
		"type": "report", "id": reportID, "name": title, "published": stamp(published), "report_types": []string{"threat-report"},
		"object_refs": all,
	}
	maps.Copy(r, assumed)
	s.dated(r, published)
	s.emit(place, r, label)
}

// maxContentBytes is how much of a text its note holds; the whole is in the
// original.
const maxContentBytes = 1 << 20

func orElse(s, other string) string {
	if strings.TrimSpace(s) == "" {
		return other
	}
	return s
}
