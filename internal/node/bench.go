package node

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"casus/internal/bench"
	"casus/internal/core/observable"
	"casus/internal/core/report"
	"casus/internal/edge/cli"
	"casus/internal/event"
	"casus/internal/eventlog"
	"casus/internal/fault"
	"casus/stix"
)

// Figures is what a machine can do. The names are stable.
type Figures struct {
	Objects int `json:"objects"`
	Import  struct {
		ObjectsPerS        float64 `json:"objects_per_s"`
		PeakRSSBytes       int64   `json:"peak_rss_bytes"`
		DiskBytesPerObject float64 `json:"disk_bytes_per_object"`
		Seconds            float64 `json:"seconds"`
		InputBytes         int64   `json:"input_bytes"`
	} `json:"import"`
	MatchOne struct {
		P50US float64 `json:"p50_us"`
		P99US float64 `json:"p99_us"`
	} `json:"match_one"`
	MatchBatch struct {
		Values  int     `json:"values"`
		Hits    int     `json:"hits"`
		Seconds float64 `json:"seconds"`
	} `json:"match_batch"`
	AppendOne struct {
		P50MS float64 `json:"p50_ms"`
		P99MS float64 `json:"p99_ms"`
	} `json:"append_one"`
	Rebuild struct {
		ObjectsPerS float64 `json:"objects_per_s"`
	} `json:"rebuild"`
	Open struct {
		Seconds float64 `json:"seconds"`
	} `json:"open"`
	Floor struct {
		WriteBytesPerS float64 `json:"write_bytes_per_s"`
		FsyncPerS      float64 `json:"fsync_per_s"`
		JSONBytesPerS  float64 `json:"json_bytes_per_s"`
	} `json:"floor"`
}

// String writes the figures for people.
func (f *Figures) String() string {
	var b strings.Builder
	row := func(name, value, unit string) { fmt.Fprintf(&b, "%-28s %12s %s\n", name, value, unit) }
	n := func(v float64) string { return strconv.FormatFloat(v, 'f', 0, 64) }
	d := func(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) }
	row("import", n(f.Import.ObjectsPerS), "objects/s")
	row("  peak memory", n(float64(f.Import.PeakRSSBytes)/(1<<20)), "MiB")
	row("  disk", n(f.Import.DiskBytesPerObject), "bytes/object")
	row("match one, median", n(f.MatchOne.P50US), "µs")
	row("match one, p99", n(f.MatchOne.P99US), "µs")
	row(fmt.Sprintf("match %d values", f.MatchBatch.Values), d(f.MatchBatch.Seconds), "s")
	row("append one, p99", d(f.AppendOne.P99MS), "ms")
	row("rebuild", n(f.Rebuild.ObjectsPerS), "objects/s")
	row("open after a clean stop", d(f.Open.Seconds), "s")
	row("floor: sequential write", n(f.Floor.WriteBytesPerS/1e6), "MB/s")
	row("floor: fsync", n(f.Floor.FsyncPerS), "per s")
	row("floor: JSON scan", n(f.Floor.JSONBytesPerS/1e6), "MB/s")
	return b.String()
}

