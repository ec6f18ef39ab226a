package format

import (
	"io"
	"slices"
	"strconv"
	"strings"

	"casus/internal/core/observable"
	"casus/stix"
	"casus/tlp"
)

// The fields a column can be, beside those that hold a value of one kind; see
// [report.Fields].
const (
	fieldValue     = "value"      // a value of any kind, told by its form or by the type
	fieldType      = "type"       // the kind of value
	fieldComment   = "comment"    // words about it
	fieldName      = "name"       // a short name, put before the comment
	fieldFirst     = "first_seen" // a time
	fieldLast      = "last_seen"  // a time
	fieldTLP       = "tlp"        // a label
	fieldTags      = "tags"       // words, parted by comma, semicolon or bar
	fieldReference = "reference"  // a link to more
	fieldDetect    = "detect"     // 1, true or yes: meant for detection
	fieldIgnore    = "ignore"
)

// typed are the fields that hold a value of one kind; the MISP type of each.
var typed = map[string]string{
	"ip": "ip-dst", "domain": "domain", "hostname": "hostname", "url": "url", "email": "email", "md5": "md5", "sha1": "sha1",
	"sha256": "sha256", "sha512": "sha512", "ssdeep": "ssdeep", "tlsh": "tlsh", "imphash": "imphash", "filename": "filename",
	"cve": "vulnerability", "asn": "AS", "mac": "mac-address", "mutex": "mutex", "regkey": "regkey", "user_agent": "user-agent",
}

// custom are the fields that hold a value of a kind of which STIX has no
// object.
var custom = map[string]observable.Type{
	"ja3": observable.JA3, "ja3s": observable.JA3S, "jarm": observable.JARM, "wallet": observable.Wallet,
}

// holdsValue reports whether a field holds values.
func holdsValue(f string) bool { return f == fieldValue || typed[f] != "" || custom[f] != "" }

// columnNames are what the columns of tables in the field are called, written as
// [plainName] gives them.
var columnNames = map[string]string{
	"value": fieldValue, "ioc": fieldValue, "indicator": fieldValue, "iocvalue": fieldValue, "indicatorvalue": fieldValue, "observable": fieldValue,
	"observablevalue": fieldValue, "artifact": fieldValue, "data": fieldValue,
	"type": fieldType, "ioctype": fieldType, "indicatortype": fieldType, "datatype": fieldType, "observabletype": fieldType, "kind": fieldType,
	"comment": fieldComment, "comments": fieldComment, "description": fieldComment, "note": fieldComment, "notes": fieldComment, "context": fieldComment,
	"threat": fieldComment, "threattype": fieldComment, "malware": fieldComment, "malwareprintable": fieldComment, "family": fieldComment, "details": fieldComment,
	"name": fieldName, "title": fieldName,
	"firstseen": fieldFirst, "firstseenutc": fieldFirst, "date": fieldFirst, "time": fieldFirst, "timestamp": fieldFirst, "datetime": fieldFirst,
	"created": fieldFirst, "dateadded": fieldFirst, "seen": fieldFirst, "observed": fieldFirst, "validfrom": fieldFirst,
	"lastseen": fieldLast, "lastseenutc": fieldLast, "lastonline": fieldLast, "updated": fieldLast,
	"tlp": fieldTLP, "marking": fieldTLP,
	"tags": fieldTags, "tag": fieldTags, "labels": fieldTags, "label": fieldTags,
	"reference": fieldReference, "references": fieldReference, "link": fieldReference, "sourceurl": fieldReference,
	"toids": fieldDetect, "detect": fieldDetect, "block": fieldDetect,
	"ip": "ip", "ipaddress": "ip", "ipv4": "ip", "ipv6": "ip", "srcip": "ip", "dstip": "ip", "sourceip": "ip", "destinationip": "ip", "address": "ip",
	"domain": "domain", "domainname": "domain", "fqdn": "domain", "hostname": "hostname", "host": "hostname",
	"url": "url", "uri": "url", "email": "email", "mail": "email", "emailaddress": "email", "sender": "email",
	"md5": "md5", "md5hash": "md5", "sha1": "sha1", "sha1hash": "sha1", "sha256": "sha256", "sha256hash": "sha256", "sha512": "sha512", "ssdeep": "ssdeep",
	"tlsh": "tlsh", "imphash": "imphash", "hash": fieldValue, "filehash": fieldValue, "filename": "filename", "file": "filename",
	"cve": "cve", "cveid": "cve", "vulnerability": "cve", "asn": "asn", "as": "asn", "mac": "mac", "macaddress": "mac", "mutex": "mutex",
	"regkey": "regkey", "registrykey": "regkey", "useragent": "user_agent",
	"ja3": "ja3", "ja3fingerprint": "ja3", "ja3fingerprintmd5": "ja3", "ja3hash": "ja3", "ja3s": "ja3s", "ja3sfingerprintmd5": "ja3s",
	"jarm": "jarm", "jarmfingerprint": "jarm", "wallet": "wallet", "btc": "wallet", "xmr": "wallet", "bitcoin": "wallet", "cryptocurrencywallet": "wallet",
}

