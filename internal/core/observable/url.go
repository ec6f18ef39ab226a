package observable

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"
)

// defaultPorts are dropped from a URL of their scheme.
var defaultPorts = map[string]string{
	"http": "80", "https": "443", "ftp": "21", "ftps": "990", "ws": "80", "wss": "443", "ssh": "22", "sftp": "22",
	"telnet": "23", "ldap": "389", "ldaps": "636", "smtp": "25", "imap": "143", "pop3": "110", "rtsp": "554",
}

// normalURL takes a URL.
//
// Source: rfc3986 §6.2.2, §5.2.4.
func normalURL(s string) (Key, error) {
	if plainURL(s) {
		return Key{URL, s}, nil
	}
	u := strings.TrimSpace(s)
	scheme, rest, ok := cutScheme(u)
	switch {
	case !ok && (strings.HasPrefix(u, "//") && len(u) > 2):
		scheme, rest = "http", u[2:]
	case !ok && strings.Contains(u, "://"):
		return Key{}, refuse(URL, s, "the scheme is not one")
	case !ok:
		scheme, rest = "http", u
	}
	if i := strings.IndexByte(rest, '#'); i >= 0 {
		rest = rest[:i]
	}
	if !utf8.ValidString(rest) || strings.IndexByte(rest, 0) >= 0 {
		return Key{}, refuse(URL, s, "holds a NUL or is not UTF-8")
	}
	authority, tail := rest, ""
	if i := strings.IndexAny(rest, `/?\`); i >= 0 {
		authority, tail = rest[:i], rest[i:]
	}
	user := ""
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		user, authority = authority[:i+1], authority[i+1:]
	}
	host, port, ok := cutPort(authority)
	if !ok {
		return Key{}, refuse(URL, s, "the port is not a number")
	}
	host, ok = normalHost(host)
	if !ok {
		return Key{}, refuse(URL, s, "the host is neither a name nor an address")
	}
	if port == defaultPorts[scheme] {
		port = ""
	}
	if tail != "" && tail[0] == '\\' {
		tail = "/" + tail[1:]
	}
	path, query, hasQuery := strings.Cut(tail, "?")
	var sb strings.Builder
	sb.Grow(len(u) + 8)
	sb.WriteString(scheme)
	sb.WriteString("://")
	sb.WriteString(escape(user))
	sb.WriteString(host)
	if port != "" {
		sb.WriteByte(':')
		sb.WriteString(port)
	}
	if path = removeDots(escape(path)); path == "" {
		path = "/"
	}
	sb.WriteString(path)
	if hasQuery && query != "" {
		sb.WriteByte('?')
		sb.WriteString(escape(query))
	}
	if sb.Len() > MaxValueBytes {
		return Key{}, refuse(URL, s, "longer than 64 KiB in normal form")
	}
	if sb.String() == s {
		return Key{URL, s}, nil
	}
	return Key{URL, sb.String()}, nil
}

// plainURL reports whether s is in normal form already, for the usual sort of
// URL only: http or https, a name as host, no port, nothing to encode.
func plainURL(s string) bool {
	i := 7
	if !strings.HasPrefix(s, "http://") {
		if i++; !strings.HasPrefix(s, "https://") {
			return false
		}
	}
	j := strings.IndexByte(s[i:], '/')
	if j < 1 || len(s) > MaxValueBytes {
		return false
	}
	host := s[i : i+j]
	if host[j-1] == '.' || strings.IndexByte(host, '%') >= 0 {
		return false
	}
	if name, ok := asciiName(host); !ok || name != host {
		return false
	}
	for k := i + j; k < len(s); k++ {
		c := s[k]
		if c == '%' || c == '#' || !allowedBare(c) || c == '.' && s[k-1] == '/' {
			return false
		}
	}
	return s[len(s)-1] != '?'
}

// cutScheme parts "scheme://rest" and returns the scheme in lower case; the
// defanged hxxp and hxxps are taken for what they stand for.
func cutScheme(s string) (scheme, rest string, ok bool) {
	i := strings.Index(s, "://")
	if i < 1 || i > 32 {
		return "", "", false
	}
	for j := range i {
		if c := s[j]; !isAlnum(c) && (j == 0 || c != '+' && c != '-' && c != '.') {
			return "", "", false
		}
	}
	if '0' <= s[0] && s[0] <= '9' {
		return "", "", false
	}
	scheme = strings.ToLower(s[:i])
	if t, ok := fangless[scheme]; ok {
		scheme = t
	}
	return scheme, s[i+3:], true
}

// fangless are schemes written so that nobody follows them by mistake.
var fangless = map[string]string{
	"hxxp": "http", "hxxps": "https", "fxp": "ftp", "hxp": "http", "htxp": "http", "hxtp": "http", "htxps": "https", "hxtps": "https",
}

// cutPort parts a port from a host; the port has no leading zeros.
func cutPort(s string) (host, port string, ok bool) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 || strings.IndexByte(s[i:], ']') >= 0 || s[0] != '[' && strings.IndexByte(s[:i], ':') >= 0 {
		return s, "", true
	}
	host, port = s[:i], s[i+1:]
	if port == "" {
		return host, "", true
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return "", "", false
	}
	return host, strconv.FormatUint(n, 10), true
}

// normalHost returns the normal form of a URL's host: an address, in brackets
// if IPv6, or a name. A host that is neither but made of printable ASCII is
// kept in lower case, since such URLs are reported and must be found again.
func normalHost(h string) (string, bool) {
	if h == "" {
		return "", false
	}
	if strings.IndexByte(h, '%') >= 0 && h[0] != '[' {
		h = unescapeHost(h)
	}
	if c := h[0]; c == '[' || '0' <= c && c <= '9' || strings.IndexByte(h, ':') >= 0 {
		if strings.IndexByte(h, '/') < 0 {
			if k, err := normalIP(IPv4, h); err == nil {
				if k.Type == IPv6 {
					return "[" + k.Normal + "]", true
				}
				return k.Normal, true
			}
		}
	}
	if k, err := normalDomain(h); err == nil {
		if n := len(k.Normal); k.Normal[n-1] != '.' {
			return k.Normal, true
		}
	}
	for i := 0; i < len(h); i++ {
		if c := h[i]; c <= ' ' || c >= 0x7f || strings.IndexByte(`/?#@\<>"^`+"`"+`{|}[]%:`, c) >= 0 {
			return "", false
		}
	}
	return strings.ToLower(h), true
}

