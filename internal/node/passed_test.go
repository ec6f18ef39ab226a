package node

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"casus/internal/core/report"

	"github.com/google/go-cmp/cmp"
)

// TestPassedOver takes a directory in that holds more than files.
func TestPassedOver(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "a.txt")
	if err := os.WriteFile(file, []byte("198.51.100.7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, ".hidden"), []byte("198.51.100.8\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(file, filepath.Join(dir, ".hidden-link")); err != nil {
		t.Skip(err) // a system where not everybody may make links
	}
	const links = report.MaxPassed + 3
	var want []report.Passed
	for i := range links {
		name := filepath.Join(dir, fmt.Sprintf("link-%02d", i))
		if err := os.Symlink(file, name); err != nil {
			t.Fatal(err)
		}
		if i < report.MaxPassed {
			want = append(want, report.Passed{Path: name, Why: "a symbolic link"})
		}
	}
	n := reopen(t, Config{Clock: tick()})
	defer closeNode(t, n)
	res, err := n.ImportPaths(t.Context(), report.Request{}, []string{dir}, nil)
	if err != nil || len(res.Reports) != 1 || res.PassedOver != links {
		t.Fatalf("ImportPaths = %+v, %v, want one report and %d passed over", res, err, links)
	}
	if diff := cmp.Diff(want, res.Passed); diff != "" {
		t.Errorf("passed over (-want +got):\n%s", diff)
	}
	var sum report.Result
	sum.Add(res)
	sum.Add(res)
	if sum.PassedOver != 2*links || len(sum.Passed) != report.MaxPassed {
		t.Errorf("added up: %d passed over, %d named, want %d and %d", sum.PassedOver, len(sum.Passed), 2*links, report.MaxPassed)
	}
}

func TestKindOf(t *testing.T) {
	t.Parallel()
	for mode, want := range map[fs.FileMode]string{
		0o600: "", fs.ModeDir: "", fs.ModeSymlink: "a symbolic link", fs.ModeNamedPipe: "a pipe", fs.ModeSocket: "a socket",
		fs.ModeDevice: "a device", fs.ModeDevice | fs.ModeCharDevice: "a device", fs.ModeIrregular: "a device",
	} {
		if got := kindOf(mode); got != want {
			t.Errorf("kindOf(%v) = %q, want %q", mode, got, want)
		}
	}
}

// TestNamesOfTheSameBytes takes in two files that hold the same: each is told under
// its own name.
func TestNamesOfTheSameBytes(t *testing.T) {
	t.Parallel()
	n := reopen(t, Config{Clock: tick()})
	defer closeNode(t, n)
	dir := t.TempDir()
	for _, name := range []string{"a.txt", "b.txt"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("198.51.100.7\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	res, err := n.ImportPaths(t.Context(), report.Request{}, []string{dir}, nil)
	if err != nil || len(res.Reports) != 2 {
		t.Fatalf("ImportPaths = %+v, %v, want two reports", res, err)
	}
	if a, b := res.Reports[0], res.Reports[1]; a.Name != "a.txt" || b.Name != "b.txt" || !b.Known || a.ID != b.ID {
		t.Errorf("reports %+v and %+v, want one under the names of both files", a, b)
	}
}
