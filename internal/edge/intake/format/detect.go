package format

import (
	"bytes"
	"encoding/json/jsontext"
	"errors"
	"io"
	"path"
	"regexp"
	"strings"
	"unicode/utf8"

	"casus/internal/core/observable"
	"casus/internal/core/report"
)

// shape tells formats apart that share a name.
type shape uint8

const (
	shapeNone shape = iota
	shapeRows       // lines or list of JSON objects
	shapeKEV        // catalogue of exploited vulnerabilities
	shapeCSAF       // advisory
	shapeList       // one value a line
)

// kind is a format as found; reason is set when it is none that is read.
type kind struct {
	format         report.Format
	shape          shape
	reason, remedy string
}

func isGzip(b []byte) bool { return len(b) > 2 && b[0] == 0x1f && b[1] == 0x8b && b[2] == 8 }
func isZip(b []byte) bool  { return bytes.HasPrefix(b, []byte("PK\x03\x04")) }

// refuse names things that are often given by mistake.
func refuse(head []byte, name string) error {
	switch {
	case bytes.HasPrefix(head, []byte("%PDF")):
		return invalid("a PDF is not read", "copy its text and paste it")
	case bytes.HasPrefix(head, []byte{0xd0, 0xcf, 0x11, 0xe0}):
		return invalid("an old Office or Outlook file is not read", "save it as CSV, text or .eml")
	case path.Base(name) == "[Content_Types].xml":
		return invalid("an Office document is not read", "save it as CSV or text")
	}
	return nil
}

// classify tells the format of unpacked bytes.
func classify(head []byte, name string) kind {
	text, cut, ok := decodeHead(head)
	if !ok {
		return kind{reason: "this is not text in a format that is read", remedy: "give STIX or MISP JSON, CSV, lines of JSON, mail (.eml) or text"}
	}
	ext := strings.ToLower(path.Ext(strings.TrimSuffix(strings.TrimSuffix(name, ".gz"), ".zip")))
	body := strings.TrimLeft(text, " \t\r\n")
	if body == "" {
		return kind{reason: "the file holds nothing but white space", remedy: "check how it was saved or sent, and give it again"}
	}
	if body[0] == '{' || body[0] == '[' {
		if k, ok := classifyJSON(body); ok {
			return k
		}
	}
	if ext == ".eml" || looksLikeMail(body) {
		return kind{format: report.Mail}
	}
	lines := sampleLines(text, cut)
	switch {
	case len(lines) > 0 && feedHash.MatchString(strings.TrimSpace(lines[0])):
		return kind{reason: "this is the table of hashes of a MISP feed, which are not those of files", remedy: "give the event files beside it"}
	case ext == ".csv" || ext == ".tsv":
		return kind{format: report.CSV}
	case looksLikeList(lines):
		return kind{format: report.Text, shape: shapeList}
	case looksLikeTable(lines):
		return kind{format: report.CSV}
	}
	return kind{format: report.Text}
}

// outline is what the first bytes of a JSON document say of it.
type outline struct {
	names  map[string]string // names of the first object seen at each of the outer levels, with short string values
	first  string            // the first name
	list   bool
	nested bool // a list of lists
	broken bool // the JSON stops before the head does
}

