package pebblelog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"

	"casus/internal/event"
	"casus/internal/eventlog"
	"casus/internal/eventlog/eventlogtest"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/batchrepr"
	"github.com/cockroachdb/pebble/v2/record"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

func saltOf(t testing.TB, l *Log, seq event.Seq) []byte {
	t.Helper()
	s, err := l.enter()
	if err != nil {
		t.Fatal(err)
	}
	defer l.leave()
	p, err := l.pageOf(s, seq)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Clone(p.payloads[seq-p.first].salt)
}

// found lists where one of the needles is: in the bytes of any file, in any
// value of any table (old versions included), and in any record of any
// write-ahead log, decompressed.
func found(t testing.TB, fs vfs.FS, dir string, needles ...[]byte) (places []string) {
	t.Helper()
	look := func(place string, b []byte) {
		for i, needle := range needles {
			if bytes.Contains(b, needle) {
				places = append(places, fmt.Sprintf("needle %d in %s", i, place))
			}
		}
	}
	value := func(place string, key, v []byte) {
		look(place, v)
		if _, suffix, ok := parsePageKey(key); ok && suffix == suffixPayloads {
			for n := pageEntries; n > 0; n-- {
				ps, err := unpackPayloads(v, n)
				if err != nil {
					continue
				}
				for _, p := range ps {
					look(place+" unpacked", append(bytes.Clone(p.salt), p.data...))
				}
				return
			}
			t.Errorf("%s: page %x cannot be unpacked", place, key)
		}
	}
	for _, name := range filesOf(t, fs, dir, "") {
		if strings.HasSuffix(name, "LOCK") {
			continue
		}
		b, err := readAll(fs, name)
		if errors.Is(err, os.ErrNotExist) {
			continue // deleted since it was listed
		}
		if err != nil {
			t.Fatal(err)
		}
		look(name, b)
		switch {
		case strings.HasSuffix(name, ".sst"):
			tableValues(t, fs, name, func(k, v []byte) { value(name, k, v) })
		case strings.HasSuffix(name, ".log"):
			logValues(t, name, b, func(k, v []byte) { value(name, k, v) })
		}
	}
	return places
}

func tableValues(t testing.TB, fs vfs.FS, name string, f func(k, v []byte)) {
	t.Helper()
	file, err := fs.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	readable, err := sstable.NewSimpleReadable(file)
	if err != nil {
		t.Fatal(err)
	}
	opts := &pebble.Options{}
	opts.EnsureDefaults()
	r, err := sstable.NewReader(t.Context(), readable, opts.MakeReaderOptions())
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	defer r.Close()
	it, err := r.NewIter(sstable.NoTransforms, nil, nil, sstable.AssertNoBlobHandles)
	if err != nil {
		t.Fatal(err)
	}
	defer it.Close()
	for kv := it.First(); kv != nil; kv = it.Next() {
		v, _, err := kv.Value(nil)
		if err != nil {
			t.Fatal(err)
		}
		f(kv.K.UserKey, v)
	}
	if err := it.Error(); err != nil {
		t.Fatal(err)
	}
}

