package robustness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/troupedb/troupe/bench/conformance/target"
	"github.com/troupedb/troupe/bench/conformance/wire"
	"github.com/troupedb/troupe/shard/slot"
)

const (
	// limit is how long anything may take before a test calls it stuck: only a
	// defect meets it, however loaded the machine is.
	limit = 30 * time.Second
	slots = 1 << 14
)

// manyLoops makes a node of four event loops on any machine, as a node has one
// loop for two processors; so that clients meet each other inside it.
var manyLoops = []string{"GOMAXPROCS=8"}

// startNode starts a node of several event loops that is stopped with the test,
// which fails if the node then does not end cleanly or has caught a panic.
func startNode(t testing.TB, args ...string) *target.Server {
	t.Helper()
	s := target.Start(t, target.Options{Args: args, Env: append(cleanEnv(), manyLoops...)})
	t.Cleanup(func() {
		if n := infoField(t, s.Addr, "troupe_recovered_panics"); n != "0" {
			t.Errorf("the node caught %s panics", n)
		}
		if err := s.Stop(); err != nil {
			t.Errorf("the node ended with %v", err)
		}
		if out := s.Log(); strings.Contains(out, "panic") || strings.Contains(out, "level=ERROR") {
			t.Errorf("the node wrote:\n%s", out)
		}
	})
	return s
}

// infoField returns a field of INFO, "" where there is none.
func infoField(t testing.TB, addr, field string) string {
	t.Helper()
	c, err := wire.Dial(addr, limit)
	if err != nil {
		t.Error(err)
		return ""
	}
	defer c.Close()
	v, err := c.Do(limit, "INFO", "everything")
	if err != nil {
		t.Error(err)
		return ""
	}
	_, rest, _ := strings.Cut(string(v.Text), "\n"+field+":")
	value, _, _ := strings.Cut(rest, "\r\n")
	return value
}

// onBoth runs a test against redis-server, which shows that the test is right,
// and against a node.
func onBoth(t *testing.T, test func(t *testing.T, addr string)) {
	t.Run("redis", func(t *testing.T) { test(t, target.StartRedis(t).Addr) })
	t.Run("troupe", func(t *testing.T) { test(t, startNode(t).Addr) })
}

// cleanEnv is settings that take the tester's own TROUPE_ variables away.
func cleanEnv() []string {
	var env []string
	for _, e := range os.Environ() {
		if name, _, _ := strings.Cut(e, "="); strings.HasPrefix(name, "TROUPE_") {
			env = append(env, name)
		}
	}
	return env
}

func testContext(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 4*limit)
	t.Cleanup(cancel)
	return ctx
}

func dial(t testing.TB, addr string) *wire.Conn {
	t.Helper()
	c, err := wire.Dial(addr, limit)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// do sends a command and returns its reply in one line.
func do(t testing.TB, c *wire.Conn, args ...string) string {
	t.Helper()
	v, err := c.Do(limit, args...)
	if err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	return v.Format()
}

// keyIn returns a key with the prefix that lies in shard i of n.
func keyIn(prefix string, i, n int) string {
	for j := 0; ; j++ {
		key := fmt.Sprintf("%s%d", prefix, j)
		if int(slot.Of([]byte(key)))*n/slots == i {
			return key
		}
	}
}

// spreadKeys returns n keys that lie on as many different shards as there are:
// key i is in shard i*shards/n, or i mod shards where there are fewer shards.
func spreadKeys(prefix string, n, shards int) []string {
	keys := make([]string, n)
	for i := range keys {
		at := i % shards
		if shards >= n {
			at = i * shards / n
		}
		keys[i] = keyIn(fmt.Sprintf("%s%c", prefix, 'a'+i), at, shards)
	}
	return keys
}

// process is a troupe process that is started as a person would.
type process struct {
	cmd    *exec.Cmd
	stdout lockedBuffer
	stderr lockedBuffer
	done   chan struct{}
}

func launch(t testing.TB, env []string, args ...string) *process {
	t.Helper()
	bin, err := target.Build()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: exec.Command(bin, args...), done: make(chan struct{})}
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "TROUPE_") {
			p.cmd.Env = append(p.cmd.Env, e)
		}
	}
	if !slices.ContainsFunc(args, func(a string) bool { return a == "dev" || strings.HasPrefix(a, "--cluster") }) {
		p.cmd.Env = append(p.cmd.Env, "TROUPE_ISOLATED=true") // whatever else runs on this machine
	}
	p.cmd.Env = append(p.cmd.Env, env...)
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.done
	})
	return p
}

// exitCode waits for the process to end by itself.
func (p *process) exitCode(t testing.TB) int {
	t.Helper()
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(limit):
		t.Fatalf("%v goes on running; it wrote:\n%s%s", p.cmd.Args, p.stdout.String(), p.stderr.String())
		return 0
	}
}

// addr waits until the process says where it listens.
func (p *process) addr(t testing.TB) string {
	t.Helper()
	const before, after = "listens on ", " with"
	var found string
	eventually(t, "the node says where it listens", func() bool {
		select {
		case <-p.done:
			t.Fatalf("%v has ended:\n%s%s", p.cmd.Args, p.stdout.String(), p.stderr.String())
		default:
		}
		_, rest, ok := strings.Cut(p.stdout.String(), before)
		addr, _, whole := strings.Cut(rest, after)
		found = addr
		return ok && whole
	})
	return found
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// eventually waits for a state that must come.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never came: %s", what)
		}
	}
}

// takePort listens on a loopback port until the test ends; 0 is any free one. It
// tells which port, and whether somebody else has it already.
func takePort(t testing.TB, port int) (taken int, other bool) {
	t.Helper()
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	var refused *net.OpError
	if errors.As(err, &refused) && port != 0 {
		return port, true
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().(*net.TCPAddr).Port, false
}
