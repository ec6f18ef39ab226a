package stix

import (
	"bytes"
	"errors"
	"net/netip"
	"slices"
	"strconv"

	"casus/stix/pattern"
)

// Source: stix-2.1 §2.5.
func checkExternalReference(r *run, s *shape, x source) {
	if !r.strict {
		return
	}
	if x.get("url") != nil && x.get("hashes") == nil {
		r.should(s.rule, "the reference has a url and no hashes", "give the SHA-256 of what the url leads to")
	}
	id := x.text("external_id")
	switch source := string(x.text("source_name")); {
	case source == "cve" && !isCVE(id):
		r.should(s.rule, "the external_id of a cve reference is no CVE", "write it as CVE-2014-0160")
	case source == "capec" && !isCAPEC(id):
		r.should(s.rule, "the external_id of a capec reference is no CAPEC", "write it as CAPEC-550")
	}
}

func isCVE(b []byte) bool {
	return len(b) >= 13 && string(b[:4]) == "CVE-" && b[8] == '-' && allDigits(b[4:8]) && allDigits(b[9:])
}

func isCAPEC(b []byte) bool {
	return len(b) > 6 && string(b[:6]) == "CAPEC-" && allDigits(b[6:])
}

func allDigits(b []byte) bool {
	for _, ch := range b {
		if ch < '0' || ch > '9' {
			return false
		}
	}
	return len(b) > 0
}

// Source: stix-2.1 §2.11.
func checkKillChainPhase(r *run, s *shape, x source) {
	if !r.strict {
		return
	}
	for _, name := range []string{"kill_chain_name", "phase_name"} {
		if b := x.text(name); bytes.ContainsFunc(b, func(c rune) bool { return c == ' ' || c == '_' || c >= 'A' && c <= 'Z' }) {
			r.at(name, r.should, s.rule, quote(b)+" is not in lower case with hyphens", "write it in lower case, words joined by hyphens")
		}
	}
}

// Source: stix-2.1 §4.5.
func checkIdentity(r *run, s *shape, x source) {
	if r.strict && x.get("identity_class") == nil {
		r.should(s.rule, "the identity has no identity_class", "say whether it is an individual, an organization, …")
	}
}

// Source: stix-2.1 §4.7, §9.
func checkIndicator(r *run, s *shape, x source) {
	if r.strict && (x.get("name") == nil || x.get("description") == nil) {
		r.should(s.rule, "the indicator has not both a name and a description", "give both, so that people understand it")
	}
	if string(x.text("pattern_type")) != "stix" {
		return
	}
	text := x.text("pattern")
	if text == nil {
		return
	}
	p, err := pattern.Parse(string(text))
	if err != nil {
		reason, remedy := err.Error(), "correct the pattern"
		if e, ok := errors.AsType[*pattern.Error](err); ok {
			reason, remedy = "the pattern has at line "+strconv.Itoa(e.Line)+", column "+strconv.Itoa(e.Column)+": "+e.Reason, e.Remedy
		}
		r.at("pattern", r.must, "stix-2.1 §9", reason, remedy+"; or name another language in pattern_type")
		return
	}
	if !r.opt.StrictTypes {
		return
	}
	p.Comparisons(func(c *pattern.Comparison) bool {
		if ClassOf(c.Path.Type) == ClassSCO {
			return true
		}
		r.at("pattern", r.must, "stix-2.1 §9.7", "the pattern asks for objects of type "+quote([]byte(c.Path.Type)),
			"name a type of cyber-observable of the standard")
		return false
	})
}

// Source: stix-2.1 §4.10.
func checkLocation(r *run, s *shape, x source) {
	if b := x.text("country"); r.strict && b != nil && (len(b) != 2 || !upperLetters(b)) {
		r.at("country", r.should, s.rule, quote(b)+" is no code of ISO 3166-1 alpha-2", "write two capitals")
	}
}

