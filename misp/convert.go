package misp

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"time"

	"casus/tlp"
)

// ConvertOptions says what an event alone does not.
type ConvertOptions struct {
	// Received is the time taken for what bears none at all. Zero means
	// 1970-01-01, which at least shows that it is no real time.
	Received time.Time
}

// Convert gives ev as STIX 2.1 objects to yield, until yield returns false. What
// others refer to comes first, the report last. The same event gives the same
// bytes each time, whatever else is converted.
//
// The event becomes a report named by info. Each attribute becomes the
// cyber-observables of its value, and an indicator with a pattern if it is meant
// for detection, or else observed data. Galaxy clusters, also those named by a
// tag alone, become intrusion sets, malware, tools, attack patterns, courses of
// action or vulnerabilities; sightings become sightings; event reports notes;
// links external references; CVEs vulnerabilities. An attribute STIX has no
// object for becomes an x-misp-attribute, so that no value is lost. Tags become
// labels. The hashes and names of a "file" object become one file.
//
// Every object bears the label of the event or, where that is more restrictive,
// of its attribute; an event without a tag of TLP gives objects without marking.
// An observable that two attributes mention bears the more restrictive label.
// What is more restrictive than the event is not named by the report but by a
// grouping of its own label.
//
// Ids are MISP's own UUIDs where those are UUIDs, with STIX's rule for
// observables, else derived from the event and the content. Indicators and
// reports are created at the event's date and modified at their timestamp.
// Clusters get ids of their own although ATT&CK's UUIDs are at hand: what MISP
// copied is not a newer version of MITRE's object.
//
// Not converted: deleted attributes and objects, proposals (nobody has accepted
// them), false-positive and expiration sightings, object references,
// distribution and sharing groups (they say how far MISP servers pass an event
// on, not who may read it), countries and sectors (they stay labels).
//
// Source: misp-core; stix-2.1.
func Convert(ev *Event, opt ConvertOptions, yield func(obj []byte) bool) {
	c := &converter{ev: ev, seen: map[string]int{}}
	c.times(opt)
	c.label, c.marked = ev.TLP()
	c.author()
	c.galaxies(ev.AllTags(), ev.Galaxies)
	for i := range ev.Attributes {
		c.attribute(&ev.Attributes[i], nil)
	}
	for i := range ev.Objects {
		c.object(&ev.Objects[i])
	}
	for i := range ev.Sightings {
		s := &ev.Sightings[i]
		if target := c.bearers[strings.ToLower(string(s.AttributeUUID))]; target != "" {
			c.sighting(s, target, c.label, c.marked)
		}
	}
	c.report()
	for _, m := range c.out {
		if !yield(marshal(m.fields)) {
			return
		}
	}
}

// item is an object on its way out.
type item struct {
	fields fields
	label  tlp.Label
	marked bool
}

type converter struct {
	ev       *Event
	label    tlp.Label
	marked   bool
	created  string // of the event
	modified string
	instant  time.Time // of the event
	authorID string

	out     []item
	seen    map[string]int    // id to place in out
	bearers map[string]string // attribute UUID to indicator or observed data
	links   []any             // external references of the report
}

// stamp writes an instant as STIX does.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// times settles the event's times.
func (c *converter) times(opt ConvertOptions) {
	date, err := time.Parse("2006-01-02", strings.TrimSpace(string(c.ev.Date)))
	hasDate := err == nil && date.Year() > 1
	c.instant = c.ev.Timestamp.Time
	if c.instant.IsZero() {
		c.instant = c.ev.PublishTimestamp.Time
	}
	if c.instant.IsZero() {
		for i := range c.ev.Attributes {
			if t := c.ev.Attributes[i].Timestamp.Time; t.After(c.instant) {
				c.instant = t
			}
		}
	}
	if c.instant.IsZero() && hasDate {
		c.instant = date
	}
	if c.instant.IsZero() {
		c.instant = opt.Received
	}
	if c.instant.IsZero() {
		c.instant = time.Unix(0, 0)
	}
	c.modified = stamp(c.instant)
	c.created = c.modified
	if hasDate && date.Before(c.instant) {
		c.created = stamp(date)
	}
}

// span returns created and modified of what bears the timestamp t.
func (c *converter) span(t time.Time) (created, modified string) {
	if t.IsZero() {
		t = c.instant
	}
	modified = stamp(t)
	if c.created < modified {
		return c.created, modified
	}
	return modified, modified
}

// id returns typ's id from MISP's uuid, or one derived from the event and key.
func (c *converter) id(typ string, uuid Text, key string) string {
	if id, ok := ownID(typ, uuid); ok {
		return id
	}
	return derive(typ, "event", string(c.ev.UUID), string(c.ev.ID), string(c.ev.Info), key)
}

