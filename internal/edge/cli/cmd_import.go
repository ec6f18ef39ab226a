package cli

import (
	"context"
	"encoding/json/v2"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"casus/internal/core/report"
	"casus/internal/fault"
	"casus/tlp"
)

// handIn are the flags of commands that hand reports in.
type handIn struct {
	source, tlp, title, format string
	columns                    []string
	exercise                   bool
	class                      string
}

func (h *handIn) flags(c *cobra.Command) {
	c.Flags().StringVar(&h.source, "source", "", "who hands it in (default local)")
	c.Flags().StringVar(&h.tlp, "tlp", "", "marks what bears no marking, tightens what bears a wider one")
	c.Flags().StringVar(&h.title, "title", "", "title of the report")
	c.Flags().StringVar(&h.format, "format", "", "stix, misp, csv, jsonl, mail or text (default: found out)")
	c.Flags().StringArrayVar(&h.columns, "column", nil, "COLUMN=FIELD, for CSV and JSON lines; may be repeated")
	c.Flags().StringVar(&h.class, "classification", "", "what it is classified, as ladder/LEVEL; above the node's ceiling it is refused unread")
	c.Flags().BoolVar(&h.exercise, "exercise", false, "mark it as part of an exercise")
}

// check finds wrong flags before anything is opened.
func (h *handIn) check(*cobra.Command, []string) error {
	_, err := h.query("")
	return err
}

func (h *handIn) query(name string) (url.Values, error) {
	q := url.Values{}
	set := func(k, v string) {
		if v != "" {
			q.Set(k, v)
		}
	}
	if _, ok := tlp.Parse(h.tlp); h.tlp != "" && !ok {
		return nil, usage("--tlp %s: want red, amber+strict, amber, green or clear", h.tlp)
	}
	switch report.Format(h.format) {
	case report.Auto, report.STIX, report.MISP, report.CSV, report.Lines, report.Mail, report.Text:
	default:
		return nil, usage("--format %s: want stix, misp, csv, jsonl, mail or text", h.format)
	}
	if strings.ContainsFunc(h.source, unicode.IsControl) {
		return nil, usage("--source %q: want a name without control characters", h.source)
	}
	m, err := columnMap(h.columns)
	if err != nil {
		return nil, err
	}
	if m != nil {
		b, err := json.Marshal(m, json.Deterministic(true))
		if err != nil {
			return nil, fault.Errorf(fault.Internal, "cli: %w", err)
		}
		set("map", string(b))
	}
	set("source", h.source)
	set("tlp", h.tlp)
	set("title", h.title)
	set("classification", h.class)
	set("format", h.format)
	set("name", name)
	if h.exercise {
		set("exercise", "true")
	}
	return q, nil
}

func columnMap(columns []string) (map[string]string, error) {
	if len(columns) == 0 {
		return nil, nil
	}
	m := map[string]string{}
	for _, c := range columns {
		k, v, ok := strings.Cut(c, "=")
		if !ok || k == "" || v == "" {
			return nil, usage("--column %s: want COLUMN=FIELD", c)
		}
		m[k] = v
	}
	if err := report.CheckMap(m); err != nil {
		return nil, &coded{exitUsage, err}
	}
	return m, nil
}

func (a *app) importCmd() *cobra.Command {
	var h handIn
	c := &cobra.Command{
		Use:   "import FILE|DIR|- ...",
		Short: "take reports in: STIX, MISP, CSV, JSON lines, mail, text, also in .gz and .zip",
		Long: `Takes files in and says what became of them. The same bytes from the same source
add nothing, and an import that was interrupted goes on where it stopped. A table
is read anew, as another report, when its source or --column names other columns
than before. What cannot be read is set aside with its place, the reason and what
to do: see casus import quarantine list. Exit code 3 means that something was set
aside. Of a directory all files are read but hidden ones; links, pipes, sockets
and devices are passed over, and named.`,
		Example: "  casus import reports/ feed.json.gz\n  casus import --source cert-a --tlp amber - < bundle.json",
		Args:    cobra.MinimumNArgs(1),
		PreRunE: h.check,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(r *remote) error { return a.runImport(cmd.Context(), r, &h, args) })
		},
	}
	h.flags(c)
	c.AddCommand(a.quarantineCmd())
	return reading(c)
}

func (a *app) runImport(ctx context.Context, r *remote, h *handIn, args []string) error {
	var sum report.Result
	var paths []string
	for _, arg := range args {
		abs, err := filepath.Abs(arg)
		if err != nil {
			return fault.Errorf(fault.Invalid, "cli: %s: %w", arg, err)
		}
		if arg == "-" || !utf8.ValidString(abs) {
			res, err := a.sendArg(ctx, r, h, arg)
			if err != nil {
				return err
			}
			sum.Add(res)
			sum.Seconds += res.Seconds
			continue
		}
		if _, err := os.Lstat(abs); err != nil {
			return unopened(arg, err)
		}
		paths = append(paths, abs)
	}
	if len(paths) > 0 {
		q, err := h.query("")
		if err != nil {
			return err
		}
		b, err := json.Marshal(map[string][]string{"paths": paths})
		if err != nil {
			return fault.Errorf(fault.Internal, "cli: %w", err)
		}
		var res report.Result
		if err := r.follow(ctx, "/imports", q, strings.NewReader(string(b)), "application/json", &res); err != nil {
			return err
		}
		sum.Add(res)
		sum.Seconds += res.Seconds
	}
	return a.imported(sum)
}

