package robustness

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/troupedb/troupe/bench/conformance/target"
	"github.com/troupedb/troupe/bench/conformance/wire"
	"github.com/troupedb/troupe/bench/freeport"
	"github.com/troupedb/troupe/gateway/session"
)

const (
	// patience is how long a cluster may take for what it does by itself. It is far
	// above what it needs on a loaded machine.
	patience = 2 * limit
	// lookEvery is how often a test looks whether that has come.
	lookEvery = 20 * time.Millisecond
)

// cluster is nodes that are processes of their own. They find each other by
// addresses that no other test knows.
type cluster struct {
	t     *testing.T
	name  string
	flags []string // of every node
	pass  string
	place func(n *node) // gives a node its addresses, before it is started first
	nodes []*node
	join  []string // gossip addresses of the nodes that found the cluster
}

// node is one node of a cluster, and the process that it is now.
type node struct {
	*process
	c       *cluster
	name    string
	host    string
	port    int
	gossip  int
	actor   int
	stream  int
	dir     string
	founds  bool            // a cluster, with the others that do
	wrap    func(*exec.Cmd) // changes how the process is started
	started func(n *node)   // is called once it runs
}

// TestMain runs more tests at a time than there are processors: tests of clusters
// wait more than they work.
func TestMain(m *testing.M) {
	flag.Parse()
	const atOnce = 3
	if parallel := flag.Lookup("test.parallel"); parallel.Value.String() == parallel.DefValue && runtime.GOMAXPROCS(0) < atOnce {
		_ = parallel.Value.Set(strconv.Itoa(atOnce))
	}
	os.Exit(m.Run())
}

// newCluster makes a cluster of n nodes that are not started yet.
func newCluster(t *testing.T, n int, flags ...string) *cluster {
	t.Helper()
	c := &cluster{t: t, name: fmt.Sprintf("%.30s-%x", strings.ReplaceAll(t.Name(), "/", "-"), rand.Uint64()), flags: flags}
	for range n {
		added := c.add()
		added.founds = true
		c.join = append(c.join, added.gossipAddr())
	}
	t.Cleanup(c.end)
	return c
}

// startCluster starts a cluster of n nodes and waits until the shards are spread.
func startCluster(t *testing.T, n int, flags ...string) *cluster {
	t.Helper()
	c := newCluster(t, n, flags...)
	c.start(c.nodes...)
	c.settle(c.nodes...)
	return c
}

// add makes one more node.
func (c *cluster) add() *node {
	c.t.Helper()
	p := freePorts(c.t, 4)
	n := &node{c: c, name: fmt.Sprintf("n%d", len(c.nodes)+1), host: "127.0.0.1", port: p[0], gossip: p[1], actor: p[2], stream: p[3]}
	if c.place != nil {
		c.place(n)
	}
	c.nodes = append(c.nodes, n)
	return n
}

// start starts nodes at the same time.
func (c *cluster) start(nodes ...*node) {
	c.t.Helper()
	for _, n := range nodes {
		n.start()
	}
	for _, n := range nodes {
		n.awaitStart()
	}
}

func (n *node) args() []string {
	args := []string{
		"--bind", n.host, "--port", strconv.Itoa(n.port), "--gossip-port", strconv.Itoa(n.gossip), "--actor-port", strconv.Itoa(n.actor),
		"--stream-port", strconv.Itoa(n.stream), "--cluster", n.c.name, "--name", n.name, "--join", strings.Join(n.c.join, ","),
		"--log-level", "info",
	}
	if n.founds {
		args = append(args, "--bootstrap-expect", strconv.Itoa(len(n.c.join)))
	}
	if n.dir != "" {
		args = append(args, "--dir", n.dir)
	}
	if n.c.pass != "" {
		args = append(args, "--requirepass", n.c.pass)
	}
	return append(args, n.c.flags...)
}

// start starts the node's process, and does not wait for it.
func (n *node) start() {
	n.c.t.Helper()
	bin, err := target.Build()
	if err != nil {
		n.c.t.Fatal(err)
	}
	cmd := exec.Command(bin, n.args()...)
	if n.wrap != nil {
		n.wrap(cmd)
	}
	n.process = begin(n.c.t, cmd)
	if n.started != nil {
		n.started(n)
	}
}

// begin starts a process that is killed with the test at the latest.
func begin(t testing.TB, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{cmd: cmd, done: make(chan struct{})}
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "TROUPE_") {
			cmd.Env = append(cmd.Env, e)
		}
	}
	cmd.Env = append(cmd.Env, "GOMAXPROCS=4") // two event loops, on any machine
	cmd.Stdout, cmd.Stderr = &p.stdout, &p.stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-p.done
	})
	return p
}

func (n *node) awaitStart() {
	n.c.t.Helper()
	n.c.await(n.name+" serves", func() string {
		if n.ended() {
			n.c.t.Fatalf("%s has ended:\n%s%s", n.name, n.stdout.String(), n.stderr.String())
		}
		if !strings.Contains(n.stdout.String(), "listens on ") {
			return "it has not said so"
		}
		return ""
	})
}

func (n *node) ended() bool {
	select {
	case <-n.done:
		return true
	default:
		return false
	}
}

func (n *node) addr() string       { return net.JoinHostPort(n.host, strconv.Itoa(n.port)) }
func (n *node) gossipAddr() string { return net.JoinHostPort(n.host, strconv.Itoa(n.gossip)) }

// kill is kill -9.
func (n *node) kill() {
	_ = n.cmd.Process.Kill()
	<-n.done
}

