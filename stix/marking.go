package stix

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"time"
)

// Errors of reading and changing markings.
var (
	// ErrSelector: a selector is badly formed or leads to nothing.
	ErrSelector = errors.New("stix: the selector leads to nothing in the object")
	// ErrNotMarked: what should be removed is not there.
	ErrNotMarked = errors.New("stix: the marking is not there")
	// ErrMarkingRef: a marking is neither the id of a marking definition nor,
	// where that is possible, a language.
	ErrMarkingRef = errors.New("stix: no id of a marking definition")
)

// GranularMarking is one entry of granular_markings: a marking or a language,
// and what it is about.
//
// Source: stix-2.1 §7.2.3.
type GranularMarking struct {
	Ref       string // the id of a marking definition, or ""
	Lang      string // a language, or ""
	Selectors []string
}

// Mark returns the marking, or the language if there is none.
func (g GranularMarking) Mark() string {
	if g.Ref != "" {
		return g.Ref
	}
	return g.Lang
}

// MarkingRefs returns the ids of the markings of the whole object, in the order
// of the bytes.
//
// Source: stix-2.1 §7.2.2.
func (o *Object) MarkingRefs() []string { return objectMarkings(source{o: o, raw: o.raw}) }

// GranularMarkings returns the markings of parts of the object, in the order of
// the bytes. What is not a marking is left out.
//
// Source: stix-2.1 §7.2.3.
func (o *Object) GranularMarkings() []GranularMarking {
	return granularMarkings(source{o: o, raw: o.raw})
}

func objectMarkings(x source) []string { return stringsOf(x.get("object_marking_refs")) }

// stringsOf returns the strings of a list, or the one that stands alone.
func stringsOf(v []byte) []string {
	if s, ok := Unquote(v); ok {
		return []string{s}
	}
	var list []string
	c := cursor{b: v}
	for {
		e, ok := c.element()
		if !ok {
			return list
		}
		if s, ok := Unquote(e); ok {
			list = append(list, s)
		}
	}
}

func granularMarkings(x source) []GranularMarking {
	var list []GranularMarking
	c := cursor{b: x.get("granular_markings")}
	for {
		e, ok := c.element()
		if !ok {
			return list
		}
		m := source{raw: e}
		g := GranularMarking{Ref: string(m.text("marking_ref")), Lang: string(m.text("lang")), Selectors: stringsOf(m.get("selectors"))}
		if g.Mark() != "" && len(g.Selectors) > 0 {
			list = append(list, g)
		}
	}
}

// Reach says which markings count for a selected place. The zero value counts
// the markings that select exactly that place.
type Reach struct {
	// Inherited counts also the markings of what the place lies in, the whole
	// object included.
	Inherited bool
	// Descendants counts also the markings of what lies in the place.
	Descendants bool
	// NoRefs leaves marking definitions out, NoLangs languages.
	NoRefs, NoLangs bool
}

// counts reports whether a marking of the selector marked counts for place.
func (r Reach) counts(place, marked string) bool {
	return place == marked || r.Inherited && within(place, marked) || r.Descendants && within(marked, place)
}

// within reports whether the place of a selector lies in that of another.
func within(inner, outer string) bool {
	return len(inner) > len(outer) && inner[len(outer)] == '.' && strings.HasPrefix(inner, outer)
}

// MarkingsAt returns the markings and languages that count for the selected
// places of an object given as JSON, each once, in the order of the bytes. With
// no selectors it returns the markings of the whole object. The error wraps
// [ErrSelector].
func MarkingsAt(object []byte, selectors []string, reach Reach) ([]string, error) {
	x := source{raw: object}
	if selectors == nil {
		return objectMarkings(x), nil
	}
	list, err := granularAt(x, selectors, reach)
	if err != nil {
		return nil, err
	}
	if reach.Inherited && !reach.NoRefs {
		list = appendNew(list, objectMarkings(x)...)
	}
	return list, nil
}

// GranularMarkingsAt is [MarkingsAt] for the markings of parts alone.
func GranularMarkingsAt(object []byte, selectors []string, reach Reach) ([]string, error) {
	return granularAt(source{raw: object}, selectors, reach)
}

func granularAt(x source, selectors []string, reach Reach) ([]string, error) {
	if err := checkSelectors(x, selectors); err != nil {
		return nil, err
	}
	var list []string
	for _, g := range granularMarkings(x) {
		if reach.touches(selectors, g.Selectors) {
			if g.Ref != "" && !reach.NoRefs {
				list = appendNew(list, g.Ref)
			}
			if g.Lang != "" && !reach.NoLangs {
				list = appendNew(list, g.Lang)
			}
		}
	}
	return list, nil
}