func upperLetters(b []byte) bool {
	return !bytes.ContainsFunc(b, func(c rune) bool { return c < 'A' || c > 'Z' })
}

// Source: stix-2.1 §4.11.
func checkMalware(r *run, s *shape, x source) {
	if string(x.get("is_family")) == "true" && x.get("name") == nil {
		r.must(s.rule, "the malware family has no name", "give the name of the family")
	}
}

// Source: stix-2.1 §4.12.
func checkMalwareAnalysis(r *run, s *shape, x source) {
	if b := x.text("product"); r.strict && bytes.ContainsFunc(b, func(c rune) bool { return c == ' ' || c == '_' || c >= 'A' && c <= 'Z' }) {
		r.at("product", r.should, s.rule, quote(b)+" is not in lower case with hyphens", "write it in lower case, words joined by hyphens")
	}
}

// Source: stix-2.1 §5.1.
func checkRelationship(r *run, s *shape, x source) {
	kind := x.text("relationship_type")
	if kind == nil {
		return
	}
	for _, ch := range kind {
		if (ch < 'a' || ch > 'z') && (ch < '0' || ch > '9') && ch != '-' {
			r.at("relationship_type", r.must, s.rule, quote(kind)+" has a character other than a to z, digits and hyphen",
				"write it in lower case, words joined by hyphens")
			return
		}
	}
	if r.strict {
		from, to := typeOfID(x.text("source_ref")), typeOfID(x.text("target_ref"))
		if from != nil && to != nil && !suggested(string(from), string(kind), string(to)) {
			r.at("relationship_type", r.should, "stix-2.1 §3.7",
				quote(kind)+" is not suggested from "+string(from)+" to "+string(to), "prefer a relationship of the standard, or related-to")
		}
	}
}

func typeOfID(id []byte) []byte {
	typ, _, ok := bytes.Cut(id, []byte("--"))
	if !ok {
		return nil
	}
	return typ
}

// isTLP1 reports whether id is one of the four marking definitions of TLP 1.0.
func isTLP1(id string) bool {
	return slices.ContainsFunc(tlp1[:], func(d tlp1Definition) bool { return d.id == id })
}

// tlp1Definition is one of the only TLP 1.0 markings there may be.
type tlp1Definition struct{ id, level, name string }

// Source: stix-2.1 §7.2.1.
var tlp1 = [...]tlp1Definition{
	{"marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9", "white", "TLP:WHITE"},
	{"marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da", "green", "TLP:GREEN"},
	{"marking-definition--f88d31f6-486f-44da-b317-01333bde0b82", "amber", "TLP:AMBER"},
	{"marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed", "red", "TLP:RED"},
}

// Source: stix-2.1 §7.2.1.
func checkMarkingDefinition(r *run, s *shape, x source) {
	id := x.text("id")
	if x.get("extensions") == nil && (x.get("definition_type") == nil || x.get("definition") == nil) {
		r.must(s.rule, "the marking has neither a definition nor an extension", "say what it means by an extension such as TLP 2.0")
	}
	c := cursor{b: x.get("object_marking_refs")}
	for {
		v, ok := c.element()
		if !ok {
			break
		}
		if b, _ := UnquoteBytes(v); bytes.Equal(b, id) {
			r.at("object_marking_refs", r.must, "stix-2.1 §3.2", "the marking marks itself", "leave the reference out")
		}
	}
	if string(x.text("definition_type")) == "statement" {
		if (source{raw: x.get("definition")}).text("statement") == nil {
			r.at("definition", r.must, s.rule, "the statement is missing", "write {\"statement\": …}")
		}
	}
	checkTLPDefinition(r, x)
	checkKnownLevel(r, x, string(id))
}

