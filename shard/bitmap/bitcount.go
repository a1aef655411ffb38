package bitmap

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
)

var bitcountRow = command.Row{
	Name:       "bitcount",
	Group:      command.GroupBitmap,
	Since:      "2.6.0",
	Summary:    "How many bits of a string, or of a part of it, are 1",
	Complexity: "O(N), N the bytes looked at",
	Arity:      -2,
	Flags:      command.ReadOnly,
	ACL:        command.CatBitmap,
	Keys:       command.Key1(command.RO | command.Access),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "index", Type: command.ArgBlock, Optional: true, Args: []command.Arg{
			{Name: "start", Type: command.ArgInteger},
			{Name: "end", Type: command.ArgInteger},
			{Name: "index_unit", Type: command.ArgOneOf, Since: "7.0.0", Optional: true, Args: []command.Arg{
				{Name: "byte", Type: command.ArgPureToken, Token: "BYTE"},
				{Name: "bit", Type: command.ArgPureToken, Token: "BIT"},
			}},
		}},
	},
	History: []command.Change{
		{Since: "7.0.0", What: "Takes `BYTE|BIT`."},
	},
}

func bitcount(c *engine.Ctx) {
	r, ok := c.FindString()
	if !ok {
		return
	}
	if r == 0 {
		c.Out.Int(0)
		return
	}
	var scratch [20]byte
	val := text(c, r, &scratch)
	switch len(c.Args) {
	case 2:
		c.Out.Int(popcount(val))
	case 4, 5:
		countRange(c, val)
	default:
		c.Out.Error(reply.ErrSyntax)
	}
}

func countRange(c *engine.Ctx, val []byte) {
	start, ok := c.Int(2)
	if !ok {
		return
	}
	end, ok := c.Int(3)
	if !ok {
		return
	}
	if start < 0 && end < 0 && start > end { // before the unit is looked at
		c.Out.Int(0)
		return
	}
	unit, ok := bitsPerUnit(c, 4)
	if !ok {
		return
	}
	from, to := bitRange(start, end, unit, len(val))
	c.Out.Int(countBits(val, from, to))
}

// bitsPerUnit reads BIT or BYTE, which counts if it is not there, at argument i.
func bitsPerUnit(c *engine.Ctx, i int) (unit int64, ok bool) {
	switch {
	case i >= len(c.Args) || c.Is(i, "BYTE"):
		return 8, true
	case c.Is(i, "BIT"):
		return 1, true
	}
	c.Out.Error(reply.ErrSyntax)
	return 0, false
}

// bitRange turns a range of units with both ends in it, negative ones counted
// from the end, into bits [from, to) of a string of n bytes.
func bitRange(start, end, unit int64, n int) (from, to int64) {
	total := int64(n) * 8 / unit
	if start < 0 {
		start = max(start+total, 0)
	}
	if end < 0 {
		end = max(end+total, 0)
	}
	end = min(end, total-1)
	if start > end {
		return 0, 0
	}
	return start * unit, (end + 1) * unit
}
