package hash

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
)

var hdelRow = command.Row{
	Name:       "hdel",
	Group:      command.GroupHash,
	Since:      "2.0.0",
	Summary:    "Removes fields of a hash",
	Complexity: "O(N), N the fields named",
	Arity:      -3,
	Flags:      command.Write | command.Fast,
	ACL:        command.CatHash,
	Keys:       command.Key1(command.RW | command.Delete),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "field", Type: command.ArgString, Multiple: true},
	},
	History: []command.Change{
		{Since: "2.4.0", What: "Takes several fields."},
	},
}

func hdel(c *engine.Ctx) {
	h, r, ok := engine.Object[*Hash](c)
	if !ok {
		return
	}
	if r == 0 {
		c.Out.Int(0)
		return
	}
	deleted := int64(0)
	for _, field := range c.Args[2:] {
		if h.Delete(field) {
			deleted++
		}
	}
	if deleted > 0 {
		c.Changed(engine.NotifyHash, "hdel")
		if h.Len() == 0 {
			c.DeleteEmpty(r)
		}
	}
	c.Out.Int(deleted)
}
