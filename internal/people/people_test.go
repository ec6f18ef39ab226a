package people

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"casus/internal/core/alliance"
	"casus/internal/event"
	"casus/internal/eventlog"
	"casus/internal/eventlog/memlog"
	"casus/internal/fault"
)

// cheap is a cost that tests can pay.
func cheap() Cost { return Cost{Passes: 1, MemoryKiB: 8, Lanes: 1} }

type world struct {
	*Store
	t   *testing.T
	log eventlog.Log
	now time.Time
}

func options() Options {
	return Options{Random: rand.NewChaCha8([32]byte{1}), Secret: make([]byte, 32), Cost: cheap()}
}

func newWorld(t *testing.T) *world {
	t.Helper()
	log := memlog.New(rand.NewChaCha8([32]byte{2}))
	s, err := Open(t.Context(), log, options(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return &world{s, t, log, time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)}
}

func (w *world) by() By { return By{Author: "test", Now: w.now} }

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

const password = "four words of nonsense"

// add adds a person with a password; the login is the key.
func (w *world) add(k alliance.Key, roles ...alliance.Role) {
	w.t.Helper()
	p := event.Person{Key: k, Org: "AAA/csirt"}
	for _, r := range roles {
		p.Posts = append(p.Posts, alliance.Post{Role: r})
	}
	org := alliance.Organisation{ID: "AAA/csirt", Name: "CSIRT", Kind: alliance.CSIRT}
	w.must(w.Add(w.t.Context(), w.by(), org, p, event.Named{Name: "Name of " + string(k), Login: string(k), Email: string(k) + "@example.org"}, []byte(password)))
}

func (w *world) start(k alliance.Key, role alliance.Role, old string) (string, Session) {
	w.t.Helper()
	secret, s, err := w.Start(w.t.Context(), w.now, w.fold.known(k), role, old, "test")
	w.must(err)
	return secret, s
}

func kind(t *testing.T, what string, err error, want fault.Kind) {
	t.Helper()
	if err == nil || fault.KindOf(err) != want {
		t.Errorf("%s: error = %v, want %v", what, err, want)
	}
}

func (w *world) set(p event.Person) error {
	return w.Edit(w.t.Context(), w.by(), p.Key, func(at *event.Person, _ *event.Named) { *at = p })
}

func (w *world) rename(n event.Named) error {
	return w.Edit(w.t.Context(), w.by(), n.Person, func(_ *event.Person, at *event.Named) { *at = n })
}

// told is everything that a store tells, for comparison.
func (w *world) told() any {
	return []any{w.Persons(), w.Directory()}
}

func TestFoldIsRebuilt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	w.add("ada", alliance.Administrator)
	w.add("ben", alliance.Analyst, alliance.Delegate)
	w.add("cem", alliance.Analyst)
	w.must(w.SetOrganisation(ctx, w.by(), event.Organisation{ID: "AAA/mfa", Name: "Ministry", Kind: alliance.Ministry}))
	ben, err := w.Person("ben")
	w.must(err)
	ben.Deputies = []alliance.Deputy{{For: "ben", By: "cem", Role: alliance.Delegate, OnLeave: true}}
	ben.Leave = []alliance.Span{{From: w.now, To: w.now.Add(time.Hour)}}
	w.must(w.set(ben.Person))
	w.must(w.rename(event.Named{Person: "ben", Name: "Benedict", Login: "benedict"}))
	w.must(w.SetPassword(ctx, w.by(), "ben", []byte("another long password")))
	w.must(w.LinkOIDC(ctx, w.by(), "cem", event.Subject{Issuer: "https://idp.example", Subject: "cem"}))
	_, tok, err := w.MakeToken(ctx, w.by(), "ada", 0, ScopeRead, w.now.Add(time.Hour))
	w.must(err)
	_, _, err = w.MakeToken(ctx, w.by(), "cem", alliance.Delegate, ScopeAll, w.now.Add(time.Hour))
	w.must(err)
	w.must(w.RevokeToken(ctx, w.by(), "", tok.ID))
	w.add("dan", alliance.Auditor)
	w.must(w.Remove(ctx, w.by(), "dan", ""))
	// Something else is in the log too.
	_, err = w.log.Append(ctx, nil, []eventlog.Entry{{Kind: event.SourceSet, Payload: []byte("no matter")}})
	w.must(err)

	index, err := w.Index(ctx)
	w.must(err)
	for name, from := range map[string]*Index{"from the log": nil, "from the index": &index} {
		s, err := Open(ctx, w.log, options(), from)
		w.must(err)
		again := &world{s, t, w.log, w.now}
		if diff := cmp.Diff(w.told(), again.told(), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: the fold differs (-live +read again):\n%s", name, diff)
		}
		if diff := cmp.Diff(index.Entries, s.fold.entries); diff != "" {
			t.Errorf("%s: entries differ:\n%s", name, diff)
		}
	}
	if got := w.Roles(w.now, "cem"); !cmp.Equal(got, []alliance.Role{alliance.Analyst, alliance.Delegate}) {
		t.Errorf("Roles(cem) = %v, want those of his own and of whom he stands in for", got)
	}
}

func TestStepReadsOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other, err := Open(t.Context(), w.log, options(), nil)
	w.must(err)
	w.add("ada", alliance.Administrator)
	if _, _, err := other.Step(t.Context(), w.now); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Person("ada"); err != nil {
		t.Errorf("Person after Step: %v", err)
	}
	did, _, err := other.Step(t.Context(), w.now)
	w.must(err)
	if did != 0 {
		t.Errorf("second Step read %d entries, want none", did)
	}
	// What one writes without having read the other is refused, not lost.
	w.add("ben", alliance.Analyst)
	kind(t, "a write behind another's", other.SetPassword(t.Context(), w.by(), "ada", []byte(password)), fault.Conflict)
}

// holds reports whether any payload of the log holds text.
func holds(t *testing.T, log eventlog.Log, text string) bool {
	t.Helper()
	found := false
	err := eventlog.Each(t.Context(), log, 1, func(st eventlog.Stored) error {
		found = found || bytes.Contains(st.Payload, []byte(text)) || strings.Contains(fmt.Sprintf("%+v", st.Header), text)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestErasureOfNames(t *testing.T) {
	t.Parallel()
	tests := map[string]func(w *world) error{
		"erased":  func(w *world) error { return w.EraseName(w.t.Context(), w.by(), "ben", "asked") },
		"removed": func(w *world) error { return w.Remove(w.t.Context(), w.by(), "ben", "left") },
		"renamed": func(w *world) error {
			return w.rename(event.Named{Person: "ben", Name: "Other"})
		},
	}
	for name, act := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.add("ada", alliance.Administrator)
			w.add("ben", alliance.Analyst)
			if !holds(t, w.log, "ben@example.org") {
				t.Fatal("the name is not in the log to begin with")
			}
			w.must(act(w))
			for _, text := range []string{"Name of ben", "ben@example.org"} {
				if holds(t, w.log, text) {
					t.Errorf("the log holds %q still", text)
				}
			}
			if !holds(t, w.log, `"role":"analyst"`) || !holds(t, w.log, `"key":"ben"`) {
				t.Error("key and role went with the name, want them kept")
			}
			_, err := w.CheckPassword(t.Context(), w.now, "ben", []byte(password), From{})
			kind(t, "sign in by the erased login", err, fault.Denied)
		})
	}
}

func TestReplacedPasswordIsErased(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add("ada", alliance.Administrator)
	old := w.fold.credentialsOf("ada")[0]
	w.must(w.SetPassword(t.Context(), w.by(), "ada", []byte("another long password")))
	st, err := w.log.Get(t.Context(), old.at)
	w.must(err)
	if !st.Erased {
		t.Error("the old hash is in the log still")
	}
	_, err = w.CheckPassword(t.Context(), w.now, "ada", []byte(password), From{})
	kind(t, "the old password", err, fault.Denied)
	k, err := w.CheckPassword(t.Context(), w.now, "ADA", []byte("another long password"), From{})
	if k.Person != "ada" || err != nil {
		t.Errorf("CheckPassword(new) = %q, %v, want ada", k.Person, err)
	}
}

// TestEqualWork: time must not tell who is there, so every attempt costs the same
// derivations with the same parameters, and one look at the mark of a device.
func TestEqualWork(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add("ada", alliance.Administrator)
	w.add("ben", alliance.Analyst)
	w.add("cem", alliance.Analyst)
	w.must(w.RemoveCredential(t.Context(), w.by(), "ben", "password-ben"))
	w.must(w.Remove(t.Context(), w.by(), "cem", ""))
	var work []string
	w.derive = func(pw []byte, h *event.PasswordHash) []byte {
		work = append(work, fmt.Sprintf("%d %d %d salt %d password %d", h.Passes, h.MemoryKiB, h.Lanes, len(h.Salt), len(pw)))
		return argon(pw, h)
	}
	var first []string
	var text string
	for i, login := range []string{"ada", "nobody", "ben", "cem", "", strings.Repeat("x", 10_000)} {
		work = nil
		_, err := w.CheckPassword(t.Context(), w.now, login, []byte("wrong password here"), From{})
		if i == 0 {
			first, text = work, fmt.Sprint(err)
		}
		if len(work) != 1 || !cmp.Equal(work, first) {
			t.Errorf("sign in as %.10q: work = %q, want that of a known login, %q", login, work, first)
		}
		if fmt.Sprint(err) != text || !errors.Is(err, ErrSignIn) {
			t.Errorf("sign in as %.10q: error = %v, want %s", login, err, text)
		}
	}
}

