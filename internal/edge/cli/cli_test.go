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
		if got := b.String(); err != nil || strings.Contains(got, "\x1b") || !json && strings.Contains(got, "\u202E") {
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
	} {
		root := Root(nil)
		root.SetArgs(args)
		err := root.Execute()
		if c, ok := errors.AsType[*coded](err); !ok || c.code != exitUsage || !strings.Contains(err.Error(), "more than once") {
			t.Errorf("%q: %v, want a usage error that says so", args, err)
		}
	}
}
