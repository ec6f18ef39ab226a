package node

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"casus/internal/core/report"
	"casus/internal/event"
	"casus/internal/eventlog"
	"casus/internal/fault"
	"casus/internal/view"
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

// Erase removes a report or an object for good: the views forget it, then the
// log overwrites its bytes. The chain stays. What a crash cuts short, the next
// Open finishes, once it was recorded.
func (n *Node) Erase(ctx context.Context, id, reason string) (report.Erased, error) {
	var out report.Erased
	if err := n.may(ctx, erases); err != nil {
		return out, err
	}
	if strings.TrimSpace(reason) == "" {
		return out, fault.WithHint(fault.Errorf(fault.Invalid, "node: erase %s: no reason given", id), "say why with --reason; it is kept on the record")
	}
	leave, err := n.gate.alone(ctx)
	if err != nil {
		return out, err
	}
	defer leave()
	if err := n.settle(ctx); err != nil {
		return out, err
	}
	parts, err := n.view.Erasable(ctx, view.LocalOperator(), id)
	if err != nil {
		return out, err
	}
	// Who may erase must not learn in this way what is here.
	if err := n.mayKnow(ctx, id); err != nil {
		return out, err
	}
	files := map[event.Seq]bool{} // by the opening of their report
	// Who asked may go away, but what is recorded is carried out.
	ctx = context.WithoutCancel(ctx)
	for _, p := range parts {
		p.Reason = reason
		if err := n.originals(ctx, p, files); err != nil {
			return out, err
		}
		if p.Payloads, err = eventlog.Closure(ctx, n.log, p.Payloads...); err != nil {
			return out, err
		}
		payload, err := event.Write(p)
		if err != nil {
			return out, err
		}
		if err := n.append(ctx, event.Header{Kind: event.Erased, KindVersion: 1}, payload); err != nil {
			return out, err
		}
		out.Receipts += len(p.Receipts)
	}
	n.cfg.Hook("erase-recorded")
	out.Originals = len(files)
	return out, n.carryOut(ctx)
}

// originals adds to files the reports whose bytes as handed in go with an erasure.
func (n *Node) originals(ctx context.Context, p event.Erasure, files map[event.Seq]bool) error {
	objects := make(map[event.Seq]bool, len(p.Receipts))
	for _, seq := range p.Receipts {
		objects[seq] = true
	}
	for _, seq := range p.Payloads {
		if objects[seq] {
			continue
		}
		st, err := n.log.Get(ctx, seq)
		if err != nil {
			return err
		}
		if st.Header.Kind == event.ReportOriginal && !st.Erased {
			files[st.Header.Cause] = true
		}
	}
	return nil
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

// mayKnow returns nil when who asks sees the report or object, else the answer of
// what is not there.
func (n *Node) mayKnow(ctx context.Context, id string) (err error) {
	if n.people.Empty() {
		return nil
	}
	r, done := n.reading(ctx, "erase", "")
	if strings.Contains(id, "--") {
		_, err = n.view.Object(ctx, r, id, false)
	} else {
		_, err = n.view.Report(ctx, r, id)
	}
	if err != nil {
		return done(id, err)
	}
	return nil // nothing was shown, and that it is erased is on record by itself
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
		h := event.Header{Kind: event.Erased, KindVersion: 1, Cause: seq, Key: fmt.Sprintf("erased:%d", seq)}
		if err := n.append(ctx, h, payload); err != nil {
			return err
		}
	}
	return nil
}
