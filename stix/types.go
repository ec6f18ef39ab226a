package stix

import "slices"

// kind is what the standard calls the type of a property.
type kind uint8

const (
	kindAny        kind = iota // any JSON value
	kindText                   // string
	kindWord                   // open-vocab or enum
	kindFlag                   // boolean
	kindInteger                // integer
	kindNumber                 // integer or float
	kindTime                   // timestamp
	kindSecond                 // timestamp that is precise to the second
	kindID                     // identifier
	kindHashes                 // hashes
	kindHex                    // hex
	kindBinary                 // binary
	kindDict                   // dictionary
	kindTexts                  // dictionary whose values are strings
	kindScalars                // dictionary whose values are strings or integers
	kindCounts                 // dictionary whose values are integers from 0 on
	kindTextLists              // dictionary whose values are lists of strings
	kindShape                  // an object with properties of its own
	kindExtensions             // the extensions dictionary
	kindSelector               // a selector of a granular marking
	kindContainer              // the deprecated observable container
	kindObject                 // a whole STIX object
)

// field describes one property of a shape.
type field struct {
	name     string
	kind     kind
	list     bool // a list of them
	required bool
	newer    bool // unknown to, or not required by, STIX 2.0
	old      bool // deprecated
	common   bool // one of the common properties
	words    *Vocabulary
	to       []string // the types an identifier may name
	notTo    []string // the types it may not name
	shape    *shape
	bounded  bool
	min, max float64
	bit      uint64
}

// shape describes an object: a STIX object, an extension, or a nested type.
type shape struct {
	name  string
	rule  string
	class Class
	index map[string]*field
	table [tableSize]*field // the same, by hash
	// top is set if unknown names must follow the rules of property names.
	top      bool
	required uint64
	newer    uint64 // of required, what STIX 2.0 does not require
	some     uint64 // at least one of these, if any is set
	needs    []pair
	bars     []pair
	after    []order
	// extensions are the predefined ones the object can have.
	extensions map[string]*shape
	// interop are the properties the interoperability profile requires.
	interop []string
	check   func(r *run, s *shape, x source)
}

// tableSize is the number of slots of the table of a shape: a power of two above
// the 64 properties a shape can have.
const tableSize = 256

// slot is where a name belongs in a table of fields, unless it is taken: then
// one of the next.
func slot[T []byte | string](name T) int {
	n := len(name)
	if n == 0 {
		return 0
	}
	return (n*5 + int(name[0])*3 + int(name[n/2])*17 + int(name[n-1])*31) & (tableSize - 1)
}

// field returns the property of that name, or nil.
func (s *shape) field(name []byte) *field {
	for i := slot(name); ; i = (i + 1) & (tableSize - 1) {
		f := s.table[i]
		if f == nil || f.name == string(name) {
			return f
		}
	}
}

// pair names two properties: the first needs, or bars, the second.
type pair struct {
	a, b         string
	aBits, bBits uint64
}

// order names two timestamps of which the first may not be before the second.
type order struct {
	late, early string
	strictly    bool // nor at the same moment
	bits        uint64
}

func text(name string) field    { return field{name: name, kind: kindText} }
func flag(name string) field    { return field{name: name, kind: kindFlag} }
func integer(name string) field { return field{name: name, kind: kindInteger} }
func number(name string) field  { return field{name: name, kind: kindNumber} }
func moment(name string) field  { return field{name: name, kind: kindTime} }
func hexa(name string) field    { return field{name: name, kind: kindHex} }
func hashes(name string) field  { return field{name: name, kind: kindHashes} }

func texts(name string) field { return text(name).many() }

func word(name string, v *Vocabulary) field {
	return field{name: name, kind: kindWord, words: v}
}

func words(name string, v *Vocabulary) field { return word(name, v).many() }

func ref(name string, to ...string) field {
	return field{name: name, kind: kindID, to: to}
}

func refsTo(name string, to ...string) field { return ref(name, to...).many() }

func of(name string, k kind) field { return field{name: name, kind: k} }

func nested(name string, s *shape) field { return field{name: name, kind: kindShape, shape: s} }

func (f field) many() field           { f.list = true; return f }
func (f field) req() field            { f.required = true; return f }
func (f field) since21() field        { f.newer = true; return f }
func (f field) dropped() field        { f.old = true; return f }
func (f field) natural() field        { return f.between(0, 1<<53) }
func (f field) percent() field        { return f.between(0, 100) }
func (f field) port() field           { return f.between(0, 65535) }
func (f field) billions() field       { return f.between(0, 999_999_999) }
func (f field) but(t ...string) field { f.notTo = t; return f }

func (f field) between(low, high float64) field {
	f.bounded, f.min, f.max = true, low, high
	return f
}

// making is a shape being put together.
type making struct{ s *shape }

