package observable

import (
	"compress/gzip"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// builtInCases give why a value is common, for real and in an exercise.
var builtInCases = []struct {
	key      Key
	reason   string // part of it; empty for none
	exercise string // the same in an exercise
}{
	{Key{IPv4, "10.1.2.3"}, "private", "private"},
	{Key{IPv4, "127.0.0.1"}, "loopback", "loopback"},
	{Key{IPv4, "100.100.0.1"}, "carrier", "carrier"},
	{Key{IPv4, "169.254.1.1"}, "link-local", "link-local"},
	{Key{IPv4, "172.32.0.1"}, "", ""},
	{Key{IPv4, "224.0.0.251"}, "multicast", "multicast"},
	{Key{IPv4, "255.255.255.255"}, "broadcast", "broadcast"},
	{Key{IPv4, "192.0.2.1"}, "documentation", ""},
	{Key{IPv4, "198.51.100.1"}, "documentation", ""},
	{Key{IPv4, "203.0.113.255"}, "documentation", ""},
	{Key{CIDR, "203.0.113.0/25"}, "documentation", ""},
	{Key{CIDR, "203.0.112.0/22"}, "", ""},
	{Key{IPv6, "2001:db8::1"}, "documentation", ""},
	{Key{IPv6, "3fff::1"}, "documentation", ""},
	{Key{IPv6, "::1"}, "loopback", "loopback"},
	{Key{IPv6, "fe80::1"}, "link-local", "link-local"},
	{Key{IPv6, "fd00::1"}, "private", "private"},
	{Key{IPv6, "2a00:1450::1"}, "", ""},
	{Key{IPv4, "8.8.8.8"}, "a public resolver run by Google", "a public resolver run by Google"},
	{Key{IPv4, "9.9.9.9"}, "Quad9", "Quad9"},
	{Key{IPv6, "2606:4700:4700::1111"}, "Cloudflare", "Cloudflare"},
	{Key{IPv4, "8.8.8.9"}, "", ""},
	{Key{Domain, "google.com"}, "service of Google", "service of Google"},
	{Key{Domain, "ctldl.windowsupdate.com"}, "service of Microsoft", "service of Microsoft"},
	{Key{Domain, "notgoogle.com"}, "", ""},
	{Key{Domain, "evil.example"}, "documentation", ""},
	{Key{Domain, "www.example.com"}, "documentation", "documentation"},
	{Key{Domain, "x.test"}, "testing", "testing"},
	{Key{Domain, "co.uk"}, "bare public suffix", "bare public suffix"},
	{Key{Domain, "com"}, "bare public suffix", "bare public suffix"},
	{Key{Domain, "github.io"}, "bare public suffix", "bare public suffix"},
	{Key{Domain, "localhost"}, "computer itself", "computer itself"},
	{Key{Domain, "dc01.corp"}, "one network", "one network"},
	{Key{Domain, "1.2.0.192.in-addr.arpa"}, "looking up", "looking up"},
	{Key{Domain, "gmail.com"}, "mail provider", "mail provider"},
	{Key{Email, "bad@gmail.com"}, "", ""},
	{Key{URL, "https://github.com/"}, "service of GitHub", "service of GitHub"},
	{Key{URL, "https://github.com/evil/tool"}, "", ""},
	{Key{URL, "http://192.168.1.1/x"}, "its host is 192.168.1.1: a private", "private"},
	{Key{URL, "http://127.0.0.1:8080/x"}, "loopback", "loopback"},
	{Key{URL, "http://203.0.113.5/x"}, "documentation", ""},
	{Key{URL, "http://evil.example/x"}, "documentation", ""},
	{Key{URL, "http://localhost/x"}, "computer itself", "computer itself"},
	{Key{MD5, "d41d8cd98f00b204e9800998ecf8427e"}, "the MD5 of an empty file", "empty file"},
	{Key{SHA1, "da39a3ee5e6b4b0d3255bfef95601890afd80709"}, "the SHA-1 of an empty file", "empty file"},
	{Key{JA3, "d41d8cd98f00b204e9800998ecf8427e"}, "", ""},
	{Key{FileName, "svchost.exe"}, "every system", "every system"},
	{Key{FileName, "dropper.exe"}, "", ""},
	{Key{Path, `c:\windows\system32\cmd.exe`}, "usual place", "usual place"},
	{Key{Path, `c:\users\public\cmd.exe`}, "", ""},
	{Key{Path, `/tmp`}, "every system", "every system"},
	{Key{Port, "443"}, "HTTPS", "HTTPS"},
	{Key{Port, "31337"}, "alone it says little", "alone it says little"},
	{Key{Technique, "T1059"}, "alone it adds little", "alone it adds little"},
	{Key{Vendor, "microsoft"}, "vendor", "vendor"},
	{Key{Software, "word"}, "product", "product"},
	{Key{UserAgent, "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36"}, "ordinary browsers", "ordinary browsers"},
	{Key{UserAgent, "curl/8.0"}, "tool", "tool"},
	{Key{UserAgent, "EvilBot/1.0"}, "", ""},
	{Key{ASN, "AS64500"}, "documentation", ""},
	{Key{ASN, "AS64512"}, "private", "private"},
	{Key{ASN, "AS13335"}, "Cloudflare", "Cloudflare"},
	{Key{ASN, "AS12345"}, "", ""},
	{Key{MAC, "ff:ff:ff:ff:ff:ff"}, "broadcast", "broadcast"},
	{Key{Account, "root"}, "every Unix", "every Unix"},
	{Key{RegKey, `HKEY_LOCAL_MACHINE\software\microsoft\windows\currentversion\run`}, "usual place", "usual place"},
	{Key{CVE, "CVE-2021-44228"}, "", ""},
	{Key{Mutex, "443"}, "", ""},
	{Key{}, "", ""},
}

func TestBuiltIn(t *testing.T) {
	t.Parallel()
	real, exercise := BuiltIn(false), BuiltIn(true)
	for _, tc := range builtInCases {
		for _, run := range []struct {
			name  string
			lists *Lists
			want  string
		}{{"real", real, tc.reason}, {"exercise", exercise, tc.exercise}} {
			got, ok := run.lists.Reason(tc.key)
			if ok != (run.want != "") || !strings.Contains(got, run.want) {
				t.Errorf("%s: Reason(%v) = %q, %v, want %q", run.name, tc.key, got, ok, run.want)
			}
		}
	}
	if i := real.Infos(); len(i) != 1 || !i[0].BuiltIn || i[0].Entries < 300 {
		t.Errorf("Infos = %+v", i)
	}
}

// TestBuiltInData checks that the built-in facts are in normal form and that
// the hashes are what they say.
func TestBuiltInData(t *testing.T) {
	t.Parallel()
	l := BuiltIn(false)
	for v := range commonValues {
		if k, err := Normal(v.Type, v.Normal); err != nil || k != v {
			t.Errorf("Normal(%v) = %v, %v, want itself", v, k, err)
		}
	}
	for name := range l.hosts {
		if k, err := Normal(Domain, name); err != nil || k.Normal != name {
			t.Errorf("%q is not in normal form: %v", name, err)
		}
	}
	for name := range commonFiles {
		if k, err := Normal(FileName, name); err != nil || k != (Key{FileName, name}) {
			t.Errorf("file %q is not in normal form: %v %v", name, k, err)
		}
	}
	for name := range commonFolders {
		if k, err := Normal(Path, name); err != nil || k != (Key{Path, name}) {
			t.Errorf("folder %q is not in normal form: %v %v", name, k, err)
		}
	}
	want := map[Key]bool{}
	for _, s := range []string{"", "\n"} {
		b := []byte(s)
		want[Key{MD5, fmt.Sprintf("%x", md5.Sum(b))}] = true
		want[Key{SHA1, fmt.Sprintf("%x", sha1.Sum(b))}] = true
		want[Key{SHA224, fmt.Sprintf("%x", sha256.Sum224(b))}] = true
		want[Key{SHA256, fmt.Sprintf("%x", sha256.Sum256(b))}] = true
		want[Key{SHA384, fmt.Sprintf("%x", sha512.Sum384(b))}] = true
		want[Key{SHA512, fmt.Sprintf("%x", sha512.Sum512(b))}] = true
		want[Key{SHA3x256, fmt.Sprintf("%x", sha3.Sum256(b))}] = true
		want[Key{SHA3x512, fmt.Sprintf("%x", sha3.Sum512(b))}] = true
	}
	for _, h := range emptyHashes {
		if strings.HasPrefix(h.what, "a") && !want[Key{h.typ, h.hash}] {
			t.Errorf("%s %s is not the hash of %s", h.typ, h.hash, h.what)
		}
	}
}

// listCases are lists in MISP's form, also seeds of the fuzz target.
var listCases = []struct {
	name, in string
	err      string // part of the error; empty for none
}{
	{"cidr", `{"name":"n","type":"cidr","version":3,"list":["192.0.2.0/24","198.51.100.7","2001:db8::/32","junk"],"matching_attributes":["ip-src","domain|ip"]}`, ""},
	{"string", `{"name":"n","type":"string","version":"v1","list":["Evil.example",".below.example","192.0.2.9","Some Text"]}`, ""},
	{"hostname", `{"name":"n","type":"hostname","list":["evil.example",".other.example"],"matching_attributes":["domain","url"]}`, ""},
	{"substring", `{"name":"n","type":"substring","list":["badpart","xy"]}`, ""},
	{"regex", `{"name":"n","type":"regex","list":["/^(noc|abuse)\\@.*$/i","^bare[0-9]+$"],"matching_attributes":["email-src","domain"]}`, ""},
	{"look ahead", `{"name":"n","type":"regex","list":["/^(?!good).*$/"]}`, `entry 1: the regular expression "/^(?!good).*$/" looks around ((?!…), which is not supported`},
	{"back reference", `{"name":"n","type":"regex","list":["/(a)\\1/"]}`, "cannot be read: invalid escape sequence"},
	{"bad type", `{"name":"n","type":"colour","list":["red"]}`, `the type of the list is "colour", not cidr`},
	{"no name", `{"type":"cidr","list":[]}`, "no name"},
	{"no json", `name,type`, "warning list: the JSON is broken at byte 1"},
	{"duplicate", `{"name":"n","name":"m","type":"cidr","list":[]}`, "duplicate"},
	{"no list", `[]`, "warning list: it is no JSON object"},
	{"numbers", `{"name":"n","type":"cidr","list":[1]}`, "warning list: the value at /list/0 is not of the kind it should be"},
}

func TestReadList(t *testing.T) {
	t.Parallel()
	for _, tc := range listCases {
		_, err := ReadList(strings.NewReader(tc.in), 0)
		if tc.err == "" && err != nil || tc.err != "" && (err == nil || !strings.Contains(err.Error(), tc.err)) {
			t.Errorf("%s: error = %v, want %q", tc.name, err, tc.err)
		}
	}
	if _, err := ReadList(strings.NewReader(listCases[0].in), 10); err == nil || !strings.Contains(err.Error(), "longer than 10 bytes") {
		t.Errorf("limit: error = %v", err)
	}
}

func TestAddedLists(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		list int
		key  Key
		want bool
	}{
		{0, Key{IPv4, "192.0.2.77"}, true},
		{0, Key{IPv4, "198.51.100.7"}, true},
		{0, Key{IPv4, "198.51.100.8"}, false},
		{0, Key{CIDR, "192.0.2.0/25"}, true},
		{0, Key{CIDR, "192.0.0.0/16"}, false},
		{0, Key{IPv6, "2001:db8::5"}, true},
		{0, Key{URL, "http://192.0.2.77/x"}, true},
		{1, Key{Domain, "evil.example"}, true},
		{1, Key{Domain, "www.evil.example"}, false},
		{1, Key{Domain, "a.below.example"}, true},
		{1, Key{IPv4, "192.0.2.9"}, true},
		{1, Key{Software, "some text"}, true},
		{2, Key{Domain, "www.evil.example"}, true},
		{2, Key{Domain, "notevil.example"}, false},
		{2, Key{Domain, "other.example"}, true},
		{2, Key{URL, "http://www.evil.example/x"}, true},
		{2, Key{Email, "a@evil.example"}, false},
		{3, Key{Mutex, "a-badpart-b"}, true},
		{3, Key{Mutex, "xyz"}, true},
		{3, Key{Mutex, "badpar"}, false},
		{4, Key{Email, "noc@evil.example"}, true},
		{4, Key{Email, "info@evil.example"}, false},
		{4, Key{Domain, "bare123"}, true},
		{4, Key{Mutex, "bare123"}, false},
	} {
		l := BuiltIn(true)
		list, err := ReadList(strings.NewReader(listCases[tc.list].in), 0)
		if err != nil {
			t.Fatal(err)
		}
		l.Add(list)
		got, ok := l.Reason(tc.key)
		if tc.want && !strings.Contains(got, `on the list "n"`) && !ok || !tc.want && ok {
			t.Errorf("%s: Reason(%v) = %q, %v, want %v", listCases[tc.list].name, tc.key, got, ok, tc.want)
		}
	}
}

