package stix

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// The limits that stand where [Limits] says nothing.
const (
	// DefaultObjectBytes is the size of the largest object.
	DefaultObjectBytes = 16 << 20
	// DefaultStringBytes is the size of the longest string, as written.
	DefaultStringBytes = 8 << 20
	// DefaultDepth is how deep arrays and objects may nest.
	DefaultDepth = 64
	// DefaultTokens is the number of values and member names in one object.
	DefaultTokens = 1_000_000
	// DefaultArchiveRatio is how many bytes one compressed byte may become.
	DefaultArchiveRatio = 200
	// DefaultArchiveFiles is the number of files in one archive.
	DefaultArchiveFiles = 10_000
	// DefaultProblems is the number of pieces of one input that are set aside
	// each by itself; those after it are counted.
	DefaultProblems = 10_000
)

// maxObjectBytes bounds Limits.ObjectBytes: positions are kept in 32 bits.
const maxObjectBytes = math.MaxInt32

// Limits bounds what is read. A field that is zero or negative means its
// Default constant.
type Limits struct {
	ObjectBytes  int // bytes of one object, at most 2 GiB
	StringBytes  int // bytes of one string, as written
	Depth        int // levels of arrays and objects
	Tokens       int // values and member names of one object
	ArchiveRatio int // bytes out per byte in
	ArchiveFiles int // files in one archive
	Problems     int // pieces of one input set aside one by one
}

func (l Limits) withDefaults() Limits {
	set := func(p *int, def int) {
		if *p <= 0 {
			*p = def
		}
	}
	set(&l.ObjectBytes, DefaultObjectBytes)
	set(&l.StringBytes, DefaultStringBytes)
	set(&l.Depth, DefaultDepth)
	set(&l.Tokens, DefaultTokens)
	set(&l.ArchiveRatio, DefaultArchiveRatio)
	set(&l.ArchiveFiles, DefaultArchiveFiles)
	set(&l.Problems, DefaultProblems)
	l.ObjectBytes = min(l.ObjectBytes, maxObjectBytes)
	return l
}

// Error says why bytes are not a STIX object.
type Error struct {
	// Offset is the byte, counted from 0 at the beginning of the object (or of
	// the input, if it comes from reading one), where the fault was seen.
	Offset int64
	// Reason says what is wrong, without the place.
	Reason string
	// Remedy says what whoever sent it can do.
	Remedy string
	cause  error
}

// Error implements error.
func (e *Error) Error() string {
	return "stix: byte " + strconv.FormatInt(e.Offset, 10) + ": " + e.Reason
}

// Unwrap returns the cause: a sentinel of this package, an error of the reader
// underneath, or nil.
func (e *Error) Unwrap() error { return e.cause }

// member is where one top-level member stands in the bytes of an object.
type member struct {
	name, nameEnd   uint32 // inside the quotes; the high bit of name says: escaped
	value, valueEnd uint32
}

// Object is one STIX object: its bytes as received and an index of its
// top-level members. It is never changed and may be read from many goroutines.
type Object struct {
	raw     []byte
	members []member
	typ     string
	id      string
	version string
	class   Class
	inline  [24]member
}

// Parse checks that raw is one STIX object: strict JSON within lim, with a
// string "type" and a string "id" that are not empty. Names that appear twice
// in one object at any depth, bytes that are not UTF-8, lone surrogates,
// integers beyond 2^53-1 and numbers beyond a double are refused. Whether the
// object keeps the rules of its type is for [Validate] to say.
//
// The object keeps raw, which must not be changed afterwards. The error is an
// [*Error].
func Parse(raw []byte, lim Limits) (*Object, error) {
	o, err := parse(raw, lim.withDefaults())
	if err != nil {
		return nil, err
	}
	return o, nil
}

func parse(raw []byte, lim Limits) (*Object, *Error) {
	o, err := indexObject(raw, lim)
	if err != nil {
		return nil, err
	}
	if err := o.mustString("type", "name the kind of object, for example \"type\": \"indicator\""); err != nil {
		return nil, err
	}
	if err := o.mustString("id", "give it an id, for example \"id\": \"indicator--\" and a UUID"); err != nil {
		return nil, err
	}
	return o, nil
}

