package observable

import (
	"strings"
	"testing"

	"casus/internal/fault"
)

// normalCases are also the seeds of the fuzz targets. An empty want means the
// value is refused.
var normalCases = []struct {
	name string
	typ  Type
	in   string
	want Key
}{
	{"v4", IPv4, "192.0.2.1", Key{IPv4, "192.0.2.1"}},
	{"v4 with blanks", IPv4, " 192.0.2.1\n", Key{IPv4, "192.0.2.1"}},
	{"v4 leading zero", IPv4, "192.0.2.01", Key{}},
	{"v4 octal looking", IPv4, "010.0.0.1", Key{}},
	{"v4 short", IPv4, "192.0.2", Key{}},
	{"v4 too large", IPv4, "192.0.2.256", Key{}},
	{"v6 long", IPv6, "2001:0DB8:0000:0000:0000:0000:0000:0001", Key{IPv6, "2001:db8::1"}},
	{"v6 brackets", IPv6, "[2001:db8::1]", Key{IPv6, "2001:db8::1"}},
	{"v6 one zero group is not shortened", IPv6, "2001:db8:0:1:1:1:1:1", Key{IPv6, "2001:db8:0:1:1:1:1:1"}},
	{"v6 first of equal runs", IPv6, "2001:db8:0:0:1:0:0:1", Key{IPv6, "2001:db8::1:0:0:1"}},
	{"v6 zone", IPv6, "fe80::1%eth0", Key{IPv6, "fe80::1"}},
	{"v6 mapped", IPv6, "::ffff:192.0.2.1", Key{IPv4, "192.0.2.1"}},
	{"v6 mapped hexadecimal", IPv6, "::ffff:c000:0201", Key{IPv4, "192.0.2.1"}},
	{"v6 with v4 tail", IPv6, "64:ff9b::192.0.2.33", Key{IPv6, "64:ff9b::c000:221"}},
	{"v4 where v6 is expected", IPv6, "192.0.2.1", Key{IPv4, "192.0.2.1"}},
	{"range", CIDR, "192.0.2.77/24", Key{CIDR, "192.0.2.0/24"}},
	{"range of one", CIDR, "192.0.2.1/32", Key{IPv4, "192.0.2.1"}},
	{"range of all", CIDR, "192.0.2.1/0", Key{CIDR, "0.0.0.0/0"}},
	{"range as address", IPv4, "198.51.100.0/25", Key{CIDR, "198.51.100.0/25"}},
	{"v6 range", CIDR, "2001:DB8:1::5/48", Key{CIDR, "2001:db8:1::/48"}},
	{"v6 range of one", CIDR, "2001:db8::5/128", Key{IPv6, "2001:db8::5"}},
	{"v6 mapped range", CIDR, "::ffff:192.0.2.9/120", Key{CIDR, "192.0.2.0/24"}},
	{"range too long", CIDR, "192.0.2.0/33", Key{}},
	{"range with zone", CIDR, "fe80::1%eth0/64", Key{}},

	{"domain", Domain, "WWW.Evil.Example", Key{Domain, "www.evil.example"}},
	{"domain root dot", Domain, "evil.example.", Key{Domain, "evil.example"}},
	{"domain idn", Domain, "bücher.example", Key{Domain, "xn--bcher-kva.example"}},
	{"domain idn upper", Domain, "BÜCHER.example", Key{Domain, "xn--bcher-kva.example"}},
	{"domain sharp s is kept", Domain, "straße.example", Key{Domain, "xn--strae-oqa.example"}},
	{"domain ideographic stop", Domain, "例え。example", Key{Domain, "xn--r8jz45g.example"}},
	{"domain punycode", Domain, "XN--BCHER-KVA.example", Key{Domain, "xn--bcher-kva.example"}},
	{"domain underscore", Domain, "_dmarc.evil.example", Key{Domain, "_dmarc.evil.example"}},
	{"domain double hyphen", Domain, "r3---sn.evil.example", Key{Domain, "r3---sn.evil.example"}},
	{"domain one label", Domain, "localhost", Key{Domain, "localhost"}},
	{"domain address", Domain, "192.0.2.1", Key{}},
	{"domain full-width address", Domain, "１９２.0.2.1", Key{}},
	{"domain hexadecimal tail", Domain, "evil.0x7f", Key{}},
	{"domain hexadecimal tail in upper case", Domain, "evil.0X0", Key{}},
	{"domain empty label", Domain, "evil..example", Key{}},
	{"domain blank", Domain, "evil example", Key{}},
	{"domain wildcard", Domain, "*.evil.example", Key{}},
	{"domain empty", Domain, "", Key{}},
	{"domain dot", Domain, ".", Key{}},
	{"domain long label", Domain, strings.Repeat("a", 64) + ".example", Key{}},
	{"domain long", Domain, strings.Repeat("abcdefg.", 32) + "example", Key{}},

	{"url", URL, "HTTP://Evil.Example:80/a/./b/../c?x=1#top", Key{URL, "http://evil.example/a/c?x=1"}},
	{"url no path", URL, "https://evil.example", Key{URL, "https://evil.example/"}},
	{"url port kept", URL, "https://evil.example:8443", Key{URL, "https://evil.example:8443/"}},
	{"url port of other scheme", URL, "http://evil.example:443/", Key{URL, "http://evil.example:443/"}},
	{"url port leading zero", URL, "http://evil.example:0080/", Key{URL, "http://evil.example/"}},
	{"url percent", URL, "http://evil.example/%7euser/%2f%aB", Key{URL, "http://evil.example/~user/%2F%AB"}},
	{"url stray percent", URL, "http://evil.example/100%", Key{URL, "http://evil.example/100%25"}},
	{"url blank", URL, "http://evil.example/a b", Key{URL, "http://evil.example/a%20b"}},
	{"url unicode path", URL, "http://evil.example/é", Key{URL, "http://evil.example/%C3%A9"}},
	{"url idn", URL, "http://bücher.example/", Key{URL, "http://xn--bcher-kva.example/"}},
	{"url v6", URL, "http://[2001:DB8::1]:80/x", Key{URL, "http://[2001:db8::1]/x"}},
	{"url mapped v6", URL, "http://[::ffff:192.0.2.1]/", Key{URL, "http://192.0.2.1/"}},
	{"url user", URL, "ftp://user:pw@evil.example:21/f", Key{URL, "ftp://user:pw@evil.example/f"}},
	{"url case of path", URL, "http://evil.example/Path", Key{URL, "http://evil.example/Path"}},
	{"url empty query", URL, "http://evil.example/?", Key{URL, "http://evil.example/"}},
	{"url query without path", URL, "http://evil.example?x", Key{URL, "http://evil.example/?x"}},
	{"url dots above the root", URL, "http://evil.example/../../x", Key{URL, "http://evil.example/x"}},
	{"url encoded dots", URL, "http://evil.example/a/%2e%2E/b", Key{URL, "http://evil.example/b"}},
	{"url last dots", URL, "http://evil.example/a/..", Key{URL, "http://evil.example/"}},
	{"url without scheme", URL, "evil.example/gate.php", Key{URL, "http://evil.example/gate.php"}},
	{"url hxxp", URL, "hxxps://evil.example/", Key{URL, "https://evil.example/"}},
	{"url root dot", URL, "http://evil.example./", Key{URL, "http://evil.example/"}},
	{"url two question marks", URL, "http://evil.example/a??", Key{URL, "http://evil.example/a??"}},
	{"url plain", URL, "https://evil.example/a/b.php?id=5&x=/y", Key{URL, "https://evil.example/a/b.php?id=5&x=/y"}},
	{"url no host", URL, "http:///x", Key{}},
	{"url bad port", URL, "http://evil.example:http/", Key{}},
	{"url nothing", URL, "", Key{}},

	{"email", Email, "Bad.Man@Evil.EXAMPLE", Key{Email, "bad.man@evil.example"}},
	{"email with name", Email, `"Bad Man" <bad@evil.example>`, Key{Email, "bad@evil.example"}},
	{"email mailto", Email, "mailto:bad@evil.example", Key{Email, "bad@evil.example"}},
	{"email tag", Email, "bad+tag@evil.example", Key{Email, "bad+tag@evil.example"}},
	{"email literal", Email, "bad@[192.0.2.1]", Key{Email, "bad@[192.0.2.1]"}},
	{"email idn", Email, "bad@bücher.example", Key{Email, "bad@xn--bcher-kva.example"}},
	{"email without local", Email, "@evil.example", Key{}},
	{"email without domain", Email, "bad@", Key{}},

	{"md5", MD5, "D41D8CD98F00B204E9800998ECF8427E", Key{MD5, "d41d8cd98f00b204e9800998ecf8427e"}},
	{"md5 short", MD5, "d41d8cd9", Key{}},
	{"md5 not hexadecimal", MD5, "g41d8cd98f00b204e9800998ecf8427e", Key{}},
	{"sha1 fingerprint", SHA1, "DA:39:A3:EE:5E:6B:4B:0D:32:55:BF:EF:95:60:18:90:AF:D8:07:09", Key{SHA1, "da39a3ee5e6b4b0d3255bfef95601890afd80709"}},
	{"sha256 of another length", SHA256, "da39a3ee5e6b4b0d3255bfef95601890afd80709", Key{}},
	{"sha512", SHA512, strings.Repeat("Ab", 64), Key{SHA512, strings.Repeat("ab", 64)}},
	{"sha3", SHA3x256, strings.Repeat("0F", 32), Key{SHA3x256, strings.Repeat("0f", 32)}},
	{"ssdeep keeps case", SSDeep, "96:s4Ud1Lj96tHHlZDrwciQmA+4uy1I0G4HYuL8N3TzS8QsO/wqWXLcMSx:sF1LjEtHHlZDrJzrhuyZvHYm8tKp/RWO", Key{SSDeep, "96:s4Ud1Lj96tHHlZDrwciQmA+4uy1I0G4HYuL8N3TzS8QsO/wqWXLcMSx:sF1LjEtHHlZDrJzrhuyZvHYm8tKp/RWO"}},
	{"ssdeep with name", SSDeep, `3:abc:de,"file.bin"`, Key{SSDeep, "3:abc:de"}},
	{"ssdeep wrong", SSDeep, "abc", Key{}},
	{"tlsh with version", TLSH, "T1" + strings.Repeat("A5", 35), Key{TLSH, strings.Repeat("a5", 35)}},
	{"tlsh without", TLSH, strings.Repeat("A5", 35), Key{TLSH, strings.Repeat("a5", 35)}},
	{"imphash", ImpHash, strings.Repeat("AB", 16), Key{ImpHash, strings.Repeat("ab", 16)}},
	{"other hash", Hash, "RIPEMD-160:ABCDEF", Key{Hash, "ripemd-160:abcdef"}},
	{"other hash without name", Hash, "abcdef", Key{}},
	{"ja3", JA3, strings.Repeat("Cd", 16), Key{JA3, strings.Repeat("cd", 16)}},
	{"jarm", JARM, strings.Repeat("2", 62), Key{JARM, strings.Repeat("2", 62)}},

	{"file", FileName, "Invoice.EXE", Key{FileName, "invoice.exe"}},
	{"file composed", FileName, "Re\u0301sume\u0301.doc", Key{FileName, "résumé.doc"}},
	{"file with path", FileName, `C:\Temp\a.exe`, Key{Path, `c:\temp\a.exe`}},
	{"file dot", FileName, "..", Key{}},
	{"path windows", Path, `C:/Users\\Public\X.exe`, Key{Path, `c:\users\public\x.exe`}},
	{"path windows end", Path, `C:\Temp\`, Key{Path, `c:\temp`}},
	{"path windows root", Path, `C:\`, Key{Path, `c:\`}},
	{"path device", Path, `\\?\C:\Temp`, Key{Path, `c:\temp`}},
	{"path share", Path, `\\Server\Share\x`, Key{Path, `\\server\share\x`}},
	{"path variable", Path, `%AppData%\X`, Key{Path, `%appdata%\x`}},
	{"path unix", Path, "/tmp//./x/", Key{Path, "/tmp/x"}},
	{"path unix case", Path, "/Tmp/X", Key{Path, "/Tmp/X"}},
	{"path root", Path, "/", Key{Path, "/"}},
	{"path empty", Path, " ", Key{}},

	{"mac", MAC, "AA-BB-CC-DD-EE-FF", Key{MAC, "aa:bb:cc:dd:ee:ff"}},
	{"mac dotted", MAC, "aabb.ccdd.eeff", Key{MAC, "aa:bb:cc:dd:ee:ff"}},
	{"mac bare", MAC, "aabbccddeeff", Key{MAC, "aa:bb:cc:dd:ee:ff"}},
	{"mac short", MAC, "aa:bb:cc:dd:ee", Key{}},
	{"asn", ASN, "as64496", Key{ASN, "AS64496"}},
	{"asn number", ASN, "64496", Key{ASN, "AS64496"}},
	{"asn spelled", ASN, "ASN 64496", Key{ASN, "AS64496"}},
	{"asn dotted", ASN, "AS1.10", Key{ASN, "AS65546"}},
	{"asn too large", ASN, "AS4294967296", Key{}},
	{"asn empty", ASN, "AS", Key{}},

	{"regkey", RegKey, `HKLM\Software\Evil\`, Key{RegKey, `HKEY_LOCAL_MACHINE\software\evil`}},
	{"regkey long", RegKey, `hkey_local_machine\SOFTWARE\Evil`, Key{RegKey, `HKEY_LOCAL_MACHINE\software\evil`}},
	{"regkey powershell", RegKey, `HKCU:\Software\Evil`, Key{RegKey, `HKEY_CURRENT_USER\software\evil`}},
	{"regkey kernel", RegKey, `\REGISTRY\MACHINE\SOFTWARE\Evil`, Key{RegKey, `HKEY_LOCAL_MACHINE\software\evil`}},
	{"regkey escaped twice", RegKey, `HKLM\\Software\\Evil`, Key{RegKey, `HKEY_LOCAL_MACHINE\software\evil`}},
	{"regkey hive", RegKey, `HKCR`, Key{RegKey, `HKEY_CLASSES_ROOT`}},
	{"regkey without hive", RegKey, `Software\Evil`, Key{RegKey, `software\evil`}},
	{"regkey nothing", RegKey, `Software`, Key{}},

	{"mutex", Mutex, ` Global\EvilMutex `, Key{Mutex, `Global\EvilMutex`}},
	{"mutex nul", Mutex, "a\x00b", Key{}},
	{"agent", UserAgent, "Mozilla/5.0  (Evil)", Key{UserAgent, "Mozilla/5.0 (Evil)"}},
	{"cve", CVE, "cve-2021-44228", Key{CVE, "CVE-2021-44228"}},
	{"cve short", CVE, "CVE-2021-44", Key{}},
	{"cve no dash", CVE, "CVE-202144228", Key{}},
	{"technique", Technique, "t1059.001", Key{Technique, "T1059.001"}},
	{"technique alone", Technique, "T1059", Key{Technique, "T1059"}},
	{"technique wrong", Technique, "T105", Key{}},

	{"wallet btc", Wallet, "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", Key{Wallet, "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"}},
	{"wallet btc wrong sum", Wallet, "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", Key{}},
	{"wallet bech32", Wallet, "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", Key{Wallet, "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"}},
	{"wallet bech32 wrong sum", Wallet, "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5", Key{}},
	{"wallet eth", Wallet, "0xDE0B295669A9FD93D5F28D9EC85E40F4CB697BAE", Key{Wallet, "0xde0b295669a9fd93d5f28d9ec85e40f4cb697bae"}},
	{"wallet link", Wallet, "bitcoin:1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", Key{Wallet, "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"}},

	{"serial", Serial, "00:AB:cd:01", Key{Serial, "abcd01"}},
	{"serial 0x", Serial, "0x1F", Key{Serial, "1f"}},
	{"port", Port, "0443", Key{Port, "443"}},
	{"port zero", Port, "0", Key{}},
	{"port too large", Port, "65536", Key{}},
	{"account", Account, `EVIL\Admin`, Key{Account, `evil\admin`}},
	{"dn", DN, "CN=Evil,  O=Corp", Key{DN, "cn=evil, o=corp"}},
	{"no type", Type("colour"), "red", Key{}},
	{"too long", Mutex, strings.Repeat("x", MaxValueBytes+1), Key{}},
}

func TestNormal(t *testing.T) {
	t.Parallel()
	for _, tc := range normalCases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := Normal(tc.typ, tc.in)
			if got != tc.want {
				t.Errorf("Normal(%s, %q) = %v, want %v (%v)", tc.typ, tc.in, got, tc.want, err)
			}
			if (err != nil) != (tc.want == Key{}) {
				t.Errorf("Normal(%s, %q) error = %v", tc.typ, tc.in, err)
			}
			if err != nil && fault.KindOf(err) != fault.Invalid {
				t.Errorf("Normal(%s, %q) kind = %v, want invalid", tc.typ, tc.in, fault.KindOf(err))
			}
			if err != nil {
				return
			}
			if again, err := Normal(got.Type, got.Normal); again != got || err != nil {
				t.Errorf("Normal(%v) = %v, %v, want itself", got, again, err)
			}
		})
	}
}

func TestHashType(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]Type{
		"MD5": MD5, "md5": MD5, "SHA-1": SHA1, "sha1": SHA1, "SHA_256": SHA256, "SHA3-512": SHA3x512, "sha512": SHA512, "SSDEEP": SSDeep,
		"ssdeep": SSDeep, "TLSH": TLSH, "imphash": ImpHash, "IMPHASH": ImpHash, "ja3-fingerprint-md5": JA3, "WHIRLPOOL": "",
		"x509-fingerprint-sha256": SHA256, "sha-224": SHA224,
	} {
		if got, ok := HashType(name); got != want || ok != (want != "") {
			t.Errorf("HashType(%q) = %q, %v, want %q", name, got, ok, want)
		}
	}
}

func TestRelated(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ in, want Key }{
		{Key{URL, "http://user@www.evil.example:8080/x@y"}, Key{Domain, "www.evil.example"}},
		{Key{URL, "http://[2001:db8::1]/"}, Key{IPv6, "2001:db8::1"}},
		{Key{URL, "http://192.0.2.1:81/"}, Key{IPv4, "192.0.2.1"}},
		{Key{Email, "bad@mail.evil.co.uk"}, Key{Domain, "mail.evil.co.uk"}},
		{Key{Email, "bad@[192.0.2.1]"}, Key{IPv4, "192.0.2.1"}},
		{Key{Path, `c:\temp\evil.exe`}, Key{FileName, "evil.exe"}},
		{Key{Path, `/tmp/Evil.sh`}, Key{FileName, "evil.sh"}},
		{Key{Path, `/tmp/folder`}, Key{}},
		{Key{Domain, "a.b.evil.example"}, Key{}},
		{Key{Domain, "co.uk"}, Key{}},
		{Key{MD5, "x"}, Key{}},
	} {
		if got, ok := Related(tc.in); got != tc.want || ok != (tc.want != Key{}) {
			t.Errorf("Related(%v) = %v, %v, want %v", tc.in, got, ok, tc.want)
		}
	}
}
