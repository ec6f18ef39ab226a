package observable

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"casus/stix"
)

// patternCases give what PatternValues finds, as "path = literal".
var patternCases = []struct {
	name, in string
	want     []string
}{
	{"simple", `[ipv4-addr:value = '192.0.2.1']`, []string{"ipv4-addr:value = 192.0.2.1"}},
	{"no blanks", `[url:value='http://evil.example/a']`, []string{"url:value = http://evil.example/a"}},
	{"quoted path", `[file:hashes.'SHA-256' = 'ab' OR file:hashes.MD5 = 'cd']`, []string{"file:hashes.'SHA-256' = ab", "file:hashes.MD5 = cd"}},
	{"double equal", `[domain-name:value == 'a.example']`, []string{"domain-name:value = a.example"}},
	{"in", `[ipv4-addr:value IN ('192.0.2.1', '192.0.2.2')]`, []string{"ipv4-addr:value = 192.0.2.1", "ipv4-addr:value = 192.0.2.2"}},
	{"not in", `[ipv4-addr:value NOT IN ('192.0.2.1', '192.0.2.2') AND url:value = 'http://x.example/']`, []string{"url:value = http://x.example/"}},
	{"not equal", `[ipv4-addr:value != '192.0.2.1' AND mutex:name NOT = 'x' AND mutex:name = 'y']`, []string{"mutex:name = y"}},
	{"not before", `[NOT ipv4-addr:value = '192.0.2.1' OR NOT (mutex:name = 'a' OR (mutex:name = 'b')) OR mutex:name = 'c']`, []string{"mutex:name = c"}},
	{"like", `[file:name LIKE 'evil.exe' OR file:name LIKE 'evil%' OR file:name LIKE 'e_il.exe']`, []string{"file:name = evil.exe"}},
	{"matches", `[file:name MATCHES '^evil' AND file:name = 'b']`, []string{"file:name = b"}},
	{"subset", `[ipv4-addr:value ISSUBSET '192.0.2.0/24' OR ipv4-addr:value ISSUPERSET '198.51.100.0/24']`, []string{"ipv4-addr:value = 192.0.2.0/24", "ipv4-addr:value = 198.51.100.0/24"}},
	{"integer", `[network-traffic:dst_port = 443 AND network-traffic:src_port > 1024]`, []string{"network-traffic:dst_port = 443"}},
	{"escapes", `[windows-registry-key:key = 'HKLM\\Software\\It\'s']`, []string{`windows-registry-key:key = HKLM\Software\It's`}},
	{"comment", "[/* mutex:name = 'no' */ mutex:name = 'a' // mutex:name = 'no'\n OR mutex:name = 'b']", []string{"mutex:name = a", "mutex:name = b"}},
	{"bracket in text", `[file:name = 'a]b' AND file:name = ' AND x:y = ']`, []string{"file:name = a]b", "file:name =  AND x:y = "}},
	{"steps", `[network-traffic:dst_ref.value = '192.0.2.1' AND email-message:to_refs[*].value = 'a@b.example']`, []string{"network-traffic:dst_ref.value = 192.0.2.1", "email-message:to_refs[*].value = a@b.example"}},
	{"extension", `[network-traffic:extensions.'http-request-ext'.request_header.'User-Agent' = 'x']`, []string{"network-traffic:extensions.'http-request-ext'.request_header.'User-Agent' = x"}},
	{"observations", `([mutex:name = 'a'] AND [mutex:name = 'b']) FOLLOWEDBY [mutex:name = 'c'] WITHIN 5 SECONDS START t'2020-01-01T00:00:00Z' STOP t'2021-01-01T00:00:00Z' REPEATS 5 TIMES`, []string{"mutex:name = a", "mutex:name = b", "mutex:name = c"}},
	{"other literals", `[artifact:payload_bin = b'AAAA' OR file:size = h'00' OR file:ctime = t'2020-01-01T00:00:00Z' OR process:is_hidden = true OR mutex:name = 'a']`, []string{"mutex:name = a"}},
	{"fraction", `[x-a:score = 1.5 OR mutex:name = 'a']`, []string{"mutex:name = a"}},
	{"unfinished string", `[mutex:name = 'a`, nil},
	{"unfinished comment", `[mutex:name = 'a' /* `, []string{"mutex:name = a"}},
	{"nothing", ``, nil},
	{"no pattern", `alert tcp any any -> any any (msg:"x = 'y'";)`, []string{}},
}

func TestPatternValues(t *testing.T) {
	t.Parallel()
	for _, tc := range patternCases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := []string{}
			PatternValues(tc.in, func(path, literal string) { got = append(got, path+" = "+literal) })
			if len(got) == 0 && len(tc.want) == 0 {
				return
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Errorf("PatternValues (-want +got):\n%s", d)
			}
		})
	}
}