func TestPasswords(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, password string
		want           bool
	}{
		{"long", "correct horse battery", true},
		{"of other letters", "ключ от дома и сад", true},
		{"short", "elevenchars", false},
		{"short in letters, long in bytes", "ключклю", false},
		{"one character", "aaaaaaaaaaaaaaaa", false},
		{"too long", strings.Repeat("ab", MaxPasswordBytes), false},
		{"not UTF-8", "long enough but\xff", false},
		{"mail address", "ADA@example.org", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.add("ada", alliance.Administrator)
			err := w.SetPassword(t.Context(), w.by(), "ada", []byte(tt.password))
			if (err == nil) != tt.want {
				t.Errorf("SetPassword(%q) = %v, want accepted %v", tt.password, err, tt.want)
			}
		})
	}
}

func TestDefaultCost(t *testing.T) {
	t.Parallel()
	want := Cost{Passes: 3, MemoryKiB: 65536, Lanes: 4} // rfc9106 §4, second recommended option
	if got := DefaultCost(); got != want {
		t.Errorf("DefaultCost() = %+v, want %+v", got, want)
	}
	s, err := Open(t.Context(), memlog.New(rand.NewChaCha8([32]byte{})), Options{Random: rand.NewChaCha8([32]byte{1})}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if h, err := s.newHash(nil); err != nil || h.MemoryKiB != want.MemoryKiB || h.Passes != want.Passes || h.Lanes != want.Lanes || len(h.Salt) != 16 {
		t.Errorf("newHash() = %+v, %v, want the default cost", h, err)
	}
}

func TestLockOutLocksNobodyOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add("ada", alliance.Administrator)
	ctx := t.Context()
	device, err := w.Device("ada")
	w.must(err)
	mallory := From{Addr: netip.MustParseAddr("203.0.113.9")}
	refused := 0
	for range 50 {
		if _, err := w.CheckPassword(ctx, w.now, "ada", []byte("a guess of mine"), mallory); fault.KindOf(err) == fault.Unavailable {
			refused++
		}
	}
	if want := 50 - PairBurst; refused != want {
		t.Errorf("of 50 guesses %d were refused, want %d", refused, want)
	}
	try := func(what string, from From, want bool) {
		t.Helper()
		k, err := w.CheckPassword(ctx, w.now, "ada", []byte(password), from)
		if (err == nil && k.Person == "ada") != want {
			t.Errorf("%s: %q, %v, want let in %v", what, k.Person, err, want)
		}
	}
	try("the owner from elsewhere", From{Addr: netip.MustParseAddr("198.51.100.7")}, true)
	try("the owner on this machine", From{}, true)
	try("a neighbour of the attacker", From{Addr: netip.MustParseAddr("203.0.113.200")}, false)
	// The guesses come from everywhere.
	for i := range 300 {
		from := From{Addr: netip.AddrFrom4([4]byte{10, byte(i / 250), byte(i % 250), 1})}
		_, _ = w.CheckPassword(ctx, w.now, "ada", []byte("a guess of mine"), from)
	}
	try("the owner on a new device, now", From{Addr: netip.MustParseAddr("198.51.100.7")}, false)
	try("the owner on a known device", From{Addr: netip.MustParseAddr("198.51.100.7"), Device: device}, true)
	try("the attacker with the mark of another", From{Addr: mallory.Addr, Device: must(w.Device("ben"))}, false)
	try("the attacker with a forged mark", From{Addr: mallory.Addr, Device: strings.Repeat("A", len(device))}, false)
	// Nobody else's login is slowed.
	w.add("ben", alliance.Analyst)
	if _, err := w.CheckPassword(ctx, w.now, "ben", []byte(password), From{Addr: netip.MustParseAddr("198.51.100.7")}); err != nil {
		t.Errorf("another login: %v", err)
	}
	w.now = w.now.Add(PairEvery)
	try("the owner a minute later", From{Addr: netip.MustParseAddr("198.51.100.7")}, true)
}

func must(s string, err error) string {
	if err != nil {
		panic(err)
	}
	return s
}

func TestSprayIsLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	from := From{Addr: netip.MustParseAddr("2001:db8:0:1::5")}
	refused := 0
	for i := range 100 {
		from.Addr = netip.MustParseAddr(fmt.Sprintf("2001:db8:0:%x::5", i)) // one network
		if _, err := w.CheckPassword(t.Context(), w.now, fmt.Sprintf("user%d", i), []byte("a guess of mine"), from); fault.KindOf(err) == fault.Unavailable {
			refused++
		}
	}
	if want := 100 - NetworkBurst; refused != want {
		t.Errorf("of 100 logins tried from one network %d were refused, want %d", refused, want)
	}
}

