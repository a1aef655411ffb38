package hash

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
)

var hgetRow = command.Row{
	Name:       "hget",
	Group:      command.GroupHash,
	Since:      "2.0.0",
	Summary:    "One field's value",
	Complexity: "O(1)",
	Arity:      3,
	Flags:      command.ReadOnly | command.Fast,
	ACL:        command.CatHash,
	Keys:       command.Key1(command.RO | command.Access),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "field", Type: command.ArgString},
	},
}

func hget(c *engine.Ctx) {
	if h, ok := find(c); ok {
		writeField(c, h, c.Args[2])
	}
}
