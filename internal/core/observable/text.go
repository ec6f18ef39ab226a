package observable

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// MaxTextBytes is how much of a text [FromText] reads.
	MaxTextBytes = 16 << 20

	// maxTokenBytes is the longest piece without white space that is looked
	// at: longer ones are encoded data.
	maxTokenBytes = 8 << 10
)

// Mention is one value found in an object or a text.
type Mention struct {
	Key
	// Path is where: "ipv4-addr:value", "file:hashes.SHA-256",
	// "external_references.url"; "text" in prose.
	Path string
	// Written is the value as it was written.
	Written string
	// Reference is set when the value is only that of a link to further
	// reading: it says nothing about what the object is about.
	Reference bool
	// Derived is set when the value was only part of another: the host of a
	// URL, the domain of an e-mail address, the file name of a path. It is
	// weaker, and its Written is the whole.
	Derived bool
}

// emit yields a mention and the weaker one it holds within.
func emit(yield func(Mention), m Mention) {
	yield(m)
	if r, ok := Related(m.Key); ok {
		m.Key, m.Derived = r, true
		yield(m)
	}
}

// FromText finds values in prose: URLs, addresses and ranges, domain names
// with a known public suffix, e-mail addresses, hashes, CVE and ATT&CK
// identifiers, AS numbers, MAC addresses, registry keys, wallets, and names
// and paths of files, whether or not they are written so that nobody follows
// them by mistake. The same value is yielded as often as it stands there. Of
// hashes of one length only the most common kind is yielded. It reads at most
// [MaxTextBytes] and takes time linear in that.
func FromText(s string, yield func(Mention)) {
	if len(s) > MaxTextBytes {
		s = s[:MaxTextBytes]
	}
	for len(s) > 0 {
		n := skipEdges(s)
		s = s[n:]
		end, spaced := tokenEnd(s)
		if end == 0 {
			continue
		}
		tok := s[:end]
		s = s[end:]
		if len(tok) > maxTokenBytes || len(tok) < 4 {
			continue
		}
		if fromToken(tok, yield) || !spaced {
			continue
		}
		for part := range strings.FieldsSeq(tok) {
			fromToken(part, yield)
		}
	}
}

// skipEdges returns how many bytes at the head of s part words.
func skipEdges(s string) int {
	i := 0
	for i < len(s) {
		r, n := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRuneInString(s[i:])
		}
		if !isEdge(r) {
			break
		}
		i += n
	}
	return i
}

// isEdge reports whether a character parts words of interest.
func isEdge(r rune) bool {
	if r < utf8.RuneSelf {
		return r <= ' ' || r == 0x7f || r == '<' || r == '>' || r == '"' || r == '`' || r == '|'
	}
	switch r {
	case '“', '”', '‘', '’', '«', '»', '„', '。', '，', '、', '；', '：', '（', '）', '「', '」', '《', '》', '【', '】', utf8.RuneError,
		0x200b, 0xfeff, '…', '•', '→':
		return true
	}
	return unicode.IsSpace(r)
}

// tokenEnd returns the length of the piece at the head of s up to the next
// edge. Blanks around a marker such as (dot) belong to the piece; spaced
// reports whether there are any.
func tokenEnd(s string) (end int, spaced bool) {
	for end < len(s) {
		r, n := rune(s[end]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRuneInString(s[end:])
		}
		if !isEdge(r) {
			end += n
			continue
		}
		if r != ' ' || end == 0 || end > maxTokenBytes {
			return end, spaced
		}
		next := s[end+1:]
		if pathGoesOn(s[:end], next) {
			end++
			spaced = true
			continue
		}
		m, before := markerAt(next)
		if before && isAlnum(s[end-1]) && (m.means == "." || m.means == "@") {
			end += 1 + len(m.written)
			spaced = true
			continue
		}
		if !endsInMarker(s[:end]) || next == "" || !isAlnum(next[0]) || markerLed(s[:end]) {
			return end, spaced
		}
		end++
		spaced = true
	}
	return end, spaced
}

// pathGoesOn reports whether a Windows path or registry key goes on after a
// blank: the next word, or the one in brackets after it, has a backslash
// inside and begins nothing new. At most 64 bytes are looked at.
func pathGoesOn(sofar, next string) bool {
	if len(sofar) < 3 || len(sofar) > 512 || extension(sofar) != "" || !beginsPath(sofar) {
		return false
	}
	next = next[:min(len(next), 64)]
	i := strings.IndexAny(next, "\\ \t\r\n<>|\",;:")
	if i > 0 && strings.HasPrefix(next[i:], " (x86)\\") {
		return true
	}
	if strings.HasPrefix(next, "(x86)\\") {
		return true
	}
	if i < 1 || next[i] != '\\' || strings.IndexByte("(['%", next[0]) >= 0 {
		return false
	}
	_, hive := hives[strings.ToUpper(next[:i])]
	return !hive
}

