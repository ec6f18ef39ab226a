package memlog_test

import (
	"crypto/rand"
	"testing"

	"casus/internal/eventlog"
	"casus/internal/eventlog/eventlogtest"
	"casus/internal/eventlog/memlog"
)

func TestContract(t *testing.T) {
	t.Parallel()
	eventlogtest.Run(t, func(*testing.T) eventlog.Log { return memlog.New(rand.Reader) })
}
