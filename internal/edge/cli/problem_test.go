package cli

import (
	"encoding/json/v2"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"casus/internal/eventlog"
	"casus/internal/fault"

	"github.com/google/go-cmp/cmp"
)

// TestTold ends commands with errors, for people and with --json.
func TestTold(t *testing.T) {
	t.Parallel()
	hinted := fault.WithHint(fault.Errorf(fault.Conflict, "it is\u202E locked"), "stop it first")
	for _, tt := range []struct {
		name string
		err  error
		text string
		want told
	}{
		{"failed", errors.New("a \x1b bug"), "casus: a   bug\n", told{Kind: "internal", Title: "a \x1b bug", Exit: 1}},
		{"with a hint", hinted, "casus: it is  locked\n  hint: stop it first\n", told{Kind: "conflict", Title: "it is\u202E locked", Detail: "stop it first", Exit: 1}},
		{"invalid", fault.Errorf(fault.Invalid, "trust Z"), "casus: trust Z\n", told{Kind: "usage", Title: "trust Z", Exit: 2}},
		{"invalid content", content(fault.Errorf(fault.Invalid, "no JSON")), "casus: no JSON\n", told{Kind: "invalid", Title: "no JSON", Exit: 1}},
		{"usage of what reads", content(usage("--x")), "casus: --x\n", told{Kind: "usage", Title: "--x", Exit: 2}},
		{"usage", usage("--x %d", 1), "casus: --x 1\n", told{Kind: "usage", Title: "--x 1", Exit: 2}},
		{"partly", &coded{exitPartly, errors.New("2 set aside")}, "casus: 2 set aside\n", told{Kind: "partly", Title: "2 set aside", Exit: 3}},
		{"not signed in", signIn(errors.New("who")), "casus: who\n  hint: sign in with: casus login LOGIN, or set CASUS_TOKEN\n", told{Kind: "sign-in", Title: "who", Detail: "sign in with: casus login LOGIN, or set CASUS_TOKEN", Exit: 4}},
		{"refused", fault.Errorf(fault.Denied, "no"), "casus: no\n", told{Kind: "denied", Title: "no", Exit: 5}},
		{"withheld", fault.Errorf(fault.Withheld, "x is not here"), "casus: x is not here\n", told{Kind: "not-found", Title: "x is not here", Exit: 6}},
		{"damaged", fmt.Errorf("log: %w", eventlog.ErrDamaged), "casus: log: damaged\n", told{Kind: "damaged", Title: "log: damaged", Exit: 7}},
		{"answered", &answered{fault.Errorf(fault.NotFound, "x"), http.StatusNotFound}, "casus: x\n", told{Kind: "not-found", Title: "x", Status: 404, Exit: 6}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var text, line, stdout strings.Builder
			people, program := &app{stdout: &stdout, stderr: &text}, &app{stdout: &stdout, stderr: &line, json: true}
			if code := people.end(tt.err); code != tt.want.Exit || text.String() != tt.text {
				t.Errorf("end = %d and %q, want %d and %q", code, text.String(), tt.want.Exit, tt.text)
			}
			if code := program.end(tt.err); code != tt.want.Exit || stdout.Len() > 0 {
				t.Errorf("end with --json = %d and %q on stdout, want %d and nothing", code, stdout.String(), tt.want.Exit)
			}
			tt.want.Type = "about:blank"
			var got told
			if err := json.Unmarshal([]byte(line.String()), &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" || strings.Count(line.String(), "\n") != 1 || strings.ContainsAny(line.String(), "\x1b\u202E") {
				t.Errorf("wrote %q (-want +got):\n%s", line.String(), diff)
			}
		})
	}
}

func TestAsksJSON(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]bool{
		"search --json x": true, "search x --json=true": true, "search x": false, "search -- --json": false, "search --json=false x": false, "--nonsense --json": true,
	} {
		if got := asksJSON(strings.Fields(line)); got != want {
			t.Errorf("asksJSON(%q) = %t, want %t", line, got, want)
		}
	}
}
