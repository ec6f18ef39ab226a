package stix

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	testIndicatorID = "indicator--3d1c9b1e-7a41-4b55-9d0e-0f6a3f0c2a11"
	testIdentityID  = "identity--5b1f2a60-98f3-4f2c-8a51-1d0f3a9c7e22"
)

// testIndicator is an indicator of about the mean size of real ones.
const testIndicator = `{"type":"indicator","spec_version":"2.1","id":"` + testIndicatorID + `","created_by_ref":"` + testIdentityID + `",` +
	`"created":"2031-02-03T04:05:06.789Z","modified":"2031-02-04T00:00:00.000Z","name":"Beacon of the harbour pilots",` +
	`"description":"Seen by the port of Vela in three terminals; the beacon asks every forty minutes and stops on public holidays.",` +
	`"indicator_types":["malicious-activity"],"pattern":"[domain-name:value = 'tide-table.example'] AND [ipv4-addr:value = '198.51.100.77']",` +
	`"pattern_type":"stix","valid_from":"2031-02-03T00:00:00Z","confidence":75,"labels":["exercise","harbour"],` +
	`"kill_chain_phases":[{"kill_chain_name":"lockheed-martin-cyber-kill-chain","phase_name":"command-and-control"}],` +
	`"external_references":[{"source_name":"port-of-vela","external_id":"PV-31-0007","url":"https://port.vela.example/PV-31-0007"}],` +
	`"object_marking_refs":["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"]}`

