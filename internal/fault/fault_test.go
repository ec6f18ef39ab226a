package fault

import (
	"errors"
	"fmt"
	"io"
	"testing"
)

func TestKindOf(t *testing.T) {
	t.Parallel()
	base := Errorf(Conflict, "consult: late: %w", io.EOF)
	tests := []struct {
		name string
		err  error
		want Kind
	}{
		{"nil", nil, Internal},
		{"foreign", io.EOF, Internal},
		{"own", base, Conflict},
		{"wrapped", fmt.Errorf("edge: %w", base), Conflict},
		{"hinted", WithHint(base, "ask the chair"), Conflict},
		{"outermost wins", Errorf(Denied, "x: %w", base), Denied},
	}
	for _, tt := range tests {
		if got := KindOf(tt.err); got != tt.want {
			t.Errorf("%s: KindOf(%v) = %v, want %v", tt.name, tt.err, got, tt.want)
		}
	}
	if !errors.Is(WithHint(base, "x"), io.EOF) {
		t.Error("WithHint hides the cause")
	}
	if got := HintOf(fmt.Errorf("y: %w", WithHint(base, "ask %s", "the chair"))); got != "ask the chair" {
		t.Errorf("HintOf = %q, want %q", got, "ask the chair")
	}
	if WithHint(nil, "x") != nil {
		t.Error("WithHint(nil) is not nil")
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"node: a is not there":            "a is not there",
		"node: view: a is damaged":        "view: a is damaged",
		"list.csv: row 3 has two columns": "list.csv: row 3 has two columns",
		"bench: --objects 5: too few":     "bench: --objects 5: too few",
		"interrupted":                     "interrupted",
	} {
		if got := Text(errors.New(text)); got != want {
			t.Errorf("Text(%q) = %q, want %q", text, got, want)
		}
	}
}
