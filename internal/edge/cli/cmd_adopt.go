package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"casus/internal/core/alliance"
	"casus/internal/core/marking"
	"casus/internal/fault"
	"casus/internal/people"
)

func (a *app) policyList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "the rules in force and those proposed on the node", Args: cobra.NoArgs,
		Example: "  casus policy list\n  casus policy list --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			var all people.Policies
			if err := a.with(cmd.Context(), func(r *remote) error { return r.get(cmd.Context(), "/policies", nil, &all) }); err != nil {
				return err
			}
			return a.print(all, func(w io.Writer) {
				var rows [][]string
				for _, v := range all.Versions {
					opens := "opens nothing"
					if v.Opens {
						opens = "opens"
					}
					rows = append(rows, []string{v.Digest, v.State, opens, handText(&v.Proposed), handText(v.Confirmed), v.Reason})
				}
				a.table(w, []string{"RULES", "STATE", "", "PROPOSED BY", "CONFIRMED BY", "REASON"}, rows)
				a.say("in force: %s", all.InForce)
				if all.Error != "" {
					a.say("nobody reads anything: %s", all.Error)
				}
			})
		},
	}
}

func handText(h *marking.Hand) string {
	switch {
	case h == nil:
		return "-"
	case h.Role == alliance.NoRole:
		return "local operator, " + h.At.Format(time.RFC3339)
	case h.Person == "":
		return fmt.Sprintf("%s, %s", h.Role, h.At.Format(time.RFC3339))
	}
	return fmt.Sprintf("%s as %s, %s", h.Person, h.Role, h.At.Format(time.RFC3339))
}

func (a *app) policyPropose() *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use: "propose RULES", Short: "propose rules; another person confirms them", Args: cobra.ExactArgs(1),
		Long: "Shows what the rules open and close beyond those in force, asks for your password,\non the terminal or as a line of stdin, and keeps the proposal in the log: the rules\n" +
			"word for word, the list, and why. Nothing changes until another person has\nconfirmed it. Rules that fail casus policy test are refused.",
		Example: "  casus policy propose ours/ --reason \"the accord of May\"",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.propose(cmd.Context(), args[0], reason, false)
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why; kept on the record")
	return c
}

func (a *app) policyAdopt() *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use: "adopt RULES", Short: "propose and confirm in one, on a node without people", Args: cobra.ExactArgs(1),
		Long:    "Puts rules into force at once. Only on a node without people: where there are, one\nproposes and another confirms.",
		Example: "  casus policy adopt ours/ --reason \"before the others join\"",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.propose(cmd.Context(), args[0], reason, true)
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why; kept on the record")
	return c
}

// propose proposes rules, and confirms them when adopt is set.
func (a *app) propose(ctx context.Context, arg, reason string, adopt bool) error {
	if strings.TrimSpace(reason) == "" {
		return usage("policy: --reason is required; it is kept on the record")
	}
	files, err := a.ruleFiles(ctx, arg)
	if err != nil {
		return err
	}
	if _, err := marking.LoadFiles(files); err != nil { // its places are those of the files here
		return err
	}
	var out marking.Ruleset
	err = a.with(ctx, func(r *remote) error {
		var me people.Me
		if err := r.get(ctx, "/whoami", nil, &me); err != nil {
			return err
		}
		if adopt && me.Person != "" {
			return fault.WithHint(fault.Errorf(fault.Denied, "there are people on this node: rules take two of them"), "propose them with: casus policy propose; another confirms them")
		}
		w, err := r.weigh(ctx, files)
		if err != nil {
			return err
		}
		in := people.NewPolicy{Files: files, Reason: reason}
		if in.Answer, err = r.stepUp(ctx, me, w.Statement); err != nil {
			return err
		}
		if err := r.send(ctx, "POST", "/policies", in, &out); err != nil || !adopt {
			return err
		}
		return r.send(ctx, "POST", "/policies/"+url.PathEscape(out.Digest)+"/confirm", people.Answer{}, &out)
	})
	if err != nil {
		return err
	}
	return a.printVersion(out)
}

func (a *app) printVersion(v marking.Ruleset) error {
	return a.print(v, func(w io.Writer) {
		_, _ = fmt.Fprintf(w, "%s\t%s\n", v.Digest, v.State)
		if v.State == marking.Proposed {
			a.say("another person puts it into force with: casus policy confirm %s", v.Digest)
		}
	})
}

func (a *app) policyConfirm() *cobra.Command {
	return &cobra.Command{
		Use: "confirm DIGEST", Short: "put rules into force that another person proposed", Args: cobra.ExactArgs(1),
		Long:    "Shows what the rules open and close beyond those in force, asks for your password,\non the terminal or as a line of stdin, and puts them into force at once.",
		Example: "  casus policy list\n  casus policy confirm sha256:0123...",
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			var out marking.Ruleset
			err := a.with(ctx, func(r *remote) error {
				var me people.Me
				if err := r.get(ctx, "/whoami", nil, &me); err != nil {
					return err
				}
				files, err := r.ruleFiles(ctx, args[0])
				if err != nil {
					return err
				}
				w, err := r.weigh(ctx, files)
				if err != nil {
					return err
				}
				answer, err := r.stepUp(ctx, me, w.Statement)
				if err != nil {
					return err
				}
				return r.send(ctx, "POST", "/policies/"+url.PathEscape(args[0])+"/confirm", answer, &out)
			})
			if err != nil {
				return err
			}
			return a.printVersion(out)
		},
	}
}

// weigh asks what rules would be, and shows their statement.
func (r *remote) weigh(ctx context.Context, files []marking.RuleFile) (marking.Weighed, error) {
	var w marking.Weighed
	if err := r.send(ctx, "POST", "/policies/weigh", map[string]any{"files": files}, &w); err != nil {
		return w, err
	}
	for line := range strings.Lines(w.Statement) {
		r.app.say("%s", strings.TrimRight(line, "\n"))
	}
	return w, nil
}

// stepUp proves who asks for a text. Where there are no people nothing is asked.
func (r *remote) stepUp(ctx context.Context, me people.Me, text string) (people.Answer, error) {
	if me.Person == "" {
		return people.Answer{}, nil
	}
	password, err := r.app.secret("your password, to agree to this")
	if err != nil {
		return people.Answer{}, err
	}
	sum := sha256.Sum256([]byte(text))
	var c people.Challenge
	if err := r.send(ctx, "POST", "/step-up", map[string]string{"text": hex.EncodeToString(sum[:])}, &c); err != nil {
		return people.Answer{}, err
	}
	return people.Answer{Challenge: c.ID, Password: password}, nil
}
