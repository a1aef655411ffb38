package sim

import (
	"github.com/troupedb/troupe/coordinator/saga"
	"github.com/troupedb/troupe/shard/engine"
)

// forsaken is how far a saga is on its way to the limit: see limited.
type forsaken uint8

const (
	homeMissed forsaken = 1 + iota // a home that may have decided was down
	undone                         // and the survivors were told to undo
)

// missed notes that an order has not reached its participant.
func (w *World) missed(o *engine.Order, why engine.AnswerKind) {
	decides := o.Kind == engine.OrderDecide && o.Hold || o.Kind == engine.OrderResolve
	if decides && why == engine.AnswerLost && w.forsaken[o.Saga] == 0 {
		w.forsaken[o.Saga] = homeMissed
	}
}

// limited notes that a world has come to the limit of what is promised. A decision is
// at two nodes, the coordinator's and home's. If home goes down its saga is undone
// elsewhere, and home learns of that from the coordinator's node when it is back. If
// that is lost too by then, a recovery finds the decision and nothing that speaks
// against it.
func (w *World) limited(c *cell, o *engine.Order) {
	_, recovery := c.machine.(*saga.Recovery)
	switch {
	case o.Kind == engine.OrderUndo && !o.Again && w.forsaken[o.Saga] == homeMissed:
		w.forsaken[o.Saga] = undone
	case o.Kind == engine.OrderCommit && recovery && w.forsaken[o.Saga] == undone:
		w.Stats.Limited = 1
	}
}