func logValues(t testing.TB, name string, b []byte, f func(k, v []byte)) {
	t.Helper()
	num, err := strconv.ParseUint(strings.TrimSuffix(name[strings.LastIndexAny(name, `/\`)+1:], ".log"), 10, 64)
	if err != nil {
		t.Fatal(err)
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
		br := batchrepr.Read(repr)
		for {
			_, k, v, ok, err := br.Next()
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				break
			}
			f(k, v)
		}
	}
}

func wantGone(t testing.TB, fs vfs.FS, dir string, needles ...[]byte) {
	t.Helper()
	if places := found(t, fs, dir, needles...); len(places) > 0 {
		t.Errorf("after Erase: %q", places)
	}
}

// TestCanary erases an incompressible payload and looks for it, and for its
// salt, in every file, while the log goes on running.
func TestCanary(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(*testing.T, *Log){
		"in the write-ahead log": func(*testing.T, *Log) {},
		"in a table": func(t *testing.T, l *Log) {
			if err := l.store.db.Flush(); err != nil {
				t.Fatal(err)
			}
		},
		"in the lowest level": func(t *testing.T, l *Log) {
			if err := l.store.db.Compact(t.Context(), []byte{0}, []byte{0xff}, false); err != nil {
				t.Fatal(err)
			}
		},
		"below newer tables": func(t *testing.T, l *Log) {
			if err := l.store.db.Compact(t.Context(), []byte{0}, []byte{0xff}, false); err != nil {
				t.Fatal(err)
			}
			for i := range 8 {
				if _, err := l.Append(t.Context(), nil, pair(fmt.Sprint("later ", i))); err != nil {
					t.Fatal(err)
				}
				if err := l.store.db.Flush(); err != nil {
					t.Fatal(err)
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			l := create(t, dir, Options{MemTableBytes: small})
			canary := incompressible(9, 1024)
			var entries []eventlog.Entry
			for i := range 100 {
				entries = append(entries, eventlogtest.Entry(strings.Repeat(fmt.Sprintf("words that pack well %d ", i), 20)))
			}
			entries[5].Payload = canary
			entries[77].Payload = append([]byte("at the end "), canary...)
			if _, err := l.Append(t.Context(), nil, entries); err != nil {
				t.Fatal(err)
			}
			needles := [][]byte{canary, saltOf(t, l, 6), saltOf(t, l, 78)}
			prepare(t, l)
			for i, needle := range needles {
				if len(found(t, vfs.Default, dir, needle)) == 0 {
					t.Fatalf("needle %d is not found before Erase: the search is blind", i)
				}
			}
			if err := l.Erase(t.Context(), 6, 78); err != nil {
				t.Fatal(err)
			}
			wantGone(t, vfs.Default, dir, needles...)
			eventlogtest.Check(t, l)
			if _, err := l.Append(t.Context(), nil, pair("after")); err != nil {
				t.Fatal(err)
			}
			closeLog(t, l)
			l = open(t, dir, Options{})
			wantGone(t, vfs.Default, dir, needles...)
			eventlogtest.Check(t, l)
			closeLog(t, l)
		})
	}
}

// TestNoOldLogs: nothing is left of write-ahead logs that were written out.
func TestNoOldLogs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := create(t, dir, Options{MemTableBytes: small})
	for i := range 40 {
		e := eventlogtest.Entry("")
		e.Payload = incompressible(byte(i), 100<<10)
		if _, err := l.Append(t.Context(), nil, []eventlog.Entry{e}); err != nil {
			t.Fatal(err)
		}
	}
	closeLog(t, l)
	if logs := filesOf(t, vfs.Default, dir, ".log"); len(logs) != 1 {
		t.Errorf("write-ahead logs after Close: %q, want one", logs)
	}
}

func TestCodec(t *testing.T) {
	t.Parallel()
	for _, bad := range [][]byte{nil, {0}, {9, 1}, {1, 2, 0}, {0, 0xff, 0xff, 0xff, 0xff, 0xff, 1}} {
		if _, err := unpackPayloads(bad, 2); err == nil {
			t.Errorf("unpackPayloads(%x) succeeds", bad)
		}
		if _, err := unpackHeaders(bad); err == nil {
			t.Errorf("unpackHeaders(%x) succeeds", bad)
		}
	}
}

func FuzzUnpack(f *testing.F) {
	e := eventlogtest.Entry("x")
	form := e.AppendBinary(nil)
	f.Add(new(packer).headers([][]byte{form, form}), 2)
	f.Add(new(packer).payloads([]payload{{salt: make([]byte, 32), data: bytes.Repeat([]byte("words "), 500)}, {erased: true}}), 2)
	f.Fuzz(func(t *testing.T, page []byte, n int) {
		n = 1 + max(n, -n)%pageEntries
		if n < 1 {
			return
		}
		if ps, err := unpackPayloads(page, n); err == nil {
			again, err := unpackPayloads(new(packer).payloads(ps), n)
			if err != nil {
				t.Fatal(err)
			}
			for i := range ps {
				if ps[i].erased != again[i].erased || !bytes.Equal(ps[i].salt, again[i].salt) || !bytes.Equal(ps[i].data, again[i].data) {
					t.Errorf("entry %d changes when packed again", i)
				}
			}
		}
		if h, err := unpackHeaders(page); err == nil {
			again, err := unpackHeaders(new(packer).headers(h.forms))
			if err != nil || len(again.forms) != len(h.forms) {
				t.Fatal(errors.Join(errors.New("headers change when packed again"), err))
			}
		}
	})
}

// like returns v as a T, whose name Pebble keeps to itself.
func like[T ~uint64](_ T, v uint64) T { return T(v) }
