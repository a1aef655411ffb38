package load

import (
	"bytes"
	"context"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/troupedb/troupe/bench/load/target"
	"github.com/troupedb/troupe/bench/load/workload"
)

// liveCluster is a Redis Cluster in the role of the cluster under test.
func liveCluster(t *testing.T) *target.Started {
	t.Helper()
	requireTools(t, "redis-server")
	c, err := target.StartCluster(context.Background(), "target", "redis-server", 100)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func tinyCluster(c *target.Started) Config {
	cfg := tiny("")
	cfg.Addrs = strings.Split(c.Addr(), ",")
	return cfg
}

// TestEveryWorkloadOnAClusterBesideBothPeers: slot-aware clients with hash tags,
// as a Redis Cluster wants them, on both clusters and on the single server.
func TestEveryWorkloadOnAClusterBesideBothPeers(t *testing.T) {
	c := liveCluster(t)
	cfg := tinyCluster(c)
	cfg.Addrs = cfg.Addrs[:1] // the others are found
	cfg.SlotAware, cfg.HashTags, cfg.Flush = true, true, true
	cfg.Workloads = []string{"all", "fill", "idle"}
	cfg.Peers = []string{PeerRedis, PeerCluster}
	cfg.Rounds = 1
	cfg.Out = filepath.Join(t.TempDir(), "r.json")
	stdout, _ := mustRun(t, cfg)
	r := readReport(t, cfg.Out)
	if len(r.Rows) != len(workload.Names())*len(cfg.Pipelines) {
		t.Fatalf("%d rows", len(r.Rows))
	}
	for _, row := range r.Rows {
		checkSide(t, row.Workload+" target", &row.Target, 1)
		if len(row.Peers) != 2 || row.Peers[0].Name != PeerRedis || row.Peers[1].Name != PeerCluster {
			t.Fatalf("%s: %+v", row.Workload, row.Peers)
		}
		for _, p := range row.Peers {
			checkSide(t, row.Workload+" "+p.Name, &p.Side, 1)
		}
	}
	if !slices.Equal(slices.Sorted(slices.Values(r.Target.PIDs)), slices.Sorted(slices.Values(c.PIDs()))) || !r.Target.SlotAware || len(r.Peers[0].PIDs) != 1 || len(r.Peers[1].PIDs) != 3 {
		t.Errorf("%+v %+v", r.Target, r.Peers)
	}
	if len(r.Memory) != 2 || len(r.Memory[1].Peers) != 2 {
		t.Errorf("%+v", r.Memory)
	}
	if strings.Contains(stdout, "hash tag") {
		t.Errorf("a note that sides differ, though all have hash tags:\n%s", stdout)
	}
	for _, p := range r.Peers {
		for addr := range strings.SplitSeq(p.Addr, ",") {
			if conn, err := net.Dial("tcp", addr); err == nil {
				conn.Close()
				t.Errorf("%s was left running", addr)
			}
		}
	}
}

// TestClusterPeerOfOneServer: the target gets the plain load, the peer what it takes.
func TestClusterPeerOfOneServer(t *testing.T) {
	server := liveTarget(t)
	cfg := tiny(server.Addr)
	cfg.Workloads, cfg.Pipelines, cfg.Rounds = []string{"SET", "MGET", "EXEC"}, []int{2}, 1
	cfg.Driver, cfg.Flush = DriverRedisBenchmark, true
	cfg.Peers = []string{PeerCluster}
	cfg.Out = filepath.Join(t.TempDir(), "r.json")
	stdout, _ := mustRun(t, cfg)
	r := readReport(t, cfg.Out)
	for _, row := range r.Rows {
		if row.Driver != DriverBuiltin || len(row.Peers) != 1 || row.Peers[0].Name != "peer" {
			t.Errorf("%+v", row)
		}
	}
	for _, want := range []string{
		"note: MGET: all keys of a request have one hash tag at the peer, a Redis Cluster",
		"note: SET was driven by the built-in driver",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in\n%s", want, stdout)
		}
	}
}

