package zset

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
)

var zrevrangebyscoreRow = command.Row{
	Name:       "zrevrangebyscore",
	Group:      command.GroupSortedSet,
	Since:      "2.2.0",
	Summary:    "The members between two scores, highest first",
	Complexity: "O(log(N)+M), N the members of the sorted set and M those returned",
	Arity:      -4,
	Flags:      command.ReadOnly,
	ACL:        command.CatSortedSet,
	Keys:       command.Key1(command.RO | command.Access),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "max", Type: command.ArgDouble},
		{Name: "min", Type: command.ArgDouble},
		{Name: "withscores", Type: command.ArgPureToken, Token: "WITHSCORES", Optional: true},
		{Name: "offset_count", Type: command.ArgBlock, Token: "LIMIT", Optional: true, Args: []command.Arg{
			{Name: "offset", Type: command.ArgInteger},
			{Name: "count", Type: command.ArgInteger},
		}},
	},
	History: []command.Change{
		{Since: "2.1.6", What: "`min` and `max` may be exclusive."},
	},
	Deprecated: "6.2.0",
	ReplacedBy: "`ZRANGE` and its `REV` and `BYSCORE`",
}

func zrevrangebyscore(c *engine.Ctx) {
	writeRange(c, rangeQuery{by: byScore, reverse: true, fixed: true})
}
