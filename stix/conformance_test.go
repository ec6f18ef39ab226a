package stix_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"casus/stix"
	"casus/tlp"
)

// The vectors of others stay where they are: the tests of this file read them
// from the folder that CASUS_CONFORMANCE names. A relative path counts from the
// root of the module.
const defaultVectors = "../shared/conformance"

// builtFamilies are the folders whose cases are run here.
var builtFamilies = []string{"jcs", "stix", "tlp"}

// vectorFile is one file with a list of cases, or a table without.
type vectorFile struct {
	name   string // relative to the folder, with slashes
	family string
	raw    []byte
	cases  []jsontext.Value
	table  bool
}

// moduleRoot returns the folder of go.mod.
func moduleRoot(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = up
	}
}

// vectors reads the folder of vectors; without one the test is skipped.
func vectors(t *testing.T) []vectorFile {
	t.Helper()
	dir := os.Getenv("CASUS_CONFORMANCE")
	if dir == "" {
		dir = defaultVectors
	}
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(moduleRoot(t), dir)
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		if os.Getenv("CASUS_CI") == "1" {
			t.Fatalf("no conformance vectors in %s", dir)
		}
		t.Skipf("no conformance vectors in %s; CASUS_CONFORMANCE names the folder", dir)
	}
	return readFolder(t, dir, "", 0)
}

// readFolder reads the case files under a folder, links followed.
func readFolder(t *testing.T, dir, prefix string, depth int) (files []vectorFile) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || depth > 16 {
		t.Fatalf("%s: %v, %d levels deep", dir, err, depth)
	}
	for _, e := range entries {
		full, name := filepath.Join(dir, e.Name()), path.Join(prefix, e.Name())
		info, err := os.Stat(full)
		switch {
		case err != nil:
			t.Fatal(err)
		case info.IsDir():
			files = append(files, readFolder(t, full, name, depth+1)...)
		case path.Ext(name) == ".json":
			raw, err := os.ReadFile(full)
			if err != nil {
				t.Fatal(err)
			}
			if f, ok := readVectors(t, name, raw); ok {
				files = append(files, f)
			}
		}
	}
	return files
}

// loose reads JSON as it is: what is wrong inside a case is for the case to show.
var loose = json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

func readVectors(t *testing.T, name string, raw []byte) (f vectorFile, ok bool) {
	t.Helper()
	f = vectorFile{name: name, raw: raw}
	if family, _, ok := strings.Cut(name, "/"); ok {
		f.family = family
	}
	var top map[string]jsontext.Value
	if err := json.Unmarshal(raw, &top, loose); err != nil {
		if slices.Contains(builtFamilies, f.family) && jsontext.Value(raw).Kind() != '[' {
			t.Errorf("%s: %v", name, err)
		}
		return f, false
	}
	if c, ok := top["cases"]; ok && c.Kind() == '[' {
		if err := json.Unmarshal(c, &f.cases, loose); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		return f, true
	}
	f.table = f.family == "tlp"
	return f, f.table
}

