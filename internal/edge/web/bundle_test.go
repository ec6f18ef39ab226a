package web

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestBundleIsCurrent builds the script anew and compares it with what is
// committed.
func TestBundleIsCurrent(t *testing.T) {
	if os.Getenv("CASUS_CI") != "1" {
		t.Skip("builds esbuild: set CASUS_CI=1")
	}
	out := filepath.Join(t.TempDir(), "app.js")
	cmd := exec.CommandContext(t.Context(), "go", "tool", "-modfile=../../../tools/go.mod", "esbuild",
		"script/app.ts", "--bundle", "--minify", "--target=es2022", "--charset=utf8", "--outfile="+out)
	if msg, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("esbuild: %v: %s", err, msg)
	}
	got, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("assets/app.js")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("assets/app.js is not what script/app.ts gives; run go generate ./internal/edge/web")
	}
}
