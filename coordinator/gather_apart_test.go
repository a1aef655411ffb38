package coordinator

import (
	"slices"
	"testing"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/coordinator/saga"
	"github.com/troupedb/troupe/shard/engine"
)

// newGroupRig is a peerRig of which all nodes are up, and a loop with a group of two
// calls under way that need a shard of node 2.
func newGroupRig(t *testing.T) (*rig, *fakePeers, *loop) {
	t.Helper()
	r, p := newPeerRig(t)
	d := *r.node.Env.Where.Load()
	d.Epoch, d.Members = d.Epoch+1, slices.Clone(d.Members)
	d.Members[2].State = directory.Up
	r.node.Place(&d)
	l := &loop{posted: make(chan func(), 1024)}
	g := r.sagas.NewGatherer()
	g.reads.most = 2
	for ticket := range uint64(2) {
		if !g.Gather(l, ticket, r.call([]string{"MGET", r.nameAt(here), r.nameAt(there)})) {
			t.Fatal("the call is to be by itself")
		}
	}
	g.Begin(r.now)
	if said := p.take(); !slices.Equal(said, []string{"order 0 to shard 1 of node 2"}) {
		t.Fatalf("said %q", said)
	}
	return r, p, l
}

// turn runs what was posted to the loop.
func (l *loop) turn() {
	for len(l.posted) > 0 {
		(<-l.posted)()
	}
}

// A group that fails for another's sake is carried out call by call.
func TestGroupFailsApart(t *testing.T) {
	r, p, l := newGroupRig(t)
	r.sagas.Answer(&engine.Answer{Kind: engine.AnswerUnreachable, Saga: p.orders[0].Saga, Shard: there, Attempt: 1})
	l.turn()
	orders := slices.DeleteFunc(p.orders[1:], func(o *engine.Order) bool { return o.Kind != engine.OrderRun })
	if l.done || len(orders) != 2 || len(orders[0].Steps) != 1 || len(orders[1].Steps) != 1 {
		t.Errorf("replied %q, sent %v", l.out, orders)
	}
}

// One that fails as its node may not serve any more is not begun anew.
func TestFencedGroupEnds(t *testing.T) {
	r, p, l := newGroupRig(t)
	r.sagas.Fence()
	l.turn()
	if !l.done || !saga.Undone(l.out) {
		t.Errorf("replied %q", l.out)
	}
	if said := p.take(); !slices.Equal(said, []string{"order 3 to shard 1 of node 2"}) {
		t.Errorf("said %q", said)
	}
}
