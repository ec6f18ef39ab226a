package node

import (
	"context"
	"errors"
	"io"
	"slices"

	"casus/internal/core/marking"
	"casus/internal/core/report"
	"casus/internal/edge/intake"
	"casus/internal/edge/intake/format"
	"casus/internal/event"
	"casus/internal/fault"
	"casus/internal/people"
	"casus/tlp"
)

// Ceiling returns up to which classification the node takes things in.
func (n *Node) Ceiling(ctx context.Context) (report.Ceiling, error) {
	if err := n.may(ctx, self); err != nil {
		return report.Ceiling{}, err
	}
	return n.view.Ceiling(), nil
}

// SetCeiling sets it. What is here already stays.
func (n *Node) SetCeiling(ctx context.Context, c report.Ceiling) error {
	if err := n.may(ctx, manages); err != nil {
		return err
	}
	if err := checkCeiling(n.ladders, c); err != nil {
		return err
	}
	payload, err := event.Write(c)
	if err != nil {
		return err
	}
	return n.append(ctx, event.Header{Kind: event.CeilingSet, KindVersion: 1}, payload)
}

func checkCeiling(ls *marking.Ladders, c report.Ceiling) error {
	if c.Reason == "" {
		return fault.WithHint(fault.Errorf(fault.Invalid, "node: ceiling: no reason given"), "say why with --reason; it is kept on the record")
	}
	if c.Level != "" && !ls.Knows(c.Level) {
		return fault.WithHint(fault.Errorf(fault.Invalid, "node: ceiling: no ladder knows %.80q", c.Level), "write it as ladder/LEVEL, for example alliance/RESTRICTED")
	}
	return nil
}

// admitted refuses classifications above the ceiling. What it says names the
// ceiling and nothing of what was refused.
func (n *Node) admitted(classes []marking.Level) error {
	ceiling := n.view.Ceiling().Level
	if n.ladders.Admit(ceiling, marking.Set{Classes: classes}) == nil {
		return nil
	}
	called := string(ceiling)
	if called == "" {
		called = "the lowest level of each ladder"
	}
	return fault.WithHint(fault.Errorf(fault.Denied, "node: it is classified above what this node may hold: %s", called), "nothing of it was kept; hand it in on a node that may hold it")
}

// admit refuses a file that says, in a label within, or whose sender says that it
// is classified above the ceiling. What is told of one that is let in restricts
// everything in it.
func (n *Node) admit(ctx context.Context, req *report.Request, f intake.File) error {
	set := marking.Set{Imputed: true, Classes: req.Classes}
	if err := n.admitted(req.Classes); err != nil {
		return err
	}
	err := eachLabel(ctx, f, format.Options{Format: req.Format, Name: req.Name, Limits: n.cfg.Limits}, func(l *marking.Label) error {
		said := n.ladders.Set(l)
		if err := n.admitted(said.Classes); err != nil {
			return err
		}
		set = marking.Combine(set, said)
		return nil
	})
	if errors.Is(err, errLabel) {
		// Of a label that cannot be read nobody knows how high it reaches.
		return n.admitted([]marking.Level{marking.UnknownLevel})
	}
	if err != nil {
		return err
	}
	slices.Sort(set.Classes)
	set.Classes = slices.Compact(set.Classes)
	req.Limits = set.Limits
	return n.mayHold(ctx, set)
}

// mayHold refuses what who hands it in could not read himself: it would be lost
// to him, and he could not be told what became of it.
func (n *Node) mayHold(ctx context.Context, set marking.Set) error {
	if n.people.Empty() || len(set.Classes)+len(set.Caveats) == 0 && !set.Releasable.Said {
		return nil
	}
	c, now := people.CallerOf(ctx), n.cfg.Clock().UTC()
	who, err := marking.ReaderOf(n.people.Directory(), n.ladders, c.Person, c.Role, now)
	if err != nil {
		return err
	}
	set.TLP, set.Owner, set.Recipients = tlp.Amber, c.Org, marking.Only(c.Org)
	if d := n.view.Policy().Decide(who, marking.Read, marking.Mark(nil, set)[0], now); d.Effect != marking.Allow {
		return fault.WithHint(fault.Errorf(fault.Denied, "node: you may not read what bears this classification, caveat or releasability"), "nothing of it was kept; an administrator notes clearances with: casus user edit --clearance")
	}
	return nil
}

var errLabel = errors.New("a label that cannot be read")

// eachLabel calls found with each confidentiality label that stands in a file, in
// the files packed in it, or in the parts of a mail, in whatever format. One that
// cannot be read is errLabel.
func eachLabel(ctx context.Context, f intake.File, opt format.Options, found func(*marking.Label) error) error {
	return format.Texts(f, opt, func(r io.Reader, encoded bool) error {
		return labelsOf(ctx, r, encoded, found)
	})
}

// windowBytes is how much is looked through at once.
const windowBytes = 1 << 20

// labelsOf looks through what r gives, in windows that overlap so that every label
// stands whole in one. What breaks off is left to intake, which meets it too. One
// that cannot be read is no fault where the text is encoded: it is met again without.
func labelsOf(ctx context.Context, r io.Reader, encoded bool, found func(*marking.Label) error) error {
	buf := make([]byte, 0, windowBytes)
	for {
		n, err := io.ReadFull(r, buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		whole := len(buf) // labels named before are seen whole
		if err == nil {
			whole -= marking.LabelWindowBytes
		}
		done := 0
		for ctx.Err() == nil {
			l, at, end, lerr := marking.FindLabel(buf[done:])
			if at < 0 || done+at >= whole {
				break
			}
			switch {
			case lerr == nil:
				if ferr := found(l); ferr != nil {
					return ferr
				}
			case !encoded:
				return errLabel
			}
			done += end
		}
		if err != nil || ctx.Err() != nil {
			return ctx.Err()
		}
		buf = buf[:copy(buf, buf[max(done, whole-marking.LabelWindowBytes):])]
	}
}
