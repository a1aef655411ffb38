package generic

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
)

var persistRow = command.Row{
	Name:       "persist",
	Group:      command.GroupGeneric,
	Since:      "2.2.0",
	Summary:    "Lets a key live for ever",
	Complexity: "O(1)",
	Arity:      2,
	Flags:      command.Write | command.Fast,
	ACL:        command.CatKeyspace,
	Keys:       command.Key1(command.RW | command.Update),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
	},
}

func persist(c *engine.Ctx) {
	r := c.Find()
	if r == 0 || c.KS.Expiry(r) == 0 {
		c.Out.Int(0)
		return
	}
	c.KS.SetExpiry(&c.Key, r, 0)
	c.Changed(engine.NotifyGeneric, "persist")
	c.Out.Int(1)
}
