package format_test

import (
	"time"

	"casus/internal/edge/intake/format"
)

var received = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

func options(name string) format.Options {
	return format.Options{Name: name, Seed: [32]byte{1}, Now: received}
}
