package str

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
)

var setnxRow = command.Row{
	Name:       "setnx",
	Group:      command.GroupString,
	Since:      "1.0.0",
	Summary:    "Sets a string if the key is not there",
	Complexity: "O(1)",
	Arity:      3,
	Flags:      command.Write | command.DenyOOM | command.Fast,
	ACL:        command.CatString,
	Keys:       command.Key1(command.OW | command.Insert),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "value", Type: command.ArgString},
	},
}

func setnx(c *engine.Ctx) {
	if c.Find() != 0 {
		c.Out.Int(0)
		return
	}
	Put(c, 0, c.Args[2], 0)
	c.Changed(engine.NotifyString, "set")
	c.Out.Int(1)
}
