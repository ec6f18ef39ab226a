package marking

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"casus/internal/core/alliance"
	"casus/stix"
	"casus/tlp"
)

func full() Set {
	return Set{
		TLP: tlp.Red, Imputed: true, Refs: []string{"marking-definition--a", "marking-definition--b"},
		Owner: "AAA/csirt", Recipients: Only[alliance.Org]("BBB/mod", "AAA/csirt"), Persons: Only[alliance.Key]("p1", "p2"),
		Releasable: Only[alliance.Member]("BBB", "AAA"), Groups: []alliance.Group{"north", "south"},
		Classes: []Level{"alliance/SECRET", "arkania/TOP SECRET"}, Caveats: []string{"ONE", "SPÉCIAL (A)"},
		PAP: PAPAmber, NotBefore: time.Date(2026, 5, 1, 12, 0, 0, 250e6, time.UTC), Recalled: true,
	}
}

const fullText = "TLP:RED;imputed;own=AAA/csirt;to=AAA/csirt,BBB/mod;person=p1,p2;rel=AAA,BBB;group=north,south;" +
	"class=alliance/SECRET,arkania/TOP SECRET;caveat=ONE,SPÉCIAL (A);pap=AMBER;nb=2026-05-01T12:00:00.250Z;recalled;" +
	"marking-definition--a;marking-definition--b"

