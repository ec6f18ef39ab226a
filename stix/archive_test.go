package stix

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func gzipped(t testing.TB, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// zipped packs pairs of name and content.
func zipped(t testing.TB, pairs ...string) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(pairs); i += 2 {
		f, err := w.Create(pairs[i])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, pairs[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// mixed is text that does not compress well, so that a part of it remains when
// the packed bytes are cut.
func mixed(n int) string {
	var b strings.Builder
	x := uint64(88172645463325252)
	for i := range n {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		fmt.Fprintf(&b, "{\"type\":\"x-thing\",\"id\":\"x-thing--%011d\",\"a\":\"%016x%016x\"}\n", i+1, x, x*2862933555777941757+3037000493)
	}
	return b.String()
}

func TestReaderArchives(t *testing.T) {
	t.Parallel()
	lines := thing(1) + "\n" + thing(2) + "\n"
	manyFiles := make([]string, 0, 24)
	for i := range 12 {
		manyFiles = append(manyFiles, fmt.Sprintf("%d.json", i), thing(i))
	}
	encrypted := []byte(zipped(t, "secret.json", lines))
	encrypted[6] |= 1                                              // in the local header
	encrypted[bytes.Index(encrypted, []byte("PK\x01\x02"))+8] |= 1 // and in the directory
	method := []byte(zipped(t, "odd.json", lines))                 // as some programs write with LZMA
	method[8], method[bytes.Index(method, []byte("PK\x01\x02"))+10] = 14, 14
	damaged := []byte(zipped(t, "a.json", lines, "b.json", thing(9)))
	damaged[bytes.Index(damaged, []byte("PK\x01\x02"))+16] ^= 0xff // the checksum of a.json
	badGzip := []byte(gzipped(t, lines))
	badGzip[len(badGzip)-6] ^= 0xff // its checksum

	for _, tc := range []struct {
		name, in string
		want     []string
		cause    error
	}{
		{"gzip", gzipped(t, lines), []string{"0 #1 1", "71 #2 2"}, nil},
		{"gzip of several members", gzipped(t, lines[:100]) + gzipped(t, lines[100:]), []string{"0 #1 1", "71 #2 2"}, nil},
		{"gzip of nothing", gzipped(t, ""), []string{"0 #0 ! byte 0: the file is empty [0]"}, nil},
		{"gzip in its header", gzipped(t, lines)[:5], []string{"0 #0 ! byte 0: the compressed data end early [0]"}, ErrTruncated},
		{"gzip without its end", gzipped(t, lines)[:len(gzipped(t, lines))-8], []string{
			"0 #1 1", "71 #2 2", "142 #0 ! byte 142: the compressed data end early [0]",
		}, ErrTruncated},
		{"gzip with a wrong checksum", string(badGzip), []string{
			"0 #1 1", "71 #2 2", "142 #0 ! byte 142: the compressed data are damaged [0]",
		}, ErrCorrupt},
		{"gzip with a tail", gzipped(t, lines) + "tail of text", []string{
			"0 #1 1", "71 #2 2", "142 #0 ! byte 142: there are bytes after the end of the compressed data [0]",
		}, ErrCorrupt},
		{"gzip in gzip", gzipped(t, gzipped(t, lines)), []string{"0 #0 ! byte 0: there is a gzip file inside the archive [0]"}, ErrNested},
		{"tar in gzip", gzipped(t, strings.Repeat("\x00", 257)+"ustar\x0000"), []string{"0 #0 ! byte 0: there is a tar file inside the archive [0]"}, ErrNested},
		{"bzip2", "BZh91AY&SY", []string{"0 #0 ! byte 0: the input is a bzip2 file, which is not read here [0]"}, ErrUnsupported},
		{"zstd", "\x28\xb5\x2f\xfd\x00", []string{"0 #0 ! byte 0: the input is a zstd file, which is not read here [0]"}, ErrUnsupported},
		{"7z", "7z\xbc\xaf\x27\x1c", []string{"0 #0 ! byte 0: the input is a 7z file, which is not read here [0]"}, ErrUnsupported},

		{"zip", zipped(t, "a/", "", "a/one.json", lines, "two.json", bundleOf(thing(3))), []string{"a/one.json 0 #1 1", "a/one.json 71 #2 2", "two.json 79 #1 3"}, nil},
		{"empty zip", zipped(t), nil, nil},
		{"zip with text", zipped(t, "README", "read me", "a.json", thing(1)), []string{
			`README 0 #0 ! file "README", byte 0: the file begins with 'r', want { or [; all from there to the end of the file is set aside [7]`, "a.json 0 #1 1",
		}, nil},
		{"archives in a zip", zipped(t, "a.zip", zipped(t, "b", "c"), "a.json", thing(1), "b.gz", gzipped(t, lines)), []string{
			`a.zip 0 #0 ! file "a.zip", byte 0: there is a zip file inside the archive [0]`,
			"a.json 0 #1 1",
			`b.gz 0 #0 ! file "b.gz", byte 0: there is a gzip file inside the archive [0]`,
		}, ErrNested},
		{"zip without its end", zipped(t, "a.json", lines)[:100], []string{"0 #0 ! byte 0: the zip archive has no directory at its end [0]"}, ErrTruncated},
		{"damaged file in a zip", string(damaged), []string{
			"a.json 0 #1 1", "a.json 71 #2 2", `a.json 142 #0 ! file "a.json", byte 142: the compressed data are damaged [0]`, "b.json 0 #1 9",
		}, ErrCorrupt},
		{"locked", string(encrypted), []string{`secret.json 0 #0 ! file "secret.json", byte 0: the file in the archive is locked with a password [0]`}, ErrEncrypted},
		{"unknown method", string(method), []string{
			`odd.json 0 #0 ! file "odd.json", byte 0: the file in the archive is compressed by method 14, which is not read here [0]`,
		}, ErrUnsupported},
		{"too many files", zipped(t, manyFiles...), []string{"0 #0 ! byte 0: the archive holds more than 10 files [0]"}, ErrFiles},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := readAll(t, NewReader(strings.NewReader(tc.in), "in", Limits{ArchiveFiles: 10}))
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("items (-want +got):\n%s", diff)
			}
			if cause := firstCause(NewReader(strings.NewReader(tc.in), "in", Limits{ArchiveFiles: 10})); !errors.Is(cause, tc.cause) {
				t.Errorf("cause = %v, want %v", cause, tc.cause)
			}
		})
	}
}

