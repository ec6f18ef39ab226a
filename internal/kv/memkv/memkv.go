// Package memkv is a [kv.Store] in memory, for tests and throw-away nodes.
package memkv

import (
	"bytes"
	"iter"
	"slices"
	"sync"

	"casus/internal/kv"
)

// Store holds its pairs in a sorted slice.
type Store struct {
	mu    sync.RWMutex // guards the field below
	pairs []kv.Pair    // sorted by key; never changed in place: commits build a new slice
}

// New returns an empty store.
func New() *Store { return &Store{} }

func (s *Store) state() state {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return state(s.pairs)
}

// Get implements kv.Reader.
func (s *Store) Get(key []byte) ([]byte, bool, error) { return s.state().Get(key) }

// Scan implements kv.Reader.
func (s *Store) Scan(from, to []byte) iter.Seq2[kv.Pair, error] { return s.state().Scan(from, to) }

// Each implements kv.Reader.
func (s *Store) Each(keys [][]byte) iter.Seq2[kv.Pair, error] { return s.state().Each(keys) }

// Snapshot implements kv.Store.
func (s *Store) Snapshot() kv.Snapshot { return s.state() }

// Batch implements kv.Store.
func (s *Store) Batch() kv.Batch { return &batch{s: s} }

// Flush implements kv.Store.
func (s *Store) Flush() error { return nil }

// Erase implements kv.Store.
func (s *Store) Erase(_, _ []byte) error { return nil }

// SizeBytes implements kv.Store.
func (s *Store) SizeBytes() int64 { return 0 }

// Close implements kv.Store.
func (s *Store) Close() error { return nil }

type state []kv.Pair

func (p state) find(key []byte) (int, bool) {
	return slices.BinarySearchFunc(p, key, func(e kv.Pair, k []byte) int { return bytes.Compare(e.Key, k) })
}

// Get implements kv.Reader.
func (p state) Get(key []byte) ([]byte, bool, error) {
	i, ok := p.find(key)
	if !ok {
		return nil, false, nil
	}
	return bytes.Clone(p[i].Value), true, nil
}

// Scan implements kv.Reader.
func (p state) Scan(from, to []byte) iter.Seq2[kv.Pair, error] {
	return func(yield func(kv.Pair, error) bool) {
		i, _ := p.find(from)
		for ; i < len(p) && (to == nil || bytes.Compare(p[i].Key, to) < 0); i++ {
			if !yield(p[i], nil) {
				return
			}
		}
	}
}

// Each implements kv.Reader.
func (p state) Each(keys [][]byte) iter.Seq2[kv.Pair, error] {
	return func(yield func(kv.Pair, error) bool) {
		for _, key := range keys {
			if i, ok := p.find(key); ok && !yield(p[i], nil) {
				return
			}
		}
	}
}

// Close implements kv.Snapshot.
func (p state) Close() error { return nil }

type op struct {
	kind     byte // 's'et, 'm'erge, 'd'elete, 'r'ange
	key, arg []byte
}

type batch struct {
	s   *Store
	ops []op
}

func (b *batch) add(kind byte, key, arg []byte) error {
	b.ops = append(b.ops, op{kind, bytes.Clone(key), bytes.Clone(arg)})
	return nil
}

// Set implements kv.Batch.
func (b *batch) Set(key, value []byte) error { return b.add('s', key, value) }

// Merge implements kv.Batch.
func (b *batch) Merge(key, postings []byte) error { return b.add('m', key, postings) }

// Delete implements kv.Batch.
func (b *batch) Delete(key []byte) error { return b.add('d', key, nil) }

// DeleteRange implements kv.Batch.
func (b *batch) DeleteRange(from, to []byte) error { return b.add('r', from, to) }

// Discard implements kv.Batch.
func (b *batch) Discard() { b.ops = nil }

// Commit implements kv.Batch.
func (b *batch) Commit() error {
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	p := slices.Clone(b.s.pairs)
	for _, o := range b.ops {
		i, ok := state(p).find(o.key)
		switch o.kind {
		case 's', 'm':
			val := o.arg
			if o.kind == 'm' && ok {
				u, err := kv.Union(p[i].Value, o.arg)
				if err != nil {
					return err
				}
				val = u
			}
			if ok {
				p[i].Value = val
			} else {
				p = slices.Insert(p, i, kv.Pair{Key: o.key, Value: val})
			}
		case 'd':
			if ok {
				p = slices.Delete(p, i, i+1)
			}
		case 'r':
			j := len(p)
			if o.arg != nil {
				j, _ = state(p).find(o.arg)
			}
			if j > i {
				p = slices.Delete(p, i, j)
			}
		}
	}
	b.s.pairs, b.ops = p, nil
	return nil
}
