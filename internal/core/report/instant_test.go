package report

import (
	"testing"
	"time"

	"casus/internal/fault"
)

func TestDayOrInstant(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Time{
		"":                          {},
		"2026-12-24":                time.Date(2026, 12, 24, 0, 0, 0, 0, time.UTC),
		"2026-12-24T08:00Z":         time.Date(2026, 12, 24, 8, 0, 0, 0, time.UTC),
		"2026-12-24T08:00+02:00":    time.Date(2026, 12, 24, 6, 0, 0, 0, time.UTC),
		"2026-12-24T08:00:30.5Z":    time.Date(2026, 12, 24, 8, 0, 30, 500_000_000, time.UTC),
		"2026-12-24T08:00:30-01:00": time.Date(2026, 12, 24, 9, 0, 30, 0, time.UTC),
	} {
		if got, err := DayOrInstant(text); err != nil || got != want {
			t.Errorf("%q: %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"yesterday", "2026-13-01", "24.12.2026", "2026-12-24T08:00", " 2026-12-24"} {
		if got, err := DayOrInstant(text); fault.KindOf(err) != fault.Invalid || fault.HintOf(err) == "" {
			t.Errorf("%q: %v, %v, want Invalid with a hint", text, got, err)
		}
	}
}

func FuzzDayOrInstant(f *testing.F) {
	for _, text := range []string{"", "2026-12-24", "2026-12-24T08:00Z", "2026-12-24T08:00:30.5+01:00"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if got, err := DayOrInstant(text); err == nil && got.Location() != time.UTC {
			t.Errorf("%q is read as %v, not in UTC", text, got)
		}
	})
}
