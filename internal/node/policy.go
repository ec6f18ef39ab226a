package node

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"sync"

	"casus/internal/core/alliance"
	"casus/internal/core/marking"
	"casus/internal/event"
	"casus/internal/eventlog"
	"casus/internal/fault"
	"casus/internal/people"
	"casus/internal/view"
)

// rulesAggregate is that of all entries about rules: of two who confirm at once
// one comes too late.
const rulesAggregate = "rules"

// maxRulesBytes bounds the rules of one version.
const maxRulesBytes = 512 << 10

// Policies lists the versions of the rules that were proposed here, the oldest
// first. Who may neither propose nor confirm rules sees in which role somebody did,
// and neither who nor why.
//
// Source: casus decision 0038.
func (n *Node) Policies(ctx context.Context) (people.Policies, error) {
	if err := n.may(ctx, self); err != nil {
		return people.Policies{}, err
	}
	out := people.Policies{InForce: n.view.Policy().Digest(), Versions: n.view.Rules().Versions}
	if err := n.view.RulesErr(); err != nil {
		out.Error = err.Error()
	}
	if n.people.Empty() {
		return out, nil
	}
	if does := acts(people.CallerOf(ctx).Role); slices.Contains(does, proposes) || slices.Contains(does, confirms) {
		return out, nil
	}
	for i := range out.Versions {
		v := &out.Versions[i]
		v.Reason, v.Proposed.Person = "", ""
		if v.Confirmed != nil {
			hand := *v.Confirmed // the view's own stays
			hand.Person = ""
			v.Confirmed = &hand
		}
	}
	return out, nil
}

// Policy returns the files of the rules with a digest, which were proposed here.
func (n *Node) Policy(ctx context.Context, digest string) ([]marking.RuleFile, error) {
	if err := n.may(ctx, self); err != nil {
		return nil, err
	}
	p, err := n.view.Proposal(digest)
	return p.Files, err
}

// WeighPolicy tells what rules would be, put in place of those in force.
func (n *Node) WeighPolicy(ctx context.Context, files []marking.RuleFile) (marking.Weighed, error) {
	if err := n.may(ctx, proposes); err != nil {
		return marking.Weighed{}, err
	}
	return n.weigh(files)
}

// maxWeighed is how many results of weighing are kept: who proposes and who
// confirms both look first.
const maxWeighed = 16

// weighed are results of weighing, by the digests before and after. One weighs at
// a time: it takes seconds of one processor.
type weighed struct {
	mu   sync.Mutex // guards the field below, and is held while one weighs
	done map[[2]string]marking.Weighed
}

func (n *Node) weigh(files []marking.RuleFile) (marking.Weighed, error) {
	size := 0
	for _, f := range files {
		size += len(f.Name) + len(f.Text)
	}
	if size > maxRulesBytes {
		return marking.Weighed{}, fault.Errorf(fault.Invalid, "node: rules: %d bytes, want at most %d", size, maxRulesBytes)
	}
	next, err := marking.LoadFiles(files)
	if err != nil {
		return marking.Weighed{}, err
	}
	now := n.view.Policy()
	key := [2]string{now.Digest(), next.Digest()}
	if key[0] == key[1] {
		return marking.Weighed{Digest: key[1], Before: key[0], Violations: []marking.Violation{}, Changes: []marking.Difference{}}, nil
	}
	n.weighed.mu.Lock()
	defer n.weighed.mu.Unlock()
	if w, ok := n.weighed.done[key]; ok {
		return w, nil
	}
	most := -1
	if n.cfg.weighMost > 0 {
		most = n.cfg.weighMost
	}
	w, err := marking.Weigh(now, next, most)
	if err != nil {
		return marking.Weighed{}, err
	}
	if len(n.weighed.done) >= maxWeighed || n.weighed.done == nil {
		n.weighed.done = map[[2]string]marking.Weighed{}
	}
	n.weighed.done[key] = w
	return w, nil
}

// fit returns why rules cannot come into force, nil when they can.
func fit(w marking.Weighed) error {
	switch {
	case len(w.Violations) > 0:
		return fault.WithHint(fault.Errorf(fault.Denied, "node: rules: they open what must stay closed: %s", w.Violations[0].Property), "see what and where with: casus policy test")
	case w.Digest == w.Before:
		return fault.Errorf(fault.Conflict, "node: rules: %s are in force already", w.Digest)
	}
	return nil
}

// ProposePolicy proposes rules. Nothing changes until somebody else has confirmed
// them.
func (n *Node) ProposePolicy(ctx context.Context, p people.NewPolicy) (marking.Ruleset, error) {
	if err := n.may(ctx, proposes); err != nil {
		return marking.Ruleset{}, err
	}
	if strings.TrimSpace(p.Reason) == "" {
		return marking.Ruleset{}, fault.WithHint(fault.Errorf(fault.Invalid, "node: rules: no reason given"), "say why with --reason; it is kept on the record")
	}
	if err := n.settle(ctx); err != nil {
		return marking.Ruleset{}, err
	}
	last := n.view.Rules().Last
	w, err := n.weigh(p.Files)
	if err == nil {
		err = fit(w)
	}
	if err != nil {
		return marking.Ruleset{}, err
	}
	hand, proof, err := n.signs(ctx, p.Answer, w.Statement)
	if err != nil {
		return marking.Ruleset{}, err
	}
	return n.rules(ctx, w.Digest, event.PolicyProposed, 0, last, event.Policy{
		Digest: w.Digest, Files: p.Files, Before: w.Before, Changes: w.Changes, Reason: p.Reason, By: hand, Proof: proof,
	})
}

// ConfirmPolicy puts rules into force that another person has proposed. On a node
// without people the local operator may do both.
func (n *Node) ConfirmPolicy(ctx context.Context, digest string, a people.Answer) (marking.Ruleset, error) {
	if err := n.may(ctx, confirms); err != nil {
		return marking.Ruleset{}, err
	}
	if err := n.settle(ctx); err != nil {
		return marking.Ruleset{}, err
	}
	last := n.view.Rules().Last
	p, err := n.view.Proposal(digest)
	if err != nil {
		return marking.Ruleset{}, err
	}
	w, err := n.weigh(p.Files)
	if err != nil {
		return marking.Ruleset{}, err
	}
	if p.State != marking.Proposed || w.Before != p.Before {
		return marking.Ruleset{}, fault.WithHint(fault.Errorf(fault.Conflict, "node: rules %s: %s", digest, p.State), "see what is open with: casus policy list; what was overtaken has to be proposed again")
	}
	if err := fit(w); err != nil {
		return marking.Ruleset{}, err
	}
	if err := n.second(ctx, p); err != nil {
		return marking.Ruleset{}, err
	}
	hand, proof, err := n.signs(ctx, a, w.Statement)
	if err != nil {
		return marking.Ruleset{}, err
	}
	return n.rules(ctx, digest, event.PolicyAdopted, p.Seq, last, event.PolicyStep{Digest: digest, By: hand, Proof: proof})
}

// second returns nil when who asks may be the second hand of a proposal.
func (n *Node) second(ctx context.Context, p view.Proposal) error {
	if n.people.Empty() {
		return nil
	}
	hands := []alliance.Hand{handOf(ctx)}
	if p.By != nil {
		hands = append(hands, *p.By)
	}
	if err := alliance.CheckHands(hands); err != nil {
		return err
	}
	if err := alliance.TwoPersons(hands, 2); err != nil {
		return fault.WithHint(err, "somebody else than who proposed the rules confirms them")
	}
	return nil
}

func handOf(ctx context.Context) alliance.Hand {
	c := people.CallerOf(ctx)
	return alliance.Hand{Acting: c.Acting, Org: c.Org}
}

// signs returns who asks, once he has proved who he is for a text. Both are nil on
// a node without people.
func (n *Node) signs(ctx context.Context, a people.Answer, text string) (*alliance.Hand, *event.Proof, error) {
	if n.people.Empty() {
		return nil, nil, nil
	}
	sum := sha256.Sum256([]byte(text))
	p, err := n.people.StepUpPassword(ctx, n.cfg.Clock().UTC(), people.CallerOf(ctx).Identity, a.Challenge, sum, []byte(a.Password))
	if err != nil {
		return nil, nil, err
	}
	hand := handOf(ctx)
	return &hand, &event.Proof{Text: p.Text[:], At: p.At, Nonce: p.Nonce, Assertion: p.Assertion}, nil
}

// StepUp opens a challenge for a text, of which it takes the SHA-256 in
// hexadecimal.
func (n *Node) StepUp(ctx context.Context, text string) (people.Challenge, error) {
	if err := n.may(ctx, self); err != nil {
		return people.Challenge{}, err
	}
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != sha256.Size {
		return people.Challenge{}, fault.Errorf(fault.Invalid, "node: step-up: %.70q is no SHA-256 in hexadecimal", text)
	}
	return n.people.StepUp(n.cfg.Clock().UTC(), people.CallerOf(ctx).Identity, [32]byte(b))
}

// rules appends an entry about rules, unless there was another since last, and
// returns what became of the version.
func (n *Node) rules(ctx context.Context, digest string, kind event.Kind, cause, last event.Seq, payload any) (marking.Ruleset, error) {
	raw, err := event.Write(payload)
	if err != nil {
		return marking.Ruleset{}, err
	}
	h := event.Header{Kind: kind, KindVersion: 1, Aggregate: rulesAggregate, Cause: cause, Author: n.author(ctx), WriteTime: n.cfg.Clock().UTC()}
	seq, err := eventlog.AppendLong(ctx, n.log, []eventlog.Expect{{Aggregate: rulesAggregate, Last: last}}, eventlog.Entry{Header: h, Payload: raw})
	if err != nil {
		return marking.Ruleset{}, err
	}
	if err := n.caughtUp(ctx, seq); err != nil {
		return marking.Ruleset{}, err
	}
	p, err := n.view.Proposal(digest)
	return p.Ruleset, err
}
