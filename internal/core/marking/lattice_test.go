package marking

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/cedar-policy/cedar-go"
	public "github.com/cedar-policy/cedar-go/ast"
	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"

	"casus/internal/core/alliance"
	"casus/tlp"
)

// TestLattice holds the rules to their properties over the whole lattice.
func TestLattice(t *testing.T) {
	t.Parallel()
	p := builtIn(t)
	on := newLattice(-1, p.named)
	if testing.Short() {
		on = newLattice(3, p.named)
	}
	t.Logf("%d readers, %d sets", len(on.readers), len(on.sets))
	got, err := p.test(on, properties(), 0)
	if err != nil || len(got) > 0 {
		t.Errorf("test = %+v, %v, want none", got, err)
	}
}

// may is what the rules should decide, by the properties written by hand: who
// breaks none may read. It is no part of the rules.
func may(r Reader, s Set) bool {
	return !slices.ContainsFunc(properties(), func(p property) bool { return p.broken(r, s, latticeNow) })
}

// TestReference checks that the rules allow no less than they should either, and
// that deciding together and one by one are the same.
func TestReference(t *testing.T) {
	t.Parallel()
	p := builtIn(t)
	on := newLattice(3, p.named)
	marked := Mark(nil, on.sets...)
	allowed := 0
	for i, r := range on.readers {
		sight, err := p.Readable(r, marked, latticeNow)
		if err != nil || len(sight.Errors) > 0 || sight.Len() != len(on.sets) {
			t.Fatalf("Readable = %d sets, %v, %v", sight.Len(), sight.Errors, err)
		}
		for j, s := range on.sets {
			got, want := sight.Has(uint32(j)), may(r, s)
			if got != want {
				t.Fatalf("%s: %v, want %v", describe(r, s), got, want)
			}
			if got {
				allowed++
			}
			if (i+j)%17 != 0 {
				continue
			}
			if d := p.Decide(r, Read, marked[j], latticeNow); (d.Effect == Allow) != got || len(d.Rules) == 0 || len(d.Errors) > 0 {
				t.Fatalf("%s: Decide = %+v, Readable %v", describe(r, s), d, got)
			}
		}
	}
	if allowed < 1000 {
		t.Errorf("%d cases are allowed, want some thousand: the lattice proves little", allowed)
	}
}

// slice returns p with other rules for reading.
func (p *Policy) slice(rules cedar.PolicyMap) *Policy {
	q := *p
	q.sliced = maps.Clone(p.sliced)
	q.sliced[Read] = rules
	return &q
}

// alone returns p with its limits and one permit that opens everything, or with
// its permits and no limit: each line of defence by itself.
func alone(t *testing.T, p *Policy, forbids bool) *Policy {
	t.Helper()
	rules := cedar.PolicyMap{}
	for id, one := range p.sliced[Read] {
		if (one.Effect() == cedar.Forbid) == forbids {
			rules[id] = one
		}
	}
	if forbids {
		rules["all"] = parseRule(t, "permit (principal, action, resource);")
	}
	return p.slice(rules)
}

