package misp

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"strings"

	"casus/tlp"
)

// Event is one MISP event.
//
// Source: misp-core §2.2.
type Event struct {
	UUID             Text   `json:"uuid"`
	ID               Text   `json:"id"` // number at the server that wrote it
	Info             Text   `json:"info"`
	Date             Text   `json:"date"` // YYYY-MM-DD
	Timestamp        Time   `json:"timestamp"`
	PublishTimestamp Time   `json:"publish_timestamp"`
	Published        Flag   `json:"published"`
	Analysis         Int    `json:"analysis"`        // 0 initial, 1 ongoing, 2 complete
	ThreatLevel      Int    `json:"threat_level_id"` // 1 high, 2 medium, 3 low, 4 undefined; 0 not given
	Distribution     Int    `json:"distribution"`    // 0 own organisation … 3 all, 4 sharing group, 5 inherit
	SharingGroupID   Text   `json:"sharing_group_id"`
	ExtendsUUID      Text   `json:"extends_uuid"`
	Org              Org    `json:"Org"`  // who holds it
	Orgc             Org    `json:"Orgc"` // who made it
	Tags             Tags   `json:"Tag"`
	EventTags        Linked `json:"EventTag"` // tags as an index of events writes them

	Attributes   List[Attribute]   `json:"Attribute"`
	Objects      List[Object]      `json:"Object"`
	Galaxies     List[Galaxy]      `json:"Galaxy"`
	Reports      List[EventReport] `json:"EventReport"`
	Sightings    List[Sighting]    `json:"Sighting"`
	Proposals    List[Proposal]    `json:"ShadowAttribute"`
	Related      List[Related]     `json:"RelatedEvent"`
	SharingGroup SharingGroup      `json:"SharingGroup"`

	// Bad is the attributes, objects and other parts that could not be read, in
	// their order; they are in none of the lists above. A tag that cannot be read
	// is not among them, since it may be a marking: what bears it is bad.
	Bad []*Error `json:"-"`
	// Raw is the event as received, without its wrapper.
	Raw jsontext.Value `json:"-"`
	// Offset is the byte in the input at which Raw begins.
	Offset int64 `json:"-"`
	// Listed is set on an entry of an index or a manifest: the attributes are
	// elsewhere.
	Listed bool `json:"-"`
}

// Tags is a list of tags.
type Tags = List[Tag]

// Linked is a list of tags, each in an object that links it to its bearer.
type Linked = List[TagLink]

// Tag is a label of an event, attribute or object.
type Tag struct {
	Name       Text `json:"name"`
	Colour     Text `json:"colour"`
	Exportable Flag `json:"exportable"`
	Local      Flag `json:"local"`
}

// TagLink ties a tag to its bearer.
type TagLink struct {
	Tag Tag `json:"Tag"`
}

// Org is an organisation. The zero value means none is named.
type Org struct {
	UUID  Text `json:"uuid"`
	Name  Text `json:"name"`
	ID    Text `json:"id"`
	Local Flag `json:"local"`
}

// UnmarshalJSONFrom reads an organisation; what is no object is none.
func (o *Org) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	type plain Org
	return objectOnly(dec, (*plain)(o))
}

// objectOnly reads a JSON object into v and skips any other value: PHP writes an
// absent relation as [], null, false or "".
func objectOnly(dec *jsontext.Decoder, v any) error {
	if dec.PeekKind() != '{' {
		return dec.SkipValue()
	}
	return json.UnmarshalDecode(dec, v)
}

