package intake

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"

	"casus/internal/core/report"
	"casus/internal/edge/intake/format"
	"casus/internal/event"
	"casus/internal/eventlog"
	"casus/internal/fault"
	"casus/internal/view"
	"casus/stix"
)

// Retry reads a quarantined piece again, with this version's rules, as a report
// of its own from the same source.
func (in *Intake) Retry(ctx context.Context, p view.Piece) (report.Known, event.Seq, error) {
	req := report.Request{Source: p.Source, Name: p.Name, Title: "retry of " + p.ID + ": " + p.Name, TLP: p.Label, Exercise: p.Exercise}
	digest := sha256.Sum256(p.Raw)
	problem, err := in.try(req, p.Raw, digest)
	if err != nil {
		return report.Known{}, 0, err
	}
	if problem != nil {
		return report.Known{}, 0, fault.WithHint(fault.Errorf(fault.Invalid, "intake: %s still cannot be read: %s: %s", p.ID, problem.Place, problem.Reason), "%s", problem.Remedy)
	}
	// A piece may be a file whole: it must not be taken for the report that it
	// came in.
	id := Identity(p.Source, sha256.Sum256(append([]byte("retry\x00"), digest[:]...)))
	known, seq, err := in.take(ctx, req, memory(p.Raw), digest, id, func(report.Progress) {})
	if err != nil {
		return known, seq, err
	}
	payload, err := event.Write(event.Retried{Quarantined: p.Seq, Report: known.Identity})
	if err != nil {
		return known, seq, err
	}
	seq, err = in.log.Append(ctx, nil, []eventlog.Entry{{
		Kind: event.QuarantineRetried, KindVersion: 1, Author: "local", Cause: p.Seq, Key: "retry:" + known.Identity, WriteTime: in.opt.Clock().UTC(),
		Payload: payload,
	}})
	return known, seq, err
}

// try reads raw as take would, stores nothing and returns what it would set
// aside first.
func (in *Intake) try(req report.Request, raw []byte, digest [32]byte) (*stix.Problem, error) {
	t := &taking{in: in, req: req, digest: digest, at: in.opt.Clock().UTC(), source: in.view.Settings(req.Source)}
	opt, err := t.reading()
	if err != nil {
		return nil, err
	}
	r, err := format.Open(memory(raw), opt)
	if err != nil {
		return wholeFile(err), nil
	}
	for read := 0; ; read++ {
		it, err := r.Next()
		switch {
		case errors.Is(err, io.EOF) && read == 0:
			return &stix.Problem{Place: "file", Reason: "it holds no object"}, nil
		case errors.Is(err, io.EOF):
			return nil, nil
		case err != nil:
			return nil, err
		case it.Problem != nil:
			return it.Problem, nil
		}
		if it.Object == nil {
			continue
		}
		if p := Invalid(&it); p != nil {
			return p, nil
		}
	}
}
