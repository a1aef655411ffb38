package str

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/keyspace"
)

// The steps of MGET, MSET, MSETNX, LCS and BITOP. Their key is argument 1 of whatever part
// of the command's own arguments the step is given, so that no list of arguments
// is built.

var plainGetRow = command.Row{
	Name: "~get", Group: command.GroupString, Arity: 2,
	Flags: command.ReadOnly | command.Fast | command.Internal,
	Keys:  command.Key1(command.RO | command.Access),
	Route: command.RouteSingle,
}

// plainGet is GET that answers null for other types too.
func plainGet(c *engine.Ctx) {
	r := c.Find()
	if r != 0 && c.KS.Kind(r) != keyspace.String {
		r = 0
	}
	writeString(c, r)
}

var plainSetRow = command.Row{
	Name: "~set", Group: command.GroupString, Arity: 3,
	Flags: command.Write | command.DenyOOM | command.Fast | command.Internal,
	Keys:  command.Key1(command.OW | command.Update),
	Route: command.RouteSingle,
}

// plainSet is SET without options and without a reply.
func plainSet(c *engine.Ctx) {
	Put(c, c.Find(), c.Args[2], 0)
	c.Changed(engine.NotifyString, "set")
}

// ~text replies with the string, null if there is none, WRONGTYPE for others.
var textRow = command.Row{
	Name: "~text", Group: command.GroupString, Arity: 2,
	Flags: command.ReadOnly | command.Internal,
	Keys:  command.Key1(command.RO | command.Access),
	Route: command.RouteSingle,
}

// ~settext is ~set that never makes an integer of its value, as BITOP stores.
var setTextRow = command.Row{
	Name: "~settext", Group: command.GroupString, Arity: 3,
	Flags: command.Write | command.DenyOOM | command.Internal,
	Keys:  command.Key1(command.OW | command.Update),
	Route: command.RouteSingle,
}

func setText(c *engine.Ctx) {
	copy(c.KS.PutString(&c.Key, c.Find(), keyspace.Edited, len(c.Args[2]), 0), c.Args[2])
	c.Changed(engine.NotifyString, "set")
}
