package match

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"casus/stix/pattern"
)

// stamp is a timestamp with all its digits: seconds since 1970 and the digits
// behind the point, without zeros at the end.
type stamp struct {
	seconds  int64
	fraction string
}

// stampOf reads a timestamp of the standard; the calendar must have its day.
//
// Source: stix-2.1 §2.16; rfc3339 §5.6.
func stampOf(s string) (stamp, bool) {
	if !pattern.IsTimestamp(s) {
		return stamp{}, false
	}
	const whole = len("2006-01-02T15:04:05")
	leap := s[17:19] == "60"
	head := s[:whole]
	if leap {
		head = s[:17] + "59"
	}
	t, err := time.Parse("2006-01-02T15:04:05", head)
	if err != nil {
		return stamp{}, false
	}
	out := stamp{seconds: t.Unix(), fraction: strings.Trim(s[whole:], ".Z")}
	if leap {
		out.seconds++
	}
	out.fraction = strings.TrimRight(out.fraction, "0")
	return out, true
}

// compare orders two timestamps: -1, 0 or 1.
func (s stamp) compare(t stamp) int {
	if c := cmp.Compare(s.seconds, t.seconds); c != 0 {
		return c
	}
	return strings.Compare(s.fraction, t.fraction)
}

// micros returns the microsecond of a timestamp since 1970.
func micros(s string) (int64, error) {
	t, ok := stampOf(s)
	if !ok {
		return 0, fmt.Errorf("%.40q is no timestamp such as 2026-11-05T08:15:00Z", s)
	}
	us := int64(0)
	for i := range 6 {
		us *= 10
		if i < len(t.fraction) {
			us += int64(t.fraction[i] - '0')
		}
	}
	return t.seconds*1e6 + us, nil
}
