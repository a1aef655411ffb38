package hash

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
)

var hsetnxRow = command.Row{
	Name:       "hsetnx",
	Group:      command.GroupHash,
	Since:      "2.0.0",
	Summary:    "Sets a field that is not there yet",
	Complexity: "O(1)",
	Arity:      4,
	Flags:      command.Write | command.DenyOOM | command.Fast,
	ACL:        command.CatHash,
	Keys:       command.Key1(command.RW | command.Insert),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "field", Type: command.ArgString},
		{Name: "value", Type: command.ArgString},
	},
}

func hsetnx(c *engine.Ctx) {
	h, ok := ensure(c)
	if !ok {
		return
	}
	if h.Has(c.Args[2]) {
		c.Out.Int(0)
		return
	}
	h.Set(c.Cfg, c.Args[2], c.Args[3])
	c.Changed(engine.NotifyHash, "hset")
	c.Out.Int(1)
}
