package intake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"

	"casus/internal/core/marking"
	"casus/internal/edge/intake/format"
	"casus/internal/event"
	"casus/internal/eventlog"
	"casus/internal/view"
	"casus/stix"
)

// chunk is a run of items that one Append stores.
type chunk struct {
	no      int
	items   []format.Item
	entries []eventlog.Entry
	long    []eventlog.Entry // entries too long for the Append
	asides  []*stix.Problem
	read    int64 // position in the file after it
	err     error
	done    chan struct{}
}

// chunks reads, checks and appends everything; it returns the number of items.
//
// One goroutine reads, as many as there are processors check, and up to
// inFlight appends wait for their fsync. Chunks are appended in order.
func (t *taking) chunks() (int, error) {
	ctx, cancel := context.WithCancel(t.ctx)
	defer cancel()
	toCheck := make(chan *chunk, runtime.GOMAXPROCS(0))
	inOrder := make(chan *chunk, inFlight)
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(toCheck)
		defer close(inOrder)
		t.read(ctx, toCheck, inOrder)
	})
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for c := range toCheck {
				t.check(ctx, c)
				close(c.done)
			}
		})
	}
	n, err := t.commit(ctx, inOrder)
	cancel()
	for range inOrder { //nolint:revive // let the reader see that it is over
	}
	wg.Wait()
	return n, err
}

// read cuts the file into chunks.
func (t *taking) read(ctx context.Context, toCheck, inOrder chan<- *chunk) {
	send := func(c *chunk) bool {
		c.done = make(chan struct{})
		select {
		case inOrder <- c:
		case <-ctx.Done():
			return false
		}
		if c.err != nil {
			close(c.done)
			return true
		}
		select {
		case toCheck <- c:
			return true
		case <-ctx.Done():
			close(c.done)
			return false
		}
	}
	c := &chunk{items: make([]format.Item, 0, ChunkObjects)}
	size := 0
	for {
		it, err := t.fmt.Next()
		if errors.Is(err, io.EOF) {
			if len(c.items) > 0 {
				send(c)
			}
			return
		}
		if err != nil {
			c.err = err
			send(c)
			return
		}
		c.items = append(c.items, it)
		if it.Object != nil {
			size += len(it.Object.Raw())
		}
		if it.Problem != nil {
			size += len(it.Problem.Raw)
		}
		if len(c.items) >= ChunkObjects || size >= ChunkBytes {
			c.read = t.f.read.Load()
			next := &chunk{no: c.no + 1, items: make([]format.Item, 0, len(c.items))}
			if !send(c) {
				return
			}
			c = next // the one sent is no longer ours
			size = 0
		}
	}
}

// check validates a chunk's objects and makes its entries.
func (t *taking) check(ctx context.Context, c *chunk) {
	c.entries = make([]eventlog.Entry, 0, len(c.items))
	for i := range c.items {
		it := &c.items[i]
		if it.Problem == nil && it.Object != nil {
			it.Problem = Invalid(it)
		}
		if it.Problem != nil {
			c.asides = append(c.asides, it.Problem)
			continue
		}
		e, err := t.entry(ctx, it)
		if err != nil {
			c.err = err
			return
		}
		// By the object, not by its entry, which may be short when the report is
		// resumed: what bears which key must come out the same.
		if len(it.Object.Raw()) > maxShort {
			c.long = append(c.long, e)
		} else {
			c.entries = append(c.entries, e)
		}
	}
	c.items = nil
}

// Invalid returns what the standard forbids about an object, nil when nothing.
func Invalid(it *format.Item) *stix.Problem {
	var first *stix.Finding
	for _, f := range stix.Validate(it.Object, stix.Options{}) {
		if f.Must {
			first = &f
			break
		}
	}
	if first == nil {
		return nil
	}
	place := it.Place
	if first.Place != "" {
		place = strings.TrimPrefix(place+", "+first.Place, ", ")
	}
	return &stix.Problem{Place: place, Reason: first.Message, Remedy: first.Remedy, Raw: it.Object.Raw()}
}

