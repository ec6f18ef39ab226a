package node

import (
	"context"
	"strings"
	"time"

	"casus/internal/core/alliance"
	"casus/internal/core/privacy"
	"casus/internal/event"
	"casus/internal/fault"
	"casus/internal/people"
	"casus/internal/view"
)

// FindSubject tells where a value stands that belongs to a person, as far as who
// asks may be told; with text also what stands there.
//
// Source: casus decision 0029.
func (n *Node) FindSubject(ctx context.Context, value string, text bool) (privacy.Traces, error) {
	if err := n.may(ctx, erases); err != nil {
		return privacy.Traces{}, err
	}
	leave, err := n.gate.enter(ctx) // nothing is erased meanwhile
	if err != nil {
		return privacy.Traces{}, err
	}
	defer leave()
	_, _, out, err := n.subject(ctx, value, text)
	return out, err
}

// subject looks for a value in what came in and among the people.
func (n *Node) subject(ctx context.Context, value string, text bool) (*view.Subject, []alliance.Key, privacy.Traces, error) {
	out := privacy.Traces{Value: strings.TrimSpace(value), At: n.cfg.Clock().UTC().Format(time.RFC3339), Hits: []privacy.Trace{}, Outside: privacy.Outside()}
	if err := n.settle(ctx); err != nil {
		return nil, nil, out, err
	}
	r, done := n.reading(ctx, "privacy find", value)
	found, err := n.view.Subject(ctx, r, value, text)
	if err := done("", err); err != nil {
		return nil, nil, out, err
	}
	persons, keys, err := n.personHits(ctx, value, text)
	if err != nil {
		return nil, nil, out, err
	}
	out.Hits = append(found.Hits, persons...)
	for _, h := range out.Hits {
		out.Total += h.Count
		if h.Kept == "" {
			out.Erasable += h.Count
		}
	}
	return found, keys, out, nil
}

// permanent is why the entries of what somebody did are not erased.
const permanent = "entries of the log name a person by key and role, without a name; they stay"

// personHits looks for a value in what the people of the organisation that who asks
// answers for are called, and returns whose names can go.
func (n *Node) personHits(ctx context.Context, value string, text bool) (hits []privacy.Trace, erasable []alliance.Key, err error) {
	find, err := privacy.NewFinder(value)
	if err != nil {
		return nil, nil, err
	}
	org := people.CallerOf(ctx).Org
	for _, p := range n.people.Persons() {
		if p.Org != org {
			continue
		}
		at := len(hits)
		add := func(field, is, kept, remedy string) {
			if !find.InText(is) {
				return
			}
			h := privacy.Trace{Place: privacy.PlacePerson, ID: string(p.Key), Field: field, Readable: true, Own: true, Count: 1, Kept: kept, Remedy: remedy}
			if text {
				h.Text = is
			}
			hits = append(hits, h)
		}
		kept, remedy := "", ""
		if err := n.people.MayEraseName(n.by(ctx), p.Key, ""); err != nil {
			kept, remedy = "nobody else administers this node", "make another administrator first"
		}
		add("name", p.Name, kept, remedy)
		add("login", p.Login, kept, remedy)
		add("email", p.Email, kept, remedy)
		if len(hits) > at && kept == "" {
			erasable = append(erasable, p.Key)
		}
		for _, c := range p.Credentials {
			add("label of a way to sign in", c.Label, "it goes with the way to sign in", "casus user unlink "+string(p.Key)+" "+c.ID)
		}
		add("key", string(p.Key), "a key is never given again", "")
		if len(hits) > at {
			hits = append(hits, privacy.Trace{Place: privacy.PlaceLog, ID: string(p.Key), Field: "author", Readable: true, Own: true, Count: 1, Kept: permanent})
		}
	}
	return hits, erasable, nil
}

// EraseSubject erases what may be erased of where a value stands, and tells what
// stays and why; a dry run only tells.
func (n *Node) EraseSubject(ctx context.Context, value, reason string, dry bool) (privacy.Gone, error) {
	out := privacy.Gone{Dry: dry, Kept: []privacy.Kept{}}
	if err := n.may(ctx, erases); err != nil {
		return out, err
	}
	if err := n.reasonFor(value, reason, dry); err != nil {
		return out, err
	}
	leave, err := n.turn(ctx, dry)
	if err != nil {
		return out, err
	}
	defer leave()
	found, keys, told, err := n.subject(ctx, value, false)
	if err != nil {
		return out, err
	}
	out.At, out.Places, out.Kept = told.At, told.Erasable, privacy.KeptOf(told.Hits)
	parts, err := found.Erasures(ctx)
	if err != nil {
		return out, err
	}
	for _, k := range keys {
		if err := n.people.MayEraseName(n.by(ctx), k, reason); err != nil {
			return out, err
		}
	}
	ctx = context.WithoutCancel(ctx) // what is recorded is carried out
	if dry {
		return out, n.wouldGo(ctx, parts, keys, &out)
	}
	gone, err := n.record(ctx, parts, reason, privacy.RuleSubject)
	out.Reports, out.Receipts, out.Originals = gone.Reports, gone.Receipts, gone.Originals
	n.cfg.Hook("erase-recorded")
	if err := n.finish(ctx, err); err != nil {
		return out, err
	}
	for _, k := range keys {
		switch err := n.people.EraseName(ctx, n.by(ctx), k, reason); {
		case err == nil:
			out.Persons++
		case fault.KindOf(err) == fault.Conflict: // the last of several who administer
			out.Kept = append(out.Kept, privacy.Kept{Place: privacy.PlacePerson, ID: string(k), Count: 1, Why: err.Error(), Remedy: fault.HintOf(err)})
		default:
			return out, err
		}
	}
	return out, nil
}

// reasonFor returns what is wrong with the reason to erase a value: it stays, so the
// value must not stand in it.
func (n *Node) reasonFor(value, reason string, dry bool) error {
	if dry && reason == "" {
		return nil
	}
	if err := checkReason("erase", reason); err != nil {
		return err
	}
	find, err := privacy.NewFinder(value)
	if err != nil {
		return err
	}
	if find.InText(reason) {
		return fault.WithHint(fault.Errorf(fault.Invalid, "node: erase: the reason names the value"), "the reason stays on record: name the request, such as its number")
	}
	return nil
}

// wouldGo counts what erasures and names would take.
func (n *Node) wouldGo(ctx context.Context, parts []event.Erasure, keys []alliance.Key, out *privacy.Gone) error {
	files := map[event.Seq]bool{}
	for _, p := range parts {
		if err := n.prove(ctx, &p, files); err != nil {
			return err
		}
		out.Reports += p.Counts.Reports
		out.Receipts += p.Counts.Reports + p.Counts.Objects + p.Counts.Aside
	}
	out.Originals, out.Persons = len(files), len(keys)
	return nil
}
