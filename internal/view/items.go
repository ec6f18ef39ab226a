package view

import (
	"context"
	"encoding/binary"
	"slices"

	"casus/internal/core/report"
)

// Items returns readable objects of one report in the order they came in. cursor
// is that of the page before, or of the report itself, "" for the first.
func (s *Store) Items(ctx context.Context, r Reader, id, cursor string, limit int) ([]report.ObjectRow, string, error) {
	rec, err := s.reportNo(r, id)
	if err != nil {
		return nil, "", err
	}
	after := uint32(0)
	if cursor != "" {
		at, err := s.unseal(r, itemsOf(rec), cursor)
		if err != nil {
			return nil, "", err
		}
		after = at.nth
	}
	m := s.matcher(r, s.kv, none)
	nos, err := m.list('P', binary.BigEndian.AppendUint32(nil, rec.No))
	if err != nil {
		return nil, "", err
	}
	rows, nth := []report.ObjectRow{}, uint32(0)
	for _, no := range slices.Backward(nos) {
		rc, err := m.blk.get(no)
		if err != nil {
			return nil, "", err
		}
		if ok, err := m.sees(&rc); err != nil {
			return nil, "", err
		} else if !ok {
			continue
		}
		if nth++; nth <= after {
			continue
		}
		if len(rows) == pageSize(limit) {
			return rows, s.seal(r, itemsOf(rec), placeOf(rec, nth-1)), nil
		}
		row, err := m.objectRow(ctx, rc, rec)
		if err != nil {
			return nil, "", err
		}
		rows = append(rows, row)
	}
	return rows, "", nil
}

// itemsOf is the question about the objects of a report, for its cursors.
func itemsOf(rec *record) string { return "items\x00" + rec.Identity }
