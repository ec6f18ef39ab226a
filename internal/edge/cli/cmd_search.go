package cli

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"casus/internal/core/report"
	"casus/internal/fault"
)

func (a *app) searchCmd() *cobra.Command {
	var cursor string
	var limit int
	c := &cobra.Command{
		Use: "search VALUE|TEXT|CIDR|ID", Short: "find a value, a range, an id or words",
		Long:    "Finds who mentions a value, in whatever form it is written, what lies inside an\naddress range, an object or report by id, or words in names and texts (the last\none may be only begun). Newest first.",
		Example: "  casus search hxxp://lure[.]example/a\n  casus search 203.0.113.0/24\n  casus search wiper grid",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if strings.TrimSpace(strings.Join(args, " ")) == "" {
				return usage("search: nothing to search for; see casus search --help")
			}
			if err := checkLimit(limit); err != nil {
				return err
			}
			return a.with(cmd.Context(), func(r *remote) error {
				q := url.Values{"q": {strings.Join(args, " ")}, "limit": {strconv.Itoa(limit)}}
				if cursor != "" {
					q.Set("cursor", cursor)
				}
				var f report.Found
				if err := r.get(cmd.Context(), "/search", q, &f); err != nil {
					return err
				}
				return a.print(f, func(w io.Writer) {
					rows := make([][]string, 0, len(f.Hits))
					for _, h := range f.Hits {
						rows = append(rows, []string{h.Value, h.Type, h.ID, h.Report, h.Source, h.FirstSeen, h.TimeBasis, h.Why})
					}
					a.table(w, []string{"VALUE", "TYPE", "ID", "REPORT", "SOURCE", "SEEN", "TIME OF", "WHY"}, rows)
					_, _ = fmt.Fprintln(w, f.Sentence)
					if f.Noise != "" {
						_, _ = fmt.Fprintf(w, "note: %s\n", f.Noise)
					}
					if f.Next != "" {
						_, _ = fmt.Fprintf(a.stderr, "more with --cursor %s\n", f.Next)
					}
				})
			})
		},
	}
	c.Flags().StringVar(&cursor, "cursor", "", "the page after this one")
	c.Flags().IntVar(&limit, "limit", 50, "hits, at most 500")
	return c
}

func (a *app) objectCmd() *cobra.Command {
	c := &cobra.Command{Use: "object", Short: "one object: what is known of it, its versions, its neighbours", Example: "  casus object show indicator--26ffb872-1dd9-446e-b6f5-d58527e5b5d2"}
	verb := func(use, short string, history bool, draw func(io.Writer, report.Object)) *cobra.Command {
		return &cobra.Command{
			Use: use + " ID", Short: short, Example: "  casus object " + use + " indicator--26ffb872-1dd9-446e-b6f5-d58527e5b5d2", Args: cobra.ExactArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				return a.with(cmd.Context(), func(r *remote) error {
					q := url.Values{}
					if history {
						q.Set("history", "true")
					}
					var o report.Object
					if err := r.get(cmd.Context(), "/objects/"+url.PathEscape(args[0]), q, &o); err != nil {
						return err
					}
					return a.print(o, func(w io.Writer) {
						_, _ = fmt.Fprintf(w, "%s  %s\n%s  %s\n", o.Type, clean([]string{o.Name})[0], o.ID, o.TLP)
						draw(w, o)
					})
				})
			},
		}
	}
	c.AddCommand(
		a.objectWhy(),
		verb("show", "values and receipts of an object", false, func(w io.Writer, o report.Object) {
			rows := [][]string{}
			for _, v := range o.Values {
				rows = append(rows, []string{v.Type, v.Normal, strconv.Itoa(v.Count) + " mentions", v.Noise})
			}
			a.table(w, []string{"MENTIONS", "VALUE", "COUNT", "NOTE"}, rows)
			rows = [][]string{}
			for _, v := range o.Receipts {
				rows = append(rows, []string{v.Report, v.Source, v.Received, v.TLP, v.Version})
			}
			a.table(w, []string{"REPORT", "SOURCE", "RECEIVED", "TLP", "VERSION"}, rows)
		}),
		verb("history", "versions of an object with their bytes", true, func(w io.Writer, o report.Object) {
			for _, v := range o.Versions {
				flag := ""
				if v.Conflicting {
					flag = ", conflicting: other content was received under the same version"
				}
				_, _ = fmt.Fprintf(w, "version %s, %d receipts, first %s, SHA-256 %s%s\n%s\n", v.Key, v.Receipts, v.First, v.Digest, flag, v.Raw)
			}
		}),
		verb("graph", "neighbours of an object", false, func(w io.Writer, o report.Object) {
			rows := [][]string{}
			for _, n := range o.Linked {
				held := "held"
				if !n.Held {
					held = "not here"
				}
				rows = append(rows, []string{n.How, n.Type, n.ID, n.Name, held})
			}
			a.table(w, []string{"HOW", "TYPE", "ID", "NAME", "HELD"}, rows)
		}),
	)
	return c
}