// beginsPath reports whether s begins, marks left out, with a drive, a
// variable or a hive and a backslash.
func beginsPath(s string) bool {
	s = strings.TrimLeft(s, "('[\"")
	i := strings.IndexByte(s[:min(len(s), 24)], '\\')
	if i < 2 {
		return false
	}
	if i == 2 && s[1] == ':' && isAlnum(s[0]) || s[0] == '%' && s[i-1] == '%' {
		return true
	}
	_, hive := hives[strings.ToUpper(strings.TrimSuffix(s[:i], ":"))]
	return hive
}

// markerLed reports whether s is nothing but a marker.
func markerLed(s string) bool {
	m, ok := markerAt(s)
	return ok && len(s) == len(m.written)
}

// fromToken yields what a piece of text holds and reports whether it held
// anything.
func fromToken(tok string, yield func(Mention)) bool {
	tok = trimToken(tok)
	if len(tok) < 4 {
		return false
	}
	v := tok
	marked := false
	if fanged(tok) {
		v = Refang(tok)
		marked = v != tok
	}
	if i := strings.Index(v, "://"); i > 0 {
		return fromURL(tok, v, i, yield)
	}
	if found := classify(tok, v, marked, yield); found {
		return true
	}
	found := false
	for _, part := range strings.FieldsFunc(v, isInnerEdge) {
		if len(part) == len(v) {
			continue
		}
		if part = trimToken(part); len(part) >= 4 {
			written := part
			if marked {
				written = tok
			}
			found = classify(written, part, marked, yield) || found
		}
	}
	if found || isASCII(v) {
		return found
	}
	return fromRuns(v, marked, yield)
}

// isInnerEdge reports whether a character parts values within a piece.
func isInnerEdge(r rune) bool {
	switch r {
	case ',', ';', '(', ')', '[', ']', '{', '}', '=', '\'', '*', '!', '?', '#', '^', '&':
		return true
	}
	return false
}

// fromRuns looks at the runs of ASCII in a piece that mixes scripts, as text
// without blanks between words does.
func fromRuns(v string, marked bool, yield func(Mention)) bool {
	found := false
	for _, part := range strings.FieldsFunc(v, func(r rune) bool { return r >= utf8.RuneSelf }) {
		if part = trimToken(part); len(part) >= 4 {
			found = classify(part, part, marked, yield) || found
		}
	}
	return found
}

// fromURL yields the URL around the "://" at i in v.
func fromURL(tok, v string, i int, yield func(Mention)) bool {
	start := i
	for start > 0 && (isAlnum(v[start-1]) || v[start-1] == '+') {
		start--
	}
	u := v[start:]
	if j := strings.IndexAny(u, "{}^"); j >= 0 {
		u = u[:j]
	}
	// Two URLs joined by a comma or semicolon.
	rest := ""
	if j := strings.Index(u[i-start+3:], "://"); j > 0 {
		j += i - start + 3
		if c := strings.LastIndexAny(u[:j], ",;"); c > 0 {
			u, rest = u[:c], u[c+1:]
		}
	}
	u = trimToken(cutUnbalanced(u))
	written := u
	if start == 0 && rest == "" && len(u) == len(v) {
		written = tok
	}
	found := false
	if k, err := normalURL(u); err == nil && plausibleHost(k) {
		emit(yield, Mention{Key: k, Path: "text", Written: written})
		found = true
	}
	if rest != "" {
		if j := strings.Index(rest, "://"); j > 0 {
			found = fromURL(rest, rest, j, yield) || found
		}
	}
	return found
}

// cutUnbalanced ends a URL at a closing bracket whose opening one is not in
// it: it closes what stands around the URL.
func cutUnbalanced(u string) string {
	round, square := 0, 0
	for i := 0; i < len(u); i++ {
		switch u[i] {
		case '(':
			round++
		case '[':
			square++
		case ')':
			if round--; round < 0 {
				return u[:i]
			}
		case ']':
			if square--; square < 0 {
				return u[:i]
			}
		}
	}
	return u
}

