package node

import (
	"bufio"
	"compress/gzip"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"casus/internal/core/report"
	"casus/internal/edge/cli"
)

// maxLibraryList is how long a list (a table or one value a line) of the demo's
// library may be, in bytes when decompressed. A list of 4 MiB has about 100,000
// values; longer ones are routing tables and the like, which would take minutes
// and bury the story.
const maxLibraryList = 4 << 20

// loadLibrary loads the files under o.Library, except long lists.
func (n *Node) loadLibrary(ctx context.Context, o cli.DemoOptions) error {
	files, _, err := expand([]string{o.Library}, func(string, string) {})
	if err != nil {
		return err
	}
	var take, left []string
	for _, path := range files {
		long, err := longList(path)
		switch {
		case err != nil:
			return unreadable(path, err)
		case long:
			left = append(left, filepath.Base(path))
		default:
			take = append(take, path)
		}
	}
	o.Say("loading %d files of the library %s", len(take), o.Library)
	if len(left) > 0 {
		o.Say("left out %d lists of more than %d MiB: %s", len(left), maxLibraryList>>20, strings.Join(left, ", "))
	}
	if len(take) == 0 {
		return nil
	}
	said := time.Now()
	_, err = n.ImportPaths(ctx, report.Request{Source: "library"}, take, func(p report.Progress) {
		if time.Since(said) > 5*time.Second {
			said = time.Now()
			o.Say("%d of %d files, %d objects", p.Files, p.TotalFiles, p.Objects)
		}
	})
	return err
}

// longList reports whether a file, decompressed if it is gzip, is no JSON and
// longer than maxLibraryList. What cannot be decompressed is left to intake,
// which says why.
func longList(path string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer func() { _ = f.Close() }()
	r := bufio.NewReader(f)
	if head, _ := r.Peek(2); string(head) == "\x1f\x8b" {
		z, err := gzip.NewReader(r)
		if err != nil {
			return false, nil
		}
		r = bufio.NewReader(z)
	}
	if head, _ := r.Peek(512); strings.IndexAny(strings.TrimSpace(string(head)), "{[<") == 0 {
		return false, nil
	}
	n, _ := io.CopyN(io.Discard, r, maxLibraryList+1)
	return n > maxLibraryList, nil
}
