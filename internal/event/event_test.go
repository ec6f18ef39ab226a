package event

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"casus/internal/fault"

	"github.com/google/go-cmp/cmp"
)

func full() Header {
	return Header{
		Version: Version, Kind: ObjectReceived, KindVersion: 3,
		Realm: "exercise-one", Coalition: "seven", Owner: "arden", Author: "token:import",
		Aggregate: "report/1", Key: "k1", Cause: 1 << 60,
		EventTime: time.Date(1969, 7, 20, 20, 17, 40, 1, time.UTC),
		WriteTime: time.Date(2026, 11, 24, 6, 0, 0, 999_999_999, time.UTC),
		Marking:   "tlp:amber", Parts: 7, PayloadBytes: 1<<32 - 1,
		PayloadHash: [32]byte{0: 1, 31: 2},
	}
}

func TestHeaderRoundTrip(t *testing.T) {
	t.Parallel()
	bare := Header{Version: Version, Kind: SourceSet}
	for name, want := range map[string]Header{"full": full(), "bare": bare} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := want.AppendBinary([]byte("before"))
			got, err := ParseHeader(bytes.TrimPrefix(b, []byte("before")))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("ParseHeader(AppendBinary(h)) differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHeaderZone(t *testing.T) {
	t.Parallel()
	utc := full()
	zoned := utc
	zoned.WriteTime = utc.WriteTime.In(time.FixedZone("", 3600))
	if !bytes.Equal(utc.AppendBinary(nil), zoned.AppendBinary(nil)) {
		t.Error("the same instant in another zone has another binary form")
	}
}

// Counting allocations forbids t.Parallel.
func TestParseReuses(t *testing.T) {
	want := full()
	b := want.AppendBinary(nil)
	var h Header
	if _, err := h.Parse(b); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { _, _ = h.Parse(b) }); n != 0 {
		t.Errorf("Parse of an equal header allocates %v times, want 0", n)
	}
}

func TestParseHeaderRefuses(t *testing.T) {
	t.Parallel()
	h := full()
	good := h.AppendBinary(nil)
	for i := range good {
		if _, err := ParseHeader(good[:i]); fault.KindOf(err) != fault.Invalid {
			t.Errorf("ParseHeader(first %d bytes) = %v, want Invalid", i, err)
		}
	}
	change := func(i int, v byte) []byte {
		b := bytes.Clone(good)
		b[i] = v
		return b
	}
	for name, b := range map[string][]byte{
		"one byte more":   append(bytes.Clone(good), 0),
		"version 0":       change(0, 0),
		"version 2":       change(0, 2),
		"kind 0":          change(1, 0),
		"unknown flag":    change(3, 7),
		"long varint":     append([]byte{1, 0x82, 0}, good[2:]...),
		"string too long": append(bytes.Clone(good[:4]), 0xff, 0xff, 0xff, 0xff, 0x0f),
	} {
		if _, err := ParseHeader(b); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: ParseHeader = %v, want Invalid", name, err)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	good := full()
	if err := good.Check(); err != nil {
		t.Errorf("Check(full) = %v, want nil", err)
	}
	for name, h := range map[string]Header{
		"no kind": {},
		"later":   {Kind: 1, Version: Version + 1},
		"long":    {Kind: 1, Marking: strings.Repeat("m", MaxHeaderBytes)},
	} {
		if err := h.Check(); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: Check = %v, want Invalid", name, err)
		}
	}
}

func TestKinds(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for n := range kindNames {
		k := Kind(n)
		if !k.Known() {
			continue
		}
		name := k.String()
		if seen[name] || name == "" {
			t.Errorf("kind %d: name %q is empty or taken", k, name)
		}
		seen[name] = true
	}
	if len(seen) != 29 {
		t.Errorf("%d kinds are known, want 29", len(seen))
	}
	if got := Kind(999).String(); got != "kind-999" || Kind(999).Known() || Kind(0).Known() {
		t.Errorf("Kind(999).String() = %q, want kind-999", got)
	}
}

func FuzzParseHeader(f *testing.F) {
	h := full()
	f.Add(h.AppendBinary(nil))
	h = Header{Kind: SourceSet}
	f.Add(h.AppendBinary(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := ParseHeader(b)
		if err != nil {
			return
		}
		if got := h.AppendBinary(nil); !bytes.Equal(got, b) {
			t.Errorf("AppendBinary(ParseHeader(%x)) = %x", b, got)
		}
	})
}
