package marking

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"casus/internal/core/alliance"
	"casus/internal/fault"
)

// labelSpace is the namespace of confidentiality labels.
//
// Source: stanag-4774 appendix 1.
const labelSpace = "urn:nato:stanag:4774:confidentialitymetadatalabel:1:0"

// Most that is read of a label.
const (
	maxLabelBytes  = 64 << 10
	maxLabelDepth  = 16
	maxLabelValues = 256
)

// labelRoots are the elements that a label may be.
var labelRoots = []string{
	"originatorConfidentialityLabel", "alternativeConfidentialityLabel", "metadataConfidentialityLabel", "ConfidentialityLabel",
}

// CategoryType says how a category of a label bears on the audience. The zero
// value is restrictive.
type CategoryType uint8

// The types of categories.
const (
	Restrictive CategoryType = iota // every reader must hold every value
	Permissive                      // the reader must be one of the values
	Informative                     // no bearing on reading
)

var categoryTypes = [...]string{"RESTRICTIVE", "PERMISSIVE", "INFORMATIVE"}

// String returns the standard's word.
func (t CategoryType) String() string { return categoryTypes[min(int(t), len(categoryTypes)-1)] }

// releasable is the tag of the category that names members a thing may be
// released to. It is compared without regard to case and spaces.
const releasable = "Releasable To"

// plainTag is the tag of caveats that are written without a tag of their own.
const plainTag = "Caveat"

// Category is a category of a label.
type Category struct {
	Tag    string
	Type   CategoryType
	URI    string // "" when not given
	Values []string
}

// Label is a confidentiality label as it travels. What it means here is told by
// [Ladders.Set].
//
// Source: stanag-4774 appendix 1.
type Label struct {
	// Root is the element's name; "" is written as the originator's label.
	Root string
	// Policy names the security policy, PolicyURI is its identifier or "".
	Policy, PolicyURI string
	// Classification is the level's name in the policy.
	Classification string
	// PrivacyMark is a text for people, "" for none.
	PrivacyMark string
	Categories  []Category
	// Created is when the label was made, Review when it must be looked at again;
	// zero when not given. A label past its review still holds.
	Created, Review time.Time
}

// ParseLabel reads a label in XML. Its elements stand in the namespace of the
// standard. What others add beside the label's information is left out; anything
// unknown within it, or in that namespace, might restrict and is refused. Errors
// are Invalid faults.
func ParseLabel(text []byte) (*Label, error) {
	if len(text) > maxLabelBytes {
		return nil, fault.Errorf(fault.Invalid, "marking: label: %d bytes, want at most %d", len(text), maxLabelBytes)
	}
	root, err := readTree(text)
	if err != nil {
		return nil, fault.Errorf(fault.Invalid, "marking: label: %w", err)
	}
	l := &Label{Root: root.name}
	if err := l.readRoot(root); err != nil {
		return nil, fault.Errorf(fault.Invalid, "marking: label: %w", err)
	}
	return l, nil
}

// element is one element of the label's namespace.
type element struct {
	name  string
	attrs map[string]string
	text  string
	kids  []*element
}

