package web

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"casus/internal/core/report"
	"casus/internal/fault"
	"casus/tlp"
)

var update = flag.Bool("update", false, "rewrite golden files")

func get(t testing.TB, h http.Handler, path string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func parse(t testing.TB, body string) *html.Node {
	t.Helper()
	n, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// text returns the words a reader sees, a block a line.
func text(n *html.Node) string {
	var b strings.Builder
	var walk func(n *html.Node)
	walk = func(n *html.Node) {
		switch {
		case n.Type == html.TextNode:
			b.WriteString(n.Data)
		case n.Type == html.ElementNode && slices.Contains([]string{"script", "style", "head"}, n.Data):
			return
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
		if n.Type == html.ElementNode {
			switch n.Data {
			case "td", "th", "dt", "span", "a", "button", "label", "strong", "small":
				b.WriteString(" ")
			default:
				b.WriteString("\n")
			}
		}
	}
	walk(n)
	var lines []string
	for l := range strings.Lines(b.String()) {
		if l = strings.Join(strings.Fields(l), " "); l != "" {
			lines = append(lines, l)
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

// inert fails on anything in a page that could run or fetch something: script
// but our own, styles in the page, handlers, links that are no addresses here.
func inert(t *testing.T, path, body string) {
	t.Helper()
	for n := range parse(t, body).Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		switch n.Data {
		case "script":
			if src := attr(n, "src"); !strings.HasPrefix(src, "/assets/app.") || n.FirstChild != nil {
				t.Errorf("%s: script element with src %q", path, src)
			}
		case "style", "img", "iframe", "object", "embed", "base", "image", "use", "foreignobject":
			t.Errorf("%s: element %s", path, n.Data)
		}
		for _, a := range n.Attr {
			switch {
			case strings.HasPrefix(a.Key, "on"), a.Key == "style", a.Key == "srcdoc":
				t.Errorf("%s: %s has attribute %s", path, n.Data, a.Key)
			case a.Key == "href" || a.Key == "action" || a.Key == "src" || a.Key == "formaction":
				if !strings.HasPrefix(a.Val, "/") && !strings.HasPrefix(a.Val, "#") || strings.HasPrefix(a.Val, "//") {
					t.Errorf("%s: %s %s = %q, want an address of this node", path, n.Data, a.Key, a.Val)
				}
			}
		}
	}
}

// hostile is text that would do something wherever it is not escaped.
const hostile = `"'></a></script><script>alert(1)</script><img src=x onerror=alert(1)><style>*{display:none}</style>javascript:alert(1)//` + "`{{.}}${x}\u202e\x00"

// fill sets every string below v to s.
func fill(v reflect.Value, s string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(s)
	case reflect.Struct:
		for _, f := range v.Fields() {
			if f.CanSet() {
				fill(f, s)
			}
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte(s))
			return
		}
		if v.Len() == 0 {
			v.Set(reflect.MakeSlice(v.Type(), 3, 3))
		}
		for i := range v.Len() {
			fill(v.Index(i), s)
		}
	case reflect.Int, reflect.Int64:
		v.SetInt(7)
	default:
	}
}

func filled[T any](s string) T {
	var v T
	fill(reflect.ValueOf(&v).Elem(), s)
	return v
}

// poisoned answers every question with s in every field.
type poisoned struct{ s string }

func (p poisoned) Reports(context.Context, string, string, string, int) ([]report.Row, string, error) {
	return []report.Row{filled[report.Row](p.s), filled[report.Row](p.s)}, p.s, nil
}

func (p poisoned) Report(context.Context, string) (report.Detail, error) {
	return filled[report.Detail](p.s), nil
}

func (p poisoned) Items(context.Context, string, string, int) ([]report.ObjectRow, string, error) {
	return filled[[]report.ObjectRow](p.s), p.s, nil
}

func (p poisoned) Match(context.Context, string) (report.Matches, error) {
	m := filled[report.Matches](p.s)
	m.Hits[0].Noise = ""
	return m, nil
}

func (p poisoned) Search(context.Context, string, string, int) (report.Found, error) {
	return filled[report.Found](p.s), nil
}

func (p poisoned) Object(context.Context, string) (report.Object, error) {
	o := filled[report.Object](p.s)
	for i := range o.Linked {
		o.Linked[i].ID += fmt.Sprint(i)
		o.Linked[i].Held = i > 0
	}
	return o, nil
}

func (p poisoned) Sources(context.Context) ([]report.Source, error) {
	return []report.Source{filled[report.Source](p.s)}, nil
}

func (p poisoned) Quarantine(context.Context, string) ([]report.Quarantined, error) {
	return []report.Quarantined{filled[report.Quarantined](p.s)}, nil
}

func (p poisoned) Import(context.Context, report.Request, string, io.Reader, func(report.Progress)) (report.Result, error) {
	return filled[report.Result](p.s), nil
}

func (p poisoned) SetSource(context.Context, report.Source) error {
	return fault.WithHint(fault.Errorf(fault.Conflict, "%s", p.s), "%s", p.s)
}

func TestHostileText(t *testing.T) {
	t.Parallel()
	p := poisoned{hostile}
	h, err := New(p, p, Options{Clock: now, NodeName: hostile, Releases: p, Audits: p})
	if err != nil {
		t.Fatal(err)
	}
	q := url.QueryEscape(hostile)
	pages := map[string]*httptest.ResponseRecorder{}
	for _, path := range []string{
		"/reports", "/reports?q=" + q + "&source=" + q + "&cursor=" + q, "/reports/new", "/reports/" + url.PathEscape(hostile), "/search", "/search?q=" + q,
		"/objects/x", "/objects/x/graph", "/objects/x/why?reader=" + q, "/reports/x/share?to=" + q, "/sources", "/sources?name=" + q, "/audit?actor=" + q, "/audit/x", "/nothing/" + url.PathEscape(hostile), "/reports?lang=" + q + "&theme=" + q,
	} {
		for _, l := range []string{"en", "fr"} {
			pages[path+" "+l] = get(t, h, path, "Accept-Language", l, "Cookie", "theme="+q)
		}
	}
	body, kind := form(t, field2{"source", hostile}, field2{"text", "x"})
	pages["POST /reports/new"] = post(h, "/reports/new", body, kind)
	pages["POST /sources"] = post(h, "/sources", strings.NewReader("name=x"), "application/x-www-form-urlencoded")
	for path, w := range pages {
		b := w.Body.String()
		inert(t, path, b)
		if w.Code >= 500 {
			t.Errorf("%s: status %d", path, w.Code)
		}
		if strings.Contains(b, "<script>alert") || strings.Contains(b, "<img src=x") || strings.Contains(b, "\x00") {
			t.Errorf("%s: hostile text stands unescaped", path)
		}
		if strings.Contains(b, "ZgotmplZ") {
			t.Errorf("%s: text stands where the template cannot make it safe", path)
		}
	}
}

func TestPagesAreInert(t *testing.T) {
	t.Parallel()
	h := newPages(t, story(), Options{})
	for _, x := range screens {
		w := get(t, h, x.path)
		want := http.StatusOK
		if x.name == "notfound" {
			want = http.StatusNotFound
		}
		if w.Code != want {
			t.Errorf("%s: status %d, want %d", x.path, w.Code, want)
		}
		if got := w.Header().Get("Content-Security-Policy"); got != contentPolicy {
			t.Errorf("%s: Content-Security-Policy = %q", x.path, got)
		}
		if got := w.Header().Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s: Cache-Control = %q, want no-store", x.path, got)
		}
		inert(t, x.path, w.Body.String())
	}
}

// TestSourcesOfPages looks at the templates and the style sheet themselves,
// branches no page of the story takes included.
func TestSourcesOfPages(t *testing.T) {
	t.Parallel()
	bad := regexp.MustCompile(`(?i)\sstyle\s*=|<style|\son[a-z]+\s*=|<script(?: [^>]*)?>[^<]|javascript:|https?://`)
	files, err := filepath.Glob("templates/*.html")
	if err != nil || len(files) == 0 {
		t.Fatalf("templates: %v, %v", files, err)
	}
	for _, f := range append(files, "assets/app.css") {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if m := bad.Find(b); m != nil {
			t.Errorf("%s: %q", f, m)
		}
	}
}

func TestFrame(t *testing.T) {
	t.Parallel()
	row := func(label string, exercise bool) report.Row {
		return report.Row{ID: "RPT-AAAA-AAAA", Title: "x", TLP: label, Exercise: exercise, Received: "2026-11-22T10:00:00Z"}
	}
	tests := []struct {
		name string
		fake *fake
		opt  Options
		path string
		want string
		ex   bool
	}{
		{name: "no report", fake: &fake{}, path: "/reports", want: "TLP:CLEAR"},
		{name: "one clear", fake: &fake{rows: []report.Row{row("TLP:CLEAR", false)}}, path: "/reports", want: "TLP:CLEAR"},
		{name: "highest of three", fake: &fake{rows: []report.Row{row("TLP:GREEN", false), row("TLP:AMBER+STRICT", true), row("TLP:AMBER", false)}}, path: "/reports", want: "TLP:AMBER+STRICT", ex: true},
		{name: "red", fake: &fake{rows: []report.Row{row("TLP:RED", false), row("TLP:CLEAR", false)}}, path: "/reports", want: "TLP:RED"},
		{name: "unmarked counts as red", fake: &fake{rows: []report.Row{row("", false)}}, path: "/reports", want: "TLP:RED"},
		{name: "node of an exercise", fake: &fake{}, opt: Options{Exercise: true}, path: "/reports", want: "TLP:CLEAR", ex: true},
		{name: "report cites a narrower one", fake: cites("TLP:RED"), path: "/reports/RPT-A", want: "TLP:RED"},
		{name: "report cites a wider one", fake: cites("TLP:GREEN"), path: "/reports/RPT-A", want: "TLP:AMBER"},
		{name: "node knows the cited one", fake: cites("TLP:GREEN"), opt: Options{Highest: func(_ context.Context, ids []string) (Marking, error) {
			if !slices.Equal(ids, []string{"RPT-B"}) {
				return Marking{}, fmt.Errorf("asked for %q", ids)
			}
			return Marking{TLP: tlp.AmberStrict, Exercise: true}, nil
		}}, path: "/reports/RPT-A", want: "TLP:AMBER+STRICT", ex: true},
		{name: "quarantined piece", fake: setAside("TLP:AMBER+STRICT"), path: "/reports/RPT-A", want: "TLP:AMBER+STRICT"},
		{name: "not found shows nothing", fake: story(), path: "/objects/none", want: "TLP:CLEAR"},
		{name: "object", fake: story(), path: "/objects/" + malwareID, want: "TLP:AMBER+STRICT"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			body := get(t, newPages(t, tt.fake, tt.opt), tt.path).Body.String()
			var labels []string
			ex := 0
			for n := range parse(t, body).Descendants() {
				if n.Type == html.ElementNode && strings.HasPrefix(attr(n, "class"), "marking") {
					for m := range n.Descendants() {
						if strings.HasPrefix(attr(m, "class"), "tlp ") {
							labels = append(labels, strings.TrimSpace(text(m)))
						}
					}
					if strings.Contains(text(n), "EXERCISE") {
						ex++
					}
				}
			}
			if diff := cmp.Diff([]string{tt.want, tt.want}, labels); diff != "" {
				t.Errorf("frame of %s (-want +got):\n%s", tt.path, diff)
			}
			if want := map[bool]int{true: 2}[tt.ex]; ex != want {
				t.Errorf("EXERCISE stands in %d strips, want %d", ex, want)
			}
		})
	}
}

// cites is a store with an amber report whose match stands in another report.
func cites(other string) *fake {
	return &fake{
		details: map[string]report.Detail{
			"RPT-A": {Row: report.Row{ID: "RPT-A", TLP: "TLP:AMBER"}},
			"RPT-B": {Row: report.Row{ID: "RPT-B", TLP: other}},
		},
		matches: map[string]report.Matches{"RPT-A": {Hits: []report.Match{{Value: "192.0.2.1", Reports: []string{"RPT-B"}, Count: 1}}}},
	}
}

func setAside(label string) *fake {
	f := cites("TLP:CLEAR")
	f.aside = map[string][]report.Quarantined{"RPT-A": {{ID: "QRN-A", TLP: label}}}
	return f
}

func TestFaults(t *testing.T) {
	t.Parallel()
	tests := []struct {
		err    error
		status int
		tells  bool
	}{
		{fault.Errorf(fault.NotFound, "store: secret cause"), http.StatusNotFound, false},
		{fault.Errorf(fault.Withheld, "store: secret cause"), http.StatusNotFound, false},
		{errors.New("store: secret cause"), http.StatusInternalServerError, false},
		{fault.Errorf(fault.Invalid, "store: secret cause"), http.StatusBadRequest, true},
		{fault.Errorf(fault.Denied, "store: secret cause"), http.StatusForbidden, true},
		{fault.Errorf(fault.Conflict, "store: secret cause"), http.StatusConflict, true},
		{fault.WithHint(fault.Errorf(fault.Unavailable, "store: secret cause"), "free some space"), http.StatusServiceUnavailable, true},
	}
	bodies := map[fault.Kind]string{}
	for _, tt := range tests {
		w := get(t, newPages(t, &fake{fail: tt.err}, Options{}), "/reports/RPT-A")
		body := w.Body.String()
		if w.Code != tt.status {
			t.Errorf("%v: status %d, want %d", fault.KindOf(tt.err), w.Code, tt.status)
		}
		if told := strings.Contains(body, "secret cause"); told != tt.tells {
			t.Errorf("%v: cause on the page is %v, want %v", fault.KindOf(tt.err), told, tt.tells)
		}
		if hint := fault.HintOf(tt.err); !strings.Contains(body, hint) {
			t.Errorf("%v: hint %q is not on the page", fault.KindOf(tt.err), hint)
		}
		bodies[fault.KindOf(tt.err)] = body
	}
	if bodies[fault.Withheld] != bodies[fault.NotFound] {
		t.Error("withheld and not found give different pages")
	}
}

func TestLanguages(t *testing.T) {
	t.Parallel()
	slot := regexp.MustCompile(`\{\d\}`)
	for key, en := range englishWords {
		fr, ok := frenchWords[key]
		if !ok {
			t.Errorf("French lacks %q", key)
			continue
		}
		if strings.HasSuffix(key, ".one") {
			continue // a language may say "the one" instead
		}
		a, b := slot.FindAllString(en, -1), slot.FindAllString(fr, -1)
		slices.Sort(a)
		slices.Sort(b)
		if !slices.Equal(a, b) {
			t.Errorf("%q: French fills in %v, English %v", key, b, a)
		}
	}
	for key := range frenchWords {
		if _, ok := englishWords[key]; !ok {
			t.Errorf("English lacks %q", key)
		}
	}
	// Every key a template or handler names is there, and none stands unused.
	used := map[string]bool{}
	call := regexp.MustCompile(`(?:\.T|\.T\(|\.words\(|\.T \(print) ?"([a-z0-9.]+)"`)
	count := regexp.MustCompile(`\.(?:Count|count)[ (]"([a-z0-9.]+)"`)
	files, err := filepath.Glob("*/*.html")
	if err != nil {
		t.Fatal(err)
	}
	code, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range append(files, code...) {
		if strings.HasSuffix(f, "_test.go") || strings.HasPrefix(f, "words_") {
			continue
		}
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range call.FindAllStringSubmatch(string(b), -1) {
			used[m[1]] = true
		}
		for _, m := range count.FindAllStringSubmatch(string(b), -1) {
			used[m[1]+".one"], used[m[1]+".other"] = true, true
		}
	}
	for key := range used {
		if _, ok := englishWords[key]; !ok && !strings.HasSuffix(key, ".") {
			t.Errorf("no words for %q", key)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(englishWords)) {
		family, _, _ := strings.Cut(key, ".")
		if !used[key] && !slices.Contains([]string{"type", "format", "fault", "kind", "theme", "trust", "view", "role", "org", "scope", "done", "audit"}, family) {
			t.Errorf("nothing uses %q", key)
		}
	}
}

// TestWords holds the words of the pages of the story in golden files.
func TestWords(t *testing.T) {
	t.Parallel()
	h := newPages(t, story(), Options{NodeName: "Alliance duty desk"})
	for _, l := range []string{"en", "fr"} {
		var b strings.Builder
		for _, x := range screens {
			sep := "?"
			if strings.Contains(x.path, "?") {
				sep = "&"
			}
			fmt.Fprintf(&b, "== %s\n%s\n", x.path, text(parse(t, get(t, h, x.path+sep+"lang="+l).Body.String())))
		}
		golden(t, "testdata/words."+l+".txt", b.String())
	}
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs; go test -update rewrites it (-want +got):\n%s", path, diff)
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	h := newPages(t, story(), Options{})
	tests := []struct {
		name, path string
		headers    []string
		lang       string
		theme      string
		cookie     string
	}{
		{name: "nothing said", path: "/reports", lang: "en", theme: "system"},
		{name: "browser is French", path: "/reports", headers: []string{"Accept-Language", "fr-FR,fr;q=0.9"}, lang: "fr", theme: "system"},
		{name: "query is kept", path: "/reports?lang=fr", lang: "fr", theme: "system", cookie: "lang=fr"},
		{name: "cookie over browser", path: "/reports", headers: []string{"Accept-Language", "fr", "Cookie", "lang=en; theme=dark"}, lang: "en", theme: "dark"},
		{name: "unknown is ignored", path: "/reports?lang=xx&theme=pink", lang: "en", theme: "system"},
		{name: "theme is kept", path: "/reports?theme=light", lang: "en", theme: "light", cookie: "theme=light"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := get(t, h, tt.path, tt.headers...)
			if want := `<html lang="` + tt.lang + `" data-theme="` + tt.theme + `"`; !strings.Contains(w.Body.String(), want) {
				t.Errorf("page does not begin with %s", want)
			}
			if got, _, _ := strings.Cut(w.Header().Get("Set-Cookie"), ";"); got != tt.cookie {
				t.Errorf("cookie set = %q, want %q", got, tt.cookie)
			}
		})
	}
}

func TestBudgets(t *testing.T) {
	t.Parallel()
	const pageBytes, scriptBytes = 150 << 10, 15 << 10
	a, err := loadAssets()
	if err != nil {
		t.Fatal(err)
	}
	first := 0 // everything a first view needs beside the page
	for name, one := range a.byName {
		switch {
		case strings.HasPrefix(name, "inter-latin-ext"):
			continue // only when such letters are on the page
		case one.gz != nil:
			first += len(one.gz)
		default:
			first += len(one.body)
		}
	}
	if n := len(a.byName[a.hashed["app.js"]].gz); n > scriptBytes {
		t.Errorf("script is %d bytes gzipped, at most %d", n, scriptBytes)
	}
	h := newPages(t, story(), Options{})
	most := 0
	for _, x := range screens {
		w := get(t, h, x.path, "Accept-Encoding", "gzip")
		most = max(most, w.Body.Len())
		if n := w.Body.Len() + first; n > pageBytes {
			t.Errorf("%s: first view is %d bytes, at most %d", x.path, n, pageBytes)
		}
	}
	// The longest pages there are, of content that does not compress.
	full := newPages(t, crowded(), Options{})
	for _, path := range []string{"/reports", "/reports/RPT-7K2M-9XQ4", "/search?q=x", "/objects/" + indicatorID, "/objects/" + indicatorID + "/graph", "/sources"} {
		w := get(t, full, path, "Accept-Encoding", "gzip")
		most = max(most, w.Body.Len())
		if n := w.Body.Len() + first; n > pageBytes || w.Code != http.StatusOK {
			t.Errorf("%s, as long as it can be: status %d, first view is %d bytes, at most %d", path, w.Code, n, pageBytes)
		}
	}
	t.Logf("first view: %d bytes of assets, %d of the largest page", first, most)
}

func TestAssets(t *testing.T) {
	t.Parallel()
	a, err := loadAssets()
	if err != nil {
		t.Fatal(err)
	}
	h := newPages(t, story(), Options{})
	w := get(t, h, a.path("app.css"), "Accept-Encoding", "br, gzip")
	if w.Code != http.StatusOK || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") || w.Header().Get("Content-Encoding") != "gzip" {
		t.Fatalf("style sheet: status %d, %v", w.Code, w.Header())
	}
	z, err := gzip.NewReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	css, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`url\(([^)]*)\)`).FindAllSubmatch(css, -1) {
		if w := get(t, h, "/assets/"+string(m[1])); w.Code != http.StatusOK {
			t.Errorf("font %s: status %d", m[1], w.Code)
		}
	}
	for _, path := range []string{"/assets/app.css", "/assets/", "/assets/third_party/inter-LICENSE.txt", "/assets/..%2fweb.go"} {
		if w := get(t, h, path); w.Code != http.StatusNotFound {
			t.Errorf("%s: status %d, want 404", path, w.Code)
		}
	}
}

type field2 struct{ name, value string }

// form writes a multipart form; a field whose name begins with "@" is a file.
func form(t testing.TB, fields ...field2) (io.Reader, string) {
	t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for _, f := range fields {
		var w io.Writer
		var err error
		if name, ok := strings.CutPrefix(f.name, "@"); ok {
			w, err = m.CreateFormFile("file", name)
		} else {
			w, err = m.CreateFormField(f.name)
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, f.value); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	return &b, m.FormDataContentType()
}

func post(h http.Handler, path string, body io.Reader, kind string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, body)
	r.Header.Set("Content-Type", kind)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestIntake(t *testing.T) {
	t.Parallel()
	amber := tlp.Amber
	tests := []struct {
		name   string
		fields []field2
		opt    Options
		status int
		to     string
		want   []imported
		says   []string
	}{
		{
			name:   "pasted text",
			fields: []field2{{"source", " CERT Aldera "}, {"title", "t"}, {"tlp", "TLP:AMBER"}, {"format", ""}, {"exercise", "yes"}, {"@", ""}, {"text", "\r\n 203.0.113.44"}},
			status: http.StatusSeeOther, to: "/reports/RPT-7K2M-9XQ4?known=1&new=16",
			want: []imported{{Req: report.Request{Source: "CERT Aldera", Title: "t", TLP: &amber, Exercise: true}, Body: "\r\n 203.0.113.44"}},
		},
		{
			name:   "two files and blank text",
			fields: []field2{{"tlp", ""}, {"format", "stix"}, {"@a.json", "{}"}, {"@b.json", "[]"}, {"text", " \r\n\t"}},
			status: http.StatusOK,
			want:   []imported{{Req: report.Request{Name: "a.json", Format: report.STIX}, Name: "a.json", Body: "{}"}, {Req: report.Request{Name: "b.json", Format: report.STIX}, Name: "b.json", Body: "[]"}},
			says:   []string{"a.json", "b.json", "valid_until lies before valid_from", "correct the times"},
		},
		{
			name:   "file that cannot be read",
			fields: []field2{{"@x.bin", "unreadable"}},
			status: http.StatusOK,
			want:   []imported{{Req: report.Request{Name: "x.bin"}, Name: "x.bin", Body: "unreadable"}},
			says:   []string{"neither STIX, MISP, CSV, mail nor text", "say which format it is", "not read"},
		},
		{name: "nothing", fields: []field2{{"source", "x"}, {"text", ""}}, status: http.StatusBadRequest, says: []string{"choose a file or paste"}},
		{name: "marking nobody knows", fields: []field2{{"tlp", "TLP:PINK"}, {"text", "x"}}, status: http.StatusBadRequest, says: []string{"unknown label"}},
		{name: "marking with a wider one after it", fields: []field2{{"tlp", "TLP:RED"}, {"tlp", "TLP:CLEAR"}, {"text", "x"}}, status: http.StatusBadRequest, says: []string{"stands twice"}},
		{name: "field without end", fields: []field2{{"title", strings.Repeat("x", maxFieldBytes+1)}, {"text", "x"}}, status: http.StatusBadRequest, says: []string{"more than 4096 bytes"}},
		{name: "field nobody knows", fields: []field2{{"tlpp", "TLP:RED"}, {"text", "x"}}, status: http.StatusBadRequest, says: []string{"unknown field", "tlpp", "the fields are"}},
		{name: "field nobody knows behind a file", fields: []field2{{"@a.json", "{}"}, {"tlpp", "TLP:RED"}}, status: http.StatusBadRequest, says: []string{"unknown field"}},
		{name: "marking behind a file", fields: []field2{{"source", "opensrc"}, {"@a.json", "{}"}, {"tlp", "TLP:RED"}}, status: http.StatusBadRequest, says: []string{"tlp stands behind a file", "nothing was taken in"}},
		{name: "marking behind a text", fields: []field2{{"text", "x"}, {"tlp", "TLP:RED"}}, status: http.StatusBadRequest, says: []string{"tlp stands behind a file"}},
		{name: "exercise neither yes nor nothing", fields: []field2{{"exercise", "true"}, {"text", "x"}}, status: http.StatusBadRequest, says: []string{"want yes or nothing"}},
		{name: "file without a name", fields: []field2{{"@", "x"}}, status: http.StatusBadRequest, says: []string{"a file without a name"}},
		{name: "too long", opt: Options{MaxUploadBytes: 600}, fields: []field2{{"@a.json", "{}"}, {"@b.json", strings.Repeat("x", 600)}}, status: http.StatusBadRequest, says: []string{"more than 600 bytes", "casus import"}},
		{name: "nowhere to keep it", opt: Options{TempDir: "/dev/null/none"}, fields: []field2{{"text", "x"}}, status: http.StatusServiceUnavailable, says: []string{"make room on the disk"}},
		{
			name: "node of an exercise", opt: Options{Exercise: true}, fields: []field2{{"text", "x"}},
			status: http.StatusSeeOther, to: "/reports/RPT-7K2M-9XQ4?known=1&new=16",
			want: []imported{{Req: report.Request{Exercise: true}, Body: "x"}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := story()
			body, kind := form(t, tt.fields...)
			if tt.opt.TempDir == "" {
				tt.opt.TempDir = t.TempDir()
				defer leavesNothing(t, tt.opt.TempDir)
			}
			w := post(newPages(t, f, tt.opt), "/reports/new", body, kind)
			if w.Code != tt.status || w.Header().Get("Location") != tt.to {
				t.Errorf("status %d to %q, want %d to %q", w.Code, w.Header().Get("Location"), tt.status, tt.to)
			}
			if diff := cmp.Diff(tt.want, f.imported); diff != "" {
				t.Errorf("imported (-want +got):\n%s", diff)
			}
			for _, s := range tt.says {
				if !strings.Contains(w.Body.String(), s) {
					t.Errorf("page does not say %q", s)
				}
			}
		})
	}
}

// leavesNothing complains of files in a directory.
func leavesNothing(t *testing.T, dir string) {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil || len(list) > 0 {
		t.Errorf("left behind: %v, %v", list, err)
	}
}

// TestIntakeUnknownLength sends forms that do not say how long they are, one
// too long and one cut off: neither is taken in.
func TestIntakeUnknownLength(t *testing.T) {
	t.Parallel()
	for name, cutAt := range map[string]int64{"too long": 2000, "cut off": 700} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, f := t.TempDir(), story()
			body, kind := form(t, field2{"@a.json", "{}"}, field2{"@b.json", strings.Repeat("x", 1200)})
			w := post(newPages(t, f, Options{TempDir: dir, MaxUploadBytes: 1000}), "/reports/new", io.LimitReader(body, cutAt), kind)
			if w.Code != http.StatusBadRequest || f.imported != nil {
				t.Errorf("status %d, want 400; imported %v, want nothing", w.Code, f.imported)
			}
			leavesNothing(t, dir)
		})
	}
}

