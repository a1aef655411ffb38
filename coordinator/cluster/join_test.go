package cluster

import (
	"fmt"
	"slices"
	"testing"
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

// TestExpectThree: three nodes that are started at once, and know each other's
// addresses, are one cluster.
func TestExpectThree(t *testing.T) {
	t.Parallel()
	g := newGroup(t)
	var all []Options
	var join []string
	for i := range 3 {
		o := g.options()
		o.Name, o.Expect = fmt.Sprint("n", i+1), 3
		all, join = append(all, o), append(join, gossip(o))
	}
	for i := range all {
		all[i].Join = join
	}
	slices.Reverse(all)
	g.together(all...)
	g.voters(3)
	g.all("three members", func(n *node) bool { return len(n.Directory().Members) == 3 })
	id := g.nodes[0].Directory().ClusterID
	g.all("one cluster", func(n *node) bool { return n.Directory().ClusterID == id })
}
