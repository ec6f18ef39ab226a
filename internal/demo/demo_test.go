package demo

import (
	"bytes"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/publicsuffix"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"casus/internal/core/report"
)

var update = flag.Bool("update", false, "rewrite testdata/demo/truth.json")

func TestTruthFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join("..", "..", "testdata", "demo", "truth.json")
	got := render(Truth())
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("truth.json and Truth() differ; run go test ./internal/demo -update (-file +code):\n%s", d)
	}
	var back Truths
	if err := json.Unmarshal(want, &back); err != nil {
		t.Fatalf("truth.json: %v", err)
	}
	if d := cmp.Diff(Truth(), back); d != "" {
		t.Errorf("truth.json read back (-want +got):\n%s", d)
	}
}

func TestSizeOfTheStory(t *testing.T) {
	t.Parallel()
	truth := Truth()
	for _, c := range []struct {
		what      string
		got, want int
	}{
		{"reports", truth.Reports, 40},
		{"formats", len(truth.Formats), 4},
		{"objects", truth.Objects, 2000},
		{"sources", truth.Sources, 9},
		{"designed matches", len(truth.Matches), 15},
		{"noise", len(truth.Noise), 5},
		{"quarantined", len(truth.Quarantined), 5},
	} {
		if c.got < c.want {
			t.Errorf("%s = %d, want at least %d", c.what, c.got, c.want)
		}
		t.Logf("%s: %d", c.what, c.got)
	}
}

func TestFilesAreTheSameEveryTime(t *testing.T) {
	t.Parallel()
	one, two, other := Files(Seed), Files(Seed), Files(Seed+1)
	var changed int
	for i, f := range one {
		if f.Name != other[i].Name {
			t.Fatalf("file %d of another seed = %q, want %q", i, other[i].Name, f.Name)
		}
		if f.Name != two[i].Name || !bytes.Equal(f.Data, two[i].Data) {
			t.Errorf("file %d (%s) of the same seed differs", i, f.Name)
		}
		if !bytes.Equal(f.Data, other[i].Data) {
			changed++
		}
	}
	if changed != len(lists()) {
		t.Errorf("another seed changed %d files, want the %d filler lists", changed, len(lists()))
	}
}

func TestFilesAreInOrderAndKnownToSources(t *testing.T) {
	t.Parallel()
	known := make(map[string]bool)
	for _, s := range Sources() {
		known[s.Name] = true
	}
	names := make(map[string]bool)
	handed := make(map[string]int)
	var last File
	for _, f := range Files(Seed) {
		if f.At.Before(last.At) {
			t.Errorf("%s is handed in before %s, want order by time", f.Name, last.Name)
		}
		last = f
		if !known[f.Source] {
			t.Errorf("%s: source %q is not in Sources()", f.Name, f.Source)
		}
		if names[f.Name] {
			t.Errorf("%s stands twice", f.Name)
		}
		names[f.Name] = true
		handed[f.Source]++
		if !bytes.Contains(f.Data, []byte(Exercise)) {
			t.Errorf("%s does not say %s", f.Name, Exercise)
		}
		if f.Title == "" || len(f.Data) == 0 {
			t.Errorf("%s has no title or no bytes", f.Name)
		}
	}
	for name := range known {
		if handed[name] == 0 {
			t.Errorf("source %s hands in nothing", name)
		}
	}
	truth := Truth()
	for _, m := range truth.Matches {
		if !names[m.File] {
			t.Errorf("truth names %q, which is no file of the story", m.File)
		}
	}
	for _, n := range truth.Noise {
		if !names[n.File] {
			t.Errorf("truth names %q, which is no file of the story", n.File)
		}
	}
}

func TestStructuredFilesAreJSON(t *testing.T) {
	t.Parallel()
	// These two are broken on purpose.
	broken := []string{fExport, fCutOff}
	for _, f := range Files(Seed) {
		if f.Kind != report.STIX && f.Kind != report.MISP {
			continue
		}
		ok := jsontext.Value(f.Data).IsValid()
		if want := !slices.Contains(broken, f.Name); ok != want {
			t.Errorf("%s is valid JSON = %t, want %t", f.Name, ok, want)
		}
	}
}

