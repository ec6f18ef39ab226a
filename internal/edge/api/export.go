package api

import (
	"bufio"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"unicode"

	"casus/internal/core/marking"
	"casus/internal/fault"
	"casus/stix"
	"casus/tlp"
)

// writeExport writes the objects of a report, or all readable ones.
func (s *server) writeExport(ctx context.Context, in *exportInput, out io.Writer) error {
	w := bufio.NewWriterSize(out, 64<<10)
	var err error
	switch in.Format {
	case "csv":
		err = s.writeCSV(ctx, in.Report, w)
	case "ndjson":
		lines := stix.NewLineWriter(w)
		if err = s.Reads.Objects(ctx, in.Report, writeMarked(lines)); err == nil {
			err = lines.Close()
		}
	default:
		err = s.writeBundle(ctx, in.Report, w)
	}
	if err != nil {
		return err
	}
	return w.Flush()
}

// writeMarked writes objects as they were received, but for those that are held
// more closely here than they say themselves: these get the TLP 2.0 marking that
// they are held under, since what leaves must not look wider than what stays.
func writeMarked(w *stix.Writer) func(*stix.Object, string) error {
	return func(o *stix.Object, label string) error {
		held, ok := tlp.Parse(label)
		if own := marking.Of(o, marking.Set{TLP: tlp.Clear, Imputed: true}); ok && (own.TLP < held || own.TLP == held && !own.Imputed) {
			return w.Write(o)
		}
		copied, err := stix.Parse(withMarking(o, held.Definition()), stix.Limits{})
		if err != nil {
			return fault.Errorf(fault.Internal, "api: export: marking %s: %w", o.ID(), err)
		}
		return w.Write(copied)
	}
}

// withMarking returns the bytes of o with one more marking reference.
func withMarking(o *stix.Object, ref string) []byte {
	out := []byte{'{'}
	for i := range o.Len() {
		name, value := o.Member(i)
		if string(name) == "object_marking_refs" {
			continue
		}
		out = append(append(append(stix.AppendQuoted(out, string(name)), ':'), value...), ',')
	}
	out = append(out, `"object_marking_refs":[`...)
	for _, r := range o.Strings("object_marking_refs") {
		out = append(stix.AppendQuoted(out, r), ',')
	}
	return append(stix.AppendQuoted(out, ref), ']', '}')
}

// writeBundle writes a bundle whose id is made of what was asked: a bundle is
// a bag without an identity of its own.
func (s *server) writeBundle(ctx context.Context, id string, w *bufio.Writer) error {
	b, err := stix.NewWriter(w, stix.NewID("bundle", []byte("export"), id))
	if err != nil {
		return err
	}
	if err := s.Reads.Objects(ctx, id, writeMarked(b)); err != nil {
		return err
	}
	return b.Close()
}

// columns of the CSV form; tlp is the label the object is held under here.
var columns = []string{"tlp", "id", "type", "name", "value", "pattern", "created", "modified", "labels", "markings", "description"}

func (s *server) writeCSV(ctx context.Context, id string, w io.Writer) error {
	c := csv.NewWriter(w)
	if err := c.Write(columns); err != nil {
		return err
	}
	err := s.Reads.Objects(ctx, id, func(o *stix.Object, label string) error {
		row := []string{
			label, o.ID(), o.Type(), o.String("name"), o.String("value"), o.String("pattern"), o.Created(), o.Modified(),
			strings.Join(o.Strings("labels"), " "), strings.Join(o.Strings("object_marking_refs"), " "), o.String("description"),
		}
		for i := range row {
			row[i] = harmless(row[i])
		}
		return c.Write(row)
	})
	if err != nil {
		return err
	}
	c.Flush()
	return c.Error()
}

// harmless puts an apostrophe before what a spreadsheet would take for a
// formula, and writes as \uXXXX what would drive a terminal or turn the reading
// direction: control characters but for line feed and tab, and bidi controls.
//
// Source: owasp-csv-injection.
func harmless(cell string) string {
	if strings.ContainsFunc(cell, drives) {
		var b strings.Builder
		for _, r := range cell {
			if drives(r) {
				fmt.Fprintf(&b, "\\u%04X", r)
			} else {
				b.WriteRune(r)
			}
		}
		cell = b.String()
	}
	if cell != "" && strings.ContainsRune("=+-@\t", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}

// drives reports whether r is a control character other than line feed and tab,
// or a bidi control.
func drives(r rune) bool {
	return r != '\n' && r != '\t' && unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Bidi_Control, r)
}
