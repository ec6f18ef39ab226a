package match_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"casus/stix"
	"casus/stix/pattern"
	"casus/stix/pattern/match"
)

// The vectors of others stay where they are: the tests of this file read the
// patterns in the folder that CASUS_CONFORMANCE names. A relative path counts
// from the root of the module.
const defaultVectors = "../shared/conformance"

// patternVectors opens the folder of pattern vectors; without one the test is
// skipped.
func patternVectors(t *testing.T) fs.FS {
	t.Helper()
	dir := os.Getenv("CASUS_CONFORMANCE")
	if dir == "" {
		dir = defaultVectors
	}
	if !filepath.IsAbs(dir) {
		dir = filepath.Join("..", "..", "..", dir)
	}
	dir = filepath.Join(dir, "patterns")
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		if os.Getenv("CASUS_CI") == "1" {
			t.Fatalf("no vectors of patterns in %s", dir)
		}
		t.Skipf("no vectors of patterns in %s; CASUS_CONFORMANCE names the folder above", dir)
	}
	return os.DirFS(dir)
}

// skipped are the cases that contradict the standard: the SHA-256 of each in the
// form of RFC 8785, and the sentence of the standard that says so.
func skipped(t *testing.T) map[string]string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "conformance-skip.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	list := make(map[string]string)
	for line := range strings.Lines(string(raw)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		sum, sentence, ok := strings.Cut(line, "\t")
		if _, err := hex.DecodeString(sum); err != nil || len(sum) != 64 || !ok || len(sentence) < 20 {
			t.Fatalf("conformance-skip.tsv: %q: want a SHA-256, a tab and a sentence of the standard", line)
		}
		list[sum] = sentence
	}
	return list
}

// vector is a case of any of the three files.
type vector struct {
	Pattern      string `json:"pattern"`
	Valid        *bool  `json:"valid"`
	Observations string `json:"observations"`
	Expect       string `json:"expect"`
	A            string `json:"a"`
	B            string `json:"b"`
	Equivalent   bool   `json:"equivalent"`
}

type bundle struct {
	Objects []jsontext.Value `json:"objects"`
}

// runVector runs a case by its keys.
func runVector(c vector, observations map[string][]bundle) error {
	switch {
	case c.Valid != nil:
		p, err := pattern.Parse(c.Pattern)
		if err == nil {
			err = p.Check()
		}
		if (err == nil) != *c.Valid {
			return fmt.Errorf("%s: %w, want valid %v", c.Pattern, err, *c.Valid)
		}
	case c.Expect != "":
		var objects [][]byte
		for _, b := range observations[c.Observations] {
			for _, o := range b.Objects {
				objects = append(objects, o)
			}
		}
		obs, errs := match.Observations(objects)
		if len(errs) > 0 || len(obs) == 0 {
			return fmt.Errorf("%d observations, %v", len(obs), errs)
		}
		if got, why := outcome(c.Pattern, obs); got != c.Expect {
			return fmt.Errorf("%s over %s: %s (%v), want %s", c.Pattern, c.Observations, got, why, c.Expect)
		}
	default:
		a, err1 := pattern.Parse(c.A)
		b, err2 := pattern.Parse(c.B)
		if err := errors.Join(err1, err2); err != nil {
			return err
		}
		if got, err := pattern.Equivalent(a, b); err != nil || got != c.Equivalent {
			return fmt.Errorf("Equivalent(%s, %s) = %v, %w, want %v", c.A, c.B, got, err, c.Equivalent)
		}
	}
	return nil
}

// outcome names what a match gave. A comparison that cannot be made is false by
// the standard and an error to the authors of the vectors; a note tells both.
func outcome(text string, obs []*match.Observation) (string, any) {
	m, err := match.Compile(text)
	if err != nil {
		return "error", err
	}
	r, err := m.Match(obs, 0)
	switch {
	case err != nil:
		return "error", err
	case r.Matched:
		return "match", r.Binding
	case len(r.Notes) > 0:
		return "error", r.Notes
	}
	return "no-match", nil
}

// TestConformance runs every case; those that fail must stand in the skip list,
// which holds at most 1 % of them.
func TestConformance(t *testing.T) {
	dir := patternVectors(t)
	skip := skipped(t)
	total, left := 0, 0
	for _, name := range []string{"grammar.json", "equivalence.json", "match.json"} {
		t.Run(name, func(t *testing.T) {
			raw, err := fs.ReadFile(dir, name)
			if err != nil {
				t.Fatal(err)
			}
			var file struct {
				Observations map[string][]bundle `json:"observations"`
				Cases        []jsontext.Value    `json:"cases"`
			}
			if err := json.Unmarshal(raw, &file); err != nil || len(file.Cases) == 0 {
				t.Fatalf("%d cases, %v", len(file.Cases), err)
			}
			for i, raw := range file.Cases {
				var c vector
				if err := json.Unmarshal(raw, &c); err != nil {
					t.Fatal(err)
				}
				total++
				err := runVector(c, file.Observations)
				if err == nil {
					continue
				}
				canonical, cerr := stix.Canonical(raw)
				sum := sha256.Sum256(canonical)
				if _, ok := skip[hex.EncodeToString(sum[:])]; ok && cerr == nil {
					left++
					continue
				}
				t.Errorf("case %d %x: %.600v", i, sum, err)
			}
			t.Logf("%d cases run", len(file.Cases))
		})
	}
	t.Logf("%d cases, %d of them in the skip list", total, left)
	if left*100 > total || left != len(skip) {
		t.Errorf("%d of %d cases fail and stand in the skip list of %d, want all of them and at most 1 %%", left, total, len(skip))
	}
}