// readTree reads the elements of the label's namespace.
func readTree(text []byte) (*element, error) {
	d := xml.NewDecoder(bytes.NewReader(text))
	var stack []*element
	var root *element
	foreign, values := 0, 0
	for {
		tok, err := d.Token()
		switch {
		case errors.Is(err, io.EOF) && root != nil && len(stack) == 0:
			return root, nil
		case errors.Is(err, io.EOF):
			return nil, fault.Errorf(fault.Invalid, "it is not complete")
		case err != nil:
			return nil, fault.Errorf(fault.Invalid, "no XML: %w", err)
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			if values++; values > maxLabelValues || len(stack)+foreign >= maxLabelDepth {
				return nil, fault.Errorf(fault.Invalid, "more than %d elements or %d levels", maxLabelValues, maxLabelDepth)
			}
			if foreign > 0 || tok.Name.Space != labelSpace {
				// Outside of the root there is only the label; inside of its information
				// anything may restrict.
				if len(stack) != 1 && foreign == 0 {
					return nil, fault.Errorf(fault.Invalid, "%.60q in %.80q is not known here", tok.Name.Local, tok.Name.Space)
				}
				foreign++
				continue
			}
			e, err := startOf(tok)
			switch {
			case err != nil:
				return nil, err
			case len(stack) > 0:
				up := stack[len(stack)-1]
				up.kids = append(up.kids, e)
			case root != nil:
				return nil, fault.Errorf(fault.Invalid, "a second element follows")
			default:
				root = e
			}
			stack = append(stack, e)
		case xml.EndElement:
			if foreign > 0 {
				foreign--
				continue
			}
			stack = stack[:len(stack)-1]
		case xml.CharData:
			if foreign == 0 && len(stack) > 0 {
				stack[len(stack)-1].text += string(tok)
			}
		case xml.Directive:
			return nil, fault.Errorf(fault.Invalid, "a document type is not read")
		}
	}
}

func startOf(tok xml.StartElement) (*element, error) {
	e := &element{name: tok.Name.Local, attrs: map[string]string{}}
	for _, a := range tok.Attr {
		if a.Name.Space != "" || a.Name.Local == "xmlns" {
			continue
		}
		if _, twice := e.attrs[a.Name.Local]; twice {
			return nil, fault.Errorf(fault.Invalid, "%s: attribute %.40q stands twice", e.name, a.Name.Local)
		}
		e.attrs[a.Name.Local] = a.Value
	}
	return e, nil
}

// one returns the element of e with the name; there must be at most one, and
// exactly one if it must be there.
func (e *element) one(name string, must bool) (*element, error) {
	var found *element
	for _, k := range e.kids {
		if k.name != name {
			continue
		}
		if found != nil {
			return nil, fault.Errorf(fault.Invalid, "%s: %s stands twice", e.name, name)
		}
		found = k
	}
	if found == nil && must {
		return nil, fault.Errorf(fault.Invalid, "%s has no %s", e.name, name)
	}
	return found, nil
}

// only refuses elements of e that are none of the names.
func (e *element) only(names ...string) error {
	for _, k := range e.kids {
		if !slices.Contains(names, k.name) {
			return fault.Errorf(fault.Invalid, "%s: %.60q is not known", e.name, k.name)
		}
	}
	return nil
}

// token returns the text of e without spaces at its ends; it is one line of at
// most 256 bytes.
func (e *element) token() (string, error) {
	text := strings.TrimSpace(e.text)
	if text == "" || len(text) > 256 || len(e.kids) > 0 || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' }) {
		return "", fault.Errorf(fault.Invalid, "%s: %.60q: want one line of text", e.name, text)
	}
	return text, nil
}

func (l *Label) readRoot(root *element) error {
	if !slices.Contains(labelRoots, root.name) {
		return fault.Errorf(fault.Invalid, "%.60q is no label", root.name)
	}
	if err := root.only("ConfidentialityInformation", "OriginatorID", "CreationDateTime", "SuccessionHandling"); err != nil {
		return err
	}
	info, err := root.one("ConfidentialityInformation", true)
	if err != nil {
		return err
	}
	if err := l.readInformation(info); err != nil {
		return err
	}
	made, err := root.one("CreationDateTime", false)
	if err != nil {
		return err
	}
	if made != nil {
		if l.Created, err = labelTime(made.text); err != nil {
			return err
		}
	}
	if text, ok := root.attrs["ReviewDateTime"]; ok {
		if l.Review, err = labelTime(text); err != nil {
			return err
		}
	}
	return nil
}

// labelTime reads an instant and keeps whole seconds.
func labelTime(text string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, strings.TrimSpace(text))
	if err != nil || t.UTC().Year() < 1 || t.UTC().Year() > 9999 {
		return time.Time{}, fault.Errorf(fault.Invalid, "%.40q is no instant with a zone", text)
	}
	return t.UTC().Truncate(time.Second), nil
}

