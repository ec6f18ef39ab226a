package report_test

import (
	"slices"
	"strings"
	"testing"

	"casus/internal/core/report"
	"casus/internal/fault"
)

func TestCheckMap(t *testing.T) {
	t.Parallel()
	if !slices.IsSorted(report.Fields()) {
		t.Errorf("Fields() = %v, want them sorted", report.Fields())
	}
	for _, tt := range []struct {
		name string
		m    map[string]string
		want string
	}{
		{"none", nil, ""},
		{"known", map[string]string{"wert": "value", "wann": "first_seen"}, ""},
		{"unknown", map[string]string{"a": "value", "b": "colour"}, `report: column map: "b" is mapped to "colour", which is no field`},
		{"the first of two", map[string]string{"b": "x", "a": ""}, `report: column map: "a" is mapped to "", which is no field`},
		{"long", map[string]string{strings.Repeat("é", 40): "x"}, `report: column map: "` + strings.Repeat("é", 30) + `" is mapped to "x", which is no field`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := report.CheckMap(tt.m)
			if got := text(err); got != tt.want || err != nil && (fault.KindOf(err) != fault.Invalid || fault.HintOf(err) == "") {
				t.Errorf("CheckMap(%v) = %v (hint %q), want %q", tt.m, err, fault.HintOf(err), tt.want)
			}
		})
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
