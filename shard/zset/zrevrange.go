package zset

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
)

var zrevrangeRow = command.Row{
	Name:       "zrevrange",
	Group:      command.GroupSortedSet,
	Since:      "1.2.0",
	Summary:    "The members within a range of ranks, highest score first",
	Complexity: "O(log(N)+M), N the members of the sorted set and M those returned",
	Arity:      -4,
	Flags:      command.ReadOnly,
	ACL:        command.CatSortedSet,
	Keys:       command.Key1(command.RO | command.Access),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "start", Type: command.ArgInteger},
		{Name: "stop", Type: command.ArgInteger},
		{Name: "withscores", Type: command.ArgPureToken, Token: "WITHSCORES", Optional: true},
	},
	Deprecated: "6.2.0",
	ReplacedBy: "`ZRANGE` and its `REV`",
}

func zrevrange(c *engine.Ctx) { writeRange(c, rangeQuery{by: byRank, reverse: true, fixed: true}) }
