package house

import (
	"fmt"
	"go/ast"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// impure are the packages, with all below them, that the core may not touch;
// those of pure are exempt.
var impure = []string{
	"os", "net", "sync", "log", "time/tzdata", "math/rand", "crypto/rand", "syscall", "plugin", "io/ioutil",
	"runtime", "context", "database/sql", "expvar", "flag", "testing", "unsafe", "golang.org/x/sys", "golang.org/x/exp/rand",
}

// pure are packages below an impure one that do no I/O.
var pure = []string{"net/netip", "net/url", "net/mail", "net/textproto"}

// clock are the names of package time that read or wait for the clock.
var clock = []string{"Now", "Since", "Until", "After", "AfterFunc", "Sleep", "Tick", "NewTimer", "NewTicker"}

// pureModules are the third-party paths that the core may import.
var pureModules = []string{
	"github.com/cedar-policy/cedar-go", "golang.org/x/net/idna", "golang.org/x/net/publicsuffix", "golang.org/x/text",
	"github.com/pandatix/go-cvss",
}

// below reports whether path is one of roots or lies below one.
func below(path string, roots []string) bool {
	return slices.ContainsFunc(roots, func(r string) bool { return path == r || strings.HasPrefix(path, r+"/") })
}

// checkPure complains of I/O, clocks, goroutines, locks, chance and logging in
// the core and in our packages it imports.
func checkPure(files []*goFile) []string {
	byDir := map[string][]*goFile{}
	for _, f := range files {
		if !f.Test {
			byDir[f.Dir] = append(byDir[f.Dir], f)
		}
	}
	var todo []string
	for dir := range byDir {
		if below(dir, []string{"internal/core"}) {
			todo = append(todo, dir)
		}
	}
	seen := map[string]bool{}
	var out []string
	for len(todo) > 0 {
		dir := todo[0]
		todo = todo[1:]
		if seen[dir] {
			continue
		}
		seen[dir] = true
		for _, f := range byDir[dir] {
			for _, imp := range f.imports() {
				if pkg, ours := strings.CutPrefix(imp, module+"/"); ours {
					todo = append(todo, pkg)
					continue
				}
				first, _, _ := strings.Cut(imp, "/")
				switch {
				case strings.Contains(first, "."):
					if !below(imp, pureModules) {
						out = append(out, fmt.Sprintf("%s: core rests on %s", f.Path, imp))
					}
				case below(imp, impure) && !below(imp, pure):
					out = append(out, fmt.Sprintf("%s: core rests on %s", f.Path, imp))
				}
			}
			out = append(out, impureCode(f)...)
		}
	}
	return out
}

// impureCode complains of clocks and goroutines in one file.
func impureCode(f *goFile) []string {
	var out []string
	timeName := localName(f, "time")
	ast.Inspect(f.AST, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			out = append(out, f.at(n.Pos())+": goroutine in core")
		case *ast.SelectStmt:
			out = append(out, f.at(n.Pos())+": select in core")
		case *ast.SelectorExpr:
			if id, ok := n.X.(*ast.Ident); ok && timeName != "" && id.Name == timeName && slices.Contains(clock, n.Sel.Name) {
				out = append(out, f.at(n.Pos())+": time."+n.Sel.Name+" in core; take the time as an argument")
			}
		}
		return true
	})
	return out
}

// localName returns the name by which f knows an imported package, "" if it
// does not import it. The package's own name is the last element of its path.
func localName(f *goFile, path string) string {
	for _, s := range f.AST.Imports {
		if p, err := strconv.Unquote(s.Path.Value); err != nil || p != path {
			continue
		}
		if s.Name != nil {
			return s.Name.Name
		}
		return path[strings.LastIndex(path, "/")+1:]
	}
	return ""
}

func TestCoreIsPure(t *testing.T) {
	t.Parallel()
	report(t, checkPure(tree(t)))
}

func TestCoreIsPureComplains(t *testing.T) {
	t.Parallel()
	got := checkPure(fixture(t, map[string]string{
		"internal/core/a/a.go": "package a\nimport (\n\"time\"\n_ \"net/netip\"\n_ \"net/http\"\n_ \"casus/stix\"\n)\nvar x = time.Now\nfunc f() { go f() }\n",
		"internal/core/b/b.go": "package b\nimport _ \"github.com/cockroachdb/pebble/v2\"\nimport _ \"golang.org/x/text/cases\"\n",
		"stix/s.go":            "package stix\nimport _ \"sync\"\n",
		"misp/m.go":            "package misp\nimport _ \"sync\"\n", // not reached from core
	}))
	wantComplaint(t, got, "core rests on net/http", "time.Now in core", "goroutine in core", "core rests on github.com/cockroachdb/pebble/v2", "stix/s.go: core rests on sync")
}

