package memkv_test

import (
	"testing"

	"casus/internal/kv"
	"casus/internal/kv/kvtest"
	"casus/internal/kv/memkv"
)

func TestContract(t *testing.T) {
	t.Parallel()
	kvtest.Run(t, func(*testing.T) (kv.Store, func() map[string][]byte) {
		return memkv.New(), func() map[string][]byte { return nil }
	})
}
