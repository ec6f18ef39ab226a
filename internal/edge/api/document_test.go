package api

import (
	"bytes"
	"encoding/json/v2"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pb33f/libopenapi/datamodel"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// dialect checks the schemas within a document, which the schema of OpenAPI
// leaves open, as JSON schemas of their own draft.
//
// Source: oas-3.1 §4.8.24.
const dialect = `{
	"$schema": "https://json-schema.org/draft/2020-12/schema",
	"$id": "https://casus.invalid/openapi",
	"$ref": "https://spec.openapis.org/oas/3.1/schema/2022-10-07",
	"$defs": {"schema": {"$dynamicAnchor": "meta", "$ref": "https://json-schema.org/draft/2020-12/schema"}}
}`

// metaSchema compiles the schema that documents of OpenAPI 3.1 follow.
func metaSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	for id, text := range map[string]string{
		"https://spec.openapis.org/oas/3.1/schema/2022-10-07": datamodel.OpenAPI31SchemaData,
		"https://casus.invalid/openapi":                       dialect,
	} {
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.AddResource(id, v); err != nil {
			t.Fatal(err)
		}
	}
	s, err := c.Compile("https://casus.invalid/openapi")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// served returns the document as it is served.
func served(t *testing.T, local bool) []byte {
	t.Helper()
	w, _ := ask(t, new(fake), local, "GET", "/api/v1/openapi.json", "", "")
	if w.Code != http.StatusOK {
		t.Fatalf("openapi.json: %d", w.Code)
	}
	return w.Body.Bytes()
}

func TestDocumentFollowsItsSchema(t *testing.T) {
	t.Parallel()
	meta := metaSchema(t)
	check := func(doc []byte) error {
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc))
		if err != nil {
			t.Fatal(err)
		}
		return meta.Validate(v)
	}
	doc := served(t, true)
	for _, local := range []bool{true, false} {
		if err := check(served(t, local)); err != nil {
			t.Errorf("local %t: %#v", local, err)
		}
	}
	// What the schema has to find, lest it find nothing at all.
	for _, c := range [][2]string{
		{`"openapi":"3.1.`, `"openapi":"3.2.`},
		{`"in":"query"`, `"in":"body"`},
		{`"required":true`, `"required":"yes"`},
		{`"operationId":"list-reports"`, `"operationId":7`},
		{`"type":"integer"`, `"type":"whole"`},
		{`"description":"OK"`, `"summary":"OK"`},
	} {
		bad := bytes.Replace(doc, []byte(c[0]), []byte(c[1]), 1)
		if bytes.Equal(bad, doc) {
			t.Errorf("%s is not in the document", c[0])
		} else if check(bad) == nil {
			t.Errorf("%s instead of %s is not found", c[1], c[0])
		}
	}
}

// TestReferencesResolve follows every reference in the document.
func TestReferencesResolve(t *testing.T) {
	t.Parallel()
	var doc any
	if err := json.Unmarshal(served(t, true), &doc); err != nil {
		t.Fatal(err)
	}
	resolves := func(ref string) bool {
		rest, ok := strings.CutPrefix(ref, "#/")
		at := doc
		for name := range strings.SplitSeq(rest, "/") {
			m, isObject := at.(map[string]any)
			if !isObject {
				return false
			}
			if at, ok = m[strings.NewReplacer("~1", "/", "~0", "~").Replace(name)], ok && m[name] != nil; !ok {
				return false
			}
		}
		return ok
	}
	seen := 0
	var walk func(v any)
	walk = func(v any) {
		switch x := v.(type) {
		case map[string]any:
			if ref, ok := x["$ref"].(string); ok {
				seen++
				if !resolves(ref) {
					t.Errorf("%s leads nowhere", ref)
				}
			}
			for _, e := range x {
				walk(e)
			}
		case []any:
			for _, e := range x {
				walk(e)
			}
		}
	}
	walk(doc)
	if seen < 20 {
		t.Errorf("%d references, want those of all answers", seen)
	}
	if resolves("#/components/schemas/None") || resolves("other.json") {
		t.Error("what is not there resolves")
	}
}

