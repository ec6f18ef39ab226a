package node

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"casus/internal/core/report"
	"casus/internal/demo"
)

// told is the story in a node.
type told struct {
	node  *Node
	ids   map[string]string // file name to short id
	taken map[string]report.Result
}

func tellStory(t *testing.T) told {
	t.Helper()
	clock := new(storyClock)
	n, err := Open(t.Context(), Config{Exercise: true, Clock: clock.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, src := range demo.Sources() {
		if err := n.SetSource(t.Context(), src); err != nil {
			t.Fatal(err)
		}
	}
	st := told{n, map[string]string{}, map[string]report.Result{}}
	for _, f := range demo.Files(demo.Seed) {
		clock.at.Store(&f.At)
		res, err := n.Import(t.Context(), storyRequest(f), bytes.NewReader(f.Data), nil)
		if err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		st.ids[f.Name], st.taken[f.Name] = res.Reports[0].ID, res
	}
	return st
}

// TestDemoTruth holds every answer about the story against what it was written
// to give.
func TestDemoTruth(t *testing.T) {
	t.Parallel()
	st := tellStory(t)
	truth := demo.Truth()
	matches := map[string]report.Matches{}
	for file, id := range st.ids {
		m, err := st.node.Match(t.Context(), id)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		matches[file] = m
	}
	t.Run("matches", func(t *testing.T) {
		t.Parallel()
		for _, want := range truth.Matches {
			m := matches[want.File]
			if !slices.ContainsFunc(m.Hits, func(h report.Match) bool { return Agrees(h, want) }) {
				t.Errorf("%s: %s %s %s %s of %q (before: %q) is not found; hits with it:\n%s", want.File, want.Type, want.Normal, want.Relation, want.Via, want.Others, want.Before, hitsOf(m, want.Normal))
			}
		}
	})
	t.Run("nothing else", func(t *testing.T) {
		t.Parallel()
		for file, m := range matches {
			if slices.Contains(truth.Known, file) {
				continue // the same report under another name
			}
			for _, h := range m.Hits {
				if h.Noise != "" || len(h.Sources) == 0 {
					continue
				}
				if !slices.ContainsFunc(truth.Matches, func(want demo.TruthMatch) bool { return want.File == file && Agrees(h, want) }) {
					t.Errorf("%s: %s %s (%s) is no designed match", file, h.Type, h.Normal, h.Why)
				}
			}
		}
	})
	t.Run("noise", func(t *testing.T) {
		t.Parallel()
		for _, want := range truth.Noise {
			hits := matches[want.File].Hits
			at := slices.IndexFunc(hits, func(h report.Match) bool { return h.Normal == want.Normal })
			if at < 0 {
				t.Errorf("%s: %s %s is not among the matches; noise is ranked last, never dropped", want.File, want.Type, want.Normal)
				continue
			}
			if !strings.Contains(hits[at].Noise, want.Why) {
				t.Errorf("%s: %s is noise because %q, want a reason with %q", want.File, want.Normal, hits[at].Noise, want.Why)
			}
			for _, h := range hits[at:] {
				if h.Noise == "" {
					t.Errorf("%s: %s (%s) is ranked below noise %s", want.File, h.Normal, h.Why, want.Normal)
				}
			}
		}
	})
	t.Run("known", func(t *testing.T) {
		t.Parallel()
		for file, res := range st.taken {
			ref := res.Reports[0]
			if want := slices.Contains(truth.Known, file); ref.Known != want || want && res.New != 0 {
				t.Errorf("%s: known %t with %d new, want %t", file, ref.Known, res.New, want)
			}
		}
	})
	t.Run("quarantined", func(t *testing.T) {
		t.Parallel()
		st.checkQuarantine(t, truth.Quarantined)
	})
	t.Run("conflicting", func(t *testing.T) {
		t.Parallel()
		st.checkConflicts(t, truth.Conflicting)
	})
}

func hitsOf(m report.Matches, normal string) string {
	var b strings.Builder
	for _, h := range m.Hits {
		if h.Normal == normal {
			b.WriteString("\t" + h.Type + " " + strings.Join(h.Sources, ",") + " before " + strings.Join(h.Before, ",") + ": " + h.Why + "\n")
		}
	}
	return b.String()
}

func (st told) checkQuarantine(t *testing.T, truth []demo.TruthQuarantine) {
	t.Helper()
	all := 0
	for file, id := range st.ids {
		items, err := st.node.Quarantine(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		var want []demo.TruthQuarantine
		for _, q := range truth {
			if q.File == file {
				want = append(want, q)
			}
		}
		if len(items) != len(want) {
			t.Errorf("%s: %d pieces set aside, want %d: %+v", file, len(items), len(want), items)
		}
		for _, q := range want {
			if !slices.ContainsFunc(items, func(it report.Quarantined) bool { return strings.Contains(it.Reason, q.Reason) }) {
				t.Errorf("%s: nothing set aside because it %q (%s): %+v", file, q.Reason, q.What, items)
			}
		}
		for _, it := range items {
			if it.Place == "" || it.Remedy == "" || it.Size == 0 {
				t.Errorf("%s: set aside without place, remedy or bytes: %+v", file, it)
			}
		}
		if st.taken[file].Quarantined != len(items) && !st.taken[file].Reports[0].Known {
			t.Errorf("%s: %d set aside at import, %d listed", file, st.taken[file].Quarantined, len(items))
		}
		all += len(items)
	}
	if all != len(truth) {
		t.Errorf("%d pieces set aside in all, want %d", all, len(truth))
	}
}

func (st told) checkConflicts(t *testing.T, truth []string) {
	t.Helper()
	conflicts := 0
	for _, res := range st.taken {
		conflicts += res.Conflicting
	}
	if conflicts != len(truth) {
		t.Errorf("%d conflicting objects at import, want %d", conflicts, len(truth))
	}
	for _, id := range truth {
		o, err := st.node.Object(t.Context(), id, true)
		if err != nil {
			t.Fatal(err)
		}
		flagged := 0
		for _, v := range o.Versions {
			if v.Conflicting {
				flagged++
			}
		}
		if flagged < 2 {
			t.Errorf("%s: %d versions are flagged as conflicting, want both kept and flagged: %+v", id, flagged, o.Versions)
		}
	}
}