// TestWhatARedisClusterRefusesSaysWhatToGive.
func TestWhatARedisClusterRefusesSaysWhatToGive(t *testing.T) {
	c := liveCluster(t)
	for want, change := range map[string]func(*Config){
		"its clients must be --slot-aware":            func(c *Config) { c.Workloads = []string{"SET"} },
		"it takes several keys only with --hash-tags": func(c *Config) { c.Workloads, c.SlotAware = []string{"MSET"}, true },
	} {
		cfg := tinyCluster(c)
		cfg.Flush = true
		change(&cfg)
		err := Run(context.Background(), cfg, &bytes.Buffer{}, &bytes.Buffer{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v", err)
		}
	}
	cfg := tiny(standIn(t, func([]string) string { return "+OK\r\n" }).Addr)
	cfg.SlotAware = true
	err := Run(context.Background(), cfg, &bytes.Buffer{}, &bytes.Buffer{})
	if err == nil || !strings.Contains(err.Error(), "CLUSTER SLOTS at") {
		t.Errorf("%v", err)
	}
}

func TestWatchOfACluster(t *testing.T) {
	c := liveCluster(t)
	cfg := tinyCluster(c)
	cfg.SlotAware, cfg.HashTags = true, true
	cfg.Workloads = []string{"GET", "SET", "MGET", "EXEC"}
	cfg.WatchLatency, cfg.Requests, cfg.Rate, cfg.Duration = true, 0, 400, 1100*time.Millisecond
	cfg.Clients = 8
	cfg.Out = filepath.Join(t.TempDir(), "r.json")
	stdout, _ := mustRun(t, cfg)
	w := readReport(t, cfg.Out).Watch
	if w == nil || len(w.Seconds) < 1 || w.Total.Requests+w.Total.Unsent != 440 || w.Total.Requests == 0 {
		t.Fatalf("%+v", w)
	}
	if w.Total.Errors != 0 || w.Total.Misses != 0 || w.Total.MaxMicros <= 0 || !slices.Equal(w.Workloads, cfg.Workloads) {
		t.Errorf("%+v", w)
	}
	if !strings.HasPrefix(strings.TrimSpace(stdout), "second ") || !strings.Contains(stdout, "  total\n") {
		t.Errorf("%s", stdout)
	}
}

// TestWatchGoesOnThroughErrors and says what they were.
func TestWatchGoesOnThroughErrors(t *testing.T) {
	server := standIn(t, func(words []string) string {
		if words[0] == "GET" {
			return "$-1\r\n"
		}
		return "-LOADING wait\r\n"
	})
	cfg := tiny(server.Addr)
	cfg.Workloads = []string{"INCR"}
	cfg.WatchLatency, cfg.Requests, cfg.Duration, cfg.Rate = true, 0, 100*time.Millisecond, 100
	cfg.Out = filepath.Join(t.TempDir(), "r.json")
	stdout, _ := mustRun(t, cfg)
	w := readReport(t, cfg.Out).Watch
	if w.Total.Errors == 0 || w.Total.Errors != w.Total.Requests || !strings.Contains(stdout, "LOADING wait") {
		t.Fatalf("%+v\n%s", w, stdout)
	}
}

func TestWatchTakesGetAndSetOfAll(t *testing.T) {
	c := DefaultConfig()
	timed, err := c.watched()
	if err != nil || len(timed) != 2 || timed[0].Name != "GET" || timed[1].Name != "SET" || c.Workloads[0] != "all" {
		t.Fatalf("%+v %v", timed, err)
	}
}

func TestWroteTakesOwnAndCommonCounts(t *testing.T) {
	for _, c := range []struct {
		before, after []int64
		ok            bool
	}{
		{[]int64{0}, []int64{10}, true},
		{[]int64{1, 2}, []int64{7, 6}, true},   // each its own
		{[]int64{3, 3}, []int64{13, 13}, true}, // each all there are
		{[]int64{0, 0}, []int64{10, 9}, false},
		{[]int64{0, 0}, []int64{4, 5}, false},
	} {
		if err := wrote(c.before, c.after, 10); (err == nil) != c.ok {
			t.Errorf("%v: %v", c, err)
		}
	}
}

func TestValidateNamesTheClusterFlag(t *testing.T) {
	for want, change := range map[string]func(*Config){
		"0 addresses":             func(c *Config) { c.Addrs = nil },
		"give it once":            func(c *Config) { c.Addrs = []string{"a:1", "a:1"} },
		"--target-pid is for one": func(c *Config) { c.Addrs, c.TargetPID = []string{"a:1", "b:1"}, 5 },
		"--target-cluster 33":     func(c *Config) { c.TargetNodes = maxTargetNodes + 1 },
		`--peer "frob"`:           func(c *Config) { c.Peers = []string{"frob"} },
		`--peer "redis": give it`: func(c *Config) { c.Peers = []string{"redis", "redis"} },
		"--rate -1":               func(c *Config) { c.WatchLatency, c.Rate = true, -1 },
		"--rate is for":           func(c *Config) { c.Rate = 1 },
		"leave out --peer":        func(c *Config) { c.WatchLatency, c.Peers = true, []string{"redis"} },
		"lasts for --duration":    func(c *Config) { c.WatchLatency, c.Requests = true, 5 },
		"has no requests":         func(c *Config) { c.WatchLatency, c.Workloads = true, []string{"fill"} },
	} {
		c := DefaultConfig()
		change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	c := DefaultConfig()
	c.Addrs, c.TargetNodes = nil, 3
	if err := c.Validate(); err != nil {
		t.Errorf("a target that is started needs no address: %v", err)
	}
}
