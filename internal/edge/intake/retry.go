package intake

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"strings"

	"casus/internal/core/report"
	"casus/internal/edge/intake/format"
	"casus/internal/event"
	"casus/internal/eventlog"
	"casus/internal/fault"
	"casus/internal/view"
	"casus/stix"
)

// Retry reads a quarantined piece again, with this version's rules, as a report
// of its own from the same source. It is read as its report was asked to be; a
// row of a table gets the heading of its table, and of a file that was set aside
// whole all is read. What is written has the author by, empty for the local
// operator; the report stays with who handed the piece in.
func (in *Intake) Retry(ctx context.Context, p view.Piece, by string) (report.Known, event.Seq, error) {
	req := report.Request{
		Source: p.Source, Name: p.Name, Title: "retry of " + p.ID + ": " + p.Name, TLP: p.Label, Exercise: p.Exercise, Map: p.Map,
		Owner: p.Owner, Person: p.Person, Author: by, Limits: p.Limits,
	}
	original, err := in.original(ctx, p.Original)
	if err != nil {
		return report.Known{}, 0, err
	}
	var f File = memory(p.Raw)
	row := strings.HasPrefix(p.Place, "line ") || strings.HasPrefix(p.Place, "object ")
	switch {
	case p.Place == wholeFile && original != nil:
		f, req.Format = original, p.Asked
	case p.Format == report.Lines && row:
		req.Format = report.Lines
	case p.Format == report.CSV && row:
		req.Format = report.CSV
		if original == nil {
			break
		}
		t := &taking{in: in, req: req, at: in.opt.Clock().UTC(), source: in.view.Settings(req.Source)}
		opt, err := t.reading()
		if err != nil {
			return report.Known{}, 0, err
		}
		f = memory(append(format.Heading(original, opt), p.Raw...))
	}
	digest, err := digestOf(ctx, f)
	if err != nil {
		return report.Known{}, 0, err
	}
	problem, err := in.try(req, f, digest)
	if err != nil {
		return report.Known{}, 0, err
	}
	if problem != nil {
		return report.Known{}, 0, fault.WithHint(fault.Errorf(fault.Invalid, "intake: %s still cannot be read: %s: %s", p.ID, problem.Place, problem.Reason), "%s", problem.Remedy)
	}
	// A piece may be a file whole: it must not be taken for the report that it
	// came in.
	t := in.taking(ctx, req, f, digest, func(report.Progress) {})
	t.id = Identity(req, sha256.Sum256(append([]byte("retry\x00"), digest[:]...)))
	known, seq, err := t.take()
	if err != nil {
		return known, seq, err
	}
	payload, err := event.Write(event.Retried{Quarantined: p.Seq, Report: known.Identity})
	if err != nil {
		return known, seq, err
	}
	seq, err = in.log.Append(ctx, nil, []eventlog.Entry{{
		Kind: event.QuarantineRetried, KindVersion: 1, Author: author(by), Cause: p.Seq, Key: "retry:" + known.Identity, WriteTime: in.opt.Clock().UTC(),
		Payload: payload,
	}})
	return known, seq, err
}

// try reads raw as take would, stores nothing and returns what it would set
// aside first.
func (in *Intake) try(req report.Request, f File, digest [32]byte) (*stix.Problem, error) {
	t := &taking{in: in, req: req, seed: digest, at: in.opt.Clock().UTC(), source: in.view.Settings(req.Source)}
	opt, err := t.reading()
	if err != nil {
		return nil, err
	}
	r, err := format.Open(f, opt)
	if err != nil {
		return unread(err), nil
	}
	for read := 0; ; read++ {
		it, err := r.Next()
		switch {
		case errors.Is(err, io.EOF) && read == 0:
			return &stix.Problem{Place: wholeFile, Reason: "it holds no object"}, nil
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

// original returns the bytes that entries hold as they were handed in, nil when
// there are none.
func (in *Intake) original(ctx context.Context, parts []event.Seq) (File, error) {
	if len(parts) == 0 {
		return nil, nil
	}
	k := &kept{ctx: ctx, log: in.log, parts: parts}
	last, err := k.part(len(parts) - 1)
	if err != nil {
		return nil, err
	}
	k.size = int64(len(parts)-1)*eventlog.MaxWholeBytes + int64(len(last))
	return k, nil
}

// kept is a file whose bytes stand in the log, [eventlog.MaxWholeBytes] in each
// part but the last. It is not safe for concurrent use.
type kept struct {
	ctx   context.Context
	log   eventlog.Log
	parts []event.Seq
	size  int64
	held  int // the part in bytes, counted from 1
	bytes []byte
}

// Size implements File.
func (k *kept) Size() int64 { return k.size }

// ReadAt implements io.ReaderAt.
func (k *kept) ReadAt(p []byte, off int64) (int, error) {
	n := 0
	for n < len(p) {
		at := off + int64(n)
		if at >= k.size {
			return n, io.EOF
		}
		b, err := k.part(int(at / eventlog.MaxWholeBytes))
		if err != nil {
			return n, err
		}
		rest := at % eventlog.MaxWholeBytes
		if rest >= int64(len(b)) {
			return n, fault.Errorf(fault.Internal, "intake: the original is cut short at byte %d", at)
		}
		n += copy(p[n:], b[rest:])
	}
	return n, nil
}

func (k *kept) part(i int) ([]byte, error) {
	if k.held == i+1 {
		return k.bytes, nil
	}
	st, err := k.log.Get(k.ctx, k.parts[i])
	if err != nil {
		return nil, err
	}
	if st.Erased {
		return nil, fault.Errorf(fault.NotFound, "intake: the original is erased")
	}
	b, err := eventlog.Payload(k.ctx, k.log, st)
	if err == nil {
		k.held, k.bytes = i+1, b
	}
	return b, err
}
