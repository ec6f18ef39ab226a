package node

import (
	"bytes"
	"context"
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"casus/internal/core/report"
	"casus/internal/edge/taxiiserver"
	"casus/internal/event"
	"casus/internal/fault"
	"casus/internal/people"
	"casus/internal/view"
)

// taxii adapts a node to what programs that speak TAXII ask for.
type taxii struct{ *Node }

// TAXII returns the TAXII server.
func (n *Node) TAXII(log *slog.Logger) http.Handler {
	return taxiiserver.New(taxii{n}, taxii{n}, taxiiserver.Options{
		Title: "Casus", Description: "What this node holds, as far as it is released to you", Log: log,
	})
}

// Collections lists the collections: those that are there for who asks, or all to who
// manages them. Of which sources and organisations one speaks, and for whom else it is
// there, is told to who manages them alone.
func (n *Node) Collections(ctx context.Context) ([]report.Collection, error) {
	all, err := n.collections(ctx)
	if err != nil || n.may(ctx, manages) == nil {
		return all, err
	}
	for k := range all {
		all[k].Source, all[k].Audience, all[k].Filter.Sources, all[k].Filter.Organisations = "", nil, nil, nil
	}
	return all, nil
}

// collections returns the collections that are there for who asks, as they are.
func (n *Node) collections(ctx context.Context) ([]report.Collection, error) {
	err := n.may(ctx, reads)
	if err != nil && n.may(ctx, manages) != nil {
		return nil, err
	}
	all := n.view.SetCollections()
	if err != nil || n.people.Empty() {
		return all, nil
	}
	org := people.CallerOf(ctx).Org
	return slices.DeleteFunc(all, func(c report.Collection) bool { return !c.ForOrg(org) }), nil
}

// SetCollection makes a collection and returns it as it is. What is in one never
// changes its date, so a collection that is there is not changed: it is a Conflict.
func (n *Node) SetCollection(ctx context.Context, c report.Collection) (report.Collection, error) {
	if err := n.may(ctx, manages); err != nil {
		return c, err
	}
	if c.ID == "" {
		var u [16]byte
		if _, err := io.ReadFull(n.cfg.Random, u[:]); err != nil {
			return c, fault.Errorf(fault.Unavailable, "node: random bytes: %w", err)
		}
		u[6], u[8] = u[6]&0x0f|0x40, u[8]&0x3f|0x80
		x := hex.EncodeToString(u[:])
		c.ID = x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:]
	}
	if c.Writable && c.Source == "" {
		c.Source = "taxii " + c.ID
		if c.Alias != "" {
			c.Source = "taxii " + c.Alias
		}
	}
	if err := c.Check(); err != nil {
		return c, err
	}
	// One at a time, so that of two of one name the second meets the first.
	n.naming.Lock()
	defer n.naming.Unlock()
	for _, old := range n.view.SetCollections() {
		if old.ID == c.ID || c.Alias != "" && old.Alias == c.Alias {
			return c, fault.WithHint(fault.Errorf(fault.Conflict, "node: collection %s is there already", old.Title), "remove it first, or use another id and alias")
		}
	}
	return c, n.setCollection(ctx, event.Collection{Collection: c})
}

// RemoveCollection ends a collection. What was in it stays.
func (n *Node) RemoveCollection(ctx context.Context, id string) error {
	if err := n.may(ctx, manages); err != nil {
		return err
	}
	c, err := named(n.view.SetCollections(), id)
	if err != nil {
		return err
	}
	return n.setCollection(ctx, event.Collection{ID: c.ID, Title: c.Title, Removed: true})
}

func (n *Node) setCollection(ctx context.Context, p event.Collection) error {
	payload, err := event.Write(p)
	if err != nil {
		return err
	}
	return n.append(ctx, event.Header{Kind: event.CollectionSet, KindVersion: 1}, payload)
}

// named returns the collection that an id or alias names.
func named(all []report.Collection, id string) (report.Collection, error) {
	for _, c := range all {
		if strings.EqualFold(c.ID, id) || c.Alias != "" && c.Alias == id {
			return c, nil
		}
	}
	return report.Collection{}, fault.Errorf(fault.NotFound, "node: collection %.80s is not here or not released to you", id)
}

// Collection implements taxiiserver.Reads.
func (t taxii) Collection(ctx context.Context, id string) (report.Collection, error) {
	all, err := t.Collections(ctx)
	if err != nil {
		return report.Collection{}, err
	}
	c, err := named(all, id)
	if err != nil && !t.people.Empty() {
		var withheld []string
		if hidden, err := named(t.view.SetCollections(), id); err == nil {
			withheld = []string{hidden.ID}
		}
		t.missed(ctx, t.cfg.Clock().UTC(), "taxii", withheld, err)
	}
	return c, err
}

// Collections implements taxiiserver.Reads.
func (t taxii) Collections(ctx context.Context) ([]report.Collection, error) {
	if err := t.may(ctx, reads); err != nil {
		return nil, err
	}
	return t.Node.collections(ctx)
}

