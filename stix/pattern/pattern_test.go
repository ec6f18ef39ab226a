package pattern_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"casus/stix/pattern"
)

// TestCanonical holds what was read against the one way to write it.
func TestCanonical(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, in, want string }{
		{"plain", "[file:name='a.exe']", "[file:name = 'a.exe']"},
		{"spellings", "[file:size == 1 OR file:size<>2]", "[file:size = 1 OR file:size != 2]"},
		{"space", "\n[\u00a0file:size\t>=\u30003 ]\r\n", "[file:size >= 3]"},
		{"comments", "/* why */ [file:size < 3] // and so on", "[file:size < 3]"},
		{"plus sign", "[file:size = +5]", "[file:size = 5]"},
		{"floats", "[a:b = .5 OR a:b = -2.50 OR a:b = 3.0]", "[a:b = 0.5 OR a:b = -2.5 OR a:b = 3.0]"},
		{"bytes", "[a:b = h'00FF' OR a:b = b'VGVzdA==']", "[a:b = h'00ff' OR a:b = b'VGVzdA==']"},
		{"Base64 with line feeds", "[a:b = b'VGVz\ndA==']", "[a:b = b'VGVzdA==']"},
		{"escapes", `[a:b = 'it\'s C:\\']`, `[a:b = 'it\'s C:\\']`},
		{"names that need no quotes", "[file:'name' = 'a']", "[file:name = 'a']"},
		{"names that need quotes", "[file:hashes.'SHA-256' = 'a' AND a:'x.y'.'LIKE'.'' = 1]", "[file:hashes.'SHA-256' = 'a' AND a:'x.y'.'LIKE'.'' = 1]"},
		{"indexes", "[a:b[0].c[*].d[-1] = true]", "[a:b[0].c[*].d[-1] = true]"},
		{"NOT", "[a:b NOT = 1 AND a:c NOT IN ('x','y') AND a:d NOT LIKE '%']", "[a:b NOT = 1 AND a:c NOT IN ('x', 'y') AND a:d NOT LIKE '%']"},
		{"empty set", "[a:b IN ( )]", "[a:b IN ()]"},
		{"EXISTS", "[EXISTS a:b.c]", "[EXISTS a:b.c]"},
		{"AND before OR", "[a:b = 1 OR (a:b = 2 AND a:b = 3)]", "[a:b = 1 OR a:b = 2 AND a:b = 3]"},
		{"OR in AND", "[(a:b = 1 OR a:b = 2) AND a:b = 3]", "[(a:b = 1 OR a:b = 2) AND a:b = 3]"},
		{"needless parentheses", "(([((a:b = 1))]))", "[a:b = 1]"},
		{"same operator", "([a:b = 1] AND [a:b = 2]) AND [a:b = 3]", "[a:b = 1] AND [a:b = 2] AND [a:b = 3]"},
		{
			"FOLLOWEDBY binds least", "([a:b = 1] OR [a:b = 2]) FOLLOWEDBY ([a:b = 3] AND [a:b = 4])",
			"[a:b = 1] OR [a:b = 2] FOLLOWEDBY [a:b = 3] AND [a:b = 4]",
		},
		{
			"FOLLOWEDBY in AND", "[a:b = 1] AND ([a:b = 2] FOLLOWEDBY [a:b = 3])",
			"[a:b = 1] AND ([a:b = 2] FOLLOWEDBY [a:b = 3])",
		},
		{
			"qualifiers", "([a:b = 1] AND [a:b = 2])  REPEATS 5 TIMES WITHIN 1.50 SECONDS START t'2026-01-01T00:00:00Z' STOP t'2026-01-02T00:00:00.50Z'",
			"([a:b = 1] AND [a:b = 2]) REPEATS 5 TIMES WITHIN 1.5 SECONDS START t'2026-01-01T00:00:00Z' STOP t'2026-01-02T00:00:00.50Z'",
		},
		{"a qualifier of its own", "[a:b = 1] AND [a:b = 2] WITHIN 5 SECONDS", "[a:b = 1] AND [a:b = 2] WITHIN 5 SECONDS"},
		{
			"a qualifier twice", "([a:b = 1]) WITHIN 5 SECONDS REPEATS 2 TIMES WITHIN 6 SECONDS",
			"([a:b = 1] WITHIN 5 SECONDS) REPEATS 2 TIMES WITHIN 6 SECONDS",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p, err := pattern.Parse(c.in)
			if err != nil {
				t.Fatal(err)
			}
			if got := p.String(); got != c.want {
				t.Errorf("Parse(%q) is written %q, want %q", c.in, got, c.want)
			}
			again, err := pattern.Parse(p.String())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(p, again, cmpopts.IgnoreTypes(pattern.Position{})); diff != "" {
				t.Errorf("read again, the canonical form of %q differs (-first +again):\n%s", c.in, diff)
			}
		})
	}
}

