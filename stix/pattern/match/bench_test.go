package match_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"casus/stix/pattern/match"
)

// BenchmarkRepeatsWithin counts ten of twenty observations, a second apart, in
// windows that are too short for them.
func BenchmarkRepeatsWithin(b *testing.B) {
	m := compile(b, "[person:age < 20] REPEATS 10 TIMES WITHIN 8 SECONDS")
	obs := make([]*match.Observation, 20)
	for i := range obs {
		o, err := match.Object(fmt.Appendf(nil, `{"type":"person","name":"alice","age":%d}`, i), time.Unix(int64(i), 0), nil)
		if err != nil {
			b.Fatal(err)
		}
		obs[i] = o
	}
	b.ReportAllocs()
	for b.Loop() {
		if r, err := m.Match(obs, 0); err != nil || r.Matched {
			b.Fatalf("%+v, %v", r, err)
		}
	}
}

// indicator writes the nth of many patterns as feeds have them: addresses, names,
// hashes and networks, some of them in pairs or with more conditions.
func indicator(n int) string {
	switch n % 8 {
	case 0:
		return fmt.Sprintf("[ipv4-addr:value = '10.%d.%d.%d']", n>>16&255, n>>8&255, n&255)
	case 1:
		return fmt.Sprintf("[domain-name:value = 'host%d.example']", n)
	case 2:
		return fmt.Sprintf("[file:hashes.MD5 = '%032x' OR file:hashes.'SHA-256' = '%064x']", n, n)
	case 3:
		return fmt.Sprintf("[url:value = 'http://host%d.example/gate.php']", n)
	case 4:
		return fmt.Sprintf("[network-traffic:dst_ref.value = '10.%d.%d.%d' AND network-traffic:dst_port = %d]", n>>16&255, n>>8&255, n&255, n%1000)
	case 5:
		return fmt.Sprintf("[ipv4-addr:value ISSUBSET '172.%d.%d.0/24']", n>>8&255, n&255)
	case 6:
		return fmt.Sprintf("[file:name = 'dropper%d.exe' AND file:size > %d]", n, n)
	}
	return fmt.Sprintf("[ipv4-addr:value = '10.1.%d.%d'] FOLLOWEDBY [domain-name:value = 'next%d.example'] WITHIN 300 SECONDS", n>>8&255, n&255, n)
}

// sighting writes the nth of many observed-data; one in ten has a value of one of
// so many patterns.
func sighting(n, patterns int) string {
	k := n * 7919 % (10 * patterns)
	object := fmt.Sprintf(`{"type":"network-traffic","dst_ref":"1","dst_port":%d,"protocols":["tcp"]},"1":{"type":"ipv4-addr","value":"10.%d.%d.%d"}`,
		k%1000, k>>16&255, k>>8&255, k&255)
	switch k % 8 {
	case 1:
		object = fmt.Sprintf(`{"type":"domain-name","value":"host%d.example"}`, k)
	case 2:
		object = fmt.Sprintf(`{"type":"file","name":"dropper%d.exe","size":%d,"hashes":{"MD5":"%032x","SHA-256":"%064x"}}`, k, k+1, k, k)
	case 3:
		object = fmt.Sprintf(`{"type":"url","value":"http://host%d.example/gate.php"}`, k)
	case 5:
		object = fmt.Sprintf(`{"type":"ipv4-addr","value":"172.%d.%d.7"}`, k>>8&255, k&255)
	}
	return fmt.Sprintf(`{"type":"observed-data","spec_version":"2.1","id":"observed-data--%08d-0000-4000-8000-000000000000",`+
		`"created":"2026-11-05T08:00:00.000Z","modified":"2026-11-05T08:00:00.000Z","number_observed":1,`+
		`"first_observed":"2026-11-05T08:%02d:%02dZ","last_observed":"2026-11-05T08:%02d:%02dZ","objects":{"0":%s}}`,
		n, n/60%60, n%60, n/60%60, n%60, object)
}

// BenchmarkIndex holds observed-data, as JSON and read beforehand, against 10,000
// patterns.
func BenchmarkIndex(b *testing.B) {
	const patterns, seen = 10_000, 100_000
	x := &match.Index{}
	for i := range patterns {
		x.Add(fmt.Sprintf("indicator--%d", i), compile(b, indicator(i)))
	}
	raw := make([][]byte, seen)
	obs := make([]*match.Observation, seen)
	hits := 0
	for i := range raw {
		raw[i] = []byte(sighting(i, patterns))
		o, err := match.ObservedData(raw[i], nil)
		if err != nil {
			b.Fatal(err)
		}
		found, err := x.Match(o, 0)
		if err != nil {
			b.Fatal(err)
		}
		obs[i] = o
		hits += len(found)
	}
	if hits < seen/50 || hits > seen {
		b.Fatalf("%d hits of %d observations", hits, seen)
	}
	for name, read := range map[string]bool{"json": true, "read": false} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				o := obs[i%seen]
				if read {
					var err error
					if o, err = match.ObservedData(raw[i%seen], nil); err != nil {
						b.Fatal(err)
					}
				}
				if _, err := x.Match(o, 0); err != nil {
					b.Fatal(err)
				}
				i++
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "observations/s")
		})
	}
}

// write names a folder into which TestWriteSample writes what BenchmarkIndex
// uses, for other matchers.
var write = flag.String("write", "", "write the patterns and observed-data of the benchmarks into this folder")

// TestWriteSample writes patterns.txt and observations.ndjson, one a line. It
// runs only when asked to.
func TestWriteSample(t *testing.T) {
	if *write == "" {
		t.Skip("-write names no folder")
	}
	var patterns, seen strings.Builder
	for i := range 10_000 {
		patterns.WriteString(indicator(i) + "\n")
	}
	for i := range 100_000 {
		seen.WriteString(sighting(i, 10_000) + "\n")
	}
	for name, text := range map[string]string{"patterns.txt": patterns.String(), "observations.ndjson": seen.String()} {
		if err := os.WriteFile(filepath.Join(*write, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// BenchmarkOneByOne holds one pattern after the other against a thousand
// observed-data, without an index.
func BenchmarkOneByOne(b *testing.B) {
	const patterns, seen = 100, 1000
	matchers := make([]*match.Matcher, patterns)
	for i := range matchers {
		matchers[i] = compile(b, indicator(i))
	}
	obs := make([]*match.Observation, seen)
	for i := range obs {
		o, err := match.ObservedData([]byte(sighting(i, 10_000)), nil)
		if err != nil {
			b.Fatal(err)
		}
		obs[i] = o
	}
	i := 0
	for b.Loop() {
		if _, err := matchers[i%patterns].Match(obs, 0); err != nil {
			b.Fatal(err)
		}
		i++
	}
	b.ReportMetric(float64(b.N)*seen/b.Elapsed().Seconds(), "pairs/s")
}

// BenchmarkParse reads and makes ready the patterns of the index benchmark.
func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		compile(b, indicator(i%10_000))
		i++
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "patterns/s")
}
