package marking

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"casus/internal/core/alliance"
	"casus/internal/fault"
)

func builtInLadders(tb testing.TB) *Ladders {
	tb.Helper()
	ls, err := BuiltInLadders()
	if err != nil {
		tb.Fatal(err)
	}
	return ls
}

// TestBuiltInLadders reads the files that ship; reading lints them.
func TestBuiltInLadders(t *testing.T) {
	t.Parallel()
	ls := builtInLadders(t)
	var names []string
	for _, l := range ls.All() {
		names = append(names, l.Name)
		if !strings.HasPrefix(l.Digest(), "sha256:") || len(l.Digest()) != len("sha256:")+64 {
			t.Errorf("%s: digest %q", l.Name, l.Digest())
		}
		if !strings.Contains(l.Title, "fictional") {
			t.Errorf("%s: the title %q does not say that it is fictional", l.Name, l.Title)
		}
	}
	if diff := cmp.Diff([]string{"alliance", "arkania"}, names); diff != "" {
		t.Errorf("ladders (-want +got):\n%s", diff)
	}
}

func TestCleared(t *testing.T) {
	t.Parallel()
	ls := builtInLadders(t)
	tests := []struct {
		held []Level
		want string
	}{
		{nil, "alliance/UNCLASSIFIED arkania/OPEN"},
		{[]Level{"alliance/NONSENSE", "nobody/SECRET", "", "secret"}, "alliance/UNCLASSIFIED arkania/OPEN"},
		{[]Level{"alliance/RESTRICTED"}, "alliance/RESTRICTED alliance/UNCLASSIFIED arkania/OPEN arkania/RESERVED"},
		// CONFIDENTIAL has no counterpart: what is next below holds, not what is above.
		{[]Level{"alliance/CONFIDENTIAL"}, "alliance/CONFIDENTIAL alliance/RESTRICTED alliance/UNCLASSIFIED arkania/OPEN arkania/RESERVED"},
		{[]Level{"arkania/SECRET"}, "alliance/CONFIDENTIAL alliance/RESTRICTED alliance/SECRET alliance/UNCLASSIFIED arkania/OPEN arkania/RESERVED arkania/SECRET"},
	}
	for _, tt := range tests {
		var got []string
		for _, l := range ls.Cleared(tt.held...) {
			got = append(got, string(l))
		}
		if g := strings.Join(got, " "); g != tt.want {
			t.Errorf("Cleared(%v) = %s\nwant %s", tt.held, g, tt.want)
		}
	}
	// More clearance never reaches less.
	for _, l := range ls.All() {
		for i := 1; i < len(l.Levels); i++ {
			lower, higher := ls.Cleared(Level(l.Name+"/"+l.Levels[i-1])), ls.Cleared(Level(l.Name+"/"+l.Levels[i]))
			if !all(lower, higher) || len(lower) >= len(higher) {
				t.Errorf("%s of %s reaches %v, the level below %v", l.Levels[i], l.Name, higher, lower)
			}
		}
	}
}

func TestEquivalentsDoNotChain(t *testing.T) {
	t.Parallel()
	ls, err := NewLadders(
		ladder("a", `"equivalents":[{"level":"HIGH","ladder":"b","as":"HIGH"}]`),
		ladder("b", `"equivalents":[{"level":"HIGH","ladder":"c","as":"HIGH"}]`),
		ladder("c", ""),
	)
	if err != nil {
		t.Fatal(err)
	}
	if got := ls.Cleared("a/HIGH"); slices.Contains(got, "c/HIGH") || !slices.Contains(got, "b/HIGH") {
		t.Errorf("Cleared(a/HIGH) = %v, want b/HIGH and not c/HIGH", got)
	}
}

// ladder returns the file of a ladder of two levels.
func ladder(name, more string) File {
	if more != "" {
		more = "," + more
	}
	return File{Name: name + ".json", Text: []byte(`{"name":"` + name + `","version":1,"title":"t","policy":"P ` + name + `","levels":["LOW","HIGH"]` + more + `}`)}
}

