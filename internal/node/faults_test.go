package node

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"casus/internal/core/report"
	"casus/internal/fault"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// diskError is an error as the operating system gives it.
type diskError struct{ syscall.Errno }

func (e *diskError) Unwrap() error { return e.Errno }

// TestDiskFails lets writing fail for a while, in the log or in the views: who
// hands in is told, nothing acknowledged is lost, and work goes on after.
func TestDiskFails(t *testing.T) {
	t.Parallel()
	all := story(700)
	want := undisturbed(t, all)
	writes := []errorfs.OpKind{errorfs.OpFileWrite, errorfs.OpCreate, errorfs.OpFilePreallocate}
	syncs := []errorfs.OpKind{errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo}
	for _, tt := range []struct {
		dir   string
		name  string
		kinds []errorfs.OpKind
		err   syscall.Errno
	}{
		{"log", "full disk", writes, syscall.ENOSPC},
		{"log", "failing fsync", syncs, syscall.EIO},
		{"views", "full disk", writes, syscall.ENOSPC},
		{"views", "failing fsync", syncs, syscall.EIO},
	} {
		t.Run(tt.dir+", "+tt.name, func(t *testing.T) {
			t.Parallel()
			var failing atomic.Bool
			c := onDisk(t)
			c.flushEntries = 100
			c.FS = errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
				if failing.Load() && slices.Contains(tt.kinds, op.Kind) && strings.Contains(op.Path, string(filepath.Separator)+tt.dir) {
					return &diskError{tt.err}
				}
				return nil
			}))
			n := fresh(t, c)
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
			defer cancel()
			take(t, n, all[1])
			failing.Store(true)
			_, err := all[0].in(ctx, n)
			// The views may be asked to write only after the answer.
			if late := err == nil && tt.dir == "views"; !late && (fault.KindOf(err) != fault.Unavailable || fault.HintOf(err) == "") {
				t.Errorf("import while the disk fails: %v, want Unavailable with a hint", err)
			}
			rows, _, err := n.Reports(ctx, "", "", "", 100)
			for fault.KindOf(err) == fault.Unavailable && err != nil { // the views are being opened again
				rows, _, err = n.Reports(ctx, "", "", "", 100)
			}
			if err != nil || !slices.ContainsFunc(rows, func(r report.Row) bool { return r.Title == "first" && r.State == "complete" }) {
				t.Errorf("reports while the disk fails: %+v, %v, want the first among them", rows, err)
			}
			failing.Store(false)
			for _, h := range all {
				for {
					_, err := h.in(ctx, n)
					if err == nil {
						break
					}
					if fault.KindOf(err) != fault.Unavailable || ctx.Err() != nil {
						t.Fatalf("import of %s after the disk failed: %v", h.req.Name, err)
					}
				}
			}
			if got := verified(t, n); got != want {
				t.Errorf("digest after the disk failed = %s, want %s", got, want)
			}
			closeNode(t, n)
			n = reopen(t, c)
			defer closeNode(t, n)
			if got := verified(t, n); got != want {
				t.Errorf("digest after reopening = %s, want %s", got, want)
			}
		})
	}
}

// closed returns a node's file system after a clean stop.
func closed(t testing.TB, c *Config, all []hand) (digest string) {
	t.Helper()
	c.FS = vfs.NewMem()
	n := fresh(t, *c)
	defer closeNode(t, n)
	for _, h := range all {
		take(t, n, h)
	}
	return verified(t, n)
}

// files lists the files of one directory whose name begins or ends so.
func files(t testing.TB, fs vfs.FS, dir, mark string) (names []string) {
	t.Helper()
	all, err := fs.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range all {
		if strings.HasPrefix(name, mark) || strings.HasSuffix(name, mark) {
			names = append(names, fs.PathJoin(dir, name))
		}
	}
	slices.Sort(names)
	return names
}

