package api

import (
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"casus/internal/core/report"
	"casus/internal/fault"
)

// schema is as much of a JSON schema as the tests read.
type schema struct {
	Ref        string             `json:"$ref"`
	Type       any                `json:"type"`
	Properties map[string]*schema `json:"properties"`
	Additional any                `json:"additionalProperties"`
	Required   []string           `json:"required"`
	Items      *schema            `json:"items"`
	Format     string             `json:"format"`
	Enum       []string           `json:"enum"`
}

type media map[string]struct {
	Schema *schema `json:"schema"`
}

type operation struct {
	ID          string `json:"operationId"`
	Summary     string `json:"summary"`
	RequestBody *struct {
		Content media `json:"content"`
	} `json:"requestBody"`
	Parameters []struct {
		Name string `json:"name"`
		In   string `json:"in"`

		Required bool `json:"required"`
	} `json:"parameters"`
	Responses map[string]struct {
		Description string `json:"description"`
		Content     media  `json:"content"`
	} `json:"responses"`

	method, path string
}

type document struct {
	OpenAPI string `json:"openapi"`
	Info    struct {
		Title   string `json:"title"`
		Version string `json:"version"`
	} `json:"info"`
	Paths      map[string]map[string]*operation `json:"paths"`
	Components struct {
		Schemas map[string]*schema `json:"schemas"`
	} `json:"components"`
}

// openAPI returns the document as it is served.
func openAPI(t *testing.T, local bool) (document, []*operation) {
	t.Helper()
	var doc document
	if err := json.Unmarshal(served(t, local), &doc); err != nil {
		t.Fatal(err)
	}
	var ops []*operation
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		for _, method := range slices.Sorted(maps.Keys(doc.Paths[path])) {
			o := doc.Paths[path][method]
			o.method, o.path = strings.ToUpper(method), strings.ReplaceAll(path, "{id}", "RPT-0000-0000")
			ops = append(ops, o)
		}
	}
	return doc, ops
}

func (d document) resolve(s *schema) *schema {
	for s != nil && s.Ref != "" {
		s = d.Components.Schemas[strings.TrimPrefix(s.Ref, "#/components/schemas/")]
	}
	return s
}

func TestDocument(t *testing.T) {
	t.Parallel()
	doc, ops := openAPI(t, true)
	if doc.OpenAPI[:4] != "3.1." || doc.Info.Title == "" || doc.Info.Version != "test" {
		t.Errorf("openapi %q, info %+v; want 3.1 with title and version", doc.OpenAPI, doc.Info)
	}
	seen := map[string]bool{}
	for _, o := range ops {
		if o.ID == "" || seen[o.ID] || o.Summary == "" {
			t.Errorf("%s %s: id %q, summary %q; want an id of its own and a summary", o.method, o.path, o.ID, o.Summary)
		}
		seen[o.ID] = true
		if len(o.Responses) < 2 {
			t.Errorf("%s: %d responses, want that of success and that of errors", o.ID, len(o.Responses))
		}
		for status, r := range o.Responses {
			if r.Description == "" {
				t.Errorf("%s: response %s has no description", o.ID, status)
			}
			for typ, m := range r.Content {
				s := doc.resolve(m.Schema)
				if m.Schema == nil || s == nil {
					t.Errorf("%s: response %s %s has no schema that is there", o.ID, status, typ)
				} else if typ == problemType {
					if got := slices.Sorted(maps.Keys(s.Properties)); !slices.Equal(got, []string{"hint", "kind", "status", "title"}) {
						t.Errorf("%s: response %s has %q, want the form of problems", o.ID, status, got)
					}
				}
			}
		}
	}
	for _, id := range []string{"add-report", "match", "import-warninglist", "set-source", "erase", "import-paths"} {
		i := slices.IndexFunc(ops, func(o *operation) bool { return o.ID == id })
		if i < 0 || ops[i].RequestBody == nil {
			t.Errorf("operation %s or its body is not in the document", id)
		}
	}
}

