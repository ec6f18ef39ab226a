package stix_test

import (
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"casus/stix"
)

// laterTime is the clock of the operations: after every time of the vectors.
var laterTime = time.Date(2099, 1, 2, 3, 4, 5, 0, time.UTC)

// listOf reads a string, a list of strings, or an object with an id. Anything
// else in a list becomes an empty string, which no operation takes.
func listOf(v jsontext.Value) []string {
	switch v.Kind() {
	case '"':
		return []string{str(v)}
	case '{':
		return []string{idOf(v)}
	case '[':
		list := []string{}
		stix.Each(v, func(e []byte) bool {
			if s, ok := stix.Unquote(e); ok {
				list = append(list, s)
			} else {
				list = append(list, idOf(e))
			}
			return true
		})
		return list
	default:
		return nil
	}
}

func idOf(v []byte) (id string) {
	stix.EachMember(v, func(name, value []byte) bool {
		if string(name) == "id" {
			id = str(value)
		}
		return true
	})
	return id
}

func elements(v []byte) (list []jsontext.Value) {
	stix.Each(v, func(e []byte) bool {
		list = append(list, e)
		return true
	})
	return list
}

// markingCall is one call of a marking operation.
type markingCall struct {
	layer, op           string
	object              []byte
	markings, selectors []string
	noSelectors         bool // the argument is missing
	reach               stix.Reach
}

// argumentNames are the parameters of the operations, in their order.
func argumentNames(layer, op string) []string {
	switch {
	case layer == "object only" && (op == "get_markings" || op == "clear_markings"):
		return nil
	case layer == "object only":
		return []string{"marking"}
	case op == "get_markings":
		return []string{"selectors", "inherited", "descendants", "marking_ref", "lang"}
	case op == "clear_markings":
		return []string{"selectors", "marking_ref", "lang"}
	case op == "set_markings":
		return []string{"marking", "selectors", "marking_ref", "lang"}
	case op == "is_marked":
		return []string{"marking", "selectors", "inherited", "descendants"}
	}
	return []string{"marking", "selectors"}
}

func readCall(c map[string]jsontext.Value) (markingCall, error) {
	m := markingCall{layer: str(c["layer"]), op: str(c["op"]), object: c["object"]}
	given := make(map[string]jsontext.Value)
	names := argumentNames(m.layer, m.op)
	for i, a := range elements(c["args"]) {
		if i >= len(names) {
			return m, fmt.Errorf("%s %s: more arguments than parameters", m.layer, m.op)
		}
		given[names[i]] = a
	}
	stix.EachMember(c["kwargs"], func(name, value []byte) bool {
		given[string(name)] = value
		return true
	})
	m.markings, m.selectors = listOf(given["marking"]), listOf(given["selectors"])
	m.noSelectors = given["selectors"] == nil
	m.reach.Inherited = string(given["inherited"]) == "true"
	m.reach.Descendants = string(given["descendants"]) == "true"
	m.reach.NoRefs = string(given["marking_ref"]) == "false"
	m.reach.NoLangs = string(given["lang"]) == "false"
	return m, nil
}

// run does what the case asks for and returns the result as JSON.
func (m markingCall) run() ([]byte, error) {
	granular := m.layer == "granular only"
	if granular && m.noSelectors {
		return nil, stix.ErrSelector
	}
	switch m.op {
	case "get_markings":
		get := stix.MarkingsAt
		if granular {
			get = stix.GranularMarkingsAt
		}
		list, err := get(m.object, m.selectors, m.reach)
		return sortedList(list), err
	case "is_marked":
		is := stix.IsMarked
		if granular {
			is = stix.IsGranularMarked
		}
		yes, err := is(m.object, m.markings, m.selectors, m.reach)
		return strconv.AppendBool(nil, yes), err
	}
	o, err := stix.Parse(m.object, stix.Limits{})
	if err != nil {
		return nil, err
	}
	var changed *stix.Object
	switch m.op {
	case "add_markings":
		changed, err = stix.AddMarkings(o, laterTime, m.markings, m.selectors)
	case "remove_markings":
		changed, err = stix.RemoveMarkings(o, laterTime, m.markings, m.selectors)
	case "set_markings":
		changed, err = stix.SetMarkings(o, laterTime, m.markings, m.selectors, m.reach)
	case "clear_markings":
		changed, err = stix.ClearMarkings(o, laterTime, m.selectors, m.reach)
	default:
		return nil, fmt.Errorf("no operation %q", m.op)
	}
	if err != nil {
		return nil, err
	}
	return changed.Raw(), nil
}

// sortedList writes a list of strings as JSON, sorted: its order has no meaning.
func sortedList(list []string) []byte {
	out := []byte{'['}
	for i, s := range slices.Sorted(slices.Values(list)) {
		if i > 0 {
			out = append(out, ',')
		}
		out = stix.AppendQuoted(out, s)
	}
	return append(out, ']')
}

