package cli

import (
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"casus/internal/core/alliance"
	"casus/internal/core/marking"
	"casus/internal/people"
)

func pathEscape(s string) string { return url.PathEscape(s) }

func (a *app) userCmd() *cobra.Command {
	c := &cobra.Command{
		Use: "user", Short: "say who takes part, and in which roles",
		Long: "From the first person on, every command, page and call acts for somebody who is\n" +
			"signed in. The first person is an administrator, who runs the node and reads nothing\n" +
			"of what it holds, and can give others the roles that do. Whoever owns the files of\n" +
			"the node can read them all the same. What was handed in before the first person was\n" +
			"there belongs to that person's organisation, and where it is TLP:RED reaches that one\n" +
			"alone.",
		Example: "  casus user add p7 --org AAA/csirt --org-kind csirt --name \"Ada L.\" --login ada --role administrator",
	}
	c.AddCommand(a.userAdd(), a.userList(), a.userShow(), a.userEdit(), a.userPassword(), a.userLink(), a.userUnlink(), a.userRemove())
	return c
}

// span reads FROM..TO, where either may be empty, as days or instants.
func span(s string) (alliance.Span, error) {
	from, to, ok := strings.Cut(s, "..")
	if !ok {
		return alliance.Span{}, usage("%q: want FROM..TO, for example 2026-12-24..2027-01-02", s)
	}
	var out alliance.Span
	for at, text := range map[*time.Time]string{&out.From: from, &out.To: to} {
		if text == "" {
			continue
		}
		t, err := time.Parse(time.DateOnly, text)
		if err != nil {
			t, err = time.Parse(time.RFC3339, text)
		}
		if err != nil {
			return alliance.Span{}, usage("%q: want a day like 2026-12-24 or an instant like 2026-12-24T08:00:00Z", text)
		}
		*at = t.UTC()
	}
	if err := out.Validate(); err != nil {
		return alliance.Span{}, usage("%q: it ends before it begins", s)
	}
	return out, nil
}

// posts reads roles, each ROLE or ROLE=FROM..TO.
func posts(names []string) ([]alliance.Post, error) {
	out := []alliance.Post{}
	for _, n := range names {
		name, when, timed := strings.Cut(n, "=")
		r, err := role(name)
		if err != nil {
			return nil, err
		}
		if r == alliance.NoRole {
			return nil, usage("--role: want one of %s", roleNames())
		}
		p := alliance.Post{Role: r}
		if timed {
			if p.Span, err = span(when); err != nil {
				return nil, err
			}
		}
		out = append(out, p)
	}
	return out, nil
}

// timed reads WHAT or WHAT=FROM..TO.
func timed(text string) (what string, s alliance.Span, err error) {
	what, when, ok := strings.Cut(text, "=")
	if ok {
		s, err = span(when)
	}
	return what, s, err
}

func clearances(names []string) (*[]alliance.Clearance, error) {
	out := []alliance.Clearance{}
	for _, n := range names {
		level, s, err := timed(n)
		if err != nil {
			return nil, err
		}
		l := marking.Level(level)
		if l.Validate() != nil {
			return nil, usage("--clearance %q: want LADDER/LEVEL, for example alliance/RESTRICTED", n)
		}
		out = append(out, alliance.Clearance{Ladder: l.Ladder(), Level: l.Name(), Span: s})
	}
	return &out, nil
}

func access(names []string) (*[]alliance.Access, error) {
	out := []alliance.Access{}
	for _, n := range names {
		caveat, s, err := timed(n)
		if err != nil {
			return nil, err
		}
		out = append(out, alliance.Access{Caveat: caveat, Span: s})
	}
	return &out, nil
}

// deputies reads who stands in for key: each ROLE=KEY, with ,leave for while key
// is on leave alone, or ,FROM..TO.
func deputies(key alliance.Key, names []string) ([]alliance.Deputy, error) {
	out := []alliance.Deputy{}
	for _, n := range names {
		name, who, ok := strings.Cut(n, "=")
		r, err := role(name)
		if err != nil {
			return nil, err
		}
		by, when, timed := strings.Cut(who, ",")
		if !ok || r == alliance.NoRole || by == "" {
			return nil, usage("--deputy %q: want ROLE=KEY, ROLE=KEY,leave or ROLE=KEY,FROM..TO", n)
		}
		d := alliance.Deputy{For: key, By: alliance.Key(by), Role: r}
		switch {
		case when == "leave":
			d.OnLeave = true
		case timed:
			if d.Span, err = span(when); err != nil {
				return nil, err
			}
		}
		out = append(out, d)
	}
	return out, nil
}

