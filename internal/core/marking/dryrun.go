package marking

import (
	"slices"
	"strings"
	"time"

	"casus/internal/core/alliance"
	"casus/stix"
	"casus/tlp"
)

// View is how much of a field a reader gets. The zero value is nothing.
type View uint8

// The views, from nothing to all.
const (
	Withheld  View = 0
	Coarsened View = 1
	Full      View = 2
)

var views = [...]string{"withheld", "coarsened", "full"}

// String returns the word of v.
func (v View) String() string { return views[min(int(v), len(views)-1)] }

// MarshalText returns the word of v.
func (v View) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// Field is a place in an object that is marked by itself.
type Field struct {
	// Selector names the place, for example "description" or
	// "external_references.[0].url".
	Selector string
	// Set is what the place bears; it is never wider than the object's.
	Set Set
	// Coarse, when set, is what a coarser form of the place bears, such as the day
	// instead of the second: the owner's word that this form may go further. It
	// counts only for who may read the object.
	Coarse *Set
}

// Object is an object with its marking and that of its fields.
type Object struct {
	// ID is shown, and not looked at.
	ID string
	// Set is what the object bears apart from its fields' own markings.
	Set    Set
	Fields []Field
}

// FieldsOf returns what o bears as a whole and field by field, when it stands in
// a report that bears container and def is what it bears when it says nothing.
// Fields are the properties of o, in order, and after each the places within it
// that are marked by themselves. A marking of a place that is not there counts
// for the whole object.
//
// Source: stix-2.1 §7.2.3.
func FieldsOf(o *stix.Object, def, container Set) Object {
	base, _ := own(o, def)
	out := Object{ID: o.ID(), Set: Within(base, container)}
	var places []string
	for i := range o.Len() {
		name, _ := o.Member(i)
		places = append(places, string(name))
	}
	tops := slices.Clone(places)
	placed := map[string]int{}
	for _, g := range o.GranularMarkings() {
		if g.Ref == "" {
			continue
		}
		placed[g.Ref]++
		for _, sel := range g.Selectors {
			if _, err := stix.MarkingsAt(o.Raw(), []string{sel}, stix.Reach{}); err != nil {
				out.Set = tighten(out.Set, g.Ref)
			} else if !slices.Contains(places, sel) {
				places = append(places, sel)
			}
		}
	}
	for ref := range fieldMarkings(o) {
		if placed[ref]--; placed[ref] < 0 { // it says not of what
			out.Set = tighten(out.Set, ref)
		}
	}
	slices.SortStableFunc(places, func(a, b string) int {
		return slices.Index(tops, top(a)) - slices.Index(tops, top(b))
	})
	for _, p := range places {
		f := Field{Selector: p, Set: out.Set}
		for _, g := range o.GranularMarkings() {
			if g.Ref != "" && slices.ContainsFunc(g.Selectors, func(s string) bool { return s == p || strings.HasPrefix(p, s+".") }) {
				f.Set = tighten(f.Set, g.Ref)
			}
		}
		out.Fields = append(out.Fields, f)
	}
	return out
}

// top returns the property that a selector lies in.
func top(selector string) string {
	name, _, _ := strings.Cut(selector, ".")
	return name
}

// tighten returns s under one more marking definition.
func tighten(s Set, ref string) Set {
	if l, ok := tlp.ByDefinition(ref); ok {
		if l < s.TLP {
			s.TLP, s.Imputed = l, false
		}
		return s
	}
	if p, ok := papOf(ref); ok {
		s.PAP = joinPAP(s.PAP, p, false)
		return s
	}
	s.Refs = tidy(append(slices.Clone(s.Refs), ref))
	return s
}

// FieldView is how much of one field a reader gets, and why.
type FieldView struct {
	Field string `json:"field"`
	View  View   `json:"view"`
	// Rules are the clauses that stand in the way of more, for what is not full;
	// for what is, the permits.
	Rules []string `json:"rules"`
}

