package view

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"casus/internal/core/alliance"
	"casus/internal/core/marking"
	"casus/internal/core/report"
	"casus/internal/fault"
	"casus/stix"
)

// Audience is one reader of a preview.
type Audience struct {
	Who  marking.Reader
	Name string // of the organisation
}

// Preview returns what each of an audience would get of a report if it were
// released so; the zero value asks how it stands. It tells of those objects alone
// that r reads himself, and, as [Store.Why] of others, nobody but the owner's
// organisation and full sight.
//
// Persons whom a readable marking names are asked about one by one, after the
// audience, as person returns them; nil knows nobody.
func (s *Store) Preview(ctx context.Context, r Reader, id string, audience []Audience, person func(alliance.Key) (Audience, bool), ask report.Release, now time.Time) (report.Preview, error) {
	rec, err := s.reportNo(r, id)
	if err != nil {
		return report.Preview{}, err
	}
	if !r.owns(s, s.effective(alone, rec)) {
		return report.Preview{}, notTheOwner("what others would get of a report")
	}
	if !rec.Closed {
		return report.Preview{}, unfinished(id)
	}
	p := &preview{s: s, rec: rec, rel: s.releaseOf(rec, ask), now: now, policy: s.Policy(), home: s.home(), decided: map[string][]marking.ReaderView{}, rows: map[fieldOf]*report.PreviewRow{}}
	snap := s.kv.Snapshot()
	defer func() { _ = snap.Close() }()
	m := s.matcher(r, snap, none)
	a, err := m.access(rec.No)
	if err != nil {
		return report.Preview{}, err
	}
	if person != nil {
		audience = p.named(a, audience, person)
	}
	for _, a := range audience {
		p.readers = append(p.readers, a.Who)
	}
	s.gave(r, alone, rec, "")
	container := p.binding(alone)
	p.out = report.Preview{
		Report: s.shortID("RPT", rec.Identity), Title: called(rec.heading(a)), Policy: p.policy.Digest(), TLP: container.Label(nil).String(),
		Organisations: []string{}, Rows: []report.PreviewRow{},
	}
	p.people(audience, container)
	if err := m.each(ctx, rec.No, p.object); err != nil {
		return report.Preview{}, err
	}
	p.finish()
	return p.out, nil
}

// releaseOf returns the release of a report after what is asked for.
func (s *Store) releaseOf(rec *record, ask report.Release) marking.Release {
	by := owned(s.effective(alone, rec), s.home()).Owner
	var to []marking.Recipient
	for _, o := range ask.To {
		if alliance.Org(o) != by {
			to = append(to, marking.Recipient{Org: alliance.Org(o), Until: ask.Until})
		}
	}
	if len(to) == 0 && ask.TLP == nil {
		return marking.Release{}
	}
	return marking.Release{}.With(by, ask.TLP, to...)
}

func unfinished(id string) error {
	return fault.WithHint(fault.Errorf(fault.Conflict, "view: report %.80s is not finished: its marking is not known yet", id), "hand the same file in again to complete it")
}

// fieldOf is a field of the objects of one type.
type fieldOf struct{ typ, field string }

// preview collects what an audience would get.
type preview struct {
	s       *Store
	rec     *record
	rel     marking.Release
	now     time.Time
	policy  *marking.Policy
	home    alliance.Org
	readers []marking.Reader
	// decided is what the readers get, by the texts of the object's set and of a
	// field's: there are few.
	decided map[string][]marking.ReaderView
	rows    map[fieldOf]*report.PreviewRow
	order   []fieldOf
	until   time.Time
	out     report.Preview
}

// binding returns the set that would bind a receipt of an own set.
func (p *preview) binding(own uint32) marking.Set {
	p.s.mu.RLock()
	set := p.s.within(own, p.rec)
	p.s.mu.RUnlock()
	return p.rel.Over(owned(set, p.home), p.now)
}

// named returns the audience with those whom the readable sets of the report name.
func (p *preview) named(a *access, audience []Audience, person func(alliance.Key) (Audience, bool)) []Audience {
	var keys []alliance.Key
	if a.self {
		keys = append(keys, p.binding(alone).Persons.To...)
	}
	for _, n := range p.rec.Sets {
		if a.has(n.Set) {
			keys = append(keys, p.binding(n.Set).Persons.To...)
		}
	}
	slices.Sort(keys)
	audience = slices.Clone(audience)
	for _, k := range slices.Compact(keys) {
		if one, ok := person(k); ok {
			audience = append(audience, one)
		}
	}
	return audience
}