func object(members string) string {
	return `{"type":"x-thing","id":"x-thing--0f8b7c6d-1111-4222-8333-944445555666"` + members + `}`
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	small := Limits{ObjectBytes: 4000, StringBytes: 1000, Depth: 5, Tokens: 300}
	for _, tc := range []struct {
		name, in string
		at       int64
		reason   string
	}{
		{"nothing", "", 0, "there is no JSON value"},
		{"white space", " \n\t\r ", 5, "there is no JSON value"},
		{"array", "[]", 0, "want an object, got an array"},
		{"number", "12", 0, "want an object, got a number"},
		{"two values", object("") + object(""), 71, "text after the end of the value: '{'"},
		{"no type", `{"id":"x--1"}`, 0, `the object has no "type"`},
		{"no id", `{"type":"x"}`, 0, `the object has no "id"`},
		{"type is a number", `{"type":1,"id":"x"}`, 8, `"type" is a number, want a string`},
		{"empty id", `{"type":"x","id":""}`, 17, `"id" is empty`},
		{"wrong-case type", `{"Type":"x","id":"y"}`, 0, `the object has no "type"`},
		{"duplicate", object(`,"a":1,"a":1`), 77, `the name "a" appears twice in one object`},
		{"duplicate by escape", object(`,"tlp":"red","tl\u0070":"clear"`), 83, `the name "tlp" appears twice in one object`},
		{"duplicate surrogate pair", object(`,"\uD83D\uDE00":1,"😀":1`), 88, `the name "😀" appears twice in one object`},
		{"duplicate deep", object(`,"a":[{"b":{"c":1,"d":2,"c":3}}]`), 94, `the name "c" appears twice in one object`},
		{"duplicate among many", object(manyMembers(40) + `,"m7":0`), 381, `the name "m7" appears twice in one object`},
		{"bad UTF-8", object(",\"a\":\"x\xff\""), 77, "the byte 0xFF is not UTF-8"},
		{"overlong", object(",\"a\":\"\xc0\x80\""), 76, "the byte 0xC0 is not UTF-8"},
		{"surrogate in UTF-8", object(",\"a\":\"\xed\xa0\x80\""), 76, "the byte 0xED is not UTF-8"},
		{"bad UTF-8 in a name", object(",\"\xfe\":1"), 72, "the byte 0xFE is not UTF-8"},
		{"cut UTF-8", object(",\"a\":\"\xe2\x82\""), 76, "the byte 0xE2 is not UTF-8"},
		{"lone high surrogate", object(`,"a":"\ud83d"`), 76, `a lone surrogate "\\ud83d"`},
		{"lone low surrogate", object(`,"a":"\uDE00x"`), 76, `a lone surrogate "\\uDE00"`},
		{"two high surrogates", object(`,"a":"\ud83d\ud83d"`), 76, `a lone surrogate "\\ud83d"`},
		{"unknown escape", object(`,"a":"\x41"`), 76, "an unknown escape \\ followed by 'x'"},
		{"short escape", object(`,"a":"\u12"`), 76, `a \u escape without four hexadecimal digits`},
		{"control character", object(",\"a\":\"x\ny\""), 77, "a control character U+000A inside a string"},
		{"beyond 2^53", object(`,"a":9007199254740992`), 75, "the integer 9007199254740992 is beyond 2^53-1"},
		{"beyond -2^53", object(`,"a":-9007199254740993`), 75, "the integer -9007199254740993 is beyond 2^53-1"},
		{"far beyond", object(`,"a":1` + strings.Repeat("0", 50)), 75, "the integer 1000000000000000000000000000000000000000… is beyond 2^53-1"},
		{"overflow", object(`,"a":1e400`), 75, "the number 1e400 is larger than a double can hold"},
		{"overflow without exponent", object(`,"a":` + strings.Repeat("9", 400) + `.5`), 75, "the number 9999999999999999999999999999999999999999… is larger than a double can hold"},
		{"leading zero", object(`,"a":012`), 75, "a number with a leading zero"},
		{"lone minus", object(`,"a":-`), 75, "a number without digits"},
		{"no fraction", object(`,"a":1.`), 75, "a number without digits after the point"},
		{"no exponent", object(`,"a":1e+`), 75, "a number without digits in its exponent"},
		{"plus", object(`,"a":+1`), 75, "a value cannot begin with '+'"},
		{"NaN", object(`,"a":NaN`), 75, "a value cannot begin with 'N'"},
		{"bare word", object(`,"a":tru`), 75, "a value cannot begin with 't'"},
		{"single quotes", object(`,'a':1`), 71, `want a member name in double quotes, got '''`},
		{"trailing comma", object(`,"a":1,`), 77, "want a member name in double quotes, got '}'"},
		{"no colon", object(`,"a" 1`), 75, "want a colon after a member name, got '1'"},
		{"no comma", object(`,"a":1 "b":2`), 77, `want a comma or } in an object, got '"'`},
		{"no comma in array", object(`,"a":[1 2]`), 78, "want a comma or ] in an array, got '2'"},
		{"trailing comma in array", object(`,"a":[1,]`), 78, "a value cannot begin with ']'"},
		{"cut in a string", `{"type":"x`, 10, "the text ends inside a string"},
		{"cut in an object", `{"type":"x",`, 12, "the text ends inside an object"},
		{"cut in an array", `{"type":["x",`, 13, "the text ends inside an array"},
		{"too deep", object(`,"a":[[[[[1]]]]]`), 79, "nested more than 5 deep"},
		{"too many tokens", object(`,"a":[` + strings.Repeat("1,", 300) + `1]`), 662, "more than 300 tokens"},
		{"string too long", object(`,"a":"` + strings.Repeat("x", 1001) + `"`), 75, "a string of 1001 bytes, more than 1000"},
		{"object too large", object(`,"a":"` + strings.Repeat("x", 4000) + `"`), 0, "an object of 4078 bytes, more than 4000"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			o, err := Parse([]byte(tc.in), small)
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("Parse(%.200s) = %v, %v, want an *Error", tc.in, o, err)
			}
			if e.Offset != tc.at || e.Reason != tc.reason {
				t.Errorf("Parse(%.200s) = byte %d: %s, want byte %d: %s", tc.in, e.Offset, e.Reason, tc.at, tc.reason)
			}
			if e.Remedy == "" {
				t.Errorf("Parse(%.200s): no remedy", tc.in)
			}
		})
	}
}

func manyMembers(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(`,"m` + strconv.Itoa(i) + `":0`)
	}
	return b.String()
}