func TestLimitsAreBounded(t *testing.T) {
	t.Parallel()
	var l limits
	l.buckets = map[string]*bucket{}
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range maxBuckets + 1000 {
		if l.take(now, limit{fmt.Sprint(i), 1, time.Minute}) != 0 {
			t.Fatalf("bucket %d is empty, want a new one", i)
		}
	}
	if len(l.buckets) > maxBuckets {
		t.Errorf("%d buckets, want at most %d", len(l.buckets), maxBuckets)
	}
}

func TestAdmit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := Identity{Token: "a"}
	for range RequestBurst {
		w.must(w.Admit(w.now, id))
	}
	kind(t, "one too many", w.Admit(w.now, id), fault.Unavailable)
	w.must(w.Admit(w.now, Identity{Token: "b"}))
	w.must(w.Admit(w.now.Add(RequestEvery), id))
}

func TestSessions(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	tests := []struct {
		name string
		act  func(w *world, secret string) // between opening and use
		want bool
	}{
		{"at once", func(*world, string) {}, true},
		{"in use for hours", func(w *world, secret string) {
			for range 20 {
				w.now = w.now.Add(SessionIdle - time.Second)
				_, _ = w.Session(w.now, secret)
			}
			w.now = w.now.Add(-SessionIdle)
		}, true},
		{"idle", func(w *world, _ string) { w.now = w.now.Add(SessionIdle) }, false},
		{"old", func(w *world, secret string) {
			for range 30 {
				w.now = w.now.Add(SessionIdle - time.Second)
				_, _ = w.Session(w.now, secret)
			}
		}, false},
		{"signed out", func(w *world, secret string) { w.SignOut(secret) }, false},
		{"signed in anew", func(w *world, secret string) { w.start("ben", 0, secret) }, false},
		{"signed in elsewhere", func(w *world, _ string) { w.start("ben", 0, "") }, true},
		{"new password", func(w *world, _ string) { w.must(w.SetPassword(ctx, w.by(), "ben", []byte("another long password"))) }, false},
		{"another's new password", func(w *world, _ string) { w.must(w.SetPassword(ctx, w.by(), "ada", []byte("another long password"))) }, true},
		{"credential removed", func(w *world, _ string) { w.must(w.RemoveCredential(ctx, w.by(), "ben", "password-ben")) }, false},
		{"removed", func(w *world, _ string) { w.must(w.Remove(ctx, w.by(), "ben", "")) }, false},
		{"ended by handle", func(w *world, _ string) { w.EndSession("ben", w.Sessions(w.now, "ben")[0].ID) }, false},
		{"role taken away", func(w *world, _ string) {
			p, err := w.Person("ben")
			w.must(err)
			p.Posts = []alliance.Post{{Role: alliance.Delegate}}
			w.must(w.set(p.Person))
		}, false},
		{"on leave", func(w *world, _ string) {
			p, err := w.Person("ben")
			w.must(err)
			p.Leave = []alliance.Span{{}}
			w.must(w.set(p.Person))
		}, false},
		{"many others", func(w *world, _ string) {
			for range MaxSessions {
				w.now = w.now.Add(time.Second)
				w.start("ben", 0, "")
			}
		}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.add("ada", alliance.Administrator)
			w.add("ben", alliance.Analyst)
			secret, _ := w.start("ben", alliance.Analyst, "")
			if _, err := w.Session(w.now, secret); err != nil {
				t.Fatalf("the session is not open to begin with: %v", err)
			}
			tt.act(w, secret)
			id, err := w.Session(w.now, secret)
			if (err == nil) != tt.want {
				t.Errorf("Session() = %+v, %v, want open %v", id, err, tt.want)
			}
			if err != nil && !errors.Is(err, ErrSignIn) {
				t.Errorf("error = %v, want one that asks to sign in", err)
			}
		})
	}
}

