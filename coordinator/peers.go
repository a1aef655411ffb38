package coordinator

import (
	"time"

	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/coordinator/saga"
	"github.com/troupedb/troupe/shard"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/keyspace"
)

// Peers are the other nodes of the cluster. Its methods may be called from any
// goroutine, do not block and do not call back. They return false where there is no
// way to the node just now; true does not say that the message arrives.
type Peers interface {
	// Order sends an order to a shard of another node.
	Order(to directory.Number, shard int, o *engine.Order) bool
	// Answer sends an answer of a shard of this node to the saga's coordinator.
	Answer(to directory.Number, a *engine.Answer) bool
	// Forsake takes the waiter of a saga of this node out of the queue of a key, and
	// Unwatch ends a watch of a key, at a shard of another node.
	Forsake(to directory.Number, shard, db int, key []byte, id engine.SagaID) bool
	Unwatch(to directory.Number, shard, db int, key []byte) bool
	// Suspected tells whether a node is taken not to answer.
	Suspected(to directory.Number) bool
}

// SetPeers tells how other nodes are reached, before there are any.
func (n *Coordinators) SetPeers(p Peers) { n.peers = p }

// order sends an order to wherever its shard is. Where that is known to lead
// nowhere, the saga is told so.
func (n *Coordinators) order(shard int, o *engine.Order) {
	d := n.env.Where.Load()
	owner := d.Places[shard].Owner
	if owner == d.Self {
		n.env.Shards[shard].Tell(o)
		return
	}
	switch m := d.Member(owner); {
	case m == nil || m.State == directory.Down:
		n.missed(shard, o, engine.AnswerLost)
	case !n.peers.Order(owner, shard, o) && (n.peers.Suspected(owner) || time.Now().UnixMilli()-o.Now > reachPatience):
		n.missed(shard, o, engine.AnswerUnreachable)
	} // else there is a way soon: it is sent again with the next tick
}

// reachPatience is how long a saga waits for a stream to a node that is not
// suspected, from its call on, in milliseconds.
const reachPatience = 5000

// Fence ends what clients of this node wait for, as it may not serve any more.
func (n *Coordinators) Fence() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range n.live {
		c.pass(fenced{})
	}
}

// missed tells a saga that an order has not reached its participant. Of a commit it
// is kept that it was one, for the node that comes back and asks.
func (n *Coordinators) missed(shard int, o *engine.Order, why engine.AnswerKind) {
	n.mu.Lock()
	if why == engine.AnswerLost {
		n.outcomes.Missed(shard, o)
	}
	n.mu.Unlock()
	n.send(o.Saga, &engine.Answer{Kind: why, Saga: o.Saga, Shard: shard, Attempt: o.Attempt, Visit: o.Visit})
}

// Answer implements engine.Coordinators for the shards of this node.
func (n *Coordinators) Answer(a *engine.Answer) {
	n.mu.Lock()
	c := n.live[a.Saga]
	n.mu.Unlock()
	d := n.env.Where.Load()
	to := saga.NodeOf(a.Saga)
	if c != nil || to == d.Self {
		n.take(c, a)
		return
	}
	if m := d.Member(to); m == nil || m.State == directory.Down {
		n.recover(a.Saga)
		return
	}
	n.peers.Answer(to, a) // if it is lost the shard says it again
}

// Take takes an answer that has come from another node.
func (n *Coordinators) Take(a *engine.Answer) {
	n.mu.Lock()
	c := n.live[a.Saga]
	n.mu.Unlock()
	n.take(c, a)
}

func (n *Coordinators) take(c *cell, a *engine.Answer) {
	if c != nil {
		n.send(a.Saga, a)
		return
	}
	if a.Kind == engine.AnswerHanded && n.wake(a) {
		return
	}
	switch o, doubtful := n.orphan(a); {
	case o == nil:
	case doubtful, saga.BornAt(a.Saga) < n.started:
		n.recover(a.Saga) // its coordinator did not know, or was in the process before this one
	default:
		n.order(a.Shard, o)
	}
}

// orphan returns what to say to a participant whose saga does not live here, and
// whether it takes a recovery to know that.
func (n *Coordinators) orphan(a *engine.Answer) (o *engine.Order, doubtful bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.outcomes.Orphan(a), n.outcomes.Doubtful(a.Saga)
}

// recover ends a saga whose coordinator's process is gone. Others may do the same.
func (n *Coordinators) recover(id engine.SagaID) {
	c := &cell{n: n, id: id, answered: true}
	c.machine = n.env.NewRecovery(id, c, true, false)
	n.mu.Lock()
	_, known := n.live[id]
	if !known {
		n.live[id] = c
	}
	n.mu.Unlock()
	if !known {
		n.supervise(c)
	}
}

// Await keeps the waiter of a blocked call where shards of other nodes can reach it,
// until Forsake.
func (n *Coordinators) Await(w *engine.Waiter) {
	n.mu.Lock()
	n.waiters[w.Saga] = w
	n.mu.Unlock()
}

// wake hands the key of a shard of another node to the waiter of a call that is
// still blocked.
func (n *Coordinators) wake(a *engine.Answer) bool {
	n.mu.Lock()
	w := n.waiters[a.Saga]
	n.mu.Unlock()
	if w == nil || w.Handoff == nil || !w.Claim() {
		return false
	}
	w.Handoff(a.DB, a.Key, a.Place)
	return true
}

// Forsake takes the waiter of a call that is not blocked any more out of the queues
// of its keys.
func (n *Coordinators) Forsake(w *engine.Waiter, db int, keys [][]byte) {
	n.mu.Lock()
	delete(n.waiters, w.Saga)
	n.mu.Unlock()
	for _, name := range keys {
		n.at(name, func(e *engine.Engine, k *keyspace.Key) { e.Forsake(k, w) }, db,
			func(to directory.Number, shard int) { n.peers.Forsake(to, shard, db, name, w.Saga) })
	}
}

// Unwatch ends watches.
func (n *Coordinators) Unwatch(watches []saga.Watch) {
	for _, w := range watches {
		n.at(w.Key, (*engine.Engine).Unwatch, w.DB,
			func(to directory.Number, shard int) { n.peers.Unwatch(to, shard, w.DB, w.Key) })
	}
}

// at does something at the shard of a key: here, or by a message to its node, which
// may be lost: what is left behind at a shard that cannot be reached goes with the
// next thing that happens to it there.
func (n *Coordinators) at(name []byte, here func(*engine.Engine, *keyspace.Key), db int, there func(directory.Number, int)) {
	d := n.env.Where.Load()
	index := n.env.ShardOf(name)
	if owner := d.Places[index].Owner; owner != d.Self {
		there(owner, index)
		return
	}
	n.env.Shards[index].Tell(shard.Func(func(e *engine.Engine) {
		var k keyspace.Key
		e.KS.Key(&k, db, name)
		here(e, &k)
	}))
}
