package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/troupedb/troupe/actors/directory"
)

func TestFoundAlone(t *testing.T) {
	t.Parallel()
	g := newGroup(t)
	n := g.found()
	d := n.Directory()
	if len(d.Members) != 1 || d.Self != 1 || d.Leader != 1 || len(d.Voters) != 1 || d.Shards() != 12 || d.Cluster != g.name {
		t.Fatalf("%+v", d)
	}
	if !n.serves() {
		t.Error("it has no lease")
	}
	if len(n.epochs) == 0 {
		t.Error("Run did not hand the directory on")
	}
}

// expecting returns options of nodes that found a cluster once so many of them are
// there, and that know each other's addresses.
func (g *group) expecting(nodes, expect int) []Options {
	var all []Options
	var join []string
	for i := range nodes {
		o := g.options()
		o.Name, o.Expect = fmt.Sprint("n", i+1), expect
		all, join = append(all, o), append(join, gossip(o))
	}
	for i := range all {
		all[i].Join = join
	}
	return all
}

func (g *group) oneCluster(members int) {
	g.t.Helper()
	id := g.nodes[0].Directory().ClusterID
	g.all(fmt.Sprint("one cluster of ", members), func(n *node) bool {
		d := n.Directory()
		return d.ClusterID == id && len(d.Members) == members
	})
}

// TestExpectThree: three nodes that are started at once are one cluster.
func TestExpectThree(t *testing.T) {
	t.Parallel()
	g := newGroup(t)
	g.together(g.expecting(3, 3)...)
	g.oneCluster(3)
	g.voters(3)
}

// TestExpectFewerThanCome: also if more come than are expected, and not all of them
// see the same ones first, they are one cluster.
func TestExpectFewerThanCome(t *testing.T) {
	t.Parallel()
	g := newGroup(t)
	all := g.expecting(5, 3)
	for i := range all { // each knows itself and the next two
		all[i].Join = []string{gossip(all[i]), gossip(all[(i+1)%5]), gossip(all[(i+2)%5])}
	}
	g.together(all...)
	g.oneCluster(5)
	g.voters(5)
}

// TestExpectWaits: nobody founds before enough are there, in whatever order they
// come, and people are told what is missing.
func TestExpectWaits(t *testing.T) {
	t.Parallel()
	g := newGroup(t)
	all := g.expecting(3, 3)
	started := make(chan *node, 2)
	for _, o := range all[1:] {
		go func() {
			n, err := boot(within(t), t, o)
			if err != nil {
				t.Errorf("%s: %v", o.Name, err)
			}
			started <- n
		}()
	}
	select {
	case <-started:
		t.Fatal("two of three nodes are a cluster")
	case <-time.After(500 * time.Millisecond):
	}
	g.start(all[0])
	for range 2 {
		g.add(<-started)
	}
	if t.Failed() {
		t.FailNow()
	}
	g.oneCluster(3)
	if !g.nodes[1].log.has("2 of 3 nodes are here (n2, n3)") {
		t.Error("nobody was told what was waited for:\n" + g.nodes[1].log.text.String())
	}
}

// TestVotersFollowMembers: the controller makes one, three and five members vote.
func TestVotersFollowMembers(t *testing.T) {
	t.Parallel()
	g := of(t, 2)
	g.voters(1)
	g.start(g.joiner())
	g.voters(3)
	g.together(g.joinerAt(3), g.joinerAt(4))
	g.voters(5)
	g.start(g.joiner())
	g.oneCluster(6)
	g.voters(5)
}

// joinerAt is joiner for several that start at once.
func (g *group) joinerAt(i int) Options {
	o := g.joiner()
	o.Name, o.ClientPort = fmt.Sprint("n", i+1), 6000+i
	return o
}

// TestDiscover: nodes that are told nothing find each other on this machine.
func TestDiscover(t *testing.T) {
	t.Parallel()
	g := newGroup(t)
	base := freeSpan()
	var all []Options
	for i := range 3 {
		o := g.options()
		o.Name, o.GossipPort, o.basePort = fmt.Sprint("n", i+1), 0, base
		all = append(all, o)
	}
	g.together(all...)
	g.oneCluster(3)
}

