package house

import (
	"fmt"
	"go/ast"
	"go/token"
	"path"
	"strings"
	"testing"
)

// checkPackageDocs complains of packages without a comment and of exported
// names without one.
func checkPackageDocs(files []*goFile) []string {
	type state struct{ doc, shipped bool }
	pkgs := map[string]*state{}
	var out []string
	for _, f := range files {
		if f.Test {
			continue
		}
		s := pkgs[f.Dir]
		if s == nil {
			s = &state{}
			pkgs[f.Dir] = s
		}
		s.shipped = true
		name := f.AST.Name.Name
		if text := f.AST.Doc.Text(); text != "" {
			s.doc = true
			if want := "Package " + name + " "; name != "main" && !strings.HasPrefix(text, want) {
				out = append(out, fmt.Sprintf("%s: package comment begins %q, want %q", f.Path, firstLine(text), want))
			}
		}
		if name != "main" && !f.generated() {
			out = append(out, bareNames(f)...)
		}
	}
	for dir, s := range pkgs {
		if s.shipped && !s.doc {
			out = append(out, fmt.Sprintf("%s: package %s has no comment", dir, path.Base(dir)))
		}
	}
	return out
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// bareNames complains of the exported names of f that have no comment: their
// own, that of their group, or, in a list of constants, one beside them.
func bareNames(f *goFile) []string {
	var out []string
	bare := func(id *ast.Ident) {
		out = append(out, fmt.Sprintf("%s: %s is exported and has no comment", f.at(id.Pos()), id.Name))
	}
	for _, d := range f.AST.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Name.IsExported() && d.Doc == nil && exportedReceiver(d) {
				bare(d.Name)
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.TypeSpec:
					if s.Name.IsExported() && s.Doc == nil && (d.Doc == nil || d.Lparen.IsValid()) {
						bare(s.Name)
					}
				case *ast.ValueSpec:
					if s.Doc != nil || s.Comment != nil || d.Doc != nil || d.Tok == token.IMPORT {
						continue
					}
					for _, id := range s.Names {
						if id.IsExported() {
							bare(id)
						}
					}
				}
			}
		}
	}
	return out
}

// exportedReceiver reports whether d is a function or a method of an exported type.
func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil || len(d.Recv.List) == 0 {
		return true
	}
	x := d.Recv.List[0].Type
	for {
		switch y := x.(type) {
		case *ast.StarExpr:
			x = y.X
		case *ast.IndexExpr:
			x = y.X
		case *ast.IndexListExpr:
			x = y.X
		case *ast.Ident:
			return y.IsExported()
		default:
			return false
		}
	}
}

func TestPackageDocs(t *testing.T) {
	t.Parallel()
	report(t, checkPackageDocs(tree(t)))
}

func TestPackageDocsComplains(t *testing.T) {
	t.Parallel()
	got := checkPackageDocs(fixture(t, map[string]string{
		"a/a.go": "package a\n",
		"b/b.go": "// The package b.\npackage b\n\nfunc F() {}\n\n// G does.\nfunc G() {}\n\ntype T struct{}\n\nfunc (T) M() {}\n\ntype u struct{}\n\nfunc (u) M() {}\n",
		"c/c.go": "// Package c is.\npackage c\n\n// The numbers.\nconst (\n\tA = 1\n\tB = 2\n)\n\nvar C = 3\n",
	}))
	wantComplaint(t, got, "package a has no comment", "package comment begins", "b.go:4: F is", "b.go:9: T is", "b.go:11: M is", "c.go:10: C is")
}
