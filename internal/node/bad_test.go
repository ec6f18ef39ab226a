package node

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/google/go-cmp/cmp"

	"casus/internal/core/report"
	"casus/internal/edge/cli"
	"casus/internal/fault"
	"casus/tlp"
)

// openSource is a source whose unmarked reports are for everybody: whatever is
// marked wider than it should be shows.
func openSource(t *testing.T, n *Node) {
	t.Helper()
	everybody := tlp.Clear
	if err := n.SetSource(t.Context(), report.Source{Name: "open", TLP: &everybody, Zone: "Etc/GMT-2"}); err != nil {
		t.Fatal(err)
	}
}

func gzipped(t *testing.T, s string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(s)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func zipped(t *testing.T, name, s string) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte(s)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// wide writes s in UTF-16 with the high byte first, after a mark if asked.
func wide(s string, mark bool) string {
	var b strings.Builder
	if mark {
		b.WriteString("\xfe\xff")
	}
	for _, c := range utf16.Encode([]rune(s)) {
		b.WriteByte(byte(c >> 8))
		b.WriteByte(byte(c))
	}
	return b.String()
}

const (
	redRef   = `"marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"` // TLP 1.0
	clearRef = `"marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"` // TLP 2.0
)

// seen is an indicator with further members.
func seenWith(extra string) string {
	return `{"type":"indicator","spec_version":"2.1","id":"indicator--0a1b2c3d-0000-4000-8000-000000000001",` +
		`"created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","pattern":"[ipv4-addr:value = '192.0.2.1']",` +
		`"pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z"` + extra + `}`
}

func taggedEvent(tags string) string {
	return `{"Event":{"info":"x","date":"2026-01-01","uuid":"0a1b2c3d-0000-4000-8000-000000000001",` + tags +
		`"Attribute":[{"type":"ip-dst","value":"192.0.2.1","uuid":"0a1b2c3d-0000-4000-8000-000000000002"}]}}`
}

// badInput is something broken.
type badInput struct {
	name, file, data string
	received         int
	want             []string // place: reason: remedy of what is set aside, newest first
}

// badPacking is packed or nested too deep.
func badPacking(t *testing.T) []badInput {
	t.Helper()
	cut := gzipped(t, seenWith(`,"name":"`+strings.Repeat("0123456789abcdef", 400)+`"`))
	return []badInput{
		{"truncated gz", "a.json.gz", cut[:len(cut)-20], 1, []string{
			"byte 4167 (unpacked): the compressed data end early: fetch the file again; what came before the end was read",
		}},
		{"nested in an object", "a.json", seenWith(`,"x_a":` + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000)), 1, []string{
			"byte 342, object 1: nested more than 64 deep: flatten the object, or raise the limit of depth",
		}},
		{"nested", "a.json", strings.Repeat(`{"a":`, 10_000) + "1" + strings.Repeat("}", 10_000), 1, []string{
			"object 1, byte 0: nested deeper than 64 levels: check where the file comes from",
		}},
		{"gz bomb", "a.json.gz", gzipped(t, seenWith(`,"x_a":"`+strings.Repeat("a", 7<<20)+`"`)), 1, []string{
			"byte 1966080 (unpacked): the compressed data grow more than 200 times: check where the file comes from; if it is sound, unpack it first",
		}},
		{"zip bomb", "a.zip", zipped(t, "a.json", seenWith(`,"x_a":"`+strings.Repeat("a", 7<<20)+`"`)), 1, []string{
			"a.json, byte 2523136 (unpacked): the compressed data grow more than 200 times: check where the file comes from; if it is sound, unpack it first",
		}},
		{"zip in a zip", "a.zip", zipped(t, "inner.zip", zipped(t, "a.json", seenWith(""))), 1, []string{
			"inner.zip: there is a zip file inside the archive: unpack the outer archive and send the inner one by itself",
		}},
	}
}

