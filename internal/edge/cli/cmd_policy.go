package cli

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"casus/internal/core/marking"
	"casus/internal/fault"
	"casus/internal/people"
)

// What stands in an argument for the rules of the program, and for those that
// decide on the node.
const (
	builtInRules = "built-in"
	inForceRules = "in-force"
)

func (a *app) policyCmd() *cobra.Command {
	c := &cobra.Command{
		Use: "policy", Short: "the rules about who may read",
		Long: "The rules about who may read: Cedar clauses, each with a name. A clause that\nforbids wins over one that permits, and one that errs denies.\n\n" +
			"RULES is a file, a directory of .cedar files, the word built-in, the word in-force,\nor the digest of rules that were proposed on the node.\n\n" +
			"One person proposes rules and another confirms them; each proves who he is for the\nstatement of what they open and close. Rules that fail casus policy test never come\ninto force.",
		Example: "  casus policy show\n  casus policy diff in-force ours/\n  casus policy propose ours/ --reason \"the accord of May\"\n  casus policy confirm sha256:0123...",
	}
	c.AddCommand(reading(a.policyShow()), reading(a.policyTest()), reading(a.policyDiff()), a.policyList(), reading(a.policyPropose()), a.policyConfirm(), a.policyAdopt())
	return c
}

// rules reads the rules that an argument names.
func (a *app) rules(ctx context.Context, arg string) (*marking.Policy, error) {
	files, err := a.ruleFiles(ctx, arg)
	if err != nil {
		return nil, err
	}
	return marking.LoadFiles(files)
}

// ruleFiles reads the files of the rules that an argument names.
func (a *app) ruleFiles(ctx context.Context, arg string) (files []marking.RuleFile, err error) {
	if arg == builtInRules {
		return marking.BuiltInFiles()
	}
	if arg == inForceRules || strings.HasPrefix(arg, "sha256:") {
		err = a.with(ctx, func(r *remote) error {
			files, err = r.ruleFiles(ctx, arg)
			return err
		})
		return files, err
	}
	paths := []string{arg}
	if st, err := os.Stat(arg); err == nil && st.IsDir() {
		if paths, err = filepath.Glob(filepath.Join(arg, "*.cedar")); err != nil || len(paths) == 0 {
			return nil, fault.WithHint(fault.Errorf(fault.NotFound, "%s: no rules there", arg), "rules stand in files whose names end in .cedar")
		}
	}
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			return nil, fault.WithHint(fault.Errorf(fault.NotFound, "rules: %w", err), "name a file, a directory of .cedar files, or the word built-in")
		}
		text, err := io.ReadAll(io.LimitReader(f, marking.MaxFileBytes+1))
		_ = f.Close()
		if err != nil {
			return nil, fault.Errorf(fault.Unavailable, "rules: %w", err)
		}
		files = append(files, marking.RuleFile{Name: filepath.Base(path), Text: string(text)})
	}
	return files, nil
}

// ruleFiles reads the files of rules that the node holds.
func (r *remote) ruleFiles(ctx context.Context, arg string) ([]marking.RuleFile, error) {
	if arg == inForceRules {
		var all people.Policies
		if err := r.get(ctx, "/policies", nil, &all); err != nil {
			return nil, err
		}
		arg = all.InForce
	}
	// The program's own need not have been proposed.
	p, err := marking.BuiltIn()
	if err != nil {
		return nil, err
	}
	if arg == p.Digest() {
		return marking.BuiltInFiles()
	}
	var out struct {
		Files []marking.RuleFile `json:"files"`
	}
	err = r.get(ctx, "/policies/"+url.PathEscape(arg), nil, &out)
	return out.Files, err
}