func TestLimitsText(t *testing.T) {
	t.Parallel()
	if got := full().String(); got != fullText {
		t.Errorf("String() = %s\nwant %s", got, fullText)
	}
	got, err := Parse(fullText)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(full(), got); diff != "" {
		t.Errorf("Parse (-want +got):\n%s", diff)
	}
	for _, s := range []Set{{}, {Recipients: Only[alliance.Org]()}, {Persons: Only[alliance.Key](), Releasable: Only[alliance.Member]()}} {
		var back Set
		text, err := s.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		if err := back.UnmarshalText(text); err != nil {
			t.Errorf("UnmarshalText(%s) = %v", text, err)
		}
		if diff := cmp.Diff(s, back); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{
		"TLP:RED;to=AAA/csirt;own=AAA/csirt", "TLP:RED;to=BBB/x,AAA/x", "TLP:RED;to=AAA/x,AAA/x", "TLP:RED;to=AAA/x,", "TLP:RED;to=,",
		"TLP:RED;own=", "TLP:RED;own=AAA", "TLP:RED;own=AAA/x;own=AAA/x", "TLP:RED;to=AAA/x;to=AAA/x", "TLP:RED;to=aaa/x",
		"TLP:RED;person=P", "TLP:RED;rel=AAA/x", "TLP:RED;group=", "TLP:RED;group=A", "TLP:RED;class=SECRET", "TLP:RED;class=alliance/secret",
		"TLP:RED;caveat=", "TLP:RED;caveat=a=b", "TLP:RED;caveat=a  b", "TLP:RED;caveat= a", "TLP:RED;pap=", "TLP:RED;pap=WHITE", "TLP:RED;pap=red",
		"TLP:RED;nb=2026-05-01T12:00:00Z", "TLP:RED;nb=1960-05-01T12:00:00.000Z", "TLP:RED;nb=2026-05-01T12:00:00.250+00:00",
		"TLP:RED;recalled;recalled", "TLP:RED;recalled;pap=RED", "TLP:RED;recalled=", "TLP:RED;x=y", "TLP:RED;recalled;imputed",
		"TLP:RED;marking-definition--a;recalled", "TLP:RED;something", "TLP:RED;marking-definition--a b", "TLP:RED;to",
		"TLP:GREEN;To=AAA/x", "TLP:GREEN;RECALLED",
	} {
		got, err := Parse(bad)
		if err == nil {
			t.Errorf("Parse(%q) = %v, want a refusal", bad, got)
		}
		if diff := cmp.Diff(Set{}, got); diff != "" {
			t.Errorf("Parse(%q) leaves something behind:\n%s", bad, diff)
		}
	}
}

func object(t *testing.T, text string) *stix.Object {
	t.Helper()
	o, err := stix.Parse([]byte(text), stix.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// TestOfCannotInject gives references that would be other parts of the form.
func TestOfCannotInject(t *testing.T) {
	t.Parallel()
	for _, ref := range []string{
		"recalled", "imputed", "to=EVE/x", "own=EVE/x", "rel=EVE", "marking-definition--a;to=EVE/x", "marking-definition--a,b", "TLP:CLEAR", "", " ", "pap=CLEAR",
		"MARKING-DEFINITION--a", "marking-definition--" + strings.Repeat("a", 200),
	} {
		o := object(t, `{"type":"note","id":"note--11111111-1111-4111-8111-111111111111","object_marking_refs":["`+
			tlp.Clear.Definition()+`","`+ref+`"],"granular_markings":[{"marking_ref":"`+ref+`","selectors":["content"]}],"content":"x"}`)
		s := Of(o, Set{TLP: tlp.Clear})
		if diff := cmp.Diff(Set{TLP: tlp.Clear, Refs: []string{unreadable}}, s); diff != "" {
			t.Errorf("Of with %q (-want +got):\n%s", ref, diff)
		}
		if back, err := Parse(s.String()); err != nil || back.Label(nil) != tlp.Red {
			t.Errorf("Parse(%s) = %v, %v, want RED", s, back, err)
		}
		f := FieldsOf(o, Set{TLP: tlp.Clear}, Set{TLP: tlp.Clear})
		for _, field := range f.Fields {
			if field.Set.Label(nil) != tlp.Red || field.Set.Validate() != nil {
				t.Errorf("FieldsOf with %q: %s bears %s, want RED", ref, field.Selector, field.Set)
			}
		}
	}
}

func TestOfPAP(t *testing.T) {
	t.Parallel()
	const amber, green = "marking-definition--60f8932b-e51e-4458-b265-a2e8be9a80ab", "marking-definition--c43594d1-4b11-4c59-93ab-1c9b14d53ce9"
	o := object(t, `{"type":"note","id":"note--11111111-1111-4111-8111-111111111111","object_marking_refs":["`+tlp.Green.Definition()+`","`+green+`"],`+
		`"granular_markings":[{"marking_ref":"`+amber+`","selectors":["content"]}],"content":"x"}`)
	if got, want := Of(o, Set{}).String(), "TLP:GREEN;pap=AMBER"; got != want {
		t.Errorf("Of = %s, want %s", got, want)
	}
	if got := Of(o, Set{PAP: PAPRed, Owner: "AAA/x"}).String(); got != "TLP:GREEN;own=AAA/x;pap=RED" {
		t.Errorf("Of with a source of PAP:RED = %s", got)
	}
	for _, p := range []PAP{PAPUnsaid, 99} {
		if p.String() != "" {
			t.Errorf("PAP %d is called %q, want nothing", p, p)
		}
	}
}

// randomSet draws a set from few values, so that draws meet.
func randomSet(r *rand.Rand) Set {
	some := func(n int) bool { return r.IntN(n) == 0 }
	pick := func(from ...string) (out []string) {
		for _, x := range from {
			if some(2) {
				out = append(out, x)
			}
		}
		return out
	}
	s := Set{TLP: tlp.Labels()[r.IntN(5)], Imputed: some(4)}
	if some(5) {
		s.Refs = []string{"marking-definition--a"}
	}
	if some(5) {
		s.Refs = union(s.Refs, []string{"marking-definition--inert"})
	}
	s.Owner = alliance.Org(append([]string{"", "AAA/a", "BBB/b"}, "AAA/a")[r.IntN(4)])
	for _, x := range pick("AAA/a", "BBB/b", "CCC/c") {
		s.Recipients.To = append(s.Recipients.To, alliance.Org(x))
	}
	for _, x := range pick("p1", "p2") {
		s.Persons.To = append(s.Persons.To, alliance.Key(x))
	}
	for _, x := range pick("AAA", "BBB", "CCC") {
		s.Releasable.To = append(s.Releasable.To, alliance.Member(x))
	}
	if s.Recipients.Said = !some(4); !s.Recipients.Said {
		s.Recipients.To = nil
	}
	if s.Persons.Said = !some(3); !s.Persons.Said {
		s.Persons.To = nil
	}
	if s.Releasable.Said = some(3); !s.Releasable.Said {
		s.Releasable.To = nil
	}
	if some(4) {
		s.Groups = []alliance.Group{alliance.Group([]string{"one", "two"}[r.IntN(2)])}
	}
	if some(4) {
		s.Classes = []Level{Level([]string{"l/LOW", "l/HIGH"}[r.IntN(2)])}
	}
	if some(4) {
		s.Caveats = []string{[]string{"ONE", "TWO"}[r.IntN(2)]}
	}
	if some(5) {
		s.NotBefore = latticeNow.Add(time.Duration(r.IntN(3)-1) * time.Second)
	}
	s.PAP, s.Recalled = PAP(r.IntN(5)), some(6) //nolint:gosec // small
	return s
}

// TestCombineIsBoth checks that nobody may do under a combination what they may
// not under each part, that order and grouping do not matter to readers, and that
// combining with itself changes nothing.
func TestCombineIsBoth(t *testing.T) {
	t.Parallel()
	p := builtIn(t)
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 1))
	t.Logf("seed %d", seed)
	var readers []Reader
	for _, person := range []alliance.Key{"", "p1", "p2"} {
		for _, org := range []alliance.Org{"AAA/a", "BBB/b", "CCC/c"} {
			readers = append(readers, Reader{Person: person, Org: org, Role: alliance.Analyst, Community: true, Groups: []alliance.Group{"one"}, Cleared: []Level{"l/LOW"}, Caveats: []string{"ONE"}})
		}
	}
	readers[2].ServedBy = []alliance.Org{"AAA/a", "BBB/b"}
	inert := func(id string) bool { return id == "marking-definition--inert" }
	allowed := 0
	for range 4000 {
		a, b := randomSet(r), randomSet(r)
		c := Combine(a, b)
		for _, s := range []Set{a, b, c, Within(a, b)} {
			if err := s.Validate(); err != nil {
				t.Fatalf("%s: %v", s, err)
			}
			if back, err := Parse(s.String()); err != nil || back.String() != s.String() {
				t.Fatalf("Parse(%s) = %s, %v", s, back, err)
			}
		}
		if d := Combine(b, a); d.String() != c.String() {
			t.Fatalf("Combine(%s, %s) = %s, the other way %s", a, b, c, d)
		}
		if d := Combine(a, a); d.String() != a.String() {
			t.Fatalf("Combine(%s) with itself = %s", a, d)
		}
		marked := Mark(inert, a, b, c, Within(a, b))
		who := readers[r.IntN(len(readers))]
		for _, action := range actions {
			var got [4]bool
			for i, m := range marked {
				got[i] = p.Decide(who, action, m, latticeNow).Effect == Allow
			}
			if got[2] && (!got[0] || !got[1]) {
				t.Fatalf("%+v may %s %s, and not %s (%v) and %s (%v)", who, action, c, a, got[0], b, got[1])
			}
			if got[3] && !got[0] && !got[1] {
				// Only a silence may be filled by the other's word.
				if a.Recipients.Said && b.Recipients.Said && a.Persons.Said && b.Persons.Said && !a.Imputed && !b.Imputed && a.PAP != 0 && b.PAP != 0 {
					t.Fatalf("%+v may %s within: %s, and neither %s nor %s", who, action, Within(a, b), a, b)
				}
			}
			if got[2] {
				allowed++
			}
		}
	}
	if allowed < 20 {
		t.Errorf("%d combinations were open to anybody, want more: the test proves little", allowed)
	}
}

func TestWithinTakesTheOthersWord(t *testing.T) {
	t.Parallel()
	to := Only[alliance.Org]("AAA/a", "BBB/b")
	container := Set{TLP: tlp.Amber, Owner: "AAA/a", Recipients: to, Persons: Only[alliance.Key]("p1"), PAP: PAPGreen}
	tests := []struct {
		name string
		own  Set
		want string
	}{
		{"object says nothing", Set{TLP: tlp.Green}, "TLP:AMBER;own=AAA/a;to=AAA/a,BBB/b;person=p1;pap=GREEN"},
		{"object names fewer", Set{TLP: tlp.Red, Recipients: Only[alliance.Org]("BBB/b"), PAP: PAPRed}, "TLP:RED;own=AAA/a;to=BBB/b;person=p1;pap=RED"},
		{"object names others", Set{Recipients: Only[alliance.Org]("CCC/c"), Persons: Only[alliance.Key]("p2")}, "TLP:RED;own=AAA/a;to=;person=;pap=GREEN"},
		{"object of another owner", Set{TLP: tlp.Amber, Owner: "BBB/b"}, "TLP:AMBER;to=AAA/a,BBB/b;person=p1;pap=GREEN"},
		{
			"limits are joined",
			Set{TLP: tlp.Clear, Releasable: Only[alliance.Member]("AAA"), Groups: []alliance.Group{"g"}, Recalled: true},
			"TLP:AMBER;own=AAA/a;to=AAA/a,BBB/b;person=p1;rel=AAA;group=g;pap=GREEN;recalled",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := Within(tt.own, container).String(); got != tt.want {
				t.Errorf("Within = %s, want %s", got, tt.want)
			}
			if got := Within(container, tt.own).String(); got != tt.want {
				t.Errorf("Within, turned = %s, want %s", got, tt.want)
			}
		})
	}
}

