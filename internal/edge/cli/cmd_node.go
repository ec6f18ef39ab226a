package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"casus/internal/core/marking"
	"casus/internal/core/report"
	"casus/internal/eventlog"
	"casus/internal/fault"
)

func (a *app) initCmd() *cobra.Command {
	var level string
	c := &cobra.Command{
		Use: "init", Short: "make a data directory",
		Long:    "Makes a data directory. Without --ceiling its node takes in what is not classified\nand the lowest level of each ladder; see casus node ceiling.",
		Example: "  casus init --data node\n  casus init --data node --ceiling alliance/RESTRICTED", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			dir, _ := a.data()
			var c report.Ceiling
			if level != "" {
				c = report.Ceiling{Level: marking.Level(level), Reason: "set when the directory was made"}
			}
			if err := a.host.Init(dir, c); err != nil {
				return err
			}
			return a.print(map[string]string{"data": dir}, func(w io.Writer) { _, _ = fmt.Fprintf(w, "%s is ready\n", dir) })
		},
	}
	c.Flags().StringVar(&level, "ceiling", "", "highest classification that the node takes in, as ladder/LEVEL")
	return c
}

func (a *app) ceilingCmd() *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use: "ceiling [LEVEL]", Short: "up to which classification the node takes things in",
		Long: "Shows the ceiling, or sets it: a level as ladder/LEVEL, or the word lowest for the\nlowest level of each ladder alone. It is an act in the log.\n\n" +
			"What is classified above it, or by a ladder that is not known here, is refused\nbefore it is read, and nothing of it is kept: by --classification of who hands it\n" +
			"in, or by a confidentiality label in the form of STANAG 4774 within. What is here\nalready stays.",
		Example: "  casus node ceiling\n  casus node ceiling alliance/RESTRICTED --reason \"accredited in May\"", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 && strings.TrimSpace(reason) == "" {
				return usage("ceiling: --reason is required; it is kept on the record")
			}
			return a.with(cmd.Context(), func(r *remote) error {
				var out report.Ceiling
				if len(args) == 0 {
					if err := r.get(cmd.Context(), "/node/ceiling", nil, &out); err != nil {
						return err
					}
				} else {
					in := report.Ceiling{Level: marking.Level(args[0]), Reason: reason}
					if args[0] == "lowest" {
						in.Level = ""
					}
					if err := r.send(cmd.Context(), "PUT", "/node/ceiling", in, &out); err != nil {
						return err
					}
				}
				return a.print(out, func(w io.Writer) {
					level := string(out.Level)
					if level == "" {
						level = "lowest"
					}
					_, _ = fmt.Fprintf(w, "%s\t%s\n", level, clean([]string{out.Reason})[0])
				})
			})
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why; kept on the record")
	return c
}

