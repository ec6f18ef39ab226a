package demo

import (
	"bytes"
	"slices"

	"casus/internal/core/report"
)

// How a value of one report meets a value of another.
const (
	Same     = "same"     // equal in normal form
	Inside   = "inside"   // an address within a range that another reported
	Contains = "contains" // a range that holds an address which another reported
	Part     = "part"     // part of a value, such as the host of a URL, that another reported
)

// Truths is what a node that has read the whole story must find. It is the form
// of testdata/demo/truth.json.
type Truths struct {
	Seed    uint64 `json:"seed"`
	Reports int    `json:"reports"` // files of the story; two are the same report handed in twice
	// Objects is a lower bound: STIX objects, MISP attributes, rows and lines of
	// the files. Mail and text add what is found in them.
	Objects int            `json:"objects"`
	Formats map[string]int `json:"formats"` // files per format
	Sources int            `json:"sources"`
	// Matches are the designed ones, by value and file.
	Matches []TruthMatch `json:"matches"`
	// Noise is what must be ranked below every designed match of the same report.
	Noise       []TruthNoise      `json:"noise"`
	Quarantined []TruthQuarantine `json:"quarantined"`
	// Known are files that add nothing, for their bytes were handed in before by
	// the same source.
	Known []string `json:"known"`
	// Conflicting are ids of which two contents exist under one version.
	Conflicting []string `json:"conflicting"`
}

// TruthMatch is one value of one report that others mention too.
type TruthMatch struct {
	File     string `json:"file"`  // the report asked about
	Value    string `json:"value"` // as written there, less the defanging
	Type     string `json:"type"`
	Normal   string `json:"normal"`
	Relation string `json:"relation"` // Same, Inside, Contains or Part
	// Via is the other value: the range around the address, or the address in it.
	Via    string   `json:"via,omitempty"`
	Others []string `json:"others"` // all other sources that mention it, sorted
	Before []string `json:"before"` // those of them that did so earlier
}

// TruthNoise is one common value of one report.
type TruthNoise struct {
	File   string `json:"file"`
	Value  string `json:"value"`
	Type   string `json:"type"`
	Normal string `json:"normal"`
	Why    string `json:"why"` // part of the reason given to people
}

// TruthQuarantine says that pieces of a file must be set aside.
type TruthQuarantine struct {
	File string `json:"file"`
	What string `json:"what"` // what is wrong, in the story's words
	// Reason is a part of the reason given to people; empty where any will do.
	Reason string `json:"reason"`
}

// mention is a value of the story and the reports that hold it.
type mention struct {
	typ, normal string
	places      []place
}

// place is one report and how the value is spelled in it.
type place struct {
	file, written string
}

// Truth returns what must be found in the story of [Seed].
func Truth() Truths {
	files := Files(Seed)
	t := Truths{
		Seed: Seed, Reports: len(files), Objects: pieces(files), Sources: len(Sources()),
		Formats:     make(map[string]int),
		Noise:       []TruthNoise{},
		Known:       []string{"tidegrid-control-room (1).csv"},
		Conflicting: []string{beaconID},
		Quarantined: quarantined(),
	}
	order := make(map[string]int)
	source := make(map[string]string)
	for i, f := range files {
		t.Formats[string(f.Kind)]++
		order[f.Name], source[f.Name] = i, f.Source
	}
	others := func(of place, among []place) (all, before []string) {
		before = []string{}
		for _, p := range among {
			s := source[p.file]
			if s == source[of.file] {
				continue
			}
			all = append(all, s)
			if order[p.file] < order[of.file] {
				before = append(before, s)
			}
		}
		return unique(all), unique(before)
	}
	add := func(m mention, relation, via string, among []place) {
		for _, p := range m.places {
			all, before := others(p, among)
			if len(all) > 0 {
				t.Matches = append(t.Matches, TruthMatch{
					File: p.file, Value: p.written, Type: m.typ, Normal: m.normal,
					Relation: relation, Via: via, Others: all, Before: before,
				})
			}
		}
	}
	byNormal := make(map[string]mention)
	for _, m := range designed() {
		byNormal[m.normal] = m
	}
	for _, m := range designed() {
		among := m.places
		for _, p := range parts() {
			if p.normal == m.normal {
				among = append(slices.Clip(among), p.place)
			}
		}
		add(m, Same, "", among)
		for _, p := range parts() {
			// Where the whole matches, its parts say nothing more.
			if all, _ := others(p.place, byNormal[p.whole].places); p.normal == m.normal && len(all) == 0 && !holds(m, p.file) {
				add(mention{m.typ, m.normal, []place{p.place}}, Part, "", among)
			}
		}
	}
	for _, r := range [][2]string{{holdIP, holdRange}, {loomIP, loomRange}, {loomIP6, loomRange6}, {loomSpare6, loomRange6}} {
		one, all := byNormal[r[0]], byNormal[r[1]]
		add(one, Inside, r[1], all.places)
		add(all, Contains, r[0], one.places)
	}
	for _, n := range noise() {
		for _, p := range n.places {
			t.Noise = append(t.Noise, TruthNoise{File: p.file, Value: p.written, Type: n.typ, Normal: n.normal, Why: n.why})
		}
	}
	return t
}

func holds(m mention, file string) bool {
	return slices.ContainsFunc(m.places, func(p place) bool { return p.file == file })
}

func unique(s []string) []string {
	slices.Sort(s)
	return slices.Compact(s)
}

// pieces counts what the structured files hold, from their text.
func pieces(files []File) int {
	var n int
	for _, f := range files {
		switch f.Kind {
		case report.STIX:
			n += bytes.Count(f.Data, []byte("\n      \"type\": "))
		case report.MISP:
			n += bytes.Count(f.Data, []byte("\"to_ids\": "))
		case report.CSV:
			n += bytes.Count(f.Data, []byte("\n")) - 1
		case report.Lines:
			n += bytes.Count(f.Data, []byte("\n"))
		default: // mail and text hold no pieces that could be counted without reading them
		}
	}
	return n
}
