package node

import (
	"os"
	"path/filepath"
	"testing"

	"casus/internal/core/report"
)

// BenchmarkImport takes in a file of the mix of package bench, durable and
// indexed, until the views have read it.
func BenchmarkImport(b *testing.B) {
	input := filepath.Join(b.TempDir(), "input.ndjson")
	const objects = 50_000
	size, err := writeInput(input, objects, 1)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		dir, err := os.MkdirTemp(b.TempDir(), "node")
		if err != nil {
			b.Fatal(err)
		}
		c := Config{Dir: dir}
		if err := Init(c, report.Ceiling{}); err != nil {
			b.Fatal(err)
		}
		n, err := Open(b.Context(), c)
		if err != nil {
			b.Fatal(err)
		}
		res, err := n.ImportPaths(b.Context(), report.Request{}, []string{input}, nil)
		if err != nil || res.New == 0 {
			b.Fatalf("import = %+v, %v", res, err)
		}
		if err := n.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(objects)*float64(b.N)/b.Elapsed().Seconds(), "objects/s")
}
