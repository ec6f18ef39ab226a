package stix

import (
	"bytes"
	"slices"
	"strconv"
)

// cursor steps through the members or elements of valid JSON.
type cursor struct {
	b []byte
	i int
}

// next moves to the next member or element of what begins with open.
func (c *cursor) next(open byte) bool {
	if c.i == 0 {
		i := skipSpace(c.b, 0)
		if i >= len(c.b) || c.b[i] != open {
			return false
		}
		c.i = skipSpace(c.b, i+1)
	} else {
		i := skipSpace(c.b, c.i)
		if i >= len(c.b) || c.b[i] != ',' {
			return false
		}
		c.i = skipSpace(c.b, i+1)
	}
	return c.i < len(c.b) && c.b[c.i] != ']' && c.b[c.i] != '}'
}

// member returns the next member of an object: its name, unescaped, and value.
func (c *cursor) member() (name, value []byte, ok bool) {
	if !c.next('{') {
		return nil, nil, false
	}
	end := skipString(c.b, c.i)
	name, ok = UnquoteBytes(c.b[c.i:end])
	if !ok {
		return nil, nil, false
	}
	i := skipSpace(c.b, end)
	if i >= len(c.b) || c.b[i] != ':' {
		return nil, nil, false
	}
	i = skipSpace(c.b, i+1)
	if i >= len(c.b) {
		return nil, nil, false
	}
	c.i = skipValue(c.b, i)
	return name, c.b[i:c.i:c.i], true
}

// element returns the next element of an array.
func (c *cursor) element() (value []byte, ok bool) {
	if !c.next('[') {
		return nil, false
	}
	i := c.i
	c.i = skipValue(c.b, i)
	return c.b[i:c.i:c.i], true
}

func emptyList(v []byte) bool {
	i := skipSpace(v, 1)
	return i < len(v) && v[i] == ']'
}

func (r *run) emptyList() {
	if !r.old {
		r.must("stix-2.1 §2.12", "the list is empty", "leave the property out")
	}
}

// wrong notes a value of the wrong JSON kind.
func (r *run) wrong(rule string, value []byte, want string) {
	r.must(rule, "the value is "+kindName(Kind(value))+", want "+want, "write "+want+", or leave the property out")
}

// ruleIn returns the section that describes f as a property of s.
func (f *field) ruleIn(s *shape) string {
	if f.common {
		return "stix-2.1 §3.2"
	}
	return s.rule
}

// value examines the value of f, a list or not.
func (r *run) value(s *shape, f *field, x source, v []byte) {
	if !f.list {
		r.one(s, f, x, v)
		return
	}
	if v[0] != '[' {
		r.wrong(f.ruleIn(s), v, "a list")
		return
	}
	c, n := cursor{b: v}, 0
	r.path = append(r.path, step{})
	for {
		e, ok := c.element()
		if !ok {
			break
		}
		r.path[len(r.path)-1].index = n
		r.one(s, f, x, e)
		n++
	}
	r.pop()
	if n == 0 {
		r.emptyList()
	}
}

// one examines one value of f.
func (r *run) one(s *shape, f *field, x source, v []byte) {
	switch f.kind {
	case kindAny:
	case kindFlag:
		if v[0] != 't' && v[0] != 'f' {
			r.wrong(f.ruleIn(s), v, "true or false")
		}
	case kindInteger, kindNumber:
		r.numeric(s, f, v)
	case kindText, kindWord, kindTime, kindSecond, kindID, kindHex, kindBinary, kindSelector:
		if v[0] != '"' {
			r.wrong(f.ruleIn(s), v, "a string")
			return
		}
		if f.kind == kindText && f.name != "spec_version" {
			return
		}
		b, _ := UnquoteBytes(v)
		r.stringOf(s, f, x, b)
	default:
		if v[0] != '{' {
			r.wrong(f.ruleIn(s), v, "an object")
			return
		}
		r.objectOf(s, f, x, v)
	}
}

func (r *run) stringOf(s *shape, f *field, x source, b []byte) {
	switch f.kind {
	case kindText:
		if f.name == "spec_version" {
			r.specVersion(b)
		}
	case kindWord:
		r.word(s, f, b)
	case kindTime, kindSecond:
		r.time(s, f, b)
	case kindID:
		r.ref(s, f, b)
	case kindHex:
		if !isHex(b) {
			r.must("stix-2.1 §2.8", quote(b)+" is not hexadecimal", "write an even number of digits 0 to 9 and a to f")
		}
	case kindBinary:
		if !isBase64(b) {
			r.must("stix-2.1 §2.1", "the value is not Base64", "encode it by RFC 4648 §4, padding included")
		}
	case kindSelector:
		r.selector(x, b)
	default:
	}
}

func (r *run) objectOf(s *shape, f *field, x source, v []byte) {
	switch f.kind {
	case kindShape:
		r.nested(f.shape, x, v)
	case kindHashes:
		r.hashes(v)
	case kindExtensions:
		r.extensions(s, x, v)
	case kindContainer:
		r.container(v)
	case kindObject:
		r.inBundle(v)
	case kindDict, kindTexts, kindScalars, kindCounts, kindTextLists:
		r.dictionary(f.ruleIn(s), f.kind, v)
	default:
	}
}