// indexObject is parse for objects that need have neither type nor id. lim has
// its defaults.
func indexObject(raw []byte, lim Limits) (*Object, *Error) {
	if len(raw) > lim.ObjectBytes {
		return nil, tooLarge(int64(len(raw)), lim)
	}
	o := &Object{raw: raw}
	var names [nameRoom]nameRef
	c := checker{b: raw, lim: lim, index: true, members: o.inline[:0]}
	if err := c.check(&nameStack{list: names[:]}); err != nil {
		return nil, err
	}
	if first := raw[skipSpace(raw, 0)]; first != '{' {
		return nil, &Error{Reason: "want an object, got " + kindName(Kind(raw[skipSpace(raw, 0):])), Remedy: "a STIX object is written in braces: {\"type\": …, \"id\": …}"}
	}
	o.members = c.members
	typ, _ := o.Get("type")
	name, _ := UnquoteBytes(typ)
	o.typ, o.class = internType(name)
	o.id = o.String("id")
	o.version = o.decideVersion()
	return o, nil
}

func tooLarge(size int64, lim Limits) *Error {
	return &Error{
		Reason: fmt.Sprintf("an object of %d bytes, more than %d", size, lim.ObjectBytes),
		Remedy: "split the object, move content to a file and refer to it, or raise the limit of object bytes",
	}
}

// mustString says what is wrong with a member that has to be a string with
// something in it.
func (o *Object) mustString(name, remedy string) *Error {
	i := o.find(name)
	if i < 0 {
		return &Error{Reason: "the object has no " + strconv.Quote(name), Remedy: remedy}
	}
	v, at := o.value(i), int64(o.members[i].value)
	switch {
	case v[0] != '"':
		return &Error{Offset: at, Reason: strconv.Quote(name) + " is " + kindName(Kind(v)) + ", want a string", Remedy: remedy}
	case len(v) == 2:
		return &Error{Offset: at, Reason: strconv.Quote(name) + " is empty", Remedy: remedy}
	}
	return nil
}

// decideVersion decides the version of STIX an object is written in. An object
// that says spec_version has it. One that does not is 2.0 if its type is one of
// 2.0's own domain, relationship or marking objects, or if its type is unknown
// and it has "created", as all objects of 2.0 have. It is 2.1 otherwise: a
// cyber-observable, for which 2.1 makes spec_version optional, or an object of a
// type that only 2.1 has and that lacks what 2.1 demands. The observables of 2.0
// stay inside their observed-data and are no objects of their own.
//
// Source: stix-2.1 §3.2 (spec_version); stix-2.0 part 1 §3.1, §5.
func (o *Object) decideVersion() string {
	if v, ok := o.Get("spec_version"); ok && v[0] == '"' {
		switch string(v) {
		case `"2.1"`:
			return version21
		case `"2.0"`:
			return version20
		}
		s, _ := Unquote(v)
		return s
	}
	switch o.class {
	case ClassSCO, ClassBundle:
		return version21
	case ClassCustom:
		if _, ok := o.Get("created"); !ok {
			return version21
		}
		return version20
	default:
		if classes[o.typ].since21 {
			return version21
		}
		return version20
	}
}

const version20, version21 = "2.0", "2.1"

// Raw returns the bytes as received. They must not be changed.
func (o *Object) Raw() []byte { return o.raw }

// Type returns the type, for example "indicator".
func (o *Object) Type() string { return o.typ }

// ID returns the id as received; see [ParseID] for its form.
func (o *Object) ID() string { return o.id }

// Class returns what family of objects the type belongs to.
func (o *Object) Class() Class { return o.class }

// SpecVersion returns the version of STIX the object is written in: what its
// spec_version says, or "2.0" or "2.1" decided by its form. An object without
// spec_version is 2.0 if its type is a domain, relationship or marking object of
// 2.0, or is unknown and the object has "created"; it is 2.1 otherwise, as
// cyber-observables are.
func (o *Object) SpecVersion() string { return o.version }

