package report

import (
	"time"

	"casus/internal/fault"
)

// DayOrInstant reads what people write for a time: an instant, with or without its
// seconds, or a day, which is its first instant in UTC. "" is the zero time; anything
// else is Invalid.
func DayOrInstant(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fault.WithHint(fault.Errorf(fault.Invalid, "report: %.40q is no time", text), "write a day like 2026-12-24 or an instant like 2026-12-24T08:00Z")
}
