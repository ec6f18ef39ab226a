package demo

import (
	"bytes"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"io"
	"strings"
	"testing"

	"casus/internal/core/observable"
	"casus/internal/core/report"
	"casus/stix"
)

func TestSTIXObjectsAreValid(t *testing.T) {
	t.Parallel()
	for _, f := range Files(Seed) {
		if f.Kind != report.STIX || f.Name == fExport || f.Name == fCutOff {
			continue
		}
		var bundle struct {
			Objects []jsontext.Value `json:"objects"`
		}
		if err := json.Unmarshal(f.Data, &bundle); err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		ids := make(map[string]bool)
		for _, raw := range bundle.Objects {
			o, err := stix.Parse(raw, stix.Limits{})
			if err != nil {
				t.Errorf("%s: %v\n%s", f.Name, err, raw)
				continue
			}
			for _, finding := range stix.Validate(o, stix.Options{Strict: true, StrictTypes: true, StrictProperties: true}) {
				t.Errorf("%s: %s: %v", f.Name, o.ID(), finding)
			}
			if ids[o.ID()] {
				t.Errorf("%s holds %s twice", f.Name, o.ID())
			}
			ids[o.ID()] = true
		}
	}
}

func TestNormalForms(t *testing.T) {
	t.Parallel()
	check := func(m mention) {
		want := observable.Key{Type: observable.Type(m.typ), Normal: m.normal}
		for _, p := range m.places {
			got, err := observable.Normal(want.Type, p.written)
			if err != nil || got != want {
				t.Errorf("Normal(%s, %q) of %s = %v, %v, want %v", m.typ, p.written, p.file, got, err, want)
			}
		}
	}
	for _, m := range designed() {
		check(m)
	}
	for _, n := range noise() {
		check(n.mention)
	}
}

// setAside reads a bundle as it is taken in and returns why its parts are set
// aside, and how many are not.
func setAside(t *testing.T, f File) (reasons []string, kept int) {
	t.Helper()
	r := stix.NewReader(bytes.NewReader(f.Data), f.Name, stix.Limits{})
	for {
		it, err := r.Next()
		if errors.Is(err, io.EOF) {
			return reasons, kept
		}
		if err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		if it.Problem != nil {
			reasons = append(reasons, it.Problem.Reason)
			continue
		}
		findings := stix.Validate(it.Object, stix.Options{})
		if len(findings) == 0 {
			kept++
			continue
		}
		reasons = append(reasons, findings[0].String())
	}
}

func TestBadSTIXIsSetAside(t *testing.T) {
	t.Parallel()
	kept := map[string]int{fExport: 1, fCutOff: 4}
	for _, f := range Files(Seed) {
		if f.Kind != report.STIX {
			continue
		}
		got, n := setAside(t, f)
		if want, bad := kept[f.Name]; bad && n != want {
			t.Errorf("%s: %d objects kept, want %d", f.Name, n, want)
		}
		var want []string
		for _, q := range quarantined() {
			if q.File == f.Name {
				want = append(want, q.Reason)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%s: %d pieces set aside (%q), want %d", f.Name, len(got), got, len(want))
			continue
		}
		for i := range got {
			if !strings.Contains(got[i], want[i]) {
				t.Errorf("%s: set aside because %q, want a reason with %q", f.Name, got[i], want[i])
			}
		}
	}
}
