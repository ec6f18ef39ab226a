package observable

import (
	"bytes"
	"strings"

	"casus/stix"
)

// maxNesting is how deep an object's extensions are searched for hashes.
const maxNesting = 16

// FromObject yields every value that an object mentions: the properties of
// cyber-observables, also of those inside observed data of STIX 2.0; the
// literals of an indicator's STIX pattern; dictionaries of hashes wherever
// they stand in an observable; CVE and ATT&CK identifiers of external
// references and the name of a vulnerability. The links of external references
// and their hashes are yielded as [Mention.Reference]. Patterns in other
// languages and prose are not read: [FromText] is for prose.
//
// A value that stands there twice is yielded twice. A property that has no
// normal form as what it should be is yielded as what it looks like, if it
// looks like an address, name, URL, e-mail address or hash, else not at all.
//
// Source: stix-2.1 §6, §9.
func FromObject(o *stix.Object, yield func(Mention)) {
	f := finder{yield}
	typ := o.Type()
	switch typ {
	case "indicator":
		f.indicator(o)
	case "vulnerability":
		if name := o.String("name"); len(name) < 64 && len(name) > 8 {
			if k, err := normalCVE(name); err == nil {
				yield(Mention{Key: k, Path: "vulnerability:name", Written: name})
			}
		}
	case "observed-data":
		if raw, ok := o.Get("objects"); ok {
			stix.EachMember(raw, func(_, v []byte) bool {
				n := nested(v)
				if t, ok := n.Get("type"); ok {
					if name, ok := stix.Unquote(t); ok {
						f.observable(name, n)
					}
				}
				return true
			})
		}
	case "relationship", "sighting", "report", "marking-definition", "bundle", "identity":
	default:
		f.observable(typ, o)
	}
	if raw, ok := o.Get("external_references"); ok {
		f.references(raw)
	}
}

// properties is an object whose members can be looked up.
type properties interface {
	Get(name string) ([]byte, bool)
}

// nested is an object inside another.
type nested []byte

// Get returns the member called name.
func (n nested) Get(name string) (value []byte, ok bool) {
	stix.EachMember(n, func(k, v []byte) bool {
		if string(k) == name {
			value, ok = v, true
			return false
		}
		return true
	})
	return value, ok
}

// finder turns properties into mentions.
type finder struct {
	yield func(Mention)
}

// text yields a property's string as a value of type t.
func (f finder) text(t Type, path string, raw []byte) {
	s, ok := stix.Unquote(raw)
	if !ok {
		return
	}
	f.value(t, path, s)
}

func (f finder) value(t Type, path, s string) {
	if s == "" || len(s) > MaxValueBytes {
		return
	}
	k, err := Normal(t, s)
	if err == nil {
		emit(f.yield, Mention{Key: k, Path: path, Written: s})
		return
	}
	f.looksLike(path, s)
}

// looksLike yields a value whose property does not fit it, by its looks.
func (f finder) looksLike(path, s string) {
	if len(s) > 2048 || len(s) < 4 {
		return
	}
	s = strings.TrimSpace(s)
	done := false
	guess(Refang(s), func(k Key) {
		if done {
			return
		}
		switch k.Type {
		case IPv4, IPv6, CIDR, URL, Email, MD5, SHA1, SHA256, SHA512, CVE:
		case Domain:
			if !KnownSuffix(k) {
				return
			}
		default:
			return
		}
		done = true
		emit(f.yield, Mention{Key: k, Path: path, Written: s})
	})
}

// property is where a value stands in an observable.
type property struct {
	name string
	typ  Type
	path string
}