const roleHelp = "role, or ROLE=FROM..TO; may be given several times"

func (a *app) userAdd() *cobra.Command {
	var p people.NewPerson
	var org, kind string
	var roles []string
	var noPassword bool
	c := &cobra.Command{
		Use: "add KEY", Short: "add a person; the password is asked for, or a line of stdin",
		Long: "Adds a person. KEY stands for the person in permanent entries and is never given to\n" +
			"another: choose one that is no name. Name, login and mail address are kept apart and\n" +
			"can be erased. The password is asked for on the terminal or read as a line of stdin.",
		Example: "  casus user add p7 --org AAA/csirt --org-kind csirt --name \"Ada L.\" --login ada --role administrator < password.txt\n" +
			"  casus user add p8 --org AAA/mfa --name \"Ben M.\" --login ben --role delegate --role analyst=2026-12-01..2027-03-01",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			p.Key, p.Org = alliance.Key(args[0]), alliance.Org(org)
			if p.Posts, err = posts(roles); err != nil {
				return err
			}
			if kind != "" {
				if err := p.OrgKind.UnmarshalText([]byte(kind)); err != nil {
					return usage("--org-kind %q: want csirt, ministry, armed-forces, regulator, oversight, agency, alliance or partner", kind)
				}
			}
			if p.Login != "" && !noPassword {
				if p.Password, err = a.secret("password for " + p.Login); err != nil {
					return err
				}
			}
			return a.with(cmd.Context(), func(r *remote) error {
				var out people.Person
				if err := r.send(cmd.Context(), "POST", "/users", p, &out); err != nil {
					return err
				}
				if out.NamedIn(string(out.Key)) && !a.json {
					a.say("note: the key %s names the person, stays in permanent entries and cannot be erased", out.Key)
				}
				return a.showPerson(out)
			})
		},
	}
	f := c.Flags()
	f.StringVar(&org, "org", "", "organisation, as MEMBER/name, for example AAA/csirt")
	f.StringVar(&p.OrgName, "org-name", "", "name of the organisation, when it is new")
	f.StringVar(&kind, "org-kind", "", "kind of the organisation, when it is new")
	f.StringVar(&p.Name, "name", "", "what the person is called; can be erased")
	f.StringVar(&p.Login, "login", "", "what the person types to sign in")
	f.StringVar(&p.Email, "email", "", "mail address; can be erased")
	f.StringArrayVar(&roles, "role", nil, roleHelp)
	f.BoolVar(&p.BreakGlass, "break-glass", false, "an account for emergencies: each use is written down")
	f.BoolVar(&noPassword, "no-password", false, "ask for no password: the person signs in otherwise")
	return c
}

// showPerson prints one person.
func (a *app) showPerson(p people.Person) error {
	return a.print(p, func(w io.Writer) {
		rows := [][]string{{"key", string(p.Key)}, {"name", p.Name}, {"login", p.Login}, {"email", p.Email}, {"organisation", string(p.Org)}}
		for _, x := range p.Posts {
			rows = append(rows, []string{"role", x.Role.String() + spanText(x.Span)})
		}
		for _, x := range p.Clearances {
			rows = append(rows, []string{"clearance", x.Ladder + "/" + x.Level + spanText(x.Span)})
		}
		for _, x := range p.Access {
			rows = append(rows, []string{"caveat", x.Caveat + spanText(x.Span)})
		}
		for _, x := range p.Leave {
			rows = append(rows, []string{"leave", strings.TrimSpace(spanText(x))})
		}
		for _, x := range p.Deputies {
			when := spanText(x.Span)
			if x.OnLeave {
				when = " while on leave"
			}
			rows = append(rows, []string{"deputy", string(x.By) + " as " + x.Role.String() + when})
		}
		if p.BreakGlass {
			rows = append(rows, []string{"account", "for emergencies"})
		}
		for _, x := range p.Credentials {
			rows = append(rows, []string{"signs in by", strings.TrimSpace(string(x.Kind) + " " + x.Label + x.Issuer)})
		}
		a.table(w, []string{"WHAT", "VALUE"}, rows)
	})
}

