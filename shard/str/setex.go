package str

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
)

var setexRow = command.Row{
	Name:       "setex",
	Group:      command.GroupString,
	Since:      "2.0.0",
	Summary:    "Sets a string that lives for so many seconds",
	Complexity: "O(1)",
	Arity:      4,
	Flags:      command.Write | command.DenyOOM,
	ACL:        command.CatString,
	Keys:       command.Key1(command.OW | command.Update),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "seconds", Type: command.ArgInteger},
		{Name: "value", Type: command.ArgString},
	},
}

var psetexRow = command.Row{
	Name:       "psetex",
	Group:      command.GroupString,
	Since:      "2.6.0",
	Summary:    "Sets a string that lives for so many milliseconds",
	Complexity: "O(1)",
	Arity:      4,
	Flags:      command.Write | command.DenyOOM,
	ACL:        command.CatString,
	Keys:       command.Key1(command.OW | command.Update),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "milliseconds", Type: command.ArgInteger},
		{Name: "value", Type: command.ArgString},
	},
}

func setex(c *engine.Ctx) { setFor(c, 1000) }

func psetex(c *engine.Ctx) { setFor(c, 1) }

// setFor sets a string with a time to live of argument 2 times unit milliseconds.
func setFor(c *engine.Ctx, unit int64) {
	expire := expireOption{unit: unit, arg: c.Args[2]}
	expiry, ok := expire.at(c)
	if !ok {
		return
	}
	Put(c, c.Find(), c.Args[3], expiry)
	c.Changed(engine.NotifyString, "set")
	c.Notify(engine.NotifyGeneric, "expire")
	c.Out.OK()
}
