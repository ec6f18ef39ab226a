package demo

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"casus/internal/core/report"
	"casus/tlp"
)

// Sizes of the filler: values per list, and rows that a second list of a source
// repeats from its first.
const (
	fillerValues = 110
	fillerRepeat = 15
)

// list is one filler report before it is written.
type list struct {
	name   string
	source string
	title  string
	kind   report.Format
	at     time.Time
	tlp    tlp.Label
}

// lists are the everyday lists that come in between the written reports.
func lists() []list {
	return []list{
		{"osm-week-44.stix.json", osm, "Blocked last week, 44", report.STIX, at(2, 8, 0), tlp.Green},
		{"orv-week-44.csv", orv, "Weekly list 44", report.CSV, at(2, 9, 30), tlp.Green},
		{"coffer-october.jsonl", banks, "Pages taken down in October", report.Lines, at(2, 13, 0), tlp.Amber},
		{"vdm-mail-filter-1.misp.json", vdm, "Caught by the mail filter, first half of the month", report.MISP, at(4, 10, 0), tlp.Green},
		{"tidegrid-sweep-1.csv", grid, "Monthly sweep, part one", report.CSV, at(5, 7, 0), tlp.AmberStrict},
		{"sav-semaine-45.misp.json", sav, "Relevé de la semaine 45", report.MISP, at(6, 9, 0), tlp.Green},
		{"bnh-honeypots-1.stix.json", bnh, "From our honeypots", report.STIX, at(7, 6, 0), tlp.Green},
		{"lum-abuse-desk-1.stix.json", lum, "Abuse desk, week 45", report.STIX, at(8, 12, 0), tlp.Green},
		{"plg-mail-filter.stix.json", plg, "Mail filter, weekly", report.STIX, at(9, 8, 0), tlp.Green},
		{"osm-week-45.csv", osm, "Blocked last week, 45", report.CSV, at(9, 8, 5), tlp.Green},
		{"orv-week-45.stix.json", orv, "Weekly list 45", report.STIX, at(9, 9, 30), tlp.Green},
		{"sav-semaine-46.stix.json", sav, "Relevé de la semaine 46", report.STIX, at(14, 9, 0), tlp.Green},
		{"tidegrid-sweep-2.csv", grid, "Monthly sweep, part two", report.CSV, at(15, 7, 0), tlp.AmberStrict},
		{"lum-abuse-desk-2.stix.json", lum, "Abuse desk, week 46", report.STIX, at(15, 12, 0), tlp.Green},
		{"bnh-honeypots-2.misp.json", bnh, "From our honeypots, continued", report.MISP, at(18, 6, 0), tlp.Green},
		{"vdm-mail-filter-2.misp.json", vdm, "Caught by the mail filter, second half of the month", report.MISP, at(20, 10, 0), tlp.Green},
		{"coffer-november.csv", banks, "Pages taken down in November", report.CSV, at(22, 13, 0), tlp.Amber},
		{"plg-scans.csv", plg, "Scans seen from abroad", report.CSV, at(22, 19, 0), tlp.Green},
	}
}

// thing is one value of filler.
type thing struct {
	typ, value string
	seen       time.Time
}

// filler draws everyday lists from seed. No value of filler stands in the story
// or in the list of another source.
func filler(seed uint64) []File {
	d := &draw{rng: rand.New(rand.NewPCG(seed, 0xca505))} //nolint:gosec // the same story every time is the point
	d.hosts = d.rng.Perm(254)
	last := make(map[string][]thing)
	var files []File
	for _, l := range lists() {
		things := d.things(l, fillerValues)
		if old := last[l.source]; old != nil {
			things = append(slices.Clone(old[len(old)-fillerRepeat:]), things...)
		}
		last[l.source] = things
		files = append(files, File{
			Name: l.name, Source: l.source, TLP: new(l.tlp), Title: l.title, At: l.at, Kind: l.kind,
			Data: l.write(things),
		})
	}
	return files
}

// draw draws values, none of them twice.
type draw struct {
	rng   *rand.Rand
	hosts []int // of 192.0.2.0/24, not drawn yet
	names int   // drawn so far
}

func (d *draw) things(l list, n int) []thing {
	out := make([]thing, 0, n)
	for range n {
		t := thing{seen: l.at.Add(-time.Duration(d.rng.IntN(6*24*60)) * time.Minute)}
		switch k := d.rng.IntN(100); {
		case k < 5 && len(d.hosts) > 0:
			t.typ, t.value = "ipv4", fmt.Sprintf("192.0.2.%d", d.hosts[0]+1)
			d.hosts = d.hosts[1:]
		case k < 20:
			t.typ, t.value = "ipv6", fmt.Sprintf("2001:db8:f%03x:%x::%x", d.rng.IntN(0x1000), d.rng.IntN(0xffff)+1, d.rng.IntN(0xffff)+1)
		case k < 50:
			t.typ, t.value = "domain", d.name()
		case k < 65:
			t.typ, t.value = "url", "https://"+d.name()+"/"+d.word()+"/"+strconv.Itoa(d.rng.IntN(90)+10)
		case k < 70:
			t.typ, t.value = "email", d.word()+"@"+d.name()
		case k < 90:
			t.typ, t.value = "sha256", d.hex(32)
		default:
			t.typ, t.value = "md5", d.hex(16)
		}
		out = append(out, t)
	}
	return out
}

