// Package audit keeps the trail of who read what is closely held, and of who was
// refused what, as entries of the log, and has the words in which auditors ask for
// it.
//
// # What it promises
//
//   - A read is in memory when its answer goes out and in the log within [Every],
//     many to one fsync, so that nobody waits for the disk. What waits is lost when
//     the process is killed, never when it is stopped. [Trail.ReadNow] returns once
//     the entry is durable.
//   - Nothing is dropped. While the log takes no entries, reads wait in memory up to
//     [MaxWaiting]; then they are refused.
//   - Refusals are counted per caller, action and second. There are [RefusalBurst]
//     entries of them at once and one in [RefusalEvery] on end: under a flood the
//     counts grow and the entries do not, and callers who are not signed in are
//     counted together past [MaxNobodies] of them.
//
// Entries name people by role and key and things by id. What somebody typed stands
// there as a keyed hash. The id of an observable follows from its value by STIX's
// rule, so that of an erased value stays here: who has the value can tell it again.
// The package does not decide who may ask, keeps no index
// (the view does) and reads no clock.
package audit

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"
	"sync"
	"time"

	"casus/internal/core/alliance"
	"casus/internal/core/cursor"
	"casus/internal/event"
	"casus/internal/eventlog"
	"casus/internal/fault"
)

// Limits of the trail.
//
// Source: casus decision 0032.
const (
	// Every is how long a read waits for the log at most.
	Every = time.Second
	// MaxWaiting is how many reads wait when the log takes no entries.
	MaxWaiting = 10_000
	// RefusalBurst and RefusalEvery bound the entries of refusals.
	RefusalBurst = 1000
	RefusalEvery = time.Second
	// MaxNobodies is how many different refusals of callers who are not signed in
	// are told apart at once, and MaxKnown of those who are.
	MaxNobodies = 64
	MaxKnown    = 1024

	// at this many waiting, and each time as many more, who reads writes them.
	flushAt = 500
	// appendBytes is the most payload bytes of one append.
	appendBytes = 256 << 10
	// maxWithheld and maxAlarms are how many ids and alarms one refusal names.
	maxWithheld = 20
	maxAlarms   = 20
)

// Nobody is the author of what somebody does who is not signed in.
const Nobody = "nobody"

// Who is somebody who reads or is refused.
type Who struct {
	// Author is the author of entries, see [people.Identity]; empty for nobody.
	Author string
	Org    alliance.Org
	// From is the network of nobody.
	From string
}

// Trail is what waits for the log. All methods may be called from several
// goroutines.
type Trail struct {
	log    eventlog.Log
	secret []byte
	woken  chan struct{}

	flushing sync.Mutex // held from taking what waits until it is in the log

	mu       sync.Mutex // guards the fields below
	waiting  []*note
	same     map[string]*note
	refusals map[refusalKey]*refusal
	nobodies int       // how many of them are of nobody
	full     time.Time // when the bucket of refusals is full again
}

type note struct {
	author string
	at     time.Time
	given  event.Given
}

type refusalKey struct {
	author, from, action string
	status               int
}

type refusal struct {
	refusalKey
	at, last time.Time
	event.Refusal
}

// New returns a trail that ends in log. secret keys the hashes of what people
// typed; 32 bytes that stay the same.
func New(log eventlog.Log, secret []byte) *Trail {
	return &Trail{log: log, secret: secret, woken: make(chan struct{}, 1), same: map[string]*note{}, refusals: map[refusalKey]*refusal{}}
}

// Woken is sent to when something begins to wait: within [Every] somebody has to
// call Flush.
func (t *Trail) Woken() <-chan struct{} { return t.woken }

func (t *Trail) wake() {
	select {
	case t.woken <- struct{}{}:
	default:
	}
}

