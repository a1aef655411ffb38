package hash

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
)

var hmgetRow = command.Row{
	Name:       "hmget",
	Group:      command.GroupHash,
	Since:      "2.0.0",
	Summary:    "The values of several fields",
	Complexity: "O(N), N the fields named",
	Arity:      -3,
	Flags:      command.ReadOnly | command.Fast,
	ACL:        command.CatHash,
	Keys:       command.Key1(command.RO | command.Access),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "field", Type: command.ArgString, Multiple: true},
	},
}

func hmget(c *engine.Ctx) {
	h, ok := find(c)
	if !ok {
		return
	}
	fields := c.Args[2:]
	c.Out.Array(len(fields))
	for _, field := range fields {
		writeField(c, h, field)
	}
}