// put adds an object. If one of the same id is there, that one stays, with the
// more restrictive label.
func (c *converter) put(m fields, label tlp.Label, marked bool) string {
	id, _ := m["id"].(string)
	m["spec_version"] = "2.1"
	if at, ok := c.seen[id]; ok {
		have := &c.out[at]
		switch {
		case !marked || !have.marked:
			// Unmarked is read as the most restrictive.
			have.marked = false
			delete(have.fields, "object_marking_refs")
		case label < have.label:
			have.label = label
			have.fields["object_marking_refs"] = []string{label.Definition()}
		}
		return id
	}
	if marked {
		m["object_marking_refs"] = []string{label.Definition()}
	}
	c.seen[id] = len(c.out)
	c.out = append(c.out, item{fields: m, label: label, marked: marked})
	return id
}

// author adds the organisation that made the event.
func (c *converter) author() { c.authorID = c.org(c.ev.Orgc) }

func (c *converter) org(o Org) string {
	if strings.TrimSpace(string(o.Name)) == "" {
		return ""
	}
	id, ok := ownID("identity", o.UUID)
	if !ok {
		// Not the event's: an organisation is the same in all its events.
		id = derive("identity", "organisation", string(o.Name))
	}
	return c.put(fields{
		"type": "identity", "id": id, "created": c.created, "modified": c.modified,
		"name": string(o.Name), "identity_class": "organization",
	}, c.label, c.marked)
}

// labelled returns the label of a part: the event's, or a stricter one of its
// own.
func (c *converter) labelled(tags []Tag) (tlp.Label, bool) {
	own, ok := TLP(tags)
	switch {
	case !ok:
		return c.label, c.marked
	case !c.marked:
		// An unmarked event says nothing; the attribute's own word holds.
		return own, true
	}
	return tlp.Most(own, c.label), true
}

// names returns tags as labels, TLP left out.
func names(tags []Tag) []string {
	var out []string
	for _, t := range tags {
		n := strings.TrimSpace(string(t.Name))
		if n == "" || strings.HasPrefix(strings.ToLower(n), "tlp:") || slices.Contains(out, n) {
			continue
		}
		out = append(out, n)
	}
	return out
}

// attribute converts a; of is the object it belongs to, nil for none.
func (c *converter) attribute(a *Attribute, of *Object) {
	value := a.Text()
	if bool(a.Deleted) || strings.TrimSpace(value) == "" {
		return
	}
	tags := a.AllTags()
	label, marked := c.labelled(tags)
	c.galaxies(tags, a.Galaxies)
	typ := strings.ToLower(string(a.Type))
	if typ == "link" && marked == c.marked && label == c.label {
		// Further reading, not something seen: as a value it would match noise.
		c.links = append(c.links, fields{"source_name": "link", "url": value, "description": orDash(string(a.Comment), string(a.Category))})
		return
	}
	o, ok := Observe(typ, value)
	if !ok {
		c.bearer(a, c.custom(a, of, label, marked))
		return
	}
	if o.CVE != "" {
		c.bearer(a, c.vulnerability(o.CVE, string(a.Comment), label, marked))
		return
	}
	refs := make([]string, 0, len(o.Objects))
	for _, x := range o.Objects {
		x.Members["id"] = x.ID
		refs = append(refs, c.put(x.Members, label, marked))
	}
	switch {
	case bool(a.ToIDs) || len(refs) == 0:
		c.bearer(a, c.indicator(a, of, o, label, marked))
	default:
		c.bearer(a, c.observed(a, of, refs, label, marked))
	}
	for i := range a.Sightings {
		c.sighting(&a.Sightings[i], c.bearers[strings.ToLower(string(a.UUID))], label, marked)
	}
}

func (c *converter) bearer(a *Attribute, id string) {
	if c.bearers == nil {
		c.bearers = map[string]string{}
	}
	c.bearers[strings.ToLower(string(a.UUID))] = id
}

func orDash(s ...string) string {
	for _, v := range s {
		if strings.TrimSpace(v) != "" {
			return v
		}
	}
	return "-"
}

// about writes comment, category and what the value belongs to.
func about(a *Attribute, of *Object) string {
	var b strings.Builder
	b.WriteString(strings.TrimSpace(string(a.Comment)))
	line := func(name, v string) {
		if v = strings.TrimSpace(v); v == "" {
			return
		}
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(name + ": " + v)
	}
	line("Category", string(a.Category))
	line("Type", string(a.Type))
	if of != nil {
		line("Object", string(of.Name)+relation(a))
		line("Object comment", string(of.Comment))
	}
	return b.String()
}

func relation(a *Attribute) string {
	if a.Relation == "" {
		return ""
	}
	return ", " + string(a.Relation)
}