// TestLocalOperations makes sure that who is not the owner of the files can name
// no paths of this machine.
func TestLocalOperations(t *testing.T) {
	t.Parallel()
	_, ops := openAPI(t, false)
	for _, id := range []string{"import-paths", "rebuild"} {
		if slices.ContainsFunc(ops, func(o *operation) bool { return o.ID == id }) {
			t.Errorf("operation %s is there without Local", id)
		}
	}
	w, calls := ask(t, new(fake), false, "POST", "/api/v1/imports", "application/json", `{"paths":["/etc"]}`)
	oneProblem(t, w, http.StatusNotFound)
	if len(calls) > 0 {
		t.Errorf("calls = %q, want none", calls)
	}
	w, calls = ask(t, new(fake), true, "POST", "/api/v1/imports?source=S", "application/json", `{"paths":["/etc"]}`)
	if w.Code != http.StatusOK || !slices.Equal(calls, []string{`ImportPaths ["/etc"]`}) {
		t.Errorf("%d %s, calls %q", w.Code, w.Body, calls)
	}
}

// sample writes a value that a schema takes.
func (d document) sample(s *schema) string {
	s = d.resolve(s)
	typ := s.Type
	if list, ok := typ.([]any); ok {
		typ = list[0]
	}
	switch typ {
	case "array":
		return "[" + d.sample(s.Items) + "]"
	case "object":
		if len(s.Properties) == 0 {
			return `{"a":"b"}`
		}
		var b strings.Builder
		for i, name := range slices.Sorted(maps.Keys(s.Properties)) {
			if name == "$schema" {
				continue
			}
			if i > 0 && b.Len() > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, "%q:%s", name, d.value(name, s.Properties[name]))
		}
		return "{" + b.String() + "}"
	case "integer", "number":
		return "1"
	case "boolean":
		return "true"
	}
	switch {
	case len(s.Enum) > 0:
		return fmt.Sprintf("%q", s.Enum[0])
	case s.Format == "date-time":
		return `"2026-11-24T12:00:00Z"`
	}
	return `"x"`
}

// value is like sample, for a property that takes certain words alone.
func (d document) value(name string, s *schema) string {
	if name == "tlp" {
		return `"red"`
	}
	return d.sample(s)
}

// escaped writes a name with its first letter as an escape: JSON's same name.
func escaped(name string) string { return fmt.Sprintf(`\u%04x%s`, name[0], name[1:]) }

// TestNamesThatHide posts names given twice, in another case or escaped to every
// operation that takes JSON: none may be read as the other value.
func TestNamesThatHide(t *testing.T) {
	t.Parallel()
	doc, ops := openAPI(t, true)
	tried := 0
	for _, o := range ops {
		if o.RequestBody == nil {
			continue
		}
		m, ok := o.RequestBody.Content["application/json"]
		if !ok {
			continue
		}
		good := doc.sample(m.Schema)
		t.Run(o.ID, func(t *testing.T) {
			t.Parallel()
			if w, calls := ask(t, new(fake), true, o.method, o.path, "application/json", good); w.Code != http.StatusOK || len(calls) == 0 {
				t.Fatalf("%s: %d %s, calls %q; want this body taken", good, w.Code, w.Body, calls)
			}
			for what, bad := range hiding(doc, m.Schema, good) {
				f := new(fake)
				w, calls := ask(t, f, true, o.method, o.path, "application/json", bad)
				if w.Code != http.StatusBadRequest && w.Code != http.StatusUnprocessableEntity {
					t.Errorf("%s: %s: %d %s, want it refused", what, bad, w.Code, w.Body)
					continue
				}
				oneProblem(t, w, w.Code)
				if len(calls) > 0 {
					t.Errorf("%s: %s: calls %q, want none", what, bad, calls)
				}
			}
		})
		tried++
	}
	if tried < 3 {
		t.Errorf("%d operations with a JSON body, want at least 3", tried)
	}
}