// Bench implements cli.Host.
func (h Host) Bench(ctx context.Context, o cli.BenchOptions) (any, error) {
	if o.Say == nil {
		o.Say = func(string, ...any) {}
	}
	tmp, err := os.MkdirTemp("", "casus-bench-")
	if err != nil {
		return nil, fault.Errorf(fault.Unavailable, "node: bench: %w", err)
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	input := o.Write
	if input == "" {
		input = filepath.Join(tmp, "input.ndjson")
	}
	f := &Figures{Objects: o.Objects}
	o.Say("writing %d objects", o.Objects)
	if f.Import.InputBytes, err = writeInput(input, o.Objects, o.Seed); err != nil {
		return nil, err
	}
	debug.FreeOSMemory()
	if err := f.floor(tmp, input); err != nil {
		return nil, err
	}
	debug.FreeOSMemory()
	c := h.Config
	c.Dir = filepath.Join(tmp, "node")
	if err := Init(c, report.Ceiling{}); err != nil {
		return nil, err
	}
	steps := []struct {
		say string
		do  func(context.Context, Config, string) error
	}{
		{"importing", f.importing}, {"opening, matching, appending", f.asking}, {"rebuilding", f.rebuilding},
	}
	for _, s := range steps {
		o.Say("%s", s.say)
		if err := s.do(ctx, c, input); err != nil {
			return nil, err
		}
	}
	return f, nil
}

func writeInput(path string, n int, seed uint64) (int64, error) {
	out, err := os.Create(path)
	if err != nil {
		return 0, fault.Errorf(fault.Unavailable, "node: bench: %w", err)
	}
	size, err := bench.Write(out, n, seed)
	// What is not written back yet would be while the import is timed.
	return size, errors.Join(err, out.Sync(), out.Close())
}

func (f *Figures) importing(ctx context.Context, c Config, input string) error {
	n, err := Open(ctx, c)
	if err != nil {
		return err
	}
	peak := watchRSS()
	start := time.Now()
	res, err := n.ImportPaths(ctx, report.Request{Source: "bench"}, []string{input}, nil)
	f.Import.Seconds = time.Since(start).Seconds()
	f.Import.PeakRSSBytes = peak()
	if err = errors.Join(err, n.Close()); err != nil {
		return err
	}
	if res.Received != f.Objects || res.Quarantined != 0 {
		return fault.Errorf(fault.Internal, "node: bench: %d received, %d set aside, want %d and 0", res.Received, res.Quarantined, f.Objects)
	}
	f.Import.ObjectsPerS = float64(res.Received) / f.Import.Seconds
	size, err := dirBytes(c.Dir)
	f.Import.DiskBytesPerObject = float64(size) / float64(res.Received)
	return err
}

func dirBytes(dir string) (int64, error) {
	var sum int64
	err := filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			sum += info.Size()
		}
		return err
	})
	if err != nil {
		return 0, fault.Errorf(fault.Unavailable, "node: bench: %w", err)
	}
	return sum, nil
}

// asking measures opening, matching and single appends.
func (f *Figures) asking(ctx context.Context, c Config, input string) error {
	start := time.Now()
	n, err := Open(ctx, c)
	if err != nil {
		return err
	}
	defer func() { _ = n.Close() }()
	f.Open.Seconds = time.Since(start).Seconds()
	held, err := someValues(input, 100_000)
	if err != nil {
		return err
	}
	var one []time.Duration
	for i := range 2000 {
		start := time.Now()
		if _, err := n.view.MatchValues(ctx, n.readerFor(ctx), held[i*7919%len(held):][:1]); err != nil {
			return err
		}
		one = append(one, time.Since(start))
	}
	slices.Sort(one)
	f.MatchOne.P50US, f.MatchOne.P99US = float64(one[len(one)/2].Nanoseconds())/1e3, float64(one[len(one)*99/100].Nanoseconds())/1e3
	batch := make([]observable.Key, 0, 1_000_000)
	for i := range 1_000_000 {
		if i%10 == 0 {
			batch = append(batch, held[i/10*31%len(held)])
			continue
		}
		batch = append(batch, observable.Key{Type: observable.Domain, Normal: "missing-" + strconv.Itoa(i) + ".example"})
	}
	start = time.Now()
	found, err := n.view.Held(ctx, n.readerFor(ctx), batch)
	if err != nil {
		return err
	}
	f.MatchBatch.Values, f.MatchBatch.Hits, f.MatchBatch.Seconds = len(batch), found, time.Since(start).Seconds()
	var app []time.Duration
	for i := range 500 {
		raw := fmt.Appendf(nil, `{"type":"identity","spec_version":"2.1","id":"%s","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","name":"bench %d"}`, stix.NewID("identity", []byte("bench"), strconv.Itoa(i)), i)
		h := event.Header{Kind: event.ObjectReceived, KindVersion: 1, Author: "local", WriteTime: time.Now().UTC(), Marking: "TLP:GREEN"}
		start := time.Now()
		if _, err := n.log.Append(ctx, nil, []eventlog.Entry{{Header: h, Payload: raw}}); err != nil {
			return err
		}
		app = append(app, time.Since(start))
	}
	slices.Sort(app)
	f.AppendOne.P50MS, f.AppendOne.P99MS = app[len(app)/2].Seconds()*1e3, app[len(app)*99/100].Seconds()*1e3
	return nil
}

