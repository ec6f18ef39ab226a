package observable

import (
	"strings"
	"testing"
	"unicode/utf8"

	"casus/stix"
)

func FuzzNormal(f *testing.F) {
	types, lists := Types(), BuiltIn(true)
	index := map[Type]byte{}
	for i, t := range types {
		index[t] = byte(i)
	}
	for _, tc := range normalCases {
		if len(tc.in) < 1024 {
			f.Add(index[tc.typ], tc.in)
		}
	}
	f.Fuzz(func(t *testing.T, i byte, s string) {
		k, err := Normal(types[int(i)%len(types)], s)
		if err != nil {
			return
		}
		if again, err := Normal(k.Type, k.Normal); again != k || err != nil {
			t.Errorf("Normal(%s, %q) = %q, whose normal form is %q (%v)", k.Type, s, k.Normal, again.Normal, err)
		}
		if strings.IndexByte(k.Normal, 0) >= 0 || !utf8.ValidString(k.Normal) || k.Normal == "" {
			t.Errorf("Normal(%s, %q) = %q, which is empty, holds a NUL or is not UTF-8", k.Type, s, k.Normal)
		}
		b := k.Bytes()
		if len(b) < 2 || len(b) > 1+shortBytes {
			t.Errorf("%v.Bytes() has %d bytes", k, len(b))
		}
		if back, ok := ParseBytes(b); ok && back != k {
			t.Errorf("ParseBytes(%v.Bytes()) = %v", k, back)
		}
		if r, ok := Related(k); ok {
			if again, err := Normal(r.Type, r.Normal); again != r || err != nil {
				t.Errorf("Related(%v) = %v, which is not in normal form: %v %v", k, r, again, err)
			}
		}
		lists.Reason(k)
	})
}

func FuzzParse(f *testing.F) {
	for _, tc := range parseCases {
		f.Add(tc.in)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, k := range Parse(s) {
			if again, err := Normal(k.Type, k.Normal); again != k || err != nil {
				t.Errorf("Parse(%q) has %v, which is not in normal form: %v %v", s, k, again, err)
			}
		}
		if len(s) < 4096 {
			if d := Refang(Refang(s)); len(d) > 2*len(s)+16 {
				t.Errorf("Refang grows %q to %d bytes", s, len(d))
			}
			Defang(s)
		}
	})
}

func FuzzFromText(f *testing.F) {
	for _, tc := range textCases {
		f.Add(tc.in)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n := 0
		FromText(s, func(m Mention) {
			n++
			if again, err := Normal(m.Type, m.Normal); again != m.Key || err != nil {
				t.Errorf("FromText(%q) has %v, which is not in normal form: %v %v", s, m.Key, again, err)
			}
		})
		if n > len(s)+1 {
			t.Errorf("%d mentions in %d bytes", n, len(s))
		}
		Words([]byte(s), func(word []byte) {
			w := string(word)
			if len(w) < MinWordBytes || len(w) > MaxWordBytes || !utf8.ValidString(w) {
				t.Errorf("Words(%q) has %q", s, w)
			}
			again := ""
			Words([]byte(w), func(v []byte) { again += string(v) })
			if again != w && len(w) < MaxWordBytes-8 && !wide(w) {
				t.Errorf("Words(%q) has %q, whose words are %q", s, w, again)
			}
		})
	})
}

func wide(s string) bool {
	for _, r := range s {
		if isUnspaced(r) {
			return true
		}
	}
	return false
}

func FuzzPatternValues(f *testing.F) {
	for _, tc := range patternCases {
		f.Add(tc.in)
	}
	f.Fuzz(func(t *testing.T, s string) {
		total := 0
		PatternValues(s, func(path, literal string) {
			total += len(literal)
			if !strings.Contains(path, ":") {
				t.Errorf("PatternValues(%q) has the path %q", s, path)
			}
		})
		if total > len(s) {
			t.Errorf("PatternValues(%q) has %d bytes of literals", s, total)
		}
	})
}

func FuzzFromObject(f *testing.F) {
	for _, tc := range objectCases {
		f.Add(tc.in)
	}
	f.Fuzz(func(t *testing.T, s string) {
		o, err := stix.Parse([]byte(s), stix.Limits{})
		if err != nil {
			return
		}
		FromObject(o, func(m Mention) {
			if again, err := Normal(m.Type, m.Normal); again != m.Key || err != nil {
				t.Errorf("FromObject(%q) has %v, which is not in normal form: %v %v", s, m.Key, again, err)
			}
		})
		Fields(o, func(string, []byte) {})
	})
}

func FuzzReadList(f *testing.F) {
	for _, tc := range listCases {
		f.Add(tc.in, "evil.example")
	}
	f.Fuzz(func(t *testing.T, s, v string) {
		list, err := ReadList(strings.NewReader(s), 1<<16)
		if err != nil {
			return
		}
		var l Lists
		l.Add(list)
		for _, k := range list.ranges {
			if list.types.has(k.Type) {
				if _, ok := l.Reason(k); !ok {
					t.Errorf("ReadList(%q): %v is not found", s, k)
				}
			}
		}
		for _, k := range Parse(v) {
			l.Reason(k)
		}
	})
}
