package pebblelog

import (
	"context"
	"encoding/binary"

	"casus/internal/event"
	"casus/internal/eventlog"
	"casus/internal/fault"

	"github.com/cockroachdb/pebble/v2"
)

// packed is a page ready to be written but for its place.
type packed struct {
	headers, payloads []byte
	forms             [][]byte
}

// pack cuts entries into pages and compresses them.
func (p *packer) pack(sealed *eventlog.Sealed, entries []eventlog.Entry) []packed {
	pages := make([]packed, 0, len(entries)/pageEntries+1)
	var room [pageEntries]payload
	for i := 0; i < len(entries); {
		n, size := 0, 0
		for i+n < len(entries) && n < pageEntries {
			next := len(entries[i+n].Payload)
			if n > 0 && size+next > pagePayloadBytes {
				break
			}
			size += next
			n++
		}
		ps := room[:n]
		for j := range ps {
			ps[j] = payload{salt: sealed.Salt(i + j), data: entries[i+j].Payload}
		}
		forms := sealed.Forms[i : i+n]
		pages = append(pages, packed{headers: p.headers(forms), payloads: p.payloads(ps), forms: forms})
		i += n
	}
	return pages
}

// Append implements [eventlog.Log].
func (l *Log) Append(ctx context.Context, expect []eventlog.Expect, entries []eventlog.Entry) (eventlog.Seq, error) {
	if err := eventlog.Check(expect, entries); err != nil {
		return 0, err
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	// Hashing and compressing need no sequence number, so they run outside the
	// one place where Appends stand in line.
	sealed, err := eventlog.Seal(l.random, entries)
	if err != nil {
		return 0, err
	}
	packer, _ := l.packers.Get().(*packer) // the pool holds nothing else
	packer.reset()
	defer l.packers.Put(packer)
	pages := packer.pack(sealed, entries)
	select {
	case l.appending <- struct{}{}:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	s, err := l.enter()
	if err != nil {
		<-l.appending
		return 0, err
	}
	defer l.leave()
	first, batch, err := l.place(ctx, s, expect, entries, pages)
	if batch != nil && noted(entries) {
		l.tail.add(first, sealed.Headers, entries)
	}
	last, chain := s.last, s.chain
	<-l.appending
	if err != nil {
		return 0, err
	}
	switch {
	case batch == nil:
		// The Append that is repeated may be waiting for its sync still.
		if head, _, err := l.Head(ctx); err != nil || first <= head {
			return first, err
		}
		err = s.db.LogData(nil, pebble.Sync)
	case !l.opts.noSync:
		err = batch.SyncWait()
	}
	if failed := s.fence.Failure(); failed != nil {
		err = failed
	}
	if err != nil {
		return 0, unavailable("append", err)
	}
	if batch != nil {
		_ = batch.Close()
	}
	// The write-ahead log is synced in order, so all before this is durable too.
	l.publish(last, chain)
	return first, nil
}

// place gives entries their sequence numbers and writes them to the write-ahead
// log, not yet synced. A nil batch means that they repeat the Append at first.
// It is called with appending held.
func (l *Log) place(ctx context.Context, s *store, expect []eventlog.Expect, entries []eventlog.Entry, pages []packed) (event.Seq, *pebble.Batch, error) {
	first, err := eventlog.Repeated(entries, func(key string) (event.Seq, bool, error) {
		at, err := s.seq(keyKey(key))
		return at, at != 0, err
	})
	if err != nil || first != 0 {
		return first, nil, err
	}
	if err := eventlog.Expected(expect, func(a string) (event.Seq, error) { return s.seq(aggregateKey(a)) }); err != nil {
		return 0, nil, err
	}
	if err := s.makeRoom(ctx); err != nil {
		return 0, nil, err
	}
	first = s.last + 1
	size := 256
	for _, p := range pages {
		size += len(p.headers) + len(p.payloads) + 64
	}
	batch := s.db.NewBatchWithSize(size)
	seq, chain := first, s.chain
	for _, p := range pages {
		copy(p.headers[digestAt:], chain[:])
		for _, form := range p.forms {
			chain = eventlog.Next(chain, form)
		}
		err = firstError(err, batch.Set(pageKey(seq, suffixHeaders), p.headers, nil))
		err = firstError(err, batch.Set(pageKey(seq, suffixPayloads), p.payloads, nil))
		seq += event.Seq(len(p.forms))
	}
	at := binary.BigEndian.AppendUint64(nil, uint64(first))
	for i := range entries {
		if k := entries[i].Key; k != "" {
			err = firstError(err, batch.Set(keyKey(k), at, nil))
		}
		if a := entries[i].Aggregate; a != "" {
			last := binary.BigEndian.AppendUint64(nil, uint64(first)+uint64(i))
			err = firstError(err, batch.Set(aggregateKey(a), last, nil))
		}
	}
	if err == nil {
		if l.opts.noSync {
			err = s.db.Apply(batch, pebble.NoSync)
		} else {
			err = s.db.ApplyNoSyncWait(batch, pebble.Sync)
		}
	}
	if err != nil {
		_ = batch.Close()
		return 0, nil, fault.Errorf(fault.Internal, "pebblelog: append: %w", err)
	}
	s.last, s.chain = seq-1, chain
	s.appended.Add(int64(size))
	return first, batch, nil
}

func firstError(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// Head implements [eventlog.Log].
func (l *Log) Head(context.Context) (eventlog.Seq, eventlog.Digest, error) {
	l.headMu.Lock()
	defer l.headMu.Unlock()
	if l.ended {
		return 0, eventlog.Digest{}, fault.Errorf(fault.Unavailable, "pebblelog: log is closed")
	}
	return l.head, l.chain, nil
}

// Watch implements [eventlog.Log].
func (l *Log) Watch(after eventlog.Seq) <-chan struct{} {
	l.headMu.Lock()
	defer l.headMu.Unlock()
	if l.ended || l.head > after {
		done := make(chan struct{})
		close(done)
		return done
	}
	return l.grown
}

// Seen implements [eventlog.Log].
func (l *Log) Seen(ctx context.Context, key string) (eventlog.Seq, bool, error) {
	s, err := l.enter()
	if err != nil {
		return 0, false, err
	}
	defer l.leave()
	at, err := s.seq(keyKey(key))
	if err != nil || at == 0 {
		return 0, false, err
	}
	head, _, err := l.Head(ctx)
	if err != nil || at > head {
		return 0, false, err // not acknowledged yet
	}
	return at, true, nil
}