// Len returns the number of top-level members.
func (o *Object) Len() int { return len(o.members) }

// Member returns the name, unescaped, and the raw value of the i-th top-level
// member in the order of the bytes. Neither may be changed.
func (o *Object) Member(i int) (name, value []byte) {
	m := &o.members[i]
	start := m.name &^ high
	name = o.raw[start:m.nameEnd:m.nameEnd]
	if start != m.name {
		name = appendUnescaped(nil, name)
	}
	return name, o.value(i)
}

// Get returns the JSON of a top-level member, as received, and whether the
// object has it. It must not be changed.
func (o *Object) Get(name string) ([]byte, bool) {
	if i := o.find(name); i >= 0 {
		return o.value(i), true
	}
	return nil, false
}

// find returns the position of a member, or -1.
func (o *Object) find(name string) int {
	for i := range o.members {
		m := &o.members[i]
		if m.name&high != 0 {
			if string(appendUnescaped(nil, o.raw[m.name&^high:m.nameEnd])) == name {
				return i
			}
			continue
		}
		if int(m.nameEnd-m.name) == len(name) && string(o.raw[m.name:m.nameEnd]) == name {
			return i
		}
	}
	return -1
}

func (o *Object) value(i int) []byte {
	m := &o.members[i]
	return o.raw[m.value:m.valueEnd:m.valueEnd]
}

// Has reports whether the object has a top-level member of that name.
func (o *Object) Has(name string) bool {
	_, ok := o.Get(name)
	return ok
}

// String returns the text of a top-level member: "" if it is absent or not a
// string.
func (o *Object) String(name string) string {
	v, _ := o.Get(name)
	s, _ := Unquote(v)
	return s
}

// Strings returns the strings of a top-level list: nil if it is absent or not a
// list. Elements that are not strings are left out.
func (o *Object) Strings(name string) []string {
	v, _ := o.Get(name)
	var list []string
	Each(v, func(e []byte) bool {
		if s, ok := Unquote(e); ok {
			list = append(list, s)
		}
		return true
	})
	return list
}

// Int returns a top-level integer, and whether the member is one.
func (o *Object) Int(name string) (int64, bool) {
	v, ok := o.Get(name)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(string(v), 10, 64)
	return n, err == nil
}

// Bool returns a top-level boolean: false if it is absent or something else.
func (o *Object) Bool(name string) bool {
	v, _ := o.Get(name)
	return string(v) == "true"
}

// Created returns the text of "created", or "".
func (o *Object) Created() string { return o.String("created") }

// Modified returns the text of "modified", or "".
func (o *Object) Modified() string { return o.String("modified") }

// Revoked reports whether this version revokes the object.
func (o *Object) Revoked() bool { return o.Bool("revoked") }

// VersionKey returns what tells the versions of one id apart: the text of
// "modified", else of "created", else the SHA-256 of the canonical form in
// lower-case hexadecimal, so that differing copies of an unversioned
// cyber-observable are variants and not conflicts.
func (o *Object) VersionKey() string {
	if s := o.String("modified"); s != "" {
		return s
	}
	if s := o.String("created"); s != "" {
		return s
	}
	sum := sha256.Sum256(o.AppendCanonical(make([]byte, 0, len(o.raw))))
	return hex.EncodeToString(sum[:])
}

// Refs calls yield with the name of the property and the id for every value of
// a property whose name ends in _ref or _refs, at any depth, that looks like an
// id: a type, two hyphens and a UUID. Ids come in the order of the bytes and as
// often as they are there. Neither name nor id may be kept or changed.
func (o *Object) Refs(yield func(property, id []byte)) {
	for i := range o.members {
		name, value := o.Member(i)
		refs(name, value, yield)
	}
}

