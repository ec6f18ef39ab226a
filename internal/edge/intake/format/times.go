package format

import (
	"strconv"
	"strings"
	"time"
)

// instant is a time as read.
type instant struct {
	time    time.Time
	assumed bool   // the zone is assumed
	written string // as it stood in the input
	receipt bool   // nothing was read: it is when the report came in
}

// zoned and zoneless are the forms of times that can be read without guessing.
// Day and month with slashes are not among them: 03/04/2026 is two days.
var (
	zoned = []string{
		time.RFC3339Nano, "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05 Z07:00", "2006-01-02 15:04:05 -0700",
		"2006-01-02T15:04:05.999999999-0700", "2006-01-02 15:04:05 MST", "2006-01-02T15:04Z07:00",
		time.RFC1123Z, time.RFC1123, time.RFC822Z, "2 Jan 2006 15:04:05 -0700", "Mon, 2 Jan 2006 15:04:05 -0700", "Mon, 2 Jan 2006 15:04:05 MST",
	}
	zoneless = []string{
		"2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02",
		"2006/01/02 15:04:05", "2006/01/02", "20060102", "02.01.2006 15:04:05", "02.01.2006 15:04", "02.01.2006",
		"Mon, 2 Jan 2006 15:04:05", "2 Jan 2006 15:04:05", "2 Jan 2006", "2 January 2006", "Jan 2, 2006", "January 2, 2006",
	}
)

// earliest and latest bound what a report can be about; what lies outside is
// no time but a number.
const (
	earliestUnix = 315532800   // 1980-01-01
	latestUnix   = 32503680000 // 3000-01-01
)

// parseTime reads s; a time without a zone is read in zone.
func parseTime(s string, zone *time.Location) (instant, bool) {
	s = strings.TrimSpace(s)
	if s == "" || len(s) > 64 {
		return instant{}, false
	}
	in := instant{written: s}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && len(s) >= 9 {
		switch {
		case n >= earliestUnix && n < latestUnix:
			in.time = time.Unix(n, 0).UTC()
			return in, true
		case n >= earliestUnix*1000 && n < latestUnix*1000:
			in.time = time.UnixMilli(n).UTC()
			return in, true
		}
		return instant{}, false
	}
	for _, layout := range zoned {
		t, err := time.Parse(layout, s)
		if err != nil {
			continue
		}
		// A zone named by letters other than UTC has no known offset.
		if name, offset := t.Zone(); strings.Contains(layout, "MST") && offset == 0 && name != "UTC" && name != "GMT" {
			continue
		}
		in.time = t.UTC()
		return in, inRange(in.time)
	}
	for _, layout := range zoneless {
		t, err := time.ParseInLocation(layout, s, zone)
		if err == nil {
			in.time, in.assumed = t.UTC(), true
			return in, inRange(in.time)
		}
	}
	return instant{}, false
}

func inRange(t time.Time) bool { u := t.Unix(); return u >= earliestUnix && u < latestUnix }

// mark adds to m what of in is not the input's own word: that the zone was
// assumed, or that it is when the report came in, which says nothing of the event.
func (in instant) mark(m fields, zone *time.Location) {
	if in.receipt {
		m["x_casus_time_basis"] = "receipt"
	}
	if in.assumed {
		m["x_casus_time_assumed"] = zone.String()
		m["x_casus_time_written"] = in.written
	}
}
