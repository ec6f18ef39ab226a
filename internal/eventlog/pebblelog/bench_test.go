package pebblelog

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"casus/internal/event"
	"casus/internal/eventlog"
)

// object returns a made-up indicator of about 950 bytes, as compressible as
// real ones: fixed words around identifiers, times and values that are not.
func object(r *rand.Rand) []byte {
	id := func() string {
		var b [16]byte
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		h := hex.EncodeToString(b[:])
		return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
	}
	day := time.Unix(1_700_000_000+r.Int64N(80_000_000), r.Int64N(1000)*1e6).UTC().Format("2006-01-02T15:04:05.000Z")
	words := strings.Fields("loader beacon staging credential phishing payload command control server observed campaign sector energy water transport")
	var desc []string
	for range 22 {
		desc = append(desc, words[r.IntN(len(words))])
	}
	return fmt.Appendf(nil, `{"type":"indicator","spec_version":"2.1","id":"indicator--%s","created_by_ref":"identity--%s","created":"%s","modified":"%s","name":"%s %s","description":"%s","indicator_types":["malicious-activity"],"pattern":"[ipv4-addr:value = '198.51.%d.%d'] OR [file:hashes.'SHA-256' = '%x%x%x%x']","pattern_type":"stix","valid_from":"%s","confidence":%d,"labels":["%s"],"object_marking_refs":["marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"],"external_references":[{"source_name":"exercise","url":"https://reports.example/%d"}],"kill_chain_phases":[{"kill_chain_name":"mitre-attack","phase_name":"command-and-control"}]}`,
		id(), "c78cb6e5-0c4b-4611-8297-d1b8b55e40b5", day, day, words[r.IntN(len(words))], words[r.IntN(len(words))], strings.Join(desc, " "),
		r.IntN(256), r.IntN(256), r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64(), day, r.IntN(100), words[r.IntN(len(words))], r.IntN(1e6))
}

func receipts(r *rand.Rand, n int) []eventlog.Entry {
	now := time.Unix(1_760_000_000, r.Int64N(1e9))
	entries := make([]eventlog.Entry, n)
	for i := range entries {
		entries[i] = eventlog.Entry{
			Kind: event.ObjectReceived, KindVersion: 1, Owner: "arden", Author: "token:import", Cause: 1,
			WriteTime: now, EventTime: now.Add(-time.Duration(r.Int64N(1e15))), Marking: "tlp:amber",
			Payload: object(r),
		}
	}
	return entries
}

func diskBytes(tb testing.TB, dir string) (size int64) {
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		tb.Fatal(err)
	}
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil {
			tb.Fatal(err)
		}
		size += info.Size()
	}
	return size
}

func BenchmarkAppend(b *testing.B) {
	for _, writers := range []int{1, 2, 4} {
		b.Run(fmt.Sprintf("500-entries-%d-writers", writers), func(b *testing.B) {
			dir := b.TempDir()
			l, err := Create(dir, Options{})
			if err != nil {
				b.Fatal(err)
			}
			const sets = 40
			input := make([][]eventlog.Entry, sets)
			size := 0
			for i := range input {
				input[i] = receipts(rand.New(rand.NewPCG(1, uint64(i))), 500)
				for _, e := range input[i] {
					size += len(e.Payload)
				}
			}
			var next atomic.Int64
			var wg sync.WaitGroup
			b.ResetTimer()
			for range writers {
				wg.Go(func() {
					for {
						i := next.Add(1)
						if i > int64(b.N) {
							return
						}
						if _, err := l.Append(b.Context(), nil, input[i%sets]); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			n := float64(b.N * 500)
			b.ReportMetric(n/b.Elapsed().Seconds(), "entries/s")
			b.ReportMetric(float64(size)/sets/500, "payload-B/entry")
			if err := l.Close(); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(diskBytes(b, dir))/n, "disk-B/entry")
		})
	}
}

func BenchmarkAppendOne(b *testing.B) {
	l, err := Create(b.TempDir(), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	input := receipts(rand.New(rand.NewPCG(1, 2)), 100)
	var took []time.Duration
	for b.Loop() {
		start := time.Now()
		if _, err := l.Append(b.Context(), nil, input[len(took)%100:][:1]); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}

func BenchmarkRead(b *testing.B) {
	dir := b.TempDir()
	l, err := Create(dir, Options{})
	if err != nil {
		b.Fatal(err)
	}
	const sets = 200
	for i := range sets {
		if _, err := l.Append(b.Context(), nil, receipts(rand.New(rand.NewPCG(1, uint64(i))), 500)); err != nil {
			b.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
	start := time.Now()
	if l, err = Open(dir, Options{}); err != nil {
		b.Fatal(err)
	}
	opened := time.Since(start)
	defer l.Close()
	b.Run("all", func(b *testing.B) {
		n := 0
		for b.Loop() {
			for _, err := range l.Read(b.Context(), 1) {
				if err != nil {
					b.Fatal(err)
				}
				n++
			}
		}
		b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "entries/s")
		b.ReportMetric(float64(opened.Microseconds()), "open-µs")
	})
	b.Run("get", func(b *testing.B) {
		r := rand.New(rand.NewPCG(5, 6))
		for b.Loop() {
			if _, err := l.Get(b.Context(), eventlog.Seq(1+r.IntN(sets*500))); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("verify", func(b *testing.B) {
		for b.Loop() {
			if _, _, err := l.Verify(b.Context(), func(p string) { b.Error(p) }); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.N*sets*500)/b.Elapsed().Seconds(), "entries/s")
	})
}
