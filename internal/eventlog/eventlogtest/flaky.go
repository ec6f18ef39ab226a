package eventlogtest

import (
	"context"
	"io"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"

	"casus/internal/eventlog"
	"casus/internal/fault"
)

// Flaky returns a log that behaves like one on other machines: it holds Appends
// back so that those of different callers overtake one another, refuses some
// before they are done, and loses the answer of some that are. Which ones
// follows from seed and the order of calls. Everything else goes to log as it is.
func Flaky(log eventlog.Log, seed uint64) eventlog.Log {
	return &flaky{Log: log, rand: rand.New(rand.NewPCG(seed, 1))}
}

type flaky struct {
	eventlog.Log
	mu     sync.Mutex // guards rand
	rand   *rand.Rand
	passed atomic.Int64 // Appends that went through
}

func (f *flaky) chance(n int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.rand.IntN(n)
}

// Append implements [eventlog.Log].
func (f *flaky) Append(ctx context.Context, expect []eventlog.Expect, entries []eventlog.Entry) (eventlog.Seq, error) {
	if f.chance(10) == 0 {
		return 0, fault.Errorf(fault.Unavailable, "eventlogtest: refused before it was done")
	}
	// Wait until some others have gone ahead, or for a while if there are none.
	for ahead, spins := f.passed.Load()+int64(f.chance(4)), 0; f.passed.Load() < ahead && spins < 200; spins++ {
		runtime.Gosched()
	}
	seq, err := f.Log.Append(ctx, expect, entries)
	f.passed.Add(1)
	if err == nil && f.chance(5) == 0 {
		return 0, fault.Errorf(fault.Unavailable, "eventlogtest: answer lost")
	}
	return seq, err
}

// Close closes the log behind.
func (f *flaky) Close() error {
	if c, ok := f.Log.(io.Closer); ok {
		return c.Close()
	}
	return nil
}
