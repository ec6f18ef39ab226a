package bench

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"casus/stix"
)

func TestMix(t *testing.T) {
	t.Parallel()
	var a, b bytes.Buffer
	const n = 5000
	if _, err := Write(&a, n, 7); err != nil {
		t.Fatal(err)
	}
	if _, err := Write(&b, n, 7); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("the same seed gives other bytes")
	}
	if mean := a.Len() / n; mean < 930 || mean > 980 {
		t.Errorf("mean = %d bytes an object, want 930 to 980", mean)
	}
	r := stix.NewReader(&a, "bench.ndjson", stix.Limits{})
	types := map[string]int{}
	for {
		it, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || it.Problem != nil {
			t.Fatalf("Next = %v, %v", it.Problem, err)
		}
		for _, f := range stix.Validate(it.Object, stix.Options{}) {
			if f.Must {
				t.Fatalf("%s: %s: %s", it.Object.ID(), f.Place, f.Message)
			}
		}
		types[it.Object.Type()]++
	}
	if got := types["indicator"] * 100 / n; got < 36 || got > 40 {
		t.Errorf("indicators = %d %%, want 38", got)
	}
}
