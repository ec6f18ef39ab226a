package view

import (
	"encoding/json/v2"
	"slices"

	"casus/internal/core/alliance"
	"casus/internal/core/marking"
	"casus/internal/core/report"
	"casus/internal/event"
	"casus/internal/eventlog"
	"casus/internal/fault"
	"casus/internal/kv"
)

// version is rules that were proposed, as the view holds them.
type version struct {
	marking.Ruleset
	Seq   event.Seq          `json:"seq"` // of the proposal
	Files []marking.RuleFile `json:"files"`
	By    *alliance.Hand     `json:"by,omitempty"`
	// Adopted is the entry that put it into force.
	Adopted event.Seq `json:"adopted,omitzero"`
}

// rules are the versions of the rules. What was adopted last stays in force while
// the store is read again: at no time does an older version decide.
type rules struct {
	list  []*version // by sequence; what they point to is not changed
	since event.Seq  // the adoption of those in force, 0 for what [Options] gave
	err   error      // why those adopted cannot be read: nobody reads anything
}

// Rules are the versions of the rules about reading on a node.
type Rules struct {
	// Versions are those proposed, the oldest first.
	Versions []marking.Ruleset
	// Last is the last entry about rules; 0 when there is none.
	Last event.Seq
}

// Rules returns the versions of the rules.
func (s *Store) Rules() Rules {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := Rules{Versions: []marking.Ruleset{}}
	for _, v := range s.rules.list {
		out.Versions = append(out.Versions, v.Ruleset)
		out.Last = max(out.Last, v.Seq, v.Adopted)
	}
	return out
}

// Proposal is rules that were proposed.
type Proposal struct {
	marking.Ruleset
	Seq   event.Seq
	Files []marking.RuleFile
	// By is who proposed them, nil for the local operator.
	By *alliance.Hand
}

// Proposal returns the rules with a digest that were proposed last.
func (s *Store) Proposal(digest string) (Proposal, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, v := range slices.Backward(s.rules.list) {
		if v.Digest == digest {
			return Proposal{Ruleset: v.Ruleset, Seq: v.Seq, Files: slices.Clone(v.Files), By: v.By}, nil
		}
	}
	return Proposal{}, fault.WithHint(fault.Errorf(fault.NotFound, "view: rules %.80q were not proposed here", digest), "see what was with: casus policy list")
}

// RulesErr returns why the rules that were adopted cannot be read, nil when they
// can. While they cannot, nobody reads anything, and somebody must look.
func (s *Store) RulesErr() error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.rules.err
}

// Ceiling returns up to which classification the node takes things in.
func (s *Store) Ceiling() report.Ceiling {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.ceiling
}

// versions returns the versions as they stand in the step.
func (f *folding) versions() []*version {
	f.s.mu.RLock()
	defer f.s.mu.RUnlock()
	return over(f.s.rules.list, f.rules)
}

// over returns list with what changed in it.
func over(list, changed []*version) []*version {
	list = slices.Clone(list)
	for _, v := range changed {
		i, ok := slices.BinarySearchFunc(list, v.Seq, func(o *version, seq event.Seq) int { return int(o.Seq) - int(seq) }) //nolint:gosec // far below 2^63
		if ok {
			list[i] = v
		} else {
			list = slices.Insert(list, i, v)
		}
	}
	return list
}

func handOf(h *alliance.Hand, e *eventlog.Stored) marking.Hand {
	out := marking.Hand{At: e.Header.WriteTime}
	if h != nil {
		out.Person, out.Role = h.Person, h.Role
	}
	return out
}

func (f *folding) proposed(e *eventlog.Stored) error {
	var p event.Policy
	if ok, err := f.payload(e, &p); !ok {
		return err
	}
	f.rules = append(f.rules, &version{
		Seq: e.Seq, Files: p.Files, By: p.By, Digest: p.Digest, Before: p.Before, State: marking.Proposed, Reason: p.Reason,
		Opens: marking.Opens(p.Changes), Changes: p.Changes, Proposed: handOf(p.By, e),
	})
	return nil
}

// adopted takes a version into force; others that were proposed in place of the
// same rules are overtaken.
func (f *folding) adopted(e *eventlog.Stored) error {
	var p event.PolicyStep
	if ok, err := f.payload(e, &p); !ok {
		return err
	}
	for _, v := range f.versions() {
		next := *v
		switch {
		case v.Seq == e.Header.Cause:
			hand := handOf(p.By, e)
			next.State, next.Adopted, next.Confirmed = marking.InForce, e.Seq, &hand
		case v.State == marking.InForce:
			next.State = marking.Replaced
		case v.State == marking.Proposed:
			next.State = marking.Overtaken
		default:
			continue
		}
		f.rules = append(f.rules, &next)
	}
	return nil
}

func (f *folding) ceilingSet(e *eventlog.Stored) error {
	var c report.Ceiling
	if ok, err := f.payload(e, &c); !ok {
		return err
	}
	f.ceiling = &c
	b, err := json.Marshal(c)
	if err != nil {
		return fault.Errorf(fault.Internal, "view: ceiling: %w", err)
	}
	return f.kv.Set([]byte("c"), b)
}

// payload reads the payload of an entry; ok is false for one that was erased.
func (f *folding) payload(e *eventlog.Stored, into any) (ok bool, err error) {
	if e.Erased {
		return false, nil
	}
	raw, err := eventlog.Payload(f.ctx, f.s.log, *e)
	if err != nil {
		return false, err
	}
	err = event.Read(raw, into)
	return err == nil, err
}

func (f *folding) writeRules() error {
	for _, v := range f.rules {
		b, err := json.Marshal(v)
		if err != nil {
			return fault.Errorf(fault.Internal, "view: rules: %w", err)
		}
		if err := f.kv.Set(seqKey('y', v.Seq), b); err != nil {
			return err
		}
	}
	return nil
}

// takeRules takes over versions that changed. s.mu is held.
func (s *Store) takeRules(changed []*version) {
	if len(changed) == 0 {
		return
	}
	s.rules.list = over(s.rules.list, changed)
	for _, v := range s.rules.list {
		if v.State != marking.InForce || v.Adopted <= s.rules.since {
			continue
		}
		p, err := marking.LoadFiles(v.Files)
		if err != nil {
			p = marking.DenyAll() // rules that this program does not understand open nothing
		}
		s.rules.since, s.rules.err = v.Adopted, err
		s.opt.Policy = p
		s.effects.decideBy(p)
	}
}

// decideBy puts other rules into force.
func (e *effects) decideBy(p *marking.Policy) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.policy = p
	e.forget()
}

// loadRules reads versions and ceiling. s.mu is held, or s is not shared yet.
func (s *Store) loadRules() error {
	s.rules.list, s.ceiling = nil, report.Ceiling{}
	var all []*version
	for p, err := range s.kv.Scan([]byte("y"), kv.PrefixEnd([]byte("y"))) {
		if err != nil {
			return err
		}
		v := new(version)
		if err := json.Unmarshal(p.Value, v); err != nil {
			return fault.Errorf(fault.Internal, "view: rules: %w", err)
		}
		all = append(all, v)
	}
	s.takeRules(all)
	raw, ok, err := s.kv.Get([]byte("c"))
	if err != nil || !ok {
		return err
	}
	if err := json.Unmarshal(raw, &s.ceiling); err != nil {
		return fault.Errorf(fault.Internal, "view: ceiling: %w", err)
	}
	return nil
}
