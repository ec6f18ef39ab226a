package view

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"casus/internal/core/marking"
	"casus/internal/event"
	"casus/tlp"
)

// TestCloseness says which effective sets leave a trace when they are read.
func TestCloseness(t *testing.T) {
	t.Parallel()
	lowest := []marking.Level{"alliance/UNCLASSIFIED"}
	classified := func(l tlp.Label, levels ...marking.Level) marking.Set {
		return marking.Set{TLP: l, Classes: levels}
	}
	for name, tt := range map[string]struct {
		set  marking.Set
		want closeness
	}{
		"nothing said":         {marking.Set{}, closeness{tlp.Red, true}},
		"unmarked":             {marking.Default(nil), closeness{tlp.Red, true}},
		"RED":                  {marking.Set{TLP: tlp.Red}, closeness{tlp.Red, true}},
		"AMBER+STRICT":         {marking.Set{TLP: tlp.AmberStrict}, closeness{tlp.AmberStrict, true}},
		"AMBER":                {marking.Set{TLP: tlp.Amber}, closeness{tlp.Amber, true}},
		"AMBER by default":     {marking.Default(new(tlp.Amber)), closeness{tlp.Amber, true}},
		"GREEN":                {marking.Set{TLP: tlp.Green}, closeness{tlp.Green, false}},
		"CLEAR":                {marking.Set{TLP: tlp.Clear}, closeness{tlp.Clear, false}},
		"unknown marking":      {marking.Set{TLP: tlp.Clear, Refs: []string{"marking-definition--x"}}, closeness{tlp.Red, true}},
		"a field AMBER":        {marking.Set{TLP: tlp.Clear, Refs: []string{tlp.Amber.Definition()}}, closeness{tlp.Amber, true}},
		"lowest level":         {classified(tlp.Clear, "alliance/UNCLASSIFIED"), closeness{tlp.Clear, false}},
		"above it":             {classified(tlp.Clear, "alliance/RESTRICTED"), closeness{tlp.Clear, true}},
		"above it in one":      {classified(tlp.Green, "alliance/UNCLASSIFIED", "arkania/SECRET"), closeness{tlp.Green, true}},
		"level of no ladder":   {classified(tlp.Clear, "unknown/UNKNOWN"), closeness{tlp.Clear, true}},
		"classified and AMBER": {classified(tlp.Amber, "alliance/SECRET"), closeness{tlp.Amber, true}},
	} {
		if got := closenessOf(tt.set, lowest); got != tt.want {
			t.Errorf("%s: %+v, want %+v", name, got, tt.want)
		}
	}
}

// TestTraceIsBounded names a hundred things, each once, and counts the rest.
func TestTraceIsBounded(t *testing.T) {
	t.Parallel()
	var tr Trace
	if tr.Any() {
		t.Error("an empty trace holds something")
	}
	for range 2 {
		for i := range MaxTraced {
			tr.objects.add(fmt.Sprint("indicator--", i))
		}
	}
	var a event.Given
	tr.Into(&a)
	if len(a.Objects) != MaxTraced || a.ObjectCount != MaxTraced || a.Digest != "" {
		t.Errorf("%d of %d objects named, digest %q; want all, and none", len(a.Objects), a.ObjectCount, a.Digest)
	}
	long := strings.Repeat("x", 10_000)
	for range 2 { // what is not named counts each time
		tr.objects.add(long)
	}
	tr.Into(&a)
	if len(a.Objects) != MaxTraced || a.ObjectCount != MaxTraced+2 || len(a.Digest) != 64 {
		t.Errorf("%d of %d objects named, digest %q; want a count and a digest", len(a.Objects), a.ObjectCount, a.Digest)
	}
	var one Trace
	one.objects.add(long)
	one.Into(&a)
	if len(a.Objects) != 1 || len(a.Objects[0]) > 100 || a.Objects[0] != event.TraceID(long) {
		t.Errorf("a long id is named as %.80q", a.Objects)
	}
	r := Reader{}.Traced(&one)
	for range 2 {
		r.withheld(long)
	}
	if got := one.Withheld(); !slices.Equal(got, []string{event.TraceID(long)}) {
		t.Errorf("a long id that is withheld is named as %.80q, want once by its digest", got)
	}
	for i := range 2 * MaxTraced {
		r.withheld(fmt.Sprint("RPT-", i))
	}
	if got := one.Withheld(); len(got) != MaxTraced {
		t.Errorf("%d withheld ids named, want %d", len(got), MaxTraced)
	}
	if all := LocalOperator().Traced(&one); all.trace != nil {
		t.Error("full sight leaves a trace")
	}
}
