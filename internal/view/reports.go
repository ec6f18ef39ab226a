package view

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json/v2"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"casus/internal/core/marking"
	"casus/internal/core/report"
	"casus/internal/event"
	"casus/internal/eventlog"
	"casus/internal/fault"
	"casus/internal/kv"
	"casus/stix"
	"casus/tlp"
)

// MaxPage is the most rows of one page.
const MaxPage = 500

func pageSize(n int) int {
	if n <= 0 {
		return 50
	}
	return min(n, MaxPage)
}

// instant writes a time as pages and JSON show it.
func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func identityKey(identity string) ([]byte, error) {
	id, err := hex.DecodeString(identity)
	if err != nil || len(id) != 32 {
		return nil, fault.Errorf(fault.Invalid, "view: identity %.70q is no digest", identity)
	}
	return append([]byte{'i'}, id...), nil
}

// Known is what a report that was handed in before amounts to.
type Known struct {
	ID      string
	Opening event.Seq
	At      time.Time // when it came in
	Closed  bool
	Result  report.Result
}

// ByIdentity returns the report of an identity (digest of source and bytes,
// hex), and whether it is there. Intake asks before it takes bytes in.
func (s *Store) ByIdentity(r Reader, identity string) (Known, bool, error) {
	key, err := identityKey(identity)
	if err != nil || !r.all {
		return Known{}, false, err
	}
	raw, ok, err := s.kv.Get(key)
	if err != nil || !ok {
		return Known{}, false, err
	}
	rec, err := s.record(s.kv, binary.BigEndian.Uint32(raw))
	if err != nil {
		return Known{}, false, err
	}
	id := s.shortID("RPT", rec.Identity)
	return Known{ID: id, Opening: rec.Opening, At: rec.At, Closed: rec.Closed, Result: report.Result{
		Received: rec.Objects + rec.Quarantined, New: rec.New, Known: rec.Known, Conflicting: rec.Conflicting,
		Quarantined: rec.Quarantined, Values: rec.Values,
		Reports: []report.ReportRef{{ID: id, Name: rec.Name, Format: rec.Format, Known: true, Received: rec.Objects + rec.Quarantined, New: rec.New, Quarantined: rec.Quarantined}},
	}}, true, nil
}

// reportNo resolves what a person wrote: a short id, or the full identity.
func (s *Store) reportNo(r Reader, id string) (*record, error) {
	missing := fault.Errorf(fault.NotFound, "view: report %.80s is not here or not released to you", id)
	if !r.all {
		return nil, missing
	}
	names, err := s.full("RPT", id)
	if err != nil {
		return nil, err
	}
	if names == nil {
		names = []string{strings.ToLower(id)}
	}
	var found *record
	for _, n := range names {
		key, err := identityKey(n)
		if err != nil {
			return nil, missing
		}
		raw, ok, err := s.kv.Get(key)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		if found != nil {
			return nil, fault.WithHint(fault.Errorf(fault.Conflict, "view: report %s: two reports have this short id", id), "use the full id that report list --json shows")
		}
		if found, err = s.record(s.kv, binary.BigEndian.Uint32(raw)); err != nil {
			return nil, err
		}
	}
	if found == nil {
		return nil, missing
	}
	return found, nil
}

func (s *Store) row(rec *record) report.Row {
	row := report.Row{
		ID: s.shortID("RPT", rec.Identity), Title: rec.Title, Source: rec.Source, Format: rec.Format, Exercise: rec.Exercise,
		State: "complete", Received: instant(rec.At), Objects: rec.Objects, Values: rec.Values, Quarantined: rec.Quarantined,
		Size: rec.Size, Digest: rec.Digest,
	}
	if row.Title == "" {
		row.Title = rec.Name
	}
	if !rec.Closed {
		row.State, row.TLP = "unfinished", marking.Set{}.TLP.String()
		return row
	}
	s.mu.RLock()
	set := s.setAt(rec.Container)
	s.mu.RUnlock()
	row.TLP, row.Imputed = set.Label(s.Inert).String(), set.Imputed
	return row
}

