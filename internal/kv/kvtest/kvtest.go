// Package kvtest is the contract test of [kv.Store].
package kvtest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"casus/internal/fault"
	"casus/internal/kv"
)

// Run checks the store that open returns; each part opens its own. files
// returns what the files of a store hold, by name; a store in memory has none.
func Run(t *testing.T, open func(t *testing.T) (s kv.Store, files func() map[string][]byte)) {
	t.Helper()
	test := func(name string, f func(*testing.T, kv.Store)) {
		t.Run(name, func(t *testing.T) {
			s, _ := open(t)
			f(t, s)
		})
	}
	test("batch is atomic and ordered", testBatch)
	test("merge is union", testMerge)
	test("merge of no set", testMergeDamaged)
	test("each of many keys", testEach)
	test("snapshot stands still", testSnapshot)
	test("values are copies", testCopies)
	t.Run("erased values are in no file", func(t *testing.T) {
		s, files := open(t)
		testErase(t, s, files)
	})
}

func keys(t *testing.T, r kv.Reader, from, to string) []string {
	t.Helper()
	var end []byte
	if to != "" {
		end = []byte(to)
	}
	var out []string
	for p, err := range r.Scan([]byte(from), end) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, string(p.Key)+"="+string(p.Value))
	}
	return out
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func testBatch(t *testing.T, s kv.Store) {
	defer func() { must(t, s.Close()) }()
	b := s.Batch()
	must(t, b.Set([]byte("b"), []byte("2")), b.Set([]byte("a"), []byte("1")), b.Set([]byte("c"), []byte("3")))
	if got := keys(t, s, "a", ""); len(got) != 0 {
		t.Errorf("an uncommitted batch shows %v", got)
	}
	must(t, b.Commit())
	b.Discard()
	b = s.Batch()
	must(t, b.Delete([]byte("b")), b.Delete([]byte("nothing")), b.Commit())
	b.Discard()
	if diff := cmp.Diff([]string{"a=1", "c=3"}, keys(t, s, "a", "")); diff != "" {
		t.Errorf("after delete (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"a=1"}, keys(t, s, "a", "c")); diff != "" {
		t.Errorf("the end is exclusive (-want +got):\n%s", diff)
	}
	b = s.Batch()
	must(t, b.DeleteRange([]byte("a"), []byte("c")), b.Commit())
	b.Discard()
	if _, ok, err := s.Get([]byte("a")); ok || err != nil {
		t.Errorf("Get(a) after DeleteRange = %v, %v", ok, err)
	}
	b = s.Batch()
	must(t, b.Set([]byte("x"), nil))
	b.Discard()
	if _, ok, _ := s.Get([]byte("x")); ok {
		t.Error("a discarded batch wrote")
	}
	must(t, s.Flush(), s.Erase([]byte("a"), []byte("d")))
	if v, ok, err := s.Get([]byte("c")); !ok || err != nil || string(v) != "3" {
		t.Errorf("Get(c) = %q, %v, %v", v, ok, err)
	}
}

func testMerge(t *testing.T, s kv.Store) {
	defer func() { must(t, s.Close()) }()
	var want kv.Postings
	for i := range uint16(300) {
		b := s.Batch()
		must(t, b.Merge([]byte("k"), kv.Postings{i * 3, i*3 + 1}.Append(nil)), b.Commit())
		b.Discard()
		want = append(want, i*3, i*3+1)
		if i == 100 {
			must(t, s.Flush())
		}
	}
	b := s.Batch()
	must(t, b.Merge([]byte("k"), kv.Postings{0, 3}.Append(nil)), b.Commit())
	b.Discard()
	v, ok, err := s.Get([]byte("k"))
	if err != nil || !ok {
		t.Fatalf("Get(k) = %v, %v", ok, err)
	}
	got, err := kv.ParsePostings(v)
	must(t, err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("merged set (-want +got):\n%s", diff)
	}
}

// testEach asks for keys that are there and that are not, in the store and in a
// snapshot, over what was written out and what was not.
func testEach(t *testing.T, s kv.Store) {
	defer func() { must(t, s.Close()) }()
	var asked [][]byte
	var want []string
	for i := range 200 {
		key := fmt.Sprintf("k%03d", i)
		asked = append(asked, []byte(key))
		if i%3 == 0 {
			continue
		}
		b := s.Batch()
		must(t, b.Set([]byte(key), []byte(strconv.Itoa(i))), b.Commit())
		b.Discard()
		want = append(want, key+"="+strconv.Itoa(i))
		if i == 100 {
			must(t, s.Flush())
		}
	}
	snap := s.Snapshot()
	defer func() { must(t, snap.Close()) }()
	for name, r := range map[string]kv.Reader{"store": s, "snapshot": snap} {
		var got []string
		for p, err := range r.Each(asked) {
			must(t, err)
			got = append(got, string(p.Key)+"="+string(p.Value))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: Each (-want +got):\n%s", name, diff)
		}
		for _, err := range r.Each(asked) {
			must(t, err)
			break
		}
	}
}

func testSnapshot(t *testing.T, s kv.Store) {
	defer func() { must(t, s.Close()) }()
	b := s.Batch()
	must(t, b.Set([]byte("a"), []byte("1")), b.Commit())
	b.Discard()
	snap := s.Snapshot()
	b = s.Batch()
	must(t, b.Set([]byte("a"), []byte("2")), b.Set([]byte("b"), []byte("1")), b.Commit())
	b.Discard()
	if diff := cmp.Diff([]string{"a=1"}, keys(t, snap, "a", "")); diff != "" {
		t.Errorf("snapshot (-want +got):\n%s", diff)
	}
	must(t, snap.Close())
}

// set writes one pair.
func set(t *testing.T, s kv.Store, key string, value []byte) {
	t.Helper()
	b := s.Batch()
	defer b.Discard()
	must(t, b.Set([]byte(key), value), b.Commit())
}

// testMergeDamaged: a set that cannot be read is damage, told by who makes the
// union: the commit, or the read after it.
func testMergeDamaged(t *testing.T, s kv.Store) {
	set(t, s, "k", kv.Postings{1}.Append(nil))
	b := s.Batch()
	must(t, b.Merge([]byte("k"), []byte{0xee, 1, 2}))
	err := b.Commit()
	b.Discard()
	if err == nil {
		_, _, err = s.Get([]byte("k"))
	}
	if err == nil || fault.KindOf(err) != fault.Internal {
		t.Errorf("union with what is no set = %v, want Internal", err)
	}
	_ = s.Close() // may fail for the same reason
}

// testCopies: what is given and what is got belongs to the caller.
func testCopies(t *testing.T, s kv.Store) {
	defer func() { must(t, s.Close()) }()
	key, value := []byte("a"), []byte("as written")
	b := s.Batch()
	must(t, b.Set(key, value))
	copy(key, "z")
	copy(value, "spoilt....")
	must(t, b.Commit())
	b.Discard()
	got := func(r kv.Reader) []byte {
		t.Helper()
		v, ok, err := r.Get([]byte("a"))
		if !ok || err != nil || string(v) != "as written" {
			t.Fatalf("Get(a) = %q, %v, %v, want \"as written\"", v, ok, err)
		}
		return v
	}
	kept := got(s)
	snap := s.Snapshot()
	keptToo := got(snap)
	copy(got(s), "mine now..") // must not reach the store
	copy(got(snap), "mine now..")
	got(s)
	got(snap)
	must(t, snap.Close(), s.Flush())
	kept = append(slices.Clip(kept), got(s)...) // from a file now
	for i := range 300 {                        // whatever stood behind a value is used again
		set(t, s, fmt.Sprint("b", i), noise(byte(i), 4<<10))
	}
	b = s.Batch()
	must(t, b.Delete([]byte("a")), b.Commit(), s.Flush(), s.Erase([]byte("a"), nil))
	b.Discard()
	if string(kept) != "as writtenas written" || string(keptToo) != "as written" {
		t.Errorf("values got before = %q, %q, want them unchanged", kept, keptToo)
	}
}

// noise returns n bytes that stay as they are however they are packed.
func noise(seed byte, n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(b)
	return b
}

// testErase: of values overwritten, deleted, or deleted by range, nothing is
// left in any file.
func testErase(t *testing.T, s kv.Store, files func() map[string][]byte) {
	gone := map[string][]byte{}
	for i, key := range []string{"b1", "b2", "b3", "b4"} {
		gone[key] = noise(byte(i+1), 200)
		set(t, s, key, gone[key])
		if i%2 == 0 {
			must(t, s.Flush()) // some of them go from files, some from buffers
		}
	}
	stays := noise(9, 200)
	set(t, s, "b5", stays)
	set(t, s, "a", stays)
	must(t, s.Flush())
	holds := func(value []byte) (names []string) {
		for name, data := range files() {
			if bytes.Contains(data, value) {
				names = append(names, name)
			}
		}
		return names
	}
	if len(files()) > 0 && (len(holds(gone["b1"])) == 0 || len(holds(stays)) == 0) {
		t.Fatal("values are not found in the files that hold them: the search is blind")
	}
	before := s.Snapshot()
	b := s.Batch()
	must(t, b.Set([]byte("b1"), []byte("over")), b.Delete([]byte("b2")), b.DeleteRange([]byte("b3"), []byte("b5")), b.Commit())
	b.Discard()
	must(t, s.Erase([]byte("b"), nil)) // what the snapshot shows stays
	for key, value := range gone {
		if v, ok, err := before.Get([]byte(key)); !ok || err != nil || !bytes.Equal(v, value) {
			t.Errorf("snapshot: Get(%s) after Erase = %d bytes, %v, %v; want what it was", key, len(v), ok, err)
		}
	}
	must(t, before.Close(), s.Erase([]byte("b"), nil))
	if diff := cmp.Diff([]string{"a=" + string(stays), "b1=over", "b5=" + string(stays)}, keys(t, s, "a", "")); diff != "" {
		t.Errorf("after Erase (-want +got):\n%s", diff)
	}
	must(t, s.Close())
	for key, value := range gone {
		if names := holds(value); len(names) > 0 {
			t.Errorf("what stood under %s is still in %q", key, names)
		}
	}
	if len(files()) > 0 && len(holds(stays)) == 0 {
		t.Error("what was not erased is in no file")
	}
}