// Gather implements taxiiserver.Reads.
func (t taxii) Gather(ctx context.Context, c report.Collection, ask report.Ask) ([]report.Added, bool, error) {
	if err := t.may(ctx, reads); err != nil {
		return nil, false, err
	}
	r, done := t.reading(ctx, "taxii", "")
	rows, more, err := t.view.Gather(ctx, r, c, ask)
	return rows, more, done("", err)
}

// In implements taxiiserver.Reads.
func (t taxii) In(ctx context.Context, c report.Collection, id string) (bool, error) {
	if err := t.may(ctx, reads); err != nil {
		return false, err
	}
	r, done := t.reading(ctx, "taxii", "")
	is, err := t.view.In(ctx, r, c, id)
	if err == nil && !is {
		_ = done(id, fault.Errorf(fault.NotFound, "node: object %.120s is not in the collection", id)) // who asks is told so anyway
		return false, nil
	}
	return is, err
}

// Cursor implements taxiiserver.Reads.
func (t taxii) Cursor(ctx context.Context, c report.Collection, what string, ask report.Ask, last report.Added) (string, error) {
	return t.view.Cursor(t.readerFor(ctx), c, what, ask, last.At)
}

// Resume implements taxiiserver.Reads.
func (t taxii) Resume(ctx context.Context, c report.Collection, what, cursor string) (report.Ask, error) {
	return t.view.Resume(t.readerFor(ctx), c, what, cursor)
}

// Status implements taxiiserver.Reads.
func (t taxii) Status(ctx context.Context, id string) (report.Status, error) {
	if err := t.may(ctx, reads); err != nil {
		return report.Status{}, err
	}
	r, done := t.reading(ctx, "taxii", "")
	st, err := t.view.Status(ctx, r, id)
	return st, done(id, err)
}

// MayWrite implements taxiiserver.Writes.
func (t taxii) MayWrite(ctx context.Context) error { return t.may(ctx, hands) }

// maxAgain is how often the very same envelope is taken in anew.
const maxAgain = 256

// Write implements taxiiserver.Writes. The same bytes handed in twice are one report.
// Where objects of that report were taken out of the collection since, who hands them
// in again wants them back: with a space behind the envelope it is another report, and
// the objects are added anew.
func (t taxii) Write(ctx context.Context, c report.Collection, envelope []byte) (report.Status, error) {
	if err := t.may(ctx, hands); err != nil {
		return report.Status{}, err
	}
	req := report.Request{Source: c.Source, Title: c.Title, Name: "envelope.json", Format: report.STIX}
	for range maxAgain {
		st, again, err := t.writeOnce(ctx, c, req, envelope)
		if err != nil || !again {
			return st, err
		}
		envelope = append(envelope, ' ')
	}
	return report.Status{}, fault.WithHint(fault.Errorf(fault.Conflict, "node: this envelope was added and deleted %d times", maxAgain), "send its objects in another envelope")
}

// writeOnce takes in an envelope, and says whether objects of it were taken out of the
// collection since it came in before.
func (t taxii) writeOnce(ctx context.Context, c report.Collection, req report.Request, envelope []byte) (st report.Status, again bool, err error) {
	known, seq, leave, err := t.takeIn(ctx, req, file{bytes.NewReader(envelope), int64(len(envelope))}, nil)
	if err != nil {
		return st, false, err
	}
	defer leave()
	if err := t.caughtUp(ctx, seq); err != nil {
		return st, false, err
	}
	if known.Before {
		if again, err = t.view.WasCut(ctx, view.LocalOperator(), c, known.Identity); err != nil || again {
			return st, again, err
		}
	}
	id, err := view.StatusID(known.Identity)
	if err != nil {
		return st, false, err
	}
	st, err = t.view.Status(ctx, t.readerFor(ctx), id)
	return st, false, err
}

// cutAtOnce is how many receipts one entry cuts.
const cutAtOnce = 10_000

// Cut implements taxiiserver.Writes.
func (t taxii) Cut(ctx context.Context, c report.Collection, id string, ask report.Ask) error {
	if err := t.may(ctx, hands); err != nil {
		return err
	}
	r, done := t.reading(ctx, "taxii", "") // of which only that it is not there is told
	seqs, err := t.view.Cut(ctx, r, c, id, ask)
	if err != nil {
		return done(id, err)
	}
	if len(seqs) == 0 {
		return done(id, fault.Errorf(fault.NotFound, "node: object %.120s is not here or not released to you in such a version", id))
	}
	for part := range slices.Chunk(seqs, cutAtOnce) {
		payload, err := event.Write(event.Cut{Collection: c.ID, Receipts: part})
		if err != nil {
			return err
		}
		if err := t.append(ctx, event.Header{Kind: event.CollectionCut, KindVersion: 1}, payload); err != nil {
			return err
		}
	}
	return nil
}
