package generic

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/keyspace"
	"github.com/troupedb/troupe/shard/reply"
)

// Steps of the programs that count keys, each replying 1 or 0.
var (
	stepDelRow    = keyStep("~del", 2, command.Write, command.RM|command.Delete)
	stepExistsRow = keyStep("~exists", 2, command.ReadOnly|command.Fast, command.RO)
	stepTouchRow  = keyStep("~touch", 2, command.ReadOnly|command.Fast, command.RO|command.Access)
)

func stepDel(c *engine.Ctx) {
	r := c.KS.Peek(&c.Key)
	if r == 0 {
		c.Out.Int(0)
		return
	}
	c.KS.Remove(&c.Key, r)
	c.Changed(engine.NotifyGeneric, "del")
	c.Out.Int(1)
}

func stepExists(c *engine.Ctx) { c.Out.Int(presence(c.KS.Peek(&c.Key) != 0)) }

func stepTouch(c *engine.Ctx) { c.Out.Int(presence(c.Find() != 0)) }

func presence(is bool) int64 {
	if is {
		return 1
	}
	return 0
}

// ~rename <key> <new name> [NX] does all of RENAME where both names, which the
// caller has locked, are on this shard: the value itself is moved.
var stepRenameRow = keyStep("~rename", -3, command.Write, command.RW|command.Access|command.Delete)

func stepRename(c *engine.Ctx) {
	r := c.Find()
	if r == 0 {
		c.Out.Error(reply.ErrNoSuchKey)
		return
	}
	var to keyspace.Key
	c.KS.Key(&to, int(c.Key.DB), c.Args[2])
	there := c.KS.Peek(&to)
	if there != 0 {
		if len(c.Args) > 3 {
			c.Out.Int(0)
			return
		}
		c.KS.Remove(&to, there)
	}
	c.KS.Move(&c.Key, r, &to)
	c.Changed(engine.NotifyGeneric, "rename_from")
	arrived(c, to, "rename_to")
	c.Out.Int(1)
}

// ~move <key> <database> does all of MOVE; the caller has the key locked in
// both databases. It replies 1 or 0.
var stepMoveRow = keyStep("~move", 3, command.Write|command.Fast, command.RW|command.Access|command.Update)

func stepMove(c *engine.Ctx) {
	db, ok := c.Int(2)
	if !ok {
		return
	}
	to := c.Key
	to.DB = uint8(db)
	r := c.Find()
	if r == 0 || c.KS.Peek(&to) != 0 {
		c.Out.Int(0)
		return
	}
	c.KS.Move(&c.Key, r, &to)
	c.Changed(engine.NotifyGeneric, "move_from")
	arrived(c, to, "move_to")
	c.Out.Int(1)
}

// arrived tells that a value has come to the key to.
func arrived(c *engine.Ctx, to keyspace.Key, event string) {
	c.Key = to
	c.Changed(engine.NotifyGeneric, event)
	c.Ready()
}

// ~watch replies with the version that ~unchanged <key> <version> wants to hear
// again; that replies 1 or 0. ~unwatch replies nothing.
var (
	stepWatchRow     = keyStep("~watch", 2, command.ReadOnly|command.Fast, command.RO)
	stepUnwatchRow   = keyStep("~unwatch", 2, command.ReadOnly|command.Fast, command.RO)
	stepUnchangedRow = keyStep("~unchanged", 3, command.ReadOnly|command.Fast, command.RO)
)

func stepWatch(c *engine.Ctx) { c.Out.Int(int64(c.Watch())) }

func stepUnwatch(c *engine.Ctx) { c.Unwatch() }

func stepUnchanged(c *engine.Ctx) {
	if version, ok := c.Int(2); ok {
		c.Out.Int(presence(c.Unchanged(uint64(version))))
	}
}