func runMarking(c map[string]jsontext.Value) error {
	m, err := readCall(c)
	if err != nil {
		return err
	}
	got, err := m.run()
	if kind, wantError := c["expect_error"]; wantError {
		want := map[string]error{
			"InvalidSelectorError": stix.ErrSelector, "MarkingNotFoundError": stix.ErrNotMarked,
			"InvalidValueError": stix.ErrMarkingRef, "TypeError": stix.ErrSelector,
		}[str(kind)]
		if want == nil || !errors.Is(err, want) {
			return fmt.Errorf("%s = %s, %w, want %s", m.op, got, err, kind)
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w, want %s", m.op, err, c["expect"])
	}
	want := c["expect"]
	if m.op == "get_markings" {
		want = sortedList(listOf(want))
	}
	if want.Kind() != '{' {
		if !sameJSON(got, want) {
			return fmt.Errorf("%s = %s, want %s", m.op, got, want)
		}
		return nil
	}
	return sameMarked(got, want)
}

// sameMarked compares two objects but for modified, the order of markings and
// that of their selectors, which have no meaning.
func sameMarked(got, want []byte) error {
	if g, w := withoutMarks(got), withoutMarks(want); g != w {
		return fmt.Errorf("got %s, want %s", g, w)
	}
	if g, w := marksOf(got), marksOf(want); !slices.Equal(g, w) {
		return fmt.Errorf("markings are %v, want %v", g, w)
	}
	return nil
}

func withoutMarks(object []byte) string {
	var members []stix.Member
	stix.EachMember(object, func(name, value []byte) bool {
		switch string(name) {
		case "modified", "object_marking_refs", "granular_markings":
		default:
			members = append(members, stix.JSON(string(name), value))
		}
		return true
	})
	c, err := stix.Canonical(stix.Dict(members...))
	if err != nil {
		return err.Error()
	}
	return string(c)
}

// marksOf lists every marking of an object with its place, sorted.
func marksOf(object []byte) (list []string) {
	stix.EachMember(object, func(name, value []byte) bool {
		switch string(name) {
		case "object_marking_refs":
			for _, m := range listOf(value) {
				list = append(list, "* "+m)
			}
		case "granular_markings":
			for _, e := range elements(value) {
				var mark string
				var places []string
				stix.EachMember(e, func(name, value []byte) bool {
					if string(name) == "selectors" {
						places = listOf(value)
					} else {
						mark += string(name) + "=" + str(value)
					}
					return true
				})
				for _, p := range places {
					list = append(list, p+" "+mark)
				}
			}
		}
		return true
	})
	slices.Sort(list)
	return list
}

// runVersioning runs new_version and revoke. The vectors' clock is not ours:
// where "modified" was not asked for, it only has to be later.
func runVersioning(c map[string]jsontext.Value) error {
	_, wantError := c["expect_error"]
	var changes []stix.Member
	asked := false
	strict := false
	stix.EachMember(c["changes"], func(name, value []byte) bool {
		switch string(name) {
		case "allow_custom":
			strict = string(value) == "false"
			return true
		case "modified":
			asked = true
		}
		m := stix.JSON(string(name), value)
		if string(value) == "null" {
			m.Value = nil
		}
		changes = append(changes, m)
		return true
	})
	o, err := stix.Parse(c["object"], stix.Limits{})
	if err != nil {
		return err
	}
	var got *stix.Object
	if str(c["op"]) == "revoke" {
		got, err = stix.Revoke(o, laterTime)
	} else {
		got, err = stix.NewVersion(o, laterTime, changes...)
	}
	if err == nil && strict {
		if found := stix.Validate(got, stix.Options{StrictProperties: true}); len(found) > 0 {
			err = errors.New(found[0].String())
		}
	}
	switch {
	case wantError && err == nil:
		return fmt.Errorf("%s = %s, want the error %s", c["op"], got.Raw(), c["expect_error"])
	case wantError && strings.Contains(str(c["expect_error"]), "NotVersionable") && !errors.Is(err, stix.ErrNotVersionable):
		return fmt.Errorf("%s: %w, want %s", c["op"], err, c["expect_error"])
	case wantError:
		return nil
	case err != nil:
		return err
	}
	return sameVersion(o, got, c["expect"], asked)
}

func sameVersion(old, got *stix.Object, expect []byte, asked bool) error {
	want, err := stix.Parse(expect, stix.Limits{})
	if err != nil {
		return err
	}
	if asked && got.Modified() != want.Modified() {
		return fmt.Errorf("modified is %q, want %q", got.Modified(), want.Modified())
	}
	last := old.Modified()
	if last == "" {
		last = old.Created()
	}
	if stix.CompareTimes(got.Modified(), last) <= 0 {
		return fmt.Errorf("modified is %q, want later than %q", got.Modified(), last)
	}
	return sameMarked(got.Raw(), expect)
}

// runConfidence converts between numbers and words by one of the scales.
func runConfidence(c map[string]jsontext.Value) error {
	function := str(c["function"])
	scales := map[string]stix.Scale{
		"none_low_medium_high": stix.NoneLowMedHigh(), "none_low_med_high": stix.NoneLowMedHigh(),
		"zero_ten": stix.ZeroTen(), "admiralty_credibility": stix.Admiralty(), "wep": stix.WEP(), "dni": stix.DNI(),
	}
	var got string
	var ok bool
	name, toWord := strings.CutPrefix(function, "value_to_")
	if !toWord {
		name = strings.TrimSuffix(function, "_to_value")
	}
	scale, known := scales[name]
	if !known {
		return fmt.Errorf("no scale for %q", function)
	}
	in := c["input"]
	if toWord {
		if n, err := strconv.Atoi(string(in)); err == nil && n >= math.MinInt32 {
			got, ok = scale.Word(n)
		}
	} else if in.Kind() == '"' {
		var n int
		n, ok = scale.Value(str(in))
		got = strconv.Itoa(n)
	}
	if string(c["expect_error"]) == "true" {
		if ok {
			return fmt.Errorf("%s(%s) = %q, want an error", function, in, got)
		}
		return nil
	}
	want := string(c["expect"])
	if c["expect"].Kind() == '"' {
		want = str(c["expect"])
	}
	if !ok || got != want {
		return fmt.Errorf("%s(%s) = %q, %v, want %s", function, in, got, ok, want)
	}
	return nil
}