// plausibleHost reports whether a URL found in prose has a host worth naming.
func plausibleHost(u Key) bool {
	k, ok := Related(u)
	return ok && (k.Type != Domain || strings.IndexByte(k.Normal, '.') > 0 || k.Normal == "localhost")
}

// trimToken drops the marks that prose puts around a value, but keeps closing
// brackets whose opening ones are inside.
func trimToken(s string) string {
	for s != "" {
		if c := s[0]; c != '(' && c != '[' && c != '{' && c != '\'' && c != ',' && c != ';' && c != '*' && c != '=' && c != ':' {
			break
		}
		if _, ok := markerAt(s); ok {
			break
		}
		if s[0] == ':' && len(s) > 1 && s[1] == ':' {
			break
		}
		if s[0] == '[' {
			if i := strings.IndexByte(s, ']'); i > 0 && strings.Count(s[:i], ":") > 1 {
				break // an IPv6 address in brackets
			}
		}
		s = s[1:]
	}
	opened := [3]int{strings.Count(s, "("), strings.Count(s, "["), strings.Count(s, "{")}
	closed := [3]int{strings.Count(s, ")"), strings.Count(s, "]"), strings.Count(s, "}")}
	for s != "" {
		c := s[len(s)-1]
		i := strings.IndexByte(")]}", c)
		if i >= 0 {
			if closed[i] <= opened[i] {
				return s
			}
			closed[i]--
		} else if strings.IndexByte(".,;:!?'*", c) < 0 || c == ':' && strings.HasSuffix(s, "::") {
			return s
		}
		s = s[:len(s)-1]
	}
	return s
}

// classify yields what a piece of text is, if it is a value, and reports
// whether it is.
func classify(written, v string, marked bool, yield func(Mention)) bool {
	if !couldBeValue(v) {
		return false
	}
	found := false
	last := Key{}
	guess(v, func(k Key) {
		if found || !credible(k, v, marked) {
			return
		}
		found, last = true, k
	})
	if found {
		emit(yield, Mention{Key: last, Path: "text", Written: written})
	}
	return found
}

// couldBeValue is a quick look that sorts out plain words.
func couldBeValue(v string) bool {
	for i := 0; i < len(v); i++ {
		switch c := v[i]; {
		case '0' <= c && c <= '9', c == '.', c == '@', c == ':', c == '\\', c == '/':
			return true
		}
	}
	return len(v) >= 32
}

// credible reports whether a guess may be taken from prose: a domain must have
// a known suffix, and a name that may as well be a file's is one unless its
// writer took care to mark the dot.
func credible(k Key, v string, marked bool) bool {
	switch k.Type {
	case Domain:
		if s, ok := suffix(k.Normal); !ok || s == k.Normal || strings.IndexByte(k.Normal, '.') < 0 {
			return false
		}
		if k.Normal[0] == '-' || mixesScripts(v) {
			return false
		}
		if marked {
			return true
		}
		if ambiguous(v) && extension(v) != "com" && strings.Count(v, ".") == 1 {
			return false
		}
		return true
	case Email:
		i := strings.LastIndexByte(k.Normal, '@')
		d := k.Normal[i+1:]
		_, ok := suffix(d)
		return ok && strings.IndexByte(d, '.') > 0
	case IPv6:
		// "::" and times such as 10::20 are more often something else.
		return strings.Count(v, ":") >= 2 && len(k.Normal) > 3
	case Path:
		return v[0] != '/' || strings.Count(v, "/") > 1
	case URL:
		return !strings.Contains(v, "://") && strings.Count(v, ".") > 0
	case FileName:
		return len(v) < 256 && v[0] != '.' && extension(v) != "com"
	case Technique:
		return v[0] == 'T'
	case ASN:
		return v[0] == 'A' && v[1] == 'S'
	case SSDeep:
		return len(v) > 24
	case Hash, UserAgent:
		return false
	case Mutex:
		return len(v) > len(`Global\`)
	default:
		return true
	}
}

// mixesScripts reports whether a label of s holds ASCII letters or digits and
// letters of a script that is written without blanks.
func mixesScripts(s string) bool {
	if isASCII(s) {
		return false
	}
	var latin, wide bool
	for _, r := range s {
		switch {
		case r == '.':
			latin, wide = false, false
		case r < utf8.RuneSelf && isAlnum(byte(r)):
			latin = true
		case isUnspaced(r):
			wide = true
		}
		if latin && wide {
			return true
		}
	}
	return false
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