// Attribute is one value and what is said about it.
//
// Source: misp-core §2.4.
type Attribute struct {
	UUID           Text           `json:"uuid"`
	ID             Text           `json:"id"`
	Type           Text           `json:"type"`
	Category       Text           `json:"category"`
	Value          Text           `json:"value"`
	Value1         Text           `json:"value1"` // some answers split a pair
	Value2         Text           `json:"value2"`
	Comment        Text           `json:"comment"`
	ToIDs          Flag           `json:"to_ids"` // meant for detection
	Timestamp      Time           `json:"timestamp"`
	FirstSeen      Time           `json:"first_seen"`
	LastSeen       Time           `json:"last_seen"`
	Distribution   Int            `json:"distribution"`
	SharingGroupID Text           `json:"sharing_group_id"`
	SharingGroup   SharingGroup   `json:"SharingGroup"`
	Deleted        Flag           `json:"deleted"`
	Uncorrelated   Flag           `json:"disable_correlation"`
	Relation       Text           `json:"object_relation"`
	Data           Text           `json:"data"` // base64
	Tags           Tags           `json:"Tag"`
	AttributeTags  Linked         `json:"AttributeTag"`
	Galaxies       List[Galaxy]   `json:"Galaxy"`
	Sightings      List[Sighting] `json:"Sighting"`
	Proposals      List[Proposal] `json:"ShadowAttribute"`
}

// Text returns the whole value, joined with "|" where it came in two parts.
func (a *Attribute) Text() string {
	if a.Value != "" || a.Value1 == "" {
		return string(a.Value)
	}
	if a.Value2 == "" {
		return string(a.Value1)
	}
	return string(a.Value1) + "|" + string(a.Value2)
}

// Object groups attributes by a template.
//
// Source: misp-core §2.6.
type Object struct {
	UUID            Text            `json:"uuid"`
	Name            Text            `json:"name"`
	MetaCategory    Text            `json:"meta-category"`
	Description     Text            `json:"description"`
	Comment         Text            `json:"comment"`
	TemplateUUID    Text            `json:"template_uuid"`
	TemplateVersion Text            `json:"template_version"`
	Timestamp       Time            `json:"timestamp"`
	FirstSeen       Time            `json:"first_seen"`
	LastSeen        Time            `json:"last_seen"`
	Distribution    Int             `json:"distribution"`
	SharingGroupID  Text            `json:"sharing_group_id"`
	Deleted         Flag            `json:"deleted"`
	Tags            Tags            `json:"Tag"`
	Attributes      List[Attribute] `json:"Attribute"`
	References      List[Reference] `json:"ObjectReference"`
}

// Reference points from an object to another object or an attribute.
type Reference struct {
	UUID         Text `json:"uuid"`
	Referenced   Text `json:"referenced_uuid"`
	Relationship Text `json:"relationship_type"`
	Comment      Text `json:"comment"`
	Timestamp    Time `json:"timestamp"`
	Deleted      Flag `json:"deleted"`
}

// Galaxy is a family of clusters.
//
// Source: misp-core §2.10.
type Galaxy struct {
	UUID        Text          `json:"uuid"`
	Name        Text          `json:"name"`
	Type        Text          `json:"type"`
	Description Text          `json:"description"`
	Clusters    List[Cluster] `json:"GalaxyCluster"`
}

// Cluster is one named thing of a galaxy: an actor, a technique, a family.
type Cluster struct {
	UUID        Text       `json:"uuid"`
	Type        Text       `json:"type"`
	Value       Text       `json:"value"`
	TagName     Text       `json:"tag_name"`
	Description Text       `json:"description"`
	Source      Text       `json:"source"`
	Authors     List[Text] `json:"authors"`
	Meta        Meta       `json:"meta"`
}

// Meta is what a galaxy knows about a cluster. Other members are left in the
// raw event.
type Meta struct {
	Synonyms   List[Text] `json:"synonyms"`
	Refs       List[Text] `json:"refs"`
	ExternalID List[Text] `json:"external_id"`
	KillChain  List[Text] `json:"kill_chain"`
	Country    List[Text] `json:"country"`
}

// UnmarshalJSONFrom reads what is known; anything but an object is nothing.
func (m *Meta) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	type plain Meta
	return objectOnly(dec, (*plain)(m))
}

// Sighting says that somebody saw the value.
//
// Source: misp-core §2.9.
type Sighting struct {
	UUID   Text `json:"uuid"`
	Date   Time `json:"date_sighting"`
	Type   Int  `json:"type"` // 0 seen, 1 false positive, 2 expiration
	Source Text `json:"source"`
	Org    Org  `json:"Organisation"`
	// AttributeUUID is set where sightings stand beside the attributes.
	AttributeUUID Text `json:"attribute_uuid"`
}

