package str

import (
	"math"

	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
)

var decrRow = command.Row{
	Name:       "decr",
	Group:      command.GroupString,
	Since:      "1.0.0",
	Summary:    "Takes one from an integer",
	Complexity: "O(1)",
	Arity:      2,
	Flags:      command.Write | command.DenyOOM | command.Fast,
	ACL:        command.CatString,
	Keys:       command.Key1(command.RW | command.Access | command.Update),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
	},
}

var decrbyRow = command.Row{
	Name:       "decrby",
	Group:      command.GroupString,
	Since:      "1.0.0",
	Summary:    "Takes a number from an integer",
	Complexity: "O(1)",
	Arity:      3,
	Flags:      command.Write | command.DenyOOM | command.Fast,
	ACL:        command.CatString,
	Keys:       command.Key1(command.RW | command.Access | command.Update),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "decrement", Type: command.ArgInteger},
	},
}

const errDecrOverflow reply.Error = "ERR decrement would overflow"

func decr(c *engine.Ctx) { addInt(c, -1) }

func decrby(c *engine.Ctx) {
	n, ok := c.Int(2)
	if !ok {
		return
	}
	if n == math.MinInt64 { // has no negative
		c.Out.Error(errDecrOverflow)
		return
	}
	addInt(c, -n)
}
