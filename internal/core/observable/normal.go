package observable

import (
	"net/netip"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"casus/internal/fault"
)

// MaxValueBytes is the longest text taken for a value.
const MaxValueBytes = 64 << 10

// Normal returns the key of s as a value of type t. The key's type can differ
// from t within a family: an address, a range written as an address, a range
// of one address, a file name that is a path.
//
// It returns a [fault.Invalid] error when s is no such value.
func Normal(t Type, s string) (Key, error) {
	if len(s) > MaxValueBytes {
		return Key{}, refuse(t, s, "longer than 64 KiB")
	}
	c := codes[t]
	if c == 0 {
		return Key{}, fault.Errorf(fault.Invalid, "observable: %q: no such type", clip(string(t)))
	}
	switch t {
	case IPv4, IPv6, CIDR:
		return normalIP(t, s)
	case Domain:
		return normalDomain(s)
	case URL:
		return normalURL(s)
	case Email:
		return normalEmail(s)
	case TLSH:
		return normalTLSH(s)
	case SSDeep:
		return normalSSDeep(s)
	case Hash:
		return normalOtherHash(s)
	case FileName:
		return normalFileName(s)
	case Path:
		return normalPath(s)
	case MAC:
		return normalMAC(s)
	case ASN:
		return normalASN(s)
	case RegKey:
		return normalRegKey(s)
	case CVE:
		return normalCVE(s)
	case Technique:
		return normalTechnique(s)
	case Wallet:
		return normalWallet(s)
	case Serial:
		return normalSerial(s)
	case Port:
		n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 16)
		if err != nil || n == 0 {
			return Key{}, refuse(t, s, "not a port")
		}
		return Key{Port, strconv.FormatUint(n, 10)}, nil
	case Mutex:
		return normalText(t, s, false, false)
	case UserAgent, Command, Subject, MessageID:
		return normalText(t, s, true, false)
	case Software, Vendor, Account, DN, Service:
		return normalText(t, s, true, true)
	default:
		return normalHex(t, s, 2*kinds[c].size)
	}
}

// refuse says why s is no value of type t.
func refuse(t Type, s, why string) error {
	return fault.Errorf(fault.Invalid, "observable: %s %q: %s", t, clip(s), why)
}

// clip shortens a value for a message.
func clip(s string) string {
	if len(s) <= 80 {
		return s
	}
	n := 80
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// normalIP takes addresses and ranges.
//
// Source: rfc5952 §4 (the text of an IPv6 address).
func normalIP(t Type, s string) (Key, error) {
	s = strings.TrimSpace(s)
	if n := len(s); n > 2 && s[0] == '[' && s[n-1] == ']' {
		s = s[1 : n-1]
	}
	if strings.IndexByte(s, '/') >= 0 {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return Key{}, refuse(t, s, "not a range of addresses")
		}
		return prefixKey(p), nil
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return Key{}, refuse(t, s, "not an address")
	}
	a = a.Unmap().WithZone("")
	typ := IPv6
	if a.Is4() {
		typ = IPv4
		// The text of an IPv4 address without leading zeros is already normal.
		return Key{typ, trimV4(s, a)}, nil
	}
	return Key{typ, a.String()}, nil
}

// trimV4 returns the text of a, s itself if it is that.
func trimV4(s string, a netip.Addr) string {
	if strings.IndexByte(s, ':') < 0 {
		return s
	}
	return a.String()
}

// prefixKey returns the key of a range: masked, IPv4 taken out of IPv6, a
// range of one address as that address.
func prefixKey(p netip.Prefix) Key {
	a, bits := p.Addr(), p.Bits()
	if a.Is4In6() && bits >= 96 {
		a, bits = a.Unmap(), bits-96
	}
	p, _ = a.WithZone("").Prefix(bits)
	if bits == p.Addr().BitLen() {
		a := p.Addr().Unmap()
		if a.Is4() {
			return Key{IPv4, a.String()}
		}
		return Key{IPv6, a.String()}
	}
	return Key{CIDR, p.String()}
}

// normalHex takes a hash of n hexadecimal digits. Colons, blanks and hyphens
// between digits are dropped, as certificate fingerprints are written so.
func normalHex(t Type, s string, n int) (Key, error) {
	s = strings.TrimSpace(s)
	if len(s) > n {
		s = dropSeparators(s)
	}
	if len(s) != n {
		return Key{}, refuse(t, s, "should have "+strconv.Itoa(n)+" hexadecimal digits")
	}
	upper := false
	for i := 0; i < len(s); i++ {
		c := s[i]
		if hexDigit(c) < 0 {
			return Key{}, refuse(t, s, "not hexadecimal")
		}
		upper = upper || c < 'a' && c > '9'
	}
	if upper {
		s = strings.ToLower(s)
	}
	return Key{t, s}, nil
}

