package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"casus/internal/fault"
)

// usage marks an error as one of the command line itself.
func usage(format string, args ...any) error {
	return &coded{exitUsage, fmt.Errorf(format, args...)}
}

// checkListen refuses what is no address to listen on.
func checkListen(ctx context.Context, addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return usage("--listen %s: want ADDRESS:PORT, for example 127.0.0.1:7180", addr)
	}
	if _, err := net.DefaultResolver.LookupPort(ctx, "tcp", port); err != nil {
		return usage("--listen %s: want a port from 0 to 65535", addr)
	}
	return nil
}

// errTwice is the cause of the error about a flag given again.
var errTwice = errors.New("given more than once")

// once is a flag that may be given one time only: of two values, which counts?
type once struct {
	pflag.Value
	given bool
}

// Set implements pflag.Value.
func (o *once) Set(s string) error {
	if o.given {
		return errTwice
	}
	o.given = true
	return o.Value.Set(s)
}

// wrongFlag says what is wrong with the flags of a command.
func wrongFlag(cmd *cobra.Command, err error) error {
	if bad, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		f := bad.GetFlag()
		switch kind := f.Value.Type(); {
		case errors.Is(err, errTwice):
			err = fmt.Errorf("--%s is given more than once", f.Name)
		case strings.HasPrefix(kind, "int") || strings.HasPrefix(kind, "uint"):
			err = fmt.Errorf("--%s %q: want a whole number", f.Name, bad.GetValue())
		case kind == "bool":
			err = fmt.Errorf("--%s=%s: want --%s alone, or =true or =false", f.Name, bad.GetValue(), f.Name)
		}
	}
	return usage("%s%w; see %s --help", said(cmd), err, cmd.CommandPath())
}

// wrongArgs says how many arguments a command was given, and which it takes.
func wrongArgs(cmd *cobra.Command, args []string) error {
	got := fmt.Sprintf("%d arguments", len(args))
	switch len(args) {
	case 0:
		got = "no argument"
	case 1:
		got = "one argument"
	}
	form := cmd.Use
	if cmd.HasParent() {
		form = cmd.Parent().CommandPath() + " " + form
	}
	return usage("%s%s given; it is used as: %s; see %s --help", said(cmd), got, form, cmd.CommandPath())
}

// said is how a message about a command begins.
func said(cmd *cobra.Command) string {
	if !cmd.HasParent() {
		return ""
	}
	return cmd.Name() + ": "
}

// strict makes wrong arguments, and flags that contradict themselves, a usage
// error everywhere.
func strict(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(cmd *cobra.Command, args []string) error {
			if check(cmd, args) != nil {
				return wrongArgs(cmd, args)
			}
			if slices.Contains(args, "") {
				return usage("%san argument is empty; see %s --help", said(cmd), cmd.CommandPath())
			}
			return nil
		}
	}
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if kind := f.Value.Type(); !strings.HasSuffix(kind, "Array") && !strings.HasSuffix(kind, "Slice") {
			f.Value = &once{Value: f.Value}
		}
	})
	if c.HasSubCommands() && c.RunE == nil {
		c.RunE = func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknown(cmd, args[0])
			}
			return cmd.Help()
		}
	}
	for _, sub := range c.Commands() {
		strict(sub)
	}
}

// unknown says that a command has no such command, and which may be meant.
func unknown(cmd *cobra.Command, name string) error {
	err := fmt.Errorf("unknown command %q; see %s --help", name, cmd.CommandPath())
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(name); len(near) > 0 {
		err = fault.WithHint(err, "did you mean %s?", strings.Join(near, " or "))
	}
	return &coded{exitUsage, err}
}
