package hash

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
)

var hsetRow = command.Row{
	Name:       "hset",
	Group:      command.GroupHash,
	Since:      "2.0.0",
	Summary:    "Sets fields of a hash, and counts the new ones",
	Complexity: "O(1) a field, so O(N) for N of them",
	Arity:      -4,
	Flags:      command.Write | command.DenyOOM | command.Fast,
	ACL:        command.CatHash,
	Keys:       command.Key1(command.RW | command.Update),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "field_value", Type: command.ArgBlock, Multiple: true, Args: []command.Arg{
			{Name: "field", Type: command.ArgString},
			{Name: "value", Type: command.ArgString},
		}},
	},
	History: []command.Change{
		{Since: "4.0.0", What: "Takes several fields and values."},
	},
}

var hmsetRow = command.Row{
	Name:       "hmset",
	Group:      command.GroupHash,
	Since:      "2.0.0",
	Summary:    "Sets fields of a hash",
	Complexity: "O(N), N the fields named",
	Arity:      -4,
	Flags:      command.Write | command.DenyOOM | command.Fast,
	ACL:        command.CatHash,
	Keys:       command.Key1(command.RW | command.Update),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "field_value", Type: command.ArgBlock, Multiple: true, Args: []command.Arg{
			{Name: "field", Type: command.ArgString},
			{Name: "value", Type: command.ArgString},
		}},
	},
	Deprecated: "4.0.0",
	ReplacedBy: "`HSET`, which takes several fields",
}

func hset(c *engine.Ctx) {
	if created, ok := setFields(c); ok {
		c.Out.Int(created)
	}
}

func hmset(c *engine.Ctx) {
	if _, ok := setFields(c); ok {
		c.Out.OK()
	}
}

// setFields sets all fields given and returns how many were new, or writes the
// error.
func setFields(c *engine.Ctx) (created int64, ok bool) {
	if len(c.Args)%2 != 0 {
		c.Out.Error(reply.WrongArity(c.Name))
		return 0, false
	}
	h, ok := ensure(c)
	if !ok {
		return 0, false
	}
	for i := 2; i < len(c.Args); i += 2 {
		if h.Set(c.Cfg, c.Args[i], c.Args[i+1]) {
			created++
		}
	}
	c.Changed(engine.NotifyHash, "hset")
	return created, true
}
