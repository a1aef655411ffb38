package hash

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
)

var hstrlenRow = command.Row{
	Name:       "hstrlen",
	Group:      command.GroupHash,
	Since:      "3.2.0",
	Summary:    "The length of a field's value",
	Complexity: "O(1)",
	Arity:      3,
	Flags:      command.ReadOnly | command.Fast,
	ACL:        command.CatHash,
	Keys:       command.Key1(command.RO),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "field", Type: command.ArgString},
	},
}

func hstrlen(c *engine.Ctx) {
	h, ok := find(c)
	if !ok {
		return
	}
	if v, found := h.Get(c.Args[2]); found {
		c.Out.Int(int64(v.Len()))
		return
	}
	c.Out.Int(0)
}
