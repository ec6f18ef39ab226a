package house

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// foreignKinds are the kinds of files that others make: fonts, bundles,
// archives, pictures.
var foreignKinds = []string{".woff", ".woff2", ".ttf", ".otf", ".map", ".jar", ".so", ".dll", ".a", ".wasm", ".png", ".jpg", ".ico"}

// notice is how files of others say whose they are.
var notice = regexp.MustCompile(`(?i)copyright (?:\(c\)|©|[0-9]{4})|SPDX-License-Identifier|@license|licensed under the|all rights reserved`)

// thirdParty is the name of the one kind of folder for what others made; it
// holds their licence.
const thirdParty = "third_party"

// foreignFolder returns the third-party folder that name lies in, "" if none.
func foreignFolder(name string) string {
	parts := strings.Split(path.Dir(name), "/")
	i := slices.Index(parts, thirdParty)
	if i < 0 {
		return ""
	}
	return path.Join(parts[:i+1]...)
}

// checkForeign complains of files that others wrote outside the third-party
// folder, of more than one such folder and of one without a licence.
func checkForeign(names []string, text func(name string) []byte) []string {
	var out []string
	licensed := map[string]bool{}
	for _, name := range names {
		if folder := foreignFolder(name); folder != "" {
			licensed[folder] = licensed[folder] || strings.Contains(strings.ToUpper(path.Base(name)), "LICENSE")
			continue
		}
		switch {
		case slices.Contains(foreignKinds, path.Ext(name)), strings.Contains(path.Base(name), ".min."):
			// Our own pictures stand in doc, seeds of fuzz targets in testdata.
			if !strings.HasPrefix(name, "doc/") && !strings.Contains(name, "testdata/") {
				out = append(out, fmt.Sprintf("%s: files of this kind belong in a folder %s with their licence", name, thirdParty))
			}
		case strings.HasPrefix(name, "vendor/"), strings.Contains(name, "/vendor/"), name == ".gitmodules":
			out = append(out, name+": other projects are named in go.mod, not copied")
		case name == "LICENSE", strings.HasPrefix(name, "internal/house/"):
		default:
			if m := notice.Find(text(name)); m != nil {
				out = append(out, fmt.Sprintf("%s: says %q", name, m))
			}
		}
	}
	for folder, ok := range licensed {
		if !ok {
			out = append(out, folder+": no licence")
		}
	}
	if len(licensed) > 1 {
		out = append(out, fmt.Sprintf("%d folders named %s, want one", len(licensed), thirdParty))
	}
	return out
}

func TestNoForeignFiles(t *testing.T) {
	t.Parallel()
	report(t, checkForeign(names(t), func(name string) []byte { return read(t, name) }))
}

func TestNoForeignFilesComplains(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"LICENSE":                       "Licensed under the",
		"web/third_party/f.woff2":       "",
		"web/third_party/README.md":     "",
		"map/third_party/LICENSE":       "",
		"web/f.ttf":                     "",
		"web/d3.min.js":                 "",
		"vendor/a/a.go":                 "",
		"stix/a.go":                     "// Copyright (c) 2020 Somebody\npackage stix\n",
		"stix/b.go":                     "// Copyright of reports is not ours.\npackage stix\n",
		"tlp/testdata/fuzz/FuzzX/1.png": "",
	}
	var names []string
	for name := range files {
		names = append(names, name)
	}
	got := checkForeign(names, func(name string) []byte { return []byte(files[name]) })
	wantComplaint(t, got, "web/third_party: no licence", "2 folders", "web/f.ttf", "web/d3.min.js", "vendor/a/a.go", "stix/a.go")
}

// copies returns the names of ours that have the same bytes as a file below
// folder; files of less than 64 bytes prove nothing and are left out.
func copies(folder string, names []string, text func(name string) []byte) ([]string, error) {
	type sum [sha256.Size]byte
	theirs := map[sum]string{}
	err := filepath.WalkDir(folder, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		if len(b) >= 64 {
			theirs[sha256.Sum256(bytes.TrimSpace(b))] = filepath.Base(p)
		}
		return nil
	})
	var out []string
	for _, name := range names {
		if b := text(name); len(b) >= 64 {
			if of, ok := theirs[sha256.Sum256(bytes.TrimSpace(b))]; ok && foreignFolder(name) == "" {
				out = append(out, fmt.Sprintf("%s: is a copy of %s", name, of))
			}
		}
	}
	return out, err
}

// TestNoCopiedVectors checks that no case of others was copied into the tree.
// The folder of vectors is CASUS_CONFORMANCE, as for the conformance tests.
func TestNoCopiedVectors(t *testing.T) {
	t.Parallel()
	top, err := root()
	if err != nil {
		t.Fatal(err)
	}
	folder := os.Getenv("CASUS_CONFORMANCE")
	if folder == "" {
		folder = filepath.FromSlash("../shared/conformance")
	}
	if !filepath.IsAbs(folder) {
		folder = filepath.Join(top, folder)
	}
	if _, err := os.Stat(folder); err != nil {
		if os.Getenv("CASUS_CI") == "1" {
			t.Fatalf("no vectors: %v", err)
		}
		t.Skip("no folder of vectors; set CASUS_CONFORMANCE")
	}
	got, err := copies(folder, names(t), func(name string) []byte { return read(t, name) })
	if err != nil {
		t.Fatal(err)
	}
	report(t, got)
}

func TestNoCopiedVectorsComplains(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := strings.Repeat("a case of others. ", 8)
	if err := os.WriteFile(filepath.Join(dir, "case.json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := copies(dir, []string{"stix/testdata/mine.json", "stix/testdata/own.json"}, func(name string) []byte {
		if name == "stix/testdata/mine.json" {
			return []byte(text + "\n")
		}
		return []byte(text + "no")
	})
	if err != nil {
		t.Fatal(err)
	}
	wantComplaint(t, got, "mine.json: is a copy of case.json")
}
