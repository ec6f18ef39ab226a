package house

import (
	"bytes"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"io"
	"os"
	"os/exec"
	"testing"
)

// A goPackage is what "go list -json" says of a package.
type goPackage struct {
	ImportPath string
	Name       string
	Export     string
	Imports    []string
	Standard   bool
	Module     *struct {
		Path string
		Main bool
	}
}

// goList runs "go list -e -json" with the given arguments in the module root;
// env comes on top of the test's own environment.
func goList(t *testing.T, env []string, args ...string) []goPackage {
	t.Helper()
	top, err := root()
	if err != nil {
		t.Fatal(err)
	}
	const fields = "-json=ImportPath,Name,Export,Imports,Standard,Module"
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list", "-e", fields}, args...)...)
	cmd.Dir = top
	cmd.Env = append(append(os.Environ(), "CGO_ENABLED=0"), env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	b, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %v: %v\n%s", args, err, stderr.Bytes())
	}
	var out []goPackage
	for dec := jsontext.NewDecoder(bytes.NewReader(b)); ; {
		var p goPackage
		err := json.UnmarshalDecode(dec, &p)
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatalf("go list %v: %v", args, err)
		}
		out = append(out, p)
	}
}