func (r *run) specVersion(b []byte) {
	if string(b) != "2.1" && string(b) != "2.0" {
		r.must("stix-2.1 §3.2", quote(b)+" is no version of STIX this knows", "write \"2.1\"")
	}
}

// nested examines an object with properties of its own. outer is the object it
// stands in, which selectors speak about.
func (r *run) nested(s *shape, outer source, v []byte) {
	x := source{raw: v}
	var seen uint64
	c := cursor{b: v}
	for {
		name, value, ok := c.member()
		if !ok {
			break
		}
		if s == granularMarking {
			x = outer
		}
		seen |= r.member(s, x, name, value)
	}
	r.whole(s, source{raw: v}, seen, false)
}

// Source: stix-2.1 §2.6, §2.10.
func (r *run) numeric(s *shape, f *field, v []byte) {
	if Kind(v) != '0' {
		r.wrong(f.ruleIn(s), v, "a number")
		return
	}
	if n, ok := smallNatural(v); ok {
		if f.bounded && (float64(n) < f.min || float64(n) > f.max) {
			r.must(f.ruleIn(s), quoteNumber(v)+" is not between "+trimFloat(f.min)+" and "+trimFloat(f.max), "correct the number")
		}
		return
	}
	if f.kind == kindInteger && bytes.ContainsAny(v, ".eE") && !bytes.HasSuffix(v, []byte(".0")) {
		r.must("stix-2.1 §2.10", quoteNumber(v)+" is not an integer", "write a whole number")
		return
	}
	if !f.bounded {
		return
	}
	if n, err := strconv.ParseFloat(string(v), 64); err != nil || n < f.min || n > f.max {
		r.must(f.ruleIn(s), quoteNumber(v)+" is not between "+trimFloat(f.min)+" and "+trimFloat(f.max), "correct the number")
	}
}

// smallNatural reads what most numbers are.
func smallNatural(v []byte) (n int, ok bool) {
	if len(v) > 9 {
		return 0, false
	}
	for _, ch := range v {
		if ch < '0' || ch > '9' {
			return 0, false
		}
		n = n*10 + int(ch-'0')
	}
	return n, true
}