// TestUnderWay lets something end the person's sessions between the proof and what
// is done with it: nothing that lasts comes of it.
func TestUnderWay(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	sub := event.Subject{Issuer: "https://idp.example", Subject: "ben"}
	proofs := map[string]func(w *world) Known{
		"by password": func(w *world) Known {
			k, err := w.CheckPassword(ctx, w.now, "ben", []byte(password), From{})
			w.must(err)
			return k
		},
		"elsewhere": func(w *world) Known {
			k, err := w.BySubject(sub)
			w.must(err)
			return k
		},
		"by session": func(w *world) Known {
			secret, _ := w.start("ben", 0, "")
			id, err := w.Session(w.now, secret)
			w.must(err)
			return id.Known()
		},
		"by token": func(w *world) Known {
			secret, _, err := w.MakeToken(ctx, w.by(), "ben", 0, ScopeAll, w.now.Add(time.Hour))
			w.must(err)
			id, err := w.Bearer(w.now, secret)
			w.must(err)
			return id.Known()
		},
	}
	ends := map[string]func(w *world) error{
		"new password":       func(w *world) error { return w.SetPassword(ctx, w.by(), "ben", []byte("another long password")) },
		"credential removed": func(w *world) error { return w.RemoveCredential(ctx, w.by(), "ben", "password-ben") },
		"removed":            func(w *world) error { return w.Remove(ctx, w.by(), "ben", "") },
		"nothing":            func(*world) error { return nil },
	}
	for proof, prove := range proofs {
		for end, act := range ends {
			t.Run(proof+", "+end, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.add("ada", alliance.Administrator)
				w.add("ben", alliance.Analyst)
				w.must(w.LinkOIDC(ctx, w.by(), "ben", sub))
				who := prove(w)
				w.must(act(w))
				by := w.by()
				by.As = who
				_, _, started := w.Start(ctx, w.now, who, alliance.Analyst, "", "")
				_, _, made := w.MakeToken(ctx, by, "ben", alliance.Analyst, ScopeAll, w.now.Add(time.Hour))
				for what, err := range map[string]error{
					"session": started, "token": made, "password": w.SetPassword(ctx, by, "ben", []byte("a third long password")),
				} {
					if (err == nil) != (end == "nothing") {
						t.Errorf("%s: %v", what, err)
					}
				}
				if n := len(w.Sessions(w.now, "ben")); n > 0 && end != "nothing" {
					t.Errorf("%d sessions are open", n)
				}
			})
		}
	}
}

func TestSessionFixation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add("ada", alliance.Administrator, alliance.Auditor)
	planted := "planted-by-an-attacker-0123456789abcdefghij"
	got, _ := w.start("ada", 0, planted)
	if got == planted {
		t.Fatal("the secret given is that of the session")
	}
	if _, err := w.Session(w.now, planted); err == nil {
		t.Error("a planted secret is a session now")
	}
	again, _ := w.start("ada", alliance.Auditor, got) // another role: another secret
	if again == got {
		t.Error("changing the role kept the secret")
	}
	id, err := w.Session(w.now, again)
	w.must(err)
	want := Identity{Person: "ada", Role: alliance.Auditor, Org: "AAA/csirt", Scope: ScopeAll, Session: id.Session}
	if diff := cmp.Diff(want, id, cmpopts.IgnoreUnexported(Identity{})); diff != "" {
		t.Errorf("Session() (-want +got):\n%s", diff)
	}
	for sum := range w.sessions.open {
		if bytes.Contains([]byte(again), sum[:]) || sum != sha256.Sum256([]byte(again)) {
			t.Error("the secret is held as it is, want its hash")
		}
	}
}

func TestForged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add("ada", alliance.Administrator)
	session, s := w.start("ada", 0, "")
	token, tok, err := w.MakeToken(t.Context(), w.by(), "ada", 0, ScopeRead, w.now.Add(time.Hour))
	w.must(err)
	sum := sha256.Sum256([]byte(token))
	for _, bad := range []string{
		"", " ", "casus_", session[1:], session + "A", strings.ToUpper(session), token[:len(token)-1], token + "=", " " + token, strings.ToLower(token),
		s.ID, tok.ID, string(sum[:]), fmt.Sprintf("%x", sum), "ada", "\x00", strings.Repeat("A", 1<<20),
	} {
		if id, err := w.Session(w.now, bad); err == nil {
			t.Errorf("Session(%.60q) = %+v, want refused", bad, id)
		}
		if id, err := w.Bearer(w.now, bad); err == nil {
			t.Errorf("Bearer(%.60q) = %+v, want refused", bad, id)
		}
	}
	if id, err := w.Session(w.now, token); err == nil {
		t.Errorf("a token is a session: %+v", id)
	}
	if id, err := w.Bearer(w.now, session); err == nil {
		t.Errorf("a session is a token: %+v", id)
	}
	if len(session) < 43 || len(token) < 43+len(TokenPrefix) {
		t.Error("a secret has fewer than 256 bits")
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	w.add("ada", alliance.Administrator)
	w.add("ben", alliance.Analyst)
	secret, tok, err := w.MakeToken(ctx, w.by(), "ben", alliance.Analyst, ScopeRead, w.now.Add(time.Hour))
	w.must(err)
	if holds(t, w.log, secret) || holds(t, w.log, strings.TrimPrefix(secret, TokenPrefix)) {
		t.Error("the log holds the secret")
	}
	id, err := w.Bearer(w.now, secret)
	w.must(err)
	want := Identity{Person: "ben", Role: alliance.Analyst, Org: "AAA/csirt", Scope: ScopeRead, Token: tok.ID}
	if diff := cmp.Diff(want, id, cmpopts.IgnoreUnexported(Identity{})); diff != "" {
		t.Errorf("Bearer() (-want +got):\n%s", diff)
	}
	if id.Scope.Writes() || Scope("").Writes() || Scope("ALL").Writes() || !ScopeAll.Writes() {
		t.Error("a scope other than all writes")
	}
	_, err = w.Bearer(tok.Expires, secret)
	kind(t, "at its end", err, fault.Denied)
	_, _, err = w.MakeToken(ctx, w.by(), "ben", alliance.Administrator, ScopeAll, w.now.Add(time.Hour))
	kind(t, "a role not held", err, fault.Denied)
	_, _, err = w.MakeToken(ctx, w.by(), "ben", 0, "everything", w.now.Add(time.Hour))
	kind(t, "an unknown scope", err, fault.Invalid)
	_, _, err = w.MakeToken(ctx, w.by(), "ben", 0, ScopeAll, time.Time{})
	kind(t, "no end", err, fault.Invalid)
	_, _, err = w.MakeToken(ctx, w.by(), "ben", 0, ScopeAll, w.now.Add(2*MaxTokenLife))
	kind(t, "too long a life", err, fault.Invalid)
	kind(t, "revoked by another", w.RevokeToken(ctx, w.by(), "ada", tok.ID), fault.NotFound)
	w.must(w.RevokeToken(ctx, w.by(), "ben", tok.ID))
	_, err = w.Bearer(w.now, secret)
	kind(t, "revoked", err, fault.Denied)
	// Who is gone acts no more.
	secret, _, err = w.MakeToken(ctx, w.by(), "ben", 0, ScopeAll, w.now.Add(time.Hour))
	w.must(err)
	w.must(w.Remove(ctx, w.by(), "ben", ""))
	_, err = w.Bearer(w.now, secret)
	kind(t, "of who was removed", err, fault.Denied)
}