func TestIntakeIsNoForm(t *testing.T) {
	t.Parallel()
	w := post(newPages(t, story(), Options{}), "/reports/new", strings.NewReader("text=x"), "application/x-www-form-urlencoded")
	if w.Code != http.StatusBadRequest {
		t.Errorf("status %d, want 400", w.Code)
	}
}

func TestSetSource(t *testing.T) {
	t.Parallel()
	green := tlp.Green
	f := story()
	f.sources[1].Map = map[string]string{"ip": "value"}
	h := newPages(t, f, Options{})
	send := func(v url.Values) int {
		return post(h, "/sources", strings.NewReader(v.Encode()), "application/x-www-form-urlencoded").Code
	}
	if got := send(url.Values{"name": {"CERT Aldera"}, "tlp": {"TLP:GREEN"}, "zone": {"Etc/GMT-2"}, "trust": {"B"}, "purpose": {"defence"}, "basis": {"Art. 6(1)(e)"}, "retention": {"indicator-90d"}}); got != http.StatusSeeOther {
		t.Errorf("status %d, want 303", got)
	}
	for name, v := range map[string]url.Values{
		"no name": {"tlp": {"TLP:GREEN"}}, "unknown marking": {"name": {"x"}, "tlp": {"PINK"}}, "unknown trust": {"name": {"x"}, "trust": {"Z"}}, "trust of two": {"name": {"x"}, "trust": {"AB"}},
		"unknown class": {"name": {"x"}, "retention": {"for ever"}},
		"unknown field": {"name": {"x"}, "tlpp": {"TLP:RED"}}, "two markings": {"name": {"x"}, "tlp": {"TLP:CLEAR", "TLP:RED"}},
	} {
		if got := send(v); got != http.StatusBadRequest {
			t.Errorf("%s: status %d, want 400", name, got)
		}
	}
	want := []report.Source{{Name: "CERT Aldera", TLP: &green, Zone: "Etc/GMT-2", Trust: "B", Map: map[string]string{"ip": "value"}, Purpose: "defence", Basis: "Art. 6(1)(e)", Retention: "indicator-90d"}}
	if diff := cmp.Diff(want, f.set); diff != "" {
		t.Errorf("set (-want +got):\n%s", diff)
	}
}

