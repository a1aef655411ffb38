package str

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
)

var getRow = command.Row{
	Name:       "get",
	Group:      command.GroupString,
	Since:      "1.0.0",
	Summary:    "The value of a string",
	Complexity: "O(1)",
	Arity:      2,
	Flags:      command.ReadOnly | command.Fast,
	ACL:        command.CatString,
	Keys:       command.Key1(command.RO | command.Access),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
	},
}

func get(c *engine.Ctx) {
	r, ok := c.FindString()
	if !ok {
		return
	}
	writeString(c, r)
}
