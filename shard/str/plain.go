package str

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/keyspace"
)

// The steps of MGET, MSET and MSETNX. Their key is argument 1 of whatever part
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
