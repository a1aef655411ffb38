package zset

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
)

var zpopmaxRow = command.Row{
	Name:       "zpopmax",
	Group:      command.GroupSortedSet,
	Since:      "5.0.0",
	Summary:    "Takes the members with the highest scores",
	Complexity: "O(log(N)*M), N the members of the sorted set and M those removed",
	Arity:      -2,
	Flags:      command.Write | command.Fast,
	ACL:        command.CatSortedSet,
	Keys:       command.Key1(command.RW | command.Access | command.Delete),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "count", Type: command.ArgInteger, Optional: true},
	},
}

func zpopmax(c *engine.Ctx) { pop(c, popMax) }
