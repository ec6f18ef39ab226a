package main

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"

	"casus/internal/bench"
	"casus/internal/edge/cli"
)

// TestMain lets the test binary be the command, so that scripts run it as a user
// would.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"casus": main})
}

// The ways of running a command.
const (
	alone  = "alone"  // the command opens the directory itself
	served = "served" // casus serve has the directory open
)

// TestScript runs each script in both ways and wants the same output.
func TestScript(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("scripts = %v, %v", files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			told := map[string]*transcript{alone: {}, served: {}}
			t.Cleanup(func() {
				if t.Failed() || len(told[alone].lines) == 0 || len(told[served].lines) == 0 {
					return
				}
				if diff := cmp.Diff(told[alone].lines, told[served].lines); diff != "" {
					t.Errorf("the output alone and served differ (-alone +served):\n%s", diff)
				}
			})
			for way, tr := range told {
				t.Run(way, func(t *testing.T) {
					testscript.Run(t, params(file, way, tr))
				})
			}
		})
	}
}

func params(file, way string, tr *transcript) testscript.Params {
	return testscript.Params{
		Files: []string{file},
		Setup: func(e *testscript.Env) error {
			e.Setenv("CASUS_DATA", filepath.Join(e.WorkDir, "node"))
			e.Setenv("TERM", "dumb")
			e.Setenv("XDG_CONFIG_HOME", filepath.Join(e.WorkDir, "config"))
			tr.work, tr.from = e.WorkDir, time.Now().Add(-time.Second)
			return nil
		},
		Condition: func(cond string) (bool, error) {
			switch cond {
			case alone, served:
				return way == cond, nil
			case "root":
				return os.Getuid() == 0, nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"await":     await,
			"code":      func(ts *testscript.TestScript, neg bool, args []string) { tr.code(ts, args, true) },
			"flip":      flip,
			"interrupt": interrupt,
			"json":      checkJSON,
			"let":       let,
			"lines":     lines,
			"objects":   objects,
			"quiet":     func(ts *testscript.TestScript, neg bool, args []string) { tr.code(ts, args, false) },
		},
	}
}

// transcript is what the commands of a script wrote, with what differs from
// run to run taken out.
type transcript struct {
	mu    sync.Mutex
	work  string
	from  time.Time
	names map[string]string
	lines []string
}

var (
	shortID = regexp.MustCompile(`\b(RPT|QRN|HLD)-[0-9A-Z]{4}-[0-9A-Z]{4}\b`)
	instant = regexp.MustCompile(`\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`)
	handles = regexp.MustCompile(`\b[0-9a-f]{16}\b`)
	lasting = regexp.MustCompile(`"seconds":[0-9.eE+-]+|\b\d+\.\d\d s\b`)
	chained = regexp.MustCompile(`"head":"[0-9a-f]{64}"|\bhead  [0-9a-f]{64}`)
)

func (tr *transcript) steady(s string) string {
	s = strings.ReplaceAll(s, tr.work, "$WORK")
	s = shortID.ReplaceAllStringFunc(s, func(id string) string {
		if tr.names == nil {
			tr.names = map[string]string{}
		}
		if _, ok := tr.names[id]; !ok {
			tr.names[id] = fmt.Sprintf("%s#%d", id[:3], len(tr.names)+1)
		}
		return tr.names[id]
	})
	s = instant.ReplaceAllStringFunc(s, func(at string) string {
		if when, err := time.Parse(time.RFC3339, at); err == nil && when.After(tr.from) && when.Before(time.Now().Add(time.Second)) {
			return "NOW"
		}
		return at
	})
	s = strings.ReplaceAll(s, ": unable to ", ": cannot ") // encoding/json/v2 says either, by chance
	s = handles.ReplaceAllString(s, "HANDLE")
	s = lasting.ReplaceAllString(s, "SECONDS")
	return chained.ReplaceAllString(s, "HEAD")
}

// code is "code N casus ...": it runs a command, wants exit code N, and keeps
// what it wrote to be compared between the ways. "quiet" does not keep it.
func (tr *transcript) code(ts *testscript.TestScript, args []string, keep bool) {
	if len(args) < 2 {
		ts.Fatalf("usage: code N program args...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if got := exitCode(ts.Exec(args[1], args[2:]...)); got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
	if !keep {
		return
	}
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.lines = append(tr.lines, tr.steady("$ "+strings.Join(args[1:], " ")))
	for _, stream := range []string{"stdout", "stderr"} {
		for line := range strings.Lines(ts.ReadFile(stream)) {
			tr.lines = append(tr.lines, tr.steady(stream+": "+strings.TrimRight(line, "\n")))
		}
	}
}

func exitCode(err error) int {
	if err == nil {
		return 0
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode()
	}
	return -1
}

// await waits until somebody answers on the socket of the data directory.
func await(ts *testscript.TestScript, _ bool, _ []string) {
	name := filepath.Join(ts.Getenv("CASUS_DATA"), "casus.sock")
	limit, tick := time.After(30*time.Second), time.NewTicker(5*time.Millisecond)
	defer tick.Stop()
	for {
		if conn, err := net.Dial("unix", name); err == nil {
			ts.Check(conn.Close())
			return
		}
		select {
		case <-tick.C:
		case <-limit:
			ts.Fatalf("nobody answers on %s", name)
		}
	}
}

// flip is "flip DIR [short]": it damages a byte of the first block of the
// biggest table there, or cuts it short.
func flip(ts *testscript.TestScript, _ bool, args []string) {
	var name string
	var size int64
	err := filepath.WalkDir(ts.MkAbs(args[0]), func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".sst" {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Size() > size {
			name, size = path, info.Size()
		}
		return err
	})
	ts.Check(err)
	if name == "" {
		ts.Fatalf("no table in %s", args[0])
	}
	b, err := os.ReadFile(name)
	ts.Check(err)
	// Near the start of a block: the store searches it for the bit that is wrong.
	b[100] ^= 0x10
	if len(args) > 1 {
		b = b[:len(b)/2]
	}
	ts.Check(os.WriteFile(name, b, 0o600))
}

// interrupt is "interrupt N casus import --json FILE": it sends SIGINT once N
// objects are durable, and wants exit code 130.
func interrupt(ts *testscript.TestScript, _ bool, args []string) {
	after, err := strconv.Atoi(args[0])
	ts.Check(err)
	path, err := exec.LookPath(args[1])
	ts.Check(err)
	cmd := exec.Command(path, args[2:]...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = append(os.Environ(), "CASUS_DATA="+ts.Getenv("CASUS_DATA"))
	out, err := cmd.StderrPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	dec := jsontext.NewDecoder(out)
	for sent := false; ; {
		var event struct {
			Progress struct {
				Objects int `json:"objects"`
			} `json:"progress"`
		}
		if err := json.UnmarshalDecode(dec, &event); err != nil {
			break // the word that it was interrupted is no JSON
		}
		if !sent && event.Progress.Objects >= after {
			sent = true
			ts.Check(cmd.Process.Signal(syscall.SIGINT))
		}
	}
	_, _ = io.Copy(io.Discard, out)
	if got := exitCode(cmd.Wait()); got != 130 {
		ts.Fatalf("exit code %d, want 130", got)
	}
}

// checkJSON is "json NAME[=VALUE] ...": the last line of stdout is one JSON
// value that has these members (dots go down), with these values.
func checkJSON(ts *testscript.TestScript, _ bool, args []string) {
	v := lastJSON(ts)
	for _, arg := range args {
		name, want, check := strings.Cut(arg, "=")
		got, ok := member(v, name)
		if !ok {
			ts.Fatalf("stdout has no %s", name)
		}
		if check && fmt.Sprint(got) != want {
			ts.Fatalf("%s is %v, want %s", name, got, want)
		}
	}
}

func lastJSON(ts *testscript.TestScript) any {
	all := strings.Split(strings.TrimSuffix(ts.ReadFile("stdout"), "\n"), "\n")
	var v any
	if err := json.Unmarshal([]byte(all[len(all)-1]), &v); err != nil {
		ts.Fatalf("the last line of stdout is no JSON: %v", err)
	}
	return v
}

// member goes down a path such as hits.0.value; len is the length of a list.
func member(v any, path string) (any, bool) {
	for name := range strings.SplitSeq(path, ".") {
		switch at := v.(type) {
		case map[string]any:
			var ok bool
			if v, ok = at[name]; !ok {
				return nil, false
			}
		case []any:
			if name == "len" {
				v = len(at)
				continue
			}
			i, err := strconv.Atoi(name)
			if err != nil || i >= len(at) {
				return nil, false
			}
			v = at[i]
		default:
			return nil, false
		}
	}
	return v, true
}

// let is "let VAR NAME": VAR becomes what NAME is in the JSON on stdout.
func let(ts *testscript.TestScript, _ bool, args []string) {
	v, ok := member(lastJSON(ts), args[1])
	if !ok {
		ts.Fatalf("stdout has no %s", args[1])
	}
	ts.Setenv(args[0], fmt.Sprint(v))
}

// lines is "lines N FILE": the file has N lines.
func lines(ts *testscript.TestScript, _ bool, args []string) {
	if got := strconv.Itoa(strings.Count(ts.ReadFile(args[1]), "\n")); got != args[0] {
		ts.Fatalf("%s has %s lines, want %s", args[1], got, args[0])
	}
}

// objects is "objects N FILE": it writes a file of N objects.
func objects(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	f, err := os.Create(ts.MkAbs(args[1]))
	ts.Check(err)
	_, err = bench.Write(f, n, 1)
	ts.Check(errors.Join(err, f.Close()))
}

// TestCommandsCovered wants every command that does something in a script.
func TestCommandsCovered(t *testing.T) {
	t.Parallel()
	var all strings.Builder
	files, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(b)
	}
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		if !c.HasSubCommands() && !regexp.MustCompile(regexp.QuoteMeta(c.CommandPath())+`\s`).MatchString(all.String()) {
			t.Errorf("no script runs %s", c.CommandPath())
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(cli.Root(nil))
}
