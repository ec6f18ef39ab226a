package format

import (
	"errors"
	"io"
	"strconv"

	"casus/internal/fault"
	"casus/stix"
)

// files gives the unpacked files of a file, one after the other.
type files struct {
	set    *stix.Files
	packed bool
	many   bool // an archive of files: places name the file
	done   bool
}

// packed is one unpacked file. It remembers what is wrong with the packing, so
// that this is told and not what follows from it.
type packed struct {
	r    io.Reader
	name string
	n    int64
	err  *stix.Error
}

// unpack looks at how f is packed.
func unpack(f File, opt Options) (*files, error) {
	head := make([]byte, 4)
	n, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fault.Errorf(fault.Unavailable, "format: read: %w", err)
	}
	head = head[:n]
	set, err := stix.Open(f, f.Size(), opt.Name, opt.Limits)
	if err != nil {
		return nil, packing(err)
	}
	return &files{set: set, packed: isGzip(head) || isZip(head), many: isZip(head)}, nil
}

// packing gives an error about an archive a kind.
func packing(err error) error {
	if e, ok := errors.AsType[*stix.Error](err); ok {
		return invalid(e.Reason, e.Remedy)
	}
	return fault.Errorf(fault.Unavailable, "format: read: %w", err)
}

// next returns the next file, or io.EOF. With an error about the file itself the
// file is returned too, for its name.
func (c *files) next() (*packed, error) {
	if c.done {
		return nil, io.EOF
	}
	name, r, err := c.set.Next()
	switch {
	case errors.Is(err, io.EOF):
		c.done = true
		return nil, io.EOF
	case err != nil:
		return &packed{name: name}, packing(err)
	}
	return &packed{r: r, name: name}, nil
}

// Read implements io.Reader.
func (p *packed) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	p.n += int64(n)
	if e, ok := errors.AsType[*stix.Error](err); ok {
		p.err = e
	}
	return n, err
}

// problem says what is wrong with the packing.
func (p *packed) problem() stix.Problem {
	return stix.Problem{Offset: p.n, Place: "byte " + strconv.FormatInt(p.n, 10) + " (unpacked)", Reason: p.err.Reason, Remedy: p.err.Remedy}
}
