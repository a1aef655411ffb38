package bitmap

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
)

var bitposRow = command.Row{
	Name:       "bitpos",
	Group:      command.GroupBitmap,
	Since:      "2.8.7",
	Summary:    "Where the first 0 or 1 bit of a string stands",
	Complexity: "O(N), N the bytes looked at",
	Arity:      -3,
	Flags:      command.ReadOnly,
	ACL:        command.CatBitmap,
	Keys:       command.Key1(command.RO | command.Access),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "bit", Type: command.ArgInteger},
		{Name: "index", Type: command.ArgBlock, Optional: true, Args: []command.Arg{
			{Name: "start", Type: command.ArgInteger},
			{Name: "end_index", Type: command.ArgBlock, Optional: true, Args: []command.Arg{
				{Name: "end", Type: command.ArgInteger},
				{Name: "index_unit", Type: command.ArgOneOf, Since: "7.0.0", Optional: true, Args: []command.Arg{
					{Name: "byte", Type: command.ArgPureToken, Token: "BYTE"},
					{Name: "bit", Type: command.ArgPureToken, Token: "BIT"},
				}},
			}},
		}},
	},
	History: []command.Change{
		{Since: "7.0.0", What: "Takes `BYTE|BIT`."},
	},
}

func bitpos(c *engine.Ctx) {
	bit, ok := c.Int(2)
	if !ok {
		return
	}
	if bit != 0 && bit != 1 {
		c.Out.Error(errBitSought)
		return
	}
	r, ok := c.FindString()
	if !ok {
		return
	}
	if r == 0 { // all zeros
		c.Out.Int(-bit)
		return
	}
	var scratch [20]byte
	val := text(c, r, &scratch)
	from, to, ok := posRange(c, len(val))
	if !ok {
		return
	}
	pos := findBit(val, from, to, bit == 1)
	// Without an end, the zeros that follow every string count.
	if pos < 0 && bit == 0 && len(c.Args) < 5 && from < to {
		pos = int64(len(val)) * 8
	}
	c.Out.Int(pos)
}

// posRange reads [start [end [BIT|BYTE]]] as bits [from, to) of a string of n bytes.
func posRange(c *engine.Ctx, n int) (from, to int64, ok bool) {
	switch {
	case len(c.Args) == 3:
		return 0, int64(n) * 8, true
	case len(c.Args) > 6:
		c.Out.Error(reply.ErrSyntax)
		return 0, 0, false
	}
	start, ok := c.Int(3)
	if !ok {
		return 0, 0, false
	}
	unit, ok := bitsPerUnit(c, 5)
	if !ok {
		return 0, 0, false
	}
	end := int64(-1)
	if len(c.Args) > 4 {
		if end, ok = c.Int(4); !ok {
			return 0, 0, false
		}
	}
	from, to = bitRange(start, end, unit, n)
	return from, to, true
}
