package target

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// RedisVersion is the release that goldens are recorded from and that live comparisons run against.
const RedisVersion = "7.0.15"

// requireRedisEnv set to 1 turns the absence of redis-server into a failure, as it must be in CI.
const requireRedisEnv = "TROUPE_REQUIRE_REDIS"

// StartRedis runs redis-server on a free loopback port, keeping nothing on disk, with args added to its command line.
// Without a redis-server of RedisVersion the test is skipped, or fails when TROUPE_REQUIRE_REDIS=1.
func StartRedis(t testing.TB, args ...string) *Server {
	t.Helper()
	bin, missing := findRedis()
	if missing != "" {
		if os.Getenv(requireRedisEnv) == "1" {
			t.Fatalf("%s=1, but %s", requireRedisEnv, missing)
		}
		t.Skip(missing)
	}
	port := freePort(t)
	base := []string{"--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"}
	cmd := exec.Command(bin, append(base, args...)...)
	cmd.Dir = t.TempDir()
	return run(t, cmd, port)
}

// findRedis returns the binary, or why there is none.
func findRedis() (bin, missing string) {
	bin, err := exec.LookPath("redis-server")
	if err != nil {
		return "", "redis-server is not installed"
	}
	out, err := exec.Command(bin, "--version").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "v="+RedisVersion+" ") {
		return "", "redis-server is not version " + RedisVersion
	}
	return bin, ""
}
