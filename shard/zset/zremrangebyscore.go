package zset

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
)

var zremrangebyscoreRow = command.Row{
	Name:       "zremrangebyscore",
	Group:      command.GroupSortedSet,
	Since:      "1.2.0",
	Summary:    "Removes the members between two scores",
	Complexity: "O(log(N)+M), N the members of the sorted set and M those removed",
	Arity:      4,
	Flags:      command.Write,
	ACL:        command.CatSortedSet,
	Keys:       command.Key1(command.RW | command.Delete),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "min", Type: command.ArgDouble},
		{Name: "max", Type: command.ArgDouble},
	},
}

func zremrangebyscore(c *engine.Ctx) {
	scores, ok := parseScoreRange(c.Args[2], c.Args[3])
	if !ok {
		c.Out.Error(reply.ErrMinMaxFloat)
		return
	}
	removeWindow(c, "zremrangebyscore", func(z *ZSet) Window { return z.scores(&scores) })
}
