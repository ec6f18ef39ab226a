package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"casus/internal/audit"
	"casus/internal/core/alliance"
	"casus/internal/core/marking"
	"casus/internal/core/privacy"
	"casus/internal/core/report"
	"casus/internal/event"
	"casus/internal/people"
	"casus/stix"
)

// fake is a node that keeps what it was asked.
type fake struct {
	mu    sync.Mutex // guards the fields below
	calls []string
	err   error // what everything answers, if set
	peak  int   // the most bytes read at once
}

func (f *fake) call(format string, args ...any) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, fmt.Sprintf(format, args...))
	return f.err
}

// body keeps the digest of a body that is read in pieces.
func (f *fake) body(name string, req report.Request, r io.Reader) error {
	h := sha256.New()
	buf := make([]byte, 1<<20)
	total := 0
	for {
		n, err := r.Read(buf)
		f.peak = max(f.peak, n)
		total += n
		_, _ = h.Write(buf[:n])
		if err == io.EOF { //nolint:errorlint // readers return it bare
			break
		}
		if err != nil {
			return err
		}
	}
	tlp := "none"
	if req.TLP != nil {
		tlp = req.TLP.String()
	}
	return f.call("%s tlp=%s map=%v %d bytes %x", name, tlp, req.Map, total, h.Sum(nil)[:8])
}

func (f *fake) Reports(_ context.Context, q, source, cursor string, limit int) ([]report.Row, string, error) {
	return nil, "", f.call("Reports %q %q %q %d", q, source, cursor, limit)
}

func (f *fake) Report(_ context.Context, id string) (report.Detail, error) {
	return report.Detail{}, f.call("Report %q", id)
}

func (f *fake) Items(_ context.Context, id, cursor string, limit int) ([]report.ObjectRow, string, error) {
	return nil, "", f.call("Items %q %q %d", id, cursor, limit)
}

func (f *fake) Match(_ context.Context, id string) (report.Matches, error) {
	return report.Matches{}, f.call("Match %q", id)
}

func (f *fake) MatchBody(_ context.Context, req report.Request, body io.Reader) (report.Matches, error) {
	return report.Matches{}, f.body("MatchBody", req, body)
}

func (f *fake) Search(_ context.Context, q, cursor string, limit int) (report.Found, error) {
	return report.Found{}, f.call("Search %q %q %d", q, cursor, limit)
}

func (f *fake) Object(_ context.Context, id string, history bool) (report.Object, error) {
	return report.Object{}, f.call("Object %q %t", id, history)
}

func (f *fake) Why(_ context.Context, id, reader string) (report.Why, error) {
	return report.Why{}, f.call("Why %q %q", id, reader)
}

func (f *fake) Preview(_ context.Context, id string, ask report.Release) (report.Preview, error) {
	tlp := "none"
	if ask.TLP != nil {
		tlp = ask.TLP.String()
	}
	return report.Preview{}, f.call("Preview %q %q %s %v", id, ask.To, tlp, ask.Until)
}

func (f *fake) Objects(_ context.Context, id string, _ func(*stix.Object, string) error) error {
	return f.call("Objects %q", id)
}

func (f *fake) Import(_ context.Context, req report.Request, body io.Reader, progress func(report.Progress)) (report.Result, error) {
	if progress != nil {
		progress(report.Progress{Name: req.Name, Objects: 1})
		progress(report.Progress{Name: req.Name, Objects: 2})
	}
	return report.Result{Received: 2, New: 2}, f.body("Import", req, body)
}

func (f *fake) ImportPaths(_ context.Context, _ report.Request, paths []string, _ func(report.Progress)) (report.Result, error) {
	return report.Result{}, f.call("ImportPaths %q", paths)
}

func (f *fake) Sources(context.Context) ([]report.Source, error) {
	return nil, f.call("Sources")
}

func (f *fake) SetSource(_ context.Context, src report.Source) error {
	return f.call("SetSource %q", src.Name)
}