func (a *app) exportCmd() *cobra.Command {
	var format, of string
	c := &cobra.Command{
		Use: "export", Short: "write objects as a STIX bundle, NDJSON or CSV",
		Example: "  casus export --format csv --report RPT-7K2M-9XQ4 > report.csv\n  casus export --format ndjson | gzip > all.ndjson.gz", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if format != "stix" && format != "ndjson" && format != "csv" {
				return usage("--format %s: want stix, ndjson or csv", format)
			}
			if a.json {
				return &coded{exitUsage, fault.WithHint(errors.New("export: --json says nothing here: what is written is in the form that --format names"), "leave it out; stix and ndjson are JSON")}
			}
			return a.with(cmd.Context(), func(r *remote) error {
				q := url.Values{"format": {format}}
				if of != "" {
					q.Set("report", of)
				}
				resp, err := r.do(cmd.Context(), http.MethodGet, "/export", q, nil, nil)
				if err != nil {
					return err
				}
				defer func() { _ = resp.Body.Close() }()
				out := a.stdout
				if isTerminal(out) {
					out = &shown{w: out}
				}
				if _, err := io.Copy(out, resp.Body); err != nil {
					return fault.Errorf(fault.Unavailable, "cli: export broke off: %w", err)
				}
				return nil
			})
		},
	}
	c.Flags().StringVar(&format, "format", "stix", "stix, ndjson or csv")
	c.Flags().StringVar(&of, "report", "", "of one report only")
	return c
}

func (a *app) warninglistCmd() *cobra.Command {
	c := &cobra.Command{Use: "warninglist", Short: "lists of values that are common and say little", Example: "  casus warninglist list"}
	show := func(w io.Writer, all []report.Warninglist) {
		rows := make([][]string, 0, len(all))
		for _, l := range all {
			own := "imported"
			if l.BuiltIn {
				own = "built in"
			}
			rows = append(rows, []string{l.Name, l.Version, l.Kind, strconv.Itoa(l.Entries), own})
		}
		a.table(w, []string{"LIST", "VERSION", "KIND", "ENTRIES", "FROM"}, rows)
	}
	c.AddCommand(&cobra.Command{
		Use: "list", Short: "list the lists in use", Example: "  casus warninglist list", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd.Context(), func(r *remote) error {
				all := []report.Warninglist{}
				if err := r.get(cmd.Context(), "/warninglists", nil, &all); err != nil {
					return err
				}
				return a.print(all, func(w io.Writer) { show(w, all) })
			})
		},
	}, reading(&cobra.Command{
		Use: "import FILE|- ...", Short: "take in lists in MISP's form, also in .gz", Example: "  casus warninglist import lists/*/list.json", Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(r *remote) error {
				all := []report.Warninglist{}
				for _, path := range args {
					f, _, err := a.openArg(path)
					if err != nil {
						return err
					}
					var l report.Warninglist
					err = r.call(cmd.Context(), http.MethodPost, "/warninglists", nil, f, http.Header{"Content-Type": {"application/octet-stream"}}, &l)
					_ = f.Close()
					if err != nil {
						return fault.WithHint(fault.Errorf(fault.KindOf(err), "%s: %w", path, err), "%s", fault.HintOf(err))
					}
					all = append(all, l)
				}
				return a.print(all, func(w io.Writer) { show(w, all) })
			})
		},
	}))
	return c
}

// shown writes what is exported to a terminal, which it must not drive. Elsewhere
// the bytes are those that were received.
type shown struct {
	w    io.Writer
	rest []byte // the beginning of a character
}

// Write implements io.Writer.
func (s *shown) Write(b []byte) (int, error) {
	text := append(s.rest, b...)
	whole := len(text)
	for n := 1; n < utf8.UTFMax && n <= len(text); n++ {
		if at := len(text) - n; utf8.RuneStart(text[at]) {
			if !utf8.FullRune(text[at:]) {
				whole = at
			}
			break
		}
	}
	s.rest = append([]byte(nil), text[whole:]...)
	if _, err := io.WriteString(s.w, escaped(string(text[:whole]))); err != nil {
		return 0, err
	}
	return len(b), nil
}