// get decides over a field within an object for all readers.
func (p *preview) get(object, field marking.Set) []marking.ReaderView {
	key := object.String() + "\n" + field.String()
	views, ok := p.decided[key]
	if !ok {
		d := p.policy.DryRun(marking.Object{Set: object, Fields: []marking.Field{{Set: field}}}, p.readers, nil, p.now)
		views = d.Readers
		p.decided[key] = views
		p.out.Errors = append(p.out.Errors, d.Errors...)
		if t := d.ValidUntil; !t.IsZero() && (p.until.IsZero() || t.Before(p.until)) {
			p.until = t
		}
	}
	return views
}

// people fills in who the readers are and whether they see the report itself.
func (p *preview) people(audience []Audience, container marking.Set) {
	for i, v := range p.get(container, container) {
		row := report.PreviewReader{
			Reader: string(v.Org), Organisation: string(v.Org), Name: audience[i].Name, Owner: v.Org == container.Owner,
			Named:  slices.ContainsFunc(p.rel.To, func(to marking.Recipient) bool { return to.Org == v.Org }),
			Itself: v.Object.Effect == marking.Allow, Rules: clauses(p.policy, v.Object.Rules, v.Object.Errors),
		}
		if v.Person != "" {
			row.Reader = string(v.Person)
		}
		p.out.Readers = append(p.out.Readers, row)
	}
}

// object adds one object.
func (p *preview) object(rc receipt, o *stix.Object) error {
	p.out.Objects++
	whole := p.binding(rc.set)
	for i, v := range p.get(whole, whole) {
		if v.Object.Effect == marking.Allow {
			row := &p.out.Readers[i]
			if row.Objects == 0 && !row.Itself {
				row.Rules = clauses(p.policy, v.Object.Rules, nil) // what lets in tells more
			}
			row.Objects++
		}
	}
	for i := range o.Len() {
		name, _ := o.Member(i)
		p.field(fieldOf{o.Type(), string(name)}, p.get(whole, whole))
	}
	return nil
}

// field adds one field of an object.
func (p *preview) field(at fieldOf, views []marking.ReaderView) {
	row, ok := p.rows[at]
	if !ok {
		row = &report.PreviewRow{Type: at.typ, Fields: []string{at.field}}
		for i := range views {
			row.Cells = append(row.Cells, report.PreviewCell{Reader: p.out.Readers[i].Reader, Rules: []string{}})
		}
		p.rows[at] = row
		p.order = append(p.order, at)
	}
	row.Objects++
	for i, v := range views {
		c, r := &row.Cells[i], &p.out.Readers[i]
		switch v.Fields[0].View {
		case marking.Full:
			c.Full, r.Full = c.Full+1, r.Full+1
		case marking.Coarsened:
			c.Coarsened, r.Coarsened = c.Coarsened+1, r.Coarsened+1
		case marking.Withheld:
			c.Withheld, r.Withheld = c.Withheld+1, r.Withheld+1
		}
		c.Rules = append(c.Rules, v.Fields[0].Rules...)
	}
}

// finish puts fields that are treated alike in one row, and counts who sees what.
func (p *preview) finish() {
	at := map[string]int{}
	for _, key := range p.order {
		row := *p.rows[key]
		how := strings.Builder{}
		fmt.Fprintf(&how, "%s %d", row.Type, row.Objects)
		for i := range row.Cells {
			c := &row.Cells[i]
			c.Rules = sortedUnique(c.Rules)
			fmt.Fprintf(&how, " %d/%d/%d%v", c.Full, c.Coarsened, c.Withheld, c.Rules)
		}
		if i, ok := at[how.String()]; ok {
			p.out.Rows[i].Fields = append(p.out.Rows[i].Fields, row.Fields...)
			continue
		}
		at[how.String()] = len(p.out.Rows)
		p.out.Rows = append(p.out.Rows, row)
	}
	slices.SortStableFunc(p.out.Rows, func(a, b report.PreviewRow) int { return strings.Compare(a.Type, b.Type) })
	seeing := map[string]bool{}
	for _, r := range p.out.Readers {
		if r.Objects > 0 || r.Itself {
			p.out.Seeing++
			seeing[r.Organisation] = true
		}
	}
	p.out.Organisations = append(p.out.Organisations, slices.Sorted(maps.Keys(seeing))...)
	p.out.ValidUntil, p.out.Errors = instant(p.until), sortedUnique(p.out.Errors)
}
