// Command troupe is a node of Troupe, and the tools around it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := root().ExecuteContext(ctx); err != nil {
		if !errors.Is(err, context.Canceled) {
			fmt.Fprintln(os.Stderr, "troupe:", err)
		}
		os.Exit(1)
	}
}

// root is `troupe`, which does what `troupe node` does.
func root() *cobra.Command {
	node := nodeCommand()
	cmd := &cobra.Command{
		Use:   "troupe",
		Short: "A Redis made of actors",
		Long: "Troupe is a Redis-compatible in-memory store made of actors: every command, on any keys, is atomic.\n" +
			"Without a subcommand it starts a node, as `troupe node` does. Each flag can also be given as an\n" +
			"environment variable, such as TROUPE_PORT for --port.",
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          node.RunE,
	}
	cmd.Flags().AddFlagSet(node.Flags())
	cmd.AddCommand(node, benchCommand(), clusterCommand(), devCommand())
	cmd.PersistentPreRunE = func(c *cobra.Command, _ []string) error { return fromEnvironment(c.Flags()) }
	cmd.CompletionOptions.HiddenDefaultCmd = true
	return cmd
}

// fromEnvironment sets each flag that was not given from its TROUPE_ variable.
func fromEnvironment(flags *pflag.FlagSet) error {
	var failed error
	flags.VisitAll(func(f *pflag.Flag) {
		value, ok := os.LookupEnv(variable(f.Name))
		if f.Changed || !ok || failed != nil {
			return
		}
		if err := flags.Set(f.Name, value); err != nil {
			failed = fmt.Errorf("environment variable %s=%q: %w", variable(f.Name), value, err)
		}
	})
	return failed
}

// variable is the environment variable of a flag.
func variable(flag string) string {
	return "TROUPE_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}
