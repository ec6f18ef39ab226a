package house

import (
	"fmt"
	"go/ast"
	"slices"
	"strings"
	"testing"
)

// actuators are the packages, with all below them, that can run a program, load
// code or log in to another machine.
var actuators = []string{
	"os/exec", "plugin", "golang.org/x/crypto/ssh", "net/rpc", "github.com/docker/docker", "k8s.io/client-go",
	"github.com/masterzen/winrm", "github.com/gliderlabs/ssh", "github.com/pkg/sftp", "github.com/creack/pty",
	"golang.org/x/sys/execabs", "github.com/cli/safeexec", "github.com/hashicorp/go-plugin", "github.com/tetratelabs/wazero",
}

// starters are functions that start a program without one of these packages.
var starters = map[string][]string{
	"os":                       {"StartProcess"},
	"syscall":                  {"Exec", "ForkExec", "StartProcess", "CreateProcess", "CreateProcessAsUser"},
	"golang.org/x/sys/unix":    {"Exec"},
	"golang.org/x/sys/windows": {"CreateProcess", "CreateProcessAsUser", "ShellExecute"},
}

// checkActuators complains of what can run a program in files that ship.
func checkActuators(files []*goFile) []string {
	var out []string
	for _, f := range files {
		if f.Test {
			continue
		}
		for _, imp := range f.imports() {
			if below(imp, actuators) {
				out = append(out, fmt.Sprintf("%s: imports %s", f.Path, imp))
			}
		}
		for pkg, funcs := range starters {
			local := localName(f, pkg)
			if local == "" {
				continue
			}
			ast.Inspect(f.AST, func(n ast.Node) bool {
				sel, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				if id, ok := sel.X.(*ast.Ident); ok && id.Name == local && slices.Contains(funcs, sel.Sel.Name) {
					out = append(out, fmt.Sprintf("%s: %s.%s starts a program", f.at(n.Pos()), pkg, sel.Sel.Name))
				}
				return true
			})
		}
	}
	return out
}

// checkLinked complains of packages in the binary, neither ours nor the
// standard library's, that import an actuator and stand in no row of list, and
// of rows that match nothing or give no reason.
func checkLinked(pkgs []goPackage, list [][]string) []string {
	var out []string
	found := map[string]bool{}
	for _, p := range pkgs {
		if p.Standard || strings.HasPrefix(p.ImportPath+"/", module+"/") {
			continue
		}
		for _, imp := range p.Imports {
			if below(imp, actuators) {
				found[p.ImportPath] = true
				if !slices.ContainsFunc(list, func(r []string) bool { return r[0] == p.ImportPath }) {
					out = append(out, fmt.Sprintf("%s imports %s and is not in exec.txt", p.ImportPath, imp))
				}
			}
		}
	}
	for _, r := range list {
		if len(r) != 2 || len(r[1]) < 20 {
			out = append(out, fmt.Sprintf("exec.txt: %s: give a reason after a tab", r[0]))
		}
		if !found[r[0]] {
			out = append(out, fmt.Sprintf("exec.txt: %s is not linked or starts nothing", r[0]))
		}
	}
	return out
}

func TestNoActuator(t *testing.T) {
	t.Parallel()
	report(t, checkActuators(tree(t)))
	var pkgs []goPackage
	for _, os := range []string{"linux", "darwin", "windows"} {
		pkgs = append(pkgs, goList(t, []string{"GOOS=" + os}, "-deps", "./cmd/...")...)
	}
	report(t, checkLinked(pkgs, rows(read(t, "internal/house/exec.txt"))))
}

func TestNoActuatorComplains(t *testing.T) {
	t.Parallel()
	wantComplaint(t, checkActuators(fixture(t, map[string]string{
		"internal/node/a.go":      "package node\nimport e \"os/exec\"\nvar _ = e.Command\n",
		"internal/node/a_test.go": "package node\nimport _ \"os/exec\"\n",
		"internal/edge/web/b.go":  "package web\nimport \"os\"\nvar _ = os.StartProcess\nvar _ = os.Open\n",
		"internal/edge/web/c.go":  "package web\nimport _ \"golang.org/x/crypto/ssh/agent\"\n",
	})), "a.go: imports os/exec", "os.StartProcess starts a program", "imports golang.org/x/crypto/ssh/agent")

	pkgs := []goPackage{
		{ImportPath: "casus/internal/node", Imports: []string{"os/exec"}},
		{ImportPath: "os/user", Standard: true, Imports: []string{"os/exec"}},
		{ImportPath: "example.org/a", Imports: []string{"os/exec"}},
		{ImportPath: "example.org/b", Imports: []string{"os/exec"}},
	}
	list := [][]string{
		{"example.org/b", "asks the system for its version, never called by us"},
		{"example.org/c", "was there once and starts nothing any more"},
		{"example.org/d"},
	}
	wantComplaint(t, checkLinked(pkgs, list), "example.org/a imports os/exec", "example.org/c is not linked", "example.org/d: give a reason", "example.org/d is not linked")
}
