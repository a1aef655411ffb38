package generic

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
)

var typeRow = command.Row{
	Name:       "type",
	Group:      command.GroupGeneric,
	Since:      "1.0.0",
	Summary:    "The kind of value that a key holds",
	Complexity: "O(1)",
	Arity:      2,
	Flags:      command.ReadOnly | command.Fast,
	ACL:        command.CatKeyspace,
	Keys:       command.Key1(command.RO),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
	},
}

func typeOf(c *engine.Ctx) {
	r := c.KS.Peek(&c.Key)
	if r == 0 {
		c.Out.Simple("none")
		return
	}
	c.Out.Simple(c.KS.Kind(r).String())
}
