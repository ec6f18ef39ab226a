package stix

import (
	"slices"
	"strconv"
	"strings"
)

// Options says how strictly [Validate] looks. The zero value is for intake: it
// reports what breaks a MUST of the standard in a way that leaves the meaning
// in doubt, and lets pass unknown words of open vocabularies, unknown
// extensions, custom properties and types, and breaches whose meaning is clear
// (doc/divergences.md lists them). Objects of STIX 2.0 are only looked at
// lightly, whatever the options.
type Options struct {
	// Strict reports every MUST, and every SHOULD as a finding that is no Must.
	// It is for what leaves the house.
	Strict bool
	// StrictTypes reports types the standard does not define, also in patterns.
	StrictTypes bool
	// StrictProperties reports properties the standard does not define.
	StrictProperties bool
	// Interop reports what the interoperability profile wants beyond the
	// standard.
	Interop bool
	// Version is "2.0" or "2.1" to hold every object to that version, or "" to
	// decide it for each.
	Version string
}

// Finding is one rule an object does not keep.
type Finding struct {
	// Place is where, as a selector of granular markings, for example
	// "external_references.[0].url"; "" is the object itself.
	Place string
	// Rule is the document and section of the rule, for example "stix-2.1 §3.2".
	Rule string
	// Message says what is wrong.
	Message string
	// Remedy says what to do about it.
	Remedy string
	// Must is set if the rule is a MUST.
	Must bool
}

// String returns the place, the message and the rule in one line.
func (f Finding) String() string {
	s := f.Message + " (" + f.Rule + ")"
	if f.Place != "" {
		s = f.Place + ": " + s
	}
	return s
}

// maxFindings is how many findings about one object are kept. An object with
// more is beyond mending one by one.
const maxFindings = 100

// Validate returns the rules o does not keep, in the order of its bytes, at
// most 100 of them. No finding means that o is valid under opt.
//
// It needs nothing but o: whether a reference leads anywhere is not asked.
func Validate(o *Object, opt Options) []Finding {
	r := run{opt: opt, strict: opt.Strict}
	r.path = r.steps[:0]
	r.object(source{o: o, raw: o.raw}, false)
	return r.found
}

// source is an object under examination: one that is indexed, or its bytes.
type source struct {
	o   *Object
	raw []byte
}

// get returns the raw value of a property, or nil.
func (x source) get(name string) []byte {
	if x.o != nil {
		v, _ := x.o.Get(name)
		return v
	}
	c := cursor{b: x.raw}
	for {
		n, v, ok := c.member()
		if !ok {
			return nil
		}
		if string(n) == name {
			return v
		}
	}
}

// text returns the text of a property, or nil if it is no string.
func (x source) text(name string) []byte {
	b, _ := UnquoteBytes(x.get(name))
	return b
}

// step is one step of the way to a value.
type step struct {
	name  []byte // nil for an index
	index int
}

// run is one validation.
type run struct {
	opt    Options
	strict bool
	old    bool   // the object is STIX 2.0
	local  []byte // the observable container references may lead into, or nil
	found  []Finding
	path   []step
	steps  [6]step // room for the path of most
}

func (r *run) push(name []byte) { r.path = append(r.path, step{name: name}) }
func (r *run) pop()             { r.path = r.path[:len(r.path)-1] }

func (r *run) place() string {
	var b strings.Builder
	for i, s := range r.path {
		if i > 0 {
			b.WriteByte('.')
		}
		if s.name != nil {
			b.Write(s.name[:min(len(s.name), 80)])
		} else {
			b.WriteString("[" + strconv.Itoa(s.index) + "]")
		}
	}
	return b.String()
}

// must notes the breach of a MUST.
func (r *run) must(rule, message, remedy string) {
	if len(r.found) < maxFindings {
		r.found = append(r.found, Finding{Place: r.place(), Rule: rule, Message: message, Remedy: remedy, Must: true})
	}
}

// should notes the breach of a SHOULD, which only strict validation reports.
func (r *run) should(rule, message, remedy string) {
	if r.strict && !r.old && len(r.found) < maxFindings {
		r.found = append(r.found, Finding{Place: r.place(), Rule: rule, Message: message, Remedy: remedy})
	}
}

// at notes what note notes, at a property.
func (r *run) at(name string, note func(rule, message, remedy string), rule, message, remedy string) {
	r.push([]byte(name))
	note(rule, message, remedy)
	r.pop()
}

// object examines a whole STIX object. An inner one is an entry of an
// observable container, which needs no id.
func (r *run) object(x source, inner bool) {
	outer := r.old
	defer func() { r.old = outer }()
	var typ []byte
	if x.o != nil {
		typ = []byte(x.o.typ)
	} else {
		typ = x.text("type")
	}
	if typ == nil {
		r.must("stix-2.1 §3.2", "the object has no type", "name the kind of object, for example \"type\": \"indicator\"")
		return
	}
	s := shapes[string(typ)]
	if !inner {
		r.old = r.version(x, s) == "2.0"
		r.identity(x, typ)
	}
	if s == nil {
		s = customShape
		r.customType(x, typ)
	}
	seen := r.members(s, x)
	r.whole(s, x, seen, inner)
	if r.opt.Interop && !inner && !r.old {
		r.interop(s, x)
	}
}

