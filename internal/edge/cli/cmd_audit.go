package cli

import (
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"casus/internal/audit"
	"casus/internal/core/alliance"
)

func (a *app) auditCmd() *cobra.Command {
	c := &cobra.Command{
		Use: "audit", Short: "who read what is closely held, and who was refused",
		Long: "Reads, searches, matches and exports of what is TLP:AMBER or stricter, or classified,\n" +
			"and every refusal stand in the log. They are for auditors who act for an organisation\n" +
			"of the kind oversight, and for nobody else; on a node without people, for the local\n" +
			"operator. People are told of by key and role, things by id.",
		Example: "  casus audit list --object RPT-7K2M-9XQ4\n  casus audit verify",
	}
	c.AddCommand(a.auditList(), a.auditShow(), a.auditVerify())
	return c
}

func (a *app) auditList() *cobra.Command {
	var f struct{ since, until, kind, actor, action, object, query, cursor string }
	var limit int
	c := &cobra.Command{
		Use: "list", Short: "entries of the trail, newest first",
		Long: "Lists entries of the trail, newest first. An entry does not name more than 100 objects:\n" +
			"with --object those that may or may not be of it are listed too, as unnamed. What\n" +
			"people searched for is kept as a hash alone: --query finds searches for that very text.",
		Example: "  casus audit list --since 2026-12-01 --actor p7\n  casus audit list --kind refusal --action \"POST /api/v1/login\"\n" +
			"  casus audit list --object indicator--26ffb872-1dd9-446e-b6f5-d58527e5b5d2 --json",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkLimit(limit); err != nil {
				return err
			}
			q := url.Values{}
			for name, v := range map[string]string{
				"since": f.since, "until": f.until, "kind": f.kind, "actor": f.actor, "action": f.action, "object": f.object, "query": f.query, "cursor": f.cursor,
			} {
				if v != "" {
					q.Set(name, v)
				}
			}
			return a.with(cmd.Context(), func(r *remote) error {
				out := audit.Listing{Entries: []audit.Entry{}}
				for { // a page may end before it is full
					q.Set("limit", strconv.Itoa(limit-len(out.Entries)))
					var page audit.Listing
					if err := r.get(cmd.Context(), "/audit", q, &page); err != nil {
						return err
					}
					out.Entries, out.Next = append(out.Entries, page.Entries...), page.Next
					if page.Next == "" || len(out.Entries) >= limit {
						break
					}
					q.Set("cursor", page.Next)
				}
				return a.print(out, func(w io.Writer) {
					rows := make([][]string, 0, len(out.Entries))
					for i := range out.Entries {
						rows = append(rows, noteRow(&out.Entries[i]))
					}
					a.table(w, []string{"ID", "WHEN", "WHO", "AS", "WHAT", "OUTCOME", "OF"}, rows)
					if out.Next != "" {
						_, _ = fmt.Fprintf(a.stderr, "more with --cursor %s\n", out.Next)
					}
				})
			})
		},
	}
	fl := c.Flags()
	fl.StringVar(&f.since, "since", "", "from this day or instant on")
	fl.StringVar(&f.until, "until", "", "before this day or instant")
	fl.StringVar(&f.kind, "kind", "", "read or refusal; both when empty")
	fl.StringVar(&f.actor, "actor", "", "key of a person, or nobody for who was not signed in")
	fl.StringVar(&f.action, "action", "", "what was done or asked for, or how that begins")
	fl.StringVar(&f.object, "object", "", "id of an object, a report or a piece set aside")
	fl.StringVar(&f.query, "query", "", "searches for exactly this text; case does not count")
	fl.StringVar(&f.cursor, "cursor", "", "the page after this one")
	fl.IntVar(&limit, "limit", 50, "entries, at most 500")
	return c
}

// noteRow is an entry in a line.
func noteRow(e *audit.Entry) []string {
	who, as := noteWho(e)
	return []string{e.ID, e.At.Format(time.RFC3339), who, as, e.Action(), noteOutcome(e), noteThings(e)}
}

func noteWho(e *audit.Entry) (who, as string) {
	if e.Person != "" {
		return string(e.Person), e.Role.String()
	}
	if e.Refusal != nil && e.Refusal.From != "" {
		return audit.Nobody + " (" + e.Refusal.From + ")", ""
	}
	return audit.Nobody, ""
}