// plainName strips a column name of what people write differently.
func plainName(s string) string {
	return nameFiller.Replace(strings.ToLower(strings.TrimSpace(s)))
}

var nameFiller = strings.NewReplacer(" ", "", "_", "", "-", "", ".", "", "\"", "", "#", "", "(", "", ")", "")

// heading reports whether the cells are the names of columns: one of them holds
// values, and none is a value itself.
func heading(cells []string) bool {
	known := false
	for _, c := range cells {
		f := columnNames[plainName(c)]
		known = known || holdsValue(f)
		if _, ok := telling(c); ok {
			return false
		}
	}
	return known
}

// row is one line of a table, in whatever way it came.
type row struct {
	place string // "line 12"
	cells []cell
	raw   []byte
}

// cell is one column of a row: what the column is called and what stands in it.
type cell struct{ column, text string }

// table turns rows into objects.
type table struct {
	byName map[string]string // column to field; nil when columns have no names
	good   int               // rows read
	bad    int               // rows set aside
}

// hopeless is how many rows may be bad, without a good one, before the rest is
// set aside as one piece.
const hopeless = 1000

// newTable settles what the columns are. No names at all means a table without
// a heading.
func newTable(names []string, saved map[string]string) (*table, error) {
	t := &table{}
	if len(names) == 0 {
		return t, nil
	}
	t.byName = map[string]string{}
	if saved != nil {
		for column, f := range saved {
			if !slices.Contains(names, column) {
				return nil, invalid("the table has no column "+strconv.Quote(cut(column, 60))+", which the column map names",
					"give a map that fits; the columns are "+cut(strings.Join(names, ", "), 300))
			}
			t.byName[column] = f
		}
		return t, nil
	}
	for _, n := range names {
		if f := columnNames[plainName(n)]; f != "" {
			t.byName[n] = f
		}
	}
	return t, nil
}

// holds reports whether any column holds values.
func (t *table) holds() bool {
	if t.byName == nil {
		return true
	}
	for _, f := range t.byName {
		if holdsValue(f) {
			return true
		}
	}
	return false
}

// said is what a row says.
type said struct {
	values      []thing
	first, last instant
	label       *tlp.Label
	tags        []string
	comment     []string
	reference   []string
	detect      bool
	typ         string
}

// refusal is why a row is set aside.
type refusal struct{ column, reason, remedy string }

// add turns a row into objects or a problem. It returns io.EOF when there is no
// point in going on.
func (t *table) add(s *stream, r row) error {
	v, no := t.read(s, r)
	if no != nil {
		return t.aside(s, r.place, r.raw, no)
	}
	t.good++
	t.write(s, r, v)
	return nil
}

// aside sets a row aside. After many, without one that could be read, it sets
// the rest aside as one piece and returns io.EOF.
func (t *table) aside(s *stream, place string, raw []byte, no *refusal) error {
	t.bad++
	at := place
	if no.column != "" {
		at += ", column " + no.column
	}
	s.problem(stix.Problem{Place: at, Reason: no.reason, Remedy: no.remedy, Raw: raw})
	if t.good > 0 || t.bad < hopeless {
		return nil
	}
	s.problem(stix.Problem{
		Place:  "from " + place + " to the end",
		Reason: "not one of the first " + strconv.Itoa(hopeless) + " rows could be read, so the rest was not tried",
		Remedy: "check the format, or give a map of the columns",
	})
	return io.EOF
}