func fields(name, rule string, list ...field) making {
	s := &shape{name: name, rule: rule, index: make(map[string]*field, len(list))}
	return making{s}.and(list...)
}

func (m making) and(list ...field) making {
	for i := range list {
		f := list[i]
		f.common = m.s.top
		f.bit = 1 << len(m.s.index)
		if len(m.s.index) >= 64 {
			panic("stix: " + m.s.name + " has more than 64 properties")
		}
		if f.required {
			m.s.required |= f.bit
			if f.newer {
				m.s.newer |= f.bit
			}
		}
		m.s.index[f.name] = &f
		i := slot(f.name)
		for m.s.table[i] != nil {
			i = (i + 1) & (tableSize - 1)
		}
		m.s.table[i] = &f
	}
	return m
}

func (m making) bits(names ...string) (bits uint64) {
	for _, n := range names {
		f, ok := m.s.index[n]
		if !ok {
			panic("stix: " + m.s.name + " has no property " + n)
		}
		bits |= f.bit
	}
	return bits
}

// someOf wants at least one of the properties.
func (m making) someOf(names ...string) making { m.s.some = m.bits(names...); return m }

// someOwn wants at least one of the properties that are there so far.
func (m making) someOwn() making {
	for _, f := range m.s.index {
		if !f.required {
			m.s.some |= f.bit
		}
	}
	return m
}

func (m making) need(a, b string) making {
	m.s.needs = append(m.s.needs, pair{a, b, m.bits(a), m.bits(b)})
	return m
}

func (m making) bar(a, b string) making {
	m.s.bars = append(m.s.bars, pair{a, b, m.bits(a), m.bits(b)})
	return m
}

func (m making) notBefore(late, early string) making {
	m.s.after = append(m.s.after, order{late: late, early: early, bits: m.bits(late, early)})
	return m
}

func (m making) later(late, early string) making {
	m.s.after = append(m.s.after, order{late, early, true, m.bits(late, early)})
	return m
}

func (m making) with(ext map[string]*shape) making { m.s.extensions = ext; return m }

func (m making) interop(names ...string) making { m.s.interop = names; return m }

func (m making) rule(check func(r *run, s *shape, x source)) making { m.s.check = check; return m }

// done returns the finished shape of something nested.
func (m making) done() *shape { return m.s }

// The common properties of the families of objects. Source: stix-2.1 §3.2.
func (m making) common(class Class) *shape {
	m.s.class, m.s.top = class, true
	version := text("spec_version").since21()
	if class != ClassSCO && class != ClassCustom && class != ClassBundle {
		version = version.req()
	}
	m.and(text("type").req(), version, ref("id").req())
	if class == ClassBundle {
		return m.s
	}
	m.and(
		refsTo("object_marking_refs", "marking-definition"),
		nested("granular_markings", granularMarking).many(),
		of("extensions", kindExtensions).since21(),
	)
	if class == ClassSCO {
		m.and(flag("defanged").since21())
		return m.s
	}
	created, modified := moment("created"), moment("modified")
	if class != ClassCustom {
		created, modified = created.req(), modified.req()
	}
	m.and(
		ref("created_by_ref", "identity"), created,
		nested("external_references", externalReference).many(),
	)
	if m.s.name == "marking-definition" {
		return m.s
	}
	m.and(
		modified, flag("revoked"), texts("labels"),
		integer("confidence").percent().since21(), text("lang").since21(),
	)
	m.notBefore("modified", "created")
	return m.s
}

// Nested types that objects of every family use.
var (
	// Source: stix-2.1 §2.5.
	externalReference = fields("external-reference", "stix-2.1 §2.5",
		text("source_name").req(), text("description"), text("url"), hashes("hashes"), text("external_id"),
	).someOf("description", "url", "external_id").rule(checkExternalReference).done()

	// Source: stix-2.1 §2.11.
	killChainPhase = fields("kill-chain-phase", "stix-2.1 §2.11",
		text("kill_chain_name").req(), text("phase_name").req(),
	).rule(checkKillChainPhase).done()

	// Source: stix-2.1 §7.2.3.
	granularMarking = fields("granular-marking", "stix-2.1 §7.2.3",
		text("lang"), ref("marking_ref", "marking-definition"), of("selectors", kindSelector).many().req(),
	).someOf("lang", "marking_ref").bar("lang", "marking_ref").done()
)

// customShape holds the common properties alone, for types nobody described.
var customShape = fields("custom object", "stix-2.1 §7.3").common(ClassCustom)

// shapes holds every type by its name.
var shapes = typeTable(domainTypes, incidentTypes, relationshipTypes, observableTypes, metaTypes)

func typeTable(lists ...[]*shape) map[string]*shape {
	t := make(map[string]*shape, 64)
	for _, s := range slices.Concat(lists...) {
		t[s.name] = s
	}
	return t
}
