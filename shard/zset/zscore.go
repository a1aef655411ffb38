package zset

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
)

var zscoreRow = command.Row{
	Name:       "zscore",
	Group:      command.GroupSortedSet,
	Since:      "1.2.0",
	Summary:    "A member's score",
	Complexity: "O(1)",
	Arity:      3,
	Flags:      command.ReadOnly | command.Fast,
	ACL:        command.CatSortedSet,
	Keys:       command.Key1(command.RO | command.Access),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "member", Type: command.ArgString},
	},
}

func zscore(c *engine.Ctx) {
	z, r, ok := engine.Object[*ZSet](c)
	if ok {
		writeScore(c, z, r, c.Args[2])
	}
}
