// Package demo writes the story that the demonstration tells: two weeks in which
// seven countries that do not exist, and two exchanges of firms in them, hand in
// what they saw. Everything is an exercise and says so.
//
// The story is pure data: [Files] gives the reports byte for byte in the order in
// which they are handed in, [Sources] who hands them in, and [Truth] what a node
// that has read them must find, so that a test can hold every answer against it.
// Written reports are the same always; filler is drawn from a seed.
//
// All addresses are from the ranges kept for documentation (192.0.2.0/24,
// 198.51.100.0/24, 203.0.113.0/24, 2001:db8::/32, AS64496 to AS64511), all names
// end in .example, and hashes are digests of nothing that runs. The exceptions are
// the values planted as noise, which are common everywhere.
//
// Source: rfc5737; rfc3849; rfc2606.
package demo

import (
	"time"

	"casus/internal/core/report"
	"casus/tlp"
)

// Seed is the seed of the story as it is told: the one [Truth] speaks of.
const Seed uint64 = 20261124

// Exercise is the word every report of the story bears.
const Exercise = "EXERCISE"

// File is one report of the story, ready to be handed in as part of an exercise.
type File struct {
	Name   string        // file name, which also tells the format
	Source string        // who hands it in
	TLP    *tlp.Label    // given at hand-in; nil leaves it to the report or the source
	Title  string        // shown to people
	Data   []byte        // the bytes as handed in
	At     time.Time     // when the story has it handed in, UTC
	Kind   report.Format // how it is written
}

// The sources of the story. None of the countries exists, and their codes of three
// letters are no ISO 3166 codes.
const (
	bnh   = "BNH-CSIRT" // of Brenholm
	lum   = "LUM-CSIRT" // of Lumera
	orv   = "ORV-CSIRT" // of Orvane
	osm   = "OSM-CSIRT" // of Ostmere
	plg   = "PLG-CSIRT" // of Pelagora
	sav   = "SAV-CSIRT" // of Sauvraine
	vdm   = "VDM-CSIRT" // of Veldmark
	grid  = "TIDEGRID"
	banks = "COFFER"
)

// Sources returns who hands in what: the seven CSIRTs, then the exchange of the
// grid operators and that of the banks. PLG-CSIRT has no default marking, so what
// it hands in unmarked is RED. Zones are fixed offsets, for the countries lie
// nowhere.
func Sources() []report.Source {
	return []report.Source{
		{Name: bnh, TLP: new(tlp.Amber), Zone: "Etc/GMT-2", Trust: "A"},
		{Name: lum, TLP: new(tlp.Amber), Zone: "Etc/GMT-1", Trust: "A"},
		{Name: orv, TLP: new(tlp.Green), Zone: "Etc/GMT-2", Trust: "B"},
		{Name: osm, TLP: new(tlp.Green), Zone: "UTC", Trust: "B"},
		{Name: plg, Zone: "Etc/GMT+1", Trust: "C"},
		{Name: sav, TLP: new(tlp.Amber), Zone: "Etc/GMT-1", Trust: "B"},
		{Name: vdm, TLP: new(tlp.Green), Zone: "Etc/GMT-1", Trust: "B"},
		{Name: grid, TLP: new(tlp.AmberStrict), Zone: "Etc/GMT-1", Trust: "C"},
		{Name: banks, TLP: new(tlp.Amber), Zone: "Etc/GMT-1", Trust: "C"},
	}
}

// Files returns the reports in the order in which they are handed in. The same
// seed gives the same bytes; another seed changes the filler alone.
func Files(seed uint64) []File {
	return merge(written(), filler(seed))
}

// merge weaves filler into the written reports by time; both are in order.
func merge(a, b []File) []File {
	all := make([]File, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if b[0].At.Before(a[0].At) {
			all, b = append(all, b[0]), b[1:]
		} else {
			all, a = append(all, a[0]), a[1:]
		}
	}
	return append(append(all, a...), b...)
}

// at is an instant of the story's month, November 2026.
func at(day, hour, minute int) time.Time {
	return time.Date(2026, time.November, day, hour, minute, 0, 0, time.UTC)
}

// stamp writes an instant as STIX does.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