// Reports returns readable reports, newest first, whose title, name or source
// holds text, of one source if given.
func (s *Store) Reports(_ context.Context, r Reader, text, source, cursor string, limit int) ([]report.Row, string, error) {
	if !r.all {
		return nil, "", nil
	}
	s.mu.RLock()
	no := s.mark.Reports
	s.mu.RUnlock()
	question := "reports\x00" + text + "\x00" + source
	if cursor != "" {
		pos, err := s.unseal(r, question, cursor)
		if err != nil {
			return nil, "", err
		}
		no = min(no, uint32(pos)) //nolint:gosec // sealed by us from 32 bits
	}
	rows := []report.Row{}
	text = strings.ToLower(text)
	for ; no > 0; no-- {
		rec, err := s.record(s.kv, no-1)
		if fault.KindOf(err) == fault.NotFound {
			continue // erased
		}
		if err != nil {
			return nil, "", err
		}
		if source != "" && rec.Source != source ||
			text != "" && !strings.Contains(strings.ToLower(rec.Title+"\n"+rec.Name+"\n"+rec.Source), text) {
			continue
		}
		if len(rows) == pageSize(limit) {
			return rows, s.seal(r, question, uint64(no)), nil
		}
		rows = append(rows, s.row(rec))
	}
	return rows, "", nil
}

// maxItems is how many of its objects a report is shown with.
const maxItems = 200

// Report returns one report with the first of its objects, in the order they
// came in.
func (s *Store) Report(ctx context.Context, r Reader, id string) (report.Detail, error) {
	rec, err := s.reportNo(r, id)
	if err != nil {
		return report.Detail{}, err
	}
	d := report.Detail{Row: s.row(rec), Name: rec.Name, Types: []report.TypeCount{}, Items: []report.ObjectRow{}}
	blk := newBlocks(s.kv)
	counts := map[uint8]int{}
	var nos []uint32 // newest first
	for no, err := range postings(s.kv, 'P', num(0, rec.No)[1:]) {
		if err != nil {
			return d, err
		}
		rc, err := blk.get(no)
		if err != nil {
			return d, err
		}
		counts[rc.typ]++
		nos = append(nos, no)
	}
	for _, no := range slices.Backward(nos[max(0, len(nos)-maxItems):]) {
		rc, err := blk.get(no)
		if err != nil {
			return d, err
		}
		row, err := s.objectRow(ctx, rc, rec)
		if err != nil {
			return d, err
		}
		d.Items = append(d.Items, row)
	}
	for t, n := range counts {
		d.Types = append(d.Types, report.TypeCount{Type: s.typeName(t), Count: n})
	}
	slices.SortFunc(d.Types, func(a, b report.TypeCount) int {
		return cmp.Or(b.Count-a.Count, strings.Compare(a.Type, b.Type))
	})
	return d, nil
}

func (s *Store) typeName(t uint8) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if t == 0 || int(t) > len(s.types) {
		return "other"
	}
	return s.types[t-1]
}

// object reads the object of a receipt from the log; nil when its bytes are
// erased.
func (s *Store) object(ctx context.Context, rc receipt) (*stix.Object, error) {
	st, err := s.log.Get(ctx, rc.bytes)
	if err != nil || st.Erased {
		return nil, err
	}
	return s.parse(ctx, st)
}

func (s *Store) objectRow(ctx context.Context, rc receipt, rec *record) (report.ObjectRow, error) {
	o, err := s.object(ctx, rc)
	if err != nil || o == nil {
		return report.ObjectRow{Type: s.typeName(rc.typ)}, err
	}
	label, _ := s.labelOf(rc, rec)
	return report.ObjectRow{ID: o.ID(), Type: o.Type(), Name: nameOf(o), TLP: label, Version: o.VersionKey()}, nil
}

