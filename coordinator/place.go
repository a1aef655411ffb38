package coordinator

import (
	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/shard"
	"github.com/troupedb/troupe/shard/engine"
)

// Place makes the node's shards follow a directory: those that are this node's are
// opened under their epoch, all others closed. It tells whether d is newer than what
// was known. Calls must not overlap.
func (n *Node) Place(d *directory.Directory) bool {
	before := n.Env.Where.Load()
	if !n.Env.Where.Advance(d) {
		return false
	}
	for i, h := range n.Env.Shards {
		place := d.Places[i]
		switch {
		case place.Owner != d.Self:
			h.Settle(elsewhere(place.Owner))
			h.Tell(shard.Func(leave))
		case before.Self != d.Self || before.Places[i] != place:
			h.Tell(shard.Func(func(e *engine.Engine) {
				n.enter(e, place.Epoch)
				h.Settle(0)
			}))
		}
	}
	return true
}

// elsewhere is the owner as a Handle knows it. A shard that nobody has is not here
// either.
func elsewhere(owner directory.Number) directory.Number {
	if owner == 0 {
		return directory.MaxMembers
	}
	return owner
}

// enter opens a shard that this node has from now on. What is in it stays: it is what
// the shard had all the time, or what a move has brought.
func (n *Node) enter(e *engine.Engine, epoch uint64) {
	if !e.Closed() && e.Epoch() == epoch {
		return
	}
	if e.ImportComplete() {
		if err := e.EndImport(); err != nil {
			panic("coordinator: a complete import does not end: " + err.Error())
		}
	}
	e.Open(epoch)
}

// leave closes a shard that another node has, and frees its data piece by piece.
func leave(e *engine.Engine) {
	if e.Closed() {
		return
	}
	e.Close()
	e.EndExport(false)
}