// firstCause returns the first problem that has a cause, or nil.
func firstCause(r *Reader) error {
	for {
		item, err := r.Next()
		if err != nil {
			return nil //nolint:nilerr // the end
		}
		if item.Problem != nil && item.Problem.Unwrap() != nil {
			return item.Problem
		}
	}
}

// What could be unpacked before the end is read, and the rest is told.
func TestTruncatedGzip(t *testing.T) {
	t.Parallel()
	packed := gzipped(t, mixed(5000))
	got := readAll(t, NewReader(strings.NewReader(packed[:len(packed)/2]), "in.gz", Limits{}))
	n := len(got) - 1
	if n < 2000 || n > 3000 {
		t.Errorf("got %d objects of 5000", n)
	}
	if last := got[n]; !strings.Contains(last, fmt.Sprintf(", object %d: the compressed data end early [", n+1)) {
		t.Errorf("last = %s", last)
	}
}

func TestBombs(t *testing.T) {
	t.Parallel()
	const size = 64 << 20
	bomb := strings.Repeat(" ", size)
	object := `{"type":"x-thing","id":"x-thing--00000000001","a":"` + strings.Repeat("a", size) + `"}`
	for _, tc := range []struct{ name, in string }{
		{"gzip of white space", gzipped(t, bomb)},
		{"gzip of an object", gzipped(t, object)},
		{"zip of white space", zipped(t, "bomb.json", bomb)},
		{"zip of an object", zipped(t, "bomb.json", object)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := readAll(t, NewReader(strings.NewReader(tc.in), "in", Limits{}))
			if n := len(got); n == 0 || !strings.Contains(got[n-1], "the compressed data grow more than 200 times") {
				t.Errorf("got %q", got)
			}
			if err := firstCause(NewReader(strings.NewReader(tc.in), "in", Limits{})); !errors.Is(err, ErrRatio) {
				t.Errorf("cause = %v, want %v", err, ErrRatio)
			}
			files, err := Open(strings.NewReader(tc.in), int64(len(tc.in)), "in", Limits{})
			if err != nil {
				t.Fatal(err)
			}
			_, r, err := files.Next()
			if err != nil {
				t.Fatal(err)
			}
			n, err := io.Copy(io.Discard, r)
			if limit := int64(201*len(tc.in) + 2<<20); !errors.Is(err, ErrRatio) || n > limit {
				t.Errorf("read %d bytes, %v, want at most %d and %v", n, err, limit, ErrRatio)
			}
		})
	}
}