// hiding returns bodies in which a name hides another.
func hiding(doc document, s *schema, good string) map[string]string {
	rest := strings.TrimSuffix(strings.TrimPrefix(good, "{"), "}")
	out := map[string]string{
		"two tlp":           `{"tlp":"red","tlp":"clear"}`,
		"tlp and TLP":       `{"tlp":"red","TLP":"clear"}`,
		"tlp escaped":       `{"tlp":"red","t\u006cp":"clear"}`,
		"TLP alone":         `{` + rest + `,"TLP":"clear"}`,
		"two bodies":        good + good,
		"bad UTF-8":         `{` + rest + ",\"\xff\":1}",
		"bad UTF-8 in text": strings.Replace(good, `"x"`, "\"x\xff\"", 1),
		"half a surrogate":  strings.Replace(good, `"x"`, `"x\ud800"`, 1),
	}
	props := doc.resolve(s).Properties
	for name, p := range props {
		if name == "$schema" {
			continue
		}
		v := doc.value(name, p)
		out["twice "+name] = fmt.Sprintf(`{%s,%q:%s}`, rest, name, v)
		out["escaped "+name] = fmt.Sprintf(`{%s,"%s":%s}`, rest, escaped(name), v)
		out["escaped first "+name] = fmt.Sprintf(`{"%s":%s,%s}`, escaped(name), v, rest)
		for _, other := range []string{strings.ToUpper(name), strings.ToUpper(name[:1]) + name[1:], strings.ReplaceAll(name, "s", "ſ")} {
			if other == name {
				continue
			}
			out["besides "+other] = fmt.Sprintf(`{%s,%q:%s}`, rest, other, v)
			out["instead "+other] = strings.Replace(good, `"`+name+`":`, `"`+other+`":`, 1)
		}
		if strings.HasPrefix(v, `{"a"`) {
			out["twice within "+name] = strings.Replace(good, v, `{"a":"b","a":"c"}`, 1)
			out["escaped within "+name] = strings.Replace(good, v, `{"a":"b","\u0061":"c"}`, 1)
		}
	}
	for what, body := range out {
		if body == good {
			delete(out, what)
		}
	}
	return out
}

// TestRawBodiesPassUntouched makes sure that bodies with reports come through as
// they are, whatever type they are said to have: the intake judges them.
func TestRawBodiesPassUntouched(t *testing.T) {
	t.Parallel()
	_, ops := openAPI(t, true)
	bodies := []string{`{"tlp":"red","tlp":"clear"}`, `{"tlp":"red","TLP":"clear"}`, `{"tlp":"red","t\u006cp":"clear"}`, "\xff\xfe\x00", ""}
	tried := 0
	for _, o := range ops {
		if o.RequestBody == nil {
			continue
		}
		if _, ok := o.RequestBody.Content["application/octet-stream"]; !ok {
			continue
		}
		tried++
		for _, body := range bodies {
			for _, typ := range []string{"application/octet-stream", "application/json", "application/stix+json;version=2.1", ""} {
				w, calls := ask(t, new(fake), true, o.method, o.path, typ, body)
				f := new(fake)
				if err := f.body("", report.Request{}, strings.NewReader(body)); err != nil {
					t.Fatal(err)
				}
				if w.Code != http.StatusOK || len(calls) != 1 || !strings.HasSuffix(calls[0], f.calls[0]) {
					t.Errorf("%s %q as %q: %d, calls %q, want one with%s", o.ID, body, typ, w.Code, calls, f.calls[0])
				}
			}
		}
	}
	if tried != 3 {
		t.Errorf("%d operations with a raw body, want 3", tried)
	}
}

