package pebblelog

import (
	"testing"

	"casus/internal/eventlog"
	"casus/internal/eventlog/eventlogtest"
)

func TestContract(t *testing.T) {
	t.Parallel()
	eventlogtest.Run(t, func(t *testing.T) eventlog.Log {
		l, err := Create(t.TempDir(), Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := l.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		})
		return l
	})
}
