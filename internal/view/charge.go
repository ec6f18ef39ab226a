package view

import (
	"context"
	"encoding/binary"
	"encoding/json/v2"
	"slices"
	"strings"
	"time"

	"casus/internal/core/alliance"
	"casus/internal/core/marking"
	"casus/internal/core/privacy"
	"casus/internal/event"
	"casus/internal/eventlog"
	"casus/internal/fault"
)

// owner returns the organisation that answers for what o handed in: what came in
// before there were people is the node's own organisation's.
func (s *Store) owner(o alliance.Org) alliance.Org {
	if o == "" {
		return s.home()
	}
	return o
}

// answers reports whether r answers for what an organisation handed in: full sight
// for all, a data-protection officer for his own organisation's.
//
// Source: casus decision 0029.
func (s *Store) answers(r Reader, o alliance.Org) bool {
	if r.all {
		return true
	}
	return r.sight != nil && r.sight.who.Role == alliance.DataProtection && r.sight.who.Org != "" && s.owner(o) == r.sight.who.Org
}

// foreign is why the receipts of others are not erased.
const foreign = "another organisation answers for it"

func otherOwner(id string) error {
	return fault.WithHint(fault.Errorf(fault.Denied, "view: %.120s: %s", id, foreign), "its own data-protection officer can erase it")
}

// charged resolves a report that r may read or answers for.
func (s *Store) charged(r Reader, id string) (*record, error) {
	return s.reportWhere(r, id, func(rec *record) bool { return s.answers(r, rec.Owner) || s.access(r, rec).visible() })
}

// hold is a legal hold as the view holds it.
type hold struct {
	event.Hold
	By     string  `json:"by"`
	Lifted *lifted `json:"lifted,omitempty"`
}

