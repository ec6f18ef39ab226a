package marking

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cedar-policy/cedar-go"
	"github.com/google/go-cmp/cmp"

	"casus/internal/core/alliance"
	"casus/internal/fault"
	"casus/tlp"
)

// version reads the rules in a folder of testdata/rules.
func version(t *testing.T, dir string) *Policy {
	t.Helper()
	var files []File
	names, err := filepath.Glob(filepath.Join(dir, "*.cedar"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, File{Name: filepath.Base(name), Text: b})
	}
	p, err := Load(files...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestVersions checks that no version of the rules opens more than the one
// before, but for what is listed, and that the present one is the last.
func TestVersions(t *testing.T) {
	t.Parallel()
	dirs, err := filepath.Glob("testdata/rules/[0-9]*")
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no versions: %v", err)
	}
	var last *Policy
	for _, dir := range dirs {
		p := version(t, dir)
		var opens []string
		if last != nil {
			changes, err := diff(last, p, newLattice(3, slices.Concat(last.named, p.named)))
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range changes {
				if c.Opens {
					opens = append(opens, c.String())
				}
			}
		}
		b, err := os.ReadFile(filepath.Join(dir, "opens.txt"))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.TrimSpace(string(b)), strings.Join(opens, "\n")); diff != "" {
			t.Errorf("%s opens (-listed +is):\n%s", dir, diff)
		}
		last = p
	}
	if got, want := last.Digest(), builtIn(t).Digest(); got != want {
		t.Errorf("the last version is %s, the present rules %s: add a folder for them", got, want)
	}
}

func rules(text string) File { return File{Name: "x.cedar", Text: []byte(text)} }

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	const head = `@id("a") @says("a") `
	tests := []struct{ name, text, want string }{
		{"no rule language", `allow everything`, "parse"},
		{"no id", `@says("a") forbid (principal, action == Action::"read", resource);`, "@id"},
		{"bad id", `@id("A b") @says("a") forbid (principal, action == Action::"read", resource);`, "@id"},
		{"reserved id", `@id("no-permit") @says("a") forbid (principal, action == Action::"read", resource);`, "@id"},
		{"id twice", head + `forbid (principal, action == Action::"read", resource); ` + head + `forbid (principal, action == Action::"read", resource);`, "twice"},
		{"no words", `@id("a") forbid (principal, action == Action::"read", resource);`, "@says"},
		{"any action", head + `forbid (principal, action, resource);`, "action =="},
		{"an action in a group", head + `forbid (principal, action in Action::"read", resource);`, "action =="},
		{"no actions", head + `forbid (principal, action in [], resource);`, "action =="},
		{"unknown action", head + `forbid (principal, action == Action::"reed", resource);`, "action =="},
		{"a scope on readers", head + `permit (principal == Reader::"x", action == Action::"read", resource);`, "bare words"},
		{"a scope on sets", head + `permit (principal, action == Action::"read", resource is Marking);`, "bare words"},
		{"misspelled attribute", head + `forbid (principal, action == Action::"read", resource) when { resource.tpl == 0 };`, "tpl"},
		{"attribute that only others have", head + `forbid (principal, action == Action::"read", resource) when { principal.tlp == 0 };`, "tlp"},
		{"wrong type", head + `forbid (principal, action == Action::"read", resource) when { resource.tlp == "RED" };`, "a:"},
		{"wrong type of an order", head + `forbid (principal, action == Action::"read", resource) when { resource.owner < 3 };`, "a:"},
		{"unknown entity", head + `forbid (principal, action == Action::"read", resource) when { principal in Group::"x" };`, "a:"},
		{"unknown function", head + `forbid (principal, action == Action::"read", resource) when { nope(3) };`, ""},
		{"time of day", head + `permit (principal, action == Action::"read", resource) when { context.now.toTime() < duration("8h") };`, "time may stand"},
		{"a date", head + `permit (principal, action == Action::"read", resource) when { context.now < datetime("2030-01-01") };`, "time may stand"},
		{"an embargo turned round", head + `permit (principal, action == Action::"read", resource) when { resource.notBefore < context.now };`, "time may stand"},
		{"deep brackets", head + `forbid (principal, action == Action::"read", resource) when { ` + strings.Repeat("(", 100_000) + `true` + strings.Repeat(")", 100_000) + ` };`, "nest deeper"},
		{"many branches", head + `forbid (principal, action == Action::"read", resource) when { ` + strings.Repeat("if true then true else ", 1000) + `true };`, "branches"},
		{"too long", strings.Repeat(" ", MaxFileBytes+1), "at most"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p, err := Load(rules(tt.text))
			if err == nil || fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Load = %v, %v, want an Invalid fault with %q", p, err, tt.want)
			}
		})
	}
	f := rules(head + `forbid (principal, action == Action::"read", resource);`)
	if p, err := Load(f, f); err == nil {
		t.Errorf("Load of one file twice = %v, want a refusal", p)
	}
}

