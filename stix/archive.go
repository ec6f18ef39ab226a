package stix

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Why compressed input cannot be read. The error that is returned is an
// [*Error] that wraps one of them.
var (
	// ErrTruncated says that the compressed data end early.
	ErrTruncated = errors.New("stix: compressed data cut short")
	// ErrCorrupt says that the compressed data are damaged.
	ErrCorrupt = errors.New("stix: compressed data damaged")
	// ErrRatio says that the data grow beyond the limit of the archive ratio.
	ErrRatio = errors.New("stix: compressed data grow too much")
	// ErrFiles says that the archive holds more files than the limit.
	ErrFiles = errors.New("stix: too many files in an archive")
	// ErrNested says that there is an archive inside the archive.
	ErrNested = errors.New("stix: archive inside an archive")
	// ErrEncrypted says that the file in the archive is locked with a password.
	ErrEncrypted = errors.New("stix: encrypted file in an archive")
	// ErrUnsupported says that the input is compressed in a way that is not read here.
	ErrUnsupported = errors.New("stix: unsupported compression")
	// ErrNotSeekable says that a .zip came as a stream; its directory is at its end.
	ErrNotSeekable = errors.New("stix: zip archive as a stream")
)

// ratioFreeBytes is what any archive may grow to before its ratio counts.
const ratioFreeBytes = 1 << 20

// headBytes is how much of a file is looked at to tell what it is.
const headBytes = 512

// Files goes through the files of an input: the one file of plain or .gz input,
// or those of a .zip. What it is, is told by its first bytes, not by its name.
type Files struct {
	lim  Limits
	name string
	one  io.Reader // plain or gzip, until it is handed out

	zip   *zip.Reader
	size  int64 // of the zip
	next  int
	total int64 // bytes that came out of the zip
	open  io.Closer
	dead  bool
}

// Open returns the files of an input of size bytes called name.
func Open(r io.ReaderAt, size int64, name string, lim Limits) (*Files, error) {
	return OpenStream(io.NewSectionReader(r, 0, size), name, lim)
}

// OpenStream returns the files of a stream called name. A .zip can only be read
// if r is also an [io.ReaderAt] with a known end: an [io.Seeker], or something
// with a method Size() int64.
func OpenStream(r io.Reader, name string, lim Limits) (*Files, error) {
	f := &Files{lim: lim.withDefaults(), name: name}
	head := make([]byte, headBytes)
	n, err := io.ReadFull(r, head)
	head = head[:n]
	whole := io.MultiReader(bytes.NewReader(head), r)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		whole = &afterwards{bytes.NewReader(head), err}
	}
	switch kind := compression(head); kind {
	case "":
		f.one = whole
	case "gzip":
		g, err := newGunzip(whole, f.lim)
		if err != nil {
			return nil, err
		}
		f.one, f.name = g, withoutSuffix(name, ".gz")
	case "zip":
		if err := f.openZip(r, int64(n)); err != nil {
			return nil, err
		}
	default:
		return nil, &Error{
			Reason: "the input is a " + kind + " file, which is not read here",
			Remedy: "unpack it, or pack it as .gz or .zip",
			cause:  ErrUnsupported,
		}
	}
	return f, nil
}

func withoutSuffix(name, suffix string) string {
	if n := len(name) - len(suffix); n > 0 && strings.EqualFold(name[n:], suffix) {
		return name[:n]
	}
	return name
}

// compression tells by the first bytes how a file is compressed or packed: ""
// if it is not.
func compression(head []byte) string {
	for _, k := range [...]struct{ magic, name string }{
		{"\x1f\x8b", "gzip"},
		{"PK\x03\x04", "zip"},
		{"PK\x05\x06", "zip"},
		{"PK\x07\x08", "zip"},
		{"BZh", "bzip2"},
		{"\xfd7zXZ\x00", "xz"},
		{"\x28\xb5\x2f\xfd", "zstd"},
		{"7z\xbc\xaf\x27\x1c", "7z"},
		{"Rar!\x1a\x07", "rar"},
		{"\x04\x22\x4d\x18", "lz4"},
	} {
		if bytes.HasPrefix(head, []byte(k.magic)) {
			return k.name
		}
	}
	if len(head) >= 262 && string(head[257:262]) == "ustar" {
		return "tar"
	}
	return ""
}

