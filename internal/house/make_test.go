package house

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestMakefile holds every name that make is told of to a recipe, with a word on
// what it is for.
func TestMakefile(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	var told, made []string
	for _, m := range regexp.MustCompile(`(?m)^\.PHONY:(.*)$`).FindAllStringSubmatch(string(b), -1) {
		told = append(told, strings.Fields(m[1])...)
	}
	for _, m := range regexp.MustCompile(`(?m)^([a-z]+):[^\n]* ## [^\n]+\n\t`).FindAllStringSubmatch(string(b), -1) {
		made = append(made, m[1])
	}
	slices.Sort(told)
	slices.Sort(made)
	if !slices.Equal(told, made) || len(told) == 0 {
		t.Errorf("Makefile: .PHONY names %q, with a recipe and a word on it are %q", told, made)
	}
}