// objectCases give the mentions of an object as "path type normal", led by "+"
// if only part of the value before and by "ref" if only a link.
var objectCases = []struct {
	name, in string
	want     []string
}{
	{"ipv4", `{"type":"ipv4-addr","id":"x","value":"192.0.2.1"}`, []string{"ipv4-addr:value ipv4 192.0.2.1"}},
	{"ipv4 range", `{"type":"ipv4-addr","id":"x","value":"192.0.2.0/24"}`, []string{"ipv4-addr:value cidr 192.0.2.0/24"}},
	{"ipv6", `{"type":"ipv6-addr","id":"x","value":"2001:DB8::1"}`, []string{"ipv6-addr:value ipv6 2001:db8::1"}},
	{"domain", `{"type":"domain-name","id":"x","value":"Evil.example"}`, []string{"domain-name:value domain evil.example"}},
	{"domain that is an address", `{"type":"domain-name","id":"x","value":"192.0.2.1"}`, []string{"domain-name:value ipv4 192.0.2.1"}},
	{"domain written for people", `{"type":"domain-name","id":"x","value":"evil[.]example"}`, []string{"domain-name:value domain evil.example"}},
	{"url", `{"type":"url","id":"x","value":"http:\/\/evil.example\/a"}`, []string{"url:value url http://evil.example/a", "+url:value domain evil.example"}},
	{"email", `{"type":"email-addr","id":"x","value":"Bad@evil.example","display_name":"Bad"}`, []string{"email-addr:value email bad@evil.example", "+email-addr:value domain evil.example"}},
	{"message", `{"type":"email-message","id":"x","is_multipart":false,"subject":"Pay  now","message_id":"<1@evil.example>"}`, []string{"email-message:subject subject Pay now", "email-message:message_id messageid <1@evil.example>"}},
	{"mac", `{"type":"mac-addr","id":"x","value":"AA:BB:CC:DD:EE:FF"}`, []string{"mac-addr:value mac aa:bb:cc:dd:ee:ff"}},
	{"mutex", `{"type":"mutex","id":"x","name":"__EVIL__"}`, []string{"mutex:name mutex __EVIL__"}},
	{"asn", `{"type":"autonomous-system","id":"x","number":64496,"name":"EVIL-AS"}`, []string{"autonomous-system:number asn AS64496"}},
	{"directory", `{"type":"directory","id":"x","path":"C:\\Temp\\Evil"}`, []string{`directory:path path c:\temp\evil`}},
	{"regkey", `{"type":"windows-registry-key","id":"x","key":"HKLM\\Software\\Evil","values":[{"name":"a","data":"b"}]}`, []string{`windows-registry-key:key regkey HKEY_LOCAL_MACHINE\software\evil`}},
	{"account", `{"type":"user-account","id":"x","account_login":"Bad","user_id":"1001"}`, []string{"user-account:account_login account bad", "user-account:user_id account 1001"}},
	{"software", `{"type":"software","id":"x","name":"Word","vendor":"Microsoft"}`, []string{"software:name software word", "software:vendor vendor microsoft"}},
	{"process", `{"type":"process","id":"x","pid":1,"command_line":"evil.exe -x","cwd":"/tmp","extensions":{"windows-service-ext":{"service_name":"EvilSvc"}}}`, []string{
		"process:command_line command evil.exe -x", "process:cwd path /tmp", "process:extensions.windows-service-ext.service_name service evilsvc",
	}},
	{"traffic", `{"type":"network-traffic","id":"x","src_port":40000,"dst_port":443,"protocols":["tcp"],"extensions":{"http-request-ext":{"request_method":"get","request_header":{"User-Agent":["Evil/1.0"],"Host":"evil.example"}}}}`, []string{
		"network-traffic:dst_port port 443", "network-traffic:extensions.http-request-ext.request_header.User-Agent useragent Evil/1.0",
		"network-traffic:extensions.http-request-ext.request_header.Host domain evil.example",
	}},
	{"certificate", `{"type":"x509-certificate","id":"x","serial_number":"00:AB","subject":"CN=Evil","issuer":"CN=CA","hashes":{"SHA-1":"da39a3ee5e6b4b0d3255bfef95601890afd80709"}}`, []string{
		"x509-certificate:serial_number serial ab", "x509-certificate:subject dn cn=evil", "x509-certificate:issuer dn cn=ca",
		"x509-certificate:hashes.SHA-1 sha1 da39a3ee5e6b4b0d3255bfef95601890afd80709",
	}},
	{"artifact", `{"type":"artifact","id":"x","url":"http://evil.example/f","hashes":{"MD5":"d41d8cd98f00b204e9800998ecf8427e"}}`, []string{
		"artifact:url url http://evil.example/f", "+artifact:url domain evil.example", "artifact:hashes.MD5 md5 d41d8cd98f00b204e9800998ecf8427e",
	}},
	{"file", `{"type":"file","id":"x","name":"Evil.exe","hashes":{"SHA-256":"E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855","WHIRLPOOL":"AB"},
		"extensions":{"windows-pebinary-ext":{"pe_type":"exe","imphash":"d41d8cd98f00b204e9800998ecf8427e","sections":[{"name":".text","hashes":{"MD5":"00000000000000000000000000000001"}}],"file_header_hashes":{"MD5":"00000000000000000000000000000002"}}}}`, []string{
		"file:name filename evil.exe", "file:hashes.SHA-256 sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"file:hashes.WHIRLPOOL hash whirlpool:ab", "file:extensions.windows-pebinary-ext.imphash imphash d41d8cd98f00b204e9800998ecf8427e",
		"file:hashes.MD5 md5 00000000000000000000000000000001", "file:hashes.MD5 md5 00000000000000000000000000000002",
	}},
	{"wallet of others", `{"type":"cryptocurrency-wallet","id":"x","address":"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"}`, []string{"cryptocurrency-wallet:address wallet 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"}},
	{"misp attribute", `{"type":"x-misp-attribute","id":"x","x_misp_type":"ja3-fingerprint-md5","x_misp_value":"3A71FAA1D2A3838626771B656313D5F7"}`, []string{"x-misp-attribute:ja3-fingerprint-md5 ja3 3a71faa1d2a3838626771b656313d5f7"}},
	{"misp wallet", `{"type":"x-misp-attribute","id":"x","x_misp_type":"btc","x_misp_value":"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"}`, []string{"x-misp-attribute:btc wallet 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"}},
	{"misp pair", `{"type":"x-misp-attribute","id":"x","x_misp_type":"filename|authentihash","x_misp_value":"A.exe|AB"}`, []string{"x-misp-attribute:filename filename a.exe", "x-misp-attribute:authentihash hash authentihash:ab"}},
	{"misp text", `{"type":"x-misp-attribute","id":"x","x_misp_type":"text","x_misp_value":"http://evil.example/"}`, []string{"x-misp-attribute:text url http://evil.example/", "+x-misp-attribute:text domain evil.example"}},
	{"misp words", `{"type":"x-misp-attribute","id":"x","x_misp_type":"text","x_misp_value":"just words"}`, nil},
	{"unknown type", `{"type":"x-thing","id":"x","value":"http://evil.example/"}`, []string{"x-thing:value url http://evil.example/", "+x-thing:value domain evil.example"}},
	{"indicator", `{"type":"indicator","id":"x","pattern_type":"stix","pattern":"[file:hashes.'SHA-1' = 'DA39A3EE5E6B4B0D3255BFEF95601890AFD80709' AND url:value = 'hxxp://evil.example/']"}`, []string{
		"file:hashes.SHA-1 sha1 da39a3ee5e6b4b0d3255bfef95601890afd80709", "url:value url http://evil.example/", "+url:value domain evil.example",
	}},
	{"indicator of 2.0", `{"type":"indicator","id":"x","pattern":"[network-traffic:dst_ref.value = '192.0.2.1' AND network-traffic:dst_port = 443]"}`, []string{
		"network-traffic:dst_ref.value ipv4 192.0.2.1", "network-traffic:dst_port port 443",
	}},
	{"indicator of another language", `{"type":"indicator","id":"x","pattern_type":"yara","pattern":"rule x { strings: $a = \"192.0.2.1\" condition: $a }"}`, nil},
	{"observed data of 2.0", `{"type":"observed-data","id":"x","objects":{"0":{"type":"file","name":"a.exe","hashes":{"MD5":"d41d8cd98f00b204e9800998ecf8427e"}},"1":{"type":"ipv4-addr","value":"192.0.2.1"}}}`, []string{
		"file:name filename a.exe", "file:hashes.MD5 md5 d41d8cd98f00b204e9800998ecf8427e", "ipv4-addr:value ipv4 192.0.2.1",
	}},
	{"references", `{"type":"malware","id":"x","name":"m","external_references":[{"source_name":"cve","external_id":"CVE-2021-44228"},{"source_name":"mitre-attack","external_id":"T1059.001","url":"https://attack.example/T1059"},{"source_name":"capec","external_id":"T1234"},{"source_name":"blog","url":"http://blog.example/","hashes":{"MD5":"d41d8cd98f00b204e9800998ecf8427e"}}]}`, []string{
		"external_references.external_id cve CVE-2021-44228", "external_references.external_id technique T1059.001",
		"ref external_references.url url https://attack.example/T1059", "ref external_references.url url http://blog.example/",
		"ref external_references.hashes.MD5 md5 d41d8cd98f00b204e9800998ecf8427e",
	}},
	{"vulnerability", `{"type":"vulnerability","id":"x","name":"CVE-2021-44228"}`, []string{"vulnerability:name cve CVE-2021-44228"}},
	{"vulnerability with a name", `{"type":"vulnerability","id":"x","name":"Log4Shell is bad"}`, nil},
	{"relationship", `{"type":"relationship","id":"x","value":"192.0.2.1"}`, nil},
	{"wrong shapes", `{"type":"file","id":"x","name":7,"hashes":["MD5"],"extensions":"none","external_references":{"a":1}}`, nil},
	{"empty values", `{"type":"file","id":"x","name":"","hashes":{"MD5":"","SHA-1":"short"}}`, nil},
}

