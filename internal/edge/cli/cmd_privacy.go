package cli

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"casus/internal/core/privacy"
	"casus/internal/fault"
)

func (a *app) privacyCmd() *cobra.Command {
	c := &cobra.Command{
		Use: "privacy", Short: "data protection: find, export and erase a person's data; holds and retention",
		Long: "Answers a person whose data stands in what came in, keeps things from being erased,\n" +
			"and erases what is due. It is the data-protection officer's, for what the officer's own\n" +
			"organisation handed in: of what the officer may not read it tells only in how many places\n" +
			"of which report a value stands. On a node without people it is the local operator's.",
		Example: "  casus privacy find ada@example.org",
	}
	c.AddCommand(a.privacyFind(), a.privacyExport(), a.privacyErase(), a.privacyHold(), a.privacyRelease(), a.privacyHolds(), a.privacyRetention())
	return c
}

func hitRows(hits []privacy.Trace) [][]string {
	rows := make([][]string, 0, len(hits))
	for _, h := range hits {
		id, field := h.ID, h.Field
		if !h.Readable {
			id, field = "not readable to you", plural(h.Count, "place", "places")
		}
		rows = append(rows, []string{h.Place, id, field, h.Report, h.Source, h.Received, h.TLP, h.Kept})
	}
	return rows
}

func (a *app) privacyFind() *cobra.Command {
	return &cobra.Command{
		Use: "find VALUE", Short: "where a value stands: a mail address, a name, an address, a login",
		Long: "Looks for a value in objects (also in another spelling), titles, file names, names of\n" +
			"sources, files as handed in, what was set aside, and what the node's people are called.\n" +
			"Case does not matter. It reads all that is held, so it takes a while. A place with a\n" +
			"reason in the last column is not erased.",
		Example: "  casus privacy find ada@example.org\n  casus privacy find \"Ada Lovelace\" --json", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := a.findValue(cmd, args[0], false)
			if err != nil {
				return err
			}
			return a.print(f, func(w io.Writer) {
				a.table(w, []string{"PLACE", "ID", "WHERE", "REPORT", "SOURCE", "RECEIVED", "TLP", "STAYS BECAUSE"}, hitRows(f.Hits))
				_, _ = fmt.Fprintf(w, "%s, of which %d can be erased\n", plural(f.Total, "place", "places"), f.Erasable)
				for _, o := range f.Outside {
					_, _ = fmt.Fprintf(a.stderr, "not looked into: %s\n", o)
				}
			})
		},
	}
}

func (a *app) privacyExport() *cobra.Command {
	return &cobra.Command{
		Use: "export VALUE", Short: "what is held about a person, as JSON to answer that person with",
		Long: "Writes where a value stands and what stands there, as one JSON value: each place with\n" +
			"report, source, time of receipt and marking. Look through it before it leaves: it may\n" +
			"name others, and be marked for less than the person who asks.",
		Example: "  casus privacy export ada@example.org > answer.json", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := a.findValue(cmd, args[0], true)
			if err != nil {
				return err
			}
			always := *a
			always.json = true
			return always.print(f, nil)
		},
	}
}

func (a *app) findValue(cmd *cobra.Command, value string, text bool) (privacy.Traces, error) {
	var f privacy.Traces
	err := a.with(cmd.Context(), func(r *remote) error {
		return r.send(cmd.Context(), http.MethodPost, "/privacy/find", map[string]any{"value": value, "text": text}, &f)
	})
	return f, wrongValue(err)
}

// wrongValue makes of what cannot be looked for a wrong usage.
func wrongValue(err error) error {
	if err != nil && fault.KindOf(err) == fault.Invalid {
		return &coded{exitUsage, err}
	}
	return err
}