func TestStepUp(t *testing.T) {
	t.Parallel()
	text := sha256.Sum256([]byte("we will answer in kind"))
	other := sha256.Sum256([]byte("we will answer in kind."))
	tests := []struct {
		name string
		act  func(w *world, id *Identity, challenge *string, text *[32]byte, pw *string)
		want bool
	}{
		{"answered", func(*world, *Identity, *string, *[32]byte, *string) {}, true},
		{"another text", func(_ *world, _ *Identity, _ *string, text *[32]byte, _ *string) { *text = other }, false},
		{"wrong password", func(_ *world, _ *Identity, _ *string, _ *[32]byte, pw *string) { *pw = "something else" }, false},
		{"late", func(w *world, _ *Identity, _ *string, _ *[32]byte, _ *string) { w.now = w.now.Add(StepLife) }, false},
		{"another challenge", func(_ *world, _ *Identity, c *string, _ *[32]byte, _ *string) { *c = "00" }, false},
		{"another session", func(w *world, id *Identity, _ *string, _ *[32]byte, _ *string) {
			secret, _ := w.start("ada", 0, "")
			*id, _ = w.Session(w.now, secret)
		}, false},
		{"a token", func(_ *world, id *Identity, _ *string, _ *[32]byte, _ *string) { id.Session, id.Token = "", "x" }, false},
		{"a token of the same handle", func(_ *world, id *Identity, _ *string, _ *[32]byte, _ *string) { id.Session, id.Token = "", id.Session }, false},
		{"a token with a challenge of its own", func(w *world, id *Identity, c *string, text *[32]byte, _ *string) {
			id.Session, id.Token = "", "x"
			own, err := w.StepUp(w.now, *id, *text)
			w.must(err)
			*c = own.ID
		}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.add("ada", alliance.Administrator)
			secret, _ := w.start("ada", 0, "")
			id, err := w.Session(w.now, secret)
			w.must(err)
			c, err := w.StepUp(w.now, id, text)
			w.must(err)
			first, challenge, said, pw := id, c.ID, text, password
			tt.act(w, &id, &challenge, &said, &pw)
			proof, err := w.StepUpPassword(t.Context(), w.now, id, challenge, said, []byte(pw))
			if (err == nil) != tt.want {
				t.Fatalf("StepUpPassword() = %v, want proved %v", err, tt.want)
			}
			if tt.want {
				h := sha256.Sum256(append(append([]byte("casus step-up 1\x00"), proof.Nonce...), text[:]...))
				if challenge == c.ID && !bytes.Equal(h[:], c.Bytes) || proof.Text != text || proof.Person != "ada" {
					t.Errorf("proof %+v does not belong to the challenge", proof)
				}
			}
			if challenge == c.ID && id.Session == first.Session {
				_, err = w.StepUpPassword(t.Context(), w.now, first, c.ID, text, []byte(password))
				kind(t, "the second answer", err, fault.Denied)
			}
		})
	}
	w := newWorld(t)
	for name, id := range map[string]Identity{"nobody": {}, "a token that only reads": {Token: "x", Scope: ScopeRead}} {
		if _, err := w.StepUp(w.now, id, text); fault.KindOf(err) != fault.Denied {
			t.Errorf("StepUp of %s: %v, want Denied", name, err)
		}
	}
	for range maxSteps {
		_, err := w.StepUp(w.now, Identity{Session: "x"}, text)
		w.must(err)
	}
	_, err := w.StepUp(w.now, Identity{Session: "x"}, text)
	kind(t, "too many open", err, fault.Unavailable)
}