// version decides the version an object is held to.
func (r *run) version(x source, s *shape) string {
	if r.opt.Version != "" {
		return r.opt.Version
	}
	if x.o != nil {
		return x.o.SpecVersion()
	}
	if v := x.text("spec_version"); v != nil {
		return string(v)
	}
	if s != nil && s.class != ClassSCO && s.class != ClassBundle && x.get("created") != nil {
		return "2.0"
	}
	return "2.1"
}

// identity examines type and id.
//
// Source: stix-2.1 §2.9, §3.1.
func (r *run) identity(x source, typ []byte) {
	id := x.text("id")
	if !validTypeName(typ) {
		r.at("type", r.must, "stix-2.1 §3.1", quote(typ)+" is no name of a type",
			"use 3 to 250 lower-case letters, digits and single hyphens, beginning with a letter")
	}
	if id == nil {
		return // the list of required properties reports it
	}
	if len(id) < len(typ)+2 || string(id[:len(typ)]) != string(typ) || id[len(typ)] != '-' || id[len(typ)+1] != '-' {
		r.at("id", r.must, "stix-2.1 §2.9", quote(id)+" does not begin with the type of the object and two hyphens",
			"write the id as "+string(typ[:min(len(typ), 80)])+"-- and a UUID")
		return
	}
	if uuid := id[len(typ)+2:]; r.strict && len(uuid) == 36 {
		switch class := ClassOf(string(typ)); {
		case class == ClassSCO && uuid[14] != '5':
			r.at("id", r.should, "stix-2.1 §2.9", "the UUID is not of version 5", "let SCOID make the id of a cyber-observable")
		case class != ClassSCO && class != ClassCustom && uuid[14] != '4':
			r.at("id", r.should, "stix-2.1 §2.9", "the UUID is not of version 4", "use a random UUID")
		}
	}
}

// customType examines the use of a type the standard does not define.
//
// Source: stix-2.1 §7.3, §11.2.
func (r *run) customType(x source, typ []byte) {
	if r.opt.StrictTypes {
		r.at("type", r.must, "stix-2.1 §3.2", quote(typ)+" is no type of the standard", "use a type of the standard")
	}
	if r.strict {
		for _, k := range []string{"new-sdo", "new-sco", "new-sro"} {
			if hasExtensionType(x, k) {
				return
			}
		}
		r.should("stix-2.1 §11.2", "the custom type "+quote(typ)+" is not declared by an extension",
			"define it with an extension-definition and name that under extensions")
	}
}

// hasExtensionType reports whether x declares an extension of the type.
func hasExtensionType(x source, typ string) bool {
	c := cursor{b: x.get("extensions")}
	for {
		_, v, ok := c.member()
		if !ok {
			return false
		}
		if string(source{raw: v}.text("extension_type")) == typ {
			return true
		}
	}
}

// members examines every property of x and returns which of s were there.
func (r *run) members(s *shape, x source) (seen uint64) {
	if x.o != nil {
		for i := range x.o.members {
			name, value := x.o.Member(i)
			seen |= r.member(s, x, name, value)
		}
		return seen
	}
	c := cursor{b: x.raw}
	for {
		name, value, ok := c.member()
		if !ok {
			return seen
		}
		seen |= r.member(s, x, name, value)
	}
}

func (r *run) member(s *shape, x source, name, value []byte) uint64 {
	f := s.field(name)
	if f != nil && f.kind == kindText && !f.list && value[0] == '"' && f.name != "spec_version" {
		return f.bit // any text will do
	}
	r.push(name)
	var bit uint64
	switch {
	case f != nil:
		if f.old {
			r.should(s.rule, "the property is deprecated", "leave it out; relationships say the same")
		}
		r.value(s, f, x, value)
		bit = f.bit
	case !r.old:
		r.unknown(s, x, name, value)
	}
	r.pop()
	return bit
}

// whole examines what holds between properties.
func (r *run) whole(s *shape, x source, seen uint64, inner bool) {
	required := s.required
	if r.old {
		required &^= s.newer
	}
	if missing := required &^ seen; missing != 0 {
		r.missing(s, missing, inner)
	}
	if s.some != 0 && s.some&seen == 0 {
		r.must(s.rule, "the object has none of "+strings.Join(s.names(s.some), ", "), "give at least one of them")
	}
	for i := range s.needs {
		if p := &s.needs[i]; seen&p.aBits != 0 && seen&p.bBits == 0 && !r.old {
			r.at(p.a, r.must, s.rule, "the property needs "+p.b, "give "+p.b+" too, or leave "+p.a+" out")
		}
	}
	for i := range s.bars {
		if p := &s.bars[i]; seen&p.aBits != 0 && seen&p.bBits != 0 {
			r.at(p.a, r.must, s.rule, "the property cannot stand beside "+p.b, "keep one of the two")
		}
	}
	for i := range s.after {
		if o := &s.after[i]; seen&o.bits == o.bits {
			r.order(s, o, x)
		}
	}
	if s.check != nil && !r.old {
		s.check(r, s, x)
	} else if s.check != nil && s.name == "marking-definition" {
		checkTLPDefinition(r, x)
	}
}

