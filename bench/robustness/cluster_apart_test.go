package robustness

import (
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/troupedb/troupe/bench/conformance/target"
	"github.com/troupedb/troupe/bench/conformance/wire"
)

// TestClustersStayApart: a node of another cluster, by name or by identity, is
// refused, and says so.
func TestClustersStayApart(t *testing.T) {
	t.Parallel()
	one := startCluster(t, 1)
	one.nodes[0].order("SET", "key", "of one")

	t.Run("name", func(t *testing.T) {
		other := newCluster(t, 1)
		stranger := other.nodes[0]
		stranger.name, stranger.founds, other.join = "stranger", false, one.join
		stranger.dir = t.TempDir()
		expectStranger(t, one, stranger)
	})
	t.Run("identity", func(t *testing.T) {
		other := newCluster(t, 1)
		other.name = one.name
		stranger := other.nodes[0]
		stranger.name, stranger.dir = "stranger", t.TempDir()
		other.start(stranger)
		other.settle(stranger)
		stranger.order("SET", "key", "of another")
		id := stranger.view().ID
		stranger.kill()
		stranger.founds, other.join = false, one.join
		expectStranger(t, one, stranger)
		if !stranger.ended() {
			if got := stranger.view().ID; got != id {
				t.Errorf("the node was in cluster %s and is in %s", id, got)
			}
		}
	})
}

// expectStranger starts a node that is to join where it cannot.
func expectStranger(t *testing.T, c *cluster, stranger *node) {
	t.Helper()
	stranger.start()
	c.await("the stranger says why it is refused", func() string {
		out := stranger.stdout.String() + stranger.stderr.String()
		if !strings.Contains(out, "two clusters never merge") {
			return out
		}
		return ""
	})
	time.Sleep(time.Second)
	if out := c.nodes[0].stderr.String(); strings.Contains(out, "name=stranger status=alive") {
		t.Errorf("the cluster's gossip took the stranger:\n%s", out)
	}
	if out := stranger.stderr.String(); strings.Contains(out, "name=n1 status=alive") {
		t.Errorf("the stranger's gossip took the cluster's node:\n%s", out)
	}
	if st := c.nodes[0].view(); len(st.Nodes) != 1 {
		t.Errorf("the cluster has members %+v", st.Nodes)
	}
	if got := c.nodes[0].order("GET", "key"); got != "of one" {
		t.Errorf("the cluster's key is %q", got)
	}
	stranger.kill()
}

// TestClusterOverNetworkNeedsKeys: nodes do not speak in the clear over a network
// unless they are told that they may.
func TestClusterOverNetworkNeedsKeys(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"--bind", "192.0.2.1", "--join", "192.0.2.2"},
		{"--advertise", "192.0.2.1", "--join", "192.0.2.2"},
		{"--bind", "0.0.0.0", "--advertise", "192.0.2.1", "--join", "192.0.2.2", "--gossip-key", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="},
	} {
		p := troupe(t, append(args, "--port", "0")...)
		code, out := p.exitCode(t), p.stderr.String()
		for _, want := range []string{"--gossip-key", "--tls-cert", "--insecure"} {
			if code != 1 || p.stdout.String() != "" || !strings.Contains(out, want) {
				t.Errorf("%v ends with %d and does not say %s: %q %q", args, code, want, p.stdout.String(), out)
			}
		}
	}
	t.Run("insecure", func(t *testing.T) {
		host := outerAddress()
		if host == "" {
			t.Skip("this machine has no address but loopback")
		}
		c := newCluster(t, 1, "--insecure", "--requirepass", "secret")
		n := c.nodes[0]
		n.host, c.join = host, []string{net.JoinHostPort(host, strconv.Itoa(n.gossip))}
		c.pass = "secret"
		c.flags = []string{"--insecure"}
		c.start(n)
		if v, err := n.ask("PING"); err != nil || v.Kind == wire.Error {
			t.Errorf("PING: %s %v", v.Format(), err)
		}
	})
}

// troupe starts the program as a person would, who has set nothing else.
func troupe(t *testing.T, args ...string) *process {
	t.Helper()
	bin, err := target.Build()
	if err != nil {
		t.Fatal(err)
	}
	return begin(t, exec.Command(bin, args...))
}

// outerAddress is an address of this machine that is not loopback, "" if it has none.
func outerAddress() string {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return ""
	}
	for _, a := range addrs {
		if ip, ok := a.(*net.IPNet); ok && ip.IP.To4() != nil && ip.IP.IsGlobalUnicast() {
			return ip.IP.String()
		}
	}
	return ""
}

// TestDevCluster: one terminal, a whole cluster, and Ctrl-C.
func TestDevCluster(t *testing.T) {
	t.Parallel()
	first := devPorts(t, 3)
	p := troupe(t, "dev", "--nodes", "3", "--port", strconv.Itoa(first), "--cluster", "dev-"+strconv.Itoa(os.Getpid()))
	var all []*wire.Conn
	for i := range 3 {
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(first+i))
		eventually(t, addr+" answers", func() bool {
			c, err := wire.Dial(addr, limit)
			if err == nil {
				all = append(all, c)
			}
			return err == nil
		})
	}
	eventually(t, "the nodes are one cluster", func() bool {
		v, err := all[2].Do(limit, "CLUSTER", "INFO")
		return err == nil && strings.Contains(string(v.Text), "cluster_known_nodes:3")
	})
	if got := do(t, all[0], "MSET", "a", "1", "b", "2", "c", "3"); got != "+OK" {
		t.Errorf("MSET: %s", got)
	}
	if got := do(t, all[1], "MGET", "a", "b", "c"); !strings.Contains(got, `"3"`) {
		t.Errorf("MGET: %s", got)
	}
	signal(t, p, 2)
	if code := p.exitCode(t); code != 0 {
		t.Errorf("exit code %d:\n%s%s", code, p.stdout.String(), p.stderr.String())
	}
	for i, c := range all {
		if _, err := c.Do(limit, "PING"); err == nil {
			t.Errorf("node %d goes on", i+1)
		}
	}
}

// devPorts returns the first of n free ports in a row.
func devPorts(t *testing.T, n int) int {
	t.Helper()
	for {
		p := freePorts(t, n)
		if p[n-1]-p[0] == n-1 {
			return p[0]
		}
	}
}