func TestLoadNothingDeniesAll(t *testing.T) {
	t.Parallel()
	p, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	m := Mark(nil, Set{TLP: tlp.Clear})[0]
	d := p.Decide(reader(), Read, m, latticeNow)
	if diff := cmp.Diff(Decision{Rules: []string{NoPermit}}, d); diff != "" {
		t.Errorf("Decide (-want +got):\n%s", diff)
	}
	if p.Says(NoPermit) == "" || p.Says("tlp-red") != "" {
		t.Errorf("Says = %q, %q, want only the first", p.Says(NoPermit), p.Says("tlp-red"))
	}
}

func TestLoadAccepts(t *testing.T) {
	t.Parallel()
	for _, when := range []string{
		`datetime("2030-01-01") < resource.notBefore`, `(if resource.tlp < 2 then true else false)`, `context.now < resource.notBefore || resource.recalled`,
		`principal.organisation like "AAA/*"`, `["a", "b"].containsAll(resource.caveats)`,
	} {
		if _, err := Load(rules(`@id("a") @says("a") forbid (principal, action == Action::"read", resource) when { ` + when + ` };`)); err != nil {
			t.Errorf("Load with %s: %v", when, err)
		}
	}
}

func TestDigest(t *testing.T) {
	t.Parallel()
	load := func(files ...File) string {
		p, err := Load(files...)
		if err != nil {
			t.Fatal(err)
		}
		return p.Digest()
	}
	f := rules(`@id("a") @says("a") forbid (principal, action == Action::"read", resource);`)
	g := File{Name: "y.cedar", Text: []byte(`@id("b") @says("b") forbid (principal, action == Action::"read", resource);`)}
	if load(f, g) != load(g, f) {
		t.Error("the digest rests on the order of files")
	}
	spaced := File{Name: f.Name, Text: append([]byte(" "), f.Text...)}
	named := File{Name: "z.cedar", Text: f.Text}
	if d := load(f); d == load(spaced) || d == load(named) || d == load() || d == load(f, g) {
		t.Error("two policies have one digest")
	}
}

func TestRulesAreTold(t *testing.T) {
	t.Parallel()
	p := builtIn(t)
	doc, err := os.ReadFile("../../../doc/marking.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range p.Rules() {
		if !strings.Contains(string(doc), "`"+r.ID+"`") {
			t.Errorf("doc/marking.md does not name the rule %s", r.ID)
		}
		if p.Says(r.ID) != r.Says || r.Text == "" || len(r.Actions) == 0 {
			t.Errorf("rule %+v is not complete", r)
		}
	}
}

// reader reads everything but what is limited to others.
func reader() Reader {
	return Reader{Person: "p1", Org: "AAA/csirt", Role: alliance.Analyst, Community: true}
}

