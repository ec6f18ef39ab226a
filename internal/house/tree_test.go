package house

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// module is the path of this module.
const module = "casus"

// positions knows the lines of all parsed files, so that files parsed apart can
// be type-checked together.
var positions = token.NewFileSet()

// A goFile is one parsed Go file of the tree, whatever system it is built for.
type goFile struct {
	Path string // slash-separated, from the module root
	Dir  string // the folder of Path, "." at the root
	Test bool
	Src  []byte
	AST  *ast.File
}

// imports returns the import paths of f.
func (f *goFile) imports() []string {
	var out []string
	for _, s := range f.AST.Imports {
		p, err := strconv.Unquote(s.Path.Value)
		if err == nil {
			out = append(out, p)
		}
	}
	return out
}

// at returns the place of p as "path:line".
func (f *goFile) at(p token.Pos) string {
	return fmt.Sprintf("%s:%d", f.Path, positions.Position(p).Line)
}

// generated reports whether a tool wrote f.
func (f *goFile) generated() bool { return ast.IsGenerated(f.AST) }

// parseGo parses one Go file.
func parseGo(name string, src []byte) (*goFile, error) {
	a, err := parser.ParseFile(positions, name, src, parser.ParseComments)
	if err != nil {
		return nil, fmt.Errorf("house: parse: %w", err)
	}
	return &goFile{
		Path: name, Dir: path.Dir(name), Test: strings.HasSuffix(name, "_test.go"),
		Src: src, AST: a,
	}, nil
}

// fixture parses Go files held in strings: name to source.
func fixture(t *testing.T, files map[string]string) []*goFile {
	t.Helper()
	var out []*goFile
	for name, src := range files {
		f, err := parseGo(name, []byte(src))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, f)
	}
	slices.SortFunc(out, func(a, b *goFile) int { return strings.Compare(a.Path, b.Path) })
	return out
}

// skipDir reports whether a folder holds nothing that belongs to the project.
func skipDir(rel string) bool {
	switch base := path.Base(rel); {
	case rel == ".git", rel == "bin", rel == "tmp", rel == "casus-data", base == "node_modules":
		return true
	}
	return false
}

// root is the folder of go.mod.
var root = sync.OnceValues(func() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", fmt.Errorf("house: no go.mod above %s", dir)
		}
		dir = up
	}
})

// listed is every regular file of the project, slash-separated, sorted.
var listed = sync.OnceValues(func() ([]string, error) {
	top, err := root()
	if err != nil {
		return nil, err
	}
	var out []string
	err = filepath.WalkDir(top, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(top, p)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			if skipDir(rel) {
				return fs.SkipDir
			}
			return nil
		}
		if d.Type().IsRegular() {
			out = append(out, rel)
		}
		return nil
	})
	return out, err
})

// parsed is every Go file of the product: testdata and the tools module are
// left out.
var parsed = sync.OnceValues(func() ([]*goFile, error) {
	top, err := root()
	if err != nil {
		return nil, err
	}
	names, err := listed()
	if err != nil {
		return nil, err
	}
	var out []*goFile
	for _, name := range names {
		if path.Ext(name) != ".go" || strings.HasPrefix(name, "tools/") || slices.Contains(strings.Split(name, "/"), "testdata") {
			continue
		}
		src, err := os.ReadFile(filepath.Join(top, filepath.FromSlash(name)))
		if err != nil {
			return nil, err
		}
		f, err := parseGo(name, src)
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
})

// tree returns the parsed Go files, or ends the test.
func tree(t *testing.T) []*goFile {
	t.Helper()
	files, err := parsed()
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatal("no Go files found")
	}
	return files
}

// names returns every file of the project, or ends the test.
func names(t *testing.T) []string {
	t.Helper()
	all, err := listed()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// read returns the bytes of a file named from the root, or ends the test.
func read(t *testing.T, name string) []byte {
	t.Helper()
	top, err := root()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(top, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// rows reads a file of tab-separated columns; empty lines and those that begin
// with # are left out.
func rows(b []byte) [][]string {
	var out [][]string
	for line := range bytes.Lines(b) {
		s := strings.TrimRight(string(line), "\r\n")
		if strings.TrimSpace(s) == "" || strings.HasPrefix(s, "#") {
			continue
		}
		out = append(out, strings.Split(s, "\t"))
	}
	return out
}

// report fails the test once per complaint.
func report(t *testing.T, complaints []string) {
	t.Helper()
	slices.Sort(complaints)
	for _, c := range slices.Compact(complaints) {
		t.Error(c)
	}
}

// wantComplaint fails the test unless one of got holds each of want, and none
// is left over.
func wantComplaint(t *testing.T, got []string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !slices.ContainsFunc(got, func(g string) bool { return strings.Contains(g, w) }) {
			t.Errorf("complaints = %q, want one with %q", got, w)
		}
	}
	for _, g := range got {
		if !slices.ContainsFunc(want, func(w string) bool { return strings.Contains(g, w) }) {
			t.Errorf("complaint %q was not asked for", g)
		}
	}
}
