package list

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
)

var linsertRow = command.Row{
	Name:       "linsert",
	Group:      command.GroupList,
	Since:      "2.2.0",
	Summary:    "Puts an element next to another one",
	Complexity: "O(N), N the elements before the pivot is met; O(1) close to the head",
	Arity:      5,
	Flags:      command.Write | command.DenyOOM,
	ACL:        command.CatList,
	Keys:       command.Key1(command.RW | command.Insert),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "where", Type: command.ArgOneOf, Args: []command.Arg{
			{Name: "before", Type: command.ArgPureToken, Token: "BEFORE"},
			{Name: "after", Type: command.ArgPureToken, Token: "AFTER"},
		}},
		{Name: "pivot", Type: command.ArgString},
		{Name: "element", Type: command.ArgString},
	},
}

func linsert(c *engine.Ctx) {
	behind := c.Is(2, "AFTER")
	if !behind && !c.Is(2, "BEFORE") {
		c.Out.Error(reply.ErrSyntax)
		return
	}
	l, r, ok := find(c)
	if !ok {
		return
	}
	if r == 0 {
		c.Out.Int(0)
		return
	}
	if !l.Insert(c.KS, c.Args[3], c.Args[4], behind) {
		c.Out.Int(-1)
		return
	}
	c.Changed(engine.NotifyList, "linsert")
	c.Out.Int(int64(l.Len()))
}
