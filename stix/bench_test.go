package stix

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

func BenchmarkParse(b *testing.B) {
	raw := []byte(testIndicator)
	b.ReportAllocs()
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		if _, err := Parse(raw, Limits{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "objects/s")
}

func BenchmarkReader(b *testing.B) {
	const objects = 20_000
	list := make([]string, objects)
	for i := range list {
		list[i] = testIndicator
	}
	for _, bc := range []struct{ name, in string }{
		{"lines", strings.Join(list, "\n")},
		{"bundle", bundleOf(list...)},
	} {
		b.Run(bc.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(bc.in)))
			for b.Loop() {
				r := NewReader(strings.NewReader(bc.in), "in", Limits{})
				for {
					item, err := r.Next()
					if errors.Is(err, io.EOF) {
						break
					}
					if item.Problem != nil {
						b.Fatal(item.Problem)
					}
				}
			}
			b.ReportMetric(float64(b.N)*objects/b.Elapsed().Seconds(), "objects/s")
		})
	}
}

func BenchmarkCanonical(b *testing.B) {
	raw := []byte(testIndicator)
	b.ReportAllocs()
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		if _, err := Canonical(raw); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendCanonical(b *testing.B) {
	o, err := Parse([]byte(testIndicator), Limits{})
	if err != nil {
		b.Fatal(err)
	}
	var dst []byte
	b.ReportAllocs()
	b.SetBytes(int64(len(testIndicator)))
	for b.Loop() {
		dst = o.AppendCanonical(dst[:0])
	}
}

func BenchmarkSCOID(b *testing.B) {
	raw := []byte(`{"type":"domain-name","spec_version":"2.1","id":"domain-name--00000000-0000-4000-8000-000000000000","value":"tide-table.example"}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := SCOID(raw); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWriter(b *testing.B) {
	o, err := Parse([]byte(testIndicator), Limits{})
	if err != nil {
		b.Fatal(err)
	}
	var buf bytes.Buffer
	b.ReportAllocs()
	b.SetBytes(int64(len(testIndicator)))
	w := NewLineWriter(&buf)
	for b.Loop() {
		buf.Reset()
		if err := w.Write(o); err != nil {
			b.Fatal(err)
		}
	}
}
