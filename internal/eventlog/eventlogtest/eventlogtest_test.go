package eventlogtest_test

import (
	"crypto/rand"
	"testing"

	"casus/internal/eventlog"
	"casus/internal/eventlog/eventlogtest"
	"casus/internal/eventlog/memlog"
)

func TestFlaky(t *testing.T) {
	t.Parallel()
	eventlogtest.Run(t, func(*testing.T) eventlog.Log { return eventlogtest.Flaky(memlog.New(rand.Reader), 1) })
}
