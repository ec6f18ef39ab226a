package match_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"casus/stix/pattern"
	"casus/stix/pattern/match"
)

// observed makes an observed-data of STIX 2.0 with the objects inside.
func observed(t testing.TB, objects string) *match.Observation {
	t.Helper()
	o, err := match.ObservedData([]byte(`{"type":"observed-data","id":"observed-data--1","number_observed":1,`+
		`"first_observed":"2026-11-05T08:00:00Z","last_observed":"2026-11-05T08:00:00Z","objects":{`+objects+`}}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func compile(t testing.TB, text string) *match.Matcher {
	t.Helper()
	m, err := match.Compile(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return m
}

// thing is an observation with a value of every type.
const thing = `"0":{"type":"x","n":5,"big":9007199254740993,"f":1.5,"yes":true,"s":"hello","nothing":null,` +
	`"cidr":"198.51.100.0/24","ip":"198.51.100.7","ip6":"2001:db8::1","t":"2026-11-05T08:15:00.50Z","lines":"a\nb",` +
	`"list":["a","b"],"dict":{"k":"v","l-m":{"n":1}},"o_acute":"o\u0301","grave":"\u00f2","wide":"\u0103",` +
	`"payload_bin":"dGhpcyBpcyBhIHRlc3Q=","magic_hex":"ffd8","bad_bin":"?","a_ref":"1","some_refs":["1","2"],"gone_ref":"9"},` +
	`"1":{"type":"y","name":"one","x_ref":"0"},"2":{"type":"y","name":"two"}`

// TestComparisons holds comparisons against one object.
//
// Source: stix-2.1 §9.2, §9.6, §9.7.
func TestComparisons(t *testing.T) {
	t.Parallel()
	o := observed(t, thing)
	for in, want := range map[string]bool{
		// §9.6.1: types that cannot be compared are false, but for !=.
		"x:n = 5": true, "x:n = 5.0": true, "x:n = 4": false, "x:n != 4": true, "x:n = '5'": false, "x:n != '5'": true,
		"x:n NOT = '5'": true, "x:n > 4.9": true, "x:n >= 5": true, "x:n < 5": false, "x:n <= 5": true, "x:n < 'z'": false,
		"x:n NOT < 'z'": true, "x:n = true": false, "x:yes = true": true, "x:yes != true": false, "x:yes != false": true,
		"x:yes = 1": false, "x:n != h'05'": true, "x:list = 'a'": false, "x:dict != 'a'": true,
		// §9.2: whole values are compared.
		"x:f = 1": false, "x:f > 1": true, "x:big = 9007199254740993": true, "x:big = 9007199254740992": false,
		// §9.6: a path that leads nowhere is false, whatever the operator.
		"x:none = 1": false, "x:none != 1": false, "x:none NOT = 1": false, "x:none NOT IN ()": false, "z:n != 1": false,
		"x:n.deeper != 1": false, "EXISTS x:none": false, "EXISTS x:n": true, "EXISTS x:list": true, "EXISTS x:dict.k": true,
		"x:nothing = 'a'": false, "x:nothing != 'a'": true, "EXISTS x:nothing": true,
		// §9.6.1: IN.
		"x:n IN (4, 5)": true, "x:n IN (4, 6.5)": false, "x:n NOT IN (4, 6)": true, "x:s IN ()": false, "x:s NOT IN ()": true,
		"x:s IN ('hello')": true, "x:s IN (1)": false,
		// §9.6.1: LIKE and MATCHES.
		"x:s LIKE 'h%o'": true, "x:s LIKE '_____'": true, "x:s LIKE '____'": false, "x:s LIKE 'HELLO'": false, "x:s LIKE '%'": true,
		"x:s LIKE '%l%l%'": true, "x:s LIKE '%l%l%l%'": false, "x:s NOT LIKE 'x%'": true, "x:n LIKE '5'": false, "x:s LIKE ''": false,
		"x:s MATCHES 'l+'": true, "x:s MATCHES '^l'": false, "x:s MATCHES '^h.*o$'": true, "x:lines MATCHES '^a.b$'": true,
		"x:n MATCHES '5'": false, "x:n NOT MATCHES '5'": true, `x:s MATCHES '\\.'`: false, `x:s MATCHES '[[:alpha:]\\]]'`: true,
		// §9.6.2: code points, no normal form; NFC for LIKE and MATCHES.
		"x:s > 'hell'": true, "x:s < 'hellp'": true, "x:o_acute = 'ó'": false, "x:o_acute LIKE 'ó'": true, "x:o_acute LIKE '_'": true,
		"x:o_acute MATCHES '^ó$'": true, "x:grave > 'z'": true, "x:o_acute < 'z'": true,
		// §9.6.3, §9.6.4: bytes.
		"x:payload_bin = 'dGhpcyBpcyBhIHRlc3Q='": false, "x:payload_bin = 'this is a test'": true,
		"x:payload_bin = b'dGhpcyBpcyBhIHRlc3Q='": true, "x:payload_bin = h'7468697320697320612074657374'": true,
		"x:magic_hex = h'ffd8'": true, "x:magic_hex = 'ffd8'": false, "x:magic_hex > h'ff'": true, "x:magic_hex < h'ffd9'": true,
		"x:magic_hex = 'ÿØ'": true, "x:magic_hex = 'ă'": false, "x:magic_hex != 'ă'": true, "x:magic_hex < 'ă'": false,
		`x:magic_hex MATCHES '^\\xff\\xd8$'`: true, "x:magic_hex LIKE 'ÿ_'": true, "x:s = h'68656c6c6f'": true, "x:wide = h'03'": false,
		"x:wide != h'03'": true, "x:bad_bin = h''": false, "x:bad_bin != h''": true, "x:bad_bin LIKE '%'": false,
		// Timestamps are compared as such, whatever their zeros.
		"x:t = t'2026-11-05T08:15:00.5Z'": true, "x:t < t'2026-11-05T08:15:00.500001Z'": true, "x:t > t'2026-11-05T08:15:00Z'": true,
		"x:t = '2026-11-05T08:15:00.5Z'": false, "x:s = t'2026-11-05T08:15:00Z'": false, "x:s != t'2026-11-05T08:15:00Z'": true,
		// §9.6.1: sets.
		"x:ip ISSUBSET '198.51.100.0/24'": true, "x:ip ISSUBSET '198.51.100.9/24'": true, "x:ip ISSUBSET '198.51.101.0/24'": false,
		"x:ip ISSUBSET '198.51.100.7'": true, "x:ip ISSUPERSET '198.51.100.7/32'": true, "x:cidr ISSUPERSET '198.51.100.0/27'": true,
		"x:cidr ISSUBSET '198.51.100.0/27'": false, "x:cidr ISSUPERSET '198.51.0.0/16'": false, "x:ip6 ISSUBSET '2001:db8::/32'": true,
		"x:ip6 ISSUBSET '0.0.0.0/0'": false, "x:s NOT ISSUBSET '0.0.0.0/0'": true, "x:n ISSUPERSET '0.0.0.0/0'": false,
		// §9.7: lists, dictionaries, references.
		"x:list[0] = 'a'": true, "x:list[1] = 'a'": false, "x:list[2] != 'a'": false, "x:list[-1] != 'a'": false, "x:list[*] = 'b'": true,
		"x:list[*] != 'b'": true, "x:list[*] NOT = 'b'": false, "x:list[*] NOT = 'c'": true, "x:dict.k = 'v'": true, "x:dict.'l-m'.n = 1": true,
		"x:dict[*] = 'v'": true, "x:a_ref.name = 'one'": true, "x:a_ref = '1'": true, "x:a_ref.type = 'y'": true,
		"x:some_refs[*].name = 'two'": true, "x:some_refs[0].name = 'two'": false, "x:gone_ref.name != 'one'": false,
		"x:a_ref.x_ref.n = 5": true, "x:s.name = 'one'": false,
		// All paths start from the same object.
		"y:name = 'one' AND y:name = 'two'": false, "y:name = 'one' OR x:n = 4": true, "x:n = 5 AND y:name = 'one'": false,
		"(x:n = 4 OR y:name = 'two') AND (x:n = 5 OR y:name != 'one')": true, "x:n = 4 OR x:n = 5 AND x:f = 9": false,
	} {
		r, err := compile(t, "["+in+"]").Match([]*match.Observation{o}, 0)
		if err != nil || r.Matched != want {
			t.Errorf("[%s] = %v, %v, want %v", in, r.Matched, err, want)
		}
		x := &match.Index{}
		x.Add("p", compile(t, "["+in+"]"))
		hits, err := x.Match(o, 0)
		if err != nil || (len(hits) == 1 && hits[0].Complete) != want {
			t.Errorf("[%s] in an index: %v, %v, want match %v", in, hits, err, want)
		}
	}
}

// TestWholePatterns holds patterns against observations at given seconds.
//
// Source: stix-2.1 §9.5.
func TestWholePatterns(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, pattern, seen string // letter, first second, last second, number
		want                bool
	}{
		{"AND needs two", "[a] AND [a]", "a0", false},
		{"AND of two", "[a] AND [a]", "a0 a0", true},
		{"AND of number_observed", "[a] AND [a]", "a0x2", true},
		{"OR needs one", "[a] OR [b]", "b0", true},
		{"FOLLOWEDBY", "[a] FOLLOWEDBY [b]", "a1 b2", true},
		{"FOLLOWEDBY at once", "[a] FOLLOWEDBY [b]", "a1 b1", true},
		{"FOLLOWEDBY backwards", "[a] FOLLOWEDBY [b]", "b1 a2", false},
		{"FOLLOWEDBY of different ones", "[a] FOLLOWEDBY [a]", "a1", false},
		{"FOLLOWEDBY in spans", "[a] FOLLOWEDBY [b]", "a1-9 b2", true},
		{"FOLLOWEDBY binds least", "[a] AND [b] FOLLOWEDBY [c]", "a1 c2 b3", false},
		{"WITHIN", "([a] AND [b]) WITHIN 2 SECONDS", "a1 b2", true},
		{"WITHIN: not equal", "([a] AND [b]) WITHIN 2 SECONDS", "a1 b3", false},
		{"WITHIN: fractions", "([a] AND [b]) WITHIN 2.000001 SECONDS", "a1 b3", true},
		{"WITHIN in spans", "([a] AND [b]) WITHIN 1 SECONDS", "a1-5 b5-9", true},
		{"WITHIN of the last alone", "[a] AND [b] WITHIN 1 SECONDS", "a1 b9", true},
		{"START", "[a] START t'1970-01-01T00:00:05Z' STOP t'1970-01-01T00:00:06Z'", "a5", true},
		{"STOP is not in", "[a] START t'1970-01-01T00:00:04Z' STOP t'1970-01-01T00:00:05Z'", "a5", false},
		{"an empty span", "[a] START t'1970-01-01T00:00:05Z' STOP t'1970-01-01T00:00:05Z'", "a1-9", false},
		{"REPEATS", "[a] REPEATS 3 TIMES", "a1 b2 a3 a9", true},
		{"REPEATS too few", "[a] REPEATS 3 TIMES", "a1 b2 a3", false},
		{"REPEATS of number_observed", "[a] REPEATS 1000000 TIMES", "a1x999999 a2", true},
		{"REPEATS WITHIN", "[a] REPEATS 3 TIMES WITHIN 3 SECONDS", "a1 a4 a5 a6", true},
		{"REPEATS WITHIN too wide", "[a] REPEATS 3 TIMES WITHIN 2 SECONDS", "a1 a4 a5 a6", false},
		{"REPEATS then WITHIN of each", "([a] AND [b] REPEATS 2 TIMES) WITHIN 5 SECONDS", "a1 b2 b5", true},
		{"after one, five times another", "[a] FOLLOWEDBY [b] REPEATS 2 TIMES", "a2 b1 b3 b4", true},
		{"pairs", "([a] FOLLOWEDBY [b]) REPEATS 2 TIMES", "a1 a2 b3 b4", true},
		{"pairs that are none", "([a] FOLLOWEDBY [b]) REPEATS 2 TIMES", "a1 b2 b3 a4", false},
		{"pairs of windows", "(([a] FOLLOWEDBY [b]) WITHIN 2 SECONDS) REPEATS 2 TIMES", "a1 b2 a5 b6", true},
		{"one window of pairs", "([a] FOLLOWEDBY [b]) REPEATS 2 TIMES WITHIN 2 SECONDS", "a1 b2 a5 b6", false},
		{"no observations", "[a] OR [b]", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			text := strings.NewReplacer("[a]", "[x:k = 'a']", "[b]", "[x:k = 'b']", "[c]", "[x:k = 'c']").Replace(c.pattern)
			var obs []*match.Observation
			for s := range strings.FieldsSeq(c.seen) {
				obs = append(obs, at(t, s))
			}
			r, err := compile(t, text).Match(obs, 0)
			if err != nil || r.Matched != c.want || r.Matched != (len(r.Binding) > 0) {
				t.Errorf("%s over %s = %+v, %v, want %v", c.pattern, c.seen, r, err, c.want)
			}
		})
	}
}

// at makes an observation of its letter, seconds and number: a5, a5-9, a5x3.
func at(t *testing.T, s string) *match.Observation {
	t.Helper()
	rest, count, ok := strings.Cut(s[1:], "x")
	if !ok {
		count = "1"
	}
	first, last, ok := strings.Cut(rest, "-")
	if !ok {
		last = first
	}
	o, err := match.ObservedData(fmt.Appendf(nil, `{"type":"observed-data","number_observed":%s,"first_observed":"1970-01-01T00:00:%02sZ",`+
		`"last_observed":"1970-01-01T00:00:%02sZ","objects":{"0":{"type":"x","k":"%s"}}}`, count, first, last, s[:1]), nil)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// TestReferenced follows references of STIX 2.1.
//
// Source: stix-2.1 §9.7.4.
func TestReferenced(t *testing.T) {
	t.Parallel()
	objects := [][]byte{
		[]byte(`{"type":"ipv4-addr","id":"ipv4-addr--1","value":"192.0.2.1"}`),
		[]byte(`{"type":"ipv4-addr","id":"ipv4-addr--2","value":"192.0.2.2"}`),
		[]byte(`{"type":"network-traffic","id":"network-traffic--1","src_ref":"ipv4-addr--1","dst_ref":"ipv4-addr--2"}`),
		[]byte(`{"type":"relationship","id":"relationship--1"}`),
		[]byte(`{"type":"observed-data","id":"observed-data--1","number_observed":3,"first_observed":"2026-11-05T08:00:00Z",` +
			`"last_observed":"2026-11-05T09:00:00Z","object_refs":["network-traffic--1","ipv4-addr--1","relationship--1","file--gone"]}`),
		[]byte(`{"type":`),
	}
	obs, errs := match.Observations(objects)
	if len(obs) != 1 || len(errs) != 1 || obs[0].Count != 3 || obs[0].ID != "observed-data--1" {
		t.Fatalf("Observations = %+v, %v, want one of three and one error", obs, errs)
	}
	for text, want := range map[string]bool{
		"[network-traffic:src_ref.value = '192.0.2.1']": true,
		"[network-traffic:dst_ref.value = '192.0.2.2']": false, // not in object_refs
		"[network-traffic:dst_ref = 'ipv4-addr--2']":    true,
		"[ipv4-addr:value = '192.0.2.2']":               false,
		"[relationship:id = 'relationship--1']":         false,
		"[observed-data:number_observed = 3]":           false,
	} {
		if r, err := compile(t, text).Match(obs, 0); err != nil || r.Matched != want {
			t.Errorf("%s = %v, %v, want %v", text, r.Matched, err, want)
		}
	}
	find := func(id string) []byte {
		i := slices.IndexFunc(objects, func(o []byte) bool { return strings.Contains(string(o), `"id":"`+id+`"`) })
		if i < 0 {
			return nil
		}
		return objects[i]
	}
	o, err := match.Object(objects[2], time.Time{}, find)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{
		"[network-traffic:dst_ref.value = '192.0.2.2']":                                                    true,
		"[ipv4-addr:value = '192.0.2.2']":                                                                  false, // only referred to
		"[network-traffic:dst_ref.value = '192.0.2.2'] WITHIN 1 SECONDS":                                   true,
		"[EXISTS network-traffic:id] START t'2000-01-01T00:00:00Z' STOP t'2100-01-01T00:00:00Z'":           false, // without a time
		"[EXISTS network-traffic:id] OR ([EXISTS a:b] FOLLOWEDBY [EXISTS network-traffic:id])":             true,
		"[EXISTS network-traffic:id] FOLLOWEDBY [EXISTS network-traffic:id]":                               false,
		"([EXISTS network-traffic:id] OR ([EXISTS network-traffic:id] AND [EXISTS a:b])) WITHIN 1 SECONDS": true,
	} {
		if r, err := compile(t, text).Match([]*match.Observation{o}, 0); err != nil || r.Matched != want {
			t.Errorf("bare object: %s = %v, %v, want %v", text, r.Matched, err, want)
		}
	}
}

func TestBadObservations(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{
		``, `[]`, `{}`, `{"type":"file"}`, `{"type":"observed-data","number_observed":0}`, `{"type":"observed-data","number_observed":1.5}`,
		`{"type":"observed-data","first_observed":"monday","last_observed":"2026-11-05T08:00:00Z"}`,
		`{"type":"observed-data","first_observed":"2026-02-30T08:00:00Z","last_observed":"2026-11-05T08:00:00Z"}`,
		`{"type":"observed-data","type":"x"}`, `{"type":"observed-data"} {}`, `{"x":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`,
	} {
		if o, err := match.ObservedData([]byte(raw), nil); err == nil {
			t.Errorf("ObservedData(%.60s) = %+v, want an error", raw, o)
		}
	}
	if o, err := match.Object([]byte(`{"id":"x"}`), time.Time{}, nil); err == nil {
		t.Errorf("Object without a type = %+v, want an error", o)
	}
}

// TestRefused lists what the grammar lets pass and a matcher does not.
func TestRefused(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		"[a:b = t'2026-02-30T00:00:00Z']": "calendar",
		"[a:b = 1] WITHIN 0 SECONDS":      "above 0",
		"[a:b IN (1, 'x')]":               "several types",
		"[a:b ISSUBSET 'hello']":          "no address",
		"[a:b ISSUPERSET '192.0.2.0/40']": "no address",
		"[a:b MATCHES 'x(?=y)']":          "look-around",
		"[a:b MATCHES '(?<!x)y']":         "look-around",
		`[a:b MATCHES '(x)\\1']`:          "back-reference",
		`[a:b MATCHES '(?P<n>x)\\k<n>']`:  "back-reference",
		"[a:b MATCHES '(?>x)']":           "atomic",
		"[a:b MATCHES '(x']":              "missing closing",
		"[a:b MATCHES 'x{1,2000}']":       "invalid repeat count",
		"[a:b MATCHES '" + strings.Repeat("x", match.MaxRegexpBytes+1) + "']":  "at most",
		"[a:b = 1] START t'2026-02-30T00:00:00Z' STOP t'2026-03-01T00:00:00Z'": "no timestamp",
	} {
		_, err := match.Compile(text)
		e, ok := errors.AsType[*pattern.Error](err)
		if !ok || !strings.Contains(err.Error(), says) || e.Line != 1 {
			t.Errorf("Compile(%.60s) = %v, want an error with %q", text, err, says)
		}
	}
	if _, err := match.New(&pattern.Pattern{}); err == nil {
		t.Error("New of the zero pattern gave no error")
	}
	for _, text := range []string{`[a:b MATCHES '[(?=]']`, `[a:b MATCHES '\\(?=x']`, `[a:b MATCHES '[](?=]']`, `[a:b MATCHES '(?:x)(?i)y']`} {
		compile(t, text)
	}
}

func TestNotes(t *testing.T) {
	t.Parallel()
	r, err := compile(t, "[x:s = t'2026-11-05T08:15:00Z']").Match([]*match.Observation{observed(t, thing)}, 0)
	want := match.Result{Notes: []string{"a timestamp is compared with 'hello', which is none"}}
	if diff := cmp.Diff(want, r); diff != "" || err != nil {
		t.Errorf("result (-want +got), %v:\n%s", err, diff)
	}
}

// TestBudget runs patterns and observations made to explode.
func TestBudget(t *testing.T) {
	t.Parallel()
	var circle strings.Builder
	for i := range 100 {
		if i > 0 {
			circle.WriteByte(',')
		}
		fmt.Fprintf(&circle, `"%d":{"type":"x","all_refs":["0"`, i)
		for j := 1; j < 100; j++ {
			fmt.Fprintf(&circle, `,"%d"`, j)
		}
		circle.WriteString(`]}`)
	}
	same := make([]*match.Observation, 300)
	for i := range same {
		same[i] = observed(t, `"0":{"type":"x","k":"a"}`)
	}
	var ands []string
	for i := range 12 {
		ands = append(ands, fmt.Sprintf("([x:k = 'a'] FOLLOWEDBY [x:k != '%d']) WITHIN %d SECONDS REPEATS 7 TIMES", i, i+1))
	}
	for _, c := range []struct {
		name, pattern string
		obs           []*match.Observation
	}{
		{"references in a circle", "[x" + ":all_refs" + strings.Repeat("[*].all_refs", 12) + "[*].k = 'b']", []*match.Observation{observed(t, circle.String())}},
		{"copies of everything", strings.Join(ands, " FOLLOWEDBY ") + " FOLLOWEDBY [x:k = 'b']", append(same[:250:250], observed(t, `"0":{"type":"x","k":"b"}`))},
		{"many ways", strings.Repeat("([x:k = 'a'] REPEATS 2 TIMES OR [x:k != 'b'] REPEATS 3 TIMES) FOLLOWEDBY ", 60) + "[x:k = 'a']", same},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := compile(t, c.pattern)
			begun := time.Now()
			r, err := m.Match(c.obs, 1_000_000)
			if took := time.Since(begun); took > 20*time.Second {
				t.Errorf("took %v", took)
			}
			if err != nil && (!errors.Is(err, match.ErrBudget) || r.Matched) {
				t.Errorf("Match = %+v, %v, want an answer or ErrBudget", r, err)
			}
			if _, err := m.Match(c.obs, 50); !errors.Is(err, match.ErrBudget) {
				t.Errorf("Match with 50 steps = %v, want ErrBudget", err)
			}
			x := &match.Index{}
			x.Add("p", m)
			if _, err := x.Match(c.obs[0], 1); !errors.Is(err, match.ErrBudget) {
				t.Errorf("Index.Match with one step = %v, want ErrBudget", err)
			}
		})
	}
}
