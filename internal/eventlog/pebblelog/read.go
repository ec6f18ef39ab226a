package pebblelog

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"strings"

	"casus/internal/event"
	"casus/internal/eventlog"
	"casus/internal/fault"

	"github.com/cockroachdb/pebble/v2"
)

// readPages is how many pages are read at a time, so that no iterator, and
// with it no old file, outlives a step of a reader.
const readPages = 16

// firstLine returns the text of err; Pebble's errors go on with details.
func firstLine(err error) string {
	text, _, _ := strings.Cut(err.Error(), "\n")
	return text
}

// rawPage is a page as stored, copied.
type rawPage struct {
	first             event.Seq
	headers, payloads []byte
}

// page is a page decoded.
type page struct {
	first event.Seq
	headers
	payloads []payload
}

func (p *page) last() event.Seq { return p.first + event.Seq(len(p.forms)) - 1 }

func (l *Log) decode(raw rawPage) (page, error) {
	h, err := unpackHeaders(raw.headers)
	if err != nil {
		return page{}, damaged(raw.first, err)
	}
	ps, err := unpackPayloads(raw.payloads, len(h.forms))
	if err != nil {
		return page{}, damaged(raw.first, err)
	}
	return page{first: raw.first, headers: h, payloads: ps}, nil
}

// damaged says that an entry cannot be read.
func damaged(seq event.Seq, err error) error {
	return fault.WithHint(fault.Errorf(fault.Internal, "pebblelog: entry %d: %s", seq, firstLine(err)),
		"casus node verify names everything that is damaged; restore it from a backup")
}

// take reads the page at which it stands, and moves it to the next one.
func take(it *pebble.Iterator) (rawPage, error) {
	first, suffix, ok := parsePageKey(it.Key())
	if !ok || suffix != suffixHeaders {
		return rawPage{}, fmt.Errorf("unexpected key %x", it.Key())
	}
	v, err := it.ValueAndErr()
	if err != nil {
		return rawPage{}, err
	}
	p := rawPage{first: first, headers: bytes.Clone(v)}
	if !it.Next() {
		return p, errors.Join(errors.New("payload page is missing"), it.Error())
	}
	if at, suffix, ok := parsePageKey(it.Key()); !ok || suffix != suffixPayloads || at != first {
		return p, errors.New("payload page is missing")
	}
	if v, err = it.ValueAndErr(); err != nil {
		return p, err
	}
	p.payloads = bytes.Clone(v)
	it.Next()
	return p, nil
}

// stepPage goes from the headers of a page to those of the next.
func stepPage(it *pebble.Iterator) bool {
	if !it.Next() {
		return false
	}
	return it.Next()
}

// seekPage moves it to the header page that holds seq.
func seekPage(it *pebble.Iterator, seq event.Seq) error {
	if it.SeekLT(appendSeqKey(nil, prefixEntries, seq+1)) {
		if _, suffix, ok := parsePageKey(it.Key()); !ok || suffix != suffixPayloads || it.Prev() {
			return nil
		}
	}
	// Coming from behind touches the block after the page, which may be damaged
	// when the page is not: come from the front.
	for ok := it.SeekGE(pageKey(max(seq, pageEntries)-pageEntries+1, suffixHeaders)); ok; ok = stepPage(it) {
		v, err := it.ValueAndErr()
		if err != nil {
			return err
		}
		if first, suffix, ok := parsePageKey(it.Key()); !ok || suffix != suffixHeaders || first > seq {
			break
		} else if n, _ := binary.Uvarint(v[min(len(v), countAt):]); seq-first < event.Seq(n) {
			return nil
		}
	}
	if err := it.Error(); err != nil {
		return err
	}
	return errors.New("entry is missing")
}

// pageOf reads the page that holds seq.
func (l *Log) pageOf(s *store, seq event.Seq) (page, error) {
	it, err := s.pages()
	if err != nil {
		return page{}, err
	}
	defer it.Close()
	if err := seekPage(it, seq); err != nil {
		return page{}, damaged(seq, err)
	}
	raw, err := take(it)
	if err != nil {
		return page{}, damaged(seq, err)
	}
	p, err := l.decode(raw)
	if err == nil && seq > p.last() {
		err = damaged(seq, errors.New("entry is missing"))
	}
	return p, err
}

