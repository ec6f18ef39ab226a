package cli

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"casus/internal/core/alliance"
	"casus/internal/core/report"
	"casus/internal/fault"
)

func (a *app) taxiiCmd() *cobra.Command {
	c := &cobra.Command{
		Use: "taxii", Short: "exchange with programs that speak TAXII 2.1",
		Long: "Programs that speak TAXII 2.1 find this node at /taxii2/ of the address that casus\n" +
			"serve prints. They sign in with a token: as a bearer, or with HTTP Basic, the login\n" +
			"or key of the person it acts for and the token as password.",
		Example: "  casus taxii collection list",
	}
	col := &cobra.Command{
		Use: "collection", Short: "what they can ask for and write to",
		Long: "A collection is a saved filter over what its readers may read anyway: it opens\n" +
			"nothing. To people of other organisations than those it is for it is not there.",
		Example: "  casus taxii collection list\n  casus taxii collection add --title \"Indicators\" --alias indicators --type indicator --read",
	}
	col.AddCommand(a.collectionList(), a.collectionAdd(), a.collectionRemove())
	c.AddCommand(col)
	return c
}

func (a *app) collectionList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "list collections", Example: "  casus taxii collection list --json", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd.Context(), func(r *remote) error {
				all := []report.Collection{}
				if err := r.get(cmd.Context(), "/collections", nil, &all); err != nil {
					return err
				}
				return a.print(all, func(w io.Writer) {
					rows := make([][]string, 0, len(all))
					for i := range all {
						rows = append(rows, collectionRow(&all[i]))
					}
					a.table(w, []string{"ID", "ALIAS", "TITLE", "READ", "WRITE", "HOLDS", "FOR"}, rows)
				})
			})
		},
	}
}

func collectionRow(c *report.Collection) []string {
	yes := map[bool]string{true: "yes", false: "no"}
	var holds []string
	if len(c.Filter.Sources) > 0 {
		holds = append(holds, "sources "+strings.Join(c.Filter.Sources, ", "))
	}
	if len(c.Filter.Types) > 0 {
		holds = append(holds, "types "+strings.Join(c.Filter.Types, ", "))
	}
	if c.Filter.Ceiling != nil {
		holds = append(holds, "up to "+c.Filter.Ceiling.String())
	}
	if len(c.Filter.Organisations) > 0 {
		holds = append(holds, "of "+orgNames(c.Filter.Organisations))
	}
	if len(holds) == 0 {
		holds = []string{"everything"}
	}
	audience := "everybody"
	if len(c.Audience) > 0 {
		audience = orgNames(c.Audience)
	}
	return []string{c.ID, c.Alias, c.Title, yes[c.Readable], yes[c.Writable], strings.Join(holds, "; "), audience}
}

func (a *app) collectionAdd() *cobra.Command {
	var c report.Collection
	var label string
	var of, audience []string
	cmd := &cobra.Command{
		Use: "add", Short: "make a collection",
		Long: "Makes a collection. What is in it is chosen by --source, --type, --tlp and --org,\n" +
			"all of which must be met; without any it is everything that its reader may read.\n" +
			"What is written to it comes in as reports of --from, and is marked as that source\n" +
			"says. A collection is not changed: remove it and make another.",
		Example: "  casus taxii collection add --title \"Indicators\" --alias indicators --type indicator --tlp green --read\n" +
			"  casus taxii collection add --title \"From partners\" --alias partners --from partners --source partners --read --write\n" +
			"  casus taxii collection add --title \"For the army\" --for AAA/army --read",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			body := struct {
				report.Collection
				Filter map[string]any `json:"filter,omitempty"`
			}{Collection: c, Filter: map[string]any{}}
			for _, o := range audience {
				body.Audience = append(body.Audience, alliance.Org(o))
			}
			if c.Title == "" {
				return fault.WithHint(fault.Errorf(fault.Invalid, "the collection has no title"), "say with --title what people call it")
			}
			if !c.Readable && !c.Writable {
				return fault.WithHint(fault.Errorf(fault.Invalid, "nobody could do anything with it"), "add --read, --write or both")
			}
			for name, list := range map[string][]string{"sources": c.Filter.Sources, "types": c.Filter.Types, "organisations": of} {
				if len(list) > 0 {
					body.Filter[name] = list
				}
			}
			if label != "" {
				body.Filter["tlp"] = label
			}
			return a.with(cmd.Context(), func(r *remote) error {
				var made report.Collection
				if err := r.send(cmd.Context(), http.MethodPost, "/collections", body, &made); err != nil {
					return err
				}
				return a.print(made, func(w io.Writer) { _, _ = fmt.Fprintln(w, made.ID) })
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&c.Title, "title", "", "what people call it")
	f.StringVar(&c.Alias, "alias", "", "another name for addresses: lower case, digits, dots and dashes")
	f.StringVar(&c.Description, "description", "", "what it is for")
	f.StringVar(&c.ID, "id", "", "its UUID, where others know it already; else one is made")
	f.StringVar(&c.Source, "from", "", "the source that what is written to it comes from; else one of its own")
	f.StringSliceVar(&c.Filter.Sources, "source", nil, "hold what came from these sources")
	f.StringSliceVar(&c.Filter.Types, "type", nil, "hold objects of these types, and what they refer to for their meaning")
	f.StringVar(&label, "tlp", "", "hold what is marked no stricter than this: clear, green, amber, amber+strict or red")
	f.StringSliceVar(&of, "org", nil, "hold what these organisations gave")
	f.StringSliceVar(&audience, "for", nil, "the organisations it is there for; else everybody")
	f.BoolVar(&c.Readable, "read", false, "it can be read")
	f.BoolVar(&c.Writable, "write", false, "it can be written to")
	return cmd
}

func (a *app) collectionRemove() *cobra.Command {
	return &cobra.Command{
		Use: "remove ID|ALIAS", Short: "end a collection; what was in it stays", Example: "  casus taxii collection remove indicators", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(r *remote) error {
				var out map[string]bool
				if err := r.send(cmd.Context(), http.MethodDelete, "/collections/"+url.PathEscape(args[0]), nil, &out); err != nil {
					return err
				}
				return a.print(out, func(io.Writer) {})
			})
		},
	}
}
