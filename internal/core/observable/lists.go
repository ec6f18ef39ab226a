package observable

import (
	"net/netip"
	"slices"
	"strings"
)

// typeSet is a set of types by code.
type typeSet uint64

func setOf(types ...Type) typeSet {
	var s typeSet
	for _, t := range types {
		s |= 1 << codes[t]
	}
	return s
}

func (s typeSet) has(t Type) bool { return s>>codes[t]&1 == 1 }

const anyType = ^typeSet(0)

// entry is one line of a list that applies to a value: why it is common, and
// for which types.
type entry struct {
	reason int32 // index into Lists.reasons
	next   int32 // another entry for the same value, 0 for none
	types  typeSet
}

// span is a range of addresses in a sorted list of ranges.
type span struct {
	hi, lo uint64 // the base; an IPv4 address stands in the low 32 bits
	entry  int32
	parent int32 // the narrowest earlier span that holds this one, -1 for none
	bits   uint8 // of 32 or 128
}

// Info says what a list is, for showing.
type Info struct {
	Name    string
	Version string
	Kind    string // cidr, string, substring, hostname, regex; mixed for the built-in facts
	Entries int
	BuiltIn bool
}

// Lists knows why values are common. A value found in any list, or common by
// its nature, still matches; it is only ranked last, and the reason is shown.
//
// Lists is built by [BuiltIn] and [Lists.Add] and may then be read from many
// goroutines; Add must not run beside a reader. The zero Lists and a nil one know
// no list, only what is common by its nature.
type Lists struct {
	exercise bool
	infos    []Info
	reasons  []string
	entries  []entry          // index 0 is unused
	exact    map[string]int32 // normal form
	hosts    map[string]int32 // a domain and all below it
	v4, v6   []span
	parts    map[[partBytes]byte][]part
	short    []part
	regexes  []regex
}

const partBytes = 4

// part is a piece of text that makes a value common.
type part struct {
	text  string
	entry int32
}

// Infos returns what the lists are, built-in first.
func (l *Lists) Infos() []Info { return slices.Clone(l.infos) }

// Reason says in plain English why a value is common, and false if nothing is
// known that would make it so.
func (l *Lists) Reason(k Key) (reason string, ok bool) {
	if codes[k.Type] == 0 || k.Normal == "" {
		return "", false
	}
	if l == nil {
		l = &Lists{}
	}
	if r, ok := byNature(k, l.exercise); ok {
		return r, true
	}
	if e := l.find(k, k.Type); e != 0 {
		return l.reasons[l.entries[e].reason], true
	}
	if k.Type == URL {
		return l.urlReason(k)
	}
	return "", false
}

// urlReason looks at the host of a URL: for lists that are about URLs too,
// for hosts that nobody can reach, and for a well-known site's front page.
func (l *Lists) urlReason(k Key) (string, bool) {
	host, ok := Related(k)
	if !ok {
		return "", false
	}
	if e := l.find(host, URL); e != 0 {
		return "its host is " + host.Normal + ": " + l.reasons[l.entries[e].reason], true
	}
	if host.Type != Domain || urlPath(k.Normal) == "/" {
		if e := l.find(host, host.Type); e != 0 {
			return "its host is " + host.Normal + ": " + l.reasons[l.entries[e].reason], true
		}
	}
	if host.Type == Domain {
		if r, ok := reservedName(host.Normal, l.exercise); ok {
			return "its host is " + host.Normal + ": " + r, true
		}
	}
	return "", false
}

// find returns the entry for k that applies to values of type as, 0 for none.
func (l *Lists) find(k Key, as Type) int32 {
	if e := l.pick(l.exact[k.Normal], as); e != 0 {
		return e
	}
	switch k.Type {
	case IPv4, IPv6, CIDR:
		if e := l.findSpan(k, as); e != 0 {
			return e
		}
	case Domain:
		if e := l.findHost(k.Normal, as); e != 0 {
			return e
		}
	default: // whole values, pieces and expressions alone
	}
	if e := l.findPart(k.Normal, as); e != 0 {
		return e
	}
	for i := range l.regexes {
		r := &l.regexes[i]
		if l.entries[r.entry].types.has(as) && len(k.Normal) <= maxRegexValueBytes && r.re.MatchString(k.Normal) {
			return r.entry
		}
	}
	return 0
}

// pick returns the first entry of a chain that applies to type t.
func (l *Lists) pick(e int32, t Type) int32 {
	for ; e != 0; e = l.entries[e].next {
		if l.entries[e].types.has(t) {
			return e
		}
	}
	return 0
}

func (l *Lists) findHost(name string, as Type) int32 {
	if len(l.hosts) == 0 {
		return 0
	}
	for {
		if e := l.pick(l.hosts[name], as); e != 0 {
			return e
		}
		i := strings.IndexByte(name, '.')
		if i < 0 {
			return 0
		}
		name = name[i+1:]
	}
}

// findSpan looks for the narrowest span that holds the whole of k.
func (l *Lists) findSpan(k Key, as Type) int32 {
	p, ok := k.prefix()
	if !ok {
		return 0
	}
	spans, s := l.v6, toSpan(p)
	if p.Addr().Is4() {
		spans = l.v4
	}
	i, _ := slices.BinarySearchFunc(spans, s, compareSpans)
	for i < len(spans) && compareSpans(spans[i], s) == 0 {
		i++
	}
	i--
	for i >= 0 {
		if spans[i].holds(s, p.Addr().BitLen()) && l.entries[spans[i].entry].types.has(as) {
			return spans[i].entry
		}
		i = int(spans[i].parent)
	}
	return 0
}

