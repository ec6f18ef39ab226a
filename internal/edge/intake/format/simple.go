package format

import (
	"bufio"
	"errors"
	"io"

	"casus/misp"
	"casus/stix"
)

// bundle hands on STIX objects as they stand in the file.
type bundle struct{ r *stix.Reader }

func newBundle(r io.Reader, opt Options) *bundle {
	return &bundle{r: stix.NewReader(r, opt.Name, opt.Limits)}
}

func (b *bundle) fill(s *stream) error {
	it, err := b.r.Next()
	if err != nil {
		return err
	}
	if it.Problem != nil {
		if s.file.err != nil {
			return nil // the packing ends the file, and is told once
		}
		s.problem(*it.Problem)
		return nil
	}
	s.queue = append(s.queue, Item{Object: it.Object, Place: s.place + place(it), TLP: s.label})
	return nil
}

// events reads MISP.
type events struct{ r *misp.Reader }

func newEvents(r *bufio.Reader, opt Options) *events {
	return &events{r: misp.NewReader(decoded(r), misp.Limits{Depth: opt.Limits.Depth})}
}

func (e *events) fill(s *stream) error {
	ev, err := e.r.Next()
	if err != nil {
		bad, ok := errors.AsType[*misp.Error](err)
		switch {
		case !ok:
			return err
		case s.file.err != nil:
			return io.EOF
		}
		s.unread(bad)
		if bad.Final {
			return io.EOF
		}
		return nil
	}
	at := "event " + string(ev.UUID)
	if ev.UUID == "" {
		at = "byte " + itoa(ev.Offset)
	}
	if ev.Listed {
		// Made into a report it would contradict the event itself.
		s.problem(stix.Problem{
			Offset: ev.Offset, Place: at, Reason: "the event is only listed here: its attributes are elsewhere", Remedy: "fetch the event itself and give that", Raw: ev.Raw,
		})
		return nil
	}
	for _, bad := range ev.Bad {
		s.unread(bad)
	}
	published := ev.PublishTimestamp.Time
	if published.IsZero() {
		published = ev.Timestamp.Time
	}
	if label, marked := ev.TLP(); marked {
		s.note(string(ev.Info), published, &label)
	} else {
		s.note(string(ev.Info), published, nil)
	}
	misp.Convert(ev, misp.ConvertOptions{Received: s.opt.Now}, func(obj []byte) bool {
		s.put(at, obj)
		return true
	})
	return nil
}

// unread queues a piece of MISP that could not be read.
func (s *stream) unread(bad *misp.Error) {
	s.problem(stix.Problem{Offset: bad.Offset, Place: bad.Place(), Reason: bad.Reason, Remedy: bad.Remedy, Raw: bad.Raw})
}
