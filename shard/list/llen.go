package list

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
)

var llenRow = command.Row{
	Name:       "llen",
	Group:      command.GroupList,
	Since:      "1.0.0",
	Summary:    "The length of a list",
	Complexity: "O(1)",
	Arity:      2,
	Flags:      command.ReadOnly | command.Fast,
	ACL:        command.CatList,
	Keys:       command.Key1(command.RO),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
	},
}

func llen(c *engine.Ctx) {
	l, r, ok := find(c)
	switch {
	case !ok:
	case r == 0:
		c.Out.Int(0)
	default:
		c.Out.Int(int64(l.Len()))
	}
}
