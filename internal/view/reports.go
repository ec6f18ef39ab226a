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

	"casus/internal/core/alliance"
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
//
// To a person it tells of his own reports and of readable ones, and counts as
// known and conflicting only against what he may read.
func (s *Store) ByIdentity(ctx context.Context, r Reader, identity string) (Known, bool, error) {
	key, err := identityKey(identity)
	if err != nil {
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
	a := s.access(r, rec)
	mine := r.handedIn(rec)
	if !a.visible() && !mine {
		return Known{}, false, nil
	}
	res := report.Result{New: rec.New, Known: rec.Known, Conflicting: rec.Conflicting, Quarantined: rec.Quarantined, Values: rec.Values}
	name := rec.Name
	if !r.all {
		if res, err = s.became(ctx, r, rec, mine); err != nil {
			return Known{}, false, err
		}
		if !mine {
			_, name = rec.heading(a)
		}
	}
	res.Received = res.New + res.Known + res.Conflicting + res.Quarantined
	id := s.shortID("RPT", rec.Identity)
	res.Reports = []report.ReportRef{{ID: id, Name: name, Format: rec.Format, Known: true, Received: res.Received, New: res.New, Quarantined: res.Quarantined}}
	return Known{ID: id, Opening: rec.Opening, At: rec.At, Closed: rec.Closed, Result: res}, true, nil
}

// reportNo resolves what a person wrote: a short id, or the full identity.
func (s *Store) reportNo(r Reader, id string) (*record, error) {
	return s.reportWhere(r, id, func(rec *record) bool { return s.access(r, rec).visible() })
}

// reportWhere is reportNo among the reports that may be known of.
func (s *Store) reportWhere(r Reader, id string, known func(*record) bool) (*record, error) {
	missing := fault.Errorf(fault.NotFound, "view: report %.80s is not here or not released to you", id)
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
		rec, err := s.record(s.kv, binary.BigEndian.Uint32(raw))
		if err != nil {
			return nil, err
		}
		if !known(rec) {
			r.withheld(s.shortID("RPT", rec.Identity))
			continue
		}
		if found != nil {
			return nil, fault.WithHint(fault.Errorf(fault.Conflict, "view: report %s: two reports have this short id", id), "use the full id that report list --json shows")
		}
		found = rec
	}
	if found == nil {
		return nil, missing
	}
	return found, nil
}

func (s *Store) row(r Reader, rec *record) report.Row {
	a := s.access(r, rec)
	s.gave(r, alone, rec, "")
	row := report.Row{
		ID: s.shortID("RPT", rec.Identity), Title: called(rec.heading(a)), Source: rec.Source, Format: rec.Format, Exercise: rec.Exercise,
		State: "complete", Received: instant(rec.At),
	}
	row.Objects, row.Values = rec.readable(a)
	row.Own = r.owns(s, s.effective(alone, rec))
	if a.self {
		row.Quarantined = rec.Quarantined
	}
	if a.all || r.handedIn(rec) {
		row.Size, row.Digest = rec.Size, rec.Digest
	}
	if !rec.Closed {
		row.State, row.TLP = "unfinished", marking.Set{}.TLP.String()
		return row
	}
	set := s.effective(alone, rec)
	row.TLP, row.Imputed = set.Label(nil).String(), set.Imputed
	return row
}

