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
	// servers is how many instances of each side run case files side by side: the cases mostly wait for round trips.
	servers = 3
)

// redisArgs are the settings that goldens are recorded under: Redis's defaults, and DEBUG allowed.
var redisArgs = []string{"--enable-debug-command", "yes"}

// troupeOptions gives a Troupe process the same settings.
var troupeOptions = target.Options{Env: []string{"TROUPE_ENABLE_DEBUG_COMMAND=yes"}}

func loadCases(t *testing.T) []*File {
	t.Helper()
	files, err := Load(testdata)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatal("no case files")
	}
	return files
}

// targetPool starts the servers under test.
func targetPool(t *testing.T, count int) Pool {
	t.Helper()
	if addr := os.Getenv(targetEnv); addr != "" {
		return NewPool(addr)
	}
	var addrs []string
	for range count {
		addrs = append(addrs, target.Start(t, troupeOptions).Addr)
	}
	return NewPool(addrs...)
}

func TestTargetEqualsGolden(t *testing.T) {
	if *rewrite {
		t.Skip("recording")
	}
	files := loadCases(t)
	Run(t, targetPool(t, servers), files)
}

func TestGoldenEqualsLiveRedis(t *testing.T) {
	files := loadCases(t)
	if *rewrite {
		redis := target.StartRedis(t, redisArgs...)
		if err := Record(redis.Addr, files); err != nil {
			t.Fatal(err)
		}
		return
	}
	var addrs []string
	for range servers {
		addrs = append(addrs, target.StartRedis(t, redisArgs...).Addr)
	}
	Run(t, NewPool(addrs...), files)
}
