package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"casus/internal/core/alliance"
	"casus/internal/fault"
	"casus/internal/people"
)

// role reads the name of a role given on the command line.
func role(name string) (r alliance.Role, err error) {
	if name == "" {
		return alliance.NoRole, nil
	}
	if err := r.UnmarshalText([]byte(name)); err != nil || r == alliance.NoRole {
		return alliance.NoRole, usage("role %q: want one of %s", name, roleNames())
	}
	return r, nil
}

func roleNames() string {
	var out []string
	for _, r := range alliance.Roles() {
		out = append(out, r.String())
	}
	return strings.Join(out, ", ")
}

func (a *app) loginCmd() *cobra.Command {
	var as string
	c := &cobra.Command{
		Use: "login LOGIN", Short: "sign in for a shift",
		Long: "Asks for the password, on the terminal or as a line of stdin, and keeps a token of\n" +
			"twelve hours for this data directory in your configuration directory, readable by\n" +
			"you alone. Commands act by CASUS_TOKEN if it is set, else by that token.",
		Example: "  casus login ada --role duty-officer\n  casus login ada < password.txt", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := role(as)
			if err != nil {
				return err
			}
			password, err := a.secret("password of " + args[0])
			if err != nil {
				return err
			}
			var made people.Made
			err = a.with(cmd.Context(), func(rem *remote) error {
				rem.nobody = true
				return rem.send(cmd.Context(), "POST", "/login", people.Credentials{Login: args[0], Password: password, Role: r, Label: "casus login"}, &made)
			})
			if err != nil {
				return err
			}
			if err := a.keepToken(made.Secret); err != nil {
				return err
			}
			return a.print(made.Token, func(w io.Writer) {
				_, _ = fmt.Fprintf(w, "%s acts as %s until %s\n", made.Token.Person, made.Token.Role, made.Token.Expires.Format(time.RFC3339))
			})
		},
	}
	c.Flags().StringVar(&as, "role", "", "role to act in; the first that you hold when not given")
	return c
}

func (a *app) logoutCmd() *cobra.Command {
	return &cobra.Command{
		Use: "logout", Short: "end what casus login began", Example: "  casus logout", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			err := a.with(cmd.Context(), func(r *remote) error {
				var out map[string]bool
				return r.call(cmd.Context(), "DELETE", "/login", nil, nil, nil, &out)
			})
			if kerr := a.keepToken(""); kerr != nil {
				return kerr
			}
			if c, ok := errors.AsType[*coded](err); ok && c.code == exitSignIn {
				err = nil // it had ended already
			}
			if err != nil {
				return err
			}
			return a.print(map[string]bool{"done": true}, func(w io.Writer) { _, _ = fmt.Fprintln(w, "signed out") })
		},
	}
}

func (a *app) whoamiCmd() *cobra.Command {
	return &cobra.Command{
		Use: "whoami", Short: "who you are to the node, and in which role", Example: "  casus whoami --json", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd.Context(), func(r *remote) error {
				var me people.Me
				if err := r.get(cmd.Context(), "/whoami", nil, &me); err != nil {
					return err
				}
				return a.print(me, func(w io.Writer) {
					if me.Person == "" {
						_, _ = fmt.Fprintln(w, "local operator: this node has no people yet; add the first with casus user add")
						return
					}
					_, _ = fmt.Fprintf(w, "%s (%s) of %s as %s", me.Name, me.Person, me.Org, me.Role)
					if me.For != "" {
						_, _ = fmt.Fprintf(w, " for %s", me.For)
					}
					_, _ = fmt.Fprintln(w)
					for _, r := range me.Roles {
						_, _ = fmt.Fprintf(w, "may act as %s\n", r)
					}
				})
			})
		},
	}
}

func (a *app) tokenCmd() *cobra.Command {
	c := &cobra.Command{Use: "token", Short: "let programs act for you", Example: "  casus token make --scope read --days 30"}
	var as, scope string
	var days int
	mk := &cobra.Command{
		Use: "make", Short: "make a token; its secret is printed once",
		Long: "Makes a token that acts for you in one role: in a program, as CASUS_TOKEN or as the\n" +
			"bearer of the API. The secret is printed this once and held nowhere.",
		Example: "  casus token make --scope read --days 30 > token.txt", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := role(as)
			if err != nil {
				return err
			}
			if days < 1 || days > int(people.MaxTokenLife/(24*time.Hour)) {
				return usage("token make: --days %d: want 1 to %d", days, people.MaxTokenLife/(24*time.Hour))
			}
			if s := people.Scope(scope); s != people.ScopeRead && s != people.ScopeAll {
				return usage("token make: --scope %q: want %s or %s", scope, people.ScopeRead, people.ScopeAll)
			}
			t := people.NewToken{Role: r, Scope: people.Scope(scope), Expires: a.now().UTC().Add(time.Duration(days) * 24 * time.Hour)}
			return a.with(cmd.Context(), func(rem *remote) error {
				var made people.Made
				if err := rem.send(cmd.Context(), "POST", "/tokens", t, &made); err != nil {
					return err
				}
				return a.print(made, func(w io.Writer) {
					_, _ = fmt.Fprintln(w, made.Secret)
					_, _ = fmt.Fprintf(a.stderr, "token %s acts as %s until %s; its secret is not shown again\n", made.Token.ID, made.Token.Role, made.Token.Expires.Format(time.DateOnly))
				})
			})
		},
	}
	mk.Flags().StringVar(&as, "role", "", "role that the token acts in; the one you act in when not given")
	mk.Flags().StringVar(&scope, "scope", string(people.ScopeRead), "read, or all that you may do")
	mk.Flags().IntVar(&days, "days", int(people.TokenLife/(24*time.Hour)), "days until it ends")
	list := &cobra.Command{
		Use: "list", Short: "list your tokens", Example: "  casus token list", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd.Context(), func(r *remote) error {
				var all []people.Token
				if err := r.get(cmd.Context(), "/tokens", nil, &all); err != nil {
					return err
				}
				return a.print(map[string]any{"tokens": all}, func(w io.Writer) {
					var rows [][]string
					for _, t := range all {
						rows = append(rows, []string{t.ID, t.Role.String(), string(t.Scope), t.Made.Format(time.DateOnly), t.Expires.Format(time.DateOnly)})
					}
					a.table(w, []string{"ID", "ROLE", "SCOPE", "MADE", "ENDS"}, rows)
				})
			})
		},
	}
	revoke := &cobra.Command{
		Use: "revoke ID", Short: "end a token at once", Example: "  casus token revoke 0f3a9c1d22e84b57", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(r *remote) error {
				var out map[string]bool
				if err := r.call(cmd.Context(), "DELETE", "/tokens/"+pathEscape(args[0]), nil, nil, nil, &out); err != nil {
					return err
				}
				return a.print(out, func(w io.Writer) { _, _ = fmt.Fprintf(w, "token %s is revoked\n", args[0]) })
			})
		},
	}
	c.AddCommand(mk, list, revoke)
	return c
}

// signIn marks an error that says that somebody has to sign in.
func signIn(err error) error {
	return &coded{exitSignIn, fault.WithHint(err, "sign in with: casus login LOGIN, or set CASUS_TOKEN")}
}
