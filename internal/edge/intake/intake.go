// Package intake takes reports in: it finds out how a report is written, reads
// it as a stream, checks every object, and appends what it finds to the log in
// chunks. What cannot be read is quarantined, never dropped.
//
// A report's identity is the SHA-256 of its source, who hands it in, and its
// bytes. Handing in the same bytes again adds nothing; a report cut short is
// resumed, because every chunk has an idempotency key made of the identity and its
// number, and the same bytes give the same chunks. A table for which another
// column map holds than the one it was read by is read anew, as a report of its
// own. What another has handed in is another report, so that nobody learns of it.
//
// Intake decides nothing about reading: it records each receipt's marking set,
// and closes the report with the set of its container.
package intake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"casus/internal/core/alliance"
	"casus/internal/core/marking"
	"casus/internal/core/report"
	"casus/internal/edge/intake/format"
	"casus/internal/event"
	"casus/internal/eventlog"
	"casus/internal/fault"
	"casus/internal/view"
	"casus/stix"
	"casus/tlp"
)

// Size of a chunk: one Append.
const (
	ChunkObjects = 500
	ChunkBytes   = 448 << 10
	// maxShort is the longest payload in a chunk's Append: one more than ChunkBytes
	// has room.
	maxShort = eventlog.MaxAppendBytes - ChunkBytes
	// inFlight is how many chunks may be read and checked ahead of the one that
	// is being appended; it bounds memory.
	inFlight = 8
	// progressEvery is how often progress is told at most, besides the end.
	progressEvery = 100 * time.Millisecond
)

// Intake appends to one log.
type Intake struct {
	log    eventlog.Log
	view   *view.Store
	reader view.Reader
	opt    Options
}

// Options of an intake.
type Options struct {
	Clock  func() time.Time
	Limits stix.Limits
	// Slow is called between chunks and returns when the views have caught up
	// enough, so that memory does not grow; nil means never wait.
	Slow func(context.Context) error
	// Settle returns when the views have read all that is in the log; nil means
	// never wait.
	Settle func(context.Context) error
	// Hook is called at named points, for tests that stop a node there.
	Hook func(point string)
}

// New returns an intake that reads the view as reader.
func New(log eventlog.Log, v *view.Store, reader view.Reader, opt Options) *Intake {
	if opt.Hook == nil {
		opt.Hook = func(string) {}
	}
	return &Intake{log: log, view: v, reader: reader, opt: opt}
}

// File is one report's bytes.
type File interface {
	io.ReaderAt
	Size() int64
}

// counted notes how far a file was read, for progress.
type counted struct {
	File
	read atomic.Int64
}

// ReadAt implements io.ReaderAt.
func (c *counted) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.File.ReadAt(p, off)
	if end := off + int64(n); end > c.read.Load() {
		c.read.Store(end)
	}
	return n, err
}

