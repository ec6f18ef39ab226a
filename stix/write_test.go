package stix

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestBuild(t *testing.T) {
	t.Parallel()
	const id = "note--3d1c9b1e-7a41-4b55-9d0e-0f6a3f0c2a11"
	got, err := Build(
		Text("content", "a \"b\"\n<é>"), Text("modified", "2031-01-01T00:00:00.000Z"), Texts("object_refs", id, id), Text("id", id),
		Text("type", "note"), Int("confidence", 75), Bool("revoked", false), Text("lang", ""), Texts("labels"), List("empty"),
		List("external_references", Dict(Text("source_name", "x"), Text("url", ""))), JSON("x_raw", []byte(`{"b":1, "a":2}`)),
		Text("spec_version", "2.1"), Text("created", "2031-01-01T00:00:00.000Z"),
	)
	want := `{"type":"note","spec_version":"2.1","id":"` + id + `","created":"2031-01-01T00:00:00.000Z","modified":"2031-01-01T00:00:00.000Z",` +
		`"revoked":false,"content":"a \"b\"\n<é>","object_refs":["` + id + `","` + id + `"],"confidence":75,` +
		`"external_references":[{"source_name":"x"}],"x_raw":{"b":1, "a":2}}`
	if err != nil || string(got) != want {
		t.Errorf("Build = %s, %v, want %s", got, err, want)
	}
}

func TestBuildRefuses(t *testing.T) {
	t.Parallel()
	typ, id := Text("type", "note"), Text("id", "x")
	for _, tc := range []struct {
		name    string
		members []Member
		reason  string
	}{
		{"twice", []Member{typ, id, Text("a", "1"), Text("a", "2")}, "appears twice"},
		{"bad text", []Member{typ, id, Text("a", "\xff")}, "not UTF-8"},
		{"bad name", []Member{typ, id, Text("\xff", "a")}, "not UTF-8"},
		{"bad JSON", []Member{typ, id, JSON("a", []byte("{1}"))}, "want a member name"},
		{"cut value", []Member{typ, id, JSON("a", []byte("{")), JSON("b", []byte("2}"))}, "not one JSON value"},
		{"two values", []Member{typ, id, JSON("a", []byte(`1,"b":2`))}, "not one JSON value"},
		{"empty value", []Member{typ, id, JSON("a", []byte{})}, "not one JSON value"},
		{"no type", []Member{id}, `no "type"`},
		{"no id", []Member{typ}, `no "id"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := Build(tc.members...)
			var e *Error
			if !errors.As(err, &e) || !strings.Contains(e.Reason, tc.reason) {
				t.Errorf("Build = %s, %v, want an *Error with %q", got, err, tc.reason)
			}
		})
	}
}

func TestWriter(t *testing.T) {
	t.Parallel()
	const id = "bundle--3d1c9b1e-7a41-4b55-9d0e-0f6a3f0c2a11"
	one, err := Parse([]byte(" "+`{ "type":"x-one", "id":"1\u0031" ,`+"\n"+`"s":" a\" b " }`+"\n"), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	two, err := Parse([]byte(thing(2)), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name    string
		objects []*Object
		lines   bool
		want    string
	}{
		{"none", nil, false, `{"type":"bundle","id":"` + id + `"}` + "\n"},
		{"two", []*Object{one, two}, false, `{"type":"bundle","id":"` + id + `","objects":[` + "\n" + `{ "type":"x-one", "id":"1\u0031" ,` + "\n" + `"s":" a\" b " },` + "\n" + thing(2) + "\n]}\n"},
		{"no lines", nil, true, ""},
		{"lines", []*Object{one, two}, true, `{"type":"x-one","id":"1\u0031","s":" a\" b "}` + "\n" + thing(2) + "\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			w, err := NewWriter(&b, id)
			if err != nil {
				t.Fatal(err)
			}
			if tc.lines {
				w = NewLineWriter(&b)
			}
			for _, o := range tc.objects {
				if err := w.Write(o); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if b.String() != tc.want || w.Count() != len(tc.objects) {
				t.Errorf("wrote %d: %s, want %s", w.Count(), b.String(), tc.want)
			}
		})
	}
}

func TestWriterRefuses(t *testing.T) {
	t.Parallel()
	if _, err := NewWriter(nil, "note--3d1c9b1e-7a41-4b55-9d0e-0f6a3f0c2a11"); err == nil {
		t.Error("NewWriter takes the id of a note")
	}
	if _, err := NewWriter(nil, "bundle--1"); err == nil {
		t.Error("NewWriter takes an id without a UUID")
	}
	var b bytes.Buffer
	w := NewLineWriter(&b)
	bundle, err := Parse([]byte(bundleOf(thing(1))), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(bundle); err == nil {
		t.Error("a bundle was written")
	}
	refused := errors.New("refused")
	w.Check = func(*Object) error { return refused }
	o, err := Parse([]byte(thing(1)), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(o); !errors.Is(err, refused) || b.Len() > 0 {
		t.Errorf("Write = %v, wrote %s", err, b.String())
	}
	full := NewLineWriter(failingWriter{})
	if err := full.Write(o); !errors.Is(err, errFull) {
		t.Errorf("Write = %v, want %v", err, errFull)
	}
	if err := full.Close(); !errors.Is(err, errFull) {
		t.Errorf("Close = %v, want %v", err, errFull)
	}
}

var errFull = errors.New("disk full")

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, errFull }