type lifted struct {
	By     string    `json:"by"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
}

func parseHold(raw []byte) (*hold, error) {
	h := new(hold)
	if err := json.Unmarshal(raw, h); err != nil {
		return nil, fault.Errorf(fault.Internal, "view: hold: %w", err)
	}
	return h, nil
}

func (f *folding) holdSet(e *eventlog.Stored) error {
	if e.Erased {
		return nil
	}
	h := &hold{By: e.Header.Author}
	if err := event.Read(e.Payload, &h.Hold); err != nil {
		return err
	}
	return f.putHold(h)
}

func (f *folding) holdLifted(e *eventlog.Stored) error {
	if e.Erased {
		return nil
	}
	var p event.HoldGone
	if err := event.Read(e.Payload, &p); err != nil {
		return err
	}
	h := f.holds[p.ID]
	if h == nil {
		raw, ok, err := f.s.kv.Get([]byte("h" + p.ID))
		if err != nil || !ok {
			return err
		}
		if h, err = parseHold(raw); err != nil {
			return err
		}
	}
	h.Lifted = &lifted{By: e.Header.Author, Reason: p.Reason, At: p.At}
	return f.putHold(h)
}

func (f *folding) putHold(h *hold) error {
	if f.holds == nil {
		f.holds = map[string]*hold{}
	}
	f.holds[h.ID] = h
	raw, err := json.Marshal(h)
	if err != nil {
		return fault.Errorf(fault.Internal, "view: hold: %w", err)
	}
	return f.kv.Set([]byte("h"+h.ID), raw)
}

// inForce returns the holds in force.
func (s *Store) inForce() ([]*hold, error) {
	var out []*hold
	for p, err := range s.prefix("h") {
		if err != nil {
			return nil, err
		}
		h, err := parseHold(p.Value)
		if err != nil {
			return nil, err
		}
		if h.Lifted == nil {
			out = append(out, h)
		}
	}
	return out, nil
}

// holding answers which hold keeps a report.
type holding struct {
	s       *Store
	list    []*hold
	reports map[uint32][]*hold // of the holds on objects, by report
}

func (s *Store) holding() (*holding, error) {
	list, err := s.inForce()
	if err != nil {
		return nil, err
	}
	h := &holding{s: s, list: list, reports: map[uint32][]*hold{}}
	for _, one := range list {
		if one.On != privacy.OnObject {
			continue
		}
		vs, err := s.matcher(LocalOperator(), s.kv, none).versions(one.Target)
		if err != nil {
			return nil, err
		}
		for _, v := range vs {
			for _, rc := range v.receipts {
				if !slices.Contains(h.reports[rc.report], one) {
					h.reports[rc.report] = append(h.reports[rc.report], one)
				}
			}
		}
	}
	return h, nil
}

// of returns the first hold that keeps a report, with all that came in with it; nil
// for none. A hold on one object keeps the others of its reports too: the file holds
// them all, and goes with each.
//
// Source: casus decision 0029.
func (h *holding) of(rec *record) *hold {
	for _, one := range h.list {
		if h.s.owner(one.Owner) == h.s.owner(rec.Owner) &&
			(one.On == privacy.OnReport && one.Target == rec.Identity || one.On == privacy.OnSource && one.Target == rec.Source) {
			return one
		}
	}
	for _, one := range h.reports[rec.No] {
		if h.s.owner(one.Owner) == h.s.owner(rec.Owner) {
			return one
		}
	}
	return nil
}

func (h *hold) why() string { return "legal hold " + h.ID + ": " + h.Reason }

func (h *hold) refuses(id string) error {
	return fault.WithHint(fault.Errorf(fault.Conflict, "view: %.120s: %s", id, h.why()), "lift it first with: casus privacy release %s", h.ID)
}

// Holds lists the holds that r answers for, the lifted ones too if asked, by id.
func (s *Store) Holds(r Reader, all bool) ([]privacy.Hold, error) {
	out := []privacy.Hold{}
	for p, err := range s.prefix("h") {
		if err != nil {
			return nil, err
		}
		h, err := parseHold(p.Value)
		if err != nil {
			return nil, err
		}
		if s.answers(r, h.Owner) && (all || h.Lifted == nil) {
			out = append(out, s.tellHold(h))
		}
	}
	return out, nil
}

func (s *Store) tellHold(h *hold) privacy.Hold {
	out := privacy.Hold{ID: h.ID, On: h.On, Target: h.Target, Owner: h.Owner, Reason: h.Reason, By: writer(h.By), At: instant(h.At)}
	if h.On == privacy.OnReport {
		out.Target = s.shortID("RPT", h.Target)
	}
	if h.Lifted != nil {
		out.Lifted, out.LiftedBy, out.LiftedReason = instant(h.Lifted.At), writer(h.Lifted.By), h.Lifted.Reason
	}
	return out
}

// writer returns the author of an entry without the token.
func writer(author string) string {
	who, _, _ := strings.Cut(author, "/token:")
	return strings.TrimPrefix(who, "person:")
}

// HoldTarget resolves what somebody wants to hold: the kind and target of the
// hold. He must answer for some of it; what he does not is NotFound, and what he
// may read of others Denied.
func (s *Store) HoldTarget(r Reader, want privacy.NewHold) (privacy.HoldKind, string, error) {
	if want.Source != "" {
		missing := fault.Errorf(fault.NotFound, "view: source %.120s is not here or not released to you", want.Source)
		if r.all && s.isSet(want.Source) {
			return privacy.OnSource, want.Source, nil
		}
		for rec, err := range s.records(s.kv) {
			if err != nil {
				return "", "", err
			}
			if rec.Source == want.Source && s.answers(r, rec.Owner) {
				return privacy.OnSource, want.Source, nil
			}
		}
		return "", "", missing
	}
	if !strings.Contains(want.ID, "--") {
		rec, err := s.charged(r, want.ID)
		if err != nil {
			return "", "", err
		}
		if !s.answers(r, rec.Owner) {
			return "", "", otherOwner(want.ID)
		}
		return privacy.OnReport, rec.Identity, nil
	}
	own, others, err := s.receiptsOf(r, want.ID)
	switch {
	case err != nil:
		return "", "", err
	case len(own) == 0 && others > 0:
		return "", "", otherOwner(want.ID)
	case len(own) == 0:
		return "", "", s.noObject(r, want.ID)
	}
	return privacy.OnObject, want.ID, nil
}

// isSet reports whether something is set for a source.
func (s *Store) isSet(source string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, ok := s.sources[source]
	return ok
}

func (s *Store) noObject(r Reader, id string) error {
	return s.matcher(r, s.kv, none).missing(id, fault.Errorf(fault.NotFound, "view: object %.120s is not here or not released to you", id))
}

// receiptsOf returns the receipts of an object that r answers for, and how many of
// others' he may read.
func (s *Store) receiptsOf(r Reader, id string) (own []receipt, others int, err error) {
	m := s.matcher(LocalOperator(), s.kv, none)
	vs, err := m.versions(id)
	if err != nil {
		return nil, 0, err
	}
	for _, v := range vs {
		for _, rc := range v.receipts {
			rec, err := m.rec(rc.report)
			if err != nil {
				return nil, 0, err
			}
			switch {
			case rec == nil:
			case s.answers(r, rec.Owner):
				own = append(own, rc)
			case s.access(r, rec).has(rc.set):
				others++
			}
		}
	}
	return own, others, nil
}

// Due lists the reports that r answers for and whose time is over at now by the
// retention class of their source, held ones too, in the order they came in.
func (s *Store) Due(ctx context.Context, r Reader, now time.Time) ([]privacy.Due, error) {
	h, err := s.holding()
	if err != nil {
		return nil, err
	}
	out := []privacy.Due{}
	for rec, err := range s.records(s.kv) {
		if err != nil {
			return nil, err
		}
		class, ok := privacy.ClassOf(s.Settings(rec.Source).Retention)
		if !ok || !class.Due(rec.At, now) || !s.answers(r, rec.Owner) {
			continue
		}
		row := privacy.Due{
			Report: s.shortID("RPT", rec.Identity), Source: rec.Source, Class: class.Name, Received: instant(rec.At), Since: instant(class.End(rec.At)),
			TLP: marking.Set{}.TLP.String(), Receipts: rec.Objects, Identity: rec.Identity,
		}
		row.Title = called(rec.heading(s.access(r, rec)))
		s.gave(r, alone, rec, "")
		if rec.Closed {
			row.TLP = s.effective(alone, rec).Label(nil).String()
		}
		if one := h.of(rec); one != nil {
			row.Held, row.Hold = one.why(), one.ID
		}
		out = append(out, row)
	}
	return out, ctx.Err()
}

// Erasures returns the erasures on record, in the order of the log.
func (s *Store) Erasures() ([]event.Seq, error) {
	var out []event.Seq
	for p, err := range s.prefix("E") {
		if err != nil {
			return nil, err
		}
		out = append(out, event.Seq(binary.BigEndian.Uint64(p.Key[1:])))
	}
	return out, nil
}
