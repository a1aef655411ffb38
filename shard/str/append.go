package str

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/data"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/keyspace"
	"github.com/troupedb/troupe/shard/reply"
)

var appendRow = command.Row{
	Name:       "append",
	Group:      command.GroupString,
	Since:      "2.0.0",
	Summary:    "Adds to the end of a string",
	Complexity: "O(1) on the whole, as strings grow by doubling",
	Arity:      3,
	Flags:      command.Write | command.DenyOOM | command.Fast,
	ACL:        command.CatString,
	Keys:       command.Key1(command.RW | command.Insert),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "value", Type: command.ArgString},
	},
}

func appendTo(c *engine.Ctx) {
	r, ok := c.FindString()
	if !ok {
		return
	}
	n := len(c.Args[2])
	if r == 0 {
		Put(c, 0, c.Args[2], 0)
	} else {
		size := stringLen(c, r)
		if !fits(c, int64(size), n) {
			return
		}
		n += size
		copy(Edit(c, r, size, n)[size:], c.Args[2])
	}
	c.Changed(engine.NotifyString, "append")
	c.Out.Int(int64(n))
}

// fits tells whether a string of at least at bytes may get n bytes there, or
// writes the error.
func fits(c *engine.Ctx, at int64, n int) bool {
	if total := at + int64(n); total < at || total > c.Cfg.MaxBulkLen {
		c.Out.Error(reply.ErrStringTooLong)
		return false
	}
	return true
}

// Edit returns the string in record r, made at least to bytes long with zeros,
// for changes of its bytes [from, to); an integer becomes text for that.
func Edit(c *engine.Ctx, r data.Ref, from, to int) []byte {
	if !c.KS.IsInt(r) {
		return c.KS.EditString(&c.Key, r, from, to)
	}
	var scratch [maxIntText]byte
	text := c.StringBytes(r, &scratch)
	val := c.KS.PutString(&c.Key, r, keyspace.Edited, max(to, len(text)), c.KS.Expiry(r))
	clear(val[copy(val, text):])
	return val
}