func (l *Label) readInformation(info *element) error {
	if err := info.only("PolicyIdentifier", "Classification", "PrivacyMark", "Category"); err != nil {
		return err
	}
	policy, err := info.one("PolicyIdentifier", true)
	if err != nil {
		return err
	}
	if l.Policy, err = policy.token(); err != nil {
		return err
	}
	l.PolicyURI = strings.TrimSpace(policy.attrs["URI"])
	class, err := info.one("Classification", true)
	if err != nil {
		return err
	}
	if l.Classification, err = class.token(); err != nil {
		return err
	}
	mark, err := info.one("PrivacyMark", false)
	if err != nil {
		return err
	}
	if mark != nil {
		if l.PrivacyMark, err = mark.token(); err != nil {
			return err
		}
	}
	for _, k := range info.kids {
		if k.name != "Category" {
			continue
		}
		c, err := readCategory(k)
		if err != nil {
			return err
		}
		l.Categories = append(l.Categories, c)
	}
	return nil
}

// readCategory reads a category. Only generic values are used by the standard.
func readCategory(e *element) (Category, error) {
	c := Category{Tag: strings.TrimSpace(e.attrs["TagName"]), URI: strings.TrimSpace(e.attrs["URI"])}
	i := slices.Index(categoryTypes[:], e.attrs["Type"])
	if i < 0 || c.Tag == "" || len(c.Tag) > 256 || strings.ContainsFunc(c.Tag, func(r rune) bool { return r < ' ' }) {
		return c, fault.Errorf(fault.Invalid, "Category: type %.40q of %.60q: want RESTRICTIVE, PERMISSIVE or INFORMATIVE, and a TagName", e.attrs["Type"], c.Tag)
	}
	c.Type = CategoryType(i) //nolint:gosec // the table is short
	if err := e.only("GenericValue"); err != nil {
		return c, err
	}
	for _, k := range e.kids {
		v, err := k.token()
		if err != nil {
			return c, err
		}
		c.Values = append(c.Values, v)
	}
	return c, nil
}

// MarshalXML writes what [ParseLabel] reads.
func (l *Label) MarshalXML(e *xml.Encoder, _ xml.StartElement) error {
	type attrs = []xml.Attr
	attr := func(list attrs, name, value string) attrs {
		if value == "" {
			return list
		}
		return append(list, xml.Attr{Name: xml.Name{Local: name}, Value: value})
	}
	var failed error
	put := func(tok xml.Token) {
		if failed == nil {
			failed = e.EncodeToken(tok)
		}
	}
	open := func(name string, list attrs) xml.EndElement {
		start := xml.StartElement{Name: xml.Name{Local: name}, Attr: list}
		put(start)
		return start.End()
	}
	leaf := func(name, text string, list attrs) {
		if text == "" {
			return
		}
		end := open(name, list)
		put(xml.CharData(text))
		put(end)
	}
	at := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.UTC().Format(time.RFC3339)
	}
	name := l.Root
	if name == "" {
		name = labelRoots[0]
	}
	root := open(name, attr(attrs{{Name: xml.Name{Local: "xmlns"}, Value: labelSpace}}, "ReviewDateTime", at(l.Review)))
	info := open("ConfidentialityInformation", nil)
	leaf("PolicyIdentifier", l.Policy, attr(nil, "URI", l.PolicyURI))
	leaf("Classification", l.Classification, nil)
	leaf("PrivacyMark", l.PrivacyMark, nil)
	for _, c := range l.Categories {
		end := open("Category", attr(attr(attr(nil, "TagName", c.Tag), "Type", c.Type.String()), "URI", c.URI))
		for _, v := range c.Values {
			leaf("GenericValue", v, nil)
		}
		put(end)
	}
	put(info)
	leaf("CreationDateTime", at(l.Created), nil)
	put(root)
	return failed
}