func dropSeparators(s string) string {
	return strings.Map(func(r rune) rune {
		if r == ':' || r == ' ' || r == '-' {
			return -1
		}
		return r
	}, s)
}

func normalTLSH(s string) (Key, error) {
	s = strings.TrimSpace(s)
	if len(s) == 72 && (s[0] == 'T' || s[0] == 't') && s[1] == '1' {
		s = s[2:]
	}
	return normalHex(TLSH, s, 70)
}

// normalSSDeep takes "size:hash:hash", with or without a quoted file name.
func normalSSDeep(s string) (Key, error) {
	s = strings.TrimSpace(s)
	if i := strings.IndexByte(s, ','); i >= 0 {
		s = s[:i]
	}
	i := strings.IndexByte(s, ':')
	if i < 1 || strings.Count(s, ":") != 2 || len(s) > 512 {
		return Key{}, refuse(SSDeep, s, "not of the form size:hash:hash")
	}
	if _, err := strconv.ParseUint(s[:i], 10, 32); err != nil {
		return Key{}, refuse(SSDeep, s, "does not begin with a block size")
	}
	for j := i; j < len(s); j++ {
		if c := s[j]; !isAlnum(c) && c != '+' && c != '/' && c != ':' {
			return Key{}, refuse(SSDeep, s, "holds a character that is not of base64")
		}
	}
	return Key{SSDeep, s}, nil
}

// normalOtherHash takes "name:value".
func normalOtherHash(s string) (Key, error) {
	name, value, ok := strings.Cut(strings.TrimSpace(s), ":")
	name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
	if !ok || name == "" || value == "" || len(name) > 64 || !printable(name) || !printable(value) {
		return Key{}, refuse(Hash, s, "not of the form name:value")
	}
	for i := 0; i < len(name); i++ {
		if !isAlnum(name[i]) && name[i] != '-' && name[i] != '_' {
			return Key{}, refuse(Hash, s, "a kind of hash is named by letters, digits and hyphens")
		}
	}
	if isHex(value) {
		value = strings.ToLower(value)
	}
	return Key{Hash, name + ":" + value}, nil
}

// HashType returns the type for the name of a kind of hash as STIX, MISP and
// people write it: "SHA-256", "sha256", "SHA3-512", "ssdeep", "imphash".
func HashType(name string) (Type, bool) {
	switch name { // the usual spellings without any work
	case "MD5":
		return MD5, true
	case "SHA-1":
		return SHA1, true
	case "SHA-256":
		return SHA256, true
	case "SHA-512":
		return SHA512, true
	}
	if len(name) > 32 {
		return "", false
	}
	var buf [32]byte
	b := buf[:0]
	for i := 0; i < len(name); i++ {
		c := name[i]
		if c == '-' || c == '_' || c == '/' || c == ' ' {
			continue
		}
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		b = append(b, c)
	}
	t, ok := hashNames[string(b)]
	return t, ok
}

var hashNames = map[string]Type{
	"md5": MD5, "sha1": SHA1, "sha": SHA1, "sha224": SHA224, "sha256": SHA256, "sha384": SHA384, "sha512": SHA512,
	"sha3224": SHA3x224, "sha3256": SHA3x256, "sha3384": SHA3x384, "sha3512": SHA3x512,
	"ssdeep": SSDeep, "tlsh": TLSH, "imphash": ImpHash, "ja3": JA3, "ja3s": JA3S, "jarm": JARM,
	"ja3fingerprintmd5": JA3, "ja3sfingerprintmd5": JA3S, "jarmfingerprint": JARM,
	"x509fingerprintmd5": MD5, "x509fingerprintsha1": SHA1, "x509fingerprintsha256": SHA256,
}

// HashKey returns the key of a hash of the named kind, a [Hash] key if the
// kind has no type of its own.
func HashKey(name, value string) (Key, error) {
	if t, ok := HashType(name); ok {
		return Normal(t, value)
	}
	return Normal(Hash, name+":"+value)
}

func normalMAC(s string) (Key, error) {
	s = strings.TrimSpace(s)
	var buf [17]byte
	out := buf[:0]
	digits := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == ':' || c == '-' || c == '.' {
			continue
		}
		if hexDigit(c) < 0 || digits == 12 {
			return Key{}, refuse(MAC, s, "should have twelve hexadecimal digits")
		}
		if digits > 0 && digits%2 == 0 {
			out = append(out, ':')
		}
		if 'A' <= c && c <= 'F' {
			c += 'a' - 'A'
		}
		out = append(out, c)
		digits++
	}
	if digits != 12 || len(s) > 17 {
		return Key{}, refuse(MAC, s, "should have twelve hexadecimal digits")
	}
	if string(out) == s {
		return Key{MAC, s}, nil
	}
	return Key{MAC, string(out)}, nil
}

