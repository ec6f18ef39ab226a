package taxiiserver

import (
	"bufio"
	"compress/gzip"
	"encoding/json/v2"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"casus/internal/core/report"
	"casus/internal/fault"
	"casus/stix"
)

// addedForm is how the instant is written at which an object was added.
//
// Source: taxii-2.1 §2 (timestamp), §3.3.
const addedForm = "2006-01-02T15:04:05.000000Z"

// sendWithin is how long an answer may take to be fetched, and a body to be sent.
const sendWithin = 2 * time.Minute

// readable is the error of a collection that is not to be read: nobody is told more
// of it than of one that is not there.
func (c *call) readable() error {
	if c.c.Readable {
		return nil
	}
	return missing("collection " + c.c.ID)
}

// enter waits for a place among the pages and bodies in memory.
func (c *call) enter() (leave func(), err error) {
	select {
	case c.s.busy <- struct{}{}:
		return func() { <-c.s.busy }, nil
	case <-c.ctx().Done():
		return nil, fault.Errorf(fault.Unavailable, "taxii: interrupted")
	}
}

// gather answers a page of a collection; write writes its rows.
func (c *call) gather(matches []string, name string, write func(w *bufio.Writer, row *report.Added)) error {
	if err := c.readable(); err != nil {
		return err
	}
	ask, err := c.question(matches...)
	if err != nil {
		return err
	}
	leave, err := c.enter()
	if err != nil {
		return err
	}
	defer leave()
	full := ask // the address says the rest
	if c.id != "" {
		full.IDs = []string{c.id}
	}
	if name == "versions" {
		full.Versions = []string{"all"}
	}
	rows, more, err := c.s.reads.Gather(c.ctx(), c.c, full)
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		if c.id != "" {
			is, err := c.s.reads.In(c.ctx(), c.c, c.id)
			if err == nil && !is {
				err = missing("object " + c.id)
			}
			if err != nil {
				return err
			}
		}
		return c.answer(struct{}{})
	}
	next := ""
	if more {
		if next, err = c.s.reads.Cursor(c.ctx(), c.c, c.what, ask, rows[len(rows)-1]); err != nil {
			return err
		}
	}
	h := c.w.Header()
	h.Set("X-TAXII-Date-Added-First", rows[0].At.UTC().Format(addedForm))
	h.Set("X-TAXII-Date-Added-Last", rows[len(rows)-1].At.UTC().Format(addedForm))
	return c.send(func(w *bufio.Writer) {
		_, _ = w.WriteString(`{"more":` + strconv.FormatBool(more))
		if more {
			_, _ = w.WriteString(`,"next":"` + next + `"`)
		}
		_, _ = w.WriteString(`,"` + name + `":[`)
		for i := range rows {
			if i > 0 {
				_ = w.WriteByte(',')
			}
			write(w, &rows[i])
		}
		_, _ = w.WriteString("]}")
	})
}

func (c *call) objects() error {
	return c.gather([]string{"id", "type", "version", "spec_version"}, "objects", raw)
}

func (c *call) object() error {
	return c.gather([]string{"version", "spec_version"}, "objects", raw)
}

func raw(w *bufio.Writer, row *report.Added) { _, _ = w.Write(row.Raw) }

func (c *call) manifest() error {
	return c.gather([]string{"id", "type", "version", "spec_version"}, "objects", func(w *bufio.Writer, row *report.Added) {
		b := append(stix.AppendQuoted(append(w.AvailableBuffer(), `{"id":`...), row.ID), `,"date_added":"`...)
		b = append(row.At.UTC().AppendFormat(b, addedForm), `","version":`...)
		b = append(stix.AppendQuoted(b, row.Version), `,"media_type":`...)
		_, _ = w.Write(append(stix.AppendQuoted(b, stixType(row.Spec)), '}'))
	})
}

// versions answers the versions of an object: all of them, where the other resources
// give the newest.
func (c *call) versions() error {
	return c.gather([]string{"spec_version"}, "versions", func(w *bufio.Writer, row *report.Added) {
		_, _ = w.Write(stix.AppendQuoted(w.AvailableBuffer(), row.Version))
	})
}

// answer answers with JSON.
func (c *call) answer(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fault.Errorf(fault.Internal, "taxii: answer: %w", err)
	}
	return c.send(func(w *bufio.Writer) { _, _ = w.Write(b) })
}

// send sends what write writes, packed for who takes that.
func (c *call) send(write func(w *bufio.Writer)) error { return c.sendAs(http.StatusOK, write) }

func (c *call) sendAs(status int, write func(w *bufio.Writer)) error {
	h := c.w.Header()
	h.Set("Content-Type", MediaType)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Vary", "Accept, Accept-Encoding, Authorization")
	_ = http.NewResponseController(c.w).SetWriteDeadline(time.Now().Add(sendWithin)) // a recorder has none
	out := io.Writer(c.w)
	var packed *gzip.Writer
	if packs(c.r.Header.Values("Accept-Encoding")) && c.r.Method != http.MethodHead {
		h.Set("Content-Encoding", "gzip")
		packed, _ = gzip.NewWriterLevel(c.w, gzip.BestSpeed) // the level is one
		out = packed
	}
	c.w.WriteHeader(status)
	w := bufio.NewWriterSize(out, 64<<10)
	write(w)
	err := w.Flush()
	if packed != nil && err == nil {
		err = packed.Close()
	}
	if err != nil && c.ctx().Err() == nil {
		panic(http.ErrAbortHandler) // a cut answer must not look whole
	}
	return nil
}

// packs reports whether gzip is asked for.
//
// Source: rfc9110 §12.5.3.
func packs(headers []string) bool {
	for _, header := range headers {
		for one := range strings.SplitSeq(header, ",") {
			name, params, _ := strings.Cut(one, ";")
			if strings.EqualFold(strings.TrimSpace(name), "gzip") {
				q, ok := strings.CutPrefix(strings.ReplaceAll(params, " ", ""), "q=")
				n, err := strconv.ParseFloat(q, 64)
				return !ok || err == nil && n > 0
			}
		}
	}
	return false
}
