package str

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
)

var getexRow = command.Row{
	Name:       "getex",
	Group:      command.GroupString,
	Since:      "6.2.0",
	Summary:    "The value of a string, whose time to live may be changed",
	Complexity: "O(1)",
	Arity:      -2,
	Flags:      command.Write | command.Fast,
	ACL:        command.CatString,
	Keys: []command.KeySpec{
		{Access: command.RW | command.Access | command.Update, Begin: command.Begin{Index: 1}, Find: command.Find{Step: 1}, Notes: "May change the time to live"},
	},
	Route: command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "expiration", Type: command.ArgOneOf, Optional: true, Args: []command.Arg{
			{Name: "seconds", Type: command.ArgInteger, Token: "EX"},
			{Name: "milliseconds", Type: command.ArgInteger, Token: "PX"},
			{Name: "unix-time-seconds", Type: command.ArgUnixTime, Token: "EXAT"},
			{Name: "unix-time-milliseconds", Type: command.ArgUnixTime, Token: "PXAT"},
			{Name: "persist", Type: command.ArgPureToken, Token: "PERSIST"},
		}},
	},
}

func getex(c *engine.Ctx) {
	expire, persist, ok := parseGetex(c)
	if !ok {
		return
	}
	r, ok := c.FindString()
	if !ok {
		return
	}
	if r == 0 {
		c.Out.Null()
		return
	}
	expiry, ok := expire.at(c)
	if !ok {
		return
	}
	writeString(c, r)
	switch {
	case expire.absolute && expiry <= c.Now():
		c.KS.Remove(&c.Key, r)
		c.Changed(engine.NotifyGeneric, "del")
	case expire.unit != 0:
		c.KS.SetExpiry(&c.Key, r, expiry)
		c.Changed(engine.NotifyGeneric, "expire")
	case persist && c.KS.Expiry(r) != 0:
		c.KS.SetExpiry(&c.Key, r, 0)
		c.Changed(engine.NotifyGeneric, "persist")
	}
}

func parseGetex(c *engine.Ctx) (expire expireOption, persist, ok bool) {
	for i := 2; i < len(c.Args); i++ {
		switch {
		case c.Is(i, "PERSIST") && expire.unit == 0:
			persist = true
		case !persist && expire.parse(c, i):
			i++
		default:
			c.Out.Error(reply.ErrSyntax)
			return expire, persist, false
		}
	}
	return expire, persist, true
}
