package coordinator

import (
	"github.com/troupedb/troupe/actors/directory"
	"github.com/troupedb/troupe/coordinator/migrate"
	"github.com/troupedb/troupe/shard"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/keyspace"
)

// Place makes the node's shards follow a directory: those that are this node's are
// opened under their epoch, all others closed. It tells whether d is newer than what
// was known. Calls must not overlap.
func (n *Node) Place(d *directory.Directory) bool {
	before := n.Env.Where.Load()
	if !n.Env.Where.Advance(d) {
		return false
	}
	first := before.ClusterID != d.ClusterID || before.Self != d.Self
	for i, h := range n.Env.Shards {
		switch place := d.Places[i]; {
		case !first && before.Places[i] == place:
		case place.Owner != d.Self:
			owner := elsewhere(place.Owner)
			h.Settle(owner) // at once, so that nothing more comes to the shard
			h.Tell(shard.Func(func(e *engine.Engine) { leave(h, e, owner) }))
		default:
			a := arrival{epoch: place.Epoch, empty: first || emptied(before, d, i)}
			if was := before.Places[i]; was.To == d.Self && migrate.Judge(was, place) == migrate.Committed {
				a.move = was.MoveID
			}
			h.Tell(shard.Func(func(e *engine.Engine) { n.enter(h, e, a) }))
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

// arrival is how a shard becomes this node's.
type arrival struct {
	epoch uint64
	move  uint64 // that may have brought it, 0: none
	empty bool   // there is no data, unless that move has brought it
}

// emptied tells whether a shard that is this node's under a new epoch has no data as
// the process that had it is gone. The loss of nothing leaves no trace in the place
// itself. Otherwise the shard has come by a move.
func emptied(before, d *directory.Directory, shard int) bool {
	was, now := before.Places[shard], d.Places[shard]
	if was.LostAt != now.LostAt || was.LostKeys != now.LostKeys || was.Owner == d.Self {
		return true
	}
	then, today := before.Member(was.Owner), d.Member(was.Owner)
	return then == nil || today == nil || then.Incarnation != today.Incarnation
}

// enter opens a shard that this node has from now on: with what the move has brought,
// or empty. If there should be data and is not, the shard stays closed: clients are
// told so, where an empty shard would give wrong answers. It cannot happen as long as
// the source alone proposes to commit a move, when the target has everything; the
// way out is to restart the node, after which the catalog counts the data as lost.
//
// The shard may be late to do so. Under an epoch that is over it must not be opened:
// what the newest directory asks of it comes next.
func (n *Node) enter(h *shard.Handle, e *engine.Engine, a arrival) {
	if n.Env.Where.Load().Places[h.Index].Epoch != a.epoch {
		if a.move != 0 && e.Importing(a.move) {
			e.AbortImport()
		}
		return
	}
	if !e.Closed() && e.Epoch() == a.epoch {
		h.Settle(0)
		return
	}
	if !e.Closed() {
		e.Close() // it was here before, and what has happened since was not seen
	}
	switch {
	case a.move != 0 && e.Importing(a.move) && e.ImportComplete():
		e.EndExport(true)
		if err := e.EndImport(); err != nil {
			panic("coordinator: a complete import does not end: " + err.Error())
		}
	case a.empty:
		e.AbortImport()
		e.EndExport(false)
	default:
		n.System.Logger().Error("a shard is this node's by a move that has not brought all of its data: it stays closed",
			"shard", h.Index, "epoch", a.epoch, "move", a.move, "bytes", e.ImportProgress().Bytes)
		return
	}
	count(e)
	e.Open(a.epoch)
	h.Settle(0)
}

// count makes known how many keys a shard has that has just come: if its node is lost
// before the next Tick, that is what is lost.
func count(e *engine.Engine) {
	keys := 0
	for db := range keyspace.Databases {
		keys += e.KS.Len(db)
	}
	e.Keys.Store(int64(keys))
}

// leave closes a shard that another node has, and frees its data piece by piece. It
// settles once more who has it: the shard may have entered since Place did so.
func leave(h *shard.Handle, e *engine.Engine, owner directory.Number) {
	h.Settle(owner)
	if e.Closed() {
		return
	}
	e.Close()
	e.EndExport(false)
}
