package main

import (
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/troupedb/troupe/bench/load"
)

func benchCommand() *cobra.Command {
	cfg := load.DefaultConfig()
	host, port := "127.0.0.1", 6379
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure a server, beside a redis-server if asked",
		Long: "Puts load on the server at --host and --port (Troupe, Redis, or any that speaks RESP) and reports throughput,\n" +
			"latencies, the server's CPU per command and its memory. With --peer a redis-server is started on this\n" +
			"machine and measured in turns with it, and ratios are reported.\n\n" +
			"The server's data is changed: never point it at one with data that matters.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg.Addr = net.JoinHostPort(host, strconv.Itoa(port))
			if err := cfg.Validate(); err != nil {
				return err
			}
			return load.Run(cmd.Context(), cfg, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&host, "host", host, "host of the server under test")
	cmd.Flags().IntVar(&port, "port", port, "port of the server under test")
	loadFlags(cmd.Flags(), &cfg)
	peerFlags(cmd.Flags(), &cfg)
	return cmd
}

func loadFlags(f *pflag.FlagSet, cfg *load.Config) {
	f.StringVar(&cfg.Username, "user", cfg.Username, "user to log in as")
	f.StringVar(&cfg.Password, "pass", cfg.Password, "password to log in with")
	f.IntVar(&cfg.TargetPID, "target-pid", cfg.TargetPID, "process of the server under test; 0 asks it")
	f.StringSliceVar(&cfg.Workloads, "workloads", cfg.Workloads, fmt.Sprintf("what to run: all, or any of %s", strings.Join(load.Workloads(), ",")))
	f.IntSliceVar(&cfg.Pipelines, "pipelines", cfg.Pipelines, "requests sent before replies are read")
	f.IntVar(&cfg.Keys, "keys", cfg.Keys, "different keys, fields or members")
	f.IntVar(&cfg.Collections, "collections", cfg.Collections, "lists, hashes and sets that share them")
	f.IntVar(&cfg.ValueSize, "value-size", cfg.ValueSize, "bytes of a value")
	f.IntVar(&cfg.Clients, "clients", cfg.Clients, "connections")
	f.IntVar(&cfg.Threads, "threads", cfg.Threads, "event loops of the built-in driver")
	f.Float64Var(&cfg.Skew, "skew", cfg.Skew, "zipf exponent of the keys; 0 is uniform")
	f.Uint64Var(&cfg.Seed, "seed", cfg.Seed, "seed of keys and values")
	f.IntVar(&cfg.Rounds, "rounds", cfg.Rounds, "measured rounds of each workload and pipeline")
	f.IntVar(&cfg.Warmup, "warmup", cfg.Warmup, "rounds before them that are not measured")
	f.IntVar(&cfg.Requests, "requests", cfg.Requests, "requests a round; 0: --duration ends it")
	f.DurationVar(&cfg.Duration, "duration", cfg.Duration, "length of a round")
	f.StringVar(&cfg.Driver, "driver", cfg.Driver, "what makes the load: "+load.DriverBuiltin+" or "+load.DriverRedisBenchmark)
	f.BoolVar(&cfg.Flush, "flush", cfg.Flush, "delete all data of the server before each workload")
}

func peerFlags(f *pflag.FlagSet, cfg *load.Config) {
	f.BoolVar(&cfg.Peer, "peer", cfg.Peer, "start a redis-server and compare with it")
	f.StringVar(&cfg.PeerServer, "peer-server", cfg.PeerServer, "the redis-server program")
	f.StringVar(&cfg.RedisBenchmark, "redis-benchmark", cfg.RedisBenchmark, "the redis-benchmark program")
	f.IntVar(&cfg.FillKeys, "fill-keys", cfg.FillKeys, "keys of the workload fill")
	f.IntVar(&cfg.FillValueSize, "fill-value-size", cfg.FillValueSize, "bytes of a value of the workload fill")
	f.IntVar(&cfg.IdleClients, "idle-clients", cfg.IdleClients, "connections of the workload idle")
	f.DurationVar(&cfg.IdleDuration, "idle-duration", cfg.IdleDuration, "how long the workload idle watches")
	f.DurationVar(&cfg.Settle, "settle", cfg.Settle, "how long a server may tidy up before its memory is read")
	f.StringVar(&cfg.Out, "out", cfg.Out, "file for the figures, JSON")
	f.StringVar(&cfg.Chart, "chart", cfg.Chart, "file for charts, .svg or .html")
}