func TestUnder(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		set   Set
		label tlp.Label
		want  string
	}{
		{Set{TLP: tlp.Green, PAP: PAPGreen}, tlp.Amber, "TLP:AMBER;pap=GREEN"},
		{Set{TLP: tlp.Amber, Imputed: true}, tlp.Amber, "TLP:AMBER"},
		{Set{TLP: tlp.Amber, Imputed: true}, tlp.Green, "TLP:AMBER;imputed"},
		{Set{TLP: tlp.Amber}, tlp.Clear, "TLP:AMBER"},
	} {
		if got := tt.set.Under(tt.label).String(); got != tt.want {
			t.Errorf("%s under %s = %s, want %s", tt.set, tt.label, got, tt.want)
		}
	}
}

// TestContradictoryTLP gives labels that cannot all hold: the closest does.
func TestContradictoryTLP(t *testing.T) {
	t.Parallel()
	const white1, red1 = "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9", "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"
	for _, tt := range []struct{ refs, want string }{
		{`"` + tlp.Clear.Definition() + `","` + tlp.AmberStrict.Definition() + `","` + tlp.Green.Definition() + `"`, "TLP:AMBER+STRICT"},
		{`"` + white1 + `","` + tlp.Green.Definition() + `"`, "TLP:GREEN"},
		{`"` + tlp.Clear.Definition() + `","` + red1 + `"`, "TLP:RED"},
	} {
		o := object(t, `{"type":"note","id":"note--11111111-1111-4111-8111-111111111111","object_marking_refs":[`+tt.refs+`]}`)
		if got := Of(o, Set{TLP: tlp.Clear}).String(); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.refs, got, tt.want)
		}
	}
}

func TestOnly(t *testing.T) {
	t.Parallel()
	list := []alliance.Org{"BBB/b", "AAA/a", "BBB/b"}
	n := Only(list...)
	if diff := cmp.Diff(Named[alliance.Org]{Said: true, To: []alliance.Org{"AAA/a", "BBB/b"}}, n); diff != "" {
		t.Errorf("Only (-want +got):\n%s", diff)
	}
	if !slices.Equal(list, []alliance.Org{"BBB/b", "AAA/a", "BBB/b"}) {
		t.Error("Only changes its argument")
	}
	if n.Has("") || !n.Has("AAA/a") || (Named[alliance.Org]{To: n.To}).Has("AAA/a") || Only[alliance.Key]("").Has("") {
		t.Error("Has: want only those named by a list that is said")
	}
}