func TestTree(t *testing.T) {
	t.Parallel()
	p, err := pattern.Parse("[a:b[0] NOT IN (1, 'x')] REPEATS 2 TIMES")
	if err != nil {
		t.Fatal(err)
	}
	want := &pattern.Pattern{Expr: &pattern.Qualified{
		Expr: &pattern.Observation{Cond: &pattern.Comparison{
			Path: pattern.Path{Type: "a", Steps: []pattern.Step{{Kind: pattern.Name, Name: "b"}, {Kind: pattern.Index}}},
			Not:  true, Op: pattern.In,
			Values: []pattern.Constant{{Kind: pattern.Integer, Int: 1}, {Kind: pattern.String, Text: "x"}},
			At:     pattern.Position{Line: 1, Column: 2, Byte: 1},
		}},
		By: pattern.Qualifier{Kind: pattern.Repeats, Times: 2, At: pattern.Position{Line: 1, Column: 26, Byte: 25}},
	}}
	if diff := cmp.Diff(want, p); diff != "" {
		t.Errorf("tree (-want +got):\n%s", diff)
	}
	n := 0
	p.Comparisons(func(*pattern.Comparison) bool { n++; return true })
	if n != 1 {
		t.Errorf("%d comparisons, want 1", n)
	}
	if got := (&pattern.Pattern{}).String(); got != "" {
		t.Errorf("the zero pattern is written %q, want nothing", got)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, in     string
		line, column int
		says         string
	}{
		{"nothing", "", 1, 1, "the end, want"},
		{"no brackets", "file:size = 1", 1, 1, "square brackets"},
		{"second line, beyond ASCII", "[a:b = 'é'\n AND a:é = 1]", 2, 8, `"é"`},
		{"lower case", "[a:b = 1] and [a:b = 2]", 1, 11, "capitals"},
		{"regular expression", "[a:b MATCHES /x/]", 1, 14, "apostrophes"},
		{"hyphen", "[a:b-c = 1]", 1, 4, "apostrophes"},
		{"ordered boolean", "[a:b < true]", 1, 8, "boolean"},
		{"escape", `[a:b = 'C:\x']`, 1, 11, `write \\`},
		{"open quote", "[a:b = 'x]", 1, 8, "not closed"},
		{"open comment", "[a:b = 1] /* x", 1, 11, "not closed"},
		{"odd hex", "[a:b = h'abc']", 1, 8, "hexadecimal"},
		{"bad Base64", "[a:b = b'abc']", 1, 8, "Base64"},
		{"month 13", "[a:b = t'2026-13-01T00:00:00Z']", 1, 8, "2026-11-05T08:15:00Z"},
		{"leading zero", "[a:b = 007]", 1, 8, "leading zero"},
		{"large integer", "[a:b = 99999999999999999999]", 1, 8, "64 bits"},
		{"large float", "[a:b = 1" + strings.Repeat("0", 400) + ".0]", 1, 8, "double"},
		{"REPEATS 0", "[a:b = 1] REPEATS 0 TIMES", 1, 19, "above 0"},
		{"WITHIN -1", "[a:b = 1] WITHIN -1 SECONDS", 1, 18, "not negative"},
		{"twice", "[a:b = 1] REPEATS 2 TIMES REPEATS 2 TIMES", 1, 27, "twice"},
		{"START with text", "[a:b = 1] START '2026-01-01T00:00:00Z' STOP '2026-01-02T00:00:00Z'", 1, 17, "t'…'"},
		{"bad UTF-8", "[a:b = '\xff']", 1, 9, "UTF-8"},
		{"too deep", strings.Repeat("(", 65) + "[a:b = 1]" + strings.Repeat(")", 65), 1, 65, "64 parentheses"},
		{"too many qualifiers", "([a:b = 1])" + strings.Repeat(" REPEATS 2 TIMES", 70), 1, 1037, "64 parentheses"},
		{"too many tokens", "[a:b IN (" + strings.Repeat("1,", pattern.MaxTokens) + "1)]", 1, 200004, "more than 200000"},
		{"too long", "[a:b = '" + strings.Repeat("x", pattern.MaxBytes) + "']", 1, pattern.MaxBytes + 1, "at most 4194304"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := pattern.Parse(c.in)
			e, ok := errors.AsType[*pattern.Error](err)
			if !ok {
				t.Fatalf("Parse(%.80q) = %v, want an error with a place", c.in, err)
			}
			if e.Line != c.line || e.Column != c.column || !strings.Contains(e.Error(), c.says) || e.Remedy == "" {
				t.Errorf("Parse(%.80q): %v, want line %d, column %d and %q", c.in, err, c.line, c.column, c.says)
			}
		})
	}
}