// Set returns what a label restricts here: its classification, its caveats and to
// whom it may be released. It says nothing of TLP, so the set is RED, imputed.
//
// A policy or level that no ladder knows becomes a classification that nobody is
// cleared for. The tag of a restrictive category is part of the caveat, and of a
// permissive one only "Releasable To" is understood: any other narrows an audience
// in a way we cannot tell, and the set then names nobody. Two of them must both
// name the member. A value that cannot stand in a set is no member and no caveat
// that anybody has.
//
// Source: stanag-4774 appendix 1; casus decision 0019.
func (ls *Ladders) Set(l *Label) Set {
	s := Set{Imputed: true, Classes: []Level{ls.level(l)}}
	for _, c := range l.Categories {
		switch c.Type {
		case Informative:
		case Permissive:
			var to []alliance.Member
			for _, v := range c.Values {
				if m := alliance.Member(v); sameTag(c.Tag, releasable) && m.Validate() == nil {
					to = append(to, m)
				}
			}
			s.Releasable = joinNamed(s.Releasable, Only(to...), false, false)
		case Restrictive:
			if len(c.Values) == 0 {
				s.Caveats = append(s.Caveats, unreadableCaveat)
			}
			for _, v := range c.Values {
				caveat := c.Tag + " " + v
				if c.Tag == plainTag {
					caveat = v
				}
				if !caveatName(caveat) {
					caveat = unreadableCaveat
				}
				s.Caveats = append(s.Caveats, caveat)
			}
		}
	}
	s.Caveats = union(s.Caveats, nil)
	return s
}

// unreadableCaveat stands for one that cannot be written in a set. Nobody may be
// read into it.
const unreadableCaveat = "(unreadable)"

// noLevel stands for a policy or level that no ladder knows. Ladders cannot be
// named so, for the name is reserved.
const noLevel Level = "unknown/UNKNOWN"

func sameTag(a, b string) bool {
	strip := func(s string) string { return strings.ReplaceAll(s, " ", "") }
	return strings.EqualFold(strip(a), strip(b))
}

// level returns the level that a label names: by the policy's identifier if it has
// one, which must then agree with its name.
func (ls *Ladders) level(l *Label) Level {
	for _, o := range ls.list {
		if !strings.EqualFold(o.Policy, l.Policy) || l.PolicyURI != "" && l.PolicyURI != o.URI {
			continue
		}
		if r := o.rank(strings.ToUpper(l.Classification)); r >= 0 {
			return Level(o.Name + "/" + o.Levels[r])
		}
	}
	return noLevel
}

// Labels returns the labels that say what s restricts, one for each
// classification, made at now; none for a set without. Read again, each gives the
// same caveats and releasability, and its classification.
func (ls *Ladders) Labels(s Set, now time.Time) ([]*Label, error) {
	var out []*Label
	for _, class := range s.Classes {
		o := ls.ladder(class.Ladder())
		if o == nil || o.rank(class.Name()) < 0 {
			return nil, fault.Errorf(fault.Invalid, "marking: label: no ladder knows %.80q", class)
		}
		l := &Label{Root: labelRoots[min(len(out), 1)], Policy: o.Policy, PolicyURI: o.URI, Classification: class.Name(), Created: now.UTC().Truncate(time.Second)}
		if len(s.Caveats) > 0 {
			l.Categories = append(l.Categories, caveatCategories(s.Caveats)...)
		}
		if s.Releasable.Said {
			c := Category{Tag: releasable, Type: Permissive}
			for _, m := range s.Releasable.To {
				c.Values = append(c.Values, string(m))
			}
			l.Categories = append(l.Categories, c)
		}
		out = append(out, l)
	}
	return out, nil
}

// caveatCategories writes each caveat as a tag, its first word, and a value, the
// rest, so that reading gives the caveat again.
func caveatCategories(caveats []string) []Category {
	var out []Category
	for _, c := range caveats {
		tag, value, ok := strings.Cut(c, " ")
		if !ok || tag == plainTag {
			tag, value = plainTag, c
		}
		out = append(out, Category{Tag: tag, Type: Restrictive, Values: []string{value}})
	}
	return out
}
