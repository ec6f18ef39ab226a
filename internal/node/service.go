package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"casus/internal/core/report"
	"casus/internal/edge/intake"
	"casus/internal/edge/intake/format"
	"casus/internal/event"
	"casus/internal/eventlog"
	"casus/internal/fault"
	"casus/internal/view"
	"casus/stix"
)

// Reports lists readable reports, newest first.
func (n *Node) Reports(ctx context.Context, q, source, cursor string, limit int) ([]report.Row, string, error) {
	if err := n.may(ctx, reads); err != nil {
		return nil, "", err
	}
	r, done := n.reading(ctx, "reports", q)
	rows, next, err := n.view.Reports(ctx, r, q, source, cursor, limit)
	return rows, next, done("", err)
}

// Report returns one report with the first of its objects.
func (n *Node) Report(ctx context.Context, id string) (report.Detail, error) {
	if err := n.may(ctx, reads); err != nil {
		return report.Detail{}, err
	}
	r, done := n.reading(ctx, "report", "")
	d, err := n.view.Report(ctx, r, id)
	return d, done(id, err)
}

// Items lists the objects of a report, in the order they came in.
func (n *Node) Items(ctx context.Context, id, cursor string, limit int) ([]report.ObjectRow, string, error) {
	if err := n.may(ctx, reads); err != nil {
		return nil, "", err
	}
	r, done := n.reading(ctx, "report", "")
	rows, next, err := n.view.Items(ctx, r, id, cursor, limit)
	return rows, next, done(id, err)
}

// Match answers who else saw what a report mentions.
func (n *Node) Match(ctx context.Context, id string) (report.Matches, error) {
	if err := n.may(ctx, reads); err != nil {
		return report.Matches{}, err
	}
	r, done := n.reading(ctx, "match", "")
	m, err := n.view.MatchReport(ctx, r, id)
	return m, done(id, err)
}

// Search finds ids, values, ranges and words.
func (n *Node) Search(ctx context.Context, q, cursor string, limit int) (report.Found, error) {
	if err := n.may(ctx, reads); err != nil {
		return report.Found{}, err
	}
	r, done := n.reading(ctx, "search", q)
	f, err := n.view.Search(ctx, r, q, cursor, limit)
	return f, done("", err)
}

// Object returns everything readable about one object.
func (n *Node) Object(ctx context.Context, id string, history bool) (report.Object, error) {
	if err := n.may(ctx, reads); err != nil {
		return report.Object{}, err
	}
	r, done := n.reading(ctx, "object", "")
	o, err := n.view.Object(ctx, r, id, history)
	return o, done(id, err)
}

