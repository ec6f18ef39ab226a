package misp

import (
	"regexp"
	"strings"

	"casus/tlp"
)

// galaxies adds the clusters, and those that tags name alone.
func (c *converter) galaxies(tags []Tag, list []Galaxy) {
	label, marked := c.labelled(tags)
	for i := range list {
		for j := range list[i].Clusters {
			cl := &list[i].Clusters[j]
			typ := string(cl.Type)
			if typ == "" {
				typ = string(list[i].Type)
			}
			c.cluster(typ, cl, label, marked)
		}
	}
	for _, t := range tags {
		if typ, value, ok := galaxyTag(string(t.Name)); ok {
			c.cluster(typ, &Cluster{Value: Text(value)}, label, marked)
		}
	}
}

// galaxyTag splits misp-galaxy:threat-actor="Name".
func galaxyTag(name string) (typ, value string, ok bool) {
	rest, ok := strings.CutPrefix(name, "misp-galaxy:")
	if !ok {
		return "", "", false
	}
	typ, value, ok = strings.Cut(rest, "=")
	value = strings.Trim(strings.TrimSpace(value), `"`)
	return strings.TrimSpace(typ), value, ok && value != ""
}

// galaxyKind returns the STIX type of clusters of a galaxy, "" for galaxies
// that stay labels. Galaxies are many and named freely; what counts is the
// noun their type ends with.
func galaxyKind(typ string) string {
	t := strings.ToLower(typ)
	switch {
	case strings.Contains(t, "attack-pattern"):
		return "attack-pattern"
	case strings.Contains(t, "course-of-action"):
		return "course-of-action"
	case strings.Contains(t, "intrusion-set"), strings.Contains(t, "threat-actor"), strings.Contains(t, "activity-group"), strings.Contains(t, "360net"):
		return "intrusion-set"
	case t == "branded-vulnerability":
		return "vulnerability"
	case strings.HasSuffix(t, "-tool"):
		return "tool"
	}
	for _, family := range [...]string{"malware", "malpedia", "ransomware", "banker", "botnet", "backdoor", "stealer", "rat", "exploit-kit", "tool", "android", "cryptominers"} {
		if t == family || strings.HasSuffix(t, "-"+family) {
			return "malware"
		}
	}
	return ""
}

var attackID = regexp.MustCompile(`^(.*?)\s+-\s+([TGSMC]\d{4}(?:\.\d{3})?)$`)

// attackForm is an id of ATT&CK.
var attackForm = regexp.MustCompile(`^[TGSMC]\d{4}(?:\.\d{3})?$`)

func (c *converter) cluster(galaxy string, cl *Cluster, label tlp.Label, marked bool) {
	typ := galaxyKind(galaxy)
	value := strings.TrimSpace(string(cl.Value))
	if typ == "" || value == "" {
		return
	}
	// The id rests on what a tag alone tells, so that a cluster and the tag of
	// it are one object.
	id := derive(typ, "cluster", strings.ToLower(galaxy), strings.ToLower(value))
	var ids []string
	name := value
	if m := attackID.FindStringSubmatch(value); m != nil && m[1] != "" {
		name, ids = m[1], append(ids, m[2])
	}
	for _, x := range cl.Meta.ExternalID {
		if s := strings.TrimSpace(string(x)); attackForm.MatchString(s) && (len(ids) == 0 || ids[0] != s) {
			ids = append(ids, s)
		}
	}
	m := fields{"type": typ, "id": id, "name": name}
	if d := strings.TrimSpace(string(cl.Description)); d != "" {
		m["description"] = d
	}
	var refs []any
	for _, x := range ids {
		refs = append(refs, fields{"source_name": "mitre-attack", "external_id": x})
	}
	for i, r := range cl.Meta.Refs {
		if u := strings.TrimSpace(string(r)); i < 20 && strings.HasPrefix(u, "http") {
			refs = append(refs, fields{"source_name": "misp-galaxy", "url": u})
		}
	}
	if len(refs) > 0 {
		m["external_references"] = refs
	}
	var aliases []string
	for _, s := range cl.Meta.Synonyms {
		if v := strings.TrimSpace(string(s)); v != "" {
			aliases = append(aliases, v)
		}
	}
	// These two have no aliases in STIX; the names stay in the raw event.
	if len(aliases) > 0 && typ != "course-of-action" && typ != "vulnerability" {
		m["aliases"] = aliases
	}
	if typ == "malware" {
		m["is_family"] = true
	}
	c.put(c.common(m, c.instant, nil), label, marked)
}