// Identity returns the identity of a report, hex. Of one that no organisation
// owns, source and bytes alone decide.
func Identity(req report.Request, digest [32]byte) string {
	h := sha256.New()
	fmt.Fprintf(h, "casus report\x00%d\x00%s", len(req.Source), req.Source)
	h.Write(digest[:])
	if req.Owner != "" {
		fmt.Fprintf(h, "%s\x00%s", req.Owner, req.Person)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Import takes one file in. Everything counted in the result is durable when
// it returns, and visible once the view has read the returned sequence number.
// A file that cannot be read at all is a report with one quarantined piece.
func (in *Intake) Import(ctx context.Context, req report.Request, f File, progress func(report.Progress)) (report.Known, event.Seq, error) {
	if progress == nil {
		progress = func(report.Progress) {}
	}
	if req.Source == "" {
		req.Source = report.LocalSource
	}
	digest, err := digestOf(ctx, f)
	if err != nil {
		return report.Known{}, 0, err
	}
	t := in.taking(ctx, req, f, digest, progress)
	known, seq, err := t.take()
	if err != nil || !known.Before {
		return known, seq, err
	}
	anew, err := t.anew()
	if err != nil || anew == nil {
		return known, seq, err
	}
	again, seq, err := anew.take()
	if !again.Before {
		again.Earlier = known.Identity
	}
	return again, seq, err
}

// taking returns f on its way in, as the report of its source and digest.
func (in *Intake) taking(ctx context.Context, req report.Request, f File, digest [32]byte, progress func(report.Progress)) *taking {
	return &taking{
		in: in, ctx: ctx, req: req, f: &counted{File: f}, id: Identity(req, digest), digest: digest, seed: digest, progress: progress,
		at: in.opt.Clock().UTC(),
	}
}

// take takes the report in, unless all of it is here.
func (t *taking) take() (report.Known, event.Seq, error) {
	in, ctx, id := t.in, t.ctx, t.id
	if err := t.before(); err != nil {
		return report.Known{}, 0, err
	}
	if t.opening != 0 && in.opt.Settle != nil {
		if err := in.opt.Settle(ctx); err != nil {
			return report.Known{}, 0, err
		}
	}
	held, ok, err := in.view.ByIdentity(ctx, in.reader, id)
	if err != nil {
		return report.Known{}, 0, err
	}
	if ok && held.Closed {
		return report.Known{Identity: id, Before: true}, 0, nil
	}
	seq, err := t.run()
	return report.Known{Identity: id}, seq, err
}

func digestOf(ctx context.Context, f File) ([32]byte, error) {
	h := sha256.New()
	buf := make([]byte, 1<<20)
	for off := int64(0); off < f.Size(); {
		if err := ctx.Err(); err != nil {
			return [32]byte{}, err
		}
		n, err := f.ReadAt(buf, off)
		h.Write(buf[:n])
		off += int64(n)
		if err != nil && !(errors.Is(err, io.EOF) && off >= f.Size()) {
			return [32]byte{}, fault.Errorf(fault.Unavailable, "intake: read: %w", err)
		}
	}
	return [32]byte(h.Sum(nil)), nil
}

// taking is one report on its way in.
type taking struct {
	in       *Intake
	ctx      context.Context
	req      report.Request
	f        *counted
	id       string
	key      string // what its idempotency keys are made of
	digest   [32]byte
	seed     [32]byte  // of the ids of what is made from it
	at       time.Time // when the report first came in
	progress func(report.Progress)

	opening event.Seq
	begun   *event.Opened // how it was begun before; nil for the first time
	source  report.Source
	def     marking.Set
	fmt     format.Reader
	tallied report.Progress
	told    time.Time // when progress was last told
}

// before finds out whether the report was begun before, and takes up the time
// of then: what is made from it must come out the same. One that was erased
// since is taken in anew, under other keys.
func (t *taking) before() error {
	t.key = t.id
	for n := 2; ; n++ {
		seq, ok, err := t.in.log.Seen(t.ctx, "open:"+t.key)
		if err != nil || !ok {
			return err
		}
		st, err := t.in.log.Get(t.ctx, seq)
		if err != nil {
			return err
		}
		if !st.Erased {
			var p event.Opened
			if err := event.Read(st.Payload, &p); err != nil {
				return err
			}
			t.opening, t.at = seq, p.At
			t.begun = &p
			return nil
		}
		t.key = fmt.Sprintf("%s:%d", t.id, n)
	}
}

func (t *taking) run() (event.Seq, error) {
	if err := t.settle(); err != nil {
		return 0, err
	}
	opt, err := t.reading()
	if err != nil {
		return 0, err
	}
	r, openErr := format.Open(t.f, opt)
	found := t.req.Format
	if openErr == nil {
		found = r.Format()
	}
	if err := t.open(found); err != nil {
		return 0, err
	}
	t.in.opt.Hook("opened")
	if openErr != nil {
		return t.unreadable(openErr)
	}
	t.fmt = r
	if found != report.STIX {
		if err := t.keepOriginal(); err != nil {
			return 0, err
		}
	}
	n, err := t.chunks()
	if err != nil {
		return 0, err
	}
	t.in.opt.Hook("read")
	return t.close(n, r.Meta())
}

// settle fixes what holds for the report: for one begun before, what held then.
func (t *taking) settle() error {
	if t.begun != nil {
		return t.resume(t.begun)
	}
	t.source = t.in.view.Settings(t.req.Source)
	label := t.req.TLP
	if label == nil {
		label = t.source.TLP
	}
	t.def = marking.Default(label)
	if t.req.TLP != nil {
		t.def.Imputed = false
	}
	t.def = limited(t.def, t.req.Limits)
	return nil
}

// limited returns set with limits besides.
func limited(set marking.Set, l marking.Limits) marking.Set {
	return marking.Combine(set, marking.Set{TLP: tlp.Clear, Imputed: true, Limits: l})
}

// resume takes up how the report was begun. A request that says otherwise is a
// [fault.Conflict]: half of the report is stored as it was asked for then.
func (t *taking) resume(p *event.Opened) error {
	other := ""
	switch {
	case t.req.TLP != nil && (p.TLP == nil || *p.TLP != *t.req.TLP):
		other = "another label of TLP"
	case t.req.Format != report.Auto && t.req.Format != p.Asked && t.req.Format != p.Format:
		other = "another format"
	case t.req.Map != nil && !maps.Equal(t.req.Map, p.Map):
		other = "another column map"
	case t.req.Exercise && !p.Exercise:
		other = "no mark of an exercise"
	}
	def, err := marking.Parse(p.Default)
	if err != nil {
		return err
	}
	if more := limited(def, t.req.Limits); more.String() != def.String() {
		other = "another classification"
	}
	if other != "" {
		return fault.WithHint(fault.Errorf(fault.Conflict, "intake: this report was begun with %s, and is not finished", other),
			"hand it in as it was begun; when it is finished it can be erased and handed in anew")
	}
	t.def = def
	t.req.TLP, t.req.Format, t.req.Map, t.req.Exercise, t.req.Title, t.req.Name = p.TLP, p.Asked, p.Map, p.Exercise, p.Title, p.Name
	t.req.Owner, t.req.Person = p.Owner, p.Person
	t.source = report.Source{Name: p.Source, Map: p.SourceMap, Zone: p.Zone}
	return nil
}

// reading returns how to read the report: as its request says, else as its
// source is set.
func (t *taking) reading() (format.Options, error) {
	opt := format.Options{
		Format: t.req.Format, Name: t.req.Name, Map: t.req.Map, Zone: time.UTC, Seed: t.seed, Limits: t.in.opt.Limits, Now: t.at,
	}
	if opt.Map == nil {
		opt.Map = t.source.Map
	}
	if t.source.Zone != "" {
		z, err := time.LoadLocation(t.source.Zone)
		if err != nil {
			return opt, fault.Errorf(fault.Invalid, "intake: source %s: time zone %q: %w", t.req.Source, t.source.Zone, err)
		}
		opt.Zone = z
	}
	return opt, nil
}

func (t *taking) header(kind event.Kind, key string) event.Header {
	return event.Header{Kind: kind, KindVersion: 1, Author: author(t.req.Author), Cause: t.opening, Key: key, WriteTime: t.in.opt.Clock().UTC()}
}

// author returns who acts; nobody is the local operator.
func author(by string) string {
	if by == "" {
		return "local"
	}
	return by
}

func (t *taking) open(found report.Format) error {
	payload, err := event.Write(event.Opened{
		Identity: t.id, Source: t.req.Source, Title: t.req.Title, Name: t.req.Name, Format: found, Size: t.f.Size(),
		Digest: hex.EncodeToString(t.digest[:]), Default: t.def.String(), TLP: t.req.TLP, Exercise: t.req.Exercise, At: t.at,
		Asked: t.req.Format, Map: t.req.Map, SourceMap: t.source.Map, Zone: t.source.Zone,
		Owner: t.req.Owner, Person: t.req.Person,
	})
	if err != nil {
		return err
	}
	t.opening, err = t.in.log.Append(t.ctx, nil, []eventlog.Entry{{Header: t.header(event.ReportOpened, "open:"+t.key), Payload: payload}})
	return err
}

// keepOriginal stores the bytes as handed in, where the objects made from them
// do not hold them.
func (t *taking) keepOriginal() error {
	buf := make([]byte, eventlog.MaxWholeBytes)
	for i, off := 0, int64(0); off < t.f.Size(); i++ {
		n, err := t.f.ReadAt(buf, off)
		if n == 0 && err != nil {
			return fault.Errorf(fault.Unavailable, "intake: read: %w", err)
		}
		key := fmt.Sprintf("part:%s:%d", t.key, i)
		if _, err := t.in.log.Append(t.ctx, nil, []eventlog.Entry{{Header: t.header(event.ReportOriginal, key), Payload: slices.Clone(buf[:n])}}); err != nil {
			return err
		}
		off += int64(n)
	}
	return nil
}

// unreadable quarantines a file whole: its reason, and up to one object's
// length of its bytes.
func (t *taking) unreadable(cause error) (event.Seq, error) {
	raw := make([]byte, min(t.f.Size(), int64(eventlog.MaxWholeBytes)))
	if n, err := t.f.ReadAt(raw, 0); err != nil && !errors.Is(err, io.EOF) {
		raw = raw[:n]
	}
	p := unread(cause)
	p.Raw = raw
	if err := t.setAside(&chunk{asides: []*stix.Problem{p}}); err != nil {
		return 0, err
	}
	if err := t.keepOriginal(); err != nil {
		return 0, err
	}
	return t.close(1, format.Meta{})
}

// wholeFile is the place of a problem that is the file's as a whole.
const wholeFile = "file"

func unread(cause error) *stix.Problem {
	return &stix.Problem{Place: wholeFile, Reason: strings.TrimPrefix(cause.Error(), "format: "), Remedy: fault.HintOf(cause)}
}

// aside returns the entry of a piece that is set aside.
func (t *taking) aside(p *stix.Problem) (eventlog.Entry, error) {
	payload, err := event.Write(event.SetAside{Place: p.Place, Reason: p.Reason, Remedy: p.Remedy, Raw: p.Raw})
	return eventlog.Entry{Header: t.header(event.Quarantined, ""), Payload: payload}, err
}

// close ends the report and fixes its marking.
func (t *taking) close(received int, meta format.Meta) (event.Seq, error) {
	set := t.def
	if meta.TLP != nil {
		set = marking.Set{TLP: *meta.TLP}
		if t.req.TLP != nil {
			set = marking.Combine(set, t.def)
		}
		set = limited(set, t.def.Limits)
	}
	payload, err := event.Write(event.Closed{Container: t.held(set).String(), Title: titleOf(t.req, meta), Received: received})
	if err != nil {
		return 0, err
	}
	seq, err := t.in.log.Append(t.ctx, nil, []eventlog.Entry{{Header: t.header(event.ReportClosed, "close:"+t.key), Payload: payload}})
	t.in.opt.Hook("closed")
	return seq, err
}

// held returns set as what this report holds: of the organisation that handed it
// in, given to it alone, and where it is RED to the person who did so.
func (t *taking) held(set marking.Set) marking.Set {
	if t.req.Owner == "" {
		return set
	}
	set.Owner, set.Recipients, set.Persons = t.req.Owner, marking.Only(t.req.Owner), marking.Named[alliance.Key]{}
	if t.req.Person != "" && (set.TLP == tlp.Red || len(set.Refs) > 0) { // a reference may turn out to be RED
		set.Persons = marking.Only(t.req.Person)
	}
	return set
}

func titleOf(req report.Request, meta format.Meta) string {
	if req.Title != "" {
		return ""
	}
	return meta.Title
}