// read takes a row apart.
func (t *table) read(s *stream, r row) (said, *refusal) {
	var v said
	field := func(c cell) string {
		if t.byName == nil {
			return ""
		}
		return t.byName[c.column]
	}
	for _, c := range r.cells {
		if field(c) == fieldType {
			v.typ = strings.TrimSpace(c.text)
		}
	}
	for i, c := range r.cells {
		text := strings.TrimSpace(c.text)
		if text == "" || isNull(text) {
			continue
		}
		column := c.column
		if column == "" {
			column = strconv.Itoa(i + 1)
		}
		var no *refusal
		if t.byName == nil {
			t.unnamed(s, &v, text)
			continue
		}
		switch f := field(c); f {
		case fieldValue:
			no = v.value(s, text)
		case fieldFirst:
			v.first, no = readTime(s, text)
		case fieldLast:
			v.last, no = readTime(s, text)
		case fieldTLP:
			no = v.tlp(text)
		case fieldTags:
			v.tags = append(v.tags, splitTags(text)...)
		case fieldComment:
			v.comment = append(v.comment, text)
		case fieldName:
			v.comment = append([]string{text}, v.comment...)
		case fieldReference:
			if strings.HasPrefix(text, "http") {
				v.reference = append(v.reference, text)
			}
		case fieldDetect:
			v.detect = isTrue(text)
		case fieldType, fieldIgnore, "":
		default:
			th, ok := s.field(f, observable.Refang(text))
			if !ok {
				no = &refusal{"", strconv.Quote(cut(text, 80)) + " is no " + f, "correct the value, or map the column to another field"}
			} else {
				v.values = append(v.values, th)
			}
		}
		if no != nil {
			no.column = column
			return v, no
		}
	}
	if len(v.values) == 0 {
		return v, &refusal{"", "the row holds no value that is known by its form", "check the row, or map the column that holds the values"}
	}
	return v, nil
}

// field returns what STIX makes of a value in a field of one kind.
func (s *stream) field(f, text string) (thing, bool) {
	if t := custom[f]; t != "" {
		k, err := observable.Normal(t, text)
		if err != nil {
			return thing{}, false
		}
		return s.otherThing(k, text)
	}
	return s.observe(typed[f], text)
}

// unnamed reads a cell of a table without a heading.
func (t *table) unnamed(s *stream, v *said, text string) {
	if k, ok := telling(text); ok {
		if th, ok := s.thing(k, text); ok {
			v.values = append(v.values, th)
			return
		}
	}
	if in, ok := parseTime(text, s.opt.Zone); ok && len(text) >= 8 && v.first.time.IsZero() {
		v.first = in
		return
	}
	if l, ok := tlp.Parse(text); ok && strings.HasPrefix(strings.ToUpper(text), "TLP:") {
		v.label = &l
		return
	}
	if strings.Trim(text, "0123456789.") != "" {
		v.comment = append(v.comment, text)
	}
}

// value reads a value by the type the row gives, else by its form.
func (v *said) value(s *stream, text string) *refusal {
	text = observable.Refang(text)
	if f := columnNames[plainName(v.typ)]; custom[f] != "" {
		if th, ok := s.field(f, text); ok {
			v.values = append(v.values, th)
			return nil
		}
	} else if typ, ok := mispName(v.typ); ok {
		if th, ok := s.observe(typ, text); ok {
			v.values = append(v.values, th)
			return nil
		}
	}
	for _, k := range observable.Parse(text) {
		if th, ok := s.thing(k, text); ok {
			v.values = append(v.values, th)
			return nil
		}
	}
	reason := strconv.Quote(cut(text, 80)) + " is not a value of a known form"
	if v.typ != "" {
		reason += " (type " + strconv.Quote(cut(v.typ, 40)) + ")"
	}
	return &refusal{"", reason, "correct the value, or name its type in a column type"}
}

// mispName returns the MISP type for a type as tables name it.
func mispName(typ string) (string, bool) {
	typ = strings.ToLower(strings.TrimSpace(typ))
	if typ == "" {
		return "", false
	}
	if f := columnNames[plainName(typ)]; typed[f] != "" {
		return typed[f], true
	}
	switch plainName(typ) {
	case "ipport", "ip:port":
		return "ip-dst|port", true
	case "ipv4addr", "ipv6addr", "cidr":
		return "ip-dst", true
	case "emailaddr":
		return "email", true
	case "filehashmd5":
		return "md5", true
	case "filehashsha1":
		return "sha1", true
	case "filehashsha256":
		return "sha256", true
	}
	return typ, true
}

