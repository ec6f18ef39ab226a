package misp_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"casus/misp"
	"casus/stix"
	"casus/tlp"

	"github.com/google/go-cmp/cmp"
)

// readAll reads every event and every error that did not end the reading.
func readAll(r io.Reader) (evs []*misp.Event, problems []*misp.Error, err error) {
	rd := misp.NewReader(r, misp.Limits{})
	for {
		ev, err := rd.Next()
		if errors.Is(err, io.EOF) {
			return evs, problems, nil
		}
		if err != nil {
			e, ok := errors.AsType[*misp.Error](err)
			if !ok {
				return evs, problems, err
			}
			problems = append(problems, e)
			if e.Final {
				return evs, problems, nil
			}
			continue
		}
		evs = append(evs, ev)
	}
}

const small = `{"uuid":"11111111-1111-4111-8111-111111111111","info":"one","date":"2026-03-04","timestamp":"1772000000","Attribute":[{"type":"ip-dst","value":"192.0.2.1","to_ids":true,"timestamp":1772000001,"uuid":"22222222-2222-4222-8222-222222222222"}]}`

func TestShapes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, in string
		events   int
		attrs    int
	}{
		{"event", `{"Event":` + small + `}`, 1, 1},
		{"bare", small, 1, 1},
		{"byte order mark", "\ufeff" + small, 1, 1},
		{"response list", `{"response":[{"Event":` + small + `},{"Event":` + small + `}]}`, 2, 2},
		{"response object", `{"response":{"Event":` + small + `}}`, 1, 1},
		{"response behind other members", `{"page":1,"response":[{"Event":` + small + `}]}`, 1, 1},
		{"response of bare events", `{"response":[` + small + `]}`, 1, 1},
		{"list", `[{"Event":` + small + `},` + small + `]`, 2, 2},
		{"list of lists", `[[{"Event":` + small + `}]]`, 1, 1},
		{"event list", `{"Event":[` + small + `]}`, 1, 1},
		{"attributes", `{"response":{"Attribute":[{"type":"md5","value":"x","Event":{"info":"y"}}]}}`, 1, 1},
		{"manifest", `{"11111111-1111-4111-8111-111111111111":{"info":"a","Orgc":{"name":"b"},"date":"2026-01-01","timestamp":1772000000}}`, 1, 0},
		{"numbered list", `{"Event":{"info":"x","Attribute":{"0":{"type":"md5"},"3":{"type":"sha1"}}}}`, 1, 2},
		{"empty relations", `{"Event":{"info":"x","Org":[],"Orgc":null,"SharingGroup":[],"Tag":{},"Galaxy":null,"Attribute":""}}`, 1, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, r := range []io.Reader{strings.NewReader(tt.in), iotest.OneByteReader(strings.NewReader(tt.in))} {
				evs, problems, err := readAll(r)
				if err != nil || len(problems) > 0 {
					t.Fatalf("reading %s: %v %v", tt.in, problems, err)
				}
				attrs := 0
				for _, ev := range evs {
					attrs += len(ev.Attributes)
					if at := tt.in[strings.Index(tt.in, string(ev.Raw)):]; !strings.HasPrefix(at, string(ev.Raw)) {
						t.Errorf("Raw = %s, not in the input", ev.Raw)
					}
				}
				if len(evs) != tt.events || attrs != tt.attrs {
					t.Errorf("got %d events, %d attributes, want %d, %d", len(evs), attrs, tt.events, tt.attrs)
				}
			}
		})
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, in string
		want     string
	}{
		{"empty", "", "misp: line 1, byte 0: the file is empty"},
		{"space", " \n ", "misp: line 1, byte 0: the file is empty"},
		{"scalar", "7", "misp: line 1, byte 0: this is no MISP event: the JSON is not an object or list"},
		{"no event", `{"a":{"b":1}}`, "misp: line 1, byte 0: this object is no MISP event: it has neither info nor attributes"},
		{"empty list", `[]`, "misp: line 1, byte 0: the JSON is well formed but holds no MISP event"},
		{"trailing comma", "{\n\"Event\": {\"info\":\"x\",\n \"Tag\": [{\"name\":\"a\"},\n ]}}", "misp: line 4, byte 48 (/Event/Tag/1): the JSON stops here: unexpected ']' behind ','"},
		{"cut", "{\"Event\":\n{\"info\":\"x", "misp: line 2, byte 20 (/Event/info): the JSON ends in the middle of a value"},
		{"duplicate", `{"Event":{"info":"x","Tag":[],"Tag":[]}}`, `misp: line 1, byte 30 (/Event/Tag): the member "Tag" stands twice in one object`},
		{"escaped duplicate", `{"Event":{"info":"x","Tag":[],"T\u0061g":[]}}`, `misp: line 1, byte 30 (/Event/Tag): the member "Tag" stands twice in one object`},
		{"wrong case", "{\"Event\":{\"info\":\"x\",\"Tag\":[],\n\"tag\":[]}}", `misp: line 2, byte 31 (/Event/tag): the member "tag" is "Tag" in a wrong case`},
		{"wrong case of a tag's name", `{"Event":{"info":"x","Tag":[{"name":"tlp:clear","Name":"tlp:red"}]}}`, `misp: line 1, byte 48 (/Event/Tag/0/Name): the member "Name" is "name" in a wrong case`},
		{"wrong case wrapper", `{"event":{"info":"x"}}`, `misp: line 1, byte 8 (/event): the member "event" is written in a wrong case`},
		{"not UTF-8", "{\"Event\":{\"info\":\"M\xfcnchen\"}}", "misp: line 1, byte 19 (/Event/info): the bytes are not UTF-8"},
		{"deep", `{"Event":{"info":"x","a":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}}`, "nested deeper than 64 levels"},
		{"very deep", `{"Event":{"info":"x","a":` + strings.Repeat("[", 20000), "nested deeper than 10000 levels"},
		{"object for a text", `{"Event":{"info":{"a":1}}}`, "misp: line 1, byte 17 (/Event/info): this value cannot be read: want a string, number or boolean"},
		{"more behind", `{"Event":` + small + `} x`, "misp: line 1, byte 251: the JSON stops here: unexpected 'x'"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, problems, err := readAll(strings.NewReader(tt.in))
			if err != nil || len(problems) != 1 {
				t.Fatalf("got %v, %v, want one problem", problems, err)
			}
			if got := problems[0].Error(); got != tt.want && !strings.HasSuffix(got, ": "+tt.want) {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if problems[0].Remedy == "" {
				t.Error("no remedy")
			}
		})
	}
}