// Next returns the name and the bytes of the next file. The reader is good until
// the next call. The name comes from the archive and must not be used as a path.
// At the end the error is [io.EOF]. An [*Error], from Next or from the reader,
// concerns the file named, or all of the archive; going on is allowed and ends.
func (f *Files) Next() (string, io.Reader, error) {
	if f.open != nil {
		_ = f.open.Close() // it has no more to say than the reads before it
		f.open = nil
	}
	if f.zip == nil {
		r := f.one
		if r == nil {
			return "", nil, io.EOF
		}
		f.one = nil
		if g, ok := r.(*gunzip); ok {
			return g.start(f.name)
		}
		return f.name, r, nil
	}
	for !f.dead && f.next < len(f.zip.File) {
		entry := f.zip.File[f.next]
		f.next++
		if strings.HasSuffix(entry.Name, "/") {
			continue
		}
		name := strings.ToValidUTF8(entry.Name, "\uFFFD")
		r, err := f.openEntry(entry)
		return name, r, err
	}
	return "", nil, io.EOF
}

// gunzip reads gzip within the limit of the ratio.
type gunzip struct {
	in  counter
	zr  *gzip.Reader
	out int64
	lim Limits
	err error
}

type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

func newGunzip(r io.Reader, lim Limits) (*gunzip, error) {
	g := &gunzip{in: counter{r: r}, lim: lim}
	var err error
	if g.zr, err = gzip.NewReader(&g.in); err != nil {
		return nil, compressionError(err, false)
	}
	return g, nil
}

// start returns the reader of the decompressed bytes unless they are an archive.
func (g *gunzip) start(name string) (string, io.Reader, error) {
	r, err := refuseNested(g)
	return name, r, err
}

func (g *gunzip) Read(p []byte) (int, error) {
	if g.err != nil {
		return 0, g.err
	}
	n, err := g.zr.Read(p)
	g.out += int64(n)
	switch {
	case g.out > int64(g.lim.ArchiveRatio)*g.in.n+ratioFreeBytes:
		g.err = tooMuch(g.lim)
		return 0, g.err
	case err != nil:
		g.err = compressionError(err, true)
	}
	return n, g.err
}

func tooMuch(lim Limits) *Error {
	return &Error{
		Reason: fmt.Sprintf("the compressed data grow more than %d times", lim.ArchiveRatio),
		Remedy: "check where the file comes from; if it is sound, unpack it first",
		cause:  ErrRatio,
	}
}

// compressionError puts an error of the decompressors in words. io.EOF stays.
func compressionError(err error, begun bool) error {
	var corrupt flate.CorruptInputError
	var internal flate.InternalError
	switch {
	case err == io.EOF && begun: //nolint:errorlint // io.EOF itself is the end; wrapped it is not
		return err
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return &Error{Reason: "the compressed data end early", Remedy: "fetch the file again; what came before the end was read", cause: ErrTruncated}
	case errors.Is(err, gzip.ErrHeader) && begun:
		return &Error{Reason: "there are bytes after the end of the compressed data", Remedy: "fetch the file again; what came before them was read", cause: ErrCorrupt}
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.Is(err, zip.ErrChecksum), errors.Is(err, zip.ErrFormat),
		errors.As(err, &corrupt), errors.As(err, &internal):
		return &Error{Reason: "the compressed data are damaged", Remedy: "fetch the file again; compare its checksum if the source gives one", cause: ErrCorrupt}
	}
	return err
}

// refuseNested returns a reader of the same bytes unless they are an archive. A
// fault in the first bytes is kept for the reader.
func refuseNested(r io.Reader) (io.Reader, error) {
	head := make([]byte, headBytes)
	n, err := io.ReadFull(r, head)
	head = head[:n]
	if kind := compression(head); kind != "" {
		return nil, &Error{Reason: "there is a " + kind + " file inside the archive", Remedy: "unpack the outer archive and send the inner one by itself", cause: ErrNested}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = io.EOF
		}
		return &afterwards{bytes.NewReader(head), err}, nil
	}
	return io.MultiReader(bytes.NewReader(head), r), nil
}

