package load

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/troupedb/troupe/bench/load/target"
	"github.com/troupedb/troupe/bench/load/workload"
)

// The drivers and memory workloads by name.
const (
	DriverBuiltin        = "builtin"
	DriverRedisBenchmark = "redis-benchmark"

	MemoryFill = "fill" // RSS per key
	MemoryIdle = "idle" // RSS per idle connection, and CPU share
)

// The peers by name.
const (
	PeerRedis   = "redis"   // one redis-server
	PeerCluster = "cluster" // a Redis Cluster of three
)

// Bounds of the configuration.
const (
	// maxPipeline keeps one connection's requests and replies within the usual
	// output limits of servers; deeper pipelines no longer gain anything.
	maxPipeline = 10_000
	// maxClients is what one address can have open to one port of another.
	maxClients = 28_000
	// maxKeys keeps the expected memory of a machine in sight and key digits in place.
	maxKeys = 1_000_000_000
	// maxValueSize keeps a whole pipeline's copy per connection in memory; see maxPipelineBytes.
	maxValueSize = 16 << 20
	// maxPipelineBytes bounds what one connection sends at once.
	maxPipelineBytes = 64 << 20
	// maxThreads is far beyond what any one server can be fed with.
	maxThreads = 256
	// maxSkew is where nearly every draw is the first key.
	maxSkew = 10
	// maxAddrs bounds what one run is spread over.
	maxAddrs = 256
	// maxTargetNodes is what one machine can still start and the load tell apart.
	maxTargetNodes = 32
	// maxRate is far beyond what the driver of a steady load can send.
	maxRate = 10_000_000
)

// Config is everything about a run. DefaultConfig gives the values that a flag
// which was not given stands for.
type Config struct {
	// Addrs are where the load goes, each as host:port: the server under test, or
	// several that together are one store. Clients are spread evenly over them.
	Addrs []string
	// SlotAware makes the target's clients ask CLUSTER SLOTS and send each command
	// of one key to the owner of its slot. Those of several keys go to any owner.
	SlotAware bool
	// HashTags gives all keys of a request one hash tag, at the target and at all
	// peers, as a Redis Cluster wants it.
	HashTags bool
	// TargetNodes starts the target: a cluster of so many nodes, by Launch. 0: it
	// runs already.
	TargetNodes int
	Launch      target.Launch
	// Username and Password log in where the server asks for it. An empty
	// Password does not log in; an empty Username is the default user.
	Username, Password string
	// TargetPID is the server's process on this machine. 0 finds it out by INFO.
	TargetPID int

	// Workloads are names of Workloads(), "all" for all timed ones, and the
	// memory workloads "fill" and "idle", which always run first.
	Workloads []string
	// Pipelines are the numbers of requests sent before replies are read; each
	// workload runs with each.
	Pipelines []int
	// Keys is how many different keys, fields or members there are.
	Keys int
	// Collections is how many lists, hashes, sets and sorted sets share them
	// (redis-benchmark always uses one of each).
	Collections int
	// ValueSize is the length of values in bytes.
	ValueSize int
	// Clients is the number of connections.
	Clients int
	// Threads is the number of event loops of the built-in driver.
	Threads int
	// Skew is the exponent of the keys' zipf distribution; 0 is uniform, 0.99 customary.
	Skew float64
	// Seed makes keys and values reproducible.
	Seed uint64

	// Rounds is how many measured rounds a workload and pipeline gets.
	Rounds int
	// Warmup is how many rounds go before them unmeasured.
	Warmup int
	// Requests ends a round after so many requests. 0: Duration ends it.
	Requests int
	// Duration is the length of a round when Requests is 0.
	Duration time.Duration

	// Driver is DriverBuiltin or DriverRedisBenchmark. Workloads that
	// redis-benchmark cannot send use the built-in one, and the report says so.
	Driver string
	// RedisBenchmark is the redis-benchmark binary.
	RedisBenchmark string

	// Flush deletes everything on the target before each workload. Without it
	// the target must be empty at the beginning.
	Flush bool
	// Peers are started beside the target and compared with it: PeerRedis, PeerCluster.
	Peers []string
	// PeerServer is the redis-server binary.
	PeerServer string

	// FillKeys and FillValueSize shape "fill": so many keys of 16 bytes with
	// values of so many bytes.
	FillKeys, FillValueSize int
	// IdleClients is how many connections "idle" opens.
	IdleClients int
	// IdleDuration is how long "idle" watches the server's CPU.
	IdleDuration time.Duration
	// Settle is how long a server may tidy up before its memory is read.
	Settle time.Duration

	// WatchLatency keeps a steady load up for Duration in place of the rounds, and
	// tells latencies and errors of each second.
	WatchLatency bool
	// Rate is how many requests a second of that load are due; 0: as many as are answered.
	Rate int

	// Out is the file for the JSON report; "" writes none.
	Out string
	// Chart is the file for the chart, ending in .svg, .html or .htm; "" writes none.
	Chart string
}