// badMarking may hide a marking.
func badMarking() []badInput {
	const (
		twice  = `remove one of the two; which one was meant cannot be known`
		marked = `,"object_marking_refs":[` + redRef + `]`
	)
	return []badInput{
		{"marking twice", "a.json", seenWith(marked + `,"object_marking_refs":[` + clearRef + `]`), 1, []string{
			`byte 356, object 1: the name "object_marking_refs" appears twice in one object: ` + twice,
		}},
		{"marking twice, escaped", "a.json", seenWith(marked + `,"\u006fbject_marking_refs":[` + clearRef + `]`), 1, []string{
			`byte 356, object 1: the name "object_marking_refs" appears twice in one object: ` + twice,
		}},
		{"marking in another case", "a.json", seenWith(marked + `,"Object_Marking_Refs":[` + clearRef + `]`), 1, []string{
			"byte 0, object 1, Object_Marking_Refs: the name of the property does not begin with a lower-case letter: use 3 to 250 lower-case letters, digits and underscores, beginning with a letter",
		}},
		{"tags twice", "a.json", taggedEvent(`"Tag":[{"name":"tlp:red"}],"Tag":[{"name":"tlp:clear"}],`), 1, []string{
			`line 1, byte 114 (/Event/Tag): the member "Tag" stands twice in one object: remove one of the two members: which of them holds cannot be told`,
		}},
		{"tags in another case", "a.json", taggedEvent(`"Tag":[{"name":"tlp:red"}],"tag":[{"name":"tlp:clear"}],`), 1, []string{
			`line 1, byte 114 (/Event/tag): the member "tag" is "Tag" in a wrong case: write the member as MISP does; in this case it is ignored by readers, and may hide a marking`,
		}},
		{"label twice in a line", "a.jsonl", `{"value":"192.0.2.1","tlp":"red","tlp":"clear"}` + "\n", 1, []string{
			`line 1: the member "tlp" stands twice in one object (byte 33): remove one of the two members: which of them holds cannot be told`,
		}},
	}
}

// badText is no text, or not all of it.
func badText(t *testing.T) []badInput {
	t.Helper()
	const (
		saveUTF8 = "save the file as UTF-8 and send it again"
		again    = "check how it was saved or sent, and give it again"
		formats  = "give STIX or MISP JSON, CSV, lines of JSON, mail (.eml) or text"
	)
	return []badInput{
		{"UTF-16", "a.json", wide(seenWith(""), true), 1, []string{
			"byte 0: the file is written in UTF-16, want UTF-8; all from there to the end of the file is set aside: " + saveUTF8,
		}},
		{"UTF-16 without mark", "a.json", wide(seenWith(""), false), 1, []string{"file: this is not text in a format that is read: " + formats}},
		{"Latin-1 in STIX", "a.json", seenWith(`,"name":"caf` + "\xe9" + `"`), 1, []string{"byte 284, object 1: the byte 0xE9 is not UTF-8: " + saveUTF8}},
		{"Latin-1 in a table", "a.csv", "ip,comment\n192.0.2.1,caf\xe9\n", 1, []string{
			"line 2: the line is not UTF-8 (byte 14 of the line): save the table as UTF-8, or as UTF-16 with a byte order mark",
		}},
		{"Latin-1 in text", "a.txt", "caf\xe9 192.0.2.1", 3, []string{"line 1: the line is not UTF-8 (byte 4 of the line): save the text as UTF-8"}},
		{"no text", "a.bin", "\x00\x01\x02\x7fELF\x00\x00", 1, []string{"file: this is not text in a format that is read: " + formats}},
		{"empty", "a.json", "", 1, []string{"file: the file is empty: " + again}},
		{"blank", "a.json", " \n\t\n", 1, []string{"file: the file holds nothing but white space: " + again}},
		{"empty gz", "a.json.gz", gzipped(t, ""), 1, []string{"file: the file is empty: " + again}},
		{"cut off", "a.json", `{"type":"bundle","id":"bundle--0a1b2c3d-0000-4000-8000-000000000001","objects":[` + seenWith("") + "," + seenWith("")[:80], 2, []string{
			"byte 434, object 2: the file ends inside an object: fetch the file again; it was cut short",
		}},
	}
}

