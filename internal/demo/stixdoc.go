package demo

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"strings"
	"time"

	"casus/stix"
	"casus/tlp"
)

// members is a JSON object whose members keep the order they are written in.
type members []member

type member struct {
	name  string
	value any
}

// MarshalJSONTo writes the members in order.
func (m members) MarshalJSONTo(enc *jsontext.Encoder) error {
	if err := enc.WriteToken(jsontext.BeginObject); err != nil {
		return err
	}
	for _, e := range m {
		if err := enc.WriteToken(jsontext.String(e.name)); err != nil {
			return err
		}
		if err := json.MarshalEncode(enc, e.value); err != nil {
			return err
		}
	}
	return enc.WriteToken(jsontext.EndObject)
}

// render writes v as indented JSON with a last line feed. It panics when v cannot
// be written: everything here is built from the story's own words.
func render(v any) []byte {
	b, err := json.Marshal(v, json.Deterministic(true), jsontext.WithIndent("  "))
	if err != nil {
		panic("demo: story cannot be written: " + err.Error())
	}
	return append(b, '\n')
}

// uuid returns an identifier drawn from key. It is shaped as version 4, for the
// standard wants random ones and these are as good as random.
func uuid(key string) string {
	d := sha256.Sum256([]byte("casus demo " + key))
	d[6] = d[6]&0x0f | 0x40
	d[8] = d[8]&0x3f | 0x80
	h := hex.EncodeToString(d[:16])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// bundle builds a STIX 2.1 bundle of one source.
type bundle struct {
	key     string // tells its objects from those of other bundles
	at      time.Time
	author  string
	marking []string
	objects []any
	refs    []string
}

// newBundle begins a bundle of source, marked l, with the source's identity in it:
// the same bytes in every bundle of that source.
func newBundle(key, source string, t time.Time, l tlp.Label) *bundle {
	b := &bundle{key: key, at: t, author: "identity--" + uuid("identity "+source), marking: []string{l.Definition()}}
	b.objects = append(b.objects, members{
		{"type", "identity"},
		{"spec_version", "2.1"},
		{"id", b.author},
		{"created", stamp(at(1, 0, 0))},
		{"modified", stamp(at(1, 0, 0))},
		{"name", source},
		{"identity_class", "organization"},
		{"labels", []string{"exercise"}},
	})
	return b
}

// sdo adds a domain object and returns its id. Its identity follows from the
// bundle's key, the type and the name.
func (b *bundle) sdo(typ, name string, more ...member) string {
	return b.version(typ+"--"+uuid(b.key+" "+typ+" "+name), b.at, b.at, more...)
}

// version adds a given version of a domain or relationship object.
func (b *bundle) version(id string, created, modified time.Time, more ...member) string {
	typ, _, _ := strings.Cut(id, "--")
	o := members{
		{"type", typ},
		{"spec_version", "2.1"},
		{"id", id},
		{"created_by_ref", b.author},
		{"created", stamp(created)},
		{"modified", stamp(modified)},
	}
	o = append(o, more...)
	b.add(id, append(o, member{"object_marking_refs", b.marking}))
	return id
}

func (b *bundle) add(id string, o any) {
	b.objects = append(b.objects, o)
	b.refs = append(b.refs, id)
}

// observable adds a cyber-observable object whose id follows from what. more is
// what it says beyond that.
func (b *bundle) observable(typ string, what members, more ...member) string {
	id, err := stix.SCOID(render(append(members{{"type", typ}}, what...)))
	if err != nil {
		panic("demo: story cannot be written: " + err.Error())
	}
	o := append(members{{"type", typ}, {"spec_version", "2.1"}, {"id", id}}, what...)
	b.add(id, append(append(o, more...), member{"object_marking_refs", b.marking}))
	return id
}

// value adds an observable that is one value and returns its id.
func (b *bundle) value(typ, v string) string { return b.observable(typ, members{{"value", v}}) }

// file adds a file known by one hash of the given algorithm, and its name if any.
func (b *bundle) file(name, algorithm, hash string) string {
	what := members{{"hashes", members{{algorithm, hash}}}}
	if name != "" {
		what = append(what, member{"name", name})
	}
	return b.observable("file", what)
}

// indicator adds an indicator valid from the bundle's time.
func (b *bundle) indicator(name, about, pattern string, more ...member) string {
	o := []member{
		{"name", name},
		{"description", about},
		{"indicator_types", []string{"malicious-activity"}},
		{"pattern", pattern},
		{"pattern_type", "stix"},
		{"pattern_version", "2.1"},
		{"valid_from", stamp(b.at)},
	}
	return b.sdo("indicator", name, append(o, more...)...)
}

// relate adds a relationship.
func (b *bundle) relate(from, how, to string) {
	b.sdo("relationship", from+how+to,
		member{"relationship_type", how}, member{"source_ref", from}, member{"target_ref", to})
}

// report closes the bundle with the report that gathers what is in it.
func (b *bundle) report(title, text string) []byte {
	refs := b.refs
	b.sdo("report", title,
		member{"name", Exercise + ": " + title},
		member{"description", Exercise + " " + Exercise + " " + Exercise + "\n\n" + text},
		member{"report_types", []string{"threat-report"}},
		member{"published", stamp(b.at)},
		member{"object_refs", refs},
		member{"labels", []string{"exercise"}})
	return b.bytes()
}

// bytes writes the bundle as it stands.
func (b *bundle) bytes() []byte {
	return render(members{{"type", "bundle"}, {"id", "bundle--" + uuid("bundle "+b.key)}, {"objects", b.objects}})
}

// compare writes the pattern that says path is value.
func compare(path, value string) string { return "[" + path + " = '" + quote(value) + "']" }

// quote escapes a string literal of a pattern.
func quote(s string) string {
	return strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s)
}
