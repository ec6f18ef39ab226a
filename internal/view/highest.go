package view

import (
	"context"
	"strings"

	"casus/internal/fault"
	"casus/tlp"
)

// Highest returns the most restrictive label of the named reports and objects,
// and whether one of them is exercise data: what a page that cites them must
// bear. Ids that are not there or not readable count for nothing.
func (s *Store) Highest(ctx context.Context, r Reader, ids []string) (label tlp.Label, exercise bool, err error) {
	snap := s.kv.Snapshot()
	defer func() { _ = snap.Close() }()
	m := s.matcher(r, snap, none)
	label = tlp.Clear
	for _, id := range ids {
		l, ex, err := m.labelled(id)
		if fault.KindOf(err) == fault.NotFound && err != nil {
			continue
		}
		if err != nil {
			return tlp.Red, exercise, err
		}
		label, exercise = tlp.Most(label, l), exercise || ex
	}
	return label, exercise, ctx.Err()
}

func (m *matcher) labelled(id string) (tlp.Label, bool, error) {
	if !strings.Contains(id, "--") {
		rec, err := m.s.reportNo(m.r, id)
		if err != nil {
			return tlp.Red, false, err
		}
		l, _ := tlp.Parse(m.s.row(m.r, rec).TLP)
		return l, rec.Exercise, nil
	}
	vs, err := m.versions(id)
	if err != nil {
		return tlp.Red, false, err
	}
	label, exercise := tlp.Clear, false
	for _, v := range vs {
		for _, rc := range v.receipts {
			l, ex, err := m.labelOfReceipt(rc.no)
			if err != nil {
				return tlp.Red, false, err
			}
			label, exercise = tlp.Most(label, l), exercise || ex
		}
	}
	return label, exercise, nil
}

// labelOfReceipt returns the label of a readable receipt and whether it belongs
// to an exercise; CLEAR for one that is not readable, which counts for nothing.
func (m *matcher) labelOfReceipt(no uint32) (tlp.Label, bool, error) {
	rc, err := m.blk.get(no)
	if err != nil {
		return tlp.Red, false, err
	}
	if ok, err := m.sees(&rc); err != nil || !ok {
		return tlp.Clear, false, err
	}
	rec, err := m.rec(rc.report)
	if err != nil || rec == nil {
		return tlp.Red, false, err
	}
	text, _ := m.s.labelOf(rc, rec)
	l, _ := tlp.Parse(text)
	return l, rec.Exercise, nil
}