// TestOperationsWithoutBodyReadNone posts the bodies to the rest.
func TestOperationsWithoutBodyReadNone(t *testing.T) {
	t.Parallel()
	_, ops := openAPI(t, true)
	for _, o := range ops {
		if o.RequestBody != nil {
			continue
		}
		w, want := ask(t, new(fake), true, o.method, o.path, "", "")
		for _, body := range []string{`{"tlp":"red","tlp":"clear"}`, `{"id":"a","ID":"b"}`, `{"id":"a","\u0069d":"b"}`} {
			x, got := ask(t, new(fake), true, o.method, o.path, "application/json", body)
			if x.Code != w.Code || x.Body.String() != w.Body.String() || !slices.Equal(got, want) {
				t.Errorf("%s with %s: %d %s %q, without: %d %s %q; want the same", o.ID, body, x.Code, x.Body, got, w.Code, w.Body, want)
			}
		}
	}
}

func TestParameters(t *testing.T) {
	t.Parallel()
	_, ops := openAPI(t, true)
	for _, o := range ops {
		body, typ := "", ""
		if o.RequestBody != nil {
			body, typ = `{"paths":["x"]}`, "application/json"
		}
		for _, query := range []string{"unknown=1", "Source=A", "TLP=clear", "tlp%20=clear"} {
			w, calls := ask(t, new(fake), true, o.method, o.path+"?"+query, typ, body)
			oneProblem(t, w, http.StatusUnprocessableEntity)
			if len(calls) > 0 {
				t.Errorf("%s?%s: calls %q, want none", o.ID, query, calls)
			}
		}
		for _, p := range o.Parameters {
			if p.In != "query" {
				continue
			}
			w, calls := ask(t, new(fake), true, o.method, o.path+"?"+p.Name+"=1&"+p.Name+"=2", typ, body)
			if got := oneProblem(t, w, http.StatusUnprocessableEntity); got.Title != `query parameter "`+p.Name+`" is given 2 times` || len(calls) > 0 {
				t.Errorf("%s: %+v, calls %q", o.ID, got, calls)
			}
		}
		w, calls := ask(t, new(fake), true, o.method, o.path+"?a=1;b=2", typ, body)
		if oneProblem(t, w, http.StatusUnprocessableEntity); len(calls) > 0 {
			t.Errorf("%s with a semicolon: calls %q, want none", o.ID, calls)
		}
	}
	for _, q := range []string{`{"a":"ip","a":"url"}`, `{"a":"ip","\u0061":"url"}`, `["a"]`, `{"a":1}`} {
		w, calls := ask(t, new(fake), true, "POST", "/api/v1/reports?map="+url.QueryEscape(q), "", "x")
		if oneProblem(t, w, http.StatusBadRequest); len(calls) > 0 {
			t.Errorf("map %s: calls %q, want none", q, calls)
		}
	}
}

var errBad = fault.WithHint(fault.Errorf(fault.Invalid, "x: bad"), "mend it")

func TestProblems(t *testing.T) {
	t.Parallel()
	secret := errors.New("open /var/lib/secret/views: bad block")
	for _, c := range []struct {
		name string
		err  error
		want problem
	}{
		{"invalid", errBad, problem{400, "invalid", "x: bad", "mend it"}},
		{"denied", fault.WithHint(fault.Errorf(fault.Denied, "x: no"), "ask"), problem{403, "denied", "x: no", "ask"}},
		{"conflict", fault.WithHint(fault.Errorf(fault.Conflict, "x: lost"), "again"), problem{409, "conflict", "x: lost", "again"}},
		{"unavailable", fault.WithHint(fault.Errorf(fault.Unavailable, "x: full"), "wait"), problem{503, "unavailable", "x: full", "wait"}},
		{"internal", fault.Errorf(fault.Internal, "view: %w", secret), problem{500, "internal", "something went wrong inside the node; its log has the cause", "try again; if it stays, run: casus node verify"}},
		{"unknown", secret, problem{500, "internal", "something went wrong inside the node; its log has the cause", "try again; if it stays, run: casus node verify"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			doc, ops := openAPI(t, true)
			for _, o := range ops {
				body, typ := "", ""
				if o.RequestBody != nil {
					if m, ok := o.RequestBody.Content["application/json"]; ok {
						body, typ = doc.sample(m.Schema), "application/json"
					}
				}
				w, _ := ask(t, &fake{err: c.err}, true, o.method, o.path, typ, body)
				var p problem
				if err := unmarshal(w.Body.Bytes(), &p); err != nil {
					t.Errorf("%s: %s: %v", o.ID, w.Body, err)
				}
				if d := cmp.Diff(c.want, p); d != "" || w.Code != c.want.Status || w.Header().Get("Content-Type") != problemType {
					t.Errorf("%s: %d %q (-want +got):\n%s", o.ID, w.Code, w.Header().Get("Content-Type"), d)
				}
			}
		})
	}
}

