package format

import (
	"bufio"
	"bytes"
	"crypto/md5"  //nolint:gosec // a name for a file, as reports give it, not a protection
	"crypto/sha1" //nolint:gosec // as above
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"time"

	"casus/internal/core/report"
	"casus/internal/fault"
	"casus/stix"
	"casus/tlp"

	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
)

// The bounds of a mail's structure.
const (
	maxMailDepth   = 8     // multiparts within multiparts
	maxMailParts   = 1_000 // parts in all
	maxMailNesting = 3     // mails attached to mails
	maxAddresses   = 1_000 // of one header field
)

// letter is a mail being read: first itself, then, one after the other, what is
// attached to it.
type letter struct {
	r           io.Reader
	read        bool
	attachments []attachment
	sub         *stream
	label       *tlp.Label
}

// attachment is a file in a mail.
type attachment struct {
	name  string
	mime  string
	data  []byte
	place string
}

// fill implements source.
func (l *letter) fill(s *stream) error {
	if !l.read {
		l.read = true
		w := whole{r: l.r, limit: MaxMailBytes, read: l.message}
		if err := w.fill(s); !errors.Is(err, io.EOF) {
			return err
		}
		return nil
	}
	if l.sub == nil {
		if len(l.attachments) == 0 {
			return io.EOF
		}
		a := l.attachments[0]
		l.attachments = l.attachments[1:]
		return l.open(s, a)
	}
	it, err := l.sub.Next()
	if errors.Is(err, io.EOF) {
		l.sub = nil
		return nil
	}
	if err != nil {
		return err
	}
	s.queue = append(s.queue, it)
	return nil
}

// open begins to read an attachment in the format it is in. One in no format
// that is read is no problem: it stands as a file.
func (l *letter) open(s *stream, a attachment) error {
	if s.depth >= maxMailNesting {
		s.problem(stix.Problem{Place: a.place, Reason: "attached " + strconv.Itoa(maxMailNesting) + " mails deep, which is where reading stops", Remedy: "save the attachment and give it by itself", Raw: a.data})
		return nil
	}
	opt := s.opt
	opt.Name, opt.Format = a.name, report.Auto
	if a.mime == "message/rfc822" {
		opt.Format = report.Mail
	}
	sub := &stream{opt: opt, within: s.place + a.place + ", ", place: s.place + a.place + ", ", label: l.label, depth: s.depth + 1}
	files, err := unpack(bytes.NewReader(a.data), opt)
	if err == nil {
		sub.files = files
		err = sub.begin()
	}
	switch {
	case err == nil:
		l.sub = sub
	case fault.KindOf(err) != fault.Invalid:
		return err
	case meansData(a.name):
		// Its name promises what cannot be read.
		s.problem(stix.Problem{Place: a.place, Reason: strings.TrimPrefix(err.Error(), "format: "), Remedy: fault.HintOf(err), Raw: a.data})
	}
	return nil
}

// meansData reports whether a name promises data that is read.
func meansData(name string) bool {
	n := strings.ToLower(name)
	for _, ext := range []string{".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".stix", ".misp", ".gz", ".zip"} {
		if strings.HasSuffix(n, ext) {
			return true
		}
	}
	return false
}

// parts gathers what a mail holds.
type parts struct {
	text  strings.Builder
	files []attachment
	n     int
	multi bool
	fault string // why reading stopped, for a person

	seen func(text string) error // is shown what is text, unless nil
	stop error                   // the first error of seen
}

// message reads the mail itself.
//
// Source: rfc5322; rfc2045.
func (l *letter) message(s *stream, b []byte) error {
	b = bytes.TrimLeft(bytes.TrimPrefix(b, []byte("\ufeff")), "\r\n")
	msg, err := mail.ReadMessage(bufio.NewReader(bytes.NewReader(b)))
	if err != nil {
		return invalid("the header of the mail cannot be read: "+err.Error(), "save the mail with its full source as .eml")
	}
	var p parts
	p.walk(textHeader(msg.Header), msg.Body, 0)
	if p.fault != "" {
		s.problem(stix.Problem{Place: "body", Reason: p.fault, Remedy: "save the mail again with its full source, or give its attachments by themselves"})
	}
	subject := header(msg.Header.Get("Subject"))
	text := p.text.String()
	label := labelIn(subject + "\n" + text)
	l.label = label

	sent, err := msg.Header.Date()
	var assumed fields
	if err != nil {
		sent = time.Time{}
		if in, ok := parseTime(strings.TrimSpace(msg.Header.Get("Date")), s.opt.Zone); ok {
			sent = in.time
			assumed = fields{}
			in.mark(assumed, s.opt.Zone)
		}
	}
	s.note(orElse(subject, s.file.name), sent, label)

	var refs []string
	for i := range p.files {
		a := &p.files[i]
		a.place = "attachment " + strconv.Itoa(i+1)
		if a.name != "" {
			a.place = "attachment " + strconv.Quote(cut(a.name, 100))
		}
		refs = append(refs, s.attached(a, label))
	}
	refs = append(refs, s.envelope(msg.Header, subject, text, sent, p, label)...)
	// The addresses of the servers it passed are values like those in the text.
	all := subject + "\n\n" + text
	if hops := msg.Header["Received"]; len(hops) > 0 {
		refs = append(refs, s.hops(hops, label)...)
	}
	s.document("mail", orElse(subject, s.file.name), all, sent, assumed, label, refs)
	l.attachments = p.files
	return nil
}

