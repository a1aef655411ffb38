package generic

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
)

var ttlRow = command.Row{
	Name:       "ttl",
	Group:      command.GroupGeneric,
	Since:      "1.0.0",
	Summary:    "How many seconds a key still has",
	Complexity: "O(1)",
	Arity:      2,
	Flags:      command.ReadOnly | command.Fast,
	ACL:        command.CatKeyspace,
	Keys:       command.Key1(command.RO | command.Access),
	Tips:       []string{"nondeterministic_output"},
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
	},
	History: []command.Change{
		{Since: "2.8.0", What: "Answers -2 for a key that is not there."},
	},
}

var pttlRow = command.Row{
	Name:       "pttl",
	Group:      command.GroupGeneric,
	Since:      "2.6.0",
	Summary:    "How many milliseconds a key still has",
	Complexity: "O(1)",
	Arity:      2,
	Flags:      command.ReadOnly | command.Fast,
	ACL:        command.CatKeyspace,
	Keys:       command.Key1(command.RO | command.Access),
	Tips:       []string{"nondeterministic_output"},
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
	},
	History: []command.Change{
		{Since: "2.8.0", What: "Answers -2 for a key that is not there."},
	},
}

var expiretimeRow = command.Row{
	Name:       "expiretime",
	Group:      command.GroupGeneric,
	Since:      "7.0.0",
	Summary:    "The Unix time in seconds at which a key ends",
	Complexity: "O(1)",
	Arity:      2,
	Flags:      command.ReadOnly | command.Fast,
	ACL:        command.CatKeyspace,
	Keys:       command.Key1(command.RO | command.Access),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
	},
}

var pexpiretimeRow = command.Row{
	Name:       "pexpiretime",
	Group:      command.GroupGeneric,
	Since:      "7.0.0",
	Summary:    "The Unix time in milliseconds at which a key ends",
	Complexity: "O(1)",
	Arity:      2,
	Flags:      command.ReadOnly | command.Fast,
	ACL:        command.CatKeyspace,
	Keys:       command.Key1(command.RO | command.Access),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
	},
}

func ttl(c *engine.Ctx)         { writeExpiry(c, false, 1000) }
func pttl(c *engine.Ctx)        { writeExpiry(c, false, 1) }
func expiretime(c *engine.Ctx)  { writeExpiry(c, true, 1000) }
func pexpiretime(c *engine.Ctx) { writeExpiry(c, true, 1) }

// What takes the place of a time.
const (
	noExpiry = -1
	noKey    = -2
)

// writeExpiry replies with the key's expiry, or what is left until then, in
// units of so many milliseconds, rounded.
func writeExpiry(c *engine.Ctx, absolute bool, unit int64) {
	r := c.KS.Peek(&c.Key)
	if r == 0 {
		c.Out.Int(noKey)
		return
	}
	when := c.KS.Expiry(r)
	if when == 0 {
		c.Out.Int(noExpiry)
		return
	}
	if !absolute {
		when -= c.Now()
	}
	if unit > 1 {
		when = when/unit + when%unit/(unit/2) // without overflow
	}
	c.Out.Int(when)
}
