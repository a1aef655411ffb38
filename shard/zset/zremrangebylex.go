package zset

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
)

var zremrangebylexRow = command.Row{
	Name:       "zremrangebylex",
	Group:      command.GroupSortedSet,
	Since:      "2.8.9",
	Summary:    "Removes the members between two strings",
	Complexity: "O(log(N)+M), N the members of the sorted set and M those removed",
	Arity:      4,
	Flags:      command.Write,
	ACL:        command.CatSortedSet,
	Keys:       command.Key1(command.RW | command.Delete),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "min", Type: command.ArgString},
		{Name: "max", Type: command.ArgString},
	},
}

func zremrangebylex(c *engine.Ctx) {
	members, ok := parseLexRange(c.Args[2], c.Args[3])
	if !ok {
		c.Out.Error(reply.ErrMinMaxLex)
		return
	}
	removeWindow(c, "zremrangebylex", func(z *ZSet) Window { return z.strings(&members, false) })
}