// observables lists the properties of each type of observable that hold one
// value; what is more involved is read by [finder.observable].
var observables = map[string][]property{
	"artifact":          {{"url", URL, "artifact:url"}},
	"autonomous-system": {{"number", ASN, "autonomous-system:number"}},
	"directory":         {{"path", Path, "directory:path"}},
	"domain-name":       {{"value", Domain, "domain-name:value"}},
	"email-addr":        {{"value", Email, "email-addr:value"}},
	"email-message": {
		{"subject", Subject, "email-message:subject"}, {"message_id", MessageID, "email-message:message_id"},
	},
	"file":            {{"name", FileName, "file:name"}},
	"ipv4-addr":       {{"value", IPv4, "ipv4-addr:value"}},
	"ipv6-addr":       {{"value", IPv6, "ipv6-addr:value"}},
	"mac-addr":        {{"value", MAC, "mac-addr:value"}},
	"mutex":           {{"name", Mutex, "mutex:name"}},
	"network-traffic": {{"dst_port", Port, "network-traffic:dst_port"}},
	"process": {
		{"command_line", Command, "process:command_line"}, {"name", FileName, "process:name"}, {"cwd", Path, "process:cwd"},
	},
	"software":             {{"name", Software, "software:name"}, {"vendor", Vendor, "software:vendor"}},
	"url":                  {{"value", URL, "url:value"}},
	"user-account":         {{"account_login", Account, "user-account:account_login"}, {"user_id", Account, "user-account:user_id"}},
	"windows-registry-key": {{"key", RegKey, "windows-registry-key:key"}},
	"x509-certificate": {
		{"serial_number", Serial, "x509-certificate:serial_number"},
		{"subject", DN, "x509-certificate:subject"},
		{"issuer", DN, "x509-certificate:issuer"},
	},
	// Types that others have added and that are met often.
	"cryptocurrency-wallet": {{"address", Wallet, "cryptocurrency-wallet:address"}, {"value", Wallet, "cryptocurrency-wallet:value"}},
	"hostname":              {{"value", Domain, "hostname:value"}},
	"user-agent":            {{"string", UserAgent, "user-agent:string"}, {"value", UserAgent, "user-agent:value"}},
}

// observable yields the values of one observable.
func (f finder) observable(typ string, p properties) {
	if typ == "x-misp-attribute" {
		f.mispAttribute(p)
		return
	}
	props, known := observables[typ]
	if !known && (stix.ClassOf(typ) != 0 && !strings.HasPrefix(typ, "x-")) {
		return
	}
	for i := range props {
		raw, ok := p.Get(props[i].name)
		if !ok || len(raw) == 0 {
			continue
		}
		if raw[0] == '"' {
			f.text(props[i].typ, props[i].path, raw)
		} else if c := raw[0]; '0' <= c && c <= '9' && (props[i].typ == ASN || props[i].typ == Port) {
			f.value(props[i].typ, props[i].path, string(raw))
		}
	}
	if raw, ok := p.Get("hashes"); ok {
		f.hashes(typ, raw, false)
	}
	switch typ {
	case "file", "network-traffic", "process":
		if raw, ok := p.Get("extensions"); ok {
			f.extensions(typ, raw)
		}
	}
	if !known {
		if raw, ok := p.Get("value"); ok {
			if s, ok := stix.Unquote(raw); ok {
				f.looksLike(typ+":value", s)
			}
		}
	}
}

// mispAttribute yields the value of a MISP attribute for which STIX has no
// object of its own.
func (f finder) mispAttribute(p properties) {
	rawType, _ := p.Get("x_misp_type")
	rawValue, _ := p.Get("x_misp_value")
	typ, ok := stix.Unquote(rawType)
	if !ok {
		return
	}
	if value, ok := stix.Unquote(rawValue); ok {
		f.misp(strings.ToLower(typ), value)
	}
}

// misp yields a value of a MISP type; of two types joined by a bar both.
func (f finder) misp(typ, value string) {
	if a, b, ok := strings.Cut(typ, "|"); ok {
		if v, w, ok := strings.Cut(value, "|"); ok {
			f.misp(a, v)
			f.misp(b, w)
			return
		}
	}
	path := "x-misp-attribute:" + typ
	if t := mispTypes[typ]; t != "" {
		f.value(t, path, value)
		return
	}
	if _, ok := HashType(typ); ok || strings.HasSuffix(typ, "hash") || strings.HasPrefix(typ, "hassh") {
		if k, err := HashKey(typ, value); err == nil {
			f.yield(Mention{Key: k, Path: path, Written: value})
			return
		}
	}
	f.looksLike(path, value)
}

