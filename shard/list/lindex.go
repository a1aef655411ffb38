package list

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
)

var lindexRow = command.Row{
	Name:       "lindex",
	Group:      command.GroupList,
	Since:      "1.0.0",
	Summary:    "The element at a place in a list",
	Complexity: "O(N), N the elements on the way there; O(1) at both ends",
	Arity:      3,
	Flags:      command.ReadOnly,
	ACL:        command.CatList,
	Keys:       command.Key1(command.RO | command.Access),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "index", Type: command.ArgInteger},
	},
}

func lindex(c *engine.Ctx) {
	l, r, ok := find(c)
	if !ok {
		return
	}
	if r == 0 { // before the index is looked at, as in Redis
		c.Out.Null()
		return
	}
	i, ok := c.Int(2)
	if !ok {
		return
	}
	at := l.items.Index(int(i))
	if !at.Valid() {
		c.Out.Null()
		return
	}
	writeValue(c.Out, at.Value())
}
