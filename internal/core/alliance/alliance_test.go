package alliance

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"casus/internal/fault"
)

func at(hour int) time.Time { return time.Date(2026, 3, 1, hour, 0, 0, 0, time.UTC) }

func span(from, to int) Span { return Span{From: at(from), To: at(to)} }

// small is a directory in which nothing is wrong.
func small() Directory {
	return Directory{
		Members: []Member{"AAA", "BBB"},
		Organisations: []Organisation{
			{ID: "AAA/csirt", Name: "CSIRT of A", Kind: CSIRT, Community: true, Clients: []Org{"AAA/power", "BBB/mod"}},
			{ID: "AAA/power", Name: "Power of A", Kind: Partner, Community: true},
			{ID: "BBB/mod", Name: "Forces of B", Kind: ArmedForces, Community: true},
		},
		Persons: []Person{
			{Key: "p1", Org: "AAA/csirt", Posts: []Post{{Role: Analyst}, {Role: Delegate}}, Leave: []Span{span(8, 10)}},
			{Key: "p2", Org: "AAA/csirt", Posts: []Post{{Role: DutyOfficer, Span: span(0, 6)}}},
			{Key: "p3", Org: "BBB/mod", Posts: []Post{{Role: MilitaryLiaison}}},
		},
		Deputies: []Deputy{{For: "p1", By: "p2", Role: Delegate, OnLeave: true, Span: span(0, 9)}},
		Groups:   []ReleaseGroup{{ID: "north", Name: "North", Owner: "AAA/csirt", Orgs: []Org{"AAA/csirt", "BBB/mod"}}},
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	d := small()
	if err := d.Validate(); err != nil {
		t.Fatalf("Validate() = %v, want nil", err)
	}
	tests := []struct {
		name   string
		change func(*Directory)
		want   string
	}{
		{"member badly named", func(d *Directory) { d.Members = append(d.Members, "aa") }, "member \"aa\""},
		{"member twice", func(d *Directory) { d.Members = append(d.Members, "AAA") }, "member AAA stands twice"},
		{"organisation twice", func(d *Directory) { d.Organisations = append(d.Organisations, d.Organisations[0]) }, "AAA/csirt stands twice"},
		{"person twice", func(d *Directory) { d.Persons = append(d.Persons, d.Persons[0]) }, "person p1 stands twice"},
		{"person badly named", func(d *Directory) { d.Persons[0].Key = "P 1" }, "person \"P 1\""},
		{"organisation of no member", func(d *Directory) { d.Organisations[0].ID = "CCC/csirt" }, "member CCC is not there"},
		{"organisation without slash", func(d *Directory) { d.Organisations[0].ID = "csirt" }, "organisation \"csirt\""},
		{"organisation without kind", func(d *Directory) { d.Organisations[0].Kind = Unknown }, "has no kind"},
		{"client unknown", func(d *Directory) { d.Organisations[0].Clients = []Org{"AAA/gone"} }, "\"AAA/gone\" is not there"},
		{"client of itself", func(d *Directory) { d.Organisations[0].Clients = []Org{"AAA/csirt"} }, "its own client"},
		{"person of no organisation", func(d *Directory) { d.Persons[0].Org = "" }, "organisation \"\" is not there"},
		{"post without role", func(d *Directory) { d.Persons[0].Posts[0].Role = NoRole }, "without a role"},
		{"post of an unknown role", func(d *Directory) { d.Persons[0].Posts[0].Role = 99 }, "without a role"},
		{"span backwards", func(d *Directory) { d.Persons[0].Leave[0] = span(3, 3) }, "it ends at"},
		{"clearance without level", func(d *Directory) { d.Persons[0].Clearances = []Clearance{{Ladder: "alliance"}} }, "no ladder or no level"},
		{"access to nothing", func(d *Directory) { d.Persons[0].Access = []Access{{}} }, "no caveat"},
		{"deputy of nobody", func(d *Directory) { d.Deputies[0].For = "p9" }, "a person is not there"},
		{"deputy of itself", func(d *Directory) { d.Deputies[0].For = "p2" }, "stands in for itself"},
		{"deputy across organisations", func(d *Directory) { d.Deputies[0].By = "p3" }, "they act for BBB/mod and AAA/csirt"},
		{"deputy without role", func(d *Directory) { d.Deputies[0].Role = NoRole }, "without a role"},
		{"group twice", func(d *Directory) { d.Groups = append(d.Groups, d.Groups[0]) }, "release group north stands twice"},
		{"group of an unknown organisation", func(d *Directory) { d.Groups[0].Orgs = []Org{"BBB/x"} }, "\"BBB/x\" is not there"},
		{"group without owner", func(d *Directory) { d.Groups[0].Owner = "" }, "\"\" is not there"},
		{"group badly named", func(d *Directory) { d.Groups[0].ID = "North;x" }, "release group \"North;x\""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := small()
			tt.change(&d)
			err := d.Validate()
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Validate() = %v, want a text with %q", err, tt.want)
			}
		})
	}
}

