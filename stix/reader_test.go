package stix

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func thing(n int) string {
	return fmt.Sprintf(`{"type":"x-thing","id":"x-thing--0f8b7c6d-1111-4222-8333-%011d"}`, n)
}

func things(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = thing(i + 1)
	}
	return list
}

func bundleOf(objects ...string) string {
	return `{"type":"bundle","id":"bundle--0f8b7c6d-1111-4222-8333-94444555566","objects":[` + strings.Join(objects, ",") + `]}`
}

// readAll gives what a Reader returns as lines: "offset #index last digits of
// the id" of objects, "offset #index ! place: reason [size]" of problems.
func readAll(t *testing.T, r *Reader) []string {
	t.Helper()
	var got []string
	for {
		item, err := r.Next()
		if errors.Is(err, io.EOF) {
			return got
		}
		if err != nil {
			return append(got, "error "+err.Error())
		}
		line := fmt.Sprintf("%d #%d ", item.Offset, item.Index)
		if item.File != "" {
			line = item.File + " " + line
		}
		switch p := item.Problem; {
		case (p == nil) == (item.Object == nil):
			t.Fatalf("item has both or none of object and problem: %+v", item)
		case p != nil:
			if p.Remedy == "" {
				t.Errorf("%v: no remedy", p)
			}
			if p.Offset != item.Offset || p.Size < int64(len(p.Raw)) {
				t.Errorf("%v: offset %d in an item at %d, size %d of %d bytes", p, p.Offset, item.Offset, p.Size, len(p.Raw))
			}
			line += fmt.Sprintf("! %s: %s [%d]", p.Place, p.Reason, p.Size)
		default:
			id := item.Object.ID()
			line += strings.TrimLeft(id[max(0, len(id)-11):], "0")
		}
		got = append(got, line)
	}
}

// readerCase is an input and what a Reader gives of it.
type readerCase struct {
	name, in string
	want     []string
}

// setAside is what is said where nothing behind a place can be read.
const setAside = "; all from there to the end of the file is set aside"

