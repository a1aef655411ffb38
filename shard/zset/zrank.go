package zset

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
)

var zrankRow = command.Row{
	Name:       "zrank",
	Group:      command.GroupSortedSet,
	Since:      "2.0.0",
	Summary:    "A member's place, counted from the lowest score",
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

func zrank(c *engine.Ctx) { writeRank(c, false) }

func writeRank(c *engine.Ctx, reverse bool) {
	z, r, ok := engine.Object[*ZSet](c)
	if !ok {
		return
	}
	found, rank := false, 0
	if r != 0 {
		rank, found = z.Rank(c.Args[2])
	}
	switch {
	case !found:
		c.Out.Null()
	case reverse:
		c.Out.Int(int64(z.Len() - 1 - rank))
	default:
		c.Out.Int(int64(rank))
	}
}