func TestNilLists(t *testing.T) {
	t.Parallel()
	var none *Lists
	if _, ok := none.Reason(Key{Technique, "T1059"}); !ok {
		t.Error("nil lists do not know what is common by nature")
	}
}

// TestNestedSpans compares with a slow look at every range.
func TestNestedSpans(t *testing.T) {
	t.Parallel()
	var l Lists
	var keys []Key
	why := l.addReason("x")
	for i := range 4000 {
		bits := 8 + i*7%25
		k, err := Normal(CIDR, fmt.Sprintf("%d.%d.%d.%d/%d", 20+i%3, i*31%256, i*17%256, i*5%256, bits))
		if err != nil {
			t.Fatal(err)
		}
		if bits < 12 && i%50 != 0 {
			continue
		}
		keys = append(keys, k)
		l.addSpan(k, why, anyType)
	}
	nest(l.v4, 32)
	for i := range 2000 {
		a := Key{IPv4, fmt.Sprintf("%d.%d.%d.%d", 19+i%5, i*13%256, i*29%256, i%256)}
		p, _ := a.prefix()
		want := false
		for _, k := range keys {
			q, _ := k.prefix()
			want = want || q.Contains(p.Addr())
		}
		if got := l.findSpan(a, IPv4) != 0; got != want {
			t.Fatalf("findSpan(%v) = %v, want %v", a, got, want)
		}
	}
}