func TestParseAccepts(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, in string }{
		{"white space", " \r\n\t" + object("") + "\n"},
		{"largest integers", object(`,"a":[9007199254740991,-9007199254740991,0,-0]`)},
		{"doubles", object(`,"a":[1E308,-1.5e-9,0.0,1e-400,9007199254740993.0,1e22]`)},
		{"every escape", object(`,"a":"\"\\\/\b\f\n\r\t\u0000\u00e9\ud83d\uDE00"`)},
		{"every width", object(`,"a":"aé€😀` + strings.Repeat("z", 30) + `é"`)},
		{"same name in two objects", object(`,"a":{"b":1},"c":{"b":1},"b":[{"b":1},{"b":2}]`)},
		{"many names", object(manyMembers(500))},
		{"literals", object(`,"a":[true,false,null,[],{}]`)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			o, err := Parse([]byte(tc.in), Limits{})
			if err != nil {
				t.Fatalf("Parse(%s) = %v", tc.in, err)
			}
			if got := string(o.Raw()); got != tc.in {
				t.Errorf("Raw() = %s, want %s", got, tc.in)
			}
		})
	}
}

func TestObjectReads(t *testing.T) {
	t.Parallel()
	o, err := Parse([]byte(`{ "type" : "malware-analysis", "id": "malware-analysis--0f8b7c6d-1111-4222-8333-944445555666",
		"spec_version": "2.1", "na\u006de": "a \"b\" \ud83d\ude00", "count": -12, "half": 0.5, "revoked": true, "list": ["x", 1, "\u00e9"],
		"created": "2031-01-01T00:00:00Z" }`), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	n, isInt := o.Int("count")
	_, half := o.Int("half")
	got := map[string]any{
		"type": o.Type(), "id": o.ID(), "version": o.SpecVersion(), "class": o.Class(), "name": o.String("name"),
		"absent": o.String("absent"), "not a string": o.String("count"), "count": n, "isInt": isInt, "half": half,
		"revoked": o.Revoked(), "list": o.Strings("list"), "no list": o.Strings("count"), "created": o.Created(), "modified": o.Modified(),
		"key": o.VersionKey(), "len": o.Len(), "has": o.Has("half"), "has not": o.Has("Half"),
	}
	want := map[string]any{
		"type": "malware-analysis", "id": "malware-analysis--0f8b7c6d-1111-4222-8333-944445555666", "version": "2.1", "class": ClassSDO,
		"name": "a \"b\" 😀", "absent": "", "not a string": "", "count": int64(-12), "isInt": true, "half": false,
		"revoked": true, "list": []string{"x", "é"}, "no list": []string(nil), "created": "2031-01-01T00:00:00Z", "modified": "",
		"key": "2031-01-01T00:00:00Z", "len": 9, "has": true, "has not": false,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("object (-want +got):\n%s", diff)
	}
	if raw, ok := o.Get("list"); !ok || string(raw) != `["x", 1, "\u00e9"]` {
		t.Errorf("Get(list) = %s, %v", raw, ok)
	}
	if name, value := o.Member(3); string(name) != "name" || string(value) != `"a \"b\" \ud83d\ude00"` {
		t.Errorf("Member(3) = %s, %s", name, value)
	}
}

// Source of the cases: stix-2.1 §3.2; stix-2.0 part 1 §3.1, part 2 §2.
func TestSpecVersion(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, typ, more, want string }{
		{"said 2.1", "indicator", `,"spec_version":"2.1"`, "2.1"},
		{"said 2.0", "bundle", `,"spec_version":"2.0"`, "2.0"},
		{"said 2.2", "indicator", `,"spec_version":"2.2"`, "2.2"},
		{"domain object", "indicator", `,"created":"2016-01-01T00:00:00.000Z"`, "2.0"},
		{"relationship", "relationship", "", "2.0"},
		{"marking", "marking-definition", `,"created":"2016-01-01T00:00:00.000Z"`, "2.0"},
		{"observed-data with objects inside", "observed-data", `,"objects":{"0":{"type":"file","name":"a"}}`, "2.0"},
		{"observable", "ipv4-addr", "", "2.1"},
		{"type of 2.1 alone", "grouping", `,"created":"2021-01-01T00:00:00.000Z"`, "2.1"},
		{"custom object", "x-acme", `,"created":"2016-01-01T00:00:00.000Z"`, "2.0"},
		{"custom observable", "x-acme", "", "2.1"},
		{"bundle", "bundle", "", "2.1"},
		{"spec_version is no string", "ipv4-addr", `,"spec_version":2`, "2.1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			o, err := Parse([]byte(`{"type":"`+tc.typ+`","id":"i"`+tc.more+`}`), Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if got := o.SpecVersion(); got != tc.want {
				t.Errorf("SpecVersion() = %s, want %s", got, tc.want)
			}
		})
	}
}