// checkTLPDefinition lets no marking pass for a TLP 1.0 marking that is not
// exactly one of the standard's: a label that says less under a familiar id
// would open what is closed.
//
// Source: stix-2.1 §7.2.1.
func checkTLPDefinition(r *run, x source) {
	id, typ := string(x.text("id")), string(x.text("definition_type"))
	if typ != "tlp" {
		return // whatever it states, its id is read as what the id stands for
	}
	level := source{raw: x.get("definition")}.text("tlp")
	for _, d := range tlp1 {
		if d.id != id {
			continue
		}
		name, created := x.text("name"), x.text("created")
		if string(level) == d.level && (name == nil || string(name) == d.name) &&
			isTimestamp(created) && compareTimestamps(created, []byte("2017-01-20T00:00:00.000Z")) == 0 {
			return
		}
	}
	r.must("stix-2.1 §7.2.1", "the marking is not one of the four TLP markings the standard defines",
		"use the TLP markings of the standard, unchanged, or define TLP 2.0 by its extension")
}

// checkKnownLevel compares the level a TLP 2.0 or PAP marking states with the
// one its well-known id stands for.
//
// Source: tlp-2.0; pap.
func checkKnownLevel(r *run, x source, id string) {
	known, ok := KnownMarking(id)
	if !ok || known.Extension == "" {
		return
	}
	ext := source{raw: source{raw: x.get("extensions")}.get(known.Extension)}
	if string(ext.text(known.property())) != known.Level {
		r.at("extensions", r.must, "stix-2.1 §7.2.1", "the marking has the id of "+known.Name()+" and states something else",
			"give the marking an id of its own, or state what the id stands for")
	}
}

// Source: stix-2.1 §7.3.1.
func checkExtensionDefinition(r *run, s *shape, x source) {
	if x.get("created_by_ref") == nil {
		r.must(s.rule, "the extension definition has no created_by_ref", "name the identity that defines it")
	}
	top := false
	c := cursor{b: x.get("extension_types")}
	for {
		v, ok := c.element()
		if !ok {
			break
		}
		top = top || string(v) == `"toplevel-property-extension"`
	}
	switch has := x.get("extension_properties") != nil; {
	case has && !top:
		r.at("extension_properties", r.must, s.rule, "the property is only for toplevel-property-extension",
			"leave it out, or add the type to extension_types")
	case !has && top:
		r.should(s.rule, "the properties the extension adds are not listed", "list them in extension_properties")
	}
	if r.strict && x.get("description") == nil {
		r.should(s.rule, "the extension definition has no description", "say what the extension is for")
	}
}

// checkAddress examines the value of an IP address.
//
// Source: stix-2.1 §6.8, §6.9.
func checkAddress(r *run, s *shape, x source) {
	b := x.text("value")
	if b == nil {
		return
	}
	address, prefix, isPrefix := bytes.Cut(b, []byte("/"))
	a, err := netip.ParseAddr(string(address))
	ok := err == nil && a.Is4() == (s.name == "ipv4-addr")
	if isPrefix && ok {
		n := 0
		for _, ch := range prefix {
			n = n*10 + int(ch-'0')
			if ch < '0' || ch > '9' || n > 128 {
				n = 1000
				break
			}
		}
		ok = len(prefix) > 0 && n <= a.BitLen()
	}
	if !ok {
		r.at("value", r.must, s.rule, quote(b)+" is no address of "+s.name, "write an address, or a range in CIDR notation")
	}
}

// checkMAC examines the form of a MAC address. Intake lets other forms pass.
//
// Source: stix-2.1 §6.10.
func checkMAC(r *run, s *shape, x source) {
	b := x.text("value")
	if !r.strict || b == nil {
		return
	}
	ok := len(b) == 17
	for i := 0; ok && i < 17; i++ {
		if i%3 == 2 {
			ok = b[i] == ':'
		} else {
			ok = hexDigit(b[i]) >= 0 && (b[i] < 'A' || b[i] > 'F')
		}
	}
	if !ok {
		r.at("value", r.must, s.rule, quote(b)+" is no MAC address in lower case with colons", "write it as d2:fb:49:24:37:18")
	}
}

