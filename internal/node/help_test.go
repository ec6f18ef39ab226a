package node

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"casus/internal/bench"
	"casus/internal/core/report"
	"casus/stix"
)

// smallTables makes write buffers small, so that tests flush and compact.
const smallTables = 256 << 10

// clock is a clock that is moved by hand, so that what is made of text, which
// bears the time of its receipt, comes out the same in another run.
type clock struct{ hours atomic.Int64 }

func (c *clock) now() time.Time {
	return time.Date(2026, 11, 24, 6, 0, 0, 0, time.UTC).Add(time.Duration(c.hours.Load()) * time.Hour)
}

// tick is a clock that stands still.
func tick() func() time.Time { return new(clock).now }

// fresh makes a data directory and opens it.
func fresh(t testing.TB, c Config) *Node {
	t.Helper()
	if err := Init(c, report.Ceiling{}); err != nil {
		t.Fatalf("Init: %v", err)
	}
	return reopen(t, c)
}

func reopen(t testing.TB, c Config) *Node {
	t.Helper()
	n, err := Open(context.Background(), c)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	return n
}

func closeNode(t testing.TB, n *Node) {
	t.Helper()
	if err := n.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

func onDisk(t testing.TB) Config {
	return Config{Dir: filepath.Join(t.TempDir(), "data"), Clock: tick(), memTable: smallTables}
}

// verified returns the digest of a node that must be whole.
func verified(t testing.TB, n *Node) string {
	t.Helper()
	<-n.whole
	c, err := n.Verify(context.Background())
	if err != nil {
		t.Fatalf("Verify: %v", err)
	}
	if !c.OK {
		t.Fatalf("Verify finds %q", c.Problems)
	}
	return c.StateDigest
}

// hand is one report to hand in.
type hand struct {
	req  report.Request
	body []byte
}

func (h hand) in(ctx context.Context, n *Node) (report.Result, error) {
	return n.Import(ctx, h.req, bytes.NewReader(h.body), nil)
}

func take(t testing.TB, n *Node, h hand) report.Result {
	t.Helper()
	res, err := h.in(context.Background(), n)
	if err != nil {
		t.Fatalf("import %s: %v", h.req.Name, err)
	}
	return res
}

// lines is n objects of the mix that speed is measured with.
func lines(name string, n int, seed uint64) hand {
	var b bytes.Buffer
	if _, err := bench.Write(&b, n, seed); err != nil {
		panic(err) // memory takes everything
	}
	return hand{report.Request{Source: "north", Name: name + ".ndjson"}, b.Bytes()}
}

func id(typ string, n int) string {
	return stix.NewID(typ, []byte("node tests"), fmt.Sprint(n))
}

// indicator is one object; more is further members.
func indicator(n int, modified, name, more string) string {
	return fmt.Sprintf(`{"type":"indicator","spec_version":"2.1","id":%q,"created":"2026-01-01T00:00:00.000Z","modified":%q,"valid_from":"2026-01-01T00:00:00Z","name":%q,"pattern_type":"stix","pattern":"[ipv4-addr:value = '198.51.100.%d']"%s}`,
		id("indicator", n), modified, name, n%250, more)
}

const (
	january  = "2026-01-01T00:00:00.000Z"
	february = "2026-02-01T00:00:00.000Z"
)

func bundle(name, source string, objects ...string) hand {
	body := `{"type":"bundle","id":"` + stix.NewID("bundle", []byte("node tests"), name+source) + `","objects":[` + strings.Join(objects, ",\n") + `]}`
	return hand{report.Request{Source: source, Name: name}, []byte(body)}
}

// incompressible is n characters that stay as long however they are packed.
func incompressible(seed byte, n int) string {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(b)
	return strings.NewReplacer("-", "x", "_", "y").Replace(base64.RawURLEncoding.EncodeToString(b)[:n])
}

const mispEvent = `{"Event":{"uuid":"5f2b1f6e-1111-4111-8111-%012d","info":"%s","date":"2026-03-01","timestamp":"1772323200","threat_level_id":"2","analysis":"1","distribution":"1","Orgc":{"name":"Org","uuid":"5f2b1f6e-2222-4222-8222-000000000001"},"Attribute":[{"uuid":"5f2b1f6e-3333-4333-8333-%012d","type":"ip-dst","category":"Network activity","value":"203.0.113.%d","to_ids":true,"timestamp":"1772323200","distribution":"5","comment":"%s"}]}}`

// story is reports in several formats, with pieces that are set aside, repeats
// and conflicts.
func story(objects int) []hand {
	return []hand{
		lines("mix", objects, 1),
		bundle("first", "north", indicator(1, january, "one", ""), indicator(2, january, "two", ""), `{"type":"indicator","id":"broken"}`),
		bundle("second", "south", indicator(1, january, "one", ""), indicator(2, january, "two, otherwise", ""), indicator(3, january, "three", "")),
		{report.Request{Source: "east", Name: "event.json"}, fmt.Appendf(nil, mispEvent, 1, "a MISP event", 1, 7, "comment")},
		{report.Request{Source: "west", Name: "note.txt"}, []byte("Seen from 203.0.113.7 and evil[.]example today.\n")},
		{report.Request{Source: "west", Name: "list.csv"}, []byte("value,type\n198.51.100.1,ipv4\nbad.example,domain\n")},
		{report.Request{Source: "west", Name: "broken.json"}, []byte(`{"type":"bundle","id":"x","objects":[`)},
	}
}

// undisturbed returns the state digest of a node that took all in in peace.
func undisturbed(t testing.TB, all []hand) string {
	t.Helper()
	n := fresh(t, onDisk(t))
	defer closeNode(t, n)
	for _, h := range all {
		take(t, n, h)
	}
	return verified(t, n)
}

// stopper stops an import at the nth passing of a point.
type stopper struct {
	mu     sync.Mutex // guards the fields below
	seen   map[string]int
	point  string
	at     int
	action func()
}

func (s *stopper) hook(point string) {
	s.mu.Lock()
	if s.seen == nil {
		s.seen = map[string]int{}
	}
	s.seen[point]++
	hit := point == s.point && s.seen[point] == s.at
	s.mu.Unlock()
	if hit {
		s.action()
	}
}

func (s *stopper) count(point string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen[point]
}

var errCut = errors.New("cut short")
