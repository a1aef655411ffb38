package cluster

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/actors/system"
	"github.com/troupedb/troupe/coordinator/catalog"
)

// deadline is what no test that goes well waits for.
const deadline = 40 * time.Second

// TestMain lets many tests run at once.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", atOnce); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// ports hands out ports that nobody else gets: below those that systems give to
// connections, from another place on in each process.
var ports = func() *atomic.Int32 {
	p := &atomic.Int32{}
	p.Store(int32(20000 + os.Getpid()%900*10))
	return p
}()

// freePort returns a port that nobody listens on.
func freePort(t testing.TB) int {
	for range 1000 {
		port := int(ports.Add(1))
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		l, err := net.Listen("tcp", addr)
		if err != nil {
			continue
		}
		l.Close()
		if u, err := net.ListenPacket("udp", addr); err == nil {
			u.Close()
			return port
		}
	}
	t.Fatal("no free port")
	return 0
}

// freeSpan returns the first of as many ports as Discover looks at.
func freeSpan() int {
	const span = 64
	return int(ports.Add(span)) - span + 1
}

// logs keeps what is logged, and said to people.
type logs struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logs) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logs) say(what string) { fmt.Fprintln(l, "say:", what) }

func (l *logs) has(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.text.String(), text)
}

// group is the nodes of a test, of one cluster as a rule.
type group struct {
	t     testing.TB
	name  string
	nodes []*node
}

// node is a node and what its hooks were told.
type node struct {
	*Cluster
	o   Options
	log *logs

	mu        sync.Mutex
	epochs    []uint64
	until     time.Time
	settings  map[string]string
	suspected map[directory.Number]bool
	loads     []catalog.ShardLoad
	moves     []Move
}

func newGroup(t testing.TB) *group {
	return &group{t: t, name: strings.ReplaceAll(strings.ReplaceAll(t.Name(), "/", "."), "_", ".")}
}

// options returns those of one more node, which is not started.
func (g *group) options() Options {
	return Options{
		Name: fmt.Sprint("n", len(g.nodes)+1), Cluster: g.name, Bind: "127.0.0.1", Host: "127.0.0.1",
		ClientPort: 6000 + len(g.nodes), GossipPort: freePort(g.t), ActorPort: freePort(g.t), Shards: 12,
	}
}

func gossip(o Options) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(o.GossipPort)) }

// boot starts a node without waiting for it.
func boot(ctx context.Context, t testing.TB, o Options) (*node, error) {
	n := newNode(o)
	return n, n.boot(ctx)
}

func newNode(o Options) *node {
	return &node{o: o, log: &logs{}, settings: map[string]string{}, suspected: map[directory.Number]bool{}}
}

func (n *node) boot(ctx context.Context) (err error) {
	o := n.o
	o.Logger = slog.New(slog.NewTextHandler(n.log, &slog.HandlerOptions{Level: slog.LevelInfo}))
	o.System = system.New(o.Logger)
	o.Progress = n.log.say
	if n.Cluster, err = Start(ctx, o); err == nil {
		n.Run(n.watch())
	}
	return err
}

// watch are hooks that note what they are told.
func (n *node) watch() Hooks {
	return Hooks{
		Follow: func(d *directory.Directory) {
			n.mu.Lock()
			defer n.mu.Unlock()
			n.epochs = append(n.epochs, d.Epoch)
		},
		Suspect: func(m directory.Number, suspected bool) {
			n.mu.Lock()
			defer n.mu.Unlock()
			n.suspected[m] = suspected
		},
		Serve: func(until time.Time) {
			n.mu.Lock()
			defer n.mu.Unlock()
			n.until = until
		},
		Loads: func() []catalog.ShardLoad {
			n.mu.Lock()
			defer n.mu.Unlock()
			return n.loads
		},
		Moves: func() []Move {
			n.mu.Lock()
			defer n.mu.Unlock()
			return n.moves
		},
		Settings: func(pairs []string) {
			n.mu.Lock()
			defer n.mu.Unlock()
			for i := 0; i < len(pairs); i += 2 {
				n.settings[pairs[i]] = pairs[i+1]
			}
		},
	}
}

