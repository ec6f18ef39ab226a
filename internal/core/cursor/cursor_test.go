package cursor

import (
	"bytes"
	"strings"
	"testing"
)

// TestOpen opens cursors for whom they were made, and for nobody else.
func TestOpen(t *testing.T) {
	t.Parallel()
	secret := bytes.Repeat([]byte{7}, 32)
	s := New(secret, "page")
	made := s.Seal([]byte("place 4711"), "ada\x00search")
	if made != s.Seal([]byte("place 4711"), "ada\x00search") {
		t.Error("the same place gives two cursors")
	}
	if strings.Contains(made, "4711") || made[:16] == s.Seal([]byte("place 4712"), "ada\x00search")[:16] || made[:16] == s.Seal([]byte("rchplace 4711"), "ada\x00sea")[:16] {
		t.Error("a cursor tells what it hides, or two of them share a nonce")
	}
	for name, tt := range map[string]struct {
		s             Sealer
		cursor, bound string
		want          bool
	}{
		"its own":         {s, made, "ada\x00search", true},
		"another bound":   {s, made, "ben\x00search", false},
		"another kind":    {New(secret, "trail"), made, "ada\x00search", false},
		"another secret":  {New(make([]byte, 32), "page"), made, "ada\x00search", false},
		"changed":         {s, made[:20] + "AAAA" + made[24:], "ada\x00search", false},
		"cut short":       {s, made[:16], "ada\x00search", false},
		"nothing":         {s, "", "ada\x00search", false},
		"no base64":       {s, "%", "ada\x00search", false},
		"one of no bytes": {s, s.Seal(nil, ""), "", true},
	} {
		got, ok := tt.s.Open(tt.cursor, tt.bound)
		if ok != tt.want || ok && name == "its own" && string(got) != "place 4711" {
			t.Errorf("%s: %q, %t, want %t", name, got, ok, tt.want)
		}
	}
}

func FuzzOpen(f *testing.F) {
	s := New(make([]byte, 32), "page")
	f.Add(s.Seal([]byte("place"), "ada"), "ada")
	f.Add("", "")
	f.Fuzz(func(t *testing.T, text, bound string) {
		if plain, ok := s.Open(text, bound); ok && s.Seal(plain, bound) == "" {
			t.Errorf("%q opens and is not made", text)
		}
	})
}