// TestWithheldReadsAsNotFound holds every operation to telling nobody whether
// something is withheld or not there, whatever is said of it within.
func TestWithheldReadsAsNotFound(t *testing.T) {
	t.Parallel()
	doc, ops := openAPI(t, true)
	for _, o := range ops {
		body, typ := "", ""
		if o.RequestBody != nil {
			if m, ok := o.RequestBody.Content["application/json"]; ok {
				body, typ = doc.sample(m.Schema), "application/json"
			}
		}
		for _, accept := range []string{"application/json", "text/event-stream"} {
			var whole []string
			for _, err := range []error{
				fault.Errorf(fault.NotFound, "view: report 7 is not there"),
				fault.WithHint(fault.Errorf(fault.Withheld, "marking: canary: RED, named persons only"), "ask the canary"),
				fault.Errorf(fault.NotFound, "people: %w", fault.Errorf(fault.Withheld, "marking: canary")),
			} {
				w, _ := ask(t, &fake{err: err}, true, o.method, o.path, typ, body, "Accept", accept)
				whole = append(whole, fmt.Sprintf("%d %v %s", w.Code, w.Header(), w.Body))
				if strings.Contains(w.Body.String(), "canary") {
					t.Errorf("%s as %s: %s tells why", o.ID, accept, w.Body)
				}
			}
			if whole[0] != whole[1] || whole[0] != whole[2] {
				t.Errorf("%s as %s: answers differ:\n%s", o.ID, accept, strings.Join(whole, "\n"))
			}
			if !strings.Contains(whole[0], "is not here or not released to you") {
				t.Errorf("%s as %s: %s", o.ID, accept, whole[0])
			}
		}
	}
	w, _ := ask(t, &fake{err: fault.Errorf(fault.NotFound, "x")}, true, "GET", "/api/v1/reports/RPT-0000-0000", "", "")
	if p := oneProblem(t, w, http.StatusNotFound); p.Title != "RPT-0000-0000 is not here or not released to you" {
		t.Errorf("title %q, want it to name what was asked for", p.Title)
	}
}

func TestUnknownPath(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]string{{"GET", "/api/v1/"}, {"GET", "/api/v1/nothing"}, {"DELETE", "/api/v1/reports"}, {"POST", "/api/v1/search"}} {
		w, _ := ask(t, new(fake), true, c[0], c[1], "", "")
		oneProblem(t, w, http.StatusNotFound)
	}
}

func TestValidationTellsNoValues(t *testing.T) {
	t.Parallel()
	w, _ := ask(t, new(fake), true, "PUT", "/api/v1/sources", "application/json", `{"name":7,"tlp":"red","canary-name":"canary-value"}`)
	p := oneProblem(t, w, http.StatusUnprocessableEntity)
	if strings.Contains(p.Title, "canary-value") {
		t.Errorf("title %q repeats a value", p.Title)
	}
	for _, want := range []string{"body.name", "body.canary-name"} {
		if !strings.Contains(p.Title, want) {
			t.Errorf("title %q does not name %s", p.Title, want)
		}
	}
}