// digestOf is the SHA-256 over the paths and contents of the files.
func digestOf(files []vectorFile) string {
	h := sha256.New()
	for _, f := range files {
		fmt.Fprintf(h, "%d %s %d ", len(f.name), f.name, len(f.raw))
		h.Write(f.raw)
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}

// skipList reads the cases that contradict the standard: the SHA-256 of each in
// canonical form, and the sentence of the standard that says so.
func skipList(t *testing.T) map[string]string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "conformance-skip.tsv"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
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

// errNotScored: the case is left out by the rules of the vectors.
var errNotScored = errors.New("not scored")

// runCase runs one case by its family and its keys.
func runCase(family string, raw jsontext.Value) error {
	var c map[string]jsontext.Value
	if err := json.Unmarshal(raw, &c, loose); err != nil {
		return err
	}
	has := func(keys ...string) bool {
		return !slices.ContainsFunc(keys, func(k string) bool { _, ok := c[k]; return !ok })
	}
	switch {
	case family == "jcs" && has("input_text", "canonical_text"):
		return runCanonical(c)
	case family != "stix":
	case has("layer", "op", "object", "args"):
		return runMarking(c)
	case has("op", "object", "changes"):
		return runVersioning(c)
	case has("object_without_id", "expect_id"):
		return runSCOID(c)
	case has("function", "input"):
		return runConfidence(c)
	case has("object", "options", "valid"):
		return runOptions(c)
	case has("object", "expect"):
		return runObject(c)
	}
	return errors.New("no one knows what to do with a case of these keys")
}

func str(v jsontext.Value) string {
	s, _ := stix.Unquote(v)
	return s
}

// check returns the findings about an object, one that cannot be read included.
func check(raw []byte, opt stix.Options) []stix.Finding {
	o, err := stix.Parse(raw, stix.Limits{})
	if err != nil {
		return []stix.Finding{{Message: err.Error(), Must: true}}
	}
	return stix.Validate(o, opt)
}

// runObject judges an object by what breaks a MUST under strict validation; what
// is valid must also pass intake without a word.
func runObject(c map[string]jsontext.Value) error {
	want := str(c["expect"])
	if want == "disputed" {
		return errNotScored
	}
	if want != "valid" && want != "invalid" {
		return fmt.Errorf("expect is %q", want)
	}
	if want == "valid" {
		if err := compareValidity(check(c["object"], stix.Options{}), true); err != nil {
			return fmt.Errorf("at intake: %w", err)
		}
	}
	found := slices.DeleteFunc(check(c["object"], stix.Options{Strict: true}), func(f stix.Finding) bool { return !f.Must })
	return compareValidity(found, want == "valid")
}

func compareValidity(found []stix.Finding, valid bool) error {
	switch {
	case valid && len(found) > 0:
		return fmt.Errorf("is valid, found %v", found)
	case !valid && len(found) == 0:
		return errors.New("is invalid, found nothing")
	}
	return nil
}

func runOptions(c map[string]jsontext.Value) error {
	var given map[string]jsontext.Value
	if err := json.Unmarshal(c["options"], &given, loose); err != nil {
		return err
	}
	var opt stix.Options
	for name, v := range given {
		switch name {
		case "strict":
			opt.Strict = string(v) == "true"
		case "strict_types":
			opt.StrictTypes = string(v) == "true"
		case "strict_properties":
			opt.StrictProperties = string(v) == "true"
		case "interop":
			opt.Interop = string(v) == "true"
		case "version":
			opt.Version = str(v)
		default:
			return errNotScored // a switch of another program
		}
	}
	return compareValidity(check(c["object"], opt), string(c["valid"]) == "true")
}

func runSCOID(c map[string]jsontext.Value) error {
	got, err := stix.SCOID(c["object_without_id"])
	if string(c["expect_id"]) == "null" {
		if !errors.Is(err, stix.ErrNoID) {
			return fmt.Errorf("SCOID = %q, %w, want ErrNoID", got, err)
		}
		return nil
	}
	if want := str(c["expect_id"]); err != nil || got != want {
		return fmt.Errorf("SCOID = %q, %w, want %q", got, err, want)
	}
	return nil
}

func runCanonical(c map[string]jsontext.Value) error {
	got, err := stix.Canonical([]byte(str(c["input_text"])))
	if err != nil {
		return err
	}
	if want := str(c["canonical_text"]); string(got) != want {
		return fmt.Errorf("Canonical = %s, want %s", got, want)
	}
	if want, ok := c["canonical_utf8_hex"]; ok && hex.EncodeToString(got) != str(want) {
		return fmt.Errorf("Canonical = %x, want %s", got, str(want))
	}
	return nil
}

// runTLP checks a table of TLP ids, one by one, against package tlp and the
// markings known here. It returns how many there were.
func runTLP(raw []byte) (n int, err error) {
	var table struct {
		Definition jsontext.Value    `json:"stix_extension_definition"`
		V2         map[string]string `json:"stix_marking_definition_ids"`
		V1         map[string]string `json:"tlp_1_0_marking_definition_ids"`
		Example    jsontext.Value    `json:"tlp_2_0_example_amber"`
	}
	if err := json.Unmarshal(raw, &table, loose); err != nil {
		return 0, err
	}
	var errs []error
	for _, ids := range []map[string]string{table.V2, table.V1} {
		for name, id := range ids {
			n++
			want, ok := tlp.Parse(name)
			got, known := tlp.ByDefinition(id)
			m, here := stix.KnownMarking(id)
			if !ok || !known || got != want || !here || m.Name() != name {
				errs = append(errs, fmt.Errorf("%s is %v (%v) and %q, want %s", id, got, known, m.Name(), name))
			}
		}
	}
	for name, id := range table.V2 {
		if l, ok := tlp.Parse(name); !ok || l.Definition() != id {
			errs = append(errs, fmt.Errorf("%v.Definition() = %s, want %s", l, l.Definition(), id))
		}
	}
	for _, o := range []jsontext.Value{table.Definition, table.Example} {
		if len(o) == 0 {
			continue
		}
		n++
		if found := check(o, stix.Options{}); len(found) > 0 {
			errs = append(errs, fmt.Errorf("%v in %s", found, o))
		}
	}
	return n, errors.Join(errs...)
}

func TestConformance(t *testing.T) {
	files := vectors(t)
	skip := skipList(t)
	digest := digestOf(files)
	ran := make(map[string]int)
	notRun := make(map[string]int)
	for _, f := range files {
		if !slices.Contains(builtFamilies, f.family) {
			notRun[f.family] += len(f.cases)
			continue
		}
		t.Run(f.name+"@"+digest, func(t *testing.T) {
			if f.table {
				n, err := runTLP(f.raw)
				ran[f.family] += n
				if err != nil || n == 0 {
					t.Errorf("%d entries: %v", n, err)
				}
				return
			}
			ran[f.family] += runFile(t, f, skip)
		})
	}
	for _, family := range builtFamilies {
		if ran[family] == 0 {
			t.Errorf("%s: no case was run", family)
		}
		t.Logf("%s: %d cases run", family, ran[family])
	}
	delete(notRun, "patterns") // run by package stix/pattern/match
	for family, n := range notRun {
		t.Logf("%s: %d cases not run: the family is not built", family, n)
	}
}

// runFile runs the cases of a file. It fails when more than one case and more
// than 1 % of them fail without standing in the skip list.
func runFile(t *testing.T, f vectorFile, skip map[string]string) (ran int) {
	t.Helper()
	var failures []string
	skipped, left := 0, 0
	for i, c := range f.cases {
		err := runCase(f.family, c)
		if errors.Is(err, errNotScored) {
			left++
			continue
		}
		ran++
		if err == nil {
			continue
		}
		sum := caseSum(t, c)
		if _, ok := skip[sum]; ok {
			skipped++
			continue
		}
		failures = append(failures, fmt.Sprintf("case %d %s: %.600v", i, sum, err))
	}
	t.Logf("%d cases run, %d failed, %d in the skip list, %d not scored", ran, len(failures), skipped, left)
	for _, s := range failures[:min(len(failures), 40)] {
		t.Log(s)
	}
	if len(failures) > 1 && len(failures)*100 > ran {
		t.Errorf("%d of %d cases failed", len(failures), ran)
	}
	return ran
}

func caseSum(t *testing.T, c jsontext.Value) string {
	t.Helper()
	canonical, err := stix.Canonical(c)
	if err != nil {
		canonical = c // no case of the skip list
	}
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:])
}

// TestConformanceSkipList holds the skip list to 1 % of the scored cases.
func TestConformanceSkipList(t *testing.T) {
	skip := skipList(t)
	scored, used := 0, 0
	for _, f := range vectors(t) {
		if !slices.Contains(builtFamilies, f.family) {
			continue
		}
		for _, c := range f.cases {
			if errors.Is(runCase(f.family, c), errNotScored) {
				continue
			}
			scored++
			if _, ok := skip[caseSum(t, c)]; ok {
				used++
			}
		}
	}
	t.Logf("%d of %d scored cases stand in the skip list", used, scored)
	if used*100 > scored {
		t.Errorf("%d of %d cases stand in the skip list, want at most 1 %%", used, scored)
	}
}

// sameJSON compares two values in canonical form.
func sameJSON(a, b []byte) bool {
	x, err1 := stix.Canonical(a)
	y, err2 := stix.Canonical(b)
	return err1 == nil && err2 == nil && bytes.Equal(x, y)
}