func (a *app) policyShow() *cobra.Command {
	return &cobra.Command{
		Use: "show [RULES]", Short: "the clauses, and the digest that names them", Args: cobra.MaximumNArgs(1),
		Example: "  casus policy show\n  casus policy show ours/ --json",
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := a.rules(cmd.Context(), append(args, builtInRules)[0])
			if err != nil {
				return err
			}
			type clause struct {
				ID      string   `json:"id"`
				Says    string   `json:"says"`
				Forbids bool     `json:"forbids"`
				Actions []string `json:"actions"`
				File    string   `json:"file"`
				Text    string   `json:"text"`
			}
			out := struct {
				Digest  string   `json:"digest"`
				Clauses []clause `json:"clauses"`
			}{Digest: p.Digest()}
			var rows [][]string
			for _, r := range p.Rules() {
				c := clause{ID: r.ID, Says: r.Says, Forbids: r.Forbids, File: r.File, Text: r.Text}
				for _, act := range r.Actions {
					c.Actions = append(c.Actions, string(act))
				}
				out.Clauses = append(out.Clauses, c)
				word := "permits"
				if c.Forbids {
					word = "forbids"
				}
				rows = append(rows, []string{c.ID, word, strings.Join(c.Actions, ","), c.Says})
			}
			return a.print(out, func(w io.Writer) {
				a.table(w, []string{"CLAUSE", "", "WHAT", "SAYS"}, rows)
				_, _ = fmt.Fprintln(a.stderr, out.Digest)
			})
		},
	}
}

func (a *app) policyTest() *cobra.Command {
	return &cobra.Command{
		Use: "test [RULES]", Short: "hold rules to what no rules may open", Args: cobra.MaximumNArgs(1),
		Long:    "Tries the rules on every combination of label, recipient, clearance and the rest,\nand lists what they let through that must stay closed: TLP:RED to others than the\nnamed, TLP:AMBER past the organisations that received it and their clients, a thing\nbefore its embargo, and so on. Exits 7 if there is any.",
		Example: "  casus policy test ours/",
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := a.rules(cmd.Context(), append(args, builtInRules)[0])
			if err != nil {
				return err
			}
			found, err := p.Test()
			if err != nil {
				return err
			}
			out := struct {
				Digest     string              `json:"digest"`
				OK         bool                `json:"ok"`
				Violations []marking.Violation `json:"violations"`
			}{p.Digest(), len(found) == 0, found}
			err = a.print(out, func(w io.Writer) {
				for _, v := range found {
					_, _ = fmt.Fprintf(w, "broken: %s\n  %d times, first: %s\n", v.Property, v.Count, v.Example)
				}
				if out.OK {
					_, _ = fmt.Fprintf(w, "nothing is open that must stay closed\n")
				}
			})
			if err == nil && !out.OK {
				return &coded{exitVerify, fmt.Errorf("%s broken", plural(len(found), "property is", "properties are"))}
			}
			return err
		},
	}
}

func (a *app) policyDiff() *cobra.Command {
	return &cobra.Command{
		Use: "diff OLD NEW", Short: "what new rules open and close", Args: cobra.ExactArgs(2),
		Example: "  casus policy diff built-in ours/",
		RunE: func(cmd *cobra.Command, args []string) error {
			before, err := a.rules(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			after, err := a.rules(cmd.Context(), args[1])
			if err != nil {
				return err
			}
			changes, err := marking.Diff(before, after)
			if err != nil {
				return err
			}
			out := struct {
				Old     string               `json:"old"`
				New     string               `json:"new"`
				Opens   bool                 `json:"opens"`
				Changes []marking.Difference `json:"changes"`
			}{before.Digest(), after.Digest(), marking.Opens(changes), changes}
			return a.print(out, func(w io.Writer) {
				for _, c := range changes {
					_, _ = fmt.Fprintf(w, "%s\n  %d times, first: %s\n", c, c.Count, c.Example)
				}
				if len(changes) == 0 {
					_, _ = fmt.Fprintln(w, "both let the same readers read the same")
				}
			})
		},
	}
}

// plural writes n and the words for one or for more.
func plural(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}
