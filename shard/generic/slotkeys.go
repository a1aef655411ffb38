package generic

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/data"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/slot"
)

// Names of the steps on one slot of a shard.
const (
	SlotLenName  = "~slotlen"
	SlotKeysName = "~slotkeys"
)

// ~slotlen <slot> replies with how many keys the database has in a slot of the
// shard.
var stepSlotLenRow = shardStep(SlotLenName, 2, command.ReadOnly|command.Fast)

func stepSlotLen(c *engine.Ctx) {
	in, ok := c.Int(1)
	if !ok {
		return
	}
	c.Out.Int(int64(c.KS.SlotLen(int(c.Key.DB), uint16(in))))
}

// ~slotkeys <slot> <count> replies with the names of up to count keys that the
// database has in a slot of the shard, expired ones left out.
var stepSlotKeysRow = shardStep(SlotKeysName, 3, command.ReadOnly)

func stepSlotKeys(c *engine.Ctx) {
	n, okSlot := c.Int(1)
	count, okCount := c.Int(2)
	if !okSlot || !okCount {
		return
	}
	in, db := uint16(n), int(c.Key.DB)
	left := int(min(count, int64(c.KS.SlotLen(db, in))))
	var found []data.Ref
	pos, end := uint64(in)<<data.ScanBits, uint64(in+1)<<data.ScanBits
	for pos < end && len(found) < left {
		// A scan may end among the keys of the slots that follow.
		pos = c.KS.Scan(db, pos, left-len(found), func(r data.Ref) {
			if len(found) < left && slot.Of(c.KS.Arena.Key(r)) == in {
				found = append(found, r)
			}
		})
	}
	writeKeys(c, found)
}
