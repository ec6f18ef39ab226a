package format_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"casus/internal/core/report"
	"casus/internal/edge/intake/format"
	"casus/internal/fault"
	"casus/stix"
	"casus/tlp"

	"github.com/google/go-cmp/cmp"
)

var received = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

func options(name string) format.Options {
	return format.Options{Name: name, Seed: [32]byte{1}, Now: received}
}

// result is everything a file gave.
type result struct {
	format   report.Format
	objects  []*stix.Object
	items    []format.Item
	problems []string
	meta     format.Meta
}

func read(t testing.TB, in string, opt format.Options) result {
	t.Helper()
	r, err := format.Open(strings.NewReader(in), opt)
	if err != nil {
		return result{problems: []string{err.Error() + " → " + fault.HintOf(err)}}
	}
	var res result
	for {
		it, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("Next: %v", err)
		}
		if (it.Object == nil) == (it.Problem == nil) {
			t.Fatalf("item with object %v and problem %v", it.Object, it.Problem)
		}
		if p := it.Problem; p != nil {
			if p.Remedy == "" {
				t.Errorf("%s: no remedy", p.Reason)
			}
			res.problems = append(res.problems, p.Place+": "+p.Reason)
			continue
		}
		res.objects = append(res.objects, it.Object)
		res.items = append(res.items, it)
		if it.Derived {
			for _, f := range stix.Validate(it.Object, stix.Options{}) {
				if f.Must {
					t.Errorf("%s: %v", it.Object.Raw(), f)
				}
			}
		}
	}
	res.format, res.meta = r.Format(), r.Meta()
	return res
}

// brief writes the objects as "type name-or-value".
func (r result) brief() []string {
	var out []string
	for _, o := range r.objects {
		s := o.Type()
		for _, n := range []string{"value", "name", "pattern", "path", "subject", "abstract", "first_observed"} {
			if v := o.String(n); v != "" {
				s += " " + v
				break
			}
		}
		out = append(out, s)
	}
	return out
}

func (r result) find(typ string) *stix.Object {
	for _, o := range r.objects {
		if o.Type() == typ {
			return o
		}
	}
	return nil
}

const (
	bundle = `{"type":"bundle","id":"bundle--11111111-1111-4111-8111-111111111111","objects":[{"type":"ipv4-addr","spec_version":"2.1","id":"ipv4-addr--ff26c055-6336-5bc5-b98d-13d6226742dd","value":"198.51.100.3"}]}`
	event  = `{"Event":{"uuid":"11111111-1111-4111-8111-111111111111","info":"Story","date":"2026-03-04","timestamp":"1772000000","Tag":[{"name":"tlp:amber"}],"Attribute":[{"type":"ip-dst","value":"192.0.2.1","to_ids":true,"uuid":"22222222-2222-4222-8222-222222222222","timestamp":"1772000001"}]}}`
	letter = "From: Ann <ann@north.example>\r\nTo: bob@south.example\r\nSubject: =?UTF-8?Q?Fund_=C3=BCber?= evil\r\nDate: Tue, 03 Mar 2026 10:00:00 +0100\r\nMessage-ID: <1@north.example>\r\n\r\nSeen hxxp://evil[.]example/x\r\n"
)

func packGzip(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return b.String()
}

func packZip(t testing.TB, files ...string) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		f, err := w.Create(files[i])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(files[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestDetect(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, file, in string
		want           report.Format
	}{
		{"bundle", "", bundle, report.STIX},
		{"bundle with its type last", "", `{"id":"bundle--11111111-1111-4111-8111-111111111111","objects":[{"created":"x","type":"report"}]}`, report.STIX},
		{"object", "", `{"id":"x","type":"indicator","spec_version":"2.1"}`, report.STIX},
		{"lines of objects", "a.jsonl", `{"type":"ipv4-addr","spec_version":"2.1","id":"ipv4-addr--ff26c055-6336-5bc5-b98d-13d6226742dd","value":"198.51.100.3"}` + "\n", report.STIX},
		{"list", "", "[" + bundle + "]", report.STIX},
		{"event", "", event, report.MISP},
		{"answer", "", `{"response":[` + event + `]}`, report.MISP},
		{"events", "", "[" + event + "]", report.MISP},
		{"bare event", "", `{"info":"x","Attribute":[]}`, report.MISP},
		{"table", "", "indicator,type\n192.0.2.1,ip\n", report.CSV},
		{"table by its name", "x.csv", "a\nb\n", report.CSV},
		{"table without a heading", "", "192.0.2.1;2026-01-01\n192.0.2.2;2026-01-01\n", report.CSV},
		{"rows", "", `{"ioc":"192.0.2.1"}` + "\n", report.Lines},
		{"catalogue", "", `{"title":"x","catalogVersion":"1","vulnerabilities":[]}`, report.Lines},
		{"advisory", "", `{"document":{"csaf_version":"2.0"}}`, report.Lines},
		{"mail", "", letter, report.Mail},
		{"mail by its name", "x.eml", "Subject: x\n\ny", report.Mail},
		{"list of values", "", "192.0.2.1\n192.0.2.2\n# end\n", report.Text},
		{"prose", "", "We saw 192.0.2.1, and more, on Monday.\nIt was bad, too.\n", report.Text},
		{"prose in brackets", "", "[Update] we saw 192.0.2.1\n", report.Text},
		{"packed", "a.json.gz", packGzip(event), report.MISP},
		{"zip", "a.zip", packZip(t, "e.json", event), report.MISP},
		{"bytes", "", "\x00\x01\x02\x03", report.Auto},
		{"flow", "", `{"schema":"attack_flow_v2","objects":[]}`, report.Auto},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := report.Auto
			r, err := format.Open(bytes.NewReader([]byte(tt.in)), options(tt.file))
			if err == nil {
				got = r.Format()
			}
			if got != tt.want || (err == nil) == (tt.want == report.Auto) {
				t.Errorf("Open(%.40q, %q): format %q, %v, want %q", tt.in, tt.file, got, err, tt.want)
			}
		})
	}
}

