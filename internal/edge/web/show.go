package web

import (
	"regexp"
	"strings"

	"casus/internal/core/observable"
)

// defang returns v so that no program that finds links or addresses in text
// takes it for one. In a pattern or a sentence that is done piece by piece;
// what is neither address, name nor link stays as it is.
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

// defangWord treats one value, which may be a host with a port.
func defangWord(s string) string {
	if i := strings.LastIndexByte(s, ':'); i > 0 && i < len(s)-1 && strings.Trim(s[i+1:], "0123456789") == "" && strings.IndexByte(s, ':') == i {
		return observable.Defang(s[:i]) + s[i:]
	}
	return observable.Defang(s)
}

func isHex(s string) bool {
	return strings.Trim(s, "0123456789abcdefABCDEF") == ""
}

// cut shortens s to n runes.
func cut(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-1]) + "…"
}

// objectID finds the ids of objects in text, so far as they are kept when they
// are written short.
var objectID = regexp.MustCompile(`([a-z0-9-]+--[0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

// shortIDs writes the ids of objects in s short, but for an id that stands
// alone: there is nothing else to tell that object by.
func shortIDs(s string) string {
	if objectID.FindString(s) == s {
		return s
	}
	return objectID.ReplaceAllString(s, "$1…")
}
