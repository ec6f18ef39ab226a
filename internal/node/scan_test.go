package node

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/batchrepr"
	"github.com/cockroachdb/pebble/v2/record"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/klauspost/compress/zstd"
)

// scanner looks for needles in every file of a data directory: in its bytes, in
// every key and value of its tables, old ones included, and in every record of
// its write-ahead logs, all decompressed. Case does not count, because words
// are indexed in lower case.
type scanner struct {
	t       testing.TB
	needles map[string][][]byte
	zstd    *zstd.Decoder
	places  []string
}

// found lists where one of the texts, or a piece of one, is.
func found(t testing.TB, dir string, texts ...string) []string {
	t.Helper()
	z, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	s := &scanner{t: t, needles: map[string][][]byte{}, zstd: z}
	for _, text := range texts {
		s.add(text)
	}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // deleted meanwhile
		}
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		s.file(path)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return s.places
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
	// A page of the log has its packed part at its end.
	for at := 0; ; at++ {
		i := bytes.Index(v[at:], []byte{0x28, 0xb5, 0x2f, 0xfd})
		if i < 0 {
			return
		}
		at += i
		if plain, err := s.zstd.DecodeAll(v[at:], nil); err == nil {
			s.look(place+", page", plain)
		}
	}
}

func (s *scanner) file(path string) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		s.t.Fatal(err)
	}
	s.look(path, b)
	switch filepath.Ext(path) {
	case ".sst":
		s.table(path)
	case ".log":
		s.writeAhead(path, b)
	}
}

func (s *scanner) table(path string) {
	file, err := vfs.Default.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		s.t.Fatal(err)
	}
	readable, err := sstable.NewSimpleReadable(file)
	if err != nil {
		s.t.Fatal(err)
	}
	opts := &pebble.Options{}
	opts.EnsureDefaults()
	ro := opts.MakeReaderOptions()
	ro.Mergers = map[string]*pebble.Merger{"casus.postings.1": {Name: "casus.postings.1"}, pebble.DefaultMerger.Name: pebble.DefaultMerger}
	r, err := sstable.NewReader(s.t.Context(), readable, ro)
	if err != nil {
		s.t.Fatalf("%s: %v", path, err)
	}
	defer func() { _ = r.Close() }()
	it, err := r.NewIter(sstable.NoTransforms, nil, nil, sstable.AssertNoBlobHandles)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = it.Close() }()
	for kv := it.First(); kv != nil; kv = it.Next() {
		v, _, err := kv.Value(nil)
		if err != nil {
			s.t.Fatal(err)
		}
		s.pair(path, kv.K.UserKey, v)
	}
	if err := it.Error(); err != nil {
		s.t.Fatal(err)
	}
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
