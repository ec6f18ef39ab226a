package format_test

import (
	"bytes"
	"errors"
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
)

// shared returns the folder of real files, or skips.
func shared(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("CASUS_DATA_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "..", "..", "shared", "data")
	}
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("CASUS_CI") == "1" {
			t.Fatalf("CASUS_DATA_SHARED: %v", err)
		}
		t.Skipf("CASUS_DATA_SHARED: no folder %s", dir)
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
			if c.problems < 3 {
				t.Logf("%s: %s: %s", filepath.Base(path), it.Problem.Place, it.Problem.Reason)
			}
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
	if got := format.Detect(b[:min(len(b), 64<<10)], filepath.Base(path)); got != c.format {
		t.Errorf("Detect(%s) = %q, Open found %q", filepath.Base(path), got, c.format)
	}
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
	for _, name := range names {
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.ToSlash(rel), func(t *testing.T) {
			t.Parallel()
			c := readReal(t, name)
			t.Logf("format %q, %d objects, %d problems, unread %q", c.format, c.objects, c.problems, c.unread)
		})
	}
}