func mentions(o *stix.Object) []string {
	var got []string
	FromObject(o, func(m Mention) {
		s := m.Path + " " + m.Key.String()
		if m.Derived {
			s = "+" + s
		}
		if m.Reference {
			s = "ref " + s
		}
		got = append(got, s)
	})
	return got
}

func TestFromObject(t *testing.T) {
	t.Parallel()
	for _, tc := range objectCases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			o, err := stix.Parse([]byte(tc.in), stix.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tc.want, mentions(o)); d != "" {
				t.Errorf("FromObject (-want +got):\n%s", d)
			}
		})
	}
}

func TestFields(t *testing.T) {
	t.Parallel()
	o, err := stix.Parse([]byte(`{"type":"intrusion-set","id":"x","name":"Evil Bear","aliases":["EB","Ä"],"description":"d\u00e9sc","labels":["a"],
		"x_mitre_aliases":["M"],"value":"192.0.2.1","subject":"CN=x","number":5}`), stix.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	Fields(o, func(field string, text []byte) { got = append(got, field+"="+string(text)) })
	want := []string{"name=Evil Bear", "aliases=EB", "aliases=Ä", "description=désc", "labels=a", "x_mitre_aliases=M"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("Fields (-want +got):\n%s", d)
	}
}

// wordCases give the words of a text.
var wordCases = []struct {
	name, in string
	want     []string
}{
	{"ascii", "The APT-29 group, again.", []string{"the", "apt", "29", "group", "again"}},
	{"one character is none", "a b cd", []string{"cd"}},
	{"marks inside", "evil.example under_score don't", []string{"evil", "example", "under", "score", "don"}},
	{"fold", "Straße ÉTÉ", []string{"strasse", "été"}},
	{"compatibility", "ＡＰＴ２９ ﬁle", []string{"apt29", "file"}},
	{"decomposed", "e\u0301te\u0301", []string{"été"}},
	{"cyrillic", "Медведь идёт", []string{"медведь", "идёт"}},
	{"greek final sigma", "ΟΔΟΣ", []string{"οδοσ"}},
	{"pairs", "恶意软件", []string{"恶意", "意软", "软件"}},
	{"lone", "见 x恶y", []string{"见", "恶"}},
	{"mixed", "APT组织ab", []string{"apt", "组织", "ab"}},
	{"kana", "マルウェア", []string{"マル", "ルウ", "ウェ", "ェア"}},
	{"hangul by words", "악성 코드", []string{"악성", "코드"}},
	{"arabic", "برامج خبيثة", []string{"برامج", "خبيثة"}},
	{"long is cut", strings.Repeat("x", 100), []string{strings.Repeat("x", 64)}},
	{"long is cut at a letter", strings.Repeat("й", 40), []string{strings.Repeat("й", 32)}},
	{"bad utf-8", "ab\xffcd", []string{"ab", "cd"}},
	{"empty", "", nil},
	{"marks only", " -- !! ", nil},
}

func TestWords(t *testing.T) {
	t.Parallel()
	for _, tc := range wordCases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			Words([]byte(tc.in), func(w []byte) {
				got = append(got, string(w))
				if len(w) < MinWordBytes || len(w) > MaxWordBytes {
					t.Errorf("word %q has %d bytes", w, len(w))
				}
			})
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Errorf("Words(%q) (-want +got):\n%s", tc.in, d)
			}
		})
	}
}

// TestWordsIsBounded counts allocations, so it is not parallel.
func TestWordsIsBounded(t *testing.T) {
	n := 0
	Words([]byte(strings.Repeat("ab ", MaxWordsBytes)), func([]byte) { n++ })
	if want := MaxWordsBytes / 3; n != want {
		t.Errorf("%d words, want %d", n, want)
	}
	text := []byte("All of it is ASCII 123")
	if got := testing.AllocsPerRun(100, func() { Words(text, func([]byte) {}) }); got > 1 {
		t.Errorf("%v allocations, want one at most", got)
	}
}