// Sources lists who hands reports in. Who sets what holds for them and reads
// nothing is told what is set alone; who answers for an organisation's, what is set
// for all of them, too.
func (n *Node) Sources(ctx context.Context) ([]report.Source, error) {
	err := n.may(ctx, reads)
	if err != nil && n.may(ctx, manages) == nil {
		return n.view.SetSources(), nil
	}
	if err != nil {
		return nil, err
	}
	list, err := n.view.Sources(ctx, n.readerFor(ctx))
	if err != nil || n.people.Empty() || n.may(ctx, erases) != nil {
		return list, err
	}
	for _, src := range n.view.SetSources() {
		if n.answersFor(ctx, src.Name) && !slices.ContainsFunc(list, func(s report.Source) bool { return s.Name == src.Name }) {
			list = append(list, src)
		}
	}
	slices.SortFunc(list, func(a, b report.Source) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// Quarantine lists what was set aside.
func (n *Node) Quarantine(ctx context.Context, reportID string) ([]report.Quarantined, error) {
	if err := n.may(ctx, reads); err != nil {
		return nil, err
	}
	r, done := n.reading(ctx, "quarantine", "")
	list, err := n.view.Quarantine(ctx, r, reportID)
	return list, done(reportID, err)
}

// QuarantineItem returns one piece with the start of its bytes.
func (n *Node) QuarantineItem(ctx context.Context, id string) (report.Quarantined, error) {
	if err := n.may(ctx, reads); err != nil {
		return report.Quarantined{}, err
	}
	r, done := n.reading(ctx, "quarantine", "")
	p, err := n.view.Item(ctx, r, id)
	return p.Quarantined, done(id, err)
}

// Retry reads a quarantined piece again.
func (n *Node) Retry(ctx context.Context, id string) (report.Result, error) {
	if err := n.may(ctx, hands); err != nil {
		return report.Result{}, err
	}
	r, done := n.reading(ctx, "retry", "")
	p, err := n.view.Item(ctx, r, id)
	if err = done(id, err); err != nil {
		return report.Result{}, err
	}
	start := n.cfg.Clock()
	leave, err := n.gate.enter(ctx)
	if err != nil {
		return report.Result{}, err
	}
	defer leave()
	known, seq, err := n.intake.Retry(ctx, p, n.author(ctx))
	if err != nil {
		return report.Result{}, err
	}
	res, err := n.result(ctx, known, seq)
	res.Seconds = n.cfg.Clock().Sub(start).Seconds()
	return res, err
}

// SetSource stores what holds for a source. What time shortens takes the
// data-protection officer of its organisation, who sets what is said of data
// protection and nothing else; all else is the administrator's.
func (n *Node) SetSource(ctx context.Context, src report.Source) error {
	// A source's default marks what all of its organisation hand in under its name.
	n.naming.Lock() // nobody sets another time meanwhile
	defer n.naming.Unlock()
	if err := n.maySet(ctx, src); err != nil {
		return err
	}
	if err := checkSource(src); err != nil {
		return err
	}
	if org := ledBy(src.Name); org != "" && !n.people.Empty() {
		if org == n.home() {
			return fault.WithHint(fault.Errorf(fault.Invalid, "node: source %.80q: sources of the node's own organisation are not led by it", src.Name),
				"name it %s", strings.TrimPrefix(src.Name, string(org)+"/"))
		}
		if _, ok := n.people.Directory().Organisation(org); !ok {
			return fault.WithHint(fault.Errorf(fault.NotFound, "node: source %.80q: there is no organisation %s", src.Name, org), "make it first with: casus org add %s", org)
		}
	}
	src.Reports, src.Last = 0, ""
	if len(src.Map) == 0 {
		src.Map = nil // none, so that columns go by their names
	}
	payload, err := event.Write(src)
	if err != nil {
		return err
	}
	return n.append(ctx, event.Header{Kind: event.SourceSet, KindVersion: 1}, payload)
}

func (n *Node) append(ctx context.Context, h event.Header, payload []byte) error {
	h.Author, h.WriteTime = n.author(ctx), n.cfg.Clock().UTC()
	seq, err := eventlog.AppendLong(ctx, n.log, nil, eventlog.Entry{Header: h, Payload: payload})
	if err != nil {
		return err
	}
	return n.caughtUp(ctx, seq)
}

// Import takes in what body holds. The bytes go to a file in the data
// directory first, so that any length fits.
func (n *Node) Import(ctx context.Context, req report.Request, body io.Reader, progress func(report.Progress)) (report.Result, error) {
	if err := n.may(ctx, hands); err != nil {
		return report.Result{}, err
	}
	if err := checkRequest(req); err != nil {
		return report.Result{}, err
	}
	if err := n.admitted(req.Classes); err != nil {
		return report.Result{}, err
	}
	start := n.cfg.Clock()
	dir := ""
	if n.cfg.Dir != "" {
		dir = filepath.Join(n.cfg.Dir, "tmp")
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return report.Result{}, fault.Errorf(fault.Unavailable, "node: import: %w", err)
		}
	}
	f, err := os.CreateTemp(dir, "report-*")
	if err != nil {
		return report.Result{}, fault.Errorf(fault.Unavailable, "node: import: %w", err)
	}
	defer func() { _ = f.Close(); _ = os.Remove(f.Name()) }()
	size, err := io.Copy(f, body)
	if err != nil {
		return report.Result{}, fault.Errorf(fault.Unavailable, "node: import: %w", err)
	}
	res, err := n.take(ctx, req, file{f, size}, progress)
	res.Seconds = n.cfg.Clock().Sub(start).Seconds()
	return res, err
}

// file is an open file of known size.
type file struct {
	io.ReaderAt
	size int64
}

// Size implements intake.File.
func (f file) Size() int64 { return f.size }

func (n *Node) take(ctx context.Context, req report.Request, f intake.File, progress func(report.Progress)) (report.Result, error) {
	known, seq, leave, err := n.takeIn(ctx, req, f, progress)
	if err != nil {
		return report.Result{}, err
	}
	defer leave()
	res, err := n.result(ctx, known, seq)
	if err == nil && known.Before && req.Name != "" {
		res.Reports[0].Name = req.Name // as it is called now, not as it was the first time
	}
	return res, err
}

// takeIn takes in what the node admits, for who asks. Nothing of it is erased before
// leave is called.
func (n *Node) takeIn(ctx context.Context, req report.Request, f intake.File, progress func(report.Progress)) (_ report.Known, _ event.Seq, leave func(), _ error) {
	req, err := n.ownedBy(ctx, req)
	if err == nil {
		err = n.admit(ctx, &req, f)
	}
	if err == nil {
		leave, err = n.gate.enter(ctx)
	}
	if err != nil {
		return report.Known{}, 0, nil, err
	}
	known, seq, err := n.intake.Import(ctx, req, f, progress)
	if err != nil {
		leave()
		return report.Known{}, 0, nil, err
	}
	return known, seq, leave, nil
}

// result waits until the views have read the report and counts what became of
// it. Bytes that were here before are all known.
func (n *Node) result(ctx context.Context, known report.Known, seq event.Seq) (report.Result, error) {
	if err := n.caughtUp(ctx, seq); err != nil {
		return report.Result{}, err
	}
	held, ok, err := n.view.ByIdentity(ctx, n.readerFor(ctx), known.Identity)
	if err != nil {
		return report.Result{}, err
	}
	if !ok {
		return report.Result{}, fault.Errorf(fault.Internal, "node: report %s is not there after it was taken in", known.Identity)
	}
	res := held.Result
	res.Reports[0].Known = known.Before
	if known.Earlier != "" {
		was, ok, err := n.view.ByIdentity(ctx, n.readerFor(ctx), known.Earlier)
		if err != nil {
			return report.Result{}, err
		}
		if ok {
			res.Reports[0].Earlier = was.ID
		}
	}
	if known.Before {
		res.Known, res.New, res.Conflicting = res.Received-res.Quarantined, 0, 0
		res.Reports[0].New = 0
	}
	return res, nil
}

// ImportPaths takes in files and directories of this machine. Hidden files and
// links are left out of directories; the result names the links.
func (n *Node) ImportPaths(ctx context.Context, req report.Request, paths []string, progress func(report.Progress)) (report.Result, error) {
	if err := n.may(ctx, hands); err != nil {
		return report.Result{}, err
	}
	if err := checkRequest(req); err != nil {
		return report.Result{}, err
	}
	start := n.cfg.Clock()
	sum := report.Result{Reports: []report.ReportRef{}}
	files, total, err := expand(paths, sum.PassOver)
	if err != nil {
		return report.Result{}, err
	}
	var before int64
	for i, path := range files {
		one := req
		if one.Name == "" || len(files) > 1 {
			one.Name = filepath.Base(path)
		}
		if len(files) > 1 {
			one.Title = ""
		}
		var last report.Progress
		res, err := n.importPath(ctx, one, path, func(p report.Progress) {
			last = p
			p.Files, p.TotalFiles, p.Bytes, p.TotalBytes = i, len(files), before+p.Bytes, total
			p.Objects += sum.Received
			if progress != nil {
				progress(p)
			}
		})
		if err != nil {
			return sum, fault.Errorf(fault.KindOf(err), "%s: %w", path, err)
		}
		before += last.TotalBytes
		sum.Add(res)
	}
	sum.Seconds = n.cfg.Clock().Sub(start).Seconds()
	return sum, nil
}

func (n *Node) importPath(ctx context.Context, req report.Request, path string, progress func(report.Progress)) (report.Result, error) {
	f, err := os.Open(path)
	if err != nil {
		return report.Result{}, unreadable(path, err)
	}
	defer func() { _ = f.Close() }()
	st, err := f.Stat()
	if err != nil {
		return report.Result{}, unreadable(path, err)
	}
	return n.take(ctx, req, file{f, st.Size()}, progress)
}

func unreadable(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fault.Errorf(fault.NotFound, "node: %s is not there", path)
	case errors.Is(err, fs.ErrPermission):
		return fault.WithHint(fault.Errorf(fault.Invalid, "node: %s cannot be read: permission denied", path), "run casus as a user who may read it, or change its permissions")
	}
	return fault.Errorf(fault.Unavailable, "node: %s: %w", path, err)
}

