package observable

import (
	"fmt"
	"strings"
	"testing"

	"casus/stix"
)

const benchIndicator = `{"type":"indicator","spec_version":"2.1","id":"indicator--0d7f5a5c-2b5e-4c55-9a0e-0b5fd0a1b6c4",` +
	`"created_by_ref":"identity--6f7a3c58-7a28-4a8d-9b54-0d5ec6a7f0a1","created":"2024-03-01T10:00:00.000Z","modified":"2024-03-02T11:30:00.000Z",` +
	`"name":"Command and control server of a loader","description":"The loader asks this host for its next stage every ninety seconds; seen in three ` +
	`incidents since the beginning of the year, always with the same certificate and the same path on the server. Block and look for earlier connections.",` +
	`"indicator_types":["malicious-activity"],"pattern":"[ipv4-addr:value = '198.51.100.23' AND domain-name:value = 'update.evil.example']",` +
	`"pattern_type":"stix","pattern_version":"2.1","valid_from":"2024-03-01T10:00:00Z","confidence":80,"lang":"en",` +
	`"object_marking_refs":["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"],` +
	`"external_references":[{"source_name":"report","url":"https://reports.example/2024/loader.html"}],"labels":["loader","c2"]}`

const benchFile = `{"type":"file","spec_version":"2.1","id":"file--0d7f5a5c-2b5e-5c55-9a0e-0b5fd0a1b6c4","name":"invoice_2024.exe","size":48128,` +
	`"hashes":{"MD5":"9e107d9d372bb6826bd81d3542a419d6","SHA-1":"2fd4e1c67a2d28fced849ee1bb76e7391b93eb12","SHA-256":"d7a8fbb307d7809469ca9abcb0082e4f8d5651e46d3cdb762d02d0bf37c9e592"}}`

func benchObject(b *testing.B, raw string) {
	o, err := stix.Parse([]byte(raw), stix.Limits{})
	if err != nil {
		b.Fatal(err)
	}
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		FromObject(o, func(Mention) { n++ })
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "values/s")
	b.ReportMetric(float64(n)/float64(b.N), "values/op")
}

func BenchmarkFromObjectIndicator(b *testing.B) { benchObject(b, benchIndicator) }
func BenchmarkFromObjectFile(b *testing.B)      { benchObject(b, benchFile) }

func BenchmarkNormal(b *testing.B) {
	for _, tc := range []struct {
		typ Type
		in  string
	}{
		{IPv4, "198.51.100.23"},
		{IPv6, "2001:db8::23"},
		{Domain, "update.evil.example"},
		{URL, "https://update.evil.example/a/b.php?id=5"},
		{SHA256, "d7a8fbb307d7809469ca9abcb0082e4f8d5651e46d3cdb762d02d0bf37c9e592"},
		{FileName, "invoice_2024.exe"},
		{Email, "bad@evil.example"},
	} {
		b.Run(string(tc.typ), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Normal(tc.typ, tc.in); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "values/s")
		})
	}
}

func BenchmarkAppendBytes(b *testing.B) {
	keys := []Key{
		{IPv4, "198.51.100.23"},
		{Domain, "update.evil.example"},
		{URL, "https://update.evil.example/a/b.php?id=5"},
		{SHA256, "d7a8fbb307d7809469ca9abcb0082e4f8d5651e46d3cdb762d02d0bf37c9e592"},
	}
	var buf []byte
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		for _, k := range keys {
			buf = k.AppendBytes(buf[:0])
			n++
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "values/s")
}

func BenchmarkFromText(b *testing.B) {
	text := strings.Repeat("The loader at hxxps://update.evil[.]example/a.php wrote C:\\Temp\\x.exe (d41d8cd98f00b204e9800998ecf8427e) and spoke to "+
		"198.51.100.23 on three occasions before the team that looked after the network noticed anything out of the ordinary. ", 50)
	n := 0
	b.ReportAllocs()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		FromText(text, func(Mention) { n++ })
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "values/s")
}

func BenchmarkWords(b *testing.B) {
	for name, text := range map[string]string{
		"lower": strings.Repeat("the loader asks this host for its next stage every ninety seconds, seen in three incidents; ", 20),
		"ascii": strings.Repeat("The loader asks this host for its next stage every ninety seconds. ", 20),
		"mixed": strings.Repeat("Der Lader fragt diesen Rechner alle neunzig Sekunden für die nächste Stufe. ", 20),
	} {
		b.Run(name, func(b *testing.B) {
			n := 0
			b.ReportAllocs()
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				Words([]byte(text), func([]byte) { n++ })
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "words/s")
		})
	}
}

func BenchmarkReason(b *testing.B) {
	l := BuiltIn(false)
	why := l.addReason("x")
	for i := range 200_000 {
		l.addSpan(Key{IPv4, fmt.Sprintf("%d.%d.%d.%d", 20+i%180, i>>16, i>>8&255, i&255)}, why, anyType)
		l.addHost(fmt.Sprintf("host%d.evil.example", i), why, anyType)
	}
	nest(l.v4, 32)
	for _, k := range []Key{
		{IPv4, "198.51.200.23"},
		{IPv6, "2a00:1450::23"},
		{Domain, "update.of.evil.net"},
		{URL, "https://update.evil.net/a/b.php?id=5"},
		{SHA256, "d7a8fbb307d7809469ca9abcb0082e4f8d5651e46d3cdb762d02d0bf37c9e592"},
		{Mutex, "Global\\Evil"},
	} {
		b.Run(string(k.Type), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, ok := l.Reason(k); ok {
					b.Fatal("found")
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "values/s")
		})
	}
}

func BenchmarkReasonShared(b *testing.B) {
	l := BuiltIn(false)
	for _, list := range sharedLists(b) {
		l.Add(list)
	}
	for _, k := range []Key{{IPv4, "198.51.200.23"}, {Domain, "update.of.evil-host.net"}, {URL, "https://update.evil-host.net/a/b.php?id=5"}, {Email, "bad@evil-host.net"}} {
		b.Run(string(k.Type), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				l.Reason(k)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "values/s")
		})
	}
}