// inexact are the functions of package math whose last bits differ between
// machines and versions.
var inexact = []string{"Exp", "Exp2", "Expm1", "Log", "Log2", "Log10", "Log1p", "Pow", "Pow10", "FMA"}

// checkExact complains, in type-checked files of the core, of inexact functions
// and of products that a compiler may fuse into a sum.
func checkExact(files []*goFile, info *types.Info) []string {
	var out []string
	for _, f := range files {
		mathName := localName(f, "math")
		ast.Inspect(f.AST, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.SelectorExpr:
				if id, ok := n.X.(*ast.Ident); ok && mathName != "" && id.Name == mathName && slices.Contains(inexact, n.Sel.Name) {
					out = append(out, f.at(n.Pos())+": math."+n.Sel.Name+" outside core/exact")
				}
			case *ast.BinaryExpr:
				if n.Op == token.ADD || n.Op == token.SUB {
					for _, x := range []ast.Expr{n.X, n.Y} {
						if isProduct(info, x) {
							out = append(out, f.at(x.Pos())+": unrounded product in a sum; write float64(a*b)")
						}
					}
				}
			case *ast.AssignStmt:
				if (n.Tok == token.ADD_ASSIGN || n.Tok == token.SUB_ASSIGN) && isProduct(info, n.Rhs[0]) {
					out = append(out, f.at(n.Pos())+": unrounded product in a sum; write float64(a*b)")
				}
			}
			return true
		})
	}
	return out
}

// isProduct reports whether x is a floating-point product that is computed when
// the program runs.
func isProduct(info *types.Info, x ast.Expr) bool {
	for {
		switch y := x.(type) {
		case *ast.ParenExpr:
			x = y.X
			continue
		case *ast.UnaryExpr:
			if y.Op == token.SUB || y.Op == token.ADD {
				x = y.X
				continue
			}
		case *ast.BinaryExpr:
			tv, ok := info.Types[y]
			if !ok || y.Op != token.MUL || tv.Value != nil {
				return false
			}
			b, ok := tv.Type.Underlying().(*types.Basic)
			return ok && b.Info()&(types.IsFloat|types.IsComplex) != 0
		}
		return false
	}
}

// typed type-checks the files of one package with the export data that the
// build left, and fills info.
func typed(t *testing.T, path string, files []*goFile, exports map[string]string, info *types.Info) {
	t.Helper()
	open := func(path string) (io.ReadCloser, error) {
		name, ok := exports[path]
		if !ok {
			return nil, fmt.Errorf("house: no export data of %s", path)
		}
		return os.Open(name)
	}
	conf := types.Config{Importer: importer.ForCompiler(positions, "gc", open), FakeImportC: true}
	asts := make([]*ast.File, len(files))
	for i, f := range files {
		asts[i] = f.AST
	}
	if _, err := conf.Check(path, positions, asts, info); err != nil {
		t.Fatalf("type check of %s: %v", path, err)
	}
}

func TestExact(t *testing.T) {
	t.Parallel()
	exports := map[string]string{}
	for _, p := range goList(t, nil, "-export", "-deps", "./internal/core/...") {
		exports[p.ImportPath] = p.Export
	}
	byDir := map[string][]*goFile{}
	for _, f := range tree(t) {
		if !f.Test && below(f.Dir, []string{"internal/core"}) && f.Dir != "internal/core/exact" {
			byDir[f.Dir] = append(byDir[f.Dir], f)
		}
	}
	for dir, files := range byDir {
		info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}}
		typed(t, module+"/"+dir, files, exports, info)
		report(t, checkExact(files, info))
	}
}

func TestExactComplains(t *testing.T) {
	t.Parallel()
	files := fixture(t, map[string]string{"internal/core/a/a.go": `package a

import "math"

const two = 2.0

func f(a, b, c float64, i, j int) float64 {
	c += a * b
	c = c - (-(a * b))
	c = float64(a*b) + c
	c += two * 3
	i = i*j + 1
	return math.Pow(a, float64(i)) * math.Sqrt(b)
}
`})
	exports := map[string]string{}
	for _, p := range goList(t, nil, "-export", "-deps", "math") {
		exports[p.ImportPath] = p.Export
	}
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}}
	typed(t, "a", files, exports, info)
	wantComplaint(t, checkExact(files, info), "a.go:8: unrounded", "a.go:9: unrounded", "a.go:13: math.Pow")
}
