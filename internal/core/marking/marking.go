// Package marking says how closely a thing is held and who may read it: the
// marking set of a receipt, how sets combine, which label a set amounts to, and
// the rules that decide over readers.
//
// A [Set] belongs to one arrival of one object version in one report, never to
// the object. Its zero value is TLP:RED, owned by nobody. Sets are written in
// one canonical form, so equal sets are equal strings and can be interned.
package marking

import (
	"iter"
	"slices"
	"strings"

	"casus/internal/fault"
	"casus/stix"
	"casus/tlp"
)

// Set is everything that restricts the reading of a receipt.
type Set struct {
	// TLP is the label; RED when nothing said so.
	TLP tlp.Label
	// Imputed is set when the label is the source's default, or RED for want of
	// one, and not the sender's own word.
	Imputed bool
	// Refs are the ids of marking definitions that do not decide the label,
	// sorted. One of TLP marks fields of an object that bears no label as a whole:
	// it tightens and stands for nothing more. Any other that is not known to be
	// without effect on reading makes the set RED.
	Refs []string
	Limits
}

// String returns the canonical form: the label, then "imputed", then the limits
// as key=value, then the references, joined by semicolons.
func (s Set) String() string {
	var b strings.Builder
	b.WriteString(s.TLP.String())
	if s.Imputed {
		b.WriteString(";imputed")
	}
	s.Limits.write(&b)
	for _, r := range s.Refs {
		b.WriteString(";")
		b.WriteString(r)
	}
	return b.String()
}

// Parse reads the canonical form. An empty or malformed text is an Invalid
// fault, and the set is then the zero set.
func Parse(text string) (Set, error) {
	parts := strings.Split(text, ";")
	label, ok := tlp.Parse(parts[0])
	if !ok {
		return Set{}, fault.Errorf(fault.Invalid, "marking: set begins with %.40q, want a TLP label", parts[0])
	}
	s := Set{TLP: label}
	rest := parts[1:]
	if len(rest) > 0 && rest[0] == "imputed" {
		s.Imputed = true
		rest = rest[1:]
	}
	s.Refs = tidy(s.Limits.read(rest))
	if s.String() != text {
		return Set{}, fault.Errorf(fault.Invalid, "marking: set %.80q is not in canonical form", text)
	}
	if err := s.Validate(); err != nil {
		return Set{}, err
	}
	return s, nil
}

// Label returns what the set amounts to when inert tells which definitions are
// known and restrict nothing (statements, for instance). An unknown definition
// is most restrictive; a nil inert knows none. Labels of fields tighten.
//
// Source: tlp-2.0 §2; casus default deny.
func (s Set) Label(inert func(id string) bool) tlp.Label {
	label := s.TLP
	for _, r := range s.Refs {
		if l, ok := tlp.ByDefinition(r); ok {
			label = tlp.Most(label, l)
		} else if inert == nil || !inert(r) {
			return tlp.Red
		}
	}
	return label
}

// Default is the set of a receipt that nothing marks: the source's label, RED
// when it has none.
func Default(source *tlp.Label) Set {
	if source == nil {
		return Set{TLP: tlp.Red, Imputed: true}
	}
	return Set{TLP: *source, Imputed: true}
}

// Of returns the set that o's own markings give; without a label of its own the
// label is def's. Field markings count for the whole object, the most
// restrictive one decides. They do not speak for the fields they leave out: an
// object that is marked in fields alone has def's label and theirs besides.
func Of(o *stix.Object, def Set) Set {
	s, marked := own(o, def)
	for id := range fieldMarkings(o) {
		l, ok := tlp.ByDefinition(id)
		p, isPAP := papOf(id)
		switch {
		case isPAP:
			s.PAP = joinPAP(s.PAP, p, false)
		case ok && (marked || l == tlp.Red): // RED for the rest too is no wider than any label
			s.TLP, s.Imputed, marked = tlp.Most(s.TLP, l), false, true
		default:
			s.Refs = append(s.Refs, id)
		}
	}
	s.Refs = tidy(s.Refs)
	return s
}

// own returns the set that the markings of o as a whole give, fields left aside,
// and whether one of them is a label; without, the label is def's.
func own(o *stix.Object, def Set) (s Set, marked bool) {
	s = Set{TLP: tlp.Clear, Limits: def.Limits}
	for _, id := range o.Strings("object_marking_refs") {
		if l, ok := tlp.ByDefinition(id); ok {
			s.TLP, marked = tlp.Most(s.TLP, l), true
		} else if p, ok := papOf(id); ok {
			s.PAP = joinPAP(s.PAP, p, false)
		} else {
			s.Refs = append(s.Refs, id)
		}
	}
	if !marked {
		s.TLP, s.Imputed = def.TLP, def.Imputed
	}
	s.Refs = tidy(append(s.Refs, def.Refs...))
	return s, marked
}

// fieldMarkings yields the marking definitions of o's fields.
func fieldMarkings(o *stix.Object) iter.Seq[string] {
	return func(yield func(string) bool) {
		v, ok := o.Get("granular_markings")
		if !ok {
			return
		}
		more := true
		stix.Each(v, func(element []byte) bool {
			stix.EachMember(element, func(name, value []byte) bool {
				if string(name) == "marking_ref" {
					if id, ok := stix.Unquote(value); ok {
						more = yield(id)
					}
				}
				return more
			})
			return more
		})
	}
}

// tidy sorts references and leaves each once. refs is changed.
func tidy(refs []string) []string {
	if len(refs) == 0 {
		return nil
	}
	for i, r := range refs {
		if !readableRef(r) {
			refs[i] = unreadable
		}
	}
	slices.Sort(refs)
	return slices.Compact(refs)
}

// Combine returns the most restrictive of a and b: the smaller label and all
// references and limits. Nobody reads under it who does not read under both. It
// is imputed only when no sender's word decided the label.
func Combine(a, b Set) Set {
	s := Set{TLP: tlp.Most(a.TLP, b.TLP), Limits: joinLimits(a, b, true)}
	switch {
	case a.TLP < b.TLP:
		s.Imputed = a.Imputed
	case b.TLP < a.TLP:
		s.Imputed = b.Imputed
	default:
		s.Imputed = a.Imputed && b.Imputed
	}
	s.Refs = tidy(append(slices.Clone(a.Refs), b.Refs...))
	return s
}

// Under returns s under one more label, which is a sender's word and says nothing
// besides.
func (s Set) Under(label tlp.Label) Set {
	if label < s.TLP || label == s.TLP && s.Imputed {
		s.TLP, s.Imputed = label, false
	}
	return s
}

// Within returns the set of a receipt whose own set is own and whose report's is
// container: the most restrictive of what the sender said of either, and all
// references. A default decides only where the sender said nothing of both: a
// container without marking does not tighten the label of what stands in it.
//
// Source: casus decision 0013.
func Within(own, container Set) Set {
	s := Combine(own, container)
	s.Limits = joinLimits(own, container, false)
	switch {
	case container.Imputed && !own.Imputed:
		s.TLP, s.Imputed = own.TLP, false
	case own.Imputed && !container.Imputed:
		s.TLP, s.Imputed = container.TLP, false
	}
	return s
}
