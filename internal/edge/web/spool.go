package web

import (
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"

	"casus/internal/fault"
)

// spool keeps the files of a form until all of it is read, one behind another
// in one temporary file, made when the first of them comes.
type spool struct {
	dir  string
	file *os.File
	size int64
	gone bool // the file has no name any more
}

// spooled is where in a spool a file is.
type spooled struct {
	name        string
	start, size int64
}

// add copies r to the end of s.
func (s *spool) add(name string, r io.Reader) (spooled, error) {
	one := spooled{name: name, start: s.size}
	if s.file == nil {
		f, err := os.CreateTemp(s.dir, "form-*")
		if err != nil {
			return one, err
		}
		// Where the system allows it the name goes at once, so that a node that
		// is killed leaves nothing of what was handed in behind.
		s.file, s.gone = f, os.Remove(f.Name()) == nil
	}
	n, err := io.Copy(s.file, r)
	one.size = n
	s.size += n
	return one, err
}

// open returns a reader of a file in s.
func (s *spool) open(f spooled) io.Reader { return io.NewSectionReader(s.file, f.start, f.size) }

// close removes everything in s.
func (s *spool) close() {
	if s.file == nil {
		return
	}
	_ = s.file.Close()
	if !s.gone {
		_ = os.Remove(s.file.Name())
	}
}

// unread is why a form was not read: its own fault, that of the disk, or what
// it says already.
func unread(err error, limit int64) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLarge(limit)
	}
	if _, ok := errors.AsType[*fs.PathError](err); ok {
		return fault.WithHint(fault.Errorf(fault.Unavailable, "web: form: it could not be kept while it was read: %w", err), "make room on the disk and send it again; nothing was taken in")
	}
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	return fault.Errorf(fault.Invalid, "web: form: %w", err)
}

func tooLarge(limit int64) error {
	return fault.WithHint(fault.Errorf(fault.Invalid, "web: form: more than %d bytes", limit), "hand large files in with the command casus import; nothing was taken in")
}
