package observable

import (
	"net/netip"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Parse returns what a person's text could be, most specific first; nothing if
// it is likely just words. White space and quotation marks around it and what
// keeps people from following links are undone first.
func Parse(s string) []Key {
	s = strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("'\"`“”‘’«»", r) })
	if s == "" || len(s) > MaxValueBytes || !utf8.ValidString(s) {
		return nil
	}
	s = Refang(s)
	var out []Key
	guess(s, func(k Key) {
		if !slices.Contains(out, k) {
			out = append(out, k)
		}
	})
	return out
}

// guess yields what s could be, most specific first.
func guess(s string, yield func(Key)) {
	try := func(t Type, v string) bool {
		k, err := Normal(t, v)
		if err == nil {
			yield(k)
		}
		return err == nil
	}
	if s == "" {
		return
	}
	if strings.Contains(s, "://") && strings.IndexFunc(s, unicode.IsSpace) < 0 {
		try(URL, s)
		return
	}
	if maybeAddress(s) && (try(IPv4, s) || addressAndPort(s, yield)) {
		return
	}
	if strings.IndexByte(s, ' ') < 0 && strings.IndexByte(s, '@') > 0 && try(Email, s) {
		return
	}
	if strings.HasSuffix(s, ">") && strings.IndexByte(s, '<') > 0 && try(Email, s) {
		return
	}
	if guessHash(s, yield) {
		return
	}
	up := strings.ToUpper(s[:min(len(s), 48)])
	switch {
	case isCVE(up) && len(s) == len(up):
		try(CVE, s)
		return
	case isTechnique(up) && len(s) == len(up):
		try(Technique, s)
		return
	case strings.HasPrefix(up, "AS") && len(s) > 2 && try(ASN, s):
		return
	case isMAC(s) && try(MAC, s):
		return
	case isRegKey(up) && try(RegKey, s):
		return
	case (len(s) >= 25 && len(s) <= 95 || strings.HasPrefix(s, "0x")) && try(Wallet, s):
		return
	case isUserAgent(s):
		try(UserAgent, s)
		return
	case strings.HasPrefix(s, `Global\`), strings.HasPrefix(s, `Local\`):
		try(Mutex, s)
		return
	}
	if isPath(s) {
		try(Path, s)
		return
	}
	guessName(s, yield)
}

// maybeAddress is a quick look that sorts out what is no address or range.
func maybeAddress(s string) bool {
	marks := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '%':
			return marks // a zone
		case c == '.' || c == ':':
			marks = true
		case hexDigit(c) < 0 && c != '/' && c != '[' && c != ']':
			return false
		}
	}
	return marks
}

// addressAndPort takes 192.0.2.1:443 and [2001:db8::1]:443.
func addressAndPort(s string, yield func(Key)) bool {
	ap, err := netip.ParseAddrPort(s)
	if err != nil {
		return false
	}
	k, err := normalIP(IPv4, ap.Addr().String())
	if err == nil {
		yield(k)
	}
	return err == nil
}

// hashLengths are the kinds of hash by the number of their digits, the most
// common first.
var hashLengths = map[int][]Type{
	32: {MD5, ImpHash, JA3, JA3S}, 40: {SHA1}, 56: {SHA224, SHA3x224}, 62: {JARM},
	64: {SHA256, SHA3x256}, 70: {TLSH}, 96: {SHA384, SHA3x384}, 128: {SHA512, SHA3x512},
}

// guessHash takes what has the length of a hash.
func guessHash(s string, yield func(Key)) bool {
	if len(s) < 10 {
		return false
	}
	v := s
	if len(v) > 47 && strings.Count(v, ":") >= 15 {
		v = dropSeparators(v) // a certificate's fingerprint
	}
	if len(v) == 72 && (strings.HasPrefix(v, "T1") || strings.HasPrefix(v, "t1")) {
		v = v[2:]
	}
	if len(v) == 47 && strings.Count(v, ":") == 15 {
		v = dropSeparators(v)
	}
	if types := hashLengths[len(v)]; types != nil && isHex(v) {
		for _, t := range types {
			if k, err := Normal(t, v); err == nil {
				yield(k)
			}
		}
		return true
	}
	if len(s) > 10 && strings.Count(s, ":") == 2 && strings.IndexByte(s, ' ') < 0 {
		if k, err := normalSSDeep(s); err == nil && !isMAC(s) {
			yield(k)
			return true
		}
	}
	return false
}

func isMAC(s string) bool {
	if len(s) == 14 {
		return s[4] == '.' && s[9] == '.'
	}
	return len(s) == 17 && (s[2] == ':' || s[2] == '-') && s[5] == s[2] && s[8] == s[2] && s[11] == s[2] && s[14] == s[2]
}

// isRegKey reports whether text in upper case begins with the name of a hive
// and a backslash.
func isRegKey(up string) bool {
	hive, _, deeper := strings.Cut(up, `\`)
	if !deeper {
		return false
	}
	if _, ok := hives[strings.TrimSuffix(hive, ":")]; ok {
		return true
	}
	return strings.HasPrefix(up, `\REGISTRY\`) || strings.HasPrefix(up, `COMPUTER\HK`)
}

// isUserAgent reports whether s begins as user agents do: "Mozilla/", or a
// product with a version and a comment in brackets.
func isUserAgent(s string) bool {
	if strings.HasPrefix(s, "Mozilla/") {
		return true
	}
	product, rest, ok := strings.Cut(s, " ")
	if !ok || rest == "" || rest[0] != '(' || rest[len(rest)-1] != ')' && strings.IndexByte(rest, ')') < 0 {
		return false
	}
	name, version, ok := strings.Cut(product, "/")
	return ok && name != "" && version != "" && version[0] >= '0' && version[0] <= '9'
}

// isPath reports whether s reads as the path of a file or folder.
func isPath(s string) bool {
	if len(s) < 3 {
		return false
	}
	if s[1] == ':' && (s[2] == '\\' || s[2] == '/') && isAlnum(s[0]) {
		return true
	}
	switch {
	case s[0] == '%':
		return strings.IndexAny(s[1:], `\/`) > 0
	case strings.HasPrefix(s, `\\`):
		return strings.IndexByte(s[2:], '\\') > 0
	case strings.HasPrefix(s, "~/"):
		return true
	}
	return s[0] == '/' && s[1] != '/' && strings.IndexByte(s, ' ') < 0
}

// guessName takes names: a domain, a file, a URL without a scheme.
func guessName(s string, yield func(Key)) {
	if strings.IndexFunc(s, unicode.IsSpace) >= 0 || !strings.Contains(s, ".") {
		return
	}
	if i := strings.IndexByte(s, '/'); i > 0 {
		host, _, _ := cutPort(s[:i])
		if d, err := normalDomain(host); err == nil && KnownSuffix(d) {
			if k, err := normalURL(s); err == nil {
				yield(k)
			}
		} else if _, err := netip.ParseAddr(host); err == nil && strings.Trim(s[i+1:], "0123456789") != "" { // else a range that is too long
			if k, err := normalURL(s); err == nil {
				yield(k)
			}
		}
		return
	}
	d, err := normalDomain(s)
	known := err == nil && KnownSuffix(d)
	file := isFileName(s) || s[0] == '.' && isName(s[1:]) // an ending alone
	if known && (!file || ambiguous(s)) {
		yield(d)
	}
	if file {
		if k, err := normalFileName(s); err == nil {
			yield(k)
		}
	}
	if err == nil && (!known || file && !ambiguous(s)) {
		yield(d)
	}
	if err != nil && !file {
		if host, _, ok := cutPort(s); ok && host != s {
			if d, err := normalDomain(host); err == nil && KnownSuffix(d) {
				yield(d)
			}
		}
	}
}

// extensions are ends of file names worth finding in prose.
var extensions = set("7z", "apk", "bat", "bin", "bmp", "cab", "chm", "class", "cmd", "conf", "cpl", "csv", "dat", "deb", "dex", "dll",
	"dmg", "doc", "docm", "docx", "dot", "dotm", "drv", "elf", "eml", "exe", "gif", "gz", "hta", "htm", "html", "ico", "img", "inf",
	"ini", "iso", "jar", "jpeg", "jpg", "js", "jse", "json", "ko", "lnk", "log", "lua", "mhtml", "msc", "msg", "msi", "msix", "msp",
	"ocx", "odt", "one", "pdb", "pdf", "php", "plist", "png", "pps", "ppt", "pptm", "pptx", "ps1", "psm1", "pyc", "rar", "reg", "rpm",
	"rtf", "scr", "sct", "sqlite", "swf", "sys", "tar", "tmp", "txt", "url", "vbe", "vbs", "vhd", "vhdx", "war", "wsf", "xls", "xlsb",
	"xlsm", "xlsx", "xml", "xps", "asp", "aspx", "jsp", "cfg", "db", "bak", "lock", "key", "pem", "crt", "cer", "pfx")

// ambiguousEnds end names of files and of domains alike.
var ambiguousEnds = set("zip", "md", "sh", "py", "pl", "rs", "mov", "ps", "so", "app", "cc", "com", "box", "foo", "mp", "mobi", "ai")

func set(words ...string) map[string]struct{} {
	m := make(map[string]struct{}, len(words))
	for _, w := range words {
		m[w] = struct{}{}
	}
	return m
}

// isFileName reports whether s ends as file names do.
func isFileName(s string) bool {
	end := extension(s)
	_, ok := extensions[end]
	return ok || ambiguous(s)
}

// isName reports whether s is up to sixteen ASCII letters and digits.
func isName(s string) bool {
	for i := 0; i < len(s); i++ {
		if !isAlnum(s[i]) && s[i] != '_' && s[i] != '-' {
			return false
		}
	}
	return s != "" && len(s) <= 16
}

func ambiguous(s string) bool {
	_, ok := ambiguousEnds[extension(s)]
	return ok
}

func extension(s string) string {
	i := strings.LastIndexByte(s, '.')
	if i < 1 || len(s)-i > 8 {
		return ""
	}
	return strings.ToLower(s[i+1:])
}
