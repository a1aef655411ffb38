package robustness

import (
	"fmt"
	"net"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/troupedb/troupe/bench/conformance/wire"
)

// TestClusterTour is README's: three terminals, three times troupe without flags, a
// fourth, a drain; with clients that must not notice. It has the usual ports for
// itself.
func TestClusterTour(t *testing.T) {
	inside, refused := ownNetwork(t)
	if refused != "" {
		t.Skip("needs a network of its own:", refused)
	}
	if !inside {
		return
	}
	seed := random(t)
	c := &cluster{t: t}
	t.Cleanup(c.end)
	add := func() *node {
		i := len(c.nodes)
		n := &node{c: c, name: fmt.Sprintf("127.0.0.1-%d", 6379+i), host: "127.0.0.1", port: 6379 + i}
		c.nodes = append(c.nodes, n)
		n.process = troupe(t)
		return n
	}
	for range 3 {
		add()
	}
	c.match()
	c.settle(c.nodes...)
	cli := func(args ...string) string {
		t.Helper()
		p := troupe(t, append([]string{"cluster"}, args...)...)
		if code := p.exitCode(t); code != 0 {
			t.Errorf("troupe cluster %v ends with %d:\n%s%s", args, code, p.stdout.String(), p.stderr.String())
		}
		return p.stdout.String()
	}
	if _, err := exec.LookPath("redis-cli"); err == nil {
		if got := tool(t, "redis-cli", c.nodes[1].addr(), "", "MSET", "a", "1", "b", "2", "c", "3"); got != "OK\n" {
			t.Errorf("MSET: %s", got)
		}
	} else {
		c.nodes[1].order("MSET", "a", "1", "b", "2", "c", "3")
	}
	expectABC := func(n *node) {
		t.Helper()
		if got := do(t, dial(t, n.addr()), "MGET", "a", "b", "c"); !strings.Contains(got, `"1"`) || !strings.Contains(got, `"2"`) || !strings.Contains(got, `"3"`) {
			t.Errorf("MGET at %s: %s", n.name, got)
		}
	}
	expectABC(c.nodes[2])
	if out := cli("status"); !strings.Contains(out, "127.0.0.1-6381") || !strings.Contains(out, "up") {
		t.Errorf("status:\n%s", out)
	}
	fill(t, c.nodes[0], 20000)
	tr := startTraffic(t, seed, 2, c.nodes[0], c.nodes[2])

	add()
	c.nodes[3].awaitStart()
	c.settle(c.nodes...)
	expectABC(c.nodes[3])
	if out := cli("drain", c.nodes[1].name); !strings.Contains(out, "is empty") {
		t.Errorf("drain:\n%s", out)
	}
	expectABC(c.nodes[1])
	c.nodes[1].terminate()
	rest := []*node{c.nodes[0], c.nodes[2], c.nodes[3]}
	c.settle(rest...)
	c.nodes[3].terminate()
	c.settle(rest[:2]...)
	tr.verify(c.nodes[0])
	expectABC(c.nodes[0])
	for _, n := range c.nodes {
		if out := n.stderr.String(); strings.Contains(out, "this node to  ()") {
			t.Errorf("%s wrote to the terminal:\n%s", n.name, out)
		}
	}
}

// match puts the processes in the order of the ports that they have found.
func (c *cluster) match() {
	c.t.Helper()
	byPort := map[string]*process{}
	for _, n := range c.nodes {
		_, port, err := net.SplitHostPort(n.process.addr(c.t))
		if err != nil {
			c.t.Fatal(err)
		}
		byPort[port] = n.process
	}
	for _, n := range c.nodes {
		if n.process = byPort[fmt.Sprint(n.port)]; n.process == nil {
			c.t.Fatalf("nobody listens on port %d", n.port)
		}
	}
}

// network is what is between the nodes of a cluster.
type network interface {
	// cut loses what from sends to the others, without a word.
	cut(from *node, to ...*node)
	// heal ends what cut did.
	heal(from *node, to ...*node)
}

// separation is how a node is cut off from the others.
type separation struct {
	name         string
	sends, hears bool // is lost
	hold         time.Duration
}

// each calls f, which cuts or heals, for what is lost.
func (s *separation) each(f func(from *node, to ...*node), alone *node, others []*node) {
	if s.sends {
		f(alone, others...)
	}
	for _, n := range others {
		if s.hears {
			f(n, alone)
		}
	}
}

// TestClusterPartition: of a cluster that is cut in two, the smaller part refuses
// within the lease, the larger goes on with the keys it has; nothing that was
// acknowledged is lost, and it heals. Where the machine refuses networks, a proxy is
// the network.
func TestClusterPartition(t *testing.T) {
	separations := []separation{
		{name: "both ways", sends: true, hears: true, hold: hangLimit + 2*time.Second},
		{name: "what it sends", sends: true},
		{name: "what it hears", hears: true},
	}
	inside, refused := ownNetwork(t, "nsenter", "sh")
	switch {
	case inside:
		partition(t, wireUp, separations...)
	case refused != "":
		t.Log("by a proxy, as a network of its own is refused:", refused)
		partition(t, behindProxy, separations...)
	}
}

// TestClusterPartitionByProxy: the proxy does for a network, on machines too that do
// not need it.
func TestClusterPartitionByProxy(t *testing.T) {
	t.Parallel()
	partition(t, behindProxy, separation{name: "both ways", sends: true, hears: true})
}

// partition cuts the leader of a cluster off, in one way after the other.
func partition(t *testing.T, connect func(*testing.T, *cluster) network, separations ...separation) {
	seed := random(t)
	c := newCluster(t, 3, "--insecure")
	c.pass = "secret"
	between := connect(t, c)
	c.start(c.nodes...)
	c.settle(c.nodes...)
	for _, way := range separations {
		alone, others := c.leads()
		untouched := c.keyOn(alone, "untouched:")
		q := startInquest(c, seed, mixed(alone, others[0], others[1]), c.nodes...)
		time.Sleep(warmUp)
		cut := time.Now()
		way.each(between.cut, alone, others)
		c.await("the smaller part refuses", func() string {
			if v, err := alone.ask("GET", untouched); err != nil || !strings.HasPrefix(string(v.Text), "CLUSTERDOWN") {
				return fmt.Sprint(v.Format(), err)
			}
			return ""
		})
		refusedAfter := time.Since(cut)
		c.awaitState(others[0], alone, "down")
		c.awaitState(others[1], alone, "down")
		t.Logf("%s: the smaller part refuses after %v, the larger one knows after %v", way.name, refusedAfter, time.Since(cut))
		if refusedAfter > hangLimit {
			t.Errorf("%s: it served for %v", way.name, refusedAfter)
		}
		for _, k := range victimKeys { // that may be locked by transactions of the other part
			began := time.Now()
			v, err := alone.ask("EXISTS", q.keys[k])
			if took := time.Since(began); err != nil || v.Kind != wire.Error || took > promised {
				t.Errorf("%s: of key %d the smaller part says %s %v after %v", way.name, k, v.Format(), err, took)
			}
		}
		c.awaitServed(others[0], q.keys[1])
		c.awaitServed(others[1], q.keys[3])
		time.Sleep(way.hold - time.Since(cut)) // what waits on either side must not wait for the end of it
		way.each(between.heal, alone, others)
		c.settle(c.nodes...)
		time.Sleep(warmUp)
		q.check(t)
		seed++
	}
	for _, n := range c.nodes {
		n.signal(syscall.SIGKILL)
	}
}
