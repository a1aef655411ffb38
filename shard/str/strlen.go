package str

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/data"
	"github.com/troupedb/troupe/shard/data/num"
	"github.com/troupedb/troupe/shard/engine"
)

var strlenRow = command.Row{
	Name:       "strlen",
	Group:      command.GroupString,
	Since:      "2.2.0",
	Summary:    "The length of a string",
	Complexity: "O(1)",
	Arity:      2,
	Flags:      command.ReadOnly | command.Fast,
	ACL:        command.CatString,
	Keys:       command.Key1(command.RO),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
	},
}

func strlen(c *engine.Ctx) {
	r, ok := c.FindString()
	if !ok {
		return
	}
	if r == 0 {
		c.Out.Int(0)
		return
	}
	c.Out.Int(int64(stringLen(c, r)))
}

// stringLen returns the length of the text of the string in record r.
func stringLen(c *engine.Ctx, r data.Ref) int {
	if c.KS.IsInt(r) {
		n, _ := c.IntOf(r)
		return num.IntLen(n)
	}
	return len(c.KS.Arena.Val(r))
}