func spanText(s alliance.Span) string {
	if s == (alliance.Span{}) {
		return ""
	}
	day := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.Format(time.RFC3339)
	}
	return " " + day(s.From) + ".." + day(s.To)
}

func (a *app) userList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "list who takes part", Example: "  casus user list --json", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd.Context(), func(r *remote) error {
				var all []people.Person
				if err := r.get(cmd.Context(), "/users", nil, &all); err != nil {
					return err
				}
				return a.print(map[string]any{"users": all}, func(w io.Writer) {
					var rows [][]string
					for _, p := range all {
						var roles []string
						for _, x := range p.Posts {
							roles = append(roles, x.Role.String())
						}
						rows = append(rows, []string{string(p.Key), p.Name, p.Login, string(p.Org), strings.Join(roles, ", ")})
					}
					a.table(w, []string{"KEY", "NAME", "LOGIN", "ORGANISATION", "ROLES"}, rows)
				})
			})
		},
	}
}

func (a *app) userShow() *cobra.Command {
	return &cobra.Command{
		Use: "show KEY", Short: "show one person, by key or login", Example: "  casus user show ada", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(r *remote) error {
				var p people.Person
				if err := r.get(cmd.Context(), "/users/"+pathEscape(args[0]), nil, &p); err != nil {
					return err
				}
				return a.showPerson(p)
			})
		},
	}
}

// editFlags are the flags of user edit.
type editFlags struct {
	name, login, email, org                string
	roles, leaves, stand, cleared, caveats []string
	glass                                  bool
}

func (e *editFlags) register(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&e.name, "name", "", "what the person is called")
	f.StringVar(&e.login, "login", "", "what the person types to sign in")
	f.StringVar(&e.email, "email", "", "mail address")
	f.StringVar(&e.org, "org", "", "organisation, as MEMBER/name")
	f.StringArrayVar(&e.roles, "role", nil, roleHelp)
	f.StringArrayVar(&e.cleared, "clearance", nil, "up to which classification the person reads, LADDER/LEVEL or LADDER/LEVEL=FROM..TO; may be given several times")
	f.StringArrayVar(&e.caveats, "caveat", nil, "caveat that the person was read into, CAVEAT or CAVEAT=FROM..TO; may be given several times")
	f.StringArrayVar(&e.leaves, "leave", nil, "leave, FROM..TO; may be given several times")
	f.StringArrayVar(&e.stand, "deputy", nil, "who stands in: ROLE=KEY, ROLE=KEY,leave or ROLE=KEY,FROM..TO; may be given several times")
	f.BoolVar(&e.glass, "break-glass", false, "an account for emergencies: each use is written down")
}

// change is what the flags given say, but for deputies, whose meaning depends on
// whose they are.
func (e *editFlags) change(given func(flag string) bool) (ch people.Change, err error) {
	for flag, to := range map[string]struct {
		at   **string
		with *string
	}{"name": {&ch.Name, &e.name}, "login": {&ch.Login, &e.login}, "email": {&ch.Email, &e.email}} {
		if given(flag) {
			*to.at = to.with
		}
	}
	if given("org") {
		o := alliance.Org(e.org)
		ch.Org = &o
	}
	if given("break-glass") {
		ch.BreakGlass = &e.glass
	}
	if given("role") {
		p, err := posts(full(e.roles))
		if err != nil {
			return ch, err
		}
		ch.Posts = &p
	}
	if given("leave") {
		all := []alliance.Span{}
		for _, l := range full(e.leaves) {
			s, err := span(l)
			if err != nil {
				return ch, err
			}
			all = append(all, s)
		}
		ch.Leave = &all
	}
	if given("clearance") {
		if ch.Clearances, err = clearances(full(e.cleared)); err != nil {
			return ch, err
		}
	}
	if given("caveat") {
		ch.Access, err = access(full(e.caveats))
	}
	return ch, err
}

func (a *app) userEdit() *cobra.Command {
	var e editFlags
	c := &cobra.Command{
		Use: "edit KEY", Short: "change name, organisation, roles, leave, deputies or clearances",
		Long: "Changes what is given and leaves the rest. Roles, leave, deputies, clearances and\n" +
			"caveats are replaced as a whole; an empty value takes all away.",
		Example: "  casus user edit ben --role delegate --leave 2026-12-24..2027-01-02 --deputy delegate=p9,leave", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ch, err := e.change(cmd.Flags().Changed)
			if err != nil {
				return err
			}
			return a.with(cmd.Context(), func(r *remote) error {
				path := "/users/" + pathEscape(args[0])
				var p people.Person
				if cmd.Flags().Changed("deputy") {
					if err := r.get(cmd.Context(), path, nil, &p); err != nil {
						return err
					}
					d, derr := deputies(p.Key, full(e.stand))
					if derr != nil {
						return derr
					}
					ch.Deputies = &d
				}
				if err := r.send(cmd.Context(), "PATCH", path, ch, &p); err != nil {
					return err
				}
				return a.showPerson(p)
			})
		},
	}
	e.register(c)
	return c
}

