package set

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
)

var sismemberRow = command.Row{
	Name:       "sismember",
	Group:      command.GroupSet,
	Since:      "1.0.0",
	Summary:    "Whether a set has a member",
	Complexity: "O(1)",
	Arity:      3,
	Flags:      command.ReadOnly | command.Fast,
	ACL:        command.CatSet,
	Keys:       command.Key1(command.RO),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "member", Type: command.ArgString},
	},
}

var smismemberRow = command.Row{
	Name:       "smismember",
	Group:      command.GroupSet,
	Since:      "6.2.0",
	Summary:    "Which of several members a set has",
	Complexity: "O(N), N the members named",
	Arity:      -3,
	Flags:      command.ReadOnly | command.Fast,
	ACL:        command.CatSet,
	Keys:       command.Key1(command.RO | command.Access),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "member", Type: command.ArgString, Multiple: true},
	},
}

func sismember(c *engine.Ctx) {
	if s, ok := find(c); ok {
		writeHas(c, s, c.Args[2])
	}
}

func smismember(c *engine.Ctx) {
	s, ok := find(c)
	if !ok {
		return
	}
	members := c.Args[2:]
	c.Out.Array(len(members))
	for _, member := range members {
		writeHas(c, s, member)
	}
}

func writeHas(c *engine.Ctx, s *Set, member []byte) {
	if s.Has(member) {
		c.Out.Int(1)
		return
	}
	c.Out.Int(0)
}
