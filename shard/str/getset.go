package str

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
)

var getsetRow = command.Row{
	Name:       "getset",
	Group:      command.GroupString,
	Since:      "1.0.0",
	Summary:    "Sets a string and answers the old value",
	Complexity: "O(1)",
	Arity:      3,
	Flags:      command.Write | command.DenyOOM | command.Fast,
	ACL:        command.CatString,
	Keys:       command.Key1(command.RW | command.Access | command.Update),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "value", Type: command.ArgString},
	},
	Deprecated: "6.2.0",
	ReplacedBy: "`SET` and its `GET`",
}

func getset(c *engine.Ctx) {
	r, ok := c.FindString()
	if !ok {
		return
	}
	writeString(c, r)
	Put(c, r, c.Args[2], 0)
	c.Changed(engine.NotifyString, "set")
}
