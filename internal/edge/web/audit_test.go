package web

import (
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"casus/internal/audit"
	"casus/internal/core/alliance"
	"casus/internal/event"
	"casus/internal/fault"
)

// Oversees leaves the menu as most roles have it.
func (f *fake) Oversees(context.Context) bool { return false }

// Trail tells of one entry of each kind.
func (f *fake) Trail(_ context.Context, x audit.Filter, cursor string, _ int) (audit.Listing, error) {
	if f.fail != nil || x.Actor == "nobody" {
		return audit.Listing{}, f.fail
	}
	at := func(minutes int) time.Time { return now().Add(time.Duration(-minutes) * time.Minute) }
	someone := func(id, kind string, minutes int) audit.Entry {
		return audit.Entry{ID: "AUD-" + id + "-2MWC", Kind: kind, At: at(minutes), Written: at(minutes).Add(time.Second), Person: "p7", Role: alliance.Analyst}
	}
	search, export, report, door, login, rules := someone("3F9K", "read", 1), someone("7T2D", "read", 4), someone("9KQ1", "refusal", 5), someone("2WX8", "refusal", 9), someone("5HN3", "refusal", 12), someone("8PL6", "refusal", 20)
	search.Read = &event.Given{Action: "search", Org: "ALD/csirt", Query: "5f2b8c0e1d7a94463b90c2f1a8e7d605", Objects: []string{indicatorID, malwareID}, ObjectCount: 2, Reports: []string{"RPT-7K2M-9XQ4"}, ReportCount: 1, TLP: "TLP:AMBER", Times: 2}
	export.Read = &event.Given{Action: "export", Org: "ALD/csirt", Objects: []string{indicatorID}, ObjectCount: 1204, Digest: digest, TLP: "TLP:RED", Cut: true}
	export.Unnamed = x.Object != ""
	report.Refusal = &event.Refusal{Action: "report", Org: "ALD/csirt", Status: 404, Count: 1, Withheld: []string{"RPT-5DM1-9XQ4"}}
	door.Refusal = &event.Refusal{Action: "GET /api/v1/users/*", Org: "ALD/csirt", Status: 403, Count: 12, Seconds: 7}
	login.Person, login.Role = "", alliance.NoRole
	login.Refusal = &event.Refusal{Action: "POST /sign-in", Status: 401, From: "socket", About: "p7", Count: 3}
	rules.Refusal = &event.Refusal{Action: "policy", Org: "ALD/csirt", Alarms: []string{"tlp-amber: type error"}, Count: 1}
	all := []audit.Entry{search, export, report, door, login, rules}
	if cursor != "" {
		return audit.Listing{Entries: all[5:]}, nil
	}
	return audit.Listing{Entries: all, Next: "b2xkZXI"}, nil
}

// TrailEntry finds one of these.
func (f *fake) TrailEntry(ctx context.Context, id string) ([]audit.Entry, error) {
	l, err := f.Trail(ctx, audit.Filter{}, "", 0)
	for _, e := range l.Entries {
		if e.ID == id {
			return []audit.Entry{e}, err
		}
	}
	return nil, fault.Errorf(fault.NotFound, "fake: %s is no entry", id)
}

func (p poisoned) Oversees(context.Context) bool { return true }

func (p poisoned) Trail(context.Context, audit.Filter, string, int) (audit.Listing, error) {
	read, refused := filled[audit.Entry](p.s), filled[audit.Entry](p.s)
	read.Role, refused.Role = alliance.Analyst, alliance.NoRole
	given, refusal := filled[event.Given](p.s), filled[event.Refusal](p.s)
	read.Read, read.Refusal, refused.Read, refused.Refusal = &given, nil, nil, &refusal
	refused.Person = ""
	return audit.Listing{Entries: []audit.Entry{read, refused}, Next: p.s}, nil
}

func (p poisoned) TrailEntry(ctx context.Context, _ string) ([]audit.Entry, error) {
	l, err := p.Trail(ctx, audit.Filter{}, "", 0)
	return l.Entries, err
}

// overseer is a story for who may read the trail.
type overseer struct{ *fake }

