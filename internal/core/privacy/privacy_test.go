package privacy

import (
	"encoding/json/v2"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"casus/internal/fault"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		p   Processing
		bad string
	}{
		"nothing":        {Processing{}, ""},
		"all":            {Processing{"defence of networks", "GDPR Art. 6(1)(e)", "indicator-90d"}, ""},
		"unknown class":  {Processing{Retention: "indicator-91d"}, "there is no such class"},
		"other case":     {Processing{Retention: "Public"}, "there is no such class"},
		"long purpose":   {Processing{Purpose: strings.Repeat("x", maxWords+1)}, "purpose"},
		"line in basis":  {Processing{Basis: "a\nb"}, "legal basis"},
		"escape in both": {Processing{Purpose: "\x1b[2J"}, "purpose"},
	} {
		err := tt.p.Check()
		if tt.bad == "" && err != nil || tt.bad != "" && (fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), tt.bad)) {
			t.Errorf("%s: Check() = %v, want %q", name, err, tt.bad)
		}
	}
}

// TestClasses keeps the table in order: each has a reason, times rise, and only the
// last has none.
func TestClasses(t *testing.T) {
	t.Parallel()
	days := 0
	for i, c := range Classes() {
		got, ok := ClassOf(c.Name)
		if !ok || got != c || c.Why == "" {
			t.Errorf("ClassOf(%s) = %+v, %t", c.Name, got, ok)
		}
		if last := i == len(classes)-1; last != (c.Days == 0) || !last && c.Days <= days {
			t.Errorf("%s: %d days after %d", c.Name, c.Days, days)
		}
		days = c.Days
	}
	if _, ok := ClassOf(""); ok {
		t.Error("the empty name is a class")
	}
}

// TestShortens: a class shortens what was held longer, or without end.
func TestShortens(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		was, now string
		want     bool
	}{
		{"", "evidence-10y", true},
		{"public", "evidence-10y", true},
		{"indicator-90d", "traffic-30d", true},
		{"indicator-90d", "indicator-90d", false},
		{"indicator-90d", "incident-1y", false},
		{"indicator-90d", "", false},
		{"indicator-90d", "public", false},
		{"public", "", false},
		{"", "", false},
	} {
		if got := Shortens(tt.was, tt.now); got != tt.want {
			t.Errorf("Shortens(%q, %q) = %t, want %t", tt.was, tt.now, got, tt.want)
		}
	}
}

func TestDue(t *testing.T) {
	t.Parallel()
	in := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	ninety, _ := ClassOf("indicator-90d")
	public, _ := ClassOf("public")
	for name, tt := range map[string]struct {
		c             Class
		received, now time.Time
		want          bool
	}{
		"before":           {ninety, in, in.Add(90*24*time.Hour - 1), false},
		"at the end":       {ninety, in, in.Add(90 * 24 * time.Hour), true},
		"never":            {public, in, in.AddDate(1000, 0, 0), false},
		"no class":         {Class{}, in, in.AddDate(1000, 0, 0), false},
		"clock put back":   {ninety, in, in.AddDate(-1, 0, 0), false},
		"time is not told": {ninety, time.Time{}, in, false},
	} {
		if got := tt.c.Due(tt.received, tt.now); got != tt.want {
			t.Errorf("%s: Due() = %t, want %t", name, got, tt.want)
		}
	}
}

func wide(s string, high bool) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		if high {
			b = append(b, byte(u>>8), byte(u))
		} else {
			b = append(b, byte(u), byte(u>>8))
		}
	}
	return b
}

func TestFinder(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		value string
		in    []byte
		want  bool
	}{
		"as it is":           {"Zoë Muster", []byte("by Zoë Muster."), true},
		"another case":       {"Zoë Muster", []byte("by ZOË MUSTER."), true},
		"escaped":            {"Zoë Muster", []byte(`"by Zo\u00eb Muster"`), true},
		"escaped wholly":     {"a/b@example.org", []byte(`"\u0061\/\u0062\u0040example.org"`), true},
		"escaped pair":       {"x😀y", []byte(`"x\uD83D\uDE00y"`), true},
		"Latin-1":            {"Zoë Muster", []byte("by Zo\xeb Muster."), true},
		"UTF-16, low first":  {"Zoë Muster", wide("by ZOë Muster.", false), true},
		"UTF-16, high first": {"Zoë Muster", wide("by Zoë MUSTER.", true), true},
		"not UTF-8 around":   {"muster", []byte("\xff\xfeMuster\xff"), true},
		"spaces around":      {"  muster ", []byte("muster"), true},
		"another":            {"Zoë Muster", []byte("by Zoe Muster."), false},
		"cut":                {"Zoë Muster", []byte("by Zoë Muste"), false},
		"nothing":            {"muster", nil, false},
		"lone escape":        {"muster", []byte(`\u00 \ud83d \`), false},
	} {
		f, err := NewFinder(tt.value)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.In(tt.in); got != tt.want {
			t.Errorf("%s: In(%q) = %t, want %t", name, tt.in, got, tt.want)
		}
	}
	for _, bad := range []string{"", "ab", "   ab   ", strings.Repeat("x", MaxValueBytes+1), "ab\xff"} {
		if _, err := NewFinder(bad); fault.KindOf(err) != fault.Invalid {
			t.Errorf("NewFinder(%.10q) = %v, want Invalid", bad, err)
		}
	}
	var none *Finder
	if none.In([]byte("x")) || new(Finder).In([]byte("x")) {
		t.Error("a finder of nothing finds something")
	}
}

// FuzzFinder holds the finder to what a text is and to how it is written as JSON.
func FuzzFinder(f *testing.F) {
	f.Add("Muster", "by muster", 3)
	f.Add("a\\u0040b", `a\u0040b`, 0)
	f.Fuzz(func(t *testing.T, value, around string, cut int) {
		find, err := NewFinder(value)
		if err != nil {
			return
		}
		_ = find.InText(around)
		if strings.Contains(value, `\`) {
			return // what is an escape cannot be told
		}
		value = strings.TrimSpace(value)
		around = strings.ToValidUTF8(strings.ReplaceAll(around, `\`, ""), "")
		at := min(max(cut, 0), len(around))
		text := strings.ToValidUTF8(around[:at], "") + value + strings.ToValidUTF8(around[at:], "")
		if !find.InText(text) {
			t.Errorf("InText(%q) = false for %q", text, value)
		}
		raw, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		if !find.In(raw) {
			t.Errorf("In(%s) = false for %q", raw, value)
		}
	})
}
