package zset

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
)

var zcountRow = command.Row{
	Name:       "zcount",
	Group:      command.GroupSortedSet,
	Since:      "2.0.0",
	Summary:    "How many members have a score within bounds",
	Complexity: "O(log(N)), N the members of the sorted set",
	Arity:      4,
	Flags:      command.ReadOnly | command.Fast,
	ACL:        command.CatSortedSet,
	Keys:       command.Key1(command.RO | command.Access),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "min", Type: command.ArgDouble},
		{Name: "max", Type: command.ArgDouble},
	},
}

func zcount(c *engine.Ctx) {
	scores, ok := parseScoreRange(c.Args[2], c.Args[3])
	if !ok {
		c.Out.Error(reply.ErrMinMaxFloat)
		return
	}
	z, r, ok := engine.Object[*ZSet](c)
	switch {
	case !ok:
	case r == 0:
		c.Out.Int(0)
	default:
		c.Out.Int(int64(z.scores(&scores).N))
	}
}