func refs(name, value []byte, yield func(property, id []byte)) {
	switch value[0] {
	case '"':
		if isRefName(name) {
			yieldRef(name, value, yield)
		}
	case '[':
		isRef := isRefName(name)
		if !isRef && !mayHoldRefs(value) {
			return
		}
		Each(value, func(e []byte) bool {
			switch {
			case e[0] == '"' && isRef:
				yieldRef(name, e, yield)
			case e[0] == '{' || e[0] == '[':
				refs(name, e, yield)
			}
			return true
		})
	case '{':
		if !mayHoldRefs(value) {
			return
		}
		EachMember(value, func(n, v []byte) bool {
			refs(n, v, yield)
			return true
		})
	}
}

// mayHoldRefs reports whether the name of a property may end in _ref or _refs
// somewhere in value: in the clear, or with a letter escaped.
func mayHoldRefs(value []byte) bool {
	return bytes.Contains(value, []byte("_ref")) || bytes.Contains(value, []byte(`\u`))
}

func isRefName(name []byte) bool {
	return bytes.HasSuffix(name, []byte("_ref")) || bytes.HasSuffix(name, []byte("_refs"))
}

func yieldRef(name, value []byte, yield func(property, id []byte)) {
	if b, ok := UnquoteBytes(value); ok && looksLikeID(b) {
		yield(name, b)
	}
}

// looksLikeID reports whether b is a type, two hyphens and a UUID.
func looksLikeID(b []byte) bool {
	const uuid = 36
	t := len(b) - uuid - 2
	return t > 0 && b[t] == '-' && b[t+1] == '-' && isUUID(b[t+2:]) && typeName(b[:t])
}

func typeName(b []byte) bool {
	for _, ch := range b {
		if (ch < 'a' || ch > 'z') && (ch < '0' || ch > '9') && ch != '-' {
			return false
		}
	}
	return true
}

// isUUID reports whether b is a UUID of 36 characters in either case.
func isUUID(b []byte) bool {
	if len(b) != 36 || b[8] != '-' || b[13] != '-' || b[18] != '-' || b[23] != '-' {
		return false
	}
	var all int8 // negative once one was no digit
	for _, part := range [...][]byte{b[:8], b[9:13], b[14:18], b[19:23], b[24:36]} {
		for _, ch := range part {
			all |= hexDigits[ch]
		}
	}
	return all >= 0
}

// Walk calls fn for every value below the object, outer before inner, in the
// order of the bytes. The path is a selector of granular markings, such as
// "external_references.[0].url"; kind is as for [Kind]. If fn returns false,
// what lies inside the value is left out.
func (o *Object) Walk(fn func(path string, kind byte, value []byte) bool) {
	walk("", o.raw[skipSpace(o.raw, 0):], fn)
}

func walk(path string, value []byte, fn func(path string, kind byte, value []byte) bool) {
	prefix := path
	if prefix != "" {
		prefix += "."
	}
	step := func(p string, v []byte) {
		k := Kind(v)
		if fn(p, k, v) && (k == '{' || k == '[') {
			walk(p, v, fn)
		}
	}
	switch Kind(value) {
	case '{':
		EachMember(value, func(name, v []byte) bool {
			step(prefix+string(name), v)
			return true
		})
	case '[':
		i := 0
		Each(value, func(v []byte) bool {
			step(prefix+"["+strconv.Itoa(i)+"]", v)
			i++
			return true
		})
	}
}

// Kind returns what kind of JSON value v is, by its first byte: '{', '[', '"',
// 't', 'f', 'n', or '0' for a number. It returns 0 if v is none.
func Kind(v []byte) byte {
	if len(v) == 0 {
		return 0
	}
	switch ch := v[0]; ch {
	case '{', '[', '"', 't', 'f', 'n':
		return ch
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return '0'
	}
	return 0
}

func kindName(k byte) string {
	switch k {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	case '0':
		return "a number"
	}
	return "no value"
}