func readFile(t testing.TB, fs vfs.FS, name string) []byte {
	t.Helper()
	f, err := fs.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// flip returns a copy of fs where one byte of a file is inverted, at a part of
// its length in thousandths.
func flip(t testing.TB, fs vfs.FS, dir, name string, part int) vfs.FS {
	t.Helper()
	to := vfs.NewMem()
	if _, err := vfs.Clone(fs, to, dir, dir); err != nil {
		t.Fatal(err)
	}
	b := readFile(t, fs, name)
	b[(len(b)-1)*part/1000] ^= 0xff
	f, err := to.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return to
}

// TestFlippedViews: damaged views are named or built again, and a rebuild heals
// them.
func TestFlippedViews(t *testing.T) {
	t.Parallel()
	c := onDisk(t)
	want := closed(t, &c, story(500))
	views := filepath.Join(c.Dir, "views")
	var named, healed int
	for _, mark := range []string{".sst", "MANIFEST-", "OPTIONS-", "marker."} {
		for i, name := range files(t, c.FS, views, mark) {
			if i >= 4 {
				break
			}
			for _, part := range []int{0, 300, 700, 950, 1000} {
				if len(readFile(t, c.FS, name)) == 0 {
					continue
				}
				damaged := c
				damaged.FS = flip(t, c.FS, c.Dir, name, part)
				n, err := Open(context.Background(), damaged)
				if err != nil {
					t.Errorf("%s at %d: Open: %v", filepath.Base(name), part, err)
					continue
				}
				check, err := n.Verify(context.Background())
				if err != nil {
					t.Errorf("%s at %d: Verify: %v", filepath.Base(name), part, err)
				}
				if check.OK && check.StateDigest != want {
					t.Errorf("%s at %d: another state, without a word", filepath.Base(name), part)
				}
				if check.OK {
					healed++
				} else {
					named++
					if !strings.HasPrefix(check.Problems[0], "views: ") {
						t.Errorf("%s at %d: problems %q", filepath.Base(name), part, check.Problems)
					}
				}
				if err := n.Rebuild(context.Background()); err != nil {
					t.Errorf("%s at %d: Rebuild: %v", filepath.Base(name), part, err)
				}
				if got := verified(t, n); got != want {
					t.Errorf("%s at %d: digest after rebuild = %s, want %s", filepath.Base(name), part, got, want)
				}
				closeNode(t, n)
			}
		}
	}
	if named == 0 || healed == 0 {
		t.Errorf("%d named, %d healed at the opening; want some of both", named, healed)
	}
}

// TestFlippedLog: a damaged log names the entries, or does not open.
func TestFlippedLog(t *testing.T) {
	t.Parallel()
	c := onDisk(t)
	want := closed(t, &c, story(500))
	log := filepath.Join(c.Dir, "log")
	named := 0
	for i, name := range files(t, c.FS, log, ".sst") {
		if i >= 2 {
			break
		}
		for _, part := range []int{300, 700} { // Pebble takes long to look what bit it was
			damaged := c
			damaged.FS = flip(t, c.FS, c.Dir, name, part)
			n, err := Open(context.Background(), damaged)
			if err != nil {
				if fault.KindOf(err) != fault.Internal {
					t.Errorf("%s at %d: Open: %v, want Internal", filepath.Base(name), part, err)
				}
				continue
			}
			check, err := n.Verify(context.Background())
			switch {
			case err != nil:
				t.Errorf("%s at %d: Verify: %v", filepath.Base(name), part, err)
			case check.OK && check.StateDigest != want:
				t.Errorf("%s at %d: another state, without a word", filepath.Base(name), part)
			case !check.OK:
				var from, to int
				p := check.Problems[0]
				if k, _ := fmt.Sscanf(p, "entry %d", &from); k != 1 {
					if k, _ := fmt.Sscanf(p, "entries %d to %d", &from, &to); k != 2 {
						t.Errorf("%s at %d: %q names no entry", filepath.Base(name), part, p)
						break
					}
				}
				named++
			}
			closeNode(t, n)
		}
	}
	if named == 0 {
		t.Error("no damaged entry was named")
	}
}
