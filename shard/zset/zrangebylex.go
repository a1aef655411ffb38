package zset

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
)

var zrangebylexRow = command.Row{
	Name:       "zrangebylex",
	Group:      command.GroupSortedSet,
	Since:      "2.8.9",
	Summary:    "The members between two strings",
	Complexity: "O(log(N)+M), N the members of the sorted set and M those returned",
	Arity:      -4,
	Flags:      command.ReadOnly,
	ACL:        command.CatSortedSet,
	Keys:       command.Key1(command.RO | command.Access),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "min", Type: command.ArgString},
		{Name: "max", Type: command.ArgString},
		{Name: "offset_count", Type: command.ArgBlock, Token: "LIMIT", Optional: true, Args: []command.Arg{
			{Name: "offset", Type: command.ArgInteger},
			{Name: "count", Type: command.ArgInteger},
		}},
	},
	Deprecated: "6.2.0",
	ReplacedBy: "`ZRANGE` and its `BYLEX`",
}

func zrangebylex(c *engine.Ctx) { writeRange(c, rangeQuery{by: byLex, fixed: true}) }
