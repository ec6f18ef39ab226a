package stix

import (
	"bytes"
	"encoding/json/jsontext"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// addVectors seeds a fuzz target with the files of others, if they are there.
func addVectors(f *testing.F, folders ...string) {
	f.Helper()
	root := os.Getenv("CASUS_CONFORMANCE")
	if root == "" {
		root = "../../shared/conformance"
	}
	for _, folder := range folders {
		names, _ := filepath.Glob(filepath.Join(root, folder, "*.json"))
		for _, name := range names {
			data, err := os.ReadFile(name)
			if err != nil || len(data) > 1<<20 {
				continue
			}
			EachMember(data, func(_, cases []byte) bool {
				Each(cases, func(c []byte) bool {
					EachMember(c, func(n, v []byte) bool {
						switch string(n) {
						case "object", "object_without_id":
							f.Add(v)
						case "input_text":
							s, _ := UnquoteBytes(v)
							f.Add(s)
						}
						return true
					})
					return true
				})
				return true
			})
		}
	}
}

// FuzzParse checks that what is accepted is what the standard library's strict
// reader of JSON accepts, and that reading gives back what is there.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		testIndicator, object(`,"a":"\ud83d\ude00\u0000é"`), object(manyMembers(40)), object(`,"a":[1,-0.5e+3,9007199254740992,1e999]`),
		object(`,"a":1,"\u0061":2`), "{\"type\":\"\xff\"}", `{"type":"x","id":"y"`, "[]", " {} x",
	} {
		f.Add([]byte(s))
	}
	addVectors(f, "stix")
	f.Fuzz(func(t *testing.T, raw []byte) {
		o, err := Parse(raw, Limits{})
		valid := jsontext.Value(raw).IsValid()
		if err == nil && !valid {
			t.Fatalf("accepted %q", raw)
		}
		var e *Error
		if err != nil {
			if !errors.As(err, &e) || e.Offset < 0 || e.Offset > int64(len(raw)) || e.Reason == "" || e.Remedy == "" {
				t.Fatalf("Parse(%q) = %#v", raw, err)
			}
			// Where the standard's reader sees no fault, there must be one of
			// the rules beyond JSON.
			if valid && !strings.Contains(e.Reason, "beyond 2^53-1") && !strings.Contains(e.Reason, "double can hold") &&
				!strings.Contains(e.Reason, "nested") && !strings.Contains(e.Reason, "\"type\"") && !strings.Contains(e.Reason, "\"id\"") &&
				!strings.Contains(e.Reason, "want an object") {
				t.Fatalf("Parse(%q) = %v", raw, err)
			}
			return
		}
		for i := range o.Len() {
			name, value := o.Member(i)
			if got, ok := o.Get(string(name)); !ok || !bytes.Equal(got, value) {
				t.Fatalf("Get(%q) = %q, want %q", name, got, value)
			}
			if !jsontext.Value(value).IsValid() {
				t.Fatalf("member %q = %q", name, value)
			}
		}
		o.Walk(func(_ string, _ byte, value []byte) bool {
			if !jsontext.Value(value).IsValid() {
				t.Fatalf("Walk gives %q", value)
			}
			return true
		})
		o.Refs(func(_, id []byte) {
			if !looksLikeID(id) {
				t.Fatalf("Refs gives %q", id)
			}
		})
		var members []Member
		for i := range o.Len() {
			name, value := o.Member(i)
			members = append(members, Member{string(name), value})
		}
		built, err := Build(members...)
		if err != nil {
			t.Fatalf("Build of the members of %q: %v", raw, err)
		}
		again, err := Parse(built, Limits{})
		if err != nil || again.VersionKey() != o.VersionKey() || again.SpecVersion() != o.SpecVersion() {
			t.Fatalf("Parse(%q) = %v", built, err)
		}
		if got := AppendCompact(nil, raw); !bytes.Equal(again.AppendCanonical(nil), mustCanonical(t, got)) {
			t.Fatalf("compact form %q", got)
		}
	})
}

