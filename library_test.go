// Package casus_test holds what is tested of the program as a whole, on files
// that others wrote.
package casus_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json/jsontext"
	"errors"
	"flag"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"casus/internal/core/report"
	"casus/internal/node"
)

var update = flag.Bool("update", false, "write testdata/library.golden anew")

// golden holds what became of every file of the library: name, format, objects
// received and quarantined.
const golden = "testdata/library.golden"

// library returns the folder of real files, from CASUS_LIBRARY or beside the
// project. Without one the test is skipped; with CASUS_CI=1 it fails.
func library(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("CASUS_LIBRARY")
	if dir == "" {
		dir = filepath.FromSlash("../shared/data")
	}
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("CASUS_CI") == "1" {
			t.Fatalf("no real files: %v", err)
		}
		t.Skip("no folder of real files; set CASUS_LIBRARY")
	}
	return dir
}

// realFiles lists the files of the library that are reports.
func realFiles(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	for _, sub := range []string{"stix", "misp", "ioc", "vuln"} {
		err := filepath.WalkDir(filepath.Join(dir, sub), func(p string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			if base := d.Name(); strings.HasPrefix(base, "README") || strings.HasPrefix(base, "LICENSE") {
				return nil
			}
			rel, err := filepath.Rel(dir, p)
			out = append(out, filepath.ToSlash(rel))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(out)
	return out
}

// TestLibrary imports real files twice, holds what became of each against the
// golden file, and finds values of the files again.
func TestLibrary(t *testing.T) {
	dir := library(t)
	files := realFiles(t, dir)
	cfg := node.Config{Dir: filepath.Join(t.TempDir(), "node")}
	if err := node.Init(cfg, report.Ceiling{}); err != nil {
		t.Fatal(err)
	}
	n, err := node.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	}()

	var got strings.Builder
	var sum report.Result
	whole := map[string]bool{} // files that went in whole
	for _, name := range files {
		res := take(t, n, dir, name)
		sum.Add(res)
		ref := res.Reports[0]
		whole[name] = res.Quarantined == 0 && res.Received > 0
		fmt.Fprintf(&got, "%s\t%s\t%d\t%d\n", name, ref.Format, res.Received, res.Quarantined)
	}
	t.Logf("%d files: %d objects received, %d new, %d known, %d conflicting, %d quarantined, %d values",
		len(files), sum.Received, sum.New, sum.Known, sum.Conflicting, sum.Quarantined, sum.Values)
	logReasons(t, n)

	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("what became of the files differs from %s (-want +got):\n%s", golden, diff)
	}

	for _, name := range files {
		res := take(t, n, dir, name)
		if res.New != 0 || !res.Reports[0].Known {
			t.Errorf("%s a second time: %d new, known %v; want nothing new", name, res.New, res.Reports[0].Known)
		}
	}
	check, err := n.Verify(t.Context())
	if err != nil || !check.OK {
		t.Errorf("Verify = %+v, %v, want ok", check, err)
	}

	sample := sampled(t, dir, files, whole)
	if len(sample) != samples {
		t.Errorf("%d values sampled, want %d", len(sample), samples)
	}
	for _, v := range sample {
		found, err := n.Search(t.Context(), v, "", 10)
		if err != nil {
			t.Errorf("Search(%q): %v", v, err)
			continue
		}
		if found.Total == 0 {
			t.Errorf("Search(%q) = 0 hits (read as %s), want one: it stands in a file", v, found.Kind)
		}
	}
}

func take(t *testing.T, n *node.Node, dir, name string) report.Result {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	res, err := n.ImportPaths(t.Context(), report.Request{Source: strings.Split(name, "/")[0]}, []string{path}, nil)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if len(res.Reports) != 1 {
		t.Fatalf("%s: %d reports, want 1", name, len(res.Reports))
	}
	return res
}

// digits are taken out of reasons, so that equal ones are counted together.
var digits = regexp.MustCompile(`"[^"]*"|[a-z0-9-]+--[0-9a-f-]{36}|[0-9]+`)

// logReasons prints why things were set aside, and how often.
func logReasons(t *testing.T, n *node.Node) {
	t.Helper()
	items, err := n.Quarantine(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, it := range items {
		count[digits.ReplaceAllString(it.Reason, "…")]++
	}
	for _, reason := range slices.Sorted(maps.Keys(count)) {
		t.Logf("quarantined %d: %s", count[reason], reason)
	}
}

// samples is how many values are looked for again.
const samples = 200

// plainValue is what is looked for: addresses, hashes and vulnerabilities,
// which every format writes alike.
var plainValue = regexp.MustCompile(`^(?:(?:\d{1,3}\.){3}\d{1,3}|[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|CVE-\d{4}-\d{4,7})$`)

// sampled draws values from the files that went in whole, by their hash: the
// same for the same files, and without regard to how this program reads them.
func sampled(t *testing.T, dir string, files []string, whole map[string]bool) []string {
	t.Helper()
	seen := map[string]uint64{}
	for _, name := range files {
		if !whole[name] || strings.Contains(name, "warninglists/") || strings.Contains(name, "galaxy/") {
			continue
		}
		for _, v := range valuesOf(t, filepath.Join(dir, filepath.FromSlash(name))) {
			h := fnv.New64a()
			_, _ = h.Write([]byte(v))
			seen[v] = h.Sum64()
		}
	}
	all := slices.SortedFunc(maps.Keys(seen), func(a, b string) int {
		if seen[a] < seen[b] {
			return -1
		}
		return 1
	})
	return all[:min(samples, len(all))]
}

// valuesOf returns the plain values that stand alone in a file: on a line, or as
// a string of JSON beside the names that hold values.
func valuesOf(t *testing.T, path string) []string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(path, ".gz") {
		z, err := gzip.NewReader(bytes.NewReader(raw))
		if err != nil {
			return nil
		}
		if raw, err = io.ReadAll(z); err != nil {
			return nil
		}
	}
	var out []string
	if b := bytes.TrimSpace(raw); len(b) == 0 || b[0] != '{' && b[0] != '[' {
		for line := range strings.Lines(string(raw)) {
			if v := strings.TrimSpace(line); plainValue.MatchString(v) {
				out = append(out, v)
			}
		}
		return out
	}
	dec := jsontext.NewDecoder(bytes.NewReader(raw), jsontext.AllowDuplicateNames(true))
	name := ""
	for {
		tok, err := dec.ReadToken()
		if errors.Is(err, io.EOF) || err != nil {
			return out
		}
		if tok.Kind() != '"' {
			continue
		}
		// An odd number of tokens so far in an object: this one is a name.
		if kind, n := dec.StackIndex(dec.StackDepth()); kind == '{' && n%2 == 1 {
			name = tok.String()
			continue
		}
		if slices.Contains([]string{"value", "value1", "cveID", "cve"}, name) && plainValue.MatchString(tok.String()) {
			out = append(out, tok.String())
		}
	}
}
