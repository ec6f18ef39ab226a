package observable

import (
	"net/netip"
	"strings"
)

// marker is what people write in place of a dot, an @ or a colon, so that
// nobody follows a link by mistake.
type marker struct{ written, means string }

// markers are tried in this order: one that another begins with comes after it.
var markers = [...]marker{
	{"[.]", "."},
	{"(.)", "."},
	{"{.}", "."},
	{"[dot]", "."},
	{"(dot)", "."},
	{"{dot}", "."},
	{"[at]", "@"},
	{"(at)", "@"},
	{"{at}", "@"},
	{"[@]", "@"},
	{"(@)", "@"},
	{"{@}", "@"},
	{"[://]", "://"},
	{"[:]//", "://"},
	{"[:]", ":"},
	{"[/]", "/"},
}

// markerAt returns the marker at the head of s.
func markerAt(s string) (marker, bool) {
	if len(s) < 3 || s[0] != '[' && s[0] != '(' && s[0] != '{' {
		return marker{}, false
	}
	for _, m := range markers {
		if len(s) >= len(m.written) && s[0] == m.written[0] && strings.EqualFold(s[:len(m.written)], m.written) {
			return m, true
		}
	}
	return marker{}, false
}

// endsInMarker reports whether s ends in a marker.
func endsInMarker(s string) bool {
	n := len(s)
	if n < 3 || s[n-1] != ']' && s[n-1] != ')' && s[n-1] != '}' {
		return false
	}
	for _, m := range markers {
		if n >= len(m.written) && strings.EqualFold(s[n-len(m.written):], m.written) {
			return true
		}
	}
	return false
}

// Refang undoes what keeps people from following a link by mistake: hxxp,
// hxxps, [.] (.) {.} [dot] (dot) [at] (at) [@] [:] [://] [/] and [.com], in
// upper or lower case, with or without blanks around. Other text stays as it
// is. It takes time linear in s.
func Refang(s string) string {
	if !fanged(s) {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); {
		if m, ok := markerAt(s[i:]); ok {
			for m.means != ":" && len(out) > 0 && out[len(out)-1] == ' ' {
				out = out[:len(out)-1]
			}
			out = append(out, m.means...)
			i += len(m.written)
			for m.means != ":" && i < len(s) && s[i] == ' ' {
				i++
			}
			continue
		}
		if s[i] == '[' { // [.com]
			if n := dottedSuffix(s[i:]); n > 0 {
				out = append(out, s[i+1:i+n-1]...)
				i += n
				continue
			}
		}
		if n, to := schemeAt(s, i); n > 0 {
			out = append(out, to...)
			i += n
			continue
		}
		out = append(out, s[i])
		i++
	}
	return string(out)
}

// fanged reports whether there may be something to undo.
func fanged(s string) bool {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '[', '(', '{':
			return true
		case 'h', 'H', 'f', 'F':
			if n, _ := schemeAt(s, i); n > 0 {
				return true
			}
		}
	}
	return false
}

// schemeAt returns the length of a defanged scheme that begins a word at i and
// is followed by a colon or a marker, and what it stands for.
func schemeAt(s string, i int) (int, string) {
	if (s[i]|0x20) != 'h' && (s[i]|0x20) != 'f' || i > 0 && isAlnum(s[i-1]) {
		return 0, ""
	}
	j := i
	for j < len(s) && j-i < 6 && (isAlnum(s[j]) || s[j] == '*') {
		j++
	}
	word := s[i:j]
	if rest := s[j:]; !strings.HasPrefix(rest, "://") && !strings.HasPrefix(rest, "[:") {
		return 0, ""
	}
	if strings.EqualFold(word, "h**p") {
		return j - i, "http"
	}
	if strings.EqualFold(word, "h**ps") {
		return j - i, "https"
	}
	if len(word) == 4 || len(word) == 5 || len(word) == 3 {
		if t, ok := fangless[strings.ToLower(word)]; ok {
			return j - i, t
		}
	}
	return 0, ""
}

// dottedSuffix returns the length of "[.label]" at the head of s, else 0.
func dottedSuffix(s string) int {
	if len(s) < 4 || s[1] != '.' {
		return 0
	}
	for i := 2; i < len(s) && i < 16; i++ {
		if s[i] == ']' && i > 2 {
			return i + 1
		}
		if !isAlnum(s[i]) && s[i] != '.' {
			return 0
		}
	}
	return 0
}

// Defang returns an address, name, URL or e-mail address written so that
// nobody follows it by mistake; any other value as it is. [Refang] undoes it.
func Defang(s string) string {
	if scheme, rest, ok := cutScheme(s); ok {
		i := strings.IndexAny(rest, "/?#")
		if i < 0 {
			i = len(rest)
		}
		switch scheme {
		case "http", "https":
			scheme = "hxxp" + scheme[4:]
		case "ftp":
			scheme = "fxp"
		}
		return scheme + "://" + bracketDots(rest[:i]) + rest[i:]
	}
	if i := strings.LastIndexByte(s, '@'); i > 0 {
		if k, err := normalEmail(s); err == nil && k.Type == Email {
			return s[:i] + "[@]" + bracketDots(s[i+1:])
		}
		return s
	}
	addr := s
	if i := strings.IndexByte(addr, '/'); i >= 0 {
		addr = addr[:i]
	}
	if a, err := netip.ParseAddr(addr); err == nil {
		if a.Is4() {
			return bracketDots(s)
		}
		return strings.Replace(s, ":", "[:]", 1)
	}
	if name, ok := asciiName(s); ok && strings.IndexByte(name, '.') > 0 {
		if _, known := suffix(name); known {
			return bracketDots(s)
		}
	}
	return s
}

func bracketDots(s string) string { return strings.ReplaceAll(s, ".", "[.]") }