// afterwards reads what r has and then says err.
type afterwards struct {
	r   io.Reader
	err error
}

func (a *afterwards) Read(p []byte) (int, error) {
	n, err := a.r.Read(p)
	if err != nil {
		err = a.err
	}
	return n, err
}

// openZip reads the directory of the zip that r is, of which read bytes are
// taken.
func (f *Files) openZip(r io.Reader, read int64) error {
	at, ok := r.(io.ReaderAt)
	start, size := int64(0), int64(-1)
	if s, seeks := r.(io.Seeker); ok && seeks {
		if now, err := s.Seek(0, io.SeekCurrent); err == nil {
			start = now - read
			if size, err = s.Seek(0, io.SeekEnd); err != nil {
				size = -1
			}
		}
	} else if s, sized := r.(interface{ Size() int64 }); ok && sized {
		size = s.Size()
	}
	if size < start {
		return &Error{
			Reason: "a zip archive cannot be read as a stream: its directory is at its end",
			Remedy: "save it to a file and give the file, or send it as .gz",
			cause:  ErrNotSeekable,
		}
	}
	// The directory is read whole by the library: an entry of it is 46 bytes
	// and a name, so that this bounds what it may hold.
	budget := &budgetReader{r: io.NewSectionReader(at, start, size-start), left: int64(f.lim.ArchiveFiles)*1024 + ratioFreeBytes}
	zr, err := zip.NewReader(budget, size-start)
	switch {
	case errors.Is(err, ErrFiles) || err == nil && len(zr.File) > f.lim.ArchiveFiles:
		return &Error{Reason: fmt.Sprintf("the archive holds more than %d files", f.lim.ArchiveFiles), Remedy: "split the archive", cause: ErrFiles}
	case errors.Is(err, zip.ErrFormat):
		return &Error{Reason: "the zip archive has no directory at its end", Remedy: "fetch the file again; it was cut short or damaged", cause: ErrTruncated}
	case err != nil && !errors.Is(err, zip.ErrInsecurePath):
		return compressionError(err, false)
	}
	budget.left = -1
	f.zip, f.size = zr, size-start
	return nil
}

// budgetReader reads no more than left bytes; if left is negative, any number.
type budgetReader struct {
	r    io.ReaderAt
	left int64
}

func (b *budgetReader) ReadAt(p []byte, off int64) (int, error) {
	if b.left >= 0 {
		if b.left -= int64(len(p)); b.left < 0 {
			b.left = 0
			return 0, ErrFiles
		}
	}
	return b.r.ReadAt(p, off)
}

func (f *Files) openEntry(entry *zip.File) (io.Reader, error) {
	if entry.Flags&1 != 0 {
		return nil, &Error{Reason: "the file in the archive is locked with a password", Remedy: "unpack it with its password and send the file", cause: ErrEncrypted}
	}
	rc, err := entry.Open()
	switch {
	case errors.Is(err, zip.ErrAlgorithm):
		return nil, &Error{Reason: fmt.Sprintf("the file in the archive is compressed by method %d, which is not read here", entry.Method), Remedy: "pack it again with the method deflate", cause: ErrUnsupported}
	case err != nil:
		return nil, compressionError(err, false)
	}
	f.open = rc
	return refuseNested(&unzip{r: rc, files: f, in: int64(min(entry.CompressedSize64, uint64(f.size)))})
}

// unzip reads one file of a zip within the limit of the ratio: its own, and
// that of the whole archive, whose files may share the same bytes.
type unzip struct {
	r     io.Reader
	files *Files
	in    int64
	out   int64
	err   error
}

func (u *unzip) Read(p []byte) (int, error) {
	if u.err != nil {
		return 0, u.err
	}
	n, err := u.r.Read(p)
	u.out += int64(n)
	u.files.total += int64(n)
	ratio := int64(u.files.lim.ArchiveRatio)
	switch {
	case u.files.total > ratio*u.files.size+ratioFreeBytes:
		u.files.dead = true
		u.err = tooMuch(u.files.lim)
		return 0, u.err
	case u.out > ratio*u.in+ratioFreeBytes:
		u.err = tooMuch(u.files.lim)
		return 0, u.err
	case err != nil:
		u.err = compressionError(err, true)
	}
	return n, u.err
}
