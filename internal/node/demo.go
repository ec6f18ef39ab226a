package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"casus/internal/core/report"
	"casus/internal/demo"
	"casus/internal/edge/cli"
	"casus/internal/fault"
)

// storyClock tells the time of the story while it is loaded, then the
// machine's.
type storyClock struct{ at atomic.Pointer[time.Time] }

func (c *storyClock) now() time.Time {
	if t := c.at.Load(); t != nil {
		return *t
	}
	return time.Now()
}

// Demo implements cli.Host: it loads the story into a node of its own.
func (h Host) Demo(ctx context.Context, o cli.DemoOptions) (*cli.DemoResult, error) {
	dir := o.Keep
	if dir == "" {
		tmp, err := os.MkdirTemp("", "casus-demo-")
		if err != nil {
			return nil, fault.Errorf(fault.Unavailable, "node: demo: %w", err)
		}
		defer func() { _ = os.RemoveAll(tmp) }()
		dir = filepath.Join(tmp, "node")
	}
	clock := new(storyClock)
	c := h.Config
	c.Dir, c.Exercise, c.Clock = dir, true, clock.now
	if err := Init(c, report.Ceiling{}); err != nil {
		return nil, err
	}
	n, err := Open(ctx, c)
	if err != nil {
		return nil, err
	}
	defer func() { _ = n.Close() }()
	res, err := n.tell(ctx, clock, o)
	if err != nil {
		return nil, err
	}
	if o.Keep != "" {
		res.Data = dir
	}
	if o.Once {
		return res, nil
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	return res, n.serveHere(ctx, cli.ServeOptions{Listen: o.Listen}, log, func(s cli.Serving) { o.Ready(res, s.URL) })
}

// tell loads the story and says what the node found in it.
func (n *Node) tell(ctx context.Context, clock *storyClock, o cli.DemoOptions) (*cli.DemoResult, error) {
	start := time.Now()
	if o.Library != "" {
		if err := n.loadLibrary(ctx, o); err != nil {
			return nil, err
		}
	}
	for _, src := range demo.Sources() {
		if err := n.SetSource(ctx, src); err != nil {
			return nil, err
		}
	}
	seed := o.Seed
	if seed == 0 {
		seed = demo.Seed
	}
	files := demo.Files(seed)
	ids := map[string]string{}
	o.Say("loading %d reports of the story", len(files))
	for _, f := range files {
		clock.at.Store(&f.At)
		r, err := n.Import(ctx, storyRequest(f), bytes.NewReader(f.Data), nil)
		if err != nil {
			return nil, fault.Errorf(fault.KindOf(err), "node: demo: %s: %w", f.Name, err)
		}
		ids[f.Name] = r.Reports[0].ID
	}
	clock.at.Store(nil)
	return n.findings(ctx, files, ids, start)
}

func storyRequest(f demo.File) report.Request {
	return report.Request{Source: f.Source, Title: f.Title, Name: f.Name, TLP: f.TLP, Exercise: true}
}

// findings holds the matches against what the story was written to give.
func (n *Node) findings(ctx context.Context, files []demo.File, ids map[string]string, start time.Time) (*cli.DemoResult, error) {
	res := &cli.DemoResult{Findings: []string{}}
	truth := demo.Truth()
	designed := map[string][]demo.TruthMatch{}
	for _, m := range truth.Matches {
		designed[m.File] = append(designed[m.File], m)
	}
	type told struct {
		telling int
		line    string
	}
	var lines []told
	for _, f := range files {
		m, err := n.Match(ctx, ids[f.Name])
		if err != nil {
			return nil, err
		}
		got, warned := 0, 0 // warned: others had it first
		for _, want := range designed[f.Name] {
			if slices.ContainsFunc(m.Hits, func(h report.Match) bool { return Agrees(h, want) }) {
				got++
				if len(want.Before) > 0 {
					warned++
				}
			}
		}
		res.MatchesTrue += got
		for _, h := range m.Hits {
			if h.Noise != "" {
				res.MatchesNoise++
			}
		}
		if got > 0 {
			sentence, _, _ := strings.Cut(m.Summary.Sentence, " Looked among")
			lines = append(lines, told{warned, fmt.Sprintf("%s %q from %s: %s", ids[f.Name], f.Title, f.Source, sentence)})
		}
	}
	slices.SortStableFunc(lines, func(a, b told) int { return b.telling - a.telling })
	for _, l := range lines[:min(3, len(lines))] {
		res.Findings = append(res.Findings, l.line)
	}
	rows, cursor := []report.Row{}, ""
	for {
		page, next, err := n.Reports(ctx, "", "", cursor, 500)
		if err != nil {
			return nil, err
		}
		rows = append(rows, page...)
		if cursor = next; cursor == "" {
			break
		}
	}
	for _, r := range rows {
		res.Reports++
		res.Objects += r.Objects
		res.Values += r.Values
		res.Quarantined += r.Quarantined
	}
	if res.MatchesTrue == 0 {
		return nil, errors.New("node: demo: the story found none of its matches")
	}
	res.Seconds = time.Since(start).Seconds()
	return res, nil
}

// Agrees reports whether a match is the one the story was written to give, with
// its reason.
func Agrees(h report.Match, want demo.TruthMatch) bool {
	if h.Normal != want.Normal || h.Noise != "" || !slices.Equal(h.Sources, want.Others) || !slices.Equal(h.Before, want.Before) {
		return false
	}
	switch want.Relation {
	case demo.Inside:
		return strings.Contains(h.Why, "inside "+want.Via)
	case demo.Contains:
		return strings.Contains(h.Why, "contains "+want.Via)
	case demo.Part:
		return strings.Contains(h.Why, want.Normal+" in it was reported")
	}
	return strings.HasPrefix(h.Why, "same ")
}
