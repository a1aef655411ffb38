package str

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/keyspace"
	"github.com/troupedb/troupe/shard/reply"
)

var setrangeRow = command.Row{
	Name:       "setrange",
	Group:      command.GroupString,
	Since:      "2.2.0",
	Summary:    "Overwrites a string from a place on",
	Complexity: "O(1) apart from the copying, O(M) with it, M the bytes written",
	Arity:      4,
	Flags:      command.Write | command.DenyOOM,
	ACL:        command.CatString,
	Keys:       command.Key1(command.RW | command.Update),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "offset", Type: command.ArgInteger},
		{Name: "value", Type: command.ArgString},
	},
}

func setrange(c *engine.Ctx) {
	offset, ok := c.Int(2)
	if !ok {
		return
	}
	if offset < 0 {
		c.Out.Error(reply.ErrOffsetRange)
		return
	}
	r, ok := c.FindString()
	if !ok {
		return
	}
	size, patch := 0, c.Args[3]
	if r != 0 {
		size = stringLen(c, r)
	}
	if len(patch) == 0 {
		c.Out.Int(int64(size))
		return
	}
	if !fits(c, offset, len(patch)) {
		return
	}
	from, to := int(offset), int(offset)+len(patch)
	if r == 0 {
		val := c.KS.PutString(&c.Key, 0, keyspace.Edited, to, 0)
		clear(val[:from])
		copy(val[from:], patch)
	} else {
		copy(Edit(c, r, from, to)[from:], patch)
	}
	c.Changed(engine.NotifyString, "setrange")
	c.Out.Int(int64(max(size, to)))
}