func TestOneBadAmongMany(t *testing.T) {
	t.Parallel()
	in := "{\"response\":[{\"Event\":" + small + "},\n{\"Event\":{\"info\":{}}},\n{\"Event\":" + small + "}]}"
	evs, problems, err := readAll(strings.NewReader(in))
	if err != nil || len(evs) != 2 || len(problems) != 1 {
		t.Fatalf("got %d events, %v, %v", len(evs), problems, err)
	}
	if p := problems[0]; p.Line != 2 || p.Pointer != "/response/1/Event/info" || p.Final || string(p.Raw) != `{"Event":{"info":{}}}` {
		t.Errorf("got %+v", p)
	}
}

// TestBadParts reads an event some of whose parts are not what they should be:
// the others are kept, and what is set aside is told with its place and bytes.
func TestBadParts(t *testing.T) {
	t.Parallel()
	in := `{"response":[{"Event":{"info":"a","Tag":[{"name":"tlp:green"}],"Attribute":[
{"type":"ip-dst","value":"192.0.2.1"},
{"type":"ip-dst","value":{"is":"an object"}},
"not an attribute",
{"type":"ip-dst","value":"192.0.2.2","Tag":[{"name":["tlp:red"]}]},
{"type":"domain","value":"kept.example"}],
"Object":[{"name":"file","Attribute":[{"type":"md5","value":[]},
{"type":"filename","value":"kept.exe"}]},
{"name":{},"Attribute":[{"type":"md5","value":[]}]}],
"EventReport":[{"name":"x","content":[]}]}}]}`
	evs, problems, err := readAll(strings.NewReader(in))
	if err != nil || len(evs) != 1 || len(problems) != 0 {
		t.Fatalf("got %d events, %v, %v, want one event", len(evs), problems, err)
	}
	ev := evs[0]
	var kept []string
	for _, a := range ev.Attributes {
		kept = append(kept, a.Text())
	}
	for _, o := range ev.Objects {
		for _, a := range o.Attributes {
			kept = append(kept, string(o.Name)+" "+a.Text())
		}
	}
	if diff := cmp.Diff([]string{"192.0.2.1", "kept.example", "file kept.exe"}, kept); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
	var bad []string
	for _, e := range ev.Bad {
		bad = append(bad, fmt.Sprintf("%d %s %s: %s", e.Line, e.Pointer, e.Reason, e.Raw))
		if e.Remedy == "" || e.Offset < 0 || int(e.Offset) > len(in) || !strings.Contains(in, string(e.Raw)) {
			t.Errorf("bad part %+v has no remedy, or is not in the input", e)
		}
	}
	const scalar = "this value cannot be read: want a string, number or boolean"
	if diff := cmp.Diff([]string{
		"3 /response/0/Event/Attribute/1/value " + scalar + `: {"type":"ip-dst","value":{"is":"an object"}}`,
		`4 /response/0/Event/Attribute/2 this value cannot be read: it is a string: "not an attribute"`,
		"5 /response/0/Event/Attribute/3/Tag/0/name " + scalar + `: {"type":"ip-dst","value":"192.0.2.2","Tag":[{"name":["tlp:red"]}]}`,
		"7 /response/0/Event/Object/0/Attribute/0/value " + scalar + `: {"type":"md5","value":[]}`,
		"9 /response/0/Event/Object/1/name " + scalar + `: {"name":{},"Attribute":[{"type":"md5","value":[]}]}`,
		"10 /response/0/Event/EventReport/0/content " + scalar + `: {"name":"x","content":[]}`,
	}, bad); diff != "" {
		t.Errorf("bad parts (-want +got):\n%s", diff)
	}
	if want := in[strings.Index(in, `{"info"`):strings.LastIndex(in, "}]}")]; string(ev.Raw) != want {
		t.Errorf("Raw = %s, want the event as received", ev.Raw)
	}
	// A tag of the event that cannot be read may be a marking.
	_, problems, err = readAll(strings.NewReader(strings.Replace(in, `"tlp:green"`, `["tlp:red"]`, 1)))
	if err != nil || len(problems) != 1 || problems[0].Pointer != "/response/0/Event/Tag/0/name" {
		t.Errorf("with a bad tag of the event: got %v, %v, want the event set aside", problems, err)
	}
}