// Source: stix-2.1 §6.6.
func checkEmailMessage(r *run, s *shape, x source) {
	switch multi := string(x.get("is_multipart")); {
	case multi == "true" && x.get("body") != nil:
		r.at("body", r.must, s.rule, "the message is multipart and has a body", "put the parts into body_multipart")
	case multi == "false" && x.get("body_multipart") != nil:
		r.at("body_multipart", r.must, s.rule, "the message is not multipart and has parts", "put the text into body")
	}
}

// Source: stix-2.1 §6.12.
func checkTraffic(r *run, s *shape, x source) {
	if string(x.get("is_active")) == "true" && x.get("end") != nil {
		r.at("end", r.must, s.rule, "the traffic is active and has an end", "set is_active to false, or leave end out")
	}
	if r.strict && (x.get("src_ref") == nil || x.get("dst_ref") == nil) {
		r.should(s.rule, "the traffic has not both a source and a destination", "give src_ref and dst_ref")
	}
}

// Source: stix-2.1 §6.14.
func checkSoftware(r *run, s *shape, x source) {
	if b := x.text("cpe"); b != nil && r.strict && !bytes.HasPrefix(b, []byte("cpe:2.3:")) {
		r.at("cpe", r.must, s.rule, quote(b)+" is no CPE 2.3 formatted string", "write it as cpe:2.3:a:…")
	}
}

// Source: stix-2.1 §6.17.
func checkRegistryKey(r *run, s *shape, x source) {
	b := x.text("key")
	if b == nil || !r.strict {
		return
	}
	hive, _, _ := bytes.Cut(bytes.ToUpper(b), []byte(`\`))
	switch string(hive) {
	case "HKLM", "HKCC", "HKCR", "HKCU", "HKU":
		r.at("key", r.must, s.rule, "the hive is abbreviated", "write it out, for example HKEY_LOCAL_MACHINE")
	}
}

// Source: stix-incident-ext §3.5, §4.9.
func checkStateChange(r *run, s *shape, x source) {
	from, to := x.text("initial_ref"), x.text("result_ref")
	switch kind := string(x.text("state_change_type")); {
	case kind == "input" && from == nil:
		r.must(s.rule, "an input has no initial_ref", "name what was taken in")
	case kind == "output" && to == nil:
		r.must(s.rule, "an output has no result_ref", "name what was produced")
	case from != nil && to != nil && !bytes.Equal(typeOfID(from), typeOfID(to)):
		r.must(s.rule, "the two states are of different types", "refer to objects of one type")
	}
}

// unlessNone wants the second property unless the first says "none".
//
// Source: stix-incident-ext §2.3.2.
func unlessNone(what, needed string) func(r *run, s *shape, x source) {
	return func(r *run, s *shape, x source) {
		if v := x.text(what); v != nil && string(v) != "none" && x.get(needed) == nil {
			r.must(s.rule, "the impact has no "+needed, "give it, or set "+what+" to none")
		}
	}
}

// needsExtension wants the extension that defines a type to be named.
//
// Source: stix-2.1 §7.3.2.
func needsExtension(id string) func(r *run, s *shape, x source) {
	return func(r *run, s *shape, x source) {
		if (source{raw: x.get("extensions")}).get(id) == nil {
			r.should(s.rule, "the object does not name the extension that defines it", "add "+id+" under extensions")
		}
	}
}

// Source: stix-incident-ext §2.3.
func checkImpact(r *run, s *shape, x source) {
	extensions := source{raw: x.get("extensions")}
	category := string(x.text("impact_category"))
	if category != "" && extensions.get(category) == nil && extensions.get(category+"-ext") == nil {
		r.at("impact_category", r.must, s.rule, "the impact has no extension for "+quote([]byte(category)),
			"add the extension of that name, for example availability-ext")
	}
	needsExtension(ImpactExtension)(r, s, x)
}