// expand lists the files under paths, sorted within each directory. Of a MISP
// feed directory the index and the list of hashes are left out: they are made
// of the events beside them. The bytes of a data directory, the node's own
// above all, are no reports. passed is told what else is left out, and why.
func expand(paths []string, passed func(path, why string)) (files []string, total int64, err error) {
	for _, p := range paths {
		named, err := filepath.EvalSymlinks(p)
		if err != nil {
			return nil, 0, unreadable(p, err)
		}
		err = filepath.WalkDir(named, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return unreadable(path, err)
			}
			switch {
			case path == named && !d.IsDir() && !d.Type().IsRegular():
				return fault.WithHint(fault.Errorf(fault.Invalid, "node: %s is neither a file nor a directory", p), "hand its content in with: casus import - < %s", p)
			case path == named && d.IsDir() && Exists(path):
				return fault.WithHint(fault.Errorf(fault.Invalid, "node: %s is a data directory", p), "name reports; what a node holds is written by: casus export --data %s", p)
			case path != named && d.IsDir() && strings.HasPrefix(d.Name(), "."):
				return fs.SkipDir
			case path != named && d.IsDir() && Exists(path):
				passed(strings.ToValidUTF8(path, "\ufffd"), "a data directory")
				return fs.SkipDir
			case d.IsDir() || path != named && passedOver(path, d):
				if why := kindOf(d.Type()); why != "" && !strings.HasPrefix(d.Name(), ".") {
					passed(strings.ToValidUTF8(path, "\ufffd"), why)
				}
				return nil
			}
			info, err := d.Info()
			if err != nil {
				return unreadable(path, err)
			}
			files = append(files, path)
			total += info.Size()
			return nil
		})
		if err != nil {
			return nil, 0, err
		}
	}
	return files, total, nil
}