func mustCanonical(t *testing.T, raw []byte) []byte {
	t.Helper()
	c, err := Canonical(raw)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// FuzzCanonical checks that the canonical form is a fixed point, says the same,
// and agrees with the standard library's.
func FuzzCanonical(f *testing.F) {
	for _, s := range []string{
		testIndicator, `{"\u20ac":1,"\ud83d\ude00":2,"\ufb33":3}`, `[1e21,1e-7,-0,123456789.123456789,4.9e-324]`, `{"b":{"d":1,"c":2},"a":[]}`,
		"\"\\u0007\x7f\"", `{"a":1,"\u0061":2}`, `"\ud800"`, " 9007199254740993 ",
	} {
		f.Add([]byte(s))
	}
	addVectors(f, "jcs", "stix")
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := Canonical(raw)
		theirs := jsontext.Value(bytes.Clone(raw))
		theirErr := theirs.Canonicalize()
		if err != nil {
			if theirErr == nil && !strings.Contains(err.Error(), "double can hold") && !strings.Contains(err.Error(), "nested") {
				t.Fatalf("Canonical(%q) = %v, the standard library says %s", raw, err, theirs)
			}
			return
		}
		if theirErr != nil || !bytes.Equal(got, theirs) {
			t.Fatalf("Canonical(%q) = %s, the standard library says %s, %v", raw, got, theirs, theirErr)
		}
		if again := mustCanonical(t, got); !bytes.Equal(again, got) {
			t.Fatalf("Canonical(%q) = %s, want the same", got, again)
		}
	})
}

// FuzzReader checks that reading ends, loses no byte that is not space or
// structure, and does not depend on the portions the input comes in.
func FuzzReader(f *testing.F) {
	for _, s := range []string{
		"", thing(1), bundleOf(things(3)...), "[" + thing(1) + "," + bundleOf(thing(2)) + "]", thing(1) + "\n" + thing(2) + "}", bundleOf(thing(1), `{"a":[}`),
		"\xef\xbb\xbf{}", "\xff\xfe{\x00", "[1,,x]", `{"objects":[{}],"type":"x"}`, gzipped(f, thing(1)), gzipped(f, thing(1))[:30], zipped(f, "a", thing(1), "b", "{"),
	} {
		f.Add([]byte(s), uint8(3))
	}
	addVectorsPortions(f)
	f.Fuzz(func(t *testing.T, raw []byte, portion uint8) {
		lim := Limits{ObjectBytes: 300, ArchiveFiles: 10, Problems: 20}
		whole := fuzzRead(t, NewReader(bytes.NewReader(raw), "in", lim), lim)
		if compression(raw) == "zip" {
			return // not readable in portions
		}
		parts := fuzzRead(t, NewReader(&portions{raw, int(portion) + 1}, "in", lim), lim)
		if strings.Join(whole, "\n") != strings.Join(parts, "\n") {
			t.Fatalf("%q read whole:\n%s\nin portions of %d:\n%s", raw, strings.Join(whole, "\n"), int(portion)+1, strings.Join(parts, "\n"))
		}
	})
}

func addVectorsPortions(f *testing.F) {
	f.Helper()
	f.Add([]byte(bundleOf(testIndicator, testIndicator)), uint8(200))
}

type portions struct {
	b []byte
	n int
}

func (p *portions) Read(b []byte) (int, error) {
	if len(p.b) == 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(len(b), p.n)], p.b)
	p.b = p.b[n:]
	return n, nil
}

func fuzzRead(t *testing.T, r *Reader, lim Limits) []string {
	t.Helper()
	var got []string
	end := map[string]int64{}
	for n := 0; ; n++ {
		item, err := r.Next()
		if errors.Is(err, io.EOF) {
			return got
		}
		if err != nil {
			t.Fatal(err)
		}
		if (item.Object == nil) == (item.Problem == nil) {
			t.Fatalf("item %+v", item)
		}
		if item.Problem != nil {
			p := item.Problem
			got = append(got, item.File+" "+p.Error())
			if p.Reason == "" || p.Remedy == "" || p.Place == "" || p.Size < int64(len(p.Raw)) {
				t.Fatalf("problem %+v", p)
			}
			continue
		}
		got = append(got, item.File+" "+string(item.Object.Raw()))
		if item.Offset < end[item.File] || len(item.Object.Raw()) > lim.ObjectBytes {
			t.Fatalf("object of %d bytes at %d, after one that ends at %d", len(item.Object.Raw()), item.Offset, end[item.File])
		}
		end[item.File] = item.Offset + int64(len(item.Object.Raw()))
	}
}