// TestErringRules checks that a rule that errs denies and is told, though a
// permit opens everything and Cedar itself would let the reader in.
func TestErringRules(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text string }{
		{"limit without its attribute", `forbid (principal, action, resource) when { resource.nothing == 1 };`},
		{"limit on the reader without its attribute", `forbid (principal, action, resource) when { principal.nothing == 1 };`},
		{"limit of the wrong type", `forbid (principal, action, resource) when { resource.owner < 3 };`},
		{"limit that overflows", `forbid (principal, action, resource) when { resource.tlp + 9223372036854775807 > 0 };`},
		{"limit on what is not there", `forbid (principal, action, resource) when { Reader::"x".role == "analyst" };`},
		{"limit in its unless", `forbid (principal, action, resource) unless { context.nothing };`},
		{"permit that errs besides", `permit (principal, action, resource) when { resource.nothing == 1 };`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := builtIn(t).slice(cedar.PolicyMap{
				"all": parseRule(t, "permit (principal, action, resource);"), "errs": parseRule(t, tt.text),
			})
			sets := Mark(nil, Set{TLP: tlp.Clear}, Set{TLP: tlp.Green})
			d := p.Decide(reader(), Read, sets[0], latticeNow)
			if d.Effect != Deny || len(d.Errors) != 1 || !strings.HasPrefix(d.Errors[0], "errs: ") || len(d.Rules) > 0 {
				t.Errorf("Decide = %+v, want a denial with one error", d)
			}
			s, err := p.Readable(reader(), sets, latticeNow)
			if err != nil || s.Count() != 0 || s.Len() != 2 || len(s.Errors) == 0 {
				t.Errorf("Readable = %d of %d, %v, %v, want none and an error", s.Count(), s.Len(), s.Errors, err)
			}
			for _, a := range []Action{LookUp, Act} {
				if d := p.Decide(reader(), a, sets[0], latticeNow); d.Effect != Deny || len(d.Errors) == 0 {
					t.Errorf("Decide(%s) = %+v, want a denial with an error", a, d)
				}
			}
			view := p.DryRun(Object{Set: Set{TLP: tlp.Clear}, Fields: []Field{{Selector: "name", Set: Set{TLP: tlp.Clear}}}}, []Reader{reader()}, nil, latticeNow)
			if view.Seeing != 0 || len(view.Errors) == 0 || view.Readers[0].Withheld != 1 {
				t.Errorf("DryRun = %+v, want nothing and an error", view)
			}
		})
	}
}

// TestErringLattice checks that rules that err do not pass the test of rules.
func TestErringLattice(t *testing.T) {
	t.Parallel()
	p := builtIn(t).slice(cedar.PolicyMap{"errs": parseRule(t, `forbid (principal, action, resource) when { resource.nothing == 1 };`)})
	got, err := p.test(newLattice(1, nil), properties(), 0)
	if err != nil || len(got) != 1 || got[0].Property != "no clause errs" {
		t.Errorf("test = %+v, %v, want a clause that errs", got, err)
	}
}

func TestDecideTellsAll(t *testing.T) {
	t.Parallel()
	p := builtIn(t)
	set := Set{
		TLP:        tlp.Red,
		Releasable: Only[alliance.Member]("BBB"), Groups: []alliance.Group{"g"}, Classes: []Level{"alliance/SECRET"}, Caveats: []string{"ONE"},
		NotBefore: latticeNow.Add(time.Hour), Recalled: true,
	}
	d := p.Decide(Reader{Role: alliance.Administrator}, Read, Mark(nil, set)[0], latticeNow)
	want := Decision{ValidUntil: latticeNow.Add(time.Hour), Rules: []string{
		"administrator", "caveat", "classification", "embargo", "recalled", "releasable", "release-group", "tlp-amber-strict", "tlp-green", "tlp-red", "unknown-reader",
	}}
	// The one whom nobody owns, and nobody: equal, and still no owner.
	want.Rules = slices.DeleteFunc(want.Rules, func(r string) bool { return r == "recalled" })
	if diff := cmp.Diff(want, d); diff != "" {
		t.Errorf("Decide (-want +got):\n%s", diff)
	}
	d = p.Decide(reader(), Read, Mark(nil, Set{TLP: tlp.Green, Recipients: Only[alliance.Org]("AAA/csirt")})[0], latticeNow)
	if diff := cmp.Diff(Decision{Effect: Allow, Rules: []string{"green", "recipient"}}, d); diff != "" {
		t.Errorf("Decide (-want +got):\n%s", diff)
	}
}