// declared reads from the source which operations it declares, as "GET /path id".
func declared(t *testing.T) []string {
	t.Helper()
	var found []string
	for _, name := range []string{"routes.go", "people.go", "releases.go", "rules.go", "audit.go", "privacy.go"} {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if f, ok := call.Fun.(*ast.Ident); !ok || f.Name != "op" && f.Name != "rawOp" || len(call.Args) != 4 {
				return true
			}
			var s [3]string
			for i := range s {
				lit, ok := call.Args[i].(*ast.BasicLit)
				if !ok {
					return true // op within rawOp
				}
				if s[i], err = strconv.Unquote(lit.Value); err != nil {
					t.Fatal(err)
				}
			}
			found = append(found, s[0]+" /api/v1"+s[1]+" "+s[2])
			return true
		})
	}
	slices.Sort(found)
	return found
}

func TestEveryOperationIsInTheDocument(t *testing.T) {
	t.Parallel()
	doc, _ := openAPI(t, true)
	var in []string
	for path, methods := range doc.Paths {
		for method, o := range methods {
			in = append(in, strings.ToUpper(method)+" "+path+" "+o.ID)
		}
	}
	slices.Sort(in)
	if d := cmp.Diff(declared(t), in); d != "" || len(in) < 30 {
		t.Errorf("operations of the source (-) and of the document (+), %d of them:\n%s", len(in), d)
	}
}

var inBraces = regexp.MustCompile(`\{([^}]*)\}`)

// TestPathParameters holds what stands in braces in a path to what is said of
// it, and requires that every path parameter be asked for.
func TestPathParameters(t *testing.T) {
	t.Parallel()
	doc, _ := openAPI(t, true)
	for path, methods := range doc.Paths {
		var want []string
		for _, m := range inBraces.FindAllStringSubmatch(path, -1) {
			want = append(want, m[1])
		}
		slices.Sort(want)
		for method, o := range methods {
			var got []string
			seen := map[string]bool{}
			for _, p := range o.Parameters {
				if seen[p.In+p.Name] {
					t.Errorf("%s %s: %s stands twice", method, path, p.Name)
				}
				seen[p.In+p.Name] = true
				if p.In == "path" {
					got = append(got, p.Name)
				}
				if (p.In == "path") != p.Required {
					t.Errorf("%s %s: %s in %s, required %t", method, path, p.Name, p.In, p.Required)
				}
			}
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("%s %s: parameters %q, want %q", method, path, got, want)
			}
		}
	}
}

// TestAnswersAreDeclared asks every operation well and badly: the status and the
// type that it answers with stand in the document, and so does no status of
// success that it never gives.
func TestAnswersAreDeclared(t *testing.T) {
	t.Parallel()
	doc, ops := openAPI(t, true)
	for _, o := range ops {
		body, typ := "", ""
		if o.RequestBody != nil {
			if m, ok := o.RequestBody.Content["application/json"]; ok {
				body, typ = doc.sample(m.Schema), "application/json"
			}
		}
		given := map[string]bool{}
		for _, c := range []struct {
			query, accept string
			err           error
		}{{}, {accept: "text/event-stream"}, {query: "?none=1"}, {err: errBad}} {
			w, _ := ask(t, &fake{err: c.err}, true, o.method, o.path+c.query, typ, body, "Accept", c.accept)
			status := strconv.Itoa(w.Code)
			given[status] = true
			r, ok := o.Responses[status]
			if !ok {
				r, ok = o.Responses["default"]
			}
			kind, _, _ := strings.Cut(w.Header().Get("Content-Type"), ";")
			known := slices.ContainsFunc(slices.Collect(maps.Keys(r.Content)), func(k string) bool {
				k, _, _ = strings.Cut(k, ";")
				return k == kind
			})
			if !ok || !known {
				t.Errorf("%s %+v: %s %q is not in the document, which has %q", o.ID, c, status, kind, fmt.Sprint(slices.Sorted(maps.Keys(o.Responses))))
			}
		}
		for status := range o.Responses {
			if status != "default" && !given[status] && status[0] == '2' {
				t.Errorf("%s: %s is in the document and was not given", o.ID, status)
			}
		}
	}
}
