package cli

import (
	"errors"
	"io"
	"strings"
	"testing"
)

// TestPlain gives text that would drive a terminal.
func TestPlain(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"a\nb\tc":             "a\nb\tc",
		"\x1b[2Jgone":         " [2Jgone",
		"a\rb\x00c\x7fd":      "a b c d",
		"\u009b31m":           " 31m",
		"fdp.\u202Eexe":       "fdp. exe",
		"\u2066x\u2069\u200F": " x  ",
	} {
		if got := plain(in); got != want {
			t.Errorf("plain(%q) = %q, want %q", in, got, want)
		}
	}
}

// TestPrintIsPlain writes what was received, as text and as JSON.
func TestPrintIsPlain(t *testing.T) {
	t.Parallel()
	for _, json := range []bool{false, true} {
		var b strings.Builder
		a := &app{stdout: &b, json: json}
		err := a.print(map[string]string{"title": "x\x1b[2J\u202E"}, func(w io.Writer) { _, _ = io.WriteString(w, "x\x1b[2J\u202E") })
		if got := b.String(); err != nil || strings.Contains(got, "\x1b") || strings.Contains(got, "\u202E") || json && got != `{"title":"x\u001b[2J\u202e"}`+"\n" {
			t.Errorf("print wrote %q, %v", got, err)
		}
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// TestOutputRemembers writes to where nothing can be written.
func TestOutputRemembers(t *testing.T) {
	t.Parallel()
	o := &output{w: broken{}}
	_, _ = io.WriteString(o, "a")
	if o.err == nil {
		t.Error("a failed write is forgotten")
	}
}

// TestFlagsOnce gives flags of one value twice.
func TestFlagsOnce(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"import", "--tlp", "red", "--tlp", "clear", "x"},
		{"report", "add", "--tlp=red", "--tlp=red", "x"},
		{"source", "set", "a", "--tlp", "red", "--tlp", "clear"},
		{"search", "x", "--data", "a", "--data", "b"},
		{"search", "x", "--json", "--json=false"},
		{"report", "list", "--limit", "1", "--limit=2"},
	} {
		root := Root(nil)
		root.SetArgs(args)
		err := root.Execute()
		if c, ok := errors.AsType[*coded](err); !ok || c.code != exitUsage || !strings.Contains(err.Error(), "more than once") {
			t.Errorf("%q: %v, want a usage error that says so", args, err)
		}
	}
}

// TestUsageSaysWhatIsWanted gives wrong arguments and flags.
func TestUsageSaysWhatIsWanted(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"report show":                       "show: no argument given; it is used as: casus report show ID; see casus report show --help",
		"report show a b":                   "show: 2 arguments given; it is used as: casus report show ID; see casus report show --help",
		"import":                            "import: no argument given; it is used as: casus import FILE|DIR|- ...; see casus import --help",
		"completion":                        "completion: no argument given; it is used as: casus completion bash|zsh|fish|powershell; see casus completion --help",
		"report list --limit x":             `list: --limit "x": want a whole number; see casus report list --help`,
		"report add --exercise=ja f":        "add: --exercise=ja: want --exercise alone, or =true or =false; see casus report add --help",
		"report list --source a --source b": "list: --source is given more than once; see casus report list --help",
		"--nonsense":                        "unknown flag: --nonsense; see casus --help",
	} {
		root := Root(nil)
		root.SetArgs(strings.Fields(line))
		err := root.Execute()
		if c, ok := errors.AsType[*coded](err); !ok || c.code != exitUsage || err.Error() != want {
			t.Errorf("%s:\ngot  %v\nwant %s", line, err, want)
		}
	}
}

// TestShownOnTerminal writes what would drive a terminal in pieces of every size.
func TestShownOnTerminal(t *testing.T) {
	t.Parallel()
	const in, want = "{\"a\":\"é\u202E\u009b\x1b\"}\n", `{"a":"é\u202e\u009b\u001b"}` + "\n"
	for size := 1; size < len(in); size++ {
		var b strings.Builder
		w := &shown{w: &b}
		for at := 0; at < len(in); at += size {
			part := in[at:min(at+size, len(in))]
			if n, err := io.WriteString(w, part); n != len(part) || err != nil {
				t.Fatalf("wrote %d, %v", n, err)
			}
		}
		if b.String() != want {
			t.Errorf("in pieces of %d: %q, want %q", size, b.String(), want)
		}
	}
}
