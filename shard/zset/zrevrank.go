package zset

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
)

var zrevrankRow = command.Row{
	Name:       "zrevrank",
	Group:      command.GroupSortedSet,
	Since:      "2.0.0",
	Summary:    "A member's place, counted from the highest score",
	Complexity: "O(log(N)), N the members of the sorted set",
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

func zrevrank(c *engine.Ctx) { writeRank(c, true) }
