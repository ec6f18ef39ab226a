package observable

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestRefang(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"hxxp://evil[.]example/a":        "http://evil.example/a",
		"hXXps://evil(.)example":         "https://evil.example",
		"HXXP[:]//evil{.}example":        "http://evil.example",
		"hxxp[://]evil[dot]example":      "http://evil.example",
		"h**p://evil.example":            "http://evil.example",
		"fxp://evil.example":             "ftp://evil.example",
		"bad[at]evil[dot]example":        "bad@evil.example",
		"bad(at)evil(dot)example":        "bad@evil.example",
		"bad [at] evil [dot] example":    "bad@evil.example",
		"bad[@]evil[.]example":           "bad@evil.example",
		"192[.]0[.]2[.]1":                "192.0.2.1",
		"2001[:]db8::1":                  "2001:db8::1",
		"evil[.com]":                     "evil.com",
		"see hxxp://a[.]example (there)": "see http://a.example (there)",
		"http://[2001:db8::1]/":          "http://[2001:db8::1]/",
		"list[0].x":                      "list[0].x",
		"nothing here":                   "nothing here",
		"shxxp://x":                      "shxxp://x",
		"":                               "",
	} {
		if got := Refang(in); got != want {
			t.Errorf("Refang(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestDefang(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"http://evil.example/a.b": "hxxp://evil[.]example/a.b",
		"https://192.0.2.1/":      "hxxps://192[.]0[.]2[.]1/",
		"ftp://evil.example":      "fxp://evil[.]example",
		"192.0.2.1":               "192[.]0[.]2[.]1",
		"192.0.2.0/24":            "192[.]0[.]2[.]0/24",
		"2001:db8::1":             "2001[:]db8::1",
		"evil.example":            "evil[.]example",
		"bad@evil.example":        "bad[@]evil[.]example",
		"evil.exe":                "evil.exe",
		"Global\\Mutex":           "Global\\Mutex",
		"":                        "",
	} {
		got := Defang(in)
		if got != want {
			t.Errorf("Defang(%q) = %q, want %q", in, got, want)
		}
		if back := Refang(got); back != in {
			t.Errorf("Refang(Defang(%q)) = %q", in, back)
		}
	}
}

// parseCases give what Parse makes of a person's text, as "type normal".
var parseCases = []struct {
	in   string
	want []string
}{
	{"192.0.2.1", []string{"ipv4 192.0.2.1"}},
	{" '192[.]0[.]2[.]1' ", []string{"ipv4 192.0.2.1"}},
	{"192.0.2.1:443", []string{"ipv4 192.0.2.1"}},
	{"[2001:db8::1]:443", []string{"ipv6 2001:db8::1"}},
	{"192.0.2.0/24", []string{"cidr 192.0.2.0/24"}},
	{"192.0.2.0/99", nil}, // no range, and no URL either
	{"192.0.2.7/99/x", []string{"url http://192.0.2.7/99/x"}},
	{"2001:DB8::1", []string{"ipv6 2001:db8::1"}},
	{"hxxp://evil[.]example/a", []string{"url http://evil.example/a"}},
	{"evil.example/gate.php", []string{"url http://evil.example/gate.php"}},
	{"Evil.Example", []string{"domain evil.example"}},
	{"bad (at) evil (dot) example", []string{"email bad@evil.example"}},
	{"d41d8cd98f00b204e9800998ecf8427e", []string{
		"md5 d41d8cd98f00b204e9800998ecf8427e", "imphash d41d8cd98f00b204e9800998ecf8427e",
		"ja3 d41d8cd98f00b204e9800998ecf8427e", "ja3s d41d8cd98f00b204e9800998ecf8427e",
	}},
	{"DA:39:A3:EE:5E:6B:4B:0D:32:55:BF:EF:95:60:18:90:AF:D8:07:09", []string{"sha1 da39a3ee5e6b4b0d3255bfef95601890afd80709"}},
	{strings.Repeat("2", 62), []string{"jarm " + strings.Repeat("2", 62)}},
	{"cve-2021-44228", []string{"cve CVE-2021-44228"}},
	{"T1059.001", []string{"technique T1059.001"}},
	{"AS64496", []string{"asn AS64496"}},
	{"aa-bb-cc-dd-ee-ff", []string{"mac aa:bb:cc:dd:ee:ff"}},
	{`HKLM\Software\Evil Corp\Run`, []string{`regkey HKEY_LOCAL_MACHINE\software\evil corp\run`}},
	{`C:\Users\Public\x.exe`, []string{`path c:\users\public\x.exe`}},
	{"/etc/evil.conf", []string{"path /etc/evil.conf"}},
	{"evil.exe", []string{"filename evil.exe", "domain evil.exe"}},
	{"evil.zip", []string{"domain evil.zip", "filename evil.zip"}},
	{"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", []string{"wallet 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"}},
	{"Mozilla/5.0 (Evil)", []string{"useragent Mozilla/5.0 (Evil)"}},
	{"QuietLoom/2.1 (router; mips)", []string{"useragent QuietLoom/2.1 (router; mips)"}},
	{`Global\EvilHold7`, []string{`mutex Global\EvilHold7`}},
	{".evild", []string{"filename .evild"}},
	{`\\srv\share\x`, []string{`path \\srv\share\x`}},
	{"and/or (both)", nil},
	{"a phishing campaign", nil},
	{"ransomware", nil},
	{"1.2", []string{}},
	{"", nil},
}

func TestParse(t *testing.T) {
	t.Parallel()
	for _, tc := range parseCases {
		var got []string
		for _, k := range Parse(tc.in) {
			got = append(got, k.String())
		}
		if len(got) == 0 && len(tc.want) == 0 {
			continue
		}
		if d := cmp.Diff(tc.want, got); d != "" {
			t.Errorf("Parse(%q) (-want +got):\n%s", tc.in, d)
		}
	}
}

// textCases give what FromText finds, as "type normal"; a "+" leads what is
// only part of the value before it.
var textCases = []struct {
	name, in string
	want     []string
}{
	{"plain", "The server 192.0.2.1 (and 192.0.2.2), but not 192.0.2.300.", []string{"ipv4 192.0.2.1", "ipv4 192.0.2.2"}},
	{"url at the end", "Seen at http://evil.example/a.php. Then nothing.", []string{"url http://evil.example/a.php", "+domain evil.example"}},
	{"url in brackets", "(see https://evil.example/x_(1))", []string{"url https://evil.example/x_(1)", "+domain evil.example"}},
	{"url in quotes", `href="http://evil.example/q?a=b&c=d">x`, []string{"url http://evil.example/q?a=b&c=d", "+domain evil.example"}},
	{"urls by commas", "http://a.example/1,http://b.example/2", []string{
		"url http://a.example/1", "+domain a.example", "url http://b.example/2", "+domain b.example",
	}},
	{"defanged", "C2: hxxps://evil[.]example[:]8443/x and 198[.]51[.]100[.]7", []string{
		"url https://evil.example:8443/x", "+domain evil.example", "ipv4 198.51.100.7",
	}},
	{"defanged with blanks", "mail to bad (at) evil (dot) example please", []string{"email bad@evil.example", "+domain evil.example"}},
	{"at is only a word", "we met (at) noon with 192.0.2.9 there", []string{"ipv4 192.0.2.9"}},
	{"hashes", "md5 d41d8cd98f00b204e9800998ecf8427e, sha1=da39a3ee5e6b4b0d3255bfef95601890afd80709;", []string{
		"md5 d41d8cd98f00b204e9800998ecf8427e", "sha1 da39a3ee5e6b4b0d3255bfef95601890afd80709",
	}},
	{"sentence ends are no domains", "It ended.Then it began. Version 1.2.3 of e.g. this", nil},
	{"domains", "www.evil.example and evil.co.uk, not co.uk", []string{"domain www.evil.example", "domain evil.co.uk"}},
	{"file or domain", "run setup.py, dropper.exe and README.md", []string{"filename setup.py", "filename dropper.exe", "filename readme.md"}},
	{"marked dot makes a domain", "evil[.]zip", []string{"domain evil.zip"}},
	{"cve and technique", "CVE-2021-44228 (T1190, T1059.001)", []string{"cve CVE-2021-44228", "technique T1190", "technique T1059.001"}},
	{"ranges", "block 192.0.2.0/24 and 2001:db8::/32", []string{"cidr 192.0.2.0/24", "cidr 2001:db8::/32"}},
	{"v6", "host 2001:db8::1, [2001:db8::2]", []string{"ipv6 2001:db8::1", "ipv6 2001:db8::2"}},
	{"times are not v6", "at 10:20:30 on 2024-01-02T03:04:05Z", nil},
	{"port", "192.0.2.1:8080", []string{"ipv4 192.0.2.1"}},
	{"asn and mac", "AS64496 00:11:22:33:44:55", []string{"asn AS64496", "mac 00:11:22:33:44:55"}},
	{"path and key", `wrote C:\Temp\evil.exe and HKLM\Software\Evil`, []string{`path c:\temp\evil.exe`, "+filename evil.exe", `regkey HKEY_LOCAL_MACHINE\software\evil`}},
	{"path with blanks", `ran C:\Program Files (x86)\Evil Corp\a.exe then C:\Temp and HKLM\Software\Windows NT\Run HKCU\Evil`, []string{
		`path c:\program files (x86)\evil corp\a.exe`, "+filename a.exe", `path c:\temp`,
		`regkey HKEY_LOCAL_MACHINE\software\windows nt\run`, `regkey HKEY_CURRENT_USER\evil`,
	}},
	{"path and share", `C:\Temp \\srv\x`, []string{`path c:\temp`, `path \\srv\x`}},
	{"url in a citation", "[a](https://evil.example/t1)).(Citation: b)", []string{"url https://evil.example/t1", "+domain evil.example"}},
	{"unix path", "in /tmp/.x/run.sh, and/or /etc", []string{"path /tmp/.x/run.sh", "+filename run.sh"}},
	{"email with marks", "<Bad@evil.example>; bad2@evil.example.", []string{
		"email bad@evil.example", "+domain evil.example", "email bad2@evil.example", "+domain evil.example",
	}},
	{"cjk", "恶意域名evil.example的地址", []string{"domain evil.example"}},
	{"idn", "siehe bücher.example dort", []string{"domain xn--bcher-kva.example"}},
	{"wallet", "pay 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa!", []string{"wallet 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"}},
	{"markdown", "[text](http://evil.example/x) `192.0.2.5`", []string{"url http://evil.example/x", "+domain evil.example", "ipv4 192.0.2.5"}},
	{"table", "|192.0.2.5|evil.example|", []string{"ipv4 192.0.2.5", "domain evil.example"}},
	{"nothing", "", nil},
	{"noise", "::: ... --- ((( [[[ @@@ ///", nil},
}

func TestFromText(t *testing.T) {
	t.Parallel()
	for _, tc := range textCases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			FromText(tc.in, func(m Mention) {
				s := m.Key.String()
				if m.Derived {
					s = "+" + s
				}
				got = append(got, s)
				if again, err := Normal(m.Type, m.Normal); again != m.Key || err != nil {
					t.Errorf("%v is not in normal form: %v, %v", m.Key, again, err)
				}
			})
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Errorf("FromText(%q) (-want +got):\n%s", tc.in, d)
			}
		})
	}
}

func TestFromTextWritten(t *testing.T) {
	t.Parallel()
	var got []string
	FromText("x hxxp://evil[.]example/a, bad (at) evil (dot) example", func(m Mention) { got = append(got, m.Written) })
	want := []string{"hxxp://evil[.]example/a", "hxxp://evil[.]example/a", "bad (at) evil (dot) example", "bad (at) evil (dot) example"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("Written (-want +got):\n%s", d)
	}
}

// TestFromTextIsLinear gives it texts made to be slow.
func TestFromTextIsLinear(t *testing.T) {
	t.Parallel()
	for _, piece := range []string{"(", "[.]", " (dot) ", "a(at)b ", "http://", "hxxp://a[.]b,", "1.", "::", "a@", "))))", `\x`, "%41", "CVE-2021-", "0123456789abcdef", "é.", "xn--"} {
		s := strings.Repeat(piece, (1<<19)/len(piece))
		start := time.Now()
		FromText(s, func(Mention) {})
		Words([]byte(s), func([]byte) {})
		Refang(s)
		if d := time.Since(start); d > 10*time.Second {
			t.Errorf("%q times %d took %v", piece, len(s)/len(piece), d)
		}
	}
}