// when returns the time a value is known from.
func (c *converter) when(a *Attribute, of *Object) time.Time {
	t := a.FirstSeen.Time
	if t.IsZero() && of != nil {
		t = of.FirstSeen.Time
	}
	if t.IsZero() {
		t = a.Timestamp.Time
	}
	if t.IsZero() {
		t = c.instant
	}
	return t
}

// common fills the members all domain objects share.
func (c *converter) common(m fields, at time.Time, tags []Tag) fields {
	m["created"], m["modified"] = c.span(at)
	if c.authorID != "" {
		m["created_by_ref"] = c.authorID
	}
	if l := names(tags); len(l) > 0 {
		m["labels"] = l
	}
	return m
}

func (c *converter) indicator(a *Attribute, of *Object, o Observation, label tlp.Label, marked bool) string {
	m := fields{
		"type": "indicator", "id": c.id("indicator", a.UUID, string(a.Type)+" "+a.Text()),
		"name": shorten(a.Text(), 1000), "description": about(a, of),
		"pattern": o.Pattern, "pattern_type": o.PatternType, "valid_from": stamp(c.when(a, of)),
	}
	if o.PatternType != "stix" {
		m["name"] = orDash(string(a.Comment), o.PatternType+" rule")
	}
	return c.put(c.common(m, a.Timestamp.Time, a.AllTags()), label, marked)
}

func (c *converter) observed(a *Attribute, of *Object, refs []string, label tlp.Label, marked bool) string {
	first := c.when(a, of)
	last := a.LastSeen.Time
	if last.Before(first) {
		last = first
	}
	m := fields{
		"type": "observed-data", "id": c.id("observed-data", a.UUID, string(a.Type)+" "+a.Text()),
		"first_observed": stamp(first), "last_observed": stamp(last), "number_observed": 1, "object_refs": refs,
		"x_misp_category": string(a.Category), "x_misp_type": string(a.Type),
	}
	if d := about(a, of); d != "" {
		m["x_misp_comment"] = d
	}
	return c.put(c.common(m, a.Timestamp.Time, a.AllTags()), label, marked)
}

// custom keeps an attribute STIX has no object for.
func (c *converter) custom(a *Attribute, of *Object, label tlp.Label, marked bool) string {
	m := fields{
		"type": "x-misp-attribute", "id": c.id("x-misp-attribute", a.UUID, string(a.Type)+" "+a.Text()),
		"name": shorten(a.Text(), 200), "description": about(a, of),
		"x_misp_type": string(a.Type), "x_misp_category": string(a.Category), "x_misp_value": a.Text(),
		"x_misp_to_ids": bool(a.ToIDs),
	}
	return c.put(c.common(m, a.Timestamp.Time, a.AllTags()), label, marked)
}

func (c *converter) vulnerability(cve, description string, label tlp.Label, marked bool) string {
	m := fields{
		"type": "vulnerability", "id": derive("vulnerability", "cve", cve), "name": cve,
		"external_references": []any{fields{"source_name": "cve", "external_id": cve}},
	}
	if d := strings.TrimSpace(description); d != "" {
		m["description"] = d
	}
	return c.put(c.common(m, c.instant, nil), label, marked)
}

// sighting converts a sighting of the object named by target.
func (c *converter) sighting(s *Sighting, target string, label tlp.Label, marked bool) {
	if s.Type != 0 || target == "" || strings.HasPrefix(target, "x-") {
		return
	}
	at := s.Date.Time
	if at.IsZero() {
		at = c.instant
	}
	m := fields{
		"type": "sighting", "id": c.id("sighting", s.UUID, target+stamp(at)+string(s.Source)),
		"created": stamp(at), "modified": stamp(at), "first_seen": stamp(at), "last_seen": stamp(at),
		"count": 1, "sighting_of_ref": target,
	}
	if who := c.org(s.Org); who != "" {
		m["where_sighted_refs"] = []string{who}
	}
	if s.Source != "" {
		m["description"] = "Source: " + string(s.Source)
	}
	c.put(m, label, marked)
}

// object converts an object: a file's names and hashes together, the rest
// attribute by attribute.
func (c *converter) object(o *Object) {
	if o.Deleted {
		return
	}
	attrs := o.Attributes
	if strings.EqualFold(string(o.Name), "file") {
		c.file(o)
	}
	for i := range attrs {
		a := attrs[i]
		if a.Timestamp.IsZero() {
			a.Timestamp = o.Timestamp
		}
		a.Tags = append(slices.Clone(a.Tags), o.Tags...)
		c.attribute(&a, o)
	}
}