// mispTypes gives the type of value for MISP's types. Those whose name alone
// tells, such as md5, are not in it, nor are texts.
var mispTypes = map[string]Type{
	"ip-src": IPv4, "ip-dst": IPv4, "domain": Domain, "hostname": Domain, "onion-address": Domain, "url": URL, "uri": URL,
	"email": Email, "email-src": Email, "email-dst": Email, "email-reply-to": Email, "target-email": Email, "dns-soa-email": Email,
	"whois-registrant-email": Email, "eppn": Email, "email-subject": Subject, "email-message-id": MessageID, "email-attachment": FileName,
	"filename": FileName, "attachment": FileName, "malware-sample": FileName, "pdb": Path, "named pipe": Path,
	"regkey": RegKey, "mutex": Mutex, "user-agent": UserAgent, "http-user-agent": UserAgent, "as": ASN, "port": Port,
	"mac-address": MAC, "vulnerability": CVE, "btc": Wallet, "xmr": Wallet, "dash": Wallet, "windows-service-name": Service,
	"ja3-fingerprint-md5": JA3, "ja3s-fingerprint-md5": JA3S, "jarm-fingerprint": JARM, "github-username": Account, "jabber-id": Account, "twitter-id": Account,
	"whois-registrant-name": Account, "target-user": Account,
}

// extensions yields the values in an observable's extensions.
func (f finder) extensions(typ string, raw []byte) {
	stix.EachMember(raw, func(name, ext []byte) bool {
		switch string(name) {
		case "windows-pebinary-ext":
			if v, ok := nested(ext).Get("imphash"); ok {
				f.text(ImpHash, "file:extensions.windows-pebinary-ext.imphash", v)
			}
		case "windows-service-ext":
			if v, ok := nested(ext).Get("service_name"); ok {
				f.text(Service, "process:extensions.windows-service-ext.service_name", v)
			}
		case "http-request-ext":
			f.httpRequest(ext)
		}
		f.nestedHashes(typ, ext, 0)
		return true
	})
}

// httpRequest yields the user agent and the host of an HTTP request.
func (f finder) httpRequest(ext []byte) {
	header, ok := nested(ext).Get("request_header")
	if !ok {
		return
	}
	stix.EachMember(header, func(name, v []byte) bool {
		var t Type
		var path string
		switch {
		case strings.EqualFold(string(name), "User-Agent"):
			t, path = UserAgent, kinds[codes[UserAgent]].path
		case strings.EqualFold(string(name), "Host"):
			t, path = Domain, "network-traffic:extensions.http-request-ext.request_header.Host"
		default:
			return true
		}
		if stix.Kind(v) != '[' {
			f.text(t, path, v)
			return true
		}
		stix.Each(v, func(e []byte) bool {
			f.text(t, path, e)
			return true
		})
		return true
	})
}

// nestedHashes looks for dictionaries of hashes below v.
func (f finder) nestedHashes(typ string, v []byte, depth int) {
	if depth > maxNesting || len(v) == 0 {
		return
	}
	switch v[0] {
	case '{':
		stix.EachMember(v, func(name, value []byte) bool {
			if len(value) > 0 && value[0] == '{' && (string(name) == "hashes" || bytes.HasSuffix(name, []byte("_hashes"))) {
				f.hashes(typ, value, false)
				return true
			}
			f.nestedHashes(typ, value, depth+1)
			return true
		})
	case '[':
		stix.Each(v, func(value []byte) bool {
			f.nestedHashes(typ, value, depth+1)
			return true
		})
	}
}

// hashPaths are the paths of the usual hashes of a file.
var hashPaths = map[string]string{
	"MD5": "file:hashes.MD5", "SHA-1": "file:hashes.SHA-1", "SHA-256": "file:hashes.SHA-256", "SHA-512": "file:hashes.SHA-512",
	"SSDEEP": "file:hashes.SSDEEP", "TLSH": "file:hashes.TLSH", "SHA3-256": "file:hashes.SHA3-256", "SHA3-512": "file:hashes.SHA3-512",
}

// hashes yields the members of a dictionary of hashes.
func (f finder) hashes(typ string, raw []byte, reference bool) {
	stix.EachMember(raw, func(name, v []byte) bool {
		s, ok := stix.Unquote(v)
		if !ok || s == "" {
			return true
		}
		path, ok := "", false
		if typ == "file" {
			path, ok = hashPaths[string(name)]
		}
		if !ok {
			path = typ + ":hashes." + string(name)
			if reference {
				path = typ + ".hashes." + string(name)
			}
		}
		if k, err := HashKey(string(name), s); err == nil {
			f.yield(Mention{Key: k, Path: path, Written: s, Reference: reference})
		}
		return true
	})
}