// signal sends the node a signal.
func (n *node) signal(s syscall.Signal) {
	n.c.t.Helper()
	if err := n.cmd.Process.Signal(s); err != nil {
		n.c.t.Fatal(err)
	}
}

// terminate is kill, and what the node does then by itself.
func (n *node) terminate() {
	n.c.t.Helper()
	n.signal(syscall.SIGTERM)
	select {
	case <-n.done:
	case <-time.After(patience):
		n.c.t.Fatalf("%s has not ended after SIGTERM; it wrote:\n%s%s", n.name, n.stdout.String(), n.stderr.String())
	}
	if code := n.cmd.ProcessState.ExitCode(); code != 0 {
		n.c.t.Errorf("%s ended with %d after SIGTERM", n.name, code)
	}
}

// await waits for what must come; look returns what is not so yet.
func (c *cluster) await(what string, look func() string) {
	c.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(lookEvery) {
		why := look()
		if why == "" {
			return
		}
		if time.Now().After(end) {
			c.t.Fatalf("never came: %s: %s", what, why)
		}
	}
}

// ask sends one command on a connection of its own.
func (n *node) ask(args ...string) (wire.Value, error) {
	c, err := wire.Dial(n.addr(), hangLimit)
	if err != nil {
		return wire.Value{}, err
	}
	defer c.Close()
	if n.c.pass != "" {
		if _, err := c.Do(hangLimit, "AUTH", n.c.pass); err != nil {
			return wire.Value{}, err
		}
	}
	return c.Do(hangLimit, args...)
}

// order is ask for what must not be refused.
func (n *node) order(args ...string) string {
	n.c.t.Helper()
	v, err := n.ask(args...)
	if err != nil || v.Kind == wire.Error {
		n.c.t.Fatalf("%s: %v: %s %v", n.name, args, v.Format(), err)
	}
	return string(v.Text)
}

// status is how the cluster is, as this node sees it.
func (n *node) status() (*session.ClusterStatus, error) {
	v, err := n.ask("TROUPE", "STATUS")
	if err == nil && v.Kind == wire.Error {
		err = fmt.Errorf("%s", v.Text)
	}
	st := &session.ClusterStatus{}
	if err == nil {
		err = json.Unmarshal(v.Text, st)
	}
	return st, err
}

// view is status where there must be one.
func (n *node) view() *session.ClusterStatus {
	n.c.t.Helper()
	st, err := n.status()
	if err != nil {
		n.c.t.Fatalf("%s: status: %v", n.name, err)
	}
	return st
}

// settle waits until all of these nodes see themselves, nobody else, and the shards
// evenly on them.
func (c *cluster) settle(nodes ...*node) {
	c.t.Helper()
	for _, n := range nodes {
		c.await("a settled cluster at "+n.name, func() string {
			st, err := n.status()
			if err != nil {
				return err.Error()
			}
			return unsettled(st, nodes)
		})
	}
}

func unsettled(st *session.ClusterStatus, nodes []*node) string {
	if len(st.Nodes) != len(nodes) || st.Leader == 0 {
		return fmt.Sprintf("%d nodes, led by %d", len(st.Nodes), st.Leader)
	}
	for _, n := range nodes {
		m := memberOf(st, n.name)
		if m == nil || m.State != "up" {
			return fmt.Sprintf("%s is %+v", n.name, m)
		}
		if least := len(st.Shards) / len(nodes); m.Shards < least || m.Shards > least+1 {
			return fmt.Sprintf("%s has %d of %d shards", n.name, m.Shards, len(st.Shards))
		}
	}
	for _, s := range st.Shards {
		if !s.Up || s.To != 0 {
			return fmt.Sprintf("shard %+v", s)
		}
	}
	return ""
}

// memberOf returns a node of a status by its name, nil if it is not there.
func memberOf(st *session.ClusterStatus, name string) *session.NodeStatus {
	for i := range st.Nodes {
		if st.Nodes[i].Name == name {
			return &st.Nodes[i]
		}
	}
	return nil
}

// client is a client of the node that sends no command twice.
func (n *node) client(connections int) *redis.Client {
	c := redis.NewClient(&redis.Options{
		Addr: n.addr(), Password: n.c.pass, PoolSize: connections, MaxRetries: -1, DialerRetries: 1,
		DialTimeout: limit, ReadTimeout: limit, PoolTimeout: limit, ContextTimeoutEnabled: true,
	})
	n.c.t.Cleanup(func() { _ = c.Close() })
	return c
}

// end looks for what no node may have written or caught, and ends them all.
func (c *cluster) end() {
	for _, n := range c.nodes {
		if n.process == nil {
			continue
		}
		if !n.ended() {
			_ = n.cmd.Process.Signal(syscall.SIGCONT)
			if caught := infoField(c.t, n.addr(), "troupe_recovered_panics"); c.pass == "" && caught != "0" {
				c.t.Errorf("%s caught %s panics", n.name, caught)
			}
		}
		n.kill()
		if out := n.stderr.String(); strings.Contains(out, "panic") || strings.Contains(out, "level=ERROR") || strings.Contains(out, "fatal error") {
			c.t.Errorf("%s wrote what it must not", n.name)
		}
		if c.t.Failed() {
			c.t.Logf("%s (%v) wrote:\n%s%s", n.name, n.cmd.Args, n.stdout.String(), tail(n.stderr.String()))
		}
	}
}

func tail(s string) string {
	const most = 8 << 10
	if len(s) > most {
		return "…" + s[len(s)-most:]
	}
	return s
}

func freePorts(t testing.TB, n int) []int {
	t.Helper()
	ports, err := freeport.Find(n)
	if err != nil {
		t.Fatal(err)
	}
	return ports
}
