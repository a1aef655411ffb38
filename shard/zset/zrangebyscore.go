package zset

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
)

var zrangebyscoreRow = command.Row{
	Name:       "zrangebyscore",
	Group:      command.GroupSortedSet,
	Since:      "1.0.5",
	Summary:    "The members between two scores",
	Complexity: "O(log(N)+M), N the members of the sorted set and M those returned",
	Arity:      -4,
	Flags:      command.ReadOnly,
	ACL:        command.CatSortedSet,
	Keys:       command.Key1(command.RO | command.Access),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "min", Type: command.ArgDouble},
		{Name: "max", Type: command.ArgDouble},
		{Name: "withscores", Type: command.ArgPureToken, Token: "WITHSCORES", Since: "2.0.0", Optional: true},
		{Name: "offset_count", Type: command.ArgBlock, Token: "LIMIT", Optional: true, Args: []command.Arg{
			{Name: "offset", Type: command.ArgInteger},
			{Name: "count", Type: command.ArgInteger},
		}},
	},
	History: []command.Change{
		{Since: "2.0.0", What: "Takes `WITHSCORES`."},
	},
	Deprecated: "6.2.0",
	ReplacedBy: "`ZRANGE` and its `BYSCORE`",
}

func zrangebyscore(c *engine.Ctx) { writeRange(c, rangeQuery{by: byScore, fixed: true}) }
