package cluster

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/coordinator/catalog"
)

// TestLeaderDies: another one leads, the others go on, and the dead one is down.
func TestLeaderDies(t *testing.T) {
	t.Parallel()
	g := of(t, 3)
	g.voters(3)
	dead := g.leader()
	number := dead.Directory().Self
	dead.stop()
	// An election takes less than a lease, so nobody else has to stop serving; on a
	// busy machine it may take longer.
	g.all("a new leader", func(n *node) bool {
		d := n.Directory()
		return d.Leader != 0 && d.Leader != number && d.Member(number).State == directory.Down
	})
	g.all("a lease", (*node).serves)
	g.all("suspicion", func(n *node) bool {
		n.mu.Lock()
		defer n.mu.Unlock()
		return n.suspected[number]
	})
	g.all("words", func(n *node) bool { return n.log.has("a node is down") })
}

// TestBeatsTogether: a leader makes sure that it is once for all heartbeats that have
// come together.
func TestBeatsTogether(t *testing.T) {
	t.Parallel()
	n := newGroup(t).found()
	l := &leader{c: n.Cluster, term: n.raft().Status().Term, confirmed: make(chan confirmed, 1)}
	for seq := range uint64(3) {
		l.take(beat{id: n.id.ID, seq: seq})
	}
	if l.reading || l.gathered == nil {
		t.Fatal("the first heartbeat did not wait for the others")
	}
	<-l.gathered
	l.confirm()
	if r := <-l.confirmed; r.err != nil || len(r.beats) != 3 {
		t.Errorf("%d heartbeats of 3 were confirmed together: %v", len(r.beats), r.err)
	}
}

// TestNoQuorum: without most of the voters nobody's lease goes on.
func TestNoQuorum(t *testing.T) {
	t.Parallel()
	g := of(t, 3)
	g.voters(3)
	last := g.nodes[2]
	g.nodes[0].stop()
	g.nodes[1].stop()
	g.wait("the end of the lease", func() bool { return !last.serves() })
	// What is acknowledged no more cannot come back by itself.
	until := last.lease()
	ctx, cancel := context.WithTimeout(within(t), time.Second)
	defer cancel()
	if err := last.SetSettings(ctx, "a", "b"); err == nil {
		t.Error("a setting was set without a quorum")
	}
	if last.lease() != until {
		t.Error("the lease was extended without a leader")
	}
	r, complete := last.Report(within(t))
	if complete || len(r.Heard) > 0 {
		t.Errorf("a report without a leader: %+v", r)
	}
}

// TestCutOff: a node that the others do not hear loses its lease and is down; when
// they hear it again it is up, with no help.
func TestCutOff(t *testing.T) {
	t.Parallel()
	g := of(t, 4)
	g.voters(3)
	cut := g.nodes[3]
	if cut.raft().Status().Conf.Votes(cut.id.RaftID) {
		cut = g.nodes[2]
	}
	number := cut.Directory().Self
	g.cut(cut, true)
	g.wait("the end of the lease", func() bool { return !cut.serves() })
	others := slices.DeleteFunc(slices.Clone(g.nodes), func(n *node) bool { return n == cut })
	for _, n := range others {
		g.wait("down", func() bool { return n.Directory().Member(number).State == directory.Down })
	}
	if cut.serves() {
		t.Error("it serves while others take it for down")
	}
	g.cut(cut, false)
	g.all("up", func(n *node) bool { return n.Directory().Member(number).State == directory.Up })
	g.all("a lease", (*node).serves)
}

// TestSettingsReachAll: whoever sets them, all at once.
func TestSettingsReachAll(t *testing.T) {
	t.Parallel()
	g := of(t, 3)
	g.voters(3)
	var wait sync.WaitGroup
	for i, n := range g.nodes {
		for k := range 10 {
			wait.Go(func() {
				if err := n.SetSettings(within(t), fmt.Sprint("s", i, k), "x", "who", n.o.Name); err != nil {
					t.Error(err)
				}
			})
		}
	}
	wait.Wait()
	g.all("settings", func(n *node) bool {
		n.mu.Lock()
		defer n.mu.Unlock()
		return len(n.settings) == 31
	})
	who := g.nodes[0].settings["who"]
	g.all("the same", func(n *node) bool {
		n.mu.Lock()
		defer n.mu.Unlock()
		return n.settings["who"] == who
	})
	late := g.start(g.joiner())
	if len(late.settings) != 31 {
		t.Errorf("a node that joins has %v", late.settings)
	}
	for _, n := range g.up() {
		n.mu.Lock()
		if !slices.IsSorted(n.epochs) || len(slices.Compact(slices.Clone(n.epochs))) != len(n.epochs) {
			t.Errorf("directories do not get newer and newer: %v", n.epochs)
		}
		n.mu.Unlock()
	}
	long := make([]byte, catalog.MaxEntry)
	if err := late.SetSettings(within(t), "long", string(long)); err != catalog.TooLarge {
		t.Errorf("an entry that is too large: %v", err)
	}
}

// TestReport: any node tells what members say of themselves.
func TestReport(t *testing.T) {
	t.Parallel()
	g := of(t, 3)
	g.voters(3)
	to := g.nodes[1]
	if err := to.Move(within(t), 3, to.Directory().Self); err != nil {
		t.Fatal(err)
	}
	var move uint64
	g.wait("the move", func() bool {
		move = g.nodes[0].Directory().Places[3].MoveID
		return move != 0
	})
	n := g.nodes[0]
	n.mu.Lock()
	n.loads = []catalog.ShardLoad{{Shard: 3, Keys: 5}, {Shard: 4, Keys: 0}}
	n.moves = []Move{{Shard: 3, ID: move, Phase: "copy", Age: 1, Keys: 2, Bytes: 30, KeysLeft: 3}, {Shard: 4, ID: 99}}
	n.mu.Unlock()
	g.all("the report", func(n *node) bool {
		r, complete := n.Report(within(t))
		return complete && len(r.Heard) == 3 && len(r.Keys) == 12 && r.Keys[3] == 5 && r.Keys[4] == 0 && r.Keys[5] == Unknown &&
			len(r.Moves) == 1 && r.Moves[0].Shard == 3 && r.Moves[0].Phase == "copy" && r.Moves[0].Bytes == 30 && r.Moves[0].KeysLeft == 3
	})
	if err := to.Move(within(t), 99, to.Directory().Self); err != catalog.UnknownShard {
		t.Errorf("a shard that there is not: %v", err)
	}
	if err := g.nodes[2].EndMove(within(t), 3, move, true); err != nil {
		t.Fatal(err)
	}
	g.all("the new owner", func(n *node) bool { return n.Directory().Places[3].Owner == to.Directory().Self })
	if _, err := g.nodes[2].Rebalance(within(t)); err != nil {
		t.Error(err)
	}
}
