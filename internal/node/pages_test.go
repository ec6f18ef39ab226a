package node

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"casus/internal/core/alliance"
	"casus/internal/people"
	"casus/stix"
)

// everyPage returns a node with all ways to sign in, its handler, and its pages as
// they list themselves, so that a new one cannot be forgotten.
func everyPage(t *testing.T) (*Node, http.Handler, []string) {
	t.Helper()
	n := peopled(t)
	var err error
	if n.passkeys, err = people.NewPasskeys(n.people, "http://localhost:8080"); err != nil {
		t.Fatal(err)
	}
	nobody := &http.Client{Transport: noNetwork{}}
	if n.oidc, err = people.NewOIDC(people.Issuer{URL: "https://idp.example", ClientID: "casus", Redirect: "http://localhost:8080/sign-in/oidc/back", HTTP: nobody}); err != nil {
		t.Fatal(err)
	}
	list, err := n.drawn(nil)
	if err != nil {
		t.Fatal(err)
	}
	return n, handlerOf(t, n), list.Routes()
}

// noNetwork answers nothing.
type noNetwork struct{}

// RoundTrip implements http.RoundTripper.
func (noNetwork) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, fmt.Errorf("no network in tests")
}

// session signs somebody in and returns the cookie.
func session(t *testing.T, n *Node, login string) string {
	t.Helper()
	o, err := n.SignIn(t.Context(), people.Credentials{Login: login, Password: goodPassword})
	if err != nil {
		t.Fatal(err)
	}
	return sessionCookie + "=" + o.Secret
}

// form sends a form of names and values with a cookie.
func form(t *testing.T, h http.Handler, path, cookie string, fields ...string) *httptest.ResponseRecorder {
	t.Helper()
	v := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		v.Set(fields[i], fields[i+1])
	}
	header := []string{"Content-Type", "application/x-www-form-urlencoded", "Origin", "http://127.0.0.1:8080"}
	if cookie != "" {
		header = append(header, "Cookie", cookie)
	}
	return send(t, h, "POST", path, v.Encode(), header...)
}

// TestWhoMaySee asks for every page in every role, each in a session of its own, and
// as nobody, with forms that are good where they change nothing that matters and empty
// elsewhere. What is refused for the role is 403 before anything else is looked at.
func TestWhoMaySee(t *testing.T) {
	t.Parallel()
	n, h, routes := everyPage(t)
	var got strings.Builder
	fmt.Fprintf(&got, "# Every page, what nobody gets, and which roles get what: casus decision 0024.\n")
	for _, route := range routes {
		method, path, ok := strings.Cut(route, " ")
		if !ok {
			method, path = "GET", "/no/such/page"
		}
		path = strings.NewReplacer("{id}", "x", "{name}", "x", "{$}", "").Replace(path)
		ask := func(login, cookie string) int {
			switch {
			case route == "POST /reports/new":
				const body = "--x\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\n203.0.113.7\r\n--x--\r\n"
				return send(t, h, method, path, body, "Content-Type", "multipart/form-data; boundary=x", "Origin", "http://127.0.0.1:8080", "Cookie", cookie).Code
			case route == "GET /search":
				path = "/search?q=203.0.113.7"
			case strings.HasSuffix(route, "/ask"):
				return send(t, h, method, path, "{}", "Content-Type", "application/json", "Origin", "http://127.0.0.1:8080", "Cookie", cookie).Code
			}
			if method == http.MethodPost {
				fields := map[string][]string{
					"/sign-in":          {"login", login, "password", goodPassword},
					"/account/password": {"old", goodPassword, "password", goodPassword, "again", goodPassword},
					"/account/token":    {"scope", "read", "days", "7"},
					"/account/role":     {"role", login},
					"/sources":          {"name", "north", "tlp", "green", "zone", "UTC", "trust", "A"},
				}[path]
				return form(t, h, path, cookie, fields...).Code
			}
			return send(t, h, method, path, "", "Cookie", cookie).Code
		}
		gets := map[int][]string{}
		for _, r := range alliance.Roles() {
			code := ask(r.String(), session(t, n, r.String()))
			gets[code] = append(gets[code], r.String())
			if code == http.StatusUnauthorized && !strings.HasPrefix(path, "/sign-in/") || code == http.StatusInternalServerError || code == http.StatusTooManyRequests {
				t.Errorf("%s as %s: %d", route, r, code)
			}
		}
		var what []string
		for code, roles := range gets {
			who := strings.Join(roles, " ")
			if len(roles) == len(alliance.Roles()) {
				who = "everybody"
			}
			what = append(what, fmt.Sprintf("%d %s", code, who))
		}
		slices.Sort(what)
		fmt.Fprintf(&got, "%-34s nobody %d; %s\n", route, ask("analyst", ""), strings.Join(what, "; "))
	}
	golden(t, "testdata/pages.txt", got.String())
}