func TestVersion20(t *testing.T) {
	t.Parallel()
	const old = "[a:b = 1] START '2026-01-01T00:00:00Z' STOP t'2026-01-02T00:00:00Z'"
	p, err := pattern.ParseVersion(old, pattern.V20)
	if err != nil {
		t.Fatal(err)
	}
	want := "[a:b = 1] START t'2026-01-01T00:00:00Z' STOP t'2026-01-02T00:00:00Z'"
	if got := p.String(); got != want {
		t.Errorf("%q is written %q, want %q", old, got, want)
	}
	if _, err := pattern.ParseVersion("[a:b = 1] START 'monday' STOP 'friday'", pattern.V20); err == nil {
		t.Error("START 'monday' was read")
	}
}

// Source: stix-2.1 §10.6.
func TestCheck(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]bool{
		"[file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e']":            true,
		"[file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427']":             false,
		"[file:hashes.'SHA-256' IN ('" + strings.Repeat("a", 64) + "')]":    true,
		"[file:hashes.'SHA-256' IN ('" + strings.Repeat("g", 64) + "')]":    false,
		"[file:hashes.'SHA-1' LIKE 'abc%']":                                 true,
		"[file:hashes.ssdeep = '96:abc:def']":                               true,
		"[a:b = 1] AND [x:y.hashes.'SHA3-512' = 'f00' OR a:hashes.MD5 = 1]": false,
	} {
		p, err := pattern.Parse(in)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Check(); (err == nil) != want {
			t.Errorf("Check(%q) = %v, want well %v", in, err, want)
		}
	}
}

