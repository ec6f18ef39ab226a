package cli

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"casus/internal/core/report"
	"casus/tlp"
)

// released is a release as it is sent.
type released struct {
	To    []string   `json:"to,omitempty"`
	TLP   string     `json:"tlp,omitempty"`
	Until *time.Time `json:"until,omitempty"`
}

func (a *app) reportShare() *cobra.Command {
	var in released
	var until string
	var dry bool
	c := &cobra.Command{
		Use: "share REPORT --dry-run", Short: "what each reader would get of a report",
		Long: `Shows what each organisation, and each person whom its marking names, would get of
a report: of each field all, a coarser form or nothing, and the rules that decide.
Without --to and --tlp it shows how the report stands. Nothing is changed. Only
people of the organisation that handed the report in may ask.`,
		Example: "  casus report share RPT-7K2M-9XQ4 --dry-run --to BBB/csirt --tlp amber", Args: cobra.ExactArgs(1),
		PreRunE: func(*cobra.Command, []string) error { return in.check(until) },
		RunE: func(cmd *cobra.Command, args []string) error {
			if !dry {
				return usage("report share: want --dry-run")
			}
			return a.with(cmd.Context(), func(r *remote) error {
				var p report.Preview
				if err := r.send(cmd.Context(), http.MethodPost, "/reports/"+url.PathEscape(args[0])+"/preview", in, &p); err != nil {
					return err
				}
				return a.print(p, func(w io.Writer) { a.preview(w, p) })
			})
		},
	}
	c.Flags().BoolVar(&dry, "dry-run", false, "show who would get what, and change nothing")
	c.Flags().StringSliceVar(&in.To, "to", nil, "organisation to release it to; may be repeated")
	c.Flags().StringVar(&in.TLP, "tlp", "", "label: takes the place of the source's default, tightens what a sender said")
	c.Flags().StringVar(&until, "until", "", "when the release to these ends, as a day or an instant in UTC")
	return c
}

// check reads what a flag says.
func (in *released) check(until string) error {
	if _, ok := tlp.Parse(in.TLP); in.TLP != "" && !ok {
		return usage("--tlp %s: want red, amber+strict, amber, green or clear", in.TLP)
	}
	if until == "" {
		return nil
	}
	if t, err := report.DayOrInstant(until); err == nil {
		in.Until = &t
		return nil
	}
	return usage("--until %s: want a day such as 2026-12-24, or an instant such as 2026-12-24T18:00:00Z", until)
}

// preview draws who would get what.
func (a *app) preview(w io.Writer, p report.Preview) {
	_, _ = fmt.Fprintf(w, "%s  %s  %s\n", p.Report, clean([]string{p.Title})[0], p.TLP)
	rows := [][]string{}
	for _, r := range p.Readers {
		sees := "nothing"
		if r.Objects > 0 || r.Itself {
			sees = fmt.Sprintf("%d of %d objects", r.Objects, p.Objects)
		}
		rows = append(rows, []string{r.Reader, r.Name, sees, fields(r.Full, r.Coarsened, r.Withheld), clauseIDs(r.Rules)})
	}
	a.table(w, []string{"READER", "NAME", "SEES", "FIELDS", "RULES"}, rows)
	rows = [][]string{}
	for _, row := range p.Rows {
		for _, c := range row.Cells {
			what := c.View()
			if what == "partly" {
				what = fields(c.Full, c.Coarsened, c.Withheld)
			}
			rows = append(rows, []string{row.Type, strings.Join(row.Fields, ", "), strconv.Itoa(row.Objects), c.Reader, what, strings.Join(c.Rules, ", ")})
		}
	}
	a.table(w, []string{"TYPE", "FIELDS", "OBJECTS", "READER", "GETS", "RULES"}, rows)
	_, _ = fmt.Fprintf(w, "%d of %d readers would see something: %s\n", p.Seeing, len(p.Readers), strings.Join(p.Organisations, ", "))
	for _, e := range p.Errors {
		_, _ = fmt.Fprintf(a.stderr, "warning: a rule could not be evaluated, which denies: %s\n", clean([]string{e})[0])
	}
}

// fields says how many fields are got how.
func fields(full, coarsened, withheld int) string {
	out := strconv.Itoa(full) + " full"
	if coarsened > 0 {
		out += ", " + strconv.Itoa(coarsened) + " coarsened"
	}
	return out + ", " + strconv.Itoa(withheld) + " withheld"
}

func clauseIDs(list []report.Clause) string {
	ids := make([]string, 0, len(list))
	for _, c := range list {
		ids = append(ids, c.ID)
	}
	return strings.Join(ids, ", ")
}

func (a *app) objectWhy() *cobra.Command {
	var reader string
	c := &cobra.Command{
		Use: "why ID", Short: "which arrival and which rule lets a reader in or keeps him out",
		Long: `Shows for each arrival of an object whether a reader may see it, and every rule that
decides. The reader is an organisation (AAA/csirt), a member (AAA: all of its
organisations), a person of your own organisation by key, or me. How others stand
is told to people of the organisation that handed the arrival in.`,
		Example: "  casus object why indicator--26ffb872-1dd9-446e-b6f5-d58527e5b5d2 --reader BBB/csirt", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(r *remote) error {
				var y report.Why
				if err := r.get(cmd.Context(), "/objects/"+url.PathEscape(args[0])+"/why", url.Values{"reader": {reader}}, &y); err != nil {
					return err
				}
				return a.print(y, func(w io.Writer) {
					rows := [][]string{}
					for _, s := range y.Readers {
						for _, v := range s.Receipts {
							for _, c := range v.Rules {
								rows = append(rows, []string{s.Reader, v.Effect, v.Report, v.Version, v.TLP, c.ID, c.Says})
							}
						}
					}
					a.table(w, []string{"READER", "EFFECT", "REPORT", "VERSION", "TLP", "RULE", "SAYS"}, rows)
				})
			})
		},
	}
	c.Flags().StringVar(&reader, "reader", "me", "organisation, member, person's key, or me")
	return c
}
