package web

import (
	"encoding/json/v2"
	"fmt"
	"net/http"
	"strings"

	"casus/internal/core/report"
)

// told is the answer to who was told everything by events.
type told struct{}

func (told) template() string { return "" }

// follows reports whether who sent a form follows along by server-sent events.
func (c *call) follows() bool {
	return strings.Contains(c.req.Header.Get("Accept"), "text/event-stream")
}

// events tell who sent a form how far the reading is: progress, then see with the
// address to go to, or page with a whole page.
type events struct {
	c     *call
	files []spooled
	all   int64 // bytes of the files
}

// follow begins to answer by events.
func (c *call) follow(files []spooled) *events {
	e := &events{c: c, files: files}
	for _, f := range files {
		e.all += f.size
	}
	c.out.Header().Set("Content-Type", "text/event-stream")
	c.out.WriteHeader(http.StatusOK)
	e.send("progress", e.step(0, report.Progress{}))
	return e
}

// step is one piece of progress: how much of the whole is read, in parts of a
// hundred, and that in words.
type step struct {
	Percent int    `json:"percent"`
	Text    string `json:"text"`
}

// step says how far it is when p is reached in the nth file.
func (e *events) step(nth int, p report.Progress) step {
	read := min(max(p.Bytes, 0), e.files[nth].size)
	for _, f := range e.files[:nth] {
		read += f.size
	}
	f := e.c.f
	text := f.Count("n.objects", p.Objects)
	if p.Quarantined > 0 {
		text += " · " + f.T("aside.n", f.Number(p.Quarantined))
	}
	if len(e.files) > 1 {
		text = f.T("going.file", f.Number(nth+1), f.Number(len(e.files)), e.files[nth].name) + " · " + text
	}
	s := step{Text: visibleText(text)}
	if e.all > 0 {
		s.Percent = int(100 * read / e.all)
	}
	return s
}

// progress tells what is reached in the nth file.
func (e *events) progress(nth int) func(report.Progress) {
	if e == nil {
		return nil
	}
	return func(p report.Progress) { e.send("progress", e.step(nth, p)) }
}

// end tells what a handler answered, and err, as a page would have.
func (e *events) end(p page, err error) {
	if to, ok := p.(see); ok && err == nil {
		e.send("see", to.to)
		return
	}
	_, body := e.c.draw(p, err)
	e.send("page", string(body))
}

// send writes one event. Who has gone away is not told.
func (e *events) send(name string, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		return
	}
	_, _ = fmt.Fprintf(e.c.out, "event: %s\ndata: %s\n\n", name, b)
	_ = http.NewResponseController(e.c.out).Flush()
}
