package node

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"casus/internal/edge/cli"

	"github.com/google/go-cmp/cmp"
)

// TestDemoLeavesOutLongLists: only lists are measured, and when decompressed.
func TestDemoLeavesOutLongLists(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("# a remark\n", maxLibraryList/11+1)
	dir := t.TempDir()
	for name, text := range map[string]string{
		"event.json": fmt.Sprintf(mispEvent, 1, "a MISP event", 1, 7, "comment") + strings.Repeat(" ", maxLibraryList),
		"short.txt":  "198.51.100.1\n", "short.csv.gz": "value\n198.51.100.2\n",
		"long.txt": long + "198.51.100.3\n", "long.csv.gz": long + "value\n198.51.100.4\n",
	} {
		if strings.HasSuffix(name, ".gz") {
			var b bytes.Buffer
			z := gzip.NewWriter(&b)
			if _, err := z.Write([]byte(text)); err != nil {
				t.Fatal(err)
			}
			if err := z.Close(); err != nil {
				t.Fatal(err)
			}
			text = b.String()
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	n := inMemory(t)
	var said []string
	err := n.loadLibrary(t.Context(), cli.DemoOptions{Library: dir, Say: func(f string, args ...any) { said = append(said, fmt.Sprintf(f, args...)) }})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, r := range rowsOf(t, n) {
		names = append(names, r.Title)
	}
	slices.Sort(names)
	if diff := cmp.Diff([]string{"198.51.100.1", "a MISP event", "short.csv.gz"}, names); diff != "" {
		t.Errorf("reports (-want +got):\n%s", diff)
	}
	if want := "left out 2 lists of more than 4 MiB: long.csv.gz, long.txt"; !slices.Contains(said, want) {
		t.Errorf("said %q, want %q", said, want)
	}
}