// Small files that compress well are no bombs.
func TestRatioFree(t *testing.T) {
	t.Parallel()
	in := gzipped(t, object(`,"a":"`+strings.Repeat("a", 900_000)+`"`))
	if got := readAll(t, NewReader(strings.NewReader(in), "in", Limits{})); len(got) != 1 || strings.Contains(got[0], "!") {
		t.Errorf("got %.200q", got)
	}
}

// Files of a zip that share their bytes are bounded together.
func TestZipRatioOfTheWhole(t *testing.T) {
	t.Parallel()
	var pairs []string
	for i := range 8 {
		pairs = append(pairs, fmt.Sprintf("%d.json", i), strings.Repeat(" ", 1_000_000))
	}
	in := zipped(t, pairs...)
	files, err := Open(strings.NewReader(in), int64(len(in)), "in.zip", Limits{ArchiveRatio: 100})
	if err != nil {
		t.Fatal(err)
	}
	var last error
	n := 0
	for {
		_, r, err := files.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		n++
		if _, err := io.Copy(io.Discard, r); err != nil {
			last = err
		}
	}
	if !errors.Is(last, ErrRatio) || n == 8 {
		t.Errorf("read %d files, %v, want fewer than 8 and %v", n, last, ErrRatio)
	}
}

func TestZipAsStream(t *testing.T) {
	t.Parallel()
	in := zipped(t, "a.json", thing(1))
	got := readAll(t, NewReader(iotest.HalfReader(strings.NewReader(in)), "in.zip", Limits{}))
	want := []string{"0 #0 ! byte 0: a zip archive cannot be read as a stream: its directory is at its end [0]"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
	got = readAll(t, NewReader(sizedOnly{strings.NewReader(in)}, "in.zip", Limits{}))
	if diff := cmp.Diff([]string{"a.json 0 #1 1"}, got); diff != "" {
		t.Errorf("items of a reader with a size (-want +got):\n%s", diff)
	}
}

// sizedOnly can be read at any place and knows its size, but cannot seek.
type sizedOnly struct{ s *strings.Reader }

func (s sizedOnly) Read(p []byte) (int, error)              { return s.s.Read(p) }
func (s sizedOnly) ReadAt(p []byte, off int64) (int, error) { return s.s.ReadAt(p, off) }
func (s sizedOnly) Size() int64                             { return s.s.Size() }

func TestFiles(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, in string
		want     []string
	}{
		{"plain.csv", "a,b", []string{"plain.csv=a,b"}},
		{"packed.CSV.GZ", gzipped(t, "a,b"), []string{"packed.CSV=a,b"}},
		{"odd name", gzipped(t, "a,b"), []string{"odd name=a,b"}},
		{"many.zip", zipped(t, "x/1", "one", "2\xff", strings.Repeat("2", 1000)), []string{"x/1=one", "2\uFFFD=" + strings.Repeat("2", 1000)}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			files, err := Open(strings.NewReader(tc.in), int64(len(tc.in)), tc.name, Limits{})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for {
				name, r, err := files.Next()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				b, err := io.ReadAll(r)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, name+"="+string(b))
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
		})
	}
}