func TestGraphIsBounded(t *testing.T) {
	t.Parallel()
	f := story()
	o := f.objects[indicatorID]
	for i := range 400 {
		o.Linked = append(o.Linked, report.Neighbor{ID: fmt.Sprintf("tool--%d", i), Type: "tool", Name: fmt.Sprint("tool ", i), Held: true})
	}
	f.objects[indicatorID] = o
	body := get(t, newPages(t, f, Options{}), "/objects/"+indicatorID+"/graph").Body.String()
	if got := strings.Count(body, `class="nd`); got > maxNodes || got < maxNodes-5 {
		t.Errorf("%d nodes drawn, want at most %d", got, maxNodes)
	}
	if !strings.Contains(body, "256 more not drawn") {
		t.Error("the page does not say how many are missing")
	}
}

func TestDefang(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"203.0.113.44":                       "203[.]0[.]113[.]44",
		"203.0.113.44:8080":                  "203[.]0[.]113[.]44:8080",
		"svc-upd.example":                    "svc-upd[.]example",
		"svc-upd.example:8080":               "svc-upd[.]example:8080",
		"https://update.example/login?a=b.c": "hxxps://update[.]example/login?a=b.c",
		"desk@cert.example":                  "desk[@]cert[.]example",
		"svc-upd[.]example":                  "svc-upd[.]example",
		"T1561.002":                          "T1561.002",
		"CVE-2026-0001":                      "CVE-2026-0001",
		"wiper.exe":                          "wiper.exe",
		"LANTERN WIPER 0.9":                  "LANTERN WIPER 0.9",
		"[ipv4-addr:value = '203.0.113.44']": "[ipv4-addr:value = '203[.]0[.]113[.]44']",
		"[domain-name:value='x.example']":    "[domain-name:value='x[.]example']",
		"seen at x.example, then left":       "seen at x[.]example, then left",
		"a\tb\n\"c.example\"":                "a\tb\n\"c[.]example\"",
		"()":                                 "()",
		"":                                   "",
	} {
		if got := defang(in); got != want {
			t.Errorf("defang(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestKind(t *testing.T) {
	t.Parallel()
	f := &frame{lang: english}
	for in, want := range map[string]string{
		"ipv4-addr": "IPv4 address", "ipv4-addr:value": "IPv4 address", "windows-registry-key:key": "registry key", "file:name": "file name",
		"file:hashes.'SHA-256'": "file, SHA-256", "network-traffic:dst_port": "network traffic, dst port", "x-made-up": "x made up", "": "",
	} {
		if got := f.Kind(in); got != want {
			t.Errorf("Kind(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestShownIDs(t *testing.T) {
	t.Parallel()
	f := &frame{lang: english}
	for in, want := range map[string]string{
		malwareID: malwareID,
		"indicates: " + indicatorID + " to " + malwareID: "indicates: indicator--8e2e2d2b… to malware--31b940d4…",
		"seen at 203.0.113.7":                            "seen at 203[.]0[.]113[.]7",
	} {
		if got := f.Shown(in); got != want {
			t.Errorf("Shown(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	tests := []struct{ l, first, last, want string }{
		{"en", "2026-11-14T09:00:00Z", "2026-11-22T06:10:00Z", "14 Nov – today"},
		{"fr", "2026-11-14T09:00:00Z", "2026-11-22T06:10:00Z", "14 nov. – aujourd’hui"},
		{"en", "2024-03-01T00:00:00Z", "2026-11-22T00:00:00Z", "2024 – today"},
		{"en", "2025-10-01T00:00:00Z", "2025-10-09T00:00:00Z", "Oct 2025"},
		{"en", "2026-11-22T01:00:00+02:00", "", "21 Nov"},
		{"en", "", "", "–"},
	}
	for _, tt := range tests {
		f := &frame{lang: lang(tt.l), now: now()}
		if got := f.Span(tt.first, tt.last).Text; got != tt.want {
			t.Errorf("Span(%q, %q) in %s = %q, want %q", tt.first, tt.last, tt.l, got, tt.want)
		}
	}
	f := &frame{lang: english, now: now()}
	for in, want := range map[string]string{"2026-11-22T14:06:59Z": "14:06Z", "2026-11-21T14:06:00Z": "21 Nov", "2025-10-02T09:00:00Z": "2 Oct 2025", "": "–", "odd": "odd", digest: "9c1f3ab0…e07b"} {
		if got := f.When(in).Text; got != want {
			t.Errorf("When(%q) = %q, want %q", in, got, want)
		}
	}
	if got := french.number(-1234567); got != "−1\u202f234\u202f567" {
		t.Errorf("number = %q", got)
	}
}

func FuzzIntake(f *testing.F) {
	f.Add("tlp", "TLP:RED", "text")
	f.Add("source", "x", "\r\n\r\n--b")
	h := newPages(f, story(), Options{})
	f.Fuzz(func(t *testing.T, name, value, text string) {
		body := "--b\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n--b\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\n" + text + "\r\n--b--\r\n"
		w := post(h, "/reports/new", strings.NewReader(body), "multipart/form-data; boundary=b")
		if w.Code >= 500 {
			t.Errorf("status %d", w.Code)
		}
	})
}

func FuzzDefang(f *testing.F) {
	for _, s := range []string{"203.0.113.44", "https://x.example/a b", "a@b.example", "[x = 'y.example']"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d := defang(s)
		if len(d) > 4*len(s)+8 {
			t.Errorf("defang(%q) is %d bytes long", s, len(d))
		}
		if again := defang(d); strings.Count(again, "[.][") > strings.Count(d, "[.][") {
			t.Errorf("defang(%q) = %q, again %q", s, d, again)
		}
	})
}

func BenchmarkReport(b *testing.B) {
	h := newPages(b, story(), Options{})
	b.ReportAllocs()
	for b.Loop() {
		if w := get(b, h, "/reports/RPT-7K2M-9XQ4"); w.Code != http.StatusOK {
			b.Fatal(w.Code)
		}
	}
}
