package zset

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
)

var zlexcountRow = command.Row{
	Name:       "zlexcount",
	Group:      command.GroupSortedSet,
	Since:      "2.8.9",
	Summary:    "How many members lie between two strings",
	Complexity: "O(log(N)), N the members of the sorted set",
	Arity:      4,
	Flags:      command.ReadOnly | command.Fast,
	ACL:        command.CatSortedSet,
	Keys:       command.Key1(command.RO | command.Access),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "min", Type: command.ArgString},
		{Name: "max", Type: command.ArgString},
	},
}

func zlexcount(c *engine.Ctx) {
	members, ok := parseLexRange(c.Args[2], c.Args[3])
	if !ok {
		c.Out.Error(reply.ErrMinMaxLex)
		return
	}
	z, r, ok := engine.Object[*ZSet](c)
	switch {
	case !ok:
	case r == 0:
		c.Out.Int(0)
	default:
		c.Out.Int(int64(z.strings(&members, false).N))
	}
}