// TestBadInput gives what cannot be right: each must deny, and what is badly
// formed must raise an alarm.
func TestBadInput(t *testing.T) {
	t.Parallel()
	p := builtIn(t)
	to := Only[alliance.Org]("AAA/csirt")
	clear := Set{TLP: tlp.Clear}
	with := func(change func(*Set)) Set {
		s := Set{TLP: tlp.Amber, Recipients: to, Persons: Only[alliance.Key]("p1")}
		change(&s)
		return s
	}
	tests := []struct {
		name   string
		r      Reader
		action Action
		set    Set
		alarm  bool
	}{
		{"zero reader", Reader{}, Read, clear, false},
		{"organisation without member", Reader{Person: "p1", Org: "/csirt", Role: alliance.Analyst, Community: true}, Read, clear, false},
		{"organisation without slash", Reader{Person: "p1", Org: "AAA", Role: alliance.Analyst, Community: true}, Read, clear, false},
		{"role that is none", Reader{Person: "p1", Org: "AAA/csirt", Role: 200, Community: true}, Read, clear, false},
		{"reader that has ended", Reader{Person: "p1", Org: "AAA/csirt", Role: alliance.Analyst, Community: true, Until: latticeNow}, Read, clear, true},
		{"no action", reader(), "", clear, true},
		{"unknown action", reader(), "Read", clear, true},
		{"zero set", reader(), Read, Set{}, false},
		{"no recipients", reader(), Read, Set{TLP: tlp.Amber}, false},
		{"empty recipients", reader(), Read, Set{TLP: tlp.Amber, Recipients: Only[alliance.Org]()}, false},
		{"empty releasability", reader(), Read, Set{TLP: tlp.Clear, Releasable: Only[alliance.Member]()}, false},
		{"RED without persons", reader(), Read, Set{TLP: tlp.Red, Recipients: to}, false},
		{"RED for a class", reader().Class(), Read, Set{TLP: tlp.Red, Recipients: to, Persons: Named[alliance.Key]{Said: true, To: []alliance.Key{""}}}, true},
		{"unknown marking", reader(), Read, with(func(s *Set) { s.Refs, s.Persons = []string{"marking-definition--x"}, Named[alliance.Key]{} }), false},
		{"list not said", reader(), Read, with(func(s *Set) { s.Recipients.Said = false }), true},
		{"recipient badly formed", reader(), Read, with(func(s *Set) { s.Recipients = Only[alliance.Org]("AAA/csirt", "AAA/x;recalled") }), true},
		{"recipients out of order", reader(), Read, with(func(s *Set) { s.Recipients.To = []alliance.Org{"BBB/x", "AAA/csirt"} }), true},
		{"owner badly formed", reader(), Read, with(func(s *Set) { s.Owner = "aaa" }), true},
		{"member badly formed", reader(), Read, with(func(s *Set) { s.Releasable = Only[alliance.Member]("AAA", "a") }), true},
		{"group badly formed", reader(), Read, with(func(s *Set) { s.Groups = []alliance.Group{""} }), true},
		{"class badly formed", reader(), Read, with(func(s *Set) { s.Classes = []Level{"SECRET"} }), true},
		{"caveat badly formed", reader(), Read, with(func(s *Set) { s.Caveats = []string{"a;b"} }), true},
		{"label that is none", reader(), Read, with(func(s *Set) { s.TLP = 77 }), true},
		{"PAP that is none", reader(), Read, with(func(s *Set) { s.PAP = 77 }), true},
		{"embargo in another zone", reader(), Read, with(func(s *Set) { s.NotBefore = latticeNow.In(time.FixedZone("x", 3600)) }), true},
		{"embargo in parts of a millisecond", reader(), Read, with(func(s *Set) { s.NotBefore = latticeNow.Add(time.Nanosecond) }), true},
		{"embargo beyond years", reader(), Read, with(func(s *Set) { s.NotBefore = time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC) }), true},
	}
	ok := Mark(nil, with(func(*Set) {}))
	if d := p.Decide(reader(), Read, ok[0], latticeNow); d.Effect != Allow {
		t.Fatalf("what is changed below is not readable unchanged: %+v", d)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := Mark(nil, tt.set)
			d := p.Decide(tt.r, tt.action, m[0], latticeNow)
			if d.Effect != Deny || (len(d.Errors) > 0) != tt.alarm {
				t.Errorf("Decide = %+v, want a denial, alarm %v", d, tt.alarm)
			}
			if tt.action != Read {
				return
			}
			s, err := p.Readable(tt.r, m, latticeNow)
			if err != nil || s.Has(0) || (len(s.Errors) > 0) != tt.alarm {
				t.Errorf("Readable = %v, %v, %v, want nothing, alarm %v", s.Has(0), s.Errors, err, tt.alarm)
			}
		})
	}
}

