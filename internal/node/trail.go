package node

import (
	"context"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"

	"casus/internal/audit"
	"casus/internal/event"
	"casus/internal/eventlog"
	"casus/internal/fault"
	"casus/internal/people"
	"casus/internal/view"
	"casus/stix"
)

// keepTrail writes what waits for the trail until ctx ends; what then waits, Close
// writes.
func (n *Node) keepTrail(ctx context.Context) {
	tick := time.NewTimer(audit.Every)
	defer tick.Stop()
	for {
		select {
		case <-n.trail.Woken():
		case <-ctx.Done():
			return
		}
		tick.Reset(audit.Every)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		// What the log does not take goes on waiting, and is tried again.
		_ = n.trail.Flush(ctx, n.cfg.Clock().UTC())
	}
}

// whoAsks is who asks, as the trail names him.
func whoAsks(ctx context.Context) audit.Who {
	c := people.CallerOf(ctx)
	return audit.Who{Author: c.Author(), Org: c.Org, From: c.From.Network()}
}

// reading returns the reader for who asks one question, and what is to be called
// with its outcome before the answer goes out: it notes what was given, or that
// what was asked for by id is not there for him. query is what he typed.
//
// The local operator of a node without people leaves no trace: he can read the
// files, and there is nobody else who could look at the trail.
func (n *Node) reading(ctx context.Context, action, query string) (view.Reader, func(id string, err error) error) {
	t := new(view.Trace)
	return n.readerFor(ctx).Traced(t), func(id string, err error) error {
		if n.people.Empty() {
			return err
		}
		now := n.cfg.Clock().UTC()
		if err != nil {
			n.missed(ctx, now, action, t.Withheld(), err)
			return err
		}
		if !t.Any() {
			return nil
		}
		who := whoAsks(ctx)
		a := event.Given{Action: action, Org: who.Org, Query: n.trail.Hash(query)}
		t.Into(&a)
		return n.trail.Read(ctx, now, who, a)
	}
}

// missed notes that something was not there for who asked. Whether it is here, as
// what is withheld is, stands in the entry alone: there is one either way, so that not even
// the number of entries tells.
func (n *Node) missed(ctx context.Context, now time.Time, action string, withheld []string, err error) {
	if k := fault.KindOf(err); k == fault.NotFound || k == fault.Withheld {
		n.trail.Refused(now, whoAsks(ctx), event.Refusal{Action: action, Status: http.StatusNotFound, Withheld: withheld})
	}
}

// exporting yields the objects of a report, or all. Before the first that is
// closely held it stands in the log that an export begins, and after the last what
// it gave: the answer is not whole before.
func (n *Node) exporting(ctx context.Context, id string, yield func(o *stix.Object, label string) error) error {
	t := new(view.Trace)
	r, who := n.readerFor(ctx).Traced(t), whoAsks(ctx)
	if n.people.Empty() {
		t = nil
		r = r.Traced(nil)
	}
	begun := false
	give := func(o *stix.Object, label string) error {
		if t != nil && !begun && t.Any() {
			a := event.Given{Action: "export", Org: who.Org, Begun: true}
			t.Into(&a)
			a.Objects, a.ObjectCount, a.ReportCount, a.Digest = nil, 0, 0, "" // what it gives is not known yet
			if err := n.trail.ReadNow(ctx, n.cfg.Clock().UTC(), who, a); err != nil {
				return err
			}
			begun = true
		}
		return yield(o, label)
	}
	var err error
	if id != "" {
		err = n.view.Objects(ctx, r, id, give)
	} else {
		err = n.view.All(ctx, r, give)
	}
	switch {
	case begun:
		a := event.Given{Action: "export", Org: who.Org, Cut: err != nil}
		t.Into(&a)
		// Who asked may be gone: what he was given is told all the same.
		if told := n.trail.ReadNow(context.WithoutCancel(ctx), n.cfg.Clock().UTC(), who, a); err == nil {
			err = told
		}
	case t != nil && err != nil:
		n.missed(ctx, n.cfg.Clock().UTC(), "export", t.Withheld(), err)
	}
	return err
}

