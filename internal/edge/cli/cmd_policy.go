package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"casus/internal/core/marking"
	"casus/internal/fault"
)

// builtInRules is what stands in an argument for the rules of the program.
const builtInRules = "built-in"

func (a *app) policyCmd() *cobra.Command {
	c := &cobra.Command{
		Use: "policy", Short: "the rules about who may read",
		Long:    "The rules about who may read: Cedar clauses, each with a name. A clause that\nforbids wins over one that permits, and one that errs denies.\n\nRULES is a file, a directory of .cedar files, or the word built-in.",
		Example: "  casus policy show\n  casus policy diff built-in ours/",
	}
	c.AddCommand(a.policyShow(), a.policyTest(), a.policyDiff())
	return c
}

// rules reads the rules that an argument names.
func rules(arg string) (*marking.Policy, error) {
	if arg == builtInRules {
		return marking.BuiltIn()
	}
	paths := []string{arg}
	if st, err := os.Stat(arg); err == nil && st.IsDir() {
		if paths, err = filepath.Glob(filepath.Join(arg, "*.cedar")); err != nil || len(paths) == 0 {
			return nil, fault.WithHint(fault.Errorf(fault.NotFound, "%s: no rules there", arg), "rules stand in files whose names end in .cedar")
		}
	}
	var files []marking.File
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
		files = append(files, marking.File{Name: filepath.Base(path), Text: text})
	}
	return marking.Load(files...)
}

func (a *app) policyShow() *cobra.Command {
	return &cobra.Command{
		Use: "show [RULES]", Short: "the clauses, and the digest that names them", Args: cobra.MaximumNArgs(1),
		Example: "  casus policy show\n  casus policy show ours/ --json",
		RunE: func(_ *cobra.Command, args []string) error {
			p, err := rules(append(args, builtInRules)[0])
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
		RunE: func(_ *cobra.Command, args []string) error {
			p, err := rules(append(args, builtInRules)[0])
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
		RunE: func(_ *cobra.Command, args []string) error {
			before, err := rules(args[0])
			if err != nil {
				return err
			}
			after, err := rules(args[1])
			if err != nil {
				return err
			}
			changes, err := marking.Diff(before, after)
			if err != nil {
				return err
			}
			out := struct {
				Old     string           `json:"old"`
				New     string           `json:"new"`
				Opens   bool             `json:"opens"`
				Changes []marking.Change `json:"changes"`
			}{before.Digest(), after.Digest(), slices.ContainsFunc(changes, func(c marking.Change) bool { return c.Opens }), changes}
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
