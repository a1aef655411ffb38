package load

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/troupedb/troupe/bench/load/report"
	"github.com/troupedb/troupe/bench/load/resptest"
	"github.com/troupedb/troupe/bench/load/target"
	"github.com/troupedb/troupe/bench/load/workload"
)

// requireTools skips where the real programs are missing, unless the
// environment says that they must be there.
func requireTools(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, err := exec.LookPath(name); err == nil {
			continue
		}
		if os.Getenv("TROUPE_REQUIRE_REDIS") == "1" {
			t.Fatalf("TROUPE_REQUIRE_REDIS=1 and there is no %s", name)
		}
		t.Skipf("there is no %s to test with", name)
	}
}

// liveTarget is a redis-server in the role of the server under test.
func liveTarget(t *testing.T) *target.Server {
	t.Helper()
	requireTools(t, "redis-server")
	p, err := target.StartPeer(context.Background(), "peer", "redis-server", 100)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	})
	return p.Servers[0]
}

// tiny is a configuration that is over in a moment.
func tiny(addr string) Config {
	c := DefaultConfig()
	c.Addrs = []string{addr}
	c.Keys, c.Collections, c.ValueSize, c.Clients = 300, 5, 8, 3
	c.Rounds, c.Warmup, c.Requests = 2, 0, 100
	c.Pipelines = []int{1, 16}
	c.FillKeys, c.IdleClients = 200, 5
	c.IdleDuration, c.Settle = time.Millisecond, time.Millisecond
	return c
}

func mustRun(t *testing.T, c Config) (stdout, stderr string) {
	t.Helper()
	var out, log bytes.Buffer
	if err := Run(context.Background(), c, &out, &log); err != nil {
		t.Fatalf("%v\n%s", err, log.String())
	}
	return out.String(), log.String()
}

