package house

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// inTests stands in deps.txt for the test files of every package.
const inTests = "tests"

// A dep is one row of deps.txt.
type dep struct {
	module   string
	decision string   // file name in doc/decisions, without .md
	packages []string // from the module root; inTests for test files
	used     map[string]bool
}

// readDeps reads the rows of deps.txt.
func readDeps(table [][]string) (deps []*dep, complaints []string) {
	for _, r := range table {
		if len(r) != 3 || r[2] == "" {
			complaints = append(complaints, fmt.Sprintf("deps.txt: %q: want module, decision, packages", r))
			continue
		}
		deps = append(deps, &dep{module: r[0], decision: r[1], packages: strings.Fields(r[2]), used: map[string]bool{}})
	}
	return deps, complaints
}

// checkDeps complains of third-party imports that deps.txt does not name, of
// names that nothing uses, of rows without a decision record and of direct
// requirements of go.mod without a row.
func checkDeps(files []*goFile, table [][]string, required []string, decided func(name string) bool) []string {
	deps, out := readDeps(table)
	for _, f := range files {
		// Packages such as eventlogtest hold the tests that bodies share.
		test := f.Test || strings.HasSuffix(f.Dir, "test")
		for _, imp := range f.imports() {
			first, _, _ := strings.Cut(imp, "/")
			if !strings.Contains(first, ".") {
				continue
			}
			i := slices.IndexFunc(deps, func(d *dep) bool { return below(imp, []string{d.module}) })
			switch {
			case i < 0:
				out = append(out, fmt.Sprintf("%s: imports %s, which deps.txt does not name", f.Path, imp))
			case slices.Contains(deps[i].packages, f.Dir):
				// A package that ships with a module may test with it too.
				if !test {
					deps[i].used[f.Dir] = true
				}
			case test && slices.Contains(deps[i].packages, inTests):
				deps[i].used[inTests] = true
			default:
				out = append(out, fmt.Sprintf("%s: imports %s, which deps.txt does not give to %s", f.Path, imp, f.Dir))
			}
		}
	}
	for _, d := range deps {
		for _, p := range d.packages {
			if !d.used[p] {
				out = append(out, fmt.Sprintf("deps.txt: %s does not import %s", p, d.module))
			}
		}
		if !decided(d.decision) {
			out = append(out, fmt.Sprintf("deps.txt: %s: no decision record %s", d.module, d.decision))
		}
	}
	for _, m := range required {
		if !slices.ContainsFunc(deps, func(d *dep) bool { return d.module == m }) {
			out = append(out, fmt.Sprintf("go.mod: requires %s, which deps.txt does not name", m))
		}
	}
	return out
}

// directRequires returns the modules that go.mod requires directly.
func directRequires(gomod []byte) []string {
	var out []string
	line := regexp.MustCompile(`^\s*(?:require\s+)?(\S+\.\S+)\s+v\S+\s*(// indirect)?$`)
	for s := range strings.Lines(string(gomod)) {
		if m := line.FindStringSubmatch(strings.TrimSpace(s)); m != nil && m[2] == "" {
			out = append(out, m[1])
		}
	}
	return out
}

func TestDeps(t *testing.T) {
	t.Parallel()
	top, err := root()
	if err != nil {
		t.Fatal(err)
	}
	decided := func(name string) bool {
		_, err := os.Stat(filepath.Join(top, "doc", "decisions", name+".md"))
		return err == nil
	}
	table := rows(read(t, "internal/house/deps.txt"))
	report(t, checkDeps(tree(t), table, directRequires(read(t, "go.mod")), decided))
}

func TestDepsComplains(t *testing.T) {
	t.Parallel()
	files := fixture(t, map[string]string{
		"internal/kv/a.go":      "package kv\nimport (\n_ \"example.org/store/v2/vfs\"\n_ \"example.org/other\"\n)\n",
		"internal/kv/a_test.go": "package kv\nimport (\n_ \"example.org/store/v2\"\n_ \"example.org/cmp\"\n)\n",
		"internal/view/a.go":    "package view\nimport _ \"example.org/store/v2\"\nimport _ \"example.org/cmp\"\n",
	})
	table := [][]string{
		{"example.org/store/v2", "0001-store", "internal/kv internal/eventlog/storelog"},
		{"example.org/cmp", "0002-cmp", "tests"},
		{"example.org/short"},
	}
	required := directRequires([]byte("module casus\n\nrequire example.org/store/v2 v2.1.0\n\nrequire (\n\texample.org/extra v1.0.0\n\texample.org/far v1.0.0 // indirect\n)\n"))
	got := checkDeps(files, table, required, func(name string) bool { return name == "0001-store" })
	wantComplaint(t, got,
		"want module, decision, packages",
		"imports example.org/other, which deps.txt does not name",
		"view/a.go: imports example.org/store/v2, which deps.txt does not give to internal/view",
		"view/a.go: imports example.org/cmp, which deps.txt does not give to internal/view",
		"internal/eventlog/storelog does not import example.org/store/v2",
		"no decision record 0002-cmp",
		"go.mod: requires example.org/extra",
	)
}

// checkDecision complains of a decision record that lacks one of its parts.
func checkDecision(name string, text []byte) []string {
	var out []string
	if !regexp.MustCompile(`^\d{4}-[a-z0-9]+(?:-[a-z0-9]+)*\.md$`).MatchString(name) {
		out = append(out, fmt.Sprintf("doc/decisions/%s: want a name like 0001-title.md", name))
	}
	for _, part := range []string{"Status: ", "## Question", "## What we know", "## Options", "## Choice", "## What would change our mind"} {
		if !strings.Contains(string(text), "\n"+part) {
			out = append(out, fmt.Sprintf("doc/decisions/%s: no %q", name, part))
		}
	}
	return out
}

func TestDecisions(t *testing.T) {
	t.Parallel()
	var out []string
	numbers := map[string]string{}
	for _, name := range names(t) {
		if dir, file := path.Split(name); dir == "doc/decisions/" {
			out = append(out, checkDecision(file, read(t, name))...)
			number := file[:min(len(file), 4)]
			if old := numbers[number]; old != "" {
				out = append(out, fmt.Sprintf("doc/decisions: %s and %s have one number", old, file))
			}
			numbers[number] = file
		}
	}
	report(t, out)
}

func TestDecisionsComplains(t *testing.T) {
	t.Parallel()
	got := checkDecision("1-Store.md", []byte("# Store\n\nStatus: accepted\n\n## Question\n\n## What we know\n\n## Options\n\n## What would change our mind\n"))
	wantComplaint(t, got, "want a name like", `no "## Choice"`)
}
