package view

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"casus/internal/core/observable"
	"casus/internal/core/report"
	"casus/internal/fault"
	"casus/internal/kv"
)

// maxPrefixTerms bounds how many words a prefix stands for.
const maxPrefixTerms = 1000

// whyWords is why a hit is one whose text has the words asked for.
const whyWords = "text has the words"

// Search finds what a person wrote: an id, a value, a range of addresses, or
// words. Hits come newest first.
func (s *Store) Search(ctx context.Context, r Reader, q, cursor string, limit int) (report.Found, error) {
	out := report.Found{Query: q, Hits: []report.Hit{}, Kind: "words"}
	q = strings.TrimSpace(q)
	if q == "" || !r.all && r.sight == nil {
		out.Sentence = "Write an indicator, an id, an address range or words."
		return out, nil
	}
	question := "search\x00" + q
	var at place
	var err error
	if cursor != "" {
		if at, err = s.unseal(r, question, cursor); err != nil {
			return out, err
		}
	}
	snap := s.kv.Snapshot()
	defer func() { _ = snap.Close() }()
	m := s.matcher(r, snap, none)
	lists, why, err := m.read(q, &out)
	if err != nil {
		return out, err
	}
	shown := cursor == "" // past what earlier pages showed
	hits := map[uint32]uint32{}
	sources := map[string]struct{}{}
	more := false
	for _, no := range unionDescending(lists) {
		rc, err := m.blk.get(no)
		if err != nil {
			return out, err
		}
		if ok, err := m.sees(&rc); err != nil || !ok {
			if err != nil {
				return out, err
			}
			continue
		}
		rec, err := m.rec(rc.report)
		if err != nil {
			return out, err
		}
		out.Total++
		hits[rc.report]++
		sources[rec.Source] = struct{}{}
		here := placeOf(rec, hits[rc.report])
		if !shown {
			shown = here == at
			continue
		}
		if len(out.Hits) < pageSize(limit) {
			hit, err := m.hit(ctx, rc, rec, why)
			if err != nil {
				return out, err
			}
			out.Hits = append(out.Hits, hit)
			if len(out.Hits) == pageSize(limit) {
				out.Next = s.seal(r, question, here)
			}
			continue
		}
		more = true
	}
	if !shown {
		return out, gone()
	}
	if !more {
		out.Next = ""
	}
	all, from, err := s.scope(r, none)
	if err != nil {
		return out, err
	}
	out.Sentence = notHeld(q, why) + fmt.Sprintf("%s in %s from %s. Looked among %s readable to you, from %s.",
		plural(out.Total, "mention"), plural(len(hits), "report"), plural(len(sources), "source"), plural(all, "report"), plural(from, "source"))
	return out, nil
}

// read decides what q is and returns the receipts to show.
func (m *matcher) read(q string, out *report.Found) ([][]uint32, string, error) {
	if recs, err := m.reportsNamed(q); err != nil || recs != nil {
		out.Kind = "id"
		return recs, "receipt of report " + q, err
	}
	if nos, err := m.objectNamed(q); err != nil || nos != nil {
		out.Kind = "id"
		return [][]uint32{nos}, "receipt of the object", err
	}
	var lists [][]uint32
	why := ""
	for _, k := range observable.Parse(q) {
		nos, err := m.shown('v', k.Bytes())
		if err != nil {
			return nil, "", err
		}
		ref, err := m.shown('l', k.Bytes())
		if err != nil {
			return nil, "", err
		}
		near, rel, err := m.near(k)
		if err != nil {
			return nil, "", err
		}
		if reason, ok := m.s.noiseLists().Reason(k); ok && out.Noise == "" {
			out.Noise = reason
		}
		if out.Kind == "words" {
			out.Kind = kindOf(k)
		}
		if len(nos)+len(ref)+len(near) == 0 {
			continue
		}
		out.Kind = kindOf(k)
		why = "mentions " + k.Type.Name() + " " + k.Normal
		if len(nos) == 0 && rel != "" {
			why = rel
		}
		lists = append(lists, nos, ref, near)
	}
	if lists != nil {
		return lists, why, nil
	}
	nos, err := m.words(q) // of a value that is not held, too
	return [][]uint32{nos}, whyWords, err
}

func kindOf(k observable.Key) string {
	if k.Type == observable.CIDR {
		return "cidr"
	}
	return "value"
}

// notHeld says which value q is, when it is one that nothing mentions.
func notHeld(q, why string) string {
	keys := observable.Parse(q)
	if len(keys) == 0 || why != whyWords {
		return ""
	}
	return "The " + keys[0].Type.Name() + " " + shorten(keys[0].Normal, 100) + " is not held. "
}

// near lists receipts of ranges around an address, and of what lies inside a
// range.
func (m *matcher) near(k observable.Key) ([]uint32, string, error) {
	switch k.Type {
	case observable.IPv4, observable.IPv6, observable.CIDR:
	default:
		return nil, "", nil
	}
	var all []uint32
	rel := ""
	var fail error
	observable.Containing(k, func(term []byte) bool {
		var nos []uint32
		if nos, fail = m.shown('v', slices.Clone(term)); fail != nil {
			return false
		}
		if c, ok := observable.ParseBytes(term); ok && len(nos) > 0 && rel == "" {
			rel = "range " + c.Normal + " holds " + k.Normal
		}
		all = append(all, nos...)
		return true
	})
	if fail != nil || k.Type != observable.CIDR {
		return all, rel, fail
	}
	for _, bounds := range [2]func(observable.Key) (from, to []byte){observable.Range, observable.NestedRange} {
		from, to := bounds(k)
		terms, err := m.terms('v', from, to, 10*maxNested)
		if err != nil {
			return nil, "", err
		}
		for _, t := range terms {
			nos, err := m.shown('v', t)
			if err != nil {
				return nil, "", err
			}
			if len(nos) > 0 && rel == "" {
				rel = "inside " + k.Normal
			}
			all = append(all, nos...)
		}
	}
	return all, rel, nil
}