func soundInput() []readerCase {
	return []readerCase{
		{"bundle", bundleOf(things(2)...), []string{"79 #1 1", "150 #2 2"}},
		{"bundle, objects first", `{"objects": [` + thing(1) + `], "id":"bundle--1", "type":"bundle"}`, []string{"13 #1 1"}},
		{"bundle in lines", "{\n \"type\" : \"bundle\" ,\n \"objects\" :\n [\n" + thing(1) + "\n,\n" + thing(2) + "\n]\n}\n", []string{"39 #1 1", "112 #2 2"}},
		{"bundle of 2.0", `{"type":"bundle","id":"b","spec_version":"2.0","objects":[{"type":"observed-data","id":"x--1","objects":{"0":{"type":"file"}}}]}`, []string{"58 #1 x--1"}},
		{"envelope of TAXII", `{"more":false,"objects":[` + thing(1) + `]}`, []string{"25 #1 1"}},
		{"empty bundle", bundleOf(), nil},
		{"bare object", thing(1), []string{"0 #1 1"}},
		{"array", "[" + thing(1) + "," + thing(2) + "]", []string{"1 #1 1", "72 #2 2"}},
		{"array of bundles", "[" + bundleOf(thing(1)) + "," + bundleOf(thing(2)) + "," + thing(3) + "]", []string{"80 #1 1", "232 #2 2", "305 #3 3"}},
		{"empty array", "[]", nil},
		{"lines", thing(1) + "\n" + thing(2) + "\r\n\n" + thing(3), []string{"0 #1 1", "71 #2 2", "144 #3 3"}},
		{"lines of bundles", bundleOf(thing(1)) + "\n" + bundleOf(thing(2)) + "\n" + thing(3), []string{"79 #1 1", "231 #2 2", "304 #3 3"}},
		{"objects of its own", `{"type":"x-box","id":"x-box--1","objects":[{"a":[]}]}`, []string{"0 #1 x-box--1"}},
		{"brackets in strings", `{"type":"x-thing","id":"}]\"{[\\","a":"\\\\\"]"}` + thing(2), []string{`0 #1 }]"{[\`, "48 #2 2"}},
	}
}

// brokenInput breaks within the list of objects.
func brokenInput() []readerCase {
	return []readerCase{
		{"bad object in a bundle", bundleOf(thing(1), `{"type":"x","id":"y","a":1,"a":2}`, thing(3)), []string{
			"79 #1 1", `150 #2 ! byte 177, object 2: the name "a" appears twice in one object [33]`, "184 #3 3",
		}},
		{"tlp downgrade", bundleOf(`{"type":"x","id":"y","object_marking_refs":["marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"],"object_markin\u0067_refs":[]}`), []string{
			`79 #1 ! byte 183, object 1: the name "object_marking_refs" appears twice in one object [134]`,
		}},
		{"elements that are no objects", `[1, "a]", null, [` + thing(1) + `], x, ` + thing(6) + "]", []string{
			"1 #1 ! byte 1, object 1: want an object, got a number [1]",
			"4 #2 ! byte 4, object 2: want an object, got a string [4]",
			"10 #3 ! byte 10, object 3: want an object, got null [4]",
			"16 #4 ! byte 16, object 4: want an object, got an array [72]",
			"90 #5 ! byte 90, object 5: a value cannot begin with 'x' [1]",
			"93 #6 6",
		}},
		{"commas", "[," + thing(1) + thing(2) + ",," + thing(3) + ",]", []string{
			"1 #0 ! byte 1: a comma without a value before it [0]",
			"2 #1 1",
			"72 #0 ! byte 72: no comma between two values [0]",
			"72 #2 2",
			"143 #0 ! byte 143: a comma without a value before it [0]",
			"144 #3 3",
			"215 #0 ! byte 215: a comma without a value after it [0]",
		}},
		{"bad line", thing(1) + "\nnonsense {\n" + thing(3), []string{
			"0 #1 1", "71 #2 ! byte 71, object 2: want an object, got a line that begins with 'n' [10]", "82 #3 3",
		}},
		{"brackets do not match", bundleOf(thing(1), `{"type":"x","a":[1}`, thing(3)), []string{
			"79 #1 1", "150 #2 ! byte 168, object 2: the brackets do not match: got '}'" + setAside + " [92]",
		}},
		{"bracket too many", thing(1) + "}" + thing(2), []string{
			"0 #1 1", "70 #0 ! byte 70: the brackets do not match: got '}' after the end of a value" + setAside + " [71]",
		}},
		{"bracket between elements", "[" + thing(1) + "}," + thing(2) + "]", []string{
			"1 #1 1", "71 #0 ! byte 71: the brackets do not match: got '}' between the elements of a list" + setAside + " [73]",
		}},
		{"cut inside an object", bundleOf(thing(1), `{"type":"x`) + "", []string{
			"79 #1 1", "150 #2 ! byte 162, object 2: the file ends inside an object [12]",
		}},
		{"cut between objects", bundleOf(things(2)...)[:149], []string{"79 #1 1", "149 #0 ! byte 149: the file ends inside a bundle, after 1 of its objects [0]"}},
		{"cut after the objects", bundleOf(thing(1))[:150], []string{"79 #1 1", "150 #0 ! byte 150: the file ends inside an object [0]"}},
		{"cut in an array", "[" + thing(1), []string{"1 #1 1", "71 #0 ! byte 71: the file ends inside an array [0]"}},
	}
}

// brokenFrame breaks around it.
func brokenFrame() []readerCase {
	return []readerCase{
		{"two lists in a bundle", bundleOf(thing(1))[:150] + `,"objects":[` + thing(2) + "]}", []string{
			"79 #1 1", `0 #0 ! byte 0: around the objects of a bundle: the name "objects" appears twice in one object [166]`,
		}},
		{"type after the list", `{"objects":[` + thing(1) + `],"type":"x-box"}`, []string{
			"12 #1 1", `0 #0 ! byte 0: around the objects of a bundle: an object of type "x-box" was read as a bundle, since its type comes after its list "objects" [31]`,
		}},
		{"bundle without objects", `{"type":"bundle","id":"bundle--1"}`, []string{`0 #1 ! byte 0, object 1: the bundle has no "objects" [34]`}},
		{"objects is no list", `{"type":"bundle","id":"bundle--1","objects":{}}`, []string{`0 #1 ! byte 45, object 1: "objects" of the bundle is an object, want an array [47]`}},
		{"bundle in a bundle", bundleOf(bundleOf(thing(1)), thing(2)), []string{"79 #1 ! byte 79, object 1: a bundle inside a bundle [151]", "231 #2 2"}},
		{"name of the list in escapes", `{"type":"bundle","id":"b","object\u0073":[` + thing(1) + `]}`, []string{
			`0 #1 ! byte 0, object 1: the name "objects" of the bundle is written with escapes [114]`,
		}},
	}
}

