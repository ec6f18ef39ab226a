package marking

import (
	"encoding/xml"
	"testing"

	"github.com/google/go-cmp/cmp"

	"casus/tlp"
)

func FuzzParseSet(f *testing.F) {
	for _, s := range []string{"TLP:RED", fullText, "TLP:AMBER;imputed;to=;marking-definition--a", "TLP:CLEAR;to=AAA/x,AAA/x", "TLP:GREEN;recalled;nb="} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(text)
		if err != nil {
			if diff := cmp.Diff(Set{}, s); diff != "" {
				t.Errorf("Parse(%q) leaves something behind:\n%s", text, diff)
			}
			return
		}
		if got := s.String(); got != text {
			t.Errorf("Parse(%q) is written %q", text, got)
		}
		if err := s.Validate(); err != nil {
			t.Errorf("Parse(%q): %v", text, err)
		}
		for _, both := range []Set{Combine(s, Set{TLP: tlp.Clear}), Within(s, s), Combine(s, s)} {
			if err := both.Validate(); err != nil {
				t.Errorf("combined from %q: %v", text, err)
			}
		}
	})
}

func FuzzParseLabel(f *testing.F) {
	f.Add([]byte(labelText))
	f.Add([]byte(`<ConfidentialityLabel xmlns="` + labelSpace + `"><ConfidentialityInformation><PolicyIdentifier>ALLIANCE</PolicyIdentifier>` +
		`<Classification>SECRET</Classification></ConfidentialityInformation></ConfidentialityLabel>`))
	ls := builtInLadders(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		l, err := ParseLabel(text)
		if err != nil {
			return
		}
		s := ls.Set(l)
		if err := s.Validate(); err != nil {
			t.Errorf("Set: %v", err)
		}
		if len(s.Classes) != 1 || s.TLP != tlp.Red {
			t.Errorf("Set = %s, want one classification, and RED", s)
		}
		out, err := xml.Marshal(l)
		if err != nil {
			t.Fatalf("write: %v", err)
		}
		back, err := ParseLabel(out)
		if err != nil {
			t.Fatalf("%s is written as %s: %v", text, out, err)
		}
		if diff := cmp.Diff(l, back); diff != "" {
			t.Errorf("round trip of %s (-want +got):\n%s", out, diff)
		}
	})
}

func FuzzParseLadder(f *testing.F) {
	files, err := readAll(ladderFiles, "ladders")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		f.Add(file.Text)
	}
	f.Add(ladder("a", `"equivalents":[{"level":"HIGH","ladder":"alliance","as":"SECRET"}]`).Text)
	f.Fuzz(func(t *testing.T, text []byte) {
		l, err := ParseLadder(File{Name: "x", Text: text})
		if err != nil {
			return
		}
		ls, err := NewLadders(files[0], File{Name: "x", Text: text})
		if err != nil {
			return
		}
		for i, level := range l.Levels {
			reach := ls.Cleared(Level(l.Name + "/" + level))
			for j, other := range l.Levels {
				if got := Level(l.Name + "/" + other); got.Validate() != nil || all([]Level{got}, reach) != (j <= i) && j > 0 {
					t.Errorf("%s reaches %v", level, reach)
				}
			}
		}
	})
}

func FuzzLoad(f *testing.F) {
	files, err := readAll(ruleFiles, "rules")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		f.Add(file.Text)
	}
	for _, s := range []string{
		`@id("a")@says("a")permit(principal,action==Action::"read",resource)when{resource has tlp&&resource.tlp==4};`,
		`@id("a")@says("a")forbid(principal,action in[Action::"read"],resource)unless{if true then principal.role like "a*" else [1].contains(2)};`,
	} {
		f.Add([]byte(s))
	}
	sets := Mark(nil, Set{}, Set{TLP: tlp.Clear}, full())
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := Load(File{Name: "x", Text: text})
		if err != nil {
			return
		}
		s, err := p.Readable(reader(), sets, latticeNow)
		if err != nil {
			t.Fatal(err)
		}
		for i, m := range sets {
			d := p.Decide(reader(), Read, m, latticeNow)
			if (d.Effect == Allow) != s.Has(uint32(i)) {
				t.Errorf("Decide = %+v, Readable %v", d, s.Has(uint32(i)))
			}
			if len(d.Errors) > 0 && d.Effect == Allow {
				t.Errorf("Decide = %+v with errors", d)
			}
		}
	})
}