// file puts the names and hashes of a file object into one file.
func (c *converter) file(o *Object) {
	m, hashes := fields{}, map[string]string{}
	var tags []Tag
	for i := range o.Attributes {
		a := &o.Attributes[i]
		if a.Deleted {
			continue
		}
		value := strings.TrimSpace(a.Text())
		typ := strings.ToLower(string(a.Type))
		switch {
		case typ == "filename" && m["name"] == nil && value != "":
			if _, name := splitPath(value); name != "" {
				m["name"] = name
			}
		case typ == "mime-type" && value != "":
			m["mime_type"] = value
		case typ == "size-in-bytes":
			if n, err := strconv.ParseUint(value, 10, 53); err == nil {
				m["size"] = n
			}
		case hashNames[typ] != "":
			key, v, ok := hash(typ, value)
			if !ok {
				continue
			}
			hashes[key] = v
		default:
			continue
		}
		tags = append(tags, a.AllTags()...)
	}
	if len(hashes) == 0 || len(hashes) == 1 && len(m) == 0 {
		// Nothing to hold together: the attributes alone say it all.
		return
	}
	m["hashes"], m["type"] = hashes, "file"
	m["id"] = scoID(m)
	label, marked := c.labelled(append(tags, o.Tags...))
	c.put(m, label, marked)
}

// report adds the notes and, last, the report over everything else.
func (c *converter) report() {
	if c.ev.UUID == "" && c.ev.Info == "" {
		// The answer of a search for attributes: there is no event to report.
		return
	}
	ev := c.ev
	refs := c.open()
	if len(refs) == 0 {
		// A report must refer to something.
		refs = append(refs, c.put(fields{
			"type": "identity", "id": derive("identity", "organisation", "unknown"), "created": c.created, "modified": c.modified,
			"name": "unknown organisation", "identity_class": "unknown",
		}, c.label, c.marked))
	}
	published := ev.PublishTimestamp.Time
	if published.IsZero() {
		published = c.instant
	}
	id := c.id("report", ev.UUID, "")
	m := fields{
		"type": "report", "id": id, "name": orDash(string(ev.Info), string(ev.UUID)), "published": stamp(published),
		"report_types": []string{"threat-report"}, "object_refs": refs, "description": c.summary(),
	}
	if len(c.links) > 0 {
		m["external_references"] = c.links
	}
	for i := range ev.Reports {
		r := &ev.Reports[i]
		if bool(r.Deleted) || strings.TrimSpace(string(r.Content)) == "" {
			continue
		}
		c.put(c.common(fields{
			"type": "note", "id": c.id("note", r.UUID, string(r.Name)), "abstract": orDash(string(r.Name)),
			"content": string(r.Content), "object_refs": []string{id},
		}, r.Timestamp.Time, nil), c.label, c.marked)
	}
	c.put(c.common(m, time.Time{}, ev.AllTags()), c.label, c.marked)
}

// open returns the ids a report with the event's label may name, and groups the
// rest by label. An id of an observable can be computed from a guessed value, so
// naming it would tell what its own label hides.
func (c *converter) open() []string {
	refs := make([]string, 0, len(c.out))
	closed := map[tlp.Label][]string{}
	for _, m := range c.out {
		id, _ := m.fields["id"].(string)
		if c.marked && m.marked && m.label < c.label {
			closed[m.label] = append(closed[m.label], id)
			continue
		}
		refs = append(refs, id)
	}
	for _, l := range tlp.Labels() {
		if len(closed[l]) == 0 {
			continue
		}
		c.put(c.common(fields{
			"type": "grouping", "id": derive("grouping", "event", string(c.ev.UUID), string(c.ev.ID), string(c.ev.Info), l.String()),
			"name": orDash(string(c.ev.Info), string(c.ev.UUID)), "context": "unspecified", "object_refs": closed[l],
			"description": "Parts of the MISP event that are " + l.String() + ".",
		}, time.Time{}, nil), l, true)
	}
	return refs
}

// summary says in words what STIX's report has no member for.
func (c *converter) summary() string {
	ev := c.ev
	parts := []string{"MISP event"}
	if ev.Date != "" {
		parts[0] += " of " + string(ev.Date)
	}
	if ev.Orgc.Name != "" {
		parts[0] += " by " + string(ev.Orgc.Name)
	}
	if l := int(ev.ThreatLevel); l >= 1 && l <= 3 {
		parts = append(parts, "threat level "+[]string{"high", "medium", "low"}[l-1])
	}
	if a := int(ev.Analysis); a >= 0 && a <= 2 {
		parts = append(parts, "analysis "+[]string{"initial", "ongoing", "complete"}[a])
	}
	if ev.Listed {
		parts = append(parts, "listed without its attributes")
	}
	if n := len(ev.Proposals); n > 0 {
		parts = append(parts, strconv.Itoa(n)+" proposals not taken in")
	}
	return strings.Join(parts, "; ") + "."
}

// Attachment returns the decoded bytes an attribute carries, and false if it
// carries none or they are not base64.
func (a *Attribute) Attachment() ([]byte, bool) {
	if a.Data == "" {
		return nil, false
	}
	b, err := base64.StdEncoding.DecodeString(string(a.Data))
	return b, err == nil
}
