package demo

import (
	"strconv"
	"time"

	"casus/tlp"
)

// event builds a MISP event of one source.
type event struct {
	key        string
	title      string
	source     string
	at         time.Time
	tags       []any
	attributes []any
	objects    []any
	reports    []any
}

func newEvent(key, source, title string, t time.Time, l tlp.Label) *event {
	return &event{key: key, title: title, source: source, at: t, tags: []any{
		tag(lower(l)), tag(`exercise:generic="exercise"`),
	}}
}

func tag(name string) any {
	return members{{"name", name}, {"colour", "#4b5362"}}
}

// lower spells a label as MISP's taxonomy does.
func lower(l tlp.Label) string {
	switch l {
	case tlp.Clear:
		return "tlp:clear"
	case tlp.Green:
		return "tlp:green"
	case tlp.Amber:
		return "tlp:amber"
	case tlp.AmberStrict:
		return "tlp:amber+strict"
	case tlp.Red:
	}
	return "tlp:red"
}

// attribute adds an attribute seen at the event's time.
func (e *event) attribute(typ, category, value, comment string) {
	e.attributes = append(e.attributes, e.build(typ, category, value, comment))
}

func (e *event) build(typ, category, value, comment string, more ...member) members {
	m := members{
		{"uuid", uuid(e.key + " attribute " + typ + " " + value)},
		{"type", typ},
		{"category", category},
		{"value", value},
		{"to_ids", category != "Other"},
		{"timestamp", seconds(e.at)},
		{"distribution", "3"},
		{"comment", comment},
	}
	return append(m, more...)
}

// relation is one attribute of a MISP object.
type relation struct {
	name, typ, value string
}

// object adds a MISP object made of relations.
func (e *event) object(name, meta, comment string, parts ...relation) {
	var attrs []any
	for _, p := range parts {
		attrs = append(attrs, e.build(p.typ, category(p.typ), p.value, "", member{"object_relation", p.name}))
	}
	e.objects = append(e.objects, members{
		{"uuid", uuid(e.key + " object " + name + " " + parts[0].value)},
		{"name", name},
		{"meta-category", meta},
		{"timestamp", seconds(e.at)},
		{"distribution", "5"},
		{"comment", comment},
		{"Attribute", attrs},
	})
}

// category is the default category of an attribute type, as far as the story
// needs it.
func category(typ string) string {
	switch typ {
	case "filename", "md5", "sha1", "sha256", "filename|sha256", "filename|md5", "pdb":
		return "Payload delivery"
	case "regkey", "mutex":
		return "Artifacts dropped"
	case "btc":
		return "Financial fraud"
	case "vulnerability":
		return "External analysis"
	}
	return "Network activity"
}

// put adds an attribute under the default category of its type.
func (e *event) put(typ, value, comment string) { e.attribute(typ, category(typ), value, comment) }

// note adds an event report.
func (e *event) note(name, text string) {
	e.reports = append(e.reports, members{
		{"uuid", uuid(e.key + " report " + name)},
		{"name", name},
		{"content", Exercise + "\n\n" + text},
		{"timestamp", seconds(e.at)},
		{"distribution", "5"},
	})
}

func (e *event) value() members {
	m := members{
		{"uuid", uuid("event " + e.key)},
		{"info", Exercise + ": " + e.title},
		{"date", e.at.Format(time.DateOnly)},
		{"timestamp", seconds(e.at)},
		{"publish_timestamp", seconds(e.at)},
		{"published", true},
		{"analysis", "1"},
		{"threat_level_id", "2"},
		{"distribution", "3"},
		{"Orgc", members{{"name", e.source}, {"uuid", uuid("organisation " + e.source)}}},
		{"Tag", e.tags},
		{"Attribute", e.attributes},
	}
	if len(e.objects) > 0 {
		m = append(m, member{"Object", e.objects})
	}
	if len(e.reports) > 0 {
		m = append(m, member{"EventReport", e.reports})
	}
	return m
}

// bytes writes the event as MISP exports one.
func (e *event) bytes() []byte { return render(members{{"Event", e.value()}}) }

// response writes the event as MISP answers a search.
func (e *event) response() []byte {
	return render(members{{"response", []any{members{{"Event", e.value()}}}}})
}

func seconds(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }
