package node

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"casus/internal/core/privacy"
	"casus/internal/core/report"
	"casus/internal/event"
	"casus/internal/eventlog"
	"casus/internal/fault"
)

// gate lets either any number of imports through, or one act that must not
// meet any: an erasure could take bytes away that an import has just found to
// be known, and a rebuild hides what is.
type gate struct {
	turn chan struct{} // who wants to be alone
	in   chan struct{} // a token for each that is in
}

const maxInGate = 64

func newGate() *gate {
	return &gate{turn: make(chan struct{}, 1), in: make(chan struct{}, maxInGate)}
}

// enter lets an import through.
func (g *gate) enter(ctx context.Context) (leave func(), err error) {
	select {
	case g.in <- struct{}{}:
		return func() { <-g.in }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// alone waits until all others have left.
func (g *gate) alone(ctx context.Context) (leave func(), err error) {
	select {
	case g.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	n := 0
	leave = func() {
		for range n {
			<-g.in
		}
		<-g.turn
	}
	for ; n < maxInGate; n++ {
		select {
		case g.in <- struct{}{}:
		case <-ctx.Done():
			leave()
			return nil, ctx.Err()
		}
	}
	return leave, nil
}

// Rebuild throws the views away and builds them again from the log.
func (n *Node) Rebuild(ctx context.Context) error {
	if err := n.may(ctx, keeps); err != nil {
		return err
	}
	leave, err := n.gate.alone(ctx)
	if err != nil {
		return err
	}
	defer leave()
	n.stop()
	n.cfg.Hook("rebuild")
	err = n.kv.swap(true)
	n.cfg.Hook("rebuild-emptied")
	if err == nil {
		err = n.view.Reload(ctx)
	}
	n.failed(nil)
	n.start()
	if err != nil {
		return err
	}
	if err := n.settle(ctx); err != nil {
		return err
	}
	n.cfg.Hook("rebuilt")
	return nil
}

// Erase removes a report or an object for good, as far as who asks answers for it:
// the views forget it, then the log overwrites its bytes. The chain stays. What a
// crash cuts short, the next Open finishes, once it was recorded.
func (n *Node) Erase(ctx context.Context, id, reason string) (report.Erased, error) {
	var out report.Erased
	if err := n.may(ctx, erases); err != nil {
		return out, err
	}
	if err := checkReason("erase "+id, reason); err != nil {
		return out, err
	}
	leave, err := n.gate.alone(ctx)
	if err != nil {
		return out, err
	}
	defer leave()
	if err := n.settle(ctx); err != nil {
		return out, err
	}
	r, done := n.reading(ctx, "erase", "")
	going, err := n.view.Erasable(ctx, r, id)
	if err != nil {
		return out, done(id, err)
	}
	// Who asked may go away, but what is recorded is carried out.
	ctx = context.WithoutCancel(ctx)
	out, err = n.record(ctx, going.Erasures, reason, privacy.RuleAsked)
	out.Kept = going.Kept
	n.cfg.Hook("erase-recorded")
	return out, n.finish(ctx, err)
}

// maxReason is the most bytes of a reason.
const maxReason = 1000

// checkReason returns what is wrong with the reason of an act.
func checkReason(what, reason string) error {
	switch {
	case strings.TrimSpace(reason) == "":
		return fault.WithHint(fault.Errorf(fault.Invalid, "node: %s: no reason given", what), "say why with --reason; it is kept on the record")
	case len(reason) > maxReason:
		return fault.Errorf(fault.Invalid, "node: %s: a reason of %d bytes, limit is %d", what, len(reason), maxReason)
	}
	return nil
}

// record writes erasures down, with what goes, by which rule, and the proof of it.
// The gate is taken. They are carried out by carryOut.
func (n *Node) record(ctx context.Context, parts []event.Erasure, reason, rule string) (report.Erased, error) {
	var out report.Erased
	files := map[event.Seq]bool{} // by the opening of their report
	for _, p := range parts {
		var err error
		p.Reason, p.Rule = reason, rule
		if p.Payloads, err = eventlog.Closure(ctx, n.log, p.Payloads...); err != nil {
			return out, err
		}
		if err := n.prove(ctx, &p, files); err != nil {
			return out, err
		}
		payload, err := event.Write(p)
		if err != nil {
			return out, err
		}
		if err := n.append(ctx, event.Header{Kind: event.Erased, KindVersion: 1}, payload); err != nil {
			return out, err
		}
		out.Receipts += p.Counts.Reports + p.Counts.Objects + p.Counts.Aside
		out.Reports += p.Counts.Reports
	}
	out.Originals = len(files)
	return out, nil
}

// prove counts what an erasure takes and puts the digest of it down. files are
// those that earlier parts took.
func (n *Node) prove(ctx context.Context, p *event.Erasure, files map[event.Seq]bool) (err error) {
	for _, seq := range p.Receipts {
		st, err := n.log.Get(ctx, seq)
		if err != nil {
			return err
		}
		switch st.Header.Kind { //nolint:exhaustive // of the others nothing is counted
		case event.ReportOpened:
			p.Counts.Reports++
		case event.ObjectReceived, event.ObjectKnown:
			p.Counts.Objects++
		case event.Quarantined:
			p.Counts.Aside++
		}
	}
	before := len(files)
	p.Counts.Payloads = len(p.Payloads)
	p.Digest, err = p.Sum(func(seq event.Seq) ([32]byte, error) {
		st, err := n.log.Get(ctx, seq)
		if st.Header.Kind == event.ReportOriginal && !st.Erased {
			files[st.Header.Cause] = true
		}
		return st.Header.PayloadHash, err
	})
	p.Counts.Originals = len(files) - before
	return err
}

// proved returns what is wrong with the erasures on record: a digest that the log
// does not give, and payloads that are there though they are said to be gone.
func (n *Node) proved(ctx context.Context) ([]string, error) {
	select {
	case <-n.whole:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	leave, err := n.gate.enter(ctx) // none is being carried out
	if err != nil {
		return nil, err
	}
	defer leave()
	seqs, err := n.view.Erasures()
	if err != nil {
		return nil, err
	}
	var out []string
	open := n.view.Erasing()
	for _, seq := range seqs {
		st, err := n.log.Get(ctx, seq)
		if err != nil {
			return out, err
		}
		var p event.Erasure
		if raw, err := eventlog.Payload(ctx, n.log, st); err != nil {
			return out, err
		} else if err := event.Read(raw, &p); err != nil {
			return out, err
		}
		there := 0
		sum, err := p.Sum(func(at event.Seq) ([32]byte, error) {
			held, err := n.log.Get(ctx, at)
			if err == nil && !held.Erased {
				there++
			}
			return held.Header.PayloadHash, err
		})
		switch {
		case err != nil:
			return out, err
		case p.Digest != "" && p.Digest != sum:
			out = append(out, fmt.Sprintf("erasure %d: its digest is %s, the log gives %s", seq, p.Digest, sum))
		case there > 0 && slices.Contains(open, seq):
			out = append(out, fmt.Sprintf("erasure %d: it is not carried out, %d of %d payloads are still there; the next run of retention tries again", seq, there, len(p.Payloads)))
		case there > 0:
			out = append(out, fmt.Sprintf("erasure %d: %d of %d payloads are still there", seq, there, len(p.Payloads)))
		}
	}
	return out, nil
}

// resume carries out erasures that were recorded before a crash.
func (n *Node) resume(ctx context.Context) error {
	if err := n.settle(ctx); err != nil || len(n.view.Erasing()) == 0 {
		return err
	}
	leave, err := n.gate.alone(ctx)
	if err != nil {
		return err
	}
	defer leave()
	return n.carryOut(ctx)
}

// finish carries out what is recorded, also after err, which stopped the recording
// of more and is returned first: what has begun to go, goes. The gate is taken.
func (n *Node) finish(ctx context.Context, err error) error {
	if err == nil {
		return n.carryOut(ctx)
	}
	if n.settle(ctx) == nil {
		_ = n.carryOut(ctx) // the next run of retention tries it again
	}
	return err
}

// carryOut makes the payloads of all recorded erasures vanish. The gate is
// taken, and the views have read the erasures.
func (n *Node) carryOut(ctx context.Context) error {
	open := n.view.Erasing()
	if len(open) == 0 {
		return nil
	}
	var all []event.Seq
	for _, seq := range open {
		st, err := n.log.Get(ctx, seq)
		if err != nil {
			return err
		}
		raw, err := eventlog.Payload(ctx, n.log, st)
		if err != nil {
			return err
		}
		var p event.Erasure
		if err := event.Read(raw, &p); err != nil {
			return err
		}
		all = append(all, p.Payloads...)
	}
	// The views are made durable first: read again, they could not find what to
	// forget any more.
	n.stop()
	err := n.kv.forget()
	n.start()
	if err != nil {
		return err
	}
	n.cfg.Hook("erase-views")
	slices.Sort(all)
	if err := n.log.Erase(ctx, slices.Compact(all)...); err != nil {
		return err
	}
	payload, err := event.Write(event.Erasure{Done: true, Receipts: []event.Seq{}})
	if err != nil {
		return err
	}
	for _, seq := range open {
		h := event.Header{Kind: event.Erased, KindVersion: 1, Cause: seq, Key: event.ErasedKey(seq)}
		if err := n.append(ctx, h, payload); err != nil {
			return err
		}
	}
	return nil
}