// TestBadInput hands in what is broken: what is wrong is said, where, and what
// to do about it, and nothing that is set aside is for more readers than RED.
func TestBadInput(t *testing.T) {
	t.Parallel()
	for _, c := range slices.Concat(badPacking(t), badMarking(), badText(t)) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			n := inMemory(t)
			openSource(t, n)
			res, err := n.Import(t.Context(), report.Request{Source: "open", Name: c.file}, strings.NewReader(c.data), nil)
			if err != nil {
				t.Fatal(err)
			}
			items, err := n.Quarantine(t.Context(), res.Reports[0].ID)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, it := range items {
				got = append(got, it.Place+": "+it.Reason+": "+it.Remedy)
				if it.TLP != "TLP:RED" {
					t.Errorf("%s is %s, want TLP:RED: its marking cannot be told", it.Place, it.TLP)
				}
			}
			if d := cmp.Diff(c.want, got); d != "" || res.Received != c.received || res.Quarantined != len(c.want) {
				t.Errorf("%d received, %d set aside, want %d and %d (-want +got):\n%s", res.Received, res.Quarantined, c.received, len(c.want), d)
			}
		})
	}
}

// TestWideArray hands in 12 MiB of empty objects: the first thousand say enough.
func TestWideArray(t *testing.T) {
	t.Parallel()
	n := inMemory(t)
	res, err := n.Import(t.Context(), report.Request{Name: "a.json"}, strings.NewReader("["+strings.Repeat("{},", 4<<20-1)+"{}]"), nil)
	if err != nil {
		t.Fatal(err)
	}
	items, err := n.Quarantine(t.Context(), "")
	if err != nil || len(items) != 1001 || res.Quarantined != 1001 || res.New != 0 {
		t.Fatalf("%d items, %v, %+v", len(items), err, res)
	}
	for i, want := range []string{
		"from object 1000, byte 2998 to the end: not one of the first 1000 rows could be read, so the rest was not tried: check the format, or give a map of the columns",
		"object 1000, byte 2998: the object is empty: leave it out",
	} {
		if got := items[i].Place + ": " + items[i].Reason + ": " + items[i].Remedy; got != want {
			t.Errorf("item %d = %q, want %q", i, got, want)
		}
	}
}

