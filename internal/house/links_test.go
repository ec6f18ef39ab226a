package house

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	// mdLink is a link or picture in Markdown.
	mdLink = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	// namedPath is a path of the tree in code quotes.
	namedPath = regexp.MustCompile("`((?:internal|cmd|doc|stix|misp|tlp|tools|testdata)(?:/[\\w.*-]+)*/?)`")
)

// checkLinks complains of what a document names and the tree does not have.
func checkLinks(name string, text []byte, files []string) []string {
	exists := func(p string) bool {
		p = strings.TrimSuffix(path.Clean(p), "/*")
		return p == "." || slices.ContainsFunc(files, func(f string) bool { return f == p || strings.HasPrefix(f, p+"/") })
	}
	var out []string
	for _, m := range mdLink.FindAllSubmatch(text, -1) {
		to, _, _ := strings.Cut(string(m[1]), "#")
		if to == "" || strings.Contains(to, "://") || strings.HasPrefix(to, "mailto:") {
			continue
		}
		if !exists(path.Join(path.Dir(name), to)) {
			out = append(out, fmt.Sprintf("%s: link to %s, which is not there", name, to))
		}
	}
	for _, m := range namedPath.FindAllSubmatch(text, -1) {
		if !exists(string(m[1])) {
			out = append(out, fmt.Sprintf("%s: names %s, which is not there", name, m[1]))
		}
	}
	return out
}

func TestLinks(t *testing.T) {
	t.Parallel()
	all := names(t)
	var out []string
	for _, name := range all {
		if path.Ext(name) == ".md" && foreignFolder(name) == "" && !strings.Contains(name, "testdata/") {
			out = append(out, checkLinks(name, read(t, name), all)...)
		}
	}
	report(t, out)
}

func TestLinksComplains(t *testing.T) {
	t.Parallel()
	text := "See [a](b.md), [c](../README.md#x), [w](https://example.org/) and `internal/gone`, `internal/kv`, `internal/core/*`.\n"
	got := checkLinks("doc/a.md", []byte(text), []string{"README.md", "internal/kv/kv.go", "internal/core/marking/marking.go"})
	wantComplaint(t, got, "link to b.md", "names internal/gone")
}

// TestReadme checks that the README begins with the two commands that a stranger
// needs.
func TestReadme(t *testing.T) {
	t.Parallel()
	text := string(read(t, "README.md"))
	for _, want := range []string{"GOTOOLCHAIN=auto go run ./cmd/casus demo\n", "GOTOOLCHAIN=auto go test ./...\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("README.md does not say %q", strings.TrimSpace(want))
		}
	}
}
