package view

import (
	"strings"
	"time"

	"casus/internal/core/marking"
	"casus/internal/core/report"
	"casus/internal/fault"
)

// Why tells of every receipt of an object that r sees how who stands to it at
// now, and by which rules; nil asks about r himself. An object that r sees nothing
// of is not found, as in [Store.Object].
//
// How others stand tells whom a receipt was given to and who is cleared for what.
// That is for who gave it, the owner's organisation, and for full sight: of
// receipts of others r learns only how he stands himself. Where none is his
// organisation's, asking about others is Denied, which tells him nothing, for he
// sees the object.
//
// Source: casus decision 0030.
func (s *Store) Why(r Reader, id string, who *marking.Reader, now time.Time) ([]report.Ruling, error) {
	snap := s.kv.Snapshot()
	defer func() { _ = snap.Close() }()
	m := s.matcher(r, snap, none)
	vs, err := m.versions(id)
	if err != nil {
		return nil, err
	}
	if len(vs) == 0 {
		return nil, m.missing(id, fault.Errorf(fault.NotFound, "view: object %.120s is not here or not released to you", id))
	}
	self := who == nil || r.sight != nil && who.Key() == r.sight.who.Key()
	out := []report.Ruling{}
	for _, v := range vs {
		for _, rc := range v.receipts {
			rec, err := m.rec(rc.report)
			if err != nil {
				return nil, err
			}
			if rec == nil {
				continue
			}
			ours := r.owns(s, s.effective(rc.set, rec))
			if !self && !ours {
				continue
			}
			s.gave(r, rc.set, rec, id)
			ruling := s.ruling(rc, rec, r, who, now)
			if ruling.Version = v.key; !ours {
				ruling.Set = "" // it names the other recipients
			}
			out = append(out, ruling)
		}
	}
	if len(out) == 0 {
		return nil, notTheOwner("how others stand to an object")
	}
	return out, nil
}

func notTheOwner(what string) error {
	return fault.WithHint(fault.Errorf(fault.Denied, "view: %s is told to the organisation that handed it in alone", what), "ask one of its people")
}

// owns reports whether what bears the set is of r's organisation; full sight
// stands for every owner.
func (r Reader) owns(s *Store, set marking.Set) bool {
	if r.all {
		return true
	}
	if r.sight == nil || r.sight.who.Org == "" {
		return false
	}
	return owned(set, s.home()).Owner == r.sight.who.Org
}

// Clauses besides those of the policy.
const (
	sealed    = "unfinished-report"
	fullSight = "local-operator"
)

// ruling decides over one receipt for who; nil is r himself.
func (s *Store) ruling(rc receipt, rec *record, r Reader, who *marking.Reader, now time.Time) report.Ruling {
	label, imputed := s.labelOf(rc, rec)
	out := report.Ruling{
		Report: s.shortID("RPT", rec.Identity), Source: rec.Source, Received: instant(rec.At), TLP: label, Imputed: imputed,
		Effect: marking.Deny.String(), Rules: []report.Clause{},
	}
	if who == nil && r.all {
		out.Effect = marking.Allow.String()
		out.Rules = append(out.Rules, report.Clause{ID: fullSight, Says: "on a node without people whoever owns the files sees everything"})
		return out
	}
	if !rec.Closed {
		out.Rules = append(out.Rules, report.Clause{ID: sealed, Says: "a report that is not finished is sealed: its marking is not known yet"})
		return out
	}
	if who == nil {
		who = &r.sight.who
	}
	set, p := owned(s.effective(rc.set, rec), s.home()), s.Policy()
	d := p.Decide(*who, marking.Read, marking.Mark(nil, set)[0], now)
	out.Set, out.Effect, out.ValidUntil = set.String(), d.Effect.String(), instant(d.ValidUntil)
	out.Rules = append(out.Rules, clauses(p, d.Rules, d.Errors)...)
	return out
}

// clauses gives rules that decided their words, and those that erred after them.
func clauses(p *marking.Policy, rules, errors []string) []report.Clause {
	out := make([]report.Clause, 0, len(rules)+len(errors))
	for _, id := range rules {
		out = append(out, report.Clause{ID: id, Says: p.Says(id)})
	}
	for _, text := range errors {
		id, says, ok := strings.Cut(text, ": ")
		if !ok {
			id, says = "error", text
		}
		out = append(out, report.Clause{ID: id, Says: "error: " + says})
	}
	return out
}