// noteOutcome says what came of it.
func noteOutcome(e *audit.Entry) string {
	out, times := "given", 0
	switch {
	case e.Refusal != nil && e.Refusal.Status == 0:
		out, times = "denied: rules erred", e.Refusal.Count
	case e.Refusal != nil:
		out, times = "refused "+strconv.Itoa(e.Refusal.Status), e.Refusal.Count
	case e.Read.Begun:
		out = "begun"
	case e.Read.Cut:
		out, times = "given, broken off", e.Read.Times
	default:
		times = e.Read.Times
	}
	if times > 1 {
		out += fmt.Sprintf(", %d times", times)
	}
	if e.Unnamed {
		out += ", unnamed"
	}
	return out
}

// noteThings says of what.
func noteThings(e *audit.Entry) string {
	if e.Refusal != nil {
		out := slices.Clone(e.Refusal.Withheld)
		if e.Refusal.About != "" {
			out = append(out, "login of "+string(e.Refusal.About))
		}
		return strings.Join(append(out, e.Refusal.Alarms...), " ")
	}
	const shown = 3
	out := e.Read.Objects[:min(len(e.Read.Objects), shown)]
	if more := e.Read.ObjectCount - len(out); more > 0 {
		out = append(slices.Clip(out), fmt.Sprintf("and %d more", more))
	}
	if len(out) == 0 {
		out = e.Read.Reports[:min(len(e.Read.Reports), shown)]
		if more := e.Read.ReportCount - len(out); more > 0 {
			out = append(slices.Clip(out), fmt.Sprintf("and %d more", more))
		}
	}
	return strings.Join(out, " ")
}

func (a *app) auditShow() *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Short: "one entry whole", Example: "  casus audit show AUD-3F9K-2MWC", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(r *remote) error {
				var out audit.Listing
				if err := r.get(cmd.Context(), "/audit/"+pathEscape(args[0]), nil, &out); err != nil {
					return err
				}
				return a.print(out, func(w io.Writer) {
					for i := range out.Entries {
						a.table(w, []string{"WHAT", "VALUE"}, noteRows(&out.Entries[i]))
					}
				})
			})
		},
	}
}

// noteRows is an entry whole; what is empty is left out.
func noteRows(e *audit.Entry) [][]string {
	who, as := noteWho(e)
	rows := [][]string{
		{"entry", e.ID},
		{"when", e.At.Format(time.RFC3339Nano)},
		{"written", e.Written.Format(time.RFC3339Nano)},
		{"who", who},
		{"role", as},
		{"token", e.Token},
		{"what", e.Action()},
		{"outcome", noteOutcome(e)},
	}
	var org alliance.Org
	if g := e.Read; g != nil {
		org = g.Org
		rows = append(rows, []string{"marking", g.TLP}, []string{"hash of the query", g.Query})
		rows = append(rows, named("report", g.Reports, g.ReportCount)...)
		rows = append(rows, named("object", g.Objects, g.ObjectCount)...)
		rows = append(rows, []string{"SHA-256 of all ids", g.Digest})
	}
	if r := e.Refusal; r != nil {
		org = r.Org
		rows = append(rows, []string{"login of", string(r.About)}, []string{"hash of the login", r.LoginHash})
		rows = append(rows, named("withheld", r.Withheld, 0)...)
		rows = append(rows, named("alarm", r.Alarms, 0)...)
		if r.Seconds > 0 {
			rows = append(rows, []string{"over", strconv.Itoa(r.Seconds) + " s"})
		}
	}
	rows = append(rows, []string{"organisation", string(org)})
	var out [][]string
	for _, row := range rows {
		if row[1] != "" {
			out = append(out, row)
		}
	}
	return out
}

func named(what string, ids []string, count int) [][]string {
	var out [][]string
	for _, id := range ids {
		out = append(out, []string{what, id})
	}
	if count > len(ids) {
		out = append(out, []string{what, fmt.Sprintf("and %d more", count-len(ids))})
	}
	return out
}

func (a *app) auditVerify() *cobra.Command {
	return &cobra.Command{
		Use: "verify", Short: "check that nothing of the trail was changed or lost",
		Long: "Checks the chain of the log, and that every entry of the trail is whole and found.\n" +
			"Write the head down outside the node: it fixes everything before it. Exit code 7 means\n" +
			"that something is wrong; what is told as problems.",
		Example: "  casus audit verify --json", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd.Context(), func(r *remote) error {
				var v audit.Verdict
				if err := r.follow(cmd.Context(), "/audit/verify", nil, nil, "", &v); err != nil {
					return err
				}
				if v.Problems == nil {
					v.Problems = []string{}
				}
				found := fmt.Sprintf("%s, %s\nhead  %s", plural(v.Reads, "read", "reads"), plural(v.Refusals, "refusal", "refusals"), v.Head)
				return a.verdict(v, v.OK, v.Problems, found, "find out who had the files of the node in hand")
			})
		},
	}
}
