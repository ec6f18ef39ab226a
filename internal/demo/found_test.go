package demo

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"casus/internal/core/observable"
	"casus/internal/core/report"
	"casus/internal/edge/intake/format"
	"casus/stix"
)

// reading is what a file gives when it is taken in.
type reading struct {
	format  report.Format
	keys    map[observable.Key]bool // what is mentioned, not as part of something else
	aside   []string                // why pieces are set aside
	kept    int
	assumed int // objects with a time whose zone was assumed
}

// read takes a file in as a node does, without keeping it.
func read(t *testing.T, f File) reading {
	t.Helper()
	got := reading{keys: make(map[observable.Key]bool)}
	r, err := format.Open(bytes.NewReader(f.Data), format.Options{Name: f.Name, Now: f.At})
	if err != nil {
		t.Fatalf("%s: %v", f.Name, err)
	}
	got.format = r.Format()
	for {
		it, err := r.Next()
		if errors.Is(err, io.EOF) {
			return got
		}
		if err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		if it.Problem != nil {
			got.aside = append(got.aside, it.Problem.Reason)
			continue
		}
		if bad := stix.Validate(it.Object, stix.Options{}); len(bad) > 0 {
			got.aside = append(got.aside, bad[0].String())
			continue
		}
		got.kept++
		if it.Object.Has("x_casus_time_assumed") {
			got.assumed++
		}
		observable.FromObject(it.Object, func(m observable.Mention) {
			if !m.Reference && !m.Derived {
				got.keys[m.Key] = true
			}
		})
	}
}

// held gives for every value the reports that mention it.
func held(t *testing.T) (by map[observable.Key][]string, source map[string]string) {
	t.Helper()
	by, source = make(map[observable.Key][]string), make(map[string]string)
	known := Truth().Known
	for _, f := range Files(Seed) {
		source[f.Name] = f.Source
		if slices.Contains(known, f.Name) {
			continue
		}
		for k := range read(t, f).keys {
			by[k] = append(by[k], f.Name)
		}
	}
	return by, source
}

// TestTruthIsInTheFiles takes every file in and compares what stands in several of
// them with the truth: nothing designed may be missing, and nothing else may tie
// reports of different sources.
func TestTruthIsInTheFiles(t *testing.T) {
	t.Parallel()
	by, source := held(t)
	want := make(map[observable.Key][]string)
	within := make(map[observable.Key]bool) // parts of what is designed, such as the host of a URL
	add := func(m mention) {
		k := observable.Key{Type: observable.Type(m.typ), Normal: m.normal}
		for _, p := range m.places {
			want[k] = append(want[k], p.file)
		}
		if r, ok := observable.Related(k); ok {
			within[r] = true
		}
	}
	for _, m := range designed() {
		add(m)
	}
	for _, n := range noise() {
		add(n.mention)
	}
	for k, places := range want {
		var sources []string
		for _, p := range places {
			sources = append(sources, source[p])
			if !slices.Contains(by[k], p) {
				t.Errorf("%v is not found in %s, want it there", k, p)
			}
		}
		for _, f := range by[k] {
			if !slices.Contains(sources, source[f]) {
				t.Errorf("%v also stands in %s of %s, which is not in the truth", k, f, source[f])
			}
		}
	}
	for k, files := range by {
		if want[k] != nil || within[k] {
			continue
		}
		first := source[files[0]]
		if slices.ContainsFunc(files, func(f string) bool { return source[f] != first }) {
			t.Errorf("%v stands in %q but is not in the truth", k, files)
		}
	}
}

func TestFilesAreReadAsWhatTheyAre(t *testing.T) {
	t.Parallel()
	kept := 0
	for _, f := range Files(Seed) {
		r := read(t, f)
		kept += r.kept
		if r.format != f.Kind {
			t.Errorf("%s is read as %s, want %s", f.Name, r.format, f.Kind)
		}
		var want []TruthQuarantine
		for _, q := range quarantined() {
			if q.File == f.Name {
				want = append(want, q)
			}
		}
		if len(want) != len(r.aside) {
			t.Errorf("%s: %d pieces set aside (%q), want %d", f.Name, len(r.aside), r.aside, len(want))
			continue
		}
		for i, why := range r.aside {
			if !strings.Contains(why, want[i].Reason) {
				t.Errorf("%s: set aside because %q, want a reason with %q", f.Name, why, want[i].Reason)
			}
		}
		if zoneless := bytes.Contains(f.Data, []byte("2026-11-16 10:20:00")); (r.assumed > 0) != zoneless {
			t.Errorf("%s: %d objects with an assumed zone, file has such times = %t", f.Name, r.assumed, zoneless)
		}
	}
	if want := Truth().Objects; kept < want {
		t.Errorf("%d objects are kept, want at least %d", kept, want)
	}
}

func TestNoiseIsCommonAndTheRestIsNot(t *testing.T) {
	t.Parallel()
	lists := observable.BuiltIn(true)
	for _, n := range noise() {
		if why, ok := lists.Reason(observable.Key{Type: observable.Type(n.typ), Normal: n.normal}); !ok || !strings.Contains(why, n.why) {
			t.Errorf("Reason(%s %s) = %q, want one with %q", n.typ, n.normal, why, n.why)
		}
	}
	for _, m := range designed() {
		if why, ok := lists.Reason(observable.Key{Type: observable.Type(m.typ), Normal: m.normal}); ok {
			t.Errorf("Reason(%s %s) = %q, want none for a designed match", m.typ, m.normal, why)
		}
	}
}
