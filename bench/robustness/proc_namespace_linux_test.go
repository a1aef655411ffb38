package robustness

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// insideEnv names the test that runs in a network of its own.
const insideEnv = "ROBUSTNESS_NETWORK_OF"

// ownNetwork runs the test once more, as a process with a network of its own, where
// nothing listens and nobody else is; and tells whether this is there. Where the
// machine does not let it have one, it says why.
func ownNetwork(t *testing.T, programs ...string) (inside bool, refused string) {
	t.Helper()
	if os.Getenv(insideEnv) == t.Name() {
		ip(t, "link", "set", "lo", "up")
		return true, ""
	}
	t.Parallel()
	for _, p := range append(programs, "ip") {
		if _, err := exec.LookPath(p); err != nil {
			return false, err.Error()
		}
	}
	args := []string{"-test.run=^" + t.Name() + "$", "-test.v", "-seed=" + strconv.FormatUint(*seed, 10), "-churn=" + churn.String()}
	cmd := exec.CommandContext(testContext(t), os.Args[0], args...)
	cmd.Env = append(os.Environ(), insideEnv+"="+t.Name())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	var out lockedBuffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		return false, err.Error()
	}
	err := cmd.Wait()
	_, reason, skipped := strings.Cut(out.String(), "SKIPPED: ")
	switch {
	case err != nil:
		t.Errorf("%v\n%s", err, out.String())
	case skipped:
		return false, reason
	default:
		t.Log("\n" + out.String())
	}
	return false, ""
}

// ip runs the program of that name; a machine that refuses cannot run the test.
func ip(t *testing.T, args ...string) {
	t.Helper()
	prepare(t, "ip", args...)
}

func prepare(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Skipf("SKIPPED: this machine refuses %s %v: %v %s", name, args, err, out)
	}
}

// machines is networks of one node each, on one bridge with the test.
type machines struct{ t *testing.T }

const bridgeAddr = "10.99.0.254"

func (m machines) addr(i int) string { return fmt.Sprintf("10.99.0.%d", i+1) }

// wireUp makes the bridge, and puts each node of the cluster on a machine.
func wireUp(t *testing.T, c *cluster) network {
	t.Helper()
	m := machines{t}
	ip(t, "link", "add", "bridge", "type", "bridge")
	ip(t, "addr", "add", bridgeAddr+"/24", "dev", "bridge")
	ip(t, "link", "set", "bridge", "up")
	c.join = nil
	for i, n := range c.nodes {
		n.host = m.addr(i)
		c.join = append(c.join, n.gossipAddr())
		m.install(n, i)
	}
	return m
}

// install makes a node start in a network of its own, which must be there before it
// listens: it waits for a line.
func (m machines) install(n *node, i int) {
	var gate io.WriteCloser
	n.wrap = func(cmd *exec.Cmd) {
		cmd.Args = append([]string{"sh", "-c", `read -r line; exec "$@"`, "sh"}, cmd.Args...)
		cmd.Path = "/bin/sh"
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
		var err error
		if gate, err = cmd.StdinPipe(); err != nil {
			m.t.Fatal(err)
		}
	}
	n.started = func(n *node) {
		pid, link := strconv.Itoa(n.cmd.Process.Pid), fmt.Sprintf("veth%d", i)
		ip(m.t, "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", pid)
		ip(m.t, "link", "set", link, "master", "bridge", "up")
		m.on(n, "addr", "add", m.addr(i)+"/24", "dev", "eth0")
		m.on(n, "link", "set", "eth0", "up")
		m.on(n, "link", "set", "lo", "up")
		if _, err := io.WriteString(gate, "\n"); err != nil {
			m.t.Fatal(err)
		}
	}
}

// on runs ip on a node's machine.
func (m machines) on(n *node, args ...string) {
	m.t.Helper()
	prepare(m.t, "nsenter", append([]string{"-t", strconv.Itoa(n.cmd.Process.Pid), "-n", "ip"}, args...)...)
}

// nowhere is an address of hardware that nobody has: what is sent there is lost.
const nowhere = "02:00:00:00:00:99"

func (m machines) cut(from *node, to ...*node) {
	m.t.Helper()
	for _, n := range to {
		m.on(from, "neigh", "replace", n.host, "lladdr", nowhere, "dev", "eth0", "nud", "permanent")
	}
}

func (m machines) heal(from *node, to ...*node) {
	m.t.Helper()
	for _, n := range to {
		m.on(from, "neigh", "del", n.host, "dev", "eth0")
	}
}