// normalASN takes 123, AS123, ASN 123 and the dotted form AS1.10.
func normalASN(s string) (Key, error) {
	d := strings.TrimSpace(s)
	if len(d) > 2 && (d[0] == 'A' || d[0] == 'a') && (d[1] == 'S' || d[1] == 's') {
		d = d[2:]
		if d[0] == 'N' || d[0] == 'n' {
			d = d[1:]
		}
		d = strings.TrimSpace(d)
	}
	hi, lo, dotted := strings.Cut(d, ".")
	n, err := strconv.ParseUint(hi, 10, 32)
	if dotted && err == nil {
		var m uint64
		m, err = strconv.ParseUint(lo, 10, 16)
		if n > 0xffff {
			return Key{}, refuse(ASN, s, "not the number of an autonomous system")
		}
		n = n<<16 | m
	}
	if err != nil {
		return Key{}, refuse(ASN, s, "not the number of an autonomous system")
	}
	return Key{ASN, "AS" + strconv.FormatUint(n, 10)}, nil
}

func normalCVE(s string) (Key, error) {
	u := strings.ToUpper(strings.TrimSpace(s))
	if !isCVE(u) {
		return Key{}, refuse(CVE, s, "not of the form CVE-year-number")
	}
	return Key{CVE, u}, nil
}

// isCVE reports whether s in upper case is CVE-YYYY-NNNN, the number of four
// to nineteen digits.
func isCVE(s string) bool {
	if len(s) < 13 || len(s) > 28 || s[:4] != "CVE-" || s[8] != '-' {
		return false
	}
	return digits(s[4:8]) && digits(s[9:])
}

func digits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

func normalTechnique(s string) (Key, error) {
	u := strings.ToUpper(strings.TrimSpace(s))
	if !isTechnique(u) {
		return Key{}, refuse(Technique, s, "not of the form T1234 or T1234.001")
	}
	return Key{Technique, u}, nil
}

// isTechnique reports whether s in upper case is T1234 or T1234.001.
func isTechnique(s string) bool {
	if len(s) != 5 && len(s) != 9 || s[0] != 'T' || !digits(s[1:5]) {
		return false
	}
	return len(s) == 5 || s[5] == '.' && digits(s[6:])
}

// normalSerial takes a certificate's serial number, hexadecimal in any
// spelling, without leading zeros.
func normalSerial(s string) (Key, error) {
	d := strings.ToLower(dropSeparators(strings.TrimSpace(s)))
	d = strings.TrimPrefix(d, "0x")
	for len(d) > 1 && d[0] == '0' {
		d = d[1:]
	}
	if !isHex(d) || len(d) > 128 {
		return Key{}, refuse(Serial, s, "not hexadecimal")
	}
	return Key{Serial, d}, nil
}

// normalText takes names and other text: trimmed, with squeeze every run of
// white space one blank, with fold in lower case.
func normalText(t Type, s string, squeeze, fold bool) (Key, error) {
	s = strings.TrimFunc(s, unicode.IsSpace)
	if s == "" {
		return Key{}, refuse(t, s, "empty")
	}
	if !utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0 {
		return Key{}, refuse(t, s, "holds a NUL or is not UTF-8")
	}
	if fold {
		s = lower(s)
	}
	if squeeze && hasRuns(s) {
		s = strings.Join(strings.Fields(s), " ")
	}
	if s == "" {
		return Key{}, refuse(t, s, "empty")
	}
	return Key{t, s}, nil
}

// hasRuns reports whether s holds white space other than single blanks.
func hasRuns(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= utf8.RuneSelf || c < ' ' || c == ' ' && i+1 < len(s) && s[i+1] == ' ' {
			return true
		}
	}
	return false
}

// lower returns s in lower case and NFC, s itself if it is so already.
func lower(s string) string {
	ascii, upper := true, false
	for i := 0; i < len(s); i++ {
		c := s[i]
		ascii = ascii && c < utf8.RuneSelf
		upper = upper || 'A' <= c && c <= 'Z'
	}
	if ascii && !upper {
		return s
	}
	if ascii {
		return strings.ToLower(s)
	}
	for range 4 { // composing can make a letter that has a lower case; twice is rare
		t := norm.NFC.String(strings.ToLower(s))
		if t == s {
			break
		}
		s = t
	}
	return s
}

func isAlnum(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func isHex(s string) bool {
	for i := 0; i < len(s); i++ {
		if hexDigit(s[i]) < 0 {
			return false
		}
	}
	return s != ""
}

// printable reports whether s is UTF-8 without control characters or blanks.
func printable(s string) bool {
	for _, r := range s {
		if r == utf8.RuneError || r <= ' ' || r == 0x7f || unicode.IsSpace(r) {
			return false
		}
	}
	return true
}