func TestLaddersRefuse(t *testing.T) {
	t.Parallel()
	one := func(text string) []File { return []File{{Name: "x.json", Text: []byte(text)}} }
	tests := []struct {
		name  string
		files []File
		want  string
	}{
		{"no JSON", one(`levels:`), "x.json"},
		{"a name twice", one(`{"name":"a","name":"b","version":1,"title":"t","policy":"P","levels":["LOW","HIGH"]}`), "duplicate"},
		{"an unknown member", one(`{"name":"a","Name":"b","version":1,"title":"t","policy":"P","levels":["LOW","HIGH"]}`), "unknown"},
		{"no name", one(`{"version":1,"title":"t","policy":"P","levels":["LOW","HIGH"]}`), "name"},
		{"a reserved name", one(`{"name":"unknown","version":1,"title":"t","policy":"P","levels":["LOW","UNKNOWN"]}`), "name"},
		{"no version", one(`{"name":"a","title":"t","policy":"P","levels":["LOW","HIGH"]}`), "version"},
		{"no policy", one(`{"name":"a","version":1,"title":"t","levels":["LOW","HIGH"]}`), "policy"},
		{"a uri of another kind", one(`{"name":"a","version":1,"title":"t","policy":"P","uri":"http://x","levels":["LOW","HIGH"]}`), "urn:oid:"},
		{"one level", one(`{"name":"a","version":1,"title":"t","policy":"P","levels":["LOW"]}`), "levels"},
		{"a level twice", one(`{"name":"a","version":1,"title":"t","policy":"P","levels":["LOW","LOW"]}`), "LOW"},
		{"a level in small letters", one(`{"name":"a","version":1,"title":"t","policy":"P","levels":["LOW","high"]}`), "high"},
		{"too long", one(strings.Repeat(" ", MaxFileBytes+1)), "at most"},
		{"one ladder twice", []File{ladder("a", ""), ladder("a", "")}, "same name"},
		{"an equivalent to nothing", []File{ladder("a", `"equivalents":[{"level":"HIGH","ladder":"b","as":"HIGH"}]`)}, "no equivalent"},
		{"an equivalent to a level that is none", []File{ladder("a", `"equivalents":[{"level":"HIGH","ladder":"b","as":"TOP"}]`), ladder("b", "")}, "no equivalent"},
		{"an equivalent of itself", []File{ladder("a", `"equivalents":[{"level":"HIGH","ladder":"a","as":"HIGH"}]`)}, "no equivalent"},
		{"an equivalent twice", []File{ladder("a", `"equivalents":[{"level":"LOW","ladder":"b","as":"LOW"},{"level":"LOW","ladder":"b","as":"LOW"}]`), ladder("b", "")}, "twice"},
		{"another order", []File{ladder("a", `"equivalents":[{"level":"LOW","ladder":"b","as":"HIGH"},{"level":"HIGH","ladder":"b","as":"LOW"}]`), ladder("b", "")}, "order"},
		{"one level as two", []File{ladder("a", `"equivalents":[{"level":"HIGH","ladder":"b","as":"LOW"},{"level":"HIGH","ladder":"b","as":"HIGH"}]`), ladder("b", "")}, "order"},
		{"told by both sides", []File{ladder("a", `"equivalents":[{"level":"LOW","ladder":"b","as":"LOW"}]`), ladder("b", `"equivalents":[{"level":"HIGH","ladder":"a","as":"HIGH"}]`)}, "both files"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ls, err := NewLadders(tt.files...)
			if err == nil || fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("NewLadders = %v, %v, want an Invalid fault with %q", ls, err, tt.want)
			}
		})
	}
}

func TestAdmit(t *testing.T) {
	t.Parallel()
	ls := builtInLadders(t)
	none, err := NewLadders()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name    string
		ls      *Ladders
		ceiling Level
		classes []Level
		ok      bool
	}{
		{"nothing classified", ls, "", nil, true},
		{"lowest under no ceiling", ls, "", []Level{"alliance/UNCLASSIFIED", "arkania/OPEN"}, true},
		{"restricted under no ceiling", ls, "", []Level{"alliance/RESTRICTED"}, false},
		{"at the ceiling", ls, "alliance/RESTRICTED", []Level{"alliance/RESTRICTED"}, true},
		{"its equivalent", ls, "alliance/RESTRICTED", []Level{"arkania/RESERVED"}, true},
		{"above", ls, "alliance/RESTRICTED", []Level{"alliance/CONFIDENTIAL"}, false},
		{"one of two above", ls, "alliance/RESTRICTED", []Level{"alliance/RESTRICTED", "arkania/SECRET"}, false},
		{"no counterpart", ls, "arkania/RESERVED", []Level{"alliance/CONFIDENTIAL"}, false},
		{"unknown ladder", ls, "alliance/TOP SECRET", []Level{"elsewhere/LOW"}, false},
		{"unknown level", ls, "alliance/TOP SECRET", []Level{noLevel}, false},
		{"no ladders", none, "alliance/TOP SECRET", []Level{"alliance/UNCLASSIFIED"}, false},
	}
	for _, tt := range tests {
		err := tt.ls.Admit(tt.ceiling, Set{Classes: tt.classes})
		if (err == nil) != tt.ok || err != nil && (fault.KindOf(err) != fault.Denied || fault.HintOf(err) == "") {
			t.Errorf("%s: Admit = %v, want ok %v and otherwise a Denied fault with a hint", tt.name, err, tt.ok)
		}
	}
}

// TestClassificationDecides joins ladders and rules.
func TestClassificationDecides(t *testing.T) {
	t.Parallel()
	ls, p := builtInLadders(t), builtIn(t)
	set := Set{TLP: 4, Classes: []Level{"arkania/RESERVED"}}
	for held, want := range map[Level]Effect{"": Deny, "alliance/UNCLASSIFIED": Deny, "alliance/RESTRICTED": Allow, "arkania/SECRET": Allow, "alliance/reserved": Deny} {
		r := Reader{Org: "AAA/csirt", Role: alliance.Analyst, Cleared: ls.Cleared(held)}
		if d := p.Decide(r, Read, Mark(nil, set)[0], latticeNow); d.Effect != want {
			t.Errorf("cleared for %q: %+v, want %v", held, d, want)
		}
	}
}
