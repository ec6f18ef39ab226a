package node

import (
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"casus/internal/fault"
)

// softFS stands between the views' Pebble and the file system, because Pebble
// ends the process when it cannot write its manifest. A failed write is noted
// and hidden; from then on nothing is written any more, and whoever commits or
// flushes must check. The way on is to open the views again on what the disk
// holds: they are derived, and what is missing is read from the log.
type softFS struct {
	vfs.FS
	first atomic.Pointer[error]
}

var errSoft = errors.New("node: views are being opened again after a failed write")

// retryWait slows down what Pebble tries again and again on a full disk.
const retryWait = 20 * time.Millisecond

func (s *softFS) failure() error {
	if p := s.first.Load(); p != nil {
		return *p
	}
	return nil
}

// check returns err, or why what seemed to be written was not.
func (s *softFS) check(err error) error {
	failed := s.failure()
	if failed == nil {
		return err
	}
	return fault.WithHint(fault.Errorf(fault.Unavailable, "node: views: %w", failed), "look whether the disk is full or failing, then try again")
}

// note remembers a failure and says what Pebble is told: nothing, but of
// tables, whose failures it bears.
func (s *softFS) note(name string, err error) error {
	if err == nil {
		return nil
	}
	s.first.CompareAndSwap(nil, &err)
	if strings.HasSuffix(name, ".sst") {
		return err
	}
	return nil
}

// Create implements vfs.FS.
func (s *softFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if s.failure() != nil {
		if strings.HasSuffix(name, ".sst") {
			<-time.After(retryWait)
			return nil, errSoft
		}
		return nowhere{}, nil
	}
	f, err := s.FS.Create(name, c)
	if err != nil {
		if err := s.note(name, err); err != nil {
			return nil, err
		}
		return nowhere{}, nil
	}
	return &softFile{File: f, fs: s, name: name}, nil
}

// ReuseForWrite implements vfs.FS.
func (s *softFS) ReuseForWrite(oldname, newname string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := s.FS.Remove(oldname); err != nil {
		return nil, err
	}
	return s.Create(newname, c)
}

// OpenDir implements vfs.FS.
func (s *softFS) OpenDir(name string) (vfs.File, error) {
	f, err := s.FS.OpenDir(name)
	if err != nil {
		return nil, err
	}
	return &softFile{File: f, fs: s, name: name}, nil
}

// OpenReadWrite implements vfs.FS.
func (s *softFS) OpenReadWrite(name string, c vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	f, err := s.FS.OpenReadWrite(name, c, opts...)
	if err != nil {
		return nil, err
	}
	return &softFile{File: f, fs: s, name: name}, nil
}

// Link implements vfs.FS.
func (s *softFS) Link(oldname, newname string) error {
	return s.step(newname, func() error { return s.FS.Link(oldname, newname) })
}

// Rename implements vfs.FS.
func (s *softFS) Rename(oldname, newname string) error {
	return s.step(newname, func() error { return s.FS.Rename(oldname, newname) })
}

// Remove implements vfs.FS.
func (s *softFS) Remove(name string) error {
	if s.failure() != nil {
		return nil
	}
	return s.FS.Remove(name)
}

// Unwrap implements vfs.FS.
func (s *softFS) Unwrap() vfs.FS { return s.FS }

// step does one writing step of a file, unless one failed before.
func (s *softFS) step(name string, do func() error) error {
	if s.failure() != nil {
		if strings.HasSuffix(name, ".sst") {
			return errSoft
		}
		return nil
	}
	return s.note(name, do())
}

type softFile struct {
	vfs.File
	fs   *softFS
	name string
}

// Write implements vfs.File.
func (f *softFile) Write(p []byte) (int, error) {
	if err := f.fs.step(f.name, func() error { _, err := f.File.Write(p); return err }); err != nil {
		return 0, err
	}
	return len(p), nil
}

// WriteAt implements vfs.File.
func (f *softFile) WriteAt(p []byte, off int64) (int, error) {
	if err := f.fs.step(f.name, func() error { _, err := f.File.WriteAt(p, off); return err }); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Preallocate implements vfs.File.
func (f *softFile) Preallocate(off, length int64) error {
	return f.fs.step(f.name, func() error { return f.File.Preallocate(off, length) })
}

// Sync implements vfs.File.
func (f *softFile) Sync() error { return f.fs.step(f.name, f.File.Sync) }

// SyncData implements vfs.File.
func (f *softFile) SyncData() error { return f.fs.step(f.name, f.File.SyncData) }

// SyncTo implements vfs.File.
func (f *softFile) SyncTo(length int64) (full bool, err error) {
	full = true
	err = f.fs.step(f.name, func() error { full, err = f.File.SyncTo(length); return err })
	return full, err
}

// Close implements vfs.File.
func (f *softFile) Close() error {
	err := f.File.Close()
	if f.fs.failure() != nil {
		return nil
	}
	return f.fs.note(f.name, err)
}

// nowhere is what is written to in place of a file that could not be made.
type nowhere struct{}

func (nowhere) Close() error                           { return nil }
func (nowhere) Read([]byte) (int, error)               { return 0, errSoft }
func (nowhere) ReadAt([]byte, int64) (int, error)      { return 0, errSoft }
func (nowhere) Write(p []byte) (int, error)            { return len(p), nil }
func (nowhere) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }
func (nowhere) Preallocate(int64, int64) error         { return nil }
func (nowhere) Stat() (vfs.FileInfo, error)            { return nil, errSoft }
func (nowhere) Sync() error                            { return nil }
func (nowhere) SyncTo(int64) (bool, error)             { return true, nil }
func (nowhere) SyncData() error                        { return nil }
func (nowhere) Prefetch(int64, int64) error            { return nil }
func (nowhere) Fd() uintptr                            { return vfs.InvalidFd }