func (t *taking) entry(ctx context.Context, it *format.Item) (eventlog.Entry, error) {
	o := it.Object
	set := marking.Of(o, t.def)
	if it.TLP != nil {
		// What contains it, such as one event among several, may be marked more
		// closely than the report as a whole.
		set = marking.Within(set, marking.Set{TLP: *it.TLP})
	}
	if t.req.TLP != nil {
		set = set.Under(*t.req.TLP)
	}
	h := t.header(event.ObjectReceived, "")
	h.Marking = t.held(set).String()
	terms := view.TermsOf(o)
	first, known, err := t.in.view.Find(ctx, t.in.reader, o.ID(), terms.Version(), o.Raw())
	if err != nil {
		return eventlog.Entry{}, err
	}
	if known {
		// Only the very same bytes: what is written otherwise is kept as it came, for
		// its readers may not be those of what is held.
		h.Kind = event.ObjectKnown
		return eventlog.Entry{Header: h, Payload: event.WriteKnown(first)}, nil
	}
	return eventlog.Entry{Header: h, Payload: o.Raw(), Note: terms}, nil
}

// commit appends the chunks in order. While one waits for its fsync, the next
// ones are read and checked.
func (t *taking) commit(ctx context.Context, inOrder <-chan *chunk) (int, error) {
	n := 0
	for c := range inOrder {
		<-c.done
		if c.err != nil {
			return n, c.err
		}
		n += len(c.entries) + len(c.long) + len(c.asides)
		if t.in.opt.Slow != nil {
			if err := t.in.opt.Slow(ctx); err != nil {
				return n, err
			}
		}
		if err := t.append(ctx, c); err != nil {
			return n, err
		}
		t.tallied.Name, t.tallied.Bytes, t.tallied.TotalBytes = t.req.Name, max(t.tallied.Bytes, c.read), t.f.Size()
		t.tallied.Objects += len(c.entries) + len(c.long)
		t.tallied.Quarantined += len(c.asides)
		if now := t.in.opt.Clock(); now.Sub(t.told) >= progressEvery {
			t.told = now
			t.progress(t.tallied)
		}
	}
	t.progress(t.tallied)
	return n, ctx.Err()
}

// append stores one chunk, unless it was stored before the report was cut
// short.
func (t *taking) append(ctx context.Context, c *chunk) error {
	key := fmt.Sprintf("chunk:%s:%d", t.key, c.no)
	if _, seen, err := t.in.log.Seen(ctx, key); err != nil || seen {
		return err
	}
	if err := t.setAside(c); err != nil {
		return err
	}
	for i, e := range c.long {
		e.Key = fmt.Sprintf("long:%s:%d:%d", t.key, c.no, i)
		if _, err := eventlog.AppendLong(ctx, t.in.log, nil, e); err != nil {
			return err
		}
		t.in.opt.Hook("long")
	}
	if len(c.entries) == 0 {
		return nil
	}
	c.entries[0].Key = key
	_, err := t.in.log.Append(ctx, nil, c.entries)
	t.in.opt.Hook("chunk")
	return err
}

// setAside stores what a chunk sets aside, as many pieces in one Append as it
// takes. The pieces, and so the Appends, follow from the file alone: an Append
// that was made before the report was cut short is met again by the key of its
// first piece.
func (t *taking) setAside(c *chunk) error {
	var run []eventlog.Entry
	size := 0
	end := func() error {
		if len(run) == 0 {
			return nil
		}
		_, err := t.in.log.Append(t.ctx, nil, run)
		run, size = nil, 0
		t.in.opt.Hook("aside")
		return err
	}
	for i, p := range c.asides {
		e, err := t.aside(p)
		if err != nil {
			return err
		}
		long := len(e.Payload) > eventlog.MaxWholeBytes
		if long || size+len(e.Payload) > eventlog.MaxAppendBytes || len(run) == eventlog.MaxEntries {
			if err := end(); err != nil {
				return err
			}
		}
		if long {
			e.Key = fmt.Sprintf("aside:%s:%d:%d", t.key, c.no, i)
			if _, err := eventlog.AppendLong(t.ctx, t.in.log, nil, e); err != nil {
				return err
			}
			continue
		}
		if len(run) == 0 {
			e.Key = fmt.Sprintf("asides:%s:%d:%d", t.key, c.no, i)
		}
		run, size = append(run, e), size+len(e.Payload)
	}
	return end()
}

// memory is a file in memory.
type memory []byte

// Memory returns b as a file.
func Memory(b []byte) File { return memory(b) }

// Size implements File.
func (m memory) Size() int64 { return int64(len(m)) }

// ReadAt implements io.ReaderAt.
func (m memory) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off >= int64(len(m)) {
		return 0, io.EOF
	}
	n := copy(p, m[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}