func readReport(t *testing.T, path string) report.Report {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var r report.Report
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

func checkSide(t *testing.T, name string, s *report.Side, rounds int) {
	t.Helper()
	if s == nil || len(s.Rounds) != rounds {
		t.Fatalf("%s: %+v", name, s)
	}
	for _, r := range append(s.Rounds, s.Median) {
		if r.Requests < 100 || r.OpsPerSecond <= 0 || r.CPUMicros <= 0 || r.P50Micros <= 0 || r.P999Micros < r.P50Micros || r.RSSBytes < 1<<20 {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func TestEveryWorkloadAgainstRedisWithPeer(t *testing.T) {
	server := liveTarget(t)
	dir := t.TempDir()
	c := tiny(server.Addr)
	c.Workloads = []string{"all", "fill", "IDLE"}
	c.Peers, c.Flush, c.Skew, c.Threads = []string{PeerRedis}, true, 0.99, 2
	c.Out, c.Chart = filepath.Join(dir, "r.json"), filepath.Join(dir, "r.svg")
	stdout, stderr := mustRun(t, c)

	r := readReport(t, c.Out)
	if want := len(workload.Names()) * len(c.Pipelines); len(r.Rows) != want {
		t.Fatalf("%d rows, want %d", len(r.Rows), want)
	}
	for _, row := range r.Rows {
		checkSide(t, row.Workload+" target", &row.Target, 2)
		if len(row.Peers) != 1 || row.Peers[0].Name != "peer" {
			t.Fatalf("%s: peers %+v", row.Workload, row.Peers)
		}
		checkSide(t, row.Workload+" peer", &row.Peers[0].Side, 2)
		if ratios := row.Peers[0].Ratios; ratios.CPU <= 0 || ratios.OpsPerSecond <= 0 || ratios.P999 <= 0 {
			t.Errorf("%s: ratios %+v", row.Workload, ratios)
		}
		if !strings.Contains(stdout, "\n"+row.Workload) {
			t.Errorf("no %s in the table\n%s", row.Workload, stdout)
		}
	}
	if len(r.Memory) != 2 || r.Memory[0].Kind != MemoryIdle || r.Memory[1].Count != 200 || r.Memory[1].Peers[0].AfterBytes <= 0 {
		t.Errorf("memory %+v", r.Memory)
	}
	if !slices.Equal(r.Target.PIDs, []int{server.PID}) || r.Target.Version == "" || len(r.Peers) != 1 {
		t.Fatalf("%+v %+v", r.Target, r.Peers)
	}
	if strings.Count(stderr, " round ") < len(r.Rows)*4 {
		t.Errorf("progress has no line a round:\n%s", stderr)
	}
	if conn, err := net.Dial("tcp", r.Peers[0].Addr); err == nil {
		conn.Close()
		t.Error("the peer was left running")
	}
	if svg, err := os.ReadFile(c.Chart); err != nil || !bytes.Contains(svg, []byte("EVAL P=16")) {
		t.Errorf("chart: %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 2 {
		t.Errorf("files left behind: %v", left)
	}
}

func TestRedisBenchmarkDriver(t *testing.T) {
	requireTools(t, "redis-benchmark")
	server := liveTarget(t)
	c := tiny(server.Addr)
	c.Driver = DriverRedisBenchmark
	c.Pipelines = []int{16}
	c.Rounds, c.Requests = 1, 5001
	c.Flush = true
	c.Out = filepath.Join(t.TempDir(), "r.json")
	stdout, _ := mustRun(t, c)
	r := readReport(t, c.Out)
	if len(r.Rows) != len(workload.Names()) {
		t.Fatalf("%d rows", len(r.Rows))
	}
	for _, row := range r.Rows {
		checkSide(t, row.Workload, &row.Target, 1)
		want := DriverRedisBenchmark
		if row.Workload == "EXEC" {
			want = DriverBuiltin
		}
		if row.Driver != want || row.Target.Rounds[0].Requests != 5008 {
			t.Errorf("%s by %s: %d requests, want 5001 rounded up to pipelines", row.Workload, row.Driver, row.Target.Rounds[0].Requests)
		}
	}
	if !strings.Contains(stdout, "note: EXEC was driven by the built-in driver") {
		t.Errorf("no note about EXEC:\n%s", stdout)
	}
}

// TestRedisBenchmarkDrawsEachKey settles that every placeholder of a command
// gets a number of its own: with one number a command, a thousand scripts on
// two keys each could not touch more than a thousand keys.
func TestRedisBenchmarkDrawsEachKey(t *testing.T) {
	requireTools(t, "redis-benchmark")
	server := liveTarget(t)
	c := tiny(server.Addr)
	c.Driver, c.Workloads, c.Pipelines = DriverRedisBenchmark, []string{"EVAL"}, []int{1}
	c.Keys, c.Requests, c.Rounds = 1_000_000, 1000, 1
	mustRun(t, c)
	n, err := server.Keys()
	if err != nil {
		t.Fatal(err)
	}
	if n <= 1000 {
		t.Fatalf("1000 scripts on two keys each touched only %d keys", n)
	}
}

func TestRedisBenchmarkByTime(t *testing.T) {
	requireTools(t, "redis-benchmark")
	server := liveTarget(t)
	c := tiny(server.Addr)
	c.Driver, c.Workloads, c.Pipelines = DriverRedisBenchmark, []string{"SET"}, []int{1}
	c.Requests, c.Duration, c.Rounds = 0, 20*time.Millisecond, 1
	c.Out = filepath.Join(t.TempDir(), "r.json")
	mustRun(t, c)
	if n := readReport(t, c.Out).Rows[0].Target.Rounds[0].Requests; n < 1 {
		t.Fatalf("%d requests", n)
	}
}

func TestServerWithDataIsLeftAlone(t *testing.T) {
	server := liveTarget(t)
	c := tiny(server.Addr)
	c.Workloads = []string{"SET"}
	mustRun(t, c)
	before, err := server.Keys()
	if err != nil || before == 0 {
		t.Fatalf("%d keys, %v", before, err)
	}
	err = Run(context.Background(), c, &bytes.Buffer{}, &bytes.Buffer{})
	if err == nil || !strings.Contains(err.Error(), "give --flush") {
		t.Fatalf("%v", err)
	}
	if after, err := server.Keys(); err != nil || after != before {
		t.Fatalf("%d keys became %d, %v", before, after, err)
	}
	c.Flush, c.Keys = true, 1
	mustRun(t, c)
	if after, err := server.Keys(); err != nil || after != 1 {
		t.Fatalf("%d keys after --flush, %v", after, err)
	}
}

// standIn is an empty server that answers its load as the test says.
func standIn(t *testing.T, load func(words []string) string) *resptest.Server {
	return resptest.Start(t, 0, func(words []string) string {
		switch words[0] {
		case "PING":
			return "+PONG\r\n"
		case "INFO":
			return "$0\r\n\r\n"
		case "DBSIZE":
			return ":0\r\n"
		case "CLUSTER":
			return "-ERR This instance has cluster support disabled\r\n"
		}
		return load(words)
	})
}

func TestWrongAnswersFailTheRun(t *testing.T) {
	for name, c := range map[string]struct {
		workload string
		answer   func([]string) string
		want     string
	}{
		"error":     {"INCR", func([]string) string { return "-OOM none\r\n" }, "OOM none"},
		"lost keys": {"GET", func(w []string) string { return map[string]string{"SET": "+OK\r\n", "GET": "$-1\r\n"}[w[0]] }, "found nothing"},
		"hang up":   {"SET", func([]string) string { return resptest.HangUp }, "SET P=1 round 1/2 target"},
		"fill":      {"fill", func([]string) string { return "+OK\r\n" }, "200 keys were written, but the server holds 0 more"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := tiny(standIn(t, c.answer).Addr)
			cfg.Workloads = []string{c.workload}
			cfg.Out = filepath.Join(t.TempDir(), "r.json")
			var stdout bytes.Buffer
			err := Run(context.Background(), cfg, &stdout, &bytes.Buffer{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("%v", err)
			}
			if left, _ := os.ReadDir(filepath.Dir(cfg.Out)); stdout.Len() > 0 || len(left) > 0 {
				t.Fatalf("a failed run left %v and said %q", left, stdout.String())
			}
		})
	}
}

func TestInterruptedRunShowsWhatIsFinished(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	server := standIn(t, func(words []string) string {
		if words[0] == "INCR" {
			cancel()
			return ""
		}
		return "+OK\r\n"
	})
	c := tiny(server.Addr)
	c.Workloads, c.Pipelines = []string{"SET", "INCR"}, []int{1}
	c.Out = filepath.Join(t.TempDir(), "r.json")
	var stdout bytes.Buffer
	if err := Run(ctx, c, &stdout, &bytes.Buffer{}); !errors.Is(err, context.Canceled) {
		t.Fatalf("%v", err)
	}
	r := readReport(t, c.Out)
	if !r.Interrupted || len(r.Rows) != 1 || r.Rows[0].Workload != "SET" || !strings.Contains(stdout.String(), "interrupted") {
		t.Fatalf("%+v\n%s", r, stdout.String())
	}
}

func TestPasswordIsNotReported(t *testing.T) {
	server := standIn(t, func([]string) string { return "+OK\r\n" })
	c := tiny(server.Addr)
	c.Workloads, c.Password = []string{"SET"}, "hush-hush"
	c.Out = filepath.Join(t.TempDir(), "r.json")
	stdout, stderr := mustRun(t, c)
	b, err := os.ReadFile(c.Out)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(stdout+stderr+string(b), "hush-hush") {
		t.Fatal("the password is in the output")
	}
	if len(server.Commands("AUTH")) == 0 {
		t.Fatal("nobody logged in")
	}
}

func TestRunErrorsSayWhatToDo(t *testing.T) {
	server := standIn(t, func([]string) string { return "+OK\r\n" })
	for name, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"nobody there":       {func(c *Config) { c.Addrs = []string{"127.0.0.1:1"} }, "nothing answers at 127.0.0.1:1: start a server"},
		"no redis-server":    {func(c *Config) { c.Peers, c.PeerServer = []string{PeerRedis}, "no-such-server" }, "install redis-server (apt-get install redis-server) or leave out --peer"},
		"no redis-benchmark": {func(c *Config) { c.Driver, c.RedisBenchmark = DriverRedisBenchmark, "no-such-benchmark" }, "use --driver builtin"},
		"out of nowhere":     {func(c *Config) { c.Out = "/no/such/dir/r.json" }, "--out /no/such/dir/r.json cannot be written"},
		"bad value":          {func(c *Config) { c.Rounds = 0 }, "--rounds 0"},
	} {
		cfg := tiny(server.Addr)
		cfg.Workloads = []string{"SET"}
		c.change(&cfg)
		err := Run(context.Background(), cfg, &bytes.Buffer{}, &bytes.Buffer{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDefaultsAreValid(t *testing.T) {
	c := DefaultConfig()
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
}

func TestValidateNamesTheFlag(t *testing.T) {
	for want, change := range map[string]func(*Config){
		"host:port":             func(c *Config) { c.Addrs = []string{"localhost"} },
		"--target-pid":          func(c *Config) { c.TargetPID = -1 },
		"--user without --pass": func(c *Config) { c.Username = "a" },
		".svg or .html":         func(c *Config) { c.Chart = "x.png" },
		"--keys 0":              func(c *Config) { c.Keys = 0 },
		"--collections":         func(c *Config) { c.Collections = maxKeys + 1 },
		"--value-size -1":       func(c *Config) { c.ValueSize = -1 },
		"--clients":             func(c *Config) { c.Clients = 0 },
		"--threads":             func(c *Config) { c.Threads = 0 },
		"--skew -0.5":           func(c *Config) { c.Skew = -0.5 },
		"--skew NaN":            func(c *Config) { c.Skew = math.NaN() },
		"at least one number":   func(c *Config) { c.Pipelines = nil },
		"--pipelines 0":         func(c *Config) { c.Pipelines = []int{1, 0} },
		"bytes at once":         func(c *Config) { c.ValueSize = 1 << 20 },
		"at least one name":     func(c *Config) { c.Workloads = nil },
		`--workloads "FROB"`:    func(c *Config) { c.Workloads = []string{"FROB"} },
		"--rounds":              func(c *Config) { c.Rounds = 0 },
		"--warmup":              func(c *Config) { c.Warmup = -1 },
		"--requests":            func(c *Config) { c.Requests = -1 },
		"--duration":            func(c *Config) { c.Duration = 0 },
		`--driver "memtier"`:    func(c *Config) { c.Driver = "memtier" },
		"draws keys uniformly":  func(c *Config) { c.Driver, c.Skew = DriverRedisBenchmark, 1 },
		"--fill-keys":           func(c *Config) { c.FillKeys = 0 },
		"--fill-value-size":     func(c *Config) { c.FillValueSize = -1 },
		"--idle-clients":        func(c *Config) { c.IdleClients = maxClients + 1 },
		"--idle-duration":       func(c *Config) { c.IdleDuration = 0 },
	} {
		c := DefaultConfig()
		change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestPlanKeepsOrderAndDropsRepeats(t *testing.T) {
	c := DefaultConfig()
	c.Workloads = []string{"zadd", "idle", "GET", "Zadd", "all"}
	timed, fill, idle, err := c.plan(c.shape())
	if err != nil || fill || !idle || len(timed) != len(workload.Names()) || timed[0].Name != "ZADD" || timed[1].Name != "GET" {
		t.Fatalf("%d workloads, fill %v, idle %v, %v", len(timed), fill, idle, err)
	}
}

func TestProgressOnATerminalRefreshesOneLine(t *testing.T) {
	var b bytes.Buffer
	p := &progress{w: &b, terminal: true}
	if err := p.during("SET round 1/5", func() error { return nil }); err != nil {
		t.Fatal(err)
	}
	p.finished("SET round 1/5: done")
	p.clear()
	if s := b.String(); strings.Contains(s, "\n") || strings.Count(s, lineStart) != 3 || !strings.HasSuffix(s, lineStart) {
		t.Fatalf("%q", s)
	}
	if isTerminal(&b) {
		t.Fatal("a buffer is no terminal")
	}
}
