package web

import (
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/net/html"
)

// deceptive is text that reads as something else wherever it stands as it is.
const deceptive = "invoice\u202excod.exe \u2066a\u2069 \u200eb\u200f\u061c pay\u200bpal\u2060 so\u00adft \x1b[2Jclear\u009b31m \ufeffx za\u200dp \U000e0041tag \u2028end"

func TestVisible(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"<b>plain – text, été\u202f3</b>":                             "<b>plain – text, été\u202f3</b>",
		"<b>a\u202eb</b>":                                             "<b>a[U+202E]b</b>",
		"<b title=\"a\u202eb\">c</b>":                                 "<b title=\"a[U+202E]b\">c</b>",
		"<input value=\"a\u202eb\" title=\"a\u202eb\"> a\u202eb":      "<input value=\"a\u202eb\" title=\"a[U+202E]b\"> a[U+202E]b",
		"<button data-copy=\"\u200b\" data-done=\"\u200b\"></button>": "<button data-copy=\"\u200b\" data-done=\"[U+200B]\"></button>",
		"\x1b[31m\x7f\u0085\tx\r\n":                                   "[U+001B][31m[U+007F][U+0085]\tx\r\n",
		"می\u200cخواهم x\u200cy":                                      "می\u200cخواهم x[U+200C]y",
		"\U000e0041":                                                  "[U+E0041]",
	} {
		if got := string(visible([]byte(in))); got != want {
			t.Errorf("visible(%q) = %q, want %q", in, got, want)
		}
	}
}

// TestDeceptiveText draws every page with text in every field that turns,
// hides or escapes, and looks for such characters in what a person reads.
func TestDeceptiveText(t *testing.T) {
	t.Parallel()
	p := poisoned{deceptive}
	h, err := New(p, p, Options{Clock: now, NodeName: deceptive, Releases: p, Audits: p})
	if err != nil {
		t.Fatal(err)
	}
	q := url.QueryEscape(deceptive)
	pages := map[string]*httptest.ResponseRecorder{}
	for _, path := range []string{
		"/reports", "/reports?q=" + q + "&source=" + q, "/reports/new", "/reports/x", "/search?q=" + q, "/objects/x", "/objects/x/graph", "/objects/x/why?reader=" + q, "/reports/x/share?to=" + q, "/sources?name=" + q, "/audit?actor=" + q, "/audit/x",
	} {
		for _, l := range []string{"en", "fr"} {
			pages[path+" "+l] = get(t, h, path, "Accept-Language", l)
		}
	}
	body, kind := form(t, field2{"source", deceptive}, field2{"text", "x"})
	pages["POST /reports/new"] = post(h, "/reports/new", body, kind)
	pages["POST /sources"] = post(h, "/sources", strings.NewReader("name=x"), "application/x-www-form-urlencoded")
	machine := []string{"value", "data-copy", "href", "action"}
	told := 0
	for path, w := range pages {
		for n := range parse(t, w.Body.String()).Descendants() {
			if n.Type == html.TextNode {
				plain(t, path, n.Data)
				told += strings.Count(n.Data, "[U+202E]")
			}
			for _, a := range n.Attr {
				switch {
				case a.Key == "data-copy":
					if strings.ContainsFunc(a.Val, unicode.IsControl) {
						t.Errorf("%s: the clipboard gets %q", path, a.Val)
					}
				case !slices.Contains(machine, a.Key):
					plain(t, path, a.Val)
				}
			}
		}
	}
	if told < len(pages) {
		t.Errorf("the turning character is written out %d times on %d pages", told, len(pages))
	}
}

// plain fails when s holds a character that is not seen but changes what is.
func plain(t *testing.T, path, s string) {
	t.Helper()
	for _, r := range s {
		if r != '\u202f' && !unicode.IsSpace(r) && (unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Cf, r)) || r == '\u2028' {
			t.Errorf("%s: %U stands in %.80q", path, r, s)
			return
		}
	}
}

func FuzzVisible(f *testing.F) {
	f.Add(deceptive)
	f.Add("<a href=\"\u202e\">\u202e</a>")
	f.Fuzz(func(t *testing.T, s string) {
		once := visible([]byte(s))
		if len(once) > 12*len(s) {
			t.Errorf("visible(%q) is %d bytes long", s, len(once))
		}
		if twice := visible(once); string(twice) != string(once) {
			t.Errorf("visible(%q) = %q, again %q", s, once, twice)
		}
	})
}