// Get implements [eventlog.Log].
func (l *Log) Get(ctx context.Context, seq eventlog.Seq) (eventlog.Stored, error) {
	bad := eventlog.Stored{Seq: seq}
	if err := ctx.Err(); err != nil {
		return bad, err
	}
	if err := l.has(ctx, seq); err != nil {
		return bad, err
	}
	s, err := l.enter()
	if err != nil {
		return bad, err
	}
	p, err := l.pageOf(s, seq)
	l.leave()
	if err != nil {
		return bad, err
	}
	i := int(seq - p.first)
	h, err := event.ParseHeader(p.forms[i])
	if err != nil {
		return bad, damaged(seq, err)
	}
	pay := p.payloads[i]
	if !pay.erased && eventlog.PayloadHash(pay.salt, pay.data) != h.PayloadHash {
		return bad, damaged(seq, errors.New("payload does not match its digest"))
	}
	return eventlog.Stored{Seq: seq, Header: h, Payload: pay.data, Erased: pay.erased}, nil
}

func (l *Log) has(ctx context.Context, seq eventlog.Seq) error {
	head, _, err := l.Head(ctx)
	if err == nil && (seq == 0 || seq > head) {
		err = fault.Errorf(fault.NotFound, "pebblelog: no entry %d, head is %d", seq, head)
	}
	return err
}

// Read implements [eventlog.Log]. It checks numbering and chain on the way.
func (l *Log) Read(ctx context.Context, from eventlog.Seq) iter.Seq2[eventlog.Stored, error] {
	head, _, err := l.Head(ctx)
	return func(yield func(eventlog.Stored, error) bool) {
		if err != nil {
			yield(eventlog.Stored{}, err)
			return
		}
		r := reader{log: l, next: max(from, 1), head: head}
		for r.next <= head {
			err := ctx.Err()
			if err == nil {
				err = r.chunk(yield)
			}
			if err != nil {
				if !errors.Is(err, errStopped) {
					yield(eventlog.Stored{Seq: r.next}, err)
				}
				return
			}
		}
	}
}

var errStopped = errors.New("reader has enough")

// reader is a Read under way.
type reader struct {
	log        *Log
	next, head event.Seq
	chain      eventlog.Digest // after the last page, once joined
	joined     bool
	header     event.Header // keeps the strings that entries share
}

// chunk reads and yields what the tail has, or up to readPages pages.
func (r *reader) chunk(yield func(eventlog.Stored, error) bool) error {
	recent, next := r.log.tail.from(r.next, r.head)
	if len(recent) > 0 {
		r.joined = false
		for _, st := range recent {
			if !yield(st, nil) {
				return errStopped
			}
			r.next++
		}
		return nil
	}
	head := r.head
	if next != 0 {
		head = min(head, next-1)
	}
	raws, readErr := r.log.rawPages(r.next, head)
	for _, raw := range raws {
		p, err := r.log.decode(raw)
		if err != nil {
			return err
		}
		if p.first > r.next || p.last() < r.next {
			return damaged(r.next, errors.New("entry is missing"))
		}
		if r.joined && p.before != r.chain {
			return damaged(p.first, errors.New("chain is broken before it"))
		}
		r.chain, r.joined = p.after(len(p.forms)), true
		for i := int(r.next - p.first); i < len(p.forms); i++ {
			if _, err := r.header.Parse(p.forms[i]); err != nil {
				return damaged(r.next, err)
			}
			pay := p.payloads[i]
			if !yield(eventlog.Stored{Seq: r.next, Header: r.header, Payload: pay.data, Erased: pay.erased}, nil) {
				return errStopped
			}
			r.next++
		}
	}
	if readErr == nil && len(raws) == 0 {
		readErr = damaged(r.next, errors.New("entry is missing"))
	}
	return readErr
}

// rawPages copies up to readPages pages, the first being the one that holds
// from. Pages read before an error come with it.
func (l *Log) rawPages(from, head event.Seq) ([]rawPage, error) {
	s, err := l.enter()
	if err != nil {
		return nil, err
	}
	defer l.leave()
	it, err := s.pages()
	if err != nil {
		return nil, err
	}
	defer it.Close()
	if err := seekPage(it, from); err != nil {
		return nil, damaged(from, err)
	}
	var raws []rawPage
	for it.Valid() && len(raws) < readPages {
		if first, _, _ := parsePageKey(it.Key()); first > head {
			return raws, nil
		}
		raw, err := take(it)
		if err != nil {
			return raws, damaged(max(from, raw.first), err)
		}
		raws = append(raws, raw)
	}
	if err := it.Error(); err != nil && len(raws) == 0 {
		return nil, damaged(from, err)
	}
	return raws, nil
}

