package misp

import (
	"encoding/json/v2"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Observation is what STIX says of one value of a MISP type.
type Observation struct {
	// Objects are cyber-observable objects (and, for a CVE, none); each has an
	// id that depends on its content alone.
	Objects []Observable
	// Pattern is a STIX pattern that matches the value, "" if there is none.
	Pattern string
	// PatternType is "stix", or the language of a value that is itself a rule.
	PatternType string
	// CVE is set when the value names a vulnerability.
	CVE string
}

// Observable is one cyber-observable object.
type Observable struct {
	ID   string
	Type string
	// Members are its members without id, spec_version and markings.
	Members map[string]any
}

type fields = map[string]any

// Observe says what STIX makes of value, of MISP type typ. ok is false when
// STIX has no object for that type, or when the value is not of the form its
// type demands.
//
// Source: misp-core §2.4.2 (types); stix-2.1 §6.
func Observe(typ, value string) (o Observation, ok bool) {
	value = strings.TrimSpace(value)
	typ = strings.ToLower(strings.TrimSpace(typ))
	if value == "" || !utf8.ValidString(value) || strings.ContainsRune(value, 0) {
		return o, false
	}
	o.PatternType = "stix"
	switch {
	case addressTypes[typ]:
		ok = o.address(value)
	case emailTypes[typ]:
		ok = o.email(value)
	case hashNames[typ] != "":
		ok = o.file("", typ, value)
	case strings.HasPrefix(typ, "filename|"):
		name, hash, _ := strings.Cut(value, "|")
		ok = o.file(name, typ[len("filename|"):], hash)
	case ruleLanguages[typ] != "":
		o.Pattern, o.PatternType, ok = value, ruleLanguages[typ], true
	default:
		if f := observers[typ]; f != nil {
			ok = f(&o, value)
		}
	}
	return o, ok
}

// observers maps the remaining types to what reads them.
var observers = map[string]func(*Observation, string) bool{
	"ip-src|port":             (*Observation).source,
	"ip-dst|port":             (*Observation).destination,
	"hostname|port":           (*Observation).destination,
	"domain":                  (*Observation).domain,
	"hostname":                (*Observation).domain,
	"onion-address":           (*Observation).domain,
	"domain|ip":               (*Observation).domainIP,
	"url":                     (*Observation).url,
	"uri":                     (*Observation).url,
	"filename":                (*Observation).filename,
	"email-attachment":        (*Observation).filename,
	"attachment":              (*Observation).filename,
	"malware-sample":          (*Observation).sample,
	"mac-address":             (*Observation).mac,
	"as":                      (*Observation).asn,
	"mutex":                   (*Observation).mutex,
	"regkey":                  (*Observation).regkey,
	"regkey|value":            (*Observation).regvalue,
	"user-agent":              (*Observation).userAgent,
	"vulnerability":           (*Observation).vulnerability,
	"email-subject":           (*Observation).subject,
	"x509-fingerprint-md5":    func(o *Observation, v string) bool { return o.certificate("md5", v) },
	"x509-fingerprint-sha1":   func(o *Observation, v string) bool { return o.certificate("sha1", v) },
	"x509-fingerprint-sha256": func(o *Observation, v string) bool { return o.certificate("sha256", v) },
}

var addressTypes = map[string]bool{"ip-src": true, "ip-dst": true, "ip": true}

var emailTypes = map[string]bool{
	"email": true, "email-src": true, "email-dst": true, "email-reply-to": true, "target-email": true,
	"whois-registrant-email": true, "dns-soa-email": true, "eppn": true,
}

var ruleLanguages = map[string]string{
	"yara": "yara", "snort": "snort", "suricata": "suricata", "sigma": "sigma", "stix2-pattern": "stix",
}

// hashNames maps MISP's hash types to the keys of a hashes dictionary.
//
// Source: stix-2.1 §10.7 (hash-algorithm-ov); the others keep MISP's name.
var hashNames = map[string]string{
	"md5": "MD5", "sha1": "SHA-1", "sha256": "SHA-256", "sha512": "SHA-512", "sha3-256": "SHA3-256", "sha3-512": "SHA3-512",
	"ssdeep": "SSDEEP", "tlsh": "TLSH", "sha224": "SHA-224", "sha384": "SHA-384", "sha512/224": "SHA-512-224",
	"sha512/256": "SHA-512-256", "sha3-224": "SHA3-224", "sha3-384": "SHA3-384", "authentihash": "AUTHENTIHASH",
	"vhash": "VHASH", "imphash": "IMPHASH", "impfuzzy": "IMPFUZZY", "telfhash": "TELFHASH", "pehash": "PEHASH", "cdhash": "CDHASH",
}

// hexDigits is the length of the hashes whose length is fixed.
var hexDigits = map[string]int{
	"MD5": 32, "SHA-1": 40, "SHA-256": 64, "SHA-512": 128, "SHA3-256": 64, "SHA3-512": 128, "SHA-224": 56, "SHA-384": 96,
	"SHA-512-224": 56, "SHA-512-256": 64, "SHA3-224": 56, "SHA3-384": 96, "AUTHENTIHASH": 64, "IMPHASH": 32, "PEHASH": 40,
}

// hash returns the dictionary key and normal form of a hash.
func hash(typ, value string) (key, normal string, ok bool) {
	value = strings.TrimSpace(value)
	key = hashNames[typ]
	if key == "" || value == "" {
		return "", "", false
	}
	n, fixed := hexDigits[key]
	if !fixed {
		return key, value, true
	}
	if len(value) != n || strings.Trim(value, "0123456789abcdefABCDEF") != "" {
		return "", "", false
	}
	return key, strings.ToLower(value), true
}

// Escape writes s as the inside of a string literal of a STIX pattern.
//
// Source: stix-2.1 §9.3 (StringLiteral: \' and \\ alone are escapes).
func Escape(s string) string { return patternEscapes.Replace(s) }

var patternEscapes = strings.NewReplacer(`\`, `\\`, `'`, `\'`)

// equal writes one comparison.
func equal(path, value string) string { return path + " = '" + Escape(value) + "'" }

// add appends an object and returns its id. What other objects refer to must be
// added before them.
func (o *Observation) add(typ string, m fields) string {
	m["type"] = typ
	id := scoID(m)
	for _, have := range o.Objects {
		if have.ID == id {
			return id
		}
	}
	o.Objects = append(o.Objects, Observable{ID: id, Type: typ, Members: m})
	return id
}

// ip returns the object type and normal form of an address or block.
func ip(value string) (typ, normal string, ok bool) {
	value = strings.TrimSpace(value)
	if p, err := netip.ParsePrefix(value); err == nil {
		if p.Addr().Is4() {
			return "ipv4-addr", p.String(), true
		}
		return "ipv6-addr", p.String(), true
	}
	a, err := netip.ParseAddr(strings.Trim(value, "[]"))
	if err != nil || a.Zone() != "" {
		return "", "", false
	}
	if a = a.Unmap(); a.Is4() {
		return "ipv4-addr", a.String(), true
	}
	return "ipv6-addr", a.String(), true
}

func (o *Observation) address(value string) bool {
	typ, v, ok := ip(value)
	if ok {
		o.add(typ, fields{"value": v})
		o.Pattern = "[" + equal(typ+":value", v) + "]"
	}
	return ok
}

// host adds a host name or address and returns its id, type and value.
func (o *Observation) host(value string) (id, typ, v string, ok bool) {
	if typ, v, ok = ip(value); ok {
		return o.add(typ, fields{"value": v}), typ, v, true
	}
	if v, ok = domainName(value); ok {
		return o.add("domain-name", fields{"value": v}), "domain-name", v, true
	}
	return "", "", "", false
}

// domainName returns the normal form of a domain name. It is lenient about what
// names the field holds (underscores, single labels) but not about spaces,
// separators of URLs or the length.
func domainName(value string) (string, bool) {
	v := strings.ToLower(strings.TrimSuffix(strings.TrimSpace(value), "."))
	if v == "" || len(v) > 253 || strings.ContainsAny(v, " \t\r\n/\\:@|,;\"'()<>[]{}?#*") || strings.Contains(v, "..") || v[0] == '.' {
		return "", false
	}
	return v, true
}

func (o *Observation) domain(value string) bool {
	// Lists put addresses under hostname, too.
	if _, _, isIP := ip(value); isIP {
		return o.address(value)
	}
	v, ok := domainName(value)
	if ok {
		o.add("domain-name", fields{"value": v})
		o.Pattern = "[" + equal("domain-name:value", v) + "]"
	}
	return ok
}

func (o *Observation) domainIP(value string) bool {
	name, addr, _ := strings.Cut(value, "|")
	v, ok := domainName(name)
	typ, a, okIP := ip(addr)
	if !ok || !okIP {
		return false
	}
	id := o.add(typ, fields{"value": a})
	o.add("domain-name", fields{"value": v, "resolves_to_refs": []string{id}})
	o.Pattern = "[" + equal("domain-name:value", v) + " AND " + equal("domain-name:resolves_to_refs[*].value", a) + "]"
	return true
}

func (o *Observation) source(value string) bool      { return o.traffic("src", value) }
func (o *Observation) destination(value string) bool { return o.traffic("dst", value) }

// traffic reads host|port or host:port. The transport is not said, so the
// protocol named is the network layer, which is certain for an address.
func (o *Observation) traffic(side, value string) bool {
	host, port, found := strings.Cut(value, "|")
	if !found {
		if host, port, found = strings.CutLast(value, ":"); !found {
			return false
		}
	}
	n, err := strconv.ParseUint(strings.TrimSpace(port), 10, 16)
	if err != nil {
		return false
	}
	id, typ, v, ok := o.host(host)
	if !ok {
		return false
	}
	protocol := "ipv4"
	if typ == "ipv6-addr" {
		protocol = "ipv6"
	} else if typ == "domain-name" {
		protocol = "ip"
	}
	o.add("network-traffic", fields{side + "_ref": id, side + "_port": n, "protocols": []string{protocol}})
	o.Pattern = "[" + equal("network-traffic:"+side+"_ref.type", typ) + " AND " + equal("network-traffic:"+side+"_ref.value", v) +
		" AND network-traffic:" + side + "_port = " + strconv.FormatUint(n, 10) + "]"
	return true
}

func (o *Observation) url(value string) bool {
	u, err := url.Parse(value)
	if err != nil && !strings.Contains(value, "://") || err == nil && (u.Scheme == "" || u.Host == "" && u.Opaque == "") {
		return false
	}
	o.add("url", fields{"value": value})
	o.Pattern = "[" + equal("url:value", value) + "]"
	return true
}

func (o *Observation) email(value string) bool {
	local, host, ok := strings.Cut(value, "@")
	if !ok || local == "" || strings.ContainsAny(value, " \t\r\n<>,;") {
		return false
	}
	if _, ok := domainName(host); !ok {
		return false
	}
	o.add("email-addr", fields{"value": value})
	o.Pattern = "[" + equal("email-addr:value", value) + "]"
	return true
}

func (o *Observation) filename(value string) bool { return o.file(value, "", "") }

// sample reads name|md5.
func (o *Observation) sample(value string) bool {
	name, sum, _ := strings.Cut(value, "|")
	return o.file(name, "md5", sum)
}

// file adds a file with a name, a hash or both. A path is split: the last
// element is the name, the rest the directory.
func (o *Observation) file(path, hashType, sum string) bool {
	m := fields{}
	var parts []string
	path = strings.TrimSpace(path)
	if path != "" {
		dir, name := splitPath(path)
		if name == "" {
			return false
		}
		m["name"] = name
		parts = append(parts, equal("file:name", name))
		if dir != "" {
			m["parent_directory_ref"] = o.add("directory", fields{"path": dir})
			parts = append(parts, equal("file:parent_directory_ref.path", dir))
		}
	}
	if hashType != "" {
		key, v, ok := hash(hashType, sum)
		if !ok {
			return false
		}
		m["hashes"] = map[string]string{key: v}
		parts = append(parts, equal("file:hashes."+hashPath(key), v))
	}
	if len(m) == 0 {
		return false
	}
	o.add("file", m)
	o.Pattern = "[" + strings.Join(parts, " AND ") + "]"
	return true
}

// hashPath quotes a key of the hashes dictionary where a pattern needs it.
func hashPath(key string) string {
	if strings.Contains(key, "-") {
		return "'" + key + "'"
	}
	return key
}

// splitPath splits a path of Windows or Unix into directory and name.
func splitPath(p string) (dir, name string) {
	i := strings.LastIndexAny(p, `\/`)
	if i < 0 {
		return "", p
	}
	if i == 0 {
		return p[:1], p[1:]
	}
	return p[:i], p[i+1:]
}

func (o *Observation) mac(value string) bool {
	digits := strings.ToLower(strings.NewReplacer(":", "", "-", "", ".", "").Replace(value))
	if len(digits) != 12 || strings.Trim(digits, "0123456789abcdef") != "" {
		return false
	}
	var b strings.Builder
	for i := 0; i < 12; i += 2 {
		if i > 0 {
			b.WriteByte(':')
		}
		b.WriteString(digits[i : i+2])
	}
	o.add("mac-addr", fields{"value": b.String()})
	o.Pattern = "[" + equal("mac-addr:value", b.String()) + "]"
	return true
}

func (o *Observation) asn(value string) bool {
	n, err := strconv.ParseUint(strings.TrimSpace(strings.TrimPrefix(strings.ToUpper(value), "AS")), 10, 32)
	if err != nil {
		return false
	}
	o.add("autonomous-system", fields{"number": n})
	o.Pattern = "[autonomous-system:number = " + strconv.FormatUint(n, 10) + "]"
	return true
}

func (o *Observation) mutex(value string) bool {
	o.add("mutex", fields{"name": value})
	o.Pattern = "[" + equal("mutex:name", value) + "]"
	return true
}

func (o *Observation) regkey(value string) bool {
	o.add("windows-registry-key", fields{"key": value})
	o.Pattern = "[" + equal("windows-registry-key:key", value) + "]"
	return true
}

func (o *Observation) regvalue(value string) bool {
	key, data, found := strings.Cut(value, "|")
	if !found {
		return o.regkey(value)
	}
	key, data = strings.TrimSpace(key), strings.TrimSpace(data)
	if key == "" {
		return false
	}
	if data == "" {
		return o.regkey(key)
	}
	o.add("windows-registry-key", fields{"key": key, "values": []any{map[string]any{"data": data}}})
	o.Pattern = "[" + equal("windows-registry-key:key", key) + " AND " + equal("windows-registry-key:values[*].data", data) + "]"
	return true
}

// userAgent has a pattern but no object: STIX knows the header only inside
// traffic, and no end of that traffic is known.
func (o *Observation) userAgent(value string) bool {
	o.Pattern = "[" + equal("network-traffic:extensions.'http-request-ext'.request_header.'User-Agent'", value) + "]"
	return true
}

func (o *Observation) vulnerability(value string) bool {
	v := strings.ToUpper(value)
	rest, ok := strings.CutPrefix(v, "CVE-")
	year, number, _ := strings.Cut(rest, "-")
	if !ok || len(year) != 4 || len(number) < 4 || len(number) > 19 || strings.Trim(year+number, "0123456789") != "" {
		return false
	}
	o.CVE = v
	return true
}

// subject adds a message of which only the subject is known; is_multipart is
// demanded by STIX and said to be false, as MISP's own mapping does.
func (o *Observation) subject(value string) bool {
	o.add("email-message", fields{"is_multipart": false, "subject": value})
	o.Pattern = "[" + equal("email-message:subject", value) + "]"
	return true
}

func (o *Observation) certificate(typ, value string) bool {
	key, v, ok := hash(typ, strings.NewReplacer(":", "", " ", "").Replace(value))
	if !ok {
		return false
	}
	o.add("x509-certificate", fields{"hashes": map[string]string{key: v}})
	o.Pattern = "[" + equal("x509-certificate:hashes."+hashPath(key), v) + "]"
	return true
}

// marshal writes an object with sorted names.
func marshal(m fields) []byte {
	b, err := json.Marshal(m, json.Deterministic(true))
	if err != nil {
		// Only invalid UTF-8 can fail, and all text here came out of strict JSON
		// or was checked.
		panic("misp: writing an object: " + err.Error())
	}
	return b
}
