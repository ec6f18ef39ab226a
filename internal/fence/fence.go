// Package fence stands between Pebble and the file system.
//
// Pebble answers a failed write of its write-ahead log or manifest by ending
// the process. Behind the fence such a failure is noted and hidden: from then
// on nothing is written any more, Pebble believes that all is well, and whoever
// commits or flushes must ask [FS.Failure] before he believes it. The only way
// on is to close this Pebble and to open another one, with a new fence, on what
// the disk holds.
//
// Table files are different: Pebble repeats a flush or compaction that failed,
// so their errors pass, slowed down so that a full disk costs no processor. But
// not before [FS.Opened], because Pebble's Open would wait for the flush of what
// it replays for ever.
//
// On reading, the fence looks at the checksum of each block of a table before
// Pebble does: of one that does not match, Pebble would try which flipped bit
// explains it, for seconds, each time that it is read.
package fence

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// FS is the file system for one opening of one Pebble. Make one with [New].
type FS struct {
	vfs.FS
	first   atomic.Pointer[error] // the first hidden failure
	retries atomic.Int64          // table files that failed in a row
	opened  atomic.Bool           // Open has returned
	closing chan struct{}
	once    sync.Once
}

// Waits before a table file is tried again.
const (
	minRetryWait = 10 * time.Millisecond
	maxRetryWait = time.Second
)

var errFenced = errors.New("fence: store is being reopened after a failed write")

// New returns a fence before fs.
func New(fs vfs.FS) *FS { return &FS{FS: fs, closing: make(chan struct{})} }

// Opened tells that Pebble's Open has returned.
func (f *FS) Opened() { f.opened.Store(true) }

// Failure returns the failure after which nothing was written any more, or nil.
func (f *FS) Failure() error {
	if p := f.first.Load(); p != nil {
		return *p
	}
	return nil
}

// Dead reports whether there was a failure after which nothing was written.
func (f *FS) Dead() bool { return f.first.Load() != nil }

// hide notes err, if it is one, and lets the caller go on as if it were none.
func (f *FS) hide(err error) {
	if err != nil {
		f.first.CompareAndSwap(nil, &err)
	}
}

// Release lets waiting table files fail at once: the store is being closed.
func (f *FS) Release() { f.once.Do(func() { close(f.closing) }) }

func isTable(name string) bool { return strings.HasSuffix(name, ".sst") }

// Create implements [vfs.FS].
func (f *FS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if isTable(name) && f.opened.Load() {
		return f.createTable(name, category)
	}
	if f.Dead() {
		return blackHole{}, nil
	}
	file, err := f.FS.Create(name, category)
	if err != nil {
		f.hide(err)
		return blackHole{}, nil
	}
	return &fencedFile{File: file, fence: f, table: isTable(name)}, nil
}

func (f *FS) createTable(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if n := f.retries.Load(); n > 0 {
		wait := time.NewTimer(min(minRetryWait<<min(n, 10), maxRetryWait))
		defer wait.Stop()
		select {
		case <-wait.C:
		case <-f.closing:
			return nil, errFenced
		}
	}
	if f.Dead() {
		f.retries.Add(1)
		return nil, errFenced
	}
	file, err := f.FS.Create(name, category)
	if err != nil {
		f.retries.Add(1)
		return nil, err
	}
	return &fencedFile{File: file, fence: f, table: true}, nil
}

// ReuseForWrite implements [vfs.FS]. It never reuses: old bytes must vanish.
func (f *FS) ReuseForWrite(oldname, newname string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if err := f.Remove(oldname); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	return f.Create(newname, category)
}

// OpenDir implements [vfs.FS].
func (f *FS) OpenDir(name string) (vfs.File, error) {
	dir, err := f.FS.OpenDir(name)
	if err != nil {
		return nil, err
	}
	return &fencedFile{File: dir, fence: f}, nil
}

// OpenReadWrite implements [vfs.FS].
func (f *FS) OpenReadWrite(name string, category vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	file, err := f.FS.OpenReadWrite(name, category, opts...)
	if err != nil {
		return nil, err
	}
	return &fencedFile{File: file, fence: f}, nil
}

// Open implements [vfs.FS].
func (f *FS) Open(name string, opts ...vfs.OpenOption) (vfs.File, error) {
	file, err := f.FS.Open(name, opts...)
	if err != nil || !isTable(name) {
		return file, err
	}
	st, err := file.Stat()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &table{File: file, name: filepath.Base(name), size: st.Size()}, nil
}

// Link implements [vfs.FS].
func (f *FS) Link(oldname, newname string) error {
	if !f.Dead() {
		f.hide(f.FS.Link(oldname, newname))
	}
	return nil
}

