package format

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/mail"

	"casus/internal/core/report"
	"casus/stix"
)

// Texts shows every text of a file: each file packed in it, out of UTF-16 where a
// byte order mark says so, and in a mail the header, what stands between the parts,
// and the parts and attachments out of their transfer encoding and character set.
// It is for who looks for something in a file whatever its format, before [Open].
//
// encoded says that what r gives may be written in an encoding, and that what is
// within is shown again without it. A file that is cut short or cannot be unpacked
// is shown as far as it goes, one of an archive that cannot be opened not at all:
// [Open] sets it aside. The first error of see ends it and is returned.
//
// Source: casus decision 0036.
func Texts(f File, opt Options, see func(r io.Reader, encoded bool) error) error {
	return texts(f, opt, 0, see)
}

func texts(f File, opt Options, depth int, see func(io.Reader, bool) error) error {
	set, err := stix.Open(f, f.Size(), opt.Name, opt.Limits)
	if err != nil {
		return see(io.NewSectionReader(f, 0, f.Size()), false)
	}
	for {
		name, r, err := set.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			continue // the files behind it are still read
		}
		if err := textOf(r, name, opt, depth, see); err != nil {
			return err
		}
	}
}

// textOf shows one unpacked file.
func textOf(r io.Reader, name string, opt Options, depth int, see func(io.Reader, bool) error) error {
	br := bufio.NewReaderSize(r, headBytes)
	head, _ := br.Peek(headBytes) //nolint:errcheck // who reads on meets it
	found := opt.Format
	if found == report.Auto {
		found = classify(head, name).format
	}
	br = decoded(br)
	if found != report.Mail || depth > maxMailNesting {
		return see(br, false)
	}
	b, err := io.ReadAll(io.LimitReader(br, MaxMailBytes+1))
	if err != nil || len(b) > MaxMailBytes {
		// No mail that is read.
		return see(io.MultiReader(bytes.NewReader(b), br), false)
	}
	msg, err := mail.ReadMessage(bufio.NewReader(bytes.NewReader(bytes.TrimLeft(b, "\r\n"))))
	if err != nil {
		return see(bytes.NewReader(b), false)
	}
	var p parts
	p.seen = func(text string) error { return see(bytes.NewReader([]byte(text)), false) }
	p.walk(textHeader(msg.Header), msg.Body, 0)
	if p.stop != nil {
		return p.stop
	}
	if err := see(bytes.NewReader(b), p.fault == ""); err != nil {
		return err
	}
	for _, a := range p.files {
		sub := opt
		sub.Name, sub.Format = a.name, report.Auto
		if a.mime == "message/rfc822" {
			sub.Format = report.Mail
		}
		if err := texts(bytes.NewReader(a.data), sub, depth+1, see); err != nil {
			return err
		}
	}
	return nil
}