// sendArg hands in what its path cannot stand for: standard input, and a file
// whose path is no UTF-8, which the list of paths cannot hold.
func (a *app) sendArg(ctx context.Context, r *remote, h *handIn, arg string) (report.Result, error) {
	if arg != "-" {
		switch st, err := os.Stat(arg); {
		case err != nil:
			return report.Result{}, unopened(arg, err)
		case st.IsDir():
			return report.Result{}, fault.WithHint(fault.Errorf(fault.Invalid, "%q: the path of this directory is not UTF-8", arg), "rename it, or name the files in it")
		case !st.Mode().IsRegular():
			return report.Result{}, fault.WithHint(fault.Errorf(fault.Invalid, "%q is neither a file nor a directory", arg), "hand its content in with: casus import - < FILE")
		}
	}
	f, name, err := a.openArg(arg)
	if err != nil {
		return report.Result{}, err
	}
	defer func() { _ = f.Close() }()
	return a.sendFile(ctx, r, h, name, f)
}

func (a *app) sendFile(ctx context.Context, r *remote, h *handIn, name string, body io.Reader) (report.Result, error) {
	var res report.Result
	q, err := h.query(name)
	if err != nil {
		return res, err
	}
	return res, r.follow(ctx, "/reports", q, body, "application/octet-stream", &res)
}

// imported tells what became of what was handed in.
func (a *app) imported(res report.Result) error {
	if res.Reports == nil {
		res.Reports = []report.ReportRef{}
	}
	err := a.print(res, func(w io.Writer) {
		rows := make([][]string, 0, len(res.Reports))
		for _, p := range res.Reports {
			state := strconv.Itoa(p.New) + " new"
			if p.Known {
				state = "here before"
			}
			if p.Earlier != "" {
				state += ", read anew by another column map than " + p.Earlier
			}
			if p.Quarantined > 0 {
				state += fmt.Sprintf(", %d set aside", p.Quarantined)
			}
			rows = append(rows, []string{p.ID, string(p.Format), p.Name, strconv.Itoa(p.Received) + " received", state})
		}
		a.table(w, []string{"REPORT", "FORMAT", "NAME", "OBJECTS", "STATE"}, rows)
		_, _ = fmt.Fprintf(w, "%d received: %d new, %d known, %d conflicting, %d set aside; %d values; %.2f s\n",
			res.Received, res.New, res.Known, res.Conflicting, res.Quarantined, res.Values, res.Seconds)
		for _, p := range res.Passed {
			_, _ = fmt.Fprintf(w, "passed over: %s: %s\n", clean([]string{p.Path})[0], p.Why)
		}
		if more := res.PassedOver - len(res.Passed); more > 0 {
			_, _ = fmt.Fprintf(w, "passed over: and %d more\n", more)
		}
	})
	if err != nil {
		return err
	}
	if res.Quarantined > 0 {
		err := fmt.Errorf("%s set aside", plural(res.Quarantined, "piece was", "pieces were"))
		return &coded{exitPartly, fault.WithHint(err, "casus import quarantine list says where and why")}
	}
	return nil
}

func (a *app) quarantineCmd() *cobra.Command {
	c := &cobra.Command{Use: "quarantine", Short: "what was set aside, where, why, and what to do", Example: "  casus import quarantine list"}
	var of string
	list := &cobra.Command{
		Use: "list", Short: "list what was set aside", Example: "  casus import quarantine list --report RPT-7K2M-9XQ4", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd.Context(), func(r *remote) error {
				items := []report.Quarantined{}
				q := url.Values{}
				if of != "" {
					q.Set("report", of)
				}
				if err := r.get(cmd.Context(), "/quarantine", q, &items); err != nil {
					return err
				}
				return a.print(items, func(w io.Writer) {
					rows := make([][]string, 0, len(items))
					for _, i := range items {
						rows = append(rows, []string{i.ID, i.Report, i.Name, i.Place, i.Reason, i.Remedy})
					}
					a.table(w, []string{"ITEM", "REPORT", "FILE", "WHERE", "WHY", "WHAT TO DO"}, rows)
				})
			})
		},
	}
	list.Flags().StringVar(&of, "report", "", "of one report only")
	show := &cobra.Command{
		Use: "show ID", Short: "show one piece with its bytes", Example: "  casus import quarantine show QRN-7K2M-9XQ4", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(r *remote) error {
				var i report.Quarantined
				if err := r.get(cmd.Context(), "/quarantine/"+url.PathEscape(args[0]), nil, &i); err != nil {
					return err
				}
				return a.print(i, func(w io.Writer) {
					_, _ = fmt.Fprintf(w, "%s of %s, %s\nwhere:  %s\nwhy:    %s\nremedy: %s\n\n%s\n", i.ID, i.Report, clean([]string{i.Name})[0], i.Place, i.Reason, i.Remedy, strings.Join(clean(strings.Split(i.Bytes, "\n")), "\n"))
				})
			})
		},
	}
	retry := &cobra.Command{
		Use: "retry ID", Short: "read a piece again with this version's rules", Example: "  casus import quarantine retry QRN-7K2M-9XQ4", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(r *remote) error {
				var res report.Result
				if err := r.call(cmd.Context(), "POST", "/quarantine/"+url.PathEscape(args[0])+"/retry", nil, nil, nil, &res); err != nil {
					return err
				}
				return a.imported(res)
			})
		},
	}
	c.AddCommand(list, show, reading(retry))
	return c
}
