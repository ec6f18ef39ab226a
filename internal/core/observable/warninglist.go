package observable

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"unicode/utf8"

	"casus/internal/fault"
)

const (
	// DefaultListBytes is the size of the largest warning list read when the
	// caller gives no limit.
	DefaultListBytes = 64 << 20

	maxRegexes         = 1_000    // in one list
	maxRegexBytes      = 16 << 10 // of one expression
	maxRegexValueBytes = 8 << 10  // longer values are not tried against expressions and pieces
)

// regex is an expression that makes a value common.
type regex struct {
	re    *regexp.Regexp
	entry int32
}

// List is a list of common values in MISP's warning list form.
type List struct {
	Name        string
	Description string
	Version     string // as written, usually a date as a number
	Kind        string // cidr, string, substring, hostname, regex
	Entries     int    // entries taken
	Skipped     int    // entries that are empty or no addresses though they should be

	types   typeSet
	exact   []string
	hosts   []string
	parts   []string
	ranges  []Key
	regexes []*regexp.Regexp
}

// ReadList reads a list in MISP's warning list form: a JSON object with name,
// type, list and matching_attributes. limit bounds the bytes read; zero means
// [DefaultListBytes].
//
// The types cidr, string, substring, hostname and regex are known. A hostname
// stands for itself and all names below it; so does an entry of a string list
// that begins with a full stop, which could match nothing otherwise. Regular
// expressions must be RE2's: those that look around or refer back are refused,
// since they can take time without bound. Errors are [fault.Invalid], or
// [fault.Unavailable] where r fails.
func ReadList(r io.Reader, limit int64) (*List, error) {
	if limit <= 0 {
		limit = DefaultListBytes
	}
	raw, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fault.Errorf(fault.Unavailable, "observable: warning list: %w", err)
	}
	if int64(len(raw)) > limit {
		return nil, fault.Errorf(fault.Invalid, "observable: warning list: longer than %d bytes", limit)
	}
	var doc struct {
		Name        string   `json:"name"`
		Description string   `json:"description"`
		Version     any      `json:"version"`
		Type        string   `json:"type"`
		List        []string `json:"list"`
		Matching    []string `json:"matching_attributes"`
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, fault.WithHint(fault.Errorf(fault.Invalid, "observable: warning list: %s", unlisted(err)),
			"a warning list is a JSON object with name, type, list and matching_attributes")
	}
	if doc.Name == "" {
		return nil, fault.Errorf(fault.Invalid, "observable: warning list: no name")
	}
	l := &List{Name: doc.Name, Description: doc.Description, Kind: doc.Type, Version: versionText(doc.Version)}
	l.types = matchingTypes(doc.Matching)
	for i, v := range doc.List {
		if err := l.add(v); err != nil {
			return nil, fault.Errorf(fault.Invalid, "observable: warning list %q: entry %d: %w", clip(doc.Name), i+1, err)
		}
	}
	return l, nil
}

// unlisted says what is wrong with the JSON of a list. The decoder's own words
// differ from run to run.
func unlisted(err error) string {
	if e, ok := errors.AsType[*json.SemanticError](err); ok && e.JSONPointer != "" {
		return fmt.Sprintf("the value at %s is not of the kind it should be", clip(string(e.JSONPointer)))
	}
	e, ok := errors.AsType[*jsontext.SyntacticError](err)
	switch {
	case ok && errors.Is(err, jsontext.ErrDuplicateName):
		return "the member " + strconv.Quote(clip(e.JSONPointer.LastToken())) + " stands twice: a duplicate name"
	case ok:
		return fmt.Sprintf("the JSON is broken at byte %d", e.ByteOffset)
	}
	return "it is no JSON object"
}

func versionText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}

// add takes one entry.
func (l *List) add(v string) error {
	v = strings.TrimSpace(v)
	if v == "" || len(v) > MaxValueBytes {
		l.Skipped++
		return nil
	}
	switch l.Kind {
	case "cidr":
		k, err := normalIP(CIDR, v)
		if err != nil {
			l.Skipped++
			return nil
		}
		l.ranges = append(l.ranges, k)
	case "string":
		l.addString(v)
	case "hostname":
		d, err := normalDomain(strings.TrimLeft(v, "."))
		if err != nil {
			if k, err := normalIP(IPv4, v); err == nil {
				l.ranges = append(l.ranges, k)
				break
			}
			l.Skipped++
			return nil
		}
		l.hosts = append(l.hosts, d.Normal)
	case "substring":
		l.parts = append(l.parts, lower(v))
	case "regex":
		if len(l.regexes) >= maxRegexes {
			return errors.New("more than 1,000 regular expressions")
		}
		re, err := compile(v)
		if err != nil {
			return err
		}
		l.regexes = append(l.regexes, re)
	default:
		return errors.New("the type of the list is " + strconv.Quote(clip(l.Kind)) + ", not cidr, string, substring, hostname or regex")
	}
	l.Entries++
	return nil
}