func TestSight(t *testing.T) {
	t.Parallel()
	p := builtIn(t)
	var sets []Set
	for i := range 200 {
		s := Set{TLP: tlp.Clear}
		if i%3 == 0 {
			s.TLP = tlp.Red
		}
		if i == 150 {
			s.NotBefore = latticeNow.Add(time.Hour)
		}
		sets = append(sets, s)
	}
	marked := Mark(nil, sets...)
	whole, err := p.Readable(reader(), marked, latticeNow)
	if err != nil {
		t.Fatal(err)
	}
	var grown Sight
	for _, n := range []int{0, 1, 63, 64, 65, 65, 130, 200} {
		if err := p.Extend(&grown, reader(), marked[:n], latticeNow); err != nil || grown.Len() != n {
			t.Fatalf("Extend to %d = %d, %v", n, grown.Len(), err)
		}
	}
	for no := range uint32(260) {
		want := no < 200 && no%3 != 0
		if whole.Has(no) != want || grown.Has(no) != want {
			t.Errorf("Has(%d) = %v, grown %v, want %v", no, whole.Has(no), grown.Has(no), want)
		}
	}
	if !whole.ValidUntil.Equal(latticeNow.Add(time.Hour)) || !grown.ValidUntil.Equal(whole.ValidUntil) || whole.Count() != 133 {
		t.Errorf("valid until %v and %v, %d readable, want 01:00 and 133", whole.ValidUntil, grown.ValidUntil, whole.Count())
	}
	if err := p.Extend(&grown, reader(), marked[:10], latticeNow); err != nil || grown.Len() != 200 {
		t.Errorf("Extend by nothing = %d, %v", grown.Len(), err)
	}
	var zero Sight
	if zero.Has(0) || zero.Len() != 0 {
		t.Error("the zero sight sees something")
	}
	// What the reader rests on ends before the embargo does.
	r := reader()
	r.Until = latticeNow.Add(time.Minute)
	if s, err := p.Readable(r, marked, latticeNow); err != nil || !s.ValidUntil.Equal(r.Until) {
		t.Errorf("valid until %v, %v, want the end of the reader's post", s.ValidUntil, err)
	}
}

