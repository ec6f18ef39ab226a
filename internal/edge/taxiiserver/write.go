package taxiiserver

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"casus/internal/core/report"
	"casus/internal/fault"
)

// statusResource is a status as TAXII writes it.
//
// Source: taxii-2.1 §4.3.1.
type statusResource struct {
	ID        string         `json:"id"`
	Status    string         `json:"status"`
	Request   string         `json:"request_timestamp,omitempty"`
	Total     int            `json:"total_count"`
	Success   int            `json:"success_count"`
	Successes []statusDetail `json:"successes,omitempty"`
	Failure   int            `json:"failure_count"`
	Failures  []statusDetail `json:"failures,omitempty"`
	Pending   int            `json:"pending_count"`
}

type statusDetail struct {
	ID      string `json:"id"`
	Version string `json:"version"`
	Message string `json:"message,omitempty"`
}

func (c *call) tell(code int, st *report.Status) error {
	out := statusResource{
		ID: st.ID, Status: "complete", Request: st.At.UTC().Format(addedForm), Total: st.Total, Success: st.Succeeded, Failure: st.Failed,
		Successes: details(st.Successes), Failures: details(st.Failures),
	}
	if !st.Complete {
		out.Status, out.Pending = "pending", st.Total-st.Succeeded-st.Failed
	}
	b, err := json.Marshal(out, jsontext.AllowInvalidUTF8(true))
	if err != nil {
		return fault.Errorf(fault.Internal, "taxii: status: %w", err)
	}
	return c.sendAs(code, func(w *bufio.Writer) { _, _ = w.Write(b) })
}

func details(list []report.StatusOf) []statusDetail {
	out := make([]statusDetail, 0, len(list))
	for _, one := range list {
		out = append(out, statusDetail(one))
	}
	return out
}

func (c *call) status() error {
	st, err := c.s.reads.Status(c.ctx(), c.id)
	if err != nil {
		return err
	}
	return c.tell(http.StatusOK, &st)
}

// writable is the error of a collection that is not to be written: as of one that is
// not there.
func (c *call) writable() error {
	if c.c.Writable {
		return nil
	}
	return fault.WithHint(missing("collection "+c.c.ID), "use one whose can_write is true")
}

// add takes objects in.
func (c *call) add() error {
	if err := c.s.writes.MayWrite(c.ctx()); err != nil {
		return err
	}
	if err := c.writable(); err != nil {
		return err
	}
	if !spoken(c.r.Header.Get("Content-Type")) {
		return refuse(http.StatusUnsupportedMediaType, "send the envelope as "+MediaType, "Content-Type is %.80q", c.r.Header.Get("Content-Type"))
	}
	leave, err := c.enter()
	if err != nil {
		return err
	}
	defer leave()
	body, err := c.body()
	if err != nil {
		return err
	}
	if err := checkEnvelope(body); err != nil {
		return err
	}
	st, err := c.s.writes.Write(c.ctx(), c.c, body)
	if err != nil {
		return err
	}
	return c.tell(http.StatusAccepted, &st)
}

func (c *call) tooLong() error {
	return refuse(http.StatusRequestEntityTooLarge, "split the envelope", "the body is longer than %d bytes", c.s.BodyBytes)
}

// body reads the body of a request, unpacked. How long it says it is decides nothing
// but that it is too long.
func (c *call) body() ([]byte, error) {
	if c.r.ContentLength > int64(c.s.BodyBytes) {
		return nil, c.tooLong()
	}
	_ = http.NewResponseController(c.w).SetReadDeadline(time.Now().Add(sendWithin)) // a recorder has none
	most := int64(c.s.BodyBytes)
	var r io.Reader = http.MaxBytesReader(c.w, c.r.Body, most)
	switch enc := strings.ToLower(strings.TrimSpace(c.r.Header.Get("Content-Encoding"))); enc {
	case "", "identity":
	case "gzip", "x-gzip":
		unpacked, err := gzip.NewReader(r)
		if err != nil {
			return nil, c.unread(err)
		}
		r = unpacked
	default:
		return nil, refuse(http.StatusUnsupportedMediaType, "send it in gzip or as it is", "Content-Encoding is %.40q", enc)
	}
	var buf bytes.Buffer
	if c.r.ContentLength > 0 && c.r.Header.Get("Content-Encoding") == "" {
		buf.Grow(int(min(c.r.ContentLength, 1<<20)) + bytes.MinRead)
	}
	n, err := buf.ReadFrom(io.LimitReader(r, most+1))
	if err != nil {
		return nil, c.unread(err)
	}
	if n > most {
		return nil, c.tooLong()
	}
	return buf.Bytes(), nil
}

// unread tells why a body could not be read.
func (c *call) unread(err error) error {
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		return c.tooLong()
	}
	return refuse(http.StatusBadRequest, "send it again, whole", "the body cannot be read: %v", err)
}

// checkEnvelope says what is wrong with the outside of an envelope: it is one JSON
// object that has a list of objects with something in it. What is wrong with one of
// them is told of that one.
//
// Source: taxii-2.1 §3.7.
func checkEnvelope(body []byte) error {
	no := func(format string, args ...any) error {
		return refuse(http.StatusUnprocessableEntity, `send {"objects": [...]} with at least one object`, format, args...)
	}
	d := jsontext.NewDecoder(bytes.NewBuffer(body), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if t, err := d.ReadToken(); err != nil || t.Kind() != '{' {
		return no("the body is no JSON object")
	}
	found := false
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return no("the body is no JSON object: %v", err)
		}
		if name.String() != "objects" {
			if err := d.SkipValue(); err != nil {
				return no("the body is no JSON object: %v", err)
			}
			continue
		}
		if found {
			return no(`"objects" is there twice`)
		}
		found = true
		if d.PeekKind() != '[' {
			return no(`"objects" is no list`)
		}
		if _, err := d.ReadToken(); err != nil {
			return no("the body is no JSON object: %v", err)
		}
		if d.PeekKind() == ']' {
			return no(`"objects" is empty`)
		}
		for d.PeekKind() == '{' {
			if err := d.SkipValue(); err != nil {
				return no("the body is no JSON object: %v", err)
			}
		}
		if t, err := d.ReadToken(); err != nil || t.Kind() != ']' {
			return no(`"objects" holds something else than objects`)
		}
	}
	if t, err := d.ReadToken(); err != nil || t.Kind() != '}' {
		return no("the body is no JSON object")
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return no("something comes after the envelope")
	}
	if !found {
		return no(`the envelope has no "objects"`)
	}
	return nil
}

// remove takes an object out of the collection.
//
// Source: taxii-2.1 §5.7.
func (c *call) remove() error {
	if err := c.s.writes.MayWrite(c.ctx()); err != nil {
		return err
	}
	if !c.c.Writable {
		return c.writable()
	}
	if !c.c.Readable {
		return fault.WithHint(fault.Errorf(fault.Denied, "taxii: collection %s is not both to be read and to be written", c.c.ID), "deleting needs can_read and can_write")
	}
	a, err := readQuery(c.r.URL.RawQuery, "version", "spec_version")
	if err != nil {
		return err
	}
	if len(a.Versions) == 0 {
		a.Versions = []string{"all"}
	}
	if len(a.Specs) == 0 {
		a.Specs = []string{"2.0", "2.1"}
	}
	if err := c.s.writes.Cut(c.ctx(), c.c, c.id, a.Ask); err != nil {
		return err
	}
	return c.send(func(*bufio.Writer) {})
}
