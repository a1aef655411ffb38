package cluster

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/actors/membership"
	"github.com/troupedb/troupe/coordinator/catalog"
)

// carry ends the moves that begin, as if all data were there at once.
func (g *group) carry() {
	done := make(chan struct{})
	var wait sync.WaitGroup
	g.t.Cleanup(wait.Wait)
	g.t.Cleanup(func() { close(done) })
	for _, n := range g.nodes {
		wait.Go(func() {
			for {
				d := n.Directory()
				for i, p := range d.Places {
					if p.To != 0 && p.Owner == d.Self {
						_ = n.EndMove(within(g.t), i, p.MoveID, true) // it is tried again
					}
				}
				select {
				case <-done:
					return
				case <-n.ctx.Done():
					return
				case <-time.After(20 * time.Millisecond):
				}
			}
		})
	}
}

// TestLeave: a node that leaves hands its shards, its vote and the leadership over,
// and is no member any more.
func TestLeave(t *testing.T) {
	t.Parallel()
	g := of(t, 3)
	g.voters(3)
	g.carry()
	n := g.nodes[0] // it has all shards
	if n.Owned() == 0 {
		t.Fatal("the founder has no shards")
	}
	if err := n.Leave(within(t)); err != nil {
		t.Fatal(err)
	}
	n.stop()
	g.oneCluster(2)
	g.voters(1)
	for _, n := range g.up() {
		for i, p := range n.Directory().Places {
			if p.Owner == 1 || p.LostAt != 0 {
				t.Errorf("shard %d: %+v", i, p)
			}
		}
		g.wait("goodbye", func() bool {
			m, ok := n.phone.of(g.nodes[0].id.ID)
			return ok && m.Status == membership.Left
		})
	}
	g.all("a lease", (*node).serves)
	g.start(g.again(n, false)) // and is welcome again
	g.oneCluster(3)
}

func TestLeaveNobody(t *testing.T) {
	t.Parallel()
	g := newGroup(t)
	if err := g.found().Leave(within(t)); !errors.Is(err, catalog.NobodyLeft) {
		t.Errorf("it left its shards to nobody: %v", err)
	}
}

// TestAllLeave: nodes that all leave at once do not wait for each other.
func TestAllLeave(t *testing.T) {
	t.Parallel()
	g := of(t, 3)
	g.voters(3)
	g.carry()
	var wait sync.WaitGroup
	for _, n := range g.nodes {
		wait.Go(func() {
			if err := n.Leave(within(t)); err != nil && !errors.Is(err, catalog.NobodyLeft) {
				t.Errorf("%s: %v", n.o.Name, err)
			}
			n.Stop()
		})
	}
	wait.Wait()
}

// TestLeaveWithoutQuorum: who cannot hand over, as too many have crashed, ends too.
func TestLeaveWithoutQuorum(t *testing.T) {
	t.Parallel()
	g := of(t, 3)
	g.voters(3)
	g.nodes[1].stop()
	g.nodes[2].stop()
	if err := g.nodes[0].Leave(within(t)); !errors.Is(err, errNoLeader) {
		t.Errorf("it left with %v", err)
	}
}

// TestDrain: a member is emptied by another, stays for its clients, and is no member
// any more once it has ended.
func TestDrain(t *testing.T) {
	t.Parallel()
	g := of(t, 3)
	g.carry()
	if err := g.nodes[2].Drain(within(t), 1); err != nil {
		t.Fatal(err)
	}
	g.all("an empty node", func(n *node) bool {
		d := n.Directory()
		return owned(d, 1) == 0 && d.Member(1).State == directory.Leaving
	})
	if !g.nodes[0].serves() {
		t.Error("a node that is drained serves its clients no more")
	}
	g.nodes[0].stop()
	g.all("the others only", func(n *node) bool { return len(n.Directory().Members) == 2 })
}

// TestForget: a member that is down can be given up, one that is up cannot.
func TestForget(t *testing.T) {
	t.Parallel()
	g := of(t, 3)
	g.voters(3)
	by := g.nodes[2]
	if err := by.Forget(within(t), 1); !errors.Is(err, catalog.NotDown) {
		t.Fatalf("a member that is up: %v", err)
	}
	was := g.nodes[0].id
	g.nodes[0].stop()
	g.wait("down", func() bool { return by.Directory().Member(1).State == directory.Down })
	g.wait("the end of its membership", func() bool { // while the others are up, which an election may hide
		err := by.Forget(within(t), 1)
		if err != nil && !errors.Is(err, catalog.NobodyLeft) {
			t.Fatal(err)
		}
		return err == nil
	})
	g.all("new owners", func(n *node) bool {
		d := n.Directory()
		return len(d.Members) == 2 && owned(d, 1) == 0 && d.Places[0].LostAt != 0
	})
	g.all("a group without it", func(n *node) bool { return !n.store.group().Conf.Has(was.RaftID) })
	if err := by.Forget(within(t), 1); err == nil {
		t.Error("a member was forgotten twice")
	}
}

// TestForgottenComesBack: a node that was given up while it was only cut off comes
// back by itself, as a new member.
func TestForgottenComesBack(t *testing.T) {
	t.Parallel()
	g := of(t, 3)
	g.voters(3)
	cut := g.nodes[0]
	if g.leader() == cut {
		cut = g.nodes[1]
	}
	number := cut.Directory().Self
	g.cut(cut, true)
	for _, n := range g.nodes {
		if n != cut {
			g.wait("down", func() bool { return n.Directory().Member(number).State == directory.Down })
		}
	}
	g.wait("no leader at the node that is cut off", func() bool { return cut.raft().Status().Leader == 0 })
	g.wait("the end of its membership", func() bool { return g.leader().Forget(within(t), number) == nil })
	g.wait("a group without it", func() bool { return !g.leader().store.group().Conf.Has(cut.id.RaftID) })
	g.cut(cut, false)
	g.oneCluster(3)
	g.all("a lease", (*node).serves)
}
