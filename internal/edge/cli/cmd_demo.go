package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// DemoOptions say how the demo runs.
type DemoOptions struct {
	// Keep is where the node stays; empty means a throw-away directory.
	Keep string
	// Library is a directory of real files to load behind the story.
	Library string
	// Seed gives the filler.
	Seed uint64
	// Once ends after loading.
	Once bool
	// Listen is the loopback address to serve on.
	Listen string
	// Say tells how far it is.
	Say func(format string, args ...any)
	// Ready is called when the node serves.
	Ready func(*DemoResult, string)
}

// DemoResult is what the demo found. The names are stable.
type DemoResult struct {
	Reports      int      `json:"reports"`
	Objects      int      `json:"objects"`
	Values       int      `json:"values"`
	MatchesTrue  int      `json:"matches_true"`
	MatchesNoise int      `json:"matches_noise"`
	Quarantined  int      `json:"quarantined"`
	Seconds      float64  `json:"seconds"`
	Findings     []string `json:"findings"`
	Data         string   `json:"data,omitempty"`
}

func (a *app) demoCmd() *cobra.Command {
	var o DemoOptions
	c := &cobra.Command{
		Use: "demo", Short: "a written exercise on a throw-away node",
		Long:    "Makes a node, loads a written story of seven invented countries, marked EXERCISE,\nsays in plain words what it found, then serves the pages until it is stopped.",
		Example: "  casus demo\n  casus demo --once --json\n  casus demo --keep story --library reports/", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkListen(cmd.Context(), o.Listen); err != nil {
				return err
			}
			return a.runDemo(cmd.Context(), o)
		},
	}
	c.Flags().StringVar(&o.Keep, "keep", "", "keep the node in this directory")
	c.Flags().StringVar(&o.Library, "library", "", "load the real files under this directory behind the story, but for lists of more than 4 MiB")
	c.Flags().Uint64Var(&o.Seed, "seed", 0, "seed of the filler; 0 is that of the story")
	c.Flags().BoolVar(&o.Once, "once", false, "load, report, and end")
	c.Flags().StringVar(&o.Listen, "listen", "127.0.0.1:0", "loopback address to serve on")
	return c
}

func (a *app) runDemo(ctx context.Context, o DemoOptions) error {
	o.Say = func(format string, args ...any) { a.say(format, args...) }
	show := func(r *DemoResult, url string) error {
		return a.print(r, func(w io.Writer) {
			_, _ = fmt.Fprintf(w, "EXERCISE: %d reports, %d objects, %d values, %d set aside, in %.1f s\n", r.Reports, r.Objects, r.Values, r.Quarantined, r.Seconds)
			for _, f := range r.Findings {
				_, _ = fmt.Fprintf(w, "  %s\n", f)
			}
			if url != "" {
				_, _ = fmt.Fprintf(w, "open %s\nstop with Ctrl-C\n", url)
			}
		})
	}
	o.Ready = func(r *DemoResult, url string) { _ = show(r, url) }
	r, err := a.host.Demo(ctx, o)
	if ctx.Err() != nil && r != nil {
		return nil // stopped on request
	}
	if err != nil {
		return err
	}
	if o.Once {
		return show(r, "")
	}
	return nil
}

// BenchOptions say what to measure.
type BenchOptions struct {
	Objects int
	Seed    uint64
	Write   string // where the input goes, kept
	Say     func(format string, args ...any)
}

func (a *app) benchCmd() *cobra.Command {
	var o BenchOptions
	c := &cobra.Command{
		Use: "bench", Short: "measure what this machine can do",
		Long:    "Writes objects as NDJSON, imports them with default settings, and measures\nmatching, appending, rebuilding and opening, beside what the machine itself can do.",
		Example: "  casus bench --objects 1000000 --json", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.Objects < 1000 {
				return usage("bench: --objects %d: want at least 1000", o.Objects)
			}
			o.Say = func(format string, args ...any) { a.say(format, args...) }
			out, err := a.host.Bench(cmd.Context(), o)
			if err != nil {
				return err
			}
			return a.print(out, func(w io.Writer) { _, _ = fmt.Fprint(w, out) })
		},
	}
	c.Flags().IntVar(&o.Objects, "objects", 100_000, "objects to import")
	c.Flags().Uint64Var(&o.Seed, "seed", 1, "seed of the input")
	c.Flags().StringVar(&o.Write, "write", "", "keep the input in this file")
	return c
}