func (v *said) tlp(text string) *refusal {
	l, ok := tlp.Parse(text)
	if !ok {
		return &refusal{"", strconv.Quote(cut(text, 40)) + " is no label of TLP", "write red, amber+strict, amber, green or clear"}
	}
	if v.label != nil {
		l = tlp.Most(l, *v.label)
	}
	v.label = &l
	return nil
}

func readTime(s *stream, text string) (instant, *refusal) {
	in, ok := parseTime(text, s.opt.Zone)
	if !ok {
		return in, &refusal{"", "the time " + strconv.Quote(cut(text, 60)) + " cannot be read without guessing", "write times as 2026-03-04T05:06:07Z"}
	}
	return in, nil
}

func isTrue(s string) bool {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "1", "true", "yes", "y":
		return true
	}
	return false
}

func isNull(s string) bool {
	switch strings.ToLower(s) {
	case "-", "null", "none", "n/a", "nan":
		return true
	}
	return false
}

func splitTags(s string) []string {
	var out []string
	for _, t := range strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ';' || r == '|' }) {
		if t = strings.TrimSpace(t); t != "" && !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	return out
}

// write queues the objects of a row: the values, and, if the row says more than
// the values, an indicator, observed data or a note that says it.
func (t *table) write(s *stream, r row, v said) {
	var refs []string
	var patterns []string
	name := ""
	for _, th := range v.values {
		for _, o := range th.objects {
			s.emit(r.place, o, v.label)
		}
		for _, ref := range th.refs {
			if !slices.Contains(refs, ref) {
				refs = append(refs, ref)
			}
		}
		if th.pattern != "" {
			patterns = append(patterns, th.pattern)
		}
		if name == "" {
			name = th.name
		}
	}
	detect := v.detect || len(refs) == 0
	if !detect && v.first.time.IsZero() && v.last.time.IsZero() && len(v.comment)+len(v.tags)+len(v.reference) == 0 {
		return
	}
	first := v.first
	if first.time.IsZero() {
		first = v.last
	}
	if first.time.IsZero() {
		first.time, first.receipt = s.opt.Now, true
	}
	if detect && len(patterns) > 0 {
		m := t.common(s, v, first)
		m["type"], m["id"] = "indicator", s.newID("indicator", r.place)
		m["name"], m["pattern"], m["pattern_type"], m["valid_from"] = name, strings.Join(patterns, " OR "), "stix", stamp(first.time)
		if c := strings.Join(v.comment, "\n"); c != "" {
			m["description"] = c
		}
		s.emit(r.place, m, v.label)
		return
	}
	t.seen(s, r, v, first, name, refs)
}

// common returns what everything that a row says has.
func (t *table) common(s *stream, v said, first instant) fields {
	m := fields{}
	s.dated(m, first.time)
	first.mark(m, s.opt.Zone)
	if len(v.tags) > 0 {
		m["labels"] = v.tags
	}
	if len(v.reference) > 0 {
		var list []any
		for _, u := range v.reference {
			list = append(list, fields{"source_name": "reference", "url": u})
		}
		m["external_references"] = list
	}
	return m
}

// seen queues what says that the values of a row were seen: observed data for
// observables, and a note for what cannot be observed, such as a vulnerability.
func (t *table) seen(s *stream, r row, v said, first instant, name string, refs []string) {
	comment := strings.Join(v.comment, "\n")
	var observed []string
	for _, ref := range refs {
		typ, _, _ := strings.Cut(ref, "--")
		if stix.ClassOf(typ) == stix.ClassSCO {
			observed = append(observed, ref)
		}
	}
	if len(observed) < len(refs) {
		m := t.common(s, v, first)
		m["type"], m["id"], m["object_refs"] = "note", s.newID("note", r.place), refs
		m["content"] = orElse(comment, name)
		s.emit(r.place, m, v.label)
	}
	if len(observed) == 0 {
		return
	}
	last := v.last.time
	if last.Before(first.time) {
		last = first.time
	}
	m := t.common(s, v, first)
	m["type"], m["id"], m["object_refs"], m["number_observed"] = "observed-data", s.newID("observed-data", r.place), observed, 1
	m["first_observed"], m["last_observed"] = stamp(first.time), stamp(last)
	if comment != "" {
		m["x_casus_comment"] = comment
	}
	s.emit(r.place, m, v.label)
}