// someValues reads values from the first n lines of the input.
func someValues(input string, n int) ([]observable.Key, error) {
	in, err := os.Open(input)
	if err != nil {
		return nil, fault.Errorf(fault.Unavailable, "node: bench: %w", err)
	}
	defer func() { _ = in.Close() }()
	r := stix.NewReader(in, "", stix.Limits{})
	var keys []observable.Key
	for range n {
		it, err := r.Next()
		if err != nil {
			break
		}
		if it.Object != nil {
			observable.FromObject(it.Object, func(m observable.Mention) {
				if !m.Reference && !m.Derived {
					keys = append(keys, m.Key)
				}
			})
		}
	}
	if len(keys) == 0 {
		return nil, fault.Errorf(fault.Internal, "node: bench: the input has no values")
	}
	return keys, nil
}

func (f *Figures) rebuilding(ctx context.Context, c Config, _ string) error {
	n, err := Open(ctx, c)
	if err != nil {
		return err
	}
	start := time.Now()
	err = n.Rebuild(ctx)
	f.Rebuild.ObjectsPerS = float64(f.Objects) / time.Since(start).Seconds()
	return errors.Join(err, n.Close())
}

// floor measures what the machine itself can do.
func (f *Figures) floor(dir, input string) error {
	buf := make([]byte, 1<<20)
	if _, err := rand.Read(buf); err != nil {
		return fault.Errorf(fault.Unavailable, "node: bench: %w", err)
	}
	out, err := os.Create(filepath.Join(dir, "floor"))
	if err != nil {
		return fault.Errorf(fault.Unavailable, "node: bench: %w", err)
	}
	defer func() { _ = out.Close(); _ = os.Remove(out.Name()) }()
	start := time.Now()
	const mib = 128
	for range mib {
		if _, err := out.Write(buf); err != nil {
			return fault.Errorf(fault.Unavailable, "node: bench: %w", err)
		}
	}
	if err := out.Sync(); err != nil {
		return fault.Errorf(fault.Unavailable, "node: bench: %w", err)
	}
	f.Floor.WriteBytesPerS = mib * float64(len(buf)) / time.Since(start).Seconds()
	start = time.Now()
	const syncs = 200
	for range syncs {
		if _, err := out.Write(buf[:1024]); err != nil {
			return fault.Errorf(fault.Unavailable, "node: bench: %w", err)
		}
		if err := out.Sync(); err != nil {
			return fault.Errorf(fault.Unavailable, "node: bench: %w", err)
		}
	}
	f.Floor.FsyncPerS = syncs / time.Since(start).Seconds()
	raw, err := firstBytes(input, 64<<20)
	if err != nil {
		return err
	}
	start = time.Now()
	read := 0
	for line := range bytes.Lines(raw) {
		var v struct {
			ID string `json:"id"`
		}
		if err := json.Unmarshal(line, &v); err != nil {
			break // the last line is cut
		}
		read += len(line)
	}
	f.Floor.JSONBytesPerS = float64(read) / time.Since(start).Seconds()
	return nil
}

// firstBytes returns up to n bytes from the start of a file.
func firstBytes(path string, n int64) ([]byte, error) {
	in, err := os.Open(path)
	if err != nil {
		return nil, fault.Errorf(fault.Unavailable, "node: bench: %w", err)
	}
	defer func() { _ = in.Close() }()
	raw, err := io.ReadAll(io.LimitReader(in, n))
	if err != nil {
		return nil, fault.Errorf(fault.Unavailable, "node: bench: %w", err)
	}
	return raw, nil
}

// watchRSS samples the memory of the process until the returned function is
// called, which gives the highest seen; 0 where the system does not tell.
func watchRSS() func() int64 {
	stop, peak := make(chan struct{}), make(chan int64, 1)
	go func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		var high int64
		for {
			high = max(high, rssBytes())
			select {
			case <-tick.C:
			case <-stop:
				peak <- max(high, rssBytes())
				return
			}
		}
	}()
	return func() int64 { close(stop); return <-peak }
}

func rssBytes() int64 {
	raw, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(raw))
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}