// TestAnothersOnPages names what belongs to another person, in one's own session: it
// is answered as what is not there, and stays.
func TestAnothersOnPages(t *testing.T) {
	t.Parallel()
	n, h, _ := everyPage(t)
	theirs := session(t, n, "delegate")
	made, err := n.MakeToken(as(t, n, alliance.Delegate), people.NewToken{})
	if err != nil {
		t.Fatal(err)
	}
	id, err := n.people.Session(n.cfg.Clock(), strings.TrimPrefix(theirs, sessionCookie+"="))
	if err != nil {
		t.Fatal(err)
	}
	in := bundle("b", "north", indicator(1, january, "secretword", "")) // RED, for the delegate alone
	res, err := in.in(as(t, n, alliance.Delegate), n)
	if err != nil {
		t.Fatal(err)
	}
	reported := res.Reports[0].ID
	var object string
	if err := n.Objects(as(t, n, alliance.Delegate), reported, func(o *stix.Object, _ string) error {
		object = o.ID()
		return nil
	}); err != nil || object == "" {
		t.Fatalf("no object: %v", err)
	}
	mine := session(t, n, "analyst")
	for _, tt := range []struct{ path, id, none string }{
		{"/account/token/revoke", made.Token.ID, "0f3a9c1d22e84b57"},
		{"/account/session/end", id.Session, "0f3a9c1d22e84b57"},
		{"/account/credential/remove", "password-delegate", "password-nobody"},
		{"/reports/", reported, "RPT-0000-0000"},
		{"/objects/", object, "indicator--00000000-0000-4000-8000-000000000000"},
		{"/objects/*/graph", object, "indicator--00000000-0000-4000-8000-000000000000"},
		{"/api/v1/reports/", reported, "RPT-0000-0000"},
		{"/api/v1/objects/", object, "indicator--00000000-0000-4000-8000-000000000000"},
	} {
		ask := func(id string) string {
			var w *httptest.ResponseRecorder
			switch before, after, named := strings.Cut(tt.path, "*"); {
			case strings.HasPrefix(tt.path, "/account"):
				w = form(t, h, tt.path, mine, "id", id)
			case named:
				w = send(t, h, "GET", before+id+after, "", "Cookie", mine)
			default:
				w = send(t, h, "GET", tt.path+id, "", "Cookie", mine)
			}
			if w.Code == http.StatusOK {
				t.Errorf("%s of another: 200", tt.path)
			}
			return fmt.Sprint(w.Code) + strings.ReplaceAll(w.Body.String(), id, "ID") + w.Header().Get("Location")
		}
		if got, none := ask(tt.id), ask(tt.none); got != none {
			t.Errorf("%s tells another's from none:\n%s\n%s", tt.path, got, none)
		}
	}
	if w := send(t, h, "GET", "/account", "", "Cookie", theirs); w.Code != http.StatusOK {
		t.Errorf("the other's session: %d, want it open still", w.Code)
	}
	if p, err := n.people.Person("delegate"); err != nil || len(p.Credentials) != 1 || !slices.ContainsFunc(p.Tokens, func(x people.Token) bool { return x.ID == made.Token.ID }) {
		t.Errorf("the other's account: %+v, %v, want it untouched", p, err)
	}
	if w := send(t, h, "GET", "/reports/"+reported, "", "Cookie", theirs); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), reported) {
		t.Errorf("the other's report to the other: %d", w.Code)
	}
}
