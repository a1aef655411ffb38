package zset

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
)

var zremRow = command.Row{
	Name:       "zrem",
	Group:      command.GroupSortedSet,
	Since:      "1.2.0",
	Summary:    "Removes members from a sorted set",
	Complexity: "O(M*log(N)), N the members of the sorted set and M those removed",
	Arity:      -3,
	Flags:      command.Write | command.Fast,
	ACL:        command.CatSortedSet,
	Keys:       command.Key1(command.RW | command.Delete),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "member", Type: command.ArgString, Multiple: true},
	},
	History: []command.Change{
		{Since: "2.4.0", What: "Takes several members."},
	},
}

func zrem(c *engine.Ctx) {
	z, r, ok := engine.Object[*ZSet](c)
	if !ok {
		return
	}
	removed := 0
	if r != 0 {
		for _, member := range c.Args[2:] {
			if at := z.Find(member); at.Found {
				z.Remove(c.KS, at, member)
				removed++
			}
		}
	}
	if removed > 0 {
		c.Changed(engine.NotifyZSet, "zrem")
		deleteIfEmpty(c, z, r)
	}
	c.Out.Int(int64(removed))
}