func TestNoRealCountry(t *testing.T) {
	t.Parallel()
	countries := 0
	for _, src := range Sources() {
		code, ok := strings.CutSuffix(src.Name, "-CSIRT")
		if !ok {
			continue
		}
		countries++
		if r, err := language.ParseRegion(code); err == nil {
			t.Errorf("code %s of %s is that of %v", code, src.Name, r)
		}
	}
	if countries != 7 {
		t.Errorf("%d countries hand in reports, want 7", countries)
	}
	story := everything()
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			r, err := language.ParseRegion(string([]rune{a, b}))
			if err != nil || !r.IsCountry() {
				continue
			}
			for _, n := range []string{display.English.Regions().Name(r), display.French.Regions().Name(r)} {
				if n == "" || !strings.Contains(story, n) {
					continue
				}
				if regexp.MustCompile(`\b` + regexp.QuoteMeta(n) + `\b`).MatchString(story) {
					t.Errorf("the story names %s (%v)", n, r)
				}
			}
		}
	}
}

// everything is the text of all reports, titles and sources, refanged.
func everything() string {
	var b strings.Builder
	for _, f := range Files(Seed) {
		b.WriteString(f.Name + "\n" + f.Title + "\n" + f.Source + "\n")
		b.Write(f.Data)
		b.WriteString("\n")
	}
	return strings.NewReplacer("[.]", ".", "(.)", ".", "(at)", "@", "hxxp", "http").Replace(b.String())
}

func TestOnlyDocumentationAddresses(t *testing.T) {
	t.Parallel()
	allowed := []netip.Prefix{
		netip.MustParsePrefix("192.0.2.0/24"),
		netip.MustParsePrefix("198.51.100.0/24"),
		netip.MustParsePrefix("203.0.113.0/24"),
		netip.MustParsePrefix("2001:db8::/32"),
	}
	planted := []string{noiseResolver, noisePrivate}
	for _, s := range regexp.MustCompile(`[0-9A-Fa-f:.]*[0-9A-Fa-f][:.][0-9A-Fa-f:.]*`).FindAllString(everything(), -1) {
		a, err := netip.ParseAddr(strings.TrimRight(s, ":."))
		if err != nil || slices.Contains(planted, a.String()) {
			continue
		}
		if !slices.ContainsFunc(allowed, func(p netip.Prefix) bool { return p.Contains(a) }) {
			t.Errorf("address %s is not one for documentation", a)
		}
	}
}

func TestOnlyExampleNames(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for _, s := range regexp.MustCompile(`[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9][A-Za-z0-9-]*)+`).FindAllString(everything(), -1) {
		s = strings.ToLower(s)
		if seen[s] {
			continue
		}
		seen[s] = true
		if suffix, icann := publicsuffix.PublicSuffix(s); icann {
			t.Errorf("name %s ends in %s, which is delegated; want .example", s, suffix)
		}
	}
}

func TestFillerIsUnique(t *testing.T) {
	t.Parallel()
	// Per source, for a source's second list repeats the end of its first.
	owner := make(map[string]string)
	for _, m := range designed() {
		owner[m.normal] = "the story"
	}
	for _, n := range noise() {
		owner[n.normal] = "the noise"
	}
	d := regexp.MustCompile(`[a-z0-9-]+\.example|\b[0-9a-f]{32}\b|\b[0-9a-f]{64}\b|2001:db8:f[0-9a-f]{3}:[0-9a-f:]+|192\.0\.2\.\d+`)
	for _, f := range filler(Seed) {
		for _, v := range d.FindAllString(string(f.Data), -1) {
			if o := owner[v]; o != "" && o != f.Source {
				t.Errorf("%s of %s holds %s, which is of %s", f.Name, f.Source, v, o)
			}
			owner[v] = f.Source
		}
	}
}
