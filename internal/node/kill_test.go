package node

import (
	"bufio"
	"context"
	"encoding/json/v2"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"casus/internal/core/report"
	"casus/internal/view"
)

// TestMain runs the child of TestKill in its place when asked to.
func TestMain(m *testing.M) {
	if dir := os.Getenv("CASUS_KILL_CHILD"); dir != "" {
		if err := child(dir); err != nil {
			fmt.Println("fail", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// killPoint is a point at which a process is killed, at up to which passing.
type killPoint struct {
	name string
	upTo int
}

// killPoints are the points of each part of the work.
var killPoints = [...][]killPoint{
	{{"opened", 1}, {"chunk", 3}, {"read", 1}, {"closed", 1}, {"view-flush", 2}, {"flush", 2}, {"flushed", 2}, {"compact", 1}, {"compacted", 1}},
	{{"erase-recorded", 1}, {"erase-views", 1}, {"flush", 1}, {"flushed", 1}, {"compact", 1}, {"compacted", 1}, {"erase-rewritten", 1}, {"erase-compacted", 1}, {"erase-closed", 1}, {"erase-done", 1}},
	{{"rebuild", 1}, {"rebuild-emptied", 1}, {"view-flush", 1}, {"rebuilt", 1}},
}

// ledger is what children acknowledged in one life of a data directory.
type ledger struct {
	Point   string         `json:"point"`
	At      int            `json:"at"`
	Objects map[string]int `json:"objects"` // by file name, durable
	Done    map[string]bool
	Erased  bool `json:"erased"`
}

const victim = "victim.json"

// killStory is what children take in; the report called victim is erased.
func killStory() ([]hand, string) {
	objects := 700
	if os.Getenv("CASUS_CI") == "1" {
		objects = 1900
	}
	all := story(objects)
	text := incompressible(77, 400)
	return append(all, bundle(victim, "north", indicator(1, january, "one", ""), indicator(60, january, text, ""), `{"type":"indicator","id":"`+text+`"}`)), text
}

func killConfig(dir string) Config {
	return Config{Dir: dir, Clock: tick(), memTable: 128 << 10, flushEntries: 300}
}

// child does the work of one process: it opens, checks that all acknowledged is
// there, and goes on where the last one was killed.
func child(dir string) error {
	var l ledger
	if err := json.UnmarshalRead(os.Stdin, &l); err != nil {
		return err
	}
	die := func(point string) {
		fmt.Println("killed", 0, point)
		if self, err := os.FindProcess(os.Getpid()); err == nil {
			_ = self.Kill()
		}
		select {}
	}
	s := &stopper{point: l.Point, at: l.At, action: func() { die(l.Point) }}
	c := killConfig(dir)
	c.Hook = func(point string) {
		s.hook(point)
		if point == "rebuilt" && l.Point != "" {
			die(point) // the point was not passed so often
		}
	}
	n, err := Open(context.Background(), c)
	if err != nil {
		return err
	}
	<-n.whole
	if err := acknowledged(n, &l); err != nil {
		return err
	}
	if err := work(context.Background(), n, &l, func(word string, count int, name string) { fmt.Println(word, count, name) }); err != nil {
		return err
	}
	check, err := n.Verify(context.Background())
	if err != nil {
		return fmt.Errorf("at the end: %w", err)
	}
	if !check.OK {
		return fmt.Errorf("at the end: %q", check.Problems)
	}
	fmt.Println("digest", check.StateDigest)
	return n.Close()
}

// acknowledged checks a node against the ledger.
func acknowledged(n *Node, l *ledger) error {
	check, err := n.Verify(context.Background())
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	if !check.OK {
		return fmt.Errorf("verify: %q", check.Problems)
	}
	rows, _, err := n.Reports(context.Background(), "", "", "", 100)
	if err != nil {
		return err
	}
	held := map[string]report.Row{}
	for _, r := range rows {
		d, err := n.view.Report(context.Background(), view.LocalOperator(), r.ID)
		if err != nil {
			return err
		}
		held[d.Name] = r
	}
	for name, count := range l.Objects {
		r, ok := held[name]
		if l.Done[name] && name == victim {
			continue // it may be erased already, or not
		}
		if !ok || r.Objects+r.Quarantined < count {
			return fmt.Errorf("%s: %d objects acknowledged, %d held", name, count, r.Objects+r.Quarantined)
		}
		if l.Done[name] && r.State != "complete" {
			return fmt.Errorf("%s: was closed, is %s", name, r.State)
		}
	}
	if _, ok := held[victim]; ok && l.Erased {
		return fmt.Errorf("%s: was erased, is there", victim)
	}
	return nil
}

// work takes in what l does not tell as done, erases and rebuilds; say is told
// what is acknowledged.
func work(ctx context.Context, n *Node, l *ledger, say func(word string, count int, name string)) error {
	all, _ := killStory()
	for _, h := range all {
		if l.Done[h.req.Name] {
			continue
		}
		res, err := n.Import(ctx, h.req, strings.NewReader(string(h.body)), func(p report.Progress) {
			say("ack", p.Objects+p.Quarantined, h.req.Name)
		})
		if err != nil {
			return err
		}
		say("done", res.Received, h.req.Name)
	}
	if !l.Erased {
		rows, _, err := n.Reports(ctx, "", "north", "", 100)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if r.Title != victim {
				continue
			}
			if _, err := n.Erase(ctx, r.ID, "a test"); err != nil {
				return err
			}
		}
		say("erased", 0, victim)
	}
	return n.Rebuild(ctx)
}

// note takes up what was acknowledged.
func (l *ledger) note(word string, n int, name string) {
	switch word {
	case "ack":
		l.Objects[name] = max(l.Objects[name], n)
	case "done":
		l.Objects[name], l.Done[name] = max(l.Objects[name], n), true
	case "erased":
		l.Erased = true
	}
}

func newLedger() *ledger { return &ledger{Objects: map[string]int{}, Done: map[string]bool{}} }

// worked returns the state digest of an undisturbed run of work.
func worked(t testing.TB) string {
	t.Helper()
	n := fresh(t, killConfig(filepath.Join(t.TempDir(), "data")))
	defer closeNode(t, n)
	if err := work(t.Context(), n, newLedger(), func(string, int, string) {}); err != nil {
		t.Fatal(err)
	}
	return verified(t, n)
}

// TestKill kills processes that import, erase and rebuild, at points spread
// over all they do: with CASUS_CI=1 two hundred, else twenty.
func TestKill(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("kills processes")
	}
	kills := 20
	if os.Getenv("CASUS_CI") == "1" {
		kills = 200
	}
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("CASUS_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("CASUS_SEED=%d", seed)
	_, text := killStory()
	k := &killer{t: t, want: worked(t), text: text, left: kills, points: map[string]int{}}
	var wg sync.WaitGroup
	for w := range 2 {
		rng := rand.New(rand.NewPCG(seed, uint64(w)))
		wg.Go(func() {
			for life := 0; k.goOn(); life++ {
				k.life(filepath.Join(t.TempDir(), fmt.Sprint(w, " ", life)), rng)
			}
		})
	}
	wg.Wait()
	t.Logf("killed %d processes in %d lives: %v", k.killed, k.lives, k.points)
}

// killer kills until enough were killed.
type killer struct {
	t          testing.TB
	want, text string

	mu            sync.Mutex // guards the fields below
	left          int
	killed, lives int
	points        map[string]int
}

func (k *killer) goOn() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.left > 0 && !k.t.Failed()
}

func (k *killer) died(point string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.left--
	k.killed++
	k.points[point]++
}

// pick returns a point of the part of the work that is to do, every other time
// the one that killed least so far.
func (k *killer) pick(l *ledger, rng *rand.Rand) (string, int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	part := 0
	if l.Done[victim] || rng.IntN(5) == 0 {
		part = 1
	}
	if l.Erased {
		part = 2
	}
	best, least, fair := killPoint{}, 1<<30, rng.IntN(2) == 0
	for _, p := range killPoints[part] {
		score := rng.IntN(1000)
		if fair {
			score += 1000 * k.points[p.name]
		}
		if score < least {
			best, least = p, score
		}
	}
	return best.name, 1 + rng.IntN(best.upTo)
}

// life kills processes on one data directory until one comes to the end.
func (k *killer) life(dir string, rng *rand.Rand) {
	if err := Init(killConfig(dir), report.Ceiling{}); err != nil {
		k.t.Error(err)
		return
	}
	l := newLedger()
	var told []string
	for rebuilds := 0; ; {
		l.Point, l.At = k.pick(l, rng)
		if l.Erased {
			rebuilds++
		}
		if rebuilds > 4 || len(told) > 40 || !k.goOn() {
			l.Point = "" // come to the end
		}
		told = append(told, fmt.Sprint(l.Point, " ", l.At))
		digest, at, err := k.run(dir, l)
		if err != nil {
			k.t.Errorf("after %q: %v", told, err)
			return
		}
		if at != "" {
			k.died(at)
			continue
		}
		if digest != k.want {
			k.t.Errorf("after %q: digest at the end = %s, want %s", told, digest, k.want)
		}
		wantGone(k.t, dir, k.text)
		k.mu.Lock()
		k.lives++
		k.mu.Unlock()
		_ = os.RemoveAll(dir)
		return
	}
}

// run runs one child and notes in l what it acknowledges; point is
// where it was killed.
func (k *killer) run(dir string, l *ledger) (digest, point string, err error) {
	in, err := json.Marshal(l)
	if err != nil {
		return "", "", err
	}
	cmd := exec.CommandContext(k.t.Context(), os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), "CASUS_KILL_CHILD="+dir)
	cmd.Stdin = strings.NewReader(string(in))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", "", err
	}
	if err := cmd.Start(); err != nil {
		return "", "", err
	}
	var failure string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		word, rest, _ := strings.Cut(lines.Text(), " ")
		count, name, _ := strings.Cut(rest, " ")
		n, _ := strconv.Atoi(count)
		switch word {
		case "killed":
			point = name
		case "digest":
			digest = rest
		case "fail":
			failure = rest
		default:
			l.note(word, n, name)
		}
	}
	_, _ = io.Copy(io.Discard, out)
	err = cmd.Wait()
	switch {
	case failure != "":
		return "", "", fmt.Errorf("child: %s", failure)
	case err == nil:
		return digest, "", nil
	case cmd.ProcessState.ExitCode() == -1 && point != "":
		return "", point, nil
	}
	return "", "", fmt.Errorf("child: %w", err)
}
