package house

import (
	"go/ast"
	"strings"
	"testing"
)

// checkReader complains of whoever makes the reader that sees everything, but
// for the view that has it and the composition root.
func checkReader(files []*goFile) []string {
	var out []string
	for _, f := range files {
		if f.Test || f.Dir == "internal/view" || f.Dir == "internal/node" {
			continue
		}
		ast.Inspect(f.AST, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && id.Name == "LocalOperator" {
				out = append(out, f.at(id.Pos())+": makes the reader that sees everything; only internal/node may")
			}
			return true
		})
	}
	return out
}

func TestOneReader(t *testing.T) {
	t.Parallel()
	files, err := parsed()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range checkReader(files) {
		t.Error(c)
	}
	bad := fixture(t, map[string]string{"internal/edge/web/x.go": "package web\n\nvar r = view.LocalOperator()\n"})
	if got := strings.Join(checkReader(bad), "\n"); !strings.Contains(got, "x.go:3") {
		t.Errorf("checkReader of a page that makes a reader = %q, want a complaint", got)
	}
}
