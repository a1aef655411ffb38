package cluster

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/coordinator/catalog"
)

// kept returns the options of a node that keeps a directory.
func (g *group) kept(o Options) Options {
	o.Dir = g.t.TempDir()
	return o
}

// again ends a node and returns its options to start it once more, on other ports if
// moved. One that has founded the cluster does not do so again.
func (g *group) again(n *node, moved bool) Options {
	n.stop()
	o := n.o
	if up := g.up(); len(up) > 0 {
		o.Join, o.Expect = []string{gossip(up[0].o)}, 0
	}
	if moved {
		o.GossipPort, o.ActorPort = freePort(g.t), freePort(g.t)
	}
	return o
}

// TestRestartWithDirectory: a node keeps its identity, its raft id and the catalog.
func TestRestartWithDirectory(t *testing.T) {
	t.Parallel()
	g := newGroup(t)
	o := g.kept(g.options())
	o.Join, o.Expect = []string{gossip(o)}, 1
	n := g.start(o)
	if err := n.SetSettings(within(t), "maxmemory", "7"); err != nil {
		t.Fatal(err)
	}
	was, before := n.id, n.Directory()
	for range 2 {
		n = g.start(g.again(n, true))
		now := n.Directory()
		if n.id != was || now.ClusterID != before.ClusterID || now.Epoch <= before.Epoch {
			t.Fatalf("%+v was %+v; epoch %d was %d", n.id, was, now.Epoch, before.Epoch)
		}
		if now.Me().Incarnation == before.Me().Incarnation || now.Places[0].Epoch <= before.Places[0].Epoch {
			t.Error("the catalog does not know that the process is another")
		}
		if n.settings["maxmemory"] != "7" {
			t.Errorf("settings %v", n.settings)
		}
		before = now
	}
}

// TestRestartOfAll: all nodes end, and come back on ports that others had.
func TestRestartOfAll(t *testing.T) {
	t.Parallel()
	g := newGroup(t)
	all := g.expecting(3, 3)
	for i := range all {
		all[i] = g.kept(all[i])
	}
	g.together(all...)
	g.voters(3)
	id := g.nodes[0].Directory().ClusterID
	for _, n := range g.nodes {
		n.stop()
	}
	old := g.nodes
	g.nodes = nil
	for i := range all { // each has the ports of the next
		next := old[(i+1)%3].o
		all[i].GossipPort, all[i].ActorPort = next.GossipPort, next.ActorPort
		all[i].Expect = 0
	}
	g.together(all...)
	g.oneCluster(3)
	g.voters(3)
	g.all("a lease", (*node).serves)
	if now := g.nodes[0].Directory().ClusterID; now != id {
		t.Errorf("cluster %s was %s", now, id)
	}
}

// TestComesBackWithoutDirectory: under its name it is the same member, with another
// raft id, and the old one is put out of the group.
func TestComesBackWithoutDirectory(t *testing.T) {
	t.Parallel()
	g := of(t, 3)
	g.voters(3)
	n := g.nodes[2]
	was, number := n.id, n.Directory().Self
	o := g.again(n, true)
	n = g.start(o)
	if n.id.ID != was.ID || n.id.RaftID == was.RaftID || n.Directory().Self != number {
		t.Errorf("%+v was %+v, number %d was %d", n.id, was, n.Directory().Self, number)
	}
	g.oneCluster(3)
	g.replaced(was, n.id)
}

// replaced waits until one replica has the place of another in a group of three.
func (g *group) replaced(old, now identity) {
	g.t.Helper()
	g.all("another replica in place of one that is lost", func(m *node) bool {
		conf := m.store.group().Conf
		return !conf.Has(old.RaftID) && conf.Votes(now.RaftID) && len(conf.Voters) == 3
	})
}