func TestEquivalent(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"[a:b = 1 AND a:c = 2]", "[a:c = 2.0 AND a:b = 1]", true},
		{"[a:b = 1 AND (a:b = 1 OR a:c = 2)]", "[a:b = 1]", true},
		{"[a:b = 1 AND c:d = 2]", "[e:f = 1 AND g:h = 2]", true}, // neither can match
		{"[a:b = 1 AND c:d = 2] OR [e:f = 3]", "[e:f = 3]", true},
		{"[a:b IN (2, 1, 2)]", "[a:b IN (1, 2)]", true},
		{"[a:b IN ('x')]", "[a:b = 'x']", true},
		{"[a:b = h'54657374']", "[a:b = b'VGVzdA==']", true},
		{"[a:b NOT = 1]", "[a:b = 1]", false},
		{"[a:b = 1] AND [a:b = 1]", "[a:b = 1]", false},
		{"[a:b = 1] AND ([a:b = 2] OR [a:b = 3])", "[a:b = 2] AND [a:b = 1] OR [a:b = 1] AND [a:b = 3]", true},
		{"[a:b = 1] OR [a:b = 1] FOLLOWEDBY [a:b = 2]", "[a:b = 1] FOLLOWEDBY [a:b = 2]", true},
		{"[a:b = 1] FOLLOWEDBY [a:b = 2]", "[a:b = 2] FOLLOWEDBY [a:b = 1]", false},
		{"([a:b = 1] FOLLOWEDBY [a:b = 2] FOLLOWEDBY [a:b = 3]) OR ([a:b = 1] FOLLOWEDBY [a:b = 3])", "[a:b = 1] FOLLOWEDBY [a:b = 3]", true},
		{"[a:b = 1] REPEATS 2 TIMES", "[a:b = 1] REPEATS 3 TIMES", false},
		{"[ipv4-addr:value = '192.0.2.7/24']", "[ipv4-addr:value = '192.0.2.0/24']", true},
		{"[domain-name:value = '192.0.2.7/32']", "[domain-name:value = '192.0.2.7']", false},
		{"[windows-registry-key:key = 'HKEY_Users']", "[windows-registry-key:key = 'hkey_users']", true},
	} {
		a, err := pattern.Parse(c.a)
		if err != nil {
			t.Fatal(err)
		}
		b, err := pattern.Parse(c.b)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if got, err := pattern.Equivalent(a, b); got != c.want || err != nil {
				t.Errorf("Equivalent(%s, %s) = %v, %v, want %v", a, b, got, err, c.want)
			}
			a, b = b, a
		}
	}
}

// TestEquivalentIsBounded unfolds into two to the power of twenty alternatives.
func TestEquivalentIsBounded(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		strings.Repeat("([a:b = 1] OR [a:b = 2]) AND ", 20) + "[a:b = 3]",
		strings.Repeat("([a:b = 1] OR [a:b = 2]) FOLLOWEDBY ", 20) + "[a:b = 3]",
	} {
		p, err := pattern.Parse(in)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := pattern.Equivalent(p, p); err != nil && !errors.Is(err, pattern.ErrComplex) {
			t.Errorf("Equivalent(%s) = %v, want an answer or ErrComplex", in, err)
		}
	}
	var parts []string
	for i := range 20 {
		n := string(rune('a' + i))
		parts = append(parts, "(x:"+n+" = 1 OR x:"+n+" = 2)")
	}
	p, err := pattern.Parse("[" + strings.Join(parts, " AND ") + "]")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pattern.Equivalent(p, p); !errors.Is(err, pattern.ErrComplex) {
		t.Errorf("Equivalent of twenty ORs = %v, want ErrComplex", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"[file:name = 'a.exe']", `[a:b.'c-d'[*].e_ref.f[0] NOT IN ('x\'\\', 1, -2.5, true, h'00', b'AA==', t'2026-01-01T00:00:00.5Z')]`,
		"([a:b LIKE '%_'] FOLLOWEDBY [EXISTS c:d]) WITHIN 5.5 SECONDS REPEATS 2 TIMES AND [e:f MATCHES '^x'] OR [g:h ISSUBSET '192.0.2.0/24']",
		"[a:b = 1] START t'2026-01-01T00:00:00Z' STOP t'2026-01-02T00:00:00Z'", "([a:b=1]) WITHIN 1 SECONDS WITHIN 2 SECONDS",
		"[(a:b = 1 OR a:c != 2) AND a:d >= 3] /* x */ // y", "((((", "[a:b = '", "[a:b = 1e5]",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := pattern.Parse(s)
		if err != nil {
			e, ok := errors.AsType[*pattern.Error](err)
			if !ok || e.Line < 1 || e.Column < 1 || e.Byte < 0 || e.Byte > len(s) {
				t.Fatalf("Parse(%q): %v has no place", s, err)
			}
			return
		}
		text := p.String()
		again, err := pattern.Parse(text)
		if err != nil {
			t.Fatalf("%q is written %q, which is refused: %v", s, text, err)
		}
		if got := again.String(); got != text {
			t.Fatalf("%q is written %q, then %q", s, text, got)
		}
		if same, err := pattern.Equivalent(p, again); err == nil && !same {
			t.Fatalf("%q is not equivalent to itself", text)
		}
		_ = p.Check()
	})
}
