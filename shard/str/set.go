package str

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/keyspace"
	"github.com/troupedb/troupe/shard/reply"
)

var setRow = command.Row{
	Name:       "set",
	Group:      command.GroupString,
	Since:      "1.0.0",
	Summary:    "Sets a string, perhaps on a condition and with a time to live",
	Complexity: "O(1)",
	Arity:      -3,
	Flags:      command.Write | command.DenyOOM,
	ACL:        command.CatString,
	Keys: []command.KeySpec{
		{Access: command.RW | command.Access | command.Update | command.VariableFlags, Begin: command.Begin{Index: 1}, Find: command.Find{Step: 1}, Notes: "Reads the old value where GET is given"},
	},
	Route: command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "value", Type: command.ArgString},
		{Name: "condition", Type: command.ArgOneOf, Since: "2.6.12", Optional: true, Args: []command.Arg{
			{Name: "nx", Type: command.ArgPureToken, Token: "NX"},
			{Name: "xx", Type: command.ArgPureToken, Token: "XX"},
		}},
		{Name: "get", Type: command.ArgPureToken, Token: "GET", Since: "6.2.0", Optional: true},
		{Name: "expiration", Type: command.ArgOneOf, Optional: true, Args: []command.Arg{
			{Name: "seconds", Type: command.ArgInteger, Token: "EX", Since: "2.6.12"},
			{Name: "milliseconds", Type: command.ArgInteger, Token: "PX", Since: "2.6.12"},
			{Name: "unix-time-seconds", Type: command.ArgUnixTime, Token: "EXAT", Since: "6.2.0"},
			{Name: "unix-time-milliseconds", Type: command.ArgUnixTime, Token: "PXAT", Since: "6.2.0"},
			{Name: "keepttl", Type: command.ArgPureToken, Token: "KEEPTTL", Since: "6.0.0"},
		}},
	},
	History: []command.Change{
		{Since: "2.6.12", What: "Takes `EX`, `PX`, `NX` and `XX`."},
		{Since: "6.0.0", What: "Takes `KEEPTTL`."},
		{Since: "6.2.0", What: "Takes `GET`, `EXAT` and `PXAT`."},
		{Since: "7.0.0", What: "`NX` and `GET` go together."},
	},
}

// setOptions are what follows key and value.
type setOptions struct {
	nx, xx, get, keepTTL bool
	expire               expireOption
}

func set(c *engine.Ctx) {
	if len(c.Args) == 3 { // by far the most frequent form
		Put(c, c.Find(), c.Args[2], 0)
		c.Changed(engine.NotifyString, "set")
		c.Out.OK()
		return
	}
	o, ok := parseSet(c)
	if !ok {
		return
	}
	expiry, ok := o.expire.at(c)
	if !ok {
		return
	}
	setWith(c, &o, expiry)
}

func setWith(c *engine.Ctx, o *setOptions, expiry int64) {
	r := c.Find()
	if o.get && r != 0 && c.KS.Kind(r) != keyspace.String {
		c.Out.Error(reply.ErrWrongType)
		return
	}
	written := !(o.nx && r != 0 || o.xx && r == 0)
	if o.get {
		writeString(c, r)
	}
	if !written {
		if !o.get {
			c.Out.Null()
		}
		return
	}
	if o.keepTTL && r != 0 {
		expiry = c.KS.Expiry(r)
	}
	Put(c, r, c.Args[2], expiry)
	c.Changed(engine.NotifyString, "set")
	if o.expire.unit != 0 {
		c.Notify(engine.NotifyGeneric, "expire")
	}
	if !o.get {
		c.Out.OK()
	}
}

func parseSet(c *engine.Ctx) (o setOptions, ok bool) {
	for i := 3; i < len(c.Args); i++ {
		switch {
		case c.Is(i, "NX") && !o.xx:
			o.nx = true
		case c.Is(i, "XX") && !o.nx:
			o.xx = true
		case c.Is(i, "GET"):
			o.get = true
		case c.Is(i, "KEEPTTL") && o.expire.unit == 0:
			o.keepTTL = true
		case !o.keepTTL && o.expire.parse(c, i):
			i++
		default:
			c.Out.Error(reply.ErrSyntax)
			return o, false
		}
	}
	return o, true
}