func (a *app) privacyErase() *cobra.Command {
	var reason string
	var dry bool
	c := &cobra.Command{
		Use: "erase VALUE", Short: "erase what may be erased of where a value stands",
		Long: "Erases the objects that hold a value, with the files that they came in, files that hold\n" +
			"it, what was set aside, reports whole whose title, file name or source holds it, and the\n" +
			"names of the node's people. What stays is listed with its reason: what a legal hold\n" +
			"keeps, what another organisation answers for, and entries that name a person by key.\n" +
			"Exit code 3 means that something stays. Look first with --dry-run.",
		Example: "  casus privacy erase ada@example.org --dry-run\n  casus privacy erase ada@example.org --reason \"request 17 of 2026\"", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if strings.TrimSpace(reason) == "" && !dry {
				return usage("erase: --reason is required; it is kept on the record")
			}
			var out privacy.Gone
			err := a.with(cmd.Context(), func(r *remote) error {
				return r.send(cmd.Context(), http.MethodPost, "/privacy/erase", map[string]any{"value": args[0], "reason": reason, "dry_run": dry}, &out)
			})
			if err != nil {
				return wrongValue(err)
			}
			err = a.print(out, func(w io.Writer) {
				word := "gone"
				if dry {
					word = "would go"
				}
				_, _ = fmt.Fprintf(w, "%s: %s, with %s, %s whole, %s kept as handed in, %s\n", word, plural(out.Places, "place", "places"), plural(out.Receipts, "receipt", "receipts"),
					plural(out.Reports, "report", "reports"), plural(out.Originals, "file", "files"), plural(out.Persons, "name of a person", "names of persons"))
				rows := make([][]string, 0, len(out.Kept))
				for _, k := range out.Kept {
					rows = append(rows, []string{"stays", k.Place, k.ID, k.Report, strconv.Itoa(k.Count), k.Why, k.Remedy})
				}
				a.table(w, []string{"", "PLACE", "ID", "REPORT", "PLACES", "WHY", "WHAT TO DO"}, rows)
			})
			if err == nil && len(out.Kept) > 0 && !dry {
				return &coded{exitPartly, errors.New(plural(len(out.Kept), "place stays", "places stay"))}
			}
			return err
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why, such as the number of the request; kept on the record, so it must not name the value")
	c.Flags().BoolVar(&dry, "dry-run", false, "tell, and erase nothing")
	return c
}

func (a *app) privacyHold() *cobra.Command {
	var want privacy.NewHold
	c := &cobra.Command{
		Use: "hold [REPORT|OBJECT]", Short: "keep a report, an object or a source from being erased",
		Long: "A hold stops retention and every erasure of what it is on, until it is lifted: of a\n" +
			"source, all its reports; of an object, the reports that it came in. Setting and lifting\n" +
			"are on record with who and why.",
		Example: "  casus privacy hold RPT-7K2M-9XQ4 --reason \"court order 4 of 2026\"\n  casus privacy hold --source cert-a --reason \"inquiry 3\"", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				want.ID = args[0]
			}
			switch {
			case (want.ID == "") == (want.Source == ""):
				return usage("hold: name a report or object, or a source with --source")
			case strings.TrimSpace(want.Reason) == "":
				return usage("hold: --reason is required; it is kept on the record")
			}
			return a.with(cmd.Context(), func(r *remote) error {
				var h privacy.Hold
				if err := r.send(cmd.Context(), http.MethodPost, "/privacy/holds", want, &h); err != nil {
					return err
				}
				return a.print(h, func(w io.Writer) { _, _ = fmt.Fprintf(w, "%s holds %s %s\n", h.ID, h.On, clean([]string{h.Target})[0]) })
			})
		},
	}
	c.Flags().StringVar(&want.Source, "source", "", "all reports of a source")
	c.Flags().StringVar(&want.Reason, "reason", "", "why; kept on the record")
	return c
}

func (a *app) privacyRelease() *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use: "release HOLD", Short: "lift a hold", Example: "  casus privacy release HLD-2M7K-4XQ9 --reason \"the inquiry is over\"", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if strings.TrimSpace(reason) == "" {
				return usage("release: --reason is required; it is kept on the record")
			}
			return a.with(cmd.Context(), func(r *remote) error {
				var h privacy.Hold
				if err := r.send(cmd.Context(), http.MethodPost, "/privacy/holds/"+url.PathEscape(args[0])+"/release", map[string]string{"reason": reason}, &h); err != nil {
					return err
				}
				return a.print(h, func(w io.Writer) { _, _ = fmt.Fprintf(w, "%s is lifted\n", h.ID) })
			})
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why; kept on the record")
	return c
}

func (a *app) privacyHolds() *cobra.Command {
	var all bool
	c := &cobra.Command{
		Use: "holds", Short: "list the holds in force", Example: "  casus privacy holds --all", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd.Context(), func(r *remote) error {
				q := url.Values{}
				if all {
					q.Set("all", "true")
				}
				list := []privacy.Hold{}
				if err := r.get(cmd.Context(), "/privacy/holds", q, &list); err != nil {
					return err
				}
				return a.print(list, func(w io.Writer) {
					rows := make([][]string, 0, len(list))
					for _, h := range list {
						rows = append(rows, []string{h.ID, string(h.On), h.Target, h.At, h.By, h.Reason, h.Lifted, h.LiftedBy, h.LiftedReason})
					}
					a.table(w, []string{"HOLD", "ON", "TARGET", "SINCE", "BY", "REASON", "LIFTED", "BY", "REASON"}, rows)
				})
			})
		},
	}
	c.Flags().BoolVar(&all, "all", false, "lifted ones too")
	return c
}

func (a *app) privacyRetention() *cobra.Command {
	var dry bool
	c := &cobra.Command{
		Use: "retention", Short: "erase the reports whose time is over by the class of their source",
		Long: "Erases whole reports that came in longer ago than the retention class of their source\n" +
			"says, with their files, and writes down what went, by which rule, and a digest that\n" +
			"casus node verify checks. What a legal hold keeps is listed with the hold. One run does\n" +
			"at most 200 reports: run it again while something is left. A serving node runs it by\n" +
			"itself, at its start and daily. Classes are set with casus source set.",
		Example: "  casus privacy retention --dry-run\n  casus privacy retention", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd.Context(), func(r *remote) error {
				var out privacy.Run
				if err := r.send(cmd.Context(), http.MethodPost, "/privacy/retention", map[string]bool{"dry_run": dry}, &out); err != nil {
					return err
				}
				return a.print(out, func(w io.Writer) {
					rows := make([][]string, 0, len(out.Due))
					for _, d := range out.Due {
						rows = append(rows, []string{d.Report, d.Received, d.Since, d.Class, d.Source, d.TLP, strconv.Itoa(d.Receipts), d.Title, d.Held})
					}
					a.table(w, []string{"REPORT", "RECEIVED", "DUE SINCE", "RETENTION", "SOURCE", "TLP", "RECEIPTS", "TITLE", "HELD BY"}, rows)
					_, _ = fmt.Fprintf(w, "%s due; gone: %s with %s and %s kept as handed in; %d held, %d left\n", plural(len(out.Due), "report", "reports"),
						plural(out.Reports, "report", "reports"), plural(out.Receipts, "receipt", "receipts"), plural(out.Originals, "file", "files"), out.Held, out.Left)
				})
			})
		},
	}
	c.Flags().BoolVar(&dry, "dry-run", false, "list what is due, and erase nothing")
	return c
}
