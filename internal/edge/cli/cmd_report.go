package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"casus/internal/core/privacy"
	"casus/internal/core/report"
	"casus/internal/fault"
	"casus/tlp"
)

func (a *app) reportCmd() *cobra.Command {
	c := &cobra.Command{Use: "report", Short: "hand in, list, show, match and share reports", Example: "  casus report match RPT-7K2M-9XQ4"}
	c.AddCommand(reading(a.reportAdd()), a.reportList(), a.reportShow(), reading(a.reportMatch()), a.reportShare())
	return c
}

// openArg opens a file named on the command line, or stdin for -. The name it
// returns is UTF-8, whatever the file's is.
func (a *app) openArg(arg string) (io.ReadCloser, string, error) {
	if arg == "-" {
		return io.NopCloser(a.stdin), "stdin", nil
	}
	f, err := os.Open(arg)
	if err != nil {
		return nil, "", unopened(arg, err)
	}
	if st, err := f.Stat(); err == nil && st.IsDir() {
		_ = f.Close()
		return nil, "", fault.WithHint(fault.Errorf(fault.Invalid, "%s is a directory", arg), "name a file; casus import takes whole directories")
	}
	return f, strings.ToValidUTF8(filepath.Base(arg), "\ufffd"), nil
}

// unopened says why a file named on the command line cannot be read.
func unopened(arg string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fault.Errorf(fault.NotFound, "%s is not there", arg)
	case errors.Is(err, fs.ErrPermission):
		return fault.WithHint(fault.Errorf(fault.Invalid, "%s cannot be read: permission denied", arg), "run casus as a user who may read it, or change its permissions")
	}
	return fault.Errorf(fault.Invalid, "%s cannot be read: %w", arg, err)
}

func (a *app) reportAdd() *cobra.Command {
	var h handIn
	c := &cobra.Command{
		Use: "add FILE|-", Short: "hand in one report",
		Long: `Hands in one report. Exit code 3 means that it is in, but for what was set aside:
casus import quarantine list says where and why.`,
		Example: "  casus report add --source cert-a --title \"wiper in a grid\" bundle.json", Args: cobra.ExactArgs(1),
		PreRunE: h.check,
		RunE: func(cmd *cobra.Command, args []string) error {
			f, name, err := a.openArg(args[0])
			if err != nil {
				return err
			}
			defer func() { _ = f.Close() }()
			return a.with(cmd.Context(), func(r *remote) error {
				res, err := a.sendFile(cmd.Context(), r, &h, name, f)
				if err != nil {
					return err
				}
				return a.imported(res)
			})
		},
	}
	h.flags(c)
	return c
}

func (a *app) reportList() *cobra.Command {
	var text, source, cursor string
	var limit int
	c := &cobra.Command{
		Use: "list [TEXT]", Short: "list reports, newest first", Example: "  casus report list --source cert-a wiper", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				text = args[0]
			}
			if err := checkLimit(limit); err != nil {
				return err
			}
			return a.with(cmd.Context(), func(r *remote) error {
				var page struct {
					Reports []report.Row `json:"reports"`
					Next    string       `json:"next,omitempty"`
				}
				q := url.Values{"limit": {strconv.Itoa(limit)}}
				for k, v := range map[string]string{"q": text, "source": source, "cursor": cursor} {
					if v != "" {
						q.Set(k, v)
					}
				}
				if err := r.get(cmd.Context(), "/reports", q, &page); err != nil {
					return err
				}
				return a.print(page, func(w io.Writer) {
					rows := make([][]string, 0, len(page.Reports))
					for _, p := range page.Reports {
						rows = append(rows, []string{p.ID, p.Received, p.Source, string(p.Format), p.TLP, strconv.Itoa(p.Objects), strconv.Itoa(p.Quarantined), p.State, p.Title})
					}
					a.table(w, []string{"REPORT", "RECEIVED", "SOURCE", "FORMAT", "TLP", "OBJECTS", "SET ASIDE", "STATE", "TITLE"}, rows)
					if page.Next != "" {
						_, _ = fmt.Fprintf(a.stderr, "more with --cursor %s\n", page.Next)
					}
				})
			})
		},
	}
	c.Flags().StringVar(&source, "source", "", "of one source only")
	c.Flags().StringVar(&cursor, "cursor", "", "the page after this one")
	c.Flags().IntVar(&limit, "limit", 50, "rows, at most 500")
	return c
}

func checkLimit(limit int) error {
	if limit < 1 || limit > 500 {
		return usage("--limit %d: want 1 to 500", limit)
	}
	return nil
}

