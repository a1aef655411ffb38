package conformance

import (
	"flag"
	"os"
	"testing"

	"github.com/troupedb/troupe/bench/conformance/target"
)

var rewrite = flag.Bool("rewrite", false, "record the golden files from redis-server instead of comparing")

const (
	testdata = "testdata"
	// targetEnv names a running server to compare with the goldens, in place of a fresh Troupe process.
	targetEnv = "TROUPE_TARGET"
)

// A configuration is a way to start both servers, and the case groups that run on servers started so.
type configuration struct {
	name      string
	redisArgs []string
	troupe    target.Options
	holds     func(group string) bool
	servers   int
}

// defaultsGroup holds the cases about what a server does when nothing was set.
const defaultsGroup = "defaults"

var configurations = []configuration{
	{
		name:      "debug",
		redisArgs: []string{"--enable-debug-command", "yes"},
		troupe:    target.Options{Env: []string{"TROUPE_ENABLE_DEBUG_COMMAND=yes"}},
		holds:     func(group string) bool { return group != defaultsGroup },
		servers:   3, // cases mostly wait for round trips, so a few files run side by side
	},
	{
		name:    "defaults",
		holds:   func(group string) bool { return group == defaultsGroup },
		servers: 1,
	},
}

func (c configuration) files(t *testing.T) []*File {
	t.Helper()
	var out []*File
	for _, f := range loadCases(t) {
		if c.holds(f.Group) {
			out = append(out, f)
		}
	}
	if len(out) == 0 {
		t.Fatal("no case files")
	}
	return out
}

// targets starts the servers under test, or takes the running one that the environment names.
func (c configuration) targets(t *testing.T, count int) Pool {
	t.Helper()
	if addr := os.Getenv(targetEnv); addr != "" {
		return NewPool(addr)
	}
	var addrs []string
	for range count {
		addrs = append(addrs, target.Start(t, c.troupe).Addr)
	}
	return NewPool(addrs...)
}

func loadCases(t *testing.T) []*File {
	t.Helper()
	files, err := Load(testdata)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestTargetEqualsGolden(t *testing.T) {
	if *rewrite {
		t.Skip("recording")
	}
	for _, c := range configurations {
		t.Run(c.name, func(t *testing.T) {
			if os.Getenv(targetEnv) != "" && c.name != configurations[0].name {
				t.Skipf("the server at %s was started otherwise", targetEnv)
			}
			files := c.files(t)
			Run(t, c.targets(t, c.servers), files)
		})
	}
}

func TestGoldenEqualsLiveRedis(t *testing.T) {
	for _, c := range configurations {
		t.Run(c.name, func(t *testing.T) {
			files := c.files(t)
			if *rewrite {
				redis := target.StartRedis(t, c.redisArgs...)
				if err := Record(redis.Addr, files); err != nil {
					t.Fatal(err)
				}
				return
			}
			var addrs []string
			for range c.servers {
				addrs = append(addrs, target.StartRedis(t, c.redisArgs...).Addr)
			}
			Run(t, NewPool(addrs...), files)
		})
	}
}