func trimFloat(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// Source: stix-2.1 §2.4, §2.14.
func (r *run) word(s *shape, f *field, b []byte) {
	if r.old || !f.words.closed && !r.strict || f.words.has(b) {
		return
	}
	if f.words.closed {
		r.must(f.words.rule, quote(b)+" is not in "+f.words.name, "use one of "+clip(f.words.words))
		return
	}
	r.should(f.words.rule, quote(b)+" is not in "+f.words.name, "prefer one of "+clip(f.words.words))
}

// clip lists the words, or the first of many.
func clip(words []string) string {
	const most = 12
	var b []byte
	for i, w := range words[:min(len(words), most)] {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(b, w...)
	}
	if len(words) > most {
		b = append(b, ", …"...)
	}
	return string(b)
}

// Source: stix-2.1 §2.16, §3.2.
func (r *run) time(s *shape, f *field, b []byte) {
	if !isTimestamp(b) {
		r.must("stix-2.1 §2.16", quote(b)+" is no timestamp", "write it in UTC as 2016-01-20T12:31:12.123Z")
		return
	}
	switch {
	case f.kind == kindSecond && len(b) > len("2016-01-20T12:31:12Z") && r.strict:
		r.must(s.rule, quote(b)+" is more precise than a second", "leave the fraction out")
	case r.strict && !r.old && s.top && len(b) < len("2016-01-20T12:31:12.123Z") && (f.name == "created" || f.name == "modified"):
		r.must("stix-2.1 §3.2", quote(b)+" is less precise than a millisecond", "give at least three digits of the second")
	}
}

// ref examines an identifier.
//
// Source: stix-2.1 §2.9.
func (r *run) ref(s *shape, f *field, b []byte) {
	if r.local != nil && f.name != "id" && inContainer(r.local, b) {
		return
	}
	t := len(b) - 38
	if t < 1 || b[t] != '-' || b[t+1] != '-' || !isRFC4122(b[t+2:]) || !validTypeName(b[:t]) {
		r.must("stix-2.1 §2.9", quote(b)+" is no identifier", "write a type, two hyphens and a UUID")
		return
	}
	typ := b[:t]
	switch {
	case len(f.to) == 1 && string(typ) == f.to[0]:
	case len(f.to) > 0 && !slices.Contains(f.to, string(typ)):
		r.must(f.ruleIn(s), "a "+string(typ[:min(t, 80)])+" cannot stand here", "refer to "+clip(f.to))
	case len(f.notTo) > 0 && slices.Contains(f.notTo, string(typ)):
		r.must(f.ruleIn(s), "a "+string(typ[:min(t, 80)])+" cannot stand here", "refer to something else")
	}
}

// inContainer reports whether an observable container has an entry of the name.
func inContainer(container, name []byte) bool {
	c := cursor{b: container}
	for {
		n, _, ok := c.member()
		if !ok {
			return false
		}
		if bytes.Equal(n, name) {
			return true
		}
	}
}

// Source: stix-2.1 §2.7, §10.7.
func (r *run) hashes(v []byte) {
	c, n := cursor{b: v}, 0
	for {
		name, value, ok := c.member()
		if !ok {
			break
		}
		n++
		r.push(name)
		if why := badHashName(name); why != "" {
			r.must("stix-2.1 §2.7", "the name of the algorithm "+why, "use the names of hash-algorithm-ov, for example SHA-256")
		}
		if value[0] != '"' {
			r.must("stix-2.1 §2.7", "the value is "+kindName(Kind(value))+", want a string", "write the digest as text")
		} else if b, _ := UnquoteBytes(value); !r.old && !validHash(name, b) {
			r.must("stix-2.1 §2.7", quote(b)+" is no "+string(name), "correct the digest or the name of its algorithm")
		}
		if r.strict && !hashAlgorithms.has(name) {
			r.should("stix-2.1 §10.7", quote(name)+" is not in hash-algorithm-ov", "prefer one of "+clip(hashAlgorithms.words))
		}
		r.pop()
	}
	if n == 0 && !r.old {
		r.must("stix-2.1 §2.3", "the dictionary is empty", "leave the property out")
	}
}

// validHash reports whether b can be a digest of the algorithm; unknown
// algorithms can have any.
func validHash(algorithm, b []byte) bool {
	size := 0
	switch string(algorithm) {
	case "MD5":
		size = 32
	case "SHA-1":
		size = 40
	case "SHA-256", "SHA3-256":
		size = 64
	case "SHA-512", "SHA3-512":
		size = 128
	case "TLSH":
		return len(b) == 70 || len(b) == 72 && b[0] == 'T'
	case "SSDEEP":
		return len(b) > 0 && bytes.Count(b, []byte(":")) >= 2
	default:
		return true
	}
	return len(b) == size && isHex(b)
}

func badHashName(b []byte) string {
	if len(b) < 3 || len(b) > 250 {
		return "is not between 3 and 250 characters long"
	}
	return badKey(b)
}

// badKey says what is wrong with a dictionary key, or "".
//
// Source: stix-2.1 §2.3.
func badKey(b []byte) string {
	if len(b) == 0 || len(b) > 250 {
		return "is not between 1 and 250 characters long"
	}
	for _, ch := range b {
		if (ch|0x20 < 'a' || ch|0x20 > 'z') && (ch < '0' || ch > '9') && ch != '-' && ch != '_' {
			return "has a character other than letters, digits, hyphen and underscore"
		}
	}
	return ""
}

// Source: stix-2.1 §2.3.
func (r *run) dictionary(rule string, k kind, v []byte) {
	c, n := cursor{b: v}, 0
	for {
		name, value, ok := c.member()
		if !ok {
			break
		}
		n++
		r.push(name)
		if why := badKey(name); why != "" && r.strict {
			r.must("stix-2.1 §2.3", "the key "+why, "change the key")
		}
		if want := wrongEntry(k, value); want != "" && !r.old {
			r.wrong(rule, value, want)
		}
		r.pop()
	}
	if n == 0 && !r.old {
		r.must("stix-2.1 §2.3", "the dictionary is empty", "leave the property out")
	}
}

// wrongEntry returns what an entry of a dictionary should have been, or "".
func wrongEntry(k kind, v []byte) string {
	switch k {
	case kindTexts:
		if v[0] != '"' {
			return "a string"
		}
	case kindScalars:
		if v[0] != '"' && Kind(v) != '0' {
			return "a string or a number"
		}
	case kindCounts:
		if Kind(v) != '0' || v[0] == '-' || bytes.ContainsAny(v, ".eE") {
			return "a whole number from 0 on"
		}
	case kindTextLists:
		if v[0] != '[' && v[0] != '"' {
			return "a list of strings"
		}
	default:
	}
	return ""
}

// container examines a deprecated observable container.
//
// Source: stix-2.1 §2.13.
func (r *run) container(v []byte) {
	outer := r.local
	r.local = v
	defer func() { r.local = outer }()
	c, n := cursor{b: v}, 0
	for {
		name, value, ok := c.member()
		if !ok {
			break
		}
		n++
		r.push(name)
		if value[0] != '{' {
			r.must("stix-2.1 §2.13", "the value is "+kindName(Kind(value))+", want an object", "put a cyber-observable there")
		} else {
			r.object(source{raw: value}, true)
		}
		r.pop()
	}
	if n == 0 {
		r.must("stix-2.1 §2.13", "the container is empty", "put a cyber-observable there, or use object_refs")
	}
}

// inBundle examines an object that stands in a bundle.
func (r *run) inBundle(v []byte) {
	x := source{raw: v}
	if string(x.text("type")) == "bundle" {
		r.must("stix-2.1 §8", "a bundle cannot stand in a bundle", "put its objects there")
		return
	}
	r.object(x, false)
}