// Reports returns readable reports, newest first, whose title, name or source
// holds text, of one source if given.
func (s *Store) Reports(_ context.Context, r Reader, text, source, cursor string, limit int) ([]report.Row, string, error) {
	if !r.all && r.sight == nil {
		return nil, "", nil
	}
	s.mu.RLock()
	no := s.mark.Reports
	s.mu.RUnlock()
	question := "reports\x00" + text + "\x00" + source
	if cursor != "" {
		at, err := s.unseal(r, question, cursor)
		if err != nil {
			return nil, "", err
		}
		raw, ok, err := s.kv.Get(append([]byte{'i'}, at.report[:]...))
		if err != nil {
			return nil, "", err
		}
		if !ok {
			return nil, "", gone()
		}
		no = min(no, binary.BigEndian.Uint32(raw))
	}
	rows := []report.Row{}
	text = strings.ToLower(text)
	var last *record
	for ; no > 0; no-- {
		rec, err := s.record(s.kv, no-1)
		if fault.KindOf(err) == fault.NotFound {
			continue // erased
		}
		if err != nil {
			return nil, "", err
		}
		a := s.access(r, rec)
		title, name := rec.heading(a)
		if !a.visible() || source != "" && rec.Source != source ||
			text != "" && !strings.Contains(strings.ToLower(title+"\n"+name+"\n"+rec.Source), text) {
			continue
		}
		if len(rows) == pageSize(limit) {
			return rows, s.seal(r, question, placeOf(last, 0)), nil
		}
		rows, last = append(rows, s.row(r, rec)), rec
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
	m := s.matcher(r, s.kv, none)
	a, err := m.access(rec.No)
	if err != nil {
		return report.Detail{}, err
	}
	_, name := rec.heading(a)
	d := report.Detail{Row: s.row(r, rec), Name: name, Types: []report.TypeCount{}, Items: []report.ObjectRow{}}
	counts := map[uint8]int{}
	var first []receipt // the oldest, newest first
	for rc, err := range m.readables('P', num(0, rec.No)[1:]) {
		if err != nil {
			return d, err
		}
		counts[rc.typ]++
		if first = append(first, rc); len(first) >= 2*maxItems {
			first = slices.Delete(first, 0, len(first)-maxItems)
		}
	}
	for _, rc := range slices.Backward(first[max(0, len(first)-maxItems):]) {
		row, err := m.objectRow(ctx, rc, rec)
		if err != nil {
			return d, err
		}
		d.Items = append(d.Items, row)
	}
	all := 0
	for t, n := range counts {
		d.Types = append(d.Types, report.TypeCount{Type: s.typeName(t), Count: n})
		all += n
	}
	if all > len(d.Items) {
		d.Next = s.seal(r, itemsOf(rec), placeOf(rec, maxItems))
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

func (m *matcher) objectRow(ctx context.Context, rc receipt, rec *record) (report.ObjectRow, error) {
	o, err := m.object(ctx, rc)
	if err != nil || o == nil {
		return report.ObjectRow{Type: m.s.typeName(rc.typ)}, err
	}
	label, _ := m.s.labelOf(rc, rec)
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

// Sources returns the sources of visible reports by name, each with how many;
// full sight is shown those with settings alone besides.
func (s *Store) Sources(_ context.Context, r Reader) ([]report.Source, error) {
	if !r.all && r.sight == nil {
		return nil, nil
	}
	set, all := map[string]report.Source{}, map[string]report.Source{}
	s.mu.RLock()
	maps.Copy(set, s.sources)
	s.mu.RUnlock()
	if r.all {
		maps.Copy(all, set)
	}
	for rec, err := range s.records(s.kv) {
		if err != nil {
			return nil, err
		}
		if !s.access(r, rec).visible() {
			continue
		}
		src, ok := all[rec.Source]
		if !ok {
			src = set[rec.Source]
		}
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

// Quarantine returns the items set aside of reports that are readable
// themselves, of one report if given, newest first.
func (s *Store) Quarantine(ctx context.Context, r Reader, reportID string) ([]report.Quarantined, error) {
	out := []report.Quarantined{}
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
				if out, err = s.appendItem(r, out, raw); err != nil {
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
		if out, err = s.appendItem(r, out, p.Value); err != nil {
			return nil, err
		}
	}
	slices.Reverse(out)
	return out, ctx.Err()
}

func (s *Store) appendItem(r Reader, out []report.Quarantined, raw []byte) ([]report.Quarantined, error) {
	it, rec, err := s.item(r, raw)
	if err != nil || rec == nil {
		return out, err
	}
	return append(out, s.quarantined(r, it, rec)), nil
}

// item reads an item and its report; the report is nil when it is gone or not
// readable itself.
func (s *Store) item(r Reader, raw []byte) (*item, *record, error) {
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
	if err != nil || !s.access(r, rec).self {
		return it, nil, err
	}
	return it, rec, nil
}

// quarantined describes an item. It is RED whatever its report is: how a piece
// is marked that cannot be read cannot be told.
func (s *Store) quarantined(r Reader, it *item, rec *record) report.Quarantined {
	id := s.shortID("QRN", itemName(rec.Identity, it))
	r.gavePiece(id)
	return report.Quarantined{
		ID: id, Report: s.shortID("RPT", rec.Identity), Source: rec.Source, Name: rec.Name,
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
	// Limits restrict everything in the report besides.
	Limits marking.Limits
	// Owner and Person are who handed the report in: what is read again stays
	// theirs.
	Owner  alliance.Org
	Person alliance.Key
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
	for p, err := range s.prefix("q") {
		if err != nil {
			return Piece{}, err
		}
		it, rec, err := s.item(r, p.Value)
		if err != nil {
			return Piece{}, err
		}
		if rec == nil {
			s.missingItem(r, it, id)
			continue
		}
		if !strings.EqualFold(s.shortID("QRN", itemName(rec.Identity, it)), id) {
			continue
		}
		q := s.quarantined(r, it, rec)
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
		row := s.row(r, rec)
		piece.Owner, piece.Person = rec.Owner, rec.Person
		piece.Exercise, piece.Format, piece.Asked, piece.Map = rec.Exercise, rec.Format, rec.Asked, rec.Map
		if def, err := marking.Parse(rec.Default); err == nil {
			piece.Limits = def.Limits
		}
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
// label it leaves under.
func (s *Store) Objects(ctx context.Context, r Reader, id string, yield func(o *stix.Object, label string) error) error {
	rec, err := s.reportNo(r, id)
	if err != nil {
		return err
	}
	return s.matcher(r, s.kv, none).each(ctx, rec.No, func(rc receipt, o *stix.Object) error {
		return yield(o, s.leavesUnder(rc, rec))
	})
}

// each calls f for the readable receipts of a report, oldest first.
func (m *matcher) each(ctx context.Context, report uint32, f func(receipt, *stix.Object) error) error {
	all, err := m.list('P', num(0, report)[1:])
	if err != nil {
		return err
	}
	for _, no := range slices.Backward(all) {
		rc, err := m.blk.get(no)
		if err != nil {
			return err
		}
		if ok, err := m.sees(&rc); err != nil || !ok {
			if err != nil {
				return err
			}
			continue
		}
		o, err := m.object(ctx, rc)
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

// became counts what became of a report's receipts, of all of them for who
// handed them in, else of the readable ones: as if what is not readable had never
// been.
func (s *Store) became(ctx context.Context, r Reader, rec *record, mine bool) (report.Result, error) {
	var out report.Result
	if mine || s.access(r, rec).self {
		out.Quarantined = rec.Quarantined
	}
	snap := s.kv.Snapshot()
	defer func() { _ = snap.Close() }()
	m := s.matcher(r, snap, none)
	nos, err := m.list('P', num(0, rec.No)[1:])
	if err != nil {
		return out, err
	}
	for _, no := range nos {
		rc, err := m.blk.get(no)
		if err != nil {
			return out, err
		}
		ok, err := m.sees(&rc)
		if err != nil {
			return out, err
		}
		if !ok && !mine {
			continue
		}
		was, err := m.was(ctx, rc)
		if err != nil {
			return out, err
		}
		switch was {
		case flagKnown:
			out.Known++
		case flagConflict:
			out.Conflicting++
		default:
			out.New++
		}
	}
	out.Values = rec.Values
	if !mine {
		_, out.Values = rec.readable(s.access(r, rec))
	}
	return out, ctx.Err()
}

// was returns what a receipt was when it came in, as far as the reader can know:
// known when he may read an earlier one of the same content, conflicting when he
// may read one of other content of the same version, else new (0).
func (m *matcher) was(ctx context.Context, rc receipt) (uint8, error) {
	if rc.flags&(flagKnown|flagConflict) == 0 {
		return 0, nil // nobody could read an earlier one
	}
	before := func(first uint32) (*receipt, error) {
		rcs, err := m.content(first)
		if err != nil || len(rcs) == 0 || rcs[0].no >= rc.no {
			return nil, err
		}
		return &rcs[0], nil
	}
	if earlier, err := before(rc.first); err != nil || earlier != nil {
		return flagKnown, err
	}
	o, err := m.object(ctx, rc)
	if err != nil || o == nil {
		return 0, err
	}
	raw, _, err := m.kv.Get([]byte(objectKey(o.ID(), o.VersionKey())))
	if err != nil {
		return 0, err
	}
	for _, first := range parseNumbers(raw) {
		if first == rc.first {
			continue
		}
		earlier, err := before(first)
		if err != nil {
			return 0, err
		}
		if earlier == nil {
			continue
		}
		other, err := m.object(ctx, *earlier)
		if err != nil {
			return 0, err
		}
		if other != nil && conflicts([]form{formOf(o), formOf(other)}) {
			return flagConflict, nil
		}
	}
	return 0, nil
}