// TestOverlay checks that a class and its person's overlay give what the person
// reads.
func TestOverlay(t *testing.T) {
	t.Parallel()
	p := builtIn(t)
	marked := Mark(nil, latticeSets(2)...)
	r := Reader{Person: "p1", Org: "AAA/recipient", Role: alliance.Analyst, Community: true, Cleared: []Level{"l/LOW"}}
	class := see(t, p, r.Class(), marked)
	want := see(t, p, r, marked)
	got, err := p.Overlay(class, r, marked, latticeNow)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(Sight{})); diff != "" {
		t.Errorf("Overlay (-want +got):\n%s", diff)
	}
	if class.Count() >= want.Count() {
		t.Errorf("the person reads %d sets, its class %d: nothing is shown", want.Count(), class.Count())
	}
	r.Until = latticeNow
	if got, err := p.Overlay(class, r, marked, latticeNow); err != nil || got.Count() != 0 || len(got.Errors) == 0 {
		t.Errorf("Overlay of a reader that has ended = %d, %v, %v, want none and an error", got.Count(), got.Errors, err)
	}
}

func TestDiff(t *testing.T) {
	t.Parallel()
	files, err := readAll(ruleFiles, "rules")
	if err != nil {
		t.Fatal(err)
	}
	old := builtIn(t)
	change := func(from, to string) *Policy {
		t.Helper()
		changed := slices.Clone(files)
		for i, f := range changed {
			changed[i].Text = []byte(strings.Replace(string(f.Text), from, to, 1))
		}
		p, err := Load(changed...)
		if err != nil {
			t.Fatal(err)
		}
		if p.Digest() == old.Digest() {
			t.Fatalf("%q is not in the rules", from)
		}
		return p
	}
	tests := []struct {
		name, from, to string
		want           []string // the first of each kind
	}{
		{"a comment", "// Who may read.", "// Who may read here.", nil},
		{"the owner reads before the embargo", "context.now < resource.notBefore", "context.now < resource.notBefore && resource.owner != principal.organisation", []string{"opens embargo -> recipient"}},
		{"a limit more", `@id("green")`, `@id("no-partners") @says("partners read nothing") forbid (principal, action == Action::"read", resource) when { principal.role == "partner" };
@id("green")`, []string{"closes "}},
		{"one organisation reads all GREEN", "resource.tlp <= 3 && !principal.community", `resource.tlp <= 3 && !principal.community && principal.organisation != "DDD/mod"`, []string{"opens tlp-green -> recipient"}},
		{"a permit that the limits hold back", `@id("green")`, `@id("extra") @says("x") permit (principal, action == Action::"read", resource) when { principal.organisation == "DDD/mod" && resource.tlp == 3 };
@id("green")`, nil},
		{"a delegate of one member", "resource.tlp <= 3 && !principal.community", `resource.tlp <= 3 && !(principal.community || ["DDD", "EEE"].contains(principal.member) && principal.role == "delegate")`, []string{"opens tlp-green -> recipient"}},
		{"one person reads all RED", "!resource.persons.contains(principal.person)", `!resource.persons.contains(principal.person) && principal.person != "px"`, []string{"opens tlp-red -> recipient"}},
		{"organisations by pattern", "resource.tlp <= 3 && !principal.community", `resource.tlp <= 3 && !(principal.community || principal.organisation like "DDD/c*t")`, []string{"opens tlp-green -> recipient"}},
		{"one organisation and one caveat", "!principal.caveats.containsAll(resource.caveats)", `!principal.caveats.containsAll(resource.caveats) && !(resource.caveats.contains("ZED") && principal.role == "delegate")`, []string{"opens caveat -> "}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			next := change(tt.from, tt.to)
			got, err := diff(old, next, newLattice(2, slices.Concat(old.named, next.named)))
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range tt.want {
				if !slices.ContainsFunc(got, func(c Difference) bool {
					return strings.HasPrefix(c.String(), want) && c.Count > 0 && c.Example != ""
				}) {
					t.Errorf("Diff = %v, want %q", got, want)
				}
			}
			if tt.want == nil && len(got) > 0 {
				t.Errorf("Diff = %v, want none", got)
			}
			back, err := diff(next, old, newLattice(2, slices.Concat(old.named, next.named)))
			if err != nil || len(back) != len(got) {
				t.Errorf("Diff the other way = %d changes, %v, want %d", len(back), err, len(got))
			}
		})
	}
}