func TestZeroIsSafe(t *testing.T) {
	t.Parallel()
	var d Directory
	if got, err := d.Act("p1", Analyst, at(1)); err == nil {
		t.Errorf("Act in the zero directory = %v, want a refusal", got)
	}
	if got := d.GroupsOf(""); got != nil {
		t.Errorf("GroupsOf(\"\") = %v, want none", got)
	}
	var r Role
	if r != NoRole || r.String() != "none" || Role(99).String() != "none" {
		t.Errorf("the zero role is %v, role 99 %v, want none", r, Role(99))
	}
	if Org("").Member() != "" || Org("").Validate() == nil || Key("").Validate() == nil || Group("").Validate() == nil || Member("").Validate() == nil {
		t.Error("a zero name is well formed, want a refusal")
	}
	if err := r.UnmarshalText([]byte("none")); err != nil {
		t.Errorf("UnmarshalText(none) = %v", err)
	}
	r = Analyst
	if err := r.UnmarshalText([]byte("Analyst")); err == nil || r != NoRole {
		t.Errorf("UnmarshalText(Analyst) = %v, %v, want a refusal and no role", r, err)
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	for _, r := range Roles() {
		var got Role
		if err := got.UnmarshalText([]byte(r.String())); err != nil || got != r {
			t.Errorf("UnmarshalText(%v) = %v, %v", r, got, err)
		}
	}
	if n := len(Roles()); n != 12 {
		t.Errorf("%d roles, want 12", n)
	}
	for i := range kinds {
		var got Kind
		if err := got.UnmarshalText([]byte(Kind(i).String())); err != nil || int(got) != i {
			t.Errorf("UnmarshalText(%v) = %v, %v", Kind(i), got, err)
		}
	}
}

func TestAct(t *testing.T) {
	t.Parallel()
	d := small()
	tests := []struct {
		name string
		k    Key
		role Role
		hour int
		want Acting // the zero value: refused
	}{
		{"own post", "p1", Analyst, 1, Acting{Person: "p1", Role: Analyst, Until: at(8)}},
		{"own post after leave", "p1", Analyst, 10, Acting{Person: "p1", Role: Analyst}},
		{"on leave, first instant", "p1", Analyst, 8, Acting{}},
		{"own post in its span", "p2", DutyOfficer, 0, Acting{Person: "p2", Role: DutyOfficer, Until: at(6)}},
		{"own post ended", "p2", DutyOfficer, 6, Acting{}},
		{"no post", "p3", Delegate, 1, Acting{}},
		{"deputy before the leave", "p2", Delegate, 7, Acting{}},
		{"deputy on leave", "p2", Delegate, 8, Acting{Person: "p2", Role: Delegate, For: "p1", Until: at(9)}},
		{"deputy's span ended", "p2", Delegate, 9, Acting{}},
		{"deputy in another role", "p2", Analyst, 8, Acting{}},
		{"no role", "p1", NoRole, 1, Acting{}},
		{"unknown role", "p1", 99, 1, Acting{}},
		{"nobody", "p9", Analyst, 1, Acting{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := d.Act(tt.k, tt.role, at(tt.hour))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Act (-want +got):\n%s", diff)
			}
			if refused := tt.want == (Acting{}); refused != (fault.KindOf(err) == fault.Denied && err != nil) {
				t.Errorf("Act = %v, refused want %v", err, refused)
			}
		})
	}
}

func TestDeputyOfDeputy(t *testing.T) {
	t.Parallel()
	d := small()
	d.Persons = append(d.Persons, Person{Key: "p4", Org: "AAA/csirt"})
	d.Deputies = append(d.Deputies, Deputy{For: "p2", By: "p4", Role: Delegate})
	if got, err := d.Act("p4", Delegate, at(8)); err == nil {
		t.Errorf("Act of a deputy's deputy = %v, want a refusal", got)
	}
	d.Deputies = []Deputy{{For: "p1", By: "p4", Role: Delegate}}
	if got, err := d.Act("p4", Delegate, at(1)); err != nil || got.For != "p1" || !got.Until.Equal(at(8)) {
		t.Errorf("Act of a standing deputy = %v, %v", got, err)
	}
	d.Persons[3].Org = "AAA/power"
	if got, err := d.Act("p4", Delegate, at(1)); err == nil {
		t.Errorf("Act of a deputy from elsewhere = %v, want a refusal", got)
	}
}