// TestStricterOfTwoLabels makes sure that where two labels can both be read, the
// stricter one holds.
func TestStricterOfTwoLabels(t *testing.T) {
	t.Parallel()
	n := inMemory(t)
	openSource(t, n)
	for i, c := range []struct{ file, data string }{
		{"a.csv", "ip,tlp,tlp\n192.0.2.%d,red,clear\n"},
		{"b.csv", "ip,tlp,TLP\n192.0.2.%d,clear,red\n"},
		{"c.jsonl", `{"value":"192.0.2.%d","tlp":"red","TLP":"clear"}` + "\n"},
		{"d.jsonl", `{"value":"192.0.2.%d","TLP":"clear","Tlp":"red"}` + "\n"},
	} {
		data := fmt.Sprintf(c.data, i+1)
		res, err := n.Import(t.Context(), report.Request{Source: "open", Name: c.file}, strings.NewReader(data), nil)
		if err != nil {
			t.Fatal(err)
		}
		d, err := n.Report(t.Context(), res.Reports[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range d.Items {
			if it.TLP != "TLP:RED" {
				t.Errorf("%s: %s is %s, want TLP:RED", data, it.Name, it.TLP)
			}
		}
		if len(d.Items) == 0 {
			t.Errorf("%s: nothing taken in", data)
		}
	}
}

// TestRetryKeepsTheLabel reads a piece again that came under a label: it must
// not come back under the source's wider one.
func TestRetryKeepsTheLabel(t *testing.T) {
	t.Parallel()
	n := inMemory(t)
	openSource(t, n)
	red := tlp.Red
	res, err := n.Import(t.Context(), report.Request{Source: "open", Name: "a.json", TLP: &red, Exercise: true}, strings.NewReader(seenWith("")+seenWith(`,"name":""`)[:60]), nil)
	if err != nil {
		t.Fatal(err)
	}
	items, err := n.Quarantine(t.Context(), res.Reports[0].ID)
	if err != nil || len(items) != 1 {
		t.Fatalf("Quarantine = %+v, %v, want one", items, err)
	}
	if _, err := n.Retry(t.Context(), items[0].ID); fault.KindOf(err) != fault.Invalid {
		t.Errorf("Retry = %v, want Invalid: the piece is still cut short", err)
	}
	rows, _, err := n.Reports(t.Context(), "", "", "", 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if r.TLP != "TLP:RED" || !r.Exercise {
			t.Errorf("%s %q is %s, exercise %t; want TLP:RED and an exercise", r.ID, r.Title, r.TLP, r.Exercise)
		}
	}
}

// TestTimesWithoutZone keeps what is written, reads it in the source's zone, and
// says so.
func TestTimesWithoutZone(t *testing.T) {
	t.Parallel()
	n := inMemory(t)
	openSource(t, n)
	res, err := n.Import(t.Context(), report.Request{Source: "open", Name: "a.csv"}, strings.NewReader("ip,first_seen\n192.0.2.1,2026-03-04 05:06:07\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	d, err := n.Report(t.Context(), res.Reports[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, it := range d.Items {
		if it.Type != "observed-data" {
			continue
		}
		found = true
		o, err := n.Object(t.Context(), it.ID, true)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{`"first_observed":"2026-03-04T03:06:07.000Z"`, `"x_casus_time_assumed":"Etc/GMT-2"`, `"x_casus_time_written":"2026-03-04 05:06:07"`} {
			if !bytes.Contains(o.Raw, []byte(want)) {
				t.Errorf("%s lacks %s", o.Raw, want)
			}
		}
	}
	if !found {
		t.Errorf("no observed data in %+v", d.Items)
	}
}

func TestPathsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	n := inMemory(t)
	missing := filepath.Join(t.TempDir(), "nothing")
	_, err := n.ImportPaths(t.Context(), report.Request{}, []string{missing}, nil)
	if fault.KindOf(err) != fault.NotFound || err.Error() != "node: "+missing+" is not there" {
		t.Errorf("a path that is not there: %v", err)
	}
	closed := filepath.Join(t.TempDir(), "closed")
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(closed, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(closed, 0o700) })
	want := "node: " + closed + " cannot be read: permission denied"
	if os.Geteuid() == 0 { // root may read it: only the words can be tried
		err = unreadable(closed, &fs.PathError{Op: "open", Path: closed, Err: fs.ErrPermission})
	} else {
		_, err = n.ImportPaths(t.Context(), report.Request{}, []string{closed}, nil)
	}
	if fault.KindOf(err) != fault.Invalid || err.Error() != want || fault.HintOf(err) != "run casus as a user who may read it, or change its permissions" {
		t.Errorf("a directory that may not be read: %v (%s), want %s", err, fault.HintOf(err), want)
	}
}

// TestCutOff: a second command says what is in its way.
func TestCutOff(t *testing.T) {
	t.Parallel()
	c := onDisk(t)
	n := fresh(t, c)
	stop, err := n.Answer(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	connect := func() error {
		w := &way{host: Host{c}, dir: c.Dir, tries: 1}
		conn, err := w.dial(t.Context())
		if err == nil {
			_ = conn.Close()
		}
		return err
	}
	if err := connect(); err != nil {
		t.Errorf("dial = %v, want a way to the node that answers", err)
	}
	if err := os.Remove(filepath.Join(c.Dir, "casus.sock")); err != nil {
		t.Fatal(err)
	}
	ready := func(cli.Serving) { t.Error("a second node serves") }
	for name, err := range map[string]error{
		"command": connect(),
		"serve":   Host{c}.Serve(t.Context(), c.Dir, cli.ServeOptions{Listen: "127.0.0.1:0"}, slog.New(slog.DiscardHandler), ready),
	} {
		want := "another casus has " + c.Dir + " open, but its socket there is gone"
		if err == nil || err.Error() != want || fault.HintOf(err) != "stop that casus and start it again: it makes the socket anew" {
			t.Errorf("%s = %v (%s), want %s", name, err, fault.HintOf(err), want)
		}
	}
	stop(t.Context())
	closeNode(t, n)
	if err := held(filepath.Join(c.Dir, "log")); fault.KindOf(err) != fault.NotFound {
		t.Errorf("held(a directory without a key) = %v, want NotFound", err)
	}
}

// TestOthersDirectory: another user's data directory is neither in use nor not
// there.
func TestOthersDirectory(t *testing.T) {
	t.Parallel()
	c := onDisk(t)
	closeNode(t, fresh(t, c))
	check := func(what string, err error) {
		t.Helper()
		if fault.KindOf(err) != fault.Invalid || err == nil || !strings.Contains(err.Error(), "permission denied") || !strings.HasPrefix(fault.HintOf(err), "run casus as the user whose") {
			t.Errorf("%s = %v (%s, hint %q), want permission denied", what, err, fault.KindOf(err), fault.HintOf(err))
		}
	}
	closed := c
	closed.FS = errorfs.Wrap(vfs.Default, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if strings.HasPrefix(op.Path, filepath.Join(c.Dir, "log")) {
			return &fs.PathError{Op: "open", Path: op.Path, Err: fs.ErrPermission}
		}
		return nil
	}))
	_, err := Open(t.Context(), closed)
	check("Open of a closed log", err)
	closed.FS = errorfs.Wrap(vfs.Default, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpLock || strings.HasSuffix(op.Path, "LOCK") {
			return &fs.PathError{Op: "open", Path: op.Path, Err: fs.ErrPermission}
		}
		return nil
	}))
	_, err = Open(t.Context(), closed)
	check("Open of a log whose lock is closed", err)
	if os.Geteuid() == 0 {
		return // root may read everything
	}
	key := filepath.Join(c.Dir, "node.key")
	if err := os.Chmod(key, 0); err != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), c)
	check("Open without the right to read the key", err)
	if err := os.Chmod(c.Dir, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(c.Dir, 0o700) })
	check("held", held(c.Dir))
	_, err = Host{c}.Connect(t.Context(), c.Dir)
	check("Connect", err)
}