// partHeader is the part of a header that parts have, too.
type partHeader struct{ contentType, encoding, disposition string }

func textHeader(h mail.Header) partHeader {
	return partHeader{h.Get("Content-Type"), h.Get("Content-Transfer-Encoding"), h.Get("Content-Disposition")}
}

// walk reads a part and those within it.
func (p *parts) walk(h partHeader, body io.Reader, depth int) {
	if p.n++; p.n > maxMailParts {
		p.fault = "the mail has more than " + strconv.Itoa(maxMailParts) + " parts"
		return
	}
	if depth > maxMailDepth {
		p.fault = "parts of the mail are nested deeper than " + strconv.Itoa(maxMailDepth) + " levels"
		return
	}
	media, params, err := mime.ParseMediaType(orElse(h.contentType, "text/plain"))
	if err != nil && media == "" {
		media = "text/plain"
	}
	if strings.HasPrefix(media, "multipart/") && params["boundary"] != "" {
		p.multi = true
		r := multipart.NewReader(body, params["boundary"])
		for p.fault == "" {
			// Raw: the encoding is undone here, for all kinds of part alike.
			part, err := r.NextRawPart()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				p.fault = "the parts of the mail end early, or are damaged"
				return
			}
			g := part.Header
			p.walk(partHeader{g.Get("Content-Type"), g.Get("Content-Transfer-Encoding"), g.Get("Content-Disposition")}, part, depth+1)
		}
		return
	}
	data, err := io.ReadAll(transfer(h.encoding, body))
	if err != nil {
		p.fault = "a part of the mail is damaged where its encoding (" + cut(h.encoding, 40) + ") ends"
	}
	disposition, dparams, err := mime.ParseMediaType(h.disposition)
	if err != nil {
		disposition = strings.ToLower(strings.TrimSpace(strings.SplitN(h.disposition, ";", 2)[0]))
	}
	name := header(orElse(dparams["filename"], params["name"]))
	if disposition != "attachment" && name == "" && strings.HasPrefix(media, "text/") {
		t := charset(data, params["charset"])
		if p.seen != nil && p.stop == nil {
			p.stop = p.seen(t)
		}
		if media == "text/html" {
			t = plainHTML(t)
		}
		p.text.WriteString(t)
		p.text.WriteString("\n")
		return
	}
	if len(data) > 0 {
		p.files = append(p.files, attachment{name: name, mime: media, data: data})
	}
}

// transfer undoes a transfer encoding.
func transfer(encoding string, r io.Reader) io.Reader {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "base64":
		return base64.NewDecoder(base64.StdEncoding, r)
	case "quoted-printable":
		return quotedprintable.NewReader(r)
	}
	return r
}

// charset decodes text that says it is written in the character set name. A name
// means what browsers take it for, who read what is called ISO 8859-1 or GB 2312
// as the larger set that senders use. Of a set that is not known, and of text
// that says it is ASCII or nothing and is no UTF-8, the ASCII letters are kept,
// in which all values are written. A byte order mark wins over any name.
//
// Source: rfc2045; whatwg-encoding.
func charset(b []byte, name string) string {
	if enc := encodingOf(b); enc != utf8Plain {
		return strings.ToValidUTF8(string(decodeAll(b, enc)), "\ufffd")
	}
	name = strings.ToLower(strings.Trim(name, `"' `))
	switch name {
	case "", "ascii", "us-ascii", "ansi_x3.4-1968", "utf-8", "utf8":
		return strings.ToValidUTF8(string(b), "\ufffd")
	}
	enc, err := htmlindex.Get(name)
	if err != nil {
		enc, err = ianaindex.MIME.Encoding(name)
	}
	if err == nil && enc != nil { // nil is a name that is known, of a set that is not
		if known, err := htmlindex.Name(enc); err == nil && known == "replacement" {
			enc = nil // a set whose letters can be made to look like others
		}
	}
	if err == nil && enc != nil {
		if out, err := enc.NewDecoder().Bytes(b); err == nil {
			b = out
		}
	}
	return strings.ToValidUTF8(string(b), "\ufffd")
}

