package zset

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
)

var zmscoreRow = command.Row{
	Name:       "zmscore",
	Group:      command.GroupSortedSet,
	Since:      "6.2.0",
	Summary:    "The scores of several members",
	Complexity: "O(N), N the members named",
	Arity:      -3,
	Flags:      command.ReadOnly | command.Fast,
	ACL:        command.CatSortedSet,
	Keys:       command.Key1(command.RO | command.Access),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "member", Type: command.ArgString, Multiple: true},
	},
}

func zmscore(c *engine.Ctx) {
	z, r, ok := engine.Object[*ZSet](c)
	if !ok {
		return
	}
	c.Out.Array(len(c.Args) - 2)
	for _, member := range c.Args[2:] {
		writeScore(c, z, r, member)
	}
}
