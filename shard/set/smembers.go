package set

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
)

var smembersRow = command.Row{
	Name:       "smembers",
	Group:      command.GroupSet,
	Since:      "1.0.0",
	Summary:    "All members of a set",
	Complexity: "O(N), N the members of the set",
	Arity:      2,
	Flags:      command.ReadOnly,
	ACL:        command.CatSet,
	Keys:       command.Key1(command.RO | command.Access),
	Tips:       []string{"nondeterministic_output_order"},
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
	},
}

func smembers(c *engine.Ctx) {
	s, ok := find(c)
	if !ok {
		return
	}
	c.Out.Set(s.Len())
	writeAll(c, s)
}

// writeAll appends every member.
func writeAll(c *engine.Ctx, s *Set) {
	s.Each(func(member []byte) bool {
		c.Out.Bulk(member)
		return true
	})
}