// sharedLists returns real warning lists, which are not part of the project.
func sharedLists(tb testing.TB) []*List {
	tb.Helper()
	dir := os.Getenv("CASUS_LIBRARY")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "..", "shared", "data")
	} else if !filepath.IsAbs(dir) {
		dir = filepath.Join("..", "..", "..", dir)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "misp", "warninglists", "*.json.gz"))
	if len(files) == 0 {
		if os.Getenv("CASUS_CI") == "1" {
			tb.Fatal("no warning lists in the folder named by CASUS_LIBRARY")
		}
		tb.Skip("no warning lists in the folder named by CASUS_LIBRARY")
	}
	var out []*List
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			tb.Fatal(err)
		}
		defer f.Close()
		z, err := gzip.NewReader(f)
		if err != nil {
			tb.Fatal(err)
		}
		l, err := ReadList(z, 0)
		if err != nil {
			tb.Errorf("%s: %v", filepath.Base(name), err)
			continue
		}
		out = append(out, l)
	}
	return out
}

func TestSharedWarninglists(t *testing.T) {
	t.Parallel()
	l := BuiltIn(false)
	total := 0
	for _, list := range sharedLists(t) {
		if list.Entries == 0 || list.Skipped*50 > list.Entries {
			t.Errorf("%q: %d entries taken, %d skipped", list.Name, list.Entries, list.Skipped)
		}
		total += list.Entries
		l.Add(list)
		var k Key
		switch {
		case len(list.ranges) > 0:
			k = list.ranges[len(list.ranges)/2]
		case len(list.hosts) > 0:
			k = Key{Domain, list.hosts[len(list.hosts)/2]}
		case len(list.exact) > 0:
			k = Key{Domain, list.exact[len(list.exact)/2]}
		default:
			k = Key{Email, "abuse@provider.example"}
		}
		if _, ok := l.Reason(k); !ok {
			t.Errorf("%q: %v is not found", list.Name, k)
		}
	}
	t.Logf("%d lists, %d entries", len(l.Infos())-1, total)
}