func TestReaderOf(t *testing.T) {
	t.Parallel()
	now := latticeNow
	d := alliance.Directory{
		Members: []alliance.Member{"AAA"},
		Organisations: []alliance.Organisation{
			{ID: "AAA/csirt", Kind: alliance.CSIRT, Community: true, Clients: []alliance.Org{"AAA/power"}},
			{ID: "AAA/power", Kind: alliance.Partner},
		},
		Groups: []alliance.ReleaseGroup{{ID: "g", Owner: "AAA/csirt", Orgs: []alliance.Org{"AAA/power"}}},
		Persons: []alliance.Person{{
			Key: "p1", Org: "AAA/power", Posts: []alliance.Post{{Role: alliance.PartnerContact}},
			Clearances: []alliance.Clearance{
				{Ladder: "arkania", Level: "RESERVED", To: now.Add(time.Hour)},
				{Ladder: "alliance", Level: "TOP SECRET", To: now},
			},
			Access: []alliance.Access{{Caveat: "ONE"}, {Caveat: unreadableCaveat}, {Caveat: "TWO", From: now.Add(time.Minute)}},
		}},
	}
	ls, err := BuiltInLadders()
	if err != nil {
		t.Fatal(err)
	}
	got, err := ReaderOf(&d, ls, "p1", alliance.PartnerContact, now)
	if err != nil {
		t.Fatal(err)
	}
	want := Reader{
		Person: "p1", Org: "AAA/power", Role: alliance.PartnerContact, ServedBy: []alliance.Org{"AAA/csirt"}, Groups: []alliance.Group{"g"},
		Cleared: []Level{"alliance/RESTRICTED", "alliance/UNCLASSIFIED", "arkania/OPEN", "arkania/RESERVED"}, Caveats: []string{"ONE"}, Until: now.Add(time.Minute),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ReaderOf (-want +got):\n%s", diff)
	}
	if got, err := ReaderOf(&d, ls, "p1", alliance.Analyst, now); err == nil || got.Role != alliance.NoRole {
		t.Errorf("ReaderOf in a role it has not = %+v, %v, want a refusal", got, err)
	}
	d.Organisations = nil
	if got, err := ReaderOf(&d, ls, "p1", alliance.PartnerContact, now); err == nil {
		t.Errorf("ReaderOf of an organisation that is gone = %+v, want a refusal", got)
	}
}

func TestKey(t *testing.T) {
	t.Parallel()
	base := Reader{Person: "p", Org: "AAA/a", Role: alliance.Analyst, ServedBy: []alliance.Org{"AAA/b"}, Groups: []alliance.Group{"g"}, Cleared: []Level{"l/A"}, Caveats: []string{"c"}}
	if same := base; same.Key() != base.Key() || base.Class().Key() == base.Key() || base.Class().Person != "" {
		t.Error("a class is told apart from its person badly")
	}
	for name, change := range map[string]func(*Reader){
		"organisation": func(r *Reader) { r.Org = "AAA/x" },
		"role":         func(r *Reader) { r.Role = alliance.Delegate },
		"community":    func(r *Reader) { r.Community = true },
		"served by":    func(r *Reader) { r.ServedBy = nil },
		"groups":       func(r *Reader) { r.Groups = append(r.Groups, "h") },
		"cleared":      func(r *Reader) { r.Cleared = nil },
		"caveats":      func(r *Reader) { r.Caveats, r.Cleared = nil, append(r.Cleared, "c") },
	} {
		r := base
		change(&r)
		if r.Key() == base.Key() {
			t.Errorf("readers with another %s have one key", name)
		}
	}
}
