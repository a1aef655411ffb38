package set

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
)

var scardRow = command.Row{
	Name:       "scard",
	Group:      command.GroupSet,
	Since:      "1.0.0",
	Summary:    "How many members a set has",
	Complexity: "O(1)",
	Arity:      2,
	Flags:      command.ReadOnly | command.Fast,
	ACL:        command.CatSet,
	Keys:       command.Key1(command.RO),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
	},
}

func scard(c *engine.Ctx) {
	if s, ok := find(c); ok {
		c.Out.Int(int64(s.Len()))
	}
}