func (d *draw) word() string {
	words := strings.Fields("amber anchor barley basin beacon birch bramble canal cedar chalk cinder clover copse delta " +
		"ember fallow fern flint garnet gravel harbor hazel heath juniper kettle lagoon larch linen lupin marsh meadow " +
		"millet nettle oakum orchard osier pebble pewter plover quarry reed rowan saffron sedge shale slate sorrel " +
		"tallow tansy thistle timber umber vetch walnut willow yarrow")
	return words[d.rng.IntN(len(words))]
}

// name draws a host name. The count in it keeps it from coming up again.
func (d *draw) name() string {
	d.names++
	return d.word() + "-" + d.word() + "-" + strconv.FormatInt(int64(d.names+0x200), 36) + ".example"
}

func (d *draw) hex(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(d.rng.Uint32())
	}
	return hex.EncodeToString(b)
}

func (l list) write(things []thing) []byte {
	switch l.kind {
	case report.STIX:
		return l.bundle(things)
	case report.MISP:
		return l.event(things)
	case report.Lines:
		return l.lines(things)
	default:
		return l.csv(things)
	}
}

func (l list) csv(things []thing) []byte {
	var b strings.Builder
	b.WriteString("type,value,first_seen,comment\n")
	for _, t := range things {
		fmt.Fprintf(&b, "%s,%s,%s,%s\n", t.typ, t.value, t.seen.Format(time.RFC3339), Exercise)
	}
	return []byte(b.String())
}

func (l list) lines(things []thing) []byte {
	var b strings.Builder
	for _, t := range things {
		fmt.Fprintf(&b, `{"type":%q,"value":%q,"first_seen":%q,"comment":%q}`+"\n",
			t.typ, t.value, t.seen.Format(time.RFC3339), Exercise)
	}
	return []byte(b.String())
}

func (l list) event(things []thing) []byte {
	e := newEvent(l.name, l.source, l.title, l.at, l.tlp)
	types := map[string]string{"ipv4": "ip-dst", "ipv6": "ip-dst", "email": "email-src"}
	for _, t := range things {
		typ := types[t.typ]
		if typ == "" {
			typ = t.typ
		}
		e.at = t.seen
		e.put(typ, t.value, "")
	}
	e.at = l.at
	return e.bytes()
}

// bundle writes two of three values as an indicator, and of these every second
// with the observation it is based on.
func (l list) bundle(things []thing) []byte {
	b := newBundle(l.name, l.source, l.at, l.tlp)
	for i, t := range things {
		b.at = t.seen
		if i%3 == 0 {
			b.thing(t)
			continue
		}
		one := b.indicator(t.typ+" "+t.value, "From "+l.title+". Filler of the exercise.", t.pattern())
		if i%3 == 1 {
			b.relate(one, "based-on", b.sdo("observed-data", t.value,
				member{"first_observed", stamp(t.seen)},
				member{"last_observed", stamp(l.at)},
				member{"number_observed", 1 + i%7},
				member{"object_refs", []string{b.thing(t)}}))
		}
	}
	b.at = l.at
	return b.report(l.title, "List of what was blocked or taken down. Filler of the exercise.")
}

// thing adds a value of filler as an observable.
func (b *bundle) thing(t thing) string {
	switch t.typ {
	case "ipv4", "ipv6":
		return b.value(t.typ+"-addr", t.value)
	case "domain":
		return b.value("domain-name", t.value)
	case "email":
		return b.value("email-addr", t.value)
	case "sha256":
		return b.file("", "SHA-256", t.value)
	case "md5":
		return b.file("", "MD5", t.value)
	default:
		return b.value(t.typ, t.value)
	}
}

func (t thing) pattern() string {
	switch t.typ {
	case "ipv4", "ipv6":
		return compare(t.typ+"-addr:value", t.value)
	case "domain":
		return compare("domain-name:value", t.value)
	case "email":
		return compare("email-addr:value", t.value)
	case "sha256":
		return compare("file:hashes.'SHA-256'", t.value)
	case "md5":
		return compare("file:hashes.MD5", t.value)
	default:
		return compare(t.typ+":value", t.value)
	}
}