// classifyJSON tells JSON formats apart. ok is false when this is no JSON: prose
// may begin with a bracket, too.
func classifyJSON(body string) (k kind, ok bool) {
	o := sketch(body)
	has := func(names ...string) bool {
		for _, n := range names {
			if _, ok := o.names[n]; !ok {
				return false
			}
		}
		return true
	}
	typ, id := o.names["type"], o.names["id"]
	switch {
	case typ == "bundle", has("spec_version", "type"), has("spec_version", "objects"), has("type", "objects"), idForm.MatchString(id):
		return kind{format: report.STIX}, true
	case has("catalogVersion", "vulnerabilities"), has("cveID", "dateAdded"):
		return kind{format: report.Lines, shape: shapeKEV}, true
	case has("document") && (has("csaf_version") || has("tracking")):
		return kind{format: report.Lines, shape: shapeCSAF}, true
	case strings.HasPrefix(o.names["schema"], "attack_flow"):
		return kind{
			reason: "this is a drawing of the Attack Flow builder (.afb), not STIX, and not a format that is read",
			remedy: "open it in the builder and export it as STIX 2.1 JSON",
		}, true
	case has("list", "matching_attributes"), has("list", "description"):
		return kind{reason: "this is a warninglist of MISP, not a report", remedy: "take it in with casus warninglist import"}, true
	case has("authors", "values", "uuid"):
		return kind{reason: "this is a galaxy of MISP, which is background and not a report", remedy: "give events; they bring the galaxy clusters they use"}, true
	case has("namespace", "predicates"):
		return kind{reason: "this is a taxonomy of MISP, not a report", remedy: "give events; they bring the tags they use"}, true
	case has("meta-category", "attributes"):
		return kind{reason: "this is a template of MISP objects, not a report", remedy: "give events"}, true
	case looksLikeUUID(o.first) && !has("Attribute"):
		return kind{reason: "this is the table of contents of a MISP feed, not a report", remedy: "give the event files beside it, or the whole folder"}, true
	case has("Event"), has("response"), has("info", "Attribute"), has("info", "threat_level_id"), has("Attribute"),
		has("event"): // a wrong case is for package misp to refuse
		return kind{format: report.MISP}, true
	case o.broken && len(o.names) == 0:
		return kind{}, false
	case o.nested:
		return kind{reason: "this is JSON of lists within lists, not a format that is read", remedy: "give STIX or MISP JSON, or one object per line"}, true
	}
	return kind{format: report.Lines, shape: shapeRows}, true
}

