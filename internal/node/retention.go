package node

import (
	"context"
	"encoding/base32"
	"io"
	"log/slog"
	"time"

	"casus/internal/core/privacy"
	"casus/internal/event"
	"casus/internal/fault"
	"casus/internal/people"
	"casus/internal/view"
)

// What bounds one run of retention: nothing else is taken in or erased while it
// lasts.
const (
	maxRunReports  = 200
	maxRunReceipts = 100_000
	// retentionEvery is how often a serving node runs it, and retentionRest how long
	// it lets others work between runs while there is more to do.
	retentionEvery = 24 * time.Hour
	retentionRest  = time.Minute
)

// Retention erases the reports whose time is over by the class of their source, of
// those that who asks answers for; a dry run only lists them. It does as much as one
// run may, and tells what is left.
func (n *Node) Retention(ctx context.Context, dry bool) (privacy.Run, error) {
	if err := n.may(ctx, erases); err != nil {
		return privacy.Run{}, err
	}
	r, done := n.reading(ctx, "privacy retention", "")
	out, err := n.retain(ctx, r, dry)
	return out, done("", err)
}

func (n *Node) retain(ctx context.Context, r view.Reader, dry bool) (privacy.Run, error) {
	now := n.cfg.Clock().UTC()
	out := privacy.Run{At: now.Format(time.RFC3339), Dry: dry}
	leave, err := n.turn(ctx, dry)
	if err != nil {
		return out, err
	}
	defer leave()
	if err := n.settle(ctx); err != nil {
		return out, err
	}
	if out.Due, err = n.view.Due(ctx, r, now); err != nil {
		return out, err
	}
	for _, d := range out.Due {
		switch {
		case d.Held != "":
			out.Held++
		case dry || err != nil || ctx.Err() != nil || out.Reports >= maxRunReports || out.Reports > 0 && out.Receipts+d.Receipts > maxRunReceipts:
			out.Left++
		default:
			err = n.expire(context.WithoutCancel(ctx), r, d, &out)
		}
	}
	if dry {
		return out, nil
	}
	n.cfg.Hook("retention-recorded")
	// What an earlier erasure recorded and could not carry out goes now, too.
	return out, n.finish(context.WithoutCancel(ctx), err)
}

// turn waits until nothing is erased meanwhile, and for a run that erases until it
// is alone.
func (n *Node) turn(ctx context.Context, dry bool) (leave func(), err error) {
	if dry {
		return n.gate.enter(ctx)
	}
	return n.gate.alone(ctx)
}

// expire records the erasure of one report. The gate is taken.
func (n *Node) expire(ctx context.Context, r view.Reader, d privacy.Due, out *privacy.Run) error {
	class, _ := privacy.ClassOf(d.Class)
	going, err := n.view.Erasable(ctx, r, d.Identity)
	if err != nil {
		return err
	}
	gone, err := n.record(ctx, going.Erasures, "its time was over on "+d.Since, class.Rule())
	if err != nil {
		return err
	}
	out.Reports++
	out.Receipts += gone.Receipts
	out.Originals += gone.Originals
	n.cfg.Hook("retention-report")
	return nil
}

// keepRetention runs retention for the node itself, at once and then daily, until
// ctx ends. What fails is tried again with the next run.
func (n *Node) keepRetention(ctx context.Context, log *slog.Logger) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	select {
	case <-n.whole:
	case <-ctx.Done():
		return
	}
	daily(ctx, func() bool {
		run, err := n.retain(ctx, view.LocalOperator(), false)
		switch {
		case err != nil && ctx.Err() == nil:
			log.ErrorContext(ctx, "retention", slog.Any("error", err), slog.Int("reports", run.Reports))
		case err == nil && len(run.Due) > 0:
			log.InfoContext(ctx, "retention", slog.Int("reports", run.Reports), slog.Int("receipts", run.Receipts),
				slog.Int("originals", run.Originals), slog.Int("held", run.Held), slog.Int("left", run.Left))
		}
		return err == nil && run.Left > 0
	})
}

