package intake

import (
	"bytes"
	"crypto/sha256"
	"encoding/json/v2"
	"maps"

	"casus/internal/core/report"
	"casus/internal/edge/intake/format"
	"casus/internal/fault"
	"casus/stix"
)

// anew returns how to take the report in again as another one, when it is a table
// that was read by another column map than the one that holds now: a map that was
// corrected would else change nothing. What was read before stays. It returns nil
// when both maps give the same, or when the map of now gives no object: it may be
// meant for other tables of the source.
//
// The other report's identity is made of the map, too, so that handing the bytes
// in a third time adds nothing.
func (t *taking) anew() (*taking, error) {
	was := t.begun.Map
	if was == nil {
		was = t.begun.SourceMap
	}
	again := t.in.taking(t.ctx, t.req, t.f.File, t.digest, t.progress)
	again.source = t.in.view.Settings(t.req.Source)
	opt, err := again.reading()
	if err != nil || maps.Equal(was, opt.Map) {
		return nil, err
	}
	raw, err := json.Marshal(opt.Map, json.Deterministic(true))
	if err != nil {
		return nil, fault.Errorf(fault.Internal, "intake: column map: %w", err)
	}
	h := sha256.New()
	h.Write([]byte("anew\x00"))
	h.Write(t.digest[:])
	h.Write(raw)
	again.seed = [32]byte(h.Sum(nil))
	again.id = Identity(t.req, again.seed)
	now, err := format.Open(t.f, opt)
	if err != nil {
		return nil, nil //nolint:nilerr // the map does not fit, and what is held stays
	}
	if !table(t.begun.Format) && !table(now.Format()) {
		return nil, nil
	}
	opt.Map = was
	then, err := format.Open(t.f, opt)
	if err != nil {
		then = nil // it could not be read then
	}
	if !betters(now, then) {
		return nil, nil
	}
	return again, nil
}

// betters reports whether now gives an object, and anything else than then, which
// may be nil.
func betters(now, then format.Reader) bool {
	object, other := false, then == nil
	for {
		a, err := now.Next()
		object = object || a.Object != nil
		if !other {
			b, was := then.Next()
			other = (err == nil) != (was == nil) || (a.Object == nil) != (b.Object == nil) ||
				a.Object != nil && !bytes.Equal(a.Object.Raw(), b.Object.Raw()) || told(a.Problem) != told(b.Problem)
		}
		if err != nil || object && other {
			return object && other
		}
	}
}

// told is what a problem says.
func told(p *stix.Problem) string {
	if p == nil {
		return ""
	}
	return p.Place + "\x00" + p.Reason
}

// table reports whether the column map says how to read f.
func table(f report.Format) bool { return f == report.CSV || f == report.Lines }