func TestListsOf(t *testing.T) {
	t.Parallel()
	d := small()
	if diff := cmp.Diff([]Org{"AAA/csirt"}, d.ServedBy("BBB/mod")); diff != "" {
		t.Errorf("ServedBy (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]Group{"north"}, d.GroupsOf("BBB/mod")); diff != "" {
		t.Errorf("GroupsOf (-want +got):\n%s", diff)
	}
	if got := d.GroupsOf("AAA/power"); got != nil {
		t.Errorf("GroupsOf(AAA/power) = %v, want none", got)
	}
	if _, ok := d.Organisation("AAA/none"); ok {
		t.Error("Organisation(AAA/none) is there")
	}
}

func hand(k Key, r Role, stoodInFor Key) Hand {
	return Hand{Person: k, Role: r, For: stoodInFor, Org: "AAA/csirt"}
}

func TestCheckHands(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		hands []Hand
		want  []string // empty: nothing is wrong
	}{
		{"none", nil, nil},
		{"one", []Hand{hand("p1", Analyst, "")}, nil},
		{"two persons in clashing roles", []Hand{hand("p1", Analyst, ""), hand("p2", DecisionMaker, "")}, nil},
		{"one person in one role twice", []Hand{hand("p1", Analyst, ""), hand("p1", Analyst, "")}, nil},
		{"one person in two", []Hand{hand("p1", Analyst, ""), hand("p1", DecisionMaker, "")}, []string{"p1 acted as analyst and decision-maker"}},
		{"the other way round", []Hand{hand("p1", DecisionMaker, ""), hand("p1", Analyst, "")}, []string{"who assessed does not decide"}},
		{"through a deputy", []Hand{hand("p1", Analyst, ""), hand("p2", DecisionMaker, "p1")}, []string{"p2 acted as analyst and decision-maker"}},
		{"all is listed", []Hand{hand("p1", Analyst, ""), hand("p1", DecisionMaker, ""), hand("p1", Auditor, "")}, []string{"analyst and decision-maker", "analyst and auditor", "decision-maker and auditor"}},
		{"no role", []Hand{hand("p1", NoRole, "")}, []string{"without a name"}},
		{"unknown role", []Hand{hand("p1", 99, "")}, []string{"without a name"}},
		{"no person", []Hand{hand("", Analyst, "")}, []string{"without a name"}},
		{"no organisation", []Hand{{Person: "p1", Role: Analyst}}, []string{"without a name"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := CheckHands(tt.hands)
			if (err != nil) != (len(tt.want) > 0) || err != nil && fault.KindOf(err) != fault.Denied {
				t.Fatalf("CheckHands = %v, want %q", err, tt.want)
			}
			for _, w := range tt.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("CheckHands = %v, want a text with %q", err, w)
				}
			}
		})
	}
}

func TestClashes(t *testing.T) {
	t.Parallel()
	seen := map[[2]Role]bool{}
	for _, c := range Clashes() {
		if c.A == c.B || c.Why == "" || seen[[2]Role{c.A, c.B}] || seen[[2]Role{c.B, c.A}] {
			t.Errorf("row %v: a role with itself, no reason, or a second time", c)
		}
		seen[[2]Role{c.A, c.B}] = true
	}
	for _, r := range Roles() {
		if _, ok := Clashing(r, r); ok {
			t.Errorf("%v clashes with itself", r)
		}
		// Who audits does nothing else, and neither does who runs the node.
		for _, apart := range []Role{Auditor, Administrator} {
			if _, ok := Clashing(apart, r); r != apart && !ok {
				t.Errorf("%v and %v may meet", apart, r)
			}
		}
	}
}

func TestTwoPersons(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		hands []Hand
		need  int
		ok    bool
	}{
		{"none", nil, 0, false},
		{"one", []Hand{hand("p1", Analyst, "")}, 2, false},
		{"one twice", []Hand{hand("p1", Analyst, ""), hand("p1", Delegate, "")}, 2, false},
		{"two", []Hand{hand("p1", Analyst, ""), hand("p2", Analyst, "")}, 2, true},
		{"need below two", []Hand{hand("p1", Analyst, "")}, 1, false},
		{"a deputy and the one stood in for", []Hand{hand("p1", Analyst, ""), hand("p2", Delegate, "p1")}, 2, false},
		{"two deputies of one", []Hand{hand("p2", Delegate, "p1"), hand("p3", Delegate, "p1")}, 2, false},
		{"a bridge does not hide two", []Hand{hand("p2", Delegate, "p1"), hand("p1", Analyst, ""), hand("p2", Analyst, "")}, 2, true},
		{"without a role does not count", []Hand{hand("p1", Analyst, ""), hand("p2", NoRole, "")}, 2, false},
		{"three of three", []Hand{hand("p1", Analyst, ""), hand("p2", Analyst, ""), hand("p3", Analyst, "")}, 3, true},
		{"two of three", []Hand{hand("p1", Analyst, ""), hand("p2", Analyst, ""), hand("p2", Delegate, "")}, 3, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if err := TwoPersons(tt.hands, tt.need); (err == nil) != tt.ok {
				t.Errorf("TwoPersons = %v, want ok %v", err, tt.ok)
			}
		})
	}
}

func TestSpan(t *testing.T) {
	t.Parallel()
	s := span(2, 4)
	for hour, want := range map[int]bool{1: false, 2: true, 3: true, 4: false} {
		if got := s.Holds(at(hour)); got != want {
			t.Errorf("Holds(%d) = %v, want %v", hour, got, want)
		}
	}
	for hour, want := range map[int]time.Time{1: at(2), 2: at(4), 4: {}} {
		if got := s.Turns(at(hour)); !got.Equal(want) {
			t.Errorf("Turns(%d) = %v, want %v", hour, got, want)
		}
	}
	if !(Span{}).Holds(time.Time{}) {
		t.Error("the zero span does not hold, want always")
	}
}