func (l *Lists) findPart(v string, as Type) int32 {
	for _, p := range l.short {
		if strings.Contains(v, p.text) && l.entries[p.entry].types.has(as) {
			return p.entry
		}
	}
	if len(l.parts) == 0 {
		return 0
	}
	v = v[:min(len(v), maxRegexValueBytes)]
	for i := 0; i+partBytes <= len(v); i++ {
		for _, p := range l.parts[[partBytes]byte([]byte(v[i:i+partBytes]))] {
			if strings.HasPrefix(v[i:], p.text) && l.entries[p.entry].types.has(as) {
				return p.entry
			}
		}
	}
	return 0
}

func toSpan(p netip.Prefix) span {
	s := span{bits: uint8(p.Bits()), parent: -1}
	if p.Addr().Is4() {
		b := p.Addr().As4()
		s.lo = uint64(b[0])<<24 | uint64(b[1])<<16 | uint64(b[2])<<8 | uint64(b[3])
		return s
	}
	b := p.Addr().As16()
	for i := range 8 {
		s.hi = s.hi<<8 | uint64(b[i])
		s.lo = s.lo<<8 | uint64(b[i+8])
	}
	return s
}

// compareSpans orders spans by base, wider ones first.
func compareSpans(a, b span) int {
	switch {
	case a.hi != b.hi:
		return less(a.hi < b.hi)
	case a.lo != b.lo:
		return less(a.lo < b.lo)
	case a.bits != b.bits:
		return less(a.bits < b.bits)
	}
	return 0
}

func less(b bool) int {
	if b {
		return -1
	}
	return 1
}

// holds reports whether s holds all of t; total is 32 or 128.
func (s span) holds(t span, total int) bool {
	if s.bits > t.bits {
		return false
	}
	low := total - int(s.bits) // bits that may differ
	if low >= 64 {
		return low >= 128 || total == 32 || (s.hi^t.hi)>>(low-64) == 0
	}
	return s.hi == t.hi && (s.lo^t.lo)>>low == 0
}

// nest sorts spans and finds the parent of each.
func nest(spans []span, total int) {
	slices.SortStableFunc(spans, compareSpans)
	var open []int32
	for i := range spans {
		for len(open) > 0 && !spans[open[len(open)-1]].holds(spans[i], total) {
			open = open[:len(open)-1]
		}
		spans[i].parent = -1
		if len(open) > 0 {
			spans[i].parent = open[len(open)-1]
		}
		open = append(open, int32(i))
	}
}

// addReason returns the index of a reason.
func (l *Lists) addReason(text string) int32 {
	l.reasons = append(l.reasons, text)
	return int32(len(l.reasons) - 1)
}

// addEntry returns a new entry.
func (l *Lists) addEntry(reason int32, types typeSet, next int32) int32 {
	if len(l.entries) == 0 {
		l.entries = append(l.entries, entry{})
	}
	l.entries = append(l.entries, entry{reason, next, types})
	return int32(len(l.entries) - 1)
}

func (l *Lists) addExact(v string, reason int32, types typeSet) {
	if l.exact == nil {
		l.exact = map[string]int32{}
	}
	l.exact[v] = l.addEntry(reason, types, l.exact[v])
}

func (l *Lists) addHost(v string, reason int32, types typeSet) {
	if l.hosts == nil {
		l.hosts = map[string]int32{}
	}
	l.hosts[v] = l.addEntry(reason, types, l.hosts[v])
}

// addSpan adds a range; nest must follow before the lists are read.
func (l *Lists) addSpan(k Key, reason int32, types typeSet) bool {
	p, ok := k.prefix()
	if !ok {
		return false
	}
	s := toSpan(p)
	s.entry = l.addEntry(reason, types, 0)
	if p.Addr().Is4() {
		l.v4 = append(l.v4, s)
	} else {
		l.v6 = append(l.v6, s)
	}
	return true
}

func (l *Lists) addPart(text string, reason int32, types typeSet) {
	p := part{text, l.addEntry(reason, types, 0)}
	if len(text) < partBytes {
		l.short = append(l.short, p)
		return
	}
	if l.parts == nil {
		l.parts = map[[partBytes]byte][]part{}
	}
	var key [partBytes]byte
	copy(key[:], text)
	l.parts[key] = append(l.parts[key], p)
}

// Add adds a list. Its reason is that it names the value.
func (l *Lists) Add(list *List) {
	version := ""
	if list.Version != "" {
		version = ", version " + list.Version
	}
	reason := l.addReason("common: it is on the list \"" + list.Name + "\"" + version)
	for _, v := range list.hosts {
		l.addHost(v, reason, list.types)
	}
	for _, v := range list.exact {
		l.addExact(v, reason, list.types)
	}
	for _, v := range list.parts {
		l.addPart(v, reason, list.types)
	}
	for _, k := range list.ranges {
		l.addSpan(k, reason, list.types)
	}
	for _, r := range list.regexes {
		l.regexes = append(l.regexes, regex{r, l.addEntry(reason, list.types, 0)})
	}
	if len(list.ranges) > 0 {
		nest(l.v4, 32)
		nest(l.v6, 128)
	}
	l.infos = append(l.infos, Info{Name: list.Name, Version: list.Version, Kind: list.Kind, Entries: list.Entries})
}