// EventReport is prose about an event, in Markdown.
//
// Source: misp-core §2.12.
type EventReport struct {
	UUID      Text `json:"uuid"`
	Name      Text `json:"name"`
	Content   Text `json:"content"`
	Timestamp Time `json:"timestamp"`
	Deleted   Flag `json:"deleted"`
}

// Proposal is a change somebody else proposes: an attribute nobody has accepted
// yet, or, with Old set, another wording of one.
//
// Source: misp-core §2.5.
type Proposal struct {
	UUID      Text `json:"uuid"`
	Old       Text `json:"old_id"` // number of the attribute it would change
	Type      Text `json:"type"`
	Category  Text `json:"category"`
	Value     Text `json:"value"`
	Comment   Text `json:"comment"`
	ToIDs     Flag `json:"to_ids"`
	Timestamp Time `json:"timestamp"`
	Deletion  Flag `json:"proposal_to_delete"`
	Deleted   Flag `json:"deleted"`
	Org       Org  `json:"Org"`
}

// Related points to an event with values in common.
type Related struct {
	Event struct {
		UUID Text `json:"uuid"`
		Info Text `json:"info"`
		Date Text `json:"date"`
		Orgc Org  `json:"Orgc"`
	} `json:"Event"`
}

// SharingGroup is a named audience. The zero value means none is named.
//
// Source: misp-core §2.3.
type SharingGroup struct {
	UUID          Text                   `json:"uuid"`
	ID            Text                   `json:"id"`
	Name          Text                   `json:"name"`
	Description   Text                   `json:"description"`
	Releasability Text                   `json:"releasability"`
	Active        Flag                   `json:"active"`
	Roaming       Flag                   `json:"roaming"`
	Orgs          List[SharingGroupOrg]  `json:"SharingGroupOrg"`
	Servers       List[SharingGroupHost] `json:"SharingGroupServer"`
}

// UnmarshalJSONFrom reads a sharing group; what is no object is none.
func (g *SharingGroup) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	type plain SharingGroup
	return objectOnly(dec, (*plain)(g))
}

// SharingGroupOrg is a member of a sharing group.
type SharingGroupOrg struct {
	Extend       Flag `json:"extend"`
	Organisation Org  `json:"Organisation"`
}

// SharingGroupHost is a server of a sharing group.
type SharingGroupHost struct {
	AllOrgs Flag `json:"all_orgs"`
}

// AllTags returns the event's tags, whichever way they are written.
func (e *Event) AllTags() []Tag { return allTags(e.Tags, e.EventTags) }

// AllTags returns the attribute's tags, whichever way they are written.
func (a *Attribute) AllTags() []Tag { return allTags(a.Tags, a.AttributeTags) }

func allTags(tags Tags, linked Linked) []Tag {
	out := append([]Tag(nil), tags...)
	for _, l := range linked {
		if l.Tag.Name != "" {
			out = append(out, l.Tag)
		}
	}
	return out
}

// TLP returns the most restrictive label among tags; marked is false when none
// of them is of the tlp taxonomy. A tag of that taxonomy which names no label of
// TLP, such as tlp:ex:chr or tlp:unclear, counts as RED: what cannot be read
// opens nothing.
func TLP(tags []Tag) (label tlp.Label, marked bool) {
	label = tlp.Clear
	for _, t := range tags {
		name := strings.ToLower(strings.TrimSpace(string(t.Name)))
		rest, ok := strings.CutPrefix(name, "tlp:")
		if !ok {
			continue
		}
		marked = true
		l, _ := tlp.Parse(rest) // RED when unknown
		label = tlp.Most(label, l)
	}
	if !marked {
		return tlp.Red, false
	}
	return label, true
}

// TLP returns the event's label; marked is false when it bears no tag of TLP.
func (e *Event) TLP() (label tlp.Label, marked bool) { return TLP(e.AllTags()) }