// full returns the values that are not empty.
func full(all []string) []string {
	var out []string
	for _, s := range all {
		if s != "" {
			out = append(out, s)
		}
	}
	return out
}

func (a *app) userPassword() *cobra.Command {
	var own bool
	c := &cobra.Command{
		Use: "password KEY", Short: "set a password; all sessions and tokens of the person end",
		Long: "Sets a password, which is asked for on the terminal or read as a line of stdin. With\n" +
			"--own the old one is asked for first, on a line before it.",
		Example: "  casus user password ben < password.txt\n  casus user password --own ada", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			in := map[string]string{}
			var err error
			if own {
				if in["old"], err = a.secret("old password"); err != nil {
					return err
				}
			}
			if in["password"], err = a.secret("new password"); err != nil {
				return err
			}
			return a.with(cmd.Context(), func(r *remote) error {
				var out map[string]bool
				if err := r.send(cmd.Context(), "PUT", "/users/"+pathEscape(args[0])+"/password", in, &out); err != nil {
					return err
				}
				return a.print(out, func(w io.Writer) { _, _ = fmt.Fprintln(w, "the password is set; sessions and tokens have ended") })
			})
		},
	}
	c.Flags().BoolVar(&own, "own", false, "it is your own: the old one is asked for")
	return c
}

func (a *app) userLink() *cobra.Command {
	var issuer, subject string
	c := &cobra.Command{
		Use: "link KEY", Short: "let somebody sign in by an account elsewhere",
		Long: "Lets who is a subject at an OIDC issuer sign in as the person. The subject is what\n" +
			"the issuer calls the account for good, not a mail address or a name.",
		Example: "  casus user link ben --issuer https://login.example.org --subject 248289761001", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(r *remote) error {
				var out map[string]bool
				in := map[string]string{"issuer": issuer, "subject": subject}
				if err := r.send(cmd.Context(), "POST", "/users/"+pathEscape(args[0])+"/credentials", in, &out); err != nil {
					return err
				}
				return a.print(out, func(w io.Writer) { _, _ = fmt.Fprintln(w, "linked") })
			})
		},
	}
	c.Flags().StringVar(&issuer, "issuer", "", "address of the issuer, exactly as it names itself")
	c.Flags().StringVar(&subject, "subject", "", "what the issuer calls the account")
	return c
}

func (a *app) userUnlink() *cobra.Command {
	return &cobra.Command{
		Use: "unlink KEY ID", Short: "end one of the ways somebody signs in; all sessions of the person end",
		Long:    "Ends a password, passkey or account elsewhere; ids stand in casus user show --json.",
		Example: "  casus user unlink ben 0f3a9c1d22e84b57", Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(r *remote) error {
				var out map[string]bool
				if err := r.call(cmd.Context(), "DELETE", "/users/"+pathEscape(args[0])+"/credentials/"+pathEscape(args[1]), nil, nil, nil, &out); err != nil {
					return err
				}
				return a.print(out, func(w io.Writer) { _, _ = fmt.Fprintln(w, "ended") })
			})
		},
	}
}

func (a *app) userRemove() *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use: "remove KEY", Short: "end somebody's taking part; name and credentials are erased",
		Long: "Ends sessions and tokens and erases name, login, mail address and credentials for\n" +
			"good. Key and roles stay on record.",
		Example: "  casus user remove ben --reason \"left in December\"", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(r *remote) error {
				var out map[string]bool
				q := url.Values{}
				if reason != "" {
					q.Set("reason", reason)
				}
				if err := r.call(cmd.Context(), "DELETE", "/users/"+pathEscape(args[0]), q, nil, nil, &out); err != nil {
					return err
				}
				return a.print(out, func(w io.Writer) { _, _ = fmt.Fprintf(w, "%s takes part no more\n", args[0]) })
			})
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why; kept on the record, so without names")
	return c
}