// alarm counts and notes that the rules could not tell who may read.
func (n *Node) alarm(ctx context.Context, texts ...string) {
	if len(texts) == 0 {
		return
	}
	n.alarms.Add(int64(len(texts)))
	const told = 5
	r := event.Refusal{Action: "policy"}
	for _, text := range texts[:min(len(texts), told)] {
		r.Alarms = append(r.Alarms, strings.ToValidUTF8(text[:min(len(text), 200)], ""))
	}
	n.trail.Refused(n.cfg.Clock().UTC(), whoAsks(ctx), r)
}

// asking is what is found out about a request on its way, for the trail.
type asking struct {
	login string
	slow  bool // he tried too often
}

type askingKey struct{}

// tries says whose login somebody tries.
func (n *Node) tries(ctx context.Context, login string) {
	if a, ok := ctx.Value(askingKey{}).(*asking); ok {
		a.login = login
	}
}

// tooOften says that a try was not looked at.
func (n *Node) tooOften(ctx context.Context, err error) {
	if a, ok := ctx.Value(askingKey{}).(*asking); ok && err != nil && fault.KindOf(err) == fault.Unavailable {
		a.slow = true
	}
}

// watched serves a request of c and notes when it is refused.
func (n *Node) watched(next http.Handler, w http.ResponseWriter, r *http.Request, c people.Caller) {
	var a asking
	r = r.WithContext(context.WithValue(people.With(r.Context(), c), askingKey{}, &a))
	sw := &statusWriter{ResponseWriter: w}
	next.ServeHTTP(sw, r)
	if a.slow {
		sw.status = http.StatusTooManyRequests
	}
	switch sw.status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusMisdirectedRequest, http.StatusTooManyRequests:
		n.refusedRequest(r, sw.status)
	}
}

// noting notes every use of a refusal.
func (n *Node) noting(refuse refusal) refusal {
	return func(w http.ResponseWriter, r *http.Request, status int, kind string, err error) {
		n.refusedRequest(r, status)
		refuse(w, r, status, kind, err)
	}
}

// refusedRequest notes that a request was refused.
func (n *Node) refusedRequest(r *http.Request, status int) {
	ctx := r.Context()
	who := whoAsks(ctx)
	if who.Author == "" && people.CallerOf(ctx).From == (people.From{}) {
		who.From = from(r, false).Network() // nobody was asked for yet
	}
	out := event.Refusal{Action: actionOf(r), Status: status}
	if a, ok := ctx.Value(askingKey{}).(*asking); ok && a.login != "" {
		if p, err := n.people.Person(a.login); err == nil {
			out.About = p.Key
		} else {
			out.LoginHash = n.trail.Hash(a.login)
		}
	}
	n.trail.Refused(n.cfg.Clock().UTC(), who, out)
}

// actionOf is what a request asks for, without what somebody may have put into its
// address: by the route that it came to, else, when it was refused before, by the
// words of its address that are ours.
func actionOf(r *http.Request) string {
	if _, route, ok := strings.Cut(r.Pattern, " "); ok {
		parts := strings.Split(strings.Trim(strings.TrimSuffix(route, "{$}"), "/"), "/")
		for i, p := range parts {
			if strings.HasPrefix(p, "{") {
				parts[i] = "*"
			}
		}
		return method(r.Method) + " /" + strings.Join(parts, "/")
	}
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	for i, p := range parts {
		if !slices.Contains(pathWords(), p) {
			parts[i] = "*"
		}
	}
	const most = 8
	return method(r.Method) + " /" + strings.Join(parts[:min(len(parts), most)], "/")
}

// pathWords are the words of our own addresses.
func pathWords() []string {
	return strings.Fields(` account add api ask assets audit back casus collections credential credentials end erase export find graph health holds imports login
		manifest match matches metrics new node object objects oidc organisations passkey password print privacy quarantine rebuild release remove report reports
		retention retry revoke role search session set-up share sign-in sign-out sources status taxii2 token tokens users v1 verify versions warninglists whoami`)
}