func (a *app) reportShow() *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Short: "show one report", Example: "  casus report show RPT-7K2M-9XQ4", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(r *remote) error {
				var d report.Detail
				if err := r.get(cmd.Context(), "/reports/"+url.PathEscape(args[0]), nil, &d); err != nil {
					return err
				}
				return a.print(d, func(w io.Writer) {
					imputed := ""
					if d.Imputed {
						imputed = " (imputed: the source's default)"
					}
					_, _ = fmt.Fprintf(w, "%s  %s\n%s%s, %s, from %s, received %s, %s\n%d objects, %d values, %d set aside, %d bytes, SHA-256 %s\n",
						d.ID, clean([]string{d.Title})[0], d.TLP, imputed, d.Format, clean([]string{d.Source})[0], d.Received, d.State, d.Objects, d.Values, d.Quarantined, d.Size, d.Digest)
					rows := make([][]string, 0, len(d.Items))
					for _, o := range d.Items {
						rows = append(rows, []string{o.Type, o.ID, o.TLP, o.Name})
					}
					a.table(w, []string{"TYPE", "ID", "TLP", "NAME"}, rows)
					if d.Objects > len(d.Items) {
						_, _ = fmt.Fprintf(a.stderr, "the first %d of %d objects; all with: casus export --report %s\n", len(d.Items), d.Objects, d.ID)
					}
				})
			})
		},
	}
}

func (a *app) reportMatch() *cobra.Command {
	var h handIn
	c := &cobra.Command{
		Use: "match ID|FILE|-", Short: "who else saw what a report mentions; a file is matched and not stored",
		Example: "  casus report match RPT-7K2M-9XQ4\n  casus report match suspicious.eml", Args: cobra.ExactArgs(1),
		PreRunE: h.check,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(r *remote) error {
				m, err := a.match(cmd.Context(), r, &h, args[0])
				if err != nil {
					return err
				}
				return a.print(m, func(w io.Writer) {
					_, _ = fmt.Fprintln(w, m.Summary.Sentence)
					rows := make([][]string, 0, len(m.Hits))
					for _, x := range m.Hits {
						rows = append(rows, []string{x.Value, x.Type, strings.Join(x.Sources, ", "), x.FirstSeen, x.LastSeen, x.TimeBasis, x.Why})
					}
					a.table(w, []string{"VALUE", "TYPE", "SEEN BY", "FIRST", "LAST", "TIME OF", "WHY IT MATTERS"}, rows)
					a.patterns(w, m)
				})
			})
		},
	}
	h.flags(c)
	return c
}

// patterns prints the patterns of indicators that what was asked about fulfils.
func (a *app) patterns(w io.Writer, m report.Matches) {
	if len(m.Patterns) == 0 {
		return
	}
	_, _ = fmt.Fprintf(w, "\n%d of %d patterns of indicators in other reports are fulfilled\n", len(m.Patterns), m.Summary.Patterns)
	rows := make([][]string, 0, len(m.Patterns))
	for _, p := range m.Patterns {
		rows = append(rows, []string{p.Name, p.Source, p.Report, p.TLP, strings.Join(p.Observed, ", "), p.Pattern})
	}
	a.table(w, []string{"INDICATOR", "SOURCE", "REPORT", "TLP", "FULFILLED BY", "PATTERN"}, rows)
}

func (a *app) match(ctx context.Context, r *remote, h *handIn, arg string) (report.Matches, error) {
	var m report.Matches
	if _, err := os.Stat(arg); arg != "-" && err != nil {
		return m, r.get(ctx, "/reports/"+url.PathEscape(arg)+"/matches", nil, &m)
	}
	f, name, err := a.openArg(arg)
	if err != nil {
		return m, err
	}
	defer func() { _ = f.Close() }()
	q, err := h.query(name)
	if err != nil {
		return m, err
	}
	return m, r.call(ctx, http.MethodPost, "/match", q, f, http.Header{"Content-Type": {"application/octet-stream"}}, &m)
}

func (a *app) sourceCmd() *cobra.Command {
	c := &cobra.Command{Use: "source", Short: "who hands reports in, and what holds for it", Example: "  casus source list"}
	list := &cobra.Command{
		Use: "list", Short: "list sources", Example: "  casus source list --json", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd.Context(), func(r *remote) error {
				all := []report.Source{}
				if err := r.get(cmd.Context(), "/sources", nil, &all); err != nil {
					return err
				}
				return a.print(all, func(w io.Writer) {
					rows := make([][]string, 0, len(all))
					for _, s := range all {
						label := "TLP:RED (no default set)"
						if s.TLP != nil {
							label = s.TLP.String()
						}
						rows = append(rows, []string{s.Name, label, s.Zone, s.Trust, strconv.Itoa(s.Reports), s.Last, s.Retention, s.Purpose, s.Basis})
					}
					a.table(w, []string{"SOURCE", "UNMARKED IS", "TIME ZONE", "TRUST", "REPORTS", "LAST", "RETENTION", "PURPOSE", "LEGAL BASIS"}, rows)
				})
			})
		},
	}
	c.AddCommand(list, a.sourceSet())
	return c
}

