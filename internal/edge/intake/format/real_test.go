package format_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"casus/internal/core/report"
	"casus/internal/edge/intake/format"
	"casus/stix"

	"github.com/google/go-cmp/cmp"
)

// shared returns the folder of real files, or skips.
func shared(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("CASUS_LIBRARY")
	if dir == "" {
		dir = filepath.Join("..", "shared", "data")
	}
	if !filepath.IsAbs(dir) {
		dir = filepath.Join("..", "..", "..", "..", dir)
	}
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("CASUS_CI") == "1" {
			t.Fatalf("CASUS_LIBRARY: %v", err)
		}
		t.Skipf("CASUS_LIBRARY: no folder %s", dir)
	}
	return dir
}

// counts is what a file gave.
type counts struct {
	format            report.Format
	objects, problems int
	unread            string // why it could not be opened
}

func readReal(t *testing.T, path string) counts {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := format.Open(bytes.NewReader(b), options(filepath.Base(path)))
	if err != nil {
		return counts{unread: err.Error()}
	}
	var c counts
	for {
		it, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if it.Problem != nil {
			c.problems++
			continue
		}
		c.objects++
		if !it.Derived {
			continue
		}
		for _, f := range stix.Validate(it.Object, stix.Options{}) {
			if f.Must {
				t.Errorf("%s: %s: %v", filepath.Base(path), it.Object.Raw(), f)
			}
		}
	}
	c.format = r.Format()
	return c
}

func TestRealFiles(t *testing.T) {
	t.Parallel()
	dir := shared(t)
	var names []string
	for _, folder := range []string{"stix", "misp", "ioc", "vuln"} {
		err := filepath.WalkDir(filepath.Join(dir, folder), func(p string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && strings.HasSuffix(p, ".gz") {
				names = append(names, p)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	sort.Strings(names)
	var got strings.Builder
	for _, name := range names {
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			t.Fatal(err)
		}
		c := readReal(t, name)
		what := c.unread
		if what == "" {
			what = fmt.Sprintf("%s, %d objects, %d problems", c.format, c.objects, c.problems)
		}
		fmt.Fprintf(&got, "%s: %s\n", filepath.ToSlash(rel), what)
	}
	golden := filepath.Join("testdata", "real-files.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got.String()); d != "" {
		t.Errorf("%s (-want +got):\n%s", golden, d)
	}
}

// TestRealMalformed holds the exact words about a file as it was published.
func TestRealMalformed(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(filepath.Join(shared(t), "misp", "malformed", "pypi_backdoor__malicious_pypi_packages.misp-event.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	r := read(t, string(b), options("event.json.gz"))
	want := []string{"line 37374, byte 1532403 (/response/0/Event/Tag/7): the JSON stops here: unexpected ']' behind ','"}
	if d := cmp.Diff(want, r.problems); d != "" || len(r.objects) > 0 {
		t.Errorf("%d objects, problems (-want +got):\n%s", len(r.objects), d)
	}
}

var update = flag.Bool("update", false, "rewrite the golden file")
