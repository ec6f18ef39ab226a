// Package memlog is a log in memory, for tests and throw-away work. It keeps
// the contract of [eventlog.Log] but for durability: nothing outlives it.
package memlog

import (
	"context"
	"io"
	"iter"
	"slices"
	"sync"

	"casus/internal/event"
	"casus/internal/eventlog"
	"casus/internal/fault"
)

// Log is a log in memory. Make one with [New].
type Log struct {
	random io.Reader

	mu         sync.Mutex // guards the fields below
	items      []item     // entry n at n-1
	chain      eventlog.Digest
	aggregates map[string]eventlog.Seq
	keys       map[string]eventlog.Seq
	grown      chan struct{} // closed and replaced at each append
	closed     bool
}

type item struct {
	header  event.Header
	form    []byte
	salt    []byte // nil when erased
	payload []byte
}

var _ eventlog.Log = (*Log)(nil)

// New returns an empty log that draws its salts from random.
func New(random io.Reader) *Log {
	return &Log{
		random:     random,
		aggregates: make(map[string]eventlog.Seq),
		keys:       make(map[string]eventlog.Seq),
		grown:      make(chan struct{}),
	}
}

// Append implements [eventlog.Log].
func (l *Log) Append(ctx context.Context, expect []eventlog.Expect, entries []eventlog.Entry) (eventlog.Seq, error) {
	if err := eventlog.Check(expect, entries); err != nil {
		return 0, err
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(); err != nil {
		return 0, err
	}
	first, err := eventlog.Repeated(entries, func(key string) (eventlog.Seq, bool, error) {
		at, ok := l.keys[key]
		return at, ok, nil
	})
	if err != nil || first != 0 {
		return first, err
	}
	err = eventlog.Expected(expect, func(a string) (eventlog.Seq, error) { return l.aggregates[a], nil })
	if err != nil {
		return 0, err
	}
	sealed, err := eventlog.Seal(l.random, entries)
	if err != nil {
		return 0, err
	}
	first = eventlog.Seq(len(l.items) + 1)
	for i, h := range sealed.Headers {
		l.items = append(l.items, item{
			header: h, form: sealed.Forms[i], salt: slices.Clone(sealed.Salt(i)), payload: append([]byte{}, entries[i].Payload...),
		})
		l.chain = eventlog.Next(l.chain, sealed.Forms[i])
		if h.Aggregate != "" {
			l.aggregates[h.Aggregate] = first + eventlog.Seq(i)
		}
		if h.Key != "" {
			l.keys[h.Key] = first
		}
	}
	close(l.grown)
	l.grown = make(chan struct{})
	return first, nil
}

// Read implements [eventlog.Log].
func (l *Log) Read(ctx context.Context, from eventlog.Seq) iter.Seq2[eventlog.Stored, error] {
	head, _, err := l.Head(ctx)
	return func(yield func(eventlog.Stored, error) bool) {
		if err != nil {
			yield(eventlog.Stored{}, err)
			return
		}
		for seq := max(from, 1); seq <= head; seq++ {
			s, err := l.Get(ctx, seq)
			if !yield(s, err) || err != nil {
				return
			}
		}
	}
}

// Get implements [eventlog.Log].
func (l *Log) Get(ctx context.Context, seq eventlog.Seq) (eventlog.Stored, error) {
	if err := ctx.Err(); err != nil {
		return eventlog.Stored{Seq: seq}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(); err != nil {
		return eventlog.Stored{Seq: seq}, err
	}
	if err := l.has(seq); err != nil {
		return eventlog.Stored{Seq: seq}, err
	}
	it := &l.items[seq-1]
	return eventlog.Stored{Seq: seq, Header: it.header, Payload: it.payload, Erased: it.salt == nil}, nil
}

// Head implements [eventlog.Log].
func (l *Log) Head(ctx context.Context) (eventlog.Seq, eventlog.Digest, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return eventlog.Seq(len(l.items)), l.chain, l.usable()
}

// Watch implements [eventlog.Log].
func (l *Log) Watch(after eventlog.Seq) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || eventlog.Seq(len(l.items)) > after {
		done := make(chan struct{})
		close(done)
		return done
	}
	return l.grown
}

// Seen implements [eventlog.Log].
func (l *Log) Seen(ctx context.Context, key string) (eventlog.Seq, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at, ok := l.keys[key]
	return at, ok, l.usable()
}

// Erase implements [eventlog.Log].
func (l *Log) Erase(ctx context.Context, seqs ...eventlog.Seq) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(); err != nil {
		return err
	}
	for _, seq := range seqs {
		if err := l.has(seq); err != nil {
			return err
		}
	}
	for _, seq := range seqs {
		// Readers may hold the old slices, so they are let go, not overwritten.
		l.items[seq-1].salt, l.items[seq-1].payload = nil, nil
	}
	return nil
}

// Verify implements [eventlog.Log].
func (l *Log) Verify(ctx context.Context, problem func(string)) (eventlog.Seq, eventlog.Digest, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(); err != nil {
		return 0, eventlog.Digest{}, err
	}
	c := eventlog.Checker{Problem: problem}
	for i, it := range l.items {
		c.Entry(eventlog.Seq(i+1), it.form, it.salt == nil, it.salt, it.payload)
	}
	c.Joins(c.Seq+1, l.chain)
	return c.Seq, c.Chain, ctx.Err()
}

// Close ends the log; later calls are Unavailable. It may be repeated.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.closed = true
		close(l.grown)
	}
	return nil
}

func (l *Log) usable() error {
	if l.closed {
		return fault.Errorf(fault.Unavailable, "memlog: log is closed")
	}
	return nil
}

func (l *Log) has(seq eventlog.Seq) error {
	if seq == 0 || seq > eventlog.Seq(len(l.items)) {
		return fault.Errorf(fault.NotFound, "memlog: no entry %d, head is %d", seq, len(l.items))
	}
	return nil
}
