package set

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
)

// Names of the steps that set algebra is composed of.
const (
	// Inter takes a key and Members, and replies with those that are in the set.
	Inter = "~sinter"
	// Diff takes a key and Members, and replies with those that are not.
	Diff = "~sdiff"
	// Store takes a key, Members and the name of an event. The set of the Members
	// replaces whatever the key had; the reply is their number.
	Store = "~sstore"
)

var interRow = command.Row{
	Name:  Inter,
	Arity: 3,
	Flags: command.ReadOnly | command.Internal,
	Keys:  command.Key1(command.RO | command.Access),
	Route: command.RouteSingle,
}

var diffRow = command.Row{
	Name:  Diff,
	Arity: 3,
	Flags: command.ReadOnly | command.Internal,
	Keys:  command.Key1(command.RO | command.Access),
	Route: command.RouteSingle,
}

var storeRow = command.Row{
	Name:  Store,
	Arity: 4,
	Flags: command.Write | command.DenyOOM | command.Internal,
	Keys:  command.Key1(command.OW | command.Update),
	Route: command.RouteSingle,
}

func inter(c *engine.Ctx) { filter(c, true) }

func diff(c *engine.Ctx) { filter(c, false) }

// filter replies with the Members whose presence in the set is in.
func filter(c *engine.Ctx, in bool) {
	s, ok := find(c)
	if !ok {
		return
	}
	members := Members(c.Args[2]).Parse()
	found := Build(c.Out.Buf, members.Left)
	for members.Left > 0 {
		member, encoded := members.Next()
		if s.Has(member) == in {
			found.Add(encoded)
		}
	}
	c.Out.Buf = found.End('*')
}

func store(c *engine.Ctx) {
	r := c.Find()
	members := Members(c.Args[2]).Parse()
	if members.Left == 0 {
		if r != 0 {
			c.KS.Remove(&c.Key, r)
			c.Changed(engine.NotifyGeneric, "del")
		}
		c.Out.Int(0)
		return
	}
	s := New(c.KS)
	for members.Left > 0 {
		member, _ := members.Next()
		s.add(c.Cfg.SetMaxIntset, member)
	}
	c.KS.PutObject(&c.Key, r, s, 0)
	c.Changed(engine.NotifySet, string(c.Args[3]))
	c.Out.Int(int64(s.Len()))
}