func TestVersionKey(t *testing.T) {
	t.Parallel()
	key := func(s string) string {
		t.Helper()
		o, err := Parse([]byte(s), Limits{})
		if err != nil {
			t.Fatal(err)
		}
		return o.VersionKey()
	}
	if got, want := key(testIndicator), "2031-02-04T00:00:00.000Z"; got != want {
		t.Errorf("VersionKey() = %s, want %s", got, want)
	}
	a := key(`{"type":"ipv4-addr","id":"i","value":"192.0.2.1"}`)
	b := key(`{ "value":"192.0.2.\u0031", "id":"i", "type":"ipv4-addr" }`)
	c := key(`{"type":"ipv4-addr","id":"i","value":"192.0.2.2"}`)
	if len(a) != 64 || a != b || a == c {
		t.Errorf("VersionKey() of two writings and a variant = %s, %s, %s", a, b, c)
	}
}

func TestRefs(t *testing.T) {
	t.Parallel()
	const id = "identity--5b1f2a60-98f3-4f2c-8a51-1d0f3a9c7e22"
	o, err := Parse([]byte(object(`,"created_by_ref":"`+id+`","object_refs":["`+id+`","1","not an id",7],"name":"`+id+`",
		"ext":{"list":[{"deep_ref":"`+id+`"}],"odd_refs":[["`+id+`"]],"x_ref":{"y_ref":"`+id+`"}},"href":"`+id+`"`)), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	o.Refs(func(property, ref []byte) {
		if string(ref) != id {
			t.Errorf("ref %q", ref)
		}
		got = append(got, string(property))
	})
	if diff := cmp.Diff([]string{"created_by_ref", "object_refs", "deep_ref", "odd_refs", "y_ref"}, got); diff != "" {
		t.Errorf("Refs (-want +got):\n%s", diff)
	}
}

func TestWalk(t *testing.T) {
	t.Parallel()
	o, err := Parse([]byte(` {"type":"x-a","id":"i","a":[{"b":1},[true]],"skip":{"c":1},"e":[],"n":null}`), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	o.Walk(func(path string, kind byte, value []byte) bool {
		got = append(got, path+" "+string(kind)+" "+string(value))
		return path != "skip"
	})
	want := []string{
		`type " "x-a"`, `id " "i"`, `a [ [{"b":1},[true]]`, `a.[0] { {"b":1}`, `a.[0].b 0 1`, `a.[1] [ [true]`, `a.[1].[0] t true`,
		`skip { {"c":1}`, `e [ []`, `n n null`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Walk (-want +got):\n%s", diff)
	}
}

// What the readers of raw values are given is valid; if it is not they must
// still end.
func TestHelpersEnd(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"", "[", "{", `{"`, `{"a`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `[1,`, `["`, `["\`, `[[[`, `[}`, `{]`, `{"a"}`, `{"a":}`, `{"a":,}`, `[,,]`, `"\`, `"\u`} {
		n := 0
		Each([]byte(in), func([]byte) bool { n++; return n < 100 })
		EachMember([]byte(in), func(_, _ []byte) bool { n++; return n < 100 })
		Unquote([]byte(in))
		AppendCompact(nil, []byte(in))
		if n >= 100 {
			t.Errorf("%q: does not end", in)
		}
	}
}

func TestParseAllocations(t *testing.T) {
	raw := []byte(testIndicator)
	if got := testing.AllocsPerRun(100, func() {
		if _, err := Parse(raw, Limits{}); err != nil {
			t.Fatal(err)
		}
	}); got > 3 {
		t.Errorf("Parse allocates %v times, want at most 3", got)
	}
}
