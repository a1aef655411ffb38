package zset

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
)

var zrevrangebylexRow = command.Row{
	Name:       "zrevrangebylex",
	Group:      command.GroupSortedSet,
	Since:      "2.8.9",
	Summary:    "The members between two strings, last string first",
	Complexity: "O(log(N)+M), N the members of the sorted set and M those returned",
	Arity:      -4,
	Flags:      command.ReadOnly,
	ACL:        command.CatSortedSet,
	Keys:       command.Key1(command.RO | command.Access),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "max", Type: command.ArgString},
		{Name: "min", Type: command.ArgString},
		{Name: "offset_count", Type: command.ArgBlock, Token: "LIMIT", Optional: true, Args: []command.Arg{
			{Name: "offset", Type: command.ArgInteger},
			{Name: "count", Type: command.ArgInteger},
		}},
	},
	Deprecated: "6.2.0",
	ReplacedBy: "`ZRANGE` and its `REV` and `BYLEX`",
}

func zrevrangebylex(c *engine.Ctx) { writeRange(c, rangeQuery{by: byLex, reverse: true, fixed: true}) }
