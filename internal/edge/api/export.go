package api

import (
	"bufio"
	"context"
	"encoding/csv"
	"io"
	"strings"

	"casus/stix"
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
		if err = s.Reads.Objects(ctx, in.Report, func(o *stix.Object, _ string) error { return lines.Write(o) }); err == nil {
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

// writeBundle writes a bundle whose id is made of what was asked: a bundle is
// a bag without an identity of its own.
func (s *server) writeBundle(ctx context.Context, id string, w *bufio.Writer) error {
	b, err := stix.NewWriter(w, stix.NewID("bundle", []byte("export"), id))
	if err != nil {
		return err
	}
	if err := s.Reads.Objects(ctx, id, func(o *stix.Object, _ string) error { return b.Write(o) }); err != nil {
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
// formula.
//
// Source: owasp-csv-injection.
func harmless(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}