func TestSTIXIsHandedOn(t *testing.T) {
	t.Parallel()
	r := read(t, bundle, options("a.json"))
	if len(r.objects) != 1 || !strings.Contains(bundle, string(r.objects[0].Raw())) || r.items[0].Derived {
		t.Errorf("got %v, %v", r.brief(), r.problems)
	}
}

func TestMISP(t *testing.T) {
	t.Parallel()
	r := read(t, event, options("a.json"))
	want := []string{"ipv4-addr 192.0.2.1", "indicator 192.0.2.1", "report Story"}
	if d := cmp.Diff(want, r.brief()); d != "" || len(r.problems) > 0 {
		t.Errorf("(-want +got):\n%s%v", d, r.problems)
	}
	if r.meta.Title != "Story" || r.meta.TLP == nil || *r.meta.TLP != tlp.Amber || r.meta.Published.Unix() != 1772000000 {
		t.Errorf("Meta() = %+v", r.meta)
	}
}

// TestLabelOfSome checks that the label of one part does not open another that
// bears none.
func TestLabelOfSome(t *testing.T) {
	t.Parallel()
	clear := strings.Replace(event, "tlp:amber", "tlp:clear", 1)
	silent := strings.Replace(event, "tlp:amber", "osint", 1)
	for _, tt := range []struct {
		name, in string
		want     string
	}{
		{"all", "[" + clear + "," + event + "]", "TLP:AMBER"},
		{"one of two events", "[" + clear + "," + silent + "]", ""},
		{"a table beside an event", packZip(t, "a.json", clear, "b.csv", "value\n192.0.2.1\n"), ""},
		{"a bundle beside an event", packZip(t, "a.json", clear, "b.json", bundle), ""},
		{"an unknown label", strings.Replace(event, "tlp:amber", "tlp:ex:chr", 1), "TLP:RED"},
	} {
		r := read(t, tt.in, options("x"))
		got := ""
		if r.meta.TLP != nil {
			got = r.meta.TLP.String()
		}
		if got != tt.want {
			t.Errorf("%s: Meta().TLP = %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestCSV(t *testing.T) {
	t.Parallel()
	utf16le := func(s string) string {
		b := []byte{0xff, 0xfe}
		for _, u := range utf16.Encode([]rune(s)) {
			b = append(b, byte(u), byte(u>>8))
		}
		return string(b)
	}
	for _, tt := range []struct {
		name, in string
		opt      func(*format.Options)
		want     []string
		problems []string
	}{
		{name: "values", in: "indicator,type\n192.0.2.1,ip\nevil[.]example,domain\n", want: []string{"ipv4-addr 192.0.2.1", "domain-name evil.example"}},
		{
			name: "semicolons, quotes, remarks", in: "# a list\nvalue;comment\n192.0.2.1;\"a;b\"\n\n# more\n192.0.2.2;\"two\nlines\"\n",
			want: []string{"ipv4-addr 192.0.2.1", "observed-data 2026-03-04T05:06:07.000Z", "ipv4-addr 192.0.2.2", "observed-data 2026-03-04T05:06:07.000Z"},
		},
		{name: "tabs", in: "ip\tmd5\n192.0.2.1\t" + strings.Repeat("a", 32) + "\n", want: []string{"ipv4-addr 192.0.2.1", "file"}},
		{name: "times", in: "first_seen,value\n2026-01-02T03:04:05Z,192.0.2.1\n", want: []string{"ipv4-addr 192.0.2.1", "observed-data 2026-01-02T03:04:05.000Z"}},
		{name: "detection", in: "value,to_ids\n192.0.2.1,1\n", want: []string{"ipv4-addr 192.0.2.1", "indicator 192.0.2.1"}},
		{
			name: "MISP's own columns", in: "uuid,event_id,category,type,value,comment,to_ids,date\nx,1,Network activity,ip-dst|port,192.0.2.1|80,c,0,2026-01-01\n",
			want: []string{"ipv4-addr 192.0.2.1", "network-traffic", "observed-data 2026-01-01T00:00:00.000Z"},
		},
		{
			name: "a map", in: "was,when\n192.0.2.1,2026-01-01\n", opt: func(o *format.Options) { o.Map = map[string]string{"was": "value", "when": "first_seen"} },
			want: []string{"ipv4-addr 192.0.2.1", "observed-data 2026-01-01T00:00:00.000Z"},
		},
		{name: "UTF-16", in: utf16le("value,comment\r\n192.0.2.1,schön\r\n"), want: []string{"ipv4-addr 192.0.2.1", "observed-data 2026-03-04T05:06:07.000Z"}},
		{name: "a spreadsheet's separator", in: "sep=;\nvalue;n\n192.0.2.1;1,5\n", want: []string{"ipv4-addr 192.0.2.1"}},
		{
			name: "a heading in a remark", in: "# List of values\n#\n# \"first_seen_utc\",\"ioc_value\",\"ioc_type\"\n\"2026-01-02 03:04:05\", \"192.0.2.1:80\", \"ip:port\"\n",
			want: []string{"ipv4-addr 192.0.2.1", "network-traffic", "observed-data 2026-01-02T03:04:05.000Z"},
		},
		{
			name: "without a heading", in: "192.0.2.1,2026-01-01\n192.0.2.2,2026-01-02\n",
			want: []string{"ipv4-addr 192.0.2.1", "observed-data 2026-01-01T00:00:00.000Z", "ipv4-addr 192.0.2.2", "observed-data 2026-01-02T00:00:00.000Z"},
		},
		{
			name: "bad rows", in: "value,first_seen,tlp\n192.0.2.1\nwords,,\n192.0.2.2,03/04/2026,\n192.0.2.3,,purple\n192.0.2.4,,\xfc\n192.0.2.5,\"x,\n192.0.2.6,,\n",
			want: []string{"ipv4-addr 192.0.2.6"},
			problems: []string{
				"line 2: the line has 1 column, the heading has 3",
				`line 3, column value: "words" is not a value of a known form`,
				`line 4, column first_seen: the time "03/04/2026" cannot be read without guessing`,
				`line 5, column tlp: "purple" is no label of TLP`,
				"line 6: the line is not UTF-8 (byte 12 of the line)",
				"line 7: the quotes of the line do not match",
			},
		},
		{
			name: "a map that does not fit", in: "a,b\n1,2\n", opt: func(o *format.Options) { o.Format = report.CSV; o.Map = map[string]string{"c": "value"} },
			problems: []string{`format: the table has no column "c", which the column map names → give a map that fits; the columns are a, b`},
		},
		{
			name: "a map to nothing", in: "a,b\n1,2\n", opt: func(o *format.Options) { o.Map = map[string]string{"a": "colour"} },
			problems: []string{`report: column map: "a" is mapped to "colour", which is no field → use one of ` + strings.Join(report.Fields(), ", ")},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			opt := options("a.csv")
			if tt.opt != nil {
				tt.opt(&opt)
			}
			r := read(t, tt.in, opt)
			if d := cmp.Diff(tt.want, r.brief()); d != "" {
				t.Errorf("objects (-want +got):\n%s", d)
			}
			if d := cmp.Diff(tt.problems, r.problems); d != "" {
				t.Errorf("problems (-want +got):\n%s", d)
			}
		})
	}
}

func TestTimesWithoutZone(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("Europe/Paris", 3600)
	opt := options("a.csv")
	opt.Zone = zone
	r := read(t, "value,first_seen\n192.0.2.1,2026-01-02 03:04:05\n192.0.2.2,2026-01-02T03:04:05Z\n", opt)
	if len(r.objects) != 4 {
		t.Fatalf("got %v, %v", r.brief(), r.problems)
	}
	o := r.objects[1]
	if o.String("first_observed") != "2026-01-02T02:04:05.000Z" || o.String("x_casus_time_assumed") != "Europe/Paris" || o.String("x_casus_time_written") != "2026-01-02 03:04:05" {
		t.Errorf("without a zone: %s", o.Raw())
	}
	if o := r.objects[3]; o.String("first_observed") != "2026-01-02T03:04:05.000Z" || o.Has("x_casus_time_assumed") {
		t.Errorf("with a zone: %s", o.Raw())
	}
}

// TestTimesOfReceipt reads rows of which some tell no time: what they become says
// that its time is not that of an event.
func TestTimesOfReceipt(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, in, typ, want string
	}{
		{"observed data", "value,comment\n192.0.2.1,seen\n", "observed-data", "receipt"},
		{"an indicator", "value,to_ids\n192.0.2.1,1\n", "indicator", "receipt"},
		{"a first time", "value,comment,first_seen\n192.0.2.1,seen,2026-01-02\n", "observed-data", ""},
		{"a last time", "value,comment,last_seen\n192.0.2.1,seen,2026-01-02\n", "observed-data", ""},
		{"an empty time", "value,comment,first_seen\n192.0.2.1,seen,\n", "observed-data", "receipt"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := read(t, tt.in, options("a.csv"))
			if len(r.objects) != 2 || r.objects[1].Type() != tt.typ {
				t.Fatalf("got %v, %v", r.brief(), r.problems)
			}
			if got := r.objects[1].String("x_casus_time_basis"); got != tt.want {
				t.Errorf("x_casus_time_basis = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestRowsOfJSON(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, in string
		saved    map[string]string
		want     []string
		problems []string
	}{
		{
			name: "lines", in: `{"ioc":"192.0.2.1","tags":["a","b"]}` + "\n\n" + `{"ioc":"192.0.2.2"}` + "\n",
			want: []string{"ipv4-addr 192.0.2.1", "observed-data 2026-03-04T05:06:07.000Z", "ipv4-addr 192.0.2.2"},
		},
		{name: "list", in: `[{"ioc":"192.0.2.1"},{"domain":"evil.example"}]`, want: []string{"ipv4-addr 192.0.2.1", "domain-name evil.example"}},
		{name: "inner names", in: `{"x":{"addr":"192.0.2.1"},"y":1}` + "\n", saved: map[string]string{"x.addr": "value"}, want: []string{"ipv4-addr 192.0.2.1"}},
		{
			name: "bad lines", in: `{"ioc":"192.0.2.1"}` + "\n" + `{"ioc":"192.0.2.2","ioc":"x"}` + "\n{\"ioc\":\n" + `{"ioc":"a b"}` + "\n",
			want: []string{"ipv4-addr 192.0.2.1"},
			problems: []string{
				`line 2: the member "ioc" stands twice in one object (byte 19)`, "line 3: the JSON ends in the middle of a value",
				`line 4, column ioc: "a b" is not a value of a known form`,
			},
		},
		{name: "no value", in: `{"colour":"red"}` + "\n", problems: []string{"line 1: no member is known to hold a value; the members are colour"}},
		{name: "cut list", in: `[{"ioc":"192.0.2.1"},{"ioc":"192`, want: []string{"ipv4-addr 192.0.2.1"}, problems: []string{"byte 32: the JSON ends in the middle of a value"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			opt := options("a.json")
			opt.Map = tt.saved
			r := read(t, tt.in, opt)
			if d := cmp.Diff(tt.want, r.brief()); d != "" {
				t.Errorf("objects (-want +got):\n%s", d)
			}
			if d := cmp.Diff(tt.problems, r.problems); d != "" {
				t.Errorf("problems (-want +got):\n%s", d)
			}
		})
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	r := read(t, "Warning\n\nTLP:AMBER+STRICT\nSeen at hxxps://evil[.]example/a and 192[.]0[.]2[.]1, "+strings.Repeat("ab", 32)+", CVE-2026-0001, T1059.001.\n", options("note.txt"))
	want := []string{"url https://evil.example/a", "ipv4-addr 192.0.2.1", "file", "vulnerability CVE-2026-0001", "attack-pattern T1059.001", "note Warning", "report Warning"}
	if d := cmp.Diff(want, r.brief()); d != "" || len(r.problems) > 0 {
		t.Errorf("(-want +got):\n%s%v", d, r.problems)
	}
	if r.items[0].Object.MarkingRefs()[0] != tlp.AmberStrict.Definition() || r.meta.TLP == nil || *r.meta.TLP != tlp.AmberStrict {
		t.Errorf("marking %v, meta %+v", r.items[0].Object.MarkingRefs(), r.meta)
	}
	r = read(t, "Nothing to see here.", options("note.txt"))
	if d := cmp.Diff([]string{"note Nothing to see here.", "report Nothing to see here."}, r.brief()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	r := read(t, "# list\n192.0.2.1\n192.0.2.0/24\t5\nevil.example\n2001:db8::1\nnot a value\n192.0.2.7\n192.0.2.8\n192.0.2.9\n192.0.2.10\n192.0.2.11\n192.0.2.12\n", options("l.txt"))
	if len(r.objects) != 10 || len(r.problems) != 1 || r.problems[0] != `line 6: "not a value" is not a value of a known form` {
		t.Errorf("got %v, %v", r.brief(), r.problems)
	}
}

func TestMail(t *testing.T) {
	t.Parallel()
	r := read(t, letter, options("m.eml"))
	want := []string{
		"email-addr ann@north.example", "email-addr bob@south.example", "email-message Fund über evil", "url http://evil.example/x",
		"note Fund über evil", "report Fund über evil",
	}
	if d := cmp.Diff(want, r.brief()); d != "" || len(r.problems) > 0 {
		t.Errorf("(-want +got):\n%s%v", d, r.problems)
	}
	if r.meta.Title != "Fund über evil" || !r.meta.Published.Equal(time.Date(2026, 3, 3, 9, 0, 0, 0, time.UTC)) {
		t.Errorf("Meta() = %+v", r.meta)
	}
}

// TestMailCharsets reads "Schön", "Привет", "テスト", "中文" and the like in what
// mails are written in, header and body. Bytes are from the sets' own tables.
func TestMailCharsets(t *testing.T) {
	t.Parallel()
	tests := []struct{ charset, bytes, want string }{
		{"iso-8859-1", "Sch\xf6n", "Schön"},
		{"ISO-8859-2", "\xa3\xf3d\xbc", "Łódź"},
		{"iso-8859-5", "\xbf\xe0\xd8\xd2\xd5\xe2", "Привет"},
		{"iso-8859-7", "\xe1\xe2\xe3", "αβγ"},
		{"iso-8859-15", "5 \xa4", "5 €"},
		{"windows-1250", "\xa3\xf3d\x9f", "Łódź"},
		{"windows-1251", "\xcf\xf0\xe8\xe2\xe5\xf2", "Привет"},
		{"\"windows-1252\"", "\x93Sch\xf6n\x94", "“Schön”"},
		{"koi8-r", "\xf0\xd2\xc9\xd7\xc5\xd4", "Привет"},
		{"iso-2022-jp", "\x1b$B%F%9%H\x1b(B", "テスト"},
		{"shift_jis", "\x83e\x83X\x83g", "テスト"},
		{"euc-jp", "\xa5\xc6\xa5\xb9\xa5\xc8", "テスト"},
		{"gb2312", "\xd6\xd0\xce\xc4", "中文"},
		{"gb18030", "\xd6\xd0\xce\xc4", "中文"},
		{"big5", "\xa4\xa4\xa4\xe5", "中文"},
		{"euc-kr", "\xc7\xd1\xb1\xdb", "한글"},
		{"ks_c_5601-1987", "\xc7\xd1\xb1\xdb", "한글"},
		{"IBM437", "Sch\x94n", "Schön"},
		{"us-ascii", "Schön", "Schön"},
		{"utf-8", "Sch\xf6n", "Sch\ufffdn"},
		{"x-nobody-knows", "Sch\xf6n", "Sch\ufffdn"},
		{"iso-2022-kr", "plain", "plain"},
	}
	for _, tt := range tests {
		in := "From: ann@north.example\r\nSubject: =?" + strings.Trim(tt.charset, `"`) + "?b?" + base64.StdEncoding.EncodeToString([]byte(tt.bytes)) + "?=\r\nMIME-Version: 1.0\r\n" +
			"Content-Type: text/plain; charset=" + tt.charset + "\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
			base64.StdEncoding.EncodeToString([]byte("["+tt.bytes+"] evil.example")) + "\r\n"
		r := read(t, in, options("m.eml"))
		subject, body := "", ""
		for _, o := range r.objects {
			if o.Type() == "email-message" {
				subject, body = o.String("subject"), o.String("body")
			}
		}
		// The standard library decodes encoded words that say they are ASCII.
		if want := "[" + tt.want + "] evil.example"; subject != tt.want && tt.charset != "us-ascii" || strings.TrimSpace(body) != want {
			t.Errorf("%s: subject %q, body %q, want %q and %q", tt.charset, subject, body, tt.want, want)
		}
	}
}

func TestMailWithAttachments(t *testing.T) {
	t.Parallel()
	part := func(name, typ, data string) string {
		return "--b\r\nContent-Type: " + typ + "; name=\"" + name + "\"\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=\"" + name + "\"\r\n\r\n" +
			base64.StdEncoding.EncodeToString([]byte(data)) + "\r\n"
	}
	in := "Received: from mx.evil.example ([198.51.100.7]) by mx.north.example\r\nFrom: ann@north.example\r\nSubject: TLP:GREEN files\r\nMIME-Version: 1.0\r\n" +
		"Content-Type: multipart/mixed; boundary=b\r\n\r\n" +
		"--b\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nSch=F6n: evil[.]example\r\n" +
		part("b.json", "application/json", bundle) + part("e.json", "application/json", event) + part("t.csv", "text/csv", "value\n192.0.2.44\nwords\n") +
		part("x.exe", "application/octet-stream", "MZ\x00\x01\x02\x00\x00") + part("bad.json", "application/json", "\x00\x00") +
		"--b\r\nContent-Type: message/rfc822\r\n\r\n" + letter + "\r\n--b--\r\n"
	r := read(t, in, options("m.eml"))
	want := []string{
		"file b.json", "file e.json", "file t.csv", "file x.exe", "file bad.json", "file", "email-addr ann@north.example", "email-message TLP:GREEN files",
		"ipv4-addr 198.51.100.7", "domain-name evil.example", "note TLP:GREEN files", "report TLP:GREEN files",
		"ipv4-addr 198.51.100.3", "ipv4-addr 192.0.2.1", "indicator 192.0.2.1", "report Story", "ipv4-addr 192.0.2.44",
		"email-addr ann@north.example", "email-addr bob@south.example", "email-message Fund über evil", "url http://evil.example/x", "note Fund über evil", "report Fund über evil",
	}
	if d := cmp.Diff(want, r.brief()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	wantProblems := []string{
		`attachment "t.csv", line 3, column value: "words" is not a value of a known form`,
		`attachment "bad.json": this is not text in a format that is read`,
	}
	if d := cmp.Diff(wantProblems, r.problems); d != "" {
		t.Errorf("problems (-want +got):\n%s", d)
	}
	for _, it := range r.items {
		if it.TLP == nil && it.Place == `attachment "b.json", byte 0` || it.TLP != nil && *it.TLP != tlp.Green {
			t.Errorf("%s: label %v", it.Place, it.TLP)
		}
	}
}

func TestArchives(t *testing.T) {
	t.Parallel()
	r := read(t, packZip(t, "a.json", event, "b.csv", "value\nwords\n", "dir/c.json", bundle, "d.bin", "\x00\x01", "e.gz", packGzip("x")), options("a.zip"))
	want := []string{"ipv4-addr 192.0.2.1", "indicator 192.0.2.1", "report Story", "ipv4-addr 198.51.100.3"}
	if d := cmp.Diff(want, r.brief()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	wantProblems := []string{
		`b.csv, line 2, column value: "words" is not a value of a known form`,
		"d.bin: this is not text in a format that is read",
		"e.gz: there is a gzip file inside the archive",
	}
	if d := cmp.Diff(wantProblems, r.problems); d != "" {
		t.Errorf("problems (-want +got):\n%s", d)
	}
}

func TestArchiveThatBeginsBadly(t *testing.T) {
	t.Parallel()
	r := read(t, packZip(t, "icon.bin", "\x00\x01", "a.json", event), options("a.zip"))
	if len(r.objects) != 3 || r.format != report.MISP {
		t.Errorf("got format %q, %v", r.format, r.brief())
	}
	if d := cmp.Diff([]string{"icon.bin: this is not text in a format that is read"}, r.problems); d != "" {
		t.Errorf("problems (-want +got):\n%s", d)
	}
	r = read(t, packZip(t, "icon.bin", "\x00\x01"), options("a.zip"))
	if len(r.objects) != 0 || r.format != report.Auto || len(r.problems) != 1 {
		t.Errorf("got format %q, %v, %v", r.format, r.brief(), r.problems)
	}
	if r := read(t, packZip(t), options("a.zip")); len(r.problems) != 1 || !strings.Contains(r.problems[0], "holds no files") {
		t.Errorf("empty archive: %v", r.problems)
	}
}

func TestMailWithoutZone(t *testing.T) {
	t.Parallel()
	opt := options("m.eml")
	opt.Zone = time.FixedZone("Europe/Paris", 3600)
	r := read(t, strings.Replace(letter, " +0100", "", 1), opt)
	o := r.find("report")
	if o == nil || o.String("published") != "2026-03-03T09:00:00.000Z" || o.String("x_casus_time_assumed") != "Europe/Paris" {
		t.Errorf("report %v, %v", o, r.problems)
	}
}

// TestUnreadable holds the exact words for what people hand in by mistake or
// malice.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	table := "value,comment\n" + strings.Repeat("192.0.2.1,padding that repeats\n", 5000)
	packed := packGzip(table)
	deep := strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000)
	for _, tt := range []struct {
		name, file, in string
		want           []string
	}{
		{"empty", "a.json", "", []string{"format: the file is empty → check how it was saved or sent, and give it again"}},
		{"white space", "a.json", " \n\t", []string{"format: the file holds nothing but white space → check how it was saved or sent, and give it again"}},
		{"packed empty", "a.json.gz", packGzip(""), []string{"format: the file is empty → check how it was saved or sent, and give it again"}},
		{"binary", "a", "\x00\x01\x02", []string{"format: this is not text in a format that is read → give STIX or MISP JSON, CSV, lines of JSON, mail (.eml) or text"}},
		{"PDF", "a.pdf", "%PDF-1.7\n", []string{"format: a PDF is not read → copy its text and paste it"}},
		{"drawing", "a.afb", `{"schema":"attack_flow_v2"}`, []string{"format: this is a drawing of the Attack Flow builder (.afb), not STIX, and not a format that is read → open it in the builder and export it as STIX 2.1 JSON"}},
		{"MISP that stops", "e.json", "{\"response\": [\n {\"Event\": {\"info\": \"x\", \"Tag\": [\n  {\"name\": \"a\"},\n ]}}]}", []string{"line 4, byte 67 (/response/0/Event/Tag/1): the JSON stops here: unexpected ']' behind ','"}},
		{"MISP cut", "e.json", event[:120], []string{"line 1, byte 120 (/Event): the JSON ends in the middle of a value"}},
		{"packed table cut", "t.csv.gz", packed[:len(packed)-20], nil},
		{"lists in lists", "a.json", deep, []string{"format: this is JSON of lists within lists, not a format that is read → give STIX or MISP JSON, or one object per line"}},
		{"deep row", "a.json", `{"value":` + deep + "}", []string{"byte 10008: nested deeper than 10000 levels"}},
		{"deep event", "e.json", `{"Event":{"info":"x","a":` + deep[:9000] + strings.Repeat("]", 9000) + "}}", []string{"line 1, byte 88 (/Event/a/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0…): nested deeper than 64 levels"}},
		{"Latin-1 table", "t.csv", "value,comment\n192.0.2.1,sch\xf6n\n", []string{"line 2: the line is not UTF-8 (byte 14 of the line)"}},
		{"Latin-1 list", "t.txt", "192.0.2.1\n192.0.2.2\n192.0.2.3 # \xf6\n", []string{"line 3: the line is not UTF-8 (byte 13 of the line)"}},
		{"manifest", "manifest.json", `{"11111111-1111-4111-8111-111111111111":{"info":"a","Orgc":{"name":"b"}}}`, []string{"format: this is the table of contents of a MISP feed, not a report → give the event files beside it, or the whole folder"}},
		{"hashes of a feed", "hashes.csv", strings.Repeat("a", 32) + ",11111111-1111-4111-8111-111111111111\n", []string{"format: this is the table of hashes of a MISP feed, which are not those of files → give the event files beside it"}},
		{"index of events", "i.json", `[{"uuid":"11111111-1111-4111-8111-111111111111","info":"a","date":"2026-01-01","threat_level_id":"1","EventTag":[{"Tag":{"name":"x"}}]}]`, []string{"event 11111111-1111-4111-8111-111111111111: the event is only listed here: its attributes are elsewhere"}},
		{"label in two cases", "a.json", `{"document":{"csaf_version":"2.0","distribution":{"TLP":{"label":"RED"},"tlp":{"label":"WHITE"}}}}`, []string{`file: the member "tlp" stands twice in one object (byte 72)`}},
		{"event with a tag in a wrong case", "e.json", strings.Replace(event, `"Attribute"`, `"tag":[{"name":"tlp:red"}],"Attribute"`, 1), []string{`line 1, byte 145 (/Event/tag): the member "tag" is "Tag" in a wrong case`}},
		{"nested archive", "a.gz", packGzip(packGzip("x")), []string{"format: there is a gzip file inside the archive → unpack the outer archive and send the inner one by itself"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := read(t, tt.in, options(tt.file))
			if tt.want == nil {
				if len(r.problems) != 1 || !strings.HasSuffix(r.problems[0], " (unpacked): the compressed data end early") || len(r.objects) == 0 {
					t.Errorf("got %d objects, %q", len(r.objects), r.problems)
				}
				return
			}
			if d := cmp.Diff(tt.want, r.problems); d != "" {
				t.Errorf("problems (-want +got):\n%s", d)
			}
		})
	}
}

func TestBomb(t *testing.T) {
	t.Parallel()
	zeros := "192.0.2.1\n192.0.2.2\n" + strings.Repeat("#"+strings.Repeat(" ", 500_000)+"\n", 80)
	for _, tt := range []struct{ name, in string }{{"a.gz", packGzip(zeros)}, {"a.zip", packZip(t, "a.txt", zeros)}} {
		r, err := format.Open(strings.NewReader(tt.in), options(tt.name))
		if err != nil {
			t.Fatal(err)
		}
		last := ""
		for {
			it, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if it.Problem != nil {
				last = it.Problem.Reason
			}
		}
		if last != "the compressed data grow more than 200 times" {
			t.Errorf("%s: %q", tt.name, last)
		}
	}
}

func TestManyEmptyObjects(t *testing.T) {
	t.Parallel()
	in := "[" + strings.Repeat("{},", 4<<20-1) + "{}]"
	r := read(t, in, options("a.json"))
	if len(r.objects) != 0 || len(r.problems) != 1001 {
		t.Fatalf("got %d objects, %d problems", len(r.objects), len(r.problems))
	}
	if r.problems[0] != "object 1, byte 1: the object is empty" ||
		r.problems[1000] != "from object 1000, byte 2998 to the end: not one of the first 1000 rows could be read, so the rest was not tried" {
		t.Errorf("got %q … %q", r.problems[0], r.problems[1000])
	}
}

func TestLineTooLong(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", format.MaxLineBytes+1)
	const reason = ": the line is longer than 1024 KiB"
	for _, tt := range []struct {
		name, in string
		values   string
		problems []string
	}{
		// What a list is told from are its first lines.
		{"list.txt", strings.Repeat("192.0.2.1\n", 7000) + long + "\n192.0.2.3\n" + long, "192.0.2.1 192.0.2.3", []string{"line 7001" + reason, "line 7003" + reason}},
		{"table.csv", "ip,comment\n192.0.2.1,a\n192.0.2.2," + long + "\n192.0.2.3,c\n", "192.0.2.1 192.0.2.3", []string{"line 3" + reason}},
		{
			"quote.csv", "ip,comment\n192.0.2.1,\"a\n192.0.2.2,b\n" + long + "\n192.0.2.3,c\n", "192.0.2.2 192.0.2.3",
			[]string{"line 2: the quotes of the line do not match", "line 4" + reason},
		},
		{"rows.jsonl", "{\"ip\":\"192.0.2.1\"}\n{\"ip\":\"" + long + "\"}\n{\"ip\":\"192.0.2.3\"}\n", "192.0.2.1 192.0.2.3", []string{"line 2" + reason}},
	} {
		r := read(t, tt.in, options(tt.name))
		var values []string
		for _, o := range r.objects {
			if o.Type() == "ipv4-addr" {
				values = append(values, o.String("value"))
			}
		}
		if got := strings.Join(slices.Compact(values), " "); got != tt.values {
			t.Errorf("%s: values %q, want %q", tt.name, got, tt.values)
		}
		if d := cmp.Diff(tt.problems, r.problems); d != "" {
			t.Errorf("%s: problems (-want +got):\n%s", tt.name, d)
		}
	}
}

func TestAgainTheSame(t *testing.T) {
	t.Parallel()
	for _, in := range []string{event, letter, "value,comment\n192.0.2.1,x\n", "Prose about 192.0.2.1.", `{"ioc":"192.0.2.1","comment":"x"}` + "\n"} {
		a, b := read(t, in, options("x")), read(t, in, options("x"))
		for i := range a.objects {
			if !bytes.Equal(a.objects[i].Raw(), b.objects[i].Raw()) {
				t.Errorf("%.30q: %s, then %s", in, a.objects[i].Raw(), b.objects[i].Raw())
			}
		}
	}
}

func TestCatalogue(t *testing.T) {
	t.Parallel()
	in := `{"title":"Known","catalogVersion":"2026.01.02","dateReleased":"2026-01-02T00:00:00Z","count":2,"vulnerabilities":[
{"cveID":"CVE-2026-0001","vendorProject":"V","product":"P","vulnerabilityName":"N","dateAdded":"2026-01-01","shortDescription":"D","requiredAction":"A","dueDate":"2026-02-01","knownRansomwareCampaignUse":"Known","notes":"https://v.example/1 ; https://v.example/2","cwes":["CWE-1"]},
{"cveID":"none"}]}`
	r := read(t, in, options("kev.json"))
	if d := cmp.Diff([]string{"vulnerability CVE-2026-0001", "report Known 2026.01.02"}, r.brief()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{`entry 2: "none" is no CVE`}, r.problems); d != "" {
		t.Errorf("problems (-want +got):\n%s", d)
	}
	if v := r.find("vulnerability"); v.Created() != "2026-01-01T00:00:00.000Z" || v.String("x_casus_time_written") != "2026-01-01" || strings.Join(v.Strings("labels"), " ") != "known-exploited known-ransomware-use CWE-1" {
		t.Errorf("vulnerability %s", v.Raw())
	}
}

func TestAdvisory(t *testing.T) {
	t.Parallel()
	in := `{"document":{"csaf_version":"2.0","title":"Adv","distribution":{"tlp":{"label":"WHITE"}},"publisher":{"name":"P"},"notes":[{"category":"summary","text":"S"}],
"tracking":{"id":"A-1","initial_release_date":"2026-01-01T00:00:00Z","current_release_date":"2026-02-01T00:00:00Z"}},
"vulnerabilities":[{"cve":"CVE-2026-0001","cwe":{"id":"CWE-1"},"notes":[{"category":"summary","text":"V"}]}]}`
	r := read(t, in, options("a.json"))
	if d := cmp.Diff([]string{"vulnerability CVE-2026-0001", "report Adv"}, r.brief()); d != "" || len(r.problems) > 0 {
		t.Errorf("(-want +got):\n%s%v", d, r.problems)
	}
	if r.meta.TLP == nil || *r.meta.TLP != tlp.Clear || r.objects[0].MarkingRefs()[0] != tlp.Clear.Definition() {
		t.Errorf("label %v, %v", r.meta.TLP, r.objects[0].MarkingRefs())
	}
}

func FuzzOpen(f *testing.F) {
	for _, in := range []string{
		bundle, event, letter, "value,first_seen\n192.0.2.1,2026-01-02\n", "192.0.2.1\n192.0.2.2\n", "Prose about evil[.]example.", `{"ioc":"192.0.2.1","a":{"b":["c"]}}` + "\n",
		`[{"ioc":"x"}]`, `{"catalogVersion":"1","vulnerabilities":[{"cveID":"CVE-2026-0001"}]}`, `{"document":{"csaf_version":"2.0"},"vulnerabilities":[{}]}`,
		packGzip(event), "From: a@b.example\nTo: c@d.example\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b\nContent-Disposition: attachment; filename=a.csv\n\nvalue\n192.0.2.1\n--b--\n",
		"\xff\xfeh\x00i\x00", "<html><a href=http://evil.example>x</a></html>",
	} {
		f.Add([]byte(in), uint8(0))
		f.Add([]byte(in), uint8(3))
	}
	formats := []report.Format{report.Auto, report.STIX, report.MISP, report.CSV, report.Lines, report.Mail, report.Text}
	f.Fuzz(func(t *testing.T, in []byte, which uint8) {
		opt := options("x")
		opt.Format = formats[int(which)%len(formats)]
		size := 0
		if err := format.Texts(bytes.NewReader(in), opt, func(r io.Reader, _ bool) error {
			b, _ := io.ReadAll(r) // what breaks off is no fault here
			size += len(b)
			return nil
		}); err != nil {
			t.Fatalf("Texts: %v", err)
		}
		if most := 8 << 20; len(in) < 1<<12 && size > most {
			t.Fatalf("Texts shows %d bytes of %d", size, len(in))
		}
		r, err := format.Open(bytes.NewReader(in), opt)
		if err != nil {
			if fault.KindOf(err) != fault.Invalid || fault.HintOf(err) == "" {
				t.Fatalf("Open: %v, hint %q", err, fault.HintOf(err))
			}
			return
		}
		for n := 0; ; n++ {
			if n > 100*len(in)+1000 {
				t.Fatal("too many items")
			}
			it, err := r.Next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				t.Fatalf("Next: %v", err)
			}
			if it.Problem != nil && (it.Problem.Reason == "" || it.Problem.Remedy == "") {
				t.Fatalf("problem without words: %+v", it.Problem)
			}
			if it.Derived {
				for _, x := range stix.Validate(it.Object, stix.Options{}) {
					if x.Must {
						t.Fatalf("%s: %v", it.Object.Raw(), x)
					}
				}
			}
		}
	})
}

func benchmark(b *testing.B, in string, name string) {
	b.Helper()
	b.ReportAllocs()
	b.SetBytes(int64(len(in)))
	n := 0
	for b.Loop() {
		r, err := format.Open(strings.NewReader(in), options(name))
		if err != nil {
			b.Fatal(err)
		}
		for {
			it, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil || it.Problem != nil {
				b.Fatal(err, it.Problem)
			}
			n++
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "objects/s")
}

func BenchmarkList(b *testing.B) {
	var in strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&in, "198.18.%d.%d\n", i/256, i%256)
	}
	benchmark(b, in.String(), "l.txt")
}

func BenchmarkCSV(b *testing.B) {
	var in strings.Builder
	in.WriteString("first_seen,value,type,comment,tags\n")
	for i := range 10_000 {
		in.WriteString("2026-01-02T03:04:05Z,198.18." + strconv.Itoa(i/256) + "." + strconv.Itoa(i%256) + ",ip,command and control,\"a,b\"\n")
	}
	benchmark(b, in.String(), "t.csv")
}

// TestWideObject: an object that is a map of its own, and no row, is set aside in
// time that goes with its length. Had each of its members been looked for among all
// others, this would take a minute.
func TestWideObject(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range 60_000 {
		fmt.Fprintf(&b, `,"%d":"a name"`, i)
	}
	start := time.Now()
	res := read(t, "{"+b.String()[1:]+"}", options("names.json"))
	if len(res.objects) != 0 || len(res.problems) != 1 || !strings.Contains(res.problems[0], "no member is known to hold a value") {
		t.Errorf("%d objects, problems %.200q", len(res.objects), res.problems)
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("took %v", took)
	}
}
