// Package kvtest is the contract test of [kv.Store].
package kvtest

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"casus/internal/kv"
)

// Run checks the store that open returns; each part opens its own.
func Run(t *testing.T, open func(t *testing.T) kv.Store) {
	t.Helper()
	t.Run("batch is atomic and ordered", func(t *testing.T) { testBatch(t, open(t)) })
	t.Run("merge is union", func(t *testing.T) { testMerge(t, open(t)) })
	t.Run("snapshot stands still", func(t *testing.T) { testSnapshot(t, open(t)) })
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
