package web

import (
	"net/netip"
	"strings"
)

// defang returns v so that no program that finds links or addresses in text
// takes it for one: dots of addresses and host names and the scheme of links
// are bracketed. Text that is neither is returned as it is.
func defang(v string) string {
	const between = " \t\r\n'\""
	if strings.ContainsAny(v, between) {
		return defangWords(v, between)
	}
	return defangWord(v)
}

// defangWords treats a pattern or a sentence: what stands between spaces and
// quotes is bracketed piece by piece.
func defangWords(s, between string) string {
	var b strings.Builder
	for s != "" {
		end := strings.IndexAny(s, between)
		if end < 0 {
			end = len(s)
		}
		word := s[:end]
		core := strings.Trim(word, "[](),;")
		before, after, _ := strings.Cut(word, core)
		b.WriteString(before + defangWord(core) + after)
		if end < len(s) {
			b.WriteByte(s[end])
			end++
		}
		s = s[end:]
	}
	return b.String()
}

// defangWord treats one value.
func defangWord(s string) string {
	if a, err := netip.ParseAddr(s); err == nil {
		return defangAddr(a, s)
	}
	if p, err := netip.ParsePrefix(s); err == nil {
		host, bits, _ := strings.Cut(s, "/")
		return defangAddr(p.Addr(), host) + "/" + bits
	}
	scheme, rest, isURL := strings.Cut(s, "://")
	if isURL && isName(scheme) {
		host, path := rest, ""
		if i := strings.IndexAny(rest, "/?#"); i >= 0 {
			host, path = rest[:i], rest[i:]
		}
		return strings.NewReplacer("http", "hxxp", "HTTP", "hxxp", "ftp", "fxp").Replace(scheme) + "://" + bracketed(host) + path
	}
	if user, host, ok := strings.Cut(s, "@"); ok && looksLikeHost(host) {
		return user + "[@]" + bracketed(host)
	}
	if looksLikeHost(s) {
		return bracketed(s)
	}
	return s
}

func defangAddr(a netip.Addr, s string) string {
	if a.Is4() {
		return bracketed(s)
	}
	// The last colon is enough to make it no address.
	if i := strings.LastIndexByte(s, ':'); i >= 0 {
		return s[:i] + "[:]" + s[i+1:]
	}
	return s
}

// bracketed brackets the last dot, which is what makes a name resolvable.
func bracketed(host string) string {
	i := strings.LastIndexByte(host, '.')
	if i < 0 || strings.HasSuffix(host[:i], "[") {
		return host
	}
	return host[:i] + "[.]" + host[i+1:]
}

// notHosts are endings of file names that are written like host names.
var notHosts = map[string]bool{
	"exe": true, "dll": true, "sys": true, "doc": true, "docx": true, "docm": true, "xls": true, "xlsx": true, "xlsm": true,
	"pdf": true, "txt": true, "js": true, "vbs": true, "ps1": true, "bat": true, "cmd": true, "lnk": true, "tmp": true,
	"bin": true, "dat": true, "json": true, "xml": true, "csv": true, "eml": true, "msg": true, "iso": true, "img": true,
	"png": true, "jpg": true, "gif": true, "htm": true, "html": true, "php": true, "aspx": true, "jsp": true, "rar": true,
	"7z": true, "gz": true, "tar": true, "elf": true, "so": true, "apk": true, "jar": true, "class": true, "bak": true,
}

// looksLikeHost says whether s reads as a host name, perhaps with a port.
func looksLikeHost(s string) bool {
	host, _, _ := strings.Cut(s, ":")
	labels := strings.Split(strings.TrimSuffix(host, "."), ".")
	if len(labels) < 2 || strings.ContainsAny(s, `/\<>()"'=`) {
		return false
	}
	for _, l := range labels {
		if l == "" {
			return false
		}
	}
	last := strings.ToLower(labels[len(labels)-1])
	return !notHosts[last] && (len(last) >= 2 || len(labels) == 4) && !isDigits(last)
}

func isDigits(s string) bool {
	return strings.Trim(s, "0123456789") == ""
}

func isHex(s string) bool {
	return strings.Trim(s, "0123456789abcdefABCDEF") == ""
}

func isName(s string) bool {
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '+' && r != '-' && r != '.' {
			return false
		}
	}
	return s != ""
}

// cut shortens s to n runes.
func cut(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-1]) + "…"
}