// TestOtherCluster: a node of another cluster, by name or by identity, is refused, and
// told so in words.
func TestOtherCluster(t *testing.T) {
	t.Parallel()
	g := newGroup(t)
	g.found()
	o := g.joiner()
	o.Cluster = "another"
	_, err := boot(within(t), t, o)
	if err == nil || !strings.Contains(err.Error(), "two clusters never merge") || !strings.Contains(err.Error(), `"another"`) {
		t.Errorf("another name: %v", err)
	}

	other := newGroup(t)
	o = other.options()
	o.Name, o.Dir, o.Join, o.Expect = "m1", t.TempDir(), []string{gossip(o)}, 1
	m := other.start(o)
	m.stop()
	o.Join = []string{gossip(g.nodes[0].o)}
	m = other.start(o) // it is a whole cluster by itself
	if m.Directory().ClusterID == g.nodes[0].Directory().ClusterID {
		t.Fatal("two clusters have merged")
	}
	if len(m.Directory().Members) != 1 || len(g.nodes[0].Directory().Members) != 1 {
		t.Error("two clusters have merged")
	}
	o.Name, o.Cluster = "m1", "renamed"
	m.stop()
	if _, err := boot(within(t), t, o); err == nil || !strings.Contains(err.Error(), "is of a node of cluster") {
		t.Errorf("a directory of another cluster: %v", err)
	}
}

// TestStartEndsAtOnce: who waits for others can be told to end, and ends.
func TestStartEndsAtOnce(t *testing.T) {
	t.Parallel()
	g := newGroup(t)
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections, says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	base := freeSpan()
	for name, change := range map[string]func(*Options){
		"nobody":   func(o *Options) { o.Join = []string{"127.0.0.1:9"} },
		"silent":   func(o *Options) { o.Join = []string{silent.Addr().String()} },
		"expected": func(o *Options) { o.Join, o.Expect = []string{gossip(*o)}, 3 },
		"discover": func(o *Options) {
			l, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", base)) // neither a node nor free
			if err != nil {
				t.Error(err)
				return
			}
			t.Cleanup(func() { l.Close() })
			o.GossipPort, o.basePort = 0, base
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := g.options()
			change(&o)
			ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
			defer cancel()
			ended := make(chan error, 1)
			go func() {
				_, err := boot(ctx, t, o)
				ended <- err
			}()
			select {
			case err := <-ended:
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("it ended with %v", err)
				}
			case <-time.After(deadline):
				t.Fatal("it does not end")
			}
		})
	}
}

// TestStartFails: what is wrong is said with what to do about it.
func TestStartFails(t *testing.T) {
	t.Parallel()
	g := newGroup(t)
	n := g.options()
	n.Dir, n.Join, n.Expect = t.TempDir(), []string{gossip(n)}, 1
	g.start(n)
	for _, c := range []struct {
		want   string
		change func(*Options)
	}{
		{"give another one with --actor-port", func(o *Options) { o.ActorPort = n.ActorPort }},
		{"give another one with --gossip-port", func(o *Options) { o.GossipPort = n.GossipPort }},
		{"give each node its own", func(o *Options) { o.Dir = n.Dir }},
		{"--bootstrap-expect needs --join", func(o *Options) { o.Join, o.Expect = nil, 2 }},
		{"1 to 1023 nodes", func(o *Options) { o.Expect = directory.MaxMembers + 1 }},
		{"0 shards", func(o *Options) { o.Shards = 0 }},
	} {
		o := g.joiner()
		c.change(&o)
		if n, err := boot(within(t), t, o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("want %q, got %v", c.want, err)
			if err == nil {
				n.Stop()
			}
		}
	}
}

// TestDouble: a second node of one name does not take the first one's place, until
// that has ended.
func TestDouble(t *testing.T) {
	t.Parallel()
	g := of(t, 2)
	for i, n := range g.nodes {
		o := g.joiner()
		o.Name, o.Join = n.o.Name, []string{gossip(g.nodes[1-i].o)}
		ctx, cancel := context.WithCancel(within(t))
		second, ended := newNode(o), make(chan error, 1)
		go func() { ended <- second.boot(ctx) }()
		g.wait("words about the first one", func() bool { return second.log.has("runs already") })
		cancel()
		if err := <-ended; err == nil {
			t.Fatal("two nodes have one name")
		}
		if !n.serves() || n.Directory().Me().Incarnation != n.incarnation {
			t.Error("the first one has lost its place")
		}
	}
}