// passedOver reports whether a file found in a directory is none to take in: a
// hidden one, a link (which may lead anywhere), a device, the index of a feed.
func passedOver(path string, d fs.DirEntry) bool {
	return strings.HasPrefix(d.Name(), ".") || !d.Type().IsRegular() || d.Name() == "manifest.json" ||
		d.Name() == "hashes.csv" && exists(filepath.Join(filepath.Dir(path), "manifest.json"))
}

// kindOf says what a thing is that is neither a file nor a directory, else
// nothing.
func kindOf(t fs.FileMode) string {
	switch {
	case t.IsRegular() || t.IsDir():
		return ""
	case t&fs.ModeSymlink != 0:
		return "a symbolic link"
	case t&fs.ModeNamedPipe != 0:
		return "a pipe"
	case t&fs.ModeSocket != 0:
		return "a socket"
	}
	return "a device"
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// MatchBody answers who saw what a file mentions, and stores nothing. The file
// is read in memory, up to maxDryBytes.
func (n *Node) MatchBody(ctx context.Context, req report.Request, body io.Reader) (report.Matches, error) {
	if err := n.may(ctx, reads); err != nil {
		return report.Matches{}, err
	}
	if err := n.admitted(req.Classes); err != nil {
		return report.Matches{}, err
	}
	raw, err := io.ReadAll(io.LimitReader(body, maxDryBytes+1))
	if err != nil {
		return report.Matches{}, fault.Errorf(fault.Unavailable, "node: match: %w", err)
	}
	if err := n.admit(ctx, &req, intake.Memory(raw)); err != nil {
		return report.Matches{}, err
	}
	if len(raw) > maxDryBytes {
		return report.Matches{}, fault.WithHint(fault.Errorf(fault.Invalid, "node: match: more than %d bytes", maxDryBytes), "import it, then match its report")
	}
	r, err := format.Open(intake.Memory(raw), format.Options{Format: req.Format, Name: req.Name, Map: req.Map, Limits: n.cfg.Limits, Now: n.cfg.Clock()})
	if err != nil {
		return report.Matches{}, err
	}
	var objects []*stix.Object
	var problem *stix.Problem
	for {
		it, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return report.Matches{}, err
		}
		if it.Object != nil {
			it.Problem = intake.Invalid(&it)
		}
		if it.Problem == nil && it.Object != nil {
			objects = append(objects, it.Object)
		} else if problem == nil {
			problem = it.Problem
		}
	}
	if len(objects) == 0 && problem != nil {
		return report.Matches{}, fault.WithHint(fault.Errorf(fault.Invalid, "node: match: %s: %s", problem.Place, problem.Reason), "%s", problem.Remedy)
	}
	rd, done := n.reading(ctx, "match", "")
	m, err := n.view.MatchObjects(ctx, rd, objects)
	return m, done("", err)
}

const maxDryBytes = 64 << 20

