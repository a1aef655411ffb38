package robustness

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// npmEnv set to 1 runs the tests that fetch clients with npm.
const npmEnv = "TROUPE_NPM"

// TestIORedis runs testdata/ioredis.js: commands, pipelines, transactions,
// scripts, scans, subscriptions and blocking through ioredis.
func TestIORedis(t *testing.T) {
	if os.Getenv(npmEnv) != "1" {
		t.Skipf("needs node, npm and its registry: set %s=1", npmEnv)
	}
	dir := t.TempDir()
	run(t, dir, "npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", dir, "ioredis@6.0.0")
	script, err := os.ReadFile(filepath.Join("testdata", "ioredis.js"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "ioredis.js"), script, 0o600); err != nil {
		t.Fatal(err)
	}
	onBoth(t, func(t *testing.T, addr string) {
		_, port, err := net.SplitHostPort(addr)
		if err != nil {
			t.Fatal(err)
		}
		if out := run(t, dir, "node", "ioredis.js", port); !strings.HasSuffix(out, "done\n") {
			t.Errorf("ioredis.js did not come to its end:\n%s", out)
		}
	})
}

func run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(testContext(t), name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}