// Read notes a read. The error is Unavailable when too many wait already and the
// log takes none: then nothing may be given out.
func (t *Trail) Read(ctx context.Context, now time.Time, who Who, a event.Given) error {
	raw, err := event.Write(a)
	if err != nil {
		return err
	}
	t.mu.Lock()
	key := who.Author + "\x00" + string(raw)
	if n := t.same[key]; n != nil {
		n.given.Times = max(n.given.Times, 1) + 1
		t.mu.Unlock()
		return nil
	}
	waiting := len(t.waiting)
	if waiting < MaxWaiting {
		n := &note{author: who.Author, at: now, given: a}
		t.waiting, t.same[key] = append(t.waiting, n), n
	}
	t.mu.Unlock()
	t.wake()
	if waiting < MaxWaiting && (waiting == 0 || waiting%flushAt != 0) {
		return nil
	}
	if err := t.Flush(ctx, now); err != nil && waiting >= MaxWaiting {
		return fault.WithHint(fault.Errorf(fault.Unavailable, "audit: the trail of reads cannot be written: %w", err), "make room on the disk of the node")
	}
	if waiting >= MaxWaiting {
		return t.Read(ctx, now, who, a)
	}
	return nil
}

// ReadNow notes a read and returns once it is in the log.
func (t *Trail) ReadNow(ctx context.Context, now time.Time, who Who, a event.Given) error {
	if err := t.Read(ctx, now, who, a); err != nil {
		return err
	}
	return t.Flush(ctx, now)
}

// Refused notes a refusal; Count is looked at only from 2 on.
func (t *Trail) Refused(now time.Time, who Who, r event.Refusal) {
	author := cmp.Or(who.Author, Nobody)
	if author == Nobody {
		r.From = who.From
	}
	r.Org, r.Count = who.Org, max(r.Count, 1)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refuse(&refusal{refusalKey: refusalKey{author, r.From, r.Action, r.Status}, at: now, last: now, Refusal: r})
	t.wake()
}

// refuse adds x to what waits. t.mu is held.
func (t *Trail) refuse(x *refusal) {
	if old := t.refusals[x.refusalKey]; old != nil {
		old.join(x)
		return
	}
	if x.author == Nobody && t.nobodies >= MaxNobodies || x.author != Nobody && len(t.refusals)-t.nobodies >= MaxKnown {
		x.refusalKey = refusalKey{Nobody, "several", "several", x.Status}
		x.Refusal = event.Refusal{Action: x.action, Status: x.Status, From: x.from, Count: x.Count, Alarms: x.Alarms}
		if old := t.refusals[x.refusalKey]; old != nil {
			old.join(x)
			return
		}
	}
	t.refusals[x.refusalKey] = x
	if x.author == Nobody {
		t.nobodies++
	}
}

// join counts x in with r.
func (r *refusal) join(x *refusal) {
	if x.at.Before(r.at) {
		r.at = x.at
	}
	if x.last.After(r.last) {
		r.last = x.last
	}
	r.Count += x.Count
	r.Withheld = joined(r.Withheld, x.Withheld, maxWithheld)
	r.Alarms = joined(r.Alarms, x.Alarms, maxAlarms)
	// Whose logins were tried is told while it is one; of several, that they were.
	if r.About != x.About || r.LoginHash != x.LoginHash {
		r.About, r.LoginHash = "", ""
	}
}

// joined adds to a list what it lacks of another, until it has the most that it may.
func joined(list, more []string, most int) []string {
	for _, text := range more {
		if len(list) < most && !slices.Contains(list, text) {
			list = append(list, text)
		}
	}
	return list
}

// Flush appends what waits. What could not be written goes on waiting; so do
// refusals past their bound, which Close alone writes.
func (t *Trail) Flush(ctx context.Context, now time.Time) error { return t.flush(ctx, now, false) }

// Close appends all that waits.
func (t *Trail) Close(ctx context.Context, now time.Time) error { return t.flush(ctx, now, true) }

func (t *Trail) flush(ctx context.Context, now time.Time, all bool) error {
	t.flushing.Lock()
	defer t.flushing.Unlock()
	t.mu.Lock()
	reads := t.waiting
	t.waiting, t.same = nil, map[string]*note{}
	refused := t.due(now, all)
	t.mu.Unlock()
	done, err := t.append(ctx, now, reads, refused)
	t.mu.Lock()
	defer t.mu.Unlock()
	if done < len(reads) {
		t.waiting = append(slices.Clone(reads[done:]), t.waiting...)
	}
	for _, r := range refused[max(0, done-len(reads)):] {
		t.refuse(r)
	}
	if len(t.waiting)+len(t.refusals) > 0 {
		t.wake()
	}
	return err
}

