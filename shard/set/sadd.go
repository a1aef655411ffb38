package set

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
)

var saddRow = command.Row{
	Name:       "sadd",
	Group:      command.GroupSet,
	Since:      "1.0.0",
	Summary:    "Adds members to a set",
	Complexity: "O(1) a member, so O(N) for N of them",
	Arity:      -3,
	Flags:      command.Write | command.DenyOOM | command.Fast,
	ACL:        command.CatSet,
	Keys:       command.Key1(command.RW | command.Insert),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "member", Type: command.ArgString, Multiple: true},
	},
	History: []command.Change{
		{Since: "2.4.0", What: "Takes several members."},
	},
}

func sadd(c *engine.Ctx) {
	s, r, ok := engine.Object[*Set](c)
	if !ok {
		return
	}
	if r == 0 {
		s = New(c.KS)
		c.KS.PutObject(&c.Key, 0, s, 0)
	}
	added := int64(0)
	for _, member := range c.Args[2:] {
		if s.Add(c.Cfg.SetMaxIntset, member) {
			added++
		}
	}
	if added > 0 {
		c.Changed(engine.NotifySet, "sadd")
	}
	c.Out.Int(added)
}