// DefaultConfig compares nothing and measures every timed workload for a short
// while, with the key space and clients of redis-benchmark-like practice.
func DefaultConfig() Config {
	return Config{
		Addrs:          []string{"127.0.0.1:6379"},
		Workloads:      []string{"all"},
		Pipelines:      []int{1, 16, 64},
		Keys:           1_000_000,
		Collections:    1000,
		ValueSize:      64,
		Clients:        50,
		Threads:        1,
		Seed:           1,
		Rounds:         5,
		Warmup:         1,
		Duration:       2 * time.Second,
		Driver:         DriverBuiltin,
		RedisBenchmark: "redis-benchmark",
		PeerServer:     "redis-server",
		FillKeys:       1_000_000,
		FillValueSize:  32,
		IdleClients:    10_000,
		IdleDuration:   5 * time.Second,
		Settle:         3 * time.Second,
	}
}

// Workloads returns every name that Config.Workloads takes besides "all".
func Workloads() []string {
	return append(workload.Names(), MemoryFill, MemoryIdle)
}

// Validate returns all that is wrong with the configuration, each error naming
// the flag and what it takes.
func (c *Config) Validate() error {
	return errors.Join(c.validateTarget(), c.validatePeers(), c.validateLoad(), c.validateRounds(), c.validateWatch(), c.validateMemory())
}

func (c *Config) validateTarget() error {
	var errs []error
	if n := len(c.Addrs); (n == 0 && c.TargetNodes == 0) || n > maxAddrs {
		errs = append(errs, fmt.Errorf("%d addresses: give 1 to %d", n, maxAddrs))
	}
	for i, addr := range c.Addrs {
		if _, port, err := net.SplitHostPort(addr); err != nil || port == "" {
			errs = append(errs, fmt.Errorf("address %q: give host:port, such as 127.0.0.1:6379", addr))
		}
		if slices.Contains(c.Addrs[:i], addr) {
			errs = append(errs, fmt.Errorf("address %q: give it once", addr))
		}
	}
	if c.TargetNodes < 0 || c.TargetNodes > maxTargetNodes {
		errs = append(errs, fmt.Errorf("--target-cluster %d: give a number from 1 to %d, or 0 to measure what runs", c.TargetNodes, maxTargetNodes))
	}
	if c.TargetPID < 0 {
		errs = append(errs, fmt.Errorf("--target-pid %d: give a process id, or 0 to find it out", c.TargetPID))
	}
	if c.TargetPID > 0 && (len(c.Addrs) > 1 || c.TargetNodes > 0) {
		errs = append(errs, errors.New("--target-pid is for one server: the processes of several are found out"))
	}
	if c.Username != "" && c.Password == "" {
		errs = append(errs, errors.New("--user without --pass: give both"))
	}
	if _, err := chartWriter(c.Chart); c.Chart != "" && err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (c *Config) validatePeers() error {
	var errs []error
	for i, name := range c.Peers {
		if name != PeerRedis && name != PeerCluster {
			errs = append(errs, fmt.Errorf("--peer %q: give %s, %s, or both with a comma", name, PeerRedis, PeerCluster))
		}
		if slices.Contains(c.Peers[:i], name) {
			errs = append(errs, fmt.Errorf("--peer %q: give it once", name))
		}
	}
	return errors.Join(errs...)
}

func (c *Config) validateWatch() error {
	var errs []error
	if c.Rate < 0 || c.Rate > maxRate {
		errs = append(errs, fmt.Errorf("--rate %d: give requests a second up to %d, or 0 for as many as are answered", c.Rate, maxRate))
	}
	if !c.WatchLatency {
		if c.Rate != 0 {
			errs = append(errs, errors.New("--rate is for --watch-latency: rounds send as fast as they are answered"))
		}
		return errors.Join(errs...)
	}
	if len(c.Peers) > 0 {
		errs = append(errs, errors.New("--watch-latency watches one target: leave out --peer"))
	}
	if c.Requests > 0 || c.Duration <= 0 {
		errs = append(errs, errors.New("--watch-latency lasts for --duration: give one, and no --requests"))
	}
	for _, name := range c.Workloads {
		if strings.EqualFold(name, MemoryFill) || strings.EqualFold(name, MemoryIdle) {
			errs = append(errs, fmt.Errorf("--workloads %s has no requests to watch: leave out --watch-latency", name))
		}
	}
	return errors.Join(errs...)
}

func (c *Config) validateLoad() error {
	var errs []error
	check := func(flag string, value, low, high int) {
		if value < low || value > high {
			errs = append(errs, fmt.Errorf("--%s %d: give a number from %d to %d", flag, value, low, high))
		}
	}
	check("keys", c.Keys, 1, maxKeys)
	check("collections", c.Collections, 1, maxKeys)
	check("value-size", c.ValueSize, 0, maxValueSize)
	check("clients", c.Clients, 1, maxClients)
	check("threads", c.Threads, 1, maxThreads)
	if !(c.Skew >= 0 && c.Skew <= maxSkew) { // the negation refuses NaN too
		errs = append(errs, fmt.Errorf("--skew %v: give a zipf exponent from 0 (uniform) to %d", c.Skew, maxSkew))
	}
	if len(c.Pipelines) == 0 {
		errs = append(errs, errors.New("--pipelines: give at least one number"))
	}
	for _, p := range c.Pipelines {
		check("pipelines", p, 1, maxPipeline)
		if sent := p * workload.KeysPerMulti * c.ValueSize; p > 0 && sent > maxPipelineBytes {
			errs = append(errs, fmt.Errorf("--pipelines %d with --value-size %d: a connection would send up to %d bytes at once; keep it below %d", p, c.ValueSize, sent, maxPipelineBytes))
		}
	}
	if len(c.Workloads) == 0 {
		errs = append(errs, errors.New("--workloads: give at least one name, or all"))
	}
	known := append(Workloads(), "all")
	for _, name := range c.Workloads {
		if !slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(k, name) }) {
			errs = append(errs, fmt.Errorf("--workloads %q: give some of %s, or all", name, strings.Join(Workloads(), ", ")))
		}
	}
	return errors.Join(errs...)
}