func TestProgress(t *testing.T) {
	t.Parallel()
	w, _ := ask(t, new(fake), true, "POST", "/api/v1/reports?name=n", "", "x", "Accept", "text/event-stream")
	want := `event: progress
data: {"name":"n","files":0,"total_files":0,"bytes":0,"total_bytes":0,"objects":1,"quarantined":0}

event: progress
data: {"name":"n","files":0,"total_files":0,"bytes":0,"total_bytes":0,"objects":2,"quarantined":0}

event: result
data: {"received":2,"new":2,"known":0,"conflicting":0,"quarantined":0,"values":0,"seconds":0,"reports":[],"passed_over":0}

`
	if d := cmp.Diff(want, w.Body.String()); d != "" || w.Header().Get("Content-Type") != "text/event-stream" || !w.Flushed {
		t.Errorf("%q, flushed %t (-want +got):\n%s", w.Header(), w.Flushed, d)
	}
	w, _ = ask(t, &fake{err: fault.WithHint(fault.Errorf(fault.Unavailable, "x: full"), "wait")}, true, "POST", "/api/v1/reports?name=n", "", "x", "Accept", "text/event-stream")
	if _, last, _ := strings.Cut(w.Body.String(), "event: error\n"); last != "data: {\"status\":503,\"kind\":\"unavailable\",\"title\":\"x: full\",\"hint\":\"wait\"}\n\n" {
		t.Errorf("an error after progress reads %q", w.Body)
	}
}

// endless gives n bytes without holding them.
type endless struct{ n int64 }

// Read implements io.Reader.
func (e *endless) Read(b []byte) (int, error) {
	if e.n <= 0 {
		return 0, io.EOF
	}
	k := int(min(int64(len(b)), e.n))
	for i := range b[:k] {
		b[i] = 'x'
	}
	e.n -= int64(k)
	return k, nil
}

// TestHugeBodiesStream sends a body far larger than what is held of it.
func TestHugeBodiesStream(t *testing.T) {
	t.Parallel()
	const size = 64 << 20
	f := new(fake)
	srv := httptest.NewServer(New(Options{Reads: f, Arrivals: f, Writes: f, Keeper: f}))
	defer srv.Close()
	for _, path := range []string{"/reports", "/match", "/warninglists"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+"/api/v1"+path, &endless{size})
		if err != nil {
			t.Fatal(err)
		}
		resp, err := srv.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := resp.Body.Close(); err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %d, %v", path, resp.StatusCode, err)
		}
	}
	if len(f.calls) != 3 {
		t.Fatalf("calls = %q", f.calls)
	}
	for _, c := range f.calls {
		if !strings.Contains(c, fmt.Sprintf(" %d bytes ", size)) {
			t.Errorf("%s: want %d bytes", c, size)
		}
	}
	if f.peak > 1<<20 {
		t.Errorf("%d bytes read at once", f.peak)
	}
	w, calls := ask(t, new(fake), true, "PUT", "/api/v1/sources", "application/json", `{"name":"`+strings.Repeat("x", maxJSONBytes)+`"}`)
	if oneProblem(t, w, http.StatusRequestEntityTooLarge); len(calls) > 0 {
		t.Errorf("a JSON body beyond its bound: calls %q", calls)
	}
}

func TestHarmless(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"": "", "a": "a", "=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@SUM(A1)": "'@SUM(A1)", "\t=1": "'\t=1", "\r=1": `\u000D=1`, "a=1": "a=1",
		"a\nb\tc": "a\nb\tc", "\x1b]0;x\a": `\u001B]0;x\u0007`, "a\x00b": `a\u0000b`, "fdp.\u202Eexe": `fdp.\u202Eexe`, "\u0085": `\u0085`,
	} {
		if got := harmless(in); got != want {
			t.Errorf("harmless(%q) = %q, want %q", in, got, want)
		}
	}
}
