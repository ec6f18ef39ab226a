package misp

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sort"
	"strings"
)

// Feed is a feed directory: manifest.json names the events, each of which is a
// file named by its UUID, and hashes.csv says which event holds which value.
//
// Source: misp-core §3 (feed format).
type Feed struct {
	fsys   fs.FS
	lim    Limits
	events []*Event
}

// OpenFeed reads fsys's manifest. An error wraps [fs.ErrNotExist] when there is
// none.
func OpenFeed(fsys fs.FS, lim Limits) (*Feed, error) {
	f, err := fsys.Open("manifest.json")
	if err != nil {
		return nil, fmt.Errorf("misp: feed: %w", err)
	}
	defer f.Close()
	feed := &Feed{fsys: fsys, lim: lim}
	r := NewReader(f, lim)
	for {
		ev, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		// A manifest without entries is a feed without events.
		if e, ok := errors.AsType[*Error](err); ok && e.Reason == reasonNoEvents {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("misp: feed: manifest.json: %w", err)
		}
		if !isUUID(string(ev.UUID)) {
			return nil, fmt.Errorf("misp: feed: manifest.json: %w", &Error{
				Offset: ev.Offset, Reason: "an entry is not named by a UUID", Remedy: "give a manifest as MISP's feed generator writes it",
			})
		}
		feed.events = append(feed.events, ev)
	}
	sort.Slice(feed.events, func(i, j int) bool { return feed.events[i].UUID < feed.events[j].UUID })
	return feed, nil
}

// Entries returns what the manifest says of each event, by UUID.
func (f *Feed) Entries() []*Event { return f.events }

// Event reads one event of the feed.
func (f *Feed) Event(uuid string) (*Event, error) {
	if !isUUID(uuid) {
		return nil, fmt.Errorf("misp: feed: event %s: %w", quote(uuid), fs.ErrNotExist)
	}
	file, err := f.fsys.Open(uuid + ".json")
	if err != nil {
		return nil, fmt.Errorf("misp: feed: %w", err)
	}
	defer file.Close()
	r := NewReader(file, f.lim)
	ev, err := r.Next()
	if err == nil {
		_, err = r.Next()
	}
	if !errors.Is(err, io.EOF) {
		if err == nil {
			err = errors.New("more than one event in the file")
		}
		return nil, fmt.Errorf("misp: feed: %s.json: %w", uuid, err)
	}
	if !strings.EqualFold(string(ev.UUID), uuid) {
		return nil, fmt.Errorf("misp: feed: %s.json: the event's UUID is %s", uuid, quote(string(ev.UUID)))
	}
	return ev, nil
}

// Hashes gives each line of hashes.csv to yield, until yield returns false: the
// MD5 of a value and the UUID of an event that holds it. A feed without the file
// has no hashes.
func (f *Feed) Hashes(yield func(md5, uuid string) bool) error {
	file, err := f.fsys.Open("hashes.csv")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("misp: feed: %w", err)
	}
	defer file.Close()
	sc := bufio.NewScanner(file)
	for line := 1; sc.Scan(); line++ {
		text := strings.TrimSpace(sc.Text())
		if text == "" {
			continue
		}
		sum, uuid, ok := strings.Cut(text, ",")
		if !ok || len(sum) != 32 || strings.Trim(sum, "0123456789abcdef") != "" || !isUUID(uuid) {
			return fmt.Errorf("misp: feed: hashes.csv: line %d: want an MD5, a comma and a UUID", line)
		}
		if !yield(sum, uuid) {
			return nil
		}
	}
	if err := sc.Err(); err != nil {
		return fmt.Errorf("misp: feed: hashes.csv: %w", err)
	}
	return nil
}
