package eventlog_test

import (
	"bytes"
	"crypto/sha256"
	"testing"

	"casus/internal/event"
	"casus/internal/eventlog"

	"github.com/google/go-cmp/cmp"
)

// TestChain computes a chain by hand, from the words of the package comment.
func TestChain(t *testing.T) {
	t.Parallel()
	random := bytes.NewReader(bytes.Repeat([]byte{7}, 64))
	sealed, err := eventlog.Seal(random, []eventlog.Entry{
		{Kind: event.SourceSet, Payload: []byte("one")},
		{Kind: event.SourceSet, Payload: []byte("two")},
	})
	if err != nil {
		t.Fatal(err)
	}
	salt := bytes.Repeat([]byte{7}, 32)
	if want := sha256.Sum256(append(bytes.Clone(salt), "two"...)); sealed.Headers[1].PayloadHash != want {
		t.Errorf("payload digest = %x, want SHA-256(salt || payload) = %x", sealed.Headers[1].PayloadHash, want)
	}
	var want, got eventlog.Digest
	for _, form := range sealed.Forms {
		want = sha256.Sum256(append(want[:], form...))
		got = eventlog.Next(got, form)
	}
	if got != want {
		t.Errorf("chain = %x, want %x", got, want)
	}
}

func TestChecker(t *testing.T) {
	t.Parallel()
	salt := make([]byte, eventlog.SaltBytes)
	header := func(payload string) []byte {
		h := event.Header{Kind: event.SourceSet, PayloadBytes: uint32(len(payload)), PayloadHash: eventlog.PayloadHash(salt, []byte(payload))}
		return h.AppendBinary(nil)
	}
	for name, c := range map[string]struct {
		check func(*eventlog.Checker)
		want  []string
	}{
		"good": {func(c *eventlog.Checker) {
			c.Entry(1, header("a"), false, salt, []byte("a"))
			c.Entry(2, header("b"), true, nil, nil)
		}, nil},
		"digest":     {func(c *eventlog.Checker) { c.Entry(1, header("a"), false, salt, []byte("b")) }, []string{"entry 1: payload does not match its digest"}},
		"length":     {func(c *eventlog.Checker) { c.Entry(1, header("a"), false, salt, nil) }, []string{"entry 1: payload has 0 bytes, header says 1"}},
		"one less":   {func(c *eventlog.Checker) { c.Entry(2, header("a"), true, nil, nil) }, []string{"entry 1 is missing"}},
		"three less": {func(c *eventlog.Checker) { c.Entry(4, header("a"), true, nil, nil) }, []string{"entries 1 to 3 are missing"}},
		"header": {
			func(c *eventlog.Checker) { c.Entry(1, []byte{1}, true, nil, nil) },
			[]string{"entry 1: header is damaged: event: header: damaged at byte 1"},
		},
		"chain": {func(c *eventlog.Checker) {
			c.Entry(1, header("a"), true, nil, nil)
			c.Joins(2, eventlog.Digest{1})
		}, []string{"chain is broken before entry 2"}},
	} {
		var got []string
		c.check(&eventlog.Checker{Problem: func(p string) { got = append(got, p) }})
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: problems differ (-want +got):\n%s", name, diff)
		}
	}
}
