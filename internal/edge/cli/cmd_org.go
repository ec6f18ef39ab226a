package cli

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"casus/internal/core/alliance"
	"casus/internal/fault"
)

func (a *app) orgCmd() *cobra.Command {
	c := &cobra.Command{
		Use: "org", Short: "members and their organisations",
		Long: "An organisation is a body of a member, named MEMBER/name, that people act for. What\n" +
			"its people hand in is its own, and reading goes by organisation: TLP:AMBER+STRICT\n" +
			"stops at it, TLP:AMBER reaches its clients too, TLP:GREEN the community.",
		Example: "  casus org list\n  casus org add AAA/mfa --kind ministry --name \"Foreign Office\"",
	}
	c.AddCommand(a.orgList(), a.orgShow(), a.orgAdd(), a.orgSet())
	return c
}

// organisations returns all organisations by id.
func (r *remote) organisations(ctx context.Context) ([]alliance.Organisation, error) {
	var all []alliance.Organisation
	err := r.get(ctx, "/organisations", nil, &all)
	return all, err
}

// organisation returns one of them.
func (r *remote) organisation(ctx context.Context, id string) (alliance.Organisation, error) {
	all, err := r.organisations(ctx)
	if err != nil {
		return alliance.Organisation{}, err
	}
	i := slices.IndexFunc(all, func(o alliance.Organisation) bool { return string(o.ID) == id })
	if i < 0 {
		return alliance.Organisation{}, fault.WithHint(fault.Errorf(fault.NotFound, "there is no organisation %.60q", id), "casus org list shows those there are")
	}
	return all[i], nil
}

func (a *app) orgList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "list organisations, by member", Example: "  casus org list --json", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd.Context(), func(r *remote) error {
				all, err := r.organisations(cmd.Context())
				if err != nil {
					return err
				}
				return a.print(map[string]any{"organisations": all}, func(w io.Writer) {
					var rows [][]string
					for _, o := range all {
						rows = append(rows, []string{string(o.ID), o.Name, o.Kind.String(), community(o), orgNames(o.Clients)})
					}
					a.table(w, []string{"ORGANISATION", "NAME", "KIND", "COMMUNITY", "CLIENTS"}, rows)
				})
			})
		},
	}
}

func community(o alliance.Organisation) string {
	if o.Community {
		return "yes"
	}
	return "no"
}

func orgNames(all []alliance.Org) string {
	var out []string
	for _, o := range all {
		out = append(out, string(o))
	}
	return strings.Join(out, ", ")
}

func (a *app) orgShow() *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Short: "show one organisation", Example: "  casus org show AAA/csirt", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(r *remote) error {
				o, err := r.organisation(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				return a.showOrg(o)
			})
		},
	}
}

// showOrg prints one organisation.
func (a *app) showOrg(o alliance.Organisation) error {
	return a.print(o, func(w io.Writer) {
		a.table(w, []string{"WHAT", "VALUE"}, [][]string{
			{"organisation", string(o.ID)},
			{"member", string(o.ID.Member())},
			{"name", o.Name},
			{"kind", o.Kind.String()},
			{"community", community(o)},
			{"clients", orgNames(o.Clients)},
		})
	})
}

// orgFlags are what can be said of an organisation.
type orgFlags struct {
	name, kind string
	community  bool
	clients    []string
}

func (f *orgFlags) on(c *cobra.Command) {
	c.Flags().StringVar(&f.name, "name", "", "what it is called; its id when not given")
	c.Flags().StringVar(&f.kind, "kind", "", "csirt, ministry, armed-forces, regulator, oversight, agency, alliance or partner")
	c.Flags().BoolVar(&f.community, "community", false, "it is of the community that TLP:GREEN speaks of; all kinds but partner are when nothing is said")
	c.Flags().StringArrayVar(&f.clients, "client", nil, "organisation that it serves: TLP:AMBER reaches it; may be repeated")
}

// into writes what was given into o.
func (f *orgFlags) into(c *cobra.Command, o *alliance.Organisation) error {
	given := c.Flags().Changed
	if given("name") {
		o.Name = f.name
	}
	if given("kind") {
		if err := o.Kind.UnmarshalText([]byte(f.kind)); err != nil || o.Kind == alliance.Unknown {
			return usage("--kind %q: want csirt, ministry, armed-forces, regulator, oversight, agency, alliance or partner", f.kind)
		}
	}
	if given("community") {
		o.Community = f.community
	}
	if given("client") {
		o.Clients = nil
		for _, client := range full(f.clients) {
			o.Clients = append(o.Clients, alliance.Org(client))
		}
	}
	return nil
}

func (a *app) orgAdd() *cobra.Command {
	var f orgFlags
	c := &cobra.Command{
		Use: "add ID", Short: "make an organisation",
		Long:    "Makes an organisation, and its member with the first of them.",
		Example: "  casus org add AAA/mfa --kind ministry --name \"Foreign Office\"\n  casus org add BBB/grid --kind partner --community", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o := alliance.Organisation{ID: alliance.Org(args[0]), Name: args[0]}
			if err := f.into(cmd, &o); err != nil {
				return err
			}
			if o.Kind == alliance.Unknown {
				return usage("org add: --kind is needed: csirt, ministry, armed-forces, regulator, oversight, agency, alliance or partner")
			}
			if !cmd.Flags().Changed("community") {
				o.Community = o.Kind != alliance.Partner
			}
			return a.with(cmd.Context(), func(r *remote) error {
				if _, err := r.organisation(cmd.Context(), args[0]); fault.KindOf(err) != fault.NotFound {
					if err == nil {
						err = fault.WithHint(fault.Errorf(fault.Conflict, "organisation %s is there already", args[0]), "change it with: casus org set %s", args[0])
					}
					return err
				}
				return a.putOrg(cmd.Context(), r, o)
			})
		},
	}
	f.on(c)
	return c
}

func (a *app) orgSet() *cobra.Command {
	var f orgFlags
	c := &cobra.Command{
		Use: "set ID", Short: "change an organisation",
		Long:    "Changes what is given and leaves the rest. Clients are replaced as a whole; an empty\none takes all away.",
		Example: "  casus org set AAA/csirt --client BBB/grid --client BBB/rail", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(r *remote) error {
				o, err := r.organisation(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				if err := f.into(cmd, &o); err != nil {
					return err
				}
				return a.putOrg(cmd.Context(), r, o)
			})
		},
	}
	f.on(c)
	return c
}

func (a *app) putOrg(ctx context.Context, r *remote, o alliance.Organisation) error {
	var out alliance.Organisation
	if err := r.send(ctx, http.MethodPut, "/organisations", o, &out); err != nil {
		return err
	}
	return a.showOrg(out)
}
