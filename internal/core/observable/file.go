package observable

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// normalFileName takes the name of a file; a name with a path before it is a
// path.
func normalFileName(s string) (Key, error) {
	if strings.ContainsAny(s, `\/`) {
		return normalPath(s)
	}
	k, err := normalText(FileName, s, false, true)
	if err != nil || k.Normal == "." || k.Normal == ".." {
		return Key{}, refuse(FileName, s, "not the name of a file")
	}
	return k, nil
}

// normalPath takes the path of a file or folder.
func normalPath(s string) (Key, error) {
	p := strings.TrimFunc(s, unicode.IsSpace)
	if p == "" || !utf8.ValidString(p) || strings.IndexByte(p, 0) >= 0 {
		return Key{}, refuse(Path, s, "empty, holds a NUL or is not UTF-8")
	}
	if isWindowsPath(p) {
		p = windowsPath(p)
	} else {
		p = unixPath(p)
	}
	if p == "" {
		return Key{}, refuse(Path, s, "empty")
	}
	return Key{Path, p}, nil
}

// isWindowsPath reports whether a path has a drive, begins with a variable, or
// has backslashes and no leading slash.
func isWindowsPath(p string) bool {
	if len(p) >= 2 && p[1] == ':' && (p[0]|0x20) >= 'a' && (p[0]|0x20) <= 'z' {
		return true
	}
	if p[0] == '%' && strings.IndexByte(p[1:], '%') > 0 {
		return true
	}
	return p[0] != '/' && strings.IndexByte(p, '\\') >= 0
}

func windowsPath(p string) string {
	p = strings.ReplaceAll(lower(p), "/", `\`)
	for {
		q := p
		for _, pre := range []string{`\\?\`, `\\.\`, `\??\`} {
			if strings.HasPrefix(p, pre) && len(p) > len(pre) {
				p = p[len(pre):]
			}
		}
		if q == p {
			break
		}
	}
	if strings.HasPrefix(p, `unc\`) && len(p) > 4 && !strings.HasPrefix(p, `unc\\`) {
		// What is left of \\?\UNC\server\share would be ambiguous: leave it.
		return trimSeparators(p, '\\')
	}
	network := strings.HasPrefix(p, `\\`)
	p = trimSeparators(p, '\\')
	if network && len(p) > 1 && p[0] == '\\' {
		p = `\` + p
	}
	return strings.TrimFunc(p, unicode.IsSpace)
}

func unixPath(p string) string {
	return strings.TrimFunc(trimSeparators(p, '/'), unicode.IsSpace)
}

// trimSeparators makes runs of a separator one, drops "." segments and a
// separator at the end.
func trimSeparators(p string, sep byte) string {
	double, dot, end := string([]byte{sep, sep}), string([]byte{sep, '.', sep}), string(sep)
	if !strings.Contains(p, double) && !strings.Contains(p, dot) && !strings.HasSuffix(p, end) {
		return p
	}
	out := make([]byte, 0, len(p))
	for i := 0; i < len(p); i++ {
		c := p[i]
		if c == sep && len(out) > 0 && out[len(out)-1] == sep {
			continue
		}
		if c == '.' && i+1 < len(p) && p[i+1] == sep && len(out) > 0 && out[len(out)-1] == sep {
			i++ // the separator after it goes too
			continue
		}
		out = append(out, c)
	}
	if n := len(out); n > 1 && out[n-1] == sep && (n != 3 || out[1] != ':') {
		out = out[:n-1]
	}
	return string(out)
}

// hives are the long names of registry hives by the names in use.
var hives = map[string]string{
	"HKLM": "HKEY_LOCAL_MACHINE", "HKEY_LOCAL_MACHINE": "HKEY_LOCAL_MACHINE",
	"HKCU": "HKEY_CURRENT_USER", "HKEY_CURRENT_USER": "HKEY_CURRENT_USER",
	"HKCR": "HKEY_CLASSES_ROOT", "HKEY_CLASSES_ROOT": "HKEY_CLASSES_ROOT",
	"HKU": "HKEY_USERS", "HKEY_USERS": "HKEY_USERS",
	"HKCC": "HKEY_CURRENT_CONFIG", "HKEY_CURRENT_CONFIG": "HKEY_CURRENT_CONFIG",
	"HKPD": "HKEY_PERFORMANCE_DATA", "HKEY_PERFORMANCE_DATA": "HKEY_PERFORMANCE_DATA",
}

// normalRegKey takes a registry key: as tools, PowerShell ("HKLM:\…") and the
// kernel ("\REGISTRY\MACHINE\…") write it.
func normalRegKey(s string) (Key, error) {
	k, err := normalText(RegKey, s, false, false)
	if err != nil {
		return Key{}, err
	}
	p := trimSeparators(k.Normal, '\\')
	p = strings.TrimPrefix(p, `\`)
	up := strings.ToUpper(p[:min(len(p), 48)])
	switch {
	case strings.HasPrefix(up, `REGISTRY\MACHINE`):
		p = "HKLM" + p[len(`REGISTRY\MACHINE`):]
	case strings.HasPrefix(up, `REGISTRY\USER`):
		p = "HKU" + p[len(`REGISTRY\USER`):]
	case strings.HasPrefix(up, `COMPUTER\HK`):
		p = p[len(`COMPUTER\`):]
	}
	hive, rest, deeper := strings.Cut(p, `\`)
	name, known := hives[strings.ToUpper(strings.TrimSuffix(hive, ":"))]
	if !known {
		if !deeper || p == "" {
			return Key{}, refuse(RegKey, s, "has no hive and no backslash")
		}
		q := lower(p)
		if h, _, _ := strings.Cut(q, `\`); h == "" || q != strings.TrimSpace(q) || isHiveAlias(q) {
			return Key{}, refuse(RegKey, s, "not a registry key")
		}
		return Key{RegKey, q}, nil
	}
	if !deeper || rest == "" {
		return Key{RegKey, name}, nil
	}
	return Key{RegKey, name + `\` + lower(rest)}, nil
}

// isHiveAlias reports whether text in lower case begins as one of the other
// spellings of a hive would.
func isHiveAlias(q string) bool {
	return strings.HasPrefix(q, `registry\`) || strings.HasPrefix(q, `computer\`)
}
