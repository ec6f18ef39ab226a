package marking

import (
	"encoding/json/v2"
	"html"
	"strings"
	"testing"
)

// shortLabel is a label of one classification of the alliance.
func shortLabel(level string) string {
	return `<slab:ConfidentialityLabel xmlns:slab="` + labelSpace + `"><slab:ConfidentialityInformation><slab:PolicyIdentifier>ALLIANCE</slab:PolicyIdentifier>` +
		`<slab:Classification>` + level + `</slab:Classification></slab:ConfidentialityInformation></slab:ConfidentialityLabel>`
}

func TestFindLabel(t *testing.T) {
	t.Parallel()
	ls := builtInLadders(t)
	inJSON := func(text string) string {
		b, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		return `{"x":` + string(b) + `,"y":"z"}`
	}
	secret, restricted := shortLabel("SECRET"), shortLabel("RESTRICTED")
	tests := []struct {
		name, text string
		want       string // the classifications, in order; "!" for one that cannot be read
	}{
		{"none", "nothing <b>of</b> the kind", ""},
		{"a mention", "the namespace is " + labelSpace + " and no more", ""},
		{"a mention in a tag", `<a href="` + labelSpace + `">`, ""},
		{"XML", "<doc>" + secret + "</doc>", "alliance/SECRET"},
		{"two", secret + " and " + restricted, "alliance/SECRET alliance/RESTRICTED"},
		{"in JSON", inJSON(secret), "alliance/SECRET"},
		{"in JSON with brackets escaped", strings.NewReplacer("<", `\u003c`, ">", `\u003e`, "</", `<\/`).Replace(inJSON(secret)), "alliance/SECRET"},
		{"two in JSON", inJSON(secret) + "\n" + inJSON(restricted), "alliance/SECRET alliance/RESTRICTED"},
		{"in HTML", "<pre>" + html.EscapeString(secret) + "</pre>", "alliance/SECRET"},
		{"a full one", "before " + labelText + " after", "arkania/RESERVED"},
		{"of another ladder", strings.ReplaceAll(secret, "ALLIANCE", "ELSEWHERE"), "unknown/UNKNOWN"},
		{"cut off", secret[:len(secret)-10], "!"},
		{"damaged", strings.Replace(secret, "Classification>", "Klassification>", 1), "!"},
		{"its namespace named outside", `<doc xmlns:slab="` + labelSpace + `">` + strings.Replace(secret, ` xmlns:slab="`+labelSpace+`"`, "", 1) + "</doc>", "!"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for text := []byte(tt.text); ; {
				l, at, end, err := FindLabel(text)
				if at < 0 {
					break
				}
				if err != nil {
					got = append(got, "!")
				} else {
					got = append(got, string(ls.Set(l).Classes[0]))
				}
				text = text[end:]
			}
			if g := strings.Join(got, " "); g != tt.want {
				t.Errorf("labels = %q, want %q", g, tt.want)
			}
		})
	}
}

func FuzzFindLabel(f *testing.F) {
	f.Add([]byte("x" + shortLabel("SECRET")))
	f.Add([]byte(`{"x":"` + strings.ReplaceAll(shortLabel("SECRET"), `"`, `\"`) + `"}`))
	f.Add([]byte(labelText))
	f.Add([]byte("&lt;" + labelSpace + "ConfidentialityLabel"))
	f.Fuzz(func(t *testing.T, text []byte) {
		for {
			l, at, end, err := FindLabel(text)
			if at < 0 {
				return
			}
			if end <= at || end > len(text) || (l == nil) != (err != nil) {
				t.Fatalf("FindLabel = %v at %d to %d of %d, %v", l, at, end, len(text), err)
			}
			text = text[end:]
		}
	})
}