// touches reports whether any marked selector counts for any of the places.
func (r Reach) touches(places, marked []string) bool {
	for _, p := range places {
		for _, m := range marked {
			if r.counts(p, m) {
				return true
			}
		}
	}
	return false
}

func appendNew(list []string, more ...string) []string {
	for _, s := range more {
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

func checkSelectors(x source, selectors []string) error {
	if len(selectors) == 0 {
		return &Error{Reason: "no place is selected", Remedy: "give a selector, for example description", cause: ErrSelector}
	}
	for _, s := range selectors {
		if sel := []byte(s); !validSelector(sel) || resolve(x, sel) == nil {
			return &Error{Reason: quote(sel) + " leads to nothing in the object", Remedy: "select a property or list item that is there", cause: ErrSelector}
		}
	}
	return nil
}

// IsMarked reports whether markings count for the selected places of an object
// given as JSON: all of those given, or any at all if none is given. With no
// selectors it asks about the whole object, and whether it has one of those
// given. The error wraps [ErrSelector].
func IsMarked(object []byte, markings, selectors []string, reach Reach) (bool, error) {
	x := source{raw: object}
	if selectors == nil {
		return isObjectMarked(x, markings), nil
	}
	list, err := MarkingsAt(object, selectors, reach)
	if err != nil {
		return false, err
	}
	return hasAll(list, markings), nil
}

// IsGranularMarked is [IsMarked] for the markings of parts alone.
func IsGranularMarked(object []byte, markings, selectors []string, reach Reach) (bool, error) {
	list, err := granularAt(source{raw: object}, selectors, reach)
	if err != nil {
		return false, err
	}
	return hasAll(list, markings), nil
}

func isObjectMarked(x source, markings []string) bool {
	has := objectMarkings(x)
	if len(markings) == 0 {
		return len(has) > 0
	}
	return slices.ContainsFunc(markings, func(m string) bool { return slices.Contains(has, m) })
}

func hasAll(list, wanted []string) bool {
	if len(wanted) == 0 {
		return len(list) > 0
	}
	return !slices.ContainsFunc(wanted, func(m string) bool { return !slices.Contains(list, m) })
}

// AddMarkings returns a new version of o with the markings added to the
// selected places, or to the whole object if there are no selectors. Places can
// have languages, too. The error wraps [ErrSelector], [ErrMarkingRef], or one of
// [NewVersion].
//
// Source: stix-2.1 §7.2.2, §7.2.3.
func AddMarkings(o *Object, now time.Time, markings, selectors []string) (*Object, error) {
	if selectors == nil {
		return withObjectMarkings(o, now, appendNew(slices.Clone(o.MarkingRefs()), markings...))
	}
	if err := checkChange(o, markings, selectors); err != nil {
		return nil, err
	}
	return withGranular(o, now, append(flatten(o.GranularMarkings()), pairsOf(markings, selectors)...))
}

// RemoveMarkings returns a new version of o without the markings at the selected
// places, or of the whole object if there are no selectors. An object that has
// no such markings at all is returned as it is. The error wraps [ErrNotMarked]
// if o has others alone, or is as for [AddMarkings].
func RemoveMarkings(o *Object, now time.Time, markings, selectors []string) (*Object, error) {
	if selectors == nil {
		has := o.MarkingRefs()
		if len(has) == 0 {
			return o, nil
		}
		if !hasAll(has, markings) {
			return nil, notMarked()
		}
		return withObjectMarkings(o, now, slices.DeleteFunc(has, func(m string) bool { return slices.Contains(markings, m) }))
	}
	if err := checkSelectors(source{o: o, raw: o.raw}, selectors); err != nil {
		return nil, err
	}
	has := flatten(o.GranularMarkings())
	if len(has) == 0 {
		return o, nil
	}
	gone := pairsOf(markings, selectors)
	left := slices.DeleteFunc(slices.Clone(has), func(p placed) bool { return slices.Contains(gone, p) })
	if len(left) == len(has) {
		return nil, notMarked()
	}
	return withGranular(o, now, left)
}

// ClearMarkings returns a new version of o without any markings, or languages,
// at exactly the selected places, or of the whole object if there are no
// selectors. Of reach, NoRefs and NoLangs say what stays. Errors are as for
// [RemoveMarkings].
func ClearMarkings(o *Object, now time.Time, selectors []string, reach Reach) (*Object, error) {
	if selectors == nil {
		return withObjectMarkings(o, now, nil)
	}
	if err := checkSelectors(source{o: o, raw: o.raw}, selectors); err != nil {
		return nil, err
	}
	has := flatten(o.GranularMarkings())
	if len(has) == 0 {
		return o, nil
	}
	left, err := cleared(has, selectors, reach)
	if err != nil {
		return nil, err
	}
	return withGranular(o, now, left)
}

// cleared returns what stays of the markings when the places are cleared.
func cleared(has []placed, selectors []string, reach Reach) ([]placed, error) {
	touched := false
	left := slices.DeleteFunc(slices.Clone(has), func(p placed) bool {
		here := slices.Contains(selectors, p.selector)
		touched = touched || here
		return here && (p.isLang() && !reach.NoLangs || !p.isLang() && !reach.NoRefs)
	})
	if !touched {
		return nil, notMarked()
	}
	return left, nil
}

// SetMarkings returns a new version of o that has the markings, and no others,
// at the selected places, or as a whole if there are no selectors. Reach and
// errors are as for [ClearMarkings] and [AddMarkings].
func SetMarkings(o *Object, now time.Time, markings, selectors []string, reach Reach) (*Object, error) {
	if selectors == nil {
		return withObjectMarkings(o, now, appendNew(nil, markings...))
	}
	if err := checkChange(o, markings, selectors); err != nil {
		return nil, err
	}
	has := flatten(o.GranularMarkings())
	if len(has) > 0 {
		var err error
		if has, err = cleared(has, selectors, reach); err != nil {
			return nil, err
		}
	}
	return withGranular(o, now, append(has, pairsOf(markings, selectors)...))
}

func notMarked() error {
	return &Error{Reason: "the marking is not there", Remedy: "look at the markings the object has", cause: ErrNotMarked}
}

func checkChange(o *Object, markings, selectors []string) error {
	if err := checkSelectors(source{o: o, raw: o.raw}, selectors); err != nil {
		return err
	}
	for _, m := range markings {
		if !isMarkingID(m) && !isLanguage(m) {
			return badMarking(m)
		}
	}
	return nil
}

func badMarking(m string) error {
	return &Error{Reason: quote([]byte(m)) + " is no id of a marking definition", Remedy: "give marking-definition-- and a UUID", cause: ErrMarkingRef}
}

const markingID = "marking-definition--"

func isMarkingID(s string) bool {
	return strings.HasPrefix(s, markingID) && isRFC4122([]byte(s[len(markingID):]))
}

// isLanguage reports whether s has the form of a language tag.
//
// Source: rfc5646 §2.1.
func isLanguage(s string) bool {
	if len(s) > 64 {
		return false
	}
	for i, part := range strings.Split(s, "-") {
		if len(part) == 0 || len(part) > 8 || i == 0 && len(part) == 1 && part != "x" && part != "i" {
			return false
		}
		if bytes.ContainsFunc([]byte(part), func(c rune) bool {
			return (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9')
		}) {
			return false
		}
	}
	return true
}

// placed is one marking or language at one place.
type placed struct{ mark, selector string }

func (p placed) isLang() bool {
	return !strings.HasPrefix(p.mark, markingID) && !strings.Contains(p.mark, "--")
}

func flatten(list []GranularMarking) []placed {
	var out []placed
	for _, g := range list {
		out = append(out, pairsOf([]string{g.Mark()}, g.Selectors)...)
	}
	return out
}

func pairsOf(markings, selectors []string) []placed {
	out := make([]placed, 0, len(markings)*len(selectors))
	for _, m := range markings {
		for _, s := range selectors {
			out = append(out, placed{m, s})
		}
	}
	return out
}

func withObjectMarkings(o *Object, now time.Time, refs []string) (*Object, error) {
	for _, m := range refs {
		if !isMarkingID(m) {
			return nil, badMarking(m)
		}
	}
	change := Member{Name: "object_marking_refs"}
	if len(refs) > 0 {
		change = Texts("object_marking_refs", refs...)
	}
	return NewVersion(o, now, change)
}

// withGranular writes the markings with one entry for each, in the order of
// their first place, the selectors sorted.
func withGranular(o *Object, now time.Time, list []placed) (*Object, error) {
	var marks []string
	places := make(map[string][]string)
	for _, p := range list {
		marks = appendNew(marks, p.mark)
		places[p.mark] = appendNew(places[p.mark], p.selector)
	}
	change := Member{Name: "granular_markings"}
	var entries [][]byte
	for _, m := range marks {
		slices.Sort(places[m])
		name := "marking_ref"
		if (placed{mark: m}).isLang() {
			name = "lang"
		}
		entries = append(entries, Dict(Text(name, m), Texts("selectors", places[m]...)))
	}
	if len(entries) > 0 {
		change = List("granular_markings", entries...)
	}
	return NewVersion(o, now, change)
}