// unescapeHost undoes percent-encoding in a host; h itself if that fails.
func unescapeHost(h string) string {
	var sb strings.Builder
	for i := 0; i < len(h); i++ {
		if h[i] != '%' {
			sb.WriteByte(h[i])
			continue
		}
		if i+2 >= len(h) || hexDigit(h[i+1]) < 0 || hexDigit(h[i+2]) < 0 {
			return h
		}
		sb.WriteByte(byte(hexDigit(h[i+1])<<4 | hexDigit(h[i+2])))
		i += 2
	}
	if out := sb.String(); out != "" && utf8.ValidString(out) {
		return out
	}
	return h
}

const upperHex = "0123456789ABCDEF"

// escape brings percent-encoding into one form: unreserved characters bare,
// digits in upper case, a stray per cent sign and what may not stand in a URL
// encoded.
func escape(s string) string {
	i := 0
	for i < len(s) && s[i] != '%' && allowedBare(s[i]) {
		i++
	}
	if i == len(s) {
		return s
	}
	out := make([]byte, 0, len(s)+16)
	out = append(out, s[:i]...)
	for ; i < len(s); i++ {
		c := s[i]
		if c != '%' {
			if allowedBare(c) {
				out = append(out, c)
			} else {
				out = append(out, '%', upperHex[c>>4], upperHex[c&15])
			}
			continue
		}
		if i+2 >= len(s) || hexDigit(s[i+1]) < 0 || hexDigit(s[i+2]) < 0 {
			out = append(out, "%25"...)
			continue
		}
		c = byte(hexDigit(s[i+1])<<4 | hexDigit(s[i+2]))
		if isAlnum(c) || c == '-' || c == '.' || c == '_' || c == '~' {
			out = append(out, c)
		} else {
			out = append(out, '%', upperHex[c>>4], upperHex[c&15])
		}
		i += 2
	}
	return string(out)
}

// allowedBare reports whether c may stand in a path or query as it is.
func allowedBare(c byte) bool {
	return c > ' ' && c < 0x7f && c != '"' && c != '<' && c != '>' && c != '\\' && c != '^' && c != '`' &&
		c != '{' && c != '|' && c != '}'
}

// removeDots removes "." and ".." segments from an absolute path.
func removeDots(p string) string {
	if !strings.Contains(p, "/.") {
		return p
	}
	out := make([]byte, 0, len(p))
	for len(p) > 0 { // p begins with a slash
		i := strings.IndexByte(p[1:], '/') + 1
		if i == 0 {
			i = len(p)
		}
		seg := p[:i]
		p = p[i:]
		switch seg {
		case "/.", "/..":
			if seg == "/.." {
				if j := bytes.LastIndexByte(out, '/'); j >= 0 {
					out = out[:j]
				}
			}
			if p == "" {
				out = append(out, '/')
			}
		default:
			out = append(out, seg...)
		}
	}
	return string(out)
}

// urlHost returns the host of a URL in normal form.
func urlHost(u string) string {
	i := strings.Index(u, "://")
	if i < 0 {
		return ""
	}
	u = u[i+3:]
	if i = strings.IndexAny(u, "/?"); i >= 0 {
		u = u[:i]
	}
	if i = strings.LastIndexByte(u, '@'); i >= 0 {
		u = u[i+1:]
	}
	host, _, _ := cutPort(u)
	return host
}

// urlPath returns the path and query of a URL in normal form.
func urlPath(u string) string {
	i := strings.Index(u, "://")
	if i < 0 {
		return ""
	}
	if j := strings.IndexByte(u[i+3:], '/'); j >= 0 {
		return u[i+3+j:]
	}
	return ""
}
