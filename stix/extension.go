package stix

import "strings"

// extensionID is how the keys of extensions begin that name a definition.
const extensionID = "extension-definition--"

// Extensions calls yield with the key and the JSON of each extension of o, in
// the order of the bytes, until yield returns false. The key is the id of an
// extension definition, or the name of a predefined or custom extension.
//
// Source: stix-2.1 §3.2, §7.3.
func (o *Object) Extensions(yield func(key string, value []byte) bool) {
	v, _ := o.Get("extensions")
	EachMember(v, func(name, value []byte) bool { return yield(string(name), value) })
}

// Extension returns the JSON of the extension of o with the given key, and
// whether o has it.
func (o *Object) Extension(key string) ([]byte, bool) {
	v, _ := o.Get("extensions")
	e := source{raw: v}.get(key)
	return e, e != nil
}

// ExtensionType is what an extension adds.
//
// Source: stix-2.1 §10.5.
type ExtensionType string

// The types of extensions. NoExtensionType is that of a predefined extension,
// and of one that does not say.
const (
	NoExtensionType  ExtensionType = ""
	NewSDO           ExtensionType = "new-sdo"
	NewSCO           ExtensionType = "new-sco"
	NewSRO           ExtensionType = "new-sro"
	PropertyExt      ExtensionType = "property-extension"
	TopLevelProperty ExtensionType = "toplevel-property-extension"
)

// ExtensionTypeOf returns the type an extension, given as JSON, states.
func ExtensionTypeOf(extension []byte) ExtensionType {
	return ExtensionType(source{raw: extension}.text("extension_type"))
}

// IsPredefinedExtension reports whether the standard or the Incident Extension
// Suite defines an extension of that key for objects of the type.
func IsPredefinedExtension(typ, key string) bool {
	s := shapes[typ]
	return s != nil && s.extensions[key] != nil
}

// extensions examines the extensions dictionary of an object of shape s.
//
// Source: stix-2.1 §3.2, §7.3, §11.3.
func (r *run) extensions(s *shape, x source, v []byte) {
	c, n := cursor{b: v}, 0
	for {
		name, value, ok := c.member()
		if !ok {
			break
		}
		n++
		r.push(name)
		r.extension(s, string(name), value)
		r.pop()
	}
	if n == 0 && !r.old {
		r.must("stix-2.1 §2.3", "the dictionary is empty", "leave the property out")
	}
}

func (r *run) extension(s *shape, name string, v []byte) {
	if v[0] != '{' {
		r.must("stix-2.1 §3.2", "the extension is "+kindName(Kind(v))+", want an object", "put the properties of the extension there")
		return
	}
	if r.old {
		return
	}
	if known := s.extensions[name]; known != nil {
		r.nested(known, source{raw: v}, v)
		return
	}
	kind := source{raw: v}.get("extension_type")
	if kind != nil {
		if b, ok := UnquoteBytes(kind); !ok || !extensionTypes.has(b) {
			r.at("extension_type", r.must, extensionTypes.rule, "the value is not in "+extensionTypes.name, "use one of "+clip(extensionTypes.words))
		}
	}
	if uuid, ok := strings.CutPrefix(name, extensionID); ok {
		if !isRFC4122([]byte(uuid)) {
			r.must("stix-2.1 §2.9", quote([]byte(name))+" is no identifier", "name the extension by the id of its definition")
		}
		if kind == nil {
			r.must("stix-2.1 §3.2", "the extension has no extension_type", "state one of "+clip(extensionTypes.words))
		}
		return
	}
	switch remedy := "name the extension by the id of its extension-definition"; {
	case r.opt.StrictProperties:
		r.must("stix-2.1 §3.10", "the extension is not one of "+s.name, remedy)
	default:
		r.should("stix-2.1 §11.3", "the extension is not declared by an extension-definition", remedy)
	}
}