// addString takes an entry of a list of whole values, in the normal form of
// the types the list is about.
func (l *List) addString(v string) {
	if v[0] == '.' && l.types.has(Domain) {
		if d, err := normalDomain(strings.TrimLeft(v, ".")); err == nil {
			l.hosts = append(l.hosts, d.Normal)
			return
		}
	}
	if k, err := normalIP(IPv4, v); err == nil {
		l.ranges = append(l.ranges, k)
		return
	}
	if l.types.has(Domain) {
		if d, err := normalDomain(v); err == nil {
			l.exact = append(l.exact, d.Normal)
			return
		}
	}
	if l.types.has(URL) && strings.IndexByte(v, '/') > 0 {
		if k, err := normalURL(v); err == nil {
			l.exact = append(l.exact, k.Normal)
			return
		}
	}
	low := lower(v)
	l.exact = append(l.exact, low)
	if low != v && utf8.ValidString(v) {
		l.exact = append(l.exact, v)
	}
}

// compile takes an expression as PHP writes it, /…/i, or bare.
func compile(v string) (*regexp.Regexp, error) {
	if len(v) > maxRegexBytes {
		return nil, errors.New("a regular expression longer than 16 KiB")
	}
	expr, flags := v, ""
	if c := v[0]; len(v) > 2 && (c == '/' || c == '#' || c == '~' || c == '!') {
		if i := strings.LastIndexByte(v, c); i > 0 && onlyFlags(v[i+1:]) {
			expr = strings.ReplaceAll(v[1:i], `\`+string(c), string(c))
			for _, f := range v[i+1:] {
				if strings.ContainsRune("ims", f) {
					flags += string(f)
				}
			}
		}
	}
	if flags != "" {
		expr = "(?" + flags + ")" + expr
	}
	re, err := regexp.Compile(expr)
	if err == nil {
		return re, nil
	}
	for _, look := range []string{"(?=", "(?!", "(?<=", "(?<!", "(?>"} {
		if strings.Contains(expr, look) {
			return nil, errors.New("the regular expression " + strconv.Quote(clip(v)) + " looks around (" + look +
				"…), which is not supported because its time has no bound; write it without")
		}
	}
	if se, ok := errors.AsType[*syntax.Error](err); ok {
		return nil, errors.New("the regular expression " + strconv.Quote(clip(v)) + " cannot be read: " + se.Code.String())
	}
	return nil, errors.New("the regular expression " + strconv.Quote(clip(v)) + " cannot be read")
}

// onlyFlags reports whether s holds nothing but the flags of an expression.
func onlyFlags(s string) bool {
	for i := 0; i < len(s); i++ {
		if strings.IndexByte("imsuxADSUXJ", s[i]) < 0 {
			return false
		}
	}
	return true
}

// matchingTypes returns the types for MISP's kinds of attribute; without any
// named, all.
func matchingTypes(attributes []string) typeSet {
	if len(attributes) == 0 {
		return anyType
	}
	var s typeSet
	for _, a := range attributes {
		s |= attributeTypes(a)
	}
	return s
}

func attributeTypes(a string) typeSet {
	if i := strings.IndexByte(a, '|'); i > 0 {
		return attributeTypes(a[:i]) | attributeTypes(a[i+1:])
	}
	switch a {
	case "ip-src", "ip-dst", "ip":
		return setOf(IPv4, IPv6, CIDR)
	case "domain", "hostname":
		return setOf(Domain)
	case "url", "uri", "link":
		return setOf(URL)
	case "filename", "attachment", "malware-sample":
		return setOf(FileName, Path)
	case "user-agent", "http-user-agent":
		return setOf(UserAgent)
	case "AS":
		return setOf(ASN)
	case "mac-address", "mac-eui-64":
		return setOf(MAC)
	case "regkey":
		return setOf(RegKey)
	case "vulnerability":
		return setOf(CVE)
	case "btc", "xmr", "dash":
		return setOf(Wallet)
	case "ja3-fingerprint-md5":
		return setOf(JA3, JA3S)
	case "mutex":
		return setOf(Mutex)
	case "port":
		return setOf(Port)
	}
	if t, ok := HashType(a); ok {
		return setOf(t)
	}
	if strings.HasPrefix(a, "email") || strings.HasSuffix(a, "email") || a == "eppn" {
		if a == "email-subject" {
			return setOf(Subject)
		}
		return setOf(Email)
	}
	return 0
}
