package str

import (
	"encoding/binary"

	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
)

var incrRow = command.Row{
	Name:       "incr",
	Group:      command.GroupString,
	Since:      "1.0.0",
	Summary:    "Adds one to an integer",
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

var incrbyRow = command.Row{
	Name:       "incrby",
	Group:      command.GroupString,
	Since:      "1.0.0",
	Summary:    "Adds a number to an integer",
	Complexity: "O(1)",
	Arity:      3,
	Flags:      command.Write | command.DenyOOM | command.Fast,
	ACL:        command.CatString,
	Keys:       command.Key1(command.RW | command.Access | command.Update),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "increment", Type: command.ArgInteger},
	},
}

func incr(c *engine.Ctx) { addInt(c, 1) }

func incrby(c *engine.Ctx) {
	if n, ok := c.Int(2); ok {
		addInt(c, n)
	}
}

// addInt adds delta to the integer at the key, which counts as 0 if absent.
func addInt(c *engine.Ctx, delta int64) {
	r, ok := c.FindString()
	if !ok {
		return
	}
	n := int64(0)
	if r != 0 {
		var isInt bool
		if n, isInt = c.IntOf(r); !isInt {
			c.Out.Error(reply.ErrNotInteger)
			return
		}
	}
	sum := n + delta
	if delta > 0 && sum < n || delta < 0 && sum > n {
		c.Out.Error(reply.ErrOverflow)
		return
	}
	if r != 0 && c.KS.IsInt(r) {
		binary.LittleEndian.PutUint64(c.KS.EditString(&c.Key, r, 0, 8), uint64(sum))
	} else {
		expiry := int64(0)
		if r != 0 {
			expiry = c.KS.Expiry(r)
		}
		putInt(c, r, sum, expiry)
	}
	c.Changed(engine.NotifyString, "incrby")
	c.Out.Int(sum)
}