func (a *app) serveCmd() *cobra.Command {
	var o ServeOptions
	c := &cobra.Command{
		Use: "serve", Short: "serve pages and the JSON API",
		Long: "Serves pages and the JSON API, and commands on the socket of the data directory.\n" +
			"Without people it serves this machine alone: the address printed holds the operator\n" +
			"token, which is kept in DATA/operator.token while the node serves. Once there are\n" +
			"people they sign in, and with --name others are served too, over TLS 1.3: with a\n" +
			"certificate from files, by ACME, or one that the node makes itself and prints the\n" +
			"fingerprint of.\n\n" +
			"With --oidc-issuer people sign in by an account of their organisation, too: by code\n" +
			"flow with PKCE, the secret in CASUS_OIDC_SECRET. Who gets in was linked before, with\n" +
			"casus user link; addresses, names and groups that the issuer tells make nobody anything.",
		Example: "  casus serve --data node --listen 127.0.0.1:7180\n" +
			"  casus serve --listen :443 --name casus.example.org --acme\n" +
			"  casus serve --listen :7443 --name casus.example.org --tls-cert cert.pem --tls-key key.pem", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, _ := a.data()
			if (o.OIDCIssuer == "") != (o.OIDCClient == "") {
				return usage("serve: --oidc-issuer and --oidc-client belong together")
			}
			if err := checkListen(cmd.Context(), o.Listen); err != nil {
				return err
			}
			o.OIDCSecret = a.getenv("CASUS_OIDC_SECRET")
			log := slog.New(slog.NewTextHandler(a.stderr, &slog.HandlerOptions{Level: slog.LevelInfo}))
			err := a.host.Serve(cmd.Context(), dir, o, log, func(s Serving) {
				_ = a.print(s, func(w io.Writer) {
					_, _ = fmt.Fprintf(w, "open %s\n", s.URL)
					if s.Fingerprint != "" {
						_, _ = fmt.Fprintf(w, "its certificate, which nobody signed, has the SHA-256 %s\n", s.Fingerprint)
					}
				})
			})
			if cmd.Context().Err() != nil {
				return nil // stopped on request
			}
			return err
		},
	}
	f := c.Flags()
	f.StringVar(&o.Listen, "listen", "127.0.0.1:7180", "address and port; port 0 takes a free one; only loopback without --name")
	f.StringVar(&o.Name, "name", "", "host name that people open; asks for TLS")
	f.StringVar(&o.Cert, "tls-cert", "", "file with the certificate and its chain, PEM")
	f.StringVar(&o.Key, "tls-key", "", "file with the certificate's key, PEM")
	f.BoolVar(&o.ACME, "acme", false, "get a certificate by ACME; port 443 has to reach this node")
	f.StringVar(&o.ACMEDirectory, "acme-directory", "", "address of the ACME authority's directory; Let's Encrypt when not given")
	f.StringVar(&o.OIDCIssuer, "oidc-issuer", "", "address of the OIDC issuer, exactly as it names itself")
	f.StringVar(&o.OIDCClient, "oidc-client", "", "client id of this node at the issuer")
	f.BoolVar(&o.Exercise, "exercise", false, "everything on this node is exercise data")
	return c
}

func (a *app) versionCmd() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "print the version", Example: "  casus version --json", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			v := map[string]string{"version": a.host.Version(), "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH}
			return a.print(v, func(w io.Writer) { _, _ = fmt.Fprintf(w, "casus %s %s %s\n", v["version"], v["go"], v["platform"]) })
		},
	}
}

func (a *app) completionCmd() *cobra.Command {
	return &cobra.Command{
		Use: "completion bash|zsh|fish|powershell", Short: "print the completion script of a shell",
		Example: "  casus completion bash > /etc/bash_completion.d/casus", Args: cobra.ExactArgs(1), ValidArgs: []string{"bash", "zsh", "fish", "powershell"},
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(a.stdout, true)
			case "zsh":
				return root.GenZshCompletion(a.stdout)
			case "fish":
				return root.GenFishCompletion(a.stdout, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(a.stdout)
			}
			return usage("completion: unknown shell %q: want bash, zsh, fish or powershell", args[0])
		},
	}
}

func (a *app) doctorCmd() *cobra.Command {
	return &cobra.Command{
		Use: "doctor", Short: "what is in force, from where, and whether it works",
		Long: `Says what is in force, from where, and whether it works. It reads the whole log and
the views, as casus node verify does. Exit code 1 means that something wants to be
looked at, 7 that the log or the views are damaged; what and where is told.`,
		Example: "  casus doctor", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.doctor(cmd.Context()) },
	}
}

// finding is one line of the doctor.
type finding struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	From  string `json:"from,omitempty"`
	OK    bool   `json:"ok"`
	Hint  string `json:"hint,omitempty"`

	damaged bool
}