func (f *fake) FindSubject(_ context.Context, value string, text bool) (privacy.Traces, error) {
	return privacy.Traces{}, f.call("FindSubject %q %t", value, text)
}

func (f *fake) EraseSubject(_ context.Context, value, reason string, dry bool) (privacy.Gone, error) {
	return privacy.Gone{}, f.call("EraseSubject %q %q %t", value, reason, dry)
}

func (f *fake) Retention(_ context.Context, dry bool) (privacy.Run, error) {
	return privacy.Run{}, f.call("Retention %t", dry)
}

func (f *fake) Holds(_ context.Context, all bool) ([]privacy.Hold, error) {
	return nil, f.call("Holds %t", all)
}

func (f *fake) Hold(_ context.Context, want privacy.NewHold) (privacy.Hold, error) {
	return privacy.Hold{}, f.call("Hold %q %q %q", want.ID, want.Source, want.Reason)
}

func (f *fake) Release(_ context.Context, id, reason string) (privacy.Hold, error) {
	return privacy.Hold{}, f.call("Release %q %q", id, reason)
}

func (f *fake) Quarantine(_ context.Context, id string) ([]report.Quarantined, error) {
	return nil, f.call("Quarantine %q", id)
}

func (f *fake) QuarantineItem(_ context.Context, id string) (report.Quarantined, error) {
	return report.Quarantined{}, f.call("QuarantineItem %q", id)
}

func (f *fake) Retry(_ context.Context, id string) (report.Result, error) {
	return report.Result{}, f.call("Retry %q", id)
}

func (f *fake) Verify(context.Context) (report.Check, error) {
	return report.Check{OK: true}, f.call("Verify")
}

func (f *fake) Rebuild(context.Context) error { return f.call("Rebuild") }

func (f *fake) Erase(_ context.Context, id, reason string) (report.Erased, error) {
	return report.Erased{Receipts: 1}, f.call("Erase %q %q", id, reason)
}

func (f *fake) Warninglists(context.Context) ([]report.Warninglist, error) {
	return nil, f.call("Warninglists")
}

func (f *fake) ImportWarninglist(_ context.Context, body io.Reader) (report.Warninglist, error) {
	return report.Warninglist{}, f.body("ImportWarninglist", report.Request{}, body)
}

func (f *fake) Sizes(context.Context) (map[string]int64, error) {
	return nil, f.call("Sizes")
}

func (f *fake) Ceiling(context.Context) (report.Ceiling, error) {
	return report.Ceiling{}, f.call("Ceiling")
}

func (f *fake) SetCeiling(_ context.Context, c report.Ceiling) error {
	return f.call("SetCeiling %q", c.Level)
}

func (f *fake) Login(_ context.Context, c people.Credentials) (people.Made, error) {
	return people.Made{}, f.call("Login %q", c.Login)
}

func (f *fake) Logout(context.Context) error { return f.call("Logout") }

func (f *fake) Whoami(context.Context) (people.Me, error) { return people.Me{}, f.call("Whoami") }

func (f *fake) Persons(context.Context) ([]people.Person, error) { return nil, f.call("Persons") }

func (f *fake) Person(_ context.Context, key string) (people.Person, error) {
	return people.Person{}, f.call("Person %q", key)
}

func (f *fake) AddPerson(_ context.Context, p people.NewPerson) (people.Person, error) {
	return people.Person{}, f.call("AddPerson %q", p.Key)
}

func (f *fake) EditPerson(_ context.Context, key string, c people.Change) (people.Person, error) {
	return people.Person{}, f.call("EditPerson %q %v", key, c.Name != nil)
}

func (f *fake) RemovePerson(_ context.Context, key, reason string) error {
	return f.call("RemovePerson %q %q", key, reason)
}

func (f *fake) SetPassword(_ context.Context, key, old, password string) error {
	return f.call("SetPassword %q %q %q", key, old, password)
}

func (f *fake) Organisations(context.Context) ([]alliance.Organisation, error) {
	return nil, f.call("Organisations")
}