// TestLostLog: a directory whose log is gone gets another raft id; one whose identity
// is gone does not continue the log.
func TestLostLog(t *testing.T) {
	t.Parallel()
	g := of(t, 2)
	o := g.kept(g.joiner())
	n := g.start(o)
	g.voters(3)
	was := n.id
	n.stop()
	if err := os.RemoveAll(filepath.Join(o.Dir, logDir)); err != nil {
		t.Fatal(err)
	}
	n = g.start(g.again(n, false))
	if n.id.ID != was.ID || n.id.RaftID == was.RaftID {
		t.Errorf("%+v was %+v", n.id, was)
	}
	g.replaced(was, n.id)
	was = n.id
	n.stop()
	if err := os.Remove(filepath.Join(o.Dir, identityFile)); err != nil {
		t.Fatal(err)
	}
	o.Name = "n3b" // the old one is another node, and down
	n = g.start(o)
	if n.id.ID == was.ID || n.id.RaftID == was.RaftID {
		t.Errorf("%+v was %+v", n.id, was)
	}
	g.oneCluster(4)
}

// TestFoundingCutShort: a node that ended after it had begun a group, and before there
// was a cluster in it, is as good as new.
func TestFoundingCutShort(t *testing.T) {
	t.Parallel()
	g := newGroup(t)
	g.found()
	o := g.kept(g.joiner())
	id, h, err := open(&o)
	if err != nil {
		t.Fatal(err)
	}
	c := &Cluster{o: o, id: id, home: h, store: newStore(id.ID)}
	if err := c.startReplica(true); err != nil {
		t.Fatal(err)
	}
	c.raft().Stop()
	if err := h.close(); err != nil {
		t.Fatal(err)
	}
	n := g.start(o)
	if n.id.ID != id.ID || n.id.RaftID == id.RaftID {
		t.Errorf("%+v was %+v", n.id, id)
	}
	g.oneCluster(2)
}

// TestLostData: the catalog knows since when and how much is lost, and people are told.
func TestLostData(t *testing.T) {
	t.Parallel()
	g := of(t, 3)
	g.voters(3)
	n := g.nodes[0]
	n.mu.Lock()
	for i := range 12 {
		n.loads = append(n.loads, catalog.ShardLoad{Shard: i, Keys: int64(100 + i)})
	}
	n.mu.Unlock()
	g.all("reported keys", func(m *node) bool {
		r, complete := m.Report(within(t))
		return complete && len(r.Keys) == 12 && r.Keys[11] == 111
	})
	// Those who may lead next know it soon: it is the leader that ends.
	for _, m := range g.nodes[1:] {
		g.wait("what is shared", func() bool { r := m.told(); return r.Keys[11] == 111 })
	}
	g.start(g.again(n, false))
	owner := func(d *directory.Directory, lost bool) bool {
		return slices.IndexFunc(d.Places, func(p directory.Place) bool { return (p.LostKeys > 0 && p.LostAt > 0) != lost }) < 0
	}
	g.all("the loss", func(m *node) bool { return owner(m.Directory(), true) })
	for _, m := range g.up() {
		g.wait("words about the loss", func() bool { return m.log.has("data was lost") && m.log.has("keys=1266") })
	}
}

// TestLostDataOfAll: if all nodes end at once, those with a directory know.
func TestLostDataOfAll(t *testing.T) {
	t.Parallel()
	g := newGroup(t)
	o := g.kept(g.options())
	o.Join, o.Expect = []string{gossip(o)}, 1
	n := g.start(o)
	n.mu.Lock()
	n.loads = []catalog.ShardLoad{{Shard: 2, Keys: 77}}
	n.mu.Unlock()
	name := filepath.Join(o.Dir, keysFile)
	g.wait("a note", func() bool {
		b, err := os.ReadFile(name)
		return err == nil && strings.Contains(string(b), "77")
	})
	n = g.start(g.again(n, false))
	if p := n.Directory().Places[2]; p.LostKeys != 77 || p.LostAt == 0 {
		t.Errorf("%+v", p)
	}
	n.stop()
	for _, text := range []string{"[{", `[{"Shard":-1},{"Shard":99999}]`} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		n = g.start(n.o)
		n.stop()
	}
}
