package bitmap

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
)

var setbitRow = command.Row{
	Name:       "setbit",
	Group:      command.GroupBitmap,
	Since:      "2.2.0",
	Summary:    "Changes one bit of a string and answers what it was",
	Complexity: "O(1)",
	Arity:      4,
	Flags:      command.Write | command.DenyOOM,
	ACL:        command.CatBitmap,
	Keys:       command.Key1(command.RW | command.Access | command.Update),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "offset", Type: command.ArgInteger},
		{Name: "value", Type: command.ArgInteger},
	},
}

func setbit(c *engine.Ctx) {
	at, ok := offset(c, c.Args[2], 0)
	if !ok {
		return
	}
	if len(c.Args[3]) != 1 || c.Args[3][0]&^1 != '0' {
		c.Out.Error(errBitValue)
		return
	}
	bit := uint64(c.Args[3][0] & 1)
	val, longer, ok := stretch(c, at)
	if !ok {
		return
	}
	was := readBits(val, at, 1)
	if longer || was != bit {
		writeBits(edit(c, at, 1), at, 1, bit)
		c.Changed(engine.NotifyString, "setbit")
	}
	c.Out.Int(int64(was))
}
