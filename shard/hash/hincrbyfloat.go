package hash

import (
	"github.com/troupedb/troupe/shard/command"
	"github.com/troupedb/troupe/shard/data/num"
	"github.com/troupedb/troupe/shard/engine"
	"github.com/troupedb/troupe/shard/reply"
)

var hincrbyfloatRow = command.Row{
	Name:       "hincrbyfloat",
	Group:      command.GroupHash,
	Since:      "2.6.0",
	Summary:    "Adds a floating-point number to a field",
	Complexity: "O(1)",
	Arity:      4,
	Flags:      command.Write | command.DenyOOM | command.Fast,
	ACL:        command.CatHash,
	Keys:       command.Key1(command.RW | command.Access | command.Update),
	Route:      command.RouteSingle,
	Args: []command.Arg{
		{Name: "key", Type: command.ArgKey},
		{Name: "field", Type: command.ArgString},
		{Name: "increment", Type: command.ArgDouble},
	},
}

const (
	errHashNotFloat   reply.Error = "ERR hash value is not a float"
	errFloatNotFinite reply.Error = "ERR value is NaN or Infinity"
)

func hincrbyfloat(c *engine.Ctx) {
	delta, ok := num.ParseLongDouble(c.Args[3])
	if !ok {
		c.Out.Error(reply.ErrNotFloat)
		return
	}
	if delta.IsInf() {
		c.Out.Error(errFloatNotFinite)
		return
	}
	h, ok := ensure(c)
	if !ok {
		return
	}
	old, ok := h.longDouble(c.Args[2])
	if !ok {
		c.Out.Error(errHashNotFloat)
		return
	}
	sum, err := num.AddLong(nil, &old, &delta)
	if err != nil {
		c.Out.Error(reply.ErrNaNOrInfinity)
		return
	}
	h.Set(c.Cfg, c.Args[2], sum)
	c.Changed(engine.NotifyHash, "hincrbyfloat")
	c.Out.Bulk(sum)
}

// longDouble returns the number that a field's value is the text of, 0 for a
// field that is not there.
func (h *Hash) longDouble(field []byte) (d num.LongDouble, ok bool) {
	v, found := h.Get(field)
	switch {
	case !found:
		return num.LongDoubleFromInt(0), true
	case v.IsInt():
		return num.LongDoubleFromInt(v.Int), true
	}
	return num.ParseLongDouble(v.Str)
}
