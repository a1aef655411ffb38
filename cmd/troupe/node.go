package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/troupedb/troupe/coordinator/catalog"
	"github.com/troupedb/troupe/gateway"
	"github.com/troupedb/troupe/gateway/collector"
)

const nodeHelp = `Starts a node and serves Redis clients until it is told to stop (Ctrl-C or SIGTERM).
A node that is told to stop hands its data over to the others first; a second Ctrl-C ends it at once.

On one machine, nodes find each other and are one cluster: start as many as you like, without flags.

    troupe                     # the first one
    troupe                     # another, on the next free ports

Over a network, nodes join only those that they are told of, and encrypt what they say to each other.
These three, one on each machine, found a cluster as soon as all of them are there:

    export TROUPE_JOIN=10.0.0.1,10.0.0.2,10.0.0.3 TROUPE_BOOTSTRAP_EXPECT=3 TROUPE_DIR=/var/lib/troupe
    export TROUPE_GOSSIP_KEY=… TROUPE_TLS_CERT=node.pem TROUPE_TLS_KEY=node.key TROUPE_TLS_CA=ca.pem
    troupe --bind 10.0.0.1     # and 10.0.0.2, 10.0.0.3

One that comes later gives --join too, and no --bootstrap-expect. Any node answers for all keys, and
"troupe cluster status" shows how the cluster is. Most of the nodes that vote (at most five do) must be up.
With --dir a cluster whose nodes were all stopped comes back by itself; without, it is founded anew.

Each flag can also be given as an environment variable, such as TROUPE_GOSSIP_PORT for --gossip-port.`

func nodeCommand() *cobra.Command {
	cfg := gateway.DefaultConfig()
	var level string
	var member memberFlags
	cmd := &cobra.Command{
		Use:   "node",
		Short: "Start a node",
		Long:  nodeHelp,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			logger, err := newLogger(cmd.ErrOrStderr(), level)
			if err != nil {
				return err
			}
			cfg.Logger = logger
			cfg.PortGiven = cmd.Flags().Changed("port")
			if err := member.apply(&cfg, cmd); err != nil {
				return err
			}
			return runNode(cmd, cfg)
		},
	}
	f := cmd.Flags()
	f.StringVar(&cfg.Bind, "bind", cfg.Bind, "`address` to listen on")
	f.IntVar(&cfg.Port, "port", cfg.Port, "`port` to listen on; if it is not given and taken, the next free one is used")
	f.StringVar(&cfg.RequirePass, "requirepass", "", "`password` that clients must give (AUTH)")
	f.IntVar(&cfg.MaxClients, "maxclients", cfg.MaxClients, "`number` of clients that may be connected at once")
	f.StringVar(&level, "log-level", "warn", "`what` is logged to standard error: debug, info, warn or error")
	f.StringVar(&cfg.EnableDebug, "enable-debug-command", cfg.EnableDebug, "`who` may use DEBUG: no, yes, or local (connections from this machine)")
	under(f, "Clients", "bind", "port", "requirepass", "maxclients")
	member.add(f)
	cmd.SetUsageFunc(usageInSections)
	return cmd
}

func newLogger(w io.Writer, level string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("--log-level %s: use debug, info, warn or error", level)
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: l})), nil
}

func runNode(cmd *cobra.Command, cfg gateway.Config) error {
	slog.SetDefault(cfg.Logger)
	if err := cfg.Validate(); err != nil {
		return err
	}
	// Event loops keep their processors while they wait, so the rest of the program, the
	// collector too, has as many beside them as without.
	cfg.Loops, cfg.OwnProcs = gateway.DefaultLoops(), true
	runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + cfg.Loops)
	g, err := gateway.Join(cmd.Context(), cfg)
	if err != nil {
		return err
	}
	gc := collector.Start(g.Server.Stats.Commands.Load)
	defer gc.Stop()
	greet(cmd.OutOrStdout(), g, &cfg)
	select {
	case <-cmd.Context().Done():
		leave(cmd.OutOrStdout(), g)
	case <-g.ShutdownAsked():
	}
	g.Stop()
	fmt.Fprintln(cmd.OutOrStdout(), "Stopped.")
	return nil
}

// leave hands the node's shards to others before it ends. A second signal ends it at
// once.
func leave(w io.Writer, g *gateway.Gateway) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	last := -1
	err := g.Leave(ctx, func(shards int) {
		if shards != last {
			last = shards
			fmt.Fprintf(w, "Handing over to the other nodes: %d shards are left (once more Ctrl-C ends at once, and loses them).\n", shards)
		}
	})
	if err != nil && !errors.Is(err, catalog.NobodyLeft) {
		fmt.Fprintln(w, "Not everything was handed over:", err)
	}
}

// greet tells a person what is running and what to do with it.
func greet(w io.Writer, g *gateway.Gateway, cfg *gateway.Config) {
	addr := g.Addr()
	host := addr.IP.String()
	if addr.IP.IsUnspecified() {
		host = "127.0.0.1"
	}
	fmt.Fprintf(w, "Troupe listens on %s with %d shards.\n", addr, len(g.Node.Env.Shards))
	if !cfg.PortGiven && addr.Port != cfg.Port {
		fmt.Fprintf(w, "  Port %d was taken, so this is the next free one.\n", cfg.Port)
	}
	auth := ""
	if cfg.RequirePass != "" {
		auth = " -a <password>"
	}
	fmt.Fprintf(w, "  Connect:  redis-cli -h %s -p %d%s\n", host, addr.Port, auth)
	fmt.Fprintf(w, "  Measure:  troupe bench --host %s --port %d --peer\n", host, addr.Port)
	if about := g.Membership(); about != "" {
		fmt.Fprintf(w, "  Cluster:  %s\n", about)
		fmt.Fprintf(w, "            troupe cluster status --port %d%s\n", addr.Port, strings.Replace(auth, "-a", "--pass", 1))
	}
	fmt.Fprintln(w, "  Data is held in memory only: it is gone when this process ends.")
	if cfg.RequirePass == "" && !addr.IP.IsLoopback() {
		fmt.Fprintln(w, "  No password is set, so clients on other machines are refused (protected mode): see --requirepass.")
	}
	fmt.Fprintln(w, "  Stop:     Ctrl-C")
}
