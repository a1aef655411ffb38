package zset

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
)

var zcardRow = command.Row{
	Name:       "zcard",
	Group:      command.GroupSortedSet,
	Since:      "1.2.0",
	Summary:    "How many members a sorted set has",
	Complexity: "O(1)",
	Arity:      2,
	Flags:      command.ReadOnly | command.Fast,
	ACL:        command.CatSortedSet,
	Keys:       command.Key1(command.RO),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
	},
}

func zcard(c *engine.Ctx) {
	z, r, ok := engine.Object[*ZSet](c)
	switch {
	case !ok:
	case r == 0:
		c.Out.Int(0)
	default:
		c.Out.Int(int64(z.Len()))
	}
}
