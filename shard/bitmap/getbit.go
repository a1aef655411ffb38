package bitmap

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
)

var getbitRow = command.Row{
	Name:       "getbit",
	Group:      command.GroupBitmap,
	Since:      "2.2.0",
	Summary:    "One bit of a string",
	Complexity: "O(1)",
	Arity:      3,
	Flags:      command.ReadOnly | command.Fast,
	ACL:        command.CatBitmap,
	Keys:       command.Key1(command.RO | command.Access),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "offset", Type: command.ArgInteger},
	},
}

func getbit(c *engine.Ctx) {
	at, ok := offset(c, c.Args[2], 0)
	if !ok {
		return
	}
	r, ok := c.FindString()
	if !ok {
		return
	}
	var scratch [20]byte
	c.Out.Int(int64(readBits(text(c, r, &scratch), at, 1)))
}