func TestLimit(t *testing.T) {
	t.Parallel()
	big := `{"Event":{"info":"` + strings.Repeat("x", 3<<20) + `"}}`
	rd := misp.NewReader(strings.NewReader(big), misp.Limits{EventBytes: 1000})
	_, err := rd.Next()
	e, ok := errors.AsType[*misp.Error](err)
	if !ok || e.Reason != "one event is larger than the limit" {
		t.Fatalf("Next() = %v", err)
	}
	// Many small events pass any one event's limit together.
	many := "[" + strings.Repeat(small+",", 10_000) + small + "]"
	rd = misp.NewReader(strings.NewReader(many), misp.Limits{EventBytes: 1000})
	n := 0
	for ; ; n++ {
		if _, err := rd.Next(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if n != 10_001 {
		t.Errorf("got %d events", n)
	}
}

func TestTLP(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		tags   []string
		want   tlp.Label
		marked bool
	}{
		{nil, tlp.Red, false},
		{[]string{"osint", "type:OSINT"}, tlp.Red, false},
		{[]string{"tlp:white"}, tlp.Clear, true},
		{[]string{"TLP:GREEN"}, tlp.Green, true},
		{[]string{" tlp: amber "}, tlp.Amber, true},
		{[]string{"tlp:amber+strict"}, tlp.AmberStrict, true},
		{[]string{"tlp:clear", "tlp:red"}, tlp.Red, true},
		{[]string{"tlp:green", "tlp:amber"}, tlp.Amber, true},
		{[]string{"tlp:ex:chr"}, tlp.Red, true},
		{[]string{"tlp:clear", "tlp:unclear"}, tlp.Red, true},
	} {
		var tags []misp.Tag
		for _, n := range tt.tags {
			tags = append(tags, misp.Tag{Name: misp.Text(n)})
		}
		if got, marked := misp.TLP(tags); got != tt.want || marked != tt.marked {
			t.Errorf("TLP(%q) = %v, %v, want %v, %v", tt.tags, got, marked, tt.want, tt.marked)
		}
	}
}

func TestObserve(t *testing.T) {
	t.Parallel()
	sha := strings.Repeat("ab", 32)
	for _, tt := range []struct {
		typ, value string
		pattern    string
		types      string
	}{
		{"ip-dst", "192.0.2.1", "[ipv4-addr:value = '192.0.2.1']", "ipv4-addr"},
		{"ip-src", "198.51.100.0/24", "[ipv4-addr:value = '198.51.100.0/24']", "ipv4-addr"},
		{"ip-src", "2001:DB8::0001", "[ipv6-addr:value = '2001:db8::1']", "ipv6-addr"},
		{"ip-src", "not one", "", ""},
		{"domain", "Evil.Example.", "[domain-name:value = 'evil.example']", "domain-name"},
		{"domain", "a b", "", ""},
		{"hostname", "192.0.2.9", "[ipv4-addr:value = '192.0.2.9']", "ipv4-addr"},
		{"domain|ip", "evil.example|192.0.2.1", "[domain-name:value = 'evil.example' AND domain-name:resolves_to_refs[*].value = '192.0.2.1']", "ipv4-addr domain-name"},
		{"ip-dst|port", "192.0.2.1|443", "[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '192.0.2.1' AND network-traffic:dst_port = 443]", "ipv4-addr network-traffic"},
		{"ip-dst|port", "192.0.2.1:70000", "", ""},
		{"url", "http://evil.example/a'b\\c", `[url:value = 'http://evil.example/a\'b\\c']`, "url"},
		{"uri", "/just/a/path", "", ""},
		{"email-src", "a@evil.example", "[email-addr:value = 'a@evil.example']", "email-addr"},
		{"md5", strings.Repeat("AB", 16), "[file:hashes.MD5 = '" + strings.Repeat("ab", 16) + "']", "file"},
		{"md5", "ab", "", ""},
		{"filename", `C:\Temp\it's.exe`, `[file:name = 'it\'s.exe' AND file:parent_directory_ref.path = 'C:\\Temp']`, "directory file"},
		{"filename|sha256", "a.exe|" + sha, "[file:name = 'a.exe' AND file:hashes.'SHA-256' = '" + sha + "']", "file"},
		{"malware-sample", "a.exe|" + strings.Repeat("0", 32), "[file:name = 'a.exe' AND file:hashes.MD5 = '" + strings.Repeat("0", 32) + "']", "file"},
		{"mac-address", "00-00-5E-00-53-01", "[mac-addr:value = '00:00:5e:00:53:01']", "mac-addr"},
		{"AS", "AS64500", "[autonomous-system:number = 64500]", "autonomous-system"},
		{"mutex", `Global\x`, `[mutex:name = 'Global\\x']`, "mutex"},
		{"regkey|value", `HKLM\Run|c:\x.exe`, `[windows-registry-key:key = 'HKLM\\Run' AND windows-registry-key:values[*].data = 'c:\\x.exe']`, "windows-registry-key"},
		{"user-agent", "Mozilla/5.0", "[network-traffic:extensions.'http-request-ext'.request_header.'User-Agent' = 'Mozilla/5.0']", ""},
		{"x509-fingerprint-sha1", strings.Repeat("AB:", 19) + "AB", "[x509-certificate:hashes.'SHA-1' = '" + strings.Repeat("ab", 20) + "']", "x509-certificate"},
		{"yara", "rule x { condition: true }", "rule x { condition: true }", ""},
		{"text", "words", "", ""},
	} {
		o, ok := misp.Observe(tt.typ, tt.value)
		var types []string
		for _, x := range o.Objects {
			types = append(types, x.Type)
		}
		if ok != (tt.pattern != "") || ok && (o.Pattern != tt.pattern || strings.Join(types, " ") != tt.types) {
			t.Errorf("Observe(%q, %q) = %q, %q, %v, want %q, %q", tt.typ, tt.value, o.Pattern, types, ok, tt.pattern, tt.types)
		}
	}
	if o, ok := misp.Observe("vulnerability", "cve-2026-0001"); !ok || o.CVE != "CVE-2026-0001" {
		t.Errorf("Observe(vulnerability) = %+v, %v", o, ok)
	}
}

func convert(t testing.TB, ev *misp.Event) []*stix.Object {
	t.Helper()
	var out []*stix.Object
	misp.Convert(ev, misp.ConvertOptions{Received: time.Unix(1772000000, 0)}, func(b []byte) bool {
		o, err := stix.Parse(b, stix.Limits{})
		if err != nil {
			t.Fatalf("stix.Parse(%s): %v", b, err)
		}
		out = append(out, o)
		return true
	})
	return out
}

func TestConvert(t *testing.T) {
	t.Parallel()
	in := `{"Event":{"uuid":"11111111-1111-4111-8111-111111111111","info":"Story","date":"2026-02-01","timestamp":"1772000000","publish_timestamp":1772000100,
"Orgc":{"uuid":"33333333-3333-4333-8333-333333333333","name":"Example team"},
"Tag":[{"name":"tlp:green"},{"name":"osint"},{"name":"misp-galaxy:mitre-attack-pattern=\"PowerShell - T1059.001\""}],
"Attribute":[
{"uuid":"22222222-2222-4222-8222-222222222222","type":"ip-dst","category":"Network activity","value":"192.0.2.1","to_ids":true,"timestamp":"1772000001","comment":"c2","Sighting":[{"uuid":"44444444-4444-4444-8444-444444444444","date_sighting":"1772000050","type":"0","Organisation":{"name":"Other"}},{"type":"1","date_sighting":1}]},
{"uuid":"22222222-2222-4222-8222-222222222223","type":"domain","category":"Network activity","value":"evil.example","to_ids":false,"timestamp":"1772000002","Tag":[{"name":"tlp:red"}]},
{"uuid":"22222222-2222-4222-8222-222222222224","type":"md5","value":"zz","to_ids":true,"timestamp":"1772000002"},
{"uuid":"22222222-2222-4222-8222-222222222225","type":"ip-dst","value":"192.0.2.2","deleted":true},
{"uuid":"22222222-2222-4222-8222-222222222226","type":"vulnerability","value":"CVE-2026-0001"}],
"ShadowAttribute":[{"type":"ip-dst","value":"192.0.2.99"}],
"EventReport":[{"uuid":"55555555-5555-4555-8555-555555555555","name":"Prose","content":"# words","timestamp":1772000003}]}}`
	ev, err := misp.Parse([]byte(in), misp.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	byID := map[string]*stix.Object{}
	for _, o := range convert(t, ev) {
		l := ""
		for _, m := range o.Strings("object_marking_refs") {
			label, _ := tlp.ByDefinition(m)
			l = label.String()
		}
		byID[o.ID()] = o
		got = append(got, o.Type()+" "+l)
	}
	want := []string{
		"identity TLP:GREEN", "attack-pattern TLP:GREEN", "ipv4-addr TLP:GREEN", "indicator TLP:GREEN", "identity TLP:GREEN", "sighting TLP:GREEN",
		"domain-name TLP:RED", "observed-data TLP:RED", "x-misp-attribute TLP:GREEN", "vulnerability TLP:GREEN", "grouping TLP:RED", "note TLP:GREEN", "report TLP:GREEN",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("objects (-want +got):\n%s", d)
	}
	ind := byID["indicator--22222222-2222-4222-8222-222222222222"]
	if ind == nil || ind.String("valid_from") != "2026-02-25T06:13:21.000Z" || ind.Created() != "2026-02-01T00:00:00.000Z" || ind.String("description") != "c2\nCategory: Network activity\nType: ip-dst" {
		t.Errorf("indicator = %s", ind.Raw())
	}
	rep := byID["report--11111111-1111-4111-8111-111111111111"]
	if rep == nil || rep.String("name") != "Story" || rep.String("published") != "2026-02-25T06:15:00.000Z" || len(rep.Strings("object_refs")) != 8 {
		t.Errorf("report = %s", rep.Raw())
	}
}

// An organisation without a UUID, or with that of zeros, is one identity in all
// of its events.
func TestOrganisationWithoutUUID(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, in := range []string{
		`{"Event":{"uuid":"8b5f4bf2-26b2-4a5c-8b2a-0d2a3f7f5d10","info":"a","Orgc":{"name":"North","uuid":"00000000-0000-0000-0000-000000000000"}}}`,
		`{"Event":{"uuid":"8b5f4bf2-26b2-4a5c-8b2a-0d2a3f7f5d11","info":"b","Orgc":{"name":"North"}}}`,
	} {
		ev, err := misp.Parse([]byte(in), misp.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		misp.Convert(ev, misp.ConvertOptions{}, func(raw []byte) bool {
			o, err := stix.Parse(raw, stix.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if o.Type() == "identity" {
				seen[o.ID()] = true
			}
			return true
		})
	}
	if len(seen) != 1 {
		t.Errorf("Convert gave the organisation ids %v, want one", slices.Sorted(maps.Keys(seen)))
	}
}

// TestReportNamesNothingClosed checks that no object names one of a more
// restrictive label, by id or by value.
func TestReportNamesNothingClosed(t *testing.T) {
	t.Parallel()
	in := `{"Event":{"uuid":"11111111-1111-4111-8111-111111111111","info":"Story","timestamp":"1772000000","Tag":[{"name":"tlp:clear"}],"Attribute":[
{"type":"ip-dst","value":"192.0.2.1","Tag":[{"name":"tlp:red"}]},{"type":"link","value":"https://closed.example/","Tag":[{"name":"tlp:amber"}]},
{"type":"vulnerability","value":"CVE-2026-0001","Tag":[{"name":"tlp:amber"}],"Galaxy":[{"type":"threat-actor","GalaxyCluster":[{"value":"CLOSED"}]}]},
{"type":"domain","value":"open.example"}]}}`
	ev, err := misp.Parse([]byte(in), misp.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	labels := map[string]tlp.Label{}
	objects := convert(t, ev)
	for _, o := range objects {
		labels[o.ID()], _ = tlp.ByDefinition(o.Strings("object_marking_refs")[0])
	}
	for _, o := range objects {
		o.Refs(func(property, id []byte) {
			if l, ok := labels[string(id)]; ok && l < labels[o.ID()] {
				t.Errorf("%s of %v names %s of %v in %s", o.ID(), labels[o.ID()], id, l, property)
			}
		})
		if raw := string(o.Raw()); labels[o.ID()] == tlp.Clear && (strings.Contains(strings.ToLower(raw), "closed") || strings.Contains(raw, "192.0.2.1")) {
			t.Errorf("%s", raw)
		}
	}
}

func TestConvertTwice(t *testing.T) {
	t.Parallel()
	ev, err := misp.Parse([]byte(small), misp.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	a, b := convert(t, ev), convert(t, ev)
	for i := range a {
		if !bytes.Equal(a[i].Raw(), b[i].Raw()) {
			t.Errorf("second conversion differs: %s, %s", a[i].Raw(), b[i].Raw())
		}
	}
}

// shared returns a folder of files others wrote, or skips.
func shared(t testing.TB, env, standard string) string {
	t.Helper()
	dir := os.Getenv(env)
	if dir == "" {
		dir = standard
	}
	if !filepath.IsAbs(dir) {
		dir = filepath.Join("..", dir)
	}
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("CASUS_CI") == "1" {
			t.Fatalf("%s: %v", env, err)
		}
		t.Skipf("%s: no folder %s", env, dir)
	}
	return dir
}

func unpack(t testing.TB, path string) []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRealEvents(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(shared(t, "CASUS_LIBRARY", "../shared/data"), "misp")
	var files, attrs, objects int
	for _, folder := range []string{"eset-events", "pymisp-tests"} {
		names, err := filepath.Glob(filepath.Join(dir, folder, "*.json.gz"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			files++
			evs, problems, err := readAll(bytes.NewReader(unpack(t, name)))
			if err != nil || len(problems) > 0 || len(evs) == 0 {
				t.Errorf("%s: %d events, %v, %v", filepath.Base(name), len(evs), problems, err)
			}
			for _, ev := range evs {
				if folder == "eset-events" {
					attrs += len(ev.Attributes)
					for _, o := range ev.Objects {
						attrs += len(o.Attributes)
					}
				}
				for _, o := range convert(t, ev) {
					objects++
					if fs := stix.Validate(o, stix.Options{}); hasMust(fs) {
						t.Errorf("%s: %s: %v", filepath.Base(name), o.Raw(), fs)
					}
				}
			}
		}
	}
	if files != 41 || attrs != 2486 {
		t.Errorf("read %d files, %d attributes of the first folder, want 41, 2486", files, attrs)
	}
	t.Logf("%d files, %d objects", files, objects)
}

func hasMust(fs []stix.Finding) bool {
	for _, f := range fs {
		if f.Must {
			return true
		}
	}
	return false
}

func TestRealMalformed(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(shared(t, "CASUS_LIBRARY", "../shared/data"), "misp", "malformed")
	evs, problems, err := readAll(bytes.NewReader(unpack(t, filepath.Join(dir, "pypi_backdoor__malicious_pypi_packages.misp-event.json.gz"))))
	if err != nil || len(evs) != 0 || len(problems) != 1 {
		t.Fatalf("got %d events, %v, %v", len(evs), problems, err)
	}
	const want = "misp: line 37374, byte 1532403 (/response/0/Event/Tag/7): the JSON stops here: unexpected ']' behind ','"
	if got := problems[0].Error(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestConformanceEvents(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(shared(t, "CASUS_CONFORMANCE", "../shared/conformance"), "misp")
	names, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	// These hold no event.
	other := map[string]bool{"describeTypes.json": true, "galaxy.json": true, "schema.json": true, "schema-lax.json": true, "sharing_groups.json": true}
	for _, name := range names {
		base := filepath.Base(name)
		t.Run(base, func(t *testing.T) {
			t.Parallel()
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			evs, problems, err := readAll(bytes.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			if other[base] {
				if len(evs) > 0 || len(problems) == 0 {
					t.Errorf("got %d events, %v, want a problem", len(evs), problems)
				}
				return
			}
			if len(evs) == 0 || len(problems) > 0 {
				t.Errorf("got %d events, %v", len(evs), problems)
			}
			for _, ev := range evs {
				convert(t, ev)
			}
		})
	}
}

func TestConformanceFeed(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(shared(t, "CASUS_CONFORMANCE", "../shared/conformance"), "misp-door", "feed-directory")
	feed, err := misp.OpenFeed(os.DirFS(dir), misp.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(feed.Entries()); n != 4 {
		t.Errorf("got %d entries", n)
	}
	for _, e := range feed.Entries() {
		ev, err := feed.Event(string(e.UUID))
		if err != nil {
			t.Error(err)
			continue
		}
		if ev.Info != e.Info {
			t.Errorf("%s: info %q, manifest says %q", e.UUID, ev.Info, e.Info)
		}
	}
	lines := 0
	if err := feed.Hashes(func(_, _ string) bool { lines++; return true }); err != nil || lines != 12 {
		t.Errorf("Hashes: %d lines, %v", lines, err)
	}
}

func FuzzReader(f *testing.F) {
	f.Add([]byte(small))
	f.Add([]byte(`{"response":[{"Event":` + small + `}]}`))
	f.Add([]byte(`{"Event":{"info":"x","Attribute":{"0":{"type":"md5"},"3":[]}}}`))
	f.Add([]byte(`[[{"Event":{}}],{"response":{"Attribute":[{"type":"ip-src|port","value":"::1|1"}]}}]`))
	f.Add([]byte(`{"Event":{"info":"a","Attribute":["x",{"value":{}}],"Object":[{"Attribute":[1,{}]},{"name":[]}]}}`))
	f.Add([]byte(`{"11111111-1111-4111-8111-111111111111":{"info":"a"}}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		rd := misp.NewReader(bytes.NewReader(in), misp.Limits{EventBytes: 1 << 20, Tokens: 10_000})
		for n := 0; ; n++ {
			if n > len(in) {
				t.Fatal("more events than bytes")
			}
			ev, err := rd.Next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				e, ok := errors.AsType[*misp.Error](err)
				if !ok {
					t.Fatalf("error without a place: %v", err)
				}
				if e.Offset < 0 || e.Offset > int64(len(in)) {
					t.Fatalf("offset %d of %d", e.Offset, len(in))
				}
				if e.Final {
					return
				}
				continue
			}
			for _, e := range ev.Bad {
				if e.Offset < ev.Offset || e.Offset > ev.Offset+int64(len(ev.Raw)) || !bytes.Contains(ev.Raw, e.Raw) {
					t.Fatalf("bad part at %d of an event at %d of %d bytes: %s", e.Offset, ev.Offset, len(ev.Raw), e.Raw)
				}
			}
			if !ev.Raw.IsValid() {
				t.Fatalf("raw is not JSON: %s", ev.Raw)
			}
			misp.Convert(ev, misp.ConvertOptions{}, func(b []byte) bool {
				if !jsontext.Value(b).IsValid() {
					t.Fatalf("not JSON: %s", b)
				}
				return true
			})
		}
	})
}

func FuzzObserve(f *testing.F) {
	f.Add("ip-dst|port", "192.0.2.1|80")
	f.Add("filename|md5", `a\'b|d41d8cd98f00b204e9800998ecf8427e`)
	f.Fuzz(func(t *testing.T, typ, value string) {
		o, ok := misp.Observe(typ, value)
		if !ok {
			return
		}
		for _, x := range o.Objects {
			if !strings.HasPrefix(x.ID, x.Type+"--") {
				t.Fatalf("id %q of a %s", x.ID, x.Type)
			}
		}
		if o.PatternType == "stix" && o.CVE == "" && (!strings.HasPrefix(o.Pattern, "[") || !strings.HasSuffix(o.Pattern, "]")) && typ != "stix2-pattern" {
			t.Fatalf("pattern %q", o.Pattern)
		}
	})
}

func BenchmarkConvert(b *testing.B) {
	var in strings.Builder
	in.WriteString(`{"Event":{"uuid":"11111111-1111-4111-8111-111111111111","info":"x","timestamp":"1772000000","Attribute":[`)
	for i := range 1000 {
		if i > 0 {
			in.WriteByte(',')
		}
		fmt.Fprintf(&in, `{"uuid":"22222222-2222-4222-8222-%012d","type":"ip-dst","category":"Network activity","value":"10.0.%d.%d","to_ids":true,"timestamp":"1772000001","comment":"c2"}`, i, i/256, i%256)
	}
	in.WriteString("]}}")
	raw := []byte(in.String())
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		ev, err := misp.Parse(raw, misp.Limits{})
		if err != nil {
			b.Fatal(err)
		}
		misp.Convert(ev, misp.ConvertOptions{}, func([]byte) bool { n++; return true })
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "objects/s")
}