func (a *app) doctor(ctx context.Context) error {
	dir, from := a.data()
	all := []finding{
		{Name: "version", Value: a.host.Version() + " " + runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH, OK: true},
		{Name: "processors", Value: strconv.Itoa(runtime.GOMAXPROCS(0)), OK: true},
		{Name: "data", Value: dir, From: from, OK: true},
	}
	if st, err := os.Stat(dir); err == nil && runtime.GOOS != "windows" && st.Mode().Perm()&0o077 != 0 {
		all = append(all, finding{Name: "permissions", Value: st.Mode().Perm().String(), Hint: "others may read the data: chmod 700 " + dir})
	}
	conn, err := a.host.Connect(ctx, dir)
	if err != nil {
		all = append(all, finding{Name: "node", Value: fault.Text(err), Hint: fault.HintOf(err), damaged: errors.Is(err, eventlog.ErrDamaged)})
	} else {
		all = append(all, a.examine(ctx, conn)...)
		if err := conn.Close(); err != nil {
			all = append(all, finding{Name: "close", Value: fault.Text(err)})
		}
	}
	bad, code := 0, exitFailed
	for _, f := range all {
		if !f.OK {
			bad++
		}
		if f.damaged {
			code = exitVerify
		}
	}
	err = a.print(map[string]any{"ok": bad == 0, "findings": all}, func(w io.Writer) {
		rows := make([][]string, 0, len(all))
		for _, f := range all {
			state := "ok"
			if !f.OK {
				state = "LOOK"
			}
			rows = append(rows, []string{state, f.Name, f.Value, f.From, f.Hint})
		}
		a.table(w, []string{"", "WHAT", "VALUE", "FROM", "WHAT TO DO"}, rows)
	})
	if err == nil && bad > 0 {
		return &coded{code, errors.New(plural(bad, "thing wants", "things want") + " to be looked at")}
	}
	return err
}

// maxDamage is how many problems the doctor names; casus node verify names all.
const maxDamage = 10

// whole says whether the log and the views are.
func (r *remote) whole(ctx context.Context) []finding {
	var v report.Check
	err := r.follow(ctx, "/node/verify", nil, nil, "", &v)
	switch {
	case fault.KindOf(err) == fault.Denied && err != nil:
		return []finding{{Name: "log", Value: "not checked: " + fault.Text(err), OK: true, Hint: fault.HintOf(err)}}
	case err != nil:
		return []finding{{Name: "log", Value: fault.Text(err), Hint: fault.HintOf(err)}}
	case v.OK:
		return []finding{{Name: "log", Value: plural(int(v.Entries), "entry", "entries") + " and the views checked", OK: true}} //nolint:gosec // far below 2^63
	}
	var out []finding
	for i, p := range v.Problems {
		if i == maxDamage {
			out = append(out, finding{Name: "damage", Value: fmt.Sprintf("and %d more", len(v.Problems)-i), Hint: "casus node verify names all", damaged: true})
			break
		}
		f := finding{Name: "damage", Value: "log: " + p, Hint: "damaged entries come back from a copy only", damaged: true}
		if strings.HasPrefix(p, "views: ") {
			f.Value, f.Hint = p, "casus node rebuild"
		}
		out = append(out, f)
	}
	return out
}

func (a *app) examine(ctx context.Context, conn *Conn) []finding {
	r := &remote{app: a, conn: conn}
	by := "this command"
	if conn.Served {
		by = "another casus, over the socket"
	}
	out := []finding{{Name: "opened by", Value: by, OK: true}}
	var health map[string]string
	if err := r.get(ctx, "/health", nil, &health); err != nil {
		out = append(out, finding{Name: "node", Value: fault.Text(err), Hint: fault.HintOf(err)})
	} else {
		out = append(out, finding{Name: "node", Value: health["status"], OK: true})
	}
	out = append(out, r.whole(ctx)...)
	var src []report.Source
	if err := r.get(ctx, "/sources", nil, &src); err == nil {
		for _, s := range src {
			if s.TLP == nil {
				out = append(out, finding{Name: "source " + s.Name, Value: "unmarked input is TLP:RED", OK: true, Hint: "casus source set " + s.Name + " --tlp LABEL"})
			}
		}
	}
	return out
}

// verdict prints v, what a check found: for people its problems, whether it is clean
// and what was found. One that is not clean is an error with a code of its own and
// the hint.
func (a *app) verdict(v any, clean bool, problems []string, found, hint string) error {
	err := a.print(v, func(w io.Writer) {
		for _, p := range problems {
			_, _ = fmt.Fprintf(w, "problem: %s\n", p)
		}
		state := "clean"
		if !clean {
			state = "DAMAGED"
		}
		_, _ = fmt.Fprintf(w, "%s: %s\n", state, found)
	})
	if err == nil && !clean {
		err = &coded{exitVerify, fault.WithHint(errors.New(plural(len(problems), "problem", "problems")), "%s", hint)}
	}
	return err
}

