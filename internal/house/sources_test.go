package house

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// sourceKey is the form of a key in doc/sources/index.tsv.
var sourceKey = regexp.MustCompile(`^[a-z][a-z0-9]*(?:[.-][a-z0-9]+)*$`)

// ownSource is the key of numbers that come from no document.
const ownSource = "casus"

// A citation is one source named in a comment.
type citation struct{ at, key, comment string }

// citations returns what the comments of f cite, as in
// "Source: nciss-2020 table 2; uk-ncsc-cat §3.".
func citations(f *goFile) []citation {
	var out []citation
	for _, g := range f.AST.Comments {
		text := strings.Join(strings.Fields(g.Text()), " ")
		rest := text
		for {
			i := strings.Index(rest, "Source: ")
			if i < 0 {
				break
			}
			rest = rest[i+len("Source: "):]
			cited := rest
			if end := regexp.MustCompile(`\.(?: |$)`).FindStringIndex(cited); end != nil {
				cited = cited[:end[0]]
			}
			for n, part := range strings.Split(cited, ";") {
				key, _, _ := strings.Cut(strings.TrimSpace(part), " ")
				key = strings.TrimRight(key, ".,:")
				// Words that are no key may follow a key, never stand in its place.
				if n > 0 && (!sourceKey.MatchString(key) || !strings.ContainsAny(key, "-0123456789")) {
					continue
				}
				out = append(out, citation{at: f.at(g.Pos()), key: key, comment: text})
			}
		}
	}
	return out
}

// checkSources complains where citations and the index do not agree.
func checkSources(cites []citation, index [][]string) []string {
	var out []string
	known := map[string]string{}
	last := ""
	for n, r := range index {
		if len(r) != 4 || slices.Contains(r, "") {
			out = append(out, fmt.Sprintf("index.tsv: row %d: want key, title, version or date, status; got %q", n+1, r))
			continue
		}
		key, status := r[0], r[3]
		switch {
		case !sourceKey.MatchString(key):
			out = append(out, fmt.Sprintf("index.tsv: %s is not a key", key))
		case known[key] != "":
			out = append(out, fmt.Sprintf("index.tsv: %s stands twice", key))
		case key < last:
			out = append(out, fmt.Sprintf("index.tsv: %s comes after %s; sort the keys", key, last))
		case !slices.Contains([]string{"Yes", "Partial", "No"}, status):
			out = append(out, fmt.Sprintf("index.tsv: %s: status %q, want Yes, Partial or No", key, status))
		}
		known[key], last = status, key
	}
	used := map[string]bool{}
	for _, c := range cites {
		if c.key == ownSource {
			if !regexp.MustCompile(`\b\d{4}\b`).MatchString(c.comment) {
				out = append(out, fmt.Sprintf("%s: Source: casus, but no decision record is named", c.at))
			}
			continue
		}
		if known[c.key] == "" {
			out = append(out, fmt.Sprintf("%s: source %q is not in doc/sources/index.tsv", c.at, c.key))
		}
		used[c.key] = true
	}
	for key, status := range known {
		if status != "No" && !used[key] {
			out = append(out, fmt.Sprintf("index.tsv: %s is %s and cited nowhere", key, status))
		}
	}
	return out
}

func TestSources(t *testing.T) {
	t.Parallel()
	var cites []citation
	for _, f := range tree(t) {
		if f.Dir != "internal/house" {
			cites = append(cites, citations(f)...)
		}
	}
	report(t, checkSources(cites, rows(read(t, "doc/sources/index.tsv"))))
}

func TestSourcesComplains(t *testing.T) {
	t.Parallel()
	f := fixture(t, map[string]string{"a/a.go": `package a

// F is. Source: std-2.1 §7.2.1.4 (old); the later extension. More text.
func F() {}

// G is.
//
// Source: other-1
// §3; third-9.
func G() {}

// H is a number of our own. Source: casus.
func H() {}

// I is one with a record. Source: casus, decision 0004.
func I() {}
`})
	cites := citations(f[0])
	var keys []string
	for _, c := range cites {
		keys = append(keys, c.key)
	}
	if got, want := keys, []string{"std-2.1", "other-1", "third-9", "casus", "casus"}; !slices.Equal(got, want) {
		t.Errorf("citations = %q, want %q", got, want)
	}
	got := checkSources(cites, [][]string{
		{"std-2.1", "A standard", "2.1", "Yes"},
		{"third-9", "A third", "2020", "Maybe"},
		{"a-key", "Out of order", "2020", "No"},
		{"unused-1", "Never cited", "2020", "Partial"},
		{"unread-1", "Neither", "2020", "No"},
		{"short-1", "A row"},
	})
	wantComplaint(t, got, `source "other-1" is not in`, "a.go:12: Source: casus, but no decision record", "third-9: status", "a-key comes after third-9", "unread-1 comes after unused-1", "unused-1 is Partial and cited nowhere", "row 6: want key")
}