// otherFiles are no JSON, or JSON in another encoding.
func otherFiles() []readerCase {
	utf16 := func(s string, order ...byte) string {
		var b strings.Builder
		for _, ch := range []byte(s) {
			b.WriteByte(order[0] * ch)
			b.WriteByte(order[1] * ch)
		}
		return b.String()
	}
	return []readerCase{
		{"empty file", "", []string{"0 #0 ! byte 0: the file is empty [0]"}},
		{"white space", " \n", []string{"0 #0 ! byte 0: the file holds nothing but white space [2]"}},
		{"text", "value,type\n192.0.2.1,ip\n", []string{"0 #0 ! byte 0: the file begins with 'v', want { or [" + setAside + " [24]"}},
		{"XML", "<stix:STIX_Package/>", []string{"0 #0 ! byte 0: the file begins with '<', want { or [" + setAside + " [20]"}},
		{"byte order mark", "\xef\xbb\xbf" + thing(1), []string{
			"0 #0 ! byte 0: the file begins with a byte order mark, which JSON does not allow; the rest was read [3]", "3 #1 1",
		}},
		{"UTF-16 with mark", "\xff\xfe" + utf16("{}", 1, 0), []string{"0 #0 ! byte 0: the file is written in UTF-16, want UTF-8" + setAside + " [6]"}},
		{"UTF-16, big", utf16("{}", 0, 1), []string{"0 #0 ! byte 0: the file is written in UTF-16, want UTF-8" + setAside + " [4]"}},
		{"UTF-16, little", utf16("[]", 1, 0), []string{"0 #0 ! byte 0: the file is written in UTF-16, want UTF-8" + setAside + " [4]"}},
		{"UTF-32", "\xff\xfe\x00\x00[\x00\x00\x00", []string{"0 #0 ! byte 0: the file is written in UTF-32, want UTF-8" + setAside + " [8]"}},
		{"Latin-1", bundleOf("{\"type\":\"x\",\"id\":\"y\",\"name\":\"caf\xe9\"}", thing(2)), []string{
			"79 #1 ! byte 111, object 1: the byte 0xE9 is not UTF-8 [35]", "115 #2 2",
		}},
	}
}

