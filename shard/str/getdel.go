package str

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
)

var getdelRow = command.Row{
	Name:       "getdel",
	Group:      command.GroupString,
	Since:      "6.2.0",
	Summary:    "The value of a string, which is removed",
	Complexity: "O(1)",
	Arity:      2,
	Flags:      command.Write | command.Fast,
	ACL:        command.CatString,
	Keys:       command.Key1(command.RW | command.Access | command.Delete),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
	},
}

func getdel(c *engine.Ctx) {
	r, ok := c.FindString()
	if !ok {
		return
	}
	writeString(c, r)
	if r != 0 {
		c.KS.Remove(&c.Key, r)
		c.Changed(engine.NotifyGeneric, "del")
	}
}