func (overseer) Oversees(context.Context) bool { return true }

// TestAuditPages draws the trail for who may read it, and for others.
func TestAuditPages(t *testing.T) {
	t.Parallel()
	f := story()
	h := newPages(t, f, Options{Audits: overseer{f}})
	page := get(t, h, "/audit").Body.String()
	for _, want := range []string{`<a href="/audit" aria-current="page">`, "TLP:RED", "AUD-3F9K-2MWC", "this machine", "login of p7", "and 1,203 more", `rel="next" href="/audit?cursor=b2xkZXI"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page of the trail has no %q", want)
		}
	}
	filtered := get(t, h, "/audit?since=2026-11-01&object="+url.QueryEscape(indicatorID)+"&kind=read&cursor=x").Body.String()
	for _, want := range []string{`value="2026-11-01"`, `value="` + indicatorID + `"`, `<option value="read" selected>`, "/api/v1/audit?cursor=x&amp;kind=read&amp;object=" + indicatorID, `href="/audit">`} {
		if !strings.Contains(filtered, want) {
			t.Errorf("the filtered page has no %q", want)
		}
	}
	one := get(t, h, "/audit/AUD-7T2D-2MWC").Body.String()
	for _, want := range []string{"1,204", digest, "given, broken off", "TLP:RED"} {
		if !strings.Contains(one, want) {
			t.Errorf("the page of an entry has no %q", want)
		}
	}
	for path, want := range map[string]int{
		"/audit?since=yesterday": http.StatusBadRequest, "/audit/AUD-0000-0000": http.StatusNotFound, "/audit?actor=nobody": http.StatusOK,
		"/audit?object=" + strings.Repeat("x", maxQueryBytes+1): http.StatusBadRequest,
	} {
		if w := get(t, h, path); w.Code != want {
			t.Errorf("%.60s: %d, want %d", path, w.Code, want)
		}
	}
	f.fail = fault.Errorf(fault.Denied, "fake: not for you")
	if w := get(t, h, "/audit"); w.Code != http.StatusForbidden || strings.Contains(w.Body.String(), "AUD-") {
		t.Errorf("to who may not read the trail: %d %s", w.Code, fmt.Sprintf("%.200s", w.Body))
	}
	if page := get(t, newPages(t, story(), Options{}), "/reports").Body.String(); strings.Contains(page, `href="/audit"`) {
		t.Error("the menu leads others to the trail")
	}
}

// TestEveryActHasWords looks for the acts that the node and the trail note.
func TestEveryActHasWords(t *testing.T) {
	t.Parallel()
	acts := map[string]bool{}
	note := func(e ast.Expr) {
		if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			act, err := strconv.Unquote(lit.Value)
			if err != nil {
				t.Fatal(err)
			}
			acts[act] = true
		}
	}
	var names []string
	for _, dir := range []string{"node", "audit"} {
		found, err := filepath.Glob(filepath.Join("..", "..", dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, found...)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch x := n.(type) {
			case *ast.CallExpr:
				if sel, ok := x.Fun.(*ast.SelectorExpr); ok && (sel.Sel.Name == "reading" || sel.Sel.Name == "missed") && len(x.Args) > 2 {
					note(x.Args[1])
					note(x.Args[2])
				}
			case *ast.CompositeLit:
				if sel, ok := x.Type.(*ast.SelectorExpr); ok && (sel.Sel.Name == "Given" || sel.Sel.Name == "Refusal") {
					for _, e := range x.Elts {
						if kv, ok := e.(*ast.KeyValueExpr); ok && fmt.Sprint(kv.Key) == "Action" {
							note(kv.Value)
						}
					}
				}
			}
			return true
		})
	}
	delete(acts, "") // nothing searched for
	if len(acts) < 15 || !acts["taxii"] || !acts["policy"] {
		t.Errorf("acts found: %v; the test looks in the wrong place", acts)
	}
	for act := range acts {
		for _, l := range []lang{english, french} {
			if _, ok := l.lookup("audit.act." + act); !ok {
				t.Errorf("%s: no words for %q", l, act)
			}
		}
	}
}
