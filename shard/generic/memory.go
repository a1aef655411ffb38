package generic

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/keyspace"
	"github.com/troupedb/troupe/shard/reply"
)

var memoryRow = command.Row{
	Name:       "memory",
	Group:      command.GroupServer,
	Since:      "4.0.0",
	Summary:    "Where memory goes",
	Complexity: "Depends on the subcommand",
	Arity:      -2,
	Route:      command.RouteLocal,
	Subs: []*command.Row{
		&MemoryHelpRow,
		&memoryUsageRow,
	},
}

// MemoryHelpRow is MEMORY HELP's. It has no key, so its handler is a program of
// the coordinator.
var MemoryHelpRow = command.Row{
	Name:       "help",
	Group:      command.GroupServer,
	Since:      "4.0.0",
	Summary:    "What MEMORY can do",
	Complexity: "O(1)",
	Arity:      2,
	Flags:      command.Loading | command.Stale,
	Route:      command.RouteSaga,
}

var memoryUsageRow = command.Row{
	Name:       "usage",
	Group:      command.GroupServer,
	Since:      "4.0.0",
	Summary:    "How many bytes a key and its value take",
	Complexity: "O(N), N the elements sampled",
	Arity:      -3,
	Flags:      command.ReadOnly,
	Keys: []command.KeySpec{
		{Access: command.RO, Begin: command.Begin{Index: 2}, Find: command.Find{Step: 1}},
	},
	Route: command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "count", Type: command.ArgInteger, Token: "SAMPLES", Optional: true},
	},
}

// tableBytes is what a key takes in the tables of a database, about: a place of
// 5 bytes, at the usual two thirds of use.
const tableBytes = 8

// memoryUsage takes Redis's sample count, but needs no samples: objects know
// what they take.
func memoryUsage(c *engine.Ctx) {
	for i := 3; i < len(c.Args); i += 2 {
		if !c.Is(i, "SAMPLES") || i+1 == len(c.Args) {
			c.Out.Error(reply.ErrSyntax)
			return
		}
		samples, ok := c.Int(i + 1)
		if !ok {
			return
		}
		if samples < 0 {
			c.Out.Error(reply.ErrSyntax)
			return
		}
	}
	r, ok := look(c)
	if !ok {
		return
	}
	n := c.KS.Arena.Bytes(r) + tableBytes
	if c.KS.Kind(r) != keyspace.String {
		n += c.KS.Object(r).MemBytes()
	}
	c.Out.Int(n)
}