// Verify implements [eventlog.Log]. Besides the chain it checks that keys and
// aggregates are found where the entries say.
func (l *Log) Verify(ctx context.Context, problem func(string)) (eventlog.Seq, eventlog.Digest, error) {
	head, chain, err := l.Head(ctx)
	if err != nil {
		return 0, eventlog.Digest{}, err
	}
	c := eventlog.Checker{Problem: problem}
	for c.Seq < head {
		if err := ctx.Err(); err != nil {
			return c.Seq, c.Chain, err
		}
		raws, err := l.rawPages(c.Seq+1, head)
		for _, raw := range raws {
			p, derr := l.decode(raw)
			if derr != nil {
				err = derr
				break
			}
			if p.first <= c.Seq {
				err = damaged(c.Seq+1, errors.New("entry is missing"))
				break
			}
			if p.first > c.Seq+1 {
				err = damaged(c.Seq+1, errors.New("entries are missing"))
				break
			}
			l.verifyPage(&c, p)
		}
		if err == nil && len(raws) > 0 {
			continue
		}
		if fault.KindOf(err) == fault.Unavailable {
			return c.Seq, c.Chain, err
		}
		next, before, serr := l.skip(c.Seq+1, head)
		if serr != nil {
			return c.Seq, c.Chain, serr
		}
		problem(fmt.Sprintf("%s cannot be read: %v", entriesText(c.Seq+1, next-1), err))
		c.Seq, c.Chain = next-1, before
		if next > head {
			c.Chain = chain
		}
	}
	c.Joins(head+1, chain)
	return c.Seq, c.Chain, nil
}

func entriesText(from, to event.Seq) string {
	if from == to {
		return fmt.Sprintf("entry %d", from)
	}
	return fmt.Sprintf("entries %d to %d", from, to)
}

// skip finds the first page after seq that can be read, and the chain digest
// before it; head+1 when there is none.
func (l *Log) skip(seq, head event.Seq) (event.Seq, eventlog.Digest, error) {
	s, err := l.enter()
	if err != nil {
		return 0, eventlog.Digest{}, err
	}
	defer l.leave()
	// Trying is slow, because Pebble searches a damaged block for the bit that
	// is wrong: so go on in growing strides until a page can be read, and back
	// from there as long as pages can.
	var good page
	found := false
	for at, stride := seq, event.Seq(pageEntries); !found && at < head; stride *= 2 {
		at = min(at+stride, head)
		good, found = l.firstAfter(s, at)
	}
	if !found {
		return head + 1, eventlog.Digest{}, nil
	}
	for good.first > seq+1 {
		p, err := l.pageOf(s, good.first-1)
		if err != nil || p.first <= seq {
			break
		}
		good = p
	}
	return good.first, good.before, nil
}

// firstAfter reads the first page that begins at seq or later.
func (l *Log) firstAfter(s *store, seq event.Seq) (page, bool) {
	it, err := s.pages()
	if err != nil {
		return page{}, false
	}
	defer it.Close()
	if !it.SeekGE(pageKey(seq, suffixHeaders)) {
		return page{}, false
	}
	raw, err := take(it)
	if err != nil {
		return page{}, false
	}
	p, err := l.decode(raw)
	return p, err == nil
}

// verifyPage checks the entries of a page and what points at them.
func (l *Log) verifyPage(c *eventlog.Checker, p page) {
	c.Joins(p.first, p.before)
	s, err := l.enter()
	if err != nil {
		c.Problem(fmt.Sprintf("%s: keys were not checked: %v", entriesText(p.first, p.last()), err))
	} else {
		defer l.leave()
	}
	for i, form := range p.forms {
		seq := p.first + event.Seq(i)
		pay := p.payloads[i]
		c.Entry(seq, form, pay.erased, pay.salt, pay.data)
		h, err := event.ParseHeader(form)
		if err != nil || s == nil {
			continue
		}
		if h.Key != "" {
			if at, err := s.seq(keyKey(h.Key)); err != nil || at == 0 || at > seq {
				c.Problem(fmt.Sprintf("entry %d: its idempotency key is not found", seq))
			}
		}
		if h.Aggregate != "" {
			if at, err := s.seq(aggregateKey(h.Aggregate)); err != nil || at < seq {
				c.Problem(fmt.Sprintf("entry %d: its aggregate's version is not found", seq))
			}
		}
	}
}
