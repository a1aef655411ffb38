package generic

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/data"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/keyspace"
	"github.com/troupedb/troupe/shard/reply"
)

var objectRow = command.Row{
	Name:       "object",
	Group:      command.GroupGeneric,
	Since:      "2.2.3",
	Summary:    "Looks behind a value",
	Complexity: "Depends on the subcommand",
	Arity:      -2,
	Route:      command.RouteLocal,
	Subs: []*command.Row{
		&objectEncodingRow,
		&objectFreqRow,
		&ObjectHelpRow,
		&objectIdletimeRow,
		&objectRefcountRow,
	},
}

var objectEncodingRow = command.Row{
	Name:       "encoding",
	Group:      command.GroupGeneric,
	Since:      "2.2.3",
	Summary:    "How a value is stored",
	Complexity: "O(1)",
	Arity:      3,
	Flags:      command.ReadOnly,
	ACL:        command.CatKeyspace,
	Keys: []command.KeySpec{
		{Access: command.RO, Begin: command.Begin{Index: 2}, Find: command.Find{Step: 1}},
	},
	Tips:  []string{"nondeterministic_output"},
	Route: command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
	},
}

var objectFreqRow = command.Row{
	Name:       "freq",
	Group:      command.GroupGeneric,
	Since:      "4.0.0",
	Summary:    "How often a key was used of late, as the LFU counter has it",
	Complexity: "O(1)",
	Arity:      3,
	Flags:      command.ReadOnly,
	ACL:        command.CatKeyspace,
	Keys: []command.KeySpec{
		{Access: command.RO, Begin: command.Begin{Index: 2}, Find: command.Find{Step: 1}},
	},
	Tips:  []string{"nondeterministic_output"},
	Route: command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
	},
}

var objectIdletimeRow = command.Row{
	Name:       "idletime",
	Group:      command.GroupGeneric,
	Since:      "2.2.3",
	Summary:    "Seconds since a key was last used",
	Complexity: "O(1)",
	Arity:      3,
	Flags:      command.ReadOnly,
	ACL:        command.CatKeyspace,
	Keys: []command.KeySpec{
		{Access: command.RO, Begin: command.Begin{Index: 2}, Find: command.Find{Step: 1}},
	},
	Tips:  []string{"nondeterministic_output"},
	Route: command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
	},
}

var objectRefcountRow = command.Row{
	Name:       "refcount",
	Group:      command.GroupGeneric,
	Since:      "2.2.3",
	Summary:    "How many references a value has",
	Complexity: "O(1)",
	Arity:      3,
	Flags:      command.ReadOnly,
	ACL:        command.CatKeyspace,
	Keys: []command.KeySpec{
		{Access: command.RO, Begin: command.Begin{Index: 2}, Find: command.Find{Step: 1}},
	},
	Tips:  []string{"nondeterministic_output"},
	Route: command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
	},
}

// ObjectHelpRow is OBJECT HELP's. It has no key, so its handler is a program of
// the coordinator.
var ObjectHelpRow = command.Row{
	Name:       "help",
	Group:      command.GroupGeneric,
	Since:      "6.2.0",
	Summary:    "What OBJECT can do",
	Complexity: "O(1)",
	Arity:      2,
	Flags:      command.Loading | command.Stale,
	ACL:        command.CatKeyspace,
	Route:      command.RouteSaga,
}

const (
	errLFU   reply.Error = "ERR An LFU maxmemory policy is selected, idle time not tracked. " + switching
	errNoLFU reply.Error = "ERR An LFU maxmemory policy is not selected, access frequency not tracked. " + switching

	switching = "Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust."
)

// maxEmbedded is the longest string that Redis puts into one block with its
// header, in bytes.
const maxEmbedded = 44

// look returns the key's record without counting an access, or replies that
// there is none.
func look(c *engine.Ctx) (r data.Ref, ok bool) {
	if r = c.KS.Peek(&c.Key); r == 0 {
		c.Out.Null()
	}
	return r, r != 0
}

func objectEncoding(c *engine.Ctx) {
	r, ok := look(c)
	if !ok {
		return
	}
	switch {
	case c.KS.Kind(r) != keyspace.String:
		c.Out.BulkString(c.KS.Object(r).Encoding())
	case c.KS.IsInt(r):
		c.Out.BulkString("int")
	case c.KS.IsEdited(r) || len(c.KS.Arena.Val(r)) > maxEmbedded:
		c.Out.BulkString("raw")
	default:
		c.Out.BulkString("embstr")
	}
}

func objectIdletime(c *engine.Ctx) {
	r, ok := look(c)
	switch {
	case !ok:
	case c.Cfg.LFU:
		c.Out.Error(errLFU)
	default:
		c.Out.Int(c.KS.IdleSeconds(r))
	}
}

func objectFreq(c *engine.Ctx) {
	r, ok := look(c)
	switch {
	case !ok:
	case !c.Cfg.LFU:
		c.Out.Error(errNoLFU)
	default:
		c.Out.Int(int64(c.KS.Frequency(r)))
	}
}

// Redis shares the objects of small integers, and answers for them with what
// stands for "shared for ever".
const (
	sharedIntegers = 10000
	sharedRefcount = 1<<31 - 1
)

func objectRefcount(c *engine.Ctx) {
	r, ok := look(c)
	if !ok {
		return
	}
	if c.KS.Kind(r) == keyspace.String && c.KS.IsInt(r) {
		if n, _ := c.IntOf(r); n >= 0 && n < sharedIntegers {
			c.Out.Int(sharedRefcount)
			return
		}
	}
	c.Out.Int(1)
}