// Trail lists who read what is closely held, and who was refused, newest first.
// That it was asked for stands in it, too.
func (n *Node) Trail(ctx context.Context, f audit.Filter, cursor string, limit int) (audit.Listing, error) {
	out := audit.Listing{Entries: []audit.Entry{}}
	if err := n.may(ctx, audits); err != nil {
		return out, err
	}
	if err := f.Check(); err != nil {
		return out, err
	}
	before := event.Seq(0)
	if cursor != "" {
		var err error
		if before, err = n.trail.Place(cursor); err != nil {
			return out, err
		}
	}
	if err := n.overseen(ctx); err != nil {
		return out, err
	}
	if limit <= 0 {
		limit = 50
	}
	limit = min(limit, view.MaxPage)
	const maxLooked = 20_000 // so that a rare thing asked for does not hold up others
	looked, last := 0, event.Seq(0)
	for note, err := range n.view.Notes(before) {
		if err != nil {
			return out, err
		}
		if looked == maxLooked || len(out.Entries) == limit {
			out.Next = n.trail.Cursor(last)
			return out, nil
		}
		looked, last = looked+1, note.Seq
		if !f.During(note.At) || f.Kind == audit.KindRead && note.Kind != event.ReadNoted || f.Kind == audit.KindRefusal && note.Kind != event.RefusalNoted {
			continue
		}
		e, err := n.noted(ctx, note.Seq)
		if err != nil {
			return out, err
		}
		if f.Matches(&e, n.trail.Hash(f.Query)) {
			out.Entries = append(out.Entries, e)
		}
	}
	return out, nil
}

// Oversees reports whether who asks may read the trail.
func (n *Node) Oversees(ctx context.Context) bool { return n.may(ctx, audits) == nil }

// overseen notes that the trail itself is looked at, writes what waits for it, and
// waits until it can be found.
func (n *Node) overseen(ctx context.Context) error {
	now := n.cfg.Clock().UTC()
	if who := whoAsks(ctx); who.Author != "" {
		if err := n.trail.Read(ctx, now, who, event.Given{Action: "audit", Org: who.Org}); err != nil {
			return err
		}
	}
	if err := n.trail.Flush(ctx, now); err != nil {
		return err
	}
	return n.settle(ctx)
}

func (n *Node) noted(ctx context.Context, seq event.Seq) (audit.Entry, error) {
	st, err := n.log.Get(ctx, seq)
	if err != nil {
		return audit.Entry{}, err
	}
	return audit.Of(n.view.NoteID(&st), &st)
}

// TrailEntry returns the entries with a short id: one, or very rarely several.
func (n *Node) TrailEntry(ctx context.Context, id string) ([]audit.Entry, error) {
	if err := n.may(ctx, audits); err != nil {
		return nil, err
	}
	if err := n.overseen(ctx); err != nil {
		return nil, err
	}
	seqs, err := n.view.NotesCalled(id)
	if err != nil {
		return nil, err
	}
	if len(seqs) == 0 {
		return nil, fault.Errorf(fault.NotFound, "node: %.40s is no entry of the trail", id)
	}
	out := make([]audit.Entry, 0, len(seqs))
	for _, seq := range seqs {
		e, err := n.noted(ctx, seq)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

// VerifyTrail checks the chain of the log and that every entry of the trail is
// whole and found.
func (n *Node) VerifyTrail(ctx context.Context) (audit.Verdict, error) {
	out := audit.Verdict{Problems: []string{}}
	if err := n.may(ctx, audits); err != nil {
		return out, err
	}
	if err := n.overseen(ctx); err != nil {
		return out, err
	}
	problem := func(text string) {
		if len(out.Problems) < 1000 {
			out.Problems = append(out.Problems, text)
		}
	}
	head, digest, err := n.log.Verify(ctx, problem)
	if err != nil {
		return out, err
	}
	out.Head = hex.EncodeToString(digest[:])
	if err := n.caughtUp(ctx, head); err != nil {
		return out, err
	}
	err = eventlog.Each(ctx, n.log, 1, func(st eventlog.Stored) error {
		if k := st.Header.Kind; st.Seq > head || k != event.ReadNoted && k != event.RefusalNoted {
			return nil
		}
		found, err := n.view.Noted(st.Seq)
		if err != nil {
			return err
		}
		e, err := audit.Of(n.view.NoteID(&st), &st)
		switch {
		case err != nil:
			problem(err.Error())
		case !found:
			problem("audit: " + e.ID + " is in the log and not found; casus node rebuild makes the views again")
		case e.Kind == audit.KindRead:
			out.Reads++
		default:
			out.Refusals++
		}
		return nil
	})
	out.OK = err == nil && len(out.Problems) == 0
	return out, err
}