// serves tells whether the node may serve its shards now.
func (n *node) serves() bool { return time.Now().Before(n.lease()) }

func (n *node) lease() time.Time {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.until
}

func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	t.Cleanup(cancel)
	return ctx
}

// start starts a node, which must become a member.
func (g *group) start(o Options) *node {
	g.t.Helper()
	n, err := boot(within(g.t), g.t, o)
	if err != nil {
		g.t.Fatalf("%s: %v\n%s", o.Name, err, n.log.text.String())
	}
	g.add(n)
	return n
}

func (g *group) add(n *node) {
	g.nodes = append(g.nodes, n)
	g.t.Cleanup(n.stop)
}

// stop ends the node as if it crashed; more than once does no harm.
func (n *node) stop() {
	if n.ctx.Err() == nil {
		n.Stop()
	}
}

// found starts a node that founds a cluster alone.
func (g *group) found() *node {
	g.t.Helper()
	o := g.options()
	o.Join, o.Expect = []string{gossip(o)}, 1
	return g.start(o)
}

// joiner returns the options of a node that joins the first one.
func (g *group) joiner() Options {
	o := g.options()
	o.Join = []string{gossip(g.nodes[0].o)}
	return o
}

// together starts nodes at once, which must all become members.
func (g *group) together(all ...Options) {
	g.t.Helper()
	started := make([]*node, len(all))
	errs := make([]error, len(all))
	var wait sync.WaitGroup
	for i, o := range all {
		wait.Go(func() { started[i], errs[i] = boot(within(g.t), g.t, o) })
	}
	wait.Wait()
	for i, n := range started {
		if errs[i] == nil {
			g.add(n)
		} else {
			g.t.Errorf("%s: %v\n%s", all[i].Name, errs[i], n.log.text.String())
		}
	}
	if g.t.Failed() {
		g.t.FailNow()
	}
}

// of starts a cluster of n nodes.
func of(t testing.TB, n int) *group {
	t.Helper()
	g := newGroup(t)
	g.found()
	for range n - 1 {
		g.start(g.joiner())
	}
	return g
}

func (g *group) wait(what string, ok func() bool) {
	g.t.Helper()
	for end := time.Now().Add(deadline); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			for _, n := range g.nodes {
				if n.ctx.Err() == nil {
					d := n.Directory()
					g.t.Logf("%s: %+v\nleader %d, voters %v, members %+v", n.o.Name, n.raft().Status(), d.Leader, d.Voters, d.Members)
				}
				g.t.Logf("%s\n%s", n.o.Name, n.log.text.String())
			}
			g.t.Fatal("waited for " + what)
		}
	}
}

// cut makes a node and the others not hear each other's control messages, or hear
// them again.
func (g *group) cut(one *node, off bool) {
	for _, n := range g.nodes {
		for _, ends := range [][2]*node{{n, one}, {one, n}} {
			if addr := ends[1].transport.Addr(); n != one && off {
				ends[0].transport.MarkDown(addr)
			} else if n != one {
				ends[0].transport.MarkUp(addr)
			}
		}
	}
}

func (g *group) up() (up []*node) {
	for _, n := range g.nodes {
		if n.ctx.Err() == nil {
			up = append(up, n)
		}
	}
	return up
}

// all waits until something holds at all nodes that are up.
func (g *group) all(what string, ok func(n *node) bool) {
	g.t.Helper()
	for _, n := range g.up() {
		g.wait(what+" at "+n.o.Name, func() bool { return ok(n) })
	}
}

// voters waits until all nodes see so many voters and a leader.
func (g *group) voters(count int) {
	g.t.Helper()
	g.all(fmt.Sprint(count, " voters"), func(n *node) bool {
		d := n.Directory()
		return d.Leader != 0 && len(d.Voters) == count
	})
}

// leader waits for the node that leads.
func (g *group) leader() (leader *node) {
	g.t.Helper()
	g.wait("a leader", func() bool {
		for _, n := range g.up() {
			if st := n.raft().Status(); st.IsLeader && st.Settled {
				leader = n
			}
		}
		return leader != nil
	})
	return leader
}