func TestReader(t *testing.T) {
	t.Parallel()
	for _, tc := range slices.Concat(soundInput(), brokenInput(), brokenFrame(), otherFiles()) {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := readAll(t, NewReader(strings.NewReader(tc.in), "in.json", Limits{}))
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("items (-want +got):\n%s", diff)
			}
			got = readAll(t, NewReader(iotest.OneByteReader(strings.NewReader(tc.in)), "in.json", Limits{}))
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("items, byte by byte (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReaderDepth(t *testing.T) {
	t.Parallel()
	deep := `{"type":"x","id":"y","a":` + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + "}"
	got := readAll(t, NewReader(strings.NewReader(bundleOf(deep, thing(2))), "in.json", Limits{}))
	want := []string{"79 #1 ! byte 167, object 1: nested more than 64 deep [20026]", "20106 #2 2"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
}

func TestReaderSizes(t *testing.T) {
	t.Parallel()
	lim := Limits{ObjectBytes: 200_000}
	for _, tc := range []struct {
		name, in string
		want     []string
	}{
		{
			"too large", bundleOf(thing(1), `{"type":"x","id":"y","a":"`+strings.Repeat("]", 3_000_000)+`"}`, thing(3)),
			[]string{"79 #1 1", "150 #2 ! byte 150, object 2: an object of 3000028 bytes, more than 200000 [3000028]", "3000179 #3 3"},
		},
		{
			"too large and cut", bundleOf(thing(1), `{"type":"x","id":"y","a":["`+strings.Repeat("x", 3_000_000)),
			[]string{"79 #1 1", "150 #2 ! byte 3000179, object 2: the file ends inside an object [3000029]"},
		},
		{
			"too large and broken", bundleOf(`{"type":"x","id":"y","a":["`+strings.Repeat("x", 3_000_000)+`"}`, thing(2)),
			[]string{"79 #1 ! byte 3000107, object 1: the brackets do not match: got '}'; all from there to the end of the file is set aside [3000102]"},
		},
		{
			"long line", thing(1) + "\n" + strings.Repeat("x", 3_000_000) + "\n" + thing(2),
			[]string{"0 #1 1", "71 #2 ! byte 71, object 2: want an object, got a line that begins with 'x' [3000000]", "3000072 #3 2"},
		},
		{
			"long rest", thing(1) + "]" + strings.Repeat("x", 3_000_000),
			[]string{"0 #1 1", "70 #0 ! byte 70: the brackets do not match: got ']' after the end of a value; all from there to the end of the file is set aside [3000001]"},
		},
		{
			"many blocks", strings.Repeat(thing(7)+"\n", 40_000)[:40_000*71-1],
			nil,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := readAll(t, NewReader(strings.NewReader(tc.in), "in.json", lim))
			if tc.want == nil {
				for i := range 40_000 {
					tc.want = append(tc.want, fmt.Sprintf("%d #%d 7", i*71, i+1))
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("items (-want +got):\n%s", diff)
			}
		})
	}
}

// What was returned must not change when more is read.
func TestReaderKeepsObjects(t *testing.T) {
	t.Parallel()
	var in bytes.Buffer
	var want []string
	for i := range 30_000 {
		s := thing(i)
		if i%1000 == 999 {
			s = `{"type":"x","id":"y","a":"` + strings.Repeat("z", 300_000) + `"}` // over the limit
		} else {
			want = append(want, s)
		}
		in.WriteString(s + "\n")
	}
	r := NewReader(&in, "in.json", Limits{ObjectBytes: 100_000})
	var objects []*Object
	for {
		item, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if item.Object != nil {
			objects = append(objects, item.Object)
		}
	}
	var got []string
	for _, o := range objects {
		got = append(got, string(o.Raw()))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("objects changed (-want +got):\n%s", diff)
	}
}

func TestReaderManyEmptyObjects(t *testing.T) {
	var before, after runtime.MemStats
	empty := 4 << 20 // 12 MiB
	if testing.Short() {
		empty >>= 4
	}
	in := "[" + strings.Repeat("{},", empty) + thing(1) + "]"
	runtime.GC()
	runtime.ReadMemStats(&before)
	r := NewReader(strings.NewReader(in), "in.json", Limits{})
	var n, objects int
	var first, last Item
	for {
		item, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if n++; n == 1 {
			first = item
		}
		if item.Object != nil {
			objects++
			runtime.GC()
			runtime.ReadMemStats(&after)
		}
		last = item
	}
	if got, want := first.Problem.Error(), `stix: byte 1, object 1: the object has no "type"`; got != want {
		t.Errorf("first = %s, want %s", got, want)
	}
	want := fmt.Sprintf(`stix: byte 30001, object 10001: %d more pieces could not be read, after the first 10000; the first of them: the object has no "type"`, empty-10_000)
	if got := last.Problem.Error(); got != want {
		t.Errorf("last = %s, want %s", got, want)
	}
	if n != DefaultProblems+2 || objects != 1 {
		t.Errorf("got %d items, %d objects, want %d and 1", n, objects, DefaultProblems+2)
	}
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 8<<20 {
		t.Errorf("the heap has grown by %d bytes", grown)
	}
}

func TestReaderErrors(t *testing.T) {
	t.Parallel()
	disk := errors.New("disk on fire")
	for _, tc := range []struct {
		name, in string
		want     []string
	}{
		{"between objects", thing(1) + "\n", []string{"0 #1 1", "error stix: in.json: disk on fire"}},
		{"inside an object", thing(1) + "\n{", []string{
			"0 #1 1", "71 #2 ! byte 72, object 2: reading stopped inside an object: disk on fire [1]", "error stix: in.json: disk on fire",
		}},
		{"at once", "", []string{"error stix: in.json: disk on fire"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			in := io.MultiReader(strings.NewReader(tc.in), iotest.ErrReader(disk))
			if diff := cmp.Diff(tc.want, readAll(t, NewReader(in, "in.json", Limits{}))); diff != "" {
				t.Errorf("items (-want +got):\n%s", diff)
			}
		})
	}
}
