package list

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
)

var lsetRow = command.Row{
	Name:       "lset",
	Group:      command.GroupList,
	Since:      "1.0.0",
	Summary:    "Replaces the element at a place",
	Complexity: "O(N), N the length of the list; O(1) at both ends",
	Arity:      4,
	Flags:      command.Write | command.DenyOOM,
	ACL:        command.CatList,
	Keys:       command.Key1(command.RW | command.Update),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "index", Type: command.ArgInteger},
		{Name: "element", Type: command.ArgString},
	},
}

func lset(c *engine.Ctx) {
	l, r, ok := find(c)
	if !ok {
		return
	}
	if r == 0 { // before the index is looked at, as in Redis
		c.Out.Error(reply.ErrNoSuchKey)
		return
	}
	i, ok := c.Int(2)
	if !ok {
		return
	}
	if !l.Set(c.KS, int(i), c.Args[3]) {
		c.Out.Error(reply.ErrIndexRange)
		return
	}
	c.Changed(engine.NotifyList, "lset")
	c.Out.OK()
}