func TestBreakGlass(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add("ada", alliance.Administrator)
	p := event.Person{Key: "glass", Org: "AAA/csirt", Posts: []alliance.Post{{Role: alliance.Administrator}}, BreakGlass: true}
	w.must(w.Add(t.Context(), w.by(), alliance.Organisation{}, p, event.Named{Name: "Emergency", Login: "glass"}, nil))
	used := func() (n int) {
		w.must(eventlog.Each(t.Context(), w.log, 1, func(st eventlog.Stored) error {
			if st.Header.Kind == event.BreakGlassUsed {
				n++
			}
			return nil
		}))
		return n
	}
	w.start("ada", 0, "")
	if n := used(); n != 0 {
		t.Errorf("%d uses on record of an ordinary sign-in", n)
	}
	w.start("glass", 0, "")
	_, _, err := w.MakeToken(t.Context(), w.by(), "glass", 0, ScopeAll, w.now.Add(time.Hour))
	w.must(err)
	if n := used(); n != 2 {
		t.Errorf("%d uses on record, want one for the session and one for the token", n)
	}
}

func TestRefusedWrites(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	w.add("ada", alliance.Administrator)
	w.add("ben", alliance.Analyst)
	w.add("cem", alliance.Analyst)
	w.must(w.Remove(ctx, w.by(), "cem", ""))
	org := alliance.Organisation{}
	person := func(k alliance.Key, o alliance.Org) event.Person {
		return event.Person{Key: k, Org: o}
	}
	ada, err := w.Person("ada")
	w.must(err)
	demoted := ada.Person
	demoted.Posts = nil
	stranger := person("ben", "AAA/csirt")
	stranger.Deputies = []alliance.Deputy{{For: "ada", By: "ben", Role: alliance.Administrator}}
	tests := []struct {
		name string
		err  error
		want fault.Kind
	}{
		{"key taken", w.Add(ctx, w.by(), org, person("ben", "AAA/csirt"), event.Named{Name: "B"}, nil), fault.Conflict},
		{"key of who was removed", w.Add(ctx, w.by(), org, person("cem", "AAA/csirt"), event.Named{Name: "C"}, nil), fault.Conflict},
		{"login taken", w.Add(ctx, w.by(), org, person("dan", "AAA/csirt"), event.Named{Name: "D", Login: "ADA"}, nil), fault.Conflict},
		{"no such organisation", w.Add(ctx, w.by(), org, person("dan", "AAA/none"), event.Named{Name: "D"}, nil), fault.Invalid},
		{"bad key", w.Add(ctx, w.by(), org, person("Dan", "AAA/csirt"), event.Named{Name: "D"}, nil), fault.Invalid},
		{"no name", w.Add(ctx, w.by(), org, person("dan", "AAA/csirt"), event.Named{}, nil), fault.Invalid},
		{"name that turns text", w.rename(event.Named{Person: "ben", Name: "a\u202eb"}), fault.Invalid},
		{"name of two lines", w.rename(event.Named{Person: "ben", Name: "a\nb"}), fault.Invalid},
		{"login of other letters", w.rename(event.Named{Person: "ben", Name: "B", Login: "аda"}), fault.Invalid},
		{"mail address with a name", w.rename(event.Named{Person: "ben", Name: "B", Email: "B <b@example.org>"}), fault.Invalid},
		{"name of who was removed", w.rename(event.Named{Person: "cem", Name: "C"}), fault.NotFound},
		{"password of nobody", w.SetPassword(ctx, w.by(), "nobody", []byte(password)), fault.NotFound},
		{"the last administrator demoted", w.set(demoted), fault.Conflict},
		{"the last administrator removed", w.Remove(ctx, w.by(), "ada", ""), fault.Conflict},
		{"a deputy for another", w.set(stranger), fault.Invalid},
		{"an organisation in use", w.SetOrganisation(ctx, w.by(), event.Organisation{ID: "AAA/csirt", Removed: true}), fault.Invalid},
		{"a subject of no issuer", w.LinkOIDC(ctx, w.by(), "ben", event.Subject{Issuer: "idp", Subject: "x"}), fault.Invalid},
		{"a credential of another", w.RemoveCredential(ctx, w.by(), "ben", "password-ada"), fault.NotFound},
	}
	for _, tt := range tests {
		kind(t, tt.name, tt.err, tt.want)
	}
	w.must(w.LinkOIDC(ctx, w.by(), "ben", event.Subject{Issuer: "https://idp.example", Subject: "x"}))
	kind(t, "a subject that another has", w.LinkOIDC(ctx, w.by(), "ada", event.Subject{Issuer: "https://idp.example", Subject: "x"}), fault.Conflict)
}