// Objects yields the objects of a report, or all readable ones when id is empty.
func (n *Node) Objects(ctx context.Context, id string, yield func(o *stix.Object, label string) error) error {
	if err := n.may(ctx, reads); err != nil {
		return err
	}
	return n.exporting(ctx, id, yield)
}

// Verify checks the log and the views against it.
func (n *Node) Verify(ctx context.Context) (report.Check, error) {
	if err := n.may(ctx, keeps); err != nil {
		return report.Check{}, err
	}
	out := report.Check{Problems: []string{}}
	if err := n.settle(ctx); err != nil {
		out.Problems = append(out.Problems, "views: "+err.Error())
	}
	seq, head, err := n.log.Verify(ctx, func(p string) {
		if len(out.Problems) < 1000 {
			out.Problems = append(out.Problems, p)
		}
	})
	if err != nil {
		return out, err
	}
	// How much there is of the trail is for who may read it.
	notes, err := n.view.NotesUpTo(seq)
	if err != nil {
		out.Problems = append(out.Problems, "views: "+err.Error())
	}
	out.Entries, out.Head = uint64(seq)-notes, fmt.Sprintf("%x", head)
	for _, err := range n.kv.Scan(nil, nil) {
		if err != nil {
			text, _, _ := strings.Cut(err.Error(), "\n") // Pebble's go on with details
			out.Problems = append(out.Problems, "views: "+text+"; casus node rebuild makes them again")
		}
	}
	wrong, err := n.proved(ctx)
	if err != nil {
		wrong = append(wrong, "erasures: "+err.Error())
	}
	out.Problems = append(out.Problems, wrong...)
	if len(out.Problems) == 0 {
		// Of what is damaged there is no state to tell.
		if out.StateDigest, err = n.view.StateDigest(ctx, view.LocalOperator()); err != nil {
			out.Problems = append(out.Problems, "views: "+err.Error())
		}
	}
	out.OK = len(out.Problems) == 0
	return out, nil
}

// Warninglists lists the lists of values that say little.
func (n *Node) Warninglists(ctx context.Context) ([]report.Warninglist, error) {
	if err := n.may(ctx, reads); err != nil {
		return nil, err
	}
	return n.view.Warninglists(), nil
}

// ImportWarninglist stores a list in MISP's form.
func (n *Node) ImportWarninglist(ctx context.Context, body io.Reader) (report.Warninglist, error) {
	// A list ranks everybody's matches down.
	if err := n.may(ctx, manages); err != nil {
		return report.Warninglist{}, err
	}
	raw, err := io.ReadAll(io.LimitReader(body, maxDryBytes+1))
	if err != nil {
		return report.Warninglist{}, fault.Errorf(fault.Unavailable, "node: warninglist: %w", err)
	}
	plain, err := unpacked(raw)
	if err != nil {
		return report.Warninglist{}, err
	}
	row, err := view.CheckList(bytes.NewReader(plain))
	if err != nil {
		return report.Warninglist{}, err
	}
	return row, n.append(ctx, event.Header{Kind: event.WarninglistSet, KindVersion: 1}, plain)
}

// Sizes returns what the operator sees of a node: entries, receipts, bytes.
func (n *Node) Sizes(ctx context.Context) (map[string]int64, error) {
	head, _, err := n.log.Head(ctx)
	if err != nil {
		return nil, err
	}
	m := n.view.Sizes()
	notes, err := n.view.NotesUpTo(head)
	if err != nil {
		return nil, err
	}
	m["log_entries"] = int64(head) - int64(notes) //nolint:gosec // far below 2^63
	m["policy_alarms"] = n.alarms.Load()
	m["view_lag_entries"] = int64(head) - int64(n.view.Mark())
	m["view_bytes"] = n.kv.SizeBytes()
	return m, n.Err()
}

// unpacked returns the first file of raw, which may be packed as gz or zip.
func unpacked(raw []byte) ([]byte, error) {
	files, err := stix.Open(bytes.NewReader(raw), int64(len(raw)), "list", stix.Limits{})
	if err != nil {
		return nil, fault.Errorf(fault.Invalid, "node: warninglist: %w", err)
	}
	_, r, err := files.Next()
	if err != nil {
		return nil, fault.Errorf(fault.Invalid, "node: warninglist: %w", err)
	}
	plain, err := io.ReadAll(io.LimitReader(r, maxDryBytes+1))
	if err != nil {
		return nil, fault.Errorf(fault.Invalid, "node: warninglist: %w", err)
	}
	return plain, nil
}