func (a *app) sourceSet() *cobra.Command {
	var label, zone, trust, org string
	var p privacy.Processing
	var columns []string
	c := &cobra.Command{
		Use: "set NAME", Short: "set what holds for a source: unmarked input, time zone, trust, columns, data protection",
		Long: "Sets what holds for a source. What no flag names stays as it is; an empty value\ntakes a setting back. It holds for what comes in from now on, and a table that\n" +
			"was read by other columns before is read anew when it is handed in again; purpose,\nlegal basis and retention hold for what is there already, too. Reports older than\n" +
			"the retention class says are erased: on a node with people, a shorter class than\nis set takes the data-protection officer of the organisation whose source it is.\nHe sets purpose, legal basis and retention, an administrator the rest. The classes\nare " + classNames() + ".\n\n" +
			"Each organisation has its own sources: what its people hand in under feed is of\nMEMBER/name/feed, but for the node's own organisation, whose sources bear the bare\nname. --org names the organisation; two of them may each have a feed.",
		Example: "  casus source set cert-a --tlp amber --time-zone Europe/Paris --trust B\n  casus source set feed --column ioc=value --column seen=first_seen\n" +
			"  casus source set feed --org AAA/mfa --tlp amber\n  casus source set feed --purpose \"defence of networks\" --legal-basis \"GDPR Art. 6(1)(e)\" --retention indicator-90d", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if slices.Equal(columns, []string{""}) {
				columns = nil // back to the names of the columns
			}
			m, err := columnMap(columns)
			if err != nil {
				return err
			}
			if _, ok := tlp.Parse(label); label != "" && !ok {
				return usage("--tlp %s: want red, amber+strict, amber, green or clear", label)
			}
			name := args[0]
			if org != "" {
				name = org + "/" + name
			}
			return a.with(cmd.Context(), func(r *remote) error {
				in, err := r.source(cmd.Context(), name)
				if err != nil {
					return err
				}
				for name, v := range map[string]string{"tlp": label, "time-zone": zone, "trust": trust, "purpose": p.Purpose, "legal-basis": p.Basis, "retention": p.Retention} {
					if cmd.Flags().Changed(name) {
						in[strings.ReplaceAll(name, "-", "_")] = v
					}
				}
				if cmd.Flags().Changed("column") {
					in["map"] = m
				}
				var out map[string]any
				if err := r.send(cmd.Context(), http.MethodPut, "/sources", in, &out); err != nil {
					return err
				}
				return a.print(out, func(w io.Writer) { _, _ = fmt.Fprintf(w, "%s is set\n", name) })
			})
		},
	}
	c.Flags().StringVar(&org, "org", "", "organisation whose source it is, as MEMBER/name; without it the node's own")
	c.Flags().StringVar(&label, "tlp", "", "default marking of unmarked input; without it RED")
	c.Flags().StringVar(&zone, "time-zone", "", "IANA name, for times without a zone; default UTC")
	c.Flags().StringVar(&trust, "trust", "", "reliability A (reliable) to F (cannot be judged)")
	c.Flags().StringVar(&p.Purpose, "purpose", "", "what it is held for")
	c.Flags().StringVar(&p.Basis, "legal-basis", "", "legal ground, in words")
	c.Flags().StringVar(&p.Retention, "retention", "", "how long it is held: a class, such as indicator-90d; without it, without end")
	c.Flags().StringArrayVar(&columns, "column", nil, "COLUMN=FIELD, for CSV and JSON lines; may be repeated")
	return c
}

// classNames lists the retention classes.
func classNames() string {
	var out []string
	for _, c := range privacy.Classes() {
		out = append(out, c.Name)
	}
	return strings.Join(out, ", ")
}

// source returns what is set for a source, as it is sent.
func (r *remote) source(ctx context.Context, name string) (map[string]any, error) {
	var all []report.Source
	if err := r.get(ctx, "/sources", nil, &all); err != nil {
		return nil, err
	}
	in := map[string]any{"name": name}
	for _, s := range all {
		if s.Name != name {
			continue
		}
		if s.TLP != nil {
			in["tlp"] = s.TLP.String()
		}
		in["time_zone"], in["trust"] = s.Zone, s.Trust
		in["purpose"], in["legal_basis"], in["retention"] = s.Purpose, s.Basis, s.Retention
		if s.Map != nil {
			in["map"] = s.Map
		}
	}
	return in, nil
}