// ReaderView is what one reader would get of an object.
type ReaderView struct {
	Member alliance.Member `json:"member"`
	Org    alliance.Org    `json:"organisation"`
	Person alliance.Key    `json:"person,omitzero"`
	Role   string          `json:"role"`
	// Object says whether the reader would see that the object is there at all.
	Object Decision    `json:"object"`
	Fields []FieldView `json:"fields"`
	// Full, Coarsened and Withheld count the fields.
	Full      int `json:"full"`
	Coarsened int `json:"coarsened"`
	Withheld  int `json:"withheld"`
}

// Preview is what each of an audience would get of an object.
type Preview struct {
	ID      string       `json:"id"`
	Policy  string       `json:"policy"` // digest of the rules
	Readers []ReaderView `json:"readers"`
	// Organisations are those of readers who would see something, sorted; Seeing
	// counts these readers.
	Organisations []alliance.Org `json:"organisations"`
	Seeing        int            `json:"seeing"`
	// ValidUntil and Errors are as for [Decision].
	ValidUntil time.Time `json:"valid_until,omitzero"`
	Errors     []string  `json:"errors,omitzero"`
}

// DryRun returns what each reader of the audience would get of o at now: whether
// the object, and of each field all, a coarser form or nothing, with the clauses
// that decide. It decides as [Policy.Decide] does and changes nothing. An empty
// audience is nobody.
func (p *Policy) DryRun(o Object, audience []Reader, inert func(id string) bool, now time.Time) Preview {
	out := Preview{ID: o.ID, Policy: p.digest}
	whole := Mark(inert, o.Set)[0]
	fields := make([]Marked, len(o.Fields))
	coarse := make([]*Marked, len(o.Fields))
	for i, f := range o.Fields {
		fields[i] = Mark(inert, f.Set)[0]
		if f.Coarse != nil {
			coarse[i] = &Mark(inert, *f.Coarse)[0]
		}
	}
	for _, r := range audience {
		v := ReaderView{Member: r.Org.Member(), Org: r.Org, Person: r.Person, Role: r.Role.String(), Object: p.Decide(r, Read, whole, now)}
		out.take(v.Object)
		for i, f := range o.Fields {
			fv := FieldView{Field: f.Selector}
			fv.View, fv.Rules = p.field(r, v.Object, fields[i], coarse[i], now, &out)
			v.count(fv.View)
			v.Fields = append(v.Fields, fv)
		}
		if v.Object.Effect == Allow {
			out.Seeing++
			out.Organisations = append(out.Organisations, r.Org)
		}
		out.Readers = append(out.Readers, v)
	}
	slices.Sort(out.Organisations)
	out.Organisations = slices.Compact(out.Organisations)
	return out
}

// field decides over one field for who got this decision on the object.
func (p *Policy) field(r Reader, object Decision, full Marked, coarse *Marked, now time.Time, out *Preview) (View, []string) {
	d := p.Decide(r, Read, full, now)
	out.take(d)
	switch {
	case object.Effect == Deny:
		return Withheld, tidyText(append(slices.Clone(object.Rules), denials(d)...))
	case d.Effect == Allow:
		return Full, d.Rules
	case coarse != nil:
		c := p.Decide(r, Read, *coarse, now)
		out.take(c)
		if c.Effect == Allow {
			return Coarsened, d.Rules
		}
	}
	return Withheld, d.Rules
}

// denials returns the rules of a denial, none for a leave.
func denials(d Decision) []string {
	if d.Effect == Allow {
		return nil
	}
	return d.Rules
}

// take keeps of d what concerns the whole preview.
func (out *Preview) take(d Decision) {
	out.ValidUntil = earlier(out.ValidUntil, d.ValidUntil)
	out.Errors = tidyText(append(out.Errors, d.Errors...))
}

func (v *ReaderView) count(view View) {
	switch view {
	case Full:
		v.Full++
	case Coarsened:
		v.Coarsened++
	case Withheld:
		v.Withheld++
	}
}
