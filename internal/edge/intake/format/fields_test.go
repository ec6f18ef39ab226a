package format

import (
	"maps"
	"slices"
	"testing"

	"casus/internal/core/report"

	"github.com/google/go-cmp/cmp"
)

// TestFields holds the fields that a map may name to those that tables are read
// by.
func TestFields(t *testing.T) {
	t.Parallel()
	want := []string{fieldValue, fieldType, fieldComment, fieldName, fieldFirst, fieldLast, fieldTLP, fieldTags, fieldReference, fieldDetect, fieldIgnore}
	want = slices.AppendSeq(slices.AppendSeq(want, maps.Keys(typed)), maps.Keys(custom))
	slices.Sort(want)
	if diff := cmp.Diff(want, report.Fields()); diff != "" {
		t.Errorf("fields (-tables +map):\n%s", diff)
	}
}
