package hash

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
)

var hexistsRow = command.Row{
	Name:       "hexists",
	Group:      command.GroupHash,
	Since:      "2.0.0",
	Summary:    "Whether a hash has a field",
	Complexity: "O(1)",
	Arity:      3,
	Flags:      command.ReadOnly | command.Fast,
	ACL:        command.CatHash,
	Keys:       command.Key1(command.RO),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "field", Type: command.ArgString},
	},
}

func hexists(c *engine.Ctx) {
	h, ok := find(c)
	if !ok {
		return
	}
	if _, found := h.Get(c.Args[2]); found {
		c.Out.Int(1)
		return
	}
	c.Out.Int(0)
}
