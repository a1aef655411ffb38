package target

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
)

// Options shapes a troupe process.
type Options struct {
	Args []string // further command-line arguments, after "--port N"
	Env  []string // further "NAME=value" settings, on top of the test's own environment
}

// Start builds cmd/troupe (once per test binary), runs it on a free loopback port and returns when it answers PING.
// The server is stopped when the test ends. Any failure ends the test.
func Start(t testing.TB, opt Options) *Server {
	t.Helper()
	bin, err := Build()
	if err != nil {
		t.Fatalf("build troupe: %v", err)
	}
	port := freePort(t)
	// Isolated: whatever else runs on this machine is left alone.
	args := append([]string{"--isolated", "--port", strconv.Itoa(port)}, opt.Args...)
	cmd := exec.Command(bin, args...)
	cmd.Env = append(os.Environ(), opt.Env...)
	cmd.Dir = t.TempDir()
	return run(t, cmd, port)
}

// Build compiles cmd/troupe and returns the path of the binary.
func Build() (string, error) { return build() }

var build = sync.OnceValues(func() (string, error) {
	root, err := ModuleRoot()
	if err != nil {
		return "", err
	}
	sum := sha1.Sum([]byte(root))
	dir := filepath.Join(os.TempDir(), "troupe-test-"+hex.EncodeToString(sum[:6]))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	bin := filepath.Join(dir, "troupe")
	cmd := exec.Command("go", "build", "-o", bin, "./cmd/troupe")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return bin, nil
})

// ModuleRoot walks up from the working folder to the one that holds go.mod.
func ModuleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", fmt.Errorf("no go.mod at or above the working folder")
		}
		dir = parent
	}
}