func (a *app) nodeCmd() *cobra.Command {
	c := &cobra.Command{Use: "node", Short: "check, rebuild and erase", Example: "  casus node verify"}
	c.AddCommand(a.nodeVerify(), a.nodeRebuild(), a.nodeErase(), a.ceilingCmd())
	return c
}

func (a *app) nodeVerify() *cobra.Command {
	return &cobra.Command{
		Use: "verify", Short: "check every entry of the log and the views against it",
		Long: `Checks every entry of the log and the views against it, and prints a digest of the
state: nodes that hold the same have the same. Exit code 7 means that something is
damaged; what and where is told as problems.`,
		Example: "  casus node verify --json", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			err := a.with(cmd.Context(), func(r *remote) error {
				var v report.Check
				if err := r.follow(cmd.Context(), "/node/verify", nil, nil, "", &v); err != nil {
					return err
				}
				if v.Problems == nil {
					v.Problems = []string{}
				}
				found := fmt.Sprintf("%d entries\nhead  %s\nstate %s", v.Entries, v.Head, v.StateDigest)
				return a.verdict(v, v.OK, v.Problems, found, "damaged views come back with: casus node rebuild; damaged entries of the log come back from a copy only")
			})
			if errors.Is(err, eventlog.ErrDamaged) { // so much that it cannot be opened
				v := report.Check{Problems: []string{fault.Text(err)}}
				if perr := a.print(v, func(w io.Writer) { _, _ = fmt.Fprintf(w, "problem: %s\nDAMAGED: it cannot be opened\n", err) }); perr != nil {
					return perr
				}
			}
			return err
		},
	}
}

func (a *app) nodeRebuild() *cobra.Command {
	return &cobra.Command{
		Use: "rebuild", Short: "build the views again from the log", Example: "  casus node rebuild", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd.Context(), func(r *remote) error {
				if r.conn.Served {
					return fault.WithHint(fault.Errorf(fault.Conflict, "another casus has the data directory open"), "stop it first, then rebuild")
				}
				var done map[string]bool
				if err := r.follow(cmd.Context(), "/node/rebuild", nil, nil, "", &done); err != nil {
					return err
				}
				return a.print(done, func(w io.Writer) { _, _ = fmt.Fprintln(w, "the views are built again") })
			})
		},
	}
}

func (a *app) nodeErase() *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use: "erase ID", Short: "remove a report or an object for good; the chain stays verifiable",
		Long:    "Makes the views forget a report or an object, then overwrites its bytes in the\nlog. Bytes that a receipt of another report needs stay until the last one goes.\nReceipts of other organisations stay, too, and what a legal hold is on is refused.\nWith an object go the files it came in, where they were kept as handed in (all\nbut STIX); what was read from them beside it stays.\nNot claimed: blocks of the device, earlier backups, people's copies.\n\nPrints how many receipts and kept files went.",
		Example: "  casus node erase RPT-7K2M-9XQ4 --reason \"sent by mistake\"", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if strings.TrimSpace(reason) == "" {
				return usage("erase: --reason is required; it is kept on the record")
			}
			return a.with(cmd.Context(), func(r *remote) error {
				var out report.Erased
				if err := r.send(cmd.Context(), "POST", "/node/erase", map[string]string{"id": args[0], "reason": reason}, &out); err != nil {
					return err
				}
				return a.print(out, func(w io.Writer) {
					_, _ = fmt.Fprintf(w, "gone: %s, %s\n", plural(out.Receipts, "receipt", "receipts"), plural(out.Originals, "file kept as handed in", "files kept as handed in"))
					for _, k := range out.Kept {
						_, _ = fmt.Fprintf(w, "stays: %s: %s\n", plural(k.Count, "receipt", "receipts"), k.Why)
					}
				})
			})
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why; kept on the record")
	return c
}