// shown lists the receipts of a term that are readable, newest first. For full
// sight those that are erased are among them, which the answer leaves out.
func (m *matcher) shown(prefix byte, term []byte) ([]uint32, error) {
	if m.r.all {
		return m.list(prefix, term)
	}
	var out []uint32
	for rc, err := range m.readables(prefix, term) {
		if err != nil {
			return nil, err
		}
		out = append(out, rc.no)
	}
	return out, nil
}

// list lists all receipts of a term, newest first.
func (m *matcher) list(prefix byte, term []byte) ([]uint32, error) {
	var out []uint32
	for no, err := range postings(m.kv, prefix, term) {
		if err != nil {
			return nil, err
		}
		out = append(out, no)
	}
	return out, nil
}

// reportsNamed lists the receipts of the report with this id, nil when q is
// none.
func (m *matcher) reportsNamed(q string) ([][]uint32, error) {
	if !strings.HasPrefix(strings.ToUpper(q), "RPT-") {
		return nil, nil
	}
	rec, err := m.s.reportNo(m.r, q)
	if fault.KindOf(err) == fault.NotFound {
		return nil, nil // and then it may be words
	}
	if err != nil {
		return nil, err
	}
	nos, err := m.list('P', num(0, rec.No)[1:])
	return [][]uint32{nos}, err
}

// objectNamed lists the receipts of the object with this id and of those that
// refer to it.
func (m *matcher) objectNamed(q string) ([]uint32, error) {
	if !strings.Contains(q, "--") {
		return nil, nil
	}
	vs, err := m.versions(q)
	if err != nil || len(vs) == 0 {
		return nil, err
	}
	var out []uint32
	for _, v := range vs {
		for _, rc := range v.receipts {
			out = append(out, rc.no)
		}
	}
	return out, nil
}

// words lists receipts whose text has all words of q; the last is a prefix.
// Words of a report's title count for all its receipts.
func (m *matcher) words(q string) ([]uint32, error) {
	var ws []string
	observable.Words([]byte(q), func(w []byte) { ws = append(ws, string(w)) })
	if len(ws) == 0 {
		return nil, nil
	}
	var have map[uint32]struct{}
	for i, w := range ws {
		set := map[uint32]struct{}{}
		prefix := i == len(ws)-1
		if err := m.word(w, prefix, set); err != nil {
			return nil, err
		}
		if have == nil {
			have = set
			continue
		}
		for no := range have {
			if _, ok := set[no]; !ok {
				delete(have, no)
			}
		}
	}
	out := make([]uint32, 0, len(have))
	for no := range have {
		out = append(out, no)
	}
	return out, nil
}

func (m *matcher) word(w string, prefix bool, set map[uint32]struct{}) error {
	for _, p := range [2]byte{'w', 'W'} {
		terms := [][]byte{[]byte(w)}
		if prefix {
			var err error
			if terms, err = m.terms(p, []byte(w), kv.PrefixEnd([]byte(w)), maxPrefixTerms); err != nil {
				return err
			}
		}
		for _, t := range terms {
			if err := m.wordIn(p, t, set); err != nil {
				return err
			}
		}
	}
	return nil
}

// wordIn adds the receipts that have a word in their text, or in the readable
// title of their report.
func (m *matcher) wordIn(prefix byte, word []byte, set map[uint32]struct{}) error {
	if prefix == 'w' {
		nos, err := m.list('w', word)
		for _, no := range nos {
			set[no] = struct{}{}
		}
		return err
	}
	reports, err := m.titled(word)
	if err != nil {
		return err
	}
	for _, no := range reports {
		of, err := m.list('P', num(0, no)[1:])
		if err != nil {
			return err
		}
		for _, rc := range of {
			set[rc] = struct{}{}
		}
	}
	return nil
}

func unionDescending(lists [][]uint32) []uint32 {
	var all []uint32
	for _, l := range lists {
		all = append(all, l...)
	}
	slices.SortFunc(all, func(a, b uint32) int { return cmp.Compare(b, a) })
	return slices.Compact(all)
}

func (m *matcher) hit(ctx context.Context, rc receipt, rec *record, why string) (report.Hit, error) {
	label, _ := m.s.labelOf(rc, rec)
	a, err := m.access(rc.report)
	if err != nil {
		return report.Hit{}, err
	}
	h := report.Hit{
		Type: m.s.typeName(rc.typ), Report: m.s.shortID("RPT", rec.Identity), Source: rec.Source,
		TLP: label, Why: why, Title: called(rec.heading(a)), TimeBasis: "receipt", FirstSeen: instant(rec.At), LastSeen: instant(rec.At),
	}
	var seen span
	seen.add(rc.event)
	o, err := m.object(ctx, rc)
	if err != nil {
		return h, err
	}
	if o != nil && seen.from == 0 {
		if seen, err = m.referred(o.ID(), rc); err != nil {
			return h, err
		}
	}
	if seen.from != 0 {
		h.TimeBasis, h.FirstSeen, h.LastSeen = "event", instant(time.Unix(seen.from, 0)), instant(time.Unix(seen.to, 0))
	}
	if o == nil {
		return h, nil
	}
	h.ID, h.Value = o.ID(), nameOf(o)
	return h, nil
}
