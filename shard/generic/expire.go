package generic

import (
	"bytes"
	"math"

	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
)

var expireRow = command.Row{
	Name:       "expire",
	Group:      command.GroupGeneric,
	Since:      "1.0.0",
	Summary:    "Lets a key live for so many seconds",
	Complexity: "O(1)",
	Arity:      -3,
	Flags:      command.Write | command.Fast,
	ACL:        command.CatKeyspace,
	Keys:       command.Key1(command.RW | command.Update),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "seconds", Type: command.ArgInteger},
		{Name: "condition", Type: command.ArgOneOf, Since: "7.0.0", Optional: true, Args: []command.Arg{
			{Name: "nx", Type: command.ArgPureToken, Token: "NX"},
			{Name: "xx", Type: command.ArgPureToken, Token: "XX"},
			{Name: "gt", Type: command.ArgPureToken, Token: "GT"},
			{Name: "lt", Type: command.ArgPureToken, Token: "LT"},
		}},
	},
	History: []command.Change{
		{Since: "7.0.0", What: "Takes `NX`, `XX`, `GT` and `LT`."},
	},
}

var pexpireRow = command.Row{
	Name:       "pexpire",
	Group:      command.GroupGeneric,
	Since:      "2.6.0",
	Summary:    "Lets a key live for so many milliseconds",
	Complexity: "O(1)",
	Arity:      -3,
	Flags:      command.Write | command.Fast,
	ACL:        command.CatKeyspace,
	Keys:       command.Key1(command.RW | command.Update),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "milliseconds", Type: command.ArgInteger},
		{Name: "condition", Type: command.ArgOneOf, Since: "7.0.0", Optional: true, Args: []command.Arg{
			{Name: "nx", Type: command.ArgPureToken, Token: "NX"},
			{Name: "xx", Type: command.ArgPureToken, Token: "XX"},
			{Name: "gt", Type: command.ArgPureToken, Token: "GT"},
			{Name: "lt", Type: command.ArgPureToken, Token: "LT"},
		}},
	},
	History: []command.Change{
		{Since: "7.0.0", What: "Takes `NX`, `XX`, `GT` and `LT`."},
	},
}

var expireatRow = command.Row{
	Name:       "expireat",
	Group:      command.GroupGeneric,
	Since:      "1.2.0",
	Summary:    "Lets a key live until a Unix time in seconds",
	Complexity: "O(1)",
	Arity:      -3,
	Flags:      command.Write | command.Fast,
	ACL:        command.CatKeyspace,
	Keys:       command.Key1(command.RW | command.Update),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "unix-time-seconds", Type: command.ArgUnixTime},
		{Name: "condition", Type: command.ArgOneOf, Since: "7.0.0", Optional: true, Args: []command.Arg{
			{Name: "nx", Type: command.ArgPureToken, Token: "NX"},
			{Name: "xx", Type: command.ArgPureToken, Token: "XX"},
			{Name: "gt", Type: command.ArgPureToken, Token: "GT"},
			{Name: "lt", Type: command.ArgPureToken, Token: "LT"},
		}},
	},
	History: []command.Change{
		{Since: "7.0.0", What: "Takes `NX`, `XX`, `GT` and `LT`."},
	},
}

var pexpireatRow = command.Row{
	Name:       "pexpireat",
	Group:      command.GroupGeneric,
	Since:      "2.6.0",
	Summary:    "Lets a key live until a Unix time in milliseconds",
	Complexity: "O(1)",
	Arity:      -3,
	Flags:      command.Write | command.Fast,
	ACL:        command.CatKeyspace,
	Keys:       command.Key1(command.RW | command.Update),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "unix-time-milliseconds", Type: command.ArgUnixTime},
		{Name: "condition", Type: command.ArgOneOf, Since: "7.0.0", Optional: true, Args: []command.Arg{
			{Name: "nx", Type: command.ArgPureToken, Token: "NX"},
			{Name: "xx", Type: command.ArgPureToken, Token: "XX"},
			{Name: "gt", Type: command.ArgPureToken, Token: "GT"},
			{Name: "lt", Type: command.ArgPureToken, Token: "LT"},
		}},
	},
	History: []command.Change{
		{Since: "7.0.0", What: "Takes `NX`, `XX`, `GT` and `LT`."},
	},
}

// The error texts of these commands alone.
const (
	errExpireNX   reply.Error = "ERR NX and XX, GT or LT options at the same time are not compatible"
	errExpireGTLT reply.Error = "ERR GT and LT options at the same time are not compatible"
)

// unsupported repeats the option without what would end the reply early.
func unsupported(option []byte) reply.Error {
	text := bytes.ReplaceAll(bytes.ReplaceAll(option, []byte{'\r'}, []byte{' '}), []byte{'\n'}, []byte{' '})
	return reply.Error("ERR Unsupported option " + string(text))
}

func expire(c *engine.Ctx)    { setExpiry(c, c.Now(), 1000) }
func pexpire(c *engine.Ctx)   { setExpiry(c, c.Now(), 1) }
func expireat(c *engine.Ctx)  { setExpiry(c, 0, 1000) }
func pexpireat(c *engine.Ctx) { setExpiry(c, 0, 1) }

// expireConditions are the options after the time.
type expireConditions struct{ nx, xx, gt, lt bool }

// setExpiry makes the key expire at base plus argument 2 times unit, in
// milliseconds, or deletes it where that is past.
func setExpiry(c *engine.Ctx, base, unit int64) {
	conditions, ok := parseConditions(c)
	if !ok {
		return
	}
	when, ok := c.Int(2)
	if !ok {
		return
	}
	if when > math.MaxInt64/unit || when < math.MinInt64/unit || when*unit > math.MaxInt64-base {
		c.Out.Error(reply.InvalidExpire(c.Name))
		return
	}
	when = when*unit + base
	r := c.Find()
	if r == 0 || !conditions.hold(c.KS.Expiry(r), when) {
		c.Out.Int(0)
		return
	}
	if when <= c.Now() {
		c.KS.Remove(&c.Key, r)
		c.Changed(engine.NotifyGeneric, "del")
	} else {
		c.KS.SetExpiry(&c.Key, r, when)
		c.Changed(engine.NotifyGeneric, "expire")
	}
	c.Out.Int(1)
}

func parseConditions(c *engine.Ctx) (o expireConditions, ok bool) {
	for i := 3; i < len(c.Args); i++ {
		switch {
		case c.Is(i, "NX"):
			o.nx = true
		case c.Is(i, "XX"):
			o.xx = true
		case c.Is(i, "GT"):
			o.gt = true
		case c.Is(i, "LT"):
			o.lt = true
		default:
			c.Out.Error(unsupported(c.Args[i]))
			return o, false
		}
	}
	switch {
	case o.nx && (o.xx || o.gt || o.lt):
		c.Out.Error(errExpireNX)
		return o, false
	case o.gt && o.lt:
		c.Out.Error(errExpireGTLT)
		return o, false
	}
	return o, true
}

// hold tells whether a key that expires at present, 0 for never, may get the
// expiry when. Never is later than any time.
func (o *expireConditions) hold(present, when int64) bool {
	switch {
	case o.nx && present != 0, o.xx && present == 0:
		return false
	case o.gt && (present == 0 || when <= present):
		return false
	case o.lt && present != 0 && when >= present:
		return false
	}
	return true
}
