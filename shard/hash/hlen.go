package hash

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
)

var hlenRow = command.Row{
	Name:       "hlen",
	Group:      command.GroupHash,
	Since:      "2.0.0",
	Summary:    "How many fields a hash has",
	Complexity: "O(1)",
	Arity:      2,
	Flags:      command.ReadOnly | command.Fast,
	ACL:        command.CatHash,
	Keys:       command.Key1(command.RO),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
	},
}

func hlen(c *engine.Ctx) {
	if h, ok := find(c); ok {
		c.Out.Int(int64(h.Len()))
	}
}
