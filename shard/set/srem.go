package set

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
)

var sremRow = command.Row{
	Name:       "srem",
	Group:      command.GroupSet,
	Since:      "1.0.0",
	Summary:    "Removes members from a set",
	Complexity: "O(N), N the members named",
	Arity:      -3,
	Flags:      command.Write | command.Fast,
	ACL:        command.CatSet,
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

func srem(c *engine.Ctx) {
	s, r, ok := engine.Object[*Set](c)
	if !ok {
		return
	}
	if r == 0 {
		c.Out.Int(0)
		return
	}
	removed := int64(0)
	for _, member := range c.Args[2:] {
		if s.Remove(member) {
			removed++
		}
	}
	if removed > 0 {
		c.Changed(engine.NotifySet, "srem")
		if s.Len() == 0 {
			c.DeleteEmpty(r)
		}
	}
	c.Out.Int(removed)
}