func parseRule(t *testing.T, text string) *cedar.Policy {
	t.Helper()
	one := new(cedar.Policy)
	if err := one.UnmarshalCedar([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return one
}

// opened is what permits by themselves are held to.
func opened() []property {
	all := properties()
	return []property{{"permits open CLEAR, GREEN to the community, and what recipients are named for", func(r Reader, s Set, _ time.Time) bool {
		switch s.Label(nil) {
		case tlp.Clear:
			return false
		case tlp.Green:
			return !r.Community && !slices.Contains(s.Recipients.To, r.Org)
		case tlp.Red, tlp.AmberStrict, tlp.Amber:
		}
		i := slices.IndexFunc(all, func(p property) bool { return p.name == "what is AMBER and above rests on the recipient list" })
		return all[i].broken(r, s, latticeNow)
	}}}
}

// TestDefencesAlone holds limits and permits each to what they must do without
// the other.
func TestDefencesAlone(t *testing.T) {
	t.Parallel()
	p := builtIn(t)
	on := newLattice(3, nil)
	if got, err := alone(t, p, true).test(on, properties(), 0); err != nil || len(got) > 0 {
		t.Errorf("limits alone: %+v, %v, want none", got, err)
	}
	got, err := alone(t, p, false).test(on, opened(), 0)
	if err != nil || len(got) > 0 {
		t.Errorf("permits alone: %+v, %v, want none", got, err)
	}
}

// equivalents are mutants that change no decision on the lattice, each with the
// reason why that is no gap. There are none.
var equivalents = map[string]string{}

// TestMutants deletes and changes every clause in every place. A mutant that
// opens anything must break a property; one that changes nothing must be argued
// for. Limits are tried alone, as are permits, for each hides faults of the
// other.
func TestMutants(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("changes every clause: left out when short")
	}
	p := builtIn(t)
	on := newLattice(2, nil)
	tried := 0
	for _, forbids := range []bool{true, false} {
		base := alone(t, p, forbids)
		try := mutation{on: on, marked: Mark(nil, on.sets...), props: properties()}
		if !forbids {
			try.props = opened()
		}
		for _, r := range on.readers {
			try.before = append(try.before, see(t, base, r, try.marked))
		}
		for id, one := range base.sliced[Read] {
			if id == "all" {
				continue
			}
			for name, m := range mutants(one) {
				tried++
				rules := maps.Clone(base.sliced[Read])
				delete(rules, id)
				if m != nil {
					rules[id] = m
				}
				name = string(id) + ": " + name
				opens, closes, caught := try.run(t, base.slice(rules))
				switch why := equivalents[name]; {
				case opens && !caught:
					t.Errorf("%s: opens and breaks no property", name)
				case !opens && !closes && why == "":
					t.Errorf("%s: changes nothing on the lattice", name)
				case (opens || closes) && why != "":
					t.Errorf("%s: changes decisions, and is argued to change none", name)
				}
			}
		}
	}
	if tried < 80 {
		t.Errorf("%d mutants, want more", tried)
	}
	t.Logf("%d mutants on %d readers and %d sets", tried, len(on.readers), len(on.sets))
}

func see(t *testing.T, p *Policy, r Reader, marked []Marked) *Sight {
	t.Helper()
	s, err := p.Readable(r, marked, latticeNow)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// mutation tries mutants against what the unchanged rules allow.
type mutation struct {
	on     lattice
	marked []Marked
	props  []property
	before []*Sight
}

// run reports whether the mutant opens or closes anything, and whether something
// it opens breaks a property; it stops once that is so. What it closes differs
// from the reference, which the unchanged rules agree with.
func (m *mutation) run(t *testing.T, mutant *Policy) (opens, closes, caught bool) {
	t.Helper()
	for i, r := range m.on.readers {
		after := see(t, mutant, r, m.marked)
		for j, s := range m.on.sets {
			no := uint32(j)
			a, b := m.before[i].Has(no), after.Has(no)
			closes = closes || a && !b
			if !b || a {
				continue
			}
			opens = true
			if slices.ContainsFunc(m.props, func(p property) bool { return p.broken(r, s, latticeNow) }) {
				return opens, closes, true
			}
		}
	}
	return opens, closes, false
}

// mutants returns the changed forms of a clause by what was changed; nil is the
// clause deleted.
func mutants(one *cedar.Policy) map[string]*cedar.Policy {
	out := map[string]*cedar.Policy{"deleted": nil}
	node := (*ast.Policy)(one.AST())
	for i, c := range node.Conditions {
		for name, body := range mutate(c.Body) {
			changed := *node
			changed.Conditions = slices.Clone(node.Conditions)
			changed.Conditions[i].Body = body
			out[name] = cedar.NewPolicyFromAST((*public.Policy)(&changed))
		}
	}
	return out
}

// mutate returns the changed forms of an expression.
func mutate(n ast.IsNode) map[string]ast.IsNode {
	out := map[string]ast.IsNode{}
	put := func(what string, m ast.IsNode) { out[what+" "+text(n)] = m }
	binary := func(b ast.BinaryNode, wrap func(ast.BinaryNode) ast.IsNode) {
		for name, m := range mutate(b.Left) {
			out[name] = wrap(ast.BinaryNode{Left: m, Right: b.Right})
		}
		for name, m := range mutate(b.Right) {
			out[name] = wrap(ast.BinaryNode{Left: b.Left, Right: m})
		}
	}
	leaf := func() {
		put("never", ast.NodeValue{Value: types.False})
		put("always", ast.NodeValue{Value: types.True})
	}
	switch n := n.(type) {
	case ast.NodeTypeAnd:
		out["drop ("+text(n.Left)+")"], out["drop ("+text(n.Right)+")"] = n.Right, n.Left
		put("or for and", ast.NodeTypeOr(n))
		binary(n.BinaryNode, func(b ast.BinaryNode) ast.IsNode { return ast.NodeTypeAnd{BinaryNode: b} })
	case ast.NodeTypeOr:
		out["drop ("+text(n.Left)+")"], out["drop ("+text(n.Right)+")"] = n.Right, n.Left
		put("and for or", ast.NodeTypeAnd(n))
		binary(n.BinaryNode, func(b ast.BinaryNode) ast.IsNode { return ast.NodeTypeOr{BinaryNode: b} })
	case ast.NodeTypeNot:
		put("not", n.Arg)
		for name, m := range mutate(n.Arg) {
			out[name] = ast.NodeTypeNot{Arg: m}
		}
	case ast.NodeTypeEquals:
		leaf()
		put("not", ast.NodeTypeNotEquals(n))
		binary(n.BinaryNode, func(b ast.BinaryNode) ast.IsNode { return ast.NodeTypeEquals{BinaryNode: b} })
	case ast.NodeTypeNotEquals:
		leaf()
		put("not", ast.NodeTypeEquals(n))
		binary(n.BinaryNode, func(b ast.BinaryNode) ast.IsNode { return ast.NodeTypeNotEquals{BinaryNode: b} })
	case ast.NodeTypeLessThanOrEqual:
		leaf()
		put("< for", ast.NodeTypeLessThan(n))
		put("= for", ast.NodeTypeEquals(n))
		binary(n.BinaryNode, func(b ast.BinaryNode) ast.IsNode { return ast.NodeTypeLessThanOrEqual{BinaryNode: b} })
	case ast.NodeTypeLessThan:
		leaf()
		put("<= for", ast.NodeTypeLessThanOrEqual(n))
		put("> for", ast.NodeTypeGreaterThan(n))
	case ast.NodeTypeContains:
		leaf()
	case ast.NodeTypeContainsAll:
		leaf()
		put("any for all", ast.NodeTypeContainsAny(n))
		put("turned", ast.NodeTypeContainsAll{Left: n.Right, Right: n.Left})
	case ast.NodeTypeContainsAny:
		leaf()
		put("all for any", ast.NodeTypeContainsAll(n))
	case ast.NodeTypeAccess:
		if _, is := n.Arg.(ast.NodeTypeVariable); is && slices.Contains([]string{"recalled", "limited", "community"}, string(n.Value)) {
			leaf()
		}
	case ast.NodeValue:
		switch v := n.Value.(type) {
		case types.Long:
			out[fmt.Sprintf("%d for %d", v+1, v)] = ast.NodeValue{Value: v + 1}
			out[fmt.Sprintf("%d for %d", v-1, v)] = ast.NodeValue{Value: v - 1}
		case types.String:
			out[fmt.Sprintf("other than %q", v)] = ast.NodeValue{Value: types.String("nothing else")}
		}
	default:
		panic(fmt.Sprintf("no mutants of %T: add them", n))
	}
	return out
}

// text writes an expression.
func text(n ast.IsNode) string {
	p := ast.Permit().When(ast.NewNode(n))
	s := string(cedar.NewPolicyFromAST((*public.Policy)(p)).MarshalCedar())
	s = s[len("permit ( principal, action, resource )\nwhen { "):]
	return s[:len(s)-len(" };")]
}

// TestUse holds the rules of use to a table written by hand, and their mutants
// to differing from it.
func TestUse(t *testing.T) {
	t.Parallel()
	// What is allowed, by TLP (columns as tlp.Labels: RED to CLEAR) and PAP (rows:
	// unsaid, RED, AMBER, GREEN, CLEAR).
	want := map[Action]string{
		LookUp: "00011 00000 11111 11111 11111",
		Act:    "00011 00000 00000 11111 11111",
	}
	r := Reader{Person: "p1", Org: "AAA/recipient", Role: alliance.Analyst, Community: true}
	got := func(p *Policy, a Action) string {
		var out string
		for pap := PAPUnsaid; pap <= PAPClear; pap++ {
			for _, l := range tlp.Labels() {
				m := Mark(nil, Set{TLP: l, PAP: pap, Recipients: Only[alliance.Org]("AAA/recipient"), Persons: Only[alliance.Key]("p1")})[0]
				if d := p.Decide(r, a, m, latticeNow); d.Effect == Allow {
					out += "1"
				} else {
					out += "0"
				}
			}
			out += " "
		}
		return out[:len(out)-1]
	}
	p := builtIn(t)
	for a, table := range want {
		if g := got(p, a); g != table {
			t.Errorf("%s: %s, want %s", a, g, table)
		}
		for id, one := range p.sliced[a] {
			for name, m := range mutants(one) {
				q := *p
				q.sliced = maps.Clone(p.sliced)
				q.sliced[a] = maps.Clone(p.sliced[a])
				delete(q.sliced[a], id)
				if m != nil {
					q.sliced[a][id] = m
				}
				if got(&q, a) == table {
					t.Errorf("%s: %s: changes nothing", id, name)
				}
			}
		}
		// Who may not read may not use either.
		out := r
		out.Role = alliance.Administrator
		m := Mark(nil, Set{TLP: tlp.Clear})[0]
		if d := p.Decide(out, a, m, latticeNow); d.Effect != Deny || !slices.Contains(d.Rules, "administrator") {
			t.Errorf("%s by who may not read = %+v, want a denial by administrator", a, d)
		}
	}
}