// due takes the refusals that may be written now: those of people first, then the
// oldest. t.mu is held.
func (t *Trail) due(now time.Time, all bool) []*refusal {
	list := make([]*refusal, 0, len(t.refusals))
	for _, r := range t.refusals {
		list = append(list, r)
	}
	rank := func(r *refusal) int {
		if r.author == Nobody {
			return 1
		}
		return 0
	}
	slices.SortFunc(list, func(a, b *refusal) int {
		return cmp.Or(rank(a)-rank(b), a.at.Compare(b.at), strings.Compare(a.author+a.from+a.action, b.author+b.from+b.action), a.Status-b.Status)
	})
	if t.full.Before(now) {
		t.full = now
	}
	if !all {
		room := RefusalBurst - int((t.full.Sub(now)+RefusalEvery-1)/RefusalEvery)
		list = list[:min(len(list), max(room, 0))]
	}
	t.full = t.full.Add(time.Duration(len(list)) * RefusalEvery)
	for _, r := range list {
		delete(t.refusals, r.refusalKey)
		if r.author == Nobody {
			t.nobodies--
		}
	}
	return list
}

// append writes reads and refusals in this order, and returns how many of them it
// wrote.
func (t *Trail) append(ctx context.Context, now time.Time, reads []*note, refused []*refusal) (done int, err error) {
	var batch []eventlog.Entry
	size := 0
	write := func() error {
		if len(batch) == 0 {
			return nil
		}
		if _, err := t.log.Append(ctx, nil, batch); err != nil {
			return err
		}
		done += len(batch)
		batch, size = batch[:0], 0
		return nil
	}
	add := func(kind event.Kind, author string, at time.Time, payload any) error {
		raw, err := event.Write(payload)
		if err != nil {
			return err
		}
		if len(batch) == eventlog.MaxEntries || size+len(raw) > appendBytes {
			if err := write(); err != nil {
				return err
			}
		}
		size += len(raw)
		h := event.Header{Kind: kind, KindVersion: 1, Author: author, EventTime: at, WriteTime: now}
		batch = append(batch, eventlog.Entry{Header: h, Payload: raw})
		return nil
	}
	for _, n := range reads {
		if err := add(event.ReadNoted, n.author, n.at, n.given); err != nil {
			return done, err
		}
	}
	for _, r := range refused {
		r.Seconds = int(r.last.Sub(r.at) / time.Second)
		if err := add(event.RefusalNoted, r.author, r.at, r.Refusal); err != nil {
			return done, err
		}
	}
	return done, write()
}

// Hash returns the keyed hash that stands for what somebody typed: whoever holds
// the key and a text can tell whether it was that one. Case and space around do not
// count; of nothing it is empty.
func (t *Trail) Hash(text string) string {
	text = strings.ToLower(strings.TrimSpace(text))
	if text == "" {
		return ""
	}
	h := hmac.New(sha256.New, t.secret)
	h.Write([]byte("casus audit\x00" + text))
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// Cursor hides the place of an entry, so that it counts nothing for who holds it.
func (t *Trail) Cursor(at event.Seq) string {
	return cursor.New(t.secret, "audit cursor").Seal(binary.BigEndian.AppendUint64(nil, uint64(at)), "")
}

// Place returns the place in a cursor; one of another node is Invalid.
func (t *Trail) Place(text string) (event.Seq, error) {
	if plain, ok := cursor.New(t.secret, "audit cursor").Open(text, ""); ok && len(plain) == 8 {
		return event.Seq(binary.BigEndian.Uint64(plain)), nil
	}
	return 0, fault.WithHint(fault.Errorf(fault.Invalid, "audit: cursor is not one of the trail"), "ask again from the first page")
}