// Each calls yield with every element of the array v, which must be valid JSON
// (as the values of an [Object] are), until yield returns false. It does
// nothing if v is not an array.
func Each(v []byte, yield func(element []byte) bool) {
	if len(v) == 0 || v[0] != '[' {
		return
	}
	i := skipSpace(v, 1)
	for i < len(v) && v[i] != ']' {
		end := skipValue(v, i)
		if !yield(v[i:end:end]) {
			return
		}
		if i = skipSpace(v, end); i < len(v) && v[i] == ',' {
			i = skipSpace(v, i+1)
		}
	}
}

// EachMember calls yield with the name, unescaped, and the value of every
// member of the object v, which must be valid JSON (as the values of an
// [Object] are), until yield returns false. It does nothing if v is not an
// object.
func EachMember(v []byte, yield func(name, value []byte) bool) {
	if len(v) == 0 || v[0] != '{' {
		return
	}
	i := skipSpace(v, 1)
	for i < len(v) && v[i] == '"' {
		end := skipString(v, i)
		name, _ := UnquoteBytes(v[i:end])
		if i = skipSpace(v, end); i >= len(v) || v[i] != ':' {
			return
		}
		i = skipSpace(v, i+1)
		end = skipValue(v, i)
		if i >= end || !yield(name, v[i:end:end]) {
			return
		}
		if i = skipSpace(v, end); i < len(v) && v[i] == ',' {
			i = skipSpace(v, i+1)
		}
	}
}

// Unquote returns the text of the JSON string v, and whether v is a string. v
// must be valid JSON.
func Unquote(v []byte) (string, bool) {
	b, ok := UnquoteBytes(v)
	return string(b), ok
}

// UnquoteBytes is [Unquote] without a copy where nothing is escaped: the result
// may be part of v and must not be changed.
func UnquoteBytes(v []byte) ([]byte, bool) {
	if len(v) < 2 || v[0] != '"' || v[len(v)-1] != '"' {
		return nil, false
	}
	in := v[1 : len(v)-1 : len(v)-1]
	if bytes.IndexByte(in, '\\') < 0 {
		return in, true
	}
	return appendUnescaped(make([]byte, 0, len(in)), in), true
}

// Class is a family of STIX objects.
type Class uint8

// The families. ClassCustom is any type this package does not know.
const (
	ClassCustom Class = iota
	// ClassSDO are domain objects, those of the incident extension included.
	ClassSDO
	// ClassSRO are relationship objects.
	ClassSRO
	// ClassSCO are cyber-observables.
	ClassSCO
	// ClassMeta are extension definitions, language content and markings.
	ClassMeta
	// ClassBundle is the bundle, which is no object but carries them.
	ClassBundle
)

// ClassOf returns the family of a type.
func ClassOf(typ string) Class { return classes[typ].class }

type knownType struct {
	name    string
	class   Class
	since21 bool // not in 2.0
}

// internType returns the type as a string, without a new copy if it is known.
func internType(b []byte) (string, Class) {
	if k, ok := classes[string(b)]; ok {
		return k.name, k.class
	}
	return string(b), ClassCustom
}

// Source: stix-2.1 §4, §5, §6, §7, §8; stix-2.0 part 2; stix-incident-ext.
var classes = classTable([]classList{
	{ClassSDO, false, "attack-pattern campaign course-of-action identity indicator intrusion-set malware observed-data report " +
		"threat-actor tool vulnerability"},
	{ClassSDO, true, "grouping incident infrastructure location malware-analysis note opinion event impact task"},
	{ClassSRO, false, "relationship sighting"},
	{ClassSCO, true, "artifact autonomous-system directory domain-name email-addr email-message file ipv4-addr ipv6-addr mac-addr " +
		"mutex network-traffic process software url user-account windows-registry-key x509-certificate"},
	{ClassMeta, false, "marking-definition"},
	{ClassMeta, true, "extension-definition language-content"},
	{ClassBundle, false, "bundle"},
})

type classList struct {
	class   Class
	since21 bool
	types   string
}

func classTable(lists []classList) map[string]knownType {
	t := make(map[string]knownType, 64)
	for _, l := range lists {
		for name := range strings.FieldsSeq(l.types) {
			t[name] = knownType{name, l.class, l.since21}
		}
	}
	return t
}