// sketch reads as much of body as is there. Names are gathered from the first
// object at levels one to three, which is enough to know a bundle by its first
// object when "objects" comes first.
func sketch(body string) outline {
	o := outline{names: map[string]string{}}
	dec := jsontext.NewDecoder(strings.NewReader(body), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	for tokens := range 20_000 {
		tok, err := dec.ReadToken()
		if err != nil {
			o.broken = dec.InputOffset() < int64(len(body)) && !errors.Is(err, io.EOF) && !cutShort(err)
			return o
		}
		depth := dec.StackDepth()
		if depth == 0 {
			return o
		}
		if tokens == 0 {
			o.list = tok.Kind() == '['
			continue
		}
		if tokens == 1 && o.list && tok.Kind() == '[' {
			o.nested = true
			return o
		}
		if depth > 3 {
			continue
		}
		k, i := dec.StackIndex(depth)
		if k != '{' || i%2 == 0 || tok.Kind() != '"' {
			continue
		}
		name := tok.String()
		if o.first == "" {
			o.first = name
		}
		value := ""
		if dec.PeekKind() == '"' {
			v, err := dec.ReadToken()
			if err != nil {
				return o
			}
			if s := v.String(); len(s) <= 120 {
				value = s
			}
		}
		// Outer names win: they come first in the reading.
		if _, ok := o.names[name]; !ok {
			o.names[name] = value
		}
	}
	return o
}

// idForm is an id of STIX.
var idForm = regexp.MustCompile(`^[a-z0-9-]{3,250}--[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

func cutShort(err error) bool { return strings.Contains(err.Error(), "unexpected EOF") }

var uuidForm = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

func looksLikeUUID(s string) bool { return uuidForm.MatchString(s) }

// mailHeaders are fields a mail begins with.
var mailHeaders = map[string]bool{
	"from": true, "to": true, "subject": true, "date": true, "message-id": true, "received": true, "return-path": true,
	"delivered-to": true, "mime-version": true, "content-type": true, "reply-to": true, "cc": true, "dkim-signature": true,
	"x-original-to": true, "x-envelope-from": true, "authentication-results": true, "arc-seal": true, "sender": true,
}

// looksLikeMail reports whether text begins with two or more header fields of a
// mail, folded lines skipped.
func looksLikeMail(text string) bool {
	known := 0
	for range 60 {
		line, rest, _ := strings.Cut(text, "\n")
		text = rest
		line = strings.TrimRight(line, "\r")
		if line == "" {
			break
		}
		if line[0] == ' ' || line[0] == '\t' {
			continue
		}
		name, _, ok := strings.Cut(line, ":")
		if !ok || strings.ContainsAny(name, " \t") {
			break
		}
		if mailHeaders[strings.ToLower(name)] {
			known++
		}
	}
	return known >= 2
}

// sampleLines returns the first lines that say something, at most 50; a last
// line that the end of the sample cuts is left out.
func sampleLines(text string, cut bool) []string {
	var out []string
	for text != "" && len(out) < 50 {
		line, rest, found := strings.Cut(text, "\n")
		if !found && cut {
			break
		}
		text = rest
		line = strings.TrimRight(line, "\r")
		if t := strings.TrimSpace(line); t != "" && !isComment(t) {
			out = append(out, line)
		}
	}
	return out
}

// feedHash is a line of hashes.csv in a MISP feed: the MD5 of a value and the
// UUID of an event.
var feedHash = regexp.MustCompile(`^[0-9a-f]{32},[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// isComment reports whether a line of a list or table is a remark; "sep=;" is
// one of spreadsheets.
func isComment(line string) bool {
	return len(line) == 5 && strings.HasPrefix(line, "sep=") || strings.HasPrefix(line, "#") || strings.HasPrefix(line, "//") || strings.HasPrefix(line, ";")
}

// looksLikeList reports whether nearly every line is one value and nothing else.
func looksLikeList(lines []string) bool {
	if len(lines) < 2 {
		return false
	}
	n := 0
	for _, l := range lines {
		if _, ok := lineValue(l); ok {
			n++
		}
	}
	return n*10 >= len(lines)*9
}

// lineValue returns the value a line of a list holds. What follows it behind
// white space is a count or remark, as long as the value stands first.
func lineValue(line string) (observable.Key, bool) {
	line = strings.TrimSpace(line)
	if line == "" || strings.ContainsAny(line, ",;") {
		return observable.Key{}, false
	}
	first, rest, more := cutSpace(line)
	if more && !isRemark(rest) {
		return observable.Key{}, false
	}
	return telling(first)
}

func cutSpace(s string) (first, rest string, more bool) {
	i := strings.IndexAny(s, " \t")
	if i < 0 {
		return s, "", false
	}
	return s[:i], strings.TrimSpace(s[i:]), true
}

// isRemark reports whether what follows a value is a number or a remark.
func isRemark(s string) bool {
	return s == "" || isComment(s) || strings.Trim(s, "0123456789") == ""
}

// looksLikeTable reports whether all lines have the same number of columns.
func looksLikeTable(lines []string) bool {
	if len(lines) < 2 {
		return false
	}
	d := delimiter(lines)
	want := 0
	for i, l := range lines {
		n := len(splitRow(l, d))
		if i == 0 {
			want = n
		}
		if n != want {
			return false
		}
	}
	if want < 2 {
		return false
	}
	// Prose may have a comma a line; a table has a heading that is known, or
	// values in most rows.
	if heading(splitRow(lines[0], d)) {
		return true
	}
	n := 0
	for _, l := range lines {
		for _, cell := range splitRow(l, d) {
			if _, ok := telling(strings.TrimSpace(cell)); ok {
				n++
				break
			}
		}
	}
	return n*10 >= len(lines)*8
}

// decodeHead returns head as text. cut says that more may follow; ok is false
// for what is not text.
func decodeHead(head []byte) (text string, cut, ok bool) {
	cut = len(head) >= headBytes
	enc := encodingOf(head)
	b := head
	if enc != utf8Plain {
		b = decodeAll(head, enc)
	}
	if bytes.IndexByte(b, 0) >= 0 {
		return "", cut, false
	}
	control := 0
	for _, c := range b {
		if c < 0x20 && c != '\n' && c != '\r' && c != '\t' && c != '\f' && c != 0x1b {
			control++
		}
	}
	if control > len(b)/100 {
		return "", cut, false
	}
	if !utf8.Valid(b) {
		b = bytes.ToValidUTF8(b, []byte("\ufffd"))
	}
	return string(b), cut, true
}
