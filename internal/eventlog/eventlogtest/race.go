package eventlogtest

import (
	"encoding/binary"
	"fmt"
	"sync"
	"testing"

	"casus/internal/eventlog"
	"casus/internal/fault"
)

const writers = 8

// testRaceOne lets writers race for the versions of one aggregate: exactly one
// wins each.
func testRaceOne(t *testing.T, log eventlog.Log) {
	const versions = 40
	var mu sync.Mutex
	wins := map[eventlog.Seq]eventlog.Seq{} // version appended to: by which entry
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			var last eventlog.Seq
			for try := 0; ; try++ {
				e := keyed(fmt.Sprintf("%d/%d", w, try), "")
				e.Aggregate = "case/1"
				e.Payload = binary.BigEndian.AppendUint64(nil, uint64(last))
				seq, err := Append(t, log, []eventlog.Expect{{Aggregate: "case/1", Last: last}}, e)
				mu.Lock()
				if err == nil {
					if other, ok := wins[last]; ok {
						t.Errorf("entries %d and %d both follow version %d", other, seq, last)
					}
					wins[last] = seq
				} else if fault.KindOf(err) != fault.Conflict {
					t.Errorf("Append: %v", err)
				}
				enough := len(wins) >= versions || t.Failed()
				for next, ok := wins[last]; ok; next, ok = wins[last] {
					last = next
				}
				mu.Unlock()
				if enough {
					return
				}
			}
		})
	}
	wg.Wait()
	var last eventlog.Seq
	for s, err := range log.Read(t.Context(), 1) {
		if err != nil {
			t.Fatal(err)
		}
		if s.Header.Aggregate != "case/1" {
			continue
		}
		if got := eventlog.Seq(binary.BigEndian.Uint64(s.Payload)); got != last {
			t.Errorf("entry %d follows version %d, log says %d", s.Seq, got, last)
		}
		last = s.Seq
	}
}

// testRaceMany lets writers append to an aggregate each: none disturbs another.
func testRaceMany(t *testing.T, log eventlog.Log) {
	const each = 25
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			aggregate := fmt.Sprintf("case/%d", w)
			var last eventlog.Seq
			for i := range each {
				pair := []eventlog.Entry{keyed(fmt.Sprintf("%d/%d", w, i), fmt.Sprint(i)), Entry(fmt.Sprint(i))}
				pair[0].Aggregate, pair[1].Aggregate = aggregate, aggregate
				seq, err := Append(t, log, []eventlog.Expect{{Aggregate: aggregate, Last: last}}, pair...)
				if err != nil {
					t.Errorf("%s at %d: %v", aggregate, last, err)
					return
				}
				last = seq + 1
			}
		})
	}
	wg.Wait()
	wantHead(t, log, writers*each*2)
	next := map[string]int{}
	for s, err := range log.Read(t.Context(), 1) {
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprint(next[s.Header.Aggregate] / 2); string(s.Payload) != want {
			t.Errorf("entry %d of %s = %q, want %q", s.Seq, s.Header.Aggregate, s.Payload, want)
		}
		next[s.Header.Aggregate]++
	}
}

// testKeysRace lets writers append the same keys at once: each is appended once.
func testKeysRace(t *testing.T, log eventlog.Log) {
	const keys = 30
	var got [writers][keys]eventlog.Seq
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for k := range keys {
				seq, err := Append(t, log, nil, Entry("a"), keyed(fmt.Sprintf("key-%d", k), "b"))
				if err != nil {
					t.Errorf("Append: %v", err)
					return
				}
				got[w][k] = seq
				if head, _, err := log.Head(t.Context()); err != nil || head < seq+1 {
					t.Errorf("Head = %d, %v after Append = %d of two", head, err, seq)
				}
			}
		})
	}
	wg.Wait()
	for w := range writers {
		if got[w] != got[0] {
			t.Errorf("writer %d was told %v, writer 0 %v", w, got[w], got[0])
		}
	}
	wantHead(t, log, keys*2)
}

func testReadWhileAppending(t *testing.T, log eventlog.Log) {
	const appends = 60
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range appends {
			if _, err := Append(t, log, nil, Entry(fmt.Sprint(i)), Entry("x"), Entry("y")); err != nil {
				t.Errorf("Append: %v", err)
				return
			}
		}
	}()
	var seen eventlog.Seq
	for running := true; running || seen < appends*3; {
		select {
		case <-done:
			running = false
		default:
		}
		for s, err := range log.Read(t.Context(), seen+1) {
			if err != nil || s.Seq != seen+1 {
				t.Fatalf("Read(%d) = %d, %v", seen+1, s.Seq, err)
			}
			seen = s.Seq
		}
		if seen%3 != 0 {
			t.Fatalf("reader saw half of an Append: up to %d", seen)
		}
		if t.Failed() {
			return
		}
	}
}