func (r *run) missing(s *shape, missing uint64, inner bool) {
	for _, name := range s.names(missing) {
		if inner && name == "id" {
			continue
		}
		r.must(s.rule, "the object has no "+name, "give it; the standard requires it")
	}
}

// names lists properties by their bits, in alphabetical order, so that the same
// object gives the same findings on every run.
func (s *shape) names(bits uint64) []string {
	var list []string
	for name, f := range s.index {
		if bits&f.bit != 0 {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

func (r *run) order(s *shape, o *order, x source) {
	late, early := x.text(o.late), x.text(o.early)
	if len(late) < minTimestamp || len(early) < minTimestamp {
		return // reported already, as are times that are no times
	}
	switch d := compareTimestamps(late, early); {
	case d < 0:
		r.at(o.late, r.must, s.rule, quote(late)+" is before "+o.early+", "+quote(early), "correct one of the two times")
	case d == 0 && o.strictly:
		r.at(o.late, r.must, s.rule, quote(late)+" is the same moment as "+o.early, "it has to be later")
	}
}

// unknown examines a property that s does not have.
//
// Source: stix-2.1 §3.1, §3.8, §11.1.
func (r *run) unknown(s *shape, x source, name, value []byte) {
	if !s.top {
		if r.opt.StrictProperties {
			r.must(s.rule, "the property is not one of "+s.name, "leave it out, or define an extension")
		} else {
			r.should("stix-2.1 §11.1", "the property is not one of "+s.name, "define an extension for it")
		}
		return
	}
	if reserved(name) {
		r.must("stix-2.1 §3.8", "the name is reserved for later versions", "give the property another name")
		return
	}
	if why := badPropertyName(name); why != "" {
		r.must("stix-2.1 §3.1", "the name of the property "+why,
			"use 3 to 250 lower-case letters, digits and underscores, beginning with a letter")
	}
	if len(value) > 1 && value[0] == '[' && emptyList(value) {
		r.emptyList()
	}
	if value[0] == 'n' && r.strict {
		r.must("stix-2.1 §3.1", "the value is null", "leave the property out")
	}
	r.suffix(name, value)
	if !r.strict && !r.opt.StrictProperties || s == customShape {
		return
	}
	declared := hasExtensionType(x, "toplevel-property-extension")
	if r.opt.StrictProperties {
		r.must("stix-2.1 §3.1", "the property is not one of "+s.name, "leave it out, or nest it in an extension")
	} else if !declared {
		r.should("stix-2.1 §11.1", "the custom property is not declared by an extension", "define an extension for it")
	}
}

// reserved tells the names that the standard keeps for itself. The text has
// phone_number, the published schemas phone_numbers: both are refused.
//
// Source: stix-2.1 §3.8.
func reserved(name []byte) bool {
	switch string(name) {
	case "severity", "username", "phone_number", "phone_numbers", "action":
		return true
	}
	return false
}

// suffix holds custom properties to what their suffix promises.
//
// Source: stix-2.1 §3.1.
func (r *run) suffix(name, value []byte) {
	if len(name) < 5 || value[0] != '"' {
		return
	}
	b, _ := UnquoteBytes(value)
	switch string(name[len(name)-4:]) {
	case "_bin":
		if !isBase64(b) {
			r.must("stix-2.1 §2.1", "the value is not Base64", "encode it by RFC 4648 §4, or name the property without _bin")
		}
	case "_hex":
		if !isHex(b) {
			r.must("stix-2.1 §2.8", "the value is not hexadecimal", "write an even number of hexadecimal digits, or name the property without _hex")
		}
	}
}

// interop reports what the interoperability profile requires.
//
// Source: stix-2.1-interop §2.
func (r *run) interop(s *shape, x source) {
	for _, name := range s.interop {
		if x.get(name) == nil {
			r.must("stix-2.1-interop §2", "the object has no "+name, "give it; the interoperability profile requires it")
		}
	}
	c, n := cursor{b: x.get("object_marking_refs")}, 0
	for {
		v, ok := c.element()
		if !ok {
			break
		}
		if id, _ := UnquoteBytes(v); isTLP1(string(id)) {
			n++
		}
	}
	if n > 1 {
		r.at("object_marking_refs", r.must, "stix-2.1-interop §2", "the object has more than one TLP marking", "keep the most restrictive")
	}
}
