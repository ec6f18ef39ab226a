package house

import (
	"go/ast"
	"testing"
)

// root of trust: the function that makes a reader with full sight, and the one
// package that may call it.
const (
	sightPackage = module + "/internal/view"
	sightFunc    = "LocalOperator"
	sightCaller  = "internal/node"
)

// checkSight complains of a reader with full sight made outside the
// composition root: below it, every read takes the reader it is given.
func checkSight(files []*goFile) []string {
	var out []string
	for _, f := range files {
		if f.Test || f.Dir == sightCaller {
			continue
		}
		local := localName(f, sightPackage)
		own := module+"/"+f.Dir == sightPackage
		ast.Inspect(f.AST, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.SelectorExpr:
				if id, ok := n.X.(*ast.Ident); ok && local != "" && id.Name == local && n.Sel.Name == sightFunc {
					out = append(out, f.at(n.Pos())+": makes a reader with full sight; take the reader as an argument")
				}
			case *ast.CallExpr:
				if id, ok := n.Fun.(*ast.Ident); ok && own && id.Name == sightFunc {
					out = append(out, f.at(n.Pos())+": makes a reader with full sight; take the reader as an argument")
				}
			}
			return true
		})
	}
	return out
}

func TestOneReader(t *testing.T) {
	t.Parallel()
	report(t, checkSight(tree(t)))
}

func TestOneReaderComplains(t *testing.T) {
	t.Parallel()
	const use = "import \"casus/internal/view\"\nvar r = view.LocalOperator()\n"
	got := checkSight(fixture(t, map[string]string{
		"internal/node/a.go":      "package node\n" + use,
		"internal/edge/api/a.go":  "package api\n" + use,
		"internal/view/a.go":      "package view\ntype Reader int\nfunc LocalOperator() Reader { return 1 }\nvar r = LocalOperator()\n",
		"internal/view/a_test.go": "package view\nvar q = LocalOperator()\n",
	}))
	wantComplaint(t, got, "internal/edge/api/a.go:3", "internal/view/a.go:4")
}