// nameOf returns what a person calls o: its name, value, pattern or the like.
func nameOf(o *stix.Object) string {
	for _, p := range [...]string{"name", "value", "pattern", "key", "subject", "path", "abstract", "content", "opinion", "user_id", "statement", "display_name"} {
		if v := o.String(p); v != "" {
			return shorten(v, 200)
		}
	}
	if o.Type() == "relationship" {
		return o.String("relationship_type") + ": " + o.String("source_ref") + " to " + o.String("target_ref")
	}
	if o.Type() == "sighting" {
		return "sighting of " + o.String("sighting_of_ref")
	}
	if n, ok := o.Int("number"); ok && o.Type() == "autonomous-system" {
		return "AS" + strconv.FormatInt(n, 10)
	}
	if h, ok := o.Get("hashes"); ok {
		first := ""
		stix.EachMember(h, func(name, value []byte) bool {
			v, _ := stix.Unquote(value)
			first = string(name) + " " + v
			return false
		})
		if first != "" {
			return first
		}
	}
	return o.ID()
}

func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// Sources returns all sources that have settings or readable reports, by name.
func (s *Store) Sources(_ context.Context, r Reader) ([]report.Source, error) {
	if !r.all {
		return nil, nil
	}
	all := map[string]report.Source{}
	s.mu.RLock()
	maps.Copy(all, s.sources)
	s.mu.RUnlock()
	for p, err := range s.prefix("R") {
		if err != nil {
			return nil, err
		}
		var rec record
		if err := json.Unmarshal(p.Value, &rec); err != nil {
			return nil, fault.Errorf(fault.Internal, "view: report: %w", err)
		}
		src := all[rec.Source]
		src.Name = rec.Source
		src.Reports++
		src.Last = max(src.Last, instant(rec.At))
		all[rec.Source] = src
	}
	out := make([]report.Source, 0, len(all))
	for _, src := range all {
		out = append(out, src)
	}
	slices.SortFunc(out, func(a, b report.Source) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// Quarantine returns the items set aside, of one report if given, newest
// first.
func (s *Store) Quarantine(ctx context.Context, r Reader, reportID string) ([]report.Quarantined, error) {
	out := []report.Quarantined{}
	if !r.all {
		return out, nil
	}
	if reportID != "" {
		rec, err := s.reportNo(r, reportID)
		if err != nil {
			return nil, err
		}
		for no, err := range postings(s.kv, 'Q', num(0, rec.No)[1:]) {
			if err != nil {
				return nil, err
			}
			raw, ok, err := s.kv.Get(num('q', no))
			if err != nil {
				return nil, err
			}
			if ok {
				if out, err = s.appendItem(out, raw); err != nil {
					return nil, err
				}
			}
		}
		return out, nil
	}
	for p, err := range s.prefix("q") {
		if err != nil {
			return nil, err
		}
		if out, err = s.appendItem(out, p.Value); err != nil {
			return nil, err
		}
	}
	slices.Reverse(out)
	return out, ctx.Err()
}

func (s *Store) appendItem(out []report.Quarantined, raw []byte) ([]report.Quarantined, error) {
	it, rec, err := s.item(raw)
	if err != nil || rec == nil {
		return out, err
	}
	return append(out, s.quarantined(it, rec)), nil
}

func (s *Store) item(raw []byte) (*item, *record, error) {
	it := new(item)
	if err := json.Unmarshal(raw, it); err != nil {
		return nil, nil, fault.Errorf(fault.Internal, "view: item: %w", err)
	}
	if it.Gone {
		return it, nil, nil
	}
	rec, err := s.record(s.kv, it.Report)
	if fault.KindOf(err) == fault.NotFound {
		return it, nil, nil
	}
	return it, rec, err
}

// quarantined describes an item. It is RED whatever its report is: how a piece
// is marked that cannot be read cannot be told.
func (s *Store) quarantined(it *item, rec *record) report.Quarantined {
	return report.Quarantined{
		ID: s.shortID("QRN", itemName(rec.Identity, it)), Report: s.shortID("RPT", rec.Identity), Source: rec.Source, Name: rec.Name,
		Place: it.Place, Reason: it.Reason, Remedy: it.Remedy, Size: it.Size, TLP: marking.Set{}.TLP.String(), At: instant(it.At), Done: it.Done,
	}
}

// Piece is a quarantined item with its bytes and what a retry needs.
type Piece struct {
	report.Quarantined
	Seq event.Seq
	Raw []byte
	// Label is that of the report the piece came in, nil where it was the
	// source's default: what is read again must not be marked wider.
	Label    *tlp.Label
	Exercise bool
	// Format is how the report was found to be written; Asked and Map are how it
	// was asked to be read.
	Format, Asked report.Format
	Map           map[string]string
	// Original is the entries that hold the report's bytes as handed in, in their
	// order; none where its objects hold them, or where they were erased with one
	// of the objects.
	Original []event.Seq
}

// Item returns one quarantined item with its bytes.
func (s *Store) Item(ctx context.Context, r Reader, id string) (Piece, error) {
	missing := fault.Errorf(fault.NotFound, "view: quarantined item %.80s is not here or not released to you", id)
	if !r.all {
		return Piece{}, missing
	}
	for p, err := range s.prefix("q") {
		if err != nil {
			return Piece{}, err
		}
		it, rec, err := s.item(p.Value)
		if err != nil {
			return Piece{}, err
		}
		if rec == nil {
			continue
		}
		q := s.quarantined(it, rec)
		if !strings.EqualFold(q.ID, id) {
			continue
		}
		st, err := s.log.Get(ctx, it.Seq)
		if err != nil {
			return Piece{}, err
		}
		raw, err := eventlog.Payload(ctx, s.log, st)
		if err != nil {
			return Piece{}, err
		}
		var aside event.SetAside
		if err := event.Read(raw, &aside); err != nil {
			return Piece{}, err
		}
		q.Bytes = strings.ToValidUTF8(string(aside.Raw[:min(len(aside.Raw), 64<<10)]), "\uFFFD")
		piece := Piece{Quarantined: q, Seq: it.Seq, Raw: aside.Raw}
		row := s.row(rec)
		piece.Exercise, piece.Format, piece.Asked, piece.Map = rec.Exercise, rec.Format, rec.Asked, rec.Map
		for p, err := range s.kv.Scan(num('B', rec.No), kv.PrefixEnd(num('B', rec.No))) {
			if err != nil {
				return Piece{}, err
			}
			piece.Original = append(piece.Original, event.Seq(binary.BigEndian.Uint64(p.Key[5:])))
		}
		if len(piece.Original) > 0 { // erased, they are erased all together
			if st, err := s.log.Get(ctx, piece.Original[0]); err != nil {
				return Piece{}, err
			} else if st.Erased {
				piece.Original = nil
			}
		}
		if label, ok := tlp.Parse(row.TLP); ok && !row.Imputed {
			piece.Label = &label
		}
		return piece, nil
	}
	return Piece{}, missing
}

// Objects yields a report's objects in the order they came in, each with the
// label it is held under in that report.
func (s *Store) Objects(ctx context.Context, r Reader, id string, yield func(o *stix.Object, label string) error) error {
	rec, err := s.reportNo(r, id)
	if err != nil {
		return err
	}
	return s.each(ctx, s.kv, 'P', num(0, rec.No)[1:], func(rc receipt, o *stix.Object) error {
		label, _ := s.labelOf(rc, rec)
		return yield(o, label)
	})
}

// each calls f for the receipts of a term, oldest first.
func (s *Store) each(ctx context.Context, r kv.Reader, prefix byte, term []byte, f func(receipt, *stix.Object) error) error {
	var all []uint32
	for no, err := range postings(r, prefix, term) {
		if err != nil {
			return err
		}
		all = append(all, no)
	}
	blk := newBlocks(r)
	for _, no := range slices.Backward(all) {
		rc, err := blk.get(no)
		if err != nil {
			return err
		}
		o, err := s.object(ctx, rc)
		if err != nil {
			return err
		}
		if o == nil {
			continue
		}
		if err := f(rc, o); err != nil {
			return err
		}
	}
	return ctx.Err()
}
