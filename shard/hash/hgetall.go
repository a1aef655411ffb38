package hash

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
)

var hgetallRow = command.Row{
	Name:       "hgetall",
	Group:      command.GroupHash,
	Since:      "2.0.0",
	Summary:    "All fields of a hash with their values",
	Complexity: "O(N), N the fields of the hash",
	Arity:      2,
	Flags:      command.ReadOnly,
	ACL:        command.CatHash,
	Keys:       command.Key1(command.RO | command.Access),
	Tips:       []string{"nondeterministic_output_order"},
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
	},
}

var hkeysRow = command.Row{
	Name:       "hkeys",
	Group:      command.GroupHash,
	Since:      "2.0.0",
	Summary:    "The names of a hash's fields",
	Complexity: "O(N), N the fields of the hash",
	Arity:      2,
	Flags:      command.ReadOnly,
	ACL:        command.CatHash,
	Keys:       command.Key1(command.RO | command.Access),
	Tips:       []string{"nondeterministic_output_order"},
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
	},
}

var hvalsRow = command.Row{
	Name:       "hvals",
	Group:      command.GroupHash,
	Since:      "2.0.0",
	Summary:    "The values of a hash",
	Complexity: "O(N), N the fields of the hash",
	Arity:      2,
	Flags:      command.ReadOnly,
	ACL:        command.CatHash,
	Keys:       command.Key1(command.RO | command.Access),
	Tips:       []string{"nondeterministic_output_order"},
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
	},
}

func hgetall(c *engine.Ctx) {
	h, ok := find(c)
	if !ok {
		return
	}
	c.Out.Map(h.Len())
	h.Each(func(field, value Value) bool {
		write(c, field)
		write(c, value)
		return true
	})
}

func hkeys(c *engine.Ctx) {
	h, ok := find(c)
	if !ok {
		return
	}
	c.Out.Array(h.Len())
	h.Each(func(field, _ Value) bool {
		write(c, field)
		return true
	})
}

func hvals(c *engine.Ctx) {
	h, ok := find(c)
	if !ok {
		return
	}
	c.Out.Array(h.Len())
	h.Each(func(_, value Value) bool {
		write(c, value)
		return true
	})
}