// TestMalformedEvent hands in a real MISP event that others broke.
func TestMalformedEvent(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("CASUS_LIBRARY")
	if dir == "" {
		dir = filepath.Join("..", "shared", "data")
	}
	if !filepath.IsAbs(dir) {
		dir = filepath.Join("..", "..", dir)
	}
	path := filepath.Join(dir, "misp", "malformed", "pypi_backdoor__malicious_pypi_packages.misp-event.json.gz")
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("CASUS_CI") == "1" {
			t.Fatalf("no real files: %v", err)
		}
		t.Skip("no folder of real files; set CASUS_LIBRARY")
	}
	const want = "line 37374, byte 1532403 (/response/0/Event/Tag/7): the JSON stops here: unexpected ']' behind ',': " +
		"ask the publisher for a valid file, or mend the JSON at this place and import it again"
	n := inMemory(t)
	if _, err := n.ImportPaths(t.Context(), report.Request{}, []string{path}, nil); err != nil {
		t.Fatal(err)
	}
	items, err := n.Quarantine(t.Context(), "")
	if err != nil || len(items) != 1 {
		t.Fatalf("Quarantine = %+v, %v, want one", items, err)
	}
	if got, want := items[0].Place+": "+items[0].Reason+": "+items[0].Remedy, want; got != want {
		t.Errorf("set aside: %q, want %q", got, want)
	}
}
