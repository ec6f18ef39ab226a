package house

import (
	"fmt"
	"go/ast"
	"go/token"
	"strconv"
	"testing"
)

// registers are the types whose constants are numbers given once: folder and
// name of the type.
var registers = [][2]string{
	{"internal/event", "Kind"},
	{"internal/fault", "Kind"},
}

// A given is one number that was given.
type given struct {
	register string // folder.type
	number   int
	name     string
}

// constants returns the constants of a type, and complaints about those that
// have no literal number or no comment.
func constants(files []*goFile, dir, typ string) (out []given, complaints []string) {
	for _, f := range files {
		if f.Dir != dir || f.Test {
			continue
		}
		for _, d := range f.AST.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.CONST {
				continue
			}
			for _, s := range g.Specs {
				v, ok := s.(*ast.ValueSpec)
				if !ok {
					continue
				}
				if id, ok := v.Type.(*ast.Ident); !ok || id.Name != typ {
					continue
				}
				name := v.Names[0].Name
				if v.Doc == nil && v.Comment == nil {
					complaints = append(complaints, fmt.Sprintf("%s: %s has no comment", f.at(v.Pos()), name))
				}
				number := -1
				if len(v.Names) == 1 && len(v.Values) == 1 {
					if lit, ok := v.Values[0].(*ast.BasicLit); ok {
						if n, err := strconv.Atoi(lit.Value); err == nil {
							number = n
						}
					}
				}
				if number < 0 {
					complaints = append(complaints, fmt.Sprintf("%s: %s: write its number out", f.at(v.Pos()), name))
					continue
				}
				out = append(out, given{register: dir + "." + typ, number: number, name: name})
			}
		}
	}
	return out, complaints
}

// checkRegister complains where the code and the register differ: a number
// given twice, dropped, renamed or not entered.
func checkRegister(code []given, register [][]string) []string {
	var out []string
	entered := map[string]given{}
	for _, r := range register {
		if len(r) != 3 {
			out = append(out, fmt.Sprintf("register.tsv: %q: want register, number, name", r))
			continue
		}
		n, err := strconv.Atoi(r[1])
		if err != nil {
			out = append(out, fmt.Sprintf("register.tsv: %s: %q is no number", r[2], r[1]))
			continue
		}
		key := r[0] + "\t" + r[1]
		if old, ok := entered[key]; ok {
			out = append(out, fmt.Sprintf("register.tsv: %s %d stands for %s and %s", r[0], n, old.name, r[2]))
		}
		entered[key] = given{r[0], n, r[2]}
	}
	seen := map[string]string{}
	for _, g := range code {
		key := fmt.Sprintf("%s\t%d", g.register, g.number)
		if old := seen[key]; old != "" {
			out = append(out, fmt.Sprintf("%s: %s and %s are both %d", g.register, old, g.name, g.number))
		}
		seen[key] = g.name
		switch e, ok := entered[key]; {
		case !ok:
			out = append(out, fmt.Sprintf("%s: %s = %d is not in register.tsv", g.register, g.name, g.number))
		case e.name != g.name:
			out = append(out, fmt.Sprintf("%s: %d was given to %s, the code says %s", g.register, g.number, e.name, g.name))
		}
	}
	for key, e := range entered {
		if seen[key] == "" {
			out = append(out, fmt.Sprintf("%s: %s = %d was dropped; a retired number stays reserved", e.register, e.name, e.number))
		}
	}
	return out
}

func TestRegister(t *testing.T) {
	t.Parallel()
	var code []given
	for _, r := range registers {
		c, complaints := constants(tree(t), r[0], r[1])
		report(t, complaints)
		if len(c) == 0 {
			t.Errorf("%s: no constants of type %s found", r[0], r[1])
		}
		code = append(code, c...)
	}
	report(t, checkRegister(code, rows(read(t, "internal/house/register.tsv"))))
}

func TestRegisterComplains(t *testing.T) {
	t.Parallel()
	files := fixture(t, map[string]string{"internal/event/kind.go": `package event

type Kind uint16

const (
	// A is.
	A Kind = 1
	B Kind = 1
	// C is.
	C Kind = 1 << 2
	// D is.
	D Kind = 4
	// E is.
	E Kind = 5
)
`})
	code, complaints := constants(files, "internal/event", "Kind")
	wantComplaint(t, complaints, "B has no comment", "C: write its number out")
	got := checkRegister(code, [][]string{
		{"internal/event.Kind", "1", "A"},
		{"internal/event.Kind", "4", "Dee"},
		{"internal/event.Kind", "6", "F"},
		{"internal/event.Kind", "6", "G"},
		{"internal/event.Kind", "x", "H"},
	})
	wantComplaint(t, got, "A and B are both 1", "1 was given to A, the code says B", "4 was given to Dee, the code says D",
		"E = 5 is not in", "6 stands for F and G", "G = 6 was dropped", `"x" is no number`)
}