// indicator yields what an indicator's pattern asks for.
func (f finder) indicator(o *stix.Object) {
	if raw, ok := o.Get("pattern_type"); ok && string(raw) != `"stix"` {
		return
	}
	raw, ok := o.Get("pattern")
	if !ok {
		return
	}
	pattern, ok := stix.Unquote(raw)
	if !ok {
		return
	}
	PatternValues(pattern, f.compared)
}

// compared yields the literal of a comparison in a pattern.
func (f finder) compared(path, literal string) {
	typ, rest, ok := strings.Cut(path, ":")
	if !ok {
		return
	}
	if i := strings.Index(rest, "hashes."); i >= 0 {
		name := strings.Trim(rest[i+len("hashes."):], "'")
		if k, err := HashKey(name, literal); err == nil {
			if typ == "file" && i == 0 {
				if p, ok := hashPaths[name]; ok {
					path = p
				}
			}
			f.yield(Mention{Key: k, Path: path, Written: literal})
		} else {
			f.looksLike(path, literal)
		}
		return
	}
	switch t, p := pathType(typ, rest); t {
	case "":
		if typ == "x-misp-object" || strings.HasPrefix(typ, "x-") {
			f.looksLike(path, literal)
		}
	case Hash: // a reference to a thing whose kind shows only in the value
		f.looksLike(path, literal)
	default:
		if p == "" {
			p = path
		}
		f.value(t, p, literal)
	}
}

// pathType returns what kind of value stands at a path of an object, and the
// path as a constant where it is a plain property. It is [Hash] where only the
// value itself can tell, and empty where nothing of interest stands.
func pathType(typ, rest string) (Type, string) {
	for _, p := range observables[typ] {
		if p.name == rest {
			return p.typ, p.path
		}
	}
	last := rest[strings.LastIndexByte(rest, '.')+1:]
	last = strings.Trim(last, "'")
	switch {
	case strings.HasSuffix(rest, "_ref.value") || strings.HasSuffix(rest, "_refs[*].value"):
		if typ == "email-message" {
			return Email, ""
		}
		return Hash, ""
	case last == "imphash":
		return ImpHash, ""
	case strings.EqualFold(last, "User-Agent"):
		return UserAgent, ""
	case strings.EqualFold(last, "Host"):
		return Domain, ""
	case last == "service_name":
		return Service, ""
	case strings.HasSuffix(rest, "directory_ref.path"):
		return Path, ""
	case strings.HasSuffix(rest, "image_ref.name") || strings.HasSuffix(rest, "binary_ref.name") || strings.HasSuffix(rest, "body_raw_ref.name"):
		return FileName, ""
	case typ == "process" && last == "arguments":
		return Command, ""
	case typ == "user-account" && (last == "user_id" || last == "display_name"):
		return Account, ""
	case typ == "network-traffic" && (last == "ja3" || last == "ja3s" || last == "jarm"):
		return Type(last), ""
	case strings.HasSuffix(rest, "value") && observables[typ] == nil:
		return Hash, ""
	}
	return "", ""
}

// references yields identifiers and links of external references.
func (f finder) references(raw []byte) {
	stix.Each(raw, func(ref []byte) bool {
		var source, id, link, hashes []byte
		stix.EachMember(ref, func(name, v []byte) bool {
			switch string(name) {
			case "source_name":
				source = v
			case "external_id":
				id = v
			case "url":
				link = v
			case "hashes":
				hashes = v
			}
			return true
		})
		if len(id) > 2 {
			f.identifier(source, id)
		}
		if len(link) > 2 {
			if s, ok := stix.Unquote(link); ok {
				if k, err := normalURL(s); err == nil {
					f.yield(Mention{Key: k, Path: "external_references.url", Written: s, Reference: true})
				}
			}
		}
		if len(hashes) > 2 {
			f.hashes("external_references", hashes, true)
		}
		return true
	})
}

// identifier yields the CVE or ATT&CK technique an external reference names.
func (f finder) identifier(source, id []byte) {
	s, ok := stix.Unquote(id)
	if !ok || len(s) < 5 || len(s) > 32 {
		return
	}
	up := strings.ToUpper(strings.TrimSpace(s))
	switch {
	case isCVE(up):
		f.yield(Mention{Key: Key{CVE, up}, Path: "external_references.external_id", Written: s})
	case isTechnique(up) && bytes.Contains(source, []byte("mitre")):
		f.yield(Mention{Key: Key{Technique, up}, Path: "external_references.external_id", Written: s})
	}
}
