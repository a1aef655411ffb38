package hash

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/data/num"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
)

var hincrbyRow = command.Row{
	Name:       "hincrby",
	Group:      command.GroupHash,
	Since:      "2.0.0",
	Summary:    "Adds an integer to a field",
	Complexity: "O(1)",
	Arity:      4,
	Flags:      command.Write | command.DenyOOM | command.Fast,
	ACL:        command.CatHash,
	Keys:       command.Key1(command.RW | command.Access | command.Update),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "field", Type: command.ArgString},
		{Name: "increment", Type: command.ArgInteger},
	},
}

const errHashNotInteger reply.Error = "ERR hash value is not an integer"

func hincrby(c *engine.Ctx) {
	delta, ok := c.Int(3)
	if !ok {
		return
	}
	h, ok := ensure(c)
	if !ok {
		return
	}
	n, ok := h.integer(c.Args[2])
	if !ok {
		c.Out.Error(errHashNotInteger)
		return
	}
	sum := n + delta
	if delta > 0 && sum < n || delta < 0 && sum > n {
		c.Out.Error(reply.ErrOverflow)
		return
	}
	var digits [num.MaxIntLen]byte
	h.Set(c.Cfg, c.Args[2], num.AppendInt(digits[:0], sum))
	c.Changed(engine.NotifyHash, "hincrby")
	c.Out.Int(sum)
}

// integer returns the integer that a field's value is the text of, 0 for a field
// that is not there.
func (h *Hash) integer(field []byte) (n int64, ok bool) {
	v, found := h.Get(field)
	switch {
	case !found:
		return 0, true
	case v.IsInt():
		return v.Int, true
	}
	return num.ParseInt(v.Str)
}