func (c *Config) validateRounds() error {
	var errs []error
	if c.Rounds < 1 {
		errs = append(errs, fmt.Errorf("--rounds %d: give at least 1", c.Rounds))
	}
	if c.Warmup < 0 {
		errs = append(errs, fmt.Errorf("--warmup %d: give 0 or more rounds", c.Warmup))
	}
	if c.Requests < 0 {
		errs = append(errs, fmt.Errorf("--requests %d: give a count, or 0 to measure for --duration", c.Requests))
	}
	if c.Requests == 0 && c.Duration <= 0 {
		errs = append(errs, fmt.Errorf("--duration %v: give a time such as 2s, or --requests", c.Duration))
	}
	switch c.Driver {
	case DriverBuiltin:
	case DriverRedisBenchmark:
		if c.Skew != 0 {
			errs = append(errs, fmt.Errorf("--skew %v: redis-benchmark draws keys uniformly; use --driver %s", c.Skew, DriverBuiltin))
		}
	default:
		errs = append(errs, fmt.Errorf("--driver %q: give %s or %s", c.Driver, DriverBuiltin, DriverRedisBenchmark))
	}
	return errors.Join(errs...)
}

func (c *Config) validateMemory() error {
	var errs []error
	if c.FillKeys < 1 || c.FillKeys > maxKeys {
		errs = append(errs, fmt.Errorf("--fill-keys %d: give a number from 1 to %d", c.FillKeys, maxKeys))
	}
	if c.FillValueSize < 0 || c.FillValueSize > maxValueSize {
		errs = append(errs, fmt.Errorf("--fill-value-size %d: give a number from 0 to %d", c.FillValueSize, maxValueSize))
	}
	if c.IdleClients < 1 || c.IdleClients > maxClients {
		errs = append(errs, fmt.Errorf("--idle-clients %d: give a number from 1 to %d", c.IdleClients, maxClients))
	}
	if c.IdleDuration <= 0 || c.Settle < 0 {
		errs = append(errs, fmt.Errorf("--idle-duration %v, --settle %v: give times such as 5s", c.IdleDuration, c.Settle))
	}
	return errors.Join(errs...)
}

// plan returns the timed workloads in the order given, each once, and which
// memory workloads are wanted.
func (c *Config) plan(shape workload.Shape) (timed []workload.Workload, fill, idle bool, err error) {
	var names []string
	for _, name := range c.Workloads {
		switch strings.ToLower(name) {
		case "all":
			names = append(names, workload.Names()...)
		case MemoryFill:
			fill = true
		case MemoryIdle:
			idle = true
		default:
			names = append(names, strings.ToUpper(name))
		}
	}
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			continue
		}
		w, err := workload.ByName(name, shape)
		if err != nil {
			return nil, false, false, err
		}
		timed = append(timed, w)
	}
	return timed, fill, idle, nil
}

// shape is the Config's part that says what is sent.
func (c *Config) shape() workload.Shape {
	return workload.Shape{Keys: uint64(c.Keys), Collections: uint64(c.Collections), ValueSize: c.ValueSize, Seed: c.Seed}
}