// daily calls run now and every day until ctx ends, and sooner while it says that
// there is more to do.
func daily(ctx context.Context, run func() (more bool)) {
	for ctx.Err() == nil {
		wait := retentionEvery
		if run() {
			wait = retentionRest
		}
		next := time.NewTimer(wait)
		select {
		case <-next.C:
		case <-ctx.Done():
			next.Stop()
			return
		}
	}
}

// Holds lists the legal holds that who asks answers for, lifted ones too if asked.
func (n *Node) Holds(ctx context.Context, all bool) ([]privacy.Hold, error) {
	if err := n.may(ctx, erases); err != nil {
		return nil, err
	}
	return n.view.Holds(n.readerFor(ctx), all)
}

// Hold keeps a report, an object or all of a source from being erased, of what who
// asks answers for.
func (n *Node) Hold(ctx context.Context, want privacy.NewHold) (privacy.Hold, error) {
	if err := n.may(ctx, erases); err != nil {
		return privacy.Hold{}, err
	}
	if err := checkReason("hold", want.Reason); err != nil {
		return privacy.Hold{}, err
	}
	if (want.ID == "") == (want.Source == "") {
		return privacy.Hold{}, fault.Errorf(fault.Invalid, "node: hold: name a report or object, or a source")
	}
	leave, err := n.gate.enter(ctx) // it meets no erasure
	if err != nil {
		return privacy.Hold{}, err
	}
	defer leave()
	r, done := n.reading(ctx, "privacy hold", "")
	on, target, err := n.view.HoldTarget(r, want)
	if err != nil {
		return privacy.Hold{}, done(want.ID, err)
	}
	id, err := n.holdID()
	if err != nil {
		return privacy.Hold{}, err
	}
	payload, err := event.Write(event.Hold{ID: id, On: on, Target: target, Owner: people.CallerOf(ctx).Org, Reason: want.Reason, At: n.cfg.Clock().UTC()})
	if err != nil {
		return privacy.Hold{}, err
	}
	if err := n.append(ctx, event.Header{Kind: event.HoldSet, KindVersion: 1}, payload); err != nil {
		return privacy.Hold{}, err
	}
	return n.hold(ctx, id)
}

func (n *Node) holdID() (string, error) {
	b := make([]byte, 5)
	if _, err := io.ReadFull(n.cfg.Random, b); err != nil {
		return "", fault.Errorf(fault.Unavailable, "node: random bytes: %w", err)
	}
	text := base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding).EncodeToString(b)
	return "HLD-" + text[:4] + "-" + text[4:], nil
}

// hold returns one of the holds that who asks answers for.
func (n *Node) hold(ctx context.Context, id string) (privacy.Hold, error) {
	all, err := n.view.Holds(n.readerFor(ctx), true)
	if err != nil {
		return privacy.Hold{}, err
	}
	for _, h := range all {
		if h.ID == id {
			return h, nil
		}
	}
	return privacy.Hold{}, fault.Errorf(fault.NotFound, "node: hold %.40s is not here or not released to you", id)
}

// Release lifts a hold. Lifting one that is lifted is a Conflict.
func (n *Node) Release(ctx context.Context, id, reason string) (privacy.Hold, error) {
	if err := n.may(ctx, erases); err != nil {
		return privacy.Hold{}, err
	}
	if err := checkReason("release "+id, reason); err != nil {
		return privacy.Hold{}, err
	}
	leave, err := n.gate.enter(ctx)
	if err != nil {
		return privacy.Hold{}, err
	}
	defer leave()
	h, err := n.hold(ctx, id)
	if err != nil {
		return h, err
	}
	if h.Lifted != "" {
		return h, fault.Errorf(fault.Conflict, "node: hold %s was lifted at %s", h.ID, h.Lifted)
	}
	payload, err := event.Write(event.HoldGone{ID: h.ID, Reason: reason, At: n.cfg.Clock().UTC()})
	if err != nil {
		return h, err
	}
	if err := n.append(ctx, event.Header{Kind: event.HoldLifted, KindVersion: 1}, payload); err != nil {
		return h, err
	}
	return n.hold(ctx, h.ID)
}
