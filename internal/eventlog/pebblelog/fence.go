package pebblelog

import (
	"errors"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// fence stands between Pebble and the file system, because Pebble answers a
// failed write of its write-ahead log or manifest by ending the process. Behind
// the fence such a failure is noted and hidden: from then on nothing is written
// any more, Pebble believes that all is well, and whoever waits for a commit
// must ask failure before he believes it. The only way on is to close this
// Pebble and to open another one, with a new fence, on what the disk holds.
//
// Table files are different: Pebble repeats a flush or compaction that failed,
// so their errors pass, slowed down so that a full disk costs no processor. But
// not while the store is being opened, because Pebble's Open would wait for the
// flush of what it replays for ever.
type fence struct {
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

var errFenced = errors.New("pebblelog: store is being reopened after a failed write")

func newFence(fs vfs.FS) *fence { return &fence{FS: fs, closing: make(chan struct{})} }

// failure returns the failure after which nothing was written any more, or nil.
func (f *fence) failure() error {
	if p := f.first.Load(); p != nil {
		return *p
	}
	return nil
}

func (f *fence) dead() bool { return f.first.Load() != nil }

// hide notes err, if it is one, and lets the caller go on as if it were none.
func (f *fence) hide(err error) {
	if err != nil {
		f.first.CompareAndSwap(nil, &err)
	}
}

// release lets waiting table files fail at once; the store is being closed.
func (f *fence) release() { f.once.Do(func() { close(f.closing) }) }

func isTable(name string) bool { return strings.HasSuffix(name, ".sst") }

// Create implements [vfs.FS].
func (f *fence) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if isTable(name) && f.opened.Load() {
		return f.createTable(name, category)
	}
	if f.dead() {
		return blackHole{}, nil
	}
	file, err := f.FS.Create(name, category)
	if err != nil {
		f.hide(err)
		return blackHole{}, nil
	}
	return &fencedFile{File: file, fence: f, table: isTable(name)}, nil
}

func (f *fence) createTable(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if n := f.retries.Load(); n > 0 {
		wait := time.NewTimer(min(minRetryWait<<min(n, 10), maxRetryWait))
		defer wait.Stop()
		select {
		case <-wait.C:
		case <-f.closing:
			return nil, errFenced
		}
	}
	if f.dead() {
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
func (f *fence) ReuseForWrite(oldname, newname string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if err := f.Remove(oldname); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	return f.Create(newname, category)
}

// OpenDir implements [vfs.FS].
func (f *fence) OpenDir(name string) (vfs.File, error) {
	dir, err := f.FS.OpenDir(name)
	if err != nil {
		return nil, err
	}
	return &fencedFile{File: dir, fence: f}, nil
}

// OpenReadWrite implements [vfs.FS].
func (f *fence) OpenReadWrite(name string, category vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	file, err := f.FS.OpenReadWrite(name, category, opts...)
	if err != nil {
		return nil, err
	}
	return &fencedFile{File: file, fence: f}, nil
}

// Link implements [vfs.FS].
func (f *fence) Link(oldname, newname string) error {
	if !f.dead() {
		f.hide(f.FS.Link(oldname, newname))
	}
	return nil
}

// Rename implements [vfs.FS].
func (f *fence) Rename(oldname, newname string) error {
	if !f.dead() {
		f.hide(f.FS.Rename(oldname, newname))
	}
	return nil
}

// Remove implements [vfs.FS].
func (f *fence) Remove(name string) error {
	if f.dead() {
		return nil
	}
	return f.FS.Remove(name)
}

// RemoveAll implements [vfs.FS].
func (f *fence) RemoveAll(name string) error {
	if f.dead() {
		return nil
	}
	return f.FS.RemoveAll(name)
}

// Unwrap implements [vfs.FS].
func (f *fence) Unwrap() vfs.FS { return f.FS }

// fencedFile is a file or directory that is written through the fence.
type fencedFile struct {
	vfs.File
	fence *fence
	table bool
}

// passes reports whether errors of the file are told.
func (f *fencedFile) passes() bool { return f.table && f.fence.opened.Load() }

// write does one writing step, as the fence rules.
func (f *fencedFile) write(step func() error) error {
	if f.fence.dead() {
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
	return full || f.fence.dead(), err
}

// Close implements [vfs.File].
func (f *fencedFile) Close() error {
	err := f.File.Close()
	if f.fence.dead() {
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
