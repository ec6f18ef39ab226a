package pebblelog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"casus/internal/eventlog"
	"casus/internal/fault"
	"casus/internal/fence"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Pebble takes the first bad chunk of its last write-ahead log for the place
// where a crash cut it short, and looks for signs that it is not only from the
// next 32 KiB block on. A flipped byte could so cost acknowledged entries
// without a word. checkLogs looks closer: every chunk says up to where the log
// was synced when it was written, so a bad chunk before that place is damage.
// Only the chunks written after the last sync but one stay without a witness.

// The form of a write-ahead log: blocks of 32 KiB filled with chunks, each
// CRC-32C masked (4 bytes), length (2), type (1), log number (4), synced offset
// (8), data; little-endian. The CRC is over all from the type on.
const (
	walBlockBytes  = 32 << 10
	walHeaderBytes = 19
	walFirstType   = 9
	walLastType    = 12
)

// A manifest has the same blocks; its chunks have a shorter header: CRC-32C
// masked (4 bytes), length (2), type (1). Pebble takes the first bad chunk for
// the end of it, forgets the tables that are named after, and deletes them.
const (
	manifestHeaderBytes = 7
	manifestFirstType   = 1
	manifestLastType    = 4
)

// checkManifest returns an Internal error when the manifest that holds is
// damaged before its last chunk.
func (l *Log) checkManifest() error {
	desc, err := pebble.Peek(l.dir, l.opts.FS)
	if err != nil || !desc.Exists {
		return nil // Open tells
	}
	b, err := readAll(l.opts.FS, desc.ManifestFilename)
	if errors.Is(err, os.ErrNotExist) {
		return nil // Open tells
	}
	if err != nil {
		return unavailable("open "+desc.ManifestFilename, err)
	}
	if at, ok := manifestDamagedAt(b); ok {
		return brokenLog("open "+l.dir, fmt.Errorf("%s at byte %d: what is named after it would be lost", filepath.Base(desc.ManifestFilename), at))
	}
	return nil
}

// manifestDamagedAt returns where a manifest has a bad chunk before a good one.
func manifestDamagedAt(b []byte) (int, bool) {
	end := 0
	for end < len(b) {
		blockEnd := min(len(b), end-end%walBlockBytes+walBlockBytes)
		if blockEnd-end < manifestHeaderBytes {
			end = blockEnd // too short for a chunk: filled with zeros
			continue
		}
		size, ok := manifestChunk(b[end:blockEnd])
		if !ok {
			break
		}
		end += size
	}
	for at := end + 1; at+manifestHeaderBytes <= len(b); at++ {
		if _, ok := manifestChunk(b[at:min(len(b), at-at%walBlockBytes+walBlockBytes)]); ok {
			return end, true
		}
	}
	return 0, false
}

// manifestChunk returns the size of the chunk that b begins with.
func manifestChunk(b []byte) (size int, ok bool) {
	if len(b) < manifestHeaderBytes || b[6] < manifestFirstType || b[6] > manifestLastType {
		return 0, false
	}
	size = manifestHeaderBytes + int(binary.LittleEndian.Uint16(b[4:]))
	if size > len(b) || size == manifestHeaderBytes {
		return 0, false
	}
	return size, fence.Checksum(b[6:size]) == binary.LittleEndian.Uint32(b)
}

// checkLogs returns an Internal error when a write-ahead log is damaged before
// the place up to which it was synced.
func (l *Log) checkLogs() error {
	names, err := l.files(".log")
	if err != nil {
		return unavailable("open "+l.dir, err)
	}
	slices.Sort(names)
	for _, name := range names {
		num, err := strconv.ParseUint(strings.TrimSuffix(filepath.Base(name), ".log"), 10, 32)
		if err != nil {
			continue // not a file of Pebble's
		}
		b, err := readAll(l.opts.FS, l.opts.FS.PathJoin(l.dir, name))
		if err != nil {
			return unavailable("open "+name, err)
		}
		if at, ok := damagedAt(b, uint32(num)); ok {
			return fault.WithHint(fault.Errorf(fault.Internal, "pebblelog: open %s: write-ahead log %s is %w at byte %d, which was synced", l.dir, name, eventlog.ErrDamaged, at),
				"the entries last acknowledged cannot be read; keep a copy of the directory as it is, then restore it from a backup")
		}
	}
	return nil
}

func readAll(fs vfs.FS, name string) ([]byte, error) {
	f, err := fs.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// damagedAt returns where b, the write-ahead log num, is damaged though it was
// synced there.
func damagedAt(b []byte, num uint32) (int, bool) {
	end := 0
	for end < len(b) {
		blockEnd := min(len(b), end-end%walBlockBytes+walBlockBytes)
		if blockEnd-end < walHeaderBytes {
			end = blockEnd // too short for a chunk: filled with zeros
			continue
		}
		size, _, ok := walChunk(b[end:blockEnd], num)
		if !ok {
			break
		}
		end += size
	}
	for at := end + 1; at+walHeaderBytes <= len(b); at++ {
		blockEnd := min(len(b), at-at%walBlockBytes+walBlockBytes)
		if _, synced, ok := walChunk(b[at:blockEnd], num); ok && synced > uint64(end) {
			return end, true
		}
	}
	return 0, false
}

// walChunk returns the size of the chunk that b begins with, and the synced
// offset that it tells.
func walChunk(b []byte, num uint32) (size int, synced uint64, ok bool) {
	if len(b) < walHeaderBytes || b[6] < walFirstType || b[6] > walLastType || binary.LittleEndian.Uint32(b[7:]) != num {
		return 0, 0, false
	}
	size = walHeaderBytes + int(binary.LittleEndian.Uint16(b[4:]))
	if size > len(b) {
		return 0, 0, false
	}
	if fence.Checksum(b[6:size]) != binary.LittleEndian.Uint32(b) {
		return 0, 0, false
	}
	return size, binary.LittleEndian.Uint64(b[11:]), true
}
