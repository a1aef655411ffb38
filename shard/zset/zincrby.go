package zset

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
)

var zincrbyRow = command.Row{
	Name:       "zincrby",
	Group:      command.GroupSortedSet,
	Since:      "1.2.0",
	Summary:    "Adds to a member's score",
	Complexity: "O(log(N)), N the members of the sorted set",
	Arity:      4,
	Flags:      command.Write | command.DenyOOM | command.Fast,
	ACL:        command.CatSortedSet,
	Keys:       command.Key1(command.RW | command.Access | command.Update),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "increment", Type: command.ArgInteger},
		{Name: "member", Type: command.ArgString},
	},
}

func zincrby(c *engine.Ctx) { add(c, addOptions{incr: true}) }
