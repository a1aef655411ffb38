package zset

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
)

var zrangeRow = command.Row{
	Name:       "zrange",
	Group:      command.GroupSortedSet,
	Since:      "1.2.0",
	Summary:    "The members within a range of ranks, scores or strings",
	Complexity: "O(log(N)+M), N the members of the sorted set and M those returned",
	Arity:      -4,
	Flags:      command.ReadOnly,
	ACL:        command.CatSortedSet,
	Keys:       command.Key1(command.RO | command.Access),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "start", Type: command.ArgString},
		{Name: "stop", Type: command.ArgString},
		{Name: "sortby", Type: command.ArgOneOf, Since: "6.2.0", Optional: true, Args: []command.Arg{
			{Name: "byscore", Type: command.ArgPureToken, Token: "BYSCORE"},
			{Name: "bylex", Type: command.ArgPureToken, Token: "BYLEX"},
		}},
		{Name: "rev", Type: command.ArgPureToken, Token: "REV", Since: "6.2.0", Optional: true},
		{Name: "offset_count", Type: command.ArgBlock, Token: "LIMIT", Since: "6.2.0", Optional: true, Args: []command.Arg{
			{Name: "offset", Type: command.ArgInteger},
			{Name: "count", Type: command.ArgInteger},
		}},
		{Name: "withscores", Type: command.ArgPureToken, Token: "WITHSCORES", Optional: true},
	},
	History: []command.Change{
		{Since: "6.2.0", What: "Takes `REV`, `BYSCORE`, `BYLEX` and `LIMIT`."},
	},
}

func zrange(c *engine.Ctx) { writeRange(c, rangeQuery{}) }
