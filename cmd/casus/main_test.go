package main

import (
	"bufio"
	"bytes"
	"encoding/json/v2"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"casus/internal/edge/cli"
	"casus/internal/node"
)

// TestMain lets the test binary be the command: tests and scripts run it as a
// user would.
func TestMain(m *testing.M) {
	if os.Getenv("CASUS_TEST_AS_COMMAND") != "" {
		os.Exit(cli.Main(node.Host{}, os.Args[1:]))
	}
	testscript.Main(m, map[string]func(){"casus": main})
}

// command returns casus with arguments on a data directory.
func command(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	c := exec.CommandContext(t.Context(), os.Args[0], args...)
	c.Env = append(os.Environ(), "CASUS_TEST_AS_COMMAND=1", "CASUS_DATA="+dir)
	return c
}

// run runs casus and returns its output; it must end with code.
func run(t *testing.T, dir string, code int, args ...string) (stdout, stderr string) {
	t.Helper()
	c := command(t, dir, args...)
	var out, talk bytes.Buffer
	c.Stdout, c.Stderr = &out, &talk
	err := c.Run()
	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	if got != code {
		t.Fatalf("casus %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), got, code, out.String(), talk.String())
	}
	return out.String(), talk.String()
}

// counts reads the figures of an import.
func counts(t *testing.T, out string) (received, fresh, aside int) {
	t.Helper()
	var r struct {
		Received    int `json:"received"`
		New         int `json:"new"`
		Quarantined int `json:"quarantined"`
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &r); err != nil {
		t.Fatalf("the last line of stdout is no JSON: %v: %q", err, out)
	}
	return r.Received, r.New, r.Quarantined
}

const indicators = "type,value\nipv4,203.0.113.7\ndomain,lure[.]example.com\n"

const broken = `{"type":"bundle","id":"bundle--5d0092c5-5f74-4287-9642-33f4c354e56d","objects":[
{"type":"ipv4-addr","spec_version":"2.1","id":"ipv4-addr--ff26c055-6336-5bc5-b98d-13d6226742dd","value":"203.0.113.7"},
{"type":"ipv4-addr","type":"url","spec_version":"2.1","id":"ipv4-addr--ff26c055-6336-5bc5-b98d-13d6226742dd","value":"203.0.113.8"}]}`

func TestCommands(t *testing.T) {
	t.Parallel()
	tmp := t.TempDir()
	dir := filepath.Join(tmp, "node")
	file := func(name, text string) string {
		path := filepath.Join(tmp, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	list, bad := file("list.csv", indicators), file("bad.json", broken)
	if _, talk := run(t, dir, 6, "report", "list"); !strings.Contains(talk, "hint: make one with: casus init") {
		t.Errorf("no directory: %q, want a hint", talk)
	}
	run(t, dir, 0, "init")
	run(t, dir, 1, "init")
	run(t, dir, 2, "bogus")
	run(t, dir, 2, "report", "bogus")
	run(t, dir, 2, "import")
	run(t, dir, 2, "import", "--tlp", "pink", list)
	run(t, dir, 6, "import", filepath.Join(tmp, "nothing"))
	run(t, dir, 6, "report", "show", "RPT-0000-0000")

	out, _ := run(t, dir, 0, "import", "--json", "--source", "cert-a", "--tlp", "amber", list)
	if received, fresh, aside := counts(t, out); received == 0 || fresh != received || aside != 0 {
		t.Errorf("import = %d received, %d new, %d set aside", received, fresh, aside)
	}
	out, _ = run(t, dir, 0, "import", "--json", "--source", "cert-a", list)
	if _, fresh, _ := counts(t, out); fresh != 0 {
		t.Errorf("the same file again: %d new, want 0", fresh)
	}
	out, talk := run(t, dir, 3, "import", "--json", "--source", "cert-b", bad)
	if received, _, aside := counts(t, out); received != 2 || aside != 1 || !strings.Contains(talk, "set aside") {
		t.Errorf("import of a broken object = %d received, %d set aside, %q", received, aside, talk)
	}
	if out, _ := run(t, dir, 0, "import", "quarantine", "list"); !strings.Contains(out, "QRN-") {
		t.Errorf("quarantine list = %q", out)
	}
	before, _ := run(t, dir, 0, "report", "list")
	if out, _ := run(t, dir, 0, "report", "match", bad); !strings.Contains(out, "cert-a") {
		t.Errorf("dry match = %q, want cert-a among who saw it", out)
	}
	if after, _ := run(t, dir, 0, "report", "list"); after != before {
		t.Errorf("a dry match stored something:\n%s", cmp.Diff(before, after))
	}
	bothWays(t, dir)
}

// bothWays asks the same with the directory opened by the command and served by
// another: the answers are equal.
func bothWays(t *testing.T, dir string) {
	t.Helper()
	questions := [][]string{
		{"report", "list", "--json"},
		{"search", "--json", "hxxp://203[.]0[.]113[.]7/"},
		{"search", "--json", "203.0.113.0/24"},
		{"search", "LURE[.]example[.]com"},
		{"source", "list"},
		{"import", "quarantine", "list", "--json"},
		{"export", "--format", "csv"},
		{"warninglist", "list", "--json"},
		{"node", "verify", "--json"},
	}
	var alone []string
	for _, q := range questions {
		out, _ := run(t, dir, 0, q...)
		alone = append(alone, out)
	}
	serve := command(t, dir, "serve", "--listen", "127.0.0.1:0")
	pipe, err := serve.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = serve.Process.Kill(); _ = serve.Wait() }()
	if line, err := bufio.NewReader(pipe).ReadString('\n'); err != nil || !strings.HasPrefix(line, "open http://127.0.0.1:") {
		t.Fatalf("serve printed %q, %v", line, err)
	}
	for i, q := range questions {
		if out, _ := run(t, dir, 0, q...); out != alone[i] {
			t.Errorf("casus %s differs when served:\n%s", strings.Join(q, " "), cmp.Diff(alone[i], out))
		}
	}
	if _, talk := run(t, dir, 1, "serve", "--listen", "127.0.0.1:0"); !strings.Contains(talk, "hint:") {
		t.Errorf("a second serve: %q, want a hint", talk)
	}
	if _, talk := run(t, dir, 1, "node", "rebuild"); !strings.Contains(talk, "hint: stop it first") {
		t.Errorf("rebuild while served: %q, want a hint", talk)
	}
}
