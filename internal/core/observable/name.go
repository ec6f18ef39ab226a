package observable

import (
	"net/netip"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

// toASCII maps a name as a browser does before it looks it up, but does not
// insist on letters, digits and hyphens.
//
// Source: uts46 §4.
var toASCII = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false), idna.CheckHyphens(false))

const maxNameBytes = 253

// normalDomain takes a domain name.
func normalDomain(s string) (Key, error) {
	s = strings.TrimSpace(s)
	if name, ok := asciiName(s); ok {
		return Key{Domain, name}, nil
	}
	if len(s) == 0 || len(s) > 4*maxNameBytes {
		return Key{}, refuse(Domain, s, "not the length of a domain name")
	}
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			a, err := toASCII.ToASCII(s)
			if err != nil {
				return Key{}, refuse(Domain, s, "not an internationalised domain name")
			}
			if name, ok := asciiName(a); ok {
				return Key{Domain, name}, nil
			}
			break
		}
	}
	return Key{}, refuse(Domain, s, "not a domain name")
}

// asciiName returns s in lower case without a trailing dot if it is a domain
// name in ASCII. It allocates only to change case.
func asciiName(s string) (string, bool) {
	if n := len(s); n > 1 && s[n-1] == '.' {
		s = s[:n-1]
	}
	if len(s) == 0 || len(s) > maxNameBytes {
		return "", false
	}
	upper, start, puny := false, 0, false
	for i := 0; i <= len(s); i++ {
		if i == len(s) || s[i] == '.' {
			n := i - start
			if n == 0 || n > 63 {
				return "", false
			}
			puny = puny || n > 4 && strings.EqualFold(s[start:start+4], "xn--")
			if i == len(s) {
				break
			}
			start = i + 1
			continue
		}
		switch c := s[i]; {
		case 'A' <= c && c <= 'Z':
			upper = true
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '_':
		default:
			return "", false
		}
	}
	if numeric(s[start:]) {
		return "", false
	}
	if upper {
		s = strings.ToLower(s)
	}
	if puny {
		s = repuny(s)
	}
	return s, true
}

// repuny brings A-labels into the form the mapping would give; what is no
// proper A-label stays as it is.
func repuny(s string) string {
	u, err := toASCII.ToUnicode(s)
	if err != nil {
		return s
	}
	a, err := toASCII.ToASCII(u)
	if err != nil || len(a) > maxNameBytes {
		return s
	}
	return a
}

// numeric reports whether a label reads as a number, so that a name ending in
// it would be taken for an address.
func numeric(label string) bool {
	if len(label) > 1 && label[0] == '0' && label[1]|0x20 == 'x' {
		return len(label) == 2 || isHex(label[2:])
	}
	return digits(label)
}

// suffix returns the public suffix of a name in normal form, and whether the
// suffix is known: listed, or reserved for special use.
func suffix(name string) (string, bool) {
	s, icann := publicsuffix.PublicSuffix(name)
	if icann || strings.IndexByte(s, '.') >= 0 {
		return s, true
	}
	_, special := specialUse[s]
	return s, special
}

// specialUse are top-level names that are not delegated but in use.
//
// Source: rfc2606 §2.
var specialUse = map[string]struct{}{
	"example": {}, "test": {}, "invalid": {}, "localhost": {}, "local": {}, "onion": {}, "internal": {},
	"i2p": {}, "bit": {}, "lan": {}, "home": {}, "corp": {}, "alt": {},
}

// KnownSuffix reports whether a domain ends in a public suffix that is listed
// or reserved for special use, so that text of this form is likely a name.
func KnownSuffix(domain Key) bool {
	if domain.Type != Domain {
		return false
	}
	_, ok := suffix(domain.Normal)
	return ok
}

// Related returns the weaker value that k holds within: the host of a URL, the
// domain of an e-mail address, the file name of a path.
func Related(k Key) (Key, bool) {
	switch k.Type {
	case URL:
		return hostKey(urlHost(k.Normal))
	case Email:
		i := strings.LastIndexByte(k.Normal, '@')
		return hostKey(k.Normal[i+1:])
	case Path:
		i := strings.LastIndexAny(k.Normal, `\/`)
		name := k.Normal[i+1:]
		if strings.IndexByte(name, '.') <= 0 {
			return Key{}, false // most likely a folder
		}
		if r, err := normalFileName(name); err == nil && r.Type == FileName {
			return r, true
		}
	default: // holds nothing weaker within
	}
	return Key{}, false
}

// hostKey returns the key of a host in the normal form of a URL.
func hostKey(host string) (Key, bool) {
	if n := len(host); n > 2 && host[0] == '[' && host[n-1] == ']' {
		host = host[1 : n-1]
	}
	if host == "" {
		return Key{}, false
	}
	if c := host[0]; '0' <= c && c <= '9' || strings.IndexByte(host, ':') >= 0 {
		if a, err := netip.ParseAddr(host); err == nil {
			if a.Is4() {
				return Key{IPv4, host}, true
			}
			return Key{IPv6, host}, true
		}
	}
	if name, ok := asciiName(host); ok {
		return Key{Domain, name}, true
	}
	return Key{}, false
}

// normalEmail takes an e-mail address, alone, after "mailto:" or in angle
// brackets after a name.
func normalEmail(s string) (Key, error) {
	a := strings.TrimSpace(s)
	if i := strings.LastIndexByte(a, '<'); i >= 0 && strings.HasSuffix(a, ">") {
		a = a[i+1 : len(a)-1]
	}
	if len(a) > 7 && strings.EqualFold(a[:7], "mailto:") {
		a = a[7:]
	}
	i := strings.LastIndexByte(a, '@')
	if i < 1 || i > 256 {
		return Key{}, refuse(Email, s, "not of the form name@domain")
	}
	local, host := a[:i], a[i+1:]
	if !printable(local) || strings.ContainsAny(local, `<>(),;:\"`) && local[0] != '"' {
		return Key{}, refuse(Email, s, "the part before the @ is not one of an address")
	}
	local = lower(local)
	if len(local) > 7 && strings.HasPrefix(local, "mailto:") {
		return Key{}, refuse(Email, s, "the part before the @ is not one of an address")
	}
	if n := len(host); n > 2 && host[0] == '[' && host[n-1] == ']' {
		k, err := normalIP(IPv4, host)
		if err != nil || k.Type == CIDR {
			return Key{}, refuse(Email, s, "the part after the @ is no address")
		}
		return Key{Email, local + "@[" + k.Normal + "]"}, nil
	}
	d, err := normalDomain(host)
	if err != nil {
		return Key{}, refuse(Email, s, "the part after the @ is no domain name")
	}
	if local == a[:i] && d.Normal == host {
		return Key{Email, a}, nil
	}
	return Key{Email, local + "@" + d.Normal}, nil
}
