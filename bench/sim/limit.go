package sim

import (
	"github.com/troupedb/troupe/coordinator/saga"
	"github.com/troupedb/troupe/shard/engine"
)

// A decision about several nodes is at two of them, the coordinator's and home's, and
// if both are lost at once a saga may end in halves. That is a known limit of a cluster
// without replicas. Worlds are made so that it is rarely met, and one that does meet
// it ends there, and is counted.

// doubt is what stands against a saga whose home is held to be lost.
type doubt struct {
	home   int  // the shard that has recorded the decision
	known  bool // there is one
	held   bool // the decision
	missed bool // it was down when it was wanted
	undone bool // and the survivors were told to undo
}

func (w *World) doubtOf(id engine.SagaID) *doubt {
	d := w.doubts[id]
	if d == nil {
		d = &doubt{}
		w.doubts[id] = d
	}
	return d
}

// missed notes that an order has not reached its participant as its node is down.
func (w *World) missed(c *cell, shard int, o *engine.Order) {
	d := w.doubtOf(o.Saga)
	switch {
	case o.Kind == engine.OrderDecide && o.Hold:
		d.missed = true
	case o.Kind == engine.OrderResolve && c != nil && c.recovers():
		if d.missed = true; d.known && d.home == shard && (d.held || c.op != nil) {
			w.limited() // the coordinator is gone and so is home, which was on another node
		}
	}
}

// watch looks at what a coordinator or a recovery orders.
func (w *World) watch(c *cell, o *engine.Order) {
	d := w.doubtOf(o.Saga)
	switch {
	case o.Kind == engine.OrderUndo && !o.Again && d.missed:
		d.undone = true
	case o.Kind == engine.OrderCommit && c.recovers() && d.undone:
		w.limited() // home is back, and who had given it up is gone by now
	}
}

func (c *cell) recovers() bool {
	_, yes := c.machine.(*saga.Recovery)
	return yes
}

func (w *World) limited() {
	w.trace("this is the limit")
	w.Stats.Limited = 1
}