func (f *fake) SetOrganisation(_ context.Context, o alliance.Organisation) error {
	return f.call("SetOrganisation %q", o.ID)
}

func (f *fake) Tokens(context.Context) ([]people.Token, error) { return nil, f.call("Tokens") }

func (f *fake) MakeToken(_ context.Context, t people.NewToken) (people.Made, error) {
	return people.Made{}, f.call("MakeToken %q", t.Scope)
}

func (f *fake) RevokeToken(_ context.Context, id string) error { return f.call("RevokeToken %q", id) }

func (f *fake) LinkOIDC(_ context.Context, key string, sub event.Subject) error {
	return f.call("LinkOIDC %q %q", key, sub.Issuer)
}

func (f *fake) DropCredential(_ context.Context, key, id string) error {
	return f.call("DropCredential %q %q", key, id)
}

func (f *fake) Policies(context.Context) (people.Policies, error) {
	return people.Policies{}, f.call("Policies")
}

func (f *fake) Policy(_ context.Context, digest string) ([]marking.RuleFile, error) {
	return nil, f.call("Policy %q", digest)
}

func (f *fake) WeighPolicy(_ context.Context, files []marking.RuleFile) (marking.Weighed, error) {
	return marking.Weighed{}, f.call("WeighPolicy %d", len(files))
}

func (f *fake) ProposePolicy(_ context.Context, p people.NewPolicy) (marking.Ruleset, error) {
	return marking.Ruleset{}, f.call("ProposePolicy %d %q", len(p.Files), p.Reason)
}

func (f *fake) ConfirmPolicy(_ context.Context, digest string, a people.Answer) (marking.Ruleset, error) {
	return marking.Ruleset{}, f.call("ConfirmPolicy %q %q", digest, a.Challenge)
}

func (f *fake) StepUp(_ context.Context, text string) (people.Challenge, error) {
	return people.Challenge{}, f.call("StepUp %q", text)
}

func (f *fake) Trail(_ context.Context, x audit.Filter, cursor string, limit int) (audit.Listing, error) {
	return audit.Listing{}, f.call("Trail %+v %q %d", x, cursor, limit)
}

func (f *fake) TrailEntry(_ context.Context, id string) ([]audit.Entry, error) {
	return nil, f.call("TrailEntry %q", id)
}

func (f *fake) VerifyTrail(context.Context) (audit.Verdict, error) {
	return audit.Verdict{}, f.call("VerifyTrail")
}

// ask sends one request to a new API over a fake and returns the answer and what
// the fake was asked.
func ask(t *testing.T, f *fake, local bool, method, target, contentType, body string, header ...string) (*httptest.ResponseRecorder, []string) {
	t.Helper()
	h := New(Options{Reads: f, Releases: f, Arrivals: f, Writes: f, Keeper: f, People: f, Tokens: f, Audits: f, Credentials: f, Rules: f, Privacy: f, Local: local, Version: "test"})
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	f.mu.Lock()
	defer f.mu.Unlock()
	return w, f.calls
}

// oneProblem requires that an answer is a problem in the form of all problems.
func oneProblem(t *testing.T, w *httptest.ResponseRecorder, status int) problem {
	t.Helper()
	if w.Code != status {
		t.Errorf("status = %d, want %d: %s", w.Code, status, w.Body)
	}
	if got := w.Header().Get("Content-Type"); got != problemType {
		t.Errorf("Content-Type = %q, want %q", got, problemType)
	}
	var p problem
	if err := unmarshal(bytes.TrimSpace(w.Body.Bytes()), &p); err != nil {
		t.Fatalf("%s: %v, want a problem and nothing else in it", w.Body, err)
	}
	if p.Status != w.Code || p.Kind == "" || p.Title == "" {
		t.Errorf("problem = %+v with status %d, want status, kind and title", p, w.Code)
	}
	if p.Hint == "" && w.Code != http.StatusNotFound {
		t.Errorf("problem %+v has no hint", p)
	}
	return p
}