// Rename implements [vfs.FS].
func (f *FS) Rename(oldname, newname string) error {
	if !f.Dead() {
		f.hide(f.FS.Rename(oldname, newname))
	}
	return nil
}

// Remove implements [vfs.FS].
func (f *FS) Remove(name string) error {
	if f.Dead() {
		return nil
	}
	return f.FS.Remove(name)
}

// RemoveAll implements [vfs.FS].
func (f *FS) RemoveAll(name string) error {
	if f.Dead() {
		return nil
	}
	return f.FS.RemoveAll(name)
}

// Unwrap implements [vfs.FS].
func (f *FS) Unwrap() vfs.FS { return f.FS }

// fencedFile is a file or directory that is written through the fence.
type fencedFile struct {
	vfs.File
	fence *FS
	table bool
}

// passes reports whether errors of the file are told.
func (f *fencedFile) passes() bool { return f.table && f.fence.opened.Load() }

// write does one writing step, as the fence rules.
func (f *fencedFile) write(step func() error) error {
	if f.fence.Dead() {
		if f.passes() {
			return errFenced
		}
		return nil
	}
	err := step()
	if f.passes() {
		if err != nil {
			f.fence.retries.Add(1)
		}
		return err
	}
	f.fence.hide(err)
	return nil
}

// Write implements [vfs.File].
func (f *fencedFile) Write(p []byte) (int, error) {
	if err := f.write(func() error { _, err := f.File.Write(p); return err }); err != nil {
		return 0, err
	}
	return len(p), nil
}

// WriteAt implements [vfs.File].
func (f *fencedFile) WriteAt(p []byte, off int64) (int, error) {
	if err := f.write(func() error { _, err := f.File.WriteAt(p, off); return err }); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Preallocate implements [vfs.File].
func (f *fencedFile) Preallocate(off, length int64) error {
	return f.write(func() error { return f.File.Preallocate(off, length) })
}

// Sync implements [vfs.File].
func (f *fencedFile) Sync() error {
	return f.write(func() error {
		err := f.File.Sync()
		if err == nil && f.table {
			f.fence.retries.Store(0)
		}
		return err
	})
}

// SyncData implements [vfs.File].
func (f *fencedFile) SyncData() error { return f.write(f.File.SyncData) }

// SyncTo implements [vfs.File].
func (f *fencedFile) SyncTo(length int64) (full bool, err error) {
	err = f.write(func() error { full, err = f.File.SyncTo(length); return err })
	return full || f.fence.Dead(), err
}

// Close implements [vfs.File].
func (f *fencedFile) Close() error {
	err := f.File.Close()
	if f.fence.Dead() {
		return nil
	}
	if f.passes() {
		return err
	}
	f.fence.hide(err)
	return nil
}

// blackHole is what Pebble writes to in place of a file that could not be made.
type blackHole struct{}

func (blackHole) Close() error                           { return nil }
func (blackHole) Read([]byte) (int, error)               { return 0, errFenced }
func (blackHole) ReadAt([]byte, int64) (int, error)      { return 0, errFenced }
func (blackHole) Write(p []byte) (int, error)            { return len(p), nil }
func (blackHole) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }
func (blackHole) Preallocate(int64, int64) error         { return nil }
func (blackHole) Stat() (vfs.FileInfo, error)            { return nil, errFenced }
func (blackHole) Sync() error                            { return nil }
func (blackHole) SyncTo(int64) (bool, error)             { return true, nil }
func (blackHole) SyncData() error                        { return nil }
func (blackHole) Prefetch(int64, int64) error            { return nil }
func (blackHole) Fd() uintptr                            { return vfs.InvalidFd }

// table is a table file that is read. Pebble reads it by whole blocks, each with
// its kind (1 byte) and a masked CRC-32C over both (4, little-endian) at its
// end, and the footer, which alone reaches to the end of the file.
type table struct {
	vfs.File
	name string
	size int64
}

const checksumBytes = 4

// ReadAt implements [vfs.File].
func (t *table) ReadAt(p []byte, off int64) (int, error) {
	n, err := t.File.ReadAt(p, off)
	if err != nil || off+int64(n) >= t.size || n <= checksumBytes {
		return n, err
	}
	body, sum := p[:n-checksumBytes], binary.LittleEndian.Uint32(p[n-checksumBytes:n])
	if Checksum(body) != sum {
		return 0, fmt.Errorf("%s: the block at byte %d, of %d bytes, does not match its checksum: %w", t.name, off, n, pebble.ErrCorruption)
	}
	return n, nil
}

// Checksum returns the masked CRC-32C by which Pebble's files are checked.
func Checksum(b []byte) uint32 {
	crc := crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))
	return (crc>>15 | crc<<17) + 0xa282ead8
}
