package house

import (
	"bytes"
	"fmt"
	"path"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// workplace are marks of the place where the project was written: they mean
// nothing to its readers. What a report says is not ours, so data for tests is
// read for paths only.
var workplace = regexp.MustCompile(`(?:^|[\s"'` + "`" + `(=:])(?:/work|/root|/home/[a-z]+)/[\w.]` +
	`|(?i:\bissues? #?[0-9]+\b)|\bGH-[0-9]+\b|\bsub-?agents?\b|before-stop|\.library\b|\bPLAN\.md\b` +
	`|shared/(?:style|design|ux|reference|hooks|plan)\b|\bMSTEST_|\bthe (?:other )?helpers? (?:owns?|writes?|session)\b` +
	`|\bTO` + `DO\b|\bFIX` + `ME\b|\bXX` + `X\b`)

// checkWorkplace complains of marks of the workplace in one file.
func checkWorkplace(name string, b []byte) []string {
	if strings.HasPrefix(name, "internal/house/workplace_test.go") || !utf8.Valid(b) || bytes.IndexByte(b, 0) >= 0 {
		return nil
	}
	if path.Base(name) == "go.sum" || foreignFolder(name) != "" || strings.Contains(name, "testdata/fuzz/") {
		return nil
	}
	var out []string
	n := 0
	for line := range bytes.Lines(b) {
		n++
		if m := workplace.Find(bytes.TrimRight(line, "\r\n")); m != nil {
			out = append(out, fmt.Sprintf("%s:%d: %q", name, n, bytes.TrimSpace(m)))
		}
	}
	return out
}

func TestNoWorkplace(t *testing.T) {
	t.Parallel()
	var out []string
	for _, name := range names(t) {
		out = append(out, checkWorkplace(name, read(t, name))...)
	}
	report(t, out)
}

func TestNoWorkplaceComplains(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{
		"open /work/main/go.mod", "dir = \"/root/x\"", "see issue #12", "as issue 2 asks", "../shared/style.md says", "// TO" + "DO: later",
	} {
		if got := checkWorkplace("a.go", []byte("// fine\n"+bad+"\n")); len(got) != 1 {
			t.Errorf("checkWorkplace(%q) = %q, want one complaint", bad, got)
		}
	}
	for _, good := range []string{
		"read ../shared/conformance", "net/http/work", "the issuer", "an issue of 2 papers", "https://example.org/work/a", "framework/x",
	} {
		if got := checkWorkplace("a.go", []byte(good)); len(got) != 0 {
			t.Errorf("checkWorkplace(%q) = %q, want none", good, got)
		}
	}
}
