package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/troupedb/troupe/bench/load"
	"github.com/troupedb/troupe/bench/load/target"
)

func benchCommand() *cobra.Command {
	cfg := load.DefaultConfig()
	host, port := "127.0.0.1", 6379
	var addrs []string
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure a server or a cluster, beside Redis if asked",
		Long: "Puts load on the server at --host and --port, or on the several at --addrs that together are one store (Troupe,\n" +
			"Redis, or any that speaks RESP), and reports throughput, latencies, CPU per command and memory, summed over all\n" +
			"servers of a cluster. With --peer a redis-server (--peer redis, or just --peer), a Redis Cluster of three\n" +
			"(--peer cluster) or both (--peer redis,cluster) are started on this machine and measured in turns with it, and\n" +
			"ratios are reported. With --watch-latency a steady load tells latencies and errors of each second instead, for\n" +
			"watching a cluster while it changes.\n\n" +
			"The server's data is changed: never point it at one with data that matters.",
		Example: "  troupe bench --port 6379 --peer\n" +
			"  troupe bench --target-cluster 3 --peer redis,cluster --workloads GET,SET,MGET --pipelines 1,16\n" +
			"  troupe bench --addrs 127.0.0.1:6379,127.0.0.1:6380 --slot-aware --workloads GET\n" +
			"  troupe bench --addrs 127.0.0.1:6379,127.0.0.1:6380 --watch-latency --rate 5000 --duration 60s --out w.json",
		Args: func(cmd *cobra.Command, args []string) error { return peerArgs(cmd.Flags(), &cfg, args) },
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := benchTarget(&cfg, addrs, net.JoinHostPort(host, strconv.Itoa(port))); err != nil {
				return err
			}
			if cfg.WatchLatency && !cmd.Flags().Changed("duration") {
				cfg.Duration = watchDuration
			}
			if err := cfg.Validate(); err != nil {
				return err
			}
			return load.Run(cmd.Context(), cfg, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.StringVar(&host, "host", host, "host of the server under test")
	f.IntVar(&port, "port", port, "port of the server under test")
	f.StringSliceVar(&addrs, "addrs", nil, "instead of --host and --port: several, as host:port,…; clients are spread evenly over them")
	loadFlags(f, &cfg)
	clusterFlags(f, &cfg)
	peerFlags(f, &cfg)
	return cmd
}

// watchDuration is how long --watch-latency lasts when --duration is not given.
const watchDuration = 30 * time.Second

// benchTarget settles what is measured.
func benchTarget(cfg *load.Config, addrs []string, addr string) error {
	switch {
	case cfg.TargetNodes != 0 && len(addrs) > 0:
		return errors.New("--target-cluster starts what is measured: leave out --addrs")
	case cfg.TargetNodes != 0:
		cfg.Addrs = nil
		return nodeLaunch(cfg)
	case len(addrs) > 0:
		cfg.Addrs = addrs
	default:
		cfg.Addrs = []string{addr}
	}
	return nil
}

// nodeLaunch is how --target-cluster starts nodes of this very program.
func nodeLaunch(cfg *load.Config) error {
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("--target-cluster: this program does not find itself: %w", err)
	}
	cfg.Launch = target.Launch{
		Program: program,
		Args: []string{"node", "--port={port}", "--gossip-port={gossip-port}", "--actor-port={actor-port}", "--stream-port={stream-port}",
			"--join={join}", "--bootstrap-expect={nodes}", "--dir={dir}"},
	}
	return nil
}

// peerArgs takes the names in `--peer cluster` and `--peer redis,cluster`: as
// --peer may stand alone, its parser leaves a word that follows to the arguments.
func peerArgs(f *pflag.FlagSet, cfg *load.Config, args []string) error {
	if len(args) == 1 && f.Changed("peer") && slices.Equal(cfg.Peers, []string{load.PeerRedis}) {
		cfg.Peers = strings.Split(args[0], ",")
		args = nil
	}
	if len(args) > 0 {
		return fmt.Errorf("%q is no flag of bench: see troupe bench --help", args[0])
	}
	return nil
}

// peerList is the value of --peer. It also takes the words of the switch that
// --peer once was.
type peerList struct{ names *[]string }

func (p peerList) String() string { return strings.Join(*p.names, ",") }
func (p peerList) Type() string   { return "redis,cluster" }

func (p peerList) Set(text string) error {
	switch text {
	case "true":
		*p.names = []string{load.PeerRedis}
	case "false", "":
		*p.names = nil
	default:
		*p.names = strings.Split(text, ",")
	}
	return nil
}

func clusterFlags(f *pflag.FlagSet, cfg *load.Config) {
	f.BoolVar(&cfg.SlotAware, "slot-aware", cfg.SlotAware, "send each command of one key to the owner of its slot (CLUSTER SLOTS), those of several keys to any node")
	f.BoolVar(&cfg.HashTags, "hash-tags", cfg.HashTags, "give all keys of a request one hash tag, as a Redis Cluster wants it")
	f.IntVar(&cfg.TargetNodes, "target-cluster", cfg.TargetNodes, "start a cluster of so many nodes of this program as the target, and stop it at the end")
	f.BoolVar(&cfg.WatchLatency, "watch-latency", cfg.WatchLatency, fmt.Sprintf(
		"keep a steady load up for --duration (%v) and tell each second's latencies and errors; GET and SET, unless --workloads says", watchDuration))
	f.IntVar(&cfg.Rate, "rate", cfg.Rate, "requests a second that --watch-latency sends, however slow the answers; 0: as many as are answered")
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
	f.Var(peerList{&cfg.Peers}, "peer", "start a redis-server, a Redis Cluster of three nodes, or both, and compare with it")
	f.Lookup("peer").NoOptDefVal = load.PeerRedis
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