// header decodes the encoded words of a header field.
func header(s string) string {
	d := mime.WordDecoder{CharsetReader: func(cs string, in io.Reader) (io.Reader, error) {
		b, err := io.ReadAll(in)
		return strings.NewReader(charset(b, cs)), err
	}}
	if v, err := d.DecodeHeader(s); err == nil {
		s = v
	}
	return strings.ToValidUTF8(strings.Join(strings.Fields(s), " "), "\ufffd")
}

// attached queues an attachment as a file and returns its id.
func (s *stream) attached(a *attachment, label *tlp.Label) string {
	m5, s1, s2 := md5.Sum(a.data), sha1.Sum(a.data), sha256.Sum256(a.data) //nolint:gosec // as at the import
	m := fields{
		"type": "file", "size": len(a.data),
		"hashes": map[string]string{"MD5": hex.EncodeToString(m5[:]), "SHA-1": hex.EncodeToString(s1[:]), "SHA-256": hex.EncodeToString(s2[:])},
	}
	if a.name != "" {
		m["name"] = a.name
	}
	if a.mime != "" {
		m["mime_type"] = a.mime
	}
	id, _ := scoID(m)
	m["id"] = id
	return s.emit(a.place, m, label)
}

// addresses queues the addresses of a header field and returns their ids.
func (s *stream) addresses(h mail.Header, name string, label *tlp.Label) []string {
	var out []string
	for _, line := range h[name] {
		list, err := (&mail.AddressParser{WordDecoder: &mime.WordDecoder{}}).ParseList(line)
		if err != nil {
			continue // the text is searched for addresses anyway
		}
		for _, a := range list {
			if len(out) >= maxAddresses {
				return out
			}
			t, ok := s.observe("email", a.Address)
			if !ok {
				continue
			}
			m := t.objects[0]
			if n := strings.ToValidUTF8(strings.TrimSpace(a.Name), ""); n != "" {
				m["display_name"] = n
			}
			if !slices.Contains(out, t.refs[0]) {
				out = append(out, t.refs[0])
				s.emit("mail", m, label)
			}
		}
	}
	return out
}

// maxBodyBytes is how much of a body the message object holds.
const maxBodyBytes = 64 << 10

// envelope queues the message and returns the ids of it and of its people.
//
// Source: stix-2.1 §6.6.
func (s *stream) envelope(h mail.Header, subject, text string, sent time.Time, p parts, label *tlp.Label) []string {
	m := fields{"type": "email-message", "is_multipart": p.multi}
	from := s.addresses(h, "From", label)
	refs := slices.Clone(from)
	if len(from) > 0 {
		m["from_ref"] = from[0]
	}
	for _, f := range []struct{ name, member string }{{"To", "to_refs"}, {"Cc", "cc_refs"}, {"Reply-To", ""}} {
		ids := s.addresses(h, f.name, label)
		if len(ids) > 0 && f.member != "" {
			m[f.member] = ids
		}
		refs = append(refs, ids...)
	}
	if subject != "" {
		m["subject"] = subject
	}
	if id := header(h.Get("Message-Id")); id != "" {
		m["message_id"] = id
	}
	if !sent.IsZero() {
		m["date"] = stamp(sent)
	}
	if !p.multi && strings.TrimSpace(text) != "" {
		m["body"] = cut(text, maxBodyBytes)
	}
	var lines []string
	for _, l := range h["Received"] {
		lines = append(lines, header(l))
	}
	if len(lines) > 0 {
		m["received_lines"] = lines
	}
	id, ok := scoID(m)
	if !ok {
		id = s.newID("email-message", "mail")
	}
	m["id"] = id
	return append(refs, s.emit("mail", m, label))
}

// hops queues the addresses of servers a mail passed and returns their ids.
func (s *stream) hops(lines []string, label *tlp.Label) []string {
	var out []string
	for _, l := range lines {
		for _, w := range strings.FieldsFunc(l, func(r rune) bool { return strings.ContainsRune(" \t()[];,=", r) }) {
			w = strings.TrimPrefix(strings.TrimPrefix(w, "IPv6:"), "ipv6:")
			t, ok := s.observe("ip-src", w)
			if !ok || strings.Contains(w, "/") || slices.Contains(out, t.refs[0]) || len(out) >= maxAddresses {
				continue
			}
			out = append(out, t.refs[0])
			s.emit("mail", t.objects[0], label)
		}
	}
	return out
}
