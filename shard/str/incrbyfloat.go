package str

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/data/num"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/keyspace"
	"github.com/troupedb/troupe/shard/reply"
)

var incrbyfloatRow = command.Row{
	Name:       "incrbyfloat",
	Group:      command.GroupString,
	Since:      "2.6.0",
	Summary:    "Adds a number to a floating-point value",
	Complexity: "O(1)",
	Arity:      3,
	Flags:      command.Write | command.DenyOOM | command.Fast,
	ACL:        command.CatString,
	Keys:       command.Key1(command.RW | command.Access | command.Update),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "increment", Type: command.ArgDouble},
	},
}

func incrbyfloat(c *engine.Ctx) {
	r, ok := c.FindString()
	if !ok {
		return
	}
	was, expiry := []byte("0"), int64(0)
	if r != 0 {
		var scratch [maxIntText]byte
		was, expiry = c.StringBytes(r, &scratch), c.KS.Expiry(r)
	}
	sum, err := num.AddLongDouble(nil, was, c.Args[2])
	switch err {
	case nil:
	case num.ErrNaNOrInf:
		c.Out.Error(reply.ErrNaNOrInfinity)
		return
	default:
		c.Out.Error(reply.ErrNotFloat)
		return
	}
	// Redis keeps the text even where it is an integer's.
	copy(c.KS.PutString(&c.Key, r, keyspace.Raw, len(sum), expiry), sum)
	c.Changed(engine.NotifyString, "incrbyfloat")
	c.Out.Bulk(sum)
}
