package node

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/batchrepr"
	"github.com/cockroachdb/pebble/v2/record"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/klauspost/compress/s2"
)

// scanner looks for needles in every file of a data directory: in its bytes, in
// every key and value of its tables, old ones included, and in every record of
// its write-ahead logs, all decompressed. Case does not count, because words
// are indexed in lower case.
type scanner struct {
	t       testing.TB
	needles map[string][][]byte
	places  []string
	err     error // of a file that could not be read or was deleted meanwhile
}

// found lists where one of the texts, or a piece of one, is. Tables are written
// and replaced in the background, so it looks until the files were the same
// before and after, and all could be read.
func found(t testing.TB, dir string, texts ...string) []string {
	t.Helper()
	s := &scanner{t: t, needles: map[string][][]byte{}}
	for _, text := range texts {
		s.add(text)
	}
	for range 1000 {
		s.places, s.err = nil, nil
		before := s.files(dir)
		for _, f := range before {
			s.file(f.path)
		}
		if after := s.files(dir); s.err == nil && slices.Equal(before, after) {
			return s.places
		}
		runtime.Gosched()
	}
	t.Fatalf("the files of %s do not come to rest: %v", dir, s.err)
	return nil
}

// fileOf is a file as a listing shows it.
type fileOf struct {
	path string
	size int64
}

// files lists the files of dir. One deleted meanwhile is kept in err.
func (s *scanner) files(dir string) []fileOf {
	var all []fileOf
	s.err = errors.Join(s.err, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		all = append(all, fileOf{path, info.Size()})
		return nil
	}))
	return all
}

// add takes the start and the middle of a text, plain and as they stand within
// JSON that holds bytes.
func (s *scanner) add(text string) {
	const piece = 20
	for _, at := range []int{0, len(text) / 2} {
		part := text[at:min(at+piece, len(text))]
		s.needles[text] = append(s.needles[text], lower([]byte(part)))
		if len(part) < piece {
			continue
		}
		for shift := range 3 {
			b := base64.StdEncoding.EncodeToString(append(make([]byte, shift), part...))
			s.needles[text] = append(s.needles[text], lower([]byte(b[4:24])))
		}
	}
}

func lower(b []byte) []byte {
	b = bytes.Clone(b)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return b
}

func (s *scanner) look(place string, b []byte) {
	b = lower(b)
	for text, needles := range s.needles {
		for _, needle := range needles {
			if bytes.Contains(b, needle) {
				s.places = append(s.places, fmt.Sprintf("%.12s… in %s", text, place))
				break
			}
		}
	}
}

func (s *scanner) pair(place string, k, v []byte) {
	s.look(place+", key", k)
	s.look(place+", value", v)
	const s2Codec = 2
	if len(k) != 10 || k[0] != 'e' || len(v) == 0 || v[0] != s2Codec {
		return
	}
	// A page of the log: package pebblelog says how it is laid out.
	if k[9] == 'h' {
		if n, size := binary.Uvarint(v[33:]); size > 0 && n <= 32 {
			s.packed(place, v[33+size+32*int(n):], -1)
		}
		return
	}
	at, kept, total := 1, 0, 0
	for range 32 { // how many payloads there are stands in the header page
		n, size := binary.Uvarint(v[at:])
		if size <= 0 {
			return
		}
		at += size
		if n > 0 {
			kept, total = kept+1, total+int(n-1)
		}
		if start := at + 32*kept; start < len(v) {
			s.packed(place, v[start:], total)
		}
	}
}

// packed looks into an S2 block of that many bytes (any number when negative),
// if it is one.
func (s *scanner) packed(place string, b []byte, size int) {
	if n, err := s2.DecodedLen(b); err != nil || n > 4<<20 || size >= 0 && n != size {
		return
	}
	if plain, err := s2.Decode(nil, b); err == nil {
		s.look(place+", page", plain)
	}
}

// file looks into one file. One that cannot be read is kept in err.
func (s *scanner) file(path string) {
	b, err := os.ReadFile(path)
	if err != nil {
		s.err = err
		return
	}
	s.look(path, b)
	switch filepath.Ext(path) {
	case ".sst":
		if err := s.table(path); err != nil {
			s.err = fmt.Errorf("%s: %w", path, err)
		}
	case ".log":
		s.writeAhead(path, b)
	}
}

func (s *scanner) table(path string) error {
	file, err := vfs.Default.Open(path)
	if err != nil {
		return err
	}
	readable, err := sstable.NewSimpleReadable(file)
	if err != nil {
		return errors.Join(err, file.Close())
	}
	opts := &pebble.Options{}
	opts.EnsureDefaults()
	ro := opts.MakeReaderOptions()
	ro.Mergers = map[string]*pebble.Merger{"casus.postings.1": {Name: "casus.postings.1"}, pebble.DefaultMerger.Name: pebble.DefaultMerger}
	r, err := sstable.NewReader(s.t.Context(), readable, ro)
	if err != nil {
		return errors.Join(err, readable.Close())
	}
	defer func() { _ = r.Close() }()
	it, err := r.NewIter(sstable.NoTransforms, nil, nil, sstable.AssertNoBlobHandles)
	if err != nil {
		return err
	}
	defer func() { _ = it.Close() }()
	for kv := it.First(); kv != nil; kv = it.Next() {
		v, _, err := kv.Value(nil)
		if err != nil {
			return err
		}
		s.pair(path, kv.K.UserKey, v)
	}
	return it.Error()
}

func (s *scanner) writeAhead(path string, b []byte) {
	num, err := strconv.ParseUint(strings.TrimSuffix(filepath.Base(path), ".log"), 10, 64)
	if err != nil {
		return
	}
	r := record.NewReader(bytes.NewReader(b), like(pebble.SSTableInfo{}.BackingSSTNum, num))
	for {
		rec, err := r.Next()
		if err != nil {
			return // the end, torn or not
		}
		repr, err := io.ReadAll(rec)
		if err != nil {
			return
		}
		for br := batchrepr.Read(repr); ; {
			_, k, v, ok, err := br.Next()
			if err != nil || !ok {
				break
			}
			s.pair(path, k, v)
		}
	}
}

// like returns v as a T, whose name Pebble keeps to itself.
func like[T ~uint64](_ T, v uint64) T { return T(v) }

func wantGone(t testing.TB, dir string, texts ...string) {
	t.Helper()
	if places := found(t, dir, texts...); len(places) > 0 {
		t.Errorf("after Erase: %q", places)
	}
}

// TestFound: the search looks into packed pages of the log, in which a text that
// repeats one before it does not stand as it is.
func TestFound(t *testing.T) {
	t.Parallel()
	c := onDisk(t)
	n := fresh(t, c)
	take(t, n, lines("many", 400, 1))
	closeNode(t, n)
	for _, place := range found(t, c.Dir, "ipv4-addr") {
		if strings.HasSuffix(place, ", page") {
			return
		}
	}
	t.Error("no packed page of the log is looked into")
}