// TestSomebodyAdministers takes from the last administrator what he administers by,
// and then from one of two.
func TestSomebodyAdministers(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	sub := event.Subject{Issuer: "https://idp.example", Subject: "ada"}
	acts := map[string]func(w *world) error{
		"credential": func(w *world) error { return w.RemoveCredential(ctx, w.by(), "ada", "password-ada") },
		"login":      func(w *world) error { return w.rename(event.Named{Person: "ada", Name: "Ada"}) },
		"name":       func(w *world) error { return w.EraseName(ctx, w.by(), "ada", "asked") },
		"leave": func(w *world) error {
			return w.Edit(ctx, w.by(), "ada", func(p *event.Person, _ *event.Named) { p.Leave = []alliance.Span{{From: w.now.Add(time.Hour)}} })
		},
		"post to an end": func(w *world) error {
			return w.Edit(ctx, w.by(), "ada", func(p *event.Person, _ *event.Named) { p.Posts[0].To = w.now.Add(time.Hour) })
		},
	}
	for name, act := range acts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.add("ada", alliance.Administrator)
			w.add("ben", alliance.Administrator)
			w.must(w.RemoveCredential(ctx, w.by(), "ben", "password-ben")) // he signs in no more
			kind(t, name+" of the last", act(w), fault.Conflict)
			if k, err := w.CheckPassword(ctx, w.now, "ada", []byte(password), From{}); k.Person != "ada" || err != nil {
				t.Errorf("the last signs in: %v", err)
			}
			if name != "leave" && name != "post to an end" {
				w.must(w.LinkOIDC(ctx, w.by(), "ada", sub))
			} else {
				w.must(w.SetPassword(ctx, w.by(), "ben", []byte(password)))
			}
			w.must(act(w))
		})
	}
}

// TestEditIsWhole changes roles and name at once where one of the two is refused.
func TestEditIsWhole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add("ada", alliance.Administrator)
	w.add("ben", alliance.Analyst)
	before, err := w.Person("ben")
	w.must(err)
	for name, change := range map[string]func(p *event.Person, n *event.Named){
		"the name": func(p *event.Person, n *event.Named) {
			p.Posts, n.Login = []alliance.Post{{Role: alliance.Auditor}}, "ada"
		},
		"the roles": func(p *event.Person, n *event.Named) { p.Posts, n.Name = []alliance.Post{{}}, "Benedict" },
	} {
		if err := w.Edit(t.Context(), w.by(), "ben", change); err == nil {
			t.Errorf("%s is taken", name)
		}
		after, err := w.Person("ben")
		w.must(err)
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("%s is refused, and this is changed (-want +got):\n%s", name, diff)
		}
	}
	head, _, err := w.log.Head(t.Context())
	w.must(err)
	w.must(w.Edit(t.Context(), w.by(), "ben", func(*event.Person, *event.Named) {}))
	if now, _, err := w.log.Head(t.Context()); now != head || err != nil {
		t.Errorf("nothing changed, and %d entries are written: %v", now-head, err)
	}
}

// TestReasonsNameNobody: a reason stays on record when a name goes, so that it must
// not hold it.
func TestReasonsNameNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add("ada", alliance.Administrator)
	w.add("p2", alliance.Analyst)
	w.must(w.rename(event.Named{Person: "p2", Name: "Ben Al Muster", Login: "b.muster", Email: "ben@example.org"}))
	for reason, want := range map[string]bool{
		"Ben left": true, "BEN@EXAMPLE.ORG asked": true, "account of Muster, closed": true, "b.muster": true,
		"bench closed": false, "al fresco": false, "request 17": false, "p2 left": false,
	} {
		err := w.MayEraseName(w.by(), "p2", reason)
		if (fault.KindOf(err) == fault.Invalid && err != nil) != want {
			t.Errorf("MayEraseName(%q) = %v, want refused %t", reason, err, want)
		}
	}
	for name, err := range map[string]error{
		"Remove":    w.Remove(t.Context(), w.by(), "p2", "Ben left"),
		"EraseName": w.EraseName(t.Context(), w.by(), "p2", "Ben left"),
	} {
		kind(t, name, err, fault.Invalid)
	}
	if p, err := w.Person("p2"); err != nil || p.Name == "" {
		t.Errorf("after refusals the person is %+v, %v", p, err)
	}
	w.must(w.EraseName(t.Context(), w.by(), "p2", "request 17"))
}
